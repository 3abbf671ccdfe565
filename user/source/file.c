// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replay: a recording as a source. Nothing in the file is trusted: what cannot
 * be a record ends the replay with a sentence that names the offset; the
 * records before it have been delivered.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "gz.h"
#include "../lib/tr.h"
#include "short.h"
#include "source.h"

#define RECORD_SIZE	sizeof(struct tcptrace_record)
#define STATE_MAX	15u		/* today's kernels have 13 */
#define YEAR_NS		31536000000000000ull
#define UP_MAX_NS	(100 * YEAR_NS)	/* longer than any machine runs, */
#define STEP_MAX_NS	(10 * YEAR_NS)	/* and than any recording goes without a record */

struct file_source {
	struct source base;
	struct gz_reader in;
	bool regular;			/* no need to wait for it */
	bool growing;			/* nobody has said that it is complete */
	bool ended;			/* its end was the last that was read */
	bool early;			/* one before it had none */
	bool shortens;			/* records may be short */
	struct file_host host;
	uint64_t offset;		/* in the file as it was before packing, of the first byte of buf */
	size_t len;			/* bytes in buf: less than a record between polls */
	uint64_t records, unknown;
	uint64_t last_ns;		/* time of the last record of this recording; 0: none yet */
	uint64_t known;			/* records of this recording until here: read, or told as lost */
	uint64_t left_out;		/* a piece of it was, with so many records, between the last two headers */
	uint64_t gap_ns, missing_ns;	/* since when, until the next record comes; and how long all of it was */
	char error[192], note[192];
	_Alignas(8) char buf[CHUNK_RECORDS * SHORT_SIZE];
};

__attribute__((format(printf, 2, 3)))
static int refuse(struct file_source *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->error, sizeof(f->error), fmt, ap);
	va_end(ap);
	f->base.error = f->error;
	return -EBADMSG;
}

static int refuse_mixed(struct file_source *f, uint64_t at)
{
	return refuse(f, _("after %llu bytes packed and plain pieces are mixed: zcat -f FILE... | tcptrace -r - reads them"),
		      (unsigned long long)at);
}

static ssize_t read_in(struct file_source *f, void *buf, size_t n)
{
	ssize_t got = gz_read(&f->in, buf, n);

	if (got == -EILSEQ)
		return refuse_mixed(f, f->offset + f->len);
	return got == -EBADMSG ? refuse(f, _("corrupted: what gzip packed is damaged after %llu bytes"),
					(unsigned long long)(f->offset + f->len)) : got;
}

/* Fills buf up to want bytes: 0 (fewer at the end of the file) or -errno. */
static int fill(struct file_source *f, size_t want)
{
	while (f->len < want) {
		ssize_t n = read_in(f, f->buf + f->len, want - f->len);

		if (n < 0)
			return (int)n;
		if (n == 0)
			break;
		f->len += (size_t)n;
	}
	return 0;
}

static int check_header(struct file_source *f, const struct file_header *h)
{
	if (!f->len)
		return refuse(f, f->in.cut ? _("truncated: it ends before the first byte that gzip packed") : _("the file is empty"));
	if (f->len < sizeof(h->magic) || memcmp(h->magic, FILE_MAGIC, sizeof(h->magic)))
		return refuse(f, _("not a recording of tcptrace (its first 8 bytes are not \"%s\")"), FILE_MAGIC);
	if (f->len < sizeof(*h))
		return refuse(f, _("truncated at offset %zu, inside the header of %zu bytes"), f->len,
			      sizeof(*h));
	if (h->byte_order == FILE_OTHER_ORDER)
		return refuse(f, _("recorded on a %s-endian machine; replay it on one"),
			      __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? "big" : "little");
	if (h->byte_order != FILE_BYTE_ORDER)
		return refuse(f, _("corrupted at offset 8: the byte order mark is 0x%08x"), h->byte_order);
	if (h->format != FILE_FORMAT && h->format != FILE_FORMAT_WHOLE)
		return refuse(f, _("recorded with record format %u, this tcptrace reads %u; use %s tcptrace"),
			      h->format, FILE_FORMAT, h->format > FILE_FORMAT ? _("a newer") : _("an older"));
	if (h->record_size != RECORD_SIZE)
		return refuse(f, _("corrupted at offset 14: records of %u bytes instead of %zu"),
			      h->record_size, RECORD_SIZE);
	/* so that the records after it are aligned in buf */
	if (h->header_size < sizeof(*h) || h->header_size > sizeof(f->buf) ||
	    h->header_size % _Alignof(struct tcptrace_record))
		return refuse(f, _("corrupted at offset 24: a header of %u bytes"), h->header_size);
	return 0;
}

