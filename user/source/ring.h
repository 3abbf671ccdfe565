/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The reading end of a BPF ring buffer (kernel/bpf/ringbuf.c). libbpf's tells the
 * kernel after each record how far it has read: the page that says so is read for
 * every record that is written, so writer and reader take it from each other's cache
 * each time. Here it is told once in RING_TELL records.
 */
#ifndef TCPTRACE_RING_H
#define TCPTRACE_RING_H

#include <stddef.h>
#include <stdint.h>

#define RING_TELL	256u

struct ring {
	int fd;				/* of the map; not ours to close */
	size_t size, page;
	uint64_t *consumer;		/* positions: bytes since the beginning */
	const uint64_t *producer;
	const uint8_t *data;		/* mapped twice in a row: no record is in two pieces */
	uint64_t at;
};

/* data is valid during the call. What is not 0 ends the drain behind this record. */
typedef int (*ring_fn)(void *ctx, const void *data, size_t size);

int ring_open(struct ring *r, int fd, size_t size);	/* size: of the map, a power of two; 0 or -errno */
void ring_close(struct ring *r);			/* also of one that was never opened */
/* What is there now, in its order: 0, or what fn returned. What comes meanwhile is for the next drain. */
int ring_drain(struct ring *r, ring_fn fn, void *ctx);
/* Until there is something (and the kernel side wakes us), a signal, or the time is up. */
void ring_wait(struct ring *r, int timeout_ms);

#endif
