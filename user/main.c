// SPDX-License-Identifier: GPL-2.0-only
/* tcptrace: which commands there are, and the order of things. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "completion.h"
#include "lib/clock.h"
#include "lab/run.h"
#include "language.h"
#include "lib/tr.h"
#include "options.h"
#include "run/doctor.h"
#include "run/run.h"
#include "talk.h"
#include "view/field.h"
#include "view/top/rows.h"

static const struct command commands[] = {
	{
		.name = "stream", .help = N_("show events until Ctrl-C, then a summary (the default)"),
		.run = run_stream, .view = "table",
		.takes = TAKES_RUN | TAKES_INTERVAL | TAKES_EVENTS | TAKES_JSON | TAKES_HEADER | TAKES_TIME | TAKES_QUIET |
			 TAKES_EXPLAIN | TAKES_LONG | TAKES_CSV,
		.form = N_("a stream of events"),
	}, {
		.name = "top", .help = N_("a screen: listeners, their queues and rates, what is wrong; Enter shows more"),
		.run = run_stream, .view = "top",
		.takes = TAKES_TOP | TAKES_INTERVAL | TAKES_FILTER | TAKES_TROUBLE | TAKES_END | TAKES_JSON | TAKES_HEADER |
			 TAKES_QUIET | TAKES_EXPLAIN | TAKES_OUTS | TAKES_WRITE | TAKES_FILES | TAKES_READ | TAKES_SOURCE |
			 TAKES_LANG | TAKES_PAGE | TAKES_CSV,
		.form = N_("'top' shows listeners"),
	}, {
		.name = "flow", .help = N_("each connection as a ladder, when it is over"),
		.run = run_stream, .view = "flow",
		.takes = TAKES_RUN | TAKES_HEADER | TAKES_EXPLAIN | TAKES_LONG,
		.form = N_("'flow' shows whole connections, in their own time"),
	}, {
		.name = "conns", .help = N_("one line a connection, when it is over, and how it ended"),
		.run = run_stream, .view = "conns",
		.takes = TAKES_RUN | TAKES_INTERVAL | TAKES_CONNS | TAKES_LONG | TAKES_JSON | TAKES_HEADER | TAKES_TIME |
			 TAKES_QUIET | TAKES_CSV,
		.form = N_("'conns' shows whole connections"),
	}, {
		.name = "report", .help = N_("a page for a browser: verdict, queues over time, connections, replay"),
		.run = run_stream, .view = "report",
		.takes = TAKES_RUN & ~(TAKES_TROUBLE | TAKES_COUNT),
		.form = N_("'report' makes one page of the whole run"),
	}, {
		.name = "perfetto", .help = N_("a trace for the UI of Perfetto"),
		.run = run_stream, .view = "perfetto",
		.takes = TAKES_RUN & ~(TAKES_TROUBLE | TAKES_COUNT),
		.form = N_("'perfetto' writes one trace of the whole run"),
	}, {
		.name = "metrics", .help = N_("numbers of each listener for Prometheus, at http://127.0.0.1:9817/metrics"),
		.run = run_stream, .view = "metrics",
		.takes = TAKES_METRICS | TAKES_INTERVAL | (TAKES_RUN & ~(TAKES_TROUBLE | TAKES_COUNT | TAKES_PROGRAM | TAKES_USER |
									 TAKES_PAGE | TAKES_LANG)),
		.form = N_("'metrics' answers who asks for numbers"),
	}, {
		.name = "listeners", .help = N_("both queues of every listener now, like ss -ltn"),
		.run = run_listeners,
		.takes = TAKES_FILTER | TAKES_JSON | TAKES_CSV | TAKES_HEADER | TAKES_READ | TAKES_SOURCE,
		.form = N_("'listeners' shows one moment"),
	}, {
		.name = "doctor", .help = N_("how each hook is attached, why not better, what that loses"),
		.run = run_doctor,
		.takes = TAKES_FILTER | TAKES_JSON | TAKES_HEADER | TAKES_SOURCE | TAKES_EVENTS | TAKES_TROUBLE |
			 TAKES_QUIET | TAKES_LANG,
		.form = N_("'doctor' shows no traffic"),
	}, {
		.name = "lab",
		.help = N_("experiments that show how TCP sockets work: lab NAME, all, tutorial, play, check; lab lists them"),
		.run = run_lab, .argument = true,
		.takes = TAKES_JSON | TAKES_WRITE | TAKES_SOURCE | TAKES_LAB | TAKES_LANG | TAKES_PROGRAM | TAKES_READ,
		.form = N_("'lab' makes its own traffic, ends by itself and has its own form"),
	}, { 0 }
};

static int print_fields(void)
{
	struct out out;
	int err = out_open(&out, STDOUT_FILENO);

	if (!err) {
		fields_help(&out);
		top_columns_help(&out);
		err = out_flush(&out);
		out_close(&out);
	}
	return talk_written(err) ? EXIT_FAILED : EXIT_OK;
}

static int print_completions(const char *shell)
{
	if (!completion_print(stdout, commands, shell)) {
		talk(_("--completions '%s': there are bash, zsh and fish"), shell);
		return EXIT_USAGE;
	}
	return talk_written(fflush(stdout) ? -errno : 0) ? EXIT_FAILED : EXIT_OK;
}

/* A file of ours that got one of their numbers would be written into: reading and writing there fails instead. */
static void fill_standard(void)
{
	static const int closed[] = { O_WRONLY, O_RDONLY, O_RDONLY };

	for (int fd = 0; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", closed[fd]) != fd)
			exit(EXIT_FAILED);
	}
}

int main(int argc, char **argv)
{
	static struct options options;

	fill_standard();
	clock_init();
	language_encoding();
	language_use(NULL);		/* for what is wrong with the options */
	if (options_parse(&options, argc, argv, commands)) {
		talk("%s", options.error);
		fprintf(stderr, "%s\n", _("Try 'tcptrace --help'."));
		return EXIT_USAGE;
	}
	if (options.completions)
		return print_completions(options.completions);
	/* JSON has the same words everywhere; a page beside it is for people */
	language_use(options.json && !options.nouts ? "en" : options.lang);
	if (options.help_fields)
		return print_fields();
	return options.command->run(&options);
}
