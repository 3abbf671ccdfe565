/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading sockets and requests into records. All reads go through READ() at relocated
 * offsets, so that the same code serves fentry, kprobes and tracepoints.
 */
#ifndef TCPTRACE_READ_BPF_H
#define TCPTRACE_READ_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include "../kmod/uapi/tcptrace.h"
#include "config.h"

/*
 * HAS_CAST: for kernels that give a pointer of any origin a type, so that its members are loads
 * (bpf_rdonly_cast(), 6.2 fd264ca02094); without it for those before.
 *
 * TYPED_PTR(p): a pointer that READ() may be given: of an argument, a number, or a member whose type does not
 * say what it points to (one of a union, a void *). What READ() returns by way of a typed member is
 * typed. A call for the compiler, nothing for the kernel: once for each pointer, not for each READ().
 */
#if HAS_CAST
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym;

#define TYPE_CASE(type)	struct type *: cfg.types.type, const struct type *: cfg.types.type,
#define TYPE_OF(p)	_Generic((p), KERNEL_TYPES(TYPE_CASE) struct no_type *: 0)
#define TYPED_PTR(p)	((typeof(p))bpf_rdonly_cast((p), TYPE_OF(p)))
#else
#define TYPED_PTR(p)	(p)
#endif

/*
 * READ(sk, a.b, c): sk->a.b->c of a TYPED_PTR() sk. A load, which reads 0 where the kernel faults; before
 * 6.2 a call of bpf_probe_read_kernel() for each arrow, 35 ns where a load takes 1.
 */
#if HAS_CAST
#define READ(p, a, ...)	___arrow(p, a, ##__VA_ARGS__)
#else
#define READ(p, a, ...)	BPF_CORE_READ((p), a, ##__VA_ARGS__)
#endif

__u64 self_addr = 0;	/* where this variable is in the kernel, once learn_self_addr() has run */

/* Once: the address of a pointer in memory is a number there. */
__noinline int learn_self_addr(void)
{
	const void *at = &self_addr;

	return bpf_probe_read_kernel(&self_addr, sizeof(self_addr), &at);
}

/*
 * Makes a number of a pointer. Global BPF functions take scalars only, and the verifier forbids arithmetic with
 * pointers, but it lets one be subtracted from another: p - &self_addr is a number, and adding the address of
 * self_addr, which is learnt once, gives p's. (The other way, a store and bpf_probe_read_kernel(), takes 35 ns.)
 *
 *	p               0xffff888104a2c000   pointer
 *	&self_addr      0xffffc900001d1028   pointer
 *	p - &self_addr  0xffffbf81048dafd8   number
 *	 + self_addr    0xffff888104a2c000   number
 *
 * addr_of_untyped() is for what has no type to be given: contexts, maps and what is in them.
 */
static __always_inline __u64 addr_of_untyped(const void *p)
{
#if HAS_CAST
	const void *anchor = &self_addr;

	if (!p)
		return 0;
	if (!self_addr)
		learn_self_addr();
	asm volatile("%0 -= %1" : "+r"(p) : "r"(anchor));
	return (__u64)p + self_addr;
#else
	__u64 n = 0;

	bpf_probe_read_kernel(&n, sizeof(n), &p);
	return n;
#endif
}

/* Typed once more: for the verifier an argument may be a number already, from which nothing may be subtracted. */
#define addr_of(p)	addr_of_untyped(TYPED_PTR(p))

static __always_inline __u8 sk_state(const struct sock *sk)
{
	return READ(sk, __sk_common.skc_state);
}

static __always_inline bool is_inet(const struct sock *sk)
{
	__u16 family = READ(sk, __sk_common.skc_family);

	return family == AF_INET || family == AF_INET6;
}

/* A raw socket may have TCP's protocol number, too, but its struct is smaller and has no queues. */
static __always_inline bool is_tcp(const struct sock *sk)
{
	return is_inet(sk) && READ(sk, sk_protocol) == IPPROTO_TCP && READ(sk, sk_type) == SOCK_STREAM;
}

