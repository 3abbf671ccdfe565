/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What pods and containers are called: by the files that kubelet, docker and podman keep, where they can be read. No
 * socket of theirs is asked.
 */
#ifndef TCPTRACE_CONTAINERS_H
#define TCPTRACE_CONTAINERS_H

#include "../lib/cgroup.h"

/* Fills in what c's path does not say. false: something is still unknown; it may be there later. */
bool containers_name(struct cgroup *c);

#endif
