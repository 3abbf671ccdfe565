// SPDX-License-Identifier: GPL-2.0-only
/* The help screen and the menu of columns to sort by. */
#include "../../lib/tr.h"
#include "../../lib/wrap.h"
#include "top.h"

#define KEY_WIDTH	20u
#define TEXT_COLUMNS	80u

static const struct { const char *keys, *help; } keys[] = {
	{ "Up Down PgUp PgDn", N_("move; also k j, Home End g G") },
	{ "Left Right", N_("scroll the columns") },
	{ "Enter", N_("open the listener, its connection") },
	{ "Esc Backspace q", N_("back; on the first screen q ends") },
	{ "Q Ctrl-C F10", N_("end") },
	{ "Space Z", N_("freeze and go on (the capture goes on meanwhile); of a replay, pause") },
	{ "/ F4", N_("filter: words of address, process or PID that all must match; Esc clears it. In a ladder: search, n N") },
	{ "s F6 < >", N_("choose the column to sort by; the one before, the next one") },
	{ "I", N_("turn the order around") },
	{ "x", N_("only trouble") },
	{ "a", N_("hide idle listeners, show them again") },
	{ "+ -", N_("listeners that share an address one by one, or as one row") },
	{ "d", N_("another interval") },
	{ "0", N_("peaks begin anew") },
	{ "e F", N_("the ladder: with explanations; follow new steps") },
	{ "w", N_("addresses whole") },
	{ "S", N_("save the screen as text") },
	{ "R", N_("record from now on, and end that; a file of the time in its name, for -r") },
	{ "t T [ ]", N_("of a replay: to the next interval, back to the one before; half, double speed") },
};

static void put_entry(struct top *t, const char *name, const char *help)
{
	unsigned int columns = t->page.columns < TEXT_COLUMNS ? t->page.columns : TEXT_COLUMNS;
	struct out text;

	if (out_open(&text, -1))
		return;
	out_mem(&text, "  ", 2);
	out_str_pad(&text, name, KEY_WIDTH - 2);
	out_wrapped_from(&text, tr(help), KEY_WIDTH, KEY_WIDTH, columns);
	page_add(&t->doc, text.buf, text.len, 0);
	text.len = 0;
	out_close(&text);
}

void top_help_put(struct top *t)
{
	page_clear(&t->doc, t->page.columns);
	t->choices = 0;
	page_str(&t->doc, _("Keys"), LOOK_BOLD);
	for (unsigned int i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		put_entry(t, keys[i].keys, keys[i].help);
	page_str(&t->doc, "", LOOK_PLAIN);
	page_str(&t->doc, _("Columns"), LOOK_BOLD);
	for (enum top_column c = 0; c < TOP_COLUMN_MAX; c++)
		put_entry(t, top_columns[c].title, top_columns[c].help);
	page_str(&t->doc, "", LOOK_PLAIN);
	page_str(&t->doc, _("Marks"), LOOK_BOLD);
	put_entry(t, "!", N_("a queue is full, or somebody was refused in the interval"));
	put_entry(t, "~", N_("a queue is above 80 % of its limit"));
	put_entry(t, "-", N_("unknown: what it rests on is not seen"));
	put_entry(t, "12+", N_("at least so many: some of it is not seen"));
}

void top_sort_put(struct top *t)
{
	page_clear(&t->doc, t->page.columns);
	page_str(&t->doc, _("Sort by"), LOOK_BOLD);
	t->first_choice = t->doc.n;
	for (unsigned int c = 0; c <= TOP_COLUMN_MAX; c++) {
		struct out *o = page_line(&t->doc);

		out_mem(o, "  ", 2);
		out_str_pad(o, c == TOP_SORT_TROUBLE ? "trouble" : top_columns[c].title, KEY_WIDTH - 2);
		out_str(o, c == TOP_SORT_TROUBLE ? _("refused, then fuller queues, then longer waits") :
			tr(top_columns[c].help));
		page_line_end(&t->doc, LOOK_PLAIN, 0);
	}
	t->choices = TOP_COLUMN_MAX + 1;
}
