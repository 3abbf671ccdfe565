// SPDX-License-Identifier: GPL-2.0-only
/*
 * A run: open, snapshot, loop, sum up. It decides the order of things and the
 * exit status; what a record means and how it looks is decided elsewhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../lib/caller.h"
#include "../lib/clock.h"
#include "../lib/tr.h"
#include "../source/netns.h"
#include "../talk.h"
#include "../terminal.h"
#include "about.h"
#include "child.h"
#include "holder.h"
#include "hosts.h"
#include "loop.h"
#include "outputs.h"
#include "privileges.h"
#include "run.h"
#include "select.h"
#include "signals.h"
#include "verdict.h"
#include "whereabouts.h"

struct run {
	const struct options *o;
	struct source *src;
	struct model *model;		/* the first of these */
	struct model *models[MODEL_HOSTS];
	unsigned int nmodels;
	struct hosts *hosts;		/* NULL: one recording at most */
	struct outputs *outputs;
	struct select select;
	struct filter above;		/* the filter that no kernel applies */
	struct child child;
	struct loop loop;
	bool failed;
};

/* -v */
static void say_hooks(struct source *src)
{
	struct hook_report h;

	for (unsigned int i = 0; src->ops->hook && src->ops->hook(src, i, &h); i++) {
		talk("%s: %s%s%s", tr(h.hook), mechanism_name(h.mechanism), h.why_not_better[0] ? _("; not better: ") : "",
		     h.why_not_better);
	}
}

int run_open_source(const struct options *o, struct source **out)
{
	const struct source_ops *ops = o->read_path ? &source_file : source_by_name(o->source_name);
	char why[SOURCE_WHY];
	int err = ops->open(out, &o->source, why);

	if (!err && o->source.verbose)
		say_hooks(*out);
	if (!err && (*out)->note)
		talk("%s", (*out)->note);
	if (!err)
		return 0;
	if (o->read_path)
		talk(_("cannot replay '%s': %s"), o->read_path, why[0] ? why : strerror(-err));
	else
		talk(_("cannot trace with %s: %s"), ops->name, why[0] ? why : strerror(-err));
	return err;
}

static void on_event(void *ctx, const struct model_event *ev)
{
	outputs_event(((struct run *)ctx)->outputs, ev);
}

static void on_ahead(void *ctx, const struct tcptrace_record *rec)
{
	model_ahead(((struct loop *)ctx)->model, rec);
}

/* ---- opening ---- */

/*
 * A filter names one end of a connection; a ladder has two. So where an output wants both, the kernel hands on the
 * other ends too and only follows the program's children, and what is shown is decided here. The module's filter
 * cannot turn ports around.
 */
static void lift_filter(struct run *r, struct options *o)
{
	struct filter *f = &o->source.filter;

	r->above = *f;
	r->select.filter = &r->above;
	f->netns = 0;
	f->others = true;
	if (source_by_name(o->source_name)->pids_above)
		f->nlports = f->nrports = 0;
	if (o->program)
		r->above.npids = 0;
	else
		f->npids = 0;
}

/* What no kernel applies, or not to what has no other end yet. */
static void select_above(struct run *r, const struct filter *f)
{
	r->above = (struct filter){ .comm = f->comm, .nnets = f->nnets, .by_place = f->by_place };
	memcpy(r->above.nets, f->nets, sizeof(r->above.nets));
	r->select.filter = &r->above;
}

/* So that no peer can choose its place in our tables; a replay is the same each time. */
static int make_models(struct run *r)
{
	unsigned int n = r->hosts ? hosts_view(r->hosts)->n : 1;
	struct model_limits limits = { .hosts = (uint8_t)n };

	if (!r->o->read_path && getrandom(&limits.seed, sizeof(limits.seed), GRND_NONBLOCK) < 0)
		limits.seed = clock_ns(CLOCK_MONOTONIC);
	for (; r->nmodels < n; r->nmodels++) {
		limits.host = (uint8_t)r->nmodels;
		r->models[r->nmodels] = model_new(&limits, on_event, r);
		if (!r->models[r->nmodels]) {
			talk(_("no memory for the tables of %u connections"), MODEL_CONNS);
			return -ENOMEM;
		}
	}
	r->model = r->models[0];
	return 0;
}

