// SPDX-License-Identifier: GPL-2.0-only
/* Established connections that send again and again. */
#include <errno.h>

#include "internal.h"

#define DOUBLED		2		/* times in a row that it took twice as long as before */
#define KNOWN_MS	2000u		/* a path that loses much is as bad for so long */

static bool is_open(unsigned int state)
{
	return state == TCP_S_ESTABLISHED || state == TCP_S_CLOSE_WAIT || state == TCP_S_FIN_WAIT1 || state == TCP_S_CLOSING ||
	       state == TCP_S_LAST_ACK;
}

/* Of one that was there before us: somebody listens on its port. */
static bool is_server(const struct model *m, const struct conn *c)
{
	const struct listener *l;

	if (c->listener || c->connected)
		return c->listener;
	for (uint32_t i = 0; (l = model_listener(m, i)); i++)
		if (l->lport == c->lport && l->netns == c->netns)
			return true;
	return false;
}

static struct unacked *row_of(struct model *m, const struct conn *c)
{
	struct unacked key = { .used = true, .server = is_server(m, c), .family = c->family, .netns = c->netns };
	struct unacked *row = m->unacked;

	key.port = key.server ? c->lport : c->rport;
	for (; row < m->unacked + UNACKED && row->used; row++)
		if (row->server == key.server && row->port == key.port && row->netns == key.netns && row->family == key.family)
			return row;
	if (row == m->unacked + UNACKED)
		return NULL;
	*row = key;
	return row;
}

static void learn(struct unacked *row, const struct conn *c)
{
	row->hosts |= (row->count || row->ended) && memcmp(row->raddr, c->raddr, sizeof(row->raddr));
	memcpy(row->raddr, c->raddr, sizeof(row->raddr));
	if (!c->owner.pid)
		return;
	row->many |= row->who.pid && row->who.pid != c->owner.pid;
	row->who = c->owner;
}

static uint32_t ms_between(uint64_t from_ns, uint64_t ns)
{
	uint64_t ms = from_ns && ns > from_ns ? (ns - from_ns) / 1000000 : 0;

	return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}

/* Timers are late on a busy machine, and the first of them may be a probe (tcp_send_loss_probe()). */
static bool is_double(uint32_t ms, uint32_t of_ms)
{
	return of_ms && 10ull * ms >= 17ull * of_ms && 10ull * ms <= 25ull * of_ms;
}

void unacked_again(struct model *m, struct conn *c, const struct tcptrace_record *rec)
{
	uint32_t ms = ms_between(c->resent_ns, rec->t_ns);
	struct unacked *row;

	if (!is_open(rec->old))
		return;
	c->resent_doubled = is_double(ms, c->resent_ms) ? c->resent_doubled + (c->resent_doubled < DOUBLED) : 0;
	c->resent_span_ms = c->resent_doubled ? c->resent_span_ms + ms : ms;
	c->resent_ms = ms;
	c->resent_ns = rec->t_ns;
	if (c->resent_doubled < DOUBLED || c->resent_span_ms < KNOWN_MS || refused_unaware(m, c))
		return;
	row = row_of(m, c);
	if (!row)
		return;
	learn(row, c);
	if (!row->count)
		row->first_ns = rec->t_ns;
	row->count += !c->unacked;
	c->unacked = true;
	if (row->most_ns < c->resent_span_ms * 1000000ull)
		row->most_ns = c->resent_span_ms * 1000000ull;
}

/* tcp_write_err(), with something unacknowledged: what keepalive finds out is another thing. */
void unacked_ended(struct model *m, const struct conn *c, const struct tcptrace_record *rec)
{
	struct unacked *row;

	if (!is_open(rec->old) || rec->new != TCP_S_CLOSE || !tcptrace_has_totals(rec) || rec_errno(rec) != ETIMEDOUT ||
	    !rec->undelivered)
		return;
	row = row_of(m, c);
	if (!row)
		return;
	learn(row, c);
	row->ended++;
}

const struct unacked *model_unacked(const struct model *m, uint32_t i)
{
	return &m->unacked[i];
}
