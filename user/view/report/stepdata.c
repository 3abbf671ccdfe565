// SPDX-License-Identifier: GPL-2.0-only
/*
 * The replay as data: which connections come in it, and its steps as columns. Where a
 * step puts its connection is decided here; page.js only moves it.
 */
#include "../explain.h"
#include "report.h"

static enum place of_client(const struct step *s)
{
	switch (s->event) {
	case TCPTRACE_CONNECT:
		return PLACE_CLIENT;
	case TCPTRACE_RETRANS:
		return s->old == TCP_S_SYN_SENT ? PLACE_WIRE : PLACE_SAME;
	case TCPTRACE_STATE:
		return s->new == TCP_S_SYN_SENT ? PLACE_WIRE : s->new == TCP_S_CLOSE ? PLACE_LEFT : PLACE_SAME;
	case TCPTRACE_CONNECT_RETURN:
		return connect_failed(s->ret) ? PLACE_LEFT : PLACE_SAME;
	}
	return PLACE_SAME;
}

static enum place of_server(const struct step *s)
{
	switch (s->event) {
	case TCPTRACE_SYNQ_ADD:
		return PLACE_SYNQ;
	case TCPTRACE_SYNQ_DEL:
		return s->cause == TCPTRACE_SYNQ_ESTABLISHED ? PLACE_ACCEPTQ : PLACE_REFUSED;
	case TCPTRACE_ACCEPTQ_ADD:
		return PLACE_ACCEPTQ;
	case TCPTRACE_ACCEPTQ_DEL:
		return s->cause == TCPTRACE_ACCEPTQ_CLOSED ? PLACE_REFUSED : PLACE_SERVER;
	case TCPTRACE_ACCEPT:
		return s->ret >= 0 ? PLACE_SERVER : PLACE_SAME;
	case TCPTRACE_DROP:		/* the request of a refused third packet stays where it is */
		return s->conn ? PLACE_SAME : PLACE_REFUSED;
	case TCPTRACE_COOKIE_SENT:
		return PLACE_WIRE;
	case TCPTRACE_COOKIE_BAD:
		return PLACE_REFUSED;
	case TCPTRACE_EXISTS:
		return s->new == TCP_S_NEW_SYN_RECV ? PLACE_SYNQ : PLACE_ACCEPTQ;
	case TCPTRACE_STATE:
		return s->new == TCP_S_CLOSE || s->new == TCP_S_TIME_WAIT ? PLACE_GONE : PLACE_SAME;
	}
	return PLACE_SAME;
}

/* NULL: the step of a listener, or of one that is not shown. */
static struct pair *pair_of(const struct view *v, const struct step *s)
{
	struct report *r = v->priv;
	struct pair *p = s->pair < r->pairs.n ? &r->pairs.all[s->pair] : NULL;

	return p && p->listener && p->wanted ? p : NULL;
}

static enum place place_of(const struct pair *p, const struct step *s)
{
	return s->conn && s->conn == p->client && s->conn != p->server ? of_client(s) : of_server(s);
}

/* ---- connections, in the order in which they come up ---- */

#define STEP_BYTES	48u
#define CONN_BYTES	200u

void report_fit_steps(struct view *v, uint64_t bytes)
{
	struct report *r = v->priv;
	uint64_t i, n = r->steps.n - r->steps.first;
	uint32_t conns = 0;

	for (i = 0; i < n; i++) {
		struct pair *p = pair_of(v, steps_at(&r->steps, r->steps.first + i));
		uint64_t cost = STEP_BYTES + (p && !p->shown ? CONN_BYTES : 0);

		if (cost > bytes)
			break;
		bytes -= cost;
		if (!p || p->shown)
			continue;
		p->shown = true;
		p->number = conns++;
	}
	r->nsteps = i;
}

enum { CONN_NUMBER, CONN_LISTENER, CONN_REMOTE, CONN_CLIENT, CONN_SERVER, CONN_KEYS };
static const char *const conn_keys[CONN_KEYS] = { "conn", "listener", "remote", "client", "server" };

