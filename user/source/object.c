// SPDX-License-Identifier: GPL-2.0-only
#include <bpf/bpf.h>
#include <elf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "object.h"

#define ADD	(BPF_STX | BPF_ATOMIC | BPF_DW)

bool object_fetches(void)	/* 5ca419f2864a */
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ST | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_10, .off = -8 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = ADD, .dst_reg = BPF_REG_10, .src_reg = BPF_REG_0, .off = -8, .imm = BPF_ADD | BPF_FETCH },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "try_fetch", "GPL", insns,
			       sizeof(insns) / sizeof(*insns), NULL);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/*
 * Such a kernel refuses an instruction that it does not know even where cfg.fetches keeps it from ever
 * being run: these become one that it does know.
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

/* What capture__open_opts() does, with another copy of the object. */
static int open_without_fetches(struct capture *skel, const struct bpf_object_open_opts *opts)
{
	size_t size = skel->skeleton->data_sz;
	void *elf = malloc(size);
	int err;

	if (!elf)
		return -ENOMEM;
	skel->skeleton->data = memcpy(elf, skel->skeleton->data, size);
	remove_fetches(elf);
	err = bpf_object__open_skeleton(skel->skeleton, opts);
	free(elf);
	return err;
}

/* libbpf has copied what it needs of these 2.6 MB: the pages need not stay. They come back if they are read again. */
static void let_go(void)
{
	size_t size, page = (size_t)sysconf(_SC_PAGESIZE);
	uintptr_t elf = (uintptr_t)capture__elf_bytes(&size);
	uintptr_t from = (elf + page - 1) & -page;

	madvise((void *)from, ((elf + size) & -page) - from, MADV_DONTNEED);
}

int object_open(struct capture **out, int btf_fd, bool fetches)
{
	struct capture *skel = calloc(1, sizeof(*skel));
	LIBBPF_OPTS(bpf_object_open_opts, opts);
	char path[32];
	int err = -ENOMEM;

	if (btf_fd >= 0) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", btf_fd);
		opts.btf_custom_path = path;
	}
	if (skel && !capture__create_skeleton(skel))
		err = fetches ? bpf_object__open_skeleton(skel->skeleton, &opts) :
				open_without_fetches(skel, &opts);
	let_go();
	if (err) {
		capture__destroy(skel);
		return err;
	}
	*out = skel;
	return 0;
}
