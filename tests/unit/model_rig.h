/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A model on the bench: records made by hand go in, the steps that come out are
 * kept. Addresses of a case: the listener LSK, requests RQ(i), children SK(i).
 */
#ifndef MODEL_RIG_H
#define MODEL_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../user/model/ledger.h"

#define MS	1000000ull
#define LSK	0xffff888000001000ull
#define RQ(i)	(0xffff888100000000ull + (i) * 328ull)
#define SK(i)	(0xffff888200000000ull + (i) * 2368ull)
#define TW(i)	(0xffff888300000000ull + (i) * 256ull)
#define SERVER	100u			/* pid that listens */
#define CLIENT	200u
#define PORT	8080

struct seen {
	struct model_event ev;
	struct tcptrace_record rec;
	uint32_t listener, pid;		/* 0: none */
	int32_t fd;
	char comm[TCPTRACE_COMM_LEN + 1], thread[TCPTRACE_COMM_LEN + 1];
};

static struct {
	struct model *m;
	struct seen seen[4096];
	unsigned int n;
	uint64_t t;
	uint32_t limit;
	struct ledger ledger;
} rig;

static inline void rig_event(void *ctx, const struct model_event *ev)
{
	struct seen *s = &rig.seen[rig.n];

	(void)ctx;
	ledger_event(&rig.ledger, ev);
	if (rig.n == sizeof(rig.seen) / sizeof(*rig.seen))
		return;
	rig.n++;
	s->ev = *ev;
	s->rec = *ev->rec;
	s->listener = ev->l ? ev->l->id : 0;
	s->pid = ev->who ? ev->who->pid : 0;
	s->fd = ev->who ? ev->who->fd : -1;
	memcpy(s->comm, ev->who ? ev->who->comm : "", ev->who ? sizeof(s->comm) : 1);
	memcpy(s->thread, ev->thread ? ev->thread : "", ev->thread ? sizeof(s->thread) : 1);
}

/* The same throws in each run. */
static uint64_t seed = 20240229;

static inline uint32_t dice(uint32_t sides)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (seed >> 20) % sides;
}

static inline int rig_up(void **state)
{
	(void)state;
	memset(&rig, 0, sizeof(rig));
	rig.t = 1000 * MS;
	rig.limit = 2;
	rig.m = model_new(NULL, rig_event, NULL);
	return rig.m ? 0 : -1;
}

static inline int rig_down(void **state)
{
	(void)state;
	model_free(rig.m);
	return 0;
}

static inline void rig_limits(uint32_t conns, uint32_t listeners)
{
	struct model_limits limits = { .conns = conns, .listeners = listeners };

	model_free(rig.m);
	rig.m = model_new(&limits, rig_event, NULL);
	assert_non_null(rig.m);
}

static inline void rig_feed(struct tcptrace_record rec)
{
	if (!rec.t_ns)
		rec.t_ns = rig.t += 1000;
	model_feed(rig.m, &rec);
}

static inline void mapped(uint8_t addr[16], uint32_t ip)
{
	memset(addr, 0, 10);
	addr[10] = addr[11] = 0xff;
	addr[12] = ip >> 24;
	addr[13] = ip >> 16;
	addr[14] = ip >> 8;
	addr[15] = ip;
}

/* A record of the server's side of client i's connection. */
static inline struct tcptrace_record server_rec(unsigned int event, unsigned int i)
{
	struct tcptrace_record rec = {
		.event = event, .family = 4, .netns = 7, .lport = PORT, .rport = 40000 + i, .fd = -1,
	};

	mapped(rec.laddr, 0x0a000001);
	mapped(rec.raddr, 0x0a000002);
	return rec;
}

static inline struct tcptrace_record client_rec(unsigned int event, unsigned int i)
{
	struct tcptrace_record rec = server_rec(event, i);
	uint8_t a[16];

	memcpy(a, rec.laddr, 16);
	memcpy(rec.laddr, rec.raddr, 16);
	memcpy(rec.raddr, a, 16);
	rec.lport = 40000 + i;
	rec.rport = PORT;
	return rec;
}

static inline struct tcptrace_record by(struct tcptrace_record rec, uint32_t pid, int32_t fd)
{
	rec.flags |= TCPTRACE_F_ACTOR;
	rec.pid = rec.tid = pid;
	rec.fd = fd;
	memset(rec.comm, 0, sizeof(rec.comm));
	memcpy(rec.comm, "prog", 4);
	return rec;
}

static inline struct tcptrace_record queues(struct tcptrace_record rec, uint32_t synq, uint32_t acceptq)
{
	rec.flags |= TCPTRACE_F_QUEUES;
	rec.listener = LSK;
	rec.synq = rec.synq_young = synq;
	rec.acceptq = acceptq;
	rec.acceptq_max = rig.limit;
	return rec;
}

static inline void state_of(struct tcptrace_record rec, uint64_t sk, uint8_t old, uint8_t new)
{
	rec.event = TCPTRACE_STATE;
	rec.sk = sk;
	rec.old = old;
	rec.new = new;
	rig_feed(rec);
}

static inline struct tcptrace_record listener_rec(unsigned int event)
{
	struct tcptrace_record rec = server_rec(event, 0);

	mapped(rec.laddr, 0);
	memset(rec.raddr, 0, 16);
	rec.rport = 0;
	rec.sk = rec.listener = LSK;
	return rec;
}

