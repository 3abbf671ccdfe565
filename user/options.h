/* SPDX-License-Identifier: GPL-2.0-only */
/* What the user asked for. Filled once, by options_parse(), and then only read. */
#ifndef TCPTRACE_OPTIONS_H
#define TCPTRACE_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "source/source.h"
#include "view/view.h"

#ifndef VERSION
#define VERSION "unknown"		/* the Makefile says it */
#endif

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_CANNOT_RUN = 126, EXIT_NOT_FOUND = 127 };

struct options;

struct command {
	const char *name;
	const char *help;
	int (*run)(struct options *o);		/* exit status */
	bool replays;				/* makes sense with -r */
	bool argument;				/* takes one word: o->argument */
	const char *view;			/* of a stream; NULL: it is none */
};

struct options {
	struct source_config source;
	const char *source_name;		/* --source */
	bool source_set, mechanism_set;
	const struct command *command;		/* never NULL after parsing */
	const char *argument;			/* of the command: lab NAME; NULL: none */
	bool replay;				/* lab --replay */
	bool step, quiz;			/* lab --step, --quiz */
	uint32_t slow;				/* lab --slow N; 0: not asked for */
	char **program;				/* -- PROGRAM ARGS..., NULL: none */
	uint64_t events;			/* -e: bit per event, 0: all */
	bool trouble, quiet, json, no_header, help_fields, check, explain;
	const char *lang;			/* --lang: zh, en; NULL: as the environment says */
	enum view_time time;
	uint64_t duration_ns;			/* -d, 0: no end */
	uint64_t count;				/* -c, 0: no end */
	const char *write_path, *read_path;	/* -w, -r */
	int ready_fd;				/* -1: none */
	bool ipv4, ipv6;
	char error[640];			/* why options_parse() failed */
};

/*
 * commands[0] is what runs without a command; the list ends with a NULL name.
 * 0, or -EINVAL with o->error set. --help, --version and unknown options end the process.
 */
int options_parse(struct options *o, int argc, char **argv, const struct command *commands);

#endif
