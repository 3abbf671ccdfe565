// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of states, events and causes, and which transitions the kernel makes.
 * Tables only: this file knows no socket.
 */
#include <string.h>

#include "model.h"

static const char *const state_names[TCP_S_MAX] = {
	[TCP_S_NONE]		= "?",
	[TCP_S_ESTABLISHED]	= "ESTABLISHED",
	[TCP_S_SYN_SENT]	= "SYN_SENT",
	[TCP_S_SYN_RECV]	= "SYN_RECV",
	[TCP_S_FIN_WAIT1]	= "FIN_WAIT1",
	[TCP_S_FIN_WAIT2]	= "FIN_WAIT2",
	[TCP_S_TIME_WAIT]	= "TIME_WAIT",
	[TCP_S_CLOSE]		= "CLOSE",
	[TCP_S_CLOSE_WAIT]	= "CLOSE_WAIT",
	[TCP_S_LAST_ACK]	= "LAST_ACK",
	[TCP_S_LISTEN]		= "LISTEN",
	[TCP_S_CLOSING]		= "CLOSING",
	[TCP_S_NEW_SYN_RECV]	= "NEW_SYN_RECV",
	[TCP_S_BOUND_INACTIVE]	= "BOUND_INACTIVE",
};

static const char *const event_names[TCPTRACE_EVENT_MAX] = {
#define NAME(sym, low, name, class, doc) [TCPTRACE_##sym] = name,
	TCPTRACE_EVENTS(NAME)
#undef NAME
};

static const char *const cause_names[TCPTRACE_CAUSE_END] = {
#define NAME(sym, name, group) [TCPTRACE_##sym] = name,
	TCPTRACE_CAUSES(NAME)
#undef NAME
};

#define TO(state)	(1u << TCP_S_##state)

/*
 * What tcp_set_state() and tcp_time_wait() do. LISTEN to SYN_RECV is a child
 * being born. CLOSE from everywhere is an abort, a reset or a timeout.
 * SYN_RECV to FIN_WAIT1 and CLOSE_WAIT: a Fast Open child was accepted, and
 * closed by either side, before its handshake was complete.
 */
static const uint16_t legal[TCP_S_MAX] = {
	[TCP_S_CLOSE]		= TO(LISTEN) | TO(SYN_SENT),
	[TCP_S_LISTEN]		= TO(SYN_RECV) | TO(CLOSE),
	[TCP_S_SYN_SENT]	= TO(ESTABLISHED) | TO(SYN_RECV) | TO(CLOSE),
	[TCP_S_SYN_RECV]	= TO(ESTABLISHED) | TO(FIN_WAIT1) | TO(CLOSE_WAIT) | TO(CLOSE),
	[TCP_S_ESTABLISHED]	= TO(FIN_WAIT1) | TO(CLOSE_WAIT) | TO(CLOSE),
	[TCP_S_FIN_WAIT1]	= TO(FIN_WAIT2) | TO(CLOSING) | TO(CLOSE),
	[TCP_S_FIN_WAIT2]	= TO(TIME_WAIT) | TO(CLOSE),
	[TCP_S_CLOSING]		= TO(TIME_WAIT) | TO(CLOSE),
	[TCP_S_CLOSE_WAIT]	= TO(LAST_ACK) | TO(CLOSE),
	[TCP_S_LAST_ACK]	= TO(CLOSE),
	[TCP_S_TIME_WAIT]	= TO(CLOSE),
};

const char *tcp_state_name(unsigned int state)
{
	return state < TCP_S_MAX ? state_names[state] : "?";
}

bool tcp_transition_legal(unsigned int old, unsigned int new)
{
	return old < TCP_S_MAX && new < TCP_S_MAX && legal[old] & 1u << new;
}

const char *tcptrace_event_name(unsigned int event)
{
	return event && event < TCPTRACE_EVENT_MAX ? event_names[event] : "?";
}

int tcptrace_event_by_name(const char *name)
{
	int i;

	for (i = 1; i < TCPTRACE_EVENT_MAX; i++)
		if (!strcmp(name, event_names[i]))
			return i;
	return 0;
}

const char *tcptrace_cause_name(unsigned int cause)
{
	return cause && cause < TCPTRACE_CAUSE_END ? cause_names[cause] : "";
}
