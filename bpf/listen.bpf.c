// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two queues of a listener: every way in, every way out, every refusal.
 * All of this runs in softirq, where `current` is nobody: no record here has an
 * actor. Its twin is kmod/listen.c.
 */
#include "queue.bpf.h"

/* ---- a SYN-ACK is made: the request is in the SYN queue, or a cookie goes instead ------------- */

enum { SYNACK_NORMAL, SYNACK_FASTOPEN, SYNACK_COOKIE };	/* enum tcp_synack_type */

static __always_inline int synack_hook(const struct sock *sk, const struct request_sock *req, int type)
{
	const struct tcp_request_sock *treq = TYPED((const struct tcp_request_sock *)req);
	struct scratch *s = scratch();
	const struct sock *listener;

	sk = TYPED(sk);
	req = TYPED(req);
	/* stamped by the first SYN-ACK: this one is sent again (7.2 has a type for it, the others not) */
	if (type != SYNACK_COOKIE && READ(treq, snt_synack))
		return 0;
	if (s)
		s->cr_answered = 1;
	if (type == SYNACK_FASTOPEN) {	/* sk is the child: acceptq-add follows */
		listener = req_listener(req);
		if (listener && wanted_of(listener, (const void *)req))
			emit_child_synack(sk, listener);
		return 0;
	}
	if (!wanted_of(sk, (const void *)req))
		return 0;
	if (type == SYNACK_COOKIE) {
		emit_request(TCPTRACE_COOKIE_SENT, req, sk, 0);
		return 0;
	}
	/* a request reaches this point hashed and counted: tcp_conn_request() */
	emit_synq_add(req, sk, false);
	return 0;
}

SEC("?fentry/tcp_make_synack")
int BPF_PROG(f_synack, const struct sock *sk, const void *dst, const struct request_sock *req,
	     const void *foc, int type)
{
	return synack_hook(sk, req, type);
}

SEC("?kprobe/tcp_make_synack")
int BPF_KPROBE(k_synack, const struct sock *sk, const void *dst, const struct request_sock *req,
	       const void *foc, int type)
{
	return synack_hook(sk, req, type);
}

/* ---- a SYN is refused: tcp_conn_request() returned and made no SYN-ACK ------------------------ */

static __always_inline int conn_request_enter(const struct sock *listener, const struct sk_buff *skb)
{
	struct scratch *s = scratch();

	if (!s)
		return 0;
	s->cr_listener = (__u64)listener;
	s->cr_skb = (__u64)skb;
	s->cr_answered = 0;
	listener = TYPED(listener);
	s->cr_drops = READ(listener, sk_drops.counter);
	s->cr_synq_full = synq_full(listener);
	s->cr_acceptq_full = acceptq_full(listener);
	return 0;
}

static __always_inline int conn_request_exit(void)
{
	struct scratch *s = scratch();
	const struct sock *listener;

	if (!s || !s->cr_listener)
		return 0;
	listener = TYPED((const struct sock *)s->cr_listener);
	s->cr_listener = 0;
	/* no SYN-ACK and not counted as dropped: the same SYN on two CPUs, one was enough (6.1) */
	if (s->cr_answered || READ(listener, sk_drops.counter) == (int)s->cr_drops)
		return 0;
	return emit_drop(listener, (const void *)s->cr_skb, NULL,
			 syn_drop_cause(listener, s->cr_synq_full, s->cr_acceptq_full));
}

SEC("?fentry/tcp_conn_request")
int BPF_PROG(f_conn_request, const void *rsk_ops, const void *af_ops, const struct sock *sk,
	     const struct sk_buff *skb)
{
	return conn_request_enter(sk, skb);
}

SEC("?fexit/tcp_conn_request")
int BPF_PROG(x_conn_request)
{
	return conn_request_exit();
}

SEC("?kprobe/tcp_conn_request")
int BPF_KPROBE(k_conn_request, const void *rsk_ops, const void *af_ops, const struct sock *sk,
	       const struct sk_buff *skb)
{
	return conn_request_enter(sk, skb);
}

SEC("?kretprobe/tcp_conn_request")
int BPF_KRETPROBE(r_conn_request)
{
	return conn_request_exit();
}

/* ---- the third packet is refused: tcp_v4/v6_syn_recv_sock() returned no child ----------------- */

