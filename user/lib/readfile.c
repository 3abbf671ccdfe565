// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "readfile.h"

ssize_t read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t n = fd < 0 ? -errno : 1, len = 0;

	while (n > 0 && (size_t)len < size - 1) {
		n = read(fd, text + len, size - 1 - (size_t)len);
		if (n > 0)
			len += n;
		else if (n < 0)
			n = -errno;
	}
	if (fd >= 0)
		close(fd);
	if (n < 0)
		len = 0;
	text[len] = 0;
	return n < 0 ? n : len;
}
