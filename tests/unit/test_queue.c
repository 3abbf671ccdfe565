// SPDX-License-Identifier: GPL-2.0-only
/* The model: both queues of a listener, ways in and out, refusals, and who is behind them. */
#include "model_rig.h"

#include "../../user/model/figure.h"

static const struct listener *listener(void)
{
	return model_listener(rig.m, 0);
}

/* listen(2) with 8 clients and no accept(): 3 are held, the next SYNs are refused. */
static void overflow(void **state)
{
	static const uint32_t expect[] = { 1, 2, 3 };
	unsigned int i;
	uint64_t t;

	(void)state;
	rig_listen(2, 4096);
	assert_int_equal(listener()->limit, 2);
	for (i = 1; i <= 3; i++) {
		handshake(i, i);
		assert_int_equal(nth(TCPTRACE_ACCEPTQ_ADD, i - 1)->ev.acceptq, expect[i - 1]);
		assert_int_equal(nth(TCPTRACE_ACCEPTQ_ADD, i - 1)->ev.limit, 2);
	}
	t = nth(TCPTRACE_ACCEPTQ_ADD, 2)->rec.t_ns;
	assert_int_equal(listener()->acceptq.full_since_ns, t);
	for (i = 4; i <= 8; i++)
		drop(i, TCPTRACE_DROP_ACCEPTQ_SYN, 0, 0, 3);
	assert_int_equal(listener()->causes[TCPTRACE_DROP_ACCEPTQ_SYN], 5);
	assert_int_equal(listener()->acceptq.peak, 3);
	assert_int_equal(listener()->acceptq.known, 3);
	assert_int_equal(nth(TCPTRACE_DROP, 4)->ev.conn, 0);
	assert_int_equal(nth(TCPTRACE_DROP, 4)->listener, 1);
	assert_int_equal(nth(TCPTRACE_DROP, 4)->rec.rport, 40008);
	assert_int_equal(model_oldest_wait(rig.m, &listener()->acceptq),
			 rig.t - nth(TCPTRACE_ACCEPTQ_ADD, 0)->rec.t_ns);
	assert_int_equal(model_full_ns(rig.m, &listener()->acceptq), rig.t - t);
	accept_by(1, SERVER, 0, 0, 2);
	t = rig.t - t;
	assert_int_equal(listener()->acceptq.full_ns, t);
	assert_int_equal(listener()->acceptq.full_since_ns, 0);
	rig.t += 1000 * MS;
	accept_by(2, SERVER, 0, 0, 1);
	assert_int_equal(listener()->acceptq.full_ns, t);
	assert_int_equal(model_totals(rig.m)->conns_now, 3);
}

/* The third packet of a queued request is refused, and comes again in time, or never. */
static void ack_refused(void **state)
{
	unsigned int i;

	(void)state;
	rig_listen(0, 4096);
	synq_add(1, 1, 0);
	synq_add(2, 2, 0);
	for (i = 0; i < 3; i++) {
		drop(1, TCPTRACE_DROP_ACCEPTQ_ACK, RQ(1), 2, 1);
		drop(2, TCPTRACE_DROP_ACCEPTQ_ACK, RQ(2), 2, 1);
	}
	assert_int_equal(nth(TCPTRACE_DROP, 1)->ev.conn, 2);
	assert_int_equal(listener()->ghosts, 0);
	synq_del(1, TCPTRACE_SYNQ_ESTABLISHED, 1, 0);
	acceptq_add(1, TCPTRACE_ACCEPTQ_HANDSHAKE, 1, 1);
	assert_int_equal(listener()->ghosts, 0);
	synq_del(2, TCPTRACE_SYNQ_EXPIRED, 0, 1);
	assert_int_equal(listener()->ghosts, 1);
	assert_int_equal(listener()->causes[TCPTRACE_DROP_ACCEPTQ_ACK], 6);
	assert_int_equal(listener()->synq.peak, 2);
}

static void request_ends(void **state)
{
	struct tcptrace_record rec;

	(void)state;
	rig_listen(128, 4096);
	synq_add(1, 1, 0);
	rec = queues(server_rec(TCPTRACE_SYNACK_RETRANS, 1), 1, 0);
	rec.sk = RQ(1);
	rec.flags |= TCPTRACE_F_REQUEST;
	rig_feed(rec);
	rig.t += 31000 * MS;
	synq_del(1, TCPTRACE_SYNQ_EXPIRED, 0, 0);
	assert_took(&rig.seen[rig.n - 1], 31000 * MS + 2000);
	synq_del(1, TCPTRACE_SYNQ_EXPIRED, 0, 0);	/* told twice */
	assert_int_equal(count(TCPTRACE_SYNQ_DEL), 1);
	synq_add(1, 1, 0);				/* the same address again */
	assert_int_equal(rig.seen[rig.n - 1].ev.conn, 2);
	synq_del(1, TCPTRACE_SYNQ_RESET, 0, 0);
	assert_int_equal(count(TCPTRACE_SYNQ_DEL), 2);
	synq_del(7, TCPTRACE_SYNQ_EXPIRED, 0, 0);	/* there before us */
	assert_int_equal(rig.seen[rig.n - 1].ev.conn, 3);
	assert_false(rig.seen[rig.n - 1].ev.has_dur);
	assert_int_equal(listener()->causes[TCPTRACE_SYNQ_EXPIRED], 2);
	assert_int_equal(listener()->causes[TCPTRACE_SYNQ_RESET], 1);
	assert_int_equal(listener()->synack_retrans, 1);
	assert_int_equal(listener()->in_synq.count, 0);
	assert_int_equal(model_totals(rig.m)->conns_now, 0);
}

/* A sweep finds that one is gone, without a length: the young ones are some of those that are left. */
static void young_are_some(void **state)
{
	struct tcptrace_record rec = server_rec(TCPTRACE_SYNQ_DEL, 2);

	(void)state;
	rig_listen(2, 4096);
	synq_add(1, 1, 0);
	synq_add(2, 2, 0);
	rec.sk = RQ(2);
	rec.listener = LSK;
	rec.flags = TCPTRACE_F_REQUEST;
	rig_feed(rec);
	assert_int_equal(listener()->synq.now, 1);
	assert_int_equal(listener()->synq_young, 1);
}

