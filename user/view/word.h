/* SPDX-License-Identifier: GPL-2.0-only */
/* A short text of ours, made once and copied whole: two moves, however long it is. */
#ifndef TCPTRACE_WORD_H
#define TCPTRACE_WORD_H

#include <errno.h>

#include "../lib/out.h"

struct word {
	char text[PUT_SLACK - 1];
	uint8_t len;
};

static inline int word_set(struct word *w, const char *s)	/* 0, or -EINVAL: too long */
{
	size_t n = strlen(s);

	if (n > sizeof(w->text))
		return -EINVAL;
	memcpy(w->text, s, n);
	w->len = (uint8_t)n;
	return 0;
}

/* The i-th; from last on they are all the same. */
static inline const struct word *word_of(const struct word *words, unsigned int i, unsigned int last)
{
	return &words[i < last ? i : last];
}

static inline char *put_word(char *p, const struct word *w)
{
	memcpy(p, w, sizeof(*w));
	return p + w->len;
}

#endif
