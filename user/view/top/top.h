/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The view `top`, as its files see it. rows.c samples the model, list.c, listener.c and ladder.c write screens into a
 * page, keys.c says what a key does, play.c keeps the time of a replay, terminal.c alone knows curses. Without a
 * terminal batch.c prints the first screen at each interval.
 */
#ifndef TCPTRACE_TOP_H
#define TCPTRACE_TOP_H

#include "cell.h"
#include "page.h"
#include "rows.h"

#define TOP_INTERVAL_NS		1000000000ull	/* unless -i says another */


#define TOP_FINDINGS		16u		/* kept for the screen, the costliest */
#define TOP_FINDING_TEXT	400u

struct top_findings {
	uint64_t made_ns;		/* they look at every listener and conn: not each time */
	unsigned int n;
	struct { uint32_t listener; char text[TOP_FINDING_TEXT]; } one[TOP_FINDINGS];
};

struct top {
	struct view *v;
	struct top_rows rows;
	struct top_findings findings;
	struct top_layout layout;
	struct page page;
	uint64_t interval_ns;
	uint64_t begun_ns;		/* when the run began, in the time of its records; 0: not yet */
	uint64_t next_ns;		/* when the rows are to be made again */
	uint64_t lost;			/* records, so far */
	unsigned int scrolled;		/* columns left out at the left */
	unsigned int rotated;		/* findings shown before these */
	bool wide;			/* addresses whole */
	bool played;			/* it is a replay, whose first moment is known */
};

/* ---- list.c: the first screen ---- */

void top_findings_look(struct top *t, const struct model *m, uint64_t now_ns);
/* How much there is, and where from; state: a word or two more, or NULL */
void top_put_header(struct top *t, const char *state);
void top_put_findings(struct top *t, unsigned int max);
void top_put_titles(struct top *t);
void top_put_row(struct top *t, const struct top_row *r, bool selected);

/* ---- batch.c ---- */

void top_batch(struct top *t, const struct model *m, uint64_t now_ns);

#endif
