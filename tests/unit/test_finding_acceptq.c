// SPDX-License-Identifier: GPL-2.0-only
/* Findings about an accept queue: which cause is told, with which words; and what is not told, because it was not seen. */
#include "finding_rig.h"

/* ---- the queue is too short ---- */

static void backlog(void **state)
{
	(void)state;
	box.sysctl[MACHINE_SOMAXCONN] = 4096;
	box.comm = "redis-server";
	rig_listen(1, 4096);
	burst(99);
	look();
	assert_told("acceptq-backlog", FINDING_CAUSE,
		    "0.0.0.0:8080: the accept queue of redis-server[100] is too short: it holds 2, 101 clients wanted in before it was "
		    "empty again (its backlog is 1).");
	assert_says(FINDING_COST, "99 clients refused: 99 came in after 1 s, 0 never.");
	assert_says(FINDING_ADVICE, "Set tcp-backlog (redis.conf; 511 unless set) to 128 or more, then let redis-server[100] call "
		    "listen() again: restart it.");
	assert_not_said("somaxconn");
	assert_int_equal(found.f[0].who.pid, SERVER);
	box.sysctl[MACHINE_SOMAXCONN] = 64;
	look();
	assert_says(FINDING_ADVICE, "and raise net.core.somaxconn with it (now 64)");
	box.dead = SERVER;
	look();
	assert_says(FINDING_ADVICE, "or more and raise net.core.somaxconn with it (now 64) before the next start.");
	box.comm = "frobnicated";
	box.dead = 0;
	look();
	assert_says(FINDING_ADVICE, "Let frobnicated[100] give listen() a backlog of 128 or more");
	look_on(NULL);
	assert_says(FINDING_CAUSE, "the accept queue of prog[100]");
}

/* A master has opened it, a worker accepts: what listen() was asked for is the master's to change. */
static void backlog_of_master(void **state)
{
	(void)state;
	rig_listen(1, 4096);
	burst(99);
	handshake(300, 1);
	accept_by(300, SERVER + 1, 0, 0, 0);
	look();
	assert_told("acceptq-backlog", FINDING_CAUSE, "the accept queue of prog[100] is too short");
	assert_says(FINDING_ADVICE, "then let prog[100] call listen() again: restart it.");
	box.comm = "nginx";
	look();
	assert_says(FINDING_ADVICE, "then let nginx[100] call listen() again: nginx -s reload.");
}

/* It asks for as much as there is, as Go does; or for a number that happens to be that. */
static void backlog_of_go(void **state)
{
	(void)state;
	rig_listen(16, 16);
	burst(99);
	box.sysctl[MACHINE_SOMAXCONN] = 16;
	look();
	assert_told("acceptq-backlog", FINDING_ADVICE, "It asks for as much as net.core.somaxconn was: for that, as Go programs do, or "
		    "for a number of its own. Raise it: sysctl -w net.core.somaxconn=128, then let prog[100] call listen() again: "
		    "restart it. If its limit is 16 again: Let prog[100] give listen() a backlog of 128 or more.");
	box.sysctl[MACHINE_SOMAXCONN] = 4096;
	look();
	assert_says(FINDING_ADVICE, "of its own. net.core.somaxconn is 4096 by now: enough, then let prog[100] call listen() again");
	assert_not_said("sysctl -w");
}

static void listen_again(int backlog, uint32_t somaxconn)
{
	struct tcptrace_record rec = by(listener_rec(TCPTRACE_LISTEN), SERVER, 3);

	rig.limit = rec.acceptq_max = (uint32_t)backlog < somaxconn ? (uint32_t)backlog : somaxconn;
	rec.backlog = backlog;
	rec.somaxconn = somaxconn;
	rig_feed(rec);
}

/* listen() with 0, and with 512 again: what was refused was refused at 0, though the limit is 512 at the end. */
static void shut(void **state)
{
	(void)state;
	rig_listen(512, 4096);
	handshake(1, 1);
	accept_by(1, SERVER, 0, 0, 0);
	for (unsigned int i = 10; i < 33; i++) {
		listen_again(0, 4096);
		refuse(i);
		listen_again(512, 4096);
	}
	box.comm = "memcached";
	look();
	assert_told("acceptq-shut", FINDING_CAUSE, "memcached[100] closes the door itself: it called listen() with 0, and its accept "
		    "queue, whose limit was up to 512 at other times, held one connection.");
	assert_says(FINDING_SEEN, "Seen: accept queue up to 1 (its limit was 0 to 512), 23 segments refused at limit 0");
	assert_says(FINDING_ADVICE, "raise -c.");
	assert_not_said("too short");
	refuse(40);			/* a burst, too */
	look();
	assert_told("acceptq-shut", FINDING_SEEN, "24 segments refused at limits from 0 to 512");
	for (unsigned int i = 0; i < 23; i++)
		refuse(50 + i);
	look();
	assert_told("acceptq-backlog", FINDING_CAUSE, "it holds 513, ");
}

/* That listen() with 0 was called is not seen. */
static void shut_unseen(void **state)
{
	(void)state;
	rig_listen(512, 4096);
	rig.limit = 0;
	refuse(10);
	rig.limit = 512;
	handshake(11, 1);
	look();
	assert_told("acceptq-shut", FINDING_CAUSE, "it called listen() with 0, or with any number while net.core.somaxconn was 0.");
}

/* It has more by now. */
static void raised(void **state)
{
	(void)state;
	rig_listen(1, 4096);
	burst(9);
	listen_again(1024, 4096);
	look();
	assert_told("acceptq-backlog", FINDING_CAUSE, "it holds 2, 11 clients wanted in before it was empty again (its backlog was 1).");
	assert_told("acceptq-backlog", FINDING_ADVICE, "Its limit is 1024 by now: enough.");
	assert_not_said("restart");
	rig_down(state);
	up(state);
	rig_listen(511, 1);
	burst(9);
	listen_again(511, 4096);
	look();
	assert_told("acceptq-somaxconn", FINDING_CAUSE, "It asked for 511; net.core.somaxconn made it 1.");
	assert_told("acceptq-somaxconn", FINDING_ADVICE, "Its limit is 511 by now: enough.");
}

static void clamped(void **state)
{
	(void)state;
	rig_listen(511, 7);
	burst(23);
	look_on(NULL);
	assert_told("acceptq-somaxconn", FINDING_CAUSE, "it holds 8, 31 clients wanted in before it was empty again. It "
		    "asked for 511; net.core.somaxconn made it 7.");
	assert_says(FINDING_ADVICE, "sysctl -w net.core.somaxconn=511, then let prog[100] call listen() again");
	box.sysctl[MACHINE_SOMAXCONN] = 4096;
	look();
	assert_says(FINDING_ADVICE, "net.core.somaxconn is 4096 by now: enough, then let prog[100] call listen() again");
	assert_not_said("sysctl -w");
}

