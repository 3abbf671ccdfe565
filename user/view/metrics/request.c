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

static bool is_name(struct span s, const char *name)
{
	return s.n == strlen(name) && !strncasecmp(s.at, name, s.n);
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

static struct span trimmed(struct span s)
{
	for (; s.n && (*s.at == ' ' || *s.at == '\t'); s.at++, s.n--)
		;
	for (; s.n && (s.at[s.n - 1] == ' ' || s.at[s.n - 1] == '\t'); s.n--)
		;
	return s;
}

/* "0.25" in thousandths (RFC 9110, 12.4.2); what is none is 1. */
static unsigned int weight(struct span s)
{
	unsigned int q = 0, digit = 1000;

	if (!s.n || s.at[0] != '0')
		return 1000;
	for (size_t i = 2; i < s.n && isdigit((unsigned char)s.at[i]) && digit > 1; i++) {
		digit /= 10;
		q += digit * (unsigned int)(s.at[i] - '0');
	}
	return q;
}

/* How much the list wants it, in thousandths; 0: it does not. */
static unsigned int wants(struct span list, const char *what)
{
	unsigned int most = 0, q;

	while (list.n) {
		struct span item = before(&list, ',');

		if (!is_name(trimmed(before(&item, ';')), what))
			continue;
		for (q = 1000; item.n;) {
			struct span value = before(&item, ';'), key = before(&value, '=');

			if (is_name(trimmed(key), "q"))
				q = weight(trimmed(value));
		}
		most = q > most ? q : most;
	}
	return most;
}

static void take_header(struct http_request *r, struct span line)
{
	struct span name = before(&line, ':');

	if (is_name(name, "accept")) {
		unsigned int openmetrics = wants(line, "application/openmetrics-text");

		r->openmetrics |= openmetrics && openmetrics >= wants(line, "text/plain");
	}
	if (is_name(name, "accept-encoding"))
		r->gzip |= wants(line, "gzip") != 0;
}

/* RFC 9112, 3.2.2: a proxy may name the host there, and who is asked ignores it. */
static struct span without_host(struct span target)
{
	const char *path;

	if (target.n < 7 || strncasecmp(target.at, "http://", 7))
		return target;
	path = memchr(target.at + 7, '/', target.n - 7);
	return path ? (struct span){ path, target.n - (size_t)(path - target.at) } : (struct span){ "/", 1 };
}

static enum http_path path_of(struct span target)
{
	struct span path = before(&target, '?');

	path = without_host(path);
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
