// SPDX-License-Identifier: GPL-2.0-only
/*
 * The SYN queue: a request from its SYN to the end of the handshake, or to its
 * end without one; segments that the listener refused; SYN cookies.
 */
#include "internal.h"

#define SYNACK_LATE_NS	100000000ull	/* after its request entered the queue, at most: the CPU may be preempted */

/*
 * By how much sk_drops rises: tcp_listendrop() counts one, and tcp_v4_rcv() another where a request's segment
 * is thrown away. Segments of requests that are thrown away for other reasons, which no record tells, count one.
 */
static uint32_t drops_of(const struct tcptrace_record *rec, const struct conn *c)
{
	bool third = rec->cause == TCPTRACE_DROP_ACCEPTQ_ACK ||
		     (rec->cause == TCPTRACE_DROP_NO_MEMORY && (c || rec->flags & TCPTRACE_F_REQUEST));

	return third ? 2 : 1;
}

static void request_begins(struct model *m, struct conn *c, const struct tcptrace_record *rec)
{
	conn_set_req(m, c, rec->sk);
	conn_learn(m, c, rec);
	queue_set_listener(m, c, listener_of(m, rec, c));
	c->state = TCP_S_NEW_SYN_RECV;
	queue_enter(m, c, false);
	*ended_slot(m, rec->sk) = 0;
}

/* tcp_migrate_req: from the SYN queue of a closed member to that of another, which the request's next record names. */
void request_moves(struct model *m, struct conn *c, struct listener *to)
{
	struct listener *from = c->listener;

	if (!c->in_synq || !from || !to || from == to)
		return;
	from->synq.now -= from->synq.now > 0;
	if (from->synq_young > from->synq.now)
		from->synq_young = from->synq.now;
	queue_set_listener(m, c, to);
}

/*
 * The conn of a record that names a request. One that we have not seen begin was
 * there before us; its removal alone may repeat one that was reported.
 */
static struct conn *request_of(struct model *m, const struct tcptrace_record *rec)
{
	struct conn *c = conn_by_req(m, rec->sk, rec);

	if (!c)
		c = conn_half_open(m, rec);
	if (!rec->sk)
		return c;
	if (c && (!c->req || rec->event != TCPTRACE_SYNQ_DEL))		/* or its clone goes on */
		conn_set_req(m, c, rec->sk);
	if (c)
		request_moves(m, c, listener_of(m, rec, c));
	if (c || (rec->event == TCPTRACE_SYNQ_DEL && *ended_slot(m, rec->sk) == rec->sk))
		return c;
	c = conn_new(m);
	request_begins(m, c, rec);
	return c;
}

/*
 * The request was found by a snapshot that is younger than this record, or by its SYN-ACK; or by a
 * snapshot just before it: it is in the queue before its SYN-ACK leaves, by which tracepoints see it.
 */
static bool known_early(const struct model *m, const struct conn *c, const struct tcptrace_record *rec)
{
	if (rec->t_ns < c->known_ns)
		return true;
	return c->in_synq && !c->synq_ns && (!c->known_ns || rec->t_ns - c->known_ns < SYNACK_LATE_NS) &&
	       c == index_find_rec(m, rec);
}

void on_synq_add(struct model *m, const struct tcptrace_record *rec)
{
	struct conn *c = index_find(m, BY_REQ, rec->sk);
	struct model_event ev;

	if (c && !known_early(m, c, rec)) {	/* the address was used before, its end only sampled */
		if (c->in_synq)
			leave_gone(m, rec, c);
		else
			conn_req_gone(m, c);
		c = NULL;
	}
	if (!c) {
		c = rec->t_ns < m->known_ns ? index_find_rec(m, rec) : NULL;
		if (!c || rec->t_ns >= c->known_ns)
			c = conn_new(m);
	}
	c->born_ns = c->state_ns = c->synq_ns = rec->t_ns;
	c->isns = rec->arg;
	request_begins(m, c, rec);
	queue_numbers(m, c->listener, rec, 1, 0);
	ev = emit_step(rec, TCPTRACE_SYNQ_ADD, c, c->listener);
	ev.new = TCP_S_NONE;
	emit_event(m, &ev);
	if (rec->new != TCPTRACE_SYNACK_TOO)
		return;
	ev.event = TCPTRACE_SYNACK;
	emit_event(m, &ev);
}

