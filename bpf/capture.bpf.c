// SPDX-License-Identifier: GPL-2.0-only
/*
 * The BPF programs, one unit: the linker of libbpf 1.1 refuses a kernel function
 * that two objects call. Compiled twice, HAS_CAST 1 and 0 (read.bpf.h).
 *
 *   read       sockets and requests
 *   arch       what differs between x86-64 and arm64
 *   ring       the way out: reserve(), submit()
 *   recursion  programs that would be skipped while they run: did(), was_done()
 *   notes      what one hook leaves to another on the same CPU
 *   filter     which of them are wanted
 *   segment    headers of segments
 *   file       from a descriptor to its socket
 *   call       the call that a thread is in
 *
 * Most handlers have the names that they have in kmod/. What only the tracepoint
 * mechanism needs is in tp/.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_endian.h>
#include "../kmod/uapi/tcptrace.h"
#include "config.h"

char LICENSE[] SEC("license") = "GPL";

/* Filled by user space before the programs are loaded, and fixed from then on. */
const volatile struct capture_config cfg = {};
const volatile struct capture_net nets[CAPTURE_NETS] = {};
const volatile __u64 lports[CAPTURE_PORT_WORDS] = {};
const volatile __u64 rports[CAPTURE_PORT_WORDS] = {};

/* Memory that the reader maps; a bpf() call of its own would make programs of its CPU skip (bpf_prog_active). */
volatile __u32 reader_sleeps = 0;	/* set by it before it sleeps; whoever writes a record then wakes it */
struct ring_ends ring_ends[CAPTURE_RINGS] = {};
__u64 lost[CAPTURE_EVENTS] = {};	/* records that found no room, by event */
__u64 retried[RETRY_KINDS] = {};	/* events that only a NAME_retry program saw */

_Static_assert(TCPTRACE_EVENT_MAX <= CAPTURE_EVENTS, "a place for each");

#include "read.bpf.h"
#include "arch.bpf.h"
#include "ring.bpf.h"
#include "notes.bpf.h"
#include "counters.bpf.h"
#include "recursion.bpf.h"
#include "filter.bpf.h"
#include "segment.bpf.h"
#include "file.bpf.h"
#include "call.bpf.h"

#include "listen.bpf.c"
#include "request.bpf.c"
#include "calls.bpf.c"
#include "connect.bpf.c"
#include "accept.bpf.c"

#include "tp/groups.bpf.h"
#include "tp/state.bpf.h"
#include "tp/calls.bpf.c"
#include "tp/queues.bpf.c"
#include "tp/cgroup.bpf.c"
#include "tp/uring.bpf.c"

#include "state.bpf.c"
#include "segment.bpf.c"
#include "io.bpf.c"
#include "snapshot.bpf.c"
