/* SPDX-License-Identifier: GPL-2.0-only */
/* From a descriptor of the current process to its file, and from that to its TCP socket. */
#ifndef TCPTRACE_FILE_BPF_H
#define TCPTRACE_FILE_BPF_H

#include "read.bpf.h"

static __always_inline struct file *fd_file(int fd)
{
	struct task_struct *task = TYPED_PTR((struct task_struct *)bpf_get_current_task());
	struct fdtable *fdt = TYPED_PTR((struct fdtable *)READ(task, files, fdt));
	struct file **slot = READ(fdt, fd) + fd, *file = NULL;

	if (fd < 0 || (__u32)fd >= READ(fdt, max_fds))
		return NULL;
	if (HAS_CAST) {		/* the slot, read as that member of a struct that has a pointer there */
		fdt = TYPED_PTR((struct fdtable *)((char *)slot - bpf_core_field_offset(struct fdtable, fd)));
		return TYPED_PTR((struct file *)READ(fdt, fd));
	}
	bpf_probe_read_kernel(&file, sizeof(file), slot);
	return file;
}

/*
 * The TCP socket behind a socket that a program holds, or NULL: itself, or the first subflow of an MPTCP socket, which
 * is there from socket() on (6.1), or from the first bind() or connect() on (6.12).
 */
static __always_inline struct sock *tcp_side(struct sock *sk)
{
	if (!sk || is_tcp(sk))
		return sk;
	return bpf_core_type_exists(struct mptcp_sock) && is_inet(sk) && READ(sk, sk_protocol) == IPPROTO_MPTCP ?
		       READ(TYPED_PTR((struct mptcp_sock *)sk), first) : NULL;
}

/* The TCP socket of a file, or NULL. One of O_PATH has no private_data: NULL reads as 0. */
static __always_inline struct sock *file_sock(const struct file *file)
{
	struct socket *socket;

	if (!file || (READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	socket = TYPED_PTR((struct socket *)READ(file, private_data));
	return tcp_side(READ(socket, sk));
}

static __always_inline struct sock *fd_sock(int fd)
{
	return file_sock(fd_file(fd));
}

/* Is that a descriptor of this very socket? */
static __always_inline bool fd_is(int fd, const struct sock *sk)
{
	const struct file *file = fd_file(fd);
	__u64 socket;

	if (!file)
		return false;
	socket = (__u64)READ(file, private_data);
	if (socket == (__u64)READ(sk, sk_socket))
		return socket;
	return is_subflow(sk) && (__u64)file_sock(file) == (__u64)sk;
}

/* The other way: the socket that a program would hold, of a subflow its MPTCP socket, else itself. */
static __always_inline const struct sock *held_side(const struct sock *sk)
{
	const struct inet_connection_sock *icsk = TYPED_PTR((const struct inet_connection_sock *)sk);
	const struct mptcp_subflow_context *subflow;

	if (!bpf_core_type_exists(struct mptcp_subflow_context) || !is_subflow(sk))
		return sk;
	subflow = TYPED_PTR((const struct mptcp_subflow_context *)READ(icsk, icsk_ulp_data));
	return READ(subflow, conn);
}

/*
 * A socket of the kernel's own (nfsd, nvmet, ksmbd, MPTCP's of `ip mptcp endpoint`): no process holds it, it has no
 * file. (sk_kern_sock does not tell: nvmet-tcp and iSCSI targets make theirs as if for the process that configures them.)
 */
static __always_inline bool of_kernel(const struct sock *sk)
{
	const struct socket *socket = READ(TYPED_PTR(held_side(sk)), sk_socket);

	return socket && !READ(socket, file);
}

/* The caller is the kernel, in the context of whatever thread: it has no process number. */
static __always_inline void set_kernel(struct tcptrace_record *r)
{
	r->flags |= TCPTRACE_F_ACTOR;
	*(__u64 *)&r->comm[0] = 0x5d6c656e72656b5bull;	/* "[kernel]" */
	*(__u64 *)&r->comm[8] = 0;
}

#endif
