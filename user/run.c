/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The run loop: open, snapshot, poll until something ends it, drain, sum up.
 * It decides the order of things and the exit status; what a record means and
 * how it looks is decided elsewhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "child.h"
#include "run.h"
#include "select.h"
#include "signals.h"
#include "talk.h"
#include "terminal.h"

#define POLL_MS		100		/* longest wait: a signal that comes between two waits is late by this */
#define STOP_COUNT	(-ECANCELED)	/* from on_record(): -c is reached, or the output has failed */

struct run {
	const struct options *o;
	struct source *src;
	struct model *model;
	struct view view;
	struct out out;
	struct recorder *rec;
	struct check *check;
	struct select select;
	struct filter above;		/* flow: the filter that no kernel applies */
	struct child child;
	uint64_t selected;		/* events that passed: what -c counts */
	uint64_t deadline_ns;
	bool matched;			/* the record at hand made an event that passes the filter */
	bool failed;
};

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

int run_open_source(const struct options *o, struct source **out)
{
	const struct source_ops *ops = o->read_path ? &source_file : source_by_name(o->source_name);
	const char *why = NULL;
	int err = ops->open(out, &o->source, &why);

	if (!err)
		return 0;
	if (o->read_path)
		talk("cannot replay '%s': %s", o->read_path, why ? why : strerror(-err));
	else
		talk("cannot trace with %s: %s", ops->name, why ? why : strerror(-err));
	return err;
}

static bool is_flow(const struct run *r)
{
	return r->view.ops == &view_flow;
}

static bool count_reached(const struct run *r)
{
	return r->o->count && (is_flow(r) ? r->view.shown : r->selected) >= r->o->count;
}

static void on_event(void *ctx, const struct model_event *ev)
{
	struct run *r = ctx;

	if (r->check)
		check_event(r->check, ev);
	if (r->rec && r->select.filter && select_filtered(&r->select, ev))
		r->matched = true;
	if (count_reached(r) || (!is_flow(r) && !select_event(&r->select, ev)))
		return;
	r->selected++;
	if (!r->o->quiet)
		r->view.ops->event(&r->view, ev);
}

/* Notes of the capture side are copied whole; of the rest, what the filter of a replay lets through. */
static int record(struct run *r, const struct tcptrace_record *rec)
{
	if (r->select.filter && !r->matched && tcptrace_event_class(rec->event) != TCPTRACE_NOTE)
		return 0;
	return recorder_put(r->rec, rec);
}

static int on_record(void *ctx, const struct tcptrace_record *rec)
{
	struct run *r = ctx;

	r->matched = false;
	model_feed(r->model, rec);
	if (rec->event == TCPTRACE_LOST && rec->arg && !r->o->quiet)
		r->view.ops->lost(&r->view, rec->arg, rec->new ? tcptrace_event_name(rec->new) : "");
	if (r->rec && record(r, rec))
		return STOP_COUNT;
	if (r->out.error || count_reached(r))
		return STOP_COUNT;
	return 0;
}

static void on_ahead(void *ctx, const struct tcptrace_record *rec)
{
	model_ahead(((struct run *)ctx)->model, rec);
}

/* What waits has waited until now, not until the last step: a record that nothing more was lost. */
static int until_now(struct run *r)
{
	const struct tcptrace_record rec = { .event = TCPTRACE_LOST, .fd = -1, .t_ns = clock_ns(CLOCK_MONOTONIC) };

	return on_record(r, &rec);
}

static void view_settings(const struct run *r, struct view_config *cfg)
{
	const struct options *o = r->o;

	*cfg = (struct view_config){
		.time = o->time,
		.no_header = o->no_header || o->quiet,
		.color = terminal_color(STDOUT_FILENO),
		.utf8 = terminal_utf8(),
		.columns = terminal_columns(STDOUT_FILENO),
		.start_ns = o->read_path ? 0 : clock_ns(CLOCK_MONOTONIC),
		.wall_offset_ns = r->src->wall_offset_ns,
		.explain = o->explain,
		.picks = select_pick,
		.picks_ctx = (void *)(uintptr_t)&r->select,
		.picks_all = PICK_FILTER | (o->trouble ? PICK_TROUBLE : 0),
	};
	if (!cfg->wall_offset_ns)
		cfg->wall_offset_ns = (int64_t)(clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC));
}

