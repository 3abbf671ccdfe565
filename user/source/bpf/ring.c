// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <linux/types.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ring.h"

#define LEAST_SHIFT	11u		/* 2,048 slots */
#define SLOT_BYTES	(sizeof(struct tcptrace_record) + sizeof(uint64_t))
#define AHEAD		16u		/* records: they are in the cache of the CPU that wrote them */

/* When the next record of a ring was written, or one of these. */
#define WRITING		0ull		/* it is being written */
#define NOTHING		UINT64_MAX	/* there is none */

/* ---- making them ---- */

void rings_size(struct rings *r, size_t bytes)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF);

	r->n = 1;
	while (r->n < cpus && r->n < CAPTURE_RINGS)
		r->n *= 2;
	r->shift = LEAST_SHIFT;
	while (2ull * r->n * (1u << r->shift) * SLOT_BYTES <= bytes)
		r->shift++;
	r->slots = 1u << r->shift;
}

static void *map_pages(int fd, size_t size, int prot, off_t from, int *err)
{
	void *p = mmap(NULL, size, prot, MAP_SHARED, fd, from);

	if (p != MAP_FAILED)
		return p;
	*err = -errno;
	return NULL;
}

int rings_open(struct rings *r, int slots_fd, int seq_fd, int wakeup_fd, struct ring_ends *ends)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), all = (size_t)r->n * r->slots;
	int err = 0;

	r->wakeup_fd = wakeup_fd;
	r->map = map_pages(slots_fd, all * sizeof(*r->map), PROT_READ, 0, &err);
	r->seq = map_pages(seq_fd, all * sizeof(*r->seq), PROT_READ, 0, &err);
	r->wakeup = map_pages(wakeup_fd, page, PROT_READ | PROT_WRITE, 0, &err);
	r->wakeup_sent = map_pages(wakeup_fd, page, PROT_READ, (off_t)page, &err);
	for (unsigned int i = 0; i < r->n; i++) {
		r->ring[i].ends = &ends[i];
		ends[i].tail = -(uint64_t)r->slots;	/* no room */
		r->ring[i].slot = r->map + (size_t)i * r->slots;
		r->ring[i].written = r->seq + (size_t)i * r->slots;
	}
	return err;
}

void rings_start(struct rings *r)
{
	for (unsigned int i = 0; i < r->n; i++)
		__atomic_store_n(&r->ring[i].ends->tail, 0, __ATOMIC_RELEASE);
}

void rings_close(struct rings *r)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), all = (size_t)r->n * r->slots;

	if (r->map)
		munmap((void *)r->map, all * sizeof(*r->map));
	if (r->seq)
		munmap((void *)r->seq, all * sizeof(*r->seq));
	if (r->wakeup)
		munmap(r->wakeup, page);
	if (r->wakeup_sent)
		munmap((void *)r->wakeup_sent, page);
	*r = (struct rings){ .n = r->n, .slots = r->slots, .shift = r->shift };
}

/* ---- reading them ---- */

static inline uint64_t next_time(const struct ring *ring, uint64_t at, uint64_t mask, uint32_t shift)
{
	if (at >= ring->end)
		return NOTHING;
	if (__atomic_load_n(&ring->written[at & mask], __ATOMIC_ACQUIRE) != (at >> shift) + 1)
		return WRITING;
	return ring->slot[at & mask].t_ns;
}

/* The records of one ring up to the next one of another; *time: of its own next one, then. */
static void gather_one(struct rings *r, struct ring *ring, uint64_t *time, uint64_t until_ns)
{
	const struct ring here = *ring;		/* in registers, whatever is stored */
	const uint64_t mask = r->slots - 1;
	const uint32_t shift = r->shift;
	struct ring_batch *b = &r->batch;
	unsigned int n = b->n;
	uint64_t at = here.at, next;

	do {
		const struct tcptrace_record *later = &here.slot[(at + AHEAD) & mask];

		__builtin_prefetch(later);
		__builtin_prefetch((const char *)later + 64);
		b->rec[n] = &here.slot[at++ & mask];
		b->of[n++] = ring;
		next = next_time(&here, at, mask, shift);
	} while (n < RING_BATCH && next - 1 < until_ns - 1);		/* WRITING is 0 */
	*time = next;
	ring->at = at;
	b->n = n;
}

