// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../lib/tr.h"
#include "cost.h"
#include "plan.h"

#define ENOTSUPP	524	/* the kernel's own, which libc has no text for */

/* The queues of a listener. */
#define QUEUE_STEPS	(EVENTS_QUEUES & EVENTS_ALL & ~EVENT_BIT(LISTEN))

/* Where only these are asked for, a snapshot leaves out sockets in TIME_WAIT. */
#define WITHOUT_TIMEWAITS	(EVENTS_QUEUES | EVENTS_TROUBLE | EVENT_BIT(ACCEPT))

/*
 * What the model must see whatever it is captured by: who enters a queue must be seen to leave it, or would be in it for
 * ever; the record of a request that enters stands for its SYN-ACK too; a listener comes and goes.
 */
static const struct dependency always[] = {
	{ EVENT_BIT(SYNACK), EVENT_BIT(SYNQ_ADD) },
	{ EVENT_BIT(SYNQ_ADD), EVENT_BIT(SYNQ_DEL) },
	{ EVENT_BIT(ACCEPTQ_ADD), EVENT_BIT(ACCEPTQ_DEL) },
	{ QUEUE_STEPS | EVENT_BIT(RST_SENT), EVENT_BIT(LISTEN) | EVENTS_LISTENER },
	/* whether it is the same socket again */
	{ EVENT_BIT(SOCKET) | EVENT_BIT(CONNECT), EVENT_BIT(DESTROY) },
};

/* Parts of events, and how well the event as a whole is seen by them. */
static const struct part {
	uint64_t bit, of;
	enum tcptrace_seen seen;
	uint64_t written;		/* for the sake of the part, capture_config.events */
} parts[] = {
	{ EVENTS_DROPPED, EVENT_BIT(SYNQ_DEL), TCPTRACE_SEEN_SAMPLED, EVENT_BIT(SYNQ_DEL) },
	{ EVENTS_FAILED, EVENT_BIT(CONNECT_RETURN) | EVENT_BIT(ACCEPT), TCPTRACE_SEEN_SAMPLED,
	  EVENT_BIT(CONNECT_RETURN) | EVENT_BIT(ACCEPT) },
	{ EVENTS_CLOSED, EVENT_BIT(ACCEPTQ_DEL), TCPTRACE_SEEN_NOT, EVENT_BIT(ACCEPTQ_DEL) },
	{ EVENTS_LISTENER, EVENT_BIT(STATE), TCPTRACE_SEEN_NOT, 0 },	/* capture_config.listener_ends */
};

#define PARTS	(sizeof(parts) / sizeof(*parts))

static const struct variant *variant_of(const struct plan *p, enum hook_id id)
{
	const struct choice *c = &p->choice[id];

	return c->needed && c->variant != VARIANT_NONE ? &hook_table[id].variants[c->variant] : NULL;
}

#define EACH_PROG(v, hp)	\
	for (const struct hook_prog *hp = (v)->progs; hp < (v)->progs + VARIANT_PROGS && hp->prog; hp++)

/* ---- why not ---- */

const char *error_text(int err)
{
	return err == -ENOTSUPP ? _("not supported") : strerror(-err);
}

/* The first reason is that of the best variant, and stays, but for a refusal: plan_reject(). */
static void explain(struct choice *c, int err, const char *what, const char *why)
{
	if (!c->err)
		c->err = err;
	if (c->why[0])
		return;
	snprintf(c->why, sizeof(c->why), "%s %s", what, why);
}

static bool mechanism_works(const struct plan *p, struct choice *c, enum mechanism mech)
{
	const struct features *f = p->features;
	char why[96];

	if (p->options.only != MECH_AUTO && mech != p->options.only && mech != MECH_TRACEPOINT) {
		explain(c, 0, "--mechanism", mechanism_name(p->options.only));
		return false;
	}
	if (mech == MECH_FENTRY && f->fentry) {
		snprintf(why, sizeof(why), _("is refused here (%s: %s)"), f->fentry_step, error_text(f->fentry));
		explain(c, 0, mechanism_name(mech), why);
		return false;
	}
	if (mech == MECH_FENTRY && f->rt && !f->kprobe && p->options.only == MECH_AUTO) {
		explain(c, 0, mechanism_name(mech), _("misses threads that preempt it (PREEMPT_RT)"));
		return false;
	}
	if (mech == MECH_KPROBE && f->kprobe) {
		explain(c, 0, mechanism_name(mech), _("is not in this kernel (CONFIG_KPROBE_EVENTS)"));
		return false;
	}
	return true;
}

