// SPDX-License-Identifier: GPL-2.0-only
/*
 * Polls the source, gives the outputs their ticks, heeds signals. It ends by a
 * signal, by -d, by -c, with the program, with the recording, or when an output
 * takes no more.
 */
#include <errno.h>
#include <poll.h>

#include "../lib/clock.h"
#include "../lib/tr.h"
#include "../talk.h"
#include "loop.h"
#include "signals.h"

#define LOOK_EVERY	256		/* records: what is there may take a slow terminal many seconds */
#define POLL_NS		100000000u	/* longest wait, but of who needs no ticks: a signal between two waits is late by this */

/* When the record is, or the replay is over before it. */
static uint64_t moment_of(struct loop *l, const struct tcptrace_record *rec)
{
	if (!l->lasts_ns)
		return rec->t_ns;
	if (!l->ends_ns)
		l->ends_ns = rec->t_ns > UINT64_MAX - l->lasts_ns ? UINT64_MAX : rec->t_ns + l->lasts_ns - 1;
	return rec->t_ns < l->ends_ns ? rec->t_ns : l->ends_ns;
}

/* A recording made of this one has what is cut from it no more. */
static const struct tcptrace_record *narrowed(const struct select *s, const struct tcptrace_record *rec,
					      struct tcptrace_record *observed)
{
	if (!s->cut || rec->event != TCPTRACE_OBSERVED || rec->flags & TCPTRACE_F_ACTOR)
		return rec;
	*observed = *rec;
	observed->req |= s->cut;
	return observed;
}

static bool time_is_up(const struct loop *l)
{
	return l->deadline_ns && clock_ns(CLOCK_MONOTONIC) >= l->deadline_ns;
}

static int take_in(struct loop *l, const struct tcptrace_record *rec)
{
	struct tcptrace_record observed;

	if (l->lasts_ns && moment_of(l, rec) < rec->t_ns) {
		models_until(l->models, l->ends_ns);
		return SOURCE_END;
	}
	if (select_cuts(l->select, rec))
		return 0;
	rec = narrowed(l->select, rec, &observed);
	if (!(l->taken++ % LOOK_EVERY) && l->live)
		outputs_amid(l->outputs, clock_ns(CLOCK_MONOTONIC), signal_flags.end || time_is_up(l));
	model_feed(l->models->of[l->src->machine], rec);
	return outputs_record(l->outputs, rec) || l->ending ? 0 : LOOP_STOP;
}

int loop_record(void *loop, const struct tcptrace_record *rec)
{
	struct loop *l = loop;
	int err = l->callers ? whereabouts_caller(l->places, rec, loop_record, l) : 0;

	if (!err && l->live)
		err = whereabouts_name(l->places, rec, loop_record, l);
	if (err)
		return err;
	if (l->live || moment_of(l, rec) <= l->until_ns)
		return take_in(l, rec);
	l->held = *rec;
	l->holds = true;
	return LOOP_HOLD;
}

/* A name goes into a recording before the record that needs it. */
static bool names_wanted(const struct loop *l, const struct tcptrace_record *const *rec, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (rec[i]->flags & TCPTRACE_F_ACTOR && whereabouts_unnamed(l->places, rec[i]))
			return true;
	return false;
}

/* Live: nothing is cut from what is captured. */
unsigned int loop_batch(void *loop, const struct tcptrace_record *const *rec, unsigned int n)
{
	struct loop *l = loop;

	if (!l->wants.owners)
		model_ahead(l->model, rec, n);
	if (l->callers || (l->wants.owners && names_wanted(l, rec, n)) || !outputs_batch(l->outputs, rec, n))
		return 0;
	model_feed_all(l->model, rec, n);
	l->taken += n;
	return n;
}

/* ---- a replay that a view plays ---- */

/* What is left to do until then may be interrupted by a signal, a key among them. */
static void rest(int ms)
{
	if (ms > 0)
		poll(NULL, 0, ms);
}

/* The view has forgotten what it had, and hears all of it once more. */
static int begin_again(struct loop *l)
{
	int err = models_begin_again(l->models);

	l->holds = l->over = false;
	l->until_ns = 0;
	return err ? err : l->src->ops->begin_again(l->src);
}

/* The record that is held comes next: all until there is in. */
static int play_held(struct loop *l)
{
	struct view_play play = { .until_ns = UINT64_MAX };
	uint64_t next_ns = moment_of(l, &l->held);
	int err;

	outputs_play(l->outputs, next_ns, &play);
	if (play.again)
		return begin_again(l);
	l->until_ns = play.until_ns;
	if (next_ns <= l->until_ns) {
		l->holds = false;
		err = take_in(l, &l->held);
		l->over = err == SOURCE_END;
		return l->over ? 0 : err;
	}
	models_until(l->models, l->until_ns);
	outputs_tick(l->outputs, l->until_ns);
	rest(play.wait_ms);
	return 0;
}

/* No record is left, but the view may be looked at. */
static int play_end(struct loop *l)
{
	struct view_play play = { 0 };
	struct model_totals all;

	if (!outputs_play(l->outputs, 0, &play) || (!play.wait_ms && !play.again))
		return SOURCE_END;
	if (play.again)
		return begin_again(l);
	models_totals(l->models, &all);
	outputs_tick(l->outputs, all.last_ns);
	rest(play.wait_ms);
	return 0;
}

