/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command line. Every value is checked whole, and what cannot work
 * together is refused: an option that is silently ignored lies.
 */
#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/parse.h"
#include "names.h"
#include "options.h"

const char *argp_program_version = "tcptrace " VERSION;

enum {
	KEY_NETNS = 256, KEY_CGROUP, KEY_SOURCE, KEY_MECHANISM, KEY_IO, KEY_READY_FD, KEY_HELP_FIELDS, KEY_CHECK,
	KEY_REPLAY, KEY_EXPLAIN, KEY_LANG, KEY_STEP, KEY_SLOW, KEY_QUIZ,
};

static const struct argp_option option_table[] = {
	{ NULL, 0, NULL, 0, "What to look at (lists are ORed, options are ANDed):", 1 },
	{ "pid", 'p', "PID,...", 0, "sockets of these processes", 1 },
	{ "port", 'P', "PORT,...", 0, "local ports", 1 },
	{ "localport", 'P', NULL, OPTION_ALIAS | OPTION_HIDDEN, NULL, 1 },
	{ "remote-port", 'D', "PORT,...", 0, "remote ports", 1 },
	{ "remoteport", 'D', NULL, OPTION_ALIAS | OPTION_HIDDEN, NULL, 1 },
	{ "ipv4", '4', NULL, 0, "IPv4 sockets", 1 },
	{ "ipv6", '6', NULL, 0, "IPv6 sockets, v4-mapped ones too", 1 },
	{ "netns", KEY_NETNS, "PID|INUM", 0,
	  "one network namespace: of this process, or by inode number (above 4194304, the largest PID)", 1 },
	{ "cgroup", KEY_CGROUP, "PATH", 0, "processes of this cgroup v2 folder and those below", 1 },
	{ "event", 'e', "EVENT,...", 0, "show only these events", 1 },
	{ "trouble", 'x', NULL, 0, "show only trouble: drops, overflows, resets, retransmits, errors", 1 },
	{ "io", KEY_IO, NULL, 0, "read and write events too", 1 },
	{ NULL, 0, NULL, 0, "When to end:", 2 },
	{ "duration", 'd', "SECONDS", 0, "after this time (decimals allowed)", 2 },
	{ "count", 'c', "COUNT", 0, "after this many events shown", 2 },
	{ NULL, 0, NULL, 0, "How to show it:", 3 },
	{ "json", 'j', NULL, 0, "one JSON object a line", 3 },
	{ "no-header", 'H', NULL, 0, "no header line", 3 },
	{ "timestamp", 't', NULL, 0, "seconds since the start", 3 },
	{ "time", 'T', NULL, 0, "wall clock", 3 },
	{ "quiet", 'q', NULL, 0, "no events, only the summary", 3 },
	{ "explain", KEY_EXPLAIN, NULL, 0, "below each event what the kernel just did, where, and why it matters", 3 },
	{ "lang", KEY_LANG, "LANG", 0, "zh or en, of --explain, flow and lab; otherwise as LANG says", 3 },
	{ NULL, 0, NULL, 0, "Where it comes from and goes to:", 4 },
	{ "write", 'w', "FILE", 0, "record too (-: standard output, then nothing else is written there)", 4 },
	{ "read", 'r', "FILE", 0, "replay a recording (-: standard input); needs no root", 4 },
	{ "source", KEY_SOURCE, "NAME", 0, "auto, bpf or kmod", 4 },
	{ "mechanism", KEY_MECHANISM, "NAME", 0, "auto, fentry, kprobe or tracepoint", 4 },
	{ "check", KEY_CHECK, NULL, 0,
	  "at the end compare what was counted with the kernel's own counters; exit status 1 if they differ", 4 },
	{ "replay", KEY_REPLAY, NULL, 0, "of lab: show the run that ships with tcptrace; needs no root", 4 },
	{ "step", KEY_STEP, NULL, 0, "of lab: show its steps one by one, at a key", 4 },
	{ "slow", KEY_SLOW, "N", 0, "of lab: show them in time that is N times slower", 4 },
	{ "quiz", KEY_QUIZ, NULL, 0, "of lab: what do you think? before each verdict", 4 },
	{ "verbose", 'v', NULL, 0, "say more on standard error", 4 },
	{ "help-fields", KEY_HELP_FIELDS, NULL, 0, "explain the columns and the keys of JSON", 4 },
	{ "ready-fd", KEY_READY_FD, "FD", OPTION_HIDDEN, "write a newline there when attached", 4 },
	{ 0 },
};

static const struct command *command_table;

