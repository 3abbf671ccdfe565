// SPDX-License-Identifier: GPL-2.0-only
/* A card for each listener, most trouble first: the numbers of the summary, its queues over time, the waits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../model/figure.h"
#include "report.h"

static void begin_row(struct out *o, const char *label)
{
	out_str(o, "<dt>");
	html_text(o, label);
	out_str(o, "</dt><dd>");
}

static void end_row(struct out *o)
{
	out_str(o, "</dd>\n");
}

/* "peak 129": a number that is not known is "-" */
static void begin_fact(struct out *o, const char *label)
{
	out_str(o, "<span>");
	html_text(o, label);
	out_str(o, " <b>");
}

static void end_fact(struct out *o)
{
	out_str(o, "</b></span> ");
}

/* ">= 12" where it is a lower bound, "-" where it is unknown ("at least 0" says no more). False: it is. */
static bool put_known(struct out *o, enum known known, uint64_t n)
{
	if (known == KNOWN_NOT || (known == KNOWN_LEAST && !n)) {
		out_char(o, '-');
		return false;
	}
	out_str(o, known == KNOWN_LEAST ? "\u2265\u00a0" : "");
	return true;
}

static void put_fact(struct out *o, const char *label, enum known known, uint64_t n)
{
	begin_fact(o, label);
	if (put_known(o, known, n))
		html_number(o, n);
	end_fact(o);
}

static void put_time(struct out *o, const char *label, enum known known, uint64_t ns)
{
	begin_fact(o, label);
	if (put_known(o, known, ns))
		html_duration(o, ns);
	end_fact(o);
}

static void put_wait(struct out *o, const char *label, enum known known, const struct hist *h,
		     unsigned int permille)
{
	put_time(o, label, !known ? KNOWN_NOT : hist_is_least(h, permille) ? KNOWN_LEAST : KNOWN_EXACTLY,
		 permille == 1000 ? h->max : hist_quantile(h, permille));
}

/* still: so many of these wait on. */
static void put_waits(struct out *o, const char *label, enum known known, const struct hist *h, uint32_t still)
{
	if (known && !h->count)
		return;
	begin_row(o, label);
	put_wait(o, "p50", known, h, 500);
	put_wait(o, "p90", known, h, 900);
	put_wait(o, "p99", known, h, 990);
	put_wait(o, N_("longest"), known, h, 1000);
	if (still)
		put_fact(o, N_("of these wait still"), KNOWN_EXACTLY, still);
	end_row(o);
}

static void put_queue(struct view *v, const struct listener *l, const struct queue *q)
{
	const struct model *m = ((struct report *)v->priv)->model;
	bool synq = q == &l->synq;
	struct out *o = v->out;

	put_fact(o, N_("now"), figure_known(m, l, synq ? FIGURE_SYNQ_NOW : FIGURE_ACCEPTQ_NOW), q->now);
	put_fact(o, N_("peak"), figure_known(m, l, synq ? FIGURE_SYNQ_PEAK : FIGURE_ACCEPTQ_PEAK), q->peak);
	put_fact(o, N_("limit"), l->limit_known ? KNOWN_EXACTLY : KNOWN_NOT, l->limit);
	if (limits_differ(&l->limits)) {
		put_fact(o, N_("its lowest"), KNOWN_EXACTLY, l->limits.low);
		put_fact(o, N_("its highest"), KNOWN_EXACTLY, l->limits.high);
	}
	put_time(o, N_("full for"), figure_known(m, l, synq ? FIGURE_SYNQ_FULL : FIGURE_ACCEPTQ_FULL), model_full_ns(m, q));
	if (q->now)
		put_time(o, N_("the oldest waits for"), figure_known(m, l, synq ? FIGURE_SYNQ_OLDEST : FIGURE_ACCEPTQ_OLDEST),
			 model_oldest_wait(m, q));
}

static void put_causes(struct out *o, enum known known, const struct listener *l, enum tcptrace_cause_group group)
{
	for (unsigned int i = 1; i < TCPTRACE_CAUSE_END; i++) {
		if (tcptrace_cause_group(i) == group && l->causes[i] && i != TCPTRACE_ACCEPTQ_ACCEPTED &&
		    i != TCPTRACE_ACCEPTQ_RESET)
			put_fact(o, tcptrace_cause_name(i), known, l->causes[i]);
	}
}

