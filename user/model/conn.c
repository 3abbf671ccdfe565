// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of conns: one array, three lists in order of age; what a conn goes
 * by (index.c has the tables), and which records tell of the same one.
 * Everything here takes the same time whatever the number of conns; free slots
 * are reused last in, first out, so that few pages are touched.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "../lib/pages.h"
#include "../lib/put.h"
#include "internal.h"

/*
 * TIME_WAIT takes 60 s, again after each segment of the peer. Where no hook tells
 * its end, the conn is forgotten when it cannot be there any more.
 */
#define LINGER_NS	(150ull * 1000000000ull)
#define CONNS_AT_ONCE	256u		/* get their memory */

int conns_init(struct model *m)
{
	int k;

	for (k = 0; k < CONN_KEYS; k++)
		if (index_init(m, k))
			return -ENOMEM;
	m->conns = calloc(m->limits.conns, sizeof(*m->conns));
	return m->conns ? 0 : -ENOMEM;
}

/* Full: the one whose loss hurts least goes. */
static void evict(struct model *m)
{
	int list = LIST_LINGER;

	while (!m->age_head[list])
		list++;
	if (list == LIST_LINGER)
		m->totals.evicted_timewait++;
	else
		m->totals.evicted++;
	conn_end(m, m->age_head[list]);
}

bool conn_room(const struct model *m)
{
	return m->conns_free || m->conns_touched < m->limits.conns;
}

/* May end another conn: hold no pointer to one across this call. */
struct conn *conn_new(struct model *m)
{
	struct conn *c;

	if (!conn_room(m))
		evict(m);
	if (m->conns_free) {
		c = &m->conns[m->conns_free - 1];
		m->conns_free = c->next_free;
		memset(c, 0, sizeof(*c));
	} else {
		c = &m->conns[m->conns_touched];
		if (m->conns_touched++ % CONNS_AT_ONCE == 0)
			pages_fill(c, CONNS_AT_ONCE * sizeof(*c));
	}
	c->id = m->conn_id + 1;
	m->conn_id += m->limits.hosts;
	c->owner.fd = -1;
	age_add(m, c, LIST_ACTIVE);
	if (++m->totals.conns_now > m->totals.conns_peak)
		m->totals.conns_peak = m->totals.conns_now;
	return c;
}

static void tuple_unindex(struct model *m, struct conn *c)
{
	if (c->tupled)
		index_del(m, c, BY_TUPLE);
	c->tupled = false;
}

static void sk_unindex(struct model *m, struct conn *c)
{
	if (c->sk)
		index_del(m, c, BY_SK);
	c->sk = 0;
}

static void req_unindex(struct model *m, struct conn *c)
{
	if (c->req)
		index_del(m, c, BY_REQ);
	c->req = 0;
}

void conn_end(struct model *m, struct conn *c)
{
	queue_leave(m, c);
	queue_set_listener(m, c, NULL);
	sk_unindex(m, c);
	req_unindex(m, c);
	tuple_unindex(m, c);
	age_del(m, c);
	c->id = 0;
	c->next_free = m->conns_free;
	m->conns_free = c - m->conns + 1;
	m->totals.conns_now--;
}

/* The socket is no more; the conn may go on as a timewait minisock, or as the request that it was. */
void conn_sk_gone(struct model *m, struct conn *c)
{
	sk_unindex(m, c);
	if (c->in_synq && c->req) {
		c->state = TCP_S_NEW_SYN_RECV;
		c->state_ns = c->synq_ns;
		return;
	}
	if ((c->state == TCP_S_TIME_WAIT || c->state == TCP_S_FIN_WAIT2) && c->tupled) {
		queue_leave(m, c);
		age_set(m, c, LIST_LINGER);
		return;
	}
	conn_end(m, c);
}

/* Nobody has connected it yet, as far as is known: not since socket(), or this connect(), was seen. */
static bool is_new(const struct conn *c)
{
	return c->last_event == TCPTRACE_SOCKET || c->last_event == TCPTRACE_BIND || c->last_event == TCPTRACE_CONNECT;
}

