// SPDX-License-Identifier: GPL-2.0-only
/* The model: what was there before us, records that arrive after a younger snapshot, and sweeps. */
#include "model_rig.h"

#include "../../user/model/figure.h"

static const struct listener *listener(void)
{
	return model_listener(rig.m, 0);
}

static void snapshot(bool end, uint32_t netns)
{
	struct tcptrace_record rec = { .event = TCPTRACE_SNAPSHOT, .netns = netns };

	rec.flags = end ? TCPTRACE_F_END : 0;
	rig_feed(rec);
}

static void exists(struct tcptrace_record rec, uint64_t sk, uint8_t state, uint8_t flags)
{
	rec.event = TCPTRACE_EXISTS;
	rec.sk = sk;
	rec.new = state;
	rec.flags |= flags;
	rig_feed(rec);
}

static void exists_listener(uint32_t synq, uint32_t acceptq)
{
	exists(queues(listener_rec(0), synq, acceptq), LSK, TCP_S_LISTEN, 0);
}

/* A whole snapshot: one listener, nothing else. */
static void only_listener(struct tcptrace_record rec)
{
	snapshot(false, 0);
	exists(rec, LSK, TCP_S_LISTEN, 0);
	snapshot(true, 0);
}

static void exists_request(unsigned int i)
{
	struct tcptrace_record rec = server_rec(0, i);

	rec.listener = LSK;
	exists(rec, RQ(i), TCP_S_NEW_SYN_RECV, TCPTRACE_F_REQUEST);
}

/* Who believes that it is connected has no socket here, and comes again by its data. */
static void refused_cookie(void **state)
{
	(void)state;
	rig_listen(1, 4096);
	for (unsigned int i = 0; i < 2; i++) {
		rig_feed(queues(server_rec(TCPTRACE_COOKIE_OK, 4), 2, 2));
		drop(4, TCPTRACE_DROP_ACCEPTQ_COOKIE, 0, 2, 2);
		only_listener(queues(listener_rec(0), 2, 2));
	}
	assert_int_equal(listener()->ghosts, 1);
	acceptq_add(4, TCPTRACE_ACCEPTQ_COOKIE, 2, 2);
	assert_int_equal(listener()->ghosts, 0);
}

/* A list was made between the way in and the return that reports it. */
static void found_on_its_way(void **state)
{
	(void)state;
	rig_listen(8, 4096);
	snapshot(false, 0);
	exists_listener(0, 1);
	exists(server_rec(0, 1), SK(1), TCP_S_ESTABLISHED, TCPTRACE_F_QUEUED);
	acceptq_add(1, TCPTRACE_ACCEPTQ_HANDSHAKE, 0, 1);
	snapshot(true, 0);
	assert_int_equal(listener()->established, 1);
	assert_int_equal(listener()->acceptq.known, 1);
	acceptq_add(1, TCPTRACE_ACCEPTQ_HANDSHAKE, 0, 1);
	assert_int_equal(listener()->established, 1);
	accept_by(1, SERVER, 0, 0, 0);
	assert_int_equal(listener()->acceptq.known, 0);
	assert_int_equal(listener()->in_acceptq.open, 0);
}

/* A server with two processes, an open connection, one that waits, a request, a TIME_WAIT. */
static void seeded(void **state)
{
	(void)state;
	snapshot(false, 0);
	exists(by(listener_rec(0), SERVER, 3), LSK, TCP_S_LISTEN, 0);
	exists(by(listener_rec(0), SERVER + 1, 3), LSK, TCP_S_LISTEN, 0);
	exists(by(server_rec(0, 1), SERVER + 1, 8), SK(1), TCP_S_ESTABLISHED, 0);
	exists_listener(1, 1);
	exists(server_rec(0, 1), SK(1), TCP_S_ESTABLISHED, 0);
	exists(server_rec(0, 2), SK(2), TCP_S_ESTABLISHED, TCPTRACE_F_QUEUED);
	exists_request(3);
	exists(server_rec(0, 4), TW(4), TCP_S_TIME_WAIT, TCPTRACE_F_TIMEWAIT);
	snapshot(true, 0);
	assert_int_equal(count(TCPTRACE_EXISTS), 5);
	assert_int_equal(rig.n, 5);
	assert_int_equal(rig.seen[0].pid, SERVER);
	assert_int_equal(rig.seen[1].pid, SERVER + 1);
	assert_int_equal(rig.seen[1].fd, 8);
	assert_int_equal(rig.seen[3].ev.conn, 3);
	assert_int_equal(listener()->opener.pid, SERVER);
	assert_int_equal(listener()->born_ns, 0);
	assert_int_equal(listener()->acceptq.known, 1);
	assert_int_equal(listener()->synq.known, 1);
	assert_false(listener()->backlog_known);
	assert_int_equal(listener()->backlog, -1);
	assert_int_equal(model_totals(rig.m)->conns_now, 4);
	assert_true(model_oldest_wait(rig.m, &listener()->acceptq) > 0);
	/* life goes on */
	synq_del(3, TCPTRACE_SYNQ_ESTABLISHED, 0, 1);
	acceptq_add(3, TCPTRACE_ACCEPTQ_HANDSHAKE, 0, 2);
	assert_int_equal(rig.seen[rig.n - 1].ev.conn, 3);
	assert_false(nth(TCPTRACE_SYNQ_DEL, 0)->ev.has_dur);
	accept_by(2, SERVER, 0, 0, 1);		/* blocked in accept() since before us */
	assert_false(nth(TCPTRACE_ACCEPTQ_DEL, 0)->ev.has_dur);
	assert_false(nth(TCPTRACE_ACCEPT, 0)->ev.has_dur);
	assert_int_equal(nth(TCPTRACE_ACCEPT, 0)->ev.conn, 2);
	state_of(server_rec(0, 1), SK(1), TCP_S_ESTABLISHED, TCP_S_CLOSE_WAIT);
	assert_int_equal(rig.seen[rig.n - 1].pid, SERVER + 1);
	assert_false(rig.seen[rig.n - 1].ev.has_dur);
	assert_int_equal(listener()->in_synq.count, 0);
	assert_int_equal(listener()->in_acceptq.count, 1);	/* so long at least as we know it */
	assert_int_equal(listener()->in_acceptq.open, 1);
	assert_int_equal(model_totals(rig.m)->illegal, 0);
}

