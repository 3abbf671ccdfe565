// SPDX-License-Identifier: GPL-2.0-only
/* The ledger: what the kernel counts, where it counts it. Expected: net/ipv4 as read, and as tried on 6.18. */
#include <errno.h>

#include "model_rig.h"

static uint64_t counted(enum ledger_item item)
{
	const uint64_t *n = ledger_of(&rig.ledger, 7);

	return n ? n[item] : 0;
}

#define assert_attempts(opens, fails)						\
	do {									\
		assert_int_equal(counted(LEDGER_ACTIVE_OPENS), opens);		\
		assert_int_equal(counted(LEDGER_ATTEMPT_FAILS), fails);		\
	} while (0)

static void call(unsigned int event, unsigned int i, int ret)
{
	struct tcptrace_record rec = by(client_rec(event, i), CLIENT, 4);

	rec.sk = SK(i);
	rec.ret = ret;
	rig_feed(rec);
}

static void connects(unsigned int i)
{
	call(TCPTRACE_CONNECT, i, 0);
	state_of(client_rec(0, i), SK(i), TCP_S_CLOSE, TCP_S_SYN_SENT);
}

static void of(unsigned int event, unsigned int i)
{
	struct tcptrace_record rec = client_rec(event, i);

	rec.sk = SK(i);
	rig_feed(rec);
}

static void leaves(unsigned int i, uint8_t to)
{
	struct tcptrace_record rec = client_rec(0, i);

	rec.arg = i;			/* the sequence numbers of a handshake */
	state_of(rec, SK(i), TCP_S_SYN_SENT, to);
}

static void good_and_refused(void **state)
{
	(void)state;
	connects(1);
	leaves(1, TCP_S_ESTABLISHED);
	call(TCPTRACE_CONNECT_RETURN, 1, 0);
	assert_attempts(1, 0);
	connects(2);
	of(TCPTRACE_RST_RECEIVED, 2);
	leaves(2, TCP_S_CLOSE);
	call(TCPTRACE_CONNECT_RETURN, 2, -ECONNREFUSED);
	assert_attempts(2, 1);
	/* no answer: sent again, given up */
	connects(3);
	of(TCPTRACE_RETRANS, 3);
	assert_attempts(3, 1);
	of(TCPTRACE_RETRANS, 3);
	leaves(3, TCP_S_CLOSE);
	call(TCPTRACE_CONNECT_RETURN, 3, -ETIMEDOUT);
	assert_attempts(3, 2);
	/* ICMP says no */
	connects(4);
	leaves(4, TCP_S_CLOSE);
	call(TCPTRACE_CONNECT_RETURN, 4, -EHOSTUNREACH);
	assert_attempts(4, 3);
	/* the same while nobody blocks in connect(): known when the socket ends */
	connects(5);
	call(TCPTRACE_CONNECT_RETURN, 5, -EINPROGRESS);
	assert_attempts(5, 3);
	leaves(5, TCP_S_CLOSE);
	call(TCPTRACE_CLOSE, 5, 0);
	destroy(client_rec(0, 5), SK(5));
	assert_attempts(5, 4);
}

/* CRIU gives a socket the connection of another one: nothing is sent, nothing counted. */
static void repaired(void **state)
{
	(void)state;
	connects(1);
	leaves(1, TCP_S_ESTABLISHED);
	connects(2);
	state_of(client_rec(0, 2), SK(2), TCP_S_SYN_SENT, TCP_S_ESTABLISHED);
	call(TCPTRACE_CONNECT_RETURN, 2, 0);
	of(TCPTRACE_CLOSE, 2);
	assert_attempts(1, 0);
}

static void leaves_with(struct tcptrace_record totals, unsigned int i)
{
	struct tcptrace_record rec = client_rec(0, i);

	rec.segs_out = totals.segs_out;
	rec.undelivered = totals.undelivered;
	rec.ret = totals.ret;
	state_of(rec, SK(i), TCP_S_SYN_SENT, TCP_S_CLOSE);
}

