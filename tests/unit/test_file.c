// SPDX-License-Identifier: GPL-2.0-only
/* source/file.c and source/recorder.c: what goes in comes out; what is damaged is refused at its offset. */
#include "edge.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include "../../user/lib/clock.h"
#include "../../user/source/disguise.h"
#include "../../user/source/file.h"
#include "../../user/source/short.h"
#include "../../user/source/source.h"

#define HEAD		FILE_HEADER_SIZE
#define RECORDS	1201u		/* more than two reads */

static char path[] = "/tmp/tcptrace-test-XXXXXX";
static char *whole;		/* a good recording */
static size_t whole_size;

struct seen {
	unsigned int n, stop_at;
	uint64_t sum, unknown;
	uint32_t first_tid, last_tid;
	bool early;
};

static int take(void *ctx, const struct tcptrace_record *rec)
{
	struct seen *seen = ctx;

	if (seen->stop_at && seen->n + 1 == seen->stop_at)
		return -ENODATA;
	if (!seen->n++)
		seen->first_tid = rec->tid;
	seen->last_tid = rec->tid;
	seen->sum += rec->sk;
	return 0;
}

static struct tcptrace_record good_record(unsigned int i)
{
	struct tcptrace_record r = { .t_ns = 1000 + i, .sk = i, .event = TCPTRACE_STATE, .family = 4, .old = 1, .new = 8 };

	return r;
}

static void put_file(const void *p, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, p, n), n);
	close(fd);
}

static int set_up(void **state)
{
	struct recorder *r;
	struct stat st;
	unsigned int i;
	int fd;

	(void)state;
	fd = mkstemp(path);
	close(fd);
	if (recorder_open(&r, &(struct recorder_config){ .path = path, .wall_offset_ns = 123456789 }))
		return -1;
	for (i = 0; i < RECORDS; i++) {
		struct tcptrace_record rec = good_record(i);

		if (recorder_put(r, &rec))
			return -1;
	}
	if (recorder_close(r) || stat(path, &st))
		return -1;
	whole_size = (size_t)st.st_size;
	whole = malloc(whole_size);
	fd = open(path, O_RDONLY);
	if (read(fd, whole, whole_size) != st.st_size)
		return -1;
	close(fd);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(whole);
	return unlink(path);
}

static int open_file(struct source **s, char why[SOURCE_WHY])
{
	struct source_config cfg = { .path = path };

	return source_file.open(s, &cfg, why);
}

/* Opens and reads to the end: SOURCE_END or the error; the sentence of it in error. */
static int replay(struct seen *seen, char *error, size_t size)
{
	struct source_stats stats;
	struct source *s;
	char why[SOURCE_WHY];
	int err = open_file(&s, why);

	error[0] = 0;
	if (err) {
		snprintf(error, size, "%s", why);
		return err;
	}
	while (!(err = s->ops->poll(s, 0, take, seen)))
		;
	if (s->error)
		snprintf(error, size, "%s", s->error);
	seen->early = s->note && strstr(s->note, "ends early");
	s->ops->stats(s, &stats);
	seen->unknown = stats.unknown;
	s->ops->close(s);
	return err;
}

static void round_trip(void **state)
{
	struct seen seen = { 0 };
	struct source_stats stats;
	struct source *s;
	char why[SOURCE_WHY];
	int err;

	(void)state;
	assert_int_equal(whole_size, HEAD + RECORDS * 128 + HEAD);
	put_file(whole, whole_size);
	assert_int_equal(open_file(&s, why), 0);
	assert_int_equal(s->wall_offset_ns, 123456789);
	while (!(err = s->ops->poll(s, 0, take, &seen)))
		;
	assert_int_equal(err, SOURCE_END);
	assert_null(s->note);
	assert_int_equal(seen.n, RECORDS);
	assert_int_equal(seen.sum, RECORDS * (RECORDS - 1) / 2);
	s->ops->stats(s, &stats);
	assert_int_equal(stats.records, RECORDS);
	assert_int_equal(stats.lost, 0);
	s->ops->close(s);
}

static void consumer_stops(void **state)
{
	struct seen seen = { .stop_at = 700 };
	char error[256];

	(void)state;
	put_file(whole, whole_size);
	assert_int_equal(replay(&seen, error, sizeof(error)), -ENODATA);
	assert_int_equal(seen.n, 699);
}

/* Cut in what says that it is the end: all records are there, but who can know. */
static void end_is_cut(void **state)
{
	char error[256];

	(void)state;
	for (size_t n = whole_size - HEAD; n < whole_size; n++) {
		struct seen seen = { 0 };
		size_t left = n - (whole_size - HEAD);
		int err;

		put_file(whole, n);
		err = replay(&seen, error, sizeof(error));
		assert_int_equal(seen.n, RECORDS);
		assert_int_equal(err, left && left < 8 ? -EBADMSG : SOURCE_END);
		assert_true(seen.early == (err == SOURCE_END));
	}
}

