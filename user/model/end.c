// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a connection ended: one row a word, the first whose rule holds. The rules stand on the last transition, sk_err at
 * that moment, what was unread and undelivered, and on which calls and segments came before it and after it; the kernel
 * functions that make them so are named beside them (6.18; the same on 5.10 to 7.2).
 */
#include <errno.h>

#include "life.h"

#define FIN_TIMEOUT_LEAST_NS	900000000ull

#define NEEDS(event)	(1ull << TCPTRACE_##event)

/* Of the attempt: sk_err at the transition; without totals what connect() said; what SO_ERROR had for the program. */
static int attempt_err(const struct conn_life *l)
{
	int err = l->totals.known ? l->totals.err : l->connect_err;

	return err ? err : l->soft_err;
}

static bool attempt_failed(const struct conn_life *l)
{
	return l->old == TCP_S_SYN_SENT;
}

static bool is_killed(const struct conn_life *l)		/* tcp_abort() */
{
	return l->totals.err == ECONNABORTED;
}

static bool is_not_accepted(const struct conn_life *l)		/* inet_csk_listen_stop() */
{
	return l->listener_closed;
}

static bool left_synq(const struct conn_life *l, unsigned int cause)
{
	return l->old == TCP_S_NEW_SYN_RECV && l->synq_cause == cause;
}

static bool is_ghost(const struct conn_life *l)
{
	return l->old == TCP_S_NEW_SYN_RECV && l->acks_refused && l->synq_cause != TCPTRACE_SYNQ_LISTENER_CLOSED &&
	       l->synq_cause != TCPTRACE_SYNQ_RESET;
}

/* A child of Fast Open, and one end of a simultaneous open, sends its SYN-ACK as a socket. */
static bool is_expired(const struct conn_life *l)
{
	return left_synq(l, TCPTRACE_SYNQ_EXPIRED) || (l->old == TCP_S_SYN_RECV && l->totals.err == ETIMEDOUT);
}

static bool is_syn_reset(const struct conn_life *l)
{
	return left_synq(l, TCPTRACE_SYNQ_RESET);
}

static bool is_syn_killed(const struct conn_life *l)
{
	return left_synq(l, TCPTRACE_SYNQ_LISTENER_CLOSED);
}

static bool is_refused(const struct conn_life *l)
{
	return !l->conn && l->tries;
}

/* connect() failed before its SYN: no route, no port. */
static bool is_not_sent(const struct conn_life *l)
{
	if (l->old == TCP_S_CLOSE)
		return l->connect_err != 0;
	return attempt_failed(l) && !l->totals.known && !l->reset_in &&
	       (l->connect_err == EADDRNOTAVAIL || l->connect_err == EADDRINUSE || l->connect_err == ENOBUFS ||
		l->connect_err == ENOMEM);
}

static bool is_no_listener(const struct conn_life *l)		/* tcp_reset() in SYN_SENT */
{
	return attempt_failed(l) && attempt_err(l) == ECONNREFUSED && l->reset_in;
}

static bool is_refused_somehow(const struct conn_life *l)	/* by a RST or by ICMP: which is not seen */
{
	return attempt_failed(l) && attempt_err(l) == ECONNREFUSED && !l->reset_in;
}

static bool is_no_answer(const struct conn_life *l)		/* tcp_write_timeout(), tcp_write_err() */
{
	return attempt_failed(l) && attempt_err(l) == ETIMEDOUT;
}

static bool is_unreachable(const struct conn_life *l)		/* tcp_v4_err() */
{
	return attempt_failed(l) && is_errno_of_net(attempt_err(l));
}

static bool is_closed_early(const struct conn_life *l)		/* __tcp_close(), tcp_disconnect() */
{
	return attempt_failed(l) && !attempt_err(l) && (l->totals.known || l->closed);
}

static bool is_cancelled(const struct conn_life *l)
{
	return is_closed_early(l) && l->totals.known && l->totals.retrans;
}

