/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The record: what one step of the TCP socket model looks like when it leaves
 * the kernel. The same 128 bytes travel in the BPF ring buffer, in the trace
 * events of tcptrace.ko and in a recording (tcptrace -w), which leaves half of
 * most out as 0. BPF programs, the module and the reporter all include this file.
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
 * Every event: X(SYMBOL, symbol, "name", CLASS, what the kernel just did).
 * The order is the number on the wire; up to DESTROY it is also the order in a
 * socket's life. Code asks for the class, never for a range of numbers.
 */
#define TCPTRACE_EVENTS(X)							\
	X(SOCKET,	  socket,	  "socket",	    CALL,    "a TCP socket was made") \
	X(BIND,		  bind,		  "bind",	    CALL,    "bind() returned") \
	X(LISTEN,	  listen,	  "listen",	    CALL,    "listen() returned") \
	X(CONNECT,	  connect,	  "connect",	    CALL,    "connect() begins") \
	X(CONNECT_RETURN, connect_return, "connect-return", CALL,    "connect() returned") \
	X(ACCEPT,	  accept,	  "accept",	    CALL,    "accept() returned") \
	X(CLOSE,	  close,	  "close",	    CALL,    "the last reference is closed") \
	X(SHUTDOWN,	  shutdown,	  "shutdown",	    CALL,    "shutdown() begins") \
	X(SYNQ_ADD,	  synq_add,	  "synq-add",	    QUEUE,   "a request entered the SYN queue") \
	X(SYNACK,	  synack,	  "synack",	    QUEUE,   "the first SYN-ACK is made, to be sent") \
	X(SYNACK_RETRANS, synack_retrans, "synack-retrans", QUEUE,   "a SYN-ACK was sent again") \
	X(SYNQ_DEL,	  synq_del,	  "synq-del",	    QUEUE,   "a request left the SYN queue") \
	X(ACCEPTQ_ADD,	  acceptq_add,	  "acceptq-add",    QUEUE,   "a connection entered the accept queue") \
	X(ACCEPTQ_DEL,	  acceptq_del,	  "acceptq-del",    QUEUE,   "a connection left the accept queue") \
	X(DROP,		  drop,		  "drop",	    QUEUE,   "a segment was refused") \
	X(COOKIE_SENT,	  cookie_sent,	  "cookie-sent",    QUEUE,   "a SYN cookie was sent instead of queueing") \
	X(COOKIE_OK,	  cookie_ok,	  "cookie-ok",	    QUEUE,   "an ACK carried a valid cookie") \
	X(COOKIE_BAD,	  cookie_bad,	  "cookie-bad",	    QUEUE,   "an ACK carried an invalid cookie") \
	X(STATE,	  state,	  "state",	    STATES,  "a transition") \
	X(RETRANS,	  retrans,	  "retrans",	    SEGMENT, "a segment was sent again") \
	X(RST_SENT,	  rst_sent,	  "rst-sent",	    SEGMENT, "a RST is sent") \
	X(RST_RECEIVED,	  rst_received,	  "rst-received",   SEGMENT, "a RST was received") \
	X(READ,		  read,		  "read",	    IO,	     "data was read (--io)") \
	X(WRITE,	  write,	  "write",	    IO,	     "data was written (--io)") \
	X(EXISTS,	  exists,	  "exists",	    FOUND,   "was there before us (snapshot)") \
	X(DESTROY,	  destroy,	  "destroy",	    STATES,  "the kernel gives the socket up") \
	/* notes of the capture side to the model: never shown as an event */			\
	X(LOST,		  lost,		  "lost",	    NOTE,    "records were lost: see arg") \
	X(SNAPSHOT,	  snapshot,	  "snapshot",	    NOTE,    "a snapshot begins or is complete") \
	X(OBSERVED,	  observed,	  "observed",	    NOTE,    "how much of each event can be seen: see arg") \
	X(PLACE,	  place,	  "place",	    NOTE,    "unit and container of a process: see TEXT_AT")

enum tcptrace_event {
	TCPTRACE_NONE = 0,
#define TCPTRACE_ENUM(sym, low, name, class, doc) TCPTRACE_##sym,
	TCPTRACE_EVENTS(TCPTRACE_ENUM)
#undef TCPTRACE_ENUM
	TCPTRACE_EVENT_MAX
};

/* What an event is about. */
enum tcptrace_class {
	TCPTRACE_CALL = 1,	/* what a process asked for */
	TCPTRACE_QUEUE,		/* handshakes and the two queues of a listener */
	TCPTRACE_STATES,	/* transitions and the end */
	TCPTRACE_SEGMENT,
	TCPTRACE_IO,		/* only with --io */
	TCPTRACE_FOUND,		/* by a snapshot */
	TCPTRACE_NOTE		/* of the capture side to the model: not an event for a user */
};

