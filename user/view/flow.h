/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ladder's own words. A *track* is what one end of a connection did, step by
 * step; two tracks whose ends are each other's are joined. A *row* is one line of
 * the ladder, an *arrow* a segment that the step of this row proves.
 */
#ifndef TCPTRACE_FLOW_H
#define TCPTRACE_FLOW_H

#include "../lib/sized.h"
#include "view.h"

#define TRACKS	SIZED(2048u, 8u)	/* ends of connections followed at once */
#define TRACK_HEAD	SIZED(40u, 6u)	/* steps kept of each: its first ... */
#define TRACK_TAIL	SIZED(40u, 6u)	/* ... and its last */

/* What is kept of a model event: it is gone after the callback. */
struct flow_step {
	uint64_t t_ns, dur_ns;		/* dur 0: unknown */
	uint32_t synq, acceptq, limit;
	int32_t ret, fd;
	uint8_t event, old, new, cause, flags;
	bool has_queues, request;
};

struct track {
	uint64_t conn;			/* number, 0: segments that no conn was made for */
	uint64_t isn;			/* pair_isn(); 0: unknown */
	uint8_t host;			/* whose recording it is in */
	struct tuple tuple;		/* unknown parts are 0 */
	struct owner who;
	uint64_t last_ns;
	uint64_t nsteps;
	uint32_t limit;			/* of the listener */
	bool server, limit_known;
	bool connects;			/* it is a connection, not only a socket */
	bool answered;			/* a client's: its SYN was */
	bool midway;			/* began before us */
	bool ended, gone;		/* in CLOSE or TIME_WAIT; its socket is no more */
	bool weak;			/* alone it is not worth a ladder */
	unsigned int picks;		/* what view_config.picks said so far */
	struct track *peer;
	struct track *prev, *next;	/* in order of age; free ones: next */
	struct track *next_conn, *next_pair, *next_isn;	/* hash chains */
	bool paired;			/* in the table by tuple */
	struct flow_step head[TRACK_HEAD], tail[TRACK_TAIL];
};

/* ---- tracks.c: which tracks there are ---- */

#define FOLLOW_BUCKETS	SIZED(4096u, 8u)

struct follow {
	struct track *tracks, *free;
	struct track *oldest, *newest;
	struct track *by_conn[FOLLOW_BUCKETS], *by_pair[FOLLOW_BUCKETS], *by_isn[FOLLOW_BUCKETS];
	uint64_t refused;		/* connections that found no room */
	uint64_t refused_conn[MODEL_HOSTS];	/* the last of them: what is older and not here stays away */
	unsigned int picks_all;		/* a track without all of these may make room */
	bool midway;			/* a track may begin with any step: what came before is not known */
	bool patient;			/* the other end may come later, from another machine */
};

int follow_init(struct follow *f);
void follow_free(struct follow *f);
void follow_drop(struct follow *f, struct track *t);
bool follow_wanted(const struct follow *f, const struct track *t);	/* it, or its peer: to be drawn */
struct track *track_new(struct follow *f);				/* NULL: no room, counted */
void track_set_conn(struct follow *f, struct track *t, uint64_t conn);
void track_set_tuple(struct follow *f, struct track *t, const struct tuple *ends);
struct track *track_by_conn(struct follow *f, uint64_t conn);
void track_set_isn(struct follow *f, struct track *t, uint64_t isn);
/* With these ends: of refused segments, which has no conn yet; gone: of a conn that is no more. */
struct track *track_connless(struct follow *f, const struct tuple *key, uint8_t host, bool gone);
struct track *track_peer(struct follow *f, const struct track *t);	/* its other end, not joined yet */

/* ---- follow.c: what events do to them ---- */

/* The track of an event; begins one where the event is a beginning. NULL: of no connection, or no room. */
struct track *follow_event(struct follow *f, const struct model_event *ev);
void follow_step(struct track *t, const struct model_event *ev);
/* Is it over for good, with its peer, or does it seem so because nothing has happened for long? */
bool follow_over(const struct follow *f, const struct track *t, uint64_t now_ns);

/* ---- segment.c: what the steps prove ---- */

enum segment { SEG_NONE, SEG_SYN, SEG_SYNACK, SEG_ACK, SEG_FIN, SEG_RST, SEG_DATA };
enum row_kind { ROW_STEP, ROW_ENTERED, ROW_SECOND, ROW_GAP };

struct row {
	uint64_t t_ns;
	const struct flow_step *step;
	uint8_t side;			/* 0: left, 1: right */
	uint8_t kind;			/* ENTERED: the call of this step began; SECOND: its second segment */
	uint8_t segment;
	bool arrives;			/* else it departs */
	bool again;			/* sent again */
	bool half;			/* the other half is another row */
};

#define ROWS_MAX	(4 * (TRACK_HEAD + TRACK_TAIL) + 8)

/* Fills rows in the order of time, with their arrows; returns how many. */
unsigned int flow_rows(struct row *rows, const struct track *left, const struct track *right);

/* ---- rowtext.c, ladder.c: how it looks ---- */

void flow_row_text(char *s, size_t size, const struct row *r);	/* in the column of its side */

/* left or right may be NULL: that end was not seen here. */
void ladder_draw(struct view *v, struct row *rows, const struct track *left, const struct track *right);

#endif
