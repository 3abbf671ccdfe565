// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transitions and the end of a socket. The state tracepoint is the best hook there is, by every mechanism; what
 * the tracepoint mechanism alone reads off it is in tp/state.bpf.h. Its twin is kmod/state.c.
 */
#include "attach.bpf.h"
#include "filter.bpf.h"
#include "recursion.bpf.h"
#include "ring.bpf.h"
#include "tp/groups.bpf.h"
#include "tp/state.bpf.h"

#define MINISOCK_DEPTH	16	/* of a chain: others may have been put before it since */

/*
 * tcp_time_wait() puts a minisock into the socket's chain, at its head, and the socket ends in CLOSE: TIME_WAIT is never a new
 * state here. An orphan in FIN_WAIT2 goes on as a minisock in FIN_WAIT2: no transition. There is none if the connection died,
 * and where there are net.ipv4.tcp_max_tw_buckets already, or no memory. Global function: verified once.
 */
__noinline int minisock_made(__u64 addr)
{
	const struct sock *sk = TYPED_PTR((const struct sock *)addr);
	const struct inet_hashinfo *info = hashinfo_of(net_of(sk));
	__u32 hash = READ(sk, __sk_common.skc_hash), bucket = hash & BPF_CORE_READ(info, ehash_mask);
	__u64 node = (__u64)BPF_CORE_READ(info, ehash) + (__u64)bucket * bpf_core_type_size(struct inet_ehash_bucket);

	node = word_at(node + bpf_core_field_offset(struct inet_ehash_bucket, chain));
	for (int i = 0; i < MINISOCK_DEPTH && is_node(node); i++) {
		__u64 at = node - bpf_core_field_offset(struct sock_common, skc_nulls_node);
		const struct sock_common *c = TYPED_PTR((const struct sock_common *)at);

		if (READ(c, skc_state) == TCP_TIME_WAIT && READ(c, skc_hash) == hash && READ(c, skc_num) == sk_lport(sk) &&
		    READ(c, skc_dport) == READ(sk, __sk_common.skc_dport))
			return 1;
		node = word_at(node);
	}
	return 0;
}

static __always_inline int real_new_state(const struct sock *sk, int old, int new)
{
	if (new != TCP_CLOSE || (old != TCP_FIN_WAIT2 && old != TCP_CLOSING) || !minisock_made(addr_of(sk)))
		return new;
	return fin_received(sk) ? TCP_TIME_WAIT : TCP_FIN_WAIT2;	/* not its own state: a FIN may have come since */
}

/* Both FINs came and were acknowledged: tcp_rcv_state_process(), tcp_fin(). */
static __always_inline bool fins_acked(const struct sock *sk, int old)
{
	const struct tcp_sock *tp = TYPED_PTR((const struct tcp_sock *)sk);

	return old == TCP_FIN_WAIT2 ? fin_received(sk) : old == TCP_CLOSING && READ(tp, snd_una) == READ(tp, write_seq);
}

static __always_inline bool of_listener(int old, int new)
{
	return new == TCP_LISTEN || (old == TCP_LISTEN && new == TCP_CLOSE);
}

/* Its port may be chosen right after: tcp_v4_connect(), inet_csk_listen_start(). */
static __always_inline bool begins(int new)
{
	return new == TCP_LISTEN || new == TCP_SYN_SENT;
}

/* Global function: verified once, not once per call. */
__noinline int write_state(__u64 addr, int old, int new, __u64 now)
{
	const struct sock *sk = TYPED_PTR((const struct sock *)addr);
	struct tcptrace_record *r = reserve_any(TCPTRACE_STATE, now);

	if (!r)
		return 0;
	if (begins(new))
		set_common(r, &sk->__sk_common);
	else
		set_sock(r, sk);
	r->old = old;
	r->new = new;
	if (new == TCP_LISTEN) {	/* in process context, by whatever way listen() was called */
		set_caller(r, sk, call_fd(sk));
		set_device(r, sk);
	}
	if (of_listener(old, new))
		set_queues(r, sk);
	else if (new == TCP_CLOSE || new == TCP_TIME_WAIT)
		set_totals(r, sk);
	else if (old == TCP_SYN_SENT && new == TCP_ESTABLISHED)
		r->arg = client_isns(sk);
	else if (old == TCP_SYN_SENT)
		r->arg = syn_sent(TYPED_PTR((const struct tcp_sock *)sk));
	if (new == TCP_CLOSE && fins_acked(sk, old))
		r->flags |= TCPTRACE_F_END;
	submit(r);
	return 0;
}

