// SPDX-License-Identifier: GPL-2.0-only
/* The model: the life of connections, whatever order and mechanism the records come by. */
#include "model_rig.h"

static const struct listener *only_listener(void)
{
	assert_null(model_listener(rig.m, 1));
	return model_listener(rig.m, 0);
}

static void server_closes_last(unsigned int i)
{
	state_of(server_rec(0, i), SK(i), TCP_S_ESTABLISHED, TCP_S_CLOSE_WAIT);
	state_of(server_rec(0, i), SK(i), TCP_S_CLOSE_WAIT, TCP_S_LAST_ACK);
	state_of(server_rec(0, i), SK(i), TCP_S_LAST_ACK, TCP_S_CLOSE);
	destroy(server_rec(0, i), SK(i));
}

static void check_passive(unsigned int conn_events)
{
	const struct listener *l = only_listener();
	unsigned int i, n = 0;

	for (i = 0; i < rig.n; i++)
		if (rig.seen[i].ev.conn) {
			assert_int_equal(rig.seen[i].ev.conn, 1);
			assert_int_equal(rig.seen[i].listener, 1);
			n++;
		}
	assert_int_equal(n, conn_events);
	assert_int_equal(l->established, 1);
	assert_int_equal(l->accepted, 1);
	assert_int_equal(l->in_synq.count, 1);
	assert_int_equal(l->in_acceptq.count, 1);
	assert_int_equal(l->synq.known + l->acceptq.known, 0);
	assert_int_equal(l->causes[TCPTRACE_SYNQ_ESTABLISHED], 1);
	assert_int_equal(l->causes[TCPTRACE_ACCEPTQ_ACCEPTED], 1);
	assert_int_equal(model_totals(rig.m)->illegal, 0);
	assert_int_equal(model_totals(rig.m)->conns_now, 0);
}

/* fentry, kprobe: everything is told. */
static void passive_exact(void **state)
{
	(void)state;
	rig_listen(128, 4096);
	handshake(1, 1);
	acceptq_del(1, TCPTRACE_ACCEPTQ_ACCEPTED, 0, 0);
	accept_by(1, SERVER, 5 * MS, 0, 0);
	server_closes_last(1);
	assert_string_equal(story(2), "synq-add state:10>3 synq-del acceptq-add state:3>1 acceptq-del"
			    " accept state:1>8 state:8>9 state:9>7 destroy");
	check_passive(11);
	assert_took(nth(TCPTRACE_ACCEPT, 0), 5 * MS);
	assert_true(nth(TCPTRACE_DESTROY, 0)->ev.has_dur);
	assert_int_equal(nth(TCPTRACE_SYNQ_ADD, 0)->pid, SERVER);
	assert_int_equal(nth(TCPTRACE_STATE, 5)->fd, 6);
}

/* Tracepoints alone on an old kernel: half-cloned child, no synq-del, no numbers; the kernel's order all the same. */
static void passive_tracepoints(void **state)
{
	struct tcptrace_record rec;

	(void)state;
	rig_listen(128, 4096);
	rec = server_rec(TCPTRACE_SYNQ_ADD, 1);
	rec.sk = RQ(1);
	rec.listener = LSK;
	rec.flags = TCPTRACE_F_REQUEST;
	rec.new = TCPTRACE_SYNACK_TOO;
	rig_feed(rec);
	assert_int_equal(nth(TCPTRACE_SYNQ_ADD, 0)->ev.synq, 1);
	assert_int_equal(nth(TCPTRACE_SYNQ_ADD, 0)->ev.new, TCP_S_NONE);
	assert_int_equal(nth(TCPTRACE_SYNACK, 0)->ev.conn, nth(TCPTRACE_SYNQ_ADD, 0)->ev.conn);
	child_half_cloned(1);
	rec = server_rec(TCPTRACE_ACCEPTQ_ADD, 1);
	rec.sk = SK(1);
	rec.cause = TCPTRACE_ACCEPTQ_HANDSHAKE;
	rec.t_ns = rig.t += 1000;
	rig_feed(rec);
	rec = server_rec(0, 1);
	rec.t_ns = rig.t;
	state_of(rec, SK(1), TCP_S_SYN_RECV, TCP_S_ESTABLISHED);
	assert_true(nth(TCPTRACE_ACCEPTQ_ADD, 0)->ev.has_queues);
	assert_int_equal(nth(TCPTRACE_ACCEPTQ_ADD, 0)->ev.acceptq, 1);
	assert_int_equal(nth(TCPTRACE_ACCEPTQ_ADD, 0)->ev.synq, 0);
	rec = by(server_rec(TCPTRACE_ACCEPT, 1), SERVER, 6);
	rec.sk = SK(1);
	rec.ret = 6;
	rig_feed(rec);
	assert_false(nth(TCPTRACE_ACCEPT, 0)->ev.has_dur);
	assert_int_equal(nth(TCPTRACE_ACCEPT, 0)->ev.acceptq, 0);
	server_closes_last(1);
	assert_string_equal(story(2), "synq-add synack state:10>3 synq-del acceptq-add state:3>1 acceptq-del"
			    " accept state:1>8 state:8>9 state:9>7 destroy");
	check_passive(12);
	assert_int_equal(nth(TCPTRACE_STATE, 1)->rec.rport, 40001);	/* the ends it lacked */
	assert_int_not_equal(nth(TCPTRACE_STATE, 1)->rec.cookie, 4711);
}

