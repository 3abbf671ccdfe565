/* SPDX-License-Identifier: GPL-2.0-only */
/* The table: table.c lays it out, line.c writes its lines, detail.c their last column. */
#ifndef TCPTRACE_TABLE_H
#define TCPTRACE_TABLE_H

#include "../lib/sized.h"
#include "ends.h"
#include "field.h"
#include "repeat.h"
#include "word.h"

#define TABLE_COLUMNS	100u		/* where the width is unknown */
#define TABLE_PORT_ONLY	6u		/* LOCAL without its address */
#define ROWS_KEPT	SIZED(256u, 4u)
#define ROW_TEXT	192u

/*
 * The columns from CONN to REMOTE, as they were written last beside what they were made
 * from: other values, other text, so it cannot be out of date.
 */
struct row_kept {
	struct ends ends;
	struct owner who;
	uint16_t len;			/* 0: nothing */
	uint16_t unseen;		/* bytes of COMM that take no column */
	char text[ROW_TEXT];
};

/* Of what a snapshot found that is new to us: rows for the first of them, then only how many in each state. */
#define TABLE_FOUND	24u

struct found {
	bool snapshot;			/* one goes on */
	uint32_t rows, more, by_state[TCP_S_MAX + 1];
};

struct table {
	struct view_clock clock;
	struct found found;
	struct repeats repeats;
	uint64_t start_ns;
	unsigned int laid_out;			/* for this many columns */
	unsigned int width[COLUMN_COUNT];	/* 0: not shown */
	unsigned int at[COLUMN_COUNT];
	/* what one line can say of ours; the last: any other */
	struct word event[TCPTRACE_EVENT_MAX + 1], state[TCP_S_MAX + 1], cause[TCPTRACE_CAUSE_END + 1];
	struct row_kept row[ROWS_KEPT];
};

void table_lay_out(struct table *t, const struct view_config *cfg);
void table_line(struct view *v, const struct model_event *ev);
char *table_detail(const struct table *t, char *p, const struct model_event *ev);

#endif
