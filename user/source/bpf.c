// SPDX-License-Identifier: GPL-2.0-only
/*
 * The BPF source: loads and attaches what probes.c chose, drains the ring, and
 * asks the iterators for what exists.
 *
 * Waking up for each record is what makes tracers slow. The kernel side wakes
 * nobody unless the reader has said that it sleeps (reader_sleeps); a reader
 * that found something naps PAUSE_NS, finds a batch, and only goes to sleep for
 * real when a nap brought nothing: as NAPI does.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../../bpf/config.h"
#include "capture.skel.h"
#include "netns.h"
#include "probes.h"
#include "ring.h"

#define RING_BYTES	(16u << 20)
#define PAUSE_NS	2000000		/* nap between two drains while records come */
#define BUSY		65536		/* so many at once: more have come meanwhile, no time for anything else */
#define MERGE_TRIES	100		/* naps of 0.1 ms until what was there before a snapshot is all read */
#define ROUNDS		40		/* attempts to find a set of programs that loads and attaches */
#define SECOND		1000000000ull
#define SWEEP_MAX_NS	(5 * SECOND)	/* latest that an expired request is found without a hook */

struct bpf_source {
	struct source base;
	struct source_config cfg;
	struct probes probes;
	struct capture *skel;
	struct bpf_link *links[OBJECT_PROGS];
	unsigned int nlinks;
	struct bpf_link *it_tcp, *it_task_file;
	struct rings rings;
	source_fn fn;			/* of the poll() in progress */
	void *ctx;
	int fn_ret;
	unsigned int drained;
	uint64_t delivered, lost[TCPTRACE_EVENT_MAX], lost_total;
	uint64_t check_ns, sweep_ns, sweep_every_ns;
	uint64_t requests;		/* that may wait in a SYN queue, never too few */
	uint64_t requests_low;		/* fewest since the last sweep: none of the others is older than that */
	bool cookies;			/* then handshakes end that began with no request */
	bool resync;
	struct tcptrace_record snap[256];	/* read from an iterator, not yet handed on */
	size_t snap_n, snap_next;
};

static char load_failed[64];		/* program that the kernel refused, of the last load */

/* libbpf names the program that made a load fail only in its talk. */
static int listen_to_libbpf(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	char line[512], name[64];
	va_list again;

	if (getenv("TCPTRACE_DEBUG")) {
		va_copy(again, ap);
		vfprintf(stderr, fmt, again);	/* with the verifier's whole log */
		va_end(again);
	} else if (level == LIBBPF_DEBUG) {
		return 0;			/* thousands, 10 ms to look through */
	}
	vsnprintf(line, sizeof(line), fmt, ap);
	if (sscanf(line, "libbpf: prog '%63[^']'", name) == 1 &&
	    (strstr(line, "failed to load") || strstr(line, "failed to find") ||
	     strstr(line, "failed to prepare") || strstr(line, "bad relo")))
		snprintf(load_failed, sizeof(load_failed), "%s", name);
	return 0;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * SECOND + ts.tv_nsec;
}

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * SECOND + ts.tv_nsec;
}

/* ---- load and attach ---- */

static bool uses_tp(const struct probes *p, enum hook_id id)
{
	return probes_mechanism(p, id) == MECH_TRACEPOINT;
}

/* Read-only data: the skeleton declares it const volatile, before load it is ours to fill. */
static void fill_config(struct bpf_source *s)
{
	struct capture_config *c = (struct capture_config *)&s->skel->rodata->cfg;
	uint64_t *lports = (uint64_t *)s->skel->rodata->lports;
	uint64_t *rports = (uint64_t *)s->skel->rodata->rports;
	const struct filter *f = &s->cfg.filter;
	const struct probes *p = &s->probes;

	c->cgroup = f->cgroup;
	c->netns = f->netns;
	c->ring_mask = s->rings.n - 1;
	c->family = f->family;
	c->by_pid = f->npids > 0 && !f->others;
	c->follow = f->follow;
	c->both_ends = f->others;
	for (uint32_t i = 0; i < f->nlports; i++)
		lports[f->lports[i] / 64] |= 1ull << (f->lports[i] % 64);
	for (uint32_t i = 0; i < f->nrports; i++)
		rports[f->rports[i] / 64] |= 1ull << (f->rports[i] % 64);
	c->by_lport = f->nlports > 0;
	c->by_rport = f->nrports > 0;
	c->filtered = c->cgroup || c->netns || c->family || c->by_pid || c->by_lport || c->by_rport;
	c->tp_connect = uses_tp(p, HOOK_CONNECT);
	c->tp_close = uses_tp(p, HOOK_CLOSE);
	c->tp_synack = uses_tp(p, HOOK_SYNQ_ADD);
	c->tp_acceptq_add = uses_tp(p, HOOK_ACCEPTQ_ADD);
	c->tp_data_ready = c->tp_acceptq_add && probes_wants(p, "tp_data_ready");
	c->tp_drop_syn = uses_tp(p, HOOK_DROP_SYN);
	c->tp_drop_ack = uses_tp(p, HOOK_DROP_ACK);
	c->tp_cookie = uses_tp(p, HOOK_COOKIE);
	c->tp_synq_del = uses_tp(p, HOOK_SYNQ_DEL);
	c->twice = p->preempts;
}

