// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is said of several clocks. The bound always, and never how long one way took: that no stamp of ours can tell from
 * the other one.
 */
#include <string.h>

#include "../lib/tr.h"
#include "../lib/wrap.h"
#include "hosts.h"
#include "jsonout.h"
#include "pair.h"

#define INDENT		8u
#define MS		1000000u

/* ---- pieces of a sentence ---- */

/* "db3 (server.tcp)" or "server.tcp" */
static void put_name(struct out *o, const struct view_host *h)
{
	if (h->name[0]) {
		out_safe(o, h->name, 64);
		out_mem(o, " (", 2);
	}
	out_safe(o, h->file, 255);
	if (h->name[0])
		out_char(o, ')');
}

/* The name alone where no other machine has it. */
const char *host_word(const struct view_hosts *hosts, unsigned int host)
{
	const struct view_host *h = &hosts->all[host];

	for (unsigned int i = 0; i < hosts->n; i++) {
		if (i != host && !strcmp(hosts->all[i].name, h->name))
			return h->file;
	}
	return h->name[0] ? h->name : h->file;
}

static uint64_t size_of(int64_t ns)
{
	return ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
}

/* Rounded up: it is a bound. */
void host_span(struct out *o, uint64_t ns)
{
	uint64_t us = ns / 1000 + (ns % 1000 != 0), tenths = us / 100 + (us % 100 != 0);

	if (us >= 1000) {
		out_u64(o, tenths / 10);
		out_char(o, '.');
		out_digits(o, tenths, 1);
		out_str(o, " ms");
	} else {
		out_u64(o, us);
		out_str(o, " us");
	}
}

/* 3.700012 s, 3.500 ms, 50 us */
static void put_offset(struct out *o, uint64_t ns)
{
	uint64_t us = (ns + 500) / 1000;
	bool ms = us < 1000000;

	if (us < 1000) {
		out_u64(o, us);
		out_str(o, " us");
		return;
	}
	out_u64(o, us / (ms ? 1000 : 1000000));
	out_char(o, '.');
	out_digits(o, us, ms ? 3 : 6);
	out_str(o, ms ? " ms" : " s");
}

static void put_tenths(struct out *o, double x)
{
	int64_t tenths = (int64_t)(x * 10 + (x < 0 ? -0.5 : 0.5));

	if (tenths < 0)
		out_char(o, '-');
	out_u64(o, size_of(tenths) / 10);
	out_char(o, '.');
	out_digits(o, size_of(tenths), 1);
}

struct piece {
	enum { HOST, OFFSET, SPAN, NUMBER, PPM } kind;
	union {
		const struct view_host *host;
		uint64_t n;
		double ppb;
	};
};

/* {1} to {4} stand for the pieces. */
static void put_text(struct out *o, const char *text, const struct piece *pieces)
{
	for (const char *s = text; *s; s++) {
		const struct piece *p;

		if (*s != '{') {
			out_char(o, *s);
			continue;
		}
		p = pieces + (s[1] - '1');
		switch (p->kind) {
		case HOST: put_name(o, p->host); break;
		case OFFSET: put_offset(o, p->n); break;
		case SPAN: host_span(o, p->n); break;
		case NUMBER: out_u64(o, p->n); break;
		case PPM: put_tenths(o, p->ppb / 1000); break;
		}
		s += 2;
	}
}

struct head {
	struct out *o;
	const struct view_hosts *hosts;
	unsigned int columns;
};

/* A paragraph; label: of its first line. */
static void say(const struct head *h, const char *label, const char *text, const struct piece *pieces)
{
	struct out line, *o = h->o;

	if (out_open(&line, -1))
		return;
	line.ascii = o->ascii;
	put_text(&line, text, pieces);
	out_char(&line, 0);
	out_str(o, label);
	out_spaces(o, INDENT - (unsigned int)strlen(label));
	out_wrapped_from(o, line.buf, INDENT, INDENT, h->columns ? h->columns : 100);
	line.len = 0;
	out_close(&line);
}

/* ---- the head ---- */

