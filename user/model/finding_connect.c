// SPDX-License-Identifier: GPL-2.0-only
/* connect() that fails, and SYNs that nobody answers: which of them are told. Why they failed: finding_why.c. */
#include <errno.h>
#include <string.h>

#include "../lib/put.h"
#include "../lib/tr.h"
#include "connects.h"
#include "diagnosis.h"
#include "figure.h"
#include "finding_why.h"

/* ---- connect() ---- */

static struct target target_of_untold(const struct connects *row)
{
	return (struct target) {
		.netns = row->netns, .rport = row->rport, .family = row->family, .hosts = row->untold.hosts,
		.raddr = row->untold.raddr, .first_ns = row->untold.first_ns,
	};
}

#define CONNECT_FEW	3	/* a try or two that fails is how programs find out */

/* Was it this machine that answered by a RST? Then that is reported as a port without listener. */
static bool is_unheard(const struct model *m, const struct target *to)
{
	for (uint32_t i = 0; i < CONNECTS; i++) {
		const struct unheard *u = model_unheard(m, i);

		if (u->used && u->lport == to->rport && !memcmp(u->laddr, to->raddr, sizeof(u->laddr)))
			return true;
	}
	return false;
}

/* At that address, where others may have been as well. */
static bool refused_at(const struct listener *l, const struct target *to)
{
	const struct refused *r = &l->refused;

	if (l->lport != to->rport || (l->netns != to->netns && addr_is_loopback(to->raddr)))
		return false;
	if (r->clients && (r->laddrs || (!to->hosts && !memcmp(r->laddr, to->raddr, sizeof(r->laddr)))))
		return true;
	return refused_otherwise(l) &&
	       (r->other.laddrs || (!to->hosts && !memcmp(r->other.laddr, to->raddr, sizeof(r->other.laddr))));
}

/* Did a listener of this machine, of another namespace maybe, let them wait? Then that is the cause, and reported. */
static bool is_refused(const struct model *m, const struct target *to)
{
	const struct listener *l;

	for (uint32_t i = 0; (l = model_listener(m, i)); i++)
		if (refused_at(l, to))
			return true;
	return false;
}

/* Programs try IPv6 first and go on to IPv4. */
static bool went_on(const struct diagnosis *d, const struct connects *row, const struct failure *e)
{
	for (uint32_t i = 0; i < CONNECTS; i++) {
		const struct connects *other = model_connects(d->m, i);

		if (other->used && other->family == 4 && other->rport == row->rport && other->netns == row->netns &&
		    !memcmp(other->comm, row->comm, sizeof(row->comm)))
			return other->calls >= e->count;
	}
	return false;
}

/* Where only calls that fail are seen nobody knows whether it did: no route to where IPv6 leads is how most machines are. */
static bool may_have_gone_on(const struct diagnosis *d, const struct connects *row, const struct failure *e)
{
	if (row->family != 6)
		return false;
	if (e->err != ECONNREFUSED && model_seen(d->m, TCPTRACE_CONNECT) == TCPTRACE_SEEN_NOT)
		return true;
	return went_on(d, row, e);
}

/* Or with those that may have failed alike, for all that is known. */
static bool is_often(const struct connects *row, uint64_t count)
{
	uint64_t all = count + row->untold.count;

	return count >= CONNECT_FEW || (all >= CONNECT_FEW && 2 * all >= row->calls);
}

/* So failed to get there: programs with names of their own have a row each, and may have tried once each. */
static uint64_t failed_alike(const struct diagnosis *d, const struct connects *row, const struct failure *e)
{
	struct target to = target_of(row, e);
	uint64_t sum = 0;

	for (uint32_t i = 0; i < CONNECTS; i++) {
		const struct connects *other = model_connects(d->m, i);

		if (!other->used || other->family != row->family || other->rport != row->rport || other->netns != row->netns)
			continue;
		for (unsigned int n = 0; n < FAILURE_ERRNOS; n++)
			if (other->failures.of[n].err == e->err && !memcmp(other->to[n].raddr, to.raddr, 16))
				sum += other->failures.of[n].count;
	}
	return sum;
}

static bool connect_told(const struct diagnosis *d, const struct connects *row, const struct failure *e)
{
	struct target to = target_of(row, e);
	bool often = is_often(row, failed_alike(d, row, e));

	switch (e->err) {
	case EADDRNOTAVAIL:
		return !may_have_gone_on(d, row, e);
	case ECONNREFUSED:
		return often && !may_have_gone_on(d, row, e) && !is_unheard(d->m, &to);
	case ETIMEDOUT:
		return !is_refused(d->m, &to);
	case ENETUNREACH: case EHOSTUNREACH: case EAFNOSUPPORT: case EINVAL:
		return often && !may_have_gone_on(d, row, e);
	default:
		return often;
	}
}

/*
 * Closed before an answer was seen, as most of what it tried: one or two that are, or the slower of two ways, are no trouble.
 * What a listener of this machine refused is told of that. Where calls are not seen nobody knows what it tried.
 */
