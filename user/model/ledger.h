/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ledger: what we counted, in the kernel's own terms, so that both can be
 * compared: one column of SNMP counters for each network namespace.
 */
#ifndef TCPTRACE_LEDGER_H
#define TCPTRACE_LEDGER_H

#include "model.h"

/* X(SYMBOL, "group", "counter of /proc/net/{snmp,netstat}", events that it is counted from) */
#define LEDGER_ITEMS(X)										\
	X(LISTEN_OVERFLOWS,	"TcpExt", "ListenOverflows",	ON(DROP))			\
	X(LISTEN_DROPS,		"TcpExt", "ListenDrops",	ON(DROP) | ON(SYNQ_DEL))	\
	X(REQQ_FULL_DROP,	"TcpExt", "TCPReqQFullDrop",	ON(DROP))			\
	X(COOKIES_SENT,		"TcpExt", "SyncookiesSent",	ON(COOKIE_SENT))		\
	X(COOKIES_RECV,		"TcpExt", "SyncookiesRecv",	ON(COOKIE_OK))			\
	X(COOKIES_FAILED,	"TcpExt", "SyncookiesFailed",	ON(COOKIE_BAD))			\
	X(EMBRYONIC_RSTS,	"TcpExt", "EmbryonicRsts",	ON(SYNQ_DEL))			\
	X(FASTOPEN_PASSIVE,	"TcpExt", "TCPFastOpenPassive",	ON(ACCEPTQ_ADD))		\
	X(PASSIVE_OPENS,	"Tcp",	  "PassiveOpens",	ON(STATE))			\
	X(ACTIVE_OPENS,		"Tcp",	  "ActiveOpens",	ON(STATE) | ON(CONNECT_RETURN))	\
	X(ATTEMPT_FAILS,	"Tcp",	  "AttemptFails",	ON(STATE) | ON(CONNECT_RETURN) | ON(SYNQ_DEL) | \
								ON(CLOSE) | ON(SHUTDOWN) | ON(ACCEPTQ_ADD) | ON(DROP) | \
								ON(RST_SENT) | ON(RST_RECEIVED)) \
	X(ESTAB_RESETS,		"Tcp",	  "EstabResets",	ON(STATE))			\
	X(RETRANS_SEGS,		"Tcp",	  "RetransSegs",	ON(RETRANS) | ON(SYNACK_RETRANS)) \
	X(TIMEOUTS,		"TcpExt", "TCPTimeouts",	ON(SYNQ_DEL))	/* at least */

enum ledger_item {
#define LEDGER_ENUM(sym, group, name, events) LEDGER_##sym,
	LEDGER_ITEMS(LEDGER_ENUM)
#undef LEDGER_ENUM
	LEDGER_MAX
};

#define LEDGER_NETNS	1024	/* namespaces kept apart; what happens in more is not compared */

struct ledger {
	uint32_t only;		/* the one namespace that counts; 0: all */
	unsigned int n, last;		/* last: whose step came last, nearly always the next one's, too */
	struct {
		uint32_t netns;
		uint64_t count[LEDGER_MAX];
	} ns[LEDGER_NETNS];
	uint64_t left_out;	/* steps in more namespaces than that */
};

const char *ledger_group(enum ledger_item item);
const char *ledger_name(enum ledger_item item);
/*
 * TCPTimeouts rises each time that a timer of a request fires, the last of which is its expiry; and for much else.
 * So the kernel's number is no less than ours.
 */
bool ledger_agrees(enum ledger_item item, uint64_t kernel, uint64_t counted);
/* False: some of what it is counted from is not seen, so that it says nothing. */
bool ledger_seen(const struct model *m, enum ledger_item item);
uint64_t ledger_from(enum ledger_item item);		/* the events that it is counted from */
/* How many records of what it is counted from were lost: as many counts may be missing. */
uint64_t ledger_lost(const struct model *m, enum ledger_item item);
/* Books one step. No allocation; O(namespaces). Of these events none raises a counter: whoever has them need not say it. */
#define LEDGER_STEPS	(~(1ull << TCPTRACE_SYNQ_ADD | 1ull << TCPTRACE_SYNACK | 1ull << TCPTRACE_ACCEPTQ_DEL |	\
			   1ull << TCPTRACE_ACCEPT))
void ledger_event(struct ledger *l, const struct model_event *ev);
/* At the end: what no step of this connection has said yet. */
void ledger_settle(struct ledger *l, const struct model *m, const struct conn *c);
/* What was counted in a namespace: LEDGER_MAX numbers, or NULL: nothing. */
const uint64_t *ledger_of(const struct ledger *l, uint32_t netns);

#endif
