// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "../../lib/tr.h"
#include "../../lib/wrap.h"
#include "cell.h"

#define COMM_MAX	15u
#define HOST_MAX	20u
#define BAR_FROM	60u		/* a narrower terminal has none */

char *cell_number(char *p, uint64_t n)
{
	if (n < 1000)
		return p + sprintf(p, "%u", (unsigned int)n);
	p = cell_number(p, n / 1000);
	return p + sprintf(p, ",%03u", (unsigned int)(n % 1000));
}

/* n thousandths: what is small with two digits, what is large without a fraction */
static char *put_thousandths(char *p, uint64_t n)
{
	if (n >= 9950)
		return cell_number(p, (n + 500) / 1000);
	if (n >= 995) {
		n = (n + 50) / 100;
		return p + (n % 10 ? sprintf(p, "%u.%u", (unsigned int)(n / 10), (unsigned int)(n % 10)) :
			    sprintf(p, "%u", (unsigned int)(n / 10)));
	}
	if (n && n < 10)
		return p + sprintf(p, "<0.01");
	return p + (n ? sprintf(p, "0.%02u", (unsigned int)(n + 5) / 10) : sprintf(p, "0"));
}

static char *put_known(char *p, char *end, enum known known)
{
	if (known == KNOWN_NOT) {
		*p = '-';
		end = p + 1;
	} else if (known == KNOWN_LEAST) {
		*end++ = '+';
	}
	*end = 0;
	return end;
}

/* n by interval_ns, times factor, in thousandths */
static uint64_t share(uint64_t n, uint64_t interval_ns, double factor)
{
	return interval_ns ? (uint64_t)((double)n / (double)interval_ns * factor * 1000 + 0.5) : 0;
}

char *cell_value(char *p, enum top_kind kind, struct top_value v, uint64_t interval_ns)
{
	switch (kind) {
	case TOP_IS_RATE:
		return put_known(p, put_thousandths(p, share(v.n, interval_ns, 1e9)), v.known);
	case TOP_IS_MS:
		return put_known(p, put_thousandths(p, (v.n + 500) / 1000), v.known);
	case TOP_IS_PERCENT:
		return put_known(p, put_thousandths(p, share(v.n, interval_ns, 100)), v.known);
	default:
		return put_known(p, cell_number(p, v.n), v.known);
	}
}

static char *put_any(char *p, const struct top_row *r)
{
	if (!addr_is_any(r->laddr) || !addr_is_mapped(r->laddr))
		return put_endpoint(p, r->laddr, r->lport);
	*p++ = '*';
	*p++ = ':';
	return put_u64(p, r->lport);
}

/* Its beginning, "~", and from the port on all. */
static char *shorten(char *text, char *end, unsigned int max)
{
	char *port = memrchr(text, ':', (size_t)(end - text));
	size_t keep, tail;

	if (!max || end - text <= (ptrdiff_t)max || !port)
		return end;
	port -= port > text && port[-1] == ']';
	tail = (size_t)(end - port);
	keep = max > tail + 1 ? max - tail - 1 : 0;
	text[keep] = '~';
	memmove(text + keep + 1, port, tail);
	return text + keep + 1 + tail;
}

/* "*:8080 x4", "*:8080 closed", at most max columns: of a long address the beginning; max 0: whole */
static char *put_local(char *p, const struct top_row *r, unsigned int max)
{
	char *end = shorten(p, put_any(p, r), max);

	if (r->members > 1)
		end += sprintf(end, " x%u", r->members);
	else if (!r->members)
		end += sprintf(end, " %s", _("closed"));
	*end = 0;
	return end;
}

char *cell_bar(char *p, const struct top_glyphs *g, uint64_t n, uint64_t limit, unsigned int width)
{
	uint64_t full = (n * width + (limit + 1) / 2) / (limit + 1);

	full = n && !full ? 1 : full < width ? full : width;
	for (unsigned int i = 0; i < width; i++)
		p = put_str(p, i < full ? g->full : g->empty);
	return p;
}

static char *put_of(char *p, const struct top_row *r, enum top_column c)
{
	p = cell_value(p, TOP_IS_COUNT, r->value[c], 0);
	*p++ = '/';
	p = r->limit_known ? p + sprintf(p, "%u", r->limit) : p + sprintf(p, "-");
	return p;
}

