/* SPDX-License-Identifier: GPL-2.0-only */
/* --explain: what the kernel just did, one sentence an event. */
#ifndef TCPTRACE_EXPLAIN_H
#define TCPTRACE_EXPLAIN_H

#include "view.h"

/* The English sentence, which is also the msgid; NULL: there is none. ret: of a call. */
const char *explain(unsigned int event, unsigned int old, unsigned int new, unsigned int cause, int ret);
const char *explain_event(const struct model_event *ev);
const char *explain_text(unsigned int i);	/* all of them; NULL past the last */
/* Puts it translated, wrapped to the width of the view, each line indented. */
void explain_put(struct view *v, const char *text, unsigned int indent);

#endif
