// SPDX-License-Identifier: GPL-2.0-only
/*
 * The birth of a child, LISTEN to SYN_RECV, which up to 6.12 is recorded before the child has a remote end: then it is
 * held until the next step on its CPU says whose child it is.
 */
#include "internal.h"

/* LISTEN to SYN_RECV: the third packet made the socket that the request was for. */
void child_begins(struct model *m, const struct tcptrace_record *rec, struct conn *c)
{
	struct model_event ev;

	conn_set_sk(m, c, rec->sk);
	if (!c->listener)
		queue_set_listener(m, c, listener_find(m, rec->listener));
	if (c->state != TCP_S_NEW_SYN_RECV && c->state != TCP_S_NONE && rec->t_ns >= c->known_ns)
		transition_broken(m);
	if (!c->born_ns && !c->req && !c->known_ns)
		c->born_ns = rec->t_ns;
	c->state = TCP_S_SYN_RECV;
	c->state_ns = rec->t_ns;
	ev = emit_step(rec, TCPTRACE_STATE, c, c->listener);
	emit_event(m, &ev);
}

static bool same_port(const struct tcptrace_record *a, const struct tcptrace_record *b)
{
	return a->lport == b->lport && a->netns == b->netns;
}

/*
 * The child that was made on this CPU just now; sk 0: any child of the same listener.
 * Softirqs of one CPU do not nest, so the next step of a handshake there is its own.
 */
struct held *child_held(struct model *m, const struct tcptrace_record *rec, uint64_t sk)
{
	struct held *h = &m->held[rec->cpu % HELD_CPUS];

	if (!h->sk || (sk ? h->sk != sk : !same_port(&h->rec, rec)))
		return NULL;
	return h;
}

/* The child in hand is c's: its first transition is reported now, with the ends that it lacked. */
static void child_tell(struct model *m, struct held *h, struct conn *c)
{
	struct tcptrace_record rec = h->rec;

	h->sk = 0;
	if (c->tupled) {
		memcpy(rec.laddr, c->laddr, sizeof(rec.laddr));
		memcpy(rec.raddr, c->raddr, sizeof(rec.raddr));
		rec.lport = c->lport;
		rec.rport = c->rport;
	}
	rec.cookie = c->cookie;
	child_begins(m, &rec, c);
}

/* Tells what waited for c, when a record of c came on the same CPU. */
bool child_release(struct model *m, const struct tcptrace_record *rec, struct conn *c)
{
	bool request = rec->event == TCPTRACE_SYNQ_DEL;
	struct held *h = child_held(m, rec, request ? c->sk : rec->sk);

	if (!h)
		return false;
	child_tell(m, h, c);
	return true;
}

/*
 * Nobody claimed the child that waited: its handshake was given up, so it has a
 * number of its own; or its records came with another 'cpu', so it is late.
 */
void child_flush(struct model *m, struct held *h)
{
	struct conn *c = index_find(m, BY_SK, h->sk);

	if (!c)
		child_tell(m, h, conn_new(m));
	else if (c->state == TCP_S_NEW_SYN_RECV || c->state == TCP_S_NONE)
		child_tell(m, h, c);
	else
		emit_plain(m, &h->rec, c, c->listener);
	h->sk = 0;
}

/*
 * The child that c took is thrown away, and the request has another one, which went under a number of its own: that is
 * the connection. Where no record names the request (tracepoints), nothing else says so.
 */
bool child_replaced(struct model *m, const struct tcptrace_record *rec, struct conn *c)
{
	struct conn *other = index_find_tuple(m, &c->tuple);
	bool taken;

	if (!c->req || !other || other == c || !other->sk || other->req || other->synq_ns)
		return false;
	taken = other->left_acceptq;
	if (c->in_synq && (taken || other->in_acceptq))
		leave_synq(m, leave_record(m, rec->t_ns, c, TCPTRACE_SYNQ_DEL, TCPTRACE_F_INFERRED), c,
			   TCPTRACE_SYNQ_ESTABLISHED);
	conn_absorb(m, c, other);
	if (taken)
		conn_set_req(m, c, 0);
	return true;
}
