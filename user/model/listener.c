// SPDX-License-Identifier: GPL-2.0-only
/*
 * Listeners: found by socket and by local port, kept after their close for the
 * summary.
 */
#include <errno.h>
#include <stdlib.h>

#include "../lib/pages.h"
#include "../lib/put.h"
#include "internal.h"

#define FORGET_TRIES	4	/* closed listeners looked at to find one that no conn needs */

/* As many rows as there are listeners: one is never missing. */
struct seldom *seldom_of(struct model *m, struct listener *l)
{
	if (!l->seldom)
		l->seldom = pool_take(&m->seldom);
	return l->seldom;
}

const struct seldom *listener_seldom(const struct listener *l)
{
	static const struct seldom nothing;

	return l->seldom ? l->seldom : &nothing;
}

static void give_back(struct model *m, struct listener *l)
{
	if (l->seldom)
		pool_give(&m->seldom, l->seldom);
	waits_end(&m->waits, &l->in_synq);
	waits_end(&m->waits, &l->in_acceptq);
	waits_end(&m->waits, &l->in_accept);
}

void listeners_free(struct model *m)
{
	pages_free(m->listeners, m->limits.listeners * sizeof(*m->listeners));
	pool_free(&m->seldom);
	pool_free(&m->waits);
	free(m->listener_order);
	free(m->listener_by_sk);
	free(m->listener_by_port);
}

int listeners_init(struct model *m)
{
	uint32_t buckets = 64;

	while (buckets < m->limits.listeners)
		buckets *= 2;
	m->listener_mask = buckets - 1;
	m->listeners = pages_new(m->limits.listeners * sizeof(*m->listeners));	/* 1 kB each */
	m->listener_order = calloc(m->limits.listeners, sizeof(*m->listener_order));
	m->listener_by_sk = calloc(buckets, sizeof(*m->listener_by_sk));
	m->listener_by_port = calloc(buckets, sizeof(*m->listener_by_port));
	return m->listeners && m->listener_order && m->listener_by_sk && m->listener_by_port &&
	       !pool_init(&m->seldom, sizeof(struct seldom), m->limits.listeners) &&
	       !waits_init(&m->waits, 3 * m->limits.listeners) ? 0 : -ENOMEM;
}

static struct listener **sk_bucket(const struct model *m, uint64_t sk)
{
	return &m->listener_by_sk[hash_addr(m, sk) & m->listener_mask];
}

static struct listener **port_bucket(const struct model *m, uint32_t netns, uint16_t port)
{
	return &m->listener_by_port[hash_addr(m, (uint64_t)netns << 16 | port) & m->listener_mask];
}

static void sk_unindex(struct model *m, struct listener *l)
{
	struct listener **p;

	if (!l->sk)
		return;
	for (p = sk_bucket(m, l->sk); *p != l; p = &(*p)->next_sk)
		;
	*p = l->next_sk;
	l->sk = 0;
}

static void port_unindex(struct model *m, struct listener *l)
{
	struct listener **p;

	if (!l->lport)
		return;
	for (p = port_bucket(m, l->netns, l->lport); *p != l; p = &(*p)->next_port)
		;
	*p = l->next_port;
	l->lport = 0;
}

struct listener *listener_find(const struct model *m, uint64_t sk)
{
	struct listener *l;

	if (!sk)
		return NULL;
	for (l = *sk_bucket(m, sk); l && l->sk != sk; l = l->next_sk)
		;
	return l;
}

/* How well l's address fits that one, as the kernel goes by it: the same, any, any of both families; 0: not. */
unsigned int listener_covers(const struct listener *l, const uint8_t laddr[16])
{
	if (!memcmp(l->laddr, laddr, 16))
		return 3;
	if (!addr_is_any(l->laddr) || (addr_is_mapped(l->laddr) && !addr_is_mapped(laddr)))
		return 0;
	return addr_is_mapped(l->laddr) == addr_is_mapped(laddr) ? 2 : 1;
}

static bool is_at(const struct listener *l, const struct tcptrace_record *rec)
{
	return l->lport == rec->lport && l->netns == rec->netns;
}

static unsigned int fits(const struct listener *l, const struct tcptrace_record *rec)
{
	return l->open && is_at(l, rec) ? listener_covers(l, rec->laddr) : 0;
}

