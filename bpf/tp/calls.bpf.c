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

/* ---- socket, bind, listen ---- */

static __always_inline int on_exit_socket(const struct syscall_trace_exit *ctx)
{
	return socket_return(ctx->ret);
}

static __always_inline int on_enter_bind(const struct syscall_trace_enter *ctx)
{
	struct sock *sk = fd_sock(ctx->args[0]);

	if (sk)
		CALL_ENTER(.kind = CALL_BIND, .sk = (__u64)sk, .fd = ctx->args[0], .uaddr = ctx->args[1],
			   .arg = ctx->args[2]);
	return 0;
}

static __always_inline int on_exit_bind(const struct syscall_trace_exit *ctx)
{
	struct call call;

	if (noted_call(CALL_BIND, &call))
		emit_bind(TYPED_PTR((const struct sock *)call.sk), call.fd,
			  (struct given){ call.uaddr, call.arg, true }, ctx->ret);
	return 0;
}

static __always_inline int on_enter_listen(const struct syscall_trace_enter *ctx)
{
	struct sock *sk = fd_sock(ctx->args[0]);

	if (sk)
		CALL_ENTER(.kind = CALL_LISTEN, .sk = (__u64)sk, .fd = ctx->args[0], .arg = ctx->args[1]);
	return 0;
}

static __always_inline int on_exit_listen(const struct syscall_trace_exit *ctx)
{
	struct sock *sk;
	struct call call;

	if (!noted_call(CALL_LISTEN, &call))
		return 0;
	sk = TYPED_PTR((struct sock *)call.sk);
	if (cfg.tp_groups && sk_state(sk) == TCP_LISTEN)	/* it may have chosen its port after the transition */
		group_join(sk);
	emit_listen(sk, call.fd, call.arg, ctx->ret);
	return 0;
}

SYS_EXIT(socket)
SYS_ENTER(bind)
SYS_EXIT(bind)
SYS_ENTER(listen)
SYS_EXIT(listen)

/* ---- connect ---- */

static __always_inline int on_enter_connect(const struct syscall_trace_enter *ctx)
{
	struct given given = { ctx->args[1], ctx->args[2], true };
	struct sock *sk = fd_sock(ctx->args[0]);
	__u8 addr[16];
	__u16 port;
	__u64 now;

	if (!sk)
		return 0;
	now = bpf_ktime_get_ns();
	CALL_ENTER(.kind = CALL_CONNECT, .t_ns = call_began(CALL_CONNECT, ctx->args[0], sk), .sk = (__u64)sk,
		   .uaddr = given.at, .fd = ctx->args[0], .arg = given.len);
	/* a second connect() of a socket on its way only asks how it goes */
	if (!cfg.tp_connect || sk_state(sk) != TCP_CLOSE || !read_addr(given, addr, &port))
		return 0;
	if (wanted_connect(sk, port))
		emit_connect(sk, addr, port, ctx->args[0], now);
	return 0;
}

/* Not seen to begin: before us, or it only asks how an earlier one goes. */
static __always_inline bool connect_now(struct call *call)
{
	if (!HAS_REGS)
		return false;
	call->t_ns = 0;
	call->fd = call_arg0(call_regs());
	call->sk = (__u64)fd_sock(call->fd);
	return call->sk;
}

/* A note that sendto() or io_uring has left is no call's that returns here. */
static __always_inline bool noted_connect(struct call *call)
{
	return noted_call(CALL_CONNECT, call) && call->fd >= 0 && (!HAS_REGS || call->fd == call_arg0(call_regs()));
}

static __always_inline int on_exit_connect(const struct syscall_trace_exit *ctx)
{
	struct call call = {};

	if (call_interrupted(CALL_CONNECT, ctx->ret))
		return 0;
	if (!noted_connect(&call) && !connect_now(&call))
		return 0;
	if (HAS_REGS) {
		call.uaddr = call_arg1(call_regs());
		call.arg = call_arg2(call_regs());
	}
	if (call.sk)
		emit_connect_return(TYPED_PTR((const struct sock *)call.sk), call.fd, call.t_ns, ctx->ret,
				    (struct given){ call.uaddr, call.arg, true });
	return 0;
}

SYS_ENTER(connect)
SYS_EXIT(connect)

/* ---- accept ---- */

/* and accept: user/source/bpf/load.c */
static __always_inline int on_enter_accept4(const struct syscall_trace_enter *ctx)
{
	struct sock *sk = fd_sock(ctx->args[0]);

	if (sk)
		CALL_ENTER(.kind = CALL_ACCEPT, .t_ns = call_began(CALL_ACCEPT, ctx->args[0], sk), .sk = (__u64)sk,
			   .listener = (__u64)sk, .fd = ctx->args[0]);
	return 0;
}

/*
 * The listening descriptor of a return whose entry we did not see. 5.15 and later, else NULL. It may have become another
 * socket's meanwhile.
 */
static __always_inline const struct sock *returning_listener(long ret)
{
	const struct sock *sk = HAS_REGS ? fd_sock(call_arg0(call_regs())) : NULL;

	return sk && (ret < 0 || sk_state(sk) == TCP_LISTEN) ? sk : NULL;
}

static __always_inline int on_exit_accept4(const struct syscall_trace_exit *ctx)
{
	const struct sock *child, *listener;
	struct call call = {};
	long ret = ctx->ret;
	__u64 began;

	if (call_interrupted(CALL_ACCEPT, ret))
		return 0;
	began = noted_call(CALL_ACCEPT, &call) ? call.t_ns : 0;
	if (ret < 0 && !accept_failed(ret))
		return 0;
	listener = began && call.listener ? TYPED_PTR((const struct sock *)call.listener) : returning_listener(ret);
	if (ret < 0)
		return accept_error(listener, began, ret);
	child = fd_sock(ret);
	if (child)
		emit_accept(child, listener, ret, began);
	return 0;
}

SYS_ENTER(accept4)
SYS_EXIT(accept4)

/* ---- shutdown, close ---- */

static __always_inline int on_enter_shutdown(const struct syscall_trace_enter *ctx)
{
	struct sock *sk = fd_sock(ctx->args[0]);

	if (!sk)
		return 0;
	if (cfg.tp_close)		/* see tp_closes() */
		CALL_ENTER(.kind = CALL_OTHER, .sk = (__u64)sk, .fd = ctx->args[0]);
	return shutdown_hook(sk, ctx->args[0], ctx->args[1]);
}

static __always_inline int on_exit_shutdown(const struct syscall_trace_exit *ctx)
{
	struct call call;

	call_return(&call);
	return 0;
}

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

/* Where close() makes a transition, tp_state sees it; this is for the sockets that it leaves as they are. */
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

SYS_ENTER(shutdown)
SYS_EXIT(shutdown)
SYS_ENTER(close)
