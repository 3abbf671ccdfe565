// SPDX-License-Identifier: GPL-2.0-only
/* --io: data read and written, one record a call. Loaded only when asked for. */
#include "arch.bpf.h"
#include "attach.bpf.h"
#include "filter.bpf.h"
#include "ring.bpf.h"

/* bytes: how many, or -errno; a call that only found nothing to do is no step */
static __always_inline int emit_io(__u32 event, const struct sock *sk, int bytes)
{
	struct tcptrace_record *r;

	sk = TYPED_PTR(sk);
	if (!bytes || bytes == -EAGAIN || !is_tcp(sk) || !wanted(sk))
		return 0;
	r = reserve(event);
	if (!r)
		return 0;
	set_sock(r, sk);
	set_actor(r, -1);
	r->ret = bytes;
	submit(r);
	return 0;
}

/* 6.3 and later (6e6eda44b939) */
SEC("?raw_tp/sock_send_length")
int BPF_PROG(tp_write, const struct sock *sk, int ret)
{
	return emit_io(TCPTRACE_WRITE, sk, ret);
}

/* What was only peeked at is read by a later call. */
SEC("?raw_tp/sock_recv_length")
int BPF_PROG(tp_read, const struct sock *sk, int ret, int flags)
{
	return flags & MSG_PEEK && ret > 0 ? 0 : emit_io(TCPTRACE_READ, sk, ret);
}

/* splice() passes neither of the two. */
SEC("?fexit/tcp_splice_read")
int BPF_PROG(x_splice, const struct socket *socket)
{
	return emit_io(TCPTRACE_READ, READ(TYPED_PTR(socket), sk), RETURNED(ctx, 5));
}

/* tcp_splice_read() may sleep, and a kretprobe has room for few threads: so each time before it waits for more. */
SEC("?kprobe/tcp_cleanup_rbuf")
int BPF_KPROBE(k_splice, const struct sock *sk, int copied)
{
	return copied > 0 && in_splice(call_regs()) ? emit_io(TCPTRACE_READ, sk, copied) : 0;
}

/* Before: what tcp_sendmsg() is asked to take, and what tcp_recvmsg() has handed out. */
AT_ENTRY(write, tcp_sendmsg, emit_io(TCPTRACE_WRITE, sk, size),
	 const struct sock *sk, const void *msg, unsigned long size)

AT_ENTRY(read, tcp_cleanup_rbuf, copied > 0 ? emit_io(TCPTRACE_READ, sk, copied) : 0,
	 const struct sock *sk, int copied)
