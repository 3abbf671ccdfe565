// SPDX-License-Identifier: GPL-2.0-only
/* What findings know: refused clients, the pace of accepts, calls that failed, SYNs to nobody. */
#include <errno.h>

#include "model_rig.h"

#include "../../user/model/connects.h"

#define S	(1000 * MS)

static const struct listener *listener(void)
{
	return model_listener(rig.m, 0);
}

static void refuse(unsigned int i)
{
	drop(i, TCPTRACE_DROP_ACCEPTQ_SYN, 0, 0, 3);
}

/* Seconds pass: a record that means nothing but the time. */
static void pass(uint64_t ns)
{
	struct tcptrace_record rec = { .event = TCPTRACE_LOST, .fd = -1 };

	rig.t += ns;
	rec.t_ns = rig.t;
	model_feed(rig.m, &rec);
}

/* A client is one, however often its SYN comes; and another one when it comes again after it was in. */
static void clients(void **state)
{
	const struct refused *r;
	unsigned int i, n;

	(void)state;
	rig_listen(2, 4096);
	r = &listener()->refused;
	for (n = 0; n < 3; n++)
		for (i = 10; i < 33; i++)
			refuse(i);
	assert_int_equal(r->clients, 23);
	assert_int_equal(r->out, 23);
	assert_int_equal(r->at_once, 26);	/* with three in it */
	pass(1 * S);
	handshake(10, 1);
	handshake(11, 2);
	assert_int_equal(r->in[REFUSED_1S], 2);
	assert_int_equal(refused_in(r), 2);
	assert_int_equal(r->out, 21);
	pass(2 * S);
	handshake(12, 3);
	assert_int_equal(r->in[REFUSED_3S], 1);
	assert_in_range(r->longest_ns, 3 * S, 3 * S + MS);
	handshake(99, 4);		/* never refused */
	assert_int_equal(refused_in(r), 3);
	refuse(10);
	assert_int_equal(r->clients, 24);
	assert_int_equal(r->at_once, 26);
}

/* Six at a time, of which four fit: not all that were refused in the run want in at once, though they try again. */
static void bursts(void **state)
{
	const struct refused *r;
	unsigned int i, n, k;

	(void)state;
	rig_listen(3, 4096);
	r = &listener()->refused;
	for (n = 0; n < 6; n++) {
		for (i = 10 * n, k = 1; k <= 4; i++, k++)
			handshake(i, k);
		drop(i, TCPTRACE_DROP_ACCEPTQ_SYN, 0, 0, 4);
		drop(i + 1, TCPTRACE_DROP_ACCEPTQ_SYN, 0, 0, 4);
		drop(i, TCPTRACE_DROP_ACCEPTQ_SYN, 0, 0, 4);
		for (i = 10 * n, k = 4; k; i++, k--)
			accept_by(i, SERVER, 0, 0, k - 1);
		pass(300 * MS);
	}
	assert_int_equal(r->clients, 12);
	assert_int_equal(r->at_once, 6);
	for (i = 100, k = 1; k <= 4; i++, k++)
		handshake(i, k);
	for (i = 200; i < 210; i++) {		/* of ten refused one after the other each is in before the next comes */
		drop(i, TCPTRACE_DROP_ACCEPTQ_SYN, 0, 0, 4);
		accept_by(i - 100, SERVER, 0, 0, 3);
		handshake(i, 4);
	}
	assert_int_equal(r->at_once, 6);
	drop(4, TCPTRACE_DROP_ACCEPTQ_SYN, 0, 0, 4);	/* those of before try again */
	drop(5, TCPTRACE_DROP_ACCEPTQ_SYN, 0, 0, 4);
	drop(14, TCPTRACE_DROP_ACCEPTQ_SYN, 0, 0, 4);
	drop(14, TCPTRACE_DROP_ACCEPTQ_SYN, 0, 0, 4);
	assert_int_equal(r->at_once, 7);
}