/* A pipe that breaks mostly breaks between two records: nobody can go back and write into the header that it is whole. */
static void cut_on_its_way(void **state)
{
	const uint32_t unknown = FILE_UNKNOWN;
	const size_t at = HEAD + 700 * 128;
	char error[256], *two = malloc(whole_size * 2);
	struct seen seen = { 0 };

	(void)state;
	memcpy(two, whole, whole_size);
	memcpy(two + offsetof(struct file_header, state), &unknown, sizeof(unknown));
	put_file(two, whole_size);
	assert_int_equal(replay(&seen, error, sizeof(error)), SOURCE_END);
	assert_false(seen.early);
	put_file(two, at);
	assert_int_equal(replay(&seen, error, sizeof(error)), SOURCE_END);
	assert_true(seen.early);
	/* another recording behind it, which is whole */
	memcpy(two + at, whole, whole_size);
	two[at + sizeof(struct file_header)] ^= 1;
	two[at + whole_size - HEAD + sizeof(struct file_header)] ^= 1;
	put_file(two, at + whole_size);
	seen = (struct seen){ 0 };
	assert_int_equal(replay(&seen, error, sizeof(error)), SOURCE_END);
	assert_true(seen.early);
	assert_int_equal(seen.n, 700 + RECORDS);
	/* and the same one once more */
	memcpy(two + whole_size, whole, whole_size);
	memcpy(two, whole, whole_size);
	put_file(two, 2 * whole_size);
	seen = (struct seen){ 0 };
	assert_int_equal(replay(&seen, error, sizeof(error)), -EBADMSG);
	assert_non_null(strstr(error, "not in order, or one is there twice"));
	assert_int_equal(seen.n, RECORDS);
	free(two);
}

/* At every length: what is whole is delivered, and the end is named. */
static void truncated(void **state)
{
	char error[256], want[64];
	size_t n;

	(void)state;
	for (n = 0; n < HEAD + 4 * 128; n++) {
		struct seen seen = { 0 };
		unsigned int records = n < HEAD ? 0 : (unsigned int)(n - HEAD) / 128;
		int err;

		put_file(whole, n);
		err = replay(&seen, error, sizeof(error));
		assert_int_equal(seen.n, records);
		if (n >= HEAD && (n - HEAD) % 128 == 0) {
			assert_int_equal(err, SOURCE_END);
			assert_true(seen.early);
			continue;
		}
		assert_int_equal(err, -EBADMSG);
		snprintf(want, sizeof(want), "truncated at offset %zu", n < HEAD ? n : HEAD + (size_t)records * 128);
		if (n == 0)
			assert_string_equal(error, "the file is empty");
		else if (n >= 8)
			assert_non_null(strstr(error, want));
	}
}

static void damage(size_t at, const void *bytes, size_t n, const char *sentence, unsigned int records)
{
	struct seen seen = { 0 };
	char *copy = malloc(whole_size), error[256];

	memcpy(copy, whole, whole_size);
	memcpy(copy + at, bytes, n);
	put_file(copy, whole_size);
	free(copy);
	assert_int_equal(replay(&seen, error, sizeof(error)), -EBADMSG);
	assert_string_equal(error, sentence);
	assert_int_equal(seen.n, records);
}

static void damaged(void **state)
{
	size_t third = HEAD + 2 * 128;

	(void)state;
	damage(0, "pcap", 4, "not a recording of tcptrace (its first 8 bytes are not \"tcptrace\")", 0);
	damage(8, "\1\2\3\4", 4, "recorded on a big-endian machine; replay it on one", 0);
	damage(8, "\0\0\0\0", 4, "corrupted at offset 8: the byte order mark is 0x00000000", 0);
	damage(12, "\3\0", 2, "recorded with record format 3, this tcptrace reads 2; use a newer tcptrace", 0);
	damage(12, "\0\0", 2, "recorded with record format 0, this tcptrace reads 2; use an older tcptrace", 0);
	damage(14, "\x60\0", 2, "corrupted at offset 14: records of 96 bytes instead of 128", 0);
	damage(24, "\x3f\0\0\0", 4, "corrupted at offset 24: a header of 63 bytes", 0);
	damage(24, "\x41\0\0\0", 4, "corrupted at offset 24: a header of 65 bytes", 0);
	damage(third + offsetof(struct tcptrace_record, event), "\0", 1, "corrupted at offset 512: there is no event 0", 2);
	damage(third + offsetof(struct tcptrace_record, family), "\5", 1, "corrupted at offset 512: there is no address family 5", 2);
	damage(third + offsetof(struct tcptrace_record, old), "\x10", 1, "corrupted at offset 512: there is no state 16", 2);
	damage(third + offsetof(struct tcptrace_record, new), "\xff", 1, "corrupted at offset 512: there is no state 255", 2);
	damage(third + offsetof(struct tcptrace_record, cause), "\x20", 1, "corrupted at offset 512: there is no cause 32", 2);
	damage(third, "\xff\xff\xff\xff\xff\xff\xff\x7f", 8, "corrupted at offset 512: a time 292 years after the boot", 2);
	damage(third + 7, "\x40", 1, "corrupted at offset 512: a time 146 years after the boot", 2);
	damage(third + 7, "\x06", 1, "corrupted at offset 512: a time 13 years after the boot", 2);
}

