// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which two ends are one connection: made once, when the run is over, from the rows and
 * the steps of the replay. One end that the filter names is enough for both.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib/put.h"
#include "../pair.h"
#include "report.h"

#define NO_PAIR	UINT32_MAX

static struct tuple turned(const struct tuple *t)
{
	struct tuple back = { .lport = t->rport, .rport = t->lport, .netns = t->netns };

	memcpy(back.laddr, t->raddr, 16);
	memcpy(back.raddr, t->laddr, 16);
	return back;
}

/* 127.0.0.1 is another one in each namespace. */
static bool same_pair(const struct tuple *a, const struct tuple *b)
{
	if (addr_is_loopback(a->laddr) && a->netns != b->netns)
		return false;
	return (same_end(a->laddr, a->lport, b->laddr, b->lport) && same_end(a->raddr, a->rport, b->raddr, b->rport)) ||
	       (same_end(a->laddr, a->lport, b->raddr, b->rport) && same_end(a->raddr, a->rport, b->laddr, b->lport));
}

static uint32_t find(struct pairs *p, const struct tuple *t)
{
	uint32_t i;

	if (!t->lport || !t->rport)
		return NO_PAIR;
	for (i = pair_hash(t) & p->mask; p->table[i]; i = (i + 1) & p->mask) {
		if (same_pair(&p->all[p->table[i] - 1].tuple, t))
			return p->table[i] - 1;
	}
	p->all[p->n] = (struct pair){ .tuple = *t };
	p->table[i] = ++p->n;
	return p->n - 1;
}

static bool is_client(const struct conn_row *row)
{
	return !row->listener && row->outcome >= CONN_CONNECTING;
}

static void add_row(struct pairs *p, struct conn_row *row)
{
	struct pair *pair;

	row->pair = find(p, &row->tuple);
	if (row->pair == NO_PAIR)
		return;
	pair = &p->all[row->pair];
	pair->wanted |= row->wanted;
	if (is_client(row)) {
		pair->client = pair->client ? pair->client : row->conn;
		pair->client_who = row->who;
		if (!pair->server)
			pair->tuple = turned(&row->tuple);
		return;
	}
	pair->tuple = row->tuple;
	pair->server = pair->server ? pair->server : row->conn;
	if (row->who.pid)
		pair->server_who = row->who;
	if (row->listener)
		pair->listener = row->listener;
}

static void add_step(struct pairs *p, const struct conn_rows *c, struct step *s)
{
	const struct conn_row *row = connrows_find(c, s->conn);

	s->pair = row ? row->pair : find(p, &s->tuple);
	if (s->pair == NO_PAIR)
		return;
	p->all[s->pair].wanted |= s->wanted;
	if (s->listener)
		p->all[s->pair].listener = s->listener;
}

int pairs_make(struct pairs *p, struct conn_rows *c, struct steps *s)
{
	uint64_t most = c->n + (s->n - s->first), i;

	for (p->mask = 1023; p->mask < 2 * most; p->mask = 2 * p->mask + 1)
		;
	p->all = malloc((most + 1) * sizeof(*p->all));
	p->table = calloc(p->mask + 1, sizeof(*p->table));
	if (!p->all || !p->table)
		return -ENOMEM;
	for (i = 0; i < c->n; i++)
		add_row(p, &c->rows[i]);
	for (i = s->first; i < s->n; i++)
		add_step(p, c, steps_at(s, i));
	return 0;
}

void pairs_free(struct pairs *p)
{
	free(p->all);
	free(p->table);
}
