// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which events each figure is counted from. How these are seen (model_seen()), what narrows them (model_only()) and
 * what was lost says what the figure is worth.
 */
#include "figure.h"
#include "internal.h"

#define ON(event)	(1ull << TCPTRACE_##event)
#define PART		(TCPTRACE_ONLY_RPORTS | TCPTRACE_ONLY_ADDRS)	/* of a listener's connections */

static const struct rule {
	uint64_t all;		/* events that it needs */
	uint64_t any;		/* and of these one */
	uint32_t narrows;	/* TCPTRACE_ONLY_*: then there may be more */
	bool time;		/* how long: what a sweep finds later says nothing about it */
} rules[FIGURE_MAX] = {
	[FIGURE_SYNQ_NOW]	= { 0, 0, 0, false },
	[FIGURE_ACCEPTQ_NOW]	= { 0, 0, 0, false },
	[FIGURE_SYNQ_PEAK]	= { ON(SYNQ_ADD), 0, PART, false },
	[FIGURE_SYNQ_FULL]	= { ON(SYNQ_ADD), ON(SYNQ_DEL) | ON(ACCEPTQ_ADD), 0, true },
	[FIGURE_SYNQ_OLDEST]	= { ON(SYNQ_ADD), ON(SYNQ_DEL) | ON(ACCEPTQ_ADD), PART, true },
	[FIGURE_SYNQ_WAIT]	= { ON(SYNQ_ADD), ON(SYNQ_DEL) | ON(ACCEPTQ_ADD), PART, true },
	[FIGURE_SYNQ_OUT]	= { 0, ON(SYNQ_DEL) | ON(ACCEPTQ_ADD), PART, false },
	[FIGURE_EXPIRED]	= { ON(SYNQ_DEL), 0, PART, false },
	[FIGURE_ACCEPTQ_PEAK]	= { ON(ACCEPTQ_ADD), 0, PART, false },
	[FIGURE_ACCEPTQ_FULL]	= { ON(ACCEPTQ_ADD) | ON(ACCEPTQ_DEL), 0, 0, true },
	[FIGURE_ACCEPTQ_OLDEST]	= { ON(ACCEPTQ_ADD) | ON(ACCEPTQ_DEL), 0, PART, true },
	[FIGURE_ACCEPTQ_WAIT]	= { ON(ACCEPTQ_ADD) | ON(ACCEPTQ_DEL), 0, PART, true },
	[FIGURE_ESTABLISHED]	= { ON(ACCEPTQ_ADD), 0, PART, false },
	[FIGURE_ACCEPTED]	= { ON(ACCEPTQ_DEL), 0, PART, false },
	[FIGURE_ACCEPTORS]	= { 0, ON(ACCEPTQ_DEL) | ON(ACCEPT), PART, false },
	[FIGURE_ACCEPT_ERRORS]	= { ON(ACCEPT), 0, PART, false },
	[FIGURE_BLOCKED]	= { ON(ACCEPT), 0, PART, true },
	[FIGURE_REFUSED]	= { ON(DROP), 0, PART, false },
	[FIGURE_COOKIES_SENT]	= { ON(COOKIE_SENT), 0, PART, false },
	[FIGURE_COOKIES_BACK]	= { ON(COOKIE_OK) | ON(COOKIE_BAD), 0, PART, false },
	[FIGURE_SYNACK_RETRANS]	= { ON(SYNACK_RETRANS), 0, PART, false },
	[FIGURE_GHOSTS]		= { ON(DROP) | ON(SYNQ_DEL) | ON(ACCEPTQ_ADD), 0, PART, false },
};

static const char *const keys[FIGURE_MAX] = {
#define FIGURE_KEY(sym, key) [FIGURE_##sym] = key,
	FIGURES(FIGURE_KEY)
#undef FIGURE_KEY
};

const char *figure_key(enum figure f)
{
	return keys[f];
}

