// SPDX-License-Identifier: GPL-2.0-only
/*
 * Recording (-w): the header, then records as they came. When the disk is full
 * the file ends with its last whole record, so that what is there replays. With
 * -C one file follows another, PATH.0 to PATH.N in turn.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "../lib/clock.h"
#include "../lib/create.h"
#include "../lib/out.h"
#include "../lib/readfile.h"
#include "disguise.h"
#include "file.h"
#include "gz.h"
#include "short.h"
#include "source.h"

#define RECORD_SIZE	sizeof(struct tcptrace_record)
#define ROOM		(16u << 20)
#define SAY_EVERY	10000000000ull

struct recorder {
	struct recorder_config cfg;
	struct out out;
	bool named;			/* not stdout, which may be the end of somebody's file */
	bool regular;
	bool cut;
	int error;			/* of a file before this one, or of opening it */
	uint64_t room;			/* the file has blocks up to here; 0: as many as were written */
	unsigned int file, opened;	/* number of the file; how many there were since the last recorder_keep() */
	struct gz_writer *gz;		/* NULL: not packed */
	struct disguise disguise;
	uint64_t records;		/* put into all files */
	struct tcptrace_record observed;	/* what every file must say first; event 0: nothing yet */
	int64_t boot_ns;		/* CLOCK_BOOTTIME - CLOCK_MONOTONIC; cfg has CLOCK_REALTIME's */
	bool stepped;			/* one of the two, since the files told it */
	uint64_t flushed_ns, said_ns;	/* last recorder_flush(); when a file last said that it goes on */
	struct file_host host;
	char kernel[65];		/* its release */
};

/* PATH, or PATH.N where there are several, before an ending ".gz". */
static int file_name(const struct recorder *r, const char *insert, unsigned int n, char *name, size_t size)
{
	size_t stem = strlen(r->cfg.path) - (r->gz ? 3 : 0);
	int len;

	if (!r->cfg.file_bytes)
		len = snprintf(name, size, "%s", r->cfg.path);
	else
		len = snprintf(name, size, "%.*s%s.%u%s", (int)stem, r->cfg.path, insert, n, r->gz ? ".gz" : "");
	return len < 0 || (size_t)len >= size ? -ENAMETOOLONG : 0;
}

static void put(struct recorder *r, const void *data, size_t n)
{
	if (r->gz)
		gz_write(r->gz, &r->out, data, n);
	else
		out_mem(&r->out, data, n);
}

static void put_record(struct recorder *r, const struct tcptrace_record *rec)
{
	record_word half[SHORT_SIZE / sizeof(record_word)];

	if (short_fits(rec)) {
		short_from(rec, rec->sk, half);
		put(r, half, SHORT_SIZE);
	} else {
		put(r, rec, RECORD_SIZE);
	}
	r->records++;
}

/* The same, with no address of the kernel in it. */
static void put_disguised(struct recorder *r, const struct tcptrace_record *rec)
{
	struct tcptrace_record copy = *rec;

	disguise_record(&r->disguise, &copy);
	put_record(r, &copy);
}

/* One that fits has no other address, and a note has none. */
static char *put_short(struct disguise *d, char *at, const struct tcptrace_record *rec)
{
	short_from(rec, disguise(d, rec->sk), (record_word *)at);
	return at + SHORT_SIZE;
}

static char *put_whole(struct disguise *d, char *at, const struct tcptrace_record *rec)
{
	struct tcptrace_record *to = (struct tcptrace_record *)at;

	*to = *rec;
	disguise_record(d, to);
	return at + RECORD_SIZE;
}

/* Of many each is copied once. */
static void put_all_disguised(struct recorder *r, const struct tcptrace_record *const *rec, unsigned int n)
{
	const unsigned int at_once = OUT_LINE_MAX / RECORD_SIZE;

	for (unsigned int i = 0, last; i < n;) {
		char *at;

		out_make_room(&r->out, OUT_LINE_MAX);
		at = out_at(&r->out);
		for (last = n - i > at_once ? i + at_once : n; i < last; i++)
			at = short_fits(rec[i]) ? put_short(&r->disguise, at, rec[i]) : put_whole(&r->disguise, at, rec[i]);
		out_take(&r->out, at);
	}
	r->records += n;
}

