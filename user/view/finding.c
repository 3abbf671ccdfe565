// SPDX-License-Identifier: GPL-2.0-only
/*
 * Findings and the ledger for people, after the summary:
 *
 * ! 0.0.0.0:8080: 5 segments were refused because the accept queue was full ...
 *   Make server[1234] accept faster: ...
 *
 * ledger of namespace 4026531833
 *   ListenOverflows        kernel 8         counted 8
 *   ListenDrops            kernel 9         counted 8         DIFFERENT
 */
#include <string.h>

#include "view.h"

static void put_value(struct out *o, const struct finding_value *e)
{
	if (e->is_ns)
		out_ms(o, e->number);
	else
		out_u64(o, e->number);
}

static void put_who(struct out *o, const struct owner *who)
{
	if (!who) {
		out_str(o, "the program");
		return;
	}
	out_safe(o, who->comm, TCPTRACE_COMM_LEN);
	out_char(o, '[');
	out_u64(o, who->pid);
	out_char(o, ']');
}

/* {key} at p: fills it in and returns what stands behind it. */
static const char *put_key(struct out *o, const struct finding *f, const char *p)
{
	const char *end = strchr(p, '}');
	size_t n = end ? (size_t)(end - p - 1) : 0;

	if (!end)
		return p + strlen(p);
	if (n == 3 && !strncmp(p + 1, "who", n)) {
		put_who(o, f->who);
	} else if (n == 8 && !strncmp(p + 1, "listener", n)) {
		out_endpoint(o, f->listener->laddr, f->listener->lport);
	} else {
		for (const struct finding_value *e = f->value; e->key; e++)
			if (strlen(e->key) == n && !strncmp(p + 1, e->key, n))
				put_value(o, e);
	}
	return end + 1;
}

void finding_text(struct out *o, const struct finding *f, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "{");

		out_mem(o, text, n);
		text += n;
		if (*text)
			text = put_key(o, f, text);
	}
}

void finding_json(struct out *o, const struct finding *f, const char *text)
{
	struct out line;

	if (out_open(&line, -1))
		return;
	finding_text(&line, f, text);
	out_json(o, line.buf, line.len);
	line.len = 0;		/* a buffer only: there is nowhere to write it */
	out_close(&line);
}

void summary_finding(struct view *v, const struct finding *f)
{
	struct out *o = v->out;

	out_line_end(o);
	out_str(o, v->cfg.color ? "\033[1;31m!\033[0m " : "! ");
	finding_text(o, f, f->sentence);
	out_line_end(o);
	out_mem(o, "  ", 2);
	finding_text(o, f, f->advice);
	out_line_end(o);
}

void summary_ledger(struct view *v, uint32_t netns, const char *counter, uint64_t kernel, uint64_t counted)
{
	struct out *o = v->out;

	if (v->ledger_netns != netns) {
		v->ledger_netns = netns;
		out_line_end(o);
		out_str(o, "ledger of namespace ");
		out_u64(o, netns);
		out_line_end(o);
	}
	out_mem(o, "  ", 2);
	out_str_pad(o, counter, 22);
	out_str(o, " kernel ");
	out_u64_pad(o, kernel, 9);
	out_str(o, " counted ");
	out_u64_pad(o, counted, 9);
	if (kernel != counted)
		out_str(o, " DIFFERENT");
	out_line_end(o);
}
