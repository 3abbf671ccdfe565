// SPDX-License-Identifier: GPL-2.0-only
/* What all sections write the same way: numbers, durations, who, and sentences of ours in the chosen language. */
#include <stdio.h>

#include "report.h"

void html_text(struct out *o, const char *msgid)
{
	const char *text = tr(msgid);

	out_markup(o, text, strlen(text));
}

/* 12,345 */
void html_number(struct out *o, uint64_t n)
{
	if (n >= 1000) {
		html_number(o, n / 1000);
		out_char(o, ',');
		out_digits(o, n % 1000, 3);
	} else {
		out_u64(o, n);
	}
}

void html_with(struct out *o, const char *msgid, const uint64_t *numbers)
{
	const char *text = tr(msgid), *brace;

	while ((brace = strchr(text, '{')) && brace[1] >= '1' && brace[1] <= '9' && brace[2] == '}') {
		out_markup(o, text, (size_t)(brace - text));
		html_number(o, numbers[brace[1] - '1']);
		text = brace + 3;
	}
	out_markup(o, text, strlen(text));
}

static uint64_t since(const struct report *r, uint64_t t_ns)
{
	return t_ns > r->from_ns ? t_ns - r->from_ns : 0;
}

void html_since(struct out *o, const struct report *r, uint64_t t_ns)
{
	out_u64(o, since(r, t_ns) / 1000);
}

/* 12.345678: seconds since the first event */
void html_seconds(struct out *o, const struct report *r, uint64_t t_ns)
{
	uint64_t us = since(r, t_ns) / 1000;

	out_u64(o, us / 1000000);
	out_char(o, '.');
	out_digits(o, us % 1000000, 6);
}

/* Three digits and a unit. */
void html_duration(struct out *o, uint64_t ns)
{
	static const struct { uint64_t ns; const char *unit; } units[] = {
		{ 1000000000, "s" }, { 1000000, "ms" }, { 1000, "\u00b5s" }, { 1, "ns" },
	};
	unsigned int i = 0;
	char text[48];
	double value;

	if (ns == UNKNOWN) {
		out_char(o, '-');
		return;
	}
	if (!ns) {
		out_str(o, "0\u00a0s");
		return;
	}
	while (i < 3 && ns < units[i].ns)
		i++;
	value = (double)ns / (double)units[i].ns;
	snprintf(text, sizeof(text), "%.*f\u00a0%s", i == 3 || value >= 100 ? 0 : value >= 10 ? 1 : 2, value, units[i].unit);
	out_str(o, text);
}

void html_who(struct out *o, const struct owner *w)
{
	if (!owner_known(w)) {
		out_char(o, '-');
		return;
	}
	out_html(o, w->comm, TCPTRACE_COMM_LEN);
	if (!w->pid)
		return;
	out_char(o, '[');
	out_u64(o, w->pid);
	out_char(o, ']');
}

void script_who(struct out *o, const struct owner *w)
{
	char text[TCPTRACE_COMM_LEN * 4 + PUT_NUMBER_MAX + PUT_SLACK], *p = text;
	unsigned int columns = TCPTRACE_COMM_LEN * 4;

	if (w && owner_known(w))
		p = put_safe_cut(p, w->comm, TCPTRACE_COMM_LEN, false, &columns);
	if (w && w->pid) {
		*p++ = '[';
		p = put_u64(p, w->pid);
		*p++ = ']';
	}
	*p = 0;
	out_script_string(o, text, sizeof(text));
}

void html_end(struct out *o, struct names *n, const uint8_t addr[16], uint16_t port)
{
	out_make_room(o, PUT_ENDPOINT_MAX);
	out_take(o, names_endpoint(n, out_at(o), addr, port));
}
