/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The programs at a function's entry and return, by both mechanisms that have one: f_NAME (fentry) and k_NAME
 * (kprobe), x_NAME (fexit) and r_NAME (kretprobe). hook is an expression, of the arguments at an entry; at a return
 * what the hook needs of them is in notes.bpf.h, where its entry left it.
 */
#ifndef TCPTRACE_ATTACH_BPF_H
#define TCPTRACE_ATTACH_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define AT_ENTRY(name, function, hook, args...)			\
SEC("?fentry/" #function)					\
int BPF_PROG(f_##name, args)					\
{								\
	return hook;						\
}								\
SEC("?kprobe/" #function)					\
int BPF_KPROBE(k_##name, args)					\
{								\
	return hook;						\
}

#define AT_RETURN(name, function, hook)				\
SEC("?fexit/" #function)					\
int BPF_PROG(x_##name)						\
{								\
	return hook;						\
}								\
SEC("?kretprobe/" #function)					\
int BPF_KRETPROBE(r_##name)					\
{								\
	return hook;						\
}

#endif
