// SPDX-License-Identifier: GPL-2.0-only
/*
 * --sort: lines wait for the end of their list, which comes with the largest value first; what is unknown comes last, and
 * of equals who ended first. Of more lines than there is room for the last ones are forgotten as the list grows.
 */
#include <stdlib.h>

#include "conns.h"

struct sorted_row {
	struct conn_row row;		/* its lives are the two below */
	struct conn_life l, peer;
	uint64_t value, order;		/* value 0: unknown */
};

static uint64_t total(const struct conn_row *r, uint64_t n)
{
	return r->l->totals.known ? n : TIME_UNKNOWN;
}

static uint64_t value_of(const struct conn_row *r, enum conns_sort by)
{
	switch (by) {
	case CONNS_IN: return total(r, r->l->totals.in);
	case CONNS_OUT: return total(r, r->l->totals.out);
	case CONNS_LIFE: return row_life_ns(r);
	case CONNS_RTT: return row_rtt_ns(r);
	case CONNS_RETR: return total(r, row_retrans(r));
	case CONNS_WAIT: return row_wait_ns(r);
	case CONNS_END: return LIFE_ENDS_MAX - r->end;		/* in the order of the manual */
	case CONNS_AS_THEY_END: break;
	}
	return TIME_UNKNOWN;
}

static int compare(const void *a, const void *b)
{
	const struct sorted_row *x = *(struct sorted_row *const *)a, *y = *(struct sorted_row *const *)b;

	if (x->value != y->value)
		return x->value > y->value ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

/* In order, and no more than n. */
static void cut(struct sorted *s, size_t n)
{
	if (s->n)
		qsort(s->all, s->n, sizeof(*s->all), compare);
	while (s->n > n)
		free(s->all[--s->n]);
}

static struct sorted_row *copy(const struct conn_row *r)
{
	struct sorted_row *x = malloc(sizeof(*x));

	if (!x)
		return NULL;
	x->row = *r;
	x->l = *r->l;
	x->row.l = &x->l;
	if (r->peer) {
		x->peer = *r->peer;
		x->row.peer = &x->peer;
	}
	return x;
}

void sorted_add(struct sorted *s, const struct conns_config *c, const struct conn_row *r)
{
	struct sorted_row *x;

	if (!s->all)
		s->all = calloc(2 * SORTED, sizeof(*s->all));
	x = s->all ? copy(r) : NULL;
	if (!x) {
		s->left_out++;
		return;
	}
	x->value = value_of(r, c->sort) + 1;
	x->order = s->added++;
	s->all[s->n++] = x;
	if (s->n < 2 * SORTED)
		return;
	cut(s, SORTED);
	s->left_out += c->first && c->first <= SORTED ? 0 : SORTED;
}

/* Of a recording whose first line is not that of its first connection. */
static void begin(const struct sorted *s, struct view *v)
{
	uint64_t first = UINT64_MAX;

	for (size_t i = 0; i < s->n; i++)
		first = s->all[i]->l.seen_ns < first ? s->all[i]->l.seen_ns : first;
	if (s->n && !v->cfg.start_ns)
		v->cfg.start_ns = first;
}

void sorted_put(struct sorted *s, const struct conns_config *c, struct view *v,
		void (*put)(struct view *v, const struct conn_row *r))
{
	begin(s, v);
	cut(s, c->first && c->first < s->n ? (size_t)c->first : s->n);
	for (size_t i = 0; i < s->n; i++)
		put(v, &s->all[i]->row);
	cut(s, 0);
}

void sorted_free(struct sorted *s)
{
	cut(s, 0);
	free(s->all);
	s->all = NULL;
}