/* A RST while it waits: it stays in the queue, accept() gets a closed socket. */
static void reset_while_queued(void **state)
{
	struct tcptrace_record rec = server_rec(TCPTRACE_RST_RECEIVED, 1);
	unsigned int told;

	(void)state;
	for (told = 0; told < 2; told++) {
		rig_down(NULL);
		rig_up(NULL);
		rig_listen(128, 4096);
		handshake(1, 1);
		rec.sk = SK(1);
		rig_feed(rec);
		state_of(server_rec(0, 1), SK(1), TCP_S_ESTABLISHED, TCP_S_CLOSE);
		assert_int_equal(listener()->acceptq.known, 1);
		if (told)
			acceptq_del(1, TCPTRACE_ACCEPTQ_ACCEPTED, 0, 0);
		accept_by(1, SERVER, 0, 0, 0);
		assert_int_equal(count(TCPTRACE_ACCEPTQ_DEL), 1);
		assert_int_equal(nth(TCPTRACE_ACCEPTQ_DEL, 0)->ev.cause, TCPTRACE_ACCEPTQ_RESET);
		assert_int_equal(listener()->causes[TCPTRACE_ACCEPTQ_RESET], 1);
		assert_int_equal(listener()->accepted, 1);
		destroy(server_rec(0, 1), SK(1));
		assert_int_equal(model_totals(rig.m)->conns_now, 0);
	}
}

/* ss -K of one that waits, and no transition is asked for: it sends a RST, stays in the queue, and accept() gives it. */
static void aborted_while_queued(void **state)
{
	static const struct { uint8_t old, cause; bool closed; } cases[] = {
		{ TCP_S_ESTABLISHED, TCPTRACE_ACCEPTQ_RESET, false }, { TCP_S_CLOSE_WAIT, TCPTRACE_ACCEPTQ_RESET, false },
		{ TCP_S_SYN_RECV, TCPTRACE_ACCEPTQ_ACCEPTED, false },		/* the answer to a bad segment */
		{ TCP_S_ESTABLISHED, TCPTRACE_ACCEPTQ_CLOSED, true },
	};
	struct tcptrace_record rec = server_rec(TCPTRACE_RST_SENT, 1);

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		rig_down(NULL);
		rig_up(NULL);
		rig_listen(128, 4096);
		handshake(1, 1);
		if (cases[i].closed)
			state_of(listener_rec(0), LSK, TCP_S_LISTEN, TCP_S_CLOSE);
		rec.sk = SK(1);
		rec.old = cases[i].old;
		rig_feed(rec);
		if (cases[i].closed)
			destroy(server_rec(0, 1), SK(1));
		else
			accept_by(1, SERVER, 0, 0, 0);
		assert_int_equal(nth(TCPTRACE_ACCEPTQ_DEL, 0)->ev.cause, cases[i].cause);
		assert_int_equal(listener()->causes[cases[i].cause], 1);
		assert_int_equal(listener()->closed_reset, 0);
	}
}

/* close(listener) with both queues filled; removals are told, or derived from the children's end. */
static void listener_closed(void **state)
{
	unsigned int i, told;

	(void)state;
	for (told = 0; told < 3; told++) {
		rig_down(NULL);
		rig_up(NULL);
		rig_listen(128, 4096);
		for (i = 1; i <= 3; i++)
			handshake(i, i);
		for (i = 4; i <= 5; i++)
			synq_add(i, i - 3, 3);
		state_of(listener_rec(0), LSK, TCP_S_LISTEN, TCP_S_CLOSE);
		for (i = 1; i <= 3; i++) {
			if (told == 1)
				acceptq_del(i, TCPTRACE_ACCEPTQ_CLOSED, 2, 3 - i);
			state_of(server_rec(0, i), SK(i), TCP_S_ESTABLISHED, TCP_S_CLOSE);
			destroy(server_rec(0, i), SK(i));
			if (told == 2)		/* late */
				acceptq_del(i, TCPTRACE_ACCEPTQ_CLOSED, 2, 3 - i);
		}
		destroy(listener_rec(0), LSK);
		assert_int_equal(listener()->synq.known, 2);
		for (i = 4; i <= 5; i++)	/* their timers notice later */
			synq_del(i, TCPTRACE_SYNQ_LISTENER_CLOSED, 5 - i, 0);
		assert_null(model_listener(rig.m, 1));
		assert_int_equal(count(TCPTRACE_ACCEPTQ_DEL), 3);
		assert_int_equal(listener()->causes[TCPTRACE_ACCEPTQ_CLOSED], 3);
		assert_int_equal(listener()->causes[TCPTRACE_SYNQ_LISTENER_CLOSED], 2);
		assert_int_equal(listener()->in_acceptq.count, 0);
		assert_false(listener()->open);
		assert_true(listener()->close_seen);
		assert_int_equal(listener()->synq.now + listener()->acceptq.now, 0);
		assert_int_equal(model_totals(rig.m)->conns_now, 0);
		synq_add(9, 1, 0);		/* a new listener at the address of the old one */
		assert_int_equal(rig.seen[rig.n - 1].listener, 2);
	}
}

