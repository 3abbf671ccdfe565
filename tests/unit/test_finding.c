// SPDX-License-Identifier: GPL-2.0-only
/* Findings: which is told of what, with which words; and what is not told, because it was not seen or is no trouble. */
#include <errno.h>

#include "model_rig.h"

#include "../../user/lib/out.h"
#include "../../user/model/finding.h"
#include "../../user/model/knob.h"
#include "../../user/view/view.h"

#define S	(1000 * MS)
#define FOUND	16
#define HOSTILE	"{clients}\033[2J%s"

/* A machine as a test wants it. */
static struct {
	struct machine machine;
	uint64_t sysctl[MACHINE_SYSCTL_MAX];	/* UINT64_MAX: unknown */
	uint32_t dead, holder;
	char state;
	const char *comm;
	uint64_t nofile;
} box;

static bool box_sysctl(void *ctx, uint32_t netns, enum machine_sysctl which, uint64_t *value)
{
	(void)ctx;
	assert_int_equal(netns, 7);
	*value = box.sysctl[which];
	return *value != UINT64_MAX;
}

static bool box_process(void *ctx, uint32_t pid, struct process *p)
{
	(void)ctx;
	*p = (struct process){ .pid = pid, .state = box.state, .nofile = box.nofile };
	strncpy(p->comm, box.comm, sizeof(p->comm) - 1);
	return pid != box.dead;
}

static bool box_holder(void *ctx, const struct listener *l, uint64_t from_ns, struct process *p)
{
	(void)l;
	(void)from_ns;
	return box.holder && box_process(ctx, box.holder, p);
}

static struct {
	unsigned int n;
	struct finding f[FOUND];
	char text[FOUND][FINDING_PART_MAX][2048];
} found;

static void keep(void *ctx, const struct finding *f)
{
	const struct view v = { .cfg = { .wall_offset_ns = 0 } };
	struct out o;

	(void)ctx;
	assert_in_range(found.n, 0, FOUND - 1);
	assert_int_equal(out_open(&o, -1), 0);
	for (unsigned int part = 0; part < FINDING_PART_MAX; part++) {
		o.len = 0;
		finding_text(&v, &o, f, part, NULL);
		assert_in_range(o.len, 0, sizeof(found.text[0][0]) - 1);
		memcpy(found.text[found.n][part], o.buf, o.len);
		found.text[found.n][part][o.len] = 0;
		if (strcmp(box.comm, HOSTILE))
			assert_null(strchr(found.text[found.n][part], '{'));	/* each key was known */
		assert_null(strstr(found.text[found.n][part], "  "));
	}
	o.len = 0;
	out_close(&o);
	found.f[found.n++] = *f;
}

static void look_on(const struct machine *machine)
{
	memset(&found, 0, sizeof(found));
	findings(rig.m, machine, keep, NULL);
}

static void look(void) { look_on(&box.machine); }

static int up(void **state)
{
	memset(&box, 0, sizeof(box));
	memset(box.sysctl, 0xff, sizeof(box.sysctl));
	box.machine = (struct machine){ NULL, box_sysctl, box_process, box_holder };
	box.state = 'S';
	box.comm = "prog";
	return rig_up(state);
}

static void pass(uint64_t ns)
{
	model_until(rig.m, rig.t += ns);
}

static void observe(unsigned int event, enum tcptrace_seen how, uint32_t only)
{
	struct tcptrace_record rec = { .event = TCPTRACE_OBSERVED, .fd = -1, .req = only };

	rec.arg = ~(3ull << TCPTRACE_SEEN_SHIFT(event)) | ((uint64_t)how << TCPTRACE_SEEN_SHIFT(event));
	rig_feed(rec);
}

/* One finding, its id, and words of its parts. */
#define assert_told(id_, part, words)						\
	do {									\
		assert_int_equal(found.n, 1);					\
		assert_string_equal(found.f[0].id, id_);			\
		if (!strstr(found.text[0][part], words))			\
			fail_msg("'%s' is not in '%s'", words, found.text[0][part]); \
	} while (0)
#define assert_says(part, words)						\
	do {									\
		if (!strstr(found.text[0][part], words))			\
			fail_msg("'%s' is not in '%s'", words, found.text[0][part]); \
	} while (0)
#define assert_not_said(words)							\
	do {									\
		for (unsigned int p_ = 0; p_ < FINDING_PART_MAX; p_++)		\
			if (strstr(found.text[0][p_], words))			\
				fail_msg("'%s' is in '%s'", words, found.text[0][p_]); \
	} while (0)

static void refuse(unsigned int i)
{
	drop(i, TCPTRACE_DROP_ACCEPTQ_SYN, 0, 0, rig.limit + 1);
}

