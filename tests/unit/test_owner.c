// SPDX-License-Identifier: GPL-2.0-only
/* The model: whose. Opener, acceptor and holder of a listener; names of processes and of threads; who is gone. */
#include "model_rig.h"

static struct {
	uint32_t gone;			/* pid of a process that has ended */
	unsigned int asked, names;
	char comm[TCPTRACE_COMM_LEN + 1];	/* of whoever is asked for */
} machine;

static int holds(void *ctx, const struct owner *o, uint64_t *ino)
{
	(void)ctx;
	machine.asked++;
	if (!*ino)
		*ino = 77;
	return o->pid != machine.gone;
}

static bool name(void *ctx, uint32_t pid, char *comm)
{
	(void)ctx;
	machine.names++;
	if (!machine.comm[0])
		snprintf(comm, TCPTRACE_COMM_LEN + 1, "looked-up-%u", pid);
	else
		memcpy(comm, machine.comm, sizeof(machine.comm));
	return true;
}

static int live_up(void **state)
{
	static const struct model_lookup lookup = { .holds = holds, .name = name };

	memset(&machine, 0, sizeof(machine));
	strcpy(machine.comm, "prog");
	if (rig_up(state))
		return -1;
	model_set_lookup(rig.m, &lookup);
	return 0;
}

static const struct listener *listener(void)
{
	return model_listener(rig.m, 0);
}

static uint32_t keeper(void)
{
	const struct owner *k = listener_keeper(listener());

	return k ? k->pid : 0;
}

static struct tcptrace_record called(struct tcptrace_record rec, uint32_t pid, uint32_t tid, const char *comm)
{
	rec = by(rec, pid, -1);
	rec.tid = tid;
	memset(rec.comm, 0, sizeof(rec.comm));
	strcpy(rec.comm, comm);
	return rec;
}

static void snapshot(bool end)
{
	struct tcptrace_record rec = { .event = TCPTRACE_SNAPSHOT, .flags = end ? TCPTRACE_F_END : 0 };

	rig_feed(rec);
}

static void listed(uint32_t pid, int fd)
{
	struct tcptrace_record rec = by(listener_rec(TCPTRACE_EXISTS), pid, fd);

	if (listener())
		rec = queues(rec, listener()->synq.now, listener()->acceptq.now);
	rec.new = TCP_S_LISTEN;
	rig_feed(rec);
}

static void pass(uint64_t ms)
{
	rig.t += ms * MS;
	model_until(rig.m, rig.t);
}

/* The master dies, a worker has the listener: it is noticed, the descriptors are listed, the worker is named. */
static void master_dies(void **state)
{
	struct tcptrace_record rec;

	(void)state;
	rig_listen(128, 4096);
	pass(200);
	assert_int_equal(keeper(), SERVER);
	assert_false(model_ask_owners(rig.m, false));
	machine.gone = SERVER;
	pass(200);
	synq_add(1, 1, 0);
	assert_true(model_ask_owners(rig.m, false));
	assert_false(model_ask_owners(rig.m, false));	/* once */
	snapshot(false);
	listed(SERVER + 5, 3);
	listed(SERVER + 6, 3);
	snapshot(true);
	assert_int_equal(keeper(), SERVER + 5);
	assert_int_equal(listener()->opener.pid, SERVER);	/* that it opened it stays true */
	assert_true(listener()->opener_gone);
	synq_add(2, 2, 0);
	assert_int_equal(rig.seen[rig.n - 1].pid, SERVER + 5);
	/* and so on */
	machine.gone = SERVER + 5;
	pass(2000);
	assert_true(model_ask_owners(rig.m, false));
	snapshot(false);	/* nobody has it: in flight between two processes */
	rec = queues(listener_rec(TCPTRACE_EXISTS), 2, 0);
	rec.new = TCP_S_LISTEN;
	rig_feed(rec);
	rec = by(client_rec(TCPTRACE_EXISTS, 9), CLIENT, 4);
	rec.sk = SK(9);
	rec.new = TCP_S_ESTABLISHED;
	rig_feed(rec);
	snapshot(true);
	assert_int_equal(keeper(), 0);
	synq_add(3, 3, 0);
	assert_int_equal(rig.seen[rig.n - 1].pid, 0);
	pass(2000);
	assert_false(model_ask_owners(rig.m, false));
}

