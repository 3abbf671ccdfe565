// SPDX-License-Identifier: GPL-2.0-only
/* lib/clockfit.c against clocks and paths that are made up: what it says is true, and as exact as it says. */
#include "edge.h"

#include <math.h>

#include "../../user/lib/clockfit.h"

#define US		1000ll
#define MS		1000000ll
#define SECOND		1000000000ll
#define SPANS		100000u

/* The other machine's clock, and the two ways. */
static struct world {
	int64_t offset;
	double ppm;
	int64_t there, back, jitter;	/* ns; each way takes up to jitter more */
	int64_t set_at, set_by;		/* it stood still, or was moved with its machine */
	uint64_t began;			/* of ours */
} w;

static struct clock_span spans[SPANS];

static int64_t ahead(int64_t since)
{
	return w.offset + (int64_t)llround((double)since * w.ppm / 1e6) + (w.set_at && since >= w.set_at ? w.set_by : 0);
}

static int64_t way(int64_t ns)
{
	return ns + (w.jitter ? (int64_t)(chance() % (uint64_t)w.jitter) : 0);
}

/* A handshake: SYN, SYN-ACK, third packet. */
static struct clock_span handshake(int64_t since)
{
	int64_t there = way(w.there), back = way(w.back), again = way(w.there), syn_in = since + there;
	struct clock_span s = { .sure = true };

	s.at = w.began + (uint64_t)(syn_in + ahead(syn_in));
	s.high = there + ahead(syn_in);				/* SYN */
	s.low = ahead(syn_in) - back;				/* SYN-ACK */
	if (again + ahead(syn_in + back + again) < s.high)	/* third packet */
		s.high = again + ahead(syn_in + back + again);
	return s;
}

/* None while it sleeps, and a moment before. */
static void connect_for(unsigned int n, int64_t length)
{
	for (unsigned int i = 0; i < n; i++) {
		int64_t since = n > 1 ? length / (n - 1) * i : 0;

		if (w.set_at && since > w.set_at - 50 * MS && since < w.set_at - w.set_by)
			since = w.set_at - w.set_by + i * US;
		spans[i] = handshake(since);
	}
}

/* The largest error there is, of n moments over that time. */
static int64_t worst(const struct clock_fit *fit, int64_t length)
{
	int64_t worst = 0, error;

	for (int i = 0; i <= 100; i++) {
		int64_t since = length / 100 * i;

		error = llabs(clock_ahead(fit, w.began + (uint64_t)(since + ahead(since))) - ahead(since));
		worst = error > worst ? error : worst;
	}
	return worst;
}

static void one_offset(void **state)
{
	static const int64_t offsets[] = { 0, 3700 * MS, -86400 * SECOND, 9ll * 365 * 86400 * SECOND };
	struct clock_fit fit;

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		w = (struct world){ .offset = offsets[i], .there = 4 * MS, .back = 4 * MS, .jitter = 2 * MS };
		w.began = 10ull * 365 * 86400 * SECOND;
		connect_for(401, 43 * SECOND);
		clock_fit(spans, 401, &fit);
		assert_int_equal(fit.n, 1);
		assert_int_equal(fit.out, 0);
		assert_true(fit.pieces[0].ppb == 0);
		assert_in_range(clock_error(&fit), 4 * MS, 4300 * US);
		assert_in_range(worst(&fit, 43 * SECOND), 0, 100 * US);
	}
}

static void one_connection(void **state)
{
	struct clock_fit fit;

	(void)state;
	w = (struct world){ .offset = -SECOND, .there = 4 * MS, .back = 4 * MS, .jitter = 2 * MS, .began = 5 * SECOND };
	connect_for(1, 0);
	clock_fit(spans, 1, &fit);
	assert_int_equal(fit.n, 1);
	assert_in_range(worst(&fit, 0), 0, clock_error(&fit));
	assert_in_range(clock_error(&fit), 4 * MS, 6 * MS);
}

