// SPDX-License-Identifier: GPL-2.0-only
/* Each listener over time: the lengths of its queues, and how many came, were accepted and refused. */
#include <stdlib.h>
#include <string.h>

#include "report.h"

#define BIN_NS		1000000u	/* the first width: a run of half a second */

struct graph *graphs_find(const struct graphs *g, uint32_t id)
{
	struct graph *one = g->by_id[id % REPORT_GRAPHS];

	while (one && one->id != id)
		one = one->next;
	return one;
}

static struct graph *of_listener(struct graphs *g, uint32_t id)
{
	struct graph *one = graphs_find(g, id);

	if (one)
		return one;
	one = g->n < REPORT_GRAPHS ? calloc(1, sizeof(*one)) : NULL;
	if (!one) {
		g->left++;
		return NULL;
	}
	g->n++;
	one->id = id;
	one->bin_ns = BIN_NS;
	one->next = g->by_id[id % REPORT_GRAPHS];
	g->by_id[id % REPORT_GRAPHS] = one;
	return one;
}

static void halve(struct graph *g)
{
	for (unsigned int i = 0; i < BINS / 2; i++) {
		const struct bin *a = &g->bins[2 * i], *b = a + 1;

		g->bins[i] = (struct bin){ a->entered + b->entered, a->accepted + b->accepted,
					   a->refused + b->refused };
	}
	memset(&g->bins[BINS / 2], 0, sizeof(g->bins) / 2);
	g->bin_ns *= 2;
}

static struct bin *bin_at(struct graph *g, uint64_t since_ns)
{
	while (since_ns / g->bin_ns >= BINS)
		halve(g);
	return &g->bins[since_ns / g->bin_ns];
}

static void count(struct graph *g, const struct model_event *ev, uint64_t since_ns)
{
	switch (ev->event) {
	case TCPTRACE_ACCEPTQ_ADD:
		bin_at(g, since_ns)->entered++;
		break;
	case TCPTRACE_ACCEPTQ_DEL:		/* as the model counts listener.accepted */
		if (ev->cause == TCPTRACE_ACCEPTQ_ACCEPTED || ev->cause == TCPTRACE_ACCEPTQ_RESET)
			bin_at(g, since_ns)->accepted++;
		break;
	case TCPTRACE_DROP:
		bin_at(g, since_ns)->refused++;
		break;
	}
}

void graphs_event(struct graphs *g, const struct model_event *ev, uint64_t from_ns)
{
	uint64_t t_ns = ev->rec->t_ns > from_ns ? ev->rec->t_ns : from_ns;
	struct graph *one;

	if (!ev->l || (!ev->has_queues && ev->event != TCPTRACE_DROP && ev->event != TCPTRACE_ACCEPTQ_ADD &&
		       ev->event != TCPTRACE_ACCEPTQ_DEL))
		return;
	one = of_listener(g, ev->l->id);
	if (!one)
		return;
	if (ev->has_queues) {
		series_add(&one->synq, t_ns, ev->synq);
		series_add(&one->acceptq, t_ns, ev->acceptq);
		series_add(&one->limit, t_ns, ev->limit);
	}
	count(one, ev, t_ns - from_ns);
}

void graphs_free(struct graphs *g)
{
	struct graph *one, *next;

	for (unsigned int i = 0; i < REPORT_GRAPHS; i++) {
		for (one = g->by_id[i]; one; one = next) {
			next = one->next;
			series_free(&one->synq);
			series_free(&one->acceptq);
			series_free(&one->limit);
			free(one);
		}
	}
}