/* An event of a later version is skipped and counted, whatever its members say. */
static void later_event(void **state)
{
	size_t third = HEAD + 2 * 128;
	struct seen seen = { 0 };
	char *copy = malloc(whole_size), error[256];

	(void)state;
	memcpy(copy, whole, whole_size);
	memset(copy + third, 0x6e, sizeof(struct tcptrace_record));
	put_file(copy, whole_size);
	free(copy);
	assert_int_equal(replay(&seen, error, sizeof(error)), SOURCE_END);
	assert_int_equal(seen.n, RECORDS - 1);
	assert_int_equal(seen.unknown, 1);
}

/* A longer header of a later version that kept the record: read past it. */
static void longer_header(void **state)
{
	struct seen seen = { 0 };
	char *copy = malloc(whole_size + 16), error[256];

	(void)state;
	memcpy(copy, whole, HEAD);
	memset(copy + HEAD, 0xee, 16);
	memcpy(copy + HEAD + 16, whole + HEAD, whole_size - HEAD);
	memcpy(copy + 24, &(uint32_t){ HEAD + 16 }, 4);
	put_file(copy, whole_size + 16);
	free(copy);
	assert_int_equal(replay(&seen, error, sizeof(error)), SOURCE_END);
	assert_int_equal(seen.n, RECORDS);
}

/* Of the second of two in one file, after which no record would lie where one may. */
static void header_of_odd_size(void **state)
{
	const size_t second = HEAD + 128, size = second + 65 + 2 * 128;
	struct seen seen = { 0 };
	char *copy = calloc(1, size), error[256];

	(void)state;
	memcpy(copy, whole, second);
	memcpy(copy + second, whole, 64);
	memcpy(copy + second + 24, &(uint32_t){ 65 }, 4);
	memcpy(copy + second + 65, whole + HEAD, 2 * 128);
	put_file(copy, size);
	free(copy);
	assert_int_equal(replay(&seen, error, sizeof(error)), -EBADMSG);
	assert_string_equal(error, "corrupted at offset 24: a header of 65 bytes");
	assert_int_equal(seen.n, 1);
}

/* Of a run in which nothing comes: until when that is so. */
static void it_goes_on(void **state)
{
	struct recorder_config cfg = { .path = path, .addresses = true };
	struct tcptrace_record rec = { .event = TCPTRACE_OBSERVED, .t_ns = 5, .arg = 7, .req = 9 }, last;
	struct recorder *r;
	FILE *f;

	(void)state;
	assert_int_equal(recorder_open(&r, &cfg), 0);
	recorder_put(r, &rec);
	recorder_flush(r);
	assert_int_equal(recorder_close(r), 0);
	f = fopen(path, "r");
	fseek(f, -(long)(HEAD + sizeof(last)), SEEK_END);
	assert_int_equal(ftell(f), HEAD + 128);
	assert_int_equal(fread(&last, sizeof(last), 1, f), 1);
	fclose(f);
	assert_true(last.t_ns > 5);
	last.t_ns = 5;
	rec.real_ns = last.real_ns;
	rec.boot_ns = last.boot_ns;
	assert_memory_equal(&last, &rec, sizeof(rec));
}

static int take_wall(void *ctx, const struct tcptrace_record *rec)
{
	*(int64_t *)ctx = rec->real_ns;
	return 0;
}

/* What was said last may be wrong since: the clock was set in between. Of a copy, it stays. */
static void the_clock_was_set(void **state)
{
	int64_t now = (int64_t)(clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC)), said, hour = 3600000000000;
	struct tcptrace_record rec = { .event = TCPTRACE_OBSERVED, .t_ns = 5, .arg = 7 };
	struct recorder_config cfg = { .path = path, .wall_offset_ns = now - hour };
	struct recorder *r;
	struct source *s;
	char why[SOURCE_WHY];

	(void)state;
	for (unsigned int live = 0; live < 2; live++) {
		cfg.addresses = live;
		rec.real_ns = live ? 0 : now - 2 * hour;
		assert_int_equal(recorder_open(&r, &cfg), 0);
		assert_int_equal(recorder_put(r, &rec), 0);
		assert_int_equal(recorder_close(r), 0);
		assert_int_equal(open_file(&s, why), 0);
		assert_int_equal(s->ops->poll(s, 0, take_wall, &said), 0);
		assert_in_range(said - (live ? now : now - 2 * hour) + 10000000, 0, 20000000);
		assert_int_equal(s->wall_offset_ns, said);
		s->ops->close(s);
	}
}

