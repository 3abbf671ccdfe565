/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's options compared with Kconfig.notes, which is built into the program. */
#ifndef TCPTRACE_KCONFIG_H
#define TCPTRACE_KCONFIG_H

#include <stdbool.h>

struct kconfig_note {
	const char *option;		/* "CONFIG_BPF_SYSCALL" */
	bool must;
	const char *without;		/* what is lost without it */
	bool set;			/* y or m */
};

/*
 * Calls fn for each line of the notes. *source: the file read. 0, or -ENOENT: this kernel does not
 * tell its options.
 */
int kconfig_each(const char **source, void (*fn)(void *ctx, const struct kconfig_note *note), void *ctx);

#endif