void cell_text(char cell[CELL_MAX], const struct top_row *r, enum top_column c, unsigned int local_max, bool ascii)
{
	unsigned int width = c == TOP_PLACE ? TOP_PLACE_MAX : c == TOP_HOST ? HOST_MAX : COMM_MAX;
	const char *name = c == TOP_PLACE ? r->place : c != TOP_HOST ? r->comm : r->host_name ? r->host_name : "";
	char text[4 * sizeof(r->place) + PUT_SLACK], *end;

	switch (top_columns[c].kind) {
	case TOP_IS_ADDRESS:
		put_local(cell, r, local_max);
		break;
	case TOP_IS_BAR: case TOP_IS_LENGTH:
		*put_of(cell, r, c) = 0;
		break;
	case TOP_IS_NAME:
		end = put_safe_cut(text, name, strlen(name), ascii, &width);
		memcpy(cell, text, (size_t)(end - text));
		cell[end - text] = 0;
		if (!cell[0])
			strcpy(cell, "-");
		break;
	default:
		cell_value(cell, top_columns[c].kind, r->value[c], r->interval_ns);
	}
	/* process and namespace are names, not amounts */
	if ((c == TOP_PID || c == TOP_NETNS) && r->value[c].known)
		sprintf(cell, "%llu", (unsigned long long)r->value[c].n);
}

void layout_grow(struct top_layout *d, const struct top_row *r, unsigned int local_max)
{
	char cell[CELL_MAX];

	d->places |= r->place[0];
	d->hosts |= r->host_name != NULL;
	for (enum top_column c = 0; c < TOP_COLUMN_MAX; c++) {
		unsigned int width;

		cell_text(cell, r, c, local_max, false);
		width = text_columns(cell);
		if (d->width[c] < top_columns[c].width)
			d->width[c] = top_columns[c].width;
		if (d->width[c] < width)
			d->width[c] = width;
	}
}

static enum top_column ranked(unsigned int rank)
{
	enum top_column c = 0;

	while (top_columns[c].rank != rank)
		c++;
	return c;
}

/* The columns of ranks 1 on as long as they fit: a bit for each. */
static uint32_t fitting(const struct top_layout *d, unsigned int columns, unsigned int bar, uint32_t left_out)
{
	unsigned int at = 0;
	uint32_t fit = 0;

	for (unsigned int rank = 1; rank <= TOP_COLUMN_MAX; rank++) {
		enum top_column c = ranked(rank);
		unsigned int width = 1 + d->width[c] + (c == TOP_ACCEPTQ && bar ? bar + 1 : 0);

		if (left_out >> c & 1)
			continue;
		if (columns && at + width > columns)
			break;
		at += width;
		fit |= 1u << c;
	}
	return fit;
}

/* Scrolled: the first columns after LOCAL make room for those at the right. */
static uint32_t skipped(unsigned int skip)
{
	uint32_t bits = 0;

	for (enum top_column c = TOP_LOCAL + 1; c < TOP_COLUMN_MAX && skip; c++, skip--)
		bits |= 1u << c;
	return bits;
}

/* A shorter bar where that leaves room for the name. */
void layout_choose(struct top_layout *d, unsigned int columns, unsigned int skip)
{
	static const unsigned int bars[] = { 10, 6, 4 };
	uint32_t left_out = skipped(skip) | (d->places ? 0 : 1u << TOP_PLACE) |
			    (d->hosts ? 0 : 1u << TOP_HOST), fit = 0;

	for (enum top_column c = 0; c < TOP_COLUMN_MAX; c++)
		if (d->width[c] < top_columns[c].width)
			d->width[c] = top_columns[c].width;
	for (unsigned int i = 0; i < 3; i++) {
		d->bar = columns && columns < BAR_FROM ? 0 : bars[i];
		fit = fitting(d, columns, d->bar, left_out);
		if ((fit >> TOP_COMM & 1) || !d->bar)
			break;
	}
	if (!(fit >> TOP_COMM & 1) && d->bar) {
		d->bar = bars[0];
		fit = fitting(d, columns, d->bar, left_out);
	}
	d->n = 0;
	for (enum top_column c = 0; c < TOP_COLUMN_MAX; c++)
		if (fit >> c & 1)
			d->shown[d->n++] = c;
}
