// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model: connections that somebody took out of an accept queue while no hook saw it (io_uring, a 32-bit
 * program, a call that the filter hides). The kernel's own lengths tell; nothing is said of when.
 */
#include "model_rig.h"

static const struct listener *listener(void)
{
	return model_listener(rig.m, 0);
}

static void later(uint64_t ms)
{
	rig.t += ms * MS;
}

static uint64_t oldest(void)
{
	return model_oldest_wait(rig.m, &listener()->acceptq);
}

/* What goes by the queue when the next client comes: its request, with the kernel's length of the other queue. */
static void next_client(unsigned int i, uint32_t acceptq)
{
	synq_add(i, 1, acceptq);
	state_of(server_rec(0, i), SK(i), TCP_S_LISTEN, TCP_S_SYN_RECV);
	synq_del(i, TCPTRACE_SYNQ_ESTABLISHED, 0, acceptq);
	acceptq_add(i, TCPTRACE_ACCEPTQ_HANDSHAKE, 0, acceptq + 1);
	state_of(server_rec(0, i), SK(i), TCP_S_SYN_RECV, TCP_S_ESTABLISHED);
}

/* Counted where it leaves the queue, once, whichever of the two records comes, or comes first. */
static void counted_where_it_leaves(void **state)
{
	(void)state;
	rig_listen(128, 4096);
	handshake(1, 1);
	acceptq_del(1, TCPTRACE_ACCEPTQ_ACCEPTED, 0, 0);	/* io_uring: a way out and no call */
	assert_int_equal(listener()->accepted, 1);
	handshake(2, 1);
	acceptq_del(2, TCPTRACE_ACCEPTQ_ACCEPTED, 0, 0);
	accept_by(2, SERVER, 0, 0, 0);
	assert_int_equal(listener()->accepted, 2);
	handshake(3, 1);
	accept_by(3, SERVER, 0, 0, 0);
	acceptq_del(3, TCPTRACE_ACCEPTQ_ACCEPTED, 0, 0);
	assert_int_equal(listener()->accepted, 3);
	accept_by(4, SERVER, 0, 0, 0);				/* its way in was before us */
	assert_int_equal(listener()->accepted, 4);
	assert_int_equal(listener()->unseen, 0);
	assert_int_equal(count(TCPTRACE_ACCEPTQ_DEL), 3);
}

/* The kernel's queue is shorter than ours for longer than an accept() takes to return: the oldest were taken. */
static void shorter_queue(void **state)
{
	unsigned int i;

	(void)state;
	rig_listen(128, 4096);
	for (i = 1; i <= 3; i++)
		handshake(i, i);
	later(1000);
	next_client(4, 1);		/* two were taken: which wait is known, since when they do not is not */
	assert_int_equal(count(TCPTRACE_ACCEPTQ_DEL), 0);
	assert_int_equal(oldest(), rig.t - nth(TCPTRACE_ACCEPTQ_ADD, 2)->rec.t_ns);
	later(200);
	next_client(5, 2);
	assert_int_equal(count(TCPTRACE_ACCEPTQ_DEL), 2);
	for (i = 0; i < 2; i++) {
		assert_int_equal(nth(TCPTRACE_ACCEPTQ_DEL, i)->ev.conn, i + 1);
		assert_int_equal(nth(TCPTRACE_ACCEPTQ_DEL, i)->ev.cause, TCPTRACE_ACCEPTQ_ACCEPTED);
		assert_true(nth(TCPTRACE_ACCEPTQ_DEL, i)->ev.flags & TCPTRACE_F_INFERRED);
		assert_false(nth(TCPTRACE_ACCEPTQ_DEL, i)->ev.has_dur);
	}
	assert_int_equal(listener()->accepted, 2);
	assert_int_equal(listener()->unseen, 2);
	assert_int_equal(listener()->in_acceptq.count, 0);	/* no wait that nobody measured */
	assert_int_equal(listener()->acceptq.now, 3);
	assert_int_equal(listener()->acceptq.known, 3);
	/* since the kernel told its length the next may have been taken, too */
	model_until(rig.m, rig.t + 1000 * MS);
	assert_int_equal(oldest(), nth(TCPTRACE_ACCEPTQ_ADD, 4)->rec.t_ns - nth(TCPTRACE_ACCEPTQ_ADD, 2)->rec.t_ns);
}

