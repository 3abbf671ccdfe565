// SPDX-License-Identifier: GPL-2.0-only
/* The model: whose child is it? Joins that the order of the records makes hard. */
#include "model_rig.h"

static const struct seen *last(void)
{
	return &rig.seen[rig.n - 1];
}

/* Half-cloned, and the next child of that CPU comes first: a number of its own until its ends are known. */
static void flushed_then_joined(void **state)
{
	(void)state;
	rig_listen(128, 4096);
	synq_add(1, 1, 0);
	synq_add(2, 2, 0);
	child_half_cloned(1);
	child_half_cloned(2);
	assert_int_equal(last()->ev.conn, 3);
	state_of(server_rec(0, 1), SK(1), TCP_S_SYN_RECV, TCP_S_ESTABLISHED);
	assert_int_equal(last()->ev.conn, 1);
	acceptq_add(2, TCPTRACE_ACCEPTQ_HANDSHAKE, 1, 1);
	assert_string_equal(story(2), "synq-add synq-add state:10>3 state:3>1 state:10>3 synq-del acceptq-add");
	assert_int_equal(last()->ev.conn, 2);
	acceptq_add(1, TCPTRACE_ACCEPTQ_HANDSHAKE, 0, 2);
	assert_int_equal(last()->ev.conn, 1);
	assert_int_equal(model_totals(rig.m)->conns_now, 2);
	assert_int_equal(model_totals(rig.m)->illegal, 0);
}

/* The same, joined by the request's address instead of by the ends. */
static void flushed_then_joined_by_request(void **state)
{
	struct tcptrace_record rec;

	(void)state;
	rig_listen(128, 4096);
	synq_add(1, 1, 0);
	child_half_cloned(1);
	child_half_cloned(2);
	rec = queues(server_rec(TCPTRACE_ACCEPTQ_ADD, 1), 0, 1);
	rec.sk = SK(1);
	rec.req = RQ(1);
	rec.rport = 0;
	rec.cause = TCPTRACE_ACCEPTQ_HANDSHAKE;
	rig_feed(rec);
	assert_int_equal(last()->ev.conn, 1);
	state_of(server_rec(0, 1), SK(1), TCP_S_SYN_RECV, TCP_S_ESTABLISHED);
	assert_int_equal(last()->ev.conn, 1);
	assert_int_equal(model_totals(rig.m)->illegal, 0);
}

/* A child waits on this CPU; what comes there is another socket's. */
static void not_that_child(void **state)
{
	(void)state;
	rig_listen(128, 4096);
	child_half_cloned(1);
	state_of(server_rec(0, 3), SK(3), TCP_S_SYN_RECV, TCP_S_ESTABLISHED);
	acceptq_add(4, TCPTRACE_ACCEPTQ_COOKIE, 0, 1);
	assert_string_equal(story(2), "state:3>1 acceptq-add");
	destroy(server_rec(0, 1), SK(1));
	assert_string_equal(story(4), "state:10>3 destroy");
	assert_int_equal(last()->ev.conn, rig.seen[rig.n - 2].ev.conn);
	assert_int_equal(model_totals(rig.m)->conns_now, 2);
}

/* Two ACKs on two CPUs make two children; the kernel keeps the first. */
static void second_child_dies(void **state)
{
	struct tcptrace_record tw, dies = server_rec(0, 1);

	(void)state;
	rig_listen(128, 4096);
	synq_add(1, 1, 0);
	state_of(server_rec(0, 1), SK(1), TCP_S_LISTEN, TCP_S_SYN_RECV);
	state_of(server_rec(0, 1), SK(2), TCP_S_LISTEN, TCP_S_SYN_RECV);
	assert_int_equal(last()->ev.conn, 2);
	synq_del(1, TCPTRACE_SYNQ_ESTABLISHED, 0, 0);
	acceptq_add(1, TCPTRACE_ACCEPTQ_HANDSHAKE, 0, 1);
	assert_int_equal(last()->ev.conn, 1);
	dies.segs_in = 1;		/* what it was made of, and no error: nobody disconnects what nobody has */
	state_of(dies, SK(2), TCP_S_SYN_RECV, TCP_S_CLOSE);
	assert_int_equal(last()->ev.counted, COUNTED_NOTHING);
	destroy(server_rec(0, 1), SK(2));
	accept_by(1, SERVER, 0, 0, 0);
	state_of(server_rec(0, 1), SK(1), TCP_S_SYN_RECV, TCP_S_ESTABLISHED);
	state_of(server_rec(0, 1), SK(1), TCP_S_ESTABLISHED, TCP_S_FIN_WAIT1);
	state_of(server_rec(0, 1), SK(1), TCP_S_FIN_WAIT1, TCP_S_FIN_WAIT2);
	state_of(server_rec(0, 1), SK(1), TCP_S_FIN_WAIT2, TCP_S_TIME_WAIT);
	destroy(server_rec(0, 1), SK(1));
	tw = server_rec(0, 1);
	tw.flags = TCPTRACE_F_TIMEWAIT;
	state_of(tw, TW(1), TCP_S_TIME_WAIT, TCP_S_CLOSE);
	assert_int_equal(last()->ev.conn, 1);
	assert_int_equal(model_totals(rig.m)->conns_now, 0);
	assert_int_equal(model_totals(rig.m)->illegal, 0);
}