static void put_conn(struct view *v, const struct pair *p, unsigned int k)
{
	struct report *r = v->priv;
	char text[PUT_ENDPOINT_MAX];

	switch (k) {
	case CONN_NUMBER:
		out_u64(v->out, p->server ? p->server : p->client);
		break;
	case CONN_LISTENER:
		out_u64(v->out, p->listener);
		break;
	case CONN_REMOTE:
		*names_endpoint(&r->names, text, p->tuple.raddr, p->tuple.rport) = 0;
		out_script_string(v->out, text, sizeof(text));
		break;
	case CONN_CLIENT:
		script_who(v->out, &p->client_who);
		break;
	case CONN_SERVER:
		script_who(v->out, &p->server_who);
		break;
	}
}

/* Each where its first step is: pairs.all is in another order. */
static void put_conns(struct view *v, unsigned int k)
{
	struct report *r = v->priv;
	unsigned int n = 0;

	for (uint64_t i = 0; i < r->nsteps; i++) {
		const struct pair *p = pair_of(v, steps_at(&r->steps, r->steps.first + i));

		if (!p || p->number != n)
			continue;
		out_str(v->out, n++ ? "," : "");
		put_conn(v, p, k);
	}
}

/* ---- steps ---- */

enum {
	STEP_T, STEP_CONN, STEP_LISTENER, STEP_EVENT, STEP_DETAIL, STEP_PLACE, STEP_SYNQ, STEP_ACCEPTQ, STEP_RET,
	STEP_WHY, STEP_KEYS
};
static const char *const step_keys[STEP_KEYS] = {
	"t", "conn", "listener", "event", "detail", "place", "synq", "acceptq", "ret", "why",
};

/* p NULL: of the listener; -1: it has none. detail: the new state, or the cause */
static int64_t number_of(struct report *r, const struct step *s, const struct pair *p, unsigned int k)
{
	switch (k) {
	case STEP_T: return (int64_t)((s->t_ns > r->from_ns ? s->t_ns - r->from_ns : 0) / 1000);
	case STEP_CONN: return p ? (int64_t)p->number : -1;
	case STEP_LISTENER: return p ? p->listener : s->listener;
	case STEP_EVENT: return s->event;
	case STEP_DETAIL: return s->event == TCPTRACE_STATE ? s->new : s->cause;
	case STEP_PLACE: return p ? place_of(p, s) : PLACE_SAME;
	case STEP_SYNQ: return s->has_queues ? (int64_t)s->synq : -1;
	case STEP_ACCEPTQ: return s->has_queues ? (int64_t)s->acceptq : -1;
	case STEP_RET: return s->ret;
	default: return texts_number(&r->explained, explain(s->event, s->old, s->new, s->cause, s->ret));
	}
}

static void put_steps(struct view *v, unsigned int k)
{
	struct report *r = v->priv;
	const char *comma = "";

	for (uint64_t i = 0; i < r->nsteps; i++) {
		const struct step *s = steps_at(&r->steps, r->steps.first + i);
		const struct pair *p = pair_of(v, s);

		if (!p && s->event != TCPTRACE_LISTEN)
			continue;
		out_str(v->out, comma);
		out_i64(v->out, number_of(r, s, p, k));
		comma = ",";
	}
}

static void put_columns(struct view *v, const char *name, const char *const *keys, unsigned int n,
			void (*put)(struct view *v, unsigned int k))
{
	out_str(v->out, ",\n\"");
	out_str(v->out, name);
	out_str(v->out, "\":{");
	for (unsigned int k = 0; k < n; k++) {
		out_str(v->out, k ? ",\n\"" : "\"");
		out_str(v->out, keys[k]);
		out_str(v->out, "\":[");
		put(v, k);
		out_char(v->out, ']');
	}
	out_char(v->out, '}');
}

void report_steps(struct view *v)
{
	put_columns(v, "conns", conn_keys, CONN_KEYS, put_conns);
	put_columns(v, "steps", step_keys, STEP_KEYS, put_steps);
}
