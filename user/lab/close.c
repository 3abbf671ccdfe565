// SPDX-License-Identifier: GPL-2.0-only
/* The ends of a connection: who closes first, who forgets to, unread data, half a close. */
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab.h"
#include "traffic.h"

enum { CLIENT_FIRST = 8001, SERVER_FIRST, LEFT, UNREAD, HALF };
#define CLIENT(port)	((uint16_t)((port) + 32000))	/* 40001 ... */

struct pair {
	int listener, server, client;
};

static struct pair connected(struct stage *s, uint16_t port)
{
	struct pair p = { .listener = tcp_listen(s, LOCAL, port, 8) };
	struct call c;

	p.client = tcp_client(s, LOCAL, CLIENT(port), LOCAL, port);
	wait_acceptq(s, p.listener, 1);
	must_accept(s, p.listener, &c);
	p.server = c.ret;
	return p;
}

struct row {
	uint16_t port;
	int state;
	unsigned int n;
};

static bool rows_are(void *arg)
{
	const struct row *w = arg;

	return sockets_in(w->port, w->state) == w->n;
}

static void wait_rows(struct stage *s, uint16_t port, int state, unsigned int n)
{
	struct row w = { port, state, n };
	char what[64];

	snprintf(what, sizeof(what), _("%u sockets of port %u in state %d"), n, port, state);
	wait_for(s, rows_are, &w, what);
}

static void client_first(struct stage *s)
{
	struct pair p = connected(s, CLIENT_FIRST);

	close(p.client);
	wait_state(s, p.server, TCP_CLOSE_WAIT);
	close(p.server);
	wait_rows(s, CLIENT(CLIENT_FIRST), TCP_TIME_WAIT, 1);
	fact(s, sockets_in(CLIENT_FIRST, TCP_TIME_WAIT), "client_first.server_time_wait");
}

static int bind_again(struct stage *s, int reuse)
{
	int err, fd = tcp_socket(s, true);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof(reuse));
	err = tcp_bind(fd, LOCAL, SERVER_FIRST);
	close(fd);
	return err;
}

static void server_first(struct stage *s)
{
	struct pair p = connected(s, SERVER_FIRST);

	close(p.listener);
	close(p.server);
	wait_state(s, p.client, TCP_CLOSE_WAIT);
	close(p.client);
	wait_rows(s, SERVER_FIRST, TCP_TIME_WAIT, 1);
	fact(s, sockets_in(CLIENT(SERVER_FIRST), TCP_TIME_WAIT), "server_first.client_time_wait");
	fact(s, bind_again(s, 0), "server_first.bind_errno");
	fact(s, bind_again(s, 1), "server_first.bind_reuse_errno");
}

/* The server never closes: the client's end gives up waiting after tcp_fin_timeout. */
static int leave(struct stage *s)
{
	struct pair p = connected(s, LEFT);

	close(p.client);
	wait_state(s, p.server, TCP_CLOSE_WAIT);
	return p.server;
}

static void left_behind(struct stage *s, int server)
{
	wait_rows(s, CLIENT(LEFT), 0, 0);
	fact(s, tcp_state_of(server), "left.server_state");
	fact(s, (int64_t)now_ns(), "left.client_gone");
}

static void unread(struct stage *s)
{
	struct pair p = connected(s, UNREAD);
	struct pollfd readable = { p.server, POLLIN, 0 };
	char byte;

	if (write(p.client, "hello", 5) != 5 || poll(&readable, 1, STAGE_PATIENCE) != 1)
		stage_fail(s, N_("the server got no data"));
	close(p.server);
	wait_state(s, p.client, TCP_CLOSE);
	fact(s, read(p.client, &byte, 1) < 0 ? errno : 0, "unread.client_errno");
	close(p.client);
}

static void half_close(struct stage *s)
{
	struct pair p = connected(s, HALF);
	struct pollfd readable = { p.client, POLLIN, 0 };
	char text[8];

	shutdown(p.client, SHUT_WR);
	wait_state(s, p.server, TCP_CLOSE_WAIT);
	fact(s, read(p.server, text, sizeof(text)), "half.server_read");
	if (write(p.server, "answer", 6) != 6 || poll(&readable, 1, STAGE_PATIENCE) != 1)
		stage_fail(s, N_("the client got no answer"));
	fact(s, read(p.client, text, sizeof(text)), "half.client_read");
	fact(s, tcp_state_of(p.client), "half.client_state");
	close(p.server);
	wait_rows(s, CLIENT(HALF), TCP_TIME_WAIT, 1);
	close(p.client);
}

static void play(struct stage *s)
{
	int left;

	sysctl_set(s, "ipv4/tcp_fin_timeout", 1);
	left = leave(s);
	client_first(s);
	server_first(s);
	unread(s);
	half_close(s);
	left_behind(s, left);
	wait_seen(s, TCPTRACE_RST_RECEIVED, 1);
}

/* ---- the answer ---- */

static unsigned int went(struct lab_run *r, uint16_t lport, unsigned int state)
{
	return COUNT(r, .event = TCPTRACE_STATE, .new = (uint8_t)state, .lport = lport);
}

