// SPDX-License-Identifier: GPL-2.0-only
/* Listeners that are gone with those who waited, and ports where nobody listens. */
#include <errno.h>
#include <string.h>

#include "../lib/put.h"
#include "../lib/tr.h"
#include "connects.h"
#include "diagnosis.h"
#include "figure.h"

/* ---- closed over connections that nobody had accepted ---- */

/*
 * Members of a group that waited as theirs was closed, and were not seen to end there, nor at another: inet_csk_listen_stop()
 * resets them unless net.ipv4.tcp_migrate_req, or a BPF program of the group, lets another one have them.
 */
static uint64_t left_unseen(const struct diagnosis *d)
{
	uint64_t migrate;

	return d->l->close_seen && machine_has(d, MACHINE_MIGRATE, &migrate) && !migrate ? d->l->acceptq.now : 0;
}

static uint64_t closed_over(const struct diagnosis *d)
{
	const struct listener *l = d->l;
	uint64_t closed = l->causes[TCPTRACE_ACCEPTQ_CLOSED] + left_unseen(d);

	if (closed > l->pace.left)		/* the kernel knows how many waited */
		closed = l->pace.left;
	return closed - (l->closed_reset < closed ? l->closed_reset : closed);	/* by their clients, before */
}

static void say_unseen(struct diagnosis *d, enum finding_part part)
{
	if (left_unseen(d))
		say(d, part, " (as net.ipv4.tcp_migrate_req is 0; it was not seen)");
}

/* Of a part of who waits it is known that it waits. */
static void say_closed_over(struct diagnosis *d, uint64_t closed)
{
	say_least(d, "closed", FINDING_NUMBER, closed, figure_known(d->m, d->l, FIGURE_ESTABLISHED) == KNOWN_LEAST);
}

/* In a longer queue they would have waited with those that were thrown out: where nobody had been accepted since. */
bool close_explains(const struct diagnosis *d)
{
	uint64_t refused = d->l->pace.left_refused;

	return refused && model_seen(d->m, TCPTRACE_ACCEPTQ_DEL) != TCPTRACE_SEEN_NOT &&
	       2 * refused >= refused_by_acceptq(d->l) && closed_over(d);
}

/* It ended what is told: a close is no other cause, and what it cost is told with that. */
void say_closed(struct diagnosis *d)
{
	uint64_t closed = closed_over(d);

	if (!closed || d->l->pace.closings > 1)
		return;
	d->closed = true;
	d->f.cost_ns += closed * CLIENT_LOST_NS;
	say_closed_over(d, closed);
	say_value(d, "at", FINDING_MOMENT, d->l->pace.left_ns);
	say(d, FINDING_COST, has_part(&d->f, FINDING_COST) ?
	    N_(" {closed:connection} that waited reset as the listener was closed at {at}") :
	    N_("{closed:connection} that waited reset as the listener was closed at {at}"));
	say_unseen(d, FINDING_COST);
	say(d, FINDING_COST, ".");
}

void find_closed(struct diagnosis *from, enum told_close how)
{
	struct diagnosis d = diagnosis_of(from, from->l);
	uint64_t closed = closed_over(&d);

	if (!closed || how == CLOSE_TOLD)
		return;
	blame_keeper(&d);
	d.f.of_process = true;
	say_closed_over(&d, closed);
	say_value(&d, "at", FINDING_MOMENT, d.l->pace.left_ns);
	d.f.cost_ns = closed * CLIENT_LOST_NS;
	if (d.l->pace.closings > 1) {
		say_number(&d, "closings", d.l->pace.closings);
		say(&d, FINDING_CAUSE, "{listener}: the listener of {who} was closed {closings:time}, the last at {at}, with "
		    "{closed:connection} in all that nobody had accepted");
	} else {
		say(&d, FINDING_CAUSE, "{listener}: the listener of {who} was closed at {at} with {closed:connection} that "
		    "nobody had accepted");
	}
	say(&d, FINDING_CAUSE, closed == 1 ? N_(": it was reset") : N_(": they were reset"));
	say_unseen(&d, FINDING_CAUSE);
	if (who_is_gone(&d))
		say(&d, FINDING_CAUSE, " (the process is gone)");
	say(&d, FINDING_CAUSE, ".");
	if (how == CLOSE_REFUSED) {
		say_cost(&d);
		say_acceptq(&d);
	} else if (d.l->causes[TCPTRACE_SYNQ_LISTENER_CLOSED]) {
		say_number(&d, "half_open", d.l->causes[TCPTRACE_SYNQ_LISTENER_CLOSED]);
		say(&d, FINDING_COST, "Beside them {half_open:handshake} ended half-way.");
	}
	say(&d, FINDING_ADVICE, who_is_gone(&d) ?
	    N_("If it ended by itself: its log, or dmesg (out of memory, a crash), says why. If it was to end, let it accept until the "
	       "queue is empty before it closes, or hand the listener over: ") :
	    N_("Let it accept until the queue is empty before it closes, or hand the listener over: "));
	say(&d, FINDING_ADVICE, "socket activation, or another SO_REUSEPORT listener and net.ipv4.tcp_migrate_req=1 (since Linux 5.14).");
	tell(&d, "closed-waiting");
}

