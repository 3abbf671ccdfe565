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
	if (s->all && s->by_conn && s->by_pair)
		return 0;
	lives_free(s);
	return -ENOMEM;
}

void lives_free(struct lives *s)
{
	free(s->all);
	free(s->by_conn);
	free(s->by_pair);
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

/* The other end of x, in whatever namespace; of several the one in its own. */
static struct life *other_end(const struct lives *s, const struct life *x)
{
	struct life *p, *best = NULL;

	for (p = *pair_bucket(s, &x->l.tuple); p; p = p->next_pair) {
		enum pair_fit fit;

		if (p == x || p->peer || !p->l.conn || p->told)
			continue;
		fit = pair_fit(&x->l.tuple, &p->l.tuple);
		if (fit == PAIR_HERE)
			return p;
		if (fit == PAIR_ELSEWHERE)
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

void lives_unpair(struct lives *s, struct life *x)
{
	pair_del(s, x);
	if (x->peer)
		x->peer->peer = NULL;
	x->peer = NULL;
}

void lives_pair(struct lives *s, struct life *x)
{
	struct life **p = pair_bucket(s, &x->l.tuple);

	if (!x->paired) {
		x->next_pair = *p;
		*p = x;
		x->paired = true;
	}
	if (x->peer || !x->l.conn)
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

struct life *lives_by_tuple(const struct lives *s, const struct tuple *t, bool refused)
{
	struct life *x;

	for (x = *pair_bucket(s, t); x; x = x->next_pair) {
		if (!x->l.conn == refused && !memcmp(&x->l.tuple, t, sizeof(*t)))
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

struct life *lives_new(struct lives *s, uint64_t conn)
{
	struct life *x = conn || s->refused < LIVES_REFUSED ? take(s) : NULL;

	if (!x) {
		s->left_out++;
		return NULL;
	}
	memset(x, 0, sizeof(*x));
	x->l.conn = conn;
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
	if (x->peer)
		x->peer->peer = NULL;
	if (!x->l.conn)
		s->refused--;
	*(x->prev ? &x->prev->next : &s->oldest) = x->next;
	*(x->next ? &x->next->prev : &s->newest) = x->prev;
	x->next = s->free;
	s->free = x;
}
