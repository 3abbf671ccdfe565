// SPDX-License-Identifier: GPL-2.0-only
/*
 * `lab NAME --step` and `--slow N`: the picture of an experiment, a step at a time. The
 * steps scroll; both queues and the sentence about the step stay at their place.
 *
 * == handshake: At which packet do connect() and accept() return?
 *      us client                                   server             SYN    ACC
 *       0 connect() called     │                 │
 *       9 SYN_SENT             │── SYN ──        │
 * ────────────────────────────────────────────────────────────────────────────────
 * SYN queue     █░░░░░░░░ 1/8        accept queue  ░░░░░░░░░ 0/8
 * A SYN arrived, the first packet: tcp_conn_request() (net/ipv4/tcp_input.c) made ...
 *
 * Enter: next   b: back   q: to the answer                                    3 of 14
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../lib/wrap.h"
#include "../terminal.h"
#include "../view/explain.h"
#include "keys.h"
#include "picture.h"
#include "run.h"

#define BELOW		9u		/* rows of the part that does not scroll */
#define EXPLAIN_ROWS	5u
#define BLOCKS_MAX	20u
#define SLOWEST_MS	3000		/* between two steps, however long it was */
#define FASTEST_MS	40

struct stepping {
	struct lab_run *r;
	struct out *out;
	struct picture p;
	size_t at;			/* steps that are shown */
	uint32_t slow;			/* time is so many times slower; 0: by keys */
	unsigned int columns;
};

/* ---- the part that scrolls ---- */

/* Where the last `rows` lines of text[0..end) begin. */
static size_t last_lines(const char *text, size_t end, unsigned int rows)
{
	size_t i = end;

	while (i) {
		if (text[i - 1] == '\n' && i != end && --rows == 0)
			return i;
		i--;
	}
	return 0;
}

static void put_steps(struct stepping *s, unsigned int rows)
{
	size_t end = s->at ? s->p.steps[s->at - 1].end : 0, old = s->at > 1 ? s->p.steps[s->at - 2].end : 0;
	const char *text = s->p.text, *line, *newline;
	unsigned int n = 0;

	for (line = text + last_lines(text, end, rows); line < text + end; line = newline + 1, n++) {
		newline = memchr(line, '\n', (size_t)(text + end - line));
		if ((size_t)(line - text) >= old)
			out_str(s->out, "\033[1m");
		out_mem(s->out, line, (size_t)(newline - line));
		frame_line_end(s->out);
	}
	for (; n < rows; n++)
		frame_line_end(s->out);
}

/* ---- the part that stays ---- */

void step_put_queue(struct out *o, const char *name, uint32_t now, uint32_t limit)
{
	const char *full = terminal_utf8() ? "█" : "#", *empty = terminal_utf8() ? "░" : ".";
	uint64_t places = limit + 1ull, blocks = places < BLOCKS_MAX ? places : BLOCKS_MAX, i;
	uint64_t taken = places <= BLOCKS_MAX ? now : (now * blocks + places - 1) / places;
	unsigned int columns = text_columns(name);
	char text[32];

	out_str(o, name);
	out_spaces(o, columns < 13 ? 13 - columns : 1);
	for (i = 0; i < blocks; i++)
		out_str(o, i < taken ? full : empty);
	snprintf(text, sizeof(text), " %u/%u", now, limit);
	out_str(o, text);
}

static void put_queues(struct stepping *s)
{
	const struct picture_step *with = NULL;

	for (size_t i = 0; i < s->at; i++) {
		if (s->p.steps[i].has_queues)
			with = &s->p.steps[i];
	}
	if (with)
		step_put_queue(s->out, _("SYN queue"), with->synq, with->limit);
	frame_line_end(s->out);
	if (with)
		step_put_queue(s->out, _("accept queue"), with->acceptq, with->limit);
	frame_line_end(s->out);
}