/* SYNs come at 0, 1, 3, 7 s: who did not come when he should is not expected any more. */
static void never(void **state)
{
	struct refused_out out;

	(void)state;
	rig_listen(2, 4096);
	refuse(10);
	pass(1 * S);
	refuse(10);
	refuse(11);
	pass(1 * S);
	out = refused_out(rig.m, listener());
	assert_int_equal(out.never, 0);
	assert_int_equal(out.not_yet, 2);
	pass(S);			/* 11 should have come a second ago */
	out = refused_out(rig.m, listener());
	assert_int_equal(out.never, 1);
	assert_int_equal(out.not_yet, 1);
	pass(10 * S);
	out = refused_out(rig.m, listener());
	assert_int_equal(out.never, 2);
	assert_int_equal(out.not_yet, 0);
}

/* The client's socket is seen to be closed: it never comes, whatever it could have done. Another one of its port may. */
static void given_up(void **state)
{
	struct refused_out out;

	(void)state;
	rig_listen(2, 4096);
	for (unsigned int i = 10; i < 12; i++) {
		state_of(client_rec(0, i), SK(i), TCP_S_CLOSE, TCP_S_SYN_SENT);
		refuse(i);
	}
	refuse(12);
	state_of(client_rec(0, 10), SK(10), TCP_S_SYN_SENT, TCP_S_CLOSE);
	out = refused_out(rig.m, listener());
	assert_int_equal(out.never, 1);
	assert_int_equal(out.not_yet, 2);
	handshake(10, 1);
	assert_int_equal(refused_in(&listener()->refused), 0);
	assert_int_equal(listener()->refused.clients, 3);
}

/* A refused third packet: the client believes in it, is reset, or comes in after all. */
static void third_packets(void **state)
{
	struct refused_out out;
	unsigned int i;

	(void)state;
	rig_listen(2, 4096);
	for (i = 1; i <= 3; i++)
		synq_add(i, i, 3);
	for (i = 1; i <= 3; i++)
		drop(i, TCPTRACE_DROP_ACCEPTQ_ACK, RQ(i), 3, 3);
	out = refused_out(rig.m, listener());
	assert_int_equal(out.ghosts, 3);
	synq_del(1, TCPTRACE_SYNQ_RESET, 2, 3);
	synq_del(2, TCPTRACE_SYNQ_ESTABLISHED, 1, 2);
	acceptq_add(2, TCPTRACE_ACCEPTQ_HANDSHAKE, 1, 3);
	pass(20 * S);
	synq_del(3, TCPTRACE_SYNQ_EXPIRED, 0, 3);
	out = refused_out(rig.m, listener());
	assert_int_equal(out.ghosts, 1);
	assert_int_equal(out.reset, 1);
	assert_int_equal(out.never + out.not_yet, 0);
	assert_int_equal(listener()->refused.clients, 3);
	assert_int_equal(refused_in(&listener()->refused), 1);
	assert_int_equal(listener()->refused.expired, 1);
}

/* By cookie, told three times. */
static void cookies(void **state)
{
	unsigned int i, n;

	(void)state;
	rig_listen(1, 4096);
	for (n = 0; n < 3; n++)
		for (i = 1; i <= 101; i++)
			drop(i, TCPTRACE_DROP_ACCEPTQ_COOKIE, 0, 2, 2);
	assert_int_equal(listener()->refused.clients, 101);
	assert_int_equal(refused_out(rig.m, listener()).ghosts, 101);
}

