// SPDX-License-Identifier: GPL-2.0-only
/*
 * Snapshots: what was there before us, and, when one is complete, what is there
 * no more although no record reported its end.
 */
#include "figure.h"
#include "internal.h"

static struct conn *request_conn(struct model *m, const struct tcptrace_record *rec, bool *fresh)
{
	struct conn *c = conn_by_req(m, rec->sk, rec);
	struct listener *l;

	if (!c)
		c = conn_half_open(m, rec);
	*fresh = !c;
	if (c)
		return c;
	c = conn_new(m);
	conn_set_req(m, c, rec->sk);
	conn_learn(m, c, rec);
	c->state = TCP_S_NEW_SYN_RECV;
	l = listener_of(m, rec, c);
	queue_set_listener(m, c, l);
	queue_enter(m, c, false);
	if (l && rec->arg == TCPTRACE_UNHEARD)		/* what comes to its port is not its any more */
		listener_close(m, l, rec->t_ns);
	return c;
}

static struct conn *timewait_conn(struct model *m, const struct tcptrace_record *rec, bool *fresh)
{
	struct conn *c = index_find_rec(m, rec);

	*fresh = !c && rec->lport && rec->rport;
	if (!*fresh)
		return c;
	c = conn_new(m);
	conn_learn(m, c, rec);
	c->state = rec_state(rec->new);
	age_set(m, c, LIST_LINGER);
	return c;
}

static struct conn *socket_conn(struct model *m, const struct tcptrace_record *rec, bool *fresh)
{
	struct conn *c = conn_of(m, rec, fresh);

	if (!c)
		return NULL;
	if (*fresh)
		c->state = rec_state(rec->new);
	if (rec->flags & TCPTRACE_F_ACTOR)
		owner_has(m, c);
	if (rec->new == TCP_S_SYN_SENT && c->retrans)
		connects_known(m, c, false);
	if (!(rec->flags & TCPTRACE_F_QUEUED))
		return c;
	acceptq_found(m, rec, c);
	if (!c->listener)
		queue_set_listener(m, c, listener_of(m, rec, c));
	if (*fresh)
		queue_enter(m, c, true);
	return c;
}

static bool is_known(const struct model *m, const struct tcptrace_record *rec)
{
	return index_find(m, rec->flags & TCPTRACE_F_REQUEST ? BY_REQ : BY_SK, rec->sk) || index_find_rec(m, rec);
}

/*
 * More sockets than the table holds: the first ones stay. To evict one for each that is found would forget those that
 * the same snapshot names again, and report them again.
 */
static bool no_room_for(struct model *m, const struct tcptrace_record *rec)
{
	if (conn_room(m) || is_known(m, rec))
		return false;
	/* once: two lists name it, and so do later sweeps */
	m->totals.evicted += !(rec->flags & TCPTRACE_F_ACTOR) && m->snap.gen == 1;
	return true;
}

static void exists_conn(struct model *m, const struct tcptrace_record *rec)
{
	struct conn *c;
	bool fresh;

	if (no_room_for(m, rec))
		return;
	m->snap.timewaits |= !!(rec->flags & TCPTRACE_F_TIMEWAIT);
	if (rec->flags & TCPTRACE_F_REQUEST)
		c = request_conn(m, rec, &fresh);
	else if (rec->flags & TCPTRACE_F_TIMEWAIT)
		c = timewait_conn(m, rec, &fresh);
	else
		c = socket_conn(m, rec, &fresh);
	if (!c)
		return;
	if (c->seen_gen != m->snap.gen)
		c->seen_taken = c->seen_queued = false;
	c->seen_gen = m->snap.gen;
	c->seen_state = rec_state(rec->new);
	c->seen_taken |= !(rec->flags & (TCPTRACE_F_QUEUED | TCPTRACE_F_REQUEST | TCPTRACE_F_TIMEWAIT));
	c->seen_queued |= !!(rec->flags & TCPTRACE_F_QUEUED);
	if (!fresh)
		return;
	c->known_ns = rec->t_ns;
	if (m->known_ns < c->known_ns)
		m->known_ns = c->known_ns;
	emit_plain(m, rec, c, c->listener);
}

/* What was refused and not seen shows in the kernel's own number. */
static void learn_drops(struct listener *l, const struct tcptrace_record *rec)
{
	uint32_t rose;

	if (!l->sk_drops_based)
		l->sk_drops_base = rec->drops - l->drops_seen;
	l->sk_drops_based = l->sk_drops_known = true;
	l->sk_drops = rec->drops;
	rose = rec->drops - l->sk_drops_base;
	l->drops_unseen = rose > l->drops_seen ? rose - l->drops_seen : 0;
}

static void exists_listener(struct model *m, const struct tcptrace_record *rec)
{
	struct listener *l = listener_still(m, listener_find(m, rec->sk), rec);
	bool fresh = !l;

	if (fresh)
		l = listener_new(m, rec, rec->sk);
	if (!l)
		return;
	listener_learn(m, l, rec);
	l->deferred = rec->old;
	learn_drops(l, rec);
	if (rec_cookie(rec))
		l->cookie = rec_cookie(rec);
	if (rec->flags & TCPTRACE_F_ACTOR)
		owner_holds(m, l);
	if (rec->flags & TCPTRACE_F_QUEUES)
		queue_numbers(m, l, rec, 0, 0);
	l->seen_gen = m->snap.gen;
	l->part &= m->snap.gen > 1;
	l->refused.before |= fresh && l->limit_known && l->acceptq.now > l->limit;	/* sk_acceptq_is_full() */
	if (fresh)
		emit_plain(m, rec, NULL, l);
}

