// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command line: options that exist, with any values, in any order. (One that
 * does not exist, --help and --version end the process: that is argp's.)
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../user/options.h"
#include "../../user/run/views.h"

#define WORDS	24

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In place of what traces: of each kind of view one, and those that options name. */
static const struct view_ops views[] = {
	{ .name = "table", .steps = true },
	{ .name = "top", .json = true },
	{ .name = "report", .file = VIEW_WHOLE },
	{ .name = "json", .steps = true },
	{ .name = "csv", .steps = true },
	{ .name = "record", .file = VIEW_OWN },
	{ .name = "check" },
};

#define NVIEWS		(sizeof(views) / sizeof(*views))

const struct view_ops *views_get(unsigned int i) { return i < NVIEWS ? &views[i] : NULL; }

const struct view_ops *views_by_name(const char *name)
{
	for (unsigned int i = 0; i < NVIEWS; i++) {
		if (!strcmp(views[i].name, name))
			return &views[i];
	}
	return NULL;
}

const struct source_ops *source_by_name(const char *name)
{
	static const struct source_ops ops;

	return !strcmp(name, "auto") || !strcmp(name, "bpf") ? &ops : NULL;
}

const char *mechanism_name(enum mechanism m)
{
	(void)m;
	return "kprobe";
}

int options_help(const struct command *commands, const struct command *c, const char *program, const char *lang)
{
	(void)commands;
	(void)c;
	(void)program;
	(void)lang;
	abort();
}

void language_use(const char *lang) { (void)lang; }

static const struct command commands[] = {
	{ .name = "stream", .help = "", .view = "table", .takes = ~0u, .form = "a stream" },
	{ .name = "top", .help = "", .view = "top", .takes = ~0u, .form = "'top'" },
	{ .name = "report", .help = "", .view = "report", .takes = ~0u, .form = "'report'" },
	{ .name = "listeners", .help = "", .takes = TAKES_FILTER | TAKES_JSON, .form = "'listeners'" },
	{ .name = "lab", .help = "", .takes = TAKES_JSON | TAKES_LAB | TAKES_WRITE, .argument = true, .form = "'lab'" },
	{ 0 },
};

/* "--name=VALUE" of the row that the byte chooses; NULL: of one that ends the process. */
static char *option(uint8_t which, const char *value)
{
	unsigned int rows = 0;
	const struct argp_option *o;
	char *word;

	while (option_rows[rows].option.key || option_rows[rows].option.doc)
		rows++;
	o = &option_rows[which % rows].option;
	if (!o->name || o->key == 'h' || o->key == 'V')
		return NULL;
	/* an alias says in its original whether it takes a value */
	for (unsigned int i = 0; (o->flags & OPTION_ALIAS) && i < rows; i++) {
		if (option_rows[i].option.key == o->key && !(option_rows[i].option.flags & OPTION_ALIAS))
			o = &option_rows[i].option;
	}
	return asprintf(&word, "--%s%s%s", o->name, o->arg ? "=" : "", o->arg ? value : "") < 0 ? NULL : word;
}

/* Each piece up to a NUL is a word: a command, "--" or a value; or, with the high bit, an option and its value. */
static int words_of(const char *text, const char *end, char **argv)
{
	int n = 0;

	argv[n++] = strdup("tcptrace");
	for (; text < end && n < WORDS; text += strlen(text) + 1) {
		if (text[0] & 0x80)
			argv[n] = option(text[0] & 0x7f, text + 1);
		else if (text[0] != '-' || !strcmp(text, "--"))
			argv[n] = strdup(text);
		else
			argv[n] = NULL;
		n += argv[n] != NULL;
	}
	argv[n] = NULL;
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct options o;
	char *argv[WORDS + 1], *text = malloc(size + 2);
	int argc;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = text[size + 1] = 0;
	argc = words_of(text, text + size, argv);
	if (options_parse(&o, argc, argv, commands) && !o.error[0])
		abort();		/* refused without a word */
	for (int i = 0; i < argc; i++)
		free(argv[i]);
	free(text);
	return 0;
}
