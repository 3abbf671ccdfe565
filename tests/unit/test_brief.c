// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connections that are counted and never become a conn: a model that is told which records come says the same of each
 * listener, whatever happens among them, as one that is not.
 */
#include <stdlib.h>

#include "model_rig.h"

#define BATCH		256u
#define CLIENTS		24u		/* ends, requests and sockets are few, so that they come again */
#define MOST		40u

static struct model *told;		/* rig.m is not */
static struct tcptrace_record rec[BATCH];
static unsigned int nrec;

/* As top, metrics and -q do it. */
static void observe(struct model *m, enum tcptrace_seen way_out)
{
	struct tcptrace_record observed = { .event = TCPTRACE_OBSERVED, .t_ns = 1, .arg = ~0ull };

	observed.arg &= ~(3ull << TCPTRACE_SEEN_SHIFT(TCPTRACE_STATE) | 3ull << TCPTRACE_SEEN_SHIFT(TCPTRACE_DESTROY) |
			  3ull << TCPTRACE_SEEN_SHIFT(TCPTRACE_ACCEPTQ_DEL));
	observed.arg |= (uint64_t)way_out << TCPTRACE_SEEN_SHIFT(TCPTRACE_ACCEPTQ_DEL);
	model_feed(m, &observed);
}

static int up(void **state)
{
	const struct model_wants none = { 0 };

	if (rig_up(state))
		return -1;
	told = model_new(NULL, rig_event, NULL);
	if (!told)
		return -1;
	for (unsigned int i = 0; i < 2; i++) {
		model_want(i ? told : rig.m, &none);
		observe(i ? told : rig.m, TCPTRACE_SEEN_EXACTLY);
	}
	nrec = 0;
	return 0;
}

static int down(void **state)
{
	model_free(told);
	return rig_down(state);
}

static void add(struct tcptrace_record r)
{
	r.t_ns = rig.t += 1 + dice(2000000);
	rec[nrec++] = r;
}

/* To both; one is told before. */
static void flush(void)
{
	const struct tcptrace_record *list[BATCH];

	for (unsigned int i = 0; i < nrec; i++)
		list[i] = &rec[i];
	model_ahead(told, list, nrec);
	for (unsigned int i = 0; i < nrec; i++) {
		model_feed(rig.m, &rec[i]);
		model_feed(told, &rec[i]);
	}
	nrec = 0;
}

static void same_queue(const struct queue *a, const struct queue *b)
{
	assert_int_equal(a->now, b->now);
	assert_int_equal(a->peak, b->peak);
	assert_int_equal(a->known, b->known);
	assert_int_equal(b->brief, 0);
	assert_int_equal(a->full_ns, b->full_ns);
	assert_int_equal(a->oldest ? a->oldest->rport : 0, b->oldest ? b->oldest->rport : 0);
}

static void same_waits(const struct waits *a, const struct waits *b)
{
	struct hist x, y;

	waits_hist(a, &x);
	waits_hist(b, &y);
	assert_memory_equal(&x, &y, sizeof(x));
}

static void same_listener(const struct listener *a, const struct listener *b)
{
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->open, b->open);
	assert_int_equal(a->limit, b->limit);
	same_queue(&a->synq, &b->synq);
	same_queue(&a->acceptq, &b->acceptq);
	assert_int_equal(a->synq_young, b->synq_young);
	assert_int_equal(a->established, b->established);
	assert_int_equal(a->accepted, b->accepted);
	assert_int_equal(a->unseen, b->unseen);
	assert_memory_equal(a->causes, b->causes, sizeof(a->causes));
	assert_int_equal(a->ghosts, b->ghosts);
	assert_int_equal(a->drops_seen, b->drops_seen);
	same_waits(&a->in_synq, &b->in_synq);
	same_waits(&a->in_acceptq, &b->in_acceptq);
	same_waits(&a->in_accept, &b->in_accept);
	assert_memory_equal(&a->refused, &b->refused, sizeof(a->refused));
	assert_memory_equal(&a->pace, &b->pace, sizeof(a->pace));
	assert_int_equal(a->acceptor.pid, b->acceptor.pid);
	assert_int_equal(a->acceptors, b->acceptors);
	assert_int_equal(a->staller.pid, b->staller.pid);
	assert_int_equal(a->drops_unseen, b->drops_unseen);
	assert_int_equal(a->deferred, b->deferred);
	assert_int_equal(a->lengths_ns, b->lengths_ns);
	assert_int_equal(a->synack_retrans, b->synack_retrans);
	assert_int_equal(a->took_unasked, b->took_unasked);
}

