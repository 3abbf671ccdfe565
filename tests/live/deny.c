// SPDX-License-Identifier: GPL-2.0-only
/*
 * deny - while it runs, what the sockets of a cgroup send is dropped on the way out, with EPERM
 *
 * As a firewall drops it (netfilter says EPERM, too), without a firewall: a BPF program of two instructions at
 * the cgroup's egress. Ends with SIGTERM.
 */
#define _GNU_SOURCE
#include "net.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/syscall.h>

static void report(void)
{
}

static int bpf(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static int drop_all(void)
{
	static const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_CGROUP_SKB,
		.insns = (uintptr_t)insns,
		.insn_cnt = sizeof(insns) / sizeof(insns[0]),
		.license = (uintptr_t)"GPL",
	};
	int fd = bpf(BPF_PROG_LOAD, &attr);

	if (fd < 0)
		die("load a program");
	return fd;
}

int main(int argc, char **argv)
{
	union bpf_attr attr = { .attach_type = BPF_CGROUP_INET_EGRESS };
	sigset_t end;
	int sig;

	if (argc != 2)
		wrong_usage("usage: deny CGROUP-DIRECTORY");
	limit_time(600);
	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	sigprocmask(SIG_BLOCK, &end, NULL);
	attr.target_fd = open(argv[1], O_DIRECTORY | O_CLOEXEC);
	attr.attach_bpf_fd = drop_all();
	if (bpf(BPF_PROG_ATTACH, &attr))
		die("attach to '%s'", argv[1]);
	say_ready();
	sigwait(&end, &sig);
	if (bpf(BPF_PROG_DETACH, &attr))
		die("detach from '%s'", argv[1]);
	return 0;
}
