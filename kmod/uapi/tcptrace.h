/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The record: what one step of the TCP socket model looks like when it leaves
 * the kernel. The same 128 bytes travel in the BPF ring buffer, in the trace
 * events of tcptrace.ko and in a recording (tcptrace -w). BPF programs, the
 * module and the reporter all include this file.
 *
 * Rules for changing it
 *  - An event, cause or flag keeps its number for ever; new ones go to the end.
 *  - A field keeps its place and meaning; when one must move, the size changes
 *    or a bit gets another sense, TCPTRACE_ABI goes up and old recordings are
 *    refused with a sentence.
 *  - All numbers are in host byte order, addresses in network byte order.
 */
#ifndef _UAPI_TCPTRACE_H
#define _UAPI_TCPTRACE_H

#ifdef __KERNEL__
#include <linux/types.h>
#elif !defined(__bpf__)		/* a BPF program has them from vmlinux.h */
#include <linux/types.h>
#endif

#define TCPTRACE_ABI		1
#define TCPTRACE_COMM_LEN	16
#define TCPTRACE_CAUSE_MAX	32	/* room for causes; see enum below */

/*
 * Every event: X(SYMBOL, symbol, "name", what the kernel just did).
 * The order is the order in a socket's life and the number on the wire.
 */
#define TCPTRACE_EVENTS(X)						\
	X(SOCKET,	  socket,	  "socket",	    "a TCP socket was made")		\
	X(BIND,		  bind,		  "bind",	    "bind() returned")			\
	X(LISTEN,	  listen,	  "listen",	    "listen() returned")		\
	X(CONNECT,	  connect,	  "connect",	    "connect() begins")			\
	X(CONNECT_RETURN, connect_return, "connect-return", "connect() returned")		\
	X(ACCEPT,	  accept,	  "accept",	    "accept() returned")		\
	X(CLOSE,	  close,	  "close",	    "the last reference is closed")	\
	X(SHUTDOWN,	  shutdown,	  "shutdown",	    "shutdown() begins")		\
	X(SYNQ_ADD,	  synq_add,	  "synq-add",	    "a request entered the SYN queue")	\
	X(SYNACK,	  synack,	  "synack",	    "the first SYN-ACK leaves")		\
	X(SYNACK_RETRANS, synack_retrans, "synack-retrans", "a SYN-ACK was sent again")		\
	X(SYNQ_DEL,	  synq_del,	  "synq-del",	    "a request left the SYN queue")	\
	X(ACCEPTQ_ADD,	  acceptq_add,	  "acceptq-add",    "a connection entered the accept queue") \
	X(ACCEPTQ_DEL,	  acceptq_del,	  "acceptq-del",    "a connection left the accept queue") \
	X(DROP,		  drop,		  "drop",	    "a segment was refused")		\
	X(COOKIE_SENT,	  cookie_sent,	  "cookie-sent",    "a SYN cookie was sent instead of queueing") \
	X(COOKIE_OK,	  cookie_ok,	  "cookie-ok",	    "an ACK carried a valid cookie")	\
	X(COOKIE_BAD,	  cookie_bad,	  "cookie-bad",	    "an ACK carried an invalid cookie")	\
	X(STATE,	  state,	  "state",	    "a transition")			\
	X(RETRANS,	  retrans,	  "retrans",	    "a segment was sent again")		\
	X(RST_SENT,	  rst_sent,	  "rst-sent",	    "a RST is sent")			\
	X(RST_RECEIVED,	  rst_received,	  "rst-received",   "a RST was received")		\
	X(READ,		  read,		  "read",	    "data was read (--io)")		\
	X(WRITE,	  write,	  "write",	    "data was written (--io)")		\
	X(EXISTS,	  exists,	  "exists",	    "was there before us (snapshot)")	\
	X(DESTROY,	  destroy,	  "destroy",	    "the kernel gives the socket up")	\
	/* notes of the capture side to the model: never shown as an event */			\
	X(LOST,		  lost,		  "lost",	    "records were lost: see arg")	\
	X(SNAPSHOT,	  snapshot,	  "snapshot",	    "a snapshot begins or is complete")

enum tcptrace_event {
	TCPTRACE_NONE = 0,
#define TCPTRACE_ENUM(sym, low, name, doc) TCPTRACE_##sym,
	TCPTRACE_EVENTS(TCPTRACE_ENUM)
#undef TCPTRACE_ENUM
	TCPTRACE_EVENT_MAX
};

