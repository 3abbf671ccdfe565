// SPDX-License-Identifier: GPL-2.0-only
/*
 * The output `metrics`: when a page is made, and where it goes. A recording, or --once, gives one page at the end.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../lib/tr.h"
#include "../../lib/beside.h"
#include "../../lib/clock.h"
#include "../../lib/events.h"
#include "metrics.h"

#define PAGE_NS		1000000000ull	/* between two pages that are answered with */
#define IDLE_NS		10000000000ull	/* where nothing happens */

struct metrics {
	struct metrics_rows rows;
	struct ledger *ledger;		/* NULL: nothing to compare with */
	uint64_t before[LEDGER_MAX], last[LEDGER_MAX];	/* the kernel's: when it began, at the page before */
	bool ledger_begun;
	uint64_t lost, missed;
	struct http *http;		/* NULL: nobody is answered */
	uint64_t page_ns, file_ns;	/* when they were made; 0: never */
	uint64_t records;		/* of the model, then */
};

static void fail(struct view *v, const char *what, int err)
{
	static char sentence[512];

	if (!err)
		return;
	snprintf(sentence, sizeof(sentence), "metrics: %s: %s", what, strerror(-err));
	v->failed = sentence;
}

static void metrics_free(struct metrics *s)
{
	http_close(s->http);
	rows_free(&s->rows);
	free(s->ledger);
	free(s);
}

/* It answers unless the page goes elsewhere. */
static bool answers(const struct view *v)
{
	return v->cfg.live && !v->cfg.metrics.once && v->cfg.metrics.listens;
}

static int metrics_open(struct view *v)
{
	struct metrics *s = calloc(1, sizeof(*s));
	const char *why = _("out of memory");
	int err;

	if (!s)
		return -ENOMEM;
	v->priv = s;
	err = rows_init(&s->rows, &v->cfg.metrics);
	if (!err && v->cfg.machine_now && v->cfg.machine_now->counters)
		s->ledger = calloc(1, sizeof(*s->ledger));
	v->steps = s->ledger ? LEDGER_STEPS : 0;
	if (!err && answers(v))
		err = http_open(&s->http, &v->cfg.metrics, &why);
	if (!err && s->http)
		err = http_start(s->http, &why);
	if (!err)
		return 0;
	fail(v, why, err);
	metrics_free(s);
	v->priv = NULL;
	return err;
}

/* ---- the kernel's counters ---- */

static bool read_counters(const struct view *v, uint64_t *to)
{
	return !v->cfg.machine_now->counters(v->cfg.machine_now->ctx, to);
}

/*
 * What is under way is no difference: between two readings of the kernel's counter it may have counted what we have
 * not seen yet, and we may have seen what it counted after the first.
 */
static int64_t difference(int64_t now, int64_t before, int64_t counted)
{
	if (counted > now)
		return now - counted;
	return counted < before ? before - counted : 0;
}

static void compare(struct view *v, const struct model *m, struct metrics_page *p)
{
	struct metrics *s = v->priv;
	uint64_t now[LEDGER_MAX];
	const uint64_t *counted;
	static const uint64_t nothing[LEDGER_MAX];

	if (!s->ledger || !s->ledger_begun || !read_counters(v, now))
		return;
	counted = ledger_of(s->ledger, v->cfg.machine_now->netns);
	counted = counted ? counted : nothing;
	for (int k = 0; k < LEDGER_MAX; k++) {
		p->ledger_known[k] = k != LEDGER_TIMEOUTS && ledger_seen(m, k) && now[k] != UINT64_MAX;
		p->ledger[k] = difference((int64_t)(now[k] - s->before[k]), (int64_t)(s->last[k] - s->before[k]),
					  (int64_t)counted[k]);
	}
	memcpy(s->last, now, sizeof(now));
}

/* ---- pages ---- */

static void describe(struct view *v, const struct model *m, struct metrics_page *p)
{
	const struct view_machine *now = v->cfg.machine_now;
	struct metrics *s = v->priv;

	*p = (struct metrics_page){
		.rows = &s->rows, .cfg = &v->cfg.metrics, .totals = model_totals(m), .source = "file",
	};
	if (now) {
		p->missed_known = now->stats(now->ctx, &p->lost, &p->missed);
		p->hooks = now->hooks;
		p->nhooks = now->nhooks;
		p->source = now->source;
		p->process = true;
		p->start_ns = v->cfg.start_ns + (uint64_t)v->cfg.wall_offset_ns;
		compare(v, m, p);
	}
	if (p->totals->lost_total > p->lost)
		p->lost = p->totals->lost_total;
}

