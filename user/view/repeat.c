// SPDX-License-Identifier: GPL-2.0-only
#include "../lib/tr.h"
#include "ends.h"
#include "field.h"
#include "repeat.h"
#include "summary.h"

static struct repeat kind_of(const struct model_event *ev)
{
	struct repeat k = { .event = ev->event, .cause = ev->cause, .ret = event_returned(ev) ? ev->rec->ret : 0 };
	uint16_t port;

	if (ev->l) {
		k.listener = ev->l->id;
		k.lport = ev->l->lport;
	}
	memcpy(k.raddr, event_remote(ev, &port), sizeof(k.raddr));
	return k;
}

static bool same_kind(const struct repeat *a, const struct repeat *b)
{
	return a->event == b->event && a->cause == b->cause && a->listener == b->listener && a->ret == b->ret &&
	       !memcmp(a->raddr, b->raddr, sizeof(a->raddr));
}

bool repeats_count(struct repeats *r, const struct model_event *ev)
{
	struct repeat kind = kind_of(ev);

	if (!r->n)
		r->from_ns = ev->rec->t_ns;
	for (unsigned int i = 0; i < r->n; i++) {
		if (!same_kind(&r->all[i], &kind))
			continue;
		return r->all[i].seen++ >= REPEAT_LINES;
	}
	kind.seen = 1;
	if (r->n < REPEAT_KINDS)
		r->all[r->n++] = kind;
	return false;
}

bool repeats_over(const struct repeats *r, uint64_t now_ns)
{
	return r->n && now_ns > r->from_ns && now_ns - r->from_ns >= REPEAT_NS;
}

static void put_one(struct out *o, const struct repeat *k)
{
	const char *why = k->cause ? tcptrace_cause_name(k->cause) : return_errno_name(k->ret);

	summary_with(o, N_("and {1} more: "), k->seen - REPEAT_LINES);
	out_str(o, tcptrace_event_name(k->event));
	if (why) {
		out_char(o, ' ');
		out_str(o, why);
	}
	if (!addr_is_any(k->raddr)) {
		out_str(o, _(", "));
		out_addr(o, k->raddr);
	}
	if (k->listener) {
		out_str(o, _(" with :"));
		out_u64(o, k->lport);
	}
	out_line_end(o);
}

void repeats_put(struct repeats *r, struct out *o)
{
	for (unsigned int i = 0; i < r->n; i++) {
		if (r->all[i].seen > REPEAT_LINES)
			put_one(o, &r->all[i]);
	}
	r->n = 0;
}
