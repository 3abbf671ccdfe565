// SPDX-License-Identifier: GPL-2.0-only
/*
 * The accept queue is full when the third packet arrives. Client A's third
 * packet is held on the wire while B, C and D fill the queue of listen(fd, 2);
 * then it is let go, and refused. Once more with tcp_abort_on_overflow.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab.h"
#include "traffic.h"
#include "tun.h"

#define BACKLOG	2
enum { SILENT = 8001, ABORT = 8002 };
enum { A_SILENT = 40001, A_ABORT = 41001 };	/* B, C, D and E follow */

/* A is established, as it believes; the queue is full; A's third packet is on the wire. */
static int fill(struct stage *s, struct wire *w, uint16_t port, uint16_t a_port, int *listener)
{
	int a;

	*listener = tcp_listen(s, WIRE_SERVER, port, BACKLOG);
	wire_hold(w, a_port, false);
	a = tcp_client(s, WIRE_CLIENT, a_port, WIRE_SERVER, port);
	wait_state(s, a, TCP_ESTABLISHED);
	wire_wait_held(w, 1);
	/* One after the other: the SYN queue, where A is, holds no more than the accept queue. */
	for (uint16_t i = 1; i <= BACKLOG + 1; i++) {
		tcp_client(s, WIRE_CLIENT, a_port + i, WIRE_SERVER, port);
		wait_acceptq(s, *listener, i);
	}
	return a;
}

static int late_client(struct stage *s, uint16_t port, uint16_t from)
{
	int64_t drops = counter("ListenDrops");
	int e = tcp_client(s, WIRE_CLIENT, from, WIRE_SERVER, port);

	wait_counter(s, "ListenDrops", drops + 1);
	return e;
}

static void silent(struct stage *s, struct wire *w)
{
	int64_t overflows = counter("ListenOverflows");
	int listener, a = fill(s, w, SILENT, A_SILENT, &listener), e;
	struct call taken;
	struct pollfd readable = { .events = POLLIN };
	char text[8] = "";

	wire_release(w);
	wait_counter(s, "ListenOverflows", overflows + 1);
	fact(s, write(a, "hello", 5), "silent.written");
	wait_seen(s, TCPTRACE_RETRANS, 1);
	wait_counter(s, "ListenOverflows", overflows + 3);	/* third packet, data, data again */
	fact(s, counter("ListenOverflows") - overflows, "silent.overflows");
	fact(s, tcp_state_of(a), "silent.client_state");
	fact(s, sockets_in(SILENT, TCP_SYN_RECV), "silent.ss_syn_recv");
	fact(s, acceptq_len(listener), "silent.ss_recv_q");
	fact(s, acceptq_limit(listener), "silent.ss_send_q");
	fact(s, sk_drops(listener), "silent.ss_drops");
	e = late_client(s, SILENT, A_SILENT + 4);
	fact(s, tcp_state_of(e), "silent.late_state");
	close(e);			/* its next SYN would take the place that A waits for */
	must_accept(s, listener, &taken);
	fact(s, (int64_t)taken.began, "silent.accept_called");
	wait_acceptq(s, listener, BACKLOG + 1);
	for (int i = 0; i <= BACKLOG; i++)
		must_accept(s, listener, &taken);
	readable.fd = taken.ret;		/* the handshake may have been completed by an ACK without the data */
	if (poll(&readable, 1, STAGE_PATIENCE) != 1)
		stage_fail(s, N_("the server never got client A's data"));
	fact(s, recv(taken.ret, text, sizeof(text), MSG_DONTWAIT), "silent.read");
	fact(s, !strcmp(text, "hello"), "silent.read_right");
}

static void abort_on_overflow(struct stage *s, struct wire *w)
{
	socklen_t len = sizeof(int);
	int listener, a, e, err = 0;

	sysctl_set(s, "ipv4/tcp_abort_on_overflow", 1);
	a = fill(s, w, ABORT, A_ABORT, &listener);
	wire_release(w);
	wait_state(s, a, TCP_CLOSE);
	getsockopt(a, SOL_SOCKET, SO_ERROR, &err, &len);
	fact(s, err, "abort.client_errno");
	fact(s, sockets_in(ABORT, TCP_SYN_RECV), "abort.ss_syn_recv");
	e = late_client(s, ABORT, A_ABORT + 4);
	fact(s, tcp_state_of(e), "abort.late_state");
}

static void play(struct stage *s)
{
	struct wire *w = wire_open(s, 200);

	sysctl_set(s, "ipv4/tcp_syncookies", 0);
	silent(s, w);
	abort_on_overflow(s, w);
	wait_seen(s, TCPTRACE_RST_RECEIVED, 1);
}

/* ---- the answer ---- */

