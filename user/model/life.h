/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The life of one connection, as one of its ends saw it: moments, totals, and what decides how it ended. Filled step by
 * step from what the model hands out; kept by whoever shows connections when they are over (view/conns).
 *
 *     life_begins(ev)? ──▶ life_step(life, ev) ... life_over(life, now)? ──▶ life_end(life, seen)
 */
#ifndef TCPTRACE_LIFE_H
#define TCPTRACE_LIFE_H

#include "../lib/tr.h"
#include "model.h"

/*
 * How it ended: X(SYMBOL, "word", "short", ZEEK). The words are what --end, JSON and CSV have: they keep their
 * meaning for ever. ZEEK: conn_state of Zeek's conn.log; of two, the first where this end opened the connection.
 */
#define LIFE_ENDS(X)								\
	X(REFUSED,	    "refused",		N_("refused"),	"S0", "S0")	\
	X(NO_LISTENER,	    "no-listener",	N_("no listener"),	"REJ", "REJ")	\
	X(NO_ANSWER,	    "no-answer",	N_("no answer"),	"S0", "S0")	\
	X(UNREACHABLE,	    "unreachable",	N_("unreachable"),	"S0", "S0")	\
	X(CANCELLED,	    "cancelled",	N_("cancelled"),	"S0", "S0")	\
	X(CLOSED_EARLY,	    "closed-early",	N_("closed early"),	"S0", "S0")	\
	X(NOT_SENT,	    "not-sent",		N_("not sent"),	"", "")		\
	X(EXPIRED,	    "expired",		N_("expired"),	"OTH", "OTH")	\
	X(SYN_RESET,	    "syn-reset",	N_("reset SYNQ"),	"RSTO", "RSTO")	\
	X(SYN_KILLED,	    "syn-killed",	N_("listener gone"), "OTH", "OTH")	\
	X(GHOST,	    "ghost",		N_("never got in"),	"S1", "S1")	\
	X(NOT_ACCEPTED,	    "not-accepted",	N_("not accepted"),	"RSTR", "RSTR")	\
	X(CLOSED_BY_US,	    "closed-by-us",	N_("closed us"),	"SF", "SF")	\
	X(CLOSED_BY_THEM,   "closed-by-them",	N_("closed them"),	"SF", "SF")	\
	X(CLOSED_BY_BOTH,   "closed-by-both",	N_("closed both"),	"SF", "SF")	\
	X(RESET_BY_THEM,    "reset-by-them",	N_("reset them"),	"RSTR", "RSTO")	\
	X(RESET_UNREAD,	    "reset-unread",	N_("reset us"),	"RSTO", "RSTR")	\
	X(RESET_LINGER,	    "reset-linger",	N_("reset us"),	"RSTO", "RSTR")	\
	X(RESET_DISCONNECT, "reset-disconnect",	N_("reset us"),	"RSTO", "RSTR")	\
	X(RESET_LATE_DATA,  "reset-late-data",	N_("reset us"),	"RSTO", "RSTR")	\
	X(RESET_MEMORY,	    "reset-memory",	N_("reset us"),	"RSTO", "RSTR")	\
	X(RESET_BY_US,	    "reset-by-us",	N_("reset us"),	"RSTO", "RSTR")	\
	X(KILLED,	    "killed",		N_("killed"),	"RSTO", "RSTR")	\
	X(TIMED_OUT,	    "timed-out",	N_("timed out"),	"S1", "S1")	\
	X(KEEPALIVE,	    "keepalive",	N_("keepalive"),	"S1", "S1")	\
	X(FIN_UNANSWERED,   "fin-unanswered",	N_("no FIN-ACK"),	"S2", "S3")	\
	X(NEVER_CLOSED,	    "never-closed",	N_("half closed"),	"S2", "S3")	\
	X(OPEN,		    "open",		N_("open"),		"S1", "S1")	\
	X(WAITING,	    "waiting",		N_("waiting"),	"S1", "S1")	\
	X(HALF_OPEN,	    "half-open",	N_("SYN queue"),	"S0", "S0")	\
	X(UNKNOWN,	    "unknown",		"?",		"OTH", "OTH")

enum life_end {
#define LIFE_ENUM(sym, word, text, zeek, zeek_server) LIFE_##sym,
	LIFE_ENDS(LIFE_ENUM)
#undef LIFE_ENUM
	LIFE_ENDS_MAX
};

enum life_role { ROLE_UNKNOWN, ROLE_SERVER, ROLE_CLIENT };
enum life_phase { PHASE_CONNECT, PHASE_SYNQ, PHASE_ACCEPTQ, PHASE_OPEN, PHASE_CLOSING };
enum life_first { FIRST_NONE, FIRST_US, FIRST_THEM, FIRST_BOTH };	/* whose FIN came first */

/* As the kernel had them when the full socket ended; see tcptrace_has_totals(). */
struct life_totals {
	bool known;
	uint64_t in, out;		/* bytes of data */
	uint32_t unread, undelivered;	/* bytes */
	uint32_t segs_in, segs_out, retrans;
	uint32_t srtt_us, rtt_min_us;	/* 0, ~0: never measured */
	int err;			/* sk_err: an errno, 0 none */
};

