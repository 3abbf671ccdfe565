// SPDX-License-Identifier: GPL-2.0-only
/*
 * JSON: the lines that are neither events nor listeners. What was lost; at the end one for each finding and kernel
 * counter, and one for the whole run.
 */
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
	if (f->netns)
		json_u64(o, "netns", f->netns);
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
	if (end->mechanisms[0])
		json_str(o, "mechanisms", end->mechanisms);
	out_char(o, '}');
	out_line_end(o);
}
