// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connections that two machines have in common bound the difference of their clocks (lib/clockfit.h). The tree of least
 * error then leads from each clock to that of the first file.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/clock.h"
#include "hostclocks.h"

#define ERROR_MAX	((int64_t)SECOND)		/* what is less sure than this is not shifted */

bool hostclocks_same_boot(const struct hosts *h, unsigned int a, unsigned int b)
{
	static const uint8_t unknown[sizeof(h->of[a].id.boot_id)];
	const uint8_t *x = h->of[a].id.boot_id, *y = h->of[b].id.boot_id;

	return memcmp(x, unknown, sizeof(unknown)) && !memcmp(x, y, sizeof(unknown));
}

/* ---- two clocks ---- */

struct fitting {
	struct clock_span *spans;
	size_t n, room;
};

/* By how much the second machine's clock is ahead, at moments of that clock. */
static void on_join(void *ctx, const struct stamp *client, const struct stamp *server, bool sure, bool turned)
{
	struct fitting *f = ctx;
	struct clock_span *s = f->spans + f->n;
	unsigned int n = f->room - f->n < STAMP_SPANS ? 0 : stamps_spans(client, server, sure, !turned, s);

	for (unsigned int i = 0; turned && i < n; i++) {
		int64_t high = s[i].high;

		s[i].high = -s[i].low;
		s[i].low = -high;
	}
	f->n += n;
}

struct edge {
	struct clock_fit fit;
	uint64_t joined;
	int64_t error;			/* -1: nothing is bounded, or not well enough */
};

static int compare_clocks(struct hosts *h, unsigned int by, unsigned int of, struct edge *e)
{
	struct stamps *a = &h->of[by].stamps, *b = &h->of[of].stamps;
	struct fitting f = { .room = STAMP_SPANS * (size_t)(a->n < b->n ? a->n : b->n) };

	memset(e, 0, sizeof(*e));
	e->error = -1;
	if (hostclocks_same_boot(h, by, of))
		e->error = 0;
	if (hostclocks_same_boot(h, by, of) || !f.room)
		return 0;
	f.spans = malloc(f.room * sizeof(*f.spans));
	if (!f.spans)
		return -ENOMEM;
	e->joined = stamps_join(a, b, on_join, &f);
	clock_fit(f.spans, f.n, &e->fit);
	free(f.spans);
	if (e->fit.n && clock_error(&e->fit) <= ERROR_MAX)
		e->error = clock_error(&e->fit);
	return 0;
}

/* ---- all clocks ---- */

struct tree {
	int64_t error[MODEL_HOSTS][MODEL_HOSTS];	/* of two that are compared; -1: not */
	int64_t until[MODEL_HOSTS];			/* summed up from the root of its part; -1: not there yet */
	unsigned int root[MODEL_HOSTS];
};

static int compare_all(struct hosts *h, struct tree *t)
{
	struct edge e;

	for (unsigned int i = 0; i < h->view.n; i++) {
		t->until[i] = -1;
		for (unsigned int k = i + 1; k < h->view.n; k++) {
			if (compare_clocks(h, i, k, &e))
				return -ENOMEM;
			t->error[i][k] = t->error[k][i] = e.error;
		}
	}
	return 0;
}

/* The next one that is reached with the least error; or false. */
static bool nearest(const struct hosts *h, const struct tree *t, unsigned int *by, unsigned int *of)
{
	int64_t best = -1;

	for (unsigned int i = 0; i < h->view.n; i++) {
		for (unsigned int k = 0; t->until[i] >= 0 && k < h->view.n; k++) {
			int64_t error = t->until[i] + t->error[i][k];

			if (t->until[k] >= 0 || t->error[i][k] < 0 || (best >= 0 && error >= best))
				continue;
			best = error;
			*by = i;
			*of = k;
		}
	}
	return best >= 0;
}

static int attach(struct hosts *h, struct tree *t, unsigned int by, unsigned int of)
{
	struct view_host *host = &h->view.all[of];
	struct edge e;

	if (compare_clocks(h, by, of, &e))
		return -ENOMEM;
	host->clock = hostclocks_same_boot(h, by, of) ? HOST_SAME_BOOT : HOST_FITTED;
	host->by = by;
	host->fit = e.fit;
	host->joined = e.joined;
	t->until[of] = t->until[by] + t->error[by][of];
	t->root[of] = t->root[by];
	return 0;
}

