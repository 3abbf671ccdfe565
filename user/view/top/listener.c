// SPDX-License-Identifier: GPL-2.0-only
/*
 * The second screen: one listener. Its summary, who was refused last, how long connections waited, and its
 * connections: those that wait, the oldest first, then those that accept() took since the screen was opened (of a replay:
 * all of the last).
 *
 * 0.0.0.0:8080  python3[4242]  fd 3  backlog 128 (asked 128, somaxconn 4096: backlog decides)  LISTEN
 *   accept queue  now 129  peak 129/128  ...
 *
 *    refused  cause              client
 *    0.2s ago acceptq-full-syn   10.0.0.9:51544
 *
 *    waited in the accept queue
 *       2.1 ms │████████          41
 *
 *    CONN WHERE    AGE     REMOTE                STATE        WAITED ms COMM
 *    1871 acceptq  2.7s    10.0.0.7:43218        ESTABLISHED          - -
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib/clock.h"
#include "../../lib/tr.h"
#include "top.h"

#define MS		1000000ull
#define ENDED_STAY	(10 * SECOND)
#define SHOWN_REFUSED	5u
#define HIST_LINES	10u
#define HIST_BAR	40u
#define LISTED		TOP_CONNS
#define REMOTE_LEAST	14u
#define SUMMARY_AT	16u		/* where its numbers begin */

/* A number is of one machine alone. */
static const struct listener *find(const struct top *t, uint32_t id, const struct model **m)
{
	const struct listener *l;

	for (unsigned int host = 0; host < t->nmodels; host++) {
		*m = t->models[host];
		for (uint32_t i = 0; (l = model_listener(*m, i)); i++)
			if (l->id == id)
				return l;
	}
	return NULL;
}

/* ---- what happens while it is open ---- */

static void learn(struct top_conn *c, const struct conn *from)
{
	c->id = from->id;
	c->listener = from->listener->id;
	c->where = from->in_acceptq ? TOP_IN_ACCEPTQ : from->in_synq ? TOP_IN_SYNQ : TOP_TAKEN;
	c->since_ns = from->in_acceptq ? from->acceptq_ns : from->in_synq ? from->synq_ns : from->born_ns;
	c->state = from->state;
	memcpy(c->raddr, from->raddr, sizeof(c->raddr));
	c->rport = from->rport;
	c->pid = from->owner.pid;
	memcpy(c->comm, from->owner.comm, sizeof(c->comm));
}

/* A busy listener has the next thousand within a second: the selected one stays. */
static struct top_conn *conn_of(struct top_open *o, uint64_t id, uint64_t selected)
{
	struct top_conn *c = &o->conns[id % TOP_CONNS];

	if (c->id && c->id == selected && c->id != id)
		c = &o->unlisted;
	if (c->id != id)
		*c = (struct top_conn){ .id = id };
	return c;
}

static void learn_alive(void *ctx, const struct conn *c)
{
	struct top_open *o = ctx;

	if (c->listener && c->listener->id == o->listener)
		learn(conn_of(o, c->id, 0), c);
}

int top_listener_open(struct top *t, uint32_t id)
{
	const struct model *m;
	const struct listener *l = find(t, id, &m);
	struct top_open *o = &t->open;

	if (!l)
		return -ENOENT;
	if (o->listener == id)
		return 0;
	top_listener_close(t);
	if (top_steps_open(t))
		return -ENOMEM;
	t->v->steps = UINT64_MAX;
	o->listener = id;
	o->lport = l->lport;
	o->remote = REMOTE_LEAST;
	if (t->v->cfg.live) {
		memset(o->conns, 0, sizeof(o->conns));
		model_each_conn(m, learn_alive, o);
	}
	return 0;
}

void top_listener_close(struct top *t)
{
	struct top_open *o = &t->open;

	if (t->v->cfg.live) {
		top_steps_close(t);
		t->v->steps = TOP_STEPS;
	}
	o->listener = 0;
	o->conn = 0;
}