/* Attach in the middle without a snapshot: whoever is named is made. */
static void unseeded(void **state)
{
	(void)state;
	synq_del(1, TCPTRACE_SYNQ_ESTABLISHED, 0, 0);
	acceptq_add(1, TCPTRACE_ACCEPTQ_HANDSHAKE, 0, 1);
	state_of(server_rec(0, 2), SK(2), TCP_S_SYN_RECV, TCP_S_ESTABLISHED);
	accept_by(3, SERVER, 7, 0, 0);
	acceptq_del(4, TCPTRACE_ACCEPTQ_ACCEPTED, 0, 0);
	accept_by(4, SERVER, 7, 0, 0);
	destroy(server_rec(0, 9), SK(9));
	assert_string_equal(story(0), "synq-del acceptq-add state:3>1 accept acceptq-del accept destroy");
	assert_int_equal(rig.seen[1].ev.conn, 1);
	assert_int_equal(rig.seen[5].ev.conn, rig.seen[4].ev.conn);
	assert_int_equal(rig.seen[6].ev.conn, 0);
	assert_int_equal(listener()->born_ns, 0);
	assert_true(listener()->open);
	assert_int_equal(model_totals(rig.m)->illegal, 0);
}

/* The snapshot is read before the ring is: records of what it already knows come later. */
static void older_records(void **state)
{
	uint64_t now;

	(void)state;
	rig.t += 1000 * MS;
	snapshot(false, 0);
	exists_listener(1, 1);
	exists(by(server_rec(0, 1), SERVER, 5), SK(1), TCP_S_CLOSE_WAIT, 0);
	exists(server_rec(0, 2), SK(2), TCP_S_ESTABLISHED, TCPTRACE_F_QUEUED);
	exists_request(3);
	now = rig.t;
	rig.t -= 500 * MS;
	state_of(listener_rec(0), LSK, TCP_S_CLOSE, TCP_S_LISTEN);
	handshake(1, 1);
	accept_by(1, SERVER, 0, 0, 0);
	state_of(server_rec(0, 1), SK(1), TCP_S_ESTABLISHED, TCP_S_CLOSE_WAIT);
	handshake(2, 1);
	synq_add(3, 1, 1);
	rig.t = now;
	snapshot(true, 0);
	assert_null(model_listener(rig.m, 1));
	assert_int_equal(model_totals(rig.m)->conns_now, 3);
	assert_int_equal(model_totals(rig.m)->illegal, 0);
	assert_int_equal(listener()->established, 2);
	assert_int_equal(listener()->accepted, 1);
	assert_int_equal(listener()->acceptq.known, 1);
	assert_int_equal(listener()->synq.known, 1);
	assert_true(nth(TCPTRACE_ACCEPTQ_DEL, 0)->ev.has_dur);
	assert_int_equal(nth(TCPTRACE_ACCEPTQ_ADD, 1)->ev.conn, 2);
	assert_int_equal(count(TCPTRACE_EXISTS), 4);
	synq_del(3, TCPTRACE_SYNQ_EXPIRED, 0, 1);
	assert_true(rig.seen[rig.n - 1].ev.has_dur);
}

/* So do those of a server that began to listen meanwhile: it is one listener, whatever of its begin is seen. */
static void begun_before_it(void **state)
{
	struct tcptrace_record begin = by(listener_rec(TCPTRACE_SOCKET), SERVER, -1);
	uint64_t now;

	(void)state;
	rig.t += 1000 * MS;
	only_listener(queues(by(listener_rec(0), SERVER, 3), 0, 1));
	now = rig.t;
	rig.t -= 500 * MS;
	begin.ret = 3;
	begin.lport = 0;
	rig_feed(begin);
	rig_feed(by(listener_rec(TCPTRACE_BIND), SERVER, 3));
	rig_listen(128, 4096);
	rig_feed(queues(listener_rec(TCPTRACE_LISTEN), 0, 0));
	assert_int_equal(listener()->acceptq.now, 1);	/* lengths are the younger ones */
	handshake(1, 1);
	assert_null(model_listener(rig.m, 1));
	assert_true(listener()->open);
	assert_int_equal(listener()->opener.pid, SERVER);
	assert_true(listener()->backlog_known);
	assert_int_equal(model_totals(rig.m)->conns_now, 1);
	/* one that is younger is of another socket */
	rig.t = now + 1000 * MS;
	rig_feed(by(listener_rec(TCPTRACE_BIND), SERVER + 1, 3));
	assert_false(listener()->open);
	assert_false(listener()->close_seen);	/* by then: when, nobody saw */
}

/* A sweep meets a request between its way into the queue and its SYN-ACK: it is one and did not expire. */
static void before_its_synack(void **state)
{
	(void)state;
	rig_listen(128, 4096);
	rig.t += MS;
	snapshot(false, 0);
	exists_listener(1, 0);
	exists_request(1);
	snapshot(true, 0);
	rig.t += MS;
	synq_add(1, 1, 0);
	assert_int_equal(count(TCPTRACE_SYNQ_DEL), 0);
	assert_int_equal(listener()->synq.known, 1);
	assert_int_equal(model_totals(rig.m)->conns_now, 1);
	/* much later it is another one: the first has ended, and only a sweep could have told */
	rig.t += 1000 * MS;
	snapshot(false, 0);
	exists_listener(1, 0);
	exists_request(2);
	snapshot(true, 0);
	rig.t += 1000 * MS;
	synq_add(2, 1, 0);
	assert_int_equal(rig.seen[rig.n - 2].ev.event, TCPTRACE_SYNQ_DEL);
}

