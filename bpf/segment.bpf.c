// SPDX-License-Identifier: GPL-2.0-only
/*
 * Segments that prove something: sent again, RST out, RST in; and the minisock
 * that stands for a connection in TIME_WAIT.
 */
#include "attach.bpf.h"
#include "filter.bpf.h"
#include "recursion.bpf.h"
#include "ring.bpf.h"
#include "segment.bpf.h"

static __always_inline int emit_sock(__u32 event, const struct sock *sk, __u8 answered, __u8 flags)
{
	struct tcptrace_record *r;

	sk = TYPED_PTR(sk);
	if (!wanted(sk))
		return 0;
	r = reserve(event);
	if (!r)
		return 0;
	set_sock(r, sk);
	r->old = r->new = sk_state(sk);
	r->arg = answered;
	r->flags |= flags;
	submit(r);
	return 0;
}

/* ---- sent again ------------------------------------------------------------------------------- */

/*
 * How many segments that is, as RetransSegs counts them: one skb may be several (TSO). err: why it did not leave, or 0.
 */
static __always_inline int emit_retrans(const struct sock *sk, const struct sk_buff *skb, int err)
{
	const struct tcp_skb_cb *cb;
	struct tcptrace_record *r;

	sk = TYPED_PTR(sk);
	if (!wanted(sk))
		return 0;
	r = reserve(TCPTRACE_RETRANS);
	if (!r)
		return 0;
	set_sock(r, sk);
	r->old = r->new = sk_state(sk);
	cb = (const void *)((__u64)skb + bpf_core_field_offset(struct sk_buff, cb));
	r->arg = READ(TYPED_PTR(cb), tcp_gso_segs);
	r->ret = err > 0 ? -ENOBUFS : err;	/* net_xmit_errno(): dropped by a full queue */
	submit(r);
	return 0;
}

/*
 * Did it fail before it was counted, and before IP got it? __tcp_retransmit_skb(). EHOSTUNREACH may be of IP, too: the socket
 * has no capabilities of a route where rebuild_header() found none.
 */
static __always_inline bool never_tried(const struct sock *sk, int err)
{
	return err == -EBUSY || err == -ENOMEM || err == -EAGAIN ||
	       (err == -EHOSTUNREACH && !READ(TYPED_PTR(sk), sk_route_caps));
}

/* Those that fail are not seen before 6.16 (ad892e912b84). */
#define FAILED_TOO	bpf_core_field_exists(struct trace_event_raw_tcp_retransmit_skb, err)

static __always_inline int retrans_hook(const struct sock *sk, const struct sk_buff *skb, int err)
{
	return never_tried(sk, err) ? 0 : emit_retrans(sk, skb, err);
}

SEC("?raw_tp/tcp_retransmit_skb")
int BPF_PROG(tp_retrans, const struct sock *sk, const struct sk_buff *skb)
{
	int err = 0;

	if (FAILED_TOO)
		err = ctx[2];
	return retrans_hook(sk, skb, err);
}

SEC("?tp/tcp/tcp_retransmit_skb")
int tp_retrans_whole(const struct trace_event_raw_tcp_retransmit_skb *ctx)
{
	int err = 0;

	if (FAILED_TOO)
		err = ctx->err;
	return retrans_hook(SK_SKB_EVENT(ctx, trace_event_raw_tcp_retransmit_skb, skaddr),
			    SK_SKB_EVENT(ctx, trace_event_raw_tcp_retransmit_skb, skbaddr), err);
}

/* Before 6.16: of those that fail, the ones that the kernel has counted. */
static __always_inline int retransmit_enter(const struct sock *sk, const struct sk_buff *skb)
{
	struct notes *n = notes();

	if (!n || FAILED_TOO)
		return 0;
	n->retransmit.sk = (__u64)sk;
	n->retransmit.skb = (__u64)skb;
	n->retransmit.total = READ(TYPED_PTR((const struct tcp_sock *)sk), total_retrans);
	return 0;
}

