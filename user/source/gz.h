/* SPDX-License-Identifier: GPL-2.0-only */
/* Recordings packed by gzip, as they come: nothing waits for the end of the file. */
#ifndef TCPTRACE_GZ_H
#define TCPTRACE_GZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <zlib.h>

#include "../lib/out.h"
#include "../lib/sized.h"

#define GZ_CHUNK	SIZED(64u << 10, 1u << 10)

bool gz_named(const char *path);		/* ends in ".gz" */

/* Reads a file that is packed or not, whatever its name. */
struct gz_reader {
	int fd;
	bool known, packed;			/* known: the first bytes have said which */
	bool more;				/* may have bytes without another read() */
	bool cut;				/* the file ended in the middle of what is packed */
	bool plain;				/* and goes on with what is not */
	z_stream z;				/* next_in, avail_in: of what is not packed, too */
	unsigned char in[GZ_CHUNK];
};

#define GZ_MAGIC	"\x1f\x8b\x08"
#define GZ_PLAIN	't'		/* the first byte of FILE_MAGIC */

/* Up to n bytes as they were before packing. 0: the end; -errno; -EBADMSG: damaged; -EILSEQ: what follows is not packed. */
ssize_t gz_read(struct gz_reader *r, void *buf, size_t n);
void gz_read_end(struct gz_reader *r);

/* Packs into out. A piece that is not full is written once a second, so that a killed run has lost no more. */
struct gz_writer {
	z_stream z;
	uint64_t synced_ns;			/* CLOCK_MONOTONIC */
	size_t n;
	unsigned char raw[GZ_CHUNK];
};

int gz_write_begin(struct gz_writer *w);	/* 0 or -ENOMEM */
void gz_write(struct gz_writer *w, struct out *out, const void *data, size_t n);
void gz_write_flush(struct gz_writer *w, struct out *out);
void gz_write_end(struct gz_writer *w, struct out *out);	/* the whole is complete */

#endif
