// SPDX-License-Identifier: GPL-2.0-only
/*
 * Findings and the ledger for people, beside the summary:
 *
 * ! 0.0.0.0:8080: no accept() by node[4242] for 2.6 s from 10:23:45.120 on, while
 *   129 connections waited: it was busy with something else (state R).
 *   300 clients refused: 290 came in after 1 s, 10 after 3 s, 0 never.
 *   Seen: 312 segments refused, accept queue up to 129 (limit 128).
 *   Take what blocks out of the loop that accepts: ...
 *
 * ledger of namespace 4026531833
 *   ListenOverflows        kernel 8         counted 8
 *   ListenDrops            kernel 9         counted 8         DIFFERENT
 */
#include <string.h>

#include "../lib/tr.h"
#include "../lib/wrap.h"
#include "hosts.h"
#include "summary.h"

#define COLUMNS		80		/* where the width is not known */
#define FINDINGS	12		/* that are written; the costliest come first */

/* "0.21 ms", "340 ms", "2.6 s", "4 min 10 s": what a person would say. */
static void put_span(struct out *o, uint64_t ns)
{
	uint64_t us = ns / 1000, ms = ns / 1000000, s = ms / 1000;

	if (ms < 10) {
		out_u64(o, ms);
		out_char(o, '.');
		out_digits(o, us / 10 % 100, 2);
		out_str(o, " ms");
	} else if (ms < 1000) {
		out_u64(o, ms);
		out_str(o, " ms");
	} else if (s < 120) {
		out_u64(o, s);
		out_char(o, '.');
		out_u64(o, ms / 100 % 10);
		out_str(o, " s");
	} else {
		out_u64(o, s / 60);
		out_str(o, " min ");
		out_u64(o, s % 60);
		out_str(o, " s");
	}
}

static void put_state(struct out *o, char state)
{
	out_char(o, state > ' ' && state < 127 ? state : '?');
}

static void put_errno(struct out *o, int err)
{
	const char *name = errno_name(err);

	if (name) {
		out_str(o, name);
	} else {
		out_str(o, "errno ");
		out_i64(o, err);
	}
}

/* How a finding is written. */
struct writing {
	const struct view *v;
	struct out *o;
	const struct finding *f;
	const struct finding_names *names;
	bool english;			/* JSON is the same in all languages */
};

static const char *words_of(const struct writing *w, const char *text)
{
	return w->english ? text : tr(text);
}

static void put_endpoint_of(const struct writing *w, const uint8_t addr[16], uint16_t port)
{
	char text[PUT_ENDPOINT_MAX], *end;

	if (!w->names) {
		out_endpoint(w->o, addr, port);
		return;
	}
	end = w->names->endpoint(w->names->ctx, text, addr, port);
	out_mem(w->o, text, (size_t)(end - text));
}

/* In brackets where a port follows. */
static void put_address(const struct writing *w, const uint8_t addr[16], bool port)
{
	char text[PUT_ENDPOINT_MAX], *end = w->names ? w->names->addr(w->names->ctx, text, addr) : put_addr(text, addr);
	bool brackets = port && memchr(text, ':', (size_t)(end - text));

	out_mem(w->o, "[", brackets);
	out_mem(w->o, text, (size_t)(end - text));
	out_mem(w->o, "]", brackets);
}

/* Words, not a sign, as it is a sentence; between Chinese characters there is no space. */
static void put_least(const struct writing *w)
{
	const char *text = words_of(w, N_("at least "));
	struct out *o = w->o;

	if (*text & 0x80 && o->len > 1 && o->buf[o->len - 1] == ' ' && o->buf[o->len - 2] & 0x80)
		o->len--;
	out_str(o, text);
}

static void put_value(const struct writing *w, const struct finding_value *e, bool port)
{
	if (e->least)
		put_least(w);
	switch (e->unit) {
	case FINDING_NUMBER: out_u64(w->o, e->number); break;
	case FINDING_SPAN: put_span(w->o, e->number); break;
	case FINDING_MOMENT: view_moment(w->v, w->o, e->number); break;
	case FINDING_ERRNO: put_errno(w->o, (int)e->number); break;
	case FINDING_STATE: put_state(w->o, (char)e->number); break;
	case FINDING_ADDRESS: put_address(w, e->addr, port); break;
	case FINDING_WORDS: out_str(w->o, words_of(w, e->words)); break;
	}
}

static void put_who(const struct writing *w)
{
	const struct owner *who = &w->f->who;

	if (owner_known(who))
		view_who(w->o, who);
	else
		out_str(w->o, words_of(w, N_("the program")));
}

/* As it is called now; its name may say whose it is. */
static void put_netns(const struct writing *w)
{
	const char *name = w->v->cfg.netns_name && !w->names ? w->v->cfg.netns_name(w->f->netns, UINT64_MAX, UINT64_MAX) : NULL;

	if (name)
		out_safe(w->o, name, strlen(name));
	else
		out_u64(w->o, w->f->netns);
}

