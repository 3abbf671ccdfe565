/* SPDX-License-Identifier: GPL-2.0-only */
/* Which events are shown: -e and -x always; of the filter what no kernel applies, which is all of it in a replay. */
#ifndef TCPTRACE_SELECT_H
#define TCPTRACE_SELECT_H

#include "../model/finding.h"
#include "../options.h"
#include "models.h"

struct select {
	uint64_t events;		/* bit per enum tcptrace_event; 0: all */
	bool trouble;			/* -x */
	uint64_t min_ns;		/* --min-ms */
	const struct filter *filter;	/* NULL: the source applies all of it */
	struct filter own;		/* what filter points to, where it is a part of the user's */
	const struct models *models;	/* know where processes run */
	bool both_ends;			/* a view wants the other ends of what fits, too */
	uint32_t cut;			/* TCPTRACE_ONLY_*: what select_cuts() leaves out; 0: nothing */
	struct source *program;		/* its followed() says what -- PROGRAM did, where others are captured, too; or NULL */
};

/*
 * Before the source is opened, where an output wants both ends: a filter names one end of a connection, a ladder has
 * two. So the kernel hands on the other ends too and only follows the program's children, and what is shown is decided
 * here. The module's filter cannot turn ports around.
 */
void select_lift(struct select *s, struct options *o);
/* When it is open. */
void select_begin(struct select *s, const struct options *o, struct source *src, const struct models *m);

/*
 * Before the model, in a replay, as the kernel does while live: of connections whose other end is not what the filter
 * names nothing is counted at their listener.
 */
bool select_cuts(const struct select *s, const struct tcptrace_record *r);

bool select_event(const struct select *s, const struct model_event *ev);
bool select_filtered(const struct select *s, const struct model_event *ev);	/* the filter alone */
/* The same of a record that made no step: by its addresses alone. */
bool select_record(const struct select *s, const struct tcptrace_record *r);
/* Whether its other end may fit by its addresses, in whatever namespace it can be. */
bool select_other_end(const struct select *s, const struct tcptrace_record *r);
unsigned int select_pick(void *select, const struct model_event *ev);	/* as view_config.picks: PICK_* */
bool select_listener(const struct select *s, const struct listener *l);
/* Without a listener: where the filter would not have left out any of what it was counted from. */
bool select_finding(const struct select *s, const struct finding *f);

#endif