static void same(void)
{
	const struct model_totals *a = model_totals(rig.m), *b = model_totals(told);
	const struct listener *l;
	unsigned int n = 0;

	assert_memory_equal(a->events, b->events, sizeof(a->events));
	assert_int_equal(a->illegal, b->illegal);
	while (model_listener(rig.m, n))
		n++;
	for (unsigned int i = n > 16 ? n - 16 : 0; (l = model_listener(rig.m, i)); i++)
		same_listener(l, model_listener(told, i));
	assert_null(model_listener(told, a->records ? UINT32_MAX : 0));
}

static void count_conn(void *ctx, const struct conn *c)
{
	(void)c;
	++*(unsigned int *)ctx;
}

static unsigned int conns(const struct model *m)
{
	unsigned int n = 0;

	model_each_conn(m, count_conn, &n);
	return n;
}

/* ---- one listener and its clients, as the kernel has them ---- */

enum where { NOWHERE, HALF_OPEN, WAITING };

struct world {
	unsigned int at;		/* which listener */
	enum where where[CLIENTS];
	unsigned int req[CLIENTS], sk[CLIENTS], came[CLIENTS], comes;
	uint32_t synq, acceptq, limit;
};

/* How the steps of a run are told, and what comes among them. */
struct kind {
	bool call;			/* accept() alone tells the way out (tracepoints) */
	bool actor;			/* the way out tells who took it (fentry) */
	uint32_t unseen;		/* one of so many is taken without a record */
	bool closes;			/* listeners close, and open again at the same address */
	bool twice, lost;		/* calls are told twice; records get lost */
	unsigned int worlds;
};

/* Nobody has it now; somebody may have had it. */
static unsigned int free_one(const struct world *w, const unsigned int *used, enum where where)
{
	unsigned int id, i;

	do {
		id = dice(2 * CLIENTS);
		for (i = 0; i < CLIENTS && !(w->where[i] == where && used[i] == id); i++)
			;
	} while (i < CLIENTS);
	return id;
}

static struct tcptrace_record of(const struct world *w, unsigned int event, unsigned int i)
{
	struct tcptrace_record r = queues(server_rec(event, i), w->synq, w->acceptq);

	r.listener += 0x1000ul * w->at;
	r.lport += w->at;
	r.acceptq_max = w->limit;
	return r;
}

static struct tcptrace_record of_listener(const struct world *w, unsigned int event)
{
	struct tcptrace_record r = queues(listener_rec(event), w->synq, w->acceptq);

	r.sk = r.listener += 0x1000ul * w->at;
	r.lport += w->at;
	r.acceptq_max = w->limit;
	return r;
}

static void syn(struct world *w, unsigned int i)
{
	struct tcptrace_record r;

	if (w->acceptq > w->limit) {
		r = of(w, TCPTRACE_DROP, i);
		r.cause = TCPTRACE_DROP_ACCEPTQ_SYN;
		add(r);
		return;
	}
	w->req[i] = free_one(w, w->req, HALF_OPEN);
	w->where[i] = HALF_OPEN;
	w->synq++;
	r = of(w, TCPTRACE_SYNQ_ADD, i);
	r.sk = RQ(1000 * w->at + w->req[i]);
	r.flags |= TCPTRACE_F_REQUEST;
	r.new = TCPTRACE_SYNACK_TOO;
	add(r);
}

