// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests that do not become connections. What a full accept queue does to them is
 * told with that.
 */
#include "../lib/tr.h"
#include "diagnosis.h"
#include "figure.h"
#include "knob.h"

static void say_raise(struct diagnosis *d, const char *with_knob, const char *without)
{
	const struct knob *knob = knob_of(d->f.who.comm);
	bool named = knob && knob->backlog;

	if (named)
		say_words(d, "knob", knob->backlog);
	say(d, FINDING_ADVICE, named ? with_knob : without);
}

/* The longest that a request is known to have been in the SYN queue. */
static uint64_t longest_stay(const struct diagnosis *d)
{
	const struct conn *oldest = d->l->open ? d->l->synq.oldest : NULL;
	uint64_t stay = d->l->in_synq.max, now = model_totals(d->m)->last_ns;

	if (oldest && oldest->synq_ns && now > oldest->synq_ns + stay)
		stay = now - oldest->synq_ns;
	return stay;
}

/*
 * TCP_DEFER_ACCEPT: tcp_check_req() drops a third packet without data and leaves the request where it is. A handshake takes
 * no second if no packet is lost. True: the time is that of silent clients, or unknown, and more room only holds more of them.
 */
static bool say_deferred(struct diagnosis *d)
{
	uint64_t stay = longest_stay(d);

	if (!d->l->deferred)
		return false;
	say(d, FINDING_CAUSE, " With TCP_DEFER_ACCEPT a client that connects and sends nothing stays in there.");
	if (stay) {
		say_least(d, "stay", FINDING_SPAN, stay, d->l->synq.now);
		say(d, FINDING_CAUSE, " The longest stay was {stay}.");
	}
	return !stay || stay >= 1000000000;
}

static void say_undefer(struct diagnosis *d)
{
	const struct knob *knob = knob_of(d->f.who.comm);

	if (knob && knob->undefer)
		say_words(d, "undefer", knob->undefer);
	say(d, FINDING_ADVICE, knob && knob->undefer ?
	    N_(" Turn TCP_DEFER_ACCEPT off ({undefer}): then {who} accepts clients that send nothing. More room only holds "
	       "more of them.") :
	    N_(" Turn TCP_DEFER_ACCEPT off: then {who} accepts clients that send nothing. More room only holds more of them."));
}

static void say_synq(struct diagnosis *d, uint32_t limit)
{
	say_figure(d, "peak", FIGURE_SYNQ_PEAK, d->l->synq.peak);
	say_number(d, "limit", limit);
}

/* False: they are on by now. */
static bool cookies_off(const struct diagnosis *d)
{
	uint64_t cookies;

	return !machine_has(d, MACHINE_SYNCOOKIES, &cookies) || !cookies;
}

/* The kernel refuses for a full SYN queue only where it may send no cookie: they were off then. */
static void find_synq_full(const struct diagnosis *from)
{
	struct diagnosis d = diagnosis_of(from, from->l);
	bool silent;

	if (!d.l->causes[TCPTRACE_DROP_SYNQ_FULL])
		return;
	blame_keeper(&d);
	say_synq(&d, d.l->refused.then.limit);
	say_figure(&d, "refused", FIGURE_REFUSED, d.l->causes[TCPTRACE_DROP_SYNQ_FULL]);
	say(&d, FINDING_CAUSE, "{listener}: the SYN queue of {who} was full (up to {peak}, limit {limit}) and SYN cookies "
	    "were off: {refused:SYN} refused.");
	silent = say_deferred(&d);
	say_cost(&d);
	say(&d, FINDING_ADVICE, cookies_off(&d) ? N_("Turn SYN cookies on: sysctl -w net.ipv4.tcp_syncookies=1.") :
	    N_("SYN cookies are on by now."));
	if (silent)
		say_undefer(&d);
	else
		say_raise(&d, N_(" If these clients are real, raise {knob}, too."), N_(" If these clients are real, let {who} give "
			  "listen() a larger backlog, too."));
	tell(&d, "synq-full");
}

/* Three quarters of it for all that were refused and those that were in the queue, in powers of two. */
static uint64_t wanted_max_syn(const struct listener *l)
{
	uint64_t need = (uint64_t)l->synq.peak + l->refused.clients + 1, n = 256;

	while (n - n / 4 < need)
		n *= 2;
	return n;
}

/*
 * tcp_conn_request(): without cookies the last quarter of tcp_max_syn_backlog is for peers whose round trip is known from
 * before (tcp_peer_is_proven()), however large the backlog.
 */
