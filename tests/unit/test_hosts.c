// SPDX-License-Identifier: GPL-2.0-only
/* Several recordings: what two machines have in common when there is more than fits, one order, damaged files. */
#include "edge.h"

#include "../../user/options.h"
#include "../../user/run/hosts.h"
#include "../../user/run/stamps.h"
#include "../../user/source/file.h"
#include "../../user/source/merge.h"

#define MS		1000000ull
#define CONNS		200000u		/* more than three times what is kept */
#define THERE		(3 * MS)	/* one way; the other one, too */

static void address(uint8_t addr[16], uint8_t last)
{
	memcpy(addr, (const uint8_t[16]){ [10] = 0xff, 0xff, 10, 0, 0, last }, 16);
}

static struct tcptrace_record record(uint64_t t_ns, uint8_t event, uint32_t i, bool server)
{
	struct tcptrace_record r = {
		.t_ns = t_ns, .event = event, .sk = 1 + i, .netns = 1, .family = 4,
		.lport = server ? 80 : 1 + i % 60000, .rport = server ? 1 + i % 60000 : 80,
	};

	address(r.laddr, server ? 2 : 1 + i / 60000 * 2);
	address(r.raddr, server ? 1 + i / 60000 * 2 : 2);
	return r;
}

static struct tcptrace_record state(uint64_t t_ns, uint32_t i, uint8_t old, uint8_t new)
{
	struct tcptrace_record r = record(t_ns, TCPTRACE_STATE, i, false);

	r.old = old;
	r.new = new;
	if (new == TCP_S_ESTABLISHED)
		r.arg = (1 + i) * 0x100000001ull + 1;
	return r;
}

static struct tcptrace_record arrival(uint64_t t_ns, uint32_t i)
{
	struct tcptrace_record r = record(t_ns, TCPTRACE_SYNQ_ADD, i, true);

	r.flags = TCPTRACE_F_REQUEST;
	r.arg = (2ull + i) << 32 | (1 + i);
	return r;
}

/* ---- stamps ---- */

static void on_event(void *stamps, const struct model_event *ev)
{
	stamps_event(stamps, ev);
}

struct joined {
	uint64_t n, sure;
};

static void on_join(void *ctx, const struct stamp *client, const struct stamp *server, bool sure, bool turned)
{
	struct clock_span spans[STAMP_SPANS];
	struct joined *j = ctx;

	assert_false(client->server);
	assert_true(server->server && !turned);
	assert_memory_equal(&client->ends, &server->ends, offsetof(struct tuple, netns));
	assert_int_equal(stamps_spans(client, server, sure, true, spans), 1);
	assert_int_equal(spans[0].high, THERE + 100 * MS);
	assert_int_equal(spans[0].low, 100 * MS - THERE);
	j->n++;
	j->sure += sure;
}

/* Both keep the same half, and its half, so that nearly all that is kept has its other end. */
static void more_than_fits(void **state_)
{
	struct stamps client, server;
	struct model *a, *b;
	struct joined j = { 0 };
	struct tcptrace_record r;
	uint64_t n;

	(void)state_;
	assert_int_equal(stamps_init(&client) | stamps_init(&server), 0);
	a = model_new(NULL, on_event, &client);
	b = model_new(NULL, on_event, &server);
	for (uint32_t i = 0; i < CONNS; i++) {
		uint64_t t_ns = (1000 + i) * MS;

		r = state(t_ns, i, TCP_S_CLOSE, TCP_S_SYN_SENT);
		model_feed(a, &r);
		r = arrival(t_ns + 100 * MS + THERE, i);
		model_feed(b, &r);
		r = state(t_ns + 2 * THERE, i, TCP_S_SYN_SENT, TCP_S_ESTABLISHED);
		model_feed(a, &r);
	}
	n = stamps_join(&client, &server, on_join, &j);
	assert_int_equal(n, j.n);
	assert_int_equal(j.n, j.sure);
	assert_in_range(j.n, 20000, 65536);
	assert_true(j.n * 10 >= (client.n < server.n ? client.n : server.n) * 9u);
	model_free(a);
	model_free(b);
	stamps_free(&client);
	stamps_free(&server);
}

/* ---- files ---- */

static char dir[] = "/tmp/tcptrace-hosts-XXXXXX";
static char paths[3][64];

static void begin(struct recorder **r, unsigned int i, uint64_t recording)
{
	struct file_host host = { .recording = recording, .boot_id = { (uint8_t)recording }, .name = "h" };

	assert_int_equal(recorder_open(r, &(struct recorder_config){ .path = paths[i], .host = &host, .kernel = "",
								      .wall_offset_ns = 5 * (int64_t)MS }), 0);
}

