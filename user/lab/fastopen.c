// SPDX-License-Identifier: GPL-2.0-only
/*
 * TCP Fast Open: the first client gets a cookie, the second sends data in its
 * SYN. The wire holds the second's third packet, so that what the server does
 * before it is told from what it does after it.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab.h"
#include "traffic.h"
#include "tun.h"

enum { SERVER = 8001, CLIENT_ONLY = 8002, FIRST = 40001, SECOND, THIRD, ASKS, DOUBTS };

struct opening {
	uint16_t port;
	int fd;
	ssize_t ret;
};

/* connect() and the first write() in one call. */
static void open_with_data(void *arg)
{
	struct opening *o = arg;
	struct sockaddr_in to = address_of(WIRE_SERVER, o->port);

	o->ret = sendto(o->fd, "hello", 5, MSG_FASTOPEN, (struct sockaddr *)&to, sizeof(to));
}

static int client(struct stage *s, struct actor *a, struct opening *o, uint16_t from)
{
	o->fd = tcp_socket(s, false);
	tcp_bind(o->fd, WIRE_CLIENT, from);
	actor_do(a, open_with_data, o);
	actor_wait(a);
	if (o->ret < 0)
		stage_fail(s, N_("sendto(MSG_FASTOPEN) failed"));
	return o->fd;
}

static void second(struct stage *s, struct wire *w, struct actor *a, int listener)
{
	struct opening o = { .port = SERVER };
	struct call c;
	char text[8];
	int64_t at;

	wire_hold(w, SECOND, false);
	client(s, a, &o, SECOND);
	wait_acceptq(s, listener, 1);
	must_accept(s, listener, &c);
	fact(s, tcp_state_of(c.ret), "second.state_at_accept");
	fact(s, recv(c.ret, text, sizeof(text), MSG_DONTWAIT), "second.read");
	at = (int64_t)now_ns();
	fact(s, at, "second.read_at");
	wire_wait_held(w, 1);
}

static int fastopen_listener(struct stage *s, uint16_t port)
{
	int listener = tcp_listen(s, WIRE_SERVER, port, 8), qlen = 1;

	if (setsockopt(listener, IPPROTO_TCP, TCP_FASTOPEN, &qlen, sizeof(qlen)))
		stage_fail(s, N_("setsockopt(TCP_FASTOPEN): %s"), strerror(errno));
	return listener;
}

/* The option is set, the sysctl has its default: two clients, of whom the second would have a cookie. */
static void client_only(struct stage *s, struct actor *a)
{
	struct opening o = { .port = CLIENT_ONLY };
	int listener;

	sysctl_set(s, "ipv4/tcp_fastopen", 1);
	listener = fastopen_listener(s, CLIENT_ONLY);
	client(s, a, &o, ASKS);
	wait_acceptq(s, listener, 1);
	client(s, a, &o, DOUBTS);
	wait_acceptq(s, listener, 2);
	fact(s, counter("TCPFastOpenPassive"), "client_only.passive");
	close(listener);
}

static void play(struct stage *s)
{
	struct actor *a = actor_new(s, "client");
	struct wire *w = wire_open(s, 1000);
	struct opening o = { .port = SERVER };
	int listener;
	struct call c;

	client_only(s, a);
	sysctl_set(s, "ipv4/tcp_fastopen", 3);
	listener = fastopen_listener(s, SERVER);
	client(s, a, &o, FIRST);
	wait_acceptq(s, listener, 1);
	must_accept(s, listener, &c);

	second(s, w, a, listener);
	/* The place for unconfirmed ones (qlen 1) is taken: the third goes the ordinary way. */
	client(s, a, &o, THIRD);
	wait_acceptq(s, listener, 1);
	must_accept(s, listener, &c);
	fact(s, counter("TCPFastOpenListenOverflow"), "third.overflow");
	wire_release(w);
	wait_counter(s, "TCPFastOpenPassive", 1);
	wait_seen(s, TCPTRACE_ACCEPT, 3);
	wait_seen(s, TCPTRACE_SYNQ_DEL, 4);
}

/* ---- the answer ---- */

static void judge_sysctl(struct lab_run *r)
{
	unsigned int ordinary = COUNT(r, .event = TCPTRACE_SYNQ_ADD, .lport = CLIENT_ONLY);
	int64_t passive = lab_fact(r, "client_only.passive");

	/* tcp_try_fastopen() (net/ipv4/tcp_fastopen.c): TFO_SERVER_ENABLE is bit 2 of the sysctl, and no error is told */
	lab_claim(r, N_("A server needs only setsockopt(TCP_FASTOPEN)."), DEPENDS,
		  N_("on net.ipv4.tcp_fastopen: bit 2 must be set; the default, 1, is for clients only"),
		  ordinary == 2 && !passive,
		  N_("With net.ipv4.tcp_fastopen = 1 setsockopt() succeeded, no client got a cookie, and both "
		     "of %u went through the ordinary handshake. The rest of this was measured with 3."), ordinary);
	lab_evidence(r, "ordinary_synq_add", ordinary);
	lab_evidence(r, "fastopen_passive", passive);
}

