// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a connection ended: each word of LIFE_ENDS by the records that mean it, through the model; and that a word whose
 * deciding event is not seen is not guessed.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../user/model/life.h"

#define LSK	0xffff888000001000ull
#define RQ	0xffff888100000000ull
#define SK	0xffff888200000000ull
#define ALL	(~0ull)

static struct model *m;
static struct conn_life life;
static uint64_t t;

static void on_event(void *ctx, const struct model_event *ev)
{
	(void)ctx;
	if (!ev->c)
		return;
	if (!life.conn && life_begins(ev))
		life.conn = ev->conn;
	if (life.conn == ev->conn)
		life_step(&life, ev);
}

static int setup(void **state)
{
	(void)state;
	memset(&life, 0, sizeof(life));
	t = 1000000000;
	m = model_new(NULL, on_event, NULL);
	return m ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	model_free(m);
	return 0;
}

static struct tcptrace_record record(unsigned int event, uint64_t sk)
{
	struct tcptrace_record r = { .event = (uint8_t)event, .sk = sk, .family = 4, .fd = -1, .netns = 1 };

	r.t_ns = t += 1000000;
	r.laddr[10] = r.laddr[11] = r.raddr[10] = r.raddr[11] = 0xff;
	r.laddr[15] = 1;
	r.raddr[15] = 2;
	r.lport = 8080;
	r.rport = 40000;
	return r;
}

static void step(unsigned int event, uint64_t sk)
{
	struct tcptrace_record r = record(event, sk);

	if (sk == RQ) {
		r.flags = TCPTRACE_F_REQUEST | TCPTRACE_F_QUEUES;
		r.listener = LSK;
		r.acceptq_max = 8;
		r.synq = event != TCPTRACE_SYNQ_DEL;
	}
	model_feed(m, &r);
}

static void call(unsigned int event, int ret)
{
	struct tcptrace_record r = record(event, SK);

	r.flags = TCPTRACE_F_ACTOR;
	r.pid = r.tid = 7;
	r.ret = ret;
	memcpy(r.comm, "prog", 4);
	model_feed(m, &r);
}

static void caused(unsigned int event, uint64_t sk, unsigned int cause)
{
	struct tcptrace_record r = record(event, sk);

	r.cause = (uint8_t)cause;
	r.listener = LSK;
	r.flags = TCPTRACE_F_QUEUES | (sk == RQ ? TCPTRACE_F_REQUEST : 0);
	r.acceptq_max = 8;
	model_feed(m, &r);
}

static void state(unsigned int old, unsigned int new)
{
	struct tcptrace_record r = record(TCPTRACE_STATE, SK);

	r.old = (uint8_t)old;
	r.new = (uint8_t)new;
	if (old == TCP_S_LISTEN)
		r.req = RQ;
	model_feed(m, &r);
}

struct totals {
	int err;
	uint32_t unread, undelivered, retrans;
};

static void ends(unsigned int old, unsigned int new, struct totals with)
{
	struct tcptrace_record r = record(TCPTRACE_STATE, SK);

	r.old = (uint8_t)old;
	r.new = (uint8_t)new;
	r.bytes_in = 386;
	r.bytes_out = 10000000000ull;
	r.segs_in = r.segs_out = 5;
	r.unread = with.unread;
	r.undelivered = with.undelivered;
	r.retrans = with.retrans;
	r.ret = -with.err;
	model_feed(m, &r);
}

static void request(void)
{
	step(TCPTRACE_SYNQ_ADD, RQ);
}

static void queued(void)
{
	request();
	state(TCP_S_LISTEN, TCP_S_SYN_RECV);
	caused(TCPTRACE_SYNQ_DEL, RQ, TCPTRACE_SYNQ_ESTABLISHED);
	caused(TCPTRACE_ACCEPTQ_ADD, SK, TCPTRACE_ACCEPTQ_HANDSHAKE);
	state(TCP_S_SYN_RECV, TCP_S_ESTABLISHED);
}

static void accepted(void)
{
	queued();
	caused(TCPTRACE_ACCEPTQ_DEL, SK, TCPTRACE_ACCEPTQ_ACCEPTED);
}

static void dials(void)
{
	call(TCPTRACE_CONNECT, 0);
	state(TCP_S_CLOSE, TCP_S_SYN_SENT);
}

static void is(enum life_end want)
{
	uint64_t unobserved;
	enum life_end end = life_end(&life, t, ALL, &unobserved);

	assert_string_equal(life_end_word(end), life_end_word(want));
	assert_true(life.conn != 0);
}

