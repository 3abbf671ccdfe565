/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside the model: its tables, and what its files call of each other. Nothing
 * outside user/model/ includes this.
 *
 * A file calls only those below it:
 *
 *     model.c     new, free, feed: one handler for each event
 *     brief.c     connections that come and go within one batch
 *     call.c      what processes ask for: socket() to shutdown()
 *     state.c     transitions, TIME_WAIT, the end
 *     snapshot.c  what was there before us, and what is there no more
 *     connects.c  connect() that failed, SYNs that nobody listened for
 *     unacked.c   established ones whose peers acknowledge nothing any more
 *     acceptq.c   accept queue, up to accept()
 *     request.c   SYN queue, up to the child
 *     cookie.c    SYN cookies
 *     child.c     a child's birth
 *     leave.c     out of a queue, seen or found out later
 *     emit.c      a step is handed out
 *     owner.c     who: names of processes, the three roles of a listener, who holds what
 *     attempt.c   connect() in terms of the kernel's counters
 *     conn.c      the table of conns: make, join, forget
 *     listener.c  the table of listeners
 *     waits.c     histograms of listeners; pool.c  rows that are taken when they are needed
 *     queue.c     both queues of a listener: numbers, and who waits
 *     age.c       conns by age
 *     index.c     hash tables of conns
 *
 *     place.c     units and containers of processes
 *
 *     refused.c   clients that a full queue refused, until they come in
 *     pace.c      how long nobody took from an accept queue
 *
 *     figure.c    what the numbers of a listener rest on (figure.h); who waits, and for how long
 */
#ifndef TCPTRACE_MODEL_INTERNAL_H
#define TCPTRACE_MODEL_INTERNAL_H

#include <string.h>

#include "../lib/sized.h"
#include "connects.h"
#include "model.h"
#include "unacked.h"

enum conn_key { BY_SK, BY_REQ, BY_TUPLE, CONN_KEYS };

#define TH_SYN	0x02				/* flags of a segment */
#define TH_ACK	0x10

/* A conn is in one of three lists, in the order it got there. Eviction takes the first of the first. */
enum conn_list { LIST_LINGER,	/* no socket any more: TIME_WAIT, orphaned FIN_WAIT2, refused cookies */
		 LIST_ACTIVE, LIST_QUEUED, CONN_LISTS };

/*
 * A child's LISTEN to SYN_RECV is recorded by kernels up to 6.12 before the child
 * has its remote end: the record waits here until the next step on the same CPU,
 * in the same softirq, says whose child it is.
 */
struct held {
	uint64_t sk;			/* 0: nothing waits */
	struct tcptrace_record rec;
};
#define HELD_CPUS	SIZED(256u, 4u)		/* by cpu modulo; a clash only costs the join its order */

/* Requests and children that ended lately, by hash of the address: their second removal is a duplicate. */
#define ENDED_SLOTS	SIZED(1024u, 16u)

struct slot {
	uint32_t hash;
	uint32_t conn;			/* index + 1; 0: empty */
};

struct table {
	struct slot *all, *slot;	/* slot: the mask + 1 in use; both index.c */
	uint32_t mask, count;
};

#define COOKIE_VALID_NS	120000000000ull	/* TCP_SYNCOOKIE_VALID, include/net/tcp.h */
#define JIFFIES_ZERO_NS	300000000000ull	/* jiffies begin at -300 s: INITIAL_JIFFIES */

/* The last name of a process, by its number; a clash forgets. */
struct proc {
	uint32_t pid;
	char comm[TCPTRACE_COMM_LEN + 1];
};
#define PROCS		SIZED(4096u, 16u)
#define NAMES_WANTED	16u

/* Where processes run. The oldest that hold no listener make room. */
#define PLACES		SIZED(1024u, 4u)
#define PLACE_PIDS	SIZED(4096u, 8u)
#define PLACE_SLOTS	(2 * PLACE_PIDS)

struct place_slot {
	uint32_t pid;			/* 0: empty */
	uint32_t since;			/* which of all place records it is */
	const struct proc_place *place;
};

