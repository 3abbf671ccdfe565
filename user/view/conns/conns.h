/* SPDX-License-Identifier: GPL-2.0-only */
/* The view `conns` inside: a connection that is to be shown, and who writes it as text, JSON or CSV. */
#ifndef TCPTRACE_CONNS_H
#define TCPTRACE_CONNS_H

#include "../../model/hist.h"
#include "../hosts.h"
#include "../view.h"
#include "lives.h"

/* One line: a connection as one end saw it, and what is known of the other end if that is on this machine, too. */
struct conn_row {
	const struct conn_life *l, *peer;	/* peer NULL: elsewhere, or not asked for */
	enum life_end end, peer_end;		/* peer_end: with peer */
	uint64_t unobserved;			/* events that would have decided */
	uint64_t until_ns;			/* of one that goes on: now; else its end */
	bool deduced;
	const char *host, *peer_host;		/* where there are several machines; else NULL */
};

#define TIME_UNKNOWN	UINT64_MAX

/* ---- value.c: what follows from a life ---- */

uint64_t row_life_ns(const struct conn_row *r);		/* TIME_UNKNOWN; of one that was there before: at least */
uint64_t row_wait_ns(const struct conn_row *r);		/* accept queue; client: connect() */
uint64_t row_synq_ns(const struct conn_row *r);
uint64_t row_acceptq_ns(const struct conn_row *r);
uint64_t row_connect_ns(const struct conn_row *r);
uint64_t row_handshake_ns(const struct conn_row *r);
uint64_t row_open_ns(const struct conn_row *r);
uint64_t row_closing_ns(const struct conn_row *r);
uint64_t row_rtt_ns(const struct conn_row *r);		/* shortest */
uint64_t row_srtt_ns(const struct conn_row *r);
uint32_t row_retrans(const struct conn_row *r);		/* segments sent again, SYN-ACKs too */
uint32_t row_syns(const struct conn_row *r);		/* SYNs sent, 0: it is no attempt */
const char *row_errno_name(const struct conn_row *r);	/* NULL: none */
/* "no answer to 2 SYNs", in the language that was chosen. */
/* english: for programs, in every language the same. */
void row_sentence(struct out *o, const struct conn_row *r, bool english);

/* ---- rows.c, keys.c: how it looks ---- */

struct rows {				/* the widths of the text, which only grow while the room is the same */
	unsigned int remote, local;
	unsigned int room;		/* of the last header, for what is in every line; 0: none yet */
	uint32_t netns;			/* of the first line: NETNS is shown when there is another */
	bool namespaces;		/* there was */
};

void rows_put(struct view *v, struct rows *rows, const struct conn_row *r);
void keys_put(struct view *v, struct view_clock *clock, const struct conn_row *r);
void keys_header(struct view *v);

/* ---- sort.c: --sort ---- */

#define SORTED	SIZED(65536u, 4u)	/* lines of one list: of more, those that come last in it are left out */

struct sorted {
	struct sorted_row **all;	/* in the order that they came */
	size_t n;
	uint64_t added;
	uint64_t left_out;
};

void sorted_add(struct sorted *s, const struct conns_config *c, const struct conn_row *r);
/* Hands the lines of a list out, the first one first, and forgets them. */
void sorted_put(struct sorted *s, const struct conns_config *c, struct view *v,
		void (*put)(struct view *v, const struct conn_row *r));
void sorted_free(struct sorted *s);

/* ---- sum.c: the summary ---- */

#define SUMS	SIZED(64u, 4u)		/* listeners and remote ports told apart */

struct sum {
	const char *host;		/* NULL: there is one machine */
	uint8_t role;			/* enum life_role */
	uint16_t port;			/* local of a server, remote of a client; 0: it is unknown which it is */
	uint64_t count;
	uint64_t ends[LIFE_ENDS_MAX];
	struct hist life, in, out, rtt;
	char comm[TCPTRACE_COMM_LEN];
	bool others;			/* comm is not the only program */
};

struct sums {
	unsigned int n;
	uint64_t others;		/* connections that found no row */
	struct sum *all;		/* SUMS of them */
};

void sums_add(struct sums *s, const struct conn_row *r);
void sums_put(struct view *v, const struct sums *s);

#endif
