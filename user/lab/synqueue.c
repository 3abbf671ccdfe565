// SPDX-License-Identifier: GPL-2.0-only
/*
 * Half-open requests: strangers send a SYN and never the third packet. One of
 * them is watched until the kernel gives it up; meanwhile other listeners get
 * more SYNs than they hold, with SYN cookies off, on and forced.
 */
#include <netinet/tcp.h>
#include <stdio.h>

#include "lab.h"
#include "traffic.h"
#include "tun.h"

#define BACKLOG		4
#define SYNS		8
#define MAX_SYN_BACKLOG	16
#define QUARTER_SYNS	20
enum { ALONE = 8001, OFF, ON, FORCED, QUARTER };
enum { HOST_ALONE = 1, HOST_OFF = 10, HOST_ON = 30, HOST_FORCED = 50, HOST_QUARTER = 70 };

struct flood {
	struct stage *s;
	struct wire *wire;
	uint16_t port;
	unsigned int host, n;
	int64_t drops;			/* before */
};

/* Each SYN has been answered or dropped. */
static bool settled(void *arg)
{
	struct flood *f = arg;
	unsigned int answered = 0;

	for (unsigned int i = 0; i < f->n; i++)
		answered += stranger_synacks(f->wire, f->host + i) > 0;
	return answered + (unsigned int)(counter("ListenDrops") - f->drops) == f->n;
}

/* Returns how many wait in the SYN queue. */
static unsigned int flood(struct stage *s, struct wire *w, const char *name, uint16_t port, unsigned int host,
		  unsigned int n)
{
	struct flood f = { s, w, port, host, n, counter("ListenDrops") };
	unsigned int queued;
	int64_t cookies = counter("SyncookiesSent");

	for (unsigned int i = 0; i < n; i++)
		stranger_syn(w, host + i, port);
	wait_for(s, settled, &f, N_("every SYN to be answered or dropped"));
	queued = sockets_in(port, TCP_SYN_RECV);
	fact(s, queued, "%s.queued", name);
	fact(s, counter("ListenDrops") - f.drops, "%s.dropped", name);
	fact(s, counter("SyncookiesSent") - cookies, "%s.cookies", name);
	return queued;
}

static bool all_expired(void *arg)
{
	unsigned int left = 0;

	(void)arg;
	for (uint16_t port = ALONE; port <= QUARTER; port++)
		left += sockets_in(port, TCP_SYN_RECV);
	return !left;
}

static void play(struct stage *s)
{
	struct wire *w = wire_open(s, 0);
	unsigned int queued;
	int listener;

	sysctl_set(s, "ipv4/tcp_synack_retries", 1);
	sysctl_set(s, "ipv4/tcp_max_syn_backlog", 1024);
	sysctl_set(s, "ipv4/tcp_syncookies", 0);
	tcp_listen(s, WIRE_SERVER, ALONE, 128);
	queued = flood(s, w, "alone", ALONE, HOST_ALONE, 1);

	listener = tcp_listen(s, WIRE_SERVER, OFF, BACKLOG);
	queued += flood(s, w, "off", OFF, HOST_OFF, SYNS);
	fact(s, acceptq_limit(listener), "off.acceptq_limit");

	sysctl_set(s, "ipv4/tcp_max_syn_backlog", MAX_SYN_BACKLOG);
	tcp_listen(s, WIRE_SERVER, QUARTER, 128);
	queued += flood(s, w, "quarter", QUARTER, HOST_QUARTER, QUARTER_SYNS);

	sysctl_set(s, "ipv4/tcp_syncookies", 1);
	listener = tcp_listen(s, WIRE_SERVER, ON, BACKLOG);
	queued += flood(s, w, "on", ON, HOST_ON, SYNS);
	stranger_ack(w, HOST_ON + SYNS - 1, ON);
	wait_acceptq(s, listener, 1);

	sysctl_set(s, "ipv4/tcp_syncookies", 2);
	tcp_listen(s, WIRE_SERVER, FORCED, BACKLOG);
	flood(s, w, "forced", FORCED, HOST_FORCED, 3);
	wait_for(s, all_expired, NULL, N_("the requests to expire"));
	wait_seen(s, TCPTRACE_SYNQ_DEL, queued);
	fact(s, stranger_synacks(w, HOST_ALONE), "alone.synacks");
}

/* ---- the answer ---- */

