// SPDX-License-Identifier: GPL-2.0-only
/*
 * A request is dropped from the SYN queue, and why: expired, reset, its listener closed, or killed. In softirq, so no
 * record here has an actor. Its twin is kmod/request.c.
 */
#include "attach.bpf.h"
#include "filter.bpf.h"
#include "notes.bpf.h"
#include "ring.bpf.h"

static __always_inline __u8 req_drop_cause(const struct sock *listener, const struct request_sock *req,
					   bool from_timer)
{
	struct notes *n = notes();

	if (sk_state(listener) != TCP_LISTEN)
		return TCPTRACE_SYNQ_LISTENER_CLOSED;
	if (from_timer)
		return TCPTRACE_SYNQ_EXPIRED;
	if (n && n->killed_req == (__u64)req) {
		n->killed_req = 0;
		return TCPTRACE_SYNQ_OTHER;
	}
	return TCPTRACE_SYNQ_RESET;
}

/*
 * At the return, of which true says that this call took it out of the hash: of two CPUs that drop one request at
 * once one does, and inet_csk_complete_hashdance() comes here with one that is out already. So does tcp_check_req() with
 * that of a joined subflow, which no hashdance tells. All callers hold a reference of their own. counted: the lengths
 * still include it; the record has them without it.
 */
static __always_inline int req_dropped(const struct sock *listener, const struct request_sock *req,
				       bool from_timer, bool unlinked, bool counted)
{
	struct tcptrace_record *r;
	bool joined;

	listener = TYPED_PTR(listener);
	req = TYPED_PTR(req);
	joined = !unlinked && req_has_joined(req);
	if (!unlinked && !joined)
		return 0;
	if (!wanted_of(listener, (const void *)req))
		return 0;
	r = reserve(TCPTRACE_SYNQ_DEL);
	if (!r)
		return 0;
	set_request(r, req, listener);
	if (counted && unlinked) {
		r->synq--;
		if (!BPF_CORE_READ_BITFIELD_PROBED(req, num_timeout))
			r->synq_young--;
	}
	r->cause = joined ? TCPTRACE_SYNQ_ESTABLISHED : req_drop_cause(listener, req, from_timer);
	submit(r);
	return 0;
}

/*
 * 6.1 and later (e8c526f2bdf1, CVE-2024-50154), backported to 5.10. Flag and result are a byte: the rest of a
 * register is nobody's, and the trampoline of 5.10 stores a byte into a slot it does not clear.
 */
SEC("?fexit/__inet_csk_reqsk_queue_drop")
int BPF_PROG(x_req_drop, const struct sock *sk, const struct request_sock *req, __u8 from_timer)
{
	return req_dropped(sk, req, from_timer, (__u8)RETURNED(ctx, 3), false);
}

/*
 * At the entry: a probe at the return would cost each connection that is established some 700 instructions. What is in
 * the hash still is taken out; of two CPUs that drop it at once both may find it there, and to the model the second is
 * a duplicate.
 */
SEC("?kprobe/__inet_csk_reqsk_queue_drop")
int BPF_KPROBE(k_req_drop, const struct sock *sk, const struct request_sock *req, __u8 from_timer)
{
	return req_dropped(sk, req, from_timer, req_hashed(TYPED_PTR(req)), true);
}

/* before: one function below all of them, which does not know who asked */
static __always_inline int req_unlinked(const struct request_sock *req, bool unlinked)
{
	struct notes *n = notes();

	return req_dropped(req_listener(TYPED_PTR(req)), req, n && n->timer_req == (__u64)req, unlinked, true);
}

SEC("?fexit/reqsk_queue_unlink")
int BPF_PROG(x_req_unlink, const struct request_sock *req)
{
	return req_unlinked(req, (__u8)RETURNED(ctx, 1));
}

SEC("?kprobe/reqsk_queue_unlink")
int BPF_KPROBE(k_req_unlink, const struct request_sock *req)
{
	return req_unlinked(req, req_hashed(TYPED_PTR(req)));
}

static __always_inline int req_timer(const void *timer)
{
	struct notes *n = notes();

	if (n)
		n->timer_req = (__u64)timer - (timer ? bpf_core_field_offset(struct request_sock, rsk_timer) : 0);
	return 0;
}

AT_ENTRY(req_timer, reqsk_timer_handler, req_timer(timer), const void *timer)

AT_RETURN(req_timer, reqsk_timer_handler, req_timer(NULL))

static __always_inline int req_killed(const struct sock *sk)
{
	struct notes *n = notes();

	if (n)
		n->killed_req = (__u64)sk;
	return 0;
}

/* ICMP takes a request down too, neither by expiry nor by reset: if it can, and if it is about its SYN-ACK. */
static __always_inline int req_icmp(const struct sock *sk, __u32 seq, __u8 abort)
{
	const struct tcp_request_sock *treq = TYPED_PTR((const struct tcp_request_sock *)sk);

	return abort && seq == READ(treq, snt_isn) ? req_killed(sk) : 0;
}

AT_ENTRY(req_err, tcp_req_err, req_icmp(sk, seq, abort), const struct sock *sk, __u32 seq, __u8 abort)

/* and `ss -K` */
AT_ENTRY(abort, tcp_abort, sk_state(TYPED_PTR(sk)) == TCP_NEW_SYN_RECV ? req_killed(sk) : 0, const struct sock *sk)
