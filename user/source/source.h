/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A source: where records come from: BPF, the kernel module, or a file.
 * Adding one is one file with a source_ops and one line in source.c.
 */
#ifndef TCPTRACE_SOURCE_H
#define TCPTRACE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "../../kmod/uapi/tcptrace.h"
#include "../lib/cgroup.h"
#include "../lib/events.h"

#define FILTER_LIST_MAX	64
#define FILTER_NETS	8

struct port_range {
	uint16_t from, to;		/* both included */
};

/* IPv4 as ::ffff:a.b.c.d; addr has no bit that mask has not. */
struct filter_net {
	uint8_t addr[16], mask[16];
};

/* Lists of names, a comma between two; NULL: any. Whoever belongs to one of each. */
struct filter_place {
	const char *units, *pods, *containers;
};

/* What the user asked to see; applied in the kernel. Empty lists and zeroes: everything. */
struct filter {
	uint32_t pids[FILTER_LIST_MAX];
	uint32_t npids;
	struct port_range lports[FILTER_LIST_MAX];
	uint32_t nlports;
	struct port_range rports[FILTER_LIST_MAX];
	uint32_t nrports;
	struct filter_net nets[FILTER_NETS];	/* one of the ends is in one of them */
	uint32_t nnets;
	const char *comm;		/* name of the process that has it, NULL: any; no kernel applies it */
	struct filter_place by_place;	/* of the process that has it; no kernel applies it */
	uint8_t family;			/* 4, 6, 0: both */
	uint32_t netns;			/* inode number, 0: all */
	uint64_t cgroup;		/* cgroup v2 id (inode number of the directory), 0: all; children included */
	bool follow;			/* pids' future children too (-- PROGRAM) */
	/*
	 * The other ends too (flow): ports select the peers as well, and pids select nothing: they
	 * are only for followed().
	 */
	bool both_ends;
};

/* What a filter narrows, as TCPTRACE_ONLY_* of an OBSERVED record. */
uint32_t filter_narrows(const struct filter *f);
bool filter_has_port(const struct port_range *ports, uint32_t n, uint16_t port);	/* n 0: yes */
bool filter_has_addr(const struct filter *f, const uint8_t laddr[16], const uint8_t raddr[16]);	/* either; no net: yes */

static inline bool filter_by_place(const struct filter *f)
{
	return f->by_place.units || f->by_place.pods || f->by_place.containers;
}
bool filter_has_place(const struct filter *f, const struct proc_place *p);	/* p NULL: unknown */

enum mechanism { MECH_AUTO, MECH_FENTRY, MECH_KPROBE, MECH_TRACEPOINT, MECH_MAX };

struct source_config {
	struct filter filter;
	uint64_t events;		/* what is asked for (lib/events.h); 0: all, READ and WRITE only with io */
	enum mechanism mechanism;
	const char *path;		/* file source: what to replay ("-": stdin) */
	bool io;			/* read and write events too */
	unsigned int patience;		/* nobody looks at records as they come: let more of them gather where a CPU has
					 * room for this many; 0: somebody does */
	uint32_t ring_bytes;		/* of all rings together; 0: the source's own */
	bool verbose;			/* what was tried and refused, on standard error */
};

/*
 * Takes one record. rec is the source's and valid during the call only.
 * A negative return stops the poll, which returns it.
 */
typedef int (*source_fn)(void *ctx, const struct tcptrace_record *rec);

struct source_stats {
	uint64_t records;		/* delivered */
	uint64_t lost;			/* records the kernel side could not store */
	uint64_t unknown;		/* of a recording: events that a newer tcptrace knows, skipped */
	uint64_t known;			/* of a recording: its records until here, with those of its files before this one */
	uint64_t missed;		/* probe hits the kernel could not run (kprobe missed, BPF recursion) */
	bool missed_known;		/* else there may be more: a recording does not say, nor does a kernel of all hooks */
};

/* One line of `doctor`. Strings live as long as the source. */
struct hook_report {
	const char *hook;		/* "accept queue insert" */
	const char *target;		/* kernel function or tracepoint in use, "" if none */
	enum mechanism mechanism;	/* MECH_AUTO: none works */
	const char *why_not_better;	/* "" : it is the best */
	const char *loses;		/* what is not seen or less exact because of it, "" : nothing */
	unsigned int instructions;	/* about, of a connection, in programs that no hook before it has ... */
	const char *measured_on;	/* ... on this kernel; NULL: not measured */
};

#define SOURCE_END	1		/* poll(): no more records will come */

struct file_host;			/* file.h */

