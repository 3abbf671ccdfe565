// SPDX-License-Identifier: GPL-2.0-only
/*
 * `tcptrace listeners`: both queues of every listener, now, like ss -ltn.
 *
 * SYNQ    ACCEPTQ LIMIT   DROPS LOCAL                 NETNS      PID     COMM            FD
 * 0/511   3/511   511     12    0.0.0.0:8080          4026531840 1234    nginx           6
 *
 * LIMIT is the one in force, of both; DROPS the kernel's sk_drops since the listener was made: what
 * ss -m shows as d12. It rises by two where a third packet is refused (tcp_v4_rcv()).
 * Where the terminal's width is known the columns are as wide as what is in them, and those go
 * that there is no room for.
 */
#include "../lib/tr.h"
#include "../model/figure.h"
#include "jsonout.h"
#include "members.h"
#include "view.h"

enum column { SYNQ, ACCEPTQ, LIMIT, DROPS, LOCAL, NETNS, PID, COMM, FD, PLACE, COLUMNS };

static const struct {
	const char *title;
	uint8_t width;			/* where the terminal's is unknown */
} columns[COLUMNS] = {
	[SYNQ] = { "SYNQ", 9 }, [ACCEPTQ] = { "ACCEPTQ", 9 }, [LIMIT] = { "LIMIT", 7 }, [DROPS] = { "DROPS", 5 },
	[LOCAL] = { "LOCAL", 21 }, [NETNS] = { "NETNS", 10 }, [PID] = { "PID", 7 }, [COMM] = { "COMM", 15 },
	[FD] = { "FD", 5 }, [PLACE] = { "PLACE", 0 },
};

/* What goes where there is no room, in this order. LIMIT stands beside both queues, too. */
static const enum column dropped[] = { LIMIT, FD, NETNS, PID, DROPS };

#define COMM_MAX	15u
#define PLACE_MIN	5u		/* its title */
#define PLACE_MAX	32u		/* others go for so much of a place; it takes what they leave */

struct listeners {
	struct out *o;
	const struct model *m;
	const struct listeners_config *cfg;
	unsigned int width[COLUMNS];	/* 0: not shown */
	enum column last;
	uint32_t netns;			/* of the first */
	bool namespaces;		/* there are others */
};

static void put_number(struct out *o, bool known, uint64_t n)
{
	if (known)
		out_u64(o, n);
	else
		out_char(o, '-');
}

/* Live it is what the snapshot found; at the end of a recording what its steps have made of that, if all are there. */
static bool now_known(const struct model *m, const struct listener *l, const struct listeners_config *cfg, bool synq)
{
	return cfg->counts ? figure_known(m, l, synq ? FIGURE_SYNQ_NOW : FIGURE_ACCEPTQ_NOW) : l->lengths_ns != 0;
}

static void put_queue(const struct listeners *t, const struct listener *l, bool synq)
{
	put_number(t->o, now_known(t->m, l, t->cfg, synq), synq ? l->synq.now : l->acceptq.now);
	out_char(t->o, '/');
	put_number(t->o, l->limit_known, l->limit);
}

/* A name from outside, or "-"; the columns it takes. */
static unsigned int put_name(struct out *o, const char *name, size_t size, unsigned int max)
{
	unsigned int n = name ? out_safe_cut(o, name, size, max) : 0;

	if (!n)
		out_char(o, '-');
	return n ? n : 1;
}

static unsigned int put_place(const struct listeners *t, const struct listener *l, unsigned int max)
{
	const struct proc_place *p = listener_place(t->m, l);
	char name[PLACE_NAME_MAX];

	if (!p)
		return put_name(t->o, NULL, 0, 0);
	place_name(p, name);
	return put_name(t->o, name, sizeof(name), max);
}

/* The columns that it takes. */
static unsigned int put_value(const struct listeners *t, const struct listener *l, enum column c)
{
	static const struct owner nobody = { .fd = -1 };
	const struct owner *w = listener_keeper(l) ? listener_keeper(l) : &nobody;
	const char *netns = NULL;
	struct out *o = t->o;
	size_t from = o->len;

	if (l->netns && t->cfg->netns_name)
		netns = t->cfg->netns_name(l->netns, l->born_ns, listener_until(l));
	switch (c) {
	case SYNQ: case ACCEPTQ: put_queue(t, l, c == SYNQ); break;
	case LIMIT: put_number(o, l->limit_known, l->limit); break;
	case DROPS: put_number(o, l->sk_drops_known, l->sk_drops); break;
	case LOCAL: out_endpoint(o, l->laddr, l->lport); break;
	case NETNS:
		if (netns)
			return put_name(o, netns, strlen(netns), 31);
		put_number(o, l->netns != 0, l->netns);
		break;
	case PID: put_number(o, w->pid != 0, w->pid); break;
	case COMM: return put_name(o, w->comm, TCPTRACE_COMM_LEN, COMM_MAX);
	case FD: put_number(o, w->pid && w->fd >= 0, (uint64_t)w->fd); break;
	case PLACE: return put_place(t, l, t->cfg->columns ? t->width[PLACE] : 4 * PLACE_NAME_MAX);
	case COLUMNS: break;
	}
	return (unsigned int)(o->len - from);
}

static void end_cell(const struct listeners *t, enum column c, unsigned int taken)
{
	if (c == t->last)
		out_line_end(t->o);
	else
		out_spaces(t->o, taken < t->width[c] ? t->width[c] - taken + 1 : 1);
}

