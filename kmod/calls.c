// SPDX-License-Identifier: GPL-2.0-only
/*
 * What programs ask for: socket, bind, listen, connect, accept, shutdown,
 * close. Its twins are bpf/calls.bpf.c and bpf/accept.bpf.c.
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
#include <linux/file.h>
#include <linux/hash.h>
#include <linux/net.h>
#include <linux/vmalloc.h>
#include <asm/syscall.h>
#include <trace/events/signal.h>
#include <trace/events/syscalls.h>

#include "hooks.h"
#include "read.h"

/* ---- calls that threads are in ---- */

#define CALLS_BITS	14
#define CALLS_PROBES	16

struct call {
	struct task_struct *task;	/* NULL: free. Only it touches the rest */
	u64 task_began;			/* start_time; differs if the task_struct was reused after a thread died in its call */
	const struct sock *sk;
	u64 t_ns;
	int fd;
	enum { NOT_INTERRUPTED, UNDECIDED, RESTARTS } interrupted;
};

static struct call *calls;

int calls_init(void)
{
	calls = vzalloc(sizeof(*calls) << CALLS_BITS);
	return calls ? 0 : -ENOMEM;
}

void calls_exit(void)
{
	vfree(calls);
}

static struct call *call_slot(unsigned int i)
{
	u32 first = hash_ptr(current, CALLS_BITS);

	return &calls[(first + i) & ((1U << CALLS_BITS) - 1)];
}

static struct call *call_find(void)
{
	struct call *call;
	unsigned int i;

	for (i = 0; i < CALLS_PROBES; i++) {
		call = call_slot(i);
		if (READ_ONCE(call->task) != current)
			continue;
		if (call->task_began == current->start_time)
			return call;
		smp_store_release(&call->task, NULL);
	}
	return NULL;
}

/* All taken: the call will be one that began before us. */
static void call_enter(const struct sock *sk, int fd)
{
	struct call *call = call_find();
	unsigned int i;

	for (i = 0; !call && i < CALLS_PROBES; i++) {
		if (cmpxchg(&call_slot(i)->task, NULL, current))
			continue;
		call = call_slot(i);
		call->task_began = current->start_time;
		call->interrupted = NOT_INTERRUPTED;
	}
	if (!call)
		return;
	/* one that a signal interrupted goes on */
	if (!call->interrupted || call->sk != sk || call->fd != fd)
		call->t_ns = ktime_get_mono_fast_ns();
	call->sk = sk;
	call->fd = fd;
	call->interrupted = NOT_INTERRUPTED;
}

/*
 * accept() and connect() that a signal interrupts return ERESTARTSYS: whether
 * the program sees EINTR or the call begins again is decided when the signal is
 * delivered: the first that has a handler decides, handle_signal().
 */
static bool call_interrupted(int ret)
{
	struct call *call = ret == -ERESTARTSYS ? call_find() : NULL;

	if (call)
		call->interrupted = UNDECIDED;
	return ret == -ERESTARTSYS;
}

static bool call_return(struct call *out)
{
	struct call *call = call_find();

	if (!call)
		return false;
	*out = *call;
	/* read before another thread may take the slot */
	smp_store_release(&call->task, NULL);
	return true;
}

/* ---- the caller's side ---- */

/* The TCP socket behind a descriptor, held until sockfd_put(), or NULL. */
static struct socket *fd_socket(int fd)
{
	struct socket *sock;
	int err;

	sock = sockfd_lookup(fd, &err);
	if (!sock)
		return NULL;
	if (sock->sk && is_tcp(sock->sk))
		return sock;
	sockfd_put(sock);
	return NULL;
}

/*
 * The address asked for by bind() or connect(), into the given half of the
 * tuple: if it is one of IPv4 or IPv6, and long enough for that.
 */
