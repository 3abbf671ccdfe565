/* SPDX-License-Identifier: GPL-2.0-only */
/* What an experiment shows of its events: a ladder or rows, a step a line. */
#ifndef TCPTRACE_LAB_PICTURE_H
#define TCPTRACE_LAB_PICTURE_H

#include "../lib/out.h"
#include "../model/model.h"

struct lab_run;

/* A step is the text between the end of the one before and its own. */
struct picture_step {
	size_t end;			/* offset in the text, after its newline */
	uint64_t t_ns;
	const char *explain;		/* msgid; NULL: none */
	bool has_queues;
	uint32_t synq, acceptq, limit;
};

struct picture {
	char *text;			/* what follows the last step is its end */
	size_t len;
	struct picture_step *steps;
	size_t nsteps, size;
	int err;
};

/* Lines have at most columns columns. 0, or -errno; what it made is freed by picture_free() either way. */
int picture_draw(struct picture *p, struct lab_run *r, unsigned int columns, bool color);
void picture_free(struct picture *p);

/* rows.c: a line for each event, of 80 columns. */
void rows_header(struct out *o);
void rows_event(struct out *o, const struct model_event *ev, uint64_t start_ns, bool color);

#endif
