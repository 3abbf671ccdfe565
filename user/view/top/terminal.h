/* SPDX-License-Identifier: GPL-2.0-only */
/* The screen and its keys. Only terminal.c knows curses. */
#ifndef TCPTRACE_TOP_TERMINAL_H
#define TCPTRACE_TOP_TERMINAL_H

#include "page.h"

/* Keys that are no characters. */
enum top_key {
	TOP_KEY_NONE = 0, TOP_KEY_ENTER = '\n', TOP_KEY_ESC = 27,
	TOP_KEY_UP = 256, TOP_KEY_DOWN, TOP_KEY_LEFT, TOP_KEY_RIGHT, TOP_KEY_PAGE_UP, TOP_KEY_PAGE_DOWN, TOP_KEY_HOME,
	TOP_KEY_END, TOP_KEY_BACKSPACE, TOP_KEY_F1, TOP_KEY_F4, TOP_KEY_F6, TOP_KEY_F10, TOP_KEY_OTHER
};

struct top_term;

/*
 * Takes the terminal of fd over, keys come from /dev/tty. While it is taken what anybody says on a standard error that
 * is this terminal is kept for term_said(). 0; -errno: it is as before.
 */
int term_open(struct top_term **out, int fd, bool color);
void term_close(struct top_term *t);		/* as it was; what was said comes out there. NULL: nothing */
bool term_resized(struct top_term *t);		/* since the last call, true the first time */
unsigned int term_columns(const struct top_term *t);
unsigned int term_rows(const struct top_term *t);
bool term_pressed(struct top_term *t);		/* a key may be there: cheap, asks no kernel */
int term_key(struct top_term *t);		/* enum top_key or a character */
void term_draw(struct top_term *t, const struct page *p);
const char *term_said(struct top_term *t);	/* the last line on standard error; "": none yet */

#endif
