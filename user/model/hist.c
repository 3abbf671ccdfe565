// SPDX-License-Identifier: GPL-2.0-only
/*
 * A histogram of durations, see hist.h. Nanoseconds 0 to 7 have a bucket each;
 * from 8 on the power of two picks a group and the next three bits the bucket.
 */
#include "hist.h"

#define SUB_BITS	3
_Static_assert(HIST_SUB == 1 << SUB_BITS, "the bucket is the bits below the highest one");

unsigned int hist_bucket(uint64_t ns)
{
	unsigned int high, idx;

	if (ns < HIST_SUB)
		return ns;
	high = 63 - __builtin_clzll(ns);
	idx = (high - SUB_BITS + 1) * HIST_SUB + ((ns >> (high - SUB_BITS)) & (HIST_SUB - 1));
	return idx < HIST_BUCKETS ? idx : HIST_BUCKETS - 1;
}

uint64_t hist_top(unsigned int idx)
{
	unsigned int group = idx / HIST_SUB;

	if (!group)
		return idx;
	return ((uint64_t)(HIST_SUB + idx % HIST_SUB + 1) << (group - 1)) - 1;
}

void hist_add(struct hist *h, uint64_t ns)
{
	uint32_t *b = &h->bucket[hist_bucket(ns)];

	if (*b != UINT32_MAX)
		(*b)++;
	h->count++;
	h->sum += ns;
	if (ns > h->max)
		h->max = ns;
}

uint64_t hist_shorter(uint64_t least, uint64_t ns)
{
	return least && least < ns ? least : ns ? ns : 1;
}

void hist_add_least(struct hist *h, uint64_t ns)
{
	hist_add(h, ns);
	h->least = hist_shorter(h->least, ns);
}

/* The value of a bucket; of a lower bound the smallest that it can be. */
static uint64_t value_of(const struct hist *h, unsigned int idx)
{
	uint64_t top = hist_top(idx) < h->max ? hist_top(idx) : h->max, bottom;

	if (!hist_is_least(h, top))
		return top;
	bottom = idx ? hist_top(idx - 1) + 1 : 0;
	return bottom > h->least ? bottom : h->least;
}

uint64_t hist_below(const struct hist *h, unsigned int power)
{
	unsigned int end = hist_bucket(1ull << power);
	uint64_t n = 0;

	for (unsigned int i = 0; i < end; i++)
		n += h->bucket[i];
	return n;
}

uint64_t hist_quantile(const struct hist *h, unsigned int permille)
{
	uint64_t rank, seen = 0;
	unsigned int i;

	if (!h->count)
		return 0;
	if (permille > 1000)
		permille = 1000;
	/* ceil(count * permille / 1000) without overflow; the first entry at least */
	rank = h->count / 1000 * permille + (h->count % 1000 * permille + 999) / 1000;
	if (!rank)
		rank = 1;
	for (i = 0; i < HIST_BUCKETS - 1; i++) {
		seen += h->bucket[i];
		if (seen >= rank)
			return value_of(h, i);
	}
	return h->max;		/* the last bucket has no top */
}
