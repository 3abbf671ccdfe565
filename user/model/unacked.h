/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Connections whose peers acknowledge nothing any more, by the server's port. That is not seen, but what the kernel does
 * then: tcp_retransmit_timer() waits twice as long each time, and what is acknowledged sets that back.
 */
#ifndef TCPTRACE_UNACKED_H
#define TCPTRACE_UNACKED_H

#include "model.h"

#define UNACKED	16u			/* rows; what finds none is not told */

struct unacked {
	bool used;
	bool server;			/* whose end is on this machine */
	bool many, hosts;		/* of several processes, of several peers */
	uint8_t family;
	uint16_t port;			/* the server's */
	uint32_t netns;
	uint8_t raddr[16];		/* of the last one */
	struct owner who;		/* of the last one whose owner is known */
	uint64_t count;			/* connections that sent again at times that doubled, */
	uint64_t first_ns, most_ns;	/* when the first of these was known, and the longest from first to last time */
	uint64_t ended;			/* connections, of these or others, that ended with ETIMEDOUT and something undelivered */
};

/* The i-th row, i below UNACKED: ask it whether it is used. */
const struct unacked *model_unacked(const struct model *m, uint32_t i);

#endif