/* Who stalls is looked up before he is named, and at the end all that no list has named: it may be another's by then. */
static void before_blame(void **state)
{
	(void)state;
	rig_listen(128, 4096);
	handshake(1, 1);
	pass(400);
	assert_false(model_ask_owners(rig.m, false));
	pass(200);
	assert_true(model_ask_owners(rig.m, false));
	snapshot(false);
	listed(SERVER + 5, 3);
	snapshot(true);
	assert_int_equal(keeper(), SERVER + 5);
	pass(2000);
	assert_false(model_ask_owners(rig.m, false));	/* once */
	rig_down(state);
	live_up(state);
	rig_listen(128, 4096);
	pass(200);
	assert_true(model_ask_owners(rig.m, true));
}

/* A worker that accepted last and was replaced (a reload) has closed it: in each pause it is asked who has it. */
static void before_blame_again(void **state)
{
	(void)state;
	rig_listen(128, 4096);
	snapshot(false);
	listed(SERVER, 3);
	listed(SERVER + 5, 3);
	snapshot(true);
	handshake(1, 1);
	accept_by(1, SERVER + 5, 0, 0, 0);
	pass(1000);
	handshake(2, 1);
	pass(400);
	assert_false(model_ask_owners(rig.m, false));
	pass(200);
	assert_true(model_ask_owners(rig.m, false));
	snapshot(false);
	listed(SERVER, 3);
	listed(SERVER + 6, 3);
	snapshot(true);
	assert_true(listener()->acceptor_gone);
	pass(2000);
	assert_false(model_ask_owners(rig.m, false));	/* once */
	accept_by(2, SERVER + 6, 0, 0, 0);
	assert_int_equal(listener()->staller.pid, SERVER + 6);	/* the only worker, and not its master */
	handshake(3, 1);
	snapshot(false);
	listed(SERVER, 3);
	listed(SERVER + 6, 4);
	snapshot(true);
	pass(2000);
	assert_false(model_ask_owners(rig.m, false));	/* it has it at 4, still */
	machine.gone = SERVER + 6;
	accept_by(3, SERVER + 6, 0, 0, 0);
	handshake(4, 1);
	pass(2000);
	assert_true(model_ask_owners(rig.m, false));
}

/* Of several holders: who held it, else who accepts from it. */
static void which_of_them(void **state)
{
	(void)state;
	rig_listen(128, 4096);
	handshake(1, 1);
	accept_by(1, SERVER + 2, 0, 0, 0);
	assert_int_equal(listener()->acceptor.fd, -1);	/* which is the listener's there, a list alone says */
	snapshot(false);
	listed(SERVER + 1, 3);
	listed(SERVER + 2, 8);
	listed(SERVER, 3);
	snapshot(true);
	assert_int_equal(keeper(), SERVER);
	assert_int_equal(listener()->acceptor.fd, 8);
	snapshot(false);		/* reloaded: the old master has closed it */
	listed(SERVER + 1, 3);
	listed(SERVER + 2, 3);
	snapshot(true);
	assert_int_equal(keeper(), SERVER + 2);
	assert_int_equal(listener()->acceptor.pid, SERVER + 2);
	assert_false(listener()->acceptor_gone);
	snapshot(false);
	listed(SERVER + 1, 3);
	snapshot(true);
	assert_int_equal(keeper(), SERVER + 1);
	assert_true(listener()->acceptor_gone);
	accept_by(2, SERVER + 9, 0, 0, 0);
	assert_false(listener()->acceptor_gone);
	assert_int_equal(listener()->acceptor.fd, -1);
	accept_by(3, SERVER + 1, 0, 0, 0);
	assert_int_equal(listener()->acceptor.fd, 3);
}

/* By io_uring, or by a thread that slept in accept() since before us: 0 is no descriptor then. */
static void no_descriptor(void **state)
{
	struct tcptrace_record rec = by(queues(server_rec(TCPTRACE_ACCEPT, 1), 0, 0), SERVER, -1);

	(void)state;
	handshake(1, 1);
	rec.sk = SK(1);
	rig_feed(rec);
	state_of(server_rec(0, 1), SK(1), TCP_S_ESTABLISHED, TCP_S_CLOSE_WAIT);
	assert_int_equal(rig.seen[rig.n - 1].pid, SERVER);
	assert_int_equal(rig.seen[rig.n - 1].fd, -1);
}

