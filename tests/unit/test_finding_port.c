// SPDX-License-Identifier: GPL-2.0-only
/* Findings about ports: listeners that are gone, and where there is none. */
#include "finding_rig.h"

static void closed_waiting(void **state)
{
	unsigned int i;

	(void)state;
	rig_listen(128, 4096);
	for (i = 1; i <= 3; i++)
		handshake(i, i);
	state_of(queues(listener_rec(0), 0, 3), LSK, TCP_S_LISTEN, TCP_S_CLOSE);
	for (i = 1; i <= 3; i++)
		acceptq_del(i, TCPTRACE_ACCEPTQ_CLOSED, 0, 3 - i);
	box.dead = SERVER;
	look();
	assert_told("closed-waiting", FINDING_CAUSE, "the listener of prog[100] was closed at ");
	assert_says(FINDING_CAUSE, "with 3 connections that nobody had accepted: they were reset (the process is gone).");
	rig_down(state);		/* one alone */
	up(state);
	rig_listen(128, 4096);
	handshake(1, 1);
	state_of(queues(listener_rec(0), 0, 1), LSK, TCP_S_LISTEN, TCP_S_CLOSE);
	acceptq_del(1, TCPTRACE_ACCEPTQ_CLOSED, 0, 0);
	look();
	assert_told("closed-waiting", FINDING_CAUSE, "with 1 connection that nobody had accepted: it was reset.");
	rig_down(state);		/* nobody waited */
	up(state);
	rig_listen(128, 4096);
	handshake(1, 1);
	accept_by(1, SERVER, 0, 0, 0);
	state_of(queues(listener_rec(0), 0, 0), LSK, TCP_S_LISTEN, TCP_S_CLOSE);
	look();
	assert_int_equal(found.n, 0);
}

/* A member of a group: by tracepoints nothing tells whether they were reset or another one has them. The kernel's setting does. */
static void closed_in_group(void **state)
{
	(void)state;
	rig_listen(128, 4096);
	for (unsigned int i = 1; i <= 3; i++)
		handshake(i, i);
	state_of(queues(listener_rec(0), 0, 3), LSK, TCP_S_LISTEN, TCP_S_CLOSE);
	box.dead = SERVER;
	look();
	assert_int_equal(found.n, 0);
	box.sysctl[MACHINE_MIGRATE] = 1;
	look();
	assert_int_equal(found.n, 0);
	box.sysctl[MACHINE_MIGRATE] = 0;
	look();
	assert_told("closed-waiting", FINDING_CAUSE, "with 3 connections that nobody had accepted: they were reset (as net.ipv4.tcp_migrate_req "
		    "is 0; it was not seen) (the process is gone).");
	acceptq_del(1, TCPTRACE_ACCEPTQ_CLOSED, 0, 2);		/* some are seen */
	look();
	assert_told("closed-waiting", FINDING_CAUSE, "with 3 connections");
}

/* Closed with waiters again and again: one finding, and how often. */
static void closed_often(void **state)
{
	unsigned int i, n;

	(void)state;
	for (n = 0; n < 3; n++) {
		rig_listen(128, 4096);
		for (i = 1; i <= 3 + n; i++)
			handshake(10 * n + i, i);
		state_of(queues(listener_rec(0), 0, 3 + n), LSK, TCP_S_LISTEN, TCP_S_CLOSE);
		for (i = 1; i <= 3 + n; i++)
			acceptq_del(10 * n + i, TCPTRACE_ACCEPTQ_CLOSED, 0, 3 + n - i);
		destroy(listener_rec(0), LSK);
	}
	look();
	assert_told("closed-waiting", FINDING_CAUSE, "with 5 connections that nobody had accepted");
	assert_says(FINDING_COST, "The same of 2 other listeners at this address.");
}

static void snapshot(void)
{
	struct tcptrace_record rec = { .event = TCPTRACE_SNAPSHOT };

	rig.t += MS;
	rig_feed(rec);
	rec.flags = TCPTRACE_F_END;
	rig_feed(rec);
}

