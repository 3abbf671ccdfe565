// SPDX-License-Identifier: GPL-2.0-only
/* connect() that failed, and SYNs that nobody listened for. */
#include <errno.h>
#include <stdlib.h>

#include "../lib/put.h"
#include "connects.h"
#include "internal.h"

#define ROW	4u				/* places that a key may have */
#define GIVEN_UP_NS	200000000ull		/* the SYN is sent again after a second */

int connects_init(struct model *m)
{
	m->connects = calloc(CONNECTS, sizeof(*m->connects));
	m->unheard = calloc(CONNECTS, sizeof(*m->unheard));
	m->unanswered = calloc(CONNECTS, sizeof(*m->unanswered));
	return m->connects && m->unheard && m->unanswered ? 0 : -ENOMEM;
}

static uint8_t family_of(const struct tcptrace_record *rec, const uint8_t addr[16])
{
	return rec->family == 6 && !addr_is_mapped(addr) ? 6 : 4;
}

/* ---- connect() ---- */

static bool same_program(const struct connects *row, const struct connects *key)
{
	return row->rport == key->rport && row->netns == key->netns && row->family == key->family &&
	       !memcmp(row->comm, key->comm, sizeof(row->comm));
}

static bool has_trouble(const struct connects *row)
{
	return failures_most(&row->failures) || row->untold.count;
}

/* Its row; a new one takes the place of one in which nothing failed. NULL: there is none. */
static struct connects *row_of(struct model *m, const struct connects *key)
{
	struct connects *row, *room = NULL;
	uint64_t words[2], h;

	memcpy(words, key->comm, sizeof(words));
	h = mix(mix(mix(m->limits.seed, words[0]), words[1]), (uint64_t)key->netns << 16 | key->rport);
	row = &m->connects[(h >> 8) % (CONNECTS / ROW) * ROW];
	for (unsigned int i = 0; i < ROW; i++) {
		if (row[i].used && same_program(&row[i], key))
			return &row[i];
		if (!room || (room->used && !row[i].used) ||
		    (row[i].calls < room->calls && !has_trouble(&row[i])))
			room = &row[i];
	}
	if (has_trouble(room))
		return NULL;
	*room = *key;
	room->used = true;
	return room;
}

static struct connects *connects_of(struct model *m, const struct conn *c, const struct tcptrace_record *rec,
				    const struct owner *who)
{
	const uint8_t *raddr = rec->rport ? rec->raddr : c->raddr;
	struct connects key = {
		.netns = rec->netns ? rec->netns : c->netns, .rport = rec->rport ? rec->rport : c->rport,
		.family = family_of(rec, raddr),
	};

	memcpy(key.comm, who->comm, sizeof(key.comm));
	return key.rport ? row_of(m, &key) : NULL;
}

void connects_called(struct model *m, const struct conn *c, const struct tcptrace_record *rec)
{
	struct connects *row = c && c->owner.pid ? connects_of(m, c, rec, &c->owner) : NULL;

	if (row)
		row->calls++;
}

static void failed_to(struct connects *row, const struct failure *e, const struct conn *c, const uint8_t raddr[16])
{
	unsigned int i = e ? (unsigned int)(e - row->failures.of) : 0;
	bool by_rst = c->reset || c->unowned;

	if (!e)
		return;
	row->to[i].hosts |= e->count > 1 && memcmp(row->to[i].raddr, raddr, sizeof(row->to[i].raddr));
	memcpy(row->to[i].raddr, raddr, sizeof(row->to[i].raddr));
	row->to[i].sent += c->sent || c->retrans || by_rst;
	row->to[i].unsent += !c->connected && !c->retrans && !by_rst;
	row->to[i].by_rst += by_rst;
}

static void failed_by(struct connects *row, const struct owner *who)
{
	row->many |= has_trouble(row) && row->who.pid != who->pid;
	row->who = *who;
}

/* What failed was called, though that was not seen. */
static void was_called(struct connects *row)
{
	uint64_t least = failures_all(&row->failures) + row->untold.count;

	if (row->calls < least)
		row->calls = least;
}

