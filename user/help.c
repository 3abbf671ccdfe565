// SPDX-License-Identifier: GPL-2.0-only
/* --help: of tcptrace, or of one command. All of it comes from the tables that decide. */
#include <stdio.h>

#include "options.h"
#include "run/outputs.h"

static void commands_text(FILE *f, const struct command *commands)
{
	fprintf(f, "Commands (tcptrace COMMAND --help: its options):\n");
	for (const struct command *c = commands + 1; c->name; c++)
		fprintf(f, "  %-11s %s\n", c->name, c->help);
}

static void outputs_text(FILE *f)
{
	const struct view_ops *view;

	fprintf(f, "\nOutputs (--out NAME[:FILE]):\n");
	for (unsigned int i = 0; (view = outputs_view(i)); i++) {
		if (view->help)
			fprintf(f, "  %-11s %s\n", view->name, view->help);
	}
}

static void events_text(FILE *f)
{
	unsigned int column = 0;

	fprintf(f, "\nEvents:");
	for (unsigned int i = 1; i < TCPTRACE_EVENT_MAX; i++) {
		if (tcptrace_event_class(i) != TCPTRACE_NOTE)
			fprintf(f, "%s%s", column++ % 6 ? " " : "\n  ", tcptrace_event_name(i));
	}
	fprintf(f, "\n");
}

static void rest_text(FILE *f)
{
	fprintf(f, "\nLimits: %u connections and %u listeners at a time. When a table is\n"
		"full, the oldest connection that waits in no queue is forgotten; the last\n"
		"line says how many were. At most %d values in a list.\n",
		MODEL_CONNS, MODEL_LISTENERS, FILTER_LIST_MAX);
	fprintf(f, "\nExamples:\n"
		"  tcptrace                    every step of every TCP socket, until Ctrl-C\n"
		"  tcptrace -P 8080 -x         what goes wrong on port 8080\n"
		"  tcptrace -q -d 10           ten seconds, then the queues of each listener\n"
		"  tcptrace -- curl localhost  what one program does\n"
		"  tcptrace flow -- curl URL   both ends of its connections, step by step\n"
		"  tcptrace -q -w run.tcp; tcptrace -r run.tcp -j\n"
		"\nExit status: 0 done, 1 failed, 2 wrong usage; of -- PROGRAM its own.\n");
}

static const struct command *commands_shown, *command_shown;

static char *after_options(int key, const char *text, void *input)
{
	const struct command *c = command_shown;
	char *buf = NULL;
	size_t n;
	FILE *f;

	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)(uintptr_t)text;
	f = open_memstream(&buf, &n);
	if (!f)
		return NULL;
	if (!c)
		commands_text(f, commands_shown);
	if (!c || (c->takes & TAKES_OUTS))
		outputs_text(f);
	if (!c || (c->takes & TAKES_EVENTS))
		events_text(f);
	if (!c)
		rest_text(f);
	fclose(f);
	return buf;
}

/* The rows that the command takes; a heading without rows is left out by its group. */
static void rows_of(const struct command *c, struct argp_option *to)
{
	unsigned int groups = 0, n = 0;

	for (const struct option_row *r = option_rows; r->option.key || r->option.doc; r++) {
		if (r->option.key && (!r->group || (r->group & c->takes)) && r->option.group > 0)
			groups |= 1u << r->option.group;
	}
	for (const struct option_row *r = option_rows; r->option.key || r->option.doc; r++) {
		bool taken = !r->group || (r->group & c->takes);

		if (r->option.key ? taken : groups >> r->option.group & 1)
			to[n++] = r->option;
	}
	to[n] = (struct argp_option){ 0 };
}

void options_help(const struct command *commands, const struct command *c, const char *program)
{
	struct argp_option rows[OPTION_ROWS_MAX];
	char doc[512], args[64];
	const struct argp argp = { .options = rows, .args_doc = args, .doc = doc, .help_filter = after_options };

	commands_shown = commands;
	command_shown = c;
	rows_of(c ? c : commands, rows);
	snprintf(args, sizeof(args), "%s%s%s", c ? c->name : "[COMMAND]", c && c->argument ? " [NAME]" : "",
		 !c || (c->takes & TAKES_PROGRAM) ? "\n-- PROGRAM [ARGS...]" : "");
	snprintf(doc, sizeof(doc), "%s\v ", c ? c->help :
		 "Shows what happens in the kernel's TCP sockets: calls, handshakes, both queues of each listener, "
		 "states.");
	argp_help(&argp, stdout, ARGP_HELP_SHORT_USAGE | ARGP_HELP_PRE_DOC | ARGP_HELP_LONG | ARGP_HELP_POST_DOC,
		  (char *)(uintptr_t)program);
}
