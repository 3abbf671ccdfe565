// SPDX-License-Identifier: GPL-2.0-only
/*
 * Strings from outside and addresses, into the buffer of out.c. A process may
 * call itself anything: no byte of its name may move the cursor, colour the
 * terminal, break a line in two or make a JSON line invalid.
 */
#include "out.h"

#define JSON_CHAR_MAX	12u		/* two \uNNNN */
#define HTML_CHAR_MAX	16u		/* four \xNN */

/*
 * Takes one character from s (max bytes): its length in bytes, 0 at the end,
 * and its code point, or -1 when the first byte is no UTF-8 (length 1).
 */
static unsigned int next_char(const char *s, size_t max, int32_t *cp)
{
	static const int32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = (const unsigned char *)s;
	unsigned int n, i;

	if (!max || !p[0])
		return 0;
	*cp = p[0];
	if (p[0] < 0x80)
		return 1;
	n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	*cp = p[0] & (0x7f >> n);
	for (i = 1; i < n && i < max && (p[i] & 0xc0) == 0x80; i++)
		*cp = *cp << 6 | (p[i] & 0x3f);
	if (i == n && p[0] >= 0xc2 && p[0] <= 0xf4 && *cp >= least[n] && *cp <= 0x10ffff &&
	    (*cp < 0xd800 || *cp > 0xdfff))
		return n;
	*cp = -1;
	return 1;
}

/* Characters that show nothing, or change how others are shown. */
static bool is_hidden(int32_t cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0xad || cp == 0x61c ||
	       (cp >= 0x200b && cp <= 0x200f) || (cp >= 0x2028 && cp <= 0x202e) ||
	       (cp >= 0x2060 && cp <= 0x206f) || cp == 0xfeff || (cp >= 0xfff9 && cp <= 0xfffb) ||
	       (cp >= 0xe0000 && cp <= 0xe0fff);
}

/* Terminal columns: East Asian wide characters and emoji take two; near enough without a locale. */
static unsigned int columns_of(int32_t cp)
{
	if (cp >= 0x300 && cp <= 0x36f)
		return 0;
	return (cp >= 0x1100 && cp <= 0x115f) || (cp >= 0x2e80 && cp <= 0xa4cf) ||
	       (cp >= 0xac00 && cp <= 0xd7a3) || (cp >= 0xf900 && cp <= 0xfaff) ||
	       (cp >= 0xfe30 && cp <= 0xfe6f) || (cp >= 0xff00 && cp <= 0xff60) ||
	       cp >= 0x1f000 ? 2 : 1;
}

static char *put_hex(char *p, uint32_t v, unsigned int digits)
{
	while (digits--)
		*p++ = "0123456789abcdef"[v >> 4 * digits & 15];
	return p;
}

/* How much of s is itself both in JSON and on a terminal: nearly always all of it. */
static size_t plain_length(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n] >= 0x20 && s[n] < 0x7f && s[n] != '"' && s[n] != '\\')
		n++;
	return n;
}

char *put_safe_cut(char *p, const char *s, size_t max, bool ascii, unsigned int *columns)
{
	unsigned int n, i, width = *columns, col;
	size_t plain = plain_length(s, max < width ? max : width);
	int32_t cp;

	p = put_mem(p, s, plain);
	s += plain;
	max -= plain;
	for (col = (unsigned int)plain; (n = next_char(s, max, &cp)); s += n, max -= n) {
		bool escape = cp < 0 || cp == '\\' || is_hidden(cp) || (ascii && cp >= 0x80);
		unsigned int take = columns_of(cp);

		if (!escape && col + take > width)
			break;
		if (!escape) {
			p = put_mem(p, s, n);
			col += take;
		}
		for (i = 0; escape && i < n && col + 4 <= width; i++, col += 4)
			p = put_hex(put_mem(p, "\\x", 2), (unsigned char)s[i], 2);
		if (escape && i < n)
			break;
	}
	*columns = col;
	return p;
}

unsigned int out_safe_cut(struct out *o, const char *s, size_t max, unsigned int width)
{
	out_make_room(o, PUT_SAFE_MAX * 4);
	out_take(o, put_safe_cut(out_at(o), s, max, o->ascii, &width));
	return width;
}

void out_safe(struct out *o, const char *s, size_t max)
{
	out_safe_cut(o, s, max, (unsigned int)-1 / 2);
}

static char *put_json_char(char *p, const char *s, unsigned int n, int32_t cp)
{
	if (cp < 0)
		return put_hex(put_mem(p, "\\\\x", 3), (unsigned char)s[0], 2);
	if (cp == '"' || cp == '\\') {
		*p++ = '\\';
		*p++ = (char)cp;
		return p;
	}
	if (!is_hidden(cp))
		return put_mem(p, s, n);
	if (cp < 0x10000)
		return put_hex(put_mem(p, "\\u", 2), (uint32_t)cp, 4);
	p = put_hex(put_mem(p, "\\u", 2), 0xd800 + ((uint32_t)cp - 0x10000) / 0x400, 4);
	return put_hex(put_mem(p, "\\u", 2), 0xdc00 + ((uint32_t)cp & 0x3ff), 4);
}