static void judge_alone(struct lab_run *r)
{
	const struct lab_event *add = FIND(r, .event = TCPTRACE_SYNQ_ADD, .lport = ALONE);
	const struct lab_event *again = FIND(r, .event = TCPTRACE_SYNACK_RETRANS, .lport = ALONE);
	const struct lab_event *del = FIND(r, .event = TCPTRACE_SYNQ_DEL, .lport = ALONE);
	double retry = (double)(again->t_ns - add->t_ns) / 1e9, gone = (double)(del->t_ns - add->t_ns) / 1e9;
	bool sampled = del->flags & TCPTRACE_F_SAMPLED;

	/* reqsk_timer_handler() (net/ipv4/inet_connection_sock.c): the retries, or fewer if more than half full */
	lab_claim(r, N_("A client that never sends the third packet keeps a place in the SYN queue until the "
			"SYN-ACK has been sent in vain tcp_synack_retries times more."), DEPENDS,
		  N_("on how full the queue is: as long as it is not more than half full (see the lab prune)"),
		  retry > 0.9 && gone > 2.5 && del->cause == TCPTRACE_SYNQ_EXPIRED &&
		  lab_fact(r, "alone.synacks") == 2,
		  N_("Alone in a queue of 128, with tcp_synack_retries = 1: the SYN-ACK was sent again after "
		     "%.2f s, and after 3 s (1 + 2) the request was given up: %s after %.2f s. The client was "
		     "told nothing."), retry,
		  sampled ? _("found gone by the next look") : _("it left the queue"), gone);
	lab_evidence(r, "synack_again_ms", (int64_t)(retry * 1e3));
	lab_evidence(r, "expired_ms", (int64_t)(gone * 1e3));
	lab_evidence(r, "sampled", sampled);
}

static void judge_limit(struct lab_run *r)
{
	int64_t queued = lab_fact(r, "off.queued"), dropped = lab_fact(r, "off.dropped");
	int64_t quarter = lab_fact(r, "quarter.queued");
	unsigned int seen = COUNT(r, .event = TCPTRACE_DROP, .cause = TCPTRACE_DROP_SYNQ_FULL, .lport = OFF);
	unsigned int reserve = COUNT(r, .event = TCPTRACE_DROP, .cause = TCPTRACE_DROP_SYNQ_QUARTER,
	  .lport = QUARTER);

	/* tcp_conn_request() (net/ipv4/tcp_input.c): inet_csk_reqsk_queue_is_full(), then the sysctl if no cookies */
	lab_claim(r, N_("net.ipv4.tcp_max_syn_backlog is the length of the SYN queue."), REFUTED, NULL,
		  (queued == BACKLOG || queued == BACKLOG + 1) && quarter == MAX_SYN_BACKLOG * 3 / 4 + 1 &&
		  reserve == QUARTER_SYNS - quarter,
		  N_("With tcp_max_syn_backlog = 1024 listen(%d) held %lld requests: its own backlog is the "
		     "limit of both queues. Only with SYN cookies off the sysctl counts too: at %d, strangers "
		     "got %lld places under listen(128), as the last quarter is kept for known peers."), BACKLOG,
		  (long long)queued,
		  MAX_SYN_BACKLOG, (long long)quarter);
	lab_evidence(r, "held_of_backlog_4", queued);
	lab_evidence(r, "held_of_max_syn_backlog_16", quarter);
	lab_evidence(r, "dropped_for_the_reserve", reserve);
	/* inet_csk_reqsk_queue_is_full() (include/net/inet_connection_sock.h), changed in 6.14 and in stable */
	lab_claim(r, N_("The SYN queue of listen(fd, n) holds n requests."), DEPENDS,
		  queued == BACKLOG ? N_("on the kernel; this one asks \"n or more?\" (qlen >= n): n")
				    : N_("on the kernel; this one asks \"more than n?\" (qlen > n): n + 1"),
		  (queued == BACKLOG || queued == BACKLOG + 1) && seen == dropped && dropped == SYNS - queued,
		  N_("listen(%d) with SYN cookies off took %lld of %d SYNs and dropped %u in silence. "
		     "(5.10.223 holds n; 5.10.262, 6.1.128, 6.12.10 and what came after them hold n + 1.)"),
		  BACKLOG, (long long)queued, SYNS,
		  seen);
	lab_evidence(r, "held", queued);
	lab_evidence(r, "dropped", seen);
}

