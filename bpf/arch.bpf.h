/* SPDX-License-Identifier: GPL-2.0-only */
/* What differs between architectures: where a system call leaves its number and its first argument. */
#ifndef TCPTRACE_ARCH_BPF_H
#define TCPTRACE_ARCH_BPF_H

#include "read.bpf.h"

#define NR_connect	42

static __always_inline long call_nr(const struct pt_regs *regs)
{
	return READ(regs, orig_ax);
}

static __always_inline int call_arg0(const struct pt_regs *regs)
{
	return READ(regs, di);
}

#endif