/* ---- SYNs that a RST answered ---- */

#define UNHEARD_FEW	3	/* so many SYNs to a port where nobody ever listened are no scan and no slip */
#define UNHEARD_TOLD	3	/* of such ports */

#define SETTLED_NS	10000000ull	/* from "it listens" to where SYNs find it, and between two clocks that tell of it */

/* Who listened on a port before SYNs came to nobody, who does since, who did in between, and who does, but not for these. */
struct around {
	const struct listener *before, *after, *between, *other;
};

static bool was_there(const struct listener *l, uint64_t t_ns)
{
	return (!listener_since(l) || listener_since(l) + SETTLED_NS < t_ns) && (l->open || l->closed_ns > t_ns);
}

/* One that was there when a SYN was refused does not: it has a device of its own, or IPV6_V6ONLY. */
static bool takes(const struct listener *l, const struct unheard *u)
{
	return listener_covers(l, u->laddr) && !was_there(l, u->first_ns) && !was_there(l, u->last_ns);
}

static void look_at(struct around *a, const struct listener *l, const struct unheard *u)
{
	uint64_t since = listener_since(l);

	if (!takes(l, u)) {
		if (!a->other || l->open >= a->other->open)
			a->other = l;
	} else if (!l->open && l->closed_ns <= u->first_ns) {
		if (!a->before || l->closed_ns > a->before->closed_ns)
			a->before = l;
	} else if (since && since + SETTLED_NS >= u->last_ns) {
		if (!a->after || since < listener_since(a->after))
			a->after = l;
	} else if (!a->between || since >= listener_since(a->between)) {
		a->between = l;
	}
}

static struct around around(const struct model *m, const struct unheard *u)
{
	struct around a = { 0 };
	const struct listener *l;

	for (uint32_t i = 0; (l = model_listener(m, i)); i++)
		if (l->lport == u->lport && l->netns == u->netns)
			look_at(&a, l, u);
	return a;
}

static bool somebody_listened(const struct around *a)
{
	return a->before || a->after || a->between;
}

/* How many times nobody did, by SYNs that came then. */
static uint64_t gaps_of(const struct unheard *u, const struct around *a)
{
	return u->between || !a->between ? u->between + 1 : 2;
}

/* Those that came by IPv4, to whoever listened at that port then, or to nobody. */
static uint64_t came_by_ipv4(const struct model *m, const struct unheard *u)
{
	const struct listener *l;
	uint64_t sum = 0;

	for (uint32_t i = 0; (l = model_listener(m, i)); i++)
		if (l->lport == u->lport && l->netns == u->netns && l->family == 4)
			sum += l->established + refused_by_acceptq(l) + refused_by_synq(l);
	for (uint32_t i = 0; i < CONNECTS; i++) {
		const struct unheard *v = model_unheard(m, i);

		if (v->used && v->lport == u->lport && v->netns == u->netns && v->family == 4)
			sum += v->count;
	}
	return sum;
}

/* "localhost" by IPv6 first, by IPv4 then: nobody notices, unless they do not come by IPv4. */
static bool is_no_trouble(const struct model *m, const struct unheard *u, const struct around *a)
{
	const struct listener *l = a->other;

	if (!l || l->family != 4 || addr_is_mapped(u->laddr) || !addr_is_loopback(u->laddr))
		return false;
	return figure_known(m, l, FIGURE_ESTABLISHED) == KNOWN_NOT || came_by_ipv4(m, u) >= u->count;
}

