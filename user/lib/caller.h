/* SPDX-License-Identifier: GPL-2.0-only */
/* Who called sudo does not mean the programs that we run to be root. */
#ifndef TCPTRACE_CALLER_H
#define TCPTRACE_CALLER_H

#include <stdbool.h>
#include <sys/types.h>

/* As whom a program runs. */
struct caller {
	bool known;			/* false: as we do */
	uid_t uid;
	gid_t gid;
	char name[64];			/* "": it has none in /etc/passwd */
	char home[256];
};

/* 1, 0: sudo was not called, or not to become root; -EINVAL: what it left does not say who did. */
int caller_of_sudo(uid_t *uid, gid_t *gid);
/* name: of -u; NULL: who called sudo. 0; -ENOENT: there is no such user; -EINVAL: as above. */
int caller_find(struct caller *c, const char *name);
/* Of the calling process, which is about to exec. 0 or -errno. */
int caller_become(const struct caller *c);

#endif
