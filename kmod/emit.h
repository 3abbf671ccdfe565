/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way out: every record is reserved (begun on the caller's stack), filled
 * and submitted through the functions here. A record for which a trace buffer
 * has no room is counted by that buffer.
 */
#ifndef TCPTRACE_EMIT_H
#define TCPTRACE_EMIT_H

#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/timekeeping.h>

#include "uapi/tcptrace.h"

extern u64 events_on;		/* hooks.c: one bit per event */

/* trace.c */
void trace_init_events(void);
void trace_record(const struct tcptrace_record *r);

/* False: this event has no user now. All but the addresses is "nothing". */
static inline bool reserve(struct tcptrace_record *r, unsigned int event)
{
	if (!(READ_ONCE(events_on) & 1ULL << event))
		return false;
	memset(r, 0, sizeof(*r));
	r->t_ns = ktime_get_mono_fast_ns();
	r->fd = -1;
	r->event = event;
	r->cpu = raw_smp_processor_id();
	return true;
}

static inline void submit(const struct tcptrace_record *r)
{
	trace_record(r);
}

/*
 * The caller of a system call: process context only. A kernel thread acts for a
 * program that we do not see: MPTCP's worker joins a connection to another,
 * io_uring's closes what was in a ring that is gone. An io_uring thread
 * (iou-sqp-1234) is one of the program's, but has a name of its own.
 */
static inline void set_actor(struct tcptrace_record *r, int fd)
{
	const struct task_struct *task = current;

	if (fd < 0 && task->flags & PF_KTHREAD)
		return;
	if (fd < 0 && task->flags & PF_IO_WORKER)
		task = task->group_leader;
	r->pid = current->tgid;
	r->tid = current->pid;
	r->fd = fd;
	r->flags |= TCPTRACE_F_ACTOR;
	memcpy(r->comm, task->comm, sizeof(r->comm));
}

/* The kernel calls, in the context of whatever thread: no process number. */
static inline void set_kernel(struct tcptrace_record *r)
{
	r->flags |= TCPTRACE_F_ACTOR;
	memset(r->comm, 0, sizeof(r->comm));
	memcpy(r->comm, "[kernel]", 8);
}

#endif
