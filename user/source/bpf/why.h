/* SPDX-License-Identifier: GPL-2.0-only */
/* Sentences: what failed, why, and what to do. */
#ifndef TCPTRACE_WHY_H
#define TCPTRACE_WHY_H

#include "plan.h"

/* load_open() came back with err on a kernel of that release (uname -r): a sentence into buf, or "". */
void why_not_loaded(char *buf, size_t size, int err, const char *release);
/*
 * What this run does not see although the kernel has it, or although it was asked for by --mechanism: a sentence
 * into buf, or "".
 */
void why_not_seen(char *buf, size_t size, const struct plan *p);

#endif