static void clamped_of_all(void **state)
{
	(void)state;
	rig_listen(-1, 7);
	burst(23);
	look();
	assert_told("acceptq-somaxconn", FINDING_ADVICE, "sysctl -w net.core.somaxconn=4096");
}

/* listen() was before us: the limit is somaxconn's, or another's. */
static void clamped_before(void **state)
{
	struct tcptrace_record rec = by(queues(listener_rec(TCPTRACE_EXISTS), 0, 0), SERVER, 3);

	(void)state;
	rig.limit = rec.acceptq_max = 7;
	rec.new = TCP_S_LISTEN;
	rig_feed(rec);
	burst(23);
	box.sysctl[MACHINE_SOMAXCONN] = 7;
	look();
	assert_told("acceptq-somaxconn", FINDING_CAUSE, "(7): either that cut it down, or it asked for just as much. Its "
		    "listen() was before tcptrace ran.");
	assert_says(FINDING_ADVICE, "somaxconn=4096, then let prog[100] call listen() again: restart it. If its limit is 7 again: Let "
		    "prog[100] give listen() a backlog of 32 or more.");
	assert_not_said("asked for 7");
	box.sysctl[MACHINE_SOMAXCONN] = 4096;		/* since when? */
	look();
	assert_told("acceptq-backlog", FINDING_CAUSE, "(limit 7: its backlog or net.core.somaxconn, whichever was smaller as it called");
	assert_says(FINDING_ADVICE, "Let prog[100] give listen() a backlog of 32 or more, then let prog[100] call listen() again: "
		    "restart it. If it asks for that much already, the same listen() is enough: net.core.somaxconn is 4096 now.");
	box.sysctl[MACHINE_SOMAXCONN] = 5;		/* smaller than the limit: its backlog is not */
	look();
	assert_told("acceptq-backlog", FINDING_CAUSE, "(limit 7: its backlog, or what net.core.somaxconn was as it called listen())");
	assert_says(FINDING_ADVICE, "backlog of 32 or more and raise net.core.somaxconn with it (now 5), then");
	look_on(NULL);
	assert_told("acceptq-backlog", FINDING_CAUSE, "its backlog or net.core.somaxconn, whichever was smaller");
	assert_says(FINDING_ADVICE, "or more, with a net.core.somaxconn that is not smaller, then let");
}

/* Who accepts is not seen: neither slow nor quick is stated. */
static void full_unseen(void **state)
{
	(void)state;
	rig_listen(2, 4096);
	observe(TCPTRACE_ACCEPTQ_DEL, TCPTRACE_SEEN_NOT, 0);
	burst(5);
	look();
	assert_told("acceptq-full", FINDING_CAUSE, "Whether its backlog is too small or it accepts too slowly is not known");
	assert_says(FINDING_ADVICE, "A run with -q, or top, watches accept()");
	assert_not_said("more slowly than");
	assert_not_said("median");
}

/* ---- nobody accepts ---- */

static void stall(char state, uint32_t holder)
{
	unsigned int i;

	rig_listen(2, 4096);
	for (i = 1; i <= 3; i++)
		handshake(i, i);
	refuse(4);
	refuse(5);
	pass(2600 * MS);
	box.state = state;
	box.holder = holder;
	look();
}

static void stalled(void **state)
{
	static const struct { char state; const char *cause, *advice; } expect[] = {
		{ 'T', "it was stopped (state T).", "kill -CONT 150 lets it go on." },
		{ 't', "a debugger held it (state t).", "TracerPid in /proc/150/status" },
		{ 'D', "it was in uninterruptible sleep (state D).", "cat /proc/150/stack" },
		{ 'R', "it was runnable (state R): busy with something else, throttled (cpu.max) or starved.", "perf top -p 150" },
		{ 'S', "it slept in something else (state S).", "/proc/150/wchan" },
	};

	for (unsigned int i = 0; i < sizeof(expect) / sizeof(*expect); i++) {
		rig_down(state);
		up(state);
		stall(expect[i].state, 150);
		assert_told("accept-stalled", FINDING_CAUSE, "no accept() by prog[150] for 2.6 s from ");
		assert_says(FINDING_CAUSE, "while 3 connections waited");
		assert_says(FINDING_CAUSE, expect[i].cause);
		assert_says(FINDING_ADVICE, expect[i].advice);
		assert_says(FINDING_COST, "2 clients refused: none came in.");
		assert_not_said("backlog");
	}
}

/* What is over, or was a process that has ended, is not to be looked at now. */
static void stalled_no_more(void **state)
{
	(void)state;
	stall('S', 150);
	assert_says(FINDING_ADVICE, "a call without a time limit): cat /proc/150/wchan");
	for (unsigned int i = 1; i <= 3; i++)
		accept_by(i, 150, 0, 0, 3 - i);
	look();
	assert_told("accept-stalled", FINDING_ADVICE, "a call without a time limit). When it comes again, cat /proc/150/wchan");
	box.dead = 150;
	look();
	assert_told("accept-stalled", FINDING_ADVICE, "a call without a time limit). prog[150] has ended since: its log may tell more.");
	assert_not_said("/proc/");
	box.state_then = 'T';
	look();
	assert_told("accept-stalled", FINDING_CAUSE, "it was stopped (state T)");
	assert_not_said("kill");
	box.dead = 0;
	look();
	assert_not_said("kill");
	box.state = 'T';		/* others accept by now */
	look();
	assert_says(FINDING_ADVICE, "kill -CONT 150 lets it go on. Find out who stopped it");
	box.frozen = true;
	look();
	assert_told("accept-stalled", FINDING_ADVICE, "Find out who froze it.");
}

/* "R" is runnable: that it ran shows in how long it was on a CPU between two looks. */
static void stalled_runnable(void **state)
{
	(void)state;
	box.of_ns = 2900 * MS;
	box.ran_ns = 2800 * MS;
	stall('R', 150);
	assert_told("accept-stalled", FINDING_CAUSE, "it was busy with something else (state R).");
	box.ran_ns = 9 * MS;
	look();
	assert_told("accept-stalled", FINDING_CAUSE, "it was runnable (state R), on a CPU for 9.00 ms of 2.9 s: throttled (cpu.max) or "
		    "starved.");
	assert_not_said("busy");
	assert_says(FINDING_ADVICE, "nr_throttled");
}

