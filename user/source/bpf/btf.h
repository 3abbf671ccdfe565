/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The running kernel's BTF: which functions, tracepoints and types it has, by name, and a
 * small BTF with nothing but the types that our programs read.
 */
#ifndef TCPTRACE_BTF_H
#define TCPTRACE_BTF_H

#include <stdbool.h>
#include <stdint.h>

struct btf_index;

struct btf_name {
	const char *name;
	uint32_t kind;			/* BTF_KIND_FUNC; BTF_KIND_TYPEDEF: "btf_trace_x" is tracepoint x; BTF_KIND_STRUCT */
	uint32_t id;			/* found; 0: this kernel has none */
};

/* Reads /sys/kernel/btf/vmlinux. -ENOENT: this kernel has none. */
int btf_index_open(struct btf_index **out);
void btf_index_find(const struct btf_index *b, struct btf_name *names, unsigned int n);
/* Of the enum that begins with `first`: the value of `name`, or 0. Such enums have no names of their own. */
uint32_t btf_index_member(const struct btf_index *b, const char *first, const char *name);
/* How many arguments the function with this id has; 0: none, or id is 0. */
unsigned int btf_index_arguments(const struct btf_index *b, uint32_t id);
/*
 * The structs and enums with these names, sorted, and all that they are made of, under numbers of
 * their own, pointers to nothing: what CO-RE needs, which libbpf looks through once for each of our
 * types. A file in memory: its descriptor, or -errno.
 */
int btf_index_subset(const struct btf_index *b, const char *const *names, unsigned int n);
void btf_index_close(struct btf_index *b);

#endif
