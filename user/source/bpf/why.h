/* SPDX-License-Identifier: GPL-2.0-only */
/* Sentences: what failed, why, and what to do. */
#ifndef TCPTRACE_WHY_H
#define TCPTRACE_WHY_H

/* load_open() came back with err: a sentence, or NULL. */
const char *why_not_loaded(int err);

#endif
