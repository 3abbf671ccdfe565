// SPDX-License-Identifier: GPL-2.0-only
/*
 * What exists: iterators, run on demand, whose output is records. iter/tcp
 * covers the network namespace of whoever opens it and knows both queues, the
 * requests in them and minisocks; iter/task_file knows who holds what.
 */
#include "file.bpf.h"
#include "filter.bpf.h"
#include "tp/groups.bpf.h"

static __always_inline void clear(struct tcptrace_record *r)
{
	__builtin_memset(r, 0, sizeof(*r));
	r->t_ns = bpf_ktime_get_ns();
	r->event = TCPTRACE_EXISTS;
	r->fd = -1;
}

static __always_inline void set_listener(struct tcptrace_record *r, const struct sock *sk)
{
	set_queues(r, sk);
	set_device(r, sk);
	r->drops = READ(sk, sk_drops.counter);
	r->old = defer_accept(sk);
}

SEC("?iter/tcp")
int it_tcp(struct bpf_iter__tcp *ctx)
{
	const struct sock_common *c = ctx->sk_common;
	struct tcptrace_record r;
	__u8 state;

	if (!c)
		return 0;
	c = TYPED_PTR(c);
	state = READ(c, skc_state);
	if (state == TCP_TIME_WAIT && !cfg.timewaits)	/* a busy client or server has thousands */
		return 0;
	clear(&r);
	if (state == TCP_NEW_SYN_RECV) {
		const struct sock *listener = TYPED_PTR((const struct sock *)READ(c, skc_listener));

		if (!listener || !wanted_of(listener, c))
			return 0;
		set_request(&r, (const void *)c, listener);
	} else if (state == TCP_TIME_WAIT) {
		if (cfg.by_pid || cfg.cgroup || !minisock_wanted(c))
			return 0;
		set_common(&r, c);
		r.flags |= TCPTRACE_F_TIMEWAIT;
		state = READ(TYPED_PTR((const struct inet_timewait_sock *)c), tw_substate);
	} else {
		const struct sock *sk = TYPED_PTR((const struct sock *)c);

		if (cfg.tp_groups && state == TCP_LISTEN)
			group_join(sk);
		if (!wanted(sk))
			return 0;
		set_sock(&r, sk);
		if (state == TCP_LISTEN)
			set_listener(&r, sk);
		else if (!READ(sk, sk_socket) &&
			 !(READ(sk, __sk_common.skc_flags) & (1ul << SOCK_DEAD)))
			r.flags |= TCPTRACE_F_QUEUED;
		if (state == TCP_LISTEN && of_kernel(sk))
			set_kernel(&r);
		if (state != TCP_LISTEN)
			set_totals(&r, sk);
	}
	r.new = state;
	bpf_seq_write(ctx->meta->seq, &r, sizeof(r));
	return 0;
}

SEC("?iter/task_file")
int it_task_file(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct tcptrace_record r;
	struct sock *sk;
	__u64 id;
	__u32 pid;

	if (!task || !file)
		return 0;
	task = TYPED_PTR(task);
	file = TYPED_PTR(file);
	sk = file_sock(file);
	if (!sk)
		return 0;
	if (cfg.tp_groups && sk_state(sk) == TCP_LISTEN)	/* of a namespace that iter/tcp may not get to */
		group_join(sk);
	id = task_number(task);
	pid = id >> 32;
	if (cfg.by_pid) {
		if (!bpf_map_lookup_elem(&pids, &pid))
			return 0;
		trace_sock(sk, TRACED_PID);
	}
	if (!wanted(sk))
		return 0;
	clear(&r);
	set_sock(&r, sk);
	r.new = sk_state(sk);
	if (r.new == TCP_LISTEN)
		set_listener(&r, sk);
	r.pid = pid;
	r.tid = id;
	r.fd = ctx->fd;
	r.flags |= TCPTRACE_F_ACTOR;
	BPF_CORE_READ_INTO(&r.comm, task, group_leader, comm);
	bpf_seq_write(ctx->meta->seq, &r, sizeof(r));
	return 0;
}
