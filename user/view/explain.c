// SPDX-License-Identifier: GPL-2.0-only
#include "explain.h"
const char *explain(unsigned int event, unsigned int old, unsigned int new, unsigned int cause, int ret)
{
	(void)event, (void)old, (void)new, (void)cause, (void)ret;
	return NULL;
}

const char *explain_event(const struct model_event *ev)
{
	return explain(ev->event, ev->old, ev->new, ev->cause, ev->rec->ret);
}

void explain_put(struct view *v, const char *text, unsigned int indent)
{
	(void)v, (void)text, (void)indent;
}
