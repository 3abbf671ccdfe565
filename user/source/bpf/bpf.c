// SPDX-License-Identifier: GPL-2.0-only
/*
 * The BPF source: drains the rings that the programs (load.c) write into, and asks
 * the iterators for what exists.
 *
 * Waking up for each record is what makes tracers slow. The kernel side wakes
 * nobody unless the reader has said that it sleeps (reader_sleeps); a reader
 * that found something naps PAUSE_NS, finds a batch, and only goes to sleep for
 * real when a nap brought nothing: as NAPI does.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../netns.h"
#include "load.h"
#include "why.h"

#define RING_BYTES	(18u << 20)	/* 131,072 records */
#define PAUSE_NS	4000000		/* nap between two drains while records come */
#define BUSY		65536		/* so many at once: more have come meanwhile, no time for anything else */
#define MERGE_TRIES	100		/* naps of 0.1 ms until what was there before a snapshot is all read */
#define SECOND		1000000000ull
#define SWEEP_MAX_NS	(5 * SECOND)	/* latest that an expired request is found without a hook */

struct bpf_source {
	struct source base;
	struct source_config cfg;
	struct load load;
	struct rings rings;
	source_fn fn;			/* of the poll() in progress */
	void *ctx;
	int fn_ret;
	unsigned int drained;
	uint64_t delivered, lost[TCPTRACE_EVENT_MAX], lost_total;
	uint64_t check_ns, sweep_ns, sweep_every_ns;
	/*
	 * In a SYN queue or an accept queue, for all that is known, never too few: what ends there may
	 * end unseen.
	 */
	uint64_t waiting;
	uint64_t waiting_low;		/* fewest since the last sweep: none of the others is older than that */
	bool cookies;			/* then a way out may belong to no way in */
	bool resync;
	struct tcptrace_record snap[256];	/* read from an iterator, not yet handed on */
	size_t snap_n, snap_next;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * SECOND + ts.tv_nsec;
}

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * SECOND + ts.tv_nsec;
}

static void bpf_source_close(struct source *base)
{
	struct bpf_source *s = (struct bpf_source *)base;

	load_close(&s->load);
	free(s);
}

static int bpf_source_open(struct source **out, const struct source_config *cfg, const char **why)
{
	struct bpf_source *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->base.ops = &source_bpf;
	s->cfg = *cfg;
	rings_size(&s->rings, RING_BYTES);
	err = load_open(&s->load, &s->cfg, &s->rings);
	if (err) {
		*why = why_not_loaded(err);
		bpf_source_close(&s->base);
		return err;
	}
	if (plan_seen(&s->load.plan, TCPTRACE_SYNQ_DEL) == TCPTRACE_SEEN_SAMPLED)
		s->sweep_every_ns = SECOND;
	*out = &s->base;
	return 0;
}

/* ---- the rings ---- */

/* What an iterator told before t_ns comes first. */
static void hand_on_snapshot(struct bpf_source *s, uint64_t t_ns)
{
	while (!s->fn_ret && s->snap_next < s->snap_n && s->snap[s->snap_next].t_ns <= t_ns) {
		s->waiting += !!(s->snap[s->snap_next].flags & (TCPTRACE_F_REQUEST | TCPTRACE_F_QUEUED));
		s->fn_ret = s->fn(s->ctx, &s->snap[s->snap_next++]);
	}
}

/*
 * From the SYN on until an accept() that is seen. Whether a reset took a request down, or a call that no hook sees a
 * connection out, only a sweep knows.
 */
static void count_waiting(struct bpf_source *s, const struct tcptrace_record *rec)
{
	switch (rec->event) {
	case TCPTRACE_SYNQ_ADD:
		s->waiting++;
		break;
	case TCPTRACE_COOKIE_SENT:
		s->cookies = true;
		break;
	case TCPTRACE_ACCEPT:
		if (s->waiting && !s->cookies && rec->ret >= 0)
			s->waiting--;
		if (s->waiting < s->waiting_low)
			s->waiting_low = s->waiting;
	}
}

