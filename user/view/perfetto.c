// SPDX-License-Identifier: GPL-2.0-only
/*
 * The view `perfetto`: a trace for the UI of Perfetto, beside those of perf and ftrace.
 *
 *     0.0.0.0:8080 nginx[4242]     accept queue, SYN queue, limit: counters; refused: instants
 *       connections                conn 17 10.0.0.5:43210 [ SYN queue | accept queue | open | closing ]
 *     nginx[4242]
 *       nginx 4242                 accept()   close()
 *
 * Arrows lead from a client's connect() to the accept queue that it came into, and from
 * there to the accept() that took it. Kept are who has a lane, the clients and threads
 * seen last: 2 MB at most.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/sized.h"
#include "../lib/tr.h"
#include "pair.h"
#include "perfetto.h"

#define THREADS		SIZED(4096u, 16u)	/* told apart; a power of two */
#define CLIENTS		SIZED(8192u, 16u)	/* whose server's end may come; those seen last */

struct thread {
	uint32_t pid, tid;		/* tid 0: none */
	uint64_t last_ns;		/* end of its last call */
	bool process;			/* the first of its process: that one has a track */
};

struct client {
	struct tuple tuple;
	uint64_t conn;			/* 0: none, or its arrow has arrived */
};

struct perfetto {
	struct lanes_table lanes;
	struct client clients[CLIENTS];	/* by both ends */
	uint64_t called[CLIENTS];	/* conns whose connect() was seen, by number */
	struct thread threads[THREADS];
	unsigned int nthreads;
	struct wanted_pairs wanted;
	bool begun;
};

/* ---- threads and their calls ---- */

static void write_thread(struct view *v, const struct thread *t, const struct owner *who)
{
	char name[PERFETTO_NAME];
	unsigned int columns = TCPTRACE_COMM_LEN * 4;

	*put_safe_cut(name, who->comm, TCPTRACE_COMM_LEN, false, &columns) = 0;
	if (t->process)
		perfetto_track(v, &(struct perfetto_track){ .kind = TRACK_PROCESS, .uuid = wanted_hash('p', t->pid),
							    .name = name, .pid = t->pid });
	perfetto_track(v, &(struct perfetto_track){ .kind = TRACK_THREAD, .uuid = wanted_hash('t', t->tid),
						    .parent = wanted_hash('p', t->pid), .name = name, .pid = t->pid,
						    .tid = t->tid });
}

static bool has_track(const struct perfetto *p, uint32_t pid)
{
	for (unsigned int i = 0; i < THREADS; i++) {
		if (p->threads[i].tid && p->threads[i].pid == pid)
			return true;
	}
	return false;
}

/* Of who called; the first time its track is written. NULL: unknown, or no room. */
static struct thread *thread_of(struct view *v, const struct owner *who)
{
	struct perfetto *p = v->priv;
	struct thread *t;
	unsigned int i;

	if (!who || !who->pid || !who->tid)
		return NULL;
	for (i = who->tid % THREADS; p->threads[i].tid; i = (i + 1) % THREADS) {
		if (p->threads[i].tid == who->tid)
			return &p->threads[i];
	}
	if (p->nthreads > THREADS / 2)
		return NULL;
	p->nthreads++;
	t = &p->threads[i];
	*t = (struct thread){ .pid = who->pid, .tid = who->tid, .process = !has_track(p, who->pid) };
	write_thread(v, t, who);
	return t;
}

/* A slice from when the call began, if that is known; it does not begin before its thread's last one has ended. */
static void call(struct view *v, const struct model_event *ev, const char *name, uint64_t flow, uint64_t flow_end)
{
	const char *error = return_errno_name(ev->rec->ret);
	struct perfetto_note notes[] = {
		{ .key = "conn", .number = ev->conn }, { .key = error ? "errno" : "ret", .text = error,
							 .number = (uint64_t)ev->rec->ret }, { .key = NULL }
	};
	uint64_t t_ns = ev->rec->t_ns, from_ns = ev->has_dur && ev->dur_ns < t_ns ? t_ns - ev->dur_ns : t_ns;
	struct thread *t = thread_of(v, ev->who);
	uint64_t track;

	if (!t)
		return;
	track = wanted_hash('t', t->tid);
	from_ns = from_ns > t->last_ns ? from_ns : t->last_ns;
	t_ns = t_ns > from_ns ? t_ns : from_ns;
	perfetto_begin(v, &(struct perfetto_event){ .t_ns = from_ns, .track = track, .name = name, .flow = flow,
						    .notes = notes });
	if (flow_end)
		perfetto_instant(v, &(struct perfetto_event){ .t_ns = t_ns, .track = track, .name = "from the accept queue",
							      .flow_end = flow_end });
	perfetto_end(v, t_ns, track);
	t->last_ns = t_ns;
}

