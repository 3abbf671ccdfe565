// SPDX-License-Identifier: GPL-2.0-only
/* The views report and perfetto: what is kept of a run that does not end, what is left out, and what hostile records do. */
#include "edge.h"

#include <arpa/inet.h>
#include <sys/mman.h>

#include "../../user/view/perfetto.h"
#include "../../user/view/report/report.h"

/* ---- numbers over time ---- */

static void few_changes_are_exact(void **state)
{
	struct series s = { 0 };
	uint32_t i;

	(void)state;
	for (i = 0; i < SERIES_POINTS; i++) {
		series_add(&s, 100 + i * 7, i % 5);
		series_add(&s, 101 + i * 7, i % 5);	/* none */
	}
	assert_int_equal(s.n, SERIES_POINTS);
	assert_int_equal(s.interval_ns, 0);
	for (i = 0; i < s.n; i++) {
		assert_int_equal(s.points[i].t_ns, 100 + i * 7);
		assert_int_equal(s.points[i].last, i % 5);
		assert_int_equal(s.points[i].min, s.points[i].max);
	}
	series_free(&s);
}

static uint32_t least(const struct series *s)
{
	uint32_t i, min = UINT32_MAX;

	for (i = 0; i < s->n; i++)
		min = s->points[i].min < min ? s->points[i].min : min;
	return min;
}

static uint32_t greatest(const struct series *s)
{
	uint32_t i, max = 0;

	for (i = 0; i < s->n; i++)
		max = s->points[i].max > max ? s->points[i].max : max;
	return max;
}

static void no_peak_is_lost(void **state)
{
	struct series s = { 0 };
	uint64_t t = 1;
	uint32_t i, value = 0;

	(void)state;
	for (i = 0; i < 1000000; i++) {
		t += chance() % 5000;
		value = i == 123456 ? 9999 : i == 654321 ? 0 : 100 + (uint32_t)(chance() % 800);
		series_add(&s, t, value);
		assert_true(s.n <= SERIES_POINTS);
	}
	assert_int_equal(greatest(&s), 9999);
	assert_int_equal(least(&s), 0);
	assert_int_equal(s.points[s.n - 1].last, value);
	for (i = 1; i < s.n; i++)
		assert_true(s.points[i].t_ns >= s.points[i - 1].t_ns + s.interval_ns);
	assert_true(s.n > SERIES_POINTS / 4);
	for (i = 500; i; i /= 3) {
		series_thin(&s, i);
		assert_true(s.n && s.n <= i);
		assert_int_equal(greatest(&s), 9999);
		assert_int_equal(least(&s), 0);
	}
	series_free(&s);
}

/* ---- which of many ---- */

static void trouble_first_then_the_slowest(void **state)
{
	static struct candidate c[1000];
	unsigned int i, trouble = 0, slow = 0, low = 0;

	(void)state;
	for (i = 0; i < 1000; i++)
		c[i] = (struct candidate){ i % 100 == 7, i, choose_spread(i), NULL };
	choose(c, 1000, 50);
	for (i = 0; i < 50; i++) {
		trouble += c[i].trouble;
		slow += !c[i].trouble && c[i].wait_ns >= 978;	/* half of the 40 that are left */
		low += !c[i].trouble && c[i].wait_ns < 500;
	}
	assert_int_equal(trouble, 10);
	assert_true(slow >= 20);
	assert_true(low >= 4 && low <= 16);			/* the rest is from everywhere */
	choose(c, 50, 5);
	for (i = 0; i < 5; i++)
		assert_int_equal(c[i].trouble, 1);
}

/* By the program, or because a RST came or nothing did. */
static void who_closes_early_has_not_failed(void **state)
{
	struct tcptrace_record rec = { .t_ns = 1, .fd = -1 };
	struct model_event ev = { .rec = &rec, .old = TCP_S_SYN_SENT, .new = TCP_S_CLOSE };

	(void)state;
	for (int closes = 0; closes < 2; closes++) {
		struct conn_row row = { .conn = 1, .outcome = CONN_CONNECTING };

		ev.event = TCPTRACE_CLOSE;
		if (closes)
			connrow_step(&row, &ev);
		ev.event = TCPTRACE_STATE;
		connrow_step(&row, &ev);
		assert_int_equal(row.outcome, closes ? CONN_CLOSED_EARLY : CONN_FAILED);
	}
}

