// SPDX-License-Identifier: GPL-2.0-only
/*
 * A table of fixed size. Where there are more connections than it holds, half of them go, chosen by their initial
 * sequence numbers: each machine keeps the same.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/put.h"
#include "../view/pair.h"
#include "stamps.h"

#ifndef STAMPS
#define STAMPS		65536u
#endif

int stamps_init(struct stamps *s)
{
	memset(s, 0, sizeof(*s));
	s->all = calloc(STAMPS, sizeof(*s->all));
	s->buckets = calloc(STAMPS, sizeof(*s->buckets));
	if (s->all && s->buckets)
		return 0;
	stamps_free(s);
	return -ENOMEM;
}

void stamps_free(struct stamps *s)
{
	free(s->all);
	free(s->buckets);
	memset(s, 0, sizeof(*s));
}

/* ---- one machine ---- */

static uint32_t *bucket(const struct stamps *s, uint64_t conn)
{
	return &s->buckets[conn % STAMPS];
}

static void add(struct stamps *s, uint32_t i)
{
	uint32_t *b = bucket(s, s->all[i].conn);

	s->all[i].next = *b;
	*b = i + 1;
}

/* The same on each machine, also where addresses were translated. */
static uint64_t number_of(const struct stamp *x)
{
	uint64_t n = x->isn ? x->isn : pair_hash(&x->ends);

	n *= 0x9e3779b97f4a7c15ull;
	return n >> 32;
}

/* What was never established has nothing to compare. */
static bool is_kept(const struct stamps *s, const struct stamp *x)
{
	return !(number_of(x) & s->kept) && (x->server ? x->t[STAMP_SYN_IN] : x->t[STAMP_ESTABLISHED]);
}

static void thin_out(struct stamps *s)
{
	uint32_t n = 0;

	s->kept = s->kept << 1 | 1;
	for (uint32_t i = 0; i < s->n; i++) {
		if (is_kept(s, &s->all[i]))
			s->all[n++] = s->all[i];
	}
	s->n = n;
	memset(s->buckets, 0, STAMPS * sizeof(*s->buckets));
	for (uint32_t i = 0; i < s->n; i++)
		add(s, i);
}

static struct stamp *find(const struct stamps *s, uint64_t conn)
{
	uint32_t i = *bucket(s, conn);

	while (i && s->all[i - 1].conn != conn)
		i = s->all[i - 1].next;
	return i ? &s->all[i - 1] : NULL;
}

static struct stamp *begin(struct stamps *s, const struct model_event *ev, bool server)
{
	struct stamp *x = find(s, ev->conn);

	if (x)
		return x;
	for (unsigned int i = 0; i < 32 && s->n > STAMPS / 4 * 3; i++)
		thin_out(s);
	if (s->n == STAMPS)
		return NULL;
	x = &s->all[s->n];
	*x = (struct stamp){ .conn = ev->conn, .server = server };
	add(s, s->n++);
	return x;
}

static void learn_ends(struct stamp *x, const struct tuple *t)
{
	x->ends = *t;
	if (!x->server)
		return;
	memcpy(x->ends.laddr, t->raddr, sizeof(x->ends.laddr));
	memcpy(x->ends.raddr, t->laddr, sizeof(x->ends.raddr));
	x->ends.lport = t->rport;
	x->ends.rport = t->lport;
}

static void stamp(struct stamp *x, enum stamp_of of, const struct model_event *ev)
{
	if (x && !x->t[of])
		x->t[of] = ev->rec->t_ns;
}

/* tcp_fin() sends its ACK before it enters CLOSING or TIME_WAIT, and after it entered CLOSE_WAIT. */
static void of_fin(struct stamp *x, const struct model_event *ev)
{
	if (ev->new == TCP_S_FIN_WAIT1 || ev->new == TCP_S_LAST_ACK)
		stamp(x, STAMP_FIN_OUT, ev);
	if (ev->new == TCP_S_CLOSE_WAIT || ev->new == TCP_S_CLOSING ||
	    (ev->old == TCP_S_FIN_WAIT2 && ev->new == TCP_S_TIME_WAIT))
		stamp(x, STAMP_FIN_IN, ev);
	if (ev->new == TCP_S_CLOSE_WAIT)
		stamp(x, STAMP_FIN_ACK_OUT, ev);
	if (ev->old == TCP_S_FIN_WAIT1 && ev->new == TCP_S_FIN_WAIT2)
		stamp(x, STAMP_FIN_ACK_IN, ev);
}

static void of_state(struct stamps *s, const struct model_event *ev)
{
	struct stamp *x;

	if (ev->old == TCP_S_CLOSE && ev->new == TCP_S_SYN_SENT) {
		x = begin(s, ev, false);
		stamp(x, STAMP_SYN_OUT, ev);
		return;
	}
	x = find(s, ev->conn);
	if (!x)
		return;
	if (ev->new == TCP_S_ESTABLISHED && ev->old == TCP_S_SYN_SENT) {
		stamp(x, STAMP_ESTABLISHED, ev);
		x->isn = pair_isn(ev);
		learn_ends(x, &ev->c->tuple);
	} else if (ev->new == TCP_S_ESTABLISHED && x->server) {
		stamp(x, STAMP_ACK_IN, ev);
	} else {
		of_fin(x, ev);
	}
}