/* "key" or "key:noun", n bytes at p; then comes what follows the bracket */
static void put_key(const struct writing *w, const char *p, size_t n)
{
	const struct finding_value *e = w->f->value;
	size_t key = strcspn(p, ":}");

	if (key == 3 && !strncmp(p, "who", key)) {
		put_who(w);
		return;
	}
	if (key == 8 && !strncmp(p, "listener", key)) {
		put_endpoint_of(w, w->f->listener->laddr, w->f->listener->lport);
		return;
	}
	if (key == 5 && !strncmp(p, "netns", key)) {
		put_netns(w);
		return;
	}
	while (e->key && (strlen(e->key) != key || strncmp(p, e->key, key)))
		e++;
	if (!e->key)
		return;
	put_value(w, e, p[n] && p[n + 1] == ':');
	if (key == n)
		return;
	out_char(w->o, ' ');
	out_mem(w->o, p + key + 1, n - key - 1);
	if (e->number != 1)
		out_char(w->o, 's');
}

static void put_text(const struct writing *w, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "{");

		out_mem(w->o, text, n);
		text += n;
		if (!*text)
			break;
		n = strcspn(text, "}");
		put_key(w, text + 1, n - 1);
		text += n + (text[n] == '}');
	}
}

static void put_pieces(const struct writing *w, enum finding_part part)
{
	for (unsigned int i = 0; i < FINDING_PARTS && w->f->said[i].text; i++)
		if (w->f->said[i].part == part)
			put_text(w, words_of(w, w->f->said[i].text));
}

void finding_text(const struct view *v, struct out *o, const struct finding *f, enum finding_part part,
		  const struct finding_names *names)
{
	put_pieces(&(struct writing){ v, o, f, names, false }, part);
}

void finding_json(const struct view *v, struct out *o, const struct finding *f, enum finding_part part)
{
	struct out line;

	if (out_open(&line, -1))
		return;
	put_pieces(&(struct writing){ v, &line, f, NULL, true }, part);
	out_json(o, line.buf, line.len);
	line.len = 0;		/* a buffer only: there is nowhere to write it */
	out_close(&line);
}

/* One part as a paragraph. */
static void put_part(const struct view *v, const struct finding *f, enum finding_part part)
{
	const char *mark = v->cfg.color ? "\033[1;31m!\033[0m " : "! ";
	unsigned int columns = v->cfg.columns ? v->cfg.columns : COLUMNS;
	struct out text;

	if (out_open(&text, -1))
		return;
	text.ascii = v->out->ascii;
	finding_text(v, &text, f, part, NULL);
	if (text.len) {
		out_char(&text, 0);
		out_str(v->out, part == FINDING_CAUSE ? mark : "  ");
		out_wrapped_from(v->out, text.buf, 2, 2, columns);
	}
	text.len = 0;
	out_close(&text);
}

void summary_finding(struct view *v, const struct finding *f)
{
	if (v->findings++ >= FINDINGS)
		return;
	out_line_end(v->out);
	if (v->cfg.hosts) {
		out_safe(v->out, host_word(v->cfg.hosts, v->host), 255);
		out_line_end(v->out);
	}
	for (unsigned int part = FINDING_CAUSE; part < FINDING_PART_MAX; part++)
		put_part(v, f, part);
}

void summary_findings_left(struct view *v)
{
	if (v->findings <= FINDINGS)
		return;
	out_line_end(v->out);
	summary_with(v->out, N_("! findings left out here, but not in -j: {1}"), v->findings - FINDINGS);
	out_line_end(v->out);
}

void summary_ledger(struct view *v, uint32_t netns, const char *counter, uint64_t kernel, uint64_t counted)
{
	struct out *o = v->out;
	const char *name;

	if (v->ledger_netns != netns) {
		v->ledger_netns = netns;
		out_line_end(o);
		out_str(o, _("ledger of namespace"));
		out_char(o, ' ');
		out_u64(o, netns);
		name = v->cfg.netns_name ? v->cfg.netns_name(netns, UINT64_MAX, UINT64_MAX) : NULL;
		if (name) {
			out_str(o, " (");
			out_safe(o, name, 31);
			out_char(o, ')');
		}
		out_line_end(o);
	}
	out_mem(o, "  ", 2);
	out_str_pad(o, counter, 22);
	out_char(o, ' ');
	out_str(o, _("kernel"));
	out_char(o, ' ');
	out_u64_pad(o, kernel, 9);
	out_char(o, ' ');
	out_str(o, _("counted"));
	out_char(o, ' ');
	out_u64_pad(o, counted, 9);
	if (kernel != counted)
		out_str(o, _(" DIFFERENT"));
	out_line_end(o);
}
