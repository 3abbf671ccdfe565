// SPDX-License-Identifier: GPL-2.0-only
/* An experiment: its question, what was done, and for each claim what was measured. */
#include "report.h"

static void put_paragraph(struct out *o, const char *class, const char *msgid)
{
	out_str(o, "<p class=\"");
	out_str(o, class);
	out_str(o, "\">");
	html_text(o, msgid);
	out_str(o, "</p>\n");
}

static void put_labelled(struct out *o, const char *label, const char *text)
{
	out_str(o, "<dt>");
	html_text(o, label);
	out_str(o, "</dt><dd>");
	html_text(o, text);
}

static void put_claim(struct out *o, const struct view_claim *c)
{
	out_str(o, c->holds ? "<dl class=\"claim\">" : "<dl class=\"claim failed\">");
	put_labelled(o, N_("Claim"), c->text);
	out_str(o, "</dd>");
	put_labelled(o, N_("Measured"), c->answer);
	out_str(o, "</dd>");
	put_labelled(o, N_("Verdict"), c->holds ? c->verdict : N_("FAILED: the evidence is not what the text says"));
	if (c->holds && c->why) {
		html_text(o, N_(": "));
		html_text(o, c->why);
	}
	out_str(o, "</dd></dl>\n");
}

void report_lesson(struct view *v)
{
	const struct view_lesson *lesson = v->cfg.lesson;
	struct out *o = v->out;

	if (!lesson)
		return;
	out_str(o, "<section id=\"lesson\"><h2>");
	html_text(o, lesson->question);
	out_str(o, "</h2>\n");
	put_paragraph(o, "setup", lesson->setup);
	if (lesson->replay)
		put_paragraph(o, "setup", N_("A recording: replayed, not measured on this machine."));
	for (unsigned int i = 0; i < lesson->nclaims; i++)
		put_claim(o, &lesson->claims[i]);
	out_str(o, "</section>\n");
}
