// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long does a half-open request stay? One alone in a large queue, and eight that fill a
 * small one: of these the kernel gives up old ones early, until half of the queue is free.
 */
#include <netinet/tcp.h>
#include <stdio.h>

#include "lab.h"
#include "traffic.h"
#include "tun.h"

#define RETRIES		5		/* the default */
#define CROWD		8
#define SMALL_BACKLOG	8
#define STAY		(SMALL_BACKLOG / 2)
enum { ROOMY = 8001, CROWDED };
enum { HOST_ALONE = 1, HOST_CROWD = 10 };

static bool pruned(void *arg)
{
	(void)arg;
	return sockets_in(CROWDED, TCP_SYN_RECV) == STAY;
}

static unsigned int synacks(struct wire *w)
{
	unsigned int sum = stranger_synacks(w, HOST_ALONE);

	for (unsigned int i = 0; i < CROWD; i++)
		sum += stranger_synacks(w, HOST_CROWD + i);
	return sum;
}

/* The first and two repetitions for each, a third for those that stay. */
static bool all_resent(void *arg)
{
	return synacks(arg) >= 3 * (1 + CROWD) + 1 + STAY;
}

static void play(struct stage *s)
{
	struct wire *w = wire_open(s, 0);
	uint64_t began;

	sysctl_set(s, "ipv4/tcp_synack_retries", RETRIES);
	tcp_listen(s, WIRE_SERVER, ROOMY, 128);
	tcp_listen(s, WIRE_SERVER, CROWDED, SMALL_BACKLOG);
	began = now_ns();
	stranger_syn(w, HOST_ALONE, ROOMY);
	for (unsigned int i = 0; i < CROWD; i++)
		stranger_syn(w, HOST_CROWD + i, CROWDED);
	wait_seen(s, TCPTRACE_SYNQ_ADD, 1 + CROWD);
	wait_for(s, pruned, NULL, N_("the crowded queue to be half empty"));
	fact(s, (int64_t)(now_ns() - began) / 1000000, "crowd.pruned_ms");
	wait_for(s, all_resent, w, N_("the SYN-ACKs of the others to be sent a third time again"));
	fact(s, counter("TCPTimeouts"), "timeouts");
	fact(s, (int64_t)stranger_synacks(w, HOST_ALONE), "alone.synacks");
	fact(s, synacks(w), "synacks");
	fact(s, sockets_in(ROOMY, TCP_SYN_RECV), "alone.left");
	fact(s, sockets_in(CROWDED, TCP_SYN_RECV), "crowd.left");
	wait_seen(s, TCPTRACE_SYNQ_DEL, CROWD - STAY);
}

/* ---- the answer ---- */

static void judge(struct lab_run *r)
{
	int64_t pruned = lab_fact(r, "crowd.pruned_ms"), left = lab_fact(r, "crowd.left");
	int64_t timeouts = lab_fact(r, "timeouts"), alone = lab_fact(r, "alone.synacks");
	unsigned int expired = COUNT(r, .event = TCPTRACE_SYNQ_DEL, .cause = TCPTRACE_SYNQ_EXPIRED,
	  .lport = CROWDED);

	/* reqsk_timer_handler() (net/ipv4/inet_connection_sock.c): (qlen << 1) > max(8U, backlog): down to 2 */
	lab_claim(r, N_("A half-open request stays until its SYN-ACK was sent net.ipv4.tcp_synack_retries "
			"times more."), DEPENDS,
		  N_("on the queue: while more than half of it is taken (and more than 4), requests get "
		     "fewer retries, down to 2, the more of them are old"),
		  pruned > 6000 && pruned < 15000 && expired == CROWD - STAY && left == STAY && alone == 4 &&
		  lab_fact(r, "alone.left") == 1,
		  N_("tcp_synack_retries was %d, which is 63 s. Of %d requests in the queue of listen(%d), %u "
		     "were given up after %.1f s, 2 retries; then it was only half full, and the other %lld "
		     "stayed, as did one alone in a queue of 128."), RETRIES, CROWD, SMALL_BACKLOG, expired,
		  (double)pruned / 1e3, (long long)left);
	lab_evidence(r, "pruned_ms", pruned);
	lab_evidence(r, "expired", expired);
	lab_evidence(r, "left", left);
	lab_evidence(r, "alone_synacks", alone);
	/* tcp_syn_ack_timeout() (net/ipv4/tcp_timer.c): LINUX_MIB_TCPTIMEOUTS at each firing */
	lab_claim(r, N_("A counter of the kernel tells how many requests expired."), DEPENDS,
		  N_("on what else happens: TCPTimeouts counts them, and every SYN-ACK that is sent again, "
		     "and every other timeout of TCP"), timeouts == 3 * (1 + CROWD),
		  N_("TCPTimeouts was %lld: three for each of the %d requests, of which %u had expired at the "
		     "third."),
		  (long long)timeouts, 1 + CROWD, expired);
	lab_evidence(r, "timeouts", timeouts);
}

static bool show(const struct lab_run *r, const struct lab_event *e)
{
	(void)r;
	return e->listener && (e->event == TCPTRACE_LISTEN || e->event == TCPTRACE_SYNQ_ADD ||
			       e->event == TCPTRACE_SYNACK_RETRANS ||
			       (e->event == TCPTRACE_SYNQ_DEL && e->cause == TCPTRACE_SYNQ_EXPIRED));
}

const struct lab lab_prune = {
	.name = "prune",
	.question = N_("How long does a half-open request stay when the SYN queue fills up?"),
	.setup = N_("Strangers send SYNs and never the third packet: one to listen(fd, 128), eight to "
		    "listen(fd, 8), with the default of tcp_synack_retries, 5."),
	.shown = N_("Shown: both queues, for about 8 seconds."),
	.slow = true,
	.play = play,
	.judge = judge,
	.show = show,
};
