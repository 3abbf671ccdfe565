/* SPDX-License-Identifier: GPL-2.0-only */
/* What the running kernel's BTF says it has: functions and tracepoints by name. */
#ifndef TCPTRACE_BTF_H
#define TCPTRACE_BTF_H

#include <stdbool.h>
#include <stdint.h>

struct btf_index;

/* Maps /sys/kernel/btf/vmlinux. -ENOENT: this kernel has none. */
int btf_index_open(struct btf_index **out);
/*
 * Type ids of the functions (FUNC) with these names, in one pass over the types: ids[i] is 0 where
 * the kernel has none. A name "btf_trace_x" asks for tracepoint x (a TYPEDEF).
 */
void btf_index_find(const struct btf_index *b, const char *const *names, uint32_t *ids, unsigned int n);
void btf_index_close(struct btf_index *b);

#endif
