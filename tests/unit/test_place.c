// SPDX-License-Identifier: GPL-2.0-only
/* Places of processes and listeners: told by records, kept with a closed listener, bounded. */
#include "model_rig.h"

static void send(uint32_t pid, const char *text, unsigned int from, unsigned int to, unsigned int of)
{
	for (unsigned int i = from; i < to; i++) {
		struct tcptrace_record r = { .t_ns = rig.t, .event = TCPTRACE_PLACE, .pid = pid, .rport = (uint16_t)i,
					     .lport = (uint16_t)of };

		memcpy((char *)&r + TCPTRACE_TEXT_AT, text + i * TCPTRACE_TEXT_LEN, TCPTRACE_TEXT_LEN);
		model_feed(rig.m, &r);
	}
}

static unsigned int parts_of(const char *unit, const char *container, char text[PLACE_TEXT_MAX + TCPTRACE_TEXT_LEN])
{
	struct proc_place p = { .unit = "" };

	memset(text, 0, PLACE_TEXT_MAX + TCPTRACE_TEXT_LEN);
	snprintf(p.unit, sizeof(p.unit), "%s", unit);
	snprintf(p.container, sizeof(p.container), "%s", container);
	return (unsigned int)(place_to_text(&p, text) + TCPTRACE_TEXT_LEN - 1) / TCPTRACE_TEXT_LEN;
}

static void place(uint32_t pid, const char *unit, const char *container)
{
	char text[PLACE_TEXT_MAX + TCPTRACE_TEXT_LEN];
	unsigned int n = parts_of(unit, container, text);

	send(pid, text, 0, n ? n : 1, n ? n : 1);
}

static const char *unit_of(const struct proc_place *p)
{
	return p ? p->unit : "-";
}

static void of_a_listener(void **state)
{
	uint32_t before = model_owners(rig.m);

	(void)state;
	rig_listen(8, 4096);
	assert_true(model_owners(rig.m) != before);
	assert_null(listener_place(rig.m, model_listener(rig.m, 0)));
	place(SERVER, "nginx.service", "");
	assert_string_equal(unit_of(listener_place(rig.m, model_listener(rig.m, 0))), "nginx.service");
	assert_string_equal(unit_of(model_place(rig.m, SERVER)), "nginx.service");
	assert_null(model_place(rig.m, CLIENT));
	assert_null(model_place(rig.m, 0));
	place(SERVER, "", "web");
	assert_string_equal(listener_place(rig.m, model_listener(rig.m, 0))->container, "web");
	place(SERVER, "", "");
	assert_null(listener_place(rig.m, model_listener(rig.m, 0)));
}

/* Another process gets its number. */
static void closed_keeps_it(void **state)
{
	(void)state;
	rig_listen(8, 4096);
	place(SERVER, "a.service", "");
	state_of(server_rec(0, 0), LSK, TCP_S_LISTEN, TCP_S_CLOSE);
	assert_false(model_listener(rig.m, 0)->open);
	place(SERVER, "b.service", "");
	assert_string_equal(unit_of(listener_place(rig.m, model_listener(rig.m, 0))), "a.service");
	assert_string_equal(unit_of(model_place(rig.m, SERVER)), "b.service");
}

static void parts_must_be_whole(void **state)
{
	char text[PLACE_TEXT_MAX + TCPTRACE_TEXT_LEN], name[240];
	unsigned int n;

	(void)state;
	memset(name, 'n', sizeof(name));
	name[239] = 0;
	n = parts_of(name, "c", text);
	assert_true(n > 4);
	send(1, text, 1, n, n);			/* the first is in the file before */
	assert_null(model_place(rig.m, 1));
	send(1, text, 0, n - 1, n);
	assert_null(model_place(rig.m, 1));
	send(1, text, 0, 2, n);
	send(2, text, 2, n, n);
	send(1, text, 2, n, n);
	assert_null(model_place(rig.m, 1));
	assert_null(model_place(rig.m, 2));
	send(1, text, 0, 65535 < n ? 65535 : n, 65535);
	assert_null(model_place(rig.m, 1));
	send(1, text, 0, n, n);
	assert_string_equal(unit_of(model_place(rig.m, 1)), name);
	memset(text, 'x', sizeof(text));
	send(1, text, 0, 16, 16);		/* no end in it */
	send(1, text, 0, 17, 40);
	assert_string_equal(unit_of(model_place(rig.m, 1)), name);
	send(1, text, 0, 0, 0);
}

/* Far more than are kept: who holds a listener stays, what is told is never another's. */
static void bounded(void **state)
{
	unsigned int known = 0;
	char unit[32];

	(void)state;
	rig_listen(8, 4096);
	place(SERVER, "server.service", "");
	for (uint32_t pid = 1000; pid < 31000; pid++) {
		snprintf(unit, sizeof(unit), "u%u.service", pid / 3);
		place(pid, unit, "");
	}
	for (uint32_t pid = 1000; pid < 31000; pid++) {
		const struct proc_place *p = model_place(rig.m, pid);

		snprintf(unit, sizeof(unit), "u%u.service", pid / 3);
		assert_true(!p || !strcmp(p->unit, unit));
		known += p != NULL;
	}
	assert_true(known >= 1000 && known <= 4096);
	assert_non_null(model_place(rig.m, 30999));
	assert_string_equal(unit_of(listener_place(rig.m, model_listener(rig.m, 0))), "server.service");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(of_a_listener, rig_up, rig_down),
		cmocka_unit_test_setup_teardown(closed_keeps_it, rig_up, rig_down),
		cmocka_unit_test_setup_teardown(parts_must_be_whole, rig_up, rig_down),
		cmocka_unit_test_setup_teardown(bounded, rig_up, rig_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
