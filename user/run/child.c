// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two pipes, both closed by exec: "go" holds the child back until every hook is
 * attached, so that its first socket() is seen; "failed" brings back the errno
 * of an exec that did not happen.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE			/* pipe2 */
#endif
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/caller.h"
#include "child.h"

static void child_main(char **argv, int go, int failed, bool quiet_stdout, const struct caller *as)
{
	char byte;
	int err;

	/* The pipe ends without a byte when we failed to attach, or died. */
	if (read(go, &byte, 1) != 1)
		_exit(1);
	if (quiet_stdout && dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		_exit(126);
	err = -caller_become(as);
	if (!err) {
		execvp(argv[0], argv);
		err = errno;
	}
	if (write(failed, &err, sizeof(err)) != sizeof(err))
		_exit(1);
	_exit(err == ENOENT ? 127 : 126);
}

int child_fork(struct child *c, char **argv, bool quiet_stdout, const struct caller *as)
{
	int go[2], failed[2], err;

	prctl(PR_SET_CHILD_SUBREAPER, 1L);
	if (pipe2(go, O_CLOEXEC))
		return -errno;
	if (pipe2(failed, O_CLOEXEC)) {
		err = -errno;
		close(go[0]);
		close(go[1]);
		return err;
	}
	c->pid = fork();
	err = c->pid < 0 ? -errno : 0;
	if (c->pid == 0) {
		close(go[1]);
		close(failed[0]);
		child_main(argv, go[0], failed[1], quiet_stdout, as);
	}
	close(go[0]);
	close(failed[1]);
	c->go = go[1];
	c->failed = failed[0];
	c->ended = false;
	if (err) {
		close(c->go);
		close(c->failed);
		c->pid = 0;
	}
	return err;
}

static void took(struct child *c, int status)
{
	c->ended = true;
	c->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int child_exec(struct child *c)
{
	ssize_t n = write(c->go, "", 1);	/* not to one that was killed while it waited: its status says so */
	int err;

	close(c->go);
	do {
		n = read(c->failed, &err, sizeof(err));
	} while (n < 0 && errno == EINTR);
	close(c->failed);
	if (n != sizeof(err))
		return 0;
	while (!child_wait(c))
		;
	return -err;
}

bool child_ended(struct child *c)
{
	int status;

	if (c->pid && !c->ended && waitpid(c->pid, &status, WNOHANG) == c->pid)
		took(c, status);
	return c->ended;
}

bool child_all_ended(struct child *c)
{
	pid_t pid;

	if (!child_ended(c) || c->all_ended)
		return c->all_ended;
	do {
		pid = waitpid(-1, NULL, WNOHANG);
	} while (pid > 0);
	c->all_ended = pid < 0 && errno == ECHILD;
	return c->all_ended;
}

bool child_wait(struct child *c)
{
	int status;

	if (c->pid && !c->ended) {
		if (waitpid(c->pid, &status, 0) == c->pid)
			took(c, status);
		else if (errno == EINTR)
			return false;
	}
	return true;
}

void child_signal(const struct child *c, int sig)
{
	if (c->pid && !c->ended)
		kill(c->pid, sig);
}

void child_drop(struct child *c)
{
	if (!c->pid)
		return;
	close(c->go);
	close(c->failed);
	while (!child_wait(c))
		;
	c->pid = 0;
}