static int put_page(const struct metrics_page *p, enum page_format format, int fd)
{
	struct out o;
	int err = out_open(&o, fd);

	if (err)
		return err;
	page_put(p, format, &o);
	err = out_flush(&o);
	out_close(&o);
	return err;
}

static int put_answers(struct metrics *s, const struct metrics_page *p)
{
	int err = 0;

	for (enum page_format f = 0; f < PAGE_FORMATS && !err; f++) {
		int fd = memfd_create("metrics", MFD_CLOEXEC);

		err = fd < 0 ? -errno : put_page(p, f, fd);
		if (!err)
			err = http_page(s->http, f, fd);
		if (fd >= 0)
			close(fd);
	}
	return err;
}

/* For node_exporter: others may read it; it is there as a whole or not at all. */
static int put_file(const char *path, const struct metrics_page *p)
{
	char *part;
	int fd, err;

	if (!path || !strcmp(path, "-"))
		return put_page(p, PAGE_TEXT, STDOUT_FILENO);
	fd = beside_open(path, &part);
	if (fd < 0)
		return fd;
	err = part && fchmod(fd, 0644) ? -errno : put_page(p, PAGE_TEXT, fd);
	if (close(fd) && !err)
		err = -errno;
	return err ? (beside_close(path, part, false), err) : beside_close(path, part, true);
}

static void make_pages(struct view *v, const struct model *m, uint64_t now_ns, bool answer, bool file)
{
	struct metrics *s = v->priv;
	struct metrics_page p;

	v->failed = NULL;	/* the last page decides */
	rows_look(&s->rows, v, m, now_ns);
	describe(v, m, &p);
	if (answer)
		fail(v, "the page", put_answers(s, &p));
	if (file)
		fail(v, v->cfg.path ? v->cfg.path : "standard output", put_file(v->cfg.path, &p));
	s->records = p.totals->records;
}

static bool page_is_due(const struct metrics *s, const struct model *m, uint64_t now_ns)
{
	uint64_t age = now_ns - s->page_ns;

	if (!s->page_ns || age >= IDLE_NS)
		return true;
	return age >= PAGE_NS && (s->rows.waiting || model_totals(m)->records != s->records);
}

static bool writes_file(const struct view *v)
{
	return v->cfg.path && !v->cfg.metrics.once && strcmp(v->cfg.path, "-");
}

/* At most a page's age from here, for the names of who has a listener now. */
static uint64_t next_tick(const struct view *v, const struct model *m, uint64_t now_ns)
{
	const struct metrics *s = v->priv;
	uint64_t next = (s->http && model_totals(m)->records != s->records ? s->page_ns : now_ns) + PAGE_NS;

	if (writes_file(v) && next > s->file_ns + v->cfg.metrics.interval_ns)
		next = s->file_ns + v->cfg.metrics.interval_ns;
	return next;
}

static void metrics_tick(struct view *v, const struct model *m, uint64_t now_ns)
{
	struct metrics *s = v->priv;
	bool answer = s->http && page_is_due(s, m, now_ns);
	bool file = writes_file(v) && (!s->file_ns || now_ns - s->file_ns >= v->cfg.metrics.interval_ns);

	if (answer)
		s->page_ns = now_ns;
	if (file)
		s->file_ns = now_ns;
	if (answer || file)
		make_pages(v, m, now_ns, answer, file);
	v->idle_ns = next_tick(v, m, now_ns);
}

static void metrics_begin(struct view *v)
{
	struct metrics *s = v->priv;

	if (!s->ledger)
		return;
	memset(s->ledger, 0, sizeof(*s->ledger));
	s->ledger_begun = read_counters(v, s->before);
	memcpy(s->last, s->before, sizeof(s->last));
}

static void metrics_event(struct view *v, const struct model_event *ev)
{
	struct metrics *s = v->priv;

	if (s->ledger)
		ledger_event(s->ledger, ev);
}

/* The last page of a file; the only one where it answers nobody. */
static void metrics_end(struct view *v, const struct view_end *end)
{
	struct metrics *s = v->priv;

	if (v->cfg.path || !s->http)
		make_pages(v, end->model, v->cfg.live ? clock_ns(CLOCK_MONOTONIC) : end->totals->last_ns, false, true);
}

static int metrics_close(struct view *v)
{
	metrics_free(v->priv);
	v->priv = NULL;
	return 0;
}

const struct view_ops view_metrics = {
	.name = "metrics",
	.help = N_("numbers of each listener for Prometheus, written anew every 15 seconds"),
	.file = VIEW_OWN,
	.events = EVENTS_QUEUES,
	.open = metrics_open,
	.begin = metrics_begin,
	.event = metrics_event,
	.tick = metrics_tick,
	.end = metrics_end,
	.close = metrics_close,
};
