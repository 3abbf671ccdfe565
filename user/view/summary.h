/* SPDX-License-Identifier: GPL-2.0-only */
/* What the block of one listener and the list of all say the same way. */
#ifndef TCPTRACE_SUMMARY_H
#define TCPTRACE_SUMMARY_H

#include "../model/figure.h"
#include "view.h"

bool summary_unwatched(const struct model *m);	/* who comes and who is taken: only what goes wrong is seen (-x) */
void summary_with(struct out *o, const char *msgid, uint64_t n);	/* the number stands for {1} */
/* "  key 12", "  key >=12", "  key -" */
void summary_figure(struct out *o, const char *key, enum known known, uint64_t n);
/* A line, more where others open it or accept; not whole: one of a list, a line each. */
void summary_title(struct view *v, const struct listener *l, bool whole);
void summary_line_end(struct view *v, unsigned int indent);	/* indent: of what does not fit into it */

#endif
