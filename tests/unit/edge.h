/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of the program's edge share: cmocka, an output that can be read back, chance. */
#ifndef TEST_EDGE_H
#define TEST_EDGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../user/lib/out.h"

/* An output that nobody flushes: the text stays in its buffer. */
static inline struct out *buffer(void)
{
	static struct out o;

	if (!o.buf)
		assert_int_equal(out_open(&o, -1), 0);
	o.len = 0;
	o.error = 0;
	o.ascii = false;
	return &o;
}

static inline const char *text(struct out *o)
{
	out_char(o, 0);
	return o->buf;
}

/* xorshift: the same numbers in every run. */
static inline uint64_t chance(void)
{
	static uint64_t x = 0x9e3779b97f4a7c15ull;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

#endif