static void put_row(const struct listeners *t, const struct listener *l)
{
	for (unsigned int c = 0; c < COLUMNS; c++)
		if (t->width[c])
			end_cell(t, c, put_value(t, l, c));
}

static void put_header(const struct listeners *t)
{
	for (unsigned int c = 0; c < COLUMNS; c++) {
		if (!t->width[c])
			continue;
		out_str(t->o, columns[c].title);
		end_cell(t, c, (unsigned int)strlen(columns[c].title));
	}
}

static bool is_picked(const struct listeners_config *cfg, const struct listener *l)
{
	return l->open && (!cfg->pick || cfg->pick(cfg->ctx, l));
}

/* What was written to see how wide it is goes again. */
static void measure(struct listeners *t, const struct listener *l)
{
	for (unsigned int c = 0; c < COLUMNS; c++) {
		size_t from = t->o->len;
		unsigned int n = c == PLACE ? put_place(t, l, PLACE_MAX) : put_value(t, l, c);

		t->o->len = from;
		if (t->width[c] && n > t->width[c])
			t->width[c] = n;
	}
}

static unsigned int all_columns(const struct listeners *t)
{
	unsigned int sum = 0;

	for (unsigned int c = 0; c < COLUMNS; c++)
		sum += t->width[c] ? t->width[c] + 1 : 0;
	return sum - 1;
}

/* As wide as what is in them; then those go that there is no room for, NETNS first where all are of one. */
static void fit(struct listeners *t)
{
	unsigned int max = t->cfg->columns, others;

	if (!t->namespaces && all_columns(t) > max)
		t->width[NETNS] = 0;
	for (unsigned int i = 0; i < sizeof(dropped) / sizeof(dropped[0]) && all_columns(t) > max; i++)
		t->width[dropped[i]] = 0;
	others = all_columns(t) - t->width[PLACE];
	if (t->width[PLACE])
		t->width[PLACE] = others + PLACE_MIN < max ? max - others : PLACE_MIN;
}

static void lay_out(struct listeners *t)
{
	const struct listener *l;

	for (uint32_t i = 0; !t->width[PLACE] && (l = model_listener(t->m, i)); i++)
		t->width[PLACE] = is_picked(t->cfg, l) && listener_place(t->m, l) ? PLACE_MIN : 0;
	for (unsigned int c = 0; c < PLACE; c++)
		t->width[c] = t->cfg->columns ? (unsigned int)strlen(columns[c].title) : columns[c].width;
	out_make_room(t->o, OUT_LINE_MAX);
	for (uint32_t i = 0; (l = model_listener(t->m, i)); i++) {
		if (!is_picked(t->cfg, l))
			continue;
		t->netns = t->netns ? t->netns : l->netns;
		t->namespaces |= l->netns && l->netns != t->netns;
		if (t->cfg->columns)
			measure(t, l);
	}
	if (t->cfg->columns)
		fit(t);
	for (unsigned int c = 0; c < COLUMNS; c++)
		t->last = t->width[c] ? c : t->last;
}

static void put_line(struct members *t, const struct model *m, const struct listener *l,
		     const struct listeners_config *cfg)
{
	bool synq = now_known(m, l, cfg, true);

	listener_name(t, m, l);
	member_u64(t, "synq_now", synq, l->synq.now);
	member_u64(t, "synq_young", synq, l->synq_young);
	member_u64(t, "acceptq_now", now_known(m, l, cfg, false), l->acceptq.now);
	member_u64(t, "oldest_ns", figure_known(m, l, FIGURE_ACCEPTQ_OLDEST), model_oldest_wait(m, &l->acceptq));
	member_u64(t, "sk_drops", l->sk_drops_known, l->sk_drops);
	member_into(t, NULL, cfg->counts);
	listener_counts(t, m, l);
	member_out(t);
	members_end(t);
}

static void put_titles(const struct listeners *t)
{
	struct members line;

	if (t->cfg->json || t->cfg->no_header)
		return;
	if (!t->cfg->csv) {
		put_header(t);
		return;
	}
	members_header(&line, t->o);
	put_line(&line, t->m, &listener_none, t->cfg);
}

/* The table is large, and not without end. */
static void put_unseen(struct out *o, uint64_t n, bool json)
{
	if (!n)
		return;
	if (json) {
		out_str(o, "{\"type\":\"end\"");
		json_u64(o, "listeners_unseen", n);
		out_char(o, '}');
	} else {
		out_u64(o, n);
		out_str(o, _(" more listeners are not shown (table full)"));
	}
	out_line_end(o);
}

void listeners_print(struct out *o, const struct model *m, const struct listeners_config *cfg)
{
	struct listeners t = { .o = o, .m = m, .cfg = cfg };
	const struct listener *l;
	struct members line;

	lay_out(&t);
	put_titles(&t);
	for (uint32_t i = 0; (l = model_listener(m, i)); i++) {
		if (!is_picked(cfg, l))
			continue;
		if (!cfg->json && !cfg->csv) {
			put_row(&t, l);
			continue;
		}
		members_begin(&line, o, cfg->json, "listener");
		put_line(&line, m, l, cfg);
	}
	if (!cfg->csv)
		put_unseen(o, model_totals(m)->listeners_unseen, cfg->json);
}
