// SPDX-License-Identifier: GPL-2.0-only
/* What cannot work together is refused: an option that is silently ignored lies. */
#include <errno.h>
#include <string.h>

#include "lib/tr.h"
#include "options_take.h"
#include "run/views.h"

static const struct option_row *row_of(int key)
{
	const struct option_row *row = option_rows;

	while (row->option.key != key)
		row++;
	return row;
}

static bool is_given(const struct options *o, int key)
{
	return o->given[row_of(key) - option_rows];
}

static int refuse_row(struct options *o, const struct argp_option *option)
{
	if (option->key < 128)
		return options_refuse(o, _("%s: -%c does not go with it"), tr(o->command->form), option->key);
	return options_refuse(o, _("%s: --%s does not go with it"), tr(o->command->form), option->name);
}

static int check_taken(struct options *o)
{
	const struct command *c = o->command;

	for (unsigned int i = 0; i < OPTION_ROWS_MAX; i++) {
		if (o->given[i] && option_rows[i].group && !(option_rows[i].group & c->takes))
			return refuse_row(o, &option_rows[i].option);
	}
	if (o->program && !(c->takes & TAKES_PROGRAM))
		return options_refuse(o, _("'%s' and a program to run do not go together"), c->name);
	return 0;
}

/* What can tell two machines apart shows both; the rest would mix them up. */
static int check_several(struct options *o)
{
	const struct view_ops *main = o->view ? views_by_name(o->view) : NULL;

	if (!main || !main->hosts)
		return options_refuse(o, _("-r '%s': one recording at a time, but with flow, conns, top and -j, which join those of "
				      "several machines; those of several runs on one machine: cat them into one"), o->reads[1]);
	for (unsigned int i = 0; i < o->nouts; i++) {
		if (!o->outs[i].view->hosts)
			return options_refuse(o, _("-r '%s': several recordings go into flow, conns, top and json, not into the output '%s'"),
					      o->reads[1], o->outs[i].view->name);
	}
	return 0;
}

static int check_replay(struct options *o)
{
	if (o->nreads > 1 && check_several(o))
		return -EINVAL;
	if (o->program)
		return options_refuse(o, _("-r replays a recording; it runs no program"));
	if (is_given(o, OPT_SOURCE) || is_given(o, OPT_MECHANISM) || o->source.verbose)
		return options_refuse(o, _("-r replays a recording; --source, --mechanism and -v are for capturing"));
	if (o->source.ring_bytes)
		return options_refuse(o, _("--ring: a replay has no ring between kernel and tcptrace"));
	if (o->source.filter.cgroup)
		return options_refuse(o, _("--cgroup: a recording has no cgroups; it filters while capturing"));
	if (o->source.io)
		return options_refuse(o, _("--io: a replay shows what was recorded; use --io while recording"));
	return 0;
}

/* The kernel counts by namespace: whoever looks at less cannot compare. */
static int check_whole(struct options *o)
{
	const struct filter *f = &o->source.filter;

	if (o->read_path)
		return options_refuse(o, _("--check: a recording has no kernel to compare with"));
	if (o->count)
		return options_refuse(o, _("--check: -c ends at an event, while the kernel counts on; -d ends both at a time"));
	if (o->program || f->npids || f->nlports || f->nrports || f->nnets || f->comm || f->family ||
	    f->cgroup || filter_by_place(f))
		return options_refuse(o, _("--check compares whole namespaces: of the filters only --netns goes with it"));
	return 0;
}

/* Into a page, a trace or CSV nobody else writes; a page has a place for what --check says. */
static int check_shared(struct options *o, const struct view_ops *view, const char *path)
{
	const struct view_ops *main = o->view ? views_by_name(o->view) : NULL;

	if (path || !main || (main->file != VIEW_WHOLE && !o->csv) || (main->ledger && !strcmp(view->name, "check")))
		return 0;
	return options_refuse(o, _("'%s' has its file to itself: --out %s:FILE"), o->view, view->name);
}

/* What is for people goes to standard error where another output has standard output to itself; the rest does not. */
static bool main_wants_stdout(const struct options *o)
{
	if (o->path || !o->view)
		return o->path && !strcmp(o->path, "-");
	if (!strcmp(o->view, "metrics"))
		return o->metrics.once || o->read_path;
	return o->json || o->csv || views_by_name(o->view)->file == VIEW_WHOLE;
}

static int check_stdout(struct options *o)
{
	const char *first = main_wants_stdout(o) ? o->view : NULL;

	for (unsigned int i = 0; i < o->nouts; i++) {
		if (!o->outs[i].path || strcmp(o->outs[i].path, "-"))
			continue;
		if (first)
			return options_refuse(o, _("'%s' and '%s' both want standard output: give one of them a FILE"), first,
					      o->outs[i].view->name);
		first = o->outs[i].view->name;
	}
	return 0;
}

static int check_outputs(struct options *o)
{
	int err = 0;

	for (unsigned int i = 0; !err && i < o->nouts; i++) {
		err = check_shared(o, o->outs[i].view, o->outs[i].path);
		if (!err && !strcmp(o->outs[i].view->name, "check"))
			err = check_whole(o);
	}
	return err ? err : check_stdout(o);
}