/* A piece of a recording comes after a later one, or twice. */
static bool steps_back(const struct file_source *f, const struct file_host *next)
{
	return next->recording && next->recording == f->host.recording && next->before < f->known;
}

static bool has_no_end(const struct file_source *f)
{
	return f->growing || (f->host.ends && !f->ended);
}

static struct file_host host_of(const struct file_header *h, const char *after)
{
	struct file_host host = { .clock_state = -1 };
	size_t room = h->header_size - sizeof(*h);

	if (room >= offsetof(struct file_host, before))
		memcpy(&host, after, room < sizeof(host) ? room : sizeof(host));
	return host;
}

/* It has been checked; what follows it is there, too. Of several in one file the last one counts. */
static void take_header(struct file_source *f, const struct file_header *h, const char *after)
{
	uint64_t recording = f->host.recording;
	bool early = has_no_end(f);

	f->host = host_of(h, after);
	f->early |= early && recording != f->host.recording;
	f->ended = h->state == FILE_END;
	f->left_out = recording && recording == f->host.recording && f->host.before > f->known ?
			      f->host.before - f->known : 0;
	f->gap_ns = f->left_out ? f->last_ns : 0;
	f->known = f->host.before;
	f->last_ns = f->ended ? f->last_ns : 0;
	f->shortens = h->format != FILE_FORMAT_WHOLE;
	f->base.host = &f->host;
	if (!f->ended)			/* since then a record may have said more */
		f->base.wall_offset_ns = h->wall_offset_ns;
	f->growing = h->state == FILE_GROWING;
	memcpy(f->base.kernel, h->release, sizeof(h->release));
}

static int read_header(struct file_source *f)
{
	struct file_header h;
	int err = fill(f, sizeof(h));

	if (err)
		return err;
	memcpy(&h, f->buf, sizeof(h));
	err = check_header(f, &h);
	if (err)
		return err;
	err = fill(f, h.header_size);
	if (err)
		return err;
	if (f->len < h.header_size)
		return refuse(f, _("truncated at offset %zu, inside the header of %u bytes"), f->len,
			      h.header_size);
	take_header(f, &h, f->buf + sizeof(h));
	f->offset = h.header_size;
	f->len = 0;
	return 0;
}

/*
 * Another recording begins after this one. Its bytes, which are no record; 0: not all of it has been read; or what
 * check_header() says. No record is taken for it: as a time the magic lies 231 years after the boot.
 */
static int next_header(struct file_source *f, const char *at, size_t len)
{
	struct file_header h;
	struct file_host host;
	size_t here = f->len;
	int err;

	memcpy(&h, at, sizeof(h));
	f->len = len;
	err = check_header(f, &h);
	f->len = here;
	if (err || len < h.header_size)
		return err;
	host = host_of(&h, at + sizeof(h));
	if (steps_back(f, &host))
		return refuse(f, _("the files of this recording are not in order, or one is there twice: the oldest has to be first"));
	take_header(f, &h, at + sizeof(h));
	return (int)h.header_size;
}

