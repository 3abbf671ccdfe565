// SPDX-License-Identifier: GPL-2.0-only
/*
 * The view `flow`: keeps the steps of each connection and has it drawn when it is
 * over: when both ends are gone, or one is and nothing happens any more. What goes
 * on when the run ends is drawn then. See ladder.c for what it looks like.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "../lib/clock.h"
#include "../lib/tr.h"
#include "flow.h"
#include "hosts.h"

#define LOOK_EVERY	(SECOND / 4)

struct flow {
	struct follow follow;
	uint64_t looked_ns;
	struct row rows[ROWS_MAX];
};

static int flow_open(struct view *v)
{
	struct flow *f = calloc(1, sizeof(*f));
	int err;

	if (!f)
		return -ENOMEM;
	v->priv = f;
	v->out->ascii = !v->cfg.utf8;
	err = follow_init(&f->follow);
	f->follow.picks_all = v->cfg.picks ? v->cfg.picks_all : 0;
	f->follow.patient = v->cfg.hosts != NULL;
	if (v->cfg.hosts)
		hosts_head(v->out, v->cfg.hosts, v->cfg.columns);
	return err;
}

/* As of the view conns. */
static bool is_enough(const struct view *v)
{
	return v->cfg.conns && v->cfg.conns->count && v->shown >= v->cfg.conns->count;
}

/* Draws it if it is one to draw, and forgets both ends. */
static void finish(struct view *v, struct track *t)
{
	struct flow *f = v->priv;
	struct track *peer = t->peer, *left = t, *right = peer;

	if (peer ? t->server && !peer->server : t->server) {
		left = peer;
		right = t;
	}
	if (!is_enough(v) && follow_wanted(&f->follow, t)) {
		ladder_draw(v, f->rows, left, right);
		v->shown++;
	}
	if (peer)
		follow_drop(&f->follow, peer);
	follow_drop(&f->follow, t);
}

static void look(struct view *v, uint64_t now_ns)
{
	struct flow *f = v->priv;
	struct track *t, *next;

	if (now_ns < f->looked_ns + LOOK_EVERY)
		return;
	f->looked_ns = now_ns;
	for (t = f->follow.oldest; t; t = next) {
		next = t->next;
		if (next && next == t->peer)
			next = next->next;
		if (follow_over(&f->follow, t, now_ns))
			finish(v, t);
	}
}

static void flow_tick(struct view *v, const struct model *m, uint64_t now_ns)
{
	(void)m;
	look(v, now_ns);
}

/* connect() on a socket whose connection is over: another one, of the same number. */
static void end_before_next(struct view *v, const struct model_event *ev)
{
	struct flow *f = v->priv;
	struct track *t;

	if (!ev->c || ev->event != TCPTRACE_CONNECT)
		return;
	t = track_by_conn(&f->follow, ev->conn);
	if (t && t->ended)
		finish(v, t);
}

static void flow_event(struct view *v, const struct model_event *ev)
{
	struct flow *f = v->priv;
	struct track *t;

	end_before_next(v, ev);
	t = follow_event(&f->follow, ev);
	if (t) {
		if (v->cfg.picks)
			t->picks |= v->cfg.picks(v->cfg.picks_ctx, ev);
		follow_step(t, ev);
		if ((t->gone || (t->peer && t->peer->gone)) && follow_over(&f->follow, t, ev->rec->t_ns))
			finish(v, t);
	}
	look(v, ev->rec->t_ns);
}

/* Draws what is not over yet. */
static void flow_finish(struct view *v)
{
	struct flow *f = v->priv;
	char text[160];

	while (f->follow.oldest)
		finish(v, f->follow.oldest);
	if (f->follow.refused) {
		out_line_end(v->out);
		snprintf(text, sizeof(text), _("%llu connections not drawn: no room to follow more than %u ends at once"),
			 (unsigned long long)f->follow.refused, TRACKS);
		out_str(v->out, text);
		out_line_end(v->out);
		f->follow.refused = 0;
	}
}

/* lost 12 records: the ladders may lack steps */
static void flow_lost(struct view *v, uint64_t count, const char *where)
{
	view_lost(v->out, count, where);
	if (v->cfg.hosts) {
		out_str(v->out, _(" on "));
		out_safe(v->out, host_word(v->cfg.hosts, v->host), 255);
	}
	out_str(v->out, _(": ladders may lack steps"));
	out_line_end(v->out);
}

static int flow_close(struct view *v)
{
	struct flow *f = v->priv;

	if (f)
		follow_free(&f->follow);
	free(f);
	v->priv = NULL;
	return 0;
}

const struct view_ops view_flow = {
	.name = "flow",
	.help = N_("each connection as a ladder, when it is over"),
	.text = true,
	.both_ends = true,
	.hosts = true,
	.open = flow_open,
	.event = flow_event,
	.tick = flow_tick,
	.lost = flow_lost,
	.finish = flow_finish,
	.finding = summary_finding,
	.end = summary_end,
	.close = flow_close,
};
