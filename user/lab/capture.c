// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tracer beside the stage: open the stage, open the real capture on its
 * namespace, let play() begin, take records until it has returned.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../run/input.h"
#include "../run/signals.h"
#include "run.h"

#define LIMIT_NS	(180 * 1000000000ull)	/* each wait of play() has a limit of its own, far shorter */

static void *grown(void *array, size_t n, size_t *size, size_t each)
{
	void *bigger;

	if (n < *size)
		return array;
	bigger = realloc(array, (*size ? *size * 2 : 1024) * each);
	if (bigger)
		*size = *size ? *size * 2 : 1024;
	return bigger;
}

static void on_event(void *ctx, const struct model_event *ev)
{
	struct lab_run *r = ctx;
	struct lab_event *events;

	if (r->seen) {			/* it keeps what it wants */
		r->seen(r->ctx, ev);
		return;
	}
	events = grown(r->events, r->nevents, &r->events_size, sizeof(*events));
	if (!events) {
		lab_wrong(r, N_("out of memory"));
		return;
	}
	r->events = events;
	r->events[r->nevents++] = lab_event_of(ev);
	if (r->board)
		__atomic_add_fetch(&r->board->seen[ev->event], 1, __ATOMIC_RELEASE);
}

int lab_take(struct lab_run *r, const struct tcptrace_record *rec)
{
	struct tcptrace_record *records = r->records;

	if (!r->seen) {
		records = grown(r->records, r->nrecords, &r->records_size, sizeof(*rec));
		if (!records)
			return -ENOMEM;
		r->records = records;
		r->records[r->nrecords++] = *rec;
	}
	if (!r->model)
		r->model = model_new(NULL, on_event, r);
	if (!r->model)
		return -ENOMEM;
	model_feed(r->model, rec);
	return 0;
}

static int on_record(void *ctx, const struct tcptrace_record *rec)
{
	return lab_take(ctx, rec);
}

static int say(struct lab_run *r, struct source *src, int err)
{
	if (err != -EINTR)
		lab_wrong(r, N_("reading records failed: %s"), src->error ? src->error : strerror(-err));
	return err;
}

static int look(struct lab_run *r, struct source *src, struct stage *s)
{
	if (!src->ops->snapshot || !__atomic_exchange_n(&s->board->look, 0, __ATOMIC_ACQ_REL))
		return 0;
	return src->ops->snapshot(src, on_record, r);
}

static int follow(struct lab_run *r, struct source *src, struct stage *s)
{
	uint64_t until = now_ns() + LIMIT_NS;
	int err = stage_play(s);

	while (!err && !stage_ended(s)) {
		err = src->ops->poll(src, 20, on_record, r);
		if (!err)
			err = look(r, src, s);
		if (err == -EINTR && !signal_flags.end)
			err = 0;		/* a child, a terminal */
		if (signal_flags.end)
			err = -EINTR;
		if (r->tick && r->tick(r->ctx, s))
			return 0;
		if (now_ns() > until && !r->tick)
			err = -ETIMEDOUT;
	}
	if (!err)
		err = src->ops->poll(src, 0, on_record, r);
	return err < 0 ? say(r, src, err) : 0;
}

/* Hooks that nothing delivers become facts too: judge() may be told so by a recording. */
static void note_blind(struct lab_run *r, struct source *src)
{
	struct hook_report h;

	for (unsigned int i = 0; src->ops->hook && src->ops->hook(src, i, &h); i++) {
		struct fact *f = &r->facts[r->nfacts];

		if (h.mechanism != MECH_AUTO || r->nfacts == STAGE_FACTS)
			continue;
		snprintf(f->key, sizeof(f->key), "blind.%s", h.hook);
		for (char *c = f->key + 6; *c; c++) {
			if (!isalnum((unsigned char)*c))
				*c = '_';
		}
		f->value = 1;
		r->nfacts++;
	}
}

static void take_facts(struct lab_run *r, const struct stage *s)
{
	r->nfacts = __atomic_load_n(&s->board->nfacts, __ATOMIC_ACQUIRE);
	memcpy(r->facts, s->board->facts, sizeof(r->facts));
	r->skipped = s->board->skipped;
	if (s->board->error[0])
		lab_wrong(r, "%s", s->board->error);
	else if (!s->board->done && !r->tick)
		lab_wrong(r, N_("the experiment died"));
}

static int capture(struct lab_run *r, struct options *o, struct stage *s)
{
	struct source_stats stats = { 0 };
	struct source *src;
	int err;

	o->source.filter.netns = s->board->netns;
	o->source.io = r->lab->io;
	err = input_open_source(o, &src);
	if (err) {
		lab_wrong(r, N_("cannot trace"));	/* the sentence has been said */
		return err;
	}
	err = follow(r, src, s);
	src->ops->stats(src, &stats);
	r->lost = stats.lost;
	if (!err) {
		take_facts(r, s);
		note_blind(r, src);
	}
	src->ops->close(src);
	if (r->lost)
		lab_wrong(r, N_("%llu records were lost"), (unsigned long long)r->lost);
	return err;
}

int lab_capture(struct lab_run *r, struct options *o)
{
	struct stage s;
	int err;

	stage_program(r->lab->play);
	err = stage_open(&s);
	if (err && s.board && s.board->error[0])
		lab_wrong(r, "%s", s.board->error);
	else if (err && err != -EINTR)
		lab_wrong(r, N_("cannot begin: %s"), strerror(-err));
	if (!err) {
		r->board = s.board;
		err = capture(r, o, &s);
		r->board = NULL;
	}
	stage_close(&s);
	return err;
}