/* 0: there is no such event. */
static inline unsigned int tcptrace_event_class(unsigned int event)
{
#define TCPTRACE_CASE(sym, low, name, class, doc) case TCPTRACE_##sym: return TCPTRACE_##class;
	switch (event) {
	TCPTRACE_EVENTS(TCPTRACE_CASE)
	}
#undef TCPTRACE_CASE
	return 0;
}

/* Why: of drop, synq-del, acceptq-add and acceptq-del. X(SYMBOL, "name", GROUP): names repeat between groups. */
#define TCPTRACE_CAUSES(X)							\
	X(DROP_ACCEPTQ_SYN,	  "acceptq-full-syn",	  REFUSED)	 /* SYN, accept queue full */ \
	X(DROP_ACCEPTQ_ACK,	  "acceptq-full-ack",	  REFUSED)	 /* third packet, accept queue full */ \
	X(DROP_ACCEPTQ_COOKIE,	  "acceptq-full-cookie",  REFUSED)	 /* cookie's ACK, accept queue full */ \
	X(DROP_SYNQ_FULL,	  "synq-full",		  REFUSED)	 /* SYN, SYN queue full, no cookies */ \
	X(DROP_SYNQ_QUARTER,	  "synq-quarter",	  REFUSED)	 /* last quarter of tcp_max_syn_backlog */ \
	X(DROP_NO_MEMORY,	  "no-memory",		  REFUSED) \
	X(DROP_OTHER,		  "other",		  REFUSED) \
	X(SYNQ_ESTABLISHED,	  "established",	  SYNQ_OUT)	 /* moved on to the accept queue */ \
	X(SYNQ_EXPIRED,		  "expired",		  SYNQ_OUT)	 /* SYN-ACK retries used up */ \
	X(SYNQ_RESET,		  "reset",		  SYNQ_OUT)	 /* a RST: the peer's, or ours by overflow or for a SYN */ \
	X(SYNQ_LISTENER_CLOSED,	  "listener-closed",	  SYNQ_OUT) \
	X(SYNQ_OTHER,		  "other",		  SYNQ_OUT) \
	X(ACCEPTQ_HANDSHAKE,	  "handshake",		  ACCEPTQ_IN) \
	X(ACCEPTQ_COOKIE,	  "cookie",		  ACCEPTQ_IN) \
	X(ACCEPTQ_FASTOPEN,	  "fastopen",		  ACCEPTQ_IN) \
	X(ACCEPTQ_MIGRATED,	  "migrated",		  ACCEPTQ_IN)	 /* from a closed SO_REUSEPORT member */ \
	X(ACCEPTQ_ACCEPTED,	  "accepted",		  ACCEPTQ_OUT) \
	X(ACCEPTQ_CLOSED,	  "listener-closed",	  ACCEPTQ_OUT) \
	X(ACCEPTQ_RESET,	  "reset",		  ACCEPTQ_OUT)	 /* accepted, but reset while waiting */

/* What a cause explains. */
enum tcptrace_cause_group {
	TCPTRACE_CAUSES_NONE,
	TCPTRACE_CAUSES_REFUSED,	/* drop */
	TCPTRACE_CAUSES_SYNQ_OUT,	/* synq-del */
	TCPTRACE_CAUSES_ACCEPTQ_IN,	/* acceptq-add */
	TCPTRACE_CAUSES_ACCEPTQ_OUT	/* acceptq-del */
};

enum tcptrace_cause {
	TCPTRACE_CAUSE_NONE = 0,
#define TCPTRACE_ENUM(sym, name, group) TCPTRACE_##sym,
	TCPTRACE_CAUSES(TCPTRACE_ENUM)
#undef TCPTRACE_ENUM
	TCPTRACE_CAUSE_END
};

static inline enum tcptrace_cause_group tcptrace_cause_group(unsigned int cause)
{
#define TCPTRACE_CASE(sym, name, group) case TCPTRACE_##sym: return TCPTRACE_CAUSES_##group;
	switch (cause) {
	TCPTRACE_CAUSES(TCPTRACE_CASE)
	}
#undef TCPTRACE_CASE
	return TCPTRACE_CAUSES_NONE;
}

/* tcptrace_record.flags */
#define TCPTRACE_F_ACTOR	0x01	/* pid, tid, fd and comm are the caller's; else 'req' holds */
#define TCPTRACE_F_QUEUES	0x02	/* synq .. acceptq_max are the listener's right after this step */
#define TCPTRACE_F_REQUEST	0x04	/* sk is a request_sock (NEW_SYN_RECV) */
#define TCPTRACE_F_TIMEWAIT	0x08	/* sk is an inet_timewait_sock */
#define TCPTRACE_F_INFERRED	0x10	/* deduced from its effects: this mechanism has no exact hook */
#define TCPTRACE_F_SAMPLED	0x20	/* found by a snapshot, not seen when it happened */
#define TCPTRACE_F_QUEUED	0x40	/* exists: waits in an accept queue */
#define TCPTRACE_F_END		0x80	/* snapshot: complete (without it: begins); transition to CLOSE: both FINs
					 * are acknowledged, but no minisock was made */

