// SPDX-License-Identifier: GPL-2.0-only
/* Findings about SYN queues, ports and connect(), their order, and what is no trouble. */
#include "finding_rig.h"

#include "../../user/model/knob.h"

/* ---- the SYN queue ---- */

static void synq(void **state)
{
	unsigned int i;

	rig_listen(2, 4096);
	for (i = 1; i <= 3; i++)
		synq_add(i, i, 0);
	for (i = 4; i < 27; i++)
		drop(i, TCPTRACE_DROP_SYNQ_FULL, 0, 3, 0);
	look();
	assert_told("synq-full", FINDING_CAUSE, "(up to 3, limit 2) and SYN cookies were off: 23 SYNs refused.");
	assert_says(FINDING_ADVICE, "sysctl -w net.ipv4.tcp_syncookies=1");
	assert_not_said("namespace");
	box.machine.netns = model_listener(rig.m, 0)->netns;
	look();
	assert_not_said("namespace");
	box.netns = box.machine.netns++;
	look();
	assert_says(FINDING_ADVICE, "backlog, too. This is in another network namespace: nsenter -t 100 -n.");
	box.netns++;			/* it holds a socket of a namespace where it is not */
	look();
	assert_says(FINDING_ADVICE, "backlog, too. This is in another network namespace.");
	box.netns--, box.dead = 100;
	look();
	assert_says(FINDING_ADVICE, "backlog, too. This is in another network namespace.");
	box.sysctl[MACHINE_SYNCOOKIES] = 1;
	look();
	assert_not_said("sysctl -w");
	rig_down(state);
	up(state);
	rig_listen(2, 4096);
	for (i = 1; i <= 3; i++)
		synq_add(i, i, 0);
	for (i = 4; i < 27; i++)
		rig_feed(queues(server_rec(TCPTRACE_COOKIE_SENT, i), 3, 0));
	look();
	assert_told("cookies", FINDING_ADVICE, "Few come back");
	for (i = 4; i < 27; i++) {
		rig_feed(queues(server_rec(TCPTRACE_COOKIE_OK, i), 3, 0));
		acceptq_add(i, TCPTRACE_ACCEPTQ_COOKIE, 3, 1);
		acceptq_del(i, TCPTRACE_ACCEPTQ_ACCEPTED, 3, 0);
	}
	look();
	assert_told("cookies", FINDING_ADVICE, "They are real clients");
}

/* Not full: tcp_max_syn_backlog is what is too small, not the backlog. */
static void synq_quarter(void **state)
{
	unsigned int i;

	(void)state;
	rig_listen(4000, 4096);
	for (i = 1; i <= 7; i++)
		synq_add(i, i, 0);
	for (i = 8; i < 13; i++)
		drop(i, TCPTRACE_DROP_SYNQ_QUARTER, 0, 7, 0);
	look();
	assert_told("synq-quarter", FINDING_CAUSE, "5 SYNs to prog[100] refused, as SYN cookies were off: without them the kernel keeps "
		    "the last quarter of net.ipv4.tcp_max_syn_backlog");
	assert_says(FINDING_CAUSE, "The SYN queue had up to 7 requests.");
	assert_says(FINDING_COST, "5 clients refused: none came in, ");
	assert_says(FINDING_ADVICE, "Raise it: sysctl -w net.ipv4.tcp_max_syn_backlog=256. With SYN cookies none of these is refused");
	assert_not_said("full");
	box.sysctl[MACHINE_MAX_SYN] = 8;
	box.sysctl[MACHINE_SYNCOOKIES] = 1;
	look();
	assert_says(FINDING_ADVICE, "net.ipv4.tcp_max_syn_backlog is 8. Raise it: sysctl -w net.ipv4.tcp_max_syn_backlog=256. "
		    "SYN cookies are on by now.");
	box.sysctl[MACHINE_MAX_SYN] = 4096;
	look();
	assert_says(FINDING_ADVICE, "net.ipv4.tcp_max_syn_backlog is 4096 by now: enough. SYN cookies are on by now.");
	for (i = 20; i < 23; i++)
		drop(i, TCPTRACE_DROP_SYNQ_FULL, 0, 4000, 0);
	look();
	assert_int_equal(found.n, 2);		/* two causes, and the cost once */
	assert_string_equal(found.f[0].id, "synq-full");
	assert_says(FINDING_CAUSE, "3 SYNs refused.");
	assert_string_equal(found.f[1].id, "synq-quarter");
	assert_int_equal(found.text[1][FINDING_COST][0], 0);
}