/* 16 bytes as hexadecimal digits with dashes. */
static void read_boot_id(uint8_t id[16])
{
	unsigned int at = 0, byte;
	char text[64];

	read_file("/proc/sys/kernel/random/boot_id", text, sizeof(text));
	for (const char *s = text; at < 16 && sscanf(s, "%2x", &byte) == 1; s += s[2] == '-' ? 3 : 2)
		id[at++] = (uint8_t)byte;
	if (at < 16)
		memset(id, 0, 16);
}

static void this_machine(struct recorder *r)
{
	struct timex clock = { 0 };
	struct utsname names;

	if (getrandom(&r->host.recording, sizeof(r->host.recording), GRND_NONBLOCK) < 0)
		r->host.recording = clock_ns(CLOCK_REALTIME);
	read_boot_id(r->host.boot_id);
	if (!uname(&names)) {
		snprintf(r->kernel, sizeof(r->kernel), "%s", names.release);
		memcpy(r->host.name, names.nodename, strnlen(names.nodename, sizeof(r->host.name)));
	}
	r->host.clock_state = adjtimex(&clock);		/* mode 0: only asks */
	r->host.freq = clock.freq;
	r->host.maxerror = clock.maxerror;
	r->host.esterror = clock.esterror;
}

/* Was one of them set, or the machine suspended, since they were told? */
static void look_at_clocks(struct recorder *r)
{
	int64_t real_ns, boot_ns;

	if (!r->cfg.addresses || !clock_ahead_of_monotonic(CLOCK_REALTIME, &real_ns) ||
	    !clock_ahead_of_monotonic(CLOCK_BOOTTIME, &boot_ns) ||
	    (!clock_stepped(r->cfg.wall_offset_ns, real_ns) && !clock_stepped(r->boot_ns, boot_ns)))
		return;
	r->cfg.wall_offset_ns = real_ns;
	r->boot_ns = boot_ns;
	r->stepped = true;
}

static void put_observed(struct recorder *r)
{
	if (r->cfg.addresses) {
		r->observed.real_ns = r->cfg.wall_offset_ns;
		r->observed.boot_ns = r->boot_ns;
	}
	put_record(r, &r->observed);
	r->stepped = false;
}

/* state: of the first one or FILE_END. */
static void put_header(struct recorder *r, uint32_t state)
{
	union {
		struct {
			struct file_header h;
			struct file_host host;
		};
		char bytes[FILE_HEADER_SIZE];
	} u = { .host = r->host, .h = {
		.magic = FILE_MAGIC,
		.byte_order = FILE_BYTE_ORDER,
		.format = FILE_FORMAT,
		.record_size = RECORD_SIZE,
		.header_size = FILE_HEADER_SIZE,
		.wall_offset_ns = r->cfg.wall_offset_ns,
		.state = state,
	} };

	if (!u.h.wall_offset_ns)
		u.h.wall_offset_ns = (int64_t)(clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC));
	u.host.before = r->records;
	memcpy(u.h.release, r->kernel, strnlen(r->kernel, sizeof(u.h.release)));
	put(r, &u, sizeof(u));
}

/* Addresses of clients are in it: for its owner alone, also where a file of that name was there. */
static int open_named(struct recorder *r, const char *name)
{
	int fd = r->cfg.new_file ? create_new_file(name, 0600) : create_file(name, 0600);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return fd;
	r->regular = S_ISREG(st.st_mode);
	if (r->regular && st.st_mode & 077 && fchmod(fd, 0600))
		errno = 0;		/* of another user: who may write to it may read it anyway */
	return fd;
}

static int open_stdout(void)
{
	int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);

	return fd < 0 ? -errno : fd;
}

/* The next one, in turn. */
static int open_file(struct recorder *r)
{
	char name[4096];
	int fd, err = r->named ? file_name(r, "", r->file, name, sizeof(name)) : 0;

	if (err)
		return err;
	fd = r->named ? open_named(r, name) : open_stdout();
	err = fd < 0 ? fd : out_open(&r->out, fd);
	if (!err && r->gz)
		err = gz_write_begin(r->gz);
	if (err) {
		if (fd >= 0)
			close(fd);
		free(r->out.buf);
		r->out = (struct out){ .fd = -1 };
		return err;
	}
	r->room = 0;
	r->cut = false;
	r->opened++;
	look_at_clocks(r);
	put_header(r, r->regular && !r->gz ? FILE_GROWING : FILE_UNKNOWN);
	if (r->observed.event)
		put_observed(r);
	return 0;
}