/* Has one come and gone since that moment that took what comes to the record's local end? */
bool listener_between(const struct model *m, const struct tcptrace_record *rec, uint64_t from_ns)
{
	const struct listener *l;

	for (l = *port_bucket(m, rec->netns, rec->lport); l; l = l->next_port) {
		if (l->open || !is_at(l, rec) || !listener_covers(l, rec->laddr))
			continue;
		if (l->closed_ns <= from_ns)		/* the youngest come first */
			return false;
		if (listener_since(l) >= from_ns)
			return true;
	}
	return false;
}

/* Who listens at the record's local end; members of a group alike. */
static struct listener *at_port(const struct model *m, const struct tcptrace_record *rec)
{
	struct listener *l, *found = NULL;
	unsigned int best = 0, fit;

	if (!rec->lport)
		return NULL;
	for (l = *port_bucket(m, rec->netns, rec->lport); l && best < 3; l = l->next_port) {
		fit = fits(l, rec);
		if (fit > best)
			found = l;
		best = fit > best ? fit : best;
	}
	return found;
}

/* The only one that listens there. */
struct listener *listener_alone(const struct model *m, const struct tcptrace_record *rec)
{
	struct listener *l, *found = at_port(m, rec);

	for (l = found ? *port_bucket(m, rec->netns, rec->lport) : NULL; l; l = l->next_port)
		if (l != found && fits(l, rec) == fits(found, rec))
			return NULL;
	return found;
}

struct listener *listener_of_cookie(struct model *m, const struct tcptrace_record *rec)
{
	struct listener *l, *found = at_port(m, rec);

	for (l = found ? *port_bucket(m, rec->netns, rec->lport) : NULL; l; l = l->next_port) {
		if (l == found || !fits(l, rec) || (fits(l, rec) != fits(found, rec) && l->device == found->device))
			continue;
		l->cookies_shared = found->cookies_shared = true;
		l->cookie_ns = rec->t_ns;
	}
	return found;
}

bool listener_awaits_cookies(const struct model *m, const struct listener *l)
{
	uint64_t sent = 0, back = 0;
	const struct listener *o;

	if (!l->cookies_shared)
		return l->cookies_sent > l->causes[TCPTRACE_ACCEPTQ_COOKIE];
	for (o = *port_bucket(m, l->netns, l->lport); o; o = o->next_port) {
		if (!o->cookies_shared || o->lport != l->lport || o->netns != l->netns)
			continue;
		sent += o->cookies_sent;
		back += o->causes[TCPTRACE_ACCEPTQ_COOKIE];
	}
	return sent > back;
}

void listener_learn(struct model *m, struct listener *l, const struct tcptrace_record *rec)
{
	if (rec->family)
		l->family = rec->family;
	if (tcptrace_of_listener(rec) && rec->device)
		l->device = rec->device;
	if (!rec->lport || (l->lport == rec->lport && l->netns == rec->netns &&
			    !memcmp(l->laddr, rec->laddr, 16)))
		return;
	port_unindex(m, l);
	l->netns = rec->netns;
	l->lport = rec->lport;
	memcpy(l->laddr, rec->laddr, 16);
	l->next_port = *port_bucket(m, l->netns, l->lport);
	*port_bucket(m, l->netns, l->lport) = l;
}

static void closed_del(struct model *m, struct listener *l)
{
	*(l->prev_closed ? &l->prev_closed->next_closed : &m->closed_head) = l->next_closed;
	*(l->next_closed ? &l->next_closed->prev_closed : &m->closed_tail) = l->prev_closed;
	l->prev_closed = l->next_closed = NULL;
	m->nclosed--;
}

static void closed_add(struct model *m, struct listener *l)
{
	l->prev_closed = m->closed_tail;
	l->next_closed = NULL;
	*(l->prev_closed ? &l->prev_closed->next_closed : &m->closed_head) = l;
	m->closed_tail = l;
	m->nclosed++;
}

static void order_del(struct model *m, uint32_t slot)
{
	uint32_t i = 0;

	while (m->listener_order[i] != slot)
		i++;
	m->nlisteners--;
	memmove(&m->listener_order[i], &m->listener_order[i + 1],
		(m->nlisteners - i) * sizeof(*m->listener_order));
}