/* What was found later, or deduced, says no more than that it had arrived. */
void stamps_event(struct stamps *s, const struct model_event *ev)
{
	bool late = ev->flags & (TCPTRACE_F_SAMPLED | TCPTRACE_F_INFERRED);
	struct stamp *x;

	if (!ev->c || (late && ev->event != TCPTRACE_SYNQ_DEL) || ev->flags & TCPTRACE_F_SAMPLED)
		return;
	switch (ev->event) {
	case TCPTRACE_STATE:
		of_state(s, ev);
		break;
	case TCPTRACE_SYNQ_ADD:
		x = begin(s, ev, true);
		if (!x)
			break;
		stamp(x, STAMP_SYN_IN, ev);
		x->isn = pair_isn(ev);
		learn_ends(x, &ev->c->tuple);
		break;
	case TCPTRACE_SYNQ_DEL:
		if (ev->cause == TCPTRACE_SYNQ_ESTABLISHED)
			stamp(find(s, ev->conn), STAMP_ACK_IN, ev);
		break;
	}
}

/* ---- two machines ---- */

static int compare(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int by_isn(const void *a, const void *b)
{
	const struct stamp *x = a, *y = b;
	int order = compare(x->isn, y->isn);

	return order ? order : compare(x->server, y->server);
}

static int ends_order(const struct stamp *x, const struct stamp *y)
{
	return memcmp(&x->ends, &y->ends, offsetof(struct tuple, netns));
}

/* A tuple that recurs: the first use to the first use, and so on. */
static int by_ends(const void *a, const void *b)
{
	const struct stamp *x = a, *y = b;
	int order = ends_order(x, y);

	if (!order)
		order = compare(x->server, y->server);
	return order ? order : compare(x->conn, y->conn);
}

static bool can_join(const struct stamp *x, const struct stamp *y, bool sure)
{
	if (sure)
		return x->isn != 0;
	return !x->joined && !y->joined && !(x->isn && y->isn) && x->ends.lport && !addr_is_loopback(x->ends.laddr);
}

struct joining {
	int (*order)(const struct stamp *x, const struct stamp *y);	/* of client and server that belong together: 0 */
	bool sure, turned;
	stamps_fn fn;
	void *ctx;
	uint64_t n;
};

static int isn_order(const struct stamp *x, const struct stamp *y)
{
	return compare(x->isn, y->isn);
}

/* Clients of a with servers of b: both are sorted, and each joins once. */
static void join_sorted(struct stamps *a, struct stamps *b, struct joining *j)
{
	uint32_t i = 0, k = 0;

	while (i < a->n && k < b->n) {
		struct stamp *x = &a->all[i], *y = &b->all[k];
		int order = j->order(x, y);

		if (x->server || (!order && x->joined) || order < 0) {
			i++;
		} else if (!y->server || (!order && y->joined) || order > 0) {
			k++;
		} else {
			if (can_join(x, y, j->sure)) {
				x->joined = y->joined = true;
				j->fn(j->ctx, x, y, j->sure, j->turned);
				j->n++;
			}
			i++;
			k++;
		}
	}
}

static void sort(struct stamps *s, int (*order)(const void *, const void *))
{
	qsort(s->all, s->n, sizeof(*s->all), order);
}

uint64_t stamps_join(struct stamps *a, struct stamps *b, stamps_fn fn, void *ctx)
{
	struct joining j = { .order = isn_order, .sure = true, .fn = fn, .ctx = ctx };

	for (unsigned int by = 0; by < 2; by++) {
		sort(a, by ? by_ends : by_isn);
		sort(b, by ? by_ends : by_isn);
		for (uint32_t i = 0; !by && i < a->n; i++)
			a->all[i].joined = false;
		for (uint32_t i = 0; !by && i < b->n; i++)
			b->all[i].joined = false;
		j.turned = false;
		join_sorted(a, b, &j);
		j.turned = true;
		join_sorted(b, a, &j);
		j.order = ends_order;
		j.sure = false;
	}
	return j.n;
}

/* ---- spans ---- */

struct bounds {
	struct clock_span s;
	bool at_server;
};

/* It left the client and arrived at the server, whose clock is ahead by no more than this. */
static void to_server(struct bounds *b, uint64_t left, uint64_t arrived)
{
	int64_t most = (int64_t)(arrived - left);

	if (!left || !arrived || most < -CLOCK_OPEN)
		return;
	b->s.at = b->at_server ? arrived : left;
	b->s.high = most < b->s.high ? most : b->s.high;
}

static void to_client(struct bounds *b, uint64_t left, uint64_t arrived)
{
	int64_t least = (int64_t)(left - arrived);

	if (!left || !arrived)
		return;
	b->s.at = b->at_server ? left : arrived;
	b->s.low = least > b->s.low ? least : b->s.low;
}

unsigned int stamps_spans(const struct stamp *client, const struct stamp *server, bool sure, bool at_server,
			  struct clock_span spans[STAMP_SPANS])
{
	const uint64_t *c = client->t, *s = server->t;
	struct bounds b[STAMP_SPANS];
	unsigned int n = 0;

	for (unsigned int i = 0; i < STAMP_SPANS; i++)
		b[i] = (struct bounds){ { .low = -CLOCK_OPEN, .high = CLOCK_OPEN, .sure = sure }, at_server };
	to_server(&b[0], c[STAMP_SYN_OUT], s[STAMP_SYN_IN]);
	to_client(&b[0], s[STAMP_SYN_IN], c[STAMP_ESTABLISHED]);
	to_server(&b[0], c[STAMP_ESTABLISHED], s[STAMP_ACK_IN]);
	to_server(&b[1], c[STAMP_FIN_OUT], s[STAMP_FIN_IN]);
	to_client(&b[1], s[STAMP_FIN_ACK_OUT], c[STAMP_FIN_ACK_IN]);
	to_client(&b[2], s[STAMP_FIN_OUT], c[STAMP_FIN_IN]);
	to_server(&b[2], c[STAMP_FIN_ACK_OUT], s[STAMP_FIN_ACK_IN]);
	for (unsigned int i = 0; i < STAMP_SPANS; i++) {
		if (b[i].s.at)
			spans[n++] = b[i].s;
	}
	return n;
}
