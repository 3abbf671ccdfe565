// SPDX-License-Identifier: GPL-2.0-only
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/btf.h>
#include <linux/magic.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "btf.h"
#include "load.h"

#define CGROUP_ROOT_INO	1
#define ROUNDS		40		/* attempts to find a set of programs that loads and attaches */

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

static const char *const kernel_names[] = {
#include "kernel_names.h"		/* made from bpf/vmlinux.h */
};

/* ---- load and attach ---- */

static bool uses_tp(const struct probes *p, enum hook_id id)
{
	return probes_mechanism(p, id) == MECH_TRACEPOINT;
}

/* Read-only data: the skeleton declares it const volatile, before load it is ours to fill. */
static void fill_config(struct load *l)
{
	struct capture_config *c = (struct capture_config *)&l->skel->rodata->cfg;
	uint64_t *lports = (uint64_t *)l->skel->rodata->lports;
	uint64_t *rports = (uint64_t *)l->skel->rodata->rports;
	const struct filter *f = &l->cfg->filter;
	const struct probes *p = &l->probes;

	c->types = l->types;
	c->cgroup = f->cgroup;
	c->netns = f->netns;
	c->ring_mask = l->rings->n - 1;
	c->ring_slots = l->rings->slots;
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
	c->tp_connect = uses_tp(p, HOOK_CONNECT) && !probes_wants(p, "cg_connect4");
	c->tp_close = uses_tp(p, HOOK_CLOSE) && !probes_wants(p, "cg_release");
	c->tp_synack = uses_tp(p, HOOK_SYNQ_ADD);
	c->tp_drop_syn = uses_tp(p, HOOK_DROP_SYN);
	c->cg_synack = probes_wants(p, "cg_synack") && !probes_wants(p, "tp_synack");
	c->tp_acceptq_add = uses_tp(p, HOOK_ACCEPTQ_ADD);
	c->tp_cookie = uses_tp(p, HOOK_COOKIE);
	c->tp_synq_del = uses_tp(p, HOOK_SYNQ_DEL);
	c->tp_groups = c->tp_cookie || c->tp_synq_del || uses_tp(p, HOOK_DROP_SYN) || uses_tp(p, HOOK_DROP_ACK);
	c->twice = p->preempts;
	c->fetches = l->traits.fetches;
}

/*
 * What is not used takes no room. Before 6.1 (bpf_mem_alloc) the kernel warns of programs that allocate
 * where they run, as the allocator might be what they were called from: there all of it is allocated now.
 */
static void size_maps(struct load *l)
{
	const struct capture_config *c = (const struct capture_config *)&l->skel->rodata->cfg;
	struct bpf_map *map;

	if (!c->by_pid)
		bpf_map__set_max_entries(l->skel->maps.watched, 1);
	if (!c->tp_groups)
		bpf_map__set_max_entries(l->skel->maps.groups, 1);
	bpf_map__set_max_entries(l->skel->maps.slots, l->rings->n * l->rings->slots);
	bpf_map__set_max_entries(l->skel->maps.laps, l->rings->n * l->rings->slots);
	bpf_object__for_each_map(map, l->skel->obj)
		if (!l->allocates && bpf_map__type(map) == BPF_MAP_TYPE_HASH)
			bpf_map__set_map_flags(map, 0);
}

static int try_load(struct load *l)
{
	struct bpf_program *prog;

	fill_config(l);
	size_maps(l);
	bpf_object__for_each_program(prog, l->skel->obj)
		bpf_program__set_autoload(prog, probes_wants(&l->probes, bpf_program__name(prog)));
	return capture__load(l->skel);
}

/* What accept4() and accept() are asked for differs in nothing that we read: one program at both. */
static int attach_to_accept(struct load *l, struct bpf_program *prog)
{
	const char *accept4 = strrchr(bpf_program__section_name(prog), '/') + 1;
	char accept[32];

	snprintf(accept, sizeof(accept), "%.*s", (int)strlen(accept4) - 1, accept4);
	l->links[l->nlinks] = bpf_program__attach_tracepoint(prog, "syscalls", accept);
	return l->links[l->nlinks] ? (l->nlinks++, 0) : -errno;
}

