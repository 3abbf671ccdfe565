// SPDX-License-Identifier: GPL-2.0-only
/*
 * Draws one connection: who it was, then a row a step. Time goes down the page,
 * in microseconds since the first step (a call entered before it is negative).
 *
 * conn 3  client  curl[28563]   127.0.0.1:51946
 * conn 4  server  nginx[28514]  127.0.0.1:18123
 *         us client                                   server                 queue limit 2: holds 3
 *        128 connect() called      │                  │
 *        158 SYN_SENT              │── SYN ───        │
 *        207                       │        ── SYN ──▶│ NEW_SYN_RECV           SYN █░░ 1/2  ACC ░░░ 0/2
 *        208                       │    ── SYN-ACK ───│                        SYN █░░ 1/2  ACC ░░░ 0/2
 *        222 ESTABLISHED           │◀── SYN-ACK ──    │
 *        232                       │─────── ACK ─────▶│ SYN_RECV
 *
 * An arrow in two halves: the segment was seen to leave and to arrive, each at its
 * time. A whole one: one of the two was seen, at this time.
 */
#include <stdio.h>
#include <string.h>

#include "explain.h"
#include "flow.h"

#define COLUMNS		100u
#define TIME_WIDTH	10u
#define LEFT_WIDTH	22u
#define ARROW_WIDTH	17u
#define RIGHT_AT	(TIME_WIDTH + 1 + LEFT_WIDTH + 1 + ARROW_WIDTH + 1 + 1)
#define RIGHT_WIDTH	(COLUMNS - RIGHT_AT)
#define QUEUES_WIDTH	24u		/* SYN █░░ 1/2  ACC ░░░ 0/2 */
#define EXPLAIN_AT	12u

struct glyphs {
	const char *line, *dash, *right, *left, *full, *empty;
};

static const struct glyphs utf8_glyphs = { "│", "─", "▶", "◀", "█", "░" };
static const struct glyphs ascii_glyphs = { "|", "-", ">", "<", "#", "." };

static const struct glyphs *glyphs_of(const struct view *v)
{
	return v->cfg.utf8 ? &utf8_glyphs : &ascii_glyphs;
}

/* ---- who ---- */

/* "curl[28563]": a program chooses its name, so it is cut. Returns its columns. */
static unsigned int put_who(struct out *o, const struct owner *who)
{
	size_t from;
	unsigned int n;

	if (!who->pid) {
		out_char(o, '-');
		return 1;
	}
	n = out_safe_cut(o, who->comm, TCPTRACE_COMM_LEN, 16);
	from = o->len;
	out_char(o, '[');
	out_u64(o, who->pid);
	out_char(o, ']');
	return n + (unsigned int)(o->len - from);
}

/* Where both ends are in different namespaces; on a line of its own where a long address leaves no room. */
static void put_netns(struct out *o, uint32_t netns, unsigned int columns)
{
	if (columns + 18 > COLUMNS) {
		out_line_end(o);
		out_spaces(o, 15);
	}
	out_str(o, "  netns ");
	out_u64(o, netns);
}

static void put_end(struct view *v, const struct track *t, const struct track *peer, const char *role)
{
	struct out *o = v->out;
	size_t from = o->len, end_from;
	unsigned int n;

	if (t && t->conn) {
		out_str(o, "conn ");
		out_u64(o, t->conn);
	}
	out_mem(o, "  ", o->len > from ? 2 : 0);
	out_pad_to(o, from, 9);
	out_str(o, role);
	out_mem(o, "  ", 2);
	if (t) {
		n = (unsigned int)(o->len - from) + put_who(o, &t->who);
		out_spaces(o, n < 31 ? 31 - n : 0);
		out_mem(o, "  ", 2);
		end_from = o->len;
		out_endpoint(o, t->tuple.laddr, t->tuple.lport);
		if (peer && peer->tuple.netns != t->tuple.netns)
			put_netns(o, t->tuple.netns, (n < 31 ? 31 : n) + 2 + (unsigned int)(o->len - end_from));
	} else {
		out_str(o, "not seen here   ");
		out_endpoint(o, peer->tuple.raddr, peer->tuple.rport);
	}
	out_line_end(o);
}