static void is_not_known_without(unsigned int event)
{
	uint64_t unobserved;

	assert_int_equal(life_end(&life, t, ALL & ~(1ull << event), &unobserved), LIFE_UNKNOWN);
	assert_int_equal(unobserved, 1ull << event);
}

/* ---- closed ---- */

static void closed_by_us(void **s)
{
	(void)s;
	accepted();
	call(TCPTRACE_CLOSE, 0);
	state(TCP_S_ESTABLISHED, TCP_S_FIN_WAIT1);
	state(TCP_S_FIN_WAIT1, TCP_S_FIN_WAIT2);
	is(LIFE_OPEN);
	ends(TCP_S_FIN_WAIT2, TCP_S_TIME_WAIT, (struct totals){ 0 });
	assert_false(life_over(&life, t));
	step(TCPTRACE_DESTROY, SK);
	assert_true(life_over(&life, t));
	is(LIFE_CLOSED_BY_US);
	assert_int_equal(life.totals.in, 386);
	assert_int_equal(life.totals.out, 10000000000ull);
	assert_int_equal(life.role, ROLE_SERVER);
	assert_int_equal(life_phase(&life), PHASE_CLOSING);
}

/* As where there are tcp_max_tw_buckets already: shutdown(), their FIN; a disconnect would look the same but for the flag. */
static void closed_by_us_no_minisock(void **s)
{
	struct tcptrace_record r;

	(void)s;
	accepted();
	call(TCPTRACE_SHUTDOWN, 0);
	state(TCP_S_ESTABLISHED, TCP_S_FIN_WAIT1);
	state(TCP_S_FIN_WAIT1, TCP_S_FIN_WAIT2);
	r = record(TCPTRACE_STATE, SK);
	r.old = TCP_S_FIN_WAIT2;
	r.new = TCP_S_CLOSE;
	r.segs_in = r.segs_out = 5;
	r.flags = TCPTRACE_F_END;
	model_feed(m, &r);
	is(LIFE_CLOSED_BY_US);
}

static void closed_by_them(void **s)
{
	(void)s;
	accepted();
	state(TCP_S_ESTABLISHED, TCP_S_CLOSE_WAIT);
	call(TCPTRACE_CLOSE, 0);
	state(TCP_S_CLOSE_WAIT, TCP_S_LAST_ACK);
	ends(TCP_S_LAST_ACK, TCP_S_CLOSE, (struct totals){ 0 });
	is(LIFE_CLOSED_BY_THEM);
}

static void closed_by_both(void **s)
{
	(void)s;
	accepted();
	state(TCP_S_ESTABLISHED, TCP_S_FIN_WAIT1);
	state(TCP_S_FIN_WAIT1, TCP_S_CLOSING);
	ends(TCP_S_CLOSING, TCP_S_TIME_WAIT, (struct totals){ 0 });
	is(LIFE_CLOSED_BY_BOTH);
	assert_int_equal(life.first, FIRST_BOTH);
}

/* ---- an orphan's minisock ---- */

static void orphan(void)
{
	struct tcptrace_record r;

	accepted();
	call(TCPTRACE_CLOSE, 0);
	state(TCP_S_ESTABLISHED, TCP_S_FIN_WAIT1);
	state(TCP_S_FIN_WAIT1, TCP_S_FIN_WAIT2);
	r = record(TCPTRACE_DESTROY, SK);
	r.bytes_out = 7;
	r.segs_out = 3;
	model_feed(m, &r);
	assert_int_equal(life.totals.out, 7);
	assert_false(life_over(&life, t + 60000000000ull));
	is(LIFE_OPEN);
}

static void minisock_err(unsigned int old, unsigned int new, int err)
{
	struct tcptrace_record r = record(TCPTRACE_STATE, SK + 64);

	r.flags = TCPTRACE_F_TIMEWAIT;
	r.old = (uint8_t)old;
	r.new = (uint8_t)new;
	r.ret = -err;
	model_feed(m, &r);
}

static void minisock(unsigned int old, unsigned int new) { minisock_err(old, new, 0); }

static void orphan_gets_fin(void **s)
{
	(void)s;
	orphan();
	minisock(TCP_S_FIN_WAIT2, TCP_S_TIME_WAIT);
	assert_true(life_over(&life, t));
	is(LIFE_CLOSED_BY_US);
}

static void orphan_resets(void **s)
{
	(void)s;
	orphan();
	step(TCPTRACE_RST_SENT, 0);
	assert_true(life_over(&life, t));
	is(LIFE_RESET_LATE_DATA);
}

