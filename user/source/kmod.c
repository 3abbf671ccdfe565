// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel module as a source: a trace instance of our own with the events of
 * tcptrace.ko, read as raw pages, one stream per CPU, merged by time. Nothing
 * is loaded and nothing outside the instance is changed; the instance goes with
 * us, or with the next run if we were killed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <kbuffer.h>
#include <tracefs.h>

#include "kmodhooks.h"
#include "kmodpage.h"
#include "../lib/clock.h"
#include "../lib/tr.h"
#include "pidns.h"
#include "source.h"

#define BUFFER_BYTES	(16u << 20)	/* of all CPUs together */
#define BUFFER_CPU	(1u << 20)	/* of each, at least */
#define PAUSE_NS	4000000		/* nap between two drains while records come */
#define SLACK_NS	2000000		/* a record reaches its page this long after its time stamp, at most */
#define PREFIX		"tcptrace-"	/* instances: tcptrace-PID */

struct kmod_source {
	struct source base;
	struct source_config cfg;
	struct tracefs_instance *instance;
	struct pages pages;
	struct kmod_hooks hooks;
	uint64_t delivered, lost;
	uint64_t looked_ns, told_ns;	/* when what was lost was asked last, and when there was any */
	bool resync;
};

/* ---- the instance ---- */

/* Of a tcptrace that was killed. A living one keeps files open: the kernel refuses. */
static void remove_stale(void)
{
	char *path = tracefs_get_tracing_file("instances");
	DIR *dir = path ? opendir(path) : NULL;
	struct dirent *de;
	char *end;

	while (dir && (de = readdir(dir))) {
		pid_t pid;

		if (strncmp(de->d_name, PREFIX, strlen(PREFIX)))
			continue;
		pid = strtol(de->d_name + strlen(PREFIX), &end, 10);
		if (pid > 0 && !*end && kill(pid, 0) && errno == ESRCH)
			unlinkat(dirfd(dir), de->d_name, AT_REMOVEDIR);
	}
	if (dir)
		closedir(dir);
	tracefs_put_tracing_file(path);
}

static int set(struct kmod_source *s, const char *file, const char *value)
{
	return tracefs_instance_file_write(s->instance, file, value) < 0 ? -errno : 0;
}

/* Not those that are notes, nor the snapshot, which begins when it is enabled. */
static bool streams(const struct kmod_source *s, unsigned int event)
{
	if (event == TCPTRACE_READ || event == TCPTRACE_WRITE)
		return s->cfg.io;
	return event != TCPTRACE_EXISTS && tcptrace_event_class(event) != TCPTRACE_NOTE;
}

static const char *const trace_events[TCPTRACE_EVENT_MAX] = {
#define TCPTRACE_NAME(sym, low, name, class, doc) [TCPTRACE_##sym] = #low,
	TCPTRACE_EVENTS(TCPTRACE_NAME)
#undef TCPTRACE_NAME
};

static int enable(struct kmod_source *s, unsigned int event, bool on)
{
	char file[64];

	snprintf(file, sizeof(file), "events/tcptrace/%s/enable", trace_events[event]);
	return set(s, file, on ? "1" : "0");
}

static void put_and(FILE *f, bool *any)
{
	if (*any)
		fputs(" && ", f);
	*any = true;
}

/* other: what else will do */
static void put_ports(FILE *f, const char *field, const struct port_range *ports, uint32_t n, const char *other)
{
	for (uint32_t i = 0; i < n; i++) {
		fputs(i ? " || " : "(", f);
		if (ports[i].from == ports[i].to)
			fprintf(f, "%s == %u", field, ports[i].from);
		else
			fprintf(f, "(%s >= %u && %s <= %u)", field, ports[i].from, field, ports[i].to);
	}
	fprintf(f, "%s)", other);
}

/* The kernel's own filter of our instance: what a field of the record can say. */
static int set_filter(struct kmod_source *s)
{
	const struct filter *f = &s->cfg.filter;
	bool any = false;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int err = 0;

	if (!out)
		return -ENOMEM;
	if (f->family) {
		put_and(out, &any);
		fprintf(out, "family == %u", f->family);
	}
	if (f->netns) {
		put_and(out, &any);
		fprintf(out, "netns == %u", f->netns);
	}
	if (f->nlports) {
		put_and(out, &any);
		/* which port its listener has (TPROXY) no record of a connection says: select.c knows it by the model */
		put_ports(out, "lport", f->lports, f->nlports, " || listener != 0");
	}
	if (f->nrports) {
		put_and(out, &any);
		put_ports(out, "rport", f->rports, f->nrports, "");
	}
	if (fclose(out))
		err = -ENOMEM;
	else if (any)
		err = set(s, "events/tcptrace/filter", text);
	free(text);
	return err;
}

