/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stage: where play() runs, a child process in a network namespace of its
 * own that dies with the tracer. Nothing here sleeps for luck: each wait polls
 * a condition in the kernel, or in what the tracer saw, and has a deadline; a
 * wait that fails ends the stage with a sentence on the board.
 */
#ifndef TCPTRACE_STAGE_H
#define TCPTRACE_STAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "../../kmod/uapi/tcptrace.h"
#include "../lib/tr.h"

#define STAGE_FACTS	256
#define STAGE_PATIENCE	20000		/* ms: a guest under emulation is slow */

struct fact {
	char key[40];
	int64_t value;
};

/* Shared with the tracer. Each side writes its own members. */
struct board {
	uint32_t netns;				/* stage: inode number */
	uint32_t nfacts;
	struct fact facts[STAGE_FACTS];
	char error[256];			/* why the stage gave up, or why it did not begin */
	uint32_t skipped;			/* this machine cannot: no failure */
	uint32_t done;				/* play() has returned */
	uint32_t look;				/* stage: take a snapshot; tracer: taken */
	uint32_t seen[TCPTRACE_EVENT_MAX];	/* tracer: events so far */
	/* of a sandbox: what the tracer's user asks for, one at a time (0: nothing), and what came of it */
	uint32_t command;
	char said[128];
	uint32_t held, cookies;			/* packets on the wire; are SYN cookies on */
};

struct stage {
	struct board *board;
	pid_t pid;
	int ready, go;				/* tracer's ends of two pipes */
};

/* ---- tracer's side ---- */
int stage_open(struct stage *s);		/* forks; the namespace is there when it returns. 0 or -errno */
int stage_play(struct stage *s);		/* let it begin */
bool stage_ended(struct stage *s);		/* play() has returned, or the process has died */
void stage_close(struct stage *s);		/* kills it; its namespace goes with it */
/* What the child does when it is told to; set before stage_open(). */
void stage_program(void (*play)(struct stage *s));

/* ---- for play() ---- */
__attribute__((format(printf, 3, 4)))
void fact(struct stage *s, int64_t value, const char *key, ...);
/* Both end it with a sentence (a msgid, which is translated here). */
__attribute__((noreturn, format(printf, 2, 3)))
void stage_fail(struct stage *s, const char *fmt, ...);
__attribute__((noreturn))
void stage_skip(struct stage *s, const char *why);	/* it cannot be done on this machine */

uint64_t now_ns(void);
void sleep_us(unsigned int us);			/* service time of a server, never a way to wait */
void role(const char *name);			/* what this thread is called */

/* Calls check() until it is true; after ms the stage has failed with "waited for <what>". */
void wait_for(struct stage *s, bool (*check)(void *arg), void *arg, const char *what);	/* what: a msgid */
void wait_seen(struct stage *s, unsigned int event, uint32_t count);	/* by the tracer */
uint32_t seen(const struct stage *s, unsigned int event);

/* netns.c */
int netns_make(void);				/* unshare, lo up; 0 or -errno */
int interface_up(const char *name);		/* 0 or -errno */
void sysctl_set(struct stage *s, const char *name, int64_t value);	/* "ipv4/tcp_syncookies" */
int64_t sysctl_get(const char *name);		/* -1: this kernel has none */
int64_t counter(const char *name);		/* TcpExt, Tcp or MPTcpExt, of this namespace */
/* Everything between 10.0.0.1 and 10.0.0.2, both ours, leaves through this device. */
int netns_route_by(const char *device);

#endif