static int attach_one(struct load *l, struct bpf_program *prog)
{
	const char *name = bpf_program__name(prog);
	struct bpf_link *link = strncmp(name, "cg_", 3) ? bpf_program__attach(prog) :
							 bpf_program__attach_cgroup(prog, l->cgroup_fd);

	if (!link)
		return -errno;
	if (!strcmp(name, "it_tcp"))
		l->it_tcp = link;
	else if (!strcmp(name, "it_task_file"))
		l->it_task_file = link;
	else
		l->links[l->nlinks++] = link;
	return strstr(bpf_program__section_name(prog), "_accept4") ? attach_to_accept(l, prog) : 0;
}

static void detach(struct load *l)
{
	rings_close(l->rings);
	while (l->nlinks)
		bpf_link__destroy(l->links[--l->nlinks]);
	bpf_link__destroy(l->it_tcp);
	bpf_link__destroy(l->it_task_file);
	l->it_tcp = l->it_task_file = NULL;
	capture__destroy(l->skel);
	l->skel = NULL;
}

/* 0, or -errno with the refused program in load_failed. */
static int try_attach(struct load *l)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, l->skel->obj) {
		int err;

		if (!bpf_program__autoload(prog))
			continue;
		err = attach_one(l, prog);
		if (err) {
			snprintf(load_failed, sizeof(load_failed), "%s", bpf_program__name(prog));
			return err;
		}
	}
	return 0;
}

static int fill_pids(struct load *l)
{
	uint8_t one = 1;

	for (uint32_t i = 0; i < l->cfg->filter.npids; i++)
		if (bpf_map_update_elem(bpf_map__fd(l->skel->maps.pids), &l->cfg->filter.pids[i], &one, BPF_ANY))
			return -errno;
	return 0;
}

/*
 * The root of cgroup v2, which all sockets are below; a container sees its own folder there. -1 and why
 * not, or a descriptor.
 */
