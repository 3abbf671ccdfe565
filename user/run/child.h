/* SPDX-License-Identifier: GPL-2.0-only */
/* `tcptrace -- PROGRAM`: a program that waits until we are attached. */
#ifndef TCPTRACE_CHILD_H
#define TCPTRACE_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

struct caller;

struct child {
	pid_t pid;			/* 0: none */
	int go;				/* a byte here lets it exec */
	int failed;			/* its errno comes from here when exec fails */
	bool ended;			/* the program itself */
	bool all_ended;			/* and every process that it has started */
	int status;			/* exit status for us: its own, or 128 + signal */
};

/*
 * Forks; the child waits. Call before signals are caught: it gets ours as they are. quiet_stdout: its standard output
 * is its standard error, as ours carries data. as: whom it runs as. 0 or -errno.
 */
int child_fork(struct child *c, char **argv, bool quiet_stdout, const struct caller *as);
int child_exec(struct child *c);	/* lets it go: 0, or -errno of its exec (then it has ended) */
bool child_ended(struct child *c);	/* does not wait */
/* The same of all that it has started: what its parents leave behind, a daemon for one, comes to us. */
bool child_all_ended(struct child *c);
bool child_wait(struct child *c);	/* false: a signal came first */
void child_signal(const struct child *c, int sig);
void child_drop(struct child *c);	/* it never ran and never will */

#endif
