// SPDX-License-Identifier: GPL-2.0-only
/*
 * A connection for programs: one table of keys, in the order of the columns of CSV and of the members of JSON. What is
 * unknown is an empty field there and no member here.
 */
#include "../jsonout.h"
#include "conns.h"

struct value {
	enum { ABSENT, NUMBER, TEXT, BYTES, STRING, ADDRESS, TIME, YES, SENTENCE, EVENTS } kind;
	uint64_t n;
	const char *s;
	const uint8_t *addr;
};

#define N(v)	((struct value){ .kind = NUMBER, .n = (v) })
#define T(v)	((struct value){ .kind = TEXT, .s = (v) })
#define NONE	((struct value){ .kind = ABSENT })

static struct value number(uint64_t n)		/* 0: unknown */
{
	return n ? N(n) : NONE;
}

static struct value span(uint64_t ns)
{
	return ns == TIME_UNKNOWN ? NONE : N(ns);
}

static struct value text(const char *s)
{
	return s && *s ? T(s) : NONE;
}

static struct value address(const struct conn_row *r, const uint8_t *addr)
{
	return r->l->tuple.lport || r->l->tuple.rport ? (struct value){ .kind = ADDRESS, .addr = addr } : NONE;
}

static struct value total(const struct conn_row *r, uint64_t n)
{
	return r->l->totals.known ? N(n) : NONE;
}

static struct value comm(const struct owner *o)
{
	return o->pid ? (struct value){ .kind = BYTES, .s = o->comm } : NONE;
}

static struct value host(const char *word)
{
	return word ? (struct value){ .kind = STRING, .s = word } : NONE;
}

static const struct owner nobody = { .fd = -1 };

static const struct owner *peer_owner(const struct conn_row *r)
{
	return r->peer ? &r->peer->owner : &nobody;
}

static const char *role_word(const struct conn_row *r)
{
	static const char *const roles[] = { "", "server", "client" };

	return roles[r->l->role];
}

static const char *first_word(const struct conn_row *r)
{
	static const char *const firsts[] = { "", "us", "them", "both" };

	return firsts[r->l->first];
}

static const char *family_word(const struct conn_row *r)
{
	return r->l->family == 4 ? "ipv4" : r->l->family == 6 ? "ipv6" : "";
}

/* X(key, value of the row r) */
#define KEYS(X)									\
	X(t_ns,		number(r->until_ns))					\
	X(time,		((struct value){ .kind = TIME, .n = r->until_ns }))	\
	X(start_ns,	number(r->l->start_ns))					\
	X(conn,		number(r->l->conn))					\
	X(listener,	number(r->l->listener))					\
	X(cookie,	number(r->l->cookie))					\
	X(family,	text(family_word(r)))					\
	X(role,		text(role_word(r)))					\
	X(laddr,	address(r, r->l->tuple.laddr))				\
	X(lport,	number(r->l->tuple.lport))				\
	X(raddr,	address(r, r->l->tuple.raddr))				\
	X(rport,	number(r->l->tuple.rport))				\
	X(netns,	number(r->l->tuple.netns))				\
	X(pid,		number(r->l->owner.pid))				\
	X(comm,		comm(&r->l->owner))					\
	X(peer_pid,	number(peer_owner(r)->pid))				\
	X(peer_comm,	comm(peer_owner(r)))					\
	X(since,	r->l->before ? T("before") : NONE)			\
	X(synq_ns,	span(row_synq_ns(r)))					\
	X(acceptq_ns,	span(row_acceptq_ns(r)))				\
	X(connect_ns,	span(row_connect_ns(r)))				\
	X(handshake_ns,	span(row_handshake_ns(r)))				\
	X(open_ns,	span(row_open_ns(r)))					\
	X(closing_ns,	span(row_closing_ns(r)))				\
	X(life_ns,	span(row_life_ns(r)))					\
	X(bytes_in,	total(r, r->l->totals.in))				\
	X(bytes_out,	total(r, r->l->totals.out))				\
	X(undelivered,	total(r, r->l->totals.undelivered))			\
	X(unread,	total(r, r->l->totals.unread))				\
	X(segs_in,	total(r, r->l->totals.segs_in))				\
	X(segs_out,	total(r, r->l->totals.segs_out))			\
	X(retrans,	total(r, row_retrans(r)))				\
	X(tries,	number(r->l->tries))					\
	X(syns,		number(row_syns(r)))					\
	X(min_rtt_ns,	span(row_rtt_ns(r)))					\
	X(srtt_ns,	span(row_srtt_ns(r)))					\
	X(end,		T(life_end_word(r->end)))				\
	X(phase,	T(life_phase_word(life_phase(r->l))))			\
	X(first,	text(first_word(r)))					\
	X(errno,	text(row_errno_name(r)))				\
	X(text,		((struct value){ .kind = SENTENCE }))			\
	X(conn_state,	text(life_end_zeek(r->end, r->l->role)))		\
	X(inferred,	r->deduced ? ((struct value){ .kind = YES }) : NONE)	\
	X(unobserved,	r->unobserved ? ((struct value){ .kind = EVENTS, .n = r->unobserved }) : NONE) \
	X(host,		host(r->host))						\
	X(peer_host,	host(r->peer_host))

