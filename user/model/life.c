// SPDX-License-Identifier: GPL-2.0-only
/* What each step says of the life of its connection. How it ended is end.c's. */
#include <errno.h>
#include <string.h>

#include "life.h"

#define MILLISECOND	1000000ull
#define OWN_RST_NS	MILLISECOND
#define AFTER_END	(250 * MILLISECOND)	/* a RST that is told after the transition has come by then */
#define FIN_TIMEOUT	(61000 * MILLISECOND)	/* tcp_fin_timeout, 60 s unless somebody changed it */

bool life_begins(const struct model_event *ev)
{
	if (ev->counted & COUNTED_NOTHING)
		return false;
	switch (ev->event) {
	case TCPTRACE_SOCKET: case TCPTRACE_BIND: case TCPTRACE_LISTEN: case TCPTRACE_CLOSE: case TCPTRACE_SHUTDOWN:
	case TCPTRACE_DESTROY: case TCPTRACE_SYNQ_DEL:
		return false;
	case TCPTRACE_CONNECT_RETURN:
		return !is_disconnect(ev->rec);
	case TCPTRACE_STATE:
		return !(ev->flags & TCPTRACE_F_TIMEWAIT) && ev->new != TCP_S_LISTEN;
	case TCPTRACE_EXISTS:
		return !(ev->flags & TCPTRACE_F_TIMEWAIT) && ev->new != TCP_S_CLOSE && ev->new != TCP_S_LISTEN &&
		       ev->new != TCP_S_BOUND_INACTIVE;
	}
	return ev->c->state != TCP_S_CLOSE || ev->event == TCPTRACE_CONNECT;
}

static void take_totals(struct conn_life *l, const struct tcptrace_record *rec)
{
	if (!tcptrace_has_totals(rec))
		return;
	if (rec_soft_errno(rec))
		l->soft_err = rec_soft_errno(rec);
	l->totals = (struct life_totals){
		.known = true, .in = rec->bytes_in, .out = rec->bytes_out,
		.unread = rec->old == TCP_S_SYN_SENT ? 0 : rec->unread,
		.undelivered = rec->undelivered, .segs_in = rec->segs_in, .segs_out = rec->segs_out,
		.retrans = rec->retrans, .srtt_us = rec->srtt_us, .rtt_min_us = rec->rtt_min_us,
		.err = rec_errno(rec),
	};
}

void life_owner(struct conn_life *l, const struct conn *c, const struct listener *from)
{
	const struct owner *keeper = from ? listener_keeper(from) : NULL;

	if (c && c->owner.pid)
		l->owner = c->owner;
	else if (keeper && keeper->pid && !l->acceptq_out_ns)
		l->owner = *keeper;
	else if (from && !keeper && c && (c->in_acceptq || c->in_synq))
		l->owner = (struct owner){ .fd = -1 };	/* whom it was learnt from has not got it any more */
}

static void learn(struct conn_life *l, const struct model_event *ev)
{
	const struct conn *c = ev->c;

	if (c && ((c->lport && c->rport) || !l->tuple.lport || !l->tuple.rport))
		l->tuple = c->tuple;
	if (c && c->family)
		l->family = c->family;
	if (c && c->cookie)
		l->cookie = c->cookie;
	life_owner(l, c, ev->l);
	if (ev->l) {
		l->listener = ev->l->id;
		l->role = ROLE_SERVER;
	}
	if (!l->seen_ns) {
		l->seen_ns = ev->rec->t_ns;
		l->reused = c && c->reused;
	}
	if (!(ev->flags & TCPTRACE_F_SAMPLED))
		l->last_ns = ev->rec->t_ns;
}

static void begins(struct conn_life *l, enum life_role role, uint64_t t_ns)
{
	if (l->role == ROLE_UNKNOWN)
		l->role = role;
	if (!l->start_ns && !l->before)
		l->start_ns = t_ns;
}

static void first_fin(struct conn_life *l, enum life_first first, uint64_t t_ns)
{
	if (l->first == FIRST_NONE || first == FIRST_BOTH)
		l->first = (uint8_t)first;
	if (!l->fin_ns)
		l->fin_ns = t_ns;
}

static void ends(struct conn_life *l, const struct model_event *ev)
{
	l->old = ev->old;
	l->told = ev->flags & TCPTRACE_F_END ? TCP_S_TIME_WAIT : ev->new;	/* as if a minisock had been made */
	l->end_ns = ev->rec->t_ns;
	l->ended_in_connect = l->in_connect;
	take_totals(l, ev->rec);
}

