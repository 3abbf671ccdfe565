// SPDX-License-Identifier: GPL-2.0-only
/*
 * One line of the table. What this step alone says is written straight from the event; which
 * connection it is and whose is kept from line to line, and written by the table of fields
 * when it is another. Nearly all lines fit, or do when they give up padding. One that still
 * is too wide is written again, nothing kept, so that the places of all columns are known.
 */
#include "explain.h"
#include "table.h"

#define DETAIL_WHOLE	23u		/* ESTABLISHED->CLOSE_WAIT */
#define ENDPOINT_LEAST	11u
#define EXPLAIN_AT	4u

/* One line while it is written. */
struct line {
	const struct model_event *ev;
	char *begin;
	char *origin;			/* of the columns: bytes of a name that take none are before it */
	bool whole;			/* nothing kept */
	uint16_t value_at[COLUMN_COUNT];	/* since the begin; 0: not written, or kept */
	uint16_t pad[COLUMN_COUNT];	/* spaces before it that can be given up */
	unsigned int end_max[2];	/* LOCAL, REMOTE: columns they may take */
	unsigned int end_len[2];	/* and took */
};

static char *put_time(struct view *v, char *p, uint64_t t_ns)
{
	struct table *t = v->priv;
	uint64_t us;

	if (v->cfg.time == VIEW_TIME_WALL)
		return view_hhmmss(&t->clock, p, (int64_t)(t_ns + (uint64_t)v->cfg.wall_offset_ns));
	if (!t->start_ns)
		t->start_ns = v->cfg.start_ns ? v->cfg.start_ns : t_ns;
	us = t_ns > t->start_ns ? (t_ns - t->start_ns) / 1000 : 0;
	p = put_u64(p, us / 1000000);
	*p++ = '.';
	return put_digits(p, us % 1000000, 6);
}

/* Takes the middle out of s, so that it keeps max columns and its port; p is its end. */
static char *cut_middle(char *s, char *p, unsigned int max)
{
	size_t len = (size_t)(p - s), tail, suffix = 0;

	if (len <= max || max < ENDPOINT_LEAST)
		return p;
	while (s[len - 1 - suffix] != ':')
		suffix++;
	suffix += s[0] == '[' ? 2 : 1;
	tail = suffix + (max - 2 - suffix) / 2;
	memmove(s + max - tail, s + len - tail, tail);
	memcpy(s + max - tail - 2, "..", 2);
	return s + max;
}

static char *put_end(const struct table *t, struct line *line, char *p, enum column_id id, const struct value *val)
{
	unsigned int which = id == COLUMN_REMOTE;
	char *from = p;

	if (id == COLUMN_LOCAL && t->width[id] == TABLE_PORT_ONLY) {
		*p++ = ':';
		return put_u64(p, val->port);
	}
	p = put_endpoint(p, val->addr, val->port);
	if (from[0] == '[')
		p = cut_middle(from, p, t->width[id]);
	p = cut_middle(from, p, line->end_max[which]);
	line->end_len[which] = (unsigned int)(p - from);
	return p;
}

/* Its bytes are not its columns: what they differ by is taken off the line's origin. */
static char *put_comm(struct view *v, struct line *line, char *p, const char *comm)
{
	const struct table *t = v->priv;
	unsigned int columns = t->width[COLUMN_COMM];
	char *from = p;

	p = put_safe_cut(p, comm, TCPTRACE_COMM_LEN, v->out->ascii, &columns);
	line->origin += p - from - columns;
	return p;
}

static char *put_value(struct view *v, struct line *line, char *p, enum column_id id)
{
	const struct table *t = v->priv;
	struct value val;

	if (!fields[id].get(line->ev, &val)) {
		*p++ = '-';
		return p;
	}
	switch (fields[id].kind) {
	case FK_ENDPOINT:
		return put_end(t, line, p, id, &val);
	case FK_COMM:
		return put_comm(v, line, p, val.s);
	default:
		return put_u64(p, val.u);
	}
}

/* Spaces up to the column's place; what was longer than its own column pushes it on. */
static char *to_place(struct line *line, char *p, enum column_id id, unsigned int at)
{
	char *place = line->origin + at, *s;

	*p++ = ' ';
	for (s = p; s < place; s += 16)
		memset(s, ' ', 16);
	if (place < p)
		place = p;
	line->value_at[id] = (uint16_t)(place - line->begin);
	line->pad[id] = (uint16_t)(place - p);
	return place;
}

/* Of the columns from CONN to REMOTE: TID may be hidden, then it makes no difference. */
static bool same_row(const struct table *t, const struct row_kept *k, const struct ends *ends, const struct owner *who)
{
	return k->len && same_ends(ends, &k->ends) && same_process(who, &k->who) &&
	       (!t->width[COLUMN_TID] || who->tid == k->who.tid);
}

/* Which connection and whose: CONN to REMOTE. */
static char *put_row(struct view *v, struct line *line, char *p)
{
	static const struct owner nobody;
	const struct owner *who = line->ev->who ? line->ev->who : &nobody;
	struct table *t = v->priv;
	struct row_kept *k = &t->row[line->ev->conn % ROWS_KEPT];
	bool keep = !line->whole && p < line->origin + t->at[COLUMN_CONN];
	char *from = to_place(line, p, COLUMN_CONN, t->at[COLUMN_CONN]), *origin = line->origin;
	struct ends ends;
	unsigned int i;

	event_ends(line->ev, &ends);
	if (keep && same_row(t, k, &ends, who)) {
		memset(line->pad, 0, sizeof(line->pad));	/* theirs come after the row's own */
		line->origin += k->unseen;
		return put_wide(from, k->text, k->len);
	}
	p = put_value(v, line, from, COLUMN_CONN);
	for (i = COLUMN_CONN + 1; i <= COLUMN_REMOTE; i++) {
		if (t->width[i])
			p = put_value(v, line, to_place(line, p, i, t->at[i]), i);
	}
	if (keep && p - from <= ROW_TEXT) {
		k->ends = ends;
		k->who = *who;
		k->len = (uint16_t)(p - from);
		k->unseen = (uint16_t)(line->origin - origin);
		memcpy(k->text, from, k->len);
	}
	return p;
}