static void half_open(struct world *w, unsigned int i, uint32_t how)
{
	struct tcptrace_record r;

	switch (how) {
	case 3:				/* its end is not seen */
		w->synq--;
		w->where[i] = NOWHERE;
		return;
	case 0:
		r = of(w, TCPTRACE_SYNACK_RETRANS, i);
		break;
	case 1:
		w->synq--;
		w->where[i] = NOWHERE;
		r = of(w, TCPTRACE_SYNQ_DEL, i);
		r.cause = dice(2) ? TCPTRACE_SYNQ_EXPIRED : TCPTRACE_SYNQ_RESET;
		break;
	default:
		r = of(w, TCPTRACE_DROP, i);
		r.cause = TCPTRACE_DROP_ACCEPTQ_ACK;
	}
	r.sk = RQ(1000 * w->at + w->req[i]);
	r.flags |= TCPTRACE_F_REQUEST;
	add(r);
}

static void third(struct world *w, unsigned int i, const struct kind *k)
{
	struct tcptrace_record r;

	if (w->acceptq > w->limit || !dice(30)) {
		half_open(w, i, w->acceptq > w->limit ? 2 : dice(8) ? dice(2) : 3);
		return;
	}
	w->sk[i] = k->unseen ? w->comes + 2 * CLIENTS : free_one(w, w->sk, WAITING);	/* nobody knows that one is free */
	w->where[i] = WAITING;
	w->came[i] = w->comes++;
	w->synq--;
	w->acceptq++;
	r = of(w, TCPTRACE_ACCEPTQ_ADD, i);
	r.sk = SK(1000000 * w->at + w->sk[i]);
	r.req = k->call ? 0 : RQ(1000 * w->at + w->req[i]);
	r.cause = TCPTRACE_ACCEPTQ_HANDSHAKE;
	r.flags |= k->call ? TCPTRACE_F_INFERRED : 0;
	add(r);
}

static void take(struct world *w, unsigned int i, const struct kind *k)
{
	struct tcptrace_record r;

	w->where[i] = NOWHERE;
	w->acceptq--;
	if (k->unseen && !dice(k->unseen))
		return;
	r = of(w, k->call ? TCPTRACE_ACCEPT : TCPTRACE_ACCEPTQ_DEL, i);
	r.sk = SK(1000000 * w->at + w->sk[i]);
	if (k->call || k->actor)
		r = by(r, SERVER + dice(3), 9);
	if (k->call) {
		r.ret = 9;
		r.call_ns = dice(5000);
	} else {
		r.cause = TCPTRACE_ACCEPTQ_ACCEPTED;
	}
	add(r);
	if (k->twice && !dice(20))
		add(r);
}

/* Whoever waits is thrown out; the next one has the same address. */
static void reopen(struct world *w)
{
	struct tcptrace_record r;

	w->synq = 0;
	r = of_listener(w, TCPTRACE_STATE);
	r.old = TCP_S_LISTEN;
	r.new = TCP_S_CLOSE;
	add(r);
	w->acceptq = 0;
	memset(w->where, 0, sizeof(w->where));
	w->limit = dice(8);
	r = by(of_listener(w, TCPTRACE_LISTEN), SERVER + dice(3), 3);
	r.backlog = (int)w->limit;
	r.somaxconn = 4096;
	add(r);
}

static void feed_both(struct tcptrace_record r)
{
	r.t_ns = rig.t += 1000;
	model_feed(rig.m, &r);
	model_feed(told, &r);
}

static void found(const struct world *w, unsigned int i)
{
	struct tcptrace_record r = server_rec(TCPTRACE_EXISTS, i);

	r.lport += w->at;
	r.listener = LSK + 0x1000ul * w->at;
	r.sk = w->where[i] == HALF_OPEN ? RQ(1000 * w->at + w->req[i]) : SK(1000000 * w->at + w->sk[i]);
	r.new = w->where[i] == HALF_OPEN ? TCP_S_NEW_SYN_RECV : TCP_S_ESTABLISHED;
	r.flags = w->where[i] == HALF_OPEN ? TCPTRACE_F_REQUEST : TCPTRACE_F_QUEUED;
	feed_both(r);
}