/* Who opened it lives and has given it away: who was given it is named, though he is gone. */
static void closed_given_away(void **state)
{
	struct tcptrace_record rec = { .event = TCPTRACE_SNAPSHOT };
	unsigned int i;

	(void)state;
	rig_listen(128, 4096);
	rig.t += MS;
	rig_feed(rec);
	rec = by(queues(listener_rec(TCPTRACE_EXISTS), 0, 0), 150, 3);
	rec.new = TCP_S_LISTEN;
	rig_feed(rec);
	rig_feed((struct tcptrace_record){ .event = TCPTRACE_SNAPSHOT, .flags = TCPTRACE_F_END });
	for (i = 1; i <= 3; i++)
		handshake(i, i);
	state_of(queues(listener_rec(0), 0, 3), LSK, TCP_S_LISTEN, TCP_S_CLOSE);
	for (i = 1; i <= 3; i++)
		acceptq_del(i, TCPTRACE_ACCEPTQ_CLOSED, 0, 3 - i);
	box.dead = 150;
	look();
	assert_told("closed-waiting", FINDING_CAUSE, "[150] was closed at ");
	assert_says(FINDING_CAUSE, "(the process is gone).");
}

/* The end of sockets is not seen, and their addresses are others' by now; and the listener, shut by shutdown(), is back. */
static void closed_reused(bool again)
{
	struct tcptrace_record rec;
	unsigned int i;

	rig_listen(128, 4096);
	observe(TCPTRACE_DESTROY, TCPTRACE_SEEN_NOT, 0);
	for (i = 1; i <= 5; i++)
		acceptq_add(i, TCPTRACE_ACCEPTQ_HANDSHAKE, 0, i);
	state_of(queues(listener_rec(0), 0, 5), LSK, TCP_S_LISTEN, TCP_S_CLOSE);
	for (i = 1; i <= 2; i++) {
		rec = server_rec(TCPTRACE_ACCEPTQ_ADD, 40 + i);
		rec.sk = SK(i);
		rec.listener = LSK + 4096;
		rig_feed(rec);
	}
	if (again)
		rig_listen(128, 4096);
	else
		snapshot();
	assert_int_equal(model_listener(rig.m, 0)->causes[TCPTRACE_ACCEPTQ_CLOSED], 5);
	assert_int_equal(model_listener(rig.m, 0)->acceptq.known, 0);
	assert_int_equal(model_listener(rig.m, 0)->accepted, 0);
	look();
	assert_string_equal(found.f[0].id, "closed-waiting");
	assert_says(FINDING_CAUSE, "with 5 connections that nobody had accepted: they were reset");
}

static void closed_unseen(void **state)
{
	closed_reused(true);
	rig_down(state);
	up(state);
	closed_reused(false);
}

static void shut_at(uint16_t port, uint64_t lsk)
{
	struct tcptrace_record rec = by(listener_rec(0), SERVER, 3);

	rec.lport = port;
	rec.listener = lsk;
	state_of(rec, lsk, TCP_S_CLOSE, TCP_S_LISTEN);
	rec = server_rec(TCPTRACE_ACCEPTQ_ADD, port);
	rec.lport = port;
	rec.listener = lsk;
	rec.sk = SK(port);
	rec.flags |= TCPTRACE_F_QUEUES;
	rec.acceptq = 1;
	rig_feed(rec);
	rec = listener_rec(0);
	rec.lport = port;
	rec.listener = lsk;
	state_of(rec, lsk, TCP_S_LISTEN, TCP_S_CLOSE);
	rec = server_rec(TCPTRACE_ACCEPTQ_DEL, port);
	rec.lport = port;
	rec.listener = lsk;
	rec.sk = SK(port);
	rec.cause = TCPTRACE_ACCEPTQ_CLOSED;
	rig_feed(rec);
}

/* A process that ends has one trouble, however many ports it had. */
static void closed_at_many(void **state)
{
	(void)state;
	for (unsigned int i = 1; i <= 7; i++)
		shut_at(8000 + i, LSK + 4096 * i);
	look();
	assert_told("closed-waiting", FINDING_COST, "The same of 6 other listeners of that process.");
}