static void find_synq_quarter(const struct diagnosis *from)
{
	struct diagnosis d = diagnosis_of(from, from->l);
	uint64_t refused = d.l->causes[TCPTRACE_DROP_SYNQ_QUARTER], now, want = wanted_max_syn(d.l);
	bool known = machine_has(&d, MACHINE_MAX_SYN, &now), silent;

	if (!refused)
		return;
	blame_keeper(&d);
	say_figure(&d, "refused", FIGURE_REFUSED, refused);
	say_figure(&d, "peak", FIGURE_SYNQ_PEAK, d.l->synq.peak);
	say(&d, FINDING_CAUSE, "{listener}: {refused:SYN} to {who} refused, as SYN cookies were off: without them the kernel keeps "
	    "the last quarter of net.ipv4.tcp_max_syn_backlog for clients that it knows.");
	if (d.l->synq.peak)
		say(&d, FINDING_CAUSE, " The SYN queue had up to {peak:request}.");
	silent = say_deferred(&d);
	if (!refused_by_acceptq(d.l) && !d.l->causes[TCPTRACE_DROP_SYNQ_FULL])
		say_cost(&d);
	else
		d.f.cost_ns = 1;	/* told with that */
	if (known) {
		say_number(&d, "max_syn", now);
		say(&d, FINDING_ADVICE, now < want ? N_("net.ipv4.tcp_max_syn_backlog is {max_syn}. ") :
		    N_("net.ipv4.tcp_max_syn_backlog is {max_syn} by now: enough. "));
	}
	if (!known || now < want) {
		say_number(&d, "raise", want);
		say(&d, FINDING_ADVICE, "Raise it: sysctl -w net.ipv4.tcp_max_syn_backlog={raise}. ");
	}
	say(&d, FINDING_ADVICE, cookies_off(&d) ? N_("With SYN cookies none of these is refused: sysctl -w "
	    "net.ipv4.tcp_syncookies=1. ") : N_("SYN cookies are on by now. "));
	say(&d, FINDING_ADVICE, "A larger backlog does not help.");
	if (silent)
		say_undefer(&d);
	tell(&d, "synq-quarter");
}

/* How many got through: without them one cannot say what those mean that did not. */
static bool came_in_is_known(const struct diagnosis *d)
{
	return figure_known(d->m, d->l, FIGURE_ESTABLISHED) != KNOWN_NOT;
}

static void find_cookies(const struct diagnosis *from)
{
	struct diagnosis d = diagnosis_of(from, from->l);
	uint64_t back = d.l->causes[TCPTRACE_ACCEPTQ_COOKIE];
	bool silent;

	if (!sent_cookies_full(&d))
		return;
	blame_keeper(&d);
	say_synq(&d, d.l->limit);
	say_figure(&d, "sent", FIGURE_COOKIES_SENT, d.l->cookies_sent);
	say_number(&d, "valid", back);
	d.f.cost_ns = 1;
	say(&d, FINDING_CAUSE, "{listener}: the SYN queue of {who} was full (limit {limit}): {sent:SYN cookie} sent "
	    "instead, {valid:client} came in by one.");
	silent = say_deferred(&d);
	if (2 * back < d.l->cookies_sent)
		say(&d, FINDING_ADVICE, "Few come back: a SYN flood, or clients that are gone. Cookies do their work.");
	else if (silent)
		say(&d, FINDING_ADVICE, "They are real clients.");
	else
		say_raise(&d, N_("They are real clients: raise {knob}."), N_("They are real clients: let {who} give listen() a "
			  "larger backlog."));
	if (silent)
		say_undefer(&d);
	tell(&d, "cookies");
}

#define SILENT_NS	3000000000ull	/* three SYN-ACKs went out, the last of them a second ago at most */
#define SILENT_FEW	3

struct silent {
	uint64_t count, longest_ns;
	bool least;			/* that one was there before us */
};

/*
 * Requests that wait for their third packet, though it had time to come three times over: to expire takes them a minute.
 * A full accept queue refuses it, TCP_DEFER_ACCEPT does not want it.
 */
static struct silent silent_requests(const struct diagnosis *d)
{
	uint64_t now = model_totals(d->m)->last_ns;
	const struct queue *q = &d->l->synq;
	uint32_t gone = q->known > q->now ? q->known - q->now : 0;	/* the oldest, by the kernel's own length */
	bool acceptq = refused_by_acceptq(d->l) || d->l->refused.before;
	const struct conn *c = d->l->open && !d->l->deferred && !acceptq ? q->oldest : NULL;
	struct silent s = { 0 };

	for (; c && gone; gone--)
		c = c->next_q;
	for (; c; c = c->next_q) {
		uint64_t from = c->synq_ns ? c->synq_ns : c->known_ns;

		if (!from || now < from + SILENT_NS)
			continue;
		s.count++;
		if (now - from > s.longest_ns)
			s = (struct silent){ s.count, now - from, !c->synq_ns };
	}
	return s;
}

