/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table of hooks: what is to be seen, and the variants that see it, best first. A hook delivers
 * events; a variant is a set of programs, and the switches that they need. `tcptrace doctor` prints it with the
 * choices made on this kernel (plan.h).
 *
 * To add a hook: a number here, a row in hooks.c; to add a program: its place in a variant. The tables that
 * tests/unit/test_plan.c compares with then change: look at what changes.
 */
#ifndef TCPTRACE_HOOKS_H
#define TCPTRACE_HOOKS_H

#include "../source.h"

#define VARIANTS_MAX	7
#define VARIANT_PROGS	8
#define VARIANT_SETS	4
#define VARIANT_DEPENDS	2

enum hook_id {
	HOOK_STATE, HOOK_LISTENER_END, HOOK_DESTROY, HOOK_SOCKET, HOOK_BIND, HOOK_LISTEN, HOOK_CONNECT,
	HOOK_CONNECT_RETURN, HOOK_CONNECT_FAILED, HOOK_ACCEPT_ENTER, HOOK_ACCEPT, HOOK_ACCEPT_FAILED, HOOK_SIGNAL,
	HOOK_TAKE, HOOK_CLOSE, HOOK_SHUTDOWN,
	HOOK_SYNQ_ADD, HOOK_SYNQ_DEL, HOOK_ACCEPTQ_ADD, HOOK_ACCEPTQ_ADD_OTHER, HOOK_FORGET, HOOK_MIGRATE,
	HOOK_DROP_SYN, HOOK_DROP_ACK, HOOK_COOKIE, HOOK_SYNACK_RETRANS, HOOK_RETRANS, HOOK_RETRANS_FAILED, HOOK_RST_SENT,
	HOOK_RST_RECEIVED, HOOK_RESET, HOOK_TW_END, HOOK_TW_FIN, HOOK_THREADS, HOOK_SNAPSHOT, HOOK_OWNERS,
	HOOK_WRITE, HOOK_READ,
	HOOK_MAX
};

struct hook_prog {
	uint8_t prog;			/* its number; 0: no more */
	uint8_t retry;			/* a second one, which does what the first was kept from: did() of bpf/ */
	uint8_t whole;			/* with PREEMPT_RT in place of both: nothing keeps it from anything; may miss */
	bool interrupted;		/* an interrupt is enough for that: the second is needed on every kernel */
	bool may_miss;			/* the variant does without it where its function is missing (IPv6) */
	bool helps;			/* ... and where the kernel refuses it */
	const char *also_at;		/* a system-call tracepoint that it is attached to as well, or NULL */
};

/* What a variant cannot do without, beside its programs. */
enum needs {
	NEEDS_CGROUP = 1,		/* the root of cgroup v2, which all sockets are below */
	NEEDS_TRACEFS = 2,		/* where libbpf finds system-call tracepoints */
	NEEDS_REGS = 4,			/* bpf_task_pt_regs() */
	NEEDS_RESET_SKB = 8,		/* tcp_reset() is given the segment */
};

/* Who asks for one of these is given all of those. */
struct dependency {
	uint64_t events, needs;
};

struct variant {
	enum mechanism mech;
	const char *target;		/* kernel function or tracepoint, for people; NULL: no more variants */
	struct hook_prog progs[VARIANT_PROGS];
	uint16_t sets[VARIANT_SETS];	/* switches that it turns on, by offset in struct capture_config; 0: no more */
	unsigned int needs;		/* enum needs */
	uint64_t deduced, sampled;	/* events that it sees so (enum tcptrace_seen); the others exactly */
	struct dependency depends[VARIANT_DEPENDS];	/* what the model deduces some of its events from; all zero: no more */
	const char *loses;		/* compared with the best, in words; NULL: nothing */
};

/* Whom a hook is needed for, though none of its events is asked for. */
enum helps {
	HELPS_PIDS = 1,			/* -p: tells whose a socket is */
	HELPS_CHILDREN = 2,		/* -- PROGRAM: tells who its children are */
};

struct hook {
	const char *name;
	uint64_t events;		/* that it delivers: these are seen as well as all hooks of them see them */
	uint64_t also;			/* that it adds to; without it they are seen just as well */
	unsigned int helps;		/* enum helps */
	struct variant variants[VARIANTS_MAX];
};

extern const struct hook hook_table[HOOK_MAX];

#endif
