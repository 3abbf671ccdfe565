// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "../lib/beside.h"
#include "../lib/create.h"
#include "../lib/tr.h"
#include "../talk.h"
#include "outfile.h"

const char *outfile_path(const struct options *o, unsigned int i)
{
	return i ? o->outs[i - 1].path : o->path;
}

static bool is_stdout(const char *path)
{
	return path && !strcmp(path, "-");
}

bool outfile_takes_stdout(const struct options *o)
{
	bool any = false;

	for (unsigned int i = 1; i <= o->nouts; i++)
		any |= is_stdout(outfile_path(o, i));
	return any;
}

/* ---- before anything is attached ---- */

static int wait_for_reader(const char *path)
{
	int fd;

	if (!path || !create_would_wait(path))
		return -1;
	talk(_("'%s': waiting for its reader"), path);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int outfile_wait(const struct options *o, int held[1 + OUTPUTS_MAX])
{
	unsigned int i;
	int err = 0;

	for (i = 0; i <= OUTPUTS_MAX; i++)
		held[i] = -1;
	for (i = 0; i <= o->nouts && err != -EINTR; i++)
		err = held[i] = wait_for_reader(outfile_path(o, i));
	return err == -EINTR ? err : 0;
}

void outfile_waited(int held[1 + OUTPUTS_MAX])
{
	for (unsigned int i = 0; i <= OUTPUTS_MAX; i++) {
		if (held[i] >= 0)
			close(held[i]);
	}
}

/* ---- opening ---- */

/* Of what -r reads "-" is standard input. */
static bool look_at(const char *path, bool reads, struct stat *st)
{
	return !(reads && !strcmp(path, "-") ? fstat(STDIN_FILENO, st) : stat(path, st));
}

static bool same_file(const char *path, const char *other, bool reads)
{
	struct stat a, b;

	return look_at(path, false, &a) && look_at(other, reads, &b) && S_ISREG(a.st_mode) && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

/* Writing over the file that is being read, or that another output writes, would destroy it. */
static int check_named(const struct options *o, unsigned int i, const char *path)
{
	for (unsigned int k = 0; k < o->nreads; k++) {
		if (same_file(path, o->reads[k], true)) {
			talk(_("'%s' is the file that -r reads"), path);
			return -EINVAL;
		}
	}
	for (unsigned int k = 0; k <= o->nouts; k++) {
		const char *other = outfile_path(o, k);

		if (k != i && other && (!strcmp(path, other) || same_file(path, other, false))) {
			talk(_("'%s': two outputs cannot write to one file"), path);
			return -EINVAL;
		}
	}
	return 0;
}

int outfile_check(const struct options *o, unsigned int i, const struct view_ops *ops)
{
	const char *path = outfile_path(o, i);

	if (path && !is_stdout(path))
		return check_named(o, i, path);
	if (isatty(STDOUT_FILENO) != 1)
		return 0;
	if (path && ops->file == VIEW_OWN) {
		talk(_("-w -: a recording is binary, and standard output is a terminal; redirect it"));
		return -EINVAL;
	}
	if (ops->file == VIEW_WHOLE) {
		talk(_("%s: standard output is a terminal; use -o FILE"), ops->name);
		return -EINVAL;
	}
	return 0;
}

/* A descriptor or -errno. */
static int open_path(struct outfile *f, enum view_file kind, int stdout_fd)
{
	int fd;

	if (kind == VIEW_WHOLE && f->path && !is_stdout(f->path))
		return beside_open(f->path, &f->part);
	if (f->path && !is_stdout(f->path))
		return create_file(f->path, 0666);
	fd = fcntl(f->path ? STDOUT_FILENO : stdout_fd, F_DUPFD_CLOEXEC, 3);
	return fd < 0 ? -errno : fd;
}

int outfile_open(struct outfile *f, enum view_file kind, int stdout_fd)
{
	int fd = open_path(f, kind, stdout_fd);

	return fd < 0 ? fd : out_open(&f->out, fd);
}

bool outfile_nowhere(const struct outfile *f)
{
	struct stat st;

	return f->out.buf && !fstat(f->out.fd, &st) && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
}

int outfile_close(struct outfile *f, bool complete)
{
	int err = 0, moved;

	if (f->out.buf) {
		out_flush(&f->out);
		err = f->out.error;
		if (close(f->out.fd) && !err)
			err = -errno;
		out_close(&f->out);
	}
	moved = beside_close(f->path, f->part, complete && !err);
	f->part = NULL;
	return err ? err : moved;
}

/* Of a pipe: who reads standard output may have seen enough; what was given a name was to be written until the end. */
static const char *why_not(int err)
{
	switch (err) {
	case -EINTR:
		return _("its reader sleeps; what it has not read is lost");
	case -ETXTBSY:
		return _("another process writes it");
	case -EPIPE:
		return _("its reader has gone");
	default:
		return strerror(-err);
	}
}

bool outfile_failed(const struct outfile *f, int err)
{
	const char *why = why_not(err);
	bool named = f->path && !is_stdout(f->path);

	if (!err || (err == -EPIPE && !named))
		return false;
	if (f->path)
		talk(_("cannot write '%s': %s"), f->path, why);
	else
		talk(_("cannot write to standard output: %s"), why);
	return true;
}
