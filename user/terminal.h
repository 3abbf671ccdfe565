/* SPDX-License-Identifier: GPL-2.0-only */
/* What the other end of an output is like. */
#ifndef TCPTRACE_TERMINAL_H
#define TCPTRACE_TERMINAL_H

#include <stdbool.h>

unsigned int terminal_columns(int fd);	/* of the terminal; else $COLUMNS; else 0 */
bool terminal_color(int fd);		/* a terminal, not TERM=dumb, no NO_COLOR (no-color.org) */
bool terminal_utf8(void);		/* the locale, after setlocale() */

#endif
