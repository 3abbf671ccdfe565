/* SPDX-License-Identifier: GPL-2.0-only */
/* What /proc says of a process, its threads and its children, now. Nothing is known of one that is gone. */
#ifndef TCPTRACE_TASK_H
#define TCPTRACE_TASK_H

#include "../model/machine.h"

/* False: there is none. What ended is none, though its parent has not asked yet (Z). */
bool task_process(uint32_t pid, struct process *p);
bool task_has_threads(uint32_t pid);
/* R S D T t Z ..., 0: not known. */
char task_state(uint32_t pid, uint32_t tid);
/* How long a thread (0: the main one) was on a CPU so far; 0: not known. */
uint64_t task_ran_ns(uint32_t pid, uint32_t tid);
/* docker pause, systemctl freeze: asleep or uninterruptible, and neither is of its own. */
bool task_is_frozen(uint32_t pid);
/* Since a moment of CLOCK_MONOTONIC: it may have, within a tick. Not known: no. */
bool task_began_after(uint32_t pid, uint64_t ns);
/* Appends its children to the n that are there, of at most max: how many there are then. */
unsigned int task_add_children(uint32_t *pids, unsigned int n, unsigned int max, uint32_t of);
/* It has children, or had some. */
bool task_is_parent(uint32_t pid);

#endif
