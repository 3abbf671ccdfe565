/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The view `report`: one HTML page about a run. While the run goes on, what may be
 * shown in the end is kept, each in a table of fixed size:
 *
 *     graphs.c    both queues of a listener over time (series.c thins them)
 *     connrows.c  a row for each connection
 *     ladders.c   the steps of connections that are over
 *     steps.c     the steps of the replay
 *
 * and when it is over page.c fills in page.html: head.c, cards.c (chart.c, waits.c),
 * table.c, data.c (what page.js reads), method.c. What found no room is counted in
 * report.left and said on the page. All times are CLOCK_MONOTONIC, in ns.
 */
#ifndef TCPTRACE_REPORT_H
#define TCPTRACE_REPORT_H

#include "../../lib/sized.h"
#include "../../lib/tr.h"
#include "../flow.h"
#include "../wanted.h"
#include "choose.h"
#include "series.h"

/* What is kept at most while the run goes on: about 45 MB if all of it is needed. */
#define REPORT_GRAPHS	SIZED(256u, 2u)	/* listeners */
#define REPORT_ROWS	SIZED(16384u, 16u)	/* connections */
#define REPORT_KEPT	SIZED(1000u, 8u)	/* connections with their steps */
#define REPORT_STEPS	SIZED(20000u, 32u)	/* of the replay */
#define REPORT_LEAD	SIZED(5000u, 8u)	/* of these, before the first refusal */
#define REPORT_VERDICTS	SIZED(256u, 8u)
#define REPORT_COUNTERS	SIZED(256u, 8u)	/* of --check */
/* What is shown at most. */
#define REPORT_CARDS	64u
#define REPORT_CONNS	5000u
#define REPORT_LADDERS	500u
#define REPORT_SIZE	(5u << 20)	/* bytes, without --max-size */

#define UNKNOWN		UINT64_MAX	/* of a time or a duration */

/* ---- graphs.c: a listener over time ---- */

#define BINS		SIZED(480u, 24u)

struct bin {
	uint32_t entered, accepted, refused;
};

struct graph {
	uint32_t id;			/* of its listener */
	struct series synq, acceptq;
	struct series limit;		/* of both: listen() may be called again */
	uint64_t bin_ns;		/* width: doubles when the run gets longer than all bins */
	struct bin bins[BINS];
	struct graph *next;		/* hash chain */
};

struct graphs {
	struct graph *by_id[REPORT_GRAPHS];
	unsigned int n;
	uint64_t left;			/* steps of listeners that found no room */
};

void graphs_event(struct graphs *g, const struct model_event *ev, uint64_t from_ns);
struct graph *graphs_find(const struct graphs *g, uint32_t id);	/* or NULL */
void graphs_free(struct graphs *g);

/* ---- conns.c: what became of each connection ---- */

enum outcome {
	CONN_OPEN,			/* it was there before us */
	CONN_IN_SYNQ, CONN_IN_ACCEPTQ,
	CONN_ACCEPTED, CONN_REFUSED, CONN_EXPIRED, CONN_RESET, CONN_LISTENER_CLOSED, CONN_DROPPED,
	CONN_CONNECTING, CONN_CONNECTED, CONN_FAILED, CONN_CLOSED_EARLY,	/* of a client */
};

struct conn_row {
	uint64_t conn;			/* 0: segments that no conn was made for */
	struct tuple tuple;		/* unknown parts are 0 */
	struct owner who;
	uint64_t born_ns, end_ns;	/* UNKNOWN: before us; not over */
	uint64_t synq_in_ns, acceptq_in_ns;	/* when it entered; UNKNOWN */
	uint64_t synq_ns, acceptq_ns, call_ns;	/* durations; UNKNOWN */
	uint32_t listener;		/* 0: none, a client */
	int32_t error;			/* CONN_FAILED: -errno, 0: unknown */
	uint32_t refused;		/* segments */
	uint32_t again;			/* segments sent again */
	uint8_t outcome, cause;
	bool wanted, counted;		/* it, or its other end; among conn_rows.seen, or it had a row before */
	bool reset, closed;		/* by close() */
	bool earlier;			/* another one has its number now */
	uint32_t pair;			/* pairs.c, at the end */
	struct conn_row *next;		/* hash chain */
};

