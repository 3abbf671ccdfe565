// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of a run for people: a block per listener.
 *
 * 0.0.0.0:8080  nginx[1234] fd 6  backlog 511 (asked 511, somaxconn 4096: backlog decides)  LISTEN
 *   accept queue  now 1  peak 101/511  full 0.000 ms  oldest 0.200 ms  in 10007  accepted 10006 (3 unseen)
 *                 waited p50 0.021  p90 0.080  p99 0.144  max 1.250 ms  (1 waits still)  331/s
 *   SYN queue     now 0  peak 3/511  full 0.000 ms  established 10007  expired 1
 *                 waited p50 0.030  p90 0.041  p99 0.090  max 300.214 ms
 *   accept()      blocked p50 0.100  p90 0.300  p99 0.410  max 2.000 ms
 *   refused       5: acceptq-full-syn 3, acceptq-full-ack 2
 *   cookies       sent 7  valid 6  bad 1
 *   trouble       SYN-ACK retransmits 2  accept errors 1  ghosts 2
 *   incomplete    records were lost while it listened
 *
 * A number that rests on what is not seen (model/figure.h) is "-", a lower bound ">=12".
 */
#include "../lib/tr.h"
#include "../lib/wrap.h"
#include "../model/figure.h"
#include "summary.h"

#define VALUES_AT	16u		/* where the numbers begin, after a label */

void summary_line_end(struct view *v, unsigned int indent)
{
	out_line_end_wrapped(v->out, indent, v->cfg.columns);
}

/* "  key 12" */
static void put_count(struct out *o, const char *key, uint64_t n)
{
	out_mem(o, "  ", 2);
	out_str(o, tr(key));
	out_char(o, ' ');
	out_u64(o, n);
}

void summary_with(struct out *o, const char *msgid, uint64_t n)
{
	const char *text = tr(msgid), *brace = strstr(text, "{1}");

	if (!brace) {
		out_str(o, text);
		return;
	}
	out_mem(o, text, (size_t)(brace - text));
	out_u64(o, n);
	out_str(o, brace + 3);
}

/* ">=" before a number that is a lower bound; false: it is unknown ("at least 0" says no more), and "-" says so. */
static bool put_known(struct out *o, enum known known, uint64_t n)
{
	if (known == KNOWN_NOT || (known == KNOWN_LEAST && !n)) {
		out_char(o, '-');
		return false;
	}
	if (known == KNOWN_LEAST)
		out_mem(o, ">=", 2);
	return true;
}

void summary_figure(struct out *o, const char *key, enum known known, uint64_t n)
{
	out_mem(o, "  ", 2);
	out_str(o, tr(key));
	out_char(o, ' ');
	if (put_known(o, known, n))
		out_u64(o, n);
}

static void put_figure_ms(struct out *o, const char *key, enum known known, uint64_t ns)
{
	out_mem(o, "  ", 2);
	out_str(o, tr(key));
	out_char(o, ' ');
	if (!put_known(o, known, ns))
		return;
	out_ms(o, ns);
	out_str(o, " ms");
}

static void put_label(struct out *o, const char *label)
{
	unsigned int n = text_columns(tr(label));

	out_mem(o, "  ", 2);
	out_str(o, tr(label));
	out_spaces(o, n < 12 ? 12 - n : 0);
}

static void put_wait(struct out *o, const struct hist *h, unsigned int permille)
{
	uint64_t ns = permille == 1000 ? h->max : hist_quantile(h, permille);

	if (put_known(o, hist_is_least(h, permille) ? KNOWN_LEAST : KNOWN_EXACTLY, ns))
		out_ms(o, ns);
}

/* still: so many of them wait on. The line is left open; false: nothing is on it. */
static bool put_waits(struct out *o, const char *label, const char *verb, const struct hist *h, uint32_t still)
{
	static const struct { const char *name; unsigned int permille; } q[] = {
		{ "  p50 ", 500 }, { "  p90 ", 900 }, { "  p99 ", 990 },
	};
	unsigned int i;

	if (!h->count)
		return false;
	put_label(o, label);
	out_mem(o, "  ", 2);
	out_str(o, tr(verb));
	for (i = 0; i < sizeof(q) / sizeof(q[0]); i++) {
		out_str(o, q[i].name + (i == 0));
		put_wait(o, h, q[i].permille);
	}
	out_mem(o, "  ", 2);
	out_str(o, _("max"));
	out_char(o, ' ');
	put_wait(o, h, 1000);
	out_str(o, " ms");
	if (still) {
		out_mem(o, "  ", 2);
		summary_with(o, still > 1 ? N_("({1} wait still)") : N_("({1} waits still)"), still);
	}
	return true;
}

