/* SPDX-License-Identifier: GPL-2.0-only */
/* The program of `tcptrace -- PROGRAM`: as whom it runs, where its words go, and that it alone is traced. */
#ifndef TCPTRACE_PROGRAM_H
#define TCPTRACE_PROGRAM_H

#include "../options.h"
#include "child.h"

/* Both: 0, also where there is none, or -errno after a sentence on standard error. */

/* Forks it, which waits: the filter needs its number before the hooks are attached. */
int program_fork(struct child *c, struct options *o);
int program_exec(struct child *c, const struct options *o);	/* or the error of its exec */

#endif
