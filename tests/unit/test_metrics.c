// SPDX-License-Identifier: GPL-2.0-only
/* The output metrics: rows of listeners, their cap, counters that never fall, peaks of a minute, what is unknown. */
#include <stdlib.h>
#include <unistd.h>

#include "model_rig.h"

#include "../../user/view/metrics/metrics.h"

#define SECOND	1000000000ull

static struct view_metrics cfg;
static struct view view;
static struct metrics_rows rows;

static int up(void **state)
{
	cfg = (struct view_metrics){
		.labels = VIEW_LABEL_ADDRESS | VIEW_LABEL_PORT | VIEW_LABEL_COMM, .max_listeners = 3,
		.histograms = VIEW_HISTOGRAMS_ACCEPT,
	};
	return rig_up(state) || rows_init(&rows, &cfg) ? -1 : 0;
}

static int down(void **state)
{
	rows_free(&rows);
	return rig_down(state);
}

static void look(void)
{
	view.cfg.metrics = cfg;
	rows_look(&rows, &view, rig.m, rig.t);
}

/* Another listener, of that program and at that port, which established n. */
static void server_of(uint64_t sk, uint16_t port, const char *comm, uint32_t pid, unsigned int n, uint32_t waiting)
{
	struct tcptrace_record rec = by(listener_rec(TCPTRACE_LISTEN), pid, 3);

	rec.sk = rec.listener = sk;
	rec.lport = port;
	strncpy(rec.comm, comm, sizeof(rec.comm));
	rec.backlog = rec.acceptq_max = 10;
	rec.somaxconn = 4096;
	rig_feed(rec);
	for (unsigned int i = 0; i < n; i++) {
		rec = queues(server_rec(TCPTRACE_ACCEPTQ_ADD, i), 0, waiting);
		rec.listener = sk;
		rec.lport = port;
		rec.sk = sk + 64 * (i + 1);
		rec.cause = TCPTRACE_ACCEPTQ_HANDSHAKE;
		rec.acceptq_max = 10;
		rig_feed(rec);
	}
}

static const struct metrics_row *row(const char *labels)
{
	for (uint32_t i = 0; i < rows.rows; i++) {
		if (rows.row[i].used && !strcmp(rows.row[i].labels, labels))
			return &rows.row[i];
	}
	fail_msg("no row %s", labels);
	return NULL;
}

static bool missed_known;

/* The page's text; free() it. */
static char *page(enum page_format format)
{
	struct metrics_page p = {
		.rows = &rows, .cfg = &cfg, .totals = model_totals(rig.m), .source = "file",
		.missed_known = missed_known,
	};
	char *text = calloc(1, 1 << 20);
	int fds[2];
	struct out o;

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(out_open(&o, fds[1]), 0);
	page_put(&p, format, &o);
	assert_true(o.len < 1 << 16);
	memcpy(text, o.buf, o.len);
	out_close(&o);
	close(fds[0]);
	close(fds[1]);
	return text;
}

static void one_row(void **state)
{
	(void)state;
	rig_listen(2, 4096);
	look();
	assert_int_equal(rows.idle, 1);
	assert_int_equal(rows.used, 0);
	for (unsigned int i = 1; i <= 3; i++)
		handshake(i, i);
	drop(4, TCPTRACE_DROP_ACCEPTQ_SYN, 0, 0, 3);
	look();
	assert_int_equal(rows.idle, 0);
	assert_int_equal(rows.shown, 1);
	assert_int_equal(row("address=\"0.0.0.0\",port=\"8080\",comm=\"prog\"")->counts.established, 3);
	assert_int_equal(rows.row[1].counts.causes[TCPTRACE_DROP_ACCEPTQ_SYN], 1);
	assert_int_equal(rows.row[1].acceptq, 3);
	assert_int_equal(rows.row[1].acceptq_limit, 2);
	look();
	assert_int_equal(rows.row[1].counts.established, 3);
}

/* Equal labels are one row: counters are summed, gauges are those of the fullest. */
static void merged(void **state)
{
	(void)state;
	server_of(LSK, 80, "nginx", 7, 2, 2);
	server_of(LSK + 4096, 80, "nginx", 8, 3, 9);
	look();
	assert_int_equal(rows.used, 1);
	assert_int_equal(rows.row[1].counts.established, 5);
	assert_int_equal(rows.row[1].sockets, 2);
	assert_int_equal(rows.row[1].acceptq, 9);
	cfg.labels = VIEW_LABEL_COMM;
	server_of(LSK + 8192, 81, "nginx", 8, 3, 1);
	look();
	assert_int_equal(row("comm=\"nginx\"")->sockets, 3);
}

