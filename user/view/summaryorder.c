// SPDX-License-Identifier: GPL-2.0-only
/* In which order people read of listeners: those with trouble first, then the busy ones. */
#include <stdlib.h>

#include "view.h"

static uint64_t trouble_of(const struct listener *l)
{
	return listener_refused(l) + l->causes[TCPTRACE_SYNQ_EXPIRED] + l->causes[TCPTRACE_ACCEPTQ_CLOSED] +
	       l->cookies_sent + l->accept_errors + l->ghosts;
}

static int descending(uint64_t a, uint64_t b)
{
	return a == b ? 0 : a > b ? -1 : 1;
}

static int by_trouble(const void *a, const void *b)
{
	const struct listener *x = *(const struct listener *const *)a, *y = *(const struct listener *const *)b;
	int order = descending(trouble_of(x), trouble_of(y));

	if (!order)
		order = descending(x->acceptq.now, y->acceptq.now);
	if (!order)
		order = descending(x->established, y->established);
	return order ? order : x->id < y->id ? -1 : 1;
}

const struct listener **listeners_by_trouble(const struct model *m, uint32_t *n)
{
	const struct listener **all;
	uint32_t i;

	for (*n = 0; model_listener(m, *n); ++*n)
		;
	all = calloc(*n + 1ul, sizeof(*all));
	for (i = 0; all && i < *n; i++)
		all[i] = model_listener(m, i);
	if (all)
		qsort(all, *n, sizeof(*all), by_trouble);
	return all;
}