/* connect() may be called on what is connected; what bind() succeeds for, or what leaves CLOSE, is not. */
static bool may_be_open(const struct conn *c, const struct tcptrace_record *rec)
{
	return rec->event == TCPTRACE_CONNECT && c->state != TCP_S_NONE && c->state != TCP_S_CLOSE &&
	       c->state != TCP_S_TIME_WAIT && c->state != TCP_S_FIN_WAIT2;
}

/* It was a connection, or was to be one: it connected, was accepted, or was there before us. */
static bool was_open(const struct conn *c)
{
	return c->connected || c->left_acceptq || (c->known_ns && c->tupled);
}

/*
 * The conn of a socket that leaves CLOSE, or that bind() or connect() is called on; NULL: nothing is known of it. c: the one
 * that was at its address, or NULL. After a failed connect(), one to AF_UNSPEC, which takes a connection off, or the end of
 * a connection it is another conn of the same owner. Where no hook tells the end of a socket, what ended at that address may
 * have been another one, of anybody.
 */
struct conn *conn_begins(struct model *m, struct conn *c, const struct tcptrace_record *rec)
{
	struct owner owner;
	uint8_t attempt;
	bool reused;

	if (!c || rec->t_ns < c->known_ns)
		return c;
	owner = c->owner;
	reused = c->reused;
	attempt = c->attempt;		/* how the last one failed may not be known yet */
	if (model_seen(m, TCPTRACE_DESTROY) == TCPTRACE_SEEN_NOT && !is_new(c) && !may_be_open(c, rec)) {
		conn_sk_gone(m, c);
		return NULL;
	}
	if (c->state != TCP_S_TIME_WAIT && !(was_open(c) && c->state == TCP_S_CLOSE))
		return c;
	conn_sk_gone(m, c);
	c = conn_new(m);
	conn_set_sk(m, c, rec->sk);
	c->owner = owner;
	c->attempt = attempt;
	c->reused = reused;
	c->state = TCP_S_CLOSE;
	return c;
}

void conn_req_gone(struct model *m, struct conn *c)
{
	req_unindex(m, c);
	if (!c->sk && c->list != LIST_LINGER)
		conn_end(m, c);
	else if (c->in_synq)
		queue_leave(m, c);
}

void conn_set_sk(struct model *m, struct conn *c, uint64_t sk)
{
	struct conn *o;

	if (c->sk == sk)
		return;
	sk_unindex(m, c);
	c->sk = sk;
	if (!sk)
		return;
	o = index_put(m, c, BY_SK);
	if (o) {
		o->sk = 0;
		conn_sk_gone(m, o);
	}
	if (c->list == LIST_LINGER)
		age_set(m, c, LIST_ACTIVE);
}

void conn_set_req(struct model *m, struct conn *c, uint64_t req)
{
	struct conn *o;

	if (c->req == req)
		return;
	req_unindex(m, c);
	c->req = req;
	if (!req)
		return;
	o = index_put(m, c, BY_REQ);
	if (o) {
		o->req = 0;
		conn_req_gone(m, o);
	}
}

static bool is_end(const struct tcptrace_record *rec)
{
	return rec->event == TCPTRACE_DESTROY || (rec->event == TCPTRACE_STATE && rec->new == TCP_S_CLOSE);
}

/*
 * A tuple has one conn at a time: who claims it ends what had it, unless that has
 * a socket still: then it claims the tuple back with its next record, when this
 * was the second child of one request (two ACKs on two CPUs), which the kernel drops.
 * Who ends claims nothing.
 */
static void tuple_index(struct model *m, struct conn *c, const struct tcptrace_record *rec)
{
	struct conn *o = is_end(rec) ? index_find_tuple(m, &c->tuple) : NULL;

	if (o && o->sk)
		return;
	o = index_put(m, c, BY_TUPLE);
	c->tupled = true;
	if (!o)
		return;
	o->tupled = false;
	if (!o->sk)
		conn_end(m, o);
}

