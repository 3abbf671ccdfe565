// SPDX-License-Identifier: GPL-2.0-only
/*
 * Compiled by tests/lint/added in a copy of the tree, in which the X-lists have one event (novel) and one cause
 * (novel-reason) more at their ends, as the ABI rule wants it: what did not name them must take them.
 */
#include <assert.h>
#include <errno.h>

#include "../fuzz/options.c"	/* in place of what traces */
#include "../../user/run/select.h"

static const char *parse(struct options *o, const char *event)
{
	char *argv[] = { (char *)"tcptrace", (char *)"-e", (char *)(uintptr_t)event, NULL };

	return options_parse(o, 3, argv, commands) ? o->error : NULL;
}

static void on_event(void *ctx, const struct model_event *ev)
{
	*(unsigned int *)ctx = ev->cause;
}

int main(void)
{
	struct tcptrace_record rec = { .t_ns = 1, .event = TCPTRACE_NOVEL, .family = 4, .lport = 80 };
	struct filter f = { .lports = { { 80, 80 } }, .nlports = 1 };
	struct select s = { .filter = &f };
	static struct options o;
	unsigned int cause = 0;
	struct model *m;

	assert(TCPTRACE_NOVEL == TCPTRACE_PLACE + 1);

	/* -e takes it, and names it where it refuses another */
	assert(!parse(&o, "novel") && o.events == EVENT_BIT(NOVEL));
	assert(strstr(parse(&o, "none"), " novel"));

	/* a filtered recording keeps it */
	assert(select_record(&s, &rec));
	rec.lport = 81;
	assert(!select_record(&s, &rec));

	/* it is counted, and harms nothing where it has no handler yet */
	m = model_new(NULL, on_event, &cause);
	assert(m);
	model_feed(m, &rec);
	assert(model_totals(m)->records == 1);

	/* the cause belongs to its group: it is a refusal of the listener, and no "unknown" */
	rec.event = TCPTRACE_DROP;
	rec.cause = TCPTRACE_DROP_NOVEL;
	rec.listener = 0xffff000000000001;
	model_feed(m, &rec);
	assert(cause == TCPTRACE_DROP_NOVEL);
	assert(tcptrace_cause_group(cause) == TCPTRACE_CAUSES_REFUSED);
	assert(model_listener(m, 0)->causes[TCPTRACE_DROP_NOVEL] == 1);
	assert(listener_refused(model_listener(m, 0)) == 1);
	model_free(m);
	return 0;
}
