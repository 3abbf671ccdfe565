/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `tcptrace listeners`: both queues of every listener, now, like ss -ltn.
 *
 * SYNQ    ACCEPTQ BACKLOG DROPS LOCAL                 NETNS      PID     COMM            FD
 * 0/511   3/511   511     12    0.0.0.0:8080          4026531840 1234    nginx           6
 *
 * BACKLOG is the limit in force, DROPS the kernel's sk_drops since the listener was made: what
 * ss -m shows as d12. It rises by two where a third packet is refused (tcp_v4_rcv()).
 */
#include "../lib/tr.h"
#include "../model/figure.h"
#include "jsonout.h"
#include "view.h"

static void put_of(struct out *o, uint32_t n, const struct listener *l)
{
	size_t from = o->len;

	if (l->lengths_ns)
		out_u64(o, n);
	else
		out_char(o, '-');
	out_char(o, '/');
	if (l->limit_known)
		out_u64(o, l->limit);
	else
		out_char(o, '-');
	out_pad_to(o, from, 9);
	out_char(o, ' ');
}

static void put_number(struct out *o, bool known, uint64_t n, unsigned int width)
{
	size_t from = o->len;

	if (known)
		out_u64(o, n);
	else
		out_char(o, '-');
	out_pad_to(o, from, width);
	out_char(o, ' ');
}

static void put_netns(struct out *o, const struct listeners_config *cfg, uint32_t netns)
{
	const char *name = netns && cfg->netns_name ? cfg->netns_name(netns) : NULL;
	unsigned int columns;

	if (!name) {
		put_number(o, netns != 0, netns, 10);
		return;
	}
	columns = out_safe_cut(o, name, strlen(name), 31);
	out_spaces(o, columns < 10 ? 11 - columns : 1);
}

/* The last column, where anybody has one. */
static void put_place(struct out *o, const struct proc_place *p, size_t from)
{
	char name[PLACE_NAME_MAX] = "-";

	out_pad_to(o, from, 5);
	out_char(o, ' ');
	if (p)
		place_name(p, name);
	out_safe(o, name, sizeof(name));
}

static void put_row(struct out *o, const struct model *m, const struct listener *l, const struct listeners_config *cfg,
		    bool places)
{
	static const struct owner nobody = { .fd = -1 };
	const struct owner *w = listener_keeper(l) ? listener_keeper(l) : &nobody;
	size_t from;
	unsigned int col;

	put_of(o, l->synq.now, l);
	put_of(o, l->acceptq.now, l);
	put_number(o, l->limit_known, l->limit, 7);
	put_number(o, l->sk_drops_known, l->sk_drops, 5);
	from = o->len;
	out_endpoint(o, l->laddr, l->lport);
	out_pad_to(o, from, 21);
	out_char(o, ' ');
	put_netns(o, cfg, l->netns);
	put_number(o, w->pid != 0, w->pid, 7);
	col = w->comm[0] ? out_safe_cut(o, w->comm, TCPTRACE_COMM_LEN, 15) : 0;
	if (!col) {
		out_char(o, '-');
		col = 1;
	}
	out_spaces(o, col < 15 ? 16 - col : 1);
	from = o->len;
	if (w->pid && w->fd >= 0)
		out_u64(o, (uint64_t)w->fd);
	else
		out_char(o, '-');
	if (places)
		put_place(o, listener_place(m, l), from);
	out_line_end(o);
}

static void put_object(struct out *o, const struct model *m, const struct listener *l,
		       const struct listeners_config *cfg)
{
	out_str(o, "{\"type\":\"listener\"");
	json_listener_name(o, m, l);
	if (l->lengths_ns) {
		json_u64(o, "synq_now", l->synq.now);
		json_u64(o, "synq_young", l->synq_young);
		json_u64(o, "acceptq_now", l->acceptq.now);
	}
	if (figure_known(m, l, FIGURE_ACCEPTQ_OLDEST))
		json_u64(o, "oldest_ns", model_oldest_wait(m, &l->acceptq));
	if (l->sk_drops_known)
		json_u64(o, "sk_drops", l->sk_drops);
	if (cfg->counts)
		json_listener_counts(o, m, l);
	out_char(o, '}');
	out_line_end(o);
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

static bool is_picked(const struct listeners_config *cfg, const struct listener *l)
{
	return l->open && (!cfg->pick || cfg->pick(cfg->ctx, l));
}

void listeners_print(struct out *o, const struct model *m, const struct listeners_config *cfg)
{
	const struct listener *l;
	bool places = false;
	uint32_t i;

	for (i = 0; !places && (l = model_listener(m, i)); i++)
		places = is_picked(cfg, l) && listener_place(m, l);
	if (!cfg->json && !cfg->no_header) {
		out_str(o, "SYNQ      ACCEPTQ   BACKLOG DROPS LOCAL                 "
			   "NETNS      PID     COMM            FD");
		if (places)
			out_str(o, "    PLACE");
		out_line_end(o);
	}
	for (i = 0; (l = model_listener(m, i)); i++) {
		if (!is_picked(cfg, l))
			continue;
		if (cfg->json)
			put_object(o, m, l, cfg);
		else
			put_row(o, m, l, cfg, places);
	}
	put_unseen(o, model_totals(m)->listeners_unseen, cfg->json);
}