/* A sweep finds what ended untold: request, queued, open conn; of its namespace only. */
static void sweep(void **state)
{
	struct tcptrace_record other;
	unsigned int i, from;

	(void)state;
	rig_listen(128, 4096);
	for (i = 1; i <= 4; i++)
		handshake(i, i);
	for (i = 5; i <= 7; i++)
		synq_add(i, i - 4, 4);
	accept_by(4, SERVER, 0, 0, 3);
	other = server_rec(0, 9);
	other.netns = 8;
	state_of(other, SK(9), TCP_S_SYN_SENT, TCP_S_ESTABLISHED);
	state_of(server_rec(0, 3), SK(3), TCP_S_ESTABLISHED, TCP_S_CLOSE);	/* reset while it waits */
	rig.t += 2000 * MS;
	from = rig.n;
	snapshot(false, 7);
	exists(by(server_rec(0, 1), SERVER, 5), SK(1), TCP_S_ESTABLISHED, 0);	/* its accept was lost */
	exists_listener(1, 2);
	exists(server_rec(0, 2), SK(2), TCP_S_ESTABLISHED, TCPTRACE_F_QUEUED);
	exists_request(5);
	synq_add(8, 2, 2);			/* younger than the snapshot */
	snapshot(true, 7);
	assert_string_equal(story(from), "synq-add acceptq-del synq-del synq-del");
	for (i = from + 1; i < rig.n; i++)
		assert_true(rig.seen[i].ev.flags & TCPTRACE_F_SAMPLED);
	assert_int_equal(rig.seen[from + 1].ev.cause, TCPTRACE_ACCEPTQ_ACCEPTED);
	assert_int_equal(rig.seen[from + 1].ev.conn, 1);
	assert_int_equal(rig.seen[from + 2].ev.cause, TCPTRACE_SYNQ_OTHER);
	assert_int_equal(rig.seen[from + 2].rec.rport, 40006);
	assert_int_equal(listener()->acceptq.known, 2);		/* 2, and 3 that is reset */
	assert_int_equal(listener()->synq.known, 2);		/* 5 and 8 */
	assert_int_equal(model_totals(rig.m)->conns_now, 6);	/* 1 2 3 5 8 and 9; 4 is no more */
	synq_del(6, TCPTRACE_SYNQ_EXPIRED, 0, 0);		/* told after all */
	assert_int_equal(rig.n, from + 4);
	/* the queue is empty: the reset one was taken too */
	snapshot(false, 0);
	exists_listener(0, 0);
	snapshot(true, 0);
	assert_int_equal(listener()->acceptq.known, 0);
	assert_int_equal(listener()->causes[TCPTRACE_ACCEPTQ_RESET], 1);
	assert_int_equal(model_totals(rig.m)->conns_now, 0);
	/* nor is there a listener */
	rig.t += MS;
	synq_add(11, 1, 0);
	rig.t += MS;
	snapshot(false, 0);
	snapshot(true, 0);
	assert_false(listener()->open);
	assert_int_equal(rig.seen[rig.n - 1].ev.cause, TCPTRACE_SYNQ_LISTENER_CLOSED);
}

/* The kernel's length came with the sweep that found a request gone: it is not taken off twice. */
static void swept_once(void **state)
{
	unsigned int i;

	(void)state;
	rig_listen(128, 4096);
	for (i = 1; i <= 5; i++)
		synq_add(i, i, 0);
	rig.t += MS;
	snapshot(false, 0);
	exists_listener(4, 0);			/* the first has expired before */
	for (i = 2; i <= 4; i++)
		exists_request(i);		/* the last did between the two */
	snapshot(true, 0);
	assert_int_equal(count(TCPTRACE_SYNQ_DEL), 2);
	assert_int_equal(nth(TCPTRACE_SYNQ_DEL, 0)->ev.synq, 4);
	assert_int_equal(nth(TCPTRACE_SYNQ_DEL, 1)->ev.synq, 3);
	assert_int_equal(listener()->synq.now, 3);
	assert_int_equal(listener()->synq.known, 3);
	/* the same for the other queue, whose way out the snapshot tells by the socket that accept() made */
	handshake(8, 1);
	handshake(9, 2);
	rig.t += MS;
	snapshot(false, 0);
	exists_listener(3, 1);
	for (i = 2; i <= 4; i++)
		exists_request(i);
	exists(server_rec(0, 8), SK(8), TCP_S_ESTABLISHED, 0);
	exists(server_rec(0, 9), SK(9), TCP_S_ESTABLISHED, TCPTRACE_F_QUEUED);
	snapshot(true, 0);
	assert_int_equal(listener()->acceptq.now, 1);
	assert_int_equal(listener()->acceptq.known, 1);
	assert_int_equal(listener()->acceptq.oldest->rport, 40009);
	assert_int_equal(listener()->accepted, 1);
	assert_int_equal(listener()->unseen, 1);
	assert_int_equal(listener()->in_acceptq.count, 0);
}

