/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers from people: the whole string must be one, or it is refused. */
#ifndef TCPTRACE_PARSE_H
#define TCPTRACE_PARSE_H

#include <stdint.h>

/* Decimal digits only. 0, -EINVAL (not a number) or -ERANGE (outside min..max). */
int parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *out);
/* "10", "0.25", ".5": seconds, at most nine decimals, more than 0 and at most ten years. The same errors. */
int parse_seconds(const char *s, uint64_t *ns);

#endif