/* Those that a run before this one left would be taken for its files. */
static void remove_old(struct recorder *r)
{
	char name[4096];

	for (unsigned int i = 0; i < r->cfg.files; i++) {
		if (!file_name(r, "", i, name, sizeof(name)))
			unlink(name);
	}
}

int recorder_open(struct recorder **out, const struct recorder_config *cfg)
{
	struct recorder *r = calloc(1, sizeof(*r));
	int err = 0;

	if (!r)
		return -ENOMEM;
	r->cfg = *cfg;
	if (cfg->host)
		r->host = *cfg->host;
	else
		this_machine(r);
	r->host.ends = 1;
	if (cfg->kernel)
		snprintf(r->kernel, sizeof(r->kernel), "%s", cfg->kernel);
	r->named = strcmp(cfg->path, "-") != 0;
	if (gz_named(cfg->path)) {
		r->gz = calloc(1, sizeof(*r->gz));
		err = r->gz ? 0 : -ENOMEM;
	}
	if (!err && cfg->addresses)
		disguise_begin(&r->disguise);
	if (!err) {
		remove_old(r);
		err = open_file(r);
	}
	if (err) {
		free(r->gz);
		free(r);
		return err;
	}
	*out = r;
	return 0;
}

/* Of the last one half may be left. What gzip packed cannot be cut. A replay says that it ends early. */
static int cut_to_halves(struct recorder *r)
{
	uint64_t head = FILE_HEADER_SIZE, written = r->out.written;

	if (!r->out.error || r->cut || r->gz)
		return r->out.error;
	r->cut = true;
	if (r->named && written > head &&
	    ftruncate(r->out.fd, (off_t)(written - (written - head) % SHORT_SIZE)))
		errno = 0;		/* a pipe, a device: nothing to cut */
	return r->out.error;
}

/*
 * A long recording gets its blocks some MB ahead: ext4 takes 0.10 ms to copy a MB then, and 0.16 where it
 * must find them page by page. What is left over at the end is given back.
 */
static void ask_for_room(struct recorder *r)
{
	uint64_t written = r->out.written;

	if (!r->named || !r->out.by_page || written < ROOM / 16 || r->room > written + ROOM / 2)
		return;
	if (r->room < written)
		r->room = written;
	r->room = fallocate(r->out.fd, FALLOC_FL_KEEP_SIZE, (off_t)r->room, ROOM) ? UINT64_MAX : r->room + ROOM;
}

/* The file says so itself, so that a replay knows. */
static int mark_complete(struct recorder *r)
{
	const uint32_t state = FILE_COMPLETE;

	if (!r->regular || r->gz)
		return 0;
	return pwrite(r->out.fd, &state, sizeof(state), offsetof(struct file_header, state)) < 0 ? -errno : 0;
}

static int close_file(struct recorder *r)
{
	int fd = r->out.fd, err;

	if (fd < 0)
		return r->error;
	if (!r->out.error)
		put_header(r, FILE_END);
	if (r->gz)
		gz_write_end(r->gz, &r->out);
	out_flush(&r->out);
	err = cut_to_halves(r);
	if (!err && r->room && r->room < UINT64_MAX && ftruncate(fd, (off_t)r->out.written))
		err = -errno;
	if (!err)
		err = mark_complete(r);
	out_close(&r->out);
	if (close(fd) && !err)
		err = -errno;
	r->out = (struct out){ .fd = -1 };
	if (!r->error)
		r->error = err;
	return r->error;
}

static unsigned int following(const struct recorder *r)
{
	return r->cfg.files ? (r->file + 1) % r->cfg.files : r->file + 1;
}

static int next_file(struct recorder *r)
{
	int err = close_file(r);

	r->file = following(r);
	if (!err)
		err = open_file(r);
	if (!r->error)
		r->error = err;
	return r->error;
}

/*
 * That nothing came is worth knowing, too: what is seen is said again. What was before the last flush is in the file by
 * now, so until then it has all.
 */
