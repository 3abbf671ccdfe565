// SPDX-License-Identifier: GPL-2.0-only
/* The view flow: what no recording is small enough to show: bounds, chance, long lives. */
#include "edge.h"

#include "../../user/view/flow.h"

static struct bench {
	struct model *m;
	struct view v;
	uint64_t t_ns;
	unsigned int columns;
} b;

static void to_view(void *ctx, const struct model_event *ev)
{
	(void)ctx;
	b.v.ops->event(&b.v, ev);
}

/* Each line at once, so that the buffer holds what is to be looked at. */
static void begin(bool utf8, unsigned int columns)
{
	struct view_config cfg = { .utf8 = utf8, .columns = columns };

	memset(&b, 0, sizeof(b));
	b.columns = columns;
	b.t_ns = 1000000000ull;
	b.m = model_new(NULL, to_view, NULL);
	assert_non_null(b.m);
	assert_int_equal(view_open(&b.v, &view_flow, &cfg, buffer()), 0);
}

static void finish(void)
{
	view_close(&b.v);
	model_free(b.m);
}

/* Of the text so far: no line is too wide, and without UTF-8 all is ASCII. */
static void check_lines(bool utf8)
{
	struct out *o = b.v.out;
	unsigned int columns = 0;
	size_t i, line = 0;

	for (i = 0; i < o->len; i++) {
		unsigned char c = (unsigned char)o->buf[i];

		assert_true(utf8 || c < 0x80);
		if (c == '\n') {
			if (columns > b.columns)
				fail_msg("%u columns: %.*s", columns, (int)(i - line), o->buf + line);
			line = i + 1;
			columns = 0;
		} else {
			/* U+0300 to U+036F stand above a letter */
			columns += (c & 0xc0) != 0x80 && c != 0xcc && !(c == 0xcd && (unsigned char)o->buf[i + 1] < 0xb0);
		}
	}
	o->len = 0;
}

static unsigned int count(const char *what)
{
	const char *s = text(b.v.out);
	unsigned int n = 0;

	while ((s = strstr(s, what))) {
		n++;
		s += strlen(what);
	}
	b.v.out->len--;
	return n;
}

static struct tcptrace_record record(uint8_t event, uint64_t sk)
{
	struct tcptrace_record r = {
		.t_ns = b.t_ns += 1000, .event = event, .sk = sk, .netns = 1, .family = 4, .fd = -1,
		.laddr = { [10] = 0xff, 0xff, 10, 0, 0, 1 }, .raddr = { [10] = 0xff, 0xff, 10, 0, 0, 2 },
		.lport = 1 + sk % 60000, .rport = (uint16_t)(80 + sk / 60000),
	};

	return r;
}

static void feed(uint8_t event, uint64_t sk, uint8_t old, uint8_t new)
{
	struct tcptrace_record r = record(event, sk);

	r.old = old;
	r.new = new;
	model_feed(b.m, &r);
}

static void feed_cause(uint8_t event, uint64_t sk, uint8_t cause)
{
	struct tcptrace_record r = record(event, sk);

	r.cause = cause;
	model_feed(b.m, &r);
}

static void connects(uint64_t sk)
{
	feed(TCPTRACE_CONNECT, sk, 0, 0);
	feed(TCPTRACE_STATE, sk, TCP_S_CLOSE, TCP_S_SYN_SENT);
	feed(TCPTRACE_STATE, sk, TCP_S_SYN_SENT, TCP_S_ESTABLISHED);
}

static void ends(uint64_t sk)
{
	feed(TCPTRACE_STATE, sk, TCP_S_ESTABLISHED, TCP_S_CLOSE);
	feed(TCPTRACE_DESTROY, sk, 0, 0);
}

