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

static __always_inline void call_enter(const struct sock *sk, int fd, __u64 uaddr, int arg, __u64 now)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct call *place = call_place(id);
	struct call call = {
		.who = id, .t_ns = now, .sk = (__u64)sk, .uaddr = uaddr, .fd = fd, .arg = arg,
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

/* The registers of the system call that this thread is in; 5.15 and later. */
#define HAS_REGS	(HAS_CAST || bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs))

static __always_inline const struct pt_regs *call_regs(void)
{
	return TYPED((const struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf()));
}

static __always_inline bool wanted_connect(const struct sock *sk, __u16 rport)
{
	return !cfg.filtered || (caller_wanted(sk) && place_wanted(sk) &&
				 ports_wanted(READ(sk, __sk_common.skc_num), rport));
}

static __always_inline void emit_connect(const struct sock *sk, const __u8 *raddr, __u16 rport, int fd, __u64 now)
{
	struct tcptrace_record *r = reserve_at(TCPTRACE_CONNECT, now);

	if (!r)
		return;
	set_sock(r, sk);
	set_actor(r, fd);
	__builtin_memcpy(r->raddr, raddr, 16);
	r->rport = rport;
	submit(r);
}

/* connect() is about to be done. It may have come by sendto() or io_uring, which name no descriptor here. */
static __always_inline void connect_begins(const struct sock *sk, const __u8 *raddr, __u16 rport)
{
	__u64 now = bpf_ktime_get_ns();
	int fd = -1;

	if (!wanted_connect(sk, rport))
		return;
	if (HAS_REGS) {
		const struct pt_regs *regs = call_regs();

		if (READ(regs, orig_ax) == NR_connect) {
			fd = READ(regs, di);
			call_enter(sk, fd, 0, 0, now);
		}
	} else {
		const struct call *call = call_now();

		if (call && call->sk == (__u64)sk)
			fd = call->fd;
	}
	emit_connect(sk, raddr, rport, fd, now);
}

static __always_inline void emit_close(const struct sock *sk, int fd, __u64 now)
{
	struct tcptrace_record *r = reserve_at(TCPTRACE_CLOSE, now);

	if (!r)
		return;
	set_sock(r, sk);
	set_actor(r, fd);
	submit(r);
}

static __always_inline int close_hook(const struct sock *sk, int fd)
{
	sk = TYPED(sk);
	if (wanted(sk))
		emit_close(sk, fd, bpf_ktime_get_ns());
	return 0;
}

#endif