static void judge_time_wait(struct lab_run *r)
{
	unsigned int c = went(r, CLIENT(CLIENT_FIRST), TCP_S_TIME_WAIT), s = went(r, SERVER_FIRST, TCP_S_TIME_WAIT);
	int64_t busy = lab_fact(r, "server_first.bind_errno"), reuse = lab_fact(r, "server_first.bind_reuse_errno");

	/* tcp_rcv_state_process(), tcp_fin() (net/ipv4/tcp_input.c): tcp_time_wait() in FIN_WAIT2 only */
	lab_claim(r, N_("The client ends in TIME_WAIT."), DEPENDS, N_("on who closes first"),
		  c == 1 && s == 1 && !went(r, CLIENT_FIRST, TCP_S_TIME_WAIT) &&
		  !went(r, CLIENT(SERVER_FIRST), TCP_S_TIME_WAIT) &&
		  !lab_fact(r, "client_first.server_time_wait") && !lab_fact(r, "server_first.client_time_wait"),
		  N_("When the client closed first its end went FIN_WAIT1, FIN_WAIT2, TIME_WAIT and the "
		     "server's CLOSE_WAIT, LAST_ACK, CLOSE; when the server closed first it was the other way "
		     "round."));
	lab_evidence(r, "client_first.client_time_wait", c);
	lab_evidence(r, "server_first.server_time_wait", s);
	/* inet_bind_conflict() (net/ipv4/inet_connection_sock.c): sk_reuse of both, and none in LISTEN */
	lab_claim(r, N_("A server that closed first cannot be started again for a minute."), DEPENDS,
		  N_("on SO_REUSEADDR"),
		  busy == EADDRINUSE && !reuse,
		  N_("With one connection in TIME_WAIT bind() to its port failed with EADDRINUSE, and with "
		     "SO_REUSEADDR set before it succeeded at once."));
	lab_evidence(r, "bind_errno", busy);
	lab_evidence(r, "bind_with_reuseaddr_errno", reuse);
}

static void judge(struct lab_run *r)
{
	const struct lab_event *wait = FIND(r, .event = TCPTRACE_STATE, .new = TCP_S_CLOSE_WAIT, .lport = LEFT);
	int64_t gone = (lab_fact(r, "left.client_gone") - (int64_t)wait->t_ns) / 1000000;
	unsigned int rst = COUNT(r, .event = TCPTRACE_RST_SENT, .lport = UNREAD);

	judge_time_wait(r);
	/*
	 * tcp_fin() (net/ipv4/tcp_input.c) starts no timer; tcp_fin_timeout is of FIN_WAIT2: tcp_close() (net/ipv4/tcp.c)
	 */
	lab_claim(r, N_("A socket in CLOSE_WAIT goes away by itself."), REFUTED, NULL,
		  lab_fact(r, "left.server_state") == TCP_CLOSE_WAIT && !went(r, LEFT, TCP_S_LAST_ACK),
		  N_("With tcp_fin_timeout = 1 the client's end had been forgotten %lld ms after its close(); "
		     "the server's was still in CLOSE_WAIT, which has no timer: only the program's close() ends "
		     "it, or a RST (as a keepalive probe would bring)."), (long long)gone);
	lab_evidence(r, "client_gone_after_ms", gone);
	lab_evidence(r, "server_state", lab_fact(r, "left.server_state"));
	/* __tcp_close() (net/ipv4/tcp.c): data_was_unread: tcp_send_active_reset() */
	lab_claim(r, N_("close() ends a connection with a FIN."), DEPENDS, N_("on data that nobody has read"),
		  rst == 1 && !went(r, UNREAD, TCP_S_FIN_WAIT1) &&
		  lab_fact(r, "unread.client_errno") == ECONNRESET,
		  N_("With 5 bytes unread, the server's close() sent a RST and went from ESTABLISHED to "
		     "CLOSE; the client's next read() failed with ECONNRESET."));
	lab_evidence(r, "rst_sent", rst);
	lab_evidence(r, "client_errno", lab_fact(r, "unread.client_errno"));
	/* tcp_shutdown() (net/ipv4/tcp.c): a FIN, and the receive half stays */
	lab_claim(r, N_("After shutdown(fd, SHUT_WR) the other side can still send."), CONFIRMED, NULL,
		  !lab_fact(r, "half.server_read") && lab_fact(r, "half.client_read") == 6 &&
		  COUNT(r, .event = TCPTRACE_SHUTDOWN, .lport = CLIENT(HALF)) == 1,
		  N_("The server read the end of the data (0) and then sent 6 bytes, which the client, in "
		     "FIN_WAIT2, read; only then the server closed."));
	lab_evidence(r, "client_read", lab_fact(r, "half.client_read"));
	lab_evidence(r, "client_state", lab_fact(r, "half.client_state"));
}

static bool show(const struct lab_run *r, const struct lab_event *e)
{
	uint16_t port = e->listener ? e->lport : e->rport;

	(void)r;
	return (port == CLIENT_FIRST || port == SERVER_FIRST) && e->rport &&
	       (e->event == TCPTRACE_CLOSE || (e->event == TCPTRACE_STATE && e->new != TCP_S_SYN_SENT &&
					       e->new != TCP_S_SYN_RECV));
}

const struct lab lab_close = {
	.name = "close",
	.question = N_("Who ends in TIME_WAIT, who is left in CLOSE_WAIT, and when does close() send a RST?"),
	.setup = N_("Five connections, each closed in another way; tcp_fin_timeout is 1 s."),
	.shown = N_("Shown: client first (port 8001), server first (8002)."),
	.play = play,
	.judge = judge,
	.show = show,
};
