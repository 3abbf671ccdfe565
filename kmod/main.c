// SPDX-License-Identifier: GPL-2.0-only
/*
 * tcptrace.ko: trace events of the TCP socket model. Only the order of things
 * is here. A loaded module does nothing until somebody enables an event.
 */
#include <linux/module.h>

#include "emit.h"
#include "hooks.h"
#include "read.h"

static int __init tcptrace_init(void)
{
	int err;

	err = filter_init();
	if (err)
		return err;
	err = calls_init();
	if (err)
		return err;
	trace_init_events();
	hooks_init();
	return 0;
}

static void __exit tcptrace_exit(void)
{
	hooks_exit();
	calls_exit();
}

module_init(tcptrace_init);
module_exit(tcptrace_exit);
MODULE_DESCRIPTION("Trace events of TCP listeners, queues, calls and transitions");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1");
