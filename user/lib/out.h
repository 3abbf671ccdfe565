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

struct out {
	int fd;
	bool by_line;			/* terminal: out_line_end() writes at once */
	int error;			/* first -errno of a write; then output is thrown away */
	size_t len, size;
	char *buf;
};

int out_open(struct out *o, int fd);	/* asks isatty(fd); 0 or -ENOMEM */
int out_flush(struct out *o);		/* 0 or -errno; EINTR and short writes handled */
void out_close(struct out *o);		/* flushes, frees; does not close fd */
void out_line_end(struct out *o);	/* newline; flush if by_line or the buffer is nearly full */

void out_mem(struct out *o, const void *p, size_t n);
void out_str(struct out *o, const char *s);
void out_char(struct out *o, char c);
void out_u64(struct out *o, uint64_t v);
void out_i64(struct out *o, int64_t v);
void out_hex(struct out *o, uint64_t v);
/* Right- or left-aligned to width; longer is not cut. */
void out_u64_pad(struct out *o, uint64_t v, unsigned int width);
void out_str_pad(struct out *o, const char *s, unsigned int width);	/* left */
/* A string from outside, at most max bytes, stops at NUL: control bytes and non-UTF-8 escaped as \xNN. */
void out_safe(struct out *o, const char *s, size_t max);
/* The same as a JSON string with its quotes. */
void out_json(struct out *o, const char *s, size_t max);
/* An address as in the record: mapped ones as IPv4. */
void out_addr(struct out *o, const uint8_t addr[16]);
/* ns as "12.345" milliseconds with three decimals. */
void out_ms(struct out *o, uint64_t ns);
void out_pad_to(struct out *o, size_t from, unsigned int width);	/* spaces until width columns since offset from */

#endif
