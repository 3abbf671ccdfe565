// SPDX-License-Identifier: GPL-2.0-only
/*
 * A connection as a line of text:
 *
 * PID     COMM      LOCAL   REMOTE                   IN   OUT   LIFE END
 * 4242    nginx     <:8080  10.0.0.7:43218          386 10.0M  12.4s closed us
 * 1811    curl      >:43340 192.0.2.13:80             0     0  300ms closed early
 *
 * TIME, NETNS and HOST take their room from the other columns, of which fewer are shown then. Addresses are never cut: a
 * longer one makes its column wider from that line on, with a header again. A pipe gets the form of 100 columns.
 */
#include "conns.h"
#include "../../lib/tr.h"

enum column {
	TIME, NETNS, HOST, CONN, PID, COMM, LOCAL, REMOTE, IN, OUT, LIFE, RTT, WAIT, SYNQ, OPEN, CLOSING, SRTT, RETR, END, COLUMNS
};

static const struct {
	const char *title;
	uint8_t width;
	bool right;
	uint16_t from;			/* the least room that shows it */
} columns[] = {
	[TIME] = { "TIME", 15, false, 0 },
	[NETNS] = { "NETNS", 10, false, 0 },
	[HOST] = { "HOST", 12, false, 0 },
	[CONN] = { "CONN", 6, false, 180 },
	[PID] = { "PID", 7, false, 69 },
	[COMM] = { "COMM", 9, false, 79 },
	[LOCAL] = { "LOCAL", 7, false, 0 },
	[REMOTE] = { "REMOTE", 21, false, 0 },
	[IN] = { "IN", 5, true, 0 },
	[OUT] = { "OUT", 5, true, 0 },
	[LIFE] = { "LIFE", 6, true, 0 },
	[RTT] = { "RTT", 6, true, 100 },
	[WAIT] = { "WAIT", 6, true, 100 },
	[SYNQ] = { "SYNQ", 6, true, 158 },
	[OPEN] = { "OPEN", 7, true, 132 },
	[CLOSING] = { "CLOSING", 7, true, 166 },
	[SRTT] = { "SRTT", 6, true, 173 },
	[RETR] = { "RETR", 5, true, 132 },
	[END] = { "END", 12, false, 0 },
};

#define WIDE	132u			/* from here on with the local address and the whole sentence */

/* Of those that are there for other reasons than the room. */
static bool wanted(const struct view *v, const struct rows *rows, enum column c)
{
	if (c == TIME)
		return v->cfg.time != VIEW_TIME_NONE;
	return c == NETNS ? rows->namespaces : v->cfg.hosts != NULL;
}

static bool shown(const struct view *v, const struct rows *rows, enum column c)
{
	return c <= HOST ? wanted(v, rows, c) : rows->room >= columns[c].from;
}

static unsigned int width(const struct view *v, const struct rows *rows, enum column c)
{
	if (c == TIME)		/* seconds are shorter */
		return v->cfg.columns && v->cfg.time == VIEW_TIME_START ? 10 : columns[c].width;
	if (c == LOCAL)
		return rows->local;
	return c == REMOTE ? rows->remote : columns[c].width;
}

/* What the terminal leaves to the columns from CONN on. */
static unsigned int room(const struct view *v, const struct rows *rows)
{
	unsigned int all = v->cfg.columns, others = 0;

	if (v->cfg.conns && v->cfg.conns->wide)
		return 200;
	if (!all)
		return 100;
	for (unsigned int c = TIME; c <= HOST; c++)
		others += wanted(v, rows, c) ? width(v, rows, c) + 1 : 0;
	return all > others ? all - others : 1;
}

/* ---- one value ---- */

/* 930us 12.4ms 300ms 2.73s 3m21s 5h03m 12d3h */
static void put_parts(struct out *o, uint64_t n, unsigned int decimals, const char *unit)
{
	static const unsigned int tens[] = { 1, 10, 100 };

	out_u64(o, n / tens[decimals]);
	if (decimals) {
		out_char(o, '.');
		out_digits(o, n, decimals);
	}
	out_str(o, unit);
}

static void put_two(struct out *o, uint64_t n, uint64_t of, const char *unit, const char *rest)
{
	out_u64(o, n / of);
	out_str(o, unit);
	if (of == 60)
		out_digits(o, n % of, 2);
	else
		out_u64(o, n % of);
	out_str(o, rest);
}

