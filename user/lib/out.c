/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The buffer. What a number looks like is in put.c, text from outside (names of
 * processes) and addresses are in text.c. Nothing here knows TCP, and nothing
 * talks: an error is kept in o->error for the one who owns the buffer.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "out.h"

/* Large enough that a write costs nothing per line, small enough for the cache. */
#define OUT_SIZE	(256u * 1024)

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

void out_digits(struct out *o, uint64_t v, unsigned int digits)
{
	out_make_room(o, digits);
	out_take(o, put_digits(out_at(o), v, digits));
}

void out_u64(struct out *o, uint64_t v)
{
	out_make_room(o, PUT_NUMBER_MAX);
	out_take(o, put_u64(out_at(o), v));
}

void out_i64(struct out *o, int64_t v)
{
	out_make_room(o, PUT_NUMBER_MAX);
	out_take(o, put_i64(out_at(o), v));
}

void out_ms(struct out *o, uint64_t ns)
{
	out_make_room(o, PUT_NUMBER_MAX);
	out_take(o, put_ms(out_at(o), ns));
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
	char digits[PUT_NUMBER_MAX];
	unsigned int n = (unsigned int)(put_u64(digits, v) - digits);

	if (n < width)
		out_spaces(o, width - n);
	out_mem(o, digits, n);
}

void out_str_pad(struct out *o, const char *s, unsigned int width)
{
	size_t n = strlen(s);

	out_mem(o, s, n);
	if (n < width)
		out_spaces(o, width - (unsigned int)n);
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
