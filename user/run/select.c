// SPDX-License-Identifier: GPL-2.0-only
/* Predicates over model events and listeners. */
#include <errno.h>
#include <string.h>

#include "../lib/put.h"
#include "select.h"

_Static_assert(TCPTRACE_EVENT_MAX <= 64, "a mask of events fits in 64 bits");

/* ---- what is applied here ---- */

void select_lift(struct select *s, struct options *o)
{
	struct filter *f = &o->source.filter;

	s->own = *f;
	s->filter = &s->own;
	f->netns = 0;
	f->both_ends = true;
	if (source_by_name(o->source_name)->no_pid_filter)
		f->nlports = f->nrports = 0;
	if (o->program)
		s->own.npids = 0;
	else
		f->npids = 0;
}

/* What no kernel applies, or not to what has no other end yet. */
static void select_own(struct select *s, const struct filter *f)
{
	s->own = (struct filter){ .comm = f->comm, .nnets = f->nnets, .by_place = f->by_place };
	memcpy(s->own.nets, f->nets, sizeof(s->own.nets));
	s->filter = &s->own;
}

void select_begin(struct select *s, const struct options *o, struct source *src, const struct models *m)
{
	const struct filter *f = &o->source.filter;
	bool lifted = s->filter;
	bool own = f->comm || f->nnets || filter_by_place(f);

	if (!lifted && (o->read_path ? own || filter_narrows(f) : src->ops->no_pid_filter && (f->npids || f->nlports)))
		s->filter = f;
	else if (!lifted && own)
		select_own(s, f);
	s->cut = o->read_path ? filter_narrows(f) & (TCPTRACE_ONLY_RPORTS | TCPTRACE_ONLY_ADDRS) : 0;
	if (lifted && o->program)
		s->program = src;
	s->events = o->events;
	s->trouble = o->trouble;
	s->min_ns = o->conns.min_ns;
	s->models = m;
}

/* ---- events ---- */

/* connect() of a non-blocking socket, asking how it goes, and accept() of an empty queue are no trouble. */
static bool call_failed(const struct model_event *ev)
{
	int err = rec_errno(ev->rec);

	switch (ev->event) {
	case TCPTRACE_CONNECT_RETURN:
		return connect_failed(ev->rec->ret) || rec_soft_errno(ev->rec);
	case TCPTRACE_SOCKET: case TCPTRACE_BIND: case TCPTRACE_LISTEN: case TCPTRACE_CONNECT: case TCPTRACE_CLOSE:
	case TCPTRACE_SHUTDOWN:
		return err && !is_interruption(err);
	case TCPTRACE_ACCEPT: case TCPTRACE_READ: case TCPTRACE_WRITE:
		return err && err != EAGAIN && !is_interruption(err);
	}
	return false;
}

/* What -x shows. */
static bool is_trouble(const struct model_event *ev)
{
	switch (ev->event) {
	case TCPTRACE_DROP: case TCPTRACE_SYNACK_RETRANS: case TCPTRACE_RETRANS:
	case TCPTRACE_RST_SENT: case TCPTRACE_RST_RECEIVED:
	case TCPTRACE_COOKIE_SENT: case TCPTRACE_COOKIE_BAD:
		return true;
	case TCPTRACE_SYNQ_DEL:
		return ev->cause == TCPTRACE_SYNQ_EXPIRED || ev->cause == TCPTRACE_SYNQ_RESET ||
		       ev->cause == TCPTRACE_SYNQ_LISTENER_CLOSED;
	case TCPTRACE_ACCEPTQ_DEL:
		return ev->cause == TCPTRACE_ACCEPTQ_CLOSED || ev->cause == TCPTRACE_ACCEPTQ_RESET;
	}
	return call_failed(ev);
}

/* It ends a call, a wait or a state that took so long; TIME_WAIT takes a minute whatever it was. */
static bool is_long(const struct select *s, const struct model_event *ev)
{
	return ev->has_dur && ev->dur_ns >= s->min_ns && !(ev->event == TCPTRACE_STATE && ev->old == TCP_S_TIME_WAIT);
}

static bool has_pid(const struct filter *f, uint32_t pid)
{
	uint32_t i;

	for (i = 0; pid && i < f->npids; i++) {
		if (f->pids[i] == pid)
			return true;
	}
	return false;
}

