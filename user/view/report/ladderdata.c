// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ladders as data: what ladder.c draws on a terminal, for page.js to draw. One object a
 * connection; its rows are columns, so that a key is written once:
 *
 * {"conn":[2,3],"who":["curl[28563]","nginx[28514]"],"end":["127.0.0.1:51946","127.0.0.1:18123"],"zero":1520,
 *  "t":[0,8689],"side":[0,0],"text":["socket()","connect() called"],"arrow":[0,0],"synq":[-1,-1],"acceptq":[-1,-1],
 *  "mark":[0,0],"why":[0,1]}
 */
#include "../explain.h"
#include "report.h"

/* arrow: the segment, and how it is drawn */
enum { ARROW_AGAIN = 8, ARROW_HALF = 16, ARROW_ARRIVES = 32 };

int64_t texts_number(struct texts *t, const char *msgid)
{
	unsigned int i;

	if (!msgid)
		return -1;
	for (i = 0; i < t->n && t->all[i] != msgid; i++)
		;
	if (i == t->n && t->n < sizeof(t->all) / sizeof(*t->all))
		t->all[t->n++] = msgid;
	return i;
}

static void put_key(struct out *o, const char *key)
{
	out_str(o, ",\"");
	out_str(o, key);
	out_str(o, "\":[");
}

/* ---- rows ---- */

enum column { COL_T, COL_SIDE, COL_ARROW, COL_SYNQ, COL_ACCEPTQ, COL_MARK, COL_WHY, COLUMNS };
static const char *const column_keys[COLUMNS] = { "t", "side", "arrow", "synq", "acceptq", "mark", "why" };

static int64_t arrow_of(const struct row *row)
{
	if (!row->segment)
		return 0;
	return row->segment | (row->again ? ARROW_AGAIN : 0) | (row->half ? ARROW_HALF : 0) |
	       (row->arrives ? ARROW_ARRIVES : 0);
}

/* 2: refused; 1: sent again, given up, reset */
static int64_t mark_of(const struct flow_step *s)
{
	switch (s->event) {
	case TCPTRACE_DROP: case TCPTRACE_COOKIE_BAD:
		return 2;
	case TCPTRACE_RETRANS: case TCPTRACE_SYNACK_RETRANS: case TCPTRACE_RST_SENT: case TCPTRACE_RST_RECEIVED:
		return 1;
	case TCPTRACE_SYNQ_DEL:
		return s->cause != TCPTRACE_SYNQ_ESTABLISHED;
	case TCPTRACE_ACCEPTQ_DEL:
		return s->cause != TCPTRACE_ACCEPTQ_ACCEPTED;
	}
	return 0;
}

/* -1: it has none */
static int64_t number_of(struct report *r, const struct row *row, uint64_t zero_ns, enum column k)
{
	const struct flow_step *s = row->kind == ROW_STEP ? row->step : NULL;
	bool queues = s && row->side == 1 && s->has_queues;

	switch (k) {
	case COL_T: return (int64_t)(row->t_ns - zero_ns) / 1000;
	case COL_SIDE: return row->side;
	case COL_ARROW: return arrow_of(row);
	case COL_SYNQ: return queues ? (int64_t)s->synq : -1;
	case COL_ACCEPTQ: return queues ? (int64_t)s->acceptq : -1;
	case COL_MARK: return s ? mark_of(s) : 0;
	case COL_WHY: return s ? texts_number(&r->explained, explain(s->event, s->old, s->new, s->cause, s->ret)) : -1;
	default: return -1;
	}
}

static void put_texts(struct out *o, const struct row *rows, unsigned int n)
{
	char text[64];

	put_key(o, "text");
	for (unsigned int i = 0; i < n; i++) {
		text[0] = 0;
		if (rows[i].kind != ROW_GAP)
			flow_row_text(text, sizeof(text), &rows[i]);
		out_str(o, i ? "," : "");
		out_script_string(o, text, sizeof(text));
	}
	out_char(o, ']');
}

/* ---- both ends, the client's first ---- */

enum { END_CONN, END_LEFT, END_NETNS, END_GOES_ON, ENDS };
static const char *const end_keys[ENDS] = { "conn", "left", "netns", "goes_on" };

