// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>

#include "choose.h"

/* Neighbours are far apart, and the order is the same in every run. */
uint64_t choose_spread(uint64_t number)
{
	uint64_t h = number * 0x9e3779b97f4a7c15ull;

	return (h ^ h >> 32) * 0x9e3779b97f4a7c15ull;
}

static int order(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int by_wait(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->trouble != y->trouble)
		return order(y->trouble, x->trouble);
	if (!x->trouble && x->wait_ns != y->wait_ns)
		return order(y->wait_ns, x->wait_ns);
	return order(x->spread, y->spread);
}

static int by_spread(const void *a, const void *b)
{
	return order(((const struct candidate *)a)->spread, ((const struct candidate *)b)->spread);
}

/* Half of the room that trouble leaves is for the slowest. */
void choose(struct candidate *c, unsigned int n, unsigned int most)
{
	unsigned int at = 0;

	if (n <= most)
		return;
	qsort(c, n, sizeof(*c), by_wait);
	while (at < most && c[at].trouble)
		at++;
	at += (most - at) / 2;
	qsort(c + at, n - at, sizeof(*c), by_spread);
}
