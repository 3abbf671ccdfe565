// SPDX-License-Identifier: GPL-2.0-only
/*
 * What perf, trace-cmd and KernelShark print. They cannot call tcptrace_text():
 * libtraceevent takes the print format in the event's file "format", and
 * understands no more there than fields, addresses and __print_symbolic().
 */
#include <linux/kernel.h>

#include "text.h"

#define FORMAT_MAX	1536

#define ENDS(arrow)	"[%pI6c]:%u " arrow " [%pI6c]:%u"
#define ENDS_OF		", REC->laddr, REC->lport, REC->raddr, REC->rport"
#define QUEUES		" synq=%u(%u)/%u acceptq=%u/%u"
#define QUEUES_OF	", REC->synq, REC->synq_young, REC->acceptq_max, " \
			"REC->acceptq, REC->acceptq_max"
#define ACTOR		" fd=%d ret=%d %s/%u"
#define ACTOR_OF	", REC->fd, REC->ret, REC->comm, REC->pid"

struct format {
	char text[FORMAT_MAX];
	size_t len;
};

static struct format call, listen, queue, state, destroy, segment, found;

static __printf(2, 3) void add(struct format *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	f->len += vscnprintf(f->text + f->len, FORMAT_MAX - f->len, fmt, ap);
	va_end(ap);
}

/* One more argument, for a %s: the name of what a field says. */
static void add_names(struct format *f, const char *field,
		      const char *const *names, unsigned int n)
{
	unsigned int i;

	add(f, ", __print_symbolic(REC->%s", field);
	for (i = 0; i < n; i++)
		add(f, ", { %u, \"%s\" }", i, names[i]);
	add(f, ")");
}

static void add_cause(struct format *f)
{
	add_names(f, "cause", cause_names, TCPTRACE_CAUSE_END);
}

static void add_state(struct format *f, const char *field)
{
	add_names(f, field, state_names, STATES);
}

void format_init(void)
{
	add(&call, "%s", "\"" ENDS("-") ACTOR "\"" ENDS_OF ACTOR_OF);
	add(&listen, "%s", "\"[%pI6c]:%u" QUEUES ACTOR "\", "
	    "REC->laddr, REC->lport" QUEUES_OF ACTOR_OF);
	add(&queue, "%s", "\"" ENDS("<-") QUEUES " %s\"" ENDS_OF QUEUES_OF);
	add_cause(&queue);
	add(&state, "%s", "\"" ENDS("-") " %s -> %s\"" ENDS_OF);
	add_state(&state, "old");
	add_state(&state, "new");
	add(&destroy, "%s", "\"" ENDS("-") "\"" ENDS_OF);
	add(&segment, "%s", "\"" ENDS("-") " ret=%d %s\"" ENDS_OF ", REC->ret");
	add_state(&segment, "new");
	add(&found, "%s", "\"" ENDS("-") QUEUES ACTOR " %s\""
	    ENDS_OF QUEUES_OF ACTOR_OF);
	add_state(&found, "new");
}

char *format_of(unsigned int event)
{
	if (event == TCPTRACE_LISTEN)
		return listen.text;
	if (event == TCPTRACE_DESTROY)
		return destroy.text;
	switch (tcptrace_event_class(event)) {
	case TCPTRACE_CALL:
	case TCPTRACE_IO:
		return call.text;
	case TCPTRACE_QUEUE:
		return queue.text;
	case TCPTRACE_STATES:
		return state.text;
	case TCPTRACE_SEGMENT:
		return segment.text;
	}
	return found.text;
}
