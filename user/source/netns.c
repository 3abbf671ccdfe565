// SPDX-License-Identifier: GPL-2.0-only
/*
 * Going through the network namespaces: ours, the one that is kept, those of all processes, those that `ip netns` keeps
 * below /run/netns. One that lives by a socket alone has no name in the file system and is not found.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "netns.h"

static int kept = -1;		/* of the one that is traced alone */

struct tour {
	uint32_t only;
	int (*fn)(void *arg);
	void (*missed)(void *arg, uint32_t inum, int err);
	void *arg;
	bool left;			/* home */
	unsigned int n;
	ino_t been[NETNS_MAX];		/* inodes of those that we were in, or could not enter */
};

static void miss(const struct tour *t, ino_t inode, int err)
{
	if (t->missed)
		t->missed(t->arg, (uint32_t)inode, err);
}

static bool is_new(struct tour *t, ino_t inode)
{
	for (unsigned int i = 0; i < t->n; i++)
		if (t->been[i] == inode)
			return false;
	if (t->n == NETNS_MAX) {
		miss(t, inode, -E2BIG);
		return false;
	}
	t->been[t->n++] = inode;
	return true;
}

static int visit(struct tour *t, const char *path)
{
	struct stat st;
	int fd, err;

	if (stat(path, &st) || (t->only && st.st_ino != t->only) || !is_new(t, st.st_ino))
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	err = fd < 0 || setns(fd, CLONE_NEWNET) ? -errno : 0;
	if (fd >= 0)
		close(fd);
	if (err == -ENOENT || err == -ESRCH)	/* its last process went just now */
		return 0;
	if (err) {
		miss(t, st.st_ino, err);
		return 0;
	}
	t->left = true;
	return t->fn(t->arg);
}

/* Below a directory; suffix: in each process's own. */
static int visit_all(struct tour *t, const char *directory, const char *suffix)
{
	DIR *dir = opendir(directory);
	struct dirent *de;
	char path[512];
	int ret = 0;

	while (dir && !ret && (de = readdir(dir))) {
		if (de->d_name[0] == '.' || (*suffix && (de->d_name[0] < '1' || de->d_name[0] > '9')))
			continue;
		snprintf(path, sizeof(path), "%s/%s%s", directory, de->d_name, suffix);
		ret = visit(t, path);
	}
	if (dir)
		closedir(dir);
	return ret;
}

static int go_round(struct tour *t, int home)
{
	char path[48];
	struct stat st;
	int ret = 0;

	if (!fstat(home, &st) && is_new(t, st.st_ino) && (!t->only || st.st_ino == t->only))
		ret = t->fn(t->arg);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", kept);
	if (!ret && kept >= 0)
		ret = visit(t, path);
	if (!ret)
		ret = visit_all(t, "/proc", "/ns/net");
	if (!ret)
		ret = visit_all(t, "/run/netns", "");
	if (t->left && setns(home, CLONE_NEWNET) && !ret)
		ret = -errno;
	return ret;
}

int netns_each(uint32_t only, int (*fn)(void *arg), void (*missed)(void *arg, uint32_t inum, int err), void *arg)
{
	int ret, home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct tour *t;

	if (home < 0)
		return -errno;
	t = calloc(1, sizeof(*t));
	if (t)
		*t = (struct tour){ .only = only, .fn = fn, .missed = missed, .arg = arg };
	ret = t ? go_round(t, home) : -ENOMEM;
	free(t);
	close(home);
	return ret;
}

void netns_keep(int fd)
{
	if (kept >= 0)
		close(kept);
	kept = fd;
}

static int keep_here(void *arg)
{
	(void)arg;
	netns_keep(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
	return 1;
}

void netns_keep_number(uint32_t inum)
{
	netns_each(inum, keep_here, NULL, NULL);
}

static uint32_t inode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : (uint32_t)st.st_ino;
}

uint32_t netns_here(void)
{
	return inode_of("/proc/thread-self/ns/net");
}

uint32_t netns_of(uint32_t pid)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/ns/net", pid);
	return inode_of(path);
}
