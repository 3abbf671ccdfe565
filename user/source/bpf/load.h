/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The BPF programs of this run: planned (plan.h), loaded, attached. Which program a kernel
 * refuses is only known by trying, so that it may take several rounds.
 */
#ifndef TCPTRACE_LOAD_H
#define TCPTRACE_LOAD_H

#include "object.h"
#include "plan.h"
#include "ring.h"

struct load {
	const struct source_config *cfg;
	const struct load *first;		/* whose rings and features it shares, and events leaves out; NULL: itself */
	struct rings *rings;
	struct features features;
	struct plan plan;
	struct capture *skel;
	struct bpf_link *link[PROGS + 1];	/* of each program, by number; iter/task_file: run when asked */
	struct bpf_link *also[PROGS + 1];	/* of those that are attached twice */
	char *logs;				/* of the verifier, LOG_BYTES for each program, while it loads */
	int cgroup_fd;				/* of the root of cgroup v2, -1: not seen from here */
	int btf_fd;				/* what CO-RE needs of the kernel's BTF; -1: all of it */
};

/*
 * cfg and rings stay the caller's, and as long as l; rings have their size, and are mapped as long as the
 * programs are loaded. 0 or -errno: why_not_loaded() has the sentence.
 */
int load_open(struct load *l, const struct source_config *cfg, struct rings *rings);
/*
 * Others beside them: cfg.events and no more, into the rings of the first, whose features it takes over. Nothing else
 * of the filter may differ. 0 or -errno.
 */
int load_more(struct load *l, const struct load *first, const struct source_config *cfg);
void load_close(struct load *l);			/* also of one that failed to open */

#endif
