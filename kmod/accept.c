// SPDX-License-Identifier: GPL-2.0-only
/*
 * accept(), the call that waits, and what it takes out of the queue; its return
 * is seen in calls.c. Its twin is bpf/accept.bpf.c.
 */
#include <linux/net.h>
#include <asm/syscall.h>

#include "call.h"
#include "hooks.h"
#include "read.h"

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
 * Before: accept() of all families passes here, with the connection alone; the
 * caller's descriptor says which listener.
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

void accept_error(const struct sock *listener, u64 began, int ret)
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

void accept_return(const struct sock *listener, int ret)
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

struct hook accept_hooks[] = {
	ENTER(inet_csk_accept, k_accept, ON(ACCEPT)),
	ENTER(__inet_accept, k_take, ON(ACCEPTQ_DEL)),
	ENTER_ELSE(security_sock_graft, k_graft, ON(ACCEPTQ_DEL)),
	{ }
};
