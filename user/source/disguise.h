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
	struct {
		__u64 address, hash;
	} cached[DISGUISE_CACHED];	/* a connection has a dozen records, and a listener all of them */
};

void disguise_begin(struct disguise *d);			/* with a random key */
void disguise_record(struct disguise *d, struct tcptrace_record *rec);

#endif