static void put_span(struct out *o, uint64_t ns)
{
	uint64_t us = ns / 1000, s = ns / 1000000000;

	if (ns == TIME_UNKNOWN)
		out_char(o, '-');
	else if (us < 1000)
		put_parts(o, us, 0, "us");
	else if (us < 10000)
		put_parts(o, us / 10, 2, "ms");
	else if (us < 100000)
		put_parts(o, us / 100, 1, "ms");
	else if (us < 1000000)
		put_parts(o, us / 1000, 0, "ms");
	else if (s < 10)
		put_parts(o, us / 10000, 2, "s");
	else if (s < 60)
		put_parts(o, us / 100000, 1, "s");
	else if (s < 3600)
		put_two(o, s, 60, "m", "s");
	else if (s < 86400)
		put_two(o, s / 60, 60, "h", "m");
	else
		put_two(o, s / 3600, 24, "d", "h");
}

/* 9999 9.8K 100K 1.0M: of 1024 */
static void put_bytes(struct out *o, bool known, uint64_t n)
{
	static const char units[] = "KMGTPE";
	unsigned int unit = 0;
	uint64_t rest = n;

	if (!known) {
		out_char(o, '-');
		return;
	}
	if (n < 10000) {
		out_u64(o, n);
		return;
	}
	for (; rest >= 1000 * 1024ull; rest /= 1024)
		unit++;
	if (rest < 100 * 1024)
		put_parts(o, rest * 10 / 1024, 1, "");
	else
		out_u64(o, rest / 1024);
	out_char(o, units[unit]);
}

static void put_local(struct view *v, const struct rows *rows, const struct conn_row *r)
{
	static const char marks[] = { '?', '<', '>' };
	const struct conn_life *l = r->l;

	out_char(v->out, r->peer ? '=' : marks[l->role]);
	if (rows->room >= WIDE && l->tuple.lport) {
		out_endpoint(v->out, l->tuple.laddr, l->tuple.lport);
		return;
	}
	if (!l->tuple.lport) {
		out_char(v->out, '-');
		return;
	}
	out_char(v->out, ':');
	out_u64(v->out, l->tuple.lport);
}

/* A recording begins with the first step of the first line, unless it was said before. */
static void put_time(struct view *v, const struct conn_row *r)
{
	static struct view_clock clock;
	uint64_t ns;

	out_make_room(v->out, 64 + PUT_SLACK);
	if (v->cfg.time == VIEW_TIME_WALL) {
		out_take(v->out, view_hhmmss(&clock, out_at(v->out), (int64_t)(r->until_ns + (uint64_t)v->cfg.wall_offset_ns)));
		return;
	}
	if (!v->cfg.start_ns)
		v->cfg.start_ns = r->l->seen_ns;
	ns = r->until_ns > v->cfg.start_ns ? r->until_ns - v->cfg.start_ns : 0;
	out_u64(v->out, ns / 1000000000);
	out_char(v->out, '.');
	out_digits(v->out, ns / 1000, 6);
}

static void put_end(struct view *v, const struct rows *rows, const struct conn_row *r)
{
	uint64_t count = r->end == LIFE_REFUSED || r->end == LIFE_NO_ANSWER ? row_syns(r) : 0;

	if (r->deduced)
		out_char(v->out, '~');
	if (rows->room >= WIDE) {
		row_sentence(v->out, r, false);
		return;
	}
	if (r->end == LIFE_NOT_SENT || r->end == LIFE_UNREACHABLE) {
		const char *name = row_errno_name(r);

		out_str(v->out, name ? name : tr(life_end_short(r->end)));
		return;
	}
	/* one word for both ends, but only one of them has a SYN queue */
	out_str(v->out, r->end == LIFE_HALF_OPEN && r->l->role == ROLE_CLIENT ? _("connecting") : tr(life_end_short(r->end)));
	if (count > 1) {
		out_char(v->out, ' ');
		out_u64(v->out, count);
		out_char(v->out, 'x');
	}
}

static void put_owner(struct out *o, const struct conn_life *l, bool pid)
{
	if (!l->owner.pid)
		out_char(o, '-');
	else if (pid)
		out_u64(o, l->owner.pid);
	else if (!out_safe_cut(o, l->owner.comm, TCPTRACE_COMM_LEN, columns[COMM].width))
		out_char(o, '-');
}

static void put_life(struct out *o, const struct conn_row *r)
{
	if (r->l->before)
		out_char(o, '>');
	else if (r->deduced)
		out_char(o, '~');
	put_span(o, row_life_ns(r));
}

