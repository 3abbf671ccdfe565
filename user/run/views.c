// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "outfile.h"
#include "views.h"

static const struct view_ops *const views[] = {
#define VIEW_ENTRY(name) &view_##name,
	VIEWS(VIEW_ENTRY)
#undef VIEW_ENTRY
	&view_record,
	&view_check,
};

const struct view_ops *views_get(unsigned int i)
{
	return i < sizeof(views) / sizeof(views[0]) ? views[i] : NULL;
}

const struct view_ops *views_by_name(const char *name)
{
	const struct view_ops *ops;

	for (unsigned int i = 0; (ops = views_get(i)); i++) {
		if (!strcmp(ops->name, name))
			return ops;
	}
	return NULL;
}

bool views_want_both_ends(const struct options *o)
{
	bool both = views_by_name(o->view)->both_ends;

	for (unsigned int i = 0; i < o->nouts; i++)
		both |= o->outs[i].view->both_ends;
	return both;
}

/* What is shown step by step, and what the summary and the findings after it stand on. */
static uint64_t steps_events(const struct options *o)
{
	if (o->quiet && !o->count)
		return EVENTS_QUEUES | EVENTS_TROUBLE;
	return o->events ? o->events : o->trouble ? EVENTS_TROUBLE : 0;
}

/* 0: all. A recording without -e is to answer whatever is asked later. */
static uint64_t beside_events(const struct options *o, const struct view_ops *ops)
{
	return ops == &view_record ? o->events : ops->events;
}

uint64_t views_events(const struct options *o)
{
	const struct view_ops *main = o->view ? views_by_name(o->view) : NULL;
	uint64_t events = !main || main->steps ? steps_events(o) : main->events;

	if (events && o->fail_on)
		events |= EVENTS_TROUBLE;
	for (unsigned int i = 0; events && i < o->nouts; i++) {
		uint64_t own = beside_events(o, o->outs[i].view);

		events = own ? events | own : 0;
	}
	return events;
}

/* What a CPU makes in a nap of 20 ms, 1,000 connections of 5 records and more, has room in a ring of so many slots. */
#define PATIENCE_SLOTS	8192u
#define RECORDED_SLOTS	(4 * PATIENCE_SLOTS)	/* of 30 records and more */

unsigned int views_patience(const struct options *o)
{
	bool silent = o->quiet || !views_by_name(o->view)->steps || (!o->path && outfile_takes_stdout(o));

	for (unsigned int i = 0; i < o->nouts; i++)
		silent &= o->outs[i].view == &view_record;
	return !silent ? 0 : o->nouts ? RECORDED_SLOTS : PATIENCE_SLOTS;
}
