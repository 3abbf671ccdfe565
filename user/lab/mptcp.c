// SPDX-License-Identifier: GPL-2.0-only
/*
 * Multipath TCP, with which servers in Go listen unless they say otherwise: what is its
 * listener, and whom does it serve?
 */
#include <errno.h>
#include <linux/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab.h"
#include "traffic.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP	262
#endif
#ifndef SOL_MPTCP
#define SOL_MPTCP	284
#endif

#define BACKLOG	2
enum { MULTI = 8001, SINGLE };
enum { PLAIN_CLIENT = 40001, MULTI_CLIENT, TO_SINGLE };

static int mptcp_socket(struct stage *s)
{
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP);

	if (fd < 0 && (errno == EPROTONOSUPPORT || errno == ENOPROTOOPT || errno == EINVAL))
		stage_skip(s, N_("this kernel has no MPTCP, or net.mptcp.enabled is 0"));
	if (fd < 0)
		stage_fail(s, "socket(IPPROTO_MPTCP): %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	return fd;
}

/* Does the connection speak MPTCP? MPTCP_INFO is an option of such a socket only (5.16). */
static int protocol_of(int fd)
{
	int protocol = 0;
	socklen_t len = sizeof(protocol);

	getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len);
	return protocol;
}

static int connected(struct stage *s, struct actor *a, int fd, uint16_t from, uint16_t to)
{
	struct call c = { .fd = fd, .addr = LOCAL, .port = to };

	tcp_bind(fd, LOCAL, from);
	actor_do(a, call_connect, &c);
	actor_wait(a);
	if (c.err)
		stage_fail(s, "connect(): %s", strerror(c.err));
	return fd;
}

static bool hears(int client, int server)
{
	char text[8] = "";

	return write(client, "hello", 5) == 5 && recv(server, text, sizeof(text), 0) == 5 && !strcmp(text, "hello");
}

static void play(struct stage *s)
{
	struct actor *a;
	int listener, single, plain, multi, fallback;
	struct call c;

	listener = mptcp_socket(s);
	if (tcp_bind(listener, LOCAL, MULTI) || listen(listener, BACKLOG))
		stage_fail(s, N_("cannot listen on port %u"), MULTI);
	single = tcp_listen(s, LOCAL, SINGLE, BACKLOG);
	a = actor_new(s, "client");
	plain = connected(s, a, tcp_socket(s, false), PLAIN_CLIENT, MULTI);
	multi = connected(s, a, mptcp_socket(s), MULTI_CLIENT, MULTI);
	fallback = connected(s, a, mptcp_socket(s), TO_SINGLE, SINGLE);
	wait_acceptq(s, single, 1);
	fact(s, proc_row(MULTI, 0).recv_q, "listener.recv_q");
	must_accept(s, listener, &c);
	fact(s, protocol_of(c.ret), "plain.protocol");
	fact(s, hears(plain, c.ret), "plain.hears");
	must_accept(s, listener, &c);
	fact(s, protocol_of(c.ret), "multi.protocol");
	fact(s, hears(multi, c.ret), "multi.hears");
	must_accept(s, single, &c);
	fact(s, hears(fallback, c.ret), "fallback.hears");
	fact(s, counter("MPCapableSYNRX"), "mp_capable");
	wait_seen(s, TCPTRACE_ACCEPTQ_ADD, 3);
}

/* ---- the answer ---- */

static void judge(struct lab_run *r)
{
	unsigned int queued = COUNT(r, .event = TCPTRACE_ACCEPTQ_ADD, .lport = MULTI);
	int64_t waiting = lab_fact(r, "listener.recv_q"), protocol = lab_fact(r, "plain.protocol");

	/* subflow_syn_recv_sock() (net/mptcp/subflow.c): without MP_CAPABLE in the SYN the child stays a TCP socket */
	lab_claim(r, N_("A server with an MPTCP socket needs clients that speak MPTCP."), REFUTED, NULL,
		  lab_fact(r, "plain.hears") && lab_fact(r, "multi.hears") && lab_fact(r, "mp_capable") == 1,
		  N_("A client with a plain TCP socket was connected and heard, like one with MPTCP; of %u "
		     "SYNs one had the option MP_CAPABLE. For the plain one accept() returned a socket of "
		     "protocol %lld."), queued,
		  (long long)protocol);
	lab_evidence(r, "plain_heard", lab_fact(r, "plain.hears"));
	lab_evidence(r, "plain_protocol", protocol);
	lab_evidence(r, "multi_protocol", lab_fact(r, "multi.protocol"));
	/* mptcp_connect(), subflow_finish_connect() (net/mptcp/subflow.c): MPTCP_FALLBACK */
	lab_claim(r, N_("A client with an MPTCP socket cannot talk to a plain TCP server."), REFUTED, NULL,
		  lab_fact(r, "fallback.hears") == 1,
		  N_("It was connected and heard: the SYN-ACK came without MP_CAPABLE, and the client fell "
		     "back to TCP."));
	lab_evidence(r, "heard", lab_fact(r, "fallback.hears"));
	/* mptcp_listen() (net/mptcp/protocol.c) listens with its first subflow, a TCP socket */
	lab_claim(r, N_("An MPTCP listener has two queues of its own kind."), REFUTED, NULL, waiting == 2 &&
		  queued == 2,
		  N_("Its clients waited in the accept queue of a TCP listener, its first subflow: %lld of "
		     "them, as the row of netstat said."), (long long)waiting);
	lab_evidence(r, "waiting", waiting);
}

static bool show(const struct lab_run *r, const struct lab_event *e)
{
	(void)r;
	return e->lport == MULTI && (e->event == TCPTRACE_STATE || e->event == TCPTRACE_LISTEN ||
				     e->event == TCPTRACE_SYNQ_ADD || e->event == TCPTRACE_ACCEPTQ_ADD ||
				     e->event == TCPTRACE_ACCEPTQ_DEL || e->event == TCPTRACE_ACCEPT);
}

const struct lab lab_mptcp = {
	.name = "mptcp",
	.question = N_("MPTCP: what is its listener, and whom does it serve?"),
	.setup = N_("An MPTCP listener with a client of TCP and one of MPTCP, and a TCP listener with a "
		    "client of MPTCP."),
	.shown = N_("Shown: the side of the MPTCP server."),
	.play = play,
	.judge = judge,
	.show = show,
};