static __always_inline bool state_wanted(__u64 addr, int old, int new)
{
	const struct sock *sk = TYPED_PTR((const struct sock *)addr);

	if (READ(sk, sk_protocol) != IPPROTO_TCP)	/* MPTCP shares this tracepoint */
		return false;
	if (cfg.tp_groups && new == TCP_LISTEN)
		member_joins(addr);
	if (cfg.tp_groups && old == TCP_LISTEN && new == TCP_CLOSE)
		member_leaves(addr);
	if ((cfg.tp_acceptq_add || cfg.by_pid || cfg.by_lport) && old == TCP_LISTEN && new == TCP_SYN_RECV)
		child_begins(sk);
	if (new == TCP_LISTEN && cfg.by_lport && !READ(sk, __sk_common.skc_num))
		return false;	/* the return of listen() knows its port */
	return new == TCP_LISTEN ? wanted_call(sk) : wanted(sk) || child_wanted(sk);
}

/* Where few events are asked for most transitions end here. */
static __always_inline bool state_matters(int old, int new)
{
	return ASKED(STATE) || cfg.tp_close || old == TCP_LISTEN || new == TCP_LISTEN ||
	       (cfg.tp_acceptq_add && old == TCP_SYN_RECV && new == TCP_ESTABLISHED);
}

/* A listener's beginning and end may be wanted although no other transition is. */
static __always_inline bool state_asked(int old, int new)
{
	if (!of_listener(old, new))
		return ASKED(STATE);
	return !cfg.no_listeners && (ASKED(STATE) || cfg.listener_ends);
}

static __always_inline int state_hook(__u64 addr, int old, int new)
{
	const struct sock *sk = TYPED_PTR((const struct sock *)addr);
	__u64 now;

	if (!state_matters(old, new) || !state_wanted(addr, old, new))
		return 0;
	now = bpf_ktime_get_ns();		/* of all records of this transition */
	if (cfg.tp_close && tp_closes(sk, old))
		write_close(addr, now);
	/* in the accept queue since just before: inet_csk_complete_hashdance(), tcp_get_cookie_sock() */
	if (cfg.tp_acceptq_add && old == TCP_SYN_RECV && new == TCP_ESTABLISHED)
		tp_acceptq_add(sk, TCPTRACE_ACCEPTQ_HANDSHAKE, now);
	new = real_new_state(sk, old, new);
	if (new != old && state_asked(old, new))
		write_state(addr, old, new, now);
	return 0;
}

/* The token of the first program, whether the transition was wanted or not; DID_NOTHING: it had nothing to do. */
static __always_inline __u16 did_state(int old, int new)
{
	return state_matters(old, new) ? DID_STATE | (old & 15) << 4 | (new & 15) : DID_NOTHING;
}

GUARDED_TP(tp_state, inet_sock_set_state, life_of(sk), did_state(old, new), state_hook((__u64)sk, old, new),
	   const struct sock *sk, int old, int new)

SEC("?tp/sock/inet_sock_set_state")
int tp_state_whole(const struct trace_event_raw_inet_sock_set_state *ctx)
{
	return state_hook((__u64)ctx->skaddr, ctx->oldstate, ctx->newstate);
}

static __always_inline int destroy_hook(const struct sock *sk)
{
	struct tcptrace_record *r;

	sk = TYPED_PTR(sk);
	r = wanted_end(sk) ? reserve(TCPTRACE_DESTROY) : NULL;
	if (r) {
		set_sock(r, sk);
		if (!fin_received(sk))	/* it may go on as a minisock in FIN_WAIT2, which no transition reports */
			set_totals(r, sk);
		submit(r);
	}
	untrace_sock(sk);
	return 0;
}

GUARDED_TP(tp_destroy, tcp_destroy_sock, life_of(sk), DID_DESTROY, destroy_hook(sk), const struct sock *sk)

SEC("?tp/tcp/tcp_destroy_sock")
int tp_destroy_whole(const struct trace_event_raw_tcp_event_sk *ctx)
{
	return destroy_hook(ctx->skaddr);
}

/* The end of a listener without the tracepoint, which every transition would pay for. It is in CLOSE already. */
static __always_inline int listen_stop(const struct sock *sk)
{
	if (!ASKED(STATE) && wanted(TYPED_PTR(sk)))
		write_state(addr_of(sk), TCP_LISTEN, TCP_CLOSE, bpf_ktime_get_ns());
	return 0;
}

AT_ENTRY(listen_stop, inet_csk_listen_stop, listen_stop(sk), const struct sock *sk)
