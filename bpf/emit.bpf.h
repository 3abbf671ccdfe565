/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way out: every record is reserved, filled and submitted through the
 * functions here, so that one that finds no room is always counted.
 */
#ifndef TCPTRACE_EMIT_BPF_H
#define TCPTRACE_EMIT_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_endian.h>
#include "../kmod/uapi/tcptrace.h"
#include "config.h"

/* Defined in state.bpf.c. */
extern const volatile struct capture_config cfg;
extern const volatile __u64 lports[CAPTURE_PORT_WORDS];
extern const volatile __u64 rports[CAPTURE_PORT_WORDS];

/*
 * This source is compiled twice (Makefile): HAS_CAST for kernels that give a pointer of any origin a type, so that
 * its members are loads (bpf_rdonly_cast(), 6.2 fd264ca02094); without it for those before.
 *
 * TYPED(p): a pointer that READ() may be given: of an argument, a number, or a member whose type does not say
 * what it points to (one of a union, a void *). What READ() comes back with by way of a typed member is
 * typed. A call for the compiler, nothing for the kernel: once for each pointer, not for each READ().
 */
#if HAS_CAST
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym;

#define TYPE_CASE(type)	struct type *: cfg.types.type, const struct type *: cfg.types.type,
#define TYPE_OF(p)	_Generic((p), KERNEL_TYPES(TYPE_CASE) struct nobody *: 0)
#define TYPED(p)	((typeof(p))bpf_rdonly_cast((p), TYPE_OF(p)))
#else
#define TYPED(p)	(p)
#endif

/* Set by the reader before it sleeps; whoever writes the next record clears it and wakes it. */
extern volatile __u32 reader_sleeps;

/*
 * The way out: a ring for each CPU in one array that the reader maps. A record costs one addition on a
 * line of its CPU and its own stores: bpf_ringbuf_reserve() and _submit() take a lock and wait for the
 * record's lines to come, a hundred ns of two hundred.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);			/* set by the reader (user/source/load.c) */
	__type(key, __u32);
	__type(value, struct tcptrace_record);
} slots __weak SEC(".maps");

/* How many records have been written to each slot: one in its lap is there when this is the lap + 1. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);			/* as slots */
	__type(key, __u32);
	__type(value, __u64);
} laps __weak SEC(".maps");

/* Wakes the reader; what is in it says nothing. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} bell __weak SEC(".maps");

extern struct ring_ends ring_ends[CAPTURE_RINGS];

/*
 * Records that found no room, by event; events that only the second of two programs saw. In memory
 * that the reader maps: a bpf() call of its own would put off programs of its CPU (bpf_prog_active).
 */
extern __u64 lost[CAPTURE_EVENTS];
extern __u64 redone;

#define DONE	16

/*
 * Carries arguments from a function's entry to its return, and notes between
 * hooks that run within one packet's processing. Per CPU: all of these run with
 * softirqs off and none runs inside itself; done[] is for those that do not.
 */
struct scratch {
	__u64	cr_listener, cr_skb;	/* tcp_conn_request in progress */
	__u32	cr_drops;		/* sk_drops when it began */
	__u32	cr_answered;		/* a SYN-ACK was made */
	__u32	cr_synq_full, cr_acceptq_full;
	__u64	sr_listener, sr_req, sr_skb;	/* tcp_v4_syn_recv_sock in progress */
	__u32	sr_full;
	__u64	hd_listener, hd_child, hd_req;	/* inet_csk_complete_hashdance in progress */
	__u64	qa_listener, qa_child, qa_req;	/* inet_csk_reqsk_queue_add in progress */
	__u64	cc_listener, cc_skb;	/* cookie_v4_check in progress */
	__u64	timer_req;		/* request whose timer runs */
	__u64	killed_req;		/* request that tcp_req_err or tcp_abort takes down */
	__u64	child, child_of;	/* tracepoints: passive child seen last, and its listener */
	__u64	answered;		/* tracepoints: the peer that got the last SYN-ACK, peer_key() */
	struct { __u64 net, sent; } cookies[8];	/* what this CPU has counted of a namespace's: cookie_sent() */
	__u64	done[DONE];		/* see did() */
	__u32	done_next;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} scratch_map __weak SEC(".maps");

static __always_inline struct scratch *scratch(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&scratch_map, &zero);
}

/*
 * The kernel does not run a program inside itself: while one is interrupted or, on preemptible kernels,
 * put off its CPU, what else it should see there is skipped; measured on 6.18, one transition in a
 * thousand at 20,000 connections a second, with 7.2's preemptible system-call tracepoints one call in
 * twenty. So there are two of each that can be caught so, NAME and NAME_again: what the first has done
 * it notes, and the second, which runs right behind it, does the rest.
 */