/* The transition is made before a port is looked for, and by Fast Open without a SYN. */
static void never_sent(void **state)
{
	(void)state;
	connects(1);
	leaves(1, TCP_S_CLOSE);
	call(TCPTRACE_CONNECT_RETURN, 1, -EADDRNOTAVAIL);
	destroy(client_rec(0, 1), SK(1));
	assert_attempts(0, 0);
	connects(2);			/* TCP_FASTOPEN_CONNECT: a cookie is known, the first write would send */
	call(TCPTRACE_CONNECT_RETURN, 2, 0);
	call(TCPTRACE_CONNECT_RETURN, 2, -EISCONN);
	call(TCPTRACE_CLOSE, 2, 0);
	leaves(2, TCP_S_CLOSE);
	destroy(client_rec(0, 2), SK(2));
	assert_attempts(0, 0);
	connects(3);			/* the same, and it is written */
	call(TCPTRACE_CONNECT_RETURN, 3, 0);
	leaves(3, TCP_S_ESTABLISHED);
	assert_attempts(1, 0);
	connects(4);			/* the same, but it is closed: what left is a RST */
	call(TCPTRACE_CONNECT_RETURN, 4, 0);
	leaves_with((struct tcptrace_record){ .segs_out = 1 }, 4);
	connects(5);			/* the peer's SYN comes instead */
	call(TCPTRACE_CONNECT_RETURN, 5, 0);
	state_of(client_rec(0, 5), SK(5), TCP_S_SYN_SENT, TCP_S_SYN_RECV);
	assert_attempts(1, 0);
	connects(6);			/* ss -K instead: tcp_done(), and no SYN ever left */
	call(TCPTRACE_CONNECT_RETURN, 6, 0);
	leaves_with((struct tcptrace_record){ .ret = -ECONNABORTED }, 6);
	assert_attempts(1, 1);
	connects(7);			/* no port, and an error of the connection before */
	leaves_with((struct tcptrace_record){ .ret = -ETIMEDOUT }, 7);
	call(TCPTRACE_CONNECT_RETURN, 7, -EADDRNOTAVAIL);
	assert_attempts(1, 1);
}

static void leaves_having_sent(unsigned int i, int error)
{
	leaves_with((struct tcptrace_record){ .segs_out = 1, .undelivered = 1, .ret = error }, i);
}

/* Killed in connect(); sendto() with MSG_FASTOPEN, of which nothing else tells: its last transition has counts. */
static void told_by_counts(void **state)
{
	(void)state;
	connects(1);
	of(TCPTRACE_CLOSE, 1);
	leaves_having_sent(1, 0);
	destroy(client_rec(0, 1), SK(1));
	assert_attempts(1, 0);
	state_of(client_rec(0, 2), SK(2), TCP_S_CLOSE, TCP_S_SYN_SENT);
	leaves_having_sent(2, -ETIMEDOUT);
	of(TCPTRACE_CLOSE, 2);
	destroy(client_rec(0, 2), SK(2));
	assert_attempts(2, 1);
	connects(3);			/* once alone */
	of(TCPTRACE_RETRANS, 3);
	of(TCPTRACE_CLOSE, 3);
	leaves_having_sent(3, 0);
	assert_attempts(3, 1);
}

/* The errors that it left with say who took it off, whatever the program calls afterwards. */
static void told_by_errors(void **state)
{
	(void)state;
	connects(1);			/* ICMP; connect(AF_UNSPEC) a while later */
	call(TCPTRACE_CONNECT_RETURN, 1, -EINPROGRESS);
	leaves_having_sent(1, -EHOSTUNREACH);
	assert_attempts(1, 1);
	call(TCPTRACE_CONNECT_RETURN, 1, 0);
	destroy(client_rec(0, 1), SK(1));
	assert_attempts(1, 1);
	connects(2);			/* connect(AF_UNSPEC) at once, of a socket that had one before */
	call(TCPTRACE_CONNECT_RETURN, 2, -EINPROGRESS);
	leaves_having_sent(2, -ECONNRESET);
	call(TCPTRACE_CONNECT_RETURN, 2, 0);
	of(TCPTRACE_CLOSE, 2);
	destroy(client_rec(0, 2), SK(2));
	assert_attempts(2, 1);
}

