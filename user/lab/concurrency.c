// SPDX-License-Identifier: GPL-2.0-only
/*
 * How many clients can a server have? One that serves a single client and lets others
 * wait; then one with listen(fd, 1) and 200 at once.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab.h"
#include "traffic.h"

#define OTHERS	5
#define MANY	200
enum { BUSY = 8001, SMALL };
enum { SERVED = 40001, FIRST = 41001 };

/* The server has one client, and does not call accept() again until the others have sent. */
static void busy(struct stage *s)
{
	int listener = tcp_listen(s, LOCAL, BUSY, 8), others[OTHERS], sent = 0, connected = 0;
	struct call c;
	char text[8];

	tcp_client(s, LOCAL, SERVED, LOCAL, BUSY);
	wait_acceptq(s, listener, 1);
	must_accept(s, listener, &c);
	for (uint16_t i = 0; i < OTHERS; i++) {
		others[i] = tcp_client(s, LOCAL, SERVED + 1 + i, LOCAL, BUSY);
		wait_acceptq(s, listener, i + 1u);
	}
	for (int i = 0; i < OTHERS; i++) {
		connected += tcp_state_of(others[i]) == TCP_ESTABLISHED;
		sent += write(others[i], "hello", 5) == 5;
	}
	fact(s, connected, "busy.connected");
	fact(s, sent, "busy.sent");
	fact(s, acceptq_len(listener), "busy.waiting");
	fact(s, (int64_t)now_ns(), "busy.done");
	must_accept(s, listener, &c);
	fact(s, recv(c.ret, text, sizeof(text), MSG_DONTWAIT), "busy.read");
}

struct crowd {
	int client[MANY], server[MANY];
	unsigned int n, ports_alike;
};

static void welcome(struct stage *s, struct crowd *crowd, int listener)
{
	struct call c;

	crowd->client[crowd->n] = tcp_client(s, LOCAL, (uint16_t)(FIRST + crowd->n), LOCAL, SMALL);
	wait_acceptq(s, listener, 1);
	must_accept(s, listener, &c);
	crowd->server[crowd->n++] = c.ret;
	crowd->ports_alike += local_port(c.ret) == SMALL;
}

/* All are there; now each is answered. */
static unsigned int answered(struct stage *s, struct crowd *crowd)
{
	unsigned int n = 0;
	char text[8];

	for (unsigned int i = 0; i < crowd->n; i++)
		n += write(crowd->server[i], "hello", 5) == 5;
	for (unsigned int i = 0; i < crowd->n; i++) {
		struct pollfd readable = { crowd->client[i], POLLIN, 0 };

		if (poll(&readable, 1, STAGE_PATIENCE) != 1 || read(crowd->client[i], text, sizeof(text)) != 5)
			stage_fail(s, N_("a client got no answer"));
	}
	return n;
}

static void many(struct stage *s)
{
	struct rlimit limit = { 4096, 4096 };
	struct crowd crowd = { .n = 0 };
	int listener;

	setrlimit(RLIMIT_NOFILE, &limit);	/* two descriptors for each */
	listener = tcp_listen(s, LOCAL, SMALL, 1);
	while (crowd.n < MANY)
		welcome(s, &crowd, listener);
	fact(s, sockets_in(SMALL, TCP_ESTABLISHED), "many.established");
	fact(s, answered(s, &crowd), "many.answered");
	fact(s, crowd.ports_alike, "many.ports_alike");
	fact(s, acceptq_limit(listener), "many.limit");
}

static void play(struct stage *s)
{
	busy(s);
	many(s);
	wait_seen(s, TCPTRACE_ACCEPT, 2 + MANY);
}

/* ---- the answer ---- */

static void judge(struct lab_run *r)
{
	int64_t connected = lab_fact(r, "busy.connected"), established = lab_fact(r, "many.established");
	unsigned int before = COUNT(r, .event = TCPTRACE_ACCEPTQ_ADD, .lport = BUSY,
				    .before = (uint64_t)lab_fact(r, "busy.done"));

	/* tcp_conn_request(), tcp_check_req(): the kernel's part needs no program */
	lab_claim(r, N_("While one client is served, nobody else can connect."), REFUTED, NULL,
		  connected == OTHERS && lab_fact(r, "busy.sent") == OTHERS && lab_fact(r,
		  "busy.waiting") == OTHERS &&
		  before == OTHERS + 1 && lab_fact(r, "busy.read") == 5,
		  N_("With one client being served, %lld others connected, were in the accept queue, and sent "
		     "their requests, which the server read when it accepted them. They wait, but not to be "
		     "connected."),
		  (long long)connected);
	lab_sentence(r, TUTORIAL_NOBODY_ELSE);
	lab_evidence(r, "connected", connected);
	lab_evidence(r, "waiting", lab_fact(r, "busy.waiting"));
	/* sk_acceptq_is_full() (include/net/sock.h) counts sk_ack_backlog, which accept() takes from again */
	lab_claim(r, N_("The backlog is the number of clients that can be served at once."), REFUTED, NULL,
		  established == MANY && lab_fact(r, "many.answered") == MANY && lab_fact(r, "many.limit") == 1,
		  N_("A server with listen(fd, 1) had %lld connections at the same time and answered each. "
		     "The backlog limits those that wait for accept(), at most %u here."), (long long)established,
		  lab_acceptq_peak(r, SMALL));
	lab_sentence(r, TUTORIAL_CLIENTS);
	lab_evidence(r, "at_once", established);
	lab_evidence(r, "acceptq_peak", lab_acceptq_peak(r, SMALL));
	/* inet_csk_clone_lock() (net/ipv4/inet_connection_sock.c): the child has its listener's port */
	lab_claim(r, N_("Each connection takes a port of the server, so there are 65535 at most."), REFUTED, NULL,
		  lab_fact(r, "many.ports_alike") == MANY,
		  N_("All %lld had the one local port %d: connections differ by the client's address and "
		     "port. What runs out first is memory, or the process's descriptors."), (long long)lab_fact(r,
		  "many.ports_alike"), SMALL);
	lab_evidence(r, "same_local_port", lab_fact(r, "many.ports_alike"));
}

static bool show(const struct lab_run *r, const struct lab_event *e)
{
	(void)r;
	return e->lport == BUSY && (e->event == TCPTRACE_ACCEPTQ_ADD || e->event == TCPTRACE_ACCEPTQ_DEL ||
				    e->event == TCPTRACE_ACCEPT);
}

const struct lab lab_concurrency = {
	.name = "concurrency",
	.question = N_("How many clients can a server have at the same time?"),
	.setup = N_("A server that is busy with one client while five others come, and one with listen(fd, 1) "
		    "and 200 clients at once."),
	.shown = N_("Shown: the accept queue of the first."),
	.play = play,
	.judge = judge,
	.show = show,
};
