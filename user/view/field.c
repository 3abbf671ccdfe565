// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of fields and its getters. A getter answers from the event alone
 * and says false when the value is unknown: a view then shows "-" or leaves
 * the key out, never a 0 that was not measured. What nearly every line says
 * anew has none: a view reads it from the event, or from ends.h.
 */
#include "../lib/tr.h"
#include "ends.h"
#include "field.h"

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

static bool get_cookie(const struct model_event *ev, struct value *v)
{
	v->u = event_cookie(ev);
	return v->u != 0;
}

static bool get_local(const struct model_event *ev, struct value *v)
{
	v->addr = event_local(ev, &v->port);
	return v->port || !addr_is_any(v->addr);
}

static bool get_remote(const struct model_event *ev, struct value *v)
{
	v->addr = event_remote(ev, &v->port);
	return v->port || !addr_is_any(v->addr);
}

static bool get_netns(const struct model_event *ev, struct value *v)
{
	v->u = ev->rec->netns;
	return v->u != 0;
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

static bool get_thread(const struct model_event *ev, struct value *v)
{
	v->s = ev->thread;
	return v->s != NULL;
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
	return event_returned(ev);
}

bool event_errno(const struct model_event *ev, struct value *v)
{
	v->s = event_returned(ev) ? return_errno_name(ev->rec->ret) : NULL;
	return v->s != NULL;
}

bool event_so_error(const struct model_event *ev, struct value *v)
{
	int err = ev->event == TCPTRACE_CONNECT_RETURN ? rec_soft_errno(ev->rec) : 0;

	v->s = err ? errno_name(err) : NULL;
	return v->s != NULL;
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

const struct field fields[FIELD_COUNT] = {
	/* The columns of the table, in their order. */
	[COLUMN_TIME] = { "TIME", "TIME", FK_DIRECT, "s", N_("-t: since the start; -T: wall clock"), NULL },
	[COLUMN_EVENT] = { "EVENT", "EVENT", FK_DIRECT, "", N_("what happened"), NULL },
	[COLUMN_CONN] = { "CONN", "CONN", FK_U64, "", N_("number of the connection, from SYN to the end"), get_conn },
	[COLUMN_PID] = { "PID", "PID", FK_U64, "", N_("the caller, or who owns the socket"), get_pid },
	[COLUMN_TID] = { "TID", "TID", FK_U64, "", N_("thread of the caller (wide terminals)"), get_tid },
	[COLUMN_COMM] = { "COMM", "COMM", FK_COMM, "", N_("name of the process"), get_comm },
	[COLUMN_NETNS] = { "NETNS", "NETNS", FK_U64, "", N_("network namespace (wide terminals)"), get_netns },
	[COLUMN_COOKIE] = { "COOKIE", "COOKIE", FK_U64, "", N_("as ss -e shows it (wide terminals)"), get_cookie },
	[COLUMN_LOCAL] = { "LOCAL", "LOCAL", FK_ENDPOINT, "", N_("our end of the connection"), get_local },
	[COLUMN_REMOTE] = { "REMOTE", "REMOTE", FK_ENDPOINT, "", N_("the other end"), get_remote },
	[COLUMN_MS] = { "MS", "MS", FK_DIRECT, "ms", N_("how long what ends here took"), NULL },
	[COLUMN_SYNQ] = { "SYNQ", "SYNQ", FK_DIRECT, "", N_("SYN queue of the listener after this step / its limit"), NULL },
	[COLUMN_ACCEPTQ] = { "ACCEPTQ", "ACCEPTQ", FK_DIRECT, "", N_("accept queue after this step / its limit"), NULL },
	[COLUMN_DETAIL] = { "DETAIL", "DETAIL", FK_DIRECT, "", N_("transition, cause, error; ~ marks what was deduced or sampled"), NULL },

	/* The keys of a JSON event, in their order. They keep their meaning for ever. */
	[KEY_T_NS] = { "t_ns", NULL, FK_DIRECT, "ns", N_("CLOCK_MONOTONIC"), NULL },
	[KEY_TIME] = { "time", NULL, FK_DIRECT, "", N_("RFC 3339, UTC, nanoseconds"), NULL },
	[KEY_EVENT] = { "event", NULL, FK_NAME, "", N_("what happened"), get_event },
	[KEY_CONN] = { "conn", NULL, FK_DIRECT, "", N_("number of the connection, from SYN to the end"), NULL },
	[KEY_LISTENER] = { "listener", NULL, FK_DIRECT, "", N_("number of the listener it belongs to"), NULL },
	[KEY_COOKIE] = { "cookie", NULL, FK_DIRECT, "", N_("of the socket, as ss -e shows it"), NULL },
	[KEY_FAMILY] = { "family", NULL, FK_DIRECT, "", N_("of the socket: ipv4 or ipv6"), NULL },
	[KEY_LADDR] = { "laddr", NULL, FK_DIRECT, "", N_("local address; v4-mapped ones as IPv4"), NULL },
	[KEY_LPORT] = { "lport", NULL, FK_DIRECT, "", N_("local port"), NULL },
	[KEY_RADDR] = { "raddr", NULL, FK_DIRECT, "", N_("remote address"), NULL },
	[KEY_RPORT] = { "rport", NULL, FK_DIRECT, "", N_("remote port"), NULL },
	[KEY_NETNS] = { "netns", NULL, FK_DIRECT, "", N_("inode number of the network namespace"), NULL },
	[KEY_PID] = { "pid", NULL, FK_U64, "", N_("process that called, or that owns the socket"), get_pid },
	[KEY_TID] = { "tid", NULL, FK_U64, "", N_("thread that called"), get_tid },
	[KEY_COMM] = { "comm", NULL, FK_COMM, "", N_("name of the process"), get_comm },
	[KEY_FD] = { "fd", NULL, FK_I64, "", N_("its descriptor of the socket (accept: the new one)"), get_fd },
	[KEY_THREAD] = { "thread", NULL, FK_COMM, "", N_("name of the thread that called, if it has another"), get_thread },
	[KEY_OLD] = { "old", NULL, FK_NAME, "", N_("state before"), get_old },
	[KEY_NEW] = { "new", NULL, FK_NAME, "", N_("state after (exists: now)"), get_new },
	[KEY_HOW] = { "how", NULL, FK_NAME, "", N_("shutdown: read, write or both"), event_how },
	[KEY_SYNQ] = { "synq", NULL, FK_U64, "", N_("requests in the SYN queue after this step"), get_synq },
	[KEY_SYNQ_YOUNG] = { "synq_young", NULL, FK_U64, "", N_("of these, SYN-ACK sent only once"), get_synq_young },
	[KEY_SYNQ_MAX] = { "synq_max", NULL, FK_U64, "", N_("limit of the SYN queue"), get_limit },
	[KEY_ACCEPTQ] = { "acceptq", NULL, FK_U64, "", N_("connections in the accept queue after this step"), get_acceptq },
	[KEY_ACCEPTQ_MAX] = { "acceptq_max", NULL, FK_U64, "", N_("limit of the accept queue"), get_limit },
	[KEY_BACKLOG] = { "backlog", NULL, FK_I64, "", N_("listen: the number the program gave"), get_backlog },
	[KEY_SOMAXCONN] = { "somaxconn", NULL, FK_U64, "", N_("listen: net.core.somaxconn at that moment"), get_somaxconn },
	[KEY_CAUSE] = { "cause", NULL, FK_NAME, "", N_("why: of drop, synq-del, acceptq-add, acceptq-del"), get_cause },
	[KEY_RET] = { "ret", NULL, FK_I64, "", N_("what the call returned"), event_ret },
	[KEY_ERRNO] = { "errno", NULL, FK_NAME, "", N_("the same by name, when it failed"), event_errno },
	[KEY_SO_ERROR] = { "so_error", NULL, FK_NAME, "", N_("connect-return: what an ICMP message left for SO_ERROR meanwhile"),
			   event_so_error },
	[KEY_DUR_NS] = { "dur_ns", NULL, FK_DIRECT, "ns", N_("how long what ends here took"), NULL },
	[KEY_QUEUED] = { "queued", NULL, FK_TRUE, "", N_("exists: waits in an accept queue"), get_queued },
	[KEY_INFERRED] = { "inferred", NULL, FK_TRUE, "", N_("deduced from its effects"), get_inferred },
	[KEY_SAMPLED] = { "sampled", NULL, FK_TRUE, "", N_("found by a snapshot, not seen when it happened"), get_sampled },
	[KEY_HOST] = { "host", NULL, FK_DIRECT, "", N_("of several recordings: the machine, or its file"), NULL },
};

static void help_line(struct out *o, const struct field *f)
{
	out_mem(o, "  ", 2);
	out_str_pad(o, f->name, 12);
	out_str(o, tr(f->help));
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

	out_str(o, _("Columns of the table:"));
	out_line_end(o);
	for (i = 0; i < COLUMN_COUNT; i++)
		help_line(o, &fields[i]);
	out_line_end(o);
	out_str(o, _("Keys of a JSON event (those that are unknown are left out):"));
	out_line_end(o);
	for (; i < FIELD_COUNT; i++)
		help_line(o, &fields[i]);
}
