/* SPDX-License-Identifier: GPL-2.0-only */
/* How a record reads: as the kernel prints it, and as perf and trace-cmd do. */
#ifndef TCPTRACE_TEXT_H
#define TCPTRACE_TEXT_H

#include "uapi/tcptrace.h"

#define STATES	13		/* TCP_NEW_SYN_RECV is the last */

extern const char *const state_names[STATES];
extern const char *const cause_names[TCPTRACE_CAUSE_END];

struct trace_seq;

/* What trace and trace_pipe show after "event: ". */
const char *tcptrace_text(struct trace_seq *p, const struct tcptrace_record *r);

/* Once, when the module is loaded. */
void format_init(void);
/* The print format of an event, for its file "format"; lives as long as we. */
char *format_of(unsigned int event);

#endif
