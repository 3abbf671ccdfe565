// SPDX-License-Identifier: GPL-2.0-only
#ifndef _GNU_SOURCE
#define _GNU_SOURCE			/* F_OFD_SETLK */
#endif
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

/* Until it is closed. What two write belongs to neither; a file system without locks is as good as one that nobody holds. */
static bool take_alone(int fd)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return !fcntl(fd, F_OFD_SETLK, &whole) || (errno != EAGAIN && errno != EACCES);
}

int create_new_file(const char *path, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

	if (fd < 0)
		return -errno;
	take_alone(fd);
	create_give(fd);
	return fd;
}

/* What was there goes when it is ours. 0 or -errno. */
static int begin_anew(int fd)
{
	struct stat st;

	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK) || fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return 0;
	if (!take_alone(fd))
		return -ETXTBSY;
	return ftruncate(fd, 0) ? -errno : 0;
}

int create_file(const char *path, mode_t mode)
{
	int fd = create_new_file(path, mode), err;

	if (fd != -EEXIST)
		return fd;
	fd = open(path, O_WRONLY | O_CREAT | O_NONBLOCK | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;
	err = begin_anew(fd);
	if (!err)
		return fd;
	close(fd);
	return err;
}

/* What was opened stays open: a reader whose only writer closes sees the end, and goes. */
bool create_would_wait(const char *path)
{
	struct stat st;

	if (stat(path, &st) || !S_ISFIFO(st.st_mode))
		return false;
	return open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC) < 0 && errno == ENXIO;
}
