// SPDX-License-Identifier: GPL-2.0-only
/* The exercises: what clients do to a student's server, and what it must do then. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exercise.h"
#include "traffic.h"

static int come(struct stage *s)
{
	return tcp_client(s, LOCAL, 0, LOCAL, EXERCISE_PORT);
}

static bool writable(int fd)
{
	struct pollfd p = { fd, POLLOUT, 0 };

	return poll(&p, 1, EXERCISE_PATIENCE) == 1 && !(p.revents & (POLLERR | POLLHUP));
}

/* Any answer, within the patience. */
static bool answered(int fd)
{
	struct pollfd p = { fd, POLLIN, 0 };
	char text[256];

	return poll(&p, 1, EXERCISE_PATIENCE) == 1 && recv(fd, text, sizeof(text), 0) > 0;
}

static void pass_ms(unsigned int ms)
{
	sleep_us(ms * 1000);
}

/* ---- waiting ---- */

#define WAIT_FOR	5
#define WAIT_CLIENTS	12

/* So long the program must not have accepted any. */
static void waiting_play(struct stage *s)
{
	program_start(s);
	for (int i = 0; i < WAIT_CLIENTS; i++)
		come(s);
	pass_ms(500);
	fact(s, proc_row(EXERCISE_PORT, 0).recv_q, "waiting");
	fact(s, (int64_t)sockets_in(EXERCISE_PORT, TCP_ESTABLISHED), "established");
}

static void waiting_judge(struct lab_run *r)
{
	unsigned int peak = lab_acceptq_peak(r, EXERCISE_PORT);
	unsigned int accepted = COUNT(r, .event = TCPTRACE_ACCEPTQ_DEL, .lport = EXERCISE_PORT);

	lab_claim(r, N_("Exactly five connections can wait."), CONFIRMED,
		  N_("listen(fd, n) holds one connection more than n."), lab_fact(r, "waiting") == WAIT_FOR &&
		  peak == WAIT_FOR,
		  N_("Of %d clients %lld were in the accept queue in the end, at most %u at once."), WAIT_CLIENTS,
		  (long long)lab_fact(r, "waiting"), peak);
	lab_claim(r, N_("None of them is accepted."), CONFIRMED, N_("The program must not call accept()."),
		  !accepted,
		  N_("%u were taken out of the queue."), accepted);
}

const struct lab exercise_waiting = {
	.name = "waiting",
	.question = N_("exactly five connections can wait"),
	.setup = N_("Write a server that listens on port 8001 and never calls accept(), so that exactly five "
		    "connections can wait. Twelve clients will come."),
	.play = waiting_play,
	.judge = waiting_judge,
};

/* ---- quick ---- */

#define QUICK_CLIENTS	11
#define QUICK_ROUNDS	3
#define QUICK_THINK_MS	100
#define QUICK_LIMIT_MS	10

/* All come at once, and think before they say something. */
static unsigned int quick_round(struct stage *s)
{
	int fd[QUICK_CLIENTS];
	unsigned int n = 0;

	for (int i = 0; i < QUICK_CLIENTS; i++)
		fd[i] = come(s);
	for (int i = 0; i < QUICK_CLIENTS; i++)
		n += writable(fd[i]);
	pass_ms(QUICK_THINK_MS);
	for (int i = 0; i < QUICK_CLIENTS; i++) {
		if (write(fd[i], "hello\n", 6) != 6)
			n = 0;
	}
	for (int i = 0; i < QUICK_CLIENTS; i++) {
		n -= n && !answered(fd[i]);
		close(fd[i]);
	}
	return n;
}

static void quick_play(struct stage *s)
{
	program_start(s);
	for (int i = 0; i < QUICK_ROUNDS; i++) {
		fact(s, (int64_t)now_ns(), "round.%d", i);
		fact(s, quick_round(s), "answered.%d", i);
		pass_ms(50);
	}
	fact(s, (int64_t)now_ns(), "round.%d", QUICK_ROUNDS);
}

