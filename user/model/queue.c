// SPDX-License-Identifier: GPL-2.0-only
/*
 * Both queues of a listener: their numbers after each step, and the conns that
 * we saw enter and not leave, in order.
 */
#include "internal.h"

#define PART_NS		10000000000ull

/* Parts that passed without a step had the length that was there all the time. */
static void parts_until(struct queue *q, uint64_t part)
{
	uint64_t n = part - q->part;

	if (part <= q->part)
		return;
	for (uint64_t i = 0; i < n && i < QUEUE_PARTS; i++)
		q->part_peak[(part - i) % QUEUE_PARTS] = q->now;
	q->part = part;
	q->part_end_ns = (part + 1) * PART_NS;
	q->part_top = q->now;
}

uint32_t model_minute_peak(const struct model *m, const struct queue *q)
{
	struct queue until = *q;
	uint32_t peak = 0;

	parts_until(&until, m->totals.last_ns / PART_NS);
	for (unsigned int i = 0; i < QUEUE_PARTS; i++)
		peak = until.part_peak[i] > peak ? until.part_peak[i] : peak;
	return peak;
}

static void set_peaks(struct queue *q)
{
	q->part_top = q->part_peak[q->part % QUEUE_PARTS] = q->now;
	if (q->now > q->peak)
		q->peak = q->now;
}

uint32_t model_longest(const struct model *m, const struct queue *q)
{
	return q->look == m->wants.looks && q->longest > q->now ? q->longest : q->now;
}

/* No step makes a division. */
static inline void queue_change(const struct model *m, struct queue *q, uint32_t now, bool full, uint64_t t_ns)
{
	if (q->full_since_ns && t_ns > q->full_mark_ns)
		q->full_ns += t_ns - q->full_mark_ns;
	if (t_ns > q->full_mark_ns)
		q->full_mark_ns = t_ns;
	if (!full)
		q->full_since_ns = 0;
	else if (!q->full_since_ns)
		q->full_since_ns = t_ns;
	if (t_ns >= q->part_end_ns)
		parts_until(q, t_ns / PART_NS);
	q->longest = model_longest(m, q);
	q->look = m->wants.looks;
	if (now > q->longest)
		q->longest = now;
	q->now = now;
	if (now > q->part_top)
		set_peaks(q);
}

/* Of both queues, at each step, of which most leave one as it was. */
static inline void queue_set(const struct model *m, struct queue *q, uint32_t now, bool full, uint64_t t_ns)
{
	if (now != q->now || full || q->full_since_ns || t_ns >= q->part_end_ns)
		queue_change(m, q, now, full, t_ns);
}

static uint32_t counted(uint32_t now, int by)
{
	return by < 0 ? now - (now > 0) : now + by;
}

/*
 * One leaves, and no record says how many are left: one fewer, unless the last length from the kernel is below our
 * list already.
 */
int queue_step_unseen(const struct queue *q)
{
	return q->known + q->brief > q->now ? 0 : -1;
}

/*
 * One that a snapshot finds gone, which has the length, too. Where not each way in is seen the list is shorter than that,
 * and says nothing about it.
 */
int queue_step_late(const struct model *m, const struct listener *l, bool synq, const struct tcptrace_record *rec)
{
	bool all = model_seen(m, synq ? TCPTRACE_SYNQ_ADD : TCPTRACE_ACCEPTQ_ADD) && !(m->only & TCPTRACE_ONLY_RPORTS);

	if (!all && rec->flags & TCPTRACE_F_SAMPLED && m->snap.active && l->lengths_ns >= m->snap.begin_ns)
		return 0;
	return queue_step_unseen(synq ? &l->synq : &l->acceptq);
}

/*
 * A conn that accept() takes has left the kernel's queue before its call returns and is recorded; on a busy
 * machine the caller may be preempted in between, and two CPUs may read a length before each other's step. So
 * the list must have been longer all that time before it is believed.
 */
#define SURPLUS_NS	100000000ull

void queue_surplus(struct model *m, struct listener *l, uint64_t t_ns)
{
	struct queue *q = &l->acceptq;
	uint32_t have = q->known + q->brief, n = q->known && have > q->now ? have - q->now : 0;

	if (!n || q->surplus_of != q->oldest->id) {
		q->surplus_ns = n ? t_ns : 0;
		q->surplus_of = n ? q->oldest->id : 0;
		q->surplus = n;
		return;
	}
	if (n < q->surplus)
		q->surplus = n;
	if (t_ns > q->surplus_ns && t_ns - q->surplus_ns >= SURPLUS_NS)
		m->surplus = l;
}