/* More than the table holds: what is not followed is counted, and those followed are right. */
static void too_many(void **state)
{
	struct tcptrace_record rec;
	const struct refused *r;
	uint32_t unfollowed;
	unsigned int i;

	(void)state;
	rig_listen(1, 4096);
	r = &listener()->refused;
	for (i = 0; i < 40000; i++) {
		rec = queues(server_rec(TCPTRACE_DROP, 0), 0, 2);
		rec.cause = TCPTRACE_DROP_ACCEPTQ_SYN;
		rec.rport = 1 + i;
		rig_feed(rec);
	}
	assert_int_equal(r->clients + r->unfollowed, 40000);
	assert_in_range(r->clients, 10000, 16384);
	assert_int_equal(r->out, r->clients);
	unfollowed = r->unfollowed;
	pass(200 * S);			/* all have given up: their places are free */
	for (i = 0; i < 1000; i++) {
		rec = queues(server_rec(TCPTRACE_DROP, 0), 0, 2);
		rec.cause = TCPTRACE_DROP_ACCEPTQ_SYN;
		rec.rport = 50000 + i;
		rig_feed(rec);
	}
	assert_int_equal(r->clients - r->out, r->lost);
	assert_int_equal(r->unfollowed, unfollowed);
	assert_true(r->lost > 500);
}

/* A listener forgotten, and another in its slot: the clients of the first are not the second's. */
static void listener_gone(void **state)
{
	(void)state;
	rig_limits(64, 1);
	rig_listen(1, 4096);
	refuse(10);
	state_of(listener_rec(0), LSK, TCP_S_LISTEN, TCP_S_CLOSE);
	destroy(listener_rec(0), LSK);
	rig_listen(1, 4096);
	assert_int_equal(listener()->id, 2);
	assert_int_equal(listener()->refused.out, 0);
	handshake(10, 1);
	assert_int_equal(refused_in(&listener()->refused), 0);
	assert_int_equal(listener()->refused.out, 0);
}

/* The listener is opened anew, and refuses the same clients: what became of them is the second one's to tell. */
static void refused_again(void **state)
{
	const struct refused *first, *second;

	(void)state;
	rig_listen(2, 4096);
	refuse(10);
	refuse(11);
	state_of(listener_rec(0), LSK, TCP_S_LISTEN, TCP_S_CLOSE);
	destroy(listener_rec(0), LSK);
	rig_listen(2, 4096);
	pass(1 * S);
	refuse(10);
	pass(1 * S);
	handshake(10, 1);
	handshake(11, 2);
	first = &listener()->refused;
	second = &model_listener(rig.m, 1)->refused;
	assert_int_equal(first->again, 1);
	assert_int_equal(first->lost, 0);
	assert_int_equal(refused_in(first), 1);
	assert_int_equal(refused_in(second), 1);
	assert_int_equal(first->clients + second->clients, 3);
}

/* ---- pace ---- */

static void pauses(void **state)
{
	const struct pace *p;
	struct stall now;

	(void)state;
	rig_listen(2, 4096);
	p = &listener()->pace;
	handshake(1, 1);
	pass(10 * MS);
	accept_by(1, SERVER, 0, 0, 0);
	assert_false(pace_now(rig.m, listener(), &now));
	assert_in_range(p->worst.ns, 10 * MS, 11 * MS);
	assert_int_equal(p->stalls, 0);
	pass(5 * S);			/* nobody waits: no pause */
	handshake(2, 1);
	handshake(3, 2);
	handshake(4, 3);
	refuse(5);
	pass(2600 * MS);
	assert_true(pace_now(rig.m, listener(), &now));
	assert_in_range(now.ns, 2600 * MS, 2601 * MS);
	assert_int_equal(now.waiting, 3);
	assert_int_equal(now.refused, 1);
	accept_by(2, SERVER, 0, 0, 2);
	accept_by(3, SERVER, 0, 0, 1);
	accept_by(4, SERVER, 0, 0, 0);
	assert_int_equal(p->stalls, 1);
	assert_int_equal(p->takes, 4);
	assert_in_range(p->worst.ns, 2600 * MS, 2601 * MS);
	assert_int_equal(p->worst.refused, 1);
	assert_int_equal(p->stalled_refused, 1);
}