/* Whose it is stays with it when it is copied, and what has no room for that says nothing of it. */
static void the_host_stays(void **state)
{
	struct file_host host = { .recording = 77, .boot_id = { 1, 2, 3 }, .name = "web1", .clock_state = 5, .ends = 1 };
	struct recorder_config cfg = { .path = path, .host = &host, .kernel = "6.1.0-x", .wall_offset_ns = 1 };
	static const struct file_host unknown = { .clock_state = -1 };
	struct recorder *r;
	struct source *s;
	char why[SOURCE_WHY], *copy;

	(void)state;
	assert_int_equal(recorder_open(&r, &cfg), 0);
	assert_int_equal(recorder_close(r), 0);
	assert_int_equal(open_file(&s, why), 0);
	assert_memory_equal(s->host, &host, sizeof(host));
	assert_string_equal(s->kernel, "6.1.0-x");
	s->ops->close(s);

	assert_memory_not_equal(whole + 64, &unknown, 24);		/* this machine, by chance and by its boot */
	copy = malloc(whole_size - 128);				/* a header as tcptrace 0.1 wrote it */
	memcpy(copy, whole, 128);
	memcpy(copy + 24, &(uint32_t){ 128 }, 4);
	memcpy(copy + 128, whole + HEAD, whole_size - HEAD);
	put_file(copy, whole_size - HEAD + 128);
	free(copy);
	assert_int_equal(open_file(&s, why), 0);
	assert_memory_equal(s->host, &unknown, sizeof(unknown));
	s->ops->close(s);
}

/* Any bytes changed: ends with records or a sentence, never otherwise. */
static void damaged_by_chance(void **state)
{
	char *copy = malloc(whole_size), error[256];
	size_t size = HEAD + 20 * 128;
	int i, j;

	(void)state;
	for (i = 0; i < 3000; i++) {
		struct seen seen = { 0 };
		int err;

		memcpy(copy, whole, size);
		for (j = (int)(chance() % 8); j >= 0; j--)
			copy[chance() % size] = (char)chance();
		put_file(copy, size - chance() % 200);
		err = replay(&seen, error, sizeof(error));
		assert_true(err == SOURCE_END || (err == -EBADMSG && error[0]));
		assert_in_range(seen.n, 0, 20);
	}
	free(copy);
}

static void a_pipe_that_waits(void **state)
{
	struct source_config cfg = { .path = "-" };
	int saved = dup(STDIN_FILENO), p[2];
	struct seen seen = { 0 };
	char why[SOURCE_WHY];
	struct source *s;

	(void)state;
	assert_int_equal(pipe(p), 0);
	dup2(p[0], STDIN_FILENO);
	assert_int_equal(write(p[1], whole, HEAD + 128 + 50), HEAD + 128 + 50);
	assert_int_equal(source_file.open(&s, &cfg, why), 0);
	assert_int_equal(s->ops->poll(s, 10, take, &seen), 0);
	assert_int_equal(seen.n, 1);
	assert_int_equal(s->ops->poll(s, 10, take, &seen), 0);	/* nothing yet, and no end */
	assert_int_equal(seen.n, 1);
	assert_int_equal(write(p[1], whole + HEAD + 128 + 50, 78), 78);
	assert_int_equal(s->ops->poll(s, 10, take, &seen), 0);
	assert_int_equal(seen.n, 2);
	close(p[1]);
	assert_int_equal(s->ops->poll(s, 10, take, &seen), SOURCE_END);
	s->ops->close(s);
	close(p[0]);
	dup2(saved, STDIN_FILENO);
	close(saved);
}

static void cannot_open(void **state)
{
	struct source_config cfg = { .path = "/nonexistent/recording" };
	char why[SOURCE_WHY];
	struct source *s;

	(void)state;
	assert_int_equal(source_file.open(&s, &cfg, why), -ENOENT);
	assert_string_equal(why, "");
	cfg.path = "/tmp";
	assert_int_equal(source_file.open(&s, &cfg, why), -EISDIR);
}

static void recording_fails(void **state)
{
	struct tcptrace_record rec = good_record(1);
	struct recorder *r;
	int i;

	(void)state;
	assert_int_equal(recorder_open(&r, &(struct recorder_config){ .path = "/nonexistent/recording" }), -ENOENT);
	assert_int_equal(recorder_open(&r, &(struct recorder_config){ .path = "/dev/full" }), 0);
	for (i = 0; i < 5000; i++)
		recorder_put(r, &rec);
	assert_int_equal(recorder_flush(r), -ENOSPC);
	assert_int_equal(recorder_close(r), -ENOSPC);
}

/* The second one finds it taken, and leaves the first one's as it is. */
static void two_write_one_file(void **state)
{
	const struct recorder_config cfg = { .path = path };
	struct tcptrace_record rec = good_record(1);
	struct recorder *first, *second;
	struct seen seen = { 0 };
	char error[256];

	(void)state;
	unlink(path);
	for (int there = 0; there < 2; there++) {
		assert_int_equal(recorder_open(&first, &cfg), 0);
		assert_int_equal(recorder_open(&second, &cfg), -ETXTBSY);
		recorder_put(first, &rec);
		assert_int_equal(recorder_close(first), 0);
		seen = (struct seen){ 0 };
		assert_int_equal(replay(&seen, error, sizeof(error)), SOURCE_END);
		assert_int_equal(seen.n, 1);
	}
}

/* ---- several files ---- */

static void name_of(char *name, size_t size, const char *dir, const char *file, unsigned int i, const char *end)
{
	snprintf(name, size, "%s/%s.%u%s", dir, file, i, end);
}