void top_listener_forget(struct top *t)
{
	memset(t->open.conns, 0, sizeof(t->open.conns));
	t->refused = 0;
}

static void keep_refused(struct top *t, const struct model_event *ev)
{
	struct top_refused *r = &t->last_refused[t->refused++ % TOP_REFUSED];

	*r = (struct top_refused){ .t_ns = ev->rec->t_ns, .listener = ev->l->id, .rport = ev->rec->rport,
				   .cause = ev->cause };
	memcpy(r->raddr, ev->rec->raddr, sizeof(r->raddr));
}

void top_listener_event(struct top *t, const struct model_event *ev)
{
	struct top_conn *c;

	if (ev->event == TCPTRACE_DROP && ev->l)
		keep_refused(t, ev);
	if (!ev->c || !ev->c->listener || (t->v->cfg.live && ev->c->listener->id != t->open.listener))
		return;
	c = conn_of(&t->open, ev->conn, t->selected_conn);
	learn(c, ev->c);
	if (ev->event == TCPTRACE_ACCEPTQ_DEL && ev->has_dur)
		c->waited_ns = ev->dur_ns;
	if (!c->ended_ns && (ev->event == TCPTRACE_DESTROY || ev->c->state == TCP_S_CLOSE ||
			     ev->c->state == TCP_S_TIME_WAIT || (ev->event == TCPTRACE_SYNQ_DEL &&
			     ev->cause != TCPTRACE_SYNQ_ESTABLISHED)))
		c->ended_ns = ev->rec->t_ns;
}

/* ---- who was refused ---- */

/* "0.2s", "41s", "3m12s" */
static void put_age(struct out *o, uint64_t ns, unsigned int width)
{
	uint64_t s = ns / SECOND;
	char text[32];
	int n;

	if (s < 10)
		n = snprintf(text, sizeof(text), "%llu.%llus", (unsigned long long)s,
			     (unsigned long long)(ns / (SECOND / 10) % 10));
	else if (s < 100)
		n = snprintf(text, sizeof(text), "%llus", (unsigned long long)s);
	else
		n = snprintf(text, sizeof(text), "%llum%llus", (unsigned long long)s / 60, (unsigned long long)s % 60);
	out_mem(o, text, (size_t)n);
	out_spaces(o, (unsigned int)n < width ? width - (unsigned int)n : 1);
}

static uint64_t since(uint64_t now_ns, uint64_t then_ns)
{
	return now_ns > then_ns ? now_ns - then_ns : 0;
}

static void put_refused(struct top *t)
{
	unsigned int n = 0;

	for (uint64_t i = t->refused; i-- > 0 && i + TOP_REFUSED >= t->refused && n < SHOWN_REFUSED;) {
		const struct top_refused *r = &t->last_refused[i % TOP_REFUSED];
		struct out *o;

		if (r->listener != t->open.listener)
			continue;
		if (!n++) {
			page_str(&t->doc, "", LOOK_PLAIN);
			page_str(&t->doc, "   REFUSED CAUSE                CLIENT", LOOK_BOLD);
		}
		o = page_line(&t->doc);
		out_spaces(o, 3);
		put_age(o, since(t->now_ns, r->t_ns), 8);
		out_str_pad(o, tcptrace_cause_name(r->cause), 21);
		out_endpoint(o, r->raddr, r->rport);
		page_line_end(&t->doc, LOOK_PLAIN, 0);
	}
}

/* ---- how long they waited ---- */

/* A line for each power of two, at most HIST_LINES: what is shorter goes into the first. */
struct lines { uint64_t count[64]; unsigned int first, last; uint64_t most; };

static unsigned int log2_of(uint64_t ns)
{
	return ns ? 63 - (unsigned int)__builtin_clzll(ns) : 0;
}

static struct lines lines_of(const struct hist *h)
{
	struct lines l = { .first = 64 };