static int try_load(struct bpf_source *s)
{
	struct bpf_program *prog;

	fill_config(s);
	bpf_map__reuse_fd(s->skel->maps.rings, s->rings.array_fd);
	bpf_object__for_each_program(prog, s->skel->obj)
		bpf_program__set_autoload(prog, probes_wants(&s->probes, bpf_program__name(prog)));
	load_failed[0] = 0;
	return capture__load(s->skel);
}

static int attach_one(struct bpf_source *s, struct bpf_program *prog)
{
	struct bpf_link *link = bpf_program__attach(prog);
	const char *name = bpf_program__name(prog);

	if (!link)
		return -errno;
	if (!strcmp(name, "it_tcp"))
		s->it_tcp = link;
	else if (!strcmp(name, "it_task_file"))
		s->it_task_file = link;
	else
		s->links[s->nlinks++] = link;
	return 0;
}

static void detach(struct bpf_source *s)
{
	while (s->nlinks)
		bpf_link__destroy(s->links[--s->nlinks]);
	bpf_link__destroy(s->it_tcp);
	bpf_link__destroy(s->it_task_file);
	s->it_tcp = s->it_task_file = NULL;
	capture__destroy(s->skel);
	s->skel = NULL;
}

/* 0, or -errno with the refused program in load_failed. */
static int try_attach(struct bpf_source *s)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, s->skel->obj) {
		int err;

		if (!bpf_program__autoload(prog))
			continue;
		err = attach_one(s, prog);
		if (err) {
			snprintf(load_failed, sizeof(load_failed), "%s", bpf_program__name(prog));
			return err;
		}
	}
	return 0;
}

static int fill_pids(struct bpf_source *s)
{
	uint8_t one = 1;

	for (uint32_t i = 0; i < s->cfg.filter.npids; i++)
		if (bpf_map_update_elem(bpf_map__fd(s->skel->maps.pids), &s->cfg.filter.pids[i], &one, BPF_ANY))
			return -errno;
	return 0;
}

static int load_and_attach(struct bpf_source *s)
{
	for (int round = 0; round < ROUNDS; round++) {
		int err;

		if (!s->skel)
			s->skel = capture__open();
		if (!s->skel)
			return -errno;
		if (!round) {
			err = probes_init(&s->probes, s->skel->obj, s->cfg.mechanism, s->cfg.io);
			if (err)
				return err;
		}
		err = try_load(s);
		if (!err)
			err = fill_pids(s);
		if (!err)
			err = rings_ready(&s->rings);
		if (!err) {
			err = try_attach(s);
			if (!err)
				return 0;
			if (!probes_reject(&s->probes, load_failed, "attach", -err))
				return err;
		} else if (!load_failed[0] || !probes_reject(&s->probes, load_failed, "load", -err)) {
			return err;
		}
		detach(s);
		/* without transitions there is nothing to show; the reason is everybody's */
		if (s->probes.choice[HOOK_STATE].way < 0)
			return err;
	}
	return -ELOOP;
}

static bool has_tracefs(void)
{
	return !access("/sys/kernel/tracing/events", R_OK) || !access("/sys/kernel/debug/tracing/events", R_OK);
}

static bool has_debugfs(void)
{
	return !access("/sys/kernel/debug/sched", R_OK);
}

/*
 * libbpf finds system-call tracepoints through tracefs, and debugfs says how preemptible the kernel is.
 * Where nobody has mounted them, a thread with a mount namespace of its own does, so that nothing
 * changes on the machine.
 */
