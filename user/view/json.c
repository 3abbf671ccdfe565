// SPDX-License-Identifier: GPL-2.0-only
/*
 * JSON: one object a line. What is unknown is left out.
 *
 * {"type":"event","t_ns":81000250,"time":"2026-11-23T05:10:42.123456789Z","event":"acceptq-del",
 *  "conn":1,"listener":1,"family":"ipv4","laddr":"127.0.0.1","lport":8080,"raddr":"127.0.0.1",
 *  "rport":40412,"netns":4026531840,"pid":812,"tid":812,"comm":"nginx","fd":6,"synq":0,"synq_young":0,
 *  "synq_max":511,"acceptq":0,"acceptq_max":511,"cause":"accepted","dur_ns":21000}
 *
 * Two things change in every line, the time and how long it took. The rest was nearly always
 * written before: it is kept, with what it was made from, and copied.
 */
#include <errno.h>
#include <stdlib.h>

#include "../lib/sized.h"
#include "../lib/tr.h"
#include "ends.h"
#include "hosts.h"
#include "jsonout.h"
#include "jsonword.h"

#define NSEC		1000000000u
#define KEPT_TEXT	224u		/* as long as any, but for a name full of bytes to be escaped */
#define ENDS_KEPT	SIZED(256u, 4u)
#define OWNERS_KEPT	SIZED(128u, 4u)
#define QUEUES_KEPT	SIZED(128u, 4u)
#define HOST_TEXT	2048u		/* a name of a file at its longest, all of it escaped */

struct kept {
	uint32_t len;			/* 0: nothing */
	char text[KEPT_TEXT];
};

struct queues {
	uint32_t synq, synq_young, acceptq, limit;
};

struct json {
	struct view_clock clock;
	uint64_t second;		/* of t_ns, whose line begins so */
	struct kept begin;
	struct json_words words;
	struct { uint32_t len; char text[HOST_TEXT]; } hosts[MODEL_HOSTS];	/* a member of the object; len 0: none */
	/* Text beside what it was made from: other values, other text, so nothing here can be out of date. */
	struct { struct ends of; struct kept kept; } ends[ENDS_KEPT];
	struct { struct owner of; struct kept kept; } owner[OWNERS_KEPT];
	struct { struct queues of; struct kept kept; } queues[QUEUES_KEPT];
};

/* Where there are several machines, each line says whose it is. */
static void open_hosts(struct view *v, struct json *j)
{
	struct out *o = v->out;
	size_t from;

	out_char(o, ' ');		/* something that a comma belongs behind */
	from = o->len;
	for (v->host = 0; v->host < v->cfg.hosts->n; v->host++) {
		json_host(v);
		if (o->len - from < HOST_TEXT) {
			j->hosts[v->host].len = (uint32_t)(o->len - from);
			memcpy(j->hosts[v->host].text, o->buf + from, o->len - from);
		}
		o->len = from;
	}
	o->len--;
	hosts_json(o, v->cfg.hosts);
}

static int json_open(struct view *v)
{
	struct json *j = calloc(1, sizeof(*j));

	if (!j)
		return -ENOMEM;
	v->priv = j;
	if (v->cfg.hosts)
		open_hosts(v, j);
	return json_words(&j->words);
}

/* What a line begins with, up to the nanoseconds of its second. */
static char *new_second(struct json *j, char *p, uint64_t t_ns)
{
	char *begin = p;

	p = put_mem(p, "{\"type\":\"event\"", 15);
	p = put_number(&j->words, p, KEY_T_NS, t_ns);
	if (t_ns >= NSEC) {
		j->begin.len = (uint32_t)(p - begin) - 9;
		memcpy(j->begin.text, begin, j->begin.len);
		j->second = t_ns - t_ns % NSEC;
	}
	return p;
}

static char *put_time(struct view *v, char *p, uint64_t t_ns)
{
	struct json *j = v->priv;

	if (j->begin.len && t_ns - j->second < NSEC)
		p = put_nine(put_wide(p, j->begin.text, j->begin.len), (uint32_t)(t_ns - j->second));
	else
		p = new_second(j, p, t_ns);
	p = put_word(p, key_of(&j->words, KEY_TIME));
	*p++ = '"';
	p = view_rfc3339(&j->clock, p, (int64_t)(t_ns + (uint64_t)v->cfg.wall_offset_ns));
	*p++ = '"';
	return p;
}

static char *keep(struct kept *k, const char *text, char *end)
{
	k->len = end - text <= KEPT_TEXT ? (uint32_t)(end - text) : 0;
	memcpy(k->text, text, k->len);
	return end;
}

static char *put_end(const struct json *j, char *p, enum key_id addr_key, const uint8_t *addr, uint16_t port)
{
	if (!port && addr_is_any(addr))
		return p;
	p = put_word(p, key_of(&j->words, addr_key));
	*p++ = '"';
	p = put_addr(p, addr);
	*p++ = '"';
	return put_number(&j->words, p, addr_key + 1, port);
}