/* accept() returns a connection's descriptor. That is no other connection's, nor the listener's. */
static void which_descriptor(void **state)
{
	(void)state;
	handshake(1, 1);
	accept_by(1, SERVER, 0, 0, 0);
	assert_int_equal(rig.seen[rig.n - 1].fd, 6);
	handshake(2, 1);
	assert_int_equal(rig.seen[rig.n - 1].pid, SERVER);
	assert_int_equal(rig.seen[rig.n - 1].fd, -1);
	rig_listen(128, 4096);
	accept_by(2, SERVER, 0, 0, 0);
	handshake(3, 1);
	assert_int_equal(rig.seen[rig.n - 1].fd, 3);
}

/* A run that only records knows the same of them, and nothing of connections. */
static void of_listeners_alone(void **state)
{
	struct tcptrace_record rec = by(client_rec(TCPTRACE_EXISTS, 9), CLIENT, 4);

	model_want(rig.m, &(struct model_wants){ .owners = true });
	which_of_them(state);
	assert_int_equal(listener()->opener.pid, SERVER);
	rec.sk = SK(9);
	rec.new = TCP_S_ESTABLISHED;
	rig_feed(rec);
	destroy(server_rec(0, 1), SK(1));
	assert_int_equal(model_totals(rig.m)->conns_peak, 0);
	assert_int_equal(count(TCPTRACE_SYNQ_ADD) + count(TCPTRACE_DESTROY), 0);
	state_of(listener_rec(0), LSK, TCP_S_LISTEN, TCP_S_CLOSE);
	assert_false(listener()->open);
	destroy(listener_rec(0), LSK);
	assert_int_equal(count(TCPTRACE_DESTROY), 1);
	rec = (struct tcptrace_record){ .event = TCPTRACE_LOST, .new = TCPTRACE_ACCEPT, .arg = 3 };
	rig_feed(rec);
	rec.event = 255;
	rig_feed(rec);
	assert_int_equal(model_totals(rig.m)->lost_total, 3);
	assert_int_equal(rig.n, 0);
	assert_true(model_ask_owners(rig.m, true));
}

/* accept() in the parent, the rest in the child: what the child does is the child's. */
static void forks_for_each(void **state)
{
	struct tcptrace_record rec = { .event = TCPTRACE_CLOSE, .sk = SK(1) };

	(void)state;
	rig_listen(128, 4096);
	handshake(1, 1);
	accept_by(1, SERVER, 0, 0, 0);
	rig_feed(by(rec, SERVER + 1, -1));
	state_of(server_rec(0, 1), SK(1), TCP_S_ESTABLISHED, TCP_S_FIN_WAIT1);
	assert_int_equal(rig.seen[rig.n - 1].pid, SERVER + 1);
	/* one that the child holds and does nothing with, for CLOSE_WAIT */
	handshake(2, 1);
	accept_by(2, SERVER, 0, 0, 0);
	state_of(server_rec(0, 2), SK(2), TCP_S_ESTABLISHED, TCP_S_CLOSE_WAIT);
	assert_int_equal(rig.seen[rig.n - 1].pid, SERVER);
	assert_true(model_ask_owners(rig.m, true));
	snapshot(false);
	listed(SERVER, 3);
	rec = by(server_rec(TCPTRACE_EXISTS, 2), SERVER + 2, 6);
	rec.sk = SK(2);
	rec.new = TCP_S_CLOSE_WAIT;
	rig_feed(rec);
	snapshot(true);
	state_of(server_rec(0, 2), SK(2), TCP_S_CLOSE_WAIT, TCP_S_LAST_ACK);
	assert_int_equal(rig.seen[rig.n - 1].pid, SERVER + 2);
	/* both hold the third: he who accepted it stays */
	handshake(3, 1);
	accept_by(3, SERVER, 0, 0, 0);
	snapshot(false);
	listed(SERVER, 3);
	rec = by(server_rec(TCPTRACE_EXISTS, 3), SERVER + 3, 6);
	rec.sk = SK(3);
	rec.new = TCP_S_ESTABLISHED;
	rig_feed(rec);
	rec.pid = SERVER;
	rec.t_ns = 0;
	rig_feed(rec);
	snapshot(true);
	state_of(server_rec(0, 3), SK(3), TCP_S_ESTABLISHED, TCP_S_CLOSE_WAIT);
	assert_int_equal(rig.seen[rig.n - 1].pid, SERVER);
}

static const char *who(void)
{
	return rig.seen[rig.n - 1].comm;
}

