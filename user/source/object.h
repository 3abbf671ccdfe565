/* SPDX-License-Identifier: GPL-2.0-only */
/* The BPF object that is built into the program, opened so that this kernel can load it. */
#ifndef TCPTRACE_OBJECT_H
#define TCPTRACE_OBJECT_H

#include <linux/types.h>
#include <stdbool.h>

#include "../../bpf/config.h"
#include "capture.skel.h"

/* Does an atomic addition come back with what was there before? 5.12 and later. */
bool object_fetches(void);
/*
 * btf_fd: what CO-RE needs of the kernel's BTF, -1: all of it. fetches: as above. 0 and *out for
 * capture__destroy(), or -errno.
 */
int object_open(struct capture **out, int btf_fd, bool fetches);

#endif
