// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command line. Every value is checked whole, and what cannot work
 * together is refused: an option that is silently ignored lies.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/tr.h"
#include "names.h"
#include "options_take.h"
#include "run/views.h"
#include "talk.h"

static const struct command *command_table;

int options_refuse(struct options *o, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(o->error, sizeof(o->error), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* Calls take() for each part between commas; "" and ",," are refused by it. */
int options_each_part(struct options *o, const char *list, int (*take)(struct options *, const char *, int), int key)
{
	char *copy = strdup(list), *part = copy, *comma;
	int err = copy ? 0 : options_refuse(o, _("out of memory"));

	while (!err && part) {
		comma = strchr(part, ',');
		if (comma)
			*comma++ = 0;
		err = take(o, part, key);
		part = comma;
	}
	free(copy);
	return err;
}

static int take_command(struct options *o, const char *s)
{
	const struct command *c;

	if (o->command && o->command->argument && !o->argument) {
		o->argument = s;
		return 0;
	}
	if (o->argument && !strcmp(o->argument, "check") && !o->exercise) {
		o->exercise = s;
		return 0;
	}
	if (o->command)
		return options_refuse(o, _("'%s': one command only, '%s' is given already"), s, o->command->name);
	for (c = command_table + 1; c->name; c++) {
		if (!strcmp(s, c->name)) {
			o->command = c;
			return 0;
		}
	}
	return options_refuse(o, _("'%s': no such command; to run a program and follow it: tcptrace -- %s"), s, s);
}

static int take_argument(struct options *o, struct argp_state *state, char *arg)
{
	/* state->quoted: the index after "--", where the words of PROGRAM begin. */
	if (!state->quoted || state->next <= state->quoted)
		return take_command(o, arg);
	o->program = state->argv + state->next - 1;
	state->next = state->argc;
	return 0;
}

static void print_and_exit(const struct options *o, int key, const char *program)
{
	int err = 0;

	if (key != 'V')
		err = options_help(command_table, o->command, program, o->lang);
	else if (puts("tcptrace " VERSION) == EOF || fflush(stdout))
		err = -errno;
	exit(talk_written(err) ? EXIT_FAILED : EXIT_OK);
}

static int take_word(struct options *o, int key, char *arg, struct argp_state *state)
{
	if (key == ARGP_KEY_ARG)
		return take_argument(o, state, arg);
	if (key == ARGP_KEY_END && !o->program && state->argc > 1 && !strcmp(state->argv[state->argc - 1], "--"))
		return options_refuse(o, _("--: no program to run after it"));
	return key == ARGP_KEY_END ? 0 : ARGP_ERR_UNKNOWN;
}

/* 0, or a sentence in o->error. */
static int take(struct options *o, int key, char *arg)
{
	static int (*const of[])(struct options *o, int key, char *arg) = {
		options_take_filter, options_take_show, options_take_where
	};
	int err = ARGP_ERR_UNKNOWN;

	for (size_t i = 0; err == ARGP_ERR_UNKNOWN && i < sizeof(of) / sizeof(of[0]); i++)
		err = of[i](o, key, arg);
	return err;
}

/* What to look at and where it goes; of how it looks the last word counts, as an alias may have the first. */
static bool is_there_one(int key)
{
	static const int one[] = {
		OPT_COMM, OPT_UNIT, OPT_POD, OPT_CONTAINER, OPT_NETNS, OPT_CGROUP, OPT_CHECK, OPT_LISTEN,
		'o', 'w', 'u', OPT_TEXTFILE, OPT_HTML
	};

	for (size_t i = 0; i < sizeof(one) / sizeof(one[0]); i++) {
		if (one[i] == key)
			return true;
	}
	return false;
}

/* Which options were given: what the command does not take is refused later, when it is known. */
static int note_given(struct options *o, int key)
{
	for (unsigned int i = 0; option_rows[i].option.name || option_rows[i].option.doc; i++) {
		const struct argp_option *option = &option_rows[i].option;

		if (option->key != key || option->flags & OPTION_ALIAS)
			continue;
		if (o->given[i] && is_there_one(key))
			return options_refuse(o, _("--%s is given twice: one of them would be ignored"), option->name);
		o->given[i] = true;
	}
	return 0;
}

/* argp goes on after an error of a value unless it is told to stop. */
static error_t parse_one(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	int err;

	if (key >= 0 && key < ARGP_KEY_END)	/* an option, or ARGP_KEY_ARG */
		o->at = state->next;
	if (key > 0 && key < ARGP_KEY_END && note_given(o, key))
		return EINVAL;
	if (key == 'h' || key == '?' || key == 'V')	/* at once: what follows need not make sense */
		print_and_exit(o, key, state->name);
	err = take_word(o, key, arg, state);
	if (err == ARGP_ERR_UNKNOWN)
		err = take(o, key, arg);
	return err == ARGP_ERR_UNKNOWN ? ARGP_ERR_UNKNOWN : err ? EINVAL : 0;
}

/* ---- what getopt refused, in our form: argp's own is English, and names the program by its path ---- */

static const struct argp_option *option_by_key(int key)
{
	const struct option_row *row = option_rows;

	while ((row->option.key || row->option.doc) && (row->option.key != key || row->option.flags & OPTION_ALIAS))
		row++;
	return row->option.key ? &row->option : NULL;
}

/* Its name or how that begins, as getopt has it: its key; 0: there is none; -1: several begin so. */
static int key_by_name(const char *name, size_t n)
{
	int key = 0;

	for (const struct option_row *row = option_rows; row->option.key || row->option.doc; row++) {
		const struct argp_option *option = &row->option;

		if (!option->name || strncmp(option->name, name, n))
			continue;
		if (!option->name[n])
			return option->key;
		key = key && key != option->key ? -1 : option->key;
	}
	return key;
}

static int refuse_word(struct options *o, const char *word)
{
	char letter[] = "-x";
	const struct argp_option *option = NULL;
	const char *s = word + 1;
	int key;

	if (*s == '-') {
		key = key_by_name(s + 1, strcspn(s + 1, "="));
		if (key < 0)
			return options_refuse(o, _("'%.64s': several options begin so"), word);
		option = option_by_key(key);
	} else {			/* the first letter that is none, or whose value should have followed */
		while ((option = option_by_key(*s)) && !option->arg && s[1])
			s++;
		letter[1] = *s;
		word = letter;
	}
	if (!option)
		return options_refuse(o, _("'%.64s': no such option"), word);
	if (!option->arg)
		return options_refuse(o, _("'%.64s': the option takes no value"), word);
	return options_refuse(o, _("'%.64s': a value is missing: %s"), word, option->arg);
}

/* What getopt does not know it prints as it is. */
static int check_words(struct options *o, int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		for (const char *s = argv[i]; argv[i][0] == '-' && *s && *s != '='; s++) {
			unsigned char c = (unsigned char)*s;

			if (c < ' ' || c == 0x7f || (c >= 0x80 && (argv[i][1] == '-' || s == argv[i] + 1)))
				return options_refuse(o, _("'%.64s': no such option"), argv[i]);
		}
	}
	return 0;
}

/* argp wants its rows in one piece. */
static void argp_rows(struct argp_option *to)
{
	unsigned int i;

	for (i = 0; option_rows[i].option.name || option_rows[i].option.doc || option_rows[i].option.key; i++)
		to[i] = option_rows[i].option;
	to[i] = (struct argp_option){ 0 };
}

/* Another main view has it as an output beside it, which writes a file. */
static void settle_metrics(struct options *o)
{
	struct view_metrics *m = &o->metrics;
	bool main = o->view && !strcmp(o->view, "metrics");

	if (!m->labels)
		m->labels = VIEW_LABELS_ALL;
	if (m->once && !o->duration_ns && !o->read_path)
		o->duration_ns = 1;
	if (main && !m->listens && !m->once && !o->path && !o->read_path) {
		address_by_name("127.0.0.1:9817", m->addr, &m->port, o->error, sizeof(o->error));
		m->listens = true;
	}
}

/* What the short forms mean, once the command is known. */
static int settle(struct options *o)
{
	if (!o->command)
		o->command = command_table;
	o->view = o->command->view;
	if (o->json && o->view && !views_by_name(o->view)->json)
		o->view = "json";
	if (o->csv && o->quiet && !o->json && o->view && !strcmp(o->view, "table"))
		o->view = "csv";
	if (o->ipv4 != o->ipv6)
		o->source.filter.family = o->ipv4 ? 4 : 6;
	o->source.path = o->read_path;
	settle_metrics(o);
	o->conns.count = o->count;
	if (o->conns.sort) {		/* the first of a list are known at its end */
		o->conns.first = o->count;
		o->count = o->conns.count = 0;
	}
	if (o->write_path && o->view)
		return options_add_output(o, "record", o->write_path);
	return 0;
}

int options_parse(struct options *o, int argc, char **argv, const struct command *commands)
{
	struct argp_option rows[OPTION_ROWS_MAX];
	const struct argp argp = { .options = rows, .parser = parse_one };
	int err;

	memset(o, 0, sizeof(*o));
	o->source_name = "auto";
	o->ready_fd = -1;
	o->at = 1;
	o->metrics.max_listeners = 256;
	o->metrics.histograms = VIEW_HISTOGRAMS_ACCEPT;
	o->metrics.interval_ns = 15000000000ull;
	command_table = commands;
	argp_rows(rows);
	/* In order: otherwise a command before "--" would move after it and be run as a program. */
	err = check_words(o, argc, argv);
	if (err)
		return err;
	err = argp_parse(&argp, argc, argv, ARGP_IN_ORDER | ARGP_NO_HELP | ARGP_NO_ERRS, NULL, o);
	if (err && !o->error[0])
		return err == ENOMEM || o->at >= argc ? options_refuse(o, "%s", strerror(err)) : refuse_word(o, argv[o->at]);
	if (err)
		return -EINVAL;
	err = settle(o);
	return err ? err : options_check(o);
}
