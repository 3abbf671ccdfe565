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

#include "../lib/tr.h"
#include "../lib/wrap.h"
#include "explain.h"
#include "hosts.h"
#include "ladder.h"
#include "pair.h"

#define WHO_WIDTH	31u
#define WHO_WIDTH_80	27u
#define EXPLAIN_AT	12u

static unsigned int digits(uint64_t n)
{
	return n < 10 ? 1 : 1 + digits(n / 10);
}

/* In 80 columns the heading names the queues, and the title has their limit. */
static void lay_out(struct ladder *d, const struct view *v, const struct track *right)
{
	unsigned int columns = v->cfg.columns ? v->cfg.columns : 100;
	unsigned int limit = right && right->limit_known ? right->limit : 0;

	*d = (struct ladder){ .columns = 80, .time = 7, .left = 22, .gap = 1 };
	if (columns >= 100)
		*d = (struct ladder){ .columns = 100, .time = 10, .left = 22, .gap = 2, .names = true };
	d->right = d->columns - (d->time + 1 + d->left + 1 + LADDER_ARROW + 1 + 1);
	d->digits = digits(limit + 1ull);
	d->limits = d->names && limit < 100;
	d->cell = (d->names ? 4 : 0) + 4 + d->digits + (d->limits ? 1 + digits(limit) : 0);
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

/* A remark after the address, or on a line of its own where a long address leaves no room. */
static unsigned int put_remark(const struct ladder *d, struct out *o, unsigned int at, const char *text)
{
	if (at + 2 + text_columns(text) > d->columns) {
		out_line_end(o);
		out_spaces(o, 15);
		at = 15;
	}
	out_mem(o, "  ", 2);
	out_str(o, text);
	return at + 2 + text_columns(text);
}

/* Its columns; a conn has at most 20 digits. */
static unsigned int put_role(struct out *o, const struct track *t, const char *role)
{
	size_t from = o->len;

	if (t && t->conn) {
		out_str(o, "conn ");
		out_u64(o, t->conn);
	}
	out_mem(o, "  ", o->len > from ? 2 : 0);
	out_pad_to(o, from, 9);
	out_str(o, role);
	out_mem(o, "  ", 2);
	return (unsigned int)(o->len - from) - (unsigned int)strlen(role) + text_columns(role);
}

/* Where a long name leaves no room for it, it has a line of its own, too. Returns the columns until there. */
static unsigned int put_address(const struct ladder *d, struct out *o, unsigned int n, unsigned int at,
				const struct track *t)
{
	size_t from = o->len, address;

	out_spaces(o, (n < at ? at - n : 0) + 2);
	address = o->len;
	out_endpoint(o, t->tuple.laddr, t->tuple.lport);
	n += (unsigned int)(o->len - from);
	if (n <= d->columns)
		return n;
	n = 17 + (unsigned int)(o->len - address);
	o->len = from;
	out_line_end(o);
	out_spaces(o, 17);
	out_endpoint(o, t->tuple.laddr, t->tuple.lport);
	return n;
}

/* A sentence of hosts.c below the ends. */
static void put_of_hosts(const struct ladder *d, struct view *v, const char *text, unsigned int host)
{
	struct out line;

	if (out_open(&line, -1))
		return;
	line.ascii = v->out->ascii;
	hosts_say(&line, v->cfg.hosts, text, host);
	out_char(&line, 0);
	out_spaces(v->out, 9);
	out_wrapped_from(v->out, line.buf, 9, 9, d->columns);
	line.len = 0;
	out_close(&line);
}

/* Another machine's recording may say why, or that it never came there. */
static void put_missing(const struct ladder *d, struct view *v, const struct track *peer)
{
	const struct host_end end = {
		.host = peer->host, .raddr = peer->tuple.raddr, .t_ns = peer->head[0].t_ns, .client = !peer->server,
		.midway = peer->midway, .answered = peer->answered,
	};
	unsigned int host;
	const char *why = v->cfg.hosts && peer->nsteps ? hosts_why_missing(v->cfg.hosts, &end, &host) : NULL;

	out_str(v->out, v->cfg.hosts ? _("in none of the recordings") : _("not seen here"));
	out_spaces(v->out, 3);
	out_endpoint(v->out, peer->tuple.raddr, peer->tuple.rport);
	out_line_end(v->out);
	if (why)
		put_of_hosts(d, v, why, host);
}

/* Where there are several machines, which; where both ends are in different namespaces, in which. */
static unsigned int put_place(const struct ladder *d, struct view *v, unsigned int n, const struct track *t,
			      const struct track *peer)
{
	char text[512];
	struct out place;

	if (v->cfg.hosts && !out_open(&place, -1)) {
		place.ascii = v->out->ascii;
		out_safe(&place, host_word(v->cfg.hosts, t->host), 255);
		snprintf(text, sizeof(text), "%.*s", (int)place.len, place.buf);
		place.len = 0;
		out_close(&place);
		text_cut(text, d->columns - 17);
		n = put_remark(d, v->out, n, text);
	}
	if (peer && peer->host == t->host && peer->tuple.netns != t->tuple.netns) {
		snprintf(text, sizeof(text), "netns %u", t->tuple.netns);
		n = put_remark(d, v->out, n, text);
	}
	return n;
}

static void put_end(const struct ladder *d, struct view *v, const struct track *t, const struct track *peer,
		    const char *role)
{
	unsigned int n, who_width = d->names ? WHO_WIDTH : WHO_WIDTH_80;
	struct out *o = v->out;
	char text[64];

	n = put_role(o, t, role);
	if (!t) {
		put_missing(d, v, peer);
		return;
	}
	n += put_who(o, &t->who);
	n = put_address(d, o, n, who_width, t);
	n = put_place(d, v, n, t, peer);
	if (!d->names && t->server && t->limit_known) {
		snprintf(text, sizeof(text), _("queue limit %u: holds %llu"), t->limit, t->limit + 1ull);
		put_remark(d, o, n, text);
	}
	out_line_end(o);
}

/* Above the queues: what they are, or how many they hold. */
static void put_heading(const struct ladder *d, struct out *o, const struct track *right)
{
	unsigned int at = d->time - 2 + 3, width = 2 * d->cell + d->gap, n, end = d->columns;
	char text[64];

	out_spaces(o, d->time - 2);
	out_str(o, "us ");
	out_str(o, _("client"));
	at += text_columns(_("client"));
	n = d->columns - d->right;
	out_spaces(o, n - at);
	out_str(o, _("server"));
	at = n + text_columns(_("server"));
	if (!right || !right->limit_known)
		return;
	if (d->names)
		snprintf(text, sizeof(text), _("queue limit %u: holds %llu"), right->limit, right->limit + 1ull);
	else
		snprintf(text, sizeof(text), "%-*s%s", (int)(d->cell + d->gap), "SYN", "ACC");
	n = text_columns(text);
	width = n > width ? n : width;
	if (at + 1 + width > end)		/* a limit of ten digits in 80 columns: the title has it */
		return;
	out_spaces(o, end - at - width);
	out_str(o, text);
}

/* Both ends of one side, on two lines where they are long. */
static void put_route(const struct ladder *d, struct out *o, const struct track *t, const char *role)
{
	size_t from = o->len, middle;

	out_spaces(o, 9);
	out_str(o, role);
	out_mem(o, "  ", 2);
	out_endpoint(o, t->tuple.laddr, t->tuple.lport);
	middle = o->len;
	out_str(o, t->server ? " <- " : " -> ");
	out_endpoint(o, t->tuple.raddr, t->tuple.rport);
	if (o->len - from > d->columns) {
		o->len = middle;
		out_line_end(o);
		out_spaces(o, 16);
		out_str(o, t->server ? " <- " : " -> ");
		out_endpoint(o, t->tuple.raddr, t->tuple.rport);
	}
	out_line_end(o);
}

/* What has been joined by its sequence numbers alone. */
static void put_translated(const struct ladder *d, struct out *o, const struct track *left, const struct track *right)
{
	if (!left->tuple.lport || !left->tuple.rport || !right->tuple.rport ||
	    pair_fit(&left->tuple, &right->tuple, true) != PAIR_NOT)
		return;
	out_spaces(o, 9);
	out_str(o, _("addresses were translated on the way:"));
	out_line_end(o);
	put_route(d, o, left, _("client"));
	put_route(d, o, right, _("server"));
}

/* How sure the order of what the two sides did is. */
static void put_error(struct view *v, const struct track *left, const struct track *right)
{
	int64_t error = v->cfg.hosts ? v->cfg.hosts->error_ns[left->host][right->host] : 0;

	if (!error)
		return;
	out_spaces(v->out, 9);
	if (error < 0) {
		out_str(v->out, _("times of the two sides by their wall clocks: what came first is not known"));
	} else {
		out_str(v->out, _("times of the two sides are sure to "));
		host_span(v->out, (uint64_t)error);
	}
	out_line_end(v->out);
}

static void put_title(const struct ladder *d, struct view *v, const struct track *left, const struct track *right)
{
	struct out *o = v->out;

	out_line_end(o);
	if (v->cfg.color)
		out_str(o, "\033[1m");
	put_end(d, v, left, right, _("client"));
	put_end(d, v, right, left, _("server"));
	if (left && right) {
		put_translated(d, o, left, right);
		put_error(v, left, right);
	}
	if (v->cfg.color)
		out_str(o, "\033[0m");
	if ((left && left->midway) || (right && right->midway)) {
		out_spaces(o, 9);
		out_str(o, _("its beginning was not seen: it was there before"));
		out_line_end(o);
	}
	if (v->cfg.no_header)
		return;
	put_heading(d, o, right);
	out_line_end(o);
}

/* At each row of the side that has another clock than the first row. */
static void be_sure(struct ladder *d, const struct view *v, const struct row *first, const struct track *left,
		    const struct track *right)
{
	int64_t error = v->cfg.hosts && left && right ? v->cfg.hosts->error_ns[left->host][right->host] : 0;
	struct out text;

	d->zero_side = first->side;
	if (!error || out_open(&text, -1))
		return;
	out_str(&text, v->cfg.utf8 ? "±" : "+-");
	if (error < 0)
		out_char(&text, '?');
	else
		host_span(&text, (uint64_t)error);
	snprintf(d->sure, sizeof(d->sure), "%.*s", (int)text.len, text.buf);
	text.len = 0;
	out_close(&text);
}

static void put_gap(const struct ladder *d, struct view *v, const struct track *t)
{
	unsigned long long n = t->nsteps - TRACK_HEAD - TRACK_TAIL;
	char text[96];

	snprintf(text, sizeof(text), t->server ? _("... %llu steps of the server left out ...") :
		 _("... %llu steps of the client left out ..."), n);
	out_spaces(v->out, d->time + 1);
	out_str(v->out, text);
	out_line_end(v->out);
}

static const struct row *first_step(const struct row *rows, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (rows[i].kind == ROW_STEP)
			return &rows[i];
	}
	return NULL;
}

