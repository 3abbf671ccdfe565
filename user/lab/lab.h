/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An experiment has two halves that never run in the same process. play() is
 * the traffic: it runs on a stage, a child in a network namespace of its own.
 * judge() is the answer: it runs in the tracer and sees the events of the real
 * capture and the facts that play() noted down, and so it can be run again
 * over a recording, without root and without a stage.
 *
 *     stage:  play()  ──traffic──▶ kernel ──hooks──▶ source ─▶ model ─▶ lab_event[]
 *                     ──facts────────────────────────────────────────▶ judge()
 *
 * Adding one is one file with a struct lab and one line in LABS, at the end of this header;
 * `tests/live/labs --record` then makes its recording.
 */
#ifndef TCPTRACE_LAB_H
#define TCPTRACE_LAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../model/model.h"
#include "stage.h"

/* A model_event that outlives its callback. */
struct lab_event {
	uint64_t t_ns, dur_ns, conn, sk;
	uint32_t listener;		/* number of its listener, 0: the client's side */
	uint32_t tid, synq, synq_young, acceptq, limit;
	int32_t ret, fd, backlog;
	uint16_t lport, rport;
	uint8_t event, old, new, cause, flags;
	bool has_dur, has_queues;
	char comm[TCPTRACE_COMM_LEN + 1];
};

/* What to look for; zero: any. */
struct want {
	uint8_t event, old, new, cause;
	uint16_t lport, rport;
	uint32_t listener;
	uint64_t conn, after, before;	/* times, ns, exclusive */
};

enum verdict { CONFIRMED, REFUTED, DEPENDS };

/* The sentences of the tutorial that this program goes with, in its order: `lab tutorial`. */
enum sentence {
	NO_SENTENCE,
	TUTORIAL_SOCKET_TYPE, TUTORIAL_PORT, TUTORIAL_ADDRESS,
	TUTORIAL_NETSTAT, TUTORIAL_RECV_Q, TUTORIAL_ACCEPT_BLOCKS, TUTORIAL_CONNECT_BEGINS,
	TUTORIAL_TWO_QUEUES, TUTORIAL_WHICH_QUEUES, TUTORIAL_ACCEPT_TAKES, TUTORIAL_ACCEPT_OTHER,
	TUTORIAL_READ_WRITE, TUTORIAL_CLOSE,
	TUTORIAL_NOBODY_ELSE, TUTORIAL_CLIENTS, TUTORIAL_COST, TUTORIAL_CHANGE, TUTORIAL_EARLY,
	TUTORIAL_CONNECT_RETURNS, TUTORIAL_ACK, TUTORIAL_ACCEPT_RETURNS, TUTORIAL_ONE_DIRECTION,
	TUTORIAL_END
};

struct lab_run;

struct lab {
	const char *name;
	const char *question;		/* this and the next two: msgids */
	const char *setup;		/* what is done, one or two sentences */
	const char *shown;		/* what of it the picture shows; NULL: all */
	bool ladder;			/* how its events are shown; else in rows */
	uint16_t prologue;		/* of a ladder: port of the listener whose calls are its first steps; 0: none */
	bool io;			/* wants read and write events */
	bool slow;			/* mostly waits: begun before its turn when several are run */
	void (*play)(struct stage *s);
	void (*judge)(struct lab_run *r);
	bool (*show)(const struct lab_run *r, const struct lab_event *e);	/* relevant; NULL: all */
	/* Of a ladder: what to say below the n-th packet of the handshake, 17 columns a line; NULL: nothing. */
	void (*remark)(struct lab_run *r, unsigned int packet, char *text, size_t size);
};

/* ---- for judge() ---- */

/* Designated initialisers make a query readable: FIND(r, .event = TCPTRACE_DROP, .lport = 80). */
#define FIND(r, ...)	lab_find(r, &(struct want){ __VA_ARGS__ })
#define COUNT(r, ...)	lab_count(r, &(struct want){ __VA_ARGS__ })

/* The first that matches; if there is none, one with all members zero and the run has failed. */
const struct lab_event *lab_find(struct lab_run *r, const struct want *w);
const struct lab_event *lab_at(const struct lab_run *r, size_t i);	/* in order; NULL past the last */
unsigned int lab_count(const struct lab_run *r, const struct want *w);
unsigned int lab_acceptq_peak(const struct lab_run *r, uint16_t lport);
bool lab_matches(const struct lab_event *e, const struct want *w);

/* A fact that play() noted; the run has failed if it did not. */
int64_t lab_fact(struct lab_run *r, const char *key);
/*
 * No hook here delivers that step: its line of `tcptrace doctor` says "none". Then the facts
 * must do, and the answer says so. hook: its name there, with _ for what is no letter.
 */
bool lab_blind(const struct lab_run *r, const char *hook);

/*
 * One claim and what was measured. holds: the evidence is what the text says; else the run has
 * failed. why: of DEPENDS, on what. The answer is a sentence with the numbers. All three are
 * msgids (N_()), which are translated here.
 */
__attribute__((format(printf, 6, 7)))
void lab_claim(struct lab_run *r, const char *text, enum verdict v, const char *why, bool holds,
	       const char *answer, ...);
void lab_sentence(struct lab_run *r, enum sentence s);	/* of the tutorial is the last claim */
void lab_evidence(struct lab_run *r, const char *key, int64_t value);	/* of the last claim */

/* X(symbol): all of them, in the order in which they are listed and run. */
#define LABS(X)		\
	X(lifecycle) \
	X(address) \
	X(netstat) \
	X(handshake) \
	X(queues) \
	X(backlog) \
	X(concurrency) \
	X(blocking) \
	X(synqueue) \
	X(prune) \
	X(overflow) \
	X(bind) \
	X(close) \
	X(unread) \
	X(reuseport) \
	X(fastopen) \
	X(defer_accept) \
	X(mptcp)

const char *lab_name(unsigned int i);	/* what `lab` takes: experiments in that order, then others; NULL past the last */

#define LAB_DECLARE(symbol) extern const struct lab lab_##symbol;
LABS(LAB_DECLARE)
#undef LAB_DECLARE

#endif
