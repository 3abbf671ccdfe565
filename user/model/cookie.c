// SPDX-License-Identifier: GPL-2.0-only
/*
 * SYN cookies: sent instead of queueing a request, and what comes back. Tracepoints do not tell what became of one: its
 * effects do.
 */
#include <errno.h>
#include <stdlib.h>

#include "internal.h"

#define KNOWN	SIZED(1024u, 2u)

/* Whom cookies went to lately, by tracepoints: one in each place, the last one. */
struct cookies {
	struct {
		struct tuple tuple;
		uint64_t t_ns;			/* 0: free */
	} sent[KNOWN];
};

int cookies_init(struct model *m)
{
	m->cookies = calloc(1, sizeof(*m->cookies));
	return m->cookies ? 0 : -ENOMEM;
}

static void remember(struct model *m, const struct tcptrace_record *rec)
{
	struct tuple t;
	uint32_t at;

	rec_tuple(rec, &t);
	at = index_hash(m, &t) % KNOWN;
	m->cookies->sent[at].tuple = t;
	m->cookies->sent[at].t_ns = rec->t_ns;
}

bool cookie_went_to(const struct model *m, const struct tcptrace_record *rec)
{
	struct tuple t;
	uint32_t at;

	rec_tuple(rec, &t);
	at = index_hash(m, &t) % KNOWN;
	return m->cookies->sent[at].t_ns && !memcmp(&m->cookies->sent[at].tuple, &t, sizeof(t)) &&
	       rec->t_ns - m->cookies->sent[at].t_ns < COOKIE_VALID_NS;
}

/*
 * A cookie handshake has no request: between the ACK and the child, the conn is
 * known by its ends alone. Only a valid cookie makes one, so a flood does not.
 */
struct conn *cookie_conn(struct model *m, const struct tcptrace_record *rec)
{
	struct conn *c = index_find_rec(m, rec);

	if (c && c->state != TCP_S_TIME_WAIT && c->state != TCP_S_CLOSE)
		return c;
	if (!rec->lport || !rec->rport)
		return NULL;
	c = conn_new(m);
	c->state = TCP_S_NEW_SYN_RECV;
	c->born_ns = c->state_ns = rec->t_ns;
	conn_learn(m, c, rec);
	queue_set_listener(m, c, listener_of(m, rec, c));
	age_set(m, c, LIST_LINGER);
	return c;
}

/*
 * Tracepoints see a SYN-ACK leave that belongs to no request, and name some listener of its port. Whose it is says the
 * address that it left from; the lengths are those of whom the record names.
 */
static void name_sender(struct model *m, struct tcptrace_record *rec)
{
	struct listener *l = listener_of_cookie(m, rec);

	if (!l || l->sk == rec->listener)
		return;
	rec->listener = l->sk;
	rec->flags &= ~TCPTRACE_F_QUEUES;
}

static void sent_or_back(struct model *m, const struct tcptrace_record *rec)
{
	struct conn *c = rec->event == TCPTRACE_COOKIE_OK ? cookie_conn(m, rec) : NULL;
	struct listener *l = listener_of(m, rec, c);

	if (l && rec->event == TCPTRACE_COOKIE_SENT) {
		l->cookies_sent++;
		l->cookie_ns = rec->t_ns;
	} else if (l && rec->event == TCPTRACE_COOKIE_OK) {
		l->cookies_ok++;
	} else if (l) {
		l->cookies_bad++;
	}
	queue_numbers(m, l, rec, 0, 0);
	emit_plain(m, rec, c, l);
}

void on_cookie(struct model *m, const struct tcptrace_record *rec)
{
	struct tcptrace_record sent;

	if (rec->event == TCPTRACE_COOKIE_SENT && rec->flags & TCPTRACE_F_INFERRED) {
		request_not_met(m, rec);
		remember(m, rec);
		sent = *rec;
		name_sender(m, &sent);
		rec = &sent;
	}
	sent_or_back(m, rec);
}

/* Tracepoints do not tell what became of a cookie: its effects do. */
void cookie_infer(struct model *m, const struct tcptrace_record *rec, unsigned int event)
{
	struct tcptrace_record cookie = *rec;

	cookie.event = event;
	cookie.cause = TCPTRACE_CAUSE_NONE;
	cookie.sk = 0;
	on_cookie(m, &cookie);
}

/*
 * tcp_synq_no_recent_overflow(): within two minutes of the last cookie. A listener that never sent one
 * has the stamp 0, which is recent while jiffies pass 0, five minutes after the machine was started.
 */
bool cookie_meant(const struct listener *l, uint64_t t_ns)
{
	if (l->cookie_ns)
		return t_ns - l->cookie_ns < COOKIE_VALID_NS;
	return t_ns + 1000000000ull >= JIFFIES_ZERO_NS && t_ns < JIFFIES_ZERO_NS + COOKIE_VALID_NS;
}