/* The same, and the kernel keeps the second: the request goes on as that one. */
static void second_child_wins(void **state)
{
	struct tcptrace_record rec = queues(server_rec(TCPTRACE_ACCEPTQ_ADD, 1), 0, 1);

	(void)state;
	rig_listen(128, 4096);
	synq_add(1, 1, 0);
	state_of(server_rec(0, 1), SK(1), TCP_S_LISTEN, TCP_S_SYN_RECV);
	state_of(server_rec(0, 1), SK(2), TCP_S_LISTEN, TCP_S_SYN_RECV);
	synq_del(1, TCPTRACE_SYNQ_ESTABLISHED, 0, 0);
	rec.sk = SK(2);
	rec.req = RQ(1);
	rec.cause = TCPTRACE_ACCEPTQ_HANDSHAKE;
	rig_feed(rec);
	assert_int_equal(last()->ev.conn, 1);
	state_of(server_rec(0, 1), SK(1), TCP_S_SYN_RECV, TCP_S_CLOSE);
	assert_int_equal(last()->ev.conn, 2);
	state_of(server_rec(0, 1), SK(2), TCP_S_SYN_RECV, TCP_S_ESTABLISHED);
	assert_int_equal(last()->ev.conn, 1);
	destroy(server_rec(0, 1), SK(1));
	assert_int_equal(last()->ev.conn, 2);
	rec.event = TCPTRACE_ACCEPTQ_DEL;
	rec.cause = TCPTRACE_ACCEPTQ_ACCEPTED;
	rec.acceptq = 0;
	rig_feed(rec);
	assert_int_equal(last()->ev.conn, 1);
	assert_true(last()->ev.has_dur);
	assert_int_equal(model_totals(rig.m)->conns_now, 1);
	assert_int_equal(model_totals(rig.m)->illegal, 0);
}

/* The same by tracepoints, which name no request: it does not stay in the SYN queue. */
static void second_child_wins_unnamed(void **state)
{
	struct tcptrace_record rec;
	unsigned int i;

	(void)state;
	rig_listen(128, 4096);
	for (i = 1; i < 4; i++) {
		synq_add(i, 1, 0);
		state_of(server_rec(0, i), SK(i), TCP_S_LISTEN, TCP_S_SYN_RECV);
		state_of(server_rec(0, i), SK(10 + i), TCP_S_LISTEN, TCP_S_SYN_RECV);
		if (i == 3)	/* the first one is gone before the other one is in the queue */
			state_of(server_rec(0, i), SK(i), TCP_S_SYN_RECV, TCP_S_CLOSE);
		if (i == 3)
			destroy(server_rec(0, i), SK(i));
		rec = queues(server_rec(TCPTRACE_ACCEPTQ_ADD, i), 0, 1);
		rec.sk = SK(10 + i);
		rec.cause = TCPTRACE_ACCEPTQ_HANDSHAKE;
		rec.flags |= TCPTRACE_F_INFERRED;
		rig_feed(rec);
		state_of(server_rec(0, i), SK(10 + i), TCP_S_SYN_RECV, TCP_S_ESTABLISHED);
		rec = by(queues(server_rec(TCPTRACE_ACCEPT, i), 0, 0), SERVER, 5);
		rec.sk = SK(10 + i);
		rec.ret = 5;
		if (i == 2)	/* and is accepted */
			rig_feed(rec);
		if (i != 3)
			state_of(server_rec(0, i), SK(i), TCP_S_SYN_RECV, TCP_S_CLOSE);
		if (i != 3)
			destroy(server_rec(0, i), SK(i));
		rec.t_ns = 0;
		if (i != 2)
			rig_feed(rec);
		state_of(server_rec(0, i), SK(10 + i), TCP_S_ESTABLISHED, TCP_S_CLOSE_WAIT);
		assert_int_equal(last()->ev.conn, 2 * i - 1);
		assert_int_equal(model_listener(rig.m, 0)->synq.now, 0);
		assert_int_equal(count(TCPTRACE_SYNQ_DEL), i);
	}
	for (i = 0; i < 3; i++)
		assert_int_equal(nth(TCPTRACE_SYNQ_DEL, i)->ev.cause, TCPTRACE_SYNQ_ESTABLISHED);
	assert_int_equal(model_listener(rig.m, 0)->accepted, 3);
	assert_int_equal(model_totals(rig.m)->conns_now, 3);
	assert_int_equal(model_totals(rig.m)->illegal, 0);
}

