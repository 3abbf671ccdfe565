// SPDX-License-Identifier: GPL-2.0-only
/*
 * The output `check` (--check): what we counted must be what the kernel counted.
 * On a host at work the two are not read at the same moment, so a step or two at
 * the edges may differ; with no traffic at begin and end they must be equal.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../model/ledger.h"
#include "../source/netns.h"
#include "../source/snmp.h"
#include "../view/jsonout.h"

struct check {
	struct ledger ledger;
	struct view *view;
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

static int check_open(struct view *v)
{
	struct check *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->view = v;
	v->priv = c;
	return 0;
}

/* What came until now belongs to the time before the first reading of the counters. */
static void check_begin(struct view *v)
{
	struct check *c = v->priv;

	memset(&c->ledger, 0, sizeof(c->ledger));
	if (netns_each(v->cfg.netns, begin_here, c))
		v->failed = "--check: cannot read the kernel's counters";
}

static void check_event(struct view *v, const struct model_event *ev)
{
	struct check *c = v->priv;

	ledger_event(&c->ledger, ev);
}

static int end_here(void *arg)
{
	static const uint64_t nothing[LEDGER_MAX];
	struct check *c = arg;
	uint64_t after[LEDGER_MAX];
	void (*put)(struct view *, uint32_t, const char *, uint64_t, uint64_t) =
		c->view->cfg.json ? json_ledger : summary_ledger;
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

		c->differ += kernel != counted[k];
		if (kernel || counted[k])
			put(c->view, netns, ledger_name(k), kernel, counted[k]);
	}
	return 0;
}

static void check_end(struct view *v, const struct view_end *end)
{
	struct check *c = v->priv;

	(void)end;
	if (netns_each(v->cfg.netns, end_here, c))
		v->failed = "--check: cannot read the kernel's counters";
	else if (c->differ)
		v->failed = "--check: what was counted is not what the kernel counted";
}

static int check_close(struct view *v)
{
	free(v->priv);
	v->priv = NULL;
	return 0;
}

const struct view_ops view_check = {
	.name = "check",
	.help = "what was counted beside the kernel's own counters (--check)",
	.open = check_open,
	.begin = check_begin,
	.event = check_event,
	.end = check_end,
	.close = check_close,
};