static void judge_ghost(struct lab_run *r)
{
	bool blind = lab_blind(r, "third_packet_refused");
	unsigned int seen = COUNT(r, .event = TCPTRACE_DROP, .cause = TCPTRACE_DROP_ACCEPTQ_ACK, .lport = SILENT);
	int64_t refused = blind ? lab_fact(r, "silent.overflows") : seen;
	int64_t written = lab_fact(r, "silent.written"), called = lab_fact(r, "silent.accept_called");
	const struct lab_event *in = FIND(r, .event = TCPTRACE_ACCEPTQ_ADD, .lport = SILENT, .rport = A_SILENT);
	int64_t after = ((int64_t)in->t_ns - called) / 1000;

	/* tcp_v4_syn_recv_sock() (net/ipv4/tcp_ipv4.c): exit_overflow: no child is made */
	lab_claim(r, N_("When connect() has succeeded, the server has the connection."), REFUTED, NULL,
		  refused >= 3 && written == 5 && lab_fact(r, "silent.client_state") == TCP_ESTABLISHED &&
		  lab_fact(r, "silent.ss_syn_recv") == 1,
		  N_("Client A was ESTABLISHED and write() took its %lld bytes; the server refused the third "
		     "packet, the data and each retransmission (%lld segments%s) and had a half-open request, "
		     "no socket."), (long long)written, (long long)refused, blind ?
		  _(", as ListenOverflows says") : "");
	lab_evidence(r, "segments_refused", refused);
	lab_evidence(r, "bytes_written", written);
	lab_evidence(r, "client_state", lab_fact(r, "silent.client_state"));
	/* tcp_check_req() (net/ipv4/tcp_minisocks.c): listen_overflow: the request stays, acked is set */
	lab_claim(r, N_("A connection whose third packet was refused is lost."), REFUTED, NULL,
		  after > 0 && lab_fact(r, "silent.read_right"),
		  N_("The request stayed in the SYN queue. %.1f ms after accept() was called and made room, "
		     "the next retransmission completed the handshake, and the server read all of the data."),
		  (double)after / 1e3);
	lab_evidence(r, "completed_us_after_accept", after);
	lab_evidence(r, "bytes_read", lab_fact(r, "silent.read"));
}

static void judge(struct lab_run *r)
{
	unsigned int syn_drops = COUNT(r, .event = TCPTRACE_DROP, .cause = TCPTRACE_DROP_ACCEPTQ_SYN,
	  .lport = SILENT);
	unsigned int drops = COUNT(r, .event = TCPTRACE_DROP, .lport = SILENT);
	bool blind = lab_blind(r, "third_packet_refused");
	int64_t recv_q = lab_fact(r, "silent.ss_recv_q"), send_q = lab_fact(r, "silent.ss_send_q");
	int64_t ss_drops = lab_fact(r, "silent.ss_drops");
	unsigned int resets = COUNT(r, .event = TCPTRACE_RST_RECEIVED, .lport = A_ABORT);

	judge_ghost(r);
	/* tcp_diag_get_info() (net/ipv4/tcp_diag.c): lengths; sk_get_meminfo() (net/core/sock.c): sk_drops, ss -m: d */
	lab_claim(r, N_("ss shows that a server is overrun."), DEPENDS,
		  N_("the full queue yes; of the refusals a number, and not whose"),
		  recv_q == BACKLOG + 1 && send_q == BACKLOG && syn_drops && ss_drops > 0 &&
		  (drops > syn_drops || blind),
		  N_("ss -ltn said Recv-Q %lld, Send-Q %lld, and one socket in SYN-RECV; ss -ltnm adds the "
		     "drops of the listener (d%lld; a refused third packet may count twice). Whose the %u "
		     "refused segments were, and that A believes itself connected, no row of ss says."),
		  (long long)recv_q, (long long)send_q, (long long)ss_drops, drops);
	lab_evidence(r, "recv_q", recv_q);
	lab_evidence(r, "send_q", send_q);
	lab_evidence(r, "sk_drops", ss_drops);
	lab_evidence(r, "refused", drops);
	/* tcp_check_req() (net/ipv4/tcp_minisocks.c) asks the sysctl; tcp_conn_request() does not */
	lab_claim(r, N_("With tcp_abort_on_overflow = 1 a client learns that the queue is full."), DEPENDS,
		  N_("at the third packet yes, at the SYN no"),
		  lab_fact(r, "abort.client_errno") == ECONNRESET && resets == 1 &&
		  !lab_fact(r, "abort.ss_syn_recv") && lab_fact(r, "abort.late_state") == TCP_SYN_SENT,
		  N_("Client A, connected already, got a RST (ECONNRESET) for its third packet; client E, "
		     "whose SYN met the same full queue, got nothing and stayed in SYN_SENT."));
	lab_evidence(r, "resets", resets);
	lab_evidence(r, "late_client_state", lab_fact(r, "abort.late_state"));
}

static bool show(const struct lab_run *r, const struct lab_event *e)
{
	(void)r;
	return e->lport == A_SILENT || (e->lport == SILENT && e->rport == A_SILENT);
}

const struct lab lab_overflow = {
	.name = "overflow",
	.question = N_("The accept queue is full when the third packet arrives: what do client and server "
		       "believe?"),
	.setup = N_("A wire holds the third packet of client A while three others fill the accept queue of "
		    "listen(fd, 2), then lets it go; later the server accepts."),
	.shown = N_("Shown: client A, both ends."),
	.ladder = true,
	.play = play,
	.judge = judge,
	.show = show,
};