/* A program may ask by connect() how its connect() goes: under way still, or connected already. */
static void asking_again_is_no_failure(void **state)
{
	struct tcptrace_record rec = { .t_ns = 1, .fd = -1 };
	struct model_event ev = { .rec = &rec, .old = TCP_S_SYN_SENT, .new = TCP_S_ESTABLISHED };
	struct conn_row row = { .conn = 1, .outcome = CONN_CONNECTING };
	static const int32_t before[] = { -EINPROGRESS, -EALREADY };

	(void)state;
	ev.event = TCPTRACE_CONNECT_RETURN;
	for (unsigned int i = 0; i < 2; i++) {
		rec.ret = before[i];
		connrow_step(&row, &ev);
		assert_int_equal(row.outcome, CONN_CONNECTING);
	}
	ev.event = TCPTRACE_STATE;
	connrow_step(&row, &ev);
	ev.event = TCPTRACE_CONNECT_RETURN;
	rec.ret = -EISCONN;
	connrow_step(&row, &ev);
	assert_int_equal(row.outcome, CONN_CONNECTED);
	assert_int_equal(row.error, 0);
}

static void letters_for_addresses(void **state)
{
	struct names n = { .anonymous = true };
	uint8_t addr[16] = { [10] = 0xff, 0xff, 10 }, any[16] = { 0 }, loopback[16] = { [15] = 1 };
	char text[PUT_ENDPOINT_MAX], first[PUT_ENDPOINT_MAX];
	unsigned int round, i;

	(void)state;
	for (round = 0; round < 2; round++) {
		for (i = 0; i < 20000; i++) {
			addr[13] = (uint8_t)(i >> 8);
			addr[14] = (uint8_t)i;
			*names_endpoint(&n, text, addr, 80) = 0;
			assert_null(strstr(text, "10."));
			if (i == 0)
				assert_string_equal(text, "A:80");
			if (i == 25)
				assert_string_equal(text, "Z:80");
			if (i == 26)
				assert_string_equal(text, "AA:80");
			if (i == 26 * 27)
				assert_string_equal(text, "AAA:80");
		}
	}
	assert_int_equal(n.n, 20000);
	*names_endpoint(&n, text, any, 80) = 0;
	assert_string_equal(text, "[::]:80");
	*names_addr(&n, text, loopback) = 0;
	assert_string_equal(text, "::1");
	n.anonymous = false;
	*names_addr(&n, first, addr) = 0;
	assert_string_equal(first, "10.78.31.0");
	names_free(&n);
}

/* ---- a run that does not end ---- */

static struct bench {
	struct model *m;
	struct view v;
	struct out out;
	uint64_t t_ns;
	int fd;
	bool missed_known;
} b;

static void to_view(void *ctx, const struct model_event *ev)
{
	(void)ctx;
	b.v.ops->event(&b.v, ev);
}

static void begin(const struct view_ops *ops, uint64_t max_size)
{
	struct view_config cfg = { .utf8 = true, .max_size = max_size, .wall_offset_ns = 1795410642000000000ll };

	memset(&b, 0, sizeof(b));
	b.t_ns = 1000000000ull;
	b.m = model_new(NULL, to_view, NULL);
	b.fd = memfd_create("page", MFD_CLOEXEC);
	assert_non_null(b.m);
	assert_true(b.fd >= 0);
	assert_int_equal(out_open(&b.out, b.fd), 0);
	assert_int_equal(view_open(&b.v, ops, &cfg, &b.out), 0);
}

static void on_finding(void *ctx, const struct finding *f)
{
	struct view *v = ctx;

	if (v->ops->finding)
		v->ops->finding(v, f);
}

