/* SPDX-License-Identifier: GPL-2.0-only */
/* The small files of /proc and /sys. */
#ifndef TCPTRACE_READFILE_H
#define TCPTRACE_READFILE_H

#include <sys/types.h>

/*
 * The whole file and a NUL: its bytes, of a larger one the first size - 1. Or -errno, and text is "". It
 * never waits, whatever lies at path.
 */
ssize_t read_file(const char *path, char *text, size_t size);

#endif