/* synack, synack-retrans; of a Fast Open child the record has the child */
/*
 * The timer sends 1, 2, 4 ... s after the time before. What comes earlier is the answer to the same SYN, which the kernel then
 * counts as dropped (tcp_check_req(), tcp_v4_rcv(): sk_drops).
 */
static void synack_again(struct conn *c, struct listener *l, uint64_t t_ns)
{
	uint64_t sent_ns = c->again_ns ? c->again_ns : c->synq_ns;

	c->retrans++;
	c->again_ns = t_ns;
	if (!sent_ns || t_ns - sent_ns >= 900000000ull << c->timed) {
		c->timed += c->timed < 7;
		return;
	}
	c->asked_again = true;
	if (l)
		l->drops_seen++;
}

void on_synack(struct model *m, const struct tcptrace_record *rec)
{
	bool request = rec->flags & TCPTRACE_F_REQUEST, fresh;
	struct conn *c = request ? request_of(m, rec) : conn_of(m, rec, &fresh);
	struct listener *l = listener_of(m, rec, c);

	if (c && !request)
		child_release(m, rec, c);
	if (rec->event == TCPTRACE_SYNACK_RETRANS && c)
		synack_again(c, l, rec->t_ns);
	if (rec->event == TCPTRACE_SYNACK_RETRANS && l)
		l->synack_retrans++;
	queue_numbers(m, l, rec, 0, 0);
	emit_plain(m, rec, c, l);
}

/*
 * Tracepoints see a RST for a request, not whether the kernel heeded it. It does if the number is the next one; for another
 * one in the window, which newer kernels do not heed, the length of the queue says it.
 */
static bool heeded(const struct conn *c, const struct tcptrace_record *rec)
{
	if (c->isns && (uint32_t)rec->arg == (uint32_t)c->isns + 1)
		return true;
	return !(rec->flags & TCPTRACE_F_QUEUES) || !c->listener ||
	       c->listener->synq.known + c->listener->synq.brief > rec->synq;
}

/* An ICMP message, of which tracepoints see what it is about: the SYN-ACK, or the kernel does not heed it (tcp_req_err()). */
static bool is_about(const struct conn *c, const struct tcptrace_record *rec)
{
	return c->isns && (uint32_t)rec->arg == c->isns >> 32;
}

static bool still_there(const struct conn *c, const struct tcptrace_record *rec)
{
	if (rec->sk)
		return false;
	if (rec->cause == TCPTRACE_SYNQ_OTHER)
		return !is_about(c, rec);
	return rec->flags & TCPTRACE_F_INFERRED && !heeded(c, rec);
}

/* By its request, or by the child that it has become, where only that is known. */
static struct conn *leaving(struct model *m, const struct tcptrace_record *rec)
{
	bool fresh;

	return rec->sk && !(rec->flags & TCPTRACE_F_REQUEST) ? conn_of(m, rec, &fresh) : request_of(m, rec);
}

void on_synq_del(struct model *m, const struct tcptrace_record *rec)
{
	struct conn *c = leaving(m, rec);

	if (c && c->in_synq && still_there(c, rec))
		return;
	if (!c || !c->in_synq || (!c->synq_ns && rec->t_ns < c->known_ns))
		return;			/* reported before, or of the address's life before the snapshot */
	if (rec_cause(rec) == TCPTRACE_SYNQ_ESTABLISHED) {
		child_release(m, rec, c);
		leave_synq(m, rec, c, TCPTRACE_SYNQ_ESTABLISHED);
		return;
	}
	leave_synq(m, rec, c, rec_cause(rec));
	if (c->sk)
		conn_set_req(m, c, 0);
	else
		conn_end(m, c);
}

