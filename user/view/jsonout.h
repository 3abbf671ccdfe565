/* SPDX-License-Identifier: GPL-2.0-only */
/* JSON by hand: members of an object, each with the comma before it where one belongs. */
#ifndef TCPTRACE_JSONOUT_H
#define TCPTRACE_JSONOUT_H

#include "view.h"

/* Keys and strings of ours: nothing in them needs an escape. out_json() is for the others. */
static inline void json_key(struct out *o, const char *key)
{
	if (o->len && o->buf[o->len - 1] != '{')
		out_char(o, ',');
	out_char(o, '"');
	out_str(o, key);
	out_mem(o, "\":", 2);
}

static inline void json_u64(struct out *o, const char *key, uint64_t v)
{
	json_key(o, key);
	out_u64(o, v);
}

static inline void json_i64(struct out *o, const char *key, int64_t v)
{
	json_key(o, key);
	out_i64(o, v);
}

static inline void json_str(struct out *o, const char *key, const char *s)
{
	json_key(o, key);
	out_json(o, s, (size_t)-1);
}

static inline void json_bool(struct out *o, const char *key, bool v)
{
	json_key(o, key);
	out_str(o, v ? "true" : "false");
}

static inline void json_begin(struct out *o, const char *key)
{
	json_key(o, key);
	out_char(o, '{');
}

static inline void json_end(struct out *o)
{
	out_char(o, '}');
}

/* jsonsummary.c: the lines that are no events. */
void json_host(struct view *v);		/* a member, where there are several machines: v->host */
void json_lost(struct view *v, uint64_t count, const char *where);
void json_listener(struct view *v, const struct model *m, const struct listener *l);
void json_finding(struct view *v, const struct finding *f);
void json_ledger(struct view *v, uint32_t netns, const char *counter, uint64_t kernel, uint64_t counted);
void json_end_line(struct view *v, const struct view_end *end);

#endif