static void user_addr(const unsigned long *args, u8 *addr, u16 *port)
{
	const void __user *uaddr = (const void __user *)args[1];
	struct sockaddr_in6 sa = {};
	struct sockaddr_in *sin = (void *)&sa;
	int len = min_t(int, args[2], sizeof(sa));

	if (len < (int)sizeof(*sin) || !access_ok(uaddr, len))
		return;
	pagefault_disable();
	if (__copy_from_user_inatomic(&sa, uaddr, len))
		sa.sin6_family = AF_UNSPEC;
	pagefault_enable();
	if (sa.sin6_family == AF_INET)
		map_v4(addr, sin->sin_addr.s_addr);
	else if (sa.sin6_family == AF_INET6 && len >= SIN6_LEN_RFC2133)
		memcpy(addr, &sa.sin6_addr, 16);
	else
		return;
	*port = ntohs(sa.sin6_port);
}

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

/* ---- connect ---- */

/* It may have an address of its own already, and has no other end yet. */
static bool connect_wanted(const struct sock *sk, const u8 *raddr)
{
	u8 laddr[16] = {}, none[16];

	if (!filter.nnets)
		return true;
	common_addrs(&sk->__sk_common, laddr, none);
	return addrs_wanted(laddr, raddr);
}

static void connect_hook(const struct sock *sk, const u8 *raddr, u16 rport)
{
	struct call *call = call_find();
	struct tcptrace_record r;

	if (filter.any &&
	    (!place_wanted(sk) || !ports_wanted(sk->sk_num, rport) ||
	     !connect_wanted(sk, raddr)))
		return;
	if (!reserve(&r, TCPTRACE_CONNECT))
		return;
	set_common(&r, &sk->__sk_common);
	set_actor(&r, call && call->sk == sk ? call->fd : -1);
	memcpy(r.raddr, raddr, 16);
	r.rport = rport;
	submit(&r);
}

/* An address that is too short, or another family's, will be refused. */
static int k_connect4(struct kprobe *p, struct pt_regs *regs)
{
	const struct sockaddr_in *sin = ARG(regs, 1);
	int len = (long)ARG(regs, 2);
	u8 addr[16] = {};
	u16 port = 0;

	if (len >= sizeof(*sin) && sin->sin_family == AF_INET) {
		map_v4(addr, sin->sin_addr.s_addr);
		port = ntohs(sin->sin_port);
	}
	connect_hook(ARG(regs, 0), addr, port);
	return 0;
}

/*
 * To a mapped address: tcp_v4_connect() goes on, whose hook tells. With
 * IPV6_V6ONLY it is refused before.
 */
static int k_connect6(struct kprobe *p, struct pt_regs *regs)
{
	const struct sock *sk = ARG(regs, 0);
	const struct sockaddr_in6 *sa = ARG(regs, 1);
	int len = (long)ARG(regs, 2);
	u8 addr[16] = {};
	u16 port = 0;

	if (len >= SIN6_LEN_RFC2133 && sa->sin6_family == AF_INET6) {
		if (ipv6_addr_v4mapped(&sa->sin6_addr) && !sk->sk_ipv6only)
			return 0;
		memcpy(addr, &sa->sin6_addr, sizeof(addr));
		port = ntohs(sa->sin6_port);
	}
	connect_hook(sk, addr, port);
	return 0;
}

/*
 * What an ICMP message left that found connect() holding the socket: the program
 * has it by SO_ERROR alone (tcp_v4_err()).
 */
static u32 soft_errno(const struct sock *sk, int ret)
{
	return ret == -EINPROGRESS ? READ_ONCE(sk->sk_err_soft) : 0;
}

/* To ask how an earlier one goes is no failure. */
static bool connect_failed(int ret)
{
	return ret < 0 && ret != -EINPROGRESS && ret != -EALREADY && ret != -EISCONN;
}

static void connect_return(const struct sock *sk, const unsigned long *args,
			   int ret)
{
	struct tcptrace_record r;
	struct call call = {};

	if (call_interrupted(ret))
		return;
	call_return(&call);
	if (!wanted(sk) || !reserve(&r, TCPTRACE_CONNECT_RETURN))
		return;
	set_sock(&r, sk);
	set_actor(&r, args[0]);
	r.ret = ret;
	r.soft_errno = soft_errno(sk, ret);
	r.call_ns = call.t_ns ? r.t_ns - call.t_ns : 0;
	if (!r.rport && ret != -EINTR && connect_failed(ret))
		user_addr(args, r.raddr, &r.rport);
	submit(&r);
}

/* ---- accept ---- */

