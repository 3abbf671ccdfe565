// SPDX-License-Identifier: GPL-2.0-only
/*
 * Recordings of several machines, merged by time. What is read ahead of each file is what one poll() of it hands on. A
 * file that is damaged is over there; the others go on, and at the end it is said.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/tr.h"
#include "file.h"
#include "merge.h"

struct merged {
	struct source *src;
	unsigned int machine;
	const char *path;
	bool over;
	uint64_t next_ns;		/* when the next record is, on the one clock */
	uint64_t left_out;		/* what is missing before its first record, until that is told */
	unsigned int at, n;		/* of records */
	struct tcptrace_record records[CHUNK_RECORDS];
};

struct merge_source {
	struct source base;
	struct merge_config cfg;
	struct merged *files[SOURCE_FILES];
	char error[SOURCE_WHY], note[SOURCE_WHY];
};

/* ---- one file ---- */

static int keep(void *merged, const struct tcptrace_record *rec)
{
	struct merged *f = merged;

	f->records[f->n++] = *rec;
	return 0;
}

/* The first that went wrong is the one that is reported. */
static void say(char text[SOURCE_WHY], const char **where, const struct merged *f, const char *why)
{
	if (*where)
		return;
	snprintf(text, SOURCE_WHY, "'%.200s': %.250s", f->path, why);
	*where = text;
}

static void end_file(struct merge_source *m, struct merged *f, int err)
{
	f->over = true;
	if (err != SOURCE_END)
		say(m->error, &m->base.error, f, f->src->error ? f->src->error : strerror(-err));
	else if (f->src->note)
		say(m->note, &m->base.note, f, f->src->note);
}

/* Reads on where all that was read is handed on. */
static void fill(struct merge_source *m, struct merged *f)
{
	int err;

	while (f->at == f->n && !f->over) {
		f->at = f->n = 0;
		err = f->src->ops->poll(f->src, 0, keep, f);
		if (err)
			end_file(m, f, err);
	}
	if (f->at < f->n)
		f->next_ns = m->cfg.moment(m->cfg.ctx, f->machine, f->records[f->at].t_ns);
}

static void advance(struct merge_source *m, struct merged *f)
{
	f->at++;
	fill(m, f);
}

static bool has_record(const struct merged *f)
{
	return f->at < f->n;
}

/* ---- all of them ---- */

static struct merged *earliest(const struct merge_source *m)
{
	struct merged *best = NULL;

	for (unsigned int i = 0; i < m->cfg.n; i++) {
		struct merged *f = m->files[i];

		if (has_record(f) && (!best || f->next_ns < best->next_ns))
			best = f;
	}
	return best;
}

/* A file that is given twice, or a part of another. */
static void skip_equal(struct merge_source *m, const struct merged *of, const struct tcptrace_record *rec)
{
	for (unsigned int i = 0; i < m->cfg.n; i++) {
		struct merged *f = m->files[i];

		if (f != of && f->machine == of->machine && has_record(f) && !memcmp(&f->records[f->at], rec, sizeof(*rec)))
			advance(m, f);
	}
}

/* The clocks that it tells of are its machine's; times are those of the first. */
static void shift_clocks(struct merge_source *m, struct tcptrace_record *rec, uint64_t own_ns)
{
	if (!tcptrace_tells_clocks(rec))
		return;
	if (m->base.machine)
		rec->real_ns = rec->boot_ns = 0;
	else
		m->base.wall_offset_ns = rec->real_ns = (int64_t)((uint64_t)rec->real_ns - rec->t_ns + own_ns);
}

/* As of what found no room: when, but not later than this. */
static int tell_left_out(struct merge_source *m, struct merged *f, source_fn fn, void *ctx)
{
	struct tcptrace_record lost = { .event = TCPTRACE_LOST, .t_ns = f->next_ns, .arg = f->left_out, .fd = -1 };

	f->left_out = 0;
	say(m->note, &m->base.note, f, _("a part of the recording before it was left out"));
	return fn(ctx, &lost);
}

