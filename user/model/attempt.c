// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attempts to connect, as the kernel counts them. ActiveOpens is raised in tcp_connect(), when the SYN was handed to
 * IP: after the transition to SYN_SENT, which is made before a port is looked for and which Fast Open and TCP_REPAIR
 * make without sending. AttemptFails is raised in tcp_done() and tcp_check_req(), so not by close(), shutdown(),
 * connect(AF_UNSPEC) or the end of a listener, which go by tcp_disconnect() or tcp_set_state(). No record tells of
 * these functions; what comes after the transition does, at last the segments that the socket has sent.
 */
#include <errno.h>

#include "internal.h"

enum {
	OPENING = 0x01,		/* in SYN_SENT; whether a SYN left is not known yet */
	OPENED = 0x02,		/* it did, and was counted */
	FAILING = 0x04,		/* left SYN_SENT for CLOSE; the reason is not known yet */
	SHUT = 0x08,		/* shutdown() was called in SYN_SENT */
	FASTOPEN = 0x10,	/* a server's child of Fast Open whose third packet has not come */
	FORGOTTEN = 0x20,	/* taken down with its listener */
	SECOND = 0x40,		/* of two children of one request the one that is thrown away */
	THROWN = 0x80,		/* it is gone */
};

/* connect() failed before tcp_connect(): no port, no memory. */
static bool never_sent(int32_t ret)
{
	return ret == -EADDRNOTAVAIL || ret == -EADDRINUSE || ret == -ENOMEM || ret == -ENOBUFS;
}

static uint8_t opened(struct conn *c)
{
	bool first = c->attempt & OPENING;

	c->attempt = (c->attempt & ~OPENING) | OPENED;
	return first ? COUNTED_OPEN : 0;
}

/* tcp_v4_connect() on its way, or its end; *c is in SYN_SENT, or was. */
static uint8_t connect_returns(struct conn *c, int32_t ret)
{
	uint8_t counted = 0;

	if (c->attempt & OPENING && ret < 0 && ret != -EISCONN && !never_sent(ret))
		counted |= opened(c);
	if (c->attempt & FAILING && c->attempt & OPENED && ret < 0)
		counted |= COUNTED_FAIL;
	if (c->attempt & FAILING)	/* 0: connect(AF_UNSPEC) took it off */
		c->attempt = 0;
	return counted;
}

/* Says the transition out of SYN_SENT that there was a SYN? */
static bool has_sent(const struct model_event *ev)
{
	if (ev->new == TCP_S_CLOSE)
		return rec_sent_syn(ev->rec);
	return ev->rec->arg;	/* to ESTABLISHED: the sequence numbers of its handshake */
}

/*
 * connect(AF_UNSPEC): tcp_disconnect() makes the transition first and then sets an error, which may be there from such a
 * call before; whoever calls tcp_done() for a socket that segments came to, or left, has set one before.
 */
static bool is_disconnected(const struct conn *c, const struct tcptrace_record *rec)
{
	return tcptrace_has_totals(rec) && (!rec->ret || (rec->ret == -ECONNRESET && !c->reset));
}

/* tcp_done() of a socket that no segment left or came to: ss -K, where Fast Open waits for the first write. */
static bool is_aborted(const struct conn *c, const struct tcptrace_record *rec)
{
	return rec->ret < 0 && rec->ret != -ECONNRESET && !c->call_ns;
}

static uint8_t leaves_for_close(struct conn *c, const struct tcptrace_record *rec)
{
	bool given_up = c->closed || c->attempt & SHUT;

	if (given_up && c->call_ns)
		return 0;
	if (given_up || is_disconnected(c, rec))
		c->attempt = 0;
	else if (c->reset || tcptrace_has_totals(rec) || is_aborted(c, rec))	/* a RST is reported before: tcp_reset() */
		return COUNTED_FAIL;
	else
		c->attempt |= FAILING;
	return 0;
}

static uint8_t leaves_syn_sent(struct conn *c, const struct model_event *ev)
{
	uint8_t counted = has_sent(ev) || c->reset ? opened(c) : 0;

	if (ev->new == TCP_S_CLOSE)
		return counted | leaves_for_close(c, ev->rec);
	c->attempt = 0;
	return counted;
}

/*
 * tcp_done() raises AttemptFails in SYN_RECV for who stays there: a child of Fast Open, which is in the accept queue, and
 * a client whose SYN met the peer's; who was there when we began may be either.
 */
static bool stays_in_syn_recv(const struct conn *c)
{
	return c->in_acceptq || c->left_acceptq || c->acceptq_ns || c->connected ||
	       c->seen_state == TCP_S_SYN_SENT || c->seen_state == TCP_S_SYN_RECV;
}

/*
 * Any other child leaves SYN_RECV for CLOSE only when it comes second to the hash table: two segments of one peer were on
 * two CPUs, or with PREEMPT_RT in two threads, and made two children, of which inet_ehash_nolisten() destroys one
 * without counting.
 */
