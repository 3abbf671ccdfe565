// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asks /proc for the findings. Processes are looked at while their listener stalls, as at the end of the
 * run they may be gone, or do something else.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/clock.h"
#include "../lib/readfile.h"
#include "../source/netns.h"
#include "acceptor.h"
#include "around.h"
#include "holder.h"
#include "task.h"

#define NAMESPACES	16	/* whose sysctls are kept, */
#define SYSCTLS_NS	(10 * SECOND)	/* for so long: top is looked at while somebody sets them */
#define STALLS		64	/* of which the holder is kept; the latest */
#define LOOK_EVERY_NS	50000000ull

struct sysctls {
	uint32_t netns;
	uint64_t read_ns;
	bool known[MACHINE_SYSCTL_MAX];
	uint64_t value[MACHINE_SYSCTL_MAX];
};

struct around {
	struct machine machine;
	struct sysctls sysctls[NAMESPACES];
	unsigned int namespaces;
	struct seen {
		uint32_t listener;
		uint64_t from_ns;
		uint64_t ran_ns, looked_ns;	/* at the first look; 0: not known */
		uint64_t last_ns;		/* the last one */
		uint32_t tid;			/* 0: no thread of which more is to be known */
		unsigned int votes;		/* for p.state */
		struct process p;
	} stall[STALLS];
	unsigned int stalls;
	/* who was asked last: a process may have 10,000 listeners */
	struct unheard { uint32_t pid; bool is; uint64_t asked_ns; } unheard;
};

/* ---- sysctls ---- */

/* The nth number of the file. */
static bool read_sysctl(const char *name, unsigned int nth, uint64_t *value)
{
	char path[64], buf[64], *p = buf, *end;

	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	if (read_file(path, buf, sizeof(buf)) < 0)
		return false;
	do {
		errno = 0;
		*value = strtoull(p, &end, 10);
		if (end == p || errno || memchr(p, '-', (size_t)(end - p)))
			return false;
		p = end;
	} while (nth--);
	return true;
}

static int read_here(void *arg)
{
	struct sysctls *s = arg;

#define READ(sym, file, nth) s->known[MACHINE_##sym] = read_sysctl(file, nth, &s->value[MACHINE_##sym]);
	MACHINE_SYSCTLS(READ)
#undef READ
	return 1;		/* found: no other is visited */
}

static const struct sysctls *sysctls_of(struct around *a, uint32_t netns)
{
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
	struct sysctls *s = a->sysctls;

	while (s < a->sysctls + a->namespaces && s->netns != netns)
		s++;
	if (s == a->sysctls + NAMESPACES)
		return NULL;
	if (s == a->sysctls + a->namespaces)
		a->namespaces++;
	else if (now_ns < s->read_ns + SYSCTLS_NS)
		return s;
	*s = (struct sysctls){ .netns = netns, .read_ns = now_ns };
	netns_each(netns, read_here, NULL, s);
	return s;
}

static bool sysctl(void *ctx, uint32_t netns, enum machine_sysctl which, uint64_t *value)
{
	const struct sysctls *s = netns ? sysctls_of(ctx, netns) : NULL;

	if (!s || !s->known[which])
		return false;
	*value = s->value[which];
	return true;
}

/* ---- processes ---- */

static bool process(void *ctx, uint32_t pid, struct process *p)
{
	(void)ctx;
	return task_process(pid, p);
}

static unsigned int find(const struct around *a, const struct listener *l, uint64_t from_ns)
{
	unsigned int i = 0, n = a->stalls < STALLS ? a->stalls : STALLS;

	while (i < n && (a->stall[i].listener != l->id || a->stall[i].from_ns != from_ns))
		i++;
	return i < n ? i : STALLS;
}

static bool holder(void *ctx, const struct listener *l, uint64_t from_ns, struct process *p)
{
	struct around *a = ctx;
	unsigned int i = find(a, l, from_ns);

	if (i == STALLS)
		return false;
	*p = a->stall[i].p;
	return p->pid != 0;
}

static bool is_unheard(struct unheard *u, uint32_t pid, uint64_t now_ns)
{
	if (u->pid != pid || now_ns >= u->asked_ns + SECOND)
		*u = (struct unheard){ pid, holder_calls_otherwise(pid), now_ns };
	return u->is;
}

static void look_first(struct around *a, const struct model *m, const struct listener *l, uint64_t from_ns, uint64_t now_ns)
{
	struct process p = acceptor_look(m, l, from_ns);
	bool alone = p.pid && p.state != '?' && !p.frozen && !p.workers && !p.instead_of;
	struct seen *s = &a->stall[a->stalls++ % STALLS];

	p.unheard = p.pid && p.pid != l->acceptor.pid && is_unheard(&a->unheard, p.pid, now_ns);
	*s = (struct seen){ .listener = l->id, .from_ns = from_ns, .votes = 1, .p = p };
	if (!alone)
		return;
	s->tid = p.pid == l->acceptor.pid && l->acceptor.tid ? l->acceptor.tid : p.pid;
	s->looked_ns = s->last_ns = now_ns;
	s->ran_ns = task_ran_ns(p.pid, s->tid);
}

/* One look may find anything: the state that it is in most of the time is left when unlike ones are paired off. */
static void vote(struct seen *s, char state)
{
	if (state == s->p.state) {
		s->votes++;
	} else if (s->votes) {
		s->votes--;
	} else {
		s->votes = 1;
		s->p.state = state;
		s->p.alike = s->p.unlike = 0;
	}
}

/* "R" is runnable: whether it ran shows in what it ran since. */
static void look_again(struct seen *s, uint64_t now_ns)
{
	uint64_t ran;
	char state;

	if (!s->tid || now_ns < s->last_ns + LOOK_EVERY_NS)
		return;
	s->last_ns = now_ns;
	state = task_state(s->p.pid, s->tid);
	if (!state) {
		s->tid = 0;
		return;
	}
	vote(s, state);
	ran = task_ran_ns(s->p.pid, s->tid);
	if (!s->ran_ns || ran < s->ran_ns)
		return;
	s->p.ran_ns = ran - s->ran_ns;
	s->p.of_ns = now_ns - s->looked_ns;
}

void around_watch(struct around *a, const struct model *m)
{
	uint64_t now_ns = model_totals(m)->last_ns;
	const struct listener *l;

	for (uint32_t i = 0; a && a->machine.holder && (l = model_listener(m, i)); i++) {
		uint64_t from = l->open ? l->pace.now.from_ns : 0;
		unsigned int slot;

		if (!from || now_ns < from + PACE_STALL_NS)
			continue;
		slot = find(a, l, from);
		if (slot < STALLS)
			look_again(&a->stall[slot], now_ns);
		else
			look_first(a, m, l, from, now_ns);
	}
}

struct around *around_new(bool pids)
{
	struct around *a = calloc(1, sizeof(*a));

	if (a)
		a->machine = (struct machine){ a, netns_here(), sysctl, pids ? process : NULL, pids ? holder : NULL };
	return a;
}

const struct machine *machine_of(const struct around *a)
{
	return a ? &a->machine : NULL;
}
