// SPDX-License-Identifier: GPL-2.0-only
/*
 * denied PROGRAM [ARGUMENT]... - runs it under a seccomp filter that answers bpf() and perf_event_open() with EPERM,
 * as that of a container engine does where it does not know the capabilities for them
 */
#define _GNU_SOURCE
#include "net.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static void report(void)
{
}

int main(int argc, char **argv)
{
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_bpf, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_perf_event_open, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog prog = { sizeof(code) / sizeof(*code), code };

	if (argc < 2)
		die("usage: denied PROGRAM [ARGUMENT]...");
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog))
		die("set a seccomp filter");
	execvp(argv[1], argv + 1);
	die("%s", argv[1]);
}
