// SPDX-License-Identifier: GPL-2.0-only
/* Findings about SYN queues, their order, and what is no trouble. */
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
	assert_says(FINDING_ADVICE, "backlog, too. This is in another network namespace (7): nsenter -t 100 -n.");
	box.netns++;			/* it holds a socket of a namespace where it is not */
	look();
	assert_says(FINDING_ADVICE, "backlog, too. This is in another network namespace (7).");
	box.netns--, box.dead = 100;
	look();
	assert_says(FINDING_ADVICE, "backlog, too. This is in another network namespace (7).");
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

static void synq_add_deferred(unsigned int i)
{
	struct tcptrace_record rec = queues(server_rec(TCPTRACE_SYNQ_ADD, i), i, 0);

	rec.sk = RQ(i);
	rec.flags |= TCPTRACE_F_REQUEST;
	rec.old = 5;
	rig_feed(rec);
}

/* TCP_DEFER_ACCEPT: who has connected and sends nothing stays in the SYN queue; more room holds more of them. */
static void synq_deferred(void **state)
{
	unsigned int i;

	(void)state;
	rig_listen(2, 4096);
	for (i = 1; i <= 3; i++)
		synq_add_deferred(i);
	for (i = 4; i < 27; i++) {
		rig_feed(queues(server_rec(TCPTRACE_COOKIE_SENT, i), 3, 0));
		rig_feed(queues(server_rec(TCPTRACE_COOKIE_OK, i), 3, 0));
		acceptq_add(i, TCPTRACE_ACCEPTQ_COOKIE, 3, 1);
		acceptq_del(i, TCPTRACE_ACCEPTQ_ACCEPTED, 3, 0);
	}
	box.comm = "apache2";
	look();				/* not long yet: it may be the load alone */
	assert_told("cookies", FINDING_CAUSE, "With TCP_DEFER_ACCEPT a client that connects and sends nothing stays in there.");
	assert_says(FINDING_ADVICE, "They are real clients: raise ListenBackLog");
	pass(4 * S);
	look();
	assert_told("cookies", FINDING_CAUSE, "stays in there. The longest stay was at least 4.0 s.");
	assert_says(FINDING_ADVICE, "They are real clients. Turn TCP_DEFER_ACCEPT off (AcceptFilter http none, AcceptFilter https "
		    "none): then apache2[100] accepts clients that send nothing. More room only holds more of them.");
	assert_not_said("ListenBackLog");
	rig_down(state);
	up(state);
	rig_listen(2, 4096);
	for (i = 1; i <= 3; i++)
		synq_add_deferred(i);
	for (i = 4; i < 27; i++)
		drop(i, TCPTRACE_DROP_SYNQ_FULL, 0, 3, 0);
	for (i = 27; i < 30; i++)
		drop(i, TCPTRACE_DROP_SYNQ_QUARTER, 0, 3, 0);
	pass(4 * S);
	look();
	assert_int_equal(found.n, 2);
	for (i = 0; i < 2; i++) {
		assert_non_null(strstr(found.text[i][FINDING_CAUSE], "sends nothing stays in there."));
		assert_non_null(strstr(found.text[i][FINDING_ADVICE], ". Turn TCP_DEFER_ACCEPT off: then prog[100] accepts"));
	}
	assert_not_said("larger backlog, too");
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

/* To expire takes a request a minute: whoever looks for ten seconds is told all the same. */
static void silent(void **state)
{
	(void)state;
	rig_listen(64, 4096);
	for (unsigned int i = 1; i <= 3; i++)
		synq_add(i, i, 0);
	pass(2900 * MS);
	look();
	assert_int_equal(found.n, 0);
	pass(200 * MS);
	look();
	assert_told("requests-expire", FINDING_CAUSE, "the third packet does not come: 3 requests waited for it in the SYN queue of "
		    "prog[100] for 3 s and more after 0 SYN-ACK retransmits, 0 others established.");
	assert_says(FINDING_SEEN, "The longest waited for 3.1 s.");
	synq_del(1, TCPTRACE_SYNQ_EXPIRED, 2, 0);
	look();
	assert_told("requests-expire", FINDING_CAUSE, "1 request expired in the SYN queue");
	assert_says(FINDING_SEEN, "2 requests waited for it at the end, the longest for 3.1 s.");
}

/* They were there before us, for how long nobody knows. */
static void silent_before(void **state)
{
	struct tcptrace_record rec = by(queues(listener_rec(TCPTRACE_EXISTS), 3, 0), SERVER, 3);

	(void)state;
	rec.new = TCP_S_LISTEN;
	rig_feed(rec);
	for (unsigned int i = 1; i <= 3; i++) {
		rec = queues(server_rec(TCPTRACE_EXISTS, i), 3, 0);
		rec.sk = RQ(i);
		rec.flags |= TCPTRACE_F_REQUEST;
		rec.new = TCP_S_NEW_SYN_RECV;
		rig_feed(rec);
	}
	pass(4 * S);
	look();
	assert_told("requests-expire", FINDING_CAUSE, "the third packet does not come: 3 requests waited for it in the SYN queue of ");
	assert_says(FINDING_SEEN, "The longest waited for at least 4.0 s.");
}

/* Or one in a hundred; two; a full accept queue; TCP_DEFER_ACCEPT. */
static void not_silent(void **state)
{
	static const unsigned int here[] = { 3, 2, 3 };

	for (unsigned int n = 0; n < 3; n++) {
		rig_listen(64, 4096);
		for (unsigned int i = 1000; !n && i < 1301; i++) {
			handshake(i, 1);
			accept_by(i, SERVER, 0, 0, 0);
		}
		for (unsigned int i = 1; i <= here[n]; i++)
			synq_add(i, i, 0);
		if (n == 2)
			drop(1, TCPTRACE_DROP_ACCEPTQ_ACK, RQ(1), 3, 65);
		pass(10 * S);
		look();
		for (unsigned int i = 0; i < found.n; i++)
			assert_string_not_equal(found.f[i].id, "requests-expire");
		rig_down(state);
		up(state);
	}
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
					     "postgres", "php-fpm8.2", "python3", "apache2", "pgbouncer", "dnsmasq" };

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
		TEST(synq), TEST(synq_deferred), TEST(synq_quarter), TEST(cookies_always), TEST(expiring), TEST(silent), TEST(silent_before), TEST(not_silent), TEST(order),
		TEST(listeners_in_order), TEST(healthy), TEST(knobs), TEST(hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
