/* SPDX-License-Identifier: GPL-2.0-only */
/* The file systems that attaching needs, where nobody has mounted them. */
#ifndef TCPTRACE_MOUNT_H
#define TCPTRACE_MOUNT_H

/*
 * fn(arg), with tracefs (libbpf finds system-call tracepoints in it), debugfs (how preemptible the kernel is) and
 * cgroup2 (a program is put to a cgroup by its directory): where one is not mounted, fn runs in a thread with a mount
 * namespace of its own, so that nothing changes on the machine. What fn returned, or -errno.
 */
int mount_run(int (*fn)(void *arg), void *arg);

#endif