/* The tids of the records of a file, which good_record() counts up; -1: there is no such file. */
static int tids_of(const char *name, uint32_t *first, uint32_t *last)
{
	struct source_config cfg = { .path = name };
	struct seen seen = { 0 };
	struct source *s;
	char why[SOURCE_WHY];
	int err = source_file.open(&s, &cfg, why);

	if (err)
		return -1;
	while (!(err = s->ops->poll(s, 0, take, &seen)))
		;
	assert_int_equal(err, SOURCE_END);
	assert_null(s->note);
	s->ops->close(s);
	*first = seen.first_tid;
	*last = seen.last_tid;
	return (int)seen.n;
}

static void put_some(struct recorder *r, uint32_t from, uint32_t n)
{
	for (uint32_t i = from; i < from + n; i++) {
		struct tcptrace_record rec = good_record(i);

		rec.tid = i;
		assert_int_equal(recorder_put(r, &rec), 0);
	}
}

/* Of a ring of three, files of a header and 7 * 128 bytes: the last one, and the two before it, whole. */
static void check_ring(const char *end)
{
	char dir[] = "/tmp/tcptrace-ring-XXXXXX", path[64], name[128], kept[4096];
	uint32_t first, last;
	struct recorder_config cfg = { .path = path, .file_bytes = HEAD + 7 * 128 - 24, .files = 3 };
	struct recorder *r;
	unsigned int i;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/run%s", dir, end);
	assert_int_equal(recorder_open(&r, &cfg), 0);
	put_some(r, 1, 7 * 4 + 3);
	assert_int_equal(recorder_keep(r, kept, sizeof(kept)), 3);
	assert_non_null(strstr(kept, ".0"));
	*strstr(kept, ".0") = 0;		/* the digits of date and time have no dot before them */
	for (i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%.100s.%u%s", kept, i, end);
		assert_int_equal(tids_of(name, &first, &last), i < 2 ? 7 : 3);
		assert_int_equal(first, 7 * (i + 2) + 1);
		unlink(name);
	}
	put_some(r, 100, 2);
	assert_int_equal(recorder_close(r), 0);
	name_of(name, sizeof(name), dir, "run", 0, end);
	assert_int_equal(tids_of(name, &first, &last), 2);
	assert_int_equal(last, 101);
	unlink(name);
	assert_int_equal(rmdir(dir), 0);	/* nothing else was there */
}

static void a_ring_of_files_keeps_the_last(void **state)
{
	(void)state;
	check_ring("");
}

/* Behind what out has: one more file of a recording. */
static void append(const char *out, const char *name)
{
	FILE *from = fopen(name, "re"), *to = fopen(out, "ae");
	char buf[4096];
	size_t n;

	assert_true(from && to);
	while ((n = fread(buf, 1, sizeof(buf), from)))
		assert_int_equal(fwrite(buf, 1, n, to), n);
	fclose(from);
	assert_int_equal(fclose(to), 0);
}

static int take_lost(void *lost, const struct tcptrace_record *rec)
{
	*(uint64_t *)lost += rec->event == TCPTRACE_LOST ? rec->arg : 0;
	return 0;
}

/* How many records a replay of these pieces, one behind the other, says are not there; as often as it is read. */
static uint64_t left_out_of(const char *dir, const char *pieces, bool *said)
{
	char all[128], name[128], why[SOURCE_WHY];
	struct source_config cfg = { .path = all };
	uint64_t lost = 0, again = 0;
	struct source *s;

	snprintf(all, sizeof(all), "%s/all", dir);
	for (; *pieces; pieces++) {
		name_of(name, sizeof(name), dir, "run", *pieces - '0', "");
		append(all, name);
	}
	assert_int_equal(source_file.open(&s, &cfg, why), 0);
	while (!s->ops->poll(s, 0, take_lost, &lost))
		;
	*said = s->note && strstr(s->note, "s are missing");
	assert_int_equal(s->ops->begin_again(s), 0);
	while (!s->ops->poll(s, 0, take_lost, &again))
		;
	assert_int_equal(lost, again);
	s->ops->close(s);
	unlink(all);
	return lost;
}

/* Each file says how many records of the recording came before it. */
static void a_piece_is_left_out(void **state)
{
	char dir[] = "/tmp/tcptrace-ring-XXXXXX", file[64], name[128];
	struct recorder_config cfg = { .path = file, .file_bytes = HEAD + 7 * 128 - 24 };
	struct recorder *r;
	bool said;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/run", dir);
	assert_int_equal(recorder_open(&r, &cfg), 0);
	put_some(r, 1, 7 * 4 + 3);
	assert_int_equal(recorder_close(r), 0);
	assert_int_equal(left_out_of(dir, "01234", &said), 0);
	assert_false(said);
	assert_int_equal(left_out_of(dir, "024", &said), 14);
	assert_true(said);
	assert_int_equal(left_out_of(dir, "03", &said), 14);
	assert_int_equal(left_out_of(dir, "234", &said), 0);	/* a ring has no more of it */
	assert_int_equal(left_out_of(dir, "00", &said), 0);	/* refused */
	assert_false(said);
	assert_int_equal(left_out_of(dir, "021", &said), 7);	/* the last is refused */
	for (unsigned int i = 0; i < 5; i++) {
		name_of(name, sizeof(name), dir, "run", i, "");
		unlink(name);
	}
	assert_int_equal(rmdir(dir), 0);
}

