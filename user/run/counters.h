/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's counters that the ledger has, of the network namespace we are in. */
#ifndef TCPTRACE_COUNTERS_H
#define TCPTRACE_COUNTERS_H

#include <stdint.h>

int counters_read(uint64_t *values);	/* LEDGER_MAX; SNMP_UNKNOWN: this kernel has no such counter. 0 or -errno */
uint64_t counters_netns_cookie(void);	/* its number that no other ever gets; 0: unknown, before 5.14 */

#endif
