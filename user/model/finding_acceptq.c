// SPDX-License-Identifier: GPL-2.0-only
/*
 * What lets an accept queue fill, or connections wait in it: one cause for each listener,
 * the first that holds. accept() fails; the program shuts the queue; one member of a group
 * is stuck; nobody accepts for a while; the program is too slow; the queue is too short.
 */
#include "../lib/tr.h"
#include "diagnosis.h"

/*
 * listen() with 0 lets one in and refuses the others, until listen() is called with more: memcached does so at its -c. Not
 * where somaxconn made 0 of what it asked for.
 */
static bool find_shut(struct diagnosis *d)
{
	const struct limit_then *then = &d->l->refused.then;

	if (!refused_by_acceptq(d->l) || then->limit || !d->l->limits.high || (then->backlog_known && then->backlog))
		return false;
	blame_keeper(d);
	say_number(d, "limit_most", d->l->limits.high);
	say(d, FINDING_CAUSE, then->backlog_known ?
	    N_("{listener}: {who} closes the door itself: it called listen() with 0, and its accept queue, whose limit was up to "
	       "{limit_most} at other times, held one connection.") :
	    N_("{listener}: the accept queue of {who}, whose limit was up to {limit_most} at other times, had limit 0 and held one "
	       "connection: it called listen() with 0, or with any number while net.core.somaxconn was 0."));
	say_cost(d);
	say_acceptq(d);
	say_at_once(d);
	say(d, FINDING_ADVICE, "Programs call listen() with 0 while they want nobody: as they serve as many connections as they may "
	    "(memcached at its -c), or end. A larger backlog does not help.");
	tell(d, "acceptq-shut");
	return true;
}

/* Who is named accepted last: how many others did, too. */
static bool say_acceptors(struct diagnosis *d)
{
	uint32_t n = d->l->acceptors;

	if (n < 2 || d->f.who.pid != d->l->acceptor.pid)
		return false;
	say_least(d, "acceptors", FINDING_NUMBER, n - 1,
		  n == ACCEPTORS_MAX || figure_known(d->m, d->l, FIGURE_ACCEPTORS) != KNOWN_EXACTLY);
	return true;
}

/* One that has not accepted yet may be slow, or do something else: that shows when it has been so for longer. */
static const char *slow_cause(struct diagnosis *d)
{
	if (!d->l->pace.takes)
		return N_("{listener}: {who} took none of those that waited: the accept queue was full.");
	return say_acceptors(d) ?
	       N_("{listener}: {who} and {acceptors:other} call accept() more slowly than clients come: the accept queue was full.") :
	       N_("{listener}: {who} calls accept() more slowly than clients come: the accept queue was full.");
}

static bool is_slow(const struct diagnosis *d)
{
	struct hist h;

	return refused_by_acceptq(d->l) && acceptq_waits(d, &h) && hist_quantile(&h, 500) >= FINDING_SLOW_NS;
}

/* with_pauses: that are not told by themselves */
static bool find_slow(struct diagnosis *d, bool with_pauses)
{
	if (!is_slow(d))
		return false;
	blame_server(d);
	say(d, FINDING_CAUSE, slow_cause(d));
	say_cost(d);
	say_acceptq(d);
	if (with_pauses)
		say_pause(d);
	say_at_once(d);
	say(d, FINDING_ADVICE, "Make {who} accept faster: more threads or processes, or a loop that accepts before it "
	    "works. A longer queue only makes clients wait longer.");
	tell(d, "accept-slow");
	return true;
}

/* Nobody is refused yet, but they wait. */
static bool find_long_wait(struct diagnosis *d, bool with_pauses)
{
	uint64_t p99;
	struct hist h;

	if (refused_by_acceptq(d->l) || !acceptq_waits(d, &h))
		return false;
	p99 = hist_quantile(&h, 990);
	if (p99 < FINDING_SLOW_NS)
		return false;
	blame_server(d);
	say_least(d, "p99", FINDING_SPAN, p99, hist_is_least(&h, 990));
	say(d, FINDING_CAUSE, say_acceptors(d) ?
	    N_("{listener}: connections wait long for accept() of {who} and {acceptors:other}: p99 {p99}.") :
	    N_("{listener}: connections wait long for accept() of {who}: p99 {p99}."));
	say_acceptq(d);
	if (with_pauses)
		say_pause(d);
	say_at_once(d);
	say(d, FINDING_ADVICE, "Make {who} accept faster before the queue fills: more threads or processes, or a loop "
	    "that accepts before it works.");
	tell(d, "long-wait");
	return true;
}

/* One cause for a listener, but for what was refused beside the pauses. */
enum told_close find_acceptq(struct diagnosis *from)
{
	struct diagnosis d = diagnosis_of(from, from->l);
	enum told_close how = CLOSE_ALONE;

	if (find_accept_fails(&d) || find_shut(&d) || find_imbalance(&d))
		return d.closed ? CLOSE_TOLD : how;
	if (pauses_are_slowness(&d) && (find_slow(&d, true) || find_long_wait(&d, true)))
		return how;
	if (find_stalled(&d)) {
		how = d.closed ? CLOSE_TOLD : how;
		if (stalls_explain(&d))
			return how;
		d = diagnosis_of(from, from->l);
	}
	if (find_slow(&d, false) || find_long_wait(&d, false))
		return how;
	if (close_explains(&d))
		return how == CLOSE_TOLD ? how : CLOSE_REFUSED;
	find_short(&d);
	return how;
}
