// SPDX-License-Identifier: GPL-2.0-only
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ring.h"

#define HEADER		BPF_RINGBUF_HDR_SZ
#define LEAST_BYTES	(1u << 20)
#define STEP		(HEADER + sizeof(struct tcptrace_record))
#define AHEAD		4u

/* When the next record of a ring was written, or one of these. */
#define WRITING		0ull		/* it is being written */
#define NOTHING		UINT64_MAX	/* there is none */

/* ---- making them ---- */

static int map_ring(struct ring *r, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *p = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);

	if (p == MAP_FAILED)
		return -errno;
	r->consumer = p;
	p = mmap(NULL, page + 2 * size, PROT_READ, MAP_SHARED, r->fd, (off_t)page);
	if (p == MAP_FAILED)
		return -errno;
	r->producer = p;
	r->data = (const uint8_t *)p + page;
	return 0;
}

static int make_ring(const struct rings *r, struct ring *ring)
{
	ring->fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "ring", 0, 0, r->size, NULL);
	return ring->fd < 0 ? -errno : 0;
}

/* In one go (5.16 and later, 9263dddc7b6f), which waits once; before, one by one. */
static int put_into_array(struct rings *r)
{
	uint32_t key[RINGS_MAX], n = r->n;
	int fd[RINGS_MAX];

	for (uint32_t i = 0; i < n; i++) {
		key[i] = i;
		fd[i] = r->ring[i].fd;
	}
	if (!bpf_map_update_batch(r->array_fd, key, fd, &n, NULL))
		return 0;
	for (uint32_t i = 0; i < r->n; i++)
		if (bpf_map_update_elem(r->array_fd, &key[i], &fd[i], BPF_ANY))
			return -errno;
	return 0;
}

static void *make_rest(void *arg)
{
	struct rings *r = arg;
	int err = 0;

	for (unsigned int i = 0; i < r->n && !err; i++) {
		if (i)
			err = make_ring(r, &r->ring[i]);
		if (!err)
			err = map_ring(&r->ring[i], r->size);
	}
	r->err = err ? err : put_into_array(r);
	return NULL;
}

int rings_open(struct rings *r, size_t bytes)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	int err;

	memset(r, 0, sizeof(*r));
	r->array_fd = -1;
	for (unsigned int i = 0; i < RINGS_MAX; i++)
		r->ring[i].fd = -1;
	r->n = 1;
	while (r->n < cpus && r->n < RINGS_MAX)
		r->n *= 2;
	r->size = bytes / r->n > LEAST_BYTES ? bytes / r->n : LEAST_BYTES;
	err = make_ring(r, &r->ring[0]);
	if (err)
		return err;
	opts.inner_map_fd = r->ring[0].fd;
	r->array_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "rings", sizeof(uint32_t), sizeof(uint32_t), r->n,
				     &opts);
	if (r->array_fd < 0)
		return -errno;
	err = -pthread_create(&r->maker, NULL, make_rest, r);
	r->making = !err;
	return err;
}

int rings_ready(struct rings *r)
{
	if (r->making)
		pthread_join(r->maker, NULL);
	r->making = false;
	return r->err;
}

void rings_close(struct rings *r)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	rings_ready(r);
	for (unsigned int i = 0; i < r->n; i++) {
		struct ring *ring = &r->ring[i];

		if (ring->consumer)
			munmap(ring->consumer, page);
		if (ring->producer)
			munmap((void *)ring->producer, page + 2 * r->size);
		if (ring->fd >= 0)
			close(ring->fd);
	}
	if (r->n && r->array_fd >= 0)
		close(r->array_fd);
	r->n = 0;
}

/* ---- reading them ---- */

static inline const struct tcptrace_record *record_at(const struct rings *r, const struct ring *ring)
{
	return (const void *)(ring->data + (ring->at & (r->size - 1)) + HEADER);
}

static inline uint64_t next_time(const struct rings *r, const struct ring *ring)
{
	const uint8_t *header = ring->data + (ring->at & (r->size - 1));

	if (ring->at == ring->end)
		return NOTHING;
	if (__atomic_load_n((const uint32_t *)header, __ATOMIC_ACQUIRE) & BPF_RINGBUF_BUSY_BIT)
		return WRITING;
	return record_at(r, ring)->t_ns;
}

static inline void tell(struct ring *ring)
{
	__atomic_store_n(ring->consumer, ring->at, __ATOMIC_RELEASE);
	ring->told = ring->at;
}

/* A few records further on: they are in the cache of the CPU that wrote them. */
static inline const void *ahead(const struct rings *r, const struct ring *ring, size_t line)
{
	return ring->data + ((ring->at + AHEAD * STEP + line) & (r->size - 1));
}

/* The records of one ring up to the next one of another. Comes back with the time of its own next one. */
static int drain_one(struct rings *r, struct ring *ring, uint64_t *time, uint64_t until_ns, ring_fn fn, void *ctx)
{
	int ret;

	do {
		__builtin_prefetch(ahead(r, ring, 0));
		__builtin_prefetch(ahead(r, ring, 64));
		ret = fn(ctx, record_at(r, ring));
		ring->at += STEP;
		if (ring->at - ring->told >= RING_TELL * STEP)
			tell(ring);
		*time = next_time(r, ring);
	} while (!ret && *time != WRITING && *time < until_ns);
	return ret;
}

int rings_drain(struct rings *r, uint64_t until_ns, ring_fn fn, void *ctx)
{
	uint64_t time[RINGS_MAX];
	int ret = 0;

	for (unsigned int i = 0; i < r->n; i++)
		r->ring[i].end = __atomic_load_n(r->ring[i].producer, __ATOMIC_ACQUIRE);
	for (unsigned int i = 0; i < r->n; i++)
		time[i] = next_time(r, &r->ring[i]);
	r->blocked = false;
	while (!ret) {
		uint64_t first = NOTHING, second = until_ns;
		unsigned int which = 0;

		for (unsigned int i = 0; i < r->n; i++) {
			if (time[i] < first) {
				second = first < second ? first : second;
				first = time[i];
				which = i;
			} else if (time[i] < second) {
				second = time[i];
			}
		}
		r->blocked = first == WRITING;
		if (r->blocked || first >= until_ns)
			break;
		ret = drain_one(r, &r->ring[which], &time[which], second, fn, ctx);
	}
	for (unsigned int i = 0; i < r->n; i++)
		if (r->ring[i].at != r->ring[i].told)
			tell(&r->ring[i]);
	return ret;
}

bool rings_empty(const struct rings *r)
{
	for (unsigned int i = 0; i < r->n; i++)
		if (r->ring[i].at != __atomic_load_n(r->ring[i].producer, __ATOMIC_ACQUIRE))
			return false;
	return true;
}

void rings_wait(const struct rings *r, int timeout_ms)
{
	struct pollfd p[RINGS_MAX];

	for (unsigned int i = 0; i < r->n; i++)
		p[i] = (struct pollfd){ .fd = r->ring[i].fd, .events = POLLIN };
	poll(p, r->n, timeout_ms);
}
