/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which hook is delivered by which mechanism on this kernel: decided hook by
 * hook, by trying. A hook is something to be seen; a way is a set of BPF
 * programs that sees it. The first way that loads and attaches is taken.
 */
#ifndef TCPTRACE_PROBES_H
#define TCPTRACE_PROBES_H

#include "../source.h"

#define WAYS_MAX	6
#define PROGS_MAX	6
#define OBJECT_PROGS	160		/* programs in the object, at most */

/* A program of the way reads the registers of the call that it is in (5.15 dd6e10fbd9fb). */
#define REGS	"=bpf_task_pt_regs"

struct way {
	enum mechanism mech;
	const char *target;		/* kernel function or tracepoint, for people */
	/* Programs of the BPF object; "?x": x may be missing (a kernel without IPv6); "=x" is none, but
	 * a function that the kernel must have. NULL target: no more ways. */
	const char *progs[PROGS_MAX];
	const char *loses;		/* compared with the best, in words; NULL: nothing */
};

enum hook_id {
	HOOK_STATE, HOOK_DESTROY, HOOK_SOCKET, HOOK_BIND, HOOK_LISTEN, HOOK_CONNECT,
	HOOK_CONNECT_RETURN, HOOK_ACCEPT_ENTER, HOOK_ACCEPT, HOOK_TAKE, HOOK_CLOSE, HOOK_SHUTDOWN,
	HOOK_SYNQ_ADD, HOOK_SYNQ_DEL, HOOK_ACCEPTQ_ADD, HOOK_ACCEPTQ_ADD_OTHER, HOOK_FORGET, HOOK_MIGRATE,
	HOOK_DROP_SYN, HOOK_DROP_ACK, HOOK_COOKIE, HOOK_SYNACK_RETRANS, HOOK_RETRANS, HOOK_RST_SENT,
	HOOK_RST_RECEIVED, HOOK_TW_END, HOOK_TW_FIN, HOOK_THREADS, HOOK_SNAPSHOT, HOOK_OWNERS,
	HOOK_WRITE, HOOK_READ,		/* last: only with --io */
	HOOK_MAX
};

struct hook {
	const char *name;
	struct way ways[WAYS_MAX];
};

extern const struct hook hooks[HOOK_MAX];

struct choice {
	int way;			/* index of the way in use, -1: none is left */
	char why[160];			/* why a better one was passed over, "" if none was */
};

struct probes {
	enum mechanism only;		/* --mechanism */
	bool io;			/* --io */
	bool preempts;			/* this kernel puts off programs in process context */
	const char *no_cgroup;		/* why cgroup programs would not see all sockets, NULL: they do */
	struct choice choice[HOOK_MAX];
	char mech_refused[MECH_MAX][96];	/* why a mechanism as a whole does not work here, "" if it does */
	const char *missing[OBJECT_PROGS];	/* programs whose target this kernel has not */
	unsigned int nmissing;
};

struct bpf_object;
struct btf_index;

/*
 * Makes the first choice for each hook from what the kernel says it has, and from p->only, p->io and
 * p->no_cgroup, which are the caller's to set. obj is opened, not loaded, and only its programs' names
 * and targets are read.
 */
void probes_init(struct probes *p, const struct bpf_object *obj, const struct btf_index *btf);
/* The program (by its name in the object) was refused with err: the next way is chosen. False: no hook has it. */
bool probes_reject(struct probes *p, const char *prog, const char *step, int err);
/* Is it NAME_again, which does what NAME was kept from? (bpf/emit.bpf.h, did()) */
bool probes_is_second(const char *prog);
/* Is the program wanted by the choices made? The second of two where the first can be kept from its job. */
bool probes_wants(const struct probes *p, const char *prog);
/* Mechanism in use for a hook; MECH_AUTO: none. */
enum mechanism probes_mechanism(const struct probes *p, enum hook_id id);
void probes_report(const struct probes *p, enum hook_id id, struct hook_report *out);

#endif