/* fentry on 5.10 to 6.12: two half-cloned children on two CPUs at once. */
static void half_cloned_two_cpus(void **state)
{
	struct tcptrace_record rec;
	unsigned int i;

	(void)state;
	rig_listen(128, 4096);
	for (i = 1; i <= 2; i++)
		synq_add(i, i, 0);
	for (i = 1; i <= 2; i++) {
		rec = server_rec(0, i);
		rec.rport = 0;
		rec.cpu = i;
		state_of(rec, SK(i), TCP_S_LISTEN, TCP_S_SYN_RECV);
	}
	for (i = 2; i; i--) {
		rec = server_rec(TCPTRACE_SYNQ_DEL, i);
		rec.sk = RQ(i);
		rec.cpu = i;
		rec.flags = TCPTRACE_F_REQUEST;
		rec.cause = TCPTRACE_SYNQ_ESTABLISHED;
		rig_feed(rec);
		rec = server_rec(TCPTRACE_ACCEPTQ_ADD, i);
		rec.sk = SK(i);
		rec.req = RQ(i);
		rec.cpu = i;
		rec.listener = LSK;
		rec.cause = TCPTRACE_ACCEPTQ_HANDSHAKE;
		rig_feed(rec);
	}
	assert_string_equal(story(2), "synq-add synq-add state:10>3 synq-del acceptq-add"
			    " state:10>3 synq-del acceptq-add");
	for (i = 4; i < 7; i++)
		assert_int_equal(rig.seen[i].ev.conn, 2);
	assert_int_equal(model_totals(rig.m)->conns_now, 2);
	assert_int_equal(model_totals(rig.m)->illegal, 0);
}

static void late_ack(void **state)
{
	const struct seen *s;

	(void)state;
	rig_listen(128, 4096);
	synq_add(1, 1, 0);
	rig.t += 300 * MS - 3000;
	child_half_cloned(1);
	rig.t += 1000;
	synq_del(1, TCPTRACE_SYNQ_ESTABLISHED, 0, 0);
	acceptq_add(1, TCPTRACE_ACCEPTQ_HANDSHAKE, 0, 1);
	state_of(server_rec(0, 1), SK(1), TCP_S_SYN_RECV, TCP_S_ESTABLISHED);
	assert_took(nth(TCPTRACE_SYNQ_DEL, 0), 300 * MS);
	s = nth(TCPTRACE_STATE, 2);
	assert_int_equal(s->ev.old, TCP_S_SYN_RECV);
	assert_took(s, 300 * MS + 2000);
	assert_int_equal(only_listener()->in_synq.max, 300 * MS);
	rig.t += 20 * MS - 2000;
	accept_by(1, SERVER, 0, 0, 0);
	assert_took(nth(TCPTRACE_ACCEPTQ_DEL, 0), 20 * MS);
	assert_int_equal(only_listener()->in_acceptq.max, 20 * MS);
}

static void client_opens(unsigned int i, uint64_t sk)
{
	struct tcptrace_record rec = { .event = TCPTRACE_SOCKET, .sk = sk, .family = 4, .netns = 7 };

	rec = by(rec, CLIENT, -1);
	rec.ret = 4;
	rig_feed(rec);
	rec = by(client_rec(TCPTRACE_CONNECT, i), CLIENT, 4);
	rec.sk = sk;
	rec.lport = 0;
	rig_feed(rec);
	rec = client_rec(0, i);
	rec.lport = 0;
	state_of(rec, sk, TCP_S_CLOSE, TCP_S_SYN_SENT);
}