static __always_inline const struct net *net_of(const struct sock *sk)
{
	return READ(sk, __sk_common.skc_net.net);
}

/* Made by MPTCP for a socket that a program holds. */
static __always_inline bool is_subflow(const struct sock *sk)
{
	return bpf_core_field_exists(struct tcp_sock, is_mptcp) &&
	       READ(TYPED_PTR((const struct tcp_sock *)sk), is_mptcp);
}

/*
 * By MP_JOIN: one more for an MPTCP socket that is there. It came by a request, but no accept queue has it: tcp_check_req(),
 * tcp_get_cookie_sock().
 */
static __always_inline bool has_joined(const struct sock *sk)
{
	const struct mptcp_subflow_context *ctx;

	if (!bpf_core_type_exists(struct mptcp_subflow_context) || !is_subflow(sk))
		return false;
	ctx = READ(TYPED_PTR((const struct inet_connection_sock *)sk), icsk_ulp_data);
	return ctx && BPF_CORE_READ_BITFIELD_PROBED(ctx, mp_join);
}

/* The same of its request, when there is a child (5.7 90bf45134d55). */
static __always_inline bool req_has_joined(const struct request_sock *req)
{
	const struct tcp_request_sock *treq = TYPED_PTR((const struct tcp_request_sock *)req);

	return bpf_core_field_exists(struct tcp_request_sock, drop_req) && READ(treq, is_mptcp) && READ(treq, drop_req);
}

/* As sk_hashed() has it. */
static __always_inline bool req_hashed(const struct request_sock *req)
{
	return READ(req, __req_common.skc_nulls_node.pprev) != NULL;
}

static __always_inline __u32 sk_netns(const struct sock *sk)
{
	return READ(sk, __sk_common.skc_net.net, ns.inum);
}

static __always_inline const struct sock *req_listener(const struct request_sock *req)
{
	const struct sock *listener = READ(req, __req_common.skc_listener);

	return TYPED_PTR(listener);
}

static __always_inline void map_v4(__u8 *to, __be32 addr)
{
	*(__u64 *)to = 0;
	*(__u32 *)(to + 8) = bpf_htonl(0xffff);
	*(__u32 *)(to + 12) = addr;
}

static __always_inline void copy_v6(__u8 *to, const struct in6_addr *addr)
{
	if (HAS_CAST) {
		for (int i = 0; i < 4; i++)
			((__u32 *)to)[i] = addr->s6_addr32[i];
	} else {
		bpf_probe_read_kernel(to, 16, addr);
	}
}

/*
 * Identity and addresses of anything that begins with a sock_common: where each READ() is a call, out of one
 * copy of it: these members are in its first 96 bytes on all kernels before 6.2.
 */
static __always_inline void set_common(struct tcptrace_record *r, const struct sock_common *c)
{
	const struct sock_common *from = c;
#if !HAS_CAST
	__u64 copy[12];

	bpf_probe_read_kernel(copy, sizeof(copy), c);
	from = (const void *)copy;
#endif
	r->sk = (__u64)c;
	r->cookie = from->skc_cookie.counter;
	r->netns = READ(from->skc_net.net, ns.inum);
	r->lport = from->skc_num;
	r->rport = bpf_ntohs(from->skc_dport);
	if (from->skc_family == AF_INET) {
		r->family = 4;
		map_v4(r->laddr, from->skc_rcv_saddr);
		map_v4(r->raddr, from->skc_daddr);
	} else {
		r->family = 6;
		copy_v6(r->laddr, &from->skc_v6_rcv_saddr);
		copy_v6(r->raddr, &from->skc_v6_daddr);
	}
}

/*
 * The local port of a socket that has given it up: inet_put_port() clears skc_num, but not this one. Not for a socket
 * that begins again (connect(), listen()), whose next port may be another one: set_common() is.
 */