static void judge_age(struct lab_run *r)
{
	int64_t queued = lab_fact(r, "off.queued"), limit = lab_fact(r, "off.acceptq_limit");

	/*
	 * inet_csk_reqsk_queue_is_full(), sk_acceptq_is_full(): both sk_max_ack_backlog. Until 4.3 the SYN queue was
	 * a table of another size: reqsk_queue_alloc() (net/core/request_sock.c), roundup_pow_of_two(max(n, 8) + 1),
	 * before 2.6.20 tcp_listen_start() (net/ipv4/tcp.c).
	 */
	lab_claim(r, N_("The backlog is the length of the SYN queue."), DEPENDS,
		  N_("on the kernel's age: before 2.2 it was; from 2.2 on it was the accept queue's, and the "
		     "SYN queue had tcp_max_syn_backlog, from 2.6.20 to 4.3 the smaller of the two, raised "
		     "to the next power of two, at least 16; since 4.4 it is the limit of both"),
		  (queued == BACKLOG || queued == BACKLOG + 1) && limit == BACKLOG,
		  N_("On this kernel listen(%d) held %lld half-open requests, and %lld is the limit of its "
		     "accept queue, too."),
		  BACKLOG, (long long)queued, (long long)limit);
	lab_sentence(r, TUTORIAL_EARLY);
	lab_evidence(r, "half_open", queued);
	lab_evidence(r, "acceptq_limit", limit);
}

static void judge_cookies(struct lab_run *r)
{
	unsigned int sent = COUNT(r, .event = TCPTRACE_COOKIE_SENT, .lport = ON);
	unsigned int in = COUNT(r, .event = TCPTRACE_ACCEPTQ_ADD,
	  .lport = ON);	/* the only third packet sent there */
	unsigned int forced = COUNT(r, .event = TCPTRACE_COOKIE_SENT, .lport = FORCED);
	unsigned int added = COUNT(r, .event = TCPTRACE_SYNQ_ADD, .lport = FORCED);
	int64_t queued = lab_fact(r, "on.queued");

	/* tcp_syn_flood_action(), cookie_v4_check(): no request is kept */
	lab_claim(r, N_("When the SYN queue is full, no new client gets in."), DEPENDS,
		  N_("on tcp_syncookies: 0 drops the SYN, 1 (the default) sends a cookie"),
		  !lab_fact(r, "on.dropped") && sent == SYNS - queued && in == 1 && lab_fact(r, "off.dropped"),
		  N_("With tcp_syncookies = 1 all %d SYNs were answered: %lld waited in the queue, %u got a "
		     "cookie and took no place; the third packet of one of these, its cookie valid, made a "
		     "connection."),
		  SYNS, (long long)queued, sent);
	lab_evidence(r, "queued", queued);
	lab_evidence(r, "cookies_sent", sent);
	lab_evidence(r, "connected_by_cookie", in);
	/* tcp_conn_request() (net/ipv4/tcp_input.c): syncookies == 2 asks for cookies before it looks at the queue */
	lab_claim(r, N_("With tcp_syncookies = 2 the SYN queue is not used."), CONFIRMED, NULL,
		  forced == 3 && !added && !lab_fact(r, "forced.queued"),
		  N_("3 SYNs: %u cookies, %u requests in the queue."), forced, added);
	lab_evidence(r, "cookies_sent", forced);
	lab_evidence(r, "queued", added);
}

static void judge(struct lab_run *r)
{
	judge_alone(r);
	judge_limit(r);
	judge_age(r);
	judge_cookies(r);
}

static bool show(const struct lab_run *r, const struct lab_event *e)
{
	(void)r;
	return e->listener && (e->lport == ALONE || (e->lport == ON && e->event != TCPTRACE_SYNACK &&
						     e->event != TCPTRACE_SYNACK_RETRANS &&
						     e->event != TCPTRACE_SYNQ_DEL));
}

const struct lab lab_synqueue = {
	.name = "synqueue",
	.question = N_("Where do clients wait that never send the third packet, how long, and how many of them?"),
	.setup = N_("Strangers behind a TUN device send SYNs and ignore the answers; tcp_synack_retries is 1."),
	.shown = N_("Shown: one request until it expires (port 8001), and 8 SYNs for listen(fd, 4) with SYN "
		    "cookies on (8003)."),
	.slow = true,
	.play = play,
	.judge = judge,
	.show = show,
};
