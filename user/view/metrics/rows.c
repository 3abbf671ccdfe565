// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rows: listeners with the same labels are one. A row adds up what its listeners have gained since the last look, so
 * that its counters never fall: not when a listener is closed and forgotten, and not when it gets other labels.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib/pages.h"
#include "metrics.h"

#define BY_ID		(2 * MEMBERS_MAX)
#define KEEP_NS		3600000000000ull	/* a row outlives its last listener */

struct member {
	uint32_t id, gen, row;
	struct row_counts counts;	/* at the last look */
};

_Static_assert(!(BY_ID & (BY_ID - 1)), "a mask");

int rows_init(struct metrics_rows *r, const struct view_metrics *cfg)
{
	memset(r, 0, sizeof(*r));
	r->rows = 1 + cfg->max_listeners;
	r->row = calloc(r->rows, sizeof(*r->row));
	r->by_id = calloc(BY_ID, sizeof(*r->by_id));
	r->member = pages_new(MEMBERS_MAX * sizeof(*r->member));
	if (!r->row || !r->by_id || !r->member)
		return -ENOMEM;
	snprintf(r->row[OTHER_ROW].labels, ROW_LABELS, "address=\"other\",port=\"0\"");
	return 0;
}

void rows_free(struct metrics_rows *r)
{
	pages_free(r->member, MEMBERS_MAX * sizeof(*r->member));
	free(r->by_id);
	free(r->row);
}

/* ---- members: listeners that are counted ---- */

static uint32_t *slot_of(const struct metrics_rows *r, uint32_t id)
{
	uint32_t i = id * 2654435761u % BY_ID;

	while (r->by_id[i] && r->member[r->by_id[i] - 1].id != id)
		i = (i + 1) % BY_ID;
	return &r->by_id[i];
}

/* NULL: there are too many. */
static struct member *member_of(struct metrics_rows *r, uint32_t id)
{
	uint32_t *slot = slot_of(r, id);

	if (*slot)
		return &r->member[*slot - 1];
	if (r->members == MEMBERS_MAX)
		return NULL;
	*slot = ++r->members;
	r->member[*slot - 1] = (struct member){ .id = id, .row = UINT32_MAX };
	return &r->member[*slot - 1];
}

/* Those that the model has forgotten. */
static void forget_members(struct metrics_rows *r)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < r->members; i++) {
		if (r->member[i].gen != r->gen)
			continue;
		if (kept != i)
			r->member[kept] = r->member[i];
		kept++;
	}
	if (kept == r->members)
		return;
	r->members = kept;
	memset(r->by_id, 0, BY_ID * sizeof(*r->by_id));
	for (uint32_t i = 0; i < kept; i++)
		*slot_of(r, r->member[i].id) = i + 1;
}

/* ---- what a listener counts ---- */

static void wait_of(struct wait_counts *to, const struct waits *w)
{
	static const uint8_t powers[WAIT_BUCKETS] = {
#define POWER(n) n,
		WAIT_POWERS(POWER)
#undef POWER
	};
	struct hist h;

	waits_hist(w, &h);
	for (unsigned int i = 0; i < WAIT_BUCKETS; i++)
		to->below[i] = hist_below(&h, powers[i]);
	to->count = h.count;
	to->sum_ns = h.sum;
}

static void counts_of(struct row_counts *c, const struct model *m, const struct listener *l)
{
	*c = (struct row_counts){
		.established = l->established, .accepted = l->accepted, .accept_errors = l->accept_errors,
		.ghosts = l->ghosts,
		.acceptq_full_ns = model_full_ns(m, &l->acceptq), .synq_full_ns = model_full_ns(m, &l->synq),
		.cookies_sent = l->cookies_sent, .cookies_ok = l->cookies_ok, .cookies_bad = l->cookies_bad,
		.synack_retrans = l->synack_retrans,
	};
	memcpy(c->causes, l->causes, sizeof(c->causes));
	wait_of(&c->acceptq_wait, &l->in_acceptq);
	wait_of(&c->synq_wait, &l->in_synq);
}

static void add_gained(struct row_counts *to, struct row_counts *before, const struct row_counts *now)
{
	uint64_t *t = (uint64_t *)to, *b = (uint64_t *)before;
	const uint64_t *n = (const uint64_t *)now;

	_Static_assert(sizeof(*to) % sizeof(*t) == 0, "only 64-bit numbers");
	for (size_t i = 0; i < sizeof(*to) / sizeof(*t); i++) {
		t[i] += n[i] > b[i] ? n[i] - b[i] : 0;
		b[i] = n[i];
	}
}

/* ---- which row ---- */

/* Without the id of the container, which changes at each start. */
static void place_of(struct proc_place *to, const struct proc_place *p, unsigned int labels)
{
	if (labels & VIEW_LABEL_UNIT)
		strcpy(to->unit, p->unit);
	if (labels & VIEW_LABEL_NS)
		strcpy(to->ns, p->ns);
	if (labels & VIEW_LABEL_POD)
		strcpy(to->pod, p->pod);
	/* one without a name goes by its id */
	if (labels & VIEW_LABEL_CONTAINER && strncmp(p->container, p->id, strlen(p->container)))
		strcpy(to->container, p->container);
}

