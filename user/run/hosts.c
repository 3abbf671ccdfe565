// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two passes. The first feeds each machine's recordings to a model of its own and keeps when segments left and arrived;
 * connections that two machines have in common bound the difference of their clocks (lib/clockfit.h). The tree of least
 * error then leads from each clock to that of the first file. The second pass is a source like any other.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../lib/tr.h"
#include "../lib/put.h"
#include "../source/file.h"
#include "../source/merge.h"
#include "../talk.h"
#include "../view/pair.h"
#include "hosts.h"
#include "stamps.h"

#define SECOND		1000000000ll
#define ERROR_MAX	SECOND		/* what is less sure than this is not shifted */

_Static_assert(SOURCE_FILES <= MODEL_HOSTS, "each file may be of another machine");

struct recorded {			/* one machine */
	struct stamps stamps;
	struct model *model;
	struct file_host id;
	int64_t wall_offset_ns;
	uint64_t from_ns, to_ns;	/* of its own clock */
	int64_t boot_low, boot_high;	/* CLOCK_BOOTTIME - CLOCK_MONOTONIC, the least and most that was told */
	bool clocks_told;
};

struct hosts {
	struct merge_config cfg;
	struct recorded of[MODEL_HOSTS];
	struct view_hosts view;
	uint64_t shift_ns;		/* so that no moment lies before 0 */
};

/* ---- whose they are ---- */

static bool is_known(const uint8_t *id, size_t n)
{
	while (n-- > 0) {
		if (id[n])
			return true;
	}
	return false;
}

static bool same_file(const char *a, const char *b)
{
	struct stat sa, sb;

	return !stat(a, &sa) && !stat(b, &sb) && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

/* The files of one recording (-C), a copy, the same file twice: of one machine as it was recorded. */
static unsigned int machine_of(struct hosts *h, const char *path, const struct source *src)
{
	const struct file_host *id = src->host;
	unsigned int i;

	for (i = 0; i < h->cfg.n; i++) {
		unsigned int machine = h->cfg.files[i].machine;

		if ((id->recording && id->recording == h->of[machine].id.recording) || same_file(path, h->cfg.files[i].path))
			return machine;
	}
	i = h->view.n++;
	h->of[i].id = *id;
	h->of[i].wall_offset_ns = src->wall_offset_ns;
	h->view.all[i].file = path;
	snprintf(h->view.all[i].name, sizeof(h->view.all[i].name), "%.*s", (int)sizeof(id->name), id->name);
	return i;
}

static bool same_boot(const struct hosts *h, unsigned int a, unsigned int b)
{
	const uint8_t *x = h->of[a].id.boot_id, *y = h->of[b].id.boot_id;

	return is_known(x, 16) && !memcmp(x, y, 16);
}

/* ---- the first pass ---- */

struct reading {
	struct hosts *h;
	unsigned int machine;
};

static void learn_addr(struct view_host *host, const uint8_t addr[16])
{
	for (unsigned int i = 0; i < host->naddrs; i++) {
		if (!memcmp(host->addrs[i], addr, 16))
			return;
	}
	if (host->naddrs < HOST_ADDRS && !addr_is_loopback(addr))
		memcpy(host->addrs[host->naddrs++], addr, 16);
}

static void on_event(void *ctx, const struct model_event *ev)
{
	struct reading *r = ctx;

	if (ev->c && ev->c->lport && ev->c->rport)
		learn_addr(&r->h->view.all[r->machine], ev->c->laddr);
	else if (ev->l && !addr_is_any(ev->l->laddr))
		learn_addr(&r->h->view.all[r->machine], ev->l->laddr);
	stamps_event(&r->h->of[r->machine].stamps, ev);
}

/* While it was suspended CLOCK_MONOTONIC stood still, and those of the others went on. */
static void learn_clocks(struct recorded *of, struct view_host *host, const struct tcptrace_record *rec)
{
	if (!tcptrace_tells_clocks(rec))
		return;
	if (!of->clocks_told || rec->boot_ns < of->boot_low)
		of->boot_low = rec->boot_ns;
	if (!of->clocks_told || rec->boot_ns > of->boot_high)
		of->boot_high = rec->boot_ns;
	of->clocks_told = true;
	host->suspended_ns = (uint64_t)of->boot_high - (uint64_t)of->boot_low;
}

static int take(void *ctx, const struct tcptrace_record *rec)
{
	struct reading *r = ctx;
	struct recorded *of = &r->h->of[r->machine];

	if (!of->from_ns || rec->t_ns < of->from_ns)
		of->from_ns = rec->t_ns;
	if (rec->t_ns > of->to_ns)
		of->to_ns = rec->t_ns;
	learn_clocks(of, &r->h->view.all[r->machine], rec);
	model_feed(of->model, rec);
	return 0;
}

static int begin_machine(struct hosts *h, unsigned int machine, struct reading *r)
{
	struct recorded *of = &h->of[machine];
	int err = of->model ? 0 : stamps_init(&of->stamps);

	if (!err && !of->model)
		of->model = model_new(NULL, on_event, r);
	return err ? err : of->model ? 0 : -ENOMEM;
}

/* Put together by cat: two clocks cannot both be brought to another one by one rule. */
static int check_one_boot(const struct hosts *h, const char *path, unsigned int machine, const struct source *src)
{
	const uint8_t *first = h->of[machine].id.boot_id, *last = src->host->boot_id;

	if (!memcmp(first, last, sizeof(h->of[machine].id.boot_id)))
		return 0;
	talk(_("'%s': recordings of several machines or boots in one file: give each as a file of its own"), path);
	return -EXDEV;
}

/* What is damaged ends there; the second pass says so. */
static int read_file(struct hosts *h, const char *path, struct reading *readings)
{
	struct source_config cfg = { .path = path };
	struct source *src = NULL;
	char why[SOURCE_WHY] = "";
	unsigned int machine;
	struct stat st;
	int err = 0;

	if (!strcmp(path, "-") || (!stat(path, &st) && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))) {
		talk(_("'%s': several recordings are read twice, so each has to be a file"), path);
		return -ESPIPE;
	}
	err = source_file.open(&src, &cfg, why);
	if (err) {
		talk(_("cannot replay '%s': %s"), path, why[0] ? why : strerror(-err));
		return err;
	}
	machine = machine_of(h, path, src);
	h->cfg.files[h->cfg.n].path = path;
	h->cfg.files[h->cfg.n++].machine = machine;
	readings[machine] = (struct reading){ h, machine };
	err = begin_machine(h, machine, &readings[machine]);
	while (!err)
		err = src->ops->poll(src, 0, take, &readings[machine]);
	if (!err || err == SOURCE_END)
		err = check_one_boot(h, path, machine, src);
	src->ops->close(src);
	return err == -ENOMEM || err == -EXDEV ? err : 0;
}

