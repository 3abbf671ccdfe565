// SPDX-License-Identifier: GPL-2.0-only
/*
 * The view `conns`: one line a connection when it is over, and how it ended. It keeps the life of each (model/life.c),
 * joins the two ends of those that have both here, and waits a moment for what comes after the last transition.
 */
#include <errno.h>
#include <stdlib.h>

#include "../../lib/tr.h"
#include "../jsonout.h"
#include "../pair.h"
#include "conns.h"

#define MILLISECOND	1000000ull
#define LOOK_EVERY	(50 * MILLISECOND)
#define QUIET		(130000 * MILLISECOND)	/* a SYN that was refused comes again after 1, 2, 4 ... 64 s */
#define SEEN_ALL	(~0ull)

struct conns {
	struct lives lives;
	struct sums sums;
	struct rows rows;
	struct sorted sorted;
	struct view_clock clock;
	uint64_t looked_ns, swept_ns, last_ns;
	uint64_t seen[MODEL_HOSTS];	/* a bit for each event that is seen */
	uint64_t sweep_ns[MODEL_HOSTS];	/* when the last snapshot began */
};

static const struct conns_config no_config;

static const struct conns_config *config(const struct view *v)
{
	return v->cfg.conns ? v->cfg.conns : &no_config;
}

static int conns_open(struct view *v)
{
	struct conns *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	v->priv = s;
	v->out->ascii = !v->cfg.utf8 && !v->cfg.csv;
	for (unsigned int i = 0; i < MODEL_HOSTS; i++)
		s->seen[i] = SEEN_ALL;
	s->sums.all = calloc(SUMS, sizeof(*s->sums.all));
	err = s->sums.all ? lives_init(&s->lives) : -ENOMEM;
	if (v->cfg.hosts && v->cfg.json)
		hosts_json(v->out, v->cfg.hosts);
	if (!err && v->cfg.csv && !v->cfg.no_header)
		keys_header(v);
	return err;
}

/* ---- a line ---- */

static bool took(uint64_t ns, uint64_t min_ns)
{
	return ns != TIME_UNKNOWN && ns >= min_ns;
}

static bool wanted(const struct view *v, const struct life *x, const struct conn_row *r)
{
	const struct conns_config *c = config(v);
	unsigned int picks = x->picks | (x->peer ? x->peer->picks : 0);

	if (v->cfg.picks && !(picks & PICK_FILTER))
		return false;
	if (v->cfg.trouble && life_well(r->end))
		return false;
	if (c->ends_wanted && !(c->ends_wanted >> r->end & 1))
		return false;
	if (c->min_ns && !took(row_life_ns(r), c->min_ns) && !took(row_wait_ns(r), c->min_ns) &&
	    !took(row_connect_ns(r), c->min_ns))
		return false;
	return !c->min_bytes || (r->l->totals.known && r->l->totals.in + r->l->totals.out >= c->min_bytes);
}

/* What no event tells the last snapshot may have: nothing came of it since. */
static void found_last(const struct conns *s, const struct life *x, struct conn_row *r)
{
	if (r->end != LIFE_UNKNOWN || x->l.end_ns || !x->l.found_ns || x->l.found_ns < s->sweep_ns[x->host] ||
	    x->l.found_ns < x->l.last_ns)
		return;
	r->end = life_end(&x->l, x->l.found_ns, SEEN_ALL, &r->unobserved);
	r->until_ns = x->l.found_ns;
}

/* false: it is not wanted */
static bool make_row(struct view *v, struct life *x, uint64_t now_ns, struct conn_row *r)
{
	struct conns *s = v->priv;
	struct life *peer = config(v)->both ? NULL : x->peer;
	uint64_t unobserved;

	*r = (struct conn_row){ .l = &x->l, .peer = peer ? &peer->l : NULL };
	if (v->cfg.hosts) {
		r->host = host_word(v->cfg.hosts, x->host);
		r->peer_host = peer ? host_word(v->cfg.hosts, peer->host) : NULL;
	}
	r->until_ns = x->l.end_ns ? x->l.end_ns : now_ns;
	r->end = life_end(&x->l, now_ns, s->seen[x->host], &r->unobserved);
	found_last(s, x, r);
	r->deduced = life_deduced(&x->l, r->end);
	if (peer)
		r->peer_end = life_end(&peer->l, now_ns, s->seen[peer->host], &unobserved);
	return wanted(v, x, r);
}

