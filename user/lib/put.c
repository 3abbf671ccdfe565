// SPDX-License-Identifier: GPL-2.0-only
/* Numbers at a cursor, three digits at a time; names and addresses are in text.c. */
#include "put.h"

/* "000" to "999", and how many zeroes stand before the number: a load gives three digits. */
#define UNIT(h, t, u)	{ h, t, u, (h == '0') + (h == '0' && t == '0') }
#define TEN(h, t)	UNIT(h, t, '0'), UNIT(h, t, '1'), UNIT(h, t, '2'), UNIT(h, t, '3'), UNIT(h, t, '4'), \
			UNIT(h, t, '5'), UNIT(h, t, '6'), UNIT(h, t, '7'), UNIT(h, t, '8'), UNIT(h, t, '9')
#define HUNDRED(h)	TEN(h, '0'), TEN(h, '1'), TEN(h, '2'), TEN(h, '3'), TEN(h, '4'), \
			TEN(h, '5'), TEN(h, '6'), TEN(h, '7'), TEN(h, '8'), TEN(h, '9')
const char three_digits[1000][4] = {
	HUNDRED('0'), HUNDRED('1'), HUNDRED('2'), HUNDRED('3'), HUNDRED('4'),
	HUNDRED('5'), HUNDRED('6'), HUNDRED('7'), HUNDRED('8'), HUNDRED('9'),
};

char *put_digits(char *p, uint64_t v, unsigned int digits)
{
	unsigned int n = digits;
	uint64_t rest;

	for (; n >= 3; v = rest) {
		n -= 3;
		rest = v / 1000;
		memcpy(p + n, three_digits[v - rest * 1000], 3);
	}
	for (; n; v /= 10)
		p[--n] = (char)('0' + v % 10);
	return p + digits;
}

char *put_u64(char *p, uint64_t v)
{
	if (v < 1000)
		return put_small(p, (uint32_t)v);
	if (v < 1000000) {
		p = put_small(p, (uint32_t)v / 1000);
		return put_three(p, (uint32_t)v % 1000);
	}
	if (v < 1000000000) {
		p = put_small(p, (uint32_t)v / 1000000);
		p = put_three(p, (uint32_t)v / 1000 % 1000);
		return put_three(p, (uint32_t)v % 1000);
	}
	p = put_u64(p, v / 1000000000);
	return put_nine(p, (uint32_t)(v % 1000000000));
}

char *put_i64(char *p, int64_t v)
{
	if (v < 0)
		*p++ = '-';
	return put_u64(p, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

char *put_ms(char *p, uint64_t ns)
{
	uint64_t us = (ns / 500 + 1) / 2;	/* rounded, and no sum that overflows */
	uint64_t ms = us / 1000;

	p = put_u64(p, ms);
	*p++ = '.';
	return put_three(p, (uint32_t)(us - ms * 1000));
}
