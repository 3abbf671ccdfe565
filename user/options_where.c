// SPDX-License-Identifier: GPL-2.0-only
/* Options that say where it comes from and goes to, at what price, and those of experiments. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "lib/parse.h"
#include "lib/tr.h"
#include "options_take.h"
#include "run/views.h"

/* ---- where it goes to ---- */

/* Its other names, under which it would be opened, and truncated, once more. */
static const char *standard_name(const char *path)
{
	static const char *const names[] = { "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1" };

	for (size_t i = 0; path && i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(path, names[i]))
			return "-";
	}
	return path;
}

int options_add_output(struct options *o, const char *name, const char *path)
{
	const struct view_ops *view = views_by_name(name);

	if (!view || !view->help)
		return options_refuse(o, _("--out '%.64s': no such output; tcptrace --help lists them"), name);
	if (o->nouts == OUTPUTS_MAX)
		return options_refuse(o, _("--out '%s': at most %u outputs beside the main one"), name, OUTPUTS_MAX);
	if (!path && view->file != VIEW_STREAM)
		return options_refuse(o, _("--out %s: into which file? --out %s:FILE"), name, name);
	o->outs[o->nouts].view = view;
	o->outs[o->nouts++].path = standard_name(path);
	return 0;
}

/* NAME or NAME:FILE. The words of the command line stay as they are: a page shows them. */
static int take_output(struct options *o, const char *arg)
{
	const char *colon = strchr(arg, ':');
	size_t n = colon ? (size_t)(colon - arg) : strlen(arg);
	char name[64];

	snprintf(name, sizeof(name), "%.*s", (int)(n < sizeof(name) ? n : sizeof(name) - 1), arg);
	if (colon && !colon[1])
		return options_refuse(o, _("--out %s: into which file? --out %s:FILE"), name, name);
	return options_add_output(o, name, colon ? colon + 1 : NULL);
}

/* ---- where it comes from ---- */

static int take_recording(struct options *o, const char *path)
{
	if (o->nreads == SOURCE_FILES)
		return options_refuse(o, _("-r '%s': more than %u recordings"), path, SOURCE_FILES);
	o->reads[o->nreads++] = path;
	o->read_path = o->reads[0];
	return 0;
}

static int take_source(struct options *o, int key, const char *s)
{
	if (option_word_index(key, s) < 0)
		return options_refuse_word(o, key, s);
	if (!source_by_name(s))
		return options_refuse(o, _("--source '%s': not in this build"), s);
	o->source_name = s;
	return 0;
}

static int take_mechanism(struct options *o, int key, const char *s)
{
	int which = option_word_index(key, s);

	if (which < 0)
		return options_refuse_word(o, key, s);
	o->source.mechanism = (enum mechanism)which;
	return 0;
}

/* ---- numbers ---- */

static int take_priority(struct options *o, const char *s)
{
	bool negative = s[0] == '-';
	uint64_t v;

	if (parse_u64(s + negative, 0, negative ? 20 : 19, &v))
		return options_refuse(o, _("--priority '%s': not a nice value; -20 to 19"), s);
	o->prioritized = true;
	o->priority = negative ? -(int)v : (int)v;
	return 0;
}

static int take_number(struct options *o, int key, const char *s)
{
	uint64_t v;

	switch (key) {
	case OPT_SLOW:
		if (parse_u64(s, 1, 1000000, &v))
			return options_refuse(o, _("--slow '%s': not a factor; 1 to 1000000"), s);
		o->slow = (uint32_t)v;
		return 0;
	case 'C':
		if (parse_u64(s, 1, 1000000, &v))
			return options_refuse(o, _("-C '%s': not a number of MB; 1 to 1000000"), s);
		o->file_bytes = v * 1000000;
		return 0;
	case OPT_RING:
		if (parse_u64(s, 1, 1024, &v))
			return options_refuse(o, _("--ring '%s': not a number of MB; 1 to 1024"), s);
		o->source.ring_bytes = (uint32_t)v << 20;
		return 0;
	case 'W':
		if (parse_u64(s, 2, 10000, &v))
			return options_refuse(o, _("-W '%s': not a number of files; 2 to 10000"), s);
		o->files = (unsigned int)v;
		return 0;
	case OPT_READY_FD:
		if (parse_u64(s, 0, INT_MAX, &v))
			return options_refuse(o, _("--ready-fd '%s': not a file descriptor"), s);
		o->ready_fd = (int)v;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

int options_take_where(struct options *o, int key, char *arg)
{
	switch (key) {
	case 'o': o->path = standard_name(arg); return 0;
	case OPT_OUT: return take_output(o, arg);
	case OPT_CHECK: return options_add_output(o, "check", NULL);
	case OPT_HTML: o->html_path = arg; return 0;
	case 'w': o->write_path = arg; return 0;
	case 'u': o->user = arg; return 0;
	case 'r': return take_recording(o, arg);
	case OPT_SOURCE: return take_source(o, key, arg);
	case OPT_MECHANISM: return take_mechanism(o, key, arg);
	case 'v': o->source.verbose = true; return 0;
	case OPT_PRIORITY: return take_priority(o, arg);
	case OPT_COMPLETIONS: o->completions = arg; return 0;
	case OPT_REPLAY: o->replay = true; return 0;
	case OPT_STEP: o->step = true; return 0;
	case OPT_QUIZ: o->quiz = true; return 0;
	}
	return take_number(o, key, arg);
}
