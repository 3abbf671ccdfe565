// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is shown, so that the page is no larger than was asked: every part has a share of
 * its size, and what does not fit into it is left out, the least telling first.
 */
#include <errno.h>
#include <stdlib.h>

#include "report.h"

/* Bytes: what is always there (markup, style, script, words, findings), and what a part of the rest takes. */
#define FIXED_BYTES	(160u << 10)
#define CARD_BYTES	9000u			/* without its charts */
#define POINT_BYTES	80u			/* in the drawing and in the data */

struct budget {
	uint64_t cards, points, conns, ladders, steps;
};

static struct budget budget_of(const struct view *v)
{
	uint64_t size = v->cfg.max_size ? v->cfg.max_size : REPORT_SIZE, rest;

	rest = (size > VIEW_SIZE_MIN ? size : VIEW_SIZE_MIN) - FIXED_BYTES;
	return (struct budget){
		.cards = rest * 12 / 100, .points = rest * 25 / 100, .conns = rest * 33 / 100,
		.ladders = rest * 14 / 100, .steps = rest * 16 / 100,
	};
}

/* ---- listeners ---- */

static int by_trouble(const void *a, const void *b)
{
	const struct card *x = a, *y = b;

	if (x->refused != y->refused)
		return x->refused < y->refused ? 1 : -1;
	if (x->full_permille != y->full_permille)
		return x->full_permille < y->full_permille ? 1 : -1;
	if (x->oldest_ns != y->oldest_ns)
		return x->oldest_ns < y->oldest_ns ? 1 : -1;
	if (x->l->established != y->l->established)
		return x->l->established < y->l->established ? 1 : -1;
	return x->l->lport != y->l->lport ? x->l->lport - y->l->lport : x->l->id < y->l->id ? -1 : 1;
}

static uint64_t permille(const struct queue *q, const struct listener *l)
{
	return l->limit_known ? q->peak * 1000ull / (l->limit + 1ull) : 0;
}

static void choose_cards(struct report *r, const struct budget *b)
{
	uint64_t fit = b->cards / CARD_BYTES;

	for (unsigned int i = 0; i < r->ncards; i++) {
		struct card *c = &r->cards[i];
		uint64_t synq = permille(&c->l->synq, c->l), acceptq = permille(&c->l->acceptq, c->l);

		c->graph = graphs_find(&r->graphs, c->l->id);
		if (c->graph && !c->graph->limit.n && c->l->limit_known)
			series_add(&c->graph->limit, r->from_ns, c->l->limit);
		c->refused = listener_refused(c->l);
		c->full_permille = synq > acceptq ? synq : acceptq;
		c->oldest_ns = model_oldest_wait(r->model, &c->l->acceptq);
	}
	if (r->ncards)		/* qsort() takes no NULL */
		qsort(r->cards, r->ncards, sizeof(*r->cards), by_trouble);
	r->cards_shown = r->ncards < REPORT_CARDS ? r->ncards : REPORT_CARDS;
	if (r->cards_shown > fit)
		r->cards_shown = (unsigned int)fit;
}

static void thin_charts(struct report *r, const struct budget *b)
{
	uint64_t most = r->cards_shown ? b->points / POINT_BYTES / 2 / r->cards_shown : SERIES_POINTS;

	most = most > SERIES_POINTS ? SERIES_POINTS : most < 50 ? 50 : most;
	r->points = (unsigned int)most;
	for (unsigned int i = 0; i < r->cards_shown; i++) {
		struct graph *g = r->cards[i].graph;

		if (!g)
			continue;
		series_thin(&g->synq, r->points);
		series_thin(&g->acceptq, r->points);
		series_thin(&g->limit, r->points);
	}
}

/* ---- connections ---- */

/* How many, from the first on, fit when they are written as they will be. What they leave of the bytes stays there. */
static unsigned int fitting(struct view *v, const struct candidate *c, unsigned int n, uint64_t *bytes,
			    void (*put)(struct view *v, const struct candidate *c))
{
	struct out *page = v->out, scratch;
	unsigned int i;

	if (out_open(&scratch, -1))
		return 0;
	v->out = &scratch;
	for (i = 0; i < n; i++) {
		scratch.len = 0;
		put(v, &c[i]);
		if (scratch.len > *bytes)
			break;
		*bytes -= scratch.len;
	}
	scratch.len = 0;
	out_close(&scratch);
	v->out = page;
	return i;
}

static void put_row(struct view *v, const struct candidate *c)
{
	report_conn(v, c->what);
}

static bool is_wanted(const struct report *r, const struct conn_row *row)
{
	return row->pair < r->pairs.n ? r->pairs.all[row->pair].wanted : row->wanted;
}

/* Trouble first, then in the order of time. */
static int in_order(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	const struct conn_row *p = x->what, *q = y->what;

	if (x->trouble != y->trouble)
		return x->trouble > y->trouble ? -1 : 1;
	/* what was there before comes first */
	return p->born_ns + 1 != q->born_ns + 1 ? (p->born_ns + 1 < q->born_ns + 1 ? -1 : 1) : p < q ? -1 : p > q;
}

static int choose_conns(struct view *v, struct budget *b)
{
	struct report *r = v->priv;
	unsigned int n = 0;

	r->chosen = malloc((r->conns.n + 1) * sizeof(*r->chosen));
	if (!r->chosen)
		return -ENOMEM;
	for (unsigned int i = 0; i < r->conns.n; i++) {
		struct conn_row *row = &r->conns.rows[i];

		if (is_wanted(r, row))
			r->chosen[n++] = conn_candidate(row, r->to_ns);
	}
	choose(r->chosen, n, REPORT_CONNS);
	n = n < REPORT_CONNS ? n : REPORT_CONNS;
	r->nchosen = fitting(v, r->chosen, n, &b->conns, put_row);
	qsort(r->chosen, r->nchosen, sizeof(*r->chosen), in_order);
	return 0;
}

static void put_ladder(struct view *v, const struct candidate *c)
{
	report_ladder(v, c->what);
}

static void choose_ladders(struct view *v, struct budget *b)
{
	struct report *r = v->priv;
	unsigned int n = r->ladders.n;

	choose(r->ladders.kept, n, REPORT_LADDERS);
	r->nladders = fitting(v, r->ladders.kept, n < REPORT_LADDERS ? n : REPORT_LADDERS, &b->ladders, put_ladder);
}

int report_choose(struct view *v)
{
	struct report *r = v->priv;
	struct budget b = budget_of(v);
	int err = pairs_make(&r->pairs, &r->conns, &r->steps);

	if (!err)
		err = choose_conns(v, &b);
	if (err)
		return err;
	choose_cards(r, &b);
	thin_charts(r, &b);
	choose_ladders(v, &b);
	report_fit_steps(v, b.steps + b.conns + b.ladders);	/* with what the others have left */
	return 0;
}
