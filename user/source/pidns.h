/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TCPTRACE_PIDNS_H
#define TCPTRACE_PIDNS_H

#include <stdbool.h>
#include <stdint.h>

/* The PID namespace that we are in, by inode number; 0: the first, that of the host. */
uint32_t pidns_here(void);
/* Does /proc number processes as this namespace does? */
bool pidns_is_that_of_proc(void);

#endif
