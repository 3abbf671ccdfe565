// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bytes changed by chance are mostly refused by the reader. What goes deeper is a
 * record that is right by itself and wrong where it stands: another event, a state
 * that does not follow, the socket of another connection, twice, too early, gone.
 */
#include <stdbool.h>
#include <string.h>

#include "../../kmod/uapi/tcptrace.h"
#include "../../user/source/file.h"
#include "records.h"

#define SIZE	sizeof(struct tcptrace_record)

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

size_t records_mutate(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	size_t head = sizeof(struct file_header), n = size > head ? (size - head) / SIZE : 0, room = (max - head) / SIZE;
	struct tcptrace_record *first = (void *)(data + head);

	state = seed * 0x9e3779b97f4a7c15ull + 1;
	for (uint32_t i = 1 + dice(4); n && i; i--) {
		if (!dice(4))
			n = reorder((uint8_t *)first, n, room);
		else if (dice(3))
			change(&first[dice((uint32_t)n)]);
		else
			borrow(&first[dice((uint32_t)n)], &first[dice((uint32_t)n)]);
	}
	return n ? head + n * SIZE : size;
}
