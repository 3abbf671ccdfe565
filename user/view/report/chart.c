// SPDX-License-Identifier: GPL-2.0-only
/*
 * The charts of a card. They are drawn in a box of WIDTH x HEIGHT units that the page
 * stretches to its own width, so all text is beside the drawing and not in it, and
 * page.js zooms by moving the box. All charts have the same time from left to right.
 */
#include <string.h>

#include "report.h"

#define WIDTH	100000u
#define HEIGHT	1000u
#define TICKS	4u			/* of the time axis, and the one at 0 */

static uint64_t x_of(const struct report *r, uint64_t t_ns)
{
	uint64_t span = r->to_ns > r->from_ns ? r->to_ns - r->from_ns : 1;

	if (t_ns <= r->from_ns)
		return 0;
	return t_ns >= r->to_ns ? WIDTH : (uint64_t)((double)(t_ns - r->from_ns) * WIDTH / (double)span);
}

static uint64_t y_of(uint64_t value, uint64_t top)
{
	return value >= top ? 0 : HEIGHT - value * HEIGHT / top;
}

static void put_xy(struct out *o, char command, uint64_t n)
{
	out_char(o, command);
	out_u64(o, n);
}

static void begin_path(struct out *o, const char *class)
{
	out_str(o, "<path class=\"");
	out_str(o, class);
	out_str(o, "\" vector-effect=\"non-scaling-stroke\" d=\"");
}

/* ---- lengths ---- */

static uint32_t peak_of(const struct series *s)
{
	uint32_t peak = 0;

	for (uint32_t i = 0; i < s->n; i++)
		peak = s->points[i].max > peak ? s->points[i].max : peak;
	return peak;
}

/* A limit far above all that was there would leave nothing to see of it. */
static uint64_t top_of(uint32_t peak, const struct series *limit)
{
	uint64_t top = peak > 0 ? peak : 1;

	for (uint32_t i = 0; i < limit->n; i++) {
		if (limit->points[i].max > top && limit->points[i].max <= 4ull * (peak > 0 ? peak : 1))
			top = limit->points[i].max;
	}
	return top;
}

/* Filled steps; where several changes are one point, all of what was between goes up and down there. */
static void put_steps(struct view *v, const struct series *s, uint64_t top)
{
	struct report *r = v->priv;
	struct out *o = v->out;

	begin_path(o, "steps");
	for (uint32_t i = 0; i < s->n; i++) {
		const struct point *p = &s->points[i];
		uint64_t x = x_of(r, p->t_ns);

		if (!i) {
			put_xy(o, 'M', x);
			put_xy(o, ' ', HEIGHT);
		} else {
			put_xy(o, 'H', x);
		}
		if (p->max > p->last)
			put_xy(o, 'V', y_of(p->max, top));
		if (p->min < p->last && p->max != p->min)
			put_xy(o, 'V', y_of(p->min, top));
		put_xy(o, 'V', y_of(p->last, top));
	}
	if (s->n) {
		put_xy(o, 'H', WIDTH);
		put_xy(o, 'V', HEIGHT);
	}
	out_str(o, "\"/>");
}

static void put_peaks(struct view *v, const struct series *s, uint32_t peak, uint64_t top)
{
	unsigned int dots = 0;

	if (!peak)
		return;
	begin_path(v->out, "peak");
	for (uint32_t i = 0; i < s->n && dots < 10; i++) {
		if (s->points[i].max != peak)
			continue;
		put_xy(v->out, 'M', x_of(v->priv, s->points[i].t_ns));
		put_xy(v->out, ' ', y_of(peak, top));
		out_str(v->out, "h1");
		dots++;
	}
	out_str(v->out, "\"/>");
}

