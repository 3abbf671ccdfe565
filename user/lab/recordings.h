/* SPDX-License-Identifier: GPL-2.0-only */
/* The recordings that are part of the program. */
#ifndef TCPTRACE_LAB_RECORDINGS_H
#define TCPTRACE_LAB_RECORDINGS_H

#include <stddef.h>

struct recording {
	const char *name;
	const char *begin, *end;
};

const struct recording *recording_of(const char *name);	/* or NULL */

#endif
