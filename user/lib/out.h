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

/* A line up to this long is never split by a flush, so it can be taken back (o->len = start). */
#define OUT_LINE_MAX	8192u

struct out {
	int fd;
	bool by_line;			/* terminal: out_line_end() writes at once */
	bool ascii;			/* out_safe() escapes everything beyond ASCII */
	int error;			/* first -errno of a write; then output is thrown away */
	size_t len, size;
	char *buf;
};

int out_open(struct out *o, int fd);	/* asks isatty(fd); 0 or -ENOMEM */
int out_flush(struct out *o);		/* 0 or -errno; EINTR and short writes handled */
void out_close(struct out *o);		/* flushes, frees; does not close fd */
void out_mem_slow(struct out *o, const void *p, size_t n);

static inline void out_make_room(struct out *o, size_t n)	/* n <= OUT_LINE_MAX */
{
	if (o->size - o->len < n)
		out_flush(o);
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
		out_flush(o);
}

/*
 * The same without a look at the room, for who has made it for a line: each gives back where
 * its text ends. out_at() is where the line begins, out_take() where it ended. They may write
 * up to OUT_SLACK bytes beyond their text, so that a copy is a move or two of fixed size.
 */
#define OUT_SLACK		31u
#define OUT_NUMBER_MAX		24u	/* any of 64 bits, its sign, and what put_u64() writes beyond */
#define OUT_ENDPOINT_MAX	56u
#define OUT_SAFE_MAX		1024u

static inline bool addr_is_mapped(const uint8_t addr[16])
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	return !memcmp(addr, prefix, sizeof(prefix));
}

static inline bool addr_is_any(const uint8_t addr[16])	/* ::, 0.0.0.0 */
{
	static const uint8_t zero[16];

	return !memcmp(addr + 12, zero, 4) && (addr_is_mapped(addr) || !memcmp(addr, zero, 12));
}

extern const char three_digits[1000][4];

static inline char *out_at(const struct out *o)
{
	return o->buf + o->len;
}

static inline void out_take(struct out *o, const char *p)
{
	o->len = (size_t)(p - o->buf);
}

static inline char *put_mem(char *p, const void *s, size_t n)
{
	memcpy(p, s, n);
	return p + n;
}

static inline char *put_str(char *p, const char *s)
{
	return put_mem(p, s, strlen(s));
}

/* 32 bytes at a time: of s, too, OUT_SLACK bytes beyond n must be readable. */
static inline char *put_wide(char *p, const char *s, size_t n)
{
	size_t i = 0;

	do {
		memcpy(p + i, s + i, OUT_SLACK + 1);
		i += OUT_SLACK + 1;
	} while (i < n);
	return p + n;
}

static inline char *put_three(char *p, uint32_t v)	/* v < 1000, with its zeroes */
{
	memcpy(p, three_digits[v], 4);
	return p + 3;
}

static inline char *put_small(char *p, uint32_t v)	/* v < 1000 */
{
	unsigned int zeroes = (unsigned char)three_digits[v][3];

	memcpy(p, three_digits[v] + zeroes, 4);
	return p + 3 - zeroes;
}

static inline char *put_nine(char *p, uint32_t v)	/* v < 10^9: nanoseconds, with their zeroes */
{
	uint32_t thousands = v / 1000, millions = thousands / 1000;

	p = put_three(p, millions);
	p = put_three(p, thousands - millions * 1000);
	return put_three(p, v - thousands * 1000);
}

char *put_digits(char *p, uint64_t v, unsigned int digits);	/* the last ones; nothing beyond them */
char *put_u64(char *p, uint64_t v);
char *put_i64(char *p, int64_t v);
char *put_ms(char *p, uint64_t ns);		/* "12.345": milliseconds, rounded */
char *put_addr(char *p, const uint8_t addr[16]);
char *put_endpoint(char *p, const uint8_t addr[16], uint16_t port);
char *put_safe_cut(char *p, const char *s, size_t max, bool ascii, unsigned int *columns);	/* in: width, out: taken */
char *put_json(char *p, const char *s, size_t max);		/* max <= OUT_SAFE_MAX */

void out_u64(struct out *o, uint64_t v);
void out_i64(struct out *o, int64_t v);
void out_hex(struct out *o, uint64_t v);
/* Right-aligned (u64) or left-aligned (str) to width; longer is not cut. */
void out_u64_pad(struct out *o, uint64_t v, unsigned int width);
void out_str_pad(struct out *o, const char *s, unsigned int width);
/* The last digits of v, with leading zeroes: fractions of a second, hours. */
void out_digits(struct out *o, uint64_t v, unsigned int digits);
/*
 * A string from outside, at most max bytes (OUT_SAFE_MAX), stops at NUL. Control
 * bytes, backslash, bytes that are not UTF-8 and invisible or direction-changing
 * characters are escaped as \xNN, byte by byte.
 */
void out_safe(struct out *o, const char *s, size_t max);
/* The same, cut to width terminal columns; returns the columns it took. */
unsigned int out_safe_cut(struct out *o, const char *s, size_t max, unsigned int width);
/* The same as a JSON string with its quotes, as long as it likes: \uNNNN for characters, \\xNN for bytes that are none. */
void out_json(struct out *o, const char *s, size_t max);
/* An address as in the record: mapped ones as IPv4, others as RFC 5952 has it. */
void out_addr(struct out *o, const uint8_t addr[16]);
/* 192.0.2.1:80, [2001:db8::1]:80 */
void out_endpoint(struct out *o, const uint8_t addr[16], uint16_t port);
void out_ms(struct out *o, uint64_t ns);
void out_pad_to(struct out *o, size_t from, unsigned int width);	/* spaces until width columns since offset from */
void out_spaces(struct out *o, unsigned int n);

#endif