static __always_inline int syn_recv_exit(const struct sock *listener, const struct sk_buff *skb,
					 const struct request_sock *req, const struct sock *child, bool full)
{
	__u8 cause = TCPTRACE_DROP_NO_MEMORY;

	if (child)
		return 0;
	listener = TYPED(listener);
	req = TYPED(req);
	/* a cookie's request is made for the moment and belongs to no listener */
	if (full || acceptq_full(listener))
		cause = req_listener(req) ? TCPTRACE_DROP_ACCEPTQ_ACK : TCPTRACE_DROP_ACCEPTQ_COOKIE;
	return emit_drop(listener, skb, req_listener(req) ? req : NULL, cause);
}

/* tcp_v6_syn_recv_sock() hands IPv4 traffic on to tcp_v4_syn_recv_sock(), which will tell. */
static __always_inline bool handed_on(const struct sk_buff *skb)
{
	return READ(TYPED(skb), protocol) == bpf_htons(0x0800);
}

/*
 * What a function came back with: asked for where that can be done (5.17), before behind its n arguments. By a load of
 * its own: an address in the context must not have been calculated.
 */
#define RETURNED(ctx, n) ({									\
	__u64 ret_ = 0;										\
	if (HAS_CAST || bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_func_ret))	\
		bpf_get_func_ret(ctx, &ret_);							\
	else											\
		asm volatile("%0 = *(u64 *)(%1 + %2)" : "=r"(ret_) : "r"(ctx), "i"((n) * 8));	\
	ret_;											\
})

/* Six arguments, or seven, by stable release. */
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
	struct scratch *s = scratch();

	if (!s)
		return 0;
	s->sr_listener = (__u64)sk;
	s->sr_skb = (__u64)skb;
	s->sr_req = (__u64)req;
	s->sr_full = acceptq_full(TYPED(sk));
	return 0;
}

