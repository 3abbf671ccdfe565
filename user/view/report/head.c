// SPDX-License-Identifier: GPL-2.0-only
/* The first two sections: what run it was and what of it was not seen; what is wrong, and what to do. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "report.h"

static void put_date(struct out *o, int64_t real_ns)
{
	time_t second = real_ns / 1000000000;
	char text[64] = "";
	struct tm tm;

	if (gmtime_r(&second, &tm))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm);
	out_str(o, text);
}

/* Its directory stands below, with the recording. */
static const char *file_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/* "tcptrace: db3, 2026-11-27 23:31:24 UTC, 6.0 s" */
void report_title(struct view *v)
{
	const struct view_about *about = v->cfg.about;
	struct report *r = v->priv;
	struct out *o = v->out;

	out_str(o, "tcptrace: ");
	if (v->cfg.lesson)
		html_text(o, v->cfg.lesson->name);
	else if (about && about->recording && !r->names.anonymous)
		out_html(o, file_of(about->recording), 255);
	else if (about && about->host && !r->names.anonymous)
		out_html(o, about->host, 255);
	else
		html_text(o, N_("a run"));
	out_str(o, ", ");
	if (v->cfg.wall_offset_ns) {
		put_date(o, (int64_t)(r->from_ns + (uint64_t)v->cfg.wall_offset_ns));
		out_str(o, ", ");
	}
	html_duration(o, r->to_ns - r->from_ns);
}

static void begin_row(struct out *o, const char *label)
{
	out_str(o, "<dt>");
	html_text(o, label);
	out_str(o, "</dt><dd>");
}

static void put_row(struct out *o, const char *label, const char *text)
{
	if (!text || !text[0])
		return;
	begin_row(o, label);
	out_html(o, text, 4096);
	out_str(o, "</dd>\n");
}

static void put_count(struct out *o, const char *label, uint64_t n)
{
	begin_row(o, label);
	html_number(o, n);
	out_str(o, "</dd>\n");
}

static void put_filter(struct view *v)
{
	static const struct { uint32_t bit; const char *text; } parts[] = {
		{ TCPTRACE_ONLY_PIDS, N_("some processes") }, { TCPTRACE_ONLY_LPORTS, N_("some local ports") },
		{ TCPTRACE_ONLY_RPORTS, N_("some remote ports") }, { TCPTRACE_ONLY_FAMILY, N_("one address family") },
		{ TCPTRACE_ONLY_NETNS, N_("one network namespace") }, { TCPTRACE_ONLY_CGROUP, N_("one cgroup") },
		{ TCPTRACE_ONLY_ADDRS, N_("some addresses") },
	};
	const struct report *r = v->priv;
	uint32_t only = v->cfg.narrows | (r->model ? model_only(r->model) : 0);
	const char *comma = "";

	if (!only)
		return;
	begin_row(v->out, N_("Seen of it"));
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		if (!(only & parts[i].bit))
			continue;
		out_str(v->out, comma);
		html_text(v->out, parts[i].text);
		comma = _(", ");
	}
	out_str(v->out, "</dd>\n");
}

/* Names of the events that are seen so; false: none. */
static bool put_events(struct view *v, enum tcptrace_seen how, const char *before)
{
	const struct report *r = v->priv;
	bool any = false;

	for (unsigned int i = 1; r->model && i < TCPTRACE_EVENT_MAX; i++) {
		unsigned int class = tcptrace_event_class(i);

		if (class == TCPTRACE_NOTE || class == TCPTRACE_IO || model_seen(r->model, i) != how)
			continue;
		out_str(v->out, any ? ", " : before);
		if (!any)
			html_text(v->out, how == TCPTRACE_SEEN_NOT ? N_("Not seen:") : N_("Seen only by their effects:"));
		out_str(v->out, any ? "" : " ");
		out_str(v->out, tcptrace_event_name(i));
		any = true;
	}
	return any;
}