/* NULL: of one machine. */
static const struct view_hosts *several(const struct run *r)
{
	return r->hosts && hosts_view(r->hosts)->n > 1 ? hosts_view(r->hosts) : NULL;
}

/* Several recordings, as one source. */
static int open_hosts(struct run *r)
{
	char why[SOURCE_WHY];
	int err = hosts_open(&r->hosts, r->o);

	if (err)
		return err;
	err = hosts_source(r->hosts, &r->src, why);
	if (err)
		talk(_("cannot replay %s"), why[0] ? why : strerror(-err));
	return err;
}

static int open_all(struct run *r, struct options *o)
{
	bool lifted = outputs_want_both_ends(o) && !o->read_path;
	struct model_lookup lookup;
	bool pids = false;
	int err;

	if (lifted)
		lift_filter(r, o);
	o->source.events = outputs_events(o);
	o->source.patient = outputs_patient(o);
	err = o->nreads > 1 ? open_hosts(r) : run_open_source(o, &r->src);
	if (err)
		return err;
	if (o->read_path || (r->src->ops->pids_above && o->source.filter.npids && !lifted))
		r->select.filter = &o->source.filter;
	else if (!lifted && (o->source.filter.comm || o->source.filter.nnets || filter_by_place(&o->source.filter)))
		select_above(r, &o->source.filter);
	r->select.program = lifted && o->program ? r->src : NULL;
	r->select.events = o->events;
	r->select.trouble = o->trouble;
	err = make_models(r);
	if (err)
		return err;
	r->loop = (struct loop){ .src = r->src, .model = r->model, .child = &r->child, .live = !o->read_path };
	if (r->hosts)
		r->loop.models = r->models;
	if (r->loop.live && (pids = holder_lookup(&lookup, r->src)))
		model_set_lookup(r->model, &lookup);
	if (r->loop.live)
		r->loop.around = around_new(pids);
	if (pids)
		r->loop.places = whereabouts_new();
	r->loop.callers = r->loop.live && filter_by_place(&o->source.filter);
	r->select.model = r->model;
	r->src->ahead = on_ahead;
	err = outputs_open(&r->outputs, o, &r->select, r->src, machine_of(r->loop.around),
			   several(r));
	r->loop.outputs = r->outputs;
	return err;
}

/* ---- the run ---- */

/* What is drawn says it itself, and so does JSON; lines of text are for other programs, too. */
static void say_clocks(const struct run *r)
{
	struct out err;

	if (!several(r) || r->o->json || strcmp(r->o->view, "conns") || out_open(&err, STDERR_FILENO))
		return;
	err.ascii = !terminal_utf8();
	hosts_head(&err, several(r), terminal_columns(STDERR_FILENO));
	out_close(&err);
}

static void say_source_error(struct run *r, int err)
{
	const char *why = r->src->error ? r->src->error : strerror(-err);

	outputs_flush(r->outputs);
	if (r->hosts)
		talk(_("cannot replay %s"), why);
	else if (r->o->read_path)
		talk(_("cannot replay '%s': %s"), r->o->read_path, why);
	else
		talk(_("reading records failed: %s"), why);
	r->failed = true;
}

static int snapshot(struct run *r)
{
	int err = 0;

	if (r->src->ops->snapshot)
		err = r->src->ops->snapshot(r->src, loop_record, &r->loop);
	if (err == LOOP_STOP || err == -EINTR)
		return err;
	if (!r->o->read_path)
		whereabouts_look(r->loop.places, r->model, true, clock_ns(CLOCK_MONOTONIC), loop_record, &r->loop);
	if (err < 0)
		talk(_("sockets that exist already are unknown: %s"),
		     r->src->error ? r->src->error : strerror(-err));
	return 0;
}

