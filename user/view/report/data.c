// SPDX-License-Identifier: GPL-2.0-only
/*
 * What page.js reads, as JSON between tags that no browser runs: format 1.
 *
 * {"format":1,"meta":{},"texts":{},"listeners":[],"series":[],"ladders":[],"conns":{},"steps":{},"explain":[],
 *  "left_out":{}}
 *
 * All times are in µs since the first event. A key keeps its meaning; new ones may come.
 */
#include <string.h>

#include "../../model/figure.h"
#include "page.h"
#include "report.h"

/* before: "{" or ",". Not jsonout.h, which looks at what is in the buffer: here it may just have been written. */
static void put_key(struct out *o, const char *before, const char *key)
{
	out_str(o, before);
	out_char(o, '"');
	out_str(o, key);
	out_str(o, "\":");
}

static void put_u64_of(struct out *o, const char *before, const char *key, uint64_t n)
{
	put_key(o, before, key);
	out_u64(o, n);
}

static void put_string(struct out *o, const char *before, const char *key, const char *s)
{
	put_key(o, before, key);
	out_script_string(o, s, strlen(s));
}

/* Which number means what. */
static void put_names(struct out *o, const char *key, const char *(*name)(unsigned int i), unsigned int n)
{
	put_key(o, ",", key);
	out_char(o, '[');
	for (unsigned int i = 0; i < n; i++) {
		out_str(o, i ? "," : "");
		out_script_string(o, name(i), (size_t)-1);
	}
	out_char(o, ']');
}

static const char *event_name(unsigned int i)
{
	return i ? tcptrace_event_name(i) : "";
}

static void put_meta(struct view *v, const struct view_end *end)
{
	const struct report *r = v->priv;
	struct out *o = v->out;
	struct view_clock clock = { 0 };
	char time[64] = "";

	if (v->cfg.wall_offset_ns)
		*view_rfc3339(&clock, time, (int64_t)(r->from_ns + (uint64_t)v->cfg.wall_offset_ns)) = 0;
	put_key(o, ",", "meta");
	put_string(o, "{", "time", time);
	put_u64_of(o, ",", "duration_us", (r->to_ns - r->from_ns) / 1000);
	put_u64_of(o, ",", "events", view_events(end->totals));
	put_u64_of(o, ",", "lost", end->lost);
	if (end->missed_known)
		put_u64_of(o, ",", "missed", end->missed);
	put_names(o, "event", event_name, TCPTRACE_EVENT_MAX);
	put_names(o, "cause", tcptrace_cause_name, TCPTRACE_CAUSE_END);
	put_names(o, "state", tcp_state_name, TCP_S_MAX);
	out_char(o, '}');
}

/* T("...") in page.js: what it says, in another language than English. */
static void put_texts(struct out *o)
{
	const char *at = page_js, *const js_end = at + strlen(at), *end, *text, *before = "";
	char msgid[256];

	put_key(o, ",\n", "texts");
	out_char(o, '{');
	while ((at = memmem(at, (size_t)(js_end - at), "T(\"", 3)) && (end = strchr(at + 3, '"'))) {
		size_t n = (size_t)(end - at - 3);

		if (n < sizeof(msgid)) {
			memcpy(msgid, at + 3, n);
			msgid[n] = 0;
			text = tr(msgid);
			if (text != msgid) {
				put_string(o, before, msgid, text);
				before = ",\n";
			}
		}
		at = end;
	}
	out_char(o, '}');
}

/* What is unknown has no key; what may be more is among at_least. */
static void put_counts(struct out *o, const struct model *m, const struct listener *l)
{
	const struct { const char *key; enum figure figure; uint64_t n; } counts[] = {
		{ "acceptq", FIGURE_ACCEPTQ_NOW, l->acceptq.now }, { "acceptq_peak", FIGURE_ACCEPTQ_PEAK, l->acceptq.peak },
		{ "synq", FIGURE_SYNQ_NOW, l->synq.now }, { "synq_peak", FIGURE_SYNQ_PEAK, l->synq.peak },
		{ "established", FIGURE_ESTABLISHED, l->established }, { "accepted", FIGURE_ACCEPTED, l->accepted },
		{ "refused", FIGURE_REFUSED, listener_refused(l) },
	};
	const size_t n = sizeof(counts) / sizeof(*counts);
	const char *comma = "";

	for (size_t i = 0; i < n; i++) {
		if (figure_known(m, l, counts[i].figure))
			put_u64_of(o, ",", counts[i].key, counts[i].n);
	}
	put_key(o, ",", "at_least");
	out_char(o, '[');
	for (size_t i = 0; i < n; i++) {
		if (figure_known(m, l, counts[i].figure) != KNOWN_LEAST)
			continue;
		out_str(o, comma);
		out_script_string(o, counts[i].key, (size_t)-1);
		comma = ",";
	}
	out_char(o, ']');
}