static void no_listener(void **state)
{
	struct tcptrace_record rec;

	knock(2, 8099, 0x0a000001);
	look();
	assert_int_equal(found.n, 0);
	knock(76, 8099, 0x0a000001);
	look();
	assert_told("no-listener", FINDING_CAUSE, "78 SYNs to 10.0.0.1:8099 answered by RST: nobody listened there, from ");
	assert_says(FINDING_COST, "They came from 10.0.0.2.");
	rig_down(state);		/* a restart; one is enough */
	up(state);
	rig_listen(128, 4096);
	state_of(listener_rec(0), LSK, TCP_S_LISTEN, TCP_S_CLOSE);
	destroy(listener_rec(0), LSK);
	pass(700 * MS);
	knock(1, PORT, 0x0a000001);
	pass(400 * MS);
	rig_listen(128, 4096);
	box.comm = "nginx";
	look();
	assert_told("no-listener", FINDING_CAUSE, "1 SYN to 10.0.0.1:8080 answered by RST: nobody listened from ");
	assert_says(FINDING_CAUSE, "(1.1 s), when nginx[100] began to.");
	assert_says(FINDING_ADVICE, "reload instead");
	rig_down(state);		/* listen() alone is told of the next one, with -q, and the first is there */
	up(state);
	rig_feed((struct tcptrace_record){ .event = TCPTRACE_SNAPSHOT });
	rig_feed((struct tcptrace_record){ .event = TCPTRACE_SNAPSHOT, .flags = TCPTRACE_F_END });
	rig_listen(128, 4096);
	state_of(listener_rec(0), LSK, TCP_S_LISTEN, TCP_S_CLOSE);
	pass(700 * MS);
	knock(3, PORT, 0x0a000001);
	rec = by(listener_rec(TCPTRACE_LISTEN), SERVER + 1, 3);
	rec.sk += 64;
	rig_feed(rec);
	look();
	assert_told("no-listener", FINDING_CAUSE, ", when prog[101] began to.");
	rig_down(state);		/* the same listener again; and a try or two before a server's first start */
	up(state);
	knock(2, PORT, 0x0a000001);
	rig_listen(128, 4096);
	look();
	assert_int_equal(found.n, 0);
	state_of(listener_rec(0), LSK, TCP_S_LISTEN, TCP_S_CLOSE);
	knock(23, PORT, 0x0a000001);
	rig_listen(128, 4096);
	look();
	assert_told("no-listener", FINDING_CAUSE, "25 SYNs to 10.0.0.1:8080 answered by RST: 2 times between ");
	assert_says(FINDING_CAUSE, " nobody listened; prog[100] listened last.");
}

static void bind_fails(uint32_t pid, int err)
{
	struct tcptrace_record rec = by(listener_rec(TCPTRACE_BIND), pid, 3);

	rec.sk = LSK + 64 * pid;
	rec.ret = -err;
	rig_feed(rec);
}

/* The next one does not get the port; one that did not while somebody listened is another matter. */
static void not_bound(void **state)
{
	(void)state;
	rig_listen(128, 4096);
	bind_fails(300, EADDRINUSE);
	pass(700 * MS);
	state_of(listener_rec(0), LSK, TCP_S_LISTEN, TCP_S_CLOSE);
	destroy(listener_rec(0), LSK);
	knock(1, PORT, 0x0a000001);
	look();
	assert_told("no-listener", FINDING_CAUSE, ", after the listener of prog[100] was closed.");
	assert_says(FINDING_ADVICE, "prog[100] still runs: find out why it listens no more");
	bind_fails(101, EADDRINUSE);
	bind_fails(101, EADDRINUSE);
	knock(5, PORT, 0x0a000001);
	look();
	assert_told("no-listener", FINDING_CAUSE, "6 SYNs to 10.0.0.1:8080 answered by RST: nobody listened from ");
	assert_says(FINDING_CAUSE, " prog[101] was to, but its bind() failed with EADDRINUSE at ");
	assert_says(FINDING_ADVICE, "Let prog[101] set SO_REUSEADDR before bind()");
	rig_down(state);		/* nobody ever listened there */
	up(state);
	bind_fails(101, EACCES);
	knock(3, PORT, 0x0a000001);
	look();
	assert_told("no-listener", FINDING_CAUSE, " prog[101] was to, but its bind() failed with EACCES at ");
	assert_says(FINDING_ADVICE, "CAP_NET_BIND_SERVICE");
}

