/* SPDX-License-Identifier: GPL-2.0-only */
/* Who may do what, once everything is attached or open. */
#ifndef TCPTRACE_PRIVILEGES_H
#define TCPTRACE_PRIVILEGES_H

#include <sys/types.h>

#include "../options.h"

/*
 * Gives up what the rest of the run does not need: capabilities, new ones by exec, and in a replay all system calls but
 * those for files and the terminal. 0, or -errno after a sentence on standard error: the run must not go on.
 */
int privileges_drop(const struct options *o);

/* As whom -- PROGRAM runs. */
struct caller {
	bool known;			/* false: as we do */
	uid_t uid;
	gid_t gid;
	char name[64];			/* "": it has none in /etc/passwd */
	char home[256];
};

/* name: of -u; NULL: who called sudo. 0, or -EINVAL: there is no such user. */
int caller_find(struct caller *c, const char *name);
/* Of the calling process, which is about to exec. 0 or -errno. */
int caller_become(const struct caller *c);

#endif
