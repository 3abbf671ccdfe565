// SPDX-License-Identifier: GPL-2.0-only
/* Looks up --netns and --cgroup. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE			/* name_to_handle_at */
#endif
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/parse.h"
#include "lib/tr.h"
#include "names.h"
#include "source/netns.h"

/*
 * No process has a larger number (PID_MAX_LIMIT, include/linux/threads.h), and no
 * namespace a smaller one: they begin at 0xF0000000, the initial one from 6.18 on
 * at 0xEFFFFFF9 (include/uapi/linux/nsfs.h). So a number is never both.
 */
#define PID_LARGEST	4194304u

#define NETNS_DIR	"/run/netns"	/* where ip netns has them by name */
#define NAMES_KEPT	4096u	/* namespaces whose name is remembered */
#define TICK_NS		10000000ull

/* Only what is on nsfs is opened: that of a FIFO would wait for a writer. -1: it is no network namespace. */
static int open_netns(const char *path)
{
	struct statfs fs;
	int fd;

	if (statfs(path, &fs) || fs.f_type != NSFS_MAGIC)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && ioctl(fd, NS_GET_NSTYPE) == CLONE_NEWNET)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* From here on it cannot end, so its number stays its own. */
static bool keep_netns(const char *path, uint32_t *inum)
{
	int fd = open_netns(path);
	struct stat st;

	if (fd < 0 || fstat(fd, &st)) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	*inum = (uint32_t)st.st_ino;
	netns_keep(fd);
	return true;
}

static int netns_by_path(const char *s, uint32_t *inum, char *error, size_t size)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s%s", strchr(s, '/') ? "" : NETNS_DIR "/", s) < (int)sizeof(path) &&
	    keep_netns(path, inum))
		return 0;
	snprintf(error, size, _("--netns '%s': no process, no inode number, no name of ip netns, no path of a network namespace"), s);
	return -EINVAL;
}

int netns_by_name(const char *s, uint32_t *inum, char *error, size_t size)
{
	char path[64];
	uint64_t v;

	if (parse_u64(s, 1, UINT32_MAX, &v))
		return netns_by_path(s, inum, error, size);
	if (v > PID_LARGEST) {
		*inum = (uint32_t)v;
		netns_keep_number(*inum);
		return 0;
	}
	snprintf(path, sizeof(path), "/proc/%u/ns/net", (unsigned int)v);
	if (keep_netns(path, inum))
		return 0;
	snprintf(error, size, "--netns %s: %s: %s", s, path, errno == ENOENT ? _("no such process") : strerror(errno));
	return -EINVAL;
}

/*
 * A number is used again, by a namespace of another name or of none: which was called so is known by when the name came
 * about, which is when the kernel made its inode (by a clock that goes by ticks), and when it was there last.
 */
static struct name {
	uint32_t inum;
	bool there;
	uint64_t from_ns, until_ns;	/* until: of one that is not there */
	char name[32];
} known[NAMES_KEPT];
static unsigned int learned;
static bool asked;			/* since the last look that was due */

static void learn(const struct stat *st, const char *name, int64_t ahead_ns)
{
	uint64_t from_ns = (uint64_t)((int64_t)st->st_ctim.tv_sec * (int64_t)SECOND + st->st_ctim.tv_nsec - ahead_ns) + TICK_NS;
	struct name *k;

	for (unsigned int i = 0; i < learned && i < NAMES_KEPT; i++) {
		k = &known[i];
		/* the difference of the clocks is not read the same twice */
		if (k->inum == st->st_ino && k->from_ns + TICK_NS > from_ns) {
			k->there = true;
			return;
		}
	}
	k = &known[learned++ % NAMES_KEPT];
	*k = (struct name){ .inum = (uint32_t)st->st_ino, .there = true, .from_ns = from_ns };
	snprintf(k->name, sizeof(k->name), "%.31s", name);
}

/* false: one of them is not mounted yet. */
static bool learn_all(DIR *dir, dev_t nsfs, int64_t ahead_ns)
{
	bool all = true;
	struct dirent *de;
	struct stat st;

	while ((de = readdir(dir))) {
		if (de->d_name[0] == '.' || fstatat(dirfd(dir), de->d_name, &st, 0))
			continue;
		if (st.st_dev == nsfs)
			learn(&st, de->d_name, ahead_ns);
		else
			all = false;
	}
	return all;
}