static const char *thread(void)
{
	return rig.seen[rig.n - 1].thread;
}

/* Threads have names of their own; exec gives the process another. */
static void names(void **state)
{
	struct tcptrace_record rec = listener_rec(TCPTRACE_SHUTDOWN);

	(void)state;
	rig_listen(128, 4096);
	rig_feed(called(rec, SERVER, SERVER, "java-app"));
	assert_string_equal(who(), "java-app");
	assert_string_equal(thread(), "");
	rig_feed(called(rec, SERVER, SERVER + 7, "acceptor-7"));
	assert_string_equal(who(), "java-app");
	assert_string_equal(thread(), "acceptor-7");
	synq_add(1, 1, 0);
	assert_string_equal(who(), "java-app");
	rig_feed(called(rec, SERVER, SERVER, "thedaemon"));
	synq_add(2, 2, 0);
	assert_string_equal(who(), "thedaemon");
	assert_string_equal(listener()->opener.comm, "thedaemon");
	/* of a process whose first thread has not called yet */
	machine.comm[0] = 0;
	rig_feed(called(rec, 5000, 5001, "worker"));
	assert_string_equal(who(), "worker");
	pass(200);
	assert_int_equal(machine.names, 2);		/* and that of who holds the listener */
	rig_feed(called(rec, 5000, 5001, "worker"));
	assert_string_equal(who(), "looked-up-5000");
	assert_string_equal(thread(), "worker");
}

/* exec, and no call since. */
static void renamed_silently(void **state)
{
	(void)state;
	rig_listen(128, 4096);
	handshake(1, 1);
	accept_by(1, SERVER, 0, 0, 0);
	strcpy(machine.comm, "thedaemon");
	pass(200);
	assert_string_equal(listener_named(listener())->comm, "thedaemon");
	assert_string_equal(listener()->acceptor.comm, "thedaemon");
	assert_true(model_ask_owners(rig.m, false));	/* for a replay */
	synq_add(2, 1, 0);
	assert_string_equal(who(), "thedaemon");
	state_of(server_rec(0, 1), SK(1), TCP_S_ESTABLISHED, TCP_S_CLOSE_WAIT);
	assert_string_equal(who(), "thedaemon");
	pass(2000);
	assert_false(model_ask_owners(rig.m, false));
	/* it has closed it, and is called otherwise: that is not asked for */
	strcpy(machine.comm, "other");
	machine.gone = SERVER;
	pass(200);
	assert_string_equal(listener_named(listener())->comm, "thedaemon");
}

/* Looks at few at a time, and not all the time. */
static void is_frugal(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 100; i++)
		state_of(by(listener_rec(0), SERVER, -1), LSK + 64 * i, TCP_S_CLOSE, TCP_S_LISTEN);
	for (i = 0; i < 100; i++)
		pass(10);
	assert_in_range(machine.asked, 1, 10 * 16);
	for (i = 0; i < 100; i++)
		pass(100);
	machine.asked = 0;
	machine.gone = SERVER;
	for (i = 0; i < 8; i++)
		pass(100);
	assert_in_range(machine.asked, 100, 8 * 16);
	assert_true(model_ask_owners(rig.m, false));
}

/* nfsd, nvmet-tcp: whoever configured it, and whichever thread accepts, the owner is no process. */
static void kernel_listens(void **state)
{
	struct tcptrace_record rec = called(queues(listener_rec(TCPTRACE_EXISTS), 0, 0), 0, 0, "[kernel]");

	(void)state;
	snapshot(false);
	rec.new = TCP_S_LISTEN;
	rig_feed(rec);
	snapshot(true);
	assert_non_null(listener_keeper(listener()));
	assert_string_equal(listener_keeper(listener())->comm, "[kernel]");
	pass(2000);
	assert_int_equal(machine.asked, 0);	/* no process to look at */
	assert_false(model_ask_owners(rig.m, false));
	synq_add(1, 1, 0);
	assert_int_equal(rig.seen[rig.n - 1].pid, 0);
	assert_string_equal(who(), "[kernel]");
	/* one that begins before our eyes; a process's name is no reason to believe it */
	state_of(called(listener_rec(0), 0, 0, "[kernel]"), LSK + 64, TCP_S_CLOSE, TCP_S_LISTEN);
	assert_true(owner_is_kernel(listener_keeper(model_listener(rig.m, 1))));
	state_of(called(listener_rec(0), SERVER, SERVER, "[kernel]"), LSK + 128, TCP_S_CLOSE, TCP_S_LISTEN);
	assert_false(owner_is_kernel(listener_keeper(model_listener(rig.m, 2))));
}