/* Given up by the program: tcp_disconnect() and tcp_close() are no tcp_done(). */
static void given_up(void **state)
{
	(void)state;
	connects(1);
	call(TCPTRACE_CONNECT_RETURN, 1, -EINPROGRESS);
	call(TCPTRACE_CLOSE, 1, 0);
	leaves(1, TCP_S_CLOSE);
	destroy(client_rec(0, 1), SK(1));
	assert_attempts(1, 0);
	connects(2);
	call(TCPTRACE_CONNECT_RETURN, 2, -EINPROGRESS);
	call(TCPTRACE_SHUTDOWN, 2, 0);
	leaves(2, TCP_S_CLOSE);
	call(TCPTRACE_CLOSE, 2, 0);
	destroy(client_rec(0, 2), SK(2));
	assert_attempts(2, 0);
	connects(3);
	call(TCPTRACE_CONNECT_RETURN, 3, -EINPROGRESS);
	leaves(3, TCP_S_CLOSE);
	call(TCPTRACE_CONNECT_RETURN, 3, 0);		/* connect(AF_UNSPEC) */
	destroy(client_rec(0, 3), SK(3));
	assert_attempts(3, 0);
	connects(4);					/* a signal */
	call(TCPTRACE_CONNECT_RETURN, 4, -512);
	call(TCPTRACE_CLOSE, 4, 0);
	leaves(4, TCP_S_CLOSE);
	assert_attempts(4, 0);
}

static void settle(void *ctx, const struct conn *c)
{
	(void)ctx;
	ledger_settle(&rig.ledger, rig.m, c);
}

/* The run ends in the middle. */
static void at_the_end(void **state)
{
	(void)state;
	connects(1);					/* blocks */
	connects(2);
	call(TCPTRACE_CONNECT_RETURN, 2, -EINPROGRESS);
	leaves(2, TCP_S_CLOSE);				/* ICMP */
	connects(3);
	call(TCPTRACE_CONNECT_RETURN, 3, 0);		/* Fast Open, not written */
	model_until(rig.m, rig.t + 100 * MS);
	assert_attempts(1, 0);
	model_each_conn(rig.m, settle, NULL);
	assert_attempts(2, 1);
}

static void child_of_fast_open(unsigned int i)
{
	struct tcptrace_record rec = server_rec(TCPTRACE_SYNACK, i);

	state_of(server_rec(0, i), SK(i), TCP_S_LISTEN, TCP_S_SYN_RECV);
	rec.sk = SK(i);
	rig_feed(queues(rec, 0, 0));
	acceptq_add(i, TCPTRACE_ACCEPTQ_FASTOPEN, 0, 1);
}

static void reset(unsigned int i)
{
	struct tcptrace_record rec = server_rec(TCPTRACE_RST_RECEIVED, i);

	rec.sk = SK(i);
	rig_feed(rec);
}

static void leaves_syn_recv(unsigned int i, int error)
{
	struct tcptrace_record rec = server_rec(0, i);

	rec.segs_in = 1;
	rec.ret = error;
	state_of(rec, SK(i), TCP_S_SYN_RECV, TCP_S_CLOSE);
}

