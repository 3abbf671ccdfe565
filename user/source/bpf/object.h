/* SPDX-License-Identifier: GPL-2.0-only */
/* The BPF object that is built into the program, opened so that this kernel can load it. */
#ifndef TCPTRACE_OBJECT_H
#define TCPTRACE_OBJECT_H

#include <linux/types.h>
#include <stdbool.h>

#include "../../../bpf/config.h"
#include "capture.skel.h"

/*
 * casts, fetches: of struct features. btf_fd: what CO-RE needs of the kernel's BTF, -1: all of it. 0 and *out for
 * capture__destroy(), or -errno.
 */
int object_open(struct capture **out, int btf_fd, bool casts, bool fetches);

/* A program by its number, 1 to PROGS. */
static inline struct bpf_program *prog_at(const struct capture *skel, unsigned int prog)
{
	return ((struct bpf_program *const *)&skel->progs)[prog - 1];
}

#endif