/* The name says what is in it; -C counts packed bytes, so all of these fit into one. */
static void a_packed_file_after_another(void **state)
{
	char dir[] = "/tmp/tcptrace-ring-XXXXXX", path[64], name[128], kept[4096];
	struct recorder_config cfg = { .path = path, .file_bytes = 100000, .files = 2 };
	uint32_t first, last;
	struct recorder *r;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/run.gz", dir);
	assert_int_equal(recorder_open(&r, &cfg), 0);
	put_some(r, 1, 5000);
	assert_int_equal(recorder_flush(r), 0);
	assert_int_equal(recorder_keep(r, kept, sizeof(kept)), 1);
	put_some(r, 1, 3);
	assert_int_equal(recorder_close(r), 0);
	assert_int_equal(tids_of(kept, &first, &last), 5000);
	assert_int_equal(last, 5000);
	unlink(kept);
	name_of(name, sizeof(name), dir, "run", 0, ".gz");
	assert_int_equal(tids_of(name, &first, &last), 3);
	unlink(name);
	assert_int_equal(rmdir(dir), 0);
}

/* Two sets of one second are two sets; and where one cannot be kept, it goes on with the next file. */
static void a_set_that_cannot_be_kept(void **state)
{
	char dir[] = "/tmp/tcptrace-ring-XXXXXX", path[64], name[128], first_set[4096], second_set[4096], kept[4096];
	struct recorder_config cfg = { .path = path, .file_bytes = 100000, .files = 3 };
	uint32_t first, last;
	struct recorder *r;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/run", dir);
	assert_int_equal(recorder_open(&r, &cfg), 0);
	put_some(r, 1, 1);
	assert_int_equal(recorder_keep(r, first_set, sizeof(first_set)), 1);
	put_some(r, 2, 1);
	assert_int_equal(recorder_keep(r, second_set, sizeof(second_set)), 1);
	assert_int_equal(tids_of(first_set, &first, &last), 1);
	assert_int_equal(last, 1);
	assert_int_equal(tids_of(second_set, &first, &last), 1);
	assert_int_equal(last, 2);
	name_of(name, sizeof(name), dir, "run", 0, "");
	unlink(name);				/* so it cannot be renamed */
	assert_int_equal(recorder_keep(r, kept, sizeof(kept)), -ENOENT);
	put_some(r, 3, 1);
	unlink(first_set);
	unlink(second_set);
	assert_int_equal(recorder_flush(r), 0);
	name_of(name, sizeof(name), dir, "run", 1, "");
	unlink(name);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(recorder_keep(r, kept, sizeof(kept)), -ENOENT);
	assert_int_equal(recorder_put(r, &(struct tcptrace_record){ .event = TCPTRACE_ACCEPT }), -ENOENT);
	assert_int_equal(recorder_close(r), -ENOENT);
}

/* The second of three is gone: the first is back where it was, and there is no half of a set. */
static void half_a_set(void **state)
{
	char dir[] = "/tmp/tcptrace-ring-XXXXXX", path[64], name[128], kept[4096];
	struct recorder_config cfg = { .path = path, .file_bytes = 100000 };
	uint32_t first, last;
	struct recorder *r;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/run", dir);
	assert_int_equal(recorder_open(&r, &cfg), 0);
	put_some(r, 1, 2000);
	name_of(name, sizeof(name), dir, "run", 1, "");
	assert_int_equal(unlink(name), 0);
	assert_int_equal(recorder_keep(r, kept, sizeof(kept)), -ENOENT);
	assert_int_equal(recorder_close(r), 0);
	name_of(name, sizeof(name), dir, "run", 0, "");
	assert_in_range(tids_of(name, &first, &last), 700, 1000);
	assert_int_equal(first, 1);
	assert_int_equal(unlink(name), 0);
	for (unsigned int i = 2; i < 4; i++) {
		name_of(name, sizeof(name), dir, "run", i, "");
		assert_int_equal(unlink(name), 0);
	}
	assert_int_equal(rmdir(dir), 0);
}

/* What comes over the network comes in any pieces: one byte does not say yet that it is packed. */
static void a_packed_pipe_in_pieces(void **state)
{
	char dir[] = "/tmp/tcptrace-ring-XXXXXX", path[64], packed[8192], name[32];
	struct recorder_config cfg = { .path = path };
	uint32_t first = 0, last = 0;
	struct recorder *r;
	int p[2], fd;
	ssize_t n;
	pid_t child;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/run.gz", dir);
	assert_int_equal(recorder_open(&r, &cfg), 0);
	put_some(r, 1, 3);
	assert_int_equal(recorder_close(r), 0);
	fd = open(path, O_RDONLY);
	n = read(fd, packed, sizeof(packed));
	assert_in_range(n, 20, sizeof(packed) - 1);
	close(fd);
	unlink(path);
	rmdir(dir);
	assert_int_equal(pipe(p), 0);
	child = fork();
	if (!child) {
		bool fine = write(p[1], packed, 1) == 1 && !usleep(20000) && write(p[1], packed + 1, (size_t)n - 1) == n - 1;

		_exit(!fine);
	}
	close(p[1]);
	snprintf(name, sizeof(name), "/dev/fd/%d", p[0]);
	assert_int_equal(tids_of(name, &first, &last), 3);
	close(p[0]);
	waitpid(child, NULL, 0);
}

