/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TCPTRACE_CLOCK_H
#define TCPTRACE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Of one of the kernel's clocks, in ns. */
static inline uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

#endif
