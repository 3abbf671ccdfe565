/* SPDX-License-Identifier: GPL-2.0-only */
/* A short text of ours, made once and copied whole: two moves, however long it is. */
#ifndef TCPTRACE_WORD_H
#define TCPTRACE_WORD_H

#include "../lib/out.h"

struct word {
	char text[OUT_SLACK];
	uint8_t len;
};

static inline char *put_word(char *p, const struct word *w)
{
	memcpy(p, w, sizeof(*w));
	return p + w->len;
}

#endif
