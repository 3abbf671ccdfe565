/* SPDX-License-Identifier: GPL-2.0-only */
/* Which of many are shown: those with trouble, then the slowest, then some of the rest, evenly spread. */
#ifndef TCPTRACE_CHOOSE_H
#define TCPTRACE_CHOOSE_H

#include <stdint.h>

struct candidate {
	unsigned int trouble;		/* 0: none; the greater, the more it matters */
	uint64_t wait_ns;
	uint64_t spread;		/* by which the rest is drawn: choose_spread() of its number */
	void *what;
};

uint64_t choose_spread(uint64_t number);
/* Reorders n so that the first most are those to keep. */
void choose(struct candidate *c, unsigned int n, unsigned int most);

#endif
