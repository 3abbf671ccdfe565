// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "pair.h"
#include "wanted.h"

uint64_t wanted_hash(uint64_t a, uint64_t b)
{
	uint64_t h = (a ^ (b + 0x9e3779b97f4a7c15ull) * 0xbf58476d1ce4e5b9ull) * 0x94d049bb133111ebull;

	h = (h ^ h >> 31) * 0x9e3779b97f4a7c15ull;
	h ^= h >> 29;
	return h ? h : 1;
}

static uint64_t end_hash(const uint8_t addr[16], uint16_t port)
{
	uint64_t w[2];

	memcpy(w, addr, 16);
	return wanted_hash(w[0], wanted_hash(w[1], port));
}

/* The same from both ends; 0: not whole. */
static uint64_t hash_of(const struct tuple *t)
{
	if (!t->lport || !t->rport)
		return 0;
	return wanted_hash(end_hash(t->laddr, t->lport) + end_hash(t->raddr, t->rport), 'P');
}

/* A client is heard before its server, whose end the filter may name. */
static bool opens(const struct model_event *ev)
{
	switch (ev->event) {
	case TCPTRACE_CONNECT: case TCPTRACE_CONNECT_RETURN: case TCPTRACE_RETRANS:
		return true;
	case TCPTRACE_STATE:
		return ev->old == TCP_S_SYN_SENT || ev->new == TCP_S_SYN_SENT;
	}
	return false;
}

static uint64_t pair_of(const struct model_event *ev)
{
	const struct tuple t = ev->c ? ev->c->tuple : record_ends(ev->rec);

	return hash_of(&t);
}

static uint64_t *row_of(struct wanted_pairs *w, uint64_t pair)
{
	return w->pair[pair % (WANTED_PAIRS / WANTED_WAYS)];
}

static bool is_remembered(struct wanted_pairs *w, uint64_t pair)
{
	const uint64_t *row = row_of(w, pair);

	for (unsigned int i = 0; i < WANTED_WAYS; i++) {
		if (row[i] == pair)
			return true;
	}
	return false;
}

static void remember(struct wanted_pairs *w, uint64_t pair)
{
	uint64_t *row = row_of(w, pair);
	unsigned int i = 0;

	while (i < WANTED_WAYS - 1 && row[i] != pair)
		i++;
	memmove(row + 1, row, i * sizeof(*row));
	row[0] = pair;
}

enum wanted wanted_pair(struct wanted_pairs *w, bool picked, const struct model_event *ev)
{
	uint64_t pair = pair_of(ev);

	if (pair && picked)
		remember(w, pair);
	if (picked || (pair && is_remembered(w, pair)))
		return WANTED;
	return opens(ev) ? WANTED_MAYBE : WANTED_NOT;
}

enum wanted wanted_event(struct wanted_pairs *w, const struct view *v, const struct model_event *ev)
{
	if (!v->cfg.picks)
		return WANTED;
	return wanted_pair(w, (v->cfg.picks(v->cfg.picks_ctx, ev) & v->cfg.picks_all) == v->cfg.picks_all, ev);
}
