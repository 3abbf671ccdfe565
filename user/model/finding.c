// SPDX-License-Identifier: GPL-2.0-only
/* Findings: made one by one, put in order, handed out. */
#include <stdlib.h>
#include <string.h>

#include "../lib/tr.h"
#include "diagnosis.h"
#include "figure.h"

struct found {
	struct finding *f;
	size_t n, size;
	finding_fn fn;				/* without memory they are handed out as they come */
	finding_wanted_fn wanted;
	void *ctx;
};

struct diagnosis diagnosis_of(const struct diagnosis *from, const struct listener *l)
{
	return (struct diagnosis) {
		.m = from->m, .machine = from->machine, .found = from->found, .l = l, .netns = l ? l->netns : 0,
		.f = { .listener = l, .who = { .fd = -1 } },
	};
}

void say(struct diagnosis *d, enum finding_part part, const char *text)
{
	if (d->parts == FINDING_PARTS - 1)
		return;
	d->f.said[d->parts].part = part;
	d->f.said[d->parts++].text = text;
}

static struct finding_value *new_value(struct diagnosis *d, const char *key, enum finding_unit unit)
{
	struct finding_value *v = &d->f.value[d->values];

	if (d->values == FINDING_VALUES - 1)
		return v;			/* the last one, whose key stays NULL */
	d->values++;
	v->key = key;
	v->unit = unit;
	return v;
}

void say_least(struct diagnosis *d, const char *key, enum finding_unit unit, uint64_t number, bool least)
{
	struct finding_value *v = new_value(d, key, unit);

	v->number = number;
	v->least = least;
}

void say_value(struct diagnosis *d, const char *key, enum finding_unit unit, uint64_t number)
{
	say_least(d, key, unit, number, false);
}

void say_number(struct diagnosis *d, const char *key, uint64_t number)
{
	say_value(d, key, FINDING_NUMBER, number);
}

void say_figure(struct diagnosis *d, const char *key, enum figure f, uint64_t number)
{
	say_least(d, key, FINDING_NUMBER, number, figure_known(d->m, d->l, f) != KNOWN_EXACTLY);
}

void say_address(struct diagnosis *d, const char *key, const uint8_t addr[16])
{
	new_value(d, key, FINDING_ADDRESS)->addr = addr;
}

void say_words(struct diagnosis *d, const char *key, const char *words)
{
	new_value(d, key, FINDING_WORDS)->words = words;
}

static bool knows_processes(const struct diagnosis *d)
{
	return d->machine && d->machine->process;
}

static bool is_alive(const struct diagnosis *d, const struct owner *who, struct process *p)
{
	return knows_processes(d) && who->pid && d->machine->process(d->machine->ctx, who->pid, p);
}

/* What an advice looks at or sets (sysctl, nft, ss) is another one where tcptrace runs. */
static void say_namespace(struct diagnosis *d)
{
	struct process p;

	if (!d->machine || !d->machine->netns || !d->netns || d->netns == d->machine->netns)
		return;
	if (!is_alive(d, &d->f.who, &p) || p.netns != d->netns) {
		say(d, FINDING_ADVICE, " This is in another network namespace ({netns}).");
		return;
	}
	say_number(d, "nsenter", d->f.who.pid);
	say(d, FINDING_ADVICE, " This is in another network namespace ({netns}): nsenter -t {nsenter} -n.");
}

bool is_wanted(const struct diagnosis *d, const struct finding *f)
{
	return !d->found->wanted || d->found->wanted(d->found->ctx, f);
}

void tell(struct diagnosis *d, const char *id)
{
	struct found *found = d->found;

	d->f.id = id;
	d->f.netns = d->netns;
	if (!is_wanted(d, &d->f))
		return;
	say_namespace(d);
	if (found->n == found->size) {
		size_t size = found->size ? 2 * found->size : 16;
		struct finding *f = realloc(found->f, size * sizeof(*f));

		if (!f) {
			found->fn(found->ctx, &d->f);
			return;
		}
		found->f = f;
		found->size = size;
	}
	found->f[found->n++] = d->f;
}

bool machine_has(const struct diagnosis *d, enum machine_sysctl which, uint64_t *value)
{
	return d->machine && d->machine->sysctl(d->machine->ctx, d->netns, which, value);
}

/* ---- who ---- */

void blame(struct diagnosis *d, const struct owner *const *who, unsigned int n)
{
	struct process p;
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (!is_alive(d, who[i], &p))
			continue;
		d->f.who = *who[i];
		memcpy(d->f.who.comm, p.comm, sizeof(d->f.who.comm));
		return;
	}
	for (i = 0; i < n && !d->f.who.pid; i++)
		d->f.who = *who[i];
}

static const struct owner nobody = { .fd = -1 };

/* Who is there no more may be replaced by who is; not by one that is known to have it no more. */
static void blame_one_of(struct diagnosis *d, const struct owner *first, const struct owner *second)
{
	const struct listener *l = d->l;
	const struct owner *keeper = listener_keeper(l);
	const struct owner *const who[] = {
		first, second, keeper ? keeper : &nobody, l->opener_gone ? &nobody : &l->opener,
		l->acceptor_gone ? &nobody : &l->acceptor,
	};

	blame(d, who, 5);
}

