// SPDX-License-Identifier: GPL-2.0-only
/* The rings: records of several CPUs in the order of time, and where a drain ends. */
#include <linux/types.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "source/bpf/ring.h"

#define SHIFT	5u
#define SLOTS	(1u << SHIFT)

struct rig {
	struct rings r;
	struct ring_ends ends[4];
	struct tcptrace_record slot[4][SLOTS];
	uint64_t written[4][SLOTS];
	uint64_t seen[64];
	unsigned int n;
	int stop_at;			/* fn ends the drain at this record */
	const struct tcptrace_record *const *next;	/* told ahead, and not handed on yet */
	unsigned int left, told;
};

static int rig_up(void **state)
{
	struct rig *g = calloc(1, sizeof(*g));

	if (!g)
		return -1;
	g->r.n = 4;
	g->r.slots = SLOTS;
	g->r.shift = SHIFT;
	for (unsigned int i = 0; i < 4; i++) {
		g->r.ring[i].ends = &g->ends[i];
		g->r.ring[i].slot = g->slot[i];
		g->r.ring[i].written = g->written[i];
	}
	*state = g;
	return 0;
}

static int rig_down(void **state)
{
	free(*state);
	return 0;
}

/* As reserve() and submit() of bpf/ring.bpf.h do. */
static void write_record(struct rig *g, unsigned int ring, uint64_t t_ns, bool busy)
{
	uint64_t at = g->ends[ring].head++;

	g->slot[ring][at % SLOTS] = (struct tcptrace_record){ .t_ns = t_ns, .event = TCPTRACE_STATE };
	if (!busy)
		g->written[ring][at % SLOTS]++;
}

static void finish(struct rig *g, unsigned int ring, uint64_t at)
{
	g->written[ring][at % SLOTS]++;
}

static int on_record(void *ctx, const struct tcptrace_record *rec)
{
	struct rig *g = ctx;

	assert_int_equal(rec->event, TCPTRACE_STATE);
	g->seen[g->n++] = rec->t_ns;
	return g->stop_at && g->n == (unsigned int)g->stop_at ? -7 : 0;
}

static void expect_seen(struct rig *g, const uint64_t *want, unsigned int n)
{
	assert_int_equal(g->n, n);
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(g->seen[i], want[i]);
	g->n = 0;
}

static void order(void **state)
{
	struct rig *g = *state;

	write_record(g, 0, 10, false);
	write_record(g, 0, 40, false);
	write_record(g, 2, 20, false);
	write_record(g, 2, 30, false);
	write_record(g, 3, 20, false);
	write_record(g, 3, 50, false);
	assert_false(rings_empty(&g->r));
	assert_int_equal(rings_drain(&g->r, 50, on_record, NULL, g), 0);
	expect_seen(g, (uint64_t[]){ 10, 20, 20, 30, 40 }, 5);
	assert_false(rings_empty(&g->r));		/* 50 is not older than 50 */
	assert_int_equal(rings_drain(&g->r, UINT64_MAX, on_record, NULL, g), 0);
	expect_seen(g, (uint64_t[]){ 50 }, 1);
	assert_true(rings_empty(&g->r));
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(g->ends[i].tail, g->ends[i].head);
}

/* What is being written may be older than all that follows, elsewhere too. */
static void being_written(void **state)
{
	struct rig *g = *state;
	uint64_t at;

	write_record(g, 0, 10, false);
	at = g->ends[0].head;
	write_record(g, 0, 20, true);
	write_record(g, 0, 25, false);
	write_record(g, 1, 5, false);
	write_record(g, 1, 30, false);
	assert_int_equal(rings_drain(&g->r, UINT64_MAX, on_record, NULL, g), 0);
	assert_true(g->r.blocked);
	expect_seen(g, (uint64_t[]){ 5, 10 }, 2);
	finish(g, 0, at);
	assert_int_equal(rings_drain(&g->r, UINT64_MAX, on_record, NULL, g), 0);
	assert_false(g->r.blocked);
	expect_seen(g, (uint64_t[]){ 20, 25, 30 }, 3);
}

/* Who took its time and was put off is behind others in its ring, and still before what followed from it. */
static void put_off(void **state)
{
	struct rig *g = *state;

	write_record(g, 0, 30, false);
	write_record(g, 0, 20, false);
	write_record(g, 1, 25, false);
	write_record(g, 1, 40, false);
	assert_int_equal(rings_drain(&g->r, 35, on_record, NULL, g), 0);
	expect_seen(g, (uint64_t[]){ 25, 30, 20 }, 3);
	assert_int_equal(rings_drain(&g->r, UINT64_MAX, on_record, NULL, g), 0);
	expect_seen(g, (uint64_t[]){ 40 }, 1);
}