/* docker pause: what state its processes are in is none of their own; a thread that has ended leaves none. */
static void stalled_otherwise(void **state)
{
	(void)state;
	box.frozen = true;
	stall('D', 150);
	assert_told("accept-stalled", FINDING_CAUSE, "its cgroup was frozen (docker pause, systemctl freeze).");
	assert_says(FINDING_ADVICE, "docker unpause");
	assert_not_said("(state");
	box.frozen = false;
	box.thread_gone = 151;
	box.state = '?';
	look();
	assert_told("accept-stalled", FINDING_CAUSE, "its thread 151, which accepted last, has ended; nobody may accept any more.");
	assert_not_said("(state");
}

/* The only one who accepted is gone, and who is left never did: what he does meanwhile is not the cause. */
static void stalled_alone(void **state)
{
	(void)state;
	box.instead_of = 160;
	stall('S', 150);
	assert_told("accept-stalled", FINDING_CAUSE, "by prog[150] for 2.6 s");
	assert_says(FINDING_CAUSE, "it holds the listener, and process 160, which accepted last, is gone.");
	assert_says(FINDING_ADVICE, "why prog[150] does not start another one");
	assert_not_said("(state");
	box.elsewhere = true;		/* nobody had here yet */
	look();
	assert_told("accept-stalled", FINDING_CAUSE, "and process 160, which accepted at another of its ports, is gone.");
	assert_not_said("(state");
	box.elsewhere = false;		/* sleep, say, which the server had started: it starts no worker */
	box.inherited = true;
	look();
	assert_told("accept-stalled", FINDING_CAUSE, "it has inherited the listener of process 160, which accepted last, and is gone.");
	assert_says(FINDING_ADVICE, "If prog[150] is no server, but a child that was left over, end it");
	assert_not_said("start another one");
}

/* A master whose workers never began, or are gone: it need not be its own work. One that is stopped is. */
static void stalled_parent(void **state)
{
	(void)state;
	box.parent = true;
	stall('S', 150);
	assert_told("accept-stalled", FINDING_CAUSE, "whether that is its work or a child's is not known.");
	assert_says(FINDING_ADVICE, "did its workers start?");
	assert_not_said("(state");
	box.state = 'T';
	look();
	assert_told("accept-stalled", FINDING_CAUSE, ": it was stopped (state T).");
}

/* And then it accepts them, or its child does. */
static void stalled_parent_accepts(void **state)
{
	box.parent = true;
	stall('S', 150);
	accept_by(1, 150, 0, 0, 2);
	look();
	assert_told("accept-stalled", FINDING_CAUSE, "it slept in something else (state S).");
	rig_down(state);
	up(state);
	box.parent = true;
	stall('S', 150);
	accept_by(1, 160, 0, 0, 2);
	look();
	assert_told("accept-stalled", FINDING_CAUSE, ": nobody had been seen to accept there, and whether");
}

/* Who accepts later was not there. */
static void stalled_before_him(void **state)
{
	(void)state;
	stall('S', 0);
	accept_by(1, 160, 0, 0, 2);
	accept_by(2, 160, 0, 0, 1);
	look_on(NULL);
	assert_told("accept-stalled", FINDING_CAUSE, "no accept() by prog[100] for 2.6 s");
	for (unsigned int i = 6; i < 10; i++)
		refuse(i);
	pass(2700 * MS);
	look_on(NULL);
	assert_told("accept-stalled", FINDING_CAUSE, "no accept() by prog[160] for 2.7 s");
}

/* A child that was forked for something else has the listener, too, and was named; but its parent accepts. */
static void stalled_not_his(void **state)
{
	(void)state;
	stall('S', 150);
	assert_told("accept-stalled", FINDING_CAUSE, "no accept() by prog[150] for 2.6 s");
	accept_by(1, SERVER, 0, 0, 2);
	look();
	assert_told("accept-stalled", FINDING_CAUSE, "no accept() by prog[100] for 2.6 s");
	assert_not_said("(state");
	box.state = 'T';		/* who was stopped is the cause all the same */
	look();
	assert_told("accept-stalled", FINDING_CAUSE, "no accept() by prog[150] for 2.6 s");
}

/* One cause, though it was ended for that: what the end cost is told with it. Who gave up before had waited, too. */
static void stalled_to_the_end(void **state)
{
	(void)state;
	stall('T', 150);
	state_of(server_rec(0, 3), SK(3), TCP_S_ESTABLISHED, TCP_S_CLOSE);
	state_of(queues(listener_rec(0), 0, 3), LSK, TCP_S_LISTEN, TCP_S_CLOSE);
	for (unsigned int i = 1; i <= 3; i++)
		acceptq_del(i, TCPTRACE_ACCEPTQ_CLOSED, 0, 3 - i);
	look();
	assert_int_equal(found.n, 1);
	assert_told("accept-stalled", FINDING_COST, "2 clients refused: none came in. 2 connections that waited reset as the listener "
		    "was closed at ");
}

static bool second_lacks_one(void *ctx, const struct listener *l, uint64_t from_ns, struct process *p)
{
	box.instead_of = l->lport == 8081 ? 160 : 0;
	return box_holder(ctx, l, from_ns, p);
}

/* He does not accept at one port, and who did at the other is gone. */
static void stalled_twice(void **state)
{
	const uint64_t lsk = LSK + 0x1000;
	struct tcptrace_record rec = by(listener_rec(0), SERVER, 4);

	(void)state;
	rec.lport = 8081;
	rec.listener = lsk;
	state_of(rec, lsk, TCP_S_CLOSE, TCP_S_LISTEN);
	rec = server_rec(TCPTRACE_ACCEPTQ_ADD, 50);
	rec.lport = 8081;
	rec.listener = lsk;
	rec.sk = SK(50);
	rec.flags |= TCPTRACE_F_QUEUES;
	rec.acceptq = 1;
	rig_feed(rec);
	stall('S', 100);
	assert_told("accept-stalled", FINDING_COST, "The same of 1 other listener of that process.");
	box.machine.holder = second_lacks_one;
	look();
	assert_int_equal(found.n, 2);
}

/* Prefork: one is named, and what the others do is told. */
static void stalled_alike(void **state)
{
	(void)state;
	box.alike = 2;
	stall('S', 150);
	assert_told("accept-stalled", FINDING_CAUSE, "it slept in something else (state S); 2 others of those that could accept there, too.");
}

/* One is stopped, and the other, who had done its work since, sleeps: neither alone is the cause. */
static void stalled_unlike(void **state)
{
	(void)state;
	box.unlike = 1;
	stall('T', 150);
	assert_told("accept-stalled", FINDING_CAUSE, "it was stopped (state T); 1 other could accept there, in another state, and took none "
		    "either.");
}

