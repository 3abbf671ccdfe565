// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of refused clients: by both ends, until they come in. Small and of a fixed
 * size: what finds no place in its row of eight is counted and not followed.
 */
#include <errno.h>
#include <stdlib.h>

#include "internal.h"

#define ROWS		SIZED(2048u, 2u)
#define ROW		8u
#define FORGET_NS	130000000000ull	/* tcp_syn_retries 6 give up after 127 s */

/* Fits a cache line. */
struct client {
	struct tuple tuple;
	uint32_t listener;		/* slot + 1; 0: free */
	uint32_t listener_id : 30, ghost : 1, reset : 1;
	uint64_t first_ns, last_ns;
};

struct clients {
	uint32_t out;			/* entries of all listeners */
	struct client client[ROWS * ROW];
};

int refused_init(struct model *m)
{
	m->clients = calloc(1, sizeof(*m->clients));
	return m->clients ? 0 : -ENOMEM;
}

static struct listener *listener_in(const struct model *m, const struct client *k)
{
	struct listener *l = k->listener ? &m->listeners[k->listener - 1] : NULL;

	return l && (l->id & 0x3fffffff) == k->listener_id ? l : NULL;
}

static struct client *row_of(const struct model *m, const struct tuple *t)
{
	uint64_t words[5], h = m->limits.seed;

	memcpy(words, t, sizeof(words));
	for (unsigned int i = 0; i < 5; i++)
		h = mix(h, words[i]);
	return &m->clients->client[(h >> 8) % ROWS * ROW];
}

static struct client *find(const struct model *m, const struct tuple *t)
{
	struct client *row = row_of(m, t);

	for (unsigned int i = 0; i < ROW; i++)
		if (row[i].listener && !memcmp(&row[i].tuple, t, sizeof(*t)))
			return &row[i];
	return NULL;
}

/* It is in, or will not come any more. */
static void leave(struct model *m, struct client *k)
{
	struct listener *l = listener_in(m, k);

	if (l)
		l->refused.out--;
	m->clients->out--;
	k->listener = 0;
}

static void lose(struct model *m, struct client *k)
{
	struct listener *l = listener_in(m, k);

	if (l)
		l->refused.lost++;
	leave(m, k);
}

/* What became of it is the next one's to tell. */
static void refused_by_next(struct model *m, struct client *k)
{
	struct listener *l = listener_in(m, k);

	if (l)
		l->refused.again++;
	leave(m, k);
}

/* A free place, or that of one that cannot come any more. */
static struct client *place(struct model *m, const struct tuple *t, uint64_t t_ns)
{
	struct client *row = row_of(m, t);

	for (unsigned int i = 0; i < ROW; i++) {
		if (row[i].listener && t_ns > row[i].last_ns && t_ns - row[i].last_ns > FORGET_NS)
			lose(m, &row[i]);
		if (!row[i].listener)
			return &row[i];
	}
	return NULL;
}

static void begin(struct model *m, struct client *k, const struct tuple *t, struct listener *l, uint64_t t_ns)
{
	*k = (struct client){
		.tuple = *t, .listener = (uint32_t)(l - m->listeners) + 1, .listener_id = l->id,
		.first_ns = t_ns, .last_ns = t_ns,
	};
	m->clients->out++;
	l->refused.clients++;
	l->refused.out++;
}

static bool is_waiting(const struct refused *r, const struct client *k)
{
	return k->last_ns > r->empty_ns;
}

/* Its SYN comes again and again: once from one time that the queue is empty to the next. */
static void wait_for(struct listener *l, const struct client *k, uint64_t before_ns)
{
	struct refused *r = &l->refused;

	r->waiting = before_ns > r->empty_ns ? r->waiting : 0;
	r->waiting += !k || !is_waiting(r, k);
	if (l->acceptq.now + r->waiting > r->at_once)
		r->at_once = l->acceptq.now + r->waiting;
}

/* A full queue of l refused a segment. The limit of most of them is found as Boyer and Moore find a majority. */
void refused_then(struct listener *l)
{
	struct limit_then *then = &l->refused.then;

	if (!l->limit_known)
		return;
	limits_add(&l->refused.limits, l->limit);
	if (then->votes && then->limit != l->limit) {
		then->votes--;
		return;
	}
	*then = (struct limit_then){
		.limit = l->limit, .somaxconn = l->somaxconn, .backlog = l->backlog, .backlog_known = l->backlog_known,
		.votes = then->votes + 1,
	};
}

