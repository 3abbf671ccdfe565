/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Text for a screen, line by line, made before any terminal is asked: what -b prints, S saves and curses shows is the
 * same. Lines beyond the page's end are left out.
 */
#ifndef TCPTRACE_PAGE_TEXT_H
#define TCPTRACE_PAGE_TEXT_H

#include "../../lib/out.h"
#include "../../lib/sized.h"

#define PAGE_LINES	SIZED(2048u, 128u)

enum look { LOOK_PLAIN, LOOK_BOLD, LOOK_BAD, LOOK_NEAR, LOOK_AGAIN, LOOK_DIM, LOOK_SELECTED };

struct page_line {
	const char *text;		/* ends with NUL */
	unsigned int looks;		/* bytes from the beginning that have the look; ~0u: all */
	enum look look;
};

struct page {
	struct out text;		/* a line is written into it between page_line() and page_line_end() */
	unsigned int columns;		/* lines are cut there; 0: not at all */
	unsigned int n;
	size_t from;			/* where the line at hand begins */
	struct page_line line[PAGE_LINES];
};

int page_open(struct page *p);				/* 0 or -ENOMEM */
void page_close(struct page *p);
void page_clear(struct page *p, unsigned int columns);
struct out *page_line(struct page *p);
void page_shorten(struct page *p, const char *mark);	/* a line that is too long so far ends in the mark, not anywhere */
void page_line_end(struct page *p, enum look look, unsigned int looks);
void page_str(struct page *p, const char *text, enum look look);	/* a whole line */
/*
 * What a view wrote: its lines, each in the look of the first escape sequence in it. Longer ones go on in the next,
 * after so many spaces; indent 0: they are cut.
 */
void page_add(struct page *p, const char *text, size_t n, unsigned int indent);
void page_print(const struct page *p, struct out *o);	/* as text, without spaces at the ends of lines */

#endif
