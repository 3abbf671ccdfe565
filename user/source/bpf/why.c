// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "why.h"

const char *why_not_loaded(int err)
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
		return "before Linux 5.12 BPF can record on x86 alone, and on 256 CPUs at most: use the kernel "
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

