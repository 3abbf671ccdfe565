// SPDX-License-Identifier: GPL-2.0-only
/*
 * The three hash tables over the conns: by the address of the socket, by that of
 * the request, and by both ends. They grow one bucket at a time.
 */
#include <errno.h>
#include <stdlib.h>

#include "internal.h"

#define FIRST_BUCKETS	256u

_Static_assert(sizeof(struct tuple) == 40, "hashed as five words, no padding");
_Static_assert(offsetof(struct tcptrace_record, rport) + 2 ==
	       offsetof(struct tcptrace_record, laddr) + offsetof(struct tuple, netns),
	       "the record has the tuple's members in the tuple's order");

int index_init(struct model *m, enum conn_key k)
{
	struct table *t = &m->by[k];

	t->n = t->max = FIRST_BUCKETS;
	t->mask = FIRST_BUCKETS - 1;
	while (t->max < 2ull * m->limits.conns && t->max < 1u << 30)
		t->max *= 2;
	t->bucket = calloc(t->max, sizeof(*t->bucket));
	return t->bucket ? 0 : -ENOMEM;
}

static uint32_t hash_tuple(const struct model *m, const struct tuple *t)
{
	uint64_t w[5], h = m->limits.seed;
	int i;

	memcpy(w, t, sizeof(w));
	for (i = 0; i < 5; i++)
		h = mix(h, w[i]);
	return mix(h, m->limits.seed) >> 8;
}

static uint32_t hash_of(const struct model *m, const struct conn *c, enum conn_key k)
{
	if (k == BY_TUPLE)
		return hash_tuple(m, &c->tuple);
	return hash_addr(m, k == BY_SK ? c->sk : c->req);
}

static uint32_t *bucket_at(const struct table *t, uint32_t hash)
{
	uint32_t i = hash & (2 * t->mask + 1);

	return &t->bucket[i < t->n ? i : hash & t->mask];
}

/* One bucket more: what belongs there moves over from the bucket that had both halves. */
static void table_grow(struct model *m, enum conn_key k)
{
	struct table *t = &m->by[k];
	uint32_t *p = &t->bucket[t->n - t->mask - 1], *to = &t->bucket[t->n], i;
	struct conn *c;

	while ((i = *p)) {
		c = &m->conns[i - 1];
		if ((hash_of(m, c, k) & (2 * t->mask + 1)) != t->n) {
			p = &c->next[k];
			continue;
		}
		*p = c->next[k];
		*to = i;
		c->next[k] = 0;
		to = &c->next[k];
	}
	if (++t->n == 2 * (t->mask + 1))
		t->mask = 2 * t->mask + 1;
}

void index_add(struct model *m, struct conn *c, enum conn_key k)
{
	struct table *t = &m->by[k];
	uint32_t *b;

	if (2 * ++t->count > t->n && t->n < t->max)
		table_grow(m, k);
	b = bucket_at(t, hash_of(m, c, k));
	c->next[k] = *b;
	*b = c - m->conns + 1;
}

void index_del(struct model *m, struct conn *c, enum conn_key k)
{
	uint32_t *p = bucket_at(&m->by[k], hash_of(m, c, k)), me = c - m->conns + 1;

	while (*p != me)
		p = &m->conns[*p - 1].next[k];
	*p = c->next[k];
	m->by[k].count--;
}

struct conn *conn_find(const struct model *m, enum conn_key k, uint64_t addr)
{
	uint32_t i;

	if (!addr)
		return NULL;
	for (i = *bucket_at(&m->by[k], hash_addr(m, addr)); i; i = m->conns[i - 1].next[k])
		if ((k == BY_SK ? m->conns[i - 1].sk : m->conns[i - 1].req) == addr)
			return &m->conns[i - 1];
	return NULL;
}

struct conn *conn_find_tuple(const struct model *m, const struct tuple *t)
{
	uint32_t i;

	for (i = *bucket_at(&m->by[BY_TUPLE], hash_tuple(m, t)); i; i = m->conns[i - 1].next[BY_TUPLE])
		if (!memcmp(&m->conns[i - 1].tuple, t, sizeof(*t)))
			return &m->conns[i - 1];
	return NULL;
}

struct conn *conn_find_rec_tuple(const struct model *m, const struct tcptrace_record *rec)
{
	struct tuple t;

	if (!rec->lport || !rec->rport)
		return NULL;
	memcpy(&t, rec->laddr, offsetof(struct tuple, netns));
	t.netns = rec->netns;
	return conn_find_tuple(m, &t);
}
