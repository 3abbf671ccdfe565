/* SPDX-License-Identifier: GPL-2.0-only */
/* The calls that threads are in: what their entry leaves to their return. */
#ifndef TCPTRACE_CALL_BPF_H
#define TCPTRACE_CALL_BPF_H

#include "arch.bpf.h"
#include "file.bpf.h"

enum call_kind { CALL_OTHER, CALL_SOCKET, CALL_BIND, CALL_LISTEN, CALL_CONNECT, CALL_ACCEPT };

/*
 * By a signal. The first one that has a handler decides whether the call restarts or fails, handle_signal(); until then
 * it goes on (SIGSTOP, SIGCONT).
 */
enum interrupted { NOT_INTERRUPTED, UNDECIDED, RESTARTS };

/*
 * The call that a thread is in, from its entry to its return. Its slot in `calls` is given by its number; if another
 * thread has that slot (their numbers are CAPTURE_CALLS apart), it goes into a hash table, which costs 250 ns a call
 * more. If the return is not seen, the entry stays until the thread's next call or its end: compare kind and socket
 * before you use one.
 */
struct call {
	__u64	who;		/* pid_tgid; 0: free */
	__u64	t_ns;
	__u64	sk;		/* accept: the connection, once it is taken out of the queue */
	union {
		__u64	uaddr;		/* bind, connect: the address that was given */
		__u64	listener;	/* accept: as its descriptor was when it began */
	};
	__s32	fd;
	__s32	arg;		/* listen: backlog; bind, connect: the length of uaddr */
	__u32	kind;		/* enum call_kind */
	__u32	interrupted;	/* enum interrupted */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CAPTURE_CALLS);
	__type(key, __u32);
	__type(value, struct call);
} calls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CAPTURE_CALLS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);	/* pid_tgid */
	__type(value, struct call);
} more_calls SEC(".maps");

__u32 calls_clashed = 0;	/* something has been in more_calls */

static __always_inline struct call *call_place(__u64 id)
{
	__u32 place = (__u32)id & (CAPTURE_CALLS - 1);

	return bpf_map_lookup_elem(&calls, &place);
}

static __always_inline void call_enter(struct call call)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct call *place = call_place(id);

	call.who = id;
	if (!place)
		return;
	if (!place->who || place->who == id) {
		*place = call;
		return;
	}
	calls_clashed = 1;
	bpf_map_update_elem(&more_calls, &id, &call, BPF_ANY);
}

#define CALL_ENTER(...)	call_enter((struct call){ __VA_ARGS__ })

/* NULL: it is in none that we saw begin. */
static __always_inline struct call *call_now(void)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct call *call = call_place(id);

	if (call && call->who == id)
		return call;
	return calls_clashed ? bpf_map_lookup_elem(&more_calls, &id) : NULL;
}

/*
 * accept() and connect() that a signal interrupts return ERESTARTSYS: whether the program sees EINTR or the call begins
 * again is decided when the signal is delivered, signal_hook().
 */
static __always_inline bool call_interrupted(__u32 kind, int ret)
{
	struct call *call = ret == -ERESTARTSYS ? call_now() : NULL;

	if (call && call->kind == kind)
		call->interrupted = UNDECIDED;
	return ret == -ERESTARTSYS;
}

/* The socket that accept() or connect() was called on. */
static __always_inline __u64 called_on(const struct call *call)
{
	return call->kind == CALL_ACCEPT ? call->listener : call->sk;
}

/* When it began: one that a signal interrupted goes on, if the descriptor is that of the same socket still. */
static __always_inline __u64 call_began(__u32 kind, int fd, const struct sock *sk)
{
	const struct call *call = call_now();

	return call && call->interrupted && call->kind == kind && call->fd == fd && called_on(call) == (__u64)sk ?
		       call->t_ns : bpf_ktime_get_ns();
}

/* The call is over, or its thread is. False: we did not see it begin. */
static __always_inline bool call_return(struct call *out)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct call *call = call_now();

	if (!call)
		return false;
	*out = *call;
	call->who = 0;
	if (calls_clashed)
		bpf_map_delete_elem(&more_calls, &id);
	return true;
}

/*
 * The descriptor that the caller used: the first argument of the system call, if that is a descriptor of this socket.
 * -1: it is not: io_uring, or the kernel itself.
 */
static __always_inline int call_fd(const struct sock *sk)
{
	int fd = call_arg0(call_regs());

	return fd_is(fd, sk) ? fd : -1;
}

static __always_inline void set_caller(struct tcptrace_record *r, const struct sock *sk, int fd)
{
	if (fd < 0 && of_kernel(sk))
		set_kernel(r);
	else
		set_actor(r, fd);
}

/*
 * The TCP socket that a call on a struct socket is about. NULL for the socket that MPTCP has made for one of
 * its own and calls in turn: the call on the outer one is the program's.
 */
static __always_inline struct sock *called_sock(const struct socket *socket)
{
	struct sock *sk = READ(TYPED_PTR(socket), sk);
	struct sock *tcp = tcp_side(sk);

	return tcp && tcp == sk && is_subflow(tcp) ? NULL : tcp;
}

/* The address that a call was given: the kernel's copy of it or, user, still the caller's. at 0: not known. */
struct given {
	__u64	at;
	int	len;
	bool	user;
};

static __always_inline struct given copied(__u64 at, int len)
{
	return (struct given){ .at = at, .len = len };
}

static __always_inline void copy_given(void *to, struct given from, __u32 size)
{
	if (from.user)
		bpf_probe_read_user(to, size, (const void *)from.at);
	else
		bpf_probe_read_kernel(to, size, (const void *)from.at);
}

/* Into half of a tuple. False: neither IPv4 nor IPv6, or too short for that, and nothing is written. */
static __always_inline bool read_addr(struct given from, __u8 *addr, __u16 *port)
{
	struct sockaddr_in6 sa = {};
	struct sockaddr_in *sin = (void *)&sa;

	if (!from.at || from.len < (int)sizeof(*sin))
		return false;
	copy_given(&sa, from, sizeof(*sin));
	if (sa.sin6_family == AF_INET) {
		map_v4(addr, sin->sin_addr);
	} else if (sa.sin6_family == AF_INET6 && from.len >= SIN6_LEN_RFC2133) {
		copy_given(&sa, from, sizeof(sa));
		__builtin_memcpy(addr, &sa.sin6_addr, 16);
	} else {
		return false;
	}
	*port = bpf_ntohs(sa.sin6_port);
	return true;
}

#endif