static bool needs_met(const struct plan *p, struct choice *c, const struct variant *v)
{
	const struct features *f = p->features;
	char why[96];

	if (v->needs & NEEDS_CGROUP && f->cgroup) {
		explain(c, f->cgroup, _("the root of cgroup v2"), f->no_cgroup);
		return false;
	}
	if (v->needs & NEEDS_TRACEFS && f->tracefs) {
		snprintf(why, sizeof(why), _("cannot be found in tracefs (%s)"), error_text(f->tracefs));
		c->why[0] = 0;		/* what can be mended says more than what cannot */
		explain(c, f->tracefs, _("system-call tracepoints"), why);
		return false;
	}
	if (v->needs & NEEDS_REGS && !f->regs) {
		explain(c, 0, _("this kernel has no"), "bpf_task_pt_regs()");
		return false;
	}
	if (v->needs & NEEDS_RESET_SKB && !f->reset_skb) {
		explain(c, 0, "tcp_reset()", _("is not given the segment in this kernel"));
		return false;
	}
	return true;
}

static bool is_left_out(const struct plan *p, const struct hook_prog *hp)
{
	const struct features *f = p->features;

	if ((hp->may_miss || hp->helps) && progs_has(&f->missing, hp->prog))
		return true;
	return hp->helps && (progs_has(&p->refused, hp->prog) || (f->tracefs && progs_has(&f->by_tracefs, hp->prog)));
}

static bool progs_possible(const struct plan *p, struct choice *c, const struct variant *v)
{
	EACH_PROG(v, hp) {
		if (is_left_out(p, hp))
			continue;
		if (progs_has(&p->features->missing, hp->prog)) {
			explain(c, 0, _("this kernel has no"), v->target);
			return false;
		}
		if (progs_has(&p->refused, hp->prog))
			return false;
	}
	return true;
}

/* ---- choosing ---- */

/* Moves on to the next possible variant from index `from` on. */
static void choose(struct plan *p, enum hook_id id, int from)
{
	struct choice *c = &p->choice[id];

	c->made = true;
	c->variant = VARIANT_NONE;
	for (int i = from; i < VARIANTS_MAX && hook_table[id].variants[i].target; i++) {
		const struct variant *v = &hook_table[id].variants[i];

		if (mechanism_works(p, c, v->mech) && needs_met(p, c, v) && progs_possible(p, c, v)) {
			c->variant = i;
			return;
		}
	}
}

static bool is_needed(const struct plan *p, const struct hook *h)
{
	return h->events & p->events || h->also & p->options.events || (h->helps & HELPS_PIDS && p->options.by_pid) ||
	       (h->helps & HELPS_CHILDREN && p->options.follow);
}

/* A part of what is asked for as a whole is none. */
static uint64_t without_parts(uint64_t events)
{
	for (size_t i = 0; i < PARTS; i++)
		if (events & parts[i].bit && events & parts[i].of)
			events = (events & ~parts[i].bit) | parts[i].of;
	return events;
}

static uint64_t needed_for(uint64_t events, const struct dependency *of, size_t n)
{
	uint64_t needs = 0;

	for (size_t i = 0; i < n; i++)
		if (of[i].events & events)
			needs |= of[i].needs;
	return needs;
}

/* The hooks that are needed, and what their variants depend on, which may need others. True: something was new. */
static bool widen(struct plan *p)
{
	uint64_t events = p->events | needed_for(p->events, always, sizeof(always) / sizeof(*always));

	for (int id = 0; id < HOOK_MAX; id++) {
		const struct variant *v;

		p->choice[id].needed = is_needed(p, &hook_table[id]);
		if (p->choice[id].needed && !p->choice[id].made)
			choose(p, id, 0);
		v = variant_of(p, id);
		if (v)
			events |= needed_for(p->events, v->depends, VARIANT_DEPENDS);
	}
	events = without_parts(events);
	if (events == p->events)
		return false;
	p->events = events;
	return true;
}