/* Memory is taken as it is used: mostly little. */
struct place_rows {
	struct proc_place place[PLACES];
	struct place_slot slot[2][PLACE_SLOTS];
};

struct places {
	struct place_rows *rows;
	bool used[PLACES];
	struct place_slot *slot, *spare;	/* by pid */
	uint32_t pids, count;
	/* Of the place that comes in several records: what came so far. */
	uint32_t pid;
	uint16_t next, of;
	char text[(PLACE_TEXT_MAX / TCPTRACE_TEXT_LEN + 1) * TCPTRACE_TEXT_LEN];
};

struct snapshot {
	bool active;
	bool owners;			/* it lists who holds what */
	bool timewaits;			/* it names some: a filter by process cannot, nobody owns them */
	uint32_t gen, netns;		/* netns 0: all */
	uint64_t begin_ns, before_ns;	/* of this one, and of the one before; 0: none */
};

/* brief.c. Records of a batch go by their number in it. */
#define BRIEF_BATCH	256u
#define BRIEF_SLOTS	(2 * BRIEF_BATCH)

enum brief_stage { BRIEF_NOT, BRIEF_CAME, BRIEF_QUEUED, BRIEF_WHOLE };

struct brief_conn {
	uint32_t hash;			/* of its ends */
	uint16_t queued;		/* record by which it is in the accept queue */
	uint8_t stage;
	struct listener *listener;
};

struct brief {
	const struct tcptrace_record *const *rec;
	unsigned int n, next;		/* how many are looked at; which one is fed next */
	uint16_t first[BRIEF_BATCH];	/* the SYN of each record's connection, + 1; 0: none */
	struct brief_conn conn[BRIEF_BATCH];	/* by its SYN */
	uint16_t slot[BRIEF_SLOTS];	/* hash table of SYNs, + 1 */
};

struct model {
	model_event_fn fn;
	void *ctx;
	struct model_limits limits;
	struct model_totals totals;
	struct model_wants wants;
	uint64_t seen;			/* as OBSERVED records have it: enum tcptrace_seen of each event */
	uint32_t only;			/* TCPTRACE_ONLY_* */
	struct owner actor;		/* of the record in hand, with F_ACTOR */
	char thread[TCPTRACE_COMM_LEN + 1];	/* as that record has it */
	bool renamed;			/* a process has had two names */
	struct model_lookup lookup;
	struct proc procs[PROCS];
	uint32_t names_wanted[NAMES_WANTED], nnames_wanted;
	uint32_t verify_next;		/* listener that is verified next */
	bool owners_wanted;
	uint64_t asked_ns, verified_ns;
	struct snapshot snap;
	struct tcptrace_record derived;	/* of a step that no record reported */
	struct listener *surplus;	/* whose accept queue is longer here than in the kernel, for long enough */
	bool synq_full_at_limit;	/* a refusal showed it: full at qlen >= limit, later kernels (3c5b4d69c358) at > */

	struct conn *conns;
	uint32_t conns_touched;		/* slots used at least once */
	uint32_t conns_free;		/* chain of free ones by next_free: index + 1 */
	uint64_t conn_id;
	struct table by[CONN_KEYS];
	struct conn *age_head[CONN_LISTS], *age_tail[CONN_LISTS];
	uint64_t known_ns;		/* conn->known_ns, the latest */
	uint64_t expire_ns;		/* before that none of LIST_LINGER is due */

	struct listener *listeners;
	uint32_t *listener_order;	/* slots in the order they were seen */
	struct listener *listeners_free;	/* slots that were given back, chained by next_sk */
	uint32_t listeners_touched;	/* slots from there on were never used */
	uint32_t nlisteners, nclosed, listener_id;
	struct listener **listener_by_sk, **listener_by_port;
	uint32_t listener_mask;
	struct listener *closed_head, *closed_tail;
	struct pool seldom, waits;	/* rows of listeners: what not all of them have */

	struct places places;
	uint32_t owners;		/* counts changes of who opens, holds, accepts */

	uint64_t ended[ENDED_SLOTS];
	struct held held[HELD_CPUS];
	struct brief brief;

