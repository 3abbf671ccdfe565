// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bytes changed by chance are mostly refused by the reader. What goes deeper is a
 * record that is right by itself and wrong where it stands: another event, a state
 * that does not follow, the socket of another connection, twice, too early, gone.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../../kmod/uapi/tcptrace.h"
#include "../../user/source/file.h"
#include "../../user/source/short.h"
#include "records.h"

#define SIZE	sizeof(struct tcptrace_record)
#define HEAD	sizeof(struct file_header)

static uint64_t state;

static uint32_t dice(uint32_t sides)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 20) % sides;
}

/* Something of another record: that is how identities clash. */
static void borrow(struct tcptrace_record *r, const struct tcptrace_record *from)
{
	switch (dice(8)) {
	case 0: r->sk = from->sk; break;
	case 1: r->listener = from->listener; break;
	case 2: r->sk = from->listener; break;
	case 3: r->req = from->sk; break;
	case 4: r->cookie = from->cookie; break;
	case 5: r->t_ns = from->t_ns; break;
	case 6: memcpy(r->laddr, from->laddr, sizeof(r->laddr)); r->lport = from->lport; break;
	case 7: memcpy(r->raddr, from->raddr, sizeof(r->raddr)); r->rport = from->rport; break;
	}
}

static void change(struct tcptrace_record *r)
{
	static const uint32_t odd[] = { 0, 1, 2, 127, 128, 129, 65535, 0x7fffffff, 0x80000000, 0xffffffff };
	uint32_t number = odd[dice(sizeof(odd) / sizeof(odd[0]))];

	switch (dice(18)) {
	case 0: r->event = (uint8_t)(1 + dice(TCPTRACE_EVENT_MAX)); break;
	case 1: r->old = (uint8_t)dice(14); break;
	case 2: r->new = (uint8_t)dice(14); break;
	case 3: r->cause = (uint8_t)dice(TCPTRACE_CAUSE_END + 1); break;
	case 4: r->flags ^= (uint8_t)(1u << dice(8)); break;
	case 5: r->t_ns += dice(2) ? dice(1u << 30) : ((uint64_t)number << dice(33)); break;
	case 6: r->sk ^= 64u << dice(4); break;
	case 7: r->listener = dice(2) ? 0 : r->listener ^ 64; break;
	case 8: r->ret = (int32_t)(dice(2) ? number : 0u - dice(150)); break;
	case 9: r->synq = number; break;
	case 10: r->acceptq = number; break;
	case 11: r->acceptq_max = number; break;
	case 12: r->backlog = (int32_t)number; break;
	case 13: r->fd = (int32_t)number; break;
	case 14: r->pid = number; r->tid = dice(2) ? number : r->tid; break;
	case 15: r->comm[dice(TCPTRACE_COMM_LEN)] = (char)dice(256); break;
	case 16: r->family = dice(2) ? 4 : 6; break;
	case 17: r->arg = number; r->netns = dice(3); break;
	}
}

/* One record more, less, or two that change places. n: how many there are. */
static size_t reorder(uint8_t *first, size_t n, size_t room)
{
	uint8_t *a = first + dice((uint32_t)n) * SIZE, *b = first + dice((uint32_t)n) * SIZE, copy[SIZE];

	switch (dice(3)) {
	case 0:
		if (n == room)
			return n;
		memcpy(copy, b, SIZE);
		memmove(a + SIZE, a, (size_t)(first + n * SIZE - a));
		memcpy(a, copy, SIZE);
		return n + 1;
	case 1:
		memmove(a, a + SIZE, (size_t)(first + n * SIZE - a) - SIZE);
		return n - 1;
	default:
		memcpy(copy, a, SIZE);
		memcpy(a, b, SIZE);
		memcpy(b, copy, SIZE);
		return n;
	}
}

/* All records to their whole size, as far as there is room. */
static size_t lengthen(uint8_t *data, size_t size, size_t max)
{
	uint8_t *from = malloc(size);
	struct tcptrace_record whole;
	size_t at = HEAD, to = HEAD, n;

	memcpy(from, data, size);
	for (; size - at >= SHORT_SIZE && max - to >= SIZE; at += n, to += SIZE) {
		n = *(const record_word *)(from + at) & SHORT_MARK ? SHORT_SIZE : SIZE;
		if (size - at < n)
			break;
		if (n == SHORT_SIZE)
			short_to_whole((const record_word *)(from + at), &whole);
		else
			memcpy(&whole, from + at, SIZE);
		memcpy(data + to, &whole, SIZE);
	}
	free(from);
	return to;
}

/* And back, where they fit. */
static size_t shorten(uint8_t *data, size_t size)
{
	struct tcptrace_record whole;
	record_word half[SHORT_SIZE / sizeof(record_word)];
	size_t to = HEAD;

	for (size_t at = HEAD; size - at >= SIZE; at += SIZE) {
		memcpy(&whole, data + at, SIZE);
		if (short_fits(&whole)) {
			short_from(&whole, whole.sk, half);
			memcpy(data + to, half, SHORT_SIZE);
			to += SHORT_SIZE;
		} else {
			memcpy(data + to, &whole, SIZE);
			to += SIZE;
		}
	}
	return to;
}

static size_t mutate(uint8_t *data, size_t size, size_t max)
{
	size_t n = size > HEAD ? (size - HEAD) / SIZE : 0, room = (max - HEAD) / SIZE;
	struct tcptrace_record *first = (void *)(data + HEAD);

	for (uint32_t i = 1 + dice(4); n && i; i--) {
		if (!dice(4))
			n = reorder((uint8_t *)first, n, room);
		else if (dice(3))
			change(&first[dice((uint32_t)n)]);
		else
			borrow(&first[dice((uint32_t)n)], &first[dice((uint32_t)n)]);
	}
	return n ? HEAD + n * SIZE : size;
}

size_t records_mutate(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	struct file_header *h = (void *)data;

	state = seed * 0x9e3779b97f4a7c15ull + 1;
	if (h->format == FILE_FORMAT)
		size = lengthen(data, size, max);
	size = mutate(data, size, max);
	if (h->format != FILE_FORMAT && h->format != FILE_FORMAT_WHOLE)
		return size;
	h->format = dice(2) ? FILE_FORMAT : FILE_FORMAT_WHOLE;
	return h->format == FILE_FORMAT ? shorten(data, size) : size;
}