static uint8_t dies_in_syn_recv(struct conn *c, const struct model_event *ev)
{
	bool taken = c->left_acceptq && !c->killed;
	bool forgotten = c->attempt & FORGOTTEN || (c->listener && !c->listener->open && !taken);

	c->attempt = 0;
	if (c->closed || forgotten)
		return 0;
	if (stays_in_syn_recv(c))		/* long enough for somebody to take it off */
		return is_disconnected(c, ev->rec) ? 0 : COUNTED_FAIL;
	c->attempt = SECOND;
	return COUNTED_NOTHING;
}

static uint8_t leaves_syn_recv(struct conn *c, const struct model_event *ev)
{
	if (ev->new == TCP_S_CLOSE)
		return dies_in_syn_recv(c, ev);
	if (ev->new != TCP_S_FIN_WAIT1)
		c->attempt = 0;
	return 0;
}

/* Nothing more will come of it that could say. */
static uint8_t ends(struct conn *c)
{
	bool failed = c->attempt & FAILING && c->attempt & OPENED;

	c->attempt &= ~FAILING;
	return failed ? COUNTED_FAIL : 0;
}

/* Its request may go on, with the other child. */
static uint8_t destroyed(struct conn *c)
{
	if (!(c->attempt & SECOND))
		return ends(c);
	c->attempt = THROWN;
	return COUNTED_NOTHING;
}

/*
 * Its third packet was refused though a child had been made: it was no second one. tcp_v4_syn_recv_sock() looks for the route
 * back to the client late, and ends it by tcp_done(); for IPv6 there is none yet then.
 */
static uint8_t of_drop(struct conn *c, const struct model_event *ev)
{
	bool thrown = c->attempt & THROWN && ev->cause == TCPTRACE_DROP_NO_MEMORY;

	c->attempt &= ~THROWN;
	return thrown ? COUNTED_FAIL : 0;
}

static uint8_t of_state(struct conn *c, const struct model_event *ev)
{
	uint8_t counted;

	switch (ev->old) {
	case TCP_S_SYN_SENT:
		return leaves_syn_sent(c, ev);
	case TCP_S_SYN_RECV:
		return leaves_syn_recv(c, ev);
	case TCP_S_FIN_WAIT1:		/* closed before its third packet came, which is here now, or a RST */
		c->attempt = 0;
		break;
	}
	if (ev->new != TCP_S_SYN_SENT)
		return 0;
	counted = ends(c);
	c->attempt = OPENING;
	c->reset = false;
	return counted;
}

/* tcp_check_req() counts a RST for a child of Fast Open, before tcp_done() does so again in SYN_RECV. */
static uint8_t of_reset(struct conn *c)
{
	if (c->attempt & FASTOPEN)
		return COUNTED_FAIL;
	return c->state == TCP_S_SYN_SENT ? opened(c) : 0;
}

/* It counts a SYN for such a child, too, which it then only answers. */
static uint8_t of_answer(const struct conn *c, const struct tcptrace_record *rec)
{
	return c->attempt & FASTOPEN && rec->old == TCP_S_SYN_RECV && rec->arg & TH_SYN ? COUNTED_FAIL : 0;
}

uint8_t attempt_step(struct conn *c, const struct model_event *ev)
{
	switch (ev->event) {
	case TCPTRACE_STATE:
		return of_state(c, ev);
	case TCPTRACE_CONNECT_RETURN:
		return connect_returns(c, ev->rec->ret);
	case TCPTRACE_RETRANS:
		return c->state == TCP_S_SYN_SENT ? opened(c) : 0;
	case TCPTRACE_RST_RECEIVED:
		return of_reset(c);
	case TCPTRACE_RST_SENT:
		return of_answer(c, ev->rec);
	case TCPTRACE_SHUTDOWN:
		if (c->state == TCP_S_SYN_SENT)
			c->attempt |= SHUT;
		return 0;
	case TCPTRACE_ACCEPTQ_ADD:
		if (ev->cause == TCPTRACE_ACCEPTQ_FASTOPEN && c->state == TCP_S_SYN_RECV)
			c->attempt = FASTOPEN;
		return 0;
	case TCPTRACE_ACCEPTQ_DEL:
		if (ev->cause == TCPTRACE_ACCEPTQ_CLOSED && c->attempt)
			c->attempt |= FORGOTTEN;
		return 0;
	case TCPTRACE_CLOSE:
		return ends(c);
	case TCPTRACE_DESTROY:
		return destroyed(c);
	case TCPTRACE_DROP:
		return of_drop(c, ev);
	}
	return 0;
}

#define SENT_NS	10000000ull	/* a connect() that blocks for longer has sent its SYN: looking for a port takes us */

uint8_t model_counted(const struct model *m, const struct conn *c)
{
	if (c->attempt & FAILING)
		return c->attempt & OPENED ? COUNTED_FAIL : 0;
	return c->attempt & OPENING && c->call_ns && m->totals.last_ns > c->state_ns + SENT_NS ? COUNTED_OPEN : 0;
}
