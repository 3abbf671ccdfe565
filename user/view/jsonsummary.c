// SPDX-License-Identifier: GPL-2.0-only
/*
 * JSON: the lines that are no events. What was lost; at the end one for each listener,
 * finding and kernel counter, and one for the whole run.
 */
#include "../model/figure.h"
#include "hosts.h"
#include "jsonout.h"

void json_host(struct view *v)
{
	if (!v->cfg.hosts)
		return;
	json_key(v->out, "host");
	out_json(v->out, host_word(v->cfg.hosts, v->host), 255);
}

void json_lost(struct view *v, uint64_t count, const char *where)
{
	out_str(v->out, "{\"type\":\"lost\"");
	json_u64(v->out, "count", count);
	json_str(v->out, "where", where);
	json_host(v);
	out_char(v->out, '}');
	out_line_end(v->out);
}

static void put_causes(struct out *o, const char *key, const struct listener *l, enum tcptrace_cause_group group)
{
	unsigned int i;

	json_begin(o, key);
	for (i = 1; i < TCPTRACE_CAUSE_END; i++) {
		if (tcptrace_cause_group(i) == group && l->causes[i])
			json_u64(o, tcptrace_cause_name(i), l->causes[i]);
	}
	json_end(o);
}

static void put_waits(struct out *o, const struct waits *w)
{
	struct hist h;

	json_u64(o, "count", w->count);
	if (!w->count)
		return;
	waits_hist(w, &h);
	json_u64(o, "p50_ns", hist_quantile(&h, 500));
	json_u64(o, "p90_ns", hist_quantile(&h, 900));
	json_u64(o, "p99_ns", hist_quantile(&h, 990));
	json_u64(o, "max_ns", w->max);
	json_u64(o, "sum_ns", w->sum);
}

static void json_figure(struct out *o, const char *key, enum known known, uint64_t n)
{
	if (known)
		json_u64(o, key, n);
}

/*
 * "synq":{"now":0,"peak":3,"limit":511,"full_ns":0,"oldest_ns":0,"wait":{"count":7,"p50_ns":..}}. What is unknown is
 * left out; oldest_ns 0: nobody waits.
 */
static void json_queue(struct out *o, const struct model *m, const struct listener *l, bool synq)
{
	const struct queue *q = synq ? &l->synq : &l->acceptq;

	json_begin(o, synq ? "synq" : "acceptq");
	json_figure(o, "now", figure_known(m, l, synq ? FIGURE_SYNQ_NOW : FIGURE_ACCEPTQ_NOW), q->now);
	json_figure(o, "peak", figure_known(m, l, synq ? FIGURE_SYNQ_PEAK : FIGURE_ACCEPTQ_PEAK), q->peak);
	if (l->limit_known)
		json_u64(o, "limit", l->limit);
	if (limits_differ(&l->limits)) {
		json_u64(o, "limit_low", l->limits.low);
		json_u64(o, "limit_high", l->limits.high);
	}
	json_figure(o, "full_ns", figure_known(m, l, synq ? FIGURE_SYNQ_FULL : FIGURE_ACCEPTQ_FULL),
		    model_full_ns(m, q));
	json_figure(o, "oldest_ns", figure_known(m, l, synq ? FIGURE_SYNQ_OLDEST : FIGURE_ACCEPTQ_OLDEST),
		    model_oldest_wait(m, q));
	if (figure_known(m, l, synq ? FIGURE_SYNQ_WAIT : FIGURE_ACCEPTQ_WAIT)) {
		json_begin(o, "wait");
		put_waits(o, synq ? &l->in_synq : &l->in_acceptq);
		json_end(o);
	}
	json_end(o);
}

static void put_owner(struct out *o, const char *key, const struct owner *w)
{
	if (!owner_known(w))
		return;
	json_begin(o, key);
	if (w->pid)
		json_u64(o, "pid", w->pid);
	if (w->tid)
		json_u64(o, "tid", w->tid);
	json_key(o, "comm");
	out_json(o, w->comm, TCPTRACE_COMM_LEN);
	if (w->fd >= 0)
		json_u64(o, "fd", (uint64_t)w->fd);
	json_end(o);
}

static void put_name(struct out *o, const char *key, const char *name, size_t max)
{
	if (!name[0])
		return;
	json_key(o, key);
	out_json(o, name, max);
}

static void put_place(struct out *o, const struct proc_place *p)
{
	if (!p)
		return;
	put_name(o, "unit", p->unit, sizeof(p->unit));
	put_name(o, "namespace", p->ns, sizeof(p->ns));
	put_name(o, "pod", p->pod, sizeof(p->pod));
	put_name(o, "container", p->container, sizeof(p->container));
	put_name(o, "container_id", p->id, sizeof(p->id));
}

