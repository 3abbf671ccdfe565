// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attaching and detaching. An event that gets its first user needs hooks, and
 * says so under tracepoints_mutex, where no tracepoint can be registered: the
 * work is done by a work item. Whoever enables an event through tracefs or perf
 * waits for it (trace.c); a raw tracepoint of BPF may miss what happens in the
 * few milliseconds until then.
 *
 * Detaching is late by LINGER, so that disabling many events at once waits for
 * one grace period, not for one each.
 */
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "emit.h"
#include "hooks.h"

#define LINGER		(HZ / 10)
#define HOOKS_MAX	64

static struct hook *const tables[] = {
	state_hooks, listen_hooks, request_hooks, calls_hooks, connect_hooks,
	accept_hooks, segment_hooks, io_hooks,
};

u64 events_on;			/* who wants what: one bit per event */
static bool ready;		/* module_init() is over, and went well */
static unsigned long missed;	/* by hooks that are detached by now */

static void hooks_work(struct work_struct *work);
static DEFINE_MUTEX(hooks_mutex);
static DECLARE_DELAYED_WORK(work, hooks_work);

static struct hook *next_hook(struct hook *h, unsigned int *table)
{
	if (h[1].target)
		return h + 1;
	return ++*table < ARRAY_SIZE(tables) ? tables[*table] : NULL;
}

#define for_each_hook(t, h) \
	for ((t) = 0, (h) = tables[0]; (h); (h) = next_hook((h), &(t)))

/* ---- one hook ---- */

static void find_tracepoint(struct tracepoint *tp, void *arg)
{
	struct hook *h = arg;

	if (!strcmp(tp->name, h->target))
		h->tp = tp;
}

static int attach_tracepoint(struct hook *h)
{
	if (!h->tp)
		for_each_kernel_tracepoint(find_tracepoint, h);
	if (!h->tp)
		return -ENOENT;
	/* one that stands in for a hook in the call comes before the return */
	return tracepoint_probe_register_prio(h->tp, h->probe, NULL,
					      TRACEPOINT_DEFAULT_PRIO +
					      h->fallback);
}

/*
 * While a CPU is in a kprobe it misses every other. An interrupt here could end
 * in a softirq that handles segments, so it has to wait.
 */
static int enter_undisturbed(struct kprobe *kp, struct pt_regs *regs)
{
	const struct hook *h = container_of(kp, struct hook, kp);
	unsigned long flags;

	local_irq_save(flags);
	h->enter(kp, regs);
	local_irq_restore(flags);
	return 0;
}

static int attach_kprobe(struct hook *h)
{
	/* by name again: what the last registration left is refused */
	memset(&h->kp, 0, sizeof(h->kp));
	h->kp.symbol_name = h->target;
	h->kp.pre_handler = enter_undisturbed;
	return register_kprobe(&h->kp);
}

static int attach_kretprobe(struct hook *h)
{
	memset(&h->rp, 0, sizeof(h->rp));
	h->rp.kp.symbol_name = h->target;
	h->rp.entry_handler = h->exit_enter;
	h->rp.handler = h->exit;
	h->rp.data_size = h->exit_data;
	/*
	 * Process and softirq on each CPU. None of these functions sleeps but
	 * tcp_splice_read(), of which more threads are counted as missed.
	 */
	h->rp.maxactive = max(16U, 2 * num_possible_cpus());
	return register_kretprobe(&h->rp);
}

static void attach(struct hook *h)
{
	h->tried = true;
	if (h->before)
		h->before();
	if (h->probe)
		h->err = attach_tracepoint(h);
	else if (h->exit)
		h->err = attach_kretprobe(h);
	else
		h->err = attach_kprobe(h);
	h->attached = !h->err;
}

/* ---- all of them ---- */

static bool needed(const struct hook *h, u64 on)
{
	if (!(h->events & on))
		return false;
	if (h->fallback && h[-1].fallback)	/* a pair of them */
		return needed(h - 1, on);
	return !h->fallback || (h[-1].tried && h[-1].err);
}

