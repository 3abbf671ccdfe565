// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connections that come and go within one batch of records, from their SYN to accept(), and that no other record of it
 * is about: nearly all of a server that keeps up. What is left of such a one is in the numbers of its listener, so it is
 * counted there and never becomes a conn: a third of the work. Only where nobody takes its steps, and where neither its
 * transitions nor its end will be seen, by which it would go on after accept().
 *
 * model_ahead() looks at a batch before it is fed: which connections are whole? Their records are counted here, in their
 * turn, and those of all others go to the handlers of their events.
 */
#include "internal.h"

/* ---- before: which are whole ---- */

static bool may_be_brief(const struct model *m)
{
	return model_seen(m, TCPTRACE_STATE) == TCPTRACE_SEEN_NOT && model_seen(m, TCPTRACE_DESTROY) == TCPTRACE_SEEN_NOT &&
	       !m->snap.active && !m->wants.owners && !(m->wants.steps >> TCPTRACE_SYNQ_ADD & 1);
}

static bool same_ends(const struct tcptrace_record *a, const struct tcptrace_record *b)
{
	return !memcmp(a->laddr, b->laddr, offsetof(struct tuple, netns)) && a->netns == b->netns;
}

/* The slot of the connection with these ends, or an empty one for it. */
static uint16_t *slot_of(struct brief *b, const struct tcptrace_record *rec, uint32_t hash)
{
	uint32_t i = hash % BRIEF_SLOTS;

	for (; b->slot[i]; i = (i + 1) % BRIEF_SLOTS) {
		unsigned int syn = b->slot[i] - 1;

		if (b->conn[syn].hash == hash && same_ends(b->rec[syn], rec))
			break;
	}
	return &b->slot[i];
}

static bool is_of(const struct tcptrace_record *rec, const struct tcptrace_record *before)
{
	return rec->listener == before->listener && rec->flags & TCPTRACE_F_QUEUES;
}

/* Which step of a brief connection it is; BRIEF_NOT: none. */
static enum brief_stage stage_of(const struct brief *b, const struct brief_conn *k, const struct tcptrace_record *syn,
				 const struct tcptrace_record *rec)
{
	switch (rec->event) {
	case TCPTRACE_ACCEPTQ_ADD:
		if (k->stage == BRIEF_CAME && rec->cause == TCPTRACE_ACCEPTQ_HANDSHAKE && rec->sk && is_of(rec, syn))
			return BRIEF_QUEUED;
		break;
	case TCPTRACE_ACCEPTQ_DEL:
		if (k->stage == BRIEF_QUEUED && rec->cause == TCPTRACE_ACCEPTQ_ACCEPTED &&
		    rec->sk == b->rec[k->queued]->sk && is_of(rec, syn))
			return BRIEF_WHOLE;
		break;
	case TCPTRACE_ACCEPT:
		if (k->stage == BRIEF_QUEUED && rec->ret >= 0 && !(rec->flags & TCPTRACE_F_INFERRED) &&
		    rec->sk == b->rec[k->queued]->sk && is_of(rec, syn))
			return BRIEF_WHOLE;
	}
	return BRIEF_NOT;
}

static bool begins(const struct tcptrace_record *rec)
{
	return rec->event == TCPTRACE_SYNQ_ADD && rec->sk && rec->listener && rec->lport && rec->rport &&
	       rec->flags & TCPTRACE_F_QUEUES;
}

static void look_at(struct model *m, unsigned int i)
{
	struct brief *b = &m->brief;
	const struct tcptrace_record *rec = b->rec[i];
	struct brief_conn *k;
	struct tuple ends;
	uint16_t *slot;
	uint32_t hash;

	rec_tuple(rec, &ends);
	hash = index_hash(m, &ends);
	slot = slot_of(b, rec, hash);
	b->first[i] = *slot;
	if (*slot) {
		k = &b->conn[*slot - 1];
		k->stage = stage_of(b, k, b->rec[*slot - 1], rec);
		if (k->stage == BRIEF_QUEUED)
			k->queued = i;
	} else if (begins(rec)) {
		index_ahead(m, hash);
		b->conn[i] = (struct brief_conn){ .hash = hash, .stage = BRIEF_CAME };
		b->first[i] = *slot = i + 1;
	}
}

static void send_for(const struct model *m, const struct tcptrace_record *rec)
{
	struct tuple ends;

	if (rec->event != TCPTRACE_SYNQ_ADD && (rec->event != TCPTRACE_STATE || rec->old != TCP_S_SYN_SENT))
		return;
	rec_tuple(rec, &ends);
	index_ahead(m, index_hash(m, &ends));
}