/* accept() has taken it and not returned yet while others come: no doubt is raised, its wait is measured. */
static void returns_late(void **state)
{
	(void)state;
	rig_listen(128, 4096);
	handshake(1, 1);
	later(5);
	next_client(2, 0);
	later(50);
	next_client(3, 1);
	accept_by(1, SERVER, 0, 0, 2);
	later(500);
	next_client(4, 2);
	assert_int_equal(count(TCPTRACE_ACCEPTQ_DEL), 1);
	assert_took(nth(TCPTRACE_ACCEPTQ_DEL, 0), nth(TCPTRACE_ACCEPT, 0)->rec.t_ns -
		    nth(TCPTRACE_ACCEPTQ_ADD, 0)->rec.t_ns);
	assert_int_equal(listener()->unseen, 0);
	assert_int_equal(listener()->accepted, 1);
	/* put off its CPU for so long that we gave up: seen after all */
	later(100);
	next_client(5, 2);
	later(300);
	next_client(6, 3);
	assert_int_equal(listener()->unseen, 1);
	accept_by(2, SERVER, 0, 0, 4);
	assert_int_equal(listener()->unseen, 0);
	assert_int_equal(listener()->accepted, 2);
	assert_int_equal(listener()->in_acceptq.count, 2);
	assert_int_equal(count(TCPTRACE_ACCEPTQ_DEL), 2);
}

/* Two CPUs at once: a length that was read before another's step. */
static void read_crosswise(void **state)
{
	(void)state;
	rig_listen(128, 4096);
	synq_add(1, 1, 0);
	synq_add(2, 2, 0);
	acceptq_add(2, TCPTRACE_ACCEPTQ_HANDSHAKE, 0, 2);
	acceptq_add(1, TCPTRACE_ACCEPTQ_HANDSHAKE, 1, 1);
	later(1000);
	next_client(3, 2);
	later(1000);
	next_client(4, 3);
	assert_int_equal(count(TCPTRACE_ACCEPTQ_DEL), 0);
	assert_int_equal(listener()->acceptq.known, 4);
}

/* No record comes any more, but time passes. */
static void idle(void **state)
{
	(void)state;
	rig_listen(128, 4096);
	handshake(1, 1);
	later(1000);
	synq_add(2, 1, 0);
	model_until(rig.m, rig.t + 50 * MS);
	assert_int_equal(count(TCPTRACE_ACCEPTQ_DEL), 0);
	assert_int_equal(oldest(), 0);
	model_until(rig.m, rig.t + 500 * MS);
	assert_int_equal(count(TCPTRACE_ACCEPTQ_DEL), 1);
	assert_int_equal(rig.seen[rig.n - 1].rec.t_ns, rig.t + 500 * MS);
	assert_int_equal(model_totals(rig.m)->last_ns, rig.t + 500 * MS);
	model_until(rig.m, rig.t);		/* time does not go back */
	assert_int_equal(model_totals(rig.m)->last_ns, rig.t + 500 * MS);
}

static void takes_are(enum tcptrace_seen seen)
{
	unsigned int shift = TCPTRACE_SEEN_SHIFT(TCPTRACE_ACCEPTQ_DEL);

	rig_feed((struct tcptrace_record){ .event = TCPTRACE_OBSERVED, .fd = -1,
					   .arg = (~0ull & ~(3ull << shift)) | (uint64_t)seen << shift });
}

/* A child of a listener that `ss -K` shut down and that listens again has its sk_shutdown, and sends a FIN while it waits. */
static void ends_as_it_waits(void **state)
{
	(void)state;
	takes_are(TCPTRACE_SEEN_EXACTLY);
	rig_listen(128, 4096);
	handshake(1, 1);
	state_of(server_rec(0, 1), SK(1), TCP_S_ESTABLISHED, TCP_S_FIN_WAIT1);
	assert_int_equal(count(TCPTRACE_ACCEPTQ_DEL), 0);
	assert_int_equal(listener()->acceptq.now, 1);
	acceptq_del(1, TCPTRACE_ACCEPTQ_ACCEPTED, 0, 0);
	assert_int_equal(count(TCPTRACE_ACCEPTQ_DEL), 1);
	assert_int_equal(listener()->unseen, 0);
}