struct conn_life {
	uint64_t conn;			/* number; 0: SYNs that were refused, which no conn was made for */
	struct tuple tuple;		/* unknown parts are 0 */
	uint8_t family;
	uint8_t role;			/* enum life_role */
	uint8_t first;			/* enum life_first */
	uint8_t old, told;		/* the state it ended from, and CLOSE, or TIME_WAIT after both FINs; 0: it did not yet */
	uint32_t listener;		/* number; 0: none */
	uint64_t cookie;
	struct owner owner;		/* who has it; while nobody accepted it: who has its listener */
	/* CLOCK_MONOTONIC; 0: unknown, or it never was there */
	uint64_t start_ns;		/* first step: SYN received, connect() called; of what was there before us: 0 */
	uint64_t seen_ns;		/* the first step that we saw */
	uint64_t syn_ns;		/* into SYN_SENT */
	uint64_t synq_ns, synq_out_ns, acceptq_ns, acceptq_out_ns;
	uint64_t open_ns;		/* into ESTABLISHED */
	uint64_t fin_ns;		/* first FIN, either way */
	uint64_t end_ns;		/* last transition of the full socket, or out of the SYN queue */
	uint64_t last_ns;		/* last step that was no snapshot's */
	uint64_t found_ns;		/* when a snapshot found its socket last, as it says here; 0: none did */
	uint64_t connect_ns;		/* how long connect() took; 0: unknown */
	uint32_t synacks_again;		/* SYN-ACKs that were sent again */
	uint32_t acks_refused;		/* how often its third packet was */
	bool aborted;			/* and a RST answered it (tcp_abort_on_overflow) */
	uint64_t rst_out_ns;		/* the last rst-sent */
	bool synq_reset_own;		/* a RST of ours took it out of the SYN queue */
	uint32_t tries;			/* SYNs that were refused before it came in, or at all */
	int connect_err;		/* errno that connect() failed with, 0 */
	int soft_err;			/* rec_soft_errno() */
	struct life_totals totals;
	bool before;			/* there before us */
	bool queued;			/* and waited for accept() */
	bool reused;			/* its socket had another one: the kernel forgets not all that it measured of that */
	bool end_unseen;		/* it was destroyed, and no step had said how it ended */
	bool established;		/* ever */
	bool closed;			/* close() was called */
	bool fin_by_close;		/* and sent our FIN */
	bool in_connect;		/* between connect() and its return */
	bool ended_in_connect;
	bool reset_in;			/* rst-received */
	bool reset_out;			/* rst-sent, before the end */
	bool reset_after;		/* rst-sent, after it */
	bool reset_own;			/* rst-sent by the full socket itself, at any time */
	bool listener_closed;		/* killed with its listener in the accept queue */
	bool synq_out_late, acceptq_out_late;	/* something later shows that it had left: when is unknown */
	bool deferred;			/* it left the SYN queue of a listener with TCP_DEFER_ACCEPT */
	bool orphan;			/* ended as a minisock in FIN_WAIT2, which waits for their FIN */
	bool late_fin, mini_gone;	/* that one got it; that one is gone, */
	bool mini_reset;		/* by a RST */
	bool destroyed;
	uint8_t synq_cause;		/* enum tcptrace_cause it left the SYN queue by */
};

/* Does a connection begin with this step, or is it there, so that it has a life? ev->c is not NULL. */
bool life_begins(const struct model_event *ev);
void life_step(struct conn_life *l, const struct model_event *ev);	/* the first zeroed but for conn */
/* A RST left with its ends, though the step has no conn any more. */
void life_answers(struct conn_life *l, const struct tcptrace_record *rst);
/* A record that no step was made of: what a snapshot says of a known one. */
void life_found(struct conn_life *l, const struct tcptrace_record *rec);
/* Who has it now: descriptors are handed on without a step. from: its listener, or NULL. */
void life_owner(struct conn_life *l, const struct conn *c, const struct listener *from);
/* Nothing more will come that could say how it ended. */
bool life_over(const struct conn_life *l, uint64_t now_ns);
/*
 * How it ended. seen: a bit for each event that is seen; what decides and is not seen makes it LIFE_UNKNOWN and is set
 * in *unobserved. Of one that goes on: OPEN, WAITING, HALF_OPEN, where that is seen.
 */
enum life_end life_end(const struct conn_life *l, uint64_t now_ns, uint64_t seen, uint64_t *unobserved);
bool life_silent(const struct conn_life *l);	/* ended here, and no RST says so (yet): that is told after the transition */
bool life_deduced(const struct conn_life *l, enum life_end end);	/* from what did not come */
enum life_phase life_phase(const struct conn_life *l);
bool life_well(enum life_end end);		/* as it should: closed, or goes on */

const char *life_end_word(enum life_end end);
const char *life_end_short(enum life_end end);
const char *life_end_zeek(const struct conn_life *l, enum life_end end);	/* Zeek's conn_state */
const char *life_phase_word(enum life_phase phase);

#endif