static bool listener_has_pid(const struct filter *f, const struct listener *l)
{
	uint32_t i, n = l->seldom ? l->acceptors : 0;

	if (has_pid(f, l->opener.pid) || has_pid(f, l->acceptor.pid))
		return true;
	for (i = 0; i < n; i++) {
		if (has_pid(f, l->seldom->acceptor_pids[i]))
			return true;
	}
	return false;
}

/* The actor, the owner of the connection, or of the listener, whoever of its other holders has accepted it: as in the kernel. */
static bool pid_matches(const struct filter *f, const struct model_event *ev)
{
	const struct listener *l = ev->l ? ev->l : ev->c ? ev->c->listener : NULL;

	return !f->npids || (ev->who && has_pid(f, ev->who->pid)) || (ev->c && has_pid(f, ev->c->owner.pid)) ||
	       (l && listener_has_pid(f, l));
}

static bool is_named(const struct owner *o, const char *comm)
{
	return o && o->pid && !strncmp(o->comm, comm, TCPTRACE_COMM_LEN - 1);
}

/* By the owner as he is called now: the actor of a call, who has the connection, who has its listener. */
static bool comm_matches(const struct filter *f, const struct model_event *ev)
{
	if (!f->comm || is_named(ev->who, f->comm) || (ev->c && is_named(&ev->c->owner, f->comm)))
		return true;
	return !(ev->c && ev->c->owner.pid) && ev->l && is_named(listener_keeper(ev->l), f->comm);
}

/* By the same processes as the name. */
static bool place_matches(const struct select *s, const struct model_event *ev)
{
	const struct filter *f = s->filter;
	const struct model *m;

	if (!filter_by_place(f))
		return true;
	m = s->models->of[ev->host];
	if (ev->who && filter_has_place(f, model_place(m, ev->who->pid)))
		return true;
	if (ev->c && ev->c->owner.pid)
		return filter_has_place(f, model_place(m, ev->c->owner.pid));
	return ev->l && filter_has_place(f, listener_place(m, ev->l));
}

/* What is not connected may get there. */
static bool addr_matches(const struct filter *f, const struct model_event *ev)
{
	const struct tcptrace_record *r = ev->rec;

	if (!f->nnets)
		return true;
	/* until 6.12 a child begins without addresses: that of a request that passed is known by it */
	if (ev->event == TCPTRACE_STATE && ev->old == TCP_S_LISTEN && ev->new == TCP_S_SYN_RECV && ev->c && !ev->c->rport)
		return false;
	if (r->rport && r->event != TCPTRACE_LISTEN)
		return filter_has_addr(f, r->laddr, r->raddr);
	return !ev->c || !ev->c->rport || filter_has_addr(f, ev->c->laddr, ev->c->raddr);
}

static bool matches(const struct filter *f, const struct model_event *ev)
{
	const struct tcptrace_record *r = ev->rec;
	const struct listener *l = ev->l ? ev->l : ev->c ? ev->c->listener : NULL;
	bool known = r->lport || r->rport || !ev->c;
	uint16_t rport = r->event == TCPTRACE_LISTEN ? 0 : known ? r->rport : ev->c->rport;

	return (!f->family || f->family == r->family) && (!f->netns || f->netns == r->netns) &&
	       (filter_has_port(f->lports, f->nlports, known ? r->lport : ev->c->lport) ||
		(l && filter_has_port(f->lports, f->nlports, l->lport))) &&
	       filter_has_port(f->rports, f->nrports, rport) && pid_matches(f, ev) && addr_matches(f, ev) &&
	       comm_matches(f, ev);
}

static bool is_followed(const struct select *s, uint32_t pid)
{
	return pid && s->program->ops->followed && s->program->ops->followed(s->program, pid);
}

bool select_filtered(const struct select *s, const struct model_event *ev)
{
	if (s->filter && !(matches(s->filter, ev) && place_matches(s, ev)))
		return false;
	return !s->program || (ev->who && is_followed(s, ev->who->pid));
}

bool select_record(const struct select *s, const struct tcptrace_record *r)
{
	const struct filter *f = s->filter;

	if (!f)
		return true;
	return (!f->family || f->family == r->family) && (!f->netns || f->netns == r->netns) &&
	       filter_has_port(f->lports, f->nlports, r->lport) &&
	       (!r->rport || (filter_has_port(f->rports, f->nrports, r->rport) &&
			      filter_has_addr(f, r->laddr, r->raddr)));
}

