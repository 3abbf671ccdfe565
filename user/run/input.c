// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>
#include <unistd.h>

#include "../lib/tr.h"
#include "../talk.h"
#include "../terminal.h"
#include "hosts.h"
#include "input.h"

/* -v */
static void say_hooks(struct source *src)
{
	struct hook_report h;

	for (unsigned int i = 0; src->ops->hook && src->ops->hook(src, i, &h); i++) {
		talk("%s: %s%s%s", tr(h.hook), mechanism_name(h.mechanism), h.why_not_better[0] ? _("; not better: ") : "",
		     h.why_not_better);
	}
}

int input_open_source(const struct options *o, struct source **out)
{
	const struct source_ops *ops = o->read_path ? &source_file : source_by_name(o->source_name);
	char why[SOURCE_WHY];
	int err = ops->open(out, &o->source, why);

	if (!err && o->source.verbose)
		say_hooks(*out);
	if (!err && (*out)->note)
		talk("%s", (*out)->note);
	if (!err)
		return 0;
	if (o->read_path)
		talk(_("cannot replay '%s': %s"), o->read_path, why[0] ? why : strerror(-err));
	else
		talk(_("cannot trace with %s: %s"), ops->name, why[0] ? why : strerror(-err));
	return err;
}

static int open_several(struct input *in)
{
	char why[SOURCE_WHY];
	int err = hosts_open(&in->hosts, in->o);

	if (err)
		return err;
	err = hosts_source(in->hosts, &in->src, why);
	if (err)
		talk(_("cannot replay %s"), why[0] ? why : strerror(-err));
	return err;
}

int input_open(struct input *in, const struct options *o)
{
	in->o = o;
	return o->nreads > 1 ? open_several(in) : input_open_source(o, &in->src);
}

void input_close(struct input *in)
{
	if (in->src)
		in->src->ops->close(in->src);
	hosts_free(in->hosts);
}

unsigned int input_machines(const struct input *in)
{
	return in->hosts ? hosts_view(in->hosts)->n : 1;
}

const struct view_hosts *input_hosts(const struct input *in)
{
	return input_machines(in) > 1 ? hosts_view(in->hosts) : NULL;
}

/* What is drawn says it itself, and so does JSON; lines of text are for other programs, too. */
void input_say_clocks(const struct input *in)
{
	const struct view_hosts *hosts = input_hosts(in);
	struct out err;

	if (!hosts || in->o->json || !strcmp(in->o->view, "flow") || out_open(&err, STDERR_FILENO))
		return;
	err.ascii = !terminal_utf8();
	hosts_head(&err, hosts, terminal_columns(STDERR_FILENO));
	out_close(&err);
}

void input_say_error(const struct input *in, int err)
{
	const char *why = in->src->error ? in->src->error : strerror(-err);

	if (in->hosts)
		talk(_("cannot replay %s"), why);
	else if (in->o->read_path)
		talk(_("cannot replay '%s': %s"), in->o->read_path, why);
	else
		talk(_("reading records failed: %s"), why);
}

void input_say_note(const struct input *in)
{
	if (in->o->read_path && in->src->note && in->hosts)
		talk("%s", in->src->note);
	else if (in->o->read_path && in->src->note)
		talk("'%s': %s", in->o->read_path, in->src->note);
}