/* Lives for a second and a half, three times, and before and between those nobody listens. */
static void crashes(void **state)
{
	struct tcptrace_record rec = listener_rec(0);

	(void)state;
	memset(rec.laddr + 12, 0, 4);
	for (unsigned int i = 0; i < 3; i++) {
		knock(19, PORT, 0x0a000001);
		rec.sk = LSK + 4096 * i;
		state_of(by(rec, SERVER + i, 3), rec.sk, TCP_S_CLOSE, TCP_S_LISTEN);
		pass(1500 * MS);
		state_of(rec, rec.sk, TCP_S_LISTEN, TCP_S_CLOSE);
		destroy(rec, rec.sk);
		pass(100 * MS);
		if (i)
			continue;
		knock(1, PORT, 0x0a000001);	/* closed once */
		look();
		assert_told("no-listener", FINDING_CAUSE, "20 SYNs to 10.0.0.1:8080 answered by RST: 2 times between ");
		assert_says(FINDING_ADVICE, "Find out why the listener was closed.");
	}
	look();
	assert_told("no-listener", FINDING_CAUSE, "58 SYNs to 10.0.0.1:8080 answered by RST: 3 times between ");
	assert_says(FINDING_CAUSE, " nobody listened; prog[102] listened last.");
	assert_says(FINDING_ADVICE, "Find out why the listener is closed again and again.");
	knock(7, PORT, 0x0a000001);
	look();
	assert_told("no-listener", FINDING_CAUSE, "65 SYNs to 10.0.0.1:8080 answered by RST: 4 times between ");
	pass(100 * MS);
	rec.sk = LSK;
	state_of(by(rec, SERVER + 3, 3), rec.sk, TCP_S_CLOSE, TCP_S_LISTEN);
	look();
	assert_told("no-listener", FINDING_CAUSE, "65 SYNs to 10.0.0.1:8080 answered by RST: 4 times between ");
	assert_says(FINDING_CAUSE, " nobody listened; prog[103] listened last.");
}

static void listen_there(struct tcptrace_record rec)
{
	state_of(by(rec, SERVER, 3), LSK, TCP_S_CLOSE, TCP_S_LISTEN);
	pass(S);
}

/* Of that port, and not for them. */
static void not_for_these(void **state)
{
	struct tcptrace_record rec = listener_rec(0);

	memset(rec.laddr, 0, 16);		/* [::] */
	rec.family = 6;
	listen_there(rec);
	knock(5, PORT, 0x0a000001);
	look();
	assert_told("no-listener", FINDING_CAUSE, "5 SYNs to 10.0.0.1:8080 answered by RST: prog[100] listens on [::]:8080, but for IPv6 "
		    "alone (IPV6_V6ONLY).");
	assert_says(FINDING_ADVICE, "Let prog[100] listen for IPv4, too: on 0.0.0.0, or without IPV6_V6ONLY");
	rig_down(state);		/* of both families, as far as is known: it may have taken them */
	up(state);
	knock(5, PORT, 0x0a000001);
	listen_there(rec);
	look();
	assert_told("no-listener", FINDING_CAUSE, ", when prog[100] began to.");
	rig_down(state);
	up(state);
	rec = listener_rec(0);
	mapped(rec.laddr, 0);
	rec.device = 3;
	listen_there(rec);
	knock(5, PORT, 0x0a000001);
	look();
	assert_told("no-listener", FINDING_CAUSE, "prog[100] listens on 0.0.0.0:8080, but on one device alone (SO_BINDTODEVICE).");
	assert_not_said("send them to");
	rig_down(state);		/* nobody ever did, and who begins to does elsewhere */
	up(state);
	knock(5, PORT, 0x7f000001);
	rec = listener_rec(0);
	mapped(rec.laddr, 0x7f000002);
	listen_there(rec);
	look();
	assert_told("no-listener", FINDING_CAUSE, "nobody listens on that address; prog[100] listens on 127.0.0.2:8080.");
	state_of(rec, LSK, TCP_S_LISTEN, TCP_S_CLOSE);
	look();
	assert_told("no-listener", FINDING_CAUSE, "nobody listened on that address; prog[100] listened on 127.0.0.2:8080.");
}

