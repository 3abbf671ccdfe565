// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a lab is shown: question, what is done, the events that matter, then for
 * each claim what was measured and the verdict.
 *
 * == handshake: at which packet do connect() and accept() return?
 *
 *   Claim     connect() returns at the second packet of the handshake.
 *   Measured  The SYN-ACK was there after 4.1 ms and connect() returned after 4.2 ms, ...
 *   Verdict   confirmed
 */
#include <stdlib.h>
#include <string.h>

#include "../terminal.h"
#include "../view/jsonout.h"
#include "../view/view.h"
#include "run.h"

#define TEXT_COLUMNS	100u

static const char *const verdicts[] = {
	[CONFIRMED] = "confirmed", [REFUTED] = "refuted", [DEPENDS] = "depends",
};

/* Words of text, broken at the right edge; the lines after the first begin at column indent. */
static void put_wrapped(struct out *out, const char *text, unsigned int column, unsigned int indent)
{
	while (*text) {
		size_t n = strcspn(text, " ");

		if (column + 1 + n > TEXT_COLUMNS && column > indent) {
			out_line_end(out);
			out_spaces(out, indent);
			column = indent;
		} else if (column > indent) {
			out_char(out, ' ');
			column++;
		}
		out_mem(out, text, n);
		column += (unsigned int)n;
		text += n + (text[n] == ' ');
	}
	out_line_end(out);
}

static void put_labelled(struct out *out, const char *label, const char *text)
{
	out_mem(out, "  ", 2);
	out_str_pad(out, label, 10);
	put_wrapped(out, text, 12, 12);
}

static void paint(struct out *out, const char *code)
{
	if (terminal_color(out->fd))
		out_str(out, code);
}

static void put_claim(struct out *out, const struct claim *c)
{
	char verdict[300];

	put_labelled(out, "Claim", c->text);
	put_labelled(out, "Measured", c->answer);
	paint(out, !c->holds ? "\033[31m" : c->verdict == CONFIRMED ? "\033[32m" : "\033[33m");
	if (!c->holds)
		strcpy(verdict, "FAILED: the evidence is not what the text says");
	else if (c->verdict == DEPENDS)
		strcat(strcpy(verdict, "depends: "), c->why);
	else
		strcpy(verdict, verdicts[c->verdict]);
	put_labelled(out, "Verdict", verdict);
	paint(out, "\033[0m");
	out_line_end(out);
}

/* ---- the events, by a view, from the records once more ---- */

struct showing {
	const struct lab_run *r;
	struct view view;
};

static void show_event(void *ctx, const struct model_event *ev)
{
	struct showing *s = ctx;
	struct lab_event e = lab_event_of(ev);

	if (!s->r->lab->show || s->r->lab->show(s->r, &e))
		s->view.ops->event(&s->view, ev);
}

static void put_events(struct out *out, const struct lab_run *r)
{
	struct view_config cfg = {
		.time = VIEW_TIME_START, .color = terminal_color(out->fd), .utf8 = terminal_utf8(),
		.columns = terminal_columns(out->fd),
		.start_ns = r->nrecords ? r->records[0].t_ns : 0,
	};
	const struct view_ops *ops = r->lab->view ? view_by_name(r->lab->view) : &view_table;
	struct showing s = { .r = r };
	struct model *m;

	if (view_open(&s.view, ops, &cfg, out))
		return;
	m = model_new(NULL, show_event, &s);
	for (size_t i = 0; m && i < r->nrecords; i++)
		model_feed(m, &r->records[i]);
	if (ops->finish)
		ops->finish(&s.view);	/* what was not over when the stage ended */
	if (m)
		model_free(m);
	view_close(&s.view);
	out_line_end(out);
}

void lab_show_text(struct out *out, const struct lab_run *r)
{
	paint(out, "\033[1m");
	out_mem(out, "== ", 3);
	out_str(out, r->lab->name);
	out_char(out, ':');
	put_wrapped(out, r->lab->question, (unsigned int)strlen(r->lab->name) + 4, 3);
	paint(out, "\033[0m");
	put_wrapped(out, r->lab->setup, 0, 0);
	if (r->replay)
		put_wrapped(out, "A recording: replayed, not measured on this machine.", 0, 0);
	out_line_end(out);
	if (r->nrecords)
		put_events(out, r);
	for (unsigned int i = 0; i < r->nclaims; i++)
		put_claim(out, &r->claims[i]);
	if (!r->ok)
		put_labelled(out, "FAILED", r->error);
}

/* ---- JSON ---- */

static void json_claim(struct out *out, const struct claim *c)
{
	char verdict[300];

	out_char(out, '{');
	json_str(out, "text", c->text);
	strcpy(verdict, verdicts[c->verdict]);
	if (c->why)
		strcat(strcat(verdict, ": "), c->why);
	json_str(out, "verdict", verdict);
	json_bool(out, "holds", c->holds);
	json_str(out, "answer", c->answer);
	json_begin(out, "evidence");
	for (unsigned int i = 0; i < c->nevidence; i++)
		json_i64(out, c->evidence[i].key, c->evidence[i].value);
	json_end(out);
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
		json_claim(out, &r->claims[i]);
	}
	out_char(out, ']');
	json_bool(out, "replay", r->replay);
	json_u64(out, "events", r->nevents);
	if (r->error[0])
		json_str(out, "error", r->error);
	json_bool(out, "ok", r->ok);
	json_end(out);
	out_line_end(out);
}
