/* SPDX-License-Identifier: GPL-2.0-only */
/* Where a program says the backlog that it gives to listen(), and how many descriptors it may have. */
#ifndef TCPTRACE_KNOB_H
#define TCPTRACE_KNOB_H

struct knob {
	const char *comm;		/* name of the process; with a * at its end: what it begins with */
	const char *backlog;		/* "tcp-backlog (redis.conf; 511 unless set)" */
	const char *descriptors;	/* NULL: none of its own */
};

const struct knob *knob_of(const char *comm);	/* NULL: a program that we do not know */

#endif
