// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tracks of what is followed: a table of fixed size, by the number
 * of the conn and by its two ends, whichever side they are seen from. Nothing is
 * allocated after follow_init(); when the table is full, a track that is not going
 * to be drawn makes room, and else the newcomer is counted and left out.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"
#include "pair.h"

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

/* The same from both sides. */
static struct track **pair_bucket(struct follow *f, const struct tuple *t)
{
	return &f->by_pair[pair_hash(t) % FOLLOW_BUCKETS];
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

static void track_part(struct track *t)
{
	if (t->peer)
		t->peer->peer = NULL;
	t->peer = NULL;
}

/* The ends of t, as far as they are known; a connect() to elsewhere has another peer. */
void track_set_tuple(struct follow *f, struct track *t, const struct tuple *ends)
{
	struct track **p;

	pair_del(f, t);
	track_part(t);
	t->tuple = *ends;
	if (!ends->lport || !ends->rport)
		return;
	p = pair_bucket(f, &t->tuple);
	t->next_pair = *p;
	*p = t;
	t->paired = true;
}

static struct track **isn_bucket(struct follow *f, uint64_t isn)
{
	return &f->by_isn[pair_isn_hash(isn) % FOLLOW_BUCKETS];
}

static void isn_del(struct follow *f, struct track *t)
{
	struct track **p;

	if (!t->isn)
		return;
	for (p = isn_bucket(f, t->isn); *p != t; p = &(*p)->next_isn)
		;
	*p = t->next_isn;
	t->isn = 0;
}

/* It may show that the peer, found by its addresses, is another connection's. */
void track_set_isn(struct follow *f, struct track *t, uint64_t isn)
{
	struct track **p;

	isn_del(f, t);
	if (t->peer && t->peer->isn && t->peer->isn != isn)
		track_part(t);
	p = isn_bucket(f, isn);
	t->isn = isn;
	t->next_isn = *p;
	*p = t;
}

/* By its initial sequence numbers, wherever it is. */
static struct track *peer_by_isn(struct follow *f, const struct track *t)
{
	struct track *p = t->isn ? *isn_bucket(f, t->isn) : NULL;

	while (p && (p == t || p->isn != t->isn || p->peer || p->server == t->server))
		p = p->next_isn;
	return p;
}

/* The other end of t, in whatever namespace and machine; of several the nearest; on other machines the newest. */
struct track *track_peer(struct follow *f, const struct track *t)
{
	struct track *p, *best = peer_by_isn(f, t);

	for (p = best ? NULL : *pair_bucket(f, &t->tuple); p; p = p->next_pair) {
		enum pair_fit fit;

		if (p == t || p->peer || (p->gone && !f->patient) || (p->isn && t->isn))
			continue;
		fit = pair_fit(&t->tuple, &p->tuple, p->host == t->host);
		if (fit == PAIR_HERE)
			return p;
		if (fit == PAIR_ELSEWHERE && (!best || p->host == t->host))
			best = p;
	}
	return best;
}

struct track *track_by_conn(struct follow *f, uint64_t conn)
{
	struct track *t = *conn_bucket(f, conn);

	while (t && t->conn != conn)
		t = t->next_conn;
	return t;
}

struct track *track_connless(struct follow *f, const struct tuple *key, uint8_t host, bool gone)
{
	struct track *t;

	for (t = *pair_bucket(f, key); t; t = t->next_pair) {
		if ((gone ? t->gone : !t->conn) && t->host == host && t->tuple.netns == key->netns &&
		    same_end(key->laddr, key->lport, t->tuple.laddr, t->tuple.lport) &&
		    same_end(key->raddr, key->rport, t->tuple.raddr, t->tuple.rport))
			return t;
	}
	return NULL;
}

void track_set_conn(struct follow *f, struct track *t, uint64_t conn)
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
	isn_del(f, t);
	track_part(t);
	*(t->prev ? &t->prev->next : &f->oldest) = t->next;
	*(t->next ? &t->next->prev : &f->newest) = t->prev;
	t->next = f->free;
	f->free = t;
}

bool follow_wanted(const struct follow *f, const struct track *t)
{
	unsigned int picks = t->picks | (t->peer ? t->peer->picks : 0);

	return t->connects && (!t->weak || (t->peer && !t->peer->weak)) && (picks & f->picks_all) == f->picks_all;
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

struct track *track_new(struct follow *f)
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