/* A softirq may come in between, whose exit takes the note: then ours is not seen. */
static __always_inline int retransmit_exit(int err)
{
	struct notes *n = notes();
	const struct sock *sk;

	if (!n || !n->retransmit.sk)
		return 0;
	sk = (const void *)n->retransmit.sk;
	n->retransmit.sk = 0;
	if (!err || READ(TYPED_PTR((const struct tcp_sock *)sk), total_retrans) == n->retransmit.total)
		return 0;
	return emit_retrans(sk, (const void *)n->retransmit.skb, err);
}

AT_ENTRY(retransmit, tcp_retransmit_skb, retransmit_enter(sk, skb), const struct sock *sk, const struct sk_buff *skb)
AT_RETURN_OF(retransmit, tcp_retransmit_skb, 3, retransmit_exit(ret))

/* Called by the one above, unless it is inlined there; and by a tail loss probe. */
AT_ENTRY(retransmit_tlp, __tcp_retransmit_skb, retransmit_enter(sk, skb), const struct sock *sk, const struct sk_buff *skb)
AT_RETURN_OF(retransmit_tlp, __tcp_retransmit_skb, 3, retransmit_exit(ret))

/* ---- resets ------------------------------------------------------------------------------------- */

/* 5.11 and later (049fe386d353): before, the function is not given the segment. */
static __always_inline int reset_enter(const struct sock *sk, const struct sk_buff *skb)
{
	struct notes *n = notes();

	if (!n)
		return 0;
	n->reset.sk = (__u64)sk;
	n->reset.rst = segment_flags(TYPED_PTR(skb)) & TH_RST;
	return 0;
}

AT_ENTRY(reset, tcp_reset, reset_enter(sk, skb), const struct sock *sk, const struct sk_buff *skb)

/*
 * tcp_reset() calls the tracepoint, and is not only for a RST: data for a socket that reads no more ends it as if one had
 * come (tcp_rcv_state_process(), TCPAbortOnData), and is answered by ours.
 */
static __always_inline int rst_received_hook(const struct sock *sk)
{
	struct notes *n = notes();
	__u8 state, flags = 0;

	if (n && n->reset.sk == (__u64)sk) {
		n->reset.sk = 0;
		return n->reset.rst ? emit_sock(TCPTRACE_RST_RECEIVED, sk, 0, 0) : 0;
	}
	state = sk_state(TYPED_PTR(sk));
	if ((state == TCP_FIN_WAIT1 || state == TCP_FIN_WAIT2) && READ(TYPED_PTR(sk), sk_shutdown) & RCV_SHUTDOWN)
		flags = TCPTRACE_F_INFERRED;
	return emit_sock(TCPTRACE_RST_RECEIVED, sk, 0, flags);
}

GUARDED_TP(tp_rst_received, tcp_receive_reset, (__u64)sk, DID_RST_RECEIVED, rst_received_hook(sk), const struct sock *sk)

SEC("?tp/tcp/tcp_receive_reset")
int tp_rst_received_whole(const struct trace_event_raw_tcp_event_sk *ctx)
{
	return rst_received_hook(ctx->skaddr);
}

/* sk: the listener; of Fast Open the child, which answers itself (tcp_fastopen_synack_timer()). */
static __always_inline int synack_retrans_hook(const struct sock *sk, const struct request_sock *req)
{
	const struct sock *listener;
	struct tcptrace_record *r;

	sk = TYPED_PTR(sk);
	req = TYPED_PTR(req);
	listener = sk_state(sk) == TCP_LISTEN ? sk : req_listener(req);
	if (!listener || !wanted_of(listener, (const void *)req))
		return 0;
	r = reserve(TCPTRACE_SYNACK_RETRANS);
	if (!r)
		return 0;
	if (listener == sk) {
		set_request(r, req, listener);
	} else {
		set_sock(r, sk);
		set_queues(r, listener);
	}
	submit(r);
	return 0;
}

SEC("?raw_tp/tcp_retransmit_synack")
int BPF_PROG(tp_synack_retrans, const struct sock *sk, const struct request_sock *req)
{
	return synack_retrans_hook(sk, req);
}

