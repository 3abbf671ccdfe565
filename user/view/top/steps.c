// SPDX-License-Identifier: GPL-2.0-only
/*
 * The third screen: the ladder of one connection of the open listener, while it goes on. Live, steps are kept from when
 * that listener was opened, and of no other; of a replay always.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib/tr.h"
#include "top.h"

int top_steps_open(struct top *t)
{
	struct top_open *o = &t->open;

	if (o->follow)
		return 0;
	o->follow = malloc(sizeof(*o->follow));
	if (!o->follow || follow_init(o->follow)) {
		free(o->follow);
		o->follow = NULL;
		return -ENOMEM;
	}
	o->follow->midway = true;
	o->follow->patient = t->v->cfg.hosts != NULL;
	return 0;
}

void top_steps_close(struct top *t)
{
	if (t->open.follow)
		follow_free(t->open.follow);
	free(t->open.follow);
	t->open.follow = NULL;
}

/* The listener's end, or that of a client on this machine. */
static bool is_followed(const struct top_open *o, const struct model_event *ev)
{
	if (ev->c && ev->c->listener)
		return ev->c->listener->id == o->listener;
	if (ev->l)
		return ev->l->id == o->listener && ev->event != TCPTRACE_LISTEN && ev->event != TCPTRACE_ACCEPT;
	return ev->c && (ev->c->rport == o->lport || track_by_conn(o->follow, ev->conn));
}

static void drop_oldest(struct top_open *o)
{
	struct track *t = o->follow->oldest, *shown = track_by_conn(o->follow, o->conn);

	while (t && (t == shown || (shown && t == shown->peer)))
		t = t->next;
	if (t)
		follow_drop(o->follow, t);
}

void top_steps_event(struct top *t, const struct model_event *ev)
{
	struct top_open *o = &t->open;
	struct track *track;

	if (!o->follow || (t->v->cfg.live && !is_followed(o, ev)))
		return;
	if (!o->follow->free)
		drop_oldest(o);
	track = follow_event(o->follow, ev);
	if (track)
		follow_step(track, ev);
}

static void put_ladder(struct top *t, struct track *one)
{
	struct track *left = one->server ? one->peer : one, *right = one->server ? one : one->peer;
	struct view s = { .cfg = t->v->cfg };
	struct out text;

	if (out_open(&text, -1))
		return;
	if (!t->ends_seen) {		/* whether it goes on is not known */
		one->ended = true;
		if (one->peer)
			one->peer->ended = true;
	}
	s.out = &text;
	s.cfg.color = true;		/* page_add() takes it for a look */
	s.cfg.explain = t->explain;
	s.cfg.columns = t->page.columns;
	s.cfg.no_header = false;
	text.ascii = !s.cfg.utf8;
	ladder_draw(&s, t->open.rows, left, right);
	if (text.len)
		page_add(&t->doc, text.buf + 1, text.len - 1, 0);	/* without the empty line */
	text.len = 0;
	out_close(&text);
}

static void put_what_is_seen(struct top *t)
{
	char text[192];

	if (t->ends_seen)
		return;
	if (t->v->widened)
		page_str(&t->doc, _("All of it is seen while this screen is open; before, the queues alone."),
			 LOOK_BOLD);
	else if (t->v->widen_error) {
		snprintf(text, sizeof(text), _("Its steps through the queues alone: hooks for more are refused (%s)."),
			 strerror(-t->v->widen_error));
		page_str(&t->doc, text, LOOK_BOLD);
	} else {
		page_str(&t->doc, _("Its steps through the queues alone, so far."), LOOK_BOLD);
	}
}

void top_steps_put(struct top *t)
{
	struct track *one = t->open.follow ? track_by_conn(t->open.follow, t->open.conn) : NULL;
	const char *none;

	page_clear(&t->doc, t->page.columns);
	t->choices = 0;
	put_what_is_seen(t);
	if (one && one->nsteps) {
		put_ladder(t, one);
		return;
	}
	none = _("No step of this connection since its listener was opened on the screen: earlier ones are not kept.");
	page_add(&t->doc, none, strlen(none), 1);
}