static void cookies(void **state)
{
	struct tcptrace_record rec;
	unsigned int i;

	(void)state;
	rig_listen(1, 4096);
	for (i = 1; i <= 100; i++)
		rig_feed(queues(server_rec(TCPTRACE_COOKIE_SENT, i), 2, 0));
	assert_int_equal(model_totals(rig.m)->conns_now, 0);	/* a flood costs nothing */
	rig_feed(queues(server_rec(TCPTRACE_COOKIE_BAD, 3), 2, 0));
	/* one is good: ok, child, accept queue */
	rig_feed(queues(server_rec(TCPTRACE_COOKIE_OK, 1), 2, 0));
	state_of(server_rec(0, 1), SK(1), TCP_S_LISTEN, TCP_S_SYN_RECV);
	acceptq_add(1, TCPTRACE_ACCEPTQ_COOKIE, 2, 1);
	state_of(server_rec(0, 1), SK(1), TCP_S_SYN_RECV, TCP_S_ESTABLISHED);
	/* the other order, half-cloned */
	child_half_cloned(2);
	acceptq_add(2, TCPTRACE_ACCEPTQ_COOKIE, 2, 2);
	rig_feed(queues(server_rec(TCPTRACE_COOKIE_OK, 2), 2, 2));
	assert_string_equal(story(103), "cookie-ok state:10>3 acceptq-add state:3>1"
			    " state:10>3 acceptq-add cookie-ok");
	for (i = 103; i < 110; i++)
		assert_int_equal(rig.seen[i].ev.conn, i < 107 ? 1 : 2);
	/* a good cookie, but no room: its client believes in a connection, and sends again */
	for (i = 0; i < 3; i++) {
		rec = server_rec(TCPTRACE_COOKIE_OK, 4);
		rig_feed(queues(rec, 2, 2));
		drop(4, TCPTRACE_DROP_ACCEPTQ_COOKIE, 0, 2, 2);
	}
	drop(5, TCPTRACE_DROP_ACCEPTQ_COOKIE, 0, 2, 2);
	assert_int_equal(listener()->ghosts, 2);
	acceptq_add(5, TCPTRACE_ACCEPTQ_COOKIE, 2, 2);
	assert_int_equal(listener()->ghosts, 1);
	assert_int_equal(listener()->cookies_sent, 100);
	assert_int_equal(listener()->cookies_ok, 5);
	assert_int_equal(listener()->cookies_bad, 1);
	assert_int_equal(listener()->causes[TCPTRACE_ACCEPTQ_COOKIE], 3);
	assert_int_equal(count(TCPTRACE_SYNQ_DEL), 0);
}

static void listens_at(uint64_t lsk, uint32_t addr)
{
	struct tcptrace_record rec = by(listener_rec(0), SERVER, 3);

	rec.listener = lsk;
	mapped(rec.laddr, addr);
	state_of(rec, lsk, TCP_S_CLOSE, TCP_S_LISTEN);
}

/* What waited at a member that is closed is found waiting: at the only one that is left, or nobody knows where. */
static void moved_found(void **state)
{
	struct tcptrace_record snap = { .event = TCPTRACE_SNAPSHOT }, rec;
	const struct listener *left;

	for (unsigned int others = 1; others <= 2; others++) {
		rig_down(state);
		rig_up(state);
		rig_listen(128, 4096);
		for (unsigned int i = 1; i <= others; i++)
			listens_at(LSK + i, 0);
		acceptq_add(1, TCPTRACE_ACCEPTQ_HANDSHAKE, 0, 1);
		state_of(listener_rec(0), LSK, TCP_S_LISTEN, TCP_S_CLOSE);
		rig.t += 200 * MS;
		rig_feed(snap);
		rec = server_rec(TCPTRACE_EXISTS, 1);
		rec.sk = SK(1);
		rec.flags = TCPTRACE_F_QUEUED;
		rec.new = TCP_S_ESTABLISHED;
		rig_feed(rec);
		snap.flags = TCPTRACE_F_END;
		rig_feed(snap);
		snap.flags = 0;
		left = model_listener(rig.m, 1);
		assert_int_equal(listener()->acceptq.known, others == 2);
		assert_int_equal(left->acceptq.known, others == 1);
		assert_int_equal(left->causes[TCPTRACE_ACCEPTQ_MIGRATED], others == 1);
	}
}

/* Tracepoints name some listener of the port. The address tells whose the cookie was, but in a group. */
static void cookie_of_another(void **state)
{
	struct tcptrace_record sent = queues(server_rec(TCPTRACE_COOKIE_SENT, 1), 7, 0), add;
	const struct listener *l;

	(void)state;
	sent.flags |= TCPTRACE_F_INFERRED;
	listens_at(LSK, 0x7f000001);
	listens_at(LSK + 1, 0);
	listens_at(LSK + 2, 0x0a000001);
	rig_feed(sent);
	assert_int_equal(model_listener(rig.m, 0)->cookies_sent, 0);
	assert_int_equal(model_listener(rig.m, 1)->cookies_sent, 0);
	l = model_listener(rig.m, 2);
	assert_int_equal(l->cookies_sent, 1);
	assert_int_equal(l->synq.now, 0);	/* 7 were in the other one's */
	assert_int_equal(figure_known(rig.m, l, FIGURE_COOKIES_SENT), KNOWN_EXACTLY);
	listens_at(LSK + 3, 0x0a000001);
	rig_feed(sent);
	assert_int_equal(figure_known(rig.m, l, FIGURE_COOKIES_SENT), KNOWN_NOT);
	assert_int_equal(figure_known(rig.m, model_listener(rig.m, 3), FIGURE_COOKIES_SENT), KNOWN_NOT);
	for (unsigned int i = 1; i <= 3; i++) {	/* two went out, so two come back by one, at whichever member */
		add = server_rec(TCPTRACE_ACCEPTQ_ADD, i);
		add.flags |= TCPTRACE_F_INFERRED;
		add.cause = TCPTRACE_ACCEPTQ_HANDSHAKE;
		add.listener = i == 2 ? LSK + 2 : LSK + 3;
		add.sk = SK(i);
		rig_feed(add);
	}
	assert_int_equal(l->cookies_ok + model_listener(rig.m, 3)->cookies_ok, 2);
}

static void came_by(unsigned int i, uint64_t sk)
{
	struct tcptrace_record add = server_rec(TCPTRACE_ACCEPTQ_ADD, i);

	add.flags |= TCPTRACE_F_INFERRED;
	add.cause = TCPTRACE_ACCEPTQ_HANDSHAKE;
	add.sk = sk;
	rig_feed(add);
}

