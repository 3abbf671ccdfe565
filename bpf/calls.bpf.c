// SPDX-License-Identifier: GPL-2.0-only
/*
 * What programs ask for: socket, bind, listen, connect, accept, shutdown, close, seen at functions below the
 * system calls, which 64-bit and 32-bit programs, io_uring, MPTCP and the kernel itself come by alike, and which
 * cost no other system call anything. Its twin is kmod/calls.c; the system-call tracepoints are in tp/calls.bpf.c.
 *
 * What does not get that far is not seen: a bad descriptor or address, the refusal of a security module (but of
 * accept(), whose return is seen).
 */
#include "arch.bpf.h"
#include "attach.bpf.h"
#include "file.bpf.h"
#include "filter.bpf.h"
#include "recursion.bpf.h"
#include "ring.bpf.h"

/* ---- calls that threads are in ------------------------------------------------------------------- */

enum call_kind { CALL_OTHER, CALL_SOCKET, CALL_BIND, CALL_LISTEN, CALL_CONNECT, CALL_ACCEPT };

/*
 * The call that a thread is in, from its entry to its return. A thread has a place of its own, by
 * its number; where another one is in that place (their numbers are CAPTURE_CALLS apart), it goes
 * into a hash table, which costs 250 ns a call more. A return that does not come leaves its note behind until the
 * thread's next call or its end, so that whoever uses one compares kind and socket.
 */
struct call {
	__u64	who;		/* pid_tgid; 0: nobody is in this place */
	__u64	t_ns;
	__u64	sk;		/* accept: the connection, once it is taken out of the queue */
	union {
		__u64	uaddr;		/* bind, connect: the address that was given */
		__u64	listener;	/* accept */
	};
	__s32	fd;
	__s32	arg;		/* listen: backlog */
	__u32	kind;		/* enum call_kind */
	__u32	interrupted;	/* by a signal: it goes on, or has failed with EINTR, as the signal's handler has it */
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
		call->interrupted = 1;
	return ret == -ERESTARTSYS;
}

