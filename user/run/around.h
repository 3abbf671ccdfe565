/* SPDX-License-Identifier: GPL-2.0-only */
/* What findings ask of the machine (model/machine.h): sysctls, processes, and who did not accept. */
#ifndef TCPTRACE_AROUND_H
#define TCPTRACE_AROUND_H

#include "../model/machine.h"

struct around;

/* pids: /proc is that of the numbers in records. NULL: no memory, then nothing is known. free() ends it. */
struct around *around_new(bool pids);
const struct machine *machine_of(const struct around *a);	/* NULL for NULL */

/*
 * Looks at each listener from whose queue nobody has taken for PACE_STALL_NS: which process should, and in what
 * state is it most of the time? To be called a few times a second.
 */
void around_watch(struct around *a, const struct model *m);

#endif
