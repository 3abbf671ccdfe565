/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The outputs of a run: the main view, on standard output or in -o FILE, and any
 * number of others beside it (--out NAME:FILE; -w and --check are short forms).
 * Each step goes to all that want it.
 */
#ifndef TCPTRACE_OUTPUTS_H
#define TCPTRACE_OUTPUTS_H

#include "../options.h"
#include "select.h"

struct outputs;

/*
 * The views of all outputs by name: those of user/view/ and those that need a source (record, check). i counts from 0;
 * NULL past the last.
 */
const struct view_ops *outputs_view(unsigned int i);
const struct view_ops *outputs_view_by_name(const char *name);	/* or NULL */
bool outputs_want_both_ends(const struct options *o);
uint64_t outputs_events(const struct options *o);	/* what they stand on, all together: lib/events.h; 0: all. Of a
						 * command that is no run: what -e, -x and -q say */
bool outputs_patient(const struct options *o);	/* none shows step by step: a batch may be late by 20 ms */

/*
 * Waits for the readers of FIFOs, before anything is attached, and keeps these open until outputs_waited(): after
 * outputs_open(). 0, or -EINTR: a signal came first.
 */
int outputs_wait(const struct options *o, int held[1 + OUTPUTS_MAX]);
void outputs_waited(int held[1 + OUTPUTS_MAX]);

/*
 * Opens them all: 0, or -errno after a sentence on standard error. o, s and src stay the caller's and must outlive
 * them. machine: what findings ask while it runs; NULL in a replay. hosts: of several recordings, or NULL.
 */
int outputs_open(struct outputs **out, const struct options *o, const struct select *s, struct source *src,
		 const struct machine *machine, const struct view_hosts *hosts);
void outputs_begin(struct outputs *s);
void outputs_event(struct outputs *s, const struct model_event *ev);
/* After all events of rec. false: nothing more is wanted (-c is reached) or an output takes no more. */
bool outputs_record(struct outputs *s, const struct tcptrace_record *rec);
void outputs_tick(struct outputs *s, const struct model *m, uint64_t now_ns);
/* As view_ops.play; false: no view says how far a replay may go. */
bool outputs_play(struct outputs *s, uint64_t next_ns, struct view_play *play);
void outputs_resize(struct outputs *s);		/* the terminal has another size */
void outputs_keep(struct outputs *s);		/* SIGUSR1 */
bool outputs_flush(struct outputs *s);		/* false: as outputs_record() */
/* machine as in outputs_open(); models: of each machine, n of them. */
void outputs_end(struct outputs *s, struct model *const *models, unsigned int n, const struct machine *machine,
		 const struct view_end *end);
/* Writes what is left and closes. false: something did not reach its file, or a view says that the run failed. */
bool outputs_close(struct outputs *s);

#endif
