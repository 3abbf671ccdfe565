/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table: one header, one event a line.
 *
 * EVENT          CONN PID    COMM     LOCAL  REMOTE                MS       SYNQ   ACCEPTQ DETAIL
 * synq-add       1    812    nginx    :8080  127.0.0.1:40412       -        1/511  0/511
 * acceptq-add    1    812    nginx    :8080  127.0.0.1:40412       -        0/511  1/511   handshake
 * acceptq-del    1    812    nginx    :8080  127.0.0.1:40412       0.021    0/511  0/511   accepted
 * state          1    812    nginx    :8080  127.0.0.1:40412       3.112    ESTABLISHED->CLOSE_WAIT
 *
 * In 100 columns the local end is its port; a wider terminal shows it whole.
 *
 * Columns are places, not walls: a long value pushes the rest of its line to the
 * right, and a line that became too wide gives up padding, from the right, as
 * much as is needed. Steps without queues to show put their detail in that place.
 * IPv6 addresses that are longer than their column lose their middle, always the
 * same way; a wider terminal shows more of them, and JSON has them whole.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "explain.h"
#include "field.h"

#define DEFAULT_COLUMNS	100u
#define DETAIL_WHOLE	23u		/* ESTABLISHED->CLOSE_WAIT */
#define ENDPOINT_LEAST	11u
#define EXPLAIN_AT	4u
#define PORT_ONLY	6u		/* LOCAL without its address */

struct table {
	struct view_clock clock;
	uint64_t start_ns;
	unsigned int laid_out;			/* for this many columns */
	unsigned int width[COLUMN_COUNT];	/* 0: not shown */
	unsigned int at[COLUMN_COUNT];
};

/* One line while it is written. */
struct line {
	const struct model_event *ev;
	size_t from;			/* in the buffer, after the colour */
	size_t value_at[COLUMN_COUNT];	/* in the buffer; 0: not written */
	unsigned int pad[COLUMN_COUNT];	/* spaces before it that can be given up */
	unsigned int end_max[2];	/* LOCAL, REMOTE: columns they may take */
	unsigned int end_len[2];	/* and took */
};

/* What a wider terminal is used for, in this order. */
static const struct {
	enum column_id column;
	unsigned int by;
} growth[] = {
	{ COLUMN_COMM, 8 }, { COLUMN_LOCAL, 15 }, { COLUMN_DETAIL, 12 }, { COLUMN_COMM, 7 },
	{ COLUMN_PID, 1 }, { COLUMN_CONN, 2 }, { COLUMN_SYNQ, 3 }, { COLUMN_ACCEPTQ, 2 },
	{ COLUMN_NETNS, 10 }, { COLUMN_LOCAL, 10 }, { COLUMN_REMOTE, 10 }, { COLUMN_TID, 7 },
	{ COLUMN_COOKIE, 8 }, { COLUMN_LOCAL, 16 }, { COLUMN_REMOTE, 16 },
};

/* 90 columns and the time: the name of the process comes with 100. */
static void least_widths(struct table *t, enum view_time time)
{
	static const unsigned int least[COLUMN_COUNT] = {
		[COLUMN_EVENT] = 14, [COLUMN_CONN] = 4, [COLUMN_PID] = 6, [COLUMN_LOCAL] = PORT_ONLY,
		[COLUMN_REMOTE] = 21, [COLUMN_MS] = 8, [COLUMN_SYNQ] = 6, [COLUMN_ACCEPTQ] = 7,
		[COLUMN_DETAIL] = 10,
	};

	memcpy(t->width, least, sizeof(least));
	if (time != VIEW_TIME_NONE)
		t->width[COLUMN_TIME] = time == VIEW_TIME_WALL ? 15 : 10;
}

static unsigned int place(struct table *t)
{
	unsigned int i, at = 0;

	for (i = 0; i < COLUMN_COUNT; i++) {
		t->at[i] = at;
		if (t->width[i])
			at += t->width[i] + 1;
	}
	return at - 1;
}