struct conn_rows {
	struct conn_row *rows;		/* n of them, in the order they came */
	struct conn_row **table;	/* by conn, or by the ends of what has none */
	unsigned int n;
	uint64_t seen;			/* that are wanted */
	uint64_t now_ns;		/* of the last event */
	bool thinned;
};

int connrows_init(struct conn_rows *c);
void connrows_free(struct conn_rows *c);
void connrows_event(struct conn_rows *c, const struct model_event *ev, enum wanted wanted);
struct conn_row *connrows_find(const struct conn_rows *c, uint64_t conn);	/* or NULL */
void connrow_step(struct conn_row *row, const struct model_event *ev);	/* connrow.c */
struct candidate conn_candidate(struct conn_row *row, uint64_t now_ns);

/* ---- ladders.c: connections with their steps ---- */

struct ladder {
	struct track *left, *right;	/* either may be NULL */
};

struct ladders {
	struct follow follow;
	struct candidate kept[REPORT_KEPT];	/* what: struct ladder * */
	unsigned int n;
	uint64_t seen, looked_ns;
};

int ladders_init(struct ladders *l);
void ladders_free(struct ladders *l);
void ladders_event(struct ladders *l, const struct conn_rows *c, const struct model_event *ev, unsigned int picks);
void ladders_tick(struct ladders *l, const struct conn_rows *c, uint64_t now_ns);
void ladders_finish(struct ladders *l, const struct conn_rows *c);		/* what is not over yet */

/* ---- steps.c: the replay ---- */

struct step {
	uint64_t t_ns, conn;
	struct tuple tuple;
	uint32_t listener, synq, acceptq, limit;
	int32_t ret;
	uint8_t event, old, new, cause;
	bool has_queues, wanted;
	uint32_t pair;			/* pairs.c, at the end */
};

struct steps {
	struct step *ring;
	uint64_t n, first;		/* steps first .. n - 1 are there, each at its number modulo REPORT_STEPS */
	uint64_t left;			/* that came when it was full */
	bool refused;			/* the first refusal is in it: nothing before it is given up any more */
};

enum place {
	PLACE_SAME, PLACE_CLIENT, PLACE_WIRE, PLACE_SYNQ, PLACE_ACCEPTQ, PLACE_SERVER, PLACE_REFUSED, PLACE_GONE,
	PLACE_LEFT,			/* gone, unless the server has it */
};

int steps_init(struct steps *s);
void steps_free(struct steps *s);
void steps_event(struct steps *s, const struct model_event *ev, enum wanted wanted);
struct step *steps_at(const struct steps *s, uint64_t i);	/* first <= i < n */

/* ---- pairs.c: which two ends are one connection; made when the run is over ---- */

struct pair {
	struct tuple tuple;		/* as the server sees it, if it was seen */
	uint64_t server, client;	/* numbers; 0: not seen */
	struct owner server_who, client_who;
	uint32_t listener;		/* 0: unknown */
	bool wanted;			/* one end is */
	bool shown;			/* it has a step in the replay */
	uint32_t number;		/* among those */
};

struct pairs {
	struct pair *all;
	uint32_t *table;		/* index + 1; 0: empty */
	uint32_t n, mask;
};

int pairs_make(struct pairs *p, struct conn_rows *c, struct steps *s);
void pairs_free(struct pairs *p);

/* ---- names.c: what is said of hosts ---- */

struct names {
	bool anonymous;
	uint8_t (*addr)[16];		/* those that have a letter, in the order of the letters */
	uint32_t *table;		/* index + 1; 0: empty */
	uint32_t n, mask;
};

/* An address, or its letter. Where it ends; PUT_ENDPOINT_MAX */
char *names_addr(struct names *n, char *p, const uint8_t addr[16]);
char *names_endpoint(struct names *n, char *p, const uint8_t addr[16], uint16_t port);
void names_free(struct names *n);

/* ---- the whole ---- */

