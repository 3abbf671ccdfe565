// SPDX-License-Identifier: GPL-2.0-only
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/btf.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "../../lib/config.h"
#include "../../lib/readfile.h"
#include "../../lib/tr.h"
#include "../pidns.h"
#include "features.h"
#include "object.h"
#include "place.h"

#define CGROUP_ROOT_INO	1
/* A function that every kernel has and that does not sleep: fentry is tried on it. */
#define TRY_FUNCTION	"tcp_make_synack"

/* ---- trials: a few instructions ---- */

/*
 * May this kernel run fentry at all? Some refuse it (no trampolines, a policy) though BTF has
 * everything: load two instructions and attach them.
 */
static void try_fentry(struct features *f, uint32_t btf_id)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_FENTRY,
		    .attach_btf_id = btf_id);
	int link, fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "try_fentry", "GPL", insns, 2, &opts);

	f->fentry = fd < 0 ? fd : 0;
	f->fentry_step = "load";
	if (fd < 0)
		return;
	link = bpf_raw_tracepoint_open(NULL, fd);
	f->fentry = link < 0 ? -errno : 0;
	f->fentry_step = "attach";
	if (link >= 0)
		close(link);
	close(fd);
}

static bool try_fetch(void)	/* 5ca419f2864a */
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ST | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_10, .off = -8 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_STX | BPF_ATOMIC | BPF_DW, .dst_reg = BPF_REG_10, .src_reg = BPF_REG_0, .off = -8,
		  .imm = BPF_ADD | BPF_FETCH },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "try_fetch", "GPL", insns,
			       sizeof(insns) / sizeof(*insns), NULL);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* ---- what files say ---- */

/* Was the kernel booted as another kind than it was built as? */
static bool set_at_boot(void)
{
	char line[4096];

	return read_file("/proc/cmdline", line, sizeof(line)) > 0 && strstr(line, "preempt=");
}

static bool kernel_is_rt(void)
{
	struct utsname u;

	return !uname(&u) && strstr(u.version, "PREEMPT_RT");
}

/*
 * debugfs has the mode in parentheses: "none voluntary (full) lazy". Without it, what the kernel was built as; if
 * that is not known either, it may preempt.
 */
static bool kernel_preempts(void)
{
	char line[80], *config;
	const char *source;
	struct utsname u;
	bool preempts;

	if (read_file("/sys/kernel/debug/sched/preempt", line, sizeof(line)) > 0)
		return !strstr(line, "(none)") && !strstr(line, "(voluntary)");
	if (uname(&u) || !strstr(u.version, "PREEMPT"))
		return false;
	config = set_at_boot() ? NULL : kernel_config(&source);
	preempts = !config || !(kernel_config_has(config, "CONFIG_PREEMPT_NONE") ||
				kernel_config_has(config, "CONFIG_PREEMPT_VOLUNTARY"));
	free(config);
	return preempts;
}

/* A container sees its own directory where the root is. */
static int open_cgroup_root(const char **why)
{
	static const char *const paths[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };

	*why = _("is not mounted here");
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		int fd = open(paths[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		struct statfs fs;
		struct stat st;

		if (fd >= 0 && !fstatfs(fd, &fs) && !fstat(fd, &st) && fs.f_type == CGROUP2_SUPER_MAGIC) {
			if (st.st_ino == CGROUP_ROOT_INO)
				return fd;
			*why = _("is not seen from this container");
		}
		if (fd >= 0)
			close(fd);
	}
	return -1;
}

int features_open_cgroup(struct features *f)
{
	int fd = open_cgroup_root(&f->no_cgroup);

	if (fd < 0) {
		f->cgroup = -ENOENT;
	} else if (!(f->caps & 1ull << CAP_NET_ADMIN)) {
		f->no_cgroup = _("takes programs only from who has CAP_NET_ADMIN");
		f->cgroup = -EPERM;
		close(fd);
		return -1;
	}
	return fd;
}

/* ---- what BTF says ---- */

void features_ask(struct features *f, const struct btf_index *btf)
{
	enum { TRY, ALLOCATES, CASTS, REGS, RESET, FUNCTIONS };
#define NAME(type) { #type, BTF_KIND_STRUCT, 0 },
	struct btf_name names[] = {
		[TRY] = { TRY_FUNCTION, BTF_KIND_FUNC, 0 },
		[ALLOCATES] = { "bpf_mem_alloc_init", BTF_KIND_FUNC, 0 },
		[CASTS] = { "bpf_rdonly_cast", BTF_KIND_FUNC, 0 },
		[REGS] = { "bpf_task_pt_regs", BTF_KIND_FUNC, 0 },
		[RESET] = { "tcp_reset", BTF_KIND_FUNC, 0 },
		KERNEL_TYPES(NAME)
	};
#undef NAME
	uint32_t *id = (uint32_t *)&f->types;

	*f = (struct features){ .caps = place_caps(), .pidns = pidns_here() };
	f->mib_overflows = (uint8_t)btf_index_member(btf, "LINUX_MIB_NUM", "LINUX_MIB_LISTENOVERFLOWS");
	f->mib_synq_drops = (uint8_t)btf_index_member(btf, "LINUX_MIB_NUM", "LINUX_MIB_TCPREQQFULLDROP");
	f->mib_drops = (uint8_t)btf_index_member(btf, "LINUX_MIB_NUM", "LINUX_MIB_LISTENDROPS");
	btf_index_find(btf, names, sizeof(names) / sizeof(*names));
	for (size_t i = FUNCTIONS; i < sizeof(names) / sizeof(*names); i++)
		*id++ = names[i].id;
	f->allocates = names[ALLOCATES].id;
	f->casts = names[CASTS].id;
	f->regs = names[REGS].id;
	f->reset_skb = btf_index_arguments(btf, names[RESET].id) > 1;
	f->fetches = try_fetch();
	try_fentry(f, names[TRY].id);
	if (access("/sys/bus/event_source/devices/kprobe/type", R_OK))
		f->kprobe = -ENOENT;
	f->tracefs = place_tracefs();
	f->preempts = kernel_preempts();
	f->rt = kernel_is_rt();
}

/* The name that BTF must have for a program to have a chance; false: nothing to ask. */
static bool target_of(const char *section, struct btf_name *out, char *buf, size_t size)
{
	static const char *const kinds[] = { "fentry/", "fexit/", "kprobe/", "kretprobe/" };

	if (*section == '?')
		section++;
	out->name = buf;
	out->kind = BTF_KIND_FUNC;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (!strncmp(section, kinds[i], strlen(kinds[i]))) {
			out->name = section + strlen(kinds[i]);
			return true;
		}
	}
	out->kind = BTF_KIND_TYPEDEF;
	if (strncmp(section, "raw_tp/", 7))
		return false;
	snprintf(buf, size, "btf_trace_%s", section + 7);
	return true;
}

void features_find_programs(struct features *f, const struct capture *skel, features_find_fn find, const void *ctx)
{
	char buf[PROGS][64];
	struct btf_name names[PROGS];
	unsigned int prog[PROGS], n = 0;

	for (unsigned int i = 1; i <= PROGS; i++) {
		const char *section = bpf_program__section_name(prog_at(skel, i));

		if (!strncmp(section + (*section == '?'), "tp/", 3))
			progs_add(&f->by_tracefs, i);
		if (target_of(section, &names[n], buf[n], sizeof(*buf)))
			prog[n++] = i;
	}
	find(ctx, names, n);
	for (unsigned int i = 0; i < n; i++)
		if (!names[i].id)
			progs_add(&f->missing, prog[i]);
}