static void unseen(uint64_t events)
{
	struct tcptrace_record rec = { .event = TCPTRACE_OBSERVED, .fd = -1, .arg = ~events };

	rig_feed(rec);
}

static void destroys_unseen(void)
{
	unseen(3ull << TCPTRACE_SEEN_SHIFT(TCPTRACE_DESTROY));
}

static void accept_took(uint16_t port, unsigned int i, uint32_t pid, uint64_t ns)
{
	struct tcptrace_record rec = by(queues(server_rec(TCPTRACE_ACCEPT, i), 0, 0), pid, 5);

	rec.lport = port;
	rec.call_ns = ns;
	rec.sk = SK(i);
	rec.ret = 5;
	rig_feed(rec);
}

static void accept_at(uint16_t port, unsigned int i, uint32_t pid)
{
	accept_took(port, i, pid, 0);
}

/* -p: another process listens at the address of what is closed, and hands it to this one. */
static void listener_hidden(void **state)
{
	(void)state;
	rig_listen(128, 4096);
	state_of(listener_rec(0), LSK, TCP_S_LISTEN, TCP_S_CLOSE);
	destroy(listener_rec(0), LSK);
	rig.t += 10 * MS;
	accept_took(PORT, 1, SERVER, 20 * MS);		/* its thread was preempted before it returned */
	assert_null(model_listener(rig.m, 1));
	accept_took(PORT, 2, SERVER + 1, 5 * MS);
	assert_int_equal(model_listener(rig.m, 0)->acceptor.pid, SERVER);
	assert_int_equal(model_listener(rig.m, 1)->acceptor.pid, SERVER + 1);
	assert_true(model_listener(rig.m, 1)->open);
}

/* Neither end nor begin of a listener is seen: what has its address is another one, if not at its port, or it is closed. */
static void listener_unseen(void **state)
{
	struct tcptrace_record rst;

	(void)state;
	unseen(3ull << TCPTRACE_SEEN_SHIFT(TCPTRACE_DESTROY) | 3ull << TCPTRACE_SEEN_SHIFT(TCPTRACE_STATE));
	accept_at(PORT, 1, SERVER);
	accept_at(PORT, 2, SERVER);
	accept_at(PORT + 1, 3, SERVER + 1);
	assert_int_equal(model_listener(rig.m, 0)->acceptor.pid, SERVER);
	assert_int_equal(model_listener(rig.m, 0)->accepted, 2);
	assert_int_equal(model_listener(rig.m, 1)->lport, PORT + 1);
	assert_int_equal(model_listener(rig.m, 1)->acceptor.pid, SERVER + 1);
	snapshot(false);
	snapshot(true);
	assert_false(model_listener(rig.m, 1)->open);
	accept_at(PORT + 1, 4, SERVER + 2);
	assert_int_equal(model_listener(rig.m, 1)->acceptor.pid, SERVER + 1);
	assert_int_equal(model_listener(rig.m, 2)->acceptor.pid, SERVER + 2);
	/* TPROXY: one that a snapshot has named may accept for other ports */
	snapshot(false);
	listed(SERVER + 2, 3);
	snapshot(true);
	accept_at(PORT + 9, 5, SERVER + 2);
	assert_int_equal(model_listener(rig.m, 3)->lport, PORT);
	assert_int_equal(model_listener(rig.m, 3)->accepted, 1);
	assert_null(model_listener(rig.m, 4));
	/* its address is another's: a snapshot says so, or bind() */
	for (uint16_t i = 1; i <= 2; i++) {
		struct tcptrace_record rec = by(listener_rec(i == 1 ? TCPTRACE_EXISTS : TCPTRACE_BIND), CLIENT, 8);

		rec.lport = PORT + i;
		rec.new = i == 1 ? TCP_S_LISTEN : 0;
		snapshot(false);
		rig_feed(rec);
		snapshot(true);
		rec.event = TCPTRACE_LISTEN;
		rig_feed(rec);
		assert_int_equal(model_listener(rig.m, 3 + i)->lport, PORT + i);
		assert_int_equal(model_listener(rig.m, 3 + i)->opener.pid, CLIENT);
		assert_int_equal(model_listener(rig.m, 3 + i)->accepted, 0);
	}
	/* or a connection's segments */
	rst = server_rec(TCPTRACE_RST_RECEIVED, 8);
	rst.sk = LSK;
	rig_feed(rst);
	assert_int_equal(rig.seen[rig.n - 1].pid, 0);
	assert_false(model_listener(rig.m, 5)->open);
}

