// SPDX-License-Identifier: GPL-2.0-only
/*
 * A request is dropped from the SYN queue, and why: expired, reset, its
 * listener closed, or killed. In softirq, so no record here has an actor. Its
 * twin is bpf/request.bpf.c.
 */
#include "hooks.h"
#include "notes.h"
#include "read.h"

/* Takes the note, or it would be of the next request at that address. */
static bool was_killed(const struct request_sock *req)
{
	if (notes()->killed_req != req)
		return false;
	notes()->killed_req = NULL;
	return true;
}

/*
 * Two CPUs may drop one request at once: the return says whether this call took
 * it out of the hash. If it is not in there to begin with, as that of
 * inet_csk_complete_hashdance(), the return is not looked at. The callers hold a
 * reference of their own.
 */
struct dropped {
	const struct sock *listener;
	const struct request_sock *req;
	bool from_timer, killed, unsent;
	int ret;			/* as the record has it */
};

/* The kernel counts what an ICMP message takes down, also when the listener is closed. */
static u8 req_drop_cause(const struct dropped *d)
{
	if (d->killed)
		return TCPTRACE_SYNQ_OTHER;
	if (state_of(d->listener) != TCP_LISTEN)
		return TCPTRACE_SYNQ_LISTENER_CLOSED;
	return d->from_timer ? TCPTRACE_SYNQ_EXPIRED : TCPTRACE_SYNQ_RESET;
}

/* After the last SYN-ACK the timer waits for 1 s at least. */
#define GIVES_UP_NS	100000000ull

/*
 * reqsk_timer_handler() gives a request up, too, if its SYN-ACK does not leave
 * again: no route, a full queue, a firewall. It has just made one then.
 */
static bool was_unsent(const struct dropped *d)
{
	const struct notes *n = notes();

	return !d->killed && d->from_timer && n->again_req == d->req &&
	       ktime_get_mono_fast_ns() - n->again_ns < GIVES_UP_NS;
}

static int req_drop_enter(struct dropped *d)
{
	d->killed = was_killed(d->req);
	d->ret = d->killed ? notes()->killed_ret : 0;
	d->unsent = was_unsent(d);
	return (!d->req->__req_common.skc_nulls_node.pprev &&
		!rsk_drop_req(d->req)) ||
	       !wanted_of(d->listener, &d->req->__req_common);
}

/*
 * counted: the lengths still have it, the record has them without it. What was
 * not unlinked here is reported if it is that of a subflow that has joined an
 * MPTCP socket, which tcp_check_req() took out before, without a hashdance.
 */
static void emit_dropped(const struct dropped *d, bool unlinked, bool counted)
{
	bool joined = !unlinked && rsk_drop_req(d->req);
	struct tcptrace_record r;

	if ((!unlinked && !joined) || !reserve(&r, TCPTRACE_SYNQ_DEL))
		return;
	set_request(&r, d->req, d->listener);
	if (counted && unlinked)
		uncount_request(&r, d->req);
	r.cause = joined ? TCPTRACE_SYNQ_ESTABLISHED : req_drop_cause(d);
	r.ret = d->ret;
	if (d->unsent && r.cause == TCPTRACE_SYNQ_EXPIRED) {
		r.cause = TCPTRACE_SYNQ_OTHER;
		r.ret = TCPTRACE_UNSENT;
	}
	submit(&r);
}

/*
 * 6.1 and later (e8c526f2bdf1, CVE-2024-50154), backported to 5.10. A bool is
 * one byte of its register, the others are undefined.
 */
static int drop_enter(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct dropped *d = (void *)ri->data;

	d->listener = ARG(regs, 0);
	d->req = ARG(regs, 1);
	d->from_timer = (u8)(long)ARG(regs, 2);
	return req_drop_enter(d);
}

static int drop_exit(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	emit_dropped((void *)ri->data, (u8)regs_return_value(regs), false);
	return 0;
}

/* before: one function below all of them, which does not know who asked */
static int unlink_enter(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct dropped *d = (void *)ri->data;

	d->req = ARG(regs, 0);
	d->listener = req_listener(d->req);
	d->from_timer = notes()->timer_req == d->req;
	return req_drop_enter(d);
}

static int unlink_exit(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	emit_dropped((void *)ri->data, (u8)regs_return_value(regs), true);
	return 0;
}

static int req_timer_enter(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	notes()->timer_req = container_of((struct timer_list *)ARG(regs, 0),
					    struct request_sock, rsk_timer);
	return 0;
}

static int req_timer_exit(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	notes()->timer_req = NULL;
	return 0;
}

/* An ICMP error drops a request: a hard one (abort), about its SYN-ACK. */
static int k_icmp(struct kprobe *p, struct pt_regs *regs)
{
	const struct request_sock *req = ARG(regs, 0);
	u32 seq = (long)ARG(regs, 1);
	bool abort = (u8)(long)ARG(regs, 2);

	if (abort && seq == tcp_rsk(req)->snt_isn) {
		notes()->killed_req = req;
		notes()->killed_ret = 0;
	}
	return 0;
}

/* and `ss -K` */
static int k_abort(struct kprobe *p, struct pt_regs *regs)
{
	const struct sock *sk = ARG(regs, 0);

	if (state_of(sk) == TCP_NEW_SYN_RECV) {
		notes()->killed_req = sk;
		notes()->killed_ret = -(int)(long)ARG(regs, 1);
	}
	return 0;
}

struct hook request_hooks[] = {
	ENTER(tcp_req_err, k_icmp, ON(SYNQ_DEL)),
	ENTER(tcp_abort, k_abort, ON(SYNQ_DEL)),
	EXIT(__inet_csk_reqsk_queue_drop, drop_enter, drop_exit,
	     sizeof(struct dropped), ON(SYNQ_DEL)),
	EXIT_ELSE(reqsk_queue_unlink, unlink_enter, unlink_exit,
		  sizeof(struct dropped), ON(SYNQ_DEL)),
	EXIT_ELSE(reqsk_timer_handler, req_timer_enter, req_timer_exit, 0,
		  ON(SYNQ_DEL)),
	{ }
};
