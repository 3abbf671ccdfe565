// SPDX-License-Identifier: GPL-2.0-only
/* The table of lives: made, found, joined, dropped. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../pair.h"
#include "lives.h"

int lives_init(struct lives *s)
{
	memset(s, 0, sizeof(*s));
	s->all = calloc(LIVES, sizeof(*s->all));
	s->by_conn = calloc(LIVES_BUCKETS, sizeof(*s->by_conn));
	s->by_pair = calloc(LIVES_BUCKETS, sizeof(*s->by_pair));
	s->by_isn = calloc(LIVES_BUCKETS, sizeof(*s->by_isn));
	if (s->all && s->by_conn && s->by_pair && s->by_isn)
		return 0;
	lives_free(s);
	return -ENOMEM;
}

void lives_free(struct lives *s)
{
	free(s->all);
	free(s->by_conn);
	free(s->by_pair);
	free(s->by_isn);
	memset(s, 0, sizeof(*s));
}

/* ---- the two tables ---- */

static struct life **conn_bucket(const struct lives *s, uint64_t conn)
{
	return &s->by_conn[conn % LIVES_BUCKETS];
}

/* The same from both sides. */
static struct life **pair_bucket(const struct lives *s, const struct tuple *t)
{
	return &s->by_pair[pair_hash(t) % LIVES_BUCKETS];
}

static struct life **isn_bucket(const struct lives *s, uint64_t isn)
{
	return &s->by_isn[pair_isn_hash(isn) % LIVES_BUCKETS];
}

/* By its initial sequence numbers, wherever it is. */
static struct life *other_by_isn(const struct lives *s, const struct life *x)
{
	struct life *p = x->isn ? *isn_bucket(s, x->isn) : NULL;

	while (p && (p == x || p->isn != x->isn || p->peer || p->told || p->l.role == x->l.role))
		p = p->next_isn;
	return p;
}

/* The other end of x, in whatever namespace and machine; of several the nearest; on other machines the newest. */
static struct life *other_end(const struct lives *s, const struct life *x)
{
	struct life *p, *best = other_by_isn(s, x);

	for (p = best ? NULL : *pair_bucket(s, &x->l.tuple); p; p = p->next_pair) {
		enum pair_fit fit;

		if (p == x || p->peer || (!p->l.conn && !x->l.conn) || p->told || (p->isn && x->isn))
			continue;
		fit = pair_fit(&x->l.tuple, &p->l.tuple, p->host == x->host);
		if (fit == PAIR_HERE)
			return p;
		if (fit == PAIR_ELSEWHERE && (!best || p->host == x->host))
			best = p;
	}
	return best;
}

static void pair_del(struct lives *s, struct life *x)
{
	struct life **p;

	if (!x->paired)
		return;
	for (p = pair_bucket(s, &x->l.tuple); *p != x; p = &(*p)->next_pair)
		;
	*p = x->next_pair;
	x->paired = false;
}

static void part(struct life *x)
{
	if (x->peer)
		x->peer->peer = NULL;
	x->peer = NULL;
}

void lives_unpair(struct lives *s, struct life *x)
{
	pair_del(s, x);
	part(x);
}

static void isn_del(struct lives *s, struct life *x)
{
	struct life **p;

	if (!x->isn)
		return;
	for (p = isn_bucket(s, x->isn); *p != x; p = &(*p)->next_isn)
		;
	*p = x->next_isn;
	x->isn = 0;
}

/* It may show that the other end, found by its addresses, is another connection's. */
void lives_set_isn(struct lives *s, struct life *x, uint64_t isn)
{
	isn_del(s, x);
	if (x->peer && x->peer->isn && x->peer->isn != isn)
		part(x);
	x->isn = isn;
	x->next_isn = *isn_bucket(s, isn);
	*isn_bucket(s, isn) = x;
}

void lives_pair(struct lives *s, struct life *x)
{
	struct life **p = pair_bucket(s, &x->l.tuple);

	if (!x->paired) {
		x->next_pair = *p;
		*p = x;
		x->paired = true;
	}
	if (x->peer)
		return;
	x->peer = other_end(s, x);
	if (x->peer)
		x->peer->peer = x;
}

struct life *lives_by_conn(const struct lives *s, uint64_t conn)
{
	struct life *x = *conn_bucket(s, conn);

	while (x && x->l.conn != conn)
		x = x->next_conn;
	return x;
}

struct life *lives_by_tuple(const struct lives *s, const struct tuple *t, uint8_t host, bool refused)
{
	struct life *x;

	for (x = *pair_bucket(s, t); x; x = x->next_pair) {
		if (!x->l.conn == refused && x->host == host && !memcmp(&x->l.tuple, t, sizeof(*t)))
			return x;
	}
	return NULL;
}

static void conn_del(struct lives *s, struct life *x)
{
	struct life **p;

	if (!x->l.conn)
		return;
	for (p = conn_bucket(s, x->l.conn); *p != x; p = &(*p)->next_conn)
		;
	*p = x->next_conn;
}

/* ---- they come and go ---- */

static struct life *take(struct lives *s)
{
	struct life *x = s->free;

	if (x)
		s->free = x->next;
	else if (s->touched < LIVES)
		x = &s->all[s->touched++];
	return x;
}

struct life *lives_new(struct lives *s, uint64_t conn, uint8_t host)
{
	struct life *x = conn || s->refused < LIVES_REFUSED ? take(s) : NULL;

	if (!x) {
		s->left_out++;
		return NULL;
	}
	memset(x, 0, sizeof(*x));
	x->l.conn = conn;
	x->host = host;
	x->l.owner.fd = -1;
	x->prev = s->newest;
	*(s->newest ? &s->newest->next : &s->oldest) = x;
	s->newest = x;
	if (conn) {
		x->next_conn = *conn_bucket(s, conn);
		*conn_bucket(s, conn) = x;
	} else {
		s->refused++;
	}
	return x;
}

void lives_wait(struct lives *s, struct life *x)
{
	if (x->waits)
		return;
	x->waits = true;
	x->prev_over = s->last_over;
	*(s->last_over ? &s->last_over->next_over : &s->first_over) = x;
	s->last_over = x;
}

static void wait_del(struct lives *s, struct life *x)
{
	if (!x->waits)
		return;
	*(x->prev_over ? &x->prev_over->next_over : &s->first_over) = x->next_over;
	*(x->next_over ? &x->next_over->prev_over : &s->last_over) = x->prev_over;
}

void lives_drop(struct lives *s, struct life *x)
{
	wait_del(s, x);
	pair_del(s, x);
	conn_del(s, x);
	isn_del(s, x);
	part(x);
	if (!x->l.conn)
		s->refused--;
	*(x->prev ? &x->prev->next : &s->oldest) = x->next;
	*(x->next ? &x->next->prev : &s->newest) = x->prev;
	x->next = s->free;
	s->free = x;
}