/* -q and top: that a request left the SYN queue has no record of its own. What comes in is no take. */
static void pause_of_queues(void **state)
{
	struct stall now;

	(void)state;
	rig_listen(16, 4096);
	for (unsigned int i = 1; i <= 5; i++) {
		synq_add(i, 1, i - 1);
		acceptq_add(i, TCPTRACE_ACCEPTQ_HANDSHAKE, 0, i);
		pass(500 * MS);
	}
	assert_true(pace_now(rig.m, listener(), &now));
	assert_in_range(now.ns, 2500 * MS, 2501 * MS);
	assert_int_equal(listener()->pace.takes, 0);
	assert_int_equal(listener()->synq.now, 0);
	accept_by(1, SERVER, 0, 0, 4);
	assert_int_equal(listener()->pace.stalls, 1);
	assert_int_equal(listener()->pace.takes, 1);
}

/* A take that no record told shows by the kernel's length: what lies between is no pause that we know of. */
static void unseen_takes(void **state)
{
	struct stall now;

	(void)state;
	rig_listen(16, 4096);
	handshake(1, 1);
	handshake(2, 2);
	pass(300 * MS);
	handshake(3, 3);		/* 300 ms: the first still waits */
	pass(3 * S);
	handshake(4, 1);		/* all were taken meanwhile */
	assert_int_equal(listener()->pace.stalls, 0);
	assert_in_range(listener()->pace.worst.ns, 300 * MS, 301 * MS);
	assert_true(pace_now(rig.m, listener(), &now));
	assert_in_range(now.ns, 0, MS);
}

/* Arrivals end no pause, though one record takes a request out of one queue and puts it into the other (tracepoints). */
static void arrivals(void **state)
{
	struct stall now;

	(void)state;
	rig_listen(128, 4096);
	for (unsigned int i = 1; i <= 7; i++) {
		synq_add(i, 1, i - 1);
		acceptq_add(i, TCPTRACE_ACCEPTQ_HANDSHAKE, 0, i);
		pass(400 * MS);
	}
	acceptq_add(8, TCPTRACE_ACCEPTQ_FASTOPEN, 0, 9);	/* two at once: each sees both */
	acceptq_add(9, TCPTRACE_ACCEPTQ_FASTOPEN, 0, 9);
	assert_int_equal(listener()->pace.takes, 0);
	assert_true(pace_now(rig.m, listener(), &now));
	assert_in_range(now.ns, 2800 * MS, 2801 * MS);
}

static void observe(unsigned int event, enum tcptrace_seen how, uint32_t only)
{
	struct tcptrace_record rec = { .event = TCPTRACE_OBSERVED, .fd = -1, .req = only };

	rec.arg = ~(3ull << TCPTRACE_SEEN_SHIFT(event)) | ((uint64_t)how << TCPTRACE_SEEN_SHIFT(event));
	rig_feed(rec);
}

/* Where takes are not all seen, a pause lasts until the last record that shows it, not until now. */
static void blind(void **state)
{
	struct stall now;
	unsigned int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		rig_down(NULL);
		rig_up(NULL);
		rig_listen(16, 4096);
		observe(i == 1 ? TCPTRACE_ACCEPTQ_DEL : TCPTRACE_READ, TCPTRACE_SEEN_NOT, i == 2 ? TCPTRACE_ONLY_PIDS : 0);
		((struct listener *)listener())->part = i == 2;
		handshake(1, 1);
		pass(700 * MS);
		handshake(2, 2);
		pass(3 * S);
		assert_true(pace_now(rig.m, listener(), &now));
		if (i == 0)
			assert_in_range(now.ns, 3700 * MS, 3701 * MS);
		else
			assert_in_range(now.ns, 700 * MS, 701 * MS);
	}
}

static void closed(void **state)
{
	struct stall now;

	(void)state;
	rig_listen(16, 4096);
	handshake(1, 1);
	handshake(2, 2);
	pass(1 * S);
	state_of(listener_rec(0), LSK, TCP_S_LISTEN, TCP_S_CLOSE);
	pass(1 * S);
	assert_false(pace_now(rig.m, listener(), &now));
	assert_int_equal(listener()->pace.left, 2);
	assert_in_range(listener()->pace.worst.ns, 1 * S, 1 * S + MS);
}

