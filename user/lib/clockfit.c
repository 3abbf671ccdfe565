// SPDX-License-Identifier: GPL-2.0-only
/*
 * First one offset for all; where the spans do not allow that, or the run is long, a line: an offset that grows (the
 * hulls of Moon, Skelly and Towsley); where no line passes through all, several, one after the other. Spans that are
 * not sure may be of two connections: what most of them have in common throws those out (Marzullo).
 */
#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "clockfit.h"

#define LONG_RUN	(60 * SECOND)		/* a crystal's drift is worth looking for */
#define SLOPE_MAX	1e-3			/* what drifts more was set */
#define STEPS		100			/* of a search for a slope: 2^-100 or 0.66^100 of SLOPE_MAX is left */
#define FAR		(INT64_MAX / 4)		/* no real difference of two clocks; sums of two do not overflow */
#define GUESSES		400u

/* A part of the spans, with numbers small enough to be exact as a double: relative to the first span's. */
struct part {
	const struct clock_span *spans;
	size_t n;
	uint64_t zero;
	int64_t base;
	struct dot { double t, v; } *above, *below;	/* hulls: what is above them, what below */
	size_t nabove, nbelow;
	uint64_t first, last;		/* moments of those that count */
};

static double lesser(double a, double b)
{
	return a < b ? a : b;
}

static double larger(double a, double b)
{
	return a > b ? a : b;
}

static int64_t nearest(double ns)
{
	return (int64_t)(lesser(larger(ns, -(double)FAR), (double)FAR) + (ns < 0 ? -0.5 : 0.5));
}

