// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "caller.h"
#include "create.h"

void create_give(int fd)
{
	uid_t uid;
	gid_t gid;

	if (caller_of_sudo(&uid, &gid) > 0 && fchown(fd, uid, gid))
		errno = 0;		/* a file system without owners */
}

int create_new_file(const char *path, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

	if (fd < 0)
		return -errno;
	create_give(fd);
	return fd;
}

int create_file(const char *path, mode_t mode)
{
	int fd = create_new_file(path, mode), err;

	if (fd != -EEXIST)
		return fd;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK)) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

/* What was opened stays open: a reader whose only writer closes sees the end, and goes. */
bool create_would_wait(const char *path)
{
	struct stat st;

	if (stat(path, &st) || !S_ISFIFO(st.st_mode))
		return false;
	return open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC) < 0 && errno == ENXIO;
}