/* Gone long before a timer can have fired: not expired. The kernel counted a drop that no record told: ICMP. */
static void too_young_to_expire(void **state)
{
	struct tcptrace_record rec;

	(void)state;
	rig_listen(128, 4096);
	synq_add(1, 1, 0);
	synq_add(2, 2, 0);
	rig.t += 100 * MS;
	rec = queues(listener_rec(0), 0, 0);
	rec.drops = 1;
	only_listener(rec);
	assert_int_equal(count(TCPTRACE_SYNQ_DEL), 2);
	assert_int_equal(nth(TCPTRACE_SYNQ_DEL, 0)->ev.cause, TCPTRACE_SYNQ_OTHER);
	assert_int_equal(nth(TCPTRACE_SYNQ_DEL, 1)->ev.cause, TCPTRACE_SYNQ_OTHER);
	assert_int_equal(ledger_of(&rig.ledger, 7)[LEDGER_LISTEN_DROPS], 1);
	assert_int_equal(ledger_of(&rig.ledger, 7)[LEDGER_TIMEOUTS], 0);
	assert_int_equal(listener()->drops_unseen, 0);
	/* nor did these die with their listener, whose SYN queue was empty then */
	synq_add(3, 1, 0);
	state_of(queues(listener_rec(0), 0, 0), LSK, TCP_S_LISTEN, TCP_S_CLOSE);
	assert_string_equal(story(rig.n - 2), "synq-del state:10>7");
	assert_int_equal(nth(TCPTRACE_SYNQ_DEL, 2)->ev.cause, TCPTRACE_SYNQ_OTHER);
	assert_int_equal(model_totals(rig.m)->conns_now, 0);
}

static void synack_again(void)
{
	struct tcptrace_record rec = queues(server_rec(TCPTRACE_SYNACK_RETRANS, 1), 1, 0);

	rec.sk = RQ(1);
	rec.flags |= TCPTRACE_F_REQUEST;
	rig_feed(rec);
}

static void gone_after_a_second(bool again, unsigned int cause)
{
	rig_listen(128, 4096);
	synq_add(1, 1, 0);
	rig.t += 1000 * MS;
	if (again)
		synack_again();
	only_listener(queues(listener_rec(0), 0, 0));
	assert_int_equal(count(TCPTRACE_SYNQ_DEL), 1);
	assert_int_equal(nth(TCPTRACE_SYNQ_DEL, 0)->ev.cause, cause);
	assert_int_equal(nth(TCPTRACE_SYNQ_DEL, 0)->ev.counted, 0);
}

/* The timer sends the SYN-ACK again before it gives up: without that something else did (ss -K), what is not known. */
static void not_expired(void **state)
{
	gone_after_a_second(false, TCPTRACE_SYNQ_OTHER);
	rig_down(state);
	rig_up(state);
	gone_after_a_second(true, TCPTRACE_SYNQ_EXPIRED);
}

/* With a drop, which is all that the kernel counted. asks: its SYN came once more. */
static struct tcptrace_record gone_after_three(bool asks, unsigned int cause)
{
	struct tcptrace_record rec;

	rig_listen(128, 4096);
	synq_add(1, 1, 0);
	rig.t += 1000 * MS;
	synack_again();
	if (asks) {
		rig.t += 10 * MS;
		synack_again();
	}
	rig.t += 2300 * MS;
	rec = queues(listener_rec(0), 0, 0);
	rec.drops = 1;
	only_listener(rec);
	assert_int_equal(nth(TCPTRACE_SYNQ_DEL, 0)->ev.cause, cause);
	assert_int_equal(ledger_of(&rig.ledger, 7)[LEDGER_LISTEN_DROPS], cause == TCPTRACE_SYNQ_OTHER);
	assert_int_equal(listener()->drops_unseen, 0);
	return rec;
}

/* No neighbour answers for the client: that comes after 3 s, with a drop; the timer gives up after 7 s at least. */
static void host_unreachable(void **state)
{
	struct tcptrace_record rec;

	(void)state;
	rec = gone_after_three(false, TCPTRACE_SYNQ_OTHER);
	synq_add(1, 1, 0);
	rig.t += 1000 * MS;
	synack_again();
	rig.t += 6300 * MS;
	rec.drops = 2;
	rec.t_ns = 0;
	only_listener(rec);
	assert_int_equal(nth(TCPTRACE_SYNQ_DEL, 1)->ev.cause, TCPTRACE_SYNQ_EXPIRED);
	assert_int_equal(ledger_of(&rig.ledger, 7)[LEDGER_LISTEN_DROPS], 1);
	/* before a sweep has looked at the drops its address is another request's */
	synq_add(1, 1, 0);
	rig.t += 1000 * MS;
	synack_again();
	rig.t += 2300 * MS;
	synq_add(1, 1, 0);
	assert_int_equal(nth(TCPTRACE_SYNQ_DEL, 2)->ev.cause, TCPTRACE_SYNQ_OTHER);
}

/* The same SYN comes once more: it is answered at once, and counted as dropped. Who sent it is there. */
static void asked_again(void **state)
{
	(void)state;
	gone_after_three(true, TCPTRACE_SYNQ_EXPIRED);
}

static void see_all_but(uint64_t events)
{
	struct tcptrace_record rec = { .event = TCPTRACE_OBSERVED, .arg = ~0ull };

	for (unsigned int event = 0; event < TCPTRACE_EVENT_MAX; event++)
		if (events >> event & 1)
			rec.arg &= ~(3ull << TCPTRACE_SEEN_SHIFT(event));
	rig_feed(rec);
}

/* A RST for the socket of what was half-open: it had come in, and is no request that was reset. */
static void reset_when_in(void **state)
{
	struct tcptrace_record rec = server_rec(TCPTRACE_RST_RECEIVED, 1);

	(void)state;
	see_all_but(1ull << TCPTRACE_SYNQ_ADD | 1ull << TCPTRACE_SYNQ_DEL | 1ull << TCPTRACE_ACCEPTQ_ADD | 1ull << TCPTRACE_STATE);
	snapshot(false, 0);
	exists_listener(1, 0);
	exists_request(1);
	snapshot(true, 0);
	rig.t += 500 * MS;
	rec.sk = SK(1);
	rec.old = TCP_S_CLOSE_WAIT;
	rig_feed(rec);
	only_listener(queues(listener_rec(0), 0, 0));
	assert_int_equal(nth(TCPTRACE_SYNQ_DEL, 0)->ev.cause, TCPTRACE_SYNQ_ESTABLISHED);
	assert_int_equal(listener()->causes[TCPTRACE_SYNQ_RESET], 0);
}