/* Bound to a device it may not be asked; whoever is, the cookie's client comes in by it, and comes again. */
static void cookie_beside_a_device(void **state)
{
	struct tcptrace_record sent = queues(server_rec(TCPTRACE_COOKIE_SENT, 1), 0, 0), listen = by(listener_rec(0), SERVER, 3);
	struct tcptrace_record add = server_rec(TCPTRACE_ACCEPTQ_ADD, 1);

	(void)state;
	sent.flags |= TCPTRACE_F_INFERRED;
	add.flags |= TCPTRACE_F_INFERRED;
	add.cause = TCPTRACE_ACCEPTQ_HANDSHAKE;
	listen.listener = LSK;
	listen.device = 1;
	memset(listen.laddr, 0, sizeof(listen.laddr));		/* [::] */
	state_of(listen, LSK, TCP_S_CLOSE, TCP_S_LISTEN);
	listen.listener = LSK + 1;
	listen.device = 3;
	mapped(listen.laddr, 0);
	state_of(listen, LSK + 1, TCP_S_CLOSE, TCP_S_LISTEN);
	rig_feed(sent);
	assert_int_equal(figure_known(rig.m, model_listener(rig.m, 0), FIGURE_COOKIES_SENT), KNOWN_NOT);
	assert_int_equal(figure_known(rig.m, model_listener(rig.m, 1), FIGURE_COOKIES_SENT), KNOWN_NOT);
	for (unsigned int i = 1; i <= 3; i++) {
		add.listener = LSK + i % 2;
		add.sk = SK(i);
		rig_feed(add);
		destroy(server_rec(0, 1), SK(i));
	}
	assert_int_equal(listener()->cookies_ok + model_listener(rig.m, 1)->cookies_ok, 3);
}

/* The kernel knows no cookie again: its segment that comes late makes another connection, and that is one by cookie. */
static void cookie_twice(void **state)
{
	struct tcptrace_record sent = queues(server_rec(TCPTRACE_COOKIE_SENT, 1), 0, 0);

	(void)state;
	rig_listen(128, 4096);
	sent.flags |= TCPTRACE_F_INFERRED;
	rig_feed(sent);
	for (unsigned int i = 1; i <= 2; i++) {
		came_by(1, SK(i));
		accept_by(1, SERVER, 0, 0, 0);
		state_of(server_rec(0, 1), SK(i), TCP_S_ESTABLISHED, TCP_S_CLOSE);
		destroy(server_rec(0, 1), SK(i));
		assert_int_equal(listener()->cookies_ok, i);
	}
	rig.t += 121000 * MS;
	came_by(1, SK(3));
	assert_int_equal(listener()->cookies_ok, 2);
}

/* A peer resets, and comes again from the same port, before the server has taken the socket of before. */
static void same_peer_again(void **state)
{
	struct tcptrace_record rec = queues(server_rec(TCPTRACE_SYNQ_ADD, 1), 1, 1);

	(void)state;
	rig_listen(128, 4096);
	handshake(1, 1);
	state_of(server_rec(0, 1), SK(1), TCP_S_ESTABLISHED, TCP_S_CLOSE);
	rec.sk = RQ(2);
	rec.flags |= TCPTRACE_F_REQUEST;
	rig_feed(rec);
	accept_by(1, SERVER, 0, 1, 0);
	assert_int_equal(count(TCPTRACE_SYNQ_DEL), 1);		/* that of before */
	assert_int_equal(listener()->synq.now, 1);
	assert_int_equal(listener()->acceptq.now, 0);
	rec = queues(server_rec(TCPTRACE_SYNQ_DEL, 1), 0, 0);		/* tracepoints know its ends alone */
	rec.cause = TCPTRACE_SYNQ_RESET;
	rig_feed(rec);
	assert_int_equal(listener()->causes[TCPTRACE_SYNQ_RESET], 1);
	assert_int_equal(listener()->synq.now, 0);
}

/* Tracepoints before 6.3 name no listener and no cookie: a child that had no request came by one. */
static void cookie_deduced(void **state)
{
	struct tcptrace_record rec = server_rec(TCPTRACE_ACCEPTQ_ADD, 1);

	(void)state;
	rig_listen(128, 4096);
	rig_feed(queues(server_rec(TCPTRACE_COOKIE_SENT, 1), 2, 0));
	rec.cause = TCPTRACE_ACCEPTQ_HANDSHAKE;
	rec.flags = TCPTRACE_F_INFERRED;
	child_half_cloned(1);
	state_of(server_rec(0, 1), SK(1), TCP_S_SYN_RECV, TCP_S_ESTABLISHED);
	rec.sk = SK(1);
	rig_feed(rec);
	assert_int_equal(listener()->cookies_ok, 1);
	assert_int_equal(listener()->causes[TCPTRACE_ACCEPTQ_COOKIE], 1);
	assert_int_equal(listener()->acceptq.now, 1);
	/* no cookie is left for the next one, and this one had a request */
	synq_add(2, 1, 1);
	state_of(server_rec(0, 2), SK(2), TCP_S_LISTEN, TCP_S_SYN_RECV);
	rec = server_rec(TCPTRACE_ACCEPTQ_ADD, 2);
	rec.sk = SK(2);
	rec.cause = TCPTRACE_ACCEPTQ_HANDSHAKE;
	rec.flags = TCPTRACE_F_INFERRED;
	rig_feed(rec);
	assert_int_equal(listener()->causes[TCPTRACE_ACCEPTQ_HANDSHAKE], 1);
	/* a request's third packet, thrown away for another reason than the full queue, is no cookie's */
	synq_add(3, 1, 2);
	rec = queues(server_rec(TCPTRACE_DROP, 3), 1, 2);
	rec.cause = TCPTRACE_DROP_ACCEPTQ_COOKIE;
	rec.flags |= TCPTRACE_F_INFERRED;
	rig_feed(rec);
	assert_int_equal(count(TCPTRACE_DROP), 0);
	assert_int_equal(listener()->cookies_ok, 1);
	/* a cookie's ACK finds no room, and so does each segment of data after it: a good cookie and a refusal each */
	rig_feed(queues(server_rec(TCPTRACE_COOKIE_SENT, 4), 1, 3));
	rec = queues(server_rec(TCPTRACE_DROP, 4), 1, 3);
	rec.cause = TCPTRACE_DROP_ACCEPTQ_COOKIE;
	rec.flags |= TCPTRACE_F_INFERRED;
	rig_feed(rec);
	rig_feed(rec);
	rig_feed(rec);
	assert_int_equal(count(TCPTRACE_DROP), 3);
	assert_int_equal(listener()->cookies_ok, 4);
	assert_int_equal(listener()->causes[TCPTRACE_DROP_ACCEPTQ_COOKIE], 3);
	assert_int_equal(listener()->ghosts, 1);
	/* then there is room */
	child_half_cloned(4);
	rec = queues(server_rec(TCPTRACE_ACCEPTQ_ADD, 4), 1, 3);
	rec.sk = SK(4);
	rec.cause = TCPTRACE_ACCEPTQ_HANDSHAKE;
	rec.flags |= TCPTRACE_F_INFERRED;
	rig_feed(rec);
	assert_int_equal(listener()->cookies_ok, 5);
	assert_int_equal(listener()->causes[TCPTRACE_ACCEPTQ_COOKIE], 2);
	assert_int_equal(listener()->ghosts, 0);
}

