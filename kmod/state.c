// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transitions and the end of a socket. Its twin is bpf/state.bpf.c.
 */
#include <trace/events/sock.h>
#include <trace/events/tcp.h>

#include "hooks.h"
#include "read.h"

/*
 * tcp_time_wait() replaces the socket by a minisock and ends in CLOSE;
 * TIME_WAIT is never a new state here. After the peer's FIN (SOCK_DONE) it is
 * TIME_WAIT; an orphan in FIN_WAIT2 goes on as a minisock in FIN_WAIT2: no
 * transition. An error says that the connection died instead, and with
 * TCP_LINGER2 below 0 no minisock is made.
 */
static int real_new_state(const struct sock *sk, int old, int new)
{
	if (new != TCP_CLOSE || (old != TCP_FIN_WAIT2 && old != TCP_CLOSING) ||
	    READ_ONCE(sk->sk_err))
		return new;
	if (sock_flag(sk, SOCK_DONE))
		return TCP_TIME_WAIT;
	return old == TCP_FIN_WAIT2 && sock_flag(sk, SOCK_DEAD) &&
	       READ_ONCE(tcp_sk(sk)->linger2) >= 0 ? TCP_FIN_WAIT2 : new;
}

/* In process context, by whatever way listen() was called. */
static void set_caller(struct tcptrace_record *r, const struct sock *sk)
{
	unsigned long args[6];
	int fd = -1;

	if (in_call(__NR_listen)) {
		syscall_get_arguments(current, task_pt_regs(current), args);
		fd = args[0];
	} else if (of_kernel(sk)) {
		set_kernel(r);
		return;
	}
	set_actor(r, fd);
}

/*
 * Its port may be chosen right after: tcp_v4_connect(),
 * inet_csk_listen_start().
 */
static bool begins(int new)
{
	return new == TCP_LISTEN || new == TCP_SYN_SENT;
}

/* Of a listener without a port yet the return of listen() knows it. */
static bool transition_wanted(const struct sock *sk, int new)
{
	if (new == TCP_LISTEN && !sk->sk_num && filter.nports)
		return false;
	return wanted(sk);
}

static void tp_state(void *data, const struct sock *sk, const int old,
		     const int state)
{
	struct tcptrace_record r;
	int new;

	if (sk->sk_protocol != IPPROTO_TCP)	/* MPTCP shares this */
		return;
	new = real_new_state(sk, old, state);
	if (new == old || !transition_wanted(sk, new) ||
	    !reserve(&r, TCPTRACE_STATE))
		return;
	if (begins(new))
		set_common(&r, &sk->__sk_common);
	else
		set_sock(&r, sk);
	r.old = old;
	r.new = new;
	if (new == TCP_LISTEN) {
		set_caller(&r, sk);
		set_device(&r, sk);
	}
	if (new == TCP_LISTEN || (old == TCP_LISTEN && new == TCP_CLOSE))
		set_queues(&r, sk);
	else if (new == TCP_CLOSE || new == TCP_TIME_WAIT)
		set_totals(&r, sk);
	else if (old == TCP_SYN_SENT && new == TCP_ESTABLISHED)
		r.arg = client_isns(sk);
	else if (old == TCP_SYN_SENT)
		r.arg = syn_sent(tcp_sk(sk));
	submit(&r);
}

static void tp_destroy(void *data, struct sock *sk)
{
	struct tcptrace_record r;

	if (!wanted_end(sk) || !reserve(&r, TCPTRACE_DESTROY))
		return;
	set_sock(&r, sk);
	/* it may go on as a minisock in FIN_WAIT2: no transition */
	if (!sock_flag(sk, SOCK_DONE))
		set_totals(&r, sk);
	submit(&r);
}

static void __maybe_unused check_types(void)
{
	check_trace_callback_type_inet_sock_set_state(tp_state);
	check_trace_callback_type_tcp_destroy_sock(tp_destroy);
}

struct hook state_hooks[] = {
	TRACEPOINT(inet_sock_set_state, tp_state, ON(STATE)),
	TRACEPOINT(tcp_destroy_sock, tp_destroy, ON(DESTROY)),
	{ }
};
