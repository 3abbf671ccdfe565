/* SPDX-License-Identifier: GPL-2.0-only */
/* Files that are written for the user who started us. */
#ifndef TCPTRACE_CREATE_H
#define TCPTRACE_CREATE_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * To be written from its beginning: a descriptor, or -errno. A file that was not there before is given to the user who
 * called sudo, so that he can read what he recorded. A FIFO without a reader is -ENXIO, and not waited for.
 */
int create_file(const char *path, mode_t mode);
void create_give(int fd);			/* a file that we have just made */
/* One that nobody can have put there, or linked to another: else -EEXIST. */
int create_new_file(const char *path, mode_t mode);
/* A FIFO without a reader. One that is there is kept until we end. */
bool create_would_wait(const char *path);

#endif