static void judge(struct lab_run *r)
{
	unsigned int direct = COUNT(r, .event = TCPTRACE_ACCEPTQ_ADD, .cause = TCPTRACE_ACCEPTQ_FASTOPEN,
	  .rport = SECOND);
	unsigned int in = COUNT(r, .event = TCPTRACE_ACCEPTQ_ADD, .rport = SECOND);
	const struct lab_event *out = FIND(r, .event = TCPTRACE_ACCEPT, .lport = SERVER, .rport = SECOND);
	const struct lab_event *done = FIND(r, .event = TCPTRACE_STATE, .new = TCP_S_ESTABLISHED, .lport = SERVER,
					    .rport = SECOND);
	unsigned int waited = COUNT(r, .event = TCPTRACE_SYNQ_ADD, .rport = SECOND);
	unsigned int ordinary = COUNT(r, .event = TCPTRACE_SYNQ_ADD, .rport = FIRST) +
				COUNT(r, .event = TCPTRACE_SYNQ_ADD, .rport = THIRD);
	int64_t read = lab_fact(r, "second.read"), read_at = lab_fact(r, "second.read_at");
	double before = ((double)done->t_ns - (double)out->t_ns) / 1e6;

	/* tcp_fastopen_add_skb() (net/ipv4/tcp_fastopen.c) queues the SYN's data to the child */
	lab_claim(r, N_("Data can only be sent when the handshake is over."), DEPENDS, N_("on TCP Fast Open"),
		  read == 5 && read_at < (int64_t)done->t_ns,
		  N_("The second client's 5 bytes came with its SYN; the server had read them %.3f ms before "
		     "the third packet arrived. (The first client only got the cookie that allows this.)"),
		  ((double)done->t_ns - (double)read_at) / 1e6);
	lab_evidence(r, "bytes_read_before_third_packet", read);
	/* tcp_conn_request() (net/ipv4/tcp_input.c): inet_csk_reqsk_queue_add() of the Fast Open child */
	lab_claim(r, N_("accept() returns after the third packet."), DEPENDS, N_("on TCP Fast Open"),
		  out->t_ns < done->t_ns && lab_fact(r, "second.state_at_accept") == TCP_SYN_RECV,
		  N_("It returned a socket in SYN_RECV, %.3f ms before the third packet made it ESTABLISHED."),
		  before);
	lab_evidence(r, "accept_before_established_us", (int64_t)(before * 1e3));
	lab_evidence(r, "state_at_accept", lab_fact(r, "second.state_at_accept"));
	/* tcp_conn_request(): fastopen_sk: no inet_csk_reqsk_queue_hash_add() */
	lab_claim(r, N_("Every connection waits in the SYN queue first."), REFUTED, NULL,
		  !waited && ordinary == 2 && in == direct,	/* before 6.3 tracepoints alone do not see it: 0 */
		  N_("The second went straight into the accept queue when its SYN came (acceptq-add, "
		     "fastopen) and was never counted in the SYN queue; the two others were."));
	lab_evidence(r, "synq_add", waited);
	lab_evidence(r, "ordinary_synq_add", ordinary);
	lab_evidence(r, "acceptq_add_fastopen", direct);
	/* tcp_fastopen_queue_check() (net/ipv4/tcp_fastopen.c): max_qlen */
	lab_claim(r, N_("A server can be flooded with Fast Open requests that are never confirmed."), REFUTED, NULL,
		  lab_fact(r, "third.overflow") == 1 &&
		  COUNT(r, .event = TCPTRACE_ACCEPTQ_ADD, .cause = TCPTRACE_ACCEPTQ_HANDSHAKE, .rport = THIRD) == 1,
		  N_("setsockopt(TCP_FASTOPEN, 1) allows one: while the second was unconfirmed, the third "
		     "client, cookie and all, had to go through the ordinary handshake "
		     "(TCPFastOpenListenOverflow 1)."));
	lab_evidence(r, "fastopen_overflows", lab_fact(r, "third.overflow"));
	judge_sysctl(r);
}

static bool show(const struct lab_run *r, const struct lab_event *e)
{
	(void)r;
	return e->lport == SECOND || e->rport == SECOND;
}

const struct lab lab_fastopen = {
	.name = "fastopen",
	.question = N_("TCP Fast Open: what does it change in the handshake and in the queues?"),
	.setup = N_("Three clients of one server; the second has a cookie and sends its data in the SYN, and "
		    "its third packet is held on the wire."),
	.shown = N_("Shown: the second client."),
	.ladder = true,
	.play = play,
	.judge = judge,
	.show = show,
};
