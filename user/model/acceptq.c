// SPDX-License-Identifier: GPL-2.0-only
/*
 * The accept queue: a connection from the end of its handshake to accept().
 */
#include <errno.h>

#include "internal.h"

/* Both are in SYN_RECV or, one of them, dead already; c goes by the request that the record names. */
static bool has_other_child(const struct conn *c, const struct conn *child)
{
	return c && child && c != child && c->sk && !c->acceptq_ns && !c->left_acceptq && c->synq_ns;
}

/*
 * The conn of the child. Its request, if the record names one, is the same conn;
 * a child that already went under a number of its own is joined to it.
 */
static struct conn *child_of(struct model *m, const struct tcptrace_record *rec)
{
	struct conn *child = conn_by_sk(m, rec), *c = conn_by_req(m, rec_req(rec), rec);	/* the first may end one */
	bool fresh;

	if (has_other_child(c, child))
		conn_exchange(m, c, child);
	else if (!rec->sk || !c || c == child || (c->sk && !c->in_synq && c->sk != rec->sk))
		return conn_of_sk(m, rec, child, &fresh);
	else if (child && !child->in_synq)
		conn_absorb(m, c, child);
	else
		conn_set_sk(m, c, rec->sk);
	conn_learn(m, c, rec);
	return c;
}

static void enter(struct model *m, const struct tcptrace_record *rec, struct conn *c, struct listener *l)
{
	queue_set_listener(m, c, l);
	c->left_acceptq = c->unseen = false;
	if (rec->cause != TCPTRACE_ACCEPTQ_MIGRATED || !c->acceptq_ns)
		c->acceptq_ns = rec->t_ns;	/* a migrated one waits on */
	queue_enter(m, c, true);
	if (!l)
		return;
	l->established++;
	l->causes[rec_cause(rec)]++;
	refused_came(m, &c->tuple, rec->t_ns);
	if (c->ghost)
		l->ghosts -= l->ghosts > 0;
	c->ghost = false;
}

/*
 * In the queue already: reported twice, unless a snapshot found it first. A hook at the function's return runs when it is
 * there; what is deduced from a later step may be of one that waited before us.
 */
static bool entered_before(struct conn *c, const struct tcptrace_record *rec)
{
	if (!c->in_acceptq || rec->cause == TCPTRACE_ACCEPTQ_MIGRATED)
		return false;
	return c->acceptq_ns || (rec->flags & TCPTRACE_F_INFERRED && rec->t_ns >= c->known_ns);
}

static bool had_request(const struct conn *c)
{
	return c && (c->in_synq || c->synq_ns || c->req);
}

/*
 * A cookie is good for two minutes, and for more than one connection: when one has ended, a late segment of it makes
 * another. In a group that shares the time of the last one, how many are still out says it, where it is not known any more
 * whom they went to.
 */
static bool cookie_is_good(const struct model *m, const struct listener *l, uint64_t t_ns)
{
	return (!l->cookies_shared && l->cookie_ns && cookie_meant(l, t_ns)) || listener_awaits_cookies(m, l);
}

/*
 * Tracepoints cannot tell a cookie's child from another, but it had no request. It may have been refused before, with
 * each segment a valid cookie, so these do not say how many cookies are still out: children do.
 */
static bool by_cookie(struct model *m, const struct tcptrace_record *rec)
{
	const struct listener *l;
	const struct conn *c;

	if (!m->totals.events[TCPTRACE_COOKIE_SENT] || !(rec->flags & TCPTRACE_F_INFERRED) ||
	    rec->cause != TCPTRACE_ACCEPTQ_HANDSHAKE)
		return false;
	c = conn_by_sk(m, rec);
	l = listener_of(m, rec, c);
	return l && (cookie_went_to(m, rec) || cookie_is_good(m, l, rec->t_ns)) && !had_request(c) &&
	       !had_request(conn_half_open(m, rec));
}

/* Where requests or cookies are not asked for nothing tells them apart. */
static bool may_be_cookie(struct model *m, const struct tcptrace_record *rec)
{
	return rec->flags & TCPTRACE_F_INFERRED && rec->cause == TCPTRACE_ACCEPTQ_HANDSHAKE &&
	       (model_seen(m, TCPTRACE_COOKIE_SENT) == TCPTRACE_SEEN_NOT ||
		model_seen(m, TCPTRACE_SYNQ_ADD) == TCPTRACE_SEEN_NOT) &&
	       !had_request(conn_by_sk(m, rec)) && !had_request(conn_half_open(m, rec));
}

/* Out of the queue of a closed listener, of which no record tells any more. It waits on, but not for that one's accept(). */
static void move_from(struct model *m, struct conn *c, uint64_t t_ns)
{
	struct listener *from = c->listener;

	if (!from->open && from->closed_ns < t_ns)
		t_ns = from->closed_ns;
	if (from->acceptq.now)
		from->acceptq.now--;
	if (!c->moved && c->acceptq_ns && t_ns > c->acceptq_ns)
		waits_add(&m->waits, &from->in_acceptq, t_ns - c->acceptq_ns);
	c->moved = true;
}

