/* SPDX-License-Identifier: GPL-2.0-only */
/* One run of one lab, from its first record to its verdicts. */
#ifndef TCPTRACE_LAB_RUN_H
#define TCPTRACE_LAB_RUN_H

#include "../lib/out.h"
#include "../options.h"
#include "lab.h"

#define LAB_CLAIMS	12
#define LAB_EVIDENCE	40

struct evidence {
	char key[40];
	int64_t value;
};

struct claim {
	const char *text, *why;		/* msgids; why may be NULL */
	enum verdict verdict;
	enum sentence sentence;
	bool holds;
	char answer[512];
	struct evidence evidence[LAB_EVIDENCE];
	unsigned int nevidence;
};

struct lab_run {
	const struct lab *lab;
	const struct options *o;
	struct model *model;
	struct board *board;		/* of the stage; NULL in a replay */
	struct tcptrace_record *records;
	struct lab_event *events;
	size_t nrecords, records_size, nevents, events_size;
	struct fact facts[STAGE_FACTS];
	unsigned int nfacts;
	struct claim claims[LAB_CLAIMS];
	unsigned int nclaims;
	uint64_t lost;
	char kernel[33];		/* of a replay: whose; empty: unknown */
	int64_t wall_offset_ns;		/* of a replay, to CLOCK_REALTIME; 0: unknown */
	/* of a run that is looked at while it goes on: each event; now and then, non-zero ends it */
	void (*seen)(void *ctx, const struct model_event *ev);
	int (*tick)(void *ctx, struct stage *s);
	void *ctx;
	bool replay;
	bool ok;			/* every claim holds and nothing is missing */
	bool skipped;			/* cannot be run here; why is in error */
	char error[400];		/* the first thing that is missing */
};

/* judge.c */
__attribute__((format(printf, 2, 3)))
void lab_wrong(struct lab_run *r, const char *fmt, ...);	/* not ok, and why if it is the first */
struct lab_event lab_event_of(const struct model_event *ev);

/* capture.c: 0, or -errno with r->error set; -EINTR: a signal came. */
int lab_take(struct lab_run *r, const struct tcptrace_record *rec);	/* one record more */
int lab_capture(struct lab_run *r, struct options *o);

/* replay.c: recordings that ship with the program. */
int lab_load(struct lab_run *r);
int lab_load_bytes(struct lab_run *r, const char *begin, const char *end);
int lab_save(const struct lab_run *r, const char *path);

/* show.c, showjson.c */
const char *lab_verdict(enum verdict v);	/* the word, a msgid */
unsigned int lab_columns(const struct out *out);
void lab_show_picture(struct out *out, struct lab_run *r);
void lab_put_labelled(struct out *out, const char *label, const char *text);	/* both translated */
void lab_show_verdict(struct out *out, const struct claim *c);
void lab_show_text(struct out *out, struct lab_run *r);	/* the whole */
void lab_show_json(struct out *out, const struct lab_run *r);
void lab_json_claim(struct out *out, const struct claim *c);	/* the members of an object */

/* lab.c: runs or replays one and judges it. 0, or why the whole must end; -EINTR: a signal came. */
int lab_perform(struct lab_run *r, struct options *o, const struct lab *lab);
void lab_forget(struct lab_run *r);

/* page.c: 0 or -errno */
int lab_show_page(const struct lab_run *r, const char *path);

int run_lab(struct options *o);

/* step.c: the picture, a step at a time, by keys or in time that is so many times slower (0: by keys). */
int lab_step(struct out *out, struct lab_run *r, uint32_t slow);	/* 0 or -errno; -ENOTTY: no terminal */
void step_put_queue(struct out *o, const char *name, uint32_t now, uint32_t limit);
void step_put_text(struct out *o, const char *text, unsigned int rows, unsigned int columns);

/* quiz.c */
struct quiz {
	bool keys;			/* of a terminal; else lines of standard input */
	bool stopped;			/* enough of it */
	unsigned int asked, right;
};
void quiz_open(struct quiz *q, struct out *out);
void quiz_close(struct quiz *q, struct out *out);	/* and tells the score */
void quiz_claim(struct quiz *q, const struct claim *c, struct out *out);

/* tally.c: how the claims of several came out */
struct tally {
	unsigned int count[3];			/* by verdict */
	bool failed;				/* one did not hold, or could not be tried */
};
void tally_claim(struct tally *t, const struct claim *c);
void tally_run(struct tally *t, const struct lab_run *r);
void tally_show(const struct tally *t, struct out *out, const char *format);	/* a msgid with four %u */

/* Several runs, one after the other. */
struct session {
	struct options *o;
	struct out *out;
	struct tally tally;
	struct quiz quiz;
	bool usage;			/* what was asked for does not exist */
};

/* tutorial.c: the sentences of the tutorial, in its order, by the experiments that have them */
int run_tutorial(struct session *s);
/* play.c: a sandbox, by keys */
int run_play(struct session *s);
/* exercise.c: a student's program, judged */
int run_check(struct session *s);

#endif