/*
 * Both queues after a step: the kernel's own numbers where the record has them,
 * else our count. N + 1 fit into a queue with limit N (older kernels: N into
 * the SYN queue).
 */
void queue_numbers(struct model *m, struct listener *l, const struct tcptrace_record *rec,
		      int synq_step, int acceptq_step)
{
	uint32_t synq, acceptq, before;
	bool may_fill, synq_full;

	/* of a listen() whose record is older than the snapshot that found the socket: it had nobody yet */
	if (!l || (rec->t_ns < l->lengths_ns && tcptrace_of_listener(rec)))
		return;
	before = l->acceptq.now;
	if (rec->flags & TCPTRACE_F_QUEUES) {
		synq = rec->synq;
		acceptq = rec->acceptq;
		l->synq_young = rec->synq_young;
		if (rec->acceptq_max != l->limit || !l->limit_known)
			listener_limit(l, rec->acceptq_max);
		l->backlog_known = l->limit == l->listen_limit;	/* a filter hides other processes' listen() */
		l->lengths_ns = rec->t_ns;
		if (rec->flags & TCPTRACE_F_REQUEST)
			l->deferred = rec->old;
	} else {
		synq = counted(l->synq.now, synq_step);
		acceptq = counted(before, acceptq_step);
	}
	if (!acceptq)
		l->refused.empty_ns = rec->t_ns;
	if (l->synq_young > synq)	/* some are in the queue */
		l->synq_young = synq;
	may_fill = l->open && l->limit_known;
	synq_full = synq > l->limit || (m->synq_full_at_limit && synq == l->limit);
	queue_set(m, &l->synq, synq, may_fill && synq_full, rec->t_ns);
	queue_set(m, &l->acceptq, acceptq, may_fill && acceptq > l->limit, rec->t_ns);
	pace_step(m, l, rec, before, acceptq_step);
	if (rec->flags & TCPTRACE_F_QUEUES && l->open && (l->acceptq.known + l->acceptq.brief > acceptq || l->acceptq.surplus_of))
		queue_surplus(m, l, rec->t_ns);
}

/* What is closed refuses nobody, though some may be left in its queues. */
void queue_closed(const struct model *m, struct listener *l, uint64_t t_ns)
{
	queue_set(m, &l->synq, l->synq.now, false, t_ns);
	queue_set(m, &l->acceptq, l->acceptq.now, false, t_ns);
}

/* A listener that is destroyed has no accept queue; its requests may outlive it. */
void queue_acceptq_gone(const struct model *m, struct listener *l, uint64_t t_ns)
{
	queue_set(m, &l->acceptq, 0, false, t_ns);
}

static struct queue *queue_of(struct conn *c)
{
	return c->in_acceptq ? &c->listener->acceptq : &c->listener->synq;
}

void queue_enter(struct model *m, struct conn *c, bool acceptq)
{
	struct queue *q;

	queue_leave(m, c);
	c->in_acceptq = acceptq;
	c->in_synq = !acceptq;
	age_set(m, c, LIST_QUEUED);
	if (!c->listener)
		return;
	q = queue_of(c);
	c->next_q = NULL;
	c->prev_q = q->newest;
	*(q->newest ? &q->newest->next_q : &q->oldest) = c;
	q->newest = c;
	q->known++;
}

void queue_leave(struct model *m, struct conn *c)
{
	struct queue *q;

	if (!c->in_synq && !c->in_acceptq)
		return;
	if (c->listener) {
		q = queue_of(c);
		*(c->prev_q ? &c->prev_q->next_q : &q->oldest) = c->next_q;
		*(c->next_q ? &c->next_q->prev_q : &q->newest) = c->prev_q;
		c->prev_q = c->next_q = NULL;
		q->known--;
	}
	c->in_synq = c->in_acceptq = false;
	age_set(m, c, LIST_ACTIVE);
}

void queue_set_listener(struct model *m, struct conn *c, struct listener *l)
{
	bool queued = c->in_synq || c->in_acceptq, acceptq = c->in_acceptq;

	if (c->listener == l)
		return;
	queue_leave(m, c);
	if (c->listener)
		c->listener->refs--;
	c->listener = l;
	if (l)
		l->refs++;
	if (queued && l)
		queue_enter(m, c, acceptq);
}
