// SPDX-License-Identifier: GPL-2.0-only
/*
 * Segments that prove something: sent again, RST out, RST in; and the minisock
 * that stands for a connection in TIME_WAIT. Its twin is bpf/segment.bpf.c.
 */
#include <trace/events/tcp.h>

#include "hooks.h"
#include "notes.h"
#include "read.h"

static void emit_sock(unsigned int event, const struct sock *sk, u8 answered,
		      u8 flags)
{
	struct tcptrace_record r;

	if (!wanted(sk) || !reserve(&r, event))
		return;
	set_sock(&r, sk);
	r.old = r.new = state_of(sk);
	r.arg = answered;
	r.flags |= flags;
	submit(&r);
}

/* ---- sent again ---- */

/* err: 0, or why it did not leave, though RetransSegs has counted it */
static void emit_retrans(const struct sock *sk, const struct sk_buff *skb,
			 int err)
{
	struct tcptrace_record r;

	if (!wanted(sk) || !reserve(&r, TCPTRACE_RETRANS))
		return;
	set_sock(&r, sk);
	r.old = r.new = state_of(sk);
	r.arg = tcp_skb_pcount(skb);
	r.ret = err > 0 ? net_xmit_errno(err) : err;	/* a full queue: 1 */
	submit(&r);
}

#ifdef HAVE_RETRANS_ERR
/*
 * __tcp_retransmit_skb(): it failed before it was counted, and before IP got it.
 * EHOSTUNREACH may be of IP, too: the socket has no capabilities of a route where
 * rebuild_header() found none.
 */
static bool never_tried(const struct sock *sk, int err)
{
	return err == -EBUSY || err == -ENOMEM || err == -EAGAIN ||
	       (err == -EHOSTUNREACH && !sk->sk_route_caps);
}

static void tp_retrans(void *data, const struct sock *sk,
		       const struct sk_buff *skb, int err)
{
	if (!never_tried(sk, err))
		emit_retrans(sk, skb, err);
}
#else
static void tp_retrans(void *data, const struct sock *sk,
		       const struct sk_buff *skb)
{
	emit_retrans(sk, skb, 0);
}

/*
 * Before 6.16 (ad892e912b84) the tracepoint does not see those that fail.
 * tcp_retransmit_skb() calls __tcp_retransmit_skb() or, inlined, does the same;
 * a tail loss probe calls the latter itself. RetransSegs and total_retrans are
 * raised together.
 */
struct retransmit {
	const struct sock *sk;
	const struct sk_buff *skb;
	u32 total;
};

/* Set by the inner of the two functions when it has emitted, so that the outer does not. */
static DEFINE_PER_CPU(const struct sock *, told);

static int retransmit_enter(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct retransmit *rt = (void *)ri->data;

	rt->sk = ARG(regs, 0);
	rt->skb = ARG(regs, 1);
	rt->total = tcp_sk(rt->sk)->total_retrans;
	raw_cpu_write(told, NULL);
	return 0;
}

/* The socket is locked: nobody else sends its segments. */
static int retransmit_exit(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	const struct retransmit *rt = (void *)ri->data;
	int err = regs_return_value(regs);

	if (!err || raw_cpu_read(told) == rt->sk ||
	    tcp_sk(rt->sk)->total_retrans == rt->total)
		return 0;
	emit_retrans(rt->sk, rt->skb, err);
	raw_cpu_write(told, rt->sk);
	return 0;
}
#endif

/* ---- resets ---- */

#ifdef HAVE_RESET_SKB
static int k_reset(struct kprobe *p, struct pt_regs *regs)
{
	const struct sk_buff *skb = ARG(regs, 1);

	notes()->reset_sk = ARG(regs, 0);
	notes()->reset_rst = skb && tcp_hdr(skb)->rst;
	return 0;
}
#endif

/*
 * tcp_reset() calls the tracepoint, and is not only for a RST: data for a socket
 * that reads no more ends it as if one had come (tcp_rcv_state_process(),
 * TCPAbortOnData), and is answered by ours.
 */
