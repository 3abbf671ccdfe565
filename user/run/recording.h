/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A recording that is begun and ended while a view runs, by a key (view.records). It is written into the current
 * directory, named for the time, and what fails is told to the view (view.record_error), which goes on.
 */
#ifndef TCPTRACE_RECORDING_H
#define TCPTRACE_RECORDING_H

#include <stdbool.h>
#include <stdint.h>

#include "../source/source.h"
#include "../view/view.h"

/* All zeros: none. */
struct recording {
	struct recorder *to;			/* NULL: none at present */
	bool fresh;				/* what there was before is not in it yet: a sweep is due */
	struct tcptrace_record observed;	/* how events are seen, as the source said last; event 0: not yet */
	char path[64];				/* a view shows it */
};

/* Begins or ends it as v asks. true: it is on, and records are to come. */
bool recording_heed(struct recording *r, struct view *v, uint64_t now_ns);
void recording_put(struct recording *r, struct view *v, const struct tcptrace_record *rec);	/* while it is on */
void recording_end(struct recording *r, struct view *v, int err);	/* err: -errno of what failed, or 0 */

#endif
