// SPDX-License-Identifier: GPL-2.0-only
/* CLOSE_WAIT by process: the peer has closed, the program has not. */
#include "../lib/tr.h"
#include "diagnosis.h"

#define PILES	64

struct piles {
	const struct model *m;
	bool steps;				/* transitions are seen; else it is as the last snapshot found it */
	unsigned int n;
	struct pile {
		struct owner who;
		uint32_t netns;			/* 0: several */
		uint64_t count, oldest_ns;
	} pile[PILES];
};

static void heap(void *ctx, const struct conn *c)
{
	struct piles *p = ctx;
	unsigned int i;

	if ((p->steps ? c->state : c->seen_state) != TCP_S_CLOSE_WAIT || !c->owner.pid ||
	    (!p->steps && !model_found_last(p->m, c)))
		return;
	for (i = 0; i < p->n && p->pile[i].who.pid != c->owner.pid; i++)
		;
	if (i == PILES)
		return;
	if (i == p->n)
		p->pile[p->n++] = (struct pile) { .who = c->owner, .netns = c->netns };
	if (p->pile[i].netns != c->netns)
		p->pile[i].netns = 0;
	p->pile[i].count++;
	if (p->steps && c->state_ns && (!p->pile[i].oldest_ns || c->state_ns < p->pile[i].oldest_ns))
		p->pile[i].oldest_ns = c->state_ns;
}

#define LEAK_NS	60000000000ull	/* answers take less */

static void tell_pile(const struct diagnosis *from, const struct pile *pile)
{
	struct diagnosis d = diagnosis_of(from, NULL);
	const struct owner *const who[] = { &pile->who };
	uint64_t age = 0;

	if (pile->oldest_ns)
		age = model_totals(d.m)->last_ns - pile->oldest_ns;
	d.netns = pile->netns;
	d.f.of_process = true;
	blame(&d, who, 1);
	say_number(&d, "count", pile->count);
	say_number(&d, "pid", d.f.who.pid);
	say(&d, FINDING_CAUSE, "{who} holds {count:connection} in CLOSE_WAIT: the peers have closed, the program has not");
	if (age) {
		say_value(&d, "oldest", FINDING_SPAN, age);
		say(&d, FINDING_CAUSE, ", the oldest for {oldest}");
	}
	say(&d, FINDING_CAUSE, ".");
	if (!pile->oldest_ns)
		say(&d, FINDING_ADVICE, "Since when is not known. ");
	/* it may still answer, or be kept from closing them by something else */
	say(&d, FINDING_ADVICE, age >= LEAK_NS ?
	    N_("A leak: {who} must close() a connection when read() returns 0. ss -tnp state close-wait lists them.") :
	    N_("If they stay it is a leak: {who} must close() a connection when read() returns 0. ss -tnp state close-wait "
	       "lists them."));
	d.f.cost_ns = pile->count;
	tell(&d, "close-wait");
}

void find_close_wait(struct diagnosis *d)
{
	struct piles p = { .m = d->m, .steps = model_seen(d->m, TCPTRACE_STATE) != TCPTRACE_SEEN_NOT };

	if (!p.steps && !model_seen(d->m, TCPTRACE_ACCEPTQ_ADD))	/* no snapshot is taken at the end */
		return;
	model_each_conn(d->m, heap, &p);
	for (unsigned int i = 0; i < p.n; i++)
		if (p.pile[i].count >= FINDING_CLOSE_WAIT)
			tell_pile(d, &p.pile[i]);
}
