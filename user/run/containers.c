// SPDX-License-Identifier: GPL-2.0-only
/*
 * kubelet: /var/log/pods/NAMESPACE_POD_UID/, /var/log/containers/POD_NAMESPACE_CONTAINER-ID.log (as log agents do)
 * docker:  /var/lib/docker/containers/ID/config.v2.json, its "Name":"/web"
 * podman:  /var/lib/containers/storage/overlay-containers/containers.json, "id":"ID","names":["web"]
 *
 * The id and the UID are of hex digits and '-' alone (cgroup.c), so that they may be part of a path.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/readfile.h"
#include "containers.h"

#define POD_LOGS	"/var/log/pods"
#define CONTAINER_LOGS	"/var/log/containers"
#define DOCKER		"/var/lib/docker/containers"
#define PODMAN		"/var/lib/containers/storage/overlay-containers/containers.json"

#define FILE_MAX	(4u << 20)	/* of containers.json; a larger one is not searched to its end */

static void keep(char *to, size_t size, const char *s, size_t n)
{
	n = n < size ? n : size - 1;
	memcpy(to, s, n);
	to[n] = 0;
}

/* Of the three words in "A_B_C" the one before the last _ may have no _, nor the first: none of Kubernetes' names has. */
static bool split(const char *name, const char **second, const char **third)
{
	const char *s = strchr(name, '_'), *t = s ? strchr(s + 1, '_') : NULL;

	*second = s ? s + 1 : NULL;
	*third = t ? t + 1 : NULL;
	return t && !strchr(t + 1, '_') && s > name && t > s + 1;
}

/* "web-0_default_nginx-ID.log" */
static bool take_container_log(struct cgroup *c, const char *name)
{
	struct proc_place *p = &c->place;
	size_t n = strlen(name), tail = strlen(p->id) + 5;
	const char *ns, *container;

	if (n <= tail || name[n - tail] != '-' || strncmp(name + n - tail + 1, p->id, tail - 5) ||
	    strcmp(name + n - 4, ".log") || !split(name, &ns, &container) || container >= name + n - tail)
		return false;
	keep(p->pod, sizeof(p->pod), name, (size_t)(ns - 1 - name));
	keep(p->ns, sizeof(p->ns), ns, (size_t)(container - 1 - ns));
	keep(p->container, sizeof(p->container), container, (size_t)(name + n - tail - container));
	return true;
}

/* "default_web-0_UID" */
static bool take_pod_log(struct cgroup *c, const char *name)
{
	const char *pod, *uid;

	if (!split(name, &pod, &uid) || strcmp(uid, c->pod_uid))
		return false;
	keep(c->place.ns, sizeof(c->place.ns), name, (size_t)(pod - 1 - name));
	keep(c->place.pod, sizeof(c->place.pod), pod, (size_t)(uid - 1 - pod));
	return true;
}

static bool in_directory(struct cgroup *c, const char *path, bool (*take)(struct cgroup *c, const char *name))
{
	DIR *dir = opendir(path);
	struct dirent *e;
	bool found = false;

	while (dir && !found && (e = readdir(dir)))
		found = take(c, e->d_name);
	if (dir)
		closedir(dir);
	return found;
}

/* malloc'd; what cannot be read is "". NULL: no memory. */
static char *text_of(const char *path)
{
	char *text = malloc(FILE_MAX);

	if (text)
		read_file(path, text, FILE_MAX);
	return text;
}

/* A name of a container within JSON; what needs an escape is none. */
static bool take_name(struct proc_place *p, const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");

	if (!n || s[n] != '"')
		return false;
	keep(p->container, sizeof(p->container), s, n);
	return true;
}

/* Other names in it (of volumes, of networks) begin without a slash; a quoted one has \" in it. */
static bool ask_docker(struct proc_place *p)
{
	static const char key[] = "\"Name\":\"/";
	char path[sizeof(DOCKER) + sizeof(p->id) + 32], *text, *at;
	bool found;

	snprintf(path, sizeof(path), DOCKER "/%s/config.v2.json", p->id);
	text = text_of(path);
	at = text ? strstr(text, key) : NULL;
	found = at && take_name(p, at + sizeof(key) - 1);
	free(text);
	return found;
}

static bool ask_podman(struct proc_place *p)
{
	static const char key[] = "\"names\":[\"";
	char id[sizeof(p->id) + 16], *text = text_of(PODMAN), *at, *next, *name;
	bool found;

	snprintf(id, sizeof(id), "\"id\":\"%s\"", p->id);
	at = text ? strstr(text, id) : NULL;
	name = at ? strstr(at, key) : NULL;
	next = at ? strstr(at + 1, "\"id\":\"") : NULL;
	found = name && (!next || name < next) && take_name(p, name + sizeof(key) - 1);
	free(text);
	return found;
}

bool containers_name(struct cgroup *c)
{
	struct proc_place *p = &c->place;

	if (!p->id[0] && !c->pod_uid[0])
		return true;
	/* the pod of a neighbour in our own one is above our cgroup namespace */
	if (p->id[0] && in_directory(c, CONTAINER_LOGS, take_container_log))
		return true;
	if (c->pod_uid[0]) {
		in_directory(c, POD_LOGS, take_pod_log);
		return false;
	}
	return ask_docker(p) || ask_podman(p);
}