/* tcp_syncookies=2: each handshake goes by cookie, and no queue is full. */
static void cookies_always(void **state)
{
	unsigned int i;

	rig_listen(128, 4096);
	for (i = 1; i < 24; i++)
		rig_feed(queues(server_rec(TCPTRACE_COOKIE_SENT, i), 0, 0));
	look();
	assert_int_equal(found.n, 0);
	rig_down(state);
	up(state);
	rig_listen(2, 4096);
	for (i = 1; i <= 3; i++) {
		rig_feed(queues(server_rec(TCPTRACE_COOKIE_SENT, i), 0, i - 1));
		acceptq_add(i, TCPTRACE_ACCEPTQ_COOKIE, 0, i);
	}
	refuse(4);
	pass(S);
	look();
	assert_told("accept-stalled", FINDING_SEEN, "Seen: 1 segment refused, accept queue up to 3 (limit 2)");
	assert_not_said("cookie");
}

/* A request that expires because its third packet was refused is not the path's loss. */
static void expiring(void **state)
{
	struct tcptrace_record rec;

	(void)state;
	rig_listen(2, 4096);
	synq_add(1, 1, 0);
	synq_del(1, TCPTRACE_SYNQ_EXPIRED, 0, 0);
	look();
	assert_told("requests-expire", FINDING_CAUSE, "the third packet did not come: 1 request expired in the SYN queue of prog[100] after "
		    "0 SYN-ACK retransmits, 0 others established.");
	observe(TCPTRACE_SYNACK_RETRANS, TCPTRACE_SEEN_NOT, 0);
	look();
	assert_told("requests-expire", FINDING_CAUSE, "the SYN queue of prog[100], 0 others established.");
	rig_down(state);
	up(state);
	rig_listen(2, 4096);
	rec = queues(server_rec(TCPTRACE_SYNQ_ADD, 1), 1, 0);
	rec.sk = RQ(1);
	rec.flags |= TCPTRACE_F_REQUEST;
	rec.old = 2;
	rig_feed(rec);
	rec.t_ns = 0;
	rec.event = TCPTRACE_SYNQ_DEL;
	rec.cause = TCPTRACE_SYNQ_EXPIRED;
	rig_feed(rec);
	look();
	assert_told("requests-expire", FINDING_CAUSE, "the third packet, or the data that TCP_DEFER_ACCEPT waits for, did not");
	rig_down(state);
	up(state);
	rig_listen(2, 4096);
	synq_add(1, 1, 3);
	drop(1, TCPTRACE_DROP_ACCEPTQ_ACK, RQ(1), 1, 3);
	synq_del(1, TCPTRACE_SYNQ_EXPIRED, 0, 3);
	look();
	for (unsigned int i = 0; i < found.n; i++)
		assert_string_not_equal(found.f[i].id, "requests-expire");
}

/* ---- ports ---- */

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

static void knock(unsigned int n, uint16_t port, uint32_t to)
{
	for (unsigned int i = 0; i < n; i++) {
		struct tcptrace_record rec = server_rec(TCPTRACE_RST_SENT, i);

		mapped(rec.laddr, to);
		rec.lport = port;
		rec.arg = 0x02;
		rig_feed(rec);
	}
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
	}
	look();
	assert_told("no-listener", FINDING_CAUSE, "57 SYNs to 10.0.0.1:8080 answered by RST: 3 times between ");
	assert_says(FINDING_CAUSE, " nobody listened; prog[102] listened last.");
	assert_says(FINDING_ADVICE, "Find out why the listener is closed again and again.");
	knock(7, PORT, 0x0a000001);
	look();
	assert_told("no-listener", FINDING_CAUSE, "64 SYNs to 10.0.0.1:8080 answered by RST: 4 times between ");
	pass(100 * MS);
	rec.sk = LSK;
	state_of(by(rec, SERVER + 3, 3), rec.sk, TCP_S_CLOSE, TCP_S_LISTEN);
	look();
	assert_told("no-listener", FINDING_CAUSE, "64 SYNs to 10.0.0.1:8080 answered by RST: 4 times between ");
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

/* A scan: no more than three ports are told, those asked for most, and how many more there are. */
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
}

/* ---- connect() ---- */

static void connect_returns(struct tcptrace_record rec, unsigned int i, int err)
{
	rec.sk = SK(i);
	rec.lport = 0;
	rig_feed(rec);
	rec.event = TCPTRACE_CONNECT_RETURN;
	rec.call_ns = 0;
	rec.ret = -err;
	rig_feed(rec);
}

static void connect_fails(unsigned int i, int err, bool v6)
{
	struct tcptrace_record rec = by(client_rec(TCPTRACE_CONNECT, i), CLIENT, 3);

	if (v6) {
		memset(rec.raddr, 0, 16);
		rec.raddr[15] = 1;
		rec.family = 6;
	}
	connect_returns(rec, i, err);
}

