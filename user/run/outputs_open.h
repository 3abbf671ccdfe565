/* SPDX-License-Identifier: GPL-2.0-only */
/* What outputs_open.c makes, and outputs.c and sumup.c use. */
#ifndef TCPTRACE_RUN_OUTPUTS_OPEN_H
#define TCPTRACE_RUN_OUTPUTS_OPEN_H

#include "../view/wanted.h"
#include "about.h"
#include "outfile.h"
#include "outputs.h"
#include "recording.h"

struct output {
	struct view view;
	struct outfile file;
	bool takes;			/* it looks at each record: to keep it, to show its step, to tell machines apart */
	bool said;			/* why its view has failed */
};

struct outputs {
	const struct options *o;
	const struct select *select;
	struct source *src;
	const struct machine *machine;
	struct about about;
	uint64_t selected;		/* steps that passed: what -c counts */
	uint64_t events[TCPTRACE_EVENT_MAX];	/* steps that the filter selects, where more than these are captured */
	bool selects;			/* somebody asks which steps pass: a view that shows them, -c */
	bool takes;			/* any of them looks at each record */
	bool only_records;		/* nothing is asked for but recordings */
	uint64_t recorded;		/* records that an output which keeps them was given */
	bool ended;			/* outputs_end() was there: what they wrote is complete */
	bool stepped, passed;		/* the record at hand made a step; one that passes the filter */
	uint64_t begun_ns, next_ns;	/* -i: when the first interval began, and the one at hand ends; 0: not yet */
	struct wanted_pairs *pairs;	/* the filter selects connections: both ends of those it fits. NULL: ends */
	bool by_address;		/* ... and addresses alone say which */
	const struct models *models;
	struct recording recording;	/* what the main view's user asked for while it runs */
	uint64_t second_ns, second_shown;	/* when a second began, and what the main view had shown then */
	uint64_t show_until;		/* the run is over: the main view shows no more steps than these; 0: all */
	uint64_t hidden;		/* steps that it did not show for that */
	unsigned int n;
	struct output all[1 + OUTPUTS_MAX];	/* the first is the main view */
};

/* A view that shows step by step shows its summary alone with -q. */
static inline bool output_silent(const struct view *v)
{
	return v->ops->steps && v->cfg.quiet;
}

bool outputs_only_record(const struct outputs *s);	/* only_records, of all that comes, and nothing is counted */

#endif