/* From the first file's clock; what nothing leads to is placed by its wall clock, and may lead on. */
static int grow(struct hosts *h, struct tree *t)
{
	unsigned int by, of;
	int err = 0;

	for (unsigned int i = 0; i < h->view.n && !err; i++) {
		if (t->until[i] >= 0)
			continue;
		h->view.all[i].clock = i ? HOST_BY_WALL : HOST_REFERENCE;
		t->until[i] = 0;
		t->root[i] = i;
		while (!err && nearest(h, t, &by, &of))
			err = attach(h, t, by, of);
	}
	return err;
}

static bool leads_to(const struct hosts *h, unsigned int from, unsigned int to)
{
	while (from != to) {
		if (h->view.all[from].clock == HOST_REFERENCE || h->view.all[from].clock == HOST_BY_WALL)
			return false;
		from = h->view.all[from].by;
	}
	return true;
}

/* The errors of the way from one to the other add up. */
static int64_t error_between(const struct hosts *h, const struct tree *t, unsigned int a, unsigned int b)
{
	unsigned int common = a;

	if (t->root[a] != t->root[b])
		return -1;
	while (!leads_to(h, b, common))
		common = h->view.all[common].by;
	return t->until[a] + t->until[b] - 2 * t->until[common];
}

static uint64_t in_reference(const struct hosts *h, unsigned int machine, uint64_t t_ns)
{
	const struct view_host *host = &h->view.all[machine];

	while (host->clock == HOST_FITTED || host->clock == HOST_SAME_BOOT) {
		t_ns -= (uint64_t)clock_ahead(&host->fit, t_ns);	/* 0 without a fit */
		machine = host->by;
		host = &h->view.all[machine];
	}
	if (host->clock == HOST_BY_WALL)
		t_ns += (uint64_t)h->of[machine].wall_offset_ns - (uint64_t)h->of[0].wall_offset_ns;
	return t_ns;
}

uint64_t hostclocks_moment(void *ctx, unsigned int machine, uint64_t t_ns)
{
	const struct hosts *h = ctx;

	return in_reference(h, machine, t_ns) + h->shift_ns;
}

/* A machine that was started later than another has no moments of before. */
static void shift(struct hosts *h)
{
	int64_t first = SECOND, at;

	for (unsigned int i = 0; i < h->view.n; i++) {
		at = (int64_t)in_reference(h, i, h->of[i].from_ns);
		if (h->of[i].from_ns && at < first)
			first = at;
	}
	h->shift_ns = SECOND - (uint64_t)first;
}

/* The kernel's own bound, which grows by 500 ppm where nobody sets the clock any more. */
static int64_t wall_error(const struct recorded *of)
{
	const struct file_host *id = &of->id;

	if (id->clock_state < 0 || id->clock_state > 4 || id->maxerror <= 0 || id->maxerror > ERROR_MAX / 1000)
		return -1;
	return id->maxerror * 1000 + (int64_t)((of->to_ns - of->from_ns) / 2000);
}

static void describe(struct hosts *h, const struct tree *t)
{
	for (unsigned int i = 0; i < h->view.n; i++) {
		const struct recorded *of = &h->of[i];
		struct view_host *host = &h->view.all[i];
		uint64_t middle = of->from_ns + (of->to_ns - of->from_ns) / 2;

		host->from_ns = hostclocks_moment(h, i, of->from_ns);
		host->to_ns = hostclocks_moment(h, i, of->to_ns);
		host->taken_ns = (int64_t)(middle - in_reference(h, i, middle));
		host->wall_error_ns = wall_error(of);
		/* when the header took it */
		host->wall_ns = (int64_t)((uint64_t)of->wall_offset_ns - (uint64_t)h->of[0].wall_offset_ns +
					  of->from_ns - in_reference(h, i, of->from_ns));
		for (unsigned int k = 0; k < h->view.n; k++)
			h->view.error_ns[i][k] = error_between(h, t, i, k);
	}
}

int hostclocks_compare(struct hosts *h)
{
	struct tree t = { 0 };
	int err = compare_all(h, &t);

	if (!err)
		err = grow(h, &t);
	if (err)
		return err;
	shift(h);
	describe(h, &t);
	return 0;
}