/* The whole of it, malloc'd; *size: how long. */
static char *finish(size_t *size)
{
	struct view_end end = {
		.model = b.m, .totals = model_totals(b.m), .mechanisms = "", .source = "file", .lost = 7, .missed_known = b.missed_known,
	};
	const struct listener *l;
	char *text;
	uint32_t i;

	if (b.v.ops->finish)
		b.v.ops->finish(&b.v);
	findings(b.m, NULL, NULL, on_finding, &b.v);
	for (i = 0; (l = model_listener(b.m, i)); i++)
		b.v.ops->listener(&b.v, b.m, l);
	if (b.v.ops->end)
		b.v.ops->end(&b.v, &end);
	view_close(&b.v);
	assert_int_equal(out_flush(&b.out), 0);
	*size = (size_t)b.out.written;
	text = malloc(*size + 1);
	assert_int_equal(pread(b.fd, text, *size, 0), *size);
	text[*size] = 0;
	out_close(&b.out);
	close(b.fd);
	model_free(b.m);
	return text;
}

static struct tcptrace_record record(uint8_t event, unsigned int conn)
{
	struct tcptrace_record r = {
		.t_ns = b.t_ns += 1000, .event = event, .listener = 0x1000, .netns = 1, .family = 4, .fd = -1,
		.laddr = { [10] = 0xff, 0xff, 10, 0, 0, 1 }, .raddr = { [10] = 0xff, 0xff, 10, 1 },
		.lport = 80, .rport = (uint16_t)(1024 + conn % 60000), .flags = TCPTRACE_F_QUEUES, .acceptq_max = 128,
	};

	r.raddr[14] = (uint8_t)(conn >> 8);
	r.raddr[15] = (uint8_t)conn;
	return r;
}

/* SYN to accept(), and the connection stays; the wait before accept() is what is asked for. */
static void connection(unsigned int i, uint64_t wait_ns)
{
	struct tcptrace_record r = record(TCPTRACE_SYNQ_ADD, i);

	r.sk = 0x100000 + i * 512ull;
	r.flags |= TCPTRACE_F_REQUEST;
	r.synq = 1;
	model_feed(b.m, &r);
	r = record(TCPTRACE_ACCEPTQ_ADD, i);
	r.sk = 0x100100 + i * 512ull;
	r.req = r.sk - 256;
	r.cause = TCPTRACE_ACCEPTQ_HANDSHAKE;
	r.acceptq = 1;
	model_feed(b.m, &r);
	b.t_ns += wait_ns;
	r = record(TCPTRACE_ACCEPTQ_DEL, i);
	r.sk = 0x100100 + i * 512ull;
	r.cause = TCPTRACE_ACCEPTQ_ACCEPTED;
	model_feed(b.m, &r);
	r = record(TCPTRACE_ACCEPT, i);
	r.sk = 0x100100 + i * 512ull;
	r.flags |= TCPTRACE_F_ACTOR;
	r.pid = r.tid = 7;
	r.ret = r.fd = 9;
	memcpy(r.comm, "server", 7);
	model_feed(b.m, &r);
}

static void refusal(unsigned int i)
{
	struct tcptrace_record r = record(TCPTRACE_DROP, i);

	r.cause = TCPTRACE_DROP_ACCEPTQ_SYN;
	r.acceptq = 129;
	model_feed(b.m, &r);
}

static unsigned int count(const char *text, const char *what)
{
	unsigned int n = 0;

	for (; (text = strstr(text, what)); text += strlen(what))
		n++;
	return n;
}

static void memory_has_a_bound_and_the_page_too(void **state)
{
	const unsigned int conns = 3 * REPORT_ROWS;
	struct report *r;
	unsigned int i;
	size_t size;
	char *page;

	(void)state;
	begin(&view_report, 1 << 20);
	for (i = 0; i < conns; i++) {
		connection(i, i == 20000 ? 50 * 1000000ull : 0);
		if (i % 1000 == 0)
			refusal(100000 + i);
	}
	r = b.v.priv;
	assert_true(r->conns.n <= REPORT_ROWS);
	assert_true(r->ladders.n <= REPORT_KEPT);
	assert_int_equal(r->conns.seen, conns + (conns + 999) / 1000);
	assert_int_equal(r->graphs.n, 1);
	page = finish(&size);
	assert_true(size <= 1 << 20);
	assert_string_equal(page + size - 8, "</html>\n");
	assert_int_equal(count(page, "<td class=\"bad\">refused acceptq-full-syn</td>"), (conns + 999) / 1000);
	assert_int_equal(count(page, "<td>50.001</td>"), 1);		/* the slowest */
	assert_non_null(strstr(page, "of 49,202 are shown"));
	free(page);
}