static uint64_t end_number(const struct track *t, const struct track *peer, unsigned int k)
{
	if (!t)
		return 0;
	switch (k) {
	case END_CONN: return t->conn;
	case END_LEFT: return t->nsteps > TRACK_HEAD + TRACK_TAIL ? t->nsteps - TRACK_HEAD - TRACK_TAIL : 0;
	case END_NETNS: return peer && t->tuple.netns != peer->tuple.netns ? t->tuple.netns : 0;
	default: return t->conn && !t->ended;
	}
}

static void put_endpoint_of(struct view *v, const struct track *t, const struct track *peer)
{
	struct report *r = v->priv;
	char text[PUT_ENDPOINT_MAX], *p = text;

	if (t && (t->tuple.lport || !addr_is_any(t->tuple.laddr)))
		p = names_endpoint(&r->names, p, t->tuple.laddr, t->tuple.lport);
	else if (peer && (peer->tuple.rport || !addr_is_any(peer->tuple.raddr)))
		p = names_endpoint(&r->names, p, peer->tuple.raddr, peer->tuple.rport);
	*p = 0;
	out_script_string(v->out, text, sizeof(text));
}

static void put_ends(struct view *v, const struct track *l, const struct track *s)
{
	struct out *o = v->out;

	for (unsigned int k = 0; k < ENDS; k++) {
		put_key(o, end_keys[k]);
		out_u64(o, end_number(l, s, k));
		out_char(o, ',');
		out_u64(o, end_number(s, l, k));
		out_char(o, ']');
	}
	put_key(o, "who");
	script_who(o, l ? &l->who : NULL);
	out_char(o, ',');
	script_who(o, s ? &s->who : NULL);
	out_char(o, ']');
	put_key(o, "end");
	put_endpoint_of(v, l, s);
	out_char(o, ',');
	put_endpoint_of(v, s, l);
	out_char(o, ']');
}

/* ---- the object ---- */

static uint64_t first_ns(const struct row *rows, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n && rows[i].kind != ROW_STEP; i++)
		;
	return i < n ? rows[i].t_ns : 0;
}

static void put_title(struct view *v, const struct ladder *one, uint64_t zero_ns)
{
	const struct track *l = one->left, *s = one->right;
	struct out *o = v->out;

	out_str(o, "{\"zero\":");
	html_since(o, v->priv, zero_ns);
	out_str(o, ",\"midway\":");
	out_u64(o, (l && l->midway) || (s && s->midway));
	if (s && s->limit_known) {
		out_str(o, ",\"limit\":");
		out_u64(o, s->limit);
	}
	put_ends(v, l, s);
}

void report_ladder(struct view *v, const struct ladder *one)
{
	struct report *r = v->priv;
	unsigned int n = flow_rows(r->rows, one->left, one->right), i, k;
	uint64_t zero_ns = first_ns(r->rows, n);
	struct out *o = v->out;

	put_title(v, one, zero_ns);
	for (k = 0; k < COLUMNS; k++) {
		put_key(o, column_keys[k]);
		for (i = 0; i < n; i++) {
			out_str(o, i ? "," : "");
			out_i64(o, number_of(r, &r->rows[i], zero_ns, k));
		}
		out_char(o, ']');
	}
	put_texts(o, r->rows, n);
	out_char(o, '}');
}

void report_ladders(struct view *v)
{
	struct report *r = v->priv;

	out_str(v->out, ",\n\"ladders\":[");
	for (unsigned int i = 0; i < r->nladders; i++) {
		out_str(v->out, i ? ",\n" : "\n");
		report_ladder(v, r->ladders.kept[i].what);
	}
	out_char(v->out, ']');
}

void report_explain(struct view *v)
{
	struct report *r = v->priv;
	const char *text;

	out_str(v->out, ",\n\"explain\":[");
	for (unsigned int i = 0; i < r->explained.n; i++) {
		text = tr(r->explained.all[i]);
		out_str(v->out, i ? ",\n" : "\n");
		out_script_string(v->out, text, strlen(text));
	}
	out_char(v->out, ']');
}