/* As listen() set it, from one call to the next; what is above the drawing is not in it. */
static void put_limit(struct view *v, const struct series *s, uint64_t top)
{
	struct out *o = v->out;
	bool drawn = false;

	begin_path(o, "limit");
	for (uint32_t i = 0; i < s->n; i++) {
		uint64_t x = i ? x_of(v->priv, s->points[i].t_ns) : 0, y = y_of(s->points[i].last, top);

		if (drawn)
			put_xy(o, 'H', x);
		if (s->points[i].last <= top && drawn) {
			put_xy(o, 'V', y);
		} else if (s->points[i].last <= top) {
			put_xy(o, 'M', x);
			put_xy(o, ' ', y);
		}
		drawn = s->points[i].last <= top;
	}
	if (drawn)
		put_xy(o, 'H', WIDTH);
	out_str(o, "\"/>");
}

static void put_refusals(struct view *v, const struct graph *g)
{
	const struct report *r = v->priv;
	bool any = false;

	for (unsigned int i = 0; i < BINS; i++) {
		if (!g->bins[i].refused)
			continue;
		if (!any)
			begin_path(v->out, "refusal");
		put_xy(v->out, 'M', x_of(r, r->from_ns + i * g->bin_ns));
		out_str(v->out, " 0v80");
		any = true;
	}
	out_str(v->out, any ? "\"/>" : "");
}

static void begin_chart(struct view *v, const char *class, const char *title, uint32_t id)
{
	struct out *o = v->out;

	out_str(o, "<figure class=\"chart ");
	out_str(o, class);
	out_str(o, "\" data-listener=\"");
	out_u64(o, id);
	out_str(o, "\"><figcaption><span>");
	html_text(o, title);
	out_str(o, "</span>");
}

/* A drawing has the width of the column and a height of its own, whatever its units are. */
static void begin_drawing(struct view *v, const char *title, uint64_t top)
{
	struct out *o = v->out;

	out_str(o, "</figcaption><div class=\"plot\"><span class=\"top\">");
	html_number(o, top);
	out_str(o, "</span><svg viewBox=\"0 -60 100000 1060\" preserveAspectRatio=\"none\" role=\"img\"><title>");
	html_text(o, title);
	out_str(o, "</title><desc>");
}

static void end_chart(struct out *o)
{
	out_str(o, "</svg></div></figure>\n");
}

static void put_key(struct out *o, const char *class, const char *label)
{
	out_str(o, " <span class=\"key ");
	out_str(o, class);
	out_str(o, "\">");
	html_text(o, label);
	out_str(o, "</span>");
}

static void put_limit_key(struct out *o, const struct listener *l, uint64_t top)
{
	out_str(o, " <span class=\"key limit\">");
	if (limits_differ(&l->limits))
		html_with_numbers(o, N_("limit {1} to {2}"), l->limits.low, l->limits.high);
	else
		html_with_numbers(o, l->limit > top ? N_("limit {1}, far above") : N_("limit {1}"), l->limit);
	out_str(o, "</span>");
}

static void put_keys(struct out *o, const struct card *c, uint64_t top, bool refusals)
{
	if (c->l->limit_known)
		put_limit_key(o, c->l, top);
	put_key(o, "peak", N_("peak"));
	if (refusals && c->refused)
		put_key(o, "refusal", N_("refused"));
}

void chart_queue(struct view *v, const struct card *c, enum chart_queue which)
{
	const struct series *s = which == CHART_ACCEPTQ ? &c->graph->acceptq : &c->graph->synq;
	const char *title = which == CHART_ACCEPTQ ? N_("Accept queue") : N_("SYN queue");
	uint32_t peak = peak_of(s);
	uint64_t top = top_of(peak, &c->graph->limit);
	struct out *o = v->out;

	begin_chart(v, which == CHART_ACCEPTQ ? "acceptq" : "synq", title, c->l->id);
	put_keys(o, c, top, which == CHART_ACCEPTQ);
	begin_drawing(v, title, top);
	html_with_numbers(o, N_("Its length over time: at most {1}."), peak);
	if (c->l->limit_known) {
		out_char(o, ' ');
		html_with_numbers(o, limits_differ(&c->l->limits) ? N_("Its limit: {1} to {2}.") : N_("Its limit: {1}."),
				  c->l->limits.low, c->l->limits.high);
	}
	out_str(o, "</desc>");
	put_steps(v, s, top);
	put_limit(v, &c->graph->limit, top);
	if (which == CHART_ACCEPTQ)
		put_refusals(v, c->graph);
	put_peaks(v, s, peak, top);
	end_chart(o);
}

