// SPDX-License-Identifier: GPL-2.0-only
/* TCP_DEFER_ACCEPT: a client that sends something, and one that never does. */
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab.h"
#include "traffic.h"

enum { PLAIN = 8001, DEFER, TALKER = 40001, MUTE };

static bool third_packet_dropped(void *arg)
{
	return counter("TCPDeferAcceptDrop") > *(int64_t *)arg;
}

/* A client whose third packet has come and was put aside. */
static int connected(struct stage *s, uint16_t from)
{
	int64_t dropped = counter("TCPDeferAcceptDrop");
	int fd = tcp_client(s, LOCAL, from, LOCAL, DEFER);

	wait_state(s, fd, TCP_ESTABLISHED);
	wait_for(s, third_packet_dropped, &dropped, N_("the third packet to be put aside"));
	return fd;
}

static void play(struct stage *s)
{
	int plain = tcp_listen(s, LOCAL, PLAIN, 8), listener = tcp_listen(s, LOCAL, DEFER, 8);
	int seconds = 1, talker;
	struct call c;
	char byte;

	tcp_client(s, LOCAL, 0, LOCAL, PLAIN);
	wait_acceptq(s, plain, 1);
	if (setsockopt(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds)))
		stage_fail(s, N_("setsockopt(TCP_DEFER_ACCEPT): %s"), strerror(errno));

	talker = connected(s, TALKER);
	fact(s, acceptq_len(listener), "talker.accept_queue");
	fact(s, sockets_in(DEFER, TCP_SYN_RECV), "talker.syn_recv");
	fact(s, (int64_t)now_ns(), "talker.sends");
	if (write(talker, "hello", 5) != 5)
		stage_fail(s, N_("write(): %s"), strerror(errno));
	wait_acceptq(s, listener, 1);
	must_accept(s, listener, &c);
	fact(s, recv(c.ret, &byte, 1, MSG_DONTWAIT | MSG_PEEK), "talker.readable");

	connected(s, MUTE);
	wait_acceptq(s, listener, 1);
	must_accept(s, listener, &c);
	fact(s, recv(c.ret, &byte, 1, MSG_DONTWAIT) < 0 ? errno : 0, "mute.read_errno");
	wait_seen(s, TCPTRACE_ACCEPT, 2);
}

/* ---- the answer ---- */

static void judge(struct lab_run *r)
{
	const struct lab_event *t_add = FIND(r, .event = TCPTRACE_SYNQ_ADD, .lport = DEFER, .rport = TALKER);
	const struct lab_event *t_in = FIND(r, .event = TCPTRACE_ACCEPTQ_ADD, .lport = DEFER, .rport = TALKER);
	const struct lab_event *m_add = FIND(r, .event = TCPTRACE_SYNQ_ADD, .lport = DEFER, .rport = MUTE);
	const struct lab_event *m_in = FIND(r, .event = TCPTRACE_ACCEPTQ_ADD, .lport = DEFER, .rport = MUTE);
	const struct lab_event *p_add = FIND(r, .event = TCPTRACE_SYNQ_ADD, .lport = PLAIN);
	const struct lab_event *p_in = FIND(r, .event = TCPTRACE_ACCEPTQ_ADD, .lport = PLAIN);
	int64_t sends = lab_fact(r, "talker.sends");
	double plain = (double)(p_in->t_ns - p_add->t_ns) / 1e6, talker = (double)(t_in->t_ns - t_add->t_ns) / 1e6;
	double mute = (double)(m_in->t_ns - m_add->t_ns) / 1e6;

	/* tcp_check_req() (net/ipv4/tcp_minisocks.c): rskq_defer_accept: acked, LINUX_MIB_TCPDEFERACCEPTDROP */
	lab_claim(r, N_("The third packet takes the connection into the accept queue."), DEPENDS,
		  N_("on TCP_DEFER_ACCEPT"),
		  !lab_fact(r, "talker.accept_queue") && lab_fact(r, "talker.syn_recv") == 1 &&
		  sends < (int64_t)t_in->t_ns && lab_fact(r, "talker.readable") == 1,
		  N_("Without it the request was in the SYN queue for %.3f ms. With it the third packet was "
		     "put aside (TCPDeferAcceptDrop) and the request stayed, %.3f ms, until the first data "
		     "came; accept() then returned a socket that could be read at once."), plain, talker);
	lab_evidence(r, "plain_in_synq_us", (int64_t)(plain * 1e3));
	lab_evidence(r, "deferred_in_synq_us", (int64_t)(talker * 1e3));
	/*
	 * syn_ack_recalc() (net/ipv4/inet_connection_sock.c): after the period it is sent again, and the bare ACK passes
	 */
	lab_claim(r, N_("With TCP_DEFER_ACCEPT a client that never sends anything never reaches accept()."),
		  REFUTED, NULL,
		  mute > 900 && lab_fact(r, "mute.read_errno") == EAGAIN &&
		  COUNT(r, .event = TCPTRACE_SYNACK_RETRANS, .lport = DEFER, .rport = MUTE),
		  N_("The option was 1 second: after %.0f ms the kernel sent the SYN-ACK again, and the "
		     "client's answer to it, without data, was let in; read() then had nothing (EAGAIN)."), mute);
	lab_evidence(r, "mute_in_synq_us", (int64_t)(mute * 1e3));
	/* tcp_check_req() leaves it a request: qlen counts it, and /proc/net/tcp calls it SYN_RECV */
	lab_claim(r, N_("A client that waits to be accepted is in the accept queue."), DEPENDS,
		  N_("on TCP_DEFER_ACCEPT"),
		  lab_fact(r, "talker.syn_recv") == 1 && !lab_fact(r, "talker.accept_queue"),
		  N_("Who has not sent anything yet takes a place in the SYN queue, under the same limit, and "
		     "to ss it is SYN-RECV, while the client is ESTABLISHED."));
	lab_evidence(r, "syn_recv_rows", lab_fact(r, "talker.syn_recv"));
}

static bool show(const struct lab_run *r, const struct lab_event *e)
{
	(void)r;
	return e->rport == TALKER || e->rport == MUTE;
}

const struct lab lab_defer_accept = {
	.name = "defer-accept",
	.question = N_("TCP_DEFER_ACCEPT: what does it change in the queues?"),
	.setup = N_("A listener with TCP_DEFER_ACCEPT of 1 second, one client that sends data and one that "
		    "does not."),
	.shown = N_("Shown: the server's side of both."),
	.play = play,
	.judge = judge,
	.show = show,
};
