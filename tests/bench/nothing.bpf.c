// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs that do nothing, as vm attaches them: what bpf_stats counts for one of their runs is its own clock. One of
 * each kind, since __bpf_prog_enter() and bpf_prog_run() read it in different places.
 */
#include "../../bpf/vmlinux.h"

#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "GPL";

SEC("fentry/tcp_v4_syn_recv_sock")
int nothing_fentry(void *ctx)
{
	return 0;
}

SEC("kprobe/tcp_v4_syn_recv_sock")
int nothing_kprobe(void *ctx)
{
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int nothing_tp(void *ctx)
{
	return 0;
}