/* " (limit 0..512)": what listen() set it to in this run, or what it was at refusals. */
static void put_limits(struct out *o, const struct limits *s)
{
	out_str(o, " (");
	out_str(o, _("limit"));
	out_char(o, ' ');
	out_u64(o, s->low);
	if (limits_differ(s)) {
		out_str(o, "..");
		out_u64(o, s->high);
	}
	out_char(o, ')');
}

static void put_peak(struct out *o, const struct model *m, const struct listener *l, const struct queue *q)
{
	enum figure f = q == &l->synq ? FIGURE_SYNQ_PEAK : FIGURE_ACCEPTQ_PEAK;

	summary_figure(o, N_("peak"), figure_known(m, l, f), q->peak);
	if (limits_differ(&l->limits)) {
		put_limits(o, &l->limits);
	} else if (l->limit_known) {
		out_char(o, '/');
		out_u64(o, l->limit);
	}
}

static void put_queue(struct out *o, const char *label, const struct model *m, const struct listener *l,
		      const struct queue *q)
{
	bool synq = q == &l->synq;

	put_label(o, label);
	summary_figure(o, N_("now"), figure_known(m, l, synq ? FIGURE_SYNQ_NOW : FIGURE_ACCEPTQ_NOW), q->now);
	put_peak(o, m, l, q);
	put_figure_ms(o, N_("full"), figure_known(m, l, synq ? FIGURE_SYNQ_FULL : FIGURE_ACCEPTQ_FULL),
		      model_full_ns(m, q));
	if (q->now)
		put_figure_ms(o, N_("oldest"), figure_known(m, l, synq ? FIGURE_SYNQ_OLDEST : FIGURE_ACCEPTQ_OLDEST),
			      model_oldest_wait(m, q));
}

/* "5: acceptq-full-syn 3, acceptq-full-ack 2" */
static void put_refused(struct view *v, const struct model *m, const struct listener *l)
{
	enum known known = figure_known(m, l, FIGURE_REFUSED);
	struct out *o = v->out;
	uint64_t sum = listener_refused(l);
	const char *comma = N_(": ");
	unsigned int i;

	if (!sum && !figure_drops_unseen(m, l) && known)
		return;
	put_label(o, N_("refused"));
	out_mem(o, "  ", 2);
	if (put_known(o, known, sum))
		out_u64(o, sum);
	for (i = 1; i < TCPTRACE_CAUSE_END; i++) {
		if (tcptrace_cause_group(i) != TCPTRACE_CAUSES_REFUSED || !l->causes[i])
			continue;
		out_str(o, tr(comma));
		out_str(o, tcptrace_cause_name(i));
		out_char(o, ' ');
		out_u64(o, l->causes[i]);
		comma = N_(", ");
	}
	if (limits_differ(&l->limits) && l->refused.limits.any)
		put_limits(o, &l->refused.limits);
	if (figure_drops_unseen(m, l)) {
		out_mem(o, "  ", 2);
		summary_with(o, l->deferred ? N_("(sk_drops rose by {1} more: not seen why; TCP_DEFER_ACCEPT drops ACKs without data)") :
			     N_("(sk_drops rose by {1} more: not seen why)"), figure_drops_unseen(m, l));
	}
	summary_line_end(v, VALUES_AT);
}

/* The figure that a way out counts for. */
static enum figure figure_of(unsigned int cause)
{
	if (tcptrace_cause_group(cause) == TCPTRACE_CAUSES_ACCEPTQ_OUT)
		return FIGURE_ACCEPTED;
	return cause == TCPTRACE_SYNQ_ESTABLISHED ? FIGURE_SYNQ_OUT : FIGURE_EXPIRED;
}

/* What happened at all, by cause: "  established 10007  expired 1". Nothing is said of none but where it is unknown. */
static void put_causes(struct out *o, const struct model *m, const struct listener *l,
		       enum tcptrace_cause_group group)
{
	unsigned int i;

	for (i = 1; i < TCPTRACE_CAUSE_END; i++) {
		enum known known = figure_known(m, l, figure_of(i));
		bool unknown = !known && (i == TCPTRACE_SYNQ_ESTABLISHED || i == TCPTRACE_SYNQ_EXPIRED);

		if (tcptrace_cause_group(i) != group || i == TCPTRACE_ACCEPTQ_ACCEPTED || i == TCPTRACE_ACCEPTQ_RESET)
			continue;
		if (l->causes[i] || unknown)
			summary_figure(o, tcptrace_cause_name(i), known, l->causes[i]);
	}
}

