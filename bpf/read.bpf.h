/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading sockets and requests, and the filter. All reads go through
 * READ() at relocated offsets, so the same code serves fentry, kprobes and
 * tracepoints.
 */
#ifndef TCPTRACE_READ_BPF_H
#define TCPTRACE_READ_BPF_H

#include "emit.bpf.h"

/*
 * READ(sk, a.b, c): sk->a.b->c of a TYPED() sk. A load, which reads 0 where the kernel faults; before
 * 6.2 a call of bpf_probe_read_kernel() for each arrow, 35 ns where a load takes 1.
 */
#if HAS_CAST
#define READ(p, a, ...)	___arrow(p, a, ##__VA_ARGS__)
#else
#define READ(p, a, ...)	BPF_CORE_READ((p), a, ##__VA_ARGS__)
#endif

/* Sockets that the pid filter lets through, and the processes it names. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CAPTURE_WATCHED);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, __u8);
} watched __weak SEC(".maps");

/* Has there ever been an address in 'watched' with this number, hint_of()? */
extern __u8 watched_hints[CAPTURE_HINTS];

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CAPTURE_PIDS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, __u8);
} pids __weak SEC(".maps");

extern __u64 here;	/* where it is itself, once somebody has asked */
int learn_here(void);

/*
 * A pointer as a number, which is all that a global function may be given, and to calculate with. The
 * verifier lets pointers be subtracted; the way through memory takes a helper, 35 ns. number_of_ours() is for
 * what has no type to be given: contexts, maps and what is in them.
 */
static __always_inline __u64 number_of_ours(const void *p)
{
#if HAS_CAST
	const void *anchor = &here;

	if (!p)
		return 0;
	if (!here)
		learn_here();
	asm volatile("%0 -= %1" : "+r"(p) : "r"(anchor));
	return (__u64)p + here;
#else
	__u64 n = 0;

	bpf_probe_read_kernel(&n, sizeof(n), &p);
	return n;
#endif
}

/* TYPED() once more: for the verifier an argument may be a number already, which nothing may be subtracted from. */
#define number_of(p)	number_of_ours(TYPED(p))

static __always_inline __u8 sk_state(const struct sock *sk)
{
	return READ(sk, __sk_common.skc_state);
}

static __always_inline bool is_tcp(const struct sock *sk)
{
	__u16 family = READ(sk, __sk_common.skc_family);

	return (family == AF_INET || family == AF_INET6) && READ(sk, sk_protocol) == IPPROTO_TCP;
}

static __always_inline __u32 sk_netns(const struct sock *sk)
{
	return READ(sk, __sk_common.skc_net.net, ns.inum);
}

static __always_inline const struct sock *req_listener(const struct request_sock *req)
{
	const struct sock *listener = READ(req, __req_common.skc_listener);

	return TYPED(listener);
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

static __always_inline void set_sock(struct tcptrace_record *r, const struct sock *sk)
{
	const struct inet_sock *inet = TYPED((const struct inet_sock *)sk);

	set_common(r, (const struct sock_common *)sk);
	/* inet_put_port() clears skc_num of a socket that chose its port itself */
	if (!r->lport)
		r->lport = bpf_ntohs(READ(inet, inet_sport));
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
	const struct inet_connection_sock *icsk = TYPED((const struct inet_connection_sock *)listener);

	r->listener = (__u64)listener;
	READ_TWO(icsk, icsk_accept_queue.qlen.counter, icsk_accept_queue.young.counter, r->synq, r->synq_young);
	READ_TWO(listener, sk_ack_backlog, sk_max_ack_backlog, r->acceptq, r->acceptq_max);
	r->flags |= TCPTRACE_F_QUEUES;
}

/* A request of a listener; family is the listener's, as its child will have. */
static __always_inline void set_request(struct tcptrace_record *r, const struct request_sock *req,
					const struct sock *listener)
{
	set_common(r, (const struct sock_common *)req);
	r->flags |= TCPTRACE_F_REQUEST;
	if (READ(listener, __sk_common.skc_family) == AF_INET6)
		r->family = 6;
	set_queues(r, listener);
}

static __always_inline bool acceptq_full(const struct sock *listener)
{
	return READ(listener, sk_ack_backlog) > READ(listener, sk_max_ack_backlog);
}

/* ---- the filter ---------------------------------------------------------------------------- */

static __always_inline bool port_bit(const volatile __u64 *set, __u16 port)
{
	__u32 word = port >> 6;

	barrier_var(word);	/* or clang drops the mask, and old verifiers have forgotten that port is a __u16 */
	return set[word & (CAPTURE_PORT_WORDS - 1)] >> (port & 63) & 1;
}

/* Deeper folders are not looked for. */
#define CGROUP_DEPTH	32

/* Is the cgroup with that id an ancestor of cg, or cg itself? */
static __always_inline bool below_cgroup(struct cgroup *cg, __u64 wanted_id)
{
	int level = READ(cg, level);
	struct cgroup *up;
	__u64 id;

	for (int i = 0; i < CGROUP_DEPTH && i <= level; i++) {
		if (bpf_core_field_exists(struct cgroup___ptrs, ancestors)) {
			bpf_core_read(&up, sizeof(up), &((struct cgroup___ptrs *)cg)->ancestors[0] + i);
			up = TYPED(up);
			id = READ(up, kn, id);
		} else {
			bpf_core_read(&id, sizeof(id), &((struct cgroup___ids *)cg)->ancestor_ids[0] + i);
		}
		if (id == wanted_id)
			return true;
	}
	return false;
}

/* The cgroup that the socket was made in. */
static __always_inline bool in_cgroup(const struct sock *sk)
{
	struct cgroup *cg;

	if (bpf_core_field_exists(struct sock_cgroup_data, cgroup)) {
		cg = READ(sk, sk_cgrp_data.cgroup);
	} else {
		const struct sock_cgroup_data___val *old = (const void *)&sk->sk_cgrp_data;
		__u64 val = READ(old, val);

		cg = val & 1 ? NULL : (struct cgroup *)val;
	}
	return cg && below_cgroup(cg, cfg.cgroup);
}

/* Of a socket's address, a number below CAPTURE_HINTS. */
static __always_inline __u32 hint_of(const struct sock *sk)
{
	__u64 hint = number_of(sk) * 0x9e3779b97f4a7c15ull >> 48;

	barrier_var(hint);
	return hint & (CAPTURE_HINTS - 1);
}

/* Most sockets of a machine are not: a byte says so for nearly all of them, where the look-up takes 40 ns. */
static __always_inline bool is_watched(const struct sock *sk)
{
	__u64 key = (__u64)sk;

	return watched_hints[hint_of(sk)] && bpf_map_lookup_elem(&watched, &key);
}

static __always_inline bool pid_wanted(void)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;

	return bpf_map_lookup_elem(&pids, &pid);
}

