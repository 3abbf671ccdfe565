// SPDX-License-Identifier: GPL-2.0-only
/*
 * The buffer. What a number looks like is in put.c, text from outside (names of
 * processes) and addresses are in text.c. Nothing here knows TCP, and nothing
 * talks: an error is kept in o->error for the one who owns the buffer.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "out.h"
#include "sized.h"

/* Large enough that a write costs nothing per line, small enough for the cache. */
#define OUT_SIZE	SIZED(256u * 1024, 16u * 1024)
#define OUT_MUCH	(64u * 1024)
#define PAGE		4096u

int out_open(struct out *o, int fd)
{
	struct stat st;

	memset(o, 0, sizeof(*o));
	o->fd = fd;
	o->by_line = fd >= 0 && isatty(fd) == 1;
	o->by_page = fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode);
	o->size = OUT_SIZE;
	o->buf = malloc(o->size);
	return o->buf ? 0 : -ENOMEM;
}

bool (*out_give_up)(void);

/* The first n bytes of what is there. */
static int write_out(struct out *o, size_t n)
{
	unsigned int stuck = 0;
	size_t done = 0;

	while (done < n && !o->error) {
		ssize_t some = write(o->fd, o->buf + done, n - done);

		if (some >= 0) {
			done += (size_t)some;
			stuck = 0;
		} else if (errno != EINTR || (out_give_up && out_give_up() && ++stuck == 2)) {
			o->error = -errno;
		}
	}
	o->written += done;
	o->len -= n;
	memmove(o->buf, o->buf + n, o->len);
	return o->error;
}

int out_flush(struct out *o)
{
	return write_out(o, o->len);
}

int out_flush_pages(struct out *o)
{
	size_t rest = o->by_page && o->len >= OUT_MUCH ? (o->written + o->len) % PAGE : 0;

	return write_out(o, o->len - rest);
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
			out_flush_pages(o);
			part = o->size - o->len;
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

void out_seconds(struct out *o, uint64_t ns)
{
	out_u64(o, ns / 1000000000);
	out_char(o, '.');
	out_digits(o, ns / 100000000, 1);
	out_str(o, " s");
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
