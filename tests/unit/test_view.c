// SPDX-License-Identifier: GPL-2.0-only
/* view/: lines that fit, whatever the event; JSON that is JSON, whatever the name; clocks; selection. */
#include "event_rig.h"

#include <arpa/inet.h>
#include <time.h>

#include "../../user/run/select.h"
#include "../../user/view/field.h"
#include "../../user/view/repeat.h"

/* ---- a strict checker of JSON (RFC 8259): the place after the value, or NULL ---- */

static const char *json_value(const char *s);

static const char *json_string(const char *s)
{
	if (*s++ != '"')
		return NULL;
	for (; *s != '"'; s++) {
		if ((unsigned char)*s < 0x20)
			return NULL;
		if (*s != '\\')
			continue;
		s++;
		if (*s == 'u' && strspn(s + 1, "0123456789abcdefABCDEF") >= 4)
			s += 4;
		else if (!*s || !strchr("\"\\/bfnrt", *s))
			return NULL;
	}
	return s + 1;
}

static const char *json_number(const char *s)
{
	s += *s == '-';
	if (*s == '0')
		return s + 1;
	return strspn(s, "0123456789") ? s + strspn(s, "0123456789") : NULL;
}

static const char *json_object(const char *s)
{
	if (s[1] == '}')
		return s + 2;
	do {
		s = json_string(s + 1);
		if (!s || *s != ':')
			return NULL;
		s = json_value(s + 1);
	} while (s && *s == ',');
	return s && *s == '}' ? s + 1 : NULL;
}

static const char *json_value(const char *s)
{
	if (*s == '{')
		return json_object(s);
	if (*s == '"')
		return json_string(s);
	if (!strncmp(s, "true", 4))
		return s + 4;
	if (!strncmp(s, "false", 5))
		return s + 5;
	return json_number(s);
}

static void the_checker_is_strict(void **state)
{
	static const char *const bad[] = {
		"{", "{}}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{\"a\":01}", "{\"a\":\"\n\"}",
		"{\"a\":\"\\x41\"}", "{\"a\":nan}", "{\"a\":1 }",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *end = json_value(bad[i]);

		assert_true(!end || *end);
	}
	assert_string_equal(json_value("{\"a\":-1,\"b\":{\"c\":\"\\u001b\\\\\"},\"d\":true}"), "");
}

/* ---- events ---- */

static void lines_fit(void **state)
{
	struct out *o = buffer();
	struct view v;
	int i;

	(void)state;
	for (i = 0; i < 300000; i++) {
		unsigned int columns = i % 7 == 0 ? 0 : 40 + chance() % 220, j;
		struct view_config cfg = { .columns = columns, .no_header = true, .time = chance() % 3 };

		o->len = 0;
		assert_int_equal(view_open(&v, &view_table, &cfg, o), 0);
		random_event();
		v.ops->event(&v, &now.ev);
		assert_in_range(o->len, 2, (columns ? columns : 100) + 1);
		assert_int_equal(o->buf[o->len - 1], '\n');
		assert_true(o->buf[o->len - 2] != ' ');
		for (j = 0; j + 1 < o->len; j++)
			assert_in_range(o->buf[j], 0x20, 0x7e);
		view_close(&v);
	}
}

static void json_is_json(void **state)
{
	struct view_config cfg = { 0 };
	struct out *o = buffer();
	struct view v;
	int i;

	(void)state;
	assert_int_equal(view_open(&v, &view_json, &cfg, o), 0);
	for (i = 0; i < 300000; i++) {
		o->len = 0;
		random_event();
		v.ops->event(&v, &now.ev);
		assert_int_equal(o->buf[o->len - 1], '\n');
		o->buf[o->len - 1] = 0;
		assert_int_equal(strlen(o->buf), o->len - 1);
		assert_string_equal(json_value(o->buf), "");
	}
	view_close(&v);
}

static const char *table_line(unsigned int columns, bool color)
{
	struct view_config cfg = { .columns = columns, .no_header = true, .color = color };
	struct out *o = buffer();
	struct view v;

	assert_int_equal(view_open(&v, &view_table, &cfg, o), 0);
	v.ops->event(&v, &now.ev);
	assert_int_equal(v.shown, 1);
	view_close(&v);
	o->len--;
	return text(o);
}