static void put_row(struct view *v, const struct conn_row *r)
{
	struct conns *s = v->priv;

	if (v->cfg.json || v->cfg.csv)
		keys_put(v, &s->clock, r);
	else
		rows_put(v, &s->rows, r);
}

/* A line of a list that is put in order waits for the others. */
static void line(struct view *v, const struct conn_row *r)
{
	struct conns *s = v->priv;

	if (config(v)->sort)
		sorted_add(&s->sorted, config(v), r);
	else
		put_row(v, r);
}

/* The run goes on until it is looked at: what ends meanwhile, and what has not ended then, nobody asked for. */
static bool is_enough(const struct view *v)
{
	return config(v)->count && v->shown >= config(v)->count;
}

static void show(struct view *v, struct life *x, uint64_t now_ns)
{
	struct conns *s = v->priv;
	struct conn_row r;

	if (is_enough(v) || !make_row(v, x, now_ns, &r))
		return;
	sums_add(&s->sums, &r);
	v->shown++;
	if (!v->cfg.quiet)
		line(v, &r);
}

/* Of two ends of one connection the server's line tells of both; where it is not known which that is, the first one's. */
static bool is_told_by_peer(const struct view *v, const struct life *x)
{
	if (config(v)->both || !x->peer)
		return false;
	if (x->l.role == x->peer->l.role)
		return x->l.conn > x->peer->l.conn;
	return x->l.role == ROLE_CLIENT || x->peer->l.role == ROLE_SERVER;
}

static void finish(struct view *v, struct life *x, uint64_t now_ns)
{
	struct conns *s = v->priv;
	struct life *peer = x->peer;

	if (!x->told)
		show(v, x, now_ns);
	if (peer && !config(v)->both)
		peer->told = true;
	lives_drop(&s->lives, x);
}

/* The client's end waits for the server's line, which has its numbers in it. */
static bool is_due(const struct view *v, const struct life *x, uint64_t now_ns)
{
	if (!life_over(&x->l, now_ns))
		return false;
	if (x->peer && life_silent(&x->peer->l) && !life_over(&x->peer->l, now_ns))
		return false;			/* its RST is told after it has come here */
	return x->told || !is_told_by_peer(v, x);
}

/* The end of a client whose SYNs were refused: no more of them come, and their line tells of both. */
static void end_refused(struct view *v, struct life *x, uint64_t now_ns)
{
	if (x->peer && !x->peer->l.conn && life_over(&x->l, now_ns))
		finish(v, x->peer, now_ns);
}

static void look(struct view *v, uint64_t now_ns)
{
	struct conns *s = v->priv;
	struct life *x, *next;

	if (now_ns < s->looked_ns + LOOK_EVERY)
		return;
	s->looked_ns = now_ns;
	for (x = s->lives.first_over; x; x = next) {
		next = x->next_over;
		end_refused(v, x, now_ns);
		if (is_due(v, x, now_ns))
			finish(v, x, now_ns);
	}
	if (!s->lives.refused || now_ns < s->swept_ns + 1000 * MILLISECOND)
		return;
	s->swept_ns = now_ns;
	for (x = s->lives.oldest; x; x = next) {
		next = x->next;
		if (!x->l.conn && now_ns > x->l.last_ns + QUIET)
			finish(v, x, now_ns);
	}
}

/* ---- what comes ---- */