static void put_acceptq(struct view *v, const struct listener *l)
{
	const struct model *m = ((struct report *)v->priv)->model;
	enum known taken = figure_known(m, l, FIGURE_ACCEPTED);
	struct out *o = v->out;
	struct hist waits;
	uint32_t still;

	begin_row(o, N_("Accept queue"));
	put_queue(v, l, &l->acceptq);
	put_fact(o, N_("entered"), figure_known(m, l, FIGURE_ESTABLISHED), l->established);
	put_fact(o, N_("accepted"), taken, l->accepted);
	if (taken && l->unseen)
		put_fact(o, N_("of these found out later"), KNOWN_EXACTLY, l->unseen);
	if (taken && l->causes[TCPTRACE_ACCEPTQ_RESET])
		put_fact(o, N_("of these reset before"), KNOWN_EXACTLY, l->causes[TCPTRACE_ACCEPTQ_RESET]);
	put_causes(o, taken, l, TCPTRACE_CAUSES_ACCEPTQ_OUT);
	end_row(o);
	still = model_acceptq_waits(m, l, &waits);
	put_waits(o, N_("Waited in the accept queue"), figure_known(m, l, FIGURE_ACCEPTQ_WAIT), &waits, still);
}

static void put_synq(struct view *v, const struct listener *l)
{
	const struct model *m = ((struct report *)v->priv)->model;
	struct out *o = v->out;
	struct hist waits;

	begin_row(o, N_("SYN queue"));
	put_queue(v, l, &l->synq);
	put_fact(o, N_("established"), figure_known(m, l, FIGURE_SYNQ_OUT), l->causes[TCPTRACE_SYNQ_ESTABLISHED]);
	put_fact(o, N_("expired"), figure_known(m, l, FIGURE_EXPIRED), l->causes[TCPTRACE_SYNQ_EXPIRED]);
	for (unsigned int i = TCPTRACE_SYNQ_EXPIRED + 1; i < TCPTRACE_CAUSE_END; i++) {
		if (tcptrace_cause_group(i) == TCPTRACE_CAUSES_SYNQ_OUT && l->causes[i])
			put_fact(o, tcptrace_cause_name(i), figure_known(m, l, FIGURE_EXPIRED), l->causes[i]);
	}
	end_row(o);
	waits_hist(&l->in_synq, &waits);
	put_waits(o, N_("Waited in the SYN queue"), figure_known(m, l, FIGURE_SYNQ_WAIT), &waits, 0);
}

static void put_refused(struct view *v, const struct listener *l)
{
	const struct model *m = ((struct report *)v->priv)->model;
	enum known known = figure_known(m, l, FIGURE_REFUSED);
	struct out *o = v->out;

	begin_row(o, N_("Refused"));
	put_fact(o, N_("segments"), known, listener_refused(l));
	if (known)
		put_causes(o, known, l, TCPTRACE_CAUSES_REFUSED);
	if (figure_drops_unseen(m, l))
		put_fact(o, l->deferred ? N_("more, not seen why (sk_drops); TCP_DEFER_ACCEPT drops ACKs without data") :
			 N_("more, not seen why (sk_drops)"), KNOWN_EXACTLY, figure_drops_unseen(m, l));
	end_row(o);
}

static void put_cookies(struct view *v, const struct listener *l)
{
	const struct model *m = ((struct report *)v->priv)->model;
	struct out *o = v->out;

	if (!l->cookies_sent && !l->cookies_ok && !l->cookies_bad)
		return;
	begin_row(o, N_("SYN cookies"));
	put_fact(o, N_("sent"), figure_known(m, l, FIGURE_COOKIES_SENT), l->cookies_sent);
	put_fact(o, N_("valid"), figure_known(m, l, FIGURE_COOKIES_BACK), l->cookies_ok);
	put_fact(o, N_("invalid"), figure_known(m, l, FIGURE_COOKIES_BACK), l->cookies_bad);
	end_row(o);
}