static void columns_of_the_table(void **state)
{
	(void)state;
	plain_event(TCPTRACE_STATE);
	now.ev.old = TCP_S_ESTABLISHED;
	now.ev.new = TCP_S_CLOSE_WAIT;
	now.ev.has_dur = true;
	now.ev.dur_ns = 21000;
	assert_string_equal(table_line(0, false), "state          1    812    nginx    :8080  127.0.0.1:40412       "
			    "0.021    ESTABLISHED->CLOSE_WAIT");
	assert_non_null(strstr(table_line(150, false), " 127.0.0.1:8080 "));
	now.ev.has_queues = true;
	now.ev.limit = 511;
	now.ev.acceptq = 3;
	now.ev.event = TCPTRACE_DROP;
	now.ev.cause = TCPTRACE_DROP_ACCEPTQ_SYN;
	now.ev.has_dur = false;
	now.ev.who = NULL;
	assert_string_equal(table_line(0, true), "\033[31mdrop           1    -      -        :8080  127.0.0.1:40412"
			    "       -      0/511 3/511 acceptq-full-syn\033[0m");
	now.rec.ret = -ECONNREFUSED;
	now.ev.event = now.rec.event = TCPTRACE_CONNECT_RETURN;
	now.ev.cause = 0;
	now.ev.has_queues = false;
	assert_non_null(strstr(table_line(0, false), "ECONNREFUSED"));
	now.rec.ret = -512;
	assert_non_null(strstr(table_line(0, false), "ERESTARTSYS"));
}

static void resized(void **state)
{
	struct view_config cfg = { .columns = 200, .no_header = true };
	struct out *o = buffer();
	struct view v;

	(void)state;
	plain_event(TCPTRACE_CLOSE);
	assert_int_equal(view_open(&v, &view_table, &cfg, o), 0);
	v.ops->event(&v, &now.ev);
	assert_true(o->len > 110);
	o->len = 0;
	v.cfg.columns = 80;
	v.ops->event(&v, &now.ev);
	assert_in_range(o->len, 40, 81);
	view_close(&v);
}

static void unknown_is_absent(void **state)
{
	struct view_config cfg = { 0 };
	struct out *o = buffer();
	struct view v;

	(void)state;
	plain_event(TCPTRACE_SYNQ_ADD);
	now.ev.who = NULL;
	now.ev.conn = 0;
	memset(now.rec.raddr, 0, 16);
	now.rec.rport = 0;
	now.rec.netns = 0;
	assert_int_equal(view_open(&v, &view_json, &cfg, o), 0);
	v.ops->event(&v, &now.ev);
	assert_string_equal(text(o), "{\"type\":\"event\",\"t_ns\":1000000000,\"time\":\"1970-01-01T00:00:01.000000000Z\","
			    "\"event\":\"synq-add\",\"family\":\"ipv4\",\"laddr\":\"127.0.0.1\",\"lport\":8080}\n");
	view_close(&v);
}

/* In a record of accept the cookie's place holds a duration. */
static void a_duration_is_no_cookie(void **state)
{
	struct value v;

	(void)state;
	plain_event(TCPTRACE_ACCEPT);
	now.rec.call_ns = 12345;
	assert_false(fields[COLUMN_COOKIE].get(&now.ev, &v));
	now.ev.event = TCPTRACE_ACCEPTQ_DEL;		/* derived from that record */
	assert_false(fields[COLUMN_COOKIE].get(&now.ev, &v));
	now.ev.c = &now.c;
	now.c.cookie = 7;
	assert_true(fields[COLUMN_COOKIE].get(&now.ev, &v));
	assert_int_equal(v.u, 7);
}

/* In a record of listen the remote address's place holds two numbers. */
static void a_backlog_is_no_address(void **state)
{
	struct value v;

	(void)state;
	plain_event(TCPTRACE_LISTEN);
	now.rec.backlog = 128;
	now.rec.somaxconn = 4096;
	assert_false(fields[COLUMN_REMOTE].get(&now.ev, &v));
}

/* In a record of a listener that a snapshot found, its drop counter does. */
static void drops_are_no_address(void **state)
{
	struct value v;

	(void)state;
	plain_event(TCPTRACE_EXISTS);
	now.rec.new = TCP_S_LISTEN;
	now.rec.drops = 4;
	now.rec.rport = 0;
	assert_false(fields[COLUMN_REMOTE].get(&now.ev, &v));
	now.rec.new = TCP_S_ESTABLISHED;
	now.rec.rport = 80;
	assert_true(fields[COLUMN_REMOTE].get(&now.ev, &v));
}

