/* SPDX-License-Identifier: GPL-2.0-only */
/* The views that outputs have, by name: those of user/view/ and those that need a source (record, check). */
#ifndef TCPTRACE_RUN_VIEWS_H
#define TCPTRACE_RUN_VIEWS_H

#include "../options.h"

extern const struct view_ops view_record, view_check;

const struct view_ops *views_get(unsigned int i);		/* from 0; NULL past the last */
const struct view_ops *views_by_name(const char *name);		/* or NULL */

/* What all views of o ask of the capture: the other ends of what a filter names, too? */
bool views_want_both_ends(const struct options *o);
/* Events, as lib/events.h has them; 0: all. Of a command that is no run: what -e, -x and -q say. */
uint64_t views_events(const struct options *o);
/* As source_config.patience: none shows step by step, so a batch may be late by 20 ms. */
unsigned int views_patience(const struct options *o);

#endif
