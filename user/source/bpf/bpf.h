/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside the BPF source; a file calls only those above it:
 *
 *     load.c      the programs: planned, loaded, attached
 *     drain.c     records of the rings, and of what exists among them, to the caller of poll()
 *     sweep.c     what exists: the tables of sockets, and descriptors
 *     bpf.c       open, poll, snapshot, statistics
 */
#ifndef TCPTRACE_BPF_H
#define TCPTRACE_BPF_H

#include "load.h"

struct bpf_source {
	struct source base;
	struct source_config cfg;
	struct load load;
	struct load more;		/* widen(); skel NULL: nothing */
	struct source_config more_cfg;
	uint64_t more_missed, more_skipped[RETRY_KINDS];	/* by those that are gone: by kprobes, by recursion */
	bool kprobes_untold;		/* the kernel does not say what a kprobe missed */
	struct rings rings;
	source_fn fn;			/* of the poll() in progress */
	void *ctx;
	int fn_ret;
	unsigned int drained;
	int found;			/* by the last drain of poll() */
	uint64_t delivered, lost[TCPTRACE_EVENT_MAX], lost_total;
	uint64_t looked_ns, told_ns;		/* when what was lost was asked last, and when there was any */
	uint64_t sweep_ns, sweep_every_ns;	/* for what ends in a queue and no hook sees; 0: hooks see it */
	uint64_t open_ns, open_every_ns;	/* for EVENTS_OPEN, 0: nobody asks */
	/* An upper bound of what is in a SYN queue or an accept queue, where it may end unseen. */
	uint64_t waiting;
	uint64_t waiting_low;		/* its minimum since the last sweep: more than these have not been in there since then */
	bool counts;			/* what enters and leaves is hooked; else `waiting` means nothing */
	bool told;			/* bpf/ sets synq_entered, which stands in where nothing is counted */
	bool entered;			/* it was set at the last sweep, which may have missed what was about to enter */
	bool cookies;			/* then a way out may belong to no way in */
	char note[SOURCE_WHY];
	bool resync;
	bool observed;			/* how events are seen has been said */
	struct tcptrace_record snap[CAPTURE_FOUND];	/* read of what exists, not yet handed on */
	size_t snap_n, snap_next;
};

/* drain.c. Hands on what is there now and older than until_ns: how many, or what fn returned, or -errno. */
int drain(struct bpf_source *s, uint64_t until_ns);
int tell_lost(struct bpf_source *s, bool last);		/* 0, or what fn returned */
/* Hands on s->snap, all of it, among what the hooks said meanwhile, in the order of time. 0, or what fn returned. */
int drain_with_snap(struct bpf_source *s);

/*
 * sweep.c. What exists, and who holds it, if that is asked, between two SNAPSHOT records. 0, or what fn returned, or
 * -errno.
 */
int sweep_all(struct bpf_source *s, bool owners);
void sweep_open(struct bpf_source *s);		/* what the plan leaves to sweeps */
/* May something be waiting that leaves its queue without an event? */
bool sweep_may_find(const struct bpf_source *s, uint64_t waiting);
int sweep_due(struct bpf_source *s, uint64_t now_ns);	/* those that are due: 0 or as sweep_all() */

#endif
