/* SPDX-License-Identifier: GPL-2.0-only */
/* The BPF object that is built into the program, opened so that this kernel can load it. */
#ifndef TCPTRACE_OBJECT_H
#define TCPTRACE_OBJECT_H

#include <linux/types.h>
#include <stdbool.h>

#include "../../../bpf/config.h"
#include "capture.skel.h"

/* What the kernel can do that the object must know. */
struct object_traits {
	bool casts;			/* bpf_rdonly_cast(): 6.2 and later */
	bool fetches;			/* an atomic addition comes back with what was there before: 5.12 and later */
};

bool object_fetches(void);
/*
 * btf_fd: what CO-RE needs of the kernel's BTF, -1: all of it. 0 and *out for capture__destroy(), or -errno.
 */
int object_open(struct capture **out, int btf_fd, const struct object_traits *traits);

#endif