/* ---- arrows from clients ---- */

/* Both its ends are known before the third packet leaves, and so before the server's end is in the accept queue. */
static void remember_client(struct perfetto *p, const struct model_event *ev)
{
	if (!ev->c)
		return;
	if (ev->event == TCPTRACE_CONNECT)
		p->called[ev->conn % CLIENTS] = ev->conn;
	else if (ev->event == TCPTRACE_STATE && ev->old == TCP_S_SYN_SENT && ev->new == TCP_S_ESTABLISHED &&
		 p->called[ev->conn % CLIENTS] == ev->conn)
		p->clients[pair_hash(&ev->c->tuple) % CLIENTS] = (struct client){ ev->c->tuple, ev->conn };
}

static struct client *client_of(struct perfetto *p, const struct conn *server)
{
	struct client *c = &p->clients[pair_hash(&server->tuple) % CLIENTS];

	return c->conn && pair_fit(&server->tuple, &c->tuple, true) ? c : NULL;
}

/* A server's end is in the accept queue, or was accepted: the arrow from its client's connect() ends there. */
static void arrive(struct view *v, struct lanes *s, const struct model_event *ev, enum stage stage)
{
	struct client *c = client_of(v->priv, ev->c);

	if (lanes_stage(v, s, ev, stage, c ? wanted_hash('C', c->conn) : 0) && c)
		c->conn = 0;
}

/* ---- listeners ---- */

static void count(struct view *v, struct lanes *s, const struct model_event *ev)
{
	uint64_t t_ns = ev->rec->t_ns;

	if (!ev->has_queues)
		return;
	if (!s->counted || s->acceptq != ev->acceptq)
		perfetto_count(v, t_ns, lanes_track(s, LANES_ACCEPTQ), ev->acceptq);
	if (!s->counted || s->synq != ev->synq)
		perfetto_count(v, t_ns, lanes_track(s, LANES_SYNQ), ev->synq);
	if (!s->counted || s->limit != ev->limit)
		perfetto_count(v, t_ns, lanes_track(s, LANES_LIMIT), ev->limit);
	s->counted = true;
	s->acceptq = ev->acceptq;
	s->synq = ev->synq;
	s->limit = ev->limit;
}

/* "refused acceptq-full-syn 10.0.0.5:43210" */
static void refused(struct view *v, const struct lanes *s, const struct model_event *ev)
{
	char name[PERFETTO_NAME], *p = put_str(put_mem(name, "refused ", 8), tcptrace_cause_name(ev->cause));
	struct perfetto_note notes[] = {
		{ .key = "cause", .text = tcptrace_cause_name(ev->cause) }, { .key = "accept queue", .number = ev->acceptq },
		{ .key = "SYN queue", .number = ev->synq }, { .key = NULL }
	};

	if (ev->rec->rport) {
		*p++ = ' ';
		p = put_endpoint(p, ev->rec->raddr, ev->rec->rport);
	}
	*p = 0;
	if (!ev->has_queues)
		notes[1].key = NULL;
	perfetto_instant(v, &(struct perfetto_event){
		.t_ns = ev->rec->t_ns, .track = lanes_track(s, LANES_REFUSED), .name = name, .notes = notes,
	});
}

static void moved(struct view *v, struct lanes *s, const struct model_event *ev)
{
	if (ev->new == TCP_S_CLOSE || ev->new == TCP_S_TIME_WAIT)
		lanes_gone(v, s, ev);
	else if (ev->new == TCP_S_FIN_WAIT1 || ev->new == TCP_S_CLOSE_WAIT || ev->new == TCP_S_LAST_ACK)
		lanes_stage(v, s, ev, STAGE_CLOSING, 0);
}