/* What follows was ESTABLISHED, or a socket in SYN_RECV. */

static bool is_dead(const struct conn_life *l)
{
	return (l->established || l->old == TCP_S_SYN_RECV) && l->end_ns && !l->orphan && !l->end_unseen &&
	       l->old != TCP_S_NEW_SYN_RECV && l->old != TCP_S_CLOSE;
}

static bool is_reset_err(int err)
{
	return err == ECONNRESET || err == EPIPE;		/* tcp_reset(); EPIPE in CLOSE_WAIT */
}

/*
 * Data for a socket that reads no more, by close() or shutdown(): tcp_rcv_state_process() calls tcp_reset(), as if a RST
 * had come, and the RST of the socket leaves after that. An orphan's minisock answers by itself (tcp_timewait_state_process()).
 */
static bool is_late_data(const struct conn_life *l)
{
	if (l->orphan)
		return l->reset_after && !l->late_fin;
	return is_dead(l) && l->reset_after && l->reset_own && is_reset_err(l->totals.err);
}

static bool is_reset_by_them(const struct conn_life *l)
{
	if (l->orphan)
		return l->mini_reset && !l->late_fin;
	if (!is_dead(l) || (l->totals.known && !is_reset_err(l->totals.err)))
		return false;
	return l->totals.known || l->reset_in;
}

/* In an accept queue before us, where no snapshot finds it any more: accept() took what the RST had left. */
static bool is_reset_before(const struct conn_life *l)
{
	return l->end_unseen && l->before && l->totals.known && is_reset_err(l->totals.err);
}

/*
 * Ended by our own doing and not by FINs: __tcp_close(), tcp_disconnect(). From LAST_ACK a RST of the socket itself says so;
 * without one the ACK came.
 */
static bool is_aborted(const struct conn_life *l)
{
	return is_dead(l) && l->totals.known && !l->totals.err && l->told == TCP_S_CLOSE &&
	       (l->old != TCP_S_LAST_ACK || l->reset_own);
}

/* tcp_need_reset(): from here the kernel's own end sends a RST. */
static bool needs_reset(unsigned int old)
{
	return old == TCP_S_ESTABLISHED || old == TCP_S_CLOSE_WAIT || old == TCP_S_FIN_WAIT1 || old == TCP_S_FIN_WAIT2 ||
	       old == TCP_S_SYN_RECV;
}

/* TCP_REPAIR: close() and connect(AF_UNSPEC) say nothing to the other end. Or there was no memory for the RST. */
bool life_silent(const struct conn_life *l)
{
	return is_aborted(l) && needs_reset(l->old) && !l->reset_own && !l->reset_out && !l->reset_after;
}

/* close() sent our FIN, and the kernel a RST after it: tcp_check_oom(), tcp_out_of_resources(). */
static bool is_reset_memory(const struct conn_life *l)
{
	return is_aborted(l) && l->fin_by_close && l->reset_own &&
	       (l->old == TCP_S_FIN_WAIT1 || l->old == TCP_S_CLOSING || l->old == TCP_S_LAST_ACK);
}

/* Nobody closed it, so that only connect(AF_UNSPEC) is left; not every mechanism tells of that call. */
static bool is_reset_disconnect(const struct conn_life *l)
{
	return is_aborted(l) && (l->ended_in_connect || (!l->closed && !l->reset_out));
}

static bool is_reset_unread(const struct conn_life *l)
{
	return is_aborted(l) && l->totals.unread && l->closed && !l->fin_by_close;
}

static bool is_reset_linger(const struct conn_life *l)
{
	return is_aborted(l) && l->closed && !l->totals.unread && !l->fin_by_close && !l->reset_out &&
	       l->old != TCP_S_LAST_ACK;	/* tcp_need_reset() */
}

/* TCP_LINGER2 below 0, and what no rule above has. */
static bool is_reset_by_us(const struct conn_life *l)
{
	return is_aborted(l) && (l->reset_out || l->reset_after);
}

