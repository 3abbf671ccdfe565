// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "../lib/put.h"
#include "pair.h"

struct tuple record_ends(const struct tcptrace_record *rec)
{
	struct tuple t = { .lport = rec->lport, .rport = rec->rport, .netns = rec->netns };

	if (rec->event == TCPTRACE_LISTEN)
		return (struct tuple){ 0 };
	memcpy(t.laddr, rec->laddr, sizeof(t.laddr));
	memcpy(t.raddr, rec->raddr, sizeof(t.raddr));
	return t;
}

struct tuple step_ends(const struct model_event *ev)
{
	return ev->c && (ev->c->lport || ev->c->rport) ? ev->c->tuple : record_ends(ev->rec);
}

static uint64_t end_hash(const uint8_t addr[16], uint16_t port)
{
	uint64_t w[2];

	memcpy(w, addr, sizeof(w));
	return ((w[0] ^ port) * 0x9e3779b97f4a7c15ull ^ w[1]) * 0xbf58476d1ce4e5b9ull;
}

uint32_t pair_hash(const struct tuple *t)
{
	uint64_t h = end_hash(t->laddr, t->lport) + end_hash(t->raddr, t->rport);

	return (uint32_t)(h ^ h >> 32);
}

bool same_end(const uint8_t a[16], uint16_t aport, const uint8_t b[16], uint16_t bport)
{
	return aport == bport && !memcmp(a, b, 16);
}

/* 127.0.0.1 is never elsewhere. */
enum pair_fit pair_fit(const struct tuple *a, const struct tuple *b, bool same_host)
{
	if (!same_end(a->laddr, a->lport, b->raddr, b->rport) || !same_end(a->raddr, a->rport, b->laddr, b->lport))
		return PAIR_NOT;
	if (same_host && a->netns == b->netns)
		return PAIR_HERE;
	return addr_is_loopback(a->laddr) ? PAIR_NOT : PAIR_ELSEWHERE;
}

uint64_t pair_isn(const struct model_event *ev)
{
	const struct tcptrace_record *r = ev->rec;

	if (r->event != ev->event || r->flags & TCPTRACE_F_ACTOR || tcptrace_has_totals(r))
		return 0;
	if (ev->event == TCPTRACE_SYNQ_ADD)
		return r->arg << 32 | r->arg >> 32;
	return ev->event == TCPTRACE_STATE && ev->old == TCP_S_SYN_SENT && ev->new == TCP_S_ESTABLISHED ? r->arg : 0;
}

bool pair_is_none(const struct model_event *ev, bool began)
{
	return (ev->event == TCPTRACE_STATE && ev->new == TCP_S_LISTEN) || (ev->counted & COUNTED_NOTHING && !began);
}
