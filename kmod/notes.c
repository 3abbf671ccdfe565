// SPDX-License-Identifier: GPL-2.0-only
/*
 * With PREEMPT_RT softirqs are work of threads, which preempt each other where
 * no lock keeps those of one CPU apart (7.x: bpf/notes.bpf.h). A thread is in
 * one place at a time, so there the notes are the thread's.
 */
#include <linux/hash.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "notes.h"

#ifdef CONFIG_PREEMPT_RT

#define THREADS_BITS	10
#define THREADS_PROBES	8

static struct thread_notes {
	const struct task_struct *task;	/* NULL: free */
	struct notes notes;
} threads[1 << THREADS_BITS];

static struct thread_notes *thread_slot(u32 first, unsigned int i)
{
	return &threads[(first + i) & ((1U << THREADS_BITS) - 1)];
}

/* A place stays its thread's until another one finds no room. */
struct notes *notes(void)
{
	u32 first = hash_ptr(current, THREADS_BITS);
	static unsigned int victim;
	struct thread_notes *t;
	unsigned int i;

	for (i = 0; i < THREADS_PROBES; i++) {
		t = thread_slot(first, i);
		if (READ_ONCE(t->task) == current)
			return &t->notes;
	}
	for (i = 0; i < THREADS_PROBES; i++) {
		t = thread_slot(first, i);
		if (!cmpxchg(&t->task, NULL, current))
			return &t->notes;
	}
	t = thread_slot(first, READ_ONCE(victim) % THREADS_PROBES);
	WRITE_ONCE(victim, READ_ONCE(victim) + 1);
	WRITE_ONCE(t->task, current);
	memset(&t->notes, 0, sizeof(t->notes));
	return &t->notes;
}

void forget_cookies(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(threads); i++)
		threads[i].notes.cc_listener = NULL;
}

#else

static DEFINE_PER_CPU(struct notes, all_notes);

struct notes *notes(void)
{
	return this_cpu_ptr(&all_notes);
}

void forget_cookies(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		per_cpu_ptr(&all_notes, cpu)->cc_listener = NULL;
}

#endif