static bool is_timeout_err(int err)
{
	return err == ETIMEDOUT || is_errno_of_net(err);	/* sk_err_soft, where an ICMP error came */
}

static bool is_fin_unanswered(const struct conn_life *l)
{
	return is_dead(l) && is_timeout_err(l->totals.err) &&
	       (l->old == TCP_S_FIN_WAIT1 || l->old == TCP_S_LAST_ACK || l->old == TCP_S_CLOSING);
}

static bool is_timed_out(const struct conn_life *l)		/* tcp_write_timeout(), TCP_USER_TIMEOUT */
{
	return is_dead(l) && is_timeout_err(l->totals.err) && l->totals.undelivered;
}

static bool is_keepalive(const struct conn_life *l)		/* tcp_keepalive_timer() */
{
	return is_dead(l) && l->totals.err == ETIMEDOUT && !l->totals.undelivered;
}

static bool is_closed_by_us(const struct conn_life *l)
{
	if (l->orphan)
		return l->late_fin;
	return is_dead(l) && l->old == TCP_S_FIN_WAIT2 && l->told == TCP_S_TIME_WAIT;
}

static bool is_closed_by_them(const struct conn_life *l)
{
	return is_dead(l) && l->old == TCP_S_LAST_ACK && !l->totals.err;
}

static bool is_closed_by_both(const struct conn_life *l)
{
	return is_dead(l) && l->old == TCP_S_CLOSING && !l->totals.err;
}

/*
 * The minisock waited as long as it may, tcp_fin_time(): a second at least. One that is gone before was ended by something
 * that 5.10 and 6.1 do not report: their tcp_send_reset is of full sockets only.
 */
static bool is_never_closed(const struct conn_life *l)
{
	bool waited = !l->mini_gone || l->last_ns - l->end_ns >= FIN_TIMEOUT_LEAST_NS;

	return l->orphan && !l->late_fin && !l->reset_after && waited;
}

static const struct {
	bool (*holds)(const struct conn_life *l);
	uint64_t needs;			/* without these the rule says nothing */
	uint8_t end;
} rules[] = {
	{ is_refused,		0, LIFE_REFUSED },
	{ is_killed,		0, LIFE_KILLED },
	{ is_not_accepted,	0, LIFE_NOT_ACCEPTED },
	{ is_ghost,		0, LIFE_GHOST },
	{ is_expired,		0, LIFE_EXPIRED },
	{ is_syn_reset,		0, LIFE_SYN_RESET },
	{ is_syn_killed,	0, LIFE_SYN_KILLED },
	{ is_not_sent,		0, LIFE_NOT_SENT },
	{ is_no_listener,	0, LIFE_NO_LISTENER },
	{ is_refused_somehow,	NEEDS(RST_RECEIVED), LIFE_UNREACHABLE },
	{ is_no_answer,		0, LIFE_NO_ANSWER },
	{ is_unreachable,	0, LIFE_UNREACHABLE },
	{ is_cancelled,		0, LIFE_CANCELLED },
	{ is_closed_early,	0, LIFE_CLOSED_EARLY },
	{ is_late_data,		0, LIFE_RESET_LATE_DATA },
	{ is_reset_by_them,	0, LIFE_RESET_BY_THEM },
	{ is_reset_before,	NEEDS(STATE), LIFE_RESET_BY_THEM },
	{ life_silent,		NEEDS(RST_SENT), LIFE_UNKNOWN },
	{ is_reset_memory,	0, LIFE_RESET_MEMORY },
	{ is_reset_unread,	0, LIFE_RESET_UNREAD },
	{ is_reset_linger,	0, LIFE_RESET_LINGER },
	{ is_reset_disconnect,	NEEDS(CLOSE), LIFE_RESET_DISCONNECT },
	{ is_reset_by_us,	0, LIFE_RESET_BY_US },
	{ is_fin_unanswered,	0, LIFE_FIN_UNANSWERED },
	{ is_timed_out,		0, LIFE_TIMED_OUT },
	{ is_keepalive,		0, LIFE_KEEPALIVE },
	{ is_closed_by_us,	0, LIFE_CLOSED_BY_US },
	{ is_closed_by_them,	0, LIFE_CLOSED_BY_THEM },
	{ is_closed_by_both,	0, LIFE_CLOSED_BY_BOTH },
	{ is_never_closed,	NEEDS(RST_SENT) | NEEDS(STATE), LIFE_NEVER_CLOSED },
};