/* Above the queues, which begin QUEUES_WIDTH before the end of the line where they can. */
static void put_limit(struct out *o, uint32_t limit)
{
	char text[64];
	unsigned int n = (unsigned int)snprintf(text, sizeof(text), "queue limit %u: holds %llu", limit,
						limit + 1ull);

	out_spaces(o, RIGHT_WIDTH - 6 - (n > QUEUES_WIDTH ? n : QUEUES_WIDTH));
	out_str(o, text);
}

static void put_title(struct view *v, const struct track *left, const struct track *right)
{
	struct out *o = v->out;

	out_line_end(o);
	if (v->cfg.color)
		out_str(o, "\033[1m");
	put_end(v, left, right, "client");
	put_end(v, right, left, "server");
	if (v->cfg.color)
		out_str(o, "\033[0m");
	if ((left && left->midway) || (right && right->midway)) {
		out_str(o, "         its beginning was not seen: it was there before");
		out_line_end(o);
	}
	if (v->cfg.no_header)
		return;
	out_str(o, "        us client");
	out_spaces(o, RIGHT_AT - 17);
	out_str(o, "server");
	if (right && right->limit_known)
		put_limit(o, right->limit);
	out_line_end(o);
}

/* ---- the row ---- */

/* Never wider than its column: what a damaged recording says is no time. */
static void put_time(struct out *o, int64_t us)
{
	char s[32];

	if (us / 1000000 > 99999999 || us / 1000000 < -9999999)
		snprintf(s, sizeof(s), "?");
	else if (us > 999999999 || us < -99999999)
		snprintf(s, sizeof(s), "%llds", (long long)us / 1000000);
	else
		snprintf(s, sizeof(s), "%lld", (long long)us);
	out_spaces(o, strlen(s) < TIME_WIDTH ? TIME_WIDTH - (unsigned int)strlen(s) : 0);
	out_str(o, s);
}

/* "── SYN ───", from the side where it was seen; half: as far as the middle */
static void put_arrow(struct view *v, const struct row *r)
{
	static const char *const names[] = { "", "SYN", "SYN-ACK", "ACK", "FIN", "RST", "segment" };
	const struct glyphs *g = glyphs_of(v);
	unsigned int from = r->arrives ? !r->side : r->side, len, span, start, at, i;
	struct out *o = v->out;
	char label[32];
	bool head = r->arrives || !r->half;

	if (!r->segment) {
		out_spaces(o, ARROW_WIDTH);
		return;
	}
	len = (unsigned int)snprintf(label, sizeof(label), " %s%s ", names[r->segment], r->again ? " again" : "");
	span = !r->half ? ARROW_WIDTH : len + 3 < ARROW_WIDTH / 2 + 1 ? ARROW_WIDTH / 2 + 1 : len + 3;
	start = r->side == 0 ? 0 : ARROW_WIDTH - span;
	at = start + (span - len) / 2;
	for (i = 0; i < ARROW_WIDTH; i++) {
		if (i == at) {
			out_str(o, label);
			i += len - 1;
		} else if (i < start || i >= start + span) {
			out_char(o, ' ');
		} else if (head && from == 0 && i == start + span - 1) {
			out_str(o, g->right);
		} else if (head && from == 1 && i == start) {
			out_str(o, g->left);
		} else {
			out_str(o, g->dash);
		}
	}
}

/* "SYN █░░ 1/2": three cells for what the queue holds, and that is one more than its limit */
static unsigned int put_queue(struct view *v, const char *name, uint32_t now, uint32_t limit, bool with_limit)
{
	const struct glyphs *g = glyphs_of(v);
	uint64_t cells = ((uint64_t)now * 3 + limit) / ((uint64_t)limit + 1), i;
	struct out *o = v->out;
	size_t from;

	out_str(o, name);
	out_char(o, ' ');
	for (i = 0; i < 3; i++)
		out_str(o, i < cells ? g->full : g->empty);
	from = o->len;
	out_char(o, ' ');
	out_u64(o, now);
	if (with_limit) {
		out_char(o, '/');
		out_u64(o, limit);
	}
	return (unsigned int)(strlen(name) + 4 + o->len - from);
}

static unsigned int put_queues(struct view *v, const struct flow_step *s, bool with_limit)
{
	unsigned int n = put_queue(v, "SYN", s->synq, s->limit, with_limit);

	out_mem(v->out, "  ", 2);
	return n + 2 + put_queue(v, "ACC", s->acceptq, s->limit, with_limit);
}