static int check_files(struct options *o)
{
	bool named = false;

	for (unsigned int i = 0; i < o->nouts; i++)
		named |= !strcmp(o->outs[i].view->name, "record") && o->outs[i].path && strcmp(o->outs[i].path, "-");
	if (o->files && !o->file_bytes)
		return options_refuse(o, _("-W keeps the last of several files: how large are they? -C MB"));
	if (o->file_bytes && !named)
		return options_refuse(o, _("-C is the size of the files of a recording: -w FILE"));
	return 0;
}

static bool writes(const struct options *o, const char *view)
{
	bool any = o->view && !strcmp(o->view, view);

	for (unsigned int i = 0; i < o->nouts; i++)
		any |= !strcmp(o->outs[i].view->name, view);
	return any;
}

static int check_page(struct options *o)
{
	if ((o->anonymous || o->max_size) && !writes(o, "report"))
		return options_refuse(o, _("%s is for a page: tcptrace report, or --out report:FILE"),
				      o->anonymous ? "--anonymous" : "--max-size");
	return 0;
}

static int check_metrics(struct options *o)
{
	if (o->metrics.listens && (o->metrics.once || o->read_path))
		return options_refuse(o, _("%s gives one page and ends: --listen does not go with it"),
				      o->read_path ? "-r" : "--once");
	if (is_given(o, OPT_TEXTFILE) && is_given(o, 'o'))
		return options_refuse(o, _("--textfile and -o both say where metrics go"));
	if (!(o->command->takes & TAKES_METRICS) || !o->interval_ns)
		return 0;
	if (!o->path || !strcmp(o->path, "-") || o->metrics.once || o->read_path)
		return options_refuse(o, _("-i is how often metrics writes the file anew: with --textfile, and not with --once or -r"));
	o->metrics.interval_ns = o->interval_ns;
	o->interval_ns = 0;
	return 0;
}

/* What would do something if there was a name; without one they are listed. */
static const char *of_experiment(const struct options *o)
{
	return o->html_path ? "--html" : o->write_path ? "-w" : o->replay ? "--replay" : o->json ? "-j" : o->step ? "--step" :
	       o->slow ? "--slow" : o->source.verbose ? "-v" : is_given(o, OPT_SOURCE) ? "--source" :
	       is_given(o, OPT_MECHANISM) ? "--mechanism" : NULL;
}

/* An experiment brings its own traffic: nothing is left to choose. */
static int check_lab(struct options *o)
{
	bool all = o->argument && !strcmp(o->argument, "all");

	if (o->program && !o->exercise)
		return options_refuse(o, _("'lab' and a program to run go together in an exercise: "
				      "tcptrace lab check NAME -- PROGRAM"));
	if (o->exercise && (o->replay || o->write_path || o->step || o->slow || o->quiz))
		return options_refuse(o, _("of --replay, -w, --step, --slow and --quiz none goes with lab check"));
	if ((o->step || o->slow || o->quiz) && o->json)
		return options_refuse(o, _("--step, --slow and --quiz are for people: they do not go together with -j"));
	if (o->quiz && (o->step || o->slow))
		return options_refuse(o, _("--quiz does not go together with --step and --slow"));
	if (o->replay && (is_given(o, OPT_SOURCE) || is_given(o, OPT_MECHANISM) || o->source.verbose || o->write_path))
		return options_refuse(o, _("--replay shows a recorded run; --source, --mechanism, -v and -w are for a new one"));
	if ((o->write_path && !strcmp(o->write_path, "-")) || (o->html_path && !strcmp(o->html_path, "-")))
		return options_refuse(o, _("%s of lab needs a FILE: standard output is for the experiment"),
				      o->write_path ? "-w" : "--html");
	if (o->read_path && (o->replay || o->write_path || o->exercise))
		return options_refuse(o, _("-r shows a recorded run: of --replay, -w and check none goes with it"));
	if (o->read_path && (!o->argument || all || !strcmp(o->argument, "tutorial")))
		return options_refuse(o, _("-r: of which experiment is it? tcptrace lab -r FILE NAME"));
	if (of_experiment(o) && (!o->argument || ((o->write_path || o->html_path) && all)))
		return options_refuse(o, _("%s: which experiment? tcptrace lab lists them"), of_experiment(o));
	return 0;
}

static bool is_csv_summary(const struct options *o)
{
	return o->view && !strcmp(o->view, "csv");
}

/* A line for each listener, or connection: a stream of steps has many kinds of lines, a screen none. */
static int check_csv(struct options *o)
{
	if (!o->csv)
		return 0;
	if (o->json)
		return options_refuse(o, _("--csv and -j are two forms of the same: one of them"));
	if (o->view && !strcmp(o->view, "table"))
		return options_refuse(o, _("--csv has no events: -j has; -q --csv lists listeners, conns --csv connections"));
	if (o->view && !strcmp(o->view, "top") && !o->batch)
		return options_refuse(o, _("--csv of top goes with -b: a screen has other columns"));
	return 0;
}