/* tcp_disconnect(), which connect() calls when it fails, takes the local address off: inet_reset_saddr(). */
static bool same_ends(const struct conn *c, const struct tcptrace_record *rec)
{
	return c->lport == rec->lport && c->rport == rec->rport && !memcmp(c->raddr, rec->raddr, sizeof(c->raddr)) &&
	       (!memcmp(c->laddr, rec->laddr, sizeof(c->laddr)) || addr_is_any(rec->laddr));
}

/* The conn of a request. With tcp_migrate_req a clone goes on as the request, and another one may have its address by now. */
struct conn *conn_by_req(struct model *m, uint64_t req, const struct tcptrace_record *rec)
{
	struct conn *c = index_find(m, BY_REQ, req);

	if (!c || !c->tupled || !rec->lport || !rec->rport || same_ends(c, rec))
		return c;
	conn_set_req(m, c, 0);
	return NULL;
}

/* Takes what the record says of the conn's ends. A connect() to elsewhere makes a new tuple. */
void conn_learn(struct model *m, struct conn *c, const struct tcptrace_record *rec)
{
	bool full = rec->lport && rec->rport;
	uint64_t cookie = rec_cookie(rec);

	if (cookie)
		c->cookie = cookie;
	if (rec->family)
		c->family = rec->family;
	if (c->tupled && rec->event == TCPTRACE_CONNECT && !full) {
		tuple_unindex(m, c);
		c->lport = 0;
	}
	if (c->tupled && (!full || (same_ends(c, rec) && rec->netns == c->netns)))
		return;
	tuple_unindex(m, c);
	if (rec->netns)
		c->netns = rec->netns;
	if (rec->lport) {
		memcpy(c->laddr, rec->laddr, sizeof(c->laddr));
		c->lport = rec->lport;
	}
	if (rec->rport) {
		memcpy(c->raddr, rec->raddr, sizeof(c->raddr));
		c->rport = rec->rport;
	}
	if (full)
		tuple_index(m, c, rec);
}

/* The conn with the record's ends that waits for its socket: a request, or known by a snapshot of later. */
struct conn *conn_half_open(const struct model *m, const struct tcptrace_record *rec)
{
	struct conn *c = index_find_rec(m, rec);

	if (c && !c->sk && (c->state == TCP_S_NEW_SYN_RECV || rec->t_ns < c->known_ns))
		return c;
	return NULL;
}

/* A child went under a number of its own because its request was not known yet, or had another one: one conn again. */
void conn_absorb(struct model *m, struct conn *c, struct conn *child)
{
	uint64_t sk = child->sk, acceptq_ns = child->acceptq_ns;
	struct listener *l = child->listener;
	bool queued = child->in_acceptq;

	c->left_acceptq |= child->left_acceptq;
	c->closed |= child->closed;
	if (child->state != TCP_S_NONE) {
		c->state = child->state;
		c->state_ns = child->state_ns;
	}
	if (child->cookie)
		c->cookie = child->cookie;
	if (child->owner.pid)
		c->owner = child->owner;
	c->reset |= child->reset;
	conn_end(m, child);
	conn_set_sk(m, c, sk);
	if (l)
		queue_set_listener(m, c, l);
	if (acceptq_ns)
		c->acceptq_ns = acceptq_ns;
	if (queued)
		queue_enter(m, c, true);
}

/* Two children of one request: c, which the request is, took the one that loses (inet_ehash_nolisten()). */
void conn_exchange(struct model *m, struct conn *c, struct conn *child)
{
	uint64_t sk = c->sk, child_sk = child->sk, state_ns = c->state_ns;
	uint8_t state = c->state;

	sk_unindex(m, c);
	sk_unindex(m, child);
	conn_set_sk(m, c, child_sk);
	conn_set_sk(m, child, sk);
	c->state = child->state;
	c->state_ns = child->state_ns;
	child->state = state;
	child->state_ns = state_ns;
}