/* Where it is not seen that a RST ended it nobody knows what did. */
static void orphan_is_reset(void **s)
{
	(void)s;
	orphan();
	minisock_err(TCP_S_FIN_WAIT2, TCP_S_CLOSE, ECONNRESET);
	assert_true(life_over(&life, t));
	is(LIFE_RESET_BY_THEM);
	assert_false(life_deduced(&life, LIFE_RESET_BY_THEM));
}

static void orphan_is_gone(void **s)
{
	(void)s;
	orphan();
	minisock(TCP_S_FIN_WAIT2, TCP_S_CLOSE);
	is(LIFE_UNKNOWN);
}

static void never_closed(void **s)
{
	uint64_t unobserved;

	(void)s;
	orphan();
	t += 62000000000ull;
	assert_true(life_over(&life, t));
	is(LIFE_NEVER_CLOSED);
	assert_true(life_deduced(&life, LIFE_NEVER_CLOSED));
	/* a RST that is not seen would have been another word */
	assert_int_equal(life_end(&life, t, ALL & ~(1ull << TCPTRACE_RST_SENT), &unobserved), LIFE_UNKNOWN);
	assert_int_equal(unobserved, 1ull << TCPTRACE_RST_SENT);
	minisock(TCP_S_FIN_WAIT2, TCP_S_CLOSE);
	is(LIFE_NEVER_CLOSED);
	assert_false(life_deduced(&life, LIFE_NEVER_CLOSED));
}

/* ---- reset ---- */

static void reset_by_them(void **s)
{
	(void)s;
	queued();
	step(TCPTRACE_RST_RECEIVED, SK);
	ends(TCP_S_ESTABLISHED, TCP_S_CLOSE, (struct totals){ .err = ECONNRESET });
	caused(TCPTRACE_ACCEPTQ_DEL, SK, TCPTRACE_ACCEPTQ_RESET);
	is(LIFE_RESET_BY_THEM);
	assert_int_equal(life_phase(&life), PHASE_ACCEPTQ);
}

static void reset_in_close_wait(void **s)
{
	(void)s;
	accepted();
	state(TCP_S_ESTABLISHED, TCP_S_CLOSE_WAIT);
	step(TCPTRACE_RST_RECEIVED, SK);
	ends(TCP_S_CLOSE_WAIT, TCP_S_CLOSE, (struct totals){ .err = EPIPE });
	is(LIFE_RESET_BY_THEM);
}

static void reset_unread(void **s)
{
	(void)s;
	accepted();
	call(TCPTRACE_CLOSE, 0);
	ends(TCP_S_ESTABLISHED, TCP_S_CLOSE, (struct totals){ .unread = 70 });
	step(TCPTRACE_RST_SENT, SK);
	is(LIFE_RESET_UNREAD);
	assert_int_equal(life.totals.unread, 70);
}

static void reset_linger(void **s)
{
	(void)s;
	accepted();
	state(TCP_S_ESTABLISHED, TCP_S_CLOSE_WAIT);
	call(TCPTRACE_CLOSE, 0);
	ends(TCP_S_CLOSE_WAIT, TCP_S_CLOSE, (struct totals){ 0 });
	step(TCPTRACE_RST_SENT, SK);
	is(LIFE_RESET_LINGER);
}

/* TCP_REPAIR: no RST leaves, so it was neither SO_LINGER nor what was unread. */
static void silent(void **s)
{
	uint64_t unobserved;

	(void)s;
	accepted();
	call(TCPTRACE_CLOSE, 0);
	ends(TCP_S_ESTABLISHED, TCP_S_CLOSE, (struct totals){ .unread = 7 });
	is(LIFE_UNKNOWN);
	assert_int_equal(life_end(&life, t, ALL & ~(1ull << TCPTRACE_RST_SENT), &unobserved), LIFE_UNKNOWN);
	assert_int_equal(unobserved, 1ull << TCPTRACE_RST_SENT);
}

static void reset_disconnect(void **s)
{
	uint64_t unobserved;

	(void)s;
	accepted();
	ends(TCP_S_ESTABLISHED, TCP_S_CLOSE, (struct totals){ 0 });
	step(TCPTRACE_RST_SENT, SK);
	call(TCPTRACE_CLOSE, 0);	/* later: it has not ended it */
	is(LIFE_RESET_DISCONNECT);
	assert_int_equal(life_end(&life, t, ALL & ~(1ull << TCPTRACE_CLOSE), &unobserved), LIFE_UNKNOWN);
	assert_int_equal(unobserved, 1ull << TCPTRACE_CLOSE);
}

