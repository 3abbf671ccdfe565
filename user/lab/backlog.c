// SPDX-License-Identifier: GPL-2.0-only
/*
 * How many connections a listener holds that nobody accepts, for several
 * backlogs, and what moves that number. Three clients more than fit each time:
 * their SYNs are dropped at once, before their first retransmission.
 */
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab.h"
#include "traffic.h"

#define EXTRA		3
#define CLAMP		3			/* somaxconn of the clamped listener */
#define MOST		(128 + 1 + EXTRA)
#define LARGE_BACKLOG	65535
enum { FIRST = 8000, CLAMPED = 8200, AGAIN = 8300, LITTLE = 8400, LARGE, SHOWN = FIRST + 2 };

static const int backlogs[] = { 0, 1, 2, 5, 128 };
#define BACKLOGS	(sizeof(backlogs) / sizeof(backlogs[0]))

static int clients[MOST];
static unsigned int nclients;

/* Those without an answer would send their SYN again and be counted once more; the others stay. */
static void hang_up(void)
{
	while (nclients--) {
		if (tcp_state_of(clients[nclients]) == TCP_SYN_SENT)
			close(clients[nclients]);
	}
	nclients = 0;
}

/* Clients until `refused` SYNs more than before were dropped. */
static void fill(struct stage *s, uint16_t port, unsigned int n, unsigned int refused)
{
	static uint16_t from = 40001;
	int64_t drops = counter("ListenDrops");

	while (n--)
		clients[nclients++] = tcp_client(s, LOCAL, from++, LOCAL, port);
	wait_counter(s, "ListenDrops", drops + refused);
}

static unsigned int in_syn_sent(void)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < nclients; i++)
		n += tcp_state_of(clients[i]) == TCP_SYN_SENT;
	return n;
}

static void one_backlog(struct stage *s, int backlog)
{
	uint16_t port = (uint16_t)(FIRST + backlog);
	int listener = tcp_listen(s, LOCAL, port, backlog);

	fill(s, port, (unsigned int)backlog + 1 + EXTRA, EXTRA);
	wait_acceptq(s, listener, (unsigned int)backlog + 1);
	fact(s, acceptq_len(listener), "listen_%d.held", backlog);
	fact(s, in_syn_sent(), "listen_%d.waiting_for_syn_ack", backlog);
	fact(s, (int64_t)now_ns(), "listen_%d.full", backlog);
	hang_up();
}

static void clamped(struct stage *s)
{
	int64_t was = sysctl_get("core/somaxconn");
	int listener;

	sysctl_set(s, "core/somaxconn", CLAMP);
	listener = tcp_listen(s, LOCAL, CLAMPED, 128);
	fill(s, CLAMPED, CLAMP + 1 + EXTRA, EXTRA);
	wait_acceptq(s, listener, CLAMP + 1);
	fact(s, acceptq_len(listener), "clamped.held");
	hang_up();
	sysctl_set(s, "core/somaxconn", was);
}

/* A live listener with its queue full: somaxconn moves nothing, listen() again does. */
static void changed(struct stage *s)
{
	int64_t was = sysctl_get("core/somaxconn");
	int listener = tcp_listen(s, LOCAL, AGAIN, 1);

	fill(s, AGAIN, 3, 1);
	wait_acceptq(s, listener, 2);
	fact(s, acceptq_limit(listener), "changed.limit_first");
	sysctl_set(s, "core/somaxconn", 64);
	fact(s, acceptq_limit(listener), "changed.limit_after_somaxconn");
	if (listen(listener, 4))
		stage_fail(s, N_("listen() again failed"));
	fact(s, acceptq_limit(listener), "changed.limit_after_listen");
	fill(s, AGAIN, 4, 1);
	wait_acceptq(s, listener, 5);
	fact(s, acceptq_len(listener), "changed.held");
	hang_up();
	sysctl_set(s, "core/somaxconn", was);
}

static uint32_t charged(struct stage *s, int fd)
{
	uint32_t meminfo[SK_MEMINFO_VARS], sum = 0;
	int err = socket_memory(fd, meminfo);

	if (err)
		stage_fail(s, N_("SO_MEMINFO: %s"), strerror(-err));
	for (unsigned int i = SK_MEMINFO_RMEM_ALLOC; i < SK_MEMINFO_VARS; i++) {
		if (i != SK_MEMINFO_RCVBUF && i != SK_MEMINFO_SNDBUF && i != SK_MEMINFO_DROPS)
			sum += meminfo[i];
	}
	return sum;
}