/* Calls are not asked for (-q): who takes a connection out of the queue is who accepts. */
static void taken_by_whom(void **state)
{
	struct tcptrace_record rec;

	(void)state;
	rig_listen(128, 4096);
	for (uint32_t i = 1; i <= 3; i++) {
		handshake(i, 1);
		rec = by(queues(server_rec(TCPTRACE_ACCEPTQ_DEL, i), 0, 0), SERVER + 5 + i % 2, -1);
		rec.sk = SK(i);
		rec.cause = TCPTRACE_ACCEPTQ_ACCEPTED;
		rig_feed(rec);
		assert_int_equal(rig.seen[rig.n - 1].pid, rec.pid);
		assert_int_equal(rig.seen[rig.n - 1].ev.c->owner.pid, rec.pid);
	}
	assert_int_equal(listener()->accepted, 3);
	assert_int_equal(listener()->acceptors, 2);
	assert_int_equal(listener()->acceptor.pid, SERVER + 6);
	assert_int_equal(listener()->opener.pid, SERVER);
}

/* Whose a child is that somebody may have accepted, by whom is not seen: the holder of the listener need not be. */
static void accepted_by_whom(void **state)
{
	struct tcptrace_record rec = { .event = TCPTRACE_OBSERVED, .fd = -1 }, rst;

	(void)state;
	rig_listen(128, 4096);
	rec.arg = ~(3ull << TCPTRACE_SEEN_SHIFT(TCPTRACE_ACCEPT) | 3ull << TCPTRACE_SEEN_SHIFT(TCPTRACE_ACCEPTQ_DEL));
	rig_feed(rec);
	handshake(1, 1);
	assert_int_equal(rig.seen[rig.n - 1].pid, SERVER);
	assert_int_equal(rig.seen[rig.n - 1].ev.event, TCPTRACE_STATE);
	state_of(server_rec(0, 1), SK(1), TCP_S_ESTABLISHED, TCP_S_FIN_WAIT1);
	assert_int_equal(rig.seen[rig.n - 1].pid, 0);
	/* -x: accept() is seen where it fails */
	rec.t_ns = 0;
	rec.arg |= (uint64_t)TCPTRACE_SEEN_SAMPLED << TCPTRACE_SEEN_SHIFT(TCPTRACE_ACCEPT);
	rig_feed(rec);
	handshake(2, 2);
	state_of(server_rec(0, 2), SK(2), TCP_S_ESTABLISHED, TCP_S_CLOSE_WAIT);
	assert_int_equal(rig.seen[rig.n - 1].pid, 0);
	/* a request, when it was last seen */
	synq_add(6, 1, 1);
	rst = server_rec(TCPTRACE_RST_SENT, 6);
	rst.sk = SK(6);
	rig_feed(rst);
	assert_int_not_equal(rig.seen[rig.n - 1].ev.conn, 0);
	assert_int_equal(rig.seen[rig.n - 1].pid, 0);
	rec.t_ns = 0;
	rec.arg = ~(3ull << TCPTRACE_SEEN_SHIFT(TCPTRACE_ACCEPT));
	rig_feed(rec);
	handshake(3, 1);
	acceptq_del(3, TCPTRACE_ACCEPTQ_ACCEPTED, 0, 0);
	assert_int_equal(rig.seen[rig.n - 1].pid, SERVER);
	state_of(server_rec(0, 3), SK(3), TCP_S_ESTABLISHED, TCP_S_CLOSE_WAIT);
	assert_int_equal(rig.seen[rig.n - 1].pid, 0);
	/* by tracepoints with -p, of a listener that others had before: another process than that one may have taken it */
	rec.t_ns = 0;
	rec.arg = ~(3ull << TCPTRACE_SEEN_SHIFT(TCPTRACE_ACCEPTQ_DEL)) |
		  (uint64_t)TCPTRACE_SEEN_DEDUCED << TCPTRACE_SEEN_SHIFT(TCPTRACE_ACCEPTQ_DEL);
	rec.req = TCPTRACE_ONLY_PIDS;
	rig_feed(rec);
	((struct listener *)listener())->part = true;
	handshake(5, 1);
	assert_int_equal(rig.seen[rig.n - 1].pid, SERVER);
	state_of(server_rec(0, 5), SK(5), TCP_S_ESTABLISHED, TCP_S_CLOSE);
	assert_int_equal(rig.seen[rig.n - 1].pid, 0);
	destroy(server_rec(0, 5), SK(5));			/* reset before or after that one took it */
	assert_int_equal(rig.seen[rig.n - 2].ev.event, TCPTRACE_ACCEPTQ_DEL);
	assert_int_equal(rig.seen[rig.n - 2].ev.cause, TCPTRACE_ACCEPTQ_ACCEPTED);
	handshake(4, 1);
	acceptq_del(4, TCPTRACE_ACCEPTQ_CLOSED, 0, 0);
	state_of(server_rec(0, 4), SK(4), TCP_S_ESTABLISHED, TCP_S_CLOSE);
	assert_int_equal(rig.seen[rig.n - 1].pid, SERVER);
}

