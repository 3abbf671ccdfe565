/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which events are shown: -e and -x always; the filter of a live run only for a
 * replay, where no kernel applied it.
 */
#ifndef TCPTRACE_SELECT_H
#define TCPTRACE_SELECT_H

#include "../model/model.h"
#include "../source/source.h"
#include "../view/view.h"

struct select {
	uint64_t events;		/* bit per enum tcptrace_event; 0: all */
	bool trouble;			/* -x */
	uint64_t min_ns;		/* --min-ms */
	const struct filter *filter;	/* NULL: the source has applied it */
	const struct model *model;	/* knows where processes run */
	struct source *program;		/* its followed() says what -- PROGRAM did, where others are captured, too; or NULL */
};

bool select_event(const struct select *s, const struct model_event *ev);
bool select_filtered(const struct select *s, const struct model_event *ev);	/* the filter alone */
/* The same of a record that made no step: by its addresses alone. */
bool select_record(const struct select *s, const struct tcptrace_record *r);
unsigned int select_pick(void *select, const struct model_event *ev);	/* as view_config.picks: PICK_* */
bool select_trouble(const struct model_event *ev);	/* what -x shows */
bool select_listener(const struct select *s, const struct listener *l);

#endif
