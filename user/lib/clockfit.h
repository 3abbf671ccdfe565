/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * By how much another machine's clock is ahead of ours, from what happened on both. A moment before a segment left and
 * one after it arrived give a bound that holds whatever the delay, the loss or the route: there the clock is ahead by at
 * most (they got it), or at least (they sent it), the difference. Bounds of one exchange make an interval; what all
 * intervals have in common is where the truth is.
 */
#ifndef TCPTRACE_CLOCKFIT_H
#define TCPTRACE_CLOCKFIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLOCK_OPEN	INT64_MAX	/* high: no upper bound; low: -CLOCK_OPEN */
#define CLOCK_PIECES	16u

/* One exchange: at a moment of the other clock, it was ahead by low to high ns. */
struct clock_span {
	uint64_t at;
	int64_t low, high;
	bool sure;			/* both ends are of one connection for certain: initial sequence numbers say so */
	bool out;			/* the fit's: it contradicts most of the others */
};

/* From a moment on: ahead by offset at the moment zero, and by 1 ns more in each 1e9 / ppb ns. */
struct clock_piece {
	uint64_t from, to;		/* of the other clock: the first exchange and the last one */
	uint64_t zero;
	int64_t offset;
	int64_t error;			/* the truth is not further away from what it says, from first to last */
	double ppb;			/* 0: no drift was found */
	double ppb_min, ppb_max;	/* with ppb */
};

struct clock_fit {
	unsigned int n;			/* pieces, one after the other; 0: nothing bounds it from both sides */
	struct clock_piece pieces[CLOCK_PIECES];
	size_t used, out;		/* spans; those that contradict most of the others */
};

/* Sorts the spans by at and marks those that are out. */
void clock_fit(struct clock_span *spans, size_t n, struct clock_fit *fit);
/* By how much it is ahead at that moment; 0 without a piece. */
int64_t clock_ahead(const struct clock_fit *fit, uint64_t at);
int64_t clock_error(const struct clock_fit *fit);	/* the largest of the pieces */

#endif