static __always_inline __u16 sk_sport(const struct sock *sk)
{
	return bpf_ntohs(READ(TYPED_PTR((const struct inet_sock *)sk), inet_sport));
}

static __always_inline __u16 sk_lport(const struct sock *sk)
{
	return READ(sk, __sk_common.skc_num) ?: sk_sport(sk);
}

static __always_inline void set_sock(struct tcptrace_record *r, const struct sock *sk)
{
	set_common(r, (const struct sock_common *)sk);
	if (!r->lport)
		r->lport = sk_sport(sk);
}

/*
 * Two numbers of 32 bits, which stand side by side in all kernels that we know: one call for both where READ() is
 * one.
 */
#define READ_TWO(p, a, b, to_a, to_b) do {							\
	if (!HAS_CAST && bpf_core_field_offset(typeof(*(p)), b) ==				\
			 bpf_core_field_offset(typeof(*(p)), a) + sizeof(__u32)) {		\
		__u64 both_ = 0;								\
												\
		bpf_core_read(&both_, sizeof(both_), &(p)->a);					\
		to_a = (__u32)both_;								\
		to_b = both_ >> 32;								\
	} else {										\
		to_a = READ(p, a);								\
		to_b = READ(p, b);								\
	}											\
} while (0)

/* Both queues of a listener, as they are now. */
static __always_inline void set_queues(struct tcptrace_record *r, const struct sock *listener)
{
	const struct inet_connection_sock *icsk = TYPED_PTR((const struct inet_connection_sock *)listener);

	r->listener = (__u64)listener;
	READ_TWO(icsk, icsk_accept_queue.qlen.counter, icsk_accept_queue.young.counter, r->synq, r->synq_young);
	READ_TWO(listener, sk_ack_backlog, sk_max_ack_backlog, r->acceptq, r->acceptq_max);
	r->flags |= TCPTRACE_F_QUEUES;
}

/* TCP_DEFER_ACCEPT, in timeouts of a SYN-ACK: a third packet without data is dropped until then; 0: not set. */
static __always_inline __u8 defer_accept(const struct sock *listener)
{
	return READ(TYPED_PTR((const struct inet_connection_sock *)listener), icsk_accept_queue.rskq_defer_accept);
}

/* Which device it is bound to. */
static __always_inline void set_device(struct tcptrace_record *r, const struct sock *listener)
{
	r->device = READ(listener, __sk_common.skc_bound_dev_if) + 1;
}

/* backlog: as the program gave it */
static __always_inline void set_listen(struct tcptrace_record *r, const struct sock *sk, int backlog)
{
	set_sock(r, sk);
	set_queues(r, sk);
	set_device(r, sk);
	r->backlog = backlog;
	r->somaxconn = READ(sk, __sk_common.skc_net.net, core.sysctl_somaxconn);
}

static __always_inline bool fin_received(const struct sock *sk)
{
	return READ(sk, __sk_common.skc_flags) & (1ul << SOCK_DONE);
}

/* The end of an hlist_nulls chain is an odd number, which says which chain it is. */
static __always_inline bool is_node(__u64 node)
{
	return node && !(node & 1);
}

static __always_inline __u64 word_at(__u64 addr)
{
	__u64 word = 0;

	bpf_probe_read_kernel(&word, sizeof(word), (const void *)addr);
	return word;
}

static __always_inline const struct inet_hashinfo *hashinfo_of(const struct net *net)
{
	const struct netns_ipv4___ptr *ipv4 = (const void *)&net->ipv4;

	if (bpf_core_field_exists(struct netns_ipv4, tcp_death_row.hashinfo))
		return BPF_CORE_READ(net, ipv4.tcp_death_row.hashinfo);
	return BPF_CORE_READ(ipv4, tcp_death_row, hashinfo);
}

/*
 * Bytes sent, each once. bytes_sent - bytes_retrans may be too much: what a full qdisc or a filter dropped counts each
 * time it was tried. So no more than bytes_acked + snd_nxt - snd_una, which count our FIN and a client's SYN (a server's
 * bytes_acked begins after its SYN). A server's is told by the limit that it has of its listener: sk_clone_lock().
 */
