// SPDX-License-Identifier: GPL-2.0-only
/*
 * From events to tracks: which event begins a track, which belongs to which, which
 * two are the ends of one connection, and what is kept of each step.
 */
#include <string.h>

#include "../lib/clock.h"
#include "flow.h"
#include "pair.h"

#define AFTER_CLOSE	(1 * SECOND)	/* closed, but a process holds the socket */
#define AFTER_REFUSAL	(40 * SECOND)	/* a refused SYN comes again after 1, 2, 4 ... 32 s */
#define HALF_CLOSED	(60 * SECOND)	/* one end is gone, the other does nothing */

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

static void learn(struct follow *f, struct track *t, const struct model_event *ev)
{
	struct tuple key = step_ends(ev);
	const bool whole = key.lport && key.rport;
	uint64_t isn = pair_isn(ev);

	if (isn && isn != t->isn) {
		t->server = ev->event == TCPTRACE_SYNQ_ADD;
		track_set_isn(f, t, isn);
	}
	if (memcmp(&key, &t->tuple, sizeof(key)) && (whole || !t->paired))
		track_set_tuple(f, t, &key);
	if (!t->peer && t->paired) {
		t->peer = track_peer(f, t);
		if (t->peer)
			t->peer->peer = t;
	}
}

/* A SYN that was refused, or answered with a cookie, has no conn: its ends name it. */
static struct track *connless(struct follow *f, const struct model_event *ev)
{
	struct tuple key = step_ends(ev);
	struct track *t;

	if (!key.lport || !key.rport)
		return NULL;
	switch (ev->event) {
	case TCPTRACE_DROP: case TCPTRACE_COOKIE_SENT: case TCPTRACE_COOKIE_BAD: case TCPTRACE_RST_SENT:
		break;
	default:
		return NULL;
	}
	/* the RST that answers late data leaves when its socket is gone */
	t = ev->event == TCPTRACE_RST_SENT ? track_connless(f, &key, ev->host, true) : NULL;
	if (!t)
		t = track_connless(f, &key, ev->host, false);
	if (t)
		return t;
	t = track_new(f);
	if (t) {
		t->host = ev->host;
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
		t = track_by_conn(f, ev->conn);
		if (t && pair_is_none(ev, t->nsteps > 1)) {
			follow_drop(f, t);
			return NULL;
		}
		if (!t && (ev->conn <= f->refused_conn[ev->host] || !(begins(ev) || (f->midway && ev->event != TCPTRACE_DESTROY))))
			return NULL;
		if (!t) {
			key = step_ends(ev);
			t = ev->c->listener ? track_connless(f, &key, ev->host, false) : NULL;
			if (!t)
				t = track_new(f);
			if (!t) {
				f->refused_conn[ev->host] = ev->conn;
				return NULL;
			}
			t->host = ev->host;
			t->midway = !t->nsteps && midway(ev);
			track_set_conn(f, t, ev->conn);
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
	    ev->event != TCPTRACE_DESTROY && !is_disconnect(ev->rec))
		t->connects = true;
	if (ev->event == TCPTRACE_STATE && ev->old == TCP_S_SYN_SENT && ev->new != TCP_S_CLOSE)
		t->answered = true;
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

static bool has_gone(const struct track *t)
{
	return t->gone || !t->conn;
}

bool follow_over(const struct follow *f, const struct track *t, uint64_t now_ns)
{
	uint64_t last_ns = t->last_ns, quiet_ns;
	bool ended = t->ended;

	if (t->peer) {
		if (has_gone(t) && has_gone(t->peer) && (t->conn || t->peer->conn))
			return true;
		last_ns = t->peer->last_ns > last_ns ? t->peer->last_ns : last_ns;
		ended = t->ended && t->peer->ended;
	} else if (t->gone && !f->patient) {
		return true;
	}
	quiet_ns = now_ns > last_ns ? now_ns - last_ns : 0;
	if (ended)
		return quiet_ns >= AFTER_CLOSE;
	if (!t->conn && !t->peer)
		return quiet_ns >= AFTER_REFUSAL;
	return t->peer && (t->ended || t->peer->ended) && quiet_ns >= HALF_CLOSED;
}
