/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * JSON: one object a line. What is unknown is left out.
 *
 * {"type":"event","t_ns":81000250,"time":"2026-11-23T05:10:42.123456789Z","event":"acceptq-del",
 *  "conn":1,"listener":1,"family":"ipv4","laddr":"127.0.0.1","lport":8080,"raddr":"127.0.0.1",
 *  "rport":40412,"netns":4026531840,"pid":812,"tid":812,"comm":"nginx","fd":6,"synq":0,"synq_young":0,
 *  "synq_max":511,"acceptq":0,"acceptq_max":511,"cause":"accepted","dur_ns":21000}
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "field.h"
#include "jsonout.h"

#define MAX_KEYS	48u
#define KEY_SIZE	16u		/* copied whole, so that it is one move */

/*
 * Three runs of keys stay the same for most events of a connection: its ends, who holds
 * or calls, and the queues. Their text is kept with the values it was made from: other
 * values, other text; nothing here can be out of date.
 */
#define RUN_TEXT	240u		/* as long as any, but for a name full of bytes to be escaped */
#define RUN_SLOTS	128u

struct queues {
	uint32_t synq, synq_young, acceptq, limit;
};

struct run {
	unsigned int first, end;	/* keys */
	struct kept {
		union {
			struct event_ends ends;
			struct owner who;
			struct queues queues;
		};
		uint32_t len;		/* 0: empty */
		char text[RUN_TEXT];
	} slot[RUN_SLOTS];
};

struct json {
	struct view_clock clock;
	unsigned int n;
	struct {
		const struct field *f;
		unsigned int len;
		char key[KEY_SIZE];		/* ,"name": */
	} keys[MAX_KEYS];
	struct run ends, who, queues;		/* in this order in a line */
};

static unsigned int key_at(const struct json *j, const char *name)
{
	unsigned int i = 0;

	while (i < j->n && strcmp(j->keys[i].f->name, name))
		i++;
	return i;
}

static void run_of(const struct json *j, struct run *r, const char *first, const char *last)
{
	r->first = key_at(j, first);
	r->end = key_at(j, last) + 1;
}

static int json_open(struct view *v)
{
	struct json *j = calloc(1, sizeof(*j));
	unsigned int i;

	if (!j)
		return -ENOMEM;
	v->priv = j;
	for (i = COLUMN_COUNT; i < field_count && j->n < MAX_KEYS; i++, j->n++) {
		size_t n = strlen(fields[i].name);

		if (n + 4 > KEY_SIZE)
			return -EINVAL;
		j->keys[j->n].f = &fields[i];
		memcpy(j->keys[j->n].key, ",\"", 2);
		memcpy(j->keys[j->n].key + 2, fields[i].name, n);
		memcpy(j->keys[j->n].key + 2 + n, "\":", 2);
		j->keys[j->n].len = (unsigned int)n + 4;
	}
	run_of(j, &j->ends, "conn", "netns");
	run_of(j, &j->who, "pid", "fd");
	run_of(j, &j->queues, "synq", "acceptq_max");
	return 0;
}

/* What writes into the buffer by itself, from p on: where its text ends. */
static char *put_long(struct out *o, char *p, const struct field *f, const struct value *val)
{
	o->len = (size_t)(p - o->buf);
	if (f->kind == FK_COMM)
		out_json(o, val->s, TCPTRACE_COMM_LEN);
	else
		out_addr(o, val->addr);
	return o->buf + o->len;
}

static char *put_value(struct view *v, char *p, const struct field *f, const struct value *val)
{
	struct json *j = v->priv;

	switch (f->kind) {
	case FK_I64:
		return put_i64(p, val->i);
	case FK_NAME:
		*p++ = '"';
		p = put_str(p, val->s);
		*p++ = '"';
		return p;
	case FK_COMM:
		return put_long(v->out, p, f, val);
	case FK_ADDR:
		*p++ = '"';
		p = put_long(v->out, p, f, val);
		*p++ = '"';
		return p;
	case FK_WALL:
		*p++ = '"';
		p = view_rfc3339(&j->clock, p, (int64_t)(val->u + (uint64_t)v->cfg.wall_offset_ns));
		*p++ = '"';
		return p;
	case FK_TRUE:
		return put_mem(p, "true", 4);
	default:
		return put_u64(p, val->u);
	}
}

/* A line has room for OUT_LINE_MAX: what is copied beyond a key is written over. */
static char *put_fields(struct view *v, char *p, const struct model_event *ev, unsigned int i, unsigned int end)
{
	const struct json *j = v->priv;
	struct value val;

	for (; i < end; i++) {
		if (!j->keys[i].f->get(ev, &val))
			continue;
		memcpy(p, j->keys[i].key, KEY_SIZE);
		p = put_value(v, p + j->keys[i].len, j->keys[i].f, &val);
	}
	return p;
}