/* All workers of a master sleep: which of them is the cause is not made up. */
static void stalled_workers(void **state)
{
	(void)state;
	box.workers = 3;
	stall('S', 150);
	assert_told("accept-stalled", FINDING_CAUSE, "it holds the listener with 3 others, and which of them should have accepted "
		    "is not known.");
	assert_says(FINDING_ADVICE, "pgrep -P 150");
	assert_not_said("(state");
}

/* Its accept() came by io_uring: how that fails, or whether it was asked at all, nobody sees. */
static void stalled_in_a_ring(void **state)
{
	struct tcptrace_record rec;

	(void)state;
	rig_listen(2, 4096);
	handshake(9, 1);
	rec = by(queues(server_rec(TCPTRACE_ACCEPT, 9), 0, 0), SERVER, -1);
	rec.sk = SK(9);
	rig_feed(rec);
	for (unsigned int i = 1; i <= 3; i++)
		handshake(i, i);
	pass(2600 * MS);
	box.state = 'S';
	box.holder = SERVER;
	look();
	assert_told("accept-stalled", FINDING_CAUSE, "prog[100] took none for 2.6 s from ");
	assert_says(FINDING_CAUSE, "whether it tried is not known");
	assert_says(FINDING_ADVICE, "ls -l /proc/100/fd");
	assert_not_said("no accept()");
	assert_not_said("slept");
}

/* Taken unseen, as by a 32-bit program under tracepoints; or nothing was taken yet, by who has an io_uring. */
static void stalled_unheard(void **state)
{
	struct tcptrace_record rec;

	(void)state;
	rig_listen(2, 4096);
	handshake(9, 1);
	for (unsigned int i = 1; i <= 3; i++)
		handshake(i, i);	/* the first one is there no more */
	rec = server_rec(TCPTRACE_STATE, 9);
	state_of(rec, SK(9), TCP_S_ESTABLISHED, TCP_S_CLOSE);
	destroy(server_rec(0, 9), SK(9));
	pass(2600 * MS);
	box.holder = SERVER;
	look();
	assert_told("accept-stalled", FINDING_CAUSE, "prog[100] took none for ");
	assert_says(FINDING_CAUSE, "as its last accept() was not seen (io_uring, a 32-bit program)");
	assert_not_said("slept");
	rig_down(state);
	up(state);
	rig_listen(2, 4096);
	for (unsigned int i = 1; i <= 3; i++)
		handshake(i, i);
	pass(2600 * MS);
	box.holder = SERVER;
	box.unheard = true;
	look();
	assert_told("accept-stalled", FINDING_CAUSE, "prog[100] took none for 2.6 s from ");
	assert_says(FINDING_CAUSE, "as it has an io_uring or is a 32-bit program");
	assert_not_said("slept");
}

static void list_nobody(void)
{
	struct tcptrace_record rec = queues(listener_rec(TCPTRACE_EXISTS), 0, 0);

	rig_feed((struct tcptrace_record){ .event = TCPTRACE_SNAPSHOT });
	rec.new = TCP_S_LISTEN;
	rig_feed(rec);
	rec = by(client_rec(TCPTRACE_EXISTS, 99), CLIENT, 4);	/* descriptors were looked at */
	rec.sk = SK(99);
	rec.new = TCP_S_ESTABLISHED;
	rig_feed(rec);
	rig_feed((struct tcptrace_record){ .event = TCPTRACE_SNAPSHOT, .flags = TCPTRACE_F_END });
}

/* In an io_uring, or on its way from one process to another: who opened it is not blamed, nor process 0. */
static void stalled_unheld(void **state)
{
	(void)state;
	rig_listen(2, 4096);
	rig.t += MS;
	list_nobody();
	for (unsigned int i = 1; i <= 3; i++)
		handshake(i, i);
	pass(2600 * MS);
	look();
	assert_told("accept-stalled", FINDING_CAUSE, "the program took none for 2.6 s from ");
	assert_says(FINDING_CAUSE, "no process was found to have a descriptor of the listener.");
	assert_not_said("/proc/0");
	accept_by(1, 150, 0, 0, 2);	/* it is there: and yet it was not to blame before */
	accept_by(2, 150, 0, 0, 1);
	accept_by(3, 150, 0, 0, 0);
	look();
	assert_not_said("prog[100]");
}

/* Nor is it known who was to accept: the listener is another process's, whose records are not asked for. */
static void stalled_unowned(void **state)
{
	(void)state;
	for (unsigned int i = 1; i <= 3; i++)
		handshake(i, i);
	pass(2600 * MS);
	look_on(NULL);
	assert_told("accept-stalled", FINDING_ADVICE, "Find the program that should accept");
}

/* Nobody saw its state: it is not made up. */
static void stalled_unknown(void **state)
{
	(void)state;
	stall('R', 0);
	assert_told("accept-stalled", FINDING_CAUSE, "no accept() by prog[100] for 2.6 s");
	assert_not_said("(state");
	look_on(NULL);
	assert_told("accept-stalled", FINDING_ADVICE, "Look at what prog[100] does meanwhile");
}

/* Those whom the full SYN queue refused are not what the pause cost. */
static void stalled_after(void **state)
{
	(void)state;
	rig_listen(8, 4096);
	drop(5, TCPTRACE_DROP_SYNQ_FULL, 0, 9, 0);
	for (unsigned int i = 1; i <= 3; i++)
		handshake(i, i);
	pass(2600 * MS);
	look();
	assert_int_equal(found.n, 2);
	for (unsigned int i = 0; i < found.n; i++)
		assert_int_equal(!strcmp(found.f[i].id, "accept-stalled"), !found.text[i][FINDING_COST][0]);
}

/* They came at once, one was accepted, and then none for long: in a longer queue they would have waited for that. */
static void stalled_at_once(void **state)
{
	(void)state;
	rig_listen(2, 4096);
	for (unsigned int i = 1; i <= 3; i++)
		handshake(i, i);
	for (unsigned int i = 10; i < 30; i++)
		refuse(i);
	accept_by(1, SERVER, 0, 0, 2);
	pass(2600 * MS);
	look();
	assert_told("accept-stalled", FINDING_CAUSE, "no accept() by prog[100] for 2.6 s");
	assert_says(FINDING_COST, "20 clients refused: none came in");
}

