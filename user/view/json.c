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
