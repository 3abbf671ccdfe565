// SPDX-License-Identifier: GPL-2.0-only
/* The sentence for a kernel that BPF cannot capture on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "source/bpf/why.h"

static const char *on(const char *release, int err)
{
	static char buf[512];

	why_not_loaded(buf, sizeof(buf), err, release);
	return buf;
}

/* Whatever it was that the kernel objected to. */
static void test_older_kernels(void **state)
{
	static const char *const old[] = { "4.18.0-553.el8_10.x86_64", "4.19.0-27-amd64", "5.4.0-216-generic", "5.9.16" };
	static const int errs[] = { ENOENT, EINVAL, ENOSYS, ELOOP, E2BIG, EMFILE };
	char sentence[128];

	(void)state;
	for (size_t i = 0; i < sizeof(old) / sizeof(*old); i++) {
		snprintf(sentence, sizeof(sentence), "this is Linux %s, tcptrace needs 5.10 or later", old[i]);
		for (size_t e = 0; e < sizeof(errs) / sizeof(*errs); e++)
			assert_string_equal(on(old[i], -errs[e]), sentence);
	}
}

static void test_others_are_not_called_old(void **state)
{
	static const char *const others[] = { "5.10.0-32-cloud-amd64", "5.14.0-362.el9.x86_64", "6.1.0", "10.0", "odd", "" };

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		assert_null(strstr(on(others[i], -EINVAL), "5.10 or later"));
		assert_null(strstr(on(others[i], -E2BIG), "5.10 or later"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_older_kernels),
		cmocka_unit_test(test_others_are_not_called_old),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