/* At most EXPLAIN_ROWS lines of text, and always so many. */
void step_put_text(struct out *o, const char *text, unsigned int rows, unsigned int columns)
{
	char *begin = o->buf + o->len, *newline;
	size_t from = o->len, len;
	char copy[2048];

	out_wrapped(o, text, 0, columns);
	len = o->len - from < sizeof(copy) ? o->len - from : sizeof(copy) - 1;
	memcpy(copy, o->buf + from, len);
	copy[len] = 0;
	o->len = from;
	for (begin = copy; rows; rows--) {
		newline = strchr(begin, '\n');
		out_mem(o, begin, newline ? (size_t)(newline - begin) : 0);
		frame_line_end(o);
		begin = newline ? newline + 1 : begin;
	}
}

static void put_below(struct stepping *s)
{
	const char *explain = s->at ? s->p.steps[s->at - 1].explain : NULL;
	char text[160];

	for (unsigned int i = 0; i < s->columns; i++)
		out_str(s->out, terminal_utf8() ? "─" : "-");
	frame_line_end(s->out);
	put_queues(s);
	step_put_text(s->out, explain ? tr(explain) : "", EXPLAIN_ROWS, s->columns);
	snprintf(text, sizeof(text), s->slow ? _("%zu of %zu   space: stop   q: to the answer") :
		 _("%zu of %zu   Enter: next   b: back   q: to the answer"), s->at, s->p.nsteps);
	out_str(s->out, "\033[7m");
	out_str(s->out, text);
	out_str(s->out, "\033[0m");
}

static void draw(struct stepping *s)
{
	unsigned int rows = keys_rows(s->out);
	char title[200];

	snprintf(title, sizeof(title), "== %s: %s", s->r->lab->name, tr(s->r->lab->question));
	text_cut(title, s->columns);
	frame_begin(s->out);
	out_str(s->out, "\033[1m");
	out_str(s->out, title);
	frame_line_end(s->out);
	put_steps(s, rows > BELOW + 3 ? rows - BELOW - 1 : 3);
	put_below(s);
	frame_end(s->out);
}

/* ---- time and keys ---- */

/* Until the next step, as long as it took, times the factor. */
static int pause_ms(const struct stepping *s)
{
	const struct picture_step *steps = s->p.steps;
	double ms;

	if (!s->slow)
		return -1;
	if (!s->at || s->at == s->p.nsteps)
		return FASTEST_MS * 10;
	ms = (double)(int64_t)(steps[s->at].t_ns - steps[s->at - 1].t_ns) / 1e6 * s->slow;
	return ms < FASTEST_MS ? FASTEST_MS : ms > SLOWEST_MS ? SLOWEST_MS : (int)ms;
}

/* false: to the answer */
static bool heed(struct stepping *s, int key)
{
	switch (key) {
	case KEY_NONE:
		if (!s->slow)
			return true;	/* drawn again in its new size */
		if (s->at == s->p.nsteps)
			return false;
		s->at++;
		return true;
	case 'b': case KEY_LEFT: case KEY_UP:
		s->at -= s->at > 0;
		s->slow = 0;
		return true;
	case 'q': case '\033': case KEY_GONE:
		return false;
	case ' ':
		if (s->slow) {
			s->slow = 0;
			return true;
		}
	}
	if (s->at == s->p.nsteps)
		return false;
	s->at++;
	return true;
}

int lab_step(struct out *out, struct lab_run *r, uint32_t slow)
{
	struct stepping s = { .r = r, .out = out, .slow = slow, .columns = lab_columns(out) };
	int err = picture_draw(&s.p, r, s.columns, terminal_color(out->fd));

	if (!err && s.p.nsteps)
		err = keys_open(out);
	if (!err && s.p.nsteps) {
		s.at = 1;
		do {
			draw(&s);
		} while (heed(&s, key_wait(pause_ms(&s))));
		keys_close(out);
	}
	picture_free(&s.p);
	return err;
}
