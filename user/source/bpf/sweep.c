// SPDX-License-Identifier: GPL-2.0-only
/*
 * What exists: a walk through the kernel's tables and an iterator over descriptors, when the run begins, after a loss, and
 * where something ends that no hook sees.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "../../lib/clock.h"
#include "bpf.h"

#define SWEEP_MIN_NS	SECOND
#define SWEEP_MAX_NS	(5 * SECOND)	/* latest that an expired request is found without a hook */
#define OPEN_MIN_NS	(5 * SECOND)
#define OPEN_MAX_NS	(60 * SECOND)

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
		err = drain_with_snap(s);
		have -= n;		/* part of a record: the rest comes with the next read */
		memmove(s->snap, (char *)s->snap + n, have);
	}
	close(fd);
	return err;
}

static int run_walk(const struct bpf_source *s)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	return bpf_prog_test_run_opts(bpf_program__fd(s->load.skel->progs.walk_tcp), &opts) ? -errno : s->load.skel->bss->walk.err;
}

/* One table, CAPTURE_FOUND sockets at a time. */
static int walk_table(struct bpf_source *s, const struct capture_table *table)
{
	struct capture_walk *w = &s->load.skel->bss->walk;
	int err = 0;

	memset(w, 0, offsetof(struct capture_walk, found));
	w->table = *table;
	while (!err && !w->done) {
		err = run_walk(s);
		s->snap_n = err ? 0 : w->n;
		memcpy(s->snap, w->found, s->snap_n * sizeof(*s->snap));
		if (s->snap_n)
			err = drain_with_snap(s);
	}
	return err;
}

/* Listeners first: what they have waiting is theirs. */
static int walk_all(struct bpf_source *s)
{
	struct capture_tables *t = &s->load.skel->bss->tables;
	int err;

	memset(&s->load.skel->bss->walk, 0, offsetof(struct capture_walk, found));
	err = run_walk(s);
	if (!err)
		err = t->err;
	for (uint32_t i = 0; !err && i < t->n; i++)
		err = walk_table(s, &t->of[i]);
	return err;
}

/* Nothing follows from what was not found where nobody walked, or a table changed meanwhile: then it has no end. */
int sweep_all(struct bpf_source *s, bool owners)
{
	bool walks = progs_has(&s->load.plan.wanted, P(walk_tcp));
	int err = drain_with_snap(s);
	uint64_t began;

	if (err || !(walks || owners))
		return err;
	began = clock_ns(CLOCK_MONOTONIC);
	s->waiting = 0;
	err = source_mark_snapshot(&s->cfg, false, began, s->fn, s->ctx);
	if (!err && owners)
		err = read_iter(s, s->load.link[P(it_task_file)]);
	if (!err && walks)
		err = walk_all(s);
	if (!err)		/* what was not found may have ended since the sweep began: its records come first */
		err = drain_with_snap(s);
	if (!err && walks && !s->load.skel->bss->tables.torn)
		err = source_mark_snapshot(&s->cfg, true, began, s->fn, s->ctx);
	if (owners)
		s->open_ns = clock_ns(CLOCK_MONOTONIC);
	return err;
}

void sweep_open(struct bpf_source *s)
{
	const struct plan *p = &s->load.plan;
	const uint64_t ways = EVENT_BIT(SYNQ_ADD) | EVENT_BIT(ACCEPT);

	s->counts = (p->events & ways) == ways;
	s->told = s->load.skel->rodata->cfg.cg_synack || s->load.skel->rodata->cfg.tp_synack;
	if (plan_samples(p, EVENT_BIT(SYNQ_DEL) | EVENTS_DROPPED))
		s->sweep_every_ns = SWEEP_MIN_NS;
	if (s->cfg.events & EVENTS_OPEN)
		s->open_every_ns = OPEN_MIN_NS;
}

bool sweep_may_find(const struct bpf_source *s, uint64_t waiting)
{
	if (!s->sweep_every_ns)
		return false;
	if (waiting || s->counts)
		return waiting;
	return !s->told || s->entered || __atomic_load_n(&s->load.skel->bss->synq_entered, __ATOMIC_RELAXED);
}

/* What enters from here on counts for the next one. */
static void forget_entered(struct bpf_source *s)
{
	s->entered = s->told && __atomic_exchange_n(&s->load.skel->bss->synq_entered, 0, __ATOMIC_RELAXED);
}

/* With very many sockets a fiftieth of a CPU: not of the wall, which a busy machine stretches. */
static uint64_t every(uint64_t cpu_ns, uint64_t min, uint64_t max)
{
	uint64_t ns = cpu_ns * 50;

	return ns < min ? min : ns > max ? max : ns;
}

int sweep_due(struct bpf_source *s, uint64_t now_ns)
{
	bool queues = s->sweep_every_ns && now_ns - s->sweep_ns >= s->sweep_every_ns;
	bool open = s->open_every_ns && now_ns - s->open_ns >= s->open_every_ns;
	uint64_t cpu;
	bool finds;
	int err = 0;

	if (!queues && !open)
		return 0;
	cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	finds = sweep_may_find(s, s->waiting_low);
	forget_entered(s);
	if (open || finds)
		err = sweep_all(s, open);
	s->waiting_low = s->waiting;
	cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu;
	s->sweep_ns = clock_ns(CLOCK_MONOTONIC);
	if (s->sweep_every_ns)
		s->sweep_every_ns = every(cpu, SWEEP_MIN_NS, SWEEP_MAX_NS);
	if (open)
		s->open_every_ns = every(cpu, OPEN_MIN_NS, OPEN_MAX_NS);
	return err;
}
