// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the root to the leaf, part by part; what is further in wins. A container inside a container (kind, dind) is the
 * inner one; its own unit is that of the systemd inside it.
 */
#include <string.h>

#include "cgroup.h"

struct part {
	const char *s;
	size_t n;
};

#define ID_LEN		64u		/* of what docker, podman, containerd and CRI-O make */
#define ID_SHORT	12u		/* as `docker ps` shows it */
#define UID_LEN		36u		/* of a pod; a static pod's has 32 */

/* ---- parts ---- */

static struct part part_of(const char *s)
{
	return (struct part){ s, strlen(s) };
}

static bool begins(struct part p, const char *with)
{
	size_t n = strlen(with);

	return p.n >= n && !memcmp(p.s, with, n);
}

static bool ends(struct part p, const char *with)
{
	size_t n = strlen(with);

	return p.n >= n && !memcmp(p.s + p.n - n, with, n);
}

static bool is(struct part p, const char *word)
{
	return p.n == strlen(word) && begins(p, word);
}

static struct part without(struct part p, size_t front, size_t back)
{
	return front + back <= p.n ? (struct part){ p.s + front, p.n - front - back } : (struct part){ p.s, 0 };
}

static void keep(char *to, size_t size, struct part p)
{
	size_t n = p.n < size ? p.n : size - 1;

	memcpy(to, p.s, n);
	to[n] = 0;
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static bool all_hex(struct part p)
{
	size_t i = 0;

	while (i < p.n && is_hex(p.s[i]))
		i++;
	return p.n && i == p.n;
}

static bool is_id(struct part p)
{
	return p.n == ID_LEN && all_hex(p);
}

static int hex_value(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "a\x2db" is a-b: how systemd writes a name within the name of a unit. */
static void keep_unescaped(char *to, size_t size, struct part p)
{
	size_t n = 0;

	for (size_t i = 0; i < p.n && n < size - 1; i++) {
		const char *s = p.s + i;
		bool escape = p.n - i >= 4 && s[0] == '\\' && s[1] == 'x' && hex_value(s[2]) >= 0 && hex_value(s[3]) >= 0;
		int c = escape ? hex_value(s[2]) << 4 | hex_value(s[3]) : s[0];

		i += escape ? 3 : 0;
		if (c && c != '/')
			to[n++] = (char)c;
	}
	to[n] = 0;
}

/* ---- what is entered ---- */

/* Of a unit that is this container (podman --cgroups=split, as Quadlet has it). */
static void enter_payload(struct cgroup *c, struct part id)
{
	struct proc_place *p = &c->place;

	keep(p->id, sizeof(p->id), id);
	keep(p->container, sizeof(p->container), (struct part){ id.s, id.n < ID_SHORT ? id.n : ID_SHORT });
}

static void enter_container(struct cgroup *c, struct part id)
{
	c->place.unit[0] = 0;
	enter_payload(c, id);
}

/* One that has a name and no id. */
static void enter_machine(struct cgroup *c, struct part name)
{
	c->place.unit[0] = c->place.id[0] = c->pod_uid[0] = 0;
	keep_unescaped(c->place.container, sizeof(c->place.container), name);
}

/* The driver systemd writes _ for -, as - is / to it. */
static bool enter_pod(struct cgroup *c, struct part uid)
{
	if (uid.n != UID_LEN && uid.n != UID_LEN - 4)
		return false;
	for (size_t i = 0; i < uid.n; i++) {
		if (!is_hex(uid.s[i]) && uid.s[i] != '-' && uid.s[i] != '_')
			return false;
	}
	memset(&c->place, 0, sizeof(c->place));
	keep(c->pod_uid, sizeof(c->pod_uid), uid);
	for (char *s = c->pod_uid; *s; s++)
		*s = *s == '_' ? '-' : *s;
	return true;
}

/* "docker-ID", "cri-containerd-ID": but "crio-conmon-ID" is the process that watches a container. */
static bool enter_runtime(struct cgroup *c, struct part p)
{
	static const char *const runtimes[] = {
		"docker-", "cri-containerd-", "crio-", "libpod-", "nerdctl-", "containerd-", "cri-dockerd-", "podman-",
	};

	for (unsigned int i = 0; i < sizeof(runtimes) / sizeof(*runtimes); i++) {
		struct part id = without(p, strlen(runtimes[i]), 0);

		if (begins(p, runtimes[i]) && is_id(id)) {
			enter_container(c, id);
			return true;
		}
	}
	return false;
}

/* ---- kinds of parts ---- */

static void take_unit(struct cgroup *c, struct part p)
{
	struct part name = ends(p, ".scope") ? without(p, 0, 6) : p;

	if (ends(p, ".scope") && enter_runtime(c, name))
		return;
	if (ends(p, ".scope") && begins(p, "machine-") && name.n > 8)
		enter_machine(c, without(name, 8, 0));
	else if (begins(p, "systemd-nspawn@") && p.n > 15 + 8)
		enter_machine(c, without(p, 15, 8));
	else if (!begins(p, "user@") && !is(p, "init.scope"))
		keep(c->place.unit, sizeof(c->place.unit), p);
}

/* "kubepods-burstable-podUID.slice", within kind "kubelet-kubepods-..." */
static void take_slice(struct cgroup *c, struct part p)
{
	struct part name = without(p, 0, 6);

	if (!memmem(p.s, p.n, "kubepods", 8))
		return;
	for (size_t i = name.n; i-- > 4; ) {
		if (!memcmp(name.s + i - 4, "-pod", 4) && enter_pod(c, without(name, i, 0)))
			return;
	}
}

/* A directory that is no unit: the driver cgroupfs, LXC, ECS. before: the part above it. */
static void take_folder(struct cgroup *c, struct part p, struct part before, bool ecs)
{
	if (begins(p, "pod") && enter_pod(c, without(p, 3, 0)))
		return;
	if (is_id(p))
		enter_container(c, p);
	else if (begins(p, "libpod-payload-") && is_id(without(p, 15, 0)))
		enter_payload(c, without(p, 15, 0));
	else if (begins(p, "lxc.payload.") && p.n > 12)
		enter_machine(c, without(p, 12, 0));
	else if (is(before, "lxc") || is(before, "lxc.payload"))
		enter_machine(c, p);
	else if (ecs && p.n > 32 && all_hex(without(p, 0, p.n - 32)))
		enter_container(c, p);			/* TASK-1234567890 */
	else
		enter_runtime(c, p);
}

/* "kubepods-podUID.slice:cri-containerd:ID": containerd with the driver cgroupfs, and given a slice. */
static bool take_triple(struct cgroup *c, struct part p)
{
	const char *first = memchr(p.s, ':', p.n), *last = first ? memrchr(p.s, ':', p.n) : NULL;
	struct part slice, id;

	if (!first || first == last)
		return false;
	slice = (struct part){ p.s, (size_t)(first - p.s) };
	id = (struct part){ last + 1, (size_t)(p.s + p.n - last - 1) };
	if (!is_id(id))
		return false;
	if (ends(slice, ".slice"))
		take_slice(c, slice);
	enter_container(c, id);
	return true;
}

static void take(struct cgroup *c, struct part p, struct part before, bool ecs)
{
	if (is(p, "..")) {
		c->outside = true;
	} else if (ends(p, ".slice")) {
		take_slice(c, p);
	} else if (ends(p, ".scope") || ends(p, ".service")) {
		take_unit(c, p);
	} else if (!take_triple(c, p)) {
		take_folder(c, p, before, ecs);
	}
}

void cgroup_parse(const char *path, struct cgroup *out)
{
	struct part whole = part_of(path), before = { path, 0 };
	bool ecs = false;

	memset(out, 0, sizeof(*out));
	if (ends(whole, " (deleted)"))
		whole = without(whole, 0, 10);
	for (const char *s = whole.s, *end = whole.s + whole.n; s < end; ) {
		const char *slash = memchr(s, '/', (size_t)(end - s));
		struct part p = { s, (size_t)((slash ? slash : end) - s) };

		if (p.n) {
			take(out, p, before, ecs);
			ecs |= is(p, "ecs");
			before = p;
		}
		s += p.n + 1;
	}
}

/* ---- of a process ---- */

static unsigned int worth(const struct cgroup *c)
{
	return c->place.container[0] ? 3 : c->pod_uid[0] ? 2 : c->place.unit[0] ? 1 : 0;
}

/* "0::/", "1:name=systemd:/", "4:memory:/", "7:cpu,cpuacct:/" */
static bool counts(struct part hierarchy)
{
	return begins(hierarchy, "0:") || ends(hierarchy, ":name=systemd") || ends(hierarchy, ":memory");
}

void cgroup_of_process(const char *text, struct cgroup *out)
{
	char path[4097];
	struct cgroup one;

	memset(out, 0, sizeof(*out));
	for (const char *line = text, *end; *line; line = *end ? end + 1 : end) {
		const char *first = strchr(line, ':'), *second = first ? strchr(first + 1, ':') : NULL;

		end = strchrnul(line, '\n');
		if (!second || second >= end || !counts((struct part){ line, (size_t)(second - line) }))
			continue;
		keep(path, sizeof(path), (struct part){ second + 1, (size_t)(end - second - 1) });
		cgroup_parse(path, &one);
		one.outside |= out->outside;
		if (worth(&one) > worth(out))
			*out = one;
		out->outside |= one.outside;
	}
}

void place_name(const struct proc_place *p, char text[PLACE_NAME_MAX])
{
	const char *parts[] = { p->pod[0] ? p->ns : "", p->pod, p->container };
	size_t n = 0;

	for (unsigned int i = 0; i < 3; i++) {
		struct part part = part_of(parts[i]);

		if (part.n && n && n < PLACE_NAME_MAX - 1)
			text[n++] = '/';
		keep(text + n, PLACE_NAME_MAX - n, part);
		n += strlen(text + n);
	}
	if (!n)
		keep(text, PLACE_NAME_MAX, part_of(p->unit));
}

/* ---- in records ---- */

static const struct { size_t at, size; } members[] = {
#define MEMBER(name) { offsetof(struct proc_place, name), sizeof(((struct proc_place *)0)->name) }
	MEMBER(unit), MEMBER(ns), MEMBER(pod), MEMBER(container), MEMBER(id),
#undef MEMBER
};

#define MEMBERS		(sizeof(members) / sizeof(*members))

size_t place_to_text(const struct proc_place *p, char text[PLACE_TEXT_MAX])
{
	size_t n = 0;

	for (unsigned int i = 0; i < MEMBERS; i++) {
		const char *s = (const char *)p + members[i].at;
		size_t len = strlen(s) + 1;

		memcpy(text + n, s, len);
		n += len;
	}
	return n > MEMBERS ? n : 0;
}

bool place_of_text(struct proc_place *p, const char *text, size_t n)
{
	memset(p, 0, sizeof(*p));
	for (unsigned int i = 0; i < MEMBERS; i++) {
		const char *end = memchr(text, 0, n);
		size_t len = end ? (size_t)(end - text) + 1 : 0;

		if (!end || len > members[i].size)
			return false;
		memcpy((char *)p + members[i].at, text, len);
		text += len;
		n -= len;
	}
	return true;
}
