// SPDX-License-Identifier: GPL-2.0-only
/*
 * page.html with its sections filled in: {=text} is translated, {#name} is a section.
 * Nothing on the page asks the network for anything, and its own policy forbids it to.
 */
#include <string.h>

#include "../../lib/embed.h"
#include "page.h"
#include "page_hash.h"			/* made by the Makefile */
#include "report.h"

EMBED(page_html, "user/view/report/page.html");
EMBED(page_css, "user/view/report/page.css");
EMBED(page_js, "user/view/report/page.js");

static void put_policy(struct view *v, const struct view_end *end)
{
	(void)end;
	out_str(v->out, "default-src 'none'; script-src 'sha256-" PAGE_JS_HASH "'; style-src 'sha256-" PAGE_CSS_HASH
		"'; img-src data:; base-uri 'none'; form-action 'none'");
}

/* The catalogue itself says which language it is: its translation of "en". */
static void put_language(struct view *v, const struct view_end *end)
{
	(void)end;
	html_text(v->out, N_("en"));
}

static void put_title(struct view *v, const struct view_end *end)
{
	(void)end;
	report_title(v);
}

static void put_css(struct view *v, const struct view_end *end)
{
	(void)end;
	out_str(v->out, page_css);
}

static void put_js(struct view *v, const struct view_end *end)
{
	(void)end;
	out_str(v->out, page_js);
}

static void put_lesson(struct view *v, const struct view_end *end)
{
	(void)end;
	report_lesson(v);
}

static void put_verdict(struct view *v, const struct view_end *end)
{
	(void)end;
	report_verdict(v);
}

static void put_cards(struct view *v, const struct view_end *end)
{
	(void)end;
	report_cards(v);
}

static void put_conns(struct view *v, const struct view_end *end)
{
	(void)end;
	report_conns(v);
}

static const struct {
	const char *name;
	void (*put)(struct view *v, const struct view_end *end);
} sections[] = {
	{ "language", put_language }, { "policy", put_policy }, { "title", put_title }, { "css", put_css },
	{ "head", report_head }, { "lesson", put_lesson }, { "verdict", put_verdict }, { "listeners", put_cards },
	{ "conns", put_conns },
	{ "method", report_method }, { "data", report_data }, { "js", put_js },
};

static void put_section(struct view *v, const struct view_end *end, const char *name, size_t n)
{
	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++) {
		if (strlen(sections[i].name) == n && !strncmp(sections[i].name, name, n))
			sections[i].put(v, end);
	}
}

static void put_msgid(struct out *o, const char *text, size_t n)
{
	char msgid[1024];

	if (n >= sizeof(msgid))
		n = sizeof(msgid) - 1;
	memcpy(msgid, text, n);
	msgid[n] = 0;
	html_text(o, msgid);
}

void report_page(struct view *v, const struct view_end *end)
{
	const char *at = page_html, *brace, *close;

	while ((brace = strpbrk(at, "{")) && (close = strchr(brace, '}'))) {
		out_mem(v->out, at, (size_t)(brace - at));
		if (brace[1] == '#')
			put_section(v, end, brace + 2, (size_t)(close - brace - 2));
		else
			put_msgid(v->out, brace + 2, (size_t)(close - brace - 2));
		at = close + 1;
	}
	out_str(v->out, at);
}
