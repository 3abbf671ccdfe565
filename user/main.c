/* SPDX-License-Identifier: GPL-2.0-only */
/* tcptrace: which commands there are, and the order of things. */
#include <stdio.h>
#include <unistd.h>

#include "doctor.h"
#include "lab/run.h"
#include "language.h"
#include "options.h"
#include "run.h"
#include "talk.h"
#include "view/field.h"

static const struct command commands[] = {
	{ "stream", "show events until Ctrl-C, then a summary (the default)", run_stream, true, false, "table" },
	{ "flow", "each connection as a ladder, when it is over", run_stream, true,
	  false, "flow" },
	{ "listeners", "both queues of every listener now, like ss -ltn", run_listeners, true },
	{ "doctor", "how each hook is attached, why not better, what that loses", run_doctor, false },
	{ "lab", "experiments that show how TCP sockets work: lab NAME, lab all; lab lists them", run_lab, false, true },
	{ 0 },
};

static int print_fields(void)
{
	struct out out;
	int err = out_open(&out, STDOUT_FILENO);

	if (!err) {
		fields_help(&out);
		err = out_flush(&out);
		out_close(&out);
	}
	return err ? EXIT_FAILED : EXIT_OK;
}

int main(int argc, char **argv)
{
	static struct options options;

	language_encoding();
	if (options_parse(&options, argc, argv, commands)) {
		talk("%s", options.error);
		fputs("Try 'tcptrace --help'.\n", stderr);
		return EXIT_USAGE;
	}
	if (options.help_fields)
		return print_fields();
	if (!options.json)			/* for programs: the same words everywhere */
		language_use(options.lang);
	return options.command->run(&options);
}