/* ---- counts by interval ---- */

#define BARS	60u

struct bars {
	unsigned int n, each;		/* bars, and bins in each */
	struct bin bar[BINS];
	uint64_t most;
};

static void add(struct bin *to, const struct bin *b)
{
	to->entered += b->entered;
	to->accepted += b->accepted;
	to->refused += b->refused;
}

static void gather(struct bars *b, const struct report *r, const struct graph *g)
{
	uint64_t used = (r->to_ns - r->from_ns) / g->bin_ns + 1;
	unsigned int i;

	memset(b, 0, sizeof(*b));
	used = used < BINS ? used : BINS;
	b->each = (unsigned int)(used + BARS - 1) / BARS;
	b->n = (unsigned int)(used + b->each - 1) / b->each;
	for (i = 0; i < used; i++)
		add(&b->bar[i / b->each], &g->bins[i]);
	for (i = 0; i < b->n; i++) {
		const struct bin *one = &b->bar[i];

		b->most = one->entered > b->most ? one->entered : b->most;
		b->most = one->accepted > b->most ? one->accepted : b->most;
		b->most = one->refused > b->most ? one->refused : b->most;
	}
}

static uint32_t part_of(const struct bin *b, unsigned int part)
{
	return part == 0 ? b->entered : part == 1 ? b->accepted : b->refused;
}

/* Three bars side by side in each interval. */
static void put_bars(struct view *v, const struct bars *b, const struct graph *g, unsigned int part, const char *class)
{
	const struct report *r = v->priv;
	struct out *o = v->out;

	begin_path(o, class);
	for (unsigned int i = 0; i < b->n; i++) {
		uint64_t from = r->from_ns + (uint64_t)i * b->each * g->bin_ns, x = x_of(r, from);
		uint64_t width = x_of(r, from + b->each * g->bin_ns) - x;
		uint64_t n = part_of(&b->bar[i], part);

		if (!n)
			continue;
		put_xy(o, 'M', x + width * (2 + 2 * part) / 10);
		put_xy(o, ' ', HEIGHT);
		put_xy(o, 'V', y_of(n, b->most));
		put_xy(o, 'h', width * 2 / 10);
		put_xy(o, 'V', HEIGHT);
		out_char(o, 'z');
	}
	out_str(o, "\"/>");
}

void chart_bins(struct view *v, const struct card *c)
{
	struct report *r = v->priv;
	struct out *o = v->out;
	struct bars b;

	gather(&b, r, c->graph);
	begin_chart(v, "counts", N_("Connections by interval"), c->l->id);
	put_key(o, "entered", N_("entered the accept queue"));
	put_key(o, "accepted", N_("accepted"));
	put_key(o, "refused", N_("refused"));
	begin_drawing(v, N_("Connections by interval"), b.most ? b.most : 1);
	html_with_numbers(o, N_("At most {1} in one of {2} intervals."), b.most, b.n);
	out_str(o, "</desc>");
	put_bars(v, &b, c->graph, 0, "entered");
	put_bars(v, &b, c->graph, 1, "accepted");
	put_bars(v, &b, c->graph, 2, "refused");
	end_chart(o);
}

void chart_axis(struct view *v)
{
	const struct report *r = v->priv;
	struct out *o = v->out;

	out_str(o, "<p class=\"axis\">");
	for (unsigned int i = 0; i <= TICKS; i++) {
		out_str(o, "<span>");
		if (i)
			html_duration(o, (r->to_ns - r->from_ns) / TICKS * i);
		else
			out_char(o, '0');
		out_str(o, "</span>");
	}
	out_str(o, "</p>\n");
}