/* a thread in another call (io_uring) would leave its note behind */
static int k_accept(struct kprobe *p, struct pt_regs *regs)
{
	const struct sock *listener = ARG(regs, 0);

	if (is_tcp(listener) && (in_call(__NR_accept) || in_call(__NR_accept4)))
		call_enter(listener, -1);
	return 0;
}

static void emit_take(const struct sock *child, const struct sock *listener)
{
	struct tcptrace_record r;

	if (!reserve(&r, TCPTRACE_ACCEPTQ_DEL))
		return;
	set_sock(&r, child);
	if (listener)
		set_queues(&r, listener);
	r.cause = state_of(child) == TCP_CLOSE ? TCPTRACE_ACCEPTQ_RESET :
						 TCPTRACE_ACCEPTQ_ACCEPTED;
	submit(&r);
}

/* 6.1 and later: accept() has its connection, whoever called (io_uring too) */
static int k_take(struct kprobe *p, struct pt_regs *regs)
{
	const struct socket *sock = ARG(regs, 0);
	const struct sock *child = ARG(regs, 2), *listener = sock->sk;

	if (is_tcp(child) && wanted_child(child, listener))
		emit_take(child, listener);
	return 0;
}

/*
 * Before: accept() of all families comes by here with the connection alone; who
 * listens the caller's descriptor says.
 */
static int k_graft(struct kprobe *p, struct pt_regs *regs)
{
	const struct sock *child = ARG(regs, 0);
	struct socket *sock = NULL;
	unsigned long args[6];

	if (!is_tcp(child))
		return 0;
	if (in_call(__NR_accept) || in_call(__NR_accept4)) {
		syscall_get_arguments(current, task_pt_regs(current), args);
		sock = fd_socket(args[0]);
	}
	if (wanted_child(child, sock ? sock->sk : NULL))
		emit_take(child, sock ? sock->sk : NULL);
	if (sock)
		sockfd_put(sock);
	return 0;
}

static void accept_error(const struct sock *listener, u64 began, int ret)
{
	struct tcptrace_record r;

	/* nothing there is no failure */
	if (ret == -EAGAIN || !wanted(listener) ||
	    !reserve(&r, TCPTRACE_ACCEPT))
		return;
	set_sock(&r, listener);
	r.sk = 0;
	r.listener = (u64)listener;
	if (state_of(listener) == TCP_LISTEN)	/* or no more, or it never did */
		set_queues(&r, listener);
	set_actor(&r, -1);
	r.call_ns = began ? r.t_ns - began : 0;
	r.ret = ret;
	submit(&r);
}

static void emit_accept(const struct sock *child, const struct sock *listener,
			u64 began, int fd)
{
	struct tcptrace_record r;

	if (!wanted_child(child, listener) || !reserve(&r, TCPTRACE_ACCEPT))
		return;
	set_sock(&r, child);
	if (listener)
		set_queues(&r, listener);
	set_actor(&r, fd);
	r.call_ns = began ? r.t_ns - began : 0;
	r.ret = fd;
	submit(&r);
}

/* The listening descriptor is still in the registers, whenever it began. */
static void accept_return(const struct sock *listener, int ret)
{
	struct socket *child;
	struct call call = {};

	if (call_interrupted(ret))
		return;
	call_return(&call);
	if (call.sk && call.sk != listener)	/* the descriptor was closed by another thread and its number reused */
		listener = NULL;
	if (ret < 0 && !listener)
		return;
	if (ret < 0) {
		accept_error(listener, call.t_ns, ret);
		return;
	}
	child = fd_socket(ret);
	if (!child)
		return;
	emit_accept(child->sk, listener, call.t_ns, ret);
	sockfd_put(child);
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

/* A signal is about to be handled, or its default is about to be done. */
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
	ENTER(tcp_v4_connect, k_connect4, ON(CONNECT)),
	ENTER(tcp_v6_connect, k_connect6, ON(CONNECT)),
	ENTER(inet_csk_accept, k_accept, ON(ACCEPT)),
	ENTER(__inet_accept, k_take, ON(ACCEPTQ_DEL)),
	ENTER_ELSE(security_sock_graft, k_graft, ON(ACCEPTQ_DEL)),
	ENTER(tcp_close, k_close, ON(CLOSE)),
	{ }
};
