// SPDX-License-Identifier: GPL-2.0-only
#include "jsonout.h"
#include "members.h"

void members_begin(struct members *t, struct out *o, bool json, const char *type)
{
	*t = (struct members){ .o = o, .form = json ? MEMBERS_JSON : MEMBERS_CSV };
	out_make_room(o, OUT_LINE_MAX);
	if (!json)
		return;
	out_char(o, '{');
	json_str(o, "type", type);
}

void members_header(struct members *t, struct out *o)
{
	members_begin(t, o, false, NULL);
	t->form = MEMBERS_HEADER;
}

void members_end(struct members *t)
{
	if (t->form == MEMBERS_JSON)
		out_char(t->o, '}');
	out_line_end(t->o);
}

static bool known_within(const struct members *t)
{
	return !t->depth || t->within[t->depth - 1].known;
}

void member_into(struct members *t, const char *key, bool known)
{
	known &= known_within(t);
	if (t->form == MEMBERS_JSON && known && key)
		json_begin(t->o, key);
	t->within[t->depth].key = key;
	t->within[t->depth++].known = known;
}

void member_out(struct members *t)
{
	t->depth--;
	if (t->form == MEMBERS_JSON && t->within[t->depth].known && t->within[t->depth].key)
		json_end(t->o);
}

/* false: nothing comes */
static bool begin(struct members *t, const char *key, bool known)
{
	known &= known_within(t);
	if (t->form == MEMBERS_JSON) {
		if (known)
			json_key(t->o, key);
		return known;
	}
	if (t->any)
		out_char(t->o, ',');
	t->any = true;
	if (t->form == MEMBERS_CSV)
		return known;
	for (unsigned int i = 0; i < t->depth; i++) {
		if (!t->within[i].key)
			continue;
		out_str(t->o, t->within[i].key);
		out_char(t->o, '.');
	}
	out_str(t->o, key);
	return false;
}

void member_u64(struct members *t, const char *key, bool known, uint64_t n)
{
	if (begin(t, key, known))
		out_u64(t->o, n);
}

void member_i64(struct members *t, const char *key, bool known, int64_t n)
{
	if (begin(t, key, known))
		out_i64(t->o, n);
}

void member_bool(struct members *t, const char *key, bool known, bool yes)
{
	if (begin(t, key, known))
		out_str(t->o, yes ? "true" : "false");
}

bool member_text(struct members *t, const char *key, bool known, size_t *from)
{
	if (!begin(t, key, known))
		return false;
	if (t->form == MEMBERS_JSON)
		out_char(t->o, '"');
	*from = t->o->len;
	return true;
}

/* RFC 4180: a field with a comma, a quote or a line end stands in quotes, quotes in it doubled. Names are escaped. */
static void put_quoted(struct out *o, size_t from)
{
	char field[4 * PUT_SAFE_MAX];
	size_t n = o->len - from;

	if (n > sizeof(field) || (!memchr(o->buf + from, ',', n) && !memchr(o->buf + from, '"', n)))
		return;
	memcpy(field, o->buf + from, n);
	o->len = from;
	out_char(o, '"');
	for (size_t i = 0; i < n; i++) {
		if (field[i] == '"')
			out_char(o, '"');
		out_char(o, field[i]);
	}
	out_char(o, '"');
}

void member_text_end(struct members *t, size_t from)
{
	if (t->form == MEMBERS_JSON)
		out_char(t->o, '"');
	else
		put_quoted(t->o, from);
}

void member_word(struct members *t, const char *key, const char *word)
{
	size_t from;

	if (!member_text(t, key, word && *word, &from))
		return;
	out_str(t->o, word);
	member_text_end(t, from);
}

void member_name(struct members *t, const char *key, bool known, const char *name, size_t max)
{
	size_t from = 0;

	if (!begin(t, key, known))
		return;
	from = t->o->len;
	if (t->form == MEMBERS_JSON) {
		out_json(t->o, name, max);
		return;
	}
	out_safe(t->o, name, max);
	put_quoted(t->o, from);
}

void member_addr(struct members *t, const char *key, bool known, const uint8_t *addr)
{
	size_t from;

	if (!member_text(t, key, known, &from))
		return;
	out_addr(t->o, addr);
	member_text_end(t, from);
}

void member_time(struct members *t, const char *key, bool known, struct view_clock *clock, int64_t real_ns)
{
	size_t from;

	if (!member_text(t, key, known, &from))
		return;
	out_make_room(t->o, 64 + PUT_SLACK);
	out_take(t->o, view_rfc3339(clock, out_at(t->o), real_ns));
	member_text_end(t, from);
}

void member_words(struct members *t, const char *key, uint64_t bits, const char *(*word)(unsigned int bit), bool list)
{
	bool json = t->form == MEMBERS_JSON;
	const char *quote = json ? "\"" : "", *between = "";

	if (!begin(t, key, bits))
		return;
	out_str(t->o, !json ? "" : list ? "[" : "{");
	for (unsigned int i = 0; i < 64; i++) {
		if (!(bits >> i & 1))
			continue;
		out_str(t->o, between);
		out_str(t->o, quote);
		out_str(t->o, word(i));
		out_str(t->o, quote);
		out_str(t->o, json && !list ? ":true" : "");
		between = json ? "," : " ";
	}
	out_str(t->o, !json ? "" : list ? "]" : "}");
}
