// SPDX-License-Identifier: GPL-2.0-only
/*
 * view/: text that is kept from line to line never shows where it is not true. A view that has
 * written many lines must write the next one as a view that was opened just now does.
 */
#include "event_rig.h"

#define KEPT	256u		/* a conn's place is its number modulo this, in both views */

static struct {
	const struct view_ops *ops;
	struct view_config cfg;
	struct view v;
} views[] = {
	{ &view_json, { .wall_offset_ns = 1795410642123456789 } },
	{ &view_table, { .no_header = true } },
	{ &view_table, { .no_header = true, .columns = 80, .time = VIEW_TIME_WALL } },
	{ &view_table, { .no_header = true, .columns = 260, .utf8 = true } },
	{ &view_table, { .no_header = true, .time = VIEW_TIME_START, .start_ns = 1 } },
};
#define KEPT_VIEWS	(sizeof(views) / sizeof(views[0]))

static int open_views(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < KEPT_VIEWS; i++) {
		views[i].cfg.home_netns = 4026531840;	/* otherwise it is that of the first event */
		assert_int_equal(view_open(&views[i].v, views[i].ops, &views[i].cfg, buffer()), 0);
	}
	plain_event(TCPTRACE_ACCEPT);
	return 0;
}

static int close_views(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < KEPT_VIEWS; i++)
		view_close(&views[i].v);
	return 0;
}

/* The line of one view; its bytes beyond ASCII are escaped, or not, as it was opened. */
static const char *line_of(struct view *v)
{
	struct out *o = buffer();

	o->ascii = !v->cfg.utf8;
	v->ops->event(v, &now.ev);
	return text(o);
}

/* What is now comes out of all views as if nothing had been before. */
static void check(void)
{
	char line[OUT_LINE_MAX];
	struct view fresh;
	size_t i;

	for (i = 0; i < KEPT_VIEWS; i++) {
		strcpy(line, line_of(&views[i].v));
		assert_int_equal(view_open(&fresh, views[i].ops, &views[i].cfg, buffer()), 0);
		assert_string_equal(line, line_of(&fresh));
		view_close(&fresh);
	}
}

static void check_json(const char *part)
{
	check();
	assert_non_null(strstr(line_of(&views[0].v), part));
}

static void another_address(void **state)
{
	(void)state;
	check_json("\"raddr\":\"127.0.0.1\"");
	now.rec.raddr[15] = 2;
	check_json("\"raddr\":\"127.0.0.2\"");
	now.rec.laddr[12] = 10;
	check_json("\"laddr\":\"10.0.0.1\"");
	memset(now.rec.laddr, 0, 15);
	now.rec.family = 6;
	check_json("\"family\":\"ipv6\",\"laddr\":\"::1\"");
	now.rec.lport = 81;
	check_json("\"lport\":81,");
	now.rec.rport = 82;
	check_json("\"rport\":82,");
	now.rec.netns = 1;
	check_json("\"netns\":1,");
	now.ev.l = &now.l;
	now.l.id = 3;
	check_json("\"listener\":3,");
	now.l.cookie = 5;
	check_json("\"cookie\":5,");
}

/* A connect() that failed has no remote end in its record; of listen() two numbers are there. */
static void address_from_elsewhere(void **state)
{
	(void)state;
	now.ev.c = &now.c;
	memcpy(now.c.raddr, now.rec.raddr, 16);
	now.c.raddr[15] = 7;
	check_json("\"raddr\":\"127.0.0.1\"");
	now.rec.event = TCPTRACE_CONNECT_RETURN;
	now.rec.rport = 0;
	check_json("\"raddr\":\"127.0.0.7\"");
	now.c.rport = 9;
	check_json("\"rport\":9,");
	now.rec.event = TCPTRACE_LISTEN;
	check();
	assert_null(strstr(line_of(&views[0].v), "raddr"));
}

static void another_process(void **state)
{
	(void)state;
	check_json("\"comm\":\"nginx\"");
	now.who.comm[4] = 'y';
	check_json("\"comm\":\"nginy\"");
	memcpy(now.who.comm, "sixteen-letters1", 16);
	check_json("\"comm\":\"sixteen-letters1\"");
	now.who.comm[15] = '2';
	check_json("\"comm\":\"sixteen-letters2\"");
	now.who.pid++;
	check_json("\"pid\":813,\"tid\":812,");
	now.who.tid++;
	now.who.fd -= 37;			/* the same place */
	check_json("\"tid\":813,\"comm\":\"sixteen-letters2\",\"ret\"");
	now.ev.who = NULL;
	check();
	assert_null(strstr(line_of(&views[0].v), "comm"));
}