/* Before any cookie was sent the kernel takes an ACK for one while jiffies pass 0, and counts a bad one. */
static void cookie_bad_at_five_minutes(void **state)
{
	static const struct { uint64_t s; unsigned int bad; } when[] = { { 200, 0 }, { 301, 1 }, { 419, 2 }, { 421, 2 } };
	struct tcptrace_record rec = queues(server_rec(TCPTRACE_RST_SENT, 1), 0, 0);
	unsigned int i;

	(void)state;
	rig_listen(128, 4096);
	rec.flags |= TCPTRACE_F_INFERRED;
	for (i = 0; i < sizeof(when) / sizeof(*when); i++) {
		rec.t_ns = when[i].s * 1000 * MS;
		rig_feed(rec);
		assert_int_equal(listener()->cookies_bad, when[i].bad);
	}
}

/* Fast Open: accepted before its handshake is complete. */
static void fast_open(void **state)
{
	struct tcptrace_record rec = server_rec(TCPTRACE_SYNACK, 1);

	(void)state;
	rig_listen(128, 4096);
	child_half_cloned(1);
	rec.sk = SK(1);
	rig_feed(queues(rec, 0, 0));
	acceptq_add(1, TCPTRACE_ACCEPTQ_FASTOPEN, 0, 1);
	acceptq_del(1, TCPTRACE_ACCEPTQ_ACCEPTED, 0, 0);
	accept_by(1, SERVER, 0, 0, 0);
	rig.t += 10 * MS;
	state_of(server_rec(0, 1), SK(1), TCP_S_SYN_RECV, TCP_S_ESTABLISHED);
	assert_string_equal(story(2), "state:10>3 synack acceptq-add acceptq-del accept state:3>1");
	assert_took(&rig.seen[rig.n - 1], 10 * MS + 5000);
	assert_int_equal(rig.seen[rig.n - 1].ev.conn, 1);
	assert_int_equal(rig.seen[rig.n - 1].pid, SERVER);
	assert_int_equal(model_totals(rig.m)->illegal, 0);
}

/* LSK and LSK + 64 listen at one address. */
static void two_members(void)
{
	struct tcptrace_record rec;

	rig_listen(128, 4096);
	rec = listener_rec(0);
	rec.listener = LSK + 64;
	state_of(rec, LSK + 64, TCP_S_CLOSE, TCP_S_LISTEN);
}

static void migration(void **state)
{
	struct tcptrace_record rec;

	(void)state;
	two_members();
	handshake(1, 1);
	state_of(listener_rec(0), LSK, TCP_S_LISTEN, TCP_S_CLOSE);
	rec = queues(server_rec(TCPTRACE_ACCEPTQ_ADD, 1), 0, 1);
	rec.sk = SK(1);
	rec.req = RQ(77);		/* a clone of the request */
	rec.listener = LSK + 64;
	rec.cause = TCPTRACE_ACCEPTQ_MIGRATED;
	rig_feed(rec);
	destroy(listener_rec(0), LSK);
	assert_int_equal(listener()->acceptq.known + listener()->acceptq.now, 0);
	assert_int_equal(model_listener(rig.m, 1)->acceptq.known, 1);
	assert_int_equal(model_listener(rig.m, 1)->causes[TCPTRACE_ACCEPTQ_MIGRATED], 1);
	rec = queues(server_rec(TCPTRACE_ACCEPT, 1), 0, 0);
	rec.sk = SK(1);
	rec.listener = LSK + 64;
	rec.ret = 9;
	rig_feed(by(rec, SERVER, 9));
	assert_int_equal(model_listener(rig.m, 1)->accepted, 1);
	assert_int_equal(nth(TCPTRACE_ACCEPTQ_DEL, 0)->listener, 2);
	/* it waited since it entered the first queue */
	assert_took(nth(TCPTRACE_ACCEPTQ_DEL, 0), rig.t - nth(TCPTRACE_ACCEPTQ_ADD, 0)->rec.t_ns);
}

static void of_clone(unsigned int event, unsigned int i, uint64_t req, uint32_t synq, uint32_t acceptq)
{
	struct tcptrace_record rec = queues(server_rec(event, i), synq, acceptq);

	rec.sk = event == TCPTRACE_ACCEPTQ_ADD ? SK(i) : req;
	rec.req = event == TCPTRACE_ACCEPTQ_ADD ? req : 0;
	rec.flags |= event == TCPTRACE_ACCEPTQ_ADD ? 0 : TCPTRACE_F_REQUEST;
	rec.cause = event == TCPTRACE_ACCEPTQ_ADD ? TCPTRACE_ACCEPTQ_HANDSHAKE : 0;
	rec.listener = LSK + 64;
	rig_feed(rec);
}

