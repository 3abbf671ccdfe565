// SPDX-License-Identifier: GPL-2.0-only
/*
 * All of `tcptrace -r`: reader, model, each view, findings, summary. The first
 * 8 bytes choose the view and how it shows; the rest is the recording.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../user/language.h"
#include "../../user/model/finding.h"
#include "../../user/source/file.h"
#include "../../user/source/source.h"
#include "../../user/view/view.h"
#include "memory.h"
#include "records.h"

#define CHOICE	8u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed);

static const struct view_ops *const views[] = {
#define ROW(name) &view_##name,
	VIEWS(ROW)
#undef ROW
};

#define BATCH	8u

struct replay {
	struct source *src;
	struct model *model;
	struct view view;
	struct out out;
	bool in_batches;
	struct tcptrace_record batch[BATCH];
	unsigned int n;
};

static void on_event(void *ctx, const struct model_event *ev)
{
	struct replay *r = ctx;

	if (r->view.ops->event)
		r->view.ops->event(&r->view, ev);
}

static void feed(struct replay *r, const struct tcptrace_record *rec)
{
	model_feed(r->model, rec);
	if (r->view.ops->play)		/* its replay has ticks */
		r->view.ops->tick(&r->view, r->model, rec->t_ns);
	if (rec->event == TCPTRACE_LOST && r->view.ops->lost)
		r->view.ops->lost(&r->view, rec->arg, "");
}

/* As the rings hand them on: the model may count what is whole in a batch. */
static void feed_batch(struct replay *r)
{
	const struct tcptrace_record *list[BATCH];

	for (unsigned int i = 0; i < r->n; i++)
		list[i] = &r->batch[i];
	model_ahead(r->model, list, r->n);
	for (unsigned int i = 0; i < r->n; i++)
		feed(r, list[i]);
	r->n = 0;
}

static int on_record(void *ctx, const struct tcptrace_record *rec)
{
	struct replay *r = ctx;

	if (!r->in_batches) {
		feed(r, rec);
		return 0;
	}
	r->batch[r->n++] = *rec;
	if (r->n == BATCH)
		feed_batch(r);
	return 0;
}

static void on_finding(void *ctx, const struct finding *f)
{
	struct replay *r = ctx;

	if (r->view.ops->finding)
		r->view.ops->finding(&r->view, f);
}

static void settings(struct view_config *cfg, const uint8_t *choice)
{
	*cfg = (struct view_config){
		.time = choice[1] % 3, .color = choice[2] & 1, .utf8 = choice[2] & 2, .quiet = choice[2] & 4,
		.explain = choice[2] & 8, .no_header = choice[2] & 16, .csv = choice[2] & 32,
		.columns = choice[3], .wall_offset_ns = (int64_t)choice[4] << 53,
	};
}

static void sum_up(struct replay *r)
{
	const struct view_ops *ops = r->view.ops;
	const struct listener *l;
	struct source_stats stats = { 0 };
	struct view_end end = {
		.model = r->model, .totals = model_totals(r->model), .mechanisms = "", .source = "file",
	};

	r->src->ops->stats(r->src, &stats);
	end.unknown = stats.unknown;
	if (ops->finish)
		ops->finish(&r->view);
	findings(r->model, NULL, NULL, on_finding, r);
	for (uint32_t i = 0; ops->listener && (l = model_listener(r->model, i)); i++)
		ops->listener(&r->view, r->model, l);
	if (ops->end)
		ops->end(&r->view, &end);
}

static void replay(const uint8_t *choice)
{
	const struct model_limits limits = { .conns = 4 + choice[5] % 32u, .listeners = 1 + choice[6] % 3u };
	struct source_config source = { .path = "-" };
	static struct replay r;
	struct view_config cfg;
	char why[SOURCE_WHY];

	memset(&r, 0, sizeof(r));
	if (source_file.open(&r.src, &source, why))
		return;
	settings(&cfg, choice);
	cfg.live = false;
	r.model = model_new(&limits, on_event, &r);
	if (!r.model || out_open(&r.out, NOWHERE) || view_open(&r.view, views[choice[0] % (sizeof(views) / sizeof(views[0]))],
							     &cfg, &r.out))
		abort();
	r.in_batches = choice[2] & 128;
	model_want(r.model, &(struct model_wants){ .steps = r.in_batches ? 0 : r.view.steps });
	while (!r.src->ops->poll(r.src, 0, on_record, &r))
		;
	feed_batch(&r);
	sum_up(&r);
	view_close(&r.view);
	out_close(&r.out);
	model_free(r.model);
	r.src->ops->close(r.src);
}

/* Chinese has wide characters and a look-up for each text; to open the catalogue takes longer than a run. */
static void use_language(const char *lang)
{
	static const char *now;

	if (now && !strcmp(now, lang))
		return;
	now = lang;
	language_use(lang);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < CHOICE)
		return 0;
	use_language(data[2] & 96 ? "en" : "zh");
	memory_use(data + CHOICE, size - CHOICE);
	replay(data);
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	if (size <= CHOICE + sizeof(struct file_header) || seed % 16 == 0)
		return LLVMFuzzerMutate(data, size, max);
	if (seed % 16 == 1) {
		LLVMFuzzerMutate(data, CHOICE, CHOICE);
		return size;
	}
	return CHOICE + records_mutate(data + CHOICE, size - CHOICE, max - CHOICE, seed);
}
