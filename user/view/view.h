/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A view: how model events are shown. Adding one is one file with a view_ops
 * and one line in VIEWS below. Views format into a buffer (lib/out.h) that
 * user/run/outfile.c opens for them, and never touch a source.
 */
#ifndef TCPTRACE_VIEW_H
#define TCPTRACE_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "../model/model.h"
#include "../lib/out.h"
#include "../model/finding.h"

struct row;
struct view_hosts;
struct file_host;

enum view_time { VIEW_TIME_NONE, VIEW_TIME_START, VIEW_TIME_WALL };

/* Whose run it is, for a page that is read elsewhere. Strings live as long as the view; NULL: unknown. */
struct view_about {
	const char *host, *kernel;	/* of the machine that was traced */
	const char *command;		/* how tcptrace was called */
	const char *recording;		/* -r: its path */
};

/* A run that answers questions: an experiment of `tcptrace lab`. In English; whoever shows it translates. */
struct view_claim {
	const char *text, *answer;
	const char *verdict, *why;	/* why NULL: nothing to add */
	bool holds;			/* what was measured is what the text says */
};

struct view_lesson {
	const char *name, *question, *setup;
	bool replay;			/* recorded, not measured on this machine */
	const struct view_claim *claims;
	unsigned int nclaims;
};

#define VIEW_SIZE_MIN	(256u << 10)	/* of view_config.max_size */

/* A line of `tcptrace doctor`: how a hook is attached. Strings live until the view is closed; "": nothing to say. */
struct view_hook {
	const char *hook, *target, *mechanism, *why_not_better, *loses;
};

enum { VIEW_LABEL_ADDRESS = 1, VIEW_LABEL_PORT = 2, VIEW_LABEL_COMM = 4, VIEW_LABEL_UNIT = 8, VIEW_LABEL_NS = 16,
       VIEW_LABEL_POD = 32, VIEW_LABEL_CONTAINER = 64, VIEW_LABELS_ALL = 127 };
enum view_histograms { VIEW_HISTOGRAMS_NONE, VIEW_HISTOGRAMS_ACCEPT, VIEW_HISTOGRAMS_BOTH };

/* What `tcptrace metrics` was asked for. */
struct view_metrics {
	bool listens;			/* it answers: */
	uint8_t addr[16];		/* at this address, mapped where it is IPv4; ::, at any */
	uint16_t port;			/* 0: any that is free */
	bool once;			/* one page at the end */
	bool all;			/* listeners without traffic, too */
	unsigned int labels;		/* VIEW_LABEL_* */
	uint32_t max_listeners;		/* rows */
	enum view_histograms histograms;
	uint64_t interval_ns;		/* between two pages of a file */
};

/* The machine that is traced, while it is. */
struct view_machine {
	void *ctx;
	bool (*stats)(void *ctx, uint64_t *lost, uint64_t *missed);	/* as in struct view_end, until now; missed_known */
	/* The kernel's counters of our namespace: LEDGER_MAX numbers, UINT64_MAX unknown. NULL: not all of it is traced. */
	int (*counters)(void *ctx, uint64_t *values);
	uint32_t netns;			/* which that is */
	const struct view_hook *hooks;	/* nhooks */
	unsigned int nhooks;
	const char *source;
};

struct view;

/* What view_config.picks() says of an event. */
enum { PICK_FILTER = 1, PICK_TROUBLE = 2, PICK_LONG = 4 };

/* Of the view conns: --sort. */
enum conns_sort { CONNS_AS_THEY_END, CONNS_IN, CONNS_OUT, CONNS_LIFE, CONNS_RTT, CONNS_RETR, CONNS_WAIT, CONNS_END };

/* Of the views conns and flow: -c; count alone is of both. */
struct conns_config {
	bool all;			/* -a: those that go on, too */
	bool both;			/* --ends: a line for each end where both are here */
	bool wide;			/* --wide */
	enum conns_sort sort;		/* --sort */
	uint64_t first;			/* with --sort -c: so many of each list; 0: all */
	uint64_t count;			/* else with -c: no more than so many; 0: all */
	uint64_t ends_wanted;		/* --end: a bit for each enum life_end; 0: all */
	uint64_t min_ns;		/* --min-ms: it lived or waited for so long; 0: any. Others ask picks() */
	uint64_t min_bytes;		/* --min-bytes, in and out together; 0: any */
};

