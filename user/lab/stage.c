// SPDX-License-Identifier: GPL-2.0-only
/*
 * Forking the stage before the capture opens gives the tracer the inode number
 * to filter by. The child is one process with threads, no children of its own:
 * one kill() ends all, and the namespace, which nothing else holds, with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../source/netns.h"
#include "stage.h"

/*
 * Where no hook tells a step, the tracer finds it by looking once a second, but never for more
 * than a hundredth of its time: on a starved machine that may be twice a minute. So ask.
 */
#define LOOK_NS		1500000000ull
#define SOON_NS		200000000ull

static void (*program)(struct stage *s);

void stage_program(void (*play)(struct stage *s))
{
	program = play;
}

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

void sleep_us(unsigned int us)
{
	struct timespec ts = { us / 1000000, us % 1000000 * 1000L };

	nanosleep(&ts, NULL);
}

void role(const char *name)
{
	prctl(PR_SET_NAME, name);
}

void fact(struct stage *s, int64_t value, const char *key, ...)
{
	struct board *b = s->board;
	va_list ap;

	if (b->nfacts == STAGE_FACTS)
		stage_fail(s, N_("more than %d facts"), STAGE_FACTS);
	va_start(ap, key);
	vsnprintf(b->facts[b->nfacts].key, sizeof(b->facts[0].key), key, ap);
	va_end(ap);
	b->facts[b->nfacts].value = value;
	__atomic_add_fetch(&b->nfacts, 1, __ATOMIC_RELEASE);
}

void stage_fail(struct stage *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->board->error, sizeof(s->board->error), tr(fmt), ap);
	va_end(ap);
	_exit(1);
}

void stage_skip(struct stage *s, const char *why)
{
	s->board->skipped = 1;
	stage_fail(s, "%s", tr(why));
}

void wait_for(struct stage *s, bool (*check)(void *arg), void *arg, const char *what)
{
	uint64_t began = now_ns(), waited;

	while (!check(arg)) {
		waited = now_ns() - began;
		if (waited > STAGE_PATIENCE * 1000000ull)
			stage_fail(s, N_("waited %d s for: %s"), STAGE_PATIENCE / 1000, tr(what));
		sleep_us(waited < SOON_NS ? 200 : 5000);	/* what takes long is not asked for often */
	}
}

uint32_t seen(const struct stage *s, unsigned int event)
{
	return __atomic_load_n(&s->board->seen[event], __ATOMIC_ACQUIRE);
}

struct seen_wait {
	const struct stage *s;
	unsigned int event;
	uint32_t count;
	uint64_t look_ns;		/* when to ask for a look */
};

static bool enough_seen(void *arg)
{
	struct seen_wait *w = arg;

	if (now_ns() > w->look_ns) {
		__atomic_store_n(&w->s->board->look, 1, __ATOMIC_RELEASE);
		w->look_ns = now_ns() + LOOK_NS;
	}
	return seen(w->s, w->event) >= w->count;
}

void wait_seen(struct stage *s, unsigned int event, uint32_t count)
{
	struct seen_wait w = { s, event, count, now_ns() + LOOK_NS };
	char what[64];

	snprintf(what, sizeof(what), _("the tracer to see event %u, %u times"), event, count);
	wait_for(s, enough_seen, &w, what);
}

/* ---- the child ---- */

static void child_signals(void)
{
	static const int dull[] = { SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGWINCH };

	for (size_t i = 0; i < sizeof(dull) / sizeof(dull[0]); i++)
		signal(dull[i], SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
}

__attribute__((noreturn))
static void child_main(struct stage *s, pid_t parent, int ready, int go)
{
	char byte;
	int err;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	setpgid(0, 0);			/* Ctrl-C is for the tracer, which then ends us */
	child_signals();
	role("lab");		/* of the process, too, which is server and client at once */
	err = netns_make();
	if (err)
		stage_fail(s, N_("cannot make a network namespace: %s"), strerror(-err));
	s->board->netns = netns_here();
	if (write(ready, "", 1) != 1 || read(go, &byte, 1) != 1)
		_exit(1);
	program(s);
	__atomic_store_n(&s->board->done, 1, __ATOMIC_RELEASE);
	for (;;)
		pause();		/* what play() left open must not close by itself */
}

/* ---- the tracer's side ---- */

static void drop(struct stage *s)
{
	if (s->board)
		munmap(s->board, sizeof(*s->board));
	s->board = NULL;
}

int stage_open(struct stage *s)
{
	int ready[2], go[2];
	pid_t parent = getpid();
	struct pollfd p;
	char byte;

	memset(s, 0, sizeof(*s));
	s->board = mmap(NULL, sizeof(*s->board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s->board == MAP_FAILED)
		return -ENOMEM;
	if (pipe2(ready, O_CLOEXEC) || pipe2(go, O_CLOEXEC))
		return -errno;
	s->pid = fork();
	if (s->pid == 0) {
		close(ready[0]);
		close(go[1]);
		child_main(s, parent, ready[1], go[0]);
	}
	close(ready[1]);
	close(go[0]);
	s->ready = ready[0];
	s->go = go[1];
	if (s->pid < 0)
		return -errno;
	p = (struct pollfd){ s->ready, POLLIN, 0 };
	if (poll(&p, 1, STAGE_PATIENCE) != 1)
		return errno == EINTR ? -EINTR : -ETIMEDOUT;
	return read(s->ready, &byte, 1) == 1 ? 0 : -ECHILD;
}

int stage_play(struct stage *s)
{
	return write(s->go, "", 1) == 1 ? 0 : -errno;
}

bool stage_ended(struct stage *s)
{
	siginfo_t info = { .si_pid = 0 };

	if (__atomic_load_n(&s->board->done, __ATOMIC_ACQUIRE))
		return true;
	return waitid(P_PID, (id_t)s->pid, &info, WEXITED | WNOHANG | WNOWAIT) || info.si_pid;
}

void stage_close(struct stage *s)
{
	if (s->pid > 0) {
		kill(s->pid, SIGKILL);
		while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
			;
		close(s->ready);
		close(s->go);
	}
	drop(s);
}