/* A full queue of l refused a segment of that client. */
void refused_add(struct model *m, struct listener *l, const struct tuple *t, bool third, uint64_t t_ns)
{
	struct client *k = find(m, t);
	uint64_t before_ns = l->refused.last_ns;

	if (!l->refused.first_ns)
		l->refused.first_ns = t_ns;
	l->refused.last_ns = t_ns;
	l->refused.laddrs |= l->refused.clients && memcmp(l->refused.laddr, t->laddr, sizeof(t->laddr));
	memcpy(l->refused.laddr, t->laddr, sizeof(t->laddr));
	if (k && listener_in(m, k) != l) {	/* of a listener before this one */
		refused_by_next(m, k);
		k = NULL;
	}
	wait_for(l, k, before_ns);
	if (!k) {
		k = place(m, t, t_ns);
		if (!k) {
			l->refused.unfollowed++;
			return;
		}
		begin(m, k, t, l, t_ns);
	}
	k->last_ns = t_ns;
	k->ghost |= third;
	k->reset = false;
}

/* The request of a client whose third packet was refused ends by a RST: tcp_abort_on_overflow, or the client's own. */
void refused_reset(struct model *m, const struct tuple *t)
{
	struct client *k = m->clients->out ? find(m, t) : NULL;

	if (k)
		k->reset = true;
}

/* Of the client's own socket, on this machine. */
static struct client *find_of(const struct model *m, const struct conn *c)
{
	struct tuple t = { .lport = c->rport, .rport = c->lport, .netns = c->netns };

	memcpy(t.laddr, c->raddr, sizeof(t.laddr));
	memcpy(t.raddr, c->laddr, sizeof(t.raddr));
	return m->clients->out ? find(m, &t) : NULL;
}

/* It left SYN_SENT for CLOSE: no SYN comes from there any more. */
void refused_gone(struct model *m, const struct conn *c)
{
	struct client *k = find_of(m, c);

	if (k)
		lose(m, k);
}

/* It believes that it is connected, and its third packet was refused. */
bool refused_unaware(const struct model *m, const struct conn *c)
{
	const struct client *k = find_of(m, c);

	return k && k->ghost;
}

static enum refused_wait wait_of(uint64_t ns)
{
	/* between the moments at which a SYN is sent again: 1, 2, 3 ... (since 6.5), or 1, 3, 7, 15 s */
	static const uint64_t below_ms[] = { 500, 1500, 2500, 3500, 6000, 12000 };
	unsigned int i;

	for (i = 0; i < REFUSED_LONG && ns >= below_ms[i] * 1000000; i++)
		;
	return i;
}

/* A connection with these ends is established. */
void refused_came(struct model *m, const struct tuple *t, uint64_t t_ns)
{
	struct client *k = m->clients->out ? find(m, t) : NULL;
	struct listener *l = k ? listener_in(m, k) : NULL;
	uint64_t ns;

	if (!k)
		return;
	if (l) {
		ns = t_ns > k->first_ns ? t_ns - k->first_ns : 0;
		l->refused.in[wait_of(ns)]++;
		l->refused.waited_ns += ns;
		if (ns > l->refused.longest_ns)
			l->refused.longest_ns = ns;
		l->refused.waiting -= is_waiting(&l->refused, k) && l->refused.waiting;
	}
	leave(m, k);
}

uint32_t refused_in(const struct refused *r)
{
	uint32_t sum = 0;

	for (unsigned int i = 0; i < REFUSED_WAITS; i++)
		sum += r->in[i];
	return sum;
}

/*
 * Each time it waits about as long as all the times before together, and a second. Half as much again, and it
 * has given up, or its SYN does not get here.
 */
static bool gave_up(const struct client *k, uint64_t now_ns)
{
	uint64_t tried = k->last_ns - k->first_ns + 1000000000ull;

	return now_ns > k->last_ns + tried + tried / 2;
}

struct refused_out refused_out(const struct model *m, const struct listener *l)
{
	struct refused_out out = { .never = l->refused.lost };

	for (uint32_t i = 0; l->refused.out && i < ROWS * ROW; i++) {
		const struct client *k = &m->clients->client[i];

		if (!k->listener || listener_in(m, k) != l)
			continue;
		*(k->reset ? &out.reset : k->ghost ? &out.ghosts : gave_up(k, m->totals.last_ns) ? &out.never :
		  &out.not_yet) += 1;
	}
	return out;
}