static void say_gap(struct diagnosis *d, const struct unheard *u, const struct around *a)
{
	uint64_t from = a->before ? a->before->closed_ns : u->first_ns;
	uint64_t until = a->after && listener_since(a->after) > u->last_ns ? listener_since(a->after) : u->last_ns;

	say_value(d, "from", FINDING_MOMENT, from);
	say_value(d, "until", FINDING_MOMENT, until);
	say_value(d, "gap", FINDING_SPAN, until - from);
}

static void blame_around(struct diagnosis *d, const struct around *a)
{
	const struct listener *l = a->after ? a->after : a->between ? a->between : a->before ? a->before : a->other;
	const struct owner *who[] = { l ? &l->opener : NULL };

	if (l)
		blame(d, who, 1);
	d->f.listener = l == a->other ? NULL : l;
}

/* A listener of that address which did not take them. */
static void say_not_for_these(struct diagnosis *d, const struct unheard *u, const struct listener *l)
{
	if (l->device > 1) {
		say(d, FINDING_CAUSE, l->open ? N_("{who} listens on {elsewhere}:{lport}, but on one device alone (SO_BINDTODEVICE).") :
		    N_("{who} listened on {elsewhere}:{lport}, but on one device alone (SO_BINDTODEVICE)."));
		say(d, FINDING_ADVICE, "Let {who} listen on all devices, or let the clients come by that one (ss -tan shows it).");
	} else if (addr_is_mapped(u->laddr) && !addr_is_mapped(l->laddr)) {
		say(d, FINDING_CAUSE, l->open ? N_("{who} listens on {elsewhere}:{lport}, but for IPv6 alone (IPV6_V6ONLY).") :
		    N_("{who} listened on {elsewhere}:{lport}, but for IPv6 alone (IPV6_V6ONLY)."));
		say(d, FINDING_ADVICE, "Let {who} listen for IPv4, too: on 0.0.0.0, or without IPV6_V6ONLY (nginx: ipv6only=off).");
	} else {
		say(d, FINDING_CAUSE, l->open && !listener_since(l) ? N_("{who} listens on {elsewhere}:{lport}, since when was not "
		    "seen.") : N_("{who} listened on {elsewhere}:{lport} then, but did not get them."));
		say(d, FINDING_ADVICE, "If it listened then, a VRF, a rule of routing or a filter kept them from it: look at nft list "
		    "ruleset.");
	}
}

static void say_other_address(struct diagnosis *d, const struct unheard *u, const struct around *a)
{
	say(d, FINDING_CAUSE, a->other->open ? N_("nobody listens on that address; {who} listens on {elsewhere}:{lport}.") :
	    N_("nobody listened on that address; {who} listened on {elsewhere}:{lport}."));
	if (addr_is_any(a->other->laddr))		/* of IPv4 */
		say(d, FINDING_ADVICE, "Let {who} listen for IPv6, too ([::]), or let the clients come by IPv4.");
	else if (addr_is_loopback(a->other->laddr) && !addr_is_loopback(u->raddr))	/* where only this machine gets to */
		say(d, FINDING_ADVICE, "Let {who} listen on the address that the clients use (0.0.0.0 or [::] for all).");
	else
		say(d, FINDING_ADVICE, "Let {who} listen on the address that the clients use (0.0.0.0 or [::] for all), or "
		    "send them to {elsewhere}.");
}

static void say_elsewhere(struct diagnosis *d, const struct unheard *u, const struct around *a)
{
	say_address(d, "elsewhere", a->other->laddr);
	say(d, FINDING_CAUSE, "{syns:SYN} to {laddr}:{lport} answered by RST: ");
	if (listener_covers(a->other, u->laddr))
		say_not_for_these(d, u, a->other);
	else
		say_other_address(d, u, a);
}

static const char *const keep_open = N_("Keep a listener open over a restart: reload instead, socket activation, or the new program "
					"listens (SO_REUSEPORT) before the old one ends.");