/* Nor is it deduced where not each way out is seen, but that the listener was shut down. */
static void ends_as_it_waits_unseen(void **state)
{
	(void)state;
	takes_are(TCPTRACE_SEEN_DEDUCED);
	rig_listen(128, 4096);
	state_of(listener_rec(0), LSK, TCP_S_LISTEN, TCP_S_CLOSE);
	state_of(listener_rec(0), LSK, TCP_S_CLOSE, TCP_S_LISTEN);
	handshake(1, 1);
	state_of(server_rec(0, 1), SK(1), TCP_S_ESTABLISHED, TCP_S_FIN_WAIT1);
	assert_int_equal(count(TCPTRACE_ACCEPTQ_DEL), 0);
	assert_int_equal(listener()->acceptq.now, 1);
}

/* Its minisock ends, and accept() gives its socket all the same. */
static void ends_before_it_is_taken(void **state)
{
	struct tcptrace_record tw = server_rec(0, 1);

	(void)state;
	takes_are(TCPTRACE_SEEN_EXACTLY);
	rig_listen(128, 4096);
	handshake(1, 1);
	state_of(server_rec(0, 1), SK(1), TCP_S_ESTABLISHED, TCP_S_FIN_WAIT1);
	state_of(server_rec(0, 1), SK(1), TCP_S_FIN_WAIT1, TCP_S_FIN_WAIT2);
	state_of(server_rec(0, 1), SK(1), TCP_S_FIN_WAIT2, TCP_S_TIME_WAIT);
	tw.flags |= TCPTRACE_F_TIMEWAIT;
	state_of(tw, TW(1), TCP_S_TIME_WAIT, TCP_S_CLOSE);
	acceptq_del(1, TCPTRACE_ACCEPTQ_ACCEPTED, 0, 0);
	accept_by(1, SERVER, 0, 0, 0);
	assert_int_equal(count(TCPTRACE_ACCEPTQ_DEL), 1);
	assert_int_equal(nth(TCPTRACE_ACCEPT, 0)->ev.conn, nth(TCPTRACE_ACCEPTQ_ADD, 0)->ev.conn);
	assert_int_equal(listener()->accepted, 1);
	assert_int_equal(listener()->acceptq.now, 0);
	destroy(server_rec(0, 1), SK(1));
	assert_int_equal(model_totals(rig.m)->conns_now, 0);
}

/* Reset as it waits; its peer's cookie comes once more, and is refused: that one has no child. */
static void cookie_while_it_waits(void **state)
{
	(void)state;
	takes_are(TCPTRACE_SEEN_EXACTLY);
	rig_listen(0, 4096);
	handshake(1, 1);
	later(10);
	state_of(server_rec(0, 1), SK(1), TCP_S_ESTABLISHED, TCP_S_CLOSE);
	drop(1, TCPTRACE_DROP_ACCEPTQ_COOKIE, 0, 0, 1);
	later(10);
	acceptq_del(1, TCPTRACE_ACCEPTQ_ACCEPTED, 0, 0);
	accept_by(1, SERVER, 0, 0, 0);
	assert_int_not_equal(nth(TCPTRACE_DROP, 0)->ev.conn, nth(TCPTRACE_ACCEPTQ_ADD, 0)->ev.conn);
	assert_int_equal(nth(TCPTRACE_ACCEPT, 0)->ev.conn, nth(TCPTRACE_ACCEPTQ_ADD, 0)->ev.conn);
}