/* A client's and a server's, whose clock is 100 ms ahead. */
static void make_files(unsigned int conns)
{
	struct recorder *client, *server;
	struct tcptrace_record r;

	begin(&client, 0, 1);
	begin(&server, 1, 2);
	for (uint32_t i = 0; i < conns; i++) {
		uint64_t t_ns = (1000 + 10 * i) * MS;

		r = state(t_ns, i, TCP_S_CLOSE, TCP_S_SYN_SENT);
		recorder_put(client, &r);
		r = arrival(t_ns + 100 * MS + THERE, i);
		recorder_put(server, &r);
		r = state(t_ns + 2 * THERE, i, TCP_S_SYN_SENT, TCP_S_ESTABLISHED);
		recorder_put(client, &r);
	}
	assert_int_equal(recorder_close(client) | recorder_close(server), 0);
}

static int set_up(void **state_)
{
	(void)state_;
	if (!mkdtemp(dir))
		return -1;
	for (unsigned int i = 0; i < 3; i++)
		snprintf(paths[i], sizeof(paths[i]), "%s/%u", dir, i);
	return 0;
}

static int tear_down(void **state_)
{
	(void)state_;
	for (unsigned int i = 0; i < 3; i++)
		unlink(paths[i]);
	return rmdir(dir);
}

struct order {
	struct source *src;
	uint64_t last_ns;
	unsigned int n[MODEL_HOSTS];
	uint64_t lost;
	bool ordered, said;
};

static int take(void *ctx, const struct tcptrace_record *rec)
{
	struct order *o = ctx;

	o->ordered &= rec->t_ns >= o->last_ns;
	o->last_ns = rec->t_ns;
	o->n[o->src->machine]++;
	o->lost += rec->event == TCPTRACE_LOST ? rec->arg : 0;
	return 0;
}

/* SOURCE_END or the error of the second pass; that of the first. */
static int read_all(const char *const *files, unsigned int n, struct order *o, struct view_hosts *seen)
{
	struct options options = { .nreads = n };
	struct hosts *h;
	char why[SOURCE_WHY];
	int err;

	memcpy(options.reads, files, n * sizeof(*files));
	*o = (struct order){ .ordered = true };
	err = hosts_open(&h, &options);
	if (err)
		return err;
	*seen = *hosts_view(h);
	err = hosts_source(h, &o->src, why);
	while (!err)
		err = o->src->ops->poll(o->src, 0, take, o);
	o->said = o->src && o->src->note && strstr(o->src->note, "was left out");
	if (o->src)
		o->src->ops->close(o->src);
	hosts_free(h);
	return err;
}

static void in_one_order(void **state_)
{
	struct view_hosts seen;
	struct order o;

	(void)state_;
	make_files(1000);
	assert_int_equal(read_all((const char *[]){ paths[0], paths[1] }, 2, &o, &seen), SOURCE_END);
	assert_true(o.ordered);
	assert_int_equal(o.n[0], 2000);
	assert_int_equal(o.n[1], 1000);
	assert_int_equal(seen.n, 2);
	assert_int_equal(seen.all[1].clock, HOST_FITTED);
	assert_int_equal(seen.all[1].joined, 1000);
	assert_int_equal(seen.all[1].taken_ns, 100 * MS);
	assert_int_equal(seen.error_ns[0][1], THERE);
	assert_int_equal(seen.all[1].wall_ns, 100 * MS);
}

/* The same file, by another name, too: each record once. */
static void equal_ones_once(void **state_)
{
	struct view_hosts seen;
	struct order o;

	(void)state_;
	make_files(1000);
	assert_int_equal(link(paths[0], paths[2]), 0);
	assert_int_equal(read_all((const char *[]){ paths[0], paths[2], paths[0] }, 3, &o, &seen), SOURCE_END);
	assert_int_equal(seen.n, 1);
	assert_int_equal(o.n[0], 2000);
}

/* Two records a file: files i of one recording, whatever the order in which they are given. */
static void record_pieces(void)
{
	struct tcptrace_record r = arrival(1000 * MS, 1);

	for (unsigned int i = 0; i < 3; i++) {
		struct file_host host = { .recording = 7, .boot_id = { 9 }, .name = "h" };
		uint64_t before = 2 * i, at_end = before + 2;
		struct recorder *to;
		int fd;

		unlink(paths[i]);
		assert_int_equal(recorder_open(&to, &(struct recorder_config){ .path = paths[i], .host = &host, .kernel = "" }), 0);
		for (unsigned int k = 0; k < 2; k++, r.t_ns += MS)
			recorder_put(to, &r);
		assert_int_equal(recorder_close(to), 0);
		fd = open(paths[i], O_WRONLY);
		assert_int_equal(pwrite(fd, &before, 8, sizeof(struct file_header) + offsetof(struct file_host, before)), 8);
		assert_int_equal(pwrite(fd, &at_end, 8, FILE_HEADER_SIZE + 2 * sizeof(r) + sizeof(struct file_header) +
					offsetof(struct file_host, before)), 8);
		close(fd);
	}
}

