/* SPDX-License-Identifier: GPL-2.0-only */
/* Tracepoints alone: the listeners of a port, and how much of each one's sk_drops is accounted for. */
#ifndef TCPTRACE_TP_GROUPS_BPF_H
#define TCPTRACE_TP_GROUPS_BPF_H

#include "../read.bpf.h"

struct port_key {
	__u32	netns;
	__u32	port;
};

/* Members stand at the front, zeroes after them. */
struct group {
	__u64	sk[CAPTURE_GROUP];
	__u32	drops[CAPTURE_GROUP];
};

/* Iterates over members with index i. Unrolling is off: verification takes as many passes but less time. */
#define EACH_MEMBER(g, i)	_Pragma("clang loop unroll(disable)")	\
				for (__u32 i = 0; i < CAPTURE_GROUP && (g)->sk[i]; i++)

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CAPTURE_LISTENERS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct port_key);
	__type(value, struct group);
} groups SEC(".maps");

/*
 * By namespace: ports of listeners that get segments for other ports (TPROXY, sk_lookup), learnt from the requests
 * that they answered; zeroes after them.
 */
struct redirects {
	__u16	port[CAPTURE_REDIRECTS];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CAPTURE_REDIRECTED);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct redirects);
} redirected SEC(".maps");

/* A group is too large for the stack of a BPF program: a new one is filled here. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct group);
} group_new SEC(".maps");

static __always_inline struct group *group_find(__u32 netns, __u16 port)
{
	struct port_key key = { .netns = netns, .port = port };

	return bpf_map_lookup_elem(&groups, &key);
}

static __always_inline __u32 drops_of(const void *sk)
{
	return READ(TYPED_PTR((const struct sock *)sk), sk_drops.counter);
}

/* The first member with drops that nobody has claimed, *n of them; or NULL. */
static __always_inline const struct sock *group_unclaimed(const struct group *g, __u32 *n)
{
	EACH_MEMBER(g, i) {
		*n = drops_of((const void *)g->sk[i]) - g->drops[i];
		if (*n)
			return (const void *)g->sk[i];
	}
	return NULL;
}

/* n drops of sk have been accounted for otherwise. */
static __always_inline void claim_drops(struct group *g, const struct sock *sk, __u32 n)
{
	EACH_MEMBER(g, i) {
		if (g->sk[i] != (__u64)sk)
			continue;
		if (drops_of(sk) - g->drops[i] >= n)
			__sync_fetch_and_add(&g->drops[i], n);
		break;
	}
}

/* By its namespace and its port, also when it has given it up: tcp_set_state(). */
static __always_inline struct port_key key_of(const struct sock *sk)
{
	return (struct port_key){ .netns = sk_netns(sk), .port = sk_lport(sk) };
}

/*
 * Global functions: verified once, not once per call. A socket without a port gets one right after its transition to
 * LISTEN, and joins by what comes next (listen(), a sweep).
 */
__noinline int member_joins(__u64 addr)
{
	const struct sock *sk = TYPED_PTR((const struct sock *)addr);
	struct port_key key = key_of(sk);
	struct group *g = bpf_map_lookup_elem(&groups, &key);
	__u32 n = 0, zero = 0;

	if (!READ(sk, __sk_common.skc_num))
		return 0;
	if (!g) {
		g = bpf_map_lookup_elem(&group_new, &zero);
		if (!g)
			return 0;
		g->sk[0] = addr;
		g->drops[0] = drops_of(sk);
		bpf_map_update_elem(&groups, &key, g, BPF_ANY);
		return 0;
	}
	EACH_MEMBER(g, i) {
		if (g->sk[i] == addr)
			return 0;
		n = i + 1;
	}
	if (n >= CAPTURE_GROUP)
		return 0;
	g->drops[n] = drops_of(sk);
	g->sk[n] = addr;
	return 0;
}

/* A drop of that listener that another hook has seen. */
__noinline int claim_of(__u64 addr)
{
	const struct sock *sk = TYPED_PTR((const struct sock *)addr);
	struct port_key key = key_of(sk);
	struct group *g = bpf_map_lookup_elem(&groups, &key);

	if (g)
		claim_drops(g, sk, 1);
	return 0;
}

/*
 * A member of that port with a drop that nobody has claimed, or 0. One is claimed, not all: another CPU may be
 * about to claim the next.
 */
__noinline __u64 claim_drop(__u32 netns, __u16 port)
{
	struct group *g = group_find(netns, port);

	if (!g)
		return 0;
	EACH_MEMBER(g, i) {
		if (drops_of((const void *)g->sk[i]) != g->drops[i]) {
			__sync_fetch_and_add(&g->drops[i], 1);
			return g->sk[i];
		}
	}
	return 0;
}

/* The same of the listeners that get segments for other ports. */
__noinline __u64 claim_redirected(__u32 netns)
{
	const struct redirects *r = bpf_map_lookup_elem(&redirected, &netns);

	if (!r)
		return 0;
	_Pragma("clang loop unroll(disable)")
	for (__u32 i = 0; i < CAPTURE_REDIRECTS && r->port[i]; i++) {
		__u64 sk = claim_drop(netns, r->port[i]);

		if (sk)
			return sk;
	}
	return 0;
}

/* A request that the listener has answered. */
__noinline int redirect_seen(__u64 addr)
{
	struct port_key key = key_of(TYPED_PTR((const struct sock *)addr));
	struct redirects *r = bpf_map_lookup_elem(&redirected, &key.netns), fresh = { { key.port } };

	if (!r)
		return bpf_map_update_elem(&redirected, &key.netns, &fresh, BPF_ANY);
	_Pragma("clang loop unroll(disable)")
	for (__u32 i = 0; i < CAPTURE_REDIRECTS; i++) {
		if (r->port[i] == key.port)
			break;
		if (!r->port[i]) {
			r->port[i] = key.port;
			break;
		}
	}
	return 0;
}

static __always_inline void learn_redirect(const struct sock *listener, const struct sock_common *req)
{
	if (READ(req, skc_num) != READ(listener, __sk_common.skc_num))
		redirect_seen(addr_of(listener));
}

/*
 * The last member takes the place of the one that leaves. Both indices are kept in map memory: known numbers in
 * registers would make the verifier go through the rest once for each of them (1.8 million instructions).
 */
__noinline int member_leaves(__u64 addr)
{
	const struct sock *sk = TYPED_PTR((const struct sock *)addr);
	struct port_key key = key_of(sk);
	struct group *g = bpf_map_lookup_elem(&groups, &key);
	__u32 at, last, zero = 0;
	volatile __u32 *scratch;

	scratch = bpf_map_lookup_elem(&group_new, &zero);
	if (!g || !scratch)
		return 0;
	scratch[0] = CAPTURE_GROUP;
	EACH_MEMBER(g, i) {
		if (g->sk[i] == addr)
			scratch[0] = i;
		scratch[1] = i;
	}
	at = scratch[0];
	last = scratch[1];
	if (at >= CAPTURE_GROUP || last >= CAPTURE_GROUP)
		return 0;
	g->sk[at] = g->sk[last];
	g->drops[at] = g->drops[last];
	g->sk[last] = 0;
	if (!last)
		bpf_map_delete_elem(&groups, &key);
	return 0;
}

static __always_inline void group_join(const struct sock *sk)
{
	member_joins(addr_of(sk));
}

#endif
