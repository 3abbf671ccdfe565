// SPDX-License-Identifier: GPL-2.0-only
/* How long connections waited in the accept queue: a bar for each power of two. */
#include "report.h"

#define GROUPS	(HIST_BUCKETS / HIST_SUB)

/* Group 0 holds 0 to 7 ns, group g 2^(g+2) to 2^(g+3) - 1 (model/hist.c). */
static uint64_t from_ns(unsigned int group)
{
	return group ? 1ull << (group + 2) : 0;
}

static void put_bar(struct out *o, uint64_t n, uint64_t most)
{
	out_str(o, "<svg class=\"bar\" viewBox=\"0 0 1000 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
		"<rect width=\"");
	out_u64(o, n ? (n * 1000 + most - 1) / most : 0);
	out_str(o, "\" height=\"10\"/></svg>");
}

static void put_group(struct out *o, unsigned int group, uint64_t n, uint64_t most)
{
	out_str(o, "<tr><th scope=\"row\">");
	html_duration(o, from_ns(group));
	out_str(o, " – ");
	html_duration(o, from_ns(group + 1));
	out_str(o, "</th><td>");
	put_bar(o, n, most);
	out_str(o, "</td><td>");
	html_number(o, n);
	out_str(o, "</td></tr>\n");
}

void waits_table(struct view *v, const struct hist *h)
{
	uint64_t sum[GROUPS] = { 0 }, most = 0;
	unsigned int i, first = GROUPS, last = 0;

	for (i = 0; i < HIST_BUCKETS; i++)
		sum[i / HIST_SUB] += h->bucket[i];
	for (i = 0; i < GROUPS; i++) {
		if (!sum[i])
			continue;
		first = first < i ? first : i;
		last = i;
		most = sum[i] > most ? sum[i] : most;
	}
	if (!most)
		return;
	out_str(v->out, "<table class=\"waits\"><caption>");
	html_text(v->out, N_("Waited in the accept queue"));
	if (h->open)
		html_text(v->out, N_(" (some longer: when they came was not seen)"));
	out_str(v->out, "</caption>\n<thead><tr><th scope=\"col\">");
	html_text(v->out, N_("time"));
	out_str(v->out, "</th><th scope=\"col\">");
	html_text(v->out, N_("share"));
	out_str(v->out, "</th><th scope=\"col\">");
	html_text(v->out, N_("connections"));
	out_str(v->out, "</th></tr></thead>\n<tbody>\n");
	for (i = first; i <= last; i++)
		put_group(v->out, i, sum[i], most);
	out_str(v->out, "</tbody></table>\n");
}