/* A SYN that was refused, again or for the first time. */
static void refused(struct view *v, const struct model_event *ev)
{
	struct conns *s = v->priv;
	struct tuple t = record_ends(ev->rec);
	struct life *x;

	if (!t.lport || !t.rport)
		return;
	x = lives_by_tuple(&s->lives, &t, ev->host, true);
	if (!x)
		x = lives_new(&s->lives, 0, ev->host);
	if (!x)
		return;
	if (!x->l.tries) {
		x->l.tuple = t;
		x->l.family = ev->rec->family;
		x->l.start_ns = x->l.seen_ns = ev->rec->t_ns;
		x->l.role = ROLE_SERVER;
		x->l.listener = ev->l ? ev->l->id : 0;
		if (ev->l && listener_keeper(ev->l))
			x->l.owner = *listener_keeper(ev->l);
		lives_pair(&s->lives, x);
	}
	x->l.tries++;
	x->l.synq_cause = ev->cause;
	x->l.end_ns = x->l.last_ns = ev->rec->t_ns;
	if (v->cfg.picks)
		x->picks |= v->cfg.picks(v->cfg.picks_ctx, ev);
}

/* It came in after all: no line of its own. */
static void came_in(struct conns *s, struct life *x)
{
	struct life *before = lives_by_tuple(&s->lives, &x->l.tuple, x->host, true);

	if (!before)
		return;
	x->l.tries = before->l.tries;
	x->l.start_ns = before->l.start_ns;
	lives_drop(&s->lives, before);
}

static bool is_syn_refused(const struct model_event *ev)
{
	return ev->event == TCPTRACE_DROP && !ev->c && ev->cause != TCPTRACE_DROP_ACCEPTQ_ACK &&
	       ev->cause != TCPTRACE_DROP_ACCEPTQ_COOKIE;
}

/* A RST for a socket that is gone, which answers data that came too late. */
static void late_reset(struct conns *s, const struct model_event *ev)
{
	struct tuple t = record_ends(ev->rec);
	struct life *x = t.lport && t.rport ? lives_by_tuple(&s->lives, &t, ev->host, false) : NULL;

	if (x && x->l.end_ns)
		life_answers(&x->l, ev->rec);
}

static void without_conn(struct view *v, const struct model_event *ev)
{
	if (is_syn_refused(ev))
		refused(v, ev);
	else if (ev->event == TCPTRACE_RST_SENT)
		late_reset(v->priv, ev);
}

/* It came in before us: no step said so, though one would have. */
static bool is_from_before(const struct conns *s, const struct model_event *ev)
{
	const uint64_t in = 1ull << TCPTRACE_ACCEPTQ_ADD | 1ull << TCPTRACE_STATE;

	return (ev->event == TCPTRACE_ACCEPT || ev->event == TCPTRACE_ACCEPTQ_DEL) && (s->seen[ev->host] & in) == in;
}

/* The life of the step's connection; one that is over already goes before the next one of the same number. */
static struct life *life_of(struct view *v, const struct model_event *ev)
{
	struct conns *s = v->priv;
	struct life *x = lives_by_conn(&s->lives, ev->conn);

	if (x && pair_is_none(ev, x->l.synq_ns)) {
		lives_drop(&s->lives, x);
		return NULL;
	}
	if (x && x->l.end_ns && ev->event == TCPTRACE_CONNECT) {
		finish(v, x, ev->rec->t_ns);
		x = NULL;
	}
	if (x || !life_begins(ev))
		return x;
	x = lives_new(&s->lives, ev->conn, ev->host);
	if (x)
		x->l.before = is_from_before(s, ev);
	return x;
}

static bool has_ends(const struct tuple *t)
{
	return t->lport && t->rport;
}