/* Which listener: shared with `tcptrace listeners -j`. */
void json_listener_name(struct out *o, const struct model *m, const struct listener *l)
{
	json_u64(o, "listener", l->id);
	if (l->cookie)
		json_u64(o, "cookie", l->cookie);
	if (l->family)
		json_str(o, "family", l->family == 4 ? "ipv4" : "ipv6");
	json_key(o, "laddr");
	out_char(o, '"');
	out_addr(o, l->laddr);
	out_char(o, '"');
	json_u64(o, "lport", l->lport);
	if (l->netns)
		json_u64(o, "netns", l->netns);
	json_bool(o, "open", l->open);
	put_owner(o, "opener", &l->opener);
	if (l->holder.pid)
		put_owner(o, "holder", &l->holder);
	if (l->opener_gone)
		json_bool(o, "opener_gone", true);
	put_owner(o, "acceptor", &l->acceptor);
	put_place(o, listener_place(m, l));
	/* else they are in another PID namespace, or nobody looked */
	if (l->acceptors || (!l->accepted && figure_known(m, l, FIGURE_ACCEPTED) == KNOWN_EXACTLY))
		json_u64(o, "acceptors", l->acceptors);
	if (l->backlog_known)
		json_i64(o, "backlog", l->backlog);
	if (l->somaxconn)
		json_u64(o, "somaxconn", l->somaxconn);
	if (l->limit_known)
		json_u64(o, "effective", l->limit);
	if (listener_decides(l))
		json_str(o, "decides", listener_decides(l));
	if (l->deferred)
		json_bool(o, "defer_accept", true);
}

/* Which of the numbers are lower bounds. */
static void json_at_least(struct out *o, const struct model *m, const struct listener *l)
{
	bool any = false;

	for (enum figure f = 0; f < FIGURE_MAX; f++)
		any |= figure_known(m, l, f) == KNOWN_LEAST;
	if (!any)
		return;
	json_begin(o, "at_least");
	for (enum figure f = 0; f < FIGURE_MAX; f++) {
		if (figure_known(m, l, f) == KNOWN_LEAST)
			json_bool(o, figure_key(f), true);
	}
	json_end(o);
}

static void json_cookies(struct out *o, const struct model *m, const struct listener *l)
{
	json_begin(o, "cookies");
	json_figure(o, "sent", figure_known(m, l, FIGURE_COOKIES_SENT), l->cookies_sent);
	json_figure(o, "ok", figure_known(m, l, FIGURE_COOKIES_BACK), l->cookies_ok);
	json_figure(o, "bad", figure_known(m, l, FIGURE_COOKIES_BACK), l->cookies_bad);
	json_end(o);
}

void json_listener_counts(struct out *o, const struct model *m, const struct listener *l)
{
	enum known accepted = figure_known(m, l, FIGURE_ACCEPTED), in = figure_known(m, l, FIGURE_ESTABLISHED);

	json_figure(o, "established", in, l->established);
	json_figure(o, "accepted", accepted, l->accepted);
	if (accepted && l->unseen)
		json_u64(o, "accepted_unseen", l->unseen);
	json_figure(o, "accept_errors", figure_known(m, l, FIGURE_ACCEPT_ERRORS), l->accept_errors);
	if (figure_known(m, l, FIGURE_REFUSED)) {
		json_u64(o, "drops", listener_refused(l));
		put_causes(o, "refused", l, TCPTRACE_CAUSES_REFUSED);
	}
	if (limits_differ(&l->limits) && l->refused.limits.any) {
		json_u64(o, "refused_limit_low", l->refused.limits.low);
		json_u64(o, "refused_limit_high", l->refused.limits.high);
	}
	if (l->drops_unseen)
		json_u64(o, "sk_drops_unseen", l->drops_unseen);
	if (figure_known(m, l, FIGURE_SYNQ_OUT))
		put_causes(o, "synq_removed", l, TCPTRACE_CAUSES_SYNQ_OUT);
	if (in)
		put_causes(o, "acceptq_added", l, TCPTRACE_CAUSES_ACCEPTQ_IN);
	if (accepted)
		put_causes(o, "acceptq_removed", l, TCPTRACE_CAUSES_ACCEPTQ_OUT);
	json_cookies(o, m, l);
	json_figure(o, "synack_retrans", figure_known(m, l, FIGURE_SYNACK_RETRANS), l->synack_retrans);
	json_figure(o, "expired", figure_known(m, l, FIGURE_EXPIRED), l->causes[TCPTRACE_SYNQ_EXPIRED]);
	json_figure(o, "ghosts", figure_known(m, l, FIGURE_GHOSTS), l->ghosts);
	json_at_least(o, m, l);
	if (listener_incomplete(m, l))
		json_bool(o, "incomplete", true);
}

void json_listener_all(struct out *o, const struct model *m, const struct listener *l)
{
	json_listener_name(o, m, l);
	json_queue(o, m, l, true);
	json_figure(o, "synq_young", figure_known(m, l, FIGURE_SYNQ_NOW), l->synq_young);
	json_queue(o, m, l, false);
	if (figure_known(m, l, FIGURE_BLOCKED)) {
		json_begin(o, "accept_blocked");
		put_waits(o, &l->in_accept);
		json_end(o);
	}
	json_listener_counts(o, m, l);
	if (l->born_ns)
		json_u64(o, "born_ns", l->born_ns);
	if (l->closed_ns)
		json_u64(o, "closed_ns", l->closed_ns);
}