static void fast_open_ends(void **state)
{
	(void)state;
	rig_listen(128, 4096);
	child_of_fast_open(1);		/* RST in SYN_RECV: tcp_check_req() counts, and tcp_done() */
	reset(1);
	state_of(server_rec(0, 1), SK(1), TCP_S_SYN_RECV, TCP_S_CLOSE);
	assert_attempts(0, 2);
	child_of_fast_open(2);		/* accepted, closed, then RST: tcp_check_req() alone */
	accept_by(2, SERVER, 0, 0, 0);
	state_of(server_rec(0, 2), SK(2), TCP_S_SYN_RECV, TCP_S_FIN_WAIT1);
	reset(2);
	state_of(server_rec(0, 2), SK(2), TCP_S_FIN_WAIT1, TCP_S_CLOSE);
	assert_attempts(0, 3);
	child_of_fast_open(3);		/* its third packet came before */
	state_of(server_rec(0, 3), SK(3), TCP_S_SYN_RECV, TCP_S_ESTABLISHED);
	reset(3);
	state_of(server_rec(0, 3), SK(3), TCP_S_ESTABLISHED, TCP_S_CLOSE);
	assert_attempts(0, 3);
	child_of_fast_open(6);		/* accepted, and taken off by connect(AF_UNSPEC) */
	accept_by(6, SERVER, 0, 0, 0);
	leaves_syn_recv(6, 0);
	assert_attempts(0, 3);
	child_of_fast_open(7);		/* the last SYN-ACK had no answer: tcp_write_err() */
	leaves_syn_recv(7, -ETIMEDOUT);
	assert_attempts(0, 4);
	child_of_fast_open(4);		/* the listener goes: tcp_disconnect(), told or not */
	child_of_fast_open(5);
	child_of_fast_open(8);		/* accepted before that: a RST */
	accept_by(8, SERVER, 0, 0, 2);
	state_of(listener_rec(0), LSK, TCP_S_LISTEN, TCP_S_CLOSE);
	state_of(server_rec(0, 4), SK(4), TCP_S_SYN_RECV, TCP_S_CLOSE);
	acceptq_del(5, TCPTRACE_ACCEPTQ_CLOSED, 0, 0);
	state_of(server_rec(0, 5), SK(5), TCP_S_SYN_RECV, TCP_S_CLOSE);
	assert_attempts(0, 4);
	reset(8);
	state_of(server_rec(0, 8), SK(8), TCP_S_SYN_RECV, TCP_S_CLOSE);
	assert_attempts(0, 6);
	assert_int_equal(counted(LEDGER_FASTOPEN_PASSIVE), 8);
}

/* tcp_check_req() counts a SYN in the window of such a child, answers it by a RST, and leaves the child alone. */
static void fast_open_syn(void **state)
{
	struct tcptrace_record rec = server_rec(TCPTRACE_RST_SENT, 1);

	(void)state;
	rig_listen(128, 4096);
	child_of_fast_open(1);
	rec.sk = SK(1);
	rec.old = rec.new = TCP_S_SYN_RECV;
	rec.arg = 0x02;
	rig_feed(rec);
	assert_attempts(0, 1);
	rec.arg = 0x10;			/* an ACK that is none */
	rig_feed(rec);
	assert_attempts(0, 1);
	state_of(server_rec(0, 1), SK(1), TCP_S_SYN_RECV, TCP_S_ESTABLISHED);
	assert_attempts(0, 1);
}

static void born(uint64_t sk, unsigned int i)
{
	state_of(server_rec(0, i), sk, TCP_S_LISTEN, TCP_S_SYN_RECV);
}

static void dies(uint64_t sk, unsigned int i)
{
	state_of(server_rec(0, i), sk, TCP_S_SYN_RECV, TCP_S_CLOSE);
	destroy(server_rec(0, i), sk);
}

static void child_goes_on(unsigned int i, uint64_t sk)
{
	struct tcptrace_record rec = queues(server_rec(TCPTRACE_ACCEPTQ_ADD, i), 0, 1);

	synq_del(i, TCPTRACE_SYNQ_ESTABLISHED, 0, 0);
	rec.sk = sk;
	rec.req = RQ(i);
	rec.cause = TCPTRACE_ACCEPTQ_HANDSHAKE;
	rig_feed(rec);
	state_of(server_rec(0, i), sk, TCP_S_SYN_RECV, TCP_S_ESTABLISHED);
}

