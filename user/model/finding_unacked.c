// SPDX-License-Identifier: GPL-2.0-only
/* Established connections whose peers acknowledge nothing any more. */
#include "../lib/tr.h"
#include "diagnosis.h"
#include "unacked.h"

#define UNACKED_FEW	3	/* a client or two that vanish are how clients are */

/* Whose it is may not be known of each: who accepts there is. */
static void blame_end(struct diagnosis *d, const struct unacked *u)
{
	const struct owner *who[] = { &u->who, NULL };
	const struct listener *l;

	for (uint32_t i = 0; u->server && !who[1] && (l = model_listener(d->m, i)); i++)
		if (l->lport == u->port && l->netns == u->netns && l->acceptor.pid)
			who[1] = &l->acceptor;
	blame(d, who, u->who.pid || !who[1] ? 1 : 2);
}

/* Of a server many clients come, and some go without a word. */
static uint64_t came_in(const struct diagnosis *d, const struct unacked *u)
{
	const struct listener *l;
	uint64_t sum = 0;

	for (uint32_t i = 0; u->server && (l = model_listener(d->m, i)); i++)
		if (l->lport == u->port && l->netns == u->netns)
			sum += l->established;
	return sum;
}

static bool is_told(const struct diagnosis *d, const struct unacked *u)
{
	uint64_t n = u->count > u->ended ? u->count : u->ended;

	return u->used && n >= UNACKED_FEW && n * 100 >= came_in(d, u);
}

/* Both ends may be on this machine: one cause, which is told of the end that has more. */
static bool is_other_end(const struct diagnosis *d, const struct unacked *u)
{
	for (uint32_t i = 0; i < UNACKED; i++) {
		const struct unacked *v = model_unacked(d->m, i);

		if (v != u && is_told(d, v) && v->port == u->port && v->netns == u->netns && v->server != u->server &&
		    (v->count > u->count || (v->count == u->count && v < u)))
			return true;
	}
	return false;
}

static void say_unacked(struct diagnosis *d, const struct unacked *u)
{
	say(d, FINDING_CAUSE, u->server ?
	    u->many ? N_("{conns:connection} of {who} and others at port {port} got no acknowledgment for what they sent: ") :
	    N_("{conns:connection} of {who} at port {port} got no acknowledgment for what they sent: ") :
	    u->many ? N_("{conns:connection} of {who} and others to {raddr}:{port} got no acknowledgment for what they sent: ") :
	    N_("{conns:connection} of {who} to {raddr}:{port} got no acknowledgment for what they sent: "));
	say(d, FINDING_CAUSE, u->count ?
	    N_("the kernel sent again and again, each time after about twice as long, for up to {longest} so far.") :
	    N_("they ended with ETIMEDOUT."));
	if (u->count && u->ended)
		say(d, FINDING_COST, "{ended} of them ended with ETIMEDOUT.");
}

static void tell_unacked(const struct diagnosis *from, const struct unacked *u)
{
	struct diagnosis d = diagnosis_of(from, NULL);

	d.netns = u->netns;
	d.f.family = u->family;
	*(u->server ? &d.f.lport : &d.f.rport) = u->port;
	blame_end(&d, u);
	say_number(&d, "conns", u->count ? u->count : u->ended);
	say_number(&d, "ended", u->ended);
	say_number(&d, "port", u->port);
	say_address(&d, "raddr", u->raddr);
	d.f.cost_ns = (u->count > u->ended ? u->count : u->ended) * CLIENT_LOST_NS;
	if (u->count) {
		say_value(&d, "longest", FINDING_SPAN, u->most_ns);
		say_value(&d, "from", FINDING_MOMENT, u->first_ns);
	}
	say_unacked(&d, u);
	if (u->count)
		say(&d, FINDING_SEEN, u->hosts ? N_("Known at {from}; the last of several peers is {raddr}.") :
		    N_("Known at {from}; the peer is {raddr}."));
	say(&d, FINDING_ADVICE, u->server ? N_("The peers are gone without FIN or RST (a host that is down, a link, a NAT that forgot them), "
	    "or a firewall drops: see whether {raddr} answers, look at nft list ruleset. ") :
	    N_("{raddr} is gone without FIN or RST (a host that is down, a link, a NAT that forgot them), a firewall drops, or its accept "
	    "queue was full and it never saw the connection: see whether it answers, look at nft list ruleset here and there. "));
	say(&d, FINDING_ADVICE, "ss -tan lists them. TCP_USER_TIMEOUT, or net.ipv4.tcp_retries2, bounds how long {who} waits.");
	tell(&d, "no-ack");
}

void find_unacked(struct diagnosis *d)
{
	for (uint32_t i = 0; i < UNACKED; i++) {
		const struct unacked *u = model_unacked(d->m, i);

		if (is_told(d, u) && !is_other_end(d, u))
			tell_unacked(d, u);
	}
}
