// SPDX-License-Identifier: GPL-2.0-only
/* What follows from the moments and totals of a life, and the sentence that says how it ended. */
#include "../../lib/tr.h"
#include "conns.h"

static uint64_t between(uint64_t from_ns, uint64_t to_ns)
{
	if (!from_ns || !to_ns)
		return TIME_UNKNOWN;
	return to_ns > from_ns ? to_ns - from_ns : 0;
}

/* 0: whether it goes on is unknown. */
static uint64_t until(const struct conn_row *r)
{
	return r->end == LIFE_UNKNOWN && !r->l->end_ns ? 0 : r->until_ns;
}

/* Of SYNs that were refused, whose attempt they were may be known; else no moment but theirs is: one has no duration. */
static uint64_t refused_ns(const struct conn_row *r)
{
	if (r->peer && r->peer->end_ns)
		return between(r->peer->start_ns, r->peer->end_ns);
	return r->l->tries > 1 ? between(r->l->start_ns, r->until_ns) : TIME_UNKNOWN;
}

uint64_t row_life_ns(const struct conn_row *r)
{
	const struct conn_life *l = r->l;

	if (r->end == LIFE_REFUSED)
		return refused_ns(r);
	if (l->end_unseen)		/* over since some time before that */
		return l->before ? 0 : TIME_UNKNOWN;
	return between(l->before ? l->seen_ns : l->start_ns, until(r));
}

uint64_t row_synq_ns(const struct conn_row *r)
{
	const struct conn_life *l = r->l;

	if (l->synq_out_late)
		return TIME_UNKNOWN;
	return between(l->synq_ns, l->synq_out_ns ? l->synq_out_ns : l->acceptq_ns ? l->acceptq_ns : until(r));
}

uint64_t row_acceptq_ns(const struct conn_row *r)
{
	const struct conn_life *l = r->l;

	if (l->acceptq_out_late)
		return TIME_UNKNOWN;
	return between(l->acceptq_ns, l->acceptq_out_ns ? l->acceptq_out_ns : until(r));
}

uint64_t row_connect_ns(const struct conn_row *r)
{
	const struct conn_life *l = r->peer && r->peer->role == ROLE_CLIENT ? r->peer : r->l;

	return l->role == ROLE_CLIENT && l->connect_ns ? l->connect_ns : TIME_UNKNOWN;
}

uint64_t row_wait_ns(const struct conn_row *r)
{
	return r->l->role == ROLE_SERVER ? row_acceptq_ns(r) : row_connect_ns(r);
}

uint64_t row_handshake_ns(const struct conn_row *r)
{
	return between(r->l->role == ROLE_SERVER ? r->l->synq_ns : r->l->syn_ns, r->l->open_ns);
}

uint64_t row_open_ns(const struct conn_row *r)
{
	return between(r->l->open_ns, r->l->fin_ns ? r->l->fin_ns : until(r));
}

uint64_t row_closing_ns(const struct conn_row *r)
{
	return between(r->l->fin_ns, until(r));
}

uint64_t row_rtt_ns(const struct conn_row *r)
{
	const struct life_totals *t = &r->l->totals;

	/* tcp_disconnect() leaves rtt_min as it is */
	return t->known && t->rtt_min_us != UINT32_MAX && !r->l->reused ? t->rtt_min_us * 1000ull : TIME_UNKNOWN;
}

uint64_t row_srtt_ns(const struct conn_row *r)
{
	const struct life_totals *t = &r->l->totals;

	return t->known && t->srtt_us ? t->srtt_us * 1000ull : TIME_UNKNOWN;
}

uint32_t row_retrans(const struct conn_row *r)
{
	return r->l->totals.retrans + r->l->synacks_again;
}

uint32_t row_syns(const struct conn_row *r)
{
	if (r->l->old == TCP_S_SYN_SENT && r->l->totals.known)
		return r->l->totals.retrans + !!r->l->totals.undelivered;
	return r->end == LIFE_REFUSED ? r->l->tries : 0;
}

static int row_errno(const struct conn_row *r)
{
	const struct conn_life *l = r->l;

	return l->totals.err ? l->totals.err : l->connect_err ? l->connect_err : l->established ? 0 : l->soft_err;
}

const char *row_errno_name(const struct conn_row *r)
{
	return row_errno(r) ? errno_name(row_errno(r)) : NULL;
}

/* {n} {again} {time} {what}: what the sentence is about. */
struct filling {
	uint64_t n, again, ns;
	const char *what;
};