bool listener_incomplete(const struct model *m, const struct listener *l)
{
	return m->totals.lost_total && l->born_ns <= m->totals.lost_ns;
}

/* Other records that tell of it where it has no hook of its own. */
static uint64_t read_off(unsigned int event)
{
	switch (event) {
	case TCPTRACE_ACCEPTQ_DEL: return ON(ACCEPT) | ON(ACCEPTQ_ADD);
	case TCPTRACE_SYNQ_DEL: return ON(ACCEPTQ_ADD);
	case TCPTRACE_COOKIE_OK: return ON(ACCEPTQ_ADD) | ON(DROP);
	}
	return 0;
}

/* All that was lost before then is told, and what exists was asked again: what is counted from then on lacks nothing. */
static bool made_up_for(const struct model *m, uint64_t since_ns)
{
	return since_ns && since_ns >= lost_until(m) && m->snap.begin_ns > m->totals.lost_ns && !m->snap.active;
}

static bool lost_some(const struct model *m, const struct listener *l, unsigned int event, uint64_t since_ns)
{
	uint64_t of = 1ull << event | ON(NONE) | (model_seen(m, event) == TCPTRACE_SEEN_EXACTLY ? 0 : read_off(event));

	if (!listener_incomplete(m, l) || made_up_for(m, since_ns))
		return false;
	for (unsigned int i = 0; i < TCPTRACE_EVENT_MAX; i++)
		if (of >> i & 1 && m->totals.lost[i])
			return true;
	return false;
}

static enum known of_event(const struct model *m, const struct listener *l, unsigned int event, bool time, uint64_t since_ns)
{
	switch (model_seen(m, event)) {
	case TCPTRACE_SEEN_NOT:
		return KNOWN_NOT;
	case TCPTRACE_SEEN_SAMPLED:
		return time ? KNOWN_NOT : KNOWN_LEAST;
	default:
		return lost_some(m, l, event, since_ns) ? KNOWN_LEAST : KNOWN_EXACTLY;
	}
}

/* All of them: what the worst is worth; any: the best. */
static enum known of_events(const struct model *m, const struct listener *l, const struct rule *r, uint64_t since_ns)
{
	enum known worst = KNOWN_EXACTLY, best = r->any ? KNOWN_NOT : KNOWN_EXACTLY, k;

	for (unsigned int event = 1; event < TCPTRACE_EVENT_MAX; event++) {
		if (!((r->all | r->any) >> event & 1))
			continue;
		k = of_event(m, l, event, r->time, since_ns);
		if (r->all >> event & 1)
			worst = k < worst ? k : worst;
		else
			best = k > best ? k : best;
	}
	return worst < best ? worst : best;
}

bool listener_left_out(const struct model *m, const struct listener *l)
{
	return m->only & (TCPTRACE_ONLY_LPORTS | TCPTRACE_ONLY_NETNS) && !l->born_ns && !l->seen_gen;
}

/* A run that asks for steps of the queues asks for the ends of listeners, too (plan.c). */
static bool ends_seen(const struct model *m)
{
	static const uint8_t steps[] = { TCPTRACE_DROP, TCPTRACE_SYNQ_ADD, TCPTRACE_SYNQ_DEL, TCPTRACE_ACCEPTQ_ADD,
					 TCPTRACE_ACCEPTQ_DEL, TCPTRACE_COOKIE_SENT };
	bool seen = !listener_life_unseen(m);

	for (unsigned int i = 0; i < sizeof(steps); i++)
		seen |= model_seen(m, steps[i]) != TCPTRACE_SEEN_NOT;
	return seen;
}

/* One that is asked for is known by its begin, or a snapshot; another one's end and listen() are left out. */
bool listener_followed(const struct model *m, const struct listener *l)
{
	if (m->only & ~TCPTRACE_ONLY_ADDRS && !l->born_ns && !l->seen_gen)
		return false;
	return ends_seen(m) && !(m->only & TCPTRACE_ONLY_RPORTS);
}

