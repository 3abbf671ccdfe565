// SPDX-License-Identifier: GPL-2.0-only
/*
 * The filter that all users of the events share, given when the module is
 * loaded. A filter of one user alone is written to that user's
 * events/tcptrace/filter instead.
 */
#include <linux/inet.h>
#include <linux/moduleparam.h>

#include "read.h"

struct filter filter;

static ushort ports[FILTER_PORTS];
static unsigned int nports;
static uint family;
static uint netns;
static char *addrs[FILTER_NETS];
static unsigned int naddrs;

module_param_array(ports, ushort, &nports, 0444);
MODULE_PARM_DESC(ports, "only sockets with one of these ports, local or remote");
module_param(family, uint, 0444);
MODULE_PARM_DESC(family, "only sockets of this family: 4 or 6 (0: both)");
module_param(netns, uint, 0444);
MODULE_PARM_DESC(netns, "only this network namespace, by inode number (0: all)");

module_param_array(addrs, charp, &naddrs, 0444);
MODULE_PARM_DESC(addrs, "only sockets with one of their ends in one of these nets: 10.0.0.0/8,2001:db8::1");

/* "10.0.0.0/8", "2001:db8::1" */
static int parse_net(struct filter_net *net, const char *text)
{
	const char *slash = strchrnul(text, '/'), *end;
	unsigned int most = 128;
	__be32 v4;

	if (in4_pton(text, slash - text, (u8 *)&v4, -1, &end) && end == slash) {
		ipv6_addr_set_v4mapped(v4, &net->addr);
		most = 32;
	} else if (!in6_pton(text, slash - text, net->addr.s6_addr, -1, &end) ||
		   end != slash) {
		return -EINVAL;
	}
	net->bits = most;
	if (*slash && (kstrtouint(slash + 1, 10, &net->bits) ||
		       net->bits > most))
		return -EINVAL;
	net->bits += 128 - most;
	return 0;
}

int filter_init(void)
{
	unsigned int i;

	for (i = 0; i < naddrs; i++) {
		if (parse_net(&filter.nets[i], addrs[i]))
			return -EINVAL;
	}
	filter.nnets = naddrs;
	if (family && family != 4 && family != 6)
		return -EINVAL;
	memcpy(filter.ports, ports, sizeof(ports));
	filter.nports = nports;
	filter.family = family;
	filter.netns = netns;
	filter.any = nports || family || netns || naddrs;
	return 0;
}