/* tcp_disconnect() takes the remote end off a child that dies with its listener: its conn knows it. */
static void an_end_that_is_taken_off(void **state)
{
	struct value v;

	(void)state;
	plain_event(TCPTRACE_DESTROY);
	memset(now.rec.raddr, 0, 16);
	now.rec.rport = 0;
	now.ev.c = &now.c;
	now.c.rport = 40412;
	assert_true(fields[COLUMN_REMOTE].get(&now.ev, &v));
	assert_int_equal(v.port, 40412);
}

static void clocks(void **state)
{
	static const int64_t times[] = { 1795410642123456789, 1795410642999999999, 1795410643000000000, -1 };
	struct view_clock clock = { 0 }, local = { 0 };
	struct out *o = buffer();
	size_t i;

	(void)state;
	setenv("TZ", "Asia/Kolkata", 1);
	tzset();
	for (i = 0; i < sizeof(times) / sizeof(*times); i++) {
		out_take(o, view_rfc3339(&clock, out_at(o), times[i]));
		out_char(o, ' ');
	}
	out_take(o, view_hhmmss(&local, out_at(o), 1500));
	assert_memory_equal(text(o), "2026-11-23T05:10:42.123456789Z 2026-11-23T05:10:42.999999999Z "
			    "2026-11-23T05:10:43.000000000Z 1969-12-31T23:59:59.999999999Z ", 31 * 4);
	assert_string_equal(o->buf + 31 * 4 + 8, ".000001");
}

static bool trouble(uint8_t event, uint8_t cause, int ret)
{
	struct select s = { .trouble = true };

	plain_event(event);
	now.ev.cause = cause;
	now.rec.ret = ret;
	return select_event(&s, &now.ev);
}

static void what_trouble_is(void **state)
{
	(void)state;
	assert_true(trouble(TCPTRACE_DROP, TCPTRACE_DROP_ACCEPTQ_ACK, 0));
	assert_true(trouble(TCPTRACE_SYNACK_RETRANS, 0, 0));
	assert_true(trouble(TCPTRACE_RETRANS, 0, 0));
	assert_true(trouble(TCPTRACE_COOKIE_SENT, 0, 0));
	assert_true(trouble(TCPTRACE_SYNQ_DEL, TCPTRACE_SYNQ_EXPIRED, 0));
	assert_true(trouble(TCPTRACE_SYNQ_DEL, TCPTRACE_SYNQ_RESET, 0));
	assert_true(trouble(TCPTRACE_ACCEPTQ_DEL, TCPTRACE_ACCEPTQ_CLOSED, 0));
	assert_true(trouble(TCPTRACE_ACCEPT, 0, -EMFILE));
	assert_true(trouble(TCPTRACE_CONNECT_RETURN, 0, -ECONNREFUSED));
	assert_true(trouble(TCPTRACE_BIND, 0, -EADDRINUSE));
	assert_false(trouble(TCPTRACE_SYNQ_DEL, TCPTRACE_SYNQ_ESTABLISHED, 0));
	assert_false(trouble(TCPTRACE_ACCEPTQ_DEL, TCPTRACE_ACCEPTQ_ACCEPTED, 0));
	assert_false(trouble(TCPTRACE_ACCEPT, 0, -EAGAIN));
	assert_false(trouble(TCPTRACE_ACCEPT, 0, -512));
	assert_false(trouble(TCPTRACE_ACCEPT, 0, 7));
	assert_false(trouble(TCPTRACE_CONNECT_RETURN, 0, -EINPROGRESS));
	assert_false(trouble(TCPTRACE_STATE, 0, -1));
}