/* By tracepoints a cookie's child is told from a request's by what came before, where that is asked for. */
static void by_what(void **state)
{
	struct tcptrace_record rec;

	(void)state;
	for (unsigned int i = 1; i <= 2; i++) {
		see_all_but(i == 1 ? 0 : 1ull << TCPTRACE_SYNQ_ADD | 1ull << TCPTRACE_COOKIE_SENT);
		rec = queues(server_rec(TCPTRACE_ACCEPTQ_ADD, i), 0, i);
		rec.cause = TCPTRACE_ACCEPTQ_HANDSHAKE;
		rec.flags |= TCPTRACE_F_INFERRED;
		rec.sk = SK(i);
		rig_feed(rec);
		assert_int_equal(nth(TCPTRACE_ACCEPTQ_ADD, i - 1)->ev.cause,
				 i == 1 ? TCPTRACE_ACCEPTQ_HANDSHAKE : TCPTRACE_CAUSE_NONE);
	}
}

/* Found half-open, sent its SYN-ACK again, found again after as long (0: not), gone by the sweep after `gone`. */
static void leaves_unseen(void **state, uint64_t found_ms, uint64_t gone_ms, bool refused, unsigned int cause)
{
	struct tcptrace_record rec = { .event = TCPTRACE_OBSERVED };

	rig_down(state);
	rig_up(state);
	rec.arg = ~(3ull << TCPTRACE_SEEN_SHIFT(TCPTRACE_SYNQ_ADD)) & ~(2ull << TCPTRACE_SEEN_SHIFT(TCPTRACE_SYNQ_DEL)) &
		  ~(3ull << TCPTRACE_SEEN_SHIFT(TCPTRACE_ACCEPTQ_ADD)) & ~(3ull << TCPTRACE_SEEN_SHIFT(TCPTRACE_STATE));
	rig_feed(rec);
	snapshot(false, 0);
	exists_listener(1, 0);
	exists_request(1);
	snapshot(true, 0);
	rig.t += 500 * MS;
	synack_again();
	if (refused)
		drop(1, TCPTRACE_DROP_ACCEPTQ_ACK, RQ(1), 1, 0);
	rig.t += found_ms * MS;
	if (found_ms) {
		snapshot(false, 0);
		exists_listener(1, 0);
		exists_request(1);
		snapshot(true, 0);
	}
	rig.t += gone_ms * MS;
	only_listener(queues(listener_rec(0), 0, 0));
	assert_int_equal(nth(TCPTRACE_SYNQ_DEL, 0)->ev.cause, cause);
	assert_int_equal(listener()->causes[TCPTRACE_SYNQ_EXPIRED], cause == TCPTRACE_SYNQ_EXPIRED);
}

/* Where nobody tells who comes in, who is gone may have, and may be closed by now. */
static void came_in_unseen(void **state)
{
	leaves_unseen(state, 1000, 1100, false, TCPTRACE_SYNQ_EXPIRED);		/* when the timer fires for the second time */
	leaves_unseen(state, 700, 700, false, TCPTRACE_CAUSE_NONE);		/* before */
	leaves_unseen(state, 0, 2100, false, TCPTRACE_CAUSE_NONE);		/* it may have answered at once */
	leaves_unseen(state, 1000, 1100, true, TCPTRACE_CAUSE_NONE);		/* it had answered, and does so again */
}

/* sk_drops rose by more than what was seen to be refused. */
static void refused_unseen(void **state)
{
	struct tcptrace_record rec;

	(void)state;
	rec = queues(listener_rec(0), 0, 3);
	rec.drops = 40;
	only_listener(rec);
	drop(1, TCPTRACE_DROP_ACCEPTQ_SYN, 0, 0, 3);
	synq_add(2, 1, 3);
	drop(2, TCPTRACE_DROP_ACCEPTQ_ACK, RQ(2), 1, 3);	/* tcp_v4_rcv() counts it, too */
	rec.drops = 43;
	rec.t_ns = 0;
	exists(rec, LSK, TCP_S_LISTEN, 0);
	assert_int_equal(listener()->drops_unseen, 0);
	rec.drops = 48;
	exists(rec, LSK, TCP_S_LISTEN, 0);
	assert_int_equal(listener()->drops_unseen, 5);
	assert_int_equal(listener()->sk_drops, 48);
}

/*
 * With TCP_DEFER_ACCEPT each third packet without data counts in sk_drops and in nothing else: a request that is gone
 * is no refusal for that.
 */
static void deferred(void **state)
{
	struct tcptrace_record rec;

	(void)state;
	rec = queues(listener_rec(0), 1, 0);
	rec.old = 2;
	only_listener(rec);
	assert_true(listener()->deferred);
	rec = queues(server_rec(TCPTRACE_SYNQ_ADD, 1), 1, 0);
	rec.sk = RQ(1);
	rec.flags |= TCPTRACE_F_REQUEST;
	rig_feed(rec);
	assert_false(listener()->deferred);	/* taken back by setsockopt() */
	rec.t_ns = 0;
	rec.rport++;
	rec.sk = RQ(2);
	rec.old = 2;
	rig_feed(rec);
	assert_true(listener()->deferred);
	rig.t += MS;
	rec = queues(listener_rec(0), 0, 0);
	rec.old = 2;
	rec.drops = 1;
	only_listener(rec);
	assert_int_equal(listener()->drops_unseen, 1);
	assert_int_equal(nth(TCPTRACE_SYNQ_DEL, 0)->ev.cause, TCPTRACE_SYNQ_OTHER);
	assert_int_equal(nth(TCPTRACE_SYNQ_DEL, 0)->ev.counted, 0);
}

