/* SPDX-License-Identifier: GPL-2.0-only */
/* What people call a network namespace and a cgroup, and what the kernel calls them. */
#ifndef TCPTRACE_NAMES_H
#define TCPTRACE_NAMES_H

#include <stddef.h>
#include <stdint.h>

/* All: 0, or -EINVAL with a sentence in error. */
int netns_by_name(const char *s, uint32_t *inum, char *error, size_t size);
/*
 * What `ip netns` called the one that had this number all the time between (UINT64_MAX: now), or NULL: no name below
 * /run/netns is known. Another may have it before or after, so names are learned while they are there.
 */
const char *netns_name(uint32_t inum, uint64_t since_ns, uint64_t until_ns);
void netns_learn_names(void);		/* several times a second */
int cgroup_by_path(const char *path, uint64_t *id, char *error, size_t size);

/* "127.0.0.1:9817", "[::1]:9817", ":9817": any address. addr as in a record, port by the host's order. */
int address_by_name(const char *s, uint8_t addr[16], uint16_t *port, char *error, size_t size);

#endif