/* The longest wait in the accept queue among those that came in that round; ms. */
static double longest_wait(struct lab_run *r, int round)
{
	char from[16], to[16];
	const struct lab_event *e;
	uint64_t most = 0;

	snprintf(from, sizeof(from), "round.%d", round);
	snprintf(to, sizeof(to), "round.%d", round + 1);
	for (size_t i = 0; (e = lab_at(r, i)); i++) {
		if (e->event == TCPTRACE_ACCEPTQ_DEL && e->lport == EXERCISE_PORT &&
		    (int64_t)(e->t_ns - e->dur_ns) > lab_fact(r, from) && (int64_t)e->t_ns < lab_fact(r, to) &&
		    e->dur_ns > most)
			most = e->dur_ns;
	}
	return (double)most / 1e6;
}

static void quick_judge(struct lab_run *r)
{
	double best = 0, one;
	bool all = true;
	char key[16];

	/* a busy machine may make one round slow, a server that waits for a client makes all of them so */
	for (int i = 0; i < QUICK_ROUNDS; i++) {
		snprintf(key, sizeof(key), "answered.%d", i);
		all &= lab_fact(r, key) == QUICK_CLIENTS;
		one = longest_wait(r, i);
		best = !i || one < best ? one : best;
	}
	lab_claim(r, N_("Every client gets an answer."), CONFIRMED,
		  N_("Read what each client says, and write something back, whoever speaks first."), all,
		  N_("%lld, %lld and %lld of %d clients got one, in three rounds."), (long long)lab_fact(r,
		  "answered.0"),
		  (long long)lab_fact(r, "answered.1"), (long long)lab_fact(r, "answered.2"), QUICK_CLIENTS);
	lab_claim(r, N_("Nobody waits in the accept queue for longer than 10 ms."), CONFIRMED,
		  N_("While the server waits for one client to speak it must be able to accept another: "
		     "poll(), epoll, a thread or a process for each."), all && best <= QUICK_LIMIT_MS,
		  N_("The longest wait was %.3f ms, in the best of three rounds; the clients thought for %d "
		     "ms."), best,
		  QUICK_THINK_MS);
}

const struct lab exercise_quick = {
	.name = "quick",
	.question = N_("nobody waits longer than 10 ms"),
	.setup = N_("Write a server on port 8001 that answers anything to each client that has sent a line. "
		    "Eleven clients come at once, and each thinks for 100 ms before it sends; still none may "
		    "wait in the accept queue for longer than 10 ms."),
	.play = quick_play,
	.judge = quick_judge,
};

/* ---- closing ---- */

#define CLOSING_CLIENTS	7

static bool no_close_wait(void *arg)
{
	uint64_t *until = arg;

	return !sockets_in(EXERCISE_PORT, TCP_CLOSE_WAIT) || now_ns() > *until;
}

static void closing_play(struct stage *s)
{
	uint64_t until;
	unsigned int n = 0;

	program_start(s);
	for (int i = 0; i < CLOSING_CLIENTS; i++) {
		int fd = come(s);

		n += writable(fd) && write(fd, "hello\n", 6) == 6 && answered(fd);
		close(fd);
	}
	fact(s, n, "answered");
	until = now_ns() + EXERCISE_PATIENCE / 2 * 1000000ull;
	wait_for(s, no_close_wait, &until, N_("CLOSE_WAIT to end"));
	fact(s, sockets_in(EXERCISE_PORT, TCP_CLOSE_WAIT), "close_wait");
	fact(s, proc_row(EXERCISE_PORT, 0).state == TCP_LISTEN, "listens");
}

static void closing_judge(struct lab_run *r)
{
	int64_t left = lab_fact(r, "close_wait");

	lab_claim(r, N_("Every client gets an answer."), CONFIRMED, N_("Serve the clients, as many as come."),
		  lab_fact(r, "answered") == CLOSING_CLIENTS, N_("%lld of %d clients got one."),
		  (long long)lab_fact(r, "answered"), CLOSING_CLIENTS);
	lab_claim(r, N_("Nothing is left in CLOSE_WAIT."), CONFIRMED,
		  N_("When read() returns 0 the client has closed: close() your socket, too. With fork(), in "
		     "the parent as well."), !left, N_("%lld connections were in CLOSE_WAIT 5 s after the "
						       "last client had closed."),
		  (long long)left);
	lab_claim(r, N_("The server goes on listening."), CONFIRMED, N_("Close the accepted socket, not the "
									"listening one."),
		  lab_fact(r, "listens"), N_("In the end the port was %s."), lab_fact(r, "listens") ? _("open") :
		  _("closed"));
}

