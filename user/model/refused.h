/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a full queue costs: clients, not segments. A client that was refused is known
 * by both its ends until it comes in after all; what it lost is the time between.
 */
#ifndef TCPTRACE_REFUSED_H
#define TCPTRACE_REFUSED_H

#include <stdbool.h>
#include <stdint.h>

/* Clients that came in, by how long after they were first refused. */
enum refused_wait { REFUSED_SOON, REFUSED_1S, REFUSED_2S, REFUSED_3S, REFUSED_5S, REFUSED_10S, REFUSED_LONG,
		    REFUSED_WAITS };

/* The limits that a listener has had: listen() may be called again, with another backlog. */
struct limits {
	uint32_t low, high;
	bool any;
};

static inline void limits_add(struct limits *s, uint32_t limit)
{
	if (!s->any || limit < s->low)
		s->low = limit;
	if (limit > s->high)
		s->high = limit;
	s->any = true;
}

static inline bool limits_differ(const struct limits *s)
{
	return s->low != s->high;
}

/* What a listener was asked for, and got, when most of what a full queue refused was refused. */
struct limit_then {
	uint32_t limit, somaxconn;
	int32_t backlog;
	bool backlog_known;
	uint32_t votes;			/* more refusals than at any other limit, if any has half of them */
};

/* Of one listener, for the whole run. */
struct refused {
	struct limit_then then;
	struct limits limits;		/* at refusals */
	uint32_t clients;		/* different ones; one that came in and is refused again is another */
	uint32_t in[REFUSED_WAITS];	/* of these, that came in */
	uint64_t waited_ns;		/* all of them together */
	uint64_t longest_ns;
	/* What a longer queue would have had to hold: once it is empty, who is refused anew finds another burst. */
	uint64_t empty_ns;		/* when the accept queue was seen empty last */
	uint32_t waiting;		/* clients refused since then that are not in */
	uint32_t at_once;		/* most of these and of the queue together */
	uint32_t unfollowed;		/* segments of clients that the table had no room for */
	uint64_t first_ns, last_ns;	/* first and last refusal; 0: none */
	uint8_t laddr[16];		/* where the last one wanted to */
	bool laddrs;			/* it is not the only address */
	struct {			/* SYNs that were refused though no queue was full (TCPTRACE_DROP_OTHER) */
		uint64_t first_ns;
		uint8_t laddr[16], raddr[16];	/* of the last one */
		bool laddrs;
	} other;

	bool before;			/* the queue was full when the listener was found: some may have been refused before */
	uint32_t expired;		/* requests that expired because their third packet was refused */
	uint32_t again;			/* clients that the listener after it refused, too: they are counted there */
	uint32_t lost;			/* clients that were seen to give up, or that the table forgot: they never came in */
	uint32_t out;			/* clients in the table: they are not in */
};

/* Those that did not come in, as it looks at the last record. */
struct refused_out {
	uint32_t ghosts;		/* their third packet was refused: they believe that they are connected */
	uint32_t reset;			/* the same, but a RST has ended it */
	uint32_t never;			/* others that would have tried again by now */
	uint32_t not_yet;		/* others that may still try */
};

struct listener;
struct model;

uint32_t refused_in(const struct refused *r);	/* clients that came in */
struct refused_out refused_out(const struct model *m, const struct listener *l);

#endif
