// SPDX-License-Identifier: GPL-2.0-only
/* An experiment as one line of JSON. For programs: its sentences are English in every language. */
#include <string.h>

#include "../view/jsonout.h"
#include "run.h"

void lab_json_claim(struct out *out, const struct claim *c)
{
	char verdict[400];

	json_str(out, "text", c->text);
	strcpy(verdict, lab_verdict(c->verdict));
	if (c->why)
		strcat(strcat(verdict, ": "), c->why);
	json_str(out, "verdict", verdict);
	json_bool(out, "holds", c->holds);
	json_str(out, "answer", c->answer);
	json_begin(out, "evidence");
	for (unsigned int i = 0; i < c->nevidence; i++)
		json_i64(out, c->evidence[i].key, c->evidence[i].value);
	json_end(out);
}

void lab_show_json(struct out *out, const struct lab_run *r)
{
	out_char(out, '{');
	json_str(out, "type", "lab");
	json_str(out, "name", r->lab->name);
	json_str(out, "question", r->lab->question);
	json_key(out, "claims");
	out_char(out, '[');
	for (unsigned int i = 0; i < r->nclaims; i++) {
		if (i)
			out_char(out, ',');
		out_char(out, '{');
		lab_json_claim(out, &r->claims[i]);
		json_end(out);
	}
	out_char(out, ']');
	json_bool(out, "replay", r->replay);
	json_u64(out, "events", r->nevents);
	if (r->error[0])
		json_str(out, r->skipped ? "skipped" : "error", r->error);
	json_bool(out, "ok", r->ok || r->skipped);
	json_end(out);
	out_line_end(out);
}
