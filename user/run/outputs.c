// SPDX-License-Identifier: GPL-2.0-only
/*
 * Opens the views, hands every step to all of them, and says which of them
 * failed. What a step looks like is each view's own business.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "../lib/clock.h"
#include "../lib/tr.h"
#include "../names.h"
#include "../source/netns.h"
#include "../talk.h"
#include "../terminal.h"
#include "../view/wanted.h"
#include "about.h"
#include "outfile.h"
#include "outputs.h"
#include "recording.h"
#include "views.h"

struct output {
	struct view view;
	struct outfile file;
	bool takes;			/* it looks at each record: to keep it, to show its step, to tell machines apart */
};

struct outputs {
	const struct options *o;
	const struct select *select;
	struct source *src;
	const struct machine *machine;
	struct about about;
	uint64_t selected;		/* steps that passed: what -c counts */
	bool selects;			/* somebody asks which steps pass: a view that shows them, -c */
	bool takes;			/* any of them looks at each record */
	bool only_records;		/* nothing is asked for but recordings */
	uint64_t recorded;		/* records that an output which keeps them was given */
	bool ended;			/* outputs_end() was there: what they wrote is complete */
	bool stepped, passed;		/* the record at hand made a step; one that passes the filter */
	uint64_t begun_ns, next_ns;	/* -i: when the first interval began, and the one at hand ends; 0: not yet */
	struct wanted_pairs *pairs;	/* the filter selects connections: both ends of those it fits. NULL: ends */
	bool by_address;		/* ... and addresses alone say which */
	const struct models *models;
	struct recording recording;	/* what the main view's user asked for while it runs */
	bool warned;			/* of more lines than anybody reads */
	uint64_t second_ns, second_shown;	/* when a second began, and what the main view had shown then */
	unsigned int n;
	struct output all[1 + OUTPUTS_MAX];	/* the first is the main view */
};

/* ---- opening ---- */

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

static void settings(struct outputs *s, const struct view_hosts *hosts, const struct models *models,
		     struct view_config *cfg)
{
	const struct options *o = s->o;
	const struct filter *here = s->select->filter;	/* where the capture hands on both ends, all of it */
	uint32_t netns = o->source.filter.netns || !here ? o->source.filter.netns : here->netns;

	*cfg = (struct view_config){
		.time = o->time,
		.no_header = o->no_header || o->quiet,
		.whole_snapshot = o->events & EVENT_BIT(EXISTS),
		.quiet = o->quiet,
		.json = o->json,
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
		.models = models->of,
	};
	if (!o->read_path)
		cfg->boot_offset_ns = (int64_t)(clock_ns(CLOCK_BOOTTIME) - clock_ns(CLOCK_MONOTONIC));
	if (!cfg->wall_offset_ns)
		cfg->wall_offset_ns = (int64_t)(clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC));
}

/* A view that shows step by step shows its summary alone with -q. */
static bool is_silent(const struct view *v)
{
	return v->ops->steps && v->cfg.quiet;
}

static void added(struct outputs *s)
{
	struct output *out = &s->all[s->n++];
	const struct view *v = &out->view;

	s->selects |= (v->ops->steps && !is_silent(v)) || s->o->count;
	out->takes = (!is_silent(v) && (v->ops->steps || v->ops->record)) || v->cfg.hosts;
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
	if (select->filter && views_want_both_ends(o)) {
		s->by_address = !select->filter->npids && !select->filter->comm && !filter_by_place(select->filter);
		s->pairs = calloc(1, sizeof(*s->pairs));
		if (!s->pairs)
			return -ENOMEM;
	}
	about_run(&s->about, o, src);
	if (!o->read_path)
		about_now(&s->about, o, src);
	settings(s, hosts, models, &cfg);
	cfg.no_header |= taken;
	cfg.quiet |= taken;
	err = add(s, 0, &cfg, taken ? STDERR_FILENO : STDOUT_FILENO);
	cfg.quiet = false;
	if (!err)
		err = add_beside(s, &cfg, false);
	if (!err)
		err = add_beside(s, &cfg, true);	/* last, and so the first that ends: others show what it found */
	s->only_records = only_records(s, taken);
	return err;
}

