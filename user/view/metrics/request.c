// SPDX-License-Identifier: GPL-2.0-only
/* The head of an HTTP request: bytes from a stranger, of which four things are wanted. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "request.h"

struct span {
	const char *at;
	size_t n;
};

static bool is_word(struct span s, const char *word)
{
	return s.n == strlen(word) && !memcmp(s.at, word, s.n);
}

static bool has(struct span s, const char *word)
{
	return memmem(s.at, s.n, word, strlen(word)) != NULL;
}

/* Takes off what comes before c; all of it where there is none. */
static struct span before(struct span *s, char c)
{
	const char *end = s->n ? memchr(s->at, c, s->n) : NULL;
	struct span first = { s->at, end ? (size_t)(end - s->at) : s->n };
	size_t took = first.n + (end != NULL);

	s->at += took;
	s->n -= took;
	return first;
}

static struct span line_of(struct span *s)
{
	struct span line = before(s, '\n');

	if (line.n && line.at[line.n - 1] == '\r')
		line.n--;
	return line;
}

static void take_header(struct http_request *r, struct span line)
{
	struct span name = before(&line, ':');

	if (name.n == 6 && !strncasecmp(name.at, "accept", 6))
		r->openmetrics |= has(line, "application/openmetrics-text");
	if (name.n == 15 && !strncasecmp(name.at, "accept-encoding", 15))
		r->gzip |= has(line, "gzip");
}

static enum http_path path_of(struct span target)
{
	struct span path = before(&target, '?');

	if (is_word(path, "/metrics"))
		return HTTP_METRICS;
	if (is_word(path, "/-/healthy"))
		return HTTP_HEALTHY;
	return is_word(path, "/") ? HTTP_ROOT : HTTP_ELSEWHERE;
}

size_t http_head_end(const char *text, size_t n)
{
	const char *crlf = memmem(text, n, "\r\n\r\n", 4), *lf = memmem(text, n, "\n\n", 2);

	if (crlf && (!lf || crlf < lf))
		return (size_t)(crlf - text) + 4;
	return lf ? (size_t)(lf - text) + 2 : 0;
}

bool http_parse(const char *text, size_t n, struct http_request *r)
{
	struct span rest = { text, n }, first = line_of(&rest);
	struct span method = before(&first, ' '), target = before(&first, ' ');

	*r = (struct http_request){ .head = is_word(method, "HEAD"), .get = is_word(method, "GET"), .path = path_of(target) };
	if (!method.n || !target.n || first.n != 8 || memcmp(first.at, "HTTP/1.", 7) || !isdigit((unsigned char)first.at[7]))
		return false;
	while (rest.n)
		take_header(r, line_of(&rest));
	return true;
}