static void with_conn(struct view *v, const struct model_event *ev)
{
	struct conns *s = v->priv;
	struct life *x = life_of(v, ev);
	uint64_t isn;
	bool fresh;

	if (!x)
		return;
	fresh = !x->paired;
	if (x->paired && has_ends(&ev->c->tuple) && memcmp(&x->l.tuple, &ev->c->tuple, sizeof(x->l.tuple)))
		lives_unpair(&s->lives, x);
	life_step(&x->l, ev);
	isn = pair_isn(ev);
	if (isn && isn != x->isn)
		lives_set_isn(&s->lives, x, isn);
	if (v->cfg.picks)
		x->picks |= v->cfg.picks(v->cfg.picks_ctx, ev);
	if (fresh && has_ends(&x->l.tuple) && s->lives.refused)
		came_in(s, x);
	if (has_ends(&x->l.tuple) && (!x->paired || !x->peer))
		lives_pair(&s->lives, x);
	if (!x->l.end_ns)
		return;
	end_refused(v, x, ev->rec->t_ns);
	if (is_due(v, x, ev->rec->t_ns))
		finish(v, x, ev->rec->t_ns);
	else
		lives_wait(&s->lives, x);
}

static void conns_event(struct view *v, const struct model_event *ev)
{
	struct conns *s = v->priv;

	s->last_ns = ev->rec->t_ns;
	if (!v->cfg.start_ns)
		v->cfg.start_ns = ev->rec->t_ns;	/* of a recording, for -t */
	if (ev->c)
		with_conn(v, ev);
	else
		without_conn(v, ev);
	look(v, ev->rec->t_ns);
}

/* What is seen from now on; and connections that go on, which a sweep found again. */
static int conns_record(struct view *v, const struct tcptrace_record *rec, bool passed)
{
	struct conns *s = v->priv;
	struct life *x;
	struct tuple t;

	(void)passed;
	if (rec->t_ns > s->last_ns)		/* of a recording's end no step tells */
		s->last_ns = rec->t_ns;
	if (rec->event == TCPTRACE_OBSERVED && !(rec->flags & TCPTRACE_F_ACTOR)) {
		s->seen[v->host] = 0;
		for (unsigned int e = 1; e < TCPTRACE_EVENT_MAX; e++)
			s->seen[v->host] |= (uint64_t)!!(rec->arg >> TCPTRACE_SEEN_SHIFT(e) & 3) << e;
	}
	if (rec->event == TCPTRACE_SNAPSHOT && !(rec->flags & TCPTRACE_F_END))
		s->sweep_ns[v->host] = rec->t_ns;
	if (rec->event != TCPTRACE_EXISTS || rec->new == TCP_S_LISTEN)
		return 0;
	t = record_ends(rec);
	x = lives_by_tuple(&s->lives, &t, v->host, false);
	if (x && !x->l.end_ns)
		life_found(&x->l, rec);
	return 0;
}

static void conns_tick(struct view *v, const struct model *m, uint64_t now_ns)
{
	struct conns *s = v->priv;

	(void)m;
	s->last_ns = now_ns;
	look(v, now_ns);
}

static void conns_lost(struct view *v, uint64_t count, const char *where)
{
	if (v->cfg.json)
		json_lost(v, count, where);
}

static void owner_now(void *ctx, const struct conn *c)
{
	const struct conns *s = ctx;
	struct life *x = lives_by_conn(&s->lives, c->id);

	if (x && !x->l.end_ns)
		life_owner(&x->l, c, c->listener);
}

/* Of those that go on: before a list of them. */
static void owners_now(struct view *v)
{
	unsigned int n = v->cfg.hosts ? v->cfg.hosts->n : 1;

	for (unsigned int i = 0; v->cfg.models && i < n; i++)
		model_each_conn(v->cfg.models[i], owner_now, v->priv);
}

/* SYNs that were refused have no line among those that go on. */
static bool goes_on_there(const struct view *v, const struct life *x)
{
	return is_told_by_peer(v, x) && x->peer->l.conn;
}

