/* SPDX-License-Identifier: GPL-2.0-only */
/* One model for each machine whose records a run has: one, but where recordings of several are joined. */
#ifndef TCPTRACE_MODELS_H
#define TCPTRACE_MODELS_H

#include "../model/model.h"

struct models {
	struct model *of[MODEL_HOSTS];	/* by source.machine */
	unsigned int n;
};

/* Whose listener it is: model_limits.host has left its mark in the number. */
static inline const struct model *models_of(const struct models *m, const struct listener *l)
{
	return m->of[(l->id - 1) % m->n];
}

/*
 * fn gets the steps of all. replay: the same each time. only: as model_limits.only. 0, or -ENOMEM after a sentence on
 * standard error.
 */
int models_init(struct models *m, unsigned int n, bool replay, uint32_t only, model_event_fn fn,
		void *ctx);
void models_want(const struct models *m, const struct model_wants *wants);	/* as model_want(), of each */
int models_begin_again(struct models *m);	/* as model_begin_again() */
void models_until(const struct models *m, uint64_t t_ns);	/* as model_until(), of each */
void models_totals(const struct models *m, struct model_totals *sum);	/* of all together */
void models_free(struct models *m);

#endif