void model_ahead(struct model *m, const struct tcptrace_record *const *rec, unsigned int n)
{
	struct brief *b = &m->brief;
	unsigned int i;

	b->next = b->n = 0;
	if (!may_be_brief(m)) {
		for (i = 0; i < n; i++)
			send_for(m, rec[i]);
		return;
	}
	memset(b->slot, 0, sizeof(b->slot));
	b->rec = rec;
	b->n = n < BRIEF_BATCH ? n : BRIEF_BATCH;
	for (i = 0; i < b->n; i++)
		look_at(m, i);
}

/* ---- when they are fed ---- */

/* False: its request or its ends were somebody's, of whom it says that he is gone. */
static bool comes(struct model *m, const struct tcptrace_record *rec, struct brief_conn *k)
{
	struct tuple ends;

	rec_tuple(rec, &ends);
	if (index_find(m, BY_REQ, rec->sk) || index_find_hashed(m, &ends, k->hash))
		return false;
	k->listener = listener_of(m, rec, NULL);
	if (!k->listener)
		return false;
	m->conn_id += m->limits.hosts;
	if (++m->totals.conns_now > m->totals.conns_peak)
		m->totals.conns_peak = m->totals.conns_now;
	*ended_slot(m, rec->sk) = 0;
	k->listener->refs++;
	k->listener->synq.brief++;
	queue_numbers(m, k->listener, rec, 1, 0);
	m->totals.events[TCPTRACE_SYNQ_ADD]++;
	m->totals.events[TCPTRACE_SYNACK] += rec->new == TCPTRACE_SYNACK_TOO;
	return true;
}

/* CPUs' clocks may differ by some ns. */
static uint64_t between(const struct tcptrace_record *from, const struct tcptrace_record *to)
{
	return to->t_ns > from->t_ns ? to->t_ns - from->t_ns : 0;
}

static void is_queued(struct model *m, const struct tcptrace_record *rec, const struct brief_conn *k,
		      const struct tcptrace_record *syn)
{
	struct conn *had = conn_by_sk(m, rec);		/* the socket, before */
	struct listener *l = k->listener;
	struct tuple ends;

	rec_tuple(rec, &ends);
	if (had)
		conn_sk_gone(m, had);
	l->synq.brief--;
	l->causes[TCPTRACE_SYNQ_ESTABLISHED]++;
	waits_add(&m->waits, &l->in_synq, between(syn, rec));
	m->totals.events[TCPTRACE_SYNQ_DEL]++;
	l->acceptq.brief++;
	l->established++;
	l->causes[TCPTRACE_ACCEPTQ_HANDSHAKE]++;
	refused_came(m, &ends, rec->t_ns);
	queue_numbers(m, l, rec, 0, 1);
	m->totals.events[TCPTRACE_ACCEPTQ_ADD]++;
}

static void is_taken(struct model *m, const struct tcptrace_record *rec, const struct brief_conn *k)
{
	struct listener *l = k->listener;
	int by = queue_step_unseen(&l->acceptq);

	l->acceptq.brief--;
	l->refs--;
	l->accepted++;
	l->causes[TCPTRACE_ACCEPTQ_ACCEPTED]++;
	waits_add(&m->waits, &l->in_acceptq, between(m->brief.rec[k->queued], rec));
	queue_numbers(m, l, rec, 0, by);
	m->totals.events[TCPTRACE_ACCEPTQ_DEL]++;
	m->totals.conns_now--;
	if (rec->flags & TCPTRACE_F_ACTOR) {
		owner_load(m, rec);
		owner_accepts(m, l, &m->actor);
	}
	if (rec->event == TCPTRACE_ACCEPT) {
		acceptq_returned(m, rec, l);
		m->totals.events[TCPTRACE_ACCEPT]++;
	}
}

/* The next of the batch. False: it is none of those that are counted. */
bool brief_count(struct model *m, const struct tcptrace_record *rec)
{
	struct brief *b = &m->brief;
	unsigned int first = b->first[b->next++];
	struct brief_conn *k;

	if (!first)
		return false;
	k = &b->conn[first - 1];
	if (k->stage != BRIEF_WHOLE)
		return false;
	if (rec->event == TCPTRACE_SYNQ_ADD && !comes(m, rec, k))
		k->stage = BRIEF_NOT;
	else if (rec->event == TCPTRACE_ACCEPTQ_ADD)
		is_queued(m, rec, k, b->rec[first - 1]);
	else if (rec->event != TCPTRACE_SYNQ_ADD)
		is_taken(m, rec, k);
	return k->stage == BRIEF_WHOLE;
}