static void key_of(struct row_key *k, const struct model *m, const struct listener *l, unsigned int labels)
{
	const struct proc_place *place = listener_place(m, l);
	const struct owner *w = listener_named(l);

	memset(k, 0, sizeof(*k));
	if (labels & VIEW_LABEL_ADDRESS)
		memcpy(k->laddr, l->laddr, sizeof(k->laddr));
	if (labels & VIEW_LABEL_PORT)
		k->lport = l->lport;
	if (labels & VIEW_LABEL_COMM)
		memcpy(k->comm, w->comm, strnlen(w->comm, TCPTRACE_COMM_LEN));
	if (place)
		place_of(&k->place, place, labels);
}

static void put_name(struct out *o, const char *label, const char *name, size_t max)
{
	if (!name[0])
		return;
	out_str(o, label);
	out_str(o, "=\"");
	label_value(o, name, max);
	out_str(o, "\",");
}

static void put_labels(char *text, const struct row_key *k, unsigned int labels)
{
	struct out o = { .fd = -1, .size = ROW_LABELS - 1, .buf = text };

	if (labels & VIEW_LABEL_ADDRESS) {
		out_str(&o, "address=\"");
		out_addr(&o, k->laddr);
		out_str(&o, "\",");
	}
	if (labels & VIEW_LABEL_PORT) {
		out_str(&o, "port=\"");
		out_u64(&o, k->lport);
		out_str(&o, "\",");
	}
	put_name(&o, "comm", k->comm, TCPTRACE_COMM_LEN);
	put_name(&o, "unit", k->place.unit, sizeof(k->place.unit));
	put_name(&o, "namespace", k->place.ns, sizeof(k->place.ns));
	put_name(&o, "pod", k->place.pod, sizeof(k->place.pod));
	put_name(&o, "container", k->place.container, sizeof(k->place.container));
	text[o.len ? o.len - 1 : 0] = 0;
}

static uint32_t row_new(struct metrics_rows *r, uint32_t i, const struct row_key *k, unsigned int labels)
{
	struct metrics_row *row = &r->row[i];

	memset(row, 0, sizeof(*row));
	row->used = true;
	row->key = *k;
	put_labels(row->labels, k, labels);
	r->used++;
	return i;
}

static uint32_t find_row(struct metrics_rows *r, const struct row_key *k, unsigned int labels)
{
	uint32_t empty = 0;

	for (uint32_t i = 1; i < r->rows; i++) {
		if (r->row[i].used && !memcmp(&r->row[i].key, k, sizeof(*k)))
			return i;
		if (!r->row[i].used && !empty)
			empty = i;
	}
	return empty ? row_new(r, empty, k, labels) : OTHER_ROW;
}

/* Who has no row of its own tries again when there may be one. */
static uint32_t row_of(struct metrics_rows *r, const struct member *b, const struct row_key *k, unsigned int labels)
{
	if (b->row == OTHER_ROW && r->used == r->rows - 1)
		return OTHER_ROW;
	if (b->row < r->rows && b->row != OTHER_ROW && r->row[b->row].used && !memcmp(&r->row[b->row].key, k, sizeof(*k)))
		return b->row;
	return find_row(r, k, labels);
}

/* ---- a look ---- */

static bool fuller(uint32_t a, uint32_t a_limit, uint32_t b, uint32_t b_limit)
{
	return (uint64_t)a * ((uint64_t)b_limit + 1) > (uint64_t)b * ((uint64_t)a_limit + 1);
}

static void gauge_queues(struct metrics_row *row, const struct listener *l, bool first)
{
	if (first || fuller(l->acceptq.now, l->limit, row->acceptq, row->acceptq_limit)) {
		row->acceptq = l->acceptq.now;
		row->acceptq_limit = l->limit;
		row->backlog = l->backlog;
		row->backlog_known = l->backlog_known;
	}
	if (first || fuller(l->synq.now, l->limit, row->synq, row->synq_limit)) {
		row->synq = l->synq.now;
		row->synq_limit = l->limit;
	}
}

static bool is_known(const struct model *m, const struct listener *l, enum figure f)
{
	return figure_known(m, l, f) != KNOWN_NOT;
}

