/* SPDX-License-Identifier: GPL-2.0-only */
/* What the user asked for. Filled once, by options_parse(), and then only read. */
#ifndef TCPTRACE_OPTIONS_H
#define TCPTRACE_OPTIONS_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>

#include "source/source.h"
#include "view/view.h"

#ifndef VERSION
#define VERSION "unknown"		/* the Makefile says it */
#endif

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_CANNOT_RUN = 126, EXIT_NOT_FOUND = 127 };

#define OUTPUTS_MAX	8u		/* beside the main view */

/* Of -i. */
#define INTERVAL_MIN_NS	200000000ull
#define INTERVAL_MAX_NS	60000000000ull

struct options;

/* Groups of options: each command takes some of them whole. What it does not take is refused, and not in its --help. */
enum {
	TAKES_FILTER	= 1 << 0,	/* which sockets */
	TAKES_EVENTS	= 1 << 1,	/* -e, --io */
	TAKES_TROUBLE	= 1 << 2,	/* -x */
	TAKES_END	= 1 << 3,	/* -d */
	TAKES_JSON	= 1 << 4,
	TAKES_HEADER	= 1 << 5,	/* -H */
	TAKES_TIME	= 1 << 6,	/* -t, -T */
	TAKES_QUIET	= 1 << 7,
	TAKES_EXPLAIN	= 1 << 8,
	TAKES_OUTS	= 1 << 9,	/* -o, --out, --check */
	TAKES_WRITE	= 1 << 10,	/* -w */
	TAKES_READ	= 1 << 11,
	TAKES_SOURCE	= 1 << 12,	/* --source, --mechanism */
	TAKES_LAB	= 1 << 13,	/* --replay, --step, --slow, --quiz */
	TAKES_PROGRAM	= 1 << 14,	/* -- PROGRAM; no option */
	TAKES_LANG	= 1 << 15,
	TAKES_FILES	= 1 << 16,	/* -C, -W */
	TAKES_PAGE	= 1 << 17,	/* --anonymous, --max-size */
	TAKES_TOP	= 1 << 18,	/* -b, -n */
	TAKES_CONNS	= 1 << 19,	/* -a, --ends, --end, --min-bytes, --sort, --wide */
	TAKES_METRICS	= 1 << 20,	/* --listen, --textfile and so on */
	TAKES_USER	= 1 << 21,	/* -u */
	TAKES_LOAD	= 1 << 22,	/* --ring, --priority */
	TAKES_LONG	= 1 << 23,	/* --min-ms */
	TAKES_INTERVAL	= 1 << 24,	/* -i */
	TAKES_COUNT	= 1 << 25,	/* -c */
	TAKES_CSV	= 1 << 26,
	TAKES_RUN	= TAKES_FILTER | TAKES_TROUBLE | TAKES_END | TAKES_COUNT | TAKES_OUTS | TAKES_WRITE | TAKES_FILES |
			  TAKES_READ | TAKES_SOURCE | TAKES_PROGRAM | TAKES_LANG | TAKES_PAGE | TAKES_USER | TAKES_LOAD,
};

struct command {
	const char *name, *help;
	int (*run)(struct options *o);		/* exit status */
	unsigned int takes;			/* TAKES_* */
	bool argument;				/* takes one word: o->argument */
	const char *view;			/* the main view of a run; NULL: it is none */
	const char *form;			/* why it does not take the rest: a clause that ends before the colon */
};

/* One row of the command line. */
struct option_row {
	struct argp_option option;
	unsigned int group;			/* the command must take it; 0: all do */
};

#define OPTION_ROWS_MAX	128u

extern const struct option_row option_rows[];	/* options_table.c; ends with a zeroed row */

