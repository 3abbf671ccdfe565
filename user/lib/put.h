/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Text written at a cursor, without a look at the room, for who has made it for a line (out.h).
 * Each gives back where its text ends, and may write up to PUT_SLACK bytes beyond, so that a
 * copy is a move or two of fixed size.
 */
#ifndef TCPTRACE_PUT_H
#define TCPTRACE_PUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define PUT_SLACK		32u
#define PUT_NUMBER_MAX		24u	/* any of 64 bits, its sign, and what put_u64() writes beyond */
#define PUT_ENDPOINT_MAX	56u
#define PUT_SAFE_MAX		256u	/* bytes of a name, each shown as at most 4 */

extern const char three_digits[1000][4];	/* "000", and in the last place how many zeroes come first */

static inline char *put_mem(char *p, const void *s, size_t n)
{
	memcpy(p, s, n);
	return p + n;
}

static inline char *put_str(char *p, const char *s)
{
	return put_mem(p, s, strlen(s));
}

/* 32 bytes at a time: of s, too, PUT_SLACK bytes beyond n must be readable. */
static inline char *put_wide(char *p, const char *s, size_t n)
{
	size_t i = 0;

	do {
		memcpy(p + i, s + i, PUT_SLACK);
		i += PUT_SLACK;
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

static inline bool addr_is_loopback(const uint8_t addr[16])	/* ::1, 127.0.0.0/8 */
{
	static const uint8_t six[16] = { [15] = 1 };

	return addr_is_mapped(addr) ? addr[12] == 127 : !memcmp(addr, six, sizeof(six));
}

char *put_addr(char *p, const uint8_t addr[16]);
char *put_endpoint(char *p, const uint8_t addr[16], uint16_t port);
char *put_safe_cut(char *p, const char *s, size_t max, bool ascii, unsigned int *columns);	/* in: width, out: taken */
char *put_json(char *p, const char *s, size_t max);		/* max <= PUT_SAFE_MAX */

#endif