static void client_returns(unsigned int i, uint64_t sk, int ret, uint64_t ns)
{
	struct tcptrace_record rec = by(client_rec(TCPTRACE_CONNECT_RETURN, i), CLIENT, 4);

	rec.sk = sk;
	rec.ret = ret;
	rec.call_ns = ns;
	rig_feed(rec);
}

static void client_to_time_wait(unsigned int i, uint64_t sk)
{
	client_opens(i, sk);
	state_of(client_rec(0, i), sk, TCP_S_SYN_SENT, TCP_S_ESTABLISHED);
	client_returns(i, sk, 0, 70000);
	state_of(client_rec(0, i), sk, TCP_S_ESTABLISHED, TCP_S_FIN_WAIT1);
	state_of(client_rec(0, i), sk, TCP_S_FIN_WAIT1, TCP_S_FIN_WAIT2);
	state_of(client_rec(0, i), sk, TCP_S_FIN_WAIT2, TCP_S_TIME_WAIT);
	destroy(client_rec(0, i), sk);
}

static void time_wait(void **state)
{
	struct tcptrace_record rec;
	unsigned int i;

	(void)state;
	client_to_time_wait(1, SK(1));
	assert_int_equal(model_totals(rig.m)->conns_now, 1);
	rig.t += 60000 * MS;
	rec = client_rec(0, 1);
	rec.flags = TCPTRACE_F_TIMEWAIT;
	state_of(rec, TW(1), TCP_S_TIME_WAIT, TCP_S_CLOSE);
	assert_string_equal(story(0), "socket connect state:7>2 state:2>1 connect-return state:1>4"
			    " state:4>5 state:5>6 destroy state:6>7");
	for (i = 0; i < rig.n; i++) {
		assert_int_equal(rig.seen[i].ev.conn, 1);
		assert_int_equal(rig.seen[i].pid, CLIENT);
		assert_int_equal(rig.seen[i].fd, i ? 4 : rig.seen[i].fd);
	}
	assert_took(nth(TCPTRACE_CONNECT_RETURN, 0), 70000);
	assert_took(nth(TCPTRACE_STATE, 5), 60000 * MS + 2000);
	assert_int_equal(model_totals(rig.m)->conns_now, 0);
	assert_int_equal(model_totals(rig.m)->illegal, 0);
}

static void remember_addr(void *addr, const struct conn *c)
{
	memcpy(addr, c->laddr, sizeof(c->laddr));
}

/* When connect() returns the kernel has taken the local address off again. */
static void address_of_a_refused_one(void **state)
{
	struct tcptrace_record rec = client_rec(0, 1);
	uint8_t was[16], addr[16] = { 0 };

	(void)state;
	memcpy(was, rec.laddr, sizeof(was));
	client_opens(1, SK(1));
	state_of(rec, SK(1), TCP_S_SYN_SENT, TCP_S_CLOSE);
	rec = by(client_rec(TCPTRACE_CONNECT_RETURN, 1), CLIENT, 4);
	rec.sk = SK(1);
	rec.ret = -111;
	memset(rec.laddr + 12, 0, 4);
	rig_feed(rec);
	assert_int_equal(nth(TCPTRACE_CONNECT_RETURN, 0)->ev.conn, 1);
	model_each_conn(rig.m, remember_addr, addr);
	assert_memory_equal(addr, was, sizeof(was));
}

/* The end of TIME_WAIT is not told: the tuple's next life replaces it, time forgets it. */
static void time_wait_untold(void **state)
{
	struct tcptrace_record rec;

	(void)state;
	client_to_time_wait(1, SK(1));
	client_to_time_wait(1, SK(1));
	assert_int_equal(model_totals(rig.m)->conns_now, 1);
	assert_int_equal(nth(TCPTRACE_STATE, 9)->ev.conn, 2);
	/* the first minisock's end, late: not the second's */
	client_opens(2, SK(2));
	state_of(client_rec(0, 1), SK(3), TCP_S_SYN_SENT, TCP_S_ESTABLISHED);
	rec = client_rec(0, 1);
	rec.flags = TCPTRACE_F_TIMEWAIT;
	state_of(rec, TW(1), TCP_S_TIME_WAIT, TCP_S_CLOSE);
	assert_int_equal(rig.seen[rig.n - 1].ev.old, TCP_S_SYN_SENT);	/* not told at all */
	assert_int_equal(model_totals(rig.m)->conns_now, 2);
	destroy(client_rec(0, 2), SK(2));
	destroy(client_rec(0, 1), SK(3));
	client_to_time_wait(9, SK(9));
	rig.t += 200000 * MS;
	client_opens(2, SK(2));
	assert_int_equal(model_totals(rig.m)->conns_now, 1);
	assert_int_equal(model_totals(rig.m)->evicted, 0);
}