static void connect_here_fails(unsigned int i, int err)
{
	struct tcptrace_record rec = by(client_rec(TCPTRACE_CONNECT, i), CLIENT, 3);

	mapped(rec.raddr, 0x7f000001);
	connect_returns(rec, i, err);
}

static void rst_comes(unsigned int i)
{
	struct tcptrace_record rec = client_rec(TCPTRACE_RST_RECEIVED, i);

	rec.sk = SK(i);
	rec.old = rec.new = TCP_S_SYN_SENT;
	rig_feed(rec);
}

static void syn_sent_ends(unsigned int i, uint32_t segs_out, int err)
{
	struct tcptrace_record rec = client_rec(TCPTRACE_STATE, i);

	rec.sk = SK(i);
	rec.old = TCP_S_SYN_SENT;
	rec.new = TCP_S_CLOSE;
	rec.segs_out = segs_out;
	rec.ret = -err;
	rig_feed(rec);
}

/* A connect() that blocks, whose SYN leaves. */
static void attempt_of(struct tcptrace_record rec, unsigned int i, int err, bool rst)
{
	rec.sk = SK(i);
	rig_feed(rec);
	state_of(client_rec(0, i), SK(i), TCP_S_CLOSE, TCP_S_SYN_SENT);
	if (rst)
		rst_comes(i);
	syn_sent_ends(i, 1, err);
	rec.event = TCPTRACE_CONNECT_RETURN;
	rec.ret = -err;
	rig_feed(rec);
}

static void attempt(unsigned int i, int err, bool rst)
{
	attempt_of(by(client_rec(TCPTRACE_CONNECT, i), CLIENT, 3), i, err, rst);
}

static void attempt_by(unsigned int program, unsigned int i, int err, bool rst)
{
	struct tcptrace_record rec = by(client_rec(TCPTRACE_CONNECT, i), 300 + program, 3);

	rec.comm[0] = (char)('a' + program);
	attempt_of(rec, i, err, rst);
}

/* Short-lived programs, each under a name of its own, want one end: one trouble. With another errno it is another one. */
static void many_programs(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 1; i <= 5; i++)
		attempt_by(i, i, ETIMEDOUT, false);
	look();
	assert_told("connect-fails", FINDING_CAUSE, "with ETIMEDOUT");
	assert_says(FINDING_COST, "The same of 4 other programs.");
	for (; i <= 8; i++)
		attempt_by(6, i, EHOSTUNREACH, false);
	look();
	assert_int_equal(found.n, 2);
	for (; i <= 14; i++)			/* nor is one errno of a RST and of an ICMP message */
		attempt_by(i % 2 ? 7 : 8, i, ECONNREFUSED, i % 2);
	look();
	assert_int_equal(found.n, 4);
}

/* Blocked in connect() when we came: of what was not seen to begin there were as many calls as failures. */
static void calls_unseen(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 9; i++) {
		struct tcptrace_record rec = by(client_rec(TCPTRACE_CONNECT_RETURN, i), CLIENT, 3);

		rec.sk = SK(i);
		rec.ret = i < 4 ? -ECONNREFUSED : -ETIMEDOUT;
		rig_feed(rec);
	}
	look();
	assert_says(FINDING_CAUSE, "failed 5 times of 9 with ETIMEDOUT");
}

static void connects(void **state)
{
	unsigned int i;

	(void)state;
	box.sysctl[MACHINE_PORT_FIRST] = 40000;
	box.sysctl[MACHINE_PORT_LAST] = 40050;
	for (i = 0; i < 101; i++)
		connect_fails(i, i < 51 ? 0 : EADDRNOTAVAIL, false);
	look();
	assert_told("connect-fails", FINDING_CAUSE, "connect() to 10.0.0.1:8080 failed 50 times of 101 with EADDRNOTAVAIL in "
		    "prog[200]: no local port was left for it, which had begun 51 connections: net.ipv4.ip_local_port_range (now 40000 to "
		    "40050) has 51 ports to each destination.");
	look_on(NULL);
	assert_says(FINDING_CAUSE, ": no local port was left for it, of net.ipv4.ip_local_port_range without ip_local_reserved_ports, "
		    "or of the socket's own IP_LOCAL_PORT_RANGE.");
	box.sysctl[MACHINE_PORT_LAST] = 40999;
	look();				/* there are more than it had */
	assert_says(FINDING_CAUSE, ": no local port was left for it, of net.ipv4.ip_local_port_range (now 40000 to 40999) without");
	assert_not_said("ports to each destination");
	rig_down(state);		/* twice is how programs find out */
	up(state);
	attempt(1, ECONNREFUSED, true);
	attempt(2, ECONNREFUSED, true);
	look();
	assert_int_equal(found.n, 0);
	attempt(3, ECONNREFUSED, true);
	look();
	assert_told("connect-fails", FINDING_CAUSE, "with ECONNREFUSED in prog[200]: a RST came back");
	knock(3, PORT, 0x0a000001);	/* it was we who answered: told once */
	look();
	assert_told("no-listener", FINDING_CAUSE, "3 SYNs");
	assert_says(FINDING_COST, "They came from 10.0.0.2, among them those of prog[200].");
}