/* Nothing is asked for but what is there: it is as the snapshot says. */
static bool is_a_look(const struct model *m)
{
	unsigned int event = 1;

	while (event < TCPTRACE_EVENT_MAX && (event == TCPTRACE_EXISTS || model_seen(m, event) == TCPTRACE_SEEN_NOT))
		event++;
	return event == TCPTRACE_EVENT_MAX;
}

bool listener_open_known(const struct model *m, const struct listener *l)
{
	return l->open && (listener_followed(m, l) || is_a_look(m));
}

static enum known at_most(enum known k, bool doubt)
{
	return doubt && k > KNOWN_LEAST ? KNOWN_LEAST : k;
}

/* Is each step of the accept queue seen; of the SYN queue, or found by a sweep? Else requests that are gone are still counted. */
static bool steps_seen(const struct model *m, bool synq)
{
	if (synq)
		return model_seen(m, TCPTRACE_SYNQ_ADD) >= TCPTRACE_SEEN_DEDUCED && model_seen(m, TCPTRACE_SYNQ_DEL);
	return model_seen(m, TCPTRACE_ACCEPTQ_ADD) >= TCPTRACE_SEEN_DEDUCED &&
	       model_seen(m, TCPTRACE_ACCEPTQ_DEL) >= TCPTRACE_SEEN_DEDUCED;
}

bool listener_limit_known(const struct model *m, const struct listener *l)
{
	return l->limit_known && ((model_seen(m, TCPTRACE_LISTEN) && listener_followed(m, l)) || is_a_look(m));
}

#define YOUNG_NS	1000000000ull	/* a length that old is told where no step tells of the next */

/* The kernel's own number, as young as the last record that had one: old where not every step has a record. */
static enum known now_known(const struct model *m, const struct listener *l, bool synq)
{
	bool steps = steps_seen(m, synq) && !(m->only & PART) && listener_followed(m, l);

	if (!l->open)			/* who is left was thrown out or moved on: which of both is not known yet */
		return (synq ? l->synq.now : l->acceptq.now) ? KNOWN_NOT : KNOWN_EXACTLY;
	return l->lengths_ns && (steps || m->totals.last_ns < l->lengths_ns + YOUNG_NS) ? KNOWN_EXACTLY : KNOWN_NOT;
}

/* When it came, or was found: it waits since then at least; 0: unknown. */
static uint64_t waits_since(const struct conn *c)
{
	uint64_t since = c->in_acceptq ? c->acceptq_ns : c->synq_ns;

	return since ? since : c->known_ns;
}

/* Until when that is known. Where some were taken unseen, more may have been since the last length from the kernel. */
static uint64_t waits_until(const struct model *m, const struct conn *c)
{
	const struct listener *l = c->listener;

	return l->unseen && c->in_acceptq && l->lengths_ns < m->totals.last_ns ? l->lengths_ns : m->totals.last_ns;
}

static uint64_t waited(const struct model *m, const struct conn *c)
{
	uint64_t since = waits_since(c), until = waits_until(m, c);

	return since && until > since ? until - since : 0;
}

/* It was there before us, or may have been since we knew that last. */
static bool waits_longer(const struct model *m, const struct conn *c)
{
	return waits_until(m, c) < m->totals.last_ns || !(c->in_acceptq ? c->acceptq_ns : c->synq_ns);
}

/* Of the list; not the surplus, which the kernel has not got any more. */
static const struct conn *first_waiting(const struct queue *q)
{
	uint32_t surplus = q->known > q->now ? q->known - q->now : 0;
	const struct conn *c = q->oldest;

	while (c && surplus--)
		c = c->next_q;
	return c;
}

uint64_t model_oldest_wait(const struct model *m, const struct queue *q)
{
	const struct conn *c = first_waiting(q);

	return c ? waited(m, c) : 0;
}

