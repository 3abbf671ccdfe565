// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages of the kernel's trace buffer in, records in the order of time out. An
 * event of tcptrace.ko is the common header of all trace events (8 bytes),
 * then the record.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <kbuffer.h>
#include <tracefs.h>

#include "kmodpage.h"

#define HEADER		8	/* struct trace_entry */
#define PAGE_ROOM	65536	/* of a sub-buffer; one page unless somebody changed it (6.8) */
#define PAGES_AT_ONCE	256	/* per CPU and drain, so that one busy CPU does not starve the others */

bool pages_layout_fits(void)
{
	char first[64], last[64], *format = tracefs_event_file_read(NULL, "tcptrace", "state", "format", NULL);
	bool fits;

	snprintf(first, sizeof(first), " t_ns;\toffset:%d;\tsize:8;", HEADER);
	snprintf(last, sizeof(last), " ret;\toffset:%zu;\tsize:4;",
		 HEADER + offsetof(struct tcptrace_record, ret));
	fits = format && strstr(format, first) && strstr(format, last);
	free(format);
	return fits;
}

int pages_open(struct pages *p, struct tracefs_instance *instance)
{
	enum kbuffer_endian order = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? KBUFFER_ENDIAN_LITTLE :
									       KBUFFER_ENDIAN_BIG;
	unsigned int cpu, there = 0;
	char file[64];

	p->ncpu = sysconf(_SC_NPROCESSORS_CONF);
	p->fds = calloc(p->ncpu, sizeof(*p->fds));
	p->raw = malloc(p->ncpu * sizeof(*p->raw));
	p->queues = calloc(p->ncpu, sizeof(*p->queues));
	p->kbuf = kbuffer_alloc(sizeof(long) == 8 ? KBUFFER_LSIZE_8 : KBUFFER_LSIZE_4, order);
	if (p->raw)
		memset(p->raw, -1, p->ncpu * sizeof(*p->raw));
	if (!p->fds || !p->raw || !p->queues || !p->kbuf)
		return -ENOMEM;
	for (cpu = 0; cpu < p->ncpu; cpu++) {
		snprintf(file, sizeof(file), "per_cpu/cpu%u/trace_pipe_raw", cpu);
		p->raw[cpu] = tracefs_instance_file_open(instance, file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		p->fds[cpu].fd = p->raw[cpu];
		p->fds[cpu].events = POLLIN;
		there += p->raw[cpu] >= 0;
	}
	return there ? 0 : -errno;
}

void pages_close(struct pages *p)
{
	unsigned int cpu;

	for (cpu = 0; cpu < p->ncpu && p->raw; cpu++)
		if (p->raw[cpu] >= 0)
			close(p->raw[cpu]);
	for (cpu = 0; cpu < p->ncpu && p->queues; cpu++)
		free(p->queues[cpu].rec);
	free(p->raw);
	free(p->fds);
	free(p->queues);
	if (p->kbuf)
		kbuffer_free(p->kbuf);
	memset(p, 0, sizeof(*p));
}

/* ---- in ---- */

static int put(struct cpu_records *q, const void *data)
{
	if (q->head == q->tail) {
		q->head = q->tail = 0;
	} else if (q->tail == q->room && q->head >= q->room / 2) {
		memmove(q->rec, q->rec + q->head, (q->tail - q->head) * sizeof(*q->rec));
		q->tail -= q->head;
		q->head = 0;
	}
	if (q->tail == q->room) {
		size_t room = q->room ? 2 * q->room : 1024;
		void *more = realloc(q->rec, room * sizeof(*q->rec));

		if (!more)
			return -ENOMEM;
		q->rec = more;
		q->room = room;
	}
	memcpy(&q->rec[q->tail++], data, sizeof(*q->rec));
	return 0;
}

static int take_page(struct pages *p, struct cpu_records *q, void *page)
{
	unsigned long long ts;
	void *event;
	int n = 0, err = 0;

	if (kbuffer_load_subbuffer(p->kbuf, page))
		return 0;
	for (event = kbuffer_read_event(p->kbuf, &ts); !err && event; event = kbuffer_next_event(p->kbuf, &ts)) {
		if (kbuffer_event_size(p->kbuf) < (int)(HEADER + sizeof(struct tcptrace_record)))
			continue;
		err = put(q, (char *)event + HEADER);
		n++;
	}
	return err ? err : n;
}

static int drain_cpu(struct pages *p, unsigned int cpu)
{
	static char page[PAGE_ROOM] __attribute__((aligned(8)));
	int i, n, sum = 0;

	for (i = 0; i < PAGES_AT_ONCE; i++) {
		ssize_t got = read(p->raw[cpu], page, sizeof(page));

		/* a CPU that was never there has no buffer, and poll() would not wait for it: it may come */
		p->fds[cpu].fd = got < 0 && errno == ENODEV ? -1 : p->raw[cpu];
		if (p->fds[cpu].fd < 0)
			break;
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (got <= 0)
			break;
		n = take_page(p, &p->queues[cpu], page);
		if (n < 0)
			return n;
		sum += n;
	}
	return sum;
}

int pages_drain(struct pages *p)
{
	unsigned int cpu;
	int n, sum = 0;

	for (cpu = 0; cpu < p->ncpu; cpu++) {
		n = p->raw[cpu] < 0 ? 0 : drain_cpu(p, cpu);
		if (n < 0)
			return n;
		sum += n;
	}
	return sum;
}

/* ---- out ---- */

static struct cpu_records *oldest(struct pages *p)
{
	struct cpu_records *q, *best = NULL;

	for (q = p->queues; q < p->queues + p->ncpu; q++) {
		if (q->head < q->tail && (!best || q->rec[q->head].t_ns < best->rec[best->head].t_ns))
			best = q;
	}
	return best;
}

int pages_deliver(struct pages *p, uint64_t until_ns, source_fn fn, void *ctx, uint64_t *delivered)
{
	struct cpu_records *q;
	int err;

	while ((q = oldest(p)) && q->rec[q->head].t_ns < until_ns) {
		err = fn(ctx, &q->rec[q->head++]);
		++*delivered;
		if (err)
			return err;
	}
	return 0;
}

bool pages_pending(const struct pages *p)
{
	unsigned int cpu;

	for (cpu = 0; cpu < p->ncpu; cpu++)
		if (p->queues[cpu].head < p->queues[cpu].tail)
			return true;
	return false;
}

int pages_wait(struct pages *p, int timeout_ms)
{
	return poll(p->fds, p->ncpu, timeout_ms) < 0 ? -errno : 0;
}

uint64_t pages_lost(const struct pages *p, struct tracefs_instance *instance)
{
	static const char *const counters[] = { "overrun:", "commit overrun:", "dropped events:" };
	uint64_t sum = 0;
	unsigned int cpu;
	size_t i;

	for (cpu = 0; cpu < p->ncpu; cpu++) {
		char file[64], *text, *at;

		snprintf(file, sizeof(file), "per_cpu/cpu%u/stats", cpu);
		text = tracefs_instance_file_read(instance, file, NULL);
		for (i = 0; text && i < sizeof(counters) / sizeof(counters[0]); i++) {
			at = strstr(text, counters[i]);
			if (at)
				sum += strtoull(at + strlen(counters[i]), NULL, 10);
		}
		free(text);
	}
	return sum;
}
