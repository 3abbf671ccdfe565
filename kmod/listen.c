// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two queues of a listener: every way in, every refusal, every way out but
 * that of a request which is dropped (request.c) and of a connection which is
 * accepted (accept.c).
 * All of this runs in softirq, where current has nothing to do with it: no record
 * here has an actor. Its twin is bpf/listen.bpf.c.
 */
#include <linux/build_bug.h>

#include "hooks.h"
#include "notes.h"
#include "read.h"

static void emit_request(unsigned int event, const struct request_sock *req,
			 const struct sock *listener, u8 cause)
{
	struct tcptrace_record r;

	if (!reserve(&r, event))
		return;
	set_request(&r, req, listener);
	r.cause = cause;
	if (event == TCPTRACE_SYNQ_ADD)
		r.arg = request_isns(req);
	submit(&r);
}

/*
 * A segment at a listener: refused (DROP), or with a cookie (COOKIE_OK, _BAD).
 * req: of a request of the listener, or NULL.
 */
static void emit_segment(unsigned int event, const struct sock *listener,
			 const struct sk_buff *skb,
			 const struct request_sock *req, u8 cause)
{
	struct tcptrace_record r;
	struct segment seg;

	if (!wanted_of(listener, NULL) || !read_segment(&seg, skb) ||
	    !segment_wanted(&seg, listener) || !reserve(&r, event))
		return;
	set_common(&r, &listener->__sk_common);
	r.sk = (uintptr_t)req;
	if (req)
		r.flags |= TCPTRACE_F_REQUEST;
	set_queues(&r, listener);
	set_segment(&r, &seg);
	r.family = listener->sk_family == AF_INET6 ? 6 : 4;
	r.cause = cause;
	if (cause == TCPTRACE_DROP_ACCEPTQ_ACK &&
	    READ_ONCE(sock_net(listener)->ipv4.sysctl_tcp_abort_on_overflow))
		r.new = TCPTRACE_ABORTED;
	submit(&r);
}

/* ---- a SYN-ACK is made: the request is in the SYN queue, or a cookie goes ---- */

static void synack_hook(const struct sock *sk, const struct request_sock *req,
			int type)
{
	const struct sock *listener;
	struct tcptrace_record r;

	/* stamped by the first SYN-ACK: this one is sent again */
	if (type != TCP_SYNACK_COOKIE && tcp_rsk(req)->snt_synack) {
		notes()->again_req = req;
		notes()->again_ns = ktime_get_mono_fast_ns();
		return;
	}
	notes()->answered = true;
	if (type == TCP_SYNACK_FASTOPEN) {	/* sk is the child */
		listener = req_listener(req);
		if (!listener || !wanted_of(listener, &req->__req_common) ||
		    !reserve(&r, TCPTRACE_SYNACK))
			return;
		set_sock(&r, sk);
		set_queues(&r, listener);
		submit(&r);
		return;
	}
	if (!wanted_of(sk, &req->__req_common))
		return;
	if (type == TCP_SYNACK_COOKIE) {
		emit_request(TCPTRACE_COOKIE_SENT, req, sk, 0);
		return;
	}
	/* it reaches this point hashed and counted: tcp_conn_request() */
	emit_request(TCPTRACE_SYNQ_ADD, req, sk, 0);
	emit_request(TCPTRACE_SYNACK, req, sk, 0);
}

static int k_synack(struct kprobe *p, struct pt_regs *regs)
{
	synack_hook(ARG(regs, 0), ARG(regs, 2), (long)ARG(regs, 4));
	return 0;
}

/* ---- a SYN is refused: tcp_conn_request() returned and made no SYN-ACK ---- */

/*
 * By this CPU. The queues may be as long as other CPUs have made them since the
 * kernel looked, which counts what it found.
 */
struct refusals {
	unsigned long drops, overflows, synq_drops;
};

static struct refusals refusals(const struct sock *listener)
{
#define COUNTED(what) \
	this_cpu_read(sock_net(listener)->mib.net_statistics->mibs[what])
	return (struct refusals){ COUNTED(LINUX_MIB_LISTENDROPS),
				  COUNTED(LINUX_MIB_LISTENOVERFLOWS),
				  COUNTED(LINUX_MIB_TCPREQQFULLDROP) };
#undef COUNTED
}