/* ---- connect() ---- */

static const struct connects *only_row(void)
{
	const struct connects *found = NULL;
	unsigned int i;

	for (i = 0; i < CONNECTS; i++) {
		const struct connects *row = model_connects(rig.m, i);

		if (!failures_most(&row->failures))
			continue;
		assert_null(found);
		found = row;
	}
	return found;
}

static void begin(unsigned int i, uint32_t pid)
{
	struct tcptrace_record rec = by(client_rec(TCPTRACE_CONNECT, i), pid, 3);

	rec.sk = SK(i);
	rec.lport = 0;
	rig_feed(rec);
}

static void returns(unsigned int i, uint32_t pid, int ret)
{
	struct tcptrace_record rec = by(client_rec(TCPTRACE_CONNECT_RETURN, i), pid, 3);

	rec.sk = SK(i);
	rec.ret = ret;
	rig_feed(rec);
}

static void connects(void **state)
{
	static const int harmless[] = { 0, -EINPROGRESS, -EISCONN, -EALREADY, -EINTR, -512, -516 };
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(harmless) / sizeof(*harmless); i++) {
		begin(i, CLIENT);
		returns(i, CLIENT, harmless[i]);
	}
	assert_null(only_row());
	for (i = 10; i < 33; i++) {
		begin(i, CLIENT + i);
		returns(i, CLIENT + i, -EADDRNOTAVAIL);
	}
	assert_non_null(only_row());
	assert_int_equal(only_row()->calls, 30);
	assert_int_equal(failures_most(&only_row()->failures)->err, EADDRNOTAVAIL);
	assert_int_equal(failures_most(&only_row()->failures)->count, 23);
	assert_true(only_row()->many);
	assert_false(only_row()->to[0].hosts);
	assert_int_equal(only_row()->rport, PORT);
}

static void rst(unsigned int i)
{
	struct tcptrace_record rec = client_rec(TCPTRACE_RST_RECEIVED, i);

	rec.sk = SK(i);
	rig_feed(rec);
	state_of(client_rec(0, i), SK(i), TCP_S_SYN_SENT, TCP_S_CLOSE);
}

/* Who did not wait for connect() is told by its end; who did, by the call. Never twice. */
static void connects_without_waiting(void **state)
{
	struct tcptrace_record rec;
	unsigned int i, n;

	(void)state;
	for (i = 0; i < 5; i++) {
		begin(i, CLIENT);
		state_of(client_rec(0, i), SK(i), TCP_S_CLOSE, TCP_S_SYN_SENT);
		if (i == 0)		/* the RST was faster than the call */
			rst(i);
		returns(i, CLIENT, -EINPROGRESS);
	}
	assert_int_equal(failures_most(&only_row()->failures)->count, 1);
	rst(1);
	assert_int_equal(failures_most(&only_row()->failures)->count, 2);
	rec = by(client_rec(TCPTRACE_CLOSE, 2), CLIENT, 3);	/* it gave up itself */
	rec.sk = SK(2);
	rig_feed(rec);
	state_of(client_rec(0, 2), SK(2), TCP_S_SYN_SENT, TCP_S_CLOSE);
	assert_int_equal(failures_most(&only_row()->failures)->count, 2);
	for (n = 0; n < 6; n++) {
		rec = client_rec(TCPTRACE_RETRANS, 3);
		rec.sk = SK(3);
		rig_feed(rec);
	}
	state_of(client_rec(0, 3), SK(3), TCP_S_SYN_SENT, TCP_S_CLOSE);
	assert_int_equal(only_row()->failures.of[1].err, ETIMEDOUT);
	assert_int_equal(only_row()->failures.of[1].count, 1);
	begin(6, CLIENT);		/* a call that waits: told once */
	state_of(client_rec(0, 6), SK(6), TCP_S_CLOSE, TCP_S_SYN_SENT);
	rst(6);
	returns(6, CLIENT, -ECONNREFUSED);
	assert_int_equal(only_row()->failures.of[0].err, ECONNREFUSED);
	assert_int_equal(only_row()->failures.of[0].count, 3);
}

