// SPDX-License-Identifier: GPL-2.0-only
/*
 * The BPF source.
 *
 * Waking up for each record is what makes tracers slow. The kernel side wakes
 * nobody unless the reader has said that it sleeps (reader_sleeps); a reader
 * that found something naps, finds a batch, and only goes to sleep for
 * real when a nap brought nothing: as NAPI does.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "../../lib/clock.h"
#include "bpf.h"
#include "why.h"

#define RING_BYTES	(18u << 20)	/* 131,072 records */
#define PAUSE_NS	4000000		/* nap between two drains while records come */
#define PATIENCE_NS	20000000	/* the same where nobody looks at them */
#define BUSY		65536		/* this many at once: more have come meanwhile, no time for anything else */

static void bpf_source_close(struct source *base)
{
	struct bpf_source *s = (struct bpf_source *)base;

	load_close(&s->load);
	load_close(&s->more);
	free(s);
}

/* All hooks are there: from here on records count, and what is lost. */
static void start(struct bpf_source *s)
{
	rings_start(&s->rings);
	s->looked_ns = clock_ns(CLOCK_MONOTONIC);
	for (uint32_t ev = 1; ev < TCPTRACE_EVENT_MAX; ev++)
		s->lost[ev] = __atomic_load_n(&s->load.skel->bss->lost[ev], __ATOMIC_RELAXED);
}

static int bpf_source_open(struct source **out, const struct source_config *cfg, char why[SOURCE_WHY])
{
	struct bpf_source *s = calloc(1, sizeof(*s));
	struct utsname u = {};
	int err;

	why[0] = 0;
	if (!s)
		return -ENOMEM;
	s->more.first = &s->load;
	s->base.ops = &source_bpf;
	s->cfg = *cfg;
	rings_size(&s->rings, cfg->ring_bytes ? cfg->ring_bytes : RING_BYTES);
	err = load_open(&s->load, &s->cfg, &s->rings);
	if (err) {
		uname(&u);
		why_not_loaded(why, SOURCE_WHY, err, u.release);
		bpf_source_close(&s->base);
		return err;
	}
	start(s);
	sweep_open(s);
	why_not_seen(s->note, sizeof(s->note), &s->load.plan);
	s->base.note = s->note[0] ? s->note : NULL;
	*out = &s->base;
	return 0;
}

/* The first record, from which on the model knows what it may state. */
static int tell_observed(struct bpf_source *s)
{
	struct tcptrace_record r = { .event = TCPTRACE_OBSERVED, .fd = -1 };

	if (s->observed)
		return 0;
	s->observed = true;
	r.t_ns = clock_ns(CLOCK_MONOTONIC);
	r.arg = plan_observed(&s->load.plan);
	r.req = filter_narrows(&s->cfg.filter);
	return s->fn(s->ctx, &r);
}

static int bpf_source_snapshot(struct source *base, source_fn fn, void *ctx)
{
	struct bpf_source *s = (struct bpf_source *)base;
	int err;

	s->fn = fn;
	s->ctx = ctx;
	err = tell_observed(s);
	return err ? err : sweep_all(s, true);
}

/* ---- poll ---- */

/* Sleeps until a record comes, at most timeout_ms. */
static void sleep_on_rings(struct bpf_source *s, int timeout_ms)
{
	s->load.skel->bss->reader_sleeps = 1;
	__sync_synchronize();
	if (rings_empty(&s->rings))	/* one may have come before the flag was seen */
		rings_wait(&s->rings, timeout_ms);
	s->load.skel->bss->reader_sleeps = 0;
}

static int periodic(struct bpf_source *s, bool idle)
{
	if (!idle)
		return 0;
	/* after a loss what is there is asked again, when the rest has been read */
	if (s->resync) {
		s->resync = false;
		return sweep_all(s, true);
	}
	return sweep_due(s, clock_ns(CLOCK_MONOTONIC));
}

/* The last call: all that is there, what was lost, and what only a sweep knows. */
static int poll_last(struct bpf_source *s)
{
	int n = drain(s, UINT64_MAX), err;

	err = n < 0 ? n : tell_lost(s, true);
	if (!err && (s->resync || sweep_may_find(s, s->waiting))) {
		err = sweep_all(s, s->resync);
		s->resync = false;
	}
	return err;
}

/* As the last drain left it: more is there at once, more is coming, nothing came. */
static void wait_for_more(struct bpf_source *s, int timeout_ms)
{
	struct timespec nap = { 0, s->cfg.patience && s->rings.slots >= s->cfg.patience ? PATIENCE_NS : PAUSE_NS };

	if (s->found >= BUSY)
		return;
	if (s->found)
		nanosleep(&nap, NULL);
	else
		sleep_on_rings(s, timeout_ms);
}

/* It waits first: the caller then goes on at a time that is about that of the last record. */
static int bpf_source_poll(struct source *base, int timeout_ms, source_fn fn, void *ctx)
{
	struct bpf_source *s = (struct bpf_source *)base;
	int n, err;

	s->fn = fn;
	s->ctx = ctx;
	err = tell_observed(s);
	if (err)
		return err;
	if (timeout_ms == 0)
		return poll_last(s);
	wait_for_more(s, timeout_ms);
	n = drain(s, clock_ns(CLOCK_MONOTONIC));
	if (n < 0)
		return n;
	s->found = n;
	return periodic(s, n < BUSY);
}

/* ---- the rest ---- */

#define EVERYTHING	(~0ull)		/* programs that deliver no event, too */

