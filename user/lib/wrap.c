// SPDX-License-Identifier: GPL-2.0-only
/*
 * Breaks text into lines: English at spaces, Chinese between any two characters but
 * not before a closing mark. Knows no locale, whose wcwidth() says -1 for Chinese
 * where the locale is C: what is beyond ASCII here is our own translation.
 */
#include <string.h>

#include "wrap.h"

static unsigned int char_bytes(const char *s)
{
	unsigned char c = (unsigned char)*s;
	unsigned int n = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2, i;

	for (i = 1; i < n; i++) {
		if (!s[i])
			return i;
	}
	return n;
}

/* U+2E80 and above, and that is three bytes from e2 ba 80 on, take two columns. */
static bool is_wide(const char *s)
{
	unsigned char c = (unsigned char)s[0];

	return c > 0xe2 || (c == 0xe2 && (unsigned char)s[1] >= 0xba);
}

/* marks: characters of three bytes each */
static bool one_of(const char *s, const char *marks)
{
	for (; *marks; marks += 3) {
		if (s[0] == marks[0] && s[1] == marks[1] && s[2] == marks[2])
			return true;
	}
	return false;
}

static bool is_closing(const char *s)
{
	return one_of(s, "，。；：、）”》？！");
}

static bool is_opening(const char *s)
{
	return one_of(s, "（“《");
}

/* "\033[1m": of a colour, which takes no column */
static size_t escape_bytes(const char *s)
{
	size_t n = *s == '\033' ? strcspn(s, "m") : 0;

	return n + (n && s[n]);
}

/* What no line may break: its bytes, its columns. */
static size_t piece(const char *s, unsigned int *columns)
{
	size_t n = 0, escape;

	*columns = 0;
	do {
		bool wide = is_wide(s + n), opening = is_opening(s + n);

		escape = escape_bytes(s + n);
		n += escape;
		if (escape)
			continue;
		n += char_bytes(s + n);
		*columns += wide ? 2 : 1;
		if (s[n] && s[n] != ' ' && !is_closing(s + n) && !opening && (wide || is_wide(s + n)))
			break;
	} while (s[n] && s[n] != ' ');
	return n;
}

unsigned int text_columns(const char *text)
{
	unsigned int n = 0;

	for (; *text; text += char_bytes(text))
		n += is_wide(text) ? 2 : 1;
	return n;
}

unsigned int text_cut(char *text, unsigned int columns)
{
	unsigned int n = 0, width;
	char *end;

	for (end = text; *end; end += char_bytes(end)) {
		width = is_wide(end) ? 2 : 1;
		if (n + width > columns)
			break;
		n += width;
	}
	*end = 0;
	return n;
}

void out_wrapped(struct out *o, const char *text, unsigned int indent, unsigned int columns)
{
	out_wrapped_from(o, text, 0, indent, columns);
}

void out_wrapped_from(struct out *o, const char *text, unsigned int at, unsigned int indent, unsigned int columns)
{
	bool begun = false, space = false;
	unsigned int width;
	size_t n;

	while (*text) {
		n = piece(text, &width);
		if (begun && at + space + width > columns) {
			out_line_end(o);
			at = 0;
			space = false;
		}
		if (at < indent) {
			out_spaces(o, indent - at);
			at = indent;
		}
		if (space) {
			out_char(o, ' ');
			at++;
		}
		begun = true;
		out_mem(o, text, n);
		at += width;
		text += n;
		space = *text == ' ';
		text += space;
	}
	out_line_end(o);
}

/*
 * How much of s, which begins at that column, fits into a line: with groups up to where one of words ends (at two spaces
 * or a comma), or else up to any word; one at least.
 */
static size_t fitting(const char *s, unsigned int at, unsigned int columns, bool groups)
{
	size_t n = strspn(s, " "), word = 0, group = 0, spaces;
	unsigned int width;

	for (at += (unsigned int)n; s[n]; n += spaces) {
		n += piece(s + n, &width);
		at += width;
		if (at > columns && word)
			return group ? group : word;
		word = n;
		spaces = strspn(s + n, " ");
		at += (unsigned int)spaces;
		if (!groups)
			continue;
		if (spaces > 1 || s[n - 1] == ',' || (n > 2 && is_closing(s + n - 3)))
			group = n;
	}
	return n;
}

size_t text_fits(const char *text, unsigned int at, unsigned int columns)
{
	return fitting(text, at, columns, false);
}

void out_line_end_wrapped(struct out *o, unsigned int indent, unsigned int columns)
{
	char line[OUT_LINE_MAX], *s = line;
	size_t from = o->len, n;

	while (from && o->buf[from - 1] != '\n')
		from--;
	n = o->len - from;
	if (columns && n > columns && n < sizeof(line)) {
		memcpy(line, o->buf + from, n);
		line[n] = 0;
		o->len = from;
		for (unsigned int at = 0; *s; at = indent) {
			if (at) {
				out_line_end(o);
				out_spaces(o, indent);
			}
			n = fitting(s, at, columns, true);
			out_mem(o, s, n);
			s += n + strspn(s + n, " ");
		}
	}
	out_line_end(o);
}