/* tcp_reset() of a closed socket, and then a RST of ours: of that socket, or of none. */
static void reset_and_answered(uint64_t by)
{
	accepted();
	call(TCPTRACE_CLOSE, 0);
	state(TCP_S_ESTABLISHED, TCP_S_FIN_WAIT1);
	step(TCPTRACE_RST_RECEIVED, SK);
	ends(TCP_S_FIN_WAIT1, TCP_S_CLOSE, (struct totals){ .err = ECONNRESET });
	step(TCPTRACE_RST_SENT, by);
}

/* Data for a full socket that was closed: tcp_reset(), and then our RST. */
static void reset_late_data(void **s)
{
	(void)s;
	reset_and_answered(SK);
	is(LIFE_RESET_LATE_DATA);
}

/* The same after shutdown(SHUT_RDWR); where it is seen that no RST came only ours is told. */
static void reset_late_data_shut(void **s)
{
	(void)s;
	accepted();
	call(TCPTRACE_SHUTDOWN, 0);
	state(TCP_S_ESTABLISHED, TCP_S_FIN_WAIT1);
	state(TCP_S_FIN_WAIT1, TCP_S_FIN_WAIT2);
	ends(TCP_S_FIN_WAIT2, TCP_S_CLOSE, (struct totals){ .err = ECONNRESET });
	assert_false(life_over(&life, t));
	step(TCPTRACE_RST_SENT, SK);
	is(LIFE_RESET_LATE_DATA);
}

/* A RST of theirs; what they had sent before it finds no socket. */
static void reset_by_them_late(void **s)
{
	(void)s;
	reset_and_answered(0);
	is(LIFE_RESET_BY_THEM);
}

/* TCP_LINGER2 below 0: the ACK of our FIN is answered by a RST, after the end. */
static void reset_by_us_late(void **s)
{
	(void)s;
	accepted();
	call(TCPTRACE_CLOSE, 0);
	state(TCP_S_ESTABLISHED, TCP_S_FIN_WAIT1);
	state(TCP_S_FIN_WAIT1, TCP_S_FIN_WAIT2);
	ends(TCP_S_FIN_WAIT2, TCP_S_CLOSE, (struct totals){ 0 });
	step(TCPTRACE_DESTROY, SK);
	assert_false(life_over(&life, t));
	life.reset_after = true;	/* of no socket: the view finds it by its ends */
	assert_true(life_over(&life, t));
	is(LIFE_RESET_BY_US);
}

static void out_of_resources(void **s)
{
	(void)s;
	accepted();
	call(TCPTRACE_CLOSE, 0);
	state(TCP_S_ESTABLISHED, TCP_S_FIN_WAIT1);
	step(TCPTRACE_RST_SENT, SK);
	ends(TCP_S_FIN_WAIT1, TCP_S_CLOSE, (struct totals){ .undelivered = 9 });
	is(LIFE_RESET_MEMORY);
}

/* tcp_check_oom() in close(): no FIN of ours is waited for, whoever was first. */
static void reset_memory(void **s)
{
	(void)s;
	accepted();
	state(TCP_S_ESTABLISHED, TCP_S_CLOSE_WAIT);
	call(TCPTRACE_CLOSE, 0);
	state(TCP_S_CLOSE_WAIT, TCP_S_LAST_ACK);
	ends(TCP_S_LAST_ACK, TCP_S_CLOSE, (struct totals){ .undelivered = 1 });
	is(LIFE_CLOSED_BY_THEM);
	step(TCPTRACE_RST_SENT, 0);		/* of no socket: what they sent later */
	is(LIFE_CLOSED_BY_THEM);
	step(TCPTRACE_RST_SENT, SK);
	is(LIFE_RESET_MEMORY);
}

/* shutdown() before it: the FIN has left, and still close() with bytes unread is a RST. */
static void unread_in_last_ack(void **s)
{
	(void)s;
	accepted();
	state(TCP_S_ESTABLISHED, TCP_S_CLOSE_WAIT);
	state(TCP_S_CLOSE_WAIT, TCP_S_LAST_ACK);
	call(TCPTRACE_CLOSE, 0);
	ends(TCP_S_LAST_ACK, TCP_S_CLOSE, (struct totals){ .unread = 70 });
	step(TCPTRACE_RST_SENT, SK);
	is(LIFE_RESET_UNREAD);
}

static void killed(void **s)
{
	(void)s;
	accepted();
	step(TCPTRACE_RST_SENT, SK);
	ends(TCP_S_ESTABLISHED, TCP_S_CLOSE, (struct totals){ .err = ECONNABORTED });
	is(LIFE_KILLED);
}

