/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table of fields and its getters. A getter answers from the event alone
 * and says false when the value is unknown: a view then shows "-" or leaves
 * the key out, never a 0 that was not measured.
 */
#include "field.h"

static bool is_call(const struct model_event *ev)
{
	switch (ev->event) {
	case TCPTRACE_BIND: case TCPTRACE_LISTEN: case TCPTRACE_CONNECT_RETURN:
	case TCPTRACE_ACCEPT: case TCPTRACE_READ: case TCPTRACE_WRITE:
		return true;
	}
	return ev->event == ev->rec->event && ev->rec->ret < 0 && (ev->rec->flags & TCPTRACE_F_ACTOR);
}

static bool get_t_ns(const struct model_event *ev, struct value *v)
{
	v->u = ev->rec->t_ns;
	return true;
}

static bool get_event(const struct model_event *ev, struct value *v)
{
	v->s = tcptrace_event_name(ev->event);
	return true;
}

static bool get_conn(const struct model_event *ev, struct value *v)
{
	v->u = ev->conn;
	return v->u != 0;
}

static bool get_listener(const struct model_event *ev, struct value *v)
{
	v->u = ev->l ? ev->l->id : 0;
	return v->u != 0;
}

/* Of the socket the line is about. A record of accept or connect-return has a duration in its place. */
static bool get_cookie(const struct model_event *ev, struct value *v)
{
	uint8_t event = ev->rec->event;

	v->u = 0;
	if (ev->c)
		v->u = ev->c->cookie;
	else if (ev->l)
		v->u = ev->l->cookie;
	if (!v->u && !ev->l && event != TCPTRACE_ACCEPT && event != TCPTRACE_CONNECT_RETURN)
		v->u = ev->rec->cookie;
	return v->u != 0;
}

static bool get_family(const struct model_event *ev, struct value *v)
{
	v->s = ev->rec->family == 4 ? "ipv4" : "ipv6";
	return ev->rec->family != 0;
}

/* A record of a call on a socket whose addresses were not read has none: its conn knows them. */
static bool no_ends(const struct tcptrace_record *r)
{
	return !r->lport && addr_is_any(r->laddr);
}

static bool get_local(const struct model_event *ev, struct value *v)
{
	bool conn = no_ends(ev->rec) && ev->c;

	v->addr = conn ? ev->c->laddr : ev->rec->laddr;
	v->n = conn ? ev->c->lport : ev->rec->lport;
	return v->n || !addr_is_any(v->addr);
}

static bool get_remote(const struct model_event *ev, struct value *v)
{
	bool conn = no_ends(ev->rec) && ev->c;

	if (ev->rec->event == TCPTRACE_LISTEN)
		return false;			/* backlog and somaxconn are in its place */
	/* a connect() that fails takes the remote end off its socket before it returns */
	conn |= ev->c && ev->rec->event == TCPTRACE_CONNECT_RETURN && !ev->rec->rport;
	v->addr = conn ? ev->c->raddr : ev->rec->raddr;
	v->n = conn ? ev->c->rport : ev->rec->rport;
	return v->n || !addr_is_any(v->addr);
}

static bool get_lport(const struct model_event *ev, struct value *v)
{
	if (!get_local(ev, v))
		return false;
	v->u = v->n;
	return true;
}

static bool get_rport(const struct model_event *ev, struct value *v)
{
	if (!get_remote(ev, v))
		return false;
	v->u = v->n;
	return true;
}

static bool get_netns(const struct model_event *ev, struct value *v)
{
	v->u = ev->rec->netns;
	return v->u != 0;
}

void event_ends(const struct model_event *ev, struct event_ends *ends)
{
	struct value local, remote, v;

	memset(ends, 0, sizeof(*ends));
	if (get_conn(ev, &v))
		ends->conn = v.u;
	if (get_cookie(ev, &v))
		ends->cookie = v.u;
	if (get_listener(ev, &v))
		ends->listener = v.u;
	if (get_netns(ev, &v))
		ends->netns = (uint32_t)v.u;
	ends->ipv4 = ev->rec->family == 4;
	ends->ipv6 = ev->rec->family != 0 && !ends->ipv4;
	ends->local = get_local(ev, &local);
	if (ends->local) {
		memcpy(ends->laddr, local.addr, sizeof(ends->laddr));
		ends->lport = local.n;
	}
	ends->remote = get_remote(ev, &remote);
	if (ends->remote) {
		memcpy(ends->raddr, remote.addr, sizeof(ends->raddr));
		ends->rport = remote.n;
	}
}

static bool get_pid(const struct model_event *ev, struct value *v)
{
	v->u = ev->who ? ev->who->pid : 0;
	return v->u != 0;
}

static bool get_tid(const struct model_event *ev, struct value *v)
{
	v->u = ev->who ? ev->who->tid : 0;
	return v->u != 0;
}

