/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside findings: one that is being made, and what its files call of each other.
 *
 *     finding.c		order, texts, who
 *     finding_acceptq.c	what lets an accept queue fill: the order of causes, and the short ones
 *     finding_fails.c	accept() fails
 *     finding_stalled.c	nobody accepts for a while, or one of a SO_REUSEPORT group
 *     finding_short.c	the queue is too short
 *     finding_seen.c	what was seen of an accept queue, whatever the cause
 *     finding_synq.c		requests that do not become connections
 *     finding_connect.c	connect() that fails, SYNs without an answer
 *     finding_why.c		why it failed (finding_why.h)
 *     finding_unacked.c	established ones whose peers acknowledge nothing
 *     finding_closewait.c	connections that nobody closes
 *     finding_port.c		listeners that are gone, ports where there is none
 */
#ifndef TCPTRACE_DIAGNOSIS_H
#define TCPTRACE_DIAGNOSIS_H

#include "figure.h"
#include "finding.h"

#define CLIENT_LOST_NS	60000000000ull	/* what a client that never came in counts for */

struct found;				/* the findings made so far */

struct diagnosis {
	const struct model *m;
	const struct machine *machine;	/* NULL: a replay */
	const struct listener *l;	/* NULL: it is about none */
	uint32_t netns;			/* whose sysctls matter */
	bool stands;			/* the pause of accept() that it is about goes on */
	bool closed;			/* the close of the listener, which ended it, is told with it */
	struct found *found;
	struct finding f;
	unsigned int values, parts;
};

/* finding.c */
struct diagnosis diagnosis_of(const struct diagnosis *from, const struct listener *l);	/* an empty one */
bool is_wanted(const struct diagnosis *d, const struct finding *f);
void say(struct diagnosis *d, enum finding_part part, const char *text);
void say_number(struct diagnosis *d, const char *key, uint64_t number);
void say_value(struct diagnosis *d, const char *key, enum finding_unit unit, uint64_t number);
void say_least(struct diagnosis *d, const char *key, enum finding_unit unit, uint64_t number, bool least);	/* or more */
void say_figure(struct diagnosis *d, const char *key, enum figure f, uint64_t number);	/* or more, unless f is exact */
void say_address(struct diagnosis *d, const char *key, const uint8_t addr[16]);
void say_words(struct diagnosis *d, const char *key, const char *words);
bool has_part(const struct finding *f, enum finding_part part);
void tell(struct diagnosis *d, const char *id);		/* it is complete */
bool machine_has(const struct diagnosis *d, enum machine_sysctl which, uint64_t *value);
/* f.who becomes the first of them that lives, by its process's name, or else the first that is known. */
void blame(struct diagnosis *d, const struct owner *const *who, unsigned int n);
void blame_server(struct diagnosis *d);			/* of d->l: who accepted last, else who keeps it: what it does */
void blame_keeper(struct diagnosis *d);			/* who keeps it, else who opened it: what it asked listen() for */
bool who_is_gone(const struct diagnosis *d);
bool who_is_there(const struct diagnosis *d);			/* neither: not known */
bool same_address(const struct listener *a, const struct listener *b);
uint64_t refused_by_synq(const struct listener *l);
uint64_t refused_otherwise(const struct listener *l);	/* SYNs though no queue was full; 0: too few to tell of them */
void say_cost(struct diagnosis *d);			/* what refusals cost the clients of d->l */

/* finding_seen.c */
void say_acceptq(struct diagnosis *d);			/* how far it filled, whom it refused, how long they waited */
bool sent_cookies_full(const struct diagnosis *d);	/* as its SYN queue was full; who came in is known */
void say_at_once(struct diagnosis *d);			/* a program that serves all that it may leaves the others */
/* Of those that left and of those that still wait. False: not known, or of too few of those that were taken. */
bool acceptq_waits(const struct diagnosis *d, struct hist *h);

/* Causes of a full accept queue; false: not this one, or not this one alone. */
bool find_accept_fails(struct diagnosis *d);
bool find_imbalance(struct diagnosis *d);
bool find_stalled(struct diagnosis *d);
bool stalls_explain(const struct diagnosis *d);		/* most of what was refused */
bool pauses_are_slowness(const struct diagnosis *d);	/* of a program that is slow all the time, and no cause of their own */
void say_pause(struct diagnosis *d);			/* the worst, as what was seen */
void find_short(struct diagnosis *d);

/* How the close of a listener that had some waiting is told. */
enum told_close { CLOSE_ALONE, CLOSE_REFUSED, CLOSE_TOLD };	/* with what was refused; as the end of a pause */

enum told_close find_acceptq(struct diagnosis *d);
void find_synq(struct diagnosis *d);
bool is_heard(const struct listener *l);		/* SYNs came whose third packet did not */
bool close_explains(const struct diagnosis *d);		/* most of what was refused */
void say_closed(struct diagnosis *d);			/* it ended what is told: who waited was reset */
void find_closed(struct diagnosis *d, enum told_close how);
void find_unheard(struct diagnosis *d);
void find_connects(struct diagnosis *d);
void find_unacked(struct diagnosis *d);
void find_close_wait(struct diagnosis *d);

#endif
