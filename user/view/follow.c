// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which connections are followed: a table of tracks of fixed size, by the number
 * of the conn and by its two ends, whichever side they are seen from. Nothing is
 * allocated after follow_init(); when the table is full, a track that is not going
 * to be drawn makes room, and else the newcomer is counted and left out.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"

#define LOOK_BACK	64	/* tracks asked whether they make room */

int follow_init(struct follow *f)
{
	unsigned int i;

	memset(f, 0, sizeof(*f));
	f->tracks = calloc(TRACKS, sizeof(*f->tracks));
	if (!f->tracks)
		return -ENOMEM;
	for (i = TRACKS; i-- > 0;) {
		f->tracks[i].next = f->free;
		f->free = &f->tracks[i];
	}
	return 0;
}

void follow_free(struct follow *f)
{
	free(f->tracks);
	f->tracks = NULL;
}

/* ---- the two tables ---- */

static struct track **conn_bucket(struct follow *f, uint64_t conn)
{
	return &f->by_conn[conn % FOLLOW_BUCKETS];
}

static uint32_t end_hash(const uint8_t addr[16], uint16_t port)
{
	uint32_t h = 2166136261u ^ port;
	unsigned int i;

	for (i = 0; i < 16; i++)
		h = (h ^ addr[i]) * 16777619u;
	return h;
}

/* The same from both sides. */
static struct track **pair_bucket(struct follow *f, const struct tuple *t)
{
	return &f->by_pair[(end_hash(t->laddr, t->lport) + end_hash(t->raddr, t->rport)) % FOLLOW_BUCKETS];
}

static void pair_del(struct follow *f, struct track *t)
{
	struct track **p;

	if (!t->paired)
		return;
	for (p = pair_bucket(f, &t->tuple); *p != t; p = &(*p)->next_pair)
		;
	*p = t->next_pair;
	t->paired = false;
}

static void pair_add(struct follow *f, struct track *t)
{
	struct track **p = pair_bucket(f, &t->tuple);

	t->next_pair = *p;
	*p = t;
	t->paired = true;
}

static bool same_end(const uint8_t a[16], uint16_t ap, const uint8_t b[16], uint16_t bp)
{
	return ap == bp && !memcmp(a, b, 16);
}

static bool is_loopback(const uint8_t addr[16])
{
	static const uint8_t v6[16] = { [15] = 1 };

	return addr_is_mapped(addr) ? addr[12] == 127 : !memcmp(addr, v6, 16);
}

/* The other end of t, in whatever namespace; of several the one in its own. 127.0.0.1 is never elsewhere. */
static struct track *find_peer(struct follow *f, const struct track *t)
{
	const struct tuple *a = &t->tuple, *b;
	struct track *p, *best = NULL;

	for (p = *pair_bucket(f, a); p; p = p->next_pair) {
		b = &p->tuple;
		if (p == t || p->peer || p->gone || !same_end(a->laddr, a->lport, b->raddr, b->rport) ||
		    !same_end(a->raddr, a->rport, b->laddr, b->lport))
			continue;
		if (a->netns == b->netns)
			return p;
		if (!is_loopback(a->laddr))
			best = p;
	}
	return best;
}

static struct track *find_conn(struct follow *f, uint64_t conn)
{
	struct track *t = *conn_bucket(f, conn);

	while (t && t->conn != conn)
		t = t->next_conn;
	return t;
}

/* A track that has no conn yet: segments that were refused. */
static struct track *find_connless(struct follow *f, const struct tuple *key)
{
	struct track *t;

	for (t = *pair_bucket(f, key); t; t = t->next_pair) {
		if (!t->conn && t->tuple.netns == key->netns &&
		    same_end(key->laddr, key->lport, t->tuple.laddr, t->tuple.lport) &&
		    same_end(key->raddr, key->rport, t->tuple.raddr, t->tuple.rport))
			return t;
	}
	return NULL;
}

static void set_conn(struct follow *f, struct track *t, uint64_t conn)
{
	struct track **p = conn_bucket(f, conn);

	t->conn = conn;
	t->next_conn = *p;
	*p = t;
}

