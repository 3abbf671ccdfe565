// SPDX-License-Identifier: GPL-2.0-only
/*
 * What programs ask for: socket, bind, listen, shutdown and close here, connect
 * in connect.c, accept in accept.c. Its twin is bpf/calls.bpf.c.
 *
 * The return of a system call is seen at the tracepoint sys_exit: it knows the
 * descriptor and the result, has no limit on sleeping threads, and sees one
 * that already slept in accept() when we came. It costs every system call of
 * the machine its fast way out, as BPF on a syscall tracepoint does, therefore
 * only while an event of a call is enabled. The arguments are still in the
 * caller's registers there; only the time at which connect() and accept() began
 * has to be remembered.
 */
#include <linux/build_bug.h>
#include <linux/net.h>
#include <asm/syscall.h>
#include <trace/events/signal.h>
#include <trace/events/syscalls.h>

#include "call.h"
#include "hooks.h"
#include "read.h"

/* ---- socket, bind, listen ---- */

static void socket_return(const struct sock *sk, int fd)
{
	struct tcptrace_record r;

	if (!wanted(sk) || !reserve(&r, TCPTRACE_SOCKET))
		return;
	set_sock(&r, sk);
	set_actor(&r, fd);
	r.ret = fd;
	submit(&r);
}

static void bind_return(const struct sock *sk, const unsigned long *args,
			int ret)
{
	struct tcptrace_record r;

	if (!wanted(sk) || !reserve(&r, TCPTRACE_BIND))
		return;
	set_sock(&r, sk);
	set_actor(&r, args[0]);
	r.ret = ret;
	if (ret < 0)	/* nothing was bound: say what was asked for */
		user_addr(args, r.laddr, &r.lport);
	submit(&r);
}

static void listen_return(const struct sock *sk, const unsigned long *args,
			  int ret)
{
	struct tcptrace_record r;

	if (!wanted(sk) || !reserve(&r, TCPTRACE_LISTEN))
		return;
	set_sock(&r, sk);
	set_queues(&r, sk);
	set_actor(&r, args[0]);
	set_device(&r, sk);
	r.backlog = args[1];
	r.somaxconn = READ_ONCE(sock_net(sk)->core.sysctl_somaxconn);
	r.ret = ret;
	submit(&r);
}

/* ---- shutdown, close ---- */

static void shutdown_enter(const struct sock *sk, const unsigned long *args)
{
	struct tcptrace_record r;

	if (!wanted(sk) || !reserve(&r, TCPTRACE_SHUTDOWN))
		return;
	set_sock(&r, sk);
	set_actor(&r, args[0]);
	r.new = args[1];
	submit(&r);
}

static int k_close(struct kprobe *p, struct pt_regs *regs)
{
	const struct sock *sk = ARG(regs, 0);
	struct tcptrace_record r;

	if (!is_tcp(sk) || !wanted(sk) || !reserve(&r, TCPTRACE_CLOSE))
		return 0;
	set_sock(&r, sk);
	if (of_kernel(sk))
		set_kernel(&r);
	else
		set_actor(&r, -1);
	submit(&r);
	return 0;
}

/* ---- system calls ---- */

/* Of few of them the return is a step. */
static bool is_ours(long nr)
{
	switch (nr) {
	case __NR_socket: case __NR_bind: case __NR_listen: case __NR_connect:
	case __NR_accept: case __NR_accept4:
		return true;
	}
	return false;
}

static void sys_enter(void *data, struct pt_regs *regs, long nr)
{
	unsigned long args[6];
	struct socket *sock;

	if ((nr != __NR_connect && nr != __NR_shutdown) || in_compat_syscall())
		return;
	syscall_get_arguments(current, regs, args);
	sock = fd_socket(args[0]);
	if (!sock)
		return;
	if (nr == __NR_connect)
		call_enter(sock->sk, args[0]);
	else
		shutdown_enter(sock->sk, args);
	sockfd_put(sock);
}

static void call_returns(long nr, const struct sock *sk,
			 const unsigned long *args, long ret)
{
	switch (nr) {
	case __NR_socket:
		socket_return(sk, ret);
		break;
	case __NR_bind:
		bind_return(sk, args, ret);
		break;
	case __NR_listen:
		listen_return(sk, args, ret);
		break;
	case __NR_connect:
		connect_return(sk, args, ret);
		break;
	case __NR_accept:
	case __NR_accept4:
		accept_return(sk, ret);
		break;
	}
}

static void sys_exit(void *data, struct pt_regs *regs, long ret)
{
	long nr = syscall_get_nr(current, regs);
	unsigned long args[6];
	struct socket *sock;

	if (!is_ours(nr) || in_compat_syscall())
		return;
	syscall_get_arguments(current, regs, args);
	sock = fd_socket(nr == __NR_socket ? ret : (long)args[0]);
	if (sock) {
		call_returns(nr, sock->sk, args, ret);
		sockfd_put(sock);
	} else if ((nr == __NR_accept || nr == __NR_accept4) && ret >= 0) {
		accept_return(NULL, ret);	/* closed by another thread */
	}
}

/* A signal is delivered: to a handler, or for its default action. */
static void signal_deliver(void *data, int sig, struct kernel_siginfo *info,
			   struct k_sigaction *ka)
{
	struct call *call = call_find();
	struct socket *sock;
	unsigned long args[6];

	if (!call || call->interrupted != UNDECIDED ||
	    ka->sa.sa_handler == SIG_DFL || ka->sa.sa_handler == SIG_IGN)
		return;
	call->interrupted = ka->sa.sa_flags & SA_RESTART ? RESTARTS :
							   NOT_INTERRUPTED;
	if (call->interrupted == RESTARTS)
		return;
	syscall_get_arguments(current, task_pt_regs(current), args);
	sock = fd_socket(args[0]);
	if (sock && sock->sk == call->sk && call->fd < 0)
		accept_error(sock->sk, call->t_ns, -EINTR);
	else if (sock && sock->sk == call->sk)
		connect_return(sock->sk, args, -EINTR);
	if (sock)
		sockfd_put(sock);
}

static void __maybe_unused check_types(void)
{
	check_trace_callback_type_signal_deliver(signal_deliver);
	check_trace_callback_type_sys_enter(sys_enter);
	check_trace_callback_type_sys_exit(sys_exit);
	BUILD_BUG_ON(!__same_type(tcp_close, void (struct sock *, long)));
}

#define RETURNS		(ON(SOCKET) | ON(BIND) | ON(LISTEN) | ON(ACCEPT) | \
			 ON(CONNECT_RETURN))

struct hook calls_hooks[] = {
	TRACEPOINT(sys_enter, sys_enter,
		   ON(CONNECT) | ON(CONNECT_RETURN) | ON(SHUTDOWN)),
	TRACEPOINT(sys_exit, sys_exit, RETURNS),
	TRACEPOINT(signal_deliver, signal_deliver,
		   ON(ACCEPT) | ON(CONNECT_RETURN)),
	ENTER(tcp_close, k_close, ON(CLOSE)),
	{ }
};