static void a_long_life_keeps_both_ends(void **state)
{
	const unsigned int resent = 3 * (TRACK_HEAD + TRACK_TAIL);
	char gap[64];
	unsigned int i;

	(void)state;
	begin(false, 100);
	connects(7);
	for (i = 0; i < resent; i++)
		feed(TCPTRACE_RETRANS, 7, 0, 0);
	assert_int_equal(b.v.out->len, 0);
	ends(7);
	assert_int_equal(b.v.shown, 1);
	assert_int_equal(count("connect() called"), 1);
	assert_int_equal(count("socket gone"), 1);
	assert_int_equal(count("segment again"), TRACK_HEAD + TRACK_TAIL - 5);
	snprintf(gap, sizeof(gap), "... %u steps", resent + 5 - TRACK_HEAD - TRACK_TAIL);
	assert_int_equal(count(gap), 1);
	finish();
}

static void what_does_not_fit_is_counted(void **state)
{
	char refused[64];
	uint64_t sk;

	(void)state;
	begin(true, 100);
	for (sk = 1; sk <= TRACKS + 23; sk++)
		connects(sk);
	assert_int_equal(b.v.shown, 0);
	for (sk = 1; sk <= TRACKS + 23; sk++) {
		ends(sk);
		b.v.out->len = 0;
	}
	assert_int_equal(b.v.shown, TRACKS);
	connects(9999);			/* there is room again */
	b.v.ops->finish(&b.v);
	snprintf(refused, sizeof(refused), "23 connections not drawn");
	assert_int_equal(count(refused), 1);
	assert_int_equal(b.v.shown, TRACKS + 1);
	finish();
}

/* A socket that connects to nothing, and ladders nobody asked for, make room. */
static unsigned int picks_none(void *ctx, const struct model_event *ev)
{
	(void)ctx;
	return ev->rec->sk == 50001;
}

static void the_unwanted_make_room(void **state)
{
	uint64_t sk;

	(void)state;
	begin(true, 100);
	for (sk = 1; sk <= 3 * TRACKS; sk++)
		feed(TCPTRACE_SOCKET, sk, 0, 0);
	connects(50000);
	ends(50000);
	assert_int_equal(b.v.shown, 1);
	finish();
	begin(true, 100);
	b.v.cfg.picks = picks_none;
	finish();
	begin(true, 100);
	view_close(&b.v);
	b.v.cfg = (struct view_config){ .picks = picks_none, .picks_all = 1 };
	assert_int_equal(view_open(&b.v, &view_flow, &(struct view_config){ .picks = picks_none, .picks_all = 1 },
				   buffer()), 0);
	for (sk = 1; sk <= 3 * TRACKS; sk++)
		connects(sk);
	connects(50001);
	ends(50001);
	b.v.ops->finish(&b.v);
	assert_int_equal(b.v.shown, 1);
	assert_int_equal(count("not drawn"), 0);
	finish();
}

static uint32_t dice(uint32_t sides)
{
	return (uint32_t)(chance() >> 20) % sides;
}

static void hostile(struct tcptrace_record *r, uint32_t spread)
{
	unsigned int i;

	for (i = 0; i < sizeof(*r); i++)
		((uint8_t *)r)[i] = (uint8_t)dice(256);
	if (!dice(100))
		return;
	r->event = (uint8_t)dice(TCPTRACE_EVENT_MAX + 1);
	r->t_ns = dice(50) ? b.t_ns += dice(1000000) : r->t_ns;
	r->sk = dice(20) ? 1 + dice(spread) : 0;
	r->listener = dice(4) ? 1 + dice(8) : 0;
	r->netns = dice(3);
	if (!(r->flags & TCPTRACE_F_ACTOR))
		r->req = dice(spread);
	if (dice(4)) {
		memset(r->laddr, 0, 32);
		r->laddr[15] = (uint8_t)dice(2);
		r->raddr[15] = (uint8_t)dice(2);
	}
	r->lport = dice(8) ? (uint16_t)(80 + dice(8)) : 0;
	r->rport = dice(8) ? (uint16_t)(80 + dice(8)) : 0;
	r->old = (uint8_t)dice(14);
	r->new = (uint8_t)dice(14);
	r->cause = (uint8_t)dice(TCPTRACE_CAUSE_END + 1);
	r->ret = dice(5) ? (int)dice(9) : -1 - (int)dice(600);
	if (dice(2)) {
		r->synq = dice(300);
		r->acceptq = dice(300);
		r->acceptq_max = dice(300);
	}
}

