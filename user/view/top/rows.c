// SPDX-License-Identifier: GPL-2.0-only
/*
 * Samples the model. Between two looks a queue can fill and empty, and the longest that it was is what counts.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib/tr.h"
#include "../hosts.h"
#include "rows.h"

#define HOST_MAX	256u
#define NEAR	800		/* per mille of the limit */

const struct top_column_info top_columns[TOP_COLUMN_MAX] = {
#define TOP_COLUMN_ROW(sym, title, kind, rank, width, help) [TOP_##sym] = { title, help, TOP_IS_##kind, rank, width },
	TOP_COLUMNS(TOP_COLUMN_ROW)
#undef TOP_COLUMN_ROW
};

void top_columns_help(struct out *o)
{
	out_line_end(o);
	out_str(o, _("Columns of top:"));
	out_line_end(o);
	for (enum top_column c = 0; c < TOP_COLUMN_MAX; c++) {
		out_mem(o, "  ", 2);
		out_str_pad(o, top_columns[c].title, 12);
		out_str(o, tr(top_columns[c].help));
		out_line_end(o);
	}
}

int top_rows_open(struct top_rows *t)
{
	*t = (struct top_rows){ .sort = TOP_SORT_TROUBLE };
	t->seat = calloc(TOP_SEATS, sizeof(*t->seat));
	return t->seat ? 0 : -ENOMEM;
}

void top_rows_close(struct top_rows *t)
{
	free(t->seat);
	free(t->row);
	t->seat = NULL;
	t->row = NULL;
}

void top_rows_forget(struct top_rows *t)
{
	memset(t->seat, 0, TOP_SEATS * sizeof(*t->seat));
	memset(t->last_id, 0, sizeof(t->last_id));
	t->looked_ns = t->interval_ns = 0;
	t->reset = t->first = false;
	t->n = t->nshown = t->open = 0;
}

static struct top_seat *seat_of(struct top_rows *t, uint32_t id)
{
	struct top_seat *s = &t->seat[id % TOP_SEATS];

	if (s->id != id)
		*s = (struct top_seat){ .id = id };
	return s;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

void top_rows_reset(struct top_rows *t)
{
	t->reset = true;
	t->reset_ns = t->looked_ns;
	for (unsigned int i = 0; i < TOP_SEATS; i++) {
		if (t->seat[i].id)
			t->seat[i].acceptq_peak = 0;
	}
}

/* ---- one listener ---- */

static struct top_value value(enum known known, uint64_t n)
{
	return (struct top_value){ known == KNOWN_LEAST && !n ? 0 : n, known == KNOWN_LEAST && !n ? KNOWN_NOT : known };
}

/* The longest since then: where not each step has a record it may have been longer. */
static struct top_value length(const struct model *m, const struct listener *l, enum figure peak, uint64_t since_ns, uint32_t n)
{
	enum figure length = peak == FIGURE_SYNQ_PEAK ? FIGURE_SYNQ_NOW : FIGURE_ACCEPTQ_NOW;
	enum known known = figure_known_since(m, l, peak, since_ns), now = figure_known(m, l, length);

	return value(known == KNOWN_NOT && now ? KNOWN_LEAST : known, n);
}

/* A listener that came between two looks had counted nothing before. By its number: records may be late. */
static bool has_before(const struct top_rows *t, const struct top_row *r, const struct top_seat *s)
{
	return t->interval_ns && (s->counted || t->first || r->id > t->last_id[r->host]);
}

static struct top_value rise(enum known known, uint64_t now, uint64_t before, bool counted)
{
	return counted ? value(known, now > before ? now - before : 0) : (struct top_value){ 0, KNOWN_NOT };
}

/* What the interval says: what was lost before it is no matter. */
static enum known known_now(const struct top_rows *t, const struct model *m, const struct listener *l, enum figure f)
{
	return figure_known_since(m, l, f, t->interval_ns ? t->looked_ns : 0);
}

static void put_rates(const struct top_rows *t, struct top_row *r, struct top_seat *s, const struct model *m,
		      const struct listener *l)
{
	const struct top_counts now = {
		.established = l->established, .accepted = l->accepted, .refused = listener_refused(l),
		.cookies = l->cookies_sent, .expired = l->causes[TCPTRACE_SYNQ_EXPIRED],
		.full_ns = model_full_ns(m, &l->acceptq),
	}, *was = &s->before;
	bool has = has_before(t, r, s);

	r->value[TOP_NEW] = rise(known_now(t, m, l, FIGURE_ESTABLISHED), now.established, was->established, has);
	r->value[TOP_ACC] = rise(known_now(t, m, l, FIGURE_ACCEPTED), now.accepted, was->accepted, has);
	r->value[TOP_REF] = rise(known_now(t, m, l, FIGURE_REFUSED), now.refused, was->refused, has);
	r->value[TOP_COOKIES] = rise(known_now(t, m, l, FIGURE_COOKIES_SENT), now.cookies, was->cookies, has);
	r->value[TOP_EXPIRED] = rise(known_now(t, m, l, FIGURE_EXPIRED), now.expired, was->expired, has);
	r->value[TOP_FULL] = rise(known_now(t, m, l, FIGURE_ACCEPTQ_FULL), now.full_ns, was->full_ns, has);
	if (!t->interval_ns)
		return;
	s->before = now;
	s->counted = true;
	s->closed = !l->open;
}

static struct top_value quantile(enum known known, const struct hist *h, unsigned int permille)
{
	uint64_t ns = known ? hist_quantile(h, permille) : 0;

