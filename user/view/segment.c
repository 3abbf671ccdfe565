// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the steps prove about segments. No packet is captured: that a request was
 * queued proves that a SYN arrived, ESTABLISHED on the client that a SYN-ACK did.
 * What no step proves is not drawn: the ACK that leaves the client, for one, is
 * drawn where the server took it.
 */
#include <errno.h>

#include "flow.h"

#define LATE_NS		1000000u

/* What one side is known to have done so far. */
struct side {
	bool request;		/* its request was seen to be queued */
	bool ack;		/* the third packet is drawn, and was taken or brought a cookie */
	bool refused;		/* it is drawn, and was not taken */
	bool cookie;		/* as a cookie that was found valid just now */
	bool reset;		/* a RST came or left */
	bool resent;		/* something was sent again since the last ACK */
};

static void arrow(struct row *r, enum segment segment, bool arrives)
{
	r->segment = segment;
	r->arrives = arrives;
}

/* Once it was sent the client is connected: what does its work again is the ACK of a SYN-ACK, data, or a FIN. */
static void third_packet(struct row *r, struct side *s)
{
	if (!s->ack)
		arrow(r, s->refused ? SEG_DATA : SEG_ACK, true);
	s->ack = true;
}

static void third_packet_refused(struct row *r, struct side *s)
{
	arrow(r, s->ack || s->refused ? SEG_DATA : SEG_ACK, true);
	s->refused = true;
}

/* tcp_v4_connect() enters SYN_SENT before the SYN leaves, and may fail in between: did it leave? */
static bool syn_left(const struct row *r, const struct row *end)
{
	const struct flow_step *s = r->step;
	uint8_t side = r->side;

	for (r++; r < end; r++) {
		s = r->step;
		if (r->kind == ROW_GAP)
			continue;
		if (r->side != side && (s->event == TCPTRACE_SYNQ_ADD || s->event == TCPTRACE_COOKIE_SENT ||
					s->event == TCPTRACE_DROP || s->event == TCPTRACE_SYNACK ||
					(s->event == TCPTRACE_STATE && s->old == TCP_S_SYN_SENT &&
					 s->new == TCP_S_SYN_RECV)))
			return true;
		if (r->side != side)
			continue;
		if (s->event == TCPTRACE_RETRANS || s->event == TCPTRACE_RST_RECEIVED)
			return true;
		if (s->event == TCPTRACE_STATE && s->old == TCP_S_SYN_SENT && s->new != TCP_S_CLOSE)
			return true;
		if (s->event == TCPTRACE_CONNECT_RETURN)
			return !connect_failed(s->ret) || s->ret == -ECONNREFUSED || s->ret == -ETIMEDOUT;
	}
	return false;
}

/* Which steps of the server show that its SYN-ACK has arrived; of one that is sent again there is a step only when it left. */
static bool was_answered(const struct flow_step *s)
{
	switch (s->event) {
	case TCPTRACE_SYNACK_RETRANS: case TCPTRACE_COOKIE_OK: case TCPTRACE_RST_RECEIVED:
		return true;
	case TCPTRACE_SYNQ_DEL:
		return s->cause == TCPTRACE_SYNQ_ESTABLISHED || s->cause == TCPTRACE_SYNQ_RESET;
	case TCPTRACE_ACCEPTQ_ADD:
		return s->cause != TCPTRACE_ACCEPTQ_FASTOPEN;
	case TCPTRACE_DROP:
		return s->cause == TCPTRACE_DROP_ACCEPTQ_ACK || s->cause == TCPTRACE_DROP_ACCEPTQ_COOKIE;
	case TCPTRACE_STATE:
		return s->new == TCP_S_ESTABLISHED;
	}
	return false;
}

/* The step is where it is made, or just before: netfilter may drop it after that (tcp_v4_send_synack()). Did it leave? */
static bool synack_left(const struct row *r, const struct row *end)
{
	uint8_t side = r->side;

	for (r++; r < end; r++) {
		if (r->kind == ROW_GAP)
			continue;
		if (r->side == side ? was_answered(r->step) :
		    r->step->event == TCPTRACE_STATE && r->step->old == TCP_S_SYN_SENT && r->step->new == TCP_S_ESTABLISHED)
			return true;
	}
	return false;
}

static void of_synack(struct row *r, const struct row *end)
{
	if (synack_left(r, end))
		arrow(r, SEG_SYNACK, false);
}

