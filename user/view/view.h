/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A view: how model events are shown. Adding one is one file with a view_ops
 * and one line in the table of view.c. Views format into one buffer (lib/out.h)
 * and never touch a source.
 */
#ifndef TCPTRACE_VIEW_H
#define TCPTRACE_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "../model/model.h"
#include "../lib/out.h"
#include "../model/finding.h"

struct row;

enum view_time { VIEW_TIME_NONE, VIEW_TIME_START, VIEW_TIME_WALL };

struct view_config {
	enum view_time time;		/* -t, -T */
	bool no_header;			/* -H */
	bool color;			/* decided by main: terminal and no NO_COLOR */
	bool utf8;
	unsigned int columns;		/* width to fit; 0: 100; may change while running (SIGWINCH) */
	uint64_t start_ns;		/* CLOCK_MONOTONIC of the first second (-t), 0: the first event */
	int64_t wall_offset_ns;		/* add to t_ns for CLOCK_REALTIME */
	bool explain;			/* --explain: a sentence below each event */
	/* flow: called after each row of a ladder, which flow.h has; NULL: nobody asks */
	void (*row)(void *ctx, const struct row *row);
	void *row_ctx;
	/*
	 * flow: which connections are drawn: those of whose events (of both ends) picks() said all
	 * bits of picks_all. NULL: all.
	 */
	unsigned int (*picks)(void *ctx, const struct model_event *ev);
	void *picks_ctx;
	unsigned int picks_all;
};

/* What the run was, for the last lines. */
struct view_end {
	const struct model_totals *totals;
	uint64_t lost, missed, unknown;	/* as in source_stats */
	const char *mechanisms;		/* "fentry 9, kprobe 2, tracepoint 14" */
	const char *source;		/* "bpf", "kmod", "file" */
};

struct view;

struct view_ops {
	const char *name;
	int (*open)(struct view *v);			/* header; 0 or -errno */
	void (*event)(struct view *v, const struct model_event *ev);
	/* time passed (CLOCK_MONOTONIC) without an event, while live; NULL: of no interest */
	void (*tick)(struct view *v, uint64_t now_ns);
	void (*lost)(struct view *v, uint64_t count, const char *where);
	void (*listener)(struct view *v, const struct model *m, const struct listener *l);	/* summary */
	void (*finding)(struct view *v, const struct finding *f);
	/* one counter of a namespace: what the kernel says, what was seen */
	void (*ledger)(struct view *v, uint32_t netns, const char *counter, uint64_t kernel, uint64_t counted);
	void (*end)(struct view *v, const struct view_end *end);
	void (*close)(struct view *v);
};

struct view {
	const struct view_ops *ops;
	struct view_config cfg;
	struct out *out;
	void *priv;
	uint64_t shown;			/* events; flow: connections */
	uint32_t ledger_netns;		/* whose counters are being listed */
};

extern const struct view_ops view_table, view_json, view_flow;

const struct view_ops *view_by_name(const char *name);	/* "table", "json", "flow"; or NULL */
int view_open(struct view *v, const char *name, const struct view_config *cfg, struct out *out);
void view_close(struct view *v);
void flow_finish(struct view *v);	/* of view_flow: draws what is not over yet */

/* Wall clock of an event; the text of the last second is kept (strftime costs more than the line). */
struct view_clock {
	int64_t from_ns;		/* when that second began, since the epoch */
	unsigned int len;		/* 0: none yet */
	char text[PUT_SLACK];
};
/* "2026-11-23T05:10:42.123456789Z": 30 bytes and PUT_SLACK; where it ends */
char *view_rfc3339(struct view_clock *clock, char *p, int64_t real_ns);
/* "05:10:42.123456", local time */
char *view_hhmmss(struct view_clock *clock, char *p, int64_t real_ns);

/* What several views say the same way. */
const char *errno_name(int err);		/* of a positive errno: "ECONNREFUSED"; NULL: has no name */
/* Which of the two numbers is the limit: "backlog", "somaxconn"; NULL: unknown. */
const char *listener_decides(const struct listener *l);
uint64_t view_events(const struct model_totals *t);	/* all that the model handed out */
uint64_t listener_refused(const struct listener *l);	/* all drops */
void summary_listener(struct view *v, const struct model *m, const struct listener *l);
void summary_finding(struct view *v, const struct finding *f);
void summary_ledger(struct view *v, uint32_t netns, const char *counter, uint64_t kernel, uint64_t counted);
void summary_end(struct view *v, const struct view_end *end);
/* A finding's sentence or advice with {listener}, {who} and its numbers filled in. */
void finding_text(struct out *o, const struct finding *f, const char *text);
void finding_json(struct out *o, const struct finding *f, const char *text);	/* as a JSON string */

/* One-shot table of all listeners, like ss -ltn. */
struct listeners_config {
	bool json, no_header, color;
	bool counts;				/* a whole run was seen, not one snapshot: what it counted */
	bool (*pick)(void *ctx, const struct listener *l);	/* NULL: all */
	void *ctx;
};
void listeners_print(struct out *o, const struct model *m, const struct listeners_config *cfg);

#endif
