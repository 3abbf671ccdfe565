/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The lives of connections that are followed: by number and by both ends, whichever side they are seen from; two whose
 * ends are each other's are joined. Nothing is allocated after lives_init(), and memory is taken as it is used.
 */
#ifndef TCPTRACE_LIVES_H
#define TCPTRACE_LIVES_H

#include "../../lib/sized.h"
#include "../../model/life.h"

#define LIVES	SIZED(262144u, 16u)	/* as many as the model has conns */
#define LIVES_BUCKETS	SIZED(65536u, 16u)
#define LIVES_REFUSED	SIZED(4096u, 4u)	/* of these at most: tuples whose SYNs were refused */

struct life {
	struct conn_life l;
	uint64_t isn;			/* pair_isn(); 0: unknown */
	uint8_t host;			/* whose recording it is in */
	unsigned int picks;		/* what view_config.picks said so far */
	uint64_t was_in, was_out;	/* bytes, when a list had it last (-i) */
	bool told;			/* it was in the line of its other end */
	bool paired;			/* in the table by tuple */
	struct life *peer;
	struct life *prev, *next;	/* in order of age; free ones: next */
	struct life *next_conn, *next_pair, *next_isn;	/* hash chains */
	struct life *prev_over, *next_over;	/* ended, and what comes after it is waited for: in the order of their ends */
	bool waits;			/* in that list */
};

struct lives {
	struct life *all, *free;
	uint32_t touched;		/* of all, used at least once */
	struct life *oldest, *newest;
	struct life *first_over, *last_over;
	struct life **by_conn, **by_pair, **by_isn;
	uint32_t refused;		/* how many are of refused SYNs */
	uint64_t left_out;		/* connections and refusals that found no room */
};

int lives_init(struct lives *s);	/* 0 or -ENOMEM */
void lives_free(struct lives *s);
struct life *lives_new(struct lives *s, uint64_t conn, uint8_t host);	/* NULL: no room, counted */
struct life *lives_by_conn(const struct lives *s, uint64_t conn);
/* With these ends as they stand; conn 0: of refused SYNs, else one that has a number. */
struct life *lives_by_tuple(const struct lives *s, const struct tuple *t, uint8_t host, bool refused);
void lives_set_isn(struct lives *s, struct life *x, uint64_t isn);
void lives_pair(struct lives *s, struct life *x);	/* its tuple is whole: joins it with its other end, if that is there */
void lives_unpair(struct lives *s, struct life *x);	/* before its tuple changes */
void lives_wait(struct lives *s, struct life *x);	/* it has ended */
void lives_drop(struct lives *s, struct life *x);

#endif
