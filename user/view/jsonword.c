// SPDX-License-Identifier: GPL-2.0-only
/*
 * JSON by the table of fields: a getter and a switch for each key, too slow for what every
 * event says, so it serves to make the words that are copied then, and for what is rare.
 */
#include <stdio.h>

#include "jsonword.h"

static char *put_quoted(char *p, const char *s)
{
	*p++ = '"';
	p = put_str(p, s);
	*p++ = '"';
	return p;
}

static char *put_value(char *p, const struct field *f, const struct value *val)
{
	switch (f->kind) {
	case FK_I64:
		return put_i64(p, val->i);
	case FK_NAME:
		return put_quoted(p, val->s);
	case FK_COMM:
		return put_json(p, val->s, TCPTRACE_COMM_LEN);
	case FK_TRUE:
		return put_mem(p, "true", 4);
	default:
		return put_u64(p, val->u);
	}
}

char *json_fields(const struct json_words *w, char *p, const struct model_event *ev, enum key_id first,
		  enum key_id last)
{
	struct value val;
	unsigned int i;

	for (i = first; i <= last; i++) {
		if (!fields[i].get(ev, &val))
			continue;
		p = put_word(p, key_of(w, i));
		p = put_value(p, &fields[i], &val);
	}
	return p;
}

static int make_keys(struct json_words *w)
{
	char text[64];
	unsigned int i;
	int err = 0;

	for (i = 0; i < JSON_KEYS && !err; i++) {
		snprintf(text, sizeof(text), ",\"%s\":", fields[COLUMN_COUNT + i].name);
		err = word_set(&w->key[i], text);
	}
	return err;
}

static int make_word(const struct json_words *w, struct word *word, const struct model_event *ev, enum key_id key)
{
	char text[128];

	*json_fields(w, text, ev, key, key) = 0;
	return word_set(word, text);
}

int json_words(struct json_words *w)
{
	const struct tcptrace_record rec = { 0 };
	struct model_event ev = { .rec = &rec };
	int err = make_keys(w);
	unsigned int i;

	for (i = 0; i <= TCPTRACE_EVENT_MAX && !err; i++) {
		ev.event = (uint8_t)i;
		err = make_word(w, &w->event[i], &ev, KEY_EVENT);
	}
	ev.event = TCPTRACE_STATE;
	for (i = 0; i <= TCP_S_MAX && !err; i++) {
		ev.old = ev.new = (uint8_t)i;
		err = make_word(w, &w->old[i], &ev, KEY_OLD);
		if (!err)
			err = make_word(w, &w->new[i], &ev, KEY_NEW);
	}
	for (i = 0; i <= TCPTRACE_CAUSE_END && !err; i++) {
		ev.cause = (uint8_t)i;
		err = make_word(w, &w->cause[i], &ev, KEY_CAUSE);
	}
	return err;
}