static bool untold_told(const struct diagnosis *d, const struct connects *row)
{
	const struct failure none = { .count = row->untold.count };
	struct target to = target_of_untold(row);

	return model_seen(d->m, TCPTRACE_CONNECT) && is_often(row, 0) && (row->family != 6 || !went_on(d, row, &none)) &&
	       !is_refused(d->m, &to);
}

static uint64_t failed_for_ns(int32_t err)
{
	return err == ETIMEDOUT ? CLIENT_LOST_NS : 1000000000ull;
}

/* Of what that program, and others of its name (many), want from a port. */
static struct diagnosis of_connects(const struct diagnosis *from, const struct target *to, const struct owner *program, bool many)
{
	const struct owner *const who[] = { program };
	struct diagnosis d = diagnosis_of(from, NULL);

	d.netns = to->netns;
	d.f.rport = to->rport;
	d.f.family = to->family;
	d.f.of_process = !many;
	blame(&d, who, 1);
	return d;
}

/* Some of those that nobody is known for may be its own. */
static bool may_be_more(const struct model *m, const struct connects *row, const struct failure *e)
{
	for (uint32_t i = 0; row->who.pid && i < CONNECTS; i++) {
		const struct connects *other = model_connects(m, i);

		if (!other->used || other->who.pid || other->rport != row->rport || other->netns != row->netns)
			continue;
		for (unsigned int n = 0; n < FAILURE_ERRNOS; n++)
			if (other->failures.of[n].count && other->failures.of[n].err == e->err)
				return true;
	}
	return false;
}

static void tell_connect(const struct diagnosis *from, const struct connects *row, const struct failure *e)
{
	bool all = model_seen(from->m, TCPTRACE_CONNECT) != TCPTRACE_SEEN_NOT;
	struct target to = target_of(row, e);
	struct diagnosis d = of_connects(from, &to, &row->who, row->many);

	say_value(&d, "errno", FINDING_ERRNO, (uint64_t)e->err);
	say_least(&d, "failed", FINDING_NUMBER, e->count, may_be_more(from->m, row, e));
	if (all)
		say_number(&d, "calls", row->calls);
	say_address(&d, "raddr", to.raddr);
	say_number(&d, "rport", row->rport);
	say_value(&d, "from", FINDING_MOMENT, e->first_ns);
	d.f.cost_ns = e->count * failed_for_ns(e->err);
	say(&d, FINDING_CAUSE, !row->who.pid ? N_("connect() to {raddr}:{rport} failed {failed:time} with {errno}, by whom was not seen") :
	    all ? N_("connect() to {raddr}:{rport} failed {failed:time} of {calls} with {errno} in {who}") :
	    N_("connect() to {raddr}:{rport} failed {failed:time} with {errno} in {who}"));
	if (row->many)
		say(&d, FINDING_CAUSE, " and others of that name");
	say_why(&d, row, e);
	say(&d, FINDING_CAUSE, ".");
	say(&d, FINDING_SEEN, to.hosts ? N_("First at {from}; other hosts, too.") : N_("First at {from}."));
	if (row->untold.count && e == failures_most(&row->failures)) {
		say_number(&d, "untold", row->untold.count);
		say(&d, FINDING_SEEN, " Beside them {untold:connection} closed before an answer was seen: how they failed is not known.");
	}
	tell(&d, "connect-fails");
}

static void tell_untold(const struct diagnosis *from, const struct connects *row)
{
	struct target to = target_of_untold(row);
	struct diagnosis d = of_connects(from, &to, &row->who, row->many);

	say_number(&d, "untold", row->untold.count);
	say_number(&d, "calls", row->calls);
	say_address(&d, "raddr", row->untold.raddr);
	say_number(&d, "rport", row->rport);
	say_value(&d, "from", FINDING_MOMENT, row->untold.first_ns);
	say_value(&d, "longest", FINDING_SPAN, row->untold.most_ns);
	d.f.cost_ns = row->untold.count * failed_for_ns(0);
	say(&d, FINDING_CAUSE, row->many ? N_("{untold:connection} to {raddr}:{rport}, of {calls}, closed by {who} and others of that "
	    "name in SYN_SENT, before an answer was seen") :
	    N_("{untold:connection} to {raddr}:{rport}, of {calls}, closed by {who} in SYN_SENT, before an answer was seen"));
	say(&d, FINDING_CAUSE, ": given up, or failed with an error that only the program was told.");
	say(&d, FINDING_SEEN, row->untold.hosts ? N_("First at {from}; other hosts, too.") : N_("First at {from}."));
	if (row->untold.most_ns)
		say(&d, FINDING_SEEN, " The longest was open for {longest}.");
	say(&d, FINDING_ADVICE, "What {who} says, or strace -e trace=network, shows which error, if any: an ICMP message as of a firewall "
	    "that rejects is told by SO_ERROR alone. Look at nft list ruleset, too.");
	tell(&d, "connect-fails");
}

/* ---- SYNs without an answer, of programs that do not wait for an errno ---- */

static struct target target_of_unanswered(const struct unanswered *u)
{
	return (struct target) {
		.netns = u->netns, .rport = u->rport, .family = addr_is_mapped(u->raddr) ? 4 : 6, .hosts = u->hosts,
		.raddr = u->raddr, .first_ns = u->first_ns,
	};
}