/* What the hooks saw until now is over before an output begins. */
static int begin(struct run *r)
{
	int err = r->o->read_path ? 0 : r->src->ops->poll(r->src, 0, loop_record, &r->loop);

	if (err < 0 && err != -EINTR)
		return err;
	outputs_begin(r->outputs);
	return 0;
}

static int is_there(void *arg)
{
	*(bool *)arg = true;
	return 1;
}

/* A wrong number would show nothing for ever; one that comes back is possible, so it is no error. */
static void warn_missing(const struct filter *f)
{
	bool there = false;
	uint32_t i;

	for (i = 0; i < f->npids; i++) {
		if (kill((pid_t)f->pids[i], 0) && errno == ESRCH)
			talk(_("-p %u: there is no such process now"), f->pids[i]);
	}
	if (f->netns && netns_each(f->netns, is_there, NULL, &there) >= 0 && !there)
		talk(_("--netns %u: no process is in such a namespace now, and it has no name below /run/netns"), f->netns);
}

/* It may come later. Those that are here show how it is written. */
static void warn_no_place(const struct model *m, const struct filter *f)
{
	const struct proc_place *place;
	char name[PLACE_NAME_MAX], seen[400] = "";
	size_t n = 0;

	for (uint32_t i = 0; (place = model_next_place(m, &i)); ) {
		if (filter_has_place(f, place))
			return;
		place_name(place, name);
		if (n + strlen(name) + 3 < sizeof(seen) && !strstr(seen, name))
			n += (size_t)snprintf(seen + n, sizeof(seen) - n, "%s%s", n ? ", " : "", name);
	}
	talk(_("no process with TCP sockets is there now; there are: %s"), n ? seen : _("none with a unit or container"));
}

/* From here on everything is seen: say so to a person, and to a test that waits for it. */
static void say_ready(const struct run *r)
{
	const struct options *o = r->o;

	if (!o->read_path)
		warn_missing(&o->source.filter);
	if (r->loop.callers && r->loop.places)
		warn_no_place(r->model, &o->source.filter);
	else if (r->loop.callers)
		talk(_("/proc is that of another PID namespace: no unit, pod or container is known, so nothing will be shown"));
	if (!o->read_path && !o->program)
		fprintf(stderr, "%s\n", _("Tracing TCP sockets... Ctrl-C to end."));
	if (o->ready_fd >= 0 && write(o->ready_fd, "\n", 1) != 1)
		talk("--ready-fd %d: %s", o->ready_fd, strerror(errno));
}

/* ---- the end ---- */

static void add_totals(struct model_totals *sum, const struct model_totals *t)
{
	sum->records += t->records;
	for (unsigned int e = 0; e < TCPTRACE_EVENT_MAX; e++) {
		sum->events[e] += t->events[e];
		sum->lost[e] += t->lost[e];
	}
	sum->lost_total += t->lost_total;
	sum->evicted += t->evicted;
	sum->evicted_timewait += t->evicted_timewait;
	sum->listeners_unseen += t->listeners_unseen;
	sum->listeners_forgotten += t->listeners_forgotten;
	sum->illegal += t->illegal;
	sum->conns_now += t->conns_now;
	sum->conns_peak += t->conns_peak;
	if (t->first_ns && (!sum->first_ns || t->first_ns < sum->first_ns))
		sum->first_ns = t->first_ns;
	if (t->last_ns > sum->last_ns)
		sum->last_ns = t->last_ns;
}

static void sum_up(struct run *r)
{
	struct model_totals totals = { 0 };
	struct source_stats stats = { 0 };
	char mechanisms[96];
	struct view_hook *hooks;
	struct view_end end;
	unsigned int n;

	for (unsigned int i = 0; i < r->nmodels; i++)
		add_totals(&totals, model_totals(r->models[i]));
	hooks = about_hooks(r->src, &n);
	r->src->ops->stats(r->src, &stats);
	source_mechanisms(r->src, mechanisms, sizeof(mechanisms));
	end = (struct view_end){
		.model = r->model,
		.totals = &totals,
		.hooks = hooks,
		.nhooks = n,
		.lost = stats.lost > totals.lost_total ? stats.lost : totals.lost_total,
		.missed = stats.missed,
		.unknown = stats.unknown,
		.mechanisms = mechanisms,
		.source = r->src->ops->name,
	};
	outputs_end(r->outputs, r->models, r->nmodels, machine_of(r->loop.around), &end);
	if (verdict_fails(r->o, &r->select, end.lost))
		r->failed = true;
	free(hooks);
}

