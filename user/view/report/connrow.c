// SPDX-License-Identifier: GPL-2.0-only
/* What a step does to the row of its connection. */
#include "report.h"

static void left_synq(struct conn_row *row, const struct model_event *ev)
{
	row->synq_ns = ev->has_dur ? ev->dur_ns : UNKNOWN;
	if (ev->cause == TCPTRACE_SYNQ_ESTABLISHED)
		return;
	row->outcome = ev->cause == TCPTRACE_SYNQ_EXPIRED ? CONN_EXPIRED : ev->cause == TCPTRACE_SYNQ_RESET ? CONN_RESET :
		       ev->cause == TCPTRACE_SYNQ_LISTENER_CLOSED ? CONN_LISTENER_CLOSED : CONN_DROPPED;
	row->end_ns = ev->rec->t_ns;
}

static void left_acceptq(struct conn_row *row, const struct model_event *ev)
{
	row->acceptq_ns = ev->has_dur ? ev->dur_ns : UNKNOWN;
	row->outcome = ev->cause == TCPTRACE_ACCEPTQ_CLOSED ? CONN_LISTENER_CLOSED : CONN_ACCEPTED;
	row->reset |= ev->cause == TCPTRACE_ACCEPTQ_RESET;
}

static void refused(struct conn_row *row, const struct model_event *ev)
{
	row->refused++;
	row->cause = ev->event == TCPTRACE_DROP ? ev->cause : TCPTRACE_CAUSE_NONE;
	if (!row->conn)
		row->outcome = CONN_REFUSED;
}

static void connect_returned(struct conn_row *row, const struct model_event *ev)
{
	int ret = ev->rec->ret;

	row->call_ns = ev->has_dur ? ev->dur_ns : UNKNOWN;
	if (!ret)
		row->outcome = CONN_CONNECTED;
	row->error = -rec_soft_errno(ev->rec);	/* if nothing better comes */
	if (!connect_failed(ret))
		return;
	row->outcome = CONN_FAILED;
	row->error = ret;
}

static void moved(struct conn_row *row, const struct model_event *ev)
{
	if (ev->old == TCP_S_SYN_SENT && ev->new == TCP_S_ESTABLISHED)
		row->outcome = CONN_CONNECTED;
	if (ev->old == TCP_S_SYN_SENT && ev->new == TCP_S_CLOSE && row->outcome == CONN_CONNECTING)
		row->outcome = row->closed ? CONN_CLOSED_EARLY : CONN_FAILED;
	if ((ev->new == TCP_S_CLOSE || ev->new == TCP_S_TIME_WAIT) && row->end_ns == UNKNOWN)
		row->end_ns = ev->rec->t_ns;
}

void connrow_step(struct conn_row *row, const struct model_event *ev)
{
	uint64_t t_ns = ev->rec->t_ns;

	switch (ev->event) {
	case TCPTRACE_SYNQ_ADD: row->synq_in_ns = t_ns; row->outcome = CONN_IN_SYNQ; break;
	case TCPTRACE_SYNQ_DEL: left_synq(row, ev); break;
	case TCPTRACE_ACCEPTQ_ADD: row->acceptq_in_ns = t_ns; row->outcome = CONN_IN_ACCEPTQ; break;
	case TCPTRACE_ACCEPTQ_DEL: left_acceptq(row, ev); break;
	case TCPTRACE_ACCEPT: row->call_ns = ev->has_dur ? ev->dur_ns : UNKNOWN; row->outcome = CONN_ACCEPTED; break;
	case TCPTRACE_DROP: case TCPTRACE_COOKIE_BAD: refused(row, ev); break;
	case TCPTRACE_CONNECT: row->outcome = CONN_CONNECTING; break;
	case TCPTRACE_CONNECT_RETURN: connect_returned(row, ev); break;
	case TCPTRACE_CLOSE: row->closed = true; break;
	case TCPTRACE_STATE: moved(row, ev); break;
	case TCPTRACE_RETRANS: case TCPTRACE_SYNACK_RETRANS: row->again++; break;
	case TCPTRACE_RST_SENT: case TCPTRACE_RST_RECEIVED: row->reset = true; break;
	case TCPTRACE_EXISTS:
		row->outcome = ev->flags & TCPTRACE_F_QUEUED ? CONN_IN_ACCEPTQ :
			       ev->new == TCP_S_NEW_SYN_RECV ? CONN_IN_SYNQ : row->outcome;
		break;
	case TCPTRACE_DESTROY:
		row->end_ns = row->end_ns == UNKNOWN ? t_ns : row->end_ns;
		break;
	}
}