	return value(!known ? KNOWN_NOT : hist_is_least(h, permille) ? KNOWN_LEAST : KNOWN_EXACTLY, ns);
}

static void put_waits(const struct top_rows *t, struct top_row *r, const struct model *m, const struct listener *l)
{
	enum known known = figure_known(m, l, FIGURE_ACCEPTQ_WAIT);
	struct hist waits;

	if (known && l->acceptq.known && l->acceptq.known <= TOP_WAITS_MAX) {
		model_acceptq_waits(m, l, &waits);
	} else if (known) {
		waits_hist(&l->in_acceptq, &waits);
	}
	if (known && !waits.count)
		known = KNOWN_NOT;
	r->value[TOP_P99] = quantile(known, &waits, 990);
	r->value[TOP_P50] = quantile(known, &waits, 500);
	r->value[TOP_OLDEST] = value(known_now(t, m, l, FIGURE_ACCEPTQ_OLDEST), model_oldest_wait(m, &l->acceptq));
}

static void put_queues(const struct top_rows *t, struct top_row *r, struct top_seat *s, const struct model *m,
		       const struct listener *l)
{
	uint32_t acceptq = model_longest(m, &l->acceptq), synq = model_longest(m, &l->synq);
	uint64_t since_ns = t->interval_ns ? t->looked_ns : 0;

	s->acceptq_peak = larger(s->acceptq_peak, acceptq);
	r->value[TOP_ACCEPTQ] = length(m, l, FIGURE_ACCEPTQ_PEAK, since_ns, acceptq);
	r->value[TOP_SYNQ] = length(m, l, FIGURE_SYNQ_PEAK, since_ns, synq);
	r->value[TOP_PEAK] = length(m, l, FIGURE_ACCEPTQ_PEAK, t->reset ? t->reset_ns : 0,
				    t->reset ? s->acceptq_peak : l->acceptq.peak);
}

static uint64_t fill_of(const struct top_row *r, enum top_column c)
{
	return r->limit_known && r->value[c].known ? r->value[c].n * 1000 / (r->limit ? r->limit : 1) : 0;
}

static enum top_mark mark_of(const struct top_row *r, const struct listener *l)
{
	bool full = l->acceptq.full_since_ns || l->synq.full_since_ns;