/* ---- nobody answers ---- */

static void timed_out(void **s)
{
	(void)s;
	accepted();
	ends(TCP_S_ESTABLISHED, TCP_S_CLOSE, (struct totals){ .err = ETIMEDOUT, .undelivered = 33, .retrans = 4 });
	is(LIFE_TIMED_OUT);
}

static void timed_out_by_icmp(void **s)
{
	(void)s;
	accepted();
	ends(TCP_S_ESTABLISHED, TCP_S_CLOSE, (struct totals){ .err = EHOSTUNREACH, .undelivered = 33 });
	is(LIFE_TIMED_OUT);
}

static void keepalive(void **s)
{
	(void)s;
	accepted();
	step(TCPTRACE_RST_SENT, SK);
	ends(TCP_S_ESTABLISHED, TCP_S_CLOSE, (struct totals){ .err = ETIMEDOUT });
	is(LIFE_KEEPALIVE);
}

static void fin_unanswered(void **s)
{
	(void)s;
	accepted();
	call(TCPTRACE_CLOSE, 0);
	state(TCP_S_ESTABLISHED, TCP_S_FIN_WAIT1);
	ends(TCP_S_FIN_WAIT1, TCP_S_CLOSE, (struct totals){ .err = ETIMEDOUT, .undelivered = 1 });
	is(LIFE_FIN_UNANSWERED);
}

/* ---- never got in ---- */

static void not_accepted(void **s)
{
	(void)s;
	queued();
	ends(TCP_S_ESTABLISHED, TCP_S_CLOSE, (struct totals){ .unread = 5 });
	caused(TCPTRACE_ACCEPTQ_DEL, SK, TCPTRACE_ACCEPTQ_CLOSED);
	is(LIFE_NOT_ACCEPTED);
}

static void waits(void **s)
{
	(void)s;
	request();
	is(LIFE_HALF_OPEN);
	model_free(m);
	setup(NULL);
	queued();
	is(LIFE_WAITING);
}

static void leaves_synq(unsigned int cause, enum life_end want)
{
	request();
	caused(TCPTRACE_SYNQ_DEL, RQ, cause);
	assert_true(life_over(&life, t));
	is(want);
	assert_int_equal(life_phase(&life), PHASE_SYNQ);
}

static void expired(void **s)
{
	(void)s;
	leaves_synq(TCPTRACE_SYNQ_EXPIRED, LIFE_EXPIRED);
}

/* A sweep found it gone: when it went is not known. */
static void swept(void **s)
{
	struct tcptrace_record r = record(TCPTRACE_SYNQ_DEL, RQ);

	(void)s;
	request();
	assert_false(life_deduced(&life, LIFE_HALF_OPEN));
	r.cause = TCPTRACE_SYNQ_OTHER;
	r.flags = TCPTRACE_F_REQUEST | TCPTRACE_F_SAMPLED;
	model_feed(m, &r);
	is(LIFE_UNKNOWN);
	assert_true(life_deduced(&life, LIFE_UNKNOWN));
}

static void syn_reset(void **s)
{
	(void)s;
	leaves_synq(TCPTRACE_SYNQ_RESET, LIFE_SYN_RESET);
}

/* A SYN that does not fit is answered by a RST, and the request goes; so is an ACK, and it stays. */
static void syn_reset_by_us(void **s)
{
	(void)s;
	for (int later = 0; later < 2; later++) {
		request();
		step(TCPTRACE_RST_SENT, RQ);
		t += later ? 1000000000 : -900000;	/* a record is 1 ms after the one before */
		caused(TCPTRACE_SYNQ_DEL, RQ, TCPTRACE_SYNQ_RESET);
		is(LIFE_SYN_RESET);
		assert_string_equal(life_end_zeek(&life, LIFE_SYN_RESET), later ? "RSTO" : "RSTR");
		life = (struct conn_life){ 0 };
	}
}

/* A child of Fast Open answers by itself: while it is in SYN_RECV a RST may come, or no third packet at all. */
static void child_in_syn_recv(void **s)
{
	for (unsigned int i = 0; i < 2; i++) {
		state(TCP_S_LISTEN, TCP_S_SYN_RECV);
		caused(TCPTRACE_ACCEPTQ_ADD, SK, TCPTRACE_ACCEPTQ_FASTOPEN);
		ends(TCP_S_SYN_RECV, TCP_S_CLOSE, (struct totals){ .err = i ? ETIMEDOUT : ECONNRESET });
		is(i ? LIFE_EXPIRED : LIFE_RESET_BY_THEM);
		teardown(s);
		setup(s);
	}
}

