// SPDX-License-Identifier: GPL-2.0-only
/*
 * --help: of tcptrace, or of one command, in the language that was chosen. All of it comes from the
 * tables that decide. argp's own help counts bytes as columns, and knows installed locales alone.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "language.h"
#include "lib/tr.h"
#include "lib/wrap.h"
#include "options.h"
#include "run/views.h"
#include "terminal.h"

#define TEXT_COLUMN	29u		/* where what an option does begins */
#define NAME_COLUMN	14u		/* the same of commands and outputs */

static unsigned int width(const struct out *o)
{
	unsigned int columns = terminal_columns(o->fd);

	return !columns ? 79 : columns < 60 ? 60 : columns > 100 ? 100 : columns;
}

/* A name, and from column at on what it is. */
static void put_row(struct out *o, const char *name, unsigned int at, const char *text)
{
	unsigned int n = (unsigned int)strlen(name);

	out_str(o, name);
	if (n + 1 > at) {
		out_line_end(o);
		n = 0;
	}
	out_wrapped_from(o, tr(text), n, at, width(o));
}

static void put_named(struct out *o, const char *name, const char *text)
{
	char row[64];

	snprintf(row, sizeof(row), "  %s", name);
	put_row(o, row, NAME_COLUMN, text);
}

/* ---- options ---- */

static bool is_shown(const struct option_row *r, const struct command *c)
{
	return r->option.name && !(r->option.flags & OPTION_HIDDEN) && (!r->group || (r->group & c->takes));
}

static void put_option(struct out *o, const struct argp_option *option)
{
	char letter[8] = "   ", row[128];

	if (option->key < 128)
		snprintf(letter, sizeof(letter), "-%c,", option->key);
	snprintf(row, sizeof(row), "  %s --%s%s%s", letter, option->name, option->arg ? "=" : "",
		 option->arg ? option->arg : "");
	put_row(o, row, TEXT_COLUMN, option->doc);
}

/* Rows that the command takes; a heading comes with the first of its group. */
static void put_options(struct out *o, const struct command *c)
{
	const char *heading = NULL;

	for (const struct option_row *r = option_rows; r->option.key || r->option.doc; r++) {
		if (!r->option.key)
			heading = r->option.doc;
		if (!is_shown(r, c))
			continue;
		if (heading) {
			out_str(o, "\n ");
			out_wrapped_from(o, tr(heading), 1, 1, width(o));
		}
		heading = NULL;
		put_option(o, &r->option);
	}
}

/* ---- the rest ---- */

static void put_commands(struct out *o, const struct command *commands)
{
	out_line_end(o);
	out_str(o, _("Commands (tcptrace COMMAND --help: its options):"));
	out_line_end(o);
	for (const struct command *c = commands + 1; c->name; c++)
		put_named(o, c->name, c->help);
}

static void put_outputs(struct out *o)
{
	const struct view_ops *view;

	out_line_end(o);
	out_str(o, _("Outputs (--out NAME[:FILE]):"));
	out_line_end(o);
	for (unsigned int i = 0; (view = views_get(i)); i++) {
		if (view->help)
			put_named(o, view->name, view->help);
	}
}

static void put_events(struct out *o)
{
	unsigned int column = 0;

	out_line_end(o);
	out_str(o, _("Events:"));
	for (unsigned int i = 1; i < TCPTRACE_EVENT_MAX; i++) {
		if (tcptrace_event_class(i) == TCPTRACE_NOTE)
			continue;
		out_str(o, column++ % 6 ? " " : "\n  ");
		out_str(o, tcptrace_event_name(i));
	}
	out_line_end(o);
}

static void put_rest(struct out *o)
{
	static const struct { const char *command, *text; } examples[] = {
		{ "tcptrace", N_("every step of every TCP socket, until Ctrl-C") },
		{ "tcptrace -P 8080 -x", N_("what goes wrong on port 8080") },
		{ "tcptrace -q -d 10", N_("ten seconds, then the queues of each listener") },
		{ "tcptrace -- curl localhost", N_("what one program does") },
		{ "tcptrace flow -- curl URL", N_("both ends of its connections, step by step") },
		{ "tcptrace -q -w run.tcp; tcptrace -r run.tcp -j", "" },
	};
	char text[512];

	snprintf(text, sizeof(text),
		 _("Limits: %u connections and %u listeners at a time. When a table is full, the oldest connection that "
		   "waits in no queue is forgotten; the last line says how many were. At most %d values in a list."),
		 MODEL_CONNS, MODEL_LISTENERS, FILTER_LIST_MAX);
	out_line_end(o);
	out_wrapped(o, text, 0, width(o));
	out_line_end(o);
	out_str(o, _("Examples:"));
	out_line_end(o);
	for (unsigned int i = 0; i < sizeof(examples) / sizeof(*examples); i++) {
		out_mem(o, "  ", 2);
		out_str_pad(o, examples[i].command, examples[i].text[0] ? 28 : 0);
		out_wrapped_from(o, examples[i].text[0] ? tr(examples[i].text) : "", 30, 30, width(o));
	}
	out_line_end(o);
	out_wrapped(o, _("Exit status: 0 done, 1 failed, 2 wrong usage; of -- PROGRAM its own."), 0, width(o));
}

static void put_usage(struct out *o, const struct command *c, const char *program)
{
	out_str(o, _("Usage:"));
	out_char(o, ' ');
	out_safe(o, program, PUT_SAFE_MAX);
	out_str(o, " [OPTION...] ");
	out_str(o, c ? c->name : "[COMMAND]");
	out_str(o, c && c->argument ? " [NAME]" : "");
	out_line_end(o);
	if (c && !(c->takes & TAKES_PROGRAM))
		return;
	out_str(o, _("  or: "));
	out_char(o, ' ');
	out_safe(o, program, PUT_SAFE_MAX);
	out_str(o, " [OPTION...]");
	if (c) {
		out_char(o, ' ');
		out_str(o, c->name);
		out_str(o, c->argument ? " [NAME]" : "");
	}
	out_str(o, " -- PROGRAM [ARGS...]");
	out_line_end(o);
}

int options_help(const struct command *commands, const struct command *c, const char *program, const char *lang)
{
	struct out o;
	int err = out_open(&o, STDOUT_FILENO);

	if (err)
		return err;
	language_use(lang);
	put_usage(&o, c, program);
	out_wrapped(&o, c ? tr(c->help) :
		    _("Shows what happens in the kernel's TCP sockets: calls, handshakes, both queues of each listener, "
		      "states."), 0, width(&o));
	put_options(&o, c ? c : commands);
	if (!c)
		put_commands(&o, commands);
	if (!c || (c->takes & TAKES_OUTS))
		put_outputs(&o);
	if (!c || (c->takes & TAKES_EVENTS))
		put_events(&o);
	if (!c)
		put_rest(&o);
	err = out_flush(&o);
	out_close(&o);
	return err;
}
