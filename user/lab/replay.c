// SPDX-License-Identifier: GPL-2.0-only
/*
 * A lab's recording: gzip of its facts, a line each, an empty line, and then
 * what `tcptrace -w` would have written. `tcptrace lab -w FILE NAME` makes one, -r shows it;
 * those in recordings/ are part of the program (recordings.c).
 *
 *     zcat handshake.lab | sed '1,/^$/d' | tcptrace -r - shows the events
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "../source/source.h"
#include "recordings.h"
#include "run.h"

#define UNPACKED_MAX	(4u << 20)

/* ---- writing ---- */

static int memory_file(char *path, size_t size)
{
	int fd = memfd_create("lab", MFD_CLOEXEC);

	snprintf(path, size, "/proc/self/fd/%d", fd);
	return fd;
}

static int put_records(const struct lab_run *r, const char *path)
{
	struct recorder *rec;
	const struct recorder_config cfg = { .path = path, .addresses = !r->replay };
	int err = recorder_open(&rec, &cfg), closed;

	if (err)
		return err;
	for (size_t i = 0; !err && i < r->nrecords; i++)
		err = recorder_put(rec, &r->records[i]);
	closed = recorder_close(rec);
	return err ? err : closed;
}

static int pack(const struct lab_run *r, gzFile gz, int fd)
{
	char buf[65536];
	ssize_t n;

	for (unsigned int i = 0; i < r->nfacts; i++)
		gzprintf(gz, "%s %lld\n", r->facts[i].key, (long long)r->facts[i].value);
	gzputc(gz, '\n');
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		if (gzwrite(gz, buf, (unsigned int)n) != n)
			return -EIO;
	}
	return n ? -errno : 0;
}

int lab_save(const struct lab_run *r, const char *path)
{
	char memory[64];
	int fd = memory_file(memory, sizeof(memory)), err = fd < 0 ? -errno : put_records(r, memory);
	int out = err ? -1 : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	gzFile gz = NULL;

	if (!err && out < 0)
		err = -errno;
	if (!err) {
		gz = gzdopen(out, "wb9");
		err = gz ? pack(r, gz, fd) : -ENOMEM;
	}
	if (gz && gzclose(gz) != Z_OK && !err)
		err = -EIO;
	if (!gz && out >= 0)
		close(out);
	if (fd >= 0)
		close(fd);
	return err;
}

/* ---- reading ---- */

static char *unpack(const char *begin, const char *end, size_t *size)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)begin, .avail_in = (uInt)(end - begin) };
	char *text = malloc(UNPACKED_MAX);

	if (!text || inflateInit2(&z, 16 + MAX_WBITS) != Z_OK) {
		free(text);
		return NULL;
	}
	z.next_out = (Bytef *)text;
	z.avail_out = UNPACKED_MAX;
	if (inflate(&z, Z_FINISH) != Z_STREAM_END) {
		free(text);
		text = NULL;
	}
	*size = z.total_out;
	inflateEnd(&z);
	return text;
}

/* Lines until the empty one; returns what follows it. */
static const char *take_facts(struct lab_run *r, const char *text, const char *end)
{
	while (text < end && *text != '\n') {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		struct fact *f = &r->facts[r->nfacts];
		long long value;

		if (!newline || r->nfacts == STAGE_FACTS || sscanf(text, "%39s %lld", f->key, &value) != 2)
			return end;
		f->value = value;
		r->nfacts++;
		text = newline + 1;
	}
	return text < end ? text + 1 : end;
}

static int on_record(void *ctx, const struct tcptrace_record *rec)
{
	return lab_take(ctx, rec);
}

static int take_records(struct lab_run *r, const char *data, size_t n)
{
	char path[64];
	int fd = memory_file(path, sizeof(path)), err = fd < 0 ? -errno : 0;
	struct source_config cfg = { .path = path };
	char why[SOURCE_WHY];
	struct source *src;

	if (!err && write(fd, data, n) != (ssize_t)n)
		err = -EIO;
	if (!err)
		err = source_file.open(&src, &cfg, why);
	if (!err) {
		snprintf(r->kernel, sizeof(r->kernel), "%s", src->kernel);
		r->wall_offset_ns = src->wall_offset_ns;
		do {
			err = src->ops->poll(src, 0, on_record, r);
		} while (!err);
		err = err == SOURCE_END ? 0 : err;
		src->ops->close(src);
	}
	if (fd >= 0)
		close(fd);
	return err;
}

int lab_load_bytes(struct lab_run *r, const char *begin, const char *end)
{
	const char *records;
	size_t size;
	char *text = unpack(begin, end, &size);
	int err;

	if (!text) {
		lab_wrong(r, N_("not a recording that lab -w made"));
		return -EINVAL;
	}
	records = take_facts(r, text, text + size);
	err = take_records(r, records, (size_t)(text + size - records));
	if (err)
		lab_wrong(r, N_("the recording cannot be read: %s"), strerror(-err));
	free(text);
	return err;
}

/* Of `lab -w FILE`: hostile like any file, so take_facts() and the file source check it. */
static int load_file(struct lab_run *r, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = fd < 0 ? -errno : 0;
	char *bytes = MAP_FAILED;
	struct stat st;

	if (!err && (fstat(fd, &st) || !S_ISREG(st.st_mode) || !st.st_size))
		err = -EINVAL;
	if (!err)
		bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (!err && bytes == MAP_FAILED)
		err = -errno;
	if (err)
		lab_wrong(r, N_("cannot read '%s': %s"), path, strerror(-err));
	else
		err = lab_load_bytes(r, bytes, bytes + st.st_size);
	if (bytes != MAP_FAILED)
		munmap(bytes, (size_t)st.st_size);
	if (fd >= 0)
		close(fd);
	return err;
}

int lab_load(struct lab_run *r)
{
	const struct recording *rec = recording_of(r->lab->name);

	if (r->o->read_path)
		return load_file(r, r->o->read_path);
	if (rec)
		return lab_load_bytes(r, rec->begin, rec->end);
	lab_wrong(r, N_("no recording of this experiment is in this build"));
	return -ENOENT;
}
