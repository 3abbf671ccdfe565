/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `tcptrace metrics`: numbers of each listener in the formats that Prometheus reads.
 *
 *     model ──rows──▶ one row for each set of labels ──page──▶ a finished text ──http──▶ whoever asks
 *                                                                  └──────▶ --textfile, standard output
 *
 * The loop's thread makes a page, once a second at most; the thread that answers reads finished pages and nothing else.
 * So any number of scrapers see the same numbers, and none of them makes the loop wait.
 */
#ifndef TCPTRACE_METRICS_H
#define TCPTRACE_METRICS_H

#include "../../lib/sized.h"
#include "../../model/figure.h"
#include "../../model/ledger.h"
#include "../view.h"

/* ---- rows.c ---- */

/* Upper bounds of the buckets: 2^N ns, where those of struct hist have one, too. */
#define WAIT_POWERS(X) X(13) X(16) X(19) X(22) X(25) X(28) X(30) X(31) X(32) X(35)
#define WAIT_BUCKETS	10u

struct wait_counts {
	uint64_t below[WAIT_BUCKETS], count, sum_ns;
};

/* What only grows, so that a row can add up what its listeners have gained. Only members of uint64_t. */
struct row_counts {
	uint64_t established, accepted, accept_errors, ghosts;
	uint64_t acceptq_full_ns, synq_full_ns;
	uint64_t cookies_sent, cookies_ok, cookies_bad, synack_retrans;
	uint64_t causes[TCPTRACE_CAUSE_END];
	struct wait_counts acceptq_wait, synq_wait;
};

#define ROW_LABELS	4096u		/* each byte of a hostile name becomes \\x12 */

struct row_key {
	uint8_t laddr[16];
	uint16_t lport;
	char comm[TCPTRACE_COMM_LEN + 1];
	struct proc_place place;
};

struct metrics_row {
	bool used;
	struct row_key key;
	char labels[ROW_LABELS];	/* address="0.0.0.0",port="80",comm="nginx" */
	struct row_counts counts;
	uint64_t gone_ns;		/* since when no listener of it is open; 0: one is */
	/* As the last look found it. */
	uint32_t sockets;		/* open listeners */
	uint32_t incomplete;		/* of these: listener_incomplete() */
	bool limit_known, backlog_known;
	/* Of the fullest one: one full member refuses, while their sum looks harmless. */
	uint32_t acceptq, acceptq_limit, synq, synq_limit;
	int64_t backlog;
	uint32_t acceptq_peak, synq_peak;
	uint64_t oldest_ns;
	bool oldest_known, now_known[2], full_known[2], peak_known[2];	/* 0: accept queue, 1: SYN queue */
};

#define MEMBERS_MAX	SIZED(16384u, 2u)	/* listeners that are counted */
#define OTHER_ROW	0u		/* what finds no row of its own */

struct member;

struct metrics_rows {
	struct metrics_row *row;	/* 1 + max_listeners */
	uint32_t rows, used;		/* used: of its own */
	uint32_t gen;
	struct member *member;
	uint32_t members;
	uint32_t *by_id;		/* hash: index + 1 */
	/* How many there are, of the last look. */
	uint32_t shown, idle, other, uncounted;
	bool waiting;			/* somebody is in a queue */
	bool any;			/* there is a listener, so that known says something: */
	/* What counters are worth now: of the listener of which most is known, and of the one of which least is, if anything. */
	enum known best[FIGURE_MAX], worst[FIGURE_MAX];
};

int rows_init(struct metrics_rows *r, const struct view_metrics *cfg);	/* 0 or -ENOMEM */
void rows_free(struct metrics_rows *r);
/* Looks at all listeners; now_ns: CLOCK_MONOTONIC. */
void rows_look(struct metrics_rows *r, const struct view *v, const struct model *m, uint64_t now_ns);

/* ---- page.c ---- */

enum page_format { PAGE_TEXT, PAGE_OPENMETRICS, PAGE_FORMATS };

struct metrics_page {
	const struct metrics_rows *rows;
	const struct view_metrics *cfg;
	const struct model_totals *totals;
	const struct view_hook *hooks;
	unsigned int nhooks;
	const char *source;		/* "bpf" */
	uint64_t lost, missed;
	bool missed_known;
	bool process;			/* there are numbers of this process: */
	uint64_t start_ns;		/* since the epoch */
	bool ledger_known[LEDGER_MAX];
	int64_t ledger[LEDGER_MAX];	/* kernel minus counted */
};

void page_put(const struct metrics_page *page, enum page_format format, struct out *o);
void label_value(struct out *o, const char *s, size_t max);	/* any bytes; as a label has them, without its quotes */

/* ---- http.c ---- */

struct http;

/* Listens at cfg's address. 0 or -errno; why: a sentence, static. */
int http_open(struct http **out, const struct view_metrics *cfg, const char **why);
int http_start(struct http *h, const char **why);	/* begins to answer: a thread that can do nothing else */
/* What is answered from now on: a file in memory and its size. It keeps a copy of fd. 0 or -errno. */
int http_page(struct http *h, enum page_format format, int fd);
void http_close(struct http *h);

#endif