static void conn_del(struct follow *f, struct track *t)
{
	struct track **p;

	if (!t->conn)
		return;
	for (p = conn_bucket(f, t->conn); *p != t; p = &(*p)->next_conn)
		;
	*p = t->next_conn;
}

/* ---- tracks come and go ---- */

void follow_drop(struct follow *f, struct track *t)
{
	pair_del(f, t);
	conn_del(f, t);
	if (t->peer)
		t->peer->peer = NULL;
	*(t->prev ? &t->prev->next : &f->oldest) = t->next;
	*(t->next ? &t->next->prev : &f->newest) = t->prev;
	t->next = f->free;
	f->free = t;
}

bool follow_wanted(const struct follow *f, const struct track *t)
{
	unsigned int picks = t->picks | (t->peer ? t->peer->picks : 0);

	return t->connects && (t->peer || !t->weak) && (picks & f->picks_all) == f->picks_all;
}

static void make_room(struct follow *f)
{
	struct track *t = f->oldest;
	unsigned int i;

	for (i = 0; t && i < LOOK_BACK && follow_wanted(f, t); i++)
		t = t->next;
	if (t && !follow_wanted(f, t))
		follow_drop(f, t);
}

static struct track *track_new(struct follow *f)
{
	struct track *t;

	if (!f->free)
		make_room(f);
	t = f->free;
	if (!t) {
		f->refused++;
		return NULL;
	}
	f->free = t->next;
	memset(t, 0, offsetof(struct track, head));
	t->prev = f->newest;
	*(f->newest ? &f->newest->next : &f->oldest) = t;
	f->newest = t;
	return t;
}

/* ---- events ---- */

/* The first step of a conn; of one that was there before us, any but its end. */
static bool begins(const struct model_event *ev)
{
	switch (ev->event) {
	case TCPTRACE_SOCKET: case TCPTRACE_CONNECT: case TCPTRACE_SYNQ_ADD: case TCPTRACE_COOKIE_OK:
		return true;
	case TCPTRACE_STATE:
		if (ev->flags & TCPTRACE_F_TIMEWAIT || ev->new == TCP_S_LISTEN || ev->old == TCP_S_LISTEN)
			return ev->new == TCP_S_SYN_RECV;
		if (ev->old == TCP_S_CLOSE && ev->new == TCP_S_SYN_SENT)
			return true;
		break;
	case TCPTRACE_EXISTS: case TCPTRACE_DESTROY: case TCPTRACE_BIND: case TCPTRACE_LISTEN:
		return false;
	}
	return !ev->c->born_ns && ev->c->state != TCP_S_CLOSE && ev->c->state != TCP_S_TIME_WAIT;
}

static bool midway(const struct model_event *ev)
{
	switch (ev->event) {
	case TCPTRACE_SOCKET: case TCPTRACE_CONNECT: case TCPTRACE_SYNQ_ADD: case TCPTRACE_COOKIE_OK:
		return false;
	case TCPTRACE_STATE:
		return ev->old != TCP_S_CLOSE && ev->old != TCP_S_LISTEN;
	}
	return true;
}

/* The ends as the event's own end sees them. */
static struct tuple ends(const struct model_event *ev)
{
	const struct tcptrace_record *r = ev->rec;
	struct tuple key = { .lport = r->lport, .rport = r->rport, .netns = r->netns };

	if (ev->c && (ev->c->lport || ev->c->rport))
		return ev->c->tuple;
	memcpy(key.laddr, r->laddr, 16);
	memcpy(key.raddr, r->raddr, 16);
	return key;
}

static void learn(struct follow *f, struct track *t, const struct model_event *ev)
{
	struct tuple key = ends(ev);
	bool whole = key.lport && key.rport;

	if (memcmp(&key, &t->tuple, sizeof(key)) && (whole || !t->paired)) {
		pair_del(f, t);
		t->tuple = key;
		if (whole)
			pair_add(f, t);
	}
	if (!t->peer && t->paired) {
		t->peer = find_peer(f, t);
		if (t->peer)
			t->peer->peer = t;
	}
}

