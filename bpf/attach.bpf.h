/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The programs at a function's entry and return, by both mechanisms that have one: f_NAME (fentry) and k_NAME
 * (kprobe), x_NAME (fexit) and r_NAME (kretprobe). hook is an expression. At an entry it is one of the arguments; at a
 * return there are none: what it needs of them the program at the entry has left in struct notes. In AT_RETURN_OF(), of
 * a function with n arguments that returns an int, `ret` is the result.
 */
#ifndef TCPTRACE_ATTACH_BPF_H
#define TCPTRACE_ATTACH_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
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

#define AT_RETURN_OF(name, function, n, hook)			\
SEC("?fexit/" #function)					\
int BPF_PROG(x_##name)						\
{								\
	int ret = RETURNED(ctx, n);				\
								\
	return hook;						\
}								\
SEC("?kretprobe/" #function)					\
int BPF_KRETPROBE(r_##name, int ret)				\
{								\
	return hook;						\
}

/*
 * Return value in fexit: bpf_get_func_ret() since 5.17 (f92c1e183604); before, it follows the n arguments in ctx.
 * In asm, as 5.10's verifier refuses a computed ctx offset.
 */
#define RETURNED(ctx, n) ({									\
	__u64 ret_ = 0;										\
	if (HAS_CAST || bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_func_ret))	\
		bpf_get_func_ret(ctx, &ret_);							\
	else											\
		asm volatile("%0 = *(u64 *)(%1 + %2)" : "=r"(ret_) : "r"(ctx), "i"((n) * 8));	\
	ret_;											\
})

#endif
