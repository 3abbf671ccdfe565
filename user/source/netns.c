// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "netns.h"

struct seen {
	ino_t inode[NETNS_MAX];
	unsigned int n;
};

static bool is_new(struct seen *seen, ino_t inode)
{
	for (unsigned int i = 0; i < seen->n; i++)
		if (seen->inode[i] == inode)
			return false;
	if (seen->n == NETNS_MAX)
		return false;
	seen->inode[seen->n++] = inode;
	return true;
}

static int visit(const char *path, uint32_t only, struct seen *seen, int (*fn)(void *arg), void *arg)
{
	struct stat st;
	int fd, ret = 0;

	if (stat(path, &st) || (only && st.st_ino != only) || !is_new(seen, st.st_ino))
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (!setns(fd, CLONE_NEWNET))
		ret = fn(arg);
	close(fd);
	return ret;
}

static int visit_folder(const char *folder, const char *suffix, uint32_t only, struct seen *seen,
			int (*fn)(void *arg), void *arg)
{
	DIR *dir = opendir(folder);
	struct dirent *de;
	char path[512];
	int ret = 0;

	while (dir && !ret && (de = readdir(dir))) {
		if (de->d_name[0] == '.' || (*suffix && (de->d_name[0] < '1' || de->d_name[0] > '9')))
			continue;
		snprintf(path, sizeof(path), "%s/%s%s", folder, de->d_name, suffix);
		ret = visit(path, only, seen, fn, arg);
	}
	if (dir)
		closedir(dir);
	return ret;
}

int netns_each(uint32_t only, int (*fn)(void *arg), void *arg)
{
	struct seen seen = { .n = 0 };
	struct stat st;
	int ret = 0, home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	if (home < 0)
		return -errno;
	if (!fstat(home, &st) && is_new(&seen, st.st_ino) && (!only || st.st_ino == only))
		ret = fn(arg);
	if (!ret)
		ret = visit_folder("/proc", "/ns/net", only, &seen, fn, arg);
	if (!ret)
		ret = visit_folder("/run/netns", "", only, &seen, fn, arg);
	if (seen.n > 1 && setns(home, CLONE_NEWNET) && !ret)
		ret = -errno;
	close(home);
	return ret;
}