static __always_inline void watch(const struct sock *sk)
{
	__u64 key = (__u64)sk;
	__u8 one = 1;

	watched_hints[hint_of(sk)] = 1;
	bpf_map_update_elem(&watched, &key, &one, BPF_ANY);
}

static __always_inline void unwatch(const struct sock *sk)
{
	__u64 key = (__u64)sk;

	if (cfg.by_pid)
		bpf_map_delete_elem(&watched, &key);
}

/* What needs no memory: family, namespace, cgroup (owner: a full socket, the listener of a request). */
static __always_inline bool place_wanted(const struct sock *owner)
{
	if (cfg.family && (READ(owner, __sk_common.skc_family) == AF_INET6) != (cfg.family == 6))
		return false;
	if (cfg.netns && sk_netns(owner) != cfg.netns)
		return false;
	return !cfg.cgroup || in_cgroup(owner);
}

static __always_inline bool ports_match(__u16 lport, __u16 rport)
{
	if (cfg.by_lport && !port_bit(lports, lport))
		return false;
	return !cfg.by_rport || port_bit(rports, rport);
}

static __always_inline bool ports_wanted(__u16 lport, __u16 rport)
{
	return ports_match(lport, rport) || (cfg.both_ends && ports_match(rport, lport));
}

static __always_inline bool common_ports_wanted(const struct sock_common *c)
{
	if (!cfg.by_lport && !cfg.by_rport)
		return true;
	return ports_wanted(READ(c, skc_num), bpf_ntohs(READ(c, skc_dport)));
}

/* A minisock. Whose it was, and of which cgroup, it does not know: the model knows its tuple. */
static __always_inline bool minisock_wanted(const struct sock_common *c)
{
	if (!cfg.filtered)
		return true;
	if (cfg.family && (READ(c, skc_family) == AF_INET6) != (cfg.family == 6))
		return false;
	if (cfg.netns && sk_netns((const void *)c) != cfg.netns)
		return false;
	return common_ports_wanted(c);
}

static __always_inline bool sock_ports_wanted(const struct sock *sk)
{
	__u16 lport = READ(sk, __sk_common.skc_num);

	if (!cfg.by_lport && !cfg.by_rport)
		return true;
	if (!lport)
		lport = bpf_ntohs(READ(TYPED((const struct inet_sock *)sk), inet_sport));
	return ports_wanted(lport, bpf_ntohs(READ(sk, __sk_common.skc_dport)));
}

/* A full socket. In a call of its owner the pid filter may learn it. */
static __always_inline bool wanted(const struct sock *sk)
{
	if (!cfg.filtered)
		return true;
	return place_wanted(sk) && sock_ports_wanted(sk) && (!cfg.by_pid || is_watched(sk));
}

/* Its end: a reset has taken the ports off by then, so they can only let it through. */
static __always_inline bool wanted_end(const struct sock *sk)
{
	if (!cfg.filtered)
		return true;
	return place_wanted(sk) && (!cfg.by_pid || is_watched(sk)) &&
	       (!READ(sk, __sk_common.skc_dport) || sock_ports_wanted(sk));
}

/* The caller's own call: its socket is learnt. */
static __always_inline bool caller_wanted(const struct sock *sk)
{
	if (!cfg.by_pid)
		return true;
	if (!pid_wanted())
		return false;
	watch(sk);
	return true;
}

static __always_inline bool wanted_call(const struct sock *sk)
{
	return !cfg.filtered || (caller_wanted(sk) && place_wanted(sk) && sock_ports_wanted(sk));
}

/* Anything of a listener: c is the request or child, or NULL with the tuple already checked. */
static __always_inline bool wanted_of(const struct sock *listener, const struct sock_common *c)
{
	if (!cfg.filtered)
		return true;
	return place_wanted(listener) && (!cfg.by_pid || is_watched(listener)) &&
	       (!c || common_ports_wanted(c));
}

#endif