/* listen shows the numbers that the limit comes from, and its queues are empty. */
static bool shows_queues(const struct model_event *ev)
{
	return ev->has_queues && ev->event != TCPTRACE_LISTEN;
}

static char *put_queue(struct line *line, char *p, enum column_id id, unsigned int at, uint32_t length)
{
	p = to_place(line, p, id, at);
	if (!line->ev->has_queues) {
		*p++ = '-';
		return p;
	}
	p = put_u64(p, length);
	*p++ = '/';
	return put_u64(p, line->ev->limit);
}

/* An event begins with its name, so this ends. */
static char *trim(char *p)
{
	while (p[-1] == ' ')
		p--;
	return p;
}

static char *put_line(struct view *v, struct line *line)
{
	const struct model_event *ev = line->ev;
	const struct table *t = v->priv;
	bool queues = shows_queues(ev) || t->width[COLUMN_DETAIL] >= DETAIL_WHOLE;
	enum column_id detail = queues ? COLUMN_DETAIL : COLUMN_SYNQ;
	char *p = line->begin;

	line->origin = p;
	if (t->width[COLUMN_TIME])
		p = to_place(line, put_time(v, p, ev->rec->t_ns), COLUMN_EVENT, t->at[COLUMN_EVENT]);
	p = put_word(p, word_of(t->event, ev->event, TCPTRACE_EVENT_MAX));
	p = put_row(v, line, p);
	p = to_place(line, p, COLUMN_MS, t->at[COLUMN_MS]);
	if (ev->has_dur)
		p = put_ms(p, ev->dur_ns);
	else
		*p++ = '-';
	if (queues) {
		p = put_queue(line, p, COLUMN_SYNQ, t->at[COLUMN_SYNQ], ev->synq);
		p = put_queue(line, p, COLUMN_ACCEPTQ, t->at[COLUMN_ACCEPTQ], ev->acceptq);
	}
	p = trim(table_detail(t, to_place(line, p, COLUMN_DETAIL, t->at[detail]), ev));
	if (t->width[COLUMN_NETNS] || ev->rec->netns == v->cfg.home_netns)
		return p;
	return view_put_netns(v, p, ev->rec->netns, ev->rec->t_ns, ev->rec->t_ns);
}

static unsigned int columns(const struct line *line, const char *p)
{
	return (unsigned int)(p - line->origin);
}

/* Takes padding out of a line that is wider than max; gives back its end. */
static char *squeeze(const struct line *line, char *p, unsigned int max)
{
	unsigned int i, take, over;

	for (i = COLUMN_COUNT; i-- > 0 && columns(line, p) > max; p -= take) {
		char *value = line->begin + line->value_at[i];

		over = columns(line, p) - max;
		take = value > p ? 0 : over < line->pad[i] ? over : line->pad[i];
		if (take)
			memmove(value - take, value, (size_t)(p - value));
	}
	return p;
}

/* Shares out what both ends must give up: the longer one first. */
static void cut_ends(struct line *line, unsigned int over)
{
	unsigned int l = line->end_len[0], r = line->end_len[1];

	for (; over && (l > ENDPOINT_LEAST || r > ENDPOINT_LEAST); over--) {
		if (l >= r)
			l--;
		else
			r--;
	}
	line->end_max[0] = l;
	line->end_max[1] = r;
}

static char *put_fitting(struct view *v, struct line *line, unsigned int max)
{
	char *p;

	line->whole = true;
	p = squeeze(line, put_line(v, line), max);
	if (columns(line, p) > max) {
		cut_ends(line, columns(line, p) - max);
		p = squeeze(line, put_line(v, line), max);
	}
	if (columns(line, p) > max)		/* numbers that no kernel has: a hostile recording */
		p = line->origin + max;
	return trim(p);
}

/* Green: an arrival. */
static const char *color_of(const struct model_event *ev)
{
	if (ev->event == TCPTRACE_ACCEPT && ev->rec->ret < 0)
		return "\033[35m";
	if (ev->event == TCPTRACE_ACCEPT || ev->event == TCPTRACE_ACCEPTQ_ADD)
		return "\033[32m";
	return trouble_color(ev->event, ev->cause);
}

void table_line(struct view *v, const struct model_event *ev)
{
	const char *color = v->cfg.color ? color_of(ev) : NULL;
	unsigned int max = v->cfg.columns ? v->cfg.columns : TABLE_COLUMNS;
	struct table *t = v->priv;
	struct line line = { .ev = ev, .end_max = { -1u, -1u } };
	struct out *o = v->out;
	char *p;

	if (t->laid_out != v->cfg.columns)
		table_lay_out(t, &v->cfg);
	out_make_room(o, OUT_LINE_MAX);
	line.begin = color ? put_str(out_at(o), color) : out_at(o);
	p = squeeze(&line, put_line(v, &line), max);
	if (columns(&line, p) > max)
		p = put_fitting(v, &line, max);
	if (color)
		p = put_mem(p, "[0m", 4);
	out_take(o, p);
	out_line_end(o);
	if (v->cfg.explain)
		explain_put(v, explain_event(ev), EXPLAIN_AT);
	v->shown++;
}
