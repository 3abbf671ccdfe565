/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the numbers of a listener rest on. A number is worth no more than the events that it is counted from: where one
 * of them is not seen it is unknown and not 0. Summaries, JSON and findings ask here before they say a number.
 */
#ifndef TCPTRACE_FIGURE_H
#define TCPTRACE_FIGURE_H

#include "model.h"

/* X(SYMBOL, "its key in JSON"): counters and measures of struct listener. */
#define FIGURES(X)					\
	X(SYNQ_NOW,	  "synq.now")			\
	X(ACCEPTQ_NOW,	  "acceptq.now")		\
	X(SYNQ_PEAK,	  "synq.peak")			\
	X(SYNQ_FULL,	  "synq.full_ns")		\
	X(SYNQ_OLDEST,	  "synq.oldest_ns")		\
	X(SYNQ_WAIT,	  "synq.wait")			\
	X(SYNQ_OUT,	  "synq_removed")		\
	X(EXPIRED,	  "expired")			\
	X(ACCEPTQ_PEAK,	  "acceptq.peak")		\
	X(ACCEPTQ_FULL,	  "acceptq.full_ns")		\
	X(ACCEPTQ_OLDEST, "acceptq.oldest_ns")		\
	X(ACCEPTQ_WAIT,	  "acceptq.wait")		\
	X(ESTABLISHED,	  "established")		\
	X(ACCEPTED,	  "accepted")			\
	X(ACCEPTORS,	  "acceptors")			\
	X(ACCEPT_ERRORS,  "accept_errors")		\
	X(BLOCKED,	  "accept_blocked")		\
	X(REFUSED,	  "drops")			\
	X(COOKIES_SENT,	  "cookies.sent")		\
	X(COOKIES_BACK,	  "cookies.ok")			\
	X(SYNACK_RETRANS, "synack_retrans")		\
	X(GHOSTS,	  "ghosts")

enum figure {
#define FIGURE_ENUM(sym, key) FIGURE_##sym,
	FIGURES(FIGURE_ENUM)
#undef FIGURE_ENUM
	FIGURE_MAX
};

enum known {
	KNOWN_NOT,
	KNOWN_LEAST,		/* there may be more: found by sweeps, of a part, or records were lost */
	KNOWN_EXACTLY
};

/*
 * Records were lost while it listened, and some may have been its own: the kernel side counts what finds no room by
 * event and not by listener. One that began to listen afterwards has all of its own.
 */
bool listener_incomplete(const struct model *m, const struct listener *l);
/*
 * With a filter by port: it is on another one (TPROXY, sk_lookup), and known by those alone that came to it by a port that
 * was asked for. By namespace (flow, conns): it is in another one, and known by the connections whose other end is here.
 */
bool listener_left_out(const struct model *m, const struct listener *l);
/* Its end, and a listen() that is called again, would be seen. */
bool listener_followed(const struct model *m, const struct listener *l);
/* That it is open. */
bool listener_open_known(const struct model *m, const struct listener *l);
/* Its limit, of which the last length told: no listen() has given it another one unseen. */
bool listener_limit_known(const struct model *m, const struct listener *l);
enum known figure_known(const struct model *m, const struct listener *l, enum figure f);
/* The same of what was counted from then on: a loss before it does not count. 0: since the run began. */
enum known figure_known_since(const struct model *m, const struct listener *l, enum figure f, uint64_t since_ns);
const char *figure_key(enum figure f);
/* What the kernel's own sk_drops counted more; 0 where each refusal has a hook, as then it is of no interest. */
uint32_t figure_drops_unseen(const struct model *m, const struct listener *l);

#endif
