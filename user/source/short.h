/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Half of most records is 0: transitions between IPv4 addresses, that say nothing of queues and nobody's call. In a
 * recording they take 64 bytes; the top bit of the time, which no clock reaches, tells. Other records are whole.
 */
#ifndef TCPTRACE_SHORT_H
#define TCPTRACE_SHORT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "../../kmod/uapi/tcptrace.h"

#define SHORT_SIZE	64u
#define SHORT_MARK	(1ull << 63)

typedef uint64_t __attribute__((may_alias)) record_word;

/* What is left out. */
static const struct tcptrace_record short_rest = { .tid = 0, .fd = -1 };

static inline bool short_fits(const struct tcptrace_record *rec)
{
	const record_word *w = (const record_word *)rec, *rest = (const record_word *)&short_rest;

	return !(w[2] | w[3] | (w[5] ^ rest[5]) | w[6] | w[8] | w[10] | w[14] | w[15]);
}

/* sk: the record's, or what stands for it. */
static inline void short_from(const struct tcptrace_record *rec, uint64_t sk, record_word *to)
{
	const record_word *w = (const record_word *)rec;

	to[0] = w[0] | SHORT_MARK;
	to[1] = sk;
	to[2] = w[4];			/* netns, pid */
	to[3] = w[7];			/* arg */
	to[4] = w[9];			/* second half of laddr */
	to[5] = w[11];			/* and of raddr */
	memcpy(to + 6, w + 12, 16);	/* lport to synq */
}

static inline void short_to_whole(const record_word *from, struct tcptrace_record *rec)
{
	record_word *w = (record_word *)rec;

	*rec = short_rest;
	w[0] = from[0] & ~SHORT_MARK;
	w[1] = from[1];
	w[4] = from[2];
	w[7] = from[3];
	w[9] = from[4];
	w[11] = from[5];
	memcpy(w + 12, from + 6, 16);
}

_Static_assert(sizeof(struct tcptrace_record) == 2 * SHORT_SIZE, "a short record is half of a whole one");

#endif