void json_listener(struct view *v, const struct model *m, const struct listener *l)
{
	out_str(v->out, "{\"type\":\"listener\"");
	json_listener_all(v->out, m, l);
	json_host(v);
	out_char(v->out, '}');
	out_line_end(v->out);
}

static void put_by_event(struct out *o, const char *key, const uint64_t *count)
{
	unsigned int i;

	json_begin(o, key);
	for (i = 1; i < TCPTRACE_EVENT_MAX; i++) {
		if (count[i])
			json_u64(o, tcptrace_event_name(i), count[i]);
	}
	json_end(o);
}

static void put_evidence(struct out *o, const struct finding_value *e)
{
	const char *name;

	switch (e->unit) {
	case FINDING_ERRNO:
		name = errno_name((int)e->number);
		if (name)
			json_str(o, e->key, name);
		else
			json_u64(o, e->key, e->number);
		break;
	case FINDING_STATE:
		json_key(o, e->key);
		out_json(o, (const char[]){ (char)e->number }, 1);
		break;
	case FINDING_ADDRESS:
		json_key(o, e->key);
		out_char(o, '"');
		out_addr(o, e->addr);
		out_char(o, '"');
		break;
	case FINDING_WORDS:
		json_str(o, e->key, e->words);
		break;
	default:
		json_u64(o, e->key, e->number);
	}
}

static void put_part(struct view *v, const struct finding *f, const char *key, enum finding_part part)
{
	unsigned int i = 0;

	while (i < FINDING_PARTS && f->said[i].text && f->said[i].part != part)
		i++;
	if (i == FINDING_PARTS || !f->said[i].text)
		return;
	json_key(v->out, key);
	finding_json(v, v->out, f, part);
}

static void put_evidence_at_least(struct out *o, const struct finding_value *e)
{
	bool any = false;

	for (; e->key; e++) {
		if (!e->least)
			continue;
		if (!any)
			json_begin(o, "at_least");
		any = true;
		json_bool(o, e->key, true);
	}
	if (any)
		json_end(o);
}

void json_finding(struct view *v, const struct finding *f)
{
	struct out *o = v->out;

	out_str(o, "{\"type\":\"finding\"");
	json_str(o, "id", f->id);
	json_host(v);
	if (f->listener)
		json_u64(o, "listener", f->listener->id);
	if (f->who.pid) {
		json_u64(o, "pid", f->who.pid);
		json_key(o, "comm");
		out_json(o, f->who.comm, TCPTRACE_COMM_LEN);
	}
	put_part(v, f, "sentence", FINDING_CAUSE);
	put_part(v, f, "cost", FINDING_COST);
	put_part(v, f, "seen", FINDING_SEEN);
	put_part(v, f, "advice", FINDING_ADVICE);
	json_begin(o, "evidence");
	for (const struct finding_value *e = f->value; e->key; e++)
		put_evidence(o, e);
	json_end(o);
	put_evidence_at_least(o, f->value);
	out_char(o, '}');
	out_line_end(o);
}

void json_ledger(struct view *v, uint32_t netns, const char *counter, uint64_t kernel, uint64_t counted)
{
	struct out *o = v->out;

	out_str(o, "{\"type\":\"ledger\"");
	json_u64(o, "netns", netns);
	json_str(o, "counter", counter);
	json_u64(o, "kernel", kernel);
	json_u64(o, "counted", counted);
	out_char(o, '}');
	out_line_end(o);
}

void json_end_line(struct view *v, const struct view_end *end)
{
	const struct model_totals *t = end->totals;
	struct out *o = v->out;

	out_str(o, "{\"type\":\"end\"");
	json_u64(o, "events", view_events(t));
	json_u64(o, "shown", v->shown);
	json_u64(o, "lost", end->lost);
	if (end->missed_known)
		json_u64(o, "missed", end->missed);
	if (end->unknown)
		json_u64(o, "unknown", end->unknown);
	json_u64(o, "records", t->records);
	json_u64(o, "evicted", t->evicted);
	if (model_seen(end->model, TCPTRACE_STATE) == TCPTRACE_SEEN_EXACTLY)
		json_u64(o, "illegal", t->illegal);
	json_u64(o, "listeners_unseen", t->listeners_unseen);
	json_u64(o, "conns_now", t->conns_now);
	if (!v->cfg.hosts)
		json_u64(o, "conns_peak", t->conns_peak);
	put_by_event(o, "by_event", t->events);
	put_by_event(o, "lost_by_event", t->lost);
	json_str(o, "source", end->source);
	json_str(o, "mechanisms", end->mechanisms);
	out_char(o, '}');
	out_line_end(o);
}
