// SPDX-License-Identifier: GPL-2.0-only
#include "sumup.h"

struct asking {
	struct view *view;
	const struct select *select;
};

static bool is_asked_for(void *ctx, const struct finding *f)
{
	return select_finding(((const struct asking *)ctx)->select, f);
}

static void on_finding(void *ctx, const struct finding *f)
{
	struct view *v = ((const struct asking *)ctx)->view;

	v->ops->finding(v, f);
}

static void put_findings(const struct outputs *s, struct view *v, const struct model *m)
{
	struct asking a = { v, s->select };

	v->findings = 0;
	if (v->ops->finding)
		findings(m, s->machine, is_asked_for, on_finding, &a);
	summary_findings_left(v);
}

static void put_listeners(const struct outputs *s, struct view *v, const struct model *m)
{
	const struct listener *l;

	if (v->ops->listeners)
		v->ops->listeners(v, m);
	for (uint32_t i = 0; v->ops->listener && (l = model_listener(m, i)); i++) {
		if (select_listener(s->select, l))
			v->ops->listener(v, m, l);
	}
}

static void put_model(const struct outputs *s, struct view *v, const struct model *m)
{
	if (!v->ops->verdict_last)
		put_findings(s, v, m);
	put_listeners(s, v, m);
	if (v->ops->verdict_last)
		put_findings(s, v, m);
}

void sumup_put(const struct outputs *s, struct view *v)
{
	for (unsigned int host = 0; host < s->models->n; host++) {
		v->host = (uint8_t)host;
		put_model(s, v, s->models->of[host]);
	}
}

/* ---- -i ---- */

/* Of others than top, which has it by its ticks. */
static bool has_intervals(const struct outputs *s)
{
	return s->o->interval_ns && !s->all[0].view.ops->play;
}

bool sumup_due(const struct outputs *s, uint64_t now_ns)
{
	return has_intervals(s) && s->next_ns && now_ns >= s->next_ns;
}

/* "== 5.0 s ==": since the beginning */
static void put_moment(const struct outputs *s, struct view *v, uint64_t now_ns)
{
	if (s->o->json || s->o->csv)
		return;
	out_line_end(v->out);
	out_str(v->out, "== ");
	out_seconds(v->out, now_ns - s->begun_ns);
	out_str(v->out, " ==");
	out_line_end(v->out);
}

static void put_interval(struct outputs *s, uint64_t now_ns)
{
	struct view *v = &s->all[0].view;

	put_moment(s, v, now_ns);
	if (v->ops->interval) {
		v->ops->interval(v, now_ns);
		return;
	}
	sumup_put(s, v);
}

void sumup_tick(struct outputs *s, uint64_t now_ns)
{
	if (!has_intervals(s) || !now_ns)	/* 0: of a replay that has had no record yet */
		return;
	if (!s->next_ns) {
		s->begun_ns = now_ns;
		s->next_ns = now_ns + s->o->interval_ns;
	}
	if (now_ns < s->next_ns)
		return;
	s->next_ns += s->o->interval_ns;
	if (s->next_ns <= now_ns)
		s->next_ns = now_ns + s->o->interval_ns;
	put_interval(s, now_ns);
}

/* To the end of the interval, if that is before the next record; the first one begins with the first record. */
bool sumup_play(struct outputs *s, uint64_t next_ns, struct view_play *play)
{
	bool comes = next_ns && next_ns != UINT64_MAX;

	if (!has_intervals(s))
		return false;
	if (comes && !s->next_ns)
		sumup_tick(s, next_ns);
	else if (comes)
		s->next_ns = view_past_gap(s->next_ns, s->o->interval_ns, next_ns);
	play->until_ns = s->next_ns;
	return true;
}
