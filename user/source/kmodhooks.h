/* SPDX-License-Identifier: GPL-2.0-only */
/* What the module has hooked, from its parameter "hooks". */
#ifndef TCPTRACE_KMODHOOKS_H
#define TCPTRACE_KMODHOOKS_H

#include "source.h"

struct kmod_hooks {
	char *text;			/* names point into it */
	struct hook_report *reports;
	unsigned int n;
	uint64_t missed;		/* since the module was loaded */
};

int kmod_hooks_read(struct kmod_hooks *h);
bool kmod_hooks_report(const struct kmod_hooks *h, unsigned int i, struct hook_report *out);
void kmod_hooks_free(struct kmod_hooks *h);

#endif