/* ---- opening ---- */

/* Writing over the file that is being read would destroy it. */
static bool same_file(const char *a, const char *b)
{
	struct stat sa, sb;

	return a && b && !stat(a, &sa) && !stat(b, &sb) && S_ISREG(sa.st_mode) &&
	       sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

static int open_recorder(struct run *r)
{
	const struct options *o = r->o;
	int err;

	if (!o->write_path)
		return 0;
	if (!strcmp(o->write_path, "-") && isatty(STDOUT_FILENO) == 1) {
		talk("-w -: a recording is binary, and standard output is a terminal; redirect it");
		return -EINVAL;
	}
	if (same_file(o->write_path, o->read_path)) {
		talk("-w '%s': is the file that -r reads", o->write_path);
		return -EINVAL;
	}
	err = recorder_open(&r->rec, o->write_path, r->src->wall_offset_ns);
	if (err)
		talk("cannot write '%s': %s", o->write_path, strerror(-err));
	return err;
}

/* With -w - the recording has standard output to itself; the summary is told on standard error. */
static int open_view(struct run *r)
{
	bool taken = r->o->write_path && !strcmp(r->o->write_path, "-");
	struct view_config cfg;
	int err = out_open(&r->out, taken ? STDERR_FILENO : STDOUT_FILENO);

	if (err)
		return err;
	view_settings(r, &cfg);
	if (taken)
		cfg.no_header = true;
	return view_open(&r->view, r->o->json ? "json" : r->o->command->view, &cfg, &r->out);
}

/*
 * A filter names one end of a connection, and a ladder has two. So the kernel hands on the
 * other ends too, only follows the program's children, and which ladders are drawn is decided
 * here. The module's filter cannot turn ports around.
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

static int open_all(struct run *r, struct options *o)
{
	struct model_limits limits = { 0 };
	int err;

	if (!strcmp(o->command->view, "flow") && !o->read_path)
		lift_filter(r, o);
	err = run_open_source(o, &r->src);
	if (err)
		return err;
	if (o->read_path || (r->src->ops->pids_above && o->source.filter.npids && !o->source.filter.others))
		r->select.filter = &o->source.filter;
	r->select.program = o->program ? r->src : NULL;
	r->select.events = o->events;
	r->select.trouble = o->trouble;
	/* so that no peer can choose its place in our tables; a replay is the same each time */
	if (!o->read_path && getrandom(&limits.seed, sizeof(limits.seed), GRND_NONBLOCK) < 0)
		limits.seed = clock_ns(CLOCK_MONOTONIC);
	r->model = model_new(&limits, on_event, r);
	if (!r->model) {
		talk("no memory for the tables of %u connections", MODEL_CONNS);
		return -ENOMEM;
	}
	r->src->ahead = on_ahead;
	err = open_recorder(r);
	if (err)
		return err;
	err = open_view(r);
	if (err)
		talk("cannot write to standard output: %s", strerror(-err));
	return err;
}

/* ---- the loop ---- */

static int poll_timeout(const struct run *r)
{
	uint64_t now, left;

	if (!r->deadline_ns)
		return POLL_MS;
	now = clock_ns(CLOCK_MONOTONIC);
	left = now < r->deadline_ns ? (r->deadline_ns - now + 999999) / 1000000 : 0;
	return left < POLL_MS ? (int)left : POLL_MS;
}

static bool time_is_up(const struct run *r)
{
	return r->deadline_ns && clock_ns(CLOCK_MONOTONIC) >= r->deadline_ns;
}

/* What signals asked for. */
static void heed_signals(struct run *r)
{
	if (signal_flags.resized) {
		signal_flags.resized = 0;
		r->view.cfg.columns = terminal_columns(STDOUT_FILENO);
	}
	if (signal_flags.forward) {
		child_signal(&r->child, signal_flags.forward);
		signal_flags.forward = 0;
	}
}

