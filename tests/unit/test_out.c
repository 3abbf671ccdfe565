// SPDX-License-Identifier: GPL-2.0-only
/* lib/out.c, lib/text.c, lib/parse.c: numbers, hostile strings, addresses, failing outputs. */
#include "edge.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/mman.h>

#include "../../user/lib/parse.h"

static void check_u64(uint64_t v)
{
	char want[32];
	struct out *o = buffer();

	snprintf(want, sizeof(want), "%" PRIu64, v);
	out_u64(o, v);
	assert_string_equal(text(o), want);
}

static void numbers(void **state)
{
	struct out *o = buffer();
	uint64_t p = 1;
	int i;

	(void)state;
	for (i = 0; i < 20; i++, p *= 10) {
		check_u64(p);
		check_u64(p - 1);
		check_u64(p + 1);
		check_u64(p * 9);
	}
	for (i = 0; i < 64; i++) {
		check_u64(1ull << i);
		check_u64((1ull << i) - 1);
	}
	check_u64(UINT64_MAX);
	for (i = 0; i < 100000; i++)
		check_u64(chance() >> chance() % 64);

	o = buffer();
	out_i64(o, INT64_MIN);
	out_char(o, ' ');
	out_i64(o, -1);
	out_char(o, ' ');
	out_i64(o, INT64_MAX);
	assert_string_equal(text(o), "-9223372036854775808 -1 9223372036854775807");
}

/* Fixed widths, and that no more than PUT_SLACK is written behind the text. */
static void at_a_cursor(void **state)
{
	char want[64], got[64 + PUT_SLACK];
	uint32_t i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		*put_three(got, i) = 0;
		snprintf(want, sizeof(want), "%03u", i);
		assert_string_equal(got, want);
		*put_small(got, i) = 0;
		snprintf(want, sizeof(want), "%u", i);
		assert_string_equal(got, want);
		*put_nine(got, i * 1000003) = 0;
		snprintf(want, sizeof(want), "%09u", i * 1000003);
		assert_string_equal(got, want);
	}
	for (i = 0; i <= 64; i++) {
		char s[64 + PUT_SLACK];

		memset(s, 'a', sizeof(s));
		*put_wide(got, s, i) = 0;
		assert_int_equal(strlen(got), i);
	}
}

static void padding(void **state)
{
	struct out *o = buffer();

	(void)state;
	out_u64_pad(o, 7, 3);
	out_u64_pad(o, 1234, 3);
	out_str_pad(o, "ab", 4);
	out_str_pad(o, "abcde", 4);
	out_digits(o, 7, 3);
	out_digits(o, 12345, 3);
	out_digits(o, 0, 1);
	out_pad_to(o, 0, 10);
	assert_string_equal(text(o), "  71234ab  abcde0073450");
	o = buffer();
	out_spaces(o, 200);
	assert_int_equal(o->len, 200);
}

static const char *ms(uint64_t ns)
{
	struct out *o = buffer();

	out_ms(o, ns);
	return text(o);
}

static void milliseconds(void **state)
{
	(void)state;
	assert_string_equal(ms(0), "0.000");
	assert_string_equal(ms(499), "0.000");
	assert_string_equal(ms(500), "0.001");
	assert_string_equal(ms(21000), "0.021");
	assert_string_equal(ms(999499), "0.999");
	assert_string_equal(ms(999500), "1.000");
	assert_string_equal(ms(300214000), "300.214");
	assert_string_equal(ms(UINT64_MAX), "18446744073709.552");
}

static const char *safe(const char *s, size_t max)
{
	struct out *o = buffer();

	out_safe(o, s, max);
	return text(o);
}

