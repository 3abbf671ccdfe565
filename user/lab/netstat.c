// SPDX-License-Identifier: GPL-2.0-only
/*
 * What netstat and ss show of a server. Both read what this reads: netstat the rows of
 * /proc/net/tcp, ss the same sockets by netlink, whose numbers of a listener are in TCP_INFO.
 */
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab.h"
#include "traffic.h"
#include "tun.h"

#define BACKLOG	5
#define WAITING	2
enum { LISTENS = 8001, CLIENT = 40001, HALF_OPEN = 40003 };

/* A row, before listen(), after it, and after close(). */
static void rows(struct stage *s)
{
	int fd;

	fd = tcp_socket(s, true);
	if (tcp_bind(fd, LOCAL, LISTENS))
		stage_fail(s, N_("cannot bind port %u"), LISTENS);
	fact(s, proc_row(LISTENS, 0).state, "bound.state");
	if (listen(fd, BACKLOG))
		stage_fail(s, N_("cannot listen on port %u"), LISTENS);
	fact(s, proc_row(LISTENS, 0).state, "listening.state");
	close(fd);
	fact(s, proc_row(LISTENS, 0).state, "closed.state");
}

/* Two clients wait to be accepted, of whom one has sent five bytes; a third is half open. */
static void queues(struct stage *s, struct wire *w)
{
	int listener = tcp_listen(s, WIRE_SERVER, LISTENS, BACKLOG), first = -1;
	struct pollfd readable = { .events = POLLIN };
	struct proc_row row;
	struct call c;

	wire_hold(w, HALF_OPEN, false);
	for (uint16_t i = 0; i < WAITING; i++) {
		int fd = tcp_client(s, WIRE_CLIENT, CLIENT + i, WIRE_SERVER, LISTENS);

		first = i ? first : fd;
		wait_acceptq(s, listener, i + 1u);
	}
	tcp_client(s, WIRE_CLIENT, HALF_OPEN, WIRE_SERVER, LISTENS);
	wire_wait_held(w, 1);
	wait_half_open(s, LISTENS, 1);
	row = proc_row(LISTENS, 0);
	fact(s, row.recv_q, "netstat.recv_q");
	fact(s, row.send_q, "netstat.send_q");
	fact(s, acceptq_len(listener), "ss.recv_q");
	fact(s, acceptq_limit(listener), "ss.send_q");
	row = proc_row(LISTENS, HALF_OPEN);
	fact(s, row.state, "half_open.state");
	row = proc_row(LISTENS, CLIENT);
	fact(s, row.state, "waiting.state");
	fact(s, (int64_t)row.inode, "waiting.inode");
	if (write(first, "hello", 5) != 5)
		stage_fail(s, N_("a client could not write"));
	must_accept(s, listener, &c);
	readable.fd = c.ret;
	if (poll(&readable, 1, STAGE_PATIENCE) != 1)
		stage_fail(s, N_("the server got no data"));
	row = proc_row(LISTENS, CLIENT);
	fact(s, row.recv_q, "accepted.recv_q");
	fact(s, row.inode != 0, "accepted.owned");
	wire_release(w);
}

static void play(struct stage *s)
{
	rows(s);
	queues(s, wire_open(s, 0));
	wait_seen(s, TCPTRACE_ACCEPT, 1);
}

/* ---- the answer ---- */

static void judge(struct lab_run *r)
{
	int64_t recv_q = lab_fact(r, "netstat.recv_q"), send_q = lab_fact(r, "netstat.send_q");
	int64_t length = lab_fact(r, "ss.recv_q"), limit = lab_fact(r, "ss.send_q");

	/* tcp_seq_start() (net/ipv4/tcp_ipv4.c): the hash of listeners, that of connections; bound is in neither */
	lab_claim(r, N_("netstat shows whether a server listens."), CONFIRMED, NULL,
		  !lab_fact(r, "bound.state") && lab_fact(r, "listening.state") == TCP_LISTEN &&
		  !lab_fact(r, "closed.state"),
		  N_("After bind() alone there was no row for the port; after listen() there was one, in "
		     "LISTEN; after close() none again."));
	lab_sentence(r, TUTORIAL_NETSTAT);
	lab_evidence(r, "bound_state", lab_fact(r, "bound.state"));
	lab_evidence(r, "listening_state", lab_fact(r, "listening.state"));
	/* get_tcp4_sock() (net/ipv4/tcp_ipv4.c): sk_ack_backlog is rx_queue; tcp_diag_get_info() has the limit, too */
	lab_claim(r, N_("Recv-Q and Send-Q of a listener are its accept queue: how many wait, and its limit."),
		  DEPENDS,
		  N_("on the program: Recv-Q in both; Send-Q is the limit in ss only, in netstat it is 0"),
		  recv_q == WAITING && length == WAITING && !send_q && limit == BACKLOG,
		  N_("With %lld clients waiting at listen(%d), netstat had Recv-Q %lld and Send-Q %lld, ss "
		     "Recv-Q %lld and Send-Q %lld. Of a connection both are bytes: 5 that the server had not "
		     "read were Recv-Q %lld."),
		  (long long)length, BACKLOG, (long long)recv_q, (long long)send_q, (long long)length,
		  (long long)limit,
		  (long long)lab_fact(r, "accepted.recv_q"));
	lab_sentence(r, TUTORIAL_RECV_Q);
	lab_evidence(r, "netstat_recv_q", recv_q);
	lab_evidence(r, "netstat_send_q", send_q);
	lab_evidence(r, "ss_recv_q", length);
	lab_evidence(r, "ss_send_q", limit);
	/* get_openreq4(), get_tcp4_sock() (net/ipv4/tcp_ipv4.c): sk_ino() is 0 where there is no struct socket */
	lab_claim(r, N_("netstat -p tells which program has a connection."), DEPENDS,
		  N_("on accept(): before it the connection is there, and nobody has it"),
		  lab_fact(r, "half_open.state") == TCP_SYN_RECV && lab_fact(r,
		  "waiting.state") == TCP_ESTABLISHED &&
		  !lab_fact(r, "waiting.inode") && lab_fact(r, "accepted.owned"),
		  N_("The half-open client was a row in SYN_RECV, those that waited were rows in ESTABLISHED, "
		     "all of them with inode 0, for which netstat -p prints -. accept() gave the row its "
		     "inode, and so its program."));
	lab_evidence(r, "waiting_inode", lab_fact(r, "waiting.inode"));
	lab_evidence(r, "accepted_owned", lab_fact(r, "accepted.owned"));
}

static bool show(const struct lab_run *r, const struct lab_event *e)
{
	(void)r;
	return e->lport == LISTENS && (e->event == TCPTRACE_BIND || e->event == TCPTRACE_LISTEN ||
				       e->event == TCPTRACE_SYNQ_ADD || e->event == TCPTRACE_ACCEPTQ_ADD ||
				       e->event == TCPTRACE_ACCEPTQ_DEL ||
				       (e->event == TCPTRACE_STATE && e->new != TCP_S_SYN_RECV));
}

const struct lab lab_netstat = {
	.name = "netstat",
	.question = N_("What do netstat and ss show of a server and its queues?"),
	.setup = N_("A server binds, listens and closes; then two clients wait to be accepted and a third is "
		    "half open."),
	.shown = N_("Shown: the server's side."),
	.play = play,
	.judge = judge,
	.show = show,
};