static void cause_of(void **state, int err, bool sent, bool rst, const char *words)
{
	rig_down(state);
	up(state);
	for (unsigned int i = 1; i <= 3; i++) {
		if (sent)
			attempt(i, err, rst);
		else
			connect_fails(i, err, false);
	}
	look();
	assert_told("connect-fails", FINDING_CAUSE, words);
}

/* The same errno by a RST, by an ICMP message, from this machine, and where one cannot tell. */
static void came(void **state)
{
	cause_of(state, ECONNREFUSED, true, true, ": a RST came back, nobody listens there.");
	cause_of(state, ECONNREFUSED, true, false, ": no RST came back but an ICMP message, as of a firewall that rejects.");
	observe(TCPTRACE_RST_RECEIVED, TCPTRACE_SEEN_NOT, 0);
	look();
	assert_told("connect-fails", FINDING_CAUSE, ": a RST or an ICMP message came back: nobody listens there, or a firewall");
	cause_of(state, ECONNREFUSED, false, false, ": no SYN had left, a filter of this machine refuses it.");
	cause_of(state, ENETUNREACH, false, false, ": there is no route.");
	cause_of(state, ENETUNREACH, true, false, ": its SYN had left, and a router or a firewall says that there is no route.");
	connect_fails(4, ENETUNREACH, false);
	look();
	assert_told("connect-fails", FINDING_CAUSE, ": there is no route, or a router or a firewall says so.");
	cause_of(state, EHOSTUNREACH, false, false, ": no SYN had left, a route of this machine says so.");
	cause_of(state, EHOSTUNREACH, true, false, ": the host does not answer, or a router or a firewall says so.");
	cause_of(state, EHOSTDOWN, true, false, ": its SYN had left, and an ICMP message says so.");
	cause_of(state, ECONNRESET, true, false, ": no RST came, but a shutdown() or connect(AF_UNSPEC) of its own.");
	cause_of(state, ECONNABORTED, true, false, ": no RST came, but ss -K or a program like it ended it.");
	cause_of(state, EACCES, false, false, ": a filter, a route or a policy of this machine denies it.");
}

/* The program asks by SO_ERROR at once and closes; unless the SYN that is sent again had a better answer. */
static void told_by_so_error(void **state)
{
	(void)state;
	for (unsigned int i = 1; i <= 4; i++) {
		struct tcptrace_record rec = by(client_rec(TCPTRACE_CONNECT, i), CLIENT, 3);

		rec.sk = SK(i);
		rig_feed(rec);
		state_of(client_rec(0, i), SK(i), TCP_S_CLOSE, TCP_S_SYN_SENT);
		rec.event = TCPTRACE_CONNECT_RETURN;
		rec.ret = -EINPROGRESS;
		rec.soft_errno = EHOSTUNREACH;
		rig_feed(rec);
		if (i == 4) {
			state_of(client_rec(0, i), SK(i), TCP_S_SYN_SENT, TCP_S_ESTABLISHED);
			continue;
		}
		rec.event = TCPTRACE_CLOSE;
		rec.ret = 0;
		rig_feed(rec);
		syn_sent_ends(i, 1, 0);
	}
	look();
	assert_told("connect-fails", FINDING_CAUSE, "failed 3 times of 4 with EHOSTUNREACH in prog[200]: the host does not answer, or");
	assert_string_equal(found.text[0][FINDING_SEEN], "First at 00:00:01.000.");
}

/* The first ICMP message finds a call that holds the socket, so that its SYN goes again: it had an answer. */
static void icmp_again(void **state)
{
	(void)state;
	for (unsigned int i = 1; i <= 3; i++) {
		struct tcptrace_record rec = client_rec(TCPTRACE_RETRANS, i);

		rec.sk = SK(i);
		rec.old = rec.new = TCP_S_SYN_SENT;
		rig_feed(rec);
		attempt(i, ECONNREFUSED, false);
	}
	look();
	assert_told("connect-fails", FINDING_CAUSE, "ECONNREFUSED in prog[200]: no RST came back");
}

