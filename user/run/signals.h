/* SPDX-License-Identifier: GPL-2.0-only */
/* Signals as flags. The handlers do nothing else. */
#ifndef TCPTRACE_SIGNALS_H
#define TCPTRACE_SIGNALS_H

#include <signal.h>

#include "child.h"

struct signal_flags {
	volatile sig_atomic_t end;	/* SIGINT, SIGTERM, SIGHUP: its number */
	volatile sig_atomic_t resized;	/* SIGWINCH */
	volatile sig_atomic_t keep;	/* SIGUSR1 */
	volatile sig_atomic_t told;	/* it came while our program ran: what our program makes of it is not known yet */
	volatile sig_atomic_t forward;	/* signal that somebody sent us, and that our program should get */
};

extern struct signal_flags signal_flags;

/* program: one runs in the foreground with us, and Ctrl-C is for it until it has ended. NULL: none */
void signals_catch(struct child *program);
void signals_forward(void);		/* the program gets what somebody sent us */

#endif
