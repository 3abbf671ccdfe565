// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../lib/config.h"
#include "../../lib/tr.h"
#include "place.h"
#include "why.h"

#define NAMES_MAX	5		/* hooks named in a sentence; of more how many there are */
#define HAS(caps, cap)	((caps) >> CAP_##cap & 1)

static bool may_bpf(uint64_t caps)	/* 5.8 a17b53c4a4b5 */
{
	return HAS(caps, SYS_ADMIN) || (HAS(caps, BPF) && HAS(caps, PERFMON));
}

/* ---- nothing is seen ---- */

static const char *why_forbidden(void)
{
	if (!may_bpf(place_caps()))
		return geteuid() ?
		       _("you are not root: run it with sudo, or give it CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN, "
		       "CAP_DAC_READ_SEARCH (tracefs) and CAP_SYS_ADMIN (settings of other network namespaces)") :
		       _("the kernel refuses BPF to this process although it is root: it lacks CAP_BPF and CAP_PERFMON "
		       "(or CAP_SYS_ADMIN), as in most containers: run it on the host, or give them to the container");
	if (!place_has_seccomp())
		return _("the kernel refuses BPF to this process although it has the capabilities, and no seccomp filter: a "
		       "security module forbids it, or the host does so for a user namespace: run it on the host");
	return _("the kernel refuses BPF to this process although it has the capabilities: its seccomp filter may forbid it, "
	       "as that of container engines does, or a security module: run it on the host, or allow bpf() and "
	       "perf_event_open() (docker: --security-opt seccomp=unconfined)");
}

/* Is it set, as far as this kernel tells? */
static bool is_configured(const char *option, bool untold)
{
	const char *source;
	char *config = kernel_config(&source);
	bool set = config ? kernel_config_has(config, option) : untold;

	free(config);
	return set;
}

/* A kernel that BPF does not work on. */
static const char *only_module(const char *sentence)
{
	static char buf[256];

	if (!is_configured("CONFIG_MODULES", true))
		return sentence;
	snprintf(buf, sizeof(buf), _("%s: use the kernel module, --source kmod"), sentence);
	return buf;
}

static const char *why_not_there(void)
{
	if (access("/proc/self", F_OK))
		return _("/proc is not mounted, which tells of processes and their namespaces: mount -t proc proc /proc");
	if (!access("/sys/kernel/btf/vmlinux", R_OK))
		return "";
	if (access("/sys/kernel", F_OK) || is_configured("CONFIG_DEBUG_INFO_BTF", false))
		return _("/sys is not mounted, or not all of it is seen here, where the kernel "
			 "tells of its structures (/sys/kernel/btf/vmlinux): mount -t sysfs sysfs /sys");
	return only_module(_("this kernel has no BTF (/sys/kernel/btf/vmlinux, CONFIG_DEBUG_INFO_BTF)"));
}

static const char *sentence_of(int err)
{
	switch (err) {
	case -ENOENT:
		return why_not_there();
	case -ERANGE:
		return only_module(_("before Linux 5.12 BPF can record on x86 alone, and on 256 CPUs at most"));
	case -EMFILE:
		return _("the limit of open files is too low for its programs: raise it to 512 or more (ulimit -n, "
		       "LimitNOFILE=)");
	case -EPERM:
	case -EACCES:
		return why_forbidden();
	case -ENOSYS:
	case -EINVAL:
		return only_module(_("this kernel has no BPF ring buffer or tracing programs (needs Linux 5.10 with "
				     "CONFIG_BPF_SYSCALL)"));
	}
	return "";
}

/*
 * What BPF can came piece by piece until 5.10: mapped arrays 5.5 (fc9702273e2e), the ring 5.8 (457f44363a88), programs that
 * user space runs 5.10 (1b4d60ec162f). Only asked when an attempt has failed: vendors bring some of it to older kernels.
 */
static bool is_too_old(const char *release)
{
	unsigned int major, minor;

	return sscanf(release, "%u.%u", &major, &minor) == 2 && (major < 5 || (major == 5 && minor < 10));
}