static void minisock(struct conn_life *l, const struct model_event *ev)
{
	l->late_fin |= ev->new == TCP_S_TIME_WAIT;
	l->mini_gone |= ev->new == TCP_S_CLOSE;
	l->mini_reset |= ev->new == TCP_S_CLOSE && ev->rec->ret == -ECONNRESET;
}

static bool was_open(unsigned int state)
{
	return state == TCP_S_ESTABLISHED || state == TCP_S_FIN_WAIT1 || state == TCP_S_FIN_WAIT2 ||
	       state == TCP_S_CLOSE_WAIT || state == TCP_S_LAST_ACK || state == TCP_S_CLOSING;
}

static void transition(struct conn_life *l, const struct model_event *ev)
{
	uint64_t t_ns = ev->rec->t_ns;

	if (ev->flags & TCPTRACE_F_TIMEWAIT) {
		minisock(l, ev);
		return;
	}
	l->established |= was_open(ev->old);
	l->before |= !l->start_ns && was_open(ev->old);
	l->fin_by_close |= l->closed && (ev->new == TCP_S_FIN_WAIT1 || ev->new == TCP_S_LAST_ACK);
	switch (ev->new) {
	case TCP_S_SYN_SENT:
		begins(l, ROLE_CLIENT, t_ns);
		l->syn_ns = t_ns;
		break;
	case TCP_S_SYN_RECV:
		begins(l, ROLE_SERVER, t_ns);
		break;
	case TCP_S_ESTABLISHED:
		l->established = true;
		l->open_ns = t_ns;
		break;
	case TCP_S_FIN_WAIT1:
		first_fin(l, FIRST_US, t_ns);
		break;
	case TCP_S_CLOSE_WAIT:
		first_fin(l, FIRST_THEM, t_ns);
		break;
	case TCP_S_CLOSING:
		first_fin(l, FIRST_BOTH, t_ns);
		break;
	case TCP_S_TIME_WAIT: case TCP_S_CLOSE:
		ends(l, ev);
		break;
	}
}

static void connect_returns(struct conn_life *l, const struct model_event *ev)
{
	begins(l, ROLE_CLIENT, ev->has_dur ? ev->rec->t_ns - ev->dur_ns : ev->rec->t_ns);
	l->in_connect = false;
	if (ev->has_dur)
		l->connect_ns = ev->dur_ns;
	if (connect_failed(ev->rec->ret) && !l->established)
		l->connect_err = rec_errno(ev->rec);
	else if (rec_soft_errno(ev->rec))
		l->soft_err = rec_soft_errno(ev->rec);
	if (l->connect_err && !l->syn_ns && !l->end_ns && !l->before) {	/* no transition: nothing was tried */
		l->old = TCP_S_CLOSE;
		l->end_ns = ev->rec->t_ns;
	}
}

/* tcp_check_req() answers a SYN that does not fit, or where tcp_abort_on_overflow is set, by a RST before it drops the request. */
static void leaves_synq(struct conn_life *l, const struct model_event *ev)
{
	l->synq_out_ns = ev->rec->t_ns;
	l->synq_out_late = ev->flags & TCPTRACE_F_SAMPLED;
	l->synq_cause = ev->cause;
	l->deferred = ev->l && ev->l->deferred;
	l->synq_reset_own = ev->cause == TCPTRACE_SYNQ_RESET &&
			    (l->aborted || (l->rst_out_ns && ev->rec->t_ns - l->rst_out_ns < OWN_RST_NS));
	if (ev->cause == TCPTRACE_SYNQ_ESTABLISHED)
		return;
	l->old = TCP_S_NEW_SYN_RECV;
	l->end_ns = ev->rec->t_ns;
}

/* Without a last transition: an orphan becomes a minisock in FIN_WAIT2; of any other that was not seen. */
static void destroyed(struct conn_life *l, const struct model_event *ev)
{
	l->destroyed = true;
	if (l->end_ns)
		return;
	l->orphan = ev->c->state == TCP_S_FIN_WAIT2;
	l->end_unseen = !l->orphan;
	l->old = l->orphan ? TCP_S_FIN_WAIT2 : TCP_S_NONE;
	l->end_ns = ev->rec->t_ns;
	take_totals(l, ev->rec);
}

