// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "beside.h"
#include "create.h"

int beside_open(const char *path, char **part)
{
	struct stat st;
	int fd;

	*part = NULL;
	if (!stat(path, &st) && !S_ISREG(st.st_mode)) {
		return create_file(path, 0600);
	}
	if (asprintf(part, "%s.XXXXXX", path) < 0) {
		*part = NULL;
		return -ENOMEM;
	}
	fd = mkostemp(*part, O_CLOEXEC);	/* 0600 */
	if (fd >= 0) {
		create_give(fd);
		return fd;
	}
	fd = -errno;
	free(*part);
	*part = NULL;
	return fd;
}

int beside_close(const char *path, char *part, bool complete)
{
	int err = 0;

	if (part && complete && rename(part, path))
		err = -errno;
	if (part && (err || !complete))
		unlink(part);
	free(part);
	return err;
}
