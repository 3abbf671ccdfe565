// SPDX-License-Identifier: GPL-2.0-only
/*
 * connect() and accept() against the three packets. On the wire each packet
 * takes 3 ms, and the third is held back until connect() has returned: so what
 * comes after it is told from what comes before it without any luck.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>

#include "lab.h"
#include "traffic.h"
#include "tun.h"

#define DELAY_US	3000
#define LOOPBACKS	5
enum { BEFORE = 8001, AFTER, NONBLOCK, LOOPBACK };	/* the server's port in each run; LOOPBACK and more */
enum { CLIENT_BEFORE = 40001, CLIENT_AFTER, CLIENT_NONBLOCK, CLIENT_LOOPBACK };

struct cast {
	struct stage *s;
	struct wire *wire;
	struct actor *client, *server;
};

static void connect_as(struct cast *c, struct call *call, uint16_t from, uint16_t to)
{
	call->fd = tcp_socket(c->s, false);
	call->addr = WIRE_SERVER;
	call->port = to;
	tcp_bind(call->fd, WIRE_CLIENT, from);
	wire_hold(c->wire, from, false);
	actor_do(c->client, call_connect, call);
}

/* connect() returns while the third packet is on the wire, where it stays for a while. */
static void connected(struct cast *c, const char *run, struct call *call)
{
	actor_wait(c->client);
	if (call->err)
		stage_fail(c->s, N_("connect() failed with errno %d"), call->err);
	fact(c->s, (int64_t)call->ended, "%s.connect_returned", run);
	wire_wait_held(c->wire, 1);
}

static int blocking_listener(struct cast *c, uint16_t port)
{
	int fd;

	fd = tcp_socket(c->s, false);
	if (tcp_bind(fd, WIRE_SERVER, port) || listen(fd, 8))
		stage_fail(c->s, N_("cannot listen on port %u"), port);
	return fd;
}

static void note_numbers(struct cast *c, uint16_t port)
{
	struct wire_numbers n = wire_numbers(c->wire, port);

	fact(c->s, n.syn_seq, "syn_seq");
	fact(c->s, n.synack_seq, "synack_seq");
	fact(c->s, n.synack_ack, "synack_ack");
	fact(c->s, n.third_seq, "third_seq");
	fact(c->s, n.third_ack, "third_ack");
}

/* accept() sleeps before the client begins. */
static void accept_before(struct cast *c)
{
	struct call accepting = { .fd = blocking_listener(c, BEFORE) }, connecting = { 0 };

	actor_do(c->server, call_accept, &accepting);
	actor_wait_asleep(c->server);
	connect_as(c, &connecting, CLIENT_BEFORE, BEFORE);
	connected(c, "before", &connecting);
	fact(c->s, !actor_done(c->server), "before.accept_still_asleep");
	wire_release(c->wire);
	actor_wait(c->server);
	fact(c->s, accepting.err, "before.accept_errno");
	note_numbers(c, CLIENT_BEFORE);
}

/* The handshake is over before anybody calls accept(). */
static void accept_after(struct cast *c)
{
	struct call accepting = { .fd = blocking_listener(c, AFTER) }, connecting = { 0 };

	connect_as(c, &connecting, CLIENT_AFTER, AFTER);
	connected(c, "after", &connecting);
	wire_release(c->wire);
	wait_acceptq(c->s, accepting.fd, 1);
	wait_seen(c->s, TCPTRACE_ACCEPTQ_ADD, 2);
	actor_do(c->server, call_accept, &accepting);
	actor_wait(c->server);
	fact(c->s, (int64_t)accepting.began, "after.accept_called");
	fact(c->s, accepting.err, "after.accept_errno");
}

static void nonblocking(struct cast *c)
{
	struct call accepting = { .fd = blocking_listener(c, NONBLOCK) };
	struct call connecting = { .addr = WIRE_SERVER, .port = NONBLOCK };

	connecting.fd = tcp_socket(c->s, true);
	tcp_bind(connecting.fd, WIRE_CLIENT, CLIENT_NONBLOCK);
	wire_hold(c->wire, CLIENT_NONBLOCK, true);
	call_connect(&connecting);
	fact(c->s, connecting.err, "nonblock.connect_errno");
	wire_wait_held(c->wire, 1);
	wire_release(c->wire);
	wait_state(c->s, connecting.fd, TCP_ESTABLISHED);
	actor_do(c->server, call_accept, &accepting);
	actor_wait(c->server);
}

