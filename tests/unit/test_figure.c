// SPDX-License-Identifier: GPL-2.0-only
/* The model: what a number rests on. One that rests on what was not seen is unknown, never 0. */
#include "model_rig.h"

#include "../../user/model/figure.h"

#define SEEN(event, how)	((uint64_t)(how) << TCPTRACE_SEEN_SHIFT(TCPTRACE_##event))
#define ALL_BUT(event)		(~SEEN(event, 3))

static const struct listener *listener(void)
{
	return model_listener(rig.m, 0);
}

static void observe(uint64_t seen, uint32_t only)
{
	struct tcptrace_record rec = { .event = TCPTRACE_OBSERVED, .arg = seen, .req = only, .t_ns = rig.t };

	rig_feed(rec);
}

/* A profile without transitions leaves holes in each chain: that is no loss. */
static void broken_chain(void **state)
{
	(void)state;
	rig_listen(128, 4096);
	observe(ALL_BUT(STATE), 0);
	synq_add(1, 1, 0);
	state_of(server_rec(0, 1), SK(1), TCP_S_SYN_RECV, TCP_S_ESTABLISHED);
	assert_int_equal(model_totals(rig.m)->illegal, 0);
	observe(~0ull, 0);
	synq_add(2, 1, 0);
	state_of(server_rec(0, 2), SK(2), TCP_S_SYN_RECV, TCP_S_ESTABLISHED);
	assert_int_equal(model_totals(rig.m)->illegal, 1);
}

static enum known known(enum figure f)
{
	return figure_known(rig.m, listener(), f);
}

static void everything(void **state)
{
	unsigned int f;

	(void)state;
	rig_listen(128, 4096);
	handshake(1, 1);
	for (f = 0; f < FIGURE_MAX; f++)
		assert_int_equal(known(f), KNOWN_EXACTLY);
}

static void each_its_events(void **state)
{
	(void)state;
	rig_listen(128, 4096);
	handshake(1, 1);
	model_until(rig.m, rig.t += 1100 * MS);
	observe(ALL_BUT(ACCEPTQ_DEL), 0);
	assert_int_equal(known(FIGURE_ACCEPTED), KNOWN_NOT);
	assert_int_equal(known(FIGURE_ACCEPTQ_WAIT), KNOWN_NOT);
	assert_int_equal(known(FIGURE_ACCEPTQ_FULL), KNOWN_NOT);
	assert_int_equal(known(FIGURE_ACCEPTQ_OLDEST), KNOWN_NOT);
	assert_int_equal(known(FIGURE_ACCEPTQ_NOW), KNOWN_NOT);
	assert_int_equal(known(FIGURE_SYNQ_NOW), KNOWN_EXACTLY);
	assert_int_equal(known(FIGURE_ESTABLISHED), KNOWN_EXACTLY);
	assert_int_equal(known(FIGURE_SYNQ_WAIT), KNOWN_EXACTLY);
	observe(ALL_BUT(DROP), 0);
	assert_int_equal(known(FIGURE_REFUSED), KNOWN_NOT);
	assert_int_equal(known(FIGURE_GHOSTS), KNOWN_NOT);
	observe(ALL_BUT(ACCEPTQ_ADD) & ALL_BUT(SYNQ_ADD), 0);
	assert_int_equal(known(FIGURE_ACCEPTQ_PEAK), KNOWN_LEAST);	/* other records have lengths, too */
	assert_int_equal(known(FIGURE_ESTABLISHED), KNOWN_NOT);
	/* a wait in the SYN queue ends with its way out, or with the way into the next */
	observe(ALL_BUT(SYNQ_DEL), 0);
	assert_int_equal(known(FIGURE_SYNQ_WAIT), KNOWN_EXACTLY);
	assert_int_equal(known(FIGURE_EXPIRED), KNOWN_NOT);
	assert_int_equal(known(FIGURE_SYNQ_OUT), KNOWN_NOT);
	/* but who has gone otherwise seems to be in it still */
	assert_int_equal(known(FIGURE_SYNQ_NOW), KNOWN_NOT);
	assert_int_equal(known(FIGURE_SYNQ_FULL), KNOWN_NOT);
	assert_int_equal(known(FIGURE_SYNQ_OLDEST), KNOWN_NOT);
	assert_int_equal(known(FIGURE_ACCEPTQ_NOW), KNOWN_EXACTLY);
	observe(ALL_BUT(SYNQ_ADD), 0);
	assert_int_equal(known(FIGURE_SYNQ_NOW), KNOWN_NOT);
	observe(ALL_BUT(SYNQ_DEL) & ALL_BUT(ACCEPTQ_ADD), 0);
	assert_int_equal(known(FIGURE_SYNQ_WAIT), KNOWN_NOT);
}