/* What keeps the numbers of this page from being the whole truth, in red. */
static void put_alerts(struct view *v, const struct view_end *end)
{
	const struct model_totals *t = end->totals;
	struct out *o = v->out;

	if (end->flaw) {
		out_str(o, "<p class=\"alert\">");
		html_text(o, N_("Not all of the run is here: "));
		out_html(o, end->flaw, 4096);
		out_str(o, "</p>\n");
	}
	if (end->lost || end->missed) {
		out_str(o, "<p class=\"alert\">");
		html_with_numbers(o, !end->missed ?
				  N_("{1} events were lost: counts are lower bounds, and times may belong to another step.") :
				  N_("{1} events were lost and {2} probe hits missed: counts are lower bounds, and times may "
				     "belong to another step."), end->lost, end->missed);
		out_str(o, "</p>\n");
	}
	if (put_events(v, TCPTRACE_SEEN_NOT, "<p class=\"alert\">")) {
		html_text(o, N_(". What rests on them is shown as \"-\": unknown, not 0."));
		out_str(o, "</p>\n");
	}
	if (put_events(v, TCPTRACE_SEEN_DEDUCED, "<p>"))
		out_str(o, ".</p>\n");
	if (t->evicted || t->listeners_unseen) {
		out_str(o, "<p class=\"alert\">");
		html_with_numbers(o, N_("{1} connections were forgotten and {2} listeners not followed: a table was full."),
				 t->evicted, t->listeners_unseen);
		out_str(o, "</p>\n");
	}
}

void report_head(struct view *v, const struct view_end *end)
{
	const struct view_about *about = v->cfg.about;
	struct report *r = v->priv;
	struct out *o = v->out;

	out_str(o, "<h1>");
	report_title(v);
	out_str(o, "</h1>\n");
	put_alerts(v, end);
	out_str(o, "<dl class=\"about\">\n");
	if (about && !r->names.anonymous) {
		put_row(o, N_("Command line"), about->command);
		put_row(o, N_("Recording"), about->recording);
	}
	if (about)
		put_row(o, N_("Kernel"), about->kernel);
	begin_row(o, N_("Source"));
	out_str(o, end->source);
	out_str(o, end->mechanisms[0] ? ": " : "");
	out_str(o, end->mechanisms);
	out_str(o, "</dd>\n");
	put_filter(v);
	put_count(o, N_("Events"), view_events(end->totals));
	put_count(o, N_("Lost"), end->lost);
	if (end->missed_known)
		put_count(o, N_("Missed"), end->missed);
	if (end->unknown)
		put_count(o, N_("Skipped (of a newer tcptrace)"), end->unknown);
	out_str(o, "</dl>\n");
}

/* ---- the verdict ---- */

static bool has_card(const struct report *r, uint32_t listener)
{
	for (unsigned int i = 0; i < r->cards_shown; i++) {
		if (r->cards[i].l->id == listener)
			return true;
	}
	return false;
}

static void put_verdict(struct view *v, const struct verdict *one)
{
	struct out *o = v->out;

	out_str(o, "<li><p><strong>");
	out_str(o, one->part[FINDING_CAUSE]);
	out_str(o, "</strong>");
	for (unsigned int part = FINDING_CAUSE + 1; part < FINDING_PART_MAX; part++) {
		if (!*one->part[part])
			continue;
		out_str(o, "</p><p>");
		out_str(o, one->part[part]);
	}
	if (has_card(v->priv, one->listener)) {
		out_str(o, " <a href=\"#listener-");
		out_u64(o, one->listener);
		out_str(o, "\">");
		html_text(o, N_("Its queues over time"));
		out_str(o, "</a>");
	}
	out_str(o, "</p></li>\n");
}

void report_verdict(struct view *v)
{
	struct report *r = v->priv;
	struct out *o = v->out;

	if (!r->nverdicts) {
		out_str(o, "<p class=\"well\">");
		html_text(o, N_("Nothing wrong was seen."));
		out_str(o, "</p>\n");
		return;
	}
	out_str(o, "<ol class=\"findings\">\n");
	for (unsigned int i = 0; i < r->nverdicts; i++)
		put_verdict(v, &r->verdicts[i]);
	out_str(o, "</ol>\n");
	if (r->verdicts_left) {
		out_str(o, "<p>");
		html_with_numbers(o, N_("{1} more findings are left out."), r->verdicts_left);
		out_str(o, "</p>\n");
	}
}
