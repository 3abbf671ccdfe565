/* SPDX-License-Identifier: GPL-2.0-only */
/* Programs of the BPF object by number, in the order of the skeleton, from 1; and sets of them. */
#ifndef TCPTRACE_PROGS_H
#define TCPTRACE_PROGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROGS_MAX	255	/* numbers are bytes; more programs do not compile (hooks.c) */

/* The number of a program, in files that know the skeleton: of one that is not there it does not compile. */
#define P(name)	(1 + (offsetof(struct capture, progs.name) - offsetof(struct capture, progs)) /	\
		 sizeof(struct bpf_program *))
/* How many there are: 1 to this. */
#define PROGS	(sizeof(((struct capture *)0)->progs) / sizeof(struct bpf_program *))

struct progs {
	uint64_t bits[(PROGS_MAX + 1) / 64];
};

static inline void progs_add(struct progs *set, unsigned int prog)
{
	set->bits[prog / 64] |= 1ull << prog % 64;
}

static inline bool progs_has(const struct progs *set, unsigned int prog)
{
	return set->bits[prog / 64] >> prog % 64 & 1;
}

#endif