	if (full || r->value[TOP_REF].n || (r->limit_known && r->value[TOP_ACCEPTQ].n > r->limit))
		return TOP_TROUBLE;
	if (r->fill > NEAR)
		return TOP_NEAR;
	return r->value[TOP_NEW].n || r->value[TOP_ACC].n || r->value[TOP_ACCEPTQ].n || r->value[TOP_SYNQ].n ||
	       r->value[TOP_COOKIES].n ? TOP_BUSY : TOP_IDLE;
}

static void put_place(struct top_row *r, const struct proc_place *p)
{
	char name[PLACE_NAME_MAX];

	if (!p)
		return;
	place_name(p, name);
	memcpy(r->place, name, strnlen(name, TOP_PLACE_MAX));
}

static void put_row(struct top_rows *t, struct top_row *r, const struct model *m, const struct listener *l)
{
	const struct owner *keeper = listener_keeper(l);
	struct top_seat *s = seat_of(t, l->id);
	uint64_t acceptq, synq;

	*r = (struct top_row){ .id = l->id, .host = r->host, .host_name = r->host_name, .members = l->open,
			       .lport = l->lport, .netns = l->netns, .device = l->device, .limit = l->limit,
			       .limit_known = l->limit_known, .pid = keeper ? keeper->pid : 0, .interval_ns = t->interval_ns };
	memcpy(r->laddr, l->laddr, sizeof(r->laddr));
	if (keeper)
		memcpy(r->comm, keeper->comm, sizeof(r->comm));
	put_place(r, listener_place(m, l));
	put_rates(t, r, s, m, l);
	put_waits(t, r, m, l);
	put_queues(t, r, s, m, l);
	r->value[TOP_BACKLOG] = (struct top_value){ l->backlog < 0 ? 0 : (uint64_t)l->backlog,
						    l->backlog_known && l->backlog >= 0 ? KNOWN_EXACTLY : KNOWN_NOT };
	r->value[TOP_PID] = (struct top_value){ r->pid, r->pid ? KNOWN_EXACTLY : KNOWN_NOT };
	r->value[TOP_NETNS] = (struct top_value){ r->netns, r->netns ? KNOWN_EXACTLY : KNOWN_NOT };
	acceptq = fill_of(r, TOP_ACCEPTQ);
	synq = fill_of(r, TOP_SYNQ);
	r->fill = acceptq > synq ? acceptq : synq;
	r->mark = mark_of(r, l);
}

/* ---- which are shown ---- */

static bool has_word(const struct top_row *r, const char *word, size_t n)
{
	char text[PUT_ENDPOINT_MAX + PUT_NUMBER_MAX + sizeof(r->comm) + HOST_MAX + 4], w[sizeof(((struct top_rows *)0)->filter)];
	char *p = put_endpoint(text, r->laddr, r->lport);

	*p++ = ' ';
	p = put_u64(p, r->pid);
	*p++ = ' ';
	memcpy(p, r->comm, sizeof(r->comm));
	p += strnlen(r->comm, sizeof(r->comm) - 1);
	*p++ = ' ';
	*p = 0;
	if (r->host_name)
		strncat(p, r->host_name, HOST_MAX);
	memcpy(w, word, n);
	w[n] = 0;
	return strcasestr(text, w) != NULL;
}

static bool is_shown(const struct top_rows *t, const struct top_row *r)
{
	const char *word = t->filter;
	size_t n;

	if ((t->trouble && r->mark < TOP_NEAR) || (t->active && r->mark == TOP_IDLE))
		return false;
	for (; *word; word += n) {
		word += strspn(word, " ");
		n = strcspn(word, " ");
		if (n && !has_word(r, word, n))
			return false;
	}
	return true;
}

/* ---- the order ---- */

static int compare_u64(uint64_t a, uint64_t b)
{
	return a < b ? 1 : a > b ? -1 : 0;
}

static int by_address(const void *a, const void *b)
{
	const struct top_row *x = a, *y = b;
	int d = compare_u64(y->lport, x->lport);

	d = d ? d : memcmp(x->laddr, y->laddr, sizeof(x->laddr));
	d = d ? d : compare_u64(y->netns, x->netns);
	d = d ? d : x->host - y->host;
	d = d ? d : compare_u64(y->device, x->device);
	d = d ? d : compare_u64(x->members != 0, y->members != 0);
	return d ? d : compare_u64(y->id, x->id);
}

static int by_trouble(const struct top_row *x, const struct top_row *y)
{
	int d = compare_u64(x->value[TOP_REF].n, y->value[TOP_REF].n);

	d = d ? d : compare_u64(x->fill, y->fill);
	d = d ? d : compare_u64(x->value[TOP_OLDEST].n, y->value[TOP_OLDEST].n);
	d = d ? d : compare_u64(x->value[TOP_NEW].n, y->value[TOP_NEW].n);
	return d ? d : compare_u64(x->mark != TOP_IDLE, y->mark != TOP_IDLE);
}

static int in_order(const void *a, const void *b, void *ctx)
{
	const struct top_row *x = a, *y = b;
	const struct top_rows *t = ctx;
	int d = y->shown - x->shown;

	if (d)
		return d;
	switch (t->sort) {
	case TOP_SORT_TROUBLE:
		d = by_trouble(x, y);
		break;
	case TOP_COMM:
		d = strcmp(x->comm, y->comm);
		break;
	case TOP_PLACE:
		d = strcmp(x->place, y->place);
		break;
	case TOP_HOST:
		d = x->host - y->host;
		break;
	case TOP_LOCAL:
		break;
	default:		/* the largest first, what is not known last */
		d = compare_u64(x->value[t->sort].known != KNOWN_NOT, y->value[t->sort].known != KNOWN_NOT);
		d = d ? d : compare_u64(x->value[t->sort].n, y->value[t->sort].n);
	}
	d = d ? d : by_address(a, b);
	return t->inverted ? -d : d;
}

void top_rows_order(struct top_rows *t)
{
	t->nshown = 0;
	for (unsigned int i = 0; i < t->n; i++) {
		t->row[i].shown = is_shown(t, &t->row[i]);
		t->nshown += t->row[i].shown;
	}
	if (t->n && !t->listed)
		qsort_r(t->row, t->n, sizeof(*t->row), in_order, t);
}

/* ---- all of them ---- */

/* What several do together; their queues are those of the worst of them. */
static void join(struct top_row *into, const struct top_row *r)
{
	static const enum top_column sums[] = { TOP_NEW, TOP_ACC, TOP_REF, TOP_COOKIES, TOP_EXPIRED };
	struct top_value sum[5];
	uint32_t members = into->members + r->members;

	for (unsigned int i = 0; i < 5; i++) {
		const struct top_value *a = &into->value[sums[i]], *b = &r->value[sums[i]];
		enum known worse = a->known < b->known ? a->known : b->known;

		sum[i] = (struct top_value){ a->n + b->n, worse ? worse : a->n + b->n ? KNOWN_LEAST : KNOWN_NOT };
	}
	if (r->mark > into->mark || (r->mark == into->mark && by_trouble(r, into) < 0))
		*into = *r;
	into->members = members;
	for (unsigned int i = 0; i < 5; i++)
		into->value[sums[i]] = sum[i];
}

static bool same_address(const struct top_row *a, const struct top_row *b)
{
	return a->lport == b->lport && a->netns == b->netns && a->host == b->host &&
	       a->device == b->device && !a->members == !b->members && !memcmp(a->laddr, b->laddr, sizeof(a->laddr));
}

/* SO_REUSEPORT; one that is closed shared nothing with one that came after it. */
static void fold(struct top_rows *t)
{
	unsigned int n = 0;

	if (!t->n)
		return;
	qsort(t->row, t->n, sizeof(*t->row), by_address);
	for (unsigned int i = 1; i < t->n; i++) {
		if (same_address(&t->row[n], &t->row[i]))
			join(&t->row[n], &t->row[i]);
		else
			t->row[++n] = t->row[i];
	}
	t->n = n + 1;
}

static bool make_room(struct top_rows *t)
{
	unsigned int size = t->size ? 2 * t->size : 64;
	struct top_row *row;

	if (t->n < t->size)
		return true;
	row = realloc(t->row, size * sizeof(*row));
	if (!row)
		return false;
	t->row = row;
	t->size = size;
	return true;
}

static void sum_up(struct top_rows *t)
{
	enum known known = t->interval_ns ? KNOWN_EXACTLY : KNOWN_NOT;

	t->rate = (struct top_value){ 0, known };
	for (unsigned int i = 0; i < t->n; i++) {
		const struct top_value *v = &t->row[i].value[TOP_NEW];

		t->rate.n += v->n;
		if (known && v->known != KNOWN_EXACTLY)
			t->rate.known = KNOWN_LEAST;
	}
	t->rate = value(t->rate.known, t->rate.n);
}

void top_rows_begin(struct top_rows *t, uint64_t now_ns)
{
	t->looked_ns = now_ns;
	t->first = true;
}

/* One that was closed since the last look is there once more: what it did until then is not lost. */
static bool is_here(const struct top_rows *t, const struct listener *l, unsigned int host)
{
	const struct top_seat *s = &t->seat[l->id % TOP_SEATS];
	bool fresh = l->id > t->last_id[host] && l->limit_known;

	return l->open || (t->interval_ns && (s->id == l->id ? !s->closed : fresh));
}

static void put_rows(struct top_rows *t, const struct model *m, const struct view_config *cfg, unsigned int host)
{
	const struct listener *l;
	uint32_t last_id = t->last_id[host];

	for (uint32_t i = 0; (l = model_listener(m, i)); i++) {
		if (!is_here(t, l, host) || (cfg->picks_listener && !cfg->picks_listener(cfg->picks_ctx, l)))
			continue;
		t->open += l->open;
		last_id = larger(last_id, l->id);
		if (!make_room(t))
			continue;
		t->row[t->n].host = (uint8_t)host;
		t->row[t->n].host_name = cfg->hosts ? host_word(cfg->hosts, host) : NULL;
		put_row(t, &t->row[t->n++], m, l);
	}
	if (t->interval_ns)
		t->last_id[host] = last_id;
}

void top_rows_look(struct top_rows *t, const struct model *const *m, const struct view_config *cfg, uint64_t now_ns)
{
	unsigned int n = cfg->hosts ? cfg->hosts->n : 1;

	t->interval_ns = now_ns > t->looked_ns && now_ns - t->looked_ns >= t->least_ns ? now_ns - t->looked_ns : 0;
	t->n = t->open = 0;
	for (unsigned int host = 0; host < n; host++)
		put_rows(t, m[host], cfg, host);
	if (t->interval_ns) {
		t->looked_ns = now_ns;
		t->first = false;
	}
	sum_up(t);
	if (!t->unfolded && !t->listed)
		fold(t);
	top_rows_order(t);
}
