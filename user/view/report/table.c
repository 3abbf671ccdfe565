// SPDX-License-Identifier: GPL-2.0-only
/* The table of connections. page.js sorts and filters it and makes links of those that have a ladder. */
#include "report.h"

static void put_cell_ms(struct out *o, uint64_t ns)
{
	out_str(o, "<td>");
	if (ns == UNKNOWN)
		out_char(o, '-');
	else
		out_ms(o, ns);
	out_str(o, "</td>");
}

/* Waits still: longer than until now, no one knows how long. */
static void put_wait(struct view *v, uint64_t ns, uint64_t in_ns, bool waits)
{
	const struct report *r = v->priv;

	if (!waits || ns != UNKNOWN || in_ns == UNKNOWN || in_ns > r->to_ns) {
		put_cell_ms(v->out, ns);
		return;
	}
	out_str(v->out, "<td>&gt;");
	out_ms(v->out, r->to_ns - in_ns);
	out_str(v->out, "</td>");
}

static const char *outcome_text(const struct conn_row *row)
{
	switch (row->outcome) {
	case CONN_IN_SYNQ: return N_("still waiting (SYN queue)");
	case CONN_IN_ACCEPTQ: return N_("still waiting (accept queue)");
	case CONN_ACCEPTED: return N_("accepted");
	case CONN_REFUSED: return N_("refused");
	case CONN_EXPIRED: return N_("expired");
	case CONN_RESET: return N_("reset");
	case CONN_LISTENER_CLOSED: return N_("listener closed");
	case CONN_DROPPED: return N_("dropped");
	case CONN_CONNECTING: return N_("connecting");
	case CONN_CONNECTED: return N_("connected");
	case CONN_FAILED: return N_("failed");
	case CONN_CLOSED_EARLY: return N_("closed in SYN_SENT");
	}
	return N_("was there before");
}

/* "refused acceptq-full-syn ×3", "accepted, refused before ×2", "failed ECONNREFUSED", "accepted, reset" */
static void put_outcome(struct out *o, const struct conn_row *row)
{
	const char *cause = tcptrace_cause_name(row->cause);
	const char *error = row->outcome == CONN_FAILED ? return_errno_name(row->error) : NULL;

	out_str(o, row->refused || row->outcome == CONN_EXPIRED || row->outcome == CONN_FAILED ||
		   row->outcome == CONN_RESET || row->outcome == CONN_LISTENER_CLOSED ? "<td class=\"bad\">" : "<td>");
	html_text(o, outcome_text(row));
	if (error) {
		out_char(o, ' ');
		out_str(o, error);
	}
	if (row->refused) {
		html_text(o, row->outcome == CONN_REFUSED ? " " : N_(", "));
		if (row->outcome != CONN_REFUSED)
			html_text(o, N_("refused before: "));
		if (cause[0])
			out_str(o, cause);
		else
			html_text(o, N_("invalid cookie"));
		out_str(o, row->refused > 1 ? " ×" : "");
		if (row->refused > 1)
			out_u64(o, row->refused);
	}
	if (row->reset && row->outcome != CONN_RESET) {
		html_text(o, N_(", "));
		html_text(o, N_("reset"));
	}
	if (row->again) {
		html_text(o, N_(", "));
		html_text(o, N_("sent again"));
		out_str(o, " ×");
		out_u64(o, row->again);
	}
	out_str(o, "</td>");
}

static void put_remote(struct view *v, const struct conn_row *row)
{
	struct report *r = v->priv;

	out_str(v->out, "<td>");
	if (row->tuple.rport)
		html_end(v->out, &r->names, row->tuple.raddr, row->tuple.rport);
	else
		out_char(v->out, '-');
	out_str(v->out, "</td><td>");
	if (row->listener && row->tuple.lport)
		html_end(v->out, &r->names, row->tuple.laddr, row->tuple.lport);
	else
		out_char(v->out, '-');
	out_str(v->out, "</td>");
}

void report_conn(struct view *v, const struct conn_row *row)
{
	const struct report *r = v->priv;
	struct out *o = v->out;

	out_str(o, "<tr");
	if (row->conn && !row->earlier) {
		out_str(o, " id=\"conn-");
		out_u64(o, row->conn);
		out_char(o, '"');
	}
	out_str(o, "><th scope=\"row\">");
	if (row->conn)
		out_u64(o, row->conn);
	else
		out_char(o, '-');
	out_str(o, "</th><td>");
	if (row->born_ns == UNKNOWN)
		out_char(o, '-');
	else
		html_seconds(o, r, row->born_ns);
	out_str(o, "</td>");
	put_remote(v, row);
	put_wait(v, row->synq_ns, row->synq_in_ns, row->outcome == CONN_IN_SYNQ);
	put_wait(v, row->acceptq_ns, row->acceptq_in_ns, row->outcome == CONN_IN_ACCEPTQ);
	put_cell_ms(o, row->call_ns);
	put_cell_ms(o, row->born_ns == UNKNOWN || row->end_ns == UNKNOWN || row->end_ns < row->born_ns ? UNKNOWN :
		  row->end_ns - row->born_ns);
	put_outcome(o, row);
	out_str(o, "<td>");
	html_who(o, &row->who);
	out_str(o, "</td></tr>\n");
}

static void put_head(struct out *o)
{
	static const char *const columns[] = {
		N_("conn"), N_("start, s"), N_("remote"), N_("listener"), N_("in SYN queue, ms"),
		N_("in accept queue, ms"), N_("call blocked, ms"), N_("life, ms"), N_("outcome"), N_("owner"),
	};

	out_str(o, "<table id=\"conn-table\"><caption>");
	html_text(o, N_("One row for each end that was seen; \">\": it waits still, and has waited for so long"));
	out_str(o, "</caption>\n<thead><tr>");
	for (unsigned int i = 0; i < sizeof(columns) / sizeof(*columns); i++) {
		out_str(o, "<th scope=\"col\">");
		html_text(o, columns[i]);
		out_str(o, "</th>");
	}
	out_str(o, "</tr></thead>\n<tbody>\n");
}

void report_conns(struct view *v)
{
	struct report *r = v->priv;
	struct out *o = v->out;

	if (r->nchosen) {
		out_str(o, "<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"");
		html_text(o, N_("Connections"));
		out_str(o, "\">");
		put_head(o);
		for (unsigned int i = 0; i < r->nchosen; i++)
			report_conn(v, r->chosen[i].what);
		out_str(o, "</tbody></table></div>\n");
	}
	out_str(o, "<p class=\"left\">");
	if (!r->conns.seen)
		html_text(o, N_("No connection was seen."));
	else if (r->nchosen < r->conns.seen)
		html_with_numbers(o, N_("{1} of {2} are shown: those with trouble, then the slowest, then some of the rest, evenly "
				       "spread. The others are left out."),
				 r->nchosen, r->conns.seen);
	else
		html_with_numbers(o, N_("All {1} are shown."), r->nchosen);
	out_str(o, "</p>\n");
}
