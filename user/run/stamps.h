/* SPDX-License-Identifier: GPL-2.0-only */
/* When segments left and arrived, as one machine's recording has it: what two clocks are compared by. */
#ifndef TCPTRACE_STAMPS_H
#define TCPTRACE_STAMPS_H

#include "../lib/clockfit.h"
#include "../model/model.h"

/* Before it left, after it arrived. */
enum stamp_of {
	STAMP_SYN_OUT, STAMP_SYN_IN,	/* the SYN-ACK leaves after SYN_IN */
	STAMP_ESTABLISHED,		/* of the client: SYN-ACK in; the third packet leaves after it */
	STAMP_ACK_IN,			/* of the server */
	STAMP_FIN_OUT, STAMP_FIN_IN,
	STAMP_FIN_ACK_OUT, STAMP_FIN_ACK_IN,	/* of a FIN: the peer's, ours */
	STAMPS_MAX
};

struct stamp {
	uint64_t isn;			/* pair_isn(); 0: unknown */
	uint64_t conn;
	struct tuple ends;		/* local: the client's, whose end it may be or not */
	bool server;
	bool joined;			/* stamps_join()'s */
	uint32_t next;			/* of its bucket: index + 1 */
	uint64_t t[STAMPS_MAX];		/* 0: not seen */
};

struct stamps {
	struct stamp *all;
	uint32_t n, *buckets;
	uint64_t kept;			/* only connections whose numbers have none of these bits are kept */
};

int stamps_init(struct stamps *s);
void stamps_free(struct stamps *s);
void stamps_event(struct stamps *s, const struct model_event *ev);

/* A connection that two machines have in common. turned: the client is on the second one. */
typedef void (*stamps_fn)(void *ctx, const struct stamp *client, const struct stamp *server, bool sure, bool turned);

/* Finds them; the order of s is lost, and no event may come any more. How many. */
uint64_t stamps_join(struct stamps *a, struct stamps *b, stamps_fn fn, void *ctx);

#define STAMP_SPANS	3u
/* By how much the server's clock is ahead, at moments of it (at_server) or of the client's: how many spans. */
unsigned int stamps_spans(const struct stamp *client, const struct stamp *server, bool sure, bool at_server,
			  struct clock_span spans[STAMP_SPANS]);

#endif