/* Who has no screen writes what there is by then, for people; programs get that from top -j. */
static int check_interval(struct options *o)
{
	bool lists = o->conns.all && !o->quiet;

	if (!o->interval_ns || o->command->takes & TAKES_TOP || lists || (o->quiet && !o->json && !is_csv_summary(o)))
		return 0;
	return options_refuse(o, _("-i is how often top looks, -q sums up and conns -a lists"));
}

/*
 * A summary has all of it, and so has a recording; of conns it is of the lines that would be shown. While live -e and -x
 * say what is captured.
 */
static int check_steps(struct options *o)
{
	const char *what = o->conns.min_ns ? "--min-ms" : !o->read_path ? NULL : o->trouble ? "-x" : o->events ? "-e" : NULL;

	if (!what || !o->quiet || o->count || !o->view || !views_by_name(o->view)->steps)
		return 0;
	for (unsigned int i = 0; i < o->nouts; i++) {
		if (strcmp(o->outs[i].view->name, "record"))
			return 0;
	}
	return options_refuse(o, _("%s leaves out steps, and -q shows none"), what);
}

/* Text beside the main view is shaped by the same options. */
static bool has_text_beside(const struct options *o)
{
	for (unsigned int i = 0; i < o->nouts; i++) {
		const struct view_ops *view = o->outs[i].view;

		if (view->file == VIEW_STREAM && strcmp(view->name, "json") && strcmp(view->name, "check"))
			return true;
	}
	return false;
}

/* What has no colours: what is not for people, and top's table. NULL: this may have some. */
static const char *plain_form(const struct options *o)
{
	if (o->json || o->csv || o->batch)
		return o->json ? "-j" : o->csv ? "--csv" : "-b";
	return o->view && views_by_name(o->view)->file != VIEW_STREAM ? o->view : NULL;
}

static int refuse_useless(struct options *o, const char *what, const char *form)
{
	return options_refuse(o, _("%s does not go with %s: it would change nothing"), what, form);
}

/* What is not for people has no header that can be left out, no columns that can be added, and no colours; -q no lines. */
static int check_form(struct options *o)
{
	bool top = o->view && !strcmp(o->view, "top"), silent = o->quiet && o->view && !top, data = o->json || o->csv;
	const char *form = o->json ? "-j" : o->csv ? "--csv" : "-q", *what = NULL;

	if (is_given(o, 't') && is_given(o, 'T'))
		return options_refuse(o, _("-t and -T are two clocks for one column: one of them"));
	if (silent && ((o->csv && !is_csv_summary(o)) || o->conns.wide))
		return options_refuse(o, _("%s is how lines look, and -q shows none"), o->csv ? "--csv" : "--wide");
	if (o->json && o->lang && !o->nouts)
		return refuse_useless(o, "--lang", "-j");
	if (o->quiet && top && (o->batch || o->json))	/* there is no screen to leave */
		return refuse_useless(o, "-q", o->batch ? "-b" : "-j");
	if (has_text_beside(o))
		return 0;
	if ((silent || data) && o->no_header && !o->csv) {
		what = "-H";
	} else if ((silent || data) && o->time) {
		what = o->time == VIEW_TIME_WALL ? "-T" : "-t";
	} else if (o->color > 0 && plain_form(o)) {
		what = "--color always";
		form = plain_form(o);
	}
	return what ? refuse_useless(o, what, form) : 0;
}

/* Before the last one has ended nobody knows which is the first. */
static int check_sort(struct options *o)
{
	if (!o->conns.sort)
		return 0;
	if (o->quiet)
		return options_refuse(o, _("--sort puts lines in order, and -q shows none"));
	if (!o->read_path && !o->conns.all)
		return options_refuse(o, _("--sort waits for the last line: it goes with -r, and with -a"));
	return 0;
}

int options_check(struct options *o)
{
	int err = check_taken(o);

	if (!err && o->read_path)
		err = check_replay(o);
	if (!err && o->user && !o->program)
		err = options_refuse(o, _("-u '%.64s': as who a program runs; which one? -- PROGRAM"), o->user);
	if (!err && o->program && o->source.filter.npids)
		err = options_refuse(o, _("-p and a program to run do not go together"));
	if (!err && o->explain && (o->json || o->quiet || o->batch))
		err = options_refuse(o, _("--explain goes with events and ladders, and not with -j, -q or -b"));
	if (!err)
		err = check_csv(o);
	if (!err && o->conns.wide && (o->json || o->csv))
		err = options_refuse(o, _("--wide is for text: -j and --csv have all columns"));
	if (!err)
		err = check_form(o);
	if (!err)
		err = check_sort(o);
	if (!err)
		err = check_steps(o);
	if (!err)
		err = check_page(o);
	if (!err)
		err = check_metrics(o);
	if (!err)
		err = check_interval(o);
	if (!err && o->at_once && (!o->conns.all || o->read_path))
		err = options_refuse(o, _("-d '%s': out of range; more than 0 and at most ten years"), "0");
	if (!err && o->command->argument)
		err = check_lab(o);
	if (!err)
		err = check_files(o);
	return err ? err : check_outputs(o);
}