static void syn_killed(void **s)
{
	(void)s;
	leaves_synq(TCPTRACE_SYNQ_LISTENER_CLOSED, LIFE_SYN_KILLED);
}

static void ghost(void **s)
{
	(void)s;
	request();
	caused(TCPTRACE_DROP, RQ, TCPTRACE_DROP_ACCEPTQ_ACK);
	caused(TCPTRACE_SYNQ_DEL, RQ, TCPTRACE_SYNQ_EXPIRED);
	is(LIFE_GHOST);
}

static void refused(void **s)
{
	struct conn_life none = { .tries = 3, .end_ns = 1 };
	uint64_t unobserved;

	(void)s;
	assert_int_equal(life_end(&none, t, ALL, &unobserved), LIFE_REFUSED);
}

/* ---- attempts ---- */

static void attempt(int err, bool reset, enum life_end want)
{
	dials();
	if (reset)
		step(TCPTRACE_RST_RECEIVED, SK);
	ends(TCP_S_SYN_SENT, TCP_S_CLOSE, (struct totals){ .err = err });
	call(TCPTRACE_CONNECT_RETURN, err ? -err : -EINTR);
	is(want);
	assert_int_equal(life.role, ROLE_CLIENT);
	assert_int_equal(life_phase(&life), PHASE_CONNECT);
}

static void no_listener(void **s)
{
	(void)s;
	attempt(ECONNREFUSED, true, LIFE_NO_LISTENER);
}

static void no_answer(void **s)
{
	(void)s;
	attempt(ETIMEDOUT, false, LIFE_NO_ANSWER);
}

static void unreachable(void **s)
{
	(void)s;
	attempt(EHOSTUNREACH, false, LIFE_UNREACHABLE);
}

/* ECONNREFUSED by ICMP: only if a RST would have been seen. */
static void refused_by_icmp(void **s)
{
	uint64_t unobserved;

	(void)s;
	attempt(ECONNREFUSED, false, LIFE_UNREACHABLE);
	assert_int_equal(life_end(&life, t, ALL & ~(1ull << TCPTRACE_RST_RECEIVED), &unobserved), LIFE_UNKNOWN);
	assert_int_equal(unobserved, 1ull << TCPTRACE_RST_RECEIVED);
}

static void cancelled(void **s)
{
	(void)s;
	dials();
	ends(TCP_S_SYN_SENT, TCP_S_CLOSE, (struct totals){ .retrans = 1 });
	is(LIFE_CANCELLED);
}

/* With one SYN on its way: an ICMP error may have been told to the program alone. */
static void closed_early(void **s)
{
	(void)s;
	attempt(0, false, LIFE_CLOSED_EARLY);
}

static void returns_in_progress(uint32_t soft)
{
	struct tcptrace_record r = record(TCPTRACE_CONNECT_RETURN, SK);

	r.flags = TCPTRACE_F_ACTOR;
	r.ret = -EINPROGRESS;
	r.soft_errno = soft;
	model_feed(m, &r);
}

/* SO_ERROR has taken it away when its program closes; or nobody has. */
static void told_by_so_error(void **s)
{
	dials();
	returns_in_progress(EHOSTUNREACH);
	is(LIFE_HALF_OPEN);
	ends(TCP_S_SYN_SENT, TCP_S_CLOSE, (struct totals){ 0 });
	is(LIFE_UNREACHABLE);
	assert_int_equal(life.soft_err, EHOSTUNREACH);
	teardown(s);
	setup(s);
	dials();
	ends(TCP_S_SYN_SENT, TCP_S_CLOSE, (struct totals){ .unread = ECONNREFUSED });
	is(LIFE_UNREACHABLE);
	assert_int_equal(life.soft_err, ECONNREFUSED);
	assert_int_equal(life.totals.unread, 0);
	teardown(s);
	setup(s);
	dials();
	returns_in_progress(EMSGSIZE);		/* a smaller MTU ends nothing */
	ends(TCP_S_SYN_SENT, TCP_S_CLOSE, (struct totals){ 0 });
	is(LIFE_CLOSED_EARLY);
}

static void not_sent(void **s)
{
	(void)s;
	call(TCPTRACE_CONNECT, 0);
	call(TCPTRACE_CONNECT_RETURN, -ENETUNREACH);
	is(LIFE_NOT_SENT);
}

/* ---- what is not known is not said ---- */

static void old_recording(void **s)
{
	(void)s;
	accepted();
	call(TCPTRACE_CLOSE, 0);
	state(TCP_S_ESTABLISHED, TCP_S_CLOSE);
	is(LIFE_UNKNOWN);
	assert_false(life.totals.known);
}