static void lay_out(struct table *t, const struct view_config *cfg)
{
	unsigned int columns = cfg->columns ? cfg->columns : DEFAULT_COLUMNS;
	unsigned int i;

	least_widths(t, cfg->time);
	for (i = 0; i < sizeof(growth) / sizeof(growth[0]); i++) {
		unsigned int *w = &t->width[growth[i].column];
		unsigned int cost = growth[i].by + (*w ? 0 : 1);

		if (place(t) + cost > columns)
			break;
		*w += growth[i].by;
	}
	place(t);
	t->laid_out = cfg->columns;
}

/* state: OLD->NEW; drop, removals: the cause; listen: what decides; calls: the error. */
static void put_detail(struct out *o, const struct model_event *ev)
{
	const struct tcptrace_record *r = ev->rec;
	struct value v;

	if (ev->flags & (TCPTRACE_F_INFERRED | TCPTRACE_F_SAMPLED))
		out_char(o, '~');
	switch (ev->event) {
	case TCPTRACE_STATE:
		out_str(o, tcp_state_name(ev->old));
		out_mem(o, "->", 2);
		/* fallthrough */
	case TCPTRACE_EXISTS:
		out_str(o, tcp_state_name(ev->new));
		if (ev->flags & TCPTRACE_F_QUEUED)
			out_str(o, " queued");
		return;
	case TCPTRACE_LISTEN:
		if (r->event == TCPTRACE_LISTEN) {
			out_mem(o, "backlog ", 8);
			out_i64(o, r->backlog);
			out_mem(o, " somaxconn ", 11);
			out_u64(o, r->somaxconn);
			if (r->ret < 0)
				out_char(o, ' ');	/* and the error */
		}
		break;
	case TCPTRACE_ACCEPT:
		if (r->ret >= 0 && ev->who && ev->who->fd >= 0) {
			out_mem(o, "fd ", 3);
			out_i64(o, ev->who->fd);
		}
		break;
	case TCPTRACE_READ: case TCPTRACE_WRITE:
		if (r->ret >= 0) {
			out_i64(o, r->ret);
			out_mem(o, " bytes", 6);
		}
		break;
	}
	out_str(o, tcptrace_cause_name(ev->cause));
	if (event_errno(ev, &v) || event_how(ev, &v))
		out_str(o, v.s);
	else if (event_ret(ev, &v) && v.i < 0)
		out_i64(o, v.i);
}

static void put_time(struct view *v, uint64_t t_ns)
{
	struct table *t = v->priv;
	uint64_t us;

	if (v->cfg.time == VIEW_TIME_WALL) {
		out_take(v->out, view_hhmmss(&t->clock, out_at(v->out), (int64_t)t_ns + v->cfg.wall_offset_ns));
		return;
	}
	if (!t->start_ns)
		t->start_ns = v->cfg.start_ns ? v->cfg.start_ns : t_ns;
	us = t_ns > t->start_ns ? (t_ns - t->start_ns) / 1000 : 0;
	out_u64(v->out, us / 1000000);
	out_char(v->out, '.');
	out_digits(v->out, us % 1000000, 6);
}

/* Takes the middle out of what was written since from, so that it keeps max columns and its port. */
static void cut_middle(struct out *o, size_t from, unsigned int max)
{
	size_t len = o->len - from, tail, suffix = 0;
	char *s = o->buf + from;

	if (len <= max || max < ENDPOINT_LEAST)
		return;
	while (s[len - 1 - suffix] != ':')
		suffix++;
	suffix += s[0] == '[' ? 2 : 1;
	tail = suffix + (max - 2 - suffix) / 2;
	memmove(s + max - tail, s + len - tail, tail);
	memcpy(s + max - tail - 2, "..", 2);
	o->len = from + max;
}

