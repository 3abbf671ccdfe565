/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Recording (-w): the header, then records as they came. When the disk is full
 * the file ends with its last whole record, so that what is there replays.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "file.h"
#include "source.h"

#define RECORD_SIZE	sizeof(struct tcptrace_record)
#define PIECE		(128u * 1024)	/* of whole pages of the file: the kernel copies those for a third less */

struct recorder {
	int fd;
	bool named;			/* not stdout, which may be the end of somebody's file */
	int error;			/* first -errno; then records are thrown away */
	uint64_t written;		/* bytes that reached the file */
	size_t len;
	char buf[PIECE + RECORD_SIZE];
};

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

static void put_header(struct recorder *r, int64_t wall_offset_ns)
{
	struct file_header h = {
		.magic = FILE_MAGIC,
		.byte_order = FILE_BYTE_ORDER,
		.abi = TCPTRACE_ABI,
		.record_size = RECORD_SIZE,
		.header_size = sizeof(h),
		.wall_offset_ns = wall_offset_ns,
	};
	struct utsname u;

	if (!h.wall_offset_ns)
		h.wall_offset_ns = (int64_t)(clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC));
	if (!uname(&u))
		memcpy(h.release, u.release, strnlen(u.release, sizeof(h.release)));
	memcpy(r->buf, &h, sizeof(h));
	r->len = sizeof(h);
}

int recorder_open(struct recorder **out, const char *path, int64_t wall_offset_ns)
{
	struct recorder *r = malloc(sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	memset(r, 0, offsetof(struct recorder, buf));
	r->named = strcmp(path, "-") != 0;
	if (r->named)
		r->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	else
		r->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (r->fd < 0) {
		err = -errno;
		free(r);
		return err;
	}
	put_header(r, wall_offset_ns);
	*out = r;
	return 0;
}

static void cut_to_whole_records(struct recorder *r)
{
	uint64_t head = sizeof(struct file_header);

	/* It fails where there is nothing to cut: a pipe, a device. */
	if (r->named && r->written > head &&
	    ftruncate(r->fd, (off_t)(r->written - (r->written - head) % RECORD_SIZE)))
		return;
}

/* The first n bytes of the buffer. */
static int write_out(struct recorder *r, size_t n)
{
	size_t done = 0;

	while (done < n && !r->error) {
		ssize_t some = write(r->fd, r->buf + done, n - done);

		if (some >= 0) {
			done += (size_t)some;
			r->written += (uint64_t)some;
		} else if (errno != EINTR) {
			r->error = -errno;
			cut_to_whole_records(r);
		}
	}
	r->len -= n;
	memmove(r->buf, r->buf + n, r->len);
	return r->error;
}

int recorder_flush(struct recorder *r)
{
	return write_out(r, r->len);
}

int recorder_put(struct recorder *r, const struct tcptrace_record *rec)
{
	memcpy(r->buf + r->len, rec, RECORD_SIZE);
	r->len += RECORD_SIZE;
	if (r->len < PIECE)
		return r->error;
	return write_out(r, PIECE - r->written % PIECE);
}

int recorder_close(struct recorder *r)
{
	int err = recorder_flush(r);

	if (close(r->fd) && !err)
		err = -errno;
	free(r);
	return err;
}
