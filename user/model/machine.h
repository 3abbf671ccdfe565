/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What records do not say and the machine can, asked when a finding needs it. The model reads no file: the edge
 * answers (user/run/around.c). In a replay nobody can: findings get NULL, and what they cannot know stays unknown.
 */
#ifndef TCPTRACE_MACHINE_H
#define TCPTRACE_MACHINE_H

#include "model.h"

/* X(SYMBOL, "file below /proc/sys/net", which of the numbers in it): of a network namespace, as they are now. */
#define MACHINE_SYSCTLS(X)					\
	X(SOMAXCONN,	"core/somaxconn",		0)	\
	X(SYNCOOKIES,	"ipv4/tcp_syncookies",		0)	\
	X(MAX_SYN,	"ipv4/tcp_max_syn_backlog",	0)	\
	X(PORT_FIRST,	"ipv4/ip_local_port_range",	0)	\
	X(PORT_LAST,	"ipv4/ip_local_port_range",	1)	\
	X(IPV6_OFF,	"ipv6/conf/all/disable_ipv6",	0)	\
	X(MIGRATE,	"ipv4/tcp_migrate_req",		0)

enum machine_sysctl {
#define MACHINE_ENUM(sym, file, nth) MACHINE_##sym,
	MACHINE_SYSCTLS(MACHINE_ENUM)
#undef MACHINE_ENUM
	MACHINE_SYSCTL_MAX
};

struct process {
	uint32_t pid;
	char comm[TCPTRACE_COMM_LEN + 1];	/* of the process, not of a thread */
	char state;				/* as /proc has it, most of the time: R S D T t Z ...; 0, '?': not known */
	uint32_t alike;				/* how many others that could accept there were in the same state */
	uint32_t unlike;			/* how many were in another */
	bool frozen;				/* its cgroup is: it may be in any state */
	uint32_t thread_gone;			/* its thread that accepted last, which has ended; 0: no */
	uint64_t ran_ns, of_ns;			/* state R: of of_ns it was on a CPU for ran_ns; of_ns 0: not known */
	uint32_t workers;			/* how many others hold the listener, of which none stands out; 0: it is the one */
	uint32_t instead_of;			/* it holds the listener, and this process, which accepted, is gone; 0: no */
	bool inherited;				/* that one had listened itself: no worker of who is left */
	bool parent;				/* it has or had children, and nobody has accepted: it may be none of its work */
	bool elsewhere;				/* at another port of who holds it: nobody has accepted here yet */
	bool unheard;				/* 32-bit, or has an io_uring: how its accept() fails is not seen
						 * everywhere; pid 0: in no process the listener was found */
	uint32_t netns;				/* where it is, its sockets may be elsewhere; 0: not known */
	uint64_t nofile;			/* its limit of open files (RLIMIT_NOFILE, soft); 0: not known */
};

struct machine {
	void *ctx;
	uint32_t netns;				/* tcptrace's own; 0: not known */
	bool (*sysctl)(void *ctx, uint32_t netns, enum machine_sysctl which, uint64_t *value);
	/* NULL: nothing is known of processes (another PID namespace); false: there is no such process now. */
	bool (*process)(void *ctx, uint32_t pid, struct process *p);
	/* Who should have taken from l's accept queue, and its state while nobody did since from_ns. NULL, false: not known. */
	bool (*holder)(void *ctx, const struct listener *l, uint64_t from_ns, struct process *p);
};

#endif
