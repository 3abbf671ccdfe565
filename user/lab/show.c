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
#include <stdio.h>
#include <string.h>

#include "../lib/tr.h"
#include "../lib/wrap.h"
#include "../terminal.h"
#include "picture.h"
#include "run.h"

#define LABEL_WIDTH	10u

const char *lab_verdict(enum verdict v)
{
	static const char *const verdicts[] = {
		[CONFIRMED] = N_("confirmed"), [REFUTED] = N_("refuted"), [DEPENDS] = N_("depends"),
	};

	return verdicts[v];
}

/* 80 where nobody says: a page, a projector. Wider than 100 is hard to read. */
unsigned int lab_columns(const struct out *out)
{
	unsigned int columns = terminal_columns(out->fd);

	return !columns ? 80 : columns < 60 ? 60 : columns > 100 ? 100 : columns;
}

void lab_put_labelled(struct out *out, const char *label, const char *text)
{
	unsigned int n = text_columns(label);

	out_mem(out, "  ", 2);
	out_str(out, label);
	out_spaces(out, n < LABEL_WIDTH ? LABEL_WIDTH - n : 1);
	out_wrapped_from(out, text, 2 + (n < LABEL_WIDTH ? LABEL_WIDTH : n + 1), 2 + LABEL_WIDTH, lab_columns(out));
}

static void paint(struct out *out, const char *code)
{
	if (terminal_color(out->fd))
		out_str(out, code);
}

void lab_show_verdict(struct out *out, const struct claim *c)
{
	char verdict[400];

	if (!c->holds)
		snprintf(verdict, sizeof(verdict), "%s", _("FAILED: the evidence is not what the text says"));
	else if (c->why)
		snprintf(verdict, sizeof(verdict), _("%s: %s"), tr(lab_verdict(c->verdict)), tr(c->why));
	else
		snprintf(verdict, sizeof(verdict), "%s", tr(lab_verdict(c->verdict)));
	/* neither yellow nor dim: a projector shows neither */
	paint(out, !c->holds ? "\033[31m" : c->verdict == CONFIRMED ? "\033[32m" : c->verdict == REFUTED ? "\033[35m" :
	      "\033[34m");
	lab_put_labelled(out, _("Verdict"), verdict);
	paint(out, "\033[0m");
}

static void put_claim(struct out *out, const struct claim *c)
{
	lab_put_labelled(out, _("Claim"), tr(c->text));
	lab_put_labelled(out, _("Measured"), c->answer);
	lab_show_verdict(out, c);
	out_line_end(out);
}

/* What is asked, and done. */
static void show_head(struct out *out, const struct lab_run *r)
{
	unsigned int columns = lab_columns(out);
	char title[64], text[1024];

	snprintf(title, sizeof(title), "== %s: ", r->lab->name);
	paint(out, "\033[1m");
	out_str(out, title);
	out_wrapped_from(out, tr(r->lab->question), text_columns(title), 3, columns);
	paint(out, "\033[0m");
	snprintf(text, sizeof(text), r->lab->shown ? _("%s %s") : "%s", tr(r->lab->setup), tr(r->lab->shown));
	out_wrapped(out, text, 0, columns);
	if (r->replay)
		out_wrapped(out, _("A recording: replayed, not measured on this machine."), 0, columns);
	if (!r->lab->ladder)		/* whose title begins with one */
		out_line_end(out);
}

void lab_show_picture(struct out *out, struct lab_run *r)
{
	struct picture p;

	if (!r->nrecords)
		return;
	if (!picture_draw(&p, r, lab_columns(out), terminal_color(out->fd))) {
		out_mem(out, p.text, p.len);
		out_line_end(out);
		if (r->lab->io && (lab_blind(r, "data_written___io_") || lab_blind(r, "data_read___io_"))) {
			out_wrapped(out, _("write() and read() are not in the picture: no hook sees them here, see tcptrace doctor."),
				    0, lab_columns(out));
			out_line_end(out);
		}
	}
	picture_free(&p);
}

void lab_show_text(struct out *out, struct lab_run *r)
{
	show_head(out, r);
	lab_show_picture(out, r);
	for (unsigned int i = 0; i < r->nclaims; i++)
		put_claim(out, &r->claims[i]);
	if (!r->ok)
		lab_put_labelled(out, r->skipped ? _("SKIPPED") : _("FAILED"), r->error);
}
