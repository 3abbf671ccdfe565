// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model on records that no kernel would send: 1,000,003 of them, from few
 * addresses and ports, so that everything clashes with everything. It must not
 * crash (run under the sanitizers), and its numbers must hold together.
 */
#include "model_rig.h"

#define RECORDS	1000003u

static struct tcptrace_record hostile(uint32_t spread)
{
	struct tcptrace_record rec;
	unsigned int i;

	for (i = 0; i < sizeof(rec); i++)
		((uint8_t *)&rec)[i] = dice(256);
	if (!dice(100))
		return rec;		/* nothing about it is right */
	rec.event = dice(TCPTRACE_EVENT_MAX + 1);
	rec.t_ns = dice(50) ? rig.t += dice(1000 * 1000) : rec.t_ns;
	rec.sk = dice(20) ? 1 + dice(spread) : 0;
	rec.listener = dice(4) ? 1 + dice(8) : 0;
	rec.netns = dice(2);
	rec.flags = dice(3) ? 1u << dice(8) : dice(256);
	if (!(rec.flags & TCPTRACE_F_ACTOR))
		rec.req = dice(spread);
	memset(rec.laddr, 0, 32);
	rec.laddr[15] = dice(2);
	rec.lport = dice(8) ? 80 + dice(4) : 0;
	rec.rport = dice(8) ? 1 + dice(spread) : 0;
	rec.old = dice(14);
	rec.new = dice(14);
	rec.cause = dice(TCPTRACE_CAUSE_END + 1);
	rec.ret = dice(5) ? (int)dice(9) : -1 - (int)dice(9);
	return rec;
}

struct sums {
	uint64_t conns;
	uint32_t queued;
};

static void add_conn(void *ctx, const struct conn *c)
{
	struct sums *s = ctx;

	s->conns++;
	s->queued += c->listener && (c->in_synq || c->in_acceptq);
	assert_false(c->in_synq && c->in_acceptq);
	assert_int_not_equal(c->id, 0);
}

static uint32_t list_length(const struct queue *q)
{
	const struct conn *c, *last = NULL;
	uint32_t n = 0;

	for (c = q->oldest; c; last = c, c = c->next_q)
		n++;
	assert_ptr_equal(q->newest, last);
	assert_int_equal(n, q->known);
	return n;
}

static void holds_together(void)
{
	const struct listener *l;
	struct sums s = { 0 };
	uint32_t i, queued = 0;

	model_each_conn(rig.m, add_conn, &s);
	assert_int_equal(s.conns, model_totals(rig.m)->conns_now);
	for (i = 0; (l = model_listener(rig.m, i)); i++) {
		queued += list_length(&l->synq) + list_length(&l->acceptq);
		model_oldest_wait(rig.m, &l->synq);
		model_full_ns(rig.m, &l->acceptq);
	}
	assert_int_equal(queued, s.queued);
}

static void fuzz(uint32_t records, uint32_t conns, uint32_t listeners, uint32_t spread)
{
	struct tcptrace_record rec;
	uint32_t i;

	rig_limits(conns, listeners);
	for (i = 0; i < records; i++) {
		rec = hostile(spread);
		rig.n = 0;
		model_feed(rig.m, &rec);
		if (i % 9973 == 0)
			holds_together();
	}
	holds_together();
	assert_int_equal(model_totals(rig.m)->records, records);
	assert_true(model_totals(rig.m)->conns_peak <= conns);
}

static void roomy(void **state)
{
	(void)state;
	fuzz(RECORDS, 4096, 64, 40);
}

static void crowded(void **state)
{
	(void)state;
	fuzz(RECORDS, 64, 3, 500);
}

static void tiny(void **state)
{
	(void)state;
	fuzz(100003, 1, 1, 20);
	fuzz(100003, 2, 1, 20);
	fuzz(100003, 3, 2, 20);
}

static void nothing(void **state)
{
	struct tcptrace_record rec = { 0 };
	unsigned int ev, flags;

	(void)state;
	for (flags = 0; flags < 256; flags++)
		for (ev = 0; ev < 256; ev++) {
			rec.event = ev;
			rec.flags = flags;
			rig.n = 0;
			model_feed(rig.m, &rec);
		}
	holds_together();
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, rig_up, rig_down)
	const struct CMUnitTest tests[] = { CASE(roomy), CASE(crowded), CASE(tiny), CASE(nothing) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
