/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The reading end of the rings that BPF programs write records into (bpf/ring.bpf.h), one for each
 * CPU; records of different CPUs are put back in the order of time.
 *
 * How far it has read the reader tells once in a batch: each time it does, the writer
 * fetches that line from the reader's cache.
 */
#ifndef TCPTRACE_RING_H
#define TCPTRACE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../../kmod/uapi/tcptrace.h"
#include "../../../bpf/config.h"

#define RING_BATCH	256u

struct ring {
	struct ring_ends *ends;
	const struct tcptrace_record *slot;
	const uint64_t *written;	/* of each slot: how many records it has had */
	uint64_t at, published, end;		/* positions */
};

/* Records of all rings, in the order of time. */
struct ring_batch {
	const struct tcptrace_record *rec[RING_BATCH];
	struct ring *of[RING_BATCH];
	unsigned int n;
};

struct rings {
	unsigned int n;			/* a power of two: CPU c writes to number c % n */
	uint32_t slots, shift;		/* of each: 1 << shift */
	const struct tcptrace_record *map;	/* of them all */
	const uint64_t *seq;
	int wakeup_fd;			/* readable when somebody wakes us */
	uint64_t *wakeup;			/* its two positions, the reader's and the writers' */
	const uint64_t *wakeup_sent;
	struct ring ring[CAPTURE_RINGS];
	struct ring_batch batch;
	bool blocked;			/* the last drain ended at a record that was still being written */
};

/* How many and how large, for at most so many bytes of all together, but 2,048 slots each at the least. */
void rings_size(struct rings *r, size_t bytes);
/*
 * Maps them: the arrays of all slots and of how many records each has had, and the ring buffer that wakes us. ends: one
 * for each ring, the caller's, and as long as r. 0 or -errno. Writers find no room and count what they have as lost,
 * until rings_start(): hooks are attached one after the other, and what some of them see nobody could understand.
 */
int rings_open(struct rings *r, int slots_fd, int seq_fd, int wakeup_fd, struct ring_ends *ends);
void rings_start(struct rings *r);
void rings_close(struct rings *r);	/* back to rings_size(); also of what was only that */

/* rec is valid during the call. What is not 0 ends the drain after this record. */
typedef int (*ring_fn)(void *ctx, const struct tcptrace_record *rec);
/* How many of these n, from the first on, it takes. The others are handed to ring_fn next, unless it ends the drain before. */
typedef unsigned int (*ring_batch_fn)(void *ctx, const struct tcptrace_record *const *rec, unsigned int n);

/*
 * What is there now and older than until_ns, in the order of time: 0, or what fn returned. With the
 * time of now: what is still to come may be a little older (stamped, not yet in its ring), but
 * nothing that follows from it has been told. A record that is still being written ends the drain.
 */
int rings_drain(struct rings *r, uint64_t until_ns, ring_fn fn, ring_batch_fn batch, void *ctx);
bool rings_empty(const struct rings *r);
/* Until there is something (and the kernel side wakes us), a signal, or the time is up. */
void rings_wait(const struct rings *r, int timeout_ms);

#endif