/* Of one client: who comes again by his cookie may have sent data or a FIN, and not the third packet again. */
static void a_cookie_comes_again(void **state)
{
	(void)state;
	begin(false, 100);
	feed(TCPTRACE_COOKIE_OK, 7, 0, 0);
	feed(TCPTRACE_COOKIE_OK, 7, 0, 0);
	b.v.ops->finish(&b.v);
	assert_int_equal(count("cookie valid"), 2);
	assert_int_equal(count(" ACK -"), 1);
	assert_int_equal(count(" segment -"), 1);
	finish();
}

/* Refused each time, and then taken: what came again may have been data or a FIN, not one handshake after the other. */
static void a_refused_third_packet_comes_again(void **state)
{
	static const uint8_t causes[] = { TCPTRACE_DROP_ACCEPTQ_ACK, TCPTRACE_DROP_ACCEPTQ_COOKIE };

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		begin(false, 100);
		feed(TCPTRACE_SYNQ_ADD, 7, 0, 0);
		for (unsigned int n = 0; n < 3; n++)
			feed_cause(TCPTRACE_DROP, 7, causes[i]);
		feed_cause(TCPTRACE_ACCEPTQ_ADD, 7, TCPTRACE_ACCEPTQ_HANDSHAKE);
		b.v.ops->finish(&b.v);
		assert_int_equal(count(" ACK -"), 1);
		assert_int_equal(count(" segment -"), 3);
		finish();
	}
}

/* A firewall may drop it where it was made: what comes of it says that it left. */
static void a_synack_leaves_if_something_shows_it(void **state)
{
	static const struct { uint8_t event, cause; bool left; } cases[] = {
		{ TCPTRACE_SYNQ_DEL, TCPTRACE_SYNQ_OTHER, false }, { TCPTRACE_SYNQ_DEL, TCPTRACE_SYNQ_EXPIRED, false },
		{ TCPTRACE_SYNQ_DEL, TCPTRACE_SYNQ_RESET, true }, { TCPTRACE_SYNACK_RETRANS, 0, true },
		{ TCPTRACE_DROP, TCPTRACE_DROP_ACCEPTQ_ACK, true },
		{ TCPTRACE_ACCEPTQ_ADD, TCPTRACE_ACCEPTQ_HANDSHAKE, true },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		begin(false, 100);
		feed(TCPTRACE_SYNQ_ADD, 7, 0, TCPTRACE_SYNACK_TOO);
		feed_cause(cases[i].event, 7, cases[i].cause);
		b.v.ops->finish(&b.v);
		assert_int_equal(count(" SYN-ACK -"), cases[i].left);
		assert_int_equal(count("SYN-ACK made"), !cases[i].left);
		finish();
	}
}

/* Of a FIN that waited behind data when a RST came nothing shows that it left. */
static void a_fin_leaves_if_nothing_stopped_it(void **state)
{
	(void)state;
	for (int acknowledged = 0; acknowledged < 2; acknowledged++) {
		begin(false, 100);
		connects(7);
		feed(TCPTRACE_STATE, 7, TCP_S_ESTABLISHED, TCP_S_FIN_WAIT1);
		if (acknowledged)
			feed(TCPTRACE_STATE, 7, TCP_S_FIN_WAIT1, TCP_S_FIN_WAIT2);
		feed(TCPTRACE_RST_RECEIVED, 7, TCP_S_FIN_WAIT1, TCP_S_FIN_WAIT1);
		feed(TCPTRACE_STATE, 7, TCP_S_FIN_WAIT1 + acknowledged, TCP_S_CLOSE);
		b.v.ops->finish(&b.v);
		assert_int_equal(count(" FIN -"), acknowledged);
		assert_int_equal(count(" RST -"), 1);
		finish();
	}
}