	struct clients *clients;	/* refused.c */
	struct cookies *cookies;	/* cookie.c */
	struct connects *connects;	/* connects.c */
	struct unheard *unheard;
	struct unanswered *unanswered;
	struct unbound unbound[UNBOUND];
	struct unacked unacked[UNACKED];
};

/*
 * What happens to a socket once was its last step already. BPF has two programs for it, and
 * where the caller was moved to another CPU between the two, both report it (bpf/recursion.bpf.h, did()).
 */
static inline bool rec_repeated(const struct conn *c, const struct tcptrace_record *rec)
{
	return c && c->last_event == rec->event && c->last_tid == rec->tid && rec->t_ns >= c->last_ns &&
	       rec->t_ns - c->last_ns < 1000000000ull;
}

/* The members of the record's unions, where they hold what their name says. */
static inline uint64_t rec_cookie(const struct tcptrace_record *rec)
{
	bool call = rec->event == TCPTRACE_ACCEPT || rec->event == TCPTRACE_CONNECT_RETURN;

	return call ? 0 : rec->cookie;
}

static inline uint64_t call_dur_ns(const struct tcptrace_record *rec)
{
	return rec->call_ns;
}

#define LOST_UNTOLD_NS	1000000000ull	/* sources tell at most so often what was lost: there may have been more since */

/* What should have come of it before then may have been lost. 0: nothing was. */
static inline uint64_t lost_until(const struct model *m)
{
	return m->totals.lost_ns ? m->totals.lost_ns + LOST_UNTOLD_NS : 0;
}

static inline void rec_tuple(const struct tcptrace_record *rec, struct tuple *t)
{
	memcpy(t, rec->laddr, offsetof(struct tuple, netns));
	t->netns = rec->netns;
}

static inline uint64_t rec_req(const struct tcptrace_record *rec)
{
	return rec->flags & TCPTRACE_F_ACTOR ? 0 : rec->req;
}

static inline unsigned int rec_state(uint8_t state)
{
	return state < TCP_S_MAX ? state : TCP_S_NONE;
}

static inline unsigned int rec_cause(const struct tcptrace_record *rec)
{
	return rec->cause < TCPTRACE_CAUSE_END ? rec->cause : TCPTRACE_CAUSE_NONE;
}

/* index.c */
int index_init(struct model *m, enum conn_key k);
uint32_t index_hash(const struct model *m, const struct tuple *t);	/* by which the third table has it */
void index_ahead(const struct model *m, uint32_t hash);
struct conn *index_find_hashed(const struct model *m, const struct tuple *t, uint32_t hash);
struct conn *index_put(struct model *m, struct conn *c, enum conn_key k);
void index_del(struct model *m, struct conn *c, enum conn_key k);
struct conn *index_find(const struct model *m, enum conn_key k, uint64_t addr);
struct conn *index_find_tuple(const struct model *m, const struct tuple *t);
struct conn *index_find_rec(const struct model *m, const struct tcptrace_record *rec);

/* age.c */
void age_add(struct model *m, struct conn *c, enum conn_list list);
void age_del(struct model *m, struct conn *c);
void age_set(struct model *m, struct conn *c, enum conn_list list);

/* place.c */
int places_init(struct model *m);
void places_free(struct model *m);
void on_place(struct model *m, const struct tcptrace_record *rec);

/* refused.c */
/* The ends are the server's: remote is the client. */
int refused_init(struct model *m);
void refused_then(struct listener *l);
void refused_add(struct model *m, struct listener *l, const struct tuple *t, bool third, uint64_t t_ns);
void refused_reset(struct model *m, const struct tuple *t);
void refused_gone(struct model *m, const struct conn *c);
bool refused_unaware(const struct model *m, const struct conn *c);
void refused_came(struct model *m, const struct tuple *t, uint64_t t_ns);

/* pace.c */
void pace_step(const struct model *m, struct listener *l, const struct tcptrace_record *rec, uint32_t before, int step);
void pace_close(struct listener *l, uint64_t t_ns);
void pace_lost(const struct model *m, struct listener *l, bool any_time);

