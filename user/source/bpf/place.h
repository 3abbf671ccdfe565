/* SPDX-License-Identifier: GPL-2.0-only */
/* Where this process runs: what a container changes of what can be seen from it. */
#ifndef TCPTRACE_PLACE_H
#define TCPTRACE_PLACE_H

#include <stdbool.h>
#include <stdint.h>

uint64_t place_caps(void);		/* effective capabilities, 1 << CAP_... */
/* May the files of system-call tracepoints be read, which libbpf needs to attach to them? 0 or -errno. */
int place_tracefs(void);
/* Is there a seccomp filter, as container engines set one? It forbids as a missing capability does, with EPERM. */
bool place_has_seccomp(void);
/* Is the kernel locked down, so that BPF may not read its memory? */
bool place_is_locked_down(void);

/* what: "PID namespace"; state: a few words. Both last until the function returns. */
typedef void (*place_fn)(void *ctx, const char *what, const char *state);
void place_each(place_fn fn, void *ctx);

#endif