/* A connection of a listener goes its way. */
static void server_step(struct view *v, struct lanes *s, const struct model_event *ev)
{
	switch (ev->event) {
	case TCPTRACE_SYNQ_ADD:
		lanes_stage(v, s, ev, STAGE_SYNQ, 0);
		break;
	case TCPTRACE_SYNQ_DEL:
		if (ev->cause != TCPTRACE_SYNQ_ESTABLISHED)
			lanes_gone(v, s, ev);
		break;
	case TCPTRACE_ACCEPTQ_ADD:
		arrive(v, s, ev, STAGE_ACCEPTQ);
		break;
	case TCPTRACE_EXISTS:
		if (ev->flags & TCPTRACE_F_QUEUED)
			arrive(v, s, ev, STAGE_ACCEPTQ);
		break;
	case TCPTRACE_ACCEPTQ_DEL:
		if (ev->cause == TCPTRACE_ACCEPTQ_CLOSED)
			lanes_gone(v, s, ev);
		else
			arrive(v, s, ev, STAGE_OPEN);
		break;
	case TCPTRACE_STATE:
		moved(v, s, ev);
		break;
	case TCPTRACE_DESTROY:
		lanes_gone(v, s, ev);
		break;
	}
}

/* NULL: of none, or there is no room for it. */
static struct lanes *of_listener(struct view *v, const struct model_event *ev)
{
	const struct listener *l = ev->l ? ev->l : ev->c ? ev->c->listener : NULL;
	struct perfetto *p = v->priv;
	struct lanes *s = l ? lanes_of(v, &p->lanes, l) : NULL;

	if (!s)
		return NULL;
	if (ev->l)
		count(v, s, ev);
	if (ev->event == TCPTRACE_DROP)
		refused(v, s, ev);
	else if (ev->c)
		server_step(v, s, ev);
	return s;
}

/* ---- the view ---- */

static int perfetto_open(struct view *v)
{
	v->priv = calloc(1, sizeof(struct perfetto));
	return v->priv ? 0 : -ENOMEM;
}

static void perfetto_step(struct view *v, const struct model_event *ev)
{
	struct perfetto *p = v->priv;
	struct lanes *s;

	remember_client(p, ev);
	if (wanted_event(&p->wanted, v, ev) != WANTED)
		return;
	if (!p->begun)
		perfetto_clock(v, ev->rec->t_ns);
	p->begun = true;
	s = of_listener(v, ev);
	switch (ev->event) {
	case TCPTRACE_ACCEPT:
		call(v, ev, "accept()", 0, s ? lanes_flow(s, ev->conn) : 0);
		break;
	case TCPTRACE_CONNECT_RETURN:
		call(v, ev, "connect()", ev->conn ? wanted_hash('C', ev->conn) : 0, 0);
		break;
	case TCPTRACE_CLOSE:
		call(v, ev, "close()", 0, 0);
		break;
	}
}

/* What found no room is said where it would be. */
static void perfetto_listener(struct view *v, const struct model *m, const struct listener *l)
{
	struct perfetto *p = v->priv;
	struct lanes *s = p->lanes.by_id[l->id % LANE_LISTENERS];

	while (s && s->id != l->id)
		s = s->next;
	if (!s || !s->left)
		return;
	perfetto_instant(v, &(struct perfetto_event){
		.t_ns = model_totals(m)->last_ns, .track = lanes_track(s, LANES_REFUSED), .name = "connections left out",
		.notes = (const struct perfetto_note[]){ { .key = "no lane was free", .number = s->left }, { .key = NULL } },
	});
}

/* A trace of nothing can be opened, an empty file cannot. */
static void perfetto_sum_up(struct view *v, const struct view_end *end)
{
	struct perfetto *p = v->priv;

	if (p->begun)
		return;
	perfetto_clock(v, end->totals->first_ns ? end->totals->first_ns : v->cfg.start_ns);
	v->remark = _("perfetto: the trace is empty: no step was seen of what was asked for");
}

static int perfetto_close(struct view *v)
{
	struct perfetto *p = v->priv;

	if (p)
		lanes_free(&p->lanes);
	free(p);
	v->priv = NULL;
	return 0;
}

const struct view_ops view_perfetto = {
	.name = "perfetto",
	.help = N_("a trace for the UI of Perfetto"),
	.file = VIEW_WHOLE,
	.both_ends = true,
	.open = perfetto_open,
	.event = perfetto_step,
	.listener = perfetto_listener,
	.end = perfetto_sum_up,
	.close = perfetto_close,
};