void outputs_want(const struct outputs *s, struct model_wants *wants)
{
	bool counts = s->select->filter || s->o->count || s->o->fail_on & (FAIL_ON_REFUSED | FAIL_ON_OVERFLOW);
	bool lengths = false;

	wants->owners = s->only_records && !counts;
	wants->steps = s->selects || s->takes ? UINT64_MAX : 0;
	for (unsigned int i = 0; i < s->n; i++) {
		const struct view *v = &s->all[i].view;

		wants->steps |= v->ops->event && !is_silent(v) ? v->steps : 0;
		lengths |= v->ops->longer != NULL;
	}
	if (!lengths)
		wants->longer = NULL;
}

void outputs_begin(struct outputs *s)
{
	for (unsigned int i = 0; i < s->n; i++) {
		if (s->all[i].view.ops->begin)
			s->all[i].view.ops->begin(&s->all[i].view);
	}
}

/* ---- what there is so far ---- */

struct ending {
	struct view *view;
	const struct select *select;
};

static void on_finding(void *ctx, const struct finding *f)
{
	const struct ending *e = ctx;

	if (select_finding(e->select, f))
		e->view->ops->finding(e->view, f);
}

static void put_findings(const struct outputs *s, struct view *v, const struct model *m)
{
	struct ending e = { v, s->select };

	if (v->ops->finding)
		findings(m, s->machine, on_finding, &e);
}

static void put_listeners(const struct outputs *s, struct view *v, const struct model *m)
{
	const struct listener *l;

	if (v->ops->listeners)
		v->ops->listeners(v, m);
	for (uint32_t i = 0; v->ops->listener && (l = model_listener(m, i)); i++) {
		if (select_listener(s->select, l))
			v->ops->listener(v, m, l);
	}
}

static void sum_up(const struct outputs *s, struct view *v, const struct model *m)
{
	if (!v->ops->verdict_last)
		put_findings(s, v, m);
	put_listeners(s, v, m);
	if (v->ops->verdict_last)
		put_findings(s, v, m);
}

/* ---- while it runs ---- */

static bool count_reached(const struct outputs *s)
{
	const struct view *main = &s->all[0].view;

	return s->o->count && (main->ops->steps ? s->selected : main->shown) >= s->o->count;
}

static void to_view(struct view *v, const struct model_event *ev, bool selected)
{
	if (v->ops->event && !is_silent(v) && (selected || !v->ops->steps))
		v->ops->event(v, ev);
}

/* Its end that fits may come later: a client is heard before its server, a socket before it has a port. */
static bool begins(const struct model_event *ev)
{
	switch (ev->event) {
	case TCPTRACE_BIND: case TCPTRACE_EXISTS:
	case TCPTRACE_CONNECT: case TCPTRACE_CONNECT_RETURN: case TCPTRACE_RETRANS:
	case TCPTRACE_SYNQ_ADD: case TCPTRACE_SYNQ_DEL: case TCPTRACE_SYNACK_RETRANS: case TCPTRACE_ACCEPTQ_ADD:
		return true;
	case TCPTRACE_STATE:
		return ev->new == TCP_S_SYN_SENT || ev->old == TCP_S_SYN_SENT || ev->new == TCP_S_SYN_RECV ||
		       ev->old == TCP_S_SYN_RECV;
	}
	return false;
}

/* What a program did is known from its first step on, and no replay could choose it again. */
static bool passes(struct outputs *s, const struct model_event *ev)
{
	bool fits = select_filtered(s->select, ev);

	if (!s->pairs)
		return fits;
	if (wanted_pair(s->pairs, fits, ev) == WANTED)
		return true;
	if (s->select->program)
		return false;
	return ev->event == TCPTRACE_SOCKET || ((s->by_address || begins(ev)) && select_other_end(s->select, ev->rec));
}

void outputs_event(struct outputs *s, const struct model_event *ev)
{
	bool selected;

	s->stepped = true;
	selected = s->selects && !count_reached(s) && select_event(s->select, ev);
	if (s->takes && s->select->filter && (s->pairs || !s->passed))
		s->passed |= passes(s, ev);
	/* what was there before is no step, unless it is what the user asks for */
	s->selected += selected && (ev->event != TCPTRACE_EXISTS || s->o->events & EVENT_BIT(EXISTS));
	for (unsigned int i = 0; i < s->n; i++)
		to_view(&s->all[i].view, ev, selected);
}

