// SPDX-License-Identifier: GPL-2.0-only
/*
 * A child makes the run in its own namespace, with a capture of its own, and leaves a
 * recording in memory, which is judged and shown when its turn comes. If it failed, the
 * run is made again then: so a failure is reported once, and by the usual way.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../run/signals.h"
#include "ahead.h"

#define AHEAD_MAX	4

static struct {
	const struct lab *lab;		/* NULL: free */
	pid_t pid;
	int fd;				/* of the recording */
} ahead[AHEAD_MAX];

__attribute__((noreturn))
static void child(struct options *o, const struct lab *lab, int fd, pid_t parent)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct lab_run r;
	char path[64];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	if (null >= 0)
		dup2(null, STDERR_FILENO);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	_exit(lab_perform(&r, o, lab) || !r.ok || lab_save(&r, path));
}

static void start(struct options *o, const struct lab *lab, unsigned int i)
{
	pid_t parent = getpid();

	ahead[i].fd = memfd_create("ahead", MFD_CLOEXEC);
	if (ahead[i].fd < 0)
		return;
	ahead[i].pid = fork();
	if (ahead[i].pid == 0)
		child(o, lab, ahead[i].fd, parent);
	if (ahead[i].pid < 0)
		close(ahead[i].fd);
	else
		ahead[i].lab = lab;
}

void ahead_start(struct options *o, const struct lab *const *labs, size_t n)
{
	unsigned int slots = 0;

	for (size_t i = 0; i < n && slots < AHEAD_MAX && !o->replay; i++) {
		if (labs[i]->slow)
			start(o, labs[i], slots++);
	}
}

/* -EINTR: a signal came that ends us, too. */
static int wait_for_child(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR || signal_flags.end)
			return -errno;
	}
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -ENOENT;
}

static int load(struct lab_run *r, int fd)
{
	struct stat st;
	char *bytes;
	int err;

	if (fstat(fd, &st) || !st.st_size)
		return -ENOENT;
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return -errno;
	err = lab_load_bytes(r, bytes, bytes + st.st_size);
	munmap(bytes, (size_t)st.st_size);
	return err;
}

static void forget(unsigned int i)
{
	close(ahead[i].fd);
	ahead[i].lab = NULL;
}

int ahead_take(struct lab_run *r)
{
	int err;

	for (unsigned int i = 0; i < AHEAD_MAX; i++) {
		if (ahead[i].lab != r->lab)
			continue;
		err = wait_for_child(ahead[i].pid);
		if (err == -EINTR)
			return err;
		if (!err)
			err = load(r, ahead[i].fd);
		forget(i);
		return err;
	}
	return -ENOENT;
}

void ahead_stop(void)
{
	for (unsigned int i = 0; i < AHEAD_MAX; i++) {
		if (!ahead[i].lab)
			continue;
		kill(ahead[i].pid, SIGTERM);	/* it ends its stage, as after Ctrl-C */
		while (waitpid(ahead[i].pid, NULL, 0) < 0 && errno == EINTR)
			;
		forget(i);
	}
}
