// SPDX-License-Identifier: GPL-2.0-only
/* What a row of the ladder says in its column: "accept() returned 7", "CLOSE_WAIT", "! acceptq-full-syn". */
#include <stdio.h>

#include "../lib/tr.h"
#include "flow.h"

/* "ECONNREFUSED", or "returned 0" */
static void call_text(char *s, size_t size, const char *call, const struct flow_step *st)
{
	const char *name = return_errno_name(st->ret);

	if (name)
		snprintf(s, size, "%s %s", call, name);
	else
		snprintf(s, size, _("%s returned %d"), call, st->ret);
}

static void io_text(char *s, size_t size, const char *call, const struct flow_step *st)
{
	if (st->ret < 0)
		call_text(s, size, call, st);
	else
		snprintf(s, size, _("%s %d bytes"), call, st->ret);
}

static void queue_text(char *s, size_t size, const struct flow_step *st)
{
	const char *queue = st->event == TCPTRACE_SYNQ_DEL ? _("SYN queue") : _("accept queue");

	switch (st->cause) {
	case TCPTRACE_SYNQ_ESTABLISHED: case TCPTRACE_ACCEPTQ_ACCEPTED:
		snprintf(s, size, _("%s: out"), queue);
		break;
	case TCPTRACE_ACCEPTQ_HANDSHAKE:
		snprintf(s, size, _("%s: in"), queue);
		break;
	default:
		snprintf(s, size, st->event == TCPTRACE_ACCEPTQ_ADD ? _("in: %s") : _("out: %s"),
			 tcptrace_cause_name(st->cause));
	}
}

static void step_text(char *s, size_t size, const struct row *r)
{
	static const char *const how[] = { "shutdown(read)", "shutdown(write)", "shutdown(both)" };
	const struct flow_step *st = r->step;

	s[0] = 0;
	switch (st->event) {
	case TCPTRACE_SOCKET: snprintf(s, size, "socket()"); break;
	case TCPTRACE_BIND: call_text(s, size, "bind()", st); break;
	case TCPTRACE_LISTEN: call_text(s, size, "listen()", st); break;
	case TCPTRACE_CONNECT: snprintf(s, size, _("%s called"), "connect()"); break;
	case TCPTRACE_CONNECT_RETURN: call_text(s, size, "connect()", st); break;
	case TCPTRACE_ACCEPT: call_text(s, size, "accept()", st); break;
	case TCPTRACE_READ: io_text(s, size, "read()", st); break;
	case TCPTRACE_WRITE: io_text(s, size, "write()", st); break;
	case TCPTRACE_CLOSE: snprintf(s, size, "close()"); break;
	case TCPTRACE_SHUTDOWN: snprintf(s, size, "%s", st->new < 3 ? how[st->new] : "shutdown()"); break;
	case TCPTRACE_STATE: snprintf(s, size, "%s", tcp_state_name(st->new)); break;
	case TCPTRACE_SYNQ_ADD: snprintf(s, size, "NEW_SYN_RECV"); break;
	case TCPTRACE_SYNACK: snprintf(s, size, "%s", r->segment ? "" : _("SYN-ACK made")); break;
	case TCPTRACE_SYNQ_DEL: case TCPTRACE_ACCEPTQ_ADD: case TCPTRACE_ACCEPTQ_DEL:
		queue_text(s, size, st);
		break;
	case TCPTRACE_DROP: snprintf(s, size, "! %s", tcptrace_cause_name(st->cause)); break;
	case TCPTRACE_COOKIE_SENT: snprintf(s, size, "%s", _("cookie, not queued")); break;
	case TCPTRACE_COOKIE_OK: snprintf(s, size, "%s", _("cookie valid")); break;
	case TCPTRACE_COOKIE_BAD: snprintf(s, size, "! %s", _("cookie invalid")); break;
	case TCPTRACE_RST_SENT: snprintf(s, size, "%s", r->segment ? "" : _("RST was sent")); break;
	case TCPTRACE_DESTROY: snprintf(s, size, "%s", _("socket gone")); break;
	}
}

/* "~accept queue: in": deduced from its effects, or found by a snapshot, as in the table */
static void marked_text(char *s, size_t size, const struct row *r)
{
	s[0] = '~';
	step_text(s + 1, size - 1, r);
	if (!s[1])
		s[0] = 0;
}

void flow_row_text(char *s, size_t size, const struct row *r)
{
	s[0] = 0;
	if (r->kind == ROW_ENTERED)
		snprintf(s, size, _("%s called"), "accept()");
	else if (r->kind == ROW_SECOND && !r->segment)
		snprintf(s, size, "%s", _("SYN-ACK made"));
	else if (r->kind == ROW_STEP && r->step->flags & (TCPTRACE_F_INFERRED | TCPTRACE_F_SAMPLED))
		marked_text(s, size, r);
	else if (r->kind == ROW_STEP)
		step_text(s, size, r);
}