static __always_inline __u64 bytes_out(const struct sock *sk, const struct tcp_sock *tp)
{
	const __u32 closing = 1 << TCP_FIN_WAIT1 | 1 << TCP_FIN_WAIT2 | 1 << TCP_CLOSING | 1 << TCP_LAST_ACK;
	__u64 sent = READ(tp, bytes_sent) - READ(tp, bytes_retrans);
	__u32 next = READ(tp, snd_nxt);
	__u64 left = READ(tp, bytes_acked) + (__u32)(next - READ(tp, snd_una));

	left -= left && ((1 << sk_state(sk)) & closing) && next == READ(tp, write_seq);
	if (sent <= left)
		return sent;
	return left - (left && !READ(sk, sk_max_ack_backlog));
}

/*
 * In SYN_SENT: tcp_connect() has sent its SYN, and counted it (ActiveOpens). Fast Open gets there before
 * (TCP_FASTOPEN_CONNECT), with the numbers of a connection that tcp_disconnect() ended, which clears segs_out alone.
 */
static __always_inline bool syn_sent(const struct tcp_sock *tp)
{
	return READ(tp, snd_nxt) != READ(tp, snd_una) && READ(tp, segs_out);
}

/*
 * What became of a connection, tcptrace_has_totals(). Valid until tcp_disconnect() clears it, which is after the
 * transition to CLOSE. The peer's FIN counts as a byte received (bytes_received, rcv_nxt) once tcp_fin() has seen it.
 */
static __always_inline void set_totals(struct tcptrace_record *r, const struct sock *sk)
{
	const struct tcp_sock *tp = TYPED_PTR((const struct tcp_sock *)sk);
	bool fin = fin_received(sk);
	__u32 rcv_nxt, copied_seq;

	r->ret = -READ(sk, sk_err);
	r->segs_in = READ(tp, segs_in);
	r->segs_out = READ(tp, segs_out);
	if (!(r->segs_in | r->segs_out))
		return;
	READ_TWO(tp, rcv_nxt, copied_seq, rcv_nxt, copied_seq);
	r->unread = rcv_nxt - copied_seq;
	r->unread -= fin && r->unread;
	if (r->old == TCP_SYN_SENT)
		r->unread = READ(sk, sk_err_soft);
	if (sk_state(sk) != TCP_SYN_SENT || syn_sent(tp))
		r->undelivered = READ(tp, write_seq) - READ(tp, snd_una);
	r->bytes_in = READ(tp, bytes_received);
	r->bytes_in -= fin && r->bytes_in;
	r->bytes_out = bytes_out(sk, tp);
	r->retrans = READ(tp, total_retrans);
	r->srtt_us = READ(tp, srtt_us) >> 3;
	r->rtt_min_us = READ(tp, rtt_min.s[0].v);
}

/*
 * Both initial sequence numbers of a client, when its SYN is acknowledged: no member keeps them. 0: it sent none, its
 * connection is another socket's (TCP_REPAIR).
 */
static __always_inline __u64 client_isns(const struct sock *sk)
{
	const struct tcp_sock *tp = TYPED_PTR((const struct tcp_sock *)sk);
	__u32 ours = READ(tp, snd_una) - (__u32)READ(tp, bytes_acked);
	__u32 theirs = READ(tp, rcv_nxt) - (__u32)READ(tp, bytes_received) - 1;

	if (!READ(tp, segs_out))
		return 0;
	return (__u64)ours << 32 | theirs;
}

static __always_inline __u64 request_isns(const struct request_sock *req)
{
	const struct tcp_request_sock *treq = TYPED_PTR((const struct tcp_request_sock *)req);

	return (__u64)READ(treq, snt_isn) << 32 | READ(treq, rcv_isn);
}