/* tcptrace_record.new of a synq-add: its SYN-ACK leaves in the same moment and has no record of its own. */
#define TCPTRACE_SYNACK_TOO	1
/* Of a drop of a third packet: a RST answers it and its request goes, by net.ipv4.tcp_abort_on_overflow. */
#define TCPTRACE_ABORTED	1
/* tcptrace_record.arg of a rst-sent by a listener: what it answers was taken for a SYN cookie, and was none. */
#define TCPTRACE_NO_COOKIE	1
/* tcptrace_record.ret of a synq-del of cause other: its SYN-ACK could not be sent again (-EIO). */
#define TCPTRACE_UNSENT		-5
/* Of an exists of a request: who listened for it does not any more. */
#define TCPTRACE_UNHEARD	1
/* An acceptq-add of cause handshake says, too, that the request it names left the SYN queue: a synq-del may come before. */

/*
 * observed: how an event is seen from now on, two bits for each in 'arg' (that of event n at 2n), and in 'req' what
 * narrows it. Without such a record (recordings of tcptrace 0.1) everything was seen exactly.
 */
enum tcptrace_seen {
	TCPTRACE_SEEN_NOT,	/* no hook delivers it: nothing follows from its absence */
	TCPTRACE_SEEN_SAMPLED,	/* found later, by a sweep: how often is a lower bound, when is unknown */
	TCPTRACE_SEEN_DEDUCED,	/* from its effects, and not always */
	TCPTRACE_SEEN_EXACTLY
};
#define TCPTRACE_SEEN_SHIFT(event)	(2 * (event))
#define TCPTRACE_ONLY_PIDS	0x01	/* calls of some processes, and by whomever on their sockets */
#define TCPTRACE_ONLY_LPORTS	0x02
#define TCPTRACE_ONLY_RPORTS	0x04
#define TCPTRACE_ONLY_FAMILY	0x08
#define TCPTRACE_ONLY_NETNS	0x10
#define TCPTRACE_ONLY_CGROUP	0x20
#define TCPTRACE_ONLY_ADDRS	0x40

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
		 * lost: within this time from t_ns on; 0: at any time before.
		 */
		__u64	call_ns;
	};
	__u32	netns;		/* inode number of the network namespace */
	/* The second member of a union of two: see tcptrace_has_totals(). */
	union {
		__u32	pid;		/* process (tgid in the kernel), F_ACTOR */
		__u32	srtt_us;	/* smoothed round trip, 0: never measured */
	};
	union {
		__u32	tid;		/* thread, F_ACTOR */
		__u32	rtt_min_us;	/* shortest round trip of the last 300 s, ~0: never measured */
	};
	union {
		__s32	fd;		/* descriptor the call was made on (accept: the new one), -1 unknown */
		__u32	unread;		/* bytes that came and that nobody read, without their FIN; out of SYN_SENT, in
					 * which none can have come, sk_err_soft */
	};
	union {
		char	comm[TCPTRACE_COMM_LEN];	/* F_ACTOR; not always terminated */
		struct {
			union {
				__u64	req;	/* not F_ACTOR: the request_sock that became sk, or 0 */
				__u64	bytes_in;	/* without SYN and FIN, as are those out */
			};
			union {
				__u64	arg;	/* not F_ACTOR: lost: how many; observed: enum tcptrace_seen of
						 * each; retrans: segments (tcp_skb_pcount()), 0: 1;
						 * rst-sent for no socket, or in SYN_RECV: TCP flags of what it
						 * answers, 0: nothing;
						 * for a listener: NO_COOKIE;
						 * synq-del without sk: the number of the segment that did it,
						 * of cause other: that an ICMP message is about;
						 * synq-add, SYN_SENT to ESTABLISHED: our initial sequence
						 * number << 32 | theirs, 0: no SYN was sent (TCP_REPAIR);
						 * SYN_SENT to SYN_RECV: whether one was */
				__u64	bytes_out;	/* sent, each byte once, acknowledged or not */
			};
		};
	};
	union {
		__u8	laddr[16];	/* IPv4 as ::ffff:a.b.c.d, so that both families compare alike */
		struct {	/* observed: the clocks then, of a recording; both 0: unknown */
			__s64	real_ns;	/* CLOCK_REALTIME - CLOCK_MONOTONIC: changes when the clock is set */
			__s64	boot_ns;	/* CLOCK_BOOTTIME - CLOCK_MONOTONIC: grows by what the machine was suspended */
		};
	};
	union {
		__u8	raddr[16];
		struct {	/* of a listener (tcptrace_of_listener()): it has no remote end */
			__s32	backlog;	/* listen: as given to it */
			__u32	somaxconn;	/* listen: of the namespace, at that moment */
			__u32	drops;		/* exists: sk_drops, as `ss -m` shows it (d5) */
			__u32	device;		/* and to LISTEN: sk_bound_dev_if + 1, 0: unknown */
		};
	};
	__u16	lport;
	__u16	rport;
	__u8	event;		/* enum tcptrace_event */
	__u8	family;		/* of the socket: 4 or 6 (6 with a mapped address is IPv4 traffic) */
	__u8	old;		/* state: before; exists of a listener, F_REQUEST: its rskq_defer_accept, 0: not set */
	__u8	new;		/* state: after; exists: now; shutdown: how; lost: which event; SYNACK_TOO; ABORTED */
	__u8	cause;		/* enum tcptrace_cause */
	__u8	flags;		/* TCPTRACE_F_* */
	__u16	cpu;
	union {
		__u32	synq;		/* icsk_accept_queue.qlen */
		__u32	retrans;	/* segments sent again, SYNs too */
	};
	union {
		__u32	synq_young;	/* of these, SYN-ACK not yet sent again */
		__u32	segs_in;
	};
	union {
		__u32	acceptq;	/* sk_ack_backlog */
		__u32	segs_out;
	};
	union {
		__u32	acceptq_max;	/* sk_max_ack_backlog: limits both queues (see user/doc) */
		__u32	undelivered;	/* bytes of ours not acknowledged or not sent, with a SYN or FIN of ours */
		__u32	soft_errno;	/* connect-return with -EINPROGRESS: sk_err_soft, 0: none */
	};
	__s32	ret;		/* calls: return value or -errno; retrans: 0 or why it did not leave; totals: -sk_err;
				 * synq-del of cause other: what tcp_abort() (ss -K) has, UNSENT, 0: an ICMP message did it;
				 * end of a minisock in FIN_WAIT2: -ECONNRESET if a RST was seen to end it */
};

