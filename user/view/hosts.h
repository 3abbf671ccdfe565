/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Recordings of several machines, shown in the time of one: what is known of each clock, and of what a recording covers,
 * so that what is missing in it can be told from what did not happen.
 */
#ifndef TCPTRACE_HOSTS_H
#define TCPTRACE_HOSTS_H

#include "../lib/clockfit.h"
#include "view.h"

#define HOST_ADDRS	64u

enum host_clock {
	HOST_REFERENCE,			/* it is the one */
	HOST_SAME_BOOT,			/* the same clock, exactly */
	HOST_FITTED,			/* by connections that two recordings have in common */
	HOST_BY_WALL,			/* nothing bounds it: both wall clocks are believed */
};

struct view_host {
	const char *file;
	char name[65];			/* of the machine; "": unknown */
	uint8_t clock;			/* enum host_clock */
	unsigned int by;		/* HOST_FITTED: whose clock the fit is ahead of */
	struct clock_fit fit;
	uint64_t joined;		/* connections in common with that one */
	int64_t taken_ns;		/* off its clock, in the middle of what it covers */
	int64_t wall_error_ns;		/* its wall clock, which somebody sets, is no further off all the time; -1: unknown */
	int64_t wall_ns;		/* its wall clock was ahead of the reference's when its recording began */
	uint64_t suspended_ns;		/* in all, while it was recorded; 0: no, or its recording does not tell */
	/* What it covers, in the time of the reference. */
	uint64_t from_ns, to_ns;
	bool narrowed;			/* a filter left something out */
	bool gaps;			/* records were lost, or not all is seen exactly that a SYN does */
	uint8_t addrs[HOST_ADDRS][16];	/* local addresses of its connections, the first of them */
	unsigned int naddrs;
};

struct view_hosts {
	unsigned int n;
	struct view_host all[MODEL_HOSTS];
	int64_t error_ns[MODEL_HOSTS][MODEL_HOSTS];	/* between two of them; -1: nothing bounds it */
};

/* How the clocks were brought together: text, or a JSON line each. */
void hosts_head(struct out *o, const struct view_hosts *hosts, unsigned int columns);	/* 0: unknown */
void hosts_json(struct out *o, const struct view_hosts *hosts);
/* One word, as it came: hostile bytes possible. */
const char *host_word(const struct view_hosts *hosts, unsigned int host);
/* "4.1 ms", "12 us" */
void host_span(struct out *o, uint64_t ns);

/* One end of a connection that only one recording has. */
struct host_end {
	unsigned int host;
	const uint8_t *raddr;
	uint64_t t_ns;			/* its first step */
	bool client, midway;
	bool answered;			/* the client got a SYN-ACK */
};

/* Why the other end is not there, in the language that was chosen; NULL: nothing can be said. host: by whom. */
const char *hosts_why_missing(const struct view_hosts *hosts, const struct host_end *end, unsigned int *host);
void hosts_say(struct out *o, const struct view_hosts *hosts, const char *text, unsigned int host);	/* {1}: that one */

#endif
