// SPDX-License-Identifier: GPL-2.0-only
/*
 * Conditions over the model's numbers. They are exclusive where one cause would
 * otherwise be told twice: a full accept queue is the program's backlog, or
 * somaxconn, or a program that does not call accept() often enough.
 */
#include <string.h>

#include "../lib/tr.h"
#include "finding.h"

struct input {
	const struct model *m;
	const struct listener *l;
	struct finding *f;
	unsigned int n;
};

static void put(struct input *in, const char *key, uint64_t number, bool is_ns)
{
	if (in->n < FINDING_VALUES - 1)
		in->f->value[in->n++] = (struct finding_value) { key, number, is_ns };
}

static uint64_t refused_acceptq(const struct listener *l)
{
	return l->causes[TCPTRACE_DROP_ACCEPTQ_SYN] + l->causes[TCPTRACE_DROP_ACCEPTQ_ACK] +
	       l->causes[TCPTRACE_DROP_ACCEPTQ_COOKIE];
}

static bool acceptq_overflowed(const struct listener *l)
{
	return refused_acceptq(l) > 0;
}

/* Long waits, or most of what came in still not taken: the length of the queue would not have helped. */
static bool accepts_slowly(const struct model *m, const struct listener *l)
{
	return hist_quantile(&l->in_acceptq, 500) >= FINDING_SLOW_NS ||
	       model_oldest_wait(m, &l->acceptq) >= FINDING_SLOW_NS || 2 * l->accepted < l->established;
}

static bool clamped(const struct listener *l)
{
	return l->backlog_known && l->somaxconn && (uint32_t)l->backlog > l->somaxconn;
}

static void put_overflow(struct input *in)
{
	put(in, "refused", refused_acceptq(in->l), false);
	put(in, "peak", in->l->acceptq.peak, false);
	put(in, "limit", in->l->limit, false);
}

static bool is_accept_slow(struct input *in)
{
	uint64_t oldest = model_oldest_wait(in->m, &in->l->acceptq);

	if (!acceptq_overflowed(in->l) || !accepts_slowly(in->m, in->l))
		return false;
	put_overflow(in);
	put(in, "median", hist_quantile(&in->l->in_acceptq, 500), true);
	put(in, "longest", oldest > in->l->in_acceptq.max ? oldest : in->l->in_acceptq.max, true);
	return true;
}

static bool is_clamped(struct input *in)
{
	if (!acceptq_overflowed(in->l) || accepts_slowly(in->m, in->l) || !clamped(in->l))
		return false;
	put_overflow(in);
	put(in, "backlog", (uint32_t)in->l->backlog, false);
	put(in, "somaxconn", in->l->somaxconn, false);
	return true;
}

static bool is_backlog(struct input *in)
{
	if (!acceptq_overflowed(in->l) || accepts_slowly(in->m, in->l) || clamped(in->l))
		return false;
	put_overflow(in);
	return true;
}

static bool is_synq_full(struct input *in)
{
	uint64_t n = in->l->causes[TCPTRACE_DROP_SYNQ_FULL] + in->l->causes[TCPTRACE_DROP_SYNQ_QUARTER];

	put(in, "refused", n, false);
	put(in, "peak", in->l->synq.peak, false);
	put(in, "limit", in->l->limit, false);
	return n > 0;
}

static bool is_cookies(struct input *in)
{
	put(in, "sent", in->l->cookies_sent, false);
	put(in, "valid", in->l->cookies_ok, false);
	put(in, "limit", in->l->limit, false);
	return in->l->cookies_sent > 0;
}

/* One in a hundred is the path; a single one of few is told too: somebody could not connect. */
static bool is_expiring(struct input *in)
{
	uint64_t n = in->l->causes[TCPTRACE_SYNQ_EXPIRED];

	put(in, "expired", n, false);
	put(in, "established", in->l->established, false);
	put(in, "retransmits", in->l->synack_retrans, false);
	return n > 0 && n * 100 >= in->l->established;
}

