// SPDX-License-Identifier: GPL-2.0-only
/* What a filter says of a socket, as the capture side does. */
#include <string.h>

#include "source.h"

uint32_t filter_narrows(const struct filter *f)
{
	return (f->npids && !f->both_ends ? TCPTRACE_ONLY_PIDS : 0) | (f->nlports ? TCPTRACE_ONLY_LPORTS : 0) |
	       (f->nrports ? TCPTRACE_ONLY_RPORTS : 0) |
	       (f->nnets ? TCPTRACE_ONLY_ADDRS : 0) | (f->family ? TCPTRACE_ONLY_FAMILY : 0) |
	       (f->netns ? TCPTRACE_ONLY_NETNS : 0) | (f->cgroup ? TCPTRACE_ONLY_CGROUP : 0);
}

bool filter_has_port(const struct port_range *ports, uint32_t n, uint16_t port)
{
	for (uint32_t i = 0; i < n; i++) {
		if (ports[i].from <= port && port <= ports[i].to)
			return true;
	}
	return n == 0;
}

static bool in_net(const struct filter_net *net, const uint8_t addr[16])
{
	for (unsigned int i = 0; i < 16; i++) {
		if ((addr[i] & net->mask[i]) != net->addr[i])
			return false;
	}
	return true;
}

bool filter_has_addr(const struct filter *f, const uint8_t laddr[16], const uint8_t raddr[16])
{
	for (uint32_t i = 0; i < f->nnets; i++) {
		if (in_net(&f->nets[i], laddr) || in_net(&f->nets[i], raddr))
			return true;
	}
	return f->nnets == 0;
}

#define ID_PREFIX	12u		/* of a container's id, as `docker ps` shows it, or more of it */

/* list NULL: all are in it. Of an id its beginning is enough. */
static bool is_listed(const char *list, const char *name, const char *id)
{
	size_t n = strlen(name), len;

	for (const char *s = list; s && *s; s += len + (s[len] == ',')) {
		len = strcspn(s, ",");
		if ((len == n && !memcmp(s, name, n)) || (len >= ID_PREFIX && !strncmp(id, s, len)))
			return true;
	}
	return !list;
}

static bool pod_is_listed(const char *list, const struct proc_place *p)
{
	char whole[sizeof(p->ns) + sizeof(p->pod)], *end = stpcpy(whole, p->ns);

	if (!list)
		return true;
	*end = '/';
	strcpy(end + 1, p->pod);
	return p->pod[0] && (is_listed(list, p->pod, "") || is_listed(list, whole, ""));
}

bool filter_has_place(const struct filter *f, const struct proc_place *p)
{
	static const struct proc_place nowhere;

	p = p ? p : &nowhere;
	return is_listed(f->by_place.units, p->unit, "") && pod_is_listed(f->by_place.pods, p) &&
	       is_listed(f->by_place.containers, p->container, p->id);
}
