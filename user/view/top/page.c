// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>

#include "../../lib/wrap.h"
#include "page.h"

int page_open(struct page *p)
{
	p->n = 0;
	return out_open(&p->text, -1);
}

void page_close(struct page *p)
{
	p->text.len = 0;		/* a buffer only: there is nowhere to write it */
	out_close(&p->text);
}

void page_clear(struct page *p, unsigned int columns)
{
	p->text.len = 0;
	p->n = 0;
	p->columns = columns;
}

/* Without room for another line the last one is written again: the text of the others stays where it is. */
struct out *page_line(struct page *p)
{
	if (p->n == PAGE_LINES || p->text.size - p->text.len < 2 * OUT_LINE_MAX)
		p->text.len = (size_t)(p->line[--p->n].text - p->text.buf);
	p->from = p->text.len;
	return &p->text;
}

void page_shorten(struct page *p, const char *mark)
{
	struct out *o = &p->text;
	char *text = o->buf + p->from;

	out_char(o, 0);
	if (p->columns && text_columns(text) > p->columns) {
		text_cut(text, p->columns - text_columns(mark));
		strcat(text, mark);
	}
	o->len = p->from + strlen(text);
}

void page_line_end(struct page *p, enum look look, unsigned int looks)
{
	struct out *o = &p->text;
	char *text = o->buf + p->from;

	while (o->len > p->from && o->buf[o->len - 1] == ' ')
		o->len--;
	out_char(o, 0);
	if (p->columns) {
		text_cut(text, p->columns);
		o->len = p->from + strlen(text) + 1;
	}
	p->line[p->n++] = (struct page_line){ .text = text, .looks = looks, .look = look };
}

void page_str(struct page *p, const char *text, enum look look)
{
	out_str(page_line(p), text);
	page_line_end(p, look, ~0u);
}

/* "[31m": red, as the views use it */
static enum look look_of(const char *s)
{
	switch (*s++ == '[' ? atoi(s) : 0) {
	case 1: return LOOK_BOLD;
	case 31: return LOOK_BAD;
	case 35: return LOOK_AGAIN;
	}
	return LOOK_PLAIN;
}

static void add_line(struct page *p, const char *s, const char *end)
{
	enum look look = LOOK_PLAIN;
	struct out *o = page_line(p);

	while (s < end) {
		if (*s != '\033') {
			out_char(o, *s++);
			continue;
		}
		look = look ? look : look_of(s + 1);
		while (s < end && *s != 'm')
			s++;
		s += s < end;
	}
	page_line_end(p, look, ~0u);
}

static void add_wrapped(struct page *p, const char *s, size_t n, unsigned int indent)
{
	char text[OUT_LINE_MAX / 2], line[OUT_LINE_MAX];
	unsigned int at = 0;

	memcpy(text, s, n);
	text[n] = 0;
	s = text;
	do {
		n = text_fits(s, at, p->columns);
		memset(line, ' ', at);
		memcpy(line + at, s, n);
		add_line(p, line, line + at + n);
		s += n + strspn(s + n, " ");
		at = indent;
	} while (*s);
}

void page_add(struct page *p, const char *text, size_t n, unsigned int indent)
{
	const char *stop = text + n, *end;

	for (; text < stop; text = end + 1) {
		end = memchr(text, '\n', (size_t)(stop - text));
		if (!end)
			end = stop;
		if (indent && p->columns > 2 * indent && end - text < OUT_LINE_MAX / 2)
			add_wrapped(p, text, (size_t)(end - text), indent);
		else
			add_line(p, text, end);
	}
}

void page_print(const struct page *p, struct out *o)
{
	for (unsigned int i = 0; i < p->n; i++) {
		out_str(o, p->line[i].text);
		out_line_end(o);
	}
}