/* A listener of this machine knows nothing of it: no answer, or another's. */
static void deaf(void **state)
{
	struct tcptrace_record rec = listener_rec(0);

	(void)state;
	connect_here_fails(1, ETIMEDOUT);
	look();
	assert_told("connect-fails", FINDING_ADVICE, "run tcptrace there");
	rig_listen(128, 4096);
	look();				/* it came later */
	assert_told("connect-fails", FINDING_ADVICE, "run tcptrace there");
	rig_down(state);
	up(state);
	rig_listen(128, 4096);
	connect_here_fails(1, ETIMEDOUT);
	look();
	assert_told("connect-fails", FINDING_CAUSE, "no answer to any SYN, though a listener is there, on this machine");
	assert_says(FINDING_ADVICE, "nft list ruleset. Or its own socket options do (TCP_MD5SIG, TCP-AO, IP_MINTTL, a filter)");
	rig_down(state);
	up(state);
	rig_listen(128, 4096);
	for (unsigned int i = 0; i < 3; i++)
		connect_here_fails(i, ECONNREFUSED);
	look();
	assert_told("connect-fails", FINDING_CAUSE, "refused, though a listener is there, on this machine.");
	rig_down(state);		/* for its own device alone; as with [::], maybe for IPv6 */
	up(state);
	rec.device = 3;
	state_of(by(rec, SERVER, 3), LSK, TCP_S_CLOSE, TCP_S_LISTEN);
	for (unsigned int i = 0; i < 3; i++)
		connect_here_fails(i, ECONNREFUSED);
	look();
	assert_told("connect-fails", FINDING_CAUSE, ": refused; a listener is there, on this machine, but maybe not for these");
	rig_down(state);		/* by IPv6 it does not listen */
	up(state);
	rig_listen(128, 4096);
	connect_fails(1, ETIMEDOUT, true);
	look();
	assert_told("connect-fails", FINDING_ADVICE, "run tcptrace there");
}

/* Each errno has the address that it was of. */
static void addresses(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 3; i++)
		connect_fails(i, EACCES, false);
	for (unsigned int i = 3; i < 6; i++)
		connect_here_fails(i, ENETUNREACH);
	look();
	assert_int_equal(found.n, 2);
	for (unsigned int i = 0; i < 2; i++) {
		const char *text = found.text[i][FINDING_CAUSE];

		assert_non_null(strstr(text, strstr(text, "EACCES") ? "to 10.0.0.1:8080" : "to 127.0.0.1:8080"));
		assert_null(strstr(found.text[i][FINDING_SEEN], "other hosts"));
	}
}

/* EADDRNOTAVAIL for other reasons than the range of ports. */
static void no_address(void **state)
{
	struct tcptrace_record rec = by(client_rec(TCPTRACE_CONNECT_RETURN, 1), CLIENT, 3);

	box.sysctl[MACHINE_IPV6_OFF] = 0;
	rec.sk = SK(1);
	rec.lport = 45000;
	rec.ret = -EADDRNOTAVAIL;
	rig_feed(rec);
	look();
	assert_told("connect-fails", FINDING_CAUSE, "it had bound its end to port 45000, from which there is a connection to there "
		    "already");
	assert_not_said("range");
	connect_fails(2, EADDRNOTAVAIL, false);
	look();
	assert_told("connect-fails", FINDING_CAUSE, "no local port was left");
	rig_down(state);
	up(state);
	box.sysctl[MACHINE_IPV6_OFF] = 0;
	box.sysctl[MACHINE_PORT_FIRST] = 40000;
	box.sysctl[MACHINE_PORT_LAST] = 40009;
	for (unsigned int i = 0; i < 10; i++)
		connect_fails(i, i < 9 ? 0 : EADDRNOTAVAIL, true);
	look();				/* by IPv6 it may be the address as well */
	assert_told("connect-fails", FINDING_CAUSE, ": this machine has no IPv6 address that leads there, or no local port was left.");
	assert_not_said("range");
	connect_fails(10, 0, true);
	look();				/* as many connections as there are ports */
	assert_told("connect-fails", FINDING_CAUSE, ": no local port was left for it, which had begun 10 connections: net.ipv4");
	box.sysctl[MACHINE_IPV6_OFF] = 1;
	look();
	assert_told("connect-fails", FINDING_CAUSE, "IPv6 is switched off (net.ipv6.conf.all.disable_ipv6).");
}

/* A router's ICMP ends it after connect() has returned: the socket has the errno. */
static void rejected(void **state)
{
	(void)state;
	for (unsigned int i = 1; i <= 3; i++) {
		connect_fails(i, EINPROGRESS, false);
		syn_sent_ends(i, 2, EHOSTUNREACH);
	}
	look();
	assert_told("connect-fails", FINDING_CAUSE, "failed 3 times of 3 with EHOSTUNREACH in prog[200]: the host does not answer");
}

static void asks(unsigned int i, int err)		/* connect() once more, to have the result */
{
	struct tcptrace_record rec = by(client_rec(TCPTRACE_CONNECT_RETURN, i), CLIENT, 3);

	rec.sk = SK(i);
	rec.ret = -err;
	rig_feed(rec);
}

