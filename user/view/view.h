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

enum view_time { VIEW_TIME_NONE, VIEW_TIME_START, VIEW_TIME_WALL };

struct view_config {
	enum view_time time;		/* -t, -T */
	bool no_header;			/* -H */
	bool color;			/* decided by main: terminal and no NO_COLOR */
	bool utf8;
	unsigned int columns;		/* width to fit; 0: 100 */
	uint64_t start_ns;		/* CLOCK_MONOTONIC of the first second (-t), 0: the first event */
	int64_t wall_offset_ns;		/* add to t_ns for CLOCK_REALTIME */
	const char *lang;		/* --explain: NULL: off */
};

/* What the run was, for the last lines. */
struct view_end {
	const struct model_totals *totals;
	uint64_t lost, missed;
	const char *mechanisms;		/* "fentry 9, kprobe 2, tracepoint 14" */
	const char *source;		/* "bpf", "kmod", "file" */
};

struct view;

struct view_ops {
	const char *name;
	int (*open)(struct view *v);			/* header; 0 or -errno */
	void (*event)(struct view *v, const struct model_event *ev);
	void (*lost)(struct view *v, uint64_t count, const char *where);
	void (*listener)(struct view *v, const struct model *m, const struct listener *l);	/* summary */
	void (*end)(struct view *v, const struct view_end *end);
	void (*close)(struct view *v);
};

struct view {
	const struct view_ops *ops;
	struct view_config cfg;
	struct out *out;
	void *priv;
	uint64_t shown;			/* events */
};

extern const struct view_ops view_table, view_json;

#endif
