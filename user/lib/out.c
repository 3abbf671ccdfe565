/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The buffer and the numbers. Text from outside (names of processes) and
 * addresses are in text.c. Nothing here knows TCP, and nothing talks: an error
 * is kept in o->error for the one who owns the buffer.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "out.h"

/* Large enough that a write costs nothing per line, small enough for the cache. */
#define OUT_SIZE	(256u * 1024)

static const char two_digits[201] =
	"00010203040506070809101112131415161718192021222324252627282930313233343536373839"
	"40414243444546474849505152535455565758596061626364656667686970717273747576777879"
	"8081828384858687888990919293949596979899";

int out_open(struct out *o, int fd)
{
	memset(o, 0, sizeof(*o));
	o->fd = fd;
	o->by_line = isatty(fd) == 1;
	o->size = OUT_SIZE;
	o->buf = malloc(o->size);
	return o->buf ? 0 : -ENOMEM;
}

int out_flush(struct out *o)
{
	size_t done = 0;

	while (done < o->len && !o->error) {
		ssize_t n = write(o->fd, o->buf + done, o->len - done);

		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR)
			o->error = -errno;
	}
	o->len = 0;
	return o->error;
}

void out_close(struct out *o)
{
	if (!o->buf)
		return;
	out_flush(o);
	free(o->buf);
	o->buf = NULL;
	o->size = 0;
}

void out_line_end(struct out *o)
{
	out_char(o, '\n');
	if (o->by_line || o->size - o->len < OUT_LINE_MAX)
		out_flush(o);
}

void out_make_room(struct out *o, size_t n)
{
	if (o->size - o->len < n)
		out_flush(o);
}

void out_mem_slow(struct out *o, const void *p, size_t n)
{
	const char *s = p;

	while (n) {
		size_t part = o->size - o->len;

		if (!part) {
			out_flush(o);
			part = o->size;
		}
		if (part > n)
			part = n;
		memcpy(o->buf + o->len, s, part);
		o->len += part;
		s += part;
		n -= part;
	}
}

static unsigned int count_digits(uint64_t v)
{
	static const uint64_t powers[20] = {
		0, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000,
		10000000000, 100000000000, 1000000000000, 10000000000000, 100000000000000,
		1000000000000000, 10000000000000000, 100000000000000000, 1000000000000000000,
		10000000000000000000u,
	};
	/* 1233/4096 is log10(2), near enough for 64 bits. */
	unsigned int n = (64 - (unsigned int)__builtin_clzll(v | 1)) * 1233 >> 12;

	return n + (v >= powers[n]);
}

/* Four at a time: a division waits for the one before it. */
char *put_digits(char *p, uint64_t v, unsigned int digits)
{
	unsigned int n = digits;
	uint64_t rest;
	uint32_t four;

	for (; n >= 4; v = rest) {
		rest = v / 10000;
		four = (uint32_t)(v - rest * 10000);
		n -= 4;
		memcpy(p + n, two_digits + four / 100 * 2, 2);
		memcpy(p + n + 2, two_digits + four % 100 * 2, 2);
	}
	if (n >= 2) {
		n -= 2;
		memcpy(p + n, two_digits + v % 100 * 2, 2);
		v /= 100;
	}
	if (n)
		p[0] = (char)('0' + v % 10);
	return p + digits;
}

char *put_u64(char *p, uint64_t v)
{
	if (v >= 10)
		return put_digits(p, v, count_digits(v));
	*p = (char)('0' + v);
	return p + 1;
}

char *put_i64(char *p, int64_t v)
{
	if (v < 0)
		*p++ = '-';
	return put_u64(p, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void out_digits(struct out *o, uint64_t v, unsigned int digits)
{
	if (o->size - o->len < digits)
		out_make_room(o, digits);
	put_digits(o->buf + o->len, v, digits);
	o->len += digits;
}

void out_u64(struct out *o, uint64_t v)
{
	if (v < 10)
		out_char(o, (char)('0' + v));
	else
		out_digits(o, v, count_digits(v));
}

void out_i64(struct out *o, int64_t v)
{
	if (v < 0)
		out_char(o, '-');
	out_u64(o, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void out_hex(struct out *o, uint64_t v)
{
	char digits[16], *p = digits + 16;

	do {
		*--p = "0123456789abcdef"[v & 15];
		v >>= 4;
	} while (v);
	out_mem(o, p, (size_t)(digits + 16 - p));
}

void out_u64_pad(struct out *o, uint64_t v, unsigned int width)
{
	unsigned int n = count_digits(v);

	if (n < width)
		out_spaces(o, width - n);
	out_digits(o, v, n);
}

void out_str_pad(struct out *o, const char *s, unsigned int width)
{
	size_t n = strlen(s);

	out_mem(o, s, n);
	if (n < width)
		out_spaces(o, width - (unsigned int)n);
}

void out_ms(struct out *o, uint64_t ns)
{
	uint64_t us = ns / 1000 + (ns % 1000 >= 500);

	out_u64(o, us / 1000);
	out_char(o, '.');
	out_digits(o, us % 1000, 3);
}

void out_spaces(struct out *o, unsigned int n)
{
	static const char spaces[] = "                                                                ";

	while (n > sizeof(spaces) - 1) {
		out_mem(o, spaces, sizeof(spaces) - 1);
		n -= sizeof(spaces) - 1;
	}
	out_mem(o, spaces, n);
}

void out_pad_to(struct out *o, size_t from, unsigned int width)
{
	size_t have = o->len - from;

	if (o->len >= from && have < width)
		out_spaces(o, width - (unsigned int)have);
}
