// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transitions: of listeners, of children being born, of conns, of timewait
 * minisocks; and the destroy of a socket.
 */
#include "internal.h"

/* Until now in that state; unknown if the chain is broken. */
static void state_ends(struct model *m, struct conn *c, struct model_event *ev)
{
	unsigned int old = rec_state(ev->rec->old);
	bool known = c->state == old;

	if (known)
		emit_took(ev, c->state_ns);
	if (known && old == TCP_S_SYN_RECV && c->synq_ns)
		emit_took(ev, c->synq_ns);	/* half-open since its SYN, not since the child was made */
	if (c->state != TCP_S_NONE && ev->rec->t_ns >= c->known_ns &&
	    (!known || !tcp_transition_legal(ev->rec->old, ev->rec->new)))
		transition_broken(m);
	c->state = rec_state(ev->rec->new);
	c->state_ns = ev->rec->t_ns;
}

/* A child died in the accept queue: with its listener, or reset and still waiting for accept(). */
static void closed_while_queued(struct model *m, const struct tcptrace_record *rec, struct conn *c)
{
	if (c->listener && !c->listener->open)
		leave_acceptq(m, rec, c, TCPTRACE_ACCEPTQ_CLOSED);
	else
		c->reset = true;
}

/*
 * A FIN of ours leaves by close() or shutdown() alone, so somebody has taken the conn: or it is the child of a listener that
 * was shut down before (twice, or by ss -K) and listens again, whose sk_shutdown it has. Where each way out is seen nothing
 * is deduced.
 */
static bool owner_closes(const struct model *m, const struct tcptrace_record *rec, const struct conn *c)
{
	if (model_seen(m, TCPTRACE_ACCEPTQ_DEL) == TCPTRACE_SEEN_EXACTLY || (c->listener && c->listener->again_ns))
		return false;
	return rec->new == TCP_S_FIN_WAIT1 || rec->new == TCP_S_LAST_ACK;
}

static void conn_state(struct model *m, const struct tcptrace_record *rec)
{
	struct held *h = child_held(m, rec, rec->sk);
	struct model_event ev;
	struct conn *c;
	bool fresh;

	if (rec->new == TCP_S_SYN_SENT)
		conn_begins(m, index_find(m, BY_SK, rec->sk), rec);
	c = conn_of(m, rec, &fresh);
	if (c && h)
		child_release(m, rec, c);
	if (c && c->in_acceptq && owner_closes(m, rec, c))
		leave_taken(m, rec->t_ns, c, TCPTRACE_F_INFERRED);
	/* reported twice: tp_state and tp_state_retry ran, with an interrupt between the two */
	if (c && !fresh && c->state == rec->new && c->state != rec->old && rec->t_ns >= c->known_ns)
		return;
	ev = emit_step(rec, rec->event, c, c ? c->listener : NULL);
	if (c)
		state_ends(m, c, &ev);
	if (c && rec->new == TCP_S_SYN_SENT)
		c->connected = true;
	if (c && rec->old == TCP_S_SYN_SENT && rec->new == TCP_S_CLOSE) {
		connects_ended(m, c, &ev);
		refused_gone(m, c);
	} else if (c && rec->old == TCP_S_SYN_SENT && c->retrans) {
		connects_known(m, c, true);
	} else if (c) {
		unacked_ended(m, c, rec);
	}
	emit_event(m, &ev);
	if (c && c->in_acceptq && rec->new == TCP_S_CLOSE)
		closed_while_queued(m, rec, c);
}

static void child_state(struct model *m, const struct tcptrace_record *rec)
{
	struct held *h = &m->held[rec->cpu % HELD_CPUS];
	struct listener *l = listener_find(m, rec->sk);
	struct conn *c = index_find(m, BY_SK, rec->sk);
	bool fresh;

	if (c && rec->t_ns >= c->known_ns)	/* the address was used before */
		conn_sk_gone(m, c);
	if (l)
		listener_sk_gone(m, l, rec->t_ns);
	if (!rec->rport && rec->sk) {
		if (h->sk)
			child_flush(m, h);
		h->sk = rec->sk;
		h->rec = *rec;
		return;
	}
	c = conn_of(m, rec, &fresh);
	if (c)
		child_begins(m, rec, c);
	else
		emit_plain(m, rec, NULL, NULL);
}

