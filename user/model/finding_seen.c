// SPDX-License-Identifier: GPL-2.0-only
/*
 * What was seen of an accept queue, whatever let it fill: how long it was, whom it
 * refused, how long they waited, what the SYN queue did meanwhile.
 */
#include "../lib/tr.h"
#include "diagnosis.h"
#include "figure.h"
#include "knob.h"

/* Of those that left and of those that still wait. False: not known, or of too few of those that were taken. */
bool acceptq_waits(const struct diagnosis *d, struct hist *h)
{
	const struct listener *l = d->l;

	if (figure_known(d->m, l, FIGURE_ACCEPTQ_WAIT) == KNOWN_NOT || 4 * l->unseen > l->accepted)
		return false;
	model_acceptq_waits(d->m, l, h);
	return true;
}

/* Called again with another backlog: at which limit what was seen. False: there was one limit only. */
static bool say_limits(struct diagnosis *d)
{
	const struct limits *at = &d->l->refused.limits, *all = &d->l->limits;

	if (!limits_differ(all))
		return false;
	say_number(d, "limit_low", all->low);
	say_number(d, "limit_high", all->high);
	say(d, FINDING_SEEN, "Seen: accept queue up to {peak} (its limit was {limit_low} to {limit_high})");
	if (!refused_by_acceptq(d->l))
		return true;
	say_figure(d, "refused", FIGURE_REFUSED, refused_by_acceptq(d->l));
	say_number(d, "refused_low", at->low);
	say_number(d, "refused_high", at->high);
	say(d, FINDING_SEEN, limits_differ(at) ? N_(", {refused:segment} refused at limits from {refused_low} to {refused_high}") :
	    N_(", {refused:segment} refused at limit {refused_low}"));
	return true;
}

static void say_queue(struct diagnosis *d)
{
	const struct listener *l = d->l;

	say_figure(d, "peak", FIGURE_ACCEPTQ_PEAK, l->acceptq.peak);
	say_number(d, "limit", refused_by_acceptq(l) ? l->refused.then.limit : l->limit);
	if (say_limits(d))
		return;
	if (refused_by_acceptq(l)) {
		say_figure(d, "refused", FIGURE_REFUSED, refused_by_acceptq(l));
		say(d, FINDING_SEEN, "Seen: {refused:segment} refused, accept queue up to {peak} (limit {limit})");
	} else if (figure_known(d->m, l, FIGURE_REFUSED) != KNOWN_EXACTLY) {
		say(d, FINDING_SEEN, "Seen: accept queue up to {peak} (limit {limit})");
	} else {
		say(d, FINDING_SEEN, "Seen: accept queue up to {peak} (limit {limit}), nobody refused");
	}
}

/* Who came into the accept queue, but not by the SYN queue. Tracepoints cannot tell a cookie's child by itself. */
static uint64_t came_by_cookie(const struct listener *l)
{
	uint64_t others = l->causes[TCPTRACE_SYNQ_ESTABLISHED] + l->causes[TCPTRACE_ACCEPTQ_FASTOPEN] +
			  l->causes[TCPTRACE_ACCEPTQ_MIGRATED];

	return l->established > others ? l->established - others : 0;
}

/* With tcp_syncookies=2 each handshake goes by cookie: the queue is never full. Who came in must be known, too. */
bool sent_cookies_full(const struct diagnosis *d)
{
	const struct listener *l = d->l;

	return l->cookies_sent && l->synq.peak >= l->limit && figure_known(d->m, l, FIGURE_COOKIES_SENT) != KNOWN_NOT &&
	       figure_known(d->m, l, FIGURE_ESTABLISHED) != KNOWN_NOT;
}

/* The SYN queue fills where the accept queue is full: no cause of its own. */
static void say_synq(struct diagnosis *d)
{
	const struct listener *l = d->l;

	if (sent_cookies_full(d)) {
		say_figure(d, "cookies_sent", FIGURE_COOKIES_SENT, l->cookies_sent);
		say_number(d, "by_cookie", came_by_cookie(l));
		say(d, FINDING_SEEN, ", {cookies_sent:SYN cookie} sent by the full SYN queue ({by_cookie:client} "
		    "came in by one)");
	}
	if (l->causes[TCPTRACE_DROP_SYNQ_FULL]) {
		say_figure(d, "synq_refused", FIGURE_REFUSED, l->causes[TCPTRACE_DROP_SYNQ_FULL]);
		say(d, FINDING_SEEN, ", {synq_refused:SYN} refused by the full SYN queue");
	}
}

static void say_quantile(struct diagnosis *d, const char *key, const struct hist *h, unsigned int permille)
{
	uint64_t ns = permille == 1000 ? h->max : hist_quantile(h, permille);

	say_least(d, key, FINDING_SPAN, ns, hist_is_least(h, permille));
}

void say_acceptq(struct diagnosis *d)
{
	struct hist h;

	say_queue(d);
	if (acceptq_waits(d, &h) && h.count) {
		say_quantile(d, "median", &h, 500);
		say_quantile(d, "longest", &h, 1000);
		say(d, FINDING_SEEN, d->l->causes[TCPTRACE_ACCEPTQ_CLOSED] ?
		    N_(", waits of those accepted: {median} (median) and {longest} (longest)") :
		    N_(", waits of {median} (median) and {longest} (longest)"));
	}
	if (d->l->causes[TCPTRACE_ACCEPTQ_RESET]) {
		say_number(d, "gave_up", d->l->causes[TCPTRACE_ACCEPTQ_RESET]);
		say(d, FINDING_SEEN, ", {gave_up:connection} reset before accept()");
	}
	if (d->l->open && d->l->acceptq.now && figure_known(d->m, d->l, FIGURE_ACCEPTQ_NOW)) {
		say_number(d, "waiting", d->l->acceptq.now);
		say(d, FINDING_SEEN, ", {waiting} waiting at the end");
	}
	say_synq(d);
	say(d, FINDING_SEEN, ".");
	d->f.cost_ns += d->l->in_acceptq.sum;
}

/* A program that is full leaves the others where they are. */
void say_at_once(struct diagnosis *d)
{
	const struct knob *knob = knob_of(d->f.who.comm);

	if (!knob || !knob->at_once)
		return;
	say_words(d, "its_limit", knob->at_once);
	say(d, FINDING_ADVICE, "If it serves as many connections as it may, raise {its_limit}. ");
}