static void forget(struct model *m, struct listener *l)
{
	sk_unindex(m, l);
	port_unindex(m, l);
	order_del(m, l - m->listeners);
	give_back(m, l);
	memset(l, 0, sizeof(*l));
}

/* Of a closed one that no conn refers to, the oldest; NULL: there is none. */
static struct listener *forget_closed(struct model *m)
{
	struct listener *l;
	int i;

	for (i = 0; i < FORGET_TRIES && m->closed_head; i++) {
		l = m->closed_head;
		closed_del(m, l);
		if (l->refs) {
			closed_add(m, l);
			continue;
		}
		forget(m, l);
		m->totals.listeners_forgotten++;
		return l;
	}
	return NULL;
}

/* A slot for a new listener: a fresh one, unless very many closed ones are kept or none is left. */
static struct listener *listener_slot(struct model *m)
{
	bool fresh = m->nlisteners < m->limits.listeners;
	struct listener *l = fresh && m->nclosed < MODEL_CLOSED ? NULL : forget_closed(m);

	if (l || !fresh)
		return l;
	l = m->listeners_free;
	if (!l)
		return &m->listeners[m->listeners_touched++];
	m->listeners_free = l->next_sk;
	l->next_sk = NULL;
	return l;
}

/*
 * Each once: at its transition, or by the first snapshot, which may name it for each of its descriptors (F_ACTOR) and
 * once as a socket.
 */
static void count_unseen(struct model *m, const struct tcptrace_record *rec)
{
	bool found = rec->event == TCPTRACE_EXISTS && !(rec->flags & TCPTRACE_F_ACTOR) && m->snap.gen <= 1;

	m->totals.listeners_unseen += found || (rec->event == TCPTRACE_STATE && rec->new == TCP_S_LISTEN);
}

/*
 * Its begin, or the first snapshot; with -p all but these come of one of the processes, which another may have given it,
 * and which may call listen() once more.
 */
static bool from_the_begin(const struct model *m, const struct tcptrace_record *rec)
{
	if (!(m->only & TCPTRACE_ONLY_PIDS) || (rec->event == TCPTRACE_EXISTS && m->snap.gen <= 1))
		return true;
	return tcptrace_of_listener(rec) && rec->event == TCPTRACE_STATE;
}

/* Ends are the record's local side. NULL: no room. */
struct listener *listener_new(struct model *m, const struct tcptrace_record *rec, uint64_t sk)
{
	struct listener *l = listener_slot(m);

	if (!l) {
		count_unseen(m, rec);
		return NULL;
	}
	m->listener_order[m->nlisteners++] = l - m->listeners;
	l->used = true;
	l->id = m->listener_id + 1;
	m->listener_id += m->limits.hosts;
	l->sk = sk;
	l->next_sk = *sk_bucket(m, sk);
	*sk_bucket(m, sk) = l;
	l->netns = rec->netns;
	l->open = true;
	l->part = !from_the_begin(m, rec);
	l->backlog = -1;
	l->listen_limit = -1;
	l->opener.fd = l->acceptor.fd = -1;
	listener_learn(m, l, rec);
	return l;
}

static bool way_in(const struct tcptrace_record *rec)
{
	return rec->event == TCPTRACE_SYNQ_ADD || rec->event == TCPTRACE_ACCEPTQ_ADD;
}

/* Nobody calls accept() on what is closed. */
static bool begun_after(const struct listener *l, const struct tcptrace_record *rec)
{
	return rec->event == TCPTRACE_ACCEPT && call_dur_ns(rec) && rec->t_ns > l->closed_ns + call_dur_ns(rec);
}

/*
 * A request or a queued connection says that another has l's address. It outlives its listener's end by up to a second,
 * so only a new way in does, or a call; where neither that end is seen nor the begin of the next, any step of one that is
 * closed, or one at another port, if only connections said what l's is: of one that a snapshot named they need not have
 * it (TPROXY, sk_lookup).
 */
static bool child_of_another(const struct model *m, const struct listener *l, const struct tcptrace_record *rec)
{
	if (l->destroyed && (way_in(rec) || begun_after(l, rec)))
		return true;
	if (l->born_ns || !listener_life_unseen(m))
		return false;
	return l->open ? !l->seen_gen && rec->lport && rec->lport != l->lport : rec->t_ns > l->closed_ns;
}