static void hostile_strings(void **state)
{
	(void)state;
	assert_string_equal(safe("nginx: worker", 16), "nginx: worker");
	assert_string_equal(safe("nginx", 3), "ngi");
	assert_string_equal(safe("", 16), "");
	assert_string_equal(safe("\033[31m", 16), "\\x1b[31m");
	assert_string_equal(safe("a\nb\rc\td\x7f", 16), "a\\x0ab\\x0dc\\x09d\\x7f");
	assert_string_equal(safe("\\x41", 16), "\\x5cx41");
	assert_string_equal(safe("caf\xc3\xa9 \xf0\x9f\x90\xa7", 16), "caf\xc3\xa9 \xf0\x9f\x90\xa7");
	assert_string_equal(safe("\xc0\x80", 16), "\\xc0\\x80");		/* overlong NUL */
	assert_string_equal(safe("\xed\xa0\x80", 16), "\\xed\\xa0\\x80");	/* surrogate */
	assert_string_equal(safe("\xf4\x90\x80\x80", 16), "\\xf4\\x90\\x80\\x80");
	assert_string_equal(safe("\xc3", 16), "\\xc3");				/* cut off */
	assert_string_equal(safe("\xe2\x82\xac", 2), "\\xe2\\x82");
	assert_string_equal(safe("\xc2\x9b" "1m", 16), "\\xc2\\x9b1m");		/* CSI in one character */
	assert_string_equal(safe("\xe2\x80\xae", 16), "\\xe2\\x80\\xae");	/* right to left */
	assert_string_equal(safe("\xff\xfe", 16), "\\xff\\xfe");
}

static void ascii_only(void **state)
{
	struct out *o = buffer();

	(void)state;
	o->ascii = true;
	out_safe(o, "caf\xc3\xa9", 16);
	assert_string_equal(text(o), "caf\\xc3\\xa9");
}

static void cut_to_columns(void **state)
{
	struct out *o = buffer();

	(void)state;
	assert_int_equal(out_safe_cut(o, "0123456789", 16, 4), 4);
	assert_int_equal(out_safe_cut(o, "\xe4\xbd\xa0\xe5\xa5\xbd", 16, 3), 2);	/* wide: two columns each */
	assert_int_equal(out_safe_cut(o, "a\033b", 16, 5), 5);
	assert_int_equal(out_safe_cut(o, "ab\033", 16, 5), 2);
	assert_int_equal(out_safe_cut(o, "", 16, 5), 0);
	assert_string_equal(text(o), "0123\xe4\xbd\xa0" "a\\x1bab");
}

/* Whatever the bytes: nothing that a terminal obeys comes out, and no more columns than asked for. */
static void hostile_strings_by_chance(void **state)
{
	int i, j;

	(void)state;
	for (i = 0; i < 200000; i++) {
		char s[16];
		unsigned int width = chance() % 30;
		struct out *o = buffer();

		for (j = 0; j < 16; j++)
			s[j] = (char)chance();
		o->ascii = true;
		assert_in_range(out_safe_cut(o, s, sizeof(s), width), 0, width);
		assert_in_range(o->len, 0, width);
		for (j = 0; j < (int)o->len; j++)
			assert_in_range(o->buf[j], 0x20, 0x7e);
	}
}

static void json_strings(void **state)
{
	struct out *o = buffer();

	(void)state;
	out_json(o, "plain", 16);
	out_json(o, "\"\\\033\n", 16);
	out_json(o, "\xff" "a", 16);
	out_json(o, "\xe2\x80\xae", 16);
	out_json(o, "\xf3\xa0\x80\x81", 16);		/* U+E0001, a language tag */
	out_json(o, "caf\xc3\xa9", 16);
	out_json(o, "long one", 4);
	assert_string_equal(text(o), "\"plain\"\"\\\"\\\\\\u001b\\u000a\"\"\\\\xffa\"\"\\u202e\""
				     "\"\\udb40\\udc01\"\"caf\xc3\xa9\"\"long\"");
}

static void check_addr(const uint8_t a[16], const char *want)
{
	struct out *o = buffer();

	out_addr(o, a);
	assert_string_equal(text(o), want);
}

