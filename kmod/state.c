// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transitions and the end of a socket. Its twin is bpf/state.bpf.c.
 */
#include <trace/events/sock.h>
#include <trace/events/tcp.h>

#include "hooks.h"
#include "read.h"

/*
 * tcp_time_wait() puts a minisock into the socket's chain, and the socket ends
 * in CLOSE: TIME_WAIT is never a new state here. An orphan in FIN_WAIT2 goes on
 * as a minisock in FIN_WAIT2: no transition. There is none if the connection
 * died, and where there are net.ipv4.tcp_max_tw_buckets already, or no memory.
 */
static bool minisock_made(const struct sock *sk)
{
	const struct inet_hashinfo *info = hashinfo_of(sock_net(sk));
	const struct hlist_nulls_node *node;
	struct sock *c;
	bool made = false;

	rcu_read_lock();
	sk_nulls_for_each_rcu(c, node,
			      &info->ehash[sk->sk_hash & info->ehash_mask].chain) {
		if (c->sk_state == TCP_TIME_WAIT && c->sk_hash == sk->sk_hash &&
		    c->sk_num == ntohs(inet_sk(sk)->inet_sport) &&
		    c->sk_dport == sk->sk_dport) {
			made = true;
			break;
		}
	}
	rcu_read_unlock();
	return made;
}

static int real_new_state(const struct sock *sk, int old, int new)
{
	if (new != TCP_CLOSE || (old != TCP_FIN_WAIT2 && old != TCP_CLOSING) ||
	    !minisock_made(sk))
		return new;
	/* not its own state: a FIN may have come since */
	return sock_flag(sk, SOCK_DONE) ? TCP_TIME_WAIT : TCP_FIN_WAIT2;
}

/* Both FINs came and were acknowledged: tcp_rcv_state_process(), tcp_fin(). */
static bool fins_acked(const struct sock *sk, int old)
{
	return old == TCP_FIN_WAIT2 ? sock_flag(sk, SOCK_DONE) :
	       old == TCP_CLOSING && tcp_sk(sk)->snd_una == tcp_sk(sk)->write_seq;
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
	if (new == TCP_CLOSE && fins_acked(sk, old))
		r.flags |= TCPTRACE_F_END;
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