static void put_end(struct view *v, struct line *line, enum column_id id, const struct value *val)
{
	const struct table *t = v->priv;
	unsigned int which = id == COLUMN_REMOTE;
	size_t from = v->out->len;

	if (id == COLUMN_LOCAL && t->width[id] == PORT_ONLY) {
		out_char(v->out, ':');
		out_u64(v->out, val->port);
		return;
	}
	out_endpoint(v->out, val->addr, val->port);
	if (v->out->buf[from] == '[')
		cut_middle(v->out, from, t->width[id]);
	cut_middle(v->out, from, line->end_max[which]);
	line->end_len[which] = (unsigned int)(v->out->len - from);
}

static void put_value(struct view *v, struct line *line, enum column_id id, const struct value *val)
{
	const struct table *t = v->priv;
	struct out *o = v->out;

	switch (fields[id].kind) {
	case FK_NAME:
		out_str(o, val->s);
		break;
	case FK_ENDPOINT:
		put_end(v, line, id, val);
		break;
	case FK_OF:
		out_u64(o, val->u);
		out_char(o, '/');
		out_u64(o, val->max);
		break;
	case FK_MS:
		out_ms(o, val->u);
		break;
	case FK_TIME:
		put_time(v, val->u);
		break;
	case FK_DETAIL:
		put_detail(o, line->ev);
		break;
	case FK_COMM: {
		/* Its bytes are not its columns: what they differ by is taken off the line's start. */
		size_t from = o->len;
		unsigned int col = out_safe_cut(o, val->s, TCPTRACE_COMM_LEN, t->width[id]);

		line->from += o->len - from - col;
		break;
	}
	default:
		out_u64(o, val->u);
	}
}

/* listen shows the numbers that the limit comes from, and its queues are empty. */
static bool shows_queues(const struct model_event *ev)
{
	return ev->has_queues && ev->event != TCPTRACE_LISTEN;
}

static void put_column(struct view *v, struct line *line, enum column_id id)
{
	const struct table *t = v->priv;
	bool queues = id == COLUMN_SYNQ || id == COLUMN_ACCEPTQ;
	unsigned int at = t->at[id];
	struct out *o = v->out;
	struct value val;

	if (t->width[COLUMN_DETAIL] < DETAIL_WHOLE && !shows_queues(line->ev)) {
		if (queues)
			return;
		if (id == COLUMN_DETAIL)
			at = t->at[COLUMN_SYNQ];
	}
	if (o->len > line->from) {
		size_t end = o->len + 1;

		out_char(o, ' ');
		out_pad_to(o, line->from, at);
		line->pad[id] = (unsigned int)(o->len - end);
	}
	line->value_at[id] = o->len;
	if (fields[id].get(line->ev, &val))
		put_value(v, line, id, &val);
	else
		out_char(o, '-');
}

/* An event begins with its name, so this ends. */
static void trim(struct out *o)
{
	while (o->buf[o->len - 1] == ' ')
		o->len--;
}

static unsigned int put_line(struct view *v, struct line *line)
{
	const struct table *t = v->priv;
	size_t from = line->from;
	struct out *o = v->out;
	unsigned int i, columns;

	o->len = from;
	for (i = 0; i < COLUMN_COUNT; i++) {
		if (t->width[i])
			put_column(v, line, i);
	}
	trim(o);
	columns = (unsigned int)(o->len - line->from);
	line->from = from;
	return columns;
}