/* Which connection. Written from what is compared and nothing else, so none can get the text of another. */
static char *new_ends(const struct json *j, char *p, const struct ends *e)
{
	if (e->conn)
		p = put_number(&j->words, p, KEY_CONN, e->conn);
	if (e->listener)
		p = put_number(&j->words, p, KEY_LISTENER, e->listener);
	if (e->cookie)
		p = put_number(&j->words, p, KEY_COOKIE, e->cookie);
	if (e->family)
		p = put_mem(put_word(p, key_of(&j->words, KEY_FAMILY)), e->family == 4 ? "\"ipv4\"" : "\"ipv6\"", 6);
	p = put_end(j, p, KEY_LADDR, e->laddr, e->lport);
	p = put_end(j, p, KEY_RADDR, e->raddr, e->rport);
	return e->netns ? put_number(&j->words, p, KEY_NETNS, e->netns) : p;
}

static char *put_ends(struct json *j, char *p, const struct model_event *ev)
{
	struct kept *k = &j->ends[ev->conn % ENDS_KEPT].kept;
	struct ends *of = &j->ends[ev->conn % ENDS_KEPT].of, ends;

	event_ends(ev, &ends);
	if (k->len && same_ends(&ends, of))
		return put_wide(p, k->text, k->len);
	*of = ends;
	return keep(k, p, new_ends(j, p, of));
}

/* Who has it, or called. */
static char *put_owner(struct json *j, char *p, const struct model_event *ev)
{
	unsigned int i = (ev->who->tid * 37 + (uint32_t)ev->who->fd) % OWNERS_KEPT;
	struct owner *of = &j->owner[i].of;
	struct kept *k = &j->owner[i].kept;

	if (k->len && same_process(ev->who, of) && ev->who->tid == of->tid && ev->who->fd == of->fd)
		return put_wide(p, k->text, k->len);
	*of = *ev->who;
	return keep(k, p, json_fields(&j->words, p, ev, KEY_PID, KEY_FD));
}

static char *put_queues(struct json *j, char *p, const struct model_event *ev)
{
	unsigned int i = (ev->synq * 16 + ev->acceptq) % QUEUES_KEPT;
	struct queues *of = &j->queues[i].of;
	struct kept *k = &j->queues[i].kept;

	if (k->len && of->synq == ev->synq && of->synq_young == ev->synq_young &&
	    of->acceptq == ev->acceptq && of->limit == ev->limit)
		return put_wide(p, k->text, k->len);
	*of = (struct queues){ ev->synq, ev->synq_young, ev->acceptq, ev->limit };
	return keep(k, p, json_fields(&j->words, p, ev, KEY_SYNQ, KEY_ACCEPTQ_MAX));
}

/* From what state to what state; which direction was shut down. */
static char *put_change(const struct json *j, char *p, const struct model_event *ev)
{
	if (ev->event == TCPTRACE_STATE) {
		p = put_word(p, word_of(j->words.old, ev->old, TCP_S_MAX));
		return put_word(p, word_of(j->words.new, ev->new, TCP_S_MAX));
	}
	if (ev->event == TCPTRACE_EXISTS || ev->event == TCPTRACE_SHUTDOWN)
		return json_fields(&j->words, p, ev, KEY_NEW, KEY_HOW);
	return p;
}

/* Why, what came of it, how long it took, how it is known. */
static char *put_outcome(const struct json *j, char *p, const struct model_event *ev)
{
	if (ev->event == TCPTRACE_LISTEN)
		p = json_fields(&j->words, p, ev, KEY_BACKLOG, KEY_SOMAXCONN);
	if (ev->cause)
		p = put_word(p, word_of(j->words.cause, ev->cause, TCPTRACE_CAUSE_END));
	if (event_returned(ev))
		p = json_fields(&j->words, p, ev, KEY_RET, KEY_SO_ERROR);
	if (ev->has_dur)
		p = put_number(&j->words, p, KEY_DUR_NS, ev->dur_ns);
	if (ev->flags & (TCPTRACE_F_QUEUED | TCPTRACE_F_INFERRED | TCPTRACE_F_SAMPLED))
		p = json_fields(&j->words, p, ev, KEY_QUEUED, KEY_SAMPLED);
	return p;
}

static void json_event(struct view *v, const struct model_event *ev)
{
	struct json *j = v->priv;
	struct out *o = v->out;
	char *p;

	out_make_room(o, OUT_LINE_MAX);
	p = put_time(v, out_at(o), ev->rec->t_ns);
	p = put_word(p, word_of(j->words.event, ev->event, TCPTRACE_EVENT_MAX));
	p = put_ends(j, p, ev);
	if (ev->who)
		p = put_owner(j, p, ev);
	if (ev->thread)
		p = json_fields(&j->words, p, ev, KEY_THREAD, KEY_THREAD);
	p = put_change(j, p, ev);
	if (ev->has_queues)
		p = put_queues(j, p, ev);
	p = put_outcome(j, p, ev);
	p = put_mem(p, j->hosts[ev->host].text, j->hosts[ev->host].len);
	*p++ = '}';
	out_take(o, p);
	out_line_end(o);
	v->shown++;
}

static int json_close(struct view *v)
{
	free(v->priv);
	v->priv = NULL;
	return 0;
}

const struct view_ops view_json = {
	.name = "json",
	.help = N_("one JSON object a line (-j)"),
	.steps = true,
	.verdict_last = true,
	.hosts = true,
	.open = json_open,
	.event = json_event,
	.lost = json_lost,
	.listener = json_listener,
	.finding = json_finding,
	.end = json_end_line,
	.close = json_close,
};