/* Why: of drop, synq-del, acceptq-add and acceptq-del. */
#define TCPTRACE_CAUSES(X)						\
	X(DROP_ACCEPTQ_SYN,	"acceptq-full-syn")	/* SYN, accept queue full */		\
	X(DROP_ACCEPTQ_ACK,	"acceptq-full-ack")	/* third packet, accept queue full */	\
	X(DROP_ACCEPTQ_COOKIE,	"acceptq-full-cookie")	/* cookie's ACK, accept queue full */	\
	X(DROP_SYNQ_FULL,	"synq-full")		/* SYN, SYN queue full, no cookies */	\
	X(DROP_SYNQ_QUARTER,	"synq-quarter")		/* last quarter of tcp_max_syn_backlog */ \
	X(DROP_NO_MEMORY,	"no-memory")							\
	X(DROP_OTHER,		"other")							\
	X(SYNQ_ESTABLISHED,	"established")		/* moved on to the accept queue */	\
	X(SYNQ_EXPIRED,		"expired")		/* SYN-ACK retries used up */		\
	X(SYNQ_RESET,		"reset")		/* RST from the peer or by overflow */	\
	X(SYNQ_LISTENER_CLOSED,	"listener-closed")						\
	X(SYNQ_OTHER,		"other")							\
	X(ACCEPTQ_HANDSHAKE,	"handshake")							\
	X(ACCEPTQ_COOKIE,	"cookie")							\
	X(ACCEPTQ_FASTOPEN,	"fastopen")							\
	X(ACCEPTQ_MIGRATED,	"migrated")		/* from a closed SO_REUSEPORT member */	\
	X(ACCEPTQ_ACCEPTED,	"accepted")							\
	X(ACCEPTQ_CLOSED,	"listener-closed")						\
	X(ACCEPTQ_RESET,	"reset")		/* accepted, but reset while waiting */

enum tcptrace_cause {
	TCPTRACE_CAUSE_NONE = 0,
#define TCPTRACE_ENUM(sym, name) TCPTRACE_##sym,
	TCPTRACE_CAUSES(TCPTRACE_ENUM)
#undef TCPTRACE_ENUM
	TCPTRACE_CAUSE_END
};

/* tcptrace_record.flags */
#define TCPTRACE_F_ACTOR	0x01	/* pid, tid, fd and comm are the caller's; else 'req' holds */
#define TCPTRACE_F_QUEUES	0x02	/* synq .. acceptq_max are the listener's right after this step */
#define TCPTRACE_F_REQUEST	0x04	/* sk is a request_sock (NEW_SYN_RECV) */
#define TCPTRACE_F_TIMEWAIT	0x08	/* sk is an inet_timewait_sock */
#define TCPTRACE_F_INFERRED	0x10	/* deduced from its effects: this mechanism has no exact hook */
#define TCPTRACE_F_SAMPLED	0x20	/* found by a snapshot, not seen when it happened */
#define TCPTRACE_F_QUEUED	0x40	/* exists: waits in an accept queue */
#define TCPTRACE_F_END		0x80	/* snapshot: complete (without it: begins) */

/* tcptrace_record.new of a synq-add: its SYN-ACK leaves in the same moment and has no record of its own. */
#define TCPTRACE_SYNACK_TOO	1

/*
 * States are the kernel's (include/net/tcp_states.h): 1 ESTABLISHED .. 12 NEW_SYN_RECV,
 * the same numbers since 4.4.
 */
struct tcptrace_record {
	__u64	t_ns;		/* CLOCK_MONOTONIC */
	/*
	 * Kernel address of the socket, request or minisock: an identity while
	 * it lives, 0 if unknown; reused by the kernel after destroy.
	 */
	__u64	sk;
	__u64	listener;	/* kernel address of the listener this step belongs to, or 0 */
	union {
		__u64	cookie;		/* sk_cookie as `ss -e` shows it, 0: not generated yet */
		/*
		 * accept, connect-return: how long the call took, 0: it began
		 * before us. The socket's other records have its cookie.
		 */
		__u64	call_ns;
	};
	__u32	netns;		/* inode number of the network namespace */
	__u32	pid;		/* process (tgid in the kernel), F_ACTOR */
	__u32	tid;		/* thread, F_ACTOR */
	__s32	fd;		/* descriptor the call was made on (accept: the new one), -1 unknown */
	union {
		char	comm[TCPTRACE_COMM_LEN];	/* F_ACTOR; not always terminated */
		struct {
			__u64	req;	/* not F_ACTOR: the request_sock that became sk, or 0 */
			__u64	arg;	/* not F_ACTOR: lost: how many */
		};
	};
	__u8	laddr[16];	/* IPv4 as ::ffff:a.b.c.d, so that both families compare alike */
	union {
		__u8	raddr[16];
		struct {	/* listen, exists of a listener: it has no remote end */
			__s32	backlog;	/* listen: as given to it */
			__u32	somaxconn;	/* listen: of the namespace, at that moment */
			__u32	drops;		/* exists: sk_drops, as `ss -m` shows it (d5) */
		};
	};
	__u16	lport;
	__u16	rport;
	__u8	event;		/* enum tcptrace_event */
	__u8	family;		/* of the socket: 4 or 6 (6 with a mapped address is IPv4 traffic) */
	__u8	old;		/* state: before */
	__u8	new;		/* state: after; exists: now; shutdown: how; lost: which event; synq-add: SYNACK_TOO */
	__u8	cause;		/* enum tcptrace_cause */
	__u8	flags;		/* TCPTRACE_F_* */
	__u16	cpu;
	__u32	synq;		/* icsk_accept_queue.qlen */
	__u32	synq_young;	/* of these, SYN-ACK not yet sent again */
	__u32	acceptq;	/* sk_ack_backlog */
	__u32	acceptq_max;	/* sk_max_ack_backlog: limits both queues (see user/doc) */
	__s32	ret;		/* calls: return value or -errno */
};

#ifndef __cplusplus
_Static_assert(sizeof(struct tcptrace_record) == 128, "the record is 128 bytes");
_Static_assert(TCPTRACE_CAUSE_END <= TCPTRACE_CAUSE_MAX, "causes fit");
#endif

#endif
