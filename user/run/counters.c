// SPDX-License-Identifier: GPL-2.0-only
#include <sys/socket.h>
#include <unistd.h>

#include "../model/ledger.h"
#include "../source/snmp.h"
#include "counters.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE	71
#endif

int counters_read(uint64_t *values)
{
	struct snmp_key keys[LEDGER_MAX];

	for (int i = 0; i < LEDGER_MAX; i++)
		keys[i] = (struct snmp_key) { ledger_group(i), ledger_name(i) };
	return snmp_read(keys, values, LEDGER_MAX);
}

uint64_t counters_netns_cookie(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(uint64_t);
	uint64_t cookie = 0;

	if (fd < 0)
		return 0;
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len))
		cookie = 0;
	close(fd);
	return cookie;
}
