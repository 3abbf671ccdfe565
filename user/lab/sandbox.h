/* SPDX-License-Identifier: GPL-2.0-only */
/* Both sides of `lab play`. */
#ifndef TCPTRACE_LAB_SANDBOX_H
#define TCPTRACE_LAB_SANDBOX_H

#include "stage.h"

#define SANDBOX_PORT	8001
#define SANDBOX_BACKLOG	4

void sandbox(struct stage *s);		/* on the stage; obeys the board's commands, never returns */

#endif
