// SPDX-License-Identifier: GPL-2.0-only
/* Each counter is found by its name: kernels add some, and their order is not fixed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "snmp.h"

/* A line of names and one of numbers, word for word: "TcpExt: SyncookiesSent ...". */
static void take(char *names, char *numbers, const struct snmp_key *keys, uint64_t *values, unsigned int n)
{
	char *a, *b, *group = strtok_r(names, " \n", &a), *first = strtok_r(numbers, " \n", &b);
	char *name, *number;

	if (!group || !first || strcmp(group, first))
		return;
	while ((name = strtok_r(NULL, " \n", &a)) && (number = strtok_r(NULL, " \n", &b)))
		for (unsigned int i = 0; i < n; i++)
			if (!strcmp(keys[i].name, name) && !strncmp(group, keys[i].group, strlen(group) - 1) &&
			    strlen(keys[i].group) == strlen(group) - 1)
				values[i] = strtoull(number, NULL, 10);
}

static int read_counters(const char *path, const struct snmp_key *keys, uint64_t *values, unsigned int n)
{
	char *names = NULL, *numbers = NULL;
	size_t names_size = 0, numbers_size = 0;
	FILE *f = fopen(path, "re");

	if (!f)
		return -errno;
	while (getline(&names, &names_size, f) > 0 && getline(&numbers, &numbers_size, f) > 0)
		take(names, numbers, keys, values, n);
	free(names);
	free(numbers);
	fclose(f);
	return 0;
}

int snmp_read(const struct snmp_key *keys, uint64_t *values, unsigned int n)
{
	int err;

	for (unsigned int i = 0; i < n; i++)
		values[i] = SNMP_UNKNOWN;
	err = read_counters("/proc/thread-self/net/netstat", keys, values, n);
	return err ? err : read_counters("/proc/thread-self/net/snmp", keys, values, n);
}
