// SPDX-License-Identifier: GPL-2.0-only
/*
 * What programs ask for: socket, bind, listen, shutdown, close here, connect in connect.bpf.c, accept in accept.bpf.c;
 * seen at functions below the system calls, which 64-bit and 32-bit programs, io_uring, MPTCP and the kernel itself come
 * by alike, and which cost no other system call anything. Its twin is kmod/calls.c; the system-call tracepoints are in
 * tp/calls.bpf.c.
 *
 * What does not get that far is not seen: a bad descriptor or address, the refusal of a security module (but of
 * accept(), whose return is seen).
 */
#include "arch.bpf.h"
#include "attach.bpf.h"
#include "call.bpf.h"
#include "file.bpf.h"
#include "filter.bpf.h"
#include "recursion.bpf.h"
#include "ring.bpf.h"

/*
 * A thread that ends inside a call takes its note with it. The last one ends the process: its first may be gone long
 * since.
 */
SEC("?raw_tp/sched_process_exit")
int BPF_PROG(tp_exit, struct task_struct *task)
{
	struct call call;
	__u32 pid;

	call_return(&call);
	if (!cfg.by_pid || !cfg.follow || READ(TYPED_PTR(task), signal, live.counter))
		return 0;
	pid = caller_number() >> 32;
	bpf_map_delete_elem(&pids, &pid);
	return 0;
}

SEC("?raw_tp/sched_process_fork")
int BPF_PROG(tp_fork, struct task_struct *parent, struct task_struct *child)
{
	__u32 pid = task_number(TYPED_PTR(child)) >> 32;
	__u8 one = 1;

	if (cfg.follow && pid_wanted() && bpf_map_update_elem(&pids, &pid, &one, BPF_ANY))
		traced_full = 1;
	return 0;
}

/* ---- socket, bind, listen ------------------------------------------------------------------------ */

static __always_inline void emit_call(__u32 event, const struct sock *sk, int fd, int ret)
{
	struct tcptrace_record *r = reserve(event);

	if (!r)
		return;
	set_sock(r, sk);
	set_actor(r, fd);
	r->ret = ret;
	submit(r);
}

/* The return of socket(): with a descriptor. */
static __always_inline int socket_return(int fd)
{
	const struct sock *sk = fd < 0 ? NULL : fd_sock(fd);

	if (sk && wanted_call(sk))
		emit_call(TCPTRACE_SOCKET, sk, fd, fd);
	return 0;
}

/*
 * inet_create(): whose descriptor socket_return() will say, but not for io_uring and the kernel. Of those that are
 * made with `kern` MPTCP may have asked for a program: whose it is its bind(), listen() or connect() says.
 */
static __always_inline int create_return(const struct socket *socket, int kern, int ret)
{
	const struct sock *sk = ret ? NULL : READ(TYPED_PTR(socket), sk);
	struct tcptrace_record *r;

	if (!sk || !is_tcp(sk) || (HAS_REGS ? in_socket(call_regs()) : !kern) || !wanted_call(sk))
		return 0;		/* io_uring makes sockets from 5.19 on */
	r = reserve(TCPTRACE_SOCKET);
	if (!r)
		return 0;
	set_sock(r, sk);
	if (!kern)
		set_actor(r, -1);
	submit(r);
	return 0;
}

static __always_inline void emit_bind(const struct sock *sk, int fd, struct given addr, int ret)
{
	struct tcptrace_record *r;

	if (!wanted_call(sk))
		return;
	r = reserve(TCPTRACE_BIND);
	if (!r)
		return;
	set_sock(r, sk);
	set_caller(r, sk, fd);
	r->ret = ret;
	if (ret < 0)		/* nothing was bound: say what was asked for */
		read_addr(addr, r->laddr, &r->lport);
	submit(r);
}

static __always_inline int bind_return(const struct sock *sk, struct given addr, int ret)
{
	sk = TYPED_PTR(sk);
	if (is_tcp(sk))
		emit_bind(sk, call_fd(sk), addr, ret);
	return 0;
}

/* The number as it was given: what arrives at inet_listen() is clamped to somaxconn already. */
static __always_inline int listen_asked(const struct sock *sk, int backlog)
{
	CALL_ENTER(.kind = CALL_LISTEN, .sk = (__u64)sk, .fd = -1, .arg = backlog);
	return 0;
}

