// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "readfile.h"

int64_t clock_namespace_ns[CLOCK_BOOTTIME + 1];

/* "monotonic  86400  0": seconds and ns (5.6; kernel/time/namespace.c) */
static void take_line(const char *line)
{
	char name[16];
	int64_t s, ns;

	if (sscanf(line, "%15s %" SCNd64 " %" SCNd64, name, &s, &ns) != 3)
		return;
	if (!strcmp(name, "monotonic"))
		clock_namespace_ns[CLOCK_MONOTONIC] = s * (int64_t)SECOND + ns;
	else if (!strcmp(name, "boottime"))
		clock_namespace_ns[CLOCK_BOOTTIME] = s * (int64_t)SECOND + ns;
}

void clock_init(void)
{
	char text[256];

	if (read_file("/proc/self/timens_offsets", text, sizeof(text)) < 0)
		return;
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		take_line(line);
}
