/* SPDX-License-Identifier: GPL-2.0-only */
/* The filter: which sockets are wanted, by what user space has said in cfg. */
#ifndef TCPTRACE_FILTER_BPF_H
#define TCPTRACE_FILTER_BPF_H

#include "read.bpf.h"

/* Why a socket is in traced_socks. */
enum { TRACED_PID = 1, TRACED_PORT = 2 };

/* Sockets that the pid filter lets through, or that by the port of their listener; and the processes it names. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CAPTURE_TRACED);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, __u8);
} traced_socks SEC(".maps");

/* One byte for each filter_place(): has a socket with that place ever been in traced_socks? */
__u8 traced_filter[CAPTURE_FILTER] = {};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CAPTURE_PIDS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, __u8);
} pids SEC(".maps");

__u32 traced_full = 0;	/* a socket or a process of the pid filter found no room, since user space cleared this */

static __always_inline bool port_bit(const volatile __u64 *set, __u16 port)
{
	__u32 word = port >> 6;

	barrier_var(word);	/* or clang drops the mask, and old verifiers have forgotten that port is a __u16 */
	return set[word & (CAPTURE_PORT_WORDS - 1)] >> (port & 63) & 1;
}

/* Is it in a net that was named? */
static __always_inline bool in_nets(const __u64 *addr)
{
	for (int i = 0; i < CAPTURE_NETS && i < cfg.nets; i++) {
		if ((addr[0] & nets[i].mask[0]) == nets[i].addr[0] && (addr[1] & nets[i].mask[1]) == nets[i].addr[1])
			return true;
	}
	return false;
}

/*
 * Is one of its ends? Yes if it is not connected yet: it may be to such an address. A global function: verified once,
 * not once per hook.
 */
__noinline int common_in_nets(__u64 common)
{
	const struct sock_common *c = TYPED_PTR((const struct sock_common *)common);
	__u64 addr[2];

	if (!READ(c, skc_dport))
		return 1;
	if (READ(c, skc_family) == AF_INET) {
		map_v4((__u8 *)addr, READ(c, skc_daddr));
		if (in_nets(addr))
			return 1;
		map_v4((__u8 *)addr, READ(c, skc_rcv_saddr));
	} else {
		copy_v6((__u8 *)addr, &c->skc_v6_daddr);
		if (in_nets(addr))
			return 1;
		copy_v6((__u8 *)addr, &c->skc_v6_rcv_saddr);
	}
	return in_nets(addr);
}

static __always_inline bool common_addrs_wanted(const struct sock_common *c)
{
	return !cfg.nets || common_in_nets(addr_of(c));
}

static __always_inline bool addrs_wanted(const __u8 *laddr, const __u8 *raddr)
{
	__u64 addr[2];

	if (!cfg.nets)
		return true;
	__builtin_memcpy(addr, raddr, sizeof(addr));
	if (in_nets(addr))
		return true;
	__builtin_memcpy(addr, laddr, sizeof(addr));
	return in_nets(addr);
}

/* Levels of cgroups below the root that are compared. */
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
			up = TYPED_PTR(up);
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

/* A socket's place in traced_filter. */
static __always_inline __u32 filter_place(const struct sock *sk)
{
	__u64 place = addr_of(sk) * 0x9e3779b97f4a7c15ull >> 48;

	barrier_var(place);
	return place & (CAPTURE_FILTER - 1);
}

static __always_inline __u8 *traced_as(const struct sock *sk)
{
	__u64 key = (__u64)sk;

	return bpf_map_lookup_elem(&traced_socks, &key);
}

/* Nearly all sockets of a machine are not, which one byte says: a look-up in the map takes 40 ns. */
static __always_inline bool is_traced(const struct sock *sk, __u8 why)
{
	const __u8 *as = traced_filter[filter_place(sk)] ? traced_as(sk) : NULL;

	return as && *as & why;
}

static __always_inline bool sock_traced(const struct sock *sk)
{
	return is_traced(sk, TRACED_PID);
}

static __always_inline bool pid_wanted(void)
{
	__u32 pid = caller_number() >> 32;

	return bpf_map_lookup_elem(&pids, &pid);
}

