// SPDX-License-Identifier: GPL-2.0-only
/* How it was seen, what is counted beside the kernel's own counters, and what found no room. */
#include "../../lib/tr.h"
#include "report.h"

/* As the source says it, in English: names, and what the kernel answered. */
static void put_cell(struct out *o, const char *text)
{
	bool any = text && text[0];

	out_str(o, any ? "<td lang=\"en\">" : "<td>");
	out_html(o, any ? text : "-", 512);
	out_str(o, "</td>");
}

static void begin_table(struct out *o, const char *caption, const char *const *columns, unsigned int n)
{
	out_str(o, "<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"");
	html_text(o, caption);
	out_str(o, "\"><table><caption>");
	html_text(o, caption);
	out_str(o, "</caption>\n<thead><tr>");
	for (unsigned int i = 0; i < n; i++) {
		out_str(o, "<th scope=\"col\">");
		html_text(o, columns[i]);
		out_str(o, "</th>");
	}
	out_str(o, "</tr></thead>\n<tbody>\n");
}

static void put_hooks(struct view *v, const struct view_end *end)
{
	static const char *const columns[] = {
		N_("step"), N_("by"), N_("function or tracepoint"), N_("why not better"), N_("what that loses"),
	};
	struct out *o = v->out;

	if (!end->nhooks)
		return;
	begin_table(o, N_("The hooks in the kernel"), columns, sizeof(columns) / sizeof(*columns));
	for (unsigned int i = 0; i < end->nhooks; i++) {
		const struct view_hook *h = &end->hooks[i];

		out_str(o, "<tr><th scope=\"row\">");
		html_text(o, h->hook);
		out_str(o, "</th>");
		put_cell(o, h->mechanism);
		out_str(o, "<td>");
		html_text(o, h->target[0] ? h->target : "-");
		out_str(o, "</td>");
		put_cell(o, h->why_not_better);
		out_str(o, "<td>");
		html_text(o, h->loses[0] ? h->loses : "-");
		out_str(o, "</td></tr>\n");
	}
	out_str(o, "</tbody></table></div>\n");
}

static void put_ledger(struct view *v)
{
	static const char *const columns[] = {
		N_("counter"), N_("network namespace"), N_("the kernel counted"), N_("tcptrace counted"),
	};
	const struct report *r = v->priv;
	struct out *o = v->out;

	if (!r->nledger)
		return;
	begin_table(o, N_("The kernel's own counters (--check)"), columns, sizeof(columns) / sizeof(*columns));
	for (unsigned int i = 0; i < r->nledger; i++) {
		const struct ledger_row *row = &r->ledger[i];

		out_str(o, row->kernel == row->counted ? "<tr>" : "<tr class=\"bad\">");
		out_str(o, "<th scope=\"row\">");
		out_str(o, row->counter);
		out_str(o, "</th><td>");
		out_u64(o, row->netns);
		out_str(o, "</td><td>");
		html_number(o, row->kernel);
		out_str(o, "</td><td>");
		html_number(o, row->counted);
		out_str(o, "</td></tr>\n");
	}
	out_str(o, "</tbody></table></div>\n");
}

static void put_left(struct out *o, const char *msgid, uint64_t n, uint64_t of)
{
	if (!n)
		return;
	out_str(o, "<li>");
	html_with_numbers(o, msgid, n, of);
	out_str(o, "</li>\n");
}

static void put_limits(struct view *v)
{
	const struct report *r = v->priv;
	uint64_t after = r->steps.left + (r->steps.n - r->steps.first - r->nsteps);
	struct out *o = v->out;

	out_str(o, "<h3>");
	html_text(o, N_("What was left out"));
	out_str(o, "</h3>\n<ul>\n");
	put_left(o, N_("{1} of {2} listeners have no card."), r->ncards - r->cards_shown, r->ncards);
	put_left(o, N_("{1} steps at listeners beyond the first {2} are in no chart."), r->graphs.left, REPORT_GRAPHS);
	put_left(o, N_("{1} of {2} connections are not in the table."),
		 r->conns.seen > r->nchosen ? r->conns.seen - r->nchosen : 0, r->conns.seen);
	put_left(o, N_("{1} of {2} connections whose steps were kept have no ladder here."),
		 r->ladders.seen - r->nladders, r->ladders.seen);
	put_left(o, N_("Of {1} ends the steps were not kept: no more than {2} are followed at once."),
		 r->ladders.follow.refused, TRACKS);
	put_left(o, N_("The replay begins after {1} steps that are not in it."), r->steps.first, 0);
	put_left(o, N_("The replay ends before {1} steps that are not in it."), after, 0);
	out_str(o, "<li>");
	html_with_numbers(o, N_("A chart has at most {1} points; what lies between two is drawn from its least to its "
				"greatest."), r->points);
	out_str(o, "</li>\n</ul>\n");
}

void report_method(struct view *v, const struct view_end *end)
{
	put_hooks(v, end);
	put_ledger(v);
	put_limits(v);
}