static int open_path(struct file_source *f, const char *path)
{
	struct stat st;

	f->in.fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : dup(STDIN_FILENO);
	if (f->in.fd < 0 || fstat(f->in.fd, &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	f->regular = f->base.repeats = S_ISREG(st.st_mode);
	return 0;
}

static int file_begin_again(struct source *s)
{
	struct file_source *f = (struct file_source *)s;
	int fd = f->in.fd;

	if (lseek(fd, 0, SEEK_SET))
		return -errno;
	gz_read_end(&f->in);
	memset(&f->in, 0, sizeof(f->in));
	f->in.fd = fd;
	f->len = f->offset = 0;
	f->records = f->unknown = f->missing_ns = 0;
	f->host = (struct file_host){ 0 };
	f->growing = f->early = false;
	f->base.note = f->base.error = NULL;
	return read_header(f);
}

static void file_close(struct source *s)
{
	struct file_source *f = (struct file_source *)s;

	gz_read_end(&f->in);
	if (f->in.fd >= 0)
		close(f->in.fd);
	free(f);
}

static int file_open(struct source **out, const struct source_config *cfg, char why[SOURCE_WHY])
{
	struct file_source *f = calloc(1, sizeof(*f));
	int err;

	why[0] = 0;
	if (!f)
		return -ENOMEM;
	f->base.ops = &source_file;
	f->in.fd = -1;
	err = open_path(f, cfg->path);
	if (!err)
		err = read_header(f);
	if (err) {
		snprintf(why, SOURCE_WHY, "%s", f->error);
		file_close(&f->base);
		return err;
	}
	*out = &f->base;
	return 0;
}

static bool is_possible(const struct file_source *f, uint64_t t_ns)
{
	return t_ns <= UP_MAX_NS && (!f->last_ns || t_ns <= f->last_ns + STEP_MAX_NS);
}

/* As the time of a record it would be within a second of the boot, or when nobody lives. */
static bool is_packed(const struct tcptrace_record *r)
{
	return !memcmp(r, GZ_MAGIC, strlen(GZ_MAGIC)) && (r->t_ns < 1000000000 || r->t_ns > UP_MAX_NS);
}

static int check_record(struct file_source *f, const struct tcptrace_record *r, unsigned int class, uint64_t at)
{
	bool states = class != TCPTRACE_NOTE && r->event != TCPTRACE_SHUTDOWN;
	unsigned long long off = at;

	if (is_packed(r))
		return refuse_mixed(f, at);
	if (r->event == TCPTRACE_NONE)
		return refuse(f, _("corrupted at offset %llu: there is no event 0"), off);
	if (!class)			/* of a newer tcptrace: not ours to judge */
		return 0;
	if (r->family && r->family != 4 && r->family != 6)
		return refuse(f, _("corrupted at offset %llu: there is no address family %u"), off, r->family);
	if (states && (r->old > STATE_MAX || r->new > STATE_MAX))
		return refuse(f, _("corrupted at offset %llu: there is no state %u"), off,
			      r->old > STATE_MAX ? r->old : r->new);
	if (r->cause >= TCPTRACE_CAUSE_MAX)
		return refuse(f, _("corrupted at offset %llu: there is no cause %u"), off, r->cause);
	if (!is_possible(f, r->t_ns))
		return refuse(f, _("corrupted at offset %llu: a time %llu years after the boot"), off,
			      (unsigned long long)(r->t_ns / YEAR_NS));
	return 0;
}

/* Waits until there is something to read: a pipe may be written to by a tcptrace that runs. */
static int wait_for(struct file_source *f, int timeout_ms)
{
	struct pollfd p = { .fd = f->in.fd, .events = POLLIN };
	int n = f->regular || f->in.more ? 1 : poll(&p, 1, timeout_ms);

	return n < 0 ? -errno : n;
}

/*
 * What was left out of a recording is as lost as what found no room. One record for a header, which is longer than that
 * if it says so (file_host.before): no poll() hands on more than CHUNK_RECORDS, for which merge.c has room.
 */
static int tell_left_out(struct file_source *f, source_fn fn, void *ctx)
{
	struct tcptrace_record lost = { .event = TCPTRACE_LOST, .t_ns = f->gap_ns, .arg = f->left_out, .fd = -1 };

	return f->gap_ns ? fn(ctx, &lost) : 0;
}

static void gap_ends(struct file_source *f, uint64_t t_ns)
{
	f->missing_ns += t_ns > f->gap_ns ? t_ns - f->gap_ns : 0;
	f->gap_ns = 0;
	snprintf(f->note, sizeof(f->note), _("a part of the recording was left out: %.1f s are missing"), f->missing_ns / 1e9);
	f->base.note = f->note;
}

static int hand_on(struct file_source *f, const struct tcptrace_record *r, uint64_t at, source_fn fn, void *ctx)
{
	unsigned int class = tcptrace_event_class(r->event);
	int err = check_record(f, r, class, at);

	if (err)
		return err;
	f->known++;
	if (f->gap_ns)
		gap_ends(f, r->t_ns);
	if (!class) {
		f->unknown++;
		return 0;
	}
	f->records++;
	f->last_ns = r->t_ns;
	if (tcptrace_tells_clocks(r))
		f->base.wall_offset_ns = r->real_ns;
	return fn(ctx, r);
}

/* Does a header begin here? As a time its magic lies 231 years after the boot. */
static bool is_header(const char *at)
{
	return !memcmp(at, FILE_MAGIC, strlen(FILE_MAGIC));
}

/* Of the record at the beginning of so many bytes, as far as they tell. */
static size_t size_at(const struct file_source *f, const char *at, size_t len)
{
	const struct file_header *h = (const void *)(at + SHORT_SIZE);
	const struct tcptrace_record *whole = (const void *)at;
	const unsigned int events = 64 / TCPTRACE_SEEN_SHIFT(1);

	if (f->shortens && len >= sizeof(record_word) && *(const record_word *)at & SHORT_MARK)
		return SHORT_SIZE;
	/* cut after its first half: an address may look like this, but what a kernel is called is no event there */
	if (f->shortens && len >= RECORD_SIZE && is_header(h->magic) && h->byte_order == FILE_BYTE_ORDER &&
	    (!whole->event || whole->event >= events))
		return SHORT_SIZE;
	return RECORD_SIZE;
}

static int hand_on_from(struct file_source *f, size_t at, size_t size, source_fn fn, void *ctx)
{
	const record_word *from = (const void *)(f->buf + at);
	struct tcptrace_record whole;

	if (size == RECORD_SIZE)
		return hand_on(f, (const void *)from, f->offset + at, fn, ctx);
	if (!(*from & SHORT_MARK))
		return 0;
	short_to_whole(from, &whole);
	return hand_on(f, &whole, f->offset + at, fn, ctx);
}

/* The records of buf that are there to their end; what is left of it moves to the front. */
static int hand_all_on(struct file_source *f, source_fn fn, void *ctx)
{
	size_t at = 0, size;
	int err = 0;

	while (!err && (size = size_at(f, f->buf + at, f->len - at)) <= f->len - at) {
		if (!is_header(f->buf + at)) {
			err = hand_on_from(f, at, size, fn, ctx);
			at += err == -EBADMSG ? 0 : size;
			continue;
		}
		err = next_header(f, f->buf + at, f->len - at);
		if (err <= 0)
			break;
		at += (size_t)err;
		err = tell_left_out(f, fn, ctx);
	}
	f->offset += at;
	f->len -= at;
	memmove(f->buf, f->buf + at, f->len);
	return err;
}

/* What is there may be all, or its tcptrace had no time to end it. */
static int at_end(struct file_source *f)
{
	bool between = !f->len || (f->len >= strlen(FILE_MAGIC) && is_header(f->buf));

	if (f->in.cut || f->growing || (between && (f->early || f->len || has_no_end(f))))
		f->base.note = _("the recording ends early: it was cut, its tcptrace was killed, could write no more, or still writes it");
	else if (f->len)
		return refuse(f, _("truncated at offset %llu: %zu of the %zu bytes of a record are there"),
			      (unsigned long long)f->offset, f->len, size_at(f, f->buf, f->len));
	return SOURCE_END;
}

/* One read: what is there, not all that fits, so that a slow pipe is shown as it comes. */
static int file_poll(struct source *s, int timeout_ms, source_fn fn, void *ctx)
{
	struct file_source *f = (struct file_source *)s;
	ssize_t n;
	int err = wait_for(f, timeout_ms);

	if (err <= 0)
		return err;
	n = read_in(f, f->buf + f->len, sizeof(f->buf) - f->len);
	if (n < 0)
		return (int)n;
	f->len += (size_t)n;
	err = hand_all_on(f, fn, ctx);
	return err || n > 0 ? err : at_end(f);
}

static void file_stats(struct source *s, struct source_stats *out)
{
	struct file_source *f = (struct file_source *)s;

	*out = (struct source_stats){ .records = f->records, .unknown = f->unknown, .known = f->known };
}

const struct source_ops source_file = {
	.name = "file",
	.open = file_open,
	.poll = file_poll,
	.begin_again = file_begin_again,
	.stats = file_stats,
	.close = file_close,
};