/* A RST ends what nobody waits for in connect(): counted once, whether or how its program asks for the result. */
static void refused_later(void **state)
{
	(void)state;
	for (unsigned int i = 1; i <= 4; i++) {
		connect_fails(i, EINPROGRESS, false);
		rst_comes(i);
		syn_sent_ends(i, 1, ECONNREFUSED);
		if (i & 1)
			asks(i, ECONNREFUSED);
	}
	look();
	assert_told("connect-fails", FINDING_CAUSE, "failed 4 times of 4 with ECONNREFUSED in prog[200]");
}

/* As -q does: no transitions, no beginning of a connect(), no end of a socket. */
static void observe_quietly(void)
{
	struct tcptrace_record rec = { .event = TCPTRACE_OBSERVED, .fd = -1, .arg = ~0ull };

	rec.arg &= ~(3ull << TCPTRACE_SEEN_SHIFT(TCPTRACE_STATE) | 3ull << TCPTRACE_SEEN_SHIFT(TCPTRACE_CONNECT) |
		     3ull << TCPTRACE_SEEN_SHIFT(TCPTRACE_DESTROY));
	rig_feed(rec);
}

/* Without transitions the RST alone says it; on a short way it is here before connect() is back. */
static void refused_unobserved(void **state)
{
	(void)state;
	observe_quietly();
	for (unsigned int i = 1; i <= 8; i++) {
		if (i & 1)
			rst_comes(i);
		asks(i, i & 4 ? ECONNREFUSED : EINPROGRESS);
		if (!(i & 5))
			rst_comes(i);
		if (i == 2)
			asks(i, ECONNREFUSED);
	}
	look();
	assert_told("connect-fails", FINDING_CAUSE, "failed 8 times with ECONNREFUSED in prog[200]");
}

/* By fentry and kprobes only returns that fail are seen then: of the others nobody is known who called. */
static void refused_unowned(void **state)
{
	(void)state;
	observe_quietly();
	for (unsigned int i = 1; i <= 9; i++) {
		rst_comes(i);
		if (i > 5)
			asks(i, ECONNREFUSED);
	}
	look();
	assert_int_equal(found.n, 2);
	assert_non_null(strstr(found.text[0][FINDING_CAUSE],
			       "failed 5 times with ECONNREFUSED, by whom was not seen: a RST came back, nobody listens there."));
	assert_non_null(strstr(found.text[1][FINDING_CAUSE], "failed 4 times with ECONNREFUSED in prog[200]"));
}

static void gives_up(unsigned int i, unsigned int ms)
{
	connect_fails(i, EINPROGRESS, false);
	state_of(client_rec(0, i), SK(i), TCP_S_CLOSE, TCP_S_SYN_SENT);
	rig.t += ms * MS;
	syn_sent_ends(i, 1, 0);
}

/* A RST, and an ICMP message that connect() itself had: of the latter nothing is known but that they closed. */
static void untold(void **state)
{
	struct tcptrace_record rec;

	for (unsigned int i = 1; i <= 3; i++) {
		look();
		assert_int_equal(found.n, 0);
		gives_up(i, 0);
	}
	look();
	assert_told("connect-fails", FINDING_CAUSE, "3 connections to 10.0.0.1:8080, of 3, closed by prog[200] in SYN_SENT, before an "
		    "answer was seen: given up, or failed with an error that only the program was told.");
	assert_says(FINDING_SEEN, "The longest was open for");
	for (unsigned int i = 4; i <= 7; i++)
		connect_fails(i, 0, false);
	look();				/* most came about */
	assert_int_equal(found.n, 0);
	for (unsigned int i = 8; i <= 10; i++)
		attempt(i, ECONNREFUSED, false);
	look();
	assert_told("connect-fails", FINDING_CAUSE, "failed 3 times of 10 with ECONNREFUSED in prog[200]: no RST came back");
	assert_says(FINDING_SEEN, "Beside them 3 connections closed before an answer was seen: how they failed is not known.");
	rig_down(state);		/* too few of either, but of the same, maybe */
	up(state);
	gives_up(1, 0);
	gives_up(2, 0);
	attempt(3, ENETUNREACH, false);
	look();
	assert_told("connect-fails", FINDING_CAUSE, "failed 1 time of 3 with ENETUNREACH");
	rig_down(state);		/* IPv4 was faster */
	up(state);
	for (unsigned int i = 1; i <= 3; i++) {
		connect_fails(i, EINPROGRESS, true);
		rec = client_rec(0, i);
		memset(rec.raddr, 0, 16);
		rec.raddr[15] = 1;
		rec.family = 6;
		rec.segs_out = 1;
		state_of(rec, SK(i), TCP_S_SYN_SENT, TCP_S_CLOSE);
		look();
		assert_int_equal(found.n, i == 3);
	}
	for (unsigned int i = 1; i <= 3; i++) {
		connect_fails(10 + i, 0, false);
	}
	look();
	assert_int_equal(found.n, 0);
}