/*
 * place: of process 'pid', which is no actor. Unit, Kubernetes namespace, pod, container and its id, a NUL after
 * each, in as many records as it takes, one right after the other: this one is number 'rport', from 0, of 'lport'.
 * They are text from 'comm' to the end of 'raddr'.
 */
#define TCPTRACE_TEXT_AT	__builtin_offsetof(struct tcptrace_record, comm)
#define TCPTRACE_TEXT_LEN	48

/*
 * Does the record say what became of a connection? The end of its full socket does: the transition out of the last
 * state before CLOSE (which is reported as TIME_WAIT where a minisock goes on), and 'destroy' where there is no transition;
 * so does 'exists'. A socket that neither sent nor received a segment has no totals, nor have recordings of
 * tcptrace 0.1.
 */
static inline int tcptrace_has_totals(const struct tcptrace_record *r)
{
	if (r->flags & (TCPTRACE_F_ACTOR | TCPTRACE_F_QUEUES | TCPTRACE_F_REQUEST | TCPTRACE_F_TIMEWAIT))
		return 0;
	if (r->event != TCPTRACE_STATE && r->event != TCPTRACE_EXISTS && r->event != TCPTRACE_DESTROY)
		return 0;
	return (r->segs_in | r->segs_out) != 0;
}

/* Does it say how the clocks of the machine stood? See real_ns. */
static inline int tcptrace_tells_clocks(const struct tcptrace_record *r)
{
	return r->event == TCPTRACE_OBSERVED && !(r->flags & TCPTRACE_F_ACTOR) && r->real_ns;
}

/* listen; exists and the transition of a socket in LISTEN. */
static inline int tcptrace_of_listener(const struct tcptrace_record *r)
{
	const __u8 listening = 10;	/* TCP_LISTEN */

	if (r->event == TCPTRACE_LISTEN)
		return 1;
	return (r->event == TCPTRACE_EXISTS || r->event == TCPTRACE_STATE) && r->new == listening &&
	       !(r->flags & (TCPTRACE_F_REQUEST | TCPTRACE_F_TIMEWAIT));
}

#ifndef __cplusplus
_Static_assert(sizeof(struct tcptrace_record) == 128, "the record is 128 bytes");
_Static_assert(TCPTRACE_TEXT_AT + TCPTRACE_TEXT_LEN == __builtin_offsetof(struct tcptrace_record, lport),
	       "text ends where the addresses do");
_Static_assert(TCPTRACE_CAUSE_END <= TCPTRACE_CAUSE_MAX, "causes fit");
_Static_assert(TCPTRACE_SEEN_SHIFT(TCPTRACE_EVENT_MAX) <= 64, "two bits for each event");
#endif

#endif