enum key {
#define KEY_ENUM(name, value) KEY_##name,
	KEYS(KEY_ENUM)
#undef KEY_ENUM
	KEYS_MAX
};

static const char *const key_names[] = {
#define KEY_NAME(name, value) #name,
	KEYS(KEY_NAME)
#undef KEY_NAME
};

static struct value value_of(const struct conn_row *r, enum key key)
{
	switch (key) {
#define KEY_VALUE(name, value) case KEY_##name: return value;
	KEYS(KEY_VALUE)
#undef KEY_VALUE
	case KEYS_MAX: break;
	}
	return NONE;
}

/* close, rst-sent: between them what JSON or CSV has there. */
static void put_events(struct out *o, uint64_t events, const char *quote, const char *between)
{
	const char *comma = "";

	for (unsigned int e = 1; e < TCPTRACE_EVENT_MAX; e++) {
		if (!(events >> e & 1))
			continue;
		out_str(o, comma);
		out_str(o, quote);
		out_str(o, tcptrace_event_name(e));
		out_str(o, quote);
		comma = between;
	}
}

static void put_time(struct view *v, struct view_clock *clock, uint64_t t_ns)
{
	out_make_room(v->out, 64 + PUT_SLACK);
	out_take(v->out, view_rfc3339(clock, out_at(v->out), (int64_t)(t_ns + (uint64_t)v->cfg.wall_offset_ns)));
}

static void value_json(struct view *v, struct view_clock *clock, const struct conn_row *r, const struct value *x)
{
	struct out *o = v->out;

	switch (x->kind) {
	case NUMBER:
		out_u64(o, x->n);
		return;
	case BYTES:
		out_json(o, x->s, TCPTRACE_COMM_LEN);
		return;
	case STRING:
		out_json(o, x->s, 255);
		return;
	case YES:
		out_str(o, "true");
		return;
	case EVENTS:
		out_char(o, '[');
		put_events(o, x->n, "\"", ",");
		out_char(o, ']');
		return;
	default:
		break;
	}
	out_char(o, '"');		/* nothing in these needs an escape */
	if (x->kind == ADDRESS)
		out_addr(o, x->addr);
	else if (x->kind == TIME)
		put_time(v, clock, x->n);
	else if (x->kind == SENTENCE)
		row_sentence(o, r, true);
	else
		out_str(o, x->s);
	out_char(o, '"');
}

void keys_json(struct view *v, struct view_clock *clock, const struct conn_row *r)
{
	out_make_room(v->out, OUT_LINE_MAX);
	out_str(v->out, "{\"type\":\"conn\"");
	for (unsigned int k = 0; k < KEYS_MAX; k++) {
		struct value x = value_of(r, k);

		if (x.kind == ABSENT)
			continue;
		json_key(v->out, key_names[k]);
		value_json(v, clock, r, &x);
	}
	out_char(v->out, '}');
	out_line_end(v->out);
}

/* RFC 4180: a field with a comma, a quote or a line end stands in quotes, quotes in it doubled. Names are escaped. */
static void put_quoted(struct out *o, size_t from)
{
	char field[1024];
	size_t n = o->len - from;

	if (n > sizeof(field) || (!memchr(o->buf + from, ',', n) && !memchr(o->buf + from, '"', n)))
		return;
	memcpy(field, o->buf + from, n);
	o->len = from;
	out_char(o, '"');
	for (size_t i = 0; i < n; i++) {
		if (field[i] == '"')
			out_char(o, '"');
		out_char(o, field[i]);
	}
	out_char(o, '"');
}

static void value_csv(struct view *v, struct view_clock *clock, const struct conn_row *r, const struct value *x)
{
	struct out *o = v->out;
	size_t from = o->len;

	switch (x->kind) {
	case ABSENT: return;
	case NUMBER: out_u64(o, x->n); return;
	case YES: out_str(o, "true"); return;
	case TIME: put_time(v, clock, x->n); return;
	case ADDRESS: out_addr(o, x->addr); return;
	case BYTES: out_safe(o, x->s, TCPTRACE_COMM_LEN); break;
	case STRING: out_safe(o, x->s, 255); break;
	case EVENTS: put_events(o, x->n, "", " "); break;
	case SENTENCE: row_sentence(o, r, true); break;
	case TEXT: out_str(o, x->s); break;
	}
	put_quoted(o, from);
}

void keys_csv(struct view *v, struct view_clock *clock, const struct conn_row *r)
{
	out_make_room(v->out, OUT_LINE_MAX);
	for (unsigned int k = 0; k < KEYS_MAX; k++) {
		struct value x = value_of(r, k);

		if (k)
			out_char(v->out, ',');
		value_csv(v, clock, r, &x);
	}
	out_line_end(v->out);
}

void keys_csv_header(struct view *v)
{
	for (unsigned int k = 0; k < KEYS_MAX; k++) {
		if (k)
			out_char(v->out, ',');
		out_str(v->out, key_names[k]);
	}
	out_line_end(v->out);
}
