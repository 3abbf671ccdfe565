// SPDX-License-Identifier: GPL-2.0-only
/*
 * Draws the records of a run once more: into memory, with a mark after each step, so
 * that the whole can be printed and the steps can be shown one by one (step.c).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../terminal.h"
#include "../view/explain.h"
#include "../view/ladder.h"
#include "picture.h"
#include "run.h"

#define PROLOGUE	8		/* calls of a listener that are kept for its connection */

struct drawing {
	struct lab_run *r;
	struct picture *p;
	struct view view;		/* of a ladder */
	struct out out;
	unsigned int packet;		/* of the handshake that is drawn; 0: none yet */
	uint64_t listener;		/* whose calls are the prologue; 0: of none */
	struct { struct model_event ev; struct tcptrace_record rec; struct owner who; } prologue[PROLOGUE];
	unsigned int nprologue;
};

static void mark(struct drawing *d, struct picture_step step)
{
	struct picture *p = d->p;
	struct picture_step *bigger;

	if (p->nsteps == p->size) {
		bigger = realloc(p->steps, (p->size * 2 + 64) * sizeof(*bigger));
		if (!bigger) {
			p->err = -ENOMEM;
			return;
		}
		p->steps = bigger;
		p->size = p->size * 2 + 64;
	}
	step.end = d->out.written + d->out.len;
	p->steps[p->nsteps++] = step;
}

/* ---- a ladder ---- */

/* In the columns between the two lines, of a ladder of 80 columns or of 100. */
static void put_remark(struct drawing *d, char *text)
{
	bool wide = d->view.cfg.columns >= 100;
	char *line, *rest = text;

	while ((line = strsep(&rest, "\n")) && *line) {
		out_spaces(&d->out, wide ? 33 : 30);
		out_str(&d->out, d->view.cfg.utf8 ? "│" : "|");
		out_str_pad(&d->out, line, LADDER_ARROW);
		out_str(&d->out, d->view.cfg.utf8 ? "│" : "|");
		out_line_end(&d->out);
	}
}

/* The first row that shows the SYN, then the SYN-ACK, then the ACK. */
static void remark(struct drawing *d, const struct row *row)
{
	static const uint8_t handshake[] = { SEG_SYN, SEG_SYNACK, SEG_ACK };
	char text[64] = "";

	if (!d->r->lab->remark || d->packet == 3 || row->segment != handshake[d->packet])
		return;
	d->r->lab->remark(d->r, ++d->packet, text, sizeof(text));
	put_remark(d, text);
}

static void on_row(void *ctx, const struct row *row)
{
	struct picture_step step = { .t_ns = row->t_ns };
	const struct flow_step *s = row->step;
	struct drawing *d = ctx;

	if (row->kind == ROW_STEP)
		step = (struct picture_step){
			.t_ns = s->t_ns, .explain = explain(s->event, s->old, s->new, s->cause, s->ret),
			.has_queues = s->has_queues, .synq = s->synq, .acceptq = s->acceptq, .limit = s->limit,
		};
	remark(d, row);
	mark(d, step);
}

/*
 * A ladder is about a connection, and socket(), bind() and listen() are calls on another
 * socket. Where an experiment wants them in its picture, they are kept and handed on as the
 * first steps of the first connection of that listener.
 */
static bool is_prologue(const struct drawing *d, const struct model_event *ev)
{
	if (!d->listener)
		return false;
	return (ev->event == TCPTRACE_LISTEN && ev->rec->lport == d->r->lab->prologue) ||
	       (ev->conn == d->listener && (ev->event == TCPTRACE_SOCKET || ev->event == TCPTRACE_BIND));
}

static uint64_t listener_of(const struct lab_run *r)
{
	const struct want w = { .event = TCPTRACE_STATE, .new = TCP_S_LISTEN, .lport = r->lab->prologue };

	for (size_t i = 0; r->lab->prologue && i < r->nevents; i++) {
		if (lab_matches(&r->events[i], &w))
			return r->events[i].conn;
	}
	return 0;
}