void blame_server(struct diagnosis *d)
{
	blame_one_of(d, d->l->acceptor_gone ? &nobody : &d->l->acceptor, &listener_seldom(d->l)->worker);
}

/* Of a closed one, who had it then. Where that is not known, who asked listen() for what it is. */
void blame_keeper(struct diagnosis *d)
{
	const struct owner *const once[] = { &d->l->opener, &d->l->acceptor };

	blame_one_of(d, &nobody, &nobody);
	if (!owner_known(&d->f.who))
		blame(d, once, 2);
}

bool who_is_there(const struct diagnosis *d)
{
	struct process p;

	return is_alive(d, &d->f.who, &p);
}

bool who_is_gone(const struct diagnosis *d)
{
	return knows_processes(d) && d->f.who.pid && !who_is_there(d);
}

/* ---- listeners of one address ---- */

/* With SO_BINDTODEVICE there is another one for each device. */
bool same_address(const struct listener *a, const struct listener *b)
{
	return a->lport == b->lport && a->netns == b->netns && a->device == b->device &&
	       !memcmp(a->laddr, b->laddr, sizeof(a->laddr));
}

/* A closed one and its successor did not. */
static bool lived_together(const struct listener *a, const struct listener *b)
{
	return (a->open || a->closed_ns > b->born_ns) && (b->open || b->closed_ns > a->born_ns);
}

/* ---- what refusals cost ---- */

uint64_t refused_by_synq(const struct listener *l)
{
	return l->causes[TCPTRACE_DROP_SYNQ_FULL] + l->causes[TCPTRACE_DROP_SYNQ_QUARTER];
}

/* ": 290 came in after 1 s, 10 after 3 s", as often as there was one */
static bool say_waits(struct diagnosis *d, const struct refused *r)
{
	static const struct { const char *key, *first, *next; } text[REFUSED_WAITS] = {
		{ "in_soon", N_(": {in_soon} came in within 0.5 s"), "" },
		{ "in_1s", N_(": {in_1s} came in after 1 s"), N_(", {in_1s} after 1 s") },
		{ "in_2s", N_(": {in_2s} came in after 2 s"), N_(", {in_2s} after 2 s") },
		{ "in_3s", N_(": {in_3s} came in after 3 s"), N_(", {in_3s} after 3 s") },
		{ "in_5s", N_(": {in_5s} came in after 4 to 6 s"), N_(", {in_5s} after 4 to 6 s") },
		{ "in_10s", N_(": {in_10s} came in after 6 to 12 s"), N_(", {in_10s} after 6 to 12 s") },
		{ "in_later", N_(": {in_later} came in later than that"), N_(", {in_later} after more than 12 s") },
	};
	bool any = false;

	for (unsigned int i = 0; i < REFUSED_WAITS; i++) {
		if (!r->in[i])
			continue;
		say_number(d, text[i].key, r->in[i]);
		say(d, FINDING_COST, any ? text[i].next : text[i].first);
		any = true;
	}
	return any;
}

void say_cost(struct diagnosis *d)
{
	const struct refused *r = &d->l->refused;
	struct refused_out out = refused_out(d->m, d->l);
	bool any;

	if (figure_known(d->m, d->l, FIGURE_ESTABLISHED) == KNOWN_NOT) {	/* nor which of them came in */
		d->f.cost_ns += r->clients;
		return;
	}
	d->f.cost_ns += r->waited_ns + (uint64_t)(out.never + out.not_yet + out.ghosts + out.reset) * CLIENT_LOST_NS;
	if (!r->clients)
		return;
	say_least(d, "clients", FINDING_NUMBER, r->clients,
		  !r->unfollowed && figure_known(d->m, d->l, FIGURE_REFUSED) != KNOWN_EXACTLY);
	say_number(d, "never", out.never);
	say(d, FINDING_COST, r->unfollowed ? N_("At least {clients:client} refused") : N_("{clients:client} refused"));
	any = say_waits(d, r);
	say(d, FINDING_COST, any ? N_(", {never} never") : N_(": none came in"));
	if (r->again) {
		say_number(d, "again", r->again);
		say(d, FINDING_COST, ", {again} refused again by the listener after it");
	}
	if (out.not_yet) {
		say_number(d, "not_yet", out.not_yet);
		say(d, FINDING_COST, ", {not_yet} may still try");
	}
	if (out.reset) {
		say_number(d, "reset", out.reset);
		say(d, FINDING_COST, ", {reset} reset after the third packet");
	}
	if (out.ghosts) {
		say_number(d, "ghosts", out.ghosts);
		say(d, FINDING_COST, ", {ghosts:client} unaware (connect() has returned there, but the third packet was "
		    "refused)");
	}
	say(d, FINDING_COST, ".");
	if (r->before)
		say(d, FINDING_COST, " The queue was full when tcptrace came: some may have been refused before, and waited longer.");
}

/* ---- all ---- */

