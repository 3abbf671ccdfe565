/* SPDX-License-Identifier: GPL-2.0-only */
/* A run: source → model → view, from attach to the last line. */
#ifndef TCPTRACE_RUN_H
#define TCPTRACE_RUN_H

#include "../options.h"

int run_stream(struct options *o);	/* the default, also -- PROGRAM: exit status */
int run_listeners(struct options *o);	/* `tcptrace listeners` */

#endif