static void listener_opens(struct model *m, const struct tcptrace_record *rec)
{
	struct conn *c = conn_begins(m, index_find(m, BY_SK, rec->sk), rec);
	struct listener *l, *before = listener_find(m, rec->sk);
	/* after shutdown() sk_drops goes on; where no end of a socket is seen it may be that one, or another at its address */
	bool again = before && !before->destroyed;
	struct model_event ev;

	leave_closed(m, before, rec->t_ns);
	l = listener_opening(m, before, rec);
	if (l) {
		if (!l->open || l != before)
			listener_tries(l);
		if (!l->open) {			/* what waits from now on is another one's */
			listener_reopen(m, l);
			l->again_ns = rec->t_ns;
		}
		listener_learn(m, l, rec);
		if (!l->born_ns)
			l->born_ns = rec->t_ns;
		l->sk_drops_based |= !l->sk_drops_known && (l == before || !again);	/* from 0 on */
		if (rec_cookie(rec))
			l->cookie = rec_cookie(rec);
		owner_opens(m, l, rec);
		if (!owner_known(&l->opener) && c)
			l->opener = c->owner;
		if (rec->flags & TCPTRACE_F_QUEUES)
			queue_numbers(m, l, rec, 0, 0);
	}
	ev = emit_step(rec, rec->event, c, l);
	if (c)
		state_ends(m, c, &ev);
	emit_event(m, &ev);
	if (c)
		conn_end(m, c);		/* from here on it goes by the listener's number */
}

/* The SYN queue of a listener that closes is empty: its requests did not die with it. Of what they did is unknown. */
static void synq_gone_before(struct model *m, struct listener *l, const struct tcptrace_record *rec)
{
	struct conn *c;

	while ((c = l->synq.oldest)) {
		leave_synq(m, leave_record(m, rec->t_ns, c, TCPTRACE_SYNQ_DEL, TCPTRACE_F_INFERRED), c, TCPTRACE_SYNQ_OTHER);
		conn_req_gone(m, c);
	}
}

/* Nothing else tells the end of who waits in an accept queue: where inet_child_forget() is seen, a record does. */
static bool ends_unseen(const struct model *m)
{
	return model_seen(m, TCPTRACE_STATE) == TCPTRACE_SEEN_NOT && model_seen(m, TCPTRACE_DESTROY) == TCPTRACE_SEEN_NOT &&
	       model_seen(m, TCPTRACE_ACCEPTQ_DEL) == TCPTRACE_SEEN_DEDUCED;
}

/* inet_csk_listen_stop() throws out what waits. Not deduced where another member of a group may take them over instead. */
static void waiting_gone_with(struct model *m, struct listener *l, uint64_t t_ns)
{
	struct conn *c;

	while ((c = l->acceptq.oldest)) {
		leave_acceptq(m, leave_record(m, t_ns, c, TCPTRACE_ACCEPTQ_DEL, TCPTRACE_F_INFERRED), c, TCPTRACE_ACCEPTQ_CLOSED);
		*ended_slot(m, c->sk) = c->sk;
		conn_end(m, c);
	}
}

static void listener_closes(struct model *m, const struct tcptrace_record *rec)
{
	struct listener *l = listener_find(m, rec->sk);
	struct model_event ev;
	bool alone;

	if (!l && rec->sk)
		l = listener_new(m, rec, rec->sk);
	alone = l && listener_alone(m, rec) == l;
	queue_numbers(m, l, rec, 0, 0);
	if (l && rec->flags & TCPTRACE_F_QUEUES && !rec->synq)
		synq_gone_before(m, l, rec);
	if (l && l->acceptq.surplus_ns)		/* what waits now dies with it, what does not was taken */
		leave_surplus(m, l, rec->t_ns);
	ev = emit_step(rec, rec->event, NULL, l);
	if (l) {
		emit_took(&ev, listener_since(l));
		l->close_seen |= l->open;
		listener_close(m, l, rec->t_ns);
	}
	emit_event(m, &ev);
	if (alone && ends_unseen(m))
		waiting_gone_with(m, l, rec->t_ns);
}