static void *attach_thread(void *arg)
{
	struct bpf_source *s = arg;

	if (!unshare(CLONE_FS | CLONE_NEWNS)) {
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
		if (!has_debugfs())
			mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
		if (!has_tracefs())
			mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL);
	}
	return (void *)(intptr_t)load_and_attach(s);
}

static int load_in_thread(struct bpf_source *s)
{
	pthread_t thread;
	void *ret;

	if (has_tracefs() && has_debugfs())
		return load_and_attach(s);
	if (pthread_create(&thread, NULL, attach_thread, s))
		return -EAGAIN;
	pthread_join(thread, &ret);
	return (intptr_t)ret;
}

static const char *why_not(int err)
{
	char lockdown[128] = "";
	int fd = open("/sys/kernel/security/lockdown", O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		if (read(fd, lockdown, sizeof(lockdown) - 1) < 0)
			lockdown[0] = 0;
		close(fd);
	}
	if (err == -ENOENT && access("/sys/kernel/btf/vmlinux", R_OK))
		return "this kernel has no BTF (/sys/kernel/btf/vmlinux, CONFIG_DEBUG_INFO_BTF): use the kernel "
		       "module, --source kmod";
	if (strstr(lockdown, "[confidentiality]"))
		return "the kernel is locked down (confidentiality), which forbids BPF to read kernel memory: "
		       "boot with lockdown=integrity or without Secure Boot";
	if (geteuid())
		return "you are not root: run it with sudo, or give it CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN";
	if (err == -EPERM || err == -EACCES)
		return "the kernel refuses BPF to this process although it is root: it lacks CAP_BPF and "
		       "CAP_PERFMON (or CAP_SYS_ADMIN), as in most containers: run it on the host";
	if (err == -ENOSYS || err == -EINVAL)
		return "this kernel has no BPF ring buffer or tracing programs (needs Linux 5.10 with "
		       "CONFIG_BPF_SYSCALL): use the kernel module, --source kmod";
	return NULL;
}

static int bpf_source_open(struct source **out, const struct source_config *cfg, const char **why)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	struct bpf_source *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->base.ops = &source_bpf;
	s->cfg = *cfg;
	libbpf_set_print(listen_to_libbpf);
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	setrlimit(RLIMIT_MEMLOCK, &unlimited);	/* needed before 5.11; where it fails it is not needed */
	err = rings_open(&s->rings, RING_BYTES);
	if (!err)
		err = load_in_thread(s);
	if (err) {
		*why = why_not(err);
		detach(s);
		rings_close(&s->rings);
		free(s);
		return err;
	}
	if (!uses_tp(&s->probes, HOOK_SYNQ_DEL))
		s->sweep_every_ns = 0;
	else
		s->sweep_every_ns = SECOND;
	*out = &s->base;
	return 0;
}

/* ---- the ring ---- */

/* What an iterator told before t_ns comes first. */
static void hand_on_snapshot(struct bpf_source *s, uint64_t t_ns)
{
	while (!s->fn_ret && s->snap_next < s->snap_n && s->snap[s->snap_next].t_ns <= t_ns) {
		s->requests += !!(s->snap[s->snap_next].flags & TCPTRACE_F_REQUEST);
		s->fn_ret = s->fn(s->ctx, &s->snap[s->snap_next++]);
	}
}

/* A handshake that ends takes its request out; whether a reset did, only a sweep knows. */
static void count_requests(struct bpf_source *s, const struct tcptrace_record *rec)
{
	switch (rec->event) {
	case TCPTRACE_SYNQ_ADD:
		s->requests++;
		break;
	case TCPTRACE_COOKIE_SENT:
		s->cookies = true;
		break;
	case TCPTRACE_ACCEPTQ_ADD:
		if (s->requests && !s->cookies && rec->cause == TCPTRACE_ACCEPTQ_HANDSHAKE)
			s->requests--;
		if (s->requests < s->requests_low)
			s->requests_low = s->requests;
	}
}

static int on_record(void *arg, const struct tcptrace_record *rec)
{
	struct bpf_source *s = arg;

	hand_on_snapshot(s, rec->t_ns);
	count_requests(s, rec);
	s->delivered++;
	if (!s->fn_ret)
		s->fn_ret = s->fn(s->ctx, rec);
	s->drained++;
	return s->fn_ret;
}

