// SPDX-License-Identifier: GPL-2.0-only
/*
 * The accept queue: a connection from the end of its handshake to accept().
 */
#include <errno.h>

#include "internal.h"

/*
 * The conn of the child. Its request, if the record names one, is the same conn;
 * a child that already went under a number of its own is joined to it.
 */
static struct conn *child_of(struct model *m, const struct tcptrace_record *rec)
{
	struct conn *c = conn_find(m, BY_REQ, rec_req(rec)), *child = conn_find(m, BY_SK, rec->sk);
	bool fresh;

	if (!rec->sk || !c || c == child || (c->sk && !c->in_synq && c->sk != rec->sk))
		return conn_of(m, rec, &fresh);
	if (child && !child->in_synq)
		conn_absorb(m, c, child);
	else
		conn_set_sk(m, c, rec->sk);
	conn_learn(m, c, rec);
	return c;
}

static void enter(struct model *m, const struct tcptrace_record *rec, struct conn *c, struct listener *l)
{
	conn_set_listener(m, c, l);
	c->left_acceptq = c->unseen = false;
	if (rec->cause != TCPTRACE_ACCEPTQ_MIGRATED || !c->acceptq_ns)
		c->acceptq_ns = rec->t_ns;	/* a migrated one waits on */
	queue_enter(m, c, true);
	if (!l)
		return;
	l->established++;
	l->causes[rec_cause(rec)]++;
	if (c->ghost)
		l->ghosts -= l->ghosts > 0;
	c->ghost = false;
}

/* In the queue already: told twice, unless a snapshot told it first. */
static bool told_before(struct conn *c, const struct tcptrace_record *rec)
{
	if (!c->in_acceptq || rec->cause == TCPTRACE_ACCEPTQ_MIGRATED)
		return false;
	return c->acceptq_ns || rec->t_ns >= c->known_ns;
}

static bool had_request(const struct conn *c)
{
	return c && (c->in_synq || c->synq_ns || c->req);
}

/*
 * Tracepoints cannot tell a cookie's child from another, but it had no request. It may have been refused before, with
 * each segment a valid cookie, so these do not say how many cookies are still out: children do.
 */
static bool by_cookie(struct model *m, const struct tcptrace_record *rec)
{
	const struct conn *c = conn_find(m, BY_SK, rec->sk);
	const struct listener *l;

	if (!(rec->flags & TCPTRACE_F_INFERRED) || rec->cause != TCPTRACE_ACCEPTQ_HANDSHAKE)
		return false;
	l = listener_of(m, rec, c);
	return l && l->cookies_sent > l->causes[TCPTRACE_ACCEPTQ_COOKIE] && !had_request(c) &&
	       !had_request(conn_half_open(m, rec));
}

static void acceptq_add(struct model *m, const struct tcptrace_record *rec)
{
	struct conn *c = child_of(m, rec);
	struct held *h = held_child(m, rec, rec->sk);
	struct listener *l, *from;

	if (c && h)
		held_release(m, rec, c);
	l = listener_of(m, rec, c);
	if (!c) {
		emit_plain(m, rec, NULL, l);
		return;
	}
	if (told_before(c, rec))
		return;
	if (c->in_synq)
		synq_leave(m, rec, c, TCPTRACE_SYNQ_ESTABLISHED);
	from = c->in_acceptq && c->listener != l ? c->listener : NULL;
	if (from && from->acceptq.now)
		from->acceptq.now--;	/* of the closed one no record tells any more */
	enter(m, rec, c, l);
	listener_numbers(m, l, rec, 0, 1);
	emit_plain(m, rec, c, l);
}

void on_acceptq_add(struct model *m, const struct tcptrace_record *rec)
{
	struct tcptrace_record cookie = *rec;

	if (by_cookie(m, rec)) {
		infer_cookie(m, rec, TCPTRACE_COOKIE_OK);
		cookie.cause = TCPTRACE_ACCEPTQ_COOKIE;
	}
	acceptq_add(m, &cookie);
}

/* Out of the accept queue by accept(): counted here, once, and not where the call returns. */
static void count_taken(struct listener *l, struct conn *c)
{
	if (l && !c->left_acceptq)
		l->accepted++;
	c->left_acceptq = true;
}

/* Told by the record, or derived from it: the conn is in the accept queue no more. */
void acceptq_leave(struct model *m, const struct tcptrace_record *rec, struct conn *c, unsigned int cause)
{
	struct model_event ev = step(rec, TCPTRACE_ACCEPTQ_DEL, c, c->listener);
	struct listener *l = c->listener;
	int by = l ? queue_untold(&l->acceptq) : 0;

	if (cause == TCPTRACE_ACCEPTQ_ACCEPTED && c->reset)
		cause = TCPTRACE_ACCEPTQ_RESET;
	ev.cause = cause;
	if (c->in_acceptq && !c->unseen && !(ev.flags & TCPTRACE_F_SAMPLED))
		step_took(&ev, c->acceptq_ns);
	queue_leave(m, c);
	conn_set_req(m, c, 0);		/* the kernel frees it here */
	if (cause == TCPTRACE_ACCEPTQ_CLOSED)
		c->left_acceptq = true;
	else
		count_taken(l, c);
	if (l) {
		l->causes[cause]++;
		if (ev.has_dur && cause != TCPTRACE_ACCEPTQ_CLOSED)
			hist_add(&l->in_acceptq, ev.dur_ns);
	}
	listener_numbers(m, l, rec, 0, by);
	emit(m, &ev);
}