static __always_inline void emit_listen(const struct sock *sk, int fd, int backlog, int ret)
{
	struct tcptrace_record *r;

	if (!wanted_call(sk))
		return;
	r = reserve(TCPTRACE_LISTEN);
	if (!r)
		return;
	set_listen(r, sk, backlog);
	set_caller(r, sk, fd);
	r->ret = ret;
	submit(r);
}

static __always_inline int listen_return(const struct sock *sk, int backlog, int ret)
{
	struct call *call;

	sk = TYPED_PTR(sk);
	call = call_now();
	if (call && call->kind == CALL_LISTEN && (!call->sk || call->sk == (__u64)sk)) {
		backlog = call->arg;
		call->kind = CALL_OTHER;
	}
	if (is_tcp(sk))
		emit_listen(sk, call_fd(sk), backlog, ret);
	return 0;
}

GUARDED_RETURN(x_socket, __sys_socket, THREAD, DID_SOCKET, socket_return(RETURNED(ctx, 3)),
	       int family, int type, int protocol)

GUARDED_RETURN(x_create4, inet_create, THREAD, DID_CREATE, create_return(socket, kern, RETURNED(ctx, 4)),
	       const void *net, const struct socket *socket, int protocol, int kern)

GUARDED_RETURN(x_create6, inet6_create, THREAD, DID_CREATE, create_return(socket, kern, RETURNED(ctx, 4)),
	       const void *net, const struct socket *socket, int protocol, int kern)

GUARDED_RETURN(x_bind4, __inet_bind, THREAD, DID_BIND, bind_return(sk, copied((__u64)uaddr, len), RETURNED(ctx, 4)),
	       const struct sock *sk, const void *uaddr, int len)

GUARDED_RETURN(x_bind6, __inet6_bind, THREAD, DID_BIND, bind_return(sk, copied((__u64)uaddr, len), RETURNED(ctx, 4)),
	       const struct sock *sk, const void *uaddr, int len)

/* 6.11 bb6aaf736680 */
GUARDED_ENTRY(f_asked, __sys_listen_socket, THREAD, DID_ASKED, listen_asked(called_sock(socket), backlog),
	      const struct socket *socket, int backlog)

GUARDED_ENTRY(f_asked_old, __sys_listen, THREAD, DID_ASKED, listen_asked(fd_sock(fd), backlog), int fd, int backlog)

/* 6.6 and later; MPTCP does not come by inet_listen() any more */
GUARDED_RETURN(x_listen, __inet_listen_sk, THREAD, DID_LISTEN, listen_return(sk, backlog, RETURNED(ctx, 2)),
	       const struct sock *sk, int backlog)

GUARDED_RETURN(x_listen_old, inet_listen, THREAD, DID_LISTEN,
	       listen_return(READ(TYPED_PTR(socket), sk), backlog, RETURNED(ctx, 2)),
	       const struct socket *socket, int backlog)

/* kprobes: what a return has no arguments to say */
static __always_inline int note_call(__u32 kind, __u64 sk, __u64 more, int arg)
{
	CALL_ENTER(.kind = kind, .sk = sk, .uaddr = more, .fd = -1, .arg = arg);
	return 0;
}

static __always_inline bool noted_call(__u32 kind, struct call *out)
{
	return call_return(out) && out->kind == kind;
}

static __always_inline int noted_create(int ret)
{
	struct call c;

	return noted_call(CALL_SOCKET, &c) ? create_return((const void *)c.sk, c.arg, ret) : 0;
}

static __always_inline int noted_bind(int ret)
{
	struct call c;

	return noted_call(CALL_BIND, &c) ? bind_return((const void *)c.sk, copied(c.uaddr, c.arg), ret) : 0;
}

SEC("?kretprobe/__sys_socket")
int BPF_KRETPROBE(r_socket, int fd)
{
	return socket_return(fd);
}