static void lower_bounds(void **state)
{
	struct tcptrace_record lost = { .event = TCPTRACE_LOST, .new = TCPTRACE_DROP, .arg = 3 };
	struct tcptrace_record rec = by(queues(listener_rec(TCPTRACE_LISTEN), 0, 1), SERVER, 3);

	(void)state;
	rig_listen(128, 4096);
	observe(ALL_BUT(SYNQ_DEL) | SEEN(SYNQ_DEL, TCPTRACE_SEEN_SAMPLED), 0);
	assert_int_equal(known(FIGURE_EXPIRED), KNOWN_LEAST);
	observe(~0ull, TCPTRACE_ONLY_RPORTS);
	assert_int_equal(known(FIGURE_ESTABLISHED), KNOWN_LEAST);
	assert_int_equal(known(FIGURE_ACCEPTQ_PEAK), KNOWN_LEAST);	/* the kernel's own, at the steps of some */
	assert_int_equal(known(FIGURE_ACCEPTQ_WAIT), KNOWN_LEAST);
	assert_int_equal(known(FIGURE_ACCEPTQ_FULL), KNOWN_NOT);
	handshake(1, 1);
	model_until(rig.m, rig.t += 1100 * MS);
	assert_int_equal(known(FIGURE_ACCEPTQ_NOW), KNOWN_NOT);
	observe(~0ull, TCPTRACE_ONLY_LPORTS | TCPTRACE_ONLY_NETNS);
	assert_int_equal(known(FIGURE_ACCEPTQ_NOW), KNOWN_EXACTLY);
	assert_int_equal(known(FIGURE_ESTABLISHED), KNOWN_EXACTLY);
	/* -p: whoever calls accept() on a listener that one of them has */
	observe(ALL_BUT(ACCEPTQ_DEL) | SEEN(ACCEPTQ_DEL, TCPTRACE_SEEN_DEDUCED), TCPTRACE_ONLY_PIDS);
	assert_int_equal(known(FIGURE_ACCEPTED), KNOWN_EXACTLY);
	assert_int_equal(known(FIGURE_ACCEPT_ERRORS), KNOWN_EXACTLY);
	/* but of one that another had before there may be more of all */
	observe(~0ull, TCPTRACE_ONLY_PIDS);
	rec.lport++;
	rec.sk = rec.listener = LSK + 64;
	rig_feed(rec);
	assert_int_equal(figure_known(rig.m, model_listener(rig.m, 1), FIGURE_ACCEPTED), KNOWN_LEAST);
	assert_int_equal(figure_known(rig.m, model_listener(rig.m, 1), FIGURE_ACCEPTQ_PEAK), KNOWN_LEAST);
	rec.event = TCPTRACE_EXISTS;
	rec.new = TCP_S_LISTEN;
	rig_feed(rec);
	assert_int_equal(figure_known(rig.m, model_listener(rig.m, 1), FIGURE_ACCEPTED), KNOWN_EXACTLY);
	/* not of one whose begin came, where a profile asks for no transitions but a listener's own */
	observe(ALL_BUT(STATE), TCPTRACE_ONLY_PIDS);
	rec = by(queues(listener_rec(TCPTRACE_STATE), 0, 1), SERVER, 3);
	rec.old = TCP_S_CLOSE;
	rec.new = TCP_S_LISTEN;
	rec.lport += 2;
	rec.sk = rec.listener = LSK + 128;
	rig_feed(rec);
	assert_int_equal(figure_known(rig.m, model_listener(rig.m, 2), FIGURE_ACCEPTED), KNOWN_EXACTLY);
	observe(~0ull, 0);
	rig_feed(lost);
	assert_int_equal(known(FIGURE_REFUSED), KNOWN_LEAST);
	assert_int_equal(known(FIGURE_ACCEPTED), KNOWN_EXACTLY);
}