/* connects.c */
int connects_init(struct model *m);
void connects_called(struct model *m, const struct conn *c, const struct tcptrace_record *rec);
void connects_returned(struct model *m, struct conn *c, const struct tcptrace_record *rec);
void connects_reset(struct model *m, struct conn *c, const struct tcptrace_record *rec);
void connects_ended(struct model *m, struct conn *c, const struct model_event *ev);
void connects_unbound(struct model *m, const struct tcptrace_record *rec);
void connects_unheard(struct model *m, const struct tcptrace_record *rec);
void connects_sent_again(struct model *m, const struct conn *c, const struct tcptrace_record *rec);
void connects_known(struct model *m, const struct conn *c, bool answered);

/* unacked.c */
void unacked_again(struct model *m, struct conn *c, const struct tcptrace_record *rec);
void unacked_ended(struct model *m, const struct conn *c, const struct tcptrace_record *rec);

/* queue.c */
void queue_numbers(struct model *m, struct listener *l, const struct tcptrace_record *rec,
		      int synq_step, int acceptq_step);
int queue_step_unseen(const struct queue *q);
int queue_step_late(const struct model *m, const struct listener *l, bool synq, const struct tcptrace_record *rec);
void queue_surplus(struct model *m, struct listener *l, uint64_t t_ns);
void queue_acceptq_gone(const struct model *m, struct listener *l, uint64_t t_ns);
void queue_closed(const struct model *m, struct listener *l, uint64_t t_ns);
void queue_set_listener(struct model *m, struct conn *c, struct listener *l);
void queue_enter(struct model *m, struct conn *c, bool acceptq);
void queue_leave(struct model *m, struct conn *c);

/* listener.c */
int listeners_init(struct model *m);
void listeners_free(struct model *m);
struct listener *listener_find(const struct model *m, uint64_t sk);
struct listener *listener_new(struct model *m, const struct tcptrace_record *rec, uint64_t sk);
struct listener *listener_of(struct model *m, const struct tcptrace_record *rec, const struct conn *c);
void listener_learn(struct model *m, struct listener *l, const struct tcptrace_record *rec);
void listener_tries(struct listener *l);
struct listener *listener_failed(struct model *m, struct listener *l);
void listener_reopen(struct model *m, struct listener *l);
void listener_close(struct model *m, struct listener *l, uint64_t t_ns);
struct seldom *seldom_of(struct model *m, struct listener *l);
struct listener *listener_alone(const struct model *m, const struct tcptrace_record *rec);
bool listener_between(const struct model *m, const struct tcptrace_record *rec, uint64_t from_ns);
struct listener *listener_of_cookie(struct model *m, const struct tcptrace_record *rec);
bool listener_awaits_cookies(const struct model *m, const struct listener *l);
void listener_sk_gone(struct model *m, struct listener *l, uint64_t t_ns);
struct listener *listener_still(struct model *m, struct listener *l, const struct tcptrace_record *rec);
struct listener *listener_opening(struct model *m, struct listener *l, const struct tcptrace_record *rec);

static inline void listener_limit(struct listener *l, uint32_t limit)
{
	l->limit = limit;
	l->limit_known = true;
	limits_add(&l->limits, limit);
}

/* Neither when one opens nor when it ends: another one may have its address. */
static inline bool listener_life_unseen(const struct model *m)
{
	return model_seen(m, TCPTRACE_STATE) == TCPTRACE_SEEN_NOT && model_seen(m, TCPTRACE_DESTROY) == TCPTRACE_SEEN_NOT;
}

static inline void listener_count(struct listener *l, unsigned int cause)
{
	if (l)
		l->causes[cause]++;
}

