// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two queues of a listener: every way in, every refusal, every way out but that of a request which is dropped
 * (request.bpf.c) and of a connection which is accepted (accept.bpf.c).
 * All of this runs in softirq, where `current` has nothing to do with it: no record here has an
 * actor. Its twin is kmod/listen.c.
 */
#include "attach.bpf.h"
#include "counters.bpf.h"
#include "filter.bpf.h"
#include "notes.bpf.h"
#include "ring.bpf.h"
#include "segment.bpf.h"
#include "tp/groups.bpf.h"

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
 * A request enters the SYN queue and its SYN-ACK leaves: one record for both, so both count as lost if there is no
 * room. ahead: called just before it is queued, so one is added to the lengths.
 */
static __always_inline void emit_synq_add(const struct request_sock *req, const struct sock *listener, bool ahead)
{
	struct tcptrace_record *r = reserve(TCPTRACE_SYNQ_ADD);

	if (!r) {
		if (ASKED(SYNQ_ADD))
			__sync_fetch_and_add(&lost[TCPTRACE_SYNACK], 1);
		return;
	}
	set_request(r, req, listener);
	r->arg = request_isns(req);
	r->synq += ahead;
	r->synq_young += ahead;
	r->new = TCPTRACE_SYNACK_TOO;
	submit(r);
}

/*
 * A segment at a listener: refused (DROP), answered by a cookie or with one (COOKIE_SENT, _OK, _BAD), or a request goes
 * down by it (SYNQ_DEL). req is 0 where only the segment says which one.
 * Global function: verified once, not once per call.
 */
__noinline int write_segment(__u64 listener_addr, __u64 skb_addr, __u64 req, __u32 event, __u8 cause)
{
	const struct sock *listener = TYPED_PTR((const struct sock *)listener_addr);
	const struct sk_buff *skb = TYPED_PTR((const struct sk_buff *)skb_addr);
	struct tcptrace_record *r;
	struct segment seg;

	if (!asked(event) || !wanted_of(listener, NULL) || !read_segment(&seg, skb))
		return 0;
	if (event == TCPTRACE_COOKIE_SENT && seg.flags & TH_ACK)	/* it is the answer */
		turn_segment(&seg);
	if (!segment_wanted(&seg, listener))
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
	if (cause == TCPTRACE_DROP_ACCEPTQ_ACK && aborts_on_overflow(listener))
		r->new = TCPTRACE_ABORTED;
	if (event == TCPTRACE_SYNQ_DEL)
		r->arg = bpf_ntohl(HEADER(tcp_header(skb), seq));
	/* deduced from effects. A cookie that was valid, but the queue was full: the model adds its cookie-ok */
	if (event == TCPTRACE_COOKIE_SENT || (event == TCPTRACE_SYNQ_DEL && seg.flags & TH_RST) ||
	    (cfg.tp_cookie && event == TCPTRACE_DROP && cause == TCPTRACE_DROP_ACCEPTQ_COOKIE))
		r->flags |= TCPTRACE_F_INFERRED;
	submit(r);
	return 0;
}

static __always_inline int emit_segment(const struct sock *listener, const struct sk_buff *skb,
					const struct request_sock *req, __u32 event, __u8 cause)
{
	return write_segment(addr_of(listener), addr_of(skb), addr_of(req), event, cause);
}

static __always_inline int emit_drop(const struct sock *listener, const struct sk_buff *skb,
				     const struct request_sock *req, __u8 cause)
{
	return emit_segment(listener, skb, req, TCPTRACE_DROP, cause);
}

/* ---- a SYN-ACK is made: the request is in the SYN queue, or a cookie goes instead ------------- */

enum { SYNACK_NORMAL, SYNACK_FASTOPEN, SYNACK_COOKIE };	/* enum tcp_synack_type */

static __always_inline void note_again(struct notes *n, const struct request_sock *req)
{
	if (!n)
		return;
	n->again_req = addr_of(req);
	n->again_ns = bpf_ktime_get_ns();
}

