/* SPDX-License-Identifier: GPL-2.0-only */
/* The network namespaces that processes live in. */
#ifndef TCPTRACE_NETNS_H
#define TCPTRACE_NETNS_H

#include <stdint.h>

#define NETNS_MAX	4096	/* visited at most; more are left out */

/*
 * Calls fn once inside each network namespace that a process or a file under /run/netns keeps (only:
 * inode number of one, 0: all), and comes back to ours. First non-zero return of fn ends it and is
 * returned. A namespace that cannot be entered is left out; missed, unless NULL, is called for it with its inode
 * number and -errno (setns() needs CAP_SYS_ADMIN), and for those beyond NETNS_MAX with -E2BIG.
 */
int netns_each(uint32_t only, int (*fn)(void *arg), void (*missed)(void *arg, uint32_t inum, int err), void *arg);

/*
 * The one that is traced alone cannot end while fd is open, which is ours from here on: the next one would get its
 * number and be taken for it. Of a number: if it can be found and entered.
 */
void netns_keep(int fd);
void netns_keep_number(uint32_t inum);

/* Inode number of the one that this thread is in, or that process, which another gets when it is gone; 0: not known. */
uint32_t netns_here(void);
uint32_t netns_of(uint32_t pid);

#endif
