/* SPDX-License-Identifier: GPL-2.0-only */
/* Who holds a socket still, and what a process is called: by /proc, for the model (model_set_lookup()). */
#ifndef TCPTRACE_HOLDER_H
#define TCPTRACE_HOLDER_H

#include "../model/model.h"
#include "../source/source.h"

/* False: nothing is known here, as /proc is not that of the numbers in records (PID namespace), or not there. */
bool holder_lookup(struct model_lookup *out, const struct source *src);

/* What the process is called: TCPTRACE_COMM_LEN bytes, and a 0. False: it is gone. */
bool holder_name(uint32_t pid, char *comm);

/* 1: the inode of the socket that the process has at fd; 0: it has none there; -1: not known. */
int holder_inode(uint32_t pid, int32_t fd, uint64_t *ino);

/* Is it a 32-bit program, or has it an io_uring? */
bool holder_calls_otherwise(uint32_t pid);

#endif