/* limit + 1 come in, `refused` do not; then the program takes all that wait, and after a second the others. */
static void burst(unsigned int refused)
{
	unsigned int i, held = rig.limit + 1;

	for (i = 1; i <= held; i++)
		handshake(i, i);
	for (i = 0; i < refused; i++)
		refuse(100 + i);
	for (i = 1; i <= held; i++)
		accept_by(i, SERVER, 0, 0, held - i);
	pass(S);
	for (i = 0; i < refused; i++) {
		handshake(100 + i, 1);
		accept_by(100 + i, SERVER, 0, 0, 0);
	}
}

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
		    "0.0.0.0:8080: the accept queue of redis-server[100] is too short: it holds 2, 101 clients wanted in at once "
		    "(its backlog is 1).");
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

/* It asks for net.core.somaxconn, as Go does. */
static void backlog_of_go(void **state)
{
	(void)state;
	rig_listen(16, 16);
	burst(99);
	look();
	assert_told("acceptq-backlog", FINDING_ADVICE, "It asks for net.core.somaxconn, as Go programs do: sysctl -w "
		    "net.core.somaxconn=128");
}

static void clamped(void **state)
{
	(void)state;
	rig_listen(511, 7);
	burst(23);
	look_on(NULL);
	assert_told("acceptq-somaxconn", FINDING_CAUSE, "it holds 8, 31 clients wanted in at once. It asked for 511; "
		    "net.core.somaxconn made it 7.");
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
	assert_told("acceptq-somaxconn", FINDING_CAUSE, "Probably clamped: its limit is net.core.somaxconn (7)");
	assert_not_said("asked for 7");
	box.sysctl[MACHINE_SOMAXCONN] = 4096;
	look();
	assert_told("acceptq-backlog", FINDING_CAUSE, "(limit 7: its backlog, as net.core.somaxconn is another)");
	look_on(NULL);
	assert_told("acceptq-backlog", FINDING_CAUSE, "its backlog or net.core.somaxconn, whichever was smaller");
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
		{ 'R', "it was busy with something else (state R).", "perf top -p 150" },
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
		accept_by(i - 3, SERVER, 0, 0, 2);
		handshake(i, 3);
	}
	look();
	assert_told("accept-slow", FINDING_CAUSE, "prog[100] calls accept() more slowly than clients come");
	assert_says(FINDING_SEEN, "(median)");
	assert_says(FINDING_ADVICE, "A longer queue only makes clients wait longer.");
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
	assert_says(FINDING_CAUSE, ": all of its 24 file descriptors are in use.");
	assert_says(FINDING_ADVICE, "prlimit --pid 102 --nofile=65536");
	assert_says(FINDING_ADVICE, "worker_rlimit_nofile");
	assert_not_said("slow");
	look_on(NULL);
	assert_says(FINDING_CAUSE, "it has no file descriptor left (RLIMIT_NOFILE)");
	rig_down(state);
	up(state);
	rig_listen(2, 4096);
	accept_error(ENFILE, SERVER);
	look();
	assert_told("accept-fails", FINDING_ADVICE, "fs.file-max");
}

/* ---- one of a group ---- */

static void imbalance(void **state)
{
	struct tcptrace_record rec;
	unsigned int i;

	(void)state;
	rig_listen(2, 4096);
	for (i = 1; i <= 3; i++)
		handshake(i, i);
	rec = by(listener_rec(TCPTRACE_LISTEN), 101, 3);
	rec.sk = rec.listener = LSK + 0x1000;
	state_of(rec, LSK + 0x1000, TCP_S_CLOSE, TCP_S_LISTEN);
	for (i = 10; i < 17; i++) {
		rec = server_rec(TCPTRACE_ACCEPTQ_ADD, i);
		rec.listener = LSK + 0x1000;
		rec.sk = SK(i);
		rec.cause = TCPTRACE_ACCEPTQ_HANDSHAKE;
		rig_feed(rec);
		rec.event = TCPTRACE_ACCEPTQ_DEL;
		rec.cause = TCPTRACE_ACCEPTQ_ACCEPTED;
		rig_feed(rec);
	}
	pass(1 * S);
	box.holder = 100;
	box.state = 'T';
	look();
	assert_told("reuseport-imbalance", FINDING_CAUSE,
		    "one of 2 SO_REUSEPORT listeners is stuck, that of prog[100]: it was stopped (state T). It accepted 0, the others 7.");
	assert_says(FINDING_ADVICE, "by hash, not by load");
}

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