/* A ring with something in it, and when that was written. */
struct front {
	struct ring *ring;
	uint64_t time;
};

static unsigned int look_at_fronts(struct rings *r, struct front *front)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < r->n; i++) {
		struct ring *ring = &r->ring[i];

		ring->end = __atomic_load_n(&ring->ends->head, __ATOMIC_ACQUIRE);
		if (ring->at != ring->end)
			front[n++] = (struct front){ ring, next_time(ring, ring->at, r->slots - 1, r->shift) };
	}
	return n;
}

/* The earliest of at least one; *second: when the next of another is due, at most what it was. */
static struct front *earliest(struct front *front, unsigned int n, uint64_t *second)
{
	struct front *first = front;

	for (unsigned int i = 1; i < n; i++) {
		struct front *later = &front[i];

		if (front[i].time < first->time) {
			later = first;
			first = &front[i];
		}
		if (later->time < *second)
			*second = later->time;
	}
	return first;
}

/* As many as the batch takes. False: there are no more, or none that can be told. */
static bool gather(struct rings *r, struct front *front, unsigned int *n, uint64_t until_ns)
{
	r->batch.n = 0;
	while (*n && r->batch.n < RING_BATCH) {
		uint64_t second = until_ns;
		struct front *first = earliest(front, *n, &second);

		r->blocked = first->time == WRITING;
		if (r->blocked || first->time >= until_ns)
			return false;
		gather_one(r, first->ring, &first->time, second);
		if (first->time == NOTHING)
			*first = front[--*n];
	}
	return *n != 0;
}

static void publish_tails(struct rings *r)
{
	for (unsigned int i = 0; i < r->n; i++) {
		struct ring *ring = &r->ring[i];

		if (ring->published != ring->at)
			__atomic_store_n(&ring->ends->tail, ring->at, __ATOMIC_RELEASE);
		ring->published = ring->at;
	}
}

/* What is not taken comes again. */
static int hand_on(struct rings *r, ring_fn fn, ring_batch_fn batch, void *ctx)
{
	struct ring_batch *b = &r->batch;
	unsigned int i = batch ? batch(ctx, b->rec, b->n) : 0;
	int ret = 0;

	while (i < b->n && !ret)
		ret = fn(ctx, b->rec[i++]);
	while (b->n > i)
		b->of[--b->n]->at--;
	publish_tails(r);
	return ret;
}

int rings_drain(struct rings *r, uint64_t until_ns, ring_fn fn, ring_batch_fn batch, void *ctx)
{
	struct front front[CAPTURE_RINGS];
	unsigned int n = look_at_fronts(r, front);
	bool more;
	int ret;

	r->blocked = false;
	do {
		more = gather(r, front, &n, until_ns);
		ret = hand_on(r, fn, batch, ctx);
	} while (more && !ret);
	return ret;
}

bool rings_empty(const struct rings *r)
{
	for (unsigned int i = 0; i < r->n; i++)
		if (r->ring[i].at != __atomic_load_n(&r->ring[i].ends->head, __ATOMIC_ACQUIRE))
			return false;
	return true;
}

void rings_wait(const struct rings *r, int timeout_ms)
{
	struct pollfd p = { .fd = r->wakeup_fd, .events = POLLIN };

	poll(&p, 1, timeout_ms);
	__atomic_store_n(r->wakeup, __atomic_load_n(r->wakeup_sent, __ATOMIC_ACQUIRE), __ATOMIC_RELEASE);
}
