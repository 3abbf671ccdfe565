/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The model: what the records mean. It knows sockets, listeners and their two
 * queues; it knows no I/O, no clock and no kernel: time is what the records say,
 * so that live capture, the module and a replay give the same answer.
 *
 *     records ──model_feed()──▶ conns, listeners ──callback──▶ model_events ──▶ views
 *
 * Words (DESIGN): a *request* waits in the SYN queue (a request_sock, state
 * NEW_SYN_RECV); a *conn* is one connection under one number from SYN to the
 * end of TIME_WAIT, its request and its child joined.
 *
 * Memory is bounded: all tables are sized once by model_new() and touched as
 * they fill. When the table of conns is full, a conn without a socket (TIME_WAIT)
 * makes room first, then the oldest that is not in a queue, then the oldest; it
 * is counted in totals.evicted* and said at the end. Of listeners, a closed one
 * that no conn refers to makes room (totals.listeners_forgotten); their rows take memory when they are used.
 *
 * What the source owes the model: LISTEN to SYN_RECV and what follows it in the
 * same softirq carry the same 'cpu'; the way into the accept queue comes before the ESTABLISHED that shows
 * it (the kernel's order); when the end of a snapshot is handed over,
 * everything that happened before it was handed over too (drain the ring first).
 */
#ifndef TCPTRACE_MODEL_H
#define TCPTRACE_MODEL_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../kmod/uapi/tcptrace.h"
#include "../lib/cgroup.h"
#include "failure.h"
#include "pace.h"
#include "refused.h"
#include "waits.h"

/* States of the kernel, include/net/tcp_states.h. */
enum tcp_state {
	TCP_S_NONE, TCP_S_ESTABLISHED, TCP_S_SYN_SENT, TCP_S_SYN_RECV, TCP_S_FIN_WAIT1,
	TCP_S_FIN_WAIT2, TCP_S_TIME_WAIT, TCP_S_CLOSE, TCP_S_CLOSE_WAIT, TCP_S_LAST_ACK,
	TCP_S_LISTEN, TCP_S_CLOSING, TCP_S_NEW_SYN_RECV, TCP_S_BOUND_INACTIVE, TCP_S_MAX
};

const char *tcp_state_name(unsigned int state);		/* "ESTABLISHED"; "?" past the table */
bool tcp_transition_legal(unsigned int old, unsigned int new);	/* as the kernel makes them */
const char *tcptrace_event_name(unsigned int event);	/* "synq-add"; "?" past the table */
int tcptrace_event_by_name(const char *name);		/* or 0 */
const char *tcptrace_cause_name(unsigned int cause);	/* "" for none */

/* Who: a process that acted on a socket. pid 0: unknown, or the kernel itself: owner_is_kernel(). */
struct owner {
	uint32_t pid, tid;
	int32_t fd;				/* -1: unknown */
	/*
	 * The process's name, which is that of its first thread, as it is called now; where none of that thread's
	 * records came yet, the caller's. As the kernel has it: hostile bytes possible.
	 */
	char comm[TCPTRACE_COMM_LEN + 1];
};

#define ACCEPTORS_MAX	64u
#define HOLDERS_MAX	32u

bool owner_is_kernel(const struct owner *o);
bool owner_known(const struct owner *o);

#define QUEUE_PARTS	7u		/* a minute in six parts, and the one that is not over */

/* One queue of a listener. Lengths are the kernel's own where a record carried them. */
struct queue {
	uint32_t now, peak;
	uint64_t part;			/* which part of a minute it is, of all that ever were, ... */
	uint64_t part_end_ns;		/* ... until then, and its peak */
	uint32_t part_top;
	uint32_t longest, look;		/* since wants.looks was that; model_longest() */
	uint32_t part_peak[QUEUE_PARTS];	/* of that one and those before it, in turn */
	uint64_t full_since_ns;		/* 0: not full now */
	uint64_t full_ns;		/* time spent full, until the listener's last record;
					 * model_full_ns() gives it until the last of all */
	uint64_t full_mark_ns;		/* until when full_ns is counted */
	struct conn *oldest, *newest;	/* conns we saw enter and not leave, in order */
	uint32_t known;			/* length of that list */
	uint32_t brief;			/* those beside it that brief.c counts */
	/* The list is longer than the kernel's queue: the oldest were taken, and no hook saw it. */
	uint64_t surplus_ns;		/* since when, with the same oldest; 0: it is not */
	uint64_t surplus_of;		/* that one's number */
	uint32_t surplus;		/* by how much, at least, all that time */
};

/* What few listeners have: memory is taken for those alone. */
struct seldom {
	uint32_t acceptor_pids[ACCEPTORS_MAX];	/* of more than one acceptor */
	uint32_t holders[HOLDERS_MAX];	/* who else than the opener holds it, by the last list */
	uint32_t nholders;
	struct owner worker;		/* the only one of them, where who accepted for the opener has left it; pid 0: none */
	struct failures accept_failures;	/* accept() by errno */
	uint64_t accepted_then;		/* of the listener, at the last of them */
	struct owner failer;			/* who called it last in vain, */
	int32_t failer_err;			/* with this errno, */
	bool others_failed;			/* as somebody else had, too */
};

/* What a listener was before it went to LISTEN, which listen() takes back if it fails. */
struct before_listen {
	bool pending;			/* it has not returned yet */
	bool close_seen, limit_known, backlog_known;
	uint32_t limit;
	struct limits limits;
	uint64_t born_ns, again_ns, closed_ns;	/* closed 0: it had never listened */
};

struct listener {
	uint32_t id;			/* 1, 2, ...: ours, stable in a run */
	uint64_t sk, cookie;
	uint32_t netns;
	uint8_t family, laddr[16];
	uint16_t lport;
	uint32_t device;		/* as the record has it: 0 unknown, 1 none, else the one it is bound to, + 1 */
	bool open;			/* still in LISTEN */
	bool close_seen;		/* when it was closed is known, and not that it was by then */
	uint64_t born_ns, closed_ns;	/* born 0: was there before us */
	uint64_t again_ns;		/* the last listen() after a shutdown(); 0: there was none */
	/* Three roles; listener_keeper() is whom to name. */
	struct owner opener;		/* who called listen(); of one that was there before us: who held it then */
	struct owner acceptor;		/* who accepted last */
	struct owner holder;		/* who has its descriptor, when the opener has not got it any more */
	bool opener_gone, acceptor_gone;	/* ended, or closed it, and we know */
	bool took_unasked;		/* the last accept() that gave one was no call that we saw: io_uring, a 32-bit program */
	uint32_t acceptors;		/* how many different processes accepted (prefork); of more than
					 * ACCEPTORS_MAX no more are told apart */
	int32_t backlog;		/* asked for; not if backlog_known is false: the listen() that counts was not seen */
	int64_t listen_limit;		/* what the last listen() that was seen made of it; -1: none was */
	bool backlog_known;
	uint32_t somaxconn;		/* at listen(); 0 unknown */
	uint32_t limit;			/* effective: sk_max_ack_backlog, of both queues */
	bool limit_known;		/* else limit is 0 and says nothing */
	struct limits limits;		/* all that it has had in this run */
	uint64_t lengths_ns;		/* when a record had the kernel's own lengths last; 0: never */
	uint32_t synq_young;
	struct queue synq, acceptq;
	uint64_t accepted;		/* left the accept queue by accept(), by any caller and system call */
	uint64_t unseen;		/* of these: found out later; by whom and when is unknown */
	uint64_t accept_errors;
	uint64_t established;		/* entered the accept queue */
	uint64_t causes[TCPTRACE_CAUSE_END];	/* count by cause: drops, removals, ways in */
	uint64_t cookies_sent, cookies_ok, cookies_bad;
	uint64_t cookie_ns;		/* when the last one was sent */
	bool cookies_shared;		/* by it, or by another one of its address (tracepoints): cookies_sent says nothing */
	uint64_t synack_retrans;
	uint32_t sk_drops;		/* the kernel's own count since the socket was made, by the last snapshot */
	uint32_t sk_drops_base;		/* when we began */
	bool sk_drops_known, sk_drops_based;
	uint32_t drops_seen;		/* rises of sk_drops that records account for */
	uint32_t drops_unseen;		/* rises that none does, at the last snapshot: refused, or thrown away otherwise */
	bool deferred;			/* TCP_DEFER_ACCEPT is set: third packets without data are dropped */
	uint64_t closed_reset;		/* of ACCEPTQ_CLOSED: a RST had ended them before */
	uint64_t ghosts;		/* conns whose third packet was refused and that were never established */
	/*
	 * Waiting times, ns. in_synq: of requests that were established (the wait of an expired
	 * one is the kernel's retry schedule; causes[] counts them). in_acceptq: of conns that
	 * accept() took, reset ones included. in_accept: blocked in an accept() that succeeded.
	 */
	struct waits in_synq, in_acceptq, in_accept;
	struct refused refused;		/* clients that a full queue refused */
	struct pace pace;		/* how long nobody took from the accept queue */
	struct owner staller;		/* who had accepted last, or kept it, in the worst pause of PACE_STALL_NS and more */

	/* The model's own. */
	struct before_listen before;
	const struct proc_place *place;	/* of a closed one: where it was; listener_place() */
	struct seldom *seldom;		/* NULL: nothing of it; listener_seldom() */
	bool used, opener_listened;	/* opener is who called listen(), not only who holds it */
	bool part;			/* -p: what was before one of these processes had it is hidden */
	bool listed;			/* a list of holders has come since, or was asked for */
	bool opener_named, acceptor_named;	/* as holders, by the snapshot of held_gen */
	uint8_t found_rank;
	struct owner found;		/* whom that snapshot found, the best so far */
	uint32_t held_gen;		/* the last snapshot that named any holder */
	uint64_t holder_ino;		/* what lookup.holds() knows the socket by */
	uint32_t asked_pid;		/* a list was wanted because this process is gone */
	uint64_t stall_asked_ns;	/* the pause in which it was asked whether the acceptor is there */
	bool destroyed;			/* its requests may still end; a new one at the address is another */
	uint32_t refs;			/* conns that point here */
	uint32_t seen_gen;		/* last snapshot that named it */
	struct listener *next_sk, *next_port;	/* chains of the tables by sk and by port */
	struct listener *prev_closed, *next_closed;	/* closed ones, oldest first */
};

/* When it was there last. */
static inline uint64_t listener_until(const struct listener *l)
{
	return l->open ? UINT64_MAX : l->closed_ns;
}

/* Since when it has been in LISTEN; 0: since before us. */
static inline uint64_t listener_since(const struct listener *l)
{
	return l->again_ns ? l->again_ns : l->born_ns;
}

static inline uint64_t refused_by_acceptq(const struct listener *l)
{
	return l->causes[TCPTRACE_DROP_ACCEPTQ_SYN] + l->causes[TCPTRACE_DROP_ACCEPTQ_ACK] +
	       l->causes[TCPTRACE_DROP_ACCEPTQ_COOKIE];
}

/* Both ends as the owner of the socket sees them: the key of a conn. */
struct tuple {
	uint8_t laddr[16], raddr[16];
	uint16_t lport, rport;
	uint32_t netns;
};

struct conn {
	/* What a look-up touches, in one cache line. */
	uint64_t id;			/* 1, 2, ... */
	uint64_t sk, req;		/* kernel addresses it goes by now; 0: none */
	union {
		struct tuple tuple;
		struct {
			uint8_t laddr[16], raddr[16];
			uint16_t lport, rport;
			uint32_t netns;
		};
	};

	uint32_t hash[3];		/* under which the tables have it */
	uint32_t next_free;		/* while it is none: index + 1 */
	uint8_t family;
	uint8_t state;			/* enum tcp_state; NEW_SYN_RECV while a request */
	bool in_synq, in_acceptq;
	bool reset;			/* a RST came while it waited to be accepted */
	bool unowned;			/* its refused connect() is counted among those of nobody known */
	bool ack_refused;		/* its third packet was refused at least once */
	bool aborted;			/* and answered by a RST (tcp_abort_on_overflow) */
	bool closed;			/* its owner has called close() */
	bool connected;			/* it was in SYN_SENT: the next connect() of its socket is another conn */
	bool sent;			/* its SYN had left when it went from SYN_SENT to CLOSE */
	bool reused;			/* its socket was taken off another one by connect(AF_UNSPEC) */
	bool result_due;		/* its connect() is counted as failed, by what ended it: the program may yet ask */
	uint8_t attempt;		/* attempt.c's */
	uint8_t soft_err;		/* rec_soft_errno() when its connect() returned */

	/* The model's own. */
	uint8_t last_event;		/* last step */
	uint8_t list;			/* which age list */
	uint8_t seen_state;		/* as the last snapshot that named it found it */
	bool seen_taken, seen_queued;	/* that snapshot found it taken by accept(), or not yet */
	bool tupled;			/* in the table by tuple */
	bool left_acceptq;		/* a second removal is a duplicate */
	bool killed;			/* it left with its listener: nobody has accepted it */
	bool moved;			/* from a closed member of its group, whose wait it was until then */
	bool unseen;			/* counted in listener->unseen */
	bool ghost;			/* counted in listener->ghosts */
	uint32_t last_tid;		/* of the last record about it */
	uint64_t last_ns;		/* when that was */
	struct conn *prev_age, *next_age;	/* place in its age list */

	uint64_t state_ns;		/* when it entered the state; 0 unknown */
	uint64_t born_ns;		/* first record; 0: before us */
	uint64_t synq_ns, acceptq_ns;	/* when it entered the queue; 0 unknown; kept when it left */
	uint64_t call_ns;		/* connect() began */
	uint64_t cookie;
	struct listener *listener;	/* server side: whose queues it passed; else NULL */
	struct conn *prev_q, *next_q;	/* place in its queue */
	struct owner owner;		/* accepted by / connected by / holds it */
	uint32_t owner_gen;		/* the last snapshot that named a holder */
	uint32_t owner_old;		/* whom it replaced then */
	uint64_t again_ns;		/* its SYN-ACK was sent again last; 0: not yet */
	uint32_t retrans;
	bool unacked;			/* counted in a row of unacked.h */
	uint8_t resent_doubled;		/* unacked.c's, as are the next three */
	uint32_t resent_ms, resent_span_ms;
	uint64_t resent_ns;
	uint8_t timed;			/* of these SYN-ACKs, for as much as is known by the timer */
	bool asked_again;		/* its SYN came once more */
	uint32_t seen_gen;		/* last snapshot that named it */
	uint64_t known_ns;		/* made by a snapshot of that moment: older records may still come */
	uint64_t isns;			/* of a request, as its synq-add has them; 0: unknown */
};

/* model_event.counted: the kernel has raised, with this step or some time before it, ... */
#define COUNTED_OPEN	0x01	/* ActiveOpens: its SYN was sent */
#define COUNTED_FAIL	0x02	/* AttemptFails */
#define COUNTED_DROP	0x04	/* synq-del of cause other: ListenDrops */
#define COUNTED_NOTHING	0x08	/* the end of a child that never was a connection: its request had another one */

/* One step, as the views show it: the record and what the model adds. Valid during the callback only. */
struct model_event {
	const struct tcptrace_record *rec;	/* never NULL: t_ns, addresses, queues, ret */
	uint8_t event;				/* may differ from rec->event where the model derives a step */
	uint8_t old, new, cause, flags;
	uint8_t counted;			/* COUNTED_*: what is known by now of the kernel's counters */
	uint8_t host;				/* model_limits.host */
	uint64_t conn;				/* number, 0: none */
	const struct conn *c;			/* NULL: none */
	const struct listener *l;		/* NULL: none */
	const struct owner *who;		/* the actor of a call; else the socket's owner; NULL unknown */
	const char *thread;			/* of a call: the calling thread's name, if it is not the process's; or NULL */
	bool has_dur;
	uint64_t dur_ns;			/* what this step ends */
	bool has_queues;
	uint32_t synq, synq_young, acceptq, limit;	/* of l, right after this step */
};

/* connect(AF_UNSPEC): of a socket that is connected a return without a remote end cannot be. */
static inline bool is_disconnect(const struct tcptrace_record *rec)
{
	return rec->event == TCPTRACE_CONNECT_RETURN && !rec->ret && !rec->rport;
}

/* What a call failed with; 0: nothing that the kernel has a number for, whatever a file says. */
static inline int ret_errno(int32_t ret)
{
	return ret < 0 && ret > -4096 ? -ret : 0;
}

static inline int rec_errno(const struct tcptrace_record *rec)	/* ... or sk_err */
{
	return ret_errno(rec->ret);
}

/* What an ICMP error, or a route that is lost, leaves behind. Not EMSGSIZE, which ends nothing (tcp_v4_mtu_reduced()). */
static inline bool is_errno_of_net(int err)
{
	return err == EHOSTUNREACH || err == ENETUNREACH || err == ECONNREFUSED || err == ENOPROTOOPT ||
	       err == EHOSTDOWN || err == EACCES || err == EPROTO || err == ENONET || err == EOPNOTSUPP;
}

/*
 * sk_err_soft of an attempt: an ICMP message found a call holding the socket, as connect() itself does, and the program
 * has it by SO_ERROR alone, which clears it. 0: none.
 */
static inline int rec_soft_errno(const struct tcptrace_record *rec)
{
	const uint8_t syn_sent = 2;
	uint32_t err = 0;

	if (rec->event == TCPTRACE_CONNECT_RETURN && rec->ret == -EINPROGRESS)
		err = rec->soft_errno;
	else if (rec->event == TCPTRACE_STATE && rec->old == syn_sent && tcptrace_has_totals(rec))
		err = rec->unread;
	return is_errno_of_net((int)err) ? (int)err : 0;
}

/* Out of SYN_SENT: a SYN had left, which is not acknowledged. What left instead may be a RST (TCP_FASTOPEN_CONNECT). */
static inline bool rec_sent_syn(const struct tcptrace_record *rec)
{
	return tcptrace_has_totals(rec) && rec->segs_out && rec->undelivered;
}

/* A signal came first: EINTR, or one of the kernel's ERESTARTSYS to ERESTART_RESTARTBLOCK, which libc never shows. */
static inline bool is_interruption(int err)
{
	return err == EINTR || (err >= 512 && err <= 516);
}

/* Not: its way goes on, it was interrupted, or it is no way at all: connected already. */
static inline bool connect_failed(int32_t ret)
{
	int err = ret_errno(ret);

	return err && err != EINPROGRESS && err != EALREADY && err != EISCONN && !is_interruption(err);
}

typedef void (*model_event_fn)(void *ctx, const struct model_event *ev);

struct model_limits {
	uint32_t conns;			/* default MODEL_CONNS */
	uint32_t listeners;		/* default MODEL_LISTENERS */
	uint8_t host, hosts;		/* which of so many machines, each with a model of its own, in whose numbers of
					 * conns and listeners it leaves room for those of the others; 0, 0: the only one */
	uint32_t only;			/* TCPTRACE_ONLY_*: what narrows what it is fed beside what an OBSERVED record says */
	uint64_t seed;			/* of the hash tables: random, so that peers cannot choose their
					 * bucket; 0: a constant (tests, replay) */
};
#define MODEL_HOSTS	8u		/* machines that are looked at together, at most */
#define MODEL_CONNS	262144u
#define MODEL_LISTENERS	65536u		/* every port of an address */
#define MODEL_CLOSED	4096u		/* kept for the summary; of more the oldest are forgotten */

struct model_totals {
	uint64_t records;		/* fed */
	uint64_t events[TCPTRACE_EVENT_MAX];	/* steps, by event */
	uint64_t lost[TCPTRACE_EVENT_MAX];	/* as the LOST records said, by event */
	uint64_t lost_total;
	uint64_t lost_ns;		/* none of these happened later; 0: none */
	uint64_t evicted;		/* conns forgotten because the table was full */
	uint64_t evicted_timewait;	/* the same, but their socket was gone already: only the end
					 * of TIME_WAIT was still to come */
	uint64_t listeners_unseen;	/* listeners that found no room */
	uint64_t listeners_forgotten;	/* closed ones that made room for new ones */
	uint64_t illegal;		/* transitions that the kernel cannot make: we missed something */
	uint64_t conns_now, conns_peak;
	uint64_t first_ns, last_ns;	/* time span of the records */
};

struct model;

/* Never fails halfway: NULL with errno set, or a model. limits NULL or zero members: the defaults. */
struct model *model_new(const struct model_limits *limits, model_event_fn fn, void *ctx);
void model_free(struct model *m);
int model_begin_again(struct model *m);	/* as new, for a replay: 0, or -ENOMEM and nothing has changed */

/* Takes one record in, calls fn for each step that it means: none, one or more. Hostile input is harmless. */
void model_feed(struct model *m, const struct tcptrace_record *rec);
void model_feed_all(struct model *m, const struct tcptrace_record *const *rec, unsigned int n);	/* one after the other */

/* What a run wants of it; less costs less. */
struct model_wants {
	uint64_t steps;			/* which are handed out: a bit for each event. Without synq-add none of a
					 * connection that brief.c counts */
	uint32_t looks;			/* another number: model_longest() begins anew */
	bool owners;			/* only who listens, who holds that and where he runs, which decides what is asked
					 * of the machine (model_ask_owners(), places); no connection is followed */
};
/* The ctx of model_new() goes with both. Until then it is all steps. */
void model_want(struct model *m, const struct model_wants *wants);

/*
 * How this event is seen now; exactly until an OBSERVED record says otherwise. What rests on an event that is not seen
 * is unknown, not 0.
 */
enum tcptrace_seen model_seen(const struct model *m, unsigned int event);
uint32_t model_only(const struct model *m);	/* TCPTRACE_ONLY_*: what narrows all of them; 0: nothing */

/*
 * What the model asks of the machine, while live; it is asked by model_until() and model_ask_owners() alone, never
 * while a record is fed.
 */
struct model_lookup {
	void *ctx;
	/*
	 * Has o's process o->fd (-1: any) still, as the same socket as when *ino was filled in (0: not yet)? 1 yes, 0 no,
	 * -1 unknown.
	 */
	int (*holds)(void *ctx, const struct owner *o, uint64_t *ino);
	/* Fills comm, TCPTRACE_COMM_LEN + 1 bytes, with the process's name; false: it is not there. */
	bool (*name)(void *ctx, uint32_t pid, char *comm);
};
void model_set_lookup(struct model *m, const struct model_lookup *lookup);
/*
 * True: somebody is gone who held a listener, or, at the end, might be named for what another holds: take a snapshot
 * with owners. Once for each reason, and at most once a second.
 */
bool model_ask_owners(struct model *m, bool end);
const struct seldom *listener_seldom(const struct listener *l);	/* never NULL */
/* Whom to name for what a listener does or waits for: who holds it; NULL: unknown. */
const struct owner *listener_keeper(const struct listener *l);
/* The same, or else who opened it or accepted from it. pid 0: unknown. */
const struct owner *listener_named(const struct listener *l);

/* Where a process runs, by 'place' records: NULL: unknown, or nowhere in particular. Valid until the next record. */
const struct proc_place *model_place(const struct model *m, uint32_t pid);
/* Of whom listener_named() names; of a closed listener as it was then. */
const struct proc_place *listener_place(const struct model *m, const struct listener *l);
const struct proc_place *model_next_place(const struct model *m, uint32_t *i);	/* of all; *i: 0 at first. NULL: no more */
uint32_t model_owners(const struct model *m);	/* another number when listeners have other owners */

/* No record came, but time passed: what waits has waited until now (CLOCK_MONOTONIC). May call fn. */
void model_until(struct model *m, uint64_t now_ns);

/*
 * These n records are fed next, in this order, others perhaps among them (0: it is not known which are): what they need
 * of the tables is sent for, and brief.c sees which connections are over with the last of them. The array and the records
 * stay as they are until then.
 */
void model_ahead(struct model *m, const struct tcptrace_record *const *rec, unsigned int n);

const struct model_totals *model_totals(const struct model *m);
/* The i-th listener in the order they were seen, NULL past the last. Closed ones stay for the summary. */
const struct listener *model_listener(const struct model *m, uint32_t i);
/* 0: what is sent to laddr is not for l; but a [::] for IPv6 alone (IPV6_V6ONLY is not known) and a device are not asked for. */
unsigned int listener_covers(const struct listener *l, const uint8_t laddr[16]);
/* Conns alive now; fn may not feed. */
void model_each_conn(const struct model *m, void (*fn)(void *ctx, const struct conn *c), void *ctx);
/* Named by the last snapshot, which is complete: c->seen_state is what it was then. */
bool model_found_last(const struct model *m, const struct conn *c);
/* COUNTED_* of a conn alive now that no step has said yet. */
uint8_t model_counted(const struct model *m, const struct conn *c);
/* Age in ns, at the last record, of the one that waits longest in that queue; 0: none waits, or it is unknown which. */
uint64_t model_oldest_wait(const struct model *m, const struct queue *q);
/*
 * Waits in the accept queue, ns: of those that accept() took, and of those that wait still, so long as they have waited
 * until the last record. How many these are. Fills *waits.
 */
uint32_t model_acceptq_waits(const struct model *m, const struct listener *l, struct hist *waits);
/* The largest length in the minute before the last record, and in as much as ten seconds before that. */
uint32_t model_minute_peak(const struct model *m, const struct queue *q);
/* The largest length since wants.looks changed, that of now at the least. */
uint32_t model_longest(const struct model *m, const struct queue *q);
/* Time in ns that the queue was full, until the last record. */
uint64_t model_full_ns(const struct model *m, const struct queue *q);

#endif
