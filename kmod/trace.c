// SPDX-License-Identifier: GPL-2.0-only
/*
 * The trace events themselves: how a record enters them, and that enabling one
 * waits for its hooks.
 */
#include <linux/trace_events.h>

#include "emit.h"
#include "hooks.h"
#include "text.h"

#define TCPTRACE_REG(sym, low, name, class, doc)			\
static int tcptrace_reg_##low(void)					\
{									\
	return hooks_want(TCPTRACE_##sym);				\
}									\
static void tcptrace_unreg_##low(void)					\
{									\
	hooks_unwant(TCPTRACE_##sym);					\
}
TCPTRACE_EVENTS(TCPTRACE_REG)

#define CREATE_TRACE_POINTS
#include "trace_tcptrace.h"

void trace_record(const struct tcptrace_record *r)
{
#define TCPTRACE_CASE(sym, low, name, class, doc)			\
	case TCPTRACE_##sym:						\
		trace_##low(r);						\
		break;
	switch (r->event) {
	TCPTRACE_EVENTS(TCPTRACE_CASE)
	}
}

/*
 * Tracefs and perf come here, without tracepoints_mutex. The buffer of perf is
 * not there yet, so for it there is no snapshot.
 */
static int reg_and_settle(struct trace_event_call *call, enum trace_reg type,
			  void *data)
{
	int err = trace_event_reg(call, type, data);

	if (!err && (type == TRACE_REG_REGISTER ||
		     type == TRACE_REG_PERF_REGISTER))
		hooks_settle();
	if (!err && type == TRACE_REG_REGISTER && call == &event_exists)
		snapshot();
	return err;
}

#define SAME_PLACE(field)						\
	BUILD_BUG_ON(offsetof(struct trace_event_raw_tcptrace, field) -	\
		     offsetof(struct trace_event_raw_tcptrace, t_ns) !=	\
		     offsetof(struct tcptrace_record, field))

void trace_init_events(void)
{
	SAME_PLACE(sk);
	SAME_PLACE(comm);
	SAME_PLACE(raddr);
	SAME_PLACE(event);
	SAME_PLACE(cpu);
	SAME_PLACE(ret);
	event_class_tcptrace.reg = reg_and_settle;
	format_init();
#define TCPTRACE_FORMAT(sym, low, name, class, doc)			\
	event_##low.print_fmt = format_of(TCPTRACE_##sym);
	TCPTRACE_EVENTS(TCPTRACE_FORMAT)
}
