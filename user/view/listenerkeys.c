// SPDX-License-Identifier: GPL-2.0-only
/* A listener for programs, as JSON or CSV; and the view `csv`: that of each, at the end. */
#include "../lib/tr.h"
#include "../model/figure.h"
#include "hosts.h"
#include "jsonout.h"
#include "members.h"

const struct listener listener_none;

void listener_host(struct members *t, const struct view *v)
{
	member_name(t, "host", v->cfg.hosts, v->cfg.hosts ? host_word(v->cfg.hosts, v->host) : "", 255);
}

/* Where requests or cookies are not asked for it is not told of each how it came in. */
static bool ways_known(const struct listener *l)
{
	return l->causes[TCPTRACE_ACCEPTQ_HANDSHAKE] + l->causes[TCPTRACE_ACCEPTQ_COOKIE] + l->causes[TCPTRACE_ACCEPTQ_FASTOPEN] +
	       l->causes[TCPTRACE_ACCEPTQ_MIGRATED] == l->established;
}

/*
 * By event. JSON has those that are not 0, in an object that shows whether they are known; that there was none is known
 * where each has a hook and none was lost.
 */
static void put_causes(struct members *t, const char *key, const struct model *m, const struct listener *l, unsigned int event)
{
	static const struct { enum figure known, all; enum tcptrace_cause_group group; } of[TCPTRACE_EVENT_MAX] = {
		[TCPTRACE_DROP]		= { FIGURE_REFUSED, FIGURE_REFUSED, TCPTRACE_CAUSES_REFUSED },
		[TCPTRACE_SYNQ_DEL]	= { FIGURE_SYNQ_OUT, FIGURE_EXPIRED, TCPTRACE_CAUSES_SYNQ_OUT },
		[TCPTRACE_ACCEPTQ_ADD]	= { FIGURE_ESTABLISHED, FIGURE_ESTABLISHED, TCPTRACE_CAUSES_ACCEPTQ_IN },
		[TCPTRACE_ACCEPTQ_DEL]	= { FIGURE_ACCEPTED, FIGURE_ACCEPTED, TCPTRACE_CAUSES_ACCEPTQ_OUT },
	};
	bool none = t->form == MEMBERS_CSV && model_seen(m, event) == TCPTRACE_SEEN_EXACTLY &&
		    figure_known(m, l, of[event].all) == KNOWN_EXACTLY;

	member_into(t, key, figure_known(m, l, of[event].known) && (event != TCPTRACE_ACCEPTQ_ADD || ways_known(l)));
	for (unsigned int i = 1; i < TCPTRACE_CAUSE_END; i++) {
		if (tcptrace_cause_group(i) == of[event].group)
			member_u64(t, tcptrace_cause_name(i), l->causes[i] || none, l->causes[i]);
	}
	member_out(t);
}

static void put_waits(struct members *t, const char *key, bool known, const struct waits *w)
{
	struct hist h;

	waits_hist(w, &h);
	member_into(t, key, known);
	member_u64(t, "count", true, w->count);
	member_u64(t, "p50_ns", w->count, hist_quantile(&h, 500));
	member_u64(t, "p90_ns", w->count, hist_quantile(&h, 900));
	member_u64(t, "p99_ns", w->count, hist_quantile(&h, 990));
	member_u64(t, "max_ns", w->count, w->max);
	member_u64(t, "sum_ns", w->count, w->sum);
	member_out(t);
}