/* A minisock: known by its ends only. Its end may come when its tuple lives a new life. */
static void timewait_state(struct model *m, const struct tcptrace_record *rec)
{
	struct conn *c = index_find_rec(m, rec);
	struct model_event ev;

	if (c && c->state != TCP_S_TIME_WAIT && c->state != TCP_S_FIN_WAIT2)
		c = NULL;
	if (!c)
		return;		/* of a connection that the filter left out, or the table forgot */
	if (c->state == rec->new)
		return;		/* its FIN came again */
	ev = emit_step(rec, rec->event, c, c->listener);
	state_ends(m, c, &ev);
	emit_event(m, &ev);
	if (rec->new == TCP_S_CLOSE && !c->in_acceptq)	/* its socket waits for accept(): owner_closes() */
		conn_end(m, c);
}

void on_state(struct model *m, const struct tcptrace_record *rec)
{
	if (rec->flags & TCPTRACE_F_TIMEWAIT)
		timewait_state(m, rec);
	else if (rec->new == TCP_S_LISTEN)
		listener_opens(m, rec);
	else if (rec->old == TCP_S_LISTEN && rec->new == TCP_S_SYN_RECV)
		child_state(m, rec);
	else if (rec->old == TCP_S_LISTEN)
		listener_closes(m, rec);
	else
		conn_state(m, rec);
}

static void listener_destroyed(struct model *m, const struct tcptrace_record *rec, struct listener *l)
{
	struct model_event ev = emit_step(rec, rec->event, NULL, l);

	emit_took(&ev, listener_since(l));
	l->close_seen |= l->open;
	listener_close(m, l, rec->t_ns);
	queue_acceptq_gone(m, l, rec->t_ns);
	l->destroyed = true;
	emit_event(m, &ev);
}

void on_destroy(struct model *m, const struct tcptrace_record *rec)
{
	struct conn *c = index_find(m, BY_SK, rec->sk);
	struct listener *l = listener_find(m, rec->sk);
	struct model_event ev;

	/* of another socket, whose address is that of one that left unseen: its end was lost, or is one that -P lets through */
	if (c && rec->lport && !conn_may_be(c, rec)) {
		conn_sk_gone(m, c);
		c = NULL;
	}
	if (!c && l && !l->destroyed) {
		listener_destroyed(m, rec, l);
		return;
	}
	if (c && l)
		listener_sk_gone(m, l, rec->t_ns);
	if (!c && child_held(m, rec, rec->sk) && rec->sk) {
		c = conn_new(m);
		child_release(m, rec, c);
	}
	if (c && rec->t_ns < c->known_ns)
		c = NULL;		/* of the address's life before the snapshot */
	if (!c && !rec->rport)
		return;			/* of nothing that we know: the filter could not tell */
	if (c && c->in_acceptq && c->listener && !c->listener->open)
		leave_acceptq(m, rec, c, TCPTRACE_ACCEPTQ_CLOSED);
	else if (c && c->in_acceptq)
		leave_taken(m, rec->t_ns, c, TCPTRACE_F_INFERRED);
	ev = emit_step(rec, rec->event, c, c ? c->listener : NULL);
	if (c)
		emit_took(&ev, c->born_ns);
	emit_event(m, &ev);
	if (!c)
		return;
	*ended_slot(m, rec->sk) = rec->sk;
	if (!(ev.counted & COUNTED_NOTHING) || !child_replaced(m, rec, c))
		conn_sk_gone(m, c);
}