__attribute__((format(printf, 2, 3)))
static int refuse(struct options *o, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(o->error, sizeof(o->error), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* Calls take() for each part between commas; "" and ",," are refused by it. */
static int each_part(struct options *o, const char *list, int (*take)(struct options *, const char *, int), int key)
{
	char *copy = strdup(list), *part = copy, *comma;
	int err = copy ? 0 : refuse(o, "out of memory");

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

static int take_pid(struct options *o, const char *s, int key)
{
	struct filter *f = &o->source.filter;
	uint64_t v;
	uint32_t i;

	(void)key;
	if (parse_u64(s, 1, INT_MAX, &v))
		return refuse(o, "-p '%s': not a process number", s);
	for (i = 0; i < f->npids; i++) {
		if (f->pids[i] == v)
			return 0;
	}
	if (f->npids == FILTER_LIST_MAX)
		return refuse(o, "-p '%s': more than %d processes", s, FILTER_LIST_MAX);
	f->pids[f->npids++] = (uint32_t)v;
	return 0;
}

static int take_port(struct options *o, const char *s, int key)
{
	struct filter *f = &o->source.filter;
	uint16_t *list = key == 'P' ? f->lports : f->rports;
	uint32_t i, *n = key == 'P' ? &f->nlports : &f->nrports;
	uint64_t v;

	if (parse_u64(s, 1, 65535, &v))
		return refuse(o, "-%c '%s': not a port; ports are 1 to 65535", key, s);
	for (i = 0; i < *n; i++) {
		if (list[i] == v)
			return 0;
	}
	if (*n == FILTER_LIST_MAX)
		return refuse(o, "-%c '%s': more than %d ports", key, s, FILTER_LIST_MAX);
	list[(*n)++] = (uint16_t)v;
	return 0;
}

/* Notes of the capture side are none that a user could ask for. */
static bool is_shown(unsigned int event)
{
	return tcptrace_event_class(event) != TCPTRACE_NOTE;
}

static int take_event(struct options *o, const char *s, int key)
{
	int event = tcptrace_event_by_name(s);
	char valid[512] = "";
	unsigned int i;
	size_t n = 0;

	(void)key;
	if (event > 0 && is_shown(event)) {
		o->events |= 1ull << event;
		return 0;
	}
	for (i = 1; i < TCPTRACE_EVENT_MAX && n < sizeof(valid); i++)
		if (is_shown(i))
			n += (size_t)snprintf(valid + n, sizeof(valid) - n, " %s", tcptrace_event_name(i));
	return refuse(o, "-e '%.32s': no such event; there are%s", s, valid);
}

static int take_number(struct options *o, int key, const char *s)
{
	uint64_t v;
	int err;

	switch (key) {
	case 'd':
		err = parse_seconds(s, &o->duration_ns);
		if (err == -ERANGE)
			return refuse(o, "-d '%s': out of range; more than 0 and at most ten years", s);
		return err ? refuse(o, "-d '%s': not a number of seconds", s) : 0;
	case 'c':
		if (parse_u64(s, 1, UINT64_MAX, &o->count))
			return refuse(o, "-c '%s': not a number of events; 1 or more", s);
		return 0;
	case KEY_SLOW:
		if (parse_u64(s, 1, 1000000, &v))
			return refuse(o, "--slow '%s': not a factor; 1 to 1000000", s);
		o->slow = (uint32_t)v;
		return 0;
	default:
		if (parse_u64(s, 0, INT_MAX, &v))
			return refuse(o, "--ready-fd '%s': not a file descriptor", s);
		o->ready_fd = (int)v;
		return 0;
	}
}

static int take_name(struct options *o, int key, const char *s)
{
	if (key == KEY_MECHANISM) {
		o->mechanism_set = true;
		if (!mechanism_by_name(s, &o->source.mechanism))
			return refuse(o, "--mechanism '%s': there are auto, fentry, kprobe, tracepoint", s);
		return 0;
	}
	o->source_set = true;
	o->source_name = s;
	if (strcmp(s, "auto") && strcmp(s, "bpf") && strcmp(s, "kmod"))
		return refuse(o, "--source '%s': there are auto, bpf, kmod", s);
	if (!source_by_name(s))
		return refuse(o, "--source '%s': not in this build", s);
	return 0;
}

static int take_flag(struct options *o, int key)
{
	switch (key) {
	case '4': o->ipv4 = true; return 0;
	case '6': o->ipv6 = true; return 0;
	case 'x': o->trouble = true; return 0;
	case 'j': o->json = true; return 0;
	case 'H': o->no_header = true; return 0;
	case 't': o->time = VIEW_TIME_START; return 0;
	case 'T': o->time = VIEW_TIME_WALL; return 0;
	case 'q': o->quiet = true; return 0;
	case 'v': o->source.verbose = true; return 0;
	case KEY_IO: o->source.io = true; return 0;
	case KEY_HELP_FIELDS: o->help_fields = true; return 0;
	case KEY_CHECK: o->check = true; return 0;
	case KEY_EXPLAIN: o->explain = true; return 0;
	case KEY_REPLAY: o->replay = true; return 0;
	case KEY_STEP: o->step = true; return 0;
	case KEY_QUIZ: o->quiz = true; return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static int take_command(struct options *o, const char *s)
{
	const struct command *c;

	if (o->command && o->command->argument && !o->argument) {
		o->argument = s;
		return 0;
	}
	if (o->command)
		return refuse(o, "'%s': one command only, '%s' is given already", s, o->command->name);
	for (c = command_table + 1; c->name; c++) {
		if (!strcmp(s, c->name)) {
			o->command = c;
			return 0;
		}
	}
	return refuse(o, "'%s': no such command; to run a program and follow it: tcptrace -- %s", s, s);
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

/* 0, or a sentence in o->error. */
static int take(struct options *o, int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'p':
		return each_part(o, arg, take_pid, key);
	case 'P': case 'D':
		return each_part(o, arg, take_port, key);
	case 'e':
		return each_part(o, arg, take_event, key);
	case 'd': case 'c': case KEY_READY_FD: case KEY_SLOW:
		return take_number(o, key, arg);
	case KEY_SOURCE: case KEY_MECHANISM:
		return take_name(o, key, arg);
	case KEY_LANG:
		o->lang = arg;
		return strcmp(arg, "zh") && strcmp(arg, "en") ?
		       refuse(o, "--lang '%s': there are zh and en", arg) : 0;
	case KEY_NETNS:
		return netns_by_name(arg, &o->source.filter.netns, o->error, sizeof(o->error));
	case KEY_CGROUP:
		return cgroup_by_path(arg, &o->source.filter.cgroup, o->error, sizeof(o->error));
	case 'w':
		o->write_path = arg;
		return 0;
	case 'r':
		o->read_path = arg;
		return 0;
	case ARGP_KEY_ARG:
		return take_argument(o, state, arg);
	case ARGP_KEY_END:
		if (!o->program && state->argc > 1 && !strcmp(state->argv[state->argc - 1], "--"))
			return refuse(o, "--: no program to run behind it");
		return 0;
	}
	return take_flag(o, key);
}

/* argp goes on after an error of a value unless it is told to stop. */
static error_t parse_one(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	int err = take(o, key, arg, state);

	return err == ARGP_ERR_UNKNOWN ? ARGP_ERR_UNKNOWN : err ? EINVAL : 0;
}

/* The kernel counts by namespace: whoever looks at less cannot compare. */
static int check_whole(struct options *o)
{
	const struct filter *f = &o->source.filter;

	if (o->read_path)
		return refuse(o, "--check: a recording has no kernel to compare with");
	if (o->program || f->npids || f->nlports || f->nrports || f->family || f->cgroup)
		return refuse(o, "--check compares whole namespaces: of the filters only --netns goes with it");
	return 0;
}

/* An experiment brings its own traffic: nothing is left to choose. */
static int check_lab(struct options *o)
{
	const struct filter *f = &o->source.filter;

	if (f->npids || f->nlports || f->nrports || f->family || f->netns || f->cgroup || o->events || o->trouble)
		return refuse(o, "'lab' makes its own traffic and chooses what to show of it: no filters with it");
	if (o->duration_ns || o->count || o->quiet || o->check || o->source.io || o->time != VIEW_TIME_NONE)
		return refuse(o, "'lab' ends by itself and has its own form: of -d -c -q -t -T --io --check none goes "
			      "with it");
	if ((o->step || o->slow || o->quiz) && o->json)
		return refuse(o, "--step, --slow and --quiz are for people: they do not go together with -j");
	if (o->quiz && (o->step || o->slow))
		return refuse(o, "--quiz does not go together with --step and --slow");
	if (o->replay && (o->source_set || o->mechanism_set || o->write_path))
		return refuse(o, "--replay shows a recorded run; --source, --mechanism and -w are for a new one");
	if ((o->replay || o->write_path) && (!o->argument || (o->write_path && !strcmp(o->argument, "all"))))
		return refuse(o, "%s: which experiment? tcptrace lab lists them", o->replay ? "--replay" : "-w");
	return 0;
}

static bool is_flow(const struct options *o)
{
	return o->command->view && !strcmp(o->command->view, "flow");
}

/* A ladder has a form of its own, and all its steps. */
static int check_flow(struct options *o)
{
	if (o->json)
		return refuse(o, "'flow' draws; for JSON leave it out: tcptrace -j");
	if (o->quiet || o->events || o->time != VIEW_TIME_NONE)
		return refuse(o, "'flow' shows whole connections, in their own time: of -q -e -t -T none goes with it");
	return o->check ? check_whole(o) : 0;
}

/* What cannot work together. */
static int check_together(struct options *o)
{
	if (o->program && o->command && !o->command->view)
		return refuse(o, "'%s' and a program to run do not go together", o->command->name);
	if (!o->command)
		o->command = command_table;
	if (o->read_path) {
		if (o->program)
			return refuse(o, "-r replays a recording; it runs no program");
		if (!o->command->replays)
			return refuse(o, "-r does not go together with '%s'", o->command->name);
		if (o->source_set || o->mechanism_set)
			return refuse(o, "-r replays a recording; --source and --mechanism choose how to capture");
		if (o->source.filter.cgroup)
			return refuse(o, "--cgroup: a recording has no cgroups; it filters while capturing");
		if (o->source.io)
			return refuse(o, "--io: a replay shows what was recorded; use --io while recording");
	}
	if (o->program && o->source.filter.npids)
		return refuse(o, "-p and a program to run do not go together");
	if (o->write_path && !strcmp(o->write_path, "-") && o->json)
		return refuse(o, "-w - and -j both want standard output");
	if (o->explain && (o->json || o->quiet || !o->command->view))
		return refuse(o, "--explain goes with events and ladders, and not with -j or -q");
	if (o->lang && !o->explain && !is_flow(o) && !o->command->argument)
		return refuse(o, "--lang is the language of --explain, flow and lab");
	if (o->command->argument)
		return check_lab(o);
	if (o->step || o->slow || o->quiz)
		return refuse(o, "--step, --slow and --quiz are for the experiments: tcptrace lab NAME --step");
	if (o->replay)
		return refuse(o, "--replay is for the experiments: tcptrace lab --replay NAME; for a recording of yours: -r");
	if (o->write_path && o->command != command_table)
		return refuse(o, "-w does not go together with '%s'", o->command->name);
	if (is_flow(o))
		return check_flow(o);
	return o->check ? check_whole(o) : 0;
}

/* The commands that exist, and the limits, go into --help from where they are decided. */
static char *help_text(int key, const char *text, void *input)
{
	const struct command *c;
	unsigned int column = 0;
	char *buf;
	size_t n;
	FILE *f;

	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)(uintptr_t)text;
	f = open_memstream(&buf, &n);
	if (!f)
		return NULL;
	fprintf(f, "Commands:\n");
	for (c = command_table + 1; c->name; c++)
		fprintf(f, "  %-11s %s\n", c->name, c->help);
	fprintf(f, "\nEvents:");
	for (key = 1; key < TCPTRACE_EVENT_MAX; key++)
		if (is_shown((unsigned int)key))
			fprintf(f, "%s%s", column++ % 6 ? " " : "\n  ", tcptrace_event_name((unsigned int)key));
	fprintf(f, "\n\nLimits: %u connections and %u listeners at a time. When a table is\n"
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
	fclose(f);
	return buf;
}

int options_parse(struct options *o, int argc, char **argv, const struct command *commands)
{
	static const struct argp argp = {
		.options = option_table,
		.parser = parse_one,
		.args_doc = "[COMMAND]\n-- PROGRAM [ARGS...]",
		.doc = "Shows what happens in the kernel's TCP sockets: calls, handshakes, both queues of "
		       "each listener, states.\v ",
		.help_filter = help_text,
	};
	int err;

	memset(o, 0, sizeof(*o));
	o->source_name = "auto";
	o->ready_fd = -1;
	command_table = commands;
	argp_err_exit_status = EXIT_USAGE;
	/* In order: otherwise a command before "--" would move behind it and be run as a program. */
	err = argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, o);
	if (err)
		return o->error[0] ? -EINVAL : refuse(o, "%s", strerror(err));
	if (o->ipv4 != o->ipv6)
		o->source.filter.family = o->ipv4 ? 4 : 6;
	o->source.path = o->read_path;
	if (o->write_path && !strcmp(o->write_path, "-"))
		o->quiet = true;
	return check_together(o);
}