static void sweep(const struct world *w, unsigned int worlds)
{
	struct tcptrace_record mark = { .event = TCPTRACE_SNAPSHOT, .fd = -1 };

	model_ahead(told, NULL, 0);
	feed_both(mark);
	for (; worlds--; w++) {
		struct tcptrace_record l = of_listener(w, TCPTRACE_EXISTS);

		l.new = TCP_S_LISTEN;
		feed_both(l);
		for (unsigned int i = 0; i < CLIENTS; i++)
			if (w->where[i] != NOWHERE)
				found(w, i);
	}
	mark.flags = TCPTRACE_F_END;
	feed_both(mark);
}

static unsigned int first_of(const struct world *w, unsigned int c)
{
	for (unsigned int i = 0; i < CLIENTS; i++)
		if (w->where[i] == WAITING && w->came[i] < w->came[c])
			c = i;
	return c;
}

static void step(struct world *w, unsigned int c, const struct kind *k)
{
	if (w->where[c] == HALF_OPEN)
		third(w, c, k);
	else if (w->where[c] == WAITING)
		take(w, first_of(w, c), k);
	else
		syn(w, c);
}

static void run(struct kind k, unsigned int steps)
{
	const struct tcptrace_record lost = { .event = TCPTRACE_LOST, .new = TCPTRACE_ACCEPT, .arg = 1, .call_ns = 1, .fd = -1 };
	struct world w[4] = { { .limit = 5 }, { .at = 1, .limit = 0 }, { .at = 2, .limit = 2 }, { .at = 3, .limit = 20 } };

	observe(rig.m, k.call ? TCPTRACE_SEEN_DEDUCED : TCPTRACE_SEEN_EXACTLY);
	observe(told, k.call ? TCPTRACE_SEEN_DEDUCED : TCPTRACE_SEEN_EXACTLY);
	for (unsigned int i = 0; i < steps; i++) {
		unsigned int c = dice(CLIENTS), n = 1 + dice(3), at = dice(k.worlds);

		while (n-- && nrec < BATCH - 8)
			step(&w[at], c, &k);
		if (k.closes && !dice(500))
			reopen(&w[at]);
		if (nrec >= BATCH - 8 || !dice(MOST)) {
			flush();
			if (!dice(10))
				sweep(w, k.worlds);
			if (k.lost && !dice(20))
				feed_both(lost);
			same();
		}
	}
	flush();
	same();
	assert_true(model_totals(told)->events[TCPTRACE_SYNQ_ADD] > steps / 10);
}

static void exact(void **state)
{
	(void)state;
	run((struct kind){ .worlds = 1 }, 200000);
}

static void calls(void **state)
{
	(void)state;
	run((struct kind){ .call = true, .worlds = 1 }, 200000);
}

/* The kernel's lengths say that some were taken, and no record says which. */
static void taken_unseen(void **state)
{
	(void)state;
	run((struct kind){ .call = true, .unseen = 20, .worlds = 1 }, 200000);
}

static void who_took_it(void **state)
{
	(void)state;
	run((struct kind){ .actor = true, .worlds = 3 }, 60000);
}

static void several(void **state)
{
	(void)state;
	run((struct kind){ .call = true, .worlds = 4 }, 60000);
}

static void that_close(void **state)
{
	(void)state;
	run((struct kind){ .call = true, .closes = true, .worlds = 3 }, 60000);
}

static void told_twice(void **state)
{
	(void)state;
	run((struct kind){ .call = true, .twice = true, .lost = true, .worlds = 2 }, 60000);
}

static void all_of_it(void **state)
{
	(void)state;
	run((struct kind){ .call = true, .twice = true, .lost = true, .closes = true, .unseen = 30, .worlds = 4 }, 60000);
	run((struct kind){ .actor = true, .twice = true, .lost = true, .closes = true, .worlds = 4 }, 60000);
}

static void whole(unsigned int i)
{
	const struct kind k = { .worlds = 1 };
	struct world w = { .limit = 5 };

	syn(&w, i);
	third(&w, i, &k);
	if (w.where[i] == WAITING)
		take(&w, i, &k);
}