SEC("?tp/tcp/tcp_retransmit_synack")
int tp_synack_retrans_whole(const struct trace_event_raw_tcp_retransmit_synack *ctx)
{
	return synack_retrans_hook(ctx->skaddr, ctx->req);
}

/* Without a listener only filters that speak of addresses can say whether it is wanted. */
static __always_inline bool rst_wanted(const struct sock *listener, const struct segment *seg, __u32 netns)
{
	if (!cfg.filtered)
		return true;
	if (listener && !wanted_of(listener, NULL))
		return false;
	if (!listener && (cfg.by_pid || cfg.cgroup || (cfg.family && cfg.family != seg->family) ||
			  (cfg.netns && netns != cfg.netns)))
		return false;
	return segment_wanted(seg, listener);
}

/* When the listener, or its SO_REUSEPORT group, sent a cookie last, to a second: tcp_synq_overflow() */
static __always_inline __u32 last_cookie(const struct sock *listener)
{
	const struct sock_reuseport *reuse = READ(listener, sk_reuseport_cb);

	if (reuse && BPF_CORE_READ_BITFIELD_PROBED(&listener->__sk_common, skc_reuseport))
		return READ(reuse, synq_overflow_ts);
	return READ(TYPED_PTR((const struct tcp_sock *)listener), rx_opt.ts_recent_stamp);
}

/* cookie_v4_check(), tcp_synq_no_recent_overflow() */
static __always_inline bool cookies_checked(const struct sock *listener)
{
	__u32 now = (__u32)bpf_jiffies64(), from = last_cookie(listener) - cfg.hz, valid = 120 * cfg.hz;

	return READ(net_of(listener), ipv4.sysctl_tcp_syncookies) && now - from <= valid + cfg.hz;
}

/* It may be tcp_check_req()'s answer to the third packet of a request, which asked for no cookie. */
static __always_inline bool may_abort(const struct sock *listener)
{
	return aborts_on_overflow(listener) && acceptq_full(listener);
}

/* Why a RST is sent is told from 6.10 on (b533fb9cf4f7). */
#define REASON_TOLD	(bpf_core_field_exists(struct trace_event_raw_tcp_send_reset, reason) &&		\
			 bpf_core_enum_value_exists(enum sk_rst_reason, SK_RST_REASON_INVALID_SYN))
#define NO_REASON	-1

/* tcp_check_req() ends a request that way: for a SYN within its window, and instead of a full accept queue. */
static __always_inline bool ends_request(int reason)
{
	return reason == (int)bpf_core_enum_value(enum sk_rst_reason, SK_RST_REASON_INVALID_SYN);
}

/* An ACK that is nobody's: tcp_rcv_state_process(). A RST for the child of a good cookie is sent in its listener's name, too. */
static __always_inline bool is_nobodys(int reason)
{
	return reason == (int)bpf_core_enum_value(enum sk_rst_reason, SK_RST_REASON_TCP_FLAGS);
}

/*
 * Whether an ACK that a listener answers by a RST was taken for a cookie: one that is nobody's was. Where no reason is
 * told and it may be, the model judges.
 */
static __always_inline void judge_cookie(struct tcptrace_record *r, const struct sock *listener, int reason)
{
	if (!cookies_checked(listener) || (REASON_TOLD && !is_nobodys(reason)))
		return;
	r->flags |= TCPTRACE_F_INFERRED;
	r->arg = REASON_TOLD || !may_abort(listener) ? TCPTRACE_NO_COOKIE : 0;
}

/* A SYN that is no repetition of the first one ends its request. Without a reason one with an ACK may not be a request's. */
static __always_inline bool by_syn(const struct segment *seg, int reason)
{
	if (REASON_TOLD)
		return seg->flags & TH_SYN && ends_request(reason);
	return (seg->flags & (TH_SYN | TH_ACK)) == TH_SYN;
}

