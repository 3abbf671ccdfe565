/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a program says the backlog that it gives to listen(), how many descriptors it may have, and how many
 * connections it serves at once before it stops to accept: those that go on and close them at once have none.
 */
#ifndef TCPTRACE_KNOB_H
#define TCPTRACE_KNOB_H

struct knob {
	const char *comm;		/* name of the process; with a * at its end: what it begins with */
	const char *backlog;		/* "tcp-backlog (redis.conf; 511 unless set)"; NULL: it has no setting */
	const char *descriptors;	/* NULL: none of its own */
	const char *at_once;		/* NULL: none */
	const char *reload;		/* makes it call listen() with the new backlog; NULL: nothing short of a restart */
	const char *undefer;		/* takes TCP_DEFER_ACCEPT off; NULL: none that we know */
};

const struct knob *knob_of(const char *comm);	/* NULL: a program that we do not know */

#endif
