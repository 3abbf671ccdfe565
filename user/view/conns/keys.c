// SPDX-License-Identifier: GPL-2.0-only
/* A connection for programs. */
#include "../members.h"
#include "conns.h"

static void number(struct members *t, const char *key, uint64_t n)	/* 0: unknown */
{
	member_u64(t, key, n, n);
}

static void span(struct members *t, const char *key, uint64_t ns)
{
	member_u64(t, key, ns != TIME_UNKNOWN, ns);
}

static void address(struct members *t, const struct conn_row *r, const char *key, const uint8_t *addr)
{
	member_addr(t, key, r->l->tuple.lport || r->l->tuple.rport, addr);
}

static void comm(struct members *t, const char *key, const struct owner *o)
{
	member_name(t, key, o->pid, o->comm, TCPTRACE_COMM_LEN);
}

static void host(struct members *t, const char *key, const char *name)
{
	member_name(t, key, name, name, 255);
}

static void put_which(struct members *t, const struct conn_row *r)
{
	static const char *const roles[] = { "", "server", "client" };
	const struct conn_life *l = r->l;

	number(t, "start_ns", l->start_ns);
	number(t, "conn", l->conn);
	number(t, "listener", l->listener);
	number(t, "cookie", l->cookie);
	member_word(t, "family", l->family == 4 ? "ipv4" : l->family == 6 ? "ipv6" : "");
	member_word(t, "role", roles[l->role]);
	address(t, r, "laddr", l->tuple.laddr);
	number(t, "lport", l->tuple.lport);
	address(t, r, "raddr", l->tuple.raddr);
	number(t, "rport", l->tuple.rport);
	number(t, "netns", l->tuple.netns);
}

static void put_who(struct members *t, const struct conn_row *r)
{
	static const struct owner nobody = { .fd = -1 };
	const struct owner *peer = r->peer ? &r->peer->owner : &nobody;

	number(t, "pid", r->l->owner.pid);
	comm(t, "comm", &r->l->owner);
	number(t, "peer_pid", peer->pid);
	comm(t, "peer_comm", peer);
	member_word(t, "since", r->l->before ? "before" : NULL);
}

static void put_times(struct members *t, const struct conn_row *r)
{
	span(t, "synq_ns", row_synq_ns(r));
	span(t, "acceptq_ns", row_acceptq_ns(r));
	span(t, "connect_ns", row_connect_ns(r));
	span(t, "handshake_ns", row_handshake_ns(r));
	span(t, "open_ns", row_open_ns(r));
	span(t, "closing_ns", row_closing_ns(r));
	span(t, "life_ns", row_life_ns(r));
}

static void put_traffic(struct members *t, const struct conn_row *r)
{
	const struct conn_life *l = r->l;

	member_u64(t, "bytes_in", l->totals.known, l->totals.in);
	member_u64(t, "bytes_out", l->totals.known, l->totals.out);
	member_u64(t, "undelivered", l->totals.known, l->totals.undelivered);
	member_u64(t, "unread", l->totals.known, l->totals.unread);
	member_u64(t, "segs_in", l->totals.known, l->totals.segs_in);
	member_u64(t, "segs_out", l->totals.known, l->totals.segs_out);
	member_u64(t, "retrans", l->totals.known, row_retrans(r));
	number(t, "tries", l->tries);
	number(t, "syns", row_syns(r));
	span(t, "min_rtt_ns", row_rtt_ns(r));
	span(t, "srtt_ns", row_srtt_ns(r));
}

static void put_end(struct members *t, const struct conn_row *r)
{
	static const char *const firsts[] = { "", "us", "them", "both" };
	size_t from;

	member_word(t, "end", life_end_word(r->end));
	member_word(t, "phase", life_phase_word(life_phase(r->l)));
	member_word(t, "first", firsts[r->l->first]);
	member_word(t, "errno", row_errno_name(r));
	if (member_text(t, "text", true, &from)) {
		row_sentence(t->o, r, true);
		member_text_end(t, from);
	}
	member_word(t, "conn_state", life_end_zeek(r->l, r->end));
	member_bool(t, "inferred", r->deduced, true);
	member_words(t, "unobserved", r->unobserved, tcptrace_event_name, true);
}

static void put(struct members *t, struct view *v, struct view_clock *clock, const struct conn_row *r)
{
	number(t, "t_ns", r->until_ns);
	member_time(t, "time", true, clock, (int64_t)(r->until_ns + (uint64_t)v->cfg.wall_offset_ns));
	put_which(t, r);
	put_who(t, r);
	put_times(t, r);
	put_traffic(t, r);
	put_end(t, r);
	host(t, "host", r->host);
	host(t, "peer_host", r->peer_host);
	members_end(t);
}

void keys_put(struct view *v, struct view_clock *clock, const struct conn_row *r)
{
	struct members t;

	members_begin(&t, v->out, v->cfg.json, "conn");
	put(&t, v, clock, r);
}

void keys_header(struct view *v)
{
	static const struct conn_life none;
	struct members t;

	members_header(&t, v->out);
	put(&t, v, NULL, &(struct conn_row){ .l = &none });
}