/* reqsk_timer_handler(): a clone is sent the SYN-ACK again, and the second one gets the address that the first has left. */
static void migration_half_open(void **state)
{
	const struct listener *to;

	(void)state;
	two_members();
	synq_add(1, 1, 0);
	synq_add(2, 2, 0);
	synq_add(3, 3, 0);
	state_of(listener_rec(0), LSK, TCP_S_LISTEN, TCP_S_CLOSE);
	to = model_listener(rig.m, 1);
	of_clone(TCPTRACE_SYNACK_RETRANS, 1, RQ(77), 1, 0);
	of_clone(TCPTRACE_SYNACK_RETRANS, 2, RQ(1), 2, 0);
	assert_int_equal(listener()->synq.known, 1);
	assert_int_equal(to->synq.known, 2);
	of_clone(TCPTRACE_ACCEPTQ_ADD, 1, RQ(77), 1, 1);
	of_clone(TCPTRACE_ACCEPTQ_ADD, 2, RQ(1), 0, 2);
	of_clone(TCPTRACE_ACCEPTQ_ADD, 3, RQ(3), 0, 3);		/* before its timer */
	for (unsigned int i = 0; i < 3; i++)
		assert_ptr_equal(nth(TCPTRACE_ACCEPTQ_ADD, i)->ev.c, nth(TCPTRACE_SYNQ_ADD, i)->ev.c);
	assert_int_equal(count(TCPTRACE_SYNQ_DEL), 3);
	assert_int_equal(listener()->synq.known + listener()->synq.now, 0);
	assert_int_equal(listener()->established, 0);
	assert_int_equal(to->established, 3);
	assert_int_equal(to->acceptq.known, 3);
}

/* By tracepoints nothing tells of it: the other member's accept() gives what the closed one had. */
static void migration_unseen(void **state)
{
	const struct listener *other;
	struct tcptrace_record rec;
	struct hist waits;

	(void)state;
	two_members();
	other = model_listener(rig.m, 1);
	handshake(1, 1);
	rig.t += 300 * MS;
	state_of(listener_rec(0), LSK, TCP_S_LISTEN, TCP_S_CLOSE);
	destroy(listener_rec(0), LSK);
	rig.t += 5 * MS;
	rec = queues(server_rec(TCPTRACE_ACCEPT, 1), 0, 0);
	rec.sk = SK(1);
	rec.listener = LSK + 64;
	rec.ret = 9;
	rig_feed(by(rec, SERVER, 9));
	assert_int_equal(listener()->accepted, 0);
	assert_int_equal(listener()->acceptq.known + listener()->acceptq.now, 0);
	assert_int_equal(other->accepted, 1);
	assert_int_equal(other->causes[TCPTRACE_ACCEPTQ_MIGRATED], 1);
	assert_int_equal(other->acceptq.now + other->acceptq.known, 0);
	assert_int_equal(other->acceptq.peak, 1);
	assert_int_equal(nth(TCPTRACE_ACCEPTQ_DEL, 0)->listener, 2);
	/* the wait was for the closed one's accept() */
	assert_int_equal(model_acceptq_waits(rig.m, other, &waits), 0);
	assert_int_equal(waits.count, 0);
	model_acceptq_waits(rig.m, listener(), &waits);
	assert_int_equal(waits.count, 1);
	assert_in_range(waits.max, 300 * MS, 301 * MS);
}

/* One process listens, others accept; who was there in softirq is nobody. */
static void prefork(void **state)
{
	struct tcptrace_record rec;
	unsigned int i;

	(void)state;
	rig_listen(128, 4096);
	for (i = 1; i <= 100; i++) {
		handshake(i, 1);
		assert_int_equal(rig.seen[rig.n - 1].pid, SERVER);
		accept_by(i, SERVER + 1 + i % 5, i == 1 ? 0 : i * 1000, 0, 0);
		state_of(server_rec(0, i), SK(i), TCP_S_ESTABLISHED, TCP_S_CLOSE_WAIT);
		assert_int_equal(rig.seen[rig.n - 1].pid, SERVER + 1 + i % 5);
	}
	assert_int_equal(listener()->opener.pid, SERVER);
	assert_int_equal(listener()->opener.fd, 3);
	assert_int_equal(listener()->acceptors, 5);
	assert_int_equal(listener()->acceptor.pid, SERVER + 1);
	assert_false(nth(TCPTRACE_ACCEPT, 0)->ev.has_dur);	/* blocked since before us */
	assert_int_equal(listener()->in_accept.count, 99);
	for (i = 101; i <= 200; i++) {
		handshake(i, 1);
		accept_by(i, 1000 + i, 0, 0, 0);
	}
	assert_int_equal(listener()->acceptors, 64);
	rec = queues(by(listener_rec(TCPTRACE_ACCEPT), SERVER, -1), 0, 0);
	rec.sk = 0;
	rec.ret = -24;
	rig_feed(rec);
	assert_int_equal(listener()->accept_errors, 1);
	assert_int_equal(listener()->accepted, 200);
	assert_int_equal(rig.seen[rig.n - 1].ev.conn, 0);
	assert_int_equal(rig.seen[rig.n - 1].listener, 1);
}