/*
 * accept() is not seen (-x: but where it fails), or, of a listener that others had before, not each, and nothing else tells
 * the way out. l: NULL, not known.
 */
bool takers_unseen(const struct model *m, const struct listener *l)
{
	enum tcptrace_seen out = model_seen(m, TCPTRACE_ACCEPTQ_DEL);

	return model_seen(m, TCPTRACE_ACCEPT) < TCPTRACE_SEEN_DEDUCED ? out < TCPTRACE_SEEN_DEDUCED :
	       m->only & TCPTRACE_ONLY_PIDS && (!l || l->part) && out != TCPTRACE_SEEN_EXACTLY;
}

/*
 * After a connect() that failed a socket has no remote end, and if it was not bound no port. That one with a port alone
 * was connected since, no record has told.
 */
bool conn_may_be(const struct conn *c, const struct tcptrace_record *rec)
{
	if (c->tupled)
		return rec->lport && rec->rport ? same_ends(c, rec) : rec->lport == c->lport;
	if (c->lport && rec->lport && c->lport != rec->lport)
		return false;
	return !rec->rport || (rec->rport == c->rport && !memcmp(c->raddr, rec->raddr, sizeof(c->raddr)));
}

/* Where the end of a socket is not seen its address may have been used again, for a connection with other ends. */
struct conn *conn_by_sk(struct model *m, const struct tcptrace_record *rec)
{
	struct conn *c = index_find(m, BY_SK, rec->sk);

	if (!c || model_seen(m, TCPTRACE_DESTROY) != TCPTRACE_SEEN_NOT || conn_may_be(c, rec))
		return c;
	if (c->in_acceptq)		/* how it left, its listener says, or the next snapshot */
		sk_unindex(m, c);
	else
		conn_sk_gone(m, c);
	return NULL;
}

/*
 * The same peer came once more, from the same port, by SYN or by cookie, while somebody had the socket of before yet, or it
 * waited yet: no child of that request.
 * Where no end is seen the address may have been used again.
 */
static bool is_older(const struct model *m, const struct conn *c, const struct conn *request)
{
	return c->born_ns && c->born_ns < request->born_ns && model_seen(m, TCPTRACE_DESTROY) != TCPTRACE_SEEN_NOT;
}

/* conn_of(), where conn_by_sk() said c. */
struct conn *conn_of_sk(struct model *m, const struct tcptrace_record *rec, struct conn *c, bool *fresh)
{
	struct conn *o = NULL;

	*fresh = false;
	if (!rec->sk)
		return NULL;
	if (!c || !c->tupled)
		o = conn_half_open(m, rec);
	if (c && o && is_older(m, c, o))
		return c;
	if (c && o) {
		conn_absorb(m, o, c);
		c = o;
	} else if (o) {
		c = o;
		conn_set_sk(m, c, rec->sk);
	} else if (!c) {
		c = conn_new(m);
		*fresh = true;
		conn_set_sk(m, c, rec->sk);
	}
	conn_learn(m, c, rec);
	return c;
}

/* The conn of the record's full socket; fresh: it was not known before. NULL without a socket. */
struct conn *conn_of(struct model *m, const struct tcptrace_record *rec, bool *fresh)
{
	return conn_of_sk(m, rec, conn_by_sk(m, rec), fresh);
}

/* A little at each record that comes when one is due, so that it never takes long. */
void conns_expire(struct model *m, uint64_t t_ns)
{
	int i;

	for (i = 0; i < 2; i++) {
		struct conn *c = m->age_head[LIST_LINGER];
		uint64_t since = c ? c->last_ns : t_ns;

		m->expire_ns = since < UINT64_MAX - LINGER_NS ? since + LINGER_NS : UINT64_MAX;
		if (!c || t_ns < m->expire_ns)
			return;
		conn_end(m, c);
	}
}

void transition_broken(struct model *m)
{
	m->totals.illegal += model_seen(m, TCPTRACE_STATE) == TCPTRACE_SEEN_EXACTLY;
}