static __always_inline int synack_hook(const struct sock *sk, const struct request_sock *req, int type)
{
	const struct tcp_request_sock *treq = TYPED_PTR((const struct tcp_request_sock *)req);
	struct notes *n = notes();
	const struct sock *listener;

	/* also set when a SYN-ACK is sent again, where nobody reads it: conn_request_enter() clears it */
	if (n)
		n->conn_request.answered = 1;
	sk = TYPED_PTR(sk);
	req = TYPED_PTR(req);
	if (type == SYNACK_COOKIE) {
		if (ASKED(COOKIE_SENT) && wanted_of(sk, (const void *)req))
			emit_request(TCPTRACE_COOKIE_SENT, req, sk, 0);
		return 0;
	}
	/* stamped by the first SYN-ACK: this one is sent again (7.2 has a type for it, the others not) */
	if (READ(treq, snt_synack)) {
		note_again(n, req);
		return 0;
	}
	if (!ASKED(SYNQ_ADD) && !ASKED(SYNACK))
		return 0;
	if (type == SYNACK_FASTOPEN) {	/* sk is the child: acceptq-add follows */
		listener = req_listener(req);
		if (listener && wanted_of(listener, (const void *)req))
			emit_child(TCPTRACE_SYNACK, sk, listener, 0);
		return 0;
	}
	/* a request reaches this point hashed and counted: tcp_conn_request() */
	if (wanted_of(sk, (const void *)req))
		emit_synq_add(req, sk, false);
	return 0;
}

AT_ENTRY(synack, tcp_make_synack, synack_hook(sk, req, type),
	 const struct sock *sk, const void *dst, const struct request_sock *req, const void *foc, int type)

/* ---- a SYN is refused: tcp_conn_request() returned and made no SYN-ACK ------------------------ */

/* Above 0: full; at 0 that depends: kernels from 3c5b4d69c358 on (6.1.128, 6.12.10, 6.13) let one more in. */
static __always_inline int synq_over(const struct sock *listener)
{
	const struct inet_connection_sock *icsk = TYPED_PTR((const struct inet_connection_sock *)listener);

	return READ(icsk, icsk_accept_queue.qlen.counter) - (int)READ(listener, sk_max_ack_backlog);
}

