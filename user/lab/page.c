// SPDX-License-Identifier: GPL-2.0-only
/* --html: the page of an experiment: its question, its claims, and what `tcptrace report` shows of a run. */
#include <errno.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../lib/beside.h"
#include "../lib/clock.h"
#include "../view/view.h"
#include "run.h"

static void on_event(void *ctx, const struct model_event *ev)
{
	struct view *v = ctx;

	v->ops->event(v, ev);
}

static void on_finding(void *ctx, const struct finding *f)
{
	struct view *v = ctx;

	v->ops->finding(v, f);
}

/* The records once more. */
static int show(struct view *v, const struct lab_run *r)
{
	struct model *m = model_new(NULL, on_event, v);
	struct view_end end = {
		.model = m, .lost = r->lost, .mechanisms = "", .source = r->replay ? "file" : r->o->source_name,
	};
	const struct listener *l;

	if (!m)
		return -ENOMEM;
	end.totals = model_totals(m);
	for (size_t i = 0; i < r->nrecords; i++)
		model_feed(m, &r->records[i]);
	v->ops->finish(v);
	findings(m, NULL, NULL, on_finding, v);
	for (uint32_t i = 0; (l = model_listener(m, i)); i++)
		v->ops->listener(v, m, l);
	v->ops->end(v, &end);
	model_free(m);
	return v->failed ? -ENOMEM : 0;
}

static int write_page(struct out *out, const struct lab_run *r)
{
	struct view_claim claims[LAB_CLAIMS];
	struct view_lesson lesson = {
		.name = r->lab->name, .question = r->lab->question, .setup = r->lab->setup, .replay = r->replay,
		.claims = claims, .nclaims = r->nclaims,
	};
	struct utsname here;
	struct view_about about = { .kernel = r->replay ? r->kernel : uname(&here) ? "" : here.release };
	struct view_config cfg = { .utf8 = true, .lesson = &lesson, .about = &about, .wall_offset_ns = r->wall_offset_ns };
	struct view v;
	int err;

	if (!r->replay)
		cfg.wall_offset_ns = (int64_t)(clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC));
	for (unsigned int i = 0; i < r->nclaims; i++) {
		const struct claim *c = &r->claims[i];

		claims[i] = (struct view_claim){ c->text, c->answer, lab_verdict(c->verdict), c->why, c->holds };
	}
	err = view_open(&v, &view_report, &cfg, out);
	if (!err)
		err = show(&v, r);
	view_close(&v);
	return err ? err : out_flush(out);
}

int lab_show_page(const struct lab_run *r, const char *path)
{
	char *part;
	int fd = beside_open(path, &part), err = fd < 0 ? fd : 0, closed;
	struct out out = { 0 };

	if (!err)
		err = out_open(&out, fd);
	if (!err)
		err = write_page(&out, r);
	out_close(&out);
	if (fd >= 0 && close(fd) && !err)
		err = -errno;
	closed = beside_close(path, part, !err);
	return err ? err : closed;
}
