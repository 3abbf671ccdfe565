// SPDX-License-Identifier: GPL-2.0-only
/*
 * The first screen: a row for each listener.
 *
 * tcptrace top  1s  00:03:12  listeners 3/14  1,204 conn/s  0 lost  host db3  6.12.9
 * ! *:8080: the accept queue of python3[4242] is too short: it holds 129, 300 clients wanted in before it was
 *  LOCAL        ACCEPTQ              PEAK    SYNQ NEW/s ACC/s REF/s  P99ms COMM
 * !*:8080       ██████████ 129/128    129   3/128 1,204   310   894  2,724 python3
 * ~[::]:443     ████████░░ 410/511    427   1/511   210   209     0     12 nginx
 *  *:22         ░░░░░░░░░░   0/128      1   0/128     0     0     0   0.10 sshd
 */
#include <stdio.h>
#include <string.h>

#include "../../lib/clock.h"
#include "../../lib/tr.h"
#include "../../lib/wrap.h"
#include "../hosts.h"
#include "top.h"

#define FINDINGS_EVERY	(3 * SECOND / 2)	/* anew in each interval of two seconds, though a timer is early */
#define WIDE_HEADER	80u
#define WIDE_SCREEN	100u
#define LOCAL_MAX	21u		/* unless asked for whole addresses */
#define LOCAL_SHORT	16u
#define HOST_MAX	40u
#define ORIGIN_MAX	255u

/* ---- findings ---- */

static void keep_finding(void *ctx, const struct finding *f)
{
	struct top *t = ctx;
	struct top_findings *all = &t->findings;
	struct out text;
	size_t n;

	if (all->n == TOP_FINDINGS)
		return;
	if (out_open(&text, -1))
		return;
	text.ascii = !t->v->cfg.utf8;
	if (t->v->cfg.hosts) {
		out_safe(&text, host_word(t->v->cfg.hosts, t->v->host), HOST_MAX);
		out_mem(&text, ": ", 2);
	}
	finding_text(t->v, &text, f, FINDING_CAUSE, NULL);
	n = text.len < TOP_FINDING_TEXT - 1 ? text.len : TOP_FINDING_TEXT - 1;	/* no sentence is that long */
	while (n < text.len && ((unsigned char)text.buf[n] & 0xc0) == 0x80)	/* whole characters */
		n--;
	memcpy(all->one[all->n].text, text.buf, n);
	all->one[all->n].text[n] = 0;
	all->one[all->n++].listener = f->listener ? f->listener->id : 0;
	text.len = 0;
	out_close(&text);
}

static bool picks(void *ctx, const struct finding *f)
{
	const struct view_config *cfg = &((struct top *)ctx)->v->cfg;

	return !cfg->picks_finding || cfg->picks_finding(cfg->picks_ctx, f);
}

void top_findings_look(struct top *t, uint64_t now_ns)
{
	if (t->findings.made_ns && now_ns < t->findings.made_ns + FINDINGS_EVERY)
		return;
	t->findings.made_ns = now_ns;
	t->findings.n = 0;
	for (unsigned int i = 0; i < t->nmodels; i++) {
		t->v->host = (uint8_t)i;
		findings(t->models[i], t->v->cfg.machine, picks, keep_finding, t);
	}
}

/* In so many lines; what does not fit is said to be left out. */
static void put_finding(struct top *t, const char *finding, unsigned int lines)
{
	char text[TOP_FINDING_TEXT + 4], *s = text;
	unsigned int columns = t->page.columns;
	size_t n;

	snprintf(text, sizeof(text), "! %s", finding);
	for (unsigned int i = 0; i < lines && *s; i++) {
		struct out *o = page_line(&t->page);

		n = columns && i + 1 < lines ? text_fits(s, i ? 2 : 0, columns) : strlen(s);
		out_spaces(o, i ? 2 : 0);
		out_mem(o, s, n);
		page_shorten(&t->page, t->v->cfg.utf8 ? "…" : "...");
		page_line_end(&t->page, i ? LOOK_PLAIN : LOOK_BAD, 1);
		s += n + strspn(s + n, " ");
	}
}

/* One line each, the costliest first; more than there is room for take turns. A single one has all their lines. */
void top_put_findings(struct top *t, unsigned int max)
{
	const struct top_findings *all = &t->findings;
	unsigned int from = all->n > max ? t->rotated * max % all->n : 0;

	for (unsigned int i = 0; i < max && i < all->n; i++)
		put_finding(t, all->one[(from + i) % all->n].text, all->n == 1 ? max : 1);
}

/* ---- the header: what matters most comes first, as a narrow screen cuts it ---- */

static void put_span(struct out *o, uint64_t ns)
{
	uint64_t s = ns / SECOND;

	if (s < 100 * 3600)
		out_digits(o, s / 3600, 2);
	else
		out_u64(o, s / 3600);
	out_char(o, ':');
	out_digits(o, s / 60 % 60, 2);
	out_char(o, ':');
	out_digits(o, s % 60, 2);
}

/* "1s", "0.2s" */
static void put_interval(struct out *o, uint64_t ns)
{
	out_u64(o, ns / SECOND);
	if (ns % SECOND) {
		out_char(o, '.');
		out_u64(o, ns / (SECOND / 10) % 10);
	}
	out_char(o, 's');
}

/* Where it has room whole: half a name, or half a version, is another one. */
static bool put_fitting(struct top *t, struct out *o, const char *lead, const char *name, size_t max)
{
	size_t from = o->len;
	bool fits;

	out_str(o, lead);
	out_safe(o, name, max);
	out_char(o, 0);
	fits = !t->page.columns || text_columns(o->buf + t->page.from) <= t->page.columns;
	o->len = fits ? o->len - 1 : from;
	return fits;
}

