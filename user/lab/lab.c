// SPDX-License-Identifier: GPL-2.0-only
/* `tcptrace lab`: which experiments there are, and the order of things in one. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/tr.h"
#include "../lib/wrap.h"
#include "../run/signals.h"
#include "../talk.h"
#include "ahead.h"
#include "run.h"

#define ROW(symbol) &lab_##symbol,
static const struct lab *const experiments[] = { LABS(ROW) };
#undef ROW

#define LAB_COUNT	(sizeof(experiments) / sizeof(experiments[0]))

static const char *const others[] = { "all", "tutorial", "play", "check", NULL };

const char *lab_name(unsigned int i)
{
	return i < LAB_COUNT ? experiments[i]->name : others[i - LAB_COUNT];
}

static void list(struct out *out)
{
	unsigned int columns = lab_columns(out);

	for (size_t i = 0; i < LAB_COUNT; i++) {
		out_mem(out, "  ", 2);
		out_str_pad(out, experiments[i]->name, 14);
		out_wrapped_from(out, tr(experiments[i]->question), 16, 16, columns);
	}
	out_line_end(out);
	out_wrapped(out, _("sudo tcptrace lab NAME runs one, sudo tcptrace lab all runs them all; sudo "
			   "tcptrace lab tutorial tries the sentences of a tutorial, one after the other; sudo "
			   "tcptrace lab play is a server to play with, by keys. Without root, tcptrace lab "
			   "--replay NAME shows a recorded run, tcptrace lab --quiz asks what you think."), 0, columns);
}

int lab_perform(struct lab_run *r, struct options *o, const struct lab *lab)
{
	int err;

	*r = (struct lab_run){ .lab = lab, .o = o, .ok = true, .replay = o->replay || o->read_path };
	err = r->replay ? lab_load(r) : ahead_take(r);
	if (err == -ENOENT && !r->replay)	/* the usual case */
		err = lab_capture(r, o);
	if (!err && r->ok)
		lab->judge(r);
	return err;
}

void lab_forget(struct lab_run *r)
{
	if (r->model)
		model_free(r->model);
	free(r->records);
	free(r->events);
}

static int step_through(struct session *s, struct lab_run *r)
{
	int err = lab_step(s->out, r, s->o->slow);

	if (err == -ENOTTY)
		talk(_("lab: --step and --slow want a terminal, to draw on and for keys"));
	return signal_flags.end ? -EINTR : err;
}

static int show(struct session *s, struct lab_run *r)
{
	int err = 0;

	if (s->o->quiz && r->ok) {
		for (unsigned int i = 0; i < r->nclaims && !s->quiz.stopped; i++)
			quiz_claim(&s->quiz, &r->claims[i], s->out);
		return 0;
	}
	if (s->o->step || s->o->slow)
		err = step_through(s, r);
	if (!err && s->o->json)
		lab_show_json(s->out, r);
	else if (!err)
		lab_show_text(s->out, r);
	out_flush(s->out);
	return err;
}

/* 0: it was run; or why the whole must end. */
static int run_one(struct session *s, const struct lab *lab)
{
	struct lab_run r;
	int err = lab_perform(&r, s->o, lab), shown = err == -EINTR ? 0 : show(s, &r);

	err = err ? err : shown;
	if (!err && s->o->html_path) {
		err = lab_show_page(&r, s->o->html_path);
		if (err)
			talk(_("cannot write '%s': %s"), s->o->html_path, strerror(-err));
	}
	if (!err && s->o->write_path) {
		err = lab_save(&r, s->o->write_path);
		if (err)
			talk(_("cannot write '%s': %s"), s->o->write_path, strerror(-err));
	}
	tally_run(&s->tally, &r);
	lab_forget(&r);
	return err;
}

static int check_root(const struct options *o)
{
	bool lists = !strcmp(o->argument, "check") && !o->program;

	if (o->replay || o->read_path || lists || !geteuid())
		return 0;
	talk(_("lab: you are not root: an experiment makes a network namespace and traces it; run it with "
	       "sudo, or see a recorded run: tcptrace lab --replay %s"), o->argument);
	return -EPERM;
}

static int run_chosen(struct session *s)
{
	bool all = !strcmp(s->o->argument, "all");
	int err = 0;

	if (!strcmp(s->o->argument, "tutorial"))
		return run_tutorial(s);
	if (!strcmp(s->o->argument, "play"))
		return run_play(s);
	if (!strcmp(s->o->argument, "check"))
		return run_check(s);
	if (all)
		ahead_start(s->o, experiments, LAB_COUNT);
	for (size_t i = 0; !err && i < LAB_COUNT && !s->quiz.stopped; i++) {
		if (!all && strcmp(s->o->argument, experiments[i]->name))
			continue;
		err = run_one(s, experiments[i]);
		if (signal_flags.end)
			err = -EINTR;
	}
	if (!err && all && !s->o->json && !s->o->quiz)
		tally_show(&s->tally, s->out, N_("%u claims: %u confirmed, %u depend, %u refuted"));
	return err;
}

static int run(struct options *o, struct out *out)
{
	struct session s = { .o = o, .out = out };
	int err = check_root(o);

	if (!err && o->quiz)
		quiz_open(&s.quiz, out);
	if (!err)
		err = run_chosen(&s);
	ahead_stop();
	if (o->quiz)
		quiz_close(&s.quiz, out);
	if (err == -EINTR)
		talk(_("lab: interrupted"));
	if (s.usage)
		return EXIT_USAGE;
	return err || s.tally.failed ? EXIT_FAILED : EXIT_OK;
}

static bool is_known(const char *name)
{
	const char *one;

	for (unsigned int i = 0; (one = lab_name(i)); i++) {
		if (!strcmp(one, name))
			return true;
	}
	return false;
}

int run_lab(struct options *o)
{
	int status = EXIT_OK;
	struct out out;

	if (o->quiz && !o->argument) {		/* at once, by anybody */
		o->argument = "tutorial";
		o->replay = true;
	}
	if (o->argument && !is_known(o->argument)) {
		talk(_("lab: there is no experiment '%s'; 'tcptrace lab' lists them"), o->argument);
		return EXIT_USAGE;
	}
	if (out_open(&out, STDOUT_FILENO))
		return EXIT_FAILED;
	signals_catch(NULL);
	if (o->argument)
		status = run(o, &out);
	else
		list(&out);
	if (talk_written(out_flush(&out)))
		status = EXIT_FAILED;
	out_close(&out);
	return status;
}
