// SPDX-License-Identifier: GPL-2.0-only
/*
 * `lab --quiz`: a claim, what do you think, then what was measured, and a score. The
 * answers come by keys, or by lines where standard input is no terminal.
 */
#include <stdio.h>
#include <unistd.h>

#include "../lib/wrap.h"
#include "../run/signals.h"
#include "keys.h"
#include "run.h"

static const enum verdict by_digit[] = { CONFIRMED, REFUTED, DEPENDS };

void quiz_open(struct quiz *q, struct out *out)
{
	*q = (struct quiz){ .keys = !keys_open_here(out) };
}

void quiz_close(struct quiz *q, struct out *out)
{
	char text[64];

	if (q->keys)
		keys_close_here(out);
	if (!q->asked)
		return;
	snprintf(text, sizeof(text), _("%u of %u right"), q->right, q->asked);
	out_str(out, text);
	out_line_end(out);
	out_flush(out);
}

/* 1, 2, 3; 0: no more. Other keys are not heard. */
static unsigned int answer(const struct quiz *q)
{
	char c;
	int key;

	for (;;) {
		if (q->keys)
			key = key_wait(-1);
		else
			key = read(STDIN_FILENO, &c, 1) == 1 ? c : KEY_GONE;
		if (key == KEY_GONE || key == 'q' || signal_flags.end)
			return 0;
		if (key >= '1' && key <= '3')
			return (unsigned int)(key - '0');
	}
}

static void ask(const struct claim *c, unsigned int n, struct out *out)
{
	char text[160];

	snprintf(text, sizeof(text), "%2u  ", n);
	out_str(out, text);
	out_wrapped_from(out, tr(c->text), 4, 4, lab_columns(out));
	snprintf(text, sizeof(text), _("    1 %s   2 %s   3 %s   q: stop"), tr(lab_verdict(CONFIRMED)),
		 tr(lab_verdict(REFUTED)), tr(lab_verdict(DEPENDS)));
	out_str(out, text);
	out_line_end(out);
	out_flush(out);
}

void quiz_claim(struct quiz *q, const struct claim *c, struct out *out)
{
	unsigned int digit;
	char said[64];
	bool right;

	if (!c->holds)			/* nobody can know */
		return;
	ask(c, q->asked + 1, out);
	digit = answer(q);
	q->stopped = !digit;
	if (!digit)
		return;
	right = by_digit[digit - 1] == c->verdict;
	q->asked++;
	q->right += right;
	snprintf(said, sizeof(said), right ? _("%s: right") : _("%s: wrong"), tr(lab_verdict(by_digit[digit - 1])));
	lab_put_labelled(out, _("You said"), said);
	lab_put_labelled(out, _("Measured"), c->answer);
	lab_show_verdict(out, c);
	out_line_end(out);
	out_flush(out);
}