/* Above the bound all that is left is one row, and who is in it gets one of its own when there is room. */
static void bounded(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 10; i++)
		server_of(LSK + 4096 * i, 1000 + i, "many", 7, 2, 1);
	look();
	assert_int_equal(rows.used, 3);
	assert_int_equal(rows.shown, 3);
	assert_int_equal(rows.other, 7);
	assert_int_equal(row("address=\"other\",port=\"0\"")->counts.established, 14);
	look();
	assert_int_equal(row("address=\"other\",port=\"0\"")->counts.established, 14);
}

/* A program that gets another name: its counts stay where they were made, and both only grow. */
static void renamed(void **state)
{
	struct tcptrace_record rec;

	(void)state;
	server_of(LSK, 80, "sh", 7, 2, 2);
	look();
	assert_int_equal(row("address=\"0.0.0.0\",port=\"80\",comm=\"sh\"")->counts.established, 2);
	rec = by(listener_rec(TCPTRACE_LISTEN), 7, 3);
	rec.lport = 80;
	strcpy(rec.comm, "nginx");
	rec.acceptq_max = 10;
	rig_feed(rec);
	rec = queues(server_rec(TCPTRACE_ACCEPTQ_ADD, 9), 0, 3);
	rec.lport = 80;
	rec.sk = SK(9);
	rec.acceptq_max = 10;
	rig_feed(rec);
	look();
	assert_int_equal(row("address=\"0.0.0.0\",port=\"80\",comm=\"sh\"")->counts.established, 2);
	assert_int_equal(row("address=\"0.0.0.0\",port=\"80\",comm=\"nginx\"")->counts.established, 1);
}

/* A row outlives its listener by an hour. */
static void kept(void **state)
{
	(void)state;
	server_of(LSK, 80, "nginx", 7, 1, 1);
	look();
	state_of(listener_rec(0), LSK, TCP_S_LISTEN, TCP_S_CLOSE);
	look();
	assert_int_equal(rows.row[1].sockets, 0);
	rig.t += 3500 * SECOND;
	look();
	assert_int_equal(rows.used, 1);
	rig.t += 101 * SECOND;
	look();
	assert_int_equal(rows.used, 0);
	look();
	assert_int_equal(rows.used, 0);
}

/* The peak of a minute stays for a minute, whoever looks, and goes then. */
static void minute(void **state)
{
	const struct listener *l;

	(void)state;
	rig.t = 100 * SECOND;
	rig_listen(10, 4096);
	l = model_listener(rig.m, 0);
	for (unsigned int i = 1; i <= 7; i++)
		handshake(i, i);
	for (unsigned int i = 1; i <= 5; i++)
		accept_by(i, SERVER, 0, 0, 7 - i);
	assert_int_equal(model_minute_peak(rig.m, &l->acceptq), 7);
	model_until(rig.m, 155 * SECOND);
	assert_int_equal(model_minute_peak(rig.m, &l->acceptq), 7);
	model_until(rig.m, 171 * SECOND);
	assert_int_equal(model_minute_peak(rig.m, &l->acceptq), 2);
	rig.t = 172 * SECOND;
	accept_by(6, SERVER, 0, 0, 1);
	accept_by(7, SERVER, 0, 0, 0);
	assert_int_equal(model_minute_peak(rig.m, &l->acceptq), 2);
	model_until(rig.m, 300 * SECOND);
	assert_int_equal(model_minute_peak(rig.m, &l->acceptq), 0);
	assert_int_equal(l->acceptq.peak, 7);
}

/* What no hook sees is not in the page: nothing but its name. */
static void unknown(void **state)
{
	struct tcptrace_record rec = { .event = TCPTRACE_OBSERVED, .t_ns = 1 };
	char *text;

	(void)state;
	rec.arg = ~(3ull << TCPTRACE_SEEN_SHIFT(TCPTRACE_DROP));
	rig_feed(rec);
	server_of(LSK, 80, "nginx", 7, 1, 1);
	look();
	text = page(PAGE_TEXT);
	assert_null(strstr(text, "\ntcptrace_refused_total{"));
	assert_non_null(strstr(text, "tcptrace_figure_unknown{figure=\"drops\"} 1\n"));
	assert_non_null(strstr(text, "tcptrace_established_total{address=\"0.0.0.0\",port=\"80\",comm=\"nginx\"} 1\n"));
	assert_non_null(strstr(text, "# TYPE tcptrace_established_total counter\n"));
	assert_null(strstr(text, "tcptrace_probe_misses"));
	free(text);
	missed_known = true;
	text = page(PAGE_OPENMETRICS);
	missed_known = false;
	assert_non_null(strstr(text, "\ntcptrace_probe_misses_total 0\n"));
	assert_non_null(strstr(text, "# TYPE tcptrace_established counter\n"));
	assert_string_equal(text + strlen(text) - 6, "# EOF\n");
	free(text);
}

