// SPDX-License-Identifier: GPL-2.0-only
/* `tcptrace listeners`: one snapshot, or the end of a recording. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "../lib/clock.h"
#include "../lib/tr.h"
#include "../names.h"
#include "../talk.h"
#include "../terminal.h"
#include "holder.h"
#include "input.h"
#include "privileges.h"
#include "run.h"
#include "select.h"
#include "signals.h"
#include "whereabouts.h"

static void no_event(void *ctx, const struct model_event *ev)
{
	(void)ctx;
	(void)ev;
}

static int feed(void *ctx, const struct tcptrace_record *rec)
{
	model_feed(ctx, rec);
	return 0;
}

static bool pick(void *ctx, const struct listener *l)
{
	return select_listener(ctx, l);
}

static int gather(struct source *src, const struct options *o, struct model *m)
{
	int err = 0;

	if (o->read_path) {
		while (!err && !signal_flags.end)
			err = src->ops->poll(src, 100, feed, m);
	} else {
		err = src->ops->snapshot ? src->ops->snapshot(src, feed, m) : -ENOTSUP;
	}
	if (err < 0 && err != -EINTR) {
		talk(_("cannot read the listeners: %s"), src->error ? src->error : strerror(-err));
		return err;
	}
	return 0;
}

static void look_up_places(const struct source *src, struct model *m)
{
	struct model_lookup lookup;
	struct whereabouts *places = holder_lookup(&lookup, src) ? whereabouts_new() : NULL;

	whereabouts_look(places, m, true, clock_ns(CLOCK_MONOTONIC), feed, m);
	whereabouts_free(places);
}

static int print(const struct options *o, const struct model *m)
{
	const struct models all = { { (struct model *)(uintptr_t)m }, 1 };
	struct select s = { .filter = &o->source.filter, .models = &all };
	struct listeners_config cfg = {
		.json = o->json, .csv = o->csv, .no_header = o->no_header, .counts = o->read_path != NULL,
		.netns_name = o->read_path ? NULL : netns_name, .pick = pick, .ctx = &s,
	};
	struct out out;
	int err = out_open(&out, STDOUT_FILENO);

	if (err)
		return err;
	out.ascii = !terminal_utf8() && !o->csv;
	cfg.columns = terminal_columns(out.fd);
	listeners_print(&out, m, &cfg);
	if (o->csv && model_totals(m)->listeners_unseen)
		talk("%s", _("some listeners are not shown (table full)"));
	err = out_flush(&out);
	out_close(&out);
	return talk_written(err);
}

int run_listeners(struct options *o)
{
	struct source *src;
	struct model *m;
	int err, printed;

	signals_catch(NULL);
	o->source.events = EVENT_BIT(EXISTS);
	if ((o->read_path && privileges_drop(o)) || input_open_source(o, &src))
		return EXIT_FAILED;
	m = model_new(NULL, no_event, NULL);
	if (!m) {
		talk(_("no memory for the tables of %u connections"), MODEL_CONNS);
		src->ops->close(src);
		return EXIT_FAILED;
	}
	err = gather(src, o, m);
	if (!o->read_path)
		look_up_places(src, m);
	printed = print(o, m);
	input_say_note(&(struct input){ .o = o, .src = src });
	model_free(m);
	src->ops->close(src);
	return err || printed ? EXIT_FAILED : EXIT_OK;
}
