/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What fails without a listener: connect(), by program and by the port that it wanted to
 * reach (fifty processes of one program that fail alike are one row); and SYNs that were
 * answered by a RST because nobody listened, or not at all, by port. The tables are small: what
 * finds no row is not told.
 */
#ifndef TCPTRACE_CONNECTS_H
#define TCPTRACE_CONNECTS_H

#include "../lib/sized.h"
#include "model.h"

#define CONNECTS	SIZED(256u, 8u)		/* rows of each table */
#define UNBOUND		16u			/* rows of one */

/* Failures of one program (by name) in one namespace to one port. */
struct connects {
	char comm[TCPTRACE_COMM_LEN];		/* as in struct owner */
	uint32_t netns;
	uint16_t rport;
	uint8_t family;				/* 4, 6: with a mapped address it is 4 */
	bool used;
	bool many;				/* who is not the only process that failed */
	bool unbound;				/* EADDRNOTAVAIL without a local port of the program's own choice */
	uint16_t bound;				/* the port that it had bound, at the last EADDRNOTAVAIL */
	struct owner who;			/* of the last failure */
	uint64_t calls;				/* connect() calls, failed or not */
	struct failures failures;
	struct {
		uint8_t raddr[16];		/* of the last failure of that errno */
		bool hosts;			/* it is not the only one that could not be reached so */
		uint64_t sent, unsent;		/* of how many the SYN was seen to have left, or not to; */
		uint64_t by_rst;		/* for how many a RST was seen to come */
	} to[FAILURE_ERRNOS];			/* as failures.of */
	/* Closed in SYN_SENT before an answer was seen: given up, or told an error that was not seen (SO_ERROR). */
	struct {
		uint64_t count, first_ns;
		uint64_t most_ns;		/* the longest */
		uint8_t raddr[16];		/* of the last one */
		bool hosts;			/* it is not the only one */
	} untold;
};

/* SYNs to one port that a RST answered, no socket being there. */
struct unheard {
	uint32_t netns;
	uint16_t lport;
	uint8_t family;
	bool used;
	uint8_t laddr[16], raddr[16];		/* of the last one */
	bool clients;				/* raddr is not the only client */
	uint64_t count, first_ns, last_ns;
	uint32_t between;			/* how often a listener had come and gone since the one before */
};

/* bind() to one port that failed last. */
struct unbound {
	uint32_t netns;
	uint16_t lport;
	bool used;
	uint8_t laddr[16];
	int32_t err;
	struct owner who;
	uint64_t last_ns;
};

/*
 * SYNs to one port that had to be sent again, by connection, or whose program went away before that: who does not wait
 * for ETIMEDOUT has no errno to show.
 */
struct unanswered {
	uint32_t netns;
	uint16_t rport;
	uint8_t family;
	bool used, many;			/* as in struct connects */
	bool hosts;				/* raddr is not the only one */
	uint8_t raddr[16];			/* of the last one */
	struct owner who;			/* of the last one whose owner is known */
	uint64_t count;				/* connections; */
	uint64_t late;				/* those of them that were seen to get an answer */
	uint64_t given_up;			/* closed after one SYN and some time, without an answer; */
	uint64_t given_ns;			/* the longest of these times */
	uint64_t first_ns;
};

/* The i-th row, i below CONNECTS: ask it whether it is used. */
const struct connects *model_connects(const struct model *m, uint32_t i);
/* A program whose connect() to that port failed with err; raddr: to that host, the last time. NULL: none. */
const struct connects *model_connect_failed(const struct model *m, uint32_t netns, uint16_t rport, int32_t err,
					    const uint8_t raddr[16]);
const struct unheard *model_unheard(const struct model *m, uint32_t i);
/* The last bind() to that port that failed; NULL: none. */
const struct unbound *model_unbound(const struct model *m, uint32_t netns, uint16_t lport);
const struct unanswered *model_unanswered(const struct model *m, uint32_t i);

#endif
