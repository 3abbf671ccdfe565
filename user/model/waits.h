/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The waits of a listener: a histogram (hist.h) that has memory only for the powers of two that came, which are few.
 * There are three of them for each of thousands of listeners.
 */
#ifndef TCPTRACE_WAITS_H
#define TCPTRACE_WAITS_H

#include <stdint.h>

#include "hist.h"
#include "pool.h"

struct waits_part;

struct waits {
	uint64_t count, sum, max, open, least;	/* as in struct hist */
	struct waits_part *first;	/* the one that was counted in last comes first */
};

int waits_init(struct pool *parts, uint32_t waits);	/* for so many of them; 0 or -ENOMEM */
void waits_add(struct pool *parts, struct waits *w, uint64_t ns);
void waits_add_least(struct pool *parts, struct waits *w, uint64_t ns);	/* so long, or longer */
void waits_end(struct pool *parts, struct waits *w);	/* gives its parts back */
void waits_hist(const struct waits *w, struct hist *out);

#endif
