// SPDX-License-Identifier: GPL-2.0-only
/* One connection from socket() to close(), every call of both sides. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab.h"
#include "traffic.h"

enum { SERVER = 8001 };

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

static bool in_time_wait(void *port)
{
	return sockets_in(*(uint16_t *)port, TCP_TIME_WAIT) == 1;
}

/* accept() on the listener while nobody has come: it does not wait if the socket does not block. */
static void accept_nobody(struct stage *s, int listener)
{
	struct call c = { .fd = listener };

	fcntl(listener, F_SETFL, O_NONBLOCK);
	call_accept(&c);
	fact(s, c.err, "nobody.accept_errno");
	fcntl(listener, F_SETFL, 0);
}

static void play(struct stage *s)
{
	struct actor *server = actor_new(s, "server"), *client = actor_new(s, "client");
	struct call accepting = { 0 }, connecting = { .addr = LOCAL, .port = SERVER };
	uint16_t port;

	accepting.fd = tcp_socket(s, false);
	if (tcp_bind(accepting.fd, LOCAL, SERVER) || listen(accepting.fd, 8))
		stage_fail(s, N_("cannot listen on port %d"), SERVER);
	accept_nobody(s, accepting.fd);
	actor_do(server, call_accept, &accepting);
	actor_wait_asleep(server);

	connecting.fd = tcp_socket(s, false);	/* connect() chooses its port: a client need not bind() */
	actor_do(client, call_connect, &connecting);
	actor_wait(client);
	actor_wait(server);
	if (connecting.err || accepting.err)
		stage_fail(s, N_("connect() or accept() failed"));
	port = local_port(connecting.fd);
	fact(s, port, "client.port");
	fact(s, accepting.fd, "listener.fd");
	fact(s, accepting.ret, "accepted.fd");
	fact(s, (int64_t)connecting.began, "connect.called");
	fact(s, act(client, exchange, connecting.fd, "hello"), "client.write");
	fact(s, act(server, exchange, accepting.ret, NULL), "server.read");
	act(server, exchange, accepting.ret, "world");
	fact(s, act(client, exchange, connecting.fd, NULL), "client.read");
	act(client, hang_up, connecting.fd, NULL);
	wait_state(s, accepting.ret, TCP_CLOSE_WAIT);
	fact(s, act(server, exchange, accepting.ret, NULL), "server.read_end");
	fact(s, tcp_state_of(accepting.ret), "server.state_before_close");
	act(server, hang_up, accepting.ret, NULL);
	wait_for(s, in_time_wait, &port, N_("the client's socket to be in TIME_WAIT"));
	fact(s, tcp_state_of(accepting.fd), "listener.state");
}

/* ---- the answer ---- */

static uint16_t client_port(struct lab_run *r)
{
	return (uint16_t)lab_fact(r, "client.port");
}

static uint64_t reached(struct lab_run *r, bool server, unsigned int state)
{
	uint16_t client = client_port(r);

	return FIND(r, .event = TCPTRACE_STATE, .new = (uint8_t)state, .lport = server ? SERVER : client,
		    .rport = server ? client : SERVER)->t_ns;
}

static void judge_accept(struct lab_run *r)
{
	const struct lab_event *listening = FIND(r, .event = TCPTRACE_STATE, .new = TCP_S_LISTEN);
	const struct lab_event *a = FIND(r, .event = TCPTRACE_ACCEPT, .lport = SERVER, .rport = client_port(r));
	unsigned int changes = COUNT(r, .event = TCPTRACE_STATE, .conn = listening->conn);
	int64_t born = (int64_t)(a->t_ns - reached(r, true, TCP_S_ESTABLISHED)) / 1000;
	int64_t waited = (lab_fact(r, "connect.called") - (int64_t)(a->t_ns - a->dur_ns)) / 1000;

	/* inet_csk_accept() (net/ipv4/inet_connection_sock.c): -EAGAIN, or inet_csk_wait_for_connect() */
	lab_claim(r, N_("accept() blocks until a client comes."), DEPENDS,
		  N_("on O_NONBLOCK: without it accept() sleeps, with it it fails with EAGAIN at once"),
		  lab_fact(r, "nobody.accept_errno") == EAGAIN && waited > 0,
		  N_("Called %.3f ms before the client came, it slept until the connection was there. On the "
		     "same socket, set to O_NONBLOCK before, accept() had returned EAGAIN at once."),
		  (double)waited / 1e3);
	lab_sentence(r, TUTORIAL_ACCEPT_BLOCKS);
	lab_evidence(r, "called_before_client_us", waited);
	lab_evidence(r, "nonblocking_errno", lab_fact(r, "nobody.accept_errno"));
	/* do_accept() (net/socket.c): sock_alloc(), and inet_csk_accept() grafts the child into it */
	lab_claim(r, N_("accept() returns another socket than the one that listens."), CONFIRMED, NULL,
		  lab_fact(r, "accepted.fd") != lab_fact(r, "listener.fd") && changes == 1 &&
		  listening->conn != a->conn && lab_fact(r, "listener.state") == TCP_LISTEN,
		  N_("It returned fd %lld; the listening one, fd %lld, went from CLOSE to LISTEN and never "
		     "changed again."), (long long)lab_fact(r, "accepted.fd"), (long long)lab_fact(r,
		  "listener.fd"));
	lab_sentence(r, TUTORIAL_ACCEPT_OTHER);
	lab_evidence(r, "listener_transitions", changes);
	/* tcp_v4_syn_recv_sock() (net/ipv4/tcp_ipv4.c) makes it, tcp_rcv_state_process() establishes it */
	lab_claim(r, N_("accept() makes the new socket and establishes it."), REFUTED, NULL, born >= 0,
		  N_("The kernel made it when the third packet came and set it to ESTABLISHED %lld us before "
		     "accept() returned it; accept() only gave it a file descriptor."), (long long)born);
	lab_evidence(r, "established_before_accept_returned_us", born);
}

