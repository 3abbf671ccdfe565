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

/* The TCP socket of a file, or NULL. */
static __always_inline struct sock *file_sock(const struct file *file)
{
	struct socket *socket;
	struct sock *sk;

	if (!file || (READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	socket = TYPED_PTR((struct socket *)READ(file, private_data));
	sk = READ(socket, sk);
	return sk && is_tcp(sk) ? sk : NULL;
}

static __always_inline struct sock *fd_sock(int fd)
{
	return file_sock(fd_file(fd));
}

#endif
