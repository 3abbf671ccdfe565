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

void hist_add_least(struct hist *h, uint64_t ns)
{
	hist_add(h, ns);
	if (!h->open++ || ns < h->least)
		h->least = ns;
}

uint64_t hist_below(const struct hist *h, unsigned int power)
{
	unsigned int end = hist_bucket(1ull << power);
	uint64_t n = 0;

	for (unsigned int i = 0; i < end; i++)
		n += h->bucket[i];
	return n;
}

/* Which entry, from 1 on: ceil(count * permille / 1000) without overflow; the first at least. */
static uint64_t rank_of(const struct hist *h, unsigned int permille)
{
	uint64_t rank;

	if (permille > 1000)
		permille = 1000;
	rank = h->count / 1000 * permille + (h->count % 1000 * permille + 999) / 1000;
	return rank ? rank : 1;
}

static unsigned int bucket_at(const struct hist *h, uint64_t rank)
{
	uint64_t seen = 0;
	unsigned int i;

	for (i = 0; i < HIST_BUCKETS - 1; i++) {
		seen += h->bucket[i];
		if (seen >= rank)
			break;
	}
	return i;
}

/* The last bucket has no top. */
static uint64_t top_of(const struct hist *h, unsigned int idx)
{
	return idx < HIST_BUCKETS - 1 && hist_top(idx) < h->max ? hist_top(idx) : h->max;
}

/* If those that may be longer were longer than all others, it would be the one that is `open` further on. */
bool hist_is_least(const struct hist *h, unsigned int permille)
{
	uint64_t rank = rank_of(h, permille);
	unsigned int i;

	if (!h->open)
		return false;
	i = bucket_at(h, rank);
	return top_of(h, i) >= h->least && (rank + h->open > h->count || bucket_at(h, rank + h->open) != i);
}

uint64_t hist_quantile(const struct hist *h, unsigned int permille)
{
	unsigned int i;
	uint64_t bottom;

	if (!h->count)
		return 0;
	i = bucket_at(h, rank_of(h, permille));
	if (!hist_is_least(h, permille))
		return top_of(h, i);
	bottom = i ? hist_top(i - 1) + 1 : 0;
	return bottom > h->least ? bottom : h->least;
}
