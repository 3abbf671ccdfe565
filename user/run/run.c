// SPDX-License-Identifier: GPL-2.0-only
/*
 * A run: open, snapshot, loop, sum up. It decides the order of things and the
 * exit status; what a record means and how it looks is decided elsewhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "../lib/clock.h"
#include "../lib/tr.h"
#include "../talk.h"
#include "holder.h"
#include "input.h"
#include "loop.h"
#include "outfile.h"
#include "outputs.h"
#include "privileges.h"
#include "program.h"
#include "ready.h"
#include "run.h"
#include "select.h"
#include "signals.h"
#include "verdict.h"
#include "views.h"
#include "whereabouts.h"

struct run {
	struct input input;
	struct models models;
	struct outputs *outputs;
	struct select select;
	struct child child;
	struct loop loop;
	bool failed;
};

static void on_event(void *ctx, const struct model_event *ev)
{
	outputs_event(((struct run *)ctx)->outputs, ev);
}

/* ---- opening ---- */

/* What /proc says of who is there, while it is there. */
static void look_around(struct loop *l)
{
	struct model_lookup lookup;
	bool pids = holder_lookup(&lookup, l->src);

	if (pids)
		model_set_lookup(l->model, &lookup);
	l->around = around_new(pids);
	l->places = pids ? whereabouts_new() : NULL;
}

static int open_all(struct run *r, struct options *o)
{
	int err;

	r->select.both_ends = views_want_both_ends(o);
	if (r->select.both_ends && !o->read_path)
		select_lift(&r->select, o);
	o->source.events = views_events(o);
	o->source.patience = views_patience(o);
	err = input_open(&r->input, o);
	if (err)
		return err;
	select_begin(&r->select, o, r->input.src, &r->models);
	err = models_init(&r->models, input_machines(&r->input), o->read_path, r->select.cut, on_event, r);
	if (err)
		return err;
	r->loop = (struct loop){
		.src = r->input.src, .select = &r->select, .models = &r->models,
		.model = r->models.of[0], .child = &r->child, .live = !o->read_path, .noted = r->input.src->note,
	};
	if (r->loop.live)
		look_around(&r->loop);
	r->loop.callers = r->loop.live && filter_by_place(&o->source.filter);
	err = outputs_open(&r->outputs, o, &r->select, r->loop.src, machine_of(r->loop.around), input_hosts(&r->input),
			   &r->models);
	r->loop.outputs = r->outputs;
	if (err)
		return err;
	outputs_want(r->outputs, &r->loop.wants);
	models_want(&r->models, &r->loop.wants);
	r->loop.src->batch = loop_batch;
	return 0;
}

/* ---- the run ---- */

static int snapshot(struct loop *l)
{
	int err = 0;

	if (l->src->ops->snapshot)
		err = l->src->ops->snapshot(l->src, loop_record, l);
	if (err == LOOP_STOP || err == -EINTR)
		return err;
	if (l->live)
		whereabouts_look(l->places, l->model, true, clock_ns(CLOCK_MONOTONIC), loop_record, l);
	if (err < 0)
		talk(_("sockets that exist already are unknown: %s"), l->src->error ? l->src->error : strerror(-err));
	return 0;
}

/* What the hooks saw until now is over before an output begins. */
static int begin(struct loop *l)
{
	int err = l->live ? l->src->ops->poll(l->src, 0, loop_record, l) : 0;

	if (err < 0 && err != -EINTR)
		return err;
	outputs_begin(l->outputs);
	return 0;
}

static void say_failed(struct run *r, int err)
{
	outputs_flush(r->outputs);
	input_say_error(&r->input, err);
	r->failed = true;
}

/* -d or -c may end before the program does: its status is ours, so we stay. */
static void wait_for_program(struct run *r)
{
	if (r->child.pid && !signal_flags.end && !child_ended(&r->child))
		talk(_("traced no more; waiting for process %d to end, whose exit status this run has"), (int)r->child.pid);
	while (r->child.pid && !child_wait(&r->child))
		loop_heed_signals(&r->loop);
}

/* How fast the rest of the run may be, and what it may do. 0, or -errno after a sentence on standard error. */
static int settle(const struct options *o)
{
	if (o->prioritized && setpriority(PRIO_PROCESS, 0, o->priority))
		talk("--priority %d: %s", o->priority, strerror(errno));
	return privileges_drop(o);
}

/* Before anything is attached: 0 or -errno. */
static int prepare(struct run *r, struct options *o)
{
	int err = program_fork(&r->child, o);

	if (err)
		return err;
	signals_catch(o->program ? &r->child : NULL);
	return 0;
}

/* 0 when the run is over, or -errno when it could not begin. */
static int run(struct run *r, struct options *o)
{
	int held[1 + OUTPUTS_MAX], err = prepare(r, o);

	if (err)
		return err;
	if (o->read_path && settle(o))
		return -EPERM;
	err = outfile_wait(o, held);
	if (!err)
		err = open_all(r, o);
	outfile_waited(held);
	if (err)
		return err;
	err = snapshot(&r->loop);
	if (!err)
		err = begin(&r->loop);
	if (!r->loop.live)
		r->loop.lasts_ns = o->duration_ns;
	else if (o->duration_ns)	/* of what is shown: a snapshot of very many sockets takes a while */
		r->loop.deadline_ns = clock_ns(CLOCK_MONOTONIC) + o->duration_ns;
	input_say_clocks(&r->input);
	outputs_flush(r->outputs);
	if (r->loop.live && settle(o))
		return -EPERM;
	ready_say(o, r->loop.model, r->loop.places);
	if (program_exec(&r->child, o))
		return 0;
	if (!err)
		err = loop_run(&r->loop);
	if (err < 0 && err != LOOP_STOP && err != -EINTR)
		say_failed(r, err);
	if (verdict_fails(o, &r->select, outputs_end(r->outputs)))
		r->failed = true;
	input_say_note(&r->input);
	return 0;
}

static void free_all(struct run *r)
{
	free(r->loop.around);
	whereabouts_free(r->loop.places);
	models_free(&r->models);
	input_close(&r->input);
	free(r);
}

int run_stream(struct options *o)
{
	struct run *r = calloc(1, sizeof(*r));
	int status = EXIT_FAILED, err;

	if (!r)
		return EXIT_FAILED;
	if (o->ready_fd >= 0)
		fcntl(o->ready_fd, F_SETFD, FD_CLOEXEC);
	err = run(r, o);
	if (!outputs_close(r->outputs))
		r->failed = true;
	r->loop.outputs = NULL;
	if (err)
		child_drop(&r->child);
	else
		wait_for_program(r);
	if (!err)
		status = r->child.pid && r->child.status ? r->child.status : r->failed ? EXIT_FAILED : EXIT_OK;
	free_all(r);
	return status;
}