static void tp_rst_received(void *data, struct sock *sk)
{
	bool told = notes()->reset_sk == sk, shut;

	notes()->reset_sk = NULL;
	if (told) {
		if (notes()->reset_rst)
			emit_sock(TCPTRACE_RST_RECEIVED, sk, 0, 0);
		return;
	}
	shut = (1 << state_of(sk)) & (TCPF_FIN_WAIT1 | TCPF_FIN_WAIT2) &&
	       READ_ONCE(sk->sk_shutdown) & RCV_SHUTDOWN;
	emit_sock(TCPTRACE_RST_RECEIVED, sk, 0, shut ? TCPTRACE_F_INFERRED : 0);
}

/*
 * sk: the listener; of Fast Open the child, which answers itself
 * (tcp_fastopen_synack_timer()).
 */
static void tp_synack_retrans(void *data, const struct sock *sk,
			      const struct request_sock *req)
{
	const struct sock *listener = sk;
	struct tcptrace_record r;

	if (state_of(sk) != TCP_LISTEN)
		listener = req_listener(req);
	if (!listener || !wanted_of(listener, &req->__req_common) ||
	    !reserve(&r, TCPTRACE_SYNACK_RETRANS))
		return;
	if (listener == sk) {
		set_request(&r, req, listener);
	} else {
		set_sock(&r, sk);
		set_queues(&r, listener);
	}
	submit(&r);
}

/* Without a listener only the segment can say whether it is wanted. */
static bool rst_wanted(const struct sock *listener, const struct segment *seg,
		       u32 netns)
{
	if (listener)
		return wanted_of(listener, NULL) &&
		       segment_wanted(seg, listener);
	return (!filter.family || filter.family == seg->family) &&
	       (!filter.netns || filter.netns == netns) &&
	       segment_wanted(seg, NULL);
}

/*
 * In answer to a segment (skb) for a listener, a minisock or no socket at all;
 * or by close() of a full socket (no skb). Before 6.12 (edefba66d929) only where
 * there is a socket.
 */
static void rst_sent(const struct sock *sk, const struct sk_buff *skb)
{
	struct tcptrace_record r;
	struct segment seg;
	u8 state = 0;
	u32 netns;

	if (sk)
		state = state_of(sk);
	if (state && state != TCP_LISTEN && state != TCP_NEW_SYN_RECV &&
	    state != TCP_TIME_WAIT) {
		emit_sock(TCPTRACE_RST_SENT, sk, state == TCP_SYN_RECV && skb ?
			  tcp_flag_byte(tcp_hdr(skb)) : 0, 0);
		return;
	}
	if (!skb || !read_segment(&seg, skb))
		return;
	/* skb->dev is cleared before a listener gets the segment */
	netns = sk ? sk_netns(sk) : skb->dev ? dev_net(skb->dev)->ns.inum : 0;
	if (!rst_wanted(state == TCP_LISTEN ? sk : NULL, &seg, netns) ||
	    !reserve(&r, TCPTRACE_RST_SENT))
		return;
	r.netns = netns;
	r.old = r.new = state;
	if (!state)
		r.arg = seg.flags;
	set_segment(&r, &seg);
	if (state == TCP_LISTEN) {
		set_queues(&r, sk);
		if (sk->sk_family == AF_INET6)
			r.family = 6;
	}
	submit(&r);
}

#ifdef HAVE_RST_REASON
static void tp_rst_sent(void *data, const struct sock *sk,
			const struct sk_buff *skb,
			const enum sk_rst_reason reason)
#else
static void tp_rst_sent(void *data, const struct sock *sk,
			const struct sk_buff *skb)
#endif
{
	rst_sent(sk, skb);
}

/* ---- TIME_WAIT ---- */