static int by_moment(const void *a, const void *b)
{
	const struct clock_span *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

static bool bounds(const struct clock_span *s)
{
	return s->low > -FAR && s->high < FAR;
}

static bool counts(const struct clock_span *s)
{
	return !s->out && (s->low > -FAR || s->high < FAR) && s->low < FAR && s->high > -FAR;
}

/* ---- one offset ---- */

/* What all have in common; false: nothing, or it is open. */
static bool common(const struct clock_span *spans, size_t n, int64_t *low, int64_t *high)
{
	*low = -FAR;
	*high = FAR;
	for (size_t i = 0; i < n; i++) {
		if (!counts(&spans[i]))
			continue;
		if (spans[i].low > *low)
			*low = spans[i].low;
		if (spans[i].high < *high)
			*high = spans[i].high;
	}
	return *low > -FAR && *high < FAR && *low <= *high;
}

struct edge {
	int64_t at;
	int step;			/* 1: an interval begins, -1: it ends */
};

static int by_edge(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at ? 1 : y->step - x->step;
}

/* Straight through the middle of two spans. */
struct guess {
	uint64_t zero;
	int64_t offset;
	double slope;
};

static int64_t rise(const struct guess *g, uint64_t at)
{
	return nearest(g->slope * (at >= g->zero ? (double)(at - g->zero) : -(double)(g->zero - at)));
}

static bool passes(const struct guess *g, const struct clock_span *s)
{
	int64_t ahead = g->offset + rise(g, s->at);

	return s->low <= ahead && ahead <= s->high;
}

static bool guess(const struct clock_span *a, const struct clock_span *b, struct guess *g)
{
	if (!bounds(a) || !bounds(b) || a->out || b->out || b->at <= a->at)
		return false;
	*g = (struct guess){ .zero = a->at, .offset = a->low + (a->high - a->low) / 2 };
	g->slope = (double)(b->low + (b->high - b->low) / 2 - g->offset) / (double)(b->at - a->at);
	return g->slope >= -SLOPE_MAX && g->slope <= SLOPE_MAX;
}

/* Of many lines, the slope of one that passes most: near the drift, whatever the others are. */
static void best_guess(const struct clock_span *spans, size_t n, struct guess *best)
{
	size_t most = 0, passed;
	uint64_t x = 1;
	struct guess g;

	*best = (struct guess){ .zero = spans[0].at };
	for (unsigned int try = 0; try < GUESSES; try++) {
		x = x * 6364136223846793005ull + 1442695040888963407ull;
		if (!guess(&spans[(x >> 33) % n], &spans[(x >> 12) % n], &g))
			continue;
		passed = 0;
		for (size_t i = 0; i < n; i++)
			passed += passes(&g, &spans[i]);
		if (passed > most) {
			most = passed;
			*best = g;
		}
	}
}

/*
 * The point that most intervals have in common when the drift is off; those without it are out. edges has room for 2 n.
 * How many are in.
 */
static size_t throw_out(struct clock_span *spans, size_t n, struct edge *edges)
{
	int64_t best_at = 0, up;
	size_t ne = 0, in = 0;
	int now = 0, best = 0;
	struct guess g;

	best_guess(spans, n, &g);
	for (size_t i = 0; i < n; i++) {
		if (!counts(&spans[i]))
			continue;
		up = rise(&g, spans[i].at);
		edges[ne++] = (struct edge){ (spans[i].low > -FAR ? spans[i].low : -FAR) - up, 1 };
		edges[ne++] = (struct edge){ (spans[i].high < FAR ? spans[i].high : FAR) - up, -1 };
	}
	qsort(edges, ne, sizeof(*edges), by_edge);
	for (size_t i = 0; i < ne; i++) {
		now += edges[i].step;
		if (now > best) {
			best = now;
			best_at = edges[i].at;
		}
	}
	g.offset = best_at;
	for (size_t i = 0; i < n; i++) {
		spans[i].out |= !passes(&g, &spans[i]);
		in += !spans[i].out;
	}
	return in;
}

/* ---- a line ---- */

static double turn(struct dot a, struct dot b, struct dot c)
{
	return (b.t - a.t) * (c.v - a.v) - (b.v - a.v) * (c.t - a.t);
}

/* Adds a dot to a hull; side 1: what is above it (its lower edge), -1: what is below. Of one moment the tightest. */
static void hull_add(struct dot *hull, size_t *n, struct dot d, int side)
{
	if (*n && hull[*n - 1].t == d.t) {
		if ((d.v - hull[*n - 1].v) * side >= 0)
			return;
		--*n;
	}
	while (*n > 1 && turn(hull[*n - 2], hull[*n - 1], d) * side <= 0)
		--*n;
	hull[(*n)++] = d;
}

/* dots has room for 2 n. */
static void hulls(struct part *p, struct dot *dots)
{
	const struct clock_span *s;

	p->above = dots;
	p->below = dots + p->n;
	p->nabove = p->nbelow = 0;
	p->first = p->last = 0;
	p->zero = p->spans[0].at;
	for (size_t i = 0; i < p->n && !p->base; i++)
		p->base = !counts(&p->spans[i]) ? 0 : p->spans[i].low > -FAR ? p->spans[i].low : p->spans[i].high;
	for (size_t i = 0; i < p->n; i++) {
		s = &p->spans[i];
		if (!counts(s))
			continue;
		if (!p->nabove && !p->nbelow)
			p->first = s->at;
		p->last = s->at;
		if (s->high < FAR)
			hull_add(p->above, &p->nabove, (struct dot){ (double)(s->at - p->zero), (double)(s->high - p->base) }, 1);
		if (s->low > -FAR)
			hull_add(p->below, &p->nbelow, (struct dot){ (double)(s->at - p->zero), (double)(s->low - p->base) }, -1);
	}
}

/* Lines of this slope that pass between the hulls are ahead by low to high at zero: by how much they have room. */
static double room(const struct part *p, double slope, double *low, double *high)
{
	*low = -DBL_MAX;
	*high = DBL_MAX;
	for (size_t i = 0; i < p->nabove; i++)
		*high = lesser(*high, p->above[i].v - slope * p->above[i].t);
	for (size_t i = 0; i < p->nbelow; i++)
		*low = larger(*low, p->below[i].v - slope * p->below[i].t);
	return *high - *low;
}

/* The room is concave in the slope: the slope with most of it. */
static double widest(const struct part *p)
{
	double a = -SLOPE_MAX, b = SLOPE_MAX, low, high;

	for (int i = 0; i < STEPS; i++) {
		double x = a + (b - a) / 3, y = b - (b - a) / 3;

		if (room(p, x, &low, &high) < room(p, y, &low, &high))
			a = x;
		else
			b = y;
	}
	return (a + b) / 2;
}

/* From a slope that has room towards one that may have none: the last that has. */
static double last_with_room(const struct part *p, double in, double out)
{
	double low, high;

	if (room(p, out, &low, &high) >= 0)
		return out;
	for (int i = 0; i < STEPS; i++) {
		double middle = (in + out) / 2;

		if (room(p, middle, &low, &high) >= 0)
			in = middle;
		else
			out = middle;
	}
	return in;
}

/* Of the hull's edge above the middle of the time. */
static double middle_slope(const struct dot *hull, size_t n, double t, double none)
{
	for (size_t i = 1; i < n; i++) {
		if (hull[i].t >= t)
			return (hull[i].v - hull[i - 1].v) / (hull[i].t - hull[i - 1].t);
	}
	return none;
}

/*
 * How far a line that passes between the hulls can be from ours at that moment. Both sides of it are concave in the
 * slope; the worst is at one of the ends.
 */
static double farthest(const struct part *p, double t, double ours, double from, double to)
{
	double a = from, b = to, low, high, worst = 0;

	for (int side = -1; side <= 1; side += 2) {
		a = from;
		b = to;
		for (int i = 0; i < STEPS; i++) {
			double x = a + (b - a) / 3, y = b - (b - a) / 3, vx, vy;

			room(p, x, &low, &high);
			vx = side * ((side > 0 ? high : low) + x * t);
			room(p, y, &low, &high);
			vy = side * ((side > 0 ? high : low) + y * t);
			if (vx < vy)
				a = x;
			else
				b = y;
		}
		room(p, (a + b) / 2, &low, &high);
		worst = larger(worst, side * ((side > 0 ? high : low) + (a + b) / 2 * t - ours));
	}
	return worst;
}

/* false: no line passes between the hulls, or none is bounded from both sides. dots has room for 2 n. */
static bool line(struct part *p, struct dot *dots, struct clock_piece *piece)
{
	double slope, from, to, low, high, at, end, t0, t1;

	hulls(p, dots);
	if (!p->nabove || !p->nbelow)
		return false;
	slope = widest(p);
	if (room(p, slope, &low, &high) < 0)
		return false;
	from = last_with_room(p, slope, -SLOPE_MAX);
	to = last_with_room(p, slope, SLOPE_MAX);
	t0 = (double)(p->first - p->zero);
	t1 = (double)(p->last - p->zero);
	at = (t0 + t1) / 2;
	slope = (middle_slope(p->above, p->nabove, at, slope) + middle_slope(p->below, p->nbelow, at, slope)) / 2;
	slope = lesser(larger(slope, from), to);
	room(p, slope, &low, &high);
	end = (low + high) / 2;
	*piece = (struct clock_piece){
		.from = p->first, .to = p->last, .zero = p->zero, .offset = p->base + nearest(end),
		.ppb = slope * 1e9, .ppb_min = from * 1e9, .ppb_max = to * 1e9,
	};
	piece->error = nearest(0.5 + larger(farthest(p, t0, end + slope * t0, from, to),
					  farthest(p, t1, end + slope * t1, from, to)));
	return true;
}

/* ---- which of them ---- */

/* One offset if that is all that can be said, else a line. dots has room for 2 n. */
static bool fit_part(const struct clock_span *spans, size_t n, struct dot *dots, struct clock_piece *piece)
{
	struct part p = { .spans = spans, .n = n };
	int64_t low, high;
	bool constant = common(spans, n, &low, &high), drifts;

	drifts = (!constant || spans[n - 1].at - spans[0].at > LONG_RUN) && line(&p, dots, piece);
	if (drifts && (!constant || piece->ppb_min > 0 || piece->ppb_max < 0))
		return true;
	if (!constant)
		return false;
	*piece = (struct clock_piece){ .from = spans[0].at, .to = spans[n - 1].at, .zero = spans[0].at };
	piece->offset = low + (high - low) / 2;
	piece->error = high - low - (high - low) / 2;
	return true;
}

/* The longest part from the first span on that one piece fits: how many spans. Less of it fits, too. */
static size_t longest(const struct clock_span *spans, size_t n, struct dot *dots, struct clock_piece *piece)
{
	size_t fits = 0, too_many = n + 1, try = n;
	struct clock_piece p;

	while (too_many - fits > 1) {
		if (fit_part(spans, try, dots, &p)) {
			fits = try;
			*piece = p;
		} else {
			too_many = try;
		}
		try = fits + (too_many - fits) / 2;
	}
	return fits;
}

/* Where no piece fits all: one after the other. */
static void fit_pieces(const struct clock_span *spans, size_t n, struct dot *dots, struct clock_fit *fit)
{
	size_t done = 0, got;

	fit->n = 0;
	while (done < n && fit->n < CLOCK_PIECES) {
		got = longest(spans + done, n - done, dots, &fit->pieces[fit->n]);
		fit->n += got != 0;
		done += got ? got : 1;
	}
	if (done < n)
		fit->n = 0;		/* that is no clock */
}

static void forget_out(struct clock_span *spans, size_t n)
{
	for (size_t i = 0; i < n; i++)
		spans[i].out = spans[i].low > spans[i].high;
}

static void fit_spans(struct clock_span *spans, size_t n, void *room_for, struct clock_fit *fit)
{
	bool sure = true;

	fit->n = fit_part(spans, n, room_for, fit->pieces);
	for (size_t i = 0; i < n; i++)
		sure &= spans[i].sure;
	if (!fit->n && !sure && throw_out(spans, n, room_for) > n / 3 * 2)
		fit->n = fit_part(spans, n, room_for, fit->pieces);
	if (fit->n)
		return;
	forget_out(spans, n);
	fit_pieces(spans, n, room_for, fit);
}

void clock_fit(struct clock_span *spans, size_t n, struct clock_fit *fit)
{
	void *room_for = n ? calloc(2 * n, sizeof(struct dot)) : NULL;

	_Static_assert(sizeof(struct edge) <= sizeof(struct dot), "one room for both");
	memset(fit, 0, sizeof(*fit));
	if (!room_for)
		return;
	qsort(spans, n, sizeof(*spans), by_moment);
	forget_out(spans, n);
	fit_spans(spans, n, room_for, fit);
	free(room_for);
	for (size_t i = 0; i < n; i++)
		fit->out += spans[i].out;
	fit->used = n - fit->out;
}

/* ---- what it says ---- */

int64_t clock_ahead(const struct clock_fit *fit, uint64_t at)
{
	const struct clock_piece *p = fit->pieces;
	double t;

	if (!fit->n)
		return 0;
	/* between two pieces it was set at some moment: half of the way */
	for (unsigned int i = 1; i < fit->n && at > fit->pieces[i - 1].to + (fit->pieces[i].from - fit->pieces[i - 1].to) / 2; i++)
		p++;
	t = at >= p->zero ? (double)(at - p->zero) : -(double)(p->zero - at);
	return p->offset + nearest(t * p->ppb / 1e9);
}

int64_t clock_error(const struct clock_fit *fit)
{
	int64_t error = 0;

	for (unsigned int i = 0; i < fit->n; i++)
		error = fit->pieces[i].error > error ? fit->pieces[i].error : error;
	return error;
}