/* "  nginx[1234]", "  [kernel]" */
static void put_owner(struct out *o, const struct owner *w)
{
	if (!owner_known(w))
		return;
	out_mem(o, "  ", 2);
	view_who(o, w);
}

static void put_backlog(struct out *o, const struct listener *l, bool whole)
{
	if (!l->limit_known)
		return;
	put_count(o, N_("backlog"), l->limit);
	if (!l->backlog_known || !whole)
		return;
	out_mem(o, " (", 2);
	out_str(o, _("asked"));
	out_char(o, ' ');
	out_i64(o, l->backlog);
	if (l->somaxconn) {
		out_str(o, _(", "));
		out_str(o, "somaxconn ");
		out_u64(o, l->somaxconn);
		out_str(o, _(": "));
		out_str(o, !strcmp(listener_decides(l), "backlog") ? _("backlog decides") : _("somaxconn decides"));
	}
	out_char(o, ')');
}

#define TITLE_COLUMNS	100u		/* whole titles fit into so many */

void summary_title(struct view *v, const struct listener *l, bool whole)
{
	static const struct owner nobody = { .fd = -1 };
	const struct owner *keeper = listener_keeper(l);
	struct out *o = v->out;

	if (!keeper)
		keeper = &nobody;
	if (v->cfg.color)
		out_str(o, "\033[1m");
	out_endpoint(o, l->laddr, l->lport);
	if (v->cfg.color)
		out_str(o, "\033[0m");
	out_make_room(o, VIEW_NETNS_MAX);
	out_take(o, view_put_netns(v, out_at(o), l->netns, l->born_ns, listener_until(l)));
	put_owner(o, keeper);
	if (keeper->fd >= 0)
		put_count(o, N_("fd"), (uint64_t)keeper->fd);
	put_backlog(o, l, whole || !v->cfg.columns || v->cfg.columns >= TITLE_COLUMNS);
	if (l->deferred)
		out_str(o, "  TCP_DEFER_ACCEPT");
	out_mem(o, "  ", 2);
	out_str(o, l->open ? "LISTEN" : _("closed"));
	if (!l->open && l->close_seen) {	/* the next one at its address is another one, with queues of its own */
		out_char(o, ' ');
		view_moment(v, o, l->closed_ns);
	}
	summary_line_end(v, whole ? 2 : 6);
	if (l->opener_gone && (l->opener.pid || l->opener.comm[0])) {
		put_label(o, N_("opened by"));
		put_owner(o, &l->opener);
		out_str(o, keeper->pid ? _(", who does not hold it any more") :
			_("; no process was found that has a descriptor of it"));
		summary_line_end(v, VALUES_AT);
	}
	/* A server that hands its listener to workers: who takes the connections. */
	if (l->acceptor.pid && l->acceptor.pid != keeper->pid) {
		put_label(o, N_("accepts"));
		put_owner(o, &l->acceptor);
		if (l->acceptors > 1) {
			summary_with(o, l->acceptors > 2 ? N_(" and {1} other processes") : N_(" and {1} other process"),
				 l->acceptors - 1);
		}
		summary_line_end(v, VALUES_AT);
	}
}

static void put_rest(struct view *v, const struct model *m, const struct listener *l)
{
	struct out *o = v->out;

	if (listener_incomplete(m, l)) {
		put_label(o, N_("incomplete"));
		out_mem(o, "  ", 2);
		out_str(o, _("records were lost while it listened"));
		summary_line_end(v, VALUES_AT);
	}
	put_refused(v, m, l);
	if (l->cookies_sent || l->cookies_ok || l->cookies_bad) {
		put_label(o, N_("cookies"));
		summary_figure(o, N_("sent"), figure_known(m, l, FIGURE_COOKIES_SENT), l->cookies_sent);
		summary_figure(o, N_("valid"), figure_known(m, l, FIGURE_COOKIES_BACK), l->cookies_ok);
		summary_figure(o, N_("bad"), figure_known(m, l, FIGURE_COOKIES_BACK), l->cookies_bad);
		summary_line_end(v, VALUES_AT);
	}
	if (l->synack_retrans || l->accept_errors || l->ghosts) {
		put_label(o, N_("trouble"));
		if (l->synack_retrans)
			summary_figure(o, N_("SYN-ACK retransmits"), figure_known(m, l, FIGURE_SYNACK_RETRANS),
				   l->synack_retrans);
		if (l->accept_errors)
			summary_figure(o, N_("accept errors"), figure_known(m, l, FIGURE_ACCEPT_ERRORS), l->accept_errors);
		if (l->ghosts)
			summary_figure(o, N_("ghosts"), figure_known(m, l, FIGURE_GHOSTS), l->ghosts);
		summary_line_end(v, VALUES_AT);
	}
}