/* "synq":{"now":0,"peak":3,"limit":511,"full_ns":0,"oldest_ns":0,"wait":{"count":7,"p50_ns":..}}. oldest_ns 0: nobody waits. */
static void put_queue(struct members *t, const struct model *m, const struct listener *l, bool synq)
{
	const struct queue *q = synq ? &l->synq : &l->acceptq;
	bool differ = limits_differ(&l->limits) && listener_limit_known(m, l) && !(model_only(m) & TCPTRACE_ONLY_PIDS);

	member_into(t, synq ? "synq" : "acceptq", true);
	member_u64(t, "now", figure_known(m, l, synq ? FIGURE_SYNQ_NOW : FIGURE_ACCEPTQ_NOW), q->now);
	member_u64(t, "peak", figure_known(m, l, synq ? FIGURE_SYNQ_PEAK : FIGURE_ACCEPTQ_PEAK), q->peak);
	member_u64(t, "limit", listener_limit_known(m, l), l->limit);
	member_u64(t, "limit_low", differ, l->limits.low);
	member_u64(t, "limit_high", differ, l->limits.high);
	member_u64(t, "full_ns", figure_known(m, l, synq ? FIGURE_SYNQ_FULL : FIGURE_ACCEPTQ_FULL), model_full_ns(m, q));
	member_u64(t, "oldest_ns", figure_known(m, l, synq ? FIGURE_SYNQ_OLDEST : FIGURE_ACCEPTQ_OLDEST),
		   model_oldest_wait(m, q));
	put_waits(t, "wait", figure_known(m, l, synq ? FIGURE_SYNQ_WAIT : FIGURE_ACCEPTQ_WAIT),
		  synq ? &l->in_synq : &l->in_acceptq);
	member_out(t);
}

static void put_owner(struct members *t, const char *key, bool known, const struct owner *w)
{
	member_into(t, key, known && owner_known(w));
	member_u64(t, "pid", w->pid, w->pid);
	member_u64(t, "tid", w->tid, w->tid);
	member_name(t, "comm", true, w->comm, TCPTRACE_COMM_LEN);
	member_u64(t, "fd", w->fd >= 0, (uint64_t)w->fd);
	member_out(t);
}

static void put_place(struct members *t, const struct proc_place *p)
{
	static const struct proc_place nowhere;

	if (!p)
		p = &nowhere;
	member_name(t, "unit", p->unit[0], p->unit, sizeof(p->unit));
	member_name(t, "namespace", p->ns[0], p->ns, sizeof(p->ns));
	member_name(t, "pod", p->pod[0], p->pod, sizeof(p->pod));
	member_name(t, "container", p->container[0], p->container, sizeof(p->container));
	member_name(t, "container_id", p->id[0], p->id, sizeof(p->id));
}

void listener_name(struct members *t, const struct model *m, const struct listener *l)
{
	/* else they are in another PID namespace, or nobody looked */
	bool acceptors = l->acceptors || (!l->accepted && figure_known(m, l, FIGURE_ACCEPTORS) == KNOWN_EXACTLY);

	member_u64(t, "listener", true, l->id);
	member_u64(t, "cookie", l->cookie, l->cookie);
	member_word(t, "family", !l->family ? NULL : l->family == 4 ? "ipv4" : "ipv6");
	member_addr(t, "laddr", true, l->laddr);
	member_u64(t, "lport", true, l->lport);
	member_u64(t, "netns", l->netns, l->netns);
	member_bool(t, "open", !l->open || listener_open_known(m, l), l->open);
	put_owner(t, "opener", true, &l->opener);
	put_owner(t, "holder", l->holder.pid, &l->holder);
	member_bool(t, "opener_gone", l->opener_gone && owner_known(&l->opener), true);
	put_owner(t, "acceptor", true, &l->acceptor);
	put_place(t, listener_place(m, l));
	member_u64(t, "acceptors", acceptors, l->acceptors);
	member_i64(t, "backlog", l->backlog_known, l->backlog);
	member_u64(t, "somaxconn", l->somaxconn, l->somaxconn);
	member_u64(t, "effective", listener_limit_known(m, l), l->limit);
	member_word(t, "decides", listener_decides(l));
	member_bool(t, "defer_accept", l->deferred, true);
}

static const char *figure_word(unsigned int f)
{
	return figure_key(f);
}

/* Which of the numbers are lower bounds. */
static void put_at_least(struct members *t, const struct model *m, const struct listener *l)
{
	uint64_t least = 0;

	for (enum figure f = 0; f < FIGURE_MAX; f++)
		least |= (uint64_t)(figure_known(m, l, f) == KNOWN_LEAST) << f;
	member_words(t, "at_least", least, figure_word, false);
}

