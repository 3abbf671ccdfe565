/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading sockets, requests and segments, and the filter. The hooks run where
 * the kernel itself works on these objects, so they are read as they are; what
 * others may change meanwhile is read once.
 */
#ifndef TCPTRACE_READ_H
#define TCPTRACE_READ_H

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <net/inet_connection_sock.h>
#include <net/inet_sock.h>
#include <net/inet_timewait_sock.h>
#include <net/net_namespace.h>
#include <net/request_sock.h>
#include <net/sock.h>
#include <net/tcp.h>
#include <asm/syscall.h>

#include "emit.h"

static inline struct inet_hashinfo *hashinfo_of(const struct net *net)
{
#ifdef HAVE_DEATH_ROW_PTR
	return net->ipv4.tcp_death_row->hashinfo;
#else
	return net->ipv4.tcp_death_row.hashinfo;
#endif
}

static inline u8 state_of(const struct sock *sk)
{
	return READ_ONCE(sk->sk_state);
}

/* A raw socket may have TCP's number, too, but is smaller, without queues. */
static inline bool is_tcp(const struct sock *sk)
{
	return (sk->sk_family == AF_INET || sk->sk_family == AF_INET6) &&
	       sk->sk_type == SOCK_STREAM && sk->sk_protocol == IPPROTO_TCP;
}

/* Process context. Not so for io_uring, 32-bit programs and threads of the kernel. */
static inline bool in_call(int nr)
{
	return !(current->flags & PF_KTHREAD) && !in_compat_syscall() &&
	       syscall_get_nr(current, task_pt_regs(current)) == nr;
}

/* A socket of the kernel's own, nfsd's: no process holds it, it has no file. */
static inline bool of_kernel(const struct sock *sk)
{
#if IS_ENABLED(CONFIG_MPTCP)
	if (tcp_sk(sk)->is_mptcp)
		return false;
#endif
	return sk->sk_socket && !READ_ONCE(sk->sk_socket->file);
}

/* Which device it is bound to. */
static inline void set_device(struct tcptrace_record *r, const struct sock *listener)
{
	r->device = READ_ONCE(listener->sk_bound_dev_if) + 1;
}

static inline u32 common_netns(const struct sock_common *c)
{
	return read_pnet(&c->skc_net)->ns.inum;
}

static inline u32 sk_netns(const struct sock *sk)
{
	return common_netns(&sk->__sk_common);
}

static inline struct sock *req_listener(const struct request_sock *req)
{
	return req->rsk_listener;
}

static inline void map_v4(u8 *to, __be32 addr)
{
	ipv6_addr_set_v4mapped(addr, (struct in6_addr *)to);
}

static inline void common_addrs(const struct sock_common *c, u8 *laddr,
				u8 *raddr)
{
	if (c->skc_family == AF_INET) {
		map_v4(laddr, c->skc_rcv_saddr);
		map_v4(raddr, c->skc_daddr);
		return;
	}
#if IS_ENABLED(CONFIG_IPV6)
	memcpy(laddr, &c->skc_v6_rcv_saddr, 16);
	memcpy(raddr, &c->skc_v6_daddr, 16);
#endif
}

/* Identity and addresses of anything that begins with a sock_common. */
static inline void set_common(struct tcptrace_record *r,
			      const struct sock_common *c)
{
	r->sk = (uintptr_t)c;
	r->cookie = atomic64_read(&c->skc_cookie);
	r->netns = common_netns(c);
	r->lport = c->skc_num;
	r->rport = ntohs(c->skc_dport);
	r->family = c->skc_family == AF_INET ? 4 : 6;
	common_addrs(c, r->laddr, r->raddr);
}

/* inet_put_port() clears skc_num of a socket that chose its port itself */
static inline u16 sk_lport(const struct sock *sk)
{
	return sk->sk_num ?: ntohs(inet_sk(sk)->inet_sport);
}

static inline void set_sock(struct tcptrace_record *r, const struct sock *sk)
{
	set_common(r, &sk->__sk_common);
	r->lport = sk_lport(sk);
}

/*
 * TCP_DEFER_ACCEPT, in timeouts of a SYN-ACK: a third packet without data is
 * dropped until then; 0: not set.
 */
static inline u8 defer_accept(const struct sock *listener)
{
	return READ_ONCE(inet_csk(listener)->icsk_accept_queue.rskq_defer_accept);
}

/* Both queues of a listener, as they are now. */
static inline void set_queues(struct tcptrace_record *r,
			      const struct sock *listener)
{
	const struct request_sock_queue *q =
		&inet_csk(listener)->icsk_accept_queue;

	r->listener = (uintptr_t)listener;
	r->synq = atomic_read(&q->qlen);
	r->synq_young = atomic_read(&q->young);
	r->acceptq = READ_ONCE(listener->sk_ack_backlog);
	r->acceptq_max = READ_ONCE(listener->sk_max_ack_backlog);
	r->flags |= TCPTRACE_F_QUEUES;
}

