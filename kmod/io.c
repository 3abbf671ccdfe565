// SPDX-License-Identifier: GPL-2.0-only
/*
 * Data read and written, one record a call. Its twin is bpf/io.bpf.c.
 */
#include <trace/events/sock.h>

#include "hooks.h"
#include "read.h"

/* bytes: how many, or -errno; a call that only found nothing to do is no step */
static void emit_io(unsigned int event, const struct sock *sk, int bytes)
{
	struct tcptrace_record r;

	if (!bytes || bytes == -EAGAIN || !is_tcp(sk) || !wanted(sk) ||
	    !reserve(&r, event))
		return;
	set_sock(&r, sk);
	set_actor(&r, -1);
	r.ret = bytes;
	submit(&r);
}

/* 6.3 and later (6e6eda44b939) */
static void tp_write(void *data, struct sock *sk, int ret, int flags)
{
	emit_io(TCPTRACE_WRITE, sk, ret);
}

/* What was only peeked at is read by a later call. */
static void tp_read(void *data, struct sock *sk, int ret, int flags)
{
	if (!(flags & MSG_PEEK) || ret < 0)
		emit_io(TCPTRACE_READ, sk, ret);
}

#ifdef HAVE_SOCK_LENGTH
/* splice() passes neither of the two. */
static int splice_enter(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	const struct socket *sock = ARG(regs, 0);

	*(const struct sock **)ri->data = sock->sk;
	return 0;
}

static int splice_exit(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	emit_io(TCPTRACE_READ, *(const struct sock **)ri->data,
		(long)regs_return_value(regs));
	return 0;
}
#endif

/*
 * Before: what tcp_sendmsg() is asked to take, and what tcp_recvmsg() has
 * handed out.
 */
static int k_write(struct kprobe *p, struct pt_regs *regs)
{
	emit_io(TCPTRACE_WRITE, ARG(regs, 0), (long)ARG(regs, 2));
	return 0;
}

static int k_read(struct kprobe *p, struct pt_regs *regs)
{
	int copied = (long)ARG(regs, 1);

	if (copied > 0)
		emit_io(TCPTRACE_READ, ARG(regs, 0), copied);
	return 0;
}

#ifdef HAVE_SOCK_LENGTH
static void __maybe_unused check_types(void)
{
	check_trace_callback_type_sock_send_length(tp_write);
	check_trace_callback_type_sock_recv_length(tp_read);
}
#endif

struct hook io_hooks[] = {
	TRACEPOINT(sock_send_length, tp_write, ON(WRITE)),
	ENTER_ELSE(tcp_sendmsg, k_write, ON(WRITE)),
	TRACEPOINT(sock_recv_length, tp_read, ON(READ)),
	ENTER_ELSE(tcp_cleanup_rbuf, k_read, ON(READ)),
#ifdef HAVE_SOCK_LENGTH
	EXIT(tcp_splice_read, splice_enter, splice_exit,
	     sizeof(struct sock *), ON(READ)),
#endif
	{ }
};
