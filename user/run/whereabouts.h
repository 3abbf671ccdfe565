/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where processes run, for the model and recordings: by /proc/PID/cgroup (lib/cgroup.h) and the files of container
 * runtimes, as 'place' records. Looked up when a listener gets another owner, not when something happens to it.
 */
#ifndef TCPTRACE_WHEREABOUTS_H
#define TCPTRACE_WHEREABOUTS_H

#include "../model/model.h"
#include "../source/source.h"

struct whereabouts;

struct whereabouts *whereabouts_new(void);	/* or NULL: no memory */
void whereabouts_free(struct whereabouts *p);
/*
 * Of whom listeners are: those that are new, and each of them every ten seconds, as a process may move. A few of them
 * at a time, unless all is set. What fn returned, if it was not 0.
 */
int whereabouts_look(struct whereabouts *p, const struct model *m, bool all, uint64_t now_ns, source_fn fn, void *ctx);
/* Of the caller of a record, if it was not looked up yet: before that record is taken in. */
int whereabouts_caller(struct whereabouts *p, const struct tcptrace_record *rec, source_fn fn, void *ctx);
/*
 * The name of a process, where a record has that of another thread than its first and a replay would know no other: an
 * `exists` record with the process and no socket.
 */
bool whereabouts_unnamed(const struct whereabouts *p, const struct tcptrace_record *rec);	/* one is due before this record */
int whereabouts_name(struct whereabouts *p, const struct tcptrace_record *rec, source_fn fn, void *ctx);

#endif
