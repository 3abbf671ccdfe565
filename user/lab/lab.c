// SPDX-License-Identifier: GPL-2.0-only
/* `tcptrace lab`: which experiments there are, and the order of things in one. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../run/signals.h"
#include "../talk.h"
#include "run.h"

static const struct lab *const experiments[] = {
	&lab_lifecycle,
	&lab_handshake,
	&lab_backlog,
	&lab_synqueue,
	&lab_overflow,
	&lab_blocking,
	&lab_bind,
	&lab_close,
	&lab_reuseport,
	&lab_fastopen,
	&lab_defer_accept,
};

#define LABS	(sizeof(experiments) / sizeof(experiments[0]))

const char *lab_name(unsigned int i)
{
	return i < LABS ? experiments[i]->name : NULL;
}

static const struct lab *by_name(const char *name)
{
	for (size_t i = 0; i < LABS; i++) {
		if (!strcmp(experiments[i]->name, name))
			return experiments[i];
	}
	return NULL;
}

static void list(struct out *out)
{
	for (size_t i = 0; i < LABS; i++) {
		out_mem(out, "  ", 2);
		out_str_pad(out, experiments[i]->name, 14);
		out_str(out, experiments[i]->question);
		out_line_end(out);
	}
	out_str(out, "\nsudo tcptrace lab NAME runs one, sudo tcptrace lab all runs them all; without root,\n"
		"tcptrace lab --replay NAME shows a recorded run.\n");
}

/* 0: what the text says is what was seen; or why the whole must end. */
static int run_one(struct options *o, const struct lab *lab, struct out *out, bool *ok)
{
	struct lab_run r = { .lab = lab, .o = o, .ok = true, .replay = o->replay };
	int err = o->replay ? lab_load(&r) : lab_capture(&r, o);

	if (!err && r.ok)
		lab->judge(&r);
	if (err != -EINTR) {
		if (o->json)
			lab_show_json(out, &r);
		else
			lab_show_text(out, &r);
		out_flush(out);
	}
	if (!err && o->write_path) {
		err = lab_save(&r, o->write_path);
		if (err)
			talk("cannot write '%s': %s", o->write_path, strerror(-err));
	}
	if (!r.ok)
		*ok = false;
	if (r.model)
		model_free(r.model);
	free(r.records);
	free(r.events);
	return err;
}

static int check_root(const struct options *o)
{
	if (o->replay || !geteuid())
		return 0;
	talk("lab: you are not root: an experiment makes a network namespace and traces it; run it with sudo, "
	     "or see a recorded run: tcptrace lab --replay %s", o->argument);
	return -EPERM;
}

static int run_chosen(struct options *o, struct out *out)
{
	bool all = !strcmp(o->argument, "all"), ok = true;
	int err = check_root(o);

	for (size_t i = 0; !err && i < LABS; i++) {
		if (!all && strcmp(o->argument, experiments[i]->name))
			continue;
		err = run_one(o, experiments[i], out, &ok);
		if (signal_flags.end)
			err = -EINTR;
	}
	if (err == -EINTR)
		talk("lab: interrupted");
	return err || !ok ? EXIT_FAILED : EXIT_OK;
}

int run_lab(struct options *o)
{
	int status = EXIT_OK;
	struct out out;

	if (o->argument && strcmp(o->argument, "all") && !by_name(o->argument)) {
		talk("lab: there is no experiment '%s'; 'tcptrace lab' lists them", o->argument);
		return EXIT_USAGE;
	}
	if (out_open(&out, STDOUT_FILENO))
		return EXIT_FAILED;
	signals_catch(false);
	if (o->argument)
		status = run_chosen(o, &out);
	else
		list(&out);
	if (out_flush(&out) && out.error != -EPIPE)
		status = EXIT_FAILED;
	out_close(&out);
	return status;
}