static bool is_waiting(struct input *in)
{
	uint64_t p99 = hist_quantile(&in->l->in_acceptq, 990), oldest = model_oldest_wait(in->m, &in->l->acceptq);

	put(in, "p99", p99, true);
	put(in, "oldest", oldest, true);
	put(in, "waiting", in->l->acceptq.now, false);
	return !acceptq_overflowed(in->l) && (p99 >= FINDING_SLOW_NS || oldest >= FINDING_SLOW_NS);
}

static bool is_ghosts(struct input *in)
{
	put(in, "ghosts", in->l->ghosts, false);
	return in->l->ghosts > 0;
}

static bool is_accept_failing(struct input *in)
{
	put(in, "errors", in->l->accept_errors, false);
	return in->l->accept_errors > 0;
}

static bool same_group(const struct listener *a, const struct listener *b)
{
	return a != b && b->open && a->netns == b->netns && a->lport == b->lport &&
	       !memcmp(a->laddr, b->laddr, sizeof(a->laddr));
}

/* How many members l's group has; *accepted: what those without a queue have accepted. */
static uint64_t group_of(const struct model *m, const struct listener *l, uint64_t *accepted)
{
	const struct listener *other;
	uint64_t members = 1;

	*accepted = 0;
	for (uint32_t i = 0; (other = model_listener(m, i)); i++) {
		if (!same_group(l, other))
			continue;
		members++;
		if (!other->acceptq.now)
			*accepted += other->accepted;
	}
	return members;
}

/* This member keeps connections waiting, or refuses them, while another of its port takes all it gets. */
static bool is_imbalance(struct input *in)
{
	const struct listener *l = in->l;
	uint64_t stuck = l->acceptq.now + refused_acceptq(l), others, members = group_of(in->m, l, &others);

	put(in, "members", members, false);
	put(in, "waiting", l->acceptq.now, false);
	put(in, "refused", refused_acceptq(l), false);
	put(in, "accepted", l->accepted, false);
	put(in, "others", others, false);
	return members > 1 && stuck > 1 && l->accepted < stuck && others > l->accepted;
}

static const struct row {
	const char *id;
	bool (*is)(struct input *in);
	const char *sentence, *advice;
} rows[] = {
	{ "accept-slow", is_accept_slow,
	  N_("{listener}: {refused} segments were refused because the accept queue was full (peak {peak}, limit {limit}), "
	  "and {who} calls accept() too seldom: connections waited {median} ms (median), the longest {longest} ms."),
	  N_("Make {who} accept faster: more threads or processes, or a loop that accepts before it works. "
	  "A longer queue only makes clients wait longer.") },
	{ "acceptq-somaxconn", is_clamped,
	  N_("{listener}: {refused} segments were refused because the accept queue was full (peak {peak}, limit {limit}): "
	  "{who} asked for {backlog}, net.core.somaxconn makes it {somaxconn}."),
	  N_("Raise it: sysctl -w net.core.somaxconn={backlog}, then let {who} call listen() again (restart it).") },
	{ "acceptq-backlog", is_backlog,
	  N_("{listener}: {refused} segments were refused because the accept queue was full (peak {peak}, limit {limit}): "
	  "bursts are larger than the backlog that {who} gave to listen()."),
	  N_("Give listen() in {who} a larger backlog, at least twice {peak}, and net.core.somaxconn no less.") },
	{ "synq-full", is_synq_full,
	  N_("{listener}: {refused} SYNs were refused because the SYN queue was full (peak {peak}, limit {limit}) "
	  "and SYN cookies are off."),
	  N_("Turn them on: sysctl -w net.ipv4.tcp_syncookies=1; raise the backlog of {who} if these clients are real.") },
	{ "cookies", is_cookies,
	  N_("{listener}: the SYN queue was full (limit {limit}): {sent} SYN cookies were sent instead, {valid} came back."),
	  N_("Few coming back is a SYN flood, and cookies do their work. Many coming back are real clients: "
	  "raise the backlog of {who}.") },
	{ "requests-expire", is_expiring,
	  N_("{listener}: {expired} requests expired in the SYN queue after {retransmits} SYN-ACK retransmits "
	  "({established} were established): the third packet did not come."),
	  N_("Clients vanish or the path loses packets: look at firewalls and routing between them and this host, "
	  "or at a SYN flood with forged addresses.") },
	{ "long-wait", is_waiting,
	  N_("{listener}: connections wait long for accept() of {who}: p99 {p99} ms, {waiting} waiting now, "
	  "the oldest for {oldest} ms."),
	  N_("Nothing is refused yet. Make {who} accept faster before the queue fills.") },
	{ "ghosts", is_ghosts,
	  N_("{listener}: {ghosts} clients believe they are connected, but their third packet was refused "
	  "because the accept queue was full."),
	  N_("These clients hang until they send and time out. Mend the full accept queue; "
	  "sysctl net.ipv4.tcp_abort_on_overflow=1 tells them at once, by a reset.") },
	{ "reuseport-imbalance", is_imbalance,
	  N_("{listener}: one of {members} SO_REUSEPORT members is stuck: {waiting} wait in its accept queue, "
	  "{refused} were refused, it accepted {accepted} while the others accepted {others}."),
	  N_("The kernel deals connections by hash, not by load: find out why this member ({who}) does not accept, "
	  "or let all workers share one listener.") },
	{ "accept-fails", is_accept_failing,
	  N_("{listener}: accept() failed {errors} times in {who}."),
	  N_("Most often the process is out of descriptors (EMFILE): raise its limit (ulimit -n, LimitNOFILE=).") },
};