static bool waits(const struct conn_life *l)
{
	return (l->acceptq_ns || l->queued) && !l->acceptq_out_ns;
}

/* It has come that far; that it went no further says what would have told so. */
static enum life_end goes_on(const struct conn_life *l, uint64_t *needs)
{
	*needs = NEEDS(ACCEPTQ_DEL);
	if (waits(l))
		return LIFE_WAITING;
	*needs = l->synq_ns && !l->synq_out_ns && !l->established ? NEEDS(SYNQ_DEL) : NEEDS(STATE);
	return l->established ? LIFE_OPEN : LIFE_HALF_OPEN;
}

enum life_end life_end(const struct conn_life *l, uint64_t now_ns, uint64_t seen, uint64_t *unobserved)
{
	enum life_end end;

	*unobserved = 0;
	if (l->conn && (!l->end_ns || (l->orphan && !life_over(l, now_ns)))) {
		end = goes_on(l, unobserved);
		*unobserved &= ~seen;
		return *unobserved ? LIFE_UNKNOWN : end;
	}
	for (unsigned int i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (!rules[i].holds(l))
			continue;
		*unobserved = rules[i].needs & ~seen;
		return *unobserved ? LIFE_UNKNOWN : rules[i].end;
	}
	if (l->end_unseen)
		*unobserved = NEEDS(STATE) & ~seen;
	return LIFE_UNKNOWN;
}

/*
 * No hook tells the end of a minisock everywhere: that nothing came for as long as it lives says it. Nor does every
 * mechanism tell when a request goes: a sweep finds it gone.
 */
bool life_deduced(const struct conn_life *l, enum life_end end)
{
	if (l->old == TCP_S_NEW_SYN_RECV)
		return l->synq_out_late;
	return end == LIFE_NEVER_CLOSED && !l->mini_gone;
}

enum life_phase life_phase(const struct conn_life *l)
{
	if (l->listener_closed || waits(l) || (l->acceptq_ns && l->end_ns && l->acceptq_out_ns > l->end_ns) || is_reset_before(l))
		return PHASE_ACCEPTQ;
	if (l->fin_ns)
		return PHASE_CLOSING;
	if (l->established)
		return PHASE_OPEN;
	return l->role == ROLE_SERVER ? PHASE_SYNQ : PHASE_CONNECT;
}

bool life_well(enum life_end end)
{
	return end == LIFE_CLOSED_BY_US || end == LIFE_CLOSED_BY_THEM || end == LIFE_CLOSED_BY_BOTH || end == LIFE_OPEN;
}

/* ---- words ---- */

static const struct {
	const char *word, *text, *zeek, *zeek_server;
} words[] = {
#define LIFE_WORD(sym, word, text, zeek, zeek_server) [LIFE_##sym] = { word, text, zeek, zeek_server },
	LIFE_ENDS(LIFE_WORD)
#undef LIFE_WORD
};

const char *life_end_word(enum life_end end)
{
	return words[end].word;
}

const char *life_end_short(enum life_end end)
{
	return words[end].text;
}

const char *life_end_zeek(const struct conn_life *l, enum life_end end)
{
	if (end == LIFE_SYN_RESET && l->synq_reset_own)
		return "RSTR";
	return l->role == ROLE_SERVER ? words[end].zeek_server : words[end].zeek;
}

const char *life_phase_word(enum life_phase phase)
{
	static const char *const phases[] = { "connect", "synq", "acceptq", "open", "closing" };

	return phases[phase];
}
