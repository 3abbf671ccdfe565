/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hooks: where in the kernel an event is seen. Each of state.c, listen.c,
 * request.c, calls.c, connect.c, accept.c, segment.c and io.c ends with its own
 * table; hooks.c attaches those that the enabled events need, and no other.
 */
#ifndef TCPTRACE_HOOKS_H
#define TCPTRACE_HOOKS_H

#include <linux/kprobes.h>
#include <linux/ptrace.h>
#include <linux/tracepoint.h>

#include "uapi/tcptrace.h"

#define ON(sym)		(1ULL << TCPTRACE_##sym)

struct hook {
	const char *target;		/* function or tracepoint; NULL: end */
	u64 events;			/* ON(...) of all that need it */
	kprobe_pre_handler_t enter;	/* kprobe at entry */
	kretprobe_handler_t exit;	/* or kretprobe: and its two sides */
	kretprobe_handler_t exit_enter;
	size_t exit_data;		/* bytes that the two sides share */
	void (*before)(void);		/* called before it is attached */
	void *probe;			/* or tracepoint */
	bool fallback;			/* only if the one before it is not there */
	/* of hooks.c */
	int err;			/* why it is not attached */
	bool attached, tried;
	struct tracepoint *tp;
	struct kprobe kp;
	struct kretprobe rp;
};

#define ENTER(fn, handler, mask) \
	{ .target = #fn, .events = (mask), .enter = (handler) }
#define EXIT(fn, in, out, size, mask) \
	{ .target = #fn, .events = (mask), .exit_enter = (in), .exit = (out), \
	  .exit_data = (size) }
#define EXIT_AFTER(fn, first, in, out, size, mask) \
	{ .target = #fn, .events = (mask), .exit_enter = (in), .exit = (out), \
	  .exit_data = (size), .before = (first) }
/* only if the one before it is not there */
#define ENTER_ELSE(fn, handler, mask) \
	{ .target = #fn, .events = (mask), .enter = (handler), \
	  .fallback = true }
#define EXIT_ELSE(fn, in, out, size, mask) \
	{ .target = #fn, .events = (mask), .exit_enter = (in), .exit = (out), \
	  .exit_data = (size), .fallback = true }
#define TRACEPOINT(name, handler, mask) \
	{ .target = #name, .events = (mask), .probe = (handler) }

extern struct hook state_hooks[], listen_hooks[], request_hooks[], calls_hooks[];
extern struct hook connect_hooks[], accept_hooks[], segment_hooks[], io_hooks[];

void hooks_init(void);		/* last in module_init(): hooks may run from here on */
void hooks_exit(void);
/* An event got its first user, or lost its last; under tracepoints_mutex. */
int hooks_want(unsigned int event);
void hooks_unwant(unsigned int event);
/* Returns when what is wanted is attached; not under tracepoints_mutex. */
void hooks_settle(void);

/* Reports what exists, as events; may sleep. */
void snapshot(void);

int calls_init(void);
void calls_exit(void);

/* n-th argument, from 0, of the function that a kprobe hit */
#define ARG(regs, n)	((void *)regs_get_kernel_argument((regs), (n)))

#endif
