/* SPDX-License-Identifier: GPL-2.0-only */
/* Raw pages of a trace instance: read per CPU, merged by the records' time. */
#ifndef TCPTRACE_KMODPAGE_H
#define TCPTRACE_KMODPAGE_H

#include "source.h"

struct tracefs_instance;
struct kbuffer;
struct pollfd;

/* Records of one CPU, in the order in which it wrote them, not yet handed on. */
struct cpu_records {
	struct tcptrace_record *rec;
	size_t head, tail, room;
};

struct pages {
	unsigned int ncpu;
	struct pollfd *fds;		/* one per CPU; fd -1: no such CPU */
	int *raw;			/* each CPU's trace_pipe_raw, -1: none */
	struct cpu_records *queues;
	struct kbuffer *kbuf;
};

/* Has the loaded module the record that we know, where we expect it? */
bool pages_layout_fits(void);
int pages_open(struct pages *p, struct tracefs_instance *instance);
void pages_close(struct pages *p);
/* Reads what all CPUs have: how many records, or -errno. */
int pages_drain(struct pages *p);
/* Hands on, in the order of time, what is older than until_ns. 0 or what fn returned. */
int pages_deliver(struct pages *p, uint64_t until_ns, source_fn fn, void *ctx, uint64_t *delivered);
bool pages_pending(const struct pages *p);
/* Sleeps until a CPU has something. 0, or -EINTR. */
int pages_wait(struct pages *p, int timeout_ms);
/* Records that found no room, since the instance is there. */
uint64_t pages_lost(const struct pages *p, struct tracefs_instance *instance);

#endif
