/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A file that is there as a whole or not at all: written beside its place and renamed when it is complete. Only its
 * owner may read it. What is there already and is no file (/dev/null, a FIFO) is written to.
 */
#ifndef TCPTRACE_BESIDE_H
#define TCPTRACE_BESIDE_H

#include <stdbool.h>

int beside_open(const char *path, char **part);		/* a descriptor, or -errno; *part is malloc'd, or NULL */
/* The descriptor is closed already. 0 or -errno; frees part. Not complete: nothing is left of it. */
int beside_close(const char *path, char *part, bool complete);

#endif
