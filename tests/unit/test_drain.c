// SPDX-License-Identifier: GPL-2.0-only
/* What the BPF source says of losses, by the counters that the programs share with it, and of what it could not look at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "source/bpf/bpf.h"

struct rig {
	struct bpf_source s;
	struct capture skel;
	struct tcptrace_record rec[4];
	unsigned int n;
};

static int keep(void *ctx, const struct tcptrace_record *rec)
{
	struct rig *g = ctx;

	assert_true(g->n < 4);
	g->rec[g->n++] = *rec;
	return 0;
}

static int rig_up(void **state)
{
	struct rig *g = calloc(1, sizeof(*g));

	if (!g)
		return -1;
	g->skel.bss = calloc(1, sizeof(*g->skel.bss));
	g->s.load.skel = &g->skel;
	g->s.fn = keep;
	g->s.ctx = g;
	*state = g;
	return g->skel.bss ? 0 : -1;
}

static int rig_down(void **state)
{
	struct rig *g = *state;

	free(g->skel.bss);
	free(g);
	return 0;
}

/* What was before may be asked again: it exists still. */
static void no_room_in_a_ring(void **state)
{
	struct rig *g = *state;

	g->skel.bss->lost[TCPTRACE_SYNQ_ADD] = 5;
	assert_int_equal(tell_lost(&g->s, true), 0);
	assert_int_equal(tell_lost(&g->s, true), 0);
	assert_int_equal(g->n, 1);
	assert_int_equal(g->rec[0].event, TCPTRACE_LOST);
	assert_int_equal(g->rec[0].new, TCPTRACE_SYNQ_ADD);
	assert_int_equal(g->rec[0].arg, 5);
	assert_int_equal(g->s.lost_total, 5);
	assert_true(g->s.resync);
	assert_null(g->s.base.note);
}

/* Of a socket that -p cannot follow the records are missing from here on, whatever is asked. */
static void no_room_for_a_traced_socket(void **state)
{
	struct rig *g = *state;

	g->skel.bss->traced_full = 1;
	assert_int_equal(tell_lost(&g->s, true), 0);
	assert_int_equal(tell_lost(&g->s, true), 0);
	assert_int_equal(g->n, 1);
	assert_int_equal(g->rec[0].event, TCPTRACE_LOST);
	assert_int_equal(g->rec[0].new, TCPTRACE_NONE);
	assert_int_equal(g->rec[0].arg, 1);
	assert_int_equal(g->s.lost_total, 1);
	assert_false(g->s.resync);
	assert_non_null(g->s.base.note);
	g->skel.bss->traced_full = 1;		/* another one */
	assert_int_equal(tell_lost(&g->s, true), 0);
	assert_int_equal(g->n, 2);
}

/* Without the walk (refused by a kernel) who waits in a queue is not found: nothing says that it is over. */
static void nobody_walks(void **state)
{
	struct rig *g = *state;

	assert_int_equal(sweep_all(&g->s, true), 0);
	assert_int_equal(g->n, 1);
	assert_int_equal(g->rec[0].event, TCPTRACE_SNAPSHOT);
	assert_false(g->rec[0].flags & TCPTRACE_F_END);
	assert_int_equal(sweep_all(&g->s, false), 0);
	assert_int_equal(g->n, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(no_room_in_a_ring, rig_up, rig_down),
		cmocka_unit_test_setup_teardown(no_room_for_a_traced_socket, rig_up, rig_down),
		cmocka_unit_test_setup_teardown(nobody_walks, rig_up, rig_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
