// SPDX-License-Identifier: GPL-2.0-only
/*
 * The output `check` (--check): what we counted must be what the kernel counted. On a host at work the kernel's numbers
 * are read while it counts on: each step is counted that came after the first reading and before the last, by its own
 * time, and one that came while a namespace was being read is on either side of that, as the kernel has it. What could
 * not be compared is named: it does not pass.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/clock.h"
#include "../lib/events.h"
#include "../lib/tr.h"
#include "../model/ledger.h"
#include "../source/netns.h"
#include "../source/snmp.h"
#include "../talk.h"
#include "../view/jsonout.h"
#include "counters.h"

#define NAMED	8		/* namespaces named, of those that were not compared */

/*
 * When the counters of a namespace were read. A step and its counter are not raised in the same moment, and a thread may
 * be preempted between them.
 */
#define EDGE_NS	10000000ull

struct reading {
	uint64_t from_ns, until_ns;		/* until 0: not yet */
};

struct check {
	struct ledger ledger;			/* what came between the readings for sure, */
	struct ledger doubtful;			/* and what came while one went on */
	const struct model *m;			/* at the end, */
	const struct view_end *end;		/* what the run was then */
	struct view *view;
	unsigned int differ, n;
	struct space {
		uint32_t netns;
		uint64_t cookie;		/* 0: unknown */
		bool fresh;			/* it was not there when we began */
		bool again;			/* nor that, but one of its number: what was counted may be of both */
		bool ended;			/* its counters were read in the end, too */
		uint64_t before[LEDGER_MAX], after[LEDGER_MAX];
		struct reading first, last;
	} ns[LEDGER_NETNS];
	struct space *latest;			/* whose step came last, nearly always the next one's, too */
	int err;				/* of reading them in the end */
	unsigned int left_out;
};

static void leave_out(struct check *c, uint32_t netns, const char *why)
{
	if (c->left_out++ < NAMED)
		talk(_("--check: namespace %u is not compared: %s"), netns, why);
}

static void missed(void *arg, uint32_t netns, int err)
{
	leave_out(arg, netns, err == -E2BIG ? _("there are too many") : strerror(-err));
}

static int read_counters(uint64_t *values, struct reading *when)
{
	int err;

	when->from_ns = clock_ns(CLOCK_MONOTONIC) - EDGE_NS;
	err = counters_read(values);
	when->until_ns = clock_ns(CLOCK_MONOTONIC) + EDGE_NS;
	return err;
}

static int begin_here(void *arg)
{
	struct check *c = arg;
	struct space *s = &c->ns[c->n];
	int err;

	if (c->n == LEDGER_NETNS) {
		missed(c, netns_here(), -E2BIG);
		return 0;
	}
	*s = (struct space){ .netns = netns_here(), .cookie = counters_netns_cookie() };
	err = read_counters(s->before, &s->first);
	if (err)
		leave_out(c, s->netns, strerror(-err));
	else
		c->n++;
	return 0;
}

static int check_open(struct view *v)
{
	struct check *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->view = v;
	v->priv = c;
	return 0;
}

static void check_begin(struct view *v)
{
	struct check *c = v->priv;

	memset(&c->ledger, 0, sizeof(c->ledger));
	c->ledger.only = c->doubtful.only = v->cfg.netns;	/* for a page beside it the others are captured, too */
	if (netns_each(v->cfg.netns, begin_here, missed, c))
		v->failed = _("--check: cannot read the kernel's counters");
}

static struct space *space_of(struct check *c, uint32_t netns)
{
	if (c->latest && c->latest->netns == netns)
		return c->latest;
	for (unsigned int i = 0; i < c->n; i++)
		if (c->ns[i].netns == netns)
			return c->latest = &c->ns[i];
	return NULL;
}

/* When the kernel raised what the step says: of a connect() it was when its SYN left. */
static uint64_t counted_ns(const struct model_event *ev)
{
	if (!(ev->counted & COUNTED_OPEN))
		return ev->rec->t_ns;
	if (ev->event == TCPTRACE_STATE && ev->old == TCP_S_SYN_SENT && ev->has_dur)
		return ev->rec->t_ns - ev->dur_ns;
	return ev->c->state == TCP_S_SYN_SENT && ev->c->state_ns ? ev->c->state_ns : ev->rec->t_ns;
}