bool select_cuts(const struct select *s, const struct tcptrace_record *r)
{
	const struct filter *f = s->filter;

	if (!s->cut || !r->lport || !r->rport || r->event == TCPTRACE_LISTEN || tcptrace_event_class(r->event) == TCPTRACE_NOTE)
		return false;
	return !filter_has_addr(f, r->laddr, r->raddr) ||
	       !(filter_has_port(f->rports, f->nrports, r->rport) ||
		 (s->both_ends && filter_has_port(f->rports, f->nrports, r->lport)));
}

bool select_other_end(const struct select *s, const struct tcptrace_record *r)
{
	struct tcptrace_record other = *r;

	other.lport = r->rport;
	other.rport = r->lport;
	memcpy(other.laddr, r->raddr, sizeof(other.laddr));
	memcpy(other.raddr, r->laddr, sizeof(other.raddr));
	/* a listener there has no other end: nothing says that it gets any of these connections */
	if (s->filter && s->filter->netns && r->rport && !addr_is_loopback(r->laddr) && !addr_is_loopback(r->raddr))
		other.netns = s->filter->netns;
	return select_record(s, &other);
}

bool select_event(const struct select *s, const struct model_event *ev)
{
	if (s->events && !(s->events >> ev->event & 1))
		return false;
	if (s->trouble && !is_trouble(ev))
		return false;
	if (s->min_ns && !is_long(s, ev))
		return false;
	return select_filtered(s, ev);
}

/* An address fits it or not when it has one: socket() alone is no reason to draw what came of it. */
static bool may_still_fit(const struct select *s, const struct model_event *ev)
{
	return s->filter && s->filter->nnets && ev->c && !ev->c->rport && !ev->rec->rport && ev->event != TCPTRACE_LISTEN;
}

/* One end alone decides that both are drawn, so this is asked of every event and not of the kernel. */
unsigned int select_pick(void *select, const struct model_event *ev)
{
	const struct select *s = select;
	unsigned int bits = 0;

	if (select_filtered(s, ev) && !may_still_fit(s, ev))
		bits |= PICK_FILTER;
	if (is_trouble(ev))
		bits |= PICK_TROUBLE;
	if (ev->event != TCPTRACE_ACCEPT && is_long(s, ev))	/* its server waited, not it */
		bits |= PICK_LONG;
	return bits;
}

static bool is_of_program(const struct select *s, const struct listener *l)
{
	return !s->program || is_followed(s, l->opener.pid) || is_followed(s, l->acceptor.pid) ||
	       is_followed(s, l->holder.pid);
}

/* -D does not hide a listener: it has no remote end, but its queues hold what matched. */
bool select_listener(const struct select *s, const struct listener *l)
{
	const struct filter *f = s->filter;

	if (!is_of_program(s, l))
		return false;
	if (!f)
		return true;
	return (!f->family || f->family == l->family) && (!f->netns || f->netns == l->netns) &&
	       filter_has_port(f->lports, f->nlports, l->lport) && (!f->npids || listener_has_pid(f, l)) &&
	       (!f->comm || is_named(&l->opener, f->comm) || is_named(&l->acceptor, f->comm) ||
		is_named(&l->holder, f->comm)) &&
	       (!filter_by_place(f) || filter_has_place(f, listener_place(models_of(s->models, l), l)));
}

/* Who has what was counted is one process at least, and that is all that is known: nothing of addresses, units or pods. */
bool select_finding(const struct select *s, const struct finding *f)
{
	const struct filter *only = s->filter;

	if (f->listener)
		return select_listener(s, f->listener);
	if (s->program && !(f->of_process && is_followed(s, f->who.pid)))
		return false;
	if (!only)
		return true;
	return (!only->netns || only->netns == f->netns) && (!only->family || only->family == f->family) &&
	       (!only->nlports || (f->lport && filter_has_port(only->lports, only->nlports, f->lport))) &&
	       (!only->nrports || (f->rport && filter_has_port(only->rports, only->nrports, f->rport))) &&
	       (!only->npids || (f->of_process && has_pid(only, f->who.pid))) &&
	       (!only->comm || is_named(&f->who, only->comm)) && !only->nnets && !filter_by_place(only);
}
