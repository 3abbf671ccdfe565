// SPDX-License-Identifier: GPL-2.0-only
/* The options whose values are words: for what takes them, for the sentence that refuses others, for completions. */
#include <stdio.h>
#include <string.h>

#include "lib/tr.h"
#include "model/life.h"
#include "options_take.h"
#include "run/views.h"

#define WORDS	7

static const char *event(unsigned int i)
{
	for (unsigned int e = 1; e < TCPTRACE_EVENT_MAX; e++) {
		/* notes of the capture side are none that a user could ask for */
		if (tcptrace_event_class(e) != TCPTRACE_NOTE && !i--)
			return tcptrace_event_name(e);
	}
	return NULL;
}

static const char *end(unsigned int i)
{
	return i < LIFE_ENDS_MAX ? life_end_word((enum life_end)i) : NULL;
}

static const char *mechanism(unsigned int i)
{
	return i == MECH_AUTO ? "auto" : i < MECH_MAX ? mechanism_name((enum mechanism)i) : NULL;
}

static const char *output(unsigned int i)
{
	const struct view_ops *view;

	for (unsigned int at = 0; (view = views_get(at)); at++) {
		if (view->help && !i--)
			return view->name;
	}
	return NULL;
}

_Static_assert(VIEW_LABELS_ALL == (1 << WORDS) - 1, "a word for each label");

static const struct words {
	int key;
	bool list;				/* several, a comma between two */
	const char *(*get)(unsigned int i);	/* from a table elsewhere; NULL: */
	const char *word[WORDS];
} table[] = {
	{ 'e', true, event },
	{ OPT_END, true, end },
	{ OPT_MECHANISM, false, mechanism },
	{ OPT_OUT, false, output },
	{ OPT_SOURCE, .word = { "auto", "bpf", "kmod" } },
	{ OPT_LANG, .word = { "en", "zh" } },
	{ OPT_COLOR, .word = { "always", "never", "auto" } },
	{ OPT_FAIL_ON, true, .word = { "refused", "overflow", "lost" } },			/* FAIL_ON_* */
	{ OPT_SORT, .word = { "in", "out", "life", "rtt", "retr", "wait", "end" } },		/* enum conns_sort, from 1 on */
	{ OPT_LABELS, true, .word = { "address", "port", "comm", "unit", "namespace", "pod", "container" } },	/* VIEW_LABEL_* */
	{ OPT_HISTOGRAMS, .word = { "none", "accept", "both" } },				/* enum view_histograms */
};

static const struct words *words_of(int key)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i].key == key)
			return &table[i];
	}
	return NULL;
}

const char *option_word(int key, unsigned int i)
{
	const struct words *w = words_of(key);

	if (w && w->get)
		return w->get(i);
	return w && i < WORDS ? w->word[i] : NULL;
}

bool option_takes_list(int key)
{
	const struct words *w = words_of(key);

	return w && w->list;
}

int option_word_index(int key, const char *s)
{
	const char *word;

	for (unsigned int i = 0; (word = option_word(key, i)); i++) {
		if (!strcmp(word, s))
			return (int)i;
	}
	return -1;
}

void option_words(int key, const char *between, char *text, size_t size)
{
	const char *word;
	size_t n = 0;

	text[0] = 0;
	for (unsigned int i = 0; n < size && (word = option_word(key, i)); i++)
		n += (size_t)snprintf(text + n, size - n, "%s%s", i ? between : "", word);
}

int options_refuse_word(struct options *o, int key, const char *s)
{
	const struct option_row *row = option_rows;
	char all[256];

	while (row->option.key != key)
		row++;
	option_words(key, _(", "), all, sizeof(all));
	return options_refuse(o, _("--%s '%.32s': there are %s"), row->option.name, s, all);
}

int options_take_bit(struct options *o, int key, const char *s, unsigned int *bits)
{
	int which = option_word_index(key, s);

	if (which < 0)
		return options_refuse_word(o, key, s);
	*bits |= 1u << which;
	return 0;
}
