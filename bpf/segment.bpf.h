/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading segments: ends and flags of a TCP segment, from headers that the stack has parsed. */
#ifndef TCPTRACE_SEGMENT_BPF_H
#define TCPTRACE_SEGMENT_BPF_H

#include "filter.bpf.h"

struct segment {
	__u8	saddr[16], daddr[16];
	__u16	sport, dport;
	__u8	flags, family;
};

/* A member of a header on the wire, given by a TYPED_PTR() pointer. */
#if HAS_CAST
#define HEADER(h, member)	((h)->member)
#else
#define HEADER(h, member)	BPF_PROBE_READ(h, member)
#endif

static __always_inline const struct tcphdr *tcp_header(const struct sk_buff *skb)
{
	return TYPED_PTR((const struct tcphdr *)(READ(skb, head) + READ(skb, transport_header)));
}

/* TCP flags, if it is a segment at all: a cheap first test. */
static __always_inline __u8 segment_flags(const struct sk_buff *skb)
{
	return READ(skb, transport_header) != 0xffff ? HEADER(tcp_header(skb), flags) : 0;
}

/* All but the addresses, from headers that the stack has parsed already. False: not TCP, or not there. */
static __always_inline bool read_ports(struct segment *s, const struct sk_buff *skb)
{
	__u16 net = READ(skb, network_header), tp = READ(skb, transport_header);
	const struct tcphdr *th = tcp_header(skb);
	const void *ip = READ(skb, head) + net;
	__be16 proto = READ(skb, protocol);

	if (tp == 0xffff || tp <= net)
		return false;
	if (proto == bpf_htons(0x0800))
		s->family = HEADER(TYPED_PTR((const struct iphdr *)ip), protocol) == IPPROTO_TCP ? 4 : 0;
	else if (proto == bpf_htons(0x86dd))
		s->family = HEADER(TYPED_PTR((const struct ipv6hdr *)ip), nexthdr) == IPPROTO_TCP ? 6 : 0;
	else
		s->family = 0;
	if (!s->family)
		return false;
	s->sport = bpf_ntohs(HEADER(th, source));
	s->dport = bpf_ntohs(HEADER(th, dest));
	s->flags = HEADER(th, flags);
	return true;
}

static __always_inline bool read_segment(struct segment *s, const struct sk_buff *skb)
{
	const void *ip = READ(skb, head) + READ(skb, network_header);

	if (!read_ports(s, skb))
		return false;
	if (s->family == 4) {
		const struct iphdr *ip4 = TYPED_PTR((const struct iphdr *)ip);

		map_v4(s->saddr, HEADER(ip4, saddr));
		map_v4(s->daddr, HEADER(ip4, daddr));
	} else {
		const struct ipv6hdr *ip6 = TYPED_PTR((const struct ipv6hdr *)ip);

		copy_v6(s->saddr, &ip6->saddr);
		copy_v6(s->daddr, &ip6->daddr);
	}
	return true;
}

/* The namespace of a segment on its way in: skb->dev is cleared before a listener gets it. */
static __always_inline const struct net *segment_net(const struct sk_buff *skb)
{
	const struct dst_entry *dst = (const void *)(READ(skb, _skb_refdst) & ~1ul);

	dst = TYPED_PTR(dst);
	return dst ? READ(dst, dev, nd_net.net) : NULL;
}

static __always_inline __u32 segment_netns(const struct sk_buff *skb)
{
	const struct net *net = segment_net(skb);

	return net ? READ(net, ns.inum) : 0;
}

static __always_inline bool is_fin(__u8 flags)
{
	return (flags & (TH_FIN | TH_RST | TH_SYN)) == TH_FIN;
}

/* Its ports and addresses; listener: who got it, or NULL. */
static __always_inline bool segment_wanted(const struct segment *s, const struct sock *listener)
{
	return ports_wanted_of(listener, s->dport, s->sport) && addrs_wanted(s->daddr, s->saddr);
}

/* A segment of ours as if the other end had sent it. */
static __always_inline void turn_segment(struct segment *s)
{
	struct segment was = *s;

	__builtin_memcpy(s->saddr, was.daddr, 16);
	__builtin_memcpy(s->daddr, was.saddr, 16);
	s->sport = was.dport;
	s->dport = was.sport;
}

/* The tuple of an arriving segment, seen from this end. */
static __always_inline void set_segment(struct tcptrace_record *r, const struct segment *s)
{
	__builtin_memcpy(r->laddr, s->daddr, 16);
	__builtin_memcpy(r->raddr, s->saddr, 16);
	r->lport = s->dport;
	r->rport = s->sport;
	r->family = s->family;
}

#endif
