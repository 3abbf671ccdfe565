/* SPDX-License-Identifier: GPL-2.0-only */
/* A terminal that gives keys as they are pressed, and a picture that is drawn anew in one piece. */
#ifndef TCPTRACE_LAB_KEYS_H
#define TCPTRACE_LAB_KEYS_H

#include "../lib/out.h"

enum key {
	KEY_NONE = -1,			/* the time is over */
	KEY_GONE = -2,			/* a signal that ends us, or no terminal any more */
	KEY_RIGHT = 256, KEY_LEFT, KEY_UP, KEY_DOWN, KEY_OTHER,
};

/*
 * Standard input and out must be terminals, or -ENOTTY. From then on until it is closed, keys
 * come at once and are not echoed; keys_open() also takes a screen of its own, so that the
 * shell's comes back afterwards.
 */
int keys_open(struct out *out);
void keys_close(struct out *out);
int keys_open_here(struct out *out);
void keys_close_here(struct out *out);
int key_wait(int timeout_ms);		/* a character, a key, NONE or GONE; -1: for ever */

/* ---- a frame: lines from the top of the screen, each to its end; keys_rows() of them are seen ---- */
unsigned int keys_rows(const struct out *out);
void frame_begin(struct out *out);
void frame_line_end(struct out *out);
void frame_end(struct out *out);	/* what is below is empty; it is seen now */

#endif