static void put_trouble(struct view *v, const struct listener *l)
{
	const struct model *m = ((struct report *)v->priv)->model;
	struct out *o = v->out;

	if (!l->synack_retrans && !l->accept_errors && !l->ghosts)
		return;
	begin_row(o, N_("Trouble"));
	if (l->synack_retrans)
		put_fact(o, N_("SYN-ACKs sent again"), figure_known(m, l, FIGURE_SYNACK_RETRANS), l->synack_retrans);
	if (l->accept_errors)
		put_fact(o, N_("accept() failed"), figure_known(m, l, FIGURE_ACCEPT_ERRORS), l->accept_errors);
	if (l->ghosts)
		put_fact(o, N_("clients that believe they are connected"), figure_known(m, l, FIGURE_GHOSTS), l->ghosts);
	end_row(o);
}

/* Who has it and which limit decides: "server[11534], fd 3. backlog 2 (asked 2, somaxconn 4096: backlog decides)" */
static void put_owner(struct out *o, const struct listener *l)
{
	const struct owner *who = listener_named(l);

	out_str(o, "<p class=\"owner\">");
	html_who(o, who);
	if (who->pid && who->fd >= 0) {
		out_str(o, ", fd ");
		out_u64(o, (uint64_t)who->fd);
	}
	if (l->acceptor.pid && l->acceptor.pid != who->pid) {
		html_text(o, N_("; "));
		html_text(o, N_("accepted by"));
		out_char(o, ' ');
		html_who(o, &l->acceptor);
		if (l->acceptors > 1)
			html_with_numbers(o, N_(" and {1} more"), l->acceptors - 1);
	}
	if (l->backlog_known && l->somaxconn) {
		html_text(o, N_("; "));
		out_str(o, "listen(");
		out_i64(o, l->backlog);
		out_str(o, "), somaxconn ");
		out_u64(o, l->somaxconn);
		html_text(o, N_(": "));
		html_text(o, !strcmp(listener_decides(l), "backlog") ? N_("the backlog decides") : N_("somaxconn decides"));
	}
	html_text(o, N_("; "));
	html_text(o, l->open ? N_("listening") : N_("closed"));
	out_str(o, "</p>\n");
}

static void put_charts(struct view *v, const struct card *c)
{
	struct out *o = v->out;

	if (!c->graph) {
		out_str(o, "<p>");
		html_text(o, N_("Its queues over time were not kept: nothing happened to it, or more listeners than there is "
			       "room for had traffic."));
		out_str(o, "</p>\n");
		return;
	}
	chart_queue(v, c, CHART_ACCEPTQ);
	chart_queue(v, c, CHART_SYNQ);
	chart_bins(v, c);
	chart_axis(v);
}

static void put_card(struct view *v, const struct card *c)
{
	struct report *r = v->priv;
	const struct listener *l = c->l;
	struct out *o = v->out;
	struct hist waits;

	waits_hist(&l->in_accept, &waits);
	out_str(o, "<article id=\"listener-");
	out_u64(o, l->id);
	out_str(o, "\">\n<h3>");
	html_end(o, &r->names, l->laddr, l->lport);
	out_str(o, "</h3>\n");
	put_owner(o, l);
	out_str(o, "<dl class=\"facts\">\n");
	put_acceptq(v, l);
	put_synq(v, l);
	put_waits(o, N_("accept() blocked"), figure_known(r->model, l, FIGURE_BLOCKED), &waits, 0);
	put_refused(v, l);
	put_cookies(v, l);
	put_trouble(v, l);
	out_str(o, "</dl>\n");
	put_charts(v, c);
	if (figure_known(r->model, l, FIGURE_ACCEPTQ_WAIT)) {
		model_acceptq_waits(r->model, l, &waits);
		waits_table(v, &waits);
	}
	out_str(o, "</article>\n");
}

void report_cards(struct view *v)
{
	struct report *r = v->priv;
	struct out *o = v->out;

	for (unsigned int i = 0; i < r->cards_shown; i++)
		put_card(v, &r->cards[i]);
	if (!r->ncards) {
		out_str(o, "<p>");
		html_text(o, N_("No listener was seen."));
		out_str(o, "</p>\n");
	} else if (r->cards_shown < r->ncards) {
		out_str(o, "<p class=\"left\">");
		html_with_numbers(o, N_("{1} of {2} listeners are shown, those with most trouble and traffic; the others are left "
				       "out."), r->cards_shown, r->ncards);
		out_str(o, "</p>\n");
	}
}