/* "TCP  102  169  2368 ...": bytes of one socket; 0: this kernel does not say. */
static unsigned int bytes_of_a_socket(void)
{
	FILE *f = fopen("/proc/slabinfo", "re");
	unsigned int bytes = 0;
	char line[256];

	while (f && !bytes && fgets(line, sizeof(line), f))
		sscanf(line, "TCP %*u %*u %u", &bytes);
	if (f)
		fclose(f);
	return bytes;
}

static void cost(struct stage *s)
{
	int64_t was = sysctl_get("core/somaxconn");
	int little = tcp_listen(s, LOCAL, LITTLE, 1), large;

	sysctl_set(s, "core/somaxconn", LARGE_BACKLOG);
	large = tcp_listen(s, LOCAL, LARGE, LARGE_BACKLOG);
	fact(s, acceptq_limit(large), "cost.limit");
	fact(s, charged(s, little), "cost.bytes_of_1");
	fact(s, charged(s, large), "cost.bytes_of_large");
	fact(s, bytes_of_a_socket(), "cost.bytes_of_a_socket");
	sysctl_set(s, "core/somaxconn", was);
}

static void play(struct stage *s)
{
	for (size_t i = 0; i < BACKLOGS; i++)
		one_backlog(s, backlogs[i]);
	clamped(s);
	changed(s);
	cost(s);
	wait_seen(s, TCPTRACE_LISTEN, BACKLOGS + 5);
}

/* ---- the answer ---- */

static void judge_n(struct lab_run *r)
{
	char text[160] = "", key[40];
	size_t n = 0;
	bool holds = true;

	for (size_t i = 0; i < BACKLOGS; i++) {
		unsigned int seen = COUNT(r, .event = TCPTRACE_ACCEPTQ_ADD,
		  .lport = (uint16_t)(FIRST + backlogs[i]));

		snprintf(key, sizeof(key), "listen_%d.held", backlogs[i]);
		holds &= seen == (unsigned int)backlogs[i] + 1 && lab_fact(r, key) == seen;
		n += (size_t)snprintf(text + n, sizeof(text) - n, _("%slisten(%d) held %u"), n ? _(", ") : "",
		  backlogs[i],
				      seen);
	}
	/* sk_acceptq_is_full() (include/net/sock.h): sk_ack_backlog > sk_max_ack_backlog */
	lab_claim(r, N_("listen(fd, n) holds n connections."), REFUTED, NULL, holds,
		  N_("%s: one more than n, because the kernel asks \"more than n?\" before it adds one "
		     "(sk_acceptq_is_full)."), text);
	for (size_t i = 0; i < BACKLOGS; i++) {
		snprintf(key, sizeof(key), "listen_%d.held", backlogs[i]);
		lab_evidence(r, key, COUNT(r, .event = TCPTRACE_ACCEPTQ_ADD,
					   .lport = (uint16_t)(FIRST + backlogs[i])));
	}
}

static void judge_next(struct lab_run *r)
{
	unsigned int drops = COUNT(r, .event = TCPTRACE_DROP, .cause = TCPTRACE_DROP_ACCEPTQ_SYN, .lport = SHOWN);
	unsigned int resets = COUNT(r, .event = TCPTRACE_RST_RECEIVED, .rport = SHOWN,
				    .before = (uint64_t)lab_fact(r, "listen_2.full"));
	int64_t waiting = lab_fact(r, "listen_2.waiting_for_syn_ack");

	/* tcp_conn_request() (net/ipv4/tcp_input.c): LINUX_MIB_LISTENOVERFLOWS, goto drop; no RST */
	lab_claim(r, N_("The next client is refused: connect() fails with ECONNREFUSED."), REFUTED, NULL,
		  drops >= EXTRA && waiting == EXTRA && !resets,
		  N_("Of the %d clients too many for listen(2) none got an answer: %u SYNs were dropped in "
		     "silence, %u RST were sent, and %lld clients sat in SYN_SENT, to try again after a "
		     "second."),
		  EXTRA, drops, resets, (long long)waiting);
	lab_evidence(r, "dropped_syns", drops);
	lab_evidence(r, "resets", resets);
	lab_evidence(r, "clients_in_syn_sent", waiting);
}