/* As they came nobody accepted any more, and soon after that the listener was closed: it is no burst. */
static void closed_soon(void **state)
{
	(void)state;
	rig_listen(2, 4096);
	handshake(31, 1);
	accept_by(31, SERVER, 0, 0, 0);
	for (unsigned int i = 1; i <= 3; i++)
		handshake(i, i);
	for (unsigned int i = 10; i < 30; i++)
		refuse(i);
	pass(300 * MS);
	state_of(listener_rec(0), LSK, TCP_S_LISTEN, TCP_S_CLOSE);
	for (unsigned int i = 1; i <= 3; i++)
		state_of(server_rec(0, i), SK(i), TCP_S_ESTABLISHED, TCP_S_CLOSE);
	look();
	assert_told("closed-waiting", FINDING_CAUSE, "with 3 connections that nobody had accepted: they were reset");
	assert_says(FINDING_COST, "20 clients refused: none came in");
	assert_says(FINDING_SEEN, "Seen: 20 segments refused, accept queue up to 3 (limit 2), waits of those accepted: ");
}

/* What was refused was refused before the pause, by a burst: two causes. */
static void stalled_beside(void **state)
{
	unsigned int i;

	(void)state;
	rig_listen(2, 4096);
	burst(23);
	handshake(50, 1);
	pass(3 * S);
	accept_by(50, SERVER, 0, 0, 0);
	look();
	assert_int_equal(found.n, 2);
	for (i = 0; i < 2; i++)
		assert_true(!strcmp(found.f[i].id, "accept-stalled") || !strcmp(found.f[i].id, "acceptq-backlog"));
	assert_string_not_equal(found.f[0].id, found.f[1].id);
	assert_string_equal(found.f[0].id, "acceptq-backlog");	/* it cost more */
	assert_string_equal(found.text[1][FINDING_COST], "");	/* and the cost is told once */
}

/* Most segments were refused in the pause, where three clients sent again and again; most clients were refused before. */
static void stalled_partly(void **state)
{
	unsigned int i;

	(void)state;
	rig_listen(2, 4096);
	burst(6);
	for (i = 1; i <= 3; i++)
		handshake(50 + i, i);
	for (i = 0; i < 9; i++) {
		refuse(300 + i % 3);
		pass(300 * MS);
	}
	for (i = 1; i <= 3; i++)
		accept_by(50 + i, SERVER, 0, 0, 3 - i);
	look();
	assert_int_equal(found.n, 2);
	for (i = 0; i < 2 && strcmp(found.f[i].id, "accept-stalled"); i++)
		;
	assert_in_range(i, 0, 1);
	assert_string_equal(found.f[!i].id, "acceptq-backlog");
	assert_non_null(strstr(found.text[i][FINDING_SEEN], " 3 of 9 clients that the full queue refused came in such a pause."));
	assert_string_equal(found.text[i][FINDING_COST], "");
}

/* Each accept() takes 300 ms: a slow program, not one that does something else. */
static void slow(void **state)
{
	unsigned int i;

	(void)state;
	rig_listen(2, 4096);
	for (i = 1; i <= 3; i++)
		handshake(i, i);
	for (i = 4; i < 23; i++) {
		refuse(1000 + i);
		pass(300 * MS);
		if (i == 4) {			/* how fast it accepts is not known yet */
			look();
			assert_told("accept-slow", FINDING_CAUSE, "prog[100] took none of those that waited: the accept queue was full.");
		}
		accept_by(i - 3, SERVER, 0, 0, 2);
		handshake(i, 3);
	}
	look();
	assert_told("accept-slow", FINDING_CAUSE, "prog[100] calls accept() more slowly than clients come");
	assert_says(FINDING_SEEN, "(median)");
	assert_says(FINDING_ADVICE, "A longer queue only makes clients wait longer.");
	accept_by(20, 101, 0, 0, 2);		/* who is named last is not the only one */
	look();
	assert_told("accept-slow", FINDING_CAUSE, "prog[101] and 1 other call accept() more slowly than clients come");
	box.dead = 101;
	look();
	assert_told("accept-slow", FINDING_CAUSE, "prog[100] calls accept() more slowly than clients come");
}

/* Slow all the time, and sometimes for longer: one cause. Stopped meanwhile is another one. */
static void slow_with_pauses(void **state)
{
	(void)state;
	rig_listen(2, 4096);
	for (unsigned int i = 1; i <= 3; i++)
		handshake(i, i);
	for (unsigned int i = 4; i < 23; i++) {
		refuse(1000 + i);
		pass(i == 10 ? 1300 * MS : 300 * MS);
		accept_by(i - 3, SERVER, 0, 0, 2);
		handshake(i, 3);
	}
	box.holder = SERVER;
	look();
	assert_told("accept-slow", FINDING_SEEN, " For 1.3 s from ");
	box.state = 'T';
	look();
	assert_int_equal(found.n, 2);
}

/* Two workers, 500 ms for each client: nobody is refused, and who waits does so for one accept() after the other. */
static void long_wait_with_pauses(void **state)
{
	(void)state;
	rig_listen(511, 4096);
	for (unsigned int i = 1; i <= 20; i++)
		handshake(i, i);
	for (unsigned int i = 1; i <= 20; i++) {
		pass(i % 8 == 1 ? 506 * MS : 250 * MS);
		accept_by(i, SERVER, 0, 0, 20 - i);
	}
	look();
	assert_told("long-wait", FINDING_CAUSE, "connections wait long for accept() of prog[100]: p99 ");
	assert_says(FINDING_SEEN, " For 506 ms from ");
	box.holder = SERVER;			/* it was held, which is another cause */
	box.state = 'T';
	look();
	assert_told("accept-stalled", FINDING_CAUSE, "no accept() by prog[100] for 506 ms from ");
}

/* A server that listens before it can accept. */
static void stalled_at_first(void **state)
{
	(void)state;
	rig_listen(2, 4096);
	for (unsigned int i = 1; i <= 3; i++)
		handshake(i, i);
	pass(3900 * MS);
	box.holder = SERVER;
	box.state = '?';
	for (unsigned int i = 1; i <= 3; i++)
		accept_by(i, SERVER, 0, 0, 3 - i);
	look();
	assert_told("accept-stalled", FINDING_SEEN, " None had been accepted before, since listen() at ");
	assert_says(FINDING_ADVICE, " If it was not ready yet, let it call listen() when it can accept.");
	for (unsigned int i = 4; i <= 6; i++)
		handshake(i, i - 3);
	pass(4 * S);
	look();
	assert_told("accept-stalled", FINDING_SEEN, "accept queue up to 3");
	assert_not_said("None had been accepted");
}