struct conn_request {
	const struct sock *listener;
	const struct sk_buff *skb;
	struct refusals before;
};

/* The kernel's own order of tests: SYN queue, accept queue, reserve. */
static u8 syn_drop_cause(const struct conn_request *cr,
			 const struct refusals *now)
{
	const struct net *net = sock_net(cr->listener);
	bool cookies = READ_ONCE(net->ipv4.sysctl_tcp_syncookies);
	int max = READ_ONCE(net->ipv4.sysctl_max_syn_backlog);

	if (now->synq_drops != cr->before.synq_drops)
		return TCPTRACE_DROP_SYNQ_FULL;
	if (now->overflows != cr->before.overflows)
		return TCPTRACE_DROP_ACCEPTQ_SYN;
	if (!cookies &&
	    max - inet_csk_reqsk_queue_len(cr->listener) < max >> 2)
		return TCPTRACE_DROP_SYNQ_QUARTER;
	return TCPTRACE_DROP_OTHER;
}

static int conn_request_enter(struct kretprobe_instance *ri,
			      struct pt_regs *regs)
{
	struct conn_request *cr = (void *)ri->data;

	cr->listener = ARG(regs, 2);
	cr->skb = ARG(regs, 3);
	cr->before = refusals(cr->listener);
	notes()->answered = false;
	return 0;
}

static int conn_request_exit(struct kretprobe_instance *ri,
			     struct pt_regs *regs)
{
	struct conn_request *cr = (void *)ri->data;
	struct refusals now;

	if (notes()->answered)
		return 0;
	now = refusals(cr->listener);
	/* not counted as dropped: the same SYN on two CPUs, one was enough (6.1) */
	if (now.drops != cr->before.drops)
		emit_segment(TCPTRACE_DROP, cr->listener, cr->skb, NULL,
			     syn_drop_cause(cr, &now));
	return 0;
}

/* ---- the third packet is refused: tcp_v4/v6_syn_recv_sock() made no child ---- */

struct syn_recv {
	const struct sock *listener;
	const struct sk_buff *skb;
	const struct request_sock *req;
	struct refusals before;
};

static int syn_recv_enter(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct syn_recv *sr = (void *)ri->data;

	sr->listener = ARG(regs, 0);
	sr->skb = ARG(regs, 1);
	sr->req = ARG(regs, 2);
	sr->before = refusals(sr->listener);
	return 0;
}

static int syn_recv_exit(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	const struct syn_recv *sr = (void *)ri->data;
	const struct request_sock *req = sr->req;
	u8 cause = TCPTRACE_DROP_NO_MEMORY;
	struct refusals now;

	if (regs_return_value(regs))
		return 0;
	now = refusals(sr->listener);
	/* the same cookie on two CPUs: the other one's child is there */
	if (now.drops == sr->before.drops)
		return 0;
	/* a cookie's request is made for the moment, belongs to no listener */
	if (now.overflows != sr->before.overflows)
		cause = req_listener(req) ? TCPTRACE_DROP_ACCEPTQ_ACK :
					    TCPTRACE_DROP_ACCEPTQ_COOKIE;
	emit_segment(TCPTRACE_DROP, sr->listener, sr->skb,
		     req_listener(req) ? req : NULL, cause);
	return 0;
}

/* IPv4 traffic goes on to tcp_v4_syn_recv_sock(), which has the hook. */
static int syn_recv6_enter(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	const struct sk_buff *skb = ARG(regs, 1);

	if (skb->protocol == htons(ETH_P_IP))
		return 1;
	return syn_recv_enter(ri, regs);
}

/* ---- out of the SYN queue, into the accept queue ---- */

/*
 * Both records are made just before the connection is queued: afterwards
 * somebody may accept it, and the request is gone. So the lengths are told as
 * they will be.
 */
