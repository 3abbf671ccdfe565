// SPDX-License-Identifier: GPL-2.0-only
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

#include "../lib/tr.h"
#include "summary.h"
#include "table.h"

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
		[COLUMN_EVENT] = 14, [COLUMN_CONN] = 4, [COLUMN_PID] = 6, [COLUMN_LOCAL] = TABLE_PORT_ONLY,
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

void table_lay_out(struct table *t, const struct view_config *cfg)
{
	unsigned int columns = cfg->columns ? cfg->columns : TABLE_COLUMNS;
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
	memset(t->row, 0, sizeof(t->row));
}

/* As a line that is too wide does: gives up padding, from the right. */
static void squeeze_header(struct out *o, size_t from, unsigned int columns)
{
	for (size_t at = o->len - 1; at > from && o->len - from > columns; at--) {
		if (o->buf[at] != ' ' || o->buf[at - 1] != ' ')
			continue;
		memmove(o->buf + at, o->buf + at + 1, o->len - at - 1);
		o->len--;
	}
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
	if (v->cfg.columns)
		squeeze_header(v->out, from, v->cfg.columns);
	out_line_end(v->out);
}

/* The words of a line, once for all. */
static int table_words(struct table *t)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i <= TCPTRACE_EVENT_MAX && !err; i++)
		err = word_set(&t->event[i], tcptrace_event_name(i));
	for (i = 0; i <= TCP_S_MAX && !err; i++)
		err = word_set(&t->state[i], tcp_state_name(i));
	for (i = 0; i <= TCPTRACE_CAUSE_END && !err; i++)
		err = word_set(&t->cause[i], tcptrace_cause_name(i));
	return err;
}

static int table_open(struct view *v)
{
	struct table *t = calloc(1, sizeof(*t));
	int err;

	if (!t)
		return -ENOMEM;
	v->priv = t;
	v->out->ascii = !v->cfg.utf8;
	err = table_words(t);
	table_lay_out(t, &v->cfg);
	if (!err && !v->cfg.no_header)
		table_header(v);
	return err;
}

/* What has ended takes no row from what goes on: a busy machine has thousands in TIME_WAIT. */
static bool is_folded(struct found *f, const struct model_event *ev)
{
	return f->snapshot && ev->event == TCPTRACE_EXISTS && (ev->rec->new == TCP_S_TIME_WAIT || f->rows++ >= TABLE_FOUND);
}

static void table_event(struct view *v, const struct model_event *ev)
{
	struct table *t = v->priv;

	if (!v->cfg.whole_snapshot && is_folded(&t->found, ev)) {
		t->found.more++;
		t->found.by_state[ev->rec->new < TCP_S_MAX ? ev->rec->new : TCP_S_MAX]++;
		return;
	}
	if (repeats_over(&t->repeats, ev->rec->t_ns))
		repeats_put(&t->repeats, v->out);
	if (!v->cfg.trouble || !repeats_count(&t->repeats, ev))
		table_line(v, ev);
}

static void table_tick(struct view *v, const struct model *m, uint64_t now_ns)
{
	struct table *t = v->priv;

	(void)m;
	if (repeats_over(&t->repeats, now_ns))
		repeats_put(&t->repeats, v->out);
}

static void table_finish(struct view *v)
{
	repeats_put(&((struct table *)v->priv)->repeats, v->out);
}

/* "and 13377 more that were there: 27 ESTABLISHED, 13350 TIME_WAIT (-e exists shows them)" */
static void put_found(struct out *o, const struct found *f)
{
	const char *comma = N_(": ");

	summary_with(o, N_("and {1} more that were there"), f->more);
	for (unsigned int i = 0; i <= TCP_S_MAX; i++) {
		if (!f->by_state[i])
			continue;
		out_str(o, tr(comma));
		out_u64(o, f->by_state[i]);
		out_char(o, ' ');
		out_str(o, tcp_state_name(i));
		comma = N_(", ");
	}
	out_str(o, _(" (-e exists shows them)"));
	out_line_end(o);
}

static int table_record(struct view *v, const struct tcptrace_record *rec, bool passed)
{
	struct table *t = v->priv;

	(void)passed;
	if (rec->event != TCPTRACE_SNAPSHOT)
		return 0;
	if (t->found.more && !v->cfg.quiet)
		put_found(v->out, &t->found);
	t->found = (struct found){ .snapshot = !(rec->flags & TCPTRACE_F_END) };
	return 0;
}

/* lost 12 records of synq-add: the ring buffer was full */
static void table_lost(struct view *v, uint64_t count, const char *where)
{
	if (v->cfg.color)
		out_mem(v->out, "[31m", 5);
	view_lost(v->out, count, where);
	if (v->cfg.color)
		out_mem(v->out, "[0m", 4);
	out_line_end(v->out);
}

static int table_close(struct view *v)
{
	free(v->priv);
	v->priv = NULL;
	return 0;
}

const struct view_ops view_table = {
	.name = "table",
	.help = N_("a line for each event, and a summary"),
	.text = true,
	.steps = true,
	.open = table_open,
	.event = table_event,
	.record = table_record,
	.tick = table_tick,
	.finish = table_finish,
	.lost = table_lost,
	.listeners = summary_listeners,
	.finding = summary_finding,
	.end = summary_end,
	.close = table_close,
};
