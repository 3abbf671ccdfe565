// SPDX-License-Identifier: GPL-2.0-only
/*
 * What processes ask for: socket() to shutdown(), and the segments that are reported
 * of a socket. A call says who owns the socket; softirq steps are shown as theirs.
 */
#include <errno.h>

#include "internal.h"

/* The listener of a call on a listening socket. A closed one may go on as a conn, or another socket has its address. */
static struct listener *called_listener(struct model *m, const struct tcptrace_record *rec)
{
	struct listener *l = listener_still(m, listener_find(m, rec->sk), rec);

	return l && !l->destroyed && (l->open || (!rec->rport && !index_find(m, BY_SK, rec->sk))) ? l : NULL;
}

void on_socket(struct model *m, const struct tcptrace_record *rec)
{
	struct conn *c = index_find(m, BY_SK, rec->sk);

	if (rec_repeated(c, rec))
		return;
	if (c && rec->t_ns >= c->known_ns) {	/* the address was used before: its destroy was missed */
		conn_sk_gone(m, c);
		c = NULL;
	}
	listener_still(m, listener_find(m, rec->sk), rec);
	if (!c && rec->sk) {
		c = conn_new(m);
		conn_set_sk(m, c, rec->sk);
	}
	if (c) {
		conn_learn(m, c, rec);
		owner_learn(m, &c->owner, rec, true);
		c->state = TCP_S_CLOSE;
		c->born_ns = c->state_ns = rec->t_ns;
	}
	emit_plain(m, rec, c, NULL);
}

void on_bind(struct model *m, const struct tcptrace_record *rec)
{
	struct listener *l = called_listener(m, rec);
	struct conn *c = index_find(m, BY_SK, rec->sk);

	/* it is bound to nothing and not open: __inet_bind() */
	if (rec->ret >= 0 || rec_errno(rec) == EADDRINUSE)
		c = conn_begins(m, c, rec);
	if (!c && !l && rec->sk) {
		c = conn_new(m);
		conn_set_sk(m, c, rec->sk);
	}
	if (c && rec->ret >= 0)
		conn_learn(m, c, rec);
	if (c)
		owner_learn(m, &c->owner, rec, false);
	if (rec->ret < 0)
		connects_unbound(m, rec);
	emit_plain(m, rec, c, c ? NULL : l);
}

static void listen_done(struct model *m, struct listener *l, const struct tcptrace_record *rec)
{
	uint32_t asked = rec->backlog;

	listener_reopen(m, l);
	l->before.pending = false;
	listener_learn(m, l, rec);
	owner_opens(m, l, rec);
	l->backlog = rec->backlog;
	l->backlog_known = true;
	l->somaxconn = rec->somaxconn;
	/* as the kernel clamps it: -1 asks for as much as there is */
	listener_limit(l, rec->acceptq_max ? rec->acceptq_max : asked < rec->somaxconn ? asked : rec->somaxconn);
	l->listen_limit = l->limit;
	queue_numbers(m, l, rec, 0, 0);
}

void on_listen(struct model *m, const struct tcptrace_record *rec)
{
	struct listener *l, *before = listener_find(m, rec->sk);
	struct conn *c = index_find(m, BY_SK, rec->sk);

	if (rec->ret < 0 || !rec->sk) {
		emit_plain(m, rec, c, before ? listener_failed(m, before) : NULL);
		return;
	}
	leave_closed(m, before, rec->t_ns);
	l = listener_opening(m, before, rec);
	if (l && l != before && m->snap.gen && !l->part)	/* no snapshot has found it: its transition is not seen */
		l->born_ns = rec->t_ns;
	if (l)
		listen_done(m, l, rec);
	if (c)			/* its transition was missed */
		conn_end(m, c);
	emit_plain(m, rec, NULL, l);
}

void on_connect(struct model *m, const struct tcptrace_record *rec)
{
	struct conn *c = index_find(m, BY_SK, rec->sk);

	if (rec_repeated(c, rec))
		return;
	c = conn_begins(m, c, rec);
	if (!c && rec->sk) {
		c = conn_new(m);
		conn_set_sk(m, c, rec->sk);
	}
	if (c) {
		conn_learn(m, c, rec);
		owner_learn(m, &c->owner, rec, true);
		c->call_ns = rec->t_ns;
	}
	connects_called(m, c, rec);
	emit_plain(m, rec, c, NULL);
}

/* Of a listener, which it closes, of what is bound, or of a connection; nobody is connected. */
static void disconnects(struct model *m, const struct tcptrace_record *rec)
{
	struct listener *l = called_listener(m, rec);
	struct conn *c = l ? NULL : index_find(m, BY_SK, rec->sk);

	if (c) {
		owner_learn(m, &c->owner, rec, false);
		c->reused = true;
		c->call_ns = 0;
	}
	connects_returned(m, c, rec);
	emit_plain(m, rec, c, l);
}

void on_connect_return(struct model *m, const struct tcptrace_record *rec)
{
	struct model_event ev;
	struct conn *c;
	bool fresh;

	if (is_disconnect(rec)) {
		disconnects(m, rec);
		return;
	}
	c = conn_of(m, rec, &fresh);
	ev = emit_step(rec, rec->event, c, NULL);
	if (call_dur_ns(rec)) {
		ev.has_dur = true;
		ev.dur_ns = call_dur_ns(rec);
	} else if (c) {
		emit_took(&ev, c->call_ns);
	}
	if (c) {
		owner_learn(m, &c->owner, rec, false);
		c->call_ns = 0;
	}
	connects_returned(m, c, rec);
	emit_event(m, &ev);
}