/* Keys of options without a letter. */
enum {
	OPT_NETNS = 256, OPT_CGROUP, OPT_SOURCE, OPT_MECHANISM, OPT_IO, OPT_READY_FD, OPT_HELP_FIELDS, OPT_CHECK,
	OPT_REPLAY, OPT_STEP, OPT_SLOW, OPT_QUIZ, OPT_EXPLAIN, OPT_LANG, OPT_OUT, OPT_COMPLETIONS,
	OPT_ANONYMOUS, OPT_MAX_SIZE, OPT_HTML, OPT_ENDS, OPT_CSV, OPT_END, OPT_MIN_MS, OPT_MIN_BYTES, OPT_SORT, OPT_WIDE, OPT_COLOR,
	OPT_ADDR, OPT_COMM, OPT_UNIT, OPT_POD, OPT_CONTAINER, OPT_FAIL_ON, OPT_RING, OPT_PRIORITY,
	OPT_LISTEN, OPT_TEXTFILE, OPT_ONCE, OPT_LABELS, OPT_MAX_LISTENERS, OPT_IDLE, OPT_HISTOGRAMS,
};

enum { FAIL_ON_REFUSED = 1, FAIL_ON_OVERFLOW = 2, FAIL_ON_LOST = 4 };

struct options {
	struct source_config source;
	const char *source_name;		/* --source */
	const struct command *command;		/* never NULL after parsing */
	const char *argument;			/* of the command: lab NAME; NULL: none */
	bool replay;				/* lab --replay */
	const char *exercise;			/* lab check NAME; NULL: none */
	bool step, quiz;			/* lab --step, --quiz */
	uint32_t slow;				/* lab --slow N; 0: not asked for */
	const char *user;			/* -u: of the program; NULL: who called sudo */
	char **program;				/* -- PROGRAM ARGS..., NULL: none */
	uint64_t events;			/* -e: bit per event, 0: all */
	bool trouble, quiet, json, csv, no_header, help_fields, explain, batch;
	const char *completions;		/* --completions: of this shell, and nothing else */
	const char *lang;			/* --lang: zh, en; NULL: as the environment says */
	int color;				/* --color: 1 always, -1 never, 0 on a terminal */
	enum view_time time;
	uint64_t duration_ns;			/* -d, 0: no end */
	uint64_t count;				/* -c, -n; 0: no end */
	bool at_once;				/* -d 0 */
	uint64_t interval_ns;			/* -i, 0: the view's own */
	const char *read_path;			/* -r: the first */
	const char *reads[SOURCE_FILES];	/* all of them */
	unsigned int nreads;
	const char *write_path;			/* -w: of lab; of a run it is one of outs */
	uint64_t file_bytes;			/* -C: of one file of a recording; 0: all in one */
	unsigned int files;			/* -W: so many of them; 0: no end */
	const char *view;			/* the main view's name; NULL: the command is no run */
	const char *path;			/* -o: where the main view goes; NULL: standard output */
	struct {
		const struct view_ops *view;
		const char *path;		/* NULL: into the main view's file */
	} outs[OUTPUTS_MAX];
	unsigned int nouts;
	const char *html_path;			/* --html, of lab */
	bool anonymous;				/* --anonymous, of report */
	uint64_t max_size;			/* --max-size, of report: bytes; 0: its own */
	struct conns_config conns;		/* -a, --ends and so on, of conns */
	struct view_metrics metrics;		/* of metrics */
	unsigned int fail_on;			/* --fail-on: FAIL_ON_*; 0: nothing */
	bool prioritized;			/* --priority: */
	int priority;				/* a nice value */
	int ready_fd;				/* -1: none */
	bool ipv4, ipv6;
	bool given[OPTION_ROWS_MAX];		/* by row of option_rows */
	int at;					/* the word of the command line that is parsed */
	char error[640];			/* why options_parse() failed */
};

/*
 * commands[0] is what runs without a command; the list ends with a NULL name.
 * 0, or -EINVAL with o->error set. --help and --version end the process.
 */
int options_parse(struct options *o, int argc, char **argv, const struct command *commands);

/* The words that the option takes as its value: the ith, or NULL past the last; of an option with none, always. */
const char *option_word(int key, unsigned int i);
bool option_takes_list(int key);		/* several of them, a comma between two */

/* Prints it, in that language (NULL: as the environment says): 0 or -errno. */
int options_help(const struct command *commands, const struct command *c, const char *program, const char *lang);

#endif
