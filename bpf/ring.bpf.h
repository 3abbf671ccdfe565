/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way out: every record is reserved, filled and submitted through the
 * functions here, so that one that finds no room is always counted.
 *
 * A ring for each CPU, all of them in one array that the reader maps. A record costs one addition
 * on a line of its CPU and its own stores: bpf_ringbuf_reserve() and _submit() take a lock and
 * wait for the record's lines to come, 100 ns of 200.
 */
#ifndef TCPTRACE_RING_BPF_H
#define TCPTRACE_RING_BPF_H

#include "arch.bpf.h"
#include "read.bpf.h"

/* May that event be written? Asked before the work: the verifier removes what is off. */
#define ASKED(sym)	(cfg.events & 1ull << TCPTRACE_##sym)

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);			/* set by the reader (user/source/bpf/load.c) */
	__type(key, __u32);
	__type(value, struct tcptrace_record);
} slots SEC(".maps");

/* How many records each slot has had: that of position p is complete when it is p / slots of the ring + 1. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);			/* as slots */
	__type(key, __u32);
	__type(value, __u64);
} slot_seq SEC(".maps");

/* Wakes the reader; what is in it says nothing. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} wakeup SEC(".maps");

static __always_inline __u32 slot_of(__u32 ring, __u64 at)
{
	return ring * cfg.ring_slots + (at & (cfg.ring_slots - 1));
}

/*
 * Claims the next slot of this CPU's ring. Before 5.12 (5ca419f2864a) there is no fetching add: two programs
 * of this CPU, one in an interrupt of the other, may read the same position. The one in the interrupt has
 * finished its records when the other goes on, so that ours is the first slot that is not complete.
 */
static __always_inline __u64 claim_slot(__u32 ring, struct ring_ends *ends)
{
	__u64 at, after;

	if (HAS_CAST || cfg.fetches)
		return __sync_fetch_and_add(&ends->head, 1);
	at = *(volatile __u64 *)&ends->head;
	__sync_fetch_and_add(&ends->head, 1);
	after = *(volatile __u64 *)&ends->head;
	for (int i = 0; i < 8 && at + 1 < after; i++) {
		__u32 slot = slot_of(ring, at);
		const __u64 *seq = bpf_map_lookup_elem(&slot_seq, &slot);

		if (!seq || *seq != at / cfg.ring_slots + 1)
			break;
		at++;
	}
	return at;
}

/*
 * Whether it is asked for or not. NULL: no room, counted. Everything but the addresses is set to "nothing". The time is
 * taken before the slot: a program that is preempted between the two must not leave a record whose time is later than
 * that of the records after it (user/source/bpf/ring.c merges the rings by the time of their next record). An eighth of a
 * ring is left free for those that have looked for room and not claimed their slot yet.
 */
static __always_inline struct tcptrace_record *reserve_any(__u32 event, __u64 now)
{
	__u32 cpu = bpf_get_smp_processor_id(), ring = cpu & cfg.ring_mask;
	struct ring_ends *ends = &ring_ends[ring & (CAPTURE_RINGS - 1)];
	struct tcptrace_record *r = NULL;

	if (ends->head - ends->tail < cfg.ring_slots - cfg.ring_slots / 8) {
		__u32 slot = slot_of(ring, claim_slot(ring, ends));

		r = bpf_map_lookup_elem(&slots, &slot);
	}
	if (!r) {
		__sync_fetch_and_add(&lost[event & (CAPTURE_EVENTS - 1)], 1);
		return NULL;
	}
	r->t_ns = now;
	r->listener = 0;
	r->pid = 0;
	r->tid = 0;
	r->fd = -1;
	r->req = 0;
	r->arg = 0;
	r->event = event;
	r->old = 0;
	r->new = 0;
	r->cause = 0;
	r->flags = 0;
	r->cpu = cpu;
	r->synq = 0;
	r->synq_young = 0;
	r->acceptq = 0;
	r->acceptq_max = 0;
	r->ret = 0;
	return r;
}

static __always_inline bool asked(__u32 event)
{
	return cfg.events >> (event & 63) & 1;
}

/* NULL: not asked for, or no room. */
static __always_inline struct tcptrace_record *reserve_at(__u32 event, __u64 now)
{
	return asked(event) ? reserve_any(event, now) : NULL;
}

/* The verifier takes no call out: what is not asked for must not get as far as the clock. */
static __always_inline struct tcptrace_record *reserve(__u32 event)
{
	return asked(event) ? reserve_any(event, bpf_ktime_get_ns()) : NULL;
}

/*
 * The record is there for the reader. Four things must be in order, whatever the machine:
 *
 * 1. The record, then its number. publish() is a release (arch.bpf.h); the reader loads the number with acquire
 *    semantics before it looks at the record (user/source/bpf/ring.c, next_time()).
 *
 * 2. The reader falls asleep, a writer wakes it. The reader stores reader_sleeps = 1, has a full barrier, loads
 *    `head` and sleeps if nothing is new. A writer adds to `head` in claim_slot(), which is a full barrier (an atomic
 *    that returns the old value; on x86 any locked instruction), and loads reader_sleeps here. With a full barrier
 *    between store and load on both sides at least one of the two sees the other's store: either the
 *    reader finds something new, or the writer wakes it.
 *
 * 3. A writer's reader_sleeps = 0 must not come after the 1 of a reader that it woke, or the next writer wakes nobody.
 *    bpf_ringbuf_output() commits with an xchg(), a full barrier, before it wakes: who is woken sees the 0. A reader that
 *    woke by itself may have its next 1 written over, but then this very wake-up is still to come.
 *
 * 4. The slot may be written over when the reader is done with it: it stores `tail` with release semantics, behind its
 *    loads of the record (tell()); our stores come after the branch that compared it (reserve_any()), which no machine
 *    lets stores overtake, and after the full barrier of 2.
 *
 * Emulation shows none of this: QEMU runs its CPUs in one thread.
 */
static __always_inline void submit(struct tcptrace_record *r)
{
	__u32 slot = 0;
	const void *first = bpf_map_lookup_elem(&slots, &slot);
	volatile __u64 *seq;

	slot = (__u32)((const void *)r - first) / sizeof(*r);
	seq = bpf_map_lookup_elem(&slot_seq, &slot);
	if (!seq)
		return;
	publish(seq);
	/* Two CPUs may both see the flag: one wake-up too many, never one too few. */
	if (reader_sleeps) {
		__u64 nothing = 0;

		reader_sleeps = 0;
		bpf_ringbuf_output(&wakeup, &nothing, sizeof(nothing), BPF_RB_FORCE_WAKEUP);
	}
}

/* A connection in the queue of its listener (NULL: not known), and what became of it there. NULL: as reserve(). */
static __always_inline struct tcptrace_record *reserve_child(__u32 event, const struct sock *child,
							     const struct sock *listener, __u8 cause)
{
	struct tcptrace_record *r = reserve(event);

	if (!r)
		return NULL;
	set_sock(r, child);
	if (listener)
		set_queues(r, listener);
	r->cause = cause;
	return r;
}

static __always_inline void emit_child(__u32 event, const struct sock *child, const struct sock *listener, __u8 cause)
{
	struct tcptrace_record *r = reserve_child(event, child, listener, cause);

	if (r)
		submit(r);
}

#endif
