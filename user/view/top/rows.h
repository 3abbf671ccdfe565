/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rows of `tcptrace top`: what each listener did between two looks at the model. The model counts; here is only
 * what it had counted at the last look, and the longest that its queues were since.
 */
#ifndef TCPTRACE_TOP_ROWS_H
#define TCPTRACE_TOP_ROWS_H

#include "../../lib/sized.h"
#include "../../model/figure.h"
#include "../view.h"

/* X(SYMBOL, "TITLE", kind, rank, least width, "help"): in their order on the screen; rank 1 stays longest. */
#define TOP_COLUMNS(X)										\
	X(LOCAL,    "LOCAL",	 ADDRESS, 1,  12, N_("address and port of the listener; x4: so many share it"))		\
	X(ACCEPTQ,  "ACCEPTQ",	 BAR,	  2,  7,  N_("accept queue, the most in the interval / its limit"))		\
	X(PEAK,	    "PEAK",	 COUNT,	  4,  5,  N_("the most that waited in the accept queue since the start or 0"))	\
	X(SYNQ,	    "SYNQ",	 LENGTH,  8,  7,  N_("SYN queue, the most in the interval / its limit"))		\
	X(NEW,	    "NEW/s",	 RATE,	  6,  5,  N_("connections that entered the accept queue, a second"))		\
	X(ACC,	    "ACC/s",	 RATE,	  7,  5,  N_("connections that accept() took, a second"))			\
	X(REF,	    "REF/s",	 RATE,	  5,  5,  N_("segments refused, a second"))					\
	X(P99,	    "P99ms",	 MS,	  9,  6,  N_("wait in the accept queue that 99 % did not exceed, of the whole run (ms)")) \
	X(COMM,	    "COMM",	 NAME,	  10,  7,  N_("process that holds the listener"))				\
	X(OLDEST,   "OLDEST",	 MS,	  11, 7,  N_("how long the first in the accept queue has waited (ms)"))		\
	X(P50,	    "P50ms",	 MS,	  12, 6,  N_("the median of the waits (ms)"))					\
	X(FULL,	    "FULL%",	 PERCENT, 13, 5,  N_("share of the interval that the accept queue was full"))		\
	X(COOKIES,  "COOKIES/s", RATE,	  14, 9,  N_("SYN cookies sent, a second"))					\
	X(EXPIRED,  "EXPIRED/s", RATE,	  15, 9,  N_("requests that expired in the SYN queue, a second"))		\
	X(BACKLOG,  "BACKLOG",	 COUNT,	  16, 7,  N_("number given to listen()"))					\
	X(PID,	    "PID",	 COUNT,	  17, 7,  N_("process that holds the listener"))				\
	X(NETNS,    "NETNS",	 COUNT,	  18, 10, N_("network namespace, its inode number"))			\
	X(PLACE,    "PLACE",	 NAME,	  19, 5,  N_("pod, container or unit that it runs in, if any does"))	\
	X(HOST,	    "HOST",	 NAME,	  3, 4,  N_("machine, where there are recordings of several"))

enum top_column {
#define TOP_COLUMN_ENUM(sym, title, kind, rank, width, help) TOP_##sym,
	TOP_COLUMNS(TOP_COLUMN_ENUM)
#undef TOP_COLUMN_ENUM
	TOP_COLUMN_MAX
};

enum top_kind { TOP_IS_ADDRESS, TOP_IS_BAR, TOP_IS_COUNT, TOP_IS_LENGTH, TOP_IS_RATE, TOP_IS_MS, TOP_IS_NAME,
		TOP_IS_PERCENT };

struct top_column_info {
	const char *title, *help;	/* help in English, marked for translation */
	enum top_kind kind;
	unsigned int rank, width;
};
extern const struct top_column_info top_columns[TOP_COLUMN_MAX];

#define TOP_SORT_TROUBLE	TOP_COLUMN_MAX	/* the order at the start */

enum top_mark { TOP_IDLE, TOP_BUSY, TOP_NEAR, TOP_TROUBLE };

#define TOP_PLACE_MAX	48u

struct top_value {
	uint64_t n;			/* RATE: how many in the interval; MS: ns; PERCENT: ns of the interval */
	enum known known;
};

struct top_row {
	uint32_t id;			/* of the listener; of several at its address, of the worst */
	uint8_t host;			/* whose */
	const char *host_name;		/* NULL: there is but one */
	uint32_t members;		/* open ones that this row stands for; 0: it was closed in the interval */
	bool shown;			/* by the filter: those that are come first */
	enum top_mark mark;
	uint64_t fill;			/* of the fuller queue, per mille of its limit */
	uint8_t laddr[16];
	uint16_t lport;
	uint32_t netns, device, pid, limit;
	bool limit_known;
	uint64_t interval_ns;		/* that the rates span; 0: none yet */
	char comm[TCPTRACE_COMM_LEN + 1];
	char place[TOP_PLACE_MAX + 1];	/* the beginning of its name */
	struct top_value value[TOP_COLUMN_MAX];		/* LOCAL, COMM and PLACE have none */
};

#define TOP_SEATS	SIZED(131072u, 64u)	/* twice what the model holds; a power of two */
#define TOP_WAITS_MAX	4096u		/* so many that wait are looked at one by one */

/* Of one listener. Two whose numbers share a seat take it from each other: their rates are unknown, never wrong. */
struct top_seat {
	uint32_t id;			/* 0: nobody's */
	uint32_t acceptq_peak;		/* since the peaks were reset */
	bool counted;			/* before holds what the model said at the last look */
	bool closed;			/* and was shown as such */
	struct top_counts { uint64_t established, accepted, refused, cookies, expired, full_ns; } before;
};

struct top_rows {
	struct top_seat *seat;		/* TOP_SEATS of them */
	uint64_t looked_ns, interval_ns;	/* when the rows were made, and what they span; 0: no interval yet */
	/* Of the listeners of each machine at the last look: later ones have counted nothing before. */
	uint32_t last_id[MODEL_HOSTS];
	bool reset;			/* the peaks are those since reset_ns */
	uint64_t reset_ns;
	uint64_t least_ns;		/* a shorter interval says nothing: rates are unknown, and it goes on */
	bool first;			/* no interval is over: all that was counted is of this one */
	struct top_row *row;
	unsigned int n, nshown, size;
	unsigned int open;		/* listeners there are, shown or not */
	struct top_value rate;		/* of new connections, of all rows */
	/* What is shown, and how. */
	enum top_column sort;		/* or TOP_SORT_TROUBLE */
	bool inverted, unfolded, trouble, active;	/* active: idle ones are hidden */
	bool listed;			/* as the model lists them, for -j: neither ordered nor joined */
	char filter[64];
};

int top_rows_open(struct top_rows *t);		/* 0 or -ENOMEM */
void top_rows_close(struct top_rows *t);
void top_rows_forget(struct top_rows *t);	/* what was counted; how it is shown stays */
/* Counting began then: at the first record, or when the hooks were attached. */
void top_rows_begin(struct top_rows *t, uint64_t now_ns);
/* Makes the rows anew, of the model of each machine. cfg: picks_listener says which listeners. Without memory there are fewer. */
void top_rows_look(struct top_rows *t, const struct model *const *m, const struct view_config *cfg, uint64_t now_ns);
void top_rows_order(struct top_rows *t);	/* the same rows, in the order of t->sort, filtered anew */
void top_rows_reset(struct top_rows *t);	/* peaks */
void top_columns_help(struct out *o);		/* --help-fields */

#endif
