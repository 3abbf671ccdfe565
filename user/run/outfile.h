/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The files that outputs write into: what is refused, how one is opened and closed, and what is said when that fails.
 * Outputs have numbers here: 0 is the main view, the others are those of options.outs in their order.
 */
#ifndef TCPTRACE_OUTFILE_H
#define TCPTRACE_OUTFILE_H

#include "../options.h"

struct outfile {
	struct out out;			/* buf NULL: none, as it writes into the main view's, or opens its file itself */
	const char *path;		/* NULL: standard output, or the main view's; "-": standard output */
	char *part;			/* VIEW_WHOLE: what is renamed to path in the end */
};

const char *outfile_path(const struct options *o, unsigned int i);
/* Does one of them, which is not the main view, have standard output to itself? */
bool outfile_takes_stdout(const struct options *o);

/*
 * Waits for the readers of FIFOs, before anything is attached, and keeps these open until outfile_waited(): after
 * all are open. 0, or -EINTR: a signal came first.
 */
int outfile_wait(const struct options *o, int held[1 + OUTPUTS_MAX]);
void outfile_waited(int held[1 + OUTPUTS_MAX]);

/* 0, or -errno after a sentence on standard error: it would destroy another file, or a terminal's screen. */
int outfile_check(const struct options *o, unsigned int i, const struct view_ops *ops);
/* Opens f->path; stdout_fd: what NULL means. 0 or -errno. */
int outfile_open(struct outfile *f, enum view_file kind, int stdout_fd);
bool outfile_nowhere(const struct outfile *f);		/* it is /dev/null, by whatever name */
/* complete: what was written beside takes its place. 0, or -errno of what did not reach the file. */
int outfile_close(struct outfile *f, bool complete);
/* Says what err means; false: it is no failure, as where a reader has gone away (head, less). */
bool outfile_failed(const struct outfile *f, int err);

#endif
