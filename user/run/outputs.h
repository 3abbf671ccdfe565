/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The outputs of a run: the main view, on standard output or in -o FILE, and any
 * number of others beside it (--out NAME:FILE; -w and --check are short forms).
 * Each step goes to all that want it.
 */
#ifndef TCPTRACE_OUTPUTS_H
#define TCPTRACE_OUTPUTS_H

#include "../options.h"
#include "models.h"
#include "select.h"

struct outputs;

/*
 * Opens them all: 0, or -errno after a sentence on standard error. o, s and src stay the caller's and must outlive
 * them, and models. machine: what findings ask while it runs; NULL in a replay. hosts: of several recordings, or NULL.
 */
int outputs_open(struct outputs **out, const struct options *o, const struct select *s, struct source *src,
		 const struct machine *machine, const struct view_hosts *hosts,
		 const struct models *models);
/* Of the models, by now: of what they do not give nothing is shown. */
void outputs_want(const struct outputs *s, struct model_wants *wants);
void outputs_begin(struct outputs *s);
void outputs_event(struct outputs *s, const struct model_event *ev);
/* More is on its way at once. over: all of that came before the end of the run. */
void outputs_amid(struct outputs *s, uint64_t now_ns, bool over);
/* After all events of rec. false: nothing more is wanted (-c is reached) or an output takes no more. */
bool outputs_record(struct outputs *s, const struct tcptrace_record *rec);
/* So many at once, none of them a note, whose events nobody wants to see; false: one by one. */
bool outputs_batch(struct outputs *s, const struct tcptrace_record *const *rec, unsigned int n);
void outputs_tick(struct outputs *s, uint64_t now_ns);
uint64_t outputs_idle_ns(const struct outputs *s);	/* until when no tick is needed, unless a record comes; 0: now */
/* As view_ops.play; false: no view says how far a replay may go. */
bool outputs_play(struct outputs *s, uint64_t next_ns, struct view_play *play);
/* Is a look at all sockets due before the next tick? It is told when that is over. */
bool outputs_wants_sweep(const struct outputs *s, uint64_t now_ns);
void outputs_swept(struct outputs *s);
/* What the main view wants to see beside what was asked for, and what came of that: 0 or -errno. */
uint64_t outputs_wanted(const struct outputs *s);
void outputs_widened(struct outputs *s, int err);
void outputs_resize(struct outputs *s);		/* the terminal has another size */
void outputs_keep(struct outputs *s);		/* SIGUSR1 */
bool outputs_flush(struct outputs *s);		/* false: as outputs_record() */
bool outputs_enough(const struct outputs *s);	/* of what is still to come nobody wants anything */
void outputs_ending(struct outputs *s);		/* as view_ops.ending */
uint64_t outputs_end(struct outputs *s);	/* how many records were lost */
/* Writes what is left and closes. false: something did not reach its file, or a view says that the run failed. */
bool outputs_close(struct outputs *s);

#endif