static void ended_by_reader(void **state)
{
	struct rig *g = *state;

	for (uint64_t t = 1; t <= 5; t++)
		write_record(g, t % 2, t, false);
	g->stop_at = 3;
	assert_int_equal(rings_drain(&g->r, UINT64_MAX, on_record, NULL, g), -7);
	expect_seen(g, (uint64_t[]){ 1, 2, 3 }, 3);
	g->stop_at = 0;
	assert_int_equal(rings_drain(&g->r, UINT64_MAX, on_record, NULL, g), 0);
	expect_seen(g, (uint64_t[]){ 4, 5 }, 2);
}

static unsigned int on_batch(void *ctx, const struct tcptrace_record *const *rec, unsigned int n)
{
	struct rig *g = ctx;

	g->next = rec;
	g->left = n;
	g->told += n;
	return 0;
}

static int on_told(void *ctx, const struct tcptrace_record *rec)
{
	struct rig *g = ctx;

	assert_true(g->left-- > 0);
	assert_ptr_equal(*g->next++, rec);
	return on_record(ctx, rec);
}

/* All but the last. */
static unsigned int take_most(void *ctx, const struct tcptrace_record *const *rec, unsigned int n)
{
	struct rig *g = ctx;

	for (unsigned int i = 0; i + 1 < n; i++)
		g->seen[g->n++] = rec[i]->t_ns;
	return n ? n - 1 : 0;
}

static void taken_at_once(void **state)
{
	struct rig *g = *state;

	for (uint64_t t = 1; t <= 5; t++)
		write_record(g, t % 2, t, false);
	assert_int_equal(rings_drain(&g->r, UINT64_MAX, on_record, take_most, g), 0);
	expect_seen(g, (uint64_t[]){ 1, 2, 3, 4, 5 }, 5);
	assert_true(rings_empty(&g->r));
	assert_int_equal(g->ends[0].tail + g->ends[1].tail, 5);
}

/* All that come, of all rings and in that order; those that the reader did not take once more. */
static void told_ahead(void **state)
{
	struct rig *g = *state;

	for (uint64_t t = 1; t <= 40; t++)
		write_record(g, t % 3, t, false);
	g->stop_at = 7;
	assert_int_equal(rings_drain(&g->r, UINT64_MAX, on_told, on_batch, g), -7);
	assert_int_equal(g->told, 40);
	g->stop_at = 0;
	assert_int_equal(rings_drain(&g->r, UINT64_MAX, on_told, on_batch, g), 0);
	assert_int_equal(g->told, 40 + 33);
	assert_int_equal(g->n, 40);
	for (unsigned int i = 0; i < 40; i++)
		assert_int_equal(g->seen[i], i + 1);
}

/* Many times round, and never told further than read. */
static void round_and_round(void **state)
{
	struct rig *g = *state;
	uint64_t t = 0, seen = 0;

	for (unsigned int round = 0; round < 101; round++) {
		for (unsigned int i = 0; i < 23; i++)
			write_record(g, (round + i) % 3, ++t, false);
		assert_int_equal(rings_drain(&g->r, UINT64_MAX, on_record, NULL, g), 0);
		for (unsigned int i = 0; i < g->n; i++)
			assert_int_equal(g->seen[i], ++seen);
		g->n = 0;
	}
	assert_int_equal(seen, 101 * 23);
	assert_int_equal(g->ends[3].tail, 0);
	assert_int_equal(g->ends[0].tail + g->ends[1].tail + g->ends[2].tail, seen);
}

/* As many as the machine's CPUs, a power of two; no more than was asked for, but some. */
static void sizes(void **state)
{
	struct rings r = { 0 };

	(void)state;
	rings_size(&r, 16u << 20);
	assert_true(r.n >= 1 && !(r.n & (r.n - 1)) && !(r.slots & (r.slots - 1)));
	assert_int_equal(r.slots, 1u << r.shift);
	assert_true((size_t)r.n * r.slots * (sizeof(struct tcptrace_record) + 8) <= 16u << 20 || r.slots == 2048);
	rings_size(&r, 1);
	assert_int_equal(r.slots, 2048);
}

/* Until they are started there is no room, as reserve_any() asks. */
static void shut_at_first(void **state)
{
	struct ring_ends ends[CAPTURE_RINGS] = { 0 };
	int fd = memfd_create("ring", MFD_CLOEXEC);
	struct rings r = { 0 };

	(void)state;
	rings_size(&r, 1);
	assert_int_equal(ftruncate(fd, (off_t)(r.n * r.slots * sizeof(struct tcptrace_record))), 0);
	assert_int_equal(rings_open(&r, fd, fd, fd, ends), 0);
	for (unsigned int i = 0; i < r.n; i++)
		assert_true(ends[i].head - ends[i].tail >= r.slots - r.slots / 8);
	assert_true(rings_empty(&r));
	rings_start(&r);
	for (unsigned int i = 0; i < r.n; i++)
		assert_int_equal(ends[i].head - ends[i].tail, 0);
	rings_close(&r);
	close(fd);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, rig_up, rig_down)
	const struct CMUnitTest tests[] = {
		CASE(order), CASE(being_written), CASE(put_off), CASE(ended_by_reader), CASE(taken_at_once), CASE(told_ahead), CASE(round_and_round),
		CASE(sizes), CASE(shut_at_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