static void in_progress(void **s)
{
	(void)s;
	dials();
	call(TCPTRACE_CONNECT_RETURN, -EINPROGRESS);
	is(LIFE_HALF_OPEN);
}

/* Two segments made two children, and the first one that was told is thrown away: the other is the connection. */
static void second_child(void **s)
{
	uint64_t syn;

	(void)s;
	request();
	syn = t;
	state(TCP_S_LISTEN, TCP_S_SYN_RECV);
	state(TCP_S_SYN_RECV, TCP_S_CLOSE);
	step(TCPTRACE_DESTROY, SK);
	assert_false(life_over(&life, t));
	is(LIFE_HALF_OPEN);
	state(TCP_S_LISTEN, TCP_S_SYN_RECV);
	caused(TCPTRACE_SYNQ_DEL, RQ, TCPTRACE_SYNQ_ESTABLISHED);
	caused(TCPTRACE_ACCEPTQ_ADD, SK, TCPTRACE_ACCEPTQ_HANDSHAKE);
	is(LIFE_WAITING);
	assert_int_equal(life.start_ns, syn);
}

static void began_before(void **s)
{
	(void)s;
	state(TCP_S_ESTABLISHED, TCP_S_CLOSE_WAIT);
	assert_true(life.before);
	assert_int_equal(life.start_ns, 0);
	assert_int_equal(life.role, ROLE_UNKNOWN);
}

/* What has come so far is not where it is now, when the next step would not be seen. */
static void goes_on_unseen(void **s)
{
	(void)s;
	request();
	is(LIFE_HALF_OPEN);
	is_not_known_without(TCPTRACE_SYNQ_DEL);
	state(TCP_S_LISTEN, TCP_S_SYN_RECV);
	caused(TCPTRACE_SYNQ_DEL, RQ, TCPTRACE_SYNQ_ESTABLISHED);
	is_not_known_without(TCPTRACE_STATE);
	caused(TCPTRACE_ACCEPTQ_ADD, SK, TCPTRACE_ACCEPTQ_HANDSHAKE);
	is_not_known_without(TCPTRACE_ACCEPTQ_DEL);
	state(TCP_S_SYN_RECV, TCP_S_ESTABLISHED);
	caused(TCPTRACE_ACCEPTQ_DEL, SK, TCPTRACE_ACCEPTQ_ACCEPTED);
	is(LIFE_OPEN);
	is_not_known_without(TCPTRACE_STATE);
}

static void waited_before(void **s)
{
	struct tcptrace_record r = record(TCPTRACE_EXISTS, SK);

	(void)s;
	r.flags = TCPTRACE_F_QUEUED;
	r.listener = LSK;
	r.new = TCP_S_ESTABLISHED;
	model_feed(m, &r);
	is(LIFE_WAITING);
	assert_int_equal(life_phase(&life), PHASE_ACCEPTQ);
	caused(TCPTRACE_ACCEPTQ_DEL, SK, TCPTRACE_ACCEPTQ_ACCEPTED);
	is(LIFE_OPEN);
	assert_int_equal(life_phase(&life), PHASE_OPEN);
}

/* No snapshot finds what was reset while it waits for accept(): the first that is seen of it is that call. */
static void reset_before_us(void **s)
{
	struct tcptrace_record r = record(TCPTRACE_ACCEPT, SK);

	(void)s;
	r.listener = LSK;
	r.ret = 9;
	model_feed(m, &r);
	assert_true(life.conn != 0);
	life.before = true;		/* the view knows that nothing told how it came */
	call(TCPTRACE_CLOSE, 0);
	r = record(TCPTRACE_DESTROY, SK);
	r.segs_in = 3;
	r.ret = -ECONNRESET;
	model_feed(m, &r);
	is(LIFE_RESET_BY_THEM);
	assert_int_equal(life_phase(&life), PHASE_ACCEPTQ);
	is_not_known_without(TCPTRACE_STATE);
	life.before = false;
	is(LIFE_UNKNOWN);
}

static void found_over(void **s)
{
	struct tcptrace_record r;

	(void)s;
	dials();
	r = record(TCPTRACE_EXISTS, SK);
	r.new = TCP_S_CLOSE;
	life_found(&life, &r);
	assert_false(life.established);
	assert_int_equal(life.found_ns, 0);
	r.new = TCP_S_ESTABLISHED;
	life_found(&life, &r);
	is(LIFE_OPEN);
	assert_int_equal(life.found_ns, r.t_ns);
}

