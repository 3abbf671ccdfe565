/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between architectures: the registers of the system call that a thread is in, and the order of
 * stores.
 */
#ifndef TCPTRACE_ARCH_BPF_H
#define TCPTRACE_ARCH_BPF_H

#include "read.bpf.h"

/* bpf_task_pt_regs(): 5.15 and later */
#define HAS_REGS	(HAS_CAST || bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs))

#if defined(__TARGET_ARCH_x86)

#define THREAD_SIZE	16384	/* before 5.15, without KASAN */
#define TS_COMPAT	2

enum { NR_connect = 42, NR_accept = 43, NR_socket = 41, NR_splice = 275, NR_accept4 = 288 };
enum { COMPAT_socketcall = 102, COMPAT_splice = 313, COMPAT_socket = 359 };

/* A system call of a 32-bit program. */
static __always_inline bool call_compat(void)
{
	const struct task_struct *task = TYPED_PTR((const struct task_struct *)bpf_get_current_task());

	return READ(task, thread_info.status) & TS_COMPAT;
}

static __always_inline long call_nr(const struct pt_regs *regs)
{
	return READ(regs, orig_ax);
}

/* 32-bit programs: in ebx; or, of socketcall(call, args), in the array of user space that ecx points to. */
static __always_inline int call_arg0(const struct pt_regs *regs)
{
	int arg = -1;

	if (!call_compat())
		return READ(regs, di);
	if (call_nr(regs) != COMPAT_socketcall)
		return READ(regs, bx);
	bpf_probe_read_user(&arg, sizeof(arg), (const void *)(__u64)(__u32)READ(regs, cx));
	return arg;
}

/* The second and third argument, of a 64-bit program. */
static __always_inline __u64 call_arg1(const struct pt_regs *regs)
{
	return READ(regs, si);
}

static __always_inline __u64 call_arg2(const struct pt_regs *regs)
{
	return READ(regs, dx);
}

static __always_inline bool in_socket(const struct pt_regs *regs)
{
	long nr = call_nr(regs);

	return call_compat() ? nr == COMPAT_socket || nr == COMPAT_socketcall : nr == NR_socket;
}

static __always_inline bool in_splice(const struct pt_regs *regs)
{
	return call_nr(regs) == (call_compat() ? COMPAT_splice : NR_splice);
}

/* System calls that have a tracepoint: those of 64-bit programs. */
static __always_inline bool in_accept(const struct pt_regs *regs)
{
	long nr = call_nr(regs);

	return !call_compat() && (nr == NR_accept || nr == NR_accept4);
}

static __always_inline bool in_connect(const struct pt_regs *regs)
{
	return !call_compat() && call_nr(regs) == NR_connect;
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

#define THREAD_SIZE	16384	/* before 5.15, with pages of 4 KB or 16 KB, without KASAN */

enum { NR_splice = 76, NR_socket = 198, NR_accept = 202, NR_connect = 203, NR_accept4 = 242 };
enum { COMPAT_socket = 281, COMPAT_splice = 340 };	/* of 32-bit programs */

/* x0 holds the result at the exit, so the first argument is kept apart. */
static __always_inline long call_nr(const struct pt_regs *regs)
{
	return READ(regs, syscallno);
}

static __always_inline int call_arg0(const struct pt_regs *regs)
{
	return READ(regs, orig_x0);
}

static __always_inline __u64 call_arg1(const struct pt_regs *regs)
{
	return READ(regs, user_regs.regs[1]);
}

static __always_inline __u64 call_arg2(const struct pt_regs *regs)
{
	return READ(regs, user_regs.regs[2]);
}

/*
 * Compat or not is not asked: what has the same number in the other table never gets to inet_create() (198 is lchown32
 * there, 281 execveat here).
 */
static __always_inline bool in_socket(const struct pt_regs *regs)
{
	long nr = call_nr(regs);

	return nr == NR_socket || nr == COMPAT_socket;
}

static __always_inline bool in_splice(const struct pt_regs *regs)
{
	return call_nr(regs) == NR_splice || call_nr(regs) == COMPAT_splice;
}

/* System calls that have a tracepoint: those of 64-bit programs. */
static __always_inline bool in_accept(const struct pt_regs *regs)
{
	return call_nr(regs) == NR_accept || call_nr(regs) == NR_accept4;
}

static __always_inline bool in_connect(const struct pt_regs *regs)
{
	return call_nr(regs) == NR_connect;
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

/*
 * The registers of the system call that the current thread is in. A thread that is in none (io_uring's workers, kernel
 * threads) has some, too, which mean nothing. Before 5.15 they are read where they lie on a kernel stack of the usual
 * size: to be believed only if something else agrees, as in call_fd().
 */
static __always_inline const struct pt_regs *call_regs(void)
{
	const struct task_struct *task;
	__u64 top;

	if (HAS_REGS)
		return TYPED_PTR((const struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf()));
	task = (const void *)bpf_get_current_task();
	top = (__u64)READ(task, stack) + THREAD_SIZE;
	return (const void *)(top - bpf_core_type_size(struct pt_regs));
}

#endif
