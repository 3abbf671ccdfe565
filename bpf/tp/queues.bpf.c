// SPDX-License-Identifier: GPL-2.0-only
/*
 * The queues seen by tracepoints alone: for kernels with neither fentry nor
 * kprobes. What has no event of its own is read off its effects, at a moment
 * when they are exact. (Into the accept queue: state.bpf.h.)
 *
 * A segment does not say which listener got it, so listeners are found by
 * namespace and port; the members of an SO_REUSEPORT group are told apart by
 * whose sk_drops moved.
 */
#include "../counters.bpf.h"
#include "../notes.bpf.h"
#include "../segment.bpf.h"
#include "groups.bpf.h"
#include "state.bpf.h"

/* The far end of a handshake, well enough to tell it from what another one on this CPU left here. */
static __always_inline __u64 peer_key(const __u8 *raddr, __u16 rport, __u16 lport)
{
	return (__u64)*(const __u32 *)(raddr + 12) << 32 | (__u32)rport << 16 | lport;
}

__u32 synq_entered = 0;	/* a request has entered a SYN queue since user space cleared this */

/* Its end may be seen by a sweep alone. Mostly read: one line for all CPUs. */
static __always_inline void tell_entered(void)
{
	if (cfg.tp_synq_del && !synq_entered)
		synq_entered = 1;
}

static __always_inline void answer(const struct sock_common *c)
{
	struct notes *n = notes();
	__u8 raddr[16] = {};

	if (!n)
		return;
	if (READ(c, skc_family) == AF_INET)
		*(__be32 *)(raddr + 12) = READ(c, skc_daddr);
	else
		copy_v6(raddr, &c->skc_v6_daddr);
	n->tp.answered = peer_key(raddr, bpf_ntohs(READ(c, skc_dport)), READ(c, skc_num));
}

/*
 * The SYN-ACK of a request leaves: it is in the queue. Its time stamp tells a first one from one
 * sent again: the first sets snt_synack to its own.
 */
static __always_inline int synack_leaves(const struct sk_buff *skb, const struct sock *sk)
{
	const struct tcp_request_sock *treq = TYPED_PTR((const struct tcp_request_sock *)sk);
	const struct sock *listener;

	answer((const void *)sk);
	tell_entered();
	if (READ(treq, snt_synack) != (__u64)READ(skb, tstamp) / 1000)
		return 0;
	listener = req_listener((const void *)sk);
	if (!listener)
		return 0;
	learn_redirect(listener, (const void *)sk);
	if (wanted_of(listener, (const void *)sk))
		emit_synq_add((const void *)sk, listener, false);
	return 0;
}

/* A SYN-ACK of ours (not forwarded: skb_iif) that belongs to no request: a cookie. */
static __always_inline int cookie_leaves(const struct sk_buff *skb)
{
	struct notes *n = notes();
	struct segment seg;
	struct group *g;

	if (READ(skb, skb_iif) || !read_segment(&seg, skb) ||
	    (seg.flags & (TH_SYN | TH_ACK)) != (TH_SYN | TH_ACK))
		return 0;
	g = group_find(READ(skb, dev, nd_net.net, ns.inum), seg.sport);
	if (!g || !g->sk[0])
		return 0;
	if (n)
		n->tp.answered = peer_key(seg.daddr, seg.dport, seg.sport);
	return write_segment(g->sk[0], addr_of(skb), 0, TCPTRACE_COOKIE_SENT, 0);
}

/* Fast Open: the child answers, and is queued right after. */
static __always_inline int child_answers(const struct sock *sk)
{
	const struct notes *n = notes();

	answer((const void *)sk);
	if (!cfg.tp_synack || !n || n->tp.child != (__u64)sk || !n->tp.child_of || !wanted(sk))
		return 0;		/* sent again */
	emit_child(TCPTRACE_SYNACK, sk, TYPED_PTR((const struct sock *)n->tp.child_of), 0);
	tp_acceptq_add(sk, TCPTRACE_ACCEPTQ_FASTOPEN, bpf_ktime_get_ns());
	return 0;
}

SEC("?raw_tp/net_dev_queue")
int BPF_PROG(tp_synack, const struct sk_buff *skb)
{
	const struct sock *sk;
	__u8 state;

	skb = TYPED_PTR(skb);
	sk = READ(skb, sk);
	if (!sk)
		return cfg.tp_cookie ? cookie_leaves(skb) : 0;
	sk = TYPED_PTR(sk);
	state = sk_state(sk);
	if (state == TCP_SYN_RECV)
		return child_answers(sk);
	return cfg.tp_synack && state == TCP_NEW_SYN_RECV ? synack_leaves(skb, sk) : 0;
}

