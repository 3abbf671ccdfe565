// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pidns.h"

#define FIRST_PIDNS	0xEFFFFFFCu	/* PROC_PID_INIT_INO, include/linux/proc_ns.h: since 3.8 */

uint32_t pidns_here(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) || st.st_ino == FIRST_PIDNS ? 0 : (uint32_t)st.st_ino;
}

bool pidns_is_that_of_proc(void)
{
	char link[16];
	ssize_t n = readlink("/proc/self", link, sizeof(link) - 1);

	if (n <= 0)
		return false;
	link[n] = 0;
	return strtol(link, NULL, 10) == getpid();
}