/* The child could not be finished; the request still waits, and gets another. */
static void child_dies_request_stays(void **state)
{
	(void)state;
	rig_listen(128, 4096);
	synq_add(1, 1, 0);
	state_of(server_rec(0, 1), SK(1), TCP_S_LISTEN, TCP_S_SYN_RECV);
	state_of(server_rec(0, 1), SK(1), TCP_S_SYN_RECV, TCP_S_CLOSE);
	destroy(server_rec(0, 1), SK(1));
	assert_int_equal(model_totals(rig.m)->conns_now, 1);
	handshake(2, 1);
	state_of(server_rec(0, 1), SK(1), TCP_S_LISTEN, TCP_S_SYN_RECV);
	assert_int_equal(last()->ev.conn, 1);
	synq_del(1, TCPTRACE_SYNQ_ESTABLISHED, 0, 1);
	acceptq_add(1, TCPTRACE_ACCEPTQ_HANDSHAKE, 0, 2);
	assert_int_equal(last()->ev.conn, 1);
	assert_int_equal(model_totals(rig.m)->illegal, 0);
}

/* Two hooks tell the same step: it is one. */
static void told_twice(void **state)
{
	(void)state;
	rig_listen(128, 4096);
	handshake(1, 1);
	acceptq_add(1, TCPTRACE_ACCEPTQ_HANDSHAKE, 0, 1);
	synq_del(1, TCPTRACE_SYNQ_ESTABLISHED, 0, 1);
	acceptq_del(1, TCPTRACE_ACCEPTQ_ACCEPTED, 0, 0);
	acceptq_del(1, TCPTRACE_ACCEPTQ_ACCEPTED, 0, 0);
	accept_by(1, SERVER, 0, 0, 0);
	assert_string_equal(story(2), "synq-add state:10>3 synq-del acceptq-add state:3>1 acceptq-del accept");
	assert_int_equal(model_listener(rig.m, 0)->established, 1);
}

/* A snapshot of later found it; what made it comes after: the same conn, each step once. */
static void found_before_told(void **state)
{
	struct tcptrace_record rec;
	uint64_t then;

	(void)state;
	rig_listen(128, 4096);
	then = rig.t;
	rig.t += 100 * MS;
	rec = server_rec(TCPTRACE_EXISTS, 1);
	rec.sk = SK(1);
	rec.new = TCP_S_SYN_RECV;
	rec.listener = LSK;
	rec.flags = TCPTRACE_F_QUEUED;
	rig_feed(rec);
	rig.t = then;
	state_of(server_rec(0, 1), SK(1), TCP_S_LISTEN, TCP_S_SYN_RECV);
	assert_int_equal(last()->ev.conn, 1);
	acceptq_add(1, TCPTRACE_ACCEPTQ_FASTOPEN, 0, 1);
	acceptq_add(1, TCPTRACE_ACCEPTQ_FASTOPEN, 0, 1);
	rig.t += 200 * MS;
	accept_by(1, SERVER, 0, 0, 0);
	assert_string_equal(story(2), "exists state:10>3 acceptq-add acceptq-del accept");
	assert_true(nth(TCPTRACE_ACCEPTQ_DEL, 0)->ev.has_dur);
	assert_int_equal(model_totals(rig.m)->conns_now, 1);
	assert_int_equal(model_totals(rig.m)->illegal, 0);
}

/* The snapshot has the state after a transition that is told later: it is told once. */
static void state_found_before_told(void **state)
{
	struct tcptrace_record rec = by(server_rec(TCPTRACE_EXISTS, 1), SERVER, 5);

	(void)state;
	rec.sk = SK(1);
	rec.new = TCP_S_CLOSE_WAIT;
	rec.t_ns = rig.t + MS;
	rig_feed(rec);
	state_of(server_rec(0, 1), SK(1), TCP_S_ESTABLISHED, TCP_S_CLOSE_WAIT);
	rig.t += 2 * MS;
	state_of(server_rec(0, 1), SK(1), TCP_S_ESTABLISHED, TCP_S_CLOSE_WAIT);
	assert_string_equal(story(0), "exists state:1>8");
	assert_int_equal(model_totals(rig.m)->illegal, 0);
}

/* Where the end of a socket is not seen its address comes again: what is queued under it is not the old owner's. */
static void address_used_again(void **state)
{
	const struct tcptrace_record observed = { .event = TCPTRACE_OBSERVED, .t_ns = rig.t };
	struct tcptrace_record old = by(server_rec(TCPTRACE_EXISTS, 1), SERVER + 1, 8);

	(void)state;
	rig_feed(observed);
	rig_listen(128, 4096);
	old.sk = SK(2);
	old.new = TCP_S_ESTABLISHED;
	rig_feed(old);
	assert_int_equal(last()->pid, SERVER + 1);
	synq_add(2, 1, 0);
	acceptq_add(2, TCPTRACE_ACCEPTQ_HANDSHAKE, 0, 1);
	assert_string_equal(story(3), "synq-add synq-del acceptq-add");
	assert_int_equal(last()->pid, SERVER);
	assert_int_equal(model_totals(rig.m)->conns_now, 1);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, rig_up, rig_down)
	const struct CMUnitTest tests[] = {
		CASE(flushed_then_joined), CASE(flushed_then_joined_by_request), CASE(not_that_child),
		CASE(second_child_dies), CASE(second_child_wins), CASE(second_child_wins_unnamed),
		CASE(child_dies_request_stays), CASE(told_twice), CASE(found_before_told),
		CASE(state_found_before_told), CASE(address_used_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
