// SPDX-License-Identifier: GPL-2.0-only
/* The last column of the table: what is left to say about a step. */
#include "table.h"

static char *put_call(char *p, const struct model_event *ev)
{
	const struct tcptrace_record *r = ev->rec;

	switch (ev->event) {
	case TCPTRACE_LISTEN:
		if (r->event != TCPTRACE_LISTEN)
			return p;
		p = put_i64(put_mem(p, "backlog ", 8), r->backlog);
		p = put_u64(put_mem(p, " somaxconn ", 11), r->somaxconn);
		if (r->ret < 0)
			*p++ = ' ';		/* and the error */
		return p;
	case TCPTRACE_ACCEPT:
		if (r->ret >= 0 && ev->who && ev->who->fd >= 0)
			p = put_i64(put_mem(p, "fd ", 3), ev->who->fd);
		return p;
	case TCPTRACE_READ: case TCPTRACE_WRITE:
		if (r->ret >= 0)
			p = put_mem(put_i64(p, r->ret), " bytes", 6);
		return p;
	}
	return p;
}

static char *put_result(char *p, const struct model_event *ev)
{
	struct value v;

	if (event_errno(ev, &v) || event_how(ev, &v)) {
		p = put_str(p, v.s);
		return event_so_error(ev, &v) ? put_str(put_mem(p, ", ", 2), v.s) : p;
	}
	return event_ret(ev, &v) && v.i < 0 ? put_i64(p, v.i) : p;
}

/* state: OLD->NEW; drop, removals: the cause; listen: what decides; calls: the error. */
char *table_detail(const struct table *t, char *p, const struct model_event *ev)
{
	if (ev->flags & (TCPTRACE_F_INFERRED | TCPTRACE_F_SAMPLED))
		*p++ = '~';
	if (ev->event == TCPTRACE_STATE || ev->event == TCPTRACE_EXISTS) {
		if (ev->event == TCPTRACE_STATE)
			p = put_mem(put_word(p, word_of(t->state, ev->old, TCP_S_MAX)), "->", 2);
		p = put_word(p, word_of(t->state, ev->new, TCP_S_MAX));
		return ev->flags & TCPTRACE_F_QUEUED ? put_mem(p, " queued", 7) : p;
	}
	p = put_call(p, ev);
	p = put_word(p, word_of(t->cause, ev->cause, TCPTRACE_CAUSE_END));
	return event_returned(ev) || ev->event == TCPTRACE_SHUTDOWN ? put_result(p, ev) : p;
}