/* "0.3 s", "12 ms", "55 us" */
static void put_time(struct out *o, uint64_t ns)
{
	if (ns >= 100000000) {
		out_u64(o, ns / 1000000000);
		out_char(o, '.');
		out_digits(o, ns / 100000000, 1);
		out_mem(o, " s", 2);
	} else {
		out_u64(o, ns < 1000000 ? ns / 1000 : ns / 1000000);
		out_str(o, ns < 1000000 ? " us" : " ms");
	}
}

static void put_filled(struct out *o, const char *text, const struct filling *f)
{
	for (; *text; text++) {
		if (!strncmp(text, "{n}", 3)) {
			out_u64(o, f->n);
			text += 2;
		} else if (!strncmp(text, "{again}", 7)) {
			out_u64(o, f->again);
			text += 6;
		} else if (!strncmp(text, "{time}", 6)) {
			put_time(o, f->ns);
			text += 5;
		} else if (!strncmp(text, "{what}", 6)) {
			out_str(o, f->what ? f->what : "?");
			text += 5;
		} else {
			out_char(o, *text);
		}
	}
}

/* Of what nobody accepted: how long it waited and what it had sent may have been before us, or in no record. */
static const char *not_accepted(const struct conn_row *r)
{
	if (row_acceptq_ns(r) == TIME_UNKNOWN)
		return N_("killed with its listener before accept()");
	return r->l->totals.known ? N_("killed with its listener after {time}, {n} bytes unread") :
	       N_("killed with its listener after {time}");
}

/* How long it tried, where that was seen. */
static const char *gave_up(const struct conn_row *r)
{
	return r->l->before ? N_("the program gave up") : N_("the program gave up after {time}, {n} SYNs");
}

static const char *closed_early(const struct conn_row *r)
{
	return r->l->before ? N_("closed in SYN_SENT: given up, or an error came for the program alone") :
	       N_("closed in SYN_SENT after {time}: given up, or an error came for the program alone");
}

static const char *no_answer(const struct conn_row *r)
{
	if (!row_syns(r))
		return N_("no answer to its SYNs");
	return row_syns(r) == 1 ? N_("no answer to 1 SYN") : N_("no answer to {n} SYNs");
}

static const char *expired(const struct conn_row *r)
{
	if (r->l->deferred)
		return N_("no data for TCP_DEFER_ACCEPT, or no third packet");
	if (r->l->before)
		return N_("no third packet to its SYN-ACKs");
	return r->l->synacks_again ? N_("no third packet to {n} SYN-ACKs") : N_("no third packet, no SYN-ACK sent again");
}

/* Bytes of data: our FIN, which is the last of all, is acknowledged with them. */
static uint32_t undelivered(const struct conn_life *l)
{
	bool fin = l->old == TCP_S_FIN_WAIT1 || l->old == TCP_S_CLOSING || l->old == TCP_S_LAST_ACK;

	return l->totals.undelivered - (fin && l->totals.undelivered);
}

static const char *reset_by_them(const struct conn_row *r)
{
	if (undelivered(r->l))
		return r->l->first == FIRST_US ? N_("reset by them after our FIN, {n} bytes not delivered") :
		       N_("reset by them, {n} bytes not delivered");
	return life_phase(r->l) == PHASE_ACCEPTQ ? N_("reset by them while it waited for accept()") : N_("reset by them");
}

static const char *syn_reset(const struct conn_row *r)
{
	if (r->l->aborted)
		return N_("reset by us: the accept queue was full (tcp_abort_on_overflow)");
	return r->l->synq_reset_own ? N_("reset by us in the SYN queue: another SYN came") : N_("reset by them in the SYN queue");
}

