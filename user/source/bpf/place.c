// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../lib/readfile.h"
#include "../../lib/tr.h"
#include "../pidns.h"
#include "mount.h"
#include "place.h"

#define FIRST_CGROUPNS	0xEFFFFFFBu	/* PROC_CGROUP_INIT_INO, include/linux/proc_ns.h */

static const struct need {
	unsigned int cap;
	const char *name, *what_for;
} needs[] = {
	{ CAP_BPF, "CAP_BPF", N_("programs") },
	{ CAP_PERFMON, "CAP_PERFMON", N_("programs that read the kernel") },
	{ CAP_NET_ADMIN, "CAP_NET_ADMIN", N_("programs at the root of cgroup v2") },
	{ CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH", N_("tracefs, where it is not root's own") },
	{ CAP_SYS_ADMIN, "CAP_SYS_ADMIN", N_("settings and counters of other network namespaces") },
	{ CAP_SYS_PTRACE, "CAP_SYS_PTRACE", N_("to find these") },
};

uint64_t place_caps(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};

	if (syscall(SYS_capget, &header, data))
		return 0;
	return (uint64_t)data[1].effective << 32 | data[0].effective;
}

int place_tracefs(void)
{
	static const char *const places[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };
	int err = -ENOENT;
	char path[96];

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		int fd;

		snprintf(path, sizeof(path), "%s/events/syscalls/sys_enter_listen/id", places[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC);	/* access() would ask what the real user may do */
		if (fd >= 0) {
			close(fd);
			return 0;
		}
		if (errno != ENOENT)
			err = -errno;
	}
	return err;
}

bool place_has_seccomp(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[128];
	int mode = 0;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Seccomp: %d", &mode) == 1)
			break;
	if (f)
		fclose(f);
	return mode;
}

bool place_is_locked_down(void)
{
	char text[128];

	return read_file("/sys/kernel/security/lockdown", text, sizeof(text)) > 0 && strstr(text, "[confidentiality]");
}

static const char *cgroup_namespace(void)
{
	struct stat st;

	if (stat("/proc/self/ns/cgroup", &st))
		return _("unknown");
	return st.st_ino == FIRST_CGROUPNS ? _("the host's") : _("a container's; --cgroup takes directories that are seen here");
}

static const char *network_namespace(void)
{
	struct stat own, first;

	if (stat("/proc/self/ns/net", &own))
		return _("unknown");
	if (pidns_here() || stat("/proc/1/ns/net", &first))
		return _("unknown whose: /proc/1/ns/net of the host is not seen from here");
	return own.st_ino == first.st_ino ? _("the host's") : _("not that of process 1");
}

static int ask_tracefs(void *arg)
{
	(void)arg;
	return place_tracefs();
}

static const char *tracefs_state(void)
{
	/* as the programs are attached: mounted for this process alone if it may do that */
	switch (mount_run(ask_tracefs, NULL)) {
	case 0:
		return _("readable");
	case -EACCES:
	case -EPERM:
		return _("only root may read it: add CAP_DAC_READ_SEARCH");
	}
	return _("not there: mount -t tracefs tracefs /sys/kernel/tracing, in a container as a volume of the host's "
	       "(-v /sys/kernel/tracing:/sys/kernel/tracing)");
}

static const char *capabilities(char *buf, size_t size)
{
	uint64_t caps = place_caps();
	size_t len = 0;

	for (size_t i = 0; i < sizeof(needs) / sizeof(*needs); i++) {
		const struct need *n = &needs[i];

		if (!(caps & 1ull << n->cap) && len < size)
			len += (size_t)snprintf(buf + len, size - len, "%s%s (%s)", len ? ", " : _("lacks "), n->name,
						tr(n->what_for));
	}
	return len ? buf : _("all that it uses");
}

void place_each(place_fn fn, void *ctx)
{
	char buf[512];

	fn(ctx, _("PID namespace"), pidns_here() ? _("a container's; processes outside of it have no number here") :
	   _("the host's"));
	fn(ctx, _("cgroup namespace"), cgroup_namespace());
	fn(ctx, _("network namespace"), network_namespace());
	fn(ctx, "tracefs", tracefs_state());
	fn(ctx, _("capabilities"), capabilities(buf, sizeof(buf)));
	fn(ctx, "seccomp", place_has_seccomp() ? _("a filter, which may forbid bpf() and perf_event_open()") : _("no filter"));
	if (place_is_locked_down())
		fn(ctx, "lockdown", _("confidentiality: BPF may not read the kernel's memory"));
}