static bool is_another(const struct model *m, const struct listener *l, const struct tcptrace_record *rec)
{
	bool begins = rec->event == TCPTRACE_SOCKET || (rec->event == TCPTRACE_BIND && rec->ret >= 0);

	if (rec->sk != l->sk || (rec->listener == l->sk && rec->rport))
		return child_of_another(m, l, rec);
	/* who listens has no remote end, and is bound; but the record may be older than the snapshot that found l */
	if (l->open && (begins || rec->rport))
		return l->born_ns || rec->t_ns > l->lengths_ns;
	if (!tcptrace_of_listener(rec))
		return begins;
	/* where no end of a socket is seen: servers that end are more than those that listen again after shutdown() */
	return l->destroyed || (l->lport && l->lport != rec->lport) ||
	       (!l->open && model_seen(m, TCPTRACE_DESTROY) == TCPTRACE_SEEN_NOT);
}

/* l, or NULL: another socket has its address, so the record says, and l is closed. */
struct listener *listener_still(struct model *m, struct listener *l, const struct tcptrace_record *rec)
{
	if (!l || !is_another(m, l, rec))
		return l;
	listener_sk_gone(m, l, rec->t_ns);
	return NULL;
}

/* The listener that a step of a request or of a queued connection belongs to. */
struct listener *listener_of(struct model *m, const struct tcptrace_record *rec, const struct conn *c)
{
	struct listener *l = c ? c->listener : NULL;

	if (!rec->listener)
		return l ? l : at_port(m, rec);
	if (!l || l->sk != rec->listener)
		l = listener_find(m, rec->listener);
	else if (!way_in(rec))
		return l;
	l = listener_still(m, l, rec);
	return l ? l : listener_new(m, rec, rec->listener);
}

void listener_close(struct model *m, struct listener *l, uint64_t t_ns)
{
	if (!l->open)
		return;
	pace_close(l, t_ns);
	l->open = false;
	l->closed_ns = t_ns;
	queue_closed(m, l, t_ns);
	l->place = model_place(m, listener_named(l)->pid);
	closed_add(m, l);
}

void listener_reopen(struct model *m, struct listener *l)
{
	if (l->open)
		return;
	closed_del(m, l);
	l->open = true;
	l->close_seen = false;
	l->closed_ns = 0;
}

/* It is about to be LISTEN. The kernel does that, and sets the limit, before it knows whether the port is free. */
void listener_tries(struct listener *l)
{
	l->before = (struct before_listen){
		.pending = true, .close_seen = l->close_seen, .limit = l->limit, .limit_known = l->limit_known,
		.backlog_known = l->backlog_known, .limits = l->limits, .born_ns = l->born_ns, .again_ns = l->again_ns,
		.closed_ns = l->closed_ns,
	};
}

/* It was not: what had never listened before is no listener. NULL: l is none. */
struct listener *listener_failed(struct model *m, struct listener *l)
{
	const struct before_listen *b = &l->before;

	if (!b->pending || l->open || l->destroyed)
		return l;
	if (!b->closed_ns && !l->refs) {
		closed_del(m, l);
		forget(m, l);
		l->next_sk = m->listeners_free;
		m->listeners_free = l;
		return NULL;
	}
	l->close_seen = b->close_seen;
	l->limit = b->limit;
	l->limit_known = b->limit_known;
	l->backlog_known = b->backlog_known;
	l->limits = b->limits;
	l->born_ns = b->born_ns;
	l->again_ns = b->again_ns;
	l->closed_ns = b->closed_ns;
	l->before.pending = false;
	return l;
}

/* The address belongs to another socket now. */
void listener_sk_gone(struct model *m, struct listener *l, uint64_t t_ns)
{
	listener_close(m, l, t_ns);
	sk_unindex(m, l);
}

/*
 * Of a socket that begins to listen, or does it anew after shutdown(): l, which its address had before (or NULL), or a
 * new one.
 */
struct listener *listener_opening(struct model *m, struct listener *l, const struct tcptrace_record *rec)
{
	l = listener_still(m, l, rec);
	return l || !rec->sk ? l : listener_new(m, rec, rec->sk);
}