/* conn.c */
int conns_init(struct model *m);
bool conn_room(const struct model *m);
struct conn *conn_new(struct model *m);
void conn_end(struct model *m, struct conn *c);
struct conn *conn_begins(struct model *m, struct conn *c, const struct tcptrace_record *rec);
void conn_set_sk(struct model *m, struct conn *c, uint64_t sk);
void conn_set_req(struct model *m, struct conn *c, uint64_t req);
void conn_learn(struct model *m, struct conn *c, const struct tcptrace_record *rec);
void conn_sk_gone(struct model *m, struct conn *c);
void conn_req_gone(struct model *m, struct conn *c);
struct conn *conn_half_open(const struct model *m, const struct tcptrace_record *rec);
bool takers_unseen(const struct model *m, const struct listener *l);
bool conn_may_be(const struct conn *c, const struct tcptrace_record *rec);
struct conn *conn_by_req(struct model *m, uint64_t req, const struct tcptrace_record *rec);
struct conn *conn_by_sk(struct model *m, const struct tcptrace_record *rec);
struct conn *conn_of(struct model *m, const struct tcptrace_record *rec, bool *fresh);
struct conn *conn_of_sk(struct model *m, const struct tcptrace_record *rec, struct conn *c, bool *fresh);
void conn_absorb(struct model *m, struct conn *c, struct conn *child);
void conn_exchange(struct model *m, struct conn *c, struct conn *child);
void conns_expire(struct model *m, uint64_t t_ns);
void transition_broken(struct model *m);	/* counted, but where a profile leaves transitions out */

/* attempt.c */
uint8_t attempt_step(struct conn *c, const struct model_event *ev);

/* Most steps of most conns say nothing of it. */
static inline bool attempt_concerns(const struct conn *c, const struct model_event *ev)
{
	return c->attempt || (ev->event == TCPTRACE_STATE && (ev->new == TCP_S_SYN_SENT || ev->old == TCP_S_SYN_RECV)) ||
	       ev->cause == TCPTRACE_ACCEPTQ_FASTOPEN;
}

/* owner.c */
void owner_load(struct model *m, const struct tcptrace_record *rec);
const struct owner *owner_of(struct model *m, const struct model_event *ev);
void owner_learn(const struct model *m, struct owner *o, const struct tcptrace_record *rec, bool sure);
void owner_calls(const struct model *m, struct conn *c, const struct tcptrace_record *rec);
void owner_opens(struct model *m, struct listener *l, const struct tcptrace_record *rec);
void owner_accepts(struct model *m, struct listener *l, const struct owner *who);
void owner_holds(struct model *m, struct listener *l);
void owner_has(struct model *m, struct conn *c);
void owner_listed(struct model *m, struct listener *l);
void owner_verify(struct model *m);

/* emit.c */
void emit_took(struct model_event *ev, uint64_t since_ns);	/* 0: unknown */
void emit_on(struct model *m, struct model_event *ev);
void emit_plain(struct model *m, const struct tcptrace_record *rec, struct conn *c, struct listener *l);

/* Nearly all steps are only counted: others are taken by somebody, or say something of an attempt or of a name. */
static inline void emit_event(struct model *m, struct model_event *ev)
{
	struct conn *c = (struct conn *)ev->c;

	if (c) {
		if (ev->rec->t_ns > c->last_ns)
			c->last_ns = ev->rec->t_ns;
		c->last_tid = ev->rec->tid;
		c->last_event = ev->event;
	}
	m->totals.events[ev->event]++;
	if (m->wants.steps >> ev->event & 1 || m->renamed || (c && attempt_concerns(c, ev)))
		emit_on(m, ev);
}

/* leave.c */
const struct tcptrace_record *leave_record(struct model *m, uint64_t t_ns, const struct conn *c, unsigned int event,
					   uint8_t flags);
void leave_synq(struct model *m, const struct tcptrace_record *rec, struct conn *c, unsigned int cause);
bool comes_in_unseen(const struct model *m);	/* into the accept queue */
void leave_gone(struct model *m, const struct tcptrace_record *end, struct conn *c);
void request_not_met(struct model *m, const struct tcptrace_record *rec);
void leave_acceptq(struct model *m, const struct tcptrace_record *rec, struct conn *c, unsigned int cause);
void leave_taken(struct model *m, uint64_t t_ns, struct conn *c, uint8_t flags);
void leave_ended(struct model *m, uint64_t t_ns, struct conn *c, uint8_t flags);
void leave_closed(struct model *m, struct listener *l, uint64_t t_ns);
void leave_surplus(struct model *m, struct listener *l, uint64_t t_ns);
void leave_counted(struct listener *l, struct conn *c);