static void disconnect(uint64_t sk)
{
	struct tcptrace_record r = record(TCPTRACE_CONNECT_RETURN, sk);

	r.rport = 0;
	memset(r.raddr, 0, sizeof(r.raddr));
	model_feed(m, &r);
}

/* connect(AF_UNSPEC) of a listener, and of a socket that is bound: it connects nobody. */
static void disconnected(void **s)
{
	struct tcptrace_record r = record(TCPTRACE_LISTEN, LSK);

	(void)s;
	r.rport = 0;
	model_feed(m, &r);
	disconnect(LSK);
	assert_int_equal(model_totals(m)->conns_now, 0);
	r = record(TCPTRACE_BIND, SK);
	r.rport = 0;
	model_feed(m, &r);
	disconnect(SK);
	assert_int_equal(life.conn, 0);
	dials();
	is(LIFE_HALF_OPEN);
}

/* The next connection of a socket that was taken off one has its rtt_min. */
static void reused(void **s)
{
	(void)s;
	dials();
	state(TCP_S_SYN_SENT, TCP_S_ESTABLISHED);
	call(TCPTRACE_CONNECT_RETURN, 0);
	ends(TCP_S_ESTABLISHED, TCP_S_CLOSE, (struct totals){ 0 });
	disconnect(SK);
	assert_false(life.reused);
	memset(&life, 0, sizeof(life));
	dials();
	assert_int_not_equal(life.conn, 0);
	assert_true(life.reused);
}

/* While it waits it is whoever's that has the listener now; nobody's where the one we know has not got it any more. */
static void owner_of_waiting(void **s)
{
	struct listener l = { .opener = { .pid = 7 } };
	struct conn c = { .in_acceptq = true };

	(void)s;
	life_owner(&life, &c, &l);
	assert_int_equal(life.owner.pid, 7);
	l.holder.pid = 8;
	life_owner(&life, &c, &l);
	assert_int_equal(life.owner.pid, 8);
	l.holder.pid = 0;
	l.opener_gone = true;
	life_owner(&life, &c, NULL);
	assert_int_equal(life.owner.pid, 8);
	life_owner(&life, &c, &l);
	assert_int_equal(life.owner.pid, 0);
	c.owner.pid = 9;
	life_owner(&life, &c, &l);
	assert_int_equal(life.owner.pid, 9);
}

static void words(void **s)
{
	struct conn_life server = { .role = ROLE_SERVER }, client = { .role = ROLE_CLIENT };

	(void)s;
	for (int i = 0; i < LIFE_ENDS_MAX; i++) {
		for (int k = 0; k < i; k++)
			assert_string_not_equal(life_end_word((enum life_end)k), life_end_word((enum life_end)i));
		assert_true(strlen(life_end_short((enum life_end)i)) <= 13);
	}
	assert_string_equal(life_end_zeek(&server, LIFE_RESET_BY_THEM), "RSTO");
	assert_string_equal(life_end_zeek(&client, LIFE_RESET_BY_THEM), "RSTR");
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(closed_by_us), TEST(closed_by_us_no_minisock), TEST(closed_by_them), TEST(closed_by_both), TEST(orphan_gets_fin),
		TEST(orphan_resets), TEST(never_closed), TEST(orphan_is_reset), TEST(orphan_is_gone), TEST(reset_by_them), TEST(reset_in_close_wait),
		TEST(reset_unread), TEST(reset_linger), TEST(silent), TEST(reset_disconnect), TEST(reset_late_data),
		TEST(reset_late_data_shut), TEST(reset_by_them_late),
		TEST(out_of_resources), TEST(reset_memory), TEST(unread_in_last_ack), TEST(reset_by_us_late), TEST(killed),
		TEST(timed_out), TEST(timed_out_by_icmp), TEST(keepalive),
		TEST(fin_unanswered), TEST(not_accepted), TEST(waits), TEST(expired), TEST(swept), TEST(syn_reset), TEST(syn_reset_by_us), TEST(child_in_syn_recv),
		TEST(syn_killed), TEST(ghost), TEST(refused), TEST(no_listener), TEST(no_answer),
		TEST(unreachable), TEST(refused_by_icmp), TEST(cancelled), TEST(closed_early), TEST(told_by_so_error), TEST(not_sent), TEST(old_recording),
		TEST(in_progress), TEST(second_child), TEST(began_before), TEST(goes_on_unseen),
		TEST(waited_before), TEST(reset_before_us), TEST(found_over), TEST(disconnected), TEST(reused), TEST(owner_of_waiting),
		TEST(words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
