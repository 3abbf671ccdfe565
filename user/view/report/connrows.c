// SPDX-License-Identifier: GPL-2.0-only
/*
 * What became of each connection: a row each, whether it lasts or is over. When the
 * table is full, half of it is given up, as choose.c has it. A connection that goes
 * on after that has a row again, with what the model still knows of it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../pair.h"
#include "report.h"

#define CHAINS	SIZED(8192u, 16u)

int connrows_init(struct conn_rows *c)
{
	c->rows = malloc(REPORT_ROWS * sizeof(*c->rows));
	c->table = calloc(CHAINS, sizeof(*c->table));
	return c->rows && c->table ? 0 : -ENOMEM;
}

void connrows_free(struct conn_rows *c)
{
	free(c->rows);
	free(c->table);
}

/* ---- finding them ---- */

static uint64_t key_of(uint64_t conn, const struct tuple *t)
{
	uint64_t w[5];

	if (conn)
		return conn;
	memcpy(w, t, sizeof(w));
	return choose_spread(w[0] ^ choose_spread(w[1] ^ choose_spread(w[2] ^ choose_spread(w[3] ^ w[4]))));
}

_Static_assert(sizeof(struct tuple) == 5 * sizeof(uint64_t), "the key is all of it");

static struct conn_row **chain(const struct conn_rows *c, uint64_t conn, const struct tuple *t)
{
	return &c->table[key_of(conn, t) % CHAINS];
}

static void add_to_chain(struct conn_rows *c, struct conn_row *row)
{
	struct conn_row **p = chain(c, row->conn, &row->tuple);

	row->next = *p;
	*p = row;
}

struct conn_row *connrows_find(const struct conn_rows *c, uint64_t conn)
{
	struct conn_row *row = conn ? *chain(c, conn, NULL) : NULL;

	while (row && row->conn != conn)
		row = row->next;
	return row;
}

static struct conn_row *find_ends(const struct conn_rows *c, const struct tuple *t)
{
	struct conn_row *row = *chain(c, 0, t);

	while (row && (row->conn || memcmp(&row->tuple, t, sizeof(*t))))
		row = row->next;
	return row;
}

static void unchain(struct conn_rows *c, struct conn_row *row)
{
	struct conn_row **p = chain(c, row->conn, &row->tuple);

	while (*p && *p != row)
		p = &(*p)->next;
	if (*p)
		*p = row->next;
}

/* ---- making room ---- */

static bool lasts(const struct conn_row *row)
{
	return row->outcome == CONN_IN_SYNQ || row->outcome == CONN_IN_ACCEPTQ || row->outcome == CONN_CONNECTING;
}

static uint64_t longest(const struct conn_row *row, uint64_t now_ns)
{
	const uint64_t waits[] = { row->synq_ns, row->acceptq_ns, row->listener ? UNKNOWN : row->call_ns };
	uint64_t most = 0;

	for (unsigned int i = 0; i < 3; i++) {
		if (waits[i] != UNKNOWN && waits[i] > most)
			most = waits[i];
	}
	if (lasts(row) && row->born_ns != UNKNOWN && now_ns > row->born_ns && now_ns - row->born_ns > most)
		most = now_ns - row->born_ns;
	return most;
}

struct candidate conn_candidate(struct conn_row *row, uint64_t now_ns)
{
	bool failed = row->refused || row->outcome == CONN_EXPIRED || row->outcome == CONN_FAILED ||
		      row->outcome == CONN_LISTENER_CLOSED || row->outcome == CONN_RESET ||
		      row->outcome == CONN_DROPPED;

	return (struct candidate){
		.trouble = failed ? 2 : row->again || row->reset,
		.wait_ns = longest(row, now_ns),
		.spread = choose_spread(row->conn),
		.what = row,
	};
}

static int by_place(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	return x->what < y->what ? -1 : x->what > y->what;
}

static void keep_half(struct conn_rows *c, struct candidate *all)
{
	unsigned int i;

	for (i = 0; i < c->n; i++)
		all[i] = conn_candidate(&c->rows[i], c->now_ns);
	choose(all, c->n, REPORT_ROWS / 2);
	qsort(all, REPORT_ROWS / 2, sizeof(*all), by_place);
	memset(c->table, 0, CHAINS * sizeof(*c->table));
	c->n = REPORT_ROWS / 2;
	for (i = 0; i < c->n; i++) {
		c->rows[i] = *(struct conn_row *)all[i].what;
		if (!c->rows[i].earlier)
			add_to_chain(c, &c->rows[i]);
	}
	c->thinned = true;
}