/* Takes padding out of a line that is too wide; returns its columns then. */
static unsigned int squeeze(struct out *o, struct line *line, unsigned int columns, unsigned int max)
{
	unsigned int i, take;

	for (i = COLUMN_COUNT; i-- > 0 && columns > max; columns -= take) {
		size_t at = line->value_at[i];

		take = columns - max < line->pad[i] ? columns - max : line->pad[i];
		if (at > o->len || !take) {
			take = 0;
			continue;
		}
		memmove(o->buf + at - take, o->buf + at, o->len - at);
		o->len -= take;
	}
	return columns;
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

/* Red: refused. Yellow: sent again, given up, reset. Green: an arrival. Dim: transitions. */
static const char *color_of(const struct model_event *ev)
{
	switch (ev->event) {
	case TCPTRACE_DROP: case TCPTRACE_COOKIE_BAD:
		return "[31m";
	case TCPTRACE_RETRANS: case TCPTRACE_SYNACK_RETRANS:
	case TCPTRACE_RST_SENT: case TCPTRACE_RST_RECEIVED:
		return "[33m";
	case TCPTRACE_SYNQ_DEL:
		return ev->cause != TCPTRACE_SYNQ_ESTABLISHED ? "[33m" : NULL;
	case TCPTRACE_ACCEPTQ_DEL:
		return ev->cause != TCPTRACE_ACCEPTQ_ACCEPTED ? "[33m" : NULL;
	case TCPTRACE_ACCEPT:
		return ev->rec->ret < 0 ? "[33m" : "[32m";
	case TCPTRACE_ACCEPTQ_ADD:
		return "[32m";
	case TCPTRACE_STATE:
		return "[2m";
	}
	return NULL;
}

static void table_event(struct view *v, const struct model_event *ev)
{
	struct table *t = v->priv;
	struct line line = { .ev = ev, .end_max = { -1u, -1u } };
	const char *color = v->cfg.color ? color_of(ev) : NULL;
	unsigned int columns, max = v->cfg.columns ? v->cfg.columns : DEFAULT_COLUMNS;

	if (t->laid_out != v->cfg.columns)
		lay_out(t, &v->cfg);
	if (color)
		out_str(v->out, color);
	line.from = v->out->len;
	columns = put_line(v, &line);
	columns = squeeze(v->out, &line, columns, max);
	if (columns > max) {
		cut_ends(&line, columns - max);
		columns = squeeze(v->out, &line, put_line(v, &line), max);
	}
	if (columns > max)		/* numbers that no kernel has: a hostile recording */
		v->out->len -= columns - max;
	trim(v->out);
	if (color)
		out_mem(v->out, "[0m", 4);
	out_line_end(v->out);
	if (v->cfg.explain)
		explain_put(v, explain_event(ev), EXPLAIN_AT);
	v->shown++;
}

static void table_header(struct view *v)
{
	const struct table *t = v->priv;
	size_t from = v->out->len;
	unsigned int i;

	for (i = 0; i < COLUMN_COUNT; i++) {
		if (!t->width[i])
			continue;
		out_pad_to(v->out, from, t->at[i]);
		out_str(v->out, fields[i].title);
		if (i == COLUMN_TIME && v->cfg.time == VIEW_TIME_START)
			out_mem(v->out, "(s)", 3);
	}
	out_line_end(v->out);
}

static int table_open(struct view *v)
{
	struct table *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	v->priv = t;
	v->out->ascii = !v->cfg.utf8;
	lay_out(t, &v->cfg);
	if (!v->cfg.no_header)
		table_header(v);
	return 0;
}

/* lost 12 records of synq-add: the ring buffer was full */
static void table_lost(struct view *v, uint64_t count, const char *where)
{
	if (v->cfg.color)
		out_mem(v->out, "[31m", 5);
	out_mem(v->out, "lost ", 5);
	out_u64(v->out, count);
	out_str(v->out, count == 1 ? " record" : " records");
	if (where[0]) {
		out_mem(v->out, " of ", 4);
		out_str(v->out, where);
	}
	if (v->cfg.color)
		out_mem(v->out, "[0m", 4);
	out_line_end(v->out);
}

static void table_close(struct view *v)
{
	free(v->priv);
	v->priv = NULL;
}

const struct view_ops view_table = {
	.name = "table",
	.open = table_open,
	.event = table_event,
	.lost = table_lost,
	.listener = summary_listener,
	.finding = summary_finding,
	.ledger = summary_ledger,
	.end = summary_end,
	.close = table_close,
};