void on_exists(struct model *m, const struct tcptrace_record *rec)
{
	if (!rec->sk)
		return;
	if (rec->new == TCP_S_LISTEN && !(rec->flags & (TCPTRACE_F_REQUEST | TCPTRACE_F_TIMEWAIT)))
		exists_listener(m, rec);
	else
		exists_conn(m, rec);
}

/*
 * In none of the tables that a snapshot walks: there may be one without being named. One that waits for accept() is
 * after a RST; where that is not seen it may be any of them, as long as the kernel counts somebody.
 */
static bool unhashed(const struct model *m, const struct conn *c)
{
	bool waits = c->in_acceptq && (!c->listener || c->listener->acceptq.now);

	if (c->ghost && !c->sk && !c->req)	/* its cookie came back, and was refused */
		return true;
	if (c->in_acceptq)
		return waits && (c->reset || c->state == TCP_S_CLOSE || model_seen(m, TCPTRACE_STATE) == TCPTRACE_SEEN_NOT);
	return c->sk && (c->state == TCP_S_CLOSE || c->state == TCP_S_NONE || c->state == TCP_S_SYN_SENT);
}

/* A filter by port compares the socket's own: one that came to a listener of another port (TPROXY, sk_lookup) is left out. */
static bool left_out(const struct model *m, const struct conn *c)
{
	return m->only & TCPTRACE_ONLY_LPORTS && !c->in_synq && c->listener && c->lport != c->listener->lport;
}

/* Named by the snapshot, and no record came of it since: what it said is the truth. */
static void correct(struct model *m, const struct tcptrace_record *end, struct conn *c)
{
	if (c->in_synq && c->seen_state == TCP_S_NEW_SYN_RECV)
		return;
	if (c->in_synq)
		leave_synq(m, leave_record(m, end->t_ns, c, TCPTRACE_SYNQ_DEL, TCPTRACE_F_SAMPLED), c,
			   TCPTRACE_SYNQ_ESTABLISHED);
	if (c->in_acceptq && c->seen_taken)
		leave_ended(m, end->t_ns, c, TCPTRACE_F_SAMPLED);
	/* the module cannot tell a subflow that is left of an MPTCP socket: one that connected, or was seen to be taken */
	if (!c->in_acceptq && c->seen_queued && !c->seen_taken && !c->connected && (!c->left_acceptq || c->unseen))
		queue_enter(m, c, true);
	if (c->state != c->seen_state) {
		c->state = c->seen_state;
		c->state_ns = 0;
	}
}

/* What is not named is gone only where it would have been. */
static bool judges(const struct snapshot *s, uint32_t netns)
{
	return !s->netns || netns == s->netns;
}

/* One conn, when the snapshot is complete and all records before its end were fed. */
static void reconcile(struct model *m, const struct tcptrace_record *end, struct conn *c)
{
	const struct snapshot *s = &m->snap;

	if (c->last_ns >= s->begin_ns || (c->seen_gen != s->gen && !judges(s, c->netns)))
		return;			/* something came of it meanwhile, or it was not looked for */
	if (c->seen_gen == s->gen) {
		correct(m, end, c);
		return;
	}
	if (unhashed(m, c) || left_out(m, c) || (c->list == LIST_LINGER && !s->timewaits))
		return;
	if (c->in_synq) {
		leave_gone(m, end, c);
		return;
	}
	if (c->in_acceptq)
		leave_ended(m, end->t_ns, c, TCPTRACE_F_SAMPLED);
	conn_end(m, c);
}

bool model_found_last(const struct model *m, const struct conn *c)
{
	return m->snap.gen && !m->snap.active && c->seen_gen == m->snap.gen;
}

static void snapshot_end(struct model *m, const struct tcptrace_record *end)
{
	struct conn *c, *next;
	struct listener *l;
	uint32_t i;
	int list;

	for (i = 0; i < m->nlisteners; i++) {
		l = &m->listeners[m->listener_order[i]];
		if (l->open && l->seen_gen != m->snap.gen && l->born_ns < m->snap.begin_ns && !listener_left_out(m, l) &&
		    judges(&m->snap, l->netns))
			listener_close(m, l, end->t_ns);
		else if (m->snap.owners && l->seen_gen == m->snap.gen)
			owner_listed(m, l);
	}
	for (list = 0; list < CONN_LISTS; list++)
		for (c = m->age_head[list]; c; c = next) {
			next = c->next_age;
			reconcile(m, end, c);
		}
	m->snap.active = false;
}

void on_snapshot(struct model *m, const struct tcptrace_record *rec)
{
	if (rec->flags & TCPTRACE_F_END) {
		if (m->snap.active)
			snapshot_end(m, rec);
		return;
	}
	m->snap.gen++;
	m->snap.active = true;
	m->snap.timewaits = m->snap.owners = false;
	m->snap.netns = rec->netns;
	m->snap.before_ns = m->snap.begin_ns;
	m->snap.begin_ns = rec->t_ns;
}
