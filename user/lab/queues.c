// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two queues: who is in which, and what takes them out. Client C's third packet is
 * held on the wire while A and B are queued; a second listener stands beside the first.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab.h"
#include "traffic.h"
#include "tun.h"

#define BACKLOG	8
enum { FULL = 8001, EMPTY };
enum { A = 40001, B, C };

static uint16_t peer_port(int fd)
{
	struct sockaddr_in a = { 0 };
	socklen_t len = sizeof(a);

	getpeername(fd, (struct sockaddr *)&a, &len);
	return ntohs(a.sin_port);
}

static void play(struct stage *s)
{
	struct wire *w = wire_open(s, 200);
	int listener = tcp_listen(s, WIRE_SERVER, FULL, BACKLOG), other = tcp_listen(s, WIRE_SERVER, EMPTY,
	  BACKLOG);
	struct call c;

	tcp_client(s, WIRE_CLIENT, A, WIRE_SERVER, FULL);
	wait_acceptq(s, listener, 1);
	wire_hold(w, C, false);
	tcp_client(s, WIRE_CLIENT, C, WIRE_SERVER, FULL);
	wire_wait_held(w, 1);
	tcp_client(s, WIRE_CLIENT, B, WIRE_SERVER, FULL);
	wait_acceptq(s, listener, 2);
	wait_half_open(s, FULL, 1);
	fact(s, sockets_in(FULL, TCP_SYN_RECV), "held.half_open");
	fact(s, acceptq_len(listener), "held.waiting");
	fact(s, sockets_in(EMPTY, TCP_SYN_RECV), "other.half_open");
	fact(s, acceptq_len(other), "other.waiting");
	must_accept(s, listener, &c);
	fact(s, peer_port(c.ret), "first.port");
	fact(s, listen(c.ret, BACKLOG) ? errno : 0, "accepted.listen_errno");
	must_accept(s, listener, &c);
	fact(s, peer_port(c.ret), "second.port");
	call_accept(&c);		/* only C is left, and half open */
	fact(s, c.err, "half_open.accept_errno");
	wire_release(w);
	wait_acceptq(s, listener, 1);
	wait_half_open(s, FULL, 0);
	fact(s, sockets_in(FULL, TCP_SYN_RECV), "released.half_open");
	must_accept(s, listener, &c);
	fact(s, peer_port(c.ret), "third.port");
	wait_seen(s, TCPTRACE_ACCEPTQ_DEL, 3);
	wait_seen(s, TCPTRACE_SYNQ_DEL, 3);
}

/* ---- the answer ---- */

static void judge(struct lab_run *r)
{
	const struct lab_event *in = FIND(r, .event = TCPTRACE_SYNQ_ADD, .lport = FULL, .rport = C);
	const struct lab_event *moved = FIND(r, .event = TCPTRACE_ACCEPTQ_ADD, .lport = FULL, .rport = C);
	unsigned int other = COUNT(r, .event = TCPTRACE_SYNQ_ADD, .lport = EMPTY) +
			     COUNT(r, .event = TCPTRACE_ACCEPTQ_ADD, .lport = EMPTY);
	int64_t half_open = lab_fact(r, "held.half_open"), waiting = lab_fact(r, "held.waiting");

	/* struct inet_connection_sock (include/net/inet_connection_sock.h): icsk_accept_queue, used in LISTEN only */
	lab_claim(r, N_("The kernel keeps two queues for a socket."), DEPENDS,
		  N_("on listen(): every listening socket has two of its own, a connected one has none"),
		  half_open == 1 && waiting == 2 && !other && !lab_fact(r, "other.half_open") &&
		  !lab_fact(r, "other.waiting") && lab_fact(r, "accepted.listen_errno") == EINVAL,
		  N_("While %lld client was half open and %lld waited at port %d, both queues of the listener "
		     "on port %d were empty; a socket that accept() returned cannot get them: listen() failed "
		     "with EINVAL."), (long long)half_open,
		  (long long)waiting, FULL, EMPTY);
	lab_sentence(r, TUTORIAL_TWO_QUEUES);
	lab_evidence(r, "half_open", half_open);
	lab_evidence(r, "waiting", waiting);
	lab_evidence(r, "at_the_other", other);
	lab_evidence(r, "connected_listen_errno", lab_fact(r, "accepted.listen_errno"));
	/* inet_csk_reqsk_queue_hash_add(); inet_csk_complete_hashdance() (net/ipv4/inet_connection_sock.c) */
	lab_claim(r, N_("The SYN queue has the clients whose handshake is not finished, the accept queue "
			"those whose handshake is."), CONFIRMED, NULL,
		  in->synq == 1 && in->t_ns < moved->t_ns && moved->synq == 0 && moved->acceptq == 1 &&
		  !lab_fact(r, "released.half_open"),
		  N_("Client C was in the SYN queue as long as its third packet was held, %.1f ms; when that "
		     "came, it went over to the accept queue, without any call of the server."),
		  (double)(moved->t_ns - in->t_ns) / 1e6);
	lab_sentence(r, TUTORIAL_WHICH_QUEUES);
	lab_evidence(r, "in_syn_queue_us", (int64_t)(moved->t_ns - in->t_ns) / 1000);
	/* reqsk_queue_remove() (include/net/request_sock.h): the head; inet_csk_reqsk_queue_add() adds at the tail */
	lab_claim(r, N_("accept() takes a finished connection out of the accept queue."), CONFIRMED, NULL,
		  lab_fact(r, "first.port") == A && lab_fact(r, "second.port") == B && lab_fact(r,
		  "third.port") == C &&
		  lab_fact(r, "half_open.accept_errno") == EAGAIN,
		  N_("It returned A, then B, in the order in which their handshakes had ended (C's SYN had "
		     "come before B's); with C half open it had nothing to return (EAGAIN), and afterwards it "
		     "returned C."));
	lab_sentence(r, TUTORIAL_ACCEPT_TAKES);
	lab_evidence(r, "half_open_accept_errno", lab_fact(r, "half_open.accept_errno"));
}

static bool show(const struct lab_run *r, const struct lab_event *e)
{
	(void)r;
	return e->listener && (e->event == TCPTRACE_LISTEN || e->event == TCPTRACE_SYNQ_ADD ||
			       e->event == TCPTRACE_SYNQ_DEL || e->event == TCPTRACE_ACCEPTQ_ADD ||
			       e->event == TCPTRACE_ACCEPTQ_DEL);
}

const struct lab lab_queues = {
	.name = "queues",
	.question = N_("Which queues has a server, who is in which, and who takes them out?"),
	.setup = N_("Clients A, B and C of one server, and a second listener that nobody asks for; a wire "
		    "holds the third packet of C."),
	.shown = N_("Shown: both queues of both listeners."),
	.play = play,
	.judge = judge,
	.show = show,
};