static void of_listener(const struct model *m, const struct listener *l, finding_fn fn, void *ctx)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct finding f = {
			.id = rows[i].id, .listener = l, .sentence = rows[i].sentence, .advice = rows[i].advice,
			.who = l->acceptor.pid ? &l->acceptor : l->opener.pid ? &l->opener : NULL,
		};
		struct input in = { m, l, &f, 0 };

		if (rows[i].is(&in))
			fn(ctx, &f);
	}
}

/* CLOSE_WAIT by process: the peer has closed, the program has not. */
#define PILES	64

struct piles {
	unsigned int n;
	struct pile {
		struct owner who;
		uint64_t count, oldest_ns;
	} pile[PILES];
};

static void heap(void *ctx, const struct conn *c)
{
	struct piles *p = ctx;
	unsigned int i;

	if (c->state != TCP_S_CLOSE_WAIT || !c->owner.pid)
		return;
	for (i = 0; i < p->n && p->pile[i].who.pid != c->owner.pid; i++)
		;
	if (i == PILES)
		return;
	if (i == p->n)
		p->pile[p->n++] = (struct pile) { .who = c->owner };
	p->pile[i].count++;
	if (c->state_ns && (!p->pile[i].oldest_ns || c->state_ns < p->pile[i].oldest_ns))
		p->pile[i].oldest_ns = c->state_ns;
}

static void close_wait(const struct model *m, finding_fn fn, void *ctx)
{
	uint64_t now = model_totals(m)->last_ns;
	struct piles p = { 0 };

	model_each_conn(m, heap, &p);
	for (unsigned int i = 0; i < p.n; i++) {
		struct finding f = {
			.id = "close-wait", .who = &p.pile[i].who,
			.sentence = N_("{who} holds {count} connections in CLOSE_WAIT, the oldest for {oldest} ms: "
				       "the peers have closed, the program has not."),
			.advice = N_("A leak: {who} must close() a connection when read() returns 0."),
			.value = { { "count", p.pile[i].count, false },
				   { "oldest", p.pile[i].oldest_ns ? now - p.pile[i].oldest_ns : 0, true } },
		};

		if (p.pile[i].count >= FINDING_CLOSE_WAIT)
			fn(ctx, &f);
	}
}

void findings(const struct model *m, finding_fn fn, void *ctx)
{
	const struct listener *l;

	for (uint32_t i = 0; (l = model_listener(m, i)); i++)
		of_listener(m, l, fn, ctx);
	close_wait(m, fn, ctx);
}