/* Three wait already when we come. */
static void found_waiting(void)
{
	struct tcptrace_record rec = by(queues(listener_rec(TCPTRACE_EXISTS), 0, 3), SERVER, 3);

	rec.new = TCP_S_LISTEN;
	rig_feed(rec);
	for (unsigned int i = 1; i <= 3; i++) {
		rec = server_rec(TCPTRACE_EXISTS, i);
		rec.sk = SK(i);
		rec.new = TCP_S_ESTABLISHED;
		rec.flags = TCPTRACE_F_QUEUED;
		rig_feed(rec);
	}
}

static bool is_least(const char *key)
{
	const struct finding_value *v = found.f[0].value;

	while (v->key && strcmp(v->key, key))
		v++;
	return v->key && v->least;
}

/* A cookie's child is in the queue of the record that tells of its cookie: who waits has come with it. */
static void began_by_cookie(void **state)
{
	struct tcptrace_record rec;

	(void)state;
	rig_listen(2, 4096);
	rec = queues(server_rec(TCPTRACE_COOKIE_OK, 1), 0, 1);
	rig_feed(rec);
	acceptq_add(1, TCPTRACE_ACCEPTQ_COOKIE, 0, 1);
	pass(1500 * MS);
	look();
	assert_told("accept-stalled", FINDING_CAUSE, "no accept() by prog[100] for 1.5 s from ");
	assert_false(is_least("stall"));
}

/* They waited, and nobody accepted, before we came: how long is not known, whether it goes on or is over. */
static void began_before(void **state)
{
	(void)state;
	found_waiting();
	pass(1500 * MS);
	look();
	assert_told("accept-stalled", FINDING_CAUSE, "no accept() by prog[100] for at least 1.5 s, since ");
	assert_says(FINDING_CAUSE, " or before, while 3 connections waited");
	assert_says(FINDING_SEEN, "waits of at least 1.5 s (median) and at least 1.5 s (longest)");
	assert_true(is_least("stall") && is_least("median") && is_least("longest"));
	for (unsigned int i = 1; i <= 3; i++)
		accept_by(i, SERVER, 0, 0, 3 - i);
	look();
	assert_told("accept-stalled", FINDING_CAUSE, "for at least 1.5 s, since ");
	assert_says(FINDING_SEEN, "(median) and at least 1.5 s (longest)");
	rig_down(state);
	up(state);
	found_waiting();
	pass(300 * MS);
	look();
	assert_told("long-wait", FINDING_CAUSE, "p99 at least ");
	assert_true(is_least("p99"));
}

/* Refused clients send again: when they were refused first is not known where the queue was full before us. */
static void refused_before(void **state)
{
	(void)state;
	found_waiting();
	refuse(300);
	pass(1500 * MS);
	accept_by(1, SERVER, 0, 0, 2);
	handshake(300, 3);
	look();
	assert_told("accept-stalled", FINDING_COST, "1 client refused: 1 came in after 2 s, 0 never. The queue was full when tcptrace came");
	rig_down(state);
	up(state);
	rig_listen(2, 4096);
	burst(6);
	look();
	assert_not_said("when tcptrace came");
}

static void lost(unsigned int event, uint64_t from_ns, uint64_t ns)
{
	rig_feed((struct tcptrace_record){ .event = TCPTRACE_LOST, .new = event, .arg = 7, .t_ns = from_ns, .call_ns = ns,
					   .fd = -1 });
}

/* Whether one was taken while records were lost nobody knows: no pause is known then, nor until all are there again. */
static void lost_takes(void **state)
{
	uint64_t from;

	(void)state;
	rig_listen(2, 4096);
	handshake(1, 1);
	from = rig.t;
	lost(TCPTRACE_ACCEPT, from, 2 * S);
	pass(1 * S);
	handshake(2, 2);
	pass(1 * S);
	accept_by(1, SERVER, 0, 0, 1);
	handshake(3, 2);
	pass(900 * MS);
	look();
	assert_true(!found.n || strcmp(found.f[0].id, "accept-stalled"));
	pass(900 * MS);		/* and then it stands */
	look();
	assert_told("accept-stalled", FINDING_CAUSE, " or before, while 2 connections waited");
	assert_true(is_least("stall"));
	/* one from before stays; of a recording that does not say when records were lost none does */
	rig_down(state);
	up(state);
	rig_listen(2, 4096);
	handshake(1, 1);
	pass(3 * S);
	accept_by(1, SERVER, 0, 0, 0);
	lost(TCPTRACE_ACCEPT, rig.t, S);
	look();
	assert_told("accept-stalled", FINDING_CAUSE, "for 3.0 s from ");
	lost(TCPTRACE_ACCEPT, rig.t, 0);
	look();
	assert_true(!found.n || strcmp(found.f[0].id, "accept-stalled"));
}

/* The way in of these was lost: that they were accepted says that it accepts. */
static void takes_of_unknown(void **state)
{
	(void)state;
	rig_listen(2, 4096);
	handshake(1, 1);
	for (unsigned int i = 2; i < 12; i++) {
		pass(100 * MS);
		accept_by(i, SERVER, 0, 0, 1);
	}
	look();
	assert_true(!found.n || strcmp(found.f[0].id, "accept-stalled"));
}

static void lost_refusals(void **state)
{
	(void)state;
	rig_listen(1, 4096);
	burst(9);
	lost(TCPTRACE_DROP, rig.t, S);
	look();
	assert_told("acceptq-backlog", FINDING_SEEN, "Seen: at least 9 segments refused");
	assert_true(is_least("refused"));
}

static void long_wait(void **state)
{
	unsigned int i;

	(void)state;
	rig_listen(128, 4096);
	for (i = 1; i <= 5; i++)
		handshake(i, i);
	pass(200 * MS);
	look();
	assert_told("long-wait", FINDING_CAUSE, "connections wait long for accept() of prog[100]: p99 ");
	assert_says(FINDING_SEEN, "nobody refused");
	rig_down(state);
	up(state);
	rig_listen(128, 4096);
	for (i = 1; i <= 5; i++)
		handshake(i, i);
	pass(20 * MS);
	look();
	assert_int_equal(found.n, 0);
}

/* ---- accept() fails ---- */

static void accept_error(int err, uint32_t pid)
{
	struct tcptrace_record rec = queues(listener_rec(TCPTRACE_ACCEPT), 0, 3);

	rec = by(rec, pid, -1);
	rec.sk = 0;
	rec.ret = -err;
	rig_feed(rec);
}