bool is_heard(const struct listener *l)
{
	return l->synack_retrans || l->causes[TCPTRACE_SYNQ_EXPIRED] || l->causes[TCPTRACE_SYNQ_OTHER];
}

static void say_silent(struct diagnosis *d, const struct silent *s, uint64_t expired)
{
	say_number(d, "silent", s->count);
	say_least(d, "silent_for", FINDING_SPAN, s->longest_ns, s->least);
	if (!expired)
		say(d, FINDING_CAUSE, "{listener}: the third packet does not come: {silent:request} waited for it in the SYN queue of "
		    "{who} for 3 s and more");
	say(d, FINDING_SEEN, expired ? N_("{silent:request} waited for it at the end, the longest for {silent_for}.") :
	    N_("The longest waited for {silent_for}."));
}

static void say_expired(struct diagnosis *d, uint64_t expired)
{
	say_figure(d, "expired", FIGURE_EXPIRED, expired);
	say(d, FINDING_CAUSE, d->l->deferred ?
	    N_("{listener}: the third packet, or the data that TCP_DEFER_ACCEPT waits for, did not come: {expired:request} "
	       "expired in the SYN queue of {who}") :
	    N_("{listener}: the third packet did not come: {expired:request} expired in the SYN queue of {who}"));
}

/* One in a hundred is the path; a single one of few is told too: somebody could not connect. */
static void find_expiring(const struct diagnosis *from)
{
	struct diagnosis d = diagnosis_of(from, from->l);
	uint64_t expired = d.l->causes[TCPTRACE_SYNQ_EXPIRED];
	struct silent silent = silent_requests(&d);
	enum known known = figure_known(d.m, d.l, FIGURE_SYNACK_RETRANS);

	expired -= d.l->refused.expired < expired ? d.l->refused.expired : expired;
	if ((!expired && silent.count < SILENT_FEW) || (expired + silent.count) * 100 < d.l->established || !came_in_is_known(&d))
		return;
	blame_keeper(&d);
	d.f.cost_ns = (expired + silent.count) * CLIENT_LOST_NS;
	if (expired)
		say_expired(&d, expired);
	say_figure(&d, "established", FIGURE_ESTABLISHED, d.l->established);
	if (silent.count)
		say_silent(&d, &silent, expired);
	if (known == KNOWN_EXACTLY || (known && d.l->synack_retrans)) {
		say_figure(&d, "retransmits", FIGURE_SYNACK_RETRANS, d.l->synack_retrans);
		say(&d, FINDING_CAUSE, " after {retransmits:SYN-ACK retransmit}");
	}
	say(&d, FINDING_CAUSE, d.l->established || figure_known(d.m, d.l, FIGURE_ESTABLISHED) == KNOWN_EXACTLY ?
	    N_(", {established:other} established.") : ".");
	say(&d, FINDING_ADVICE, "Clients vanish or the path loses packets: look at firewalls and routing between them "
	    "and this host, or at a SYN flood with forged addresses.");
	tell(&d, "requests-expire");
}

#define OTHER_FEW	3	/* a slip or two is none */

uint64_t refused_otherwise(const struct listener *l)
{
	uint64_t n = l->causes[TCPTRACE_DROP_OTHER];

	return n >= OTHER_FEW && n * 100 >= l->established ? n : 0;
}

/*
 * tcp_conn_request() gives up where inet_csk_route_req() finds no way back to the client, and where a security module says
 * no; nothing tells which of the two it was.
 */
static void find_refused_otherwise(const struct diagnosis *from)
{
	struct diagnosis d = diagnosis_of(from, from->l);
	uint64_t n = refused_otherwise(d.l);

	if (!n)
		return;
	blame_keeper(&d);
	say_figure(&d, "refused", FIGURE_REFUSED, n);
	say_value(&d, "from", FINDING_MOMENT, d.l->refused.other.first_ns);
	say_address(&d, "laddr", d.l->refused.other.laddr);
	say_address(&d, "raddr", d.l->refused.other.raddr);
	d.f.cost_ns = n * 1000000000;
	say(&d, FINDING_CAUSE, "{listener}: {refused:SYN} to {who} refused, though no queue was full: this machine has no route back to "
	    "the client, or a security module (LSM) forbids it.");
	say(&d, FINDING_SEEN, "First at {from}; the last came from {raddr} to {laddr}.");
	say(&d, FINDING_ADVICE, "ip route get {raddr} shows whether there is a route back. If there is, look at the LSM's log.");
	tell(&d, "syn-refused");
}

void find_synq(struct diagnosis *d)
{
	if (!refused_by_acceptq(d->l)) {
		find_synq_full(d);
		find_cookies(d);
	}
	find_synq_quarter(d);
	find_refused_otherwise(d);
	find_expiring(d);
}