static void orphan_fin_wait2(void **state)
{
	struct tcptrace_record rec = client_rec(0, 1);

	(void)state;
	client_opens(1, SK(1));
	state_of(client_rec(0, 1), SK(1), TCP_S_SYN_SENT, TCP_S_ESTABLISHED);
	state_of(client_rec(0, 1), SK(1), TCP_S_ESTABLISHED, TCP_S_FIN_WAIT1);
	state_of(client_rec(0, 1), SK(1), TCP_S_FIN_WAIT1, TCP_S_FIN_WAIT2);
	destroy(client_rec(0, 1), SK(1));
	rec.flags = TCPTRACE_F_TIMEWAIT;
	state_of(rec, TW(1), TCP_S_FIN_WAIT2, TCP_S_TIME_WAIT);
	state_of(rec, TW(1), TCP_S_TIME_WAIT, TCP_S_CLOSE);
	assert_string_equal(story(2), "state:7>2 state:2>1 state:1>4 state:4>5 destroy state:5>6 state:6>7");
	assert_int_equal(rig.seen[rig.n - 1].ev.conn, 1);
	assert_took(&rig.seen[rig.n - 2], 2000);
	assert_int_equal(model_totals(rig.m)->conns_now, 0);
	assert_int_equal(model_totals(rig.m)->illegal, 0);
}

/* 1,201 refused connects leave nothing behind. */
static void refused_connects(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 1201; i++) {
		client_opens(i, SK(1));
		state_of(client_rec(0, i), SK(1), TCP_S_SYN_SENT, TCP_S_CLOSE);
		client_returns(i, SK(1), -111, 50000);
		destroy(client_rec(0, i), SK(1));
	}
	assert_int_equal(model_totals(rig.m)->conns_now, 0);
	assert_int_equal(model_totals(rig.m)->conns_peak, 1);
	assert_int_equal(count(TCPTRACE_CONNECT_RETURN), 1201);
	assert_int_equal(model_totals(rig.m)->illegal, 0);
}

/* One socket, connected three times: refused, taken off by connect(AF_UNSPEC), and at last. */
static void connected_again(void **state)
{
	(void)state;
	client_opens(1, SK(1));
	state_of(client_rec(0, 1), SK(1), TCP_S_SYN_SENT, TCP_S_CLOSE);
	client_returns(1, SK(1), -111, 50000);
	rig_feed(by((struct tcptrace_record){ .event = TCPTRACE_CONNECT, .sk = SK(1), .rport = PORT }, CLIENT, 4));
	state_of(client_rec(0, 2), SK(1), TCP_S_CLOSE, TCP_S_SYN_SENT);
	state_of(client_rec(0, 2), SK(1), TCP_S_SYN_SENT, TCP_S_ESTABLISHED);
	client_returns(2, SK(1), 0, 50000);
	state_of(client_rec(0, 2), SK(1), TCP_S_ESTABLISHED, TCP_S_CLOSE);
	client_returns(2, SK(1), 0, 50000);		/* connect(AF_UNSPEC) */
	assert_int_equal(rig.seen[rig.n - 1].ev.conn, 2);
	state_of(client_rec(0, 3), SK(1), TCP_S_CLOSE, TCP_S_SYN_SENT);	/* io_uring: no call is seen */
	assert_int_equal(rig.seen[rig.n - 1].ev.conn, 3);
	assert_int_equal(rig.seen[rig.n - 1].pid, CLIENT);
	state_of(client_rec(0, 3), SK(1), TCP_S_SYN_SENT, TCP_S_ESTABLISHED);
	assert_int_equal(rig.seen[rig.n - 1].rec.lport, 40003);
	assert_int_equal(model_totals(rig.m)->conns_now, 1);
	destroy(client_rec(0, 3), SK(1));
	assert_int_equal(model_totals(rig.m)->conns_now, 0);
	assert_int_equal(model_totals(rig.m)->illegal, 0);
}

/* A socket that accept() gave, taken off by connect(AF_UNSPEC), connects to elsewhere: another connection of its owner. */
static void accepted_connects(void **state)
{
	(void)state;
	rig_listen(128, 4096);
	handshake(1, 1);
	accept_by(1, SERVER, 0, 0, 0);
	state_of(server_rec(0, 1), SK(1), TCP_S_ESTABLISHED, TCP_S_CLOSE);
	rig_feed(by((struct tcptrace_record){ .event = TCPTRACE_CONNECT, .sk = SK(1), .rport = PORT }, SERVER, 4));
	state_of(client_rec(0, 2), SK(1), TCP_S_CLOSE, TCP_S_SYN_SENT);
	assert_int_equal(nth(TCPTRACE_CONNECT, 0)->ev.conn, 2);
	assert_int_equal(rig.seen[rig.n - 1].ev.conn, 2);
	assert_int_equal(rig.seen[rig.n - 1].pid, SERVER);
	assert_int_equal(model_totals(rig.m)->conns_now, 1);
}

