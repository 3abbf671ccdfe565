// SPDX-License-Identifier: GPL-2.0-only
/*
 * A student's program on the stage, and what is said about it. The program and all that it
 * forks live in a PID namespace of their own, whose first process is ours: killing that one
 * ends them all. Under sudo it runs as the user who called sudo.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/caller.h"
#include "../lib/tr.h"
#include "../lib/wrap.h"
#include "../talk.h"
#include "exercise.h"
#include "run.h"
#include "traffic.h"

static char **program;		/* of the command line; the stage inherits it */
static pid_t keeper;		/* first process of its namespace; 0: none */

/* ---- on the stage ---- */

__attribute__((noreturn))
static void run_program(void)
{
	struct caller as;

	signal(SIGPIPE, SIG_DFL);
	dup2(STDERR_FILENO, STDOUT_FILENO);	/* standard output is the verdict's */
	if (caller_find(&as, NULL)) {
		talk(_("SUDO_UID and SUDO_GID do not say who called sudo, and so as whom the program is to run"));
		_exit(126);
	}
	errno = -caller_become(&as);
	if (!errno)
		execvp(program[0], program);
	fprintf(stderr, "tcptrace: %s: %s\n", program[0], strerror(errno));
	_exit(127);
}

/* Ends with the program, and with it all that is left in the namespace. */
__attribute__((noreturn))
static void keep(void)
{
	pid_t pid, ended;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	role("keeper");
	pid = fork();
	if (pid == 0)
		run_program();
	do {
		ended = wait(NULL);
	} while (ended > 0 && ended != pid);
	_exit(0);
}

static bool keeper_ended(void)
{
	if (keeper && waitpid(keeper, NULL, WNOHANG) == keeper)
		keeper = 0;
	return !keeper;
}

struct start {
	uint64_t until_ns;
};

static bool listens_or_not(void *arg)
{
	const struct start *w = arg;

	return proc_row(EXERCISE_PORT, 0).state == TCP_LISTEN || keeper_ended() || now_ns() > w->until_ns;
}

bool program_started(struct stage *s)
{
	struct start w = { now_ns() + EXERCISE_PATIENCE * 1000000ull };

	/* fork() into a new namespace; unshare() does that only once */
	keeper = (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);
	if (keeper == 0)
		keep();
	if (keeper < 0)
		stage_fail(s, N_("cannot make a PID namespace: %s"), strerror(errno));
	wait_for(s, listens_or_not, &w, N_("the program to listen"));
	return proc_row(EXERCISE_PORT, 0).state == TCP_LISTEN;
}

void program_start(struct stage *s)
{
	if (program_started(s))
		return;
	if (!keeper)
		stage_fail(s, N_("the program ended without listening on port %d"), EXERCISE_PORT);
	stage_fail(s, N_("the program did not listen on port %d within %d s"), EXERCISE_PORT,
	  EXERCISE_PATIENCE / 1000);
}

void program_kill(struct stage *s)
{
	(void)s;
	if (!keeper)
		return;
	kill(keeper, SIGKILL);
	while (waitpid(keeper, NULL, 0) < 0 && errno == EINTR)
		;
	keeper = 0;
}

/* ---- its clients ---- */

int come(struct stage *s)
{
	return tcp_client(s, LOCAL, 0, LOCAL, EXERCISE_PORT);
}

bool writable(int fd)
{
	struct pollfd p = { fd, POLLOUT, 0 };

	return poll(&p, 1, EXERCISE_PATIENCE) == 1 && !(p.revents & (POLLERR | POLLHUP));
}

/* Any answer, within the patience. */
bool answered(int fd)
{
	struct pollfd p = { fd, POLLIN, 0 };
	char text[256];

	return poll(&p, 1, EXERCISE_PATIENCE) == 1 && recv(fd, text, sizeof(text), 0) > 0;
}

bool queue_empty(void *until_ns)
{
	uint64_t *until = until_ns;

	return !proc_row(EXERCISE_PORT, 0).recv_q || now_ns() > *until;
}

/* ---- which there are ---- */

#define ROW(symbol) &exercise_##symbol,
static const struct lab *const exercises[] = { EXERCISES(ROW) };
#undef ROW
#define EXERCISE_COUNT	(sizeof(exercises) / sizeof(exercises[0]))

static const struct lab *by_name(const char *name)
{
	for (size_t i = 0; i < EXERCISE_COUNT; i++) {
		if (!strcmp(exercises[i]->name, name))
			return exercises[i];
	}
	return NULL;
}

static void list(struct out *out)
{
	unsigned int columns = lab_columns(out);

	for (size_t i = 0; i < EXERCISE_COUNT; i++) {
		out_mem(out, "  ", 2);
		out_str_pad(out, exercises[i]->name, 12);
		out_wrapped_from(out, tr(exercises[i]->question), 14, 14, columns);
	}
	out_line_end(out);
	out_wrapped(out, _("tcptrace lab check NAME tells what the exercise wants; sudo tcptrace lab check "
			   "NAME -- PROGRAM tries a program: exit status 0 if it is right, 1 if it is wrong."), 0,
		  columns);
}

/* ---- the verdict ---- */

static void show_head(struct out *out, const struct lab *exercise)
{
	unsigned int columns = lab_columns(out);
	char title[64];

	snprintf(title, sizeof(title), "== check %s: ", exercise->name);
	out_str(out, title);
	out_wrapped_from(out, tr(exercise->question), text_columns(title), 3, columns);
	out_wrapped(out, tr(exercise->setup), 0, columns);
	out_line_end(out);
}

static void show_claim(struct out *out, const struct claim *c)
{
	lab_put_labelled(out, _("Wanted"), tr(c->text));
	lab_put_labelled(out, _("Measured"), c->answer);
	lab_put_labelled(out, _("Verdict"), c->holds ? _("right") : _("wrong"));
	if (!c->holds)
		lab_put_labelled(out, _("Hint"), tr(c->why));
	out_line_end(out);
}

/* A program that did not even begin has no claims, and an error that says so. */
static void show(struct out *out, const struct lab_run *r)
{
	bool right = r->ok;

	show_head(out, r->lab);
	for (unsigned int i = 0; i < r->nclaims; i++)
		show_claim(out, &r->claims[i]);
	if (!right && !r->nclaims)
		lab_put_labelled(out, _("Wrong"), r->error);
	lab_put_labelled(out, r->lab->name, right ? _("right") : _("wrong"));
	out_flush(out);
}

int run_check(struct session *s)
{
	const struct lab *exercise = s->o->exercise ? by_name(s->o->exercise) : NULL;
	struct lab_run r;
	int err;

	if (!s->o->exercise) {
		list(s->out);
		return 0;
	}
	if (!exercise) {
		talk(_("lab: there is no exercise '%s'; 'tcptrace lab check' lists them"), s->o->exercise);
		s->usage = true;
		return -EINVAL;
	}
	if (!s->o->program) {
		show_head(s->out, exercise);
		return 0;
	}
	program = s->o->program;
	err = lab_perform(&r, s->o, exercise);
	if (err != -EINTR && s->o->json)
		lab_show_json(s->out, &r);
	else if (err != -EINTR)
		show(s->out, &r);
	s->tally.failed |= !r.ok;
	lab_forget(&r);
	return err;
}