/* -a -i: those that go on. For people with the bytes since the last list; programs can subtract. */
static void conns_interval(struct view *v, uint64_t now_ns)
{
	struct conns *s = v->priv;
	bool text = !v->cfg.json && !v->cfg.csv;

	owners_now(v);
	if (v->cfg.quiet) {		/* no list, and none is put in order */
		sums_put(v, &s->sums);
		return;
	}
	for (struct life *x = s->lives.oldest; x; x = x->next) {
		struct conn_row r;
		struct conn_life since;

		if (!x->l.conn || x->l.end_ns || goes_on_there(v, x) || !make_row(v, x, now_ns, &r))
			continue;
		since = x->l;
		since.totals.in -= x->was_in < since.totals.in ? x->was_in : since.totals.in;
		since.totals.out -= x->was_out < since.totals.out ? x->was_out : since.totals.out;
		x->was_in = x->l.totals.in;
		x->was_out = x->l.totals.out;
		if (text)
			r.l = &since;
		line(v, &r);
	}
	sorted_put(&s->sorted, config(v), v, put_row);
}

/* ---- the end ---- */

/* What has ended is shown; what goes on, with -a. */
static void conns_finish(struct view *v)
{
	struct conns *s = v->priv;
	struct life *x, *next;

	if (config(v)->all)
		owners_now(v);
	for (x = s->lives.first_over; x; x = next) {
		next = x->next_over;
		if (x->told || ((!x->l.orphan || life_over(&x->l, s->last_ns)) &&
				(!is_told_by_peer(v, x) || !x->peer->l.end_ns)))
			finish(v, x, s->last_ns);
	}
	for (x = s->lives.oldest; x; x = next) {
		next = x->next;
		if (!x->l.conn || (config(v)->all && !is_told_by_peer(v, x)))
			finish(v, x, s->last_ns);
	}
	sorted_put(&s->sorted, config(v), v, put_row);
}

static void conns_finding(struct view *v, const struct finding *f)
{
	if (v->cfg.json)
		json_finding(v, f);
	else if (!v->cfg.csv)
		summary_finding(v, f);
}

static void left_out(struct view *v, uint64_t n, const char *why)
{
	if (!n)
		return;
	out_line_end(v->out);
	out_u64(v->out, n);
	out_str(v->out, why);
	out_line_end(v->out);
}

static void conns_end(struct view *v, const struct view_end *end)
{
	struct conns *s = v->priv;

	if (v->cfg.json)
		json_end_line(v, end);
	if (v->cfg.json || v->cfg.csv)
		return;
	sums_put(v, &s->sums);
	left_out(v, s->lives.left_out, _(" connections not shown: no room to follow more at once"));
	left_out(v, s->sorted.left_out, _(" connections not shown: --sort has no room for more lines"));
	summary_end(v, end);
}

static int conns_close(struct view *v)
{
	struct conns *s = v->priv;

	if (s) {
		lives_free(&s->lives);
		sorted_free(&s->sorted);
		free(s->sums.all);
	}
	free(s);
	v->priv = NULL;
	return 0;
}

#define EVENT(name)	(1ull << TCPTRACE_##name)

const struct view_ops view_conns = {
	.name = "conns",
	.help = N_("one line a connection, when it is over, and how it ended"),
	.text = true,
	.json = true,
	.both_ends = true,
	.hosts = true,
	.events = EVENT(LISTEN) | EVENT(CONNECT) | EVENT(CONNECT_RETURN) | EVENT(ACCEPT) | EVENT(CLOSE) | EVENT(SYNQ_ADD) |
		  EVENT(SYNACK_RETRANS) | EVENT(SYNQ_DEL) | EVENT(ACCEPTQ_ADD) | EVENT(ACCEPTQ_DEL) | EVENT(DROP) |
		  EVENT(COOKIE_OK) | EVENT(STATE) | EVENT(RST_SENT) | EVENT(RST_RECEIVED) | EVENT(EXISTS) | EVENT(DESTROY),
	.open = conns_open,
	.event = conns_event,
	.record = conns_record,
	.tick = conns_tick,
	.interval = conns_interval,
	.sweeps = true,
	.lost = conns_lost,
	.finish = conns_finish,
	.finding = conns_finding,
	.end = conns_end,
	.close = conns_close,
};
