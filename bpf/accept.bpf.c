// SPDX-License-Identifier: GPL-2.0-only
/*
 * accept(), the call that waits, and what it takes out of the queue; and a signal that interrupts it or connect().
 * Its twin is kmod/accept.c.
 */
#include "attach.bpf.h"
#include "call.bpf.h"
#include "filter.bpf.h"
#include "recursion.bpf.h"
#include "ring.bpf.h"

enum { KERNEL = -2 };

/* fd: -1 where the caller has none, KERNEL where the kernel itself took it */
static __always_inline void emit_accept(const struct sock *child, const struct sock *listener, int fd, __u64 began)
{
	struct tcptrace_record *r;

	if (!wanted_child(child, listener) || !ASKED(ACCEPT) || cfg.only_failed)
		return;
	r = reserve(TCPTRACE_ACCEPT);
	if (!r)
		return;
	set_sock(r, child);
	if (listener)
		set_queues(r, listener);
	if (fd == KERNEL)
		set_kernel(r);
	else
		set_actor(r, fd);
	r->call_ns = began ? r->t_ns - began : 0;
	r->ret = fd < 0 ? 0 : fd;
	submit(r);
}

static __always_inline int accept_error(const struct sock *listener, __u64 began, int ret)
{
	struct tcptrace_record *r;

	if (!ASKED(ACCEPT) || !listener || !wanted_call(listener))
		return 0;
	r = reserve(TCPTRACE_ACCEPT);
	if (!r)
		return 0;
	set_sock(r, listener);
	r->sk = 0;
	r->listener = (__u64)listener;
	if (sk_state(listener) == TCP_LISTEN)	/* or no more, or it never did */
		set_queues(r, listener);
	set_actor(r, -1);
	r->call_ns = began ? r->t_ns - began : 0;
	r->ret = ret;
	submit(r);
	return 0;
}

/* An empty queue is no failure, nor is a call that will begin again (ERESTARTSYS). */
static __always_inline bool accept_failed(int ret)
{
	return ret < 0 && ret > -512 && ret != -EAGAIN;
}

/*
 * accept() as a system call, 32-bit ones too. take_hook() notes which connection it takes. A thread that was in accept()
 * before we attached has no note: take_hook() has written its record.
 */
static __always_inline int accept_enter(int fd)
{
	const struct sock *listener = fd_sock(fd);

	CALL_ENTER(.kind = CALL_ACCEPT, .t_ns = call_began(CALL_ACCEPT, fd, listener), .listener = (__u64)listener,
		   .fd = fd);
	return 0;
}

/* As noted at the entry, if it was: another thread may have made the descriptor another socket's meanwhile. */
static __always_inline const struct sock *called_listener(const struct call *noted, int fd)
{
	return TYPED_PTR(noted ? (const struct sock *)noted->listener : fd_sock(fd));
}

static __always_inline int accept_return(int fd, int ret)
{
	struct call call = {};
	bool noted;

	if (call_interrupted(CALL_ACCEPT, ret) || (cfg.only_failed && !cfg.by_pid && !accept_failed(ret)))
		return 0;
	noted = call_return(&call) && call.kind == CALL_ACCEPT;
	if (accept_failed(ret))
		return accept_error(called_listener(noted ? &call : NULL, fd), noted ? call.t_ns : 0, ret);
	if (ret >= 0 && noted && call.sk)
		emit_accept(TYPED_PTR((const struct sock *)call.sk), TYPED_PTR((const struct sock *)call.listener),
			    ret, call.t_ns);
	return 0;
}

/*
 * The return is attached first: whoever enters in between returns without a note. Threads that sleep while another
 * tracer attaches to this function (or detaches) are not seen to return, before 7.x: the half of the trampoline
 * that they are in is switched off.
 */
GUARDED_RETURN(x_accept, __sys_accept4, THREAD, DID_ACCEPT_RETURN, accept_return(fd, RETURNED(ctx, 4)),
	       int fd, void *uaddr, void *len, int flags)

GUARDED_AT_ENTRY(accept, __sys_accept4, THREAD, DID_ACCEPT, accept_enter(fd), int fd)

/* For at most 10 threads, or twice the CPUs, as r_connect. */
SEC("?kretprobe/__sys_accept4")
int BPF_KRETPROBE(r_accept, int ret)
{
	const struct call *call = call_now();

	return call && call->kind == CALL_ACCEPT ? accept_return(call->fd, ret) : 0;
}

/*
 * Will the return of accept() write the record of this connection? Not if io_uring or the kernel called, nor for a
 * thread that has slept since before us.
 */