static void filters_of_a_replay(void **state)
{
	struct seldom seldom = { 0 };
	struct filter f = { .nlports = 2, .lports = { { 80, 80 }, { 8080, 8080 } } };
	struct select s = { .filter = &f };

	(void)state;
	plain_event(TCPTRACE_STATE);
	assert_true(select_event(&s, &now.ev));
	f.lports[1] = (struct port_range){ 81, 90 };
	assert_false(select_event(&s, &now.ev));
	f = (struct filter){ .nrports = 1, .rports = { { 40412, 40412 } }, .family = 4, .netns = 4026531840 };
	assert_true(select_event(&s, &now.ev));
	f.family = 6;
	assert_false(select_event(&s, &now.ev));
	f = (struct filter){ .comm = "nginx" };
	assert_true(select_event(&s, &now.ev));
	f.comm = "ngin";
	assert_false(select_event(&s, &now.ev));
	f = (struct filter){ .nnets = 1, .nets = { { .addr = { [10] = 0xff, 0xff, 127 } } } };
	memset(f.nets[0].mask, 0xff, 13);
	assert_true(select_event(&s, &now.ev));
	f.nets[0].addr[12] = 10;
	assert_false(select_event(&s, &now.ev));
	f = (struct filter){ .npids = 1, .pids = { 812 } };
	assert_true(select_event(&s, &now.ev));
	f.pids[0] = 813;
	assert_false(select_event(&s, &now.ev));
	seldom.acceptor_pids[0] = 813;
	now.l.seldom = &seldom;
	now.l.acceptors = 1;
	now.ev.l = &now.l;
	assert_true(select_event(&s, &now.ev));		/* a worker of that listener */
	now.c.owner.pid = 900;
	now.ev.c = &now.c;
	assert_true(select_event(&s, &now.ev));		/* though another one has the connection */
}

static void fields_are_described(void **state)
{
	struct out *o = buffer();
	unsigned int i;

	(void)state;
	for (i = 0; i < FIELD_COUNT; i++) {
		assert_non_null(fields[i].name);
		assert_true(fields[i].help[0] != 0);
		assert_true((fields[i].title != NULL) == (i < COLUMN_COUNT));
		assert_true(strlen(fields[i].name) <= 12);
	}
	fields_help(o);
	assert_non_null(strstr(text(o), "dur_ns"));
}

/* ---- -x: a crowd that is refused ---- */

static void repeats_are_counted(void **state)
{
	struct repeats r = { 0 };
	struct out o;
	unsigned int lines = 0;

	(void)state;
	assert_int_equal(out_open(&o, -1), 0);
	for (unsigned int i = 0; i < 40; i++) {
		plain_event(TCPTRACE_DROP);
		now.l.id = 1;
		now.l.lport = 8080;
		now.ev.l = &now.l;
		now.ev.cause = TCPTRACE_DROP_ACCEPTQ_SYN;
		now.rec.rport = (uint16_t)(40000 + i);
		lines += !repeats_count(&r, &now.ev);
	}
	assert_int_equal(lines, REPEAT_LINES);
	now.rec.raddr[15] = 2;				/* another client */
	assert_false(repeats_count(&r, &now.ev));
	assert_false(repeats_over(&r, now.rec.t_ns + REPEAT_NS - 1));
	assert_true(repeats_over(&r, now.rec.t_ns + REPEAT_NS));
	repeats_put(&r, &o);
	out_char(&o, 0);
	assert_string_equal(o.buf, "and 37 more: drop acceptq-full-syn, 127.0.0.1 with :8080\n");
	assert_false(repeats_over(&r, now.rec.t_ns + 10 * REPEAT_NS));
	assert_false(repeats_count(&r, &now.ev));	/* the next second begins with a line */
	o.len = 0;
	out_close(&o);
}

/* What finds no place is written, not left out. */
static void many_kinds(void **state)
{
	struct repeats r = { 0 };

	(void)state;
	plain_event(TCPTRACE_DROP);
	for (unsigned int i = 0; i < 10 * REPEAT_KINDS; i++) {
		now.rec.raddr[15] = (uint8_t)i;
		now.rec.raddr[14] = (uint8_t)(i >> 8);
		assert_false(repeats_count(&r, &now.ev));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_checker_is_strict),
		cmocka_unit_test(lines_fit),
		cmocka_unit_test(json_is_json),
		cmocka_unit_test(columns_of_the_table),
		cmocka_unit_test(resized),
		cmocka_unit_test(unknown_is_absent),
		cmocka_unit_test(a_duration_is_no_cookie),
		cmocka_unit_test(a_backlog_is_no_address),
		cmocka_unit_test(drops_are_no_address),
		cmocka_unit_test(an_end_that_is_taken_off),
		cmocka_unit_test(clocks),
		cmocka_unit_test(what_trouble_is),
		cmocka_unit_test(filters_of_a_replay),
		cmocka_unit_test(fields_are_described),
		cmocka_unit_test(repeats_are_counted),
		cmocka_unit_test(many_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
