// SPDX-License-Identifier: GPL-2.0-only
/* The histogram: exact count, sum and maximum; quantiles within an eighth, never above the maximum. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../user/model/waits.h"

static void empty(void **state)
{
	struct hist h = { 0 };

	(void)state;
	assert_int_equal(hist_quantile(&h, 500), 0);
	assert_int_equal(hist_quantile(&h, 1000), 0);
}

static void one_value(void **state)
{
	static const uint64_t values[] = { 0, 1, 7, 8, 9, 15, 16, 1000, 300000000, 1ull << 43,
					   (1ull << 44) - 1, 1ull << 44, UINT64_MAX };
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(values) / sizeof(*values); i++) {
		struct hist h = { 0 };

		hist_add(&h, values[i]);
		assert_int_equal(h.count, 1);
		assert_int_equal(h.max, values[i]);
		assert_true(hist_quantile(&h, 500) == values[i]);
		assert_true(hist_quantile(&h, 0) == values[i]);
	}
}

static void error_is_small(void **state)
{
	uint64_t v;

	(void)state;
	for (v = 1; v < 1ull << 43; v += v / 5 + 1) {
		struct hist h = { 0 };
		uint64_t q;

		hist_add(&h, v);
		hist_add(&h, UINT64_MAX);
		q = hist_quantile(&h, 500);
		assert_true(q >= v);
		assert_true(q - v <= v / 8);
	}
}

static void quantiles(void **state)
{
	struct hist h = { 0 };
	uint64_t i, q;

	(void)state;
	for (i = 1; i <= 1000; i++)
		hist_add(&h, i * 1000);
	assert_int_equal(h.sum, 500500000);
	q = hist_quantile(&h, 500);
	assert_true(q >= 500000 && q <= 500000 + 500000 / 8);
	q = hist_quantile(&h, 990);
	assert_true(q >= 990000 && q <= 1000000);
	assert_int_equal(hist_quantile(&h, 1000), 1000000);
	assert_int_equal(hist_quantile(&h, 5000), 1000000);
}

/* In any order, of several at once, and after parts were given back: the same as a whole histogram. */
/* Some may be longer than what was entered: what these could move is a lower bound, and a true one. */
static void lower_bounds(void **state)
{
	struct hist h = { 0 };

	(void)state;
	for (unsigned int i = 0; i < 96; i++)
		hist_add(&h, 1000);
	assert_false(hist_is_least(&h, 1000));
	hist_add(&h, 1000000);
	hist_add(&h, 1000000);
	hist_add_least(&h, 900);	/* it may be the longest, and moves no half */
	hist_add_least(&h, 1000100);
	assert_false(hist_is_least(&h, 500));
	assert_int_equal(hist_quantile(&h, 500), hist_top(hist_bucket(1000)));
	assert_true(hist_is_least(&h, 970));
	assert_in_range(hist_quantile(&h, 970), 900, 1000);
	assert_true(hist_is_least(&h, 1000));
	assert_true(hist_quantile(&h, 1000) <= 1000100);
	h = (struct hist){ 0 };
	hist_add_least(&h, 1000000);
	assert_int_equal(hist_quantile(&h, 500), 1000000);
	assert_true(hist_is_least(&h, 500));
}

static void waits_are_the_same(void **state)
{
	struct waits w[3] = { 0 };
	struct hist h[3] = { 0 }, out;
	uint64_t x = 88172645463325252ull;
	struct pool parts;

	(void)state;
	assert_int_equal(waits_init(&parts, 3), 0);
	for (unsigned int i = 0; i < 200000; i++) {
		unsigned int k = i % 3;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		hist_add(&h[k], x >> (x & 63));
		waits_add(&parts, &w[k], x >> (x & 63));
		if (i % 1000 < 3) {
			waits_hist(&w[k], &out);
			assert_memory_equal(&out, &h[k], sizeof(out));
		}
		if (i % 7001 == k) {
			waits_end(&parts, &w[k]);
			w[k] = (struct waits){ 0 };
			h[k] = (struct hist){ 0 };
		}
	}
	assert_true(parts.used <= parts.n);
	pool_free(&parts);
}

static void waits_take_what_they_need(void **state)
{
	struct waits w = { 0 };
	struct pool parts;

	(void)state;
	assert_int_equal(waits_init(&parts, 1), 0);
	waits_add(&parts, &w, 1000);
	waits_add(&parts, &w, 1023);
	assert_int_equal(parts.used, 1);
	waits_add(&parts, &w, 1024);
	assert_int_equal(parts.used, 2);
	waits_end(&parts, &w);
	waits_add(&parts, &w, 5);
	assert_int_equal(parts.used, 2);
	pool_free(&parts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty),
		cmocka_unit_test(one_value),
		cmocka_unit_test(error_is_small),
		cmocka_unit_test(quantiles),
		cmocka_unit_test(lower_bounds),
		cmocka_unit_test(waits_are_the_same),
		cmocka_unit_test(waits_take_what_they_need),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