static void set_queues_after(struct tcptrace_record *r,
			     const struct sock *listener,
			     const struct request_sock *req, bool handshake)
{
	set_queues(r, listener);
	r->acceptq++;
	if (handshake && req_listener(req) == listener)
		uncount_request(r, req); /* a migrated one left another's */
}

static void emit_moved(const struct sock *child, const struct request_sock *req,
		       const struct sock *listener)
{
	struct tcptrace_record r;

	if (!reserve(&r, TCPTRACE_SYNQ_DEL))
		return;
	set_sock(&r, child); /* has all that its request has */
	r.sk = (uintptr_t)req;
	r.flags |= TCPTRACE_F_REQUEST;
	set_queues_after(&r, listener, req, true);
	r.cause = TCPTRACE_SYNQ_ESTABLISHED;
	submit(&r);
}

static void emit_acceptq_add(const struct sock *child,
			     const struct request_sock *req,
			     const struct sock *listener, u8 cause)
{
	struct tcptrace_record r;

	if (!reserve(&r, TCPTRACE_ACCEPTQ_ADD))
		return;
	set_sock(&r, child);
	set_queues_after(&r, listener, req, cause == TCPTRACE_ACCEPTQ_HANDSHAKE);
	r.req = (uintptr_t)req;
	r.cause = cause;
	submit(&r);
}

/*
 * Every handshake ends here; inet_csk_reqsk_queue_add() is inlined from 6.1 on.
 * own_req: of two CPUs with the same third packet this one has taken the
 * request out of the hash; a bool is one byte of its register. If the listener
 * has just been closed, the child is not queued, but thrown out at once:
 * inet_child_forget() tells that.
 */
static int k_hashdance(struct kprobe *p, struct pt_regs *regs)
{
	const struct sock *listener = ARG(regs, 0), *child = ARG(regs, 1);
	const struct request_sock *req = ARG(regs, 2);
	bool own_req = (u8)(long)ARG(regs, 3);

	if (!own_req || state_of(listener) != TCP_LISTEN ||
	    !wanted_of(listener, &child->__sk_common))
		return 0;
	emit_moved(child, req, listener);
	emit_acceptq_add(child, req, listener, TCPTRACE_ACCEPTQ_HANDSHAKE);
	return 0;
}

/* Out of line for Fast Open and cookies; on 5.10 within the hashdance too. */
static int k_queue_add(struct kprobe *p, struct pt_regs *regs)
{
	const struct sock *listener = ARG(regs, 0), *child = ARG(regs, 2);
	const struct request_sock *req = ARG(regs, 1);
	bool fastopen = tcp_rsk(req)->tfo_listener;

	if ((fastopen || !req_listener(req)) &&
	    wanted_of(listener, &child->__sk_common))
		emit_acceptq_add(child, req, listener,
				 fastopen ? TCPTRACE_ACCEPTQ_FASTOPEN :
					    TCPTRACE_ACCEPTQ_COOKIE);
	return 0;
}

/* ---- a waiting connection goes down with its listener ---- */

static int k_forget(struct kprobe *p, struct pt_regs *regs)
{
	const struct sock *listener = ARG(regs, 0), *child = ARG(regs, 2);
	struct tcptrace_record r;

	if (!wanted_of(listener, &child->__sk_common) ||
	    !reserve(&r, TCPTRACE_ACCEPTQ_DEL))
		return 0;
	set_sock(&r, child);
	set_queues(&r, listener);
	r.cause = TCPTRACE_ACCEPTQ_CLOSED;
	submit(&r);
	return 0;
}

/* ---- SYN cookies come back ---- */

/* BPF programs call __cookie_v4/v6_check(), too, without a listener. */
static int cookie_enter(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	notes()->cc_listener = ARG(regs, 0);
	notes()->cc_skb = ARG(regs, 1);
	return 0;
}

static int cookie_exit(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	notes()->cc_listener = NULL;
	return 0;
}

