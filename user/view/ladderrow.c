// SPDX-License-Identifier: GPL-2.0-only
/* One row of the ladder: when, what the client did, a segment, what the server did, its queues. */
#include <stdio.h>
#include <string.h>

#include "../lib/tr.h"
#include "../lib/wrap.h"
#include "ladder.h"

struct glyphs {
	const char *line, *dash, *right, *left, *full, *empty;
};

static const struct glyphs utf8_glyphs = { "│", "─", "▶", "◀", "█", "░" };
static const struct glyphs ascii_glyphs = { "|", "-", ">", "<", "#", "." };

static const struct glyphs *glyphs_of(const struct view *v)
{
	return v->cfg.utf8 ? &utf8_glyphs : &ascii_glyphs;
}

/* Never wider than its column: long times are in ms or s, and what a damaged recording says may be no time. */
static void put_time(struct out *o, int64_t us, unsigned int width)
{
	char s[32];
	unsigned int n = (unsigned int)snprintf(s, sizeof(s), "%lld", (long long)us);

	if (n > width)
		n = (unsigned int)snprintf(s, sizeof(s), "%lldms", (long long)us / 1000);
	if (n > width)
		n = (unsigned int)snprintf(s, sizeof(s), "%llds", (long long)us / 1000000);
	if (n > width)
		n = (unsigned int)snprintf(s, sizeof(s), "?");
	out_spaces(o, width - n);
	out_str(o, s);
}

static const char *segment_name(enum segment segment)
{
	static const char *const names[] = { "", "SYN", "SYN-ACK", "ACK", "FIN", "RST" };

	return segment == SEG_DATA ? _("segment") : names[segment];
}

/* "── SYN ───", from the side where it was seen; half: as far as the middle */
static void put_arrow(struct view *v, const struct row *r)
{
	const struct glyphs *g = glyphs_of(v);
	unsigned int from = r->arrives ? !r->side : r->side, len, span, start, at, i;
	struct out *o = v->out;
	char label[64];
	bool head = r->arrives || !r->half;

	if (!r->segment) {
		out_spaces(o, LADDER_ARROW);
		return;
	}
	snprintf(label, sizeof(label), r->again ? _(" %s again ") : " %s ", segment_name(r->segment));
	len = text_cut(label, LADDER_ARROW);
	span = !r->half ? LADDER_ARROW : len + 3 < LADDER_ARROW / 2 + 1 ? LADDER_ARROW / 2 + 1 : len + 3;
	span = span < LADDER_ARROW ? span : LADDER_ARROW;
	start = r->side == 0 ? 0 : LADDER_ARROW - span;
	at = start + (span - len) / 2;
	for (i = 0; i < LADDER_ARROW; i++) {
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

/* "1/2", or as much of it as there is room for: another listen() may have changed the limit */
static unsigned int put_length(const struct ladder *d, struct out *o, unsigned int room, uint32_t now, uint32_t limit)
{
	char text[32];
	unsigned int n = (unsigned int)snprintf(text, sizeof(text), d->limits ? "%u/%u" : "%u", now, limit);

	if (n > room)
		n = (unsigned int)snprintf(text, sizeof(text), "%u", now);
	if (n > room)
		n = (unsigned int)snprintf(text, sizeof(text), "?");
	out_str(o, text);
	return n;
}

/* "SYN █░░ 1/2", padded to its cell: three blocks for what the queue holds, one more than its limit */
static void put_queue(const struct ladder *d, struct view *v, const char *name, uint32_t now, uint32_t limit)
{
	const struct glyphs *g = glyphs_of(v);
	uint64_t blocks = ((uint64_t)now * 3 + limit) / ((uint64_t)limit + 1), i;
	unsigned int columns = (d->names ? 4 : 0) + 4;
	struct out *o = v->out;

	if (d->names) {
		out_str(o, name);
		out_char(o, ' ');
	}
	for (i = 0; i < 3; i++)
		out_str(o, i < blocks ? g->full : g->empty);
	out_char(o, ' ');
	columns += put_length(d, o, d->cell - columns, now, limit);
	out_spaces(o, d->cell - columns);
}

/* The server's text, and its queues at the end of the row; a long text takes the SYN queue's place, or both. */
static void put_right(const struct ladder *d, struct view *v, const struct row *r, const char *text)
{
	unsigned int len = text_columns(text), at = d->right - 2 * d->cell - d->gap;
	struct out *o = v->out;

	out_str(o, text);
	if (r->side != 1 || r->kind != ROW_STEP || !r->step->has_queues)
		return;
	if (len < at) {
		out_spaces(o, at - len);
		put_queue(d, v, "SYN", r->step->synq, r->step->limit);
		out_spaces(o, d->gap);
	} else if (len < at + d->cell + d->gap) {
		out_spaces(o, at + d->cell + d->gap - len);
	} else {
		return;
	}
	put_queue(d, v, "ACC", r->step->acceptq, r->step->limit);
}

static void put_padded(struct out *o, const char *text, unsigned int width)
{
	unsigned int n = text_columns(text);

	out_str(o, text);
	out_spaces(o, n < width ? width - n : 0);
}

void ladder_row(const struct ladder *d, struct view *v, const struct row *r, uint64_t zero_ns)
{
	const char *color = v->cfg.color ? trouble_color(r->step->event, r->step->cause) : NULL;
	const char *sure = r->side == d->zero_side ? "" : d->sure;	/* in the other side's place, which is empty */
	const struct glyphs *g = glyphs_of(v);
	struct out *o = v->out;
	char text[96];

	out_make_room(o, OUT_LINE_MAX);
	if (color)
		out_str(o, color);
	put_time(o, ((int64_t)(r->t_ns - zero_ns)) / 1000, d->time);
	out_char(o, ' ');
	flow_row_text(text, sizeof(text), r);
	text_cut(text, r->side ? d->right : d->left);
	put_padded(o, r->side ? sure : text, d->left);
	out_str(o, g->line);
	put_arrow(v, r);
	out_str(o, g->line);
	out_char(o, ' ');
	put_right(d, v, r, r->side ? text : sure);
	while (o->buf[o->len - 1] == ' ')
		o->len--;
	if (color)
		out_mem(o, "\033[0m", 4);
	out_line_end(o);
}
