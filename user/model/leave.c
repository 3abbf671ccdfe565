// SPDX-License-Identifier: GPL-2.0-only
/*
 * Out of the SYN queue, out of the accept queue: reported by a record, derived from another step, or found out later.
 */
#include "figure.h"
#include "internal.h"

/* A record for a step that has none, with the conn's ends. Valid until the next one is made. */
const struct tcptrace_record *leave_record(struct model *m, uint64_t t_ns, const struct conn *c, unsigned int event,
					   uint8_t flags)
{
	struct tcptrace_record *rec = &m->derived;

	memset(rec, 0, sizeof(*rec));
	rec->t_ns = t_ns;
	rec->event = event;
	rec->flags = flags | (c->in_synq ? TCPTRACE_F_REQUEST : 0);
	rec->sk = c->in_synq ? c->req : c->sk;
	rec->listener = c->listener ? c->listener->sk : 0;
	rec->cookie = c->cookie;
	rec->netns = c->netns;
	rec->family = c->family;
	rec->fd = -1;
	memcpy(rec->laddr, c->laddr, sizeof(rec->laddr));
	memcpy(rec->raddr, c->raddr, sizeof(rec->raddr));
	rec->lport = c->lport;
	rec->rport = c->rport;
	return rec;
}

/*
 * Which of the kernel's drops it was. An ICMP message takes a request down and counts one (tcp_req_err()), ss -K does
 * not. Where that was not seen, a drop that nothing else accounts for tells; a message about a SYN-ACK whose number is
 * known would have been.
 */
static uint8_t count_gone(struct listener *l, const struct conn *c, unsigned int cause, const struct tcptrace_record *rec)
{
	bool unseen = rec->flags & (TCPTRACE_F_SAMPLED | TCPTRACE_F_INFERRED);
	bool killed = rec->event == TCPTRACE_SYNQ_DEL && rec_errno(rec);

	if (!l || killed || (cause != TCPTRACE_SYNQ_OTHER && cause != TCPTRACE_SYNQ_RESET))
		return 0;
	if (cause == TCPTRACE_SYNQ_OTHER && unseen && (!l->drops_unseen || l->deferred || c->isns))
		return 0;
	if (cause == TCPTRACE_SYNQ_OTHER || !c->aborted)	/* the segment that was refused is counted, and no other came */
		l->drops_seen++;
	if (cause == TCPTRACE_SYNQ_OTHER && unseen)
		l->drops_unseen--;
	return cause == TCPTRACE_SYNQ_OTHER ? COUNTED_DROP : 0;
}

/* Told by the record, or derived from it: the request is in the SYN queue no more. */
void leave_synq(struct model *m, const struct tcptrace_record *rec, struct conn *c, unsigned int cause)
{
	struct model_event ev = emit_step(rec, TCPTRACE_SYNQ_DEL, c, c->listener);
	struct listener *l = c->listener;
	int by = l ? queue_step_late(m, l, true, rec) : 0;

	ev.cause = cause;
	emit_took(&ev, c->synq_ns);
	queue_leave(m, c);
	if (cause != TCPTRACE_SYNQ_ESTABLISHED)
		*ended_slot(m, c->req) = c->req;
	listener_count(l, cause);
	ev.counted = count_gone(l, c, cause, rec);
	if (l && cause == TCPTRACE_SYNQ_ESTABLISHED && ev.has_dur)
		waits_add(&m->waits, &l->in_synq, ev.dur_ns);
	if (l && cause != TCPTRACE_SYNQ_ESTABLISHED && cause && c->ack_refused && !c->aborted && !c->ghost) {
		c->ghost = true;
		l->ghosts++;
		l->refused.expired += cause == TCPTRACE_SYNQ_EXPIRED;
	}
	if (cause == TCPTRACE_SYNQ_RESET && c->ack_refused)
		refused_reset(m, &c->tuple);
	/* the lengths of a record that tells another step, too, are taken with that one: once */
	if (rec->event == TCPTRACE_SYNQ_DEL || !(rec->flags & TCPTRACE_F_QUEUES))
		queue_numbers(m, l, rec, by, 0);
	emit_event(m, &ev);
}

/* Its timer fires for the first time after TCP_TIMEOUT_INIT, 1 s: who is gone before did not expire. */
#define EXPIRES_NS	900000000ull

/*
 * Nor did who has never been sent his SYN-ACK again, unless tcp_synack_retries is 0, which no record says. One that was
 * deferred gets none for long (syn_ack_recalc()).
 */
static bool was_sent_again(const struct model *m, const struct conn *c)
{
	return c->retrans || (c->listener && c->listener->deferred) ||
	       model_seen(m, TCPTRACE_SYNACK_RETRANS) != TCPTRACE_SEEN_EXACTLY;
}