static void list_program(struct plan *p, const struct hook_prog *hp)
{
	const struct features *f = p->features;

	if (f->rt && hp->whole && !f->tracefs && !progs_has(&p->refused, hp->whole)) {
		progs_add(&p->wanted, hp->whole);
		return;
	}
	progs_add(&p->wanted, hp->prog);
	if (hp->retry && (hp->interrupted || f->preempts))
		progs_add(&p->wanted, hp->retry);
}

static void list_wanted(struct plan *p)
{
	p->wanted = (struct progs){};
	for (int id = 0; id < HOOK_MAX; id++) {
		const struct variant *v = variant_of(p, id);

		if (!v)
			continue;
		EACH_PROG(v, hp) {
			if (!is_left_out(p, hp))
				list_program(p, hp);
		}
	}
}

static void settle(struct plan *p)
{
	p->events = p->options.events;
	while (widen(p))
		;
	list_wanted(p);
}

void plan_make(struct plan *p, const struct features *features, const struct plan_options *options)
{
	*p = (struct plan){ .features = features, .options = *options };
	p->timewaits = options->events & ~WITHOUT_TIMEWAITS;
	p->options.events = without_parts(options->events | EVENT_BIT(EXISTS));	/* a snapshot is always taken */
	settle(p);
}

static const struct hook_prog *find_prog(const struct variant *v, unsigned int prog)
{
	EACH_PROG(v, hp)
		if (hp->prog == prog || hp->retry == prog || hp->whole == prog)
			return hp;
	return NULL;
}

bool plan_reject(struct plan *p, unsigned int prog, const char *step, int err)
{
	char reason[96];

	if (!progs_has(&p->wanted, prog))
		return false;
	snprintf(reason, sizeof(reason), "%s: %s", step, error_text(-err));
	for (int id = 0; id < HOOK_MAX; id++) {
		const struct variant *v = variant_of(p, id);
		const struct hook_prog *hp = v ? find_prog(v, prog) : NULL;
		struct choice *c = &p->choice[id];

		if (!hp)
			continue;
		progs_add(&p->refused, hp->whole == prog ? prog : hp->prog);
		if (hp->helps || hp->whole == prog)
			continue;
		c->why[0] = 0;		/* what was tried says more than what was not */
		c->err = 0;
		explain(c, -err, mechanism_name(v->mech), reason);
		choose(p, id, c->variant + 1);
	}
	settle(p);
	return true;
}

/* ---- asking ---- */

static const struct hook_prog *find_in_table(unsigned int prog)
{
	for (int id = 0; id < HOOK_MAX; id++) {
		for (int i = 0; i < VARIANTS_MAX; i++) {
			const struct hook_prog *hp = find_prog(&hook_table[id].variants[i], prog);

			if (hp)
				return hp;
		}
	}
	return NULL;
}

bool plan_is_retry(unsigned int prog)
{
	const struct hook_prog *hp = find_in_table(prog);

	return hp && hp->retry == prog;
}

uint64_t plan_delivers(const struct plan *p, unsigned int prog)
{
	uint64_t events = 0;

	for (int id = 0; id < HOOK_MAX; id++) {
		const struct variant *v = variant_of(p, id);

		if (v && find_prog(v, prog))
			events |= hook_table[id].events | hook_table[id].also;
	}
	return events;
}

const char *plan_also_at(unsigned int prog)
{
	const struct hook_prog *hp = find_in_table(prog);

	return hp ? hp->also_at : NULL;
}

void plan_config(const struct plan *p, struct capture_config *c)
{
	for (int id = 0; id < HOOK_MAX; id++) {
		const struct variant *v = variant_of(p, id);

		for (int i = 0; v && i < VARIANT_SETS && v->sets[i]; i++)
			((uint8_t *)c)[v->sets[i]] = 1;
	}
	c->events = p->events & EVENTS_ALL;
	for (size_t i = 0; i < PARTS; i++)
		if (p->events & parts[i].bit)
			c->events |= parts[i].written;
	c->timewaits = p->timewaits;
	c->retries = p->features->preempts;
	c->thread_notes = p->features->rt;
	c->fetches = p->features->fetches;
}