/*
 * The same without a look at every packet that leaves: tcp_conn_request() asks for the first timeout of a
 * request right before it queues it (not for a cookie), and tcp_try_fastopen() says that a child may send. The
 * answer, "no opinion", is what the kernel has without us.
 */
SEC("?sockops")
int cg_synack(struct bpf_sock_ops *ctx)
{
	const struct bpf_sock_ops_kern *kern;
	const struct sock *listener, *sk;
	__u32 op = ctx->op;

	if (op != BPF_SOCK_OPS_TIMEOUT_INIT && op != BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
		return 1;
	kern = (const void *)addr_of_untyped(ctx);
	kern = TYPED_PTR(kern);
	sk = READ(kern, sk);
	sk = TYPED_PTR(sk);
	if (op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB) {
		if (READ(TYPED_PTR((const struct tcp_sock *)sk), fastopen_rsk))
			child_answers(sk);
		return 1;
	}
	if (sk_state(sk) != TCP_NEW_SYN_RECV || !cfg.cg_synack)
		return 1;
	answer((const void *)sk);
	tell_entered();
	listener = req_listener((const void *)sk);
	if (!listener)
		return 1;
	learn_redirect(listener, (const void *)sk);
	if (cfg.tp_synack && wanted_of(listener, (const void *)sk))
		emit_synq_add((const void *)sk, listener, true);
	return 1;
}

/*
 * An ICMP message is consumed right after tcp_v4_err(), tcp_v6_err(). One that ends a request speaks of its SYN-ACK,
 * which the model knows, and of what does not pass: tcp_req_err().
 */
static __always_inline bool is_fatal(const struct icmphdr *icmp, bool v6)
{
	__u8 type = HEADER(icmp, type), code = HEADER(icmp, code);

	if (v6)		/* icmpv6_err_convert() */
		return type == ICMPV6_PARAMPROB || (type == ICMPV6_DEST_UNREACH && (code == 1 || code >= 4));
	return type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETERPROB || (type == ICMP_DEST_UNREACH && code <= 1);
}

static __always_inline bool is_icmp(const struct sk_buff *skb)
{
	const void *ip = READ(skb, head) + READ(skb, network_header);
	__be16 proto = READ(skb, protocol);

	if (READ(skb, transport_header) == 0xffff)
		return false;
	if (proto == bpf_htons(0x0800))
		return HEADER(TYPED_PTR((const struct iphdr *)ip), protocol) == IPPROTO_ICMP;
	return proto == bpf_htons(0x86dd) && HEADER(TYPED_PTR((const struct ipv6hdr *)ip), nexthdr) == IPPROTO_ICMPV6;
}

/* What it is about: a segment of ours, as if the other end had sent it. The header of TCP there, or NULL. */
static __always_inline const struct tcphdr *read_icmp(struct segment *s, const struct sk_buff *skb)
{
	const void *icmp = READ(skb, head) + READ(skb, transport_header), *in = icmp + sizeof(struct icmphdr);
	const struct ipv6hdr *in6 = TYPED_PTR((const struct ipv6hdr *)in);
	const struct iphdr *in4 = TYPED_PTR((const struct iphdr *)in);
	bool v6 = READ(skb, protocol) == bpf_htons(0x86dd);
	const struct tcphdr *th;

	if (!is_fatal(TYPED_PTR((const struct icmphdr *)icmp), v6) ||
	    (v6 ? HEADER(in6, nexthdr) : HEADER(in4, protocol)) != IPPROTO_TCP)
		return NULL;
	if (v6) {
		copy_v6(s->daddr, &in6->saddr);
		copy_v6(s->saddr, &in6->daddr);
		in += sizeof(*in6);
	} else {
		map_v4(s->daddr, HEADER(in4, saddr));
		map_v4(s->saddr, HEADER(in4, daddr));
		in += (HEADER(in4, ihl_version) & 15) * 4;
	}
	th = TYPED_PTR((const struct tcphdr *)in);
	s->dport = bpf_ntohs(HEADER(th, source));
	s->sport = bpf_ntohs(HEADER(th, dest));
	s->family = v6 ? 6 : 4;
	return th;
}

/* Global function: verified once, not once per call. */
__noinline int request_unreachable(__u64 skb_addr)
{
	const struct sk_buff *skb = TYPED_PTR((const struct sk_buff *)skb_addr);
	const struct net *net = segment_net(skb);
	struct tcptrace_record *r;
	const struct tcphdr *th;
	struct segment seg;
	__u32 netns;

	if (!net)
		return 0;
	netns = READ(net, ns.inum);
	th = read_icmp(&seg, skb);
	if (!th || (cfg.netns && netns != cfg.netns))	/* of what is not wanted the model knows no request */
		return 0;
	/*
	 * tcp_req_err() counts a drop. Without one nobody heeded it: the request came by another device (link-local), or
	 * its timer has taken it down before.
	 */
	if (has_counted(net, false).drop == NO)
		return 0;
	claim_drop(netns, seg.dport);
	r = reserve(TCPTRACE_SYNQ_DEL);
	if (!r)
		return 0;
	r->sk = 0;
	r->cookie = 0;
	r->netns = netns;
	r->cause = TCPTRACE_SYNQ_OTHER;
	r->arg = bpf_ntohl(HEADER(th, seq));
	set_segment(r, &seg);
	submit(r);
	return 0;
}

/*
 * A SYN is consumed right after the listener decided on it, on the same CPU (tcp_conn_request() in
 * tcp_rcv_state_process()). One that got neither SYN-ACK nor cookie was refused, if sk_drops says that
 * something was: a SYN of ours to another host's port of that number passes by here too.
 */
SEC("?raw_tp/consume_skb")
int BPF_PROG(tp_drop_syn, const struct sk_buff *skb)
{
	const struct sock *listener, *member;
	struct verdicts v = { .synq = MAYBE, .overflow = MAYBE };
	bool synq, acceptq;
	struct notes *n;
	struct segment seg;
	struct group *g;
	__u32 netns;

	skb = TYPED_PTR(skb);
	if (cfg.tp_synq_del && is_icmp(skb))
		return request_unreachable(addr_of(skb));
	if ((segment_flags(skb) & (TH_SYN | TH_ACK)) != TH_SYN || !read_segment(&seg, skb))
		return 0;
	n = notes();
	if (n && n->tp.answered == peer_key(seg.saddr, seg.sport, seg.dport)) {
		n->tp.answered = 0;
		return 0;
	}
	netns = segment_netns(skb);
	g = group_find(netns, seg.dport);
	member = g && g->sk[0] ? TYPED_PTR((const struct sock *)g->sk[0]) : NULL;
	if (member)
		v = has_counted(net_of(member), false);
	if (!cfg.cg_synack)
		v.cookie = NO;
	listener = NULL;
	if (member && v.cookie != YES)
		listener = (const void *)claim_drop(netns, seg.dport);
	if (!listener && v.cookie != YES)
		listener = (const void *)claim_redirected(netns);
	if (!listener)
		return member && v.cookie != NO && cfg.tp_cookie ?
			       write_segment(g->sk[0], addr_of(skb), 0, TCPTRACE_COOKIE_SENT, 0) : 0;
	if (!cfg.tp_drop_syn)
		return 0;
	listener = TYPED_PTR(listener);
	/* since the decision a connection may have been taken out: the counters know better than the queues */
	acceptq = overflowed(v, listener, false);
	synq = v.synq == YES || (v.synq == MAYBE && v.overflow != YES && synq_over(listener) >= acceptq);
	return emit_drop(listener, skb, NULL, syn_drop_cause(listener, synq, acceptq));
}

/* A request goes down; the segment only tells its tuple, the model finds it. */
static __always_inline void emit_reset(const struct sock *listener, const struct sk_buff *skb)
{
	emit_segment(listener, skb, NULL, TCPTRACE_SYNQ_DEL, TCPTRACE_SYNQ_RESET);
}

/* An ACK that found no socket: a cookie's, if a listener has counted a drop. */
static __always_inline int cookie_refused(const struct sk_buff *skb, __u16 port)
{
	__u32 netns = segment_netns(skb);
	__u64 listener = claim_drop(netns, port);

	if (!listener)
		listener = claim_redirected(netns);
	if (!listener)
		return 0;
	has_counted(net_of(TYPED_PTR((const struct sock *)listener)), false);
	return emit_drop(TYPED_PTR((const struct sock *)listener), skb, NULL, TCPTRACE_DROP_ACCEPTQ_COOKIE);
}

/*
 * A segment for a listener is thrown away, 6.18 and later.
 * An ACK: the accept queue was full, at the third packet or at a cookie's ACK (whose reason is
 * NO_SOCKET). A RST: a request went down with it, if there is no other reason (there is no request, it is not in its
 * window) and if one was counted; whether it was this one the model judges.
 */
SEC("?raw_tp/kfree_skb")
int BPF_PROG(tp_drop_ack, const struct sk_buff *skb, const void *location, int reason,
	     const struct sock *rx_sk)
{
	bool overflow = reason == (int)bpf_core_enum_value(enum skb_drop_reason,
							   SKB_DROP_REASON_TCP_LISTEN_OVERFLOW);
	bool no_socket = reason == (int)bpf_core_enum_value(enum skb_drop_reason, SKB_DROP_REASON_NO_SOCKET);
	bool unexplained = reason == (int)bpf_core_enum_value(enum skb_drop_reason, SKB_DROP_REASON_NOT_SPECIFIED);
	const struct sock *listener = TYPED_PTR(rx_sk);
	struct port_key key;
	struct verdicts v;
	struct segment seg;
	struct group *g;

	skb = TYPED_PTR(skb);
	if (!no_socket && (!rx_sk || sk_state(listener) != TCP_LISTEN))
		return 0;
	if (!read_ports(&seg, skb))
		return 0;
	if (no_socket)
		return (seg.flags & (TH_SYN | TH_RST | TH_ACK)) == TH_ACK ? cookie_refused(skb, seg.dport) : 0;
	key = key_of(listener);
	g = bpf_map_lookup_elem(&groups, &key);
	/* tcp_v4_rcv() counts what a listener throws away, beside the ListenDrops of a full queue */
	if (g)
		claim_drops(g, listener, overflow ? 2 : 1);
	if (!overflow && !(cfg.tp_synq_del && seg.flags & TH_RST && unexplained))
		return 0;
	v = has_counted(net_of(listener), overflow);
	if (!overflow) {
		if (v.reset != NO)
			emit_reset(listener, skb);
		return 0;
	}
	/* it is the reason for whatever kept a child from being made: no route back to its client, too */
	emit_drop(listener, skb, NULL, overflowed(v, listener, false) ? TCPTRACE_DROP_ACCEPTQ_ACK : TCPTRACE_DROP_NO_MEMORY);
	if (cfg.tp_synq_del && aborts_on_overflow(listener))
		emit_reset(listener, skb);
	return 0;
}

/*
 * Without that reason nothing says whose segment was thrown away; sk_drops does: tcp_v4_rcv() counts one, and
 * tcp_v4_syn_recv_sock() another where the accept queue was full. A cookie's ACK that finds it full
 * is counted there alone. So is what SO_ATTACH_FILTER throws away: the counter of full queues tells the two apart;
 * and a SYN that comes again, which would be taken for the second one of the next refusal.
 */
SEC("?raw_tp/kfree_skb")
int BPF_PROG(tp_drop_ack_old, const struct sk_buff *skb)
{
	const struct sock *listener;
	struct verdicts v;
	struct segment seg;
	struct group *g;
	bool overflow;
	__u8 flags;
	__u32 n;

	skb = TYPED_PTR(skb);
	if (cfg.tp_synq_del && is_icmp(skb))	/* icmpv6_rcv() consumes none (6.1) */
		return request_unreachable(addr_of(skb));
	flags = segment_flags(skb) & (TH_SYN | TH_RST | TH_ACK);
	if (!flags || !read_ports(&seg, skb))
		return 0;
	g = group_find(segment_netns(skb), seg.dport);
	listener = g ? group_unclaimed(g, &n) : NULL;
	if (!listener)
		return 0;
	listener = TYPED_PTR(listener);
	v = has_counted(net_of(listener), false);
	overflow = flags == TH_ACK && overflowed(v, listener, false);
	claim_drops(g, listener, overflow && n >= 2 ? 2 : 1);
	if (flags & TH_RST && cfg.tp_synq_del && v.reset != NO)
		emit_reset(listener, skb);
	if (!overflow)
		return 0;
	emit_drop(listener, skb, NULL, n >= 2 ? TCPTRACE_DROP_ACCEPTQ_ACK : TCPTRACE_DROP_ACCEPTQ_COOKIE);
	if (n >= 2 && cfg.tp_synq_del && aborts_on_overflow(listener))
		emit_reset(listener, skb);
	return 0;
}