/* The timer fires after 1, 3, 7, 15 s, and sends again as often as it may: mostly twice at least (reqsk_timer_handler()). */
static uint64_t expires_ns(const struct conn *c)
{
	unsigned int sent = c->retrans < 2 ? 2 : c->retrans < 7 ? c->retrans : 7;

	return ((2ull << sent) - 1) * 1000000000 - (1000000000 - EXPIRES_NS);
}

/*
 * An ICMP message (of a host that is not there, say) takes a request down, and counts a drop, which the timer does not. Where
 * its address was used again before a sweep looked at the drops, it may be that, too; not of a host that sent its SYN again.
 */
static bool may_be_icmp(const struct conn *c, const struct tcptrace_record *end)
{
	const struct listener *l = c->listener;

	if (!l || l->deferred || c->asked_again || c->isns)
		return false;
	if (!c->synq_ns)
		return l->drops_unseen;
	return (l->drops_unseen || end->event != TCPTRACE_SNAPSHOT) && end->t_ns - c->synq_ns < expires_ns(c);
}

static bool may_have_expired(const struct model *m, const struct conn *c, const struct tcptrace_record *end)
{
	if (c->synq_ns && (end->t_ns - c->synq_ns < EXPIRES_NS || !was_sent_again(m, c)))
		return false;
	return !may_be_icmp(c, end);
}

#define ANSWERED_NS	500000000ull	/* what a SYN-ACK that was sent again brings is there by then */

bool comes_in_unseen(const struct model *m)
{
	return model_seen(m, TCPTRACE_SYNQ_DEL) != TCPTRACE_SEEN_EXACTLY &&
	       model_seen(m, TCPTRACE_ACCEPTQ_ADD) == TCPTRACE_SEEN_NOT &&
	       model_seen(m, TCPTRACE_STATE) == TCPTRACE_SEEN_NOT;
}

/*
 * Where no step tells who comes in (-x by tracepoints), who is gone may have, and may be gone from the accept queue, too.
 * Not who has never sent the third packet, was found half-open well after the last SYN-ACK, and is gone when the timer has
 * fired once more.
 */
static bool may_have_come_in(const struct model *m, const struct conn *c, const struct tcptrace_record *end)
{
	if (!comes_in_unseen(m))
		return false;
	return c->ack_refused || (c->listener && c->listener->deferred) || !c->again_ns ||
	       m->snap.before_ns < c->again_ns + ANSWERED_NS ||
	       end->t_ns < c->again_ns + (1000000000ull << c->timed) - ANSWERED_NS / 5;
}

/* Neither what a RST did is seen where no end is asked for, nor, with -D, that the listener was closed. */
static bool ends_otherwise(const struct model *m, const struct conn *c)
{
	return model_seen(m, TCPTRACE_SYNQ_DEL) == TCPTRACE_SEEN_NOT || (c->listener && !listener_followed(m, c->listener));
}

static unsigned int gone_why(const struct model *m, const struct conn *c, const struct tcptrace_record *end)
{
	if (c->listener && !c->listener->open)
		return TCPTRACE_SYNQ_LISTENER_CLOSED;
	if (c->reset)
		return TCPTRACE_SYNQ_RESET;
	if (c->last_ns < lost_until(m))		/* the record that tells may be among these */
		return TCPTRACE_CAUSE_NONE;
	if (may_have_come_in(m, c, end) || ends_otherwise(m, c))
		return TCPTRACE_CAUSE_NONE;
	return may_have_expired(m, c, end) ? TCPTRACE_SYNQ_EXPIRED : TCPTRACE_SYNQ_OTHER;
}

/* A request that is there no more, which was found out at `end`. */
void leave_gone(struct model *m, const struct tcptrace_record *end, struct conn *c)
{
	unsigned int cause = gone_why(m, c, end);

	leave_synq(m, leave_record(m, end->t_ns, c, TCPTRACE_SYNQ_DEL, TCPTRACE_F_SAMPLED), c, cause);
	if (!c->sk)
		conn_end(m, c);
	else
		conn_set_req(m, c, 0);
}

/*
 * Where no hook tells the end of a request: a segment of its peer that went past it, to a listener or to nobody, says that
 * it is there no more. One whose listener is closed is gone with the first segment, which the kernel then looks at anew.
 */
void request_not_met(struct model *m, const struct tcptrace_record *rec)
{
	struct conn *c = NULL;

	if (model_seen(m, TCPTRACE_SYNQ_DEL) == TCPTRACE_SEEN_SAMPLED)
		c = conn_half_open(m, rec);
	if (!c || !c->in_synq)
		return;
	if (rec->event != TCPTRACE_RST_SENT || !rec->old || (c->listener && !c->listener->open))
		leave_gone(m, rec, c);
}