static int set_up(struct kmod_source *s)
{
	long ncpu = sysconf(_SC_NPROCESSORS_CONF);
	uint32_t all = s->cfg.ring_bytes ? s->cfg.ring_bytes : BUFFER_BYTES, bytes = all / (ncpu > 0 ? ncpu : 1);
	unsigned int event;
	char kb[16];
	int err;

	snprintf(kb, sizeof(kb), "%u", (bytes > BUFFER_CPU ? bytes : BUFFER_CPU) >> 10);
	err = set(s, "tracing_on", "0");	/* one event is enabled after the other, all are to begin at once */
	if (!err)
		err = set(s, "trace_clock", "mono");
	if (!err)
		err = set(s, "buffer_size_kb", kb);
	if (!err)		/* the newest are lost, as in a BPF ring, and counted */
		err = set(s, "options/overwrite", "0");
	if (!err)
		err = set_filter(s);
	/* names of tasks are in the record: without this each context switch is slower */
	set(s, "options/record-cmd", "0");
	set(s, "buffer_percent", "0");	/* a sleeping reader is woken by the first record */
	for (event = 1; !err && event < TCPTRACE_EVENT_MAX; event++)
		if (streams(s, event))
			err = enable(s, event, true);
	return err ? err : set(s, "tracing_on", "1");
}

/* ---- open ---- */

static const char *why_not(const struct source_config *cfg, int *err)
{
	const char *dir = tracefs_tracing_dir();

	*err = -EOPNOTSUPP;
	if (cfg->filter.cgroup)
		return _("the kernel module cannot filter by cgroup: leave out --cgroup, or use --source bpf");
	if (cfg->filter.follow)
		return _("the kernel module cannot follow a program's children: use --source bpf, or start the "
		       "program yourself and give its process with -p");
	if (cfg->filter.npids && pidns_here())
		return _("the kernel module has the host's process numbers, and this is a PID namespace (a container): leave out "
		       "-p, or use --source bpf");
	if (cfg->mechanism != MECH_AUTO)
		return _("the kernel module has its own hooks: --mechanism is for --source bpf");
	*err = -EACCES;
	if (geteuid())
		return _("reading trace events needs root: run it with sudo");
	*err = -ENOENT;
	if (!dir)
		return _("tracefs is not there: mount -t tracefs tracefs /sys/kernel/tracing");
	if (!tracefs_dir_exists(NULL, "events/tcptrace"))
		return _("the module tcptrace is not loaded: build and install it with 'sudo make kmod-install', then "
		       "'sudo modprobe tcptrace'");
	*err = -EPROTO;
	if (!pages_layout_fits())
		return _("the loaded module tcptrace speaks another version: unload it (rmmod tcptrace), then "
		       "'sudo make kmod-install' and 'sudo modprobe tcptrace'");
	*err = 0;
	return NULL;
}

static void kmod_source_close(struct source *base)
{
	struct kmod_source *s = (struct kmod_source *)base;

	pages_close(&s->pages);
	if (s->instance) {
		tracefs_instance_destroy(s->instance);
		tracefs_instance_free(s->instance);
	}
	kmod_hooks_free(&s->hooks);
	free(s);
}

static int kmod_source_open(struct source **out, const struct source_config *cfg, char why[SOURCE_WHY])
{
	struct kmod_source *s;
	char name[32];
	int err;
	const char *sentence = why_not(cfg, &err);

	snprintf(why, SOURCE_WHY, "%s", sentence ? sentence : "");
	if (err)
		return err;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->base.ops = &source_kmod;
	s->cfg = *cfg;
	remove_stale();
	snprintf(name, sizeof(name), PREFIX "%d", getpid());
	s->instance = tracefs_instance_create(name);
	err = s->instance ? set_up(s) : -errno;
	if (!err)
		err = pages_open(&s->pages, s->instance);
	if (!err)
		err = kmod_hooks_read(&s->hooks);
	if (err) {
		kmod_source_close(&s->base);
		return err;
	}
	if (pidns_here())
		s->base.note = _("this is a PID namespace (a container): the module has the host's process numbers");
	*out = &s->base;
	return 0;
}

/* ---- what exists: the module tells when its event `exists` is enabled ---- */

struct asker {
	struct kmod_source *s;
	int err;
	uint64_t end_ns;
	bool done;
};

static void *ask(void *arg)
{
	struct asker *a = arg;

	a->err = enable(a->s, TCPTRACE_EXISTS, true);
	a->end_ns = clock_ns(CLOCK_MONOTONIC);
	if (!a->err)
		a->err = enable(a->s, TCPTRACE_EXISTS, false);
	__atomic_store_n(&a->done, true, __ATOMIC_RELEASE);
	return NULL;
}