/* What has no hook is read off other events: it is lost with these. */
static void lost_with_others(void **state)
{
	const uint64_t deduced = ALL_BUT(ACCEPTQ_DEL) | SEEN(ACCEPTQ_DEL, TCPTRACE_SEEN_DEDUCED);

	(void)state;
	rig_listen(128, 4096);
	rig_feed((struct tcptrace_record){ .event = TCPTRACE_LOST, .new = TCPTRACE_ACCEPT, .arg = 3 });
	assert_int_equal(known(FIGURE_ACCEPTED), KNOWN_EXACTLY);
	observe(deduced, 0);
	assert_int_equal(known(FIGURE_ACCEPTED), KNOWN_LEAST);
	assert_int_equal(known(FIGURE_ACCEPTQ_WAIT), KNOWN_LEAST);
}

/* Who listened when records were lost may lack some of them; who began later lacks none. */
static void incomplete(void **state)
{
	struct tcptrace_record later = listener_rec(0);
	const struct listener *l;

	(void)state;
	rig_listen(128, 4096);
	assert_false(listener_incomplete(rig.m, listener()));
	rig_feed((struct tcptrace_record){ .event = TCPTRACE_LOST, .new = TCPTRACE_DROP, .arg = 3 });
	assert_true(listener_incomplete(rig.m, listener()));
	later.sk = later.listener = LSK + 64;
	later.lport++;
	state_of(later, later.sk, TCP_S_CLOSE, TCP_S_LISTEN);
	l = model_listener(rig.m, 1);
	assert_false(listener_incomplete(rig.m, l));
	assert_int_equal(figure_known(rig.m, l, FIGURE_REFUSED), KNOWN_EXACTLY);
	rig_feed((struct tcptrace_record){ .event = TCPTRACE_LOST, .new = TCPTRACE_DROP, .arg = 1 });
	assert_true(listener_incomplete(rig.m, l));
	assert_int_equal(figure_known(rig.m, l, FIGURE_REFUSED), KNOWN_LEAST);
}

/* Who waits for how long: nobody, since when it came, at least since it was found, or that is unknown. */
static void the_oldest(void **state)
{
	struct tcptrace_record rec = { .event = TCPTRACE_SNAPSHOT };

	(void)state;
	rig_feed(rec);
	rec = queues(listener_rec(TCPTRACE_EXISTS), 0, 1);
	rec.new = TCP_S_LISTEN;
	rig_feed(rec);
	assert_int_equal(known(FIGURE_ACCEPTQ_NOW), KNOWN_EXACTLY);
	assert_int_equal(known(FIGURE_ACCEPTQ_OLDEST), KNOWN_NOT);	/* one waits that we know nothing of */
	rec = server_rec(TCPTRACE_EXISTS, 1);
	rec.sk = SK(1);
	rec.listener = LSK;
	rec.new = TCP_S_ESTABLISHED;
	rec.flags |= TCPTRACE_F_QUEUED;
	rig_feed(rec);
	assert_int_equal(known(FIGURE_ACCEPTQ_OLDEST), KNOWN_NOT);	/* found just now */
	rec = (struct tcptrace_record){ .event = TCPTRACE_SNAPSHOT, .flags = TCPTRACE_F_END };
	rig_feed(rec);
	model_until(rig.m, rig.t + 500 * MS);
	assert_int_equal(known(FIGURE_ACCEPTQ_OLDEST), KNOWN_LEAST);
	assert_in_range(model_oldest_wait(rig.m, &listener()->acceptq), 500 * MS, 501 * MS);
	accept_by(1, SERVER, 0, 0, 0);
	assert_int_equal(known(FIGURE_ACCEPTQ_OLDEST), KNOWN_EXACTLY);
	assert_int_equal(model_oldest_wait(rig.m, &listener()->acceptq), 0);
	handshake(2, 1);
	model_until(rig.m, rig.t + 700 * MS);
	assert_int_equal(known(FIGURE_ACCEPTQ_OLDEST), KNOWN_EXACTLY);
	state_of(listener_rec(0), LSK, TCP_S_LISTEN, TCP_S_CLOSE);	/* it waits there no more, moved or reset */
	assert_int_equal(listener()->acceptq.now, 1);
	assert_int_equal(known(FIGURE_ACCEPTQ_NOW), KNOWN_NOT);
	assert_int_equal(known(FIGURE_ACCEPTQ_OLDEST), KNOWN_NOT);
}

