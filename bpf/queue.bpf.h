/* SPDX-License-Identifier: GPL-2.0-only */
/* Records of a listener's queues, as both the exact hooks and the tracepoints write them. */
#ifndef TCPTRACE_QUEUE_BPF_H
#define TCPTRACE_QUEUE_BPF_H

#include "segment.bpf.h"

static __always_inline void emit_request(__u32 event, const struct request_sock *req,
					 const struct sock *listener, __u8 cause)
{
	struct tcptrace_record *r = reserve(event);

	if (!r)
		return;
	set_request(r, req, listener);
	r->cause = cause;
	submit(r);
}

/*
 * Into the SYN queue, and its SYN-ACK leaves: one record, and two events that are lost if there is no room.
 * ahead: right before, the numbers are those right after.
 */
static __always_inline void emit_synq_add(const struct request_sock *req, const struct sock *listener, bool ahead)
{
	struct tcptrace_record *r = reserve(TCPTRACE_SYNQ_ADD);

	if (!r) {
		__sync_fetch_and_add(&lost[TCPTRACE_SYNACK], 1);
		return;
	}
	set_request(r, req, listener);
	r->synq += ahead;
	r->synq_young += ahead;
	r->new = TCPTRACE_SYNACK_TOO;
	submit(r);
}

/* Of a child of Fast Open, which answers the SYN itself. */
static __always_inline void emit_child_synack(const struct sock *child, const struct sock *listener)
{
	struct tcptrace_record *r = reserve(TCPTRACE_SYNACK);

	if (!r)
		return;
	set_sock(r, child);
	set_queues(r, listener);
	submit(r);
}

/*
 * Tracepoints: the child that came last on this CPU enters its listener's accept queue, which is not to be
 * told twice.
 */
static __always_inline void tp_acceptq_add(const struct sock *child, __u8 cause, __u64 now)
{
	struct scratch *s = scratch();
	struct tcptrace_record *r;

	if (!s || s->child != (__u64)child)
		return;
	s->child = 0;
	r = reserve_at(TCPTRACE_ACCEPTQ_ADD, now);
	if (!r)
		return;
	set_sock(r, child);
	if (s->child_of)
		set_queues(r, TYPED((const struct sock *)s->child_of));
	/* told right before the insertion, in tcp_conn_request() */
	if (cause == TCPTRACE_ACCEPTQ_FASTOPEN)
		r->acceptq++;
	r->cause = cause;
	r->flags |= TCPTRACE_F_INFERRED;
	submit(r);
}

/* "full" with '>': kernels before 6.1.128 and 6.12.10 (3c5b4d69c358 backported) use '>='. */
static __always_inline bool synq_full(const struct sock *listener)
{
	const struct inet_connection_sock *icsk = TYPED((const struct inet_connection_sock *)listener);

	return (__u32)READ(icsk, icsk_accept_queue.qlen.counter) >=
	       READ(listener, sk_max_ack_backlog);
}

/* The kernel's own order of tests: SYN queue, accept queue, reserve. */
static __always_inline __u8 syn_drop_cause(const struct sock *listener, bool synq, bool acceptq)
{
	const struct inet_connection_sock *icsk = TYPED((const struct inet_connection_sock *)listener);
	struct net *net = READ(listener, __sk_common.skc_net.net);
	__u8 cookies = READ(net, ipv4.sysctl_tcp_syncookies);
	int max, qlen;

	if (synq && !cookies)
		return TCPTRACE_DROP_SYNQ_FULL;
	if (acceptq)
		return TCPTRACE_DROP_ACCEPTQ_SYN;
	max = READ(net, ipv4.sysctl_max_syn_backlog);
	qlen = READ(icsk, icsk_accept_queue.qlen.counter);
	if (!cookies && max - qlen < max >> 2)
		return TCPTRACE_DROP_SYNQ_QUARTER;
	return TCPTRACE_DROP_OTHER;
}

/*
 * A segment at a listener: refused (DROP), answered by a cookie or with one (COOKIE_SENT, _OK, _BAD), or a request goes
 * down by it (SYNQ_DEL). req is 0 where only the segment tells which one. A global function, see group.bpf.h.
 */
__noinline int write_segment(__u64 listener_addr, __u64 skb_addr, __u64 req, __u32 event, __u8 cause)
{
	const struct sock *listener = TYPED((const struct sock *)listener_addr);
	const struct sk_buff *skb = TYPED((const struct sk_buff *)skb_addr);
	struct tcptrace_record *r;
	struct segment seg;

	if (!wanted_of(listener, NULL) || !read_segment(&seg, skb))
		return 0;
	if (event == TCPTRACE_COOKIE_SENT && seg.flags & TH_ACK)	/* it is the answer */
		turn_segment(&seg);
	if (!ports_wanted(seg.dport, seg.sport))
		return 0;
	r = reserve(event);
	if (!r)
		return 0;
	set_common(r, (const struct sock_common *)listener);
	r->sk = req;
	if (req)
		r->flags |= TCPTRACE_F_REQUEST;
	set_queues(r, listener);
	set_segment(r, &seg);
	r->family = READ(listener, __sk_common.skc_family) == AF_INET6 ? 6 : 4;
	r->cause = cause;
	/* read off effects. A cookie that was good before there was no room for it: the model will tell of it */
	if (event == TCPTRACE_COOKIE_SENT || event == TCPTRACE_SYNQ_DEL ||
	    (cfg.tp_cookie && event == TCPTRACE_DROP && cause == TCPTRACE_DROP_ACCEPTQ_COOKIE))
		r->flags |= TCPTRACE_F_INFERRED;
	submit(r);
	return 0;
}

static __always_inline int emit_segment(const struct sock *listener, const struct sk_buff *skb,
					const struct request_sock *req, __u32 event, __u8 cause)
{
	return write_segment(number_of(listener), number_of(skb), number_of(req), event, cause);
}

static __always_inline int emit_drop(const struct sock *listener, const struct sk_buff *skb,
				     const struct request_sock *req, __u8 cause)
{
	return emit_segment(listener, skb, req, TCPTRACE_DROP, cause);
}

#endif
