/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a line has for programs, said once, in its order: members of an object of JSON, a line of CSV, or the header of
 * that. What is unknown is no member there and an empty field here; so each is said every time, with what is known of it.
 */
#ifndef TCPTRACE_MEMBERS_H
#define TCPTRACE_MEMBERS_H

#include "view.h"

enum members_form { MEMBERS_JSON, MEMBERS_CSV, MEMBERS_HEADER };

struct members {
	struct out *o;
	enum members_form form;
	bool any;			/* CSV: there is a column before */
	unsigned int depth;
	struct { const char *key; bool known; } within[3];
};

/* json: else CSV. */
void members_begin(struct members *t, struct out *o, bool json, const char *type);
void members_header(struct members *t, struct out *o);
void members_end(struct members *t);

/* Up to its out: what is in an object, whose key comes before those of its members in CSV (key NULL: in none). */
void member_into(struct members *t, const char *key, bool known);
void member_out(struct members *t);

void member_u64(struct members *t, const char *key, bool known, uint64_t n);
void member_i64(struct members *t, const char *key, bool known, int64_t n);
void member_bool(struct members *t, const char *key, bool known, bool yes);
void member_word(struct members *t, const char *key, const char *word);		/* of ours; NULL, "": unknown */
void member_name(struct members *t, const char *key, bool known, const char *name, size_t max);	/* from outside */
void member_addr(struct members *t, const char *key, bool known, const uint8_t *addr);
void member_time(struct members *t, const char *key, bool known, struct view_clock *clock, int64_t real_ns);
/* Words of the bits that are set: a list of JSON, or an object in which each is true; a space between two in CSV. */
void member_words(struct members *t, const char *key, uint64_t bits, const char *(*word)(unsigned int bit), bool list);
/* For others: what is written between them, if it is true. */
bool member_text(struct members *t, const char *key, bool known, size_t *from);
void member_text_end(struct members *t, size_t from);

/* ---- listenerkeys.c ---- */

void listener_host(struct members *t, const struct view *v);
void listener_name(struct members *t, const struct model *m, const struct listener *l);		/* which it is */
void listener_counts(struct members *t, const struct model *m, const struct listener *l);
void listener_all(struct members *t, const struct model *m, const struct listener *l);
extern const struct listener listener_none;		/* what a header is made with */

#endif
