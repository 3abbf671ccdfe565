/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which unit, pod and container a process belongs to, by the path of its cgroup alone: as docker, podman, containerd,
 * CRI-O, Kubernetes, LXC, ECS and systemd make these paths. Whoever may make a directory there can give it any name:
 * the words are as hostile as a comm.
 */
#ifndef TCPTRACE_CGROUP_H
#define TCPTRACE_CGROUP_H

#include <stdbool.h>
#include <stddef.h>

/* Each ends with a NUL; "": there is none, or it is unknown. What is longer is cut. */
struct proc_place {
	char unit[256];			/* of systemd, the innermost: "nginx.service" */
	char ns[64];			/* of Kubernetes */
	char pod[256];
	char container[128];		/* its name, else the first 12 characters of its id */
	char id[68];			/* of the container */
};

#define PLACE_TEXT_MAX	(sizeof(struct proc_place))

struct cgroup {
	struct proc_place place;		/* without what a path does not have: names of pods and of most containers */
	char pod_uid[40];
	bool outside;			/* it begins above our cgroup namespace: what lies between is unknown */
};

void cgroup_parse(const char *path, struct cgroup *out);
/* The same of /proc/PID/cgroup. Of several hierarchies (v1, hybrid) the one that says most. */
void cgroup_of_process(const char *text, struct cgroup *out);

/* In a word, cut: "namespace/pod/container", "container", "nginx.service". */
#define PLACE_NAME_MAX	256u
void place_name(const struct proc_place *p, char text[PLACE_NAME_MAX]);

/*
 * The text of a place in records: its members, each with its NUL. n bytes; 0: nothing is known. The other way: false
 * if that is no such text.
 */
size_t place_to_text(const struct proc_place *p, char text[PLACE_TEXT_MAX]);
bool place_of_text(struct proc_place *p, const char *text, size_t n);

#endif