static bool make_room(struct conn_rows *c)
{
	struct candidate *all;

	if (c->n < REPORT_ROWS)
		return true;
	all = malloc(c->n * sizeof(*all));
	if (!all)
		return false;
	keep_half(c, all);
	free(all);
	return true;
}

/* ---- rows ---- */

static bool begins(const struct model_event *ev)
{
	return ev->event == TCPTRACE_SYNQ_ADD || ev->event == TCPTRACE_CONNECT || ev->event == TCPTRACE_COOKIE_OK ||
	       !ev->conn;
}

/* Does it show that there is a connection, and not only a socket? */
static bool connects(const struct model_event *ev)
{
	switch (ev->event) {
	case TCPTRACE_SOCKET: case TCPTRACE_BIND: case TCPTRACE_LISTEN: case TCPTRACE_CLOSE:
	case TCPTRACE_SHUTDOWN: case TCPTRACE_DESTROY:
		return false;
	case TCPTRACE_EXISTS:
		return ev->flags & TCPTRACE_F_QUEUED || ev->new == TCP_S_NEW_SYN_RECV;
	case TCPTRACE_STATE:
		if (ev->new == TCP_S_LISTEN || ev->old == TCP_S_LISTEN)
			return ev->new == TCP_S_SYN_RECV;
		return ev->new != TCP_S_CLOSE && ev->new != TCP_S_TIME_WAIT;
	}
	return true;
}

static struct conn_row *new_row(struct conn_rows *c, const struct model_event *ev)
{
	const struct conn *m = ev->c;
	struct conn_row *row;

	if (!make_room(c))
		return NULL;
	row = &c->rows[c->n++];
	*row = (struct conn_row){
		.conn = ev->conn, .tuple = step_ends(ev), .who.fd = -1,
		.born_ns = begins(ev) ? ev->rec->t_ns : m && m->born_ns ? m->born_ns : UNKNOWN,
		.end_ns = UNKNOWN, .synq_ns = UNKNOWN, .acceptq_ns = UNKNOWN, .call_ns = UNKNOWN,
		.synq_in_ns = m && m->synq_ns ? m->synq_ns : UNKNOWN,
		.acceptq_in_ns = m && m->acceptq_ns ? m->acceptq_ns : UNKNOWN,
	};
	if (row->synq_in_ns != UNKNOWN && row->acceptq_in_ns != UNKNOWN && row->acceptq_in_ns > row->synq_in_ns)
		row->synq_ns = row->acceptq_in_ns - row->synq_in_ns;
	row->counted = c->thinned && !begins(ev);
	add_to_chain(c, row);
	return row;
}

/* Its SYN was refused before, and came again. */
static struct conn_row *refused_before(struct conn_rows *c, const struct model_event *ev)
{
	const struct tuple t = step_ends(ev);
	struct conn_row *row = ev->l && begins(ev) ? find_ends(c, &t) : NULL;

	if (!row)
		return NULL;
	unchain(c, row);
	row->conn = ev->conn;
	add_to_chain(c, row);
	return row;
}

static struct conn_row *row_of(struct conn_rows *c, const struct model_event *ev)
{
	const struct tuple t = step_ends(ev);
	struct conn_row *row;

	if (!ev->conn) {
		if ((ev->event != TCPTRACE_DROP && ev->event != TCPTRACE_COOKIE_BAD) || !t.lport || !t.rport)
			return NULL;
		row = find_ends(c, &t);
		return row ? row : new_row(c, ev);
	}
	row = connrows_find(c, ev->conn);
	/* connect() on a socket whose connection is over: another one, of the same number */
	if (row && ev->event == TCPTRACE_CONNECT && row->end_ns != UNKNOWN) {
		unchain(c, row);
		row->earlier = true;
		row = NULL;
	}
	if (!row)
		row = refused_before(c, ev);
	return row || !connects(ev) ? row : new_row(c, ev);
}

void connrows_event(struct conn_rows *c, const struct model_event *ev, enum wanted wanted)
{
	struct conn_row *row;

	c->now_ns = ev->rec->t_ns;
	row = row_of(c, ev);
	if (!row)
		return;
	if (row->conn && ev->c && (ev->c->lport || ev->c->rport))
		row->tuple = ev->c->tuple;
	if (ev->who && ev->who->pid)
		row->who = *ev->who;
	if (ev->l)
		row->listener = ev->l->id;
	row->wanted |= wanted == WANTED;
	c->seen += row->wanted && !row->counted;
	row->counted |= row->wanted;
	connrow_step(row, ev);
}
