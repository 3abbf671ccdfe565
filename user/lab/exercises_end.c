// SPDX-License-Identifier: GPL-2.0-only
/* Exercises about the end of connections, and of servers. */
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exercise.h"
#include "traffic.h"

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
		     "the parent as well."), !left,
		  N_("%lld connections were in CLOSE_WAIT 5 s after the last client had closed."),
		  (long long)left);
	lab_claim(r, N_("The server goes on listening."), CONFIRMED,
		  N_("Close the accepted socket, not the listening one."),
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
	.setup = N_("Write a server that listens on port 8001 and accepts clients. It is killed while a "
		    "client is connected, and started again: that must not fail with EADDRINUSE."),
	.play = restart_play,
	.judge = restart_judge,
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
	sleep_us(50 * 1000);
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