/* One was served at once and four hang: the median is theirs. */
static void waits_that_go_on(void **state)
{
	struct hist waits;
	unsigned int i;

	(void)state;
	rig_listen(128, 4096);
	handshake(1, 1);
	accept_by(1, SERVER, 0, 0, 0);
	for (i = 2; i <= 5; i++)
		handshake(i, i - 1);
	model_until(rig.m, rig.t + 3000 * MS);
	assert_true(listener()->in_acceptq.max < MS);
	assert_int_equal(model_acceptq_waits(rig.m, listener(), &waits), 4);
	assert_int_equal(waits.count, 5);
	assert_true(hist_quantile(&waits, 500) >= 3000 * MS);
	assert_int_equal(listener()->in_acceptq.count, 1);
	observe(~0ull & ~(1ull << TCPTRACE_SEEN_SHIFT(TCPTRACE_ACCEPTQ_DEL)), 0);
	/* one was taken and nobody saw it: the others waited until the kernel told its length, since then who knows */
	state_of(server_rec(0, 2), SK(2), TCP_S_ESTABLISHED, TCP_S_FIN_WAIT1);
	assert_int_equal(listener()->unseen, 1);
	assert_int_equal(known(FIGURE_ACCEPTQ_OLDEST), KNOWN_LEAST);
	assert_in_range(model_oldest_wait(rig.m, &listener()->acceptq), 1, MS);
	synq_add(9, 1, 3);
	assert_true(model_oldest_wait(rig.m, &listener()->acceptq) > 10 * 1000);
}

/* -x -p of one who got a listener from another process: his listen() is not its begin. */
static void given_to_us(void **state)
{
	struct tcptrace_record rec = by(queues(listener_rec(TCPTRACE_LISTEN), 0, 1), SERVER, 3);

	(void)state;
	rig_feed((struct tcptrace_record){ .event = TCPTRACE_SNAPSHOT });
	observe(ALL_BUT(STATE), TCPTRACE_ONLY_PIDS);
	rig_feed(rec);
	assert_int_equal(known(FIGURE_REFUSED), KNOWN_LEAST);
	assert_int_equal(listener()->born_ns, 0);
	assert_int_equal(listener()->backlog, rec.backlog);
}

/* Whether it is open still, and how many took from it, is known where all of that would be told. */
static void still_open(void **state)
{
	const uint64_t accepts = SEEN(ACCEPT, TCPTRACE_SEEN_EXACTLY), drops = SEEN(DROP, TCPTRACE_SEEN_EXACTLY);

	(void)state;
	rig_listen(128, 4096);
	assert_true(listener_open_known(rig.m, listener()));
	observe(drops | SEEN(LISTEN, TCPTRACE_SEEN_EXACTLY), 0);
	assert_true(listener_open_known(rig.m, listener()));
	observe(accepts, 0);
	assert_false(listener_open_known(rig.m, listener()));
	assert_int_equal(known(FIGURE_ACCEPTORS), KNOWN_EXACTLY);
	observe(~0ull, TCPTRACE_ONLY_RPORTS);
	assert_false(listener_open_known(rig.m, listener()));
	assert_int_equal(known(FIGURE_ACCEPTORS), KNOWN_LEAST);
	observe(~0ull, 0);
	handshake(1, 1);
	observe(~0ull, TCPTRACE_ONLY_LPORTS);
	assert_true(listener_open_known(rig.m, listener()));
}

static void keys(void **state)
{
	unsigned int f;

	(void)state;
	for (f = 0; f < FIGURE_MAX; f++)
		assert_true(figure_key(f)[0] != 0);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, rig_up, rig_down)
	const struct CMUnitTest tests[] = {
		CASE(everything), CASE(each_its_events), CASE(lower_bounds), CASE(lost_with_others), CASE(incomplete), CASE(the_oldest), CASE(waits_that_go_on),
		CASE(given_to_us), CASE(still_open), CASE(keys), CASE(broken_chain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
