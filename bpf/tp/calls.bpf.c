// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls by system-call tracepoints: they know the descriptor and the result, have no limit on sleeping threads,
 * and see the return of one that already slept in accept() at our start. Each costs every system call
 * of the machine 95 instructions, both sides 153 (6.12).
 */
#include "groups.bpf.h"

/* A program at a system call, known by its caller, and its second: recursion.bpf.h. */
#define SYSCALL(side, call)									\
SEC("?tp/syscalls/sys_" #side "_" #call)							\
int sys_##side##_##call(struct syscall_trace_##side *ctx)					\
{												\
	on_##side##_##call(ctx);								\
	if (cfg.retries)									\
		did(bpf_get_current_pid_tgid(), DID_SYSCALL);					\
	return 0;										\
}												\
SEC("?tp/syscalls/sys_" #side "_" #call)							\
int sys_##side##_##call##_retry(struct syscall_trace_##side *ctx)				\
{												\
	return was_done(bpf_get_current_pid_tgid(), DID_SYSCALL) ? 0 : on_##side##_##call(ctx);	\
}
#define SYS_ENTER(call)	SYSCALL(enter, call)
#define SYS_EXIT(call)	SYSCALL(exit, call)

/* ---- socket ---- */

static __always_inline int on_exit_socket(const struct syscall_trace_exit *ctx)
{
	struct tcptrace_record *r;
	struct sock *sk;

	if (ctx->ret < 0)
		return 0;
	sk = fd_sock(ctx->ret);
	if (!sk || !wanted_call(sk))
		return 0;
	r = reserve(TCPTRACE_SOCKET);
	if (!r)
		return 0;
	set_sock(r, sk);
	set_actor(r, ctx->ret);
	r->ret = ctx->ret;
	submit(r);
	return 0;
}

SYS_EXIT(socket)

/* ---- bind ---- */

static __always_inline int on_enter_bind(const struct syscall_trace_enter *ctx)
{
	struct sock *sk = fd_sock(ctx->args[0]);

	if (sk)
		call_enter(sk, ctx->args[0], ctx->args[1], 0, bpf_ktime_get_ns());
	return 0;
}

SYS_ENTER(bind)

/* The address asked for, into the given half of the tuple. False: neither IPv4 nor IPv6. */
static __always_inline bool user_addr(__u64 uaddr, __u8 *addr, __u16 *port)
{
	struct sockaddr_in6 sa = {};
	struct sockaddr_in *sin = (void *)&sa;

	bpf_probe_read_user(&sa, sizeof(*sin), (void *)uaddr);
	if (sa.sin6_family == AF_INET6)
		bpf_probe_read_user(&sa, sizeof(sa), (void *)uaddr);
	*port = bpf_ntohs(sa.sin6_port);
	if (sa.sin6_family == AF_INET6)
		__builtin_memcpy(addr, &sa.sin6_addr, 16);
	else
		map_v4(addr, sin->sin_addr);
	return sa.sin6_family == AF_INET || sa.sin6_family == AF_INET6;
}

static __always_inline int on_exit_bind(const struct syscall_trace_exit *ctx)
{
	struct tcptrace_record *r;
	struct call call;
	struct sock *sk;

	if (!call_return(&call))
		return 0;
	sk = TYPED_PTR((struct sock *)call.sk);
	if (!wanted_call(sk))
		return 0;
	r = reserve(TCPTRACE_BIND);
	if (!r)
		return 0;
	set_sock(r, sk);
	set_actor(r, call.fd);
	r->ret = ctx->ret;
	if (r->ret < 0)		/* nothing was bound: say what was asked for */
		user_addr(call.uaddr, r->laddr, &r->lport);
	submit(r);
	return 0;
}

SYS_EXIT(bind)

/* ---- listen ---- */

static __always_inline int on_enter_listen(const struct syscall_trace_enter *ctx)
{
	struct sock *sk = fd_sock(ctx->args[0]);

	if (sk)
		call_enter(sk, ctx->args[0], 0, ctx->args[1], bpf_ktime_get_ns());
	return 0;
}

SYS_ENTER(listen)

static __always_inline int on_exit_listen(const struct syscall_trace_exit *ctx)
{
	struct tcptrace_record *r;
	struct sock *sk;
	struct call call;

	if (!call_return(&call))
		return 0;
	sk = TYPED_PTR((struct sock *)call.sk);
	if (cfg.tp_groups && sk_state(sk) == TCP_LISTEN)
		group_join(sk);
	if (!wanted_call(sk))
		return 0;
	r = reserve(TCPTRACE_LISTEN);
	if (!r)
		return 0;
	set_sock(r, sk);
	set_queues(r, sk);
	set_actor(r, call.fd);
	r->backlog = call.arg;
	r->somaxconn = READ(sk, __sk_common.skc_net.net, core.sysctl_somaxconn);
	r->ret = ctx->ret;
	submit(r);
	return 0;
}

SYS_EXIT(listen)

/* ---- connect ---- */

static __always_inline int on_enter_connect(const struct syscall_trace_enter *ctx)
{
	struct sock *sk = fd_sock(ctx->args[0]);
	__u8 addr[16];
	__u16 port;
	__u64 now;

	if (!sk)
		return 0;
	now = bpf_ktime_get_ns();
	call_enter(sk, ctx->args[0], ctx->args[1], 0, now);
	/* a second connect() of a socket on its way only asks how it goes */
	if (!cfg.tp_connect || sk_state(sk) != TCP_CLOSE || !user_addr(ctx->args[1], addr, &port))
		return 0;
	if (wanted_connect(sk, port))
		emit_connect(sk, addr, port, ctx->args[0], now);
	return 0;
}

SYS_ENTER(connect)

/* Not seen to begin: before us, or it only asks how an earlier one goes. */
static __always_inline bool connect_now(struct call *call)
{
	if (!HAS_REGS)
		return false;
	call->fd = call_arg0(call_regs());
	call->sk = (__u64)fd_sock(call->fd);
	return call->sk;
}

static __always_inline int on_exit_connect(const struct syscall_trace_exit *ctx)
{
	struct tcptrace_record *r;
	struct call call = {};
	struct sock *sk;

	if (!call_return(&call) && !connect_now(&call))
		return 0;
	sk = TYPED_PTR((struct sock *)call.sk);
	if (!wanted_call(sk))
		return 0;
	r = reserve(TCPTRACE_CONNECT_RETURN);
	if (!r)
		return 0;
	set_sock(r, sk);
	set_actor(r, call.fd);
	r->ret = ctx->ret;
	r->call_ns = call.t_ns ? r->t_ns - call.t_ns : 0;
	submit(r);
	return 0;
}

SYS_EXIT(connect)

/* ---- accept ---- */

/* and accept: user/source/load.c */
static __always_inline int on_enter_accept4(const struct syscall_trace_enter *ctx)
{
	struct sock *sk = fd_sock(ctx->args[0]);

	if (sk)
		call_enter(sk, ctx->args[0], 0, 0, bpf_ktime_get_ns());
	return 0;
}

SYS_ENTER(accept4)

/* The listening descriptor of a return whose entry we did not see. 5.15 and later, else NULL. */
static __always_inline struct sock *returning_listener(void)
{
	return HAS_REGS ? fd_sock(call_arg0(call_regs())) : NULL;
}

static __always_inline int accept_error(const struct sock *listener, __u64 began, int ret)
{
	struct tcptrace_record *r;

	/* nothing there is no failure; a restarted call is not over (ERESTART* are 512 to 516) */
	if (!listener || ret == -EAGAIN || ret <= -512 || !wanted_call(listener))
		return 0;
	r = reserve(TCPTRACE_ACCEPT);
	if (!r)
		return 0;
	set_sock(r, listener);
	set_queues(r, listener);
	r->sk = 0;
	set_actor(r, -1);
	r->call_ns = began ? r->t_ns - began : 0;
	r->ret = ret;
	submit(r);
	return 0;
}

static __always_inline int on_exit_accept4(const struct syscall_trace_exit *ctx)
{
	const struct sock *child, *listener;
	struct tcptrace_record *r;
	struct call call = {};
	long ret = ctx->ret;

	call_return(&call);
	listener = call.sk ? TYPED_PTR((const struct sock *)call.sk) : returning_listener();
	if (ret < 0)
		return accept_error(listener, call.t_ns, ret);
	child = fd_sock(ret);
	if (!child || !wanted_call(child))
		return 0;
	r = reserve(TCPTRACE_ACCEPT);
	if (!r)
		return 0;
	set_sock(r, child);
	if (listener)
		set_queues(r, listener);
	set_actor(r, ret);
	r->call_ns = call.t_ns ? r->t_ns - call.t_ns : 0;
	r->ret = ret;
	submit(r);
	return 0;
}

SYS_EXIT(accept4)

/* ---- shutdown ---- */

static __always_inline int on_enter_shutdown(const struct syscall_trace_enter *ctx)
{
	struct sock *sk = fd_sock(ctx->args[0]);
	struct tcptrace_record *r;

	if (!sk)
		return 0;
	if (cfg.tp_close)
		call_enter(sk, ctx->args[0], 0, 0, 0);	/* see tp_closes() */
	if (!wanted_call(sk))
		return 0;
	r = reserve(TCPTRACE_SHUTDOWN);
	if (!r)
		return 0;
	set_sock(r, sk);
	set_actor(r, ctx->args[0]);
	r->new = ctx->args[1];
	submit(r);
	return 0;
}

SYS_ENTER(shutdown)

static __always_inline int on_exit_shutdown(const struct syscall_trace_exit *ctx)
{
	struct call call;

	call_return(&call);
	return 0;
}

SYS_EXIT(shutdown)

/* ---- close ---- */

static __always_inline bool last_reference(const struct file *file)
{
	if (bpf_core_field_exists(struct file___ref, f_ref)) {
		const struct file___ref *ref = (const void *)file;

		return !READ(ref, f_ref.refcnt.counter);
	} else {
		const struct file___count *count = (const void *)file;

		return READ(count, f_count.counter) == 1;
	}
}

/* Where close() makes a transition, tp_state tells; here are the sockets that it leaves as they are. */
static __always_inline int on_enter_close(const struct syscall_trace_enter *ctx)
{
	struct file *file = fd_file(ctx->args[0]);
	struct sock *sk = file_sock(file);
	__u8 state;

	if (!sk || !last_reference(file))
		return 0;
	state = sk_state(sk);
	if (state != TCP_CLOSE && state != TCP_FIN_WAIT1 && state != TCP_FIN_WAIT2 &&
	    state != TCP_CLOSING && state != TCP_LAST_ACK)
		return 0;
	return close_hook(sk, ctx->args[0]);
}

SYS_ENTER(close)