static void is_no_conn(void **state)
{
	(void)state;
	seed = 1;
	for (unsigned int i = 0; i < 20; i++)
		whole(i);
	flush();
	same();
	assert_int_equal(model_totals(told)->events[TCPTRACE_ACCEPTQ_DEL], model_totals(rig.m)->events[TCPTRACE_ACCEPTQ_DEL]);
	assert_true(conns(rig.m) >= 15);
	assert_true(conns(told) <= 2);		/* that were half open at the end */
	assert_int_equal(model_listener(told, 0)->refs, conns(told));
	assert_int_equal(model_totals(told)->conns_now, conns(told));
	assert_int_equal(model_totals(told)->conns_peak, 1 + conns(told));
}

/* The address of a request that expired is the next one's, whose way out alone may be seen. */
static void address_lives_on(void **state)
{
	struct tcptrace_record gone = queues(server_rec(TCPTRACE_SYNQ_DEL, 7), 0, 0);

	(void)state;
	gone.flags |= TCPTRACE_F_REQUEST;
	gone.cause = TCPTRACE_SYNQ_EXPIRED;
	for (unsigned int i = 0; i < 2; i++) {
		seed = 1;
		whole(3);
		gone.sk = rec[0].sk;
		add(gone);
		flush();
		same();
	}
	assert_int_equal(model_listener(told, 0)->causes[TCPTRACE_SYNQ_EXPIRED], 2);
}

static void taken_by(unsigned int i, unsigned int pid, uint64_t after_ns)
{
	struct tcptrace_record del;

	whole(i);
	del = by(rec[--nrec], pid, -1);
	rig.t += after_ns;
	add(del);
	flush();
	same();
}

/* Who ends a pause has not made it. */
static void pause_is_whose(void **state)
{
	(void)state;
	seed = 1;
	taken_by(3, SERVER, 0);
	taken_by(4, SERVER + 1, 2 * PACE_STALL_NS);
	assert_int_equal(model_listener(rig.m, 0)->staller.pid, SERVER);
}

/* Who takes SYNs follows each connection. */
static void steps_are_taken(void **state)
{
	const struct model_wants all = { .steps = UINT64_MAX };

	(void)state;
	seed = 1;
	model_want(told, &all);
	whole(3);
	flush();
	assert_int_equal(conns(told), 1);
	assert_int_equal(rig.n, 5);		/* synq-add, synack, synq-del, acceptq-add, acceptq-del */
}

/* A record of the same connection, and one that says nothing of its ends, after the way out. */
static void something_else(void **state)
{
	struct tcptrace_record r = server_rec(TCPTRACE_RST_RECEIVED, 3);

	(void)state;
	seed = 1;
	whole(3);
	r.sk = SK(0);
	add(r);
	flush();
	same();
	assert_int_equal(conns(told), conns(rig.m));
}

/* Records that others put among them, and a batch that is longer than is looked at. */
static void among_them(void **state)
{
	const struct tcptrace_record *list[3];
	struct tcptrace_record lost = { .event = TCPTRACE_LOST, .new = TCPTRACE_STATE, .arg = 1, .t_ns = 5, .fd = -1 };

	(void)state;
	seed = 1;
	whole(3);
	for (unsigned int i = 0; i < 3; i++)
		list[i] = &rec[i];
	model_ahead(told, list, 3);
	for (unsigned int i = 0; i < 3; i++) {
		model_feed(told, &lost);
		model_feed(rig.m, &lost);
		model_feed(told, &rec[i]);
		model_feed(rig.m, &rec[i]);
	}
	same();
	assert_int_equal(conns(told), 0);
	model_ahead(told, list, 0);
	for (unsigned int i = 0; i < 3; i++)
		model_feed(told, &rec[i]);
	assert_int_equal(conns(told), 1);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, up, down)
	const struct CMUnitTest tests[] = {
		CASE(exact), CASE(calls), CASE(taken_unseen), CASE(who_took_it), CASE(several), CASE(that_close),
		CASE(told_twice), CASE(all_of_it), CASE(is_no_conn), CASE(address_lives_on), CASE(pause_is_whose),
		CASE(steps_are_taken), CASE(something_else),
		CASE(among_them),
	};

	seed = 4711;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