static const struct finding_value *value_of(const struct finding *f, const char *key)
{
	const struct finding_value *v = f->value;

	while (v->key && strcmp(v->key, key))
		v++;
	return v->key ? v : NULL;
}

/* Texts are constants: is the cause told in the same words? */
static bool same_cause(const struct finding *a, const struct finding *b)
{
	unsigned int i = 0;

	while (a->said[i].text && a->said[i].part == FINDING_CAUSE && a->said[i].text == b->said[i].text)
		i++;
	return i && a->said[i].part != FINDING_CAUSE && b->said[i].part != FINDING_CAUSE;
}

/* connect() to one end, with one errno: by programs that have names of their own. */
static bool same_failure(const struct finding *a, const struct finding *b)
{
	const struct finding_value *addr_a = value_of(a, "raddr"), *addr_b = value_of(b, "raddr");
	const struct finding_value *err_a = value_of(a, "errno"), *err_b = value_of(b, "errno");

	if (!a->who.pid || !b->who.pid || !addr_a || !addr_b || !err_a || !err_b)
		return false;
	return a->netns == b->netns && a->rport == b->rport && a->family == b->family && err_a->number == err_b->number &&
	       !memcmp(addr_a->addr, addr_b->addr, 16) && same_cause(a, b);
}

/* Who is named is there instead of one that is gone: of one process, or of none. */
static bool same_missing(const struct finding *a, const struct finding *b)
{
	const struct finding_value *of_a = value_of(a, "instead_of"), *of_b = value_of(b, "instead_of");

	return of_a && of_b ? of_a->number == of_b->number : !of_a && !of_b;
}

/*
 * A server that listens anew and anew has one trouble; members of a group with processes of their own have not. A process
 * that is stopped, or ends, has one at all of its ports.
 */
static bool same_trouble(const struct finding *a, const struct finding *b)
{
	if (strcmp(a->id, b->id))
		return false;
	if (!a->listener || !b->listener)
		return same_failure(a, b);
	if (a->of_process && a->who.pid && a->who.pid == b->who.pid)
		return same_missing(a, b);
	return same_address(a->listener, b->listener) &&
	       (a->who.pid == b->who.pid || !lived_together(a->listener, b->listener));
}

static void fold_into(struct finding *kept, const struct finding *f)
{
	kept->same++;
	kept->apart |= kept->listener && !same_address(kept->listener, f->listener);
}

/* The costliest of them stays. */
static size_t fold(struct finding *f, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0, k; i < n; i++) {
		for (k = 0; k < kept && !same_trouble(&f[k], &f[i]); k++)
			;
		if (k < kept)
			fold_into(&f[k], &f[i]);
		else
			f[kept++] = f[i];
	}
	return kept;
}

bool has_part(const struct finding *f, enum finding_part part)
{
	for (unsigned int i = 0; f->said[i].text; i++)
		if (f->said[i].part == part)
			return true;
	return false;
}

static void say_same(struct diagnosis *d, const struct finding *f)
{
	bool more = has_part(f, FINDING_COST);

	say_number(d, "same", f->same);
	if (!f->listener)
		say(d, FINDING_COST, N_("The same of {same:other program}."));
	else if (f->apart)
		say(d, FINDING_COST, more ? N_(" The same of {same:other listener} of that process.") :
		    N_("The same of {same:other listener} of that process."));
	else
		say(d, FINDING_COST, more ? N_(" The same of {same:other listener} at this address.") :
		    N_("The same of {same:other listener} at this address."));
}

/* And says how many more there are. */
static void hand_out(struct found *found, const struct finding *f)
{
	struct diagnosis d = { .f = *f };

	for (; d.f.said[d.parts].text; d.parts++)
		;
	for (; d.f.value[d.values].key; d.values++)
		;
	if (f->same)
		say_same(&d, f);
	found->fn(found->ctx, &d.f);
}

static int costlier(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	if (x->cost_ns != y->cost_ns)
		return x->cost_ns < y->cost_ns ? 1 : -1;
	if (x->listener && y->listener && x->listener->id != y->listener->id)
		return x->listener->id < y->listener->id ? -1 : 1;
	return strcmp(x->id, y->id);
}

void findings(const struct model *m, const struct machine *machine, finding_wanted_fn wanted, finding_fn fn, void *ctx)
{
	struct found found = { .fn = fn, .wanted = wanted, .ctx = ctx };
	struct diagnosis d = { .m = m, .machine = machine, .found = &found };
	const struct listener *l;

	for (uint32_t i = 0; (l = model_listener(m, i)); i++) {
		d.l = l;
		find_closed(&d, find_acceptq(&d));
		find_synq(&d);
	}
	d.l = NULL;
	find_unheard(&d);
	find_connects(&d);
	find_unacked(&d);
	find_close_wait(&d);
	if (found.n)
		qsort(found.f, found.n, sizeof(*found.f), costlier);
	found.n = fold(found.f, found.n);
	for (size_t i = 0; i < found.n; i++)
		hand_out(&found, &found.f[i]);
	free(found.f);
}
