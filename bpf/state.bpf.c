// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transitions and the end of a socket. The state tracepoint is the best hook
 * there is, by every mechanism. What the tracepoint mechanism alone must add
 * (a connection entering the accept queue, close()) is read off it here too.
 */
#include "call.bpf.h"
#include "queue.bpf.h"
#include "group.bpf.h"

const volatile struct capture_config cfg = {};
const volatile __u64 lports[CAPTURE_PORT_WORDS] = {};
const volatile __u64 rports[CAPTURE_PORT_WORDS] = {};
volatile __u32 reader_sleeps = 0;
__u64 here = 0;
__u8 watched_hints[CAPTURE_HINTS] = {};
struct ring_ends ring_ends[CAPTURE_RINGS] = {};
__u64 lost[CAPTURE_EVENTS] = {};
_Static_assert(TCPTRACE_EVENT_MAX <= CAPTURE_EVENTS, "a place for each");
__u64 redone = 0;
__u32 calls_clashed = 0;

__noinline int learn_here(void)
{
	const void *at = &here;

	return bpf_probe_read_kernel(&here, sizeof(here), &at);
}

/*
 * close() has no tracepoint, but __tcp_close() sets sk_shutdown before the transition and nothing
 * else does, except shutdown(SHUT_RDWR), which is noted in 'calls'.
 */
static __always_inline bool tp_closes(const struct sock *sk, int old)
{
	const struct call *call;

	if (old != TCP_ESTABLISHED && old != TCP_SYN_SENT && old != TCP_SYN_RECV &&
	    old != TCP_CLOSE_WAIT && old != TCP_LISTEN)
		return false;
	if (READ(sk, sk_shutdown) != SHUTDOWN_MASK)
		return false;
	call = call_now();
	return !call || call->sk != (__u64)sk;
}

/*
 * The listener of a child at its first transition, in inet_csk_clone_lock(): the child is a copy of it, and the
 * head of its empty list of sent segments points to itself until tcp_create_openreq_child() makes that anew.
 */
static __always_inline const struct sock *cloned_from(const struct sock *child)
{
	const struct tcp_sock *tp = TYPED((const struct tcp_sock *)child);
	__u64 head = (__u64)READ(tp, tsorted_sent_queue.next);
	const struct sock *of;

	of = (const void *)(head - bpf_core_field_offset(struct tcp_sock, tsorted_sent_queue));
	of = TYPED(of);
	return sk_state(of) == TCP_LISTEN && is_tcp(of) ? of : NULL;
}

/*
 * tcp_time_wait() replaces the socket by a minisock and ends in CLOSE; TIME_WAIT is never a new
 * state here. After the peer's FIN (SOCK_DONE) it is TIME_WAIT; an orphan in FIN_WAIT2 goes on as
 * a minisock in FIN_WAIT2: no transition. An error says that the connection died instead.
 */
static __always_inline int real_new_state(const struct sock *sk, int old, int new)
{
	if (new != TCP_CLOSE || (old != TCP_FIN_WAIT2 && old != TCP_CLOSING) || READ(sk, sk_err))
		return new;
	if (READ(sk, __sk_common.skc_flags) & (1ul << SOCK_DONE))
		return TCP_TIME_WAIT;
	return old == TCP_FIN_WAIT2 && READ(sk, __sk_common.skc_flags) & (1ul << SOCK_DEAD) ?
		       TCP_FIN_WAIT2 : new;
}

static __always_inline void child_begins(const struct sock *sk)
{
	const struct sock *listener = cloned_from(sk);
	struct scratch *s = scratch();

	if (s) {
		s->child = (__u64)sk;
		s->child_of = (__u64)listener;
	}
	if (cfg.by_pid && listener && is_watched(listener))
		watch(sk);
}

/* Global functions, which the verifier goes through once and not on each path that leads here. */
__noinline int write_close(__u64 addr, __u64 now)
{
	emit_close(TYPED((const struct sock *)addr), -1, now);
	return 0;
}

__noinline int write_state(__u64 addr, int old, int new, __u64 now)
{
	const struct sock *sk = TYPED((const struct sock *)addr);
	struct tcptrace_record *r = reserve_at(TCPTRACE_STATE, now);

	if (!r)
		return 0;
	set_sock(r, sk);
	r->old = old;
	r->new = new;
	if (old == TCP_LISTEN && new == TCP_CLOSE)
		set_queues(r, sk);
	submit(r);
	return 0;
}

static __always_inline bool state_wanted(__u64 addr, int old, int new)
{
	const struct sock *sk = TYPED((const struct sock *)addr);

	if (READ(sk, sk_protocol) != IPPROTO_TCP)	/* MPTCP shares this tracepoint */
		return false;
	if (cfg.tp_groups && old == TCP_LISTEN && new == TCP_CLOSE)
		member_leaves(addr);
	if ((cfg.tp_acceptq_add || cfg.by_pid) && old == TCP_LISTEN && new == TCP_SYN_RECV)
		child_begins(sk);
	return wanted(sk);
}

static __always_inline int state_hook(__u64 addr, int old, int new)
{
	const struct sock *sk = TYPED((const struct sock *)addr);
	__u64 now;

	if (!state_wanted(addr, old, new))
		return 0;
	now = bpf_ktime_get_ns();		/* of all records of this transition */
	if (cfg.tp_close && tp_closes(sk, old))
		write_close(addr, now);
	/* in the accept queue since just before: inet_csk_complete_hashdance(), tcp_get_cookie_sock() */
	if (cfg.tp_acceptq_add && old == TCP_SYN_RECV && new == TCP_ESTABLISHED)
		tp_acceptq_add(sk, TCPTRACE_ACCEPTQ_HANDSHAKE, now);
	new = real_new_state(sk, old, new);
	if (new != old)
		write_state(addr, old, new, now);
	return 0;
}

/* What the first has seen to, wanted or not. */
static __always_inline __u16 did_state(int old, int new)
{
	return DID_STATE | (old & 15) << 4 | (new & 15);
}

SEC("?raw_tp/inet_sock_set_state")
int BPF_PROG(tp_state, const struct sock *sk, int old, int new)
{
	state_hook((__u64)sk, old, new);
	did((__u64)sk, did_state(old, new));
	return 0;
}

SEC("?raw_tp/inet_sock_set_state")
int BPF_PROG(tp_state_again, const struct sock *sk, int old, int new)
{
	return was_done((__u64)sk, did_state(old, new)) ? 0 : state_hook((__u64)sk, old, new);
}

static __always_inline int destroy_hook(const struct sock *sk)
{
	struct tcptrace_record *r;

	sk = TYPED(sk);
	if (!wanted_end(sk))
		return 0;
	r = reserve(TCPTRACE_DESTROY);
	if (r) {
		set_sock(r, sk);
		submit(r);
	}
	unwatch(sk);
	return 0;
}

SEC("?raw_tp/tcp_destroy_sock")
int BPF_PROG(tp_destroy, const struct sock *sk)
{
	destroy_hook(sk);
	did((__u64)sk, DID_DESTROY);
	return 0;
}

SEC("?raw_tp/tcp_destroy_sock")
int BPF_PROG(tp_destroy_again, const struct sock *sk)
{
	return was_done((__u64)sk, DID_DESTROY) ? 0 : destroy_hook(sk);
}

char LICENSE[] SEC("license") = "GPL";