void outputs_longer(struct outputs *s, const struct listener *l)
{
	for (unsigned int i = 0; i < s->n; i++) {
		if (s->all[i].view.ops->longer)
			s->all[i].view.ops->longer(&s->all[i].view, l);
	}
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
static bool record_passes(const struct outputs *s, const struct tcptrace_record *rec)
{
	if (!s->select->filter || s->passed || tcptrace_event_class(rec->event) == TCPTRACE_NOTE)
		return true;
	return !s->stepped && (select_record(s->select, rec) || (s->pairs && rec->rport && select_other_end(s->select, rec)));
}

static bool take_record(struct outputs *s, const struct tcptrace_record *rec)
{
	bool passed = record_passes(s, rec), more = true;

	s->recorded += passed;
	if (s->recording.to && passed)
		recording_put(&s->recording, &s->all[0].view, rec);
	for (unsigned int i = 0; i < s->n; i++) {
		struct view *v = &s->all[i].view;

		if (!s->all[i].takes)
			continue;
		v->host = (uint8_t)s->src->machine;
		if (v->ops->record && v->ops->record(v, rec, passed))
			more = false;
		if (v->out && v->out->error)
			more = false;
	}
	return more;
}

/* With it comes, in a recording, that its clock was set. */
static void observed(struct outputs *s, const struct tcptrace_record *rec)
{
	s->recording.observed = *rec;
	for (unsigned int i = 0; i < s->n && s->src->wall_offset_ns; i++)
		s->all[i].view.cfg.wall_offset_ns = s->src->wall_offset_ns;
}

/* What draws at intervals, or sums up, asks the model then, and has no use for a record. */
bool outputs_record(struct outputs *s, const struct tcptrace_record *rec)
{
	bool more = true;

	if (rec->event == TCPTRACE_OBSERVED)
		observed(s, rec);
	if (rec->event == TCPTRACE_LOST && rec->arg)
		lost(s, rec);
	if (s->takes)
		more = take_record(s, rec);
	s->stepped = s->passed = false;
	return more && !count_reached(s);
}

/* Wall time follows the clock of the machine, when somebody sets it; not its rate, which moves by some us. */
static void follow_clock(struct view_config *cfg)
{
	int64_t offset;

	if (clock_ahead_of_monotonic(CLOCK_REALTIME, &offset) && clock_stepped(cfg->wall_offset_ns, offset))
		cfg->wall_offset_ns = offset;
}

/* -i of others than top, which has it by its ticks. */
static bool has_intervals(const struct outputs *s)
{
	return s->o->interval_ns && !s->all[0].view.ops->play;
}

bool outputs_wants_sweep(const struct outputs *s, uint64_t now_ns)
{
	return s->recording.fresh || (has_intervals(s) && s->all[0].view.ops->sweeps && s->next_ns && now_ns >= s->next_ns);
}

void outputs_swept(struct outputs *s)
{
	s->recording.fresh = false;
}

uint64_t outputs_wanted(const struct outputs *s)
{
	return s->all[0].view.wants;
}

void outputs_widened(struct outputs *s, int err)
{
	struct view *v = &s->all[0].view;

	v->widened = v->wants && !err;
	v->widen_error = err;
}

/* "== 5.0 s ==": since the beginning */
static void put_moment(const struct outputs *s, struct view *v, uint64_t now_ns)
{
	if (s->o->json || s->o->conns.csv)
		return;
	out_line_end(v->out);
	out_str(v->out, "== ");
	out_seconds(v->out, now_ns - s->begun_ns);
	out_str(v->out, " ==");
	out_line_end(v->out);
}

static void put_summary(struct outputs *s, struct view *v)
{
	for (unsigned int host = 0; host < s->models->n; host++) {
		v->host = (uint8_t)host;
		sum_up(s, v, s->models->of[host]);
	}
	v->findings = 0;
}

static void tick_interval(struct outputs *s, uint64_t now_ns)
{
	struct view *v = &s->all[0].view;

	if (!now_ns)			/* of a replay that has had no record yet */
		return;
	if (!s->next_ns) {
		s->begun_ns = now_ns;
		s->next_ns = now_ns + s->o->interval_ns;
	}
	if (now_ns < s->next_ns)
		return;
	s->next_ns += s->o->interval_ns;
	if (s->next_ns <= now_ns)
		s->next_ns = now_ns + s->o->interval_ns;
	put_moment(s, v, now_ns);
	if (v->ops->interval)
		v->ops->interval(v, now_ns);
	else
		put_summary(s, v);
}

/* Once, and to people: a program that reads a pipe wants them all. */
static void warn_of_flood(struct outputs *s, uint64_t now_ns)
{
	const struct view *v = &s->all[0].view;
	uint64_t lines = v->shown - s->second_shown;

	if (s->warned || s->o->read_path || !view_streams(v) || !v->out->by_line || now_ns - s->second_ns < 1000000000)
		return;
	s->warned = s->second_ns && lines > VIEW_FLOOD;
	if (s->warned)
		talk("%s", view_flood_hint());
	s->second_ns = now_ns;
	s->second_shown = v->shown;
}

void outputs_tick(struct outputs *s, const struct model *m, uint64_t now_ns)
{
	warn_of_flood(s, now_ns);
	for (unsigned int i = 0; i < s->n && !s->o->read_path; i++)
		follow_clock(&s->all[i].view.cfg);
	for (unsigned int i = 0; i < s->n; i++) {
		if (s->all[i].view.ops->tick)
			s->all[i].view.ops->tick(&s->all[i].view, m, now_ns);
	}
	if (has_intervals(s))
		tick_interval(s, now_ns);
	if (!s->o->read_path)
		s->takes |= recording_heed(&s->recording, &s->all[0].view, now_ns);
}

/* To the end of the interval, if that is before the next record; the first one begins with the first record. */
static void play_intervals(struct outputs *s, uint64_t next_ns, struct view_play *play)
{
	bool comes = next_ns && next_ns != UINT64_MAX;

	if (comes && !s->next_ns)
		tick_interval(s, next_ns);
	else if (comes)
		s->next_ns = view_past_gap(s->next_ns, s->o->interval_ns, next_ns);
	play->until_ns = s->next_ns;
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
	if (has_intervals(s))
		play_intervals(s, next_ns, play);
	return has_intervals(s);
}

void outputs_keep(struct outputs *s)
{
	if (!s->o->file_bytes) {
		talk(_("SIGUSR1: without -C and -W nothing is set aside"));
		return;
	}
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

void outputs_ending(struct outputs *s)
{
	for (unsigned int i = 0; i < s->n; i++) {
		if (s->all[i].view.ops->ending)
			s->all[i].view.ops->ending(&s->all[i].view);
	}
}

/*
 * All finish before any sums up, and the main view, which may draw, comes last. Its last line is the last, too: others
 * may write into its file.
 */
uint64_t outputs_end(struct outputs *s, const struct models *m)
{
	struct model_totals totals;
	struct view_end end;

	for (unsigned int i = s->n; i-- > 0; ) {
		if (s->all[i].view.ops->finish)
			s->all[i].view.ops->finish(&s->all[i].view);
	}
	for (unsigned int i = 0; i < s->n && !s->only_records; i++) {
		for (unsigned int host = 0; host < m->n; host++) {
			s->all[i].view.host = (uint8_t)host;
			sum_up(s, &s->all[i].view, m->of[host]);
		}
	}
	models_totals(m, &totals);
	about_end(&s->about, s->src, &totals, &end);
	end.model = m->of[0];
	end.recorded = s->only_records ? s->recorded : 0;
	for (unsigned int i = s->n; i-- > 0; ) {
		if (s->all[i].view.ops->end)
			s->all[i].view.ops->end(&s->all[i].view, &end);
	}
	outputs_flush(s);
	s->ended = true;
	return end.lost;
}

static bool close_one(struct output *out, bool complete)
{
	const char *failed = out->view.failed, *remark = out->view.remark;
	int err = view_close(&out->view), file = outfile_close(&out->file, complete);

	if (failed || remark)
		talk("%s", failed ? failed : remark);
	return !outfile_failed(&out->file, err ? err : file) && !failed;
}

bool outputs_close(struct outputs *s)
{
	bool well = true;

	if (!s)
		return true;
	recording_end(&s->recording, &s->all[0].view, 0);
	for (unsigned int i = s->n; i-- > 0; )
		well &= close_one(&s->all[i], s->ended);
	about_free(&s->about);
	free(s->pairs);
	free(s);
	return well;
}