static enum retry_kind kind_of(unsigned int prog)
{
	switch (prog) {
	case P(tp_state): return RETRY_STATE;
	case P(tp_destroy): return RETRY_DESTROY;
	case P(tp_rst_sent): return RETRY_RST_SENT;
	case P(tp_rst_received): return RETRY_RST_RECEIVED;
	default: return RETRY_CALL;
	}
}

/* Of programs with these events. */
static bool is_of(const struct load *l, unsigned int prog, uint64_t events)
{
	return events == EVERYTHING || plan_delivers(&l->plan, prog) & events;
}

static uint64_t skipped(const struct load *l, unsigned int prog)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);

	if (!l->skel || !progs_has(&l->plan.wanted, prog) || plan_is_retry(prog) ||
	    bpf_obj_get_info_by_fd(bpf_program__fd(prog_at(l->skel, prog)), &info, &len))
		return 0;
	return info.recursion_misses;
}

/* What the second programs made good, they did each for its own kind: work done twice hides no other's loss. */
static uint64_t missed_by_recursion(const struct bpf_source *s, uint64_t events)
{
	bool asked[RETRY_KINDS] = { false };
	uint64_t missed[RETRY_KINDS], retried, sum = 0;

	memcpy(missed, s->more_skipped, sizeof(missed));
	for (unsigned int i = 1; i <= PROGS; i++) {
		uint64_t n = skipped(&s->load, i) + skipped(&s->more, i);

		missed[kind_of(i)] += n;
		asked[kind_of(i)] |= n && (is_of(&s->load, i, events) || is_of(&s->more, i, events));
	}
	for (unsigned int kind = 0; kind < RETRY_KINDS; kind++) {
		retried = __atomic_load_n(&s->load.skel->bss->retried[kind], __ATOMIC_RELAXED);
		sum += (asked[kind] || events == EVERYTHING) && missed[kind] > retried ? missed[kind] - retried : 0;
	}
	return sum;
}

/*
 * A kprobe that is hit while another one's handler runs is passed over, and so is a return when too many threads are on
 * their way to one: the link's info says how often, since 6.7 (3acf8ace6823). libbpf's headers here are older.
 */
static uint64_t missed_by_kprobe(struct bpf_source *s, const struct bpf_link *link)
{
	enum { MISSED_AT = 6, WORDS };	/* struct bpf_link_info: perf_event.kprobe.missed */
	uint64_t info[WORDS] = { 0 };
	__u32 len = sizeof(info);

	if (link && (bpf_obj_get_info_by_fd(bpf_link__fd(link), info, &len) || len < sizeof(info)))
		s->kprobes_untold = true;
	return info[MISSED_AT];
}

static uint64_t missed_by_kprobes(struct bpf_source *s, const struct load *l, uint64_t events)
{
	uint64_t n = 0;

	for (unsigned int i = 1; l->skel && i <= PROGS; i++) {
		if (bpf_program__type(prog_at(l->skel, i)) == BPF_PROG_TYPE_KPROBE && is_of(l, i, events))
			n += missed_by_kprobe(s, l->link[i]);
	}
	return n;
}

/* Without another OBSERVED record: counts are of the whole run, and these events are seen for a part of it. */
static int bpf_source_widen(struct source *base, uint64_t events)
{
	struct bpf_source *s = (struct bpf_source *)base;
	int err;

	for (unsigned int i = 1; i <= PROGS; i++)
		s->more_skipped[kind_of(i)] += skipped(&s->more, i);
	s->more_missed += missed_by_kprobes(s, &s->more, EVERYTHING);
	load_close(&s->more);
	if (!events)
		return 0;
	s->more_cfg = s->cfg;
	s->more_cfg.events = events;
	err = load_more(&s->more, &s->load, &s->more_cfg);
	if (err)
		load_close(&s->more);
	return err;
}

static uint64_t bpf_source_missed_at(struct source *base, uint64_t events)
{
	struct bpf_source *s = (struct bpf_source *)base;

	return missed_by_recursion(s, events) + missed_by_kprobes(s, &s->load, events) +
	       missed_by_kprobes(s, &s->more, events) + s->more_missed;
}

static void bpf_source_stats(struct source *base, struct source_stats *out)
{
	struct bpf_source *s = (struct bpf_source *)base;

	memset(out, 0, sizeof(*out));
	out->records = s->delivered;
	out->lost = s->lost_total;
	out->missed = bpf_source_missed_at(base, EVERYTHING);
	out->missed_known = !s->kprobes_untold;
}

static bool bpf_source_hook(struct source *base, unsigned int i, struct hook_report *out)
{
	return plan_report(&((struct bpf_source *)base)->load.plan, i, out);
}

/* With filter.both_ends nothing is taken out of the map: a process that has ended is remembered. */
static bool bpf_source_followed(struct source *base, uint32_t pid)
{
	struct bpf_source *s = (struct bpf_source *)base;
	uint8_t one;

	return !bpf_map_lookup_elem(bpf_map__fd(s->load.skel->maps.pids), &pid, &one);
}

const struct source_ops source_bpf = {
	.name = "bpf",
	.open = bpf_source_open,
	.poll = bpf_source_poll,
	.snapshot = bpf_source_snapshot,
	.widen = bpf_source_widen,
	.stats = bpf_source_stats,
	.missed_at = bpf_source_missed_at,
	.followed = bpf_source_followed,
	.hook = bpf_source_hook,
	.close = bpf_source_close,
};
