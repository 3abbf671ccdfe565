/* SPDX-License-Identifier: GPL-2.0-only */
/* Sentences on a terminal: UTF-8, with Chinese as wide as it is. */
#ifndef TCPTRACE_WRAP_H
#define TCPTRACE_WRAP_H

#include "out.h"

/* Each line begins with indent spaces and has at most columns columns, unless one word is longer. */
void out_wrapped(struct out *o, const char *text, unsigned int indent, unsigned int columns);
/* The same where the first line has at columns already: a label, for instance. */
void out_wrapped_from(struct out *o, const char *text, unsigned int at, unsigned int indent, unsigned int columns);
/*
 * Ends a line that may have colours. Where it has more than columns (0: never) it is broken, between groups of words if
 * it can be, and what follows is indented.
 */
void out_line_end_wrapped(struct out *o, unsigned int indent, unsigned int columns);
unsigned int text_columns(const char *text);	/* that it takes on a terminal */
unsigned int text_cut(char *text, unsigned int columns);	/* to at most so many; returns how many it takes */

/* Bytes of text, which begins at that column and may have colours, in a line of so many: to the end of a word, one at least. */
size_t text_fits(const char *text, unsigned int at, unsigned int columns);

#endif