static bool is_third(const struct tcptrace_record *rec)
{
	return rec->cause == TCPTRACE_DROP_ACCEPTQ_ACK || rec->cause == TCPTRACE_DROP_ACCEPTQ_COOKIE ||
	       rec->cause == TCPTRACE_DROP_NO_MEMORY;
}

/* The conn that a refused segment belongs to. A refused SYN never became one. */
static struct conn *refused_conn(struct model *m, const struct tcptrace_record *rec)
{
	if (rec->cause == TCPTRACE_DROP_ACCEPTQ_COOKIE)
		return cookie_conn(m, rec);
	if (rec->flags & TCPTRACE_F_REQUEST && rec->sk)
		return request_of(m, rec);
	return is_third(rec) ? conn_half_open(m, rec) : NULL;
}

static bool is_queue_full(unsigned int cause)
{
	return tcptrace_cause_group(cause) == TCPTRACE_CAUSES_REFUSED && cause != TCPTRACE_DROP_NO_MEMORY &&
	       cause != TCPTRACE_DROP_OTHER;
}

/* The client of a segment that a full queue refused. */
static void refused_client(struct model *m, const struct tcptrace_record *rec, const struct conn *c, struct listener *l)
{
	struct tuple t = { .netns = rec->netns };

	if (rec_cause(rec) != TCPTRACE_DROP_SYNQ_QUARTER)	/* that goes by another limit */
		refused_then(l);
	if (rec->lport && rec->rport)
		memcpy(&t, rec->laddr, offsetof(struct tuple, netns));
	else if (c && c->tupled)
		t = c->tuple;
	else
		return;
	refused_add(m, l, &t, is_third(rec), rec->t_ns);
}

static void note_otherwise(struct listener *l, const struct tcptrace_record *rec)
{
	if (!l->refused.other.first_ns)
		l->refused.other.first_ns = rec->t_ns;
	else
		l->refused.other.laddrs |= memcmp(l->refused.other.laddr, rec->laddr, sizeof(rec->laddr)) != 0;
	memcpy(l->refused.other.laddr, rec->laddr, sizeof(rec->laddr));
	memcpy(l->refused.other.raddr, rec->raddr, sizeof(rec->raddr));
}

void on_drop(struct model *m, const struct tcptrace_record *rec)
{
	struct listener *l;
	struct conn *c;

	if (rec->cause == TCPTRACE_DROP_ACCEPTQ_COOKIE && rec->flags & TCPTRACE_F_INFERRED) {
		c = conn_half_open(m, rec);
		if (c && c->in_synq)
			return;		/* the third packet of a request, thrown away for another reason */
		cookie_infer(m, rec, TCPTRACE_COOKIE_OK);
	}
	if (!is_third(rec) && !(rec->flags & TCPTRACE_F_REQUEST))
		request_not_met(m, rec);
	c = refused_conn(m, rec);
	l = listener_of(m, rec, c);
	listener_count(l, rec_cause(rec));
	if (l)
		l->drops_seen += drops_of(rec, c);
	if (c && is_third(rec)) {
		c->ack_refused = true;
		c->aborted = rec->new == TCPTRACE_ABORTED;
	}
	/* nothing will tell the end of this one: a ghost until it is established after all */
	if (c && rec->cause == TCPTRACE_DROP_ACCEPTQ_COOKIE && c->listener && !c->sk && !c->ghost) {
		c->ghost = true;
		c->listener->ghosts++;
	}
	if (rec->cause == TCPTRACE_DROP_SYNQ_FULL && rec->flags & TCPTRACE_F_QUEUES)
		m->synq_full_at_limit |= rec->synq == rec->acceptq_max;
	queue_numbers(m, l, rec, 0, 0);
	if (l && is_queue_full(rec_cause(rec)))
		refused_client(m, rec, c, l);
	if (l && rec->cause == TCPTRACE_DROP_OTHER)
		note_otherwise(l, rec);
	emit_plain(m, rec, c, l);
}