static void say_gaps(struct diagnosis *d, const struct unheard *u, const struct around *a)
{
	say_number(d, "gaps", gaps_of(u, a));
	say(d, FINDING_CAUSE, "{syns:SYN} to {laddr}:{lport} answered by RST: {gaps:time} between {from} and {until} nobody "
	    "listened");
	if (d->f.who.pid)
		say(d, FINDING_CAUSE, "; {who} listened last");
	say(d, FINDING_CAUSE, ".");
	/* the first of them may be from before the first listener */
	say(d, FINDING_ADVICE, gaps_of(u, a) - !a->before > 1 ? N_("Find out why the listener is closed again and again. ") :
	    N_("Find out why the listener was closed. "));
	say(d, FINDING_ADVICE, keep_open);
}

/* Who wanted to listen meanwhile, but could not have the port; before it, where nobody did before. */
static const struct unbound *unbound_then(const struct diagnosis *d, const struct unheard *u, const struct around *a)
{
	const struct unbound *b = model_unbound(d->m, u->netns, u->lport);

	if (!b || b->last_ns > u->last_ns || (a->before && b->last_ns < a->before->closed_ns) || gaps_of(u, a) > 1)
		return NULL;
	return addr_is_any(b->laddr) || !memcmp(b->laddr, u->laddr, sizeof(u->laddr)) ? b : NULL;
}

static void say_unbound(struct diagnosis *d, const struct unbound *b)
{
	d->f.who = b->who;
	say_value(d, "errno", FINDING_ERRNO, (uint64_t)b->err);
	say_value(d, "bound_at", FINDING_MOMENT, b->last_ns);
	say(d, FINDING_CAUSE, "{syns:SYN} to {laddr}:{lport} answered by RST: nobody listened from {from} to {until} ({gap}). {who} was to, "
	    "but its bind() failed with {errno} at {bound_at}.");
	if (b->err == EADDRINUSE)
		say(d, FINDING_ADVICE, "Another socket was bound to that port, or connections from there were in TIME_WAIT: ss -tan shows it. Let "
		    "{who} set SO_REUSEADDR before bind(): then TIME_WAIT does not matter.");
	else if (b->err == EACCES)
		say(d, FINDING_ADVICE, "A port below net.ipv4.ip_unprivileged_port_start needs CAP_NET_BIND_SERVICE; or a security module denies "
		    "it.");
	else
		say(d, FINDING_ADVICE, "See {errno} in bind(2).");
}

/* A program may close its listener, or call shutdown() on it, and go on. */
static const char *closed_advice(const struct diagnosis *d)
{
	if (who_is_gone(d))
		return N_("Start it again; find out why it ended.");
	return who_is_there(d) ? N_("{who} still runs: find out why it listens no more (see its log).") :
	       N_("Find out why (see its log); if it has ended, start it again.");
}

static void say_restarted(struct diagnosis *d, const struct unheard *u, const struct around *a)
{
	say_gap(d, u, a);
	if (gaps_of(u, a) > 1) {
		say_gaps(d, u, a);
		return;
	}
	say(d, FINDING_CAUSE, "{syns:SYN} to {laddr}:{lport} answered by RST: nobody listened from {from} to {until} "
	    "({gap})");
	if (d->f.who.pid)
		say(d, FINDING_CAUSE, a->after ? N_(", when {who} began to") : N_(", after the listener of {who} was closed"));
	say(d, FINDING_CAUSE, ".");
	say(d, FINDING_ADVICE, a->after ? keep_open : closed_advice(d));
}

/* One of them, where it is on this machine; or NULL. */
static const struct owner *client_of(const struct model *m, const struct unheard *u)
{
	const struct connects *row = model_connect_failed(m, u->netns, u->lport, ECONNREFUSED, u->laddr);

	return row && row->who.pid ? &row->who : NULL;
}

static void say_clients(struct diagnosis *d, const struct unheard *u)
{
	const struct owner *const client[] = { client_of(d->m, u) };

	if (client[0]) {
		blame(d, client, 1);
		say(d, FINDING_COST, u->clients ? N_("They came from {raddr} and others, among them {who}.") :
		    N_("They came from {raddr}, among them those of {who}."));
		return;
	}
	say(d, FINDING_COST, u->clients ? N_("They came from {raddr} and others.") : N_("They came from {raddr}."));
}