static void judge_data(struct lab_run *r)
{
	/* By the calls around them: tracepoints before 6.3 do not see write() and read(). */
	const struct lab_event *first = FIND(r, .event = TCPTRACE_ACCEPT, .lport = SERVER, .rport = client_port(r));
	const struct lab_event *end = FIND(r, .event = TCPTRACE_CLOSE);
	unsigned int changes = COUNT(r, .event = TCPTRACE_STATE, .after = first->t_ns, .before = end->t_ns);
	int64_t to_server = lab_fact(r, "server.read"), to_client = lab_fact(r, "client.read");

	/* tcp_sendmsg_locked(), tcp_recvmsg_locked() (net/ipv4/tcp.c) */
	lab_claim(r, N_("Then both sides read and write through their connected sockets."), CONFIRMED, NULL,
		  to_server == 5 && to_client == 5 && lab_fact(r, "client.write") == 5 && !changes,
		  N_("The client wrote %lld bytes, the server read %lld from the socket that accept() had "
		     "returned and wrote as many back. No socket changed its state meanwhile, and the "
		     "listening one took no part."),
		  (long long)lab_fact(r, "client.write"), (long long)to_server);
	lab_sentence(r, TUTORIAL_READ_WRITE);
	lab_evidence(r, "server_read", to_server);
	lab_evidence(r, "client_read", to_client);
	lab_evidence(r, "transitions_meanwhile", changes);
}

static void judge_calls(struct lab_run *r)
{
	uint16_t client = client_port(r);
	unsigned int by_calls = COUNT(r, .event = TCPTRACE_STATE, .lport = SERVER, .new = TCP_S_LISTEN) +
				COUNT(r, .event = TCPTRACE_STATE, .lport = client, .new = TCP_S_SYN_SENT) +
				COUNT(r, .event = TCPTRACE_STATE, .old = TCP_S_CLOSE, .new = TCP_S_SYN_SENT,
		  .rport = SERVER) +
				COUNT(r, .event = TCPTRACE_STATE, .lport = client, .new = TCP_S_FIN_WAIT1) +
				COUNT(r, .event = TCPTRACE_STATE, .lport = SERVER, .new = TCP_S_LAST_ACK);
	unsigned int all = COUNT(r, .event = TCPTRACE_STATE);

	/* the port of SYN_SENT is 0 or chosen, as the kernel goes: tcp_v4_connect() sets the state first */
	by_calls = by_calls > 4 ? 4 : by_calls;
	/* tcp_set_state() (net/ipv4/tcp.c) and who calls it */
	lab_claim(r, N_("Each call takes the socket to its next state."), REFUTED, NULL, by_calls == 4 &&
		  all > by_calls,
		  N_("Of %u transitions, calls made 4: listen() (CLOSE to LISTEN), connect() (to SYN_SENT) "
		     "and the two close() (to FIN_WAIT1, to LAST_ACK). Packets made the others; socket(), "
		     "bind(), accept(), read() and write() made none."), all);
	lab_evidence(r, "transitions", all);
	lab_evidence(r, "by_calls", by_calls);
}

static void judge(struct lab_run *r)
{
	uint64_t closed = FIND(r, .event = TCPTRACE_CLOSE, .lport = client_port(r))->t_ns;
	uint64_t last = reached(r, true, TCP_S_CLOSE);

	judge_accept(r);
	judge_data(r);
	judge_calls(r);
	/* tcp_close_state(), tcp_send_fin(); the other side: tcp_fin() (net/ipv4/tcp_input.c) */
	lab_claim(r, N_("close() ends the connection."), REFUTED, NULL,
		  lab_fact(r, "server.state_before_close") == TCP_CLOSE_WAIT && !lab_fact(r, "server.read_end") &&
		  reached(r, true, TCP_S_LAST_ACK) > closed && reached(r, false, TCP_S_TIME_WAIT),
		  N_("It ends one direction. The client's close() told the server, whose read() returned 0 in "
		     "CLOSE_WAIT; it was over when the server had closed too, %.3f ms later, and the client's "
		     "end stays in TIME_WAIT for a minute."), (double)(last - closed) / 1e6);
	lab_sentence(r, TUTORIAL_CLOSE);
	lab_evidence(r, "client_close_to_server_closed_us", (int64_t)(last - closed) / 1000);
}

/* The picture has one accept(): the one that waited. */
static bool show(const struct lab_run *r, const struct lab_event *e)
{
	(void)r;
	return e->event != TCPTRACE_ACCEPT || e->ret >= 0;
}

const struct lab lab_lifecycle = {
	.name = "lifecycle",
	.question = N_("From socket() to close(): what does the kernel do at each call?"),
	.setup = N_("A server that blocks in accept() and one client say hello to each other; the client "
		    "closes first."),
	.ladder = true,
	.prologue = SERVER,
	.io = true,
	.play = play,
	.judge = judge,
	.show = show,
};