static bool get_comm(const struct model_event *ev, struct value *v)
{
	v->s = ev->who ? ev->who->comm : "";
	return v->s[0] != 0;
}

static bool get_fd(const struct model_event *ev, struct value *v)
{
	v->i = ev->who && ev->who->pid ? ev->who->fd : -1;
	return v->i >= 0;
}

static bool get_old(const struct model_event *ev, struct value *v)
{
	v->s = tcp_state_name(ev->old);
	return ev->event == TCPTRACE_STATE;
}

static bool get_new(const struct model_event *ev, struct value *v)
{
	v->s = tcp_state_name(ev->new);
	return ev->event == TCPTRACE_STATE || ev->event == TCPTRACE_EXISTS;
}

bool event_how(const struct model_event *ev, struct value *v)
{
	static const char *const how[] = { "read", "write", "both" };

	v->s = ev->new < 3 ? how[ev->new] : "?";
	return ev->event == TCPTRACE_SHUTDOWN;
}

static bool get_synq(const struct model_event *ev, struct value *v)
{
	v->u = ev->synq;
	v->n = ev->limit;
	return ev->has_queues;
}

static bool get_synq_young(const struct model_event *ev, struct value *v)
{
	v->u = ev->synq_young;
	return ev->has_queues;
}

static bool get_acceptq(const struct model_event *ev, struct value *v)
{
	v->u = ev->acceptq;
	v->n = ev->limit;
	return ev->has_queues;
}

static bool get_limit(const struct model_event *ev, struct value *v)
{
	v->u = ev->limit;
	return ev->has_queues;
}

static bool get_backlog(const struct model_event *ev, struct value *v)
{
	v->i = ev->rec->backlog;
	return ev->rec->event == TCPTRACE_LISTEN && ev->event == TCPTRACE_LISTEN;
}

static bool get_somaxconn(const struct model_event *ev, struct value *v)
{
	v->u = ev->rec->somaxconn;
	return ev->rec->event == TCPTRACE_LISTEN && ev->event == TCPTRACE_LISTEN;
}

static bool get_cause(const struct model_event *ev, struct value *v)
{
	v->s = tcptrace_cause_name(ev->cause);
	return ev->cause != TCPTRACE_CAUSE_NONE;
}

bool event_ret(const struct model_event *ev, struct value *v)
{
	v->i = ev->rec->ret;
	return is_call(ev);
}

bool event_errno(const struct model_event *ev, struct value *v)
{
	if (!is_call(ev) || ev->rec->ret >= 0)
		return false;
	v->s = errno_name((int)-(int64_t)ev->rec->ret);
	return v->s != NULL;
}

static bool get_dur(const struct model_event *ev, struct value *v)
{
	v->u = ev->dur_ns;
	return ev->has_dur;
}

static bool get_queued(const struct model_event *ev, struct value *v)
{
	(void)v;
	return ev->event == TCPTRACE_EXISTS && (ev->flags & TCPTRACE_F_QUEUED);
}

static bool get_inferred(const struct model_event *ev, struct value *v)
{
	(void)v;
	return ev->flags & TCPTRACE_F_INFERRED;
}

static bool get_sampled(const struct model_event *ev, struct value *v)
{
	(void)v;
	return ev->flags & TCPTRACE_F_SAMPLED;
}

static bool get_always(const struct model_event *ev, struct value *v)
{
	(void)ev;
	(void)v;
	return true;
}