/* A full table of listeners: each that found no room is counted once, however often snapshots name it. */
static void no_room(void **state)
{
	struct tcptrace_record rec;
	unsigned int i, round;

	(void)state;
	rig_limits(16, 2);
	for (round = 0; round < 3; round++) {
		snapshot(false, 0);
		for (i = 0; i < 5; i++) {
			rec = queues(listener_rec(0), 0, 0);
			exists(by(rec, SERVER, 3), LSK + i * 64, TCP_S_LISTEN, 0);
			exists(by(rec, SERVER + 1, 3), LSK + i * 64, TCP_S_LISTEN, 0);
		}
		for (i = 0; i < 5; i++)
			exists(queues(listener_rec(0), 0, 0), LSK + i * 64, TCP_S_LISTEN, 0);
		snapshot(true, 0);
		assert_int_equal(model_totals(rig.m)->listeners_unseen, 3);
	}
	state_of(listener_rec(0), LSK + 640, TCP_S_CLOSE, TCP_S_LISTEN);
	assert_int_equal(model_totals(rig.m)->listeners_unseen, 4);
	state_of(listener_rec(0), LSK + 640, TCP_S_LISTEN, TCP_S_CLOSE);
	assert_int_equal(model_totals(rig.m)->listeners_unseen, 4);
}

/* More sockets than conns: each that stays is reported once, none is evicted for the next. */
static void more_than_fit(void **state)
{
	unsigned int i, round;

	(void)state;
	rig_limits(16, 2);
	for (round = 1; round <= 2; round++) {
		snapshot(false, 0);
		for (i = 0; i < 40; i++)
			exists(by(client_rec(0, i), CLIENT, i), SK(i), TCP_S_ESTABLISHED, 0);
		for (i = 0; i < 40; i++)
			exists(client_rec(0, i), SK(i), TCP_S_ESTABLISHED, 0);
		snapshot(true, 0);
		assert_int_equal(count(TCPTRACE_EXISTS), 16);
		assert_int_equal(model_totals(rig.m)->conns_now, 16);
		assert_int_equal(model_totals(rig.m)->evicted, 24);
	}
	assert_int_equal(rig.seen[15].pid, CLIENT);
	/* what happens now makes room */
	state_of(client_rec(0, 30), SK(30), TCP_S_ESTABLISHED, TCP_S_FIN_WAIT1);
	assert_int_equal(rig.seen[rig.n - 1].ev.conn, 17);
}

/* Listeners come and go: the oldest closed ones are forgotten, and no more memory is used. */
static void many_short_ones(void **state)
{
	unsigned int i, n = 0;

	(void)state;
	rig_limits(16, 0);
	for (i = 0; i < MODEL_CLOSED + 1000; i++) {
		state_of(listener_rec(0), LSK + i * 64, TCP_S_CLOSE, TCP_S_LISTEN);
		state_of(listener_rec(0), LSK + i * 64, TCP_S_LISTEN, TCP_S_CLOSE);
		destroy(listener_rec(0), LSK + i * 64);
	}
	while (model_listener(rig.m, n))
		n++;
	assert_int_equal(n, MODEL_CLOSED);
	assert_int_equal(model_listener(rig.m, n - 1)->id, MODEL_CLOSED + 1000);
	assert_int_equal(model_totals(rig.m)->listeners_forgotten, 1000);
}

/* After a loss the snapshot's word counts where no record came since. */
static void corrects(void **state)
{
	(void)state;
	rig_listen(128, 4096);
	handshake(1, 1);
	synq_add(2, 1, 1);
	synq_add(3, 2, 1);
	snapshot(false, 0);
	exists_listener(0, 2);
	exists(server_rec(0, 1), SK(1), TCP_S_CLOSE_WAIT, TCPTRACE_F_QUEUED);
	exists(server_rec(0, 2), SK(2), TCP_S_ESTABLISHED, TCPTRACE_F_QUEUED);
	exists(server_rec(0, 3), SK(3), TCP_S_ESTABLISHED, 0);
	snapshot(true, 0);
	assert_int_equal(listener()->acceptq.known, 2);
	assert_int_equal(listener()->synq.known, 0);
	assert_int_equal(model_totals(rig.m)->conns_now, 3);
	state_of(server_rec(0, 1), SK(1), TCP_S_CLOSE_WAIT, TCP_S_LAST_ACK);
	assert_int_equal(model_totals(rig.m)->illegal, 0);
	assert_false(rig.seen[rig.n - 1].ev.has_dur);
}

/* The subflow of an MPTCP socket that was accepted, and closed before its peer did, has no socket of a program any more. */
static void taken_before(void **state)
{
	(void)state;
	rig_listen(128, 4096);
	handshake(1, 1);
	acceptq_del(1, TCPTRACE_ACCEPTQ_ACCEPTED, 0, 0);
	accept_by(1, 100, 0, 0, 0);
	handshake(2, 1);
	rig.t += MS;
	snapshot(false, 0);
	exists_listener(0, 1);
	exists(server_rec(0, 1), SK(1), TCP_S_ESTABLISHED, TCPTRACE_F_QUEUED);
	exists(server_rec(0, 2), SK(2), TCP_S_ESTABLISHED, TCPTRACE_F_QUEUED);
	snapshot(true, 0);
	assert_int_equal(listener()->acceptq.known, 1);
	assert_int_equal(listener()->accepted, 1);
}

/* Nor has that of one that connected: it was in no accept queue before it ended. */
static void never_queued(void **state)
{
	(void)state;
	state_of(client_rec(0, 1), SK(1), TCP_S_CLOSE, TCP_S_SYN_SENT);
	state_of(client_rec(0, 1), SK(1), TCP_S_SYN_SENT, TCP_S_ESTABLISHED);
	state_of(client_rec(0, 1), SK(1), TCP_S_ESTABLISHED, TCP_S_FIN_WAIT1);
	rig.t += MS;
	snapshot(false, 0);
	exists(client_rec(0, 1), SK(1), TCP_S_FIN_WAIT1, TCPTRACE_F_QUEUED);
	snapshot(true, 0);
	state_of(client_rec(0, 1), SK(1), TCP_S_FIN_WAIT1, TCP_S_CLOSE);
	destroy(client_rec(0, 1), SK(1));
	assert_int_equal(count(TCPTRACE_ACCEPTQ_DEL), 0);
}

