// SPDX-License-Identifier: GPL-2.0-only
/*
 * Opens a file for each output, hands every step to all of them, and says which
 * of them failed. What a step looks like is each view's own business.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../lib/beside.h"
#include "../lib/clock.h"
#include "../lib/create.h"
#include "../lib/tr.h"
#include "../names.h"
#include "../talk.h"
#include "../terminal.h"
#include "about.h"
#include "outputs.h"

struct output {
	struct view view;
	struct out own;			/* where it has a file of its own; else its out is the main view's */
	const char *path;		/* NULL: standard output, or that of the main view */
	char *part;			/* VIEW_WHOLE: what is renamed to path in the end */
};

struct outputs {
	const struct options *o;
	const struct select *select;
	const struct source *src;
	struct about about;
	uint64_t selected;		/* steps that passed: what -c counts */
	bool ended;			/* outputs_end() was there: what they wrote is complete */
	bool stepped, passed;		/* the record at hand made a step; one that passes the filter */
	unsigned int n;
	struct output all[1 + OUTPUTS_MAX];	/* the first is the main view */
};

/* ---- which there are ---- */

extern const struct view_ops view_record, view_check;

static const struct view_ops *const views[] = {
#define VIEW_ENTRY(name) &view_##name,
	VIEWS(VIEW_ENTRY)
#undef VIEW_ENTRY
	&view_record,
	&view_check,
};

const struct view_ops *outputs_view(unsigned int i)
{
	return i < sizeof(views) / sizeof(views[0]) ? views[i] : NULL;
}

const struct view_ops *outputs_view_by_name(const char *name)
{
	const struct view_ops *ops;

	for (unsigned int i = 0; (ops = outputs_view(i)); i++) {
		if (!strcmp(ops->name, name))
			return ops;
	}
	return NULL;
}

bool outputs_want_both_ends(const struct options *o)
{
	bool both = outputs_view_by_name(o->view)->both_ends;

	for (unsigned int i = 0; i < o->nouts; i++)
		both |= o->outs[i].view->both_ends;
	return both;
}

/* What is shown step by step, and what the summary and the findings after it stand on. */
static uint64_t steps_events(const struct options *o)
{
	if (o->quiet && !o->count)
		return EVENTS_QUEUES | EVENTS_TROUBLE;
	return o->events ? o->events : o->trouble ? EVENTS_TROUBLE : 0;
}

uint64_t outputs_events(const struct options *o)
{
	const struct view_ops *main = o->view ? outputs_view_by_name(o->view) : NULL;
	uint64_t events = !main || main->steps ? steps_events(o) : main->events;

	if (events && o->fail_on)
		events |= EVENTS_TROUBLE;
	for (unsigned int i = 0; events && i < o->nouts; i++)
		events = o->outs[i].view->events ? events | o->outs[i].view->events : 0;
	return events;
}

bool outputs_patient(const struct options *o)
{
	return !o->nouts && (o->quiet || !outputs_view_by_name(o->view)->steps);
}

/* ---- opening ---- */

