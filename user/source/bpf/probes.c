// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chooses a way for each hook. What can be asked beforehand (does the kernel
 * have the function, does it allow fentry at all) is asked, so that an ordinary
 * start loads once; the last word has the attempt, see probes_reject().
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/btf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../../lib/config.h"
#include "btf.h"
#include "probes.h"

/* The name that BTF must know for a program to have a chance; false: nothing to ask. */
static bool btf_name(const struct bpf_program *prog, struct btf_name *out, char *buf, size_t size)
{
	static const char *const kinds[] = { "fentry/", "fexit/", "kprobe/", "kretprobe/" };
	const char *sec = bpf_program__section_name(prog);

	if (*sec == '?')
		sec++;
	out->name = buf;
	out->kind = BTF_KIND_FUNC;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (!strncmp(sec, kinds[i], strlen(kinds[i]))) {
			out->name = sec + strlen(kinds[i]);
			return true;
		}
	}
	out->kind = BTF_KIND_TYPEDEF;
	if (strncmp(sec, "raw_tp/", 7))
		return false;
	snprintf(buf, size, "btf_trace_%s", sec + 7);
	return true;
}

/*
 * May this kernel run fentry at all? Some refuse it (no trampolines, a policy) though BTF has
 * everything: load two instructions and attach them.
 */
static void try_fentry(struct probes *p, uint32_t btf_id)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_FENTRY,
		    .attach_btf_id = btf_id);
	int link, err, fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "try_fentry", "GPL", insns, 2, &opts);

	if (fd < 0) {
		snprintf(p->mech_refused[MECH_FENTRY], sizeof(*p->mech_refused),
			 "is refused here (load: %s)", strerror(-fd));
		return;
	}
	link = bpf_raw_tracepoint_open(NULL, fd);
	err = errno;
	if (link < 0)
		snprintf(p->mech_refused[MECH_FENTRY], sizeof(*p->mech_refused),
			 "is refused here (attach: %s)", err == 524 ? "not supported" : strerror(err));
	else
		close(link);
	close(fd);
}

/* Has the machine been told at boot to be another kind than the kernel was built as? */
static bool told_at_boot(void)
{
	char line[4096] = "";
	FILE *f = fopen("/proc/cmdline", "re");

	if (f && !fgets(line, sizeof(line), f))
		line[0] = 0;
	if (f)
		fclose(f);
	return strstr(line, "preempt=");
}

/*
 * Does it put off tasks that run kernel code? debugfs has the mode in parentheses: "none voluntary
 * (full) lazy". Without it, what it was built as; if that is not known either, it may.
 */
static bool kernel_preempts(void)
{
	FILE *f = fopen("/sys/kernel/debug/sched/preempt", "re");
	char line[80] = "", *config;
	const char *source;
	struct utsname u;
	bool preempts;

	if (f) {
		if (!fgets(line, sizeof(line), f))
			line[0] = 0;
		fclose(f);
	}
	if (line[0])
		return !strstr(line, "(none)") && !strstr(line, "(voluntary)");
	if (uname(&u) || !strstr(u.version, "PREEMPT"))
		return false;
	config = told_at_boot() ? NULL : kernel_config(&source);
	preempts = !config || !(kernel_config_has(config, "CONFIG_PREEMPT_NONE") ||
				kernel_config_has(config, "CONFIG_PREEMPT_VOLUNTARY"));
	free(config);
	return preempts;
}

static void ask_kernel(struct probes *p, const struct bpf_object *obj, const struct btf_index *btf)
{
	static char buf[OBJECT_PROGS][64];
	struct btf_name names[OBJECT_PROGS];
	const char *progs[OBJECT_PROGS];
	struct bpf_program *prog;
	unsigned int n = 0;

	bpf_object__for_each_program(prog, obj) {
		if (n == OBJECT_PROGS)
			break;
		if (btf_name(prog, &names[n], buf[n], sizeof(buf[n])))
			progs[n++] = bpf_program__name(prog);
	}
	if (n < OBJECT_PROGS) {
		names[n] = (struct btf_name){ REGS + 1, BTF_KIND_FUNC, 0 };
		progs[n++] = REGS;
	}
	btf_index_find(btf, names, n);
	for (unsigned int i = 0; i < n; i++) {
		if (!names[i].id)
			p->missing[p->nmissing++] = progs[i];
		else if (!strcmp(progs[i], "f_synack"))
			try_fentry(p, names[i].id);
	}
	if (access("/sys/bus/event_source/devices/kprobe/type", R_OK))
		snprintf(p->mech_refused[MECH_KPROBE], sizeof(*p->mech_refused),
			 "is not in this kernel (CONFIG_KPROBE_EVENTS)");
}

static bool is_missing(const struct probes *p, const char *prog)
{
	for (unsigned int i = 0; i < p->nmissing; i++)
		if (!strcmp(p->missing[i], prog))
			return true;
	return false;
}