/* A SYN that comes leaves one of these behind, if all of them are seen. */
static bool sees_each_syn(const struct model *m)
{
	return model_seen(m, TCPTRACE_SYNQ_ADD) == TCPTRACE_SEEN_EXACTLY && model_seen(m, TCPTRACE_DROP) == TCPTRACE_SEEN_EXACTLY &&
	       model_seen(m, TCPTRACE_COOKIE_SENT) == TCPTRACE_SEEN_EXACTLY &&
	       model_seen(m, TCPTRACE_RST_SENT) == TCPTRACE_SEEN_EXACTLY;
}

static void end_reading(struct hosts *h)
{
	for (unsigned int i = 0; i < h->view.n; i++) {
		struct recorded *of = &h->of[i];

		/* of an address that is in it, a namespace and a family have all */
		h->view.all[i].narrowed = model_only(of->model) & ~(uint32_t)(TCPTRACE_ONLY_NETNS | TCPTRACE_ONLY_FAMILY);
		h->view.all[i].gaps = model_totals(of->model)->lost_total || !sees_each_syn(of->model);
		model_free(of->model);
		of->model = NULL;
	}
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
	if (same_boot(h, by, of))
		e->error = 0;
	if (same_boot(h, by, of) || !f.room)
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
	host->clock = same_boot(h, by, of) ? HOST_SAME_BOOT : HOST_FITTED;
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

static uint64_t moment(void *ctx, unsigned int machine, uint64_t t_ns)
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
	h->shift_ns = (uint64_t)SECOND - (uint64_t)first;
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

		host->from_ns = moment(h, i, of->from_ns);
		host->to_ns = moment(h, i, of->to_ns);
		host->taken_ns = (int64_t)(middle - in_reference(h, i, middle));
		host->wall_error_ns = wall_error(of);
		/* when the header took it */
		host->wall_ns = (int64_t)((uint64_t)of->wall_offset_ns - (uint64_t)h->of[0].wall_offset_ns +
					  of->from_ns - in_reference(h, i, of->from_ns));
		for (unsigned int k = 0; k < h->view.n; k++)
			h->view.error_ns[i][k] = error_between(h, t, i, k);
	}
}

int hosts_open(struct hosts **out, const struct options *o)
{
	struct hosts *h = calloc(1, sizeof(*h));
	struct reading readings[MODEL_HOSTS];
	struct tree t = { 0 };
	int err = h ? 0 : -ENOMEM;

	for (unsigned int i = 0; i < o->nreads && !err; i++)
		err = read_file(h, o->reads[i], readings);
	if (!err) {
		end_reading(h);
		err = compare_all(h, &t);
	}
	if (!err)
		err = grow(h, &t);
	if (err) {
		if (err == -ENOMEM)
			talk(_("no memory to compare the clocks of %u recordings"), o->nreads);
		hosts_free(h);
		return err;
	}
	shift(h);
	describe(h, &t);
	for (unsigned int i = 0; i < h->view.n; i++)
		stamps_free(&h->of[i].stamps);
	*out = h;
	return 0;
}

int hosts_source(struct hosts *h, struct source **out, char why[SOURCE_WHY])
{
	h->cfg.moment = moment;
	h->cfg.ctx = h;
	h->cfg.wall_offset_ns = h->of[0].wall_offset_ns - (int64_t)h->shift_ns;
	return merge_open(out, &h->cfg, why);
}

const struct view_hosts *hosts_view(const struct hosts *h)
{
	return &h->view;
}

void hosts_free(struct hosts *h)
{
	for (unsigned int i = 0; h && i < h->view.n; i++) {
		stamps_free(&h->of[i].stamps);
		model_free(h->of[i].model);
	}
	free(h);
}