/* A request of a listener; family is the listener's, as its child will have. */
static __always_inline void set_request(struct tcptrace_record *r, const struct request_sock *req,
					const struct sock *listener)
{
	set_common(r, (const struct sock_common *)req);
	r->flags |= TCPTRACE_F_REQUEST;
	if (READ(listener, __sk_common.skc_family) == AF_INET6)
		r->family = 6;
	r->old = defer_accept(listener);
	set_queues(r, listener);
}

/* The lengths of this record still have the request that it says is leaving: reqsk_queue_removed() comes after. */
static __always_inline void uncount_request(struct tcptrace_record *r, const struct request_sock *req)
{
	__u64 timeouts = HAS_CAST ? BPF_CORE_READ_BITFIELD(req, num_timeout) : BPF_CORE_READ_BITFIELD_PROBED(req, num_timeout);

	r->synq--;
	r->synq_young -= !timeouts;
}

static __always_inline bool acceptq_full(const struct sock *listener)
{
	return READ(listener, sk_ack_backlog) > READ(listener, sk_max_ack_backlog);
}

static __always_inline bool aborts_on_overflow(const struct sock *listener)
{
	return READ(listener, __sk_common.skc_net.net, ipv4.sysctl_tcp_abort_on_overflow);
}

/* Nested PID namespaces that are looked at. */
#define PIDNS_DEPTH	8

/* The number of a process or thread in tcptrace's own PID namespace; 0: it is not in that one. */
static __always_inline __u32 pid_number(const struct pid *pid)
{
	struct upid number;

	for (__u32 i = 0; pid && i < PIDNS_DEPTH && i <= READ(pid, level); i++) {
		if (bpf_core_read(&number, sizeof(number), &pid->numbers[0] + i))
			break;
		if (BPF_CORE_READ(number.ns, ns.inum) == cfg.pidns)
			return number.nr;
	}
	return 0;
}

/* As bpf_get_current_pid_tgid(): process, thread. */
static __always_inline __u64 task_number(const struct task_struct *task)
{
	if (!cfg.pidns)
		return (__u64)READ(task, tgid) << 32 | (__u32)READ(task, pid);
	return (__u64)pid_number(TYPED_PTR((const struct pid *)READ(task, group_leader, thread_pid))) << 32 |
	       pid_number(TYPED_PTR((const struct pid *)READ(task, thread_pid)));
}

static __always_inline __u64 caller_number(void)
{
	if (!cfg.pidns)
		return bpf_get_current_pid_tgid();
	return task_number(TYPED_PTR((const struct task_struct *)bpf_get_current_task()));
}

/*
 * The caller of a system call: process context only. A kernel thread acts for a program that we do not see: MPTCP's
 * worker joins a connection to another, io_uring's closes what was in a ring that is gone. An io_uring thread
 * (iou-sqp-1234) is one of the program's, but has a name of its own.
 */
static __always_inline void set_actor(struct tcptrace_record *r, int fd)
{
	const struct task_struct *current = fd < 0 ? TYPED_PTR((const struct task_struct *)bpf_get_current_task()) : NULL;
	__u32 flags = current ? READ(current, flags) : 0;
	__u64 id;

	if (flags & PF_KTHREAD)
		return;
	id = caller_number();
	r->pid = id >> 32;
	r->tid = (__u32)id;
	r->fd = fd;
	r->flags |= TCPTRACE_F_ACTOR;
	if (flags & PF_IO_WORKER) {
		const struct task_struct *leader = READ(current, group_leader);

		bpf_core_read(r->comm, sizeof(r->comm), &leader->comm);
	} else if (HAS_CAST) {		/* as two loads: the helper takes 40 ns */
		const struct task_struct *task = TYPED_PTR((const struct task_struct *)bpf_get_current_task());

		r->req = *(const __u64 *)&task->comm[0];
		r->arg = *(const __u64 *)&task->comm[8];
	} else {
		bpf_get_current_comm(r->comm, sizeof(r->comm));
	}
}

#endif