static void gauge(struct metrics_row *row, const struct model *m, const struct listener *l)
{
	uint32_t acceptq = model_minute_peak(m, &l->acceptq), synq = model_minute_peak(m, &l->synq);
	bool first = !row->sockets++;
	uint64_t oldest = model_oldest_wait(m, &l->acceptq);

	gauge_queues(row, l, first);
	row->incomplete += listener_incomplete(m, l);
	row->limit_known = (first || row->limit_known) && l->limit_known;
	row->now_known[0] = (first || row->now_known[0]) && is_known(m, l, FIGURE_ACCEPTQ_NOW);
	row->now_known[1] = (first || row->now_known[1]) && is_known(m, l, FIGURE_SYNQ_NOW);
	row->oldest_known = (first || row->oldest_known) && is_known(m, l, FIGURE_ACCEPTQ_OLDEST);
	row->peak_known[0] = (first || row->peak_known[0]) && is_known(m, l, FIGURE_ACCEPTQ_PEAK);
	row->peak_known[1] = (first || row->peak_known[1]) && is_known(m, l, FIGURE_SYNQ_PEAK);
	row->full_known[0] = (first || row->full_known[0]) && is_known(m, l, FIGURE_ACCEPTQ_FULL);
	row->full_known[1] = (first || row->full_known[1]) && is_known(m, l, FIGURE_SYNQ_FULL);
	row->acceptq_peak = acceptq > row->acceptq_peak ? acceptq : row->acceptq_peak;
	row->synq_peak = synq > row->synq_peak ? synq : row->synq_peak;
	row->oldest_ns = oldest > row->oldest_ns ? oldest : row->oldest_ns;
}

static void forget_gauges(struct metrics_row *row)
{
	row->sockets = row->incomplete = 0;
	row->acceptq_peak = row->synq_peak = 0;
	row->oldest_ns = 0;
}

/* From its first SYN on, or when something waits in its queues. */
static bool has_traffic(const struct listener *l)
{
	return l->established || l->synq.peak || l->acceptq.peak || l->cookies_sent || listener_refused(l);
}

static void look_at(struct metrics_rows *r, const struct view *v, const struct model *m, const struct listener *l)
{
	const struct view_metrics *cfg = &v->cfg.metrics;
	struct row_counts now;
	struct row_key key;
	struct member *b;

	if (!cfg->all && !has_traffic(l)) {
		r->idle += l->open;
		return;
	}
	b = member_of(r, l->id);
	if (!b) {
		r->uncounted += l->open;
		return;
	}
	b->gen = r->gen;
	counts_of(&now, m, l);
	if (!l->open && b->row != UINT32_MAX && !memcmp(&now, &b->counts, sizeof(now)))
		return;
	key_of(&key, m, l, cfg->labels);
	b->row = row_of(r, b, &key, cfg->labels);
	add_gained(&r->row[b->row].counts, &b->counts, &now);
	r->row[OTHER_ROW].used |= b->row == OTHER_ROW;
	if (!l->open)
		return;
	r->shown += b->row != OTHER_ROW;
	r->other += b->row == OTHER_ROW;
	r->waiting |= l->acceptq.now || l->synq.now;
	gauge(&r->row[b->row], m, l);
}

/* What figure_known() asks of a listener itself: those that are alike there know the same of their counters. */
static unsigned int kind_of(const struct model *m, const struct listener *l)
{
	return listener_incomplete(m, l) | (unsigned int)l->part << 1 | (unsigned int)l->cookies_shared << 2 |
	       (unsigned int)(l->in_acceptq.open != 0) << 3 | (unsigned int)listener_left_out(m, l) << 4;
}

static void judge(struct metrics_rows *r, const struct model *m, const struct listener *l)
{
	for (enum figure f = 0; f < FIGURE_MAX; f++) {
		enum known k = figure_known(m, l, f);

		r->best[f] = k > r->best[f] ? k : r->best[f];
		if (k && (!r->worst[f] || k < r->worst[f]))
			r->worst[f] = k;
	}
}

static void forget_rows(struct metrics_rows *r, uint64_t now_ns)
{
	for (uint32_t i = 0; i < r->rows; i++) {
		struct metrics_row *row = &r->row[i];

		if (!row->used || row->sockets) {
			row->gone_ns = 0;
		} else if (!row->gone_ns) {
			row->gone_ns = now_ns;
		} else if (i != OTHER_ROW && now_ns - row->gone_ns >= KEEP_NS) {
			row->used = false;
			r->used--;
		}
	}
}

void rows_look(struct metrics_rows *r, const struct view *v, const struct model *m, uint64_t now_ns)
{
	const struct listener *l;

	r->gen++;
	r->shown = r->idle = r->other = r->uncounted = 0;
	r->waiting = false;
	r->any = model_listener(m, 0);
	memset(r->best, 0, sizeof(r->best));
	memset(r->worst, 0, sizeof(r->worst));
	for (uint32_t i = 0; i < r->rows; i++)
		forget_gauges(&r->row[i]);
	for (uint32_t i = 0, kinds = 0; (l = model_listener(m, i)); i++) {
		if (!(kinds >> kind_of(m, l) & 1))
			judge(r, m, l);
		kinds |= 1u << kind_of(m, l);
		if (!v->cfg.picks_listener || v->cfg.picks_listener(v->cfg.picks_ctx, l))
			look_at(r, v, m, l);
	}
	forget_members(r);
	forget_rows(r, now_ns);
}
