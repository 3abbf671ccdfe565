/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which steps are of the connections that the user asked for, where the capture hands on more (view_ops.both_ends): of
 * the ends that the filter names, and of the other ends of these. Bounded: the pairs seen last are remembered.
 */
#ifndef TCPTRACE_WANTED_H
#define TCPTRACE_WANTED_H

#include "../lib/sized.h"
#include "view.h"

#define WANTED_PAIRS	SIZED(65536u, 16u)
#define WANTED_WAYS	4u

struct wanted_pairs {
	uint64_t pair[WANTED_PAIRS / WANTED_WAYS][WANTED_WAYS];	/* of each row the one seen last first; 0: none */
};

enum wanted {
	WANTED_NOT,
	WANTED_MAYBE,			/* of a client that may turn out to be the other end */
	WANTED
};

uint64_t wanted_hash(uint64_t a, uint64_t b);		/* never 0 */
/* picked: the filter fits the end whose step it is. */
enum wanted wanted_pair(struct wanted_pairs *w, bool picked, const struct model_event *ev);
enum wanted wanted_event(struct wanted_pairs *w, const struct view *v, const struct model_event *ev);

#endif