/* Gathered, so that all wait for one grace period together. */
static void detach_unneeded(u64 on)
{
	static struct kretprobe *rps[HOOKS_MAX];
	static struct kprobe *kps[HOOKS_MAX];
	unsigned int t, i, nk = 0, nr = 0;
	struct hook *h;

	for_each_hook(t, h) {
		if (!h->attached || needed(h, on))
			continue;
		if (h->probe)
			tracepoint_probe_unregister(h->tp, h->probe, NULL);
		else if (h->exit)
			rps[nr++] = &h->rp;
		else
			kps[nk++] = &h->kp;
		h->attached = false;
	}
	unregister_kprobes(kps, nk);
	unregister_kretprobes(rps, nr);
	for (i = 0; i < nk; i++)
		missed += kps[i]->nmissed;
	for (i = 0; i < nr; i++)
		missed += rps[i]->nmissed + rps[i]->kp.nmissed;
}

static void hooks_apply(u64 on)
{
	unsigned int t;
	struct hook *h;

	mutex_lock(&hooks_mutex);
	for_each_hook(t, h) {
		if (needed(h, on) && !h->attached)
			attach(h);
	}
	detach_unneeded(on);
	mutex_unlock(&hooks_mutex);
}

static void hooks_work(struct work_struct *unused)
{
	hooks_apply(READ_ONCE(events_on));
}

/* In hooks_init() after ready, here after events_on: one of the two sees both. */
static void reschedule(unsigned long delay)
{
	smp_mb();
	if (!READ_ONCE(ready))
		return;
	cancel_delayed_work(&work);
	schedule_delayed_work(&work, delay);
}

/*
 * The kernel shows the events of a module, and lets them be enabled, before it
 * calls module_init(): trace_module_notify(), and from 6.15 on (b355247df104) it
 * enables those that were asked for beforehand (":mod:" in set_event). Hooks
 * must not run before calls_init(), and after a module_init() that failed no
 * work may be left to run.
 */
void hooks_init(void)
{
	WRITE_ONCE(ready, true);
	reschedule(0);
}

/*
 * Tracing does not hold the module: without this it could be unloaded while an
 * event is enabled, and be asked to detach when it has gone.
 */
int hooks_want(unsigned int event)
{
	if (!try_module_get(THIS_MODULE))
		return -ENODEV;
	WRITE_ONCE(events_on, events_on | 1ULL << event);
	reschedule(0);
	return 0;
}

void hooks_unwant(unsigned int event)
{
	WRITE_ONCE(events_on, events_on & ~(1ULL << event));
	reschedule(LINGER);
	module_put(THIS_MODULE);
}

void hooks_settle(void)
{
	flush_delayed_work(&work);
}

/*
 * Parameter "hooks": what is attached, what is not and why, what was missed:
 *
 *	inet_sock_set_state tracepoint attached
 *	inet_reqsk_clone kprobe error -2
 *	tcp_close kprobe idle
 *	missed 0
 */
static int hooks_show(char *buf, const struct kernel_param *kp)
{
	unsigned long n;
	int len = 0;
	unsigned int t;
	struct hook *h;

	mutex_lock(&hooks_mutex);
	n = missed;
	for_each_hook(t, h) {
		len += scnprintf(buf + len, PAGE_SIZE - len, "%s %s ",
				 h->target, h->probe ? "tracepoint" :
				 h->exit ? "kretprobe" : "kprobe");
		if (h->attached && !h->probe)
			n += h->kp.nmissed + h->rp.kp.nmissed + h->rp.nmissed;
		if (h->err)
			len += scnprintf(buf + len, PAGE_SIZE - len,
					 "error %d\n", h->err);
		else
			len += scnprintf(buf + len, PAGE_SIZE - len, "%s\n",
					 h->attached ? "attached" : "idle");
	}
	mutex_unlock(&hooks_mutex);
	return len + scnprintf(buf + len, PAGE_SIZE - len, "missed %lu\n", n);
}

static const struct kernel_param_ops hooks_ops = { .get = hooks_show };

module_param_cb(hooks, &hooks_ops, NULL, 0444);
MODULE_PARM_DESC(hooks, "what is hooked, and hits that were missed (read only)");

/* No event has a user any more: the module would not be unloaded otherwise. */
void hooks_exit(void)
{
	cancel_delayed_work_sync(&work);
	hooks_apply(0);
	tracepoint_synchronize_unregister();
}