static __always_inline void emit_rst(const struct sock *sk, const struct segment *seg, __u8 state, __u32 netns, int reason)
{
	struct tcptrace_record *r = reserve(TCPTRACE_RST_SENT);

	if (!r)
		return;
	r->sk = 0;
	r->cookie = 0;
	r->netns = netns;
	r->old = r->new = state;
	if (!state)
		r->arg = seg->flags;
	set_segment(r, seg);
	if (state == TCP_LISTEN) {
		set_queues(r, sk);
		if (READ(sk, __sk_common.skc_family) == AF_INET6)
			r->family = 6;
		if (cfg.tp_cookie && (seg->flags & (TH_ACK | TH_SYN)) == TH_ACK)
			judge_cookie(r, sk, reason);
	}
	submit(r);
}

/*
 * In answer to a segment (skb) for a listener, a minisock or no socket at all; or by close() of a full
 * socket (no skb). Before 6.12 (edefba66d929) only where there is a socket.
 */
static __always_inline int rst_sent_hook(const struct sock *sk, const struct sk_buff *skb, int reason)
{
	struct segment seg;
	__u8 state = 0;
	__u32 netns;

	sk = TYPED_PTR(sk);
	skb = TYPED_PTR(skb);
	if (sk)
		state = sk_state(sk);
	if (state && state != TCP_LISTEN && state != TCP_NEW_SYN_RECV && state != TCP_TIME_WAIT)
		return emit_sock(TCPTRACE_RST_SENT, sk, state == TCP_SYN_RECV && skb ? segment_flags(skb) : 0, 0);
	if (!skb || !read_segment(&seg, skb))
		return 0;
	netns = segment_netns(skb);
	if (!rst_wanted(state == TCP_LISTEN ? sk : NULL, &seg, netns))
		return 0;
	emit_rst(sk, &seg, state, netns, reason);
	if (cfg.tp_synq_del && state == TCP_LISTEN && by_syn(&seg, reason))
		emit_reset(sk, skb);
	return 0;
}

/* Of a tracepoint with two arguments a third may not be read. */
static __always_inline int reason_told(const __u64 *args)
{
	return REASON_TOLD ? (int)args[2] : NO_REASON;
}

GUARDED_TP(tp_rst_sent, tcp_send_reset, (__u64)(sk ? (void *)sk : (void *)skb), DID_RST_SENT,
	   rst_sent_hook(sk, skb, reason_told(ctx)), const struct sock *sk, const struct sk_buff *skb)

SEC("?tp/tcp/tcp_send_reset")
int tp_rst_sent_whole(const struct trace_event_raw_tcp_send_reset *ctx)
{
	int reason = NO_REASON;

	if (REASON_TOLD)
		reason = ctx->reason;
	return rst_sent_hook(SK_SKB_EVENT(ctx, trace_event_raw_tcp_send_reset, skaddr),
			     SK_SKB_EVENT(ctx, trace_event_raw_tcp_send_reset, skbaddr), reason);
}

/* ---- TIME_WAIT --------------------------------------------------------------------------------- */

static __always_inline int emit_timewait(const struct inet_timewait_sock *tw, __u8 old, __u8 new, int err)
{
	struct tcptrace_record *r;

	tw = TYPED_PTR(tw);
	if (!minisock_wanted((const void *)tw))
		return 0;
	r = reserve(TCPTRACE_STATE);
	if (!r)
		return 0;
	set_common(r, (const struct sock_common *)tw);
	r->old = old;
	r->new = new;
	r->ret = -err;
	r->flags |= TCPTRACE_F_TIMEWAIT;
	submit(r);
	return 0;
}

/* Within tcp_timewait_state_process(): by the RST in hand. Else by its timer, or by a new connection with its ends. */
static __always_inline int timewait_kill(const struct inet_timewait_sock *tw)
{
	const struct notes *n = notes();

	return emit_timewait(tw, READ(TYPED_PTR(tw), tw_substate), TCP_CLOSE, n && n->reset_tw == (__u64)tw ? ECONNRESET : 0);
}

AT_ENTRY(tw_kill, inet_twsk_kill, timewait_kill(tw), const struct inet_timewait_sock *tw)