static void drift(void **state)
{
	struct clock_fit fit;

	(void)state;
	w = (struct world){ .offset = 12 * MS, .ppm = -80, .there = 4 * MS, .back = 4 * MS, .jitter = 2 * MS };
	w.began = 77 * SECOND;
	connect_for(4001, 430 * SECOND);
	clock_fit(spans, 4001, &fit);
	assert_int_equal(fit.n, 1);
	assert_true(fit.pieces[0].ppb_min / 1e3 <= -80 && fit.pieces[0].ppb_max / 1e3 >= -80);
	assert_true(fabs(fit.pieces[0].ppb / 1e3 + 80) < 1);
	assert_in_range(worst(&fit, 430 * SECOND), 0, 200 * US);
	assert_in_range(clock_error(&fit), 4 * MS, 5 * MS);
}

/* No delay to speak of: some seconds are enough to see it. */
static void drift_in_a_short_run(void **state)
{
	struct clock_fit fit;

	(void)state;
	w = (struct world){ .offset = 3 * SECOND, .ppm = 35, .there = 5 * US, .back = 5 * US, .jitter = 2 * US };
	w.began = SECOND;
	connect_for(401, 4400 * MS);
	clock_fit(spans, 401, &fit);
	assert_int_equal(fit.n, 1);
	assert_true(fabs(fit.pieces[0].ppb / 1e3 - 35) < 2);
	assert_in_range(worst(&fit, 4400 * MS), 0, 3 * US);
}

/* No statistics can see it: the error is half of the difference, and what it says of itself is larger. */
static void one_way_is_longer(void **state)
{
	struct clock_fit fit;

	(void)state;
	w = (struct world){ .there = 5 * MS, .back = 12 * MS, .jitter = 500 * US, .began = 9 * SECOND };
	connect_for(401, 43 * SECOND);
	clock_fit(spans, 401, &fit);
	assert_in_range(worst(&fit, 43 * SECOND), 3300 * US, 3700 * US);
	assert_in_range(clock_error(&fit), 8500 * US, 9 * MS);
}

static void shift_some(unsigned int n, bool sure)
{
	for (unsigned int i = 0; i < n; i++) {
		spans[i].sure = sure;
		if (i % 5 == 3) {
			int64_t by = (20 + (int64_t)(chance() % 1980)) * MS * (i % 2 ? 1 : -1);

			spans[i].low += by;
			spans[i].high += by;
		}
	}
}

static void wrong_joins(void **state)
{
	struct clock_fit with, without;

	(void)state;
	for (unsigned int long_run = 0; long_run < 2; long_run++) {
		int64_t length = (long_run ? 3000 : 43) * SECOND;

		w = (struct world){ .offset = 3700 * MS, .ppm = 35, .there = 4 * MS, .back = 4 * MS, .jitter = 2 * MS };
		w.began = SECOND;
		connect_for(401, length);
		shift_some(401, false);
		clock_fit(spans, 401, &with);
		assert_int_equal(with.out, 80);
		assert_int_equal(with.used, 321);
		assert_in_range(worst(&with, length), 0, clock_error(&with));
		for (unsigned int i = 0, n = 0; i < 401; i++) {
			if (!spans[i].out)
				spans[n++] = spans[i];
		}
		clock_fit(spans, 321, &without);
		assert_int_equal(without.out, 0);
		assert_int_equal(clock_ahead(&with, 20 * SECOND), clock_ahead(&without, 20 * SECOND));
	}
}

/* A virtual machine that slept for two seconds in the middle. */
/* What bounds from one side only, more closely than the others do, is not out for that. */
static void wrong_joins_and_one_sided(void **state)
{
	struct clock_fit fit;

	(void)state;
	w = (struct world){ .offset = 500 * MS, .there = MS, .back = MS, .began = SECOND };
	connect_for(7, 3 * SECOND);
	spans[7] = (struct clock_span){ .at = 5 * SECOND, .low = 499800 * US, .high = CLOCK_OPEN };
	for (unsigned int i = 0; i < 8; i++)
		spans[i].sure = false;
	for (unsigned int i = 0; i < 2; i++) {
		spans[i].low += SECOND;
		spans[i].high += SECOND;
	}
	clock_fit(spans, 8, &fit);
	assert_int_equal(fit.n, 1);
	assert_int_equal(fit.out, 2);
	assert_int_equal(clock_ahead(&fit, SECOND), 500400 * US);
	assert_int_equal(clock_error(&fit), 600 * US);
}

