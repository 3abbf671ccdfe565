/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The reading end of the BPF ring buffers (kernel/bpf/ringbuf.c), one for each CPU:
 * where two CPUs write into one, each record waits for its lock and its position to come
 * over from the other's cache, which was 250 of 480 ns. Records of different CPUs are put
 * back in the order of time.
 *
 * libbpf's reader tells the kernel after each record how far it has read: the page that
 * says so is read for every record that is written, so writer and reader take it from
 * each other's cache each time. Here it is told once in RING_TELL records.
 */
#ifndef TCPTRACE_RING_H
#define TCPTRACE_RING_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../kmod/uapi/tcptrace.h"

#define RING_TELL	256u
#define RINGS_MAX	64u		/* with more CPUs than that some share one */

struct ring {
	int fd;				/* of the map */
	uint64_t *consumer;		/* positions: bytes since the beginning */
	const uint64_t *producer;
	const uint8_t *data;		/* mapped twice in a row: no record is in two pieces */
	uint64_t at, told, end;
};

struct rings {
	unsigned int n;			/* a power of two: CPU c writes to number c % n */
	size_t size;			/* of each, in bytes, a power of two */
	int array_fd;			/* of the map that holds them; -1: none */
	struct ring ring[RINGS_MAX];
	bool blocked;			/* the last drain ended at a record that was still being written */
	pthread_t maker;
	bool making;
	int err;			/* of the maker */
};

/*
 * Makes the map of the rings, which BPF programs are to be given instead of their own. bytes: of all
 * together, at least one MB each. The rings themselves, and to put them into it, which takes the
 * kernel 8 ms or more (synchronize_rcu()), are a thread's work: rings_ready() waits for its end.
 * 0 or -errno.
 */
int rings_open(struct rings *r, size_t bytes);
int rings_ready(struct rings *r);
void rings_close(struct rings *r);	/* also of what was only zeroed */

/* rec is valid during the call. What is not 0 ends the drain behind this record. */
typedef int (*ring_fn)(void *ctx, const struct tcptrace_record *rec);

/*
 * What is there now and older than until_ns, in the order of time: 0, or what fn returned. With the
 * time of now: what is still to come may be a little older (stamped, not yet in its ring), but
 * nothing that follows from it has been told. A record that is still being written ends the drain.
 */
int rings_drain(struct rings *r, uint64_t until_ns, ring_fn fn, void *ctx);
bool rings_empty(const struct rings *r);
/* Until there is something (and the kernel side wakes us), a signal, or the time is up. */
void rings_wait(const struct rings *r, int timeout_ms);

#endif
