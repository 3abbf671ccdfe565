/* SPDX-License-Identifier: GPL-2.0-only */
/* Calls that failed, counted by errno. */
#ifndef TCPTRACE_FAILURE_H
#define TCPTRACE_FAILURE_H

#include <stdint.h>

#define FAILURE_ERRNOS	4		/* told apart */

struct failure {
	int32_t err;			/* positive; 0: unused */
	uint64_t count;
	uint64_t first_ns, last_ns;
};

struct failures {
	struct failure of[FAILURE_ERRNOS];
	uint64_t other;			/* of further errnos */
};

/* Its row; NULL: one of `other`. */
struct failure *failures_add(struct failures *f, int32_t err, uint64_t t_ns);
struct failure *failures_take(struct failures *f, int32_t err);	/* one of them was another's; NULL: there was none */
uint64_t failures_all(const struct failures *f);		/* of any errno */
const struct failure *failures_most(const struct failures *f);	/* NULL: none */

#endif