/* Nor can it see one that was reset while it waits: where transitions are not seen it may be any. */
static void reset_unseen(void **state)
{
	struct tcptrace_record part = { .event = TCPTRACE_OBSERVED, .arg = ~(3ull << TCPTRACE_SEEN_SHIFT(TCPTRACE_STATE)) };

	(void)state;
	rig_feed(part);
	handshake(1, 1);
	rig.t += MS;
	snapshot(false, 0);
	exists_listener(0, 1);
	snapshot(true, 0);
	assert_int_equal(count(TCPTRACE_ACCEPTQ_DEL), 0);
	assert_int_equal(listener()->accepted, 0);
	/* when nobody waits it is gone */
	rig.t += MS;
	snapshot(false, 0);
	exists_listener(0, 0);
	snapshot(true, 0);
	assert_int_equal(count(TCPTRACE_ACCEPTQ_DEL), 1);
}

/* Sockets that are in no hash table stay: made but not connected. */
static void invisible(void **state)
{
	struct tcptrace_record rec = { .event = TCPTRACE_SOCKET, .sk = SK(1), .family = 4, .netns = 7 };

	(void)state;
	rig_feed(by(rec, CLIENT, 4));
	snapshot(false, 0);
	snapshot(true, 0);
	snapshot(true, 0);
	assert_int_equal(model_totals(rig.m)->conns_now, 1);
	/* TIME_WAIT belongs to no process: with -p the snapshot names none */
	state_of(client_rec(0, 2), SK(2), TCP_S_FIN_WAIT2, TCP_S_TIME_WAIT);
	destroy(client_rec(0, 2), SK(2));
	snapshot(false, 0);
	snapshot(true, 0);
	assert_int_equal(model_totals(rig.m)->conns_now, 2);
	snapshot(false, 0);
	exists(client_rec(0, 3), TW(3), TCP_S_TIME_WAIT, TCPTRACE_F_TIMEWAIT);
	snapshot(true, 0);
	assert_int_equal(model_totals(rig.m)->conns_now, 2);
	assert_int_equal(rig.seen[rig.n - 1].ev.conn, 3);
}

/* TPROXY, sk_lookup: with a filter by port the snapshot names no connection, or no listener, that has another port. */
static void another_port(void **state)
{
	struct tcptrace_record only = { .event = TCPTRACE_OBSERVED, .arg = ~0ull, .req = TCPTRACE_ONLY_LPORTS },
			       other = listener_rec(0);

	(void)state;
	only.t_ns = rig.t;
	rig_feed(only);
	/* the listener's port was asked for, not that which clients call */
	other.lport = PORT + 1;
	only_listener(queues(other, 0, 0));
	handshake(1, 1);
	only_listener(queues(other, 0, 1));
	assert_int_equal(listener()->lport, PORT + 1);
	assert_int_equal(listener()->accepted, 0);
	assert_int_equal(listener()->acceptq.known, 1);
	assert_int_equal(figure_known(rig.m, listener(), FIGURE_ACCEPTED), KNOWN_EXACTLY);
}

static void another_listener(void **state)
{
	struct tcptrace_record only = { .event = TCPTRACE_OBSERVED, .arg = ~0ull, .req = TCPTRACE_ONLY_LPORTS };

	(void)state;
	only.t_ns = rig.t;
	rig_feed(only);
	/* the other way round: of the listener nothing is told but what its connections say */
	handshake(1, 1);
	snapshot(false, 0);
	exists(server_rec(0, 1), SK(1), TCP_S_ESTABLISHED, TCPTRACE_F_QUEUED);
	snapshot(true, 0);
	assert_true(listener()->open);
	assert_int_equal(figure_known(rig.m, listener(), FIGURE_ACCEPTED), KNOWN_LEAST);
	assert_int_equal(figure_known(rig.m, listener(), FIGURE_REFUSED), KNOWN_LEAST);
	/* one that told of itself is closed when a snapshot does not name it any more */
	rig_listen(128, 4096);
	assert_int_equal(figure_known(rig.m, listener(), FIGURE_ACCEPTED), KNOWN_EXACTLY);
	snapshot(false, 0);
	exists(server_rec(0, 1), SK(1), TCP_S_ESTABLISHED, TCPTRACE_F_QUEUED);
	snapshot(true, 0);
	assert_false(listener()->open);
}

/* A request that is gone has not expired where the record that tells may have been lost. */
static void lost_end(void **state)
{
	for (int lossy = 0; lossy < 2; lossy++) {
		rig_down(state);
		rig_up(state);
		rig_listen(128, 4096);
		synq_add(1, 1, 0);
		rig.t += 2000 * MS;
		synack_again();
		if (lossy)
			rig_feed((struct tcptrace_record){ .event = TCPTRACE_LOST, .new = TCPTRACE_ACCEPTQ_ADD, .arg = 3 });
		snapshot(false, 0);
		exists_listener(0, 0);
		snapshot(true, 0);
		assert_int_equal(count(TCPTRACE_SYNQ_DEL), 1);
		assert_int_equal(nth(TCPTRACE_SYNQ_DEL, 0)->ev.cause, lossy ? TCPTRACE_CAUSE_NONE : TCPTRACE_SYNQ_EXPIRED);
		assert_int_equal(listener()->causes[TCPTRACE_SYNQ_EXPIRED], !lossy);
		assert_int_equal(listener()->causes[TCPTRACE_SYNQ_OTHER], 0);
	}
}