/* close, shutdown, read, write */
void on_call(struct model *m, const struct tcptrace_record *rec)
{
	struct listener *l = called_listener(m, rec);
	struct conn *c = NULL;
	bool fresh;

	if (!l)
		c = conn_of(m, rec, &fresh);
	if (rec->event == TCPTRACE_CLOSE && rec_repeated(c, rec))
		return;
	if (c && c->in_acceptq && rec->flags & TCPTRACE_F_ACTOR)
		leave_taken(m, rec->t_ns, c, TCPTRACE_F_INFERRED);
	if (c) {
		owner_calls(m, c, rec);
		c->closed |= rec->event == TCPTRACE_CLOSE;
		l = c->listener;
	}
	emit_plain(m, rec, c, l);
}

/* Where transitions are observed these tell it. */
static bool refuses_connect(const struct model *m, const struct tcptrace_record *rec)
{
	return rec->event == TCPTRACE_RST_RECEIVED && rec->old == TCP_S_SYN_SENT &&
	       model_seen(m, TCPTRACE_STATE) == TCPTRACE_SEEN_NOT;
}

/*
 * A listener resets an ACK that belongs to nothing: a cookie's, as long as one could be meant. Recordings of 0.1 do not
 * say whether the kernel took it for one.
 */
static bool was_no_cookie(const struct listener *l, const struct conn *c, const struct tcptrace_record *rec)
{
	if (rec->arg == TCPTRACE_NO_COOKIE)
		return true;
	return !(c && c->in_synq) && cookie_meant(l, rec->t_ns);
}

/*
 * An established one that nobody has taken, and whose listener is open, sends a RST where tcp_abort() ends it (ss -K). It
 * waits on, and accept() gives it. No transition says so where none is asked for.
 */
static bool aborts_queued(const struct conn *c, const struct tcptrace_record *rec)
{
	return rec->event == TCPTRACE_RST_SENT && c->in_acceptq && c->listener && c->listener->open && c->sk == rec->sk &&
	       (rec->old == TCP_S_ESTABLISHED || rec->old == TCP_S_CLOSE_WAIT);
}

/* A socket is reported for what was a request when it was last seen: it came in, and nobody told. */
static bool came_in_before(const struct model *m, const struct conn *c, const struct tcptrace_record *rec)
{
	return comes_in_unseen(m) && c && c->in_synq && !c->sk && c->listener && rec->sk && rec->sk != c->listener->sk &&
	       !(rec->flags & TCPTRACE_F_REQUEST) && rec->old != TCP_S_SYN_RECV && rec->old != TCP_S_NEW_SYN_RECV;
}

/* retrans, rst-sent, rst-received: a RST is often sent for no socket, or reported for the listener. */
void on_segment(struct model *m, const struct tcptrace_record *rec)
{
	struct listener *l = called_listener(m, rec);
	bool refused = refuses_connect(m, rec);
	struct conn *c = NULL;
	bool fresh;

	if (rec->event == TCPTRACE_RST_SENT && !rec->sk)
		request_not_met(m, rec);
	if (!l && rec->sk && (refused || (rec->event == TCPTRACE_RETRANS && !(rec->flags & TCPTRACE_F_REQUEST))))
		c = conn_of(m, rec, &fresh);
	else if (!l)
		c = rec->flags & TCPTRACE_F_REQUEST ? conn_by_req(m, rec->sk, rec) : conn_by_sk(m, rec);
	if (!c)
		c = index_find_rec(m, rec);
	if (rec->event == TCPTRACE_RST_RECEIVED && rec_repeated(c, rec))
		return;
	if (came_in_before(m, c, rec)) {
		leave_synq(m, leave_record(m, rec->t_ns, c, TCPTRACE_SYNQ_DEL, TCPTRACE_F_SAMPLED), c, TCPTRACE_SYNQ_ESTABLISHED);
		conn_set_req(m, c, 0);
	}
	if (c && rec->event == TCPTRACE_RETRANS && !c->retrans++ && rec->old == TCP_S_SYN_SENT)
		connects_sent_again(m, c, rec);
	if (c && rec->event == TCPTRACE_RETRANS)
		unacked_again(m, c, rec);
	if (c && (rec->event == TCPTRACE_RST_RECEIVED || aborts_queued(c, rec)))
		c->reset = true;
	if (c && refused)
		connects_reset(m, c, rec);
	if (!l && c)
		l = c->listener;
	if (!l && rec->listener)
		l = listener_find(m, rec->listener);
	if (l && rec->event == TCPTRACE_RST_SENT && rec->flags & TCPTRACE_F_INFERRED && was_no_cookie(l, c, rec))
		cookie_infer(m, rec, TCPTRACE_COOKIE_BAD);
	if (rec->event == TCPTRACE_RST_SENT && !rec->sk && !rec->old && !l)
		connects_unheard(m, rec);
	queue_numbers(m, rec->flags & TCPTRACE_F_QUEUES ? l : NULL, rec, 0, 0);
	emit_plain(m, rec, c, l);
}