static void judge_change(struct lab_run *r)
{
	unsigned int held = COUNT(r, .event = TCPTRACE_ACCEPTQ_ADD, .lport = CLAMPED);
	int64_t first = lab_fact(r, "changed.limit_first"), somaxconn = lab_fact(r,
	  "changed.limit_after_somaxconn");
	int64_t again = lab_fact(r, "changed.limit_after_listen"), now = lab_fact(r, "changed.held");

	/* __sys_listen() (net/socket.c): if ((unsigned int)backlog > somaxconn) backlog = somaxconn */
	lab_claim(r, N_("The backlog given to listen() decides."), DEPENDS,
		  N_("the smaller of backlog and somaxconn does"),
		  held == CLAMP + 1 && lab_fact(r, "clamped.held") == held,
		  N_("listen(128) with net.core.somaxconn = %d held %u: listen() cuts its argument, without "
		     "an error."),
		  CLAMP, held);
	lab_evidence(r, "clamped.held", held);
	/* inet_listen() (net/ipv4/af_inet.c): sets sk_max_ack_backlog in LISTEN, too */
	lab_claim(r, N_("Linux does not let you change the backlog of a listening socket."), REFUTED, NULL,
		  first == 1 && again == 4 && now == 5 && lab_acceptq_peak(r, AGAIN) == 5,
		  N_("The limit was %lld; a second listen(fd, 4) on the same socket made it %lld at once, "
		     "with connections waiting, and it then held %lld."), (long long)first, (long long)again,
		  (long long)now);
	lab_sentence(r, TUTORIAL_CHANGE);
	lab_evidence(r, "limit_first", first);
	lab_evidence(r, "limit_after_listen", again);
	lab_evidence(r, "held", now);
	/* __sys_listen() (net/socket.c) is its only reader */
	lab_claim(r, N_("Raising net.core.somaxconn helps a server that is running."), REFUTED, NULL,
		  first == somaxconn,
		  N_("It is read by listen() only: with somaxconn changed, the limit stayed %lld until "
		     "listen() was called again."), (long long)somaxconn);
	lab_evidence(r, "limit_after_somaxconn", somaxconn);
}

static void judge_cost(struct lab_run *r)
{
	int64_t little = lab_fact(r, "cost.bytes_of_1"), large = lab_fact(r, "cost.bytes_of_large");

	/* reqsk_queue_alloc() (net/core/request_sock.c) allocates nothing since 4.4, before it did by the backlog */
	lab_claim(r, N_("A large backlog costs resources."), REFUTED, NULL,
		  large == little && lab_fact(r, "cost.limit") == LARGE_BACKLOG,
		  N_("listen(%d) charged its socket %lld bytes, listen(1) %lld: the number is only compared "
		     "with. What costs are the clients that come: each that waits to be accepted is a whole "
		     "socket already (%lld bytes here, without its data)."), LARGE_BACKLOG, (long long)large,
		  (long long)little,
		  (long long)lab_fact(r, "cost.bytes_of_a_socket"));
	lab_sentence(r, TUTORIAL_COST);
	lab_evidence(r, "bytes_of_listen_1", little);
	lab_evidence(r, "bytes_of_listen_65535", large);
	lab_evidence(r, "bytes_of_a_socket", lab_fact(r, "cost.bytes_of_a_socket"));
}

static void judge(struct lab_run *r)
{
	judge_n(r);
	judge_next(r);
	judge_change(r);
	judge_cost(r);
}

static bool show(const struct lab_run *r, const struct lab_event *e)
{
	(void)r;
	return e->lport == SHOWN && (e->event == TCPTRACE_LISTEN || e->event == TCPTRACE_SYNQ_ADD ||
				     e->event == TCPTRACE_ACCEPTQ_ADD || e->event == TCPTRACE_DROP);
}

const struct lab lab_backlog = {
	.name = "backlog",
	.question = N_("How many connections does listen(fd, n) hold, what happens to the next one, and can n "
		       "be changed?"),
	.setup = N_("For n = 0, 1, 2, 5 and 128: a server that never accepts, and n + 4 clients; then with "
		    "somaxconn below n, and with listen() called again."),
	.shown = N_("Shown: the server's side of listen(fd, 2)."),
	.play = play,
	.judge = judge,
	.show = show,
};