static __always_inline void trace_sock(const struct sock *sk, __u8 why)
{
	__u64 key = (__u64)sk;
	__u8 *as = traced_as(sk);

	traced_filter[filter_place(sk)] = 1;
	if (as)
		*as |= why;
	else if (bpf_map_update_elem(&traced_socks, &key, &why, BPF_ANY) && why == TRACED_PID)
		traced_full = 1;
}

static __always_inline void untrace_sock(const struct sock *sk)
{
	__u64 key = (__u64)sk;

	if ((cfg.by_pid || cfg.by_lport) && traced_filter[filter_place(sk)])
		bpf_map_delete_elem(&traced_socks, &key);
}

/* What the socket itself says: family, namespace, cgroup (owner: a full socket, the listener of a request). */
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

/*
 * What came to a listener (NULL: not known) is wanted by that one's port, too: with TPROXY and sk_lookup its own is
 * another.
 */
static __always_inline bool ports_wanted_of(const struct sock *listener, __u16 lport, __u16 rport)
{
	return ports_wanted(lport, rport) ||
	       (cfg.by_lport && listener && ports_match(READ(listener, __sk_common.skc_num), rport));
}

static __always_inline bool common_ports_wanted(const struct sock_common *c, const struct sock *listener)
{
	if (!cfg.by_lport && !cfg.by_rport)
		return true;
	return ports_wanted_of(listener, READ(c, skc_num), bpf_ntohs(READ(c, skc_dport)));
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
	return common_ports_wanted(c, NULL) && common_addrs_wanted(c);
}

static __always_inline bool sock_ports_wanted(const struct sock *sk)
{
	if (!cfg.by_lport && !cfg.by_rport)
		return true;
	return ports_wanted(sk_lport(sk), bpf_ntohs(READ(sk, __sk_common.skc_dport))) ||
	       (cfg.by_lport && is_traced(sk, TRACED_PORT));
}

/* A full socket, in any context. In a call of its owner: wanted_call(), by which the pid filter learns it. */
static __always_inline bool wanted(const struct sock *sk)
{
	if (!cfg.filtered)
		return true;
	return place_wanted(sk) && sock_ports_wanted(sk) && common_addrs_wanted(&sk->__sk_common) &&
	       (!cfg.by_pid || sock_traced(sk));
}

/* The end of one: a reset has cleared its ports by then, and without them it passes. */
static __always_inline bool wanted_end(const struct sock *sk)
{
	if (!cfg.filtered)
		return true;
	return place_wanted(sk) && (!cfg.by_pid || sock_traced(sk)) &&
	       (!READ(sk, __sk_common.skc_dport) ||
		(sock_ports_wanted(sk) && common_addrs_wanted(&sk->__sk_common)));
}

/* A call on a socket that one of the processes has, by whomever; or one of theirs, and the socket is learnt. */
static __always_inline bool caller_wanted(const struct sock *sk)
{
	if (!cfg.by_pid || sock_traced(sk))
		return true;
	if (!pid_wanted())
		return false;
	trace_sock(sk, TRACED_PID);
	return true;
}

static __always_inline bool wanted_call(const struct sock *sk)
{
	return !cfg.filtered || (caller_wanted(sk) && place_wanted(sk) && sock_ports_wanted(sk) &&
				 common_addrs_wanted(&sk->__sk_common));
}

/* What accept() gives the caller; from a listener that one of the processes has, whoever calls. */
static __always_inline bool wanted_child(const struct sock *child, const struct sock *listener)
{
	if (cfg.by_pid && listener && sock_traced(listener))
		trace_sock(child, TRACED_PID);
	return !cfg.filtered || (caller_wanted(child) && place_wanted(child) &&
				 (sock_ports_wanted(child) || common_ports_wanted(&child->__sk_common, listener)) &&
				 common_addrs_wanted(&child->__sk_common));
}

/* Anything of a listener: c is the request or child, or NULL with the tuple already checked. */
static __always_inline bool wanted_of(const struct sock *listener, const struct sock_common *c)
{
	if (!cfg.filtered)
		return true;
	return place_wanted(listener) && (!cfg.by_pid || sock_traced(listener)) &&
	       (!c || (common_ports_wanted(c, listener) && common_addrs_wanted(c)));
}

#endif
