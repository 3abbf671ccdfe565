// SPDX-License-Identifier: GPL-2.0-only
/* `tcptrace listeners`: its table fits into the terminal, and what nobody reads on one is as it always was. */
#include "edge.h"
#include "model_rig.h"

#include "../../user/view/view.h"

static void listener(uint32_t n, uint32_t netns, const char *comm)
{
	struct tcptrace_record rec = by(listener_rec(TCPTRACE_LISTEN), 4000000 + n, 3);

	rec.sk = rec.listener = LSK + n * 4096;
	rec.netns = 4026531833u + netns;
	rec.lport = (uint16_t)(8080 + n);
	rec.backlog = rec.somaxconn = rec.acceptq_max = 4096;
	rec.old = TCP_S_CLOSE;
	rec.new = TCP_S_LISTEN;
	memset(rec.comm, 0, sizeof(rec.comm));
	memcpy(rec.comm, comm, strlen(comm));
	rec.flags |= TCPTRACE_F_QUEUES;
	rig_feed(rec);
}

static void place(uint32_t n, const char *unit)
{
	struct tcptrace_record rec = { .t_ns = rig.t, .event = TCPTRACE_PLACE, .pid = 4000000 + n, .lport = 1 };

	memcpy((char *)&rec + TCPTRACE_TEXT_AT, unit, strlen(unit));
	model_feed(rig.m, &rec);
}

static const char *shown(unsigned int columns)
{
	struct listeners_config cfg = { .columns = columns };
	struct out *o = buffer();

	listeners_print(o, rig.m, &cfg);
	return text(o);
}

static void width_unknown(void **state)
{
	(void)state;
	listener(0, 0, "nginx");
	assert_string_equal(shown(0),
		"SYNQ      ACCEPTQ   LIMIT   DROPS LOCAL                 NETNS      PID     COMM            FD\n"
		"0/4096    0/4096    4096    -     0.0.0.0:8080          4026531833 4000000 nginx           3\n");
	place(0, "a.service");
	assert_string_equal(shown(0),
		"SYNQ      ACCEPTQ   LIMIT   DROPS LOCAL                 NETNS      PID     COMM            FD    PLACE\n"
		"0/4096    0/4096    4096    -     0.0.0.0:8080          4026531833 4000000 nginx           3     a.service\n");
}

static void as_wide_as_what_is_in_it(void **state)
{
	(void)state;
	listener(0, 0, "nginx");
	assert_string_equal(shown(80),
		"SYNQ   ACCEPTQ LIMIT DROPS LOCAL        NETNS      PID     COMM  FD\n"
		"0/4096 0/4096  4096  -     0.0.0.0:8080 4026531833 4000000 nginx 3\n");
	listener(1, 0, "a-name-of-fifte");	/* all are of one namespace */
	assert_string_equal(shown(72),
		"SYNQ   ACCEPTQ LIMIT DROPS LOCAL        PID     COMM            FD\n"
		"0/4096 0/4096  4096  -     0.0.0.0:8080 4000000 nginx           3\n"
		"0/4096 0/4096  4096  -     0.0.0.0:8081 4000001 a-name-of-fifte 3\n");
	listener(2, 1, "other");
	assert_string_equal(shown(72),
		"SYNQ   ACCEPTQ DROPS LOCAL        NETNS      PID     COMM            FD\n"
		"0/4096 0/4096  -     0.0.0.0:8080 4026531833 4000000 nginx           3\n"
		"0/4096 0/4096  -     0.0.0.0:8081 4026531833 4000001 a-name-of-fifte 3\n"
		"0/4096 0/4096  -     0.0.0.0:8082 4026531834 4000002 other           3\n");
	assert_string_equal(shown(40),
		"SYNQ   ACCEPTQ LOCAL        COMM\n"
		"0/4096 0/4096  0.0.0.0:8080 nginx\n"
		"0/4096 0/4096  0.0.0.0:8081 a-name-of-fifte\n"
		"0/4096 0/4096  0.0.0.0:8082 other\n");
}

/* Of a place as much as there is room for. */
static void places_fit(void **state)
{
	const char *s, *end;

	(void)state;
	listener(0, 0, "nginx");
	listener(1, 1, "a-name-of-fifte");
	place(0, "the-longest-name-of-a-unit.service");
	for (unsigned int columns = 80; columns < 140; columns++) {
		for (s = shown(columns); *s; s = end + 1) {
			end = strchr(s, '\n');
			assert_non_null(end);
			assert_true((size_t)(end - s) <= columns);
		}
	}
	assert_non_null(strstr(shown(140), " the-longest-name-of-a-unit.service\n"));
	assert_non_null(strstr(shown(80), " the-longest-name-of-a-unit.serv"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(width_unknown, rig_up, rig_down),
		cmocka_unit_test_setup_teardown(as_wide_as_what_is_in_it, rig_up, rig_down),
		cmocka_unit_test_setup_teardown(places_fit, rig_up, rig_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