static enum tcptrace_seen seen_by(const struct variant *v, uint64_t bit)
{
	if (!v)
		return TCPTRACE_SEEN_NOT;
	if (v->sampled & bit)
		return TCPTRACE_SEEN_SAMPLED;
	return v->deduced & bit ? TCPTRACE_SEEN_DEDUCED : TCPTRACE_SEEN_EXACTLY;
}

/* As the worst of its hooks sees it; where one of several is missing, how often is a lower bound: as by samples. */
static enum tcptrace_seen seen_by_all(const struct plan *p, uint64_t bit)
{
	enum tcptrace_seen worst = TCPTRACE_SEEN_EXACTLY, best = TCPTRACE_SEEN_NOT;

	for (int id = 0; id < HOOK_MAX; id++) {
		enum tcptrace_seen seen = seen_by(variant_of(p, id), bit);

		if (!(hook_table[id].events & bit))
			continue;
		worst = seen < worst ? seen : worst;
		best = seen > best ? seen : best;
	}
	if (!best)
		return TCPTRACE_SEEN_NOT;
	return worst ? worst : TCPTRACE_SEEN_SAMPLED;
}

enum tcptrace_seen plan_seen(const struct plan *p, unsigned int event)
{
	uint64_t bit = 1ull << event;

	if (p->events & bit)
		return seen_by_all(p, bit);
	for (size_t i = 0; i < PARTS; i++)
		if (parts[i].of & bit && p->events & parts[i].bit && seen_by_all(p, parts[i].bit))
			return parts[i].seen;
	return TCPTRACE_SEEN_NOT;
}

bool plan_samples(const struct plan *p, uint64_t events)
{
	for (int id = 0; id < HOOK_MAX; id++) {
		const struct variant *v = variant_of(p, id);

		if (v && v->sampled & events & p->events)
			return true;
	}
	return false;
}

uint64_t plan_observed(const struct plan *p)
{
	uint64_t seen = 0;

	for (unsigned int event = 1; event < TCPTRACE_EVENT_MAX; event++)
		seen |= (uint64_t)plan_seen(p, event) << TCPTRACE_SEEN_SHIFT(event);
	return seen;
}

bool plan_sees_any(const struct plan *p)
{
	for (int id = 0; id < HOOK_MAX; id++)
		if (hook_table[id].events & p->events & ~EVENT_BIT(EXISTS) && variant_of(p, id))
			return true;
	return false;
}

/* Of the variant's programs that are not in *told yet, which they are put into. */
static unsigned int instructions(const struct plan *p, const struct variant *v, struct progs *told)
{
	unsigned int n = 0;

	EACH_PROG(v, hp) {
		const unsigned int progs[] = { hp->prog, hp->retry };

		for (int i = 0; i < 2; i++) {
			if (!progs_has(&p->wanted, progs[i]) || progs_has(told, progs[i]))
				continue;
			progs_add(told, progs[i]);
			n += cost_of(progs[i], p->events);
		}
	}
	return n;
}

bool plan_report(const struct plan *p, unsigned int i, struct hook_report *out)
{
	struct progs told = {};

	for (int id = 0; id < HOOK_MAX; id++) {
		const struct variant *v = variant_of(p, id);
		unsigned int n = v ? instructions(p, v, &told) : 0;

		if (!p->choice[id].needed || i--)
			continue;
		*out = (struct hook_report){
			.hook = hook_table[id].name,
			.target = v ? v->target : "",
			.mechanism = v ? v->mech : MECH_AUTO,
			.why_not_better = p->choice[id].why,
			.loses = !v ? N_("everything: no event of this hook") : v->loses ? v->loses : "",
			.instructions = n,
			.measured_on = p->features->casts ? COST_KERNEL : NULL,
		};
		return true;
	}
	return false;
}