/* The FIN waits behind what has not been sent yet: a RST may end the connection before it leaves. */
static bool fin_left(const struct row *r, const struct row *end)
{
	uint8_t side = r->side;

	for (r++; r < end; r++) {
		const struct flow_step *s = r->step;

		if (r->kind == ROW_GAP)
			continue;
		if (s->event == TCPTRACE_STATE && (s->new == TCP_S_TIME_WAIT || (r->side == side ?
						   s->new == TCP_S_FIN_WAIT2 || s->old == TCP_S_LAST_ACK :
						   s->new == TCP_S_CLOSE_WAIT || s->new == TCP_S_CLOSING)))
			return true;
		if (r->side == side && (s->event == TCPTRACE_RST_SENT || s->event == TCPTRACE_RST_RECEIVED))
			return false;
	}
	return true;
}

static void of_new_state(struct row *r, struct side *s, const struct row *end)
{
	const struct flow_step *st = r->step;

	switch (st->new) {
	case TCP_S_SYN_SENT:
		if (syn_left(r, end))
			arrow(r, SEG_SYN, false);
		break;
	case TCP_S_SYN_RECV:
		if (st->old == TCP_S_SYN_SENT)		/* both ends connected at once */
			arrow(r, SEG_SYN, true);
		else if (s->request)			/* else it may be a Fast Open child */
			third_packet(r, s);
		break;
	case TCP_S_ESTABLISHED:
		if (st->old == TCP_S_SYN_SENT)
			arrow(r, SEG_SYNACK, true);
		else
			third_packet(r, s);
		break;
	case TCP_S_FIN_WAIT1: case TCP_S_LAST_ACK:
		s->resent = false;
		if (fin_left(r, end))
			arrow(r, SEG_FIN, false);
		break;
	case TCP_S_FIN_WAIT2:
		if (st->old == TCP_S_FIN_WAIT1)
			arrow(r, SEG_ACK, true);
		break;
	case TCP_S_CLOSE_WAIT: case TCP_S_CLOSING:
		arrow(r, SEG_FIN, true);
		break;
	case TCP_S_TIME_WAIT:
		arrow(r, st->old == TCP_S_CLOSING ? SEG_ACK : SEG_FIN, true);
		break;
	case TCP_S_CLOSE:				/* LAST_ACK also ends with a RST, or with the retries */
		if (st->old == TCP_S_LAST_ACK && !s->reset && !s->resent)
			arrow(r, SEG_ACK, true);
		break;
	}
}

static void of_drop(struct row *r, struct side *s)
{
	switch (r->step->cause) {
	case TCPTRACE_DROP_ACCEPTQ_ACK:
		third_packet_refused(r, s);
		break;
	case TCPTRACE_DROP_ACCEPTQ_COOKIE:
		if (!s->cookie)
			third_packet_refused(r, s);
		s->cookie = false;
		break;
	case TCPTRACE_DROP_OTHER:
		break;
	default:
		arrow(r, SEG_SYN, true);
	}
}

static void of_retrans(struct row *r, struct side *s)
{
	uint8_t state = r->step->old;

	s->resent = true;
	r->again = true;
	arrow(r, state == TCP_S_SYN_SENT ? SEG_SYN : state == TCP_S_SYN_RECV ? SEG_SYNACK : SEG_DATA, false);
}

/* Data for a socket that reads no more ends it as a RST does; a RST is not answered, and data is by ours. */
static void of_reset(struct row *r, struct side *s, const struct row *end)
{
	bool data = false;

	s->reset = true;
	for (const struct row *next = r + 1; next < end && r->step->flags & TCPTRACE_F_INFERRED; next++)
		data |= next->side == r->side && next->kind == ROW_STEP && next->step->event == TCPTRACE_RST_SENT &&
			next->t_ns - r->t_ns < LATE_NS;
	arrow(r, data ? SEG_DATA : SEG_RST, true);
}

static void of_step(struct row *r, struct side *s, const struct row *end)
{
	switch (r->step->event) {
	case TCPTRACE_STATE:
		of_new_state(r, s, end);
		break;
	case TCPTRACE_SYNQ_ADD:
		s->request = true;
		arrow(r, SEG_SYN, true);
		break;
	case TCPTRACE_SYNACK:
		of_synack(r, end);
		break;
	case TCPTRACE_SYNACK_RETRANS:
		r->again = true;
		arrow(r, SEG_SYNACK, false);
		break;
	case TCPTRACE_SYNQ_DEL:
		if (r->step->cause == TCPTRACE_SYNQ_ESTABLISHED)
			third_packet(r, s);
		break;
	case TCPTRACE_ACCEPTQ_ADD:
		if (r->step->cause == TCPTRACE_ACCEPTQ_HANDSHAKE || r->step->cause == TCPTRACE_ACCEPTQ_COOKIE)
			third_packet(r, s);
		break;
	case TCPTRACE_DROP:
		of_drop(r, s);
		break;
	case TCPTRACE_COOKIE_SENT:
		arrow(r, SEG_SYN, true);
		break;
	case TCPTRACE_COOKIE_OK:
		arrow(r, s->ack || s->refused ? SEG_DATA : SEG_ACK, true);
		s->ack = s->cookie = true;
		break;
	case TCPTRACE_COOKIE_BAD:
		arrow(r, SEG_ACK, true);
		break;
	case TCPTRACE_RETRANS:
		of_retrans(r, s);
		break;
	case TCPTRACE_RST_SENT:
		s->reset = true;
		arrow(r, SEG_RST, false);
		break;
	case TCPTRACE_RST_RECEIVED:
		of_reset(r, s, end);
		break;
	}
}

