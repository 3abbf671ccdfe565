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

#include "../lib/out.h"
#include "file.h"
#include "source.h"

#define RECORD_SIZE	sizeof(struct tcptrace_record)
#define ROOM		(16u << 20)

struct recorder {
	struct out out;
	bool named;			/* not stdout, which may be the end of somebody's file */
	bool cut;
	uint64_t room;			/* the file has blocks up to here; 0: as many as were written */
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
	out_mem(&r->out, &h, sizeof(h));
}

int recorder_open(struct recorder **out, const char *path, int64_t wall_offset_ns)
{
	bool named = strcmp(path, "-") != 0;
	struct recorder *r = calloc(1, sizeof(*r));
	int fd, err;

	if (!r)
		return -ENOMEM;
	if (named)
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	else
		fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	err = fd < 0 ? -errno : out_open(&r->out, fd);
	if (err) {
		if (fd >= 0)
			close(fd);
		free(r);
		return err;
	}
	r->named = named;
	put_header(r, wall_offset_ns);
	*out = r;
	return 0;
}

static int cut_to_whole_records(struct recorder *r)
{
	uint64_t head = sizeof(struct file_header), written = r->out.written;

	if (!r->out.error || r->cut)
		return r->out.error;
	r->cut = true;
	if (r->named && written > head &&
	    ftruncate(r->out.fd, (off_t)(written - (written - head) % RECORD_SIZE)))
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

int recorder_put(struct recorder *r, const struct tcptrace_record *rec)
{
	out_mem(&r->out, rec, RECORD_SIZE);
	return r->out.error;
}

int recorder_flush(struct recorder *r)
{
	ask_for_room(r);
	out_flush_pages(&r->out);
	return cut_to_whole_records(r);
}

int recorder_close(struct recorder *r)
{
	int fd = r->out.fd, err;

	out_flush(&r->out);
	err = cut_to_whole_records(r);
	if (!err && r->room && r->room < UINT64_MAX && ftruncate(fd, (off_t)r->out.written))
		err = -errno;
	out_close(&r->out);
	if (close(fd) && !err)
		err = -errno;
	free(r);
	return err;
}