static const char *fitted_text(const struct view_host *h)
{
	if (h->fit.n > 1)
		return _("{1} is shown in the time of {2}: one of the two clocks stood still or was moved, so {3} offsets are "
			 "taken off, one after the other, sure to {4}");
	return h->taken_ns < 0 ?
	       _("{1} is shown in the time of {2}: its clock is {3} behind, sure to {4}") :
	       _("{1} is shown in the time of {2}: its clock is {3} ahead, sure to {4}");
}

static void put_fitted(const struct head *head, const struct view_host *h)
{
	const struct view_hosts *hosts = head->hosts;
	const struct clock_piece *p = h->fit.pieces;
	struct piece pieces[4] = { { HOST, .host = h }, { HOST, .host = &hosts->all[0] },
				   { OFFSET, .n = size_of(h->taken_ns) },
				   { SPAN, .n = (uint64_t)hosts->error_ns[0][h - hosts->all] } };

	if (h->fit.n > 1)
		pieces[2] = (struct piece){ NUMBER, .n = h->fit.n };
	say(head, "clocks", fitted_text(h), pieces);
	if (h->by)
		say(head, "", _("by way of {1}: both errors together"), &(struct piece){ HOST, .host = &hosts->all[h->by] });
	say(head, "", h->joined == 1 ? _("from 1 connection that both have") : _("from {1} connections that both have"),
	    &(struct piece){ NUMBER, .n = h->joined });
	if (h->fit.out)
		say(head, "", _("{1} bounds contradict most of the others and were left out"),
		    &(struct piece){ NUMBER, .n = h->fit.out });
	if (h->fit.n == 1 && p->ppb != 0) {
		const struct piece drift[] = { { PPM, .ppb = p->ppb }, { PPM, .ppb = p->ppb_min }, { PPM, .ppb = p->ppb_max } };

		say(head, "", _("a drift of {1} ppm ({2} to {3}) is taken off as well"), drift);
	}
}

/* Often what people came for; smaller than the error it is nothing that was seen. */
static void put_wall(const struct head *head, const struct view_host *h)
{
	const struct view_hosts *hosts = head->hosts;
	uint64_t off = size_of(h->wall_ns);

	if (off <= (uint64_t)hosts->error_ns[0][h - hosts->all] || off < MS)
		return;
	say(head, "", h->wall_ns < 0 ? _("its wall clock was {1} behind that of {2} when it began") :
	    _("its wall clock was {1} ahead of that of {2} when it began"),
	    (struct piece[]){ { OFFSET, .n = off }, { HOST, .host = &hosts->all[0] } });
}

static void put_suspended(const struct head *head, const struct view_host *h)
{
	if (h->suspended_ns)
		say(head, "", _("{1} was suspended for {2} while it was recorded"),
		    (struct piece[]){ { HOST, .host = h }, { OFFSET, .n = h->suspended_ns } });
}

void hosts_head(struct out *o, const struct view_hosts *hosts, unsigned int columns)
{
	const struct head *head = &(struct head){ o, hosts, columns };

	for (unsigned int i = 1; i < hosts->n; i++) {
		const struct view_host *h = &hosts->all[i];
		const struct piece pieces[] = { { HOST, .host = h }, { HOST, .host = &hosts->all[0] } };

		if (h->clock == HOST_SAME_BOOT)
			say(head, "clocks", _("{1} is of the same machine and boot as {2}: one clock"),
			    (struct piece[]){ { HOST, .host = h }, { HOST, .host = &hosts->all[h->by] } });
		else if (h->clock == HOST_BY_WALL)
			say(head, "clocks", _("{1} is shown by its wall clock: no connection that both have says how far it is from "
					   "that of {2}, so the order between them is not known"), pieces);
		else
			put_fitted(head, h);
		if (h->clock == HOST_FITTED)
			put_wall(head, h);
		put_suspended(head, h);
	}
	put_suspended(head, &hosts->all[0]);
}