/* When it began: one that a signal interrupted goes on. */
static __always_inline __u64 call_began(__u32 kind, int fd)
{
	const struct call *call = call_now();

	return call && call->interrupted && call->kind == kind && call->fd == fd ? call->t_ns : bpf_ktime_get_ns();
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
 * By which descriptor the caller names the socket: the first argument of the system call, if that is a descriptor of
 * this socket. -1: io_uring, or the kernel itself.
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

/* A thread that ends inside a call takes its note with it. */
SEC("?raw_tp/sched_process_exit")
int BPF_PROG(tp_exit, struct task_struct *task)
{
	__u64 id = caller_number();
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
	__u32 pid = task_number(TYPED_PTR(child)) >> 32;
	__u8 one = 1;

	if (cfg.follow && pid_wanted())
		bpf_map_update_elem(&pids, &pid, &one, BPF_ANY);
	return 0;
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

/* An address that the kernel has copied, or still the caller's, into half of a tuple. False: neither IPv4 nor IPv6. */
static __always_inline bool read_addr(__u64 from, bool user, __u8 *addr, __u16 *port)
{
	struct sockaddr_in6 sa = {};
	struct sockaddr_in *sin = (void *)&sa;

	if (user)
		bpf_probe_read_user(&sa, sizeof(*sin), (void *)from);
	else
		bpf_probe_read_kernel(&sa, sizeof(*sin), (void *)from);
	if (sa.sin6_family == AF_INET6 && user)
		bpf_probe_read_user(&sa, sizeof(sa), (void *)from);
	else if (sa.sin6_family == AF_INET6)
		bpf_probe_read_kernel(&sa, sizeof(sa), (void *)from);
	*port = bpf_ntohs(sa.sin6_port);
	if (sa.sin6_family == AF_INET6)
		__builtin_memcpy(addr, &sa.sin6_addr, 16);
	else
		map_v4(addr, sin->sin_addr);
	return sa.sin6_family == AF_INET || sa.sin6_family == AF_INET6;
}

static __always_inline int bind_return(const struct sock *sk, const void *uaddr, int ret)
{
	struct tcptrace_record *r;

	sk = TYPED_PTR(sk);
	if (!is_tcp(sk) || !wanted_call(sk))
		return 0;
	r = reserve(TCPTRACE_BIND);
	if (!r)
		return 0;
	set_sock(r, sk);
	set_caller(r, sk, call_fd(sk));
	r->ret = ret;
	if (ret < 0)		/* nothing was bound: say what was asked for */
		read_addr((__u64)uaddr, false, r->laddr, &r->lport);
	submit(r);
	return 0;
}

/* The number as it was given: what arrives at inet_listen() is clamped to somaxconn already. */
static __always_inline int listen_asked(const struct sock *sk, int backlog)
{
	CALL_ENTER(.kind = CALL_LISTEN, .sk = (__u64)sk, .fd = -1, .arg = backlog);
	return 0;
}

static __always_inline int listen_return(const struct sock *sk, int backlog, int ret)
{
	struct tcptrace_record *r;
	struct call *call;

	sk = TYPED_PTR(sk);
	call = call_now();
	if (call && call->kind == CALL_LISTEN && (!call->sk || call->sk == (__u64)sk)) {
		backlog = call->arg;
		call->kind = CALL_OTHER;
	}
	if (!is_tcp(sk) || !wanted_call(sk))
		return 0;
	r = reserve(TCPTRACE_LISTEN);
	if (!r)
		return 0;
	set_listen(r, sk, backlog);
	set_caller(r, sk, call_fd(sk));
	r->ret = ret;
	submit(r);
	return 0;
}

GUARDED_RETURN(x_socket, __sys_socket, THREAD, DID_SOCKET, socket_return(RETURNED(ctx, 3)),
	       int family, int type, int protocol)

GUARDED_RETURN(x_create4, inet_create, THREAD, DID_CREATE, create_return(socket, kern, RETURNED(ctx, 4)),
	       const void *net, const struct socket *socket, int protocol, int kern)

GUARDED_RETURN(x_create6, inet6_create, THREAD, DID_CREATE, create_return(socket, kern, RETURNED(ctx, 4)),
	       const void *net, const struct socket *socket, int protocol, int kern)

GUARDED_RETURN(x_bind4, __inet_bind, THREAD, DID_BIND, bind_return(sk, uaddr, RETURNED(ctx, 4)),
	       const struct sock *sk, const void *uaddr)

GUARDED_RETURN(x_bind6, __inet6_bind, THREAD, DID_BIND, bind_return(sk, uaddr, RETURNED(ctx, 4)),
	       const struct sock *sk, const void *uaddr)

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

	return noted_call(CALL_BIND, &c) ? bind_return((const void *)c.sk, (const void *)c.uaddr, ret) : 0;
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
int BPF_KPROBE(k_bind##v, const struct sock *sk, const void *uaddr)				\
{												\
	return note_call(CALL_BIND, (__u64)sk, (__u64)uaddr, 0);				\
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

/* ---- connect ------------------------------------------------------------------------------------- */

static __always_inline bool wanted_connect(const struct sock *sk, __u16 rport)
{
	return !cfg.filtered || (caller_wanted(sk) && place_wanted(sk) &&
				 ports_wanted(READ(sk, __sk_common.skc_num), rport));
}

static __always_inline void emit_connect(const struct sock *sk, const __u8 *raddr, __u16 rport, int fd, __u64 now)
{
	struct tcptrace_record *r = reserve_at(TCPTRACE_CONNECT, now);

	if (!r)
		return;
	set_sock(r, sk);
	set_actor(r, fd);
	__builtin_memcpy(r->raddr, raddr, 16);
	r->rport = rport;
	submit(r);
}

/* Right before it starts: connect(), sendto() with a Fast Open cookie, or io_uring, which names no descriptor. */
static __always_inline void connect_hook(const struct sock *sk, const __u8 *raddr, __u16 rport)
{
	__u64 now = bpf_ktime_get_ns();
	struct call *call = call_now();
	int fd;

	if (!wanted_connect(sk, rport))
		return;
	if (call && call->kind == CALL_CONNECT && call->sk == (__u64)sk) {	/* k_connect, sys_enter_connect */
		fd = call->fd;
		call->t_ns = now;
	} else {
		fd = call_fd(sk);
		CALL_ENTER(.kind = CALL_CONNECT, .t_ns = now, .sk = (__u64)sk, .fd = fd);
	}
	emit_connect(sk, raddr, rport, fd, now);
}

/* sk: TCP; uaddr: the kernel's copy */
static __always_inline int tcp_connect_hook(const struct sock *sk, const void *uaddr, bool v6)
{
	struct sockaddr_in6 sa = {};
	struct sockaddr_in *sin = (void *)&sa;
	__u8 addr[16];

	sk = TYPED_PTR(sk);
	if (v6) {
		bpf_probe_read_kernel(&sa, sizeof(sa), uaddr);
		/* a mapped address goes on to tcp_v4_connect(), whose hook writes the record */
		if (!sa.sin6_addr.s6_addr[0] && sa.sin6_addr.s6_addr[10] == 0xff &&
		    sa.sin6_addr.s6_addr[11] == 0xff)
			return 0;
		__builtin_memcpy(addr, &sa.sin6_addr, 16);
	} else {
		bpf_probe_read_kernel(&sa, sizeof(*sin), uaddr);
		map_v4(addr, sin->sin_addr);
	}
	connect_hook(sk, addr, bpf_ntohs(sa.sin6_port));
	return 0;
}

GUARDED_AT_ENTRY(connect4, tcp_v4_connect, addr_of(sk), DID_CONNECT, tcp_connect_hook(sk, uaddr, false),
		 const struct sock *sk, const void *uaddr)

GUARDED_AT_ENTRY(connect6, tcp_v6_connect, addr_of(sk), DID_CONNECT, tcp_connect_hook(sk, uaddr, true),
		 const struct sock *sk, const void *uaddr)

/* To ask how an earlier one goes is no failure. */
static __always_inline bool connect_failed(int ret)
{
	return ret < 0 && ret != -EINPROGRESS && ret != -EALREADY && ret != -EISCONN;
}

/* uaddr: where to, the kernel's copy or the caller's; 0: not known. */
static __always_inline void emit_connect_return(const struct sock *sk, int fd, __u64 began, int ret, __u64 uaddr,
						bool user)
{
	struct tcptrace_record *r;

	if (!ASKED(CONNECT_RETURN) || (cfg.only_failed && !connect_failed(ret)) || !wanted_call(sk))
		return;
	r = reserve(TCPTRACE_CONNECT_RETURN);
	if (!r)
		return;
	set_sock(r, sk);
	set_actor(r, fd);
	r->ret = ret;
	r->call_ns = began ? r->t_ns - began : 0;
	if (uaddr && !r->rport && connect_failed(ret))
		read_addr(uaddr, user, r->raddr, &r->rport);
	submit(r);
}

/*
 * io_uring tries without blocking and tries again when the handshake is over: that it would have to wait is no
 * result (of a refused one it does not try again: the transition says it). sendto() is no connect().
 */
static __always_inline int connect_return(const struct sock *sk, __u64 uaddr, bool is_sendmsg, int ret)
{
	struct call call = {};
	__u64 began = 0;
	int fd;

	if (!sk || (cfg.only_failed && !cfg.by_pid && !connect_failed(ret)))
		return 0;
	sk = TYPED_PTR(sk);
	if (call_interrupted(CALL_CONNECT, ret))
		return 0;
	if (call_return(&call) && call.kind == CALL_CONNECT && call.sk == (__u64)sk) {
		began = call.t_ns;
		fd = call.fd;
	} else {
		fd = call_fd(sk);
	}
	if (!is_sendmsg && (fd >= 0 || (ret != -EINPROGRESS && ret != -EALREADY)))
		emit_connect_return(sk, fd, began, ret, uaddr, false);
	return 0;
}

GUARDED_RETURN(x_connect, __inet_stream_connect, THREAD, DID_CONNECT_RETURN,
	       connect_return(called_sock(socket), (__u64)uaddr, is_sendmsg, RETURNED(ctx, 5)),
	       const struct socket *socket, const void *uaddr, int len, int flags, int is_sendmsg)

static __always_inline int note_connect(const struct sock *sk, const void *uaddr, bool is_sendmsg)
{
	int fd;

	if (!sk)
		return 0;
	fd = call_fd(sk);
	CALL_ENTER(.kind = CALL_CONNECT, .t_ns = call_began(CALL_CONNECT, fd), .sk = (__u64)sk, .uaddr = (__u64)uaddr,
		   .fd = fd, .arg = is_sendmsg);
	return 0;
}

SEC("?kprobe/__inet_stream_connect")
int BPF_KPROBE(k_connect, const struct socket *socket, const void *uaddr, int len, int flags, int is_sendmsg)
{
	return note_connect(called_sock(socket), uaddr, is_sendmsg);
}

/*
 * A kretprobe has room for 10 threads, or twice the CPUs: what others return is not seen. With cfg.tp_connect_return
 * system calls of 64-bit programs have the tracepoint for it, and this is for the rest.
 */
SEC("?kretprobe/__inet_stream_connect")
int BPF_KRETPROBE(r_connect, int ret)
{
	const struct call *call = call_now();

	if (!call || call->kind != CALL_CONNECT || (cfg.tp_connect_return && (!HAS_REGS || in_connect(call_regs()))))
		return 0;
	return connect_return((const struct sock *)call->sk, call->uaddr, call->arg, ret);
}

/* ---- accept -------------------------------------------------------------------------------------- */

enum { KERNEL = -2 };

/* fd: -1 where the caller has none, KERNEL where the kernel itself took it */
static __always_inline void emit_accept(const struct sock *child, const struct sock *listener, int fd, __u64 began)
{
	struct tcptrace_record *r;

	if (!wanted_call(child) || !ASKED(ACCEPT) || cfg.only_failed)
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
	set_queues(r, listener);
	r->sk = 0;
	set_actor(r, -1);
	r->call_ns = began ? r->t_ns - began : 0;
	r->ret = ret;
	submit(r);
	return 0;
}

/* Nothing there is no failure. */
static __always_inline bool accept_failed(int ret)
{
	return ret < 0 && ret > -512 && ret != -EAGAIN;
}

/*
 * accept() as system call, 32-bit ones too. What it took take_hook() has found out. Without a note the thread was in
 * accept() when we came, and take_hook() has written the record.
 */
static __always_inline int accept_enter(int fd)
{
	CALL_ENTER(.kind = CALL_ACCEPT, .t_ns = call_began(CALL_ACCEPT, fd), .fd = fd);
	return 0;
}

static __always_inline int accept_return(int fd, int ret)
{
	struct call call = {};
	bool noted;

	if (call_interrupted(CALL_ACCEPT, ret) || (cfg.only_failed && !cfg.by_pid && !accept_failed(ret)))
		return 0;
	noted = call_return(&call) && call.kind == CALL_ACCEPT;
	if (accept_failed(ret))
		return accept_error(TYPED_PTR(fd_sock(fd)), noted ? call.t_ns : 0, ret);
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

/*
 * accept() has its connection, by whatever way it was called. listener: NULL, not known. socket: what becomes the
 * connection's; that of a program has its file before the call.
 */
static __always_inline int take_hook(const struct sock *listener, const struct sock *child, const struct socket *socket)
{
	if (!child)
		return 0;
	child = TYPED_PTR(child);
	listener = TYPED_PTR(listener);
	if (cfg.by_pid && ((listener && sock_traced(listener)) || pid_wanted()))
		trace_sock(child);
	if (ASKED(ACCEPTQ_DEL) && (!cfg.filtered || (listener && wanted_of(listener, (const void *)child)) || wanted(child)))
		emit_take(child, listener);
	if (ASKED(ACCEPT) && !accept_returns(child, listener))
		emit_accept(child, listener, READ(TYPED_PTR(socket), file) ? -1 : KERNEL, 0);
	return 0;
}

/* 6.1 and later */
GUARDED_AT_ENTRY(take, __inet_accept, THREAD, DID_TAKE,
		 take_hook(tcp_side(READ(TYPED_PTR(socket), sk)), tcp_side(TYPED_PTR(child)), newsock),
		 const struct socket *socket, const struct socket *newsock, struct sock *child)

/* Before: accept() of all families comes by here with the connection alone; who listens the caller's descriptor says. */
static __always_inline const struct sock *accepting(const struct sock *child)
{
	const struct sock *listener = fd_sock(call_arg0(call_regs()));

	return listener && sk_state(listener) == TCP_LISTEN &&
	       READ(listener, __sk_common.skc_num) == READ(child, __sk_common.skc_num) ? listener : NULL;
}

static __always_inline int graft_hook(struct sock *sk, const struct socket *socket)
{
	const struct sock *child = tcp_side(TYPED_PTR(sk));

	return child ? take_hook(accepting(child), child, socket) : 0;
}

GUARDED_AT_ENTRY(graft, security_sock_graft, THREAD, DID_TAKE, graft_hook(sk, socket),
		 struct sock *sk, const struct socket *socket)

/* A signal is about to be handled, or its default is about to be done. */
static __always_inline int signal_hook(const struct k_sigaction *ka)
{
	struct call *call = call_now();
	const struct sock *sk;

	if (!call || !call->interrupted || (__u64)READ(TYPED_PTR(ka), sa.sa_handler) <= 1)	/* SIG_DFL, SIG_IGN */
		return 0;
	if (READ(TYPED_PTR(ka), sa.sa_flags) & SA_RESTART)
		return 0;
	call->interrupted = 0;
	sk = TYPED_PTR(fd_sock(call->fd));
	if (sk && call->kind == CALL_ACCEPT)
		accept_error(sk, call->t_ns, -EINTR);
	else if (sk)
		emit_connect_return(sk, call->fd, call->t_ns, -EINTR, 0, false);
	return 0;
}

SEC("?raw_tp/signal_deliver")
int BPF_PROG(tp_signal, int sig, const void *info, const struct k_sigaction *ka)
{
	return signal_hook(ka);
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
	set_actor(r, fd);
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

/* A thread of the kernel also closes for programs (io_uring's ring), but a socket with a file. */
static __always_inline bool kernel_closes(const struct sock *sk)
{
	const struct task_struct *task = TYPED_PTR((const struct task_struct *)bpf_get_current_task());

	return READ(task, flags) & PF_KTHREAD && of_kernel(sk);
}

static __always_inline void emit_close(const struct sock *sk, int fd, __u64 now)
{
	struct tcptrace_record *r = reserve_at(TCPTRACE_CLOSE, now);

	if (!r)
		return;
	set_sock(r, sk);
	if (fd < 0 && kernel_closes(sk))
		set_kernel(r);
	else
		set_actor(r, fd);
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
