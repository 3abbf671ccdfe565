// SPDX-License-Identifier: GPL-2.0-only
/* connect(): where it begins, below the system call, and what it returns. Its twin is kmod/connect.c. */
#include "attach.bpf.h"
#include "call.bpf.h"
#include "filter.bpf.h"
#include "recursion.bpf.h"
#include "ring.bpf.h"

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

/* sk: TCP; uaddr: the kernel's copy. One that is too short, or of another family, will be refused: it is not reported. */
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

/* Of an ICMP error that came while connect() held the socket: the program gets it by SO_ERROR alone (tcp_v4_err()). */
static __always_inline __u32 soft_errno(const struct sock *sk, int ret)
{
	return ret == -EINPROGRESS ? READ(sk, sk_err_soft) : 0;
}

/* A repeated call that asks how the first one goes has not failed. sk: typed. */
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

/* Where only failures are asked for, a success is not looked at any further. */
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
