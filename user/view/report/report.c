// SPDX-License-Identifier: GPL-2.0-only
/* The view itself: gives every step to all who keep something of it, and writes the page when the run is over. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib/tr.h"
#include "report.h"

static int report_open(struct view *v)
{
	struct report *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	v->priv = r;
	r->names.anonymous = v->cfg.anonymous;
	err = connrows_init(&r->conns);
	if (!err)
		err = ladders_init(&r->ladders);
	if (!err)
		err = steps_init(&r->steps);
	r->ladders.follow.picks_all = v->cfg.picks ? v->cfg.picks_all : 0;
	return err;
}

static void report_event(struct view *v, const struct model_event *ev)
{
	struct report *r = v->priv;
	enum wanted wanted = wanted_event(&r->wanted, v, ev);

	if (!r->from_ns)
		r->from_ns = ev->rec->t_ns;
	if (wanted == WANTED)
		graphs_event(&r->graphs, ev, r->from_ns);
	if (wanted) {
		connrows_event(&r->conns, ev, wanted);
		steps_event(&r->steps, ev, wanted);
	}
	ladders_event(&r->ladders, &r->conns, ev, wanted == WANTED ? v->cfg.picks_all : 0);
}

static void report_tick(struct view *v, const struct model *m, uint64_t now_ns)
{
	struct report *r = v->priv;

	(void)m;
	ladders_tick(&r->ladders, &r->conns, now_ns);
}

static void report_finish(struct view *v)
{
	struct report *r = v->priv;

	ladders_finish(&r->ladders, &r->conns);
}

/* ---- findings: what they point to does not outlive the call ---- */

static char *name_addr(void *names, char *p, const uint8_t addr[16])
{
	return names_addr(names, p, addr);
}

static char *name_endpoint(void *names, char *p, const uint8_t addr[16], uint16_t port)
{
	return names_endpoint(names, p, addr, port);
}

/* With hosts as the page names them; empty where the finding has no such part. */
static char *finding_html(struct view *v, const struct finding *f, enum finding_part part)
{
	struct report *r = v->priv;
	const struct finding_names names = { &r->names, name_addr, name_endpoint };
	struct out text, html;
	char *copy = NULL;

	if (out_open(&text, -1))
		return NULL;
	if (!out_open(&html, -1)) {
		finding_text(v, &text, f, part, &names);
		out_markup(&html, text.buf, text.len);
		copy = strndup(html.buf, html.len);
		html.len = 0;		/* buffers only: there is nowhere to write them */
		out_close(&html);
	}
	text.len = 0;
	out_close(&text);
	return copy;
}

static void verdict_free(struct verdict *one)
{
	for (unsigned int part = 0; part < FINDING_PART_MAX; part++)
		free(one->part[part]);
}

static void report_finding(struct view *v, const struct finding *f)
{
	struct report *r = v->priv;
	struct verdict *one = &r->verdicts[r->nverdicts];
	bool whole = true;

	if (r->nverdicts == REPORT_VERDICTS) {
		r->verdicts_left++;
		return;
	}
	one->listener = f->listener ? f->listener->id : 0;
	for (unsigned int part = 0; part < FINDING_PART_MAX; part++) {
		one->part[part] = finding_html(v, f, part);
		whole &= one->part[part] != NULL;
	}
	if (whole)
		r->nverdicts++;
	else
		verdict_free(one);
}

/* ---- the end ---- */

static void report_listener(struct view *v, const struct model *m, const struct listener *l)
{
	struct report *r = v->priv;
	unsigned int size = r->cards_size ? 2 * r->cards_size : 64;
	struct card *bigger;

	r->model = m;
	if (r->ncards == r->cards_size) {
		bigger = realloc(r->cards, size * sizeof(*bigger));
		if (!bigger)
			return;
		r->cards = bigger;
		r->cards_size = size;
	}
	r->cards[r->ncards++] = (struct card){ .l = l };
}

static void report_ledger(struct view *v, uint32_t netns, const char *counter, uint64_t kernel, uint64_t counted)
{
	struct report *r = v->priv;

	if (r->nledger < REPORT_COUNTERS)
		r->ledger[r->nledger++] = (struct ledger_row){ netns, counter, kernel, counted };
}

static void report_end(struct view *v, const struct view_end *end)
{
	struct report *r = v->priv;

	r->model = end->model;
	r->to_ns = end->totals->last_ns;
	if (!r->from_ns)
		r->from_ns = end->totals->first_ns ? end->totals->first_ns : v->cfg.start_ns;
	if (r->to_ns < r->from_ns)
		r->to_ns = r->from_ns;
	if (report_choose(v))
		v->failed = _("report: no memory to choose what is shown");
	else
		report_page(v, end);
}

static int report_close(struct view *v)
{
	struct report *r = v->priv;

	if (!r)
		return 0;
	graphs_free(&r->graphs);
	connrows_free(&r->conns);
	ladders_free(&r->ladders);
	steps_free(&r->steps);
	pairs_free(&r->pairs);
	names_free(&r->names);
	for (unsigned int i = 0; i < r->nverdicts; i++)
		verdict_free(&r->verdicts[i]);
	free(r->cards);
	free(r->chosen);
	free(r);
	v->priv = NULL;
	return 0;
}

const struct view_ops view_report = {
	.name = "report",
	.help = N_("a page for a browser: verdict, queues over time, connections, replay"),
	.file = VIEW_WHOLE,
	.both_ends = true,
	.open = report_open,
	.event = report_event,
	.tick = report_tick,
	.finish = report_finish,
	.finding = report_finding,
	.listener = report_listener,
	.ledger = report_ledger,
	.end = report_end,
	.close = report_close,
};
