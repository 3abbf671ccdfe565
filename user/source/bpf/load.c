// SPDX-License-Identifier: GPL-2.0-only
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/btf.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "btf.h"
#include "load.h"
#include "mount.h"

#ifdef __x86_64__
#define STORES_IN_ORDER	1
#else
#define STORES_IN_ORDER	0
#endif
#define ROUNDS		40		/* attempts to find a set of programs that loads and attaches */
#define LOG_BYTES	8192
#define LOG_STATS	4		/* BPF_LOG_STATS: what the verifier objects to, and what it took; no trace */

static const char *const kernel_names[] = {
#include "kernel_names.h"		/* made from bpf/vmlinux.h */
};

/* ---- load ---- */

static void fill_ports(uint64_t *set, const struct port_range *ports, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		for (uint32_t port = ports[i].from; port <= ports[i].to; port++)
			set[port / 64] |= 1ull << (port % 64);
	}
}

_Static_assert(FILTER_NETS <= CAPTURE_NETS, "all nets of --addr fit");

static void fill_nets(struct capture_net *to, const struct filter *f)
{
	for (uint32_t i = 0; i < f->nnets; i++) {
		memcpy(to[i].addr, f->nets[i].addr, sizeof(to[i].addr));
		memcpy(to[i].mask, f->nets[i].mask, sizeof(to[i].mask));
	}
}

/* A tick is as long as this clock's step. */
static uint16_t kernel_hz(void)
{
	struct timespec tick;

	if (clock_getres(CLOCK_MONOTONIC_COARSE, &tick) || tick.tv_sec || !tick.tv_nsec)
		return 0;
	return (uint16_t)(1000000000 / tick.tv_nsec);
}

/* Read-only data: the skeleton declares it const volatile, before load it is ours to fill. */
static void fill_config(struct load *l)
{
	struct capture_config *c = (struct capture_config *)&l->skel->rodata->cfg;
	const struct filter *f = &l->cfg->filter;

	c->types = l->features.types;
	c->cgroup = f->cgroup;
	c->netns = f->netns;
	c->pidns = l->features.pidns;
	c->tracer = (uint32_t)getpid();
	c->hz = kernel_hz();
	c->mib_overflows = l->features.mib_overflows;
	c->mib_synq_drops = l->features.mib_synq_drops;
	c->mib_drops = l->features.mib_drops;
	c->ring_mask = l->rings->n - 1;
	c->ring_slots = l->rings->slots;
	c->family = f->family;
	c->by_pid = f->npids > 0 && !f->both_ends;
	c->follow = f->follow;
	c->both_ends = f->both_ends;
	fill_ports((uint64_t *)l->skel->rodata->lports, f->lports, f->nlports);
	fill_ports((uint64_t *)l->skel->rodata->rports, f->rports, f->nrports);
	c->by_lport = f->nlports > 0;
	c->by_rport = f->nrports > 0;
	fill_nets((struct capture_net *)l->skel->rodata->nets, f);
	c->nets = (uint8_t)f->nnets;
	c->filtered = c->nets || c->cgroup || c->netns || c->family || c->by_pid || c->by_lport || c->by_rport;
	plan_config(&l->plan, c);
	if (l->first) {
		c->events &= ~((const struct capture_config *)&l->first->skel->rodata->cfg)->events;
		c->no_listeners = true;
	}
}

/* What is each one's own: notes that programs leave for those of the same load. */
static int share_maps(struct load *l)
{
	struct capture *a = l->skel, *b = l->first->skel;
	const struct { struct bpf_map *own, *first; } maps[] = {
		{ a->maps.slots, b->maps.slots }, { a->maps.slot_seq, b->maps.slot_seq },
		{ a->maps.wakeup, b->maps.wakeup }, { a->maps.bss, b->maps.bss },
		{ a->maps.pids, b->maps.pids }, { a->maps.traced_socks, b->maps.traced_socks },
	};

	for (size_t i = 0; i < sizeof(maps) / sizeof(*maps); i++) {
		int err = bpf_map__reuse_fd(maps[i].own, bpf_map__fd(maps[i].first));

		if (err)
			return err;
	}
	return 0;
}

