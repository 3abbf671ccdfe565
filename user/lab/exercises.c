// SPDX-License-Identifier: GPL-2.0-only
/* Exercises about the accept queue: what clients do to a student's server, and what it must do then. */
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "exercise.h"
#include "traffic.h"

/* ---- waiting ---- */

#define WAIT_FOR	5
#define WAIT_CLIENTS	12

/* So long the program must not have accepted any. */
static void waiting_play(struct stage *s)
{
	program_start(s);
	for (int i = 0; i < WAIT_CLIENTS; i++)
		come(s);
	sleep_us(500 * 1000);
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
#define QUICK_LIMIT_MS	50	/* what one client costs the next is twice that; what a busy machine costs a fork(), less */

/* All come at once, and think before they say something. */
static unsigned int quick_round(struct stage *s)
{
	int fd[QUICK_CLIENTS];
	unsigned int n = 0;

	for (int i = 0; i < QUICK_CLIENTS; i++)
		fd[i] = come(s);
	for (int i = 0; i < QUICK_CLIENTS; i++)
		n += writable(fd[i]);
	sleep_us(QUICK_THINK_MS * 1000);
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
		sleep_us(50 * 1000);
	}
	fact(s, (int64_t)now_ns(), "round.%d", QUICK_ROUNDS);
}

/* The longest wait in the accept queue among those that came in that round; ms. */
static double longest_wait(struct lab_run *r, int round)
{
	char from[24], to[24];
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
	lab_claim(r, N_("Nobody waits in the accept queue for longer than 50 ms."), CONFIRMED,
		  N_("While the server waits for one client to speak it must be able to accept another: "
		     "poll(), epoll, a thread or a process for each."), all && best <= QUICK_LIMIT_MS,
		  N_("The longest wait was %.3f ms, in the best of three rounds; the clients thought for %d "
		     "ms."), best,
		  QUICK_THINK_MS);
}

const struct lab exercise_quick = {
	.name = "quick",
	.question = N_("nobody waits longer than 50 ms"),
	.setup = N_("Write a server on port 8001 that answers anything to each client that has sent a line. "
		    "Eleven clients come at once, and each thinks for 100 ms before it sends; still none may "
		    "wait in the accept queue for longer than 50 ms."),
	.play = quick_play,
	.judge = quick_judge,
};

/* ---- crowd ---- */

#define CROWD		200

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
