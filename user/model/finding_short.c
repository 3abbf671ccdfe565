// SPDX-License-Identifier: GPL-2.0-only
/* An accept queue that fills because it is too short, by somaxconn or by its backlog. */
#include "../lib/tr.h"
#include "diagnosis.h"
#include "knob.h"

/* With those in it. */
static uint64_t clients_at_once(const struct listener *l)
{
	uint64_t holds = (uint64_t)l->refused.then.limit + 1;

	return l->refused.at_once > holds ? l->refused.at_once : holds;
}

/* Enough for all these, in powers of two. */
static uint64_t wanted_backlog(const struct listener *l)
{
	uint64_t n = 16;

	while (n + 1 < clients_at_once(l) && n < 1ull << 31)
		n *= 2;
	return n;
}

static void say_short(struct diagnosis *d)
{
	const struct listener *l = d->l;

	say_number(d, "holds", (uint64_t)l->refused.then.limit + 1);
	say_number(d, "at_once", clients_at_once(l));
	say_number(d, "want", wanted_backlog(l));
	say(d, FINDING_CAUSE, "{listener}: the accept queue of {who} is too short: it holds {holds}, {at_once:client} "
	    "wanted in before it was empty again");
}

/* reload: a command that does, or NULL */
static void say_restart(struct diagnosis *d, const char *reload)
{
	if (reload)
		say_words(d, "reload", reload);
	say(d, FINDING_ADVICE, who_is_gone(d) ? N_(" before the next start.") :
	    reload ? N_(", then let {who} call listen() again: {reload}.") :
	    N_(", then let {who} call listen() again: restart it."));
}

/* Nobody saw listen() being called, and the limit is what somaxconn is now. */
static bool maybe_clamped(const struct diagnosis *d)
{
	const struct limit_then *then = &d->l->refused.then;
	uint64_t somaxconn;

	return !then->backlog_known && machine_has(d, MACHINE_SOMAXCONN, &somaxconn) && somaxconn == then->limit;
}

/* To what was asked for; where that is not known, or all there is (-1), to the kernel's default since 5.4. */
static uint64_t clamp_raised(const struct listener *l, bool known)
{
	uint64_t want = wanted_backlog(l) > 4096 ? wanted_backlog(l) : 4096;

	return known && (uint32_t)l->refused.then.backlog <= 65535 ? (uint32_t)l->refused.then.backlog : want;
}

/* It has called listen() again, since then. */
static bool say_raised(struct diagnosis *d)
{
	if (!d->l->open || d->l->limit < wanted_backlog(d->l))
		return false;
	say_number(d, "limit_now", d->l->limit);
	say(d, FINDING_ADVICE, "Its limit is {limit_now} by now: enough.");
	return true;
}

/* The program's own number, by its setting's name where that is known. */
static void say_own(struct diagnosis *d)
{
	const struct knob *knob = knob_of(d->f.who.comm);
	bool named = knob && knob->backlog;

	if (named)
		say_words(d, "knob", knob->backlog);
	say(d, FINDING_ADVICE, named ? N_("Set {knob} to {want} or more") : N_("Let {who} give listen() a backlog of {want} or more"));
}

/* sure: the limit comes from there. Else it may as well be a number of its own, which is the same. */
static void say_somaxconn(struct diagnosis *d, uint64_t raise, bool sure)
{
	uint64_t now;

	if (machine_has(d, MACHINE_SOMAXCONN, &now) && now > d->l->refused.then.limit && now >= wanted_backlog(d->l)) {
		say_number(d, "somaxconn_now", now);
		say(d, FINDING_ADVICE, "net.core.somaxconn is {somaxconn_now} by now: enough");
	} else {
		say_number(d, "raise", raise);
		say(d, FINDING_ADVICE, "Raise it: sysctl -w net.core.somaxconn={raise}");
	}
	say_restart(d, NULL);
	if (sure)
		return;
	say(d, FINDING_ADVICE, " If its limit is {limit} again: ");
	say_own(d);
	say(d, FINDING_ADVICE, ".");
}

