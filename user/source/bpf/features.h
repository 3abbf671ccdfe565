/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What this kernel has, and what it allows this process: asked once, before anything is chosen.
 * The choice itself (plan.h) sees nothing but this.
 */
#ifndef TCPTRACE_FEATURES_H
#define TCPTRACE_FEATURES_H

#include <linux/types.h>

#include "../../../bpf/config.h"
#include "btf.h"
#include "progs.h"

struct features {
	struct kernel_types types;	/* numbers in BTF of what bpf_rdonly_cast() may be given */
	struct progs missing;		/* their function or tracepoint is not in this kernel */
	struct progs by_tracefs;	/* theirs is looked up in tracefs: system-call tracepoints, those of perf */
	int fentry;			/* 0: a trial went well; else -errno of ... */
	const char *fentry_step;	/* ... "load" or "attach" */
	int kprobe;			/* 0; -ENOENT: this kernel has none (CONFIG_KPROBE_EVENTS) */
	int tracefs;			/* 0; -errno: why system-call tracepoints cannot be found there */
	int cgroup;			/* 0; -errno: programs at the root of cgroup v2 are not possible */
	const char *no_cgroup;		/* why not, in words that follow "the root of cgroup v2" */
	uint8_t mib_overflows, mib_synq_drops, mib_drops;	/* as in struct capture_config */
	uint32_t pidns;			/* pidns_here() */
	uint64_t caps;			/* place_caps() */
	bool preempts;			/* puts tasks off that run kernel code, BPF programs too */
	bool rt;			/* PREEMPT_RT: softirqs too */
	bool casts;			/* bpf_rdonly_cast(): 6.2 and later */
	bool fetches;			/* an atomic addition comes back with what was there before: 5.12 and later */
	bool reset_skb;			/* tcp_reset() is given the segment: 5.11 049fe386d353 */
	bool regs;			/* bpf_task_pt_regs(): 5.15 dd6e10fbd9fb */
	bool allocates;			/* programs may allocate where they run: 6.1 and later */
};

/* All but 'missing' and 'by_tracefs'. */
void features_ask(struct features *f, const struct btf_index *btf);
/* A descriptor of the root of cgroup v2, the caller's to close; -1: not to be had, and f says why. */
int features_open_cgroup(struct features *f);

struct capture;

/* As btf_index_find(), of whatever ctx is. */
typedef void (*features_find_fn)(const void *ctx, struct btf_name *names, unsigned int n);
/* Fills these: skel is opened; only the names of its programs' sections are read. */
void features_find_programs(struct features *f, const struct capture *skel, features_find_fn find, const void *ctx);

#endif
