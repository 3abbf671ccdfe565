/* SPDX-License-Identifier: GPL-2.0-only */
/* What may be done: live once everything is attached, in a replay before a byte of it is read. */
#ifndef TCPTRACE_PRIVILEGES_H
#define TCPTRACE_PRIVILEGES_H

#include "../options.h"

/*
 * Gives up what the rest of the run does not need: capabilities, new ones by exec, and in a replay all system calls but
 * those for files and the terminal. 0, or -errno after a sentence on standard error: the run must not go on.
 */
int privileges_drop(const struct options *o);

#endif