static int wait_for_reader(const char *path)
{
	int fd;

	if (!path || !create_would_wait(path))
		return -1;
	talk(_("'%s': waiting for its reader"), path);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int outputs_wait(const struct options *o, int held[1 + OUTPUTS_MAX])
{
	unsigned int i;
	int err = 0;

	for (i = 0; i <= OUTPUTS_MAX; i++)
		held[i] = -1;
	for (i = 0; i <= o->nouts && err != -EINTR; i++)
		err = held[i] = wait_for_reader(i ? o->outs[i - 1].path : o->path);
	return err == -EINTR ? err : 0;
}

void outputs_waited(int held[1 + OUTPUTS_MAX])
{
	for (unsigned int i = 0; i <= OUTPUTS_MAX; i++) {
		if (held[i] >= 0)
			close(held[i]);
	}
}

static bool pick_listener(void *select, const struct listener *l)
{
	return select_listener(select, l);
}

static void to_ledgers(void *outputs, uint32_t netns, const char *counter, uint64_t kernel, uint64_t counted)
{
	struct outputs *s = outputs;

	for (unsigned int i = 0; i < s->n; i++) {
		struct view *v = &s->all[i].view;

		if (v->ops->ledger)
			v->ops->ledger(v, netns, counter, kernel, counted);
	}
}

static void settings(struct outputs *s, const struct source *src, const struct machine *machine,
		     const struct view_hosts *hosts, struct view_config *cfg)
{
	const struct options *o = s->o;
	const struct filter *above = s->select->filter;	/* where the capture hands on both ends, all of it */
	uint32_t netns = o->source.filter.netns || !above ? o->source.filter.netns : above->netns;

	*cfg = (struct view_config){
		.time = o->time,
		.no_header = o->no_header || o->quiet,
		.whole_snapshot = o->events & EVENT_BIT(EXISTS),
		.quiet = o->quiet,
		.json = o->json,
		.utf8 = terminal_utf8(),
		.start_ns = o->read_path ? 0 : clock_ns(CLOCK_MONOTONIC),
		.wall_offset_ns = src->wall_offset_ns,
		.live = !o->read_path,
		.recorded = src->host,
		.file_bytes = o->file_bytes,
		.files = o->files,
		.explain = o->explain,
		.netns = netns,
		.narrows = above ? filter_narrows(above) : 0,
		.home_netns = netns ? netns : o->read_path ? 0 : netns_here(),
		.netns_name = o->read_path ? NULL : netns_name,
		.about = &s->about.view,
		.anonymous = o->anonymous,
		.max_size = o->max_size,
		.picks = select_pick,
		.picks_listener = pick_listener,
		.metrics = o->metrics,
		.machine_now = o->read_path ? NULL : &s->about.now,
		.picks_ctx = (void *)(uintptr_t)s->select,
		.picks_all = PICK_FILTER | (o->trouble ? PICK_TROUBLE : 0),
		.conns = &o->conns,
		.interval_ns = o->interval_ns,
		.batch = o->batch,
		.trouble = o->trouble,
		.machine = machine,
		.ledger = to_ledgers,
		.ledger_ctx = s,
		.hosts = hosts,
	};
	if (!o->read_path)
		cfg->boot_offset_ns = (int64_t)(clock_ns(CLOCK_BOOTTIME) - clock_ns(CLOCK_MONOTONIC));
	if (!cfg->wall_offset_ns)
		cfg->wall_offset_ns = (int64_t)(clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC));
}

static bool is_stdout(const char *path)
{
	return !strcmp(path, "-");
}

