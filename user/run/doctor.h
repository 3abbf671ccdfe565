/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TCPTRACE_DOCTOR_H
#define TCPTRACE_DOCTOR_H

#include "../options.h"

int run_doctor(struct options *o);	/* `tcptrace doctor`: exit status */

#endif