/* The server's text, and its queues at the end of the line; too long together: the title has the limit. */
static void put_right(struct view *v, const struct row *r, const char *text)
{
	unsigned int len = (unsigned int)strlen(text), n = 0, room;
	struct out *o = v->out;
	size_t from;
	int with_limit;

	out_str(o, text);
	if (r->side != 1 || r->kind != ROW_STEP || !r->step->has_queues)
		return;
	from = o->len;
	room = RIGHT_WIDTH > len ? RIGHT_WIDTH - len : 0;
	for (with_limit = 1; with_limit >= 0; with_limit--) {
		o->len = from;
		n = put_queues(v, r->step, with_limit);
		if (n < room)
			break;
	}
	if (with_limit < 0) {
		o->len = from;
		return;
	}
	/* once more, behind its padding: the queues begin where they do on other rows, if they can */
	o->len = from;
	out_spaces(o, n <= QUEUES_WIDTH && len < RIGHT_WIDTH - QUEUES_WIDTH ? RIGHT_WIDTH - QUEUES_WIDTH - len :
		   room - n);
	put_queues(v, r->step, with_limit);
}

/* Red: refused. Yellow: sent again, given up, reset. */
static const char *color_of(const struct row *r)
{
	switch (r->step->event) {
	case TCPTRACE_DROP: case TCPTRACE_COOKIE_BAD:
		return "\033[31m";
	case TCPTRACE_RETRANS: case TCPTRACE_SYNACK_RETRANS: case TCPTRACE_RST_SENT: case TCPTRACE_RST_RECEIVED:
		return "\033[33m";
	case TCPTRACE_SYNQ_DEL:
		return r->step->cause != TCPTRACE_SYNQ_ESTABLISHED ? "\033[33m" : NULL;
	case TCPTRACE_ACCEPTQ_DEL:
		return r->step->cause != TCPTRACE_ACCEPTQ_ACCEPTED ? "\033[33m" : NULL;
	}
	return NULL;
}

static void put_row(struct view *v, const struct row *r, uint64_t zero_ns)
{
	const char *color = v->cfg.color && r->kind != ROW_GAP ? color_of(r) : NULL;
	const struct glyphs *g = glyphs_of(v);
	struct out *o = v->out;
	char text[64];

	out_make_room(o, OUT_LINE_MAX);
	if (color)
		out_str(o, color);
	put_time(o, ((int64_t)(r->t_ns - zero_ns)) / 1000);
	out_char(o, ' ');
	flow_row_text(text, sizeof(text), r);
	text[r->side ? RIGHT_WIDTH : LEFT_WIDTH] = 0;
	out_str_pad(o, r->side ? "" : text, LEFT_WIDTH);
	out_str(o, g->line);
	put_arrow(v, r);
	out_str(o, g->line);
	out_char(o, ' ');
	put_right(v, r, r->side ? text : "");
	while (o->buf[o->len - 1] == ' ')
		o->len--;
	if (color)
		out_mem(o, "\033[0m", 4);
	out_line_end(o);
}

static void put_gap(struct view *v, const struct track *t)
{
	out_spaces(v->out, TIME_WIDTH + 1);
	out_str(v->out, "... ");
	out_u64(v->out, t->nsteps - TRACK_HEAD - TRACK_TAIL);
	out_str(v->out, t->server ? " steps of the server left out ..." : " steps of the client left out ...");
	out_line_end(v->out);
}

static uint64_t first_ns(const struct row *rows, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (rows[i].kind == ROW_STEP)
			return rows[i].t_ns;
	}
	return 0;
}

void ladder_draw(struct view *v, struct row *rows, const struct track *left, const struct track *right)
{
	unsigned int i, n = flow_rows(rows, left, right);
	const struct track *ends[2] = { left, right };
	uint64_t zero_ns = first_ns(rows, n);
	const struct row *r;

	put_title(v, left, right);
	for (i = 0; i < n; i++) {
		r = &rows[i];
		if (r->kind == ROW_GAP) {
			put_gap(v, ends[r->side]);
			continue;
		}
		put_row(v, r, zero_ns);
		if (v->cfg.explain && r->kind == ROW_STEP)
			explain_put(v, explain(r->step->event, r->step->old, r->step->new, r->step->cause,
					       r->step->ret), EXPLAIN_AT);
	}
	for (i = 0; i < 2; i++) {
		if (ends[i] && ends[i]->conn && !ends[i]->ended) {
			out_str(v->out, i ? "           the server's end goes on" : "           the client's end goes on");
			out_line_end(v->out);
		}
	}
}
