/* SPDX-License-Identifier: GPL-2.0-only */
/* What there is by now: findings and listeners, at the end and after each interval of -i. */
#ifndef TCPTRACE_RUN_SUMUP_H
#define TCPTRACE_RUN_SUMUP_H

#include "outputs_open.h"

void sumup_put(const struct outputs *s, struct view *v);
bool sumup_due(const struct outputs *s, uint64_t now_ns);	/* does an interval end? */
void sumup_tick(struct outputs *s, uint64_t now_ns);
bool sumup_play(struct outputs *s, uint64_t next_ns, struct view_play *play);	/* as outputs_play() */

#endif
