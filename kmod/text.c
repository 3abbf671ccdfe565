// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a record reads as text, in trace and trace_pipe.
 */
#include <linux/trace_seq.h>
#include <net/ipv6.h>

#include "text.h"

const char *const state_names[STATES] = {
	"-", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2",
	"TIME_WAIT", "CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING",
	"NEW_SYN_RECV",
};

const char *const cause_names[TCPTRACE_CAUSE_END] = {
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
	return state < STATES ? state_names[state] : "?";
}

/*
 * 127.0.0.1:80 <- 127.0.0.1:4711 synq=1(1)/128 acceptq=0/128
 * 127.0.0.1:80 <- 127.0.0.1:4711 synq=0(0)/128 acceptq=1/128 accepted
 * 127.0.0.1:80 - 127.0.0.1:4711 ESTABLISHED -> CLOSE_WAIT
 */
const char *tcptrace_text(struct trace_seq *p,
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
	if (r->cause && r->cause < TCPTRACE_CAUSE_END)
		trace_seq_printf(p, " %s", cause_names[r->cause]);
	if (r->event == TCPTRACE_RETRANS)
		trace_seq_printf(p, " segments=%llu ret=%d", r->arg, r->ret);
	if (r->flags & TCPTRACE_F_ACTOR)
		trace_seq_printf(p, " fd=%d ret=%d %.16s/%u", r->fd, r->ret,
				 r->comm, r->pid);
	trace_seq_putc(p, 0);
	return text;
}
