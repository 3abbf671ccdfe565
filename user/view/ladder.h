/* SPDX-License-Identifier: GPL-2.0-only */
/* One ladder: ladder.c has its title and the order of its rows, ladderrow.c draws a row. */
#ifndef TCPTRACE_LADDER_H
#define TCPTRACE_LADDER_H

#include "flow.h"

#define LADDER_ARROW	17u		/* columns between the two lines: "◀ SYN-ACK again ─" */

/* Widths in columns. */
struct ladder {
	unsigned int columns;		/* of a whole row */
	unsigned int time, left, right;	/* right: the server's text and the queues */
	unsigned int cell;		/* a queue: SYN █░░ 1/2, without name and limit █░░ 1 */
	unsigned int gap;		/* between the queues */
	unsigned int digits;		/* of the most it can hold */
	bool names, limits;		/* in each row; else above them */
	uint8_t zero_side;		/* whose clock the times are of */
	char sure[24];			/* how far the times of the other side may be off; "": it has the same clock */
};

void ladder_row(const struct ladder *d, struct view *v, const struct row *r, uint64_t zero_ns);

#endif
