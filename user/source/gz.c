// SPDX-License-Identifier: GPL-2.0-only
/*
 * zlib's own gzread() waits until it has all that it was asked for, and gzwrite()
 * tells nobody that the disk is full before the end: so both are by hand here.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "../lib/clock.h"
#include "gz.h"

#define GZIP_ONLY	(16 + MAX_WBITS)
#define LEVEL		1		/* 128 bytes of a record become about 12; the highest level saves a fifth more */
#define SYNC_NS		1000000000ull

bool gz_named(const char *path)
{
	size_t n = strlen(path);

	return n > 3 && !strcmp(path + n - 3, ".gz");
}

/* ---- reading ---- */

/* The first time at least the two bytes that look() needs: a pipe gives as few as it has. */
static ssize_t read_more(struct gz_reader *r)
{
	size_t have = 0;
	ssize_t n;

	do {
		n = read(r->fd, r->in + have, sizeof(r->in) - have);
		have += n > 0 ? (size_t)n : 0;
	} while (n > 0 && !r->known && have < 2);
	r->z.next_in = r->in;
	r->z.avail_in = (uInt)have;
	return n < 0 && !have ? -errno : (ssize_t)have;
}

/* The two bytes of gzip, which no recording begins with. */
static int look(struct gz_reader *r)
{
	r->known = true;
	r->packed = r->z.avail_in >= 2 && r->in[0] == 0x1f && r->in[1] == 0x8b;
	return r->packed && inflateInit2(&r->z, GZIP_ONLY) != Z_OK ? -ENOMEM : 0;
}

static ssize_t copy(struct gz_reader *r, void *buf, size_t n)
{
	if (n > r->z.avail_in)
		n = r->z.avail_in;
	memcpy(buf, r->z.next_in, n);
	r->z.next_in += n;
	r->z.avail_in -= (uInt)n;
	r->more = r->z.avail_in != 0;
	return (ssize_t)n;
}

/* Bytes that this piece gives: none if it holds only a part of a block. -EBADMSG: it is damaged. */
static ssize_t inflate_piece(struct gz_reader *r, void *buf, size_t n)
{
	int err = Z_OK;

	r->z.next_out = buf;
	r->z.avail_out = (uInt)n;
	while (r->z.avail_out && err == Z_OK && (r->z.avail_in || r->more)) {
		r->plain = !r->cut && r->z.avail_in && *r->z.next_in == GZ_PLAIN;
		if (r->plain)
			break;
		r->cut = true;			/* until the end of this member comes */
		err = inflate(&r->z, Z_NO_FLUSH);
		r->more = !r->z.avail_out;
		if (err != Z_STREAM_END)
			continue;
		r->cut = false;
		r->more = false;
		err = inflateReset(&r->z);	/* another one may follow: files put together by cat */
	}
	if (err != Z_OK && err != Z_BUF_ERROR && r->z.avail_out == n)
		return -EBADMSG;	/* what came before the damage has been handed on */
	return (ssize_t)(n - r->z.avail_out);
}

ssize_t gz_read(struct gz_reader *r, void *buf, size_t n)
{
	ssize_t got;
	int err;

	for (;;) {
		if (r->plain)
			return -EILSEQ;
		if (!r->z.avail_in && !r->more) {
			if (r->known && !r->packed) {
				got = read(r->fd, buf, n);
				return got < 0 ? -errno : got;
			}
			got = read_more(r);
			if (got <= 0)
				return got;
		}
		err = r->known ? 0 : look(r);
		if (err)
			return err;
		got = r->packed ? inflate_piece(r, buf, n) : copy(r, buf, n);
		if (got)
			return got;
	}
}

void gz_read_end(struct gz_reader *r)
{
	if (r->packed)
		inflateEnd(&r->z);
}

/* ---- writing ---- */

int gz_write_begin(struct gz_writer *w)
{
	w->n = 0;
	w->synced_ns = clock_ns(CLOCK_MONOTONIC);
	return deflateInit2(&w->z, LEVEL, Z_DEFLATED, GZIP_ONLY, 8, Z_DEFAULT_STRATEGY) == Z_OK ? 0 : -ENOMEM;
}

static void pack(struct gz_writer *w, struct out *out, int flush)
{
	w->z.next_in = w->raw;
	w->z.avail_in = (uInt)w->n;
	w->n = 0;
	do {
		out_make_room(out, OUT_LINE_MAX);
		w->z.next_out = (Bytef *)out_at(out);
		w->z.avail_out = OUT_LINE_MAX;
		deflate(&w->z, flush);
		out_take(out, (char *)w->z.next_out);
	} while (!w->z.avail_out);
}

void gz_write(struct gz_writer *w, struct out *out, const void *data, size_t n)
{
	if (w->n + n > sizeof(w->raw))
		pack(w, out, Z_NO_FLUSH);
	memcpy(w->raw + w->n, data, n);
	w->n += n;
}

void gz_write_flush(struct gz_writer *w, struct out *out)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);

	if (now - w->synced_ns < SYNC_NS)
		return;
	w->synced_ns = now;
	if (w->n || w->z.total_in)
		pack(w, out, Z_SYNC_FLUSH);
}

void gz_write_end(struct gz_writer *w, struct out *out)
{
	pack(w, out, Z_FINISH);
	deflateEnd(&w->z);
}