struct view_config {
	enum view_time time;		/* -t, -T */
	bool no_header;			/* -H */
	bool color;			/* decided by main: terminal and no NO_COLOR */
	bool utf8;
	unsigned int columns;		/* width to fit; 0: unknown; may change while running (SIGWINCH) */
	uint64_t start_ns;		/* CLOCK_MONOTONIC of the first second (-t), 0: the first event */
	int64_t wall_offset_ns;		/* add to t_ns for CLOCK_REALTIME */
	int64_t boot_offset_ns;		/* add to t_ns for CLOCK_BOOTTIME, while live: how long the machine slept */
	bool whole_snapshot;		/* -e exists: each socket that was there before, however many */
	bool quiet;			/* -q: no steps, only what comes at the end */
	struct view *main;		/* into whose file it writes; NULL: it has its own, or is the main view */
	bool csv;			/* --csv: of a view that can, whose lines are JSON or text else */
	bool json;			/* the main view is: what is written into the same file is JSON, too */
	const char *path;		/* of its file; NULL: standard output */
	bool live;			/* no replay */
	bool repeats;			/* a replay that can begin again, and nobody else is listening */
	const struct file_host *recorded;	/* record: of a replay, whose recording it is */
	uint64_t file_bytes;		/* record: -C, -W, as in struct recorder_config */
	unsigned int files;
	bool explain;			/* --explain: a sentence below each event */
	/* flow: called after each row of a ladder, which flow.h has; NULL: nobody asks */
	void (*row)(void *ctx, const struct row *row);
	void *row_ctx;
	uint32_t netns;			/* the only one of the filter; 0: all */
	uint32_t narrows;		/* TCPTRACE_ONLY_*: what the filter leaves of what is captured */
	uint32_t home_netns;		/* of which nothing needs to be said; 0: that of the first event */
	/* Of one that was there all that time. Or NULL, as its answer may be: it has only a number. */
	const char *(*netns_name)(uint32_t netns, uint64_t since_ns, uint64_t until_ns);
	const struct view_about *about;	/* NULL: unknown */
	const struct view_hosts *hosts;	/* recordings of several machines; NULL: of one */
	struct model *const *models;	/* of each of hosts */
	const struct view_lesson *lesson;	/* NULL: it is none */
	bool anonymous;			/* --anonymous: letters instead of addresses */
	uint64_t max_size;		/* --max-size: bytes; 0: the view's own */
	/*
	 * flow: which connections are drawn: those of whose events (of both ends) picks() said all
	 * bits of picks_all. NULL: all.
	 */
	unsigned int (*picks)(void *ctx, const struct model_event *ev);
	void *picks_ctx;
	unsigned int picks_all;
	const struct conns_config *conns;	/* NULL: none of it */
	bool (*picks_listener)(void *ctx, const struct listener *l);	/* with picks_ctx; NULL: all */
	bool (*picks_finding)(void *ctx, const struct finding *f);	/* likewise */
	/* top: */
	uint64_t interval_ns;		/* -i; 0: its own */
	bool batch;			/* -b: no screen, even on a terminal */
	bool trouble;			/* -x */
	const struct machine *machine;	/* what findings ask while it runs; NULL: nothing */
	struct view_metrics metrics;
	const struct view_machine *machine_now;	/* NULL: a replay */
	/* --check: hands a counter to all views that have room for it, as view_ops.ledger */
	void (*ledger)(void *ctx, uint32_t netns, const char *counter, uint64_t kernel, uint64_t counted);
	void *ledger_ctx;
};

/* How far a replay may go, and what then. */
struct view_play {
	uint64_t until_ns;		/* records until that moment, in their own time */
	int wait_ms;			/* 0: on at once; else there is time to sleep, less if something comes */
	bool again;			/* from the beginning: only where cfg.repeats */
};

/* What the run was, for the last lines. */
struct view_end {
	const struct model *model;
	const struct model_totals *totals;
	const struct view_hook *hooks;	/* nhooks of them; none for a recording */
	unsigned int nhooks;
	uint64_t lost, missed, unknown;	/* as in source_stats */
	bool missed_known;
	/* of missed, those of hooks that these events come from; 0: none, or they are not told apart */
	uint64_t (*missed_at)(void *src, uint64_t events);
	void *src;
	uint64_t recorded;		/* records, of a run that does nothing else; 0: it says what it saw */
	const char *mechanisms;		/* "fentry 9, kprobe 2, tracepoint 14" */
	const char *source;		/* "bpf", "kmod", "file" */
	const char *flaw;		/* a sentence: the recording is cut, or a part of it is missing; NULL: none */
};