static void failed(struct model *m, const struct conn *c, const struct tcptrace_record *rec, int32_t err)
{
	const uint8_t *raddr = rec->rport ? rec->raddr : c->raddr;
	struct connects *row = connects_of(m, c, rec, &c->owner);

	if (!row)
		return;
	failed_by(row, &c->owner);
	if (err == EADDRNOTAVAIL && rec->lport)
		row->bound = rec->lport;
	else if (err == EADDRNOTAVAIL)
		row->unbound = true;
	failed_to(row, failures_add(&row->failures, err, rec->t_ns), c, raddr);
	was_called(row);
}

/* A RST ended it while connect() was on its way back with EINPROGRESS: only the socket knows. */
static bool refused_meanwhile(const struct conn *c, int32_t ret)
{
	return ret == -EINPROGRESS && c->reset && c->state == TCP_S_CLOSE;
}

/* Without a call under way: a program may ask for the result by connect(), and is told what is counted already. */
static void failed_alone(struct model *m, struct conn *c, const struct tcptrace_record *rec, int32_t err)
{
	failed(m, c, rec, err);
	c->unowned = !c->owner.pid;
	c->result_due = true;
}

/* It was counted among those of nobody known, and its owner is known now. */
static void owned(struct model *m, struct conn *c, const struct tcptrace_record *rec)
{
	static const struct owner nobody;
	struct connects *row = connects_of(m, c, rec, &nobody);
	const struct failure *e = row ? failures_take(&row->failures, ECONNREFUSED) : NULL;

	if (e) {
		row->to[e - row->failures.of].sent--;
		row->to[e - row->failures.of].by_rst--;
	}
	failed(m, c, rec, ECONNREFUSED);
	c->unowned = false;
	c->result_due = !connect_failed(rec->ret);
}

void connects_returned(struct model *m, struct conn *c, const struct tcptrace_record *rec)
{
	int soft = rec_soft_errno(rec);

	if (!c)
		return;
	if (soft && model_seen(m, TCPTRACE_STATE) == TCPTRACE_SEEN_EXACTLY) {
		c->soft_err = (uint8_t)soft;	/* its next SYN may do better: connects_ended() */
	} else if (c->unowned && c->owner.pid) {
		owned(m, c, rec);
	} else if (refused_meanwhile(c, rec->ret)) {
		failed_alone(m, c, rec, ECONNREFUSED);
		c->reset = false;
	} else if ((soft || connect_failed(rec->ret)) && c->owner.pid) {
		if (!c->result_due)
			failed(m, c, rec, soft ? soft : rec_errno(rec));
		c->result_due = soft;
	}
}

/*
 * A RST in SYN_SENT, where transitions are not observed: its connect() has returned, or is about to. Where only failures of
 * that call are seen nobody is known who called it without waiting.
 */
void connects_reset(struct model *m, struct conn *c, const struct tcptrace_record *rec)
{
	c->state = TCP_S_CLOSE;
	failed_alone(m, c, rec, ECONNREFUSED);
	c->reset = false;
}

const struct connects *model_connects(const struct model *m, uint32_t i)
{
	return &m->connects[i];
}

static bool failed_so(const struct connects *row, int32_t err, const uint8_t raddr[16])
{
	for (unsigned int n = 0; n < FAILURE_ERRNOS; n++)
		if (row->failures.of[n].err == err && row->failures.of[n].count)
			return !raddr || !memcmp(row->to[n].raddr, raddr, sizeof(row->to[n].raddr));
	return false;
}

const struct connects *model_connect_failed(const struct model *m, uint32_t netns, uint16_t rport, int32_t err,
					    const uint8_t raddr[16])
{
	for (const struct connects *row = m->connects; row < m->connects + CONNECTS; row++)
		if (row->used && row->rport == rport && row->netns == netns && failed_so(row, err, raddr))
			return row;
	return NULL;
}

/* ---- bind() ---- */