const struct field fields[] = {
	/* The columns of the table, in their order. */
	[COLUMN_TIME] = { "TIME", "TIME", FK_TIME, "s", "-t: since the start; -T: wall clock", get_t_ns },
	[COLUMN_EVENT] = { "EVENT", "EVENT", FK_NAME, "", "what happened", get_event },
	[COLUMN_CONN] = { "CONN", "CONN", FK_U64, "", "number of the connection, from SYN to the end", get_conn },
	[COLUMN_PID] = { "PID", "PID", FK_U64, "", "the caller, or who owns the socket", get_pid },
	[COLUMN_TID] = { "TID", "TID", FK_U64, "", "thread of the caller (wide terminals)", get_tid },
	[COLUMN_COMM] = { "COMM", "COMM", FK_COMM, "", "its name", get_comm },
	[COLUMN_NETNS] = { "NETNS", "NETNS", FK_U64, "", "network namespace (wide terminals)", get_netns },
	[COLUMN_COOKIE] = { "COOKIE", "COOKIE", FK_U64, "", "as ss -e shows it (wide terminals)", get_cookie },
	[COLUMN_LOCAL] = { "LOCAL", "LOCAL", FK_ENDPOINT, "", "our end of the connection", get_local },
	[COLUMN_REMOTE] = { "REMOTE", "REMOTE", FK_ENDPOINT, "", "the other end", get_remote },
	[COLUMN_MS] = { "MS", "MS", FK_MS, "ms", "how long what ends here took", get_dur },
	[COLUMN_SYNQ] = { "SYNQ", "SYNQ", FK_OF, "", "SYN queue of the listener after this step / its limit", get_synq },
	[COLUMN_ACCEPTQ] = { "ACCEPTQ", "ACCEPTQ", FK_OF, "", "accept queue after this step / its limit", get_acceptq },
	[COLUMN_DETAIL] = { "DETAIL", "DETAIL", FK_DETAIL, "", "transition, cause, error; ~ marks what was deduced or sampled", get_always },

	/* The keys of a JSON event, in their order. They keep their meaning for ever. */
	{ "t_ns", NULL, FK_U64, "ns", "CLOCK_MONOTONIC", get_t_ns },
	{ "time", NULL, FK_WALL, "", "RFC 3339, UTC, nanoseconds", get_t_ns },
	{ "event", NULL, FK_NAME, "", "what happened", get_event },
	{ "conn", NULL, FK_U64, "", "number of the connection, from SYN to the end", get_conn },
	{ "listener", NULL, FK_U64, "", "number of the listener it belongs to", get_listener },
	{ "cookie", NULL, FK_U64, "", "of the socket, as ss -e shows it", get_cookie },
	{ "family", NULL, FK_NAME, "", "of the socket: ipv4 or ipv6", get_family },
	{ "laddr", NULL, FK_ADDR, "", "local address; v4-mapped ones as IPv4", get_local },
	{ "lport", NULL, FK_U64, "", "local port", get_lport },
	{ "raddr", NULL, FK_ADDR, "", "remote address", get_remote },
	{ "rport", NULL, FK_U64, "", "remote port", get_rport },
	{ "netns", NULL, FK_U64, "", "inode number of the network namespace", get_netns },
	{ "pid", NULL, FK_U64, "", "process that called, or that owns the socket", get_pid },
	{ "tid", NULL, FK_U64, "", "thread that called", get_tid },
	{ "comm", NULL, FK_COMM, "", "name of the process", get_comm },
	{ "fd", NULL, FK_I64, "", "its descriptor of the socket (accept: the new one)", get_fd },
	{ "old", NULL, FK_NAME, "", "state before", get_old },
	{ "new", NULL, FK_NAME, "", "state after (exists: now)", get_new },
	{ "how", NULL, FK_NAME, "", "shutdown: read, write or both", event_how },
	{ "synq", NULL, FK_U64, "", "requests in the SYN queue after this step", get_synq },
	{ "synq_young", NULL, FK_U64, "", "of these, SYN-ACK sent only once", get_synq_young },
	{ "synq_max", NULL, FK_U64, "", "limit of the SYN queue", get_limit },
	{ "acceptq", NULL, FK_U64, "", "connections in the accept queue after this step", get_acceptq },
	{ "acceptq_max", NULL, FK_U64, "", "limit of the accept queue", get_limit },
	{ "backlog", NULL, FK_I64, "", "listen: the number the program gave", get_backlog },
	{ "somaxconn", NULL, FK_U64, "", "listen: net.core.somaxconn at that moment", get_somaxconn },
	{ "cause", NULL, FK_NAME, "", "why: of drop, synq-del, acceptq-add, acceptq-del", get_cause },
	{ "ret", NULL, FK_I64, "", "what the call returned", event_ret },
	{ "errno", NULL, FK_NAME, "", "the same by name, when it failed", event_errno },
	{ "dur_ns", NULL, FK_U64, "ns", "how long what ends here took", get_dur },
	{ "queued", NULL, FK_TRUE, "", "exists: waits in an accept queue", get_queued },
	{ "inferred", NULL, FK_TRUE, "", "deduced from its effects", get_inferred },
	{ "sampled", NULL, FK_TRUE, "", "found by a snapshot, not seen when it happened", get_sampled },
};

const unsigned int field_count = sizeof(fields) / sizeof(fields[0]);

static void help_line(struct out *o, const struct field *f)
{
	out_mem(o, "  ", 2);
	out_str_pad(o, f->name, 12);
	out_str(o, f->help);
	if (f->unit[0]) {
		out_mem(o, " (", 2);
		out_str(o, f->unit);
		out_char(o, ')');
	}
	out_line_end(o);
}

void fields_help(struct out *o)
{
	unsigned int i;

	out_str(o, "Columns of the table:\n");
	for (i = 0; i < COLUMN_COUNT; i++)
		help_line(o, &fields[i]);
	out_str(o, "\nKeys of a JSON event (those that are unknown are left out):\n");
	for (; i < field_count; i++)
		help_line(o, &fields[i]);
}
