// SPDX-License-Identifier: GPL-2.0-only
/* How long nobody took from an accept queue that was not empty. */
#include "internal.h"

/* CPUs' clocks may differ by some ns. */
static void set_length(struct stall *s, uint64_t until_ns)
{
	s->ns = until_ns > s->from_ns ? until_ns - s->from_ns : 0;
}

static void set_refused(struct stall *s, const struct listener *l)
{
	const struct pace *p = &l->pace;
	uint64_t busy_ns = s->from_ns + s->ns - p->busy_ns;

	s->refused = refused_by_acceptq(l) - p->refused;
	s->clients = l->refused.clients - p->clients;
	s->refused_busy = s->refused;
	s->clients_busy = s->clients;
	if (2 * s->ns < busy_ns)
		return;
	s->refused_busy = refused_by_acceptq(l) - p->refused_empty;
	s->clients_busy = l->refused.clients - p->clients_empty;
}

/* Nobody waits any more. */
static void idles(struct listener *l)
{
	l->pace.refused_empty = refused_by_acceptq(l);
	l->pace.clients_empty = l->refused.clients;
	l->pace.busy_ns = 0;
}

bool stall_worse(const struct stall *a, const struct stall *b)
{
	bool long_a = a->ns >= PACE_STALL_NS, long_b = b->ns >= PACE_STALL_NS;

	if (long_a != long_b)
		return long_a;
	return a->refused != b->refused ? a->refused > b->refused : a->ns > b->ns;
}

/* The list found it in no process: it is in an io_uring, or on its way from one to another. */
static bool is_unheld(const struct listener *l)
{
	return l->opener_gone && !listener_keeper(l) && !listener_seldom(l)->worker.pid;
}

/* Whom to name, whoever accepts later. */
static const struct owner *server_of(const struct listener *l)
{
	if (l->acceptor.pid && !l->acceptor_gone)
		return &l->acceptor;
	if (listener_seldom(l)->worker.pid)
		return &listener_seldom(l)->worker;
	return is_unheld(l) ? &l->acceptor : listener_named(l);
}

static void ends(struct listener *l, uint64_t t_ns)
{
	struct pace *p = &l->pace;
	struct stall s;

	if (!p->now.from_ns)
		return;
	s = p->now;
	p->now.from_ns = 0;
	s.unheld = is_unheld(l);
	set_length(&s, t_ns);
	set_refused(&s, l);
	if (stall_worse(&s, &p->worst))
		p->worst = s;
	if (s.ns < PACE_STALL_NS)
		return;
	if (p->worst.from_ns == s.from_ns)
		l->staller = *server_of(l);
	p->stalls++;
	p->stalled_ns += s.ns;
	p->stalled_refused += s.refused;
	p->stalled_clients += s.clients;
	p->stalled_before |= s.before;
}

/* While records are lost nobody knows whether one was taken: no pause is known until all are there again. */
static void begins(const struct model *m, struct listener *l, uint64_t t_ns, bool before)
{
	bool late = t_ns < lost_until(m);

	l->pace.now = (struct stall){ .from_ns = late ? lost_until(m) : t_ns, .before = before || late,
				      .first = !l->pace.takes, .waiting = l->acceptq.now };
	l->pace.shown_ns = t_ns;
	l->pace.refused = refused_by_acceptq(l);
	l->pace.clients = l->refused.clients;
	if (!l->pace.busy_ns)
		l->pace.busy_ns = l->pace.now.from_ns;
}

/* Steps that two CPUs make at once are told within this. */
#define AT_ONCE_NS	10000000ull

/*
 * A length may be there before the step that made it: of the same record, or of one that another CPU makes at the same
 * time. That step finds a queue that does not grow, and nobody has taken any.
 */
static bool was_taken(struct pace *p, uint64_t t_ns, uint32_t expected, uint32_t length)
{
	if (t_ns > p->ahead_ns + AT_ONCE_NS)
		p->ahead = 0;
	if (length > expected) {
		p->ahead += length - expected;
		p->ahead_ns = t_ns;
	}
	if (length >= expected)
		return false;
	if (expected - length > p->ahead)
		return true;
	p->ahead -= expected - length;
	return false;
}

/*
 * The accept queue had `before`, one came in (step 1), one went out (-1) or neither, and now it has
 * l->acceptq.now. Fewer than there should be: some were taken of which there is no record.
 */
void pace_step(const struct model *m, struct listener *l, const struct tcptrace_record *rec, uint32_t before, int step)
{
	uint32_t length = l->acceptq.now;
	struct pace *p = &l->pace;
	bool told = step < 0 && !(rec->flags & (TCPTRACE_F_SAMPLED | TCPTRACE_F_INFERRED));

	if (!l->open || (rec->event == TCPTRACE_SYNQ_ADD && !before && !length))
		return;
	if (step < 0 || was_taken(p, rec->t_ns, before + (step > 0), length)) {
		p->takes++;
		p->took_ns = rec->t_ns;
		p->ahead = 0;
		ends(l, told ? rec->t_ns : p->shown_ns);
	}
	if (!length) {
		ends(l, p->shown_ns);
		idles(l);
		return;
	}
	if (!p->now.from_ns || (step > 0 && length == 1))	/* who waits has come just now, though its length was there */
		begins(m, l, rec->t_ns, step < 0 ? !told : step == 0 || length > 1);
	if (length > p->now.waiting)
		p->now.waiting = length;
	if (rec->flags & TCPTRACE_F_QUEUES && rec->t_ns > p->shown_ns)
		p->shown_ns = rec->t_ns;
}

/* Who waited until now is thrown out. */
void pace_close(struct listener *l, uint64_t t_ns)
{
	struct stall s = l->pace.now;

	if (l->acceptq.now) {
		l->pace.left += l->acceptq.now;
		l->pace.closings++;
		l->pace.left_ns = t_ns;
		l->pace.left_stalled = false;
	}
	if (s.from_ns) {
		set_length(&s, t_ns);
		l->pace.left_stalled = s.ns >= PACE_STALL_NS;
		set_refused(&s, l);
		l->pace.left_refused += s.refused_busy;
	}
	ends(l, t_ns);
	idles(l);
}

/* any_time: when they were lost is not known, so those that are over may be none either. */
void pace_lost(const struct model *m, struct listener *l, bool any_time)
{
	struct pace *p = &l->pace;

	if (any_time) {
		p->worst = (struct stall){ 0 };
		p->stalls = 0;
		p->stalled_ns = p->stalled_refused = 0;
		p->stalled_clients = 0;
		p->stalled_before = false;
	}
	if (p->now.from_ns && p->now.from_ns < lost_until(m))
		begins(m, l, m->totals.last_ns, true);
}

/* Is each connection that leaves an accept queue seen to leave it? */
static bool takes_are_seen(const struct model *m, const struct listener *l)
{
	return model_seen(m, TCPTRACE_ACCEPTQ_DEL) == TCPTRACE_SEEN_EXACTLY && !l->part;
}

bool pace_now(const struct model *m, const struct listener *l, struct stall *s)
{
	*s = l->pace.now;
	if (!s->from_ns || !l->open)
		return false;
	s->unheld = is_unheld(l);
	set_length(s, takes_are_seen(m, l) ? m->totals.last_ns : l->pace.shown_ns);
	set_refused(s, l);
	return true;
}
