/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a run asks for: a bit for each event, and for parts of some. The BPF source hooks what delivers these and no
 * more, and says in its OBSERVED record what it does not see therefore. The module always delivers all.
 */
#ifndef TCPTRACE_EVENTS_H
#define TCPTRACE_EVENTS_H

#include "../../kmod/uapi/tcptrace.h"

#define EVENT_BIT(sym)	(1ull << TCPTRACE_##sym)
#define EVENTS_ALL	(EVENT_BIT(EVENT_MAX) - 1)
#define EVENTS_IO	(EVENT_BIT(READ) | EVENT_BIT(WRITE))
#define EVENTS_DROPPED	(1ull << 56)	/* synq-del, but of the established */
#define EVENTS_FAILED	(1ull << 57)	/* connect-return and accept of calls that failed */
#define EVENTS_CLOSED	(1ull << 58)	/* acceptq-del of those that go down with their listener */
#define EVENTS_LISTENER	(1ull << 59)	/* state, when a listener ends */
#define EVENTS_OPEN	(1ull << 60)	/* exists, of all sockets and their owners, every few seconds */

/* EXISTS is not among these, though a snapshot is taken: to ask for it is to be shown every socket that was there before. */
/*
 * -q, top, metrics: both queues of each listener. Not EVENTS_FAILED, for accept(): where a descriptor is what it lacks
 * (EMFILE), __sys_accept4() comes by no function that runs in no other call, and what looks at each return takes 106
 * instructions, 452 by kprobe, of each connection (user/source/bpf/cost.c), EAGAIN's calls beside.
 */
#define EVENTS_QUEUES							\
	(EVENT_BIT(LISTEN) | EVENT_BIT(SYNQ_ADD) | EVENT_BIT(SYNQ_DEL) | EVENT_BIT(SYNACK) |		\
	 EVENT_BIT(SYNACK_RETRANS) | EVENT_BIT(ACCEPTQ_ADD) | EVENT_BIT(ACCEPTQ_DEL) | EVENT_BIT(DROP) |	\
	 EVENT_BIT(COOKIE_SENT) | EVENT_BIT(COOKIE_OK) | EVENT_BIT(COOKIE_BAD) | EVENTS_LISTENER)
/* What a connection does after accept(): of one that somebody looks at. None of these needs another event's hooks. */
#define EVENTS_LIFE							\
	(EVENT_BIT(STATE) | EVENT_BIT(DESTROY) | EVENT_BIT(CLOSE) | EVENT_BIT(SHUTDOWN) | EVENT_BIT(RETRANS) |	\
	 EVENT_BIT(RST_RECEIVED))
/* -x: what goes wrong. A connection that goes well costs next to nothing. */
#define EVENTS_TROUBLE							\
	(EVENT_BIT(BIND) | EVENT_BIT(LISTEN) | EVENT_BIT(DROP) | EVENT_BIT(COOKIE_SENT) |		\
	 EVENT_BIT(COOKIE_BAD) | EVENT_BIT(RETRANS) | EVENT_BIT(SYNACK_RETRANS) |			\
	 EVENT_BIT(RST_SENT) | EVENT_BIT(RST_RECEIVED) |						\
	 EVENTS_DROPPED | EVENTS_FAILED | EVENTS_CLOSED | EVENTS_LISTENER)

#endif