static bool while_read(const struct reading *r, uint64_t t_ns)
{
	return r->until_ns && t_ns >= r->from_ns && t_ns <= r->until_ns;
}

/* NULL: not between the two readings. */
static struct ledger *ledger_at(struct check *c, uint32_t netns, uint64_t t_ns)
{
	const struct space *s = space_of(c, netns);

	if (s && (t_ns < s->first.from_ns || (s->last.until_ns && t_ns > s->last.until_ns)))
		return NULL;
	return s && (while_read(&s->first, t_ns) || while_read(&s->last, t_ns)) ? &c->doubtful : &c->ledger;
}

static void check_event(struct view *v, const struct model_event *ev)
{
	struct check *c = v->priv;
	struct ledger *l = ledger_at(c, ev->rec->netns, counted_ns(ev));

	if (l)
		ledger_event(l, ev);
}

/* The kernel has counted what becomes of a connection that is still on its way, which no step has said yet. */
static void settle(void *arg, const struct conn *conn)
{
	struct check *c = arg;
	struct ledger *l = conn->state_ns ? ledger_at(c, conn->netns, conn->state_ns) : &c->ledger;

	if (l)
		ledger_settle(l, c->m, conn);
}

/* Of what came while the counters were read the kernel had counted so much. */
static uint64_t nearest(uint64_t counted, uint64_t doubtful, uint64_t kernel)
{
	uint64_t missing = kernel > counted ? kernel - counted : 0;

	return counted + (missing < doubtful ? missing : doubtful);
}

static void put(struct check *c, uint32_t netns, const char *counter, uint64_t kernel, uint64_t counted)
{
	const struct view_config *cfg = &c->view->cfg;

	cfg->ledger(cfg->ledger_ctx, netns, counter, kernel, counted);
	if (cfg->main && cfg->main->ops->ledger)
		return;
	if (cfg->json)
		json_ledger(c->view, netns, counter, kernel, counted);
	else
		summary_ledger(c->view, netns, counter, kernel, counted);
}

/* A difference has a reason that is known: as much was lost, or passed over. */
static void say_lost(const struct check *c, enum ledger_item k)
{
	uint64_t lost = ledger_lost(c->m, k), missed = c->end->missed_at(c->end->src, ledger_from(k));

	if (missed)
		talk(_("--check: %s: the kernel passed over the hooks that it is counted from %llu times"), ledger_name(k),
		     (unsigned long long)missed);
	if (lost)
		talk(_("--check: %s: %llu records of what it is counted from were lost"), ledger_name(k),
		     (unsigned long long)lost);
}

static bool comparable(const struct check *c, enum ledger_item k, uint64_t kernel)
{
	return ledger_seen(c->m, k) && kernel != SNMP_UNKNOWN;
}

static void compare(struct check *c, uint32_t netns, const uint64_t *kernel, const uint64_t *counted)
{
	for (int k = 0; k < LEDGER_MAX; k++) {
		bool agrees = ledger_agrees(k, kernel[k], counted[k]);

		if (!comparable(c, k, kernel[k]))
			continue;
		c->differ += !agrees;
		if (k == LEDGER_TIMEOUTS ? !agrees : kernel[k] || counted[k])
			put(c, netns, ledger_name(k), kernel[k], counted[k]);
		if (!agrees)
			say_lost(c, k);
	}
}

/* It was not there when we began: its counters began at 0, unless it lived by a socket alone until now. */
static void compare_new(struct check *c, const struct space *s, const uint64_t *kernel, const uint64_t *counted)
{
	bool agree = true;

	for (int k = 0; k < LEDGER_MAX; k++)
		agree &= !comparable(c, k, kernel[k]) || ledger_agrees(k, kernel[k], counted[k]);
	if (!agree)
		leave_out(c, s->netns, s->again ? _("it ended before we did") : _("no process was in it when we began"));
}

/* No counter of the ledger ever falls. */
static bool fell(const struct space *s)
{
	for (int k = 0; k < LEDGER_MAX; k++) {
		if (s->after[k] < s->before[k])
			return true;
	}
	return false;
}

/* An inode number is used again as soon as it is free, where containers come and go: its cookie never. */
static bool is_another(const struct space *s)
{
	uint64_t cookie = counters_netns_cookie();

	return s->cookie && cookie ? s->cookie != cookie : fell(s);
}