/* The server's connection i, over; its socket's address may be anybody's from here on. */
static void served(unsigned int i, uint8_t last)
{
	handshake(i, 1);
	acceptq_del(i, TCPTRACE_ACCEPTQ_ACCEPTED, 0, 0);
	accept_by(i, SERVER, 0, 0, 0);
	state_of(server_rec(0, i), SK(i), TCP_S_ESTABLISHED, TCP_S_FIN_WAIT1);
	state_of(server_rec(0, i), SK(i), TCP_S_FIN_WAIT1, TCP_S_FIN_WAIT2);
	if (last != TCP_S_FIN_WAIT2)		/* an orphan's goes without a transition */
		state_of(server_rec(0, i), SK(i), TCP_S_FIN_WAIT2, last);
}

/* The ends of sockets are not seen: who has the next one at that address is not known. */
static void another_socket(void **state)
{
	static const uint8_t lasts[] = { TCP_S_TIME_WAIT, TCP_S_FIN_WAIT2, TCP_S_CLOSE };
	struct tcptrace_record rec;

	(void)state;
	rig_listen(128, 4096);
	destroys_unseen();
	for (unsigned int i = 1; i <= 3; i++) {
		served(i, lasts[i - 1]);
		rec = client_rec(0, 20 + i);
		rec.lport = 0;
		rec.rport = 5432;
		state_of(rec, SK(i), TCP_S_CLOSE, TCP_S_SYN_SENT);
		assert_int_equal(rig.seen[rig.n - 1].ev.c->owner.pid, 0);
		assert_null(rig.seen[rig.n - 1].ev.c->listener);
		served(i + 3, lasts[i - 1]);
		rec = listener_rec(0);
		rec.lport = 9000 + i;
		state_of(rec, SK(i + 3), TCP_S_CLOSE, TCP_S_LISTEN);
		assert_int_equal(rig.seen[rig.n - 1].pid, 0);
		assert_int_equal(model_listener(rig.m, i)->opener.pid, 0);
	}
	/* with -x neither its beginning nor its state is seen, but a RST */
	for (uint8_t event = TCPTRACE_RST_SENT; event <= TCPTRACE_RST_RECEIVED; event++) {
		served(event, TCP_S_CLOSE);
		rec = client_rec(event, 40);
		rec.sk = SK(event);
		rig_feed(rec);
		assert_null(rig.seen[rig.n - 1].ev.c);
		assert_null(rig.seen[rig.n - 1].ev.l);
	}
	/* that of a program whose connect() failed: it has no remote end any more */
	served(50, TCP_S_CLOSE);
	rec = by(client_rec(TCPTRACE_CLOSE, 51), CLIENT, -1);
	rec.sk = SK(50);
	rec.rport = 0;
	memset(rec.raddr, 0, sizeof(rec.raddr));
	rig_feed(rec);
	assert_int_equal(rig.seen[rig.n - 1].ev.c->rport, 0);
	assert_null(rig.seen[rig.n - 1].ev.l);
	/* one whose connect() failed before there was a SYN */
	rec = by(client_rec(TCPTRACE_CONNECT_RETURN, 30), CLIENT, 4);
	rec.sk = SK(30);
	rec.ret = -101;
	rig_feed(rec);
	state_of(client_rec(0, 31), SK(30), TCP_S_CLOSE, TCP_S_SYN_SENT);
	assert_int_equal(rig.seen[rig.n - 1].ev.c->owner.pid, 0);
	assert_true(rig.seen[rig.n - 1].ev.conn > rig.seen[rig.n - 2].ev.conn);
	/* and one that is the same */
	rec = by(client_rec(TCPTRACE_CONNECT, 32), CLIENT, 4);
	rec.sk = SK(32);
	rig_feed(rec);
	state_of(client_rec(0, 32), SK(32), TCP_S_CLOSE, TCP_S_SYN_SENT);
	assert_int_equal(rig.seen[rig.n - 1].ev.c->owner.pid, CLIENT);
	assert_int_equal(model_totals(rig.m)->illegal, 0);
}

