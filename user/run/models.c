// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "../lib/clock.h"
#include "../lib/tr.h"
#include "../talk.h"
#include "models.h"

int models_init(struct models *m, unsigned int n, bool replay, uint32_t only, model_event_fn fn, void *ctx)
{
	struct model_limits limits = { .hosts = (uint8_t)n, .only = only };

	/* so that no peer can choose its place in our tables */
	if (!replay && getrandom(&limits.seed, sizeof(limits.seed), GRND_NONBLOCK) < 0)
		limits.seed = clock_ns(CLOCK_MONOTONIC);
	for (m->n = 0; m->n < n; m->n++) {
		limits.host = (uint8_t)m->n;
		m->of[m->n] = model_new(&limits, fn, ctx);
		if (!m->of[m->n]) {
			talk(_("no memory for the tables of %u connections"), MODEL_CONNS);
			return -ENOMEM;
		}
	}
	return 0;
}

void models_want(const struct models *m, const struct model_wants *wants)
{
	for (unsigned int i = 0; i < m->n; i++)
		model_want(m->of[i], wants);
}

int models_begin_again(struct models *m)
{
	int err = 0;

	for (unsigned int i = 0; i < m->n && !err; i++)
		err = model_begin_again(m->of[i]);
	return err;
}

void models_until(const struct models *m, uint64_t t_ns)
{
	for (unsigned int i = 0; i < m->n; i++)
		model_until(m->of[i], t_ns);
}

static void add(struct model_totals *sum, const struct model_totals *t)
{
	sum->records += t->records;
	for (unsigned int e = 0; e < TCPTRACE_EVENT_MAX; e++) {
		sum->events[e] += t->events[e];
		sum->lost[e] += t->lost[e];
	}
	sum->lost_total += t->lost_total;
	sum->evicted += t->evicted;
	sum->evicted_timewait += t->evicted_timewait;
	sum->listeners_unseen += t->listeners_unseen;
	sum->listeners_forgotten += t->listeners_forgotten;
	sum->illegal += t->illegal;
	sum->conns_now += t->conns_now;
	sum->conns_peak += t->conns_peak;
	if (t->first_ns && (!sum->first_ns || t->first_ns < sum->first_ns))
		sum->first_ns = t->first_ns;
	if (t->last_ns > sum->last_ns)
		sum->last_ns = t->last_ns;
}

void models_totals(const struct models *m, struct model_totals *sum)
{
	memset(sum, 0, sizeof(*sum));
	for (unsigned int i = 0; i < m->n; i++)
		add(sum, model_totals(m->of[i]));
}

void models_free(struct models *m)
{
	for (unsigned int i = 0; i < m->n; i++)
		model_free(m->of[i]);
}
