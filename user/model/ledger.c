// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which counter the kernel raises for which step. Where it raises it is said in
 * net/ipv4: tcp_input.c (tcp_conn_request), tcp_ipv4.c (syn_recv_sock),
 * tcp_minisocks.c (tcp_check_req), tcp.c (tcp_set_state), tcp_output.c (__tcp_retransmit_skb);
 * of connect(): attempt.c.
 */
#include "ledger.h"

#define ON(event)	(1ull << TCPTRACE_##event)

static const struct { const char *group, *name; uint64_t events; } items[LEDGER_MAX] = {
#define LEDGER_ROW(sym, group, name, events) { group, name, events },
	LEDGER_ITEMS(LEDGER_ROW)
#undef LEDGER_ROW
};

const char *ledger_group(enum ledger_item item)
{
	return items[item].group;
}

const char *ledger_name(enum ledger_item item)
{
	return items[item].name;
}

bool ledger_agrees(enum ledger_item item, uint64_t kernel, uint64_t counted)
{
	return item == LEDGER_TIMEOUTS ? kernel >= counted : kernel == counted;
}

bool ledger_seen(const struct model *m, enum ledger_item item)
{
	for (unsigned int event = 1; event < TCPTRACE_EVENT_MAX; event++) {
		if (items[item].events >> event & 1 && model_seen(m, event) == TCPTRACE_SEEN_NOT)
			return false;
	}
	return true;
}

uint64_t ledger_from(enum ledger_item item)
{
	return items[item].events;
}

uint64_t ledger_lost(const struct model *m, enum ledger_item item)
{
	const struct model_totals *t = model_totals(m);
	uint64_t sum = t->lost[TCPTRACE_NONE];

	for (unsigned int event = 1; event < TCPTRACE_EVENT_MAX; event++)
		sum += items[item].events >> event & 1 ? t->lost[event] : 0;
	return sum;
}

static uint64_t *column(struct ledger *l, uint32_t netns)
{
	unsigned int i;

	if (l->n && l->ns[l->last].netns == netns)
		return l->ns[l->last].count;
	for (i = 0; i < l->n && l->ns[i].netns != netns; i++)
		;
	if (i == LEDGER_NETNS)
		return NULL;
	if (i == l->n)
		l->ns[l->n++].netns = netns;
	l->last = i;
	return l->ns[i].count;
}

const uint64_t *ledger_of(const struct ledger *l, uint32_t netns)
{
	for (unsigned int i = 0; i < l->n; i++)
		if (l->ns[i].netns == netns)
			return l->ns[i].count;
	return NULL;
}

static void book_drop(uint64_t *n, unsigned int cause)
{
	n[LEDGER_LISTEN_DROPS]++;	/* tcp_listendrop() */
	if (cause == TCPTRACE_DROP_ACCEPTQ_SYN || cause == TCPTRACE_DROP_ACCEPTQ_ACK ||
	    cause == TCPTRACE_DROP_ACCEPTQ_COOKIE)
		n[LEDGER_LISTEN_OVERFLOWS]++;
	else if (cause == TCPTRACE_DROP_SYNQ_FULL)
		n[LEDGER_REQQ_FULL_DROP]++;
}

static void book_synq_del(uint64_t *n, const struct model_event *ev)
{
	if (ev->cause == TCPTRACE_SYNQ_RESET) {
		n[LEDGER_EMBRYONIC_RSTS]++;
		/* a RST of ours is no failed attempt of the peer's: tcp_check_req() */
		if (!ev->c || !ev->c->aborted)
			n[LEDGER_ATTEMPT_FAILS]++;
	} else if (ev->counted & COUNTED_DROP) {
		n[LEDGER_LISTEN_DROPS]++;	/* ICMP: tcp_req_err() */
	} else if (ev->cause == TCPTRACE_SYNQ_EXPIRED || (ev->rec->event == TCPTRACE_SYNQ_DEL && ev->rec->ret == TCPTRACE_UNSENT)) {
		n[LEDGER_TIMEOUTS]++;		/* tcp_syn_ack_timeout() */
	}
}

static void book_state(uint64_t *n, const struct model_event *ev)
{
	if (ev->old == TCP_S_LISTEN && ev->new == TCP_S_SYN_RECV)
		n[LEDGER_PASSIVE_OPENS]++;	/* tcp_create_openreq_child() */
	if (ev->new == TCP_S_CLOSE && (ev->old == TCP_S_ESTABLISHED || ev->old == TCP_S_CLOSE_WAIT))
		n[LEDGER_ESTAB_RESETS]++;	/* tcp_set_state() */
}

/* By segments: tcp_skb_pcount(). Those that failed before the kernel counted them have no record. */
static void book_retrans(uint64_t *n, const struct tcptrace_record *rec)
{
	n[LEDGER_RETRANS_SEGS] += rec->flags & TCPTRACE_F_ACTOR || !rec->arg ? 1 : rec->arg;
}

static void book_attempt(uint64_t *n, uint8_t counted)
{
	n[LEDGER_ACTIVE_OPENS] += !!(counted & COUNTED_OPEN);
	n[LEDGER_ATTEMPT_FAILS] += !!(counted & COUNTED_FAIL);
}

static bool counts(const struct ledger *l, uint32_t netns)
{
	return !l->only || l->only == netns;
}

void ledger_event(struct ledger *l, const struct model_event *ev)
{
	uint64_t *n;

	if (!counts(l, ev->rec->netns))
		return;
	n = column(l, ev->rec->netns);
	if (!n) {
		l->left_out++;
		return;
	}
	book_attempt(n, ev->counted);
	switch (ev->event) {
	case TCPTRACE_DROP:
		book_drop(n, ev->cause);
		break;
	case TCPTRACE_SYNQ_DEL:
		book_synq_del(n, ev);
		break;
	case TCPTRACE_COOKIE_SENT:
		n[LEDGER_COOKIES_SENT]++;
		break;
	case TCPTRACE_COOKIE_OK:
		n[LEDGER_COOKIES_RECV]++;
		break;
	case TCPTRACE_COOKIE_BAD:
		n[LEDGER_COOKIES_FAILED]++;
		break;
	case TCPTRACE_ACCEPTQ_ADD:
		if (ev->cause == TCPTRACE_ACCEPTQ_FASTOPEN)
			n[LEDGER_FASTOPEN_PASSIVE]++;
		break;
	case TCPTRACE_STATE:
		book_state(n, ev);
		break;
	case TCPTRACE_RETRANS:
		book_retrans(n, ev->rec);
		break;
	case TCPTRACE_SYNACK_RETRANS:
		n[LEDGER_RETRANS_SEGS]++;
		break;
	}
}

void ledger_settle(struct ledger *l, const struct model *m, const struct conn *c)
{
	uint64_t *n = counts(l, c->netns) ? column(l, c->netns) : NULL;

	if (n)
		book_attempt(n, model_counted(m, c));
}
