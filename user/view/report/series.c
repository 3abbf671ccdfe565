// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>

#include "series.h"

static void merge(struct point *p, const struct point *later)
{
	if (later->min < p->min)
		p->min = later->min;
	if (later->max > p->max)
		p->max = later->max;
	p->last = later->last;
}

static void widen(struct series *s, uint64_t interval_ns)
{
	uint32_t i, n = 0;

	s->interval_ns = interval_ns;
	for (i = 0; i < s->n; i++) {
		if (n && s->points[i].t_ns - s->points[n - 1].t_ns < interval_ns)
			merge(&s->points[n - 1], &s->points[i]);
		else
			s->points[n++] = s->points[i];
	}
	s->n = n;
}

void series_thin(struct series *s, uint32_t most)
{
	uint64_t least_ns;

	if (s->n <= most)
		return;
	least_ns = (s->points[s->n - 1].t_ns - s->points[0].t_ns) / most + 1;
	widen(s, s->interval_ns * 2 > least_ns ? s->interval_ns * 2 : least_ns);
	while (s->n > most)
		widen(s, s->interval_ns * 2);
}

/* Grows while it may, then makes room. 0: there is none. */
static int make_room(struct series *s)
{
	uint32_t size = s->size ? s->size * 2 : 64;
	struct point *bigger;

	if (s->n < s->size)
		return 1;
	if (s->size == SERIES_POINTS) {
		series_thin(s, SERIES_POINTS / 2);
		return 1;
	}
	if (size > SERIES_POINTS)
		size = SERIES_POINTS;
	bigger = realloc(s->points, size * sizeof(*bigger));
	if (!bigger)
		return 0;
	s->points = bigger;
	s->size = size;
	return 1;
}

void series_add(struct series *s, uint64_t t_ns, uint32_t value)
{
	const struct point point = { t_ns, value, value, value };
	struct point *last = s->n ? &s->points[s->n - 1] : NULL;

	if (last && last->last == value)
		return;
	if (last && t_ns < last->t_ns + s->interval_ns) {
		merge(last, &point);
		return;
	}
	if (!make_room(s)) {
		s->left++;
		return;
	}
	s->points[s->n++] = point;
}

void series_free(struct series *s)
{
	free(s->points);
	*s = (struct series){ 0 };
}
