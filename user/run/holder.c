// SPDX-License-Identifier: GPL-2.0-only
/*
 * /proc/PID/fd/N is a link to "socket:[inode]": as long as it is the same inode, that process holds the same socket.
 * One system call and no file is opened.
 */
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../lib/readfile.h"
#include "../source/pidns.h"
#include "holder.h"

static bool exists(uint32_t pid)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%" PRIu32, pid);
	return !access(path, F_OK);
}

int holder_inode(uint32_t pid, int32_t fd, uint64_t *ino)
{
	char path[48], link[48];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/fd/%" PRId32, pid, fd);
	n = readlink(path, link, sizeof(link) - 1);
	if (n < 0)
		return errno == ENOENT || errno == ESRCH ? 0 : -1;
	link[n] = 0;
	return sscanf(link, "socket:[%" SCNu64 "]", ino) == 1;
}

static bool is_32_bit(uint32_t pid)
{
	unsigned char ident[EI_NIDENT] = { 0 };
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/exe", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	(void)!read(fd, ident, sizeof(ident));
	close(fd);
	return sizeof(long) == 8 && !memcmp(ident, ELFMAG, SELFMAG) && ident[EI_CLASS] == ELFCLASS32;
}

#define FDS_LISTED	4096

bool holder_calls_otherwise(uint32_t pid)
{
	static const char ring[] = "anon_inode:[io_uring]";
	unsigned int listed = 0;
	char link[sizeof(ring)];
	bool has = false;
	struct dirent *e;
	char path[32];
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/fd", pid);
	d = opendir(path);
	while (d && !has && listed++ < FDS_LISTED && (e = readdir(d)))
		has = readlinkat(dirfd(d), e->d_name, link, sizeof(link)) == sizeof(ring) - 1 &&
		      !memcmp(link, ring, sizeof(ring) - 1);
	if (d)
		closedir(d);
	return has || is_32_bit(pid);
}

static int holds(void *ctx, const struct owner *o, uint64_t *ino)
{
	uint64_t now;
	int is;

	(void)ctx;
	if (o->fd < 0)
		return exists(o->pid);
	is = holder_inode(o->pid, o->fd, &now);
	if (is <= 0)
		return is;
	if (!*ino)
		*ino = now;
	return *ino == now;
}

bool holder_name(uint32_t pid, char *comm)
{
	char path[48], buf[TCPTRACE_COMM_LEN + 1];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/comm", pid);
	n = read_file(path, buf, sizeof(buf));
	if (n <= 0)
		return false;
	n -= buf[n - 1] == '\n';
	n = n < TCPTRACE_COMM_LEN ? n : TCPTRACE_COMM_LEN - 1;
	memset(comm, 0, TCPTRACE_COMM_LEN + 1);
	memcpy(comm, buf, (size_t)n);
	return true;
}

static bool name(void *ctx, uint32_t pid, char *comm)
{
	(void)ctx;
	return holder_name(pid, comm);
}

/* The module has the numbers of the first PID namespace. */
bool holder_lookup(struct model_lookup *out, const struct source *src)
{
	if (!pidns_is_that_of_proc() || (src->ops->no_pid_filter && pidns_here()))
		return false;
	*out = (struct model_lookup){ .holds = holds, .name = name };
	return true;
}