const struct lab exercise_closing = {
	.name = "closing",
	.question = N_("no CLOSE_WAIT is left"),
	.setup = N_("Write a server on port 8001 that answers anything to each client that has sent a line, "
		    "and leaves no socket in CLOSE_WAIT when the client closes. Seven clients come, one after "
		    "the other."),
	.play = closing_play,
	.judge = closing_judge,
};

/* ---- restart ---- */

static bool in_time_wait(void *arg)
{
	(void)arg;
	return sockets_in(EXERCISE_PORT, TCP_TIME_WAIT) > 0;
}

struct patience {
	uint16_t client;
	uint64_t until_ns;
};

/* A process has the server's end, or the time is over. */
static bool accepted_or_not(void *arg)
{
	struct patience *p = arg;

	return proc_row(EXERCISE_PORT, p->client).inode || now_ns() > p->until_ns;
}

static void restart_play(struct stage *s)
{
	struct patience p;
	bool accepted;
	int fd;

	program_start(s);
	fd = come(s);
	p = (struct patience){ local_port(fd), now_ns() + EXERCISE_PATIENCE * 1000000ull };
	wait_for(s, accepted_or_not, &p, N_("the client to be accepted"));
	accepted = proc_row(EXERCISE_PORT, p.client).inode != 0;
	fact(s, accepted, "accepted");
	if (!accepted)
		return;
	program_kill(s);		/* its end closes first, so its end gets TIME_WAIT */
	close(fd);
	wait_for(s, in_time_wait, NULL, N_("the server's port to be in TIME_WAIT"));
	fact(s, program_started(s), "again");
	fact(s, sockets_in(EXERCISE_PORT, TCP_TIME_WAIT), "time_wait");
}

static void restart_judge(struct lab_run *r)
{
	bool accepted = lab_fact(r, "accepted");

	lab_claim(r, N_("The server accepts a client."), CONFIRMED, N_("Call accept()."), accepted,
		  accepted ? N_("It did.") : N_("It did not, within 10 s."));
	if (!accepted)
		return;
	lab_claim(r, N_("Killed and started again, the server listens at once."), CONFIRMED,
		  N_("Set SO_REUSEADDR on the socket before bind()."), lab_fact(r, "again") && lab_fact(r,
		  "time_wait"),
		  N_("With a connection of its port in TIME_WAIT the second start %s."),
		  lab_fact(r, "again") ? _("succeeded") : _("failed"));
}

const struct lab exercise_restart = {
	.name = "restart",
	.question = N_("it can be started again at once"),
	.setup = N_("Write a server that listens on port 8001 and accepts clients. It is killed while a client is connected, and "
		    "started again: that must not fail with EADDRINUSE."),
	.play = restart_play,
	.judge = restart_judge,
};

/* ---- crowd ---- */

#define CROWD		200

static bool queue_empty(void *arg)
{
	uint64_t *until = arg;

	return !proc_row(EXERCISE_PORT, 0).recv_q || now_ns() > *until;
}

static void crowd_play(struct stage *s)
{
	struct rlimit limit = { 4096, 4096 };
	int *fd = calloc(CROWD, sizeof(*fd));
	unsigned int connected = 0, n = 0;
	uint64_t until;

	if (!fd)
		stage_fail(s, N_("out of memory"));
	setrlimit(RLIMIT_NOFILE, &limit);
	program_start(s);
	for (int i = 0; i < CROWD; i++) {
		fd[i] = come(s);
		connected += writable(fd[i]);
		until = now_ns() + EXERCISE_PATIENCE * 1000000ull;
		wait_for(s, queue_empty, &until, N_("a client to be accepted"));
		if (proc_row(EXERCISE_PORT, 0).recv_q)
			break;
	}
	for (unsigned int i = 0; i < connected; i++)	/* all are there; each speaks now */
		n += write(fd[i], "hello\n", 6) == 6 && (n == i ? answered(fd[i]) : false);
	fact(s, connected, "connected");
	fact(s, n, "answered");
	fact(s, sockets_in(EXERCISE_PORT, TCP_ESTABLISHED), "at_once");
	free(fd);
}