/* The transition to LISTEN is made by its caller and has the limit: no system call need be seen. */
static void opened_unseen(void **state)
{
	struct tcptrace_record rec = queues(by(listener_rec(0), SERVER, -1), 0, 0);

	(void)state;
	rec.acceptq_max = 16;
	state_of(rec, LSK, TCP_S_CLOSE, TCP_S_LISTEN);
	assert_int_equal(rig.seen[0].pid, SERVER);
	assert_int_equal(listener()->opener.pid, SERVER);
	assert_int_equal(listener()->limit, 16);
	assert_true(listener()->limit_known);
	assert_false(listener()->backlog_known);
	synq_add(1, 1, 0);
	assert_int_equal(rig.seen[rig.n - 1].pid, SERVER);
	/* the call is seen, too: what it asked for, and the descriptor */
	rec = by(listener_rec(TCPTRACE_LISTEN), SERVER, 3);
	rec.backlog = 16;
	rec.somaxconn = 4096;
	rig_feed(rec);
	assert_int_equal(listener()->opener.fd, 3);
	assert_int_equal(listener()->backlog, 16);
	rig_feed(by(rec, SERVER + 1, 7));	/* again, by who inherited it */
	assert_int_equal(listener()->opener.pid, SERVER);
	assert_int_equal(listener()->opener.fd, 3);
	assert_null(model_listener(rig.m, 1));
}

/* Which of the two decides; listen() again changes the limit without a transition. */
static void backlog(void **state)
{
	struct tcptrace_record rec;

	(void)state;
	rig_listen(5000, 4096);
	assert_int_equal(listener()->limit, 4096);
	assert_int_equal(listener()->somaxconn, 4096);
	rec = by(listener_rec(TCPTRACE_LISTEN), SERVER, 3);
	rec.backlog = -1;
	rec.somaxconn = 128;
	rig_feed(rec);
	assert_int_equal(listener()->limit, 128);
	assert_int_equal(listener()->backlog, -1);
	assert_true(listener()->backlog_known);
	rec.backlog = 0;
	rig_feed(rec);
	assert_int_equal(listener()->limit, 0);
	rec.ret = -98;
	rec.backlog = 77;
	rig_feed(rec);
	assert_int_equal(listener()->backlog, 0);
	assert_null(model_listener(rig.m, 1));
	/* -p: that of another process, which has it too, is hidden */
	rig.limit = 8;
	synq_add(1, 1, 0);
	assert_int_equal(listener()->limit, 8);
	assert_false(listener()->backlog_known);
	rec.ret = 0;
	rec.backlog = 8;
	rig_feed(rec);
	assert_true(listener()->backlog_known);
}

/* listen() goes to LISTEN and back where the port is another one's, and its limit is set by then. */
static void listen_fails(uint64_t lsk, uint32_t asked)
{
	struct tcptrace_record rec = by(listener_rec(TCPTRACE_LISTEN), SERVER, 3);

	rig.limit = asked;
	state_of(queues(listener_rec(0), 0, 0), lsk, TCP_S_CLOSE, TCP_S_LISTEN);
	state_of(queues(listener_rec(0), 0, 0), lsk, TCP_S_LISTEN, TCP_S_CLOSE);
	rec = queues(rec, 0, 0);
	rec.sk = lsk;
	rec.backlog = (int32_t)asked;
	rec.somaxconn = 4096;
	rec.ret = -98;
	rig_feed(rec);
}

static void failed_listen(void **state)
{
	struct tcptrace_record rec;
	uint64_t closed_ns;

	(void)state;
	rig_listen(128, 4096);
	state_of(queues(listener_rec(0), 0, 0), LSK, TCP_S_LISTEN, TCP_S_CLOSE);
	closed_ns = listener()->closed_ns;
	listen_fails(LSK, 3);
	assert_false(listener()->open);
	assert_int_equal(listener()->limit, 128);
	assert_true(listener()->backlog_known);
	assert_int_equal(listener()->limits.low, 128);
	assert_int_equal(listener()->closed_ns, closed_ns);
	assert_int_equal(listener_since(listener()), listener()->born_ns);
	/* what never listened is no listener, as often as it tries */
	for (uint32_t i = 0; i < 3; i++) {
		listen_fails(LSK + 0x1000, 5 + i);
		assert_null(model_listener(rig.m, 1));
		assert_int_equal(rig.seen[rig.n - 1].listener, 0);
	}
	rec = by(listener_rec(0), SERVER, 4);
	state_of(rec, LSK + 0x1000, TCP_S_CLOSE, TCP_S_LISTEN);
	rec.event = TCPTRACE_LISTEN;
	rec.sk = LSK + 0x1000;
	rec.backlog = 2;
	rec.somaxconn = 4096;
	rig_feed(rec);
	assert_int_equal(model_listener(rig.m, 1)->limit, 2);
	assert_false(limits_differ(&model_listener(rig.m, 1)->limits));
	assert_true(model_listener(rig.m, 1)->open);
	assert_null(model_listener(rig.m, 2));
}

/* It was shut down: who calls accept() afterwards calls no listener, who was in there did. */
static void accept_of_closed(void **state)
{
	struct tcptrace_record rec = by(listener_rec(TCPTRACE_ACCEPT), SERVER, -1);

	(void)state;
	rig_listen(128, 4096);
	state_of(queues(listener_rec(0), 0, 0), LSK, TCP_S_LISTEN, TCP_S_CLOSE);
	rec.sk = 0;
	rec.ret = -22;
	rec.call_ns = 1;
	rig_feed(rec);
	assert_int_equal(listener()->accept_errors, 0);
	assert_int_equal(rig.seen[rig.n - 1].listener, 0);
	rec.call_ns = 10000000000;
	rig_feed(rec);
	assert_int_equal(listener()->accept_errors, 1);
	assert_int_equal(rig.seen[rig.n - 1].listener, 1);
}

static void lost(void **state)
{
	struct tcptrace_record rec = { .event = TCPTRACE_LOST, .new = TCPTRACE_STATE, .arg = 17, .t_ns = 5 };

	(void)state;
	rig_feed(rec);
	rec.new = 200;
	rig_feed(rec);
	assert_int_equal(model_totals(rig.m)->lost[TCPTRACE_STATE], 17);
	assert_int_equal(model_totals(rig.m)->lost_total, 34);
	assert_int_equal(rig.n, 0);
	/* acceptq-add and accept lost: the kernel's numbers win, the next record heals */
	rig_listen(128, 4096);
	synq_add(1, 1, 0);
	state_of(server_rec(0, 1), SK(1), TCP_S_SYN_RECV, TCP_S_ESTABLISHED);
	assert_int_equal(model_totals(rig.m)->illegal, 1);
	accept_by(1, SERVER, 0, 0, 0);
	assert_int_equal(nth(TCPTRACE_SYNQ_DEL, 0)->ev.conn, 1);
	assert_int_equal(listener()->synq.now + listener()->synq.known, 0);
}

