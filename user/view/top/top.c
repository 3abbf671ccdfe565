// SPDX-License-Identifier: GPL-2.0-only
/* The view `top`: who listens, how full both queues of each are, what is wrong. On a screen, or as text. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../lib/clock.h"
#include "../../lib/tr.h"
#include "../hosts.h"
#include "../jsonout.h"
#include "top.h"

#define LEAST_NS	100000000ull	/* of an interval that a key has cut short */

/* Standard output to itself, and a terminal that can do more than print. */
static bool wants_screen(const struct view *v)
{
	const char *term = getenv("TERM");

	return !v->cfg.batch && !v->cfg.json && !v->cfg.main && !v->cfg.path && isatty(v->out->fd) == 1 &&
	       term && term[0] && strcmp(term, "dumb");
}

/* A damaged recording may say any time. */
static uint64_t later(uint64_t t_ns, uint64_t by_ns)
{
	return t_ns + by_ns < t_ns ? UINT64_MAX : t_ns + by_ns;
}

/* One, or those of several machines. */
static void take_models(struct top *t, const struct model *m)
{
	t->nmodels = t->v->cfg.hosts ? t->v->cfg.hosts->n : 1;
	for (unsigned int i = 0; i < t->nmodels; i++)
		t->models[i] = t->v->cfg.hosts ? t->v->cfg.models[i] : m;
}

/* From that moment on rates are counted. */
static void begin(struct top *t, uint64_t now_ns)
{
	t->begun_ns = now_ns;
	t->next_ns = later(now_ns, t->interval_ns);
	t->due = true;
	top_rows_begin(&t->rows, now_ns);
}

static int top_open(struct view *v)
{
	struct top *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	v->priv = t;
	v->out->ascii = !v->cfg.utf8 && !v->cfg.csv;
	t->v = v;
	t->interval_ns = v->cfg.interval_ns ? v->cfg.interval_ns : TOP_INTERVAL_NS;
	if (top_rows_open(&t->rows) || page_open(&t->page) || page_open(&t->doc))
		return -ENOMEM;
	t->rows.trouble = v->cfg.trouble;
	t->rows.listed = v->cfg.json || v->cfg.csv;
	t->explain = v->cfg.explain;
	if (v->cfg.hosts && v->cfg.json)
		hosts_json(v->out, v->cfg.hosts);
	if (v->cfg.live)
		begin(t, clock_ns(CLOCK_MONOTONIC));
	if (wants_screen(v) && term_open(&t->term, v->out->fd, v->cfg.color))
		t->term = NULL;			/* then as text */
	t->rows.least_ns = t->term ? LEAST_NS : 0;
	v->steps = !t->term ? 0 : v->cfg.live ? TOP_STEPS : UINT64_MAX;
	return t->term && !v->cfg.live ? top_steps_open(t) : 0;
}

static void top_event(struct view *v, const struct model_event *ev)
{
	struct top *t = v->priv;

	if (!t->term)			/* they are another view's */
		return;
	top_listener_event(t, ev);
	top_steps_event(t, ev);
}

/* Lengths begin anew with an interval. */
void top_look(struct top *t, uint64_t now_ns)
{
	top_rows_look(&t->rows, t->models, &t->v->cfg, now_ns);
	t->v->looks += t->rows.interval_ns != 0;
}

static void top_tick(struct view *v, const struct model *m, uint64_t now_ns)
{
	struct top *t = v->priv;

	take_models(t, m);
	if (!t->begun_ns)
		begin(t, now_ns);
	if (t->term)
		top_screen_tick(t, now_ns);
	if (now_ns < t->next_ns)
		return;
	if (!t->term)
		top_batch(t, now_ns);
	else if (!t->frozen)
		v->shown++;
	t->next_ns = later(t->next_ns, t->interval_ns);
	if (t->next_ns <= now_ns)
		t->next_ns = later(now_ns, t->interval_ns);
}

static void top_play(struct view *v, uint64_t next_ns, struct view_play *play)
{
	top_play_ask(v->priv, next_ns, play);
}

/* A screen leaves, and what comes after it is the summary of any run. */
static void top_finish(struct view *v)
{
	struct top *t = v->priv;

	if (!t->term)
		return;
	top_steps_close(t);
	term_close(t->term);
	t->term = NULL;
	t->left = true;
}

static bool sums_up(const struct view *v)
{
	const struct top *t = v->priv;

	return t->left && !v->cfg.quiet;
}

static void top_finding(struct view *v, const struct finding *f)
{
	if (sums_up(v))
		summary_finding(v, f);
}

static void top_listeners(struct view *v, const struct model *m)
{
	if (!sums_up(v))
		return;
	if (v->cfg.hosts) {
		out_line_end(v->out);
		out_safe(v->out, host_word(v->cfg.hosts, v->host), 255);
		out_line_end(v->out);
	}
	summary_listeners(v, m);
}

static void top_end(struct view *v, const struct view_end *end)
{
	struct top *t = v->priv;
	uint64_t last_ns = end->totals->last_ns;

	if (t->left) {
		if (!v->cfg.quiet)
			summary_end(v, end);
		return;
	}
	take_models(t, end->model);
	if (t->begun_ns && last_ns > t->rows.looked_ns)	/* what is left is no whole interval */
		top_batch(t, last_ns);
	top_header(t);
	if (v->cfg.json)
		json_end_line(v, end);
}

static int top_close(struct view *v)
{
	struct top *t = v->priv;

	if (t) {
		top_steps_close(t);
		term_close(t->term);
		top_rows_close(&t->rows);
		page_close(&t->page);
		page_close(&t->doc);
	}
	free(t);
	v->priv = NULL;
	return 0;
}

const struct view_ops view_top = {
	.name = "top",
	.help = N_("listeners, their queues and rates, at each interval"),
	.events = EVENTS_QUEUES,
	.json = true,
	.hosts = true,
	.open = top_open,
	.event = top_event,
	.tick = top_tick,
	.play = top_play,
	.finish = top_finish,
	.finding = top_finding,
	.listeners = top_listeners,
	.end = top_end,
	.close = top_close,
};
