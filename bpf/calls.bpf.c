// SPDX-License-Identifier: GPL-2.0-only
/*
 * What programs ask for: socket, bind, listen, connect, accept, shutdown, close.
 * System-call tracepoints know the descriptor and the result and have no limit
 * on sleeping threads, so they are first choice here by every mechanism; a
 * thread that already slept in accept() when we came is seen when it returns.
 */
#include "call.bpf.h"
#include "group.bpf.h"

/* A program at a system call, known by its caller, and its second: see did(). */
#define SYSCALL(name, type)							\
	static __always_inline int on_##name(struct type *ctx);			\
	SEC("?tp/syscalls/" #name)						\
	int name(struct type *ctx)						\
	{									\
		on_##name(ctx);							\
		if (cfg.twice)							\
			did(bpf_get_current_pid_tgid(), DID_SYSCALL);		\
		return 0;							\
	}									\
	SEC("?tp/syscalls/" #name)						\
	int name##_again(struct type *ctx)					\
	{									\
		return was_done(bpf_get_current_pid_tgid(), DID_SYSCALL) ? 0 :	\
			       on_##name(ctx);					\
	}									\
	static __always_inline int on_##name(struct type *ctx)
#define SYS_ENTER(call)	SYSCALL(sys_enter_##call, trace_event_raw_sys_enter)
#define SYS_EXIT(call)	SYSCALL(sys_exit_##call, trace_event_raw_sys_exit)

/* The same at a function. What is attached last runs first there, so the second stands before the first. */
#define SECOND(key, what, hook)	(was_done(key, what) ? 0 : (hook))
#define FIRST(key, what, hook)	({ hook; if (cfg.twice) did(key, what); 0; })

static __always_inline struct file *fd_file(int fd)
{
	struct task_struct *task = TYPED((struct task_struct *)bpf_get_current_task());
	struct fdtable *fdt = TYPED((struct fdtable *)READ(task, files, fdt));
	struct file **slot = READ(fdt, fd) + fd, *file = NULL;

	if (fd < 0 || (__u32)fd >= READ(fdt, max_fds))
		return NULL;
	if (HAS_CAST) {		/* the slot, read as that member of a struct that has a pointer there */
		fdt = TYPED((struct fdtable *)((char *)slot - bpf_core_field_offset(struct fdtable, fd)));
		return TYPED((struct file *)READ(fdt, fd));
	}
	bpf_probe_read_kernel(&file, sizeof(file), slot);
	return file;
}

/* The TCP socket behind a file, or NULL. */
static __always_inline struct sock *file_sock(const struct file *file)
{
	struct socket *socket;
	struct sock *sk;

	if (!file || (READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	socket = TYPED((struct socket *)READ(file, private_data));
	sk = READ(socket, sk);
	return sk && is_tcp(sk) ? sk : NULL;
}

static __always_inline struct sock *fd_sock(int fd)
{
	return file_sock(fd_file(fd));
}

/* A thread that ends inside a call takes its note with it. */
SEC("?raw_tp/sched_process_exit")
int BPF_PROG(tp_exit, struct task_struct *task)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u32 pid = id >> 32;
	struct call call;

	call_return(&call);
	if (cfg.by_pid && cfg.follow && pid == (__u32)id)
		bpf_map_delete_elem(&pids, &pid);
	return 0;
}

SEC("?raw_tp/sched_process_fork")
int BPF_PROG(tp_fork, struct task_struct *parent, struct task_struct *child)
{
	__u32 pid = READ(TYPED(child), tgid);
	__u8 one = 1;

	if (cfg.follow && pid_wanted())
		bpf_map_update_elem(&pids, &pid, &one, BPF_ANY);
	return 0;
}

/* ---- socket ---- */

SYS_EXIT(socket)
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

/* ---- bind ---- */

SYS_ENTER(bind)
{
	struct sock *sk = fd_sock(ctx->args[0]);

	if (sk)
		call_enter(sk, ctx->args[0], ctx->args[1], 0, bpf_ktime_get_ns());
	return 0;
}

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

SYS_EXIT(bind)
{
	struct tcptrace_record *r;
	struct call call;
	struct sock *sk;

	if (!call_return(&call))
		return 0;
	sk = TYPED((struct sock *)call.sk);
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

/* ---- listen ---- */

SYS_ENTER(listen)
{
	struct sock *sk = fd_sock(ctx->args[0]);

	if (sk)
		call_enter(sk, ctx->args[0], 0, ctx->args[1], bpf_ktime_get_ns());
	return 0;
}

SYS_EXIT(listen)
{
	struct tcptrace_record *r;
	struct sock *sk;
	struct call call;

	if (!call_return(&call))
		return 0;
	sk = TYPED((struct sock *)call.sk);
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

/* ---- connect ---- */

SYS_ENTER(connect)
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

static __always_inline int connect_hook(const struct sock *sk, const void *uaddr, bool v6)
{
	struct sockaddr_in6 sa = {};
	struct sockaddr_in *sin = (void *)&sa;
	__u8 addr[16];

	sk = TYPED(sk);
	if (v6) {
		bpf_probe_read_kernel(&sa, sizeof(sa), uaddr);
		/* a mapped address goes on to tcp_v4_connect, which will tell */
		if (!sa.sin6_addr.s6_addr[0] && sa.sin6_addr.s6_addr[10] == 0xff &&
		    sa.sin6_addr.s6_addr[11] == 0xff)
			return 0;
		__builtin_memcpy(addr, &sa.sin6_addr, 16);
	} else {
		bpf_probe_read_kernel(&sa, sizeof(*sin), uaddr);
		map_v4(addr, sin->sin_addr);
	}
	connect_begins(sk, addr, bpf_ntohs(sa.sin6_port));
	return 0;
}

SEC("?fentry/tcp_v4_connect")
int BPF_PROG(f_connect4_again, const struct sock *sk, const void *uaddr)
{
	return SECOND(number_of(sk), DID_CONNECT, connect_hook(sk, uaddr, false));
}

SEC("?fentry/tcp_v4_connect")
int BPF_PROG(f_connect4, const struct sock *sk, const void *uaddr)
{
	return FIRST(number_of(sk), DID_CONNECT, connect_hook(sk, uaddr, false));
}

SEC("?fentry/tcp_v6_connect")
int BPF_PROG(f_connect6_again, const struct sock *sk, const void *uaddr)
{
	return SECOND(number_of(sk), DID_CONNECT, connect_hook(sk, uaddr, true));
}

SEC("?fentry/tcp_v6_connect")
int BPF_PROG(f_connect6, const struct sock *sk, const void *uaddr)
{
	return FIRST(number_of(sk), DID_CONNECT, connect_hook(sk, uaddr, true));
}

SEC("?kprobe/tcp_v4_connect")
int BPF_KPROBE(k_connect4, const struct sock *sk, const void *uaddr)
{
	return connect_hook(sk, uaddr, false);
}

SEC("?kprobe/tcp_v6_connect")
int BPF_KPROBE(k_connect6, const struct sock *sk, const void *uaddr)
{
	return connect_hook(sk, uaddr, true);
}

/* Not seen to begin: before us, or it only asks how an earlier one goes. */
static __always_inline bool connect_now(struct call *call)
{
	if (!HAS_REGS)
		return false;
	call->fd = READ(call_regs(), di);
	call->sk = (__u64)fd_sock(call->fd);
	return call->sk;
}

SYS_EXIT(connect)
{
	struct tcptrace_record *r;
	struct call call = {};
	struct sock *sk;

	if (!call_return(&call) && !connect_now(&call))
		return 0;
	sk = TYPED((struct sock *)call.sk);
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

/* ---- accept ---- */

SYS_ENTER(accept4)		/* and accept: user/source/load.c */
{
	struct sock *sk = fd_sock(ctx->args[0]);

	if (sk)
		call_enter(sk, ctx->args[0], 0, 0, bpf_ktime_get_ns());
	return 0;
}

/* inet_csk_accept: entered only when a descriptor is at hand, so its failure is not seen here */
static __always_inline int accept_hook(const struct sock *listener)
{
	if (is_tcp(TYPED(listener)))
		call_enter(listener, -1, 0, 0, bpf_ktime_get_ns());
	return 0;
}

SEC("?fentry/inet_csk_accept")
int BPF_PROG(f_accept_again, const struct sock *sk)
{
	return SECOND(bpf_get_current_pid_tgid(), DID_ACCEPT, accept_hook(sk));
}

SEC("?fentry/inet_csk_accept")
int BPF_PROG(f_accept, const struct sock *sk)
{
	return FIRST(bpf_get_current_pid_tgid(), DID_ACCEPT, accept_hook(sk));
}

SEC("?kprobe/inet_csk_accept")
int BPF_KPROBE(k_accept, const struct sock *sk)
{
	return accept_hook(sk);
}

static __always_inline void emit_take(const struct sock *child, const struct sock *listener)
{
	struct tcptrace_record *r = reserve(TCPTRACE_ACCEPTQ_DEL);

	if (!r)
		return;
	set_sock(r, child);
	if (listener)
		set_queues(r, listener);
	r->cause = sk_state(child) == TCP_CLOSE ? TCPTRACE_ACCEPTQ_RESET : TCPTRACE_ACCEPTQ_ACCEPTED;
	submit(r);
}

/* 6.1 and later: accept() with its prize in hand, by whatever way it was called (io_uring too) */
static __always_inline int take_hook(const struct socket *sock, const struct sock *child)
{
	const struct sock *listener = READ(TYPED(sock), sk);

	child = TYPED(child);
	if (!is_tcp(child))
		return 0;
	if (cfg.by_pid && (is_watched(listener) || pid_wanted()))
		watch(child);
	if (wanted_of(listener, (const void *)child) || (cfg.filtered && wanted(child)))
		emit_take(child, listener);
	return 0;
}

SEC("?fentry/__inet_accept")
int BPF_PROG(f_take_again, const struct socket *sock, const void *newsock, const struct sock *child)
{
	return SECOND(number_of(child), DID_TAKE, take_hook(sock, child));
}

SEC("?fentry/__inet_accept")
int BPF_PROG(f_take, const struct socket *sock, const void *newsock, const struct sock *child)
{
	return FIRST(number_of(child), DID_TAKE, take_hook(sock, child));
}

SEC("?kprobe/__inet_accept")
int BPF_KPROBE(k_take, const struct socket *sock, const void *newsock, const struct sock *child)
{
	return take_hook(sock, child);
}

/* The listening descriptor of a return whose entry we did not see. 5.15 and later, else NULL. */
static __always_inline struct sock *returning_listener(void)
{
	return HAS_REGS ? fd_sock(READ(call_regs(), di)) : NULL;
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

SYS_EXIT(accept4)
{
	const struct sock *child, *listener;
	struct tcptrace_record *r;
	struct call call = {};
	long ret = ctx->ret;

	call_return(&call);
	listener = call.sk ? TYPED((const struct sock *)call.sk) : returning_listener();
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

/* ---- shutdown ---- */

SYS_ENTER(shutdown)
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

SYS_EXIT(shutdown)
{
	struct call call;

	call_return(&call);
	return 0;
}

/* ---- close ---- */

SEC("?fentry/tcp_close")
int BPF_PROG(f_close_again, const struct sock *sk)
{
	return SECOND(number_of(sk), DID_CLOSE, close_hook(sk, -1));
}

SEC("?fentry/tcp_close")
int BPF_PROG(f_close, const struct sock *sk)
{
	return FIRST(number_of(sk), DID_CLOSE, close_hook(sk, -1));
}

SEC("?kprobe/tcp_close")
int BPF_KPROBE(k_close, const struct sock *sk)
{
	return close_hook(sk, -1);
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

/* Where close() makes a transition, tp_state tells; here are the sockets that it leaves as they are. */
SYS_ENTER(close)
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
