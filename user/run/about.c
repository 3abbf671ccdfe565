// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "../lib/readfile.h"
#include "../source/file.h"
#include "../source/netns.h"
#include "about.h"
#include "counters.h"

/* The words as they were given, a space between two. */
static void read_command(char *text, size_t size)
{
	ssize_t n = read_file("/proc/self/cmdline", text, size);

	if (n > 0 && !text[n - 1])
		n--;
	for (ssize_t i = 0; i < n; i++) {
		if (!text[i])
			text[i] = ' ';
	}
}

void about_run(struct about *a, const struct options *o, const struct source *src)
{
	struct utsname u;

	*a = (struct about){ .view.recording = o->read_path };
	read_command(a->command, sizeof(a->command));
	a->view.command = a->command;
	if (o->read_path) {
		snprintf(a->kernel, sizeof(a->kernel), "%s", src ? src->kernel : "");
		if (src && src->host)
			snprintf(a->host, sizeof(a->host), "%.*s", (int)sizeof(src->host->name), src->host->name);
	} else if (!uname(&u)) {
		snprintf(a->kernel, sizeof(a->kernel), "%s", u.release);
		snprintf(a->host, sizeof(a->host), "%s", u.nodename);
	}
	a->view.kernel = a->kernel;
	a->view.host = a->host[0] ? a->host : NULL;
}

/* How each hook is attached: malloc'd, and how many. Its strings live as long as src. */
static struct view_hook *hooks_of(struct source *src, unsigned int *n)
{
	struct view_hook *all;
	struct hook_report h;
	unsigned int i;

	for (*n = 0; src->ops->hook && src->ops->hook(src, *n, &h); ++*n)
		;
	all = *n ? calloc(*n, sizeof(*all)) : NULL;
	if (!all)
		*n = 0;
	for (i = 0; i < *n && src->ops->hook(src, i, &h); i++)
		all[i] = (struct view_hook){ h.hook, h.target, mechanism_name(h.mechanism), h.why_not_better, h.loses };
	return all;
}

static bool stats_now(void *src, uint64_t *lost, uint64_t *missed)
{
	struct source_stats stats = { 0 };

	((struct source *)src)->ops->stats(src, &stats);
	*lost = stats.lost;
	*missed = stats.missed;
	return stats.missed_known;
}

static int counters_now(void *src, uint64_t *values)
{
	(void)src;
	return counters_read(values);
}

void about_now(struct about *a, const struct options *o, struct source *src)
{
	const struct filter *f = &o->source.filter;
	struct filter none = { .netns = f->netns };
	unsigned int n;

	a->now = (struct view_machine){ .ctx = src, .stats = stats_now, .netns = netns_here(), .source = src->ops->name };
	a->now.hooks = hooks_of(src, &n);
	a->now.nhooks = n;
	/* the kernel counts by namespace: whoever looks at less cannot compare */
	if (!filter_narrows(f) || (filter_narrows(f) == filter_narrows(&none) && f->netns == a->now.netns))
		a->now.counters = counters_now;
}

static uint64_t missed_at(void *src, uint64_t events)
{
	const struct source *s = src;

	return s->ops->missed_at ? s->ops->missed_at(src, events) : 0;
}

void about_end(struct about *a, struct source *src, const struct model_totals *t, struct view_end *end)
{
	struct source_stats stats = { 0 };

	src->ops->stats(src, &stats);
	source_mechanisms(src, a->mechanisms, sizeof(a->mechanisms));
	*end = (struct view_end){
		.totals = t,
		.hooks = a->now.hooks,
		.nhooks = a->now.nhooks,
		.lost = stats.lost > t->lost_total ? stats.lost : t->lost_total,
		.missed = stats.missed,
		.missed_known = stats.missed_known,
		.missed_at = missed_at,
		.src = src,
		.unknown = stats.unknown,
		.mechanisms = a->mechanisms,
		.source = src->ops->name,
		.flaw = src->error ? src->error : strcmp(src->ops->name, "file") ? NULL : src->note,
	};
}

void about_free(struct about *a)
{
	free((void *)(uintptr_t)a->now.hooks);
}
