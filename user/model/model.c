// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model's front: made, fed, asked, freed. A record goes to the handler of
 * its event; a handler changes the tables and emits the steps that it means.
 * No clock, no I/O, no allocation after model_new().
 */
#include <errno.h>
#include <stdlib.h>

#include "internal.h"

#define SEED	0x8a5cd789635d2dffull

struct model *model_new(const struct model_limits *limits, model_event_fn fn, void *ctx)
{
	struct model *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	if (limits)
		m->limits = *limits;
	if (!m->limits.conns)
		m->limits.conns = MODEL_CONNS;
	if (!m->limits.listeners)
		m->limits.listeners = MODEL_LISTENERS;
	if (!m->limits.seed)
		m->limits.seed = SEED;
	if (!m->limits.hosts)
		m->limits.hosts = 1;
	m->conn_id = m->listener_id = m->limits.host;
	m->seen = ~0ull;
	m->only = m->limits.only;
	m->fn = fn;
	m->wants.steps = fn ? UINT64_MAX : 0;
	m->ctx = ctx;
	if (conns_init(m) || listeners_init(m) || places_init(m) || refused_init(m) || cookies_init(m) ||
	    connects_init(m)) {
		model_free(m);
		errno = ENOMEM;
		return NULL;
	}
	return m;
}

static void free_tables(struct model *m)
{
	int k;

	for (k = 0; k < CONN_KEYS; k++)
		free(m->by[k].all);
	free(m->conns);
	listeners_free(m);
	places_free(m);
	free(m->clients);
	free(m->cookies);
	free(m->connects);
	free(m->unheard);
	free(m->unanswered);
}

void model_free(struct model *m)
{
	if (!m)
		return;
	free_tables(m);
	free(m);
}

int model_begin_again(struct model *m)
{
	struct model *fresh = model_new(&m->limits, m->fn, m->ctx);

	if (!fresh)
		return -ENOMEM;
	model_want(fresh, &m->wants);
	free_tables(m);
	*m = *fresh;
	free(fresh);
	return 0;
}

static void on_lost(struct model *m, const struct tcptrace_record *rec)
{
	uint64_t count = rec->flags & TCPTRACE_F_ACTOR ? 0 : rec->arg;

	m->totals.lost[rec->new < TCPTRACE_EVENT_MAX ? rec->new : TCPTRACE_NONE] += count;
	m->totals.lost_total += count;
	if (!count)
		return;
	if (m->totals.lost_ns < rec->t_ns + call_dur_ns(rec))
		m->totals.lost_ns = rec->t_ns + call_dur_ns(rec);
	for (uint32_t i = 0; i < m->nlisteners; i++)
		pace_lost(m, &m->listeners[m->listener_order[i]], !call_dur_ns(rec));
}

static void on_observed(struct model *m, const struct tcptrace_record *rec)
{
	if (rec->flags & TCPTRACE_F_ACTOR)	/* its members are another's */
		return;
	m->seen = rec->arg;
	m->only = (uint32_t)rec->req | m->limits.only;
}

enum tcptrace_seen model_seen(const struct model *m, unsigned int event)
{
	return event < TCPTRACE_EVENT_MAX ? m->seen >> TCPTRACE_SEEN_SHIFT(event) & 3 : TCPTRACE_SEEN_NOT;
}

uint32_t model_only(const struct model *m)
{
	return m->only;
}

static const handler handlers[TCPTRACE_EVENT_MAX] = {
	[TCPTRACE_SOCKET]		= on_socket,
	[TCPTRACE_BIND]			= on_bind,
	[TCPTRACE_LISTEN]		= on_listen,
	[TCPTRACE_CONNECT]		= on_connect,
	[TCPTRACE_CONNECT_RETURN]	= on_connect_return,
	[TCPTRACE_ACCEPT]		= on_accept,
	[TCPTRACE_CLOSE]		= on_call,
	[TCPTRACE_SHUTDOWN]		= on_call,
	[TCPTRACE_READ]			= on_call,
	[TCPTRACE_WRITE]		= on_call,
	[TCPTRACE_SYNQ_ADD]		= on_synq_add,
	[TCPTRACE_SYNACK]		= on_synack,
	[TCPTRACE_SYNACK_RETRANS]	= on_synack,
	[TCPTRACE_SYNQ_DEL]		= on_synq_del,
	[TCPTRACE_ACCEPTQ_ADD]		= on_acceptq_add,
	[TCPTRACE_ACCEPTQ_DEL]		= on_acceptq_del,
	[TCPTRACE_DROP]			= on_drop,
	[TCPTRACE_COOKIE_SENT]		= on_cookie,
	[TCPTRACE_COOKIE_OK]		= on_cookie,
	[TCPTRACE_COOKIE_BAD]		= on_cookie,
	[TCPTRACE_STATE]		= on_state,
	[TCPTRACE_RETRANS]		= on_segment,
	[TCPTRACE_RST_SENT]		= on_segment,
	[TCPTRACE_RST_RECEIVED]		= on_segment,
	[TCPTRACE_EXISTS]		= on_exists,
	[TCPTRACE_DESTROY]		= on_destroy,
	[TCPTRACE_LOST]			= on_lost,
	[TCPTRACE_SNAPSHOT]		= on_snapshot,
	[TCPTRACE_OBSERVED]		= on_observed,
	[TCPTRACE_PLACE]		= on_place,
};