/*
 * What is not used takes no room. Before 6.1 (bpf_mem_alloc) the kernel warns of programs that allocate
 * where they run, as the allocator might be what they were called from: there all of it is allocated now.
 */
static void size_maps(struct load *l)
{
	const struct capture_config *c = (const struct capture_config *)&l->skel->rodata->cfg;
	struct bpf_map *map;

	if (!c->by_pid && !c->by_lport)
		bpf_map__set_max_entries(l->skel->maps.traced_socks, 1);
	if (!c->tp_groups) {
		bpf_map__set_max_entries(l->skel->maps.groups, 1);
		bpf_map__set_max_entries(l->skel->maps.redirected, 1);
	}
	if (l->features.rt)
		bpf_map__set_max_entries(l->skel->maps.thread_notes, CAPTURE_THREADS);
	bpf_map__set_max_entries(l->skel->maps.slots, l->rings->n * l->rings->slots);
	bpf_map__set_max_entries(l->skel->maps.slot_seq, l->rings->n * l->rings->slots);
	bpf_object__for_each_map(map, l->skel->obj)
		if (!l->features.allocates && bpf_map__type(map) == BPF_MAP_TYPE_HASH)
			bpf_map__set_map_flags(map, 0);
}

static char *log_of(const struct load *l, unsigned int prog)
{
	return l->logs + (size_t)(prog - 1) * LOG_BYTES;
}

static int try_load(struct load *l)
{
	int err;

	fill_config(l);
	size_maps(l);
	err = l->first ? share_maps(l) : 0;
	if (err)
		return err;
	for (unsigned int i = 1; i <= PROGS; i++) {
		struct bpf_program *prog = prog_at(l->skel, i);

		bpf_program__set_autoload(prog, progs_has(&l->plan.wanted, i));
		log_of(l, i)[0] = 0;
		bpf_program__set_log_buf(prog, log_of(l, i), LOG_BYTES);
		bpf_program__set_log_level(prog, LOG_STATS);
	}
	return capture__load(l->skel);
}

/*
 * The program that made a load fail: they load in the order of their numbers, and the verifier writes "verification
 * time ..." (5.2 06ee7115b0d1) to the log of one that it takes, an objection first to that of one that it does not;
 * nothing if the program did not get as far. 0: no program was tried.
 */
static unsigned int find_failed(const struct load *l)
{
	unsigned int last = 0;

	for (unsigned int i = 1; i <= PROGS; i++)
		if (progs_has(&l->plan.wanted, i) && log_of(l, i)[0])
			last = i;
	if (!last || strncmp(log_of(l, last), "verification time", 17))
		return last;
	while (++last <= PROGS)
		if (progs_has(&l->plan.wanted, last))
			return last;
	return 0;
}

static void reject(struct load *l, unsigned int prog, const char *step, int err)
{
	const char *log = log_of(l, prog);

	if (l->cfg->verbose)
		fprintf(stderr, "tcptrace: %s: %s: %s: %.*s\n", bpf_program__name(prog_at(l->skel, prog)), step,
			strerror(-err), (int)strcspn(log, "\n"), log);
	plan_reject(&l->plan, prog, step, -err);
}

/* ---- attach ---- */

static struct bpf_link *attach_one(const struct load *l, struct bpf_program *prog)
{
	switch (bpf_program__type(prog)) {
	case BPF_PROG_TYPE_CGROUP_SOCK:
	case BPF_PROG_TYPE_CGROUP_SOCK_ADDR:
	case BPF_PROG_TYPE_SOCK_OPS:
		return bpf_program__attach_cgroup(prog, l->cgroup_fd);
	default:
		return bpf_program__attach(prog);
	}
}

static int attach(struct load *l, unsigned int i)
{
	struct bpf_program *prog = prog_at(l->skel, i);
	const char *also_at = plan_also_at(i);

	if (i == P(walk_tcp))		/* the one that we run ourselves */
		return 0;
	l->link[i] = attach_one(l, prog);
	if (!l->link[i])
		return -errno;
	if (!also_at)
		return 0;
	l->also[i] = bpf_program__attach_tracepoint(prog, "syscalls", also_at);
	return l->also[i] ? 0 : -errno;
}

