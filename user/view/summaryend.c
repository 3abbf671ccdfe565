// SPDX-License-Identifier: GPL-2.0-only
/*
 * The last line of a run for people, and the hint that fewer lines say more.
 *
 * 140098 events, 0 lost  (bpf: fentry 14, tracepoint 11; 30.2 s, 4637 events a second)
 */
#include "../lib/tr.h"
#include "../lib/wrap.h"
#include "summary.h"

uint64_t view_events(const struct model_totals *t)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < TCPTRACE_EVENT_MAX; i++)
		sum += t->events[i];
	return sum;
}

/* Only when there is something to say: ", 3 probe hits missed" */
static void put_unless_zero(struct out *o, uint64_t n, const char *msgid)
{
	if (n)
		summary_with(o, msgid, n);
}

/* "; 30.2 s, 4637 events a second" */
static void put_length(struct view *v, const struct view_end *end)
{
	const struct model_totals *t = end->totals;
	uint64_t ms = t->last_ns > t->first_ns ? (t->last_ns - t->first_ns) / 1000000 : 0;

	if (v->cfg.hosts || !t->first_ns || ms < 100)
		return;
	out_str(v->out, "; ");
	out_seconds(v->out, t->last_ns - t->first_ns);
	if (end->recorded || view_events(t) * 1000 < ms)
		return;
	summary_with(v->out, N_(", {1} events a second"), view_events(t) * 1000 / ms);
}

bool view_streams(const struct view *v)
{
	return v->ops->steps && !v->cfg.quiet && !v->cfg.json;
}

const char *view_flood_hint(void)
{
	return _("More than a thousand lines a second: `tcptrace top` shows the queues, -q the end alone, "
		 "-x what goes wrong, conns a line for each connection; -P PORT or -p PID less of all.");
}

static bool is_flood(const struct view *v, const struct model_totals *t)
{
	uint64_t ms = (t->last_ns - t->first_ns) / 1000000;

	return v->cfg.live && view_streams(v) &&
	       (v->flooded || (v->shown > 2 * VIEW_FLOOD && v->shown * 1000 > ms * VIEW_FLOOD));
}

void summary_end(struct view *v, const struct view_end *end)
{
	const struct model_totals *t = end->totals;
	struct out *o = v->out;

	out_line_end(o);
	if (end->recorded)
		summary_with(o, N_("{1} records"), end->recorded);
	else
		summary_with(o, N_("{1} events"), view_events(t));
	summary_with(o, N_(", {1} lost"), end->lost);
	put_unless_zero(o, end->missed, N_(", {1} probe hits missed"));
	put_unless_zero(o, end->unknown, N_(", {1} records of a newer tcptrace skipped"));
	put_unless_zero(o, t->evicted, N_(", {1} connections forgotten (table full)"));
	put_unless_zero(o, t->listeners_unseen, N_(", {1} listeners not followed (table full)"));
	put_unless_zero(o, t->illegal, N_(", {1} impossible transitions"));
	out_str(o, "  (");
	out_str(o, end->source);
	if (end->mechanisms[0]) {
		out_str(o, _(": "));
		out_str(o, end->mechanisms);
	}
	put_length(v, end);
	out_char(o, ')');
	summary_line_end(v, 2);
	if (is_flood(v, t))
		out_wrapped(o, view_flood_hint(), 0, v->cfg.columns ? v->cfg.columns : 80);
}