/* No wire in between: the sender's own CPU carries each packet to the end, unless it is busy. */
static void loopback(struct cast *c)
{
	for (uint16_t i = 0; i < LOOPBACKS; i++) {
		int listener = tcp_listen(c->s, LOCAL, LOOPBACK + i, 8);
		struct call connecting = { .addr = LOCAL, .port = LOOPBACK + i };

		connecting.fd = tcp_socket(c->s, false);
		tcp_bind(connecting.fd, LOCAL, CLIENT_LOOPBACK + i);
		actor_do(c->client, call_connect, &connecting);
		actor_wait(c->client);
		wait_acceptq(c->s, listener, 1);
		wait_seen(c->s, TCPTRACE_ACCEPTQ_ADD, 4u + i);
	}
}

static void play(struct stage *s)
{
	struct cast c = {
		.s = s, .wire = wire_open(s, DELAY_US),
		.client = actor_new(s, "client"), .server = actor_new(s, "server"),
	};

	accept_before(&c);
	accept_after(&c);
	nonblocking(&c);
	loopback(&c);
	wait_seen(s, TCPTRACE_ACCEPT, 3);
}

/* ---- the answer ---- */

/* Times of one handshake, us since connect() began. */
struct times {
	int64_t synack, client_established, connect_return, third, accept, accept_call;
	int64_t accept_took, waited;
};

static struct times times_of(struct lab_run *r, uint16_t lport, uint16_t rport, bool accepted)
{
	const struct lab_event *begin = FIND(r, .event = TCPTRACE_CONNECT, .rport = lport);
	const struct lab_event *back = FIND(r, .event = TCPTRACE_CONNECT_RETURN, .lport = rport);
	const struct lab_event *queued = FIND(r, .event = TCPTRACE_ACCEPTQ_ADD, .lport = lport);
	uint64_t t0 = begin->t_ns;
	struct times t = {
		.synack = (int64_t)(FIND(r, .event = TCPTRACE_SYNACK, .lport = lport)->t_ns - t0) / 1000,
		.client_established = (int64_t)(FIND(r, .event = TCPTRACE_STATE, .lport = rport,
						     .new = TCP_S_ESTABLISHED)->t_ns - t0) / 1000,
		.connect_return = (int64_t)(back->t_ns - t0) / 1000,
		.third = (int64_t)(queued->t_ns - t0) / 1000,
	};

	if (accepted) {
		const struct lab_event *a = FIND(r, .event = TCPTRACE_ACCEPT, .lport = lport);
		const struct lab_event *taken = FIND(r, .event = TCPTRACE_ACCEPTQ_DEL, .lport = lport);

		t.accept = (int64_t)(a->t_ns - t0) / 1000;
		t.accept_took = (int64_t)a->dur_ns / 1000;
		t.waited = (int64_t)taken->dur_ns / 1000;
	}
	return t;
}

static void evidence(struct lab_run *r, const char *run, const struct times *t)
{
	const struct { const char *name; int64_t value; } all[] = {
		{ "synack_us", t->synack }, { "client_established_us", t->client_established },
		{ "connect_return_us", t->connect_return }, { "third_packet_us", t->third },
		{ "accept_return_us", t->accept },
	};
	char key[40];

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		snprintf(key, sizeof(key), "%s.%s", run, all[i].name);
		lab_evidence(r, key, all[i].value);
	}
}

static void judge_begin(struct lab_run *r, const struct times *b)
{
	const struct lab_event *called = FIND(r, .event = TCPTRACE_CONNECT, .rport = BEFORE);
	const struct lab_event *syn = FIND(r, .event = TCPTRACE_STATE, .new = TCP_S_SYN_SENT,
	  .after = called->t_ns - 1);
	unsigned int earlier = COUNT(r, .event = TCPTRACE_SYNQ_ADD, .lport = BEFORE, .before = called->t_ns);

	/* tcp_v4_connect() (net/ipv4/tcp_ipv4.c) calls tcp_connect() (net/ipv4/tcp_output.c), which sends it */
	lab_claim(r, N_("connect() starts the handshake."), CONFIRMED, NULL,
		  !earlier && syn->t_ns >= called->t_ns && b->synack > 0,
		  N_("socket() had sent nothing. %.3f ms after connect() was called the client was in "
		     "SYN_SENT, and its SYN left; the server's program, asleep in accept(), noticed nothing "
		     "of it."),
		  (double)(syn->t_ns - called->t_ns) / 1e6);
	lab_sentence(r, TUTORIAL_CONNECT_BEGINS);
	lab_evidence(r, "syn_sent_us", (int64_t)(syn->t_ns - called->t_ns) / 1000);
}