/* Out of the accept queue by accept(): counted here, once, and not where the call returns. */
void leave_counted(struct listener *l, struct conn *c)
{
	if (l && !c->left_acceptq)
		l->accepted++;
	c->left_acceptq = true;
}

/* Told by the record, or derived from it: the conn is in the accept queue no more. */
void leave_acceptq(struct model *m, const struct tcptrace_record *rec, struct conn *c, unsigned int cause)
{
	struct model_event ev = emit_step(rec, TCPTRACE_ACCEPTQ_DEL, c, c->listener);
	struct listener *l = c->listener;
	int by = l ? queue_step_late(m, l, false, rec) : 0;
	bool taken_now = c->in_acceptq && !c->unseen && !(ev.flags & TCPTRACE_F_SAMPLED);

	if (cause == TCPTRACE_ACCEPTQ_ACCEPTED && c->reset && !(c->unseen && takers_unseen(m, l)))	/* taken before the RST? */
		cause = TCPTRACE_ACCEPTQ_RESET;
	ev.cause = cause;
	if (taken_now)
		emit_took(&ev, c->acceptq_ns);
	queue_leave(m, c);
	conn_set_req(m, c, 0);		/* the kernel frees it here */
	if (cause == TCPTRACE_ACCEPTQ_CLOSED)
		c->left_acceptq = c->killed = true;
	else if (cause)
		leave_counted(l, c);
	if (l) {
		l->causes[cause]++;
		l->closed_reset += cause == TCPTRACE_ACCEPTQ_CLOSED && c->reset;
		if (ev.has_dur && cause != TCPTRACE_ACCEPTQ_CLOSED && !c->moved)
			waits_add(&m->waits, &l->in_acceptq, ev.dur_ns);
		else if (taken_now && !c->acceptq_ns && c->known_ns && rec->t_ns > c->known_ns &&
			 cause != TCPTRACE_ACCEPTQ_CLOSED)	/* it waited before we came, too */
			waits_add_least(&m->waits, &l->in_acceptq, rec->t_ns - c->known_ns);
	}
	queue_numbers(m, l, rec, 0, by);
	emit_event(m, &ev);
}

/* It was taken out at some time before t_ns, when it shows that somebody has it: no wait follows from that. */
void leave_taken(struct model *m, uint64_t t_ns, struct conn *c, uint8_t flags)
{
	c->unseen = true;
	if (c->listener && !c->left_acceptq) {
		c->listener->unseen++;
		c->listener->took_unasked |= !c->listener->acceptor.pid;	/* whose calls are heard, is */
	}
	leave_acceptq(m, leave_record(m, t_ns, c, TCPTRACE_ACCEPTQ_DEL, flags), c, TCPTRACE_ACCEPTQ_ACCEPTED);
}

/*
 * Its end was not seen, and it is over: it went down with its listener, or somebody took it before. Where a listener's end is
 * left out (-D), which of both is unknown.
 */
void leave_ended(struct model *m, uint64_t t_ns, struct conn *c, uint8_t flags)
{
	const struct listener *l = c->listener;

	if (!l || c->seen_taken || (l->open && listener_followed(m, l)))
		leave_taken(m, t_ns, c, flags);
	else if (l->open)
		leave_acceptq(m, leave_record(m, t_ns, c, TCPTRACE_ACCEPTQ_DEL, TCPTRACE_F_SAMPLED), c, TCPTRACE_CAUSE_NONE);
	else
		leave_acceptq(m, leave_record(m, t_ns, c, TCPTRACE_ACCEPTQ_DEL, flags), c, TCPTRACE_ACCEPTQ_CLOSED);
}

/* l, which may be NULL, begins to listen anew, or another one at its address: who waited was thrown out when it closed. */
void leave_closed(struct model *m, struct listener *l, uint64_t t_ns)
{
	while (l && !l->open && l->acceptq.oldest)
		leave_ended(m, t_ns, l->acceptq.oldest, TCPTRACE_F_INFERRED);
}

/* The kernel's queue was shorter than our list all the time: its oldest are not there. */
void leave_surplus(struct model *m, struct listener *l, uint64_t t_ns)
{
	uint32_t n = l->acceptq.surplus;

	l->acceptq.surplus_ns = l->acceptq.surplus_of = l->acceptq.surplus = 0;
	while (n-- && l->acceptq.oldest)
		leave_ended(m, t_ns, l->acceptq.oldest, TCPTRACE_F_INFERRED);
}
