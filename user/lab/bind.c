// SPDX-License-Identifier: GPL-2.0-only
/* Which socket gets the SYN: no listener, a bound one, one address, any address, two at once. */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab.h"
#include "traffic.h"

#define OTHER	"127.0.0.2"
#define ANY	"0.0.0.0"
enum { NOBODY = 8001, BOUND, ONE, BOTH, TAKEN, LATE };
#define CLIENT(port)	((uint16_t)((port) + 32000))

/* A blocking connect(): its errno, and how long it took. */
static int try(struct stage *s, const char *name, const char *addr, uint16_t port, uint16_t from)
{
	struct call c = { .addr = addr, .port = port };

	c.fd = tcp_socket(s, false);
	tcp_bind(c.fd, LOCAL, from);
	call_connect(&c);
	fact(s, c.err, "%s.errno", name);
	fact(s, (int64_t)(c.ended - c.began) / 1000, "%s.us", name);
	return c.fd;
}

static int bound(struct stage *s, const char *addr, uint16_t port, bool reuseport)
{
	int one = 1, fd;

	fd = tcp_socket(s, true);
	if (reuseport)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	if (tcp_bind(fd, addr, port))
		stage_fail(s, N_("cannot bind port %u"), port);
	return fd;
}

static void both(struct stage *s)
{
	int any = bound(s, ANY, BOTH, true), one = bound(s, LOCAL, BOTH, true);

	listen(any, 8);
	listen(one, 8);
	try(s, "both.local", LOCAL, BOTH, CLIENT(BOTH));
	fact(s, acceptq_len(one), "both.one_after_local");
	fact(s, acceptq_len(any), "both.any_after_local");
	try(s, "both.other", OTHER, BOTH, CLIENT(BOTH));
	fact(s, acceptq_len(one), "both.one_after_other");
	fact(s, acceptq_len(any), "both.any_after_other");
}

/* Two sockets may be bound to a port that neither listens on yet, if both have SO_REUSEADDR. */
static void late(struct stage *s)
{
	int first = bound(s, LOCAL, LATE, false), second = bound(s, LOCAL, LATE, false);

	if (listen(first, 8))
		stage_fail(s, N_("the first listen() failed"));
	fact(s, listen(second, 8) ? errno : 0, "late.listen_errno");
}

static void unbound(struct stage *s)
{
	struct sockaddr_in a = { 0 };
	socklen_t len = sizeof(a);
	int fd;

	fd = tcp_socket(s, true);
	if (listen(fd, 8))
		stage_fail(s, N_("listen() without bind() failed"));
	getsockname(fd, (struct sockaddr *)&a, &len);
	fact(s, ntohs(a.sin_port), "unbound.port");
	try(s, "unbound", LOCAL, ntohs(a.sin_port), 0);
}

static void play(struct stage *s)
{
	int fd;

	try(s, "nobody", LOCAL, NOBODY, CLIENT(NOBODY));
	bound(s, LOCAL, BOUND, false);
	try(s, "bound", LOCAL, BOUND, CLIENT(BOUND));
	tcp_listen(s, LOCAL, ONE, 8);
	try(s, "one.same", LOCAL, ONE, CLIENT(ONE));
	try(s, "one.other", OTHER, ONE, CLIENT(ONE));
	both(s);
	tcp_listen(s, LOCAL, TAKEN, 8);
	fd = tcp_socket(s, true);
	fact(s, tcp_bind(fd, LOCAL, TAKEN), "taken.bind_errno");
	fact(s, tcp_bind(fd, ANY, TAKEN), "taken.bind_any_errno");
	late(s);
	unbound(s);
	wait_seen(s, TCPTRACE_RST_RECEIVED, 3);
}

/* ---- the answer ---- */

static void judge_refused(struct lab_run *r)
{
	unsigned int rst = COUNT(r, .event = TCPTRACE_RST_RECEIVED, .lport = CLIENT(NOBODY)) +
			   COUNT(r, .event = TCPTRACE_RST_RECEIVED, .lport = CLIENT(BOUND));
	int64_t us = lab_fact(r, "nobody.us");

	/* tcp_v4_rcv() (net/ipv4/tcp_ipv4.c): no_tcp_socket: tcp_v4_send_reset() */
	lab_claim(r, N_("A SYN for a port where nobody listens is ignored, and connect() waits for a timeout."),
		  REFUTED, NULL,
		  lab_fact(r, "nobody.errno") == ECONNREFUSED && us < 1000000 && rst == 2,
		  N_("The kernel answered with a RST by itself: ECONNREFUSED after %.3f ms. (Silence has "
		     "other causes: a firewall, a lost packet, a full accept queue, or a full SYN queue with "
		     "SYN cookies off.)"), us / 1e3);
	lab_evidence(r, "connect_us", us);
	lab_evidence(r, "rst_received", rst);
	/* __inet_lookup_listener() (net/ipv4/inet_hashtables.c): bound sockets are not in its hash */
	lab_claim(r, N_("After bind() clients can reach the port."), REFUTED, NULL,
		  lab_fact(r, "bound.errno") == ECONNREFUSED,
		  N_("Bound, but without listen(), the port answered with a RST too (ECONNREFUSED): only "
		     "sockets in LISTEN are looked up for a SYN."));
	lab_evidence(r, "connect_errno", lab_fact(r, "bound.errno"));
}

