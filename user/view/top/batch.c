// SPDX-License-Identifier: GPL-2.0-only
/* Without a screen: the table at each interval, or (-j, --csv) an object or a line for each listener. */
#include "../members.h"
#include "top.h"

static void put_interval(struct members *m, const struct top_row *r)
{
	static const struct { const char *key; enum top_column column; } keys[] = {
		{ "new", TOP_NEW }, { "accepted", TOP_ACC }, { "refused", TOP_REF }, { "cookies", TOP_COOKIES },
		{ "expired", TOP_EXPIRED }, { "full_ns", TOP_FULL }, { "synq_peak", TOP_SYNQ },
		{ "acceptq_peak", TOP_ACCEPTQ },
	};

	member_into(m, "interval", true);
	member_u64(m, "ns", true, r->interval_ns);
	for (unsigned int i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		member_u64(m, keys[i].key, r->value[keys[i].column].known, r->value[keys[i].column].n);
	member_out(m);
}

static void put_line(struct top *t, struct members *m, const struct listener *l, const struct top_row *r)
{
	struct view_clock clock = { .len = 0 };

	t->v->host = r->host;
	listener_host(m, t->v);
	member_u64(m, "t_ns", true, t->rows.looked_ns);
	member_time(m, "time", true, &clock, (int64_t)t->rows.looked_ns + t->v->cfg.wall_offset_ns);
	put_interval(m, r);
	listener_all(m, t->models[r->host], l);
	members_end(m);
}

void top_header(struct top *t)
{
	static const struct top_row none;
	struct members m;

	if (!t->v->cfg.csv || t->v->cfg.no_header || t->v->shown)
		return;
	members_header(&m, t->v->out);
	put_line(t, &m, &listener_none, &none);
}

/* The rows are in the order of the model's listeners, those left out that are closed or not asked for. */
static void put_lines(struct top *t)
{
	const struct listener *l;
	unsigned int at = 0;
	struct members m;

	top_header(t);
	for (unsigned int host = 0; host < t->nmodels; host++) {
		for (uint32_t i = 0; at < t->rows.n && (l = model_listener(t->models[host], i)); i++) {
			const struct top_row *r = &t->rows.row[at];

			if (r->id != l->id)
				continue;
			at++;
			if (!r->shown)
				continue;
			members_begin(&m, t->v->out, t->v->cfg.json, "top");
			put_line(t, &m, l, r);
		}
	}
}

static void put_table(struct top *t, uint64_t now_ns)
{
	page_clear(&t->page, t->v->cfg.columns);
	if (!t->v->cfg.no_header) {
		top_findings_look(t, now_ns);
		top_put_header(t, NULL);
		top_put_findings(t, 2);
	}
	for (unsigned int i = 0; i < t->rows.nshown; i++)
		layout_grow(&t->layout, &t->rows.row[i], top_local_max(t));
	layout_choose(&t->layout, t->v->cfg.columns, 0);
	if (!t->v->cfg.no_header)
		top_put_titles(t);
	for (unsigned int i = 0; i < t->rows.nshown; i++) {
		top_put_row(t, &t->rows.row[i], false);
		if (t->page.n < PAGE_LINES - 1)
			continue;
		page_print(&t->page, t->v->out);
		page_clear(&t->page, t->v->cfg.columns);
	}
	if (!t->v->cfg.no_header)
		page_str(&t->page, "", LOOK_PLAIN);
	page_print(&t->page, t->v->out);
}

void top_batch(struct top *t, uint64_t now_ns)
{
	top_look(t, now_ns);
	if (t->v->cfg.json || t->v->cfg.csv)
		put_lines(t);
	else
		put_table(t, now_ns);
	t->v->shown++;
}