static void elsewhere(void **state)
{
	struct tcptrace_record rec = listener_rec(0), v6;

	(void)state;
	mapped(rec.laddr, 0x7f000001);
	state_of(by(rec, SERVER, 3), LSK, TCP_S_CLOSE, TCP_S_LISTEN);
	knock(23, PORT, 0x0a000001);
	look();
	assert_told("no-listener", FINDING_CAUSE, "nobody listens on that address; prog[100] listens on 127.0.0.1:8080.");
	rig_down(state);		/* localhost by IPv6 first */
	up(state);
	state_of(by(rec, SERVER, 3), LSK, TCP_S_CLOSE, TCP_S_LISTEN);
	v6 = server_rec(TCPTRACE_RST_SENT, 1);
	memset(v6.laddr, 0, 16);
	v6.laddr[15] = 1;
	v6.family = 6;
	v6.arg = 0x02;
	for (unsigned int i = 0; i < 23; i++)
		rig_feed(v6);
	look();				/* and did not come by IPv4 */
	assert_told("no-listener", FINDING_CAUSE, "23 SYNs to [::1]:8080 answered by RST: nobody listens on that address; prog[100] "
		    "listens on 127.0.0.1:8080.");
	for (unsigned int i = 0; i < 24; i++) {
		acceptq_add(i, TCPTRACE_ACCEPTQ_HANDSHAKE, 0, 1);
		accept_by(i, SERVER, 0, 0, 0);
	}
	look();
	assert_int_equal(found.n, 0);
	state_of(rec, LSK, TCP_S_LISTEN, TCP_S_CLOSE);
	rec.sk = LSK + 4096;		/* and another one listens there next */
	state_of(by(rec, SERVER + 1, 3), rec.sk, TCP_S_CLOSE, TCP_S_LISTEN);
	rig_feed(v6);
	look();
	assert_int_equal(found.n, 0);
}

static bool of_low_ports(void *ctx, const struct finding *f)
{
	(void)ctx;
	return f->lport <= 6;
}

/* A scan: no more than three ports are told, those asked for most, and how many more there are: of those that are wanted. */
static void scan(void **state)
{
	(void)state;
	for (unsigned int port = 1; port <= 20; port++)
		knock(port, port, 0x0a000001);
	look();
	assert_int_equal(found.n, 3);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(found.f[i].value[0].number, 20 - i);
	assert_string_equal(found.text[0][FINDING_SEEN], "");
	assert_string_equal(found.text[1][FINDING_SEEN], "");
	assert_string_equal(found.text[2][FINDING_SEEN], "SYNs to 15 more destinations were answered so, too.");
	box.wanted = of_low_ports;
	look();
	assert_int_equal(found.n, 3);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(found.f[i].value[0].number, 6 - i);
	assert_string_equal(found.text[2][FINDING_SEEN], "SYNs to 1 more destination were answered so, too.");
}

static bool of_second_port(void *ctx, const struct finding *f)
{
	(void)ctx;
	return f->lport == PORT + 1;
}

/* A process that has ended had several ports, or one that opens them for a while: one finding. */
static void ports_of_one(void **state)
{
	struct tcptrace_record rec;
	const uint64_t lsk = LSK + 0x1000;

	(void)state;
	rig_listen(128, 4096);
	rec = by(listener_rec(0), SERVER, 4);
	rec.lport = PORT + 1;
	state_of(rec, lsk, TCP_S_CLOSE, TCP_S_LISTEN);
	state_of(rec, lsk, TCP_S_LISTEN, TCP_S_CLOSE);
	state_of(listener_rec(0), LSK, TCP_S_LISTEN, TCP_S_CLOSE);
	pass(700 * MS);
	knock(4, PORT + 1, 0x0a000001);
	knock(5, PORT, 0x0a000001);
	look();
	assert_told("no-listener", FINDING_CAUSE, "5 SYNs to 10.0.0.1:8080 answered by RST: nobody listened from ");
	assert_says(FINDING_COST, "The same of 1 other listener of that process.");
	box.wanted = of_second_port;
	look();
	assert_told("no-listener", FINDING_CAUSE, "4 SYNs to 10.0.0.1:8081 answered by RST: nobody listened from ");
	assert_not_said("The same of");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, up, rig_down)
	const struct CMUnitTest tests[] = {
		TEST(closed_waiting), TEST(closed_often), TEST(closed_given_away), TEST(closed_in_group), TEST(closed_unseen),
		TEST(closed_at_many),
		TEST(no_listener), TEST(not_bound), TEST(crashes), TEST(not_for_these), TEST(elsewhere), TEST(scan), TEST(ports_of_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
