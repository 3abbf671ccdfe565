/* SPDX-License-Identifier: GPL-2.0-only */
/* How far the clocks of several machines are apart, by what was recorded of each (hosts.c). */
#ifndef TCPTRACE_RUN_HOSTCLOCKS_H
#define TCPTRACE_RUN_HOSTCLOCKS_H

#include "../source/file.h"
#include "../source/merge.h"
#include "../view/hosts.h"
#include "stamps.h"

#define SOCKS	4096u			/* a later one takes the place of an earlier one: those of the overlap are enough */

struct sock_seen {
	uint64_t hash, first_ns, last_ns;
};

struct recorded {			/* one machine */
	struct stamps stamps;
	struct model *model;
	struct file_host id;
	int64_t wall_offset_ns;
	uint64_t from_ns, to_ns;	/* of its own clock */
	int64_t boot_low, boot_high;	/* CLOCK_BOOTTIME - CLOCK_MONOTONIC, the least and most in its records */
	bool clocks_told;
	struct sock_seen socks[SOCKS];
};

struct hosts {
	struct merge_config cfg;
	struct recorded of[MODEL_HOSTS];
	struct view_hosts view;
	uint64_t shift_ns;		/* so that no moment lies before 0 */
};

bool hostclocks_same_boot(const struct hosts *h, unsigned int a, unsigned int b);	/* then their clocks are one */
/* When all has been read: fills the clocks and errors of h->view. 0 or -ENOMEM. */
int hostclocks_compare(struct hosts *h);
uint64_t hostclocks_moment(void *hosts, unsigned int machine, uint64_t t_ns);	/* merge_config.moment, when that is done */

#endif
