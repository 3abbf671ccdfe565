// SPDX-License-Identifier: GPL-2.0-only
/*
 * A request is dropped from the SYN queue, and why: expired, reset, its listener closed, or killed. In softirq, so no
 * record here has an actor. Its twin is kmod/request.c.
 */
#include "attach.bpf.h"
#include "filter.bpf.h"
#include "notes.bpf.h"
#include "ring.bpf.h"

/* Takes the note, or it would be of the next request at that address. ret: as the record has it. */
static __always_inline bool was_killed(const struct request_sock *req, __s32 *ret)
{
	struct notes *n = notes();

	if (!n || n->killed_req != (__u64)req)
		return false;
	n->killed_req = 0;
	*ret = n->killed_ret;
	return true;
}

#define GIVES_UP_NS	100000000ull	/* at once; after the last SYN-ACK the timer waits for 1 s at least */

/*
 * reqsk_timer_handler() gives a request up, too, if its SYN-ACK does not leave again: no route, a full queue, a firewall. The
 * timer has just made one then.
 */
static __always_inline bool was_unsent(const struct request_sock *req)
{
	struct notes *n = notes();

	return n && n->again_req == (__u64)req && bpf_ktime_get_ns() - n->again_ns < GIVES_UP_NS;
}

/* killed: the kernel counts what an ICMP message takes down, also when the listener is closed. */
static __always_inline __u8 req_drop_cause(const struct sock *listener, bool killed, bool from_timer)
{
	if (killed)
		return TCPTRACE_SYNQ_OTHER;
	if (sk_state(listener) != TCP_LISTEN)
		return TCPTRACE_SYNQ_LISTENER_CLOSED;
	return from_timer ? TCPTRACE_SYNQ_EXPIRED : TCPTRACE_SYNQ_RESET;
}

/*
 * A request that is still hashed will be unhashed: the record has the lengths without it. One that is not is either
 * inet_csk_complete_hashdance()'s, which has a hook of its own, or that of a subflow that has joined an MPTCP socket
 * (tcp_check_req()), which has none. Of two CPUs that drop one request at once both write a record, and the model takes
 * the second for a duplicate: a probe at the return would know which of them did it, but cost each connection 130
 * instructions, by kprobes 700. All callers hold a reference of their own.
 */
static __always_inline int req_dropped(const struct sock *listener, const struct request_sock *req, bool from_timer)
{
	struct tcptrace_record *r;
	__s32 ret = 0;
	bool hashed, joined, killed = was_killed(req, &ret), unsent = !killed && from_timer && was_unsent(req);

	listener = TYPED_PTR(listener);
	req = TYPED_PTR(req);
	hashed = req_hashed(req);
	joined = !hashed && req_has_joined(req);
	if (!hashed && !joined)
		return 0;
	if (!wanted_of(listener, (const void *)req))
		return 0;
	r = reserve(TCPTRACE_SYNQ_DEL);
	if (!r)
		return 0;
	set_request(r, req, listener);
	if (hashed)
		uncount_request(r, req);
	r->cause = joined ? TCPTRACE_SYNQ_ESTABLISHED : req_drop_cause(listener, killed, from_timer);
	r->ret = ret;
	if (unsent && r->cause == TCPTRACE_SYNQ_EXPIRED) {
		r->cause = TCPTRACE_SYNQ_OTHER;
		r->ret = TCPTRACE_UNSENT;
	}
	submit(r);
	return 0;
}

/* 6.1 and later (e8c526f2bdf1, CVE-2024-50154), backported to 5.10. A bool is one byte of its register. */
AT_ENTRY(req_drop, __inet_csk_reqsk_queue_drop, req_dropped(sk, req, from_timer),
	 const struct sock *sk, const struct request_sock *req, __u8 from_timer)

/* before: one function below all of them, which does not know who asked */
static __always_inline int req_unlinked(const struct request_sock *req)
{
	struct notes *n = notes();

	return req_dropped(req_listener(TYPED_PTR(req)), req, n && n->timer_req == (__u64)req);
}

AT_ENTRY(req_unlink, reqsk_queue_unlink, req_unlinked(req), const struct request_sock *req)

static __always_inline int req_timer(const void *timer)
{
	struct notes *n = notes();

	if (n)
		n->timer_req = (__u64)timer - (timer ? bpf_core_field_offset(struct request_sock, rsk_timer) : 0);
	return 0;
}

AT_ENTRY(req_timer, reqsk_timer_handler, req_timer(timer), const void *timer)

AT_RETURN(req_timer, reqsk_timer_handler, req_timer(NULL))

static __always_inline int req_killed(const struct sock *sk, __s32 ret)
{
	struct notes *n = notes();

	if (n) {
		n->killed_req = (__u64)sk;
		n->killed_ret = ret;
	}
	return 0;
}

/* An ICMP error drops a request, too: if it is a hard one (abort), and about its SYN-ACK. */
static __always_inline int req_icmp(const struct sock *sk, __u32 seq, __u8 abort)
{
	const struct tcp_request_sock *treq = TYPED_PTR((const struct tcp_request_sock *)sk);

	return abort && seq == READ(treq, snt_isn) ? req_killed(sk, 0) : 0;
}

AT_ENTRY(req_err, tcp_req_err, req_icmp(sk, seq, abort), const struct sock *sk, __u32 seq, __u8 abort)

/* and `ss -K` */
AT_ENTRY(abort, tcp_abort, sk_state(TYPED_PTR(sk)) == TCP_NEW_SYN_RECV ? req_killed(sk, -err) : 0, const struct sock *sk, int err)