static int on_record(void *arg, const struct tcptrace_record *rec)
{
	struct bpf_source *s = arg;

	hand_on_snapshot(s, rec->t_ns);
	count_waiting(s, rec);
	s->delivered++;
	if (!s->fn_ret)
		s->fn_ret = s->fn(s->ctx, rec);
	s->drained++;
	return s->fn_ret;
}

static void on_ahead(void *arg, const struct tcptrace_record *rec)
{
	struct bpf_source *s = arg;

	s->base.ahead(s->ctx, rec);
}

/* Hands on what is there now and older than until_ns: how many, or what fn returned, or -errno. */
static int drain(struct bpf_source *s, uint64_t until_ns)
{
	s->drained = 0;
	s->fn_ret = 0;
	rings_drain(&s->rings, until_ns, on_record, s->base.ahead ? on_ahead : NULL, s);
	return s->fn_ret ? s->fn_ret : (int)s->drained;
}

/* ---- what exists ---- */

static int mark_snapshot(struct bpf_source *s, bool end, uint64_t t_ns)
{
	struct tcptrace_record r = {
		.t_ns = t_ns, .event = TCPTRACE_SNAPSHOT, .fd = -1, .flags = end ? TCPTRACE_F_END : 0,
		.netns = s->cfg.filter.netns,
	};

	return s->fn(s->ctx, &r);
}

/* Hands on what the iterator said among what the hooks said meanwhile, in the order of time. */
static int merge(struct bpf_source *s)
{
	const struct timespec nap = { 0, 100000 };
	uint64_t until_ns = now_ns();
	int n, tries = 0;

	s->snap_next = 0;
	do {			/* whoever writes a record may have lost its CPU */
		n = drain(s, until_ns);
		if (n < 0)
			return n;
	} while (s->rings.blocked && tries++ < MERGE_TRIES && !nanosleep(&nap, NULL));
	hand_on_snapshot(s, UINT64_MAX);
	s->snap_n = 0;
	return s->fn_ret;
}

static int read_iter(struct bpf_source *s, struct bpf_link *link)
{
	size_t have = 0;
	int err = 0, fd;

	if (!link)
		return 0;
	fd = bpf_iter_create(bpf_link__fd(link));
	if (fd < 0)
		return -errno;
	while (!err) {
		ssize_t n = read(fd, (char *)s->snap + have, sizeof(s->snap) - have);

		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0) {
			err = n < 0 ? -errno : 0;
			break;
		}
		have += n;
		s->snap_n = have / sizeof(*s->snap);
		n = s->snap_n * sizeof(*s->snap);
		err = merge(s);
		have -= n;		/* part of a record: the rest comes with the next read */
		memmove(s->snap, (char *)s->snap + n, have);
	}
	close(fd);
	return err;
}

static int sweep_netns(void *arg)
{
	struct bpf_source *s = arg;

	return read_iter(s, s->load.link[P(it_tcp)]);
}

static int take_snapshot(struct bpf_source *s, bool owners)
{
	uint64_t began;
	int err = merge(s);

	began = now_ns();
	s->waiting = 0;
	if (!err)
		err = mark_snapshot(s, false, began);
	if (!err && owners)
		err = read_iter(s, s->load.link[P(it_task_file)]);
	if (!err)
		err = netns_each(s->cfg.filter.netns, sweep_netns, NULL, s);
	if (!err)
		err = mark_snapshot(s, true, began);
	return err;
}

static int bpf_source_snapshot(struct source *base, source_fn fn, void *ctx)
{
	struct bpf_source *s = (struct bpf_source *)base;

	s->fn = fn;
	s->ctx = ctx;
	return take_snapshot(s, true);
}

/* New losses become LOST records, so that model, view and recording know. */
static int tell_lost(struct bpf_source *s)
{
	int err = 0;

	for (uint32_t ev = 1; !err && ev < TCPTRACE_EVENT_MAX; ev++) {
		struct tcptrace_record r = { .event = TCPTRACE_LOST, .new = ev, .fd = -1 };
		uint64_t sum = __atomic_load_n(&s->load.skel->bss->lost[ev], __ATOMIC_RELAXED);

		if (sum == s->lost[ev])
			continue;
		r.t_ns = now_ns();
		r.arg = sum - s->lost[ev];
		s->lost_total += r.arg;
		s->lost[ev] = sum;
		s->resync = true;
		err = s->fn(s->ctx, &r);
	}
	return err;
}

