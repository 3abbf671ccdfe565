/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The recursion guard. BPF skips a program that is already running on this CPU (prog->active): an interrupt or,
 * on preemptible kernels, another thread in between loses its event. Measured: one transition in 1,000 at 20,000
 * connections a second on 6.18, one system call in 20 with 7.2's preemptible system-call tracepoints.
 *
 * So each such program is attached twice. NAME does the work and leaves a token that says for whom and what;
 * NAME_retry runs right after it and works only if there is none:
 *
 *	CPU 0, in softirq context       NAME         sk 1: works, leaves a token
 *	  interrupt: the same for sk 2  NAME         skipped, it is running
 *	                                NAME_retry   sk 2: no token: works
 *	goes on                         NAME_retry   sk 1: takes the token, done
 *
 * Only if both are skipped is the event lost; recursion_misses of NAME less `retried` says how many were.
 *
 * With PREEMPT_RT that happens: from 7.0 on tracepoints leave preemption on there, and with 8 threads of two slow CPUs
 * tp_state was skipped 1,645 times at 10,007 connections, 30 impossible transitions came of it. perf keeps preemption
 * off while its programs run: there NAME_whole stands for both. It costs more, as perf copies the event first.
 */
#ifndef TCPTRACE_RECURSION_BPF_H
#define TCPTRACE_RECURSION_BPF_H

#include "notes.bpf.h"

/* What was done; those of transitions have the two states in their low bits. */
enum { DID_NOTHING, DID_STATE = 0x0800, DID_DESTROY = 0x1000, DID_RST_SENT, DID_RST_RECEIVED, DID_SYSCALL, DID_SOCKET, DID_CREATE,
       DID_BIND, DID_ASKED, DID_LISTEN, DID_CONNECT, DID_CONNECT_RETURN, DID_ACCEPT, DID_ACCEPT_RETURN, DID_TAKE,
       DID_SHUTDOWN, DID_CLOSE };

/* who: a kernel address or pid_tgid; both leave their top bits to say what. */
static __always_inline void did(__u64 who, __u16 what)
{
	struct notes *n = what == DID_NOTHING ? NULL : notes();
	__u32 i;

	if (!n)
		return;
	for (i = 0; i < GUARD_TOKENS; i++)
		if (!n->guard.token[i])
			break;
	if (i == GUARD_TOKENS)		/* left by threads that went on elsewhere in between */
		i = n->guard.next++;
	n->guard.token[i & (GUARD_TOKENS - 1)] = who ^ (__u64)what << 48;
}

static __always_inline enum retry_kind kind_of(__u16 what)
{
	if (what & DID_STATE)
		return RETRY_STATE;
	return what <= DID_RST_RECEIVED ? what - DID_DESTROY + RETRY_DESTROY : RETRY_CALL;
}

/* Has the first program seen to it? Takes the token: to be asked once. */
static __always_inline bool was_done(__u64 who, __u16 what)
{
	__u64 key = who ^ (__u64)what << 48;
	struct notes *n = what == DID_NOTHING ? NULL : notes();

	if (!n)
		return true;
	for (__u32 i = 0; i < GUARD_TOKENS; i++) {
		if (n->guard.token[i] == key) {
			n->guard.token[i] = 0;
			return true;
		}
	}
	__sync_fetch_and_add(&retried[kind_of(what) & (RETRY_KINDS - 1)], 1);
	return false;
}

/*
 * Both programs at a tracepoint: they run in the order in which they are attached, which is that of the object.
 * key: an expression of the arguments; hook: what is to be done.
 */
#define GUARDED_TP(name, tracepoint, key, what, hook, args...)					\
SEC("?raw_tp/" #tracepoint)									\
int BPF_PROG(name, args)									\
{												\
	hook;											\
	did(key, what);										\
	return 0;										\
}												\
SEC("?raw_tp/" #tracepoint)									\
int BPF_PROG(name##_retry, args)								\
{												\
	return was_done(key, what) ? 0 : hook;							\
}

/* Both members of the events that have a type of their own only in newer kernels. */
#define SK_SKB_EVENT(ctx, type, member) ({							\
	const void *at_ = (ctx), *value_ = NULL;						\
												\
	if (bpf_core_type_exists(struct type))							\
		bpf_core_read(&value_, sizeof(value_), &((const struct type *)at_)->member);	\
	else											\
		bpf_core_read(&value_, sizeof(value_),						\
			      &((const struct trace_event_raw_tcp_event_sk_skb *)at_)->member);	\
	value_;											\
})

/*
 * Both programs at a function: what is attached last runs first there, so the order is the other one. They run in
 * process context alone, so that the second is only attached where that can be preempted (cfg.retries).
 */
#define GUARDED(section, name, key, what, hook, args...)					\
SEC(section)											\
int BPF_PROG(name##_retry, args)								\
{												\
	return was_done(key, what) ? 0 : hook;							\
}												\
SEC(section)											\
int BPF_PROG(name, args)									\
{												\
	hook;											\
	if (cfg.retries)									\
		did(key, what);									\
	return 0;										\
}

#define GUARDED_ENTRY(name, function, key, what, hook, args...)					\
GUARDED("?fentry/" #function, name, key, what, hook, args)

#define GUARDED_RETURN(name, function, key, what, hook, args...)				\
GUARDED("?fexit/" #function, name, key, what, hook, args)

/* And a kprobe, as AT_ENTRY. */
#define GUARDED_AT_ENTRY(name, function, key, what, hook, args...)				\
GUARDED("?fentry/" #function, f_##name, key, what, hook, args)					\
SEC("?kprobe/" #function)									\
int BPF_KPROBE(k_##name, args)									\
{												\
	return hook;										\
}

#define THREAD	bpf_get_current_pid_tgid()	/* as key */

/*
 * As key: a token whose NAME_retry was skipped is left over, and the kernel uses the address for the next
 * connection at once. That one has other ports.
 */
static __always_inline __u64 life_of(const struct sock *sk)
{
	const struct sock *s = TYPED_PTR(sk);

	return (__u64)sk ^ (__u32)READ(s, __sk_common.skc_num) << 16 ^ READ(s, __sk_common.skc_dport);
}

#endif