static void forget_all(uint64_t until_ns)
{
	for (unsigned int i = 0; i < learned && i < NAMES_KEPT; i++) {
		if (known[i].there)
			known[i].until_ns = until_ns;
		known[i].there = false;
	}
}

static void look(void)
{
	static struct timespec changed;	/* all that it had then is known */
	static uint64_t last_ns;
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
	struct stat st, self;
	int64_t ahead_ns;
	DIR *dir;

	if (stat(NETNS_DIR, &st))
		return;
	if (memcmp(&changed, &st.st_mtim, sizeof(changed))) {
		if (stat("/proc/self/ns/net", &self) || !clock_ahead_of_monotonic(CLOCK_REALTIME, &ahead_ns) ||
		    !(dir = opendir(NETNS_DIR)))
			return;
		forget_all(last_ns);
		changed = learn_all(dir, self.st_dev, ahead_ns) ? st.st_mtim : (struct timespec){ 0 };
		closedir(dir);
	}
	last_ns = now_ns;
}

void netns_learn_names(void)
{
	asked = false;
	look();
}

static const char *find_name(uint32_t inum, uint64_t since_ns, uint64_t until_ns)
{
	const struct name *found = NULL;

	for (unsigned int i = 0; i < learned && i < NAMES_KEPT; i++) {
		const struct name *k = &known[i];

		if (k->inum == inum && k->from_ns <= until_ns && (k->there || since_ns <= k->until_ns) &&
		    !(found && found->from_ns > k->from_ns))
			found = k;
	}
	return found ? found->name : NULL;
}

const char *netns_name(uint32_t inum, uint64_t since_ns, uint64_t until_ns)
{
	const char *name = find_name(inum, since_ns, until_ns);

	if (name || asked)
		return name;
	asked = true;
	look();
	return find_name(inum, since_ns, until_ns);
}

/* The id that bpf_get_current_cgroup_id() gives: the handle of the directory, 64 bits also where ino_t is 32. */
int cgroup_by_path(const char *path, uint64_t *id, char *error, size_t size)
{
	struct { struct file_handle h; unsigned char space[8]; } u = { .h.handle_bytes = 8 };
	struct statfs fs;
	struct stat st;
	int mount_id;

	if (statfs(path, &fs)) {
		snprintf(error, size, "--cgroup '%s': %s", path, strerror(errno));
		return -EINVAL;
	}
	if (fs.f_type != CGROUP2_SUPER_MAGIC || stat(path, &st) || !S_ISDIR(st.st_mode)) {
		snprintf(error, size, _("--cgroup '%s': not a directory of cgroup v2 (usually below /sys/fs/cgroup)"),
			 path);
		return -EINVAL;
	}
	if (name_to_handle_at(AT_FDCWD, path, &u.h, &mount_id, 0) || u.h.handle_bytes != 8) {
		snprintf(error, size, _("--cgroup '%s': no id: %s"), path, strerror(errno));
		return -EINVAL;
	}
	memcpy(id, u.h.f_handle, sizeof(*id));
	return 0;
}

static int not_an_address(const char *s, char *error, size_t size)
{
	snprintf(error, size, _("'%.64s': not ADDRESS:PORT, as 127.0.0.1:9817, [::1]:9817 or :9817"), s);
	return -EINVAL;
}

int address_by_name(const char *s, uint8_t addr[16], uint16_t *port, char *error, size_t size)
{
	const char *colon = strrchr(s, ':');
	size_t n = colon ? (size_t)(colon - s) : 0;
	char host[INET6_ADDRSTRLEN + 2];
	bool six = n > 2 && s[0] == '[' && s[n - 1] == ']';
	uint64_t v;

	if (!colon || n >= sizeof(host) || parse_u64(colon + 1, 1, 65535, &v))
		return not_an_address(s, error, size);
	memcpy(host, s + six, n - 2 * six);
	host[n - 2 * six] = 0;
	memset(addr, 0, 16);
	*port = (uint16_t)v;
	if (!n || (six && inet_pton(AF_INET6, host, addr) == 1))
		return 0;
	addr[10] = addr[11] = 0xff;
	if (!six && inet_pton(AF_INET, host, addr + 12) == 1)
		return 0;
	return not_an_address(s, error, size);
}