/* __cookie_v4/v6_check() has checked the cookie: 0 if it is none of ours. */
static int verdict_exit(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	const struct sock *listener = notes()->cc_listener;
	const struct sk_buff *skb = notes()->cc_skb;
	bool valid = (int)regs_return_value(regs);

	if (!listener)
		return 0;
	notes()->cc_listener = NULL;
	emit_segment(valid ? TCPTRACE_COOKIE_OK : TCPTRACE_COOKIE_BAD, listener,
		     skb, NULL, 0);
	return 0;
}

/* ---- SO_REUSEPORT: what waits moves to another member (5.14) ---- */

/*
 * inet_reqsk_clone() makes the new listener's request; the insertion that
 * follows is inlined, so the length is the one right after it. A request still
 * in its handshake (no child) is moved by its timer: from one SYN queue to the
 * other.
 */
static int k_clone(struct kprobe *p, struct pt_regs *regs)
{
	const struct request_sock *req = ARG(regs, 0);
	const struct sock *to = ARG(regs, 1), *child = req->sk;
	struct tcptrace_record r;

	if (!child || !wanted_of(to, &child->__sk_common) ||
	    !reserve(&r, TCPTRACE_ACCEPTQ_ADD))
		return 0;
	set_sock(&r, child);
	set_queues(&r, to);
	r.acceptq++;
	r.cause = TCPTRACE_ACCEPTQ_MIGRATED;
	submit(&r);
	return 0;
}

/* The compiler knows these; of the others only the leading arguments are used. */
static void __maybe_unused check_types(void)
{
	BUILD_BUG_ON(!__same_type(tcp_conn_request,
		int (struct request_sock_ops *,
		     const struct tcp_request_sock_ops *, struct sock *,
		     struct sk_buff *)));
	BUILD_BUG_ON(!__same_type(tcp_make_synack,
		struct sk_buff *(const struct sock *, struct dst_entry *,
				 struct request_sock *,
				 struct tcp_fastopen_cookie *,
				 enum tcp_synack_type, struct sk_buff *)));
	BUILD_BUG_ON(!__same_type(inet_csk_complete_hashdance,
		struct sock *(struct sock *, struct sock *,
			      struct request_sock *, bool)));
	BUILD_BUG_ON(!__same_type(inet_csk_reqsk_queue_add,
		struct sock *(struct sock *, struct request_sock *,
			      struct sock *)));
}

struct hook listen_hooks[] = {
	ENTER(tcp_make_synack, k_synack,
	      ON(SYNQ_ADD) | ON(SYNACK) | ON(SYNQ_DEL) | ON(COOKIE_SENT) | ON(DROP)),
	EXIT(tcp_conn_request, conn_request_enter, conn_request_exit,
	     sizeof(struct conn_request), ON(DROP)),
	EXIT(tcp_v4_syn_recv_sock, syn_recv_enter, syn_recv_exit,
	     sizeof(struct syn_recv), ON(DROP)),
	EXIT(tcp_v6_syn_recv_sock, syn_recv6_enter, syn_recv_exit,
	     sizeof(struct syn_recv), ON(DROP)),
	ENTER(inet_csk_complete_hashdance, k_hashdance,
	      ON(SYNQ_DEL) | ON(ACCEPTQ_ADD)),
	ENTER(inet_csk_reqsk_queue_add, k_queue_add, ON(ACCEPTQ_ADD)),
	ENTER(inet_child_forget, k_forget, ON(ACCEPTQ_DEL)),
	EXIT_AFTER(cookie_v4_check, forget_cookies, cookie_enter, cookie_exit, 0,
		   ON(COOKIE_OK) | ON(COOKIE_BAD)),
	EXIT(__cookie_v4_check, NULL, verdict_exit, 0,
	     ON(COOKIE_OK) | ON(COOKIE_BAD)),
	EXIT_AFTER(cookie_v6_check, forget_cookies, cookie_enter, cookie_exit, 0,
		   ON(COOKIE_OK) | ON(COOKIE_BAD)),
	EXIT(__cookie_v6_check, NULL, verdict_exit, 0,
	     ON(COOKIE_OK) | ON(COOKIE_BAD)),
	ENTER(inet_reqsk_clone, k_clone, ON(ACCEPTQ_ADD)),
	{ }
};