static void judge_who(struct lab_run *r)
{
	int64_t one = lab_fact(r, "both.one_after_local"), any = lab_fact(r, "both.any_after_other");

	/* compute_score() (net/ipv4/inet_hashtables.c): inet_rcv_saddr must be daddr */
	lab_claim(r, N_("A listener on one address gets the SYNs for the other addresses of the machine too."),
		  REFUTED, NULL,
		  !lab_fact(r, "one.same.errno") && lab_fact(r, "one.other.errno") == ECONNREFUSED,
		  N_("Listening on 127.0.0.1, a client of 127.0.0.1 was connected and one of 127.0.0.2 got a "
		     "RST."));
	lab_evidence(r, "same_address_errno", lab_fact(r, "one.same.errno"));
	lab_evidence(r, "other_address_errno", lab_fact(r, "one.other.errno"));
	/*
	 * __inet_lookup_listener() (net/ipv4/inet_hashtables.c): the bucket of (daddr, port), then that of (any, port)
	 */
	lab_claim(r, N_("With a listener on 127.0.0.1 and one on 0.0.0.0, same port, the more specific gets "
			"the SYN."),
		  CONFIRMED, NULL, one == 1 && !lab_fact(r, "both.any_after_local") && any == 1 &&
		  lab_fact(r, "both.one_after_other") == 1,
		  N_("The client of 127.0.0.1 came into the queue of the first, the client of 127.0.0.2 into "
		     "that of the second. (Both had SO_REUSEPORT; without it the second bind() fails.)"));
	lab_evidence(r, "specific_got", one);
	lab_evidence(r, "any_got", any);
}

static void judge(struct lab_run *r)
{
	unsigned int listens = COUNT(r, .event = TCPTRACE_STATE, .new = TCP_S_LISTEN, .lport = LATE);
	unsigned int undone = COUNT(r, .event = TCPTRACE_STATE, .old = TCP_S_LISTEN, .new = TCP_S_CLOSE,
				    .lport = LATE);

	judge_refused(r);
	judge_who(r);
	/*
	 * inet_csk_bind_conflict(); inet_csk_listen_start() (net/ipv4/inet_connection_sock.c) asks again, in LISTEN already
	 */
	lab_claim(r, N_("bind() tells when a port is in use."), DEPENDS,
		  N_("with SO_REUSEADDR it may be listen() that does"),
		  lab_fact(r, "taken.bind_errno") == EADDRINUSE && lab_fact(r,
		  "taken.bind_any_errno") == EADDRINUSE &&
		  lab_fact(r, "late.listen_errno") == EADDRINUSE && listens == 2 && undone == 1,
		  N_("With a listener there, bind() failed with EADDRINUSE, for 0.0.0.0 too. Two sockets with "
		     "SO_REUSEADDR were both bound before any listened: then the second listen() failed, "
		     "after it had gone to LISTEN and back to CLOSE."));
	lab_evidence(r, "bind_errno", lab_fact(r, "taken.bind_errno"));
	lab_evidence(r, "listen_errno", lab_fact(r, "late.listen_errno"));
	lab_evidence(r, "to_listen", listens);
	lab_evidence(r, "back_to_close", undone);
	/* inet_csk_listen_start() (net/ipv4/inet_connection_sock.c): get_port() with port 0 chooses one */
	lab_claim(r, N_("A server must call bind() before listen()."), REFUTED, NULL,
		  lab_fact(r, "unbound.port") && !lab_fact(r, "unbound.errno"),
		  N_("listen() alone took a free port, %lld, on all addresses, and a client was connected."),
		  (long long)lab_fact(r, "unbound.port"));
	lab_evidence(r, "port", lab_fact(r, "unbound.port"));
}

static bool show(const struct lab_run *r, const struct lab_event *e)
{
	uint16_t port = e->listener ? e->lport : e->rport;

	(void)r;
	return port == NOBODY || port == BOUND || e->lport == LATE;
}

const struct lab lab_bind = {
	.name = "bind",
	.question = N_("Which socket gets the SYN, and who is told that a port is in use?"),
	.setup = N_("Clients of 127.0.0.1 and 127.0.0.2, and servers bound to one of them, to any, or not at "
		    "all."),
	.shown = N_("Shown: no listener (port 8001), bound only (8002), two that listen on one port (8006)."),
	.play = play,
	.judge = judge,
	.show = show,
};