/* Nobody waited until the SYN was sent again. */
static void given_up(void **state)
{
	(void)state;
	for (unsigned int i = 1; i <= 5; i++) {
		gives_up(i, 200 + i);
		look();
		assert_int_equal(found.n, i >= 3);
	}
	assert_told("no-answer", FINDING_CAUSE, "5 SYNs of prog[200] to 10.0.0.1:8080 had no answer that was seen and were given up.");
	assert_says(FINDING_SEEN, "The longest was waited for 205 ms.");
}

/* Who gives up before ETIMEDOUT has no errno, but his SYN went out twice. */
static void unanswered(void **state)
{
	struct tcptrace_record rec;

	(void)state;
	for (unsigned int i = 1; i <= 5; i++) {
		rec = client_rec(TCPTRACE_RETRANS, i);
		rec.sk = SK(i);
		rec.old = rec.new = i < 5 ? TCP_S_SYN_SENT : TCP_S_ESTABLISHED;
		rig_feed(rec);
		rig_feed(rec);
		look();
		assert_int_equal(found.n, i >= 3);
	}
	assert_told("no-answer", FINDING_CAUSE, "4 SYNs to 10.0.0.1:8080 had no answer at first and had to be sent again.");
	rig_feed((struct tcptrace_record){ .event = TCPTRACE_SNAPSHOT });
	rec = by(client_rec(TCPTRACE_EXISTS, 1), CLIENT, 4);	/* whose they were, as long as one waits */
	rec.sk = SK(1);
	rec.new = TCP_S_SYN_SENT;
	rig_feed(rec);
	look();
	assert_told("no-answer", FINDING_CAUSE, "4 SYNs of prog[200] to 10.0.0.1:8080 had no answer");
	assert_says(FINDING_ADVICE, "The host is down, a firewall drops");
	state_of(client_rec(0, 1), SK(1), TCP_S_SYN_SENT, TCP_S_ESTABLISHED);
	look();
	assert_says(FINDING_SEEN, "1 had one later.");
	gives_up(10, 199);			/* within the time of a way */
	gives_up(11, 250);
	look();
	assert_says(FINDING_SEEN, " 1 more SYN had none until given up, after 250 ms at the latest.");
	connect_fails(9, ETIMEDOUT, false);	/* the same, and its errno */
	look();
	assert_told("connect-fails", FINDING_CAUSE, "ETIMEDOUT");
}

/* Of calls that did not fail nothing is seen: maybe IPv4 did it. A RST by IPv6 is told, and what fails by IPv4. */
static void went_on_unobserved(void **state)
{
	static const int no_way[] = { EADDRNOTAVAIL, ENETUNREACH, EHOSTUNREACH };

	(void)state;
	observe_quietly();
	for (unsigned int i = 0; i < 3; i++)
		for (unsigned int n = 0; n < 5; n++)
			connect_fails(10 * i + n, no_way[i], true);
	look();
	assert_int_equal(found.n, 0);
	for (unsigned int i = 40; i < 45; i++)
		connect_fails(i, ECONNREFUSED, true);
	look();
	assert_told("connect-fails", FINDING_CAUSE, "[::1]:8080 failed 5 times with ECONNREFUSED");
	rig_down(state);
	up(state);
	observe_quietly();
	connect_fails(1, EADDRNOTAVAIL, false);
	look();
	assert_told("connect-fails", FINDING_CAUSE, "10.0.0.1:8080 failed 1 time with EADDRNOTAVAIL");
}

static bool told_of(const char *id)
{
	for (unsigned int i = 0; i < found.n; i++)
		if (!strcmp(found.f[i].id, id))
			return true;
	return false;
}

static void syn_again(unsigned int i, uint32_t to)
{
	struct tcptrace_record rec = client_rec(TCPTRACE_RETRANS, i);

	mapped(rec.raddr, to);
	rec.sk = SK(i);
	rec.old = rec.new = TCP_S_SYN_SENT;
	rig_feed(rec);
}

