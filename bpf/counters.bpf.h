/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why the kernel did something, by what it has counted for it (include/uapi/linux/snmp.h). It counts by CPU and right before
 * our programs run there, whereas other CPUs may have changed the queues since it looked at them.
 */
#ifndef TCPTRACE_COUNTERS_BPF_H
#define TCPTRACE_COUNTERS_BPF_H

#include "read.bpf.h"

/* Of a namespace's counters by a CPU, when they were looked at last. */
struct counted {
	__u64	net;			/* net_id() */
	__u64	cookies, overflows, synq_drops, drops, resets;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, CAPTURE_COUNTED);
	__type(key, __u32);
	__type(value, struct counted);
} counters_seen SEC(".maps");

/*
 * What this_cpu_ptr() adds to a per-CPU address. Computed from our own map, of which we know both addresses: the
 * kernel's variable this_cpu_off has no symbol without CONFIG_KALLSYMS_ALL.
 */
static __always_inline __u64 this_cpu_offset(const struct counted *of_cpu, __u32 place)
{
	__u64 pptr = 0;

	bpf_probe_read_kernel(&pptr, sizeof(pptr), (const void *)(addr_of_untyped(&counters_seen) +
								   bpf_core_field_offset(struct bpf_array, pptrs) +
								   place * sizeof(pptr)));
	return addr_of_untyped(of_cpu) - pptr;
}

static __always_inline __u64 counter(const struct linux_mib *mib, __u32 place)
{
	__u64 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), &mib->mibs[0] + place);
	return value;
}

/* Its number and its address are given to the next namespace, whose counters begin at 0: a number drawn for it alone is in it. */
static __always_inline __u64 net_id(const struct net *net)
{
	return (__u64)READ(net, hash_mix) << 32 | READ(net, ns.inum);
}

enum verdict { NO, YES, MAYBE };

/* Has this CPU, since it was asked last, sent a cookie, found a queue full, dropped for a listener, ended a request by a RST? */
struct verdicts {
	enum verdict cookie, overflow, synq, drop, reset;
};

#define UNKNOWN { MAYBE, MAYBE, MAYBE, MAYBE, MAYBE }

/* Place: 0 where it is not known, and now is another counter. */
static __always_inline enum verdict rose(__u32 place, bool known, __u64 before, __u64 now)
{
	if (!place)
		return MAYBE;
	return known ? now > before : now ? MAYBE : NO;
}

/*
 * Where a namespace is new here it may have, if it ever did. Dropped: something was, for sure; then, if all drops were for
 * a full accept queue, this one was.
 */
static __always_inline struct verdicts has_counted(const struct net *net, bool dropped)
{
	struct counted now = { .net = net_id(net) }, *before;
	__u32 place = (__u32)now.net % CAPTURE_COUNTED;
	const struct linux_mib *mib;
	struct verdicts v = UNKNOWN;
	bool known;

	before = bpf_map_lookup_elem(&counters_seen, &place);
	if (!before)
		return v;
	mib = (const void *)(addr_of(READ(net, mib.net_statistics)) + this_cpu_offset(before, place));
	now.cookies = counter(mib, LINUX_MIB_SYNCOOKIESSENT);
	now.overflows = counter(mib, cfg.mib_overflows);
	now.synq_drops = counter(mib, cfg.mib_synq_drops);
	now.drops = counter(mib, cfg.mib_drops);
	now.resets = counter(mib, LINUX_MIB_EMBRYONICRSTS);
	known = before->net == now.net;
	v.cookie = rose(LINUX_MIB_SYNCOOKIESSENT, known, before->cookies, now.cookies);
	v.overflow = rose(cfg.mib_overflows, known, before->overflows, now.overflows);
	if (v.overflow == MAYBE && dropped && cfg.mib_overflows && now.overflows == now.drops)
		v.overflow = YES;
	v.synq = rose(cfg.mib_synq_drops, known, before->synq_drops, now.synq_drops);
	v.drop = rose(cfg.mib_drops, known, before->drops, now.drops);
	v.reset = rose(LINUX_MIB_EMBRYONICRSTS, known, before->resets, now.resets);
	*before = now;
	return v;
}

/* Did the kernel refuse for the accept queue? Before: the queue was full when it began to look, where that was seen. */
static __always_inline bool overflowed(struct verdicts v, const struct sock *listener, bool before)
{
	return v.overflow == YES || (v.overflow == MAYBE && (before || acceptq_full(listener)));
}

#endif
