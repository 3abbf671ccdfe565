/* SPDX-License-Identifier: GPL-2.0-only */
/* Giving up what a thread does not need any more: capabilities, new privileges, system calls. None of it comes back. */
#ifndef TCPTRACE_CONFINE_H
#define TCPTRACE_CONFINE_H

#include <stdint.h>

enum confine {
	CONFINE_HTTP,		/* to answer at sockets that are there: anything else fails with EPERM */
	CONFINE_REPLAY		/* files and the terminal: anything else ends the process with a sentence */
};

/*
 * Of the calling thread: capabilities but those in keep (a bit for each) are gone, from the bounding set too, and no
 * program that it starts gets more. 0 or -errno.
 */
int confine_capabilities(uint64_t keep);
int confine_calls(enum confine what);		/* 0 or -errno: this kernel has no seccomp filters */

#endif
