/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a program keeps pace with its accept queue: how long connections waited while
 * nobody took any. It goes by the kernel's own length of the queue where records have
 * it, so it stays true where an accept() is not seen: a length that is too small says
 * that somebody took one, at a moment that nobody knows.
 */
#ifndef TCPTRACE_PACE_H
#define TCPTRACE_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define PACE_SEEN_NS	100000000ull	/* what a process does in so long says what it does */
#define PACE_STALL_NS	500000000ull	/* nobody took any for so long: the program did something else */

/* A while in which connections waited and nobody took any. */
struct stall {
	uint64_t from_ns, ns;
	bool before;			/* it may have begun before from_ns */
	bool first;			/* none had been taken yet */
	bool unheld;			/* no process was found to have the listener */
	uint64_t refused;		/* segments that the full queue refused meanwhile, */
	uint64_t refused_busy;		/* and since the queue was empty, if this was most of that time: they would have waited */
	uint32_t waiting;		/* most that waited */
	uint32_t clients, clients_busy;	/* the same of clients, by when each was refused first */
};

/* Of one listener, for the whole run. */
struct pace {
	struct stall worst;		/* of those that are over; ns 0: there was none */
	uint32_t stalls;		/* of PACE_STALL_NS and more that are over */
	uint64_t stalled_ns, stalled_refused;	/* of these */
	uint32_t stalled_clients;
	bool stalled_before;		/* one of these may have begun before it is known to */
	uint64_t takes;			/* times that one was taken out, */
	uint64_t took_ns;		/* the last of them */
	uint64_t left;			/* waited when the listener was closed, */
	uint32_t closings;		/* each time that any did: shutdown() closes it, and listen() opens it again */
	uint64_t left_ns;		/* the last of them */
	bool left_stalled;		/* which ended a while of PACE_STALL_NS and more */
	uint64_t left_refused;		/* refused_busy of what these ended */

	/* The model's own: the while that goes on, from_ns 0: the queue is empty. */
	struct stall now;
	uint32_t ahead;			/* how many more waited than the steps accounted for, at ahead_ns */
	uint64_t ahead_ns;
	uint64_t shown_ns;		/* last record that showed that it goes on */
	uint64_t refused;		/* by the full queue when it began, */
	uint64_t refused_empty;		/* and when the queue was empty last: */
	uint32_t clients, clients_empty;	/* the same of clients */
	uint64_t busy_ns;		/* it is not since then; 0: it is */
};

struct listener;
struct model;

/* Those of PACE_STALL_NS first, then by who was refused, then by length. */
bool stall_worse(const struct stall *a, const struct stall *b);

/*
 * The while that goes on, until the last record where takes are seen, else until the last record that
 * showed that nobody took one. False: the queue is empty, or nothing is known.
 */
bool pace_now(const struct model *m, const struct listener *l, struct stall *s);

#endif