static inline void rig_listen(int backlog, uint32_t somaxconn)
{
	struct tcptrace_record rec = by(listener_rec(TCPTRACE_LISTEN), SERVER, 3);

	rig.limit = (uint32_t)backlog < somaxconn ? (uint32_t)backlog : somaxconn;
	state_of(listener_rec(0), LSK, TCP_S_CLOSE, TCP_S_LISTEN);
	rec.backlog = backlog;
	rec.somaxconn = somaxconn;
	rec.acceptq_max = rig.limit;
	rig_feed(rec);
}

static inline void synq_add(unsigned int i, uint32_t synq, uint32_t acceptq)
{
	struct tcptrace_record rec = queues(server_rec(TCPTRACE_SYNQ_ADD, i), synq, acceptq);

	rec.sk = RQ(i);
	rec.flags |= TCPTRACE_F_REQUEST;
	rig_feed(rec);
}

static inline void synq_del(unsigned int i, unsigned int cause, uint32_t synq, uint32_t acceptq)
{
	struct tcptrace_record rec = queues(server_rec(TCPTRACE_SYNQ_DEL, i), synq, acceptq);

	rec.sk = RQ(i);
	rec.cause = cause;
	rec.flags |= TCPTRACE_F_REQUEST;
	rig_feed(rec);
}

/* LISTEN to SYN_RECV as kernels up to 6.12 tell it: no remote end, the listener's cookie. */
static inline void child_half_cloned(unsigned int i)
{
	struct tcptrace_record rec = server_rec(0, i);

	memset(rec.raddr, 0, 16);
	rec.rport = 0;
	rec.cookie = 4711;
	state_of(rec, SK(i), TCP_S_LISTEN, TCP_S_SYN_RECV);
}

static inline void acceptq_add(unsigned int i, unsigned int cause, uint32_t synq, uint32_t acceptq)
{
	struct tcptrace_record rec = queues(server_rec(TCPTRACE_ACCEPTQ_ADD, i), synq, acceptq);

	rec.sk = SK(i);
	rec.req = cause == TCPTRACE_ACCEPTQ_HANDSHAKE ? RQ(i) : 0;
	rec.cause = cause;
	rig_feed(rec);
}

static inline void acceptq_del(unsigned int i, unsigned int cause, uint32_t synq, uint32_t acceptq)
{
	struct tcptrace_record rec = queues(server_rec(TCPTRACE_ACCEPTQ_DEL, i), synq, acceptq);

	rec.sk = SK(i);
	rec.cause = cause;
	rig_feed(rec);
}

static inline void accept_by(unsigned int i, uint32_t pid, uint64_t call_ns, uint32_t synq, uint32_t acceptq)
{
	struct tcptrace_record rec = queues(server_rec(TCPTRACE_ACCEPT, i), synq, acceptq);

	rec = by(rec, pid, 5 + i);
	rec.sk = SK(i);
	rec.ret = 5 + i;
	rec.call_ns = call_ns;
	rig_feed(rec);
}

static inline void destroy(struct tcptrace_record rec, uint64_t sk)
{
	rec.event = TCPTRACE_DESTROY;
	rec.sk = sk;
	rig_feed(rec);
}

static inline void drop(unsigned int i, unsigned int cause, uint64_t req, uint32_t synq, uint32_t acceptq)
{
	struct tcptrace_record rec = queues(server_rec(TCPTRACE_DROP, i), synq, acceptq);

	rec.sk = req;
	rec.flags |= req ? TCPTRACE_F_REQUEST : 0;
	rec.cause = cause;
	rig_feed(rec);
}

/* SYN to accept queue, as fentry and kprobe tell it. */
static inline void handshake(unsigned int i, uint32_t acceptq)
{
	synq_add(i, 1, acceptq - 1);
	state_of(server_rec(0, i), SK(i), TCP_S_LISTEN, TCP_S_SYN_RECV);
	synq_del(i, TCPTRACE_SYNQ_ESTABLISHED, 0, acceptq - 1);
	acceptq_add(i, TCPTRACE_ACCEPTQ_HANDSHAKE, 0, acceptq);
	state_of(server_rec(0, i), SK(i), TCP_S_SYN_RECV, TCP_S_ESTABLISHED);
}

/* The nth (from 0) step of that event, or fails. */
static inline const struct seen *nth(unsigned int event, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < rig.n; i++)
		if (rig.seen[i].ev.event == event && !n--)
			return &rig.seen[i];
	fail_msg("no such step: %s", tcptrace_event_name(event));
	return NULL;
}

static inline uint64_t count(unsigned int event)
{
	return model_totals(rig.m)->events[event];
}

/* The steps so far, as "event event event". */
static inline const char *story(unsigned int from)
{
	static char buf[4096];
	size_t len = 0;
	unsigned int i;

	buf[0] = 0;
	for (i = from; i < rig.n && len < sizeof(buf); i++) {
		const struct model_event *ev = &rig.seen[i].ev;

		len += snprintf(buf + len, sizeof(buf) - len, "%s%s", i > from ? " " : "",
				tcptrace_event_name(ev->event));
		if (ev->event == TCPTRACE_STATE && len < sizeof(buf))
			len += snprintf(buf + len, sizeof(buf) - len, ":%u>%u", ev->old, ev->new);
	}
	return buf;
}

#define assert_took(s, ns)					\
	do {							\
		assert_true((s)->ev.has_dur);			\
		assert_int_equal((s)->ev.dur_ns, ns);		\
	} while (0)

#endif
