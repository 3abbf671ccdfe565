// SPDX-License-Identifier: GPL-2.0-only
/*
 * The steps of the replay: a ring that keeps the last ones until something is refused;
 * then what came shortly before stays, and it fills up with what comes after.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../pair.h"
#include "report.h"

int steps_init(struct steps *s)
{
	s->ring = malloc(REPORT_STEPS * sizeof(*s->ring));
	return s->ring ? 0 : -ENOMEM;
}

void steps_free(struct steps *s)
{
	free(s->ring);
}

struct step *steps_at(const struct steps *s, uint64_t i)
{
	return &s->ring[i % REPORT_STEPS];
}

/* Does it move anything on the stage, or is it worth a sentence there? */
static bool is_shown(const struct model_event *ev)
{
	switch (ev->event) {
	case TCPTRACE_SOCKET: case TCPTRACE_BIND: case TCPTRACE_READ: case TCPTRACE_WRITE: case TCPTRACE_DESTROY:
		return false;
	case TCPTRACE_EXISTS:
		return ev->c && (ev->flags & TCPTRACE_F_QUEUED || ev->new == TCP_S_NEW_SYN_RECV);
	case TCPTRACE_LISTEN:
		return ev->l && ev->rec->ret >= 0;
	}
	return true;
}

static struct step *slot(struct steps *s, const struct model_event *ev)
{
	if (ev->event == TCPTRACE_DROP && !s->refused) {
		s->refused = true;
		if (s->n - s->first > REPORT_LEAD)
			s->first = s->n - REPORT_LEAD;
	}
	if (s->n - s->first == REPORT_STEPS) {
		if (s->refused) {
			s->left++;
			return NULL;
		}
		s->first++;
	}
	return steps_at(s, s->n++);
}

void steps_event(struct steps *s, const struct model_event *ev, enum wanted wanted)
{
	const struct tcptrace_record *r = ev->rec;
	struct step *step = is_shown(ev) ? slot(s, ev) : NULL;

	if (!step)
		return;
	*step = (struct step){
		.t_ns = r->t_ns, .conn = ev->conn, .listener = ev->l ? ev->l->id : 0,
		.synq = ev->synq, .acceptq = ev->acceptq, .limit = ev->limit, .has_queues = ev->has_queues,
		.ret = r->ret, .event = ev->event, .old = ev->old, .new = ev->new, .cause = ev->cause,
		.wanted = wanted == WANTED,
	};
	if (ev->event == TCPTRACE_RETRANS && ev->c)
		step->old = ev->c->state;	/* which segment it is, as in follow.c */
	step->tuple = ev->c ? ev->c->tuple : record_ends(r);
}
