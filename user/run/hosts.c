// SPDX-License-Identifier: GPL-2.0-only
/*
 * The first pass over recordings of several machines: each machine's go to a model of its own, and when segments left and
 * arrived is kept. hostclocks.c makes of that how far the clocks are apart. The second pass is a source like any other.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../lib/tr.h"
#include "../lib/put.h"
#include "../talk.h"
#include "../view/wanted.h"
#include "hostclocks.h"
#include "hosts.h"

_Static_assert(SOURCE_FILES <= MODEL_HOSTS, "each file may be of another machine");

/* ---- whose they are ---- */

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

/* By its ends: at one time one socket of a namespace has them, members of an SO_REUSEPORT group are recorded together. */
static void learn_sock(struct recorded *of, const struct tcptrace_record *rec)
{
	bool listener = tcptrace_of_listener(rec);
	uint64_t w[4] = { 0 }, h = wanted_hash(rec->netns, (uint64_t)rec->lport << 16 | (listener ? 0 : rec->rport));
	struct sock_seen *s;

	if (tcptrace_event_class(rec->event) == TCPTRACE_NOTE || !rec->lport ||
	    (!listener && (!rec->rport || addr_is_any(rec->laddr))))
		return;
	memcpy(w, rec->laddr, sizeof(rec->laddr));
	if (!listener)
		memcpy(w + 2, rec->raddr, sizeof(rec->raddr));
	for (unsigned int i = 0; i < 4; i++)
		h = wanted_hash(h, w[i]);
	s = &of->socks[h % SOCKS];
	if (s->hash != h)
		*s = (struct sock_seen){ .hash = h, .first_ns = rec->t_ns };
	s->last_ns = rec->t_ns;
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
	learn_sock(of, rec);
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

/* Which of its recording's records are in it. */
static void learn_piece(struct hosts *h, uint64_t recording, uint64_t before, struct source *src)
{
	struct source_stats stats;

	src->ops->stats(src, &stats);
	h->cfg.files[h->cfg.n].before = before;
	/* a file of several recordings: nothing is missing after it */
	h->cfg.files[h->cfg.n].known = src->host->recording == recording ? stats.known : UINT64_MAX;
}

/* Records between this file of a recording and those before it, which are in no file; of copies the first says so. */
static uint64_t left_out_before(const struct hosts *h, unsigned int i)
{
	uint64_t before = h->cfg.files[i].before, known = 0;

	for (unsigned int k = 0; k < h->cfg.n; k++) {
		if (h->cfg.files[k].machine != h->cfg.files[i].machine)
			continue;
		if (k < i && h->cfg.files[k].before == before)
			return 0;
		if (h->cfg.files[k].before < before && h->cfg.files[k].known > known)
			known = h->cfg.files[k].known;
	}
	return known && before > known ? before - known : 0;
}

/* What is damaged ends there; the second pass says so. */
static int read_recording(struct hosts *h, const char *path, struct reading *readings)
{
	struct source_config cfg = { .path = path };
	struct source *src = NULL;
	char why[SOURCE_WHY] = "";
	uint64_t recording, before;
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
	recording = src->host->recording;
	before = src->host->before;
	h->cfg.files[h->cfg.n].path = path;
	h->cfg.files[h->cfg.n].machine = machine;
	readings[machine] = (struct reading){ h, machine };
	err = begin_machine(h, machine, &readings[machine]);
	while (!err)
		err = src->ops->poll(src, 0, take, &readings[machine]);
	if (!err || err == SOURCE_END)
		err = check_one_boot(h, path, machine, src);
	learn_piece(h, recording, before, src);
	h->cfg.n++;
	src->ops->close(src);
	return err == -ENOMEM || err == -EXDEV ? err : 0;
}

static bool same_sock(const struct sock_seen *a, const struct sock_seen *b)
{
	return a->hash && a->hash == b->hash && a->first_ns <= b->last_ns && b->first_ns <= a->last_ns;
}

static bool have_one_sock(const struct recorded *a, const struct recorded *b)
{
	for (unsigned int i = 0; i < SOCKS; i++) {
		if (same_sock(&a->socks[i], &b->socks[i]))
			return true;
	}
	return false;
}

/* Two runs beside each other: their steps are the same, but not their records, so that nothing could leave one out. */
static int check_apart(const struct hosts *h)
{
	for (unsigned int i = 0; i < h->view.n; i++) {
		for (unsigned int k = i + 1; k < h->view.n; k++) {
			if (!hostclocks_same_boot(h, i, k) || !have_one_sock(&h->of[i], &h->of[k]))
				continue;
			talk(_("'%s' and '%s' are of one machine at one time, and the same sockets are in both: they would count twice; "
			       "give one of the two"), h->view.all[i].file, h->view.all[k].file);
			return -EXDEV;
		}
	}
	return 0;
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
	for (unsigned int i = 0; i < h->cfg.n; i++) {
		h->cfg.files[i].left_out = left_out_before(h, i);
		h->view.all[h->cfg.files[i].machine].gaps |= h->cfg.files[i].left_out != 0;
	}
}

int hosts_open(struct hosts **out, const struct options *o)
{
	struct hosts *h = calloc(1, sizeof(*h));
	struct reading readings[MODEL_HOSTS];
	int err = h ? 0 : -ENOMEM;

	for (unsigned int i = 0; i < o->nreads && !err; i++)
		err = read_recording(h, o->reads[i], readings);
	if (!err)
		err = check_apart(h);
	if (!err) {
		end_reading(h);
		err = hostclocks_compare(h);
	}
	if (err) {
		if (err == -ENOMEM)
			talk(_("no memory to compare the clocks of %u recordings"), o->nreads);
		hosts_free(h);
		return err;
	}
	for (unsigned int i = 0; i < h->view.n; i++)
		stamps_free(&h->of[i].stamps);
	*out = h;
	return 0;
}

int hosts_source(struct hosts *h, struct source **out, char why[SOURCE_WHY])
{
	h->cfg.moment = hostclocks_moment;
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