static void html(void **state)
{
	static const char hostile[] = "</script><b a=\"'&\033\xff\xe2\x80\xae\\";
	static const char *const want = "&lt;/script&gt;&lt;b a=&quot;&#39;&amp;\\x1b\\xff\\xe2\\x80\\xae\\x5c";
	struct out *o = buffer();

	(void)state;
	out_html(o, hostile, 64);
	assert_string_equal(text(o), want);
	o = buffer();
	out_script_string(o, "</script>\"\033", 64);
	assert_string_equal(text(o), "\"\\u003c/script>\\\"\\u001b\"");
	o = buffer();
	out_html(o, "caf\xc3\xa9 long one", 10);
	assert_string_equal(text(o), "caf\xc3\xa9 long");
	o = buffer();
	out_markup(o, "a\\x1b<i>\xc3\xa9", 9);		/* escaped before: not once more */
	assert_string_equal(text(o), "a\\x1b&lt;i&gt;\xc3");
	o = buffer();
	out_markup(o, "<>", 2);
	assert_string_equal(text(o), "&lt;&gt;");
	o = buffer();
	out_markup(o, "", 0);
	assert_string_equal(text(o), "");
}

static void addresses(void **state)
{
	static const char *const same[] = {
		"::", "::1", "1::", "2001:db8::1", "2001:db8:0:1:1:1:1:1", "2001:0:0:1::1", "fe80::1:0:0:1",
		"1:2:3:4:5:6:7:8", "::2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "0:0:1::", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff",
	};
	char want[INET6_ADDRSTRLEN];
	uint8_t a[16] = { [10] = 0xff, [11] = 0xff };
	size_t i, j;

	(void)state;
	check_addr(a, "0.0.0.0");
	assert_true(addr_is_any(a));
	memcpy(a + 12, "\xc0\x00\x02\xff", 4);
	check_addr(a, "192.0.2.255");
	assert_false(addr_is_any(a));
	for (i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		assert_int_equal(inet_pton(AF_INET6, same[i], a), 1);
		inet_ntop(AF_INET6, a, want, sizeof(want));
		check_addr(a, want);
	}
	for (i = 0; i < 100000; i++) {
		uint64_t zero = chance();

		for (j = 0; j < 16; j++)
			a[j] = zero >> (j / 2) & 1 ? 0 : (uint8_t)(chance() >> 16);
		a[4] |= 1;			/* libc writes ::a.b.c.d in mixed notation, we do not */
		inet_ntop(AF_INET6, a, want, sizeof(want));
		check_addr(a, want);
	}
}

static void endpoints(void **state)
{
	uint8_t a[16] = { [15] = 1 };
	struct out *o = buffer();

	(void)state;
	out_endpoint(o, a, 65535);
	memset(a + 10, 0xff, 2);
	memcpy(a + 12, "\x7f\x00\x00\x01", 4);
	out_endpoint(o, a, 80);
	assert_string_equal(text(o), "[::1]:65535127.0.0.1:80");
}

/* More than the buffer: comes out whole, in order. */
static void large_output(void **state)
{
	int fd = memfd_create("out", 0), i;
	char line[16], got[16];
	struct out o;

	(void)state;
	assert_int_equal(out_open(&o, fd), 0);
	assert_false(o.by_line);
	for (i = 0; i < 200000; i++) {
		out_digits(&o, (uint64_t)i, 9);
		out_line_end(&o);
	}
	out_mem(&o, "end", 3);
	assert_int_equal(out_flush(&o), 0);
	assert_int_equal(lseek(fd, 0, SEEK_END), 200000 * 10 + 3);
	for (i = 0; i < 200000; i += 997) {
		snprintf(line, sizeof(line), "%09d\n", i);
		assert_int_equal(pread(fd, got, 10, i * 10), 10);
		assert_memory_equal(got, line, 10);
	}
	out_close(&o);
	close(fd);
}

static void larger_than_the_buffer(void **state)
{
	int fd = memfd_create("out", 0);
	size_t n = 1000003, i;
	char *big = malloc(n), *got = malloc(n);
	struct out o;

	(void)state;
	for (i = 0; i < n; i++)
		big[i] = (char)chance();
	assert_int_equal(out_open(&o, fd), 0);
	out_mem(&o, "abc", 3);
	out_mem(&o, big, n);
	out_close(&o);
	assert_int_equal(pread(fd, got, n, 3), n);
	assert_memory_equal(got, big, n);
	free(big);
	free(got);
	close(fd);
}