static int flush(struct run *r)
{
	int err = out_flush_pages(&r->out);

	return r->rec && recorder_flush(r->rec) ? -EIO : err;
}

static void say_source_error(struct run *r, int err)
{
	out_flush(&r->out);
	if (r->o->read_path)
		talk("cannot replay '%s': %s", r->o->read_path, r->src->error ? r->src->error : strerror(-err));
	else
		talk("reading records failed: %s", r->src->error ? r->src->error : strerror(-err));
	r->failed = true;
}

static void loop(struct run *r)
{
	int err = 0;

	while (!err && !signal_flags.end && !time_is_up(r) && !child_ended(&r->child)) {
		err = r->src->ops->poll(r->src, poll_timeout(r), on_record, r);
		if (err == -EINTR)
			err = 0;
		heed_signals(r);
		if (r->view.ops->tick && !r->o->read_path)
			r->view.ops->tick(&r->view, clock_ns(CLOCK_MONOTONIC));
		if (flush(r))
			return;
	}
	/* What the hooks had seen when we stopped. A replay stops where it is. */
	if (!err && !r->o->read_path)
		err = r->src->ops->poll(r->src, 0, on_record, r);
	if (!err && !r->o->read_path)
		err = until_now(r);
	if (err < 0 && err != STOP_COUNT && err != -EINTR)
		say_source_error(r, err);
}

static int snapshot(struct run *r)
{
	int err = 0;

	if (r->src->ops->snapshot)
		err = r->src->ops->snapshot(r->src, on_record, r);
	if (err == STOP_COUNT || err == -EINTR)
		return err;
	if (err < 0)
		talk("sockets that exist already are unknown: %s",
		     r->src->error ? r->src->error : strerror(-err));
	return 0;
}

/* What came until now belongs to the time before the first reading of the counters. */
static int begin_check(struct run *r)
{
	int err;

	if (!r->o->check)
		return 0;
	err = r->src->ops->poll(r->src, 0, on_record, r);
	if (err < 0)
		return err;
	r->check = check_begin(r->o->source.filter.netns);
	if (r->check)
		return 0;
	talk("--check: cannot read the kernel's counters: %s", strerror(errno));
	r->failed = true;
	return -ENOMEM;
}

/* A wrong number would show nothing for ever; one that comes back is possible, so it is no error. */
static void warn_missing(const struct filter *f)
{
	uint32_t i;

	for (i = 0; i < f->npids; i++) {
		if (kill((pid_t)f->pids[i], 0) && errno == ESRCH)
			talk("-p %u: there is no such process now", f->pids[i]);
	}
}

/* From here on everything is seen: say so to a person, and to a test that waits for it. */
static void say_ready(const struct run *r)
{
	const struct options *o = r->o;

	if (!o->read_path)
		warn_missing(&o->source.filter);
	if (!o->read_path && !o->program)
		fputs("Tracing TCP sockets... Ctrl-C to end.\n", stderr);
	if (o->ready_fd >= 0 && write(o->ready_fd, "\n", 1) != 1)
		talk("--ready-fd %d: %s", o->ready_fd, strerror(errno));
}

/* ---- the end ---- */

/* "fentry 9, kprobe 2, tracepoint 14" */
static void count_mechanisms(struct source *src, char *text, size_t size)
{
	unsigned int i, m, count[MECH_MAX] = { 0 };
	struct hook_report h;
	size_t n = 0;

	text[0] = 0;
	for (i = 0; src->ops->hook && src->ops->hook(src, i, &h); i++)
		count[(unsigned int)h.mechanism < MECH_MAX ? h.mechanism : MECH_AUTO]++;
	for (m = MECH_FENTRY; m < MECH_MAX && n < size; m++) {
		if (count[m])
			n += (size_t)snprintf(text + n, size - n, "%s%s %u", n ? ", " : "",
					      mechanism_name((enum mechanism)m), count[m]);
	}
	if (count[MECH_AUTO] && n < size)
		snprintf(text + n, size - n, "%snone %u", n ? ", " : "", count[MECH_AUTO]);
}