/* Two segments of a peer make two children: the kernel counts both as opened, and neither as failed. */
static void two_children(void **state)
{
	(void)state;
	rig_listen(128, 4096);
	synq_add(1, 1, 0);
	born(SK(1), 1);
	born(SK(11), 1);
	dies(SK(11), 1);
	child_goes_on(1, SK(1));
	synq_add(2, 1, 0);		/* the second one was faster */
	born(SK(2), 2);
	born(SK(12), 2);
	child_goes_on(2, SK(12));
	dies(SK(2), 2);
	synq_add(3, 1, 0);		/* the other one is told late */
	born(SK(3), 3);
	child_goes_on(3, SK(3));
	born(SK(13), 3);
	dies(SK(13), 3);
	born(SK(4), 4);			/* of a cookie, which has no request */
	born(SK(14), 4);
	dies(SK(14), 4);
	acceptq_add(4, TCPTRACE_ACCEPTQ_COOKIE, 0, 1);
	state_of(server_rec(0, 4), SK(4), TCP_S_SYN_RECV, TCP_S_ESTABLISHED);
	child_half_cloned(5);		/* as kernels up to 6.12 tell it */
	dies(SK(5), 5);
	assert_attempts(0, 0);
	assert_int_equal(counted(LEDGER_PASSIVE_OPENS), 9);
	assert_int_equal(model_totals(rig.m)->illegal, 0);
}

/* Nobody's child: the SYNs of two clients crossed. And who was in SYN_RECV when we began, most likely by Fast Open. */
static void stays_in_syn_recv(void **state)
{
	struct tcptrace_record rec = server_rec(TCPTRACE_EXISTS, 2);

	(void)state;
	connects(1);
	leaves(1, TCP_S_SYN_RECV);
	state_of(client_rec(0, 1), SK(1), TCP_S_SYN_RECV, TCP_S_CLOSE);
	assert_attempts(1, 1);
	rec.sk = SK(2);
	rec.new = TCP_S_SYN_RECV;
	rig_feed(rec);
	state_of(server_rec(0, 2), SK(2), TCP_S_SYN_RECV, TCP_S_CLOSE);
	assert_attempts(1, 2);
	rec = client_rec(TCPTRACE_EXISTS, 3);
	rec.sk = SK(3);
	rec.new = TCP_S_SYN_SENT;
	rig_feed(rec);
	leaves(3, TCP_S_SYN_RECV);
	state_of(client_rec(0, 3), SK(3), TCP_S_SYN_RECV, TCP_S_CLOSE);
	assert_int_equal(counted(LEDGER_ATTEMPT_FAILS), 3);
}

/* By segments; what was dropped by IP, too, whatever it says. */
static void sent_again(void **state)
{
	static const struct { uint64_t segments; int ret; unsigned int sum; } r[] = {
		{ 0, 0, 1 }, { 1, 0, 2 }, { 7, 0, 9 }, { 3, -EPERM, 12 }, { 2, -ENOBUFS, 14 },
		{ 1, -EHOSTUNREACH, 15 }, { 1, -EINVAL, 16 },
	};
	struct tcptrace_record rec = client_rec(TCPTRACE_RETRANS, 1);
	unsigned int i;

	(void)state;
	rec.sk = SK(1);
	for (i = 0; i < sizeof(r) / sizeof(*r); i++) {
		rec.arg = r[i].segments;
		rec.ret = r[i].ret;
		rig_feed(rec);
		assert_int_equal(counted(LEDGER_RETRANS_SEGS), r[i].sum);
	}
}

/* tcp_abort_on_overflow: a RST of the listener's for a request, which is no bad cookie. */
static void overflow_aborts(void **state)
{
	struct tcptrace_record rec = queues(server_rec(TCPTRACE_RST_SENT, 1), 1, 1), third;

	(void)state;
	rig_listen(0, 4096);
	rig_feed(queues(server_rec(TCPTRACE_COOKIE_SENT, 9), 1, 1));
	synq_add(1, 1, 1);
	rec.flags |= TCPTRACE_F_INFERRED;
	rig_feed(rec);
	third = queues(server_rec(TCPTRACE_DROP, 1), 1, 1);
	third.sk = RQ(1);
	third.flags |= TCPTRACE_F_REQUEST;
	third.cause = TCPTRACE_DROP_ACCEPTQ_ACK;
	third.new = TCPTRACE_ABORTED;
	rig_feed(third);
	synq_del(1, TCPTRACE_SYNQ_RESET, 0, 1);
	assert_int_equal(model_listener(rig.m, 0)->ghosts, 0);	/* it was told */
	assert_int_equal(counted(LEDGER_COOKIES_FAILED), 0);
	assert_int_equal(counted(LEDGER_EMBRYONIC_RSTS), 1);
	assert_attempts(0, 0);
	rec.rport = 40007;		/* an ACK of somebody unknown may be one */
	rig_feed(rec);
	assert_int_equal(counted(LEDGER_COOKIES_FAILED), 1);
}