static int merge_poll(struct source *s, int timeout_ms, source_fn fn, void *ctx)
{
	struct merge_source *m = (struct merge_source *)s;
	struct tcptrace_record own, rec;
	struct merged *f;
	int err = 0;

	(void)timeout_ms;
	for (unsigned int i = 0; i < CHUNK_RECORDS && !err; i++) {
		f = earliest(m);
		if (!f)
			return m->base.error ? -EBADMSG : SOURCE_END;
		own = rec = f->records[f->at];
		rec.t_ns = f->next_ns;
		s->machine = f->machine;
		if (f->left_out) {
			err = tell_left_out(m, f, fn, ctx);
			continue;
		}
		advance(m, f);
		skip_equal(m, f, &own);
		shift_clocks(m, &rec, own.t_ns);
		err = fn(ctx, &rec);
	}
	return err;
}

static int merge_begin_again(struct source *s)
{
	struct merge_source *m = (struct merge_source *)s;
	int err = 0;

	m->base.error = m->base.note = NULL;
	for (unsigned int i = 0; i < m->cfg.n && !err; i++) {
		struct merged *f = m->files[i];

		err = f->src->ops->begin_again(f->src);
		f->over = false;
		f->at = f->n = 0;
		f->left_out = m->cfg.files[i].left_out;
		if (!err)
			fill(m, f);
	}
	return err;
}

static void merge_stats(struct source *s, struct source_stats *out)
{
	struct merge_source *m = (struct merge_source *)s;
	struct source_stats of;

	*out = (struct source_stats){ 0 };
	for (unsigned int i = 0; i < m->cfg.n; i++) {
		m->files[i]->src->ops->stats(m->files[i]->src, &of);
		out->records += of.records;
		out->unknown += of.unknown;
	}
}

static void merge_close(struct source *s)
{
	struct merge_source *m = (struct merge_source *)s;

	for (unsigned int i = 0; i < m->cfg.n; i++) {
		if (m->files[i] && m->files[i]->src)
			m->files[i]->src->ops->close(m->files[i]->src);
		free(m->files[i]);
	}
	free(m);
}

static const struct source_ops source_merge = {
	.name = "file",
	.poll = merge_poll,
	.begin_again = merge_begin_again,
	.stats = merge_stats,
	.close = merge_close,
};

static int open_one(struct merge_source *m, unsigned int i, char why[SOURCE_WHY])
{
	struct source_config cfg = { .path = m->cfg.files[i].path };
	struct merged *f = malloc(sizeof(*f));
	char of_file[SOURCE_WHY];
	int err;

	m->files[i] = f;
	if (!f)
		return -ENOMEM;
	memset(f, 0, offsetof(struct merged, records));
	f->machine = m->cfg.files[i].machine;
	f->path = cfg.path;
	f->left_out = m->cfg.files[i].left_out;
	err = source_file.open(&f->src, &cfg, of_file);
	if (err)
		snprintf(why, SOURCE_WHY, "'%.200s': %.250s", cfg.path, of_file[0] ? of_file : strerror(-err));
	return err;
}

int merge_open(struct source **out, const struct merge_config *cfg, char why[SOURCE_WHY])
{
	struct merge_source *m = calloc(1, sizeof(*m));
	int err = 0;

	why[0] = 0;
	if (!m)
		return -ENOMEM;
	m->base.ops = &source_merge;
	m->base.repeats = true;		/* they have been read once before */
	m->base.wall_offset_ns = cfg->wall_offset_ns;
	m->cfg = *cfg;
	for (m->cfg.n = 0; m->cfg.n < cfg->n && !err; m->cfg.n++)
		err = open_one(m, m->cfg.n, why);
	if (err) {
		merge_close(&m->base);
		return err;
	}
	for (unsigned int i = 0; i < m->cfg.n; i++)
		fill(m, m->files[i]);
	*out = &m->base;
	return 0;
}
