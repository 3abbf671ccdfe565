// SPDX-License-Identifier: GPL-2.0-only
/* Records of the rings, and what exists among them, to the caller of poll(). */
#include <time.h>

#include "../../lib/clock.h"
#include "../../lib/tr.h"
#include "bpf.h"

_Static_assert(CAPTURE_TRACED == 262144 && CAPTURE_PIDS == 16384, "as tell_untraced() has them");

#define MERGE_TRIES	100		/* naps of 0.1 ms until what was there before a snapshot is all read */

/* What was found before t_ns comes first. */
static void hand_on_snap(struct bpf_source *s, uint64_t t_ns)
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
static inline void count_waiting(struct bpf_source *s, const struct tcptrace_record *rec)
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

	if (s->snap_next < s->snap_n)
		hand_on_snap(s, rec->t_ns);
	count_waiting(s, rec);
	s->delivered++;
	if (!s->fn_ret)
		s->fn_ret = s->fn(s->ctx, rec);
	s->drained++;
	return s->fn_ret;
}

/* Not where what exists comes among them. */
static unsigned int on_batch(void *arg, const struct tcptrace_record *const *rec, unsigned int n)
{
	struct bpf_source *s = arg;
	unsigned int taken = s->base.batch(s->ctx, rec, s->snap_n ? 0 : n);

	for (unsigned int i = 0; i < taken; i++)
		count_waiting(s, rec[i]);
	s->delivered += taken;
	s->drained += taken;
	return taken;
}

/*
 * A socket of a traced process that found no room is seen in its calls alone: how many records are missing is unknown, one
 * at the least. To ask what exists would not help.
 */
static int tell_untraced(struct bpf_source *s, uint64_t from_ns, uint64_t now_ns)
{
	struct tcptrace_record r = { .event = TCPTRACE_LOST, .fd = -1, .t_ns = from_ns, .call_ns = now_ns - from_ns, .arg = 1 };

	if (!__atomic_load_n(&s->load.skel->bss->traced_full, __ATOMIC_RELAXED))
		return 0;
	s->load.skel->bss->traced_full = 0;
	s->told_ns = now_ns;
	s->lost_total++;
	s->base.note = _("-p, -- PROGRAM: more sockets or processes than there is room for (262,144 and 16,384): of some only "
			 "their calls are seen");
	return s->fn(s->ctx, &r);
}

/*
 * New losses become LOST records, ahead of what is read after them: model, view and recording know then. At most once a
 * second, as each drain might have some; but at once where nothing was lost before.
 */
int tell_lost(struct bpf_source *s, bool last)
{
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC), from_ns = s->looked_ns;
	int err = 0;

	if (!last && now_ns - s->told_ns < SECOND)
		return 0;
	s->looked_ns = now_ns;
	for (uint32_t ev = 1; !err && ev < TCPTRACE_EVENT_MAX; ev++) {
		struct tcptrace_record r = { .event = TCPTRACE_LOST, .new = ev, .fd = -1 };
		uint64_t sum = __atomic_load_n(&s->load.skel->bss->lost[ev], __ATOMIC_RELAXED);

		if (sum == s->lost[ev])
			continue;
		r.t_ns = from_ns;
		r.call_ns = now_ns - from_ns;
		r.arg = sum - s->lost[ev];
		s->told_ns = now_ns;
		s->lost_total += r.arg;
		s->lost[ev] = sum;
		s->resync = true;
		err = s->fn(s->ctx, &r);
	}
	return err ? err : tell_untraced(s, from_ns, now_ns);
}

int drain(struct bpf_source *s, uint64_t until_ns)
{
	s->drained = 0;
	s->fn_ret = tell_lost(s, until_ns == UINT64_MAX);
	if (s->fn_ret)
		return s->fn_ret;
	rings_drain(&s->rings, until_ns, on_record, s->base.batch ? on_batch : NULL, s);
	return s->fn_ret ? s->fn_ret : (int)s->drained;
}

int drain_with_snap(struct bpf_source *s)
{
	const struct timespec nap = { 0, 100000 };
	uint64_t until_ns = clock_ns(CLOCK_MONOTONIC);
	int n, tries = 0;

	s->snap_next = 0;
	do {			/* a program that writes a record may have been preempted */
		n = drain(s, until_ns);
		if (n < 0)
			return n;
	} while (s->rings.blocked && tries++ < MERGE_TRIES && !nanosleep(&nap, NULL));
	hand_on_snap(s, UINT64_MAX);
	s->snap_n = 0;
	return s->fn_ret;
}
