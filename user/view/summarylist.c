// SPDX-License-Identifier: GPL-2.0-only
/*
 * All listeners of a run for people: those with trouble first, then the busy ones, a block each. What says little is
 * folded, so that the end of a run on a host with hundreds of them can be read. JSON has each of them whole.
 *
 *   nothing seen at:
 *     0.0.0.0:22  sshd[312]  backlog 128  LISTEN
 *     and 40 more
 *
 * 268 more, open: in 1020  accepted 1020  refused 0
 * 300 more, closed: in 300  accepted 300  refused 0
 */
#include <stdlib.h>

#include "../lib/tr.h"
#include "summary.h"

#define BLOCKS	24		/* that are written, */
#define CLOSED	4		/* and with so many already, none of what is over and had no trouble */
#define TITLES	16		/* of listeners at which nothing was seen */

static uint64_t trouble_of(const struct listener *l)
{
	return listener_refused(l) + l->causes[TCPTRACE_SYNQ_EXPIRED] + l->causes[TCPTRACE_ACCEPTQ_CLOSED] +
	       l->cookies_sent + l->accept_errors + l->ghosts;
}

static bool anything_seen(const struct model *m, const struct listener *l)
{
	if (summary_unwatched(m))	/* by the way the length of a queue */
		return trouble_of(l) || l->drops_unseen;
	return trouble_of(l) || l->established || l->accepted || l->acceptq.peak || l->synq.peak || l->drops_unseen ||
	       l->cookies_ok || l->cookies_bad;
}

static int descending(uint64_t a, uint64_t b)
{
	return a == b ? 0 : a > b ? -1 : 1;
}

static int by_trouble(const void *a, const void *b)
{
	const struct listener *x = *(const struct listener *const *)a, *y = *(const struct listener *const *)b;
	int order = descending(trouble_of(x), trouble_of(y));

	if (!order)
		order = descending(x->acceptq.now, y->acceptq.now);
	if (!order)
		order = descending(x->open, y->open);
	if (!order)
		order = descending(x->established, y->established);
	return order ? order : x->id < y->id ? -1 : 1;
}

/* What is folded: listeners that are open, or those that are not. */
struct fold {
	uint64_t n, in, accepted, refused;
	enum known in_known, accepted_known, refused_known;	/* of all of them */
};

static void known_of(enum known *all, const struct model *m, const struct listener *l, enum figure f)
{
	enum known one = figure_known(m, l, f);

	*all = one < *all ? one : *all;
}

static void fold(struct fold *f, const struct model *m, const struct listener *l)
{
	if (!f->n)
		f->in_known = f->accepted_known = f->refused_known = KNOWN_EXACTLY;
	f->n++;
	f->in += l->established;
	f->accepted += l->accepted;
	f->refused += listener_refused(l);
	known_of(&f->in_known, m, l, FIGURE_ESTABLISHED);
	known_of(&f->accepted_known, m, l, FIGURE_ACCEPTED);
	known_of(&f->refused_known, m, l, FIGURE_REFUSED);
}

static void put_fold(struct view *v, const struct fold *f, const char *what)
{
	struct out *o = v->out;

	if (!f->n)
		return;
	out_line_end(o);
	summary_with(o, what, f->n);
	summary_figure(o, N_("in"), f->in_known, f->in);
	summary_figure(o, N_("accepted"), f->accepted_known, f->accepted);
	summary_figure(o, N_("refused"), f->refused_known, f->refused);
	summary_line_end(v, 2);
}

/* False: one refused something, or may have. */
static bool none_refused(const struct model *m, const struct listener *const *all, uint32_t n, enum known *known)
{
	uint64_t sum = 0;

	*known = model_seen(m, TCPTRACE_DROP) && !model_totals(m)->lost_total ? KNOWN_EXACTLY : KNOWN_NOT;
	for (uint32_t i = 0; i < n; i++) {
		sum += listener_refused(all[i]) + all[i]->drops_unseen;
		known_of(known, m, all[i], FIGURE_REFUSED);
	}
	return !sum;
}

/*
 * -x, where all went well: what was watched, and what was not.
 *
 *   None of 3 listeners refused anything (4.0 s)
 *   Not watched: who came in, who waited, who was accepted; -q shows that.
 */
static void put_unwatched(struct view *v, const struct model *m, const struct listener *const *all, uint32_t n)
{
	const struct model_totals *t = model_totals(m);
	struct out *o = v->out;
	enum known known;

	out_line_end(o);
	if (none_refused(m, all, n, &known)) {
		out_mem(o, "  ", 2);
		if (known != KNOWN_EXACTLY)
			out_str(o, _("Whether a listener refused anything is not known."));
		else if (n)
			summary_with(o, n > 1 ? N_("None of {1} listeners refused anything") : N_("The listener refused nothing"), n);
		else
			out_str(o, _("No listener was seen"));
		if (known == KNOWN_EXACTLY) {
			out_str(o, " (");
			out_seconds(o, t->last_ns - t->first_ns);
			out_char(o, ')');
		}
		out_line_end(o);
	}
	out_mem(o, "  ", 2);
	out_str(o, _("Not watched: who came in, who waited, who was accepted; -q shows that."));
	summary_line_end(v, 2);
}

static void put_silent(struct view *v, const struct model *m, const struct listener *const *all, uint32_t n)
{
	struct out *o = v->out;
	uint32_t titles = 0, more = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (anything_seen(m, all[i]))
			continue;
		if (titles == TITLES || !all[i]->open) {
			more++;
			continue;
		}
		if (!titles++) {
			out_line_end(o);
			out_str(o, _("  nothing seen at:"));
			out_line_end(o);
		}
		out_mem(o, "    ", 4);
		summary_title(v, all[i], false);
	}
	if (!more)
		return;
	if (!titles)
		out_line_end(o);
	summary_with(o, titles ? N_("    and {1} more") : N_("  nothing seen at closed listeners: {1}"), more);
	out_line_end(o);
}

/* All n of them, to be freed by the caller; NULL: no memory. */
static const struct listener **sorted(const struct view *v, const struct model *m, uint32_t *n)
{
	const struct listener **all, *l;
	uint32_t i;

	for (i = 0; model_listener(m, i); i++)
		;
	all = calloc(i + 1ul, sizeof(*all));
	*n = 0;
	for (i = 0; all && (l = model_listener(m, i)); i++) {
		if (!v->cfg.picks_listener || v->cfg.picks_listener(v->cfg.picks_ctx, l))
			all[(*n)++] = l;
	}
	if (all)
		qsort(all, *n, sizeof(*all), by_trouble);
	return all;
}

void summary_listeners(struct view *v, const struct model *m)
{
	struct fold open = { 0 }, closed = { 0 };
	uint32_t n, blocks = 0;
	const struct listener **all = sorted(v, m, &n);

	for (uint32_t i = 0; all && i < n; i++) {
		uint32_t room = all[i]->open || trouble_of(all[i]) ? BLOCKS : CLOSED;

		if (!anything_seen(m, all[i]))
			continue;
		if (blocks < room) {
			summary_listener(v, m, all[i]);
			blocks++;
		} else {
			fold(all[i]->open ? &open : &closed, m, all[i]);
		}
	}
	put_fold(v, &open, N_("{1} more, open:"));
	put_fold(v, &closed, N_("{1} more, closed:"));
	if (all && summary_unwatched(m))
		put_unwatched(v, m, all, n);
	else if (all)
		put_silent(v, m, all, n);
	free(all);
}