static void *destroy_link(void *link)
{
	bpf_link__destroy(link);
	return NULL;
}

/* Whether a thread does it, to be waited for. */
static bool destroy_aside(pthread_t *thread, struct bpf_link *link)
{
	if (link && !pthread_create(thread, NULL, destroy_link, link))
		return true;
	bpf_link__destroy(link);
	return false;
}

/*
 * Side by side: to leave the tracepoint of a system call takes a grace period (synchronize_rcu_tasks_trace() in
 * perf_event_detach_bpf_prog(), since 6.13), and there are a dozen of them: 0.6 s. Those that came later are left
 * while the run goes on, which does not wait for it.
 */
static void detach(struct load *l)
{
	pthread_t thread[2 * PROGS];
	unsigned int n = 0;

	if (!l->first)
		rings_close(l->rings);
	for (unsigned int i = 1; i <= PROGS; i++) {
		n += destroy_aside(&thread[n], l->link[i]);
		n += destroy_aside(&thread[n], l->also[i]);
		l->link[i] = l->also[i] = NULL;
	}
	while (n) {
		n--;
		if (l->first)
			pthread_detach(thread[n]);
		else
			pthread_join(thread[n], NULL);
	}
	capture__destroy(l->skel);
	l->skel = NULL;
}

static bool is_slow_to_leave(const struct load *l)
{
	for (unsigned int i = 1; i <= PROGS; i++) {
		const struct bpf_program *prog = l->link[i] ? prog_at(l->skel, i) : NULL;
		enum bpf_attach_type type = prog ? bpf_program__expected_attach_type(prog) : 0;

		if (type == BPF_TRACE_FENTRY || type == BPF_TRACE_FEXIT ||
		    (prog && bpf_program__type(prog) == BPF_PROG_TYPE_KPROBE))
			return true;
	}
	return false;
}

/*
 * To leave a function takes two grace periods of tasks (ftrace_shutdown(), some 0.2 s), under a lock of ftrace, so that
 * threads do not help: 4.5 s for everything, by kprobes 1.1 s. Whoever pressed Ctrl-C is not to wait for that: a child
 * holds the links until we are gone, and nothing that we were started with.
 */
static void leave_to_child(void)
{
	const int inherited = 256;
	const pid_t parent = getpid();

	if (fork())
		return;		/* where it failed they are left here */
	for (int fd = 0; fd < inherited; fd++) {
		if (!(fcntl(fd, F_GETFD) & FD_CLOEXEC))
			close(fd);
	}
	while (getppid() == parent)
		usleep(1000);
	_exit(0);
}

/* All that are refused are so at once: each round takes as long as a start. 0, or what the first came back with. */
static int try_attach(struct load *l)
{
	const struct progs wanted = l->plan.wanted;
	int first = 0;

	for (unsigned int i = 1; i <= PROGS; i++) {
		int err = progs_has(&wanted, i) ? attach(l, i) : 0;

		if (err)
			reject(l, i, "attach", err);
		first = first ? first : err;
	}
	return first;
}

/* ---- rounds ---- */

static int fill_pids(struct load *l)
{
	uint8_t one = 1;

	for (uint32_t i = 0; i < l->cfg->filter.npids; i++)
		if (bpf_map_update_elem(bpf_map__fd(l->skel->maps.pids), &l->cfg->filter.pids[i], &one, BPF_ANY))
			return -errno;
	return 0;
}

static void btf_find(const void *btf, struct btf_name *names, unsigned int n)
{
	btf_index_find(btf, names, n);
}

static int ask_kernel(struct load *l)
{
	struct features *f = &l->features;
	struct btf_index *btf;
	int err = btf_index_open(&btf);

	if (err)
		return err;
	features_ask(f, btf);
	l->cgroup_fd = features_open_cgroup(f);
	l->btf_fd = btf_index_subset(btf, kernel_names, sizeof(kernel_names) / sizeof(*kernel_names));
	if (!f->fetches && (!STORES_IN_ORDER || sysconf(_SC_NPROCESSORS_CONF) > CAPTURE_RINGS))
		err = -ERANGE;		/* publish(), or two CPUs in one ring: claim_slot() of bpf/ring.bpf.h */
	else
		err = object_open(&l->skel, l->btf_fd, f->casts, f->fetches);
	if (!err)
		features_find_programs(f, l->skel, btf_find, btf);
	btf_index_close(btf);
	return err;
}

