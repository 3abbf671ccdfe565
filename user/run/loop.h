/* SPDX-License-Identifier: GPL-2.0-only */
/* The loop of a run: takes records until something ends it. */
#ifndef TCPTRACE_LOOP_H
#define TCPTRACE_LOOP_H

#include "../model/model.h"
#include "../source/source.h"
#include "around.h"
#include "child.h"
#include "outputs.h"
#include "whereabouts.h"

struct loop {
	struct source *src;
	const struct select *select;
	struct models *models;
	struct model *model;		/* the first of these, and of a live run the only one */
	struct outputs *outputs;
	struct model_wants wants;	/* what these ask of the models */
	struct child *child;		/* ends the loop when it ends */
	struct whereabouts *places;	/* units and containers; NULL: they are not looked up (a replay) */
	bool callers;			/* a filter asks for them: of callers, too */
	struct around *around;		/* what findings ask of the machine; NULL: nothing (a replay) */
	bool left_behind;		/* it has ended, and processes that it started have not */
	bool live;			/* not a replay: time passes without records, too */
	uint64_t widened;		/* events that a view asked for while it runs, and the source was told to see */
	uint64_t deadline_ns;		/* CLOCK_MONOTONIC; 0: none */
	uint64_t lasts_ns;		/* -d of a replay, from its first record on; 0: to its end */
	uint64_t ends_ns;		/* the last moment of that; 0: no record has come */
	/* The loop's own, of a replay that a view plays (view_ops.play). */
	uint64_t until_ns;		/* records until that moment may be taken in */
	bool holds;			/* held lies beyond it */
	bool over;			/* no record is left */
	bool ending;			/* the run is over: who takes no more keeps no other output from the rest */
	uint64_t taken;			/* records */
	const char *noted;		/* source.note, when it was said last */
	struct tcptrace_record held;
};

/* One record into the model and to all outputs, as source_fn: 0, or LOOP_STOP when nothing more is wanted. */
int loop_record(void *loop, const struct tcptrace_record *rec);
/* As source.batch: all of them into the model, where no output takes records one by one; else none. */
unsigned int loop_batch(void *loop, const struct tcptrace_record *const *rec, unsigned int n);
#define LOOP_STOP	(-ECANCELED)
#define LOOP_HOLD	(-EBUSY)	/* it is held: not yet */

/* Until it ends: 0, or -errno of the source, whose error says more. */
int loop_run(struct loop *l);
void loop_heed_signals(struct loop *l);		/* what signals asked for, but to end */

#endif