static void descriptors(void **state)
{
	static const int harmless[] = { EINVAL, EBADF, ECONNABORTED, EAGAIN, EINTR, 512 };
	unsigned int i;

	(void)state;
	rig_listen(2, 4096);
	for (i = 0; i < sizeof(harmless) / sizeof(*harmless); i++)
		accept_error(harmless[i], SERVER);
	look();
	assert_int_equal(found.n, 0);
	for (i = 1; i <= 3; i++)
		handshake(i, i);
	for (i = 0; i < 1000; i++)
		accept_error(EMFILE, 102);
	refuse(9);
	pass(3 * S);
	box.nofile = 24;
	box.comm = "nginx";
	look();
	assert_told("accept-fails", FINDING_CAUSE, "accept() failed with EMFILE 1000 times in nginx[102], first at ");
	assert_says(FINDING_CAUSE, ": it had no file descriptor left (RLIMIT_NOFILE; it is 24 now).");
	assert_says(FINDING_ADVICE, "prlimit --pid 102 --nofile=65536");
	assert_says(FINDING_ADVICE, "worker_rlimit_nofile");
	assert_not_said("slow");
	look_on(NULL);
	assert_says(FINDING_CAUSE, "it had no file descriptor left (RLIMIT_NOFILE).");
	box.nofile = 100000;		/* prlimit must not take any */
	look();
	assert_says(FINDING_ADVICE, "prlimit --pid 102 --nofile=200000 now");
	box.dead = 102;
	look();
	assert_told("accept-fails", FINDING_ADVICE, "prog[102] has ended since. Give it more at the next start: LimitNOFILE= in its unit "
		    "(or ulimit -n).");
	assert_not_said("prlimit");
	assert_not_said("/proc/");
	box.dead = 0;
	accept_by(1, 102, 0, 0, 2);
	look();
	assert_string_equal(found.f[1].id, "accept-fails");
	assert_non_null(strstr(found.text[1][FINDING_ADVICE], "Connections were accepted after that. If it comes again, give nginx[102] "
			       "more: LimitNOFILE= in its unit"));
	assert_null(strstr(found.text[1][FINDING_ADVICE], "prlimit"));
}

/* Those who waited as it ended had waited for that: one cause. Not where it had accepted again. */
static void failed_to_the_end(void **state)
{
	for (unsigned int again = 0; again < 2; again++) {
		rig_listen(2, 4096);
		for (unsigned int i = 1; i <= 3; i++)
			handshake(i, i);
		refuse(9);
		accept_error(EMFILE, SERVER);
		refuse(9);
		pass(200 * MS);
		if (again)
			accept_by(1, SERVER, 0, 0, 2);
		state_of(queues(listener_rec(0), 0, 3 - again), LSK, TCP_S_LISTEN, TCP_S_CLOSE);
		for (unsigned int i = 1 + again; i <= 3; i++)
			acceptq_del(i, TCPTRACE_ACCEPTQ_CLOSED, 0, 3 - i);
		look();
		assert_int_equal(found.n, 1 + again);
		if (again)
			break;
		assert_told("accept-fails", FINDING_COST, "1 client refused: none came in");
		assert_says(FINDING_COST, " 3 connections that waited reset as the listener was closed at ");
		rig_down(state);
		up(state);
	}
}

static void other_failures(void **state)
{
	(void)state;
	rig_listen(2, 4096);
	accept_error(ENFILE, SERVER);
	look();
	assert_told("accept-fails", FINDING_ADVICE, "fs.file-max");
	rig_down(state);
	up(state);
	rig_listen(2, 4096);
	accept_error(EFAULT, SERVER);
	look();
	assert_told("accept-fails", FINDING_ADVICE, "each time a client was lost");
	assert_not_said("denies");
	rig_down(state);
	up(state);
	rig_listen(2, 4096);
	accept_error(EMFILE, SERVER);
	accept_error(EMFILE, 101);	/* not all are its own */
	look();
	assert_told("accept-fails", FINDING_CAUSE, "accept() failed with EMFILE 2 times in prog[101] and others, first at ");
}

/* It failed once, and accepted again before the queue filled: another cause is told with what it cost. */
static void failed_before(void **state)
{
	(void)state;
	rig_listen(2, 4096);
	accept_error(EMFILE, SERVER);
	handshake(9, 1);
	accept_by(9, SERVER, 0, 0, 0);
	for (unsigned int i = 1; i <= 3; i++)
		handshake(i, i);
	refuse(4);
	refuse(5);
	pass(2600 * MS);
	box.state = 'T';
	box.holder = SERVER;
	look();
	assert_int_equal(found.n, 2);
	assert_string_equal(found.f[0].id, "accept-stalled");
	assert_says(FINDING_COST, "2 clients refused: none came in.");
	assert_string_equal(found.f[1].id, "accept-fails");
	assert_int_equal(found.text[1][FINDING_COST][0], 0);
}

/* ---- one of a group ---- */

/* Another listener at the address of LSK takes what it gets, n connections. */
static void other_at_address(uint32_t device, unsigned int n)
{
	struct tcptrace_record rec = by(listener_rec(TCPTRACE_LISTEN), 101, 3);

	rec.device = device;
	rec.sk = rec.listener = LSK + 0x1000;
	state_of(rec, LSK + 0x1000, TCP_S_CLOSE, TCP_S_LISTEN);
	for (unsigned int i = 100; i < 100 + n; i++) {
		rec = server_rec(TCPTRACE_ACCEPTQ_ADD, i);
		rec.listener = LSK + 0x1000;
		rec.sk = SK(i);
		rec.cause = TCPTRACE_ACCEPTQ_HANDSHAKE;
		rig_feed(rec);
		rec.event = TCPTRACE_ACCEPTQ_DEL;
		rec.cause = TCPTRACE_ACCEPTQ_ACCEPTED;
		rig_feed(rec);
	}
}

static void other_member(unsigned int n)
{
	other_at_address(0, n);
}

static void imbalance(void **state)
{
	unsigned int i;

	(void)state;
	rig_listen(2, 4096);
	for (i = 1; i <= 3; i++)
		handshake(i, i);
	other_member(7);
	pass(1 * S);
	box.holder = 100;
	box.state = 'T';
	look();
	assert_told("reuseport-imbalance", FINDING_CAUSE,
		    "one of 2 SO_REUSEPORT listeners is stuck, that of prog[100]: it was stopped (state T). It accepted 0, the others 7.");
	assert_says(FINDING_ADVICE, "by hash, not by load");
}

/* One burst was more than each of two could hold: it accepts as the other does. */
static void balance(void **state)
{
	(void)state;
	rig_listen(2, 4096);
	other_member(30);
	burst(9);
	for (unsigned int i = 0; i < 10; i++)
		refuse(100);
	look();
	assert_told("acceptq-backlog", FINDING_CAUSE, "is too short");
}

