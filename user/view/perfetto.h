/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The view `perfetto`, written as it goes:
 *
 *     perfetto.c		which event says what: counters, slices, calls
 *     perfettolane.c	the lanes of a listener, in which its connections lie
 *     perfettopacket.c	packets, by libprotobuf-c over perfetto.proto
 */
#ifndef TCPTRACE_PERFETTO_H
#define TCPTRACE_PERFETTO_H

#include "wanted.h"

#define PERFETTO_NAME	128u		/* bytes of a name, its NUL included */

/* ---- perfettopacket.c: each writes one packet into v->out ---- */

enum track_kind { TRACK_GROUP, TRACK_SLICES, TRACK_COUNTER, TRACK_PROCESS, TRACK_THREAD };

struct perfetto_track {
	enum track_kind kind;
	uint64_t uuid, parent;		/* parent 0: none */
	const char *name;
	uint32_t pid, tid;		/* of processes and threads */
	int rank;			/* among its siblings */
};

struct perfetto_note {			/* of an event; ends with key NULL */
	const char *key, *text;		/* text NULL: the number */
	uint64_t number;
};

struct perfetto_event {
	uint64_t t_ns, track;
	const char *name;
	uint64_t flow;			/* begins or goes on here; 0: none */
	uint64_t flow_end;		/* ends here; 0: none */
	const struct perfetto_note *notes;	/* NULL: none */
};

void perfetto_clock(struct view *v, uint64_t t_ns);	/* first of all: which clocks say what at t_ns */
void perfetto_track(struct view *v, const struct perfetto_track *t);
void perfetto_begin(struct view *v, const struct perfetto_event *e);
void perfetto_end(struct view *v, uint64_t t_ns, uint64_t track);
void perfetto_instant(struct view *v, const struct perfetto_event *e);
void perfetto_count(struct view *v, uint64_t t_ns, uint64_t track, int64_t value);

/* ---- perfettolane.c ---- */

#define LANES		64u		/* of a listener: connections drawn at once */
#define LANE_LISTENERS	256u

enum stage { STAGE_NONE, STAGE_SYNQ, STAGE_ACCEPTQ, STAGE_OPEN, STAGE_CLOSING };

struct lane {
	uint64_t conn;			/* 0: free */
	uint64_t last_ns;		/* nothing in it may begin before */
	uint64_t queued;		/* whose slice of the accept queue was the last in it; it may be gone */
	enum stage stage;
	bool known;			/* its track was written */
};

struct lanes {
	uint32_t id;			/* of the listener */
	uint64_t uuid;
	uint32_t synq, acceptq, limit;	/* as last written */
	bool counted;			/* they were written */
	uint64_t left;			/* connections that found no lane */
	struct lane lane[LANES];
	struct lanes *next;		/* hash chain */
};

struct lanes_table {
	struct lanes *by_id[LANE_LISTENERS];
	unsigned int n;
	uint64_t left;			/* steps of listeners that found no room */
};

/* Of l; the first time its tracks are written. NULL: no room. */
struct lanes *lanes_of(struct view *v, struct lanes_table *t, const struct listener *l);
/* Children of a listener's track: counters by name, and where refusals are. */
enum { LANES_ACCEPTQ = 1, LANES_SYNQ, LANES_LIMIT, LANES_REFUSED, LANES_FIRST };
uint64_t lanes_track(const struct lanes *s, unsigned int child);
/*
 * Brings a connection into a stage, and what it was in to an end. A new one gets a lane where there is one. flow_end: of
 * the arrow that leads here; 0: none. False: it was there already, or has no lane.
 */
bool lanes_stage(struct view *v, struct lanes *s, const struct model_event *ev, enum stage stage, uint64_t flow_end);
void lanes_gone(struct view *v, struct lanes *s, const struct model_event *ev);	/* the connection is over */
uint64_t lanes_flow(const struct lanes *s, uint64_t conn);	/* from its accept queue to accept(); 0: no arrow begins there */
void lanes_free(struct lanes_table *t);

#endif
