/* SPDX-License-Identifier: GPL-2.0-only */
/* One model event and all that it points to, for the tests of views. */
#ifndef TEST_EVENT_RIG_H
#define TEST_EVENT_RIG_H

#include "edge.h"

#include "../../user/view/field.h"

static struct {
	struct tcptrace_record rec;
	struct conn c;
	struct listener l;
	struct owner who;
	struct model_event ev;
} now;

static inline void plain_event(uint8_t event)
{
	memset(&now, 0, sizeof(now));
	now.rec = (struct tcptrace_record){ .t_ns = 1000000000, .event = event, .family = 4, .lport = 8080,
					    .rport = 40412, .netns = 4026531840, .fd = -1 };
	memcpy(now.rec.laddr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1", 16);
	memcpy(now.rec.raddr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1", 16);
	now.who = (struct owner){ .pid = 812, .tid = 812, .fd = 6, .comm = "nginx" };
	now.ev = (struct model_event){ .rec = &now.rec, .event = event, .who = &now.who, .conn = 1 };
}

static inline void random_bytes(void *p, size_t n)
{
	unsigned char *s = p;

	while (n--)
		*s++ = (unsigned char)(chance() >> 8);
}

/* An event such as a hostile recording can make: every number and every byte of it by chance. */
static inline void random_event(void)
{
	random_bytes(&now, sizeof(now));
	now.rec.event %= TCPTRACE_EVENT_MAX;
	now.c.listener = NULL;
	now.who.comm[TCPTRACE_COMM_LEN] = 0;
	if (chance() & 1)
		memcpy(now.rec.laddr, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
	now.ev = (struct model_event){
		.rec = &now.rec, .event = chance() & 1 ? now.rec.event : chance() % TCPTRACE_EVENT_MAX,
		.old = now.rec.old, .new = now.rec.new, .cause = now.rec.cause % TCPTRACE_CAUSE_END,
		.flags = now.rec.flags, .conn = chance() >> chance() % 64,
		.c = chance() & 1 ? &now.c : NULL, .l = chance() & 1 ? &now.l : NULL,
		.who = chance() & 3 ? &now.who : NULL,
		.has_dur = chance() & 1, .dur_ns = chance() >> chance() % 64,
		.has_queues = chance() & 1, .synq = (uint32_t)chance(), .acceptq = (uint32_t)(chance() >> chance() % 32),
		.limit = (uint32_t)(chance() >> chance() % 32),
	};
}

#endif
