/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The trace events: /sys/kernel/tracing/events/tcptrace. One class, whose
 * fields are those of struct tcptrace_record, in its order, from offset 8 on:
 * the bytes in the trace buffer are the record. Where the record has a union
 * the first member gives the name; see uapi/tcptrace.h.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM tcptrace

#if !defined(TCPTRACE_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define TCPTRACE_TRACE_H

#include <linux/tracepoint.h>

#include "hooks.h"
#include "uapi/tcptrace.h"

DECLARE_EVENT_CLASS(tcptrace,
	TP_PROTO(const struct tcptrace_record *r),
	TP_ARGS(r),
	TP_STRUCT__entry(
		__field(u64, t_ns)
		__field(u64, sk)
		__field(u64, listener)
		__field(u64, cookie)
		__field(u32, netns)
		__field(u32, pid)
		__field(u32, tid)
		__field(s32, fd)
		__array(char, comm, TCPTRACE_COMM_LEN)
		__array(u8, laddr, 16)
		__array(u8, raddr, 16)
		__field(u16, lport)
		__field(u16, rport)
		__field(u8, event)
		__field(u8, family)
		__field(u8, old)
		__field(u8, new)
		__field(u8, cause)
		__field(u8, flags)
		__field(u16, cpu)
		__field(u32, synq)
		__field(u32, synq_young)
		__field(u32, acceptq)
		__field(u32, acceptq_max)
		__field(s32, ret)
	),
	/* one by one: a memcpy over all of them is a field-spanning write */
	TP_fast_assign(
		__entry->t_ns = r->t_ns;
		__entry->sk = r->sk;
		__entry->listener = r->listener;
		__entry->cookie = r->cookie;
		__entry->netns = r->netns;
		__entry->pid = r->pid;
		__entry->tid = r->tid;
		__entry->fd = r->fd;
		memcpy(__entry->comm, r->comm, TCPTRACE_COMM_LEN);
		memcpy(__entry->laddr, r->laddr, 16);
		memcpy(__entry->raddr, r->raddr, 16);
		__entry->lport = r->lport;
		__entry->rport = r->rport;
		__entry->event = r->event;
		__entry->family = r->family;
		__entry->old = r->old;
		__entry->new = r->new;
		__entry->cause = r->cause;
		__entry->flags = r->flags;
		__entry->cpu = r->cpu;
		__entry->synq = r->synq;
		__entry->synq_young = r->synq_young;
		__entry->acceptq = r->acceptq;
		__entry->acceptq_max = r->acceptq_max;
		__entry->ret = r->ret;
	),
	TP_printk("%s", tcptrace_text(p, (const void *)&__entry->t_ns))
);

/* The hooks an event needs come and go with its users. */
#define TCPTRACE_EVENT_FN(sym, low, name, class, doc)				\
DEFINE_EVENT_FN(tcptrace, low,						\
	TP_PROTO(const struct tcptrace_record *r), TP_ARGS(r),		\
	tcptrace_reg_##low, tcptrace_unreg_##low);
TCPTRACE_EVENTS(TCPTRACE_EVENT_FN)
#undef TCPTRACE_EVENT_FN

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace_tcptrace
#include <trace/define_trace.h>