static bool find_clamped(struct diagnosis *d)
{
	const struct limit_then *then = &d->l->refused.then;
	bool known = then->backlog_known && then->somaxconn && (uint32_t)then->backlog > then->somaxconn;

	if (!known && !maybe_clamped(d))
		return false;
	say_short(d);
	say_number(d, "somaxconn", known ? then->somaxconn : then->limit);
	if (known) {
		say_number(d, "backlog", (uint32_t)then->backlog);
		say(d, FINDING_CAUSE, ". It asked for {backlog}; net.core.somaxconn made it {somaxconn}.");
	} else {
		say(d, FINDING_CAUSE, ". Its limit is as large as net.core.somaxconn ({somaxconn}): either that cut it down, or it "
		    "asked for just as much. Its listen() was before tcptrace ran.");
	}
	say_cost(d);
	say_acceptq(d);
	if (!say_raised(d))
		say_somaxconn(d, clamp_raised(d->l, known), known);
	return true;
}

/* Whose number the limit is. */
static void say_limit(struct diagnosis *d)
{
	uint64_t somaxconn;

	if (d->l->refused.then.backlog_known)
		say(d, FINDING_CAUSE, limits_differ(&d->l->limits) ? N_(" (its backlog was {limit}).") :
		    N_(" (its backlog is {limit})."));
	else if (machine_has(d, MACHINE_SOMAXCONN, &somaxconn) && somaxconn < d->l->refused.then.limit)
		say(d, FINDING_CAUSE, " (limit {limit}: its backlog, or what net.core.somaxconn was as it called listen()).");
	else
		say(d, FINDING_CAUSE, " (limit {limit}: its backlog or net.core.somaxconn, whichever was smaller as it called "
		    "listen()).");
}

/* The limit is what the program asked for. */
static void find_backlog(struct diagnosis *d)
{
	const struct knob *knob = knob_of(d->f.who.comm);
	const struct limit_then *then = &d->l->refused.then;
	uint64_t somaxconn = then->somaxconn;

	say_short(d);
	say_limit(d);
	say_cost(d);
	say_acceptq(d);
	if (say_raised(d))
		return;
	if (then->backlog_known && (uint32_t)then->backlog == then->somaxconn && !knob) {
		say(d, FINDING_ADVICE, "It asks for as much as net.core.somaxconn was: for that, as Go programs do, or for a number of "
		    "its own. ");
		say_somaxconn(d, wanted_backlog(d->l), false);
		return;
	}
	machine_has(d, MACHINE_SOMAXCONN, &somaxconn);
	say_own(d);
	if (!somaxconn) {
		say(d, FINDING_ADVICE, ", with a net.core.somaxconn that is not smaller");
	} else if (somaxconn < wanted_backlog(d->l)) {
		say_number(d, "somaxconn", somaxconn);
		say(d, FINDING_ADVICE, " and raise net.core.somaxconn with it (now {somaxconn})");
	}
	say_restart(d, knob ? knob->reload : NULL);
	if (!then->backlog_known && somaxconn > then->limit) {
		say_number(d, "somaxconn_now", somaxconn);
		say(d, FINDING_ADVICE, " If it asks for that much already, the same listen() is enough: net.core.somaxconn is "
		    "{somaxconn_now} now.");
	}
}

/* Full, and nothing says that the program was slow; where its accept() is not seen, nothing says that it was not. */
void find_short(struct diagnosis *d)
{
	struct hist h;

	if (!refused_by_acceptq(d->l) || !d->l->limit_known)
		return;
	blame_keeper(d);
	if (!acceptq_waits(d, &h)) {
		say(d, FINDING_CAUSE, "{listener}: the accept queue of {who} was full. Whether its backlog is too small or "
		    "it accepts too slowly is not known: its accept() calls are not all seen.");
		say_cost(d);
		say_acceptq(d);
		say(d, FINDING_ADVICE, "A run with -q, or top, watches accept(); what it cannot see on this machine, and why, tcptrace doctor "
		    "says.");
		tell(d, "acceptq-full");
		return;
	}
	if (find_clamped(d)) {
		tell(d, "acceptq-somaxconn");
		return;
	}
	find_backlog(d);
	tell(d, "acceptq-backlog");
}
