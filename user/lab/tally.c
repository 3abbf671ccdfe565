// SPDX-License-Identifier: GPL-2.0-only
/* How many claims were confirmed, depend, were refuted. */
#include <stdio.h>

#include "run.h"

void tally_claim(struct tally *t, const struct claim *c)
{
	t->count[c->verdict]++;
	t->failed |= !c->holds;
}

void tally_run(struct tally *t, const struct lab_run *r)
{
	for (unsigned int i = 0; i < r->nclaims; i++)
		tally_claim(t, &r->claims[i]);
	t->failed |= !r->ok && !r->skipped;
}

void tally_show(const struct tally *t, struct out *out, const char *format)
{
	unsigned int all = t->count[CONFIRMED] + t->count[DEPENDS] + t->count[REFUTED];
	char text[160];

	snprintf(text, sizeof(text), tr(format), all, t->count[CONFIRMED], t->count[DEPENDS], t->count[REFUTED]);
	out_str(out, text);
	out_line_end(out);
}
