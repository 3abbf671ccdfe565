// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <linux/capability.h>
#include <string.h>

#include "../lib/confine.h"
#include "../lib/tr.h"
#include "../source/netns.h"
#include "../talk.h"
#include "privileges.h"

#ifndef CAP_BPF
#define CAP_BPF		39		/* since Linux 5.8 */
#endif
#define CAP(name)	(1ull << CAP_##name)

/* top writes files when a key says so, and attaches hooks. */
static bool has_screen(const struct options *o)
{
	return o->view && !strcmp(o->view, "top") && !o->batch;
}

/* A file in a directory of somebody else: another of -C, a page that is renamed, what sudo's user gets. */
static bool writes_files(const struct options *o)
{
	bool any = o->path || has_screen(o);

	for (unsigned int i = 0; i < o->nouts; i++)
		any |= o->outs[i].path && strcmp(o->outs[i].path, "-");
	return any;
}

/* What later looks still take: programs, descriptors of processes, settings and counters of other network namespaces. */
static uint64_t capabilities_left(const struct options *o)
{
	uint64_t keep = 0;

	if (writes_files(o))
		keep |= CAP(DAC_OVERRIDE) | CAP(CHOWN) | CAP(FOWNER);
	if (o->read_path)
		return keep | CAP(DAC_READ_SEARCH);	/* it may be somebody else's */
	if (o->program)
		keep |= CAP(KILL);
	if (has_screen(o))
		keep |= CAP(NET_ADMIN);		/* a ladder attaches more, to the root of cgroup v2, too */
	if (o->source.filter.netns && o->source.filter.netns == netns_here())
		return keep | CAP(BPF) | CAP(PERFMON) | CAP(SYS_PTRACE) | CAP(DAC_READ_SEARCH);
	return keep | CAP(BPF) | CAP(PERFMON) | CAP(SYS_PTRACE) | CAP(DAC_READ_SEARCH) | CAP(SYS_ADMIN);
}

int privileges_drop(const struct options *o)
{
	int err = confine_capabilities(capabilities_left(o));

	if (err) {
		talk(_("capabilities cannot be given up: %s"), strerror(-err));
		return err;
	}
	if (o->read_path)
		err = confine_calls(CONFINE_REPLAY);
	if (err)
		talk(_("a recording may come from anywhere, and this kernel has no seccomp filter to read it behind: %s"),
		     strerror(-err));
	return err;
}
