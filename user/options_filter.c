// SPDX-License-Identifier: GPL-2.0-only
/* Options that say what to look at. */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "lib/parse.h"
#include "lib/tr.h"
#include "names.h"
#include "options_take.h"

static int take_pid(struct options *o, const char *s, int key)
{
	struct filter *f = &o->source.filter;
	uint64_t v;
	uint32_t i;

	(void)key;
	if (parse_u64(s, 1, INT_MAX, &v))
		return options_refuse(o, _("-p '%s': not a process number"), s);
	for (i = 0; i < f->npids; i++) {
		if (f->pids[i] == v)
			return 0;
	}
	if (f->npids == FILTER_LIST_MAX)
		return options_refuse(o, _("-p '%s': more than %d processes"), s, FILTER_LIST_MAX);
	f->pids[f->npids++] = (uint32_t)v;
	return 0;
}

/* 8080, 8000-8099 */
static int parse_ports(const char *s, struct port_range *range)
{
	const char *dash = strchr(s, '-');
	char first[8];
	uint64_t from, to;

	snprintf(first, sizeof(first), "%.*s", dash ? (int)(dash - s) : (int)strlen(s), s);
	if ((dash && dash - s > 5) || parse_u64(dash ? first : s, 1, 65535, &from) ||
	    parse_u64(dash ? dash + 1 : s, 1, 65535, &to) || from > to)
		return -EINVAL;
	*range = (struct port_range){ (uint16_t)from, (uint16_t)to };
	return 0;
}

static int take_port(struct options *o, const char *s, int key)
{
	struct filter *f = &o->source.filter;
	struct port_range *list = key == 'P' ? f->lports : f->rports, range;
	uint32_t *n = key == 'P' ? &f->nlports : &f->nrports;

	if (parse_ports(s, &range))
		return options_refuse(o, _("-%c '%s': not a port; ports are 1 to 65535, a range is 8000-8099"), key, s);
	if (*n && filter_has_port(list, *n, range.from) && range.from == range.to)
		return 0;
	if (*n == FILTER_LIST_MAX)
		return options_refuse(o, _("-%c '%s': more than %d ports"), key, s, FILTER_LIST_MAX);
	list[(*n)++] = range;
	return 0;
}

/* An address, or one with "/" and the length of its net. IPv4 is ::ffff:a.b.c.d. */
static int parse_net(const char *s, struct filter_net *net)
{
	const char *slash = strchr(s, '/');
	char addr[INET6_ADDRSTRLEN];
	uint64_t bits = 128;
	bool four;

	if (slash ? slash - s >= (int)sizeof(addr) : strlen(s) >= sizeof(addr))
		return -EINVAL;
	snprintf(addr, sizeof(addr), "%.*s", slash ? (int)(slash - s) : (int)strlen(s), s);
	memset(net, 0, sizeof(*net));
	four = inet_pton(AF_INET, addr, net->addr + 12) == 1;
	if (four)
		memset(net->addr + 10, 0xff, 2);
	else if (inet_pton(AF_INET6, addr, net->addr) != 1)
		return -EINVAL;
	if (slash && parse_u64(slash + 1, 0, four ? 32 : 128, &bits))
		return -EINVAL;
	bits += four && slash ? 96 : 0;
	for (unsigned int i = 0; i < 16; i++) {
		net->mask[i] = bits >= 8 * (i + 1) ? 0xff : bits <= 8 * i ? 0 : (uint8_t)(0xff00 >> (bits % 8));
		net->addr[i] &= net->mask[i];
	}
	return 0;
}

static int take_addr(struct options *o, const char *s, int key)
{
	struct filter *f = &o->source.filter;

	(void)key;
	if (f->nnets == FILTER_NETS)
		return options_refuse(o, _("--addr '%.64s': more than %d nets"), s, FILTER_NETS);
	if (parse_net(s, &f->nets[f->nnets]))
		return options_refuse(o, _("--addr '%.64s': not an address or net, as 10.0.0.0/8 or 2001:db8::1"), s);
	f->nnets++;
	return 0;
}

/* Of each part: at most one slash, and something on both sides of it. */
static bool pods_have_names(const char *s)
{
	for (const char *end = s; *end; s = end + 1) {
		const char *slash;

		end = s + strcspn(s, ",");
		slash = memchr(s, '/', (size_t)(end - s));
		if (slash && (slash == s || slash + 1 == end || memchr(slash + 1, '/', (size_t)(end - slash - 1))))
			return false;
	}
	return true;
}

/* The list stays as it is: a name is compared with its parts. */
static int take_places(struct options *o, int key, const char *s)
{
	struct filter_place *by = &o->source.filter.by_place;
	const char *name = key == OPT_UNIT ? "unit" : key == OPT_POD ? "pod" : "container";

	if (!s[0] || s[0] == ',' || s[strlen(s) - 1] == ',' || strstr(s, ",,"))
		return options_refuse(o, _("--%s '%.64s': not a list of names"), name, s);
	if (key == OPT_POD && !pods_have_names(s))
		return options_refuse(o, _("--pod '%.64s': not a list of NAME or NAMESPACE/NAME"), s);
	*(key == OPT_UNIT ? &by->units : key == OPT_POD ? &by->pods : &by->containers) = s;
	return 0;
}

static int take_comm(struct options *o, const char *s)
{
	o->source.filter.comm = s;
	return s[0] && strlen(s) < TCPTRACE_COMM_LEN ? 0 :
	       options_refuse(o, _("--comm '%.64s': not a name; the kernel keeps 1 to 15 bytes of it"), s);
}

static int take_event(struct options *o, const char *s, int key)
{
	int event = tcptrace_event_by_name(s);
	char all[512];

	if (event > 0 && option_word_index(key, s) >= 0) {
		o->events |= 1ull << event;
		return 0;
	}
	option_words(key, " ", all, sizeof(all));
	return options_refuse(o, _("-e '%.32s': no such event; there are %s"), s, all);
}

int options_take_filter(struct options *o, int key, char *arg)
{
	switch (key) {
	case 'p': return options_each_part(o, arg, take_pid, key);
	case 'P': case 'D': return options_each_part(o, arg, take_port, key);
	case OPT_ADDR: return options_each_part(o, arg, take_addr, key);
	case OPT_COMM: return take_comm(o, arg);
	case OPT_UNIT: case OPT_POD: case OPT_CONTAINER: return take_places(o, key, arg);
	case OPT_NETNS: return netns_by_name(arg, &o->source.filter.netns, o->error, sizeof(o->error));
	case OPT_CGROUP: return cgroup_by_path(arg, &o->source.filter.cgroup, o->error, sizeof(o->error));
	case '4': o->ipv4 = true; return 0;
	case '6': o->ipv6 = true; return 0;
	case 'e': return options_each_part(o, arg, take_event, key);
	case 'x': o->trouble = true; return 0;
	case OPT_IO: o->source.io = true; return 0;
	}
	return ARGP_ERR_UNKNOWN;
}
