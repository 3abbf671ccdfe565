/* SPDX-License-Identifier: GPL-2.0-only */
/* The words of a JSON event, once for all, and its rarer keys by the table of fields. */
#ifndef TCPTRACE_JSONWORD_H
#define TCPTRACE_JSONWORD_H

#include "field.h"
#include "word.h"

#define JSON_KEYS	(FIELD_COUNT - COLUMN_COUNT)

struct json_words {
	struct word key[JSON_KEYS];	/* ,"name": */
	/* These keys with each word they can have; the last: any other. */
	struct word event[TCPTRACE_EVENT_MAX + 1], old[TCP_S_MAX + 1], new[TCP_S_MAX + 1];
	struct word cause[TCPTRACE_CAUSE_END + 1];
};

int json_words(struct json_words *w);		/* makes them: 0, or -EINVAL: one is too long */
/* The keys from first to last, those that are known; none of them FK_DIRECT. */
char *json_fields(const struct json_words *w, char *p, const struct model_event *ev, enum key_id first,
		  enum key_id last);

static inline const struct word *key_of(const struct json_words *w, enum key_id key)
{
	return &w->key[key - COLUMN_COUNT];
}

static inline char *put_number(const struct json_words *w, char *p, enum key_id key, uint64_t v)
{
	return put_u64(put_word(p, key_of(w, key)), v);
}

#endif