char *put_json(char *p, const char *s, size_t max)
{
	size_t plain = plain_length(s, max);
	unsigned int n;
	int32_t cp;

	*p++ = '"';
	p = put_mem(p, s, plain);
	s += plain;
	max -= plain;
	for (; (n = next_char(s, max, &cp)); s += n, max -= n)
		p = put_json_char(p, s, n, cp);
	*p++ = '"';
	return p;
}

/* As long as it likes: room for a character at a time. */
static void json_string(struct out *o, const char *s, size_t max, bool script)
{
	unsigned int n;
	int32_t cp;

	out_char(o, '"');
	for (; (n = next_char(s, max, &cp)); s += n, max -= n) {
		out_make_room(o, JSON_CHAR_MAX);
		if (script && cp == '<')
			out_mem(o, "\\u003c", 6);
		else
			out_take(o, put_json_char(out_at(o), s, n, cp));
	}
	out_char(o, '"');
}

void out_json(struct out *o, const char *s, size_t max)
{
	json_string(o, s, max, false);
}

void out_script_string(struct out *o, const char *s, size_t max)
{
	json_string(o, s, max, true);
}

static char *put_html_char(char *p, const char *s, unsigned int n, int32_t cp)
{
	switch (cp) {
	case '<': return put_mem(p, "&lt;", 4);
	case '>': return put_mem(p, "&gt;", 4);
	case '&': return put_mem(p, "&amp;", 5);
	case '"': return put_mem(p, "&quot;", 6);
	case '\'': return put_mem(p, "&#39;", 5);
	}
	if (cp >= 0 && cp != '\\' && !is_hidden(cp))
		return put_mem(p, s, n);
	for (unsigned int i = 0; i < n; i++)
		p = put_hex(put_mem(p, "\\x", 2), (unsigned char)s[i], 2);
	return p;
}

void out_html(struct out *o, const char *s, size_t max)
{
	unsigned int n;
	int32_t cp;

	for (; (n = next_char(s, max, &cp)); s += n, max -= n) {
		out_make_room(o, HTML_CHAR_MAX);
		out_take(o, put_html_char(out_at(o), s, n, cp));
	}
}

void out_markup(struct out *o, const char *s, size_t n)
{
	for (size_t plain; n; s += plain, n -= plain) {
		for (plain = 0; plain < n && !strchr("<>&\"'", s[plain]); plain++)
			;
		out_mem(o, s, plain);
		if (plain == n)
			return;
		out_html(o, s + plain, 1);
		plain++;
	}
}

static char *put_addr4(char *p, const uint8_t a[4])
{
	p = put_small(p, a[0]);
	*p++ = '.';
	p = put_small(p, a[1]);
	*p++ = '.';
	p = put_small(p, a[2]);
	*p++ = '.';
	return put_small(p, a[3]);
}

/* The longest run of two or more zero groups is written "::" (the first of equals). */
static void zero_run(const uint16_t g[8], unsigned int *at, unsigned int *len)
{
	unsigned int i, n;

	*at = 8;
	*len = 1;
	for (i = 0; i < 8; i += n ? n : 1) {
		for (n = 0; i + n < 8 && !g[i + n]; n++)
			;
		if (n > *len) {
			*at = i;
			*len = n;
		}
	}
}

static char *put_group(char *p, unsigned int g)
{
	int shift = g >= 0x1000 ? 12 : g >= 0x100 ? 8 : g >= 0x10 ? 4 : 0;

	for (; shift >= 0; shift -= 4)
		*p++ = "0123456789abcdef"[g >> shift & 15];
	return p;
}

char *put_addr(char *p, const uint8_t addr[16])
{
	unsigned int i, at, len;
	uint16_t g[8];

	if (addr_is_mapped(addr))
		return put_addr4(p, addr + 12);
	for (i = 0; i < 8; i++)
		g[i] = (uint16_t)(addr[2 * i] << 8 | addr[2 * i + 1]);
	zero_run(g, &at, &len);
	for (i = 0; i < 8; i++) {
		if (i == at) {
			p = put_mem(p, "::", 2);
			i += len - 1;
			continue;
		}
		if (i && i != at + len)
			*p++ = ':';
		p = put_group(p, g[i]);
	}
	return p;
}

char *put_endpoint(char *p, const uint8_t addr[16], uint16_t port)
{
	bool v4 = addr_is_mapped(addr);

	if (!v4)
		*p++ = '[';
	p = put_addr(p, addr);
	if (!v4)
		*p++ = ']';
	*p++ = ':';
	return put_u64(p, port);
}

void out_addr(struct out *o, const uint8_t addr[16])
{
	out_make_room(o, PUT_ENDPOINT_MAX);
	out_take(o, put_addr(out_at(o), addr));
}

void out_endpoint(struct out *o, const uint8_t addr[16], uint16_t port)
{
	out_make_room(o, PUT_ENDPOINT_MAX);
	out_take(o, put_endpoint(out_at(o), addr, port));
}