static void acceptq_add(struct model *m, const struct tcptrace_record *rec)
{
	struct conn *c = child_of(m, rec);
	struct held *h = child_held(m, rec, rec->sk);
	struct listener *l;

	if (c && h)
		child_release(m, rec, c);
	l = listener_of(m, rec, c);
	if (!c) {
		emit_plain(m, rec, NULL, l);
		return;
	}
	if (entered_before(c, rec))
		return;
	request_moves(m, c, l);
	if (c->in_synq)
		leave_synq(m, rec, c, TCPTRACE_SYNQ_ESTABLISHED);
	if (c->in_acceptq && c->listener && c->listener != l)
		move_from(m, c, rec->t_ns);
	enter(m, rec, c, l);
	/* what moved unseen is in the kernel's lengths since then */
	queue_numbers(m, l, rec, 0, !(rec->cause == TCPTRACE_ACCEPTQ_MIGRATED && rec->flags & TCPTRACE_F_INFERRED));
	emit_plain(m, rec, c, l);
}

/* As the record says, or what came before it. */
static uint8_t way_in_of(struct model *m, const struct tcptrace_record *rec)
{
	if (by_cookie(m, rec)) {
		cookie_infer(m, rec, TCPTRACE_COOKIE_OK);
		return TCPTRACE_ACCEPTQ_COOKIE;
	}
	return may_be_cookie(m, rec) ? TCPTRACE_CAUSE_NONE : rec->cause;
}

void on_acceptq_add(struct model *m, const struct tcptrace_record *rec)
{
	uint8_t cause = way_in_of(m, rec);
	struct tcptrace_record other;

	if (cause != rec->cause) {
		other = *rec;
		other.cause = cause;
		rec = &other;
	}
	acceptq_add(m, rec);
}

static void taken_by(struct model *m, const struct tcptrace_record *rec, struct conn *c, struct listener *l)
{
	if (!(rec->flags & TCPTRACE_F_ACTOR))
		return;
	c->owner = m->actor;
	owner_accepts(m, l, &c->owner);
}

void on_acceptq_del(struct model *m, const struct tcptrace_record *rec)
{
	struct conn *c = index_find(m, BY_SK, rec->sk);
	bool fresh;

	if (!c && rec->sk && *ended_slot(m, rec->sk) == rec->sk)
		return;			/* its end was reported, and its way out with it */
	c = conn_of(m, rec, &fresh);
	if (!c)
		c = conn_by_req(m, rec_req(rec), rec);
	if (!c) {
		emit_plain(m, rec, NULL, listener_of(m, rec, NULL));
		return;
	}
	if (!c->in_acceptq && c->left_acceptq)
		return;
	if (c->in_synq)
		leave_synq(m, rec, c, TCPTRACE_SYNQ_ESTABLISHED);
	if (!c->in_acceptq || !c->listener)	/* found there by a snapshot when its listener was closed already */
		queue_set_listener(m, c, listener_of(m, rec, c));
	if (rec->flags & TCPTRACE_F_ACTOR)
		c->owner = m->actor;
	leave_acceptq(m, rec, c, tcptrace_cause_group(rec->cause) == TCPTRACE_CAUSES_ACCEPTQ_IN ?
		      TCPTRACE_ACCEPTQ_ACCEPTED : rec_cause(rec));
	taken_by(m, rec, c, c->listener);	/* a pause that it ends is that of who was to accept then */
}

/* Its call returned so late that we had given it up. */
static void seen_after_all(struct model *m, struct conn *c, const struct tcptrace_record *rec)
{
	struct listener *l = c->listener;

	c->unseen = false;
	if (!l)
		return;
	l->unseen -= l->unseen > 0;
	if (c->acceptq_ns && rec->t_ns > c->acceptq_ns && !c->moved)
		waits_add(&m->waits, &l->in_acceptq, rec->t_ns - c->acceptq_ns);
}

/* Another one's accept() gave it than the one in whose queue it was, which is closed: it moved (tracepoints alone). */
static void moved_unseen(struct model *m, const struct tcptrace_record *rec, const struct conn *c,
			 const struct listener *l)
{
	struct tcptrace_record add;

	if (!l || !c->in_acceptq || !c->listener || c->listener == l || c->listener->open)
		return;
	add = *rec;
	add.event = TCPTRACE_ACCEPTQ_ADD;
	add.cause = TCPTRACE_ACCEPTQ_MIGRATED;
	add.flags = (rec->flags & ~(TCPTRACE_F_ACTOR | TCPTRACE_F_QUEUED)) | TCPTRACE_F_INFERRED;
	add.listener = l->sk;
	add.acceptq++;			/* it was in there until now */
	add.req = add.arg = add.pid = add.tid = 0;
	add.ret = 0;
	add.fd = -1;
	acceptq_add(m, &add);
}

