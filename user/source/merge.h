/* SPDX-License-Identifier: GPL-2.0-only */
/* Several recordings as one source, in the order of one clock. */
#ifndef TCPTRACE_MERGE_H
#define TCPTRACE_MERGE_H

#include "source.h"

struct merge_config {
	unsigned int n;
	struct {
		const char *path;
		unsigned int machine;	/* of two recordings of one machine equal records come once */
		uint64_t before, known;	/* of a recording in several files: its records before this one, and with it */
		uint64_t left_out;	/* of these before it, so many are in no file */
	} files[SOURCE_FILES];
	/* What a moment of that machine's clock is on the one that all are shown in. */
	uint64_t (*moment)(void *ctx, unsigned int machine, uint64_t t_ns);
	void *ctx;
	int64_t wall_offset_ns;		/* of that one */
};

/* As source_ops.open. base.machine says whose the record is that is handed on. */
int merge_open(struct source **out, const struct merge_config *cfg, char why[SOURCE_WHY]);

#endif
