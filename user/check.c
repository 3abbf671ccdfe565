// SPDX-License-Identifier: GPL-2.0-only
/*
 * What we counted must be what the kernel counted. On a host at work the two
 * are not read at the same moment, so a step or two at the edges may differ;
 * with no traffic at begin and end they must be equal.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "check.h"
#include "source/netns.h"
#include "source/snmp.h"

struct check {
	struct ledger ledger;
	uint32_t only;
	struct view *view;			/* at the end */
	unsigned int differ, n;
	struct {
		uint32_t netns;
		uint64_t before[LEDGER_MAX];
	} ns[LEDGER_NETNS];
};

static int read_counters(uint64_t *values)
{
	struct snmp_key keys[LEDGER_MAX];

	for (int i = 0; i < LEDGER_MAX; i++)
		keys[i] = (struct snmp_key) { ledger_group(i), ledger_name(i) };
	return snmp_read(keys, values, LEDGER_MAX);
}

static uint32_t netns_here(void)
{
	struct stat st;

	return stat("/proc/thread-self/ns/net", &st) ? 0 : st.st_ino;
}

static int begin_here(void *arg)
{
	struct check *c = arg;

	if (c->n == LEDGER_NETNS || read_counters(c->ns[c->n].before))
		return 0;
	c->ns[c->n++].netns = netns_here();
	return 0;
}

struct check *check_begin(uint32_t only)
{
	struct check *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->only = only;
	errno = -netns_each(only, begin_here, c);
	return c;
}

void check_event(struct check *c, const struct model_event *ev)
{
	ledger_event(&c->ledger, ev);
}

static int end_here(void *arg)
{
	static const uint64_t nothing[LEDGER_MAX];
	struct check *c = arg;
	uint64_t after[LEDGER_MAX];
	const uint64_t *counted;
	uint32_t netns = netns_here();
	unsigned int i;

	for (i = 0; i < c->n && c->ns[i].netns != netns; i++)
		;
	if (i == c->n || read_counters(after))	/* it was not there when we began */
		return 0;
	counted = ledger_of(&c->ledger, netns);
	if (!counted)
		counted = nothing;
	for (int k = 0; k < LEDGER_MAX; k++) {
		uint64_t kernel = after[k] - c->ns[i].before[k];

		bool agrees = ledger_agrees(k, kernel, counted[k]);

		c->differ += !agrees;
		if (k == LEDGER_TIMEOUTS ? !agrees : kernel || counted[k])
			c->view->ops->ledger(c->view, netns, ledger_name(k), kernel, counted[k]);
	}
	return 0;
}

unsigned int check_end(struct check *c, struct view *v, const struct model *m)
{
	c->view = v;
	ledger_settle(&c->ledger, m);
	netns_each(c->only, end_here, c);
	return c->differ;
}