/* Writes the keys of a run and keeps their text. */
static char *put_run(struct view *v, char *p, const struct model_event *ev, struct run *r, struct kept *k)
{
	char *end = put_fields(v, p, ev, r->first, r->end);

	k->len = end - p <= RUN_TEXT ? (uint32_t)(end - p) : 0;
	memcpy(k->text, p, k->len);
	return end;
}

static char *put_ends(struct view *v, char *p, const struct model_event *ev)
{
	struct json *j = v->priv;
	struct kept *k = &j->ends.slot[ev->conn % RUN_SLOTS];
	struct event_ends ends;

	event_ends(ev, &ends);
	if (k->len && !memcmp(&ends, &k->ends, sizeof(ends)))
		return put_mem(p, k->text, k->len);
	k->ends = ends;
	return put_run(v, p, ev, &j->ends, k);
}

static char *put_who(struct view *v, char *p, const struct model_event *ev)
{
	struct json *j = v->priv;
	struct kept *k;

	if (!ev->who)
		return p;
	k = &j->who.slot[(ev->who->tid + (uint32_t)ev->who->fd) % RUN_SLOTS];
	if (k->len && !memcmp(ev->who, &k->who, offsetof(struct owner, comm) + TCPTRACE_COMM_LEN))
		return put_mem(p, k->text, k->len);
	k->who = *ev->who;
	return put_run(v, p, ev, &j->who, k);
}

static char *put_queues(struct view *v, char *p, const struct model_event *ev)
{
	const struct queues q = { ev->synq, ev->synq_young, ev->acceptq, ev->limit };
	struct json *j = v->priv;
	struct kept *k = &j->queues.slot[(q.synq * 16 + q.acceptq) % RUN_SLOTS];

	if (!ev->has_queues)
		return p;
	if (k->len && !memcmp(&q, &k->queues, sizeof(q)))
		return put_mem(p, k->text, k->len);
	k->queues = q;
	return put_run(v, p, ev, &j->queues, k);
}

static void json_event(struct view *v, const struct model_event *ev)
{
	const struct json *j = v->priv;
	struct out *o = v->out;
	char *p;

	out_make_room(o, OUT_LINE_MAX);
	p = put_mem(o->buf + o->len, "{\"type\":\"event\"", 15);
	p = put_fields(v, p, ev, 0, j->ends.first);
	p = put_ends(v, p, ev);
	p = put_fields(v, p, ev, j->ends.end, j->who.first);
	p = put_who(v, p, ev);
	p = put_fields(v, p, ev, j->who.end, j->queues.first);
	p = put_queues(v, p, ev);
	p = put_fields(v, p, ev, j->queues.end, j->n);
	*p++ = '}';
	o->len = (size_t)(p - o->buf);
	out_line_end(o);
	v->shown++;
}

static void json_lost(struct view *v, uint64_t count, const char *where)
{
	out_str(v->out, "{\"type\":\"lost\"");
	json_u64(v->out, "count", count);
	json_str(v->out, "where", where);
	out_char(v->out, '}');
	out_line_end(v->out);
}

static void put_causes(struct out *o, const char *key, const struct listener *l, enum cause_group group)
{
	unsigned int i;

	json_begin(o, key);
	for (i = 1; i < TCPTRACE_CAUSE_END; i++) {
		if (cause_group(i) == group && l->causes[i])
			json_u64(o, tcptrace_cause_name(i), l->causes[i]);
	}
	json_end(o);
}

static void put_hist(struct out *o, const struct hist *h)
{
	json_u64(o, "count", h->count);
	if (!h->count)
		return;
	json_u64(o, "p50_ns", hist_quantile(h, 500));
	json_u64(o, "p90_ns", hist_quantile(h, 900));
	json_u64(o, "p99_ns", hist_quantile(h, 990));
	json_u64(o, "max_ns", h->max);
	json_u64(o, "sum_ns", h->sum);
}

/* "synq":{"now":0,"peak":3,"limit":511,"full_ns":0,"oldest_ns":0,"wait":{"count":7,"p50_ns":..}} */
static void json_queue(struct out *o, const char *key, const struct model *m, const struct listener *l,
		      const struct queue *q, const struct hist *wait)
{
	json_begin(o, key);
	json_u64(o, "now", q->now);
	json_u64(o, "peak", q->peak);
	if (l->limit_known)
		json_u64(o, "limit", l->limit);
	json_u64(o, "full_ns", model_full_ns(m, q));
	json_u64(o, "oldest_ns", model_oldest_wait(m, q));
	json_begin(o, "wait");
	put_hist(o, wait);
	json_end(o);
	json_end(o);
}

static void put_owner(struct out *o, const char *key, const struct owner *w)
{
	if (!w->pid)
		return;
	json_begin(o, key);
	json_u64(o, "pid", w->pid);
	if (w->tid)
		json_u64(o, "tid", w->tid);
	json_key(o, "comm");
	out_json(o, w->comm, TCPTRACE_COMM_LEN);
	if (w->fd >= 0)
		json_u64(o, "fd", (uint64_t)w->fd);
	json_end(o);
}

