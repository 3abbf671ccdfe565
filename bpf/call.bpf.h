/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The call that a thread is in, from its entry to its return. A thread has a place of its own, by
 * its number; where another one is in that place (their numbers are CAPTURE_CALLS apart), it goes
 * into a hash table, which costs 250 ns a call more.
 */
#ifndef TCPTRACE_CALL_BPF_H
#define TCPTRACE_CALL_BPF_H

#include "read.bpf.h"

struct call {
	__u64	who;		/* pid_tgid; 0: nobody is in this place */
	__u64	t_ns;
	__u64	sk;
	__u64	uaddr;		/* bind, connect: the caller's sockaddr */
	__s32	fd;
	__s32	arg;		/* listen: backlog */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CAPTURE_CALLS);
	__type(key, __u32);
	__type(value, struct call);
} calls __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CAPTURE_CALLS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);	/* pid_tgid */
	__type(value, struct call);
} more_calls __weak SEC(".maps");

extern __u32 calls_clashed;	/* something has been in more_calls */

static __always_inline struct call *call_place(__u64 id)
{
	__u32 place = (__u32)id & (CAPTURE_CALLS - 1);

	return bpf_map_lookup_elem(&calls, &place);
}

static __always_inline void call_enter(const struct sock *sk, int fd, __u64 uaddr, int arg)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct call *place = call_place(id);
	struct call call = {
		.who = id, .t_ns = bpf_ktime_get_ns(), .sk = (__u64)sk, .uaddr = uaddr, .fd = fd, .arg = arg,
	};

	if (!place)
		return;
	if (!place->who || place->who == id) {
		*place = call;
		return;
	}
	calls_clashed = 1;
	bpf_map_update_elem(&more_calls, &id, &call, BPF_ANY);
}

/* NULL: it is in none that we saw begin. */
static __always_inline struct call *call_now(void)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct call *call = call_place(id);

	if (call && call->who == id)
		return call;
	return calls_clashed ? bpf_map_lookup_elem(&more_calls, &id) : NULL;
}

/* The call is over, or its thread is. False: we did not see it begin. */
static __always_inline bool call_return(struct call *out)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct call *call = call_now();

	if (!call)
		return false;
	*out = *call;
	call->who = 0;
	if (calls_clashed)
		bpf_map_delete_elem(&more_calls, &id);
	return true;
}

static __always_inline void emit_close(const struct sock *sk, int fd)
{
	struct tcptrace_record *r = reserve(TCPTRACE_CLOSE);

	if (!r)
		return;
	set_sock(r, sk);
	set_actor(r, fd);
	submit(r);
}

#endif