static void a_piece_is_left_out(void **state_)
{
	struct view_hosts seen;
	struct order o;

	(void)state_;
	record_pieces();
	assert_int_equal(read_all((const char *[]){ paths[2], paths[0], paths[1] }, 3, &o, &seen), SOURCE_END);
	assert_int_equal(o.lost, 0);
	assert_false(o.said);
	assert_int_equal(read_all((const char *[]){ paths[2], paths[0], paths[2] }, 3, &o, &seen), SOURCE_END);
	assert_int_equal(o.lost, 2);
	assert_true(o.said && o.ordered && seen.all[0].gaps);
	assert_int_equal(o.n[0], 4 + 1);
	assert_int_equal(read_all((const char *[]){ paths[1], paths[2] }, 2, &o, &seen), SOURCE_END);
	assert_int_equal(o.lost, 0);			/* a ring has no more of it */
}

static void damage(unsigned int i, char *copy, size_t size)
{
	FILE *f = fopen(paths[i], "r+");
	size_t n = fread(copy, 1, size, f), cut = chance() % 4 ? 0 : chance() % n;

	for (unsigned int k = (unsigned int)(chance() % 12); k > 0; k--)
		copy[chance() % n] = (char)chance();
	rewind(f);
	assert_int_equal(fwrite(copy, 1, n, f), n);
	fclose(f);
	assert_int_equal(truncate(paths[i], (off_t)(n - cut)), 0);
}

/* Whatever the bytes are: records, or a sentence. */
static void damaged_by_chance(void **state_)
{
	static char copy[256 + 128 * 32];
	struct view_hosts seen;
	struct order o;
	int err, null = open("/dev/null", O_WRONLY), saved = dup(STDERR_FILENO);

	(void)state_;
	dup2(null, STDERR_FILENO);
	for (unsigned int run = 0; run < 60; run++) {		/* 0.2 s each: two models */
		make_files(10);
		damage(0, copy, sizeof(copy));
		damage(1, copy, sizeof(copy));
		err = read_all((const char *[]){ paths[0], paths[1] }, 2, &o, &seen);
		assert_true(err == SOURCE_END || err < 0);
		assert_in_range(o.n[0] + o.n[1], 0, 30);
	}
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(null);
}

/* A run of that boot, with a listener and a connection in that namespace, from that moment on. */
static void record_run(unsigned int i, uint8_t boot, uint32_t netns, uint64_t t_ns)
{
	struct file_host host = { .recording = 100 + i, .boot_id = { boot }, .name = "h" };
	struct tcptrace_record r = arrival(t_ns, 1);
	struct recorder *to;

	assert_int_equal(recorder_open(&to, &(struct recorder_config){ .path = paths[i], .host = &host, .kernel = "",
								       .wall_offset_ns = 5 * (int64_t)MS }), 0);
	r.netns = netns;
	recorder_put(to, &r);
	r.t_ns += 100 * MS;
	recorder_put(to, &r);
	assert_int_equal(recorder_close(to), 0);
}

static int open_both(void)
{
	struct options options = { .nreads = 2, .reads = { paths[0], paths[1] } };
	struct hosts *h;
	int err = hosts_open(&h, &options);

	if (!err)
		hosts_free(h);
	return err;
}

/* Two runs at one time: the same socket in both would count twice. */
static void beside_each_other(void **state_)
{
	(void)state_;
	record_run(0, 9, 7, 1000 * MS);
	record_run(1, 9, 7, 1001 * MS);
	assert_int_equal(open_both(), -EXDEV);
	record_run(1, 9, 8, 1001 * MS);		/* of another namespace */
	assert_int_equal(open_both(), 0);
	record_run(1, 9, 7, 2000 * MS);		/* after it */
	assert_int_equal(open_both(), 0);
	record_run(1, 10, 7, 1001 * MS);	/* another machine */
	assert_int_equal(open_both(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(more_than_fits),
		cmocka_unit_test(in_one_order),
		cmocka_unit_test(equal_ones_once),
		cmocka_unit_test(a_piece_is_left_out),
		cmocka_unit_test(damaged_by_chance),
		cmocka_unit_test(beside_each_other),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