uint32_t model_acceptq_waits(const struct model *m, const struct listener *l, struct hist *waits)
{
	const struct conn *c;
	uint32_t n = 0;

	waits_hist(&l->in_acceptq, waits);
	for (c = l->open ? first_waiting(&l->acceptq) : NULL; c; c = c->next_q) {
		uint64_t ns = waited(m, c);

		if (ns && !c->moved)
			(waits_longer(m, c) ? hist_add_least : hist_add)(waits, ns);
		n += ns != 0;
	}
	return n;
}

/* Nobody waits, or it is known since when; at least that where the kernel holds more than we saw come. */
static enum known oldest_known(const struct model *m, const struct listener *l, const struct queue *q, enum known k)
{
	const struct conn *c = first_waiting(q);

	if (!k)
		return k;
	if (!q->now)			/* as the kernel's length says, whatever is not seen of those before */
		return now_known(m, l, q == &l->synq) ? KNOWN_EXACTLY : k;
	if (!l->open || !c || !waited(m, c))	/* who is left of a closed one waits there no more */
		return KNOWN_NOT;
	return at_most(k, q->now > q->known || waits_longer(m, c));
}

enum known figure_known(const struct model *m, const struct listener *l, enum figure f)
{
	return figure_known_since(m, l, f, 0);
}

enum known figure_known_since(const struct model *m, const struct listener *l, enum figure f, uint64_t since_ns)
{
	const struct rule *r = &rules[f];
	uint32_t only = m->only | (listener_left_out(m, l) ? PART : 0);
	enum known k = at_most(of_events(m, l, r, since_ns), (only & r->narrows) || l->part);

	switch (f) {
	case FIGURE_SYNQ_NOW:
	case FIGURE_ACCEPTQ_NOW:
		return now_known(m, l, f == FIGURE_SYNQ_NOW);
	case FIGURE_SYNQ_PEAK:
	case FIGURE_ACCEPTQ_PEAK:	/* each record that has the lengths is a look at the queue */
		return k ? k : l->limit_known ? KNOWN_LEAST : KNOWN_NOT;
	case FIGURE_SYNQ_OUT:		/* the way into the accept queue tells of those that established alone */
		return model_seen(m, TCPTRACE_SYNQ_DEL) ? k : KNOWN_NOT;
	case FIGURE_SYNQ_FULL:
		return l->limit_known && !(only & PART) && steps_seen(m, true) ? k : KNOWN_NOT;
	case FIGURE_ACCEPTQ_FULL:
		return l->limit_known && !(only & PART) ? k : KNOWN_NOT;
	case FIGURE_SYNQ_OLDEST:
		return steps_seen(m, true) ? oldest_known(m, l, &l->synq, k) : KNOWN_NOT;
	case FIGURE_ACCEPTQ_OLDEST:
		return oldest_known(m, l, &l->acceptq, k);
	case FIGURE_ACCEPTQ_WAIT:	/* of those that were taken */
		return at_most(k, l->in_acceptq.open);
	case FIGURE_BLOCKED:		/* no call was seen to begin: only what it returned was of interest */
		return l->accepted && !l->in_accept.count ? KNOWN_NOT : k;
	case FIGURE_COOKIES_SENT:
		return l->cookies_shared ? KNOWN_NOT : k;
	default:
		return k;
	}
}

uint64_t model_full_ns(const struct model *m, const struct queue *q)
{
	bool on = q->full_since_ns && m->totals.last_ns > q->full_mark_ns;

	return q->full_ns + (on ? m->totals.last_ns - q->full_mark_ns : 0);
}

uint32_t figure_drops_unseen(const struct model *m, const struct listener *l)
{
	bool all = figure_known(m, l, FIGURE_REFUSED) == KNOWN_EXACTLY &&
		   model_seen(m, TCPTRACE_DROP) == TCPTRACE_SEEN_EXACTLY;

	return all ? 0 : l->drops_unseen;
}