/* brief.c */
bool brief_count(struct model *m, const struct tcptrace_record *rec);

/* Is it of a connection that is counted? Then it is. */
static inline bool brief_takes(struct model *m, const struct tcptrace_record *rec)
{
	return m->brief.next < m->brief.n && m->brief.rec[m->brief.next] == rec && brief_count(m, rec);
}

/* child.c */
void child_begins(struct model *m, const struct tcptrace_record *rec, struct conn *c);
struct held *child_held(struct model *m, const struct tcptrace_record *rec, uint64_t sk);
bool child_release(struct model *m, const struct tcptrace_record *rec, struct conn *c);
void child_flush(struct model *m, struct held *h);
bool child_replaced(struct model *m, const struct tcptrace_record *rec, struct conn *c);

/* cookie.c */
struct conn *cookie_conn(struct model *m, const struct tcptrace_record *rec);
void cookie_infer(struct model *m, const struct tcptrace_record *rec, unsigned int event);
int cookies_init(struct model *m);
bool cookie_went_to(const struct model *m, const struct tcptrace_record *rec);
bool cookie_meant(const struct listener *l, uint64_t t_ns);

/* A step as the record has it: in line, as each record makes one. */
static inline struct model_event emit_step(const struct tcptrace_record *rec, unsigned int event,
					   const struct conn *c, const struct listener *l)
{
	return (struct model_event) {
		.rec = rec, .event = event, .c = c, .l = l, .conn = c ? c->id : 0,
		.old = rec->old, .new = rec->new, .cause = rec_cause(rec), .flags = rec->flags,
	};
}

/* Handlers: what a record means. */
typedef void (*handler)(struct model *m, const struct tcptrace_record *rec);

void on_socket(struct model *m, const struct tcptrace_record *rec);	/* call.c */
void on_bind(struct model *m, const struct tcptrace_record *rec);
void on_listen(struct model *m, const struct tcptrace_record *rec);
void on_connect(struct model *m, const struct tcptrace_record *rec);
void on_connect_return(struct model *m, const struct tcptrace_record *rec);
void on_call(struct model *m, const struct tcptrace_record *rec);
void on_segment(struct model *m, const struct tcptrace_record *rec);

void request_moves(struct model *m, struct conn *c, struct listener *to);		/* request.c */
void on_synq_add(struct model *m, const struct tcptrace_record *rec);
void on_synack(struct model *m, const struct tcptrace_record *rec);
void on_synq_del(struct model *m, const struct tcptrace_record *rec);
void on_drop(struct model *m, const struct tcptrace_record *rec);

void on_cookie(struct model *m, const struct tcptrace_record *rec);	/* cookie.c */

void acceptq_found(struct model *m, const struct tcptrace_record *rec, const struct conn *c);	/* acceptq.c */
void acceptq_returned(struct model *m, const struct tcptrace_record *rec, struct listener *l);
void on_acceptq_add(struct model *m, const struct tcptrace_record *rec);
void on_acceptq_del(struct model *m, const struct tcptrace_record *rec);
void on_accept(struct model *m, const struct tcptrace_record *rec);

void on_state(struct model *m, const struct tcptrace_record *rec);	/* state.c */
void on_destroy(struct model *m, const struct tcptrace_record *rec);

void on_exists(struct model *m, const struct tcptrace_record *rec);	/* snapshot.c */
void on_snapshot(struct model *m, const struct tcptrace_record *rec);

static inline uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15ull;
	return h ^ h >> 29;
}

/* Folds the product, so that each bit of both decides about all. */
static inline uint64_t multiply(uint64_t a, uint64_t b)
{
	unsigned __int128 r = (unsigned __int128)a * b;

	return (uint64_t)r ^ (uint64_t)(r >> 64);
}

static inline uint32_t hash_addr(const struct model *m, uint64_t addr)
{
	return multiply(addr ^ m->limits.seed, 0x9e3779b97f4a7c15ull);
}

static inline uint64_t *ended_slot(struct model *m, uint64_t addr)
{
	return &m->ended[hash_addr(m, addr) % ENDED_SLOTS];
}

#endif
