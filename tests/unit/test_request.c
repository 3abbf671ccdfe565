// SPDX-License-Identifier: GPL-2.0-only
/* The head of an HTTP request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../user/view/metrics/request.h"

static bool parse(const char *text, struct http_request *r)
{
	return http_parse(text, strlen(text), r);
}

static void good(void **state)
{
	struct http_request r;

	(void)state;
	assert_true(parse("GET /metrics HTTP/1.1\r\nHost: a\r\nACCEPT: application/openmetrics-text;version=1.0.0\r\n"
			  "accept-encoding: deflate, gzip\r\n\r\n", &r));
	assert_true(r.get && r.openmetrics && r.gzip && r.path == HTTP_METRICS);
	assert_true(parse("HEAD /-/healthy?x=1 HTTP/1.0\n\n", &r));
	assert_true(r.head && !r.get && !r.openmetrics && !r.gzip && r.path == HTTP_HEALTHY);
	assert_true(parse("POST / HTTP/1.1\r\n\r\n", &r));
	assert_true(!r.head && !r.get && r.path == HTTP_ROOT);
	assert_true(parse("GET http://a:9817/metrics?x=http://b/ HTTP/1.1\r\nHost: a:9817\r\n\r\n", &r));
	assert_true(r.get && r.path == HTTP_METRICS);
	assert_true(parse("GET HTTP://[::1] HTTP/1.1\r\n\r\n", &r) && r.path == HTTP_ROOT);
	assert_true(parse("GET http:// HTTP/1.1\r\n\r\n", &r) && r.path == HTTP_ROOT);
	assert_true(parse("GET https://a/metrics HTTP/1.1\r\n\r\n", &r) && r.path == HTTP_ELSEWHERE);
	assert_true(parse("GET http:/metrics HTTP/1.1\r\n\r\n", &r) && r.path == HTTP_ELSEWHERE);
	assert_true(parse("GET /metrics/ HTTP/1.1\r\nX: gzip application/openmetrics-text\r\n\r\n", &r));
	assert_true(r.path == HTTP_ELSEWHERE && !r.gzip && !r.openmetrics);
}

static struct http_request with(const char *header, const char *list)
{
	struct http_request r;
	char text[256];

	snprintf(text, sizeof(text), "GET /metrics HTTP/1.1\r\n%s: %s\r\n\r\n", header, list);
	assert_true(parse(text, &r));
	return r;
}

static bool takes_gzip(const char *list) { return with("Accept-Encoding", list).gzip; }
static bool takes_openmetrics(const char *list) { return with("Accept", list).openmetrics; }

/* RFC 9110: what weighs 0 is refused. */
static void weights(void **state)
{
	(void)state;
	assert_true(takes_gzip("gzip"));
	assert_true(takes_gzip(" deflate;q=1.0 ,\tGZIP ; q=0.001"));
	assert_false(takes_gzip("gzip;q=0"));
	assert_false(takes_gzip("identity, gzip; Q=0.000"));
	assert_false(takes_gzip("xgzip, gzipx"));
	assert_false(takes_gzip(";;,,=,q=1;gzip"));
	assert_true(takes_openmetrics("application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.4,*/*;q=0.1"));
	assert_true(takes_openmetrics("text/plain, application/openmetrics-text"));
	assert_false(takes_openmetrics("application/openmetrics-text;q=0, text/plain"));
	assert_false(takes_openmetrics("text/plain;q=1, application/openmetrics-text;q=0.1"));
	assert_false(takes_openmetrics("*/*"));
}

static void bad(void **state)
{
	static const char *const texts[] = {
		"", "\n", " ", "GET", "GET /", "GET / HTTP/2", "GET / HTTP/1.", "GET / HTTP/1.x", "GET  HTTP/1.1", "\r\n\r\n",
		" / HTTP/1.1", "GET /  HTTP/1.1", "GET / HTTP/1.1 ",
	};
	struct http_request r;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_false(parse(texts[i], &r));
}

static void ends(void **state)
{
	(void)state;
	assert_int_equal(http_head_end("GET / HTTP/1.1\r\n\r\nbody", 22), 18);
	assert_int_equal(http_head_end("a\n\nb\r\n\r\n", 8), 3);
	assert_int_equal(http_head_end("GET / HTTP/1.1\r\n\r", 17), 0);
	assert_int_equal(http_head_end("", 0), 0);
}

/* Any bytes, without a NUL at their end: the sanitizers watch. */
static void noise(void **state)
{
	static const char alphabet[] = "GET /metrics HTTP/1.1\r\n:gzip";

	(void)state;
	srandom(7);
	for (int i = 0; i < 20000; i++) {
		size_t n = (size_t)random() % 64;
		char *text = malloc(n ? n : 1);
		struct http_request r;

		for (size_t k = 0; k < n; k++)
			text[k] = random() % 8 ? alphabet[random() % (sizeof(alphabet) - 1)] : (char)random();
		http_parse(text, n, &r);
		assert_true(http_head_end(text, n) <= n);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good), cmocka_unit_test(weights), cmocka_unit_test(bad), cmocka_unit_test(ends), cmocka_unit_test(noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
