/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table of fields: everything a view can say about an event, once. The
 * columns of the table, the keys of JSON, --help-fields and the manual read it.
 */
#ifndef TCPTRACE_FIELD_H
#define TCPTRACE_FIELD_H

#include "view.h"

/* How a value is written. */
enum field_kind {
	FK_U64, FK_I64,
	FK_NAME,			/* a word of ours: safe as it is */
	FK_COMM,			/* a word from outside: never safe */
	FK_ADDR,
	FK_WALL,			/* t_ns, to be shown as wall clock */
	FK_TRUE,			/* a flag: present or absent */
	FK_ENDPOINT,			/* addr:port */
	FK_OF,				/* n/max */
	FK_MS,				/* ns, to be shown as milliseconds */
	FK_TIME,			/* t_ns, to be shown as -t or -T want it */
	FK_DETAIL,			/* what is left to say: table only */
};

struct value {
	union {
		uint64_t u;
		int64_t i;
		const char *s;
		const uint8_t *addr;
	};
	uint32_t n;			/* FK_ENDPOINT: port; FK_OF: max */
};

/* The columns of the table come first, in their order. */
enum column_id {
	COLUMN_TIME, COLUMN_EVENT, COLUMN_CONN, COLUMN_PID, COLUMN_TID, COLUMN_COMM,
	COLUMN_NETNS, COLUMN_COOKIE, COLUMN_LOCAL, COLUMN_REMOTE, COLUMN_MS,
	COLUMN_SYNQ, COLUMN_ACCEPTQ, COLUMN_DETAIL, COLUMN_COUNT,
};

struct field {
	const char *name;		/* JSON key, or the column's name in --help-fields */
	const char *title;		/* of the column; NULL: JSON only */
	enum field_kind kind;
	const char *unit;		/* "" : none */
	const char *help;
	bool (*get)(const struct model_event *ev, struct value *v);	/* false: unknown */
};

extern const struct field fields[];
extern const unsigned int field_count;	/* fields[COLUMN_COUNT ..] are the keys of JSON */

/* What the keys from "conn" to "netns" say; to be compared as bytes. */
struct event_ends {
	uint64_t conn, cookie, listener;
	uint8_t laddr[16], raddr[16];
	uint32_t netns, lport, rport;
	bool ipv4, ipv6, local, remote;		/* known */
};

void event_ends(const struct model_event *ev, struct event_ends *ends);
bool event_errno(const struct model_event *ev, struct value *v);	/* a call that failed */
bool event_ret(const struct model_event *ev, struct value *v);		/* a call that returned */
bool event_how(const struct model_event *ev, struct value *v);		/* shutdown */

void fields_help(struct out *o);	/* --help-fields */

#endif