static void put_listener(struct view *v, const struct listener *l)
{
	struct report *r = v->priv;
	struct out *o = v->out;
	char name[PUT_ENDPOINT_MAX];

	*names_endpoint(&r->names, name, l->laddr, l->lport) = 0;
	put_u64_of(o, "{", "listener", l->id);
	put_string(o, ",", "name", name);
	put_key(o, ",", "owner");
	script_who(o, listener_named(l));
	if (l->limit_known)
		put_u64_of(o, ",", "limit", l->limit);
	put_counts(o, r->model, l);
	out_char(o, '}');
}

static void put_column(struct out *o, const char *key, const struct series *s, uint64_t (*get)(const struct point *p))
{
	put_key(o, ",", key);
	out_char(o, '[');
	for (uint32_t i = 0; i < s->n; i++) {
		out_str(o, i ? "," : "");
		out_u64(o, get(&s->points[i]));
	}
	out_char(o, ']');
}

static uint64_t get_min(const struct point *p)
{
	return p->min;
}

static uint64_t get_max(const struct point *p)
{
	return p->max;
}

static uint64_t get_last(const struct point *p)
{
	return p->last;
}

/* interval_us 0: every change is there; else min and max are what was between. */
static void put_series(struct view *v, const struct graph *g, const char *queue, const struct series *s)
{
	struct out *o = v->out;

	put_u64_of(o, "{", "listener", g->id);
	put_string(o, ",", "queue", queue);
	put_u64_of(o, ",", "interval_us", (s->interval_ns + 999) / 1000);
	put_key(o, ",", "t");
	out_char(o, '[');
	for (uint32_t i = 0; i < s->n; i++) {
		out_str(o, i ? "," : "");
		html_since(o, v->priv, s->points[i].t_ns);
	}
	out_char(o, ']');
	put_column(o, "last", s, get_last);
	if (s->interval_ns) {
		put_column(o, "min", s, get_min);
		put_column(o, "max", s, get_max);
	}
	out_char(o, '}');
}

static void put_listeners(struct view *v)
{
	const struct report *r = v->priv;
	struct out *o = v->out;
	const char *comma = "";
	unsigned int i;

	out_str(o, ",\n\"listeners\":[");
	for (i = 0; i < r->cards_shown; i++) {
		out_str(o, i ? ",\n" : "\n");
		put_listener(v, r->cards[i].l);
	}
	out_str(o, "],\n\"series\":[");
	for (i = 0; i < r->cards_shown; i++) {
		if (!r->cards[i].graph)
			continue;
		out_str(o, comma);
		put_series(v, r->cards[i].graph, "acceptq", &r->cards[i].graph->acceptq);
		out_str(o, ",\n");
		put_series(v, r->cards[i].graph, "synq", &r->cards[i].graph->synq);
		comma = ",\n";
	}
	out_char(o, ']');
}

static void put_left_out(struct view *v)
{
	const struct report *r = v->priv;
	struct out *o = v->out;

	put_key(o, ",\n", "left_out");
	put_u64_of(o, "{", "listeners", r->ncards - r->cards_shown);
	put_u64_of(o, ",", "conns", r->conns.seen > r->nchosen ? r->conns.seen - r->nchosen : 0);
	put_u64_of(o, ",", "ladders", r->ladders.seen - r->nladders + r->ladders.follow.refused);
	put_u64_of(o, ",", "steps_before", r->steps.first);
	put_u64_of(o, ",", "steps_after", r->steps.left + (r->steps.n - r->steps.first - r->nsteps));
	out_char(o, '}');
}

void report_data(struct view *v, const struct view_end *end)
{
	struct out *o = v->out;

	out_str(o, "{\"format\":1");
	put_meta(v, end);
	put_texts(o);
	put_listeners(v);
	report_ladders(v);
	report_steps(v);
	report_explain(v);
	put_left_out(v);
	out_str(o, "}\n");
}