/*
 * Bytes sent, each once. bytes_sent - bytes_retrans may be too much: what a full
 * qdisc or a filter dropped counts each time it was tried. So no more than
 * bytes_acked + snd_nxt - snd_una, which count our FIN and a client's SYN (a
 * server's bytes_acked begins after its SYN). A server's is told by the limit
 * that it has of its listener: sk_clone_lock().
 */
static inline u64 bytes_out(const struct sock *sk, const struct tcp_sock *tp)
{
	u64 sent = READ_ONCE(tp->bytes_sent) - READ_ONCE(tp->bytes_retrans);
	u32 next = READ_ONCE(tp->snd_nxt);
	u64 left = READ_ONCE(tp->bytes_acked) +
		   (u32)(next - READ_ONCE(tp->snd_una));

	left -= left && next == READ_ONCE(tp->write_seq) &&
		((1 << state_of(sk)) & (TCPF_FIN_WAIT1 | TCPF_FIN_WAIT2 |
					TCPF_CLOSING | TCPF_LAST_ACK));
	if (sent <= left)
		return sent;
	return left - (left && !READ_ONCE(sk->sk_max_ack_backlog));
}

/*
 * In SYN_SENT: tcp_connect() has sent its SYN, and counted it (ActiveOpens).
 * Fast Open gets there before (TCP_FASTOPEN_CONNECT), with the numbers of a
 * connection that tcp_disconnect() ended, which clears segs_out alone.
 */
static inline bool syn_sent(const struct tcp_sock *tp)
{
	return READ_ONCE(tp->snd_nxt) != READ_ONCE(tp->snd_una) &&
	       READ_ONCE(tp->segs_out);
}

/*
 * What became of a connection, tcptrace_has_totals(). Valid until
 * tcp_disconnect() clears it, which is after the transition to CLOSE. The
 * peer's FIN counts as a byte received once tcp_fin() has seen it.
 */
static inline void set_totals(struct tcptrace_record *r, const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	bool fin = sock_flag(sk, SOCK_DONE);

	r->ret = -READ_ONCE(sk->sk_err);
	r->segs_in = READ_ONCE(tp->segs_in);
	r->segs_out = READ_ONCE(tp->segs_out);
	if (!(r->segs_in | r->segs_out))
		return;
	r->unread = READ_ONCE(tp->rcv_nxt) - READ_ONCE(tp->copied_seq);
	r->unread -= fin && r->unread;
	if (r->old == TCP_SYN_SENT)
		r->unread = READ_ONCE(sk->sk_err_soft);
	if (state_of(sk) != TCP_SYN_SENT || syn_sent(tp))
		r->undelivered = READ_ONCE(tp->write_seq) -
				 READ_ONCE(tp->snd_una);
	r->bytes_in = READ_ONCE(tp->bytes_received);
	r->bytes_in -= fin && r->bytes_in;
	r->bytes_out = bytes_out(sk, tp);
	r->retrans = READ_ONCE(tp->total_retrans);
	r->srtt_us = READ_ONCE(tp->srtt_us) >> 3;
	r->rtt_min_us = tcp_min_rtt(tp);
}

/*
 * Both initial sequence numbers of a client, when its SYN is acknowledged: no
 * member keeps them. 0: it sent none, its connection is another socket's
 * (TCP_REPAIR).
 */
static inline u64 client_isns(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	u32 ours = tp->snd_una - (u32)tp->bytes_acked;
	u32 theirs = tp->rcv_nxt - (u32)tp->bytes_received - 1;

	if (!tp->segs_out)
		return 0;
	return (u64)ours << 32 | theirs;
}

static inline u64 request_isns(const struct request_sock *req)
{
	return (u64)tcp_rsk(req)->snt_isn << 32 | tcp_rsk(req)->rcv_isn;
}

/* A request of a listener; family is the listener's, as its child's will be. */
static inline void set_request(struct tcptrace_record *r,
			       const struct request_sock *req,
			       const struct sock *listener)
{
	set_common(r, &req->__req_common);
	r->flags |= TCPTRACE_F_REQUEST;
	if (listener->sk_family == AF_INET6)
		r->family = 6;
	r->old = defer_accept(listener);
	set_queues(r, listener);
}

/*
 * The lengths of this record still have the request that it says is leaving:
 * reqsk_queue_removed() comes after.
 */
static inline void uncount_request(struct tcptrace_record *r,
				   const struct request_sock *req)
{
	r->synq--;
	r->synq_young -= !req->num_timeout;
}

/* ---- segments ---- */

struct segment {
	u8 saddr[16], daddr[16];
	u16 sport, dport;
	u8 flags, family;
};

#define TH_FIN	0x01
#define TH_SYN	0x02
#define TH_RST	0x04
#define TH_ACK	0x10

