/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A histogram of durations with 1/8 relative error and a fixed size: eight
 * buckets for each power of two of nanoseconds. Exact count, sum and maximum.
 */
#ifndef TCPTRACE_HIST_H
#define TCPTRACE_HIST_H

#include <stdbool.h>
#include <stdint.h>

#define HIST_SUB	8
#define HIST_BUCKETS	(HIST_SUB * 42)		/* up to 2^44 ns: five hours; longer goes into the last */

struct hist {
	uint64_t count, sum, max;
	uint64_t open, least;	/* so many may be longer than what was entered, and the shortest of these */
	uint32_t bucket[HIST_BUCKETS];
};

void hist_add(struct hist *h, uint64_t ns);
void hist_add_least(struct hist *h, uint64_t ns);	/* so long, or longer */
uint64_t hist_below(const struct hist *h, unsigned int power);	/* entries under 2^power, which is 2^3 to 2^43 */
/* The value that a share of permille/1000 of the entries does not exceed; 0 when empty, never above max. */
uint64_t hist_quantile(const struct hist *h, unsigned int permille);
/* Is that a lower bound (1000: is the maximum)? Not where those that may be longer are too few to move it. */
bool hist_is_least(const struct hist *h, unsigned int permille);

unsigned int hist_bucket(uint64_t ns);		/* into which it falls */
uint64_t hist_top(unsigned int bucket);		/* the largest value that falls into it */

#endif