static void say_no_answer(struct diagnosis *d, const struct unanswered *u)
{
	const struct target to = target_of_unanswered(u);
	const struct listener *l = target_listener(d, &to);

	if (u->count < CONNECT_FEW)
		say(d, FINDING_CAUSE, !u->who.pid ? N_("{given:SYN} to {raddr}:{rport} had no answer that was seen and were given up") :
		    u->many ? N_("{given:SYN} of {who} and others to {raddr}:{rport} had no answer that was seen and were given up") :
		    N_("{given:SYN} of {who} to {raddr}:{rport} had no answer that was seen and were given up"));
	else
		say(d, FINDING_CAUSE, !u->who.pid ? N_("{again:SYN} to {raddr}:{rport} had no answer at first and had to be sent again") :
		    u->many ? N_("{again:SYN} of {who} and others to {raddr}:{rport} had no answer at first and had to be sent again") :
		    N_("{again:SYN} of {who} to {raddr}:{rport} had no answer at first and had to be sent again"));
	if (!l || !say_dropped(d, l))
		say(d, FINDING_ADVICE, "The host is down, a firewall drops, the route is wrong, or one of its queues is full: run "
		    "tcptrace there.");
	say(d, FINDING_CAUSE, ".");
}

static void tell_unanswered(const struct diagnosis *from, const struct unanswered *u)
{
	struct target to = target_of_unanswered(u);
	struct diagnosis d = of_connects(from, &to, &u->who, u->many);

	d.f.family = u->family;		/* the socket's: to an IPv4 host it may be IPv6 */
	say_number(&d, "again", u->count);
	say_number(&d, "given", u->given_up);
	say_value(&d, "gave", FINDING_SPAN, u->given_ns);
	say_address(&d, "raddr", u->raddr);
	say_number(&d, "rport", u->rport);
	say_value(&d, "from", FINDING_MOMENT, u->first_ns);
	d.f.cost_ns = (u->count + u->given_up) * 1000000000ull;
	say_no_answer(&d, u);
	say(&d, FINDING_SEEN, u->hosts ? N_("First at {from}; other hosts, too.") : N_("First at {from}."));
	if (u->count < CONNECT_FEW)
		say(&d, FINDING_SEEN, " The longest was waited for {gave}.");
	else if (u->given_up)
		say(&d, FINDING_SEEN, " {given:more SYN} had none until given up, after {gave} at the latest.");
	if (u->count >= CONNECT_FEW && model_seen(d.m, TCPTRACE_STATE) == TCPTRACE_SEEN_EXACTLY) {
		say_number(&d, "late", u->late);
		say(&d, FINDING_SEEN, " {late} had one later.");
	}
	tell(&d, "no-answer");
}

/* Ended by ICMP, as many as had to send their SYN again: the first message finds a call that holds the socket (tcp_v4_err()). */
static bool ended_by_icmp(const struct diagnosis *d, const struct unanswered *u)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < CONNECTS; i++) {
		const struct connects *row = model_connects(d->m, i);

		if (!row->used || row->rport != u->rport || row->netns != u->netns || row->family != target_of_unanswered(u).family)
			continue;
		for (unsigned int n = 0; n < FAILURE_ERRNOS; n++)
			if (row->failures.of[n].count >= CONNECT_FEW && is_errno_of_net(row->failures.of[n].err) &&
			    came_of(d, row, &row->failures.of[n]) == CAME_NO_RST)
				sum += row->failures.of[n].count;
	}
	return sum >= u->count + u->given_up;
}

/* With the errno that ends one without an answer of its host, which is told then. */
static bool has_errno(const struct diagnosis *d, const struct unanswered *u)
{
	return model_connect_failed(d->m, u->netns, u->rport, ETIMEDOUT, NULL) ||
	       model_connect_failed(d->m, u->netns, u->rport, EHOSTUNREACH, NULL) ||
	       model_connect_failed(d->m, u->netns, u->rport, ENETUNREACH, NULL) || ended_by_icmp(d, u);
}

static void find_unanswered(struct diagnosis *d)
{
	for (uint32_t i = 0; i < CONNECTS; i++) {
		const struct unanswered *u = model_unanswered(d->m, i);
		struct target to = target_of_unanswered(u);

		if ((u->count >= CONNECT_FEW || u->given_up >= CONNECT_FEW) && !is_refused(d->m, &to) &&
		    !has_errno(d, u))
			tell_unanswered(d, u);
	}
}

static void find_failed(struct diagnosis *d, const struct connects *row)
{
	bool told = false;

	for (unsigned int n = 0; n < FAILURE_ERRNOS; n++) {
		const struct failure *e = &row->failures.of[n];

		if (!e->count || !connect_told(d, row, e))
			continue;
		tell_connect(d, row, e);
		told = true;
	}
	if (!told && untold_told(d, row))
		tell_untold(d, row);
}

void find_connects(struct diagnosis *d)
{
	for (uint32_t i = 0; i < CONNECTS; i++)
		find_failed(d, model_connects(d->m, i));
	find_unanswered(d);
}
