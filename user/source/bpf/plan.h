/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The capture plan: for each hook that is needed the first variant that this kernel can have, and by that
 * the programs to load, the switches in their configuration, how well each event is seen, and what `doctor` prints.
 * Made from the table of hooks and the kernel's features alone; the last word has the attempt to load and attach:
 * plan_reject() moves on to the next variant.
 */
#ifndef TCPTRACE_PLAN_H
#define TCPTRACE_PLAN_H

#include "features.h"
#include "hooks.h"

struct plan_options {
	enum mechanism only;		/* --mechanism; MECH_AUTO: the best */
	bool by_pid, follow;		/* as struct filter has it */
	uint64_t events;		/* asked for: lib/events.h */
};

#define VARIANT_NONE	(-1)		/* none is left */

struct choice {
	bool needed, made;
	int variant;			/* the one in use, once made */
	int err;			/* -errno of the first attempt that failed, or of what is not allowed here; 0:
					 * this kernel has what it has */
	char why[160];			/* why a better one was passed over, "" if none was */
};

struct plan {
	const struct features *features;
	struct plan_options options;
	uint64_t events;		/* what is asked for, and what that depends on */
	bool timewaits;			/* a snapshot tells of them */
	struct choice choice[HOOK_MAX];
	struct progs refused;		/* by this kernel, when they were tried */
	struct progs wanted;		/* to be loaded */
};

/* features stay the caller's, and as long as p. */
void plan_make(struct plan *p, const struct features *features, const struct plan_options *options);
/*
 * The program was refused with err, an errno, at that step ("load", "attach"): other variants are chosen. False: it
 * is none of the plan's.
 */
bool plan_reject(struct plan *p, unsigned int prog, const char *step, int err);
/* Does it do what another one was kept from? Then it is kept from nothing itself. */
bool plan_is_retry(unsigned int prog);
uint64_t plan_delivers(const struct plan *p, unsigned int prog);	/* events of its hooks */
/* A system-call tracepoint that the program is attached to beside its own, or NULL. */
const char *plan_also_at(unsigned int prog);
/* The switches that the plan turns on; the rest of c is the caller's. */
void plan_config(const struct plan *p, struct capture_config *c);
bool plan_sees_any(const struct plan *p);	/* an event as it happens, not by a snapshot alone */
enum tcptrace_seen plan_seen(const struct plan *p, unsigned int event);
/* Is one of these seen by samples alone, so that sweeps are needed? */
bool plan_samples(const struct plan *p, uint64_t events);
uint64_t plan_observed(const struct plan *p);		/* of all events, as an OBSERVED record has it */
/* One line of `doctor`: of the i-th hook that is needed; false past the last. */
bool plan_report(const struct plan *p, unsigned int i, struct hook_report *out);
const char *error_text(int err);			/* of -errno, the kernel's own too */

#endif
