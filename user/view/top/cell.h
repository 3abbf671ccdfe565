/* SPDX-License-Identifier: GPL-2.0-only */
/* What a number of a row looks like, and which columns fit. */
#ifndef TCPTRACE_TOP_CELL_H
#define TCPTRACE_TOP_CELL_H

#include "rows.h"

#define CELL_MAX	256u

/* "1,204", "0.25", "12+": a lower bound, "-": unknown. Returns where it ends; nothing beyond. */
char *cell_number(char *p, uint64_t n);			/* with its thousands apart */
char *cell_value(char *p, enum top_kind kind, struct top_value v, uint64_t interval_ns);
/* The text of a cell but for its bar; ends with NUL. */
/* local_max: columns of LOCAL, 0: whole. */
void cell_text(char cell[CELL_MAX], const struct top_row *r, enum top_column c, unsigned int local_max, bool ascii);

struct top_glyphs { const char *full, *empty; };
/* "██████░░░░": as much of width as n is of limit + 1, which is what an accept queue holds */
char *cell_bar(char *p, const struct top_glyphs *g, uint64_t n, uint64_t limit, unsigned int width);

/* Widths only grow, so that columns stay where they are while numbers change. */
struct top_layout {
	unsigned int width[TOP_COLUMN_MAX];
	enum top_column shown[TOP_COLUMN_MAX];	/* in the order of the screen */
	unsigned int n, bar;
	bool places, hosts;		/* a row has one */
};

void layout_grow(struct top_layout *d, const struct top_row *r, unsigned int local_max);
/* Which fit into columns (0: all), the first skip after LOCAL left out. */
void layout_choose(struct top_layout *d, unsigned int columns, unsigned int skip);

#endif