/*
 * tcp_send_active_reset() tells of its RST after it has sent it, and over loopback the peer has
 * taken it by then: no second arrow.
 */
static void told_late(struct row *rows, unsigned int i, unsigned int n)
{
	const struct row *a = &rows[i];
	unsigned int j;

	if (a->segment != SEG_RST || a->half)
		return;
	for (j = i + 1; j < n && rows[j].t_ns - a->t_ns < LATE_NS; j++) {
		if (rows[j].segment == SEG_RST && !rows[j].arrives && rows[j].side != a->side) {
			rows[j].segment = SEG_NONE;
			return;
		}
	}
}

/* A segment that was seen to leave and to arrive is drawn as two halves, each at its time. */
static void join_halves(struct row *rows, unsigned int n)
{
	unsigned int i, j;

	for (i = 0; i < n; i++) {
		if (!rows[i].segment || !rows[i].arrives)
			continue;
		for (j = i; j-- > 0;) {
			struct row *d = &rows[j];

			if (d->segment != rows[i].segment || d->arrives || d->half || d->side == rows[i].side)
				continue;
			d->half = rows[i].half = true;
			rows[i].again = d->again;
			break;
		}
		told_late(rows, i, n);
	}
}

/* ---- rows ---- */

static struct row *add(struct row *r, const struct flow_step *s, uint8_t side, enum row_kind kind)
{
	*r = (struct row){ .t_ns = s->t_ns, .step = s, .side = side, .kind = kind };
	return r + 1;
}

static struct row *add_step(struct row *r, const struct flow_step *s, uint8_t side)
{
	if (s->event == TCPTRACE_ACCEPT && s->dur_ns && s->dur_ns < s->t_ns) {
		r = add(r, s, side, ROW_ENTERED);
		r[-1].t_ns -= s->dur_ns;
	}
	r = add(r, s, side, ROW_STEP);
	if (s->event == TCPTRACE_COOKIE_SENT)
		r = add(r, s, side, ROW_SECOND);
	return r;
}

static struct row *add_track(struct row *r, const struct track *t, uint8_t side)
{
	uint64_t i, n = t->nsteps;
	uint64_t tail = n > TRACK_HEAD + TRACK_TAIL ? n - TRACK_TAIL : TRACK_HEAD;

	for (i = 0; i < n && i < TRACK_HEAD; i++)
		r = add_step(r, &t->head[i], side);
	if (tail > TRACK_HEAD)
		r = add(r, &t->tail[(tail - TRACK_HEAD) % TRACK_TAIL], side, ROW_GAP);
	for (i = tail; i < n; i++)
		r = add_step(r, &t->tail[(i - TRACK_HEAD) % TRACK_TAIL], side);
	return r;
}

/* At the same time, a call begins before the rest and what else there is keeps its order. */
static bool before(const struct row *a, const struct row *b)
{
	return a->t_ns < b->t_ns ||
	       (a->t_ns == b->t_ns && a->kind == ROW_ENTERED && b->kind != ROW_ENTERED);
}

/* Two lists that are nearly in order. */
static void sort(struct row *rows, unsigned int n)
{
	unsigned int i, j;
	struct row r;

	for (i = 1; i < n; i++) {
		r = rows[i];
		for (j = i; j && before(&r, &rows[j - 1]); j--)
			rows[j] = rows[j - 1];
		rows[j] = r;
	}
}

unsigned int flow_rows(struct row *rows, const struct track *left, const struct track *right)
{
	struct side side[2] = { { 0 } };
	struct row *end = rows, *r;

	if (left)
		end = add_track(end, left, 0);
	if (right)
		end = add_track(end, right, 1);
	sort(rows, (unsigned int)(end - rows));
	for (r = rows; r < end; r++) {
		if (r->kind == ROW_STEP)
			of_step(r, &side[r->side], end);
		else if (r->kind == ROW_SECOND)
			of_synack(r, end);
	}
	join_halves(rows, (unsigned int)(end - rows));
	return (unsigned int)(end - rows);
}
