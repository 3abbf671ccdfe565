// SPDX-License-Identifier: GPL-2.0-only
/*
 * `lab play`: a server in a sandbox, by keys, and its two queues as they move.
 *
 * == play: a server on port 8001, and what you do with it
 * SYN queue     █░░░░ 1/4                 third packets held: 1
 * accept queue  ███░░ 3/4                 SYN cookies: on
 * accepted 2   refused 1   cookies sent 0   expired 0
 *  TIME(s) EVENT                           LOCAL  REMOTE           SYNQ    ACCEPTQ
 * 1.002212 acceptq-add ~handshake          :8001  10.0.0.1:40012   0/4     3/4
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../lib/wrap.h"
#include "../run/signals.h"
#include "../talk.h"
#include "../view/explain.h"
#include "keys.h"
#include "picture.h"
#include "run.h"
#include "sandbox.h"

#define ROWS_MAX_SEEN	32u
#define ROW_BYTES	256u
#define FIXED_ROWS	13u		/* all but the rows of events */
#define FRAME_NS	50000000ull

struct playing {
	struct out *out;
	struct out row;			/* where a row is formatted */
	char rows[ROWS_MAX_SEEN][ROW_BYTES];
	uint64_t nrows;
	uint64_t start_ns, drawn_ns;
	const char *explain;
	uint32_t synq, acceptq, limit;
	unsigned int accepted, refused, cookies, expired;
	bool end;
};

/* ---- what was seen ---- */

static bool is_shown(const struct model_event *ev)
{
	switch (ev->event) {
	case TCPTRACE_LISTEN: case TCPTRACE_SYNQ_ADD: case TCPTRACE_SYNQ_DEL: case TCPTRACE_ACCEPTQ_ADD:
	case TCPTRACE_ACCEPTQ_DEL: case TCPTRACE_DROP: case TCPTRACE_COOKIE_SENT: case TCPTRACE_COOKIE_OK:
	case TCPTRACE_SYNACK_RETRANS: case TCPTRACE_RST_RECEIVED: case TCPTRACE_RETRANS:
		return true;
	case TCPTRACE_STATE:
		return ev->new == TCP_S_ESTABLISHED || ev->old == TCP_S_LISTEN || ev->new == TCP_S_LISTEN;
	}
	return false;
}

static void count(struct playing *p, const struct model_event *ev)
{
	p->accepted += ev->event == TCPTRACE_ACCEPTQ_DEL && ev->cause == TCPTRACE_ACCEPTQ_ACCEPTED;
	p->refused += ev->event == TCPTRACE_DROP;
	p->cookies += ev->event == TCPTRACE_COOKIE_SENT;
	p->expired += ev->event == TCPTRACE_SYNQ_DEL && ev->cause == TCPTRACE_SYNQ_EXPIRED;
}

static void on_event(void *ctx, const struct model_event *ev)
{
	struct playing *p = ctx;
	char *row = p->rows[p->nrows % ROWS_MAX_SEEN];
	size_t n;

	if (!p->start_ns)
		p->start_ns = ev->rec->t_ns;
	if (ev->has_queues) {
		p->synq = ev->synq;
		p->acceptq = ev->acceptq;
		p->limit = ev->limit;
	}
	count(p, ev);
	if (!is_shown(ev))
		return;
	p->row.len = 0;
	rows_event(&p->row, ev, p->start_ns, false);
	n = p->row.len < ROW_BYTES ? p->row.len : ROW_BYTES;
	memcpy(row, p->row.buf, n);
	row[n - 1] = 0;			/* its newline */
	p->row.len = 0;
	p->explain = explain_event(ev);
	p->nrows++;
}

/* ---- how it looks ---- */