/* "  331/s": came in, of the time that the listener was there in this run. A second at least, or it says nothing. */
static void put_rate(struct view *v, const struct model *m, const struct listener *l)
{
	const struct model_totals *t = model_totals(m);
	uint64_t from = l->born_ns > t->first_ns ? l->born_ns : t->first_ns, until = l->open ? t->last_ns : l->closed_ns;
	uint64_t ms = until > from ? (until - from) / 1000000 : 0, tenths = ms ? l->established * 10000 / ms : 0;
	enum known known = figure_known(m, l, FIGURE_ESTABLISHED);

	if (ms < 1000 || !tenths || !known)
		return;
	out_mem(v->out, "  ", 2);
	put_known(v->out, known, tenths);
	out_u64(v->out, tenths / 10);
	if (tenths < 100) {
		out_char(v->out, '.');
		out_u64(v->out, tenths % 10);
	}
	out_mem(v->out, "/s", 2);
}

static void put_acceptq(struct view *v, const struct model *m, const struct listener *l)
{
	enum known known = figure_known(m, l, FIGURE_ACCEPTED);
	struct out *o = v->out;
	struct hist waits;
	uint32_t still;

	put_queue(o, N_("accept queue"), m, l, &l->acceptq);
	summary_figure(o, N_("in"), figure_known(m, l, FIGURE_ESTABLISHED), l->established);
	summary_figure(o, N_("accepted"), known, l->accepted);
	if (known && l->unseen) {
		out_char(o, ' ');
		summary_with(o, N_("({1} unseen)"), l->unseen);
	}
	if (known && l->causes[TCPTRACE_ACCEPTQ_RESET]) {
		out_char(o, ' ');
		summary_with(o, N_("({1} reset)"), l->causes[TCPTRACE_ACCEPTQ_RESET]);
	}
	put_causes(o, m, l, TCPTRACE_CAUSES_ACCEPTQ_OUT);
	summary_line_end(v, VALUES_AT);
	if (!figure_known(m, l, FIGURE_ACCEPTQ_WAIT))
		return;
	still = model_acceptq_waits(m, l, &waits);
	if (put_waits(o, "", N_("waited"), &waits, still)) {
		put_rate(v, m, l);
		summary_line_end(v, VALUES_AT);
	}
}

static void put_place(struct view *v, const struct proc_place *p)
{
	char name[PLACE_NAME_MAX];
	struct out *o = v->out;

	if (!p)
		return;
	place_name(p, name);
	put_label(o, N_("runs in"));
	out_mem(o, "  ", 2);
	out_safe(o, name, sizeof(name));
	summary_line_end(v, VALUES_AT);
}

bool summary_unwatched(const struct model *m)
{
	return !model_seen(m, TCPTRACE_SYNQ_ADD) && !model_seen(m, TCPTRACE_ACCEPTQ_ADD);
}

/* Of the queues only how long they were when something went wrong. */
static void put_peaks(struct view *v, const struct model *m, const struct listener *l)
{
	struct out *o = v->out;

	if (l->acceptq.peak) {
		put_label(o, N_("accept queue"));
		put_peak(o, m, l, &l->acceptq);
		summary_line_end(v, VALUES_AT);
	}
	if (l->synq.peak) {
		put_label(o, N_("SYN queue"));
		put_peak(o, m, l, &l->synq);
		put_causes(o, m, l, TCPTRACE_CAUSES_SYNQ_OUT);
		summary_line_end(v, VALUES_AT);
	}
}

void summary_listener(struct view *v, const struct model *m, const struct listener *l)
{
	struct out *o = v->out;
	struct hist waits;

	out_line_end(o);
	summary_title(v, l, true);
	put_place(v, listener_place(m, l));
	if (summary_unwatched(m)) {
		put_peaks(v, m, l);
		put_rest(v, m, l);
		return;
	}
	put_acceptq(v, m, l);
	put_queue(o, N_("SYN queue"), m, l, &l->synq);
	put_causes(o, m, l, TCPTRACE_CAUSES_SYNQ_OUT);
	summary_line_end(v, VALUES_AT);
	waits_hist(&l->in_synq, &waits);
	if (put_waits(o, "", N_("waited"), &waits, 0))
		summary_line_end(v, VALUES_AT);
	waits_hist(&l->in_accept, &waits);
	if (put_waits(o, "accept()", N_("blocked"), &waits, 0))
		summary_line_end(v, VALUES_AT);
	put_rest(v, m, l);
}
