// SPDX-License-Identifier: GPL-2.0-only
/*
 * The filter that all users of the events share, given when the module is
 * loaded. A filter of one user alone is written to that user's
 * events/tcptrace/filter instead.
 */
#include <linux/moduleparam.h>

#include "read.h"

struct filter filter;

static ushort ports[FILTER_PORTS];
static unsigned int nports;
static uint family;
static uint netns;

module_param_array(ports, ushort, &nports, 0444);
MODULE_PARM_DESC(ports, "only sockets with one of these ports, local or remote");
module_param(family, uint, 0444);
MODULE_PARM_DESC(family, "only sockets of this family: 4 or 6 (0: both)");
module_param(netns, uint, 0444);
MODULE_PARM_DESC(netns, "only this network namespace, by inode number (0: all)");

int filter_init(void)
{
	if (family && family != 4 && family != 6)
		return -EINVAL;
	memcpy(filter.ports, ports, sizeof(ports));
	filter.nports = nports;
	filter.family = family;
	filter.netns = netns;
	filter.any = nports || family || netns;
	return 0;
}