__attribute__((format(printf, 3, 4)))
static void put_at(struct out *o, unsigned int column, const char *fmt, ...)
{
	char text[128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (column) {
		char move[32];

		snprintf(move, sizeof(move), "\033[%uG", column);
		out_str(o, move);
	}
	out_str(o, text);
}

static void put_queues(struct playing *p, const struct board *b)
{
	step_put_queue(p->out, _("SYN queue"), p->synq, p->limit);
	put_at(p->out, 45, _("third packets held: %u"), b->held);
	frame_line_end(p->out);
	step_put_queue(p->out, _("accept queue"), p->acceptq, p->limit);
	put_at(p->out, 45, _("SYN cookies: %s"), b->cookies ? _("on") : _("off"));
	frame_line_end(p->out);
	put_at(p->out, 0, _("accepted %u   refused %u   cookies sent %u   expired %u"), p->accepted, p->refused,
	       p->cookies, p->expired);
	frame_line_end(p->out);
}

static void put_rows(struct playing *p, unsigned int rows)
{
	uint64_t n = p->nrows < rows ? p->nrows : rows;

	rows_header(&p->row);
	out_mem(p->out, p->row.buf, p->row.len - 1);
	p->row.len = 0;
	frame_line_end(p->out);
	for (uint64_t i = p->nrows - n; i < p->nrows; i++) {
		if (i + 1 == p->nrows)
			out_str(p->out, "\033[1m");
		out_str(p->out, p->rows[i % ROWS_MAX_SEEN]);
		frame_line_end(p->out);
	}
	for (; n < rows; n++)
		frame_line_end(p->out);
}

static void draw(struct playing *p, const struct board *b)
{
	unsigned int rows = keys_rows(p->out);

	rows = rows > FIXED_ROWS + 3 ? rows - FIXED_ROWS : 3;
	frame_begin(p->out);
	put_at(p->out, 0, "\033[1m");
	put_at(p->out, 0, _("== play: a server on port %d, and what you do with it"), SANDBOX_PORT);
	frame_line_end(p->out);
	put_queues(p, b);
	put_rows(p, rows < ROWS_MAX_SEEN ? rows : ROWS_MAX_SEEN);
	step_put_text(p->out, p->explain ? tr(p->explain) : "", 5, lab_columns(p->out));
	out_str(p->out, "\033[1m");
	out_str(p->out, b->said);
	frame_line_end(p->out);
	out_str(p->out, _("c client  a accept()  h hold/release third packets  f flood"));
	frame_line_end(p->out);
	out_str(p->out, _("0-9 listen(n)  s SYN cookies on/off  k close the listener  q quit"));
	frame_end(p->out);
}

/* ---- keys ---- */

/* Called between two looks at the records: 20 ms at most. */
static int on_tick(void *ctx, struct stage *s)
{
	struct playing *p = ctx;
	int key = key_wait(0);

	if (key == 'q' || key == KEY_GONE)
		return 1;
	if (key > 0 && key < 128 && strchr("cahfks0123456789", key)) {
		for (int i = 0; i < 500 && __atomic_load_n(&s->board->command, __ATOMIC_ACQUIRE); i++)
			sleep_us(1000);	/* the one before */
		__atomic_store_n(&s->board->command, (uint32_t)key, __ATOMIC_RELEASE);
	}
	if (now_ns() - p->drawn_ns >= FRAME_NS) {
		draw(p, s->board);
		p->drawn_ns = now_ns();
	}
	return 0;
}

static const struct lab lab_play = {
	.name = "play",
	.play = sandbox,
};

int run_play(struct session *s)
{
	static struct playing p;	/* too large for the stack */
	struct lab_run r = {
		.lab = &lab_play, .o = s->o, .ok = true, .seen = on_event, .tick = on_tick, .ctx = &p,
	};
	int err;

	if (s->o->replay || s->o->read_path || s->o->json || s->o->write_path || s->o->quiz || s->o->step || s->o->slow) {
		talk(_("lab: play goes with none of --replay, -r, --json, -w, --quiz, --step and --slow"));
		return -EINVAL;
	}
	p = (struct playing){ .out = s->out };
	err = out_open(&p.row, -1);
	if (!err)
		err = keys_open(s->out);
	if (err) {
		talk(_("lab: play wants a terminal, to draw on and for keys"));
		return err;
	}
	err = lab_capture(&r, s->o);
	if (signal_flags.end)
		err = -EINTR;
	keys_close(s->out);
	if (!r.ok && err != -EINTR)
		lab_put_labelled(s->out, _("FAILED"), r.error);
	s->tally.failed |= !r.ok;
	lab_forget(&r);
	p.row.len = 0;
	out_close(&p.row);
	return err;
}