static void a_step(void **state)
{
	struct clock_fit fit;

	(void)state;
	for (int sure = 0; sure < 2; sure++) {
		w = (struct world){ .offset = MS, .there = 4 * MS, .back = 4 * MS, .jitter = MS, .began = 9 * SECOND };
		w.set_at = 20 * SECOND;
		w.set_by = -2 * SECOND;
		connect_for(401, 43 * SECOND);
		for (unsigned int i = 0; i < 401; i++)
			spans[i].sure = sure;
		clock_fit(spans, 401, &fit);
		assert_int_equal(fit.n, 2);
		assert_in_range(llabs(clock_ahead(&fit, w.began + 10 * SECOND) - MS), 0, MS);
		assert_in_range(llabs(clock_ahead(&fit, w.began + 30 * SECOND) - MS + 2 * SECOND), 0, MS);
	}
}

/* FINs at the end bound from one side; what bounds nothing is nothing. */
static void one_sided(void **state)
{
	struct clock_fit fit;

	(void)state;
	w = (struct world){ .offset = 5 * MS, .there = MS, .back = MS, .began = SECOND };
	spans[0] = (struct clock_span){ .at = SECOND, .low = -CLOCK_OPEN, .high = 6 * MS };
	spans[1] = (struct clock_span){ .at = 2 * SECOND, .low = -CLOCK_OPEN, .high = CLOCK_OPEN };
	clock_fit(spans, 2, &fit);
	assert_int_equal(fit.n, 0);
	assert_int_equal(clock_ahead(&fit, SECOND), 0);
	spans[2] = (struct clock_span){ .at = 3 * SECOND, .low = 4 * MS, .high = CLOCK_OPEN };
	clock_fit(spans, 3, &fit);
	assert_int_equal(fit.n, 1);
	assert_int_equal(clock_ahead(&fit, SECOND), 5 * MS);
	assert_int_equal(clock_error(&fit), MS);
	clock_fit(spans, 0, &fit);
	assert_int_equal(fit.n, 0);
}

static void many(void **state)
{
	struct clock_fit fit;

	(void)state;
	w = (struct world){ .offset = MS, .ppm = 20, .there = MS, .back = MS, .jitter = 50 * MS, .began = SECOND };
	connect_for(SPANS, 3600 * SECOND);
	clock_fit(spans, SPANS, &fit);
	assert_int_equal(fit.n, 1);
	assert_true(fabs(fit.pieces[0].ppb / 1e3 - 20) < 1);
	assert_in_range(worst(&fit, 3600 * SECOND), 0, MS);
}

/* Whatever a damaged file says: an answer, and no undefined arithmetic. */
static void nonsense(void **state)
{
	static const int64_t edges[] = { INT64_MIN, -INT64_MAX, -1, 0, 1, INT64_MAX };
	struct clock_fit fit;

	(void)state;
	for (unsigned int run = 0; run < 3000; run++) {
		unsigned int n = 1 + (unsigned int)(chance() % 40);

		for (unsigned int i = 0; i < n; i++) {
			spans[i] = (struct clock_span){ .at = chance() % 3 ? chance() : chance() % 1000, .sure = chance() & 1 };
			spans[i].low = chance() % 4 ? (int64_t)chance() >> chance() % 64 : edges[chance() % 6];
			spans[i].high = chance() % 4 ? (int64_t)chance() >> chance() % 64 : edges[chance() % 6];
		}
		clock_fit(spans, n, &fit);
		clock_ahead(&fit, chance());
		assert_in_range(fit.n, 0, CLOCK_PIECES);
		assert_int_equal(fit.used + fit.out, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_offset),
		cmocka_unit_test(one_connection),
		cmocka_unit_test(drift),
		cmocka_unit_test(drift_in_a_short_run),
		cmocka_unit_test(one_way_is_longer),
		cmocka_unit_test(wrong_joins),
		cmocka_unit_test(wrong_joins_and_one_sided),
		cmocka_unit_test(a_step),
		cmocka_unit_test(one_sided),
		cmocka_unit_test(many),
		cmocka_unit_test(nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