static void json_clock(struct out *o, const struct view_hosts *hosts, const struct view_host *h, unsigned int piece)
{
	static const char *const words[] = { "reference", "boot", "connections", "wall" };
	const struct clock_piece *p = &h->fit.pieces[piece];
	int64_t error = hosts->error_ns[0][h - hosts->all];

	out_make_room(o, OUT_LINE_MAX);
	out_str(o, "{\"type\":\"clock\"");
	json_key(o, "host");
	out_json(o, host_word(hosts, (unsigned int)(h - hosts->all)), 255);
	json_key(o, "file");
	out_json(o, h->file, 255);
	json_key(o, "reference");
	out_json(o, host_word(hosts, 0), 255);
	json_str(o, "by", words[h->clock]);
	json_i64(o, "offset_ns", h->fit.n > 1 ? p->offset : h->taken_ns);
	if (error >= 0)
		json_u64(o, "error_ns", (uint64_t)error);
	if (h->clock == HOST_FITTED) {
		if (p->ppb != 0) {
			json_i64(o, "drift_ppb", (int64_t)p->ppb);
			json_i64(o, "drift_min_ppb", (int64_t)p->ppb_min);
			json_i64(o, "drift_max_ppb", (int64_t)p->ppb_max);
		}
		json_u64(o, "conns", h->joined);
		json_u64(o, "left_out", h->fit.out);
		json_i64(o, "wall_ns", h->wall_ns);
		if (h->fit.n > 1)
			json_u64(o, "piece", piece + 1);
	}
	if (h->suspended_ns)
		json_u64(o, "suspended_ns", h->suspended_ns);
	json_u64(o, "from_ns", h->from_ns);
	json_u64(o, "to_ns", h->to_ns);
	out_char(o, '}');
	out_line_end(o);
}

void hosts_json(struct out *o, const struct view_hosts *hosts)
{
	for (unsigned int i = 0; i < hosts->n; i++) {
		for (unsigned int piece = 0; !piece || piece < hosts->all[i].fit.n; piece++)
			json_clock(o, hosts, &hosts->all[i], piece);
	}
}

/* ---- what is not there ---- */

static bool has_addr(const struct view_host *h, const uint8_t addr[16])
{
	for (unsigned int i = 0; i < h->naddrs; i++) {
		if (!memcmp(h->addrs[i], addr, 16))
			return true;
	}
	return false;
}

/* For certain, whatever the error; where nothing bounds that, nothing is certain. by_wall: wall clocks bound it. */
static bool covers(const struct view_hosts *hosts, unsigned int host, const struct host_end *end, bool *by_wall)
{
	const struct view_host *h = &hosts->all[host], *of = &hosts->all[end->host];
	int64_t error = hosts->error_ns[host][end->host];

	/* whose own wall clocks placed them */
	*by_wall = error < 0 && h->clock != HOST_FITTED && of->clock != HOST_FITTED && h->clock != HOST_SAME_BOOT &&
		   of->clock != HOST_SAME_BOOT;
	if (*by_wall && h->wall_error_ns >= 0 && of->wall_error_ns >= 0)
		error = h->wall_error_ns + of->wall_error_ns;
	return error >= 0 && end->t_ns > h->from_ns + (uint64_t)error && end->t_ns + (uint64_t)error < h->to_ns;
}

const char *hosts_why_missing(const struct view_hosts *hosts, const struct host_end *end, unsigned int *host)
{
	const struct view_host *h;
	bool by_wall;

	for (*host = 0; *host < hosts->n; ++*host) {
		h = &hosts->all[*host];
		if (*host == end->host || !has_addr(h, end->raddr))
			continue;
		if (!covers(hosts, *host, end, &by_wall))
			return _("{1} does not cover that moment for certain");
		if (h->narrowed)
			return _("{1} was recorded with a filter, which may have left it out");
		if (end->client && !end->midway && h->gaps)
			return _("{1} has gaps, or was not seeing every SYN");
		if (end->client && !end->midway && !end->answered && by_wall)
			return _("its SYN did not reach the TCP of {1}, which covers that moment if both wall clocks are as right as "
				 "they say");
		if (end->client && !end->midway)
			return end->answered ? _("{1} covers that moment and has no such connection: what answered is another machine") :
			       _("its SYN did not reach the TCP of {1}, which covers that moment");
		return end->client || end->midway ? NULL :
		       _("{1} covers that moment and has no such connection: another machine has its address, or it was translated");
	}
	return NULL;
}

void hosts_say(struct out *o, const struct view_hosts *hosts, const char *text, unsigned int host)
{
	put_text(o, text, &(struct piece){ HOST, .host = &hosts->all[host] });
}
