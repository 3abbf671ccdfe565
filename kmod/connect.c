// SPDX-License-Identifier: GPL-2.0-only
/*
 * connect(): where it begins, below the system call, and what it returns
 * (calls.c). Its twin is bpf/connect.bpf.c.
 */
#include <linux/net.h>

#include "call.h"
#include "hooks.h"
#include "read.h"

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
 * To a mapped address: tcp_v4_connect() goes on, which has a hook. With
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
 * Of an ICMP error that came while connect() held the socket: the program gets
 * it by SO_ERROR alone (tcp_v4_err()).
 */
static u32 soft_errno(const struct sock *sk, int ret)
{
	return ret == -EINPROGRESS ? READ_ONCE(sk->sk_err_soft) : 0;
}

/* A repeated call that asks how the first one goes has not failed. */
static bool connect_failed(int ret)
{
	return ret < 0 && ret != -EINPROGRESS && ret != -EALREADY && ret != -EISCONN;
}

void connect_return(const struct sock *sk, const unsigned long *args, int ret)
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

struct hook connect_hooks[] = {
	ENTER(tcp_v4_connect, k_connect4, ON(CONNECT)),
	ENTER(tcp_v6_connect, k_connect6, ON(CONNECT)),
	{ }
};
