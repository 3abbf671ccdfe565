/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which connection an event is about and who has it: the same for most events of a
 * connection, so a view keeps the text it made of them, together with them, and shows it
 * again only for what compares as equal. In a header because it is asked at every event.
 */
#ifndef TCPTRACE_ENDS_H
#define TCPTRACE_ENDS_H

#include "view.h"

/* All that the keys of JSON from "conn" to "netns" are made of. */
struct ends {
	uint64_t conn, cookie;			/* 0: unknown */
	uint32_t listener, netns;
	uint8_t laddr[16], raddr[16];		/* any, port 0: unknown */
	uint16_t lport, rport;
	uint8_t family;
};

/* A record of a call on a socket whose addresses were not read has none: its conn knows them. */
static inline bool ends_of_conn(const struct model_event *ev)
{
	return ev->c && !ev->rec->lport && addr_is_any(ev->rec->laddr);
}

static inline const uint8_t *event_local(const struct model_event *ev, uint16_t *port)
{
	bool conn = ends_of_conn(ev);

	*port = conn ? ev->c->lport : ev->rec->lport;
	return conn ? ev->c->laddr : ev->rec->laddr;
}

static inline const uint8_t *event_remote(const struct model_event *ev, uint16_t *port)
{
	static const uint8_t unknown[16];
	bool conn = ends_of_conn(ev);

	*port = 0;
	if (tcptrace_of_listener(ev->rec))
		return unknown;
	/* a connect() that fails takes the remote end off its socket, and so does a listener that closes (tcp_disconnect()) */
	conn |= ev->c && !ev->rec->rport;
	*port = conn ? ev->c->rport : ev->rec->rport;
	return conn ? ev->c->raddr : ev->rec->raddr;
}

/* Of the socket the line is about. A record of accept or connect-return has a duration in its place. */
static inline uint64_t event_cookie(const struct model_event *ev)
{
	uint8_t event = ev->rec->event;
	uint64_t cookie = ev->c ? ev->c->cookie : ev->l ? ev->l->cookie : 0;

	if (!cookie && !ev->l && event != TCPTRACE_ACCEPT && event != TCPTRACE_CONNECT_RETURN)
		return ev->rec->cookie;
	return cookie;
}

static inline void event_ends(const struct model_event *ev, struct ends *e)
{
	e->conn = ev->conn;
	e->cookie = event_cookie(ev);
	e->listener = ev->l ? ev->l->id : 0;
	e->netns = ev->rec->netns;
	memcpy(e->laddr, event_local(ev, &e->lport), sizeof(e->laddr));
	memcpy(e->raddr, event_remote(ev, &e->rport), sizeof(e->raddr));
	e->family = ev->rec->family;
}

/* Member by member: the one at hand never leaves the registers. */
static inline bool same_ends(const struct ends *a, const struct ends *b)
{
	return a->conn == b->conn && a->cookie == b->cookie && a->listener == b->listener &&
	       a->netns == b->netns && !memcmp(a->laddr, b->laddr, sizeof(a->laddr)) &&
	       !memcmp(a->raddr, b->raddr, sizeof(a->raddr)) && a->lport == b->lport &&
	       a->rport == b->rport && a->family == b->family;
}

/* Not by which of its threads and descriptors. */
static inline bool same_process(const struct owner *a, const struct owner *b)
{
	return a->pid == b->pid && !memcmp(a->comm, b->comm, TCPTRACE_COMM_LEN);
}

#endif