/* A client whose third packet was refused resets: its attempt has failed. */
static void ghost_resets(void **state)
{
	(void)state;
	rig_listen(0, 4096);
	synq_add(1, 1, 1);
	drop(1, TCPTRACE_DROP_ACCEPTQ_ACK, RQ(1), 1, 1);
	synq_del(1, TCPTRACE_SYNQ_RESET, 0, 1);
	assert_int_equal(counted(LEDGER_EMBRYONIC_RSTS), 1);
	assert_attempts(0, 1);
}

/* Tracepoints: what ended the request of i, whose numbers are 1000 (ours) and 2000 */
static void ended_by(unsigned int i, uint8_t cause, uint32_t number, uint32_t synq)
{
	struct tcptrace_record rec = server_rec(TCPTRACE_SYNQ_DEL, i);

	if (cause == TCPTRACE_SYNQ_RESET) {
		rec = queues(rec, synq, 0);
		rec.flags |= TCPTRACE_F_INFERRED;
	}
	rec.cause = cause;
	rec.arg = number;
	rig_feed(rec);
}

static void numbered(unsigned int i, uint32_t synq)
{
	struct tcptrace_record rec = queues(server_rec(TCPTRACE_SYNQ_ADD, i), synq, 0);

	rec.sk = RQ(i);
	rec.flags |= TCPTRACE_F_REQUEST;
	rec.arg = 1000ull << 32 | 2000;
	rig_feed(rec);
}

/* An ICMP message about another segment is not heeded: tcp_req_err(). */
static void icmp_ends(void **state)
{
	(void)state;
	rig_listen(128, 4096);
	numbered(1, 1);
	ended_by(1, TCPTRACE_SYNQ_OTHER, 1001, 0);
	assert_int_equal(count(TCPTRACE_SYNQ_DEL), 0);
	ended_by(1, TCPTRACE_SYNQ_OTHER, 1000, 0);
	assert_int_equal(count(TCPTRACE_SYNQ_DEL), 1);
	assert_int_equal(counted(LEDGER_LISTEN_DROPS), 1);
	synq_add(2, 1, 0);		/* its numbers are not known: a sweep will say that it is gone */
	ended_by(2, TCPTRACE_SYNQ_OTHER, 1000, 0);
	assert_int_equal(counted(LEDGER_LISTEN_DROPS), 1);
}

/* fentry and kprobe: an ICMP message raises a counter, ss -K does not. */
static void killed_request(void **state)
{
	struct tcptrace_record rec = queues(server_rec(TCPTRACE_SYNQ_DEL, 1), 0, 0);

	(void)state;
	rig_listen(128, 4096);
	synq_add(1, 1, 0);
	rec.sk = RQ(1);
	rec.flags |= TCPTRACE_F_REQUEST;
	rec.cause = TCPTRACE_SYNQ_OTHER;
	rec.ret = -ECONNABORTED;
	rig_feed(rec);
	assert_int_equal(counted(LEDGER_LISTEN_DROPS), 0);
	assert_int_equal(model_listener(rig.m, 0)->causes[TCPTRACE_SYNQ_OTHER], 1);
	synq_add(2, 1, 0);
	synq_del(2, TCPTRACE_SYNQ_OTHER, 0, 0);
	assert_int_equal(counted(LEDGER_LISTEN_DROPS), 1);
	synq_add(3, 1, 0);		/* its timer fired, and its SYN-ACK did not leave */
	rec = queues(server_rec(TCPTRACE_SYNQ_DEL, 3), 0, 0);
	rec.sk = RQ(3);
	rec.flags |= TCPTRACE_F_REQUEST;
	rec.cause = TCPTRACE_SYNQ_OTHER;
	rec.ret = TCPTRACE_UNSENT;
	rig_feed(rec);
	assert_int_equal(counted(LEDGER_LISTEN_DROPS), 1);
	assert_int_equal(counted(LEDGER_TIMEOUTS), 1);
}

