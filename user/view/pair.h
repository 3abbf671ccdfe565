/* SPDX-License-Identifier: GPL-2.0-only */
/* Two conns that are the two ends of one connection: views look for them by their addresses. */
#ifndef TCPTRACE_PAIR_H
#define TCPTRACE_PAIR_H

#include "../model/model.h"

enum pair_fit { PAIR_NOT, PAIR_ELSEWHERE, PAIR_HERE };	/* in another namespace or machine; in the same, which is the better one */

/* As the record's own end sees them. Of a LISTEN nothing: its record has other numbers there. */
struct tuple record_ends(const struct tcptrace_record *rec);
/* As the step's own end sees them: of its connection, or, before that has a port, of the record. */
struct tuple step_ends(const struct model_event *ev);
bool same_end(const uint8_t a[16], uint16_t aport, const uint8_t b[16], uint16_t bport);
uint32_t pair_hash(const struct tuple *t);		/* the same from both ends */
enum pair_fit pair_fit(const struct tuple *a, const struct tuple *b, bool same_host);
/*
 * Initial sequence numbers, the client's << 32 | the server's, where a step says them, else 0. Both ends have the same,
 * whatever addresses were translated on the way.
 */
uint64_t pair_isn(const struct model_event *ev);
/*
 * No connection: it listens now; or it was the second child of a request, which is thrown away. began: a step before its
 * birth as a child is known.
 */
bool pair_is_none(const struct model_event *ev, bool began);
static inline uint32_t pair_isn_hash(uint64_t isn)
{
	return (uint32_t)(isn ^ isn >> 32);
}

#endif
