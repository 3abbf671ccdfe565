/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What user space tells the BPF programs before they are loaded (read-only data, so that the
 * verifier removes what is off), and what both share while they run.
 */
#ifndef TCPTRACE_BPF_CONFIG_H
#define TCPTRACE_BPF_CONFIG_H

#include "../kmod/uapi/tcptrace.h"

#define CAPTURE_PORT_WORDS	1024	/* 65536 bits */
#define CAPTURE_NETS	8	/* of --addr */
#define CAPTURE_CALLS		16384	/* threads inside a traced call at the same time */
#define CAPTURE_THREADS		4096	/* with PREEMPT_RT: threads that left notes last */
#define CAPTURE_TRACED		262144	/* sockets of the traced processes (-p, -- PROGRAM) */
#define CAPTURE_FILTER		65536	/* bytes of the filter in front of traced_socks */
#define CAPTURE_PIDS		16384	/* traced processes */
#define CAPTURE_LISTENERS	16384	/* listeners, where tracepoints must look them up by port */
#define CAPTURE_GROUP		32	/* SO_REUSEPORT members of one port told apart there */
#define CAPTURE_COUNTED		128	/* namespaces whose counters are compared, by each CPU */
#define CAPTURE_REDIRECTED	1024	/* namespaces in which listeners get segments for other ports */
#define CAPTURE_REDIRECTS	8	/* such listeners of one namespace, by port */
#define CAPTURE_EVENTS		32	/* TCPTRACE_EVENT_MAX, rounded up to a power of two */
#define CAPTURE_RINGS		256	/* a ring for each CPU; with more CPUs some share one */
#define CAPTURE_HEADS		64	/* words of a hash table that are read at once */
#define CAPTURE_SKIPPED		64	/* sockets already reported that one call of walk_node() skips */
#define CAPTURE_FOUND		256	/* sockets that one run of walk_tcp reports */
#define CAPTURE_STEPS		32	/* one run visits at most the square of this many nodes or pieces of a table */
#define CAPTURE_TABLES		1024	/* hash tables: two for all network namespaces, one for each that has its own */

/* Kernel types that pointers are given, TYPED_PTR(): their numbers in the running kernel's BTF. */
#define KERNEL_TYPES(X)							\
	X(sock) X(sock_common) X(inet_sock) X(inet_connection_sock) X(tcp_sock) X(inet_timewait_sock) X(mptcp_sock)	\
	X(mptcp_subflow_context) X(request_sock) X(tcp_request_sock) X(sk_buff) X(tcp_skb_cb) X(dst_entry)	\
	X(tcphdr) X(iphdr) X(ipv6hdr) X(icmphdr) X(task_struct) X(fdtable) X(file) X(socket) X(pt_regs) X(cgroup)	\
	X(net) X(linux_mib) X(bpf_sock_ops_kern) X(k_sigaction) X(pid)	\
	X(io_kiocb) X(io_accept) X(io_uring_cqe)

struct kernel_types {
#define KERNEL_TYPE(type) __u32 type;
	KERNEL_TYPES(KERNEL_TYPE)
#undef KERNEL_TYPE
};

/*
 * The two ends of a ring, each in lines of its own: one is the writers', one the reader's. Positions are
 * counted from 0: their low bits say which slot, the others which lap.
 */
struct ring_ends {
	__u64	head;			/* position of the next record */
	__u64	other_lines[15];
	__u64	tail;			/* what is before this may be written over */
	__u64	more_lines[15];
};

/* A hash table of TCP's sockets. */
struct capture_table {
	__u64	base;			/* its address */
	__u64	net;			/* address of the namespace that has it for itself, or 0 */
	__u32	size;			/* buckets */
	__u32	stride, offset;		/* of a bucket, and of the head in it: bytes */
};

/* All hash tables: walk_tcp fills this in when it is run without a table. */
struct capture_tables {
	__u32	n;
	__s32	err;			/* -errno */
	__u64	torn;			/* a chain changed too often to be walked to its end */
	__u64	shared;			/* address of tcp_hashinfo, which has the first two */
	__u64	first;			/* node of the list of namespaces where the run began: ours */
	__u64	ops;			/* ns.ops of every namespace; the list head has none */
	struct capture_table of[CAPTURE_TABLES];	/* of listeners, of other sockets, of those that have their own */
};

