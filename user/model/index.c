// SPDX-License-Identifier: GPL-2.0-only
/*
 * The three hash tables over the conns: by the address of the socket, by that of
 * the request, and by both ends. Open addressing, at most half full, and beside each
 * number is its hash: a look-up touches one cache line of the table and, nearly
 * always, no conn but the one that it finds.
 */
#include <errno.h>
#include <stdlib.h>

#include "../lib/pages.h"
#include "internal.h"

#define FIRST_SLOTS	256u

_Static_assert(sizeof(((struct conn *)0)->hash) == CONN_KEYS * sizeof(uint32_t), "a hash for each table");
_Static_assert(sizeof(struct tuple) == 40, "hashed as five words, no padding");
_Static_assert(offsetof(struct tcptrace_record, rport) + 2 ==
	       offsetof(struct tcptrace_record, laddr) + offsetof(struct tuple, netns),
	       "the record has the tuple's members in the tuple's order");

/* A table of n slots lies after all smaller ones, so that growing takes no memory that was not there. */
int index_init(struct model *m, enum conn_key k)
{
	struct table *t = &m->by[k];
	size_t most = FIRST_SLOTS;

	while (most < 2ull * m->limits.conns && most < 1u << 30)
		most *= 2;
	t->all = calloc(2 * most, sizeof(*t->all));
	if (!t->all)
		return -ENOMEM;
	t->slot = t->all + FIRST_SLOTS;
	t->mask = FIRST_SLOTS - 1;
	return 0;
}

uint32_t index_hash(const struct model *m, const struct tuple *t)
{
	const uint64_t seed = m->limits.seed;
	uint64_t w[5];

	memcpy(w, t, sizeof(w));
	return multiply(multiply(w[0] ^ seed, w[1] ^ 0xa0761d6478bd642full) ^ w[4],
			multiply(w[2] ^ seed, w[3] ^ 0xe7037ed1a0b428dbull) ^ 0x8ebc6af09c88c6e3ull);
}

static uint32_t hash_of(const struct model *m, const struct conn *c, enum conn_key k)
{
	if (k == BY_TUPLE)
		return index_hash(m, &c->tuple);
	return hash_addr(m, k == BY_SK ? c->sk : c->req);
}

static bool same_key(const struct conn *a, const struct conn *b, enum conn_key k)
{
	if (k == BY_TUPLE)
		return !memcmp(&a->tuple, &b->tuple, sizeof(a->tuple));
	return k == BY_SK ? a->sk == b->sk : a->req == b->req;
}

static void put(struct table *t, struct slot s)
{
	uint32_t i = s.hash & t->mask;

	while (t->slot[i].conn)
		i = (i + 1) & t->mask;
	t->slot[i] = s;
}

/* Twice the slots. A ms for 100,000 conns; what comes meanwhile waits in the ring. */
static void table_grow(struct table *t)
{
	const struct slot *old = t->slot;
	uint32_t n = t->mask + 1, i;

	t->slot = t->all + 2 * n;
	pages_fill(t->slot, 2 * n * sizeof(*t->slot));
	t->mask = 2 * n - 1;
	for (i = 0; i < n; i++) {
		if (old[i].conn)
			put(t, old[i]);
	}
}

/* In the place of who had the key, or NULL: then nobody had it. */
struct conn *index_put(struct model *m, struct conn *c, enum conn_key k)
{
	struct table *t = &m->by[k];
	struct slot s = { .hash = hash_of(m, c, k), .conn = c - m->conns + 1 };
	uint32_t i;

	c->hash[k] = s.hash;
	for (i = s.hash & t->mask; t->slot[i].conn; i = (i + 1) & t->mask) {
		struct conn *had = &m->conns[t->slot[i].conn - 1];

		if (t->slot[i].hash != s.hash || !same_key(had, c, k))
			continue;
		t->slot[i].conn = s.conn;
		return had;
	}
	t->slot[i] = s;
	if (2 * ++t->count > t->mask + 1)
		table_grow(t);
	return NULL;
}

/* What stands after the hole, and would be looked for from before it, moves up. */
void index_del(struct model *m, struct conn *c, enum conn_key k)
{
	struct table *t = &m->by[k];
	uint32_t i = c->hash[k] & t->mask, me = c - m->conns + 1, next;

	while (t->slot[i].conn != me)
		i = (i + 1) & t->mask;
	for (next = (i + 1) & t->mask; t->slot[next].conn; next = (next + 1) & t->mask) {
		if (((next - t->slot[next].hash) & t->mask) < ((next - i) & t->mask))
			continue;
		t->slot[i] = t->slot[next];
		i = next;
	}
	t->slot[i].conn = 0;
	t->count--;
}

struct conn *index_find(const struct model *m, enum conn_key k, uint64_t addr)
{
	const struct table *t = &m->by[k];
	uint32_t hash, i;

	if (!addr || !t->count)
		return NULL;
	hash = hash_addr(m, addr);
	for (i = hash & t->mask; t->slot[i].conn; i = (i + 1) & t->mask) {
		struct conn *c = &m->conns[t->slot[i].conn - 1];

		if (t->slot[i].hash == hash && (k == BY_SK ? c->sk : c->req) == addr)
			return c;
	}
	return NULL;
}

/* That one's slot will be needed: it is in no cache, nearly always. */
void index_ahead(const struct model *m, uint32_t hash)
{
	const struct table *t = &m->by[BY_TUPLE];

	__builtin_prefetch(&t->slot[hash & t->mask]);
}

struct conn *index_find_hashed(const struct model *m, const struct tuple *tuple, uint32_t hash)
{
	const struct table *t = &m->by[BY_TUPLE];
	uint32_t i;

	for (i = hash & t->mask; t->slot[i].conn; i = (i + 1) & t->mask) {
		struct conn *c = &m->conns[t->slot[i].conn - 1];

		if (t->slot[i].hash == hash && !memcmp(&c->tuple, tuple, sizeof(*tuple)))
			return c;
	}
	return NULL;
}

struct conn *index_find_tuple(const struct model *m, const struct tuple *tuple)
{
	return index_find_hashed(m, tuple, index_hash(m, tuple));
}

struct conn *index_find_rec(const struct model *m, const struct tcptrace_record *rec)
{
	struct tuple t;

	if (!rec->lport || !rec->rport)
		return NULL;
	rec_tuple(rec, &t);
	return index_find_tuple(m, &t);
}
