/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exercises: `lab check NAME -- PROGRAM`. An exercise is an experiment whose server is
 * PROGRAM, on port 8001 of the stage; what it has to do are the claims, and why is a hint
 * for who got it wrong.
 *
 * Adding one is one struct lab in exercises.c or exercises_end.c and one line in EXERCISES.
 */
#ifndef TCPTRACE_LAB_EXERCISE_H
#define TCPTRACE_LAB_EXERCISE_H

#include "lab.h"

#define EXERCISE_PORT	8001
#define EXERCISE_PATIENCE	10000	/* ms: for a program to listen, and to answer */

#define EXERCISES(X)		\
	X(waiting)		\
	X(quick)		\
	X(closing)		\
	X(restart)		\
	X(crowd)		\
	X(half_close)

#define EXERCISE_DECLARE(symbol) extern const struct lab exercise_##symbol;
EXERCISES(EXERCISE_DECLARE)
#undef EXERCISE_DECLARE

/* ---- for play(); a program that does not do it ends the stage with a sentence ---- */
void program_start(struct stage *s);	/* and waits until it listens on the port */
bool program_started(struct stage *s);	/* the same; false: it does not listen in time, or has ended */
void program_kill(struct stage *s);	/* and whatever it has forked */

int come(struct stage *s);		/* a client, whose connect() has begun */
bool writable(int fd);			/* it is connected, within the patience */
bool answered(int fd);			/* it got anything, within the patience */
bool queue_empty(void *until_ns);	/* for wait_for(): nobody waits, or it is that late */

#endif