/* Whose listeners these are: the machine, or the recording. */
static void put_origin(struct top *t, struct out *o)
{
	const struct view_about *about = t->v->cfg.about;
	const char *file = about ? about->recording : NULL, *slash = file ? strrchr(file, '/') : NULL;
	bool fits = true;

	if (t->v->cfg.hosts) {
		for (unsigned int i = 0; i < t->nmodels && fits; i++)
			fits = put_fitting(t, o, i ? " " : "  ", host_word(t->v->cfg.hosts, i), HOST_MAX);
		return;
	}
	if (file)
		fits = put_fitting(t, o, "  ", slash ? slash + 1 : file, ORIGIN_MAX);
	else if (about && about->host)
		fits = put_fitting(t, o, _("  host "), about->host, ORIGIN_MAX);
	if (fits && about && about->kernel && about->kernel[0])
		put_fitting(t, o, "  ", about->kernel, ORIGIN_MAX);
}

static unsigned int shown(const struct top *t)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < t->rows.nshown; i++)
		n += t->rows.row[i].members;
	return n;
}

void top_put_header(struct top *t, const char *state)
{
	struct out *o = page_line(&t->page);
	char text[CELL_MAX];
	uint64_t lost = 0;

	for (unsigned int i = 0; i < t->nmodels; i++)
		lost += model_totals(t->models[i])->lost_total;
	o->ascii = !t->v->cfg.utf8;
	out_str(o, t->page.columns && t->page.columns < WIDE_HEADER ? "top" : "tcptrace top");
	if (state) {
		out_str(o, "  ");
		out_str(o, state);
	}
	out_str(o, "  ");
	put_interval(o, t->interval_ns);
	out_str(o, "  ");
	put_span(o, t->begun_ns && t->rows.looked_ns > t->begun_ns ? t->rows.looked_ns - t->begun_ns : 0);
	out_str(o, _("  listeners "));
	out_u64(o, shown(t));
	out_char(o, '/');
	out_u64(o, t->rows.open);
	out_str(o, "  ");
	cell_value(text, TOP_IS_RATE, t->rows.rate, t->rows.interval_ns);
	out_str(o, text);
	out_str(o, _(" conn/s  "));
	cell_number(text, lost);
	out_str(o, text);
	out_str(o, _(" lost"));
	put_origin(t, o);
	page_line_end(&t->page, lost ? LOOK_BAD : LOOK_BOLD, ~0u);
}

/* ---- the table ---- */

unsigned int top_local_max(const struct top *t)
{
	return t->wide ? 0 : t->page.columns && t->page.columns < WIDE_SCREEN ? LOCAL_SHORT : LOCAL_MAX;
}

static bool at_left(enum top_column c)
{
	return top_columns[c].kind == TOP_IS_ADDRESS || top_columns[c].kind == TOP_IS_NAME;
}

static void put_padded(struct out *o, const char *text, unsigned int width, bool left)
{
	unsigned int n = text_columns(text);

	out_spaces(o, !left && n < width ? width - n : 0);
	out_str(o, text);
	out_spaces(o, left && n < width ? width - n : 0);
}

void top_put_titles(struct top *t)
{
	const struct top_layout *d = &t->layout;
	struct out *o = page_line(&t->page);

	for (unsigned int i = 0; i < d->n; i++) {
		enum top_column c = d->shown[i];
		bool bar = c == TOP_ACCEPTQ && d->bar;

		out_char(o, ' ');
		put_padded(o, top_columns[c].title, d->width[c] + (bar ? d->bar + 1 : 0), at_left(c) || bar);
	}
	page_line_end(&t->page, LOOK_BOLD, ~0u);
}

static void put_bar(struct top *t, struct out *o, const struct top_row *r)
{
	static const struct top_glyphs utf8 = { "█", "░" }, ascii = { "#", "." };
	uint64_t n = r->value[TOP_ACCEPTQ].known ? r->value[TOP_ACCEPTQ].n : 0;
	char bar[CELL_MAX];

	if (r->limit_known && r->value[TOP_ACCEPTQ].known)
		*cell_bar(bar, t->v->cfg.utf8 ? &utf8 : &ascii, n, r->limit, t->layout.bar) = 0;
	else
		snprintf(bar, sizeof(bar), "%*s", (int)t->layout.bar, "");
	out_str(o, bar);
	out_char(o, ' ');
}

void top_put_row(struct top *t, const struct top_row *r, bool selected)
{
	static const char marks[] = { [TOP_IDLE] = ' ', [TOP_BUSY] = ' ', [TOP_NEAR] = '~', [TOP_TROUBLE] = '!' };
	static const enum look looks[] = { [TOP_NEAR] = LOOK_NEAR, [TOP_TROUBLE] = LOOK_BAD };
	const struct top_layout *d = &t->layout;
	struct out *o = page_line(&t->page);
	char cell[CELL_MAX];

	for (unsigned int i = 0; i < d->n; i++) {
		enum top_column c = d->shown[i];

		out_char(o, i ? ' ' : marks[r->mark]);
		if (c == TOP_ACCEPTQ && d->bar)
			put_bar(t, o, r);
		cell_text(cell, r, c, top_local_max(t), !t->v->cfg.utf8);
		put_padded(o, cell, d->width[c], at_left(c));
	}
	page_line_end(&t->page, selected ? LOOK_SELECTED : r->mark < TOP_NEAR ? LOOK_PLAIN : looks[r->mark],
		      selected ? ~0u : 1);
}