static void failing_output(void **state)
{
	int fd = open("/dev/full", O_WRONLY), i;
	struct out o;

	(void)state;
	assert_int_equal(out_open(&o, fd), 0);
	for (i = 0; i < 100000; i++) {
		out_str(&o, "thrown away after the first error");
		out_line_end(&o);
	}
	assert_int_equal(o.error, -ENOSPC);
	assert_int_equal(out_flush(&o), -ENOSPC);
	out_close(&o);
	close(fd);
}

static void reader_gone(void **state)
{
	struct out o;
	int p[2];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(p), 0);
	close(p[0]);
	assert_int_equal(out_open(&o, p[1]), 0);
	out_str(&o, "nobody reads this");
	assert_int_equal(out_flush(&o), -EPIPE);
	out_close(&o);
	close(p[1]);
}

static void terminal_by_the_line(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), fd = -1;
	struct out o;

	(void)state;
	if (master < 0 || grantpt(master) || unlockpt(master) || (fd = open(ptsname(master), O_RDWR | O_NOCTTY)) < 0)
		skip();
	assert_int_equal(out_open(&o, fd), 0);
	assert_true(o.by_line);
	out_str(&o, "half");
	assert_int_equal(o.len, 4);
	out_line_end(&o);
	assert_int_equal(o.len, 0);
	out_close(&o);
	close(fd);
	close(master);
}

static void strict_numbers(void **state)
{
	static const char *const bad[] = { "", " 1", "1 ", "+1", "-1", "0x10", "1e3", "1.0", "one", "1,2" };
	uint64_t v = 42;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse_u64(bad[i], 0, UINT64_MAX, &v), -EINVAL);
	assert_int_equal(parse_u64("65536", 1, 65535, &v), -ERANGE);
	assert_int_equal(parse_u64("0", 1, 65535, &v), -ERANGE);
	assert_int_equal(parse_u64("18446744073709551616", 0, UINT64_MAX, &v), -ERANGE);
	assert_int_equal(parse_u64("99999999999999999999999", 0, UINT64_MAX, &v), -ERANGE);
	assert_int_equal(v, 42);
	assert_int_equal(parse_u64("18446744073709551615", 0, UINT64_MAX, &v), 0);
	assert_true(v == UINT64_MAX);
	assert_int_equal(parse_u64("00080", 1, 65535, &v), 0);
	assert_int_equal(v, 80);
}

static void seconds(void **state)
{
	static const char *const bad[] = { "", ".", "1.2.3", "-1", "1s", "1e3", " 1", "0.1234567891" };
	static const struct { const char *s; uint64_t ns; } good[] = {
		{ "1", 1000000000 }, { "0.25", 250000000 }, { ".5", 500000000 }, { "2.", 2000000000 },
		{ "0.000000001", 1 }, { "316224000", 316224000000000000 },
	};
	uint64_t ns;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse_seconds(bad[i], &ns), -EINVAL);
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(parse_seconds(good[i].s, &ns), 0);
		assert_true(ns == good[i].ns);
	}
	assert_int_equal(parse_seconds("0", &ns), -ERANGE);
	assert_int_equal(parse_seconds("0.0", &ns), -ERANGE);
	assert_int_equal(parse_seconds("316224001", &ns), -ERANGE);
	assert_int_equal(parse_seconds("99999999999999999999999999", &ns), -ERANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(at_a_cursor),
		cmocka_unit_test(padding),
		cmocka_unit_test(milliseconds),
		cmocka_unit_test(hostile_strings),
		cmocka_unit_test(ascii_only),
		cmocka_unit_test(cut_to_columns),
		cmocka_unit_test(hostile_strings_by_chance),
		cmocka_unit_test(json_strings),
		cmocka_unit_test(html),
		cmocka_unit_test(addresses),
		cmocka_unit_test(endpoints),
		cmocka_unit_test(large_output),
		cmocka_unit_test(larger_than_the_buffer),
		cmocka_unit_test(failing_output),
		cmocka_unit_test(reader_gone),
		cmocka_unit_test(terminal_by_the_line),
		cmocka_unit_test(strict_numbers),
		cmocka_unit_test(seconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
