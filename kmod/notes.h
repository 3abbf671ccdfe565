/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Notes between hooks that run within one packet's processing. All of these run
 * with softirqs off and none runs inside itself; what one function's entry
 * leaves to its return is in the kretprobe's own data instead. Their twin is
 * bpf/notes.bpf.h.
 */
#ifndef TCPTRACE_NOTES_H
#define TCPTRACE_NOTES_H

#include <linux/types.h>

struct sock;
struct sk_buff;

struct notes {
	bool answered;			/* tcp_conn_request made a SYN-ACK */
	const struct sock *cc_listener;	/* cookie_v4_check in progress */
	const struct sk_buff *cc_skb;
	const void *timer_req;		/* request whose timer runs */
	const void *again_req;		/* was sent a SYN-ACK again last, */
	u64 again_ns;			/* and when */
	const struct sock *reset_sk;	/* tcp_reset() ends it, */
	bool reset_rst;			/* by a RST, not by data */
	const void *reset_tw;		/* tcp_timewait_state_process: its RST */
	const void *killed_req;		/* tcp_req_err or tcp_abort takes it, */
	int killed_ret;			/* tcp_abort with its -errno; else 0 */
};

struct notes *notes(void);	/* of this CPU, or thread: never NULL */
/*
 * Before attaching: while detached, exits of cookie_v4/v6_check() were not seen,
 * so notes may be stale.
 */
void forget_cookies(void);

#endif
