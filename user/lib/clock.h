/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TCPTRACE_CLOCK_H
#define TCPTRACE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define SECOND		1000000000ull	/* in ns */
#define CLOCK_STEP_NS	1000000

/* What a time namespace adds to CLOCK_MONOTONIC and CLOCK_BOOTTIME, in ns; records have the kernel's own. */
extern int64_t clock_namespace_ns[CLOCK_BOOTTIME + 1];

void clock_init(void);			/* asks /proc, once, before the first clock_ns() that matters */

/* Of one of the kernel's clocks, in ns, as in no time namespace. */
static inline uint64_t clock_ns(clockid_t id)
{
	int64_t ahead = id == CLOCK_MONOTONIC || id == CLOCK_BOOTTIME ? clock_namespace_ns[id] : 0;
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec - (uint64_t)ahead;
}

/*
 * What that clock is ahead of CLOCK_MONOTONIC. False where somebody else ran between the two looks: nothing was learned.
 * CLOCK_MONOTONIC moves at the rate that NTP gives to CLOCK_REALTIME, so this changes by steps alone.
 */
static inline bool clock_ahead_of_monotonic(clockid_t id, int64_t *ahead_ns)
{
	uint64_t before = clock_ns(CLOCK_MONOTONIC);
	int64_t ahead = (int64_t)(clock_ns(id) - before);

	if (clock_ns(CLOCK_MONOTONIC) - before > CLOCK_STEP_NS / 2)
		return false;
	*ahead_ns = ahead;
	return true;
}

/* True if the clock was set, or the machine suspended, between the two; false for what reading two clocks costs. */
static inline bool clock_stepped(int64_t from_ns, int64_t to_ns)
{
	return to_ns - from_ns > CLOCK_STEP_NS || from_ns - to_ns > CLOCK_STEP_NS;
}

#endif
