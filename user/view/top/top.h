/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The view `top`, as its files see it. rows.c samples the model; list.c, listener.c, steps.c and help.c write text into
 * a page; screen.c puts together what is shown and keys.c says what a key does; play.c keeps the time of a replay;
 * terminal.c alone knows curses. Without a terminal batch.c prints the first screen at each interval.
 */
#ifndef TCPTRACE_TOP_H
#define TCPTRACE_TOP_H

#include "../../lib/events.h"
#include "../flow.h"
#include "cell.h"
#include "page.h"
#include "rows.h"
#include "terminal.h"

#define TOP_INTERVAL_NS		1000000000ull	/* unless -i says another */
#define TOP_STEPS		EVENT_BIT(DROP)	/* of a screen, live, while no listener is open: who is refused */
#define TOP_FINDINGS		16u		/* kept for the screen, the costliest */
#define TOP_FINDING_TEXT	1500u
#define TOP_CONNS		1024u		/* of one listener, the last; a power of two */
#define TOP_REFUSED		256u		/* refused segments, of all listeners, the last */

struct top_findings {
	uint64_t made_ns;		/* they look at every listener and conn: not each time */
	unsigned int n;
	struct { uint32_t listener; char text[TOP_FINDING_TEXT]; } one[TOP_FINDINGS];
};

/* Who was refused last, for the screen of a listener. */
struct top_refused {
	uint64_t t_ns;
	uint32_t listener;
	uint16_t rport;
	uint8_t raddr[16], cause;
};

/* A conn of the listener that is looked at (of a replay: of any), as of its last step. */
struct top_conn {
	uint64_t id;			/* 0: none */
	uint32_t listener;
	uint64_t since_ns;		/* in this queue, or (taken by accept()) since its SYN; 0: unknown */
	uint64_t waited_ns, ended_ns;	/* 0: unknown; it goes on */
	enum top_where { TOP_IN_ACCEPTQ, TOP_IN_SYNQ, TOP_TAKEN } where;
	uint8_t raddr[16], state;
	uint16_t rport;
	uint32_t pid;
	char comm[TCPTRACE_COMM_LEN + 1];
};

enum top_screen { TOP_LIST, TOP_LISTENER, TOP_LADDER, TOP_HELP, TOP_SORT };

/* What is followed while a listener is open on the screen. */
struct top_open {
	uint32_t listener;		/* 0: none is */
	uint16_t lport;
	uint64_t conn;			/* whose ladder is shown */
	struct follow *follow;
	struct top_conn conns[TOP_CONNS];	/* by their number */
	struct top_conn unlisted;	/* whose place the selected one has */
	unsigned int remote;		/* columns of the longest address so far */
	struct row rows[ROWS_MAX];
};

/* A replay on a screen. */
struct top_play {
	uint64_t at_ns, real_ns;	/* the moment shown, and when it was (CLOCK_MONOTONIC) */
	uint64_t heard_ns;		/* when the last record came, as real_ns */
	int speed;			/* 2^speed times as fast */
	bool paused, step, ended, summed;
	bool again;			/* it is to begin again, and */
	uint64_t seek_ns;		/* to go on until there at once, by intervals; 0: nowhere */
};

struct top {
	struct view *v;
	const struct model *models[MODEL_HOSTS];	/* of each machine; set by each tick */
	unsigned int nmodels;
	struct top_rows rows;
	struct top_findings findings;
	struct top_layout layout;
	struct page page;		/* what is shown */
	struct page doc;		/* of screens that are longer: what can be scrolled */
	uint64_t interval_ns;
	uint64_t begun_ns;		/* when the run began, in the time of its records; 0: not yet */
	uint64_t next_ns;		/* when the rows are to be made again */
	uint64_t now_ns;		/* of the last tick */
	unsigned int scrolled;		/* columns left out at the left */
	unsigned int rotated;		/* findings shown before these */
	bool wide;			/* addresses whole */

	/* Of a screen. */
	struct top_term *term;		/* NULL: there is none */
	enum top_screen screen, behind;	/* behind: of help and sort menu, what comes back */
	bool ends_seen;			/* transitions are: what is known of a conn after accept() */
	bool left;			/* there was one, and it is as it was */
	bool frozen, typing, dirty, due;	/* due: the model is to be looked at, whatever the time */
	bool explain, follows;		/* of the ladder */
	struct top_row selected;	/* the row last selected; id 0: the first */
	uint64_t selected_conn;
	unsigned int at, first;		/* the selected line, and the first shown: of rows, or of doc */
	unsigned int choices, first_choice;	/* lines of doc that can be selected: so many, from there on */
	char search[64];		/* in the ladder */
	char recording[64];		/* as the last message has it; "": none */
	char message[192];
	uint64_t message_ns, drawn_ns, keyed_ns;	/* CLOCK_MONOTONIC */
	uint64_t refused;		/* so many went into last_refused */
	struct top_refused last_refused[TOP_REFUSED];
	struct top_open open;
	struct top_play play;
};

/* ---- list.c: the first screen ---- */

void top_findings_look(struct top *t, uint64_t now_ns);
/* How much there is, and where from; state: a word or two more, or NULL */
void top_put_header(struct top *t, const char *state);
void top_put_findings(struct top *t, unsigned int max);
unsigned int top_local_max(const struct top *t);	/* columns of an address; 0: whole */
void top_put_titles(struct top *t);
void top_put_row(struct top *t, const struct top_row *r, bool selected);

/* ---- batch.c ---- */

void top_look(struct top *t, uint64_t now_ns);
void top_header(struct top *t);		/* of CSV, unless it is there */
void top_batch(struct top *t, uint64_t now_ns);

/* ---- listener.c: the second screen, into doc ---- */

int top_listener_open(struct top *t, uint32_t id);	/* 0; -errno: it is not there */
void top_listener_forget(struct top *t);		/* what it did: it stays open */
void top_listener_close(struct top *t);
void top_listener_event(struct top *t, const struct model_event *ev);
void top_listener_put(struct top *t);
uint64_t top_listener_conn(const struct top *t, unsigned int choice);	/* whose line it is */

/* ---- steps.c: the third, the ladder of open.conn ---- */

int top_steps_open(struct top *t);		/* 0 or -ENOMEM; again: nothing */
void top_steps_close(struct top *t);
void top_steps_event(struct top *t, const struct model_event *ev);
void top_steps_put(struct top *t);

/* ---- help.c ---- */

void top_help_put(struct top *t);
void top_sort_put(struct top *t);

/* ---- play.c ---- */

void top_play_ask(struct top *t, uint64_t next_ns, struct view_play *play);
void top_play_speed(struct top *t, int by);
void top_play_back(struct top *t);		/* to the interval before */
const char *top_play_state(const struct top *t, char text[64]);

/* ---- screen.c, keys.c ---- */

void top_screen_tick(struct top *t, uint64_t now_ns);
void top_show(struct top *t, enum top_screen screen);	/* changes to it */
void top_say(struct top *t, const char *text);		/* in the last line, for a while */
unsigned int top_body_rows(const struct top *t);	/* of the terminal, that scroll */
void top_key(struct top *t, int key);
void top_save(struct top *t);

#endif