static void crowd_judge(struct lab_run *r)
{
	const struct lab_event *listening = FIND(r, .event = TCPTRACE_LISTEN, .lport = EXERCISE_PORT);

	lab_claim(r, N_("The server calls listen(fd, 1)."), CONFIRMED,
		  N_("The second argument of listen() is to be 1."),
		  listening->backlog == 1, N_("It called listen(fd, %d)."), listening->backlog);
	lab_claim(r, N_("It has 200 clients at once and answers each."), CONFIRMED,
		  N_("Accept a client as soon as it is there, and serve those who speak: a server that serves "
		     "one client to its end first never gets to the second."),
		  lab_fact(r, "connected") == CROWD && lab_fact(r, "answered") == CROWD,
		  N_("Of %d clients, who all stayed, %lld were connected and %lld got an answer."), CROWD,
		  (long long)lab_fact(r, "connected"), (long long)lab_fact(r, "answered"));
}

const struct lab exercise_crowd = {
	.name = "crowd",
	.question = N_("200 clients with listen(fd, 1)"),
	.setup = N_("Write a server on port 8001 that calls listen(fd, 1) and answers anything to each client "
		    "that has sent a line. 200 clients connect, one by one, stay, and only then speak."),
	.play = crowd_play,
	.judge = crowd_judge,
};

/* ---- half-close ---- */

#define HALF_BYTES	100000

/* What came back until the end, as far as it is what was sent. */
static int64_t read_echo(int fd, const char *sent, int *err)
{
	struct pollfd p = { fd, POLLIN, 0 };
	char chunk[4096];
	int64_t sum = 0;
	ssize_t n;

	for (*err = 0;;) {
		if (poll(&p, 1, EXERCISE_PATIENCE) != 1) {
			*err = ETIMEDOUT;
			return sum;
		}
		n = recv(fd, chunk, sizeof(chunk), 0);
		if (n <= 0) {
			*err = n ? errno : 0;
			return sum;
		}
		if (sum + n > HALF_BYTES || memcmp(chunk, sent + sum, (size_t)n)) {
			*err = EPROTO;
			return sum;
		}
		sum += n;
	}
}

static void half_close_play(struct stage *s)
{
	char *text = malloc(HALF_BYTES);
	int fd, err, sent = 0;
	struct pollfd p;
	ssize_t n;

	if (!text)
		stage_fail(s, N_("out of memory"));
	for (int i = 0; i < HALF_BYTES; i++)
		text[i] = (char)('a' + i % 26);
	program_start(s);
	fd = come(s);
	p = (struct pollfd){ fd, POLLOUT, 0 };
	while (sent < HALF_BYTES && poll(&p, 1, EXERCISE_PATIENCE) == 1) {
		n = send(fd, text + sent, (size_t)(HALF_BYTES - sent), 0);
		if (n <= 0)
			break;
		sent += (int)n;
	}
	shutdown(fd, SHUT_WR);
	fact(s, sent, "sent");
	fact(s, read_echo(fd, text, &err), "echoed");
	fact(s, err, "errno");
	free(text);
	pass_ms(50);
}

static void half_close_judge(struct lab_run *r)
{
	int64_t echoed = lab_fact(r, "echoed");
	int err = (int)lab_fact(r, "errno");
	unsigned int rst = COUNT(r, .event = TCPTRACE_RST_RECEIVED, .rport = EXERCISE_PORT);

	lab_claim(r, N_("The client gets back all that it sent, after it has closed its direction."), CONFIRMED,
		  N_("read() returning 0 means that the client sends no more, not that it is gone: answer "
		     "first, then close. write() may take less than it is given."), echoed == HALF_BYTES && !err,
		  N_("Of %lld bytes %lld came back (errno %d)."), (long long)lab_fact(r, "sent"),
		  (long long)echoed, err);
	lab_claim(r, N_("The connection ends with FINs, not with a RST."), CONFIRMED,
		  N_("close() with unread data sends a RST: read everything before you close."), !rst && !err,
		  N_("The client got %u RST."), rst);
}

const struct lab exercise_half_close = {
	.name = "half-close",
	.question = N_("half a close done right"),
	.setup = N_("Write a server on port 8001 that sends back to each client all that it has sent, once "
		    "the client has closed its sending direction with shutdown(fd, SHUT_WR); and closes then. "
		    "The client sends 100000 bytes."),
	.play = half_close_play,
	.judge = half_close_judge,
};