/* Full tables: what hurts least goes first, and is counted. */
static void eviction(void **state)
{
	const struct model_totals *t;
	unsigned int i;

	(void)state;
	rig_limits(16, 2);
	t = model_totals(rig.m);
	rig_listen(128, 4096);
	for (i = 1; i <= 4; i++)		/* in TIME_WAIT */
		state_of(client_rec(0, i), SK(i), TCP_S_FIN_WAIT2, TCP_S_TIME_WAIT);
	for (i = 1; i <= 4; i++)
		destroy(client_rec(0, i), SK(i));
	for (i = 11; i <= 14; i++)		/* open */
		state_of(client_rec(0, i), SK(i), TCP_S_SYN_SENT, TCP_S_ESTABLISHED);
	for (i = 21; i <= 32; i++)
		synq_add(i, 1, 0);
	assert_int_equal(t->conns_now, 16);
	assert_int_equal(t->evicted_timewait, 4);
	assert_int_equal(t->evicted, 0);
	for (i = 33; i <= 36; i++)
		synq_add(i, 1, 0);
	assert_int_equal(t->evicted, 4);
	assert_int_equal(listener()->synq.known, 16);
	for (i = 37; i <= 60; i++)
		synq_add(i, 1, 0);
	assert_int_equal(listener()->synq.known, 16);
	assert_int_equal(listener()->synq.oldest->rport, 40045);
	assert_int_equal(t->conns_peak, 16);
	/* listeners: open ones stay, closed ones that nobody needs make room */
	state_of(listener_rec(0), LSK + 64, TCP_S_CLOSE, TCP_S_LISTEN);
	state_of(listener_rec(0), LSK + 128, TCP_S_CLOSE, TCP_S_LISTEN);
	assert_int_equal(rig.seen[rig.n - 1].listener, 0);
	assert_int_equal(t->listeners_unseen, 1);
	state_of(listener_rec(0), LSK + 64, TCP_S_LISTEN, TCP_S_CLOSE);
	state_of(listener_rec(0), LSK + 192, TCP_S_CLOSE, TCP_S_LISTEN);
	assert_int_equal(rig.seen[rig.n - 1].listener, 3);
	assert_int_equal(t->listeners_forgotten, 1);
	assert_int_equal(model_listener(rig.m, 1)->id, 3);
}

/* Of the steps those that are wanted are handed out; all count, and the longest that a queue was from one look to the next. */
static void wanted(void **state)
{
	struct model_wants wants = { .steps = 1ull << TCPTRACE_DROP };
	unsigned int n;

	(void)state;
	rig_listen(2, 4096);
	n = rig.n;
	model_want(rig.m, &wants);
	handshake(1, 1);
	handshake(2, 2);
	drop(3, TCPTRACE_DROP_ACCEPTQ_SYN, 0, 0, 2);
	accept_by(1, SERVER, 0, 0, 1);
	assert_int_equal(rig.n, n + 1);
	assert_int_equal(rig.seen[n].ev.event, TCPTRACE_DROP);
	assert_int_equal(model_totals(rig.m)->events[TCPTRACE_ACCEPTQ_ADD], 2);
	accept_by(2, SERVER, 0, 0, 0);
	assert_int_equal(model_longest(rig.m, &listener()->acceptq), 2);
	assert_int_equal(model_longest(rig.m, &listener()->synq), 1);
	wants.looks++;
	model_want(rig.m, &wants);
	assert_int_equal(model_longest(rig.m, &listener()->acceptq), 0);
	handshake(4, 1);
	accept_by(4, SERVER, 0, 0, 0);
	assert_int_equal(model_longest(rig.m, &listener()->acceptq), 1);
	assert_int_equal(listener()->acceptq.peak, 2);
}

/* MP_JOIN by tracepoints: its request is known by the child alone, which enters no accept queue. */
static void joined(void **state)
{
	struct tcptrace_record del = queues(server_rec(TCPTRACE_SYNQ_DEL, 1), 0, 0);

	(void)state;
	rig_listen(4, 4096);
	synq_add(1, 1, 0);
	state_of(server_rec(0, 1), SK(1), TCP_S_LISTEN, TCP_S_SYN_RECV);
	del.sk = SK(1);
	del.cause = TCPTRACE_SYNQ_ESTABLISHED;
	rig_feed(del);
	state_of(server_rec(0, 1), SK(1), TCP_S_SYN_RECV, TCP_S_ESTABLISHED);
	assert_int_equal(listener()->synq.now, 0);
	assert_int_equal(listener()->causes[TCPTRACE_SYNQ_ESTABLISHED], 1);
	assert_int_equal(listener()->acceptq.now, 0);
	assert_int_equal(listener()->established, 0);
	assert_int_equal(nth(TCPTRACE_STATE, 2)->ev.conn, nth(TCPTRACE_SYNQ_ADD, 0)->ev.conn);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, rig_up, rig_down)
	const struct CMUnitTest tests[] = {
		CASE(overflow), CASE(joined), CASE(ack_refused), CASE(request_ends), CASE(young_are_some), CASE(reset_while_queued),
		CASE(aborted_while_queued), CASE(listener_closed), CASE(cookies), CASE(cookie_deduced),
		CASE(cookie_of_another), CASE(cookie_beside_a_device), CASE(cookie_twice), CASE(same_peer_again), CASE(moved_found),
		CASE(cookie_bad_at_five_minutes), CASE(fast_open), CASE(migration), CASE(migration_half_open), CASE(migration_unseen),
		CASE(prefork),
		CASE(opened_unseen),
		CASE(backlog), CASE(failed_listen), CASE(accept_of_closed), CASE(lost), CASE(eviction), CASE(wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