/* Who opens the file that a view writes to, and when it is there. */
enum view_file {
	VIEW_STREAM,			/* outfile.c: line by line, as it comes */
	VIEW_WHOLE,			/* outfile.c: beside it, renamed when it is complete; mode 0600 */
	VIEW_OWN,			/* the view itself, by cfg.path: its out is NULL */
};

/* Every op may be NULL: then the view does not want that. What goes wrong is kept in v->out->error. */
struct view_ops {
	const char *name;		/* of --out NAME:FILE */
	const char *help;		/* what it writes, for --help; NULL: only a command has it */
	enum view_file file;
	uint64_t events;		/* what it stands on: lib/events.h; 0: all. With steps that is said by -e, -x, -q */
	bool text;			/* lines for people: what a program writes may stand between them */
	bool steps;			/* shows step by step: -e, -x and -q apply to it, -c counts what they leave */
	bool verdict_last;		/* listeners before findings: programs look up what a finding names */
	bool json;			/* it is cfg.json that says whether it writes JSON; else -j means the view json */
	bool hosts;			/* tells apart what several machines recorded */
	bool both_ends;			/* needs the other ends of what a filter names, too */
	int (*open)(struct view *v);			/* header; 0 or -errno */
	void (*begin)(struct view *v);			/* the snapshot is over: from here on everything is seen */
	void (*event)(struct view *v, const struct model_event *ev);
	/* As it came, after its events. passed: one of these is what the user asked to see. 0 or -errno */
	int (*record)(struct view *v, const struct tcptrace_record *rec, bool passed);
	/* In its place, of hooks' records that came together and that passed, where nothing is asked for but recordings. */
	int (*records)(struct view *v, const struct tcptrace_record *const *rec, unsigned int n);
	/* Time passed, while live (CLOCK_MONOTONIC) or by play(): several times a second, also between events; see idle_ns. */
	void (*tick)(struct view *v, const struct model *m, uint64_t now_ns);
	/*
	 * A replay goes as fast as it can, unless a view says how far. Asked before a record that lies beyond what it
	 * said, of the moment next_ns; then comes a tick() of that moment and the question again. 0: the recording is
	 * over; with wait_ms 0 the run is, too.
	 */
	void (*play)(struct view *v, uint64_t next_ns, struct view_play *play);
	/* -i, of a view that has no ticks of its own: what there is by now. NULL: with -q a summary so far is. */
	void (*interval)(struct view *v, uint64_t now_ns);
	bool sweeps;					/* and a sweep comes before, where the machine is traced */
	void (*lost)(struct view *v, uint64_t count, const char *where);
	int (*flush)(struct view *v);			/* VIEW_OWN: 0 or -errno */
	void (*keep)(struct view *v);			/* SIGUSR1: sets aside what there is */
	/* The end of a run, in this order. */
	void (*ending)(struct view *v);			/* all that is wanted has happened; what is on its way still comes */
	void (*finish)(struct view *v);			/* no event will come: what is open ends here */
	void (*finding)(struct view *v, const struct finding *f);	/* see verdict_last */
	void (*listener)(struct view *v, const struct model *m, const struct listener *l);	/* each, by number */
	void (*listeners)(struct view *v, const struct model *m);	/* the same at once, in its own order */
	/* One counter of a namespace by --check: what the kernel says, what was seen. The main view's NULL: it is text there. */
	void (*ledger)(struct view *v, uint32_t netns, const char *counter, uint64_t kernel, uint64_t counted);
	void (*end)(struct view *v, const struct view_end *end);
	int (*close)(struct view *v);			/* 0; -errno: what it wrote itself did not reach the file */
};

struct view {
	const struct view_ops *ops;
	struct view_config cfg;
	struct out *out;
	void *priv;
	uint64_t shown;			/* events; flow: connections; top: tables */
	uint8_t host;			/* whose findings come */
	bool done;			/* its user has seen enough: the run ends */
	uint64_t idle_ns;		/* CLOCK_MONOTONIC: until then it needs no tick, unless a record comes; 0: as ever */
	uint64_t steps;			/* which event() is for, for now: a bit for each event; others may come, too */
	uint32_t looks;			/* that it has had at the lengths of queues: model_longest() begins anew with each */
	uint64_t wants;			/* events beside those of its ops, for now; live */
	bool widened;			/* they come */
	int widen_error;		/* or -errno: why not */
	bool flooded;			/* more than VIEW_FLOOD lines in a second, to a terminal: said once, and at the end */
	bool records;			/* its user wants a recording from here on; live */
	const char *recording;		/* where it goes; NULL: nowhere */
	int record_error;		/* -errno: why there is none, or no more of it; whoever reads it sets it to 0 */
	uint32_t findings;		/* of this host that came, with those of which is only said how many */
	uint32_t ledger_netns;		/* whose counters are being listed */
	const char *remark;		/* a sentence for standard error when it is closed; NULL: none */
	const char *failed;		/* why the run counts as failed because of it, a sentence; NULL: it does not */
};

