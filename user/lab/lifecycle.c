// SPDX-License-Identifier: GPL-2.0-only
/* One connection from socket() to close(), every call of both sides. */
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab.h"
#include "traffic.h"

enum { SERVER = 8001, CLIENT = 40001 };

struct data {
	int fd;
	const char *text;		/* to write; NULL: read */
	ssize_t ret;
};

static void exchange(void *arg)
{
	struct data *d = arg;
	char text[64];

	d->ret = d->text ? write(d->fd, d->text, 5) : read(d->fd, text, sizeof(text));
}

static void hang_up(void *arg)
{
	struct data *d = arg;

	d->ret = close(d->fd);
}

static int64_t act(struct actor *a, void (*job)(void *arg), int fd, const char *text)
{
	struct data d = { .fd = fd, .text = text };

	actor_do(a, job, &d);
	actor_wait(a);
	return d.ret;
}

static bool in_time_wait(void *arg)
{
	(void)arg;
	return sockets_in(CLIENT, TCP_TIME_WAIT) == 1;
}

static void play(struct stage *s)
{
	struct actor *server = actor_new(s, "server"), *client = actor_new(s, "client");
	struct call accepting = { 0 }, connecting = { .addr = LOCAL, .port = SERVER };

	role("server");
	accepting.fd = tcp_socket(s, false);
	if (tcp_bind(accepting.fd, LOCAL, SERVER) || listen(accepting.fd, 8))
		stage_fail(s, "cannot listen on port %d", SERVER);
	actor_do(server, call_accept, &accepting);
	actor_wait_asleep(server);

	role("client");
	connecting.fd = tcp_socket(s, false);
	tcp_bind(connecting.fd, LOCAL, CLIENT);
	actor_do(client, call_connect, &connecting);
	actor_wait(client);
	actor_wait(server);
	if (connecting.err || accepting.err)
		stage_fail(s, "connect() or accept() failed");
	fact(s, accepting.fd, "listener.fd");
	fact(s, accepting.ret, "accepted.fd");
	act(client, exchange, connecting.fd, "hello");
	fact(s, act(server, exchange, accepting.ret, NULL), "server.read");
	act(server, exchange, accepting.ret, "world");
	fact(s, act(client, exchange, connecting.fd, NULL), "client.read");
	act(client, hang_up, connecting.fd, NULL);
	wait_state(s, accepting.ret, TCP_CLOSE_WAIT);
	fact(s, act(server, exchange, accepting.ret, NULL), "server.read_end");
	fact(s, tcp_state_of(accepting.ret), "server.state_before_close");
	act(server, hang_up, accepting.ret, NULL);
	wait_for(s, in_time_wait, NULL, "the client's socket to be in TIME_WAIT");
	fact(s, tcp_state_of(accepting.fd), "listener.state");
}

/* ---- the answer ---- */

static uint64_t reached(struct lab_run *r, uint16_t lport, unsigned int state)
{
	return FIND(r, .event = TCPTRACE_STATE, .new = (uint8_t)state, .lport = lport,
		    .rport = lport == SERVER ? CLIENT : SERVER)->t_ns;
}

static void judge_accept(struct lab_run *r)
{
	const struct lab_event *listening = FIND(r, .event = TCPTRACE_STATE, .new = TCP_S_LISTEN);
	const struct lab_event *a = FIND(r, .event = TCPTRACE_ACCEPT, .lport = SERVER);
	unsigned int changes = COUNT(r, .event = TCPTRACE_STATE, .conn = listening->conn);
	int64_t born = (int64_t)(a->t_ns - reached(r, SERVER, TCP_S_ESTABLISHED)) / 1000;

	lab_claim(r, "The server talks to the client through the socket that it made with socket().", REFUTED, NULL,
		  lab_fact(r, "accepted.fd") != lab_fact(r, "listener.fd") && changes == 1 &&
		  listening->conn != a->conn && lab_fact(r, "listener.state") == TCP_LISTEN,
		  "accept() returned another socket, fd %lld; the first one, fd %lld, went CLOSE to LISTEN and never "
		  "changed again.", (long long)lab_fact(r, "accepted.fd"), (long long)lab_fact(r, "listener.fd"));
	lab_evidence(r, "listener_transitions", changes);
	lab_claim(r, "accept() makes the new socket and establishes it.", REFUTED, NULL, born >= 0,
		  "The kernel had made it when the third packet came and set it to ESTABLISHED %lld us before accept() "
		  "returned it; accept() only gives it a file descriptor.", (long long)born);
	lab_evidence(r, "established_before_accept_returned_us", born);
}

static void judge(struct lab_run *r)
{
	unsigned int by_calls = COUNT(r, .event = TCPTRACE_STATE, .lport = SERVER, .new = TCP_S_LISTEN) +
				COUNT(r, .event = TCPTRACE_STATE, .lport = CLIENT, .new = TCP_S_SYN_SENT) +
				COUNT(r, .event = TCPTRACE_STATE, .lport = CLIENT, .new = TCP_S_FIN_WAIT1) +
				COUNT(r, .event = TCPTRACE_STATE, .lport = SERVER, .new = TCP_S_LAST_ACK);
	unsigned int all = COUNT(r, .event = TCPTRACE_STATE);
	uint64_t closed = FIND(r, .event = TCPTRACE_CLOSE, .lport = CLIENT)->t_ns;
	uint64_t last = reached(r, SERVER, TCP_S_CLOSE);

	judge_accept(r);
	lab_claim(r, "Each call takes the socket to its next state.", REFUTED, NULL, by_calls == 4 && all > by_calls,
		  "Of %u transitions, calls made 4: listen() (CLOSE to LISTEN), connect() (to SYN_SENT) and the two "
		  "close() (to FIN_WAIT1, to LAST_ACK). Packets made the others; socket(), bind(), accept(), read() and "
		  "write() made none.", all);
	lab_evidence(r, "transitions", all);
	lab_evidence(r, "by_calls", by_calls);
	lab_claim(r, "close() ends the connection.", REFUTED, NULL,
		  lab_fact(r, "server.state_before_close") == TCP_CLOSE_WAIT && !lab_fact(r, "server.read_end") &&
		  reached(r, SERVER, TCP_S_LAST_ACK) > closed && reached(r, CLIENT, TCP_S_TIME_WAIT),
		  "It ends one direction. The client's close() told the server, whose read() returned 0 in CLOSE_WAIT; it "
		  "was over when the server had closed too, %.3f ms later, and the client's end stays in TIME_WAIT for a "
		  "minute.", (double)(last - closed) / 1e6);
	lab_evidence(r, "client_close_to_server_closed_us", (int64_t)(last - closed) / 1000);
}

const struct lab lab_lifecycle = {
	.name = "lifecycle",
	.question = "From socket() to close(): what does the kernel do at each call?",
	.setup = "A server that blocks in accept() and one client say hello to each other; the client closes first.",
	.ladder = true,
	.io = true,
	.play = play,
	.judge = judge,
};
