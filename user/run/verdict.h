/* SPDX-License-Identifier: GPL-2.0-only */
/* --fail-on: was there anything that a script wants to fail for? */
#ifndef TCPTRACE_VERDICT_H
#define TCPTRACE_VERDICT_H

#include "../options.h"
#include "select.h"

/* Of the listeners that s selects; lost: records. True: there was, or nobody can tell, and a sentence says so. */
bool verdict_fails(const struct options *o, const struct select *s, uint64_t lost);

#endif