static int open_cgroup(const char **why)
{
	static const char *const paths[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };

	*why = "is not mounted here";
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		int fd = open(paths[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		struct statfs fs;
		struct stat st;

		if (fd >= 0 && !fstatfs(fd, &fs) && !fstat(fd, &st) && fs.f_type == CGROUP2_SUPER_MAGIC) {
			if (st.st_ino == CGROUP_ROOT_INO) {
				*why = NULL;
				return fd;
			}
			*why = "is not seen from this container";
		}
		if (fd >= 0)
			close(fd);
	}
	return -1;
}

/* What the kernel has: types, functions, tracepoints; and the first choice of programs by that. */
static int ask_kernel(struct load *l)
{
#define NAME(type) { #type, BTF_KIND_STRUCT, 0 },
	struct btf_name names[] = {
		KERNEL_TYPES(NAME)
		{ "bpf_mem_alloc_init", BTF_KIND_FUNC, 0 },
		{ "bpf_rdonly_cast", BTF_KIND_FUNC, 0 },
	};
#undef NAME
	const size_t types = sizeof(names) / sizeof(*names) - 2;
	uint32_t *id = (uint32_t *)&l->types;
	struct btf_index *btf;
	int err = btf_index_open(&btf);

	if (err)
		return err;
	btf_index_find(btf, names, types + 2);
	for (size_t i = 0; i < types; i++)
		id[i] = names[i].id;
	l->allocates = names[types].id != 0;
	l->traits.casts = names[types + 1].id != 0;
	l->btf_fd = btf_index_subset(btf, kernel_names, sizeof(kernel_names) / sizeof(*kernel_names));
	l->traits.fetches = object_fetches();
	if (!l->traits.fetches && sysconf(_SC_NPROCESSORS_CONF) > CAPTURE_RINGS)
		err = -ERANGE;		/* two CPUs in one ring: take() of bpf/emit.bpf.h */
	else
		err = object_open(&l->skel, l->btf_fd, &l->traits);
	l->cgroup_fd = open_cgroup(&l->probes.no_cgroup);
	l->probes.only = l->cfg->mechanism;
	l->probes.io = l->cfg->io;
	if (!err)
		probes_init(&l->probes, l->skel->obj, btf);
	btf_index_close(btf);
	return err;
}

/* One round: 0; or -errno, with the program that is to blame in load_failed, if it is one, and at which step. */
static int try_round(struct load *l, const char **step)
{
	int err = l->skel ? 0 : object_open(&l->skel, l->btf_fd, &l->traits);

	load_failed[0] = 0;
	*step = "load";
	if (!err)
		err = try_load(l);
	if (!err)
		err = fill_pids(l);
	if (!err)
		err = rings_open(l->rings, bpf_map__fd(l->skel->maps.slots), bpf_map__fd(l->skel->maps.laps),
				 bpf_map__fd(l->skel->maps.bell), l->skel->bss->ring_ends);
	if (err)
		return err;
	*step = "attach";
	return try_attach(l);
}

static int load_and_attach(struct load *l)
{
	int err = ask_kernel(l);

	for (int round = 0; round < ROUNDS && !err; round++) {
		const char *step;

		err = try_round(l, &step);
		if (!err)
			return 0;
		if (!load_failed[0] || !probes_reject(&l->probes, load_failed, step, -err))
			return err;
		/* without transitions there is nothing to show; the reason is everybody's */
		if (l->probes.choice[HOOK_STATE].way < 0)
			return err;
		detach(l);
		err = 0;
	}
	return err ? err : -ELOOP;
}

static bool has_tracefs(void)
{
	return !access("/sys/kernel/tracing/events", R_OK) || !access("/sys/kernel/debug/tracing/events", R_OK);
}

static bool has_debugfs(void)
{
	return !access("/sys/kernel/debug/sched", R_OK);
}

static bool has_cgroup(void)
{
	return !access("/sys/fs/cgroup/cgroup.procs", R_OK) || !access("/sys/fs/cgroup/unified/cgroup.procs", R_OK);
}

/*
 * libbpf finds system-call tracepoints through tracefs, debugfs says how preemptible the kernel is, and a
 * program is put to a cgroup by its folder. Where nobody has mounted them, a thread with a mount namespace of its own does, so that nothing
 * changes on the machine.
 */
static void *attach_thread(void *arg)
{
	struct load *l = arg;

	if (!unshare(CLONE_FS | CLONE_NEWNS)) {
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
		if (!has_debugfs())
			mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
		if (!has_tracefs())
			mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL);
		if (!has_cgroup())
			mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, NULL);
	}
	return (void *)(intptr_t)load_and_attach(l);
}

int load_open(struct load *l, const struct source_config *cfg, struct rings *rings)
{
	pthread_t thread;
	void *ret;

	memset(l, 0, sizeof(*l));
	l->cfg = cfg;
	l->rings = rings;
	l->btf_fd = l->cgroup_fd = -1;
	libbpf_set_print(listen_to_libbpf);
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	if (has_tracefs() && has_debugfs() && has_cgroup())
		return load_and_attach(l);
	if (pthread_create(&thread, NULL, attach_thread, l))
		return -EAGAIN;
	pthread_join(thread, &ret);
	return (intptr_t)ret;
}

void load_close(struct load *l)
{
	detach(l);
	if (l->btf_fd >= 0)
		close(l->btf_fd);
	if (l->cgroup_fd >= 0)
		close(l->cgroup_fd);
	l->btf_fd = l->cgroup_fd = -1;
}

const char *load_why(int err)
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
	if (err == -ERANGE)
		return "before Linux 5.12 BPF can record on 256 CPUs at most: use the kernel module, --source kmod";
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