/* Which listener: shared with `tcptrace listeners -j`. */
void json_listener_name(struct out *o, const struct listener *l)
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
	put_owner(o, "acceptor", &l->acceptor);
	json_u64(o, "acceptors", l->acceptors);
	if (l->backlog_known)
		json_i64(o, "backlog", l->backlog);
	if (l->somaxconn)
		json_u64(o, "somaxconn", l->somaxconn);
	if (l->limit_known)
		json_u64(o, "effective", l->limit);
	if (listener_decides(l))
		json_str(o, "decides", listener_decides(l));
}

void json_listener_counts(struct out *o, const struct listener *l)
{
	json_u64(o, "established", l->established);
	json_u64(o, "accepted", l->accepted);
	json_u64(o, "accept_errors", l->accept_errors);
	json_u64(o, "drops", listener_refused(l));
	put_causes(o, "refused", l, CAUSES_REFUSED);
	put_causes(o, "synq_removed", l, CAUSES_SYNQ_DEL);
	put_causes(o, "acceptq_added", l, CAUSES_ACCEPTQ_ADD);
	put_causes(o, "acceptq_removed", l, CAUSES_ACCEPTQ_DEL);
	json_begin(o, "cookies");
	json_u64(o, "sent", l->cookies_sent);
	json_u64(o, "ok", l->cookies_ok);
	json_u64(o, "bad", l->cookies_bad);
	json_end(o);
	json_u64(o, "synack_retrans", l->synack_retrans);
	json_u64(o, "expired", l->causes[TCPTRACE_SYNQ_EXPIRED]);
	json_u64(o, "ghosts", l->ghosts);
}

static void json_listener(struct view *v, const struct model *m, const struct listener *l)
{
	struct out *o = v->out;

	out_str(o, "{\"type\":\"listener\"");
	json_listener_name(o, l);
	json_queue(o, "synq", m, l, &l->synq, &l->in_synq);
	json_u64(o, "synq_young", l->synq_young);
	json_queue(o, "acceptq", m, l, &l->acceptq, &l->in_acceptq);
	json_begin(o, "accept_blocked");
	put_hist(o, &l->in_accept);
	json_end(o);
	json_listener_counts(o, l);
	if (l->born_ns)
		json_u64(o, "born_ns", l->born_ns);
	if (l->closed_ns)
		json_u64(o, "closed_ns", l->closed_ns);
	out_char(o, '}');
	out_line_end(o);
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

static void json_finding(struct view *v, const struct finding *f)
{
	struct out *o = v->out;

	out_str(o, "{\"type\":\"finding\"");
	json_str(o, "id", f->id);
	if (f->listener)
		json_u64(o, "listener", f->listener->id);
	if (f->who) {
		json_u64(o, "pid", f->who->pid);
		json_key(o, "comm");
		out_json(o, f->who->comm, TCPTRACE_COMM_LEN);
	}
	json_key(o, "sentence");
	finding_json(o, f, f->sentence);
	json_key(o, "advice");
	finding_json(o, f, f->advice);
	json_begin(o, "evidence");
	for (const struct finding_value *e = f->value; e->key; e++)
		json_u64(o, e->key, e->number);
	json_end(o);
	out_char(o, '}');
	out_line_end(o);
}

static void json_ledger(struct view *v, uint32_t netns, const char *counter, uint64_t kernel, uint64_t counted)
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

static void json_end_line(struct view *v, const struct view_end *end)
{
	const struct model_totals *t = end->totals;
	struct out *o = v->out;

	out_str(o, "{\"type\":\"end\"");
	json_u64(o, "events", view_events(t));
	json_u64(o, "shown", v->shown);
	json_u64(o, "lost", end->lost);
	json_u64(o, "missed", end->missed);
	json_u64(o, "records", t->records);
	json_u64(o, "evicted", t->evicted);
	json_u64(o, "illegal", t->illegal);
	json_u64(o, "listeners_unseen", t->listeners_unseen);
	json_u64(o, "conns_now", t->conns_now);
	json_u64(o, "conns_peak", t->conns_peak);
	put_by_event(o, "by_event", t->events);
	put_by_event(o, "lost_by_event", t->lost);
	json_str(o, "source", end->source);
	json_str(o, "mechanisms", end->mechanisms);
	out_char(o, '}');
	out_line_end(o);
}

static void json_close(struct view *v)
{
	free(v->priv);
	v->priv = NULL;
}

const struct view_ops view_json = {
	.name = "json",
	.open = json_open,
	.event = json_event,
	.lost = json_lost,
	.listener = json_listener,
	.finding = json_finding,
	.ledger = json_ledger,
	.end = json_end_line,
	.close = json_close,
};