/* tcp_syncookies=2: each handshake goes by cookie, and no queue is full. */
static void cookies_always(void **state)
{
	unsigned int i;

	(void)state;
	rig_listen(128, 4096);
	for (i = 1; i < 24; i++)
		rig_feed(queues(server_rec(TCPTRACE_COOKIE_SENT, i), 0, 0));
	look();
	assert_int_equal(found.n, 0);
}

/* A request that expires because its third packet was refused is not the path's loss. */
static void expiring(void **state)
{
	(void)state;
	rig_listen(2, 4096);
	synq_add(1, 1, 0);
	synq_del(1, TCPTRACE_SYNQ_EXPIRED, 0, 0);
	look();
	assert_told("requests-expire", FINDING_CAUSE, "1 request expired");
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
	assert_told("closed-waiting", FINDING_CAUSE, "prog[100] closed it at ");
	assert_says(FINDING_CAUSE, "with 3 connections that nobody had accepted: they were reset (the process is gone).");
	rig_down(state);		/* nobody waited */
	up(state);
	rig_listen(128, 4096);
	handshake(1, 1);
	accept_by(1, SERVER, 0, 0, 0);
	state_of(queues(listener_rec(0), 0, 0), LSK, TCP_S_LISTEN, TCP_S_CLOSE);
	look();
	assert_int_equal(found.n, 0);
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
}

static void elsewhere(void **state)
{
	struct tcptrace_record rec = listener_rec(0);

	(void)state;
	mapped(rec.laddr, 0x7f000001);
	state_of(by(rec, SERVER, 3), LSK, TCP_S_CLOSE, TCP_S_LISTEN);
	knock(23, PORT, 0x0a000001);
	look();
	assert_told("no-listener", FINDING_CAUSE, "nobody listens on that address; prog[100] listens on 127.0.0.1:8080.");
	rig_down(state);		/* localhost by IPv6 first */
	up(state);
	state_of(by(rec, SERVER, 3), LSK, TCP_S_CLOSE, TCP_S_LISTEN);
	rec = server_rec(TCPTRACE_RST_SENT, 1);
	memset(rec.laddr, 0, 16);
	rec.laddr[15] = 1;
	rec.family = 6;
	rec.arg = 0x02;
	for (unsigned int i = 0; i < 23; i++)
		rig_feed(rec);
	look();
	assert_int_equal(found.n, 0);
}

/* A scan: no more than three ports are told, those asked for most. */
static void scan(void **state)
{
	(void)state;
	for (unsigned int port = 1; port <= 20; port++)
		knock(port, port, 0x0a000001);
	look();
	assert_int_equal(found.n, 3);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(found.f[i].value[0].number, 20 - i);
}

/* ---- connect() ---- */

static void connect_fails(unsigned int i, int err, bool v6)
{
	struct tcptrace_record rec = by(client_rec(TCPTRACE_CONNECT, i), CLIENT, 3);

	if (v6) {
		memset(rec.raddr, 0, 16);
		rec.raddr[15] = 1;
		rec.family = 6;
	}
	rec.sk = SK(i);
	rec.lport = 0;
	rig_feed(rec);
	rec.event = TCPTRACE_CONNECT_RETURN;
	rec.call_ns = 0;
	rec.ret = -err;
	rig_feed(rec);
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
		    "prog[200]: no local port was left of net.ipv4.ip_local_port_range (40000 to 40050, 51 ports to each "
		    "destination).");
	look_on(NULL);
	assert_says(FINDING_CAUSE, "net.ipv4.ip_local_port_range.");
	rig_down(state);		/* twice is how programs find out */
	up(state);
	connect_fails(1, ECONNREFUSED, false);
	connect_fails(2, ECONNREFUSED, false);
	look();
	assert_int_equal(found.n, 0);
	connect_fails(3, ECONNREFUSED, false);
	look();
	assert_told("connect-fails", FINDING_CAUSE, "with ECONNREFUSED in prog[200]: a RST came back");
	knock(3, PORT, 0x0a000001);	/* it was we who answered: told once */
	look();
	assert_told("no-listener", FINDING_CAUSE, "3 SYNs");
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
		TEST(backlog), TEST(backlog_of_go), TEST(clamped), TEST(clamped_of_all), TEST(clamped_before),
		TEST(full_unseen), TEST(stalled), TEST(stalled_unknown), TEST(stalled_beside), TEST(slow), TEST(long_wait),
		TEST(descriptors), TEST(imbalance), TEST(synq), TEST(cookies_always), TEST(expiring), TEST(closed_waiting),
		TEST(no_listener), TEST(elsewhere), TEST(scan), TEST(connects), TEST(went_on), TEST(order), TEST(healthy),
		TEST(knobs), TEST(hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