enum { DID_STATE, DID_DESTROY = 0x1000, DID_RST_SENT, DID_RST_RECEIVED, DID_CONNECT, DID_ACCEPT, DID_TAKE,
       DID_CLOSE, DID_SYSCALL };

/* who: a kernel address or pid_tgid; both leave their top bits to say what. */
static __always_inline void did(__u64 who, __u16 what)
{
	struct scratch *s = scratch();
	__u32 i;

	if (!s)
		return;
	for (i = 0; i < DONE; i++)
		if (!s->done[i])
			break;
	if (i == DONE)			/* left by threads that went on elsewhere in between */
		i = s->done_next++;
	s->done[i & (DONE - 1)] = who ^ (__u64)what << 48;
}

/* Has the first program seen to it? Asked once. */
static __always_inline bool was_done(__u64 who, __u16 what)
{
	__u64 key = who ^ (__u64)what << 48;
	struct scratch *s = scratch();

	if (!s)
		return true;
	for (__u32 i = 0; i < DONE; i++) {
		if (s->done[i] == key) {
			s->done[i] = 0;
			return true;
		}
	}
	__sync_fetch_and_add(&redone, 1);
	return false;
}

static __always_inline __u32 slot_of(__u32 ring, __u64 at)
{
	return ring * cfg.ring_slots + (at & (cfg.ring_slots - 1));
}

/*
 * The position of the next record of a ring, for whoever asks alone. Before 5.12 an addition does not
 * say what was there; what can come between there is an interrupt of this CPU, which has finished its
 * records when we go on: ours is the first that is not.
 */
static __always_inline __u64 take(__u32 ring, struct ring_ends *ends)
{
	__u64 at, after;

	if (HAS_CAST || cfg.fetches)
		return __sync_fetch_and_add(&ends->head, 1);
	at = *(volatile __u64 *)&ends->head;
	__sync_fetch_and_add(&ends->head, 1);
	after = *(volatile __u64 *)&ends->head;
	for (int i = 0; i < 8 && at + 1 < after; i++) {
		__u32 slot = slot_of(ring, at);
		const __u64 *written = bpf_map_lookup_elem(&laps, &slot);

		if (!written || *written != at / cfg.ring_slots + 1)
			break;
		at++;
	}
	return at;
}

/*
 * NULL: no room, counted. Everything but the addresses is set to "nothing". The time is taken first: whoever
 * is put off between the two must not be found in a ring with a time later than that of what others
 * wrote behind it (user/source/ring.c puts the rings in order by the times at their heads). An eighth of a
 * ring is left free for those who have looked for room and not taken it yet.
 */
static __always_inline struct tcptrace_record *reserve_at(__u32 event, __u64 now)
{
	__u32 cpu = bpf_get_smp_processor_id(), ring = cpu & cfg.ring_mask;
	struct ring_ends *ends = &ring_ends[ring & (CAPTURE_RINGS - 1)];
	struct tcptrace_record *r = NULL;

	if (ends->head - ends->tail < cfg.ring_slots - cfg.ring_slots / 8) {
		__u32 slot = slot_of(ring, take(ring, ends));

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

static __always_inline struct tcptrace_record *reserve(__u32 event)
{
	return reserve_at(event, bpf_ktime_get_ns());
}

/* x86 keeps stores in order; the addition in take() has kept the look at reader_sleeps behind it. */
static __always_inline void submit(struct tcptrace_record *r)
{
	__u32 slot = 0;
	const void *first = bpf_map_lookup_elem(&slots, &slot);
	volatile __u64 *written;

	slot = (__u32)((const void *)r - first) / sizeof(*r);
	written = bpf_map_lookup_elem(&laps, &slot);
	if (!written)
		return;
	barrier();
	*written += 1;
	/* Two CPUs may both see the flag: one wake-up too many, never one too few. */
	if (reader_sleeps) {
		__u64 nothing = 0;

		reader_sleeps = 0;
		bpf_ringbuf_output(&bell, &nothing, sizeof(nothing), BPF_RB_FORCE_WAKEUP);
	}
}

/* The caller of a system call: process context only. */
static __always_inline void set_actor(struct tcptrace_record *r, int fd)
{
	__u64 id = bpf_get_current_pid_tgid();

	r->pid = id >> 32;
	r->tid = (__u32)id;
	r->fd = fd;
	r->flags |= TCPTRACE_F_ACTOR;
	if (HAS_CAST) {		/* as two loads: the helper takes 40 ns */
		const struct task_struct *task = TYPED((const struct task_struct *)bpf_get_current_task());

		r->req = *(const __u64 *)&task->comm[0];
		r->arg = *(const __u64 *)&task->comm[8];
	} else {
		bpf_get_current_comm(r->comm, sizeof(r->comm));
	}
}

#endif