/*
 * An orphan in FIN_WAIT2 gets its FIN: only now is it in TIME_WAIT. One that is not the next segment, or has data, is answered
 * by an ACK or a RST; the state after it tells. Or it gets a RST, which ends it if it is in the window.
 */
static __always_inline int timewait_segment(const struct inet_timewait_sock *tw, const struct sk_buff *skb)
{
	struct notes *n = notes();
	struct segment seg;

	if (!n || READ(TYPED_PTR(tw), tw_substate) != TCP_FIN_WAIT2 || !read_ports(&seg, TYPED_PTR(skb)))
		return 0;
	if (seg.flags & TH_RST)
		n->reset_tw = (__u64)tw;
	if (is_fin(seg.flags))
		n->fin_tw = (__u64)tw;
	return 0;
}

static __always_inline int timewait_segment_done(void)
{
	const struct inet_timewait_sock *tw;
	struct notes *n = notes();

	if (!n)
		return 0;
	tw = TYPED_PTR((const struct inet_timewait_sock *)n->fin_tw);
	n->reset_tw = n->fin_tw = 0;
	return tw && READ(tw, tw_substate) == TCP_TIME_WAIT ? emit_timewait(tw, TCP_FIN_WAIT2, TCP_TIME_WAIT, 0) : 0;
}

AT_ENTRY(tw_segment, tcp_timewait_state_process, timewait_segment(tw, skb),
	 const struct inet_timewait_sock *tw, const struct sk_buff *skb)
AT_RETURN(tw_segment, tcp_timewait_state_process, timewait_segment_done())

/*
 * tracepoints, 6.11 and later (rx_sk, c53795d48ee8): the FIN is thrown away as a segment of the minisock, whose state it has
 * changed or not; so is a RST, and one in the window has taken the minisock out of its table by then (inet_twsk_deschedule_put())
 */
SEC("?raw_tp/kfree_skb")
int BPF_PROG(tp_tw_segment, const struct sk_buff *skb, const void *location, int reason,
	     const struct sock *rx_sk)
{
	const struct inet_timewait_sock *tw = (const void *)rx_sk;
	struct segment seg;

	if (!rx_sk || sk_state(TYPED_PTR(rx_sk)) != TCP_TIME_WAIT || !read_ports(&seg, TYPED_PTR(skb)))
		return 0;
	tw = TYPED_PTR(tw);
	if (is_fin(seg.flags))
		return READ(tw, tw_substate) == TCP_TIME_WAIT ? emit_timewait(tw, TCP_FIN_WAIT2, TCP_TIME_WAIT, 0) : 0;
	if (!(seg.flags & TH_RST) || READ(tw, tw_substate) != TCP_FIN_WAIT2 || READ(tw, __tw_common.skc_nulls_node.pprev))
		return 0;
	return emit_timewait(tw, TCP_FIN_WAIT2, TCP_CLOSE, ECONNRESET);
}

/* Before 6.11 the FIN alone: the model knows whether its tuple is an orphan's in FIN_WAIT2. */
SEC("?raw_tp/kfree_skb")
int BPF_PROG(tp_tw_segment_old, const struct sk_buff *skb)
{
	struct tcptrace_record *r;
	struct segment seg;
	__u32 netns;

	skb = TYPED_PTR(skb);
	if (!is_fin(segment_flags(skb)) || !read_segment(&seg, skb))
		return 0;
	netns = segment_netns(skb);
	if ((cfg.netns && netns != cfg.netns) || (cfg.family && cfg.family != seg.family) || !segment_wanted(&seg, NULL))
		return 0;
	r = reserve(TCPTRACE_STATE);
	if (!r)
		return 0;
	r->sk = 0;
	r->cookie = 0;
	r->netns = netns;
	r->old = TCP_FIN_WAIT2;
	r->new = TCP_TIME_WAIT;
	r->flags |= TCPTRACE_F_TIMEWAIT | TCPTRACE_F_INFERRED;
	set_segment(r, &seg);
	submit(r);
	return 0;
}
