// SPDX-License-Identifier: GPL-2.0-only
/*
 * A step is handed out: the record that it rests on, and what the model adds: which conn and listener, whose, how
 * long what ends here took, the lengths of both queues.
 */
#include "internal.h"

/* CPUs' clocks may differ by some ns: an end before its begin took no time. */
void emit_took(struct model_event *ev, uint64_t since_ns)
{
	ev->has_dur = since_ns != 0;
	if (since_ns)
		ev->dur_ns = ev->rec->t_ns > since_ns ? ev->rec->t_ns - since_ns : 0;
}

static bool of_queues(unsigned int event)
{
	return tcptrace_event_class(event) == TCPTRACE_QUEUE || event == TCPTRACE_LISTEN || event == TCPTRACE_ACCEPT;
}

void emit_on(struct model *m, struct model_event *ev)
{
	const struct tcptrace_record *rec = ev->rec;
	const struct listener *l = ev->l;
	const struct owner *owner;

	if (ev->c && attempt_concerns(ev->c, ev))
		ev->counted |= attempt_step((struct conn *)ev->c, ev);	/* const for views; the model's own */
	owner = owner_of(m, ev);		/* goes by his latest name from here on */
	if (!(m->wants.steps >> ev->event & 1))
		return;
	if (rec->flags & TCPTRACE_F_ACTOR) {
		ev->who = &m->actor;
		ev->thread = memcmp(m->thread, m->actor.comm, TCPTRACE_COMM_LEN) ? m->thread : NULL;
	} else {
		ev->who = owner;
	}
	if (rec->flags & TCPTRACE_F_QUEUES) {
		ev->has_queues = true;
		ev->synq = rec->synq;
		ev->synq_young = rec->synq_young;
		ev->acceptq = rec->acceptq;
		ev->limit = rec->acceptq_max;
	} else if (l && l->limit_known && of_queues(ev->event)) {
		ev->has_queues = true;
		ev->synq = l->synq.now;
		ev->synq_young = l->synq_young;
		ev->acceptq = l->acceptq.now;
		ev->limit = l->limit;
	}
	ev->host = m->limits.host;
	m->fn(m->ctx, ev);
}

void emit_plain(struct model *m, const struct tcptrace_record *rec, struct conn *c, struct listener *l)
{
	struct model_event ev = emit_step(rec, rec->event, c, l);

	emit_event(m, &ev);
}