/* Writing over the file that is being read, or that another output writes, would destroy it. */
static bool same_file(const char *a, const char *b)
{
	struct stat sa, sb;

	return a && b && !stat(a, &sa) && !stat(b, &sb) && S_ISREG(sa.st_mode) &&
	       sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

static int check_path(const struct outputs *s, const char *path, bool binary)
{
	if (is_stdout(path)) {
		if (!binary || isatty(STDOUT_FILENO) != 1)
			return 0;
		talk(_("-w -: a recording is binary, and standard output is a terminal; redirect it"));
		return -EINVAL;
	}
	for (unsigned int i = 0; i < s->o->nreads; i++) {
		if (same_file(path, s->o->reads[i])) {
			talk(_("'%s' is the file that -r reads"), path);
			return -EINVAL;
		}
	}
	for (unsigned int i = 0; i < s->n; i++) {
		if (s->all[i].path && (!strcmp(path, s->all[i].path) || same_file(path, s->all[i].path))) {
			talk(_("'%s': two outputs cannot write to one file"), path);
			return -EINVAL;
		}
	}
	return 0;
}

/* A descriptor or -errno. */
static int open_file(struct output *out, enum view_file kind, int stdout_fd)
{
	int fd;

	if (kind == VIEW_WHOLE && out->path && !is_stdout(out->path))
		return beside_open(out->path, &out->part);
	if (!out->path || is_stdout(out->path))
		fd = fcntl(out->path ? STDOUT_FILENO : stdout_fd, F_DUPFD_CLOEXEC, 3);
	else
		return create_file(out->path, 0666);
	return fd < 0 ? -errno : fd;
}

/* complete: what was written beside takes its place. 0 or -errno of what did not reach the file. */
static int close_file(struct output *out, bool complete)
{
	int err = 0, moved;

	if (out->own.buf) {
		out_flush(&out->own);
		err = out->own.error;
		if (close(out->own.fd) && !err)
			err = -errno;
		out_close(&out->own);
	}
	moved = beside_close(out->path, out->part, complete && !err);
	out->part = NULL;
	return err ? err : moved;
}

/* A reader that has gone away (head, less) is no failure. */
static bool say_failed(const struct output *out, int err)
{
	const char *why;

	if (!err || err == -EPIPE)
		return false;
	why = err == -EINTR ? _("its reader sleeps; what it has not read is lost") : strerror(-err);
	if (out->path)
		talk(_("cannot write '%s': %s"), out->path, why);
	else
		talk(_("cannot write to standard output: %s"), why);
	return true;
}

/* Adds one. path NULL: the main view's file; with no main view yet, the descriptor stdout_fd. */
static int add(struct outputs *s, const struct view_ops *ops, const char *path, const struct view_config *cfg,
	       int stdout_fd)
{
	struct output *out = &s->all[s->n];
	struct view_config own = *cfg;
	struct out *to = NULL;
	int fd, err = path ? check_path(s, path, ops->file == VIEW_OWN) : 0;

	if (ops->file == VIEW_WHOLE && (!path || is_stdout(path)) && isatty(STDOUT_FILENO) == 1) {
		talk(_("%s: standard output is a terminal; use -o FILE"), ops->name);
		err = -EINVAL;
	}
	if (err)
		return err;
	out->path = path;
	own.path = path;
	if (ops->file != VIEW_OWN && s->n && !path) {
		to = s->all[0].view.out;
		own.main = &s->all[0].view;
	} else if (ops->file != VIEW_OWN) {
		fd = open_file(out, ops->file, stdout_fd);
		err = fd < 0 ? fd : out_open(&out->own, fd);
		to = &out->own;
		own.color = s->o->color > 0 || (!s->o->color && fd >= 0 && terminal_color(fd));
		own.columns = fd >= 0 ? terminal_columns(fd) : 0;
	}
	if (!err)
		err = view_open(&out->view, ops, &own, to);
	if (!err) {
		s->n++;
		return 0;
	}
	close_file(out, false);
	if (out->view.failed)
		talk("%s", out->view.failed);
	else
		say_failed(out, err);
	return err;
}

/*
 * What has standard output to itself (a recording, -w -) leaves standard error to the main view, which then is only its
 * summary.
 */
static bool stdout_taken(const struct options *o)
{
	for (unsigned int i = 0; i < o->nouts; i++) {
		if (o->outs[i].path && is_stdout(o->outs[i].path))
			return true;
	}
	return false;
}

int outputs_open(struct outputs **out, const struct options *o, const struct select *select, struct source *src,
		 const struct machine *machine, const struct view_hosts *hosts)
{
	bool taken = stdout_taken(o) && !o->path;
	struct outputs *s = calloc(1, sizeof(*s));
	struct view_config cfg;
	int err;

	*out = s;
	if (!s)
		return -ENOMEM;
	s->o = o;
	s->select = select;
	s->src = src;
	about_run(&s->about, o, src);
	if (!o->read_path)
		about_now(&s->about, o, src);
	settings(s, src, machine, hosts, &cfg);
	cfg.no_header |= taken;
	cfg.quiet |= taken;
	err = add(s, outputs_view_by_name(o->view), o->path, &cfg, taken ? STDERR_FILENO : STDOUT_FILENO);
	cfg.quiet = false;
	for (unsigned int i = 0; !err && i < 2 * o->nouts; i++) {
		const struct view_ops *ops = o->outs[i % o->nouts].view;

		if ((ops == &view_check) == (i >= o->nouts))	/* last, and so the first that ends: others show what it found */
			err = add(s, ops, o->outs[i % o->nouts].path, &cfg, -1);
	}
	return err;
}

void outputs_begin(struct outputs *s)
{
	for (unsigned int i = 0; i < s->n; i++) {
		if (s->all[i].view.ops->begin)
			s->all[i].view.ops->begin(&s->all[i].view);
	}
}

/* ---- while it runs ---- */

static bool count_reached(const struct outputs *s)
{
	const struct view *main = &s->all[0].view;

	return s->o->count && (main->ops->steps ? s->selected : main->shown) >= s->o->count;
}

static void to_view(struct view *v, const struct model_event *ev, bool selected)
{
	if (!v->ops->event || (v->ops->steps && (!selected || v->cfg.quiet)))
		return;
	v->ops->event(v, ev);
}

void outputs_event(struct outputs *s, const struct model_event *ev)
{
	bool selected = !count_reached(s) && select_event(s->select, ev);

	s->stepped = true;
	if (s->select->filter && !s->passed)
		s->passed = select_filtered(s->select, ev);
	/* what was there before is no step, unless it is what the user asks for */
	s->selected += selected && (ev->event != TCPTRACE_EXISTS || s->o->events & EVENT_BIT(EXISTS));
	for (unsigned int i = 0; i < s->n; i++)
		to_view(&s->all[i].view, ev, selected);
}

static void lost(struct outputs *s, const struct tcptrace_record *rec)
{
	const char *where = rec->new ? tcptrace_event_name(rec->new) : "";

	for (unsigned int i = 0; i < s->n; i++) {
		struct view *v = &s->all[i].view;

		v->host = (uint8_t)s->src->machine;
		if (v->ops->lost && !v->cfg.quiet)
			v->ops->lost(v, rec->arg, where);
	}
}

/*
 * Notes of the capture side are for every output; the rest is if the filter of a replay lets it through. What made no
 * step is judged by its addresses: a sweep that found what was known says that it is still there.
 */
bool outputs_record(struct outputs *s, const struct tcptrace_record *rec)
{
	bool passed = !s->select->filter || s->passed || tcptrace_event_class(rec->event) == TCPTRACE_NOTE ||
		      (!s->stepped && select_record(s->select, rec));
	bool more = true;

	s->stepped = s->passed = false;
	if (rec->event == TCPTRACE_LOST && rec->arg)
		lost(s, rec);
	for (unsigned int i = 0; i < s->n; i++) {
		struct view *v = &s->all[i].view;

		v->host = (uint8_t)s->src->machine;
		if (v->ops->record && v->ops->record(v, rec, passed))
			more = false;
		if (v->out && v->out->error)
			more = false;
	}
	return more && !count_reached(s);
}

/* Wall time follows the clock of the machine, when somebody sets it; not its rate, which moves by some us. */
#define CLOCK_SET_NS	1000000

static void follow_clock(struct view_config *cfg)
{
	uint64_t before = clock_ns(CLOCK_MONOTONIC);
	int64_t offset = (int64_t)(clock_ns(CLOCK_REALTIME) - before);

	if (clock_ns(CLOCK_MONOTONIC) - before > CLOCK_SET_NS / 2)	/* preempted in between */
		return;
	if (offset - cfg->wall_offset_ns > CLOCK_SET_NS || cfg->wall_offset_ns - offset > CLOCK_SET_NS)
		cfg->wall_offset_ns = offset;
}

void outputs_tick(struct outputs *s, const struct model *m, uint64_t now_ns)
{
	for (unsigned int i = 0; i < s->n && !s->o->read_path; i++)
		follow_clock(&s->all[i].view.cfg);
	for (unsigned int i = 0; i < s->n; i++) {
		if (s->all[i].view.ops->tick)
			s->all[i].view.ops->tick(&s->all[i].view, m, now_ns);
	}
}

/* The first that plays decides. */
bool outputs_play(struct outputs *s, uint64_t next_ns, struct view_play *play)
{
	for (unsigned int i = 0; i < s->n; i++) {
		struct view *v = &s->all[i].view;

		if (!v->ops->play)
			continue;
		v->ops->play(v, next_ns, play);
		return true;
	}
	return false;
}

void outputs_keep(struct outputs *s)
{
	for (unsigned int i = 0; i < s->n; i++) {
		if (s->all[i].view.ops->keep)
			s->all[i].view.ops->keep(&s->all[i].view);
	}
}

void outputs_resize(struct outputs *s)
{
	for (unsigned int i = 0; i < s->n; i++) {
		struct view *v = &s->all[i].view;

		if (v->out)
			v->cfg.columns = terminal_columns(v->out->fd);
	}
}

bool outputs_flush(struct outputs *s)
{
	bool more = !count_reached(s);

	for (unsigned int i = 0; i < s->n; i++) {
		struct view *v = &s->all[i].view;

		more &= !v->done;
		if (v->ops->flush && v->ops->flush(v))
			more = false;
		if (v->out && out_flush_pages(v->out))
			more = false;
	}
	return more;
}

/* ---- the end ---- */

struct ending {
	struct view *view;
	const struct select *select;
	const struct machine *machine;
};

static void on_finding(void *ctx, const struct finding *f)
{
	const struct ending *e = ctx;

	if (!f->listener || select_listener(e->select, f->listener))
		e->view->ops->finding(e->view, f);
}

static void put_findings(const struct ending *e, const struct model *m)
{
	if (e->view->ops->finding)
		findings(m, e->machine, on_finding, (void *)(uintptr_t)e);
}

static void put_listeners(const struct ending *e, const struct model *m)
{
	const struct listener *l;

	if (e->view->ops->listeners)
		e->view->ops->listeners(e->view, m);
	for (uint32_t i = 0; e->view->ops->listener && (l = model_listener(m, i)); i++) {
		if (select_listener(e->select, l))
			e->view->ops->listener(e->view, m, l);
	}
}

static void sum_up(const struct ending *e, const struct model *m)
{
	if (!e->view->ops->verdict_last)
		put_findings(e, m);
	put_listeners(e, m);
	if (e->view->ops->verdict_last)
		put_findings(e, m);
}

/*
 * All finish before any sums up: --check reads the kernel's counters then, and the main view, which may draw,
 * comes last. Its last line is the last, too: others may write into its file.
 */
void outputs_end(struct outputs *s, struct model *const *models, unsigned int n, const struct machine *machine,
		 const struct view_end *end)
{
	for (unsigned int i = s->n; i-- > 0; ) {
		if (s->all[i].view.ops->finish)
			s->all[i].view.ops->finish(&s->all[i].view);
	}
	for (unsigned int i = 0; i < s->n; i++) {
		for (unsigned int host = 0; host < n; host++) {
			s->all[i].view.host = (uint8_t)host;
			sum_up(&(struct ending){ &s->all[i].view, s->select, machine }, models[host]);
		}
	}
	for (unsigned int i = s->n; i-- > 0; ) {
		if (s->all[i].view.ops->end)
			s->all[i].view.ops->end(&s->all[i].view, end);
	}
	outputs_flush(s);
	s->ended = true;
}

static bool close_one(struct output *out, bool complete)
{
	const char *failed = out->view.failed, *remark = out->view.remark;
	int err = view_close(&out->view), file = close_file(out, complete);

	if (failed || remark)
		talk("%s", failed ? failed : remark);
	return !say_failed(out, err ? err : file) && !failed;
}

bool outputs_close(struct outputs *s)
{
	bool well = true;

	if (!s)
		return true;
	for (unsigned int i = s->n; i-- > 0; )
		well &= close_one(&s->all[i], s->ended);
	about_free(&s->about);
	free(s);
	return well;
}
