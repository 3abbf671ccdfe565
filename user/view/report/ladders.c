// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connections with their steps: followed as `flow` does it, and kept when they are over.
 * When there are too many, half of them is given up, as choose.c has it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

#define LOOK_EVERY	250000000u

int ladders_init(struct ladders *l)
{
	return follow_init(&l->follow);
}

static void ladder_free(struct ladder *one)
{
	free(one->left);
	free(one->right);
	free(one);
}

void ladders_free(struct ladders *l)
{
	for (unsigned int i = 0; i < l->n; i++)
		ladder_free(l->kept[i].what);
	follow_free(&l->follow);
}

/* Only the steps that there are: the rest of its memory is never touched. */
static struct track *copy(const struct track *t)
{
	struct track *to = t ? malloc(sizeof(*to)) : NULL;
	uint64_t n = t ? t->nsteps : 0;

	if (!to)
		return NULL;
	memcpy(to, t, offsetof(struct track, head) + sizeof(t->head[0]) * (n < TRACK_HEAD ? n : TRACK_HEAD));
	if (n > TRACK_HEAD)
		memcpy(to->tail, t->tail, sizeof(t->tail));
	return to;
}

/* By the end that has more to say. */
static struct candidate candidate(const struct conn_rows *c, const struct ladder *one)
{
	const struct track *ends[] = { one->left, one->right };
	struct candidate best = { 0 }, end;
	struct conn_row *row;

	for (unsigned int i = 0; i < 2; i++) {
		if (!ends[i])
			continue;
		if (!best.spread)
			best.spread = choose_spread(ends[i]->conn);
		row = connrows_find(c, ends[i]->conn);
		end = row ? conn_candidate(row, c->now_ns) : (struct candidate){ .trouble = ends[i]->conn ? 0 : 2 };
		if (end.trouble > best.trouble)
			best.trouble = end.trouble;
		if (end.wait_ns > best.wait_ns)
			best.wait_ns = end.wait_ns;
	}
	return best;
}

static void give_up_half(struct ladders *l)
{
	choose(l->kept, l->n, REPORT_KEPT / 2);
	while (l->n > REPORT_KEPT / 2)
		ladder_free(l->kept[--l->n].what);
}

static void keep(struct ladders *l, const struct conn_rows *c, const struct track *left, const struct track *right)
{
	struct ladder *one = malloc(sizeof(*one));

	l->seen++;
	if (!one)
		return;
	*one = (struct ladder){ copy(left), copy(right) };
	if (!one->left && !one->right) {
		free(one);
		return;
	}
	if (l->n == REPORT_KEPT)
		give_up_half(l);
	l->kept[l->n] = candidate(c, one);
	l->kept[l->n++].what = one;
}

static void finish(struct ladders *l, const struct conn_rows *c, struct track *t)
{
	struct track *peer = t->peer;
	bool turn = peer ? t->server && !peer->server : t->server;

	if (follow_wanted(&l->follow, t))
		keep(l, c, turn ? peer : t, turn ? t : peer);
	if (peer)
		follow_drop(&l->follow, peer);
	follow_drop(&l->follow, t);
}

void ladders_tick(struct ladders *l, const struct conn_rows *c, uint64_t now_ns)
{
	struct track *t, *next;

	if (now_ns < l->looked_ns + LOOK_EVERY)
		return;
	l->looked_ns = now_ns;
	for (t = l->follow.oldest; t; t = next) {
		next = t->next;
		if (next && next == t->peer)
			next = next->next;
		if (follow_over(&l->follow, t, now_ns))
			finish(l, c, t);
	}
}

void ladders_event(struct ladders *l, const struct conn_rows *c, const struct model_event *ev, unsigned int picks)
{
	struct track *t;

	/* connect() on a socket whose connection is over: another one, of the same number */
	t = ev->c && ev->event == TCPTRACE_CONNECT ? track_by_conn(&l->follow, ev->conn) : NULL;
	if (t && t->ended)
		finish(l, c, t);
	t = follow_event(&l->follow, ev);
	if (t) {
		t->picks |= picks;
		follow_step(t, ev);
		if ((t->gone || (t->peer && t->peer->gone)) && follow_over(&l->follow, t, ev->rec->t_ns))
			finish(l, c, t);
	}
	ladders_tick(l, c, ev->rec->t_ns);
}

void ladders_finish(struct ladders *l, const struct conn_rows *c)
{
	while (l->follow.oldest)
		finish(l, c, l->follow.oldest);
}