/* Headers that the stack has parsed already. False: not TCP, or not there. */
static inline bool read_segment(struct segment *s, const struct sk_buff *skb)
{
	const struct tcphdr *th;

	if (!skb_transport_header_was_set(skb) ||
	    skb->transport_header <= skb->network_header)
		return false;
	if (skb->protocol == htons(ETH_P_IP)) {
		const struct iphdr *ip = ip_hdr(skb);

		if (ip->protocol != IPPROTO_TCP)
			return false;
		map_v4(s->saddr, ip->saddr);
		map_v4(s->daddr, ip->daddr);
		s->family = 4;
	} else if (skb->protocol == htons(ETH_P_IPV6)) {
		memcpy(s->saddr, &ipv6_hdr(skb)->saddr, 16);
		memcpy(s->daddr, &ipv6_hdr(skb)->daddr, 16);
		s->family = 6;
	} else {
		return false;
	}
	th = tcp_hdr(skb);
	s->sport = ntohs(th->source);
	s->dport = ntohs(th->dest);
	s->flags = tcp_flag_byte(th);
	return true;
}

/* The tuple of an arriving segment, seen from this end. */
static inline void set_segment(struct tcptrace_record *r,
			       const struct segment *s)
{
	memcpy(r->laddr, s->daddr, 16);
	memcpy(r->raddr, s->saddr, 16);
	r->lport = s->dport;
	r->rport = s->sport;
	r->family = s->family;
}

/* ---- the filter: module parameters, fixed while the module is there ---- */

#define FILTER_PORTS	16
#define FILTER_NETS	8		/* as many as --addr takes */

struct filter_net {
	struct in6_addr addr;		/* IPv4 as ::ffff:a.b.c.d */
	unsigned int bits;		/* of its prefix, 0 to 128 */
};

struct filter {
	bool any;			/* of the following */
	u32 netns;			/* inode number, 0: all */
	u32 family;			/* 4, 6 or 0 */
	unsigned int nports;
	u16 ports[FILTER_PORTS];	/* local or remote */
	unsigned int nnets;
	struct filter_net nets[FILTER_NETS];	/* local or remote */
};

extern struct filter filter;
int filter_init(void);

static inline bool place_wanted(const struct sock *owner)
{
	if (filter.family &&
	    (owner->sk_family == AF_INET6) != (filter.family == 6))
		return false;
	return !filter.netns || sk_netns(owner) == filter.netns;
}

static inline bool ports_wanted(u16 lport, u16 rport)
{
	unsigned int i;

	for (i = 0; i < filter.nports; i++) {
		if (filter.ports[i] == lport || filter.ports[i] == rport)
			return true;
	}
	return !filter.nports;
}

static inline bool in_nets(const u8 *addr)
{
	const struct filter_net *net = filter.nets;
	unsigned int i;

	for (i = 0; i < filter.nnets; i++, net++) {
		if (ipv6_prefix_equal(&net->addr, (const void *)addr,
				      net->bits))
			return true;
	}
	return false;
}

static inline bool addrs_wanted(const u8 *laddr, const u8 *raddr)
{
	return !filter.nnets || in_nets(raddr) || in_nets(laddr);
}

/* One that is not connected yet may get there. */
static inline bool common_addrs_wanted(const struct sock_common *c)
{
	u8 laddr[16] = {}, raddr[16] = {};

	if (!filter.nnets || !c->skc_dport)
		return true;
	common_addrs(c, laddr, raddr);
	return addrs_wanted(laddr, raddr);
}

/* What came to a listener is wanted by that one's port, too: TPROXY, sk_lookup. */
static inline bool ports_wanted_of(const struct sock *listener, u16 lport,
				   u16 rport)
{
	return ports_wanted(lport, rport) ||
	       (listener && ports_wanted(listener->sk_num, rport));
}

static inline bool segment_wanted(const struct segment *s,
				  const struct sock *listener)
{
	return ports_wanted_of(listener, s->dport, s->sport) &&
	       addrs_wanted(s->daddr, s->saddr);
}

static inline bool common_wanted(const struct sock_common *c,
				 const struct sock *listener)
{
	return ports_wanted_of(listener, c->skc_num, ntohs(c->skc_dport)) &&
	       common_addrs_wanted(c);
}

/* A minisock. */
static inline bool minisock_wanted(const struct sock_common *c)
{
	if (!filter.any)
		return true;
	return (!filter.family ||
		(c->skc_family == AF_INET6) == (filter.family == 6)) &&
	       (!filter.netns || filter.netns == common_netns(c)) &&
	       common_wanted(c, NULL);
}

/* A full socket. */
static inline bool wanted(const struct sock *sk)
{
	if (!filter.any)
		return true;
	return place_wanted(sk) &&
	       ports_wanted(sk_lport(sk), ntohs(sk->sk_dport)) &&
	       common_addrs_wanted(&sk->__sk_common);
}

/* The end of one: a reset has cleared its ports by then. */
static inline bool wanted_end(const struct sock *sk)
{
	return sk->sk_dport ? wanted(sk) : !filter.any || place_wanted(sk);
}

/* Anything of a listener: c is the request or child, or NULL: tuple checked. */
static inline bool wanted_of(const struct sock *listener,
			     const struct sock_common *c)
{
	if (!filter.any)
		return true;
	return place_wanted(listener) && (!c || common_wanted(c, listener));
}

/* What accept() takes from a listener; NULL: not known. */
static inline bool wanted_child(const struct sock *child,
				const struct sock *listener)
{
	return wanted(child) ||
	       (listener && wanted_of(listener, &child->__sk_common));
}

#endif