/* Only who took a connection can close it: no wait until then. */
static void closed_by_its_owner(void **state)
{
	unsigned int i;

	(void)state;
	takes_are(TCPTRACE_SEEN_DEDUCED);
	rig_listen(128, 4096);
	for (i = 1; i <= 4; i++)
		handshake(i, i);
	later(2400);
	state_of(server_rec(0, 1), SK(1), TCP_S_ESTABLISHED, TCP_S_FIN_WAIT1);
	state_of(server_rec(0, 2), SK(2), TCP_S_ESTABLISHED, TCP_S_CLOSE_WAIT);
	assert_int_equal(count(TCPTRACE_ACCEPTQ_DEL), 1);
	state_of(server_rec(0, 2), SK(2), TCP_S_CLOSE_WAIT, TCP_S_LAST_ACK);
	rig_feed(by((struct tcptrace_record){ .event = TCPTRACE_SHUTDOWN, .sk = SK(3) }, SERVER, 9));
	destroy(server_rec(0, 4), SK(4));
	assert_int_equal(count(TCPTRACE_ACCEPTQ_DEL), 4);
	assert_int_equal(listener()->accepted, 4);
	assert_int_equal(listener()->unseen, 4);
	assert_int_equal(listener()->in_acceptq.count, 0);
	assert_int_equal(listener()->acceptq.now, 0);
	for (i = 0; i < 4; i++)
		assert_false(nth(TCPTRACE_ACCEPTQ_DEL, i)->ev.has_dur);
	assert_string_equal(story(rig.n - 2), "acceptq-del destroy");
}

/* A server that took its connections unseen closes: these are not the listener's dead. */
static void not_closed_with_it(void **state)
{
	struct tcptrace_record rec;
	unsigned int i;

	(void)state;
	rig_listen(128, 4096);
	for (i = 1; i <= 3; i++)
		handshake(i, i);
	rec = queues(listener_rec(0), 0, 1);	/* one of three still waits */
	state_of(rec, LSK, TCP_S_LISTEN, TCP_S_CLOSE);
	for (i = 1; i <= 3; i++) {
		state_of(server_rec(0, i), SK(i), TCP_S_ESTABLISHED, TCP_S_CLOSE);
		destroy(server_rec(0, i), SK(i));
	}
	assert_int_equal(listener()->accepted, 2);
	assert_int_equal(listener()->causes[TCPTRACE_ACCEPTQ_CLOSED], 1);
	assert_int_equal(nth(TCPTRACE_ACCEPTQ_DEL, 2)->ev.conn, 3);
	assert_int_equal(nth(TCPTRACE_ACCEPTQ_DEL, 2)->ev.cause, TCPTRACE_ACCEPTQ_CLOSED);
}

/* A number that io_uring returned may be a descriptor or not: it counts if it is that of one that waits. */
static void deduced(void **state)
{
	struct tcptrace_record rec;

	(void)state;
	rig_listen(128, 4096);
	handshake(1, 1);
	rec = by(server_rec(TCPTRACE_ACCEPT, 2), SERVER, 7);	/* another socket's */
	rec.sk = SK(2);
	rec.flags |= TCPTRACE_F_INFERRED;
	rec.ret = 7;
	rig_feed(rec);
	assert_int_equal(count(TCPTRACE_ACCEPT), 0);
	rec = by(server_rec(TCPTRACE_ACCEPT, 1), SERVER, 8);
	rec.sk = SK(1);
	rec.flags |= TCPTRACE_F_INFERRED;
	rec.ret = 8;
	rig_feed(rec);
	assert_int_equal(listener()->accepted, 1);
	assert_int_equal(count(TCPTRACE_ACCEPT), 1);
	rig_feed(rec);						/* so many bytes, perhaps */
	assert_int_equal(count(TCPTRACE_ACCEPT), 1);
}

/* What a run for both queues sees by tracepoints alone: no end of a socket, and accept() where it returns. */
static void queues_by_tracepoints(void)
{
	struct tcptrace_record rec = { .event = TCPTRACE_OBSERVED, .fd = -1 };

	rec.arg = ~(3ull << TCPTRACE_SEEN_SHIFT(TCPTRACE_STATE) | 3ull << TCPTRACE_SEEN_SHIFT(TCPTRACE_DESTROY) |
		    3ull << TCPTRACE_SEEN_SHIFT(TCPTRACE_ACCEPTQ_DEL)) |
		  (uint64_t)TCPTRACE_SEEN_DEDUCED << TCPTRACE_SEEN_SHIFT(TCPTRACE_ACCEPTQ_DEL);
	rig_feed(rec);
}

