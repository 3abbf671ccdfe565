// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mount.h>
#include <unistd.h>

#include "mount.h"

static const struct fs {
	const char *type, *at;		/* where it is mounted if it is not there yet */
	const char *shows[2];		/* one of these, where it is mounted; of two usual places */
} all[] = {
	{ "debugfs", "/sys/kernel/debug", { "/sys/kernel/debug/sched", "/sys/kernel/debug/sched" } },
	{ "tracefs", "/sys/kernel/tracing", { "/sys/kernel/tracing/events", "/sys/kernel/debug/tracing/events" } },
	{ "cgroup2", "/sys/fs/cgroup", { "/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/unified/cgroup.procs" } },
};

struct job {
	int (*fn)(void *arg);
	void *arg;
	int ret;
};

static bool is_there(const struct fs *fs)
{
	return !access(fs->shows[0], R_OK) || !access(fs->shows[1], R_OK);
}

static bool all_there(void)
{
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (!is_there(&all[i]))
			return false;
	return true;
}

/*
 * What is mounted must not reach the mount namespaces that share these with us. In a chroot "/" need not be a mount, whose
 * propagation could be changed (EINVAL); /sys is one then, and all three are below it.
 */
static bool make_private(void)
{
	return !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) || !mount(NULL, "/sys", NULL, MS_REC | MS_PRIVATE, NULL);
}

static void *run_in_thread(void *arg)
{
	struct job *job = arg;

	if (!unshare(CLONE_FS | CLONE_NEWNS) && make_private()) {
		for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
			if (!is_there(&all[i]))
				mount(all[i].type, all[i].at, all[i].type, 0, NULL);
	}
	job->ret = job->fn(job->arg);
	return NULL;
}

int mount_run(int (*fn)(void *arg), void *arg)
{
	struct job job = { fn, arg, 0 };
	pthread_t thread;

	if (all_there())
		return fn(arg);
	if (pthread_create(&thread, NULL, run_in_thread, &job))
		return -EAGAIN;
	pthread_join(thread, NULL);
	return job.ret;
}
