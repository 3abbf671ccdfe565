/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one hook leaves to another that runs later on the same CPU, within the processing of one segment:
 * arguments, from a function's entry to its return, and what it found out. All of these hooks run with softirqs off
 * and none runs inside itself, but for those of struct guard.
 *
 * With PREEMPT_RT softirqs are work of threads, which others preempt. A lock keeps those of one CPU apart, but newer
 * kernels do without it (7.2: CONFIG_PREEMPT_RT_NEEDS_BH_LOCK is not set): one thread may be in tcp_conn_request() when
 * another of the same CPU enters it. A thread is in one place at a time, so there the notes are the thread's.
 */
#ifndef TCPTRACE_NOTES_BPF_H
#define TCPTRACE_NOTES_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

/* tcp_conn_request() in progress */
struct conn_request {
	__u64	listener, skb;
	__u32	drops;			/* sk_drops when it began */
	__u32	answered;		/* a SYN-ACK was made */
	__u32	synq_full, acceptq_full;
};

/* tcp_v4_syn_recv_sock() or tcp_v6_syn_recv_sock() in progress */
struct syn_recv {
	__u64	listener, req, skb;
	__u32	full;			/* the accept queue when it began */
};

/* cookie_v4_check() or cookie_v6_check() in progress */
struct cookie_check {
	__u64	listener, skb;
};

/* tcp_retransmit_skb() in progress */
struct retransmit {
	__u64	sk, skb;
	__u32	total;			/* total_retrans when it began */
};

/* tcp_reset() in progress */
struct reset {
	__u64	sk;
	__u64	rst;			/* by a RST: its flag; 0: by data */
};

/* By tracepoints alone: tp/ */
struct tp_notes {
	__u64	child, child_of;	/* the passive child that came last, and its listener */
	__u64	answered;		/* the peer that got the last SYN-ACK, peer_key() */
};

#define GUARD_TOKENS	16

/* recursion.bpf.h */
struct guard {
	__u64	token[GUARD_TOKENS];
	__u32	next;
};

struct notes {
	struct conn_request conn_request;
	struct syn_recv syn_recv;
	struct cookie_check cookie;
	struct retransmit retransmit;
	struct reset reset;
	__u64	timer_req;		/* request whose timer runs */
	__u64	again_req, again_ns;	/* request that was sent a SYN-ACK again last, and when */
	__u64	killed_req;		/* request that tcp_req_err() or tcp_abort() takes down, */
	__s32	killed_ret;		/* this one with its -errno; else 0 */
	__u64	reset_tw;		/* minisock of which tcp_timewait_state_process() looks at a RST, */
	__u64	fin_tw;			/* or at a FIN */
	struct tp_notes tp;
	struct guard guard;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct notes);
} notes_map SEC(".maps");

/* With PREEMPT_RT: by thread. An LRU map: a thread that is between two hooks is among those used last. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);			/* CAPTURE_THREADS where it is used (user/source/bpf/load.c) */
	__type(key, __u32);
	__type(value, struct notes);
} thread_notes SEC(".maps");

static const struct notes no_notes;

static __always_inline struct notes *cpu_notes(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&notes_map, &zero);
}

/* Not inlined: where it is not used the verifier removes a call, not all of this at each place. */
static __noinline struct notes *notes_of_thread(void)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct notes *n = bpf_map_lookup_elem(&thread_notes, &tid);

	if (n)
		return n;
	bpf_map_update_elem(&thread_notes, &tid, &no_notes, BPF_NOEXIST);
	return bpf_map_lookup_elem(&thread_notes, &tid);
}

static __always_inline struct notes *notes(void)
{
	return cfg.thread_notes ? notes_of_thread() : cpu_notes();
}

#endif