void life_found(struct conn_life *l, const struct tcptrace_record *rec)
{
	take_totals(l, rec);
	if (rec->flags & TCPTRACE_F_TIMEWAIT || rec->new == TCP_S_CLOSE)	/* it is over: how is unknown */
		return;
	l->found_ns = rec->t_ns;
	l->queued = rec->flags & TCPTRACE_F_QUEUED;
	l->established |= was_open(rec->new);
}

static void exists(struct conn_life *l, const struct model_event *ev)
{
	l->before = true;
	life_found(l, ev->rec);
	if (ev->new == TCP_S_SYN_SENT)
		l->role = ROLE_CLIENT;
}

void life_answers(struct conn_life *l, const struct tcptrace_record *rst)
{
	*(l->end_ns ? &l->reset_after : &l->reset_out) = true;
	l->reset_own |= rst->sk != 0;
	l->rst_out_ns = rst->t_ns;
}

static void segment(struct conn_life *l, const struct model_event *ev)
{
	if (ev->event == TCPTRACE_RST_RECEIVED)
		l->reset_in = true;
	else
		life_answers(l, ev->rec);
}

void life_step(struct conn_life *l, const struct model_event *ev)
{
	uint64_t t_ns = ev->rec->t_ns;

	learn(l, ev);
	if (ev->counted & COUNTED_NOTHING)
		return;
	switch (ev->event) {
	case TCPTRACE_CONNECT:
		begins(l, ROLE_CLIENT, t_ns);
		l->in_connect = true;
		break;
	case TCPTRACE_CONNECT_RETURN:
		if (!is_disconnect(ev->rec))
			connect_returns(l, ev);
		break;
	case TCPTRACE_SYNQ_ADD:
		begins(l, ROLE_SERVER, t_ns);
		l->synq_ns = t_ns;
		break;
	case TCPTRACE_COOKIE_OK:
		begins(l, ROLE_SERVER, t_ns);
		break;
	case TCPTRACE_SYNACK_RETRANS:
		l->synacks_again++;
		break;
	case TCPTRACE_SYNQ_DEL:
		leaves_synq(l, ev);
		break;
	case TCPTRACE_DROP:
		l->acks_refused++;
		l->aborted = ev->rec->event == TCPTRACE_DROP && ev->rec->new == TCPTRACE_ABORTED;
		break;
	case TCPTRACE_ACCEPTQ_ADD:
		l->acceptq_ns = t_ns;
		l->established |= ev->cause == TCPTRACE_ACCEPTQ_HANDSHAKE || ev->cause == TCPTRACE_ACCEPTQ_COOKIE;
		break;
	case TCPTRACE_ACCEPTQ_DEL:
		l->acceptq_out_ns = t_ns;
		l->acceptq_out_late = !ev->has_dur;
		l->listener_closed = ev->cause == TCPTRACE_ACCEPTQ_CLOSED;
		break;
	case TCPTRACE_CLOSE:
		l->closed |= !l->end_ns;	/* what comes later has not ended it */
		break;
	case TCPTRACE_RST_RECEIVED: case TCPTRACE_RST_SENT:
		segment(l, ev);
		break;
	case TCPTRACE_STATE:
		transition(l, ev);
		break;
	case TCPTRACE_EXISTS:
		exists(l, ev);
		break;
	case TCPTRACE_DESTROY:
		destroyed(l, ev);
		break;
	}
}

/*
 * The socket ends before the RST leaves that answers data which nobody reads (TCPAbortOnData), or the ACK of our FIN where
 * TCP_LINGER2 is below 0.
 */
static bool answer_comes(const struct conn_life *l)
{
	bool fin_sent = l->old == TCP_S_FIN_WAIT1 || l->old == TCP_S_FIN_WAIT2;
	bool given_up = l->fin_by_close && l->old == TCP_S_FIN_WAIT2 && l->told == TCP_S_CLOSE && !l->totals.err;

	return ((l->totals.err == ECONNRESET && fin_sent) || given_up) && !l->reset_after;
}

bool life_over(const struct conn_life *l, uint64_t now_ns)
{
	uint64_t since = now_ns > l->end_ns ? now_ns - l->end_ns : 0;

	if (!l->end_ns)
		return false;
	if (l->orphan)
		return l->late_fin || l->mini_gone || l->reset_after || since >= FIN_TIMEOUT;
	if (l->old == TCP_S_NEW_SYN_RECV || (l->destroyed && !answer_comes(l)))
		return true;
	return since >= AFTER_END;
}