/* A walk through one: user space clears what stands before found[], sets 'table', and runs walk_tcp until it is done. */
struct capture_walk {
	struct capture_table table;
	__u8	done;
	__u16	tries;			/* how often the chain changed meanwhile */
	__s32	err;			/* -errno */
	__u32	bucket;			/* next or in work */
	__u32	n;			/* of found[], by the last run */
	__u64	first;			/* node of the chain in work, when it was begun */
	__u64	seek;			/* where the last run was in it: what comes before has been reported; or 0 */
	__u64	heads[CAPTURE_HEADS];
	struct tcptrace_record found[CAPTURE_FOUND];
};

/* A net of --addr, IPv4 as ::ffff:a.b.c.d: an address in it is addr where mask has a bit. Network byte order. */
struct capture_net {
	__u64	addr[2], mask[2];
};

/*
 * Programs that have a second one (recursion.bpf.h), by what that may tell of the first. At the tracepoints nothing comes
 * between the two: the second works where the first was skipped, and nowhere else. In a system call the thread may go on
 * at another CPU in between, and the second does not know that the first has worked.
 */
enum retry_kind { RETRY_STATE, RETRY_DESTROY, RETRY_RST_SENT, RETRY_RST_RECEIVED, RETRY_CALL, RETRY_KINDS = 8 };

struct capture_config {
	struct kernel_types types;
	__u64	events;			/* 1 << event of those that may be written */
	__u64	cgroup;			/* id of the cgroup whose sockets are wanted, 0: all */
	__u32	netns;			/* inode number, 0: all */
	__u32	pidns;			/* inode number of the PID namespace that counts processes; 0: the first */
	__u32	tracer;			/* our own number in it */
	__u32	ring_mask;		/* CPU & this: its ring */
	__u32	ring_slots;		/* of each ring, a power of two */
	__u8	family;			/* 4, 6 or 0 */
	__u8	by_pid;			/* only sockets of processes in 'pids' */
	__u8	follow;			/* children of these too */
	__u8	by_lport, by_rport;	/* only ports whose bit is set */
	__u8	nets;			/* how many are in 'nets': only sockets with an end in one of them; 0: all */
	__u8	both_ends;		/* the peers of what these ports select, too */
	__u8	filtered;		/* any of the above */
	__u8	listener_ends;		/* LISTEN to CLOSE is written, if no other transition is */
	__u8	no_listeners;		/* transitions of listeners are written by other programs of this run */
	__u8	timewaits;		/* minisocks in TIME_WAIT are part of a snapshot: somebody asks for more than queues */
	__u8	only_failed;		/* of the returns of connect() and accept() only failures are written */
	__u8	tp_connect_return;	/* sys_exit_connect writes the returns of system calls, r_connect the others */
	__u8	accept_notes;		/* f_accept leaves a note of each accept() whose return x_accept sees */
	/* steps that no exact hook delivers, so that the tracepoint handlers must: */
	__u8	tp_connect;		/* connect from sys_enter_connect */
	__u8	tp_close;		/* close from sys_enter_close and transitions */
	__u8	tp_synack;		/* synq-add, synack from sock_ops or net_dev_queue */
	__u8	tp_drop_syn;		/* SYNs refused from consume_skb */
	__u8	cg_synack;		/* sock_ops tell of SYN-ACKs, but not of cookies: consume_skb does */
	__u8	tp_acceptq_add;		/* from the child's transitions */
	__u8	tp_groups;		/* a segment's listener is looked up by its port */
	__u16	hz;			/* ticks of the kernel's clock in a second */
	__u8	tp_cookie;		/* from SYN-ACKs without a request, and RSTs of a listener */
	__u8	tp_synq_del;		/* resets of requests from kfree_skb */
	__u8	mib_overflows;		/* place of ListenOverflows among the kernel's counters; 0: unknown */
	__u8	mib_synq_drops;		/* and of TCPReqQFullDrop */
	__u8	mib_drops;		/* and of ListenDrops */
	__u8	retries;		/* calls and their hooks have a second program: did() */
	__u8	thread_notes;		/* PREEMPT_RT: struct notes belongs to a thread, not to a CPU */
	__u8	fetches;		/* atomic fetch-and-add: 5.12 */
};

#endif
