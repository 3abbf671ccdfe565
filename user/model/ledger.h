/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ledger: what we counted, in the kernel's own terms, so that both can be
 * compared: one column of SNMP counters for each network namespace.
 */
#ifndef TCPTRACE_LEDGER_H
#define TCPTRACE_LEDGER_H

#include "model.h"

/* X(SYMBOL, "group", "counter of /proc/net/{snmp,netstat}") */
#define LEDGER_ITEMS(X)						\
	X(LISTEN_OVERFLOWS,	"TcpExt", "ListenOverflows")	\
	X(LISTEN_DROPS,		"TcpExt", "ListenDrops")	\
	X(REQQ_FULL_DROP,	"TcpExt", "TCPReqQFullDrop")	\
	X(COOKIES_SENT,		"TcpExt", "SyncookiesSent")	\
	X(COOKIES_RECV,		"TcpExt", "SyncookiesRecv")	\
	X(COOKIES_FAILED,	"TcpExt", "SyncookiesFailed")	\
	X(EMBRYONIC_RSTS,	"TcpExt", "EmbryonicRsts")	\
	X(FASTOPEN_PASSIVE,	"TcpExt", "TCPFastOpenPassive")	\
	X(PASSIVE_OPENS,	"Tcp",	  "PassiveOpens")	\
	X(ACTIVE_OPENS,		"Tcp",	  "ActiveOpens")	\
	X(ATTEMPT_FAILS,	"Tcp",	  "AttemptFails")	\
	X(ESTAB_RESETS,		"Tcp",	  "EstabResets")	\
	X(RETRANS_SEGS,		"Tcp",	  "RetransSegs")

enum ledger_item {
#define LEDGER_ENUM(sym, group, name) LEDGER_##sym,
	LEDGER_ITEMS(LEDGER_ENUM)
#undef LEDGER_ENUM
	LEDGER_MAX
};

#define LEDGER_NETNS	64	/* namespaces kept apart; what happens in more is not compared */

struct ledger {
	unsigned int n;
	struct {
		uint32_t netns;
		uint64_t count[LEDGER_MAX];
	} ns[LEDGER_NETNS];
};

const char *ledger_group(enum ledger_item item);
const char *ledger_name(enum ledger_item item);
/* Books one step. No allocation; O(namespaces). */
void ledger_event(struct ledger *l, const struct model_event *ev);
/* At the end: what no step has said yet. */
void ledger_settle(struct ledger *l, const struct model *m);
/* What was counted in a namespace: LEDGER_MAX numbers, or NULL: nothing. */
const uint64_t *ledger_of(const struct ledger *l, uint32_t netns);

#endif