static void emit_timewait(const struct inet_timewait_sock *tw, u8 old, u8 new,
			  int err)
{
	const struct sock_common *c = &tw->__tw_common;
	struct tcptrace_record r;

	if (!minisock_wanted(c) || !reserve(&r, TCPTRACE_STATE))
		return;
	set_common(&r, c);
	r.old = old;
	r.new = new;
	r.ret = -err;
	r.flags |= TCPTRACE_F_TIMEWAIT;
	submit(&r);
}

/*
 * Within tcp_timewait_state_process(): by the RST in hand. Else by its timer, or
 * by a new connection with its ends.
 */
static int k_tw_kill(struct kprobe *p, struct pt_regs *regs)
{
	const struct inet_timewait_sock *tw = ARG(regs, 0);

	emit_timewait(tw, READ_ONCE(tw->tw_substate), TCP_CLOSE,
		      notes()->reset_tw == tw ? ECONNRESET : 0);
	return 0;
}

/*
 * An orphan in FIN_WAIT2 gets its FIN: only now is it in TIME_WAIT. One that is
 * not the next segment, or has data, is answered by an ACK or a RST; the state
 * after it tells. Or it gets a RST, which ends it if it is in the window.
 */
static int tw_segment_enter(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	const struct inet_timewait_sock *tw = ARG(regs, 0);
	const struct sk_buff *skb = ARG(regs, 1);
	struct segment seg;
	bool fin;

	if (READ_ONCE(tw->tw_substate) != TCP_FIN_WAIT2 ||
	    !read_segment(&seg, skb))
		return 1;
	fin = (seg.flags & (TH_FIN | TH_RST | TH_SYN)) == TH_FIN;
	if (!fin && !(seg.flags & TH_RST))
		return 1;
	*(const struct inet_timewait_sock **)ri->data = fin ? tw : NULL;
	notes()->reset_tw = fin ? NULL : tw;
	return 0;
}

/* Only what returns TCP_TW_ACK holds the minisock still. */
static int tw_segment_exit(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	const struct inet_timewait_sock *tw =
		*(const struct inet_timewait_sock **)ri->data;

	notes()->reset_tw = NULL;
	if (tw && regs_return_value(regs) == TCP_TW_ACK &&
	    READ_ONCE(tw->tw_substate) == TCP_TIME_WAIT)
		emit_timewait(tw, TCP_FIN_WAIT2, TCP_TIME_WAIT, 0);
	return 0;
}

static void __maybe_unused check_types(void)
{
	check_trace_callback_type_tcp_retransmit_skb(tp_retrans);
	check_trace_callback_type_tcp_receive_reset(tp_rst_received);
	check_trace_callback_type_tcp_retransmit_synack(tp_synack_retrans);
	check_trace_callback_type_tcp_send_reset(tp_rst_sent);
}

struct hook segment_hooks[] = {
	TRACEPOINT(tcp_retransmit_skb, tp_retrans, ON(RETRANS)),
#ifndef HAVE_RETRANS_ERR
	EXIT(__tcp_retransmit_skb, retransmit_enter, retransmit_exit,
	     sizeof(struct retransmit), ON(RETRANS)),
	EXIT(tcp_retransmit_skb, retransmit_enter, retransmit_exit,
	     sizeof(struct retransmit), ON(RETRANS)),
#endif
#ifdef HAVE_RESET_SKB
	ENTER(tcp_reset, k_reset, ON(RST_RECEIVED)),
#endif
	TRACEPOINT(tcp_receive_reset, tp_rst_received, ON(RST_RECEIVED)),
	TRACEPOINT(tcp_retransmit_synack, tp_synack_retrans,
		   ON(SYNACK_RETRANS)),
	TRACEPOINT(tcp_send_reset, tp_rst_sent, ON(RST_SENT)),
	ENTER(inet_twsk_kill, k_tw_kill, ON(STATE)),
	EXIT(tcp_timewait_state_process, tw_segment_enter, tw_segment_exit,
	     sizeof(struct inet_timewait_sock *), ON(STATE)),
	{ }
};
