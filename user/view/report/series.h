/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A number over time, in bounded memory: each change exactly while they are few; then
 * what changed within one interval becomes one point, and the interval doubles as often
 * as needed. No peak is lost by it: a point keeps the least, the greatest and the last.
 */
#ifndef TCPTRACE_SERIES_H
#define TCPTRACE_SERIES_H

#include <stdint.h>

#define SERIES_POINTS	2000u

struct point {
	uint64_t t_ns;			/* of its first change; it lasts until the next point */
	uint32_t min, max, last;
};

struct series {
	struct point *points;
	uint32_t n, size;
	uint64_t interval_ns;		/* 0: each change is a point */
	uint64_t left;			/* changes that found no memory */
};

void series_add(struct series *s, uint64_t t_ns, uint32_t value);	/* in the order of time */
void series_thin(struct series *s, uint32_t most);	/* to at most so many points, 1 or more */
void series_free(struct series *s);

#endif
