/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Experiments that mostly wait are begun before it is their turn, when several are run.
 */
#ifndef TCPTRACE_LAB_AHEAD_H
#define TCPTRACE_LAB_AHEAD_H

#include "run.h"

void ahead_start(struct options *o, const struct lab *const *labs, size_t n);	/* of these the slow ones */
/* What such a run recorded, as if it had been made now. Else -ENOENT: there is none, or it failed. */
int ahead_take(struct lab_run *r);
void ahead_stop(void);			/* ends what nobody took, and waits for it */

#endif