static __always_inline int syn_recv_return(const struct sock *child)
{
	struct scratch *s = scratch();
	const struct sock *listener;

	if (!s || !s->sr_listener)	/* the inner of two returns has told */
		return 0;
	listener = (const void *)s->sr_listener;
	s->sr_listener = 0;
	return syn_recv_exit(listener, (const void *)s->sr_skb, (const void *)s->sr_req, child, s->sr_full);
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

static __always_inline void emit_acceptq_add(const struct sock *child, const struct request_sock *req,
					     const struct sock *listener, __u8 cause)
{
	struct tcptrace_record *r;

	if (!wanted_of(listener, (const void *)child))
		return;
	if (cfg.by_pid)
		watch(child);
	r = reserve(TCPTRACE_ACCEPTQ_ADD);
	if (!r)
		return;
	set_sock(r, child);
	set_queues(r, listener);
	r->req = (__u64)req;
	r->cause = cause;
	submit(r);
}

/*
 * inet_csk_reqsk_queue_add() is inlined into inet_csk_complete_hashdance() from 6.1 on, so the
 * return of the latter is the one hook that sees every handshake.
 */
static __always_inline int hashdance_exit(const struct sock *listener, const struct sock *child,
					  const struct request_sock *req, const struct sock *ret)
{
	listener = TYPED(listener);
	child = TYPED(child);
	if (!ret || !wanted_of(listener, (const void *)child))
		return 0;
	req = TYPED(req);
	emit_request(TCPTRACE_SYNQ_DEL, req, listener, TCPTRACE_SYNQ_ESTABLISHED);
	emit_acceptq_add(child, req, listener, TCPTRACE_ACCEPTQ_HANDSHAKE);
	return 0;
}

SEC("?fexit/inet_csk_complete_hashdance")
int BPF_PROG(x_hashdance, const struct sock *sk, const struct sock *child, const struct request_sock *req,
	     bool own_req, const struct sock *ret)
{
	return hashdance_exit(sk, child, req, ret);
}

SEC("?kprobe/inet_csk_complete_hashdance")
int BPF_KPROBE(k_hashdance, const struct sock *sk, const struct sock *child, const struct request_sock *req)
{
	struct scratch *s = scratch();

	if (!s)
		return 0;
	s->hd_listener = (__u64)sk;
	s->hd_child = (__u64)child;
	s->hd_req = (__u64)req;
	return 0;
}

SEC("?kretprobe/inet_csk_complete_hashdance")
int BPF_KRETPROBE(r_hashdance, const struct sock *ret)
{
	struct scratch *s = scratch();

	return s ? hashdance_exit((const void *)s->hd_listener, (const void *)s->hd_child,
				  (const void *)s->hd_req, ret) : 0;
}

/* Out of line only for Fast Open and cookies; on 5.10 also within the hashdance, which tells itself. */
static __always_inline int queue_add_exit(const struct sock *listener, const struct request_sock *req,
					  const struct sock *child, const struct sock *ret)
{
	const struct tcp_request_sock *treq = TYPED((const struct tcp_request_sock *)req);
	const struct sock *of;

	if (!ret)
		return 0;
	listener = TYPED(listener);
	child = TYPED(child);
	of = req_listener(TYPED(req));
	if (READ(treq, tfo_listener))
		emit_acceptq_add(child, req, listener, TCPTRACE_ACCEPTQ_FASTOPEN);
	else if (!of)
		emit_acceptq_add(child, req, listener, TCPTRACE_ACCEPTQ_COOKIE);
	return 0;
}

SEC("?fexit/inet_csk_reqsk_queue_add")
int BPF_PROG(x_queue_add, const struct sock *sk, const struct request_sock *req, const struct sock *child,
	     const struct sock *ret)
{
	return queue_add_exit(sk, req, child, ret);
}

SEC("?kprobe/inet_csk_reqsk_queue_add")
int BPF_KPROBE(k_queue_add, const struct sock *sk, const struct request_sock *req, const struct sock *child)
{
	struct scratch *s = scratch();

	if (!s)
		return 0;
	s->qa_listener = (__u64)sk;
	s->qa_req = (__u64)req;
	s->qa_child = (__u64)child;
	return 0;
}

SEC("?kretprobe/inet_csk_reqsk_queue_add")
int BPF_KRETPROBE(r_queue_add, const struct sock *ret)
{
	struct scratch *s = scratch();

	return s ? queue_add_exit((const void *)s->qa_listener, (const void *)s->qa_req,
				  (const void *)s->qa_child, ret) : 0;
}

/* ---- a request is dropped from the SYN queue ---------------------------------------------------- */

static __always_inline __u8 req_drop_cause(const struct sock *listener, const struct request_sock *req,
					   bool from_timer)
{
	struct scratch *s = scratch();

	if (sk_state(listener) != TCP_LISTEN)
		return TCPTRACE_SYNQ_LISTENER_CLOSED;
	if (from_timer)
		return TCPTRACE_SYNQ_EXPIRED;
	if (s && s->killed_req == (__u64)req) {
		s->killed_req = 0;
		return TCPTRACE_SYNQ_OTHER;
	}
	return TCPTRACE_SYNQ_RESET;
}

/*
 * At entry, with the request still hashed and counted; inet_csk_complete_hashdance() comes here
 * too, but has taken it out of the hash before. The numbers are those right after.
 */
static __always_inline int req_drop(const struct sock *listener, const struct request_sock *req,
				    bool from_timer)
{
	struct tcptrace_record *r;

	listener = TYPED(listener);
	req = TYPED(req);
	if (!READ(req, __req_common.skc_nulls_node.pprev) || !wanted_of(listener, (const void *)req))
		return 0;
	r = reserve(TCPTRACE_SYNQ_DEL);
	if (!r)
		return 0;
	set_request(r, req, listener);
	r->synq--;
	if (!BPF_CORE_READ_BITFIELD_PROBED(req, num_timeout))
		r->synq_young--;
	r->cause = req_drop_cause(listener, req, from_timer);
	submit(r);
	return 0;
}

/*
 * 6.1 and later (e8c526f2bdf1, CVE-2024-50154), backported to 5.10. The flag is a byte: the rest of
 * its register is nobody's, and the trampoline of 5.10 stores a byte into a slot it does not clear.
 */
SEC("?fentry/__inet_csk_reqsk_queue_drop")
int BPF_PROG(f_req_drop, const struct sock *sk, const struct request_sock *req, __u8 from_timer)
{
	return req_drop(sk, req, from_timer);
}

SEC("?kprobe/__inet_csk_reqsk_queue_drop")
int BPF_KPROBE(k_req_drop, const struct sock *sk, const struct request_sock *req, __u8 from_timer)
{
	return req_drop(sk, req, from_timer);
}

/* before: one function below all of them, which does not know who asked */
static __always_inline int req_unlink(const struct request_sock *req)
{
	struct scratch *s = scratch();

	return req_drop(req_listener(TYPED(req)), req, s && s->timer_req == (__u64)req);
}

SEC("?fentry/reqsk_queue_unlink")
int BPF_PROG(f_req_unlink, const struct request_sock *req)
{
	return req_unlink(req);
}

SEC("?kprobe/reqsk_queue_unlink")
int BPF_KPROBE(k_req_unlink, const struct request_sock *req)
{
	return req_unlink(req);
}

static __always_inline int req_timer(const void *timer)
{
	struct scratch *s = scratch();

	if (s)
		s->timer_req = (__u64)timer - (timer ? bpf_core_field_offset(struct request_sock, rsk_timer) : 0);
	return 0;
}

SEC("?fentry/reqsk_timer_handler")
int BPF_PROG(f_req_timer, const void *timer)
{
	return req_timer(timer);
}

SEC("?fexit/reqsk_timer_handler")
int BPF_PROG(x_req_timer, const void *timer)
{
	return req_timer(NULL);
}

SEC("?kprobe/reqsk_timer_handler")
int BPF_KPROBE(k_req_timer, const void *timer)
{
	return req_timer(timer);
}

SEC("?kretprobe/reqsk_timer_handler")
int BPF_KRETPROBE(r_req_timer)
{
	return req_timer(NULL);
}

/* ICMP and `ss -K` take a request down too: neither expiry nor reset */
static __always_inline int req_killed(const struct sock *sk)
{
	struct scratch *s = scratch();

	if (s && sk_state(TYPED(sk)) == TCP_NEW_SYN_RECV)
		s->killed_req = (__u64)sk;
	return 0;
}

SEC("?fentry/tcp_req_err")
int BPF_PROG(f_req_err, const struct sock *sk)
{
	return req_killed(sk);
}

SEC("?fentry/tcp_abort")
int BPF_PROG(f_abort, const struct sock *sk)
{
	return req_killed(sk);
}

SEC("?kprobe/tcp_req_err")
int BPF_KPROBE(k_req_err, const struct sock *sk)
{
	return req_killed(sk);
}

SEC("?kprobe/tcp_abort")
int BPF_KPROBE(k_abort, const struct sock *sk)
{
	return req_killed(sk);
}

/* ---- a waiting connection goes down with its listener, or moves to another --------------------- */

static __always_inline int child_forget(const struct sock *listener, const struct sock *child)
{
	struct tcptrace_record *r;

	listener = TYPED(listener);
	child = TYPED(child);
	if (!wanted_of(listener, (const void *)child))
		return 0;
	r = reserve(TCPTRACE_ACCEPTQ_DEL);
	if (!r)
		return 0;
	set_sock(r, child);
	set_queues(r, listener);
	r->cause = TCPTRACE_ACCEPTQ_CLOSED;
	submit(r);
	return 0;
}

SEC("?fentry/inet_child_forget")
int BPF_PROG(f_forget, const struct sock *sk, const struct request_sock *req, const struct sock *child)
{
	return child_forget(sk, child);
}

SEC("?kprobe/inet_child_forget")
int BPF_KPROBE(k_forget, const struct sock *sk, const struct request_sock *req, const struct sock *child)
{
	return child_forget(sk, child);
}

/* ---- SYN cookies come back ----------------------------------------------------------------------- */

static __always_inline int cookie_enter(const struct sock *listener, const struct sk_buff *skb)
{
	struct scratch *s = scratch();

	if (!s)
		return 0;
	s->cc_listener = (__u64)listener;
	s->cc_skb = (__u64)skb;
	return 0;
}

/* __cookie_v4/v6_check() found out whether the number is one of ours: 0 is no. */
static __always_inline int cookie_verdict(int mss)
{
	struct scratch *s = scratch();
	__u64 listener;

	if (!s || !s->cc_listener)
		return 0;
	listener = s->cc_listener;
	s->cc_listener = 0;
	return write_segment(listener, s->cc_skb, 0, mss ? TCPTRACE_COOKIE_OK : TCPTRACE_COOKIE_BAD, 0);
}

#define COOKIE_HOOKS(v)										\
SEC("?fentry/cookie_" #v "_check")								\
int BPF_PROG(f_cookie_##v, const struct sock *sk, const struct sk_buff *skb)			\
{												\
	return cookie_enter(sk, skb);								\
}												\
SEC("?kprobe/cookie_" #v "_check")								\
int BPF_KPROBE(k_cookie_##v, const struct sock *sk, const struct sk_buff *skb)			\
{												\
	return cookie_enter(sk, skb);								\
}												\
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
	const struct sock *child = TYPED((const struct sock *)READ(TYPED(req), sk));
	struct tcptrace_record *r;

	to = TYPED(to);
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

SEC("?fentry/inet_reqsk_clone")
int BPF_PROG(f_clone, const struct request_sock *req, const struct sock *sk)
{
	return migrate(req, sk);
}

SEC("?kprobe/inet_reqsk_clone")
int BPF_KPROBE(k_clone, const struct request_sock *req, const struct sock *sk)
{
	return migrate(req, sk);
}