/* As in source_bpf: ahead of what is read after it. */
static int tell_lost(struct kmod_source *s, bool last, source_fn fn, void *ctx)
{
	struct tcptrace_record r = { .event = TCPTRACE_LOST, .fd = -1, .t_ns = s->looked_ns };
	uint64_t now = clock_ns(CLOCK_MONOTONIC), sum;

	if (!last && now - s->told_ns < SECOND)
		return 0;
	s->looked_ns = now;
	sum = pages_lost(&s->pages, s->instance);
	if (sum <= s->lost)
		return 0;
	r.call_ns = now - r.t_ns;
	r.arg = sum - s->lost;
	s->lost = sum;
	s->told_ns = now;
	s->resync = true;
	return fn(ctx, &r);
}

static int hand_on(struct kmod_source *s, uint64_t until_ns, source_fn fn, void *ctx)
{
	int err = tell_lost(s, until_ns == UINT64_MAX, fn, ctx), n;

	if (err)
		return err;
	n = pages_drain(&s->pages);
	if (n < 0)
		return n;
	err = pages_deliver(&s->pages, until_ns, fn, ctx, &s->delivered);
	return err ? err : n;
}

/* The module writes all of it at once: read along, so that the buffer need not hold it. */
static int kmod_source_snapshot(struct source *base, source_fn fn, void *ctx)
{
	struct kmod_source *s = (struct kmod_source *)base;
	struct timespec nap = { 0, SLACK_NS };
	struct asker a = { .s = s };
	uint64_t began = clock_ns(CLOCK_MONOTONIC);
	pthread_t thread;
	int err;

	nanosleep(&nap, NULL);
	err = hand_on(s, began, fn, ctx);
	if (err >= 0)
		err = source_mark_snapshot(&s->cfg, false, began, fn, ctx);
	if (err)
		return err;
	if (pthread_create(&thread, NULL, ask, &a))
		return -EAGAIN;
	while (!__atomic_load_n(&a.done, __ATOMIC_ACQUIRE)) {
		nanosleep(&nap, NULL);
		if (err >= 0)
			err = hand_on(s, clock_ns(CLOCK_MONOTONIC) - SLACK_NS, fn, ctx);
	}
	pthread_join(thread, NULL);
	if (err >= 0)
		err = a.err;
	if (!err)
		err = hand_on(s, a.end_ns, fn, ctx);
	return err < 0 ? err : source_mark_snapshot(&s->cfg, true, began, fn, ctx);
}

/* ---- poll ---- */

static int periodic(struct kmod_source *s, bool idle, source_fn fn, void *ctx)
{
	if (!idle || !s->resync)
		return 0;
	s->resync = false;
	return kmod_source_snapshot(&s->base, fn, ctx);
}

static int kmod_source_poll(struct source *base, int timeout_ms, source_fn fn, void *ctx)
{
	struct kmod_source *s = (struct kmod_source *)base;
	struct timespec nap = { 0, PAUSE_NS };
	int n, err;

	n = hand_on(s, timeout_ms ? clock_ns(CLOCK_MONOTONIC) - SLACK_NS : UINT64_MAX, fn, ctx);
	if (n < 0)
		return n;
	if (!timeout_ms)		/* the last one: what was lost must be reported now */
		return tell_lost(s, true, fn, ctx);
	err = periodic(s, !n, fn, ctx);
	if (err)
		return err;
	if (n || pages_pending(&s->pages))
		nanosleep(&nap, NULL);
	else
		return pages_wait(&s->pages, timeout_ms);
	return 0;
}

/* ---- the rest ---- */

static void kmod_source_stats(struct source *base, struct source_stats *out)
{
	struct kmod_source *s = (struct kmod_source *)base;
	struct kmod_hooks now = {};

	*out = (struct source_stats){ .records = s->delivered, .lost = s->lost };
	out->missed_known = !kmod_hooks_read(&now);
	if (now.missed > s->hooks.missed)
		out->missed = now.missed - s->hooks.missed;
	kmod_hooks_free(&now);
}

static bool kmod_source_hook(struct source *base, unsigned int i, struct hook_report *out)
{
	return kmod_hooks_report(&((struct kmod_source *)base)->hooks, i, out);
}

const struct source_ops source_kmod = {
	.name = "kmod",
	.no_pid_filter = true,
	.open = kmod_source_open,
	.poll = kmod_source_poll,
	.snapshot = kmod_source_snapshot,
	.stats = kmod_source_stats,
	.hook = kmod_source_hook,
	.close = kmod_source_close,
};