/* With -e drop only snapshots say who waits. Two of them were taken before the next one, which has the length, too. */
static void taken_between(void **state)
{
	(void)state;
	see_all_but(1ull << TCPTRACE_SYNQ_ADD | 1ull << TCPTRACE_SYNQ_DEL | 1ull << TCPTRACE_ACCEPTQ_ADD |
		    1ull << TCPTRACE_ACCEPTQ_DEL | 1ull << TCPTRACE_STATE);
	for (int taken = 0; taken < 2; taken++) {
		snapshot(false, 0);
		exists_listener(0, taken ? 9 : 3);
		exists(server_rec(0, 8), SK(8), TCP_S_ESTABLISHED, taken ? 0 : TCPTRACE_F_QUEUED);
		exists(server_rec(0, 9), SK(9), TCP_S_ESTABLISHED, taken ? 0 : TCPTRACE_F_QUEUED);
		snapshot(true, 0);
		rig.t += 100 * MS;
	}
	assert_int_equal(listener()->acceptq.now, 9);
}

/* With -e acceptq-add nobody tells of a RST, with -D of the end of a listener: a request that is gone need not have expired. */
static void ends_unasked(void **state)
{
	struct tcptrace_record only = { .event = TCPTRACE_OBSERVED, .arg = ~0ull, .req = TCPTRACE_ONLY_RPORTS };

	for (int ports = 0; ports < 2; ports++) {
		rig_down(state);
		rig_up(state);
		only.t_ns = 0;
		if (ports)
			rig_feed(only);
		else
			see_all_but(1ull << TCPTRACE_SYNQ_ADD | 1ull << TCPTRACE_SYNQ_DEL | 1ull << TCPTRACE_SYNACK_RETRANS);
		snapshot(false, 0);
		exists_listener(1, 0);
		exists_request(1);
		snapshot(true, 0);
		rig.t += 3000 * MS;
		only_listener(queues(listener_rec(0), 0, 0));
		assert_int_equal(nth(TCPTRACE_SYNQ_DEL, 0)->ev.cause, TCPTRACE_CAUSE_NONE);
	}
}

/* A snapshot meets it in the queue when its listener is closed already, which its way out names. */
static void found_at_the_end(void **state)
{
	struct tcptrace_record rec = server_rec(0, 8);

	(void)state;
	rig_listen(128, 4096);
	state_of(queues(listener_rec(0), 0, 1), LSK, TCP_S_LISTEN, TCP_S_CLOSE);
	rec.listener = 0;
	snapshot(false, 0);
	exists(rec, SK(8), TCP_S_ESTABLISHED, TCPTRACE_F_QUEUED);
	snapshot(true, 0);
	rec = queues(server_rec(TCPTRACE_ACCEPTQ_DEL, 8), 0, 0);
	rec.sk = SK(8);
	rec.cause = TCPTRACE_ACCEPTQ_CLOSED;
	rig_feed(rec);
	assert_int_equal(listener()->causes[TCPTRACE_ACCEPTQ_CLOSED], 1);
}

/* With -D nobody tells that a listener was closed: who waits there no more was taken, or thrown out. */
static void taken_or_not(void **state)
{
	struct tcptrace_record only = { .event = TCPTRACE_OBSERVED, .arg = ~0ull };

	for (int ports = 0; ports < 2; ports++) {
		rig_down(state);
		rig_up(state);
		only.req = ports ? TCPTRACE_ONLY_RPORTS : 0;
		only.t_ns = 0;
		rig_feed(only);
		handshake(1, 1);
		rig.t += 100 * MS;
		only_listener(queues(listener_rec(0), 0, 0));
		assert_int_equal(count(TCPTRACE_ACCEPTQ_DEL), 1);
		assert_int_equal(listener()->accepted, !ports);
		assert_int_equal(listener()->unseen, !ports);
	}
}

/* -q: shutdown() and listen() again, which may be another socket at its address. The kernel's count of drops goes on. */
static void drops_go_on(void **state)
{
	struct tcptrace_record rec = queues(listener_rec(0), 0, 0);

	(void)state;
	see_all_but(1ull << TCPTRACE_STATE | 1ull << TCPTRACE_DESTROY);
	for (int life = 0; life < 2; life++) {
		state_of(queues(listener_rec(0), 0, 0), LSK, TCP_S_CLOSE, TCP_S_LISTEN);
		for (unsigned int i = 0; !life && i < 7; i++)
			drop(i, TCPTRACE_DROP_ACCEPTQ_SYN, 0, 0, 2);
		rec.drops = 7;
		rec.t_ns = 0;
		rig.t += MS;
		only_listener(rec);
		assert_int_equal(model_listener(rig.m, life)->drops_unseen, 0);
		state_of(queues(listener_rec(0), 0, 0), LSK, TCP_S_LISTEN, TCP_S_CLOSE);
	}
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, rig_up, rig_down)
	const struct CMUnitTest tests[] = {
		CASE(found_on_its_way), CASE(seeded), CASE(refused_cookie), CASE(lost_end), CASE(unseeded), CASE(older_records), CASE(begun_before_it), CASE(before_its_synack),
		CASE(sweep), CASE(swept_once), CASE(too_young_to_expire), CASE(not_expired), CASE(host_unreachable),
		CASE(asked_again), CASE(came_in_unseen), CASE(reset_when_in), CASE(by_what),
		CASE(refused_unseen), CASE(deferred),
		CASE(no_room), CASE(more_than_fit), CASE(many_short_ones),
		CASE(corrects), CASE(taken_before), CASE(never_queued), CASE(reset_unseen), CASE(invisible), CASE(another_port), CASE(another_listener),
		CASE(taken_between), CASE(taken_or_not), CASE(drops_go_on), CASE(found_at_the_end), CASE(ends_unasked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
