// SPDX-License-Identifier: GPL-2.0-only
/*
 * What programs ask for: socket, bind, listen, connect, accept (accept.bpf.c), shutdown, close, seen at functions below the
 * system calls, which 64-bit and 32-bit programs, io_uring, MPTCP and the kernel itself come by alike, and which
 * cost no other system call anything. Its twin is kmod/calls.c; the system-call tracepoints are in tp/calls.bpf.c.
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
	set_common(r, &sk->__sk_common);
	set_caller(r, sk, fd);
	__builtin_memcpy(r->raddr, raddr, 16);
	r->rport = rport;
	submit(r);
}

/* Right before it starts: connect(), sendto() with a Fast Open cookie, or io_uring, which names no descriptor. */
static __always_inline void connect_hook(const struct sock *sk, const __u8 *raddr, __u16 rport)
{
	__u64 now = bpf_ktime_get_ns();
	struct call *call = call_now();
	bool noted = call && call->kind == CALL_CONNECT && call->sk == (__u64)sk;	/* k_connect, sys_enter_connect */
	int fd;

	if (!wanted_connect(sk, rport))
		return;
	/* or left by a call whose return is not seen, of a socket that had the address */
	fd = noted && fd_is(call->fd, sk) ? call->fd : call_fd(sk);
	if (noted) {
		call->t_ns = now;
		call->fd = fd;
	} else if (ASKED(CONNECT_RETURN)) {
		CALL_ENTER(.kind = CALL_CONNECT, .t_ns = now, .sk = (__u64)sk, .fd = fd);
	}
	emit_connect(sk, raddr, rport, fd, now);
}

/* To a mapped address: tcp_v4_connect() goes on, whose hook writes the record. With IPV6_V6ONLY it is refused before. */
static __always_inline bool goes_on_mapped(const struct sock *sk, const struct in6_addr *a)
{
	return !(a->s6_addr32[0] | a->s6_addr32[1]) && a->s6_addr32[2] == bpf_htonl(0xffff) &&
	       !BPF_CORE_READ_BITFIELD_PROBED(&sk->__sk_common, skc_ipv6only);
}

/* sk: TCP; uaddr: the kernel's copy. One that is too short, or another family's, will be refused: none is told. */
static __always_inline int tcp_connect_hook(const struct sock *sk, const void *uaddr, int len, bool v6)
{
	struct sockaddr_in6 sa = {};
	struct sockaddr_in *sin = (void *)&sa;
	__u8 addr[16] = {};
	__u16 port = 0;

	if (len >= (v6 ? SIN6_LEN_RFC2133 : (int)sizeof(*sin)))
		bpf_probe_read_kernel(&sa, v6 ? sizeof(sa) : sizeof(*sin), uaddr);
	if (sa.sin6_family == (v6 ? AF_INET6 : AF_INET)) {
		if (v6 && goes_on_mapped(sk, &sa.sin6_addr))
			return 0;
		if (v6)
			__builtin_memcpy(addr, &sa.sin6_addr, 16);
		else
			map_v4(addr, sin->sin_addr);
		port = bpf_ntohs(sa.sin6_port);
	}
	connect_hook(TYPED_PTR(sk), addr, port);
	return 0;
}

GUARDED_AT_ENTRY(connect4, tcp_v4_connect, addr_of(sk), DID_CONNECT, tcp_connect_hook(sk, uaddr, len, false),
		 const struct sock *sk, const void *uaddr, int len)

GUARDED_AT_ENTRY(connect6, tcp_v6_connect, addr_of(sk), DID_CONNECT, tcp_connect_hook(sk, uaddr, len, true),
		 const struct sock *sk, const void *uaddr, int len)

/* What an ICMP message left that found connect() holding the socket: the program has it by SO_ERROR alone (tcp_v4_err()). */
static __always_inline __u32 soft_errno(const struct sock *sk, int ret)
{
	return ret == -EINPROGRESS ? READ(sk, sk_err_soft) : 0;
}

/* To ask how an earlier one goes is no failure. sk: typed. */
static __always_inline bool connect_failed(const struct sock *sk, int ret)
{
	return ret < 0 && ret != -EALREADY && ret != -EISCONN && (ret != -EINPROGRESS || soft_errno(sk, ret));
}

static __always_inline void emit_connect_return(const struct sock *sk, int fd, __u64 began, int ret, struct given addr)
{
	struct tcptrace_record *r;

	if (!ASKED(CONNECT_RETURN) || (cfg.only_failed && !connect_failed(sk, ret)) || !wanted_call(sk))
		return;
	r = reserve(TCPTRACE_CONNECT_RETURN);
	if (!r)
		return;
	set_sock(r, sk);
	set_caller(r, sk, fd);
	r->ret = ret;
	r->soft_errno = soft_errno(sk, ret);
	r->call_ns = began ? r->t_ns - began : 0;
	if (!r->rport && connect_failed(sk, ret))
		read_addr(addr, r->raddr, &r->rport);
	submit(r);
}

/*
 * io_uring tries without blocking and tries again when the handshake is over: that it would have to wait is no
 * result (of a refused one it does not try again: the transition says it). sendto() is no connect(): its length is -1.
 */
static __always_inline int connect_return(const struct sock *sk, struct given addr, int ret)
{
	struct call call = {};
	__u64 began = 0;
	int fd;

	if (!sk)
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
	if (addr.len >= 0 && (fd >= 0 || (ret != -EINPROGRESS && ret != -EALREADY)))
		emit_connect_return(sk, fd, began, ret, addr);
	return 0;
}

/* Of one that goes well nothing else is looked at, where only failures are asked for. */
static __always_inline bool connect_matters(const struct sock *sk, int ret)
{
	return !cfg.only_failed || cfg.by_pid || connect_failed(TYPED_PTR(sk), ret);
}

GUARDED_RETURN(x_connect, __inet_stream_connect, THREAD, DID_CONNECT_RETURN,
	       connect_matters(called_sock(socket), RETURNED(ctx, 5)) ?
	       connect_return(called_sock(socket), copied((__u64)uaddr, is_sendmsg ? -1 : len),
			      RETURNED(ctx, 5)) : 0,
	       const struct socket *socket, const void *uaddr, int len, int flags, int is_sendmsg)

static __always_inline int note_connect(const struct sock *sk, const void *uaddr, int len)
{
	int fd;

	if (!sk)
		return 0;
	fd = call_fd(sk);
	CALL_ENTER(.kind = CALL_CONNECT, .t_ns = call_began(CALL_CONNECT, fd, sk), .sk = (__u64)sk,
		   .uaddr = (__u64)uaddr, .fd = fd, .arg = len);
	return 0;
}

SEC("?kprobe/__inet_stream_connect")
int BPF_KPROBE(k_connect, const struct socket *socket, const void *uaddr, int len, int flags, int is_sendmsg)
{
	return note_connect(called_sock(socket), uaddr, is_sendmsg ? -1 : len);
}

/*
 * A kretprobe has room for 10 threads, or twice the CPUs: what others return is not seen. With cfg.tp_connect_return
 * system calls of 64-bit programs have the tracepoint for it, and this is for the rest.
 */
SEC("?kretprobe/__inet_stream_connect")
int BPF_KRETPROBE(r_connect, int ret)
{
	const struct call *call = call_now();

	if (!call || call->kind != CALL_CONNECT || !connect_matters((const struct sock *)call->sk, ret))
		return 0;
	if (cfg.tp_connect_return && (!HAS_REGS || in_connect(call_regs())))
		return 0;
	return connect_return((const struct sock *)call->sk, copied(call->uaddr, call->arg), ret);
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