static int finish_here(void *arg)
{
	struct check *c = arg;
	uint32_t netns = netns_here();
	struct space *s = space_of(c, netns);

	if (!s && c->n == LEDGER_NETNS)
		return 0;
	if (!s) {
		s = &c->ns[c->n++];
		*s = (struct space){ .netns = netns, .fresh = true };
	}
	s->ended = !read_counters(s->after, &s->last);
	s->again = s->ended && !s->fresh && is_another(s);
	return 0;
}

/* The steps of until then are still to come. */
static void check_ending(struct view *v)
{
	struct check *c = v->priv;

	c->err = netns_each(v->cfg.netns, finish_here, NULL, c);
}

/* Under a number that was used again what came near the first reading is of the one that ended, not of the other. */
static void compare_space(struct check *c, const struct space *s)
{
	static const uint64_t nothing[LEDGER_MAX];
	const uint64_t *sure = ledger_of(&c->ledger, s->netns), *doubtful = ledger_of(&c->doubtful, s->netns);
	uint64_t kernel[LEDGER_MAX], counted[LEDGER_MAX];

	sure = sure ? sure : nothing;
	doubtful = doubtful ? doubtful : nothing;
	for (int k = 0; k < LEDGER_MAX; k++) {
		kernel[k] = s->after[k] == SNMP_UNKNOWN ? s->after[k] : s->after[k] - (s->again ? 0 : s->before[k]);
		counted[k] = s->again ? sure[k] + doubtful[k] : nearest(sure[k], doubtful[k], kernel[k]);
	}
	if (s->fresh || s->again)
		compare_new(c, s, kernel, counted);
	else
		compare(c, s->netns, kernel, counted);
}

/* Something was counted there, and the kernel's side of it cannot be read. */
static void say_gone_of(struct check *c, const struct ledger *l, const struct ledger *told)
{
	for (unsigned int k = 0; k < l->n; k++) {
		uint32_t netns = l->ns[k].netns;
		const struct space *s = space_of(c, netns);

		if (told && ledger_of(told, netns))
			continue;
		if (!s)
			leave_out(c, netns, _("no process is in it"));
		else if (!s->ended)
			leave_out(c, netns, _("it ended before we did"));
	}
}

/* All that came there may have come while its counters were read. */
static void say_gone(struct check *c)
{
	say_gone_of(c, &c->ledger, NULL);
	say_gone_of(c, &c->doubtful, &c->ledger);
}

static void say_unseen(struct check *c)
{
	for (int k = 0; k < LEDGER_MAX; k++) {
		bool seen = ledger_seen(c->m, k);

		if (seen && !(c->n && c->ns[0].before[k] == SNMP_UNKNOWN))
			continue;
		talk(_("--check: %s is not compared: %s"), ledger_name(k),
		     seen ? _("this kernel has no such counter") : _("not all that it is counted from is seen"));
		c->differ += !seen;
	}
}

static void check_end(struct view *v, const struct view_end *end)
{
	struct check *c = v->priv;

	c->m = end->model;
	c->end = end;
	model_each_conn(c->m, settle, c);
	for (unsigned int i = 0; i < c->n; i++) {
		if (c->ns[i].ended)
			compare_space(c, &c->ns[i]);
	}
	say_gone(c);
	if (c->differ && !end->missed_known)
		talk(_("--check: how often the kernel passed over a hook is not known: a small difference may be that"));
	say_unseen(c);
	if (c->left_out > NAMED)
		talk(_("--check: %u more namespaces are not compared"), c->left_out - NAMED);
	if (c->err)
		v->failed = _("--check: cannot read the kernel's counters again");
	else if (c->differ || c->left_out)
		v->failed = _("--check: what was counted is not, or not known to be, what the kernel counted");
}

static int check_close(struct view *v)
{
	free(v->priv);
	v->priv = NULL;
	return 0;
}

#define ON(event)	EVENT_BIT(event)
#define COUNTED_FROM(sym, group, name, events) | (events)

const struct view_ops view_check = {
	.name = "check",
	.events = ON(CONNECT) | ON(DESTROY) LEDGER_ITEMS(COUNTED_FROM),	/* ... and which attempt a return of connect() ends */
	.help = N_("what was counted beside the kernel's own counters (--check)"),
	.open = check_open,
	.begin = check_begin,
	.event = check_event,
	.ending = check_ending,
	.end = check_end,
	.close = check_close,
};
