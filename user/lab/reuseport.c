// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two listeners on one port with SO_REUSEPORT: A accepts, B is stuck. Clients
 * come, their SYNs spread by a hash, until some that fell to B were dropped.
 * Then B closes, with and without tcp_migrate_req.
 */
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab.h"
#include "traffic.h"

#define BACKLOG		2
#define DROPS		3
#define CLIENTS_MAX	200
enum { PLAIN = 8001, MIGRATE };

static int member(struct stage *s, uint16_t port)
{
	int one = 1, fd;

	fd = tcp_socket(s, true);
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	if (tcp_bind(fd, LOCAL, port) || listen(fd, BACKLOG))
		stage_fail(s, N_("cannot listen on port %u"), port);
	return fd;
}

static unsigned int accept_all(int listener)
{
	unsigned int n = 0;
	int fd;

	while ((fd = accept(listener, NULL, NULL)) >= 0)
		n++;
	return n;
}

/* On loopback a handshake, or a drop, is done when connect() has returned, but for a busy softirq. */
struct one {
	int client;
	int64_t drops;
};

/* What became of those that waited in B's queue. */
struct end {
	int clients[CLIENTS_MAX];
	unsigned int n, held, moved, reset;
};

static bool decided(void *arg)
{
	struct one *o = arg;

	return tcp_state_of(o->client) == TCP_ESTABLISHED || counter("ListenDrops") > o->drops;
}

static bool all_told(void *arg)
{
	struct end *e = arg;

	e->reset = 0;
	for (unsigned int i = 0; i < e->n; i++)
		e->reset += tcp_state_of(e->clients[i]) == TCP_CLOSE;
	return e->reset + e->moved == e->held;
}

static void run(struct stage *s, const char *name, uint16_t port)
{
	int a = member(s, port), b = member(s, port);
	int64_t drops = counter("ListenDrops");
	struct end e = { .n = 0 };
	unsigned int accepted = 0;

	while (counter("ListenDrops") < drops + DROPS) {
		struct one o = { .drops = counter("ListenDrops") };

		if (e.n == CLIENTS_MAX)
			stage_fail(s, N_("%d clients, and the stuck listener is not full"), CLIENTS_MAX);
		o.client = tcp_client(s, LOCAL, (uint16_t)(40001 + e.n), LOCAL, port);
		e.clients[e.n++] = o.client;
		wait_for(s, decided, &o, N_("a client to be connected or dropped"));
		accepted += accept_all(a);
	}
	wait_acceptq(s, b, BACKLOG + 1);
	e.held = acceptq_len(b);
	fact(s, e.n, "%s.clients", name);
	fact(s, e.held, "%s.held_by_b", name);
	fact(s, acceptq_len(a), "%s.held_by_a", name);
	fact(s, counter("ListenDrops") - drops, "%s.dropped", name);
	fact(s, accepted, "%s.accepted_by_a", name);
	fact(s, (int64_t)now_ns(), "%s.b_closes", name);
	close(b);			/* moves or resets them before it returns */
	e.moved = accept_all(a);
	wait_for(s, all_told, &e, N_("the clients of the closed listener to be moved or reset"));
	fact(s, e.moved, "%s.moved_to_a", name);
	fact(s, e.reset, "%s.resets", name);
}

static void play(struct stage *s)
{
	int64_t migrate = sysctl_get("ipv4/tcp_migrate_req");

	fact(s, migrate, "migrate_sysctl");
	run(s, "plain", PLAIN);
	if (migrate >= 0)
		sysctl_set(s, "ipv4/tcp_migrate_req", 1);
	run(s, "migrate", MIGRATE);
	wait_seen(s, TCPTRACE_DROP, 2 * DROPS);
}

/* ---- the answer ---- */

static const struct lab_event *second_listen(struct lab_run *r)
{
	const struct lab_event *first = FIND(r, .event = TCPTRACE_LISTEN, .lport = PLAIN);

	return FIND(r, .event = TCPTRACE_LISTEN, .lport = PLAIN, .after = first->t_ns);
}

