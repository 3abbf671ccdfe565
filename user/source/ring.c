// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <linux/bpf.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ring.h"

#define HEADER	BPF_RINGBUF_HDR_SZ

int ring_open(struct ring *r, int fd, size_t size)
{
	void *p;

	r->page = (size_t)sysconf(_SC_PAGESIZE);
	r->fd = fd;
	r->size = size;
	r->at = 0;
	p = mmap(NULL, r->page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	r->consumer = p;
	p = mmap(NULL, r->page + 2 * size, PROT_READ, MAP_SHARED, fd, (off_t)r->page);
	if (p == MAP_FAILED) {
		int err = -errno;

		munmap(r->consumer, r->page);
		r->consumer = NULL;
		return err;
	}
	r->producer = p;
	r->data = (const uint8_t *)p + r->page;
	return 0;
}

void ring_close(struct ring *r)
{
	if (!r->consumer)
		return;
	munmap(r->consumer, r->page);
	munmap((void *)r->producer, r->page + 2 * r->size);
	r->consumer = NULL;
}

static void tell(struct ring *r)
{
	__atomic_store_n(r->consumer, r->at, __ATOMIC_RELEASE);
}

int ring_drain(struct ring *r, ring_fn fn, void *ctx)
{
	uint64_t end = __atomic_load_n(r->producer, __ATOMIC_ACQUIRE);
	unsigned int n = 0;
	int ret = 0;

	while (!ret && r->at < end) {
		const uint8_t *header = r->data + (r->at & (r->size - 1));
		uint32_t len = __atomic_load_n((const uint32_t *)header, __ATOMIC_ACQUIRE);

		if (len & BPF_RINGBUF_BUSY_BIT)
			break;		/* reserved, not written yet */
		if (!(len & BPF_RINGBUF_DISCARD_BIT))
			ret = fn(ctx, header + HEADER, len);
		r->at += (HEADER + (len & ~BPF_RINGBUF_DISCARD_BIT) + 7) & ~7ull;
		if (++n % RING_TELL == 0)
			tell(r);
	}
	if (n)
		tell(r);
	return ret;
}

void ring_wait(struct ring *r, int timeout_ms)
{
	struct pollfd p = { .fd = r->fd, .events = POLLIN };

	poll(&p, 1, timeout_ms);
}