static void on_finding(void *ctx, const struct finding *f)
{
	struct run *r = ctx;

	if (!f->listener || select_listener(&r->select, f->listener))
		r->view.ops->finding(&r->view, f);
}

static void sum_up(struct run *r)
{
	const struct model_totals *totals = model_totals(r->model);
	const struct listener *l;
	struct source_stats stats = { 0 };
	char mechanisms[96];
	struct view_end end;
	uint32_t i;

	r->src->ops->stats(r->src, &stats);
	count_mechanisms(r->src, mechanisms, sizeof(mechanisms));
	for (i = 0; (l = model_listener(r->model, i)); i++) {
		if (select_listener(&r->select, l))
			r->view.ops->listener(&r->view, r->model, l);
	}
	findings(r->model, on_finding, r);
	if (r->check && check_end(r->check, &r->view)) {
		talk("--check: what was counted is not what the kernel counted");
		r->failed = true;
	}
	end = (struct view_end){
		.totals = totals,
		.lost = stats.lost > totals->lost_total ? stats.lost : totals->lost_total,
		.missed = stats.missed,
		.unknown = stats.unknown,
		.mechanisms = mechanisms,
		.source = r->src->ops->name,
	};
	r->view.ops->end(&r->view, &end);
	out_flush(&r->out);
}

/* A reader that has gone away (head, less) is no failure. */
static void check_output(struct run *r)
{
	int err = r->rec ? recorder_close(r->rec) : 0;

	if (err && err != -EPIPE) {
		talk("cannot write '%s': %s", r->o->write_path, strerror(-err));
		r->failed = true;
	}
	if (r->out.error && r->out.error != -EPIPE) {
		talk("cannot write to standard output: %s", strerror(-r->out.error));
		r->failed = true;
	}
}

static void close_all(struct run *r)
{
	view_close(&r->view);
	out_close(&r->out);
	free(r->check);
	if (r->model)
		model_free(r->model);
	if (r->src)
		r->src->ops->close(r->src);
	free(r);
}

/* Forks the program first: the filter needs its number before the hooks are attached. */
static int prepare_program(struct run *r, struct options *o)
{
	int err;

	if (!o->program)
		return 0;
	err = child_fork(&r->child, o->program);
	if (err) {
		talk("cannot run '%s': %s", o->program[0], strerror(-err));
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
		talk("cannot run '%s': %s", r->o->program[0], strerror(-err));
	return err;
}

/* -d or -c may end before the program does: its status is ours, so we stay. */
static void wait_for_program(struct run *r)
{
	while (r->child.pid && !child_wait(&r->child))
		heed_signals(r);
}

/* 0 when the run is over, or -errno when it could not begin. */
static int run(struct run *r, struct options *o)
{
	int err = prepare_program(r, o);

	if (err)
		return err;
	signals_catch(o->program != NULL);
	err = open_all(r, o);
	if (err)
		return err;
	if (o->duration_ns)
		r->deadline_ns = clock_ns(CLOCK_MONOTONIC) + o->duration_ns;
	err = snapshot(r);
	if (!err)
		err = begin_check(r);
	flush(r);
	say_ready(r);
	if (start_program(r))
		return 0;
	if (!err)
		loop(r);
	sum_up(r);
	check_output(r);
	wait_for_program(r);
	return 0;
}

int run_stream(struct options *o)
{
	struct run *r = calloc(1, sizeof(*r));
	int status;

	if (!r)
		return EXIT_FAILED;
	r->o = o;
	if (o->ready_fd >= 0)
		fcntl(o->ready_fd, F_SETFD, FD_CLOEXEC);
	if (run(r, o)) {
		child_drop(&r->child);
		status = EXIT_FAILED;
	} else {
		status = r->child.pid && r->child.status ? r->child.status : r->failed ? EXIT_FAILED : EXIT_OK;
	}
	close_all(r);
	return status;
}
