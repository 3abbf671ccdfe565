// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a close() with unread data loses. The server answers and closes without having read
 * the request: a short answer, one that is longer than what fits on the way, and the same
 * with the request read.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab.h"
#include "traffic.h"

#define CHUNK	65536
enum { SHORT = 8001, LONG, READ };
#define CLIENT(port)	((uint16_t)((port) + 32000))

struct pair {
	int server, client;
};

/* Connected, and the client's request of five bytes has arrived. */
static struct pair asked(struct stage *s, uint16_t port)
{
	int listener = tcp_listen(s, LOCAL, port, 8);
	struct pair p = { .client = tcp_client(s, LOCAL, CLIENT(port), LOCAL, port) };
	struct pollfd readable = { .events = POLLIN };
	struct call c;

	wait_acceptq(s, listener, 1);
	must_accept(s, listener, &c);
	p.server = readable.fd = c.ret;
	if (write(p.client, "hello", 5) != 5 || poll(&readable, 1, STAGE_PATIENCE) != 1)
		stage_fail(s, N_("the server got no data"));
	return p;
}

/* As much as the kernel takes while nobody reads. */
static int64_t write_much(struct stage *s, int fd)
{
	char *chunk = calloc(1, CHUNK);
	int64_t sum = 0;
	ssize_t n;

	if (!chunk)
		stage_fail(s, N_("out of memory"));
	while ((n = send(fd, chunk, CHUNK, MSG_DONTWAIT)) > 0)
		sum += n;
	free(chunk);
	return sum;
}

/* Until the end or an error, which it returns. */
static int64_t read_all(struct stage *s, int fd, int *err)
{
	struct pollfd readable = { fd, POLLIN, 0 };
	char *chunk = malloc(CHUNK);
	int64_t sum = 0;
	ssize_t n;

	if (!chunk)
		stage_fail(s, N_("out of memory"));
	for (;;) {
		n = read(fd, chunk, CHUNK);
		if (n < 0 && errno == EAGAIN && poll(&readable, 1, STAGE_PATIENCE) == 1)
			continue;
		if (n <= 0)
			break;
		sum += n;
	}
	*err = n < 0 ? errno : 0;
	free(chunk);
	return sum;
}

static void short_answer(struct stage *s)
{
	struct pair p = asked(s, SHORT);
	int err;

	if (write(p.server, "answer", 6) != 6)
		stage_fail(s, N_("the server could not write"));
	close(p.server);
	wait_state(s, p.client, TCP_CLOSE);	/* the RST has come; nothing has been read */
	fact(s, read_all(s, p.client, &err), "short.read");
	fact(s, err, "short.errno");
}

static void long_answer(struct stage *s)
{
	struct pair p = asked(s, LONG);
	int err;

	fact(s, write_much(s, p.server), "long.written");
	close(p.server);
	wait_state(s, p.client, TCP_CLOSE);
	fact(s, read_all(s, p.client, &err), "long.read");
	fact(s, err, "long.errno");
}

static void request_read(struct stage *s)
{
	struct pair p = asked(s, READ);
	char text[8];
	int err;

	if (read(p.server, text, sizeof(text)) != 5)
		stage_fail(s, N_("the server got no data"));
	fact(s, write_much(s, p.server), "request_read.written");
	close(p.server);
	fact(s, read_all(s, p.client, &err), "request_read.read");
	fact(s, err, "request_read.errno");
}

static void play(struct stage *s)
{
	short_answer(s);
	long_answer(s);
	request_read(s);
	wait_seen(s, TCPTRACE_RST_RECEIVED, 2);
}

/* ---- the answer ---- */

static void judge(struct lab_run *r)
{
	int64_t written = lab_fact(r, "long.written"), read = lab_fact(r, "long.read");
	unsigned int rst = COUNT(r, .event = TCPTRACE_RST_RECEIVED, .rport = SHORT) +
			   COUNT(r, .event = TCPTRACE_RST_RECEIVED, .rport = LONG);

	/* tcp_reset() (net/ipv4/tcp_input.c) sets sk_err and purges the write queue; sk_receive_queue stays */
	lab_claim(r, N_("When a RST arrives, what the program has not read yet is lost."), REFUTED, NULL,
		  lab_fact(r, "short.read") == 6 && lab_fact(r, "short.errno") == ECONNRESET && rst == 2,
		  N_("The server closed with 5 bytes unread and so sent a RST behind its answer. The client, "
		     "which had read nothing when the RST came, then read the 6 bytes of the answer; only the "
		     "next read() failed, with ECONNRESET."));
	lab_evidence(r, "read", lab_fact(r, "short.read"));
	lab_evidence(r, "errno", lab_fact(r, "short.errno"));
	/* __tcp_close() (net/ipv4/tcp.c): data_was_unread: TCP_CLOSE at once, inet_csk_destroy_sock() frees the rest */
	lab_claim(r, N_("What write() has taken arrives, even if the program closes at once."), DEPENDS,
		  N_("on data that the closing side has not read: if there is any, what is still in its send "
		     "buffer is lost"),
		  read < written && lab_fact(r, "long.errno") == ECONNRESET &&
		  lab_fact(r, "request_read.read") == lab_fact(r, "request_read.written") &&
		  !lab_fact(r, "request_read.errno"),
		  N_("The server wrote %lld bytes, more than the client could take at once, and closed with 5 "
		     "bytes unread: %lld arrived, then ECONNRESET. With the request read before, all of %lld "
		     "arrived after close(), and then the end."), (long long)written, (long long)read,
		  (long long)lab_fact(r, "request_read.read"));
	lab_evidence(r, "written", written);
	lab_evidence(r, "read", read);
	lab_evidence(r, "request_read.written", lab_fact(r, "request_read.written"));
	lab_evidence(r, "request_read.read", lab_fact(r, "request_read.read"));
	lab_claim(r, N_("A server that answers and closes need not read the request."), REFUTED, NULL,
		  lab_fact(r, "short.errno") == ECONNRESET && !lab_fact(r, "request_read.errno"),
		  N_("With the request unread the client ended with ECONNRESET, with the request read it "
		     "ended with 0, the end of the data."));
	lab_evidence(r, "unread_errno", lab_fact(r, "short.errno"));
	lab_evidence(r, "read_errno", lab_fact(r, "request_read.errno"));
}

static bool show(const struct lab_run *r, const struct lab_event *e)
{
	uint16_t port = e->listener ? e->lport : e->rport;

	(void)r;
	return port == SHORT && e->rport &&
	       (e->event == TCPTRACE_CLOSE || e->event == TCPTRACE_RST_SENT || e->event == TCPTRACE_RST_RECEIVED ||
		e->event == TCPTRACE_ACCEPT ||
		(e->event == TCPTRACE_STATE && e->new != TCP_S_SYN_SENT && e->new != TCP_S_SYN_RECV));
}

const struct lab lab_unread = {
	.name = "unread",
	.question = N_("close() with unread data sends a RST: what does that lose?"),
	.setup = N_("A client sends 5 bytes; the server answers, shortly or at length, and closes without "
		    "having read them, or after it."),
	.shown = N_("Shown: the short answer."),
	.play = play,
	.judge = judge,
	.show = show,
};
