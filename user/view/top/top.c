// SPDX-License-Identifier: GPL-2.0-only
/* The view `top`: who listens, how full both queues of each are, what is wrong. */
#include <errno.h>
#include <stdlib.h>

#include "../jsonout.h"
#include "top.h"

#define GAP_MAX		60u		/* intervals without a record that are shown; a longer gap is one */

static int top_open(struct view *v)
{
	struct top *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	v->priv = t;
	v->out->ascii = !v->cfg.utf8;
	t->v = v;
	t->interval_ns = v->cfg.interval_ns ? v->cfg.interval_ns : TOP_INTERVAL_NS;
	if (top_rows_open(&t->rows) || page_open(&t->page))
		return -ENOMEM;
	t->rows.trouble = v->cfg.trouble;
	t->rows.listed = v->cfg.json;
	return 0;
}

static void top_event(struct view *v, const struct model_event *ev)
{
	struct top *t = v->priv;

	top_rows_event(&t->rows, ev);
}

/* A damaged recording may say any time. */
static uint64_t later(uint64_t t_ns, uint64_t by_ns)
{
	return t_ns + by_ns < t_ns ? UINT64_MAX : t_ns + by_ns;
}

/* From that moment on rates are counted. */
static void begin(struct top *t, const struct model *m, uint64_t now_ns)
{
	t->begun_ns = now_ns;
	t->next_ns = later(now_ns, t->interval_ns);
	top_rows_look(&t->rows, m, &t->v->cfg, now_ns);
}

static void top_tick(struct view *v, const struct model *m, uint64_t now_ns)
{
	struct top *t = v->priv;

	if (!t->begun_ns)
		begin(t, m, now_ns);
	if (now_ns < t->next_ns)
		return;
	top_batch(t, m, now_ns);
	t->next_ns = later(t->next_ns, t->interval_ns);
	if (t->next_ns <= now_ns)
		t->next_ns = later(now_ns, t->interval_ns);
}

/* In steps of an interval from the first record on. */
static void top_play(struct view *v, uint64_t next_ns, struct view_play *play)
{
	struct top *t = v->priv;

	*play = (struct view_play){ .until_ns = t->begun_ns ? t->next_ns : next_ns - 1 };
	if (!t->begun_ns || !next_ns || next_ns == UINT64_MAX)
		return;
	if (next_ns > t->next_ns && (next_ns - t->next_ns) / t->interval_ns > GAP_MAX)
		t->next_ns = next_ns - (next_ns - t->next_ns) % t->interval_ns;
}

static void top_end(struct view *v, const struct view_end *end)
{
	struct top *t = v->priv;
	uint64_t last_ns = end->totals->last_ns;

	if (!v->cfg.live && t->begun_ns && last_ns > t->rows.looked_ns)	/* what is left is no whole interval */
		top_batch(t, end->model, last_ns);
	if (v->cfg.json)
		json_end_line(v, end);
}

static int top_close(struct view *v)
{
	struct top *t = v->priv;

	if (t) {
		top_rows_close(&t->rows);
		page_close(&t->page);
	}
	free(t);
	v->priv = NULL;
	return 0;
}

const struct view_ops view_top = {
	.name = "top",
	.help = "listeners, their queues and rates, at each interval",
	.json = true,
	.open = top_open,
	.event = top_event,
	.tick = top_tick,
	.play = top_play,
	.end = top_end,
	.close = top_close,
};
