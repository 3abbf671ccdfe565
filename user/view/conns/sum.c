// SPDX-License-Identifier: GPL-2.0-only
/*
 * The summary: for each listener, and for each port that programs connected to, how connections ended, and how long
 * they took. Which of its ports is the one to go by is unknown of a connection whose ends are not told apart: these are
 * together.
 *
 * :8080 nginx  1,218 connections: closed them 1204, closed us 12, reset us 2 (unread 2)
 *   LIFE ms  p50 0.412  p99 12.031     IN  p50 386  p99 1024     OUT  p50 612  p99 10485760     RTT ms  p50 0.021  p99 0.110
 */
#include "../../lib/tr.h"
#include "../../lib/wrap.h"
#include "conns.h"

static struct sum *find(struct sums *s, const char *host, uint8_t role, uint16_t port)
{
	struct sum *x;

	for (unsigned int i = 0; i < s->n; i++) {
		if (s->all[i].host == host && s->all[i].role == role && s->all[i].port == port)
			return &s->all[i];
	}
	if (s->n == SUMS)
		return NULL;
	x = &s->all[s->n++];
	x->host = host;
	x->role = role;
	x->port = port;
	return x;
}

/* Of a port the first one's that is known; of those without a port only if all have the same. */
static void learn_name(struct sum *x, const struct conn_life *l)
{
	bool differs = memcmp(x->comm, l->owner.comm, sizeof(x->comm));

	if (x->count == 1 || (x->role != ROLE_UNKNOWN && !x->comm[0]))
		memcpy(x->comm, l->owner.comm, sizeof(x->comm));
	else if (x->role == ROLE_UNKNOWN && differs)
		memset(x->comm, 0, sizeof(x->comm));
	else
		x->others |= differs && l->owner.pid;
}

void sums_add(struct sums *s, const struct conn_row *r)
{
	const struct tuple *t = &r->l->tuple;
	const uint16_t ports[] = { [ROLE_UNKNOWN] = 0, [ROLE_SERVER] = t->lport, [ROLE_CLIENT] = t->rport };
	struct sum *x = find(s, r->host, r->l->role, ports[r->l->role]);

	if (!x) {
		s->others++;
		return;
	}
	x->count++;
	x->ends[r->end]++;
	learn_name(x, r->l);
	if (row_life_ns(r) != TIME_UNKNOWN && !r->l->before)
		hist_add(&x->life, row_life_ns(r));
	if (row_rtt_ns(r) != TIME_UNKNOWN)
		hist_add(&x->rtt, row_rtt_ns(r));
	if (!r->l->totals.known)
		return;
	hist_add(&x->in, r->l->totals.in);
	hist_add(&x->out, r->l->totals.out);
}

/* On a line of its own where it does not fit: what follows the first one begins with two spaces, too. */
static void put_hist(struct view *v, size_t *line, const char *title, const struct hist *h, bool ms)
{
	static const unsigned int permille[] = { 500, 990 };
	struct out *o = v->out;
	size_t from = o->len;

	if (!h->count)
		return;
	out_str(o, "  ");
	out_str(o, title);
	for (unsigned int i = 0; i < 2; i++) {
		out_str(o, i ? "  p99 " : "  p50 ");
		if (ms)
			out_ms(o, hist_quantile(h, permille[i]));
		else
			out_u64(o, hist_quantile(h, permille[i]));
	}
	if (!v->cfg.columns || from == *line || o->len - *line <= v->cfg.columns)
		return;
	out_char(o, '\n');
	memmove(o->buf + from + 1, o->buf + from, o->len - from - 1);
	o->buf[from] = '\n';
	*line = from + 1;
}

static void put_hists(struct view *v, const struct sum *x)
{
	size_t line = v->out->len;

	put_hist(v, &line, "LIFE ms", &x->life, true);
	put_hist(v, &line, "IN", &x->in, false);
	put_hist(v, &line, "OUT", &x->out, false);
	put_hist(v, &line, "RTT ms", &x->rtt, true);
	if (x->life.count || x->in.count)
		out_line_end(v->out);
}

static void put_sum(struct view *v, const struct sum *x)
{
	const char *comma = ": ";
	struct out *o = v->out;

	out_line_end(o);
	if (x->host) {
		out_safe(o, x->host, 255);
		out_mem(o, "  ", 2);
	}
	out_str(o, x->role == ROLE_UNKNOWN ? "?" : x->role == ROLE_SERVER ? "<:" : ">*:");
	if (x->role != ROLE_UNKNOWN)
		out_u64(o, x->port);
	out_str(o, "  ");
	if (x->comm[0])
		out_safe(o, x->comm, TCPTRACE_COMM_LEN);
	else
		out_char(o, '-');
	if (x->others)
		out_str(o, _(" and others"));
	out_str(o, "  ");
	out_u64(o, x->count);
	out_str(o, x->count == 1 ? _(" connection") : _(" connections"));
	for (unsigned int e = 0; e < LIFE_ENDS_MAX; e++) {
		if (!x->ends[e])
			continue;
		out_str(o, comma);
		out_str(o, life_end_word(e));
		out_char(o, ' ');
		out_u64(o, x->ends[e]);
		comma = ", ";
	}
	out_line_end_wrapped(o, 2, v->cfg.columns);
	put_hists(v, x);
}

void sums_put(struct view *v, const struct sums *s)
{
	for (unsigned int i = 0; i < s->n; i++)
		put_sum(v, &s->all[i]);
	if (!s->others)
		return;
	out_line_end(v->out);
	out_u64(v->out, s->others);
	out_str(v->out, _(" connections of other ports"));
	out_line_end(v->out);
}
