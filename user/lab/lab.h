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
 * Adding one is one file with a struct lab and one line in the table of lab.c.
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

struct lab_run;

struct lab {
	const char *name;
	const char *question;
	const char *setup;		/* what is done, one or two sentences */
	const char *view;		/* "flow", "table" */
	bool io;			/* wants read and write events */
	void (*play)(struct stage *s);
	void (*judge)(struct lab_run *r);
	bool (*show)(const struct lab_run *r, const struct lab_event *e);	/* relevant; NULL: all */
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
 * failed. why: of DEPENDS, on what. The answer is a sentence with the numbers.
 */
__attribute__((format(printf, 6, 7)))
void lab_claim(struct lab_run *r, const char *text, enum verdict v, const char *why, bool holds,
	       const char *answer, ...);
void lab_evidence(struct lab_run *r, const char *key, int64_t value);	/* of the last claim */

const char *lab_name(unsigned int i);	/* NULL past the last */

extern const struct lab lab_lifecycle, lab_handshake, lab_backlog, lab_synqueue, lab_overflow,
	lab_blocking, lab_bind, lab_close, lab_reuseport, lab_fastopen, lab_defer_accept;

#endif