	for (unsigned int i = 0; i < HIST_BUCKETS; i++) {
		unsigned int k = log2_of(hist_top(i));

		if (!h->bucket[i])
			continue;
		l.count[k] += h->bucket[i];
		l.first = k < l.first ? k : l.first;
		l.last = k;
	}
	for (; l.first < 64 && l.last - l.first >= HIST_LINES; l.first++) {
		l.count[l.first + 1] += l.count[l.first];
		l.count[l.first] = 0;
	}
	for (unsigned int k = l.first; k <= l.last; k++)
		l.most = l.count[k] > l.most ? l.count[k] : l.most;
	return l;
}

static void put_hist_line(struct top *t, const struct lines *l, unsigned int k)
{
	static const struct top_glyphs utf8 = { "█", " " }, ascii = { "#", " " };
	bool is_utf8 = t->v->cfg.utf8;
	char bar[4 * HIST_BAR];
	struct out *o = page_line(&t->doc);
	uint64_t us = (2ull << k) / 1000;

	out_str(o, "   < ");
	out_u64_pad(o, us < 10000 ? us : us / 1000, 7);
	out_str(o, us < 10000 ? " us " : " ms ");
	out_str(o, is_utf8 ? "│" : "|");
	out_mem(o, bar, (size_t)(cell_bar(bar, is_utf8 ? &utf8 : &ascii, l->count[k], l->most, HIST_BAR) - bar));
	out_char(o, ' ');
	out_u64(o, l->count[k]);
	page_line_end(&t->doc, LOOK_PLAIN, 0);
}

static void put_waits(struct top *t, const struct model *m, const struct listener *l)
{
	struct lines lines;
	struct hist waits;
	struct out *o;

	if (!figure_known(m, l, FIGURE_ACCEPTQ_WAIT))
		return;
	waits_hist(&l->in_acceptq, &waits);
	if (l->acceptq.known <= TOP_WAITS_MAX)
		model_acceptq_waits(m, l, &waits);
	if (!waits.count)
		return;
	lines = lines_of(&waits);
	page_str(&t->doc, "", LOOK_PLAIN);
	o = page_line(&t->doc);
	out_str(o, _("   Waits in the accept queue, of the whole run"));
	if (waits.open)
		out_str(o, _(" (some longer: when they came was not seen)"));
	page_line_end(&t->doc, LOOK_BOLD, ~0u);
	for (unsigned int k = lines.first; k <= lines.last; k++)
		put_hist_line(t, &lines, k);
}

/* ---- its connections ---- */

static int by_age(const void *a, const void *b)
{
	const struct top_conn *x = *(struct top_conn *const *)a, *y = *(struct top_conn *const *)b;
	bool x_waits = x->where != TOP_TAKEN && !x->ended_ns, y_waits = y->where != TOP_TAKEN && !y->ended_ns;

	if (x_waits != y_waits)
		return x_waits ? -1 : 1;
	if (!x_waits)			/* the latest first */
		return x->id < y->id ? 1 : -1;
	if (x->since_ns != y->since_ns)
		return x->since_ns < y->since_ns ? -1 : 1;
	return x->id < y->id ? -1 : 1;
}

static void put_conn(struct top *t, const struct top_conn *c)
{
	static const char *const where[] = { "acceptq", "synq", "accepted" };
	struct out *o = page_line(&t->doc);
	uint64_t age = since(c->ended_ns ? c->ended_ns : t->now_ns, c->since_ns);
	bool known = t->ends_seen || c->where != TOP_TAKEN || c->ended_ns;
	size_t from;

	o->ascii = !t->v->cfg.utf8;
	out_u64_pad(o, c->id, 7);
	out_char(o, ' ');
	out_str_pad(o, c->ended_ns ? "ended" : where[c->where], 9);
	if (c->since_ns && known)
		put_age(o, age, 8);
	else
		out_str(o, "-       ");
	from = o->len;
	out_endpoint(o, c->raddr, c->rport);
	out_pad_to(o, from, t->open.remote + 1);
	out_str_pad(o, known ? tcp_state_name(c->state) : "-", 13);
	from = o->len;
	if (c->waited_ns)
		out_ms(o, c->waited_ns);
	else
		out_char(o, '-');
	out_pad_to(o, from, 10);
	if (c->pid) {
		out_safe_cut(o, c->comm, TCPTRACE_COMM_LEN, 15);
		out_char(o, '[');
		out_u64(o, c->pid);
		out_char(o, ']');
	} else {
		out_char(o, '-');
	}
	page_line_end(&t->doc, c->ended_ns ? LOOK_DIM : LOOK_PLAIN, ~0u);
}