/* The first reason is that of the best way, and stays, but for a refusal: probes_reject(). */
static void explain(struct choice *c, const char *what, const char *why)
{
	char text[sizeof(c->why)];

	if (c->why[0])
		return;
	snprintf(text, sizeof(text), "%s %s", what, why);
	memcpy(c->why, text, sizeof(text));
}

static bool mech_allowed(const struct probes *p, enum mechanism m)
{
	return p->only == MECH_AUTO || m == p->only || m == MECH_TRACEPOINT;
}

static bool way_possible(struct probes *p, struct choice *c, const struct way *w)
{
	if (!mech_allowed(p, w->mech)) {
		explain(c, "--mechanism", mechanism_name(p->only));
		return false;
	}
	if (p->mech_refused[w->mech][0]) {
		explain(c, mechanism_name(w->mech), p->mech_refused[w->mech]);
		return false;
	}
	for (int i = 0; i < PROGS_MAX && w->progs[i]; i++) {
		if (p->no_cgroup && !strncmp(w->progs[i], "cg_", 3)) {
			explain(c, "the root of cgroup v2", p->no_cgroup);
			return false;
		}
		if (*w->progs[i] != '?' && is_missing(p, w->progs[i])) {
			explain(c, "this kernel has no", w->target);
			return false;
		}
	}
	return true;
}

/* Moves on to the next possible way from index `from` on. */
static void choose(struct probes *p, enum hook_id id, int from)
{
	struct choice *c = &p->choice[id];

	c->way = -1;
	if (!p->io && id >= HOOK_WRITE)
		return;
	for (int i = from; i < WAYS_MAX && hooks[id].ways[i].target; i++) {
		if (way_possible(p, c, &hooks[id].ways[i])) {
			c->way = i;
			return;
		}
	}
}

void probes_init(struct probes *p, const struct bpf_object *obj, const struct btf_index *btf)
{
	ask_kernel(p, obj, btf);
	p->preempts = kernel_preempts();
	for (int id = 0; id < HOOK_MAX; id++)
		choose(p, id, 0);
}

#define SECOND	"_again"

bool probes_is_second(const char *prog)
{
	size_t n = strlen(prog);

	return n > strlen(SECOND) && !strcmp(prog + n - strlen(SECOND), SECOND);
}

/* prog without its "_again" */
static const char *first_of(const char *prog, char *buf, size_t size)
{
	size_t n = strlen(prog) - (probes_is_second(prog) ? strlen(SECOND) : 0);

	snprintf(buf, size, "%.*s", (int)n, prog);
	return buf;
}

/* In softirqs and in process context: an interrupt is enough. The others are in process context alone. */
static bool both_contexts(const char *prog)
{
	return !strncmp(prog, "tp_", 3);
}

static bool way_has(const struct probes *p, const struct way *w, const char *second_too)
{
	char buf[64];
	const char *prog = first_of(second_too, buf, sizeof(buf));

	for (int i = 0; i < PROGS_MAX && w->progs[i]; i++) {
		const char *name = w->progs[i];

		if (*name != '?') {
			if (!strcmp(name, prog))
				return true;
		} else if (!strcmp(name + 1, prog)) {
			return !is_missing(p, prog);
		}
	}
	return false;
}

bool probes_wants(const struct probes *p, const char *prog)
{
	if (probes_is_second(prog) && !p->preempts && !both_contexts(prog))
		return false;
	for (int id = 0; id < HOOK_MAX; id++)
		if (p->choice[id].way >= 0 && way_has(p, &hooks[id].ways[p->choice[id].way], prog))
			return true;
	return false;
}

bool probes_reject(struct probes *p, const char *prog, const char *step, int err)
{
	char reason[96];
	bool found = false;

	snprintf(reason, sizeof(reason), "%s: %s", step, err == 524 ? "not supported" : strerror(err));
	for (int id = 0; id < HOOK_MAX; id++) {
		struct choice *c = &p->choice[id];

		if (c->way < 0 || !way_has(p, &hooks[id].ways[c->way], prog))
			continue;
		found = true;
		c->why[0] = 0;		/* what was tried says more than what was not */
		explain(c, mechanism_name(hooks[id].ways[c->way].mech), reason);
		choose(p, id, c->way + 1);
	}
	return found;
}

enum mechanism probes_mechanism(const struct probes *p, enum hook_id id)
{
	int way = p->choice[id].way;

	return way < 0 ? MECH_AUTO : hooks[id].ways[way].mech;
}

void probes_report(const struct probes *p, enum hook_id id, struct hook_report *out)
{
	const struct choice *c = &p->choice[id];
	const struct way *w = c->way < 0 ? NULL : &hooks[id].ways[c->way];

	out->hook = hooks[id].name;
	out->target = w ? w->target : "";
	out->mechanism = w ? w->mech : MECH_AUTO;
	out->why_not_better = c->why;
	out->loses = w ? (w->loses ? w->loses : "") : "everything: no event of this hook";
}