#define CLOSES_NS	100000000ull	/* a listener that closes is rid of those that wait within this */

/* A snapshot found it in an accept queue, when the one in which it was is closed. */
void acceptq_found(struct model *m, const struct tcptrace_record *rec, const struct conn *c)
{
	const struct listener *from = c->in_acceptq ? c->listener : NULL;

	if (from && !from->open && rec->t_ns > from->closed_ns + CLOSES_NS)
		moved_unseen(m, rec, c, listener_alone(m, rec));
}

/* accept() gave a connection of l. */
void acceptq_returned(struct model *m, const struct tcptrace_record *rec, struct listener *l)
{
	/* whether such a one fails is not seen */
	l->took_unasked = rec->fd < 0 || rec->flags & TCPTRACE_F_INFERRED;
	if (call_dur_ns(rec))
		waits_add(&m->waits, &l->in_accept, call_dur_ns(rec));
}

static void accepted(struct model *m, const struct tcptrace_record *rec, struct conn *c, struct listener *l)
{
	if (c->in_synq)
		leave_synq(m, rec, c, TCPTRACE_SYNQ_ESTABLISHED);
	moved_unseen(m, rec, c, l);
	if (!c->listener)
		queue_set_listener(m, c, l);
	if (c->in_acceptq) {		/* no hook reported it (tracepoints alone): not a call, so without the caller */
		m->derived = *rec;
		m->derived.flags &= ~TCPTRACE_F_ACTOR;
		m->derived.req = m->derived.arg = m->derived.pid = m->derived.tid = 0;
		m->derived.ret = 0;
		m->derived.fd = -1;
		leave_acceptq(m, &m->derived, c, TCPTRACE_ACCEPTQ_ACCEPTED);
	} else if (c->unseen) {
		seen_after_all(m, c, rec);
	}
	leave_counted(l, c);		/* its way in was not seen, nor its way out */
	taken_by(m, rec, c, l);
	if (l)
		acceptq_returned(m, rec, l);
}

/* Nothing there, or a signal first, is none. */
static bool is_failure(const struct tcptrace_record *rec)
{
	int err = rec_errno(rec);

	return err && err != EAGAIN && !is_interruption(err);
}

/* Deduced from a number that may be a descriptor (io_uring): only of a connection that waits. */
static bool waits_for_it(struct model *m, const struct tcptrace_record *rec)
{
	const struct conn *c = conn_by_sk(m, rec);

	return c && (c->in_acceptq || c->unseen);
}

static void accept_failed(struct model *m, struct listener *l, const struct tcptrace_record *rec)
{
	struct seldom *s = seldom_of(m, l);

	l->accept_errors++;
	failures_add(&s->accept_failures, -rec->ret, rec->t_ns);
	s->accepted_then = l->accepted;
	if (!(rec->flags & TCPTRACE_F_ACTOR))
		return;
	s->others_failed |= s->failer_err == -rec->ret && s->failer.pid != m->actor.pid;
	s->failer = m->actor;
	s->failer_err = -rec->ret;
}

/*
 * A failure without lengths is one of a socket that does not listen: not any more, as one waited there, or long since, or it
 * never did.
 */
static struct listener *accepting(struct model *m, const struct tcptrace_record *rec, const struct conn *c)
{
	uint64_t took_ns = call_dur_ns(rec);
	struct listener *l;

	if (rec->ret >= 0 || rec->flags & TCPTRACE_F_QUEUES)
		return listener_of(m, rec, c);
	l = listener_find(m, rec->listener);
	return l && !l->open && !l->destroyed && took_ns && rec->t_ns <= l->closed_ns + took_ns ? l : NULL;
}

void on_accept(struct model *m, const struct tcptrace_record *rec)
{
	struct conn *c = NULL;
	struct model_event ev;
	struct listener *l;
	bool fresh, told, taken;

	if (rec->flags & TCPTRACE_F_INFERRED && !waits_for_it(m, rec))
		return;
	if (rec->ret >= 0)
		c = conn_of(m, rec, &fresh);
	if (rec_repeated(c, rec))
		return;
	l = accepting(m, rec, c);
	told = c && c->in_acceptq && c->listener == l;		/* its way out takes the lengths */
	taken = c && !c->in_acceptq && !c->left_acceptq;	/* its way in was not seen */
	if (c)
		accepted(m, rec, c, l);
	else if (l && is_failure(rec))
		accept_failed(m, l, rec);
	if (!told)
		queue_numbers(m, l, rec, 0, taken && rec->flags & TCPTRACE_F_QUEUES ? -1 : 0);
	ev = emit_step(rec, rec->event, c, l);
	ev.has_dur = call_dur_ns(rec) != 0;
	ev.dur_ns = call_dur_ns(rec);
	emit_event(m, &ev);
}