/* One that was acknowledged has left, whatever comes later. */
static void a_last_fin_has_left(void **state)
{
	(void)state;
	begin(false, 100);
	connects(7);
	feed(TCPTRACE_STATE, 7, TCP_S_ESTABLISHED, TCP_S_CLOSE_WAIT);
	feed(TCPTRACE_STATE, 7, TCP_S_CLOSE_WAIT, TCP_S_LAST_ACK);
	feed(TCPTRACE_STATE, 7, TCP_S_LAST_ACK, TCP_S_CLOSE);
	feed(TCPTRACE_RST_SENT, 7, TCP_S_CLOSE, TCP_S_CLOSE);
	b.v.ops->finish(&b.v);
	assert_int_equal(count("- FIN -"), 2);
	finish();
}

/* What may have been data was some, if a RST of ours answered it. */
static void a_rst_is_not_answered(void **state)
{
	struct tcptrace_record r;

	(void)state;
	for (int answered = 0; answered < 2; answered++) {
		begin(false, 100);
		connects(7);
		feed(TCPTRACE_STATE, 7, TCP_S_ESTABLISHED, TCP_S_FIN_WAIT1);
		feed(TCPTRACE_STATE, 7, TCP_S_FIN_WAIT1, TCP_S_FIN_WAIT2);
		r = record(TCPTRACE_RST_RECEIVED, 7);
		r.flags = TCPTRACE_F_INFERRED;
		model_feed(b.m, &r);
		feed(TCPTRACE_STATE, 7, TCP_S_FIN_WAIT2, TCP_S_CLOSE);
		if (answered)
			feed(TCPTRACE_RST_SENT, 7, TCP_S_CLOSE, TCP_S_CLOSE);
		b.v.ops->finish(&b.v);
		assert_int_equal(count(" segment "), answered);
		assert_int_equal(count(" RST -"), 1);
		finish();
	}
}

/* Two segments on two CPUs made two children of one request: the one that is thrown away has no ladder. */
static void a_second_child_is_none(void **state)
{
	struct tcptrace_record r;

	(void)state;
	begin(false, 100);
	feed(TCPTRACE_SYNQ_ADD, 7, 0, TCPTRACE_SYNACK_TOO);
	feed(TCPTRACE_STATE, 7, TCP_S_LISTEN, TCP_S_SYN_RECV);
	r = record(TCPTRACE_STATE, 7);
	r.sk = 8;
	r.old = TCP_S_LISTEN;
	r.new = TCP_S_SYN_RECV;
	model_feed(b.m, &r);
	r.old = TCP_S_SYN_RECV;
	r.new = TCP_S_CLOSE;
	r.segs_in = 1;
	model_feed(b.m, &r);
	feed_cause(TCPTRACE_ACCEPTQ_ADD, 7, TCPTRACE_ACCEPTQ_HANDSHAKE);
	feed(TCPTRACE_STATE, 7, TCP_S_SYN_RECV, TCP_S_ESTABLISHED);
	b.v.ops->finish(&b.v);
	assert_int_equal(b.v.shown, 1);
	finish();
}

static void chance_fits_too(void **state)
{
	struct tcptrace_record r;
	unsigned int i, round;

	(void)state;
	for (round = 0; round < 8; round++) {
		bool utf8 = round & 1;

		begin(utf8, round & 4 ? 80 : 100);
		for (i = 0; i < 50021; i++) {
			hostile(&r, round & 2 ? 5000 : 40);
			model_feed(b.m, &r);
			if (b.v.out->len > 4096)
				check_lines(utf8);
		}
		b.v.out->len = 0;		/* what finish() writes may be flushed away */
		b.v.ops->finish(&b.v);
		assert_true(b.v.shown > 100);
		finish();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_long_life_keeps_both_ends),
		cmocka_unit_test(what_does_not_fit_is_counted),
		cmocka_unit_test(the_unwanted_make_room),
		cmocka_unit_test(a_cookie_comes_again),
		cmocka_unit_test(a_refused_third_packet_comes_again),
		cmocka_unit_test(a_synack_leaves_if_something_shows_it),
		cmocka_unit_test(a_fin_leaves_if_nothing_stopped_it),
		cmocka_unit_test(a_last_fin_has_left),
		cmocka_unit_test(a_rst_is_not_answered),
		cmocka_unit_test(a_second_child_is_none),
		cmocka_unit_test(chance_fits_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
