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
	FK_TRUE,			/* a flag: present or absent */
	FK_ENDPOINT,			/* addr:port */
	FK_DIRECT,			/* in nearly every line: the views read it themselves */
};

struct value {
	union {
		uint64_t u;
		int64_t i;
		const char *s;
		const uint8_t *addr;
	};
	uint16_t port;			/* FK_ENDPOINT */
};

/* The columns of the table come first, in their order. */
enum column_id {
	COLUMN_TIME, COLUMN_EVENT, COLUMN_CONN, COLUMN_PID, COLUMN_TID, COLUMN_COMM,
	COLUMN_NETNS, COLUMN_COOKIE, COLUMN_LOCAL, COLUMN_REMOTE, COLUMN_MS,
	COLUMN_SYNQ, COLUMN_ACCEPTQ, COLUMN_DETAIL, COLUMN_COUNT,
};

/* Then the keys of a JSON event, in their order. */
enum key_id {
	KEY_T_NS = COLUMN_COUNT, KEY_TIME, KEY_EVENT, KEY_CONN, KEY_LISTENER, KEY_COOKIE, KEY_FAMILY,
	KEY_LADDR, KEY_LPORT, KEY_RADDR, KEY_RPORT, KEY_NETNS, KEY_PID, KEY_TID, KEY_COMM, KEY_FD, KEY_THREAD,
	KEY_OLD, KEY_NEW, KEY_HOW, KEY_SYNQ, KEY_SYNQ_YOUNG, KEY_SYNQ_MAX, KEY_ACCEPTQ, KEY_ACCEPTQ_MAX,
	KEY_BACKLOG, KEY_SOMAXCONN, KEY_CAUSE, KEY_RET, KEY_ERRNO, KEY_SO_ERROR, KEY_DUR_NS, KEY_QUEUED,
	KEY_INFERRED, KEY_SAMPLED, KEY_HOST, FIELD_COUNT,
};

struct field {
	const char *name;		/* JSON key, or the column's name in --help-fields */
	const char *title;		/* of the column; NULL: JSON only */
	enum field_kind kind;
	const char *unit;		/* "" : none */
	const char *help;
	bool (*get)(const struct model_event *ev, struct value *v);	/* false: unknown; NULL: FK_DIRECT */
};

extern const struct field fields[FIELD_COUNT];

/* Is it a call that returned, or one that failed? */
static inline bool event_returned(const struct model_event *ev)
{
	switch (ev->event) {
	case TCPTRACE_BIND: case TCPTRACE_LISTEN: case TCPTRACE_CONNECT_RETURN:
	case TCPTRACE_ACCEPT: case TCPTRACE_READ: case TCPTRACE_WRITE:
		return true;
	}
	return ev->rec->ret < 0 && ev->event == ev->rec->event && (ev->rec->flags & TCPTRACE_F_ACTOR);
}

bool event_errno(const struct model_event *ev, struct value *v);	/* a call that failed */
bool event_so_error(const struct model_event *ev, struct value *v);	/* or will have */
bool event_ret(const struct model_event *ev, struct value *v);		/* a call that returned */
bool event_how(const struct model_event *ev, struct value *v);		/* shutdown */

void fields_help(struct out *o);	/* --help-fields */

#endif