void ladder_draw(struct view *v, struct row *rows, const struct track *left, const struct track *right)
{
	unsigned int i, n = flow_rows(rows, left, right);
	const struct track *ends[2] = { left, right };
	const struct row *r, *first = first_step(rows, n);
	uint64_t zero_ns = first ? first->t_ns : 0;
	struct ladder d;

	lay_out(&d, v, right);
	if (first)
		be_sure(&d, v, first, left, right);
	put_title(&d, v, left, right);
	for (i = 0; i < n; i++) {
		r = &rows[i];
		if (r->kind == ROW_GAP) {
			put_gap(&d, v, ends[r->side]);
			continue;
		}
		ladder_row(&d, v, r, zero_ns);
		if (v->cfg.row)
			v->cfg.row(v->cfg.row_ctx, r);
		if (v->cfg.explain && r->kind == ROW_STEP)
			explain_put(v, explain(r->step->event, r->step->old, r->step->new, r->step->cause,
					       r->step->ret), EXPLAIN_AT);
	}
	for (i = 0; i < 2; i++) {
		if (ends[i] && ends[i]->conn && !ends[i]->ended) {
			out_spaces(v->out, d.time + 1);
			out_str(v->out, i ? _("the server's end goes on") : _("the client's end goes on"));
			out_line_end(v->out);
		}
	}
}