static void hostile_name(void **state)
{
	(void)state;
	server_of(LSK, 80, "a\"b\\c\n\x1b\xff", 7, 1, 1);
	look();
	assert_string_equal(rows.row[1].labels,
			    "address=\"0.0.0.0\",port=\"80\",comm=\"a\\\"b\\\\x5cc\\\\x0a\\\\x1b\\\\xff\"");
}

static void buckets(void **state)
{
	struct hist h = { 0 };

	(void)state;
	hist_add(&h, 8191);
	hist_add(&h, 8192);
	hist_add(&h, 1ull << 35);
	hist_add(&h, ~0ull);
	assert_int_equal(hist_below(&h, 13), 1);
	assert_int_equal(hist_below(&h, 16), 2);
	assert_int_equal(hist_below(&h, 35), 2);
	assert_int_equal(hist_below(&h, 36), 3);
}

static void runs_in(uint32_t pid, const struct proc_place *p)
{
	char text[PLACE_TEXT_MAX + TCPTRACE_TEXT_LEN] = "";
	uint16_t n = (uint16_t)(place_to_text(p, text) / TCPTRACE_TEXT_LEN + 1);

	for (uint16_t i = 0; i < n; i++) {
		struct tcptrace_record rec = { .t_ns = rig.t, .event = TCPTRACE_PLACE, .pid = pid, .lport = n, .rport = i };

		memcpy((char *)&rec + TCPTRACE_TEXT_AT, text + i * TCPTRACE_TEXT_LEN, TCPTRACE_TEXT_LEN);
		model_feed(rig.m, &rec);
	}
}

/* What changes at each start is no label: the id of a container, which stands for a name that is not known, neither. */
static void labels_of_places(void **state)
{
	struct proc_place hostile;
	size_t longest = 0;

	(void)state;
	cfg.labels = VIEW_LABELS_ALL;
	runs_in(1, &(struct proc_place){ .unit = "a.service" });
	runs_in(2, &(struct proc_place){ .ns = "shop", .pod = "cart-0", .container = "app", .id = "3f1c0b9d2e4a55" });
	runs_in(3, &(struct proc_place){ .container = "3f1c0b9d2e4a", .id = "3f1c0b9d2e4a55" });
	server_of(0x10000, 80, "nginx", 1, 1, 1);
	server_of(0x20000, 81, "java", 2, 1, 1);
	server_of(0x30000, 82, "nc", 3, 1, 1);
	look();
	assert_int_equal(row("address=\"0.0.0.0\",port=\"80\",comm=\"nginx\",unit=\"a.service\"")->sockets, 1);
	row("address=\"0.0.0.0\",port=\"81\",comm=\"java\",namespace=\"shop\",pod=\"cart-0\",container=\"app\"");
	row("address=\"0.0.0.0\",port=\"82\",comm=\"nc\"");
	rows_free(&rows);
	cfg.labels = VIEW_LABEL_NS;
	assert_int_equal(rows_init(&rows, &cfg), 0);
	look();
	row("namespace=\"shop\"");
	/* the longest that there can be fits */
	memset(&hostile, 0xff, sizeof(hostile));
	hostile.unit[sizeof(hostile.unit) - 1] = hostile.ns[sizeof(hostile.ns) - 1] = hostile.pod[sizeof(hostile.pod) - 1] = 0;
	hostile.container[sizeof(hostile.container) - 1] = hostile.id[sizeof(hostile.id) - 1] = 0;
	memset(hostile.id, '"', 10);
	runs_in(4, &hostile);
	rows_free(&rows);
	cfg.labels = VIEW_LABELS_ALL;
	cfg.max_listeners = 4;
	assert_int_equal(rows_init(&rows, &cfg), 0);
	server_of(0x40000, 83, "\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"", 4, 1, 1);
	look();
	for (uint32_t i = 0; i < rows.rows; i++)
		longest = strlen(rows.row[i].labels) > longest ? strlen(rows.row[i].labels) : longest;
	assert_true(longest > 1000 && longest < ROW_LABELS - 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, up, down)
		TEST(one_row), TEST(merged), TEST(bounded), TEST(renamed), TEST(kept), TEST(minute), TEST(unknown),
		TEST(hostile_name), TEST(buckets),
		cmocka_unit_test_setup_teardown(labels_of_places, up, down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