void why_not_loaded(char *buf, size_t size, int err, const char *release)
{
	bool forbidden = (err == -EPERM || err == -EACCES) && !may_bpf(place_caps());

	if (is_too_old(release) && !forbidden)
		snprintf(buf, size, _("this is Linux %s, tcptrace needs 5.10 or later"), release);
	else
		snprintf(buf, size, "%s", place_is_locked_down() ?
			 _("the kernel is locked down (confidentiality), which forbids BPF to read kernel memory: "
			 "boot with lockdown=integrity or without Secure Boot") : sentence_of(err));
}

/* ---- some of it is not ---- */

struct text {
	char *buf;
	size_t size, len;
};

__attribute__((format(printf, 2, 3)))
static void add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->buf + t->len, t->size - t->len, fmt, ap);
	va_end(ap);
	t->len += n < 0 ? 0 : (size_t)n;
	if (t->len >= t->size)
		t->len = t->size - 1;
}

static void add_mechanism(struct text *t, const struct plan *p)
{
	const struct features *f = p->features;

	if (p->options.only == MECH_KPROBE && f->kprobe)
		add(t, _("--mechanism kprobe: this kernel has no kprobes (CONFIG_KPROBE_EVENTS), tracepoints are used. "));
	if (p->options.only == MECH_FENTRY && f->fentry)
		add(t, _("--mechanism fentry: this kernel refuses it (%s: %s), tracepoints are used. "), f->fentry_step,
		    error_text(f->fentry));
}

/* It has no variant left, and not because this kernel lacks something. */
static bool is_refused(const struct choice *c)
{
	return c->needed && c->variant < 0 && c->err;
}

static void add_names(struct text *t, const struct plan *p)
{
	unsigned int n = 0;

	for (int id = 0; id < HOOK_MAX; id++) {
		if (!is_refused(&p->choice[id]))
			continue;
		if (n < NAMES_MAX)
			add(t, "%s\"%s\"", n ? ", " : "", tr(hook_table[id].name));
		n++;
	}
	if (n > NAMES_MAX)
		add(t, _(" and %u more"), n - NAMES_MAX);
}

/* What would help against it. */
static void add_remedy(struct text *t, const struct plan *p, int err)
{
	const struct features *f = p->features;

	if (f->tracefs == -EACCES || f->tracefs == -EPERM)
		add(t, _("system-call tracepoints are found in tracefs, which only root may read: add CAP_DAC_READ_SEARCH. "));
	else if (f->tracefs)
		add(t, _("system-call tracepoints are not found: mount -t tracefs tracefs /sys/kernel/tracing (or the kernel "
		    "lacks CONFIG_FTRACE_SYSCALLS). "));
	else if (err == -EMFILE)
		add(t, _("raise the limit of open files (ulimit -n, LimitNOFILE=). "));
	else if (err != -EPERM && err != -EACCES)
		add(t, _("`tcptrace -v doctor` says what the kernel objects to. "));
	else if (!may_bpf(f->caps))
		add(t, _("add CAP_BPF and CAP_PERFMON. "));
	else
		add(t, _("%s may forbid it; `tcptrace -v doctor` says what the kernel objects to. "),
		    place_has_seccomp() ? _("its seccomp filter or a security module") : _("a security module"));
}

void why_not_seen(char *buf, size_t size, const struct plan *p)
{
	struct text t = { buf, size, 0 };
	int err = 0;

	buf[0] = 0;
	add_mechanism(&t, p);
	for (int id = HOOK_MAX; id--;)
		if (is_refused(&p->choice[id]))
			err = p->choice[id].err;
	if (err) {
		add(&t, _("not seen (%s): "), error_text(err));
		add_names(&t, p);
		add(&t, "; ");
		add_remedy(&t, p, err);
	}
	if (p->features->pidns)
		add(&t, _("This is a PID namespace (a container): processes outside of it have no number here. "));
	if (t.len)
		buf[t.len - 1] = 0;	/* the space */
	if (t.len > 1 && buf[t.len - 2] == '.')
		buf[t.len - 2] = 0;
}
