// SPDX-License-Identifier: GPL-2.0-only
/*
 * The trace events themselves: how a record enters them, how it reads as text,
 * and that enabling one waits for its hooks.
 */
#include <linux/trace_events.h>
#include <linux/trace_seq.h>
#include <net/ipv6.h>

#include "emit.h"
#include "hooks.h"

/* ---- text ---- */

static const char *const states[] = {
	"0", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2",
	"TIME_WAIT", "CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING",
	"NEW_SYN_RECV",
};

static const char *const causes[] = {
	[TCPTRACE_CAUSE_NONE] = "",
#define TCPTRACE_NAME(sym, name, group) [TCPTRACE_##sym] = (name),
	TCPTRACE_CAUSES(TCPTRACE_NAME)
#undef TCPTRACE_NAME
};

static void put_addr(struct trace_seq *p, const u8 *addr, u16 port)
{
	const struct in6_addr *a = (const void *)addr;

	if (ipv6_addr_v4mapped(a))
		trace_seq_printf(p, "%pI4:%u", &a->s6_addr32[3], port);
	else
		trace_seq_printf(p, "[%pI6c]:%u", a, port);
}

static void put_tuple(struct trace_seq *p, const struct tcptrace_record *r)
{
	put_addr(p, r->laddr, r->lport);
	if (r->event == TCPTRACE_LISTEN) {
		trace_seq_printf(p, " backlog=%d somaxconn=%u", r->backlog,
				 r->somaxconn);
	} else if (r->rport) {
		trace_seq_puts(p, r->listener ? " <- " :
			       r->event == TCPTRACE_CONNECT ? " -> " : " - ");
		put_addr(p, r->raddr, r->rport);
	}
}

static const char *state_name(u8 state)
{
	return state < ARRAY_SIZE(states) ? states[state] : "?";
}

/*
 * 127.0.0.1:80 <- 127.0.0.1:4711 synq=1(1)/128 acceptq=0/128
 * 127.0.0.1:80 <- 127.0.0.1:4711 synq=0(0)/128 acceptq=1/128 accepted
 * 127.0.0.1:80 - 127.0.0.1:4711 ESTABLISHED -> CLOSE_WAIT
 */
static const char *tcptrace_text(struct trace_seq *p,
				 const struct tcptrace_record *r)
{
	const char *text = trace_seq_buffer_ptr(p);

	put_tuple(p, r);
	if (r->event == TCPTRACE_STATE)
		trace_seq_printf(p, " %s -> %s", state_name(r->old),
				 state_name(r->new));
	else if (r->event == TCPTRACE_SHUTDOWN)
		trace_seq_printf(p, " how=%u", r->new);
	else if (r->new)
		trace_seq_printf(p, " %s", state_name(r->new));
	if (r->flags & TCPTRACE_F_QUEUES)
		trace_seq_printf(p, " synq=%u(%u)/%u acceptq=%u/%u", r->synq,
				 r->synq_young, r->acceptq_max, r->acceptq,
				 r->acceptq_max);
	if (r->cause && r->cause < ARRAY_SIZE(causes))
		trace_seq_printf(p, " %s", causes[r->cause]);
	if (r->flags & TCPTRACE_F_ACTOR)
		trace_seq_printf(p, " fd=%d ret=%d %.16s/%u", r->fd, r->ret,
				 r->comm, r->pid);
	trace_seq_putc(p, 0);
	return text;
}

/* ---- events ---- */

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

/*
 * What perf and trace-cmd print: they cannot call tcptrace_text(), and read
 * this format with the fields instead.
 */
static char plain_format[] =
	"\"[%pI6c]:%u [%pI6c]:%u %u->%u synq=%u(%u) acceptq=%u/%u cause=%u "
	"pid=%u fd=%d ret=%d\", REC->laddr, REC->lport, REC->raddr, "
	"REC->rport, REC->old, REC->new, REC->synq, REC->synq_young, "
	"REC->acceptq, REC->acceptq_max, REC->cause, REC->pid, REC->fd, "
	"REC->ret";

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
#define TCPTRACE_FORMAT(sym, low, name, class, doc)			\
	event_##low.print_fmt = plain_format;
	TCPTRACE_EVENTS(TCPTRACE_FORMAT)
}