/* Numbers that share one place take turns in it. */
static void collisions(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 9; i++) {
		now.ev.conn = 1 + (uint64_t)(i % 3) * KEPT;
		now.rec.rport = (uint16_t)(40000 + i % 2);
		check();
		now.who.tid = 812 + (uint32_t)i % 2;
		now.who.fd = 50 - 37 * (i % 2);
		check();
		now.ev.has_queues = true;
		now.ev.synq = (uint32_t)i % 2;
		now.ev.acceptq = 16 - 16 * now.ev.synq;
		check();
	}
	now.ev.conn = 1 + KEPT;
	check_json("\"conn\":257,");
}

static void hostile_names(void **state)
{
	static const struct { const char *comm, *json; } names[] = {
		{ "a\"b\\c", "\"comm\":\"a\\\"b\\\\c\"," },
		{ "\033[31m\n", "\"comm\":\"\\u001b[31m\\u000a\"," },
		{ "\xff\xfe\x80", "\"comm\":\"\\\\xff\\\\xfe\\\\x80\"," },
		{ "\xff\xfe\x81", "\"comm\":\"\\\\xff\\\\xfe\\\\x81\"," },
		{ "\xe4\xbd\xa0\xe5\xa5\xbd", "\"comm\":\"\xe4\xbd\xa0\xe5\xa5\xbd\"," },
		{ "e\xcc\x81" "e\xcc\x81", "\"comm\":\"e\xcc\x81" "e\xcc\x81\"," },
		{ "\xe2\x80\xae" "abc", "\"comm\":\"\\u202eabc\"," },
		{ "\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01", "\\u0001\\u0001\"," },
		{ "a", "\"comm\":\"a\"," },
	};
	size_t i;

	(void)state;
	for (i = 0; i < 3 * sizeof(names) / sizeof(names[0]); i++) {
		memset(now.who.comm, 0, sizeof(now.who.comm));
		memcpy(now.who.comm, names[i % 9].comm, strlen(names[i % 9].comm));
		check_json(names[i % 9].json);
		check_json(names[i % 9].json);		/* kept now */
	}
}

/* Records come nearly in order; a second may end, come back, or be the first since boot. */
static void seconds(void **state)
{
	static const uint64_t times[] = {
		0, 1, 999999999, 1000000000, 1000000001, 999999999, 1999999999, 2000000000, 1999999999,
		12345678901234, 12345999999999, 12346000000000, 10000000000000, UINT64_MAX / 2, 5,
	};
	char t[64];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		now.rec.t_ns = times[i];
		snprintf(t, sizeof(t), "{\"type\":\"event\",\"t_ns\":%llu,", (unsigned long long)times[i]);
		check_json(t);
	}
}

static void another_width(void **state)
{
	char narrow[OUT_LINE_MAX];

	(void)state;
	strcpy(narrow, line_of(&views[1].v));
	views[1].v.cfg.columns = 260;
	assert_non_null(strstr(line_of(&views[1].v), " 127.0.0.1:8080 "));
	views[1].v.cfg.columns = 0;
	assert_string_equal(line_of(&views[1].v), narrow);
}

/* What is before the kept columns leaves them their place, or pushes them on. */
static void another_place(void **state)
{
	int i;

	(void)state;
	now.ev.event = TCPTRACE_SYNACK_RETRANS;
	for (i = 0; i < 4; i++) {
		now.rec.t_ns = i % 2 ? UINT64_MAX / 2 : 1000000000;
		check();
	}
}

/* One thing is another than in the event before, or all are. */
static void by_chance(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 20000; i++) {
		unsigned int what = chance() % 14;

		if (!(chance() & 7))
			random_event();
		else if (what < 6)
			random_bytes((what < 3 ? now.rec.laddr : (uint8_t *)&now.who) + chance() % 28, 1);
		else if (what == 6)
			now.ev.conn = chance() % 3 * KEPT;
		else if (what == 7)
			now.ev.c = now.ev.c ? NULL : &now.c;
		else if (what == 8)
			now.c.cookie = chance() % 3;
		else if (what == 9)
			now.rec.family = chance() % 8;
		else if (what == 10)
			now.ev.acceptq = chance() % 3;
		else if (what == 11)
			now.ev.synq_young = chance() % 3;
		else if (what == 12)
			now.ev.limit = chance() % 3;
		else
			now.rec.t_ns += chance() % 2000000000;
		now.rec.event %= TCPTRACE_EVENT_MAX;
		check();
	}
}

int main(void)
{
#define KEPT_TEST(f)	cmocka_unit_test_setup_teardown(f, open_views, close_views)
	const struct CMUnitTest tests[] = {
		KEPT_TEST(another_address), KEPT_TEST(address_from_elsewhere), KEPT_TEST(another_process),
		KEPT_TEST(collisions), KEPT_TEST(hostile_names), KEPT_TEST(seconds), KEPT_TEST(another_width),
		KEPT_TEST(another_place), KEPT_TEST(by_chance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