/* The oldest goes. */
void connects_unbound(struct model *m, const struct tcptrace_record *rec)
{
	struct unbound *row = m->unbound, *room = row;

	if (!rec->lport || !(rec->flags & TCPTRACE_F_ACTOR) || !owner_known(&m->actor))
		return;
	for (; row < m->unbound + UNBOUND; row++) {
		if (row->used && row->lport == rec->lport && row->netns == rec->netns)
			break;
		if (row->last_ns < room->last_ns)
			room = row;
	}
	if (row == m->unbound + UNBOUND) {
		row = room;
		*row = (struct unbound){ .used = true, .lport = rec->lport, .netns = rec->netns };
	}
	memcpy(row->laddr, rec->laddr, sizeof(row->laddr));
	row->err = rec_errno(rec);
	row->who = m->actor;
	row->last_ns = rec->t_ns;
}

const struct unbound *model_unbound(const struct model *m, uint32_t netns, uint16_t lport)
{
	for (const struct unbound *row = m->unbound; row < m->unbound + UNBOUND; row++)
		if (row->used && row->lport == lport && row->netns == netns)
			return row;
	return NULL;
}

/* ---- SYNs that nobody listened for ---- */

static struct unheard *unheard_row(struct model *m, const struct tcptrace_record *rec, uint8_t family)
{
	uint64_t h = mix(mix(m->limits.seed, (uint64_t)rec->netns << 16 | rec->lport), family);
	struct unheard *row = &m->unheard[(h >> 8) % (CONNECTS / ROW) * ROW], *room = row;

	for (unsigned int i = 0; i < ROW; i++) {
		if (row[i].used && row[i].lport == rec->lport && row[i].netns == rec->netns &&
		    row[i].family == family)
			return &row[i];
		if (row[i].count < room->count)
			room = &row[i];
	}
	/* a scan of all ports: what was asked for least goes */
	*room = (struct unheard){ .used = true, .lport = rec->lport, .netns = rec->netns, .family = family,
				  .first_ns = rec->t_ns };
	return room;
}

/* A RST was sent for no socket. The flags of what it answers say whether that was a SYN; 0: not known. */
void connects_unheard(struct model *m, const struct tcptrace_record *rec)
{
	struct unheard *row;

	if (rec->flags & TCPTRACE_F_ACTOR || (rec->arg & (TH_SYN | TH_ACK)) != TH_SYN || !rec->lport)
		return;
	row = unheard_row(m, rec, family_of(rec, rec->laddr));
	row->clients |= row->count && memcmp(row->raddr, rec->raddr, sizeof(row->raddr));
	row->between += row->count && listener_between(m, rec, row->last_ns);
	memcpy(row->laddr, rec->laddr, sizeof(row->laddr));
	memcpy(row->raddr, rec->raddr, sizeof(row->raddr));
	row->count++;
	row->last_ns = rec->t_ns;
}

const struct unheard *model_unheard(const struct model *m, uint32_t i)
{
	return &m->unheard[i];
}

/* ---- SYNs that nobody answered ---- */

static struct unanswered *unanswered_row(struct model *m, const struct conn *c, bool make)
{
	uint64_t h = mix(mix(m->limits.seed, (uint64_t)c->netns << 16 | c->rport), c->family);
	struct unanswered *row = &m->unanswered[(h >> 8) % (CONNECTS / ROW) * ROW], *room = row;

	for (unsigned int i = 0; i < ROW; i++) {
		if (row[i].used && row[i].rport == c->rport && row[i].netns == c->netns && row[i].family == c->family)
			return &row[i];
		if (row[i].count + row[i].given_up < room->count + room->given_up)
			room = &row[i];
	}
	if (make)
		*room = (struct unanswered){ .used = true, .rport = c->rport, .netns = c->netns, .family = c->family };
	return make ? room : NULL;
}

static void connects_who(struct unanswered *row, const struct conn *c)
{
	if (!c->owner.pid)
		return;
	row->many |= row->who.pid && row->who.pid != c->owner.pid;
	row->who = c->owner;
}

static void unanswered_by(struct unanswered *row, const struct conn *c, uint64_t t_ns)
{
	if (!row->count && !row->given_up)
		row->first_ns = t_ns;
	else
		row->hosts |= memcmp(row->raddr, c->raddr, sizeof(row->raddr)) != 0;
	memcpy(row->raddr, c->raddr, sizeof(row->raddr));
	connects_who(row, c);
}