static __always_inline bool accept_returns(const struct sock *child, const struct sock *listener)
{
	struct call *call;

	if (!cfg.accept_notes)		/* by the tracepoint; before 5.15 the others cannot be told from system calls */
		return !HAS_REGS || in_accept(call_regs());
	call = call_now();
	if (!call || call->kind != CALL_ACCEPT)
		return false;
	call->sk = (__u64)child;
	call->listener = (__u64)listener;
	return true;
}

/* Who takes it the record of accept() says, if that is asked for. */
static __always_inline void emit_taken(const struct sock *child, const struct sock *listener)
{
	__u8 cause = sk_state(child) == TCP_CLOSE ? TCPTRACE_ACCEPTQ_RESET : TCPTRACE_ACCEPTQ_ACCEPTED;
	struct tcptrace_record *r = reserve_child(TCPTRACE_ACCEPTQ_DEL, child, listener, cause);

	if (!r)
		return;
	if (!ASKED(ACCEPT) || cfg.only_failed)
		set_actor(r, -1);
	submit(r);
}

/*
 * accept() has taken a connection, whoever called it. listener NULL: not known. socket: the connection's; a program's
 * has a file by now.
 */
static __always_inline int take_hook(const struct sock *listener, const struct sock *child, const struct socket *socket)
{
	if (!child)
		return 0;
	child = TYPED_PTR(child);
	listener = TYPED_PTR(listener);
	if (cfg.by_pid && ((listener && sock_traced(listener)) || pid_wanted()))
		trace_sock(child, TRACED_PID);
	if (ASKED(ACCEPTQ_DEL) && (!cfg.filtered || (listener && wanted_of(listener, (const void *)child)) || wanted(child)))
		emit_taken(child, listener);
	if (ASKED(ACCEPT) && !accept_returns(child, listener))
		emit_accept(child, listener, READ(TYPED_PTR(socket), file) ? -1 : KERNEL, 0);
	return 0;
}

/* 6.1 and later */
GUARDED_AT_ENTRY(take, __inet_accept, THREAD, DID_TAKE,
		 take_hook(tcp_side(READ(TYPED_PTR(socket), sk)), tcp_side(TYPED_PTR(child)), newsock),
		 const struct socket *socket, const struct socket *newsock, struct sock *child)

/*
 * Before: accept() of all families passes here, with the connection alone; the caller's descriptor says which listener.
 * A child that was reset while it waited is bound to no port any more, but knows which one it was.
 */
static __always_inline const struct sock *accepting(const struct sock *child)
{
	const struct call *call = call_now();
	const struct sock *listener = called_listener(call && call->kind == CALL_ACCEPT ? call : NULL,
						      call_arg0(call_regs()));

	return listener && sk_state(listener) == TCP_LISTEN &&
	       READ(listener, __sk_common.skc_num) == sk_sport(child) ? listener : NULL;
}

static __always_inline int graft_hook(struct sock *sk, const struct socket *socket)
{
	const struct sock *child = tcp_side(TYPED_PTR(sk));

	return child ? take_hook(accepting(child), child, socket) : 0;
}

GUARDED_AT_ENTRY(graft, security_sock_graft, THREAD, DID_TAKE, graft_hook(sk, socket),
		 struct sock *sk, const struct socket *socket)

/* A signal is delivered: to a handler, or for its default action. */
static __always_inline int signal_hook(const struct k_sigaction *ka)
{
	struct call *call = call_now();
	const struct sock *sk;
	bool restarts;

	if (!call || call->interrupted != UNDECIDED || (__u64)READ(TYPED_PTR(ka), sa.sa_handler) <= 1)	/* SIG_DFL, SIG_IGN */
		return 0;
	restarts = READ(TYPED_PTR(ka), sa.sa_flags) & SA_RESTART;
	call->interrupted = restarts ? RESTARTS : NOT_INTERRUPTED;
	sk = TYPED_PTR(fd_sock(call->fd));
	if (restarts || !sk || (__u64)sk != called_on(call))	/* NULL, or another one: closed meanwhile, and may be gone */
		return 0;
	if (call->kind == CALL_ACCEPT)
		accept_error(sk, call->t_ns, -EINTR);
	else
		emit_connect_return(sk, call->fd, call->t_ns, -EINTR, (struct given){});
	return 0;
}

SEC("?raw_tp/signal_deliver")
int BPF_PROG(tp_signal, int sig, const void *info, const struct k_sigaction *ka)
{
	return signal_hook(ka);
}
