// SPDX-License-Identifier: GPL-2.0-only
#include "../model/figure.h"
#include "../lib/tr.h"
#include "../talk.h"
#include "verdict.h"

static uint64_t refused_by(const struct select *s, const struct model *m, bool all)
{
	const struct listener *l;
	uint64_t n = 0;

	for (uint32_t i = 0; (l = model_listener(m, i)); i++) {
		if (select_listener(s, l))
			n += all ? listener_refused(l) : refused_by_acceptq(l);
	}
	return n;
}

/* What is not seen, or was lost, is not none. */
static bool refused(const struct options *o, const struct select *s)
{
	bool all = o->fail_on & FAIL_ON_REFUSED, unknown = false, lost = false;
	uint64_t n = 0;

	for (unsigned int i = 0; i < s->models->n; i++) {
		const struct model *m = s->models->of[i];

		n += refused_by(s, m, all);
		unknown |= model_seen(m, TCPTRACE_DROP) == TCPTRACE_SEEN_NOT;
		lost |= model_totals(m)->lost[TCPTRACE_DROP] || model_totals(m)->lost[TCPTRACE_NONE];
	}
	if (n)
		talk(_("--fail-on %s: segments that were refused: %llu"), all ? "refused" : "overflow", (unsigned long long)n);
	else if (unknown)
		talk(_("--fail-on %s: whether any segment was refused is not seen here"), all ? "refused" : "overflow");
	else if (lost)
		talk(_("--fail-on %s: records were lost: whether any segment was refused is not known"), all ? "refused" : "overflow");
	return n || unknown || lost;
}

bool verdict_fails(const struct options *o, const struct select *s, uint64_t lost)
{
	bool fails = o->fail_on & (FAIL_ON_REFUSED | FAIL_ON_OVERFLOW) && refused(o, s);

	if (o->fail_on & FAIL_ON_LOST && lost) {
		talk(_("--fail-on lost: records that were lost: %llu"), (unsigned long long)lost);
		fails = true;
	}
	return fails;
}