/* Newer kernels answer a RST that is in the window, but not the next segment, and keep the request. */
static void reset_by_number(void **state)
{
	(void)state;
	rig_listen(128, 4096);
	numbered(1, 1);
	numbered(2, 2);
	ended_by(1, TCPTRACE_SYNQ_RESET, 2005, 2);
	assert_int_equal(counted(LEDGER_EMBRYONIC_RSTS), 0);
	ended_by(1, TCPTRACE_SYNQ_RESET, 2001, 2);	/* whatever the length says */
	assert_int_equal(counted(LEDGER_EMBRYONIC_RSTS), 1);
	ended_by(2, TCPTRACE_SYNQ_RESET, 2005, 0);	/* an older kernel */
	assert_int_equal(counted(LEDGER_EMBRYONIC_RSTS), 2);
}

/* A sweep has not found out yet that a request is gone. What its peer then does says it: no message ends it again. */
static void went_past(unsigned int i, struct tcptrace_record rec)
{
	numbered(i, 1);
	rig_feed(rec);
	assert_int_equal(count(TCPTRACE_SYNQ_DEL), i);
	ended_by(i, TCPTRACE_SYNQ_OTHER, 1000, 0);
	assert_int_equal(count(TCPTRACE_SYNQ_DEL), i);
}

static void requests_not_met(void **state)
{
	struct tcptrace_record observed = { .event = TCPTRACE_OBSERVED, .t_ns = 1, .arg = ~0ull }, rec;

	(void)state;
	observed.arg &= ~(2ull << TCPTRACE_SEEN_SHIFT(TCPTRACE_SYNQ_DEL));
	rig_feed(observed);
	rig_listen(128, 4096);
	rec = queues(server_rec(TCPTRACE_COOKIE_SENT, 1), 0, 0);
	rec.flags |= TCPTRACE_F_INFERRED;
	went_past(1, rec);
	rec = queues(server_rec(TCPTRACE_DROP, 2), 0, 5);
	rec.cause = TCPTRACE_DROP_ACCEPTQ_SYN;
	went_past(2, rec);
	went_past(3, server_rec(TCPTRACE_RST_SENT, 3));
	assert_int_equal(counted(LEDGER_LISTEN_DROPS), 1);
	/* a listener answers a wrong ACK of a request, which stays */
	numbered(4, 1);
	rec = queues(server_rec(TCPTRACE_RST_SENT, 4), 1, 0);
	rec.old = rec.new = TCP_S_LISTEN;
	rig_feed(rec);
	assert_int_equal(count(TCPTRACE_SYNQ_DEL), 3);
	state_of(listener_rec(0), LSK, TCP_S_LISTEN, TCP_S_CLOSE);
	rig_feed(rec);				/* of a listener that is closed it went with its first segment */
	assert_int_equal(count(TCPTRACE_SYNQ_DEL), 4);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, rig_up, rig_down)
	const struct CMUnitTest tests[] = {
		CASE(good_and_refused), CASE(repaired), CASE(never_sent), CASE(told_by_counts), CASE(told_by_errors), CASE(given_up), CASE(at_the_end),
		CASE(fast_open_ends),
		CASE(two_children), CASE(stays_in_syn_recv), CASE(sent_again), CASE(overflow_aborts), CASE(ghost_resets),
		CASE(fast_open_syn), CASE(icmp_ends), CASE(killed_request), CASE(reset_by_number), CASE(requests_not_met),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