/* A source embeds it as its first member, zeroed. */
struct source {
	const struct source_ops *ops;
	char kernel[33];		/* of a recording: the release of the kernel that was traced */
	const struct file_host *host;	/* of a recording: whose it is; NULL: of this machine */
	unsigned int machine;		/* which one the record in hand is of, where there are several (merge.h) */
	int64_t wall_offset_ns;		/* add to t_ns for CLOCK_REALTIME; 0: ask the clocks of this machine */
	/*
	 * Set by who polls, or NULL: how many of these n, from the first on, it takes at once. The others come next, one
	 * by one, and perhaps more among them. n 0: it is not known which come.
	 */
	unsigned int (*batch)(void *ctx, const struct tcptrace_record *const *rec, unsigned int n);
	bool repeats;			/* begin_again() will work */
	const char *note;		/* what a reader should know beside the records, a sentence; NULL: nothing. Of
					 * a live source: what it does not see, at the start or from now on; of a file:
					 * at its end */
	const char *error;		/* why poll() or snapshot() failed, a sentence; NULL: strerror says it */
};

#define SOURCE_WHY	512		/* bytes of a sentence */

struct source_ops {
	const char *name;
	bool no_pid_filter;		/* does not filter by process: the reader must */
	/*
	 * 0 or -errno; on error why is a sentence that says what failed and what to do, or empty. On success hooks
	 * are attached, but nothing was delivered.
	 */
	int (*open)(struct source **out, const struct source_config *cfg, char why[SOURCE_WHY]);
	/*
	 * Waits up to timeout_ms for records, hands all that are there to fn, in order.
	 * 0, SOURCE_END, what fn returned, or -errno (-EINTR: a signal came).
	 */
	int (*poll)(struct source *s, int timeout_ms, source_fn fn, void *ctx);
	/* What exists now, as EXISTS records between two SNAPSHOT records; NULL if it cannot. */
	int (*snapshot)(struct source *s, source_fn fn, void *ctx);
	/*
	 * These events too from now on (lib/events.h), or 0: no longer. 0 or -errno: it is as before. NULL: all that it
	 * can see comes anyway.
	 */
	int (*widen)(struct source *s, uint64_t events);
	/* The first record comes next, again; NULL where repeats is false. 0 or -errno. */
	int (*begin_again)(struct source *s);
	void (*stats)(struct source *s, struct source_stats *out);
	/* Of stats' missed, those of hooks that these events come from (lib/events.h). NULL: they are not told apart. */
	uint64_t (*missed_at)(struct source *s, uint64_t events);
	/* With filter.follow: is it, or was it, one of pids or of their children? NULL: cannot tell. */
	bool (*followed)(struct source *s, uint32_t pid);
	/* i-th hook; false past the last; NULL op: no hooks (a file). */
	bool (*hook)(struct source *s, unsigned int i, struct hook_report *out);
	void (*close)(struct source *s);
};

#define SOURCE_FILES	8u		/* recordings that are read together, at most */

extern const struct source_ops source_bpf, source_file, source_kmod;

/* source.c: the live sources by name ("auto": the first); NULL: not in this build. */
const struct source_ops *source_by_name(const char *name);
const char *mechanism_name(enum mechanism m);		/* "fentry"; "none" for MECH_AUTO */

/* The record with which a snapshot begins or ends. What fn returned. */
int source_mark_snapshot(const struct source_config *cfg, bool end, uint64_t t_ns, source_fn fn, void *ctx);

/* How many hooks by which mechanism, as "fentry 9, kprobe 2, tracepoint 14". */
void source_mechanisms(struct source *src, char *text, size_t size);

/*
 * Recording (-w). The header carries magic, version and byte order; then records as they came.
 * recorder_put() is on the path of an event: it copies into a buffer and writes in large pieces.
 */
struct recorder_config {
	const char *path;		/* "-": standard output; ending in ".gz": packed */
	int64_t wall_offset_ns;		/* 0: of this machine, now */
	const struct file_host *host;	/* of what is copied; NULL: this machine is traced */
	const char *kernel;		/* its release; with host */
	bool new_file;			/* none may be there: its name is nobody's choice */
	bool addresses;			/* the records hold kernel addresses, which do not belong into a file */
	uint64_t file_bytes;		/* of each file, PATH.0, PATH.1 and so on; 0: one file, PATH */
	unsigned int files;		/* how many of these are kept, in turn; 0: all */
};

struct recorder;
int recorder_open(struct recorder **out, const struct recorder_config *cfg);	/* -errno; cfg->path stays the caller's */
int recorder_put(struct recorder *r, const struct tcptrace_record *rec);
/* The same of hooks' records that came together: none is a note. */
int recorder_put_all(struct recorder *r, const struct tcptrace_record *const *rec, unsigned int n);
int recorder_flush(struct recorder *r);
/*
 * Sets aside what the files hold, oldest first, as PATH.DATE-TIME.0 and so on, and goes on in new ones. How many, or
 * -errno, and then they stay where they are; name: of the oldest.
 */
int recorder_keep(struct recorder *r, char *name, size_t size);
int recorder_close(struct recorder *r);			/* flushes; -errno if anything did not reach the file */

#endif
