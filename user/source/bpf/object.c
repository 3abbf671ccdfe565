// SPDX-License-Identifier: GPL-2.0-only
#include <bpf/libbpf.h>
#include <elf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "object.h"
#include "capture_old.skel.h"

#define ADD	(BPF_STX | BPF_ATOMIC | BPF_DW)

/*
 * A kernel without them (before 5.12) refuses an instruction that it does not know even where cfg.fetches keeps
 * it from ever being run: these become one that it does know.
 */
static void remove_fetches(void *elf)
{
	const Elf64_Ehdr *header = elf;
	const Elf64_Shdr *section = (const void *)((char *)elf + header->e_shoff);

	for (unsigned int i = 0; i < header->e_shnum; i++) {
		struct bpf_insn *insn = (void *)((char *)elf + section[i].sh_offset);
		size_t n = section[i].sh_flags & SHF_EXECINSTR ? section[i].sh_size / sizeof(*insn) : 0;

		for (; n; n--, insn++) {
			if (insn->code != ADD || !(insn->imm & BPF_FETCH))
				continue;
			insn->code = BPF_ALU64 | BPF_MOV | BPF_X;
			insn->dst_reg = insn->src_reg;
			insn->off = insn->imm = 0;
		}
	}
}

/*
 * The object as libbpf is to see it, which copies what it needs. The skeleton, made from the one object, serves
 * the other as well: they have the same programs, maps and variables.
 */
static int open_elf(struct capture *skel, void *elf, size_t size, const struct bpf_object_open_opts *opts)
{
	skel->skeleton->data = elf;
	skel->skeleton->data_sz = size;
	return bpf_object__open_skeleton(skel->skeleton, opts);
}

#define SAME(data, member) \
	_Static_assert(offsetof(struct capture__##data, member) == offsetof(struct capture_old__##data, member), #member)
SAME(rodata, cfg);
SAME(rodata, lports);
SAME(rodata, rports);
SAME(rodata, nets);
SAME(bss, reader_sleeps);
SAME(bss, ring_ends);
SAME(bss, lost);
SAME(bss, retried);
SAME(bss, walk);
SAME(bss, tables);
SAME(bss, synq_entered);
SAME(bss, traced_full);

static int open_without_fetches(struct capture *skel, const void *elf, size_t size,
				const struct bpf_object_open_opts *opts)
{
	void *copy = malloc(size);
	int err;

	if (!copy)
		return -ENOMEM;
	remove_fetches(memcpy(copy, elf, size));
	err = open_elf(skel, copy, size, opts);
	free(copy);
	return err;
}

/* The pages of these 2 MB need not stay. They come back if they are read again. */
static void let_go(const void *elf, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uintptr_t from = ((uintptr_t)elf + page - 1) & -page;

	madvise((void *)from, (((uintptr_t)elf + size) & -page) - from, MADV_DONTNEED);
}

int object_open(struct capture **out, int btf_fd, bool casts, bool fetches)
{
	struct capture *skel = calloc(1, sizeof(*skel));
	LIBBPF_OPTS(bpf_object_open_opts, opts);
	char path[32];
	size_t size;
	const void *elf = casts ? capture__elf_bytes(&size) : capture_old__elf_bytes(&size);
	int err = -ENOMEM;

	if (btf_fd >= 0) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", btf_fd);
		opts.btf_custom_path = path;
	}
	if (skel && !capture__create_skeleton(skel))
		err = fetches ? open_elf(skel, (void *)elf, size, &opts) :
					open_without_fetches(skel, elf, size, &opts);
	let_go(elf, size);
	if (err) {
		capture__destroy(skel);
		return err;
	}
	*out = skel;
	return 0;
}