static void put_refused(struct members *t, const struct model *m, const struct listener *l)
{
	bool known = figure_known(m, l, FIGURE_REFUSED), differ = limits_differ(&l->limits) && l->refused.limits.any;

	member_u64(t, "drops", known, listener_refused(l));
	put_causes(t, "refused", m, l, TCPTRACE_DROP);
	member_u64(t, "refused_limit_low", differ, l->refused.limits.low);
	member_u64(t, "refused_limit_high", differ, l->refused.limits.high);
	member_u64(t, "sk_drops_unseen", l->drops_unseen, l->drops_unseen);
}

static void put_cookies(struct members *t, const struct model *m, const struct listener *l)
{
	bool back = figure_known(m, l, FIGURE_COOKIES_BACK);

	member_into(t, "cookies", true);
	member_u64(t, "sent", figure_known(m, l, FIGURE_COOKIES_SENT), l->cookies_sent);
	member_u64(t, "ok", back, l->cookies_ok);
	member_u64(t, "bad", back, l->cookies_bad);
	member_out(t);
}

void listener_counts(struct members *t, const struct model *m, const struct listener *l)
{
	bool accepted = figure_known(m, l, FIGURE_ACCEPTED);

	member_u64(t, "established", figure_known(m, l, FIGURE_ESTABLISHED), l->established);
	member_u64(t, "accepted", accepted, l->accepted);
	member_u64(t, "accepted_unseen", accepted && l->unseen, l->unseen);
	member_u64(t, "accept_errors", figure_known(m, l, FIGURE_ACCEPT_ERRORS), l->accept_errors);
	put_refused(t, m, l);
	put_causes(t, "synq_removed", m, l, TCPTRACE_SYNQ_DEL);
	put_causes(t, "acceptq_added", m, l, TCPTRACE_ACCEPTQ_ADD);
	put_causes(t, "acceptq_removed", m, l, TCPTRACE_ACCEPTQ_DEL);
	put_cookies(t, m, l);
	member_u64(t, "synack_retrans", figure_known(m, l, FIGURE_SYNACK_RETRANS), l->synack_retrans);
	member_u64(t, "expired", figure_known(m, l, FIGURE_EXPIRED), l->causes[TCPTRACE_SYNQ_EXPIRED]);
	member_u64(t, "ghosts", figure_known(m, l, FIGURE_GHOSTS), l->ghosts);
	put_at_least(t, m, l);
	member_bool(t, "incomplete", listener_incomplete(m, l), true);
}

void listener_all(struct members *t, const struct model *m, const struct listener *l)
{
	listener_name(t, m, l);
	put_queue(t, m, l, true);
	member_u64(t, "synq_young", figure_known(m, l, FIGURE_SYNQ_NOW), l->synq_young);
	put_queue(t, m, l, false);
	put_waits(t, "accept_blocked", figure_known(m, l, FIGURE_BLOCKED), &l->in_accept);
	listener_counts(t, m, l);
	member_u64(t, "born_ns", l->born_ns, l->born_ns);
	member_u64(t, "closed_ns", l->closed_ns, l->closed_ns);
}

static void put_line(struct members *t, const struct view *v, const struct model *m, const struct listener *l)
{
	listener_all(t, m, l);
	listener_host(t, v);
	members_end(t);
}

void json_listener(struct view *v, const struct model *m, const struct listener *l)
{
	struct members t;

	members_begin(&t, v->out, true, "listener");
	put_line(&t, v, m, l);
}

static void csv_listener(struct view *v, const struct model *m, const struct listener *l)
{
	struct members t;

	members_begin(&t, v->out, false, NULL);
	put_line(&t, v, m, l);
}

/* Before those of the first machine. */
static void csv_header(struct view *v, const struct model *m)
{
	struct members t;

	if (v->cfg.no_header || v->host)
		return;
	members_header(&t, v->out);
	put_line(&t, v, m, &listener_none);
}

static void csv_end(struct view *v, const struct view_end *end)
{
	if (end->totals->listeners_unseen)
		v->remark = _("some listeners are not shown (table full)");
}

const struct view_ops view_csv = {
	.name = "csv",
	.steps = true,
	.hosts = true,
	.listeners = csv_header,
	.listener = csv_listener,
	.end = csv_end,
};