/* Hands on what is there now and older than until_ns: how many, or what fn returned, or -errno. */
static int drain(struct bpf_source *s, uint64_t until_ns)
{
	s->drained = 0;
	s->fn_ret = 0;
	rings_drain(&s->rings, until_ns, on_record, s);
	return s->fn_ret ? s->fn_ret : (int)s->drained;
}

/* ---- what exists ---- */

static int mark_snapshot(struct bpf_source *s, bool end, uint64_t t_ns)
{
	struct tcptrace_record r = {
		.t_ns = t_ns, .event = TCPTRACE_SNAPSHOT, .fd = -1, .flags = end ? TCPTRACE_F_END : 0,
		.netns = s->cfg.filter.netns,
	};

	return s->fn(s->ctx, &r);
}

/* Hands on what the iterator said among what the hooks said meanwhile, in the order of time. */
static int merge(struct bpf_source *s)
{
	const struct timespec nap = { 0, 100000 };
	uint64_t until_ns = now_ns();
	int n, tries = 0;

	s->snap_next = 0;
	do {			/* whoever writes a record may have lost its CPU */
		n = drain(s, until_ns);
		if (n < 0)
			return n;
	} while (s->rings.blocked && tries++ < MERGE_TRIES && !nanosleep(&nap, NULL));
	hand_on_snapshot(s, UINT64_MAX);
	s->snap_n = 0;
	return s->fn_ret;
}

static int read_iter(struct bpf_source *s, struct bpf_link *link)
{
	size_t have = 0;
	int err = 0, fd;

	if (!link)
		return 0;
	fd = bpf_iter_create(bpf_link__fd(link));
	if (fd < 0)
		return -errno;
	while (!err) {
		ssize_t n = read(fd, (char *)s->snap + have, sizeof(s->snap) - have);

		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0) {
			err = n < 0 ? -errno : 0;
			break;
		}
		have += n;
		s->snap_n = have / sizeof(*s->snap);
		n = s->snap_n * sizeof(*s->snap);
		err = merge(s);
		have -= n;		/* part of a record: the rest comes with the next read */
		memmove(s->snap, (char *)s->snap + n, have);
	}
	close(fd);
	return err;
}

static int sweep_netns(void *arg)
{
	struct bpf_source *s = arg;

	return read_iter(s, s->it_tcp);
}

static int take_snapshot(struct bpf_source *s, bool owners)
{
	uint64_t began;
	int err = merge(s);

	began = now_ns();
	s->requests = 0;
	if (!err)
		err = mark_snapshot(s, false, began);
	if (!err && owners)
		err = read_iter(s, s->it_task_file);
	if (!err)
		err = netns_each(s->cfg.filter.netns, sweep_netns, s);
	if (!err)
		err = mark_snapshot(s, true, began);
	return err;
}

static int bpf_source_snapshot(struct source *base, source_fn fn, void *ctx)
{
	struct bpf_source *s = (struct bpf_source *)base;

	s->fn = fn;
	s->ctx = ctx;
	return take_snapshot(s, true);
}

/* New losses become LOST records, so that model, view and recording know. */
static int tell_lost(struct bpf_source *s)
{
	int err = 0;

	for (uint32_t ev = 1; !err && ev < TCPTRACE_EVENT_MAX; ev++) {
		struct tcptrace_record r = { .event = TCPTRACE_LOST, .new = ev, .fd = -1 };
		uint64_t sum = __atomic_load_n(&s->skel->bss->lost[ev], __ATOMIC_RELAXED);

		if (sum == s->lost[ev])
			continue;
		r.t_ns = now_ns();
		r.arg = sum - s->lost[ev];
		s->lost_total += r.arg;
		s->lost[ev] = sum;
		s->resync = true;
		err = s->fn(s->ctx, &r);
	}
	return err;
}

/* Sleeps until a record comes, at most timeout_ms. */
static int sleep_on_rings(struct bpf_source *s, int timeout_ms)
{
	s->skel->bss->reader_sleeps = 1;
	__sync_synchronize();
	if (rings_empty(&s->rings))	/* one may have come before the flag was seen */
		rings_wait(&s->rings, timeout_ms);
	s->skel->bss->reader_sleeps = 0;
	return 0;
}