/* Sleeps until a record comes, at most timeout_ms. */
static int sleep_on_rings(struct bpf_source *s, int timeout_ms)
{
	s->load.skel->bss->reader_sleeps = 1;
	__sync_synchronize();
	if (rings_empty(&s->rings))	/* one may have come before the flag was seen */
		rings_wait(&s->rings, timeout_ms);
	s->load.skel->bss->reader_sleeps = 0;
	return 0;
}

/* Looks for what has left a queue and told nobody, if one may have waited since the last time. */
static int sweep(struct bpf_source *s)
{
	uint64_t cpu = cpu_ns();
	int err = s->waiting_low ? take_snapshot(s, false) : 0;

	s->waiting_low = s->waiting;
	s->sweep_ns = now_ns();
	/* with very many sockets a fiftieth of a CPU: not of the wall, which a busy machine stretches */
	s->sweep_every_ns = (cpu_ns() - cpu) * 50;
	if (s->sweep_every_ns < SECOND)
		s->sweep_every_ns = SECOND;
	if (s->sweep_every_ns > SWEEP_MAX_NS)
		s->sweep_every_ns = SWEEP_MAX_NS;
	return err;
}

static int periodic(struct bpf_source *s, bool idle)
{
	uint64_t now = now_ns();
	int err = 0;

	if (now - s->check_ns >= SECOND || !s->check_ns) {
		s->check_ns = now;
		err = tell_lost(s);
	}
	if (err || !idle)
		return err;
	/* after a loss what is there is asked again, when the rest has been read */
	if (s->resync) {
		s->resync = false;
		return take_snapshot(s, true);
	}
	if (s->sweep_every_ns && now - s->sweep_ns >= s->sweep_every_ns)
		err = sweep(s);
	return err;
}

/* The last call: all that is there, what was lost, and what only an iterator knows. */
static int poll_last(struct bpf_source *s)
{
	int n = drain(s, UINT64_MAX), err;

	err = n < 0 ? n : tell_lost(s);
	if (!err && (s->resync || (s->sweep_every_ns && s->waiting))) {
		err = take_snapshot(s, s->resync);
		s->resync = false;
	}
	return err;
}

static int bpf_source_poll(struct source *base, int timeout_ms, source_fn fn, void *ctx)
{
	struct bpf_source *s = (struct bpf_source *)base;
	struct timespec nap = { 0, PAUSE_NS };
	int n, err;

	s->fn = fn;
	s->ctx = ctx;
	if (timeout_ms == 0)
		return poll_last(s);
	n = drain(s, now_ns());
	if (n < 0)
		return n;
	err = periodic(s, n < BUSY);
	if (err)
		return err;
	if (n >= BUSY)
		return 0;
	if (n) {
		nanosleep(&nap, NULL);
		return 0;
	}
	return sleep_on_rings(s, timeout_ms);
}

/* ---- the rest ---- */

static void bpf_source_stats(struct source *base, struct source_stats *out)
{
	struct bpf_source *s = (struct bpf_source *)base;
	uint64_t retried;

	memset(out, 0, sizeof(*out));
	out->records = s->delivered;
	out->lost = s->lost_total;
	for (unsigned int i = 1; i <= PROGS; i++) {
		struct bpf_prog_info info = {};
		__u32 len = sizeof(info);

		if (progs_has(&s->load.plan.wanted, i) && !plan_is_again(i) &&
		    !bpf_obj_get_info_by_fd(bpf_program__fd(prog_at(s->load.skel, i)), &info, &len))
			out->missed += info.recursion_misses;
	}
	retried = __atomic_load_n(&s->load.skel->bss->retried, __ATOMIC_RELAXED);
	out->missed -= retried < out->missed ? retried : out->missed;
}

static bool bpf_source_hook(struct source *base, unsigned int i, struct hook_report *out)
{
	return plan_report(&((struct bpf_source *)base)->load.plan, i, out);
}

/* With filter.others nothing is taken out of the map: a process that has ended is remembered. */
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
	.stats = bpf_source_stats,
	.followed = bpf_source_followed,
	.hook = bpf_source_hook,
	.close = bpf_source_close,
};
