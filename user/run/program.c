// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "../lib/caller.h"
#include "../lib/tr.h"
#include "../talk.h"
#include "outfile.h"
#include "program.h"
#include "views.h"

/* A program's words do not get into JSON or a recording: then its standard output is standard error. */
static bool stdout_is_ours(const struct options *o)
{
	return outfile_takes_stdout(o) || (!o->path && (!views_by_name(o->view)->text || o->json || o->csv));
}

int program_fork(struct child *c, struct options *o)
{
	struct caller as;
	int err;

	if (!o->program)
		return 0;
	err = caller_find(&as, o->user);
	if (err == -ENOENT)
		talk(_("-u '%s': there is no such user in /etc/passwd"), o->user);
	else if (err)
		talk(_("SUDO_UID and SUDO_GID do not say who called sudo: as whom is the program to run? -u USER"));
	if (err)
		return err;
	if (as.known && as.uid && !o->user)
		talk(_("the program runs as %s, who called sudo; -u root: as root"), as.name[0] ? as.name : _("the user"));
	err = child_fork(c, o->program, stdout_is_ours(o), &as);
	if (err) {
		talk(_("cannot run '%s': %s"), o->program[0], strerror(-err));
		return err;
	}
	o->source.filter.pids[0] = (uint32_t)c->pid;
	o->source.filter.npids = 1;
	o->source.filter.follow = true;
	return 0;
}

int program_exec(struct child *c, const struct options *o)
{
	int err = c->pid ? child_exec(c) : 0;

	if (err)
		talk(_("cannot run '%s': %s"), o->program[0], strerror(-err));
	return err;
}