/* The views of this directory, in the order of --help. Those that need a source are in user/run/views.c. */
#define VIEWS(X) X(table) X(json) X(flow) X(report) X(perfetto) X(top) X(conns) X(metrics) X(csv)
#define VIEW_EXTERN(name) extern const struct view_ops view_##name;
VIEWS(VIEW_EXTERN)
#undef VIEW_EXTERN

int view_open(struct view *v, const struct view_ops *ops, const struct view_config *cfg, struct out *out);
int view_close(struct view *v);		/* as ops->close() */

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
void view_moment(const struct view *v, struct out *o, uint64_t t_ns);	/* 10:23:45.120, local time */

/* What several views say the same way. */
const char *errno_name(int err);		/* of a positive errno: "ECONNREFUSED"; NULL: has no name */
const char *return_errno_name(int32_t ret);	/* of what a call returned, any number; NULL: no error, or one without a name */
/* Which of the two numbers is the limit: "backlog", "somaxconn"; NULL: unknown. */
const char *listener_decides(const struct listener *l);
void view_lost(struct out *o, uint64_t count, const char *where);	/* "lost 12 records of synq-add"; "": of any */
void view_who(struct out *o, const struct owner *who);	/* "nginx[1234]", "[kernel]" */
/*
 * What begins the colour of a step. Red: refused. Magenta: sent again, given up, reset. Both can be read on black, on
 * white and from a projector. NULL: of no other.
 */
const char *trouble_color(unsigned int event, unsigned int cause);
uint64_t view_events(const struct model_totals *t);	/* all that the model handed out */
uint64_t listener_refused(const struct listener *l);	/* all drops */
void summary_listener(struct view *v, const struct model *m, const struct listener *l);
void summary_listeners(struct view *v, const struct model *m);
void summary_finding(struct view *v, const struct finding *f);
void summary_findings_left(struct view *v);	/* that it did not write */
/* " @NAME", of that time, where it is another than the first: up to VIEW_NETNS_MAX bytes at p; gives back where it ends. */
#define VIEW_NETNS_MAX	128u
char *view_put_netns(struct view *v, char *p, uint32_t netns, uint64_t since_ns, uint64_t until_ns);
void summary_ledger(struct view *v, uint32_t netns, const char *counter, uint64_t kernel, uint64_t counted);
void summary_end(struct view *v, const struct view_end *end);
#define VIEW_FLOOD 1000				/* lines a second that nobody reads */
bool view_streams(const struct view *v);	/* a line for each step */
const char *view_flood_hint(void);		/* what shows the same in fewer lines */
/*
 * A replay: when the interval ends that is shown next, if the one at hand ends at end_ns and the next record comes at
 * next_ns. Of those without a record up to 60 are shown; more are one.
 */
uint64_t view_past_gap(uint64_t end_ns, uint64_t interval_ns, uint64_t next_ns);
/* What addresses are called; NULL: as they are. */
struct finding_names {
	void *ctx;
	char *(*addr)(void *ctx, char *p, const uint8_t addr[16]);
	char *(*endpoint)(void *ctx, char *p, const uint8_t addr[16], uint16_t port);
};
/* One part of a finding with {listener}, {who} and its numbers filled in; nothing if it has none. */
void finding_text(const struct view *v, struct out *o, const struct finding *f, enum finding_part part,
		  const struct finding_names *names);
void finding_json(const struct view *v, struct out *o, const struct finding *f, enum finding_part part);	/* quoted */

/* One-shot table of all listeners, like ss -ltn. */
struct listeners_config {
	bool json, csv, no_header, color;
	bool counts;				/* a whole run was seen, not one snapshot: what it counted */
	unsigned int columns;			/* as in struct view_config */
	const char *(*netns_name)(uint32_t netns, uint64_t since_ns, uint64_t until_ns);	/* as in struct view_config */
	bool (*pick)(void *ctx, const struct listener *l);	/* NULL: all */
	void *ctx;
};
void listeners_print(struct out *o, const struct model *m, const struct listeners_config *cfg);

#endif