static void keep(struct drawing *d, const struct model_event *ev)
{
	unsigned int n = d->nprologue;

	if (n == PROLOGUE)
		return;
	d->prologue[n].ev = *ev;
	d->prologue[n].rec = *ev->rec;
	d->prologue[n].ev.rec = &d->prologue[n].rec;
	if (ev->who) {
		d->prologue[n].who = *ev->who;
		d->prologue[n].ev.who = &d->prologue[n].who;
	}
	d->nprologue++;
}

static void hand_on(struct drawing *d, const struct model_event *ev)
{
	for (unsigned int i = 0; i < d->nprologue; i++) {
		struct model_event *first = &d->prologue[i].ev;

		first->conn = ev->conn;
		first->c = ev->c;
		first->l = ev->l;
		d->view.ops->event(&d->view, first);
	}
	d->nprologue = 0;
}

static void ladder_event(struct drawing *d, const struct model_event *ev)
{
	if (is_prologue(d, ev)) {
		keep(d, ev);
		return;
	}
	d->view.ops->event(&d->view, ev);
	if (d->nprologue && ev->c && ev->l && ev->event == TCPTRACE_SYNQ_ADD)
		hand_on(d, ev);
}

/* ---- both ---- */

static void on_event(void *ctx, const struct model_event *ev)
{
	struct drawing *d = ctx;
	const struct lab_run *r = d->r;
	struct lab_event e = lab_event_of(ev);

	if (r->lab->show && !r->lab->show(r, &e))
		return;
	if (r->lab->ladder) {
		ladder_event(d, ev);
		return;
	}
	rows_event(&d->out, ev, r->records[0].t_ns, d->view.cfg.color);
	mark(d, (struct picture_step){
		.t_ns = ev->rec->t_ns, .explain = explain_event(ev), .has_queues = ev->has_queues,
		.synq = ev->synq, .acceptq = ev->acceptq, .limit = ev->limit,
	});
}

static int replay(struct drawing *d)
{
	struct model *m = model_new(NULL, on_event, d);

	if (!m)
		return -ENOMEM;
	for (size_t i = 0; i < d->r->nrecords; i++)
		model_feed(m, &d->r->records[i]);
	if (d->r->lab->ladder)
		d->view.ops->finish(&d->view);	/* what was not over when the stage ended */
	model_free(m);
	return 0;
}

static int take_text(struct picture *p, struct out *out)
{
	int err = out_flush(out);
	ssize_t n;

	if (err)
		return err;
	p->text = malloc(out->written + 1);
	if (!p->text)
		return -ENOMEM;
	n = pread(out->fd, p->text, out->written, 0);
	if (n < 0 || (uint64_t)n != out->written)
		return -EIO;
	p->len = out->written;
	p->text[p->len] = 0;
	return p->err;
}

static int draw(struct drawing *d, const struct view_config *cfg)
{
	int err = 0;

	if (d->r->lab->ladder)
		err = view_open(&d->view, &view_flow, cfg, &d->out);
	else
		rows_header(&d->out);
	d->view.cfg = *cfg;
	if (!err)
		err = replay(d);
	if (!err)
		err = take_text(d->p, &d->out);
	if (d->r->lab->ladder)
		view_close(&d->view);
	return err;
}

int picture_draw(struct picture *p, struct lab_run *r, unsigned int columns, bool color)
{
	struct drawing *d = calloc(1, sizeof(*d));
	struct view_config cfg = {
		.color = color, .utf8 = terminal_utf8(), .columns = columns, .row = on_row, .row_ctx = d,
	};
	int fd = memfd_create("picture", MFD_CLOEXEC), err = d && fd >= 0 ? 0 : -ENOMEM;

	*p = (struct picture){ .err = 0 };
	if (!err) {
		d->r = r;
		d->p = p;
		d->listener = listener_of(r);
		err = out_open(&d->out, fd);
	}
	if (!err) {
		err = draw(d, &cfg);
		out_close(&d->out);
	}
	if (fd >= 0)
		close(fd);
	free(d);
	return err;
}

void picture_free(struct picture *p)
{
	free(p->text);
	free(p->steps);
}
