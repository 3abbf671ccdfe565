/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel addresses in a recording are identities, and nothing else: a keyed hash of
 * each does the same for a replay, and tells nobody where the kernel's memory is.
 */
#ifndef TCPTRACE_DISGUISE_H
#define TCPTRACE_DISGUISE_H

#include "../../kmod/uapi/tcptrace.h"

#define DISGUISE_CACHED	256u

struct disguise {
	__u64 key[2];
	struct disguised {
		__u64 address, hash;
	} cached[DISGUISE_CACHED];	/* a connection has a dozen records, and a listener all of them */
};

void disguise_begin(struct disguise *d);			/* with a random key */
__u64 disguise_anew(struct disguise *d, struct disguised *cached, __u64 address);

static inline __u64 disguise(struct disguise *d, __u64 address)
{
	struct disguised *c = &d->cached[address * 0x9e3779b97f4a7c15ull >> 56];

	return c->address == address ? c->hash : disguise_anew(d, c, address);
}

/* The members that hold addresses; in notes they hold counts. */
static inline void disguise_record(struct disguise *d, struct tcptrace_record *rec)
{
	if (tcptrace_event_class(rec->event) == TCPTRACE_NOTE)
		return;
	rec->sk = disguise(d, rec->sk);
	if (rec->listener)
		rec->listener = disguise(d, rec->listener);
	if (!(rec->flags & TCPTRACE_F_ACTOR) && rec->req && !tcptrace_has_totals(rec))
		rec->req = disguise(d, rec->req);
}

_Static_assert(DISGUISE_CACHED == 1u << 8, "disguise() takes so many bits of a hash");

#endif
