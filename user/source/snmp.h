/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's own counters of the network namespace we are in: /proc/net/snmp and /proc/net/netstat. */
#ifndef TCPTRACE_SNMP_H
#define TCPTRACE_SNMP_H

#include <stdint.h>

struct snmp_key {
	const char *group, *name;	/* "TcpExt", "ListenDrops" */
};

#define SNMP_UNKNOWN	UINT64_MAX

/* values[i] of keys[i], SNMP_UNKNOWN for one that this kernel does not have. 0 or -errno. */
int snmp_read(const struct snmp_key *keys, uint64_t *values, unsigned int n);

#endif