/* Who accepts. The connection is not kept. */
static void on_acceptor(struct model *m, const struct tcptrace_record *rec)
{
	if (rec->flags & TCPTRACE_F_ACTOR && !(rec->flags & TCPTRACE_F_INFERRED) && rec->ret >= 0)
		owner_accepts(m, listener_still(m, listener_find(m, rec->listener), rec), &m->actor);
}

/* A transition of a listener, not of what comes to it. */
static inline bool is_of_listener(const struct tcptrace_record *rec)
{
	return rec->new == TCP_S_LISTEN || (rec->old == TCP_S_LISTEN && rec->new != TCP_S_SYN_RECV);
}

static handler owners_handler(const struct model *m, const struct tcptrace_record *rec)
{
	bool listener;

	switch (rec->event) {
	case TCPTRACE_ACCEPT:
	case TCPTRACE_ACCEPTQ_DEL:
		return on_acceptor;
	case TCPTRACE_EXISTS:
		listener = rec->new == TCP_S_LISTEN;
		break;
	case TCPTRACE_STATE:
		listener = is_of_listener(rec);
		break;
	case TCPTRACE_DESTROY:
		listener = listener_find(m, rec->sk);
		break;
	default:
		listener = rec->event == TCPTRACE_LISTEN || tcptrace_event_class(rec->event) == TCPTRACE_NOTE;
	}
	return listener && rec->event < TCPTRACE_EVENT_MAX ? handlers[rec->event] : NULL;
}

static void to_handler(struct model *m, const struct tcptrace_record *rec)
{
	handler handle = NULL;

	if (m->wants.owners)
		handle = owners_handler(m, rec);
	else if (rec->event < TCPTRACE_EVENT_MAX)
		handle = handlers[rec->event];
	if (!handle)
		return;
	if (rec->flags & TCPTRACE_F_ACTOR)
		owner_load(m, rec);
	if (rec->t_ns >= m->expire_ns)
		conns_expire(m, rec->t_ns);
	handle(m, rec);
}

void model_feed(struct model *m, const struct tcptrace_record *rec)
{
	m->totals.records++;
	if (!m->totals.first_ns)
		m->totals.first_ns = rec->t_ns;
	if (rec->t_ns > m->totals.last_ns)
		m->totals.last_ns = rec->t_ns;
	if (!brief_takes(m, rec))
		to_handler(m, rec);
	if (m->surplus) {
		leave_surplus(m, m->surplus, rec->t_ns);
		m->surplus = NULL;
	}
}

void model_feed_all(struct model *m, const struct tcptrace_record *const *rec, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		/* most of what a recording has, and looked at first */
		if (m->wants.owners && rec[i]->event == TCPTRACE_STATE && !is_of_listener(rec[i]))
			m->totals.records++;
		else
			model_feed(m, rec[i]);
	}
}

void model_want(struct model *m, const struct model_wants *wants)
{
	m->wants = *wants;
}

void model_until(struct model *m, uint64_t now_ns)
{
	uint32_t i;

	if (now_ns <= m->totals.last_ns)
		return;
	m->totals.last_ns = now_ns;
	for (i = 0; i < m->nlisteners; i++) {
		struct listener *l = &m->listeners[m->listener_order[i]];

		if (!l->open || !l->acceptq.surplus_ns)
			continue;
		queue_surplus(m, l, now_ns);
		if (m->surplus)
			leave_surplus(m, l, now_ns);
		m->surplus = NULL;
	}
	owner_verify(m);
}

const struct model_totals *model_totals(const struct model *m)
{
	return &m->totals;
}

const struct listener *model_listener(const struct model *m, uint32_t i)
{
	return i < m->nlisteners ? &m->listeners[m->listener_order[i]] : NULL;
}

