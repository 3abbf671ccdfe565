// SPDX-License-Identifier: GPL-2.0-only
#include <stddef.h>

#include "failure.h"

struct failure *failures_add(struct failures *f, int32_t err, uint64_t t_ns)
{
	struct failure *e = f->of;

	while (e < f->of + FAILURE_ERRNOS && e->err && e->err != err)
		e++;
	if (e == f->of + FAILURE_ERRNOS) {
		f->other++;
		return NULL;
	}
	if (!e->count++)
		*e = (struct failure){ .err = err, .count = 1, .first_ns = t_ns };
	e->last_ns = t_ns;
	return e;
}

struct failure *failures_take(struct failures *f, int32_t err)
{
	for (unsigned int i = 0; i < FAILURE_ERRNOS; i++) {
		if (f->of[i].err == err && f->of[i].count) {
			f->of[i].count--;
			return &f->of[i];
		}
	}
	return NULL;
}

uint64_t failures_all(const struct failures *f)
{
	uint64_t sum = f->other;

	for (unsigned int i = 0; i < FAILURE_ERRNOS; i++)
		sum += f->of[i].count;
	return sum;
}

const struct failure *failures_most(const struct failures *f)
{
	const struct failure *most = NULL;

	for (unsigned int i = 0; i < FAILURE_ERRNOS; i++)
		if (f->of[i].count && (!most || f->of[i].count > most->count))
			most = &f->of[i];
	return most;
}