/* The kernel's own order of tests: SYN queue, accept queue, reserve. */
static __always_inline __u8 syn_drop_cause(const struct sock *listener, bool synq, bool acceptq)
{
	const struct inet_connection_sock *icsk = TYPED_PTR((const struct inet_connection_sock *)listener);
	const struct net *net = net_of(listener);
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
 * All refusals come by here. With PREEMPT_RT this CPU may have refused another segment since the kernel looked.
 * The length of the SYN queue does not say that it was why: kernels differ by one (synq_over()), a SYN that reuses a
 * connection in TIME_WAIT is not refused for it (tcp_conn_request(): isn), and there are other reasons.
 */
static __always_inline struct verdicts why_refused(const struct sock *listener)
{
	struct verdicts v = UNKNOWN;

	return cfg.thread_notes ? v : has_counted(net_of(listener), true);
}

static __always_inline int conn_request_enter(const struct sock *listener, const struct sk_buff *skb)
{
	const struct inet_connection_sock *icsk = TYPED_PTR((const struct inet_connection_sock *)listener);
	struct notes *n = notes();
	__u32 acceptq, synq, max;

	if (!n)
		return 0;
	n->conn_request.listener = (__u64)listener;
	n->conn_request.skb = (__u64)skb;
	n->conn_request.answered = 0;
	listener = TYPED_PTR(listener);
	n->conn_request.drops = READ(listener, sk_drops.counter);
	READ_TWO(listener, sk_ack_backlog, sk_max_ack_backlog, acceptq, max);
	synq = READ(icsk, icsk_accept_queue.qlen.counter);
	n->conn_request.synq_full = synq >= max;	/* synq_over() */
	n->conn_request.acceptq_full = acceptq > max;
	return 0;
}

static __always_inline int conn_request_exit(void)
{
	struct notes *n = notes();
	const struct sock *listener;
	bool synq, acceptq;
	struct verdicts v;

	if (!n || !n->conn_request.listener)
		return 0;
	listener = TYPED_PTR((const struct sock *)n->conn_request.listener);
	n->conn_request.listener = 0;
	/* no SYN-ACK and not counted as dropped: the same SYN on two CPUs, one was enough (6.1) */
	if (n->conn_request.answered || READ(listener, sk_drops.counter) == (int)n->conn_request.drops)
		return 0;
	v = why_refused(listener);
	if (v.drop == NO)		/* another CPU did */
		return 0;
	if (cfg.tp_groups)		/* fentry without kprobes, 6.1: a tracepoint sees third packets */
		claim_of(addr_of(listener));
	synq = v.synq != NO && n->conn_request.synq_full;
	acceptq = overflowed(v, listener, n->conn_request.acceptq_full);
	return emit_drop(listener, (const void *)n->conn_request.skb, NULL, syn_drop_cause(listener, synq, acceptq));
}

AT_ENTRY(conn_request, tcp_conn_request, conn_request_enter(sk, skb),
	 const void *rsk_ops, const void *af_ops, const struct sock *sk, const struct sk_buff *skb)

AT_RETURN(conn_request, tcp_conn_request, conn_request_exit())

/* ---- the third packet is refused: tcp_v4/v6_syn_recv_sock() returned no child ----------------- */

/* Global function: accepted connections do not pay for it. */
__noinline int refused_ack(__u64 listener_addr, __u64 skb_addr, __u64 req_addr, bool full)
{
	const struct request_sock *req = TYPED_PTR((const struct request_sock *)req_addr);
	const struct sock *listener = TYPED_PTR((const struct sock *)listener_addr);
	__u8 cause = TCPTRACE_DROP_NO_MEMORY;
	struct verdicts v = why_refused(listener);

	if (v.drop == NO)		/* the same cookie on two CPUs: the other one's child is there (found_dup_sk) */
		return 0;
	/* a cookie's request is made for the moment and belongs to no listener */
	if (overflowed(v, listener, full))
		cause = req_listener(req) ? TCPTRACE_DROP_ACCEPTQ_ACK : TCPTRACE_DROP_ACCEPTQ_COOKIE;
	return write_segment(listener_addr, skb_addr, req_listener(req) ? req_addr : 0, TCPTRACE_DROP, cause);
}

static __always_inline int syn_recv_exit(const struct sock *listener, const struct sk_buff *skb,
					 const struct request_sock *req, const struct sock *child, bool full)
{
	return child ? 0 : refused_ack(addr_of(listener), addr_of(skb), addr_of(req), full);
}

/* tcp_v6_syn_recv_sock() hands IPv4 traffic on to tcp_v4_syn_recv_sock(), whose hook writes the record. */
static __always_inline bool handed_on(const struct sk_buff *skb)
{
	return READ(TYPED_PTR(skb), protocol) == bpf_htons(0x0800);
}

/* Six arguments; seven only where the number is not needed, after 5.17. */
static __always_inline const struct sock *returned_sock(void *ctx)
{
	return (const void *)RETURNED(ctx, 6);
}

SEC("?fexit/tcp_v4_syn_recv_sock")
int BPF_PROG(x_syn_recv4, const struct sock *sk, const struct sk_buff *skb, const struct request_sock *req)
{
	return syn_recv_exit(sk, skb, req, returned_sock(ctx), false);
}

SEC("?fexit/tcp_v6_syn_recv_sock")
int BPF_PROG(x_syn_recv6, const struct sock *sk, const struct sk_buff *skb, const struct request_sock *req)
{
	return handed_on(skb) ? 0 : syn_recv_exit(sk, skb, req, returned_sock(ctx), false);
}

static __always_inline int syn_recv_enter(const struct sock *sk, const struct sk_buff *skb,
					  const struct request_sock *req)
{
	struct notes *n = notes();

	if (!n)
		return 0;
	n->syn_recv.listener = (__u64)sk;
	n->syn_recv.skb = (__u64)skb;
	n->syn_recv.req = (__u64)req;
	n->syn_recv.full = acceptq_full(TYPED_PTR(sk));
	return 0;
}

static __always_inline int syn_recv_return(const struct sock *child)
{
	struct notes *n = notes();
	const struct sock *listener;

	if (!n || !n->syn_recv.listener)	/* the inner of two returns has written it */
		return 0;
	listener = (const void *)n->syn_recv.listener;
	n->syn_recv.listener = 0;
	return syn_recv_exit(listener, (const void *)n->syn_recv.skb, (const void *)n->syn_recv.req, child,
			     n->syn_recv.full);
}

SEC("?kprobe/tcp_v4_syn_recv_sock")
int BPF_KPROBE(k_syn_recv4, const struct sock *sk, const struct sk_buff *skb, const struct request_sock *req)
{
	return syn_recv_enter(sk, skb, req);
}

SEC("?kprobe/tcp_v6_syn_recv_sock")
int BPF_KPROBE(k_syn_recv6, const struct sock *sk, const struct sk_buff *skb, const struct request_sock *req)
{
	return syn_recv_enter(sk, skb, req);
}

SEC("?kretprobe/tcp_v4_syn_recv_sock")
int BPF_KRETPROBE(r_syn_recv4, const struct sock *child)
{
	return syn_recv_return(child);
}

SEC("?kretprobe/tcp_v6_syn_recv_sock")
int BPF_KRETPROBE(r_syn_recv6, const struct sock *child)
{
	return syn_recv_return(child);
}

/* ---- out of the SYN queue, into the accept queue ----------------------------------------------- */

/*
 * Out of one queue and into the other, as one record: it names the request, and the model, which knows that one, makes
 * two steps of it. Two events are lost if there is no room.
 */
static __always_inline bool in_one_record(void)
{
	return ASKED(SYNQ_ADD) && ASKED(SYNQ_DEL) && ASKED(ACCEPTQ_ADD);
}

/*
 * Both records are made just before the connection is queued: afterwards somebody may accept it, and the request is gone. So
 * the lengths are told as they will be.
 */
static __always_inline void set_queues_after(struct tcptrace_record *r, const struct sock *listener,
					     const struct request_sock *req, bool handshake)
{
	set_queues(r, listener);
	r->acceptq++;
	if (handshake && req_listener(req) == listener)		/* a migrated one left another's */
		uncount_request(r, req);
}

static __always_inline void emit_moved(const struct sock *child, const struct request_sock *req,
				       const struct sock *listener)
{
	struct tcptrace_record *r = reserve(TCPTRACE_SYNQ_DEL);

	if (!r)
		return;
	set_sock(r, child);		/* has all that its request has, the tuple and the cookie */
	r->sk = (__u64)req;
	r->flags |= TCPTRACE_F_REQUEST;
	set_queues_after(r, listener, req, true);
	r->cause = TCPTRACE_SYNQ_ESTABLISHED;
	submit(r);
}

static __always_inline void emit_acceptq_add(const struct sock *child, const struct request_sock *req,
					     const struct sock *listener, __u8 cause)
{
	struct tcptrace_record *r;

	if (cfg.by_pid)
		trace_sock(child, TRACED_PID);
	r = reserve(TCPTRACE_ACCEPTQ_ADD);
	if (!r) {
		if (in_one_record() && cause == TCPTRACE_ACCEPTQ_HANDSHAKE)
			__sync_fetch_and_add(&lost[TCPTRACE_SYNQ_DEL], 1);
		return;
	}
	set_sock(r, child);
	set_queues_after(r, listener, req, cause == TCPTRACE_ACCEPTQ_HANDSHAKE);
	r->req = (__u64)req;
	r->cause = cause;
	submit(r);
}

/*
 * Every handshake ends here; inet_csk_reqsk_queue_add() is inlined from 6.1 on. own_req: of two CPUs with the same third
 * packet this one has taken the request out of the hash. If the listener has just been closed, the child is not queued, but
 * thrown out at once: inet_child_forget() tells that.
 */
static __always_inline int hashdance(const struct sock *listener, const struct sock *child, const struct request_sock *req,
				     bool own_req)
{
	listener = TYPED_PTR(listener);
	child = TYPED_PTR(child);
	req = TYPED_PTR(req);
	if (!own_req || sk_state(listener) != TCP_LISTEN || !wanted_of(listener, (const void *)child))
		return 0;
	if (!in_one_record())
		emit_moved(child, req, listener);
	emit_acceptq_add(child, req, listener, TCPTRACE_ACCEPTQ_HANDSHAKE);
	return 0;
}

/* A bool is one byte of its register. */
AT_ENTRY(hashdance, inet_csk_complete_hashdance, hashdance(sk, child, req, own_req),
	 const struct sock *sk, const struct sock *child, const struct request_sock *req, __u8 own_req)

/* Out of line only for Fast Open and cookies; on 5.10 also within the hashdance, which has a hook of its own. */
static __always_inline int queue_add(const struct sock *listener, const struct request_sock *req,
				     const struct sock *child)
{
	const struct tcp_request_sock *treq = TYPED_PTR((const struct tcp_request_sock *)req);
	bool fastopen = READ(treq, tfo_listener);

	listener = TYPED_PTR(listener);
	child = TYPED_PTR(child);
	if ((fastopen || !req_listener(TYPED_PTR(req))) && wanted_of(listener, (const void *)child))
		emit_acceptq_add(child, req, listener,
				 fastopen ? TCPTRACE_ACCEPTQ_FASTOPEN : TCPTRACE_ACCEPTQ_COOKIE);
	return 0;
}

AT_ENTRY(queue_add, inet_csk_reqsk_queue_add, queue_add(sk, req, child),
	 const struct sock *sk, const struct request_sock *req, const struct sock *child)

/* ---- a waiting connection goes down with its listener, or moves to another --------------------- */

static __always_inline int child_forget(const struct sock *listener, const struct sock *child)
{
	listener = TYPED_PTR(listener);
	child = TYPED_PTR(child);
	if (wanted_of(listener, (const void *)child))
		emit_child(TCPTRACE_ACCEPTQ_DEL, child, listener, TCPTRACE_ACCEPTQ_CLOSED);
	return 0;
}

AT_ENTRY(forget, inet_child_forget, child_forget(sk, child),
	 const struct sock *sk, const struct request_sock *req, const struct sock *child)

/* ---- SYN cookies come back ----------------------------------------------------------------------- */

static __always_inline int cookie_enter(const struct sock *listener, const struct sk_buff *skb)
{
	struct notes *n = notes();

	if (!n)
		return 0;
	n->cookie.listener = (__u64)listener;
	n->cookie.skb = (__u64)skb;
	return 0;
}

/* It may return before it calls __cookie_v4/v6_check(), which BPF programs call as well, without a listener. */
static __always_inline int cookie_exit(void)
{
	struct notes *n = notes();

	if (n)
		n->cookie.listener = 0;
	return 0;
}

/* __cookie_v4/v6_check() has checked the cookie: 0 if it is none of ours. */
static __always_inline int cookie_verdict(int mss)
{
	struct notes *n = notes();
	__u64 listener;

	if (!n || !n->cookie.listener)
		return 0;
	listener = n->cookie.listener;
	n->cookie.listener = 0;
	return write_segment(listener, n->cookie.skb, 0, mss ? TCPTRACE_COOKIE_OK : TCPTRACE_COOKIE_BAD, 0);
}

#define COOKIE_HOOKS(v)										\
AT_ENTRY(cookie_##v, cookie_##v##_check, cookie_enter(sk, skb),					\
	 const struct sock *sk, const struct sk_buff *skb)					\
AT_RETURN(cookie_##v, cookie_##v##_check, cookie_exit())					\
SEC("?kretprobe/__cookie_" #v "_check")								\
int BPF_KRETPROBE(r_verdict_##v, int mss)							\
{												\
	return cookie_verdict(mss);								\
}												\
/* two arguments from 6.8 on (7b0f570f879a), before three: the result is asked for, or third */	\
SEC("?fexit/__cookie_" #v "_check")								\
int BPF_PROG(x_verdict_##v)									\
{												\
	return cookie_verdict(RETURNED(ctx, 3));						\
}

COOKIE_HOOKS(v4)
COOKIE_HOOKS(v6)

/* ---- SO_REUSEPORT: what waits moves from a closed member to another (tcp_migrate_req, 5.14) ----- */

/*
 * inet_reqsk_clone() makes the new listener's request; the insertion that follows is inlined, so
 * the length is the one right after it. A request still in its handshake (no child) is moved by its
 * timer: from one SYN queue to the other.
 */
static __always_inline int migrate(const struct request_sock *req, const struct sock *to)
{
	const struct sock *child = TYPED_PTR((const struct sock *)READ(TYPED_PTR(req), sk));
	struct tcptrace_record *r;

	to = TYPED_PTR(to);
	if (!child || !wanted_of(to, (const void *)child))
		return 0;
	r = reserve(TCPTRACE_ACCEPTQ_ADD);
	if (!r)
		return 0;
	set_sock(r, child);
	set_queues(r, to);
	r->acceptq++;
	r->cause = TCPTRACE_ACCEPTQ_MIGRATED;
	submit(r);
	return 0;
}

AT_ENTRY(clone, inet_reqsk_clone, migrate(req, sk), const struct request_sock *req, const struct sock *sk)