static void judge_connect(struct lab_run *r, const struct times *b, const struct times *a)
{
	bool second = b->synack < b->connect_return && a->synack < a->connect_return &&
		      b->client_established <= b->connect_return && a->client_established <= a->connect_return &&
		      b->connect_return < b->third && a->connect_return < a->third;

	/* tcp_finish_connect() (net/ipv4/tcp_input.c) wakes inet_wait_for_connect() (net/ipv4/af_inet.c) */
	lab_claim(r, N_("connect() returns at the second packet of the handshake."), CONFIRMED, NULL, second,
		  N_("The SYN-ACK left the server %.3f ms after connect() began and connect() returned at "
		     "%.3f ms; the server saw the third packet only at %.3f ms. (With accept() called later: "
		     "%.3f, %.3f and %.3f ms.)"), b->synack / 1e3, b->connect_return / 1e3, b->third / 1e3,
		  a->synack / 1e3, a->connect_return / 1e3, a->third / 1e3);
	lab_sentence(r, TUTORIAL_CONNECT_RETURNS);
	evidence(r, "accept_before", b);
	evidence(r, "accept_after", a);
}

static void judge_numbers(struct lab_run *r)
{
	uint32_t syn = (uint32_t)lab_fact(r, "syn_seq"), synack = (uint32_t)lab_fact(r, "synack_seq");
	uint32_t ack = (uint32_t)lab_fact(r, "synack_ack"), third = (uint32_t)lab_fact(r, "third_ack");

	/* tcp_make_synack() (net/ipv4/tcp_output.c): rcv_nxt is the SYN's seq + 1; tcp_rcv_synsent_state_process() */
	lab_claim(r, N_("Each side acknowledges the other's SYN: ack = seq + 1."), CONFIRMED, NULL,
		  ack == syn + 1 && third == synack + 1 && (uint32_t)lab_fact(r, "third_seq") == syn + 1,
		  N_("SYN: seq %u. SYN-ACK: seq %u, ack %u. Third packet: seq %u, ack %u. A SYN counts as one "
		     "byte."),
		  syn, synack, ack, (uint32_t)lab_fact(r, "third_seq"), third);
	lab_sentence(r, TUTORIAL_ACK);
	lab_evidence(r, "syn_seq", syn);
	lab_evidence(r, "synack_ack", ack);
	lab_evidence(r, "synack_seq", synack);
	lab_evidence(r, "third_ack", third);
}

static void judge_accept(struct lab_run *r, const struct times *b, const struct times *a)
{
	int64_t called = lab_fact(r, "after.accept_called");
	const struct lab_event *queued = FIND(r, .event = TCPTRACE_ACCEPTQ_ADD, .lport = AFTER);

	/* tcp_child_process() (net/ipv4/tcp_minisocks.c) wakes the listener after the child is queued */
	lab_claim(r, N_("accept() returns after the third packet."), CONFIRMED, NULL,
		  b->third <= b->accept && a->third <= a->accept && lab_fact(r, "before.accept_still_asleep"),
		  N_("Called before the client came, accept() slept on while connect() had returned already "
		     "(%.3f ms) and came back at %.3f ms, %.3f ms after the third packet; called later, at "
		     "%.3f ms."),
		  b->connect_return / 1e3, b->accept / 1e3, (b->accept - b->third) / 1e3, a->accept / 1e3);
	lab_sentence(r, TUTORIAL_ACCEPT_RETURNS);
	evidence(r, "accept_before", b);
	evidence(r, "accept_after", a);
	/* tcp_v4_rcv() does it all: tcp_check_req(), inet_csk_complete_hashdance(), tcp_child_process() */
	lab_claim(r, N_("The server's accept() takes part in the handshake."), REFUTED, NULL,
		  (int64_t)queued->t_ns < called && !lab_fact(r, "after.accept_errno"),
		  N_("The kernel finished the handshake alone: the connection was in the accept queue %.3f ms "
		     "before accept() was called, which took it out without sending a packet."),
		  (called - (int64_t)queued->t_ns) / 1e6);
	lab_evidence(r, "established_before_accept_us", (called - (int64_t)queued->t_ns) / 1000);
	lab_evidence(r, "accept_took_us", a->accept_took);
	lab_evidence(r, "waited_in_accept_queue_us", a->waited);
}