/* The destroy of a socket was missed and its address has a new life. */
static void pointer_reuse(void **state)
{
	(void)state;
	rig_listen(128, 4096);
	handshake(1, 1);
	accept_by(1, SERVER, 0, 0, 0);
	client_opens(2, SK(1));
	assert_int_equal(nth(TCPTRACE_CONNECT, 0)->ev.conn, 2);
	assert_false(nth(TCPTRACE_CONNECT, 0)->listener);
	state_of(client_rec(0, 2), SK(1), TCP_S_SYN_SENT, TCP_S_CLOSE);
	synq_add(3, 1, 0);
	state_of(server_rec(0, 3), SK(1), TCP_S_LISTEN, TCP_S_SYN_RECV);
	assert_int_equal(rig.seen[rig.n - 1].ev.conn, 3);
	synq_add(3, 1, 0);		/* the request's address too */
	assert_int_equal(rig.seen[rig.n - 1].ev.conn, 4);
	assert_int_equal(only_listener()->synq.known, 1);
	client_opens(5, LSK);		/* and the listener's */
	assert_false(only_listener()->open);
	assert_int_equal(rig.seen[rig.n - 1].ev.conn, 5);
	assert_int_equal(model_totals(rig.m)->illegal, 0);
}

/* On loopback both ends are conns; the addresses of an IPv6 socket may be mapped ones. */
static void loopback_mapped(void **state)
{
	(void)state;
	rig_listen(128, 4096);
	client_opens(1, SK(50));
	handshake(1, 1);
	state_of(client_rec(0, 1), SK(50), TCP_S_SYN_SENT, TCP_S_ESTABLISHED);
	accept_by(1, SERVER, 0, 0, 0);
	state_of(client_rec(0, 1), SK(50), TCP_S_ESTABLISHED, TCP_S_FIN_WAIT1);
	assert_int_equal(rig.seen[rig.n - 1].pid, CLIENT);
	state_of(server_rec(0, 1), SK(1), TCP_S_ESTABLISHED, TCP_S_CLOSE_WAIT);
	assert_int_equal(rig.seen[rig.n - 1].pid, SERVER);
	assert_int_equal(rig.seen[rig.n - 1].ev.conn, 2);
	assert_int_equal(nth(TCPTRACE_ACCEPTQ_ADD, 0)->pid, SERVER);
	assert_int_equal(nth(TCPTRACE_ACCEPT, 0)->ev.c->laddr[10], 0xff);
	assert_int_equal(model_totals(rig.m)->conns_now, 2);
}

static void broken_chain_is_counted(void **state)
{
	(void)state;
	client_opens(1, SK(1));
	state_of(client_rec(0, 1), SK(1), TCP_S_ESTABLISHED, TCP_S_FIN_WAIT1);
	assert_int_equal(model_totals(rig.m)->illegal, 1);
	assert_false(rig.seen[rig.n - 1].ev.has_dur);
	state_of(client_rec(0, 1), SK(1), TCP_S_FIN_WAIT1, TCP_S_FIN_WAIT2);
	assert_int_equal(model_totals(rig.m)->illegal, 1);
	state_of(client_rec(0, 1), SK(1), TCP_S_FIN_WAIT1, TCP_S_FIN_WAIT2);	/* told twice */
	assert_int_equal(count(TCPTRACE_STATE), 3);
	assert_int_equal(model_totals(rig.m)->illegal, 1);
	state_of(client_rec(0, 1), SK(1), TCP_S_FIN_WAIT2, TCP_S_LISTEN);
	state_of(client_rec(0, 3), SK(3), 255, 254);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, rig_up, rig_down)
	const struct CMUnitTest tests[] = {
		CASE(passive_exact), CASE(passive_tracepoints), CASE(half_cloned_two_cpus), CASE(late_ack),
		CASE(time_wait), CASE(time_wait_untold), CASE(address_of_a_refused_one),
		 CASE(orphan_fin_wait2), CASE(refused_connects),
		CASE(connected_again), CASE(accepted_connects), CASE(pointer_reuse), CASE(loopback_mapped), CASE(broken_chain_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