static void say_again(struct recorder *r)
{
	if (!r->cfg.addresses || !r->observed.event || r->flushed_ns <= r->observed.t_ns)
		return;
	r->observed.t_ns = r->said_ns = r->flushed_ns;
	put_observed(r);
}

int recorder_put(struct recorder *r, const struct tcptrace_record *rec)
{
	if (r->error)
		return r->error;
	if (r->cfg.file_bytes)
		r->observed.t_ns = rec->t_ns;		/* another file begins here, not at the beginning of all */
	if (rec->event == TCPTRACE_OBSERVED) {
		r->observed = *rec;
		r->said_ns = rec->t_ns;
		put_observed(r);
	} else if (r->cfg.addresses) {
		put_disguised(r, rec);
	} else {
		put_record(r, rec);
	}
	if (r->cfg.file_bytes && r->out.written + r->out.len >= r->cfg.file_bytes)
		return next_file(r);
	return r->out.error;
}

int recorder_put_all(struct recorder *r, const struct tcptrace_record *const *rec, unsigned int n)
{
	if (r->cfg.addresses && !r->cfg.file_bytes && !r->gz && !r->error) {
		put_all_disguised(r, rec, n);
		return r->out.error;
	}
	for (unsigned int i = 0; i < n; i++)
		recorder_put(r, rec[i]);
	return r->error;
}

int recorder_flush(struct recorder *r)
{
	if (r->error)
		return r->error;
	look_at_clocks(r);
	if (r->stepped || r->flushed_ns >= r->said_ns + SAY_EVERY)
		say_again(r);
	r->flushed_ns = clock_ns(CLOCK_MONOTONIC);
	if (r->gz)
		gz_write_flush(r->gz, &r->out);
	else
		ask_for_room(r);
	out_flush_pages(&r->out);
	return cut_to_halves(r);
}

/* The i-th of n files, from the oldest, into the set of that time, or back. */
static int move_file(const struct recorder *r, const char *when, unsigned int n, unsigned int i, bool back)
{
	unsigned int of = r->cfg.files, file = of ? (r->file + of + 1 - n + i) % of : r->file + 1 - n + i;
	char here[4096], there[4096];
	int err;

	err = file_name(r, "", file, here, sizeof(here));
	if (!err)
		err = file_name(r, when, i, there, sizeof(there));
	if (!err && (back ? rename(there, here) : rename(here, there)))
		err = -errno;
	return err;
}

/* All files there are, or none. */
static int set_aside(const struct recorder *r, const char *when)
{
	unsigned int n = r->cfg.files && r->opened > r->cfg.files ? r->cfg.files : r->opened, i;
	int err = 0;

	for (i = 0; i < n && !err; i++)
		err = move_file(r, when, n, i, false);
	if (!err)
		return (int)n;
	for (i--; i; i--)
		move_file(r, when, n, i - 1, true);
	return err;
}

/* ".20261129-033200"; with "-2" after it where a set of that second is there already. */
static void kept_when(const struct recorder *r, char *when, size_t size)
{
	time_t now = time(NULL);
	char first[4096];
	struct tm tm;
	size_t len;

	len = strftime(when, size, ".%Y%m%d-%H%M%S", localtime_r(&now, &tm));
	for (int n = 2; n < 100 && !file_name(r, when, 0, first, sizeof(first)) && !access(first, F_OK); n++)
		snprintf(when + len, size - len, "-%d", n);
}

/* Kept or not, it goes on: that it cannot, the next recorder_put() says. */
int recorder_keep(struct recorder *r, char *name, size_t size)
{
	char when[32];
	int n, err;

	if (!r->cfg.file_bytes)
		return -EINVAL;
	err = close_file(r);
	if (err)
		return err;
	kept_when(r, when, sizeof(when));
	n = set_aside(r, when);
	if (n >= 0 && file_name(r, when, 0, name, size))
		n = -ENAMETOOLONG;
	r->file = n < 0 ? following(r) : 0;
	if (n >= 0)
		r->opened = 0;
	r->error = open_file(r);
	return n;
}

int recorder_close(struct recorder *r)
{
	int err;

	if (r->out.fd >= 0 && !r->error)
		say_again(r);
	err = close_file(r);
	free(r->gz);
	free(r);
	return err;
}