static void judge_halves(struct lab_run *r, const struct times *b)
{
	/* the client: tcp_finish_connect() at the SYN-ACK; the server: tcp_rcv_state_process() at the third packet */
	lab_claim(r, N_("One direction is established before the other."), CONFIRMED, NULL,
		  b->client_established < b->third,
		  N_("The client was ESTABLISHED at %.3f ms, when the server had acknowledged its SYN, and "
		     "might send; the server, whose SYN the third packet acknowledges, %.3f ms later."),
		  b->client_established / 1e3,
		  (b->third - b->client_established) / 1e3);
	lab_sentence(r, TUTORIAL_ONE_DIRECTION);
	lab_evidence(r, "client_established_us", b->client_established);
	lab_evidence(r, "server_established_us", b->third);
}

static void judge_where(struct lab_run *r, const struct times *b)
{
	struct times l = { 0 }, one;
	int whole = 0;

	for (uint16_t i = 0; i < LOOPBACKS; i++) {
		one = times_of(r, LOOPBACK + i, CLIENT_LOOPBACK + i, false);
		if (one.third > one.connect_return)
			continue;
		whole++;
		l = one;
	}
	/* loopback_xmit() (drivers/net/loopback.c) queues it to this CPU, whose softirq runs before the call goes on */
	lab_claim(r, N_("When connect() returns, the server does not have the connection yet."), DEPENDS,
		  N_("on where the third packet is"), b->connect_return < b->third && whole,
		  N_("Over the wire connect() returned %.3f ms before the third packet was processed; over "
		     "loopback %.3f ms after it (in %d of %d runs), because the sender's CPU carries the "
		     "packet to its end."),
		  (b->third - b->connect_return) / 1e3, (l.connect_return - l.third) / 1e3, whole, LOOPBACKS);
	evidence(r, "loopback", &l);
	lab_evidence(r, "loopback.third_packet_first", whole);
}

static void judge(struct lab_run *r)
{
	struct times b = times_of(r, BEFORE, CLIENT_BEFORE, true), a = times_of(r, AFTER, CLIENT_AFTER, true);
	struct times n = times_of(r, NONBLOCK, CLIENT_NONBLOCK, true);

	judge_begin(r, &b);
	judge_connect(r, &b, &a);
	judge_numbers(r);
	judge_accept(r, &b, &a);
	judge_halves(r, &b);
	/* __inet_stream_connect() (net/ipv4/af_inet.c): O_NONBLOCK gives a timeout of 0 */
	lab_claim(r, N_("A non-blocking connect() returns at the second packet too."), REFUTED, NULL,
		  lab_fact(r, "nonblock.connect_errno") == EINPROGRESS && n.connect_return < n.synack,
		  N_("It returned EINPROGRESS after %.3f ms, before the SYN-ACK left the server (%.3f ms); "
		     "the socket became writable when that arrived."), n.connect_return / 1e3, n.synack / 1e3);
	evidence(r, "nonblock", &n);
	judge_where(r, &b);
}

static bool show(const struct lab_run *r, const struct lab_event *e)
{
	(void)r;
	return e->lport == BEFORE || e->rport == BEFORE;
}

/* Below each packet of the handshake what it said. */
static void remark(struct lab_run *r, unsigned int packet, char *text, size_t size)
{
	unsigned int syn = (uint32_t)lab_fact(r, "syn_seq"), synack = (uint32_t)lab_fact(r, "synack_seq");

	if (packet == 1)
		snprintf(text, size, "seq %u", syn);
	else if (packet == 2)
		snprintf(text, size, "seq %u\nack %u", synack, (uint32_t)lab_fact(r, "synack_ack"));
	else
		snprintf(text, size, "seq %u\nack %u", (uint32_t)lab_fact(r, "third_seq"),
			 (uint32_t)lab_fact(r, "third_ack"));
}

const struct lab lab_handshake = {
	.name = "handshake",
	.question = N_("At which packet do connect() and accept() return?"),
	.setup = N_("Client and server are joined by a wire that takes 3 ms for each packet and holds the "
		    "third packet of the handshake back until connect() has returned."),
	.shown = N_("Shown: accept() called first."),
	.ladder = true,
	.play = play,
	.judge = judge,
	.show = show,
	.remark = remark,
};
