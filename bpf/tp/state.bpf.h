/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tracepoint mechanism reads off transitions, as it has no hook of its own for it: close(), children and
 * their listeners, the way into the accept queue.
 */
#ifndef TCPTRACE_TP_STATE_BPF_H
#define TCPTRACE_TP_STATE_BPF_H

#include "../filter.bpf.h"
#include "../notes.bpf.h"
#include "../ring.bpf.h"

/*
 * close() has no tracepoint, but __tcp_close() sets sk_shutdown before the transition and nothing
 * else does, except shutdown(SHUT_RDWR), which is noted in 'calls'.
 */
static __always_inline bool tp_closes(const struct sock *sk, int old)
{
	const struct call *call;

	if (old != TCP_ESTABLISHED && old != TCP_SYN_SENT && old != TCP_SYN_RECV &&
	    old != TCP_CLOSE_WAIT && old != TCP_LISTEN)
		return false;
	if (READ(sk, sk_shutdown) != SHUTDOWN_MASK)
		return false;
	call = call_now();
	return !call || call->sk != (__u64)sk;
}

/*
 * The listener of a child at its first transition, in inet_csk_clone_lock(): the child is a copy of it, and the
 * head of its empty list of sent segments points to itself until tcp_create_openreq_child() makes that anew.
 */
static __always_inline const struct sock *cloned_from(const struct sock *child)
{
	const struct tcp_sock *tp = TYPED_PTR((const struct tcp_sock *)child);
	__u64 head = (__u64)READ(tp, tsorted_sent_queue.next);
	const struct sock *of;

	of = (const void *)(head - bpf_core_field_offset(struct tcp_sock, tsorted_sent_queue));
	of = TYPED_PTR(of);
	return sk_state(of) == TCP_LISTEN && is_tcp(of) ? of : NULL;
}

static __always_inline void child_begins(const struct sock *sk)
{
	const struct sock *listener = cloned_from(sk);
	struct notes *n = notes();

	if (n) {
		n->tp.child = (__u64)sk;
		n->tp.child_of = (__u64)listener;
	}
	if (cfg.by_pid && listener && sock_traced(listener))
		trace_sock(sk, TRACED_PID);
	/* its end takes it out again */
	if (cfg.by_lport && ASKED(DESTROY) && listener && port_bit(lports, READ(listener, __sk_common.skc_num)))
		trace_sock(sk, TRACED_PORT);
}

/* Anything of a child on its way into the accept queue. */
static __always_inline bool child_wanted(const struct sock *sk)
{
	struct notes *n = cfg.by_lport ? notes() : NULL;

	return n && n->tp.child == (__u64)sk && n->tp.child_of &&
	       wanted_of(TYPED_PTR((const struct sock *)n->tp.child_of), (const void *)sk);
}

/* Global function: verified once, not once per call. */
__noinline int write_close(__u64 addr, __u64 now)
{
	emit_close(TYPED_PTR((const struct sock *)addr), -1, now);
	return 0;
}

/* Of its request only the child is known. */
static __always_inline void joined_leaves_synq(const struct sock *child, __u64 listener, __u64 now)
{
	struct tcptrace_record *r = ASKED(SYNQ_DEL) ? reserve_at(TCPTRACE_SYNQ_DEL, now) : NULL;

	if (!r)
		return;
	set_sock(r, child);
	if (listener)
		set_queues(r, TYPED_PTR((const struct sock *)listener));
	r->cause = TCPTRACE_SYNQ_ESTABLISHED;
	submit(r);
}

/*
 * The child that came last on this CPU enters its listener's accept queue, or joins an MPTCP socket: recorded once. Its
 * address may have been given to another socket since: one that a program holds has never been in a queue.
 */
static __always_inline void tp_acceptq_add(const struct sock *child, __u8 cause, __u64 now)
{
	struct notes *n = notes();
	struct tcptrace_record *r;

	if (!n || n->tp.child != (__u64)child)
		return;
	n->tp.child = 0;
	if (has_joined(child)) {
		joined_leaves_synq(child, n->tp.child_of, now);
		return;
	}
	if (!ASKED(ACCEPTQ_ADD) || READ(child, sk_socket))
		return;
	r = reserve_at(TCPTRACE_ACCEPTQ_ADD, now);
	if (!r)
		return;
	set_sock(r, child);
	if (n->tp.child_of)
		set_queues(r, TYPED_PTR((const struct sock *)n->tp.child_of));
	/* recorded right before the insertion, in tcp_conn_request() */
	if (cause == TCPTRACE_ACCEPTQ_FASTOPEN)
		r->acceptq++;
	r->cause = cause;
	r->flags |= TCPTRACE_F_INFERRED;
	submit(r);
}

#endif