/* ---- the program ---- */

/* A program's words do not get into JSON or a recording: then its standard output is standard error. */
static bool stdout_is_ours(const struct options *o)
{
	bool ours = !o->path && strcmp(o->view, "table") && strcmp(o->view, "flow") &&
		    (strcmp(o->view, "conns") || o->json || o->conns.csv);

	for (unsigned int i = 0; i < o->nouts; i++)
		ours |= o->outs[i].path && !strcmp(o->outs[i].path, "-");
	return ours;
}

/* Forks the program first: the filter needs its number before the hooks are attached. */
static int prepare_program(struct run *r, struct options *o)
{
	struct caller as;
	int err;

	if (!o->program)
		return 0;
	if (caller_find(&as, o->user)) {
		talk(_("-u '%s': there is no such user in /etc/passwd"), o->user);
		return -EINVAL;
	}
	if (as.known && as.uid && !o->user)
		talk(_("the program runs as %s, who called sudo; -u root: as root"), as.name[0] ? as.name : _("the user"));
	err = child_fork(&r->child, o->program, stdout_is_ours(o), &as);
	if (err) {
		talk(_("cannot run '%s': %s"), o->program[0], strerror(-err));
		return err;
	}
	o->source.filter.pids[0] = (uint32_t)r->child.pid;
	o->source.filter.npids = 1;
	o->source.filter.follow = true;
	return 0;
}

/* 0, or -errno of its exec. */
static int start_program(struct run *r)
{
	int err = r->child.pid ? child_exec(&r->child) : 0;

	if (err)
		talk(_("cannot run '%s': %s"), r->o->program[0], strerror(-err));
	return err;
}

/* -d or -c may end before the program does: its status is ours, so we stay. */
static void wait_for_program(struct run *r)
{
	while (r->child.pid && !child_wait(&r->child))
		loop_heed_signals(&r->loop);
}

/* 0 when the run is over, or -errno when it could not begin. */
static int run(struct run *r, struct options *o)
{
	int held[1 + OUTPUTS_MAX], err = prepare_program(r, o);

	if (err)
		return err;
	signals_catch(o->program ? &r->child : NULL);
	if (o->file_bytes)
		signals_catch_keep();
	err = outputs_wait(o, held);
	if (!err)
		err = open_all(r, o);
	outputs_waited(held);
	if (err)
		return err;
	if (o->duration_ns)
		r->loop.deadline_ns = clock_ns(CLOCK_MONOTONIC) + o->duration_ns;
	err = snapshot(r);
	if (!err)
		err = begin(r);
	say_clocks(r);
	outputs_flush(r->outputs);
	if (o->priority && setpriority(PRIO_PROCESS, 0, o->priority))
		talk("--priority %d: %s", o->priority, strerror(errno));
	if (privileges_drop(o))
		return -EPERM;
	say_ready(r);
	if (start_program(r))
		return 0;
	if (!err)
		err = loop_run(&r->loop);
	if (err < 0 && err != LOOP_STOP && err != -EINTR)
		say_source_error(r, err);
	sum_up(r);
	if (r->hosts && r->src->note)
		talk("%s", r->src->note);
	else if (o->read_path && r->src->note)
		talk("'%s': %s", o->read_path, r->src->note);
	return 0;
}

int run_stream(struct options *o)
{
	struct run *r = calloc(1, sizeof(*r));
	int status = EXIT_FAILED, err;

	if (!r)
		return EXIT_FAILED;
	r->o = o;
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
	free(r->loop.around);
	for (unsigned int i = 0; i < r->nmodels; i++)
		model_free(r->models[i]);
	whereabouts_free(r->loop.places);
	if (r->src)
		r->src->ops->close(r->src);
	hosts_free(r->hosts);
	free(r);
	return status;
}
