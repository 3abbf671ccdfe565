// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where a third packet is refused for a full accept queue it waits, before those who look at the return of the function
 * (programs attached earlier run later), until another CPU has taken a connection out.
 */
#include "../../bpf/vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

char _license[] SEC("license") = "GPL";

static long stop_waiting(__u32 i, const struct sock **listener)
{
	return BPF_CORE_READ(*listener, sk_ack_backlog) <= BPF_CORE_READ(*listener, sk_max_ack_backlog);
}

SEC("fexit/tcp_v4_syn_recv_sock")
int BPF_PROG(late, const struct sock *listener)
{
	__u64 child = 0;

	bpf_get_func_ret(ctx, &child);
	if (!child)
		bpf_loop(1 << 22, stop_waiting, &listener, 0);	/* some seconds at most */
	return 0;
}
