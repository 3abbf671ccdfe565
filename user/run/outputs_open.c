// SPDX-License-Identifier: GPL-2.0-only
/* Opens the views, and learns what all of them together need. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "../lib/clock.h"
#include "../names.h"
#include "../source/netns.h"
#include "../talk.h"
#include "../terminal.h"
#include "outputs_open.h"
#include "views.h"

static bool pick_listener(void *select, const struct listener *l)
{
	return select_listener(select, l);
}

static bool pick_finding(void *select, const struct finding *f)
{
	return select_finding(select, f);
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

static void settings(struct outputs *s, const struct view_hosts *hosts, struct view_config *cfg)
{
	const struct options *o = s->o;
	const struct filter *here = s->select->filter;	/* where the capture hands on both ends, all of it */
	uint32_t netns = o->source.filter.netns || !here ? o->source.filter.netns : here->netns;

	*cfg = (struct view_config){
		.time = o->time,
		.no_header = o->no_header,
		.whole_snapshot = o->events & EVENT_BIT(EXISTS),
		.quiet = o->quiet,
		.json = o->json,
		.csv = o->csv,
		.utf8 = terminal_utf8(),
		.start_ns = o->read_path ? 0 : clock_ns(CLOCK_MONOTONIC),
		.wall_offset_ns = s->src->wall_offset_ns,
		.live = !o->read_path,
		.repeats = s->src->repeats && !o->nouts,
		.recorded = s->src->host,
		.file_bytes = o->file_bytes,
		.files = o->files,
		.explain = o->explain,
		.netns = netns,
		.narrows = here ? filter_narrows(here) : 0,
		.home_netns = netns ? netns : o->read_path ? 0 : netns_here(),
		.netns_name = o->read_path ? NULL : netns_name,
		.about = &s->about.view,
		.anonymous = o->anonymous,
		.max_size = o->max_size,
		.picks = select_pick,
		.picks_listener = pick_listener,
		.picks_finding = pick_finding,
		.metrics = o->metrics,
		.machine_now = o->read_path ? NULL : &s->about.now,
		.picks_ctx = (void *)(uintptr_t)s->select,
		.picks_all = PICK_FILTER | (o->trouble ? PICK_TROUBLE : 0) | (o->conns.min_ns ? PICK_LONG : 0),
		.conns = &o->conns,
		.interval_ns = o->interval_ns,
		.batch = o->batch,
		.trouble = o->trouble,
		.machine = s->machine,
		.ledger = to_ledgers,
		.ledger_ctx = s,
		.hosts = hosts,
		.models = s->models->of,
	};
	if (!o->read_path)
		cfg->boot_offset_ns = (int64_t)(clock_ns(CLOCK_BOOTTIME) - clock_ns(CLOCK_MONOTONIC));
	if (!cfg->wall_offset_ns)
		cfg->wall_offset_ns = (int64_t)(clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC));
}

static void added(struct outputs *s)
{
	struct output *out = &s->all[s->n++];
	const struct view *v = &out->view;

	s->selects |= (v->ops->steps && !output_silent(v)) || s->o->count;
	out->takes = (!output_silent(v) && (v->ops->steps || v->ops->record)) || v->cfg.hosts;
	s->takes |= out->takes;
}

/*
 * Nothing is asked for but recordings: all others write them, and the main view writes to nowhere, or was left standard
 * error and no -q asks for its summary.
 */
static bool only_records(const struct outputs *s, bool taken)
{
	const struct output *main = &s->all[0];

	for (unsigned int i = 1; i < s->n; i++) {
		if (s->all[i].view.ops != &view_record)
			return false;
	}
	return s->n > 1 && main->view.ops->steps && ((taken && !s->o->quiet) || outfile_nowhere(&main->file));
}

/* The ith as outfile.h counts them. stdout_fd: where a main view without a file goes. */
static int add(struct outputs *s, unsigned int i, const struct view_config *cfg, int stdout_fd)
{
	const struct view_ops *ops = i ? s->o->outs[i - 1].view : views_by_name(s->o->view);
	struct output *out = &s->all[s->n];
	struct view_config own = *cfg;
	int err = outfile_check(s->o, i, ops);
	struct out *to = NULL;

	if (err)
		return err;
	out->file.path = own.path = outfile_path(s->o, i);
	own.no_header |= own.quiet && ops->steps && !own.csv;
	if (ops->file != VIEW_OWN && i && !own.path) {
		own.main = &s->all[0].view;
		to = own.main->out;
	} else if (ops->file != VIEW_OWN) {
		err = outfile_open(&out->file, ops->file, stdout_fd);
		to = &out->file.out;
		own.color = !err && (s->o->color > 0 || (!s->o->color && terminal_color(to->fd)));
		own.columns = err ? 0 : terminal_columns(to->fd);
	}
	if (!err)
		err = view_open(&out->view, ops, &own, to);
	if (!err) {
		added(s);
		return 0;
	}
	outfile_close(&out->file, false);
	if (out->view.failed)
		talk("%s", out->view.failed);
	else
		outfile_failed(&out->file, err);
	return err;
}

/* Those beside the main view: --check, or all others. */
static int add_beside(struct outputs *s, const struct view_config *cfg, bool check)
{
	int err = 0;

	for (unsigned int i = 1; !err && i <= s->o->nouts; i++) {
		if ((s->o->outs[i - 1].view == &view_check) == check)
			err = add(s, i, cfg, -1);
	}
	return err;
}

/*
 * What has standard output to itself (a recording, -w -) leaves standard error to the main view, which then is only its
 * summary.
 */
int outputs_open(struct outputs **out, const struct options *o, const struct select *select, struct source *src,
		 const struct machine *machine, const struct view_hosts *hosts, const struct models *models)
{
	bool taken = !o->path && outfile_takes_stdout(o);
	struct outputs *s = calloc(1, sizeof(*s));
	struct view_config cfg;
	int err;

	*out = s;
	if (!s)
		return -ENOMEM;
	s->o = o;
	s->select = select;
	s->src = src;
	s->machine = machine;
	s->models = models;
	if (select->filter && select->both_ends) {
		s->by_address = !select->filter->npids && !select->filter->comm && !filter_by_place(select->filter);
		s->pairs = calloc(1, sizeof(*s->pairs));
		if (!s->pairs)
			return -ENOMEM;
	}
	about_run(&s->about, o, src);
	if (!o->read_path)
		about_now(&s->about, o, src);
	settings(s, hosts, &cfg);
	cfg.quiet |= taken;
	err = add(s, 0, &cfg, taken ? STDERR_FILENO : STDOUT_FILENO);
	cfg.quiet = false;		/* the main view alone is */
	if (!err)
		err = add_beside(s, &cfg, false);
	if (!err)
		err = add_beside(s, &cfg, true);	/* last, and so the first that ends: others show what it found */
	s->only_records = only_records(s, taken);
	return err;
}

bool outputs_only_record(const struct outputs *s)
{
	return s->only_records && !s->select->filter && !s->o->count && !(s->o->fail_on & (FAIL_ON_REFUSED | FAIL_ON_OVERFLOW));
}

void outputs_want(const struct outputs *s, struct model_wants *wants)
{
	wants->looks = 0;
	wants->owners = outputs_only_record(s);
	wants->steps = s->selects || s->takes || s->select->filter ? UINT64_MAX : 0;
	for (unsigned int i = 0; i < s->n; i++) {
		const struct view *v = &s->all[i].view;

		wants->steps |= v->ops->event && !output_silent(v) ? v->steps : 0;
		wants->looks += v->looks;
	}
}