static const char *sentence_of(const struct conn_row *r)
{
	switch (r->end) {
	case LIFE_REFUSED: return r->l->tries == 1 ? N_("refused: {what}, 1 SYN") :
			   N_("refused: {what}, {n} SYNs in {time}");
	case LIFE_NO_LISTENER: return N_("nobody listens there");
	case LIFE_NO_ANSWER: return no_answer(r);
	case LIFE_UNREACHABLE: return N_("not to be reached: {what}");
	case LIFE_CANCELLED: return gave_up(r);
	case LIFE_CLOSED_EARLY: return closed_early(r);
	case LIFE_NOT_SENT: return N_("connect() failed: {what}");
	case LIFE_EXPIRED: return expired(r);
	case LIFE_SYN_RESET: return syn_reset(r);
	case LIFE_SYN_KILLED: return N_("killed with its listener in the SYN queue");
	case LIFE_GHOST: return r->l->acks_refused == 1 ? N_("third packet refused, never established") :
			 N_("third packet refused {n} times, never established");
	case LIFE_NOT_ACCEPTED: return not_accepted(r);
	case LIFE_CLOSED_BY_US: return N_("closed by us");
	case LIFE_CLOSED_BY_THEM: return N_("closed by them");
	case LIFE_CLOSED_BY_BOTH: return N_("closed by both, FINs crossed");
	case LIFE_RESET_BY_THEM: return reset_by_them(r);
	case LIFE_RESET_UNREAD: return N_("closed by us with {n} bytes unread");
	case LIFE_RESET_LINGER: return r->l->old == TCP_S_FIN_WAIT2 ?
				N_("closed by us with SO_LINGER 0 or TCP_LINGER2 below 0") :
				N_("closed by us with SO_LINGER 0");
	case LIFE_RESET_DISCONNECT: return N_("taken off by connect(AF_UNSPEC)");
	case LIFE_RESET_LATE_DATA: return r->l->closed || r->l->orphan ? N_("closed by us, data came afterwards") :
				   N_("shut down by us, data came afterwards");
	case LIFE_RESET_MEMORY: return N_("reset by us: too many orphans, or no memory");
	case LIFE_RESET_BY_US: return N_("reset by us");
	case LIFE_KILLED: return N_("killed by SOCK_DESTROY (ss -K, a firewall manager)");
	case LIFE_TIMED_OUT: return row_retrans(r) ? N_("no answer to {n} bytes; {again} segments were sent again") :
			     N_("no answer to {n} bytes");
	case LIFE_KEEPALIVE: return N_("no answer to keepalive");
	case LIFE_FIN_UNANSWERED: return N_("our FIN was never acknowledged");
	case LIFE_NEVER_CLOSED: return r->l->mini_gone ? N_("they never closed: {time} in FIN_WAIT2") :
				N_("they never closed");
	case LIFE_OPEN: return N_("open");
	case LIFE_WAITING: return N_("waits for accept()");
	case LIFE_HALF_OPEN: return r->l->role == ROLE_CLIENT ? N_("connecting") : N_("half-open");
	default: return r->unobserved ? N_("unknown: {what} is not observed") : N_("unknown");
	}
}

static struct filling filling_of(const struct conn_row *r)
{
	const struct life_totals *t = &r->l->totals;
	struct filling f = { .n = row_syns(r), .again = row_retrans(r), .ns = row_life_ns(r), .what = row_errno_name(r) };

	switch (r->end) {
	case LIFE_REFUSED: f.what = tcptrace_cause_name(r->l->synq_cause); break;
	case LIFE_EXPIRED: f.n = r->l->synacks_again + 1; break;
	case LIFE_GHOST: f.n = r->l->acks_refused; break;
	case LIFE_NEVER_CLOSED: f.ns = between(r->l->end_ns, r->l->last_ns); break;
	case LIFE_NOT_ACCEPTED: f.n = t->unread; f.ns = row_acceptq_ns(r); break;
	case LIFE_RESET_BY_THEM: case LIFE_TIMED_OUT: f.n = undelivered(r->l); break;
	case LIFE_RESET_UNREAD: f.n = t->unread; break;
	case LIFE_UNKNOWN:
		if (r->unobserved)
			f.what = tcptrace_event_name((unsigned int)__builtin_ctzll(r->unobserved));
		break;
	default: break;
	}
	if (f.ns == TIME_UNKNOWN)
		f.ns = 0;
	return f;
}

/* Why they reset it, as they see it: their side is known, too. */
static bool they_say_why(const struct conn_row *r)
{
	if (r->end != LIFE_RESET_BY_THEM || !r->peer)
		return false;
	switch (r->peer_end) {
	case LIFE_NOT_ACCEPTED: case LIFE_RESET_UNREAD: case LIFE_RESET_LINGER: case LIFE_RESET_DISCONNECT:
	case LIFE_RESET_LATE_DATA: case LIFE_KILLED:
		return true;
	default:
		return false;
	}
}

void row_sentence(struct out *o, const struct conn_row *r, bool english)
{
	struct filling f = filling_of(r);
	struct conn_row theirs;
	const char *text = sentence_of(r);

	put_filled(o, english ? text : tr(text), &f);
	if (!they_say_why(r))
		return;
	theirs = (struct conn_row){ .l = r->peer, .end = r->peer_end };
	f = filling_of(&theirs);
	text = sentence_of(&theirs);
	out_str(o, english ? " (there: " : _(" (there: "));
	put_filled(o, english ? text : tr(text), &f);
	out_str(o, english ? ")" : _(")"));
}
