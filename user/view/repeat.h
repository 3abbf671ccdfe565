/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * -x in the table: a client that is refused sends again and again, and a crowd does so a thousand times a second. The
 * first three of a kind are lines, and what comes again within the second is counted:
 *
 * drop           7    -      -        :8080  10.0.0.1:40412        -        0/4    5/4     acceptq-full-syn
 * and 37 more: drop acceptq-full-syn, 10.0.0.1 with :8080
 */
#ifndef TCPTRACE_REPEAT_H
#define TCPTRACE_REPEAT_H

#include "../lib/out.h"
#include "../model/model.h"

#define REPEAT_KINDS	32u		/* that are told apart in a second */
#define REPEAT_LINES	3u		/* of each */
#define REPEAT_NS	1000000000ull

/* One kind: what happened, where, with whom. */
struct repeat {
	uint32_t event, cause, listener;
	int32_t ret;
	uint16_t lport;			/* of the listener */
	uint8_t raddr[16];
	uint32_t seen;
};

struct repeats {
	uint64_t from_ns;
	unsigned int n;
	struct repeat all[REPEAT_KINDS];
};

/* True: it is one more of a kind that has its lines; there is nothing to write. */
bool repeats_count(struct repeats *r, const struct model_event *ev);
bool repeats_over(const struct repeats *r, uint64_t now_ns);	/* the second is */
void repeats_put(struct repeats *r, struct out *o);		/* what came again; empty afterwards */

#endif
