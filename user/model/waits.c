// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "waits.h"

struct waits_part {
	struct waits_part *next;
	uint32_t group;			/* its buckets are group * HIST_SUB and the following */
	uint32_t bucket[HIST_SUB];
};

/* All powers of two in all of them: so none that is taken is missing. */
int waits_init(struct pool *parts, uint32_t waits)
{
	return pool_init(parts, sizeof(struct waits_part), (size_t)waits * (HIST_BUCKETS / HIST_SUB));
}

static struct waits_part *part_of(struct pool *parts, struct waits *w, uint32_t group)
{
	struct waits_part **at = &w->first, *part;

	while (*at && (*at)->group != group)
		at = &(*at)->next;
	part = *at;
	if (part) {
		*at = part->next;
	} else {
		part = pool_take(parts);
		part->group = group;
	}
	part->next = w->first;
	w->first = part;
	return part;
}

void waits_add(struct pool *parts, struct waits *w, uint64_t ns)
{
	unsigned int i = hist_bucket(ns);
	struct waits_part *part = w->first;
	uint32_t *b;

	if (!part || part->group != i / HIST_SUB)
		part = part_of(parts, w, i / HIST_SUB);
	b = &part->bucket[i % HIST_SUB];
	*b += *b != UINT32_MAX;
	w->count++;
	w->sum += ns;
	if (ns > w->max)
		w->max = ns;
}

void waits_add_least(struct pool *parts, struct waits *w, uint64_t ns)
{
	waits_add(parts, w, ns);
	if (!w->open++ || ns < w->least)
		w->least = ns;
}

void waits_end(struct pool *parts, struct waits *w)
{
	while (w->first) {
		struct waits_part *part = w->first;

		w->first = part->next;
		pool_give(parts, part);
	}
}

void waits_hist(const struct waits *w, struct hist *out)
{
	*out = (struct hist){ .count = w->count, .sum = w->sum, .max = w->max, .open = w->open, .least = w->least };
	for (const struct waits_part *part = w->first; part; part = part->next)
		memcpy(&out->bucket[part->group * HIST_SUB], part->bucket, sizeof(part->bucket));
}
