// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module's parameter "hooks", one line each:
 *
 *	inet_sock_set_state tracepoint attached
 *	inet_reqsk_clone kprobe error -2
 *	missed 0
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kmodhooks.h"
#include "../lib/readfile.h"
#include "../lib/tr.h"

#define PARAMETER	"/sys/module/tcptrace/parameters/hooks"
#define TEXT_MAX	4096	/* the kernel gives a page at most */

static void take_line(struct kmod_hooks *h, char *line)
{
	char *save, *name = strtok_r(line, " ", &save), *how = strtok_r(NULL, " ", &save);
	char *state = strtok_r(NULL, "", &save);
	struct hook_report *r = &h->reports[h->n];

	if (!name || !how)
		return;
	if (!strcmp(name, "missed")) {
		h->missed = strtoull(how, NULL, 10);
		return;
	}
	if (!state || !strcmp(state, "idle"))
		return;
	*r = (struct hook_report){ .hook = name, .target = name, .why_not_better = "", .loses = "" };
	r->mechanism = strcmp(how, "tracepoint") ? MECH_KPROBE : MECH_TRACEPOINT;
	if (strcmp(state, "attached")) {
		r->mechanism = MECH_AUTO;
		r->target = "";
		r->why_not_better = strcmp(state, "error -2") ? state : _("this kernel has no such function");
		r->loses = N_("what only this hook sees (nothing, if it came with a later kernel)");
	}
	h->n++;
}

int kmod_hooks_read(struct kmod_hooks *h)
{
	char *line, *save, *rest;
	ssize_t n = -ENOMEM;

	memset(h, 0, sizeof(*h));
	h->text = malloc(TEXT_MAX + 1);
	h->reports = calloc(TEXT_MAX / 16, sizeof(*h->reports));
	if (h->text && h->reports)
		n = read_file(PARAMETER, h->text, TEXT_MAX + 1);
	if (n < 0) {
		kmod_hooks_free(h);
		return (int)n;
	}
	for (rest = h->text; (line = strtok_r(rest, "\n", &save)); rest = NULL)
		take_line(h, line);
	return 0;
}

bool kmod_hooks_report(const struct kmod_hooks *h, unsigned int i, struct hook_report *out)
{
	if (i >= h->n)
		return false;
	*out = h->reports[i];
	return true;
}

void kmod_hooks_free(struct kmod_hooks *h)
{
	free(h->text);
	free(h->reports);
	memset(h, 0, sizeof(*h));
}
