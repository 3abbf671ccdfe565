/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Findings: what is wrong, one for each cause. The cause comes first, with the
 * process that can change it; then what it cost the clients, what was seen, and
 * what to do. Nothing is stated that was not seen: a condition asks model_seen().
 */
#ifndef TCPTRACE_FINDING_H
#define TCPTRACE_FINDING_H

#include "machine.h"
#include "model.h"

#define FINDING_SLOW_NS		100000000ull	/* waiting in the accept queue longer than this is long */
#define FINDING_CLOSE_WAIT	10		/* so many of one process, or of one name, are a pile */
#define FINDING_VALUES		40
#define FINDING_PARTS		40

enum finding_unit {
	FINDING_NUMBER,
	FINDING_SPAN,				/* ns */
	FINDING_MOMENT,				/* CLOCK_MONOTONIC, ns */
	FINDING_ERRNO,
	FINDING_STATE,				/* of a process: its letter */
	FINDING_ADDRESS,
	FINDING_WORDS,				/* a phrase of ours */
};

/* A number of the evidence: {key} in the texts stands for it, {key:noun} for "1 noun" or "2 nouns". */
struct finding_value {
	const char *key;
	enum finding_unit unit;
	bool least;				/* a lower bound */
	uint64_t number;
	union {
		const uint8_t *addr;		/* 16 bytes that live as long as the model */
		const char *words;
	};
};

enum finding_part {
	FINDING_CAUSE,				/* JSON: "sentence" */
	FINDING_COST,				/* what it cost the clients */
	FINDING_SEEN,				/* what else was seen */
	FINDING_ADVICE,
	FINDING_PART_MAX
};

struct finding {
	const char *id;				/* "acceptq-backlog": stable, for JSON and tests */
	const struct listener *listener;	/* whom it is about, or NULL */
	struct owner who;			/* the process that can change it; pid 0: not known */
	uint32_t netns;				/* 0: of several, or not known */
	uint16_t lport, rport;			/* without a listener: of what was counted; 0: of any */
	uint8_t family;				/* likewise */
	bool of_process;			/* what it does itself, at all of its listeners alike; who is the only one */
	bool apart;				/* not all of `same` have this listener's address */
	uint32_t same;				/* other listeners, or programs, of which the same holds */
	uint64_t cost_ns;			/* time of clients, by which findings are in order */
	struct finding_value value[FINDING_VALUES];	/* ends at key NULL */
	/*
	 * Pieces of text in their order, those of one part make one paragraph; with {listener}, {who} and the
	 * keys of the values. Ends at text NULL.
	 */
	struct {
		enum finding_part part;
		const char *text;
	} said[FINDING_PARTS];
};

typedef void (*finding_fn)(void *ctx, const struct finding *f);
typedef bool (*finding_wanted_fn)(void *ctx, const struct finding *f);

/*
 * Calls fn for each finding, that which cost most first. machine NULL: a replay. What wanted (NULL: all) does not want is
 * none of those that are counted or left out beside others.
 */
void findings(const struct model *m, const struct machine *machine, finding_wanted_fn wanted, finding_fn fn, void *ctx);

#endif