static void enters(unsigned int i, uint32_t acceptq)
{
	synq_add(i, 1, acceptq - 1);
	acceptq_add(i, TCPTRACE_ACCEPTQ_HANDSHAKE, 0, acceptq);
}

/* Who waits dies with the listener: the kernel's length says how many, and the others were taken. */
static void gone_with_it(void **state)
{
	(void)state;
	queues_by_tracepoints();
	rig_listen(128, 4096);
	enters(1, 1);
	enters(2, 2);
	enters(3, 3);
	enters(4, 4);
	state_of(queues(listener_rec(0), 0, 3), LSK, TCP_S_LISTEN, TCP_S_CLOSE);
	assert_int_equal(listener()->causes[TCPTRACE_ACCEPTQ_CLOSED], 3);
	assert_int_equal(listener()->accepted, 1);
	assert_int_equal(listener()->acceptq.known, 0);
	assert_int_equal(nth(TCPTRACE_ACCEPTQ_DEL, 1)->ev.flags & TCPTRACE_F_INFERRED, TCPTRACE_F_INFERRED);
	assert_int_equal(model_totals(rig.m)->conns_now, 1);
}

/* -P tells of each end without remote port: this one's address was that of a conn, whose end was missed. */
static void another_ones_end(void **state)
{
	struct tcptrace_record rec = listener_rec(0);

	(void)state;
	rig_listen(128, 4096);
	handshake(1, 1);
	rec.lport = 8098;
	destroy(rec, SK(1));
	assert_int_equal(count(TCPTRACE_DESTROY), 0);
	destroy(server_rec(0, 1), SK(1));
	assert_int_equal(count(TCPTRACE_DESTROY), 1);
}

/* Another member of its group may take them over. */
static void gone_or_moved(void **state)
{
	struct tcptrace_record other = listener_rec(0);

	(void)state;
	queues_by_tracepoints();
	rig_listen(128, 4096);
	state_of(other, LSK + 64, TCP_S_CLOSE, TCP_S_LISTEN);
	enters(1, 1);
	state_of(queues(listener_rec(0), 0, 1), LSK, TCP_S_LISTEN, TCP_S_CLOSE);
	assert_int_equal(listener()->causes[TCPTRACE_ACCEPTQ_CLOSED], 0);
	assert_int_equal(listener()->acceptq.known, 1);
}

/* Its successor has its address: bind() tells, as the end of a socket is not seen. */
static void successor_at_its_address(void **state)
{
	struct tcptrace_record bind = by(listener_rec(TCPTRACE_BIND), SERVER, 3);

	(void)state;
	queues_by_tracepoints();
	rig_listen(128, 4096);
	enters(1, 1);
	state_of(queues(listener_rec(0), 0, 1), LSK, TCP_S_LISTEN, TCP_S_CLOSE);
	rig_feed(bind);
	rig_listen(128, 4096);
	assert_ptr_not_equal(model_listener(rig.m, 1), NULL);
	assert_int_equal(model_listener(rig.m, 1)->causes[TCPTRACE_ACCEPTQ_CLOSED], 0);
	/* and where it is not asked for */
	state_of(queues(listener_rec(0), 0, 0), LSK, TCP_S_LISTEN, TCP_S_CLOSE);
	bind = by(listener_rec(TCPTRACE_LISTEN), SERVER + 1, 3);
	rig_feed(bind);
	assert_int_equal(model_listener(rig.m, 2)->opener.pid, SERVER + 1);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, rig_up, rig_down)
	const struct CMUnitTest tests[] = {
		CASE(counted_where_it_leaves), CASE(shorter_queue), CASE(returns_late), CASE(read_crosswise),
		CASE(idle), CASE(closed_by_its_owner), CASE(ends_as_it_waits), CASE(ends_as_it_waits_unseen), CASE(ends_before_it_is_taken),
		CASE(cookie_while_it_waits),
		CASE(not_closed_with_it), CASE(deduced),
		CASE(gone_with_it), CASE(gone_or_moved), CASE(another_ones_end), CASE(successor_at_its_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