static unsigned int collect(struct top *t, struct top_conn **list)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < TOP_CONNS && n < LISTED; i++) {
		struct top_conn *c = &t->open.conns[i];

		if (!c->id || c->listener != t->open.listener)
			continue;
		if (!(t->v->cfg.live && c->ended_ns && t->now_ns > c->ended_ns + ENDED_STAY))
			list[n++] = c;
	}
	qsort(list, n, sizeof(*list), by_age);
	return n;
}

/* The number at the beginning of its line. */
uint64_t top_listener_conn(const struct top *t, unsigned int choice)
{
	unsigned int line = t->first_choice + choice;

	return choice < t->choices && line < t->doc.n ? strtoull(t->doc.line[line].text, NULL, 10) : 0;
}

/* The column of addresses only grows, so that nothing jumps. */
static void put_titles(struct top *t, struct top_conn *const *list)
{
	char text[PUT_ENDPOINT_MAX + PUT_SLACK];
	size_t from;
	struct out *o;

	for (unsigned int i = 0; i < t->choices; i++) {
		unsigned int n = (unsigned int)(put_endpoint(text, list[i]->raddr, list[i]->rport) - text);

		t->open.remote = n > t->open.remote ? n : t->open.remote;
	}
	o = page_line(&t->doc);
	out_str(o, "   CONN WHERE    AGE     ");
	from = o->len;
	out_str(o, "REMOTE");
	out_pad_to(o, from, t->open.remote + 1);
	out_str(o, "STATE        WAITED ms COMM");
	page_line_end(&t->doc, LOOK_BOLD, ~0u);
}

static void put_conns(struct top *t)
{
	struct top_conn *list[LISTED];

	t->choices = collect(t, list);
	page_str(&t->doc, "", LOOK_PLAIN);
	put_titles(t, list);
	t->first_choice = t->doc.n;
	for (unsigned int i = 0; i < t->choices; i++)
		put_conn(t, list[i]);
	if (!t->choices)
		page_str(&t->doc, _("   none since this screen was opened"), LOOK_DIM);
}

/* ---- all of it ---- */

static void put_summary(struct top *t, const struct model *m, const struct listener *l)
{
	struct view s = { .cfg = t->v->cfg };
	struct out text;

	if (out_open(&text, -1))
		return;
	s.out = &text;
	s.cfg.color = true;		/* page_add() takes it for a look, */
	s.cfg.columns = 0;		/* and breaks lines itself */
	text.ascii = !s.cfg.utf8;
	summary_listener(&s, m, l);
	if (text.len)
		page_add(&t->doc, text.buf + 1, text.len - 1, SUMMARY_AT);	/* without the empty line */
	text.len = 0;
	out_close(&text);
}

static void put_findings(struct top *t)
{
	char text[TOP_FINDING_TEXT + 4];

	for (unsigned int i = 0; i < t->findings.n; i++) {
		if (t->findings.one[i].listener != t->open.listener)
			continue;
		snprintf(text, sizeof(text), "! %s", t->findings.one[i].text);
		page_add(&t->doc, text, strlen(text), 2);
	}
}

void top_listener_put(struct top *t)
{
	const struct model *m;
	const struct listener *l = find(t, t->open.listener, &m);

	page_clear(&t->doc, t->page.columns);
	t->choices = 0;
	if (!l) {
		page_str(&t->doc, t->v->cfg.live ? _("This listener is gone.") :
			 _("This listener is not there at this moment of the recording."), LOOK_BOLD);
		return;
	}
	put_findings(t);
	put_summary(t, m, l);
	put_refused(t);
	put_waits(t, m, l);
	put_conns(t);
}
