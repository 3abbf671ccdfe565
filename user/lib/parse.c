// SPDX-License-Identifier: GPL-2.0-only
/*
 * Numbers from the command line. strtoul() is not used: it takes "-1", " 7",
 * "0x10" and leaves errno to be forgotten.
 */
#include <errno.h>
#include <stdbool.h>

#include "parse.h"

/* Takes the digits at *s; false when the number does not fit. */
static bool take_digits(const char **s, uint64_t *v)
{
	bool fits = true;

	for (*v = 0; **s >= '0' && **s <= '9'; (*s)++) {
		if (__builtin_mul_overflow(*v, 10, v) ||
		    __builtin_add_overflow(*v, (uint64_t)(**s - '0'), v))
			fits = false;
	}
	return fits;
}

int parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *out)
{
	const char *p = s;
	uint64_t v;
	bool fits = take_digits(&p, &v);

	if (p == s || *p)
		return -EINVAL;
	if (!fits || v < min || v > max)
		return -ERANGE;
	*out = v;
	return 0;
}

int parse_seconds(const char *s, uint64_t *ns)
{
	const uint64_t ten_years = 10 * 366 * 86400ull;
	uint64_t whole, fraction = 0, unit = 1000000000;
	const char *p = s;
	bool fits = take_digits(&p, &whole);
	long digits = p - s;

	if (*p == '.') {
		for (p++; *p >= '0' && *p <= '9'; p++, digits++) {
			unit /= 10;
			fraction += (uint64_t)(*p - '0') * unit;
			if (!unit)
				return -EINVAL;
		}
	}
	if (!digits || *p)
		return -EINVAL;
	if (!fits || whole > ten_years || !(whole || fraction))
		return -ERANGE;
	*ns = whole * 1000000000ull + fraction;
	return 0;
}