/* It was taken out at some time before t_ns, when it shows that somebody has it: no wait follows from that. */
void acceptq_taken(struct model *m, uint64_t t_ns, struct conn *c, uint8_t flags)
{
	c->unseen = true;
	if (c->listener && !c->left_acceptq)
		c->listener->unseen++;
	acceptq_leave(m, derived(m, t_ns, c, TCPTRACE_ACCEPTQ_DEL, flags), c, TCPTRACE_ACCEPTQ_ACCEPTED);
}

/* The kernel's queue was shorter than our list all the time: its oldest are not there. */
void acceptq_settle(struct model *m, struct listener *l, uint64_t t_ns)
{
	uint32_t n = l->acceptq.surplus;

	l->acceptq.surplus_ns = l->acceptq.surplus_of = l->acceptq.surplus = 0;
	while (n-- && l->acceptq.oldest)
		acceptq_taken(m, t_ns, l->acceptq.oldest, TCPTRACE_F_INFERRED);
}

void on_acceptq_del(struct model *m, const struct tcptrace_record *rec)
{
	struct conn *c = conn_find(m, BY_SK, rec->sk);
	bool fresh;

	if (!c && rec->sk && *ended_slot(m, rec->sk) == rec->sk)
		return;			/* its end was told, and its way out with it */
	c = conn_of(m, rec, &fresh);
	if (!c)
		c = conn_find(m, BY_REQ, rec_req(rec));
	if (!c) {
		emit_plain(m, rec, NULL, listener_of(m, rec, NULL));
		return;
	}
	if (!c->in_acceptq && c->left_acceptq)
		return;
	if (c->in_synq)
		synq_leave(m, rec, c, TCPTRACE_SYNQ_ESTABLISHED);
	if (!c->in_acceptq)
		conn_set_listener(m, c, listener_of(m, rec, c));
	acceptq_leave(m, rec, c, tcptrace_cause_group(rec->cause) == TCPTRACE_CAUSES_ACCEPTQ_IN ? TCPTRACE_ACCEPTQ_ACCEPTED : rec_cause(rec));
}

/* Its call returned so late that we had given it up. */
static void seen_after_all(struct conn *c, const struct tcptrace_record *rec)
{
	struct listener *l = c->listener;

	c->unseen = false;
	if (!l)
		return;
	l->unseen -= l->unseen > 0;
	if (c->acceptq_ns && rec->t_ns > c->acceptq_ns)
		hist_add(&l->in_acceptq, rec->t_ns - c->acceptq_ns);
}

static void accepted(struct model *m, const struct tcptrace_record *rec, struct conn *c, struct listener *l)
{
	if (c->in_synq)
		synq_leave(m, rec, c, TCPTRACE_SYNQ_ESTABLISHED);
	if (!c->listener)
		conn_set_listener(m, c, l);
	if (c->in_acceptq) {		/* no hook told it (tracepoints alone): it is no call, so without the caller */
		m->derived = *rec;
		m->derived.flags &= ~TCPTRACE_F_ACTOR;
		m->derived.req = m->derived.arg = m->derived.pid = m->derived.tid = 0;
		m->derived.ret = 0;
		m->derived.fd = -1;
		acceptq_leave(m, &m->derived, c, TCPTRACE_ACCEPTQ_ACCEPTED);
	} else if (c->unseen) {
		seen_after_all(c, rec);
	}
	count_taken(l, c);		/* its way in was not seen, nor its way out */
	if (rec->flags & TCPTRACE_F_ACTOR) {
		c->owner = m->actor;
		if (c->owner.fd < 0)
			c->owner.fd = rec->ret;
		owner_accepts(l, &c->owner);
	}
	if (l && call_dur_ns(rec))
		hist_add(&l->in_accept, call_dur_ns(rec));
}

/* Nothing there, or a signal first (ERESTART* are 512 to 516), is no failure. */
static bool is_failure(int32_t ret)
{
	return ret < 0 && ret > -512 && ret != -EAGAIN && ret != -EINTR;
}

void on_accept(struct model *m, const struct tcptrace_record *rec)
{
	struct conn *c = NULL;
	struct model_event ev;
	struct listener *l;
	bool fresh;

	if (rec->ret >= 0)
		c = conn_of(m, rec, &fresh);
	if (told_twice(c, rec))
		return;
	l = listener_of(m, rec, c);
	if (c)
		accepted(m, rec, c, l);
	else if (l && is_failure(rec->ret))
		l->accept_errors++;
	listener_numbers(m, l, rec, 0, 0);
	ev = step(rec, rec->event, c, l);
	ev.has_dur = call_dur_ns(rec) != 0;
	ev.dur_ns = call_dur_ns(rec);
	emit(m, &ev);
}