/* More programs and ports than rows: those that failed stay. */
static void many_rows(void **state)
{
	struct tcptrace_record rec;
	unsigned int i, failed = 0;

	(void)state;
	begin(1, CLIENT);
	returns(1, CLIENT, -ECONNREFUSED);
	for (i = 0; i < 5000; i++) {
		rec = by(client_rec(TCPTRACE_CONNECT, i), CLIENT, 3);
		rec.sk = SK(i);
		rec.lport = 0;
		rec.rport = 20000 + i;
		rig_feed(rec);
	}
	for (i = 0; i < CONNECTS; i++)
		failed += !!failures_most(&model_connects(rig.m, i)->failures);
	assert_int_equal(failed, 1);
}

/* ---- SYNs to nobody ---- */

static void to_nobody(unsigned int i, uint16_t port, uint8_t flags)
{
	struct tcptrace_record rec = server_rec(TCPTRACE_RST_SENT, i);

	rec.lport = port;
	rec.arg = flags;
	rig_feed(rec);
}

static void nobody(void **state)
{
	const struct unheard *u, *found = NULL;
	unsigned int i, used = 0;

	(void)state;
	for (i = 0; i < 78; i++) {
		to_nobody(i, 8099, 0x02);
		to_nobody(i, 8099, 0x10);	/* an ACK that is late */
		to_nobody(i, 8099, 0x12);
		to_nobody(i, 8099, 0);		/* not known */
	}
	for (i = 0; i < CONNECTS; i++) {
		u = model_unheard(rig.m, i);
		if (u->used)
			found = u;
		used += u->used;
	}
	assert_int_equal(used, 1);
	assert_int_equal(found->count, 78);
	assert_int_equal(found->lport, 8099);
	assert_int_equal(found->last_ns - found->first_ns, (77 * 4) * 1000);
	for (i = 1; i < 60000; i++)		/* a scan */
		to_nobody(i, i, 0x02);
	for (i = used = 0; i < CONNECTS; i++)
		used += model_unheard(rig.m, i)->count >= 78;
	assert_int_equal(used, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(clients, rig_up, rig_down),
		cmocka_unit_test_setup_teardown(bursts, rig_up, rig_down),
		cmocka_unit_test_setup_teardown(never, rig_up, rig_down),
		cmocka_unit_test_setup_teardown(given_up, rig_up, rig_down),
		cmocka_unit_test_setup_teardown(third_packets, rig_up, rig_down),
		cmocka_unit_test_setup_teardown(cookies, rig_up, rig_down),
		cmocka_unit_test_setup_teardown(too_many, rig_up, rig_down),
		cmocka_unit_test_setup_teardown(listener_gone, rig_up, rig_down),
		cmocka_unit_test_setup_teardown(refused_again, rig_up, rig_down),
		cmocka_unit_test_setup_teardown(pauses, rig_up, rig_down),
		cmocka_unit_test_setup_teardown(pause_of_queues, rig_up, rig_down),
		cmocka_unit_test_setup_teardown(unseen_takes, rig_up, rig_down),
		cmocka_unit_test_setup_teardown(arrivals, rig_up, rig_down),
		cmocka_unit_test_setup_teardown(blind, rig_up, rig_down),
		cmocka_unit_test_setup_teardown(closed, rig_up, rig_down),
		cmocka_unit_test_setup_teardown(connects, rig_up, rig_down),
		cmocka_unit_test_setup_teardown(connects_without_waiting, rig_up, rig_down),
		cmocka_unit_test_setup_teardown(many_rows, rig_up, rig_down),
		cmocka_unit_test_setup_teardown(nobody, rig_up, rig_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
