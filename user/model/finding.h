/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Findings: what is wrong, in one sentence each, with the evidence and what to
 * change. Each is one row of a table: a condition, a sentence, an advice.
 */
#ifndef TCPTRACE_FINDING_H
#define TCPTRACE_FINDING_H

#include "model.h"

#define FINDING_SLOW_NS		100000000ull	/* waiting in the accept queue longer than this is long */
#define FINDING_CLOSE_WAIT	10		/* so many of one process are a pile */
#define FINDING_VALUES		6

/* A number of the evidence: {key} in sentence and advice stands for it. */
struct finding_value {
	const char *key;
	uint64_t number;
	bool is_ns;				/* shown in milliseconds */
};

struct finding {
	const char *id;				/* "acceptq-backlog": stable, for JSON and tests */
	const struct listener *listener;	/* whom it is about, or NULL */
	const struct owner *who;		/* the process, or NULL */
	const char *sentence, *advice;		/* with {listener}, {who} and the keys of the values */
	struct finding_value value[FINDING_VALUES];	/* ends at key NULL */
};

typedef void (*finding_fn)(void *ctx, const struct finding *f);

/* Calls fn for each finding, most serious first within a listener. */
void findings(const struct model *m, finding_fn fn, void *ctx);

#endif