/* What is recorded live: no address is in the file, and two that were alike are alike, across sk, listener and req. */
static void addresses_are_disguised(void **state)
{
	static struct disguise d, other;
	struct tcptrace_record a = good_record(1), b = good_record(2), c;

	(void)state;
	disguise_begin(&d);
	disguise_begin(&other);
	a.event = b.event = TCPTRACE_SYNQ_ADD;
	a.flags = b.flags = 0;
	a.sk = b.req = 0xffff888012345680ull;
	a.listener = b.listener = 0xffff888012345000ull;
	a.req = 0;
	b.sk = 0xffff888012346680ull;
	c = a;
	disguise_record(&d, &a);
	disguise_record(&d, &b);
	disguise_record(&other, &c);
	assert_true(a.sk == b.req && a.listener == b.listener && a.sk != b.sk && a.sk != a.listener);
	assert_true(a.sk != 0xffff888012345680ull && a.listener != 0xffff888012345000ull && a.req == 0);
	assert_true(c.sk != a.sk);		/* another run has another key */
	a = (struct tcptrace_record){ .event = TCPTRACE_OBSERVED, .req = 5, .arg = 7 };
	disguise_record(&d, &a);
	assert_true(a.req == 5 && a.arg == 7);	/* a note holds no address */
	a = (struct tcptrace_record){ .event = TCPTRACE_ACCEPT, .flags = TCPTRACE_F_ACTOR, .comm = "nginx" };
	disguise_record(&d, &a);
	assert_string_equal(a.comm, "nginx");
}

/* ---- records that are short ---- */

#define BYTES	128u		/* of a record: in each of these one of them differs, in the last one none */

struct bytes {
	struct tcptrace_record rec[BYTES + 1];
	unsigned int n;
};

static int take_bytes(void *ctx, const struct tcptrace_record *rec)
{
	struct bytes *b = ctx;

	assert_in_range(b->n, 0, BYTES);
	b->rec[b->n++] = *rec;
	return 0;
}

static void make_bytes(struct bytes *b)
{
	const struct tcptrace_record plain = {
		.t_ns = 1000, .sk = 0x1122334455667788, .netns = 7, .fd = -1, .arg = 0x99aabbccddeeff,
		.laddr = { [10] = 0xff, 0xff, 127, 0, 0, 1 }, .raddr = { [10] = 0xff, 0xff, 127, 0, 0, 2 },
		.lport = 80, .rport = 1025, .event = TCPTRACE_STATE, .family = 4, .old = 1, .new = 4, .cpu = 3, .synq = 5,
	};

	b->n = BYTES + 1;
	for (unsigned int i = 0; i < b->n; i++) {
		b->rec[i] = plain;
		if (i < BYTES)
			((uint8_t *)&b->rec[i])[i] ^= 2;
	}
}

static size_t size_in_file(const struct tcptrace_record *rec)
{
	return short_fits(rec) ? 64 : 128;
}

static size_t record_bytes(struct bytes *b, char **file)
{
	const struct recorder_config cfg = { .path = path };
	size_t size = HEAD;
	struct recorder *r;
	struct stat st;
	int fd;

	make_bytes(b);
	assert_int_equal(recorder_open(&r, &cfg), 0);
	for (unsigned int i = 0; i < b->n; i++) {
		assert_int_equal(recorder_put(r, &b->rec[i]), 0);
		size += size_in_file(&b->rec[i]);
	}
	assert_int_equal(recorder_close(r), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, size + HEAD);
	*file = malloc(size);
	fd = open(path, O_RDONLY);
	assert_int_equal(read(fd, *file, size), size);
	close(fd);
	return size;
}

/* Whatever differs comes out of it as it went in, and most of it takes half. */
static void each_byte_comes_back(void **state)
{
	static struct bytes in, out;
	struct source *s;
	char why[SOURCE_WHY], *file;
	size_t size = record_bytes(&in, &file);
	int err;

	(void)state;
	free(file);
	assert_int_equal(size, HEAD + (BYTES / 2 + 1) * 64 + BYTES / 2 * 128);
	assert_int_equal(open_file(&s, why), 0);
	while (!(err = s->ops->poll(s, 0, take_bytes, &out)))
		;
	assert_int_equal(err, SOURCE_END);
	assert_null(s->note);
	s->ops->close(s);
	assert_int_equal(out.n, in.n);
	assert_memory_equal(out.rec, in.rec, sizeof(in.rec));
}

