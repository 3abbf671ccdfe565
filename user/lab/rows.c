// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rows of an experiment: the columns of the table that say something here, where one
 * process is server and clients, in 80 columns.
 *
 *  TIME(s) EVENT                          LOCAL  REMOTE           SYNQ    ACCEPTQ
 * 0.002212 acceptq-add ~handshake         :8002  127.0.0.1:40012  0/2     3/2
 * 0.002233 drop acceptq-full-syn          :8002  127.0.0.1:40013  0/2     3/2
 */
#include <stdio.h>
#include <string.h>

#include "../lib/tr.h"
#include "../lib/wrap.h"
#include "../view/ends.h"
#include "../view/view.h"
#include "picture.h"

#define EVENT_AT	9u
#define LOCAL_AT	41u
#define REMOTE_AT	48u
#define SYNQ_AT		65u
#define ACCEPTQ_AT	73u

static void put_at(struct out *o, size_t *from, unsigned int at, const char *text)
{
	unsigned int columns = (unsigned int)(o->len - *from);

	out_spaces(o, at > columns ? at - columns : 1);
	out_str(o, text);
	*from += strlen(text) - text_columns(text);	/* from then on bytes are columns again */
}

void rows_header(struct out *o)
{
	size_t from = o->len;

	put_at(o, &from, 1, _("TIME(s)"));
	put_at(o, &from, EVENT_AT, _("EVENT"));
	put_at(o, &from, LOCAL_AT, _("LOCAL"));
	put_at(o, &from, REMOTE_AT, _("REMOTE"));
	put_at(o, &from, SYNQ_AT, _("SYNQ"));
	put_at(o, &from, ACCEPTQ_AT, _("ACCEPTQ"));
	out_line_end(o);
}

/* What the step ended, where that is a wait: in a queue, in accept(). */
static int put_wait(char *s, size_t size, const struct model_event *ev)
{
	double ms = (double)ev->dur_ns / 1e6;

	if (!ev->has_dur || (ev->event != TCPTRACE_SYNQ_DEL && ev->event != TCPTRACE_ACCEPTQ_DEL &&
			     ev->event != TCPTRACE_ACCEPT))
		return 0;
	return snprintf(s, size, ms < 100 ? " %.3f ms" : " %.1f ms", ms);
}

static int put_outcome(char *s, size_t size, const struct model_event *ev)
{
	const struct tcptrace_record *r = ev->rec;
	const char *error = NULL;

	switch (ev->event) {
	case TCPTRACE_STATE:
		return snprintf(s, size, " %s->%s", tcp_state_name(ev->old), tcp_state_name(ev->new));
	case TCPTRACE_LISTEN: case TCPTRACE_ACCEPT: case TCPTRACE_BIND: case TCPTRACE_CONNECT_RETURN:
	case TCPTRACE_READ: case TCPTRACE_WRITE:
		error = return_errno_name(r->ret);
	}
	if (error)
		return snprintf(s, size, " %s", error);
	if (ev->event == TCPTRACE_LISTEN)
		return snprintf(s, size, " backlog %d", r->backlog);
	if (ev->event == TCPTRACE_ACCEPT && ev->who && ev->who->fd >= 0)
		return snprintf(s, size, " fd %d", ev->who->fd);
	return 0;
}

/* "acceptq-del accepted 20.322 ms" */
static void event_text(char *s, size_t size, const struct model_event *ev)
{
	const char *cause = tcptrace_cause_name(ev->cause);
	int n = snprintf(s, size, "%s", tcptrace_event_name(ev->event));
	bool guessed = ev->flags & (TCPTRACE_F_INFERRED | TCPTRACE_F_SAMPLED);

	if (guessed || cause[0])
		n += snprintf(s + n, size - (size_t)n, " %s%s", guessed ? "~" : "", cause);
	n += put_outcome(s + n, size - (size_t)n, ev);
	put_wait(s + n, size - (size_t)n, ev);
}

static void queue_text(char *s, size_t size, uint32_t now, uint32_t limit)
{
	snprintf(s, size, "%u/%u", now, limit);
}

void rows_event(struct out *o, const struct model_event *ev, uint64_t start_ns, bool color)
{
	const char *code = color ? trouble_color(ev->event, ev->cause) : NULL;
	uint64_t us = ev->rec->t_ns > start_ns ? (ev->rec->t_ns - start_ns) / 1000 : 0;
	char text[96];
	struct ends ends;
	size_t from, at;

	event_ends(ev, &ends);
	out_make_room(o, OUT_LINE_MAX);
	if (code)
		out_str(o, code);
	from = o->len;
	snprintf(text, sizeof(text), "%llu.%06llu", (unsigned long long)us / 1000000,
	  (unsigned long long)us % 1000000);
	out_str(o, text);
	event_text(text, sizeof(text), ev);
	put_at(o, &from, EVENT_AT, text);
	snprintf(text, sizeof(text), ":%u", ends.lport);
	put_at(o, &from, LOCAL_AT, text);
	if (ends.rport) {
		at = o->len - from;
		out_spaces(o, REMOTE_AT > at ? REMOTE_AT - (unsigned int)at : 1);
		out_endpoint(o, ends.raddr, ends.rport);
	}
	if (ev->has_queues && ev->event != TCPTRACE_STATE) {
		queue_text(text, sizeof(text), ev->synq, ev->limit);
		put_at(o, &from, SYNQ_AT, text);
		queue_text(text, sizeof(text), ev->acceptq, ev->limit);
		put_at(o, &from, ACCEPTQ_AT, text);
	}
	if (code)
		out_str(o, "\033[0m");
	out_line_end(o);
}
