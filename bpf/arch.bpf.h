/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between architectures: the registers of the system call that a thread is in, and the order of
 * stores.
 */
#ifndef TCPTRACE_ARCH_BPF_H
#define TCPTRACE_ARCH_BPF_H

#include "read.bpf.h"

#if defined(__TARGET_ARCH_x86)

enum { NR_connect = 42 };

static __always_inline long call_nr(const struct pt_regs *regs)
{
	return READ(regs, orig_ax);
}

static __always_inline int call_arg0(const struct pt_regs *regs)
{
	return READ(regs, di);
}

/*
 * The stores before are seen before the new number by whoever reads it. x86 keeps stores in order; it is the
 * compiler that must.
 */
static __always_inline void publish(volatile __u64 *seq)
{
	barrier();
	*seq += 1;
}

#elif defined(__TARGET_ARCH_arm64)

enum { NR_connect = 203 };

/* x0 holds the result at the exit, so the first argument is kept apart. */
static __always_inline long call_nr(const struct pt_regs *regs)
{
	return READ(regs, syscallno);
}

static __always_inline int call_arg0(const struct pt_regs *regs)
{
	return READ(regs, orig_x0);
}

/*
 * An atomic operation that returns what was there is a full barrier in BPF, one that does not is none; therefore
 * the result is asked for. (A store with release semantics would do: 6.15.)
 */
static __always_inline void publish(volatile __u64 *seq)
{
	__u64 before = __sync_fetch_and_add(seq, 1);

	asm volatile("" : : "r"(before) : "memory");
}

#else
#error "no registers and no order of stores for this architecture"
#endif

#endif