/* A SYN that was refused, or answered with a cookie, has no conn: its ends name it. */
static struct track *connless(struct follow *f, const struct model_event *ev)
{
	struct tuple key = ends(ev);
	struct track *t;

	if (!key.lport || !key.rport)
		return NULL;
	switch (ev->event) {
	case TCPTRACE_DROP: case TCPTRACE_COOKIE_SENT: case TCPTRACE_COOKIE_BAD: case TCPTRACE_RST_SENT:
		break;
	default:
		return NULL;
	}
	t = find_connless(f, &key);
	if (t)
		return t;
	t = track_new(f);
	if (t) {
		t->server = t->connects = true;
		t->weak = ev->event == TCPTRACE_RST_SENT;
	}
	return t;
}

struct track *follow_event(struct follow *f, const struct model_event *ev)
{
	struct tuple key;
	struct track *t;

	if (!ev->c) {
		t = connless(f, ev);
	} else {
		t = find_conn(f, ev->conn);
		if (t && ev->event == TCPTRACE_STATE && ev->new == TCP_S_LISTEN) {
			follow_drop(f, t);	/* it is a listener, not a connection */
			return NULL;
		}
		if (!t && (ev->conn <= f->refused_conn || !begins(ev)))
			return NULL;
		if (!t) {
			key = ends(ev);
			t = ev->c->listener ? find_connless(f, &key) : NULL;
			if (!t)
				t = track_new(f);
			if (!t) {
				f->refused_conn = ev->conn;
				return NULL;
			}
			t->midway = !t->nsteps && midway(ev);
			set_conn(f, t, ev->conn);
		}
	}
	if (t)
		learn(f, t, ev);
	return t;
}

static struct flow_step *slot(struct track *t)
{
	uint64_t n = t->nsteps++;

	return n < TRACK_HEAD ? &t->head[n] : &t->tail[(n - TRACK_HEAD) % TRACK_TAIL];
}

/* Nobody there has to ask what state a retransmitting socket is in. */
static uint8_t old_state(const struct model_event *ev)
{
	return ev->event == TCPTRACE_RETRANS && ev->c ? ev->c->state : ev->old;
}

static void remember(struct track *t, const struct model_event *ev)
{
	if (ev->who && ev->who->pid)
		t->who = *ev->who;
	if (ev->l) {
		t->server = true;
		t->limit_known |= ev->l->limit_known;
		t->limit = ev->l->limit;
	}
	if (ev->event != TCPTRACE_SOCKET && ev->event != TCPTRACE_BIND && ev->event != TCPTRACE_CLOSE &&
	    ev->event != TCPTRACE_DESTROY)
		t->connects = true;
	if (ev->event == TCPTRACE_STATE && (ev->new == TCP_S_CLOSE || ev->new == TCP_S_TIME_WAIT))
		t->ended = true;
	if (ev->event == TCPTRACE_DESTROY)
		t->ended = t->gone = true;
	if (ev->event == TCPTRACE_SYNQ_DEL && ev->cause != TCPTRACE_SYNQ_ESTABLISHED)
		t->ended = t->gone = true;
	if (ev->event != TCPTRACE_RST_SENT)
		t->weak = false;
	t->last_ns = ev->rec->t_ns;
}

void follow_step(struct track *t, const struct model_event *ev)
{
	struct flow_step *s;

	remember(t, ev);
	if (ev->event == TCPTRACE_EXISTS)
		return;
	s = slot(t);
	*s = (struct flow_step){
		.t_ns = ev->rec->t_ns, .dur_ns = ev->has_dur ? ev->dur_ns : 0,
		.synq = ev->synq, .acceptq = ev->acceptq, .limit = ev->limit,
		.ret = ev->rec->ret, .fd = ev->who ? ev->who->fd : -1,
		.event = ev->event, .old = old_state(ev), .new = ev->new, .cause = ev->cause,
		.flags = ev->flags, .has_queues = ev->has_queues,
		.request = ev->rec->flags & TCPTRACE_F_REQUEST,
	};
}