/* Looks for requests that are gone and told nobody, if one may have waited since the last time. */
static int sweep(struct bpf_source *s)
{
	uint64_t cpu = cpu_ns();
	int err = s->requests_low ? take_snapshot(s, false) : 0;

	s->requests_low = s->requests;
	s->sweep_ns = now_ns();
	/* with very many sockets a fiftieth of a CPU: not of the wall, which a busy machine stretches */
	s->sweep_every_ns = (cpu_ns() - cpu) * 50;
	if (s->sweep_every_ns < SECOND)
		s->sweep_every_ns = SECOND;
	if (s->sweep_every_ns > SWEEP_MAX_NS)
		s->sweep_every_ns = SWEEP_MAX_NS;
	return err;
}

static int periodic(struct bpf_source *s, bool idle)
{
	uint64_t now = now_ns();
	int err = 0;

	if (now - s->check_ns >= SECOND || !s->check_ns) {
		s->check_ns = now;
		err = tell_lost(s);
	}
	if (err || !idle)
		return err;
	/* after a loss what is there is asked again, when the rest has been read */
	if (s->resync) {
		s->resync = false;
		return take_snapshot(s, true);
	}
	if (s->sweep_every_ns && now - s->sweep_ns >= s->sweep_every_ns)
		err = sweep(s);
	return err;
}

/* The last call: all that is there, what was lost, and what only an iterator knows. */
static int poll_last(struct bpf_source *s)
{
	int n = drain(s, UINT64_MAX), err;

	err = n < 0 ? n : tell_lost(s);
	if (!err && (s->resync || (s->sweep_every_ns && s->requests))) {
		err = take_snapshot(s, s->resync);
		s->resync = false;
	}
	return err;
}

static int bpf_source_poll(struct source *base, int timeout_ms, source_fn fn, void *ctx)
{
	struct bpf_source *s = (struct bpf_source *)base;
	struct timespec nap = { 0, PAUSE_NS };
	int n, err;

	s->fn = fn;
	s->ctx = ctx;
	if (timeout_ms == 0)
		return poll_last(s);
	n = drain(s, now_ns());
	if (n < 0)
		return n;
	err = periodic(s, n < BUSY);
	if (err)
		return err;
	if (n >= BUSY)
		return 0;
	if (n) {
		nanosleep(&nap, NULL);
		return 0;
	}
	return sleep_on_rings(s, timeout_ms);
}

/* ---- the rest ---- */

static void bpf_source_stats(struct source *base, struct source_stats *out)
{
	struct bpf_source *s = (struct bpf_source *)base;
	struct bpf_program *prog;
	uint64_t redone;

	memset(out, 0, sizeof(*out));
	out->records = s->delivered;
	out->lost = s->lost_total;
	bpf_object__for_each_program(prog, s->skel->obj) {
		struct bpf_prog_info info = {};
		__u32 len = sizeof(info);

		if (bpf_program__fd(prog) >= 0 && !probes_is_second(bpf_program__name(prog)) &&
		    !bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len))
			out->missed += info.recursion_misses;
	}
	redone = __atomic_load_n(&s->skel->bss->redone, __ATOMIC_RELAXED);
	out->missed -= redone < out->missed ? redone : out->missed;
}

static bool bpf_source_hook(struct source *base, unsigned int i, struct hook_report *out)
{
	struct bpf_source *s = (struct bpf_source *)base;

	if (i >= (s->cfg.io ? HOOK_MAX : HOOK_WRITE))
		return false;
	probes_report(&s->probes, i, out);
	return true;
}

/* With filter.others nothing is taken out of the map: a process that has ended is remembered. */
static bool bpf_source_followed(struct source *base, uint32_t pid)
{
	struct bpf_source *s = (struct bpf_source *)base;
	uint8_t one;

	return !bpf_map_lookup_elem(bpf_map__fd(s->skel->maps.pids), &pid, &one);
}

static void bpf_source_close(struct source *base)
{
	struct bpf_source *s = (struct bpf_source *)base;

	detach(s);
	rings_close(&s->rings);
	free(s);
}

const struct source_ops source_bpf = {
	.name = "bpf",
	.open = bpf_source_open,
	.poll = bpf_source_poll,
	.snapshot = bpf_source_snapshot,
	.stats = bpf_source_stats,
	.followed = bpf_source_followed,
	.hook = bpf_source_hook,
	.close = bpf_source_close,
};