static void put_value(struct view *v, const struct rows *rows, const struct conn_row *r, enum column c)
{
	const struct conn_life *l = r->l;
	struct out *o = v->out;

	switch (c) {
	case TIME: put_time(v, r); break;
	case NETNS:
		if (l->tuple.netns)
			out_u64(o, l->tuple.netns);
		else
			out_char(o, '-');
		break;
	case HOST:
		if (r->host)
			out_safe_cut(o, r->host, 255, columns[HOST].width);
		break;
	case CONN:
		if (l->conn)
			out_u64(o, l->conn);
		else
			out_char(o, '-');
		break;
	case PID: case COMM: put_owner(o, l, c == PID); break;
	case LOCAL: put_local(v, rows, r); break;
	case REMOTE:
		if (l->tuple.rport)
			out_endpoint(o, l->tuple.raddr, l->tuple.rport);
		else
			out_char(o, '-');
		break;
	case IN: put_bytes(o, l->totals.known, l->totals.in); break;
	case OUT: put_bytes(o, l->totals.known, l->totals.out); break;
	case LIFE: put_life(o, r); break;
	case RTT: put_span(o, row_rtt_ns(r)); break;
	case WAIT: put_span(o, row_wait_ns(r)); break;
	case SYNQ: put_span(o, row_synq_ns(r)); break;
	case OPEN: put_span(o, row_open_ns(r)); break;
	case CLOSING: put_span(o, row_closing_ns(r)); break;
	case SRTT: put_span(o, row_srtt_ns(r)); break;
	case RETR: put_bytes(o, l->totals.known, row_retrans(r)); break;
	case END: put_end(v, rows, r); break;
	case COLUMNS: break;
	}
}

/* ---- a line ---- */

/* What was just written moves to the right of its column. */
static void align_right(struct out *o, size_t from, unsigned int to)
{
	size_t n = o->len - from;
	char text[64];

	if (n >= to || n > sizeof(text))
		return;
	memcpy(text, o->buf + from, n);
	o->len = from;
	out_spaces(o, to - (unsigned int)n);
	out_mem(o, text, n);
}

/* What was written from there on is the value, or the title, of column c. */
static void end_cell(struct view *v, size_t from, const struct rows *rows, enum column c)
{
	struct out *o = v->out;

	if (columns[c].right)
		align_right(o, from, width(v, rows, c));
	if (c != END) {
		out_pad_to(o, from, width(v, rows, c));
		out_char(o, ' ');
	}
}

static void put_header(struct view *v, const struct rows *rows)
{
	struct out *o = v->out;

	for (unsigned int c = 0; c < COLUMNS; c++) {
		size_t from = o->len;

		if (!shown(v, rows, c))
			continue;
		out_str(o, columns[c].title);
		end_cell(v, from, rows, c);
	}
	out_line_end(o);
}

static unsigned int length(struct view *v, const struct rows *rows, const struct conn_row *r, enum column c)
{
	size_t from = v->out->len, n;

	put_value(v, rows, r, c);
	n = v->out->len - from;
	v->out->len = from;
	return (unsigned int)n;
}

/* The first of another namespace; where there is one alone it need not be said. */
static bool is_elsewhere(struct rows *rows, const struct conn_row *r)
{
	uint32_t netns = r->l->tuple.netns;

	if (!rows->netns)
		rows->netns = netns;
	if (rows->namespaces || !netns || netns == rows->netns)
		return false;
	rows->namespaces = true;
	return true;
}

/* Widens what the row needs wider; true: there is another header to write. */
static bool grow(struct view *v, struct rows *rows, const struct conn_row *r)
{
	bool first = is_elsewhere(rows, r);
	unsigned int now = room(v, rows), least = now >= WIDE ? 22 : 7, local, remote;

	if (now != rows->room) {
		first = true;
		rows->room = now;
		rows->local = least;
	}
	local = length(v, rows, r, LOCAL);
	remote = length(v, rows, r, REMOTE);
	if (rows->remote < columns[REMOTE].width)
		rows->remote = columns[REMOTE].width;
	if (!first && local <= rows->local && remote <= rows->remote)
		return false;
	if (local > rows->local)
		rows->local = local;
	if (remote > rows->remote)
		rows->remote = remote;
	return true;
}

void rows_put(struct view *v, struct rows *rows, const struct conn_row *r)
{
	struct out *o = v->out;

	out_make_room(o, OUT_LINE_MAX);
	if (grow(v, rows, r) && !v->cfg.no_header)
		put_header(v, rows);
	for (unsigned int c = 0; c < COLUMNS; c++) {
		size_t from = o->len;

		if (!shown(v, rows, c))
			continue;
		put_value(v, rows, r, c);
		end_cell(v, from, rows, c);
	}
	out_line_end(o);
}