/* Who waits for an answer may not be known: while he does, his descriptor tells. */
void connects_sent_again(struct model *m, const struct conn *c, const struct tcptrace_record *rec)
{
	struct unanswered *row = c->rport ? unanswered_row(m, c, true) : NULL;

	if (!row)
		return;
	unanswered_by(row, c, rec->t_ns);
	row->count++;
	m->owners_wanted |= !c->owner.pid && !row->who.pid && m->lookup.holds;
}

/* One whose SYN was sent again: its owner was found, or it is answered. */
void connects_known(struct model *m, const struct conn *c, bool answered)
{
	struct unanswered *row = unanswered_row(m, c, false);

	if (!row)
		return;
	row->late += answered;
	connects_who(row, c);
}

/* Its only SYN had no answer for longer than most ways take, and no error ended it: close(), exit, a timeout of its own. */
static bool is_given_up(const struct conn *c, const struct model_event *ev)
{
	return ev->has_dur && ev->dur_ns >= GIVEN_UP_NS && tcptrace_has_totals(ev->rec) && !ev->rec->ret &&
	       !c->retrans && !c->reset;
}

static void given_up(struct model *m, const struct conn *c, const struct model_event *ev)
{
	struct unanswered *row = c->rport ? unanswered_row(m, c, true) : NULL;

	if (!row)
		return;
	unanswered_by(row, c, ev->rec->t_ns);
	row->given_up++;
	if (row->given_ns < ev->dur_ns)
		row->given_ns = ev->dur_ns;
}

/* Its program closed it, where what connect() returned was not seen. */
static bool is_untold(const struct conn *c, const struct tcptrace_record *rec)
{
	return tcptrace_has_totals(rec) && !rec->ret && !c->reset && !c->call_ns && c->owner.pid;
}

/* It had an errno by SO_ERROR before; 0: it gave up, or what ended it tells it. */
static int untold_errno(const struct conn *c, const struct tcptrace_record *rec)
{
	int soft = rec_soft_errno(rec);

	return !is_untold(c, rec) ? 0 : soft ? soft : c->soft_err;
}

static void untold(struct model *m, const struct conn *c, const struct model_event *ev)
{
	struct connects *row = connects_of(m, c, ev->rec, &c->owner);

	if (!row)
		return;
	failed_by(row, &c->owner);
	if (!row->untold.count++)
		row->untold.first_ns = ev->rec->t_ns;
	else
		row->untold.hosts |= memcmp(row->untold.raddr, c->raddr, sizeof(c->raddr)) != 0;
	memcpy(row->untold.raddr, c->raddr, sizeof(c->raddr));
	if (ev->has_dur && row->untold.most_ns < ev->dur_ns)
		row->untold.most_ns = ev->dur_ns;
	was_called(row);
}

/*
 * SYN_SENT to CLOSE after connect() has returned: the socket has the errno that its program will read (tcp_reset(), a
 * router's ICMP by tcp_v4_err(), tcp_write_err()), or else what ended it tells it.
 */
void connects_ended(struct model *m, struct conn *c, const struct model_event *ev)
{
	const struct tcptrace_record *rec = ev->rec;
	int err = untold_errno(c, rec);

	c->connected = true;
	c->sent = rec_sent_syn(rec);
	if (err) {
		failed_alone(m, c, rec, err);
		return;
	}
	if (is_given_up(c, ev)) {
		given_up(m, c, ev);
		return;
	}
	if (is_untold(c, rec) && !c->retrans) {	/* or it gave up: no more than that */
		untold(m, c, ev);
		return;
	}
	if (c->call_ns || c->closed || !c->owner.pid)
		return;
	if (tcptrace_has_totals(rec) && rec_errno(rec))
		failed_alone(m, c, rec, rec_errno(rec));
	else if (c->reset)
		failed_alone(m, c, rec, ECONNREFUSED);
	else if (c->retrans > 1)	/* tcp_write_timeout() */
		failed_alone(m, c, rec, ETIMEDOUT);
}

const struct unanswered *model_unanswered(const struct model *m, uint32_t i)
{
	return &m->unanswered[i];
}