static void say_nobody(struct diagnosis *d, const struct unheard *u, const struct around *a)
{
	say_gap(d, u, a);
	say_address(d, "raddr", u->raddr);
	say(d, FINDING_CAUSE, "{syns:SYN} to {laddr}:{lport} answered by RST: nobody listened there, from {from} to "
	    "{until}.");
	say_clients(d, u);
	say(d, FINDING_ADVICE, "Start the server that belongs there, or send the clients to its port.");
}

static bool unheard_told(const struct model *m, const struct unheard *u, const struct around *a)
{
	return !is_no_trouble(m, u, a) && (a->before || gaps_of(u, a) > 1 || u->count >= UNHEARD_FEW);
}

/* untold: as many have the same trouble, and are not told. */
static void tell_unheard(const struct diagnosis *from, const struct unheard *u, const struct around *a, uint64_t untold)
{
	struct diagnosis d = diagnosis_of(from, NULL);
	const struct unbound *b;

	d.netns = u->netns;
	d.f.lport = u->lport;
	d.f.family = u->family;
	d.f.of_process = somebody_listened(a);
	blame_around(&d, a);
	say_number(&d, "syns", u->count);
	say_address(&d, "laddr", u->laddr);
	say_number(&d, "lport", u->lport);
	d.f.cost_ns = u->count * 1000000000ull;
	b = unbound_then(&d, u, a);
	if (b && (somebody_listened(a) || !a->other)) {
		say_gap(&d, u, a);
		say_unbound(&d, b);
	} else if (somebody_listened(a))
		say_restarted(&d, u, a);
	else if (a->other)
		say_elsewhere(&d, u, a);
	else
		say_nobody(&d, u, a);
	if (untold) {
		say_number(&d, "untold", untold);
		say(&d, FINDING_SEEN, "SYNs to {untold:more destination} were answered so, too.");
	}
	tell(&d, "no-listener");
}

/* What tell_unheard() would tell where nobody listened. */
static bool unheard_wanted(const struct diagnosis *d, const struct unheard *u, const struct around *a)
{
	struct finding f = { .netns = u->netns, .lport = u->lport, .family = u->family };
	const struct owner *who = a->other ? &a->other->opener : client_of(d->m, u);

	if (who)
		f.who = *who;
	return is_wanted(d, &f);
}

/* Nobody was ever seen to listen there. */
static bool never_heard(const struct diagnosis *d, const struct unheard *u)
{
	struct around a;

	if (!u->used)
		return false;
	a = around(d->m, u);
	return !somebody_listened(&a) && unheard_told(d->m, u, &a) && unheard_wanted(d, u, &a);
}

/* Of the ports where nobody was ever seen to listen the one most asked for, after `before`. */
static const struct unheard *busiest(const struct diagnosis *d, const struct unheard *before)
{
	const struct unheard *u, *found = NULL;

	for (uint32_t i = 0; i < CONNECTS; i++) {
		u = model_unheard(d->m, i);
		if (before && (u->count > before->count || (u->count == before->count && u >= before)))
			continue;
		if (never_heard(d, u) && (!found || u->count > found->count || (u->count == found->count && u > found)))
			found = u;
	}
	return found;
}

/* The busiest; with the last of them how many more there are. */
static void find_never_heard(struct diagnosis *d)
{
	const struct unheard *u = busiest(d, NULL);
	uint64_t untold = 0;

	for (uint32_t i = 0; i < CONNECTS; i++)
		untold += never_heard(d, model_unheard(d->m, i));
	for (unsigned int n = 1; u && n <= UNHEARD_TOLD; n++) {
		struct around a = around(d->m, u);

		untold--;
		tell_unheard(d, u, &a, n == UNHEARD_TOLD ? untold : 0);
		u = busiest(d, u);
	}
}

void find_unheard(struct diagnosis *d)
{
	const struct unheard *u;
	struct around a;

	for (uint32_t i = 0; i < CONNECTS; i++) {
		u = model_unheard(d->m, i);
		if (!u->used)
			continue;
		a = around(d->m, u);
		if (somebody_listened(&a) && unheard_told(d->m, u, &a))
			tell_unheard(d, u, &a, 0);
	}
	find_never_heard(d);
}