/* What happens before a refusal is what led to it. */
static void the_replay_stays_at_the_first_refusal(void **state)
{
	struct report *r;
	unsigned int i;
	size_t size;

	(void)state;
	begin(&view_report, 0);
	r = b.v.priv;
	for (i = 0; i < REPORT_STEPS; i++)
		connection(i, 0);
	assert_int_equal(r->steps.n - r->steps.first, REPORT_STEPS);
	refusal(70000);
	assert_int_equal(r->steps.n - r->steps.first, REPORT_LEAD + 1);
	assert_int_equal(steps_at(&r->steps, r->steps.n - 1)->event, TCPTRACE_DROP);
	for (i = 0; i < REPORT_STEPS; i++)
		connection(100000 + i, 0);
	assert_int_equal(r->steps.n - r->steps.first, REPORT_STEPS);
	assert_int_equal(steps_at(&r->steps, r->steps.first + REPORT_LEAD)->event, TCPTRACE_DROP);
	assert_true(r->steps.left > 0);
	free(finish(&size));
}

static void bars_lose_nothing(void **state)
{
	uint64_t entered = 0, accepted = 0, refused = 0;
	const struct graph *g;
	struct report *r;
	unsigned int i;
	size_t size;

	(void)state;
	begin(&view_report, 0);
	r = b.v.priv;
	for (i = 0; i < 5000; i++) {
		connection(i, chance() % 3000000);
		if (i % 3 == 0)
			refusal(i);
	}
	g = graphs_find(&r->graphs, 1);
	assert_non_null(g);
	for (i = 0; i < BINS; i++) {
		entered += g->bins[i].entered;
		accepted += g->bins[i].accepted;
		refused += g->bins[i].refused;
	}
	assert_int_equal(entered, 5000);
	assert_int_equal(accepted, 5000);
	assert_int_equal(refused, 1667);
	free(finish(&size));
}

/* No hook tells of it: not 0, but "-"; and the page says so at its head. */
static void what_is_not_seen_is_not_zero(void **state)
{
	struct tcptrace_record r = { .event = TCPTRACE_OBSERVED, .arg = ~0ull, .t_ns = 1000000000, .fd = -1 };
	size_t size;
	char *page;

	(void)state;
	r.arg &= ~(3ull << TCPTRACE_SEEN_SHIFT(TCPTRACE_DROP) | 3ull << TCPTRACE_SEEN_SHIFT(TCPTRACE_ACCEPTQ_DEL));
	begin(&view_report, 0);
	model_feed(b.m, &r);
	connection(1, 1000000);
	page = finish(&size);
	assert_non_null(strstr(page, "segments <b>-</b>"));
	assert_non_null(strstr(page, "accepted <b>-</b>"));
	assert_non_null(strstr(page, "entered <b>1</b>"));
	assert_non_null(strstr(page, "Not seen: acceptq-del, drop"));
	assert_null(strstr(page, "\"refused\":0"));
	assert_null(strcasestr(page, "missed"));
	free(page);
	begin(&view_report, 0);
	b.missed_known = true;
	page = finish(&size);
	assert_non_null(strstr(page, "<dt>Missed</dt><dd>0</dd>"));
	assert_non_null(strstr(page, "\"missed\":0"));
	free(page);
}

/* ---- records of chance ---- */

static struct tcptrace_record any(void)
{
	struct tcptrace_record r = record((uint8_t)(1 + chance() % (TCPTRACE_EVENT_MAX + 1)), (unsigned int)(chance() % 40));
	unsigned int i;

