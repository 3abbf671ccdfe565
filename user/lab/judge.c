// SPDX-License-Identifier: GPL-2.0-only
/* What judge() asks: events, facts; and what it answers: claims with their evidence. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "run.h"

void lab_wrong(struct lab_run *r, const char *fmt, ...)
{
	va_list ap;

	r->ok = false;
	if (r->error[0])
		return;
	va_start(ap, fmt);
	vsnprintf(r->error, sizeof(r->error), tr(fmt), ap);
	va_end(ap);
}

struct lab_event lab_event_of(const struct model_event *ev)
{
	const struct tcptrace_record *rec = ev->rec;
	struct lab_event e = {
		.t_ns = rec->t_ns, .dur_ns = ev->dur_ns, .has_dur = ev->has_dur, .conn = ev->conn, .sk = rec->sk,
		.listener = ev->l ? ev->l->id : 0,
		.synq = ev->synq, .synq_young = ev->synq_young, .acceptq = ev->acceptq, .limit = ev->limit,
		.has_queues = ev->has_queues, .ret = rec->ret, .lport = rec->lport, .rport = rec->rport,
		.event = ev->event, .old = ev->old, .new = ev->new, .cause = ev->cause, .flags = ev->flags,
		.fd = -1,
	};

	if (rec->event == TCPTRACE_LISTEN)
		e.backlog = rec->backlog;
	if (ev->c) {			/* a record may know less of a socket than the model does */
		e.lport = ev->c->lport;
		e.rport = ev->c->rport;
	}
	if (ev->who) {
		e.tid = ev->who->tid;
		e.fd = ev->who->fd;
		memcpy(e.comm, ev->who->comm, sizeof(e.comm));
	}
	return e;
}

bool lab_matches(const struct lab_event *e, const struct want *w)
{
	return (!w->event || e->event == w->event) && (!w->old || e->old == w->old) &&
	       (!w->new || e->new == w->new) && (!w->cause || e->cause == w->cause) &&
	       (!w->lport || e->lport == w->lport) && (!w->rport || e->rport == w->rport) &&
	       (!w->listener || e->listener == w->listener) && (!w->conn || e->conn == w->conn) &&
	       (!w->after || e->t_ns > w->after) && (!w->before || e->t_ns < w->before);
}

static void describe(const struct want *w, char *text, size_t size)
{
	snprintf(text, size, "%s%s%s%s%s lport=%u rport=%u", w->event ? tcptrace_event_name(w->event) : "any",
		 w->cause ? " " : "", tcptrace_cause_name(w->cause), w->new ? " to " : "",
		 w->new ? tcp_state_name(w->new) : "", w->lport, w->rport);
}

const struct lab_event *lab_find(struct lab_run *r, const struct want *w)
{
	static const struct lab_event none;
	char what[128];

	for (size_t i = 0; i < r->nevents; i++) {
		if (lab_matches(&r->events[i], w))
			return &r->events[i];
	}
	describe(w, what, sizeof(what));
	lab_wrong(r, N_("no such event was seen: %s"), what);
	return &none;
}

const struct lab_event *lab_at(const struct lab_run *r, size_t i)
{
	return i < r->nevents ? &r->events[i] : NULL;
}

unsigned int lab_count(const struct lab_run *r, const struct want *w)
{
	unsigned int n = 0;

	for (size_t i = 0; i < r->nevents; i++)
		n += lab_matches(&r->events[i], w);
	return n;
}

unsigned int lab_acceptq_peak(const struct lab_run *r, uint16_t lport)
{
	unsigned int peak = 0;

	for (size_t i = 0; i < r->nevents; i++) {
		const struct lab_event *e = &r->events[i];

		if (e->listener && e->lport == lport && e->has_queues && e->acceptq > peak)
			peak = e->acceptq;
	}
	return peak;
}

int64_t lab_fact(struct lab_run *r, const char *key)
{
	for (unsigned int i = 0; i < r->nfacts; i++) {
		if (!strcmp(r->facts[i].key, key))
			return r->facts[i].value;
	}
	lab_wrong(r, N_("the experiment noted nothing as '%s'"), key);
	return 0;
}

bool lab_blind(const struct lab_run *r, const char *hook)
{
	for (unsigned int i = 0; i < r->nfacts; i++) {
		if (!strncmp(r->facts[i].key, "blind.", 6) && !strcmp(r->facts[i].key + 6, hook))
			return true;
	}
	return false;
}

void lab_claim(struct lab_run *r, const char *text, enum verdict v, const char *why, bool holds,
	       const char *answer, ...)
{
	struct claim *c = &r->claims[r->nclaims];
	va_list ap;

	if (r->nclaims == LAB_CLAIMS) {
		lab_wrong(r, N_("more than %d claims"), LAB_CLAIMS);
		return;
	}
	r->nclaims++;
	*c = (struct claim){ .text = text, .why = why, .verdict = v, .holds = holds };
	va_start(ap, answer);
	vsnprintf(c->answer, sizeof(c->answer), tr(answer), ap);
	va_end(ap);
	if (!holds)
		lab_wrong(r, N_("the evidence is not what the text says: %s"), tr(text));
}

void lab_sentence(struct lab_run *r, enum sentence s)
{
	if (r->nclaims)
		r->claims[r->nclaims - 1].sentence = s;
}

void lab_evidence(struct lab_run *r, const char *key, int64_t value)
{
	struct claim *c = r->nclaims ? &r->claims[r->nclaims - 1] : NULL;

	if (!c || c->nevidence == LAB_EVIDENCE) {
		lab_wrong(r, N_("no room for the evidence '%s'"), key);
		return;
	}
	snprintf(c->evidence[c->nevidence].key, sizeof(c->evidence[0].key), "%s", key);
	c->evidence[c->nevidence++].value = value;
}