/* One that was bound: nobody has said that it is connected, or that it has another port. */
static void bound_alone(void **state)
{
	struct tcptrace_record rec;

	(void)state;
	destroys_unseen();
	for (uint16_t other = 0; other < 2; other++) {
		rec = by(client_rec(TCPTRACE_BIND, 45), CLIENT, 4);
		rec.sk = SK(45);
		rec.rport = 0;
		rig_feed(rec);
		rec = client_rec(TCPTRACE_RST_RECEIVED, 45 + other);
		rec.sk = SK(45);
		rig_feed(rec);
		assert_int_equal(rig.seen[rig.n - 1].pid, 0);
	}
}

/* An end was lost: the next one at the address is of another socket. */
static void anothers_end(void **state)
{
	struct tcptrace_record rec = by(client_rec(TCPTRACE_CONNECT, 45), CLIENT, 4);

	(void)state;
	rec.sk = SK(45);
	rec.lport = 0;
	rig_feed(rec);
	destroy(server_rec(0, 46), SK(45));
	assert_int_equal(rig.seen[rig.n - 1].ev.event, TCPTRACE_DESTROY);
	assert_int_equal(rig.seen[rig.n - 1].pid, 0);
}

/* They are seen: it is the same one, which its program connects again while its old connection is in TIME_WAIT. */
static void same_socket(void **state)
{
	uint64_t conn;

	(void)state;
	rig_listen(128, 4096);
	served(1, TCP_S_TIME_WAIT);
	conn = rig.seen[rig.n - 1].ev.conn;
	state_of(client_rec(0, 20), SK(1), TCP_S_CLOSE, TCP_S_SYN_SENT);
	assert_true(rig.seen[rig.n - 1].ev.conn > conn);
	assert_int_equal(rig.seen[rig.n - 1].ev.c->owner.pid, SERVER);
	assert_int_equal(model_totals(rig.m)->illegal, 0);
}

/* The RST of a minisock: its socket, which somebody may have accepted, is gone. */
static void socket_gone(void **state)
{
	struct tcptrace_record rst = server_rec(TCPTRACE_RST_SENT, 1);

	(void)state;
	rig_listen(128, 4096);
	unseen(3ull << TCPTRACE_SEEN_SHIFT(TCPTRACE_ACCEPT) | 3ull << TCPTRACE_SEEN_SHIFT(TCPTRACE_ACCEPTQ_DEL));
	handshake(1, 1);
	state_of(server_rec(0, 1), SK(1), TCP_S_ESTABLISHED, TCP_S_FIN_WAIT1);
	state_of(server_rec(0, 1), SK(1), TCP_S_FIN_WAIT1, TCP_S_FIN_WAIT2);
	destroy(server_rec(0, 1), SK(1));
	rst.sk = 0;
	rig_feed(rst);
	assert_int_not_equal(rig.seen[rig.n - 1].ev.conn, 0);
	assert_int_equal(rig.seen[rig.n - 1].pid, 0);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, live_up, rig_down)
	const struct CMUnitTest tests[] = {
		CASE(before_blame), CASE(before_blame_again), CASE(master_dies), CASE(which_of_them), CASE(which_descriptor), CASE(no_descriptor),
		CASE(of_listeners_alone), CASE(forks_for_each),
		CASE(names), CASE(renamed_silently),
		CASE(is_frugal), CASE(kernel_listens), CASE(another_socket), CASE(bound_alone), CASE(anothers_end), CASE(same_socket),
		CASE(accepted_by_whom), CASE(socket_gone), CASE(taken_by_whom), CASE(listener_hidden), CASE(listener_unseen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