/* A listener that is closed, and the next one at its address: no group. */
static void successor(void **state)
{
	unsigned int i;

	(void)state;
	rig_listen(2, 4096);
	for (i = 1; i <= 3; i++)
		handshake(i, i);
	for (i = 10; i < 14; i++)
		drop(i, TCPTRACE_DROP_ACCEPTQ_SYN, 0, 0, 3);
	state_of(listener_rec(0), LSK, TCP_S_LISTEN, TCP_S_CLOSE);
	other_member(7);
	look();
	for (i = 0; i < found.n; i++)
		assert_string_not_equal(found.f[i].id, "reuseport-imbalance");
}

/* haproxy -sf: the new one listens beside the old one, which closes then, and stands: nobody else could have helped. */
static void reloaded(void **state)
{
	struct tcptrace_record old = listener_rec(0);
	unsigned int i;

	(void)state;
	old.sk = old.listener = LSK + 0x1000;
	rig_listen(2, 4096);
	other_member(7);
	pass(1 * MS);
	for (i = 1; i <= 3; i++)
		handshake(i, i);
	state_of(old, LSK + 0x1000, TCP_S_LISTEN, TCP_S_CLOSE);
	pass(1 * S);
	look();
	assert_told("accept-stalled", FINDING_CAUSE, "no accept() by prog[100] for 1.0 s");
	assert_not_said("SO_REUSEPORT");
}

/* SO_BINDTODEVICE: the other one gets the segments of another device. */
static void devices(void **state)
{
	struct tcptrace_record rec = listener_rec(TCPTRACE_EXISTS);
	unsigned int i;

	(void)state;
	rig_listen(2, 4096);
	rec.new = TCP_S_LISTEN;
	rec.device = 2;
	rig_feed(rec);
	for (i = 1; i <= 3; i++)
		handshake(i, i);
	other_at_address(3, 7);
	pass(1 * S);
	look();
	assert_int_equal(found.n, 1);
	assert_told("accept-stalled", FINDING_CAUSE, "no accept() by prog[100] for 1.0 s");
}

/* It did its part, more than the other, and stands since. */
static void stuck_later(void **state)
{
	unsigned int i;

	(void)state;
	rig_listen(16, 4096);
	for (i = 1; i <= 31; i++) {
		handshake(i, 1);
		accept_by(i, SERVER, 0, 0, 0);
	}
	for (i = 32; i <= 34; i++)
		handshake(i, i - 31);
	other_member(7);
	pass(1 * S);
	look();
	assert_told("reuseport-imbalance", FINDING_CAUSE, "It accepted 31, the others 7.");
	accept_by(32, SERVER, 0, 0, 2);		/* it goes on */
	look();
	assert_told("accept-stalled", FINDING_CAUSE, "no accept() by prog[100] for 1.0 s");
}

/* ---- the peers have closed, the program has not ---- */

/* It may still answer. */
static void close_wait(void **state)
{
	(void)state;
	rig_listen(64, 4096);
	for (unsigned int i = 1; i <= 10; i++) {
		handshake(i, 1);
		accept_by(i, SERVER, 0, 0, 0);
		state_of(server_rec(TCPTRACE_STATE, i), SK(i), TCP_S_ESTABLISHED, TCP_S_CLOSE_WAIT);
	}
	pass(5 * S);
	look();
	assert_told("close-wait", FINDING_CAUSE, "prog[100] holds 10 connections in CLOSE_WAIT: the peers have closed, the program has "
		    "not, the oldest for 5.0 s.");
	assert_says(FINDING_ADVICE, "If they stay it is a leak: prog[100] must close()");
	pass(60 * S);
	look();
	assert_told("close-wait", FINDING_ADVICE, "A leak: prog[100] must close()");
}

/* A child for each client: none of them has many. */
static void close_wait_by_name(void **state)
{
	(void)state;
	rig_listen(64, 4096);
	for (unsigned int i = 1; i <= 100; i++) {
		handshake(i, 1);
		accept_by(i, 1000 + i, 0, 0, 0);
		state_of(server_rec(TCPTRACE_STATE, i), SK(i), TCP_S_ESTABLISHED, TCP_S_CLOSE_WAIT);
		look();
		assert_int_equal(found.n, i >= FINDING_CLOSE_WAIT);
	}
	assert_told("close-wait", FINDING_CAUSE, "prog[1001] and others of that name hold 100 connections in CLOSE_WAIT: the peers have "
		    "closed, the programs have not, the oldest for ");
	for (unsigned int i = 101; i <= 110; i++) {
		handshake(i, 1);
		accept_by(i, 1001, 0, 0, 0);
		state_of(server_rec(TCPTRACE_STATE, i), SK(i), TCP_S_ESTABLISHED, TCP_S_CLOSE_WAIT);
	}
	look();			/* who has many is told by itself, and each once */
	assert_int_equal(found.n, 2);
	assert_non_null(strstr(found.text[0][FINDING_CAUSE], "others of that name hold 99 connections"));
	assert_non_null(strstr(found.text[1][FINDING_CAUSE], "prog[1001] holds 11 connections"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, up, rig_down)
	const struct CMUnitTest tests[] = {
		TEST(backlog), TEST(backlog_of_master), TEST(backlog_of_go), TEST(shut), TEST(shut_unseen), TEST(raised),
		TEST(clamped), TEST(clamped_of_all), TEST(clamped_before), TEST(full_unseen),
		TEST(stalled), TEST(stalled_no_more), TEST(stalled_runnable), TEST(stalled_otherwise),
		TEST(stalled_alone), TEST(stalled_parent), TEST(stalled_parent_accepts), TEST(stalled_before_him), TEST(stalled_not_his),
		TEST(stalled_to_the_end), TEST(stalled_twice),
		TEST(stalled_workers), TEST(stalled_alike), TEST(stalled_unlike), TEST(stalled_partly),
		TEST(stalled_at_once), TEST(closed_soon),
		TEST(stalled_unknown), TEST(stalled_after), TEST(stalled_beside), TEST(stalled_at_first), TEST(slow_with_pauses),
		TEST(long_wait_with_pauses), TEST(refused_before),
		TEST(stalled_in_a_ring), TEST(stalled_unheard), TEST(stalled_unheld), TEST(stalled_unowned), TEST(slow),
		TEST(began_before), TEST(began_by_cookie), TEST(lost_takes), TEST(takes_of_unknown), TEST(lost_refusals),
		TEST(long_wait), TEST(descriptors), TEST(other_failures), TEST(failed_before), TEST(failed_to_the_end), TEST(balance), TEST(imbalance), TEST(devices),
		TEST(successor), TEST(stuck_later), TEST(reloaded),
		TEST(close_wait), TEST(close_wait_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
