// SPDX-License-Identifier: GPL-2.0-only
/* CLOSE_WAIT by process: the peer has closed, the program has not. */
#include <string.h>

#include "../lib/tr.h"
#include "diagnosis.h"

#define PILES	64

struct pile {
	struct owner who;
	bool many;				/* and others of its name */
	uint32_t netns;				/* 0: several */
	uint64_t count, oldest_ns;
};

struct piles {
	const struct model *m;
	bool steps;				/* transitions are seen; else it is as the last snapshot found it */
	struct pile_table {
		unsigned int n;
		struct pile pile[PILES];
	} of_process, of_name;			/* of_name: of those that have too few each: a child for each client */
};

static bool is_closing(const struct piles *p, const struct conn *c)
{
	return c->owner.pid && (p->steps ? c->state : c->seen_state) == TCP_S_CLOSE_WAIT && (p->steps || model_found_last(p->m, c));
}

static bool same_name(const struct pile *pile, const struct conn *c)
{
	return pile->netns == c->netns && !strncmp(pile->who.comm, c->owner.comm, TCPTRACE_COMM_LEN);
}

/* The pile that it belongs to, or room for a new one, or NULL. */
static struct pile *pile_of(struct pile_table *t, const struct conn *c, bool by_name)
{
	unsigned int i = 0;

	while (i < t->n && (by_name ? !same_name(&t->pile[i], c) : t->pile[i].who.pid != c->owner.pid))
		i++;
	return i < PILES ? &t->pile[i] : NULL;
}

static void heap_in(const struct piles *p, struct pile_table *t, const struct conn *c, bool by_name)
{
	struct pile *pile = pile_of(t, c, by_name);

	if (!pile)
		return;
	if (pile == t->pile + t->n)
		t->pile[t->n++] = (struct pile) { .who = c->owner, .netns = c->netns };
	if (pile->netns != c->netns)
		pile->netns = 0;
	pile->many |= pile->who.pid != c->owner.pid;
	pile->count++;
	if (p->steps && c->state_ns && (!pile->oldest_ns || c->state_ns < pile->oldest_ns))
		pile->oldest_ns = c->state_ns;
}

static void heap(void *ctx, const struct conn *c)
{
	struct piles *p = ctx;

	if (is_closing(p, c))
		heap_in(p, &p->of_process, c, false);
}

static void heap_the_few(void *ctx, const struct conn *c)
{
	struct piles *p = ctx;
	const struct pile *own = pile_of(&p->of_process, c, false);

	if (is_closing(p, c) && (!own || own->count < FINDING_CLOSE_WAIT))
		heap_in(p, &p->of_name, c, true);
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
	d.f.of_process = !pile->many;
	blame(&d, who, 1);
	say_number(&d, "count", pile->count);
	say_number(&d, "pid", d.f.who.pid);
	say(&d, FINDING_CAUSE, pile->many ?
	    N_("{who} and others of that name hold {count:connection} in CLOSE_WAIT: the peers have closed, the programs have not") :
	    N_("{who} holds {count:connection} in CLOSE_WAIT: the peers have closed, the program has not"));
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

static void tell_piles(const struct diagnosis *d, const struct pile_table *t)
{
	for (unsigned int i = 0; i < t->n; i++)
		if (t->pile[i].count >= FINDING_CLOSE_WAIT)
			tell_pile(d, &t->pile[i]);
}

void find_close_wait(struct diagnosis *d)
{
	struct piles p = { .m = d->m, .steps = model_seen(d->m, TCPTRACE_STATE) != TCPTRACE_SEEN_NOT };

	if (!p.steps && !model_seen(d->m, TCPTRACE_ACCEPTQ_ADD))	/* no snapshot is taken at the end */
		return;
	model_each_conn(d->m, heap, &p);
	tell_piles(d, &p.of_process);
	model_each_conn(d->m, heap_the_few, &p);
	tell_piles(d, &p.of_name);
}
