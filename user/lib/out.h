/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Output: one buffer, formatted into by hand, written in large pieces to a file
 * or pipe and by the line to a terminal. No printf on the path of an event.
 */
#ifndef TCPTRACE_OUT_H
#define TCPTRACE_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "put.h"

/* A line up to this long is never split by a flush, so it can be taken back (o->len = start). */
#define OUT_LINE_MAX	8192u

struct out {
	int fd;
	bool by_line;			/* terminal: out_line_end() writes at once */
	bool by_page;			/* a file: see out_flush_pages() */
	bool ascii;			/* out_safe() escapes everything beyond ASCII */
	int error;			/* first -errno of a write; then output is thrown away */
	uint64_t written;		/* bytes that the file took */
	size_t len, size;
	char *buf;
};

/*
 * Asked when a signal interrupts a write of which nothing was taken. True twice in a row: the reader sleeps, and what
 * it did not take is thrown away (error -EINTR). NULL: a write waits for ever.
 */
extern bool (*out_give_up)(void);

int out_open(struct out *o, int fd);	/* asks what fd is; 0 or -ENOMEM */
int out_flush(struct out *o);		/* 0 or -errno; EINTR and short writes handled */
/*
 * The same for who calls it again soon: of much output a file gets whole pages, which the kernel copies
 * for a third less, and the rest, less than a page, with the next call.
 */
int out_flush_pages(struct out *o);
void out_close(struct out *o);		/* flushes, frees; does not close fd */
void out_mem_slow(struct out *o, const void *p, size_t n);

static inline void out_make_room(struct out *o, size_t n)	/* n <= OUT_LINE_MAX */
{
	if (o->size - o->len < n)
		out_flush_pages(o);
}

static inline void out_mem(struct out *o, const void *p, size_t n)
{
	if (o->size - o->len < n) {
		out_mem_slow(o, p, n);
		return;
	}
	memcpy(o->buf + o->len, p, n);
	o->len += n;
}

static inline void out_char(struct out *o, char c)
{
	out_make_room(o, 1);
	o->buf[o->len++] = c;
}

static inline void out_str(struct out *o, const char *s)
{
	out_mem(o, s, strlen(s));
}

/* Newline; flush if by_line or the buffer is nearly full: there is room for a line now. */
static inline void out_line_end(struct out *o)
{
	out_char(o, '\n');
	if (o->by_line || o->size - o->len < OUT_LINE_MAX)
		out_flush_pages(o);
}

/* Where a line of put_*() begins, which was given room before, and where it ended. */
static inline char *out_at(const struct out *o)
{
	return o->buf + o->len;
}

static inline void out_take(struct out *o, const char *p)
{
	o->len = (size_t)(p - o->buf);
}

void out_u64(struct out *o, uint64_t v);
void out_i64(struct out *o, int64_t v);
/* Right-aligned (u64) or left-aligned (str) to width; longer is not cut. */
void out_u64_pad(struct out *o, uint64_t v, unsigned int width);
void out_str_pad(struct out *o, const char *s, unsigned int width);
/* The last digits of v, with leading zeroes: fractions of a second, hours. */
void out_digits(struct out *o, uint64_t v, unsigned int digits);
/*
 * A string from outside, at most max bytes (PUT_SAFE_MAX), stops at NUL. Control
 * bytes, backslash, bytes that are not UTF-8 and invisible or direction-changing
 * characters are escaped as \xNN, byte by byte.
 */
void out_safe(struct out *o, const char *s, size_t max);
/* The same, cut to width terminal columns; returns the columns it took. */
unsigned int out_safe_cut(struct out *o, const char *s, size_t max, unsigned int width);
/* The same as a JSON string with its quotes, as long as it likes: \uNNNN for characters, \\xNN for bytes that are none. */
void out_json(struct out *o, const char *s, size_t max);
/* The same inside a <script> of an HTML page, which no "<" of it may end. */
void out_script_string(struct out *o, const char *s, size_t max);
/* The same as text of an HTML page, or between the quotes of an attribute. */
void out_html(struct out *o, const char *s, size_t max);
/* n bytes that out_safe() and its like have been over, or of ours: only what HTML would take for markup is escaped. */
void out_markup(struct out *o, const char *s, size_t n);
/* An address as in the record: mapped ones as IPv4, others as RFC 5952 has it. */
void out_addr(struct out *o, const uint8_t addr[16]);
/* 192.0.2.1:80, [2001:db8::1]:80 */
void out_endpoint(struct out *o, const uint8_t addr[16], uint16_t port);
void out_ms(struct out *o, uint64_t ns);
void out_seconds(struct out *o, uint64_t ns);	/* "30.2 s", what is less is cut off */
void out_pad_to(struct out *o, size_t from, unsigned int width);	/* spaces until width columns since offset from */
void out_spaces(struct out *o, unsigned int n);

#endif