#define CREATE_PROBES(v, function)								\
SEC("?kprobe/" #function)									\
int BPF_KPROBE(k_create##v, const void *net, const struct socket *socket, int protocol, int kern) \
{												\
	return note_call(CALL_SOCKET, (__u64)socket, 0, kern);					\
}												\
SEC("?kretprobe/" #function)									\
int BPF_KRETPROBE(r_create##v, int ret)								\
{												\
	return noted_create(ret);								\
}

CREATE_PROBES(4, inet_create)
CREATE_PROBES(6, inet6_create)

#define BIND_PROBES(v, function)								\
SEC("?kprobe/" #function)									\
int BPF_KPROBE(k_bind##v, const struct sock *sk, const void *uaddr, int len)			\
{												\
	return note_call(CALL_BIND, (__u64)sk, (__u64)uaddr, len);				\
}												\
SEC("?kretprobe/" #function)									\
int BPF_KRETPROBE(r_bind##v, int ret)								\
{												\
	return noted_bind(ret);									\
}

BIND_PROBES(4, __inet_bind)
BIND_PROBES(6, __inet6_bind)

static __always_inline int note_listen(const struct sock *sk, int backlog)
{
	struct call *call = call_now();

	if (call && call->kind == CALL_LISTEN && (!call->sk || call->sk == (__u64)sk))
		backlog = call->arg;
	return note_call(CALL_LISTEN, (__u64)sk, 0, backlog);
}

static __always_inline int noted_listen(int ret)
{
	struct call c;

	return noted_call(CALL_LISTEN, &c) ? listen_return((const void *)c.sk, c.arg, ret) : 0;
}

SEC("?kprobe/__sys_listen_socket")
int BPF_KPROBE(k_asked, const struct socket *socket, int backlog)
{
	return listen_asked(called_sock(socket), backlog);
}

SEC("?kprobe/__sys_listen")
int BPF_KPROBE(k_asked_old, int fd, int backlog)
{
	return listen_asked(fd_sock(fd), backlog);
}

SEC("?kprobe/__inet_listen_sk")
int BPF_KPROBE(k_listen, const struct sock *sk, int backlog)
{
	return note_listen(sk, backlog);
}

SEC("?kretprobe/__inet_listen_sk")
int BPF_KRETPROBE(r_listen, int ret)
{
	return noted_listen(ret);
}

SEC("?kprobe/inet_listen")
int BPF_KPROBE(k_listen_old, const struct socket *socket, int backlog)
{
	return note_listen(READ(TYPED_PTR(socket), sk), backlog);
}

SEC("?kretprobe/inet_listen")
int BPF_KRETPROBE(r_listen_old, int ret)
{
	return noted_listen(ret);
}

/* ---- shutdown, close ----------------------------------------------------------------------------- */

static __always_inline int shutdown_hook(const struct sock *sk, int fd, int how)
{
	struct tcptrace_record *r;

	if (!wanted_call(sk))
		return 0;
	r = reserve(TCPTRACE_SHUTDOWN);
	if (!r)
		return 0;
	set_sock(r, sk);
	set_caller(r, sk, fd);
	r->new = how;
	submit(r);
	return 0;
}

static __always_inline int shutdown_enter(const struct socket *socket, int how)
{
	const struct sock *sk = called_sock(socket);

	return sk ? shutdown_hook(sk, call_fd(sk), how) : 0;
}

GUARDED_AT_ENTRY(shutdown, inet_shutdown, THREAD, DID_SHUTDOWN, shutdown_enter(socket, how),
		 const struct socket *socket, int how)

static __always_inline void emit_close(const struct sock *sk, int fd, __u64 now)
{
	struct tcptrace_record *r = reserve_at(TCPTRACE_CLOSE, now);

	if (!r)
		return;
	set_sock(r, sk);
	if (caller_number() >> 32 != cfg.tracer)	/* iter/task_file kept it: who closed it before is not seen */
		set_caller(r, sk, fd);
	submit(r);
}

static __always_inline int close_hook(const struct sock *sk, int fd)
{
	if (!sk)
		return 0;
	sk = TYPED_PTR(sk);
	if (wanted(sk))
		emit_close(sk, fd, bpf_ktime_get_ns());
	return 0;
}

/* The last reference is gone. Without a sock: the socket that a failed accept() had made. */
GUARDED_AT_ENTRY(release, inet_release, THREAD, DID_CLOSE, close_hook(called_sock(socket), -1),
		 const struct socket *socket)