static void judge_stuck(struct lab_run *r)
{
	uint32_t a = FIND(r, .event = TCPTRACE_LISTEN, .lport = PLAIN)->listener, b = second_listen(r)->listener;
	unsigned int in_a = COUNT(r, .event = TCPTRACE_ACCEPTQ_ADD, .listener = a);
	unsigned int in_b = COUNT(r, .event = TCPTRACE_ACCEPTQ_ADD, .listener = b);
	unsigned int drops_a = COUNT(r, .event = TCPTRACE_DROP, .listener = a);
	unsigned int drops_b = COUNT(r, .event = TCPTRACE_DROP, .listener = b);

	/* icsk_accept_queue is of each struct inet_connection_sock */
	lab_claim(r, N_("Listeners with SO_REUSEPORT share one accept queue."), REFUTED, NULL,
		  a != b && in_b >= BACKLOG + 1 && lab_fact(r, "plain.held_by_b") == BACKLOG + 1 &&
		  !lab_fact(r, "plain.held_by_a"),
		  N_("Each has its own: %u of %lld clients came to A, which accepted them, and %u to B, where "
		     "they stayed, %d in a queue of listen(%d)."), in_a, (long long)lab_fact(r, "plain.clients"),
		  in_b, BACKLOG + 1,
		  BACKLOG);
	lab_evidence(r, "entered_a", in_a);
	lab_evidence(r, "entered_b", in_b);
	/* inet_lookup_reuseport(), reuseport_select_sock() (net/core/sock_reuseport.c): a hash, no lengths */
	lab_claim(r, N_("When one of them is stuck the others take its clients."), REFUTED, NULL,
		  drops_b >= DROPS && !drops_a,
		  N_("A hash of addresses and ports chooses the listener before its queue is looked at: %u "
		     "SYNs that fell to B were dropped while A had an empty queue, and their retransmissions "
		     "will fall to B again."),
		  drops_b);
	lab_evidence(r, "dropped_by_b", drops_b);
	lab_evidence(r, "dropped_by_a", drops_a);
}

static void judge(struct lab_run *r)
{
	int64_t held = lab_fact(r, "plain.held_by_b"), lost = lab_fact(r, "plain.resets");
	int64_t moved = lab_fact(r, "migrate.moved_to_a");
	unsigned int seen = COUNT(r, .event = TCPTRACE_ACCEPTQ_ADD, .cause = TCPTRACE_ACCEPTQ_MIGRATED,
	  .lport = MIGRATE);

	judge_stuck(r);
	/*
	 * inet_csk_listen_stop() (net/ipv4/inet_connection_sock.c): reuseport_migrate_sock(), else inet_child_forget()
	 */
	lab_claim(r, N_("Connections that wait in the queue of a listener that closes are lost."), DEPENDS,
		  moved ? N_("on net.ipv4.tcp_migrate_req: lost with 0, the default, kept with 1")
			: N_("on the kernel; this one cannot migrate them (Linux 5.14 and later can)"),
		  !lab_fact(r, "plain.moved_to_a") && lost == held && (!moved || moved == BACKLOG + 1) &&
		  (seen == moved || !seen),	/* tracepoints alone do not see it */
		  N_("Closing B reset its %lld connections, which their clients believed to be established; "
		     "with tcp_migrate_req = 1, %lld of %lld went to A's queue and were accepted."),
		  (long long)held,
		  (long long)moved, (long long)lab_fact(r, "migrate.held_by_b"));
	lab_evidence(r, "reset", lost);
	lab_evidence(r, "migrated", moved);
	lab_evidence(r, "migrations_seen", seen);
}

static bool show(const struct lab_run *r, const struct lab_event *e)
{
	(void)r;
	return e->lport == MIGRATE && (e->event == TCPTRACE_LISTEN || e->event == TCPTRACE_ACCEPTQ_ADD ||
				       e->event == TCPTRACE_ACCEPTQ_DEL || e->event == TCPTRACE_DROP);
}

const struct lab lab_reuseport = {
	.name = "reuseport",
	.question = N_("Several listeners on one port: what is shared, and what does a stuck one cost?"),
	.setup = N_("Two listeners with listen(fd, 2) and SO_REUSEPORT; A accepts, B does not; then B closes."),
	.shown = N_("Shown: the run with tcp_migrate_req = 1."),
	.play = play,
	.judge = judge,
	.show = show,
};
