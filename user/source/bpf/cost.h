/* SPDX-License-Identifier: GPL-2.0-only */
/* What the programs cost a connection, as measured: for `tcptrace doctor`, which says so before anybody runs them. */
#ifndef TCPTRACE_COST_H
#define TCPTRACE_COST_H

#include <stdint.h>

#define COST_KERNEL	"6.12"	/* the release that was measured */

/*
 * Instructions of a connection, both ends of it, that run in this program where these events are asked for, about
 * (lib/events.h). 0: it runs when something goes wrong, or for other calls.
 */
unsigned int cost_of(unsigned int prog, uint64_t events);

#endif