/* A full queue of this machine is the cause at its own address alone. */
static void refused_elsewhere(void **state)
{
	rig_listen(1, 4096);
	refuse(1);
	refuse(2);
	connect_fails(1, ETIMEDOUT, false);
	look();
	assert_false(told_of("connect-fails"));
	for (unsigned int i = 10; i < 16; i++)
		connect_here_fails(i, ETIMEDOUT);
	look();
	assert_true(told_of("connect-fails"));
	rig_down(state);		/* of programs that do not wait for the errno */
	up(state);
	rig_listen(1, 4096);
	refuse(1);
	for (unsigned int i = 1; i < 4; i++)
		syn_again(i, 0x0a000001);
	look();
	assert_false(told_of("no-answer"));
	for (unsigned int i = 4; i < 10; i++)
		syn_again(i, 0x0a000009);
	look();
	assert_true(told_of("no-answer"));
}

/* IPv6 fails, IPv4 does it: nobody notices. */
static void went_on(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 23; i++)
		connect_fails(i, EADDRNOTAVAIL, true);
	look();
	assert_told("connect-fails", FINDING_CAUSE, "[::1]:8080");
	for (i = 30; i < 53; i++)
		connect_fails(i, 0, false);
	look();
	assert_int_equal(found.n, 0);
}

/* ---- all of them ---- */

/* What cost more comes first, whoever is first in the table. */
static void order(void **state)
{
	(void)state;
	knock(3, 8099, 0x0a000001);
	rig_listen(1, 4096);
	burst(99);
	look();
	assert_int_equal(found.n, 2);
	assert_string_equal(found.f[0].id, "acceptq-backlog");
	assert_true(found.f[0].cost_ns > found.f[1].cost_ns);
}

static void sum_up(struct out *o)
{
	struct view v = { .out = o };

	assert_int_equal(out_open(o, -1), 0);
	summary_listeners(&v, rig.m);
	out_char(o, 0);
}

static void forget(struct out *o)
{
	o->len = 0;
	out_close(o);
}

/* The one that refused comes before the one that was there first, of which nothing is to say. */
static void listeners_in_order(void **state)
{
	struct tcptrace_record rec = by(listener_rec(0), 101, 3);
	const char *block, *silent;
	struct out o;

	(void)state;
	rec.sk = rec.listener = LSK + 0x1000;
	rec.lport = 7;
	state_of(rec, LSK + 0x1000, TCP_S_CLOSE, TCP_S_LISTEN);
	rig_listen(1, 4096);
	sum_up(&o);
	assert_non_null(strstr(o.buf, "nothing seen at:"));
	assert_null(strstr(o.buf, "accept queue"));
	forget(&o);
	burst(5);
	sum_up(&o);
	block = strstr(o.buf, "accept queue");
	silent = strstr(o.buf, "nothing seen at:");
	assert_true(block && silent && block < silent);
	assert_non_null(strstr(silent, ":7 "));
	forget(&o);
}

static void healthy(void **state)
{
	unsigned int i;

	(void)state;
	rig_listen(128, 4096);
	for (i = 1; i <= 101; i++) {
		handshake(i, 1);
		accept_by(i, SERVER, 1000, 0, 0);
		pass(50 * MS);
	}
	look();
	assert_int_equal(found.n, 0);
	look_on(NULL);
	assert_int_equal(found.n, 0);
}

static void knobs(void **state)
{
	static const char *const known[] = { "nginx", "redis-server", "node", "gunicorn: master", "uvicorn", "java", "haproxy",
					     "postgres", "php-fpm8.2", "python3", "apache2" };

	(void)state;
	for (unsigned int i = 0; i < sizeof(known) / sizeof(*known); i++)
		assert_non_null(knob_of(known[i]));
	assert_null(knob_of("nginx2"));
	assert_null(knob_of("nod"));
	assert_null(knob_of(""));
}

/* A name from outside is no placeholder, and its bytes do not reach the terminal. */
static void hostile(void **state)
{
	(void)state;
	rig_listen(1, 4096);
	burst(5);
	box.comm = HOSTILE;
	look();
	assert_told("acceptq-backlog", FINDING_CAUSE, "the accept queue of {clients}\\x1b[2J%s[100] is too short");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, up, rig_down)
	const struct CMUnitTest tests[] = {
		TEST(synq), TEST(synq_quarter), TEST(cookies_always), TEST(expiring), TEST(closed_waiting), TEST(closed_often), TEST(closed_unseen), TEST(closed_at_many),
		TEST(no_listener),
		TEST(crashes), TEST(not_for_these), TEST(elsewhere), TEST(scan), TEST(calls_unseen), TEST(many_programs), TEST(connects), TEST(came), TEST(told_by_so_error), TEST(icmp_again), TEST(deaf), TEST(no_address), TEST(addresses), TEST(unanswered), TEST(rejected),
		TEST(untold), TEST(given_up), TEST(refused_later), TEST(refused_unobserved), TEST(refused_unowned),
		TEST(refused_elsewhere), TEST(went_on), TEST(went_on_unobserved), TEST(order), TEST(listeners_in_order), TEST(healthy),
		TEST(knobs), TEST(hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