static int play_poll(struct loop *l)
{
	uint64_t taken = l->taken;
	struct view_play play;
	int err;

	if (l->holds)
		return play_held(l);
	if (l->over)
		return play_end(l);
	err = l->src->ops->poll(l->src, POLL_NS / 1000000, loop_record, l);
	if (err == SOURCE_END) {
		l->over = true;
		return play_end(l);
	}
	/* A pipe from which nothing came: time goes on there, too, as far as anybody here can say. */
	if ((!err || err == -EINTR) && l->taken == taken && outputs_play(l->outputs, UINT64_MAX, &play))
		outputs_tick(l->outputs, play.until_ns);
	return err == LOOP_HOLD ? 0 : err;
}

static int poll_timeout(const struct loop *l)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC), until = now + POLL_NS;

	if (until < outputs_idle_ns(l->outputs))
		until = outputs_idle_ns(l->outputs);
	if (l->deadline_ns && l->deadline_ns < until)
		until = l->deadline_ns;
	return until > now ? (int)((until - now + 999999) / 1000000) : 0;
}

void loop_heed_signals(struct loop *l)
{
	if (signal_flags.resized && l->outputs) {
		signal_flags.resized = 0;
		outputs_resize(l->outputs);
	}
	if (signal_flags.keep && l->outputs) {
		signal_flags.keep = 0;
		outputs_keep(l->outputs);
	}
	signals_forward();
}

/* What waits has waited until now, not until the last record; and who is named holds what is said to be his. */
static int until_now(struct loop *l, bool end)
{
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
	bool asks;
	int err = 0;

	model_until(l->model, now_ns);
	asks = model_ask_owners(l->model, end);
	if ((asks || (!end && outputs_wants_sweep(l->outputs, now_ns))) && l->src->ops->snapshot)
		err = l->src->ops->snapshot(l->src, loop_record, l);
	around_watch(l->around, l->model);
	if (!err)
		outputs_swept(l->outputs);
	if (err != LOOP_STOP)
		err = whereabouts_look(l->places, l->model, end, clock_ns(CLOCK_MONOTONIC), loop_record, l);
	return err == LOOP_STOP ? err : 0;
}

/*
 * What the hooks had seen when we stopped. A replay stops where it is. Looking at every holder takes a while with
 * thousands of listeners, so the rings are emptied after that, and after the counters of --check were read.
 */
static int drain(struct loop *l)
{
	int err;

	l->ending = true;
	err = l->live ? until_now(l, true) : 0;
	if (l->live)
		outputs_ending(l->outputs);
	if (l->live && !err)
		err = l->src->ops->poll(l->src, 0, loop_record, l);
	if (l->live)
		model_until(l->model, clock_ns(CLOCK_MONOTONIC));
	return err;
}

/* A program that goes into the background (nginx, haproxy -D) has only begun when it ends. */
static bool program_is_over(struct loop *l)
{
	if (!child_ended(l->child))
		return false;
	if (child_all_ended(l->child) || signal_flags.told)
		return true;
	if (!l->left_behind)
		talk(_("the program ended with status %d; what it left in the background is traced on: Ctrl-C to end"),
		     l->child->status);
	l->left_behind = true;
	return false;
}

/* What a live source does not see any more. At the start, and of a recording, input.c says it. */
static void say_note(struct loop *l)
{
	const char *note = l->src->note;

	if (l->live && note && note != l->noted)
		talk("%s", note);
	l->noted = note;
}

static void heed_wishes(struct loop *l)
{
	uint64_t wanted = outputs_wanted(l->outputs);

	outputs_want(l->outputs, &l->wants);
	models_want(l->models, &l->wants);
	if (wanted == l->widened || !l->src->ops->widen)
		return;
	l->widened = wanted;
	outputs_widened(l->outputs, l->src->ops->widen(l->src, wanted));
}

int loop_run(struct loop *l)
{
	struct view_play play;
	int err = 0;

	l->until_ns = outputs_play(l->outputs, UINT64_MAX, &play) ? 0 : UINT64_MAX;
	if (l->live)		/* somebody may be asking already */
		outputs_tick(l->outputs, clock_ns(CLOCK_MONOTONIC));
	while (!err && !signal_flags.end && !time_is_up(l) && !program_is_over(l)) {
		err = l->live ? l->src->ops->poll(l->src, poll_timeout(l), loop_record, l) : play_poll(l);
		if (err == -EINTR)
			err = 0;
		loop_heed_signals(l);
		if (l->live && !err)
			err = until_now(l, false);
		if (l->live)
			outputs_tick(l->outputs, clock_ns(CLOCK_MONOTONIC));
		heed_wishes(l);
		say_note(l);
		if (!err && !outputs_flush(l->outputs))
			err = LOOP_STOP;
	}
	if ((!err || err == LOOP_STOP) && !outputs_enough(l->outputs))
		err = drain(l);
	say_note(l);
	return err < 0 && err != LOOP_STOP && err != -EINTR ? err : 0;
}