/* Which sockets belong to processes the first one learns. */
static void make_plan(struct load *l)
{
	const struct filter *f = &l->cfg->filter;
	struct plan_options options = {
		.only = l->cfg->mechanism, .by_pid = !l->first && f->npids > 0 && !f->both_ends, .follow = !l->first && f->follow,
		.events = l->cfg->events ? l->cfg->events : EVENTS_ALL & ~EVENTS_IO,
	};

	if (l->cfg->io)
		options.events |= EVENTS_IO;

	plan_make(&l->plan, &l->features, &options);
}

/* One round. Where it fails and *replanned is set, another one may go better. */
static int try_round(struct load *l, bool *replanned)
{
	int err = l->skel ? 0 : object_open(&l->skel, l->btf_fd, l->features.casts, l->features.fetches);
	unsigned int failed;

	*replanned = false;
	if (err)
		return err;
	err = try_load(l);
	if (err) {
		failed = err == -EMFILE ? 0 : find_failed(l);
		if (failed)
			reject(l, failed, "load", err);
		*replanned = failed;
		return err;
	}
	err = l->first ? 0 : fill_pids(l);
	if (!err && !l->first)
		err = rings_open(l->rings, bpf_map__fd(l->skel->maps.slots), bpf_map__fd(l->skel->maps.slot_seq),
				 bpf_map__fd(l->skel->maps.wakeup), l->skel->bss->ring_ends);
	if (err)
		return err;
	*replanned = true;
	return try_attach(l);
}

static int try_rounds(struct load *l)
{
	bool replanned;

	for (int round = 0; round < ROUNDS; round++) {
		int err = try_round(l, &replanned);

		/* where nothing at all is left to be seen, the reason is everybody's */
		if (!err || !replanned || !plan_sees_any(&l->plan))
			return err;
		detach(l);
	}
	return -ELOOP;
}

static int load_and_attach(void *arg)
{
	const size_t size = (size_t)PROGS * LOG_BYTES;
	struct load *l = arg;
	int err = l->first ? 0 : ask_kernel(l);

	if (err)
		return err;
	make_plan(l);
	l->logs = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (l->logs == MAP_FAILED)
		return -errno;
	err = try_rounds(l);
	munmap(l->logs, size);
	return err;
}

/* ---- the whole ---- */

static int be_silent(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level, (void)fmt, (void)ap;
	return 0;
}

/* A descriptor for each program and each link: more than some shells allow, but less than they may. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int run_quietly(struct load *l)
{
	libbpf_print_fn_t print = NULL;
	int err;

	if (!l->cfg->verbose)		/* then its messages and the verifier's go to standard error */
		print = libbpf_set_print(be_silent);
	err = mount_run(load_and_attach, l);
	if (!l->cfg->verbose)
		libbpf_set_print(print);
	return err;
}

int load_open(struct load *l, const struct source_config *cfg, struct rings *rings)
{
	memset(l, 0, sizeof(*l));
	l->cfg = cfg;
	l->rings = rings;
	l->btf_fd = l->cgroup_fd = -1;
	raise_file_limit();
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	return run_quietly(l);
}

int load_more(struct load *l, const struct load *first, const struct source_config *cfg)
{
	*l = (struct load){
		.cfg = cfg, .first = first, .rings = first->rings, .features = first->features, .btf_fd = first->btf_fd,
		.cgroup_fd = first->cgroup_fd,
	};
	return run_quietly(l);
}

void load_close(struct load *l)
{
	if (!l->first && is_slow_to_leave(l))
		leave_to_child();
	detach(l);
	if (l->first)
		return;
	if (l->btf_fd >= 0)
		close(l->btf_fd);
	if (l->cgroup_fd >= 0)
		close(l->cgroup_fd);
	l->btf_fd = l->cgroup_fd = -1;
}