/* At every length; and what is left of a record does not hide the recording that comes after it. */
static void short_ones_are_cut(void **state)
{
	static struct bytes in;
	char *file, *two, error[256], want[64];
	size_t size = record_bytes(&in, &file), begin = HEAD, n;
	unsigned int records = 0;

	(void)state;
	two = malloc(size + whole_size);
	for (n = HEAD; n < size; n++) {
		struct seen seen = { 0 };
		int err;

		if (n == begin + size_in_file(&in.rec[records]))
			begin += size_in_file(&in.rec[records++]);
		put_file(file, n);
		err = replay(&seen, error, sizeof(error));
		assert_int_equal(seen.n, records);
		assert_int_equal(err, n == begin ? SOURCE_END : -EBADMSG);
		snprintf(want, sizeof(want), "truncated at offset %zu: %zu of the ", begin, n - begin);
		assert_true(err == SOURCE_END ? seen.early : !strncmp(error, want, strlen(want)));
		if (n % 64)
			continue;
		memcpy(two, file, n);
		memcpy(two + n, whole, whole_size);
		put_file(two, n + whole_size);
		seen = (struct seen){ 0 };
		assert_int_equal(replay(&seen, error, sizeof(error)), SOURCE_END);
		assert_int_equal(seen.n, records + RECORDS);
		assert_true(seen.early);
	}
	free(file);
	free(two);
}

/* Anybody may give a namespace of his an address that looks like the beginning of a recording. */
static void no_address_is_a_header(void **state)
{
	const struct file_header forged = { .magic = FILE_MAGIC, .byte_order = FILE_BYTE_ORDER, .format = FILE_FORMAT,
					    .record_size = sizeof(struct tcptrace_record), .header_size = HEAD };
	static struct bytes out;
	const struct recorder_config cfg = { .path = path };
	struct tcptrace_record r = good_record(1), next = good_record(2);
	char why[SOURCE_WHY];
	struct recorder *to;
	struct source *s;

	(void)state;
	r.family = 6;
	memcpy(r.laddr, &forged, sizeof(r.laddr));
	memcpy(r.raddr, (const char *)&forged + sizeof(r.laddr), sizeof(r.raddr));
	assert_int_equal(recorder_open(&to, &cfg), 0);
	assert_int_equal(recorder_put(to, &r), 0);
	assert_int_equal(recorder_put(to, &next), 0);
	assert_int_equal(recorder_close(to), 0);
	assert_int_equal(open_file(&s, why), 0);
	assert_int_equal(s->ops->poll(s, 0, take_bytes, &out), 0);
	s->ops->close(s);
	assert_int_equal(out.n, 2);
	assert_memory_equal(&out.rec[0], &r, sizeof(r));
}

/* Short or not, one by one or many: a socket is the same one, and its address is not in the file. */
static void short_ones_are_disguised(void **state)
{
	const uint64_t sk = 0xffff888012345680ull;
	static struct bytes out;
	const struct recorder_config cfg = { .path = path, .addresses = true };
	struct tcptrace_record brief = good_record(1), full;
	const struct tcptrace_record *const all[] = { &brief, &full };
	char why[SOURCE_WHY], file[2 * HEAD + 4 * 128];
	struct recorder *r;
	struct source *s;
	int fd;

	(void)state;
	brief.fd = -1;
	brief.sk = sk;
	full = brief;
	full.listener = full.req = sk;
	assert_true(short_fits(&brief) && !short_fits(&full));
	assert_int_equal(recorder_open(&r, &cfg), 0);
	assert_int_equal(recorder_put_all(r, all, 2), 0);
	assert_int_equal(recorder_put(r, &brief), 0);
	assert_int_equal(recorder_put(r, &full), 0);
	assert_int_equal(recorder_close(r), 0);
	fd = open(path, O_RDONLY);
	assert_int_equal(read(fd, file, sizeof(file)), 2 * HEAD + 2 * (64 + 128));
	close(fd);
	assert_null(memmem(file, 2 * HEAD + 2 * (64 + 128), &sk, sizeof(sk)));
	assert_int_equal(open_file(&s, why), 0);
	assert_int_equal(s->ops->poll(s, 0, take_bytes, &out), 0);
	s->ops->close(s);
	assert_int_equal(out.n, 4);
	for (unsigned int i = 0; i < 4; i++)
		assert_true(out.rec[i].sk == out.rec[1].listener && out.rec[i].sk == out.rec[3].req);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(consumer_stops),
		cmocka_unit_test(truncated),
		cmocka_unit_test(end_is_cut),
		cmocka_unit_test(cut_on_its_way),
		cmocka_unit_test(damaged),
		cmocka_unit_test(later_event),
		cmocka_unit_test(longer_header),
		cmocka_unit_test(header_of_odd_size),
		cmocka_unit_test(the_host_stays),
		cmocka_unit_test(it_goes_on),
		cmocka_unit_test(the_clock_was_set),
		cmocka_unit_test(damaged_by_chance),
		cmocka_unit_test(a_pipe_that_waits),
		cmocka_unit_test(cannot_open),
		cmocka_unit_test(recording_fails),
		cmocka_unit_test(two_write_one_file),
		cmocka_unit_test(a_piece_is_left_out),
		cmocka_unit_test(a_ring_of_files_keeps_the_last),
		cmocka_unit_test(a_packed_file_after_another),
		cmocka_unit_test(a_set_that_cannot_be_kept),
		cmocka_unit_test(half_a_set),
		cmocka_unit_test(a_packed_pipe_in_pieces),
		cmocka_unit_test(addresses_are_disguised),
		cmocka_unit_test(each_byte_comes_back),
		cmocka_unit_test(short_ones_are_cut),
		cmocka_unit_test(no_address_is_a_header),
		cmocka_unit_test(short_ones_are_disguised),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