	r.sk = 0x100000 + chance() % 60 * 256;
	r.listener = chance() % 3 ? 0x1000 + chance() % 3 : 0;
	r.flags = (uint8_t)chance();
	r.cause = (uint8_t)(chance() % TCPTRACE_CAUSE_MAX);
	r.old = (uint8_t)(chance() % 16);
	r.new = (uint8_t)(chance() % 16);
	r.synq = chance() % 5 ? (uint32_t)(chance() % 200) : (uint32_t)chance();
	r.acceptq = chance() % 5 ? (uint32_t)(chance() % 200) : (uint32_t)chance();
	r.acceptq_max = chance() % 5 ? 128 : (uint32_t)chance();
	r.ret = (int32_t)chance();
	if (r.flags & TCPTRACE_F_ACTOR) {
		r.pid = 1 + (uint32_t)(chance() % 9);
		r.tid = r.pid + (uint32_t)(chance() % 3);
		for (i = 0; i < TCPTRACE_COMM_LEN; i++)
			r.comm[i] = (char)chance();
	}
	if (chance() % 50 == 0)
		r.t_ns = chance();
	if (chance() % 50 == 0)
		r.lport = 0;
	return r;
}

static void chance_through(const struct view_ops *ops, void (*check)(const char *text, size_t size))
{
	unsigned int round, i;
	size_t size;
	char *text;

	for (round = 0; round < 20; round++) {
		begin(ops, VIEW_SIZE_MIN);
		for (i = 0; i < 5000; i++) {
			struct tcptrace_record r = any();

			model_feed(b.m, &r);
		}
		text = finish(&size);
		check(text, size);
		free(text);
	}
}

static void is_a_page(const char *text, size_t size)
{
	size_t i;

	assert_true(size > 10000 && size <= VIEW_SIZE_MIN);
	assert_int_equal(strlen(text), size);
	assert_string_equal(text + size - 8, "</html>\n");
	assert_int_equal(count(text, "<script"), 2);
	assert_int_equal(count(text, "</script"), 2);
	for (i = 0; i < size; i++)
		assert_true((unsigned char)text[i] >= 0x20 || text[i] == '\n' || text[i] == '\t');
}

static void pages_of_chance(void **state)
{
	(void)state;
	chance_through(&view_report, is_a_page);
}

/* Packets are whole: a tag, a length, and that many bytes, to the end. */
static void is_a_trace(const char *text, size_t size)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + size;
	unsigned int packets = 0;

	while (p < end) {
		size_t len = 0, shift = 0;

		assert_int_equal(*p++, 0x0a);
		do {
			assert_true(p < end);
			len |= (size_t)(*p & 0x7f) << shift;
			shift += 7;
		} while (*p++ & 0x80);
		assert_true(len <= (size_t)(end - p));
		p += len;
		packets++;
	}
	assert_true(packets > 100);
}

/* Its size is as if so much had been written before. */
static void a_trace_has_an_end(void **state)
{
	uint64_t written;
	size_t size;

	(void)state;
	begin(&view_perfetto, 0);
	connection(1, 1000000);
	assert_null(b.v.remark);
	written = b.out.written;
	b.out.written = 501ull << 20;
	connection(2, 1000000);
	assert_non_null(strstr(b.v.remark, "500 MB"));
	assert_null(b.v.failed);
	b.out.written = 4ull << 30;
	size = b.out.len;
	connection(3, 1000000);
	assert_non_null(strstr(b.v.failed, "4 GB"));
	assert_int_equal(b.out.len, size);
	b.out.written = written;
	free(finish(&size));
}

static void traces_of_chance(void **state)
{
	(void)state;
	chance_through(&view_perfetto, is_a_trace);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_changes_are_exact),
		cmocka_unit_test(no_peak_is_lost),
		cmocka_unit_test(trouble_first_then_the_slowest),
		cmocka_unit_test(letters_for_addresses),
		cmocka_unit_test(memory_has_a_bound_and_the_page_too),
		cmocka_unit_test(the_replay_stays_at_the_first_refusal),
		cmocka_unit_test(bars_lose_nothing),
		cmocka_unit_test(what_is_not_seen_is_not_zero),
		cmocka_unit_test(who_closes_early_has_not_failed),
		cmocka_unit_test(asking_again_is_no_failure),
		cmocka_unit_test(pages_of_chance),
		cmocka_unit_test(a_trace_has_an_end),
		cmocka_unit_test(traces_of_chance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