/* Sentences by number: each is written once, however many steps it explains. */
struct texts {
	const char *all[256];		/* msgids */
	unsigned int n;
};

/* A counter of a namespace, by --check. */
struct ledger_row {
	uint32_t netns;
	const char *counter;
	uint64_t kernel, counted;
};

struct verdict {
	char *part[FINDING_PART_MAX];	/* HTML, malloc'd; empty: it has none */
	uint32_t listener;		/* 0: of none */
};

struct card {
	const struct listener *l;
	struct graph *graph;		/* NULL: none was kept */
	uint64_t refused, full_permille, oldest_ns;
};

struct report {
	struct wanted_pairs wanted;
	struct graphs graphs;
	struct conn_rows conns;
	struct ladders ladders;
	struct steps steps;
	struct pairs pairs;
	struct names names;
	uint64_t from_ns, to_ns;	/* of all events */
	const struct model *model;	/* NULL: there is no listener to show */
	struct card *cards;
	unsigned int ncards, cards_size, cards_shown;
	struct verdict verdicts[REPORT_VERDICTS];
	unsigned int nverdicts;
	uint64_t verdicts_left;
	struct ledger_row ledger[REPORT_COUNTERS];
	unsigned int nledger;
	struct candidate *chosen;	/* rows of the table, in their order */
	unsigned int nchosen;
	unsigned int points;		/* of each chart, at most */
	unsigned int nladders;		/* of ladders.kept, that are shown */
	uint64_t nsteps;		/* of the replay, that may be shown */
	struct row rows[ROWS_MAX];	/* of the ladder at hand */
	struct texts explained;		/* sentences that steps need, by number */
};

int report_choose(struct view *v);		/* choice.c: what is shown, within the size; 0 or -ENOMEM */
/* The sections, in their order. */
void report_page(struct view *v, const struct view_end *end);	/* page.c */
void report_title(struct view *v);		/* head.c */
void report_head(struct view *v, const struct view_end *end);
void report_lesson(struct view *v);		/* lesson.c: of an experiment */
void report_verdict(struct view *v);
void report_cards(struct view *v);		/* cards.c */
void report_conns(struct view *v);		/* table.c */
void report_conn(struct view *v, const struct conn_row *row);
void report_method(struct view *v, const struct view_end *end);	/* method.c */
void report_data(struct view *v, const struct view_end *end);	/* data.c */
void report_ladders(struct view *v);		/* ladderdata.c */
void report_ladder(struct view *v, const struct ladder *one);
void report_explain(struct view *v);
int64_t texts_number(struct texts *t, const char *msgid);	/* -1: of none */
void report_fit_steps(struct view *v, uint64_t bytes);	/* stepdata.c */
void report_steps(struct view *v);

/* chart.c: SVG of a card. */
enum chart_queue { CHART_ACCEPTQ, CHART_SYNQ };
void chart_queue(struct view *v, const struct card *c, enum chart_queue which);
void chart_bins(struct view *v, const struct card *c);
void chart_axis(struct view *v);
void waits_table(struct view *v, const struct hist *h);	/* waits.c */

/* html.c: small things that all sections write. */
void html_text(struct out *o, const char *msgid);		/* translated */
void html_number(struct out *o, uint64_t n);			/* 12,345 */
void html_since(struct out *o, const struct report *r, uint64_t t_ns);	/* µs since the first event */
void html_seconds(struct out *o, const struct report *r, uint64_t t_ns);	/* 12.345678, since it */
void html_duration(struct out *o, uint64_t ns);			/* with its unit; UNKNOWN: - */
void html_who(struct out *o, const struct owner *w);		/* comm[pid], or - */
void script_who(struct out *o, const struct owner *w);	/* as a string of JSON; NULL: empty */
void html_end(struct out *o, struct names *n, const uint8_t addr[16], uint16_t port);
/* Translated, with {1}, {2} ... filled in by the numbers. */
void html_with(struct out *o, const char *msgid, const uint64_t *numbers);
#define html_with_numbers(o, msgid, ...) html_with(o, msgid, (const uint64_t []){ __VA_ARGS__ })

#endif
