// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hands every step to all views, and says which of them failed. What a step
 * looks like is each view's own business.
 */
#include <stdlib.h>
#include <string.h>

#include "../lib/clock.h"
#include "../lib/tr.h"
#include "../names.h"
#include "../talk.h"
#include "../terminal.h"
#include "outputs_open.h"
#include "sumup.h"

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
	if (v->ops->event && !output_silent(v) && (selected || !v->ops->steps))
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
	if (s->select->filter && select_filtered(s->select, ev))
		s->events[ev->event]++;
	selected = s->selects && !count_reached(s) && select_event(s->select, ev);
	if (s->takes && s->select->filter && (s->pairs || !s->passed))
		s->passed |= passes(s, ev);
	/* what was there before is no step, unless it is what the user asks for */
	s->selected += selected && (ev->event != TCPTRACE_EXISTS || s->o->events & EVENT_BIT(EXISTS));
	if (s->show_until && s->all[0].view.shown >= s->show_until)
		s->hidden += selected;
	else
		to_view(&s->all[0].view, ev, selected);
	for (unsigned int i = 1; i < s->n; i++)
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
static bool record_passes(const struct outputs *s, const struct tcptrace_record *rec)
{
	if (!s->select->filter || s->passed || tcptrace_event_class(rec->event) == TCPTRACE_NOTE)
		return true;
	return !s->stepped && (select_record(s->select, rec) || (s->pairs && rec->rport && select_other_end(s->select, rec)));
}

/*
 * The capture hands on all namespaces, and what passes of a snapshot is one's: what a replay does not find there is gone,
 * elsewhere it is not; and of another one's listeners it knows some connections.
 */
static const struct tcptrace_record *narrowed(const struct outputs *s, const struct tcptrace_record *rec,
					      struct tcptrace_record *copy)
{
	const struct filter *f = s->select->filter;

	if (!f || !f->netns || (rec->event != TCPTRACE_SNAPSHOT && rec->event != TCPTRACE_OBSERVED))
		return rec;
	*copy = *rec;
	if (rec->event == TCPTRACE_SNAPSHOT)
		copy->netns = f->netns;
	else
		copy->req |= TCPTRACE_ONLY_NETNS;
	return copy;
}

static bool take_record(struct outputs *s, const struct tcptrace_record *rec)
{
	bool passed = record_passes(s, rec), more = true;
	struct tcptrace_record copy;

	rec = narrowed(s, rec, &copy);
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

/*
 * What draws at intervals, or sums up, asks the model then, and has no use for a record. Recordings have for each, and
 * whoever takes no more says so when they are flushed.
 */
bool outputs_batch(struct outputs *s, const struct tcptrace_record *const *rec, unsigned int n)
{
	if (!s->takes && !s->o->count)
		return true;
	if (!outputs_only_record(s))
		return false;
	s->recorded += n;
	for (unsigned int i = 1; i < s->n; i++)
		s->all[i].view.ops->records(&s->all[i].view, rec, n);
	return true;
}

/* Wall time follows the clock of the machine, when somebody sets it; not its rate, which moves by some us. */
static void follow_clock(struct view_config *cfg)
{
	int64_t offset;

	if (clock_ahead_of_monotonic(CLOCK_REALTIME, &offset) && clock_stepped(cfg->wall_offset_ns, offset))
		cfg->wall_offset_ns = offset;
}

bool outputs_wants_sweep(const struct outputs *s, uint64_t now_ns)
{
	return s->recording.fresh || (s->all[0].view.ops->sweeps && sumup_due(s, now_ns));
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

/* Once, and to people: a program that reads a pipe wants them all. */
static void warn_of_flood(struct outputs *s, uint64_t now_ns)
{
	struct view *v = &s->all[0].view;
	uint64_t lines = v->shown - s->second_shown;

	if (v->flooded || s->o->read_path || !view_streams(v) || !v->out->by_line || now_ns - s->second_ns < 1000000000)
		return;
	v->flooded = s->second_ns && lines > VIEW_FLOOD;
	if (v->flooded)
		talk("%s", view_flood_hint());
	s->second_ns = now_ns;
	s->second_shown = v->shown;
}

/* A terminal may be many seconds behind: nobody who pressed Ctrl-C wants to see all of that. The summary counts it. */
void outputs_amid(struct outputs *s, uint64_t now_ns, bool over)
{
	const struct view *v = &s->all[0].view;

	warn_of_flood(s, now_ns);
	if (over && !s->show_until && view_streams(v) && v->out->by_line)
		s->show_until = v->shown + VIEW_FLOOD;
}

/* When it happens: the end may be months away. */
static void say_failure(struct output *out)
{
	if (out->view.failed && !out->said)
		talk("%s", out->view.failed);
	out->said = out->view.failed;
}

void outputs_tick(struct outputs *s, uint64_t now_ns)
{
	warn_of_flood(s, now_ns);
	if (!s->o->read_path)
		netns_learn_names();
	for (unsigned int i = 0; i < s->n && !s->o->read_path; i++)
		follow_clock(&s->all[i].view.cfg);
	for (unsigned int i = 0; i < s->n; i++) {
		if (s->all[i].view.ops->tick)
			s->all[i].view.ops->tick(&s->all[i].view, s->models->of[0], now_ns);
		say_failure(&s->all[i]);
	}
	sumup_tick(s, now_ns);
	if (!s->o->read_path)
		s->takes |= recording_heed(&s->recording, &s->all[0].view, now_ns);
}

uint64_t outputs_idle_ns(const struct outputs *s)
{
	return s->n == 1 ? s->all[0].view.idle_ns : 0;
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
	return sumup_play(s, next_ns, play);
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

/* Others are to be complete when the main view has been left, or its reader. */
bool outputs_enough(const struct outputs *s)
{
	const struct view *main = &s->all[0].view;

	return count_reached(s) || (s->n == 1 && (main->done || (main->out && main->out->error)));
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
uint64_t outputs_end(struct outputs *s)
{
	struct model_totals totals;
	struct view_end end;

	for (unsigned int i = s->n; i-- > 0; ) {
		if (s->all[i].view.ops->finish)
			s->all[i].view.ops->finish(&s->all[i].view);
	}
	for (unsigned int i = 0; i < s->n && !s->only_records; i++)
		sumup_put(s, &s->all[i].view);
	models_totals(s->models, &totals);
	if (s->select->filter)
		memcpy(totals.events, s->events, sizeof(totals.events));
	about_end(&s->about, s->src, &totals, &end);
	if (s->hidden)
		talk(_("the terminal was behind: %llu more steps are counted, but not shown"), (unsigned long long)s->hidden);
	end.model = s->models->of[0];
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

	say_failure(out);
	if (remark && !failed)
		talk("%s", remark);
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
