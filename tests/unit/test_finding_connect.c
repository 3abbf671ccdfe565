// SPDX-License-Identifier: GPL-2.0-only
/* Findings about connect() that fails, and about SYNs without an answer. */
#include "finding_rig.h"

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
	rec.segs_out = rec.undelivered = segs_out;
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

/* Once each is often, when they are many. */
static void once_each(void **state)
{
	(void)state;
	for (unsigned int i = 1; i <= 4; i++)
		attempt_by(i, i, ECONNREFUSED, false);
	look();
	assert_told("connect-fails", FINDING_CAUSE, "failed 1 time of 1 with ECONNREFUSED");
	assert_says(FINDING_COST, "The same of 3 other programs.");
	rig_down(state);
	up(state);
	for (unsigned int i = 1; i <= 2; i++)
		attempt_by(i, i, ECONNREFUSED, false);
	look();
	assert_int_equal(found.n, 0);
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
	assert_told("connect-fails", FINDING_CAUSE, ": there is no route, or a router or a firewall reports that there is none.");
	cause_of(state, EHOSTUNREACH, false, false, ": no SYN had left, a route of this machine rejects it.");
	cause_of(state, EHOSTUNREACH, true, false, ": the host does not answer, or a router or a firewall reports it unreachable.");
	cause_of(state, EHOSTDOWN, true, false, ": its SYN had left, and an ICMP message brought this error.");
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

static void sends_again(unsigned int i, uint64_t ns)
{
	struct tcptrace_record rec = client_rec(TCPTRACE_RETRANS, i);

	pass(ns);
	rec.t_ns = rig.t;
	rec.sk = SK(i);
	rec.old = rec.new = TCP_S_ESTABLISHED;
	rig_feed(rec);
}

static void connected(unsigned int i)
{
	struct tcptrace_record rec = by(client_rec(TCPTRACE_CONNECT, i), CLIENT, 3);

	rec.sk = SK(i);
	rig_feed(rec);
	state_of(client_rec(0, i), SK(i), TCP_S_CLOSE, TCP_S_SYN_SENT);
	state_of(client_rec(0, i), SK(i), TCP_S_SYN_SENT, TCP_S_ESTABLISHED);
}

static void times_out(unsigned int i, uint32_t undelivered)
{
	struct tcptrace_record rec = client_rec(TCPTRACE_STATE, i);

	rec.sk = SK(i);
	rec.old = TCP_S_ESTABLISHED;
	rec.new = TCP_S_CLOSE;
	rec.segs_out = 9;
	rec.undelivered = undelivered;
	rec.ret = -ETIMEDOUT;
	rig_feed(rec);
}

/* Peers that vanish: it takes twice as long each time. A path that loses now and then does not; nor do one or two count. */
static void unacked(void **state)
{
	(void)state;
	for (unsigned int i = 1; i <= 3; i++) {
		connected(i);
		for (unsigned int n = 0; n < 9; n++)
			sends_again(i, (1 + n % 3) * S);
		times_out(i, 0);			/* of keepalive */
	}
	look();
	assert_int_equal(found.n, 0);
	for (unsigned int i = 4; i <= 6; i++) {
		look();
		assert_int_equal(found.n, 0);
		connected(i);
		for (unsigned int n = 0; n < 5; n++)
			sends_again(i, (200 << n) * MS);
	}
	look();
	assert_told("no-ack", FINDING_CAUSE, "3 connections of prog[200] to 10.0.0.1:8080 got no acknowledgment for what they sent: the kernel "
		    "sent again and again, each time after about twice as long, for up to 6.0 s so far.");
	assert_string_equal(found.text[0][FINDING_COST], "");
	times_out(5, 7);
	look();
	assert_told("no-ack", FINDING_COST, "1 of them ended with ETIMEDOUT.");
}

/* Their third packets were refused by a listener here, and it is told of them: no peer has gone. */
static void unacked_unaware(void **state)
{
	(void)state;
	rig_listen(2, 4096);
	for (unsigned int i = 1; i <= 6; i++) {
		connected(i);
		drop(i, TCPTRACE_DROP_ACCEPTQ_ACK, 0, 0, rig.limit + 1);
		for (unsigned int n = 0; n < 5; n++)
			sends_again(i, (200 << n) * MS);
	}
	look();
	for (unsigned int i = 0; i < found.n; i++)
		assert_string_not_equal(found.f[i].id, "no-ack");
}

/* With a short TCP_USER_TIMEOUT nothing has doubled yet. */
static void unacked_soon(void **state)
{
	(void)state;
	for (unsigned int i = 1; i <= 3; i++) {
		connected(i);
		sends_again(i, 200 * MS);
		times_out(i, 7);
	}
	look();
	assert_told("no-ack", FINDING_CAUSE, "got no acknowledgment for what they sent: they ended with ETIMEDOUT.");
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
	rig_down(state);
	up(state);
	rig_listen(128, 4096);
	for (unsigned int i = 0; i < 3; i++) {
		struct tcptrace_record call = by(client_rec(TCPTRACE_CONNECT, i), CLIENT, 3);

		mapped(call.raddr, 0x7f000001);
		attempt_of(call, i, EHOSTUNREACH, false);
	}
	look();
	assert_told("connect-fails", FINDING_CAUSE, ": rejected, though a listener is there, on this machine.");
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
	assert_non_null(strstr(found.text[1][FINDING_CAUSE], "failed at least 4 times with ECONNREFUSED in prog[200]"));
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
		rec.segs_out = rec.undelivered = 1;
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

/* A listener whose SYN-ACKs a firewall drops got the SYNs. */
static void unanswered_by_listener(void **state)
{
	struct tcptrace_record rec;

	(void)state;
	rig_listen(64, 4096);
	for (unsigned int i = 1; i <= 5; i++) {
		rec = client_rec(TCPTRACE_RETRANS, i);
		rec.sk = SK(i);
		rec.old = rec.new = TCP_S_SYN_SENT;
		mapped(rec.raddr, 0x7f000001);
		rig_feed(rec);
	}
	look();
	assert_told("no-answer", FINDING_CAUSE, ", though a listener is there, on this machine, and refused nobody.");
	assert_says(FINDING_ADVICE, "Something drops the segments before the listener sees them");
	synq_add(11, 1, 0);
	synq_del(11, TCPTRACE_SYNQ_OTHER, 0, 0);
	look();
	assert_told("no-answer", FINDING_CAUSE, ", though a listener is there, on this machine, which got SYNs whose third packet did not come.");
	assert_says(FINDING_ADVICE, "Something drops its SYN-ACKs");
	assert_not_said("before the listener sees them");
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

/* A listener of this machine has no way back to them: that is the cause, and what they see of it is none. */
static void refused_otherwise(void **state)
{
	(void)state;
	rig_listen(128, 4096);
	for (unsigned int i = 1; i < 3; i++)
		drop(i, TCPTRACE_DROP_OTHER, 0, 0, 0);
	for (unsigned int i = 1; i < 4; i++)
		syn_again(i, 0x0a000001);
	look();
	assert_true(told_of("no-answer"));
	assert_int_equal(found.n, 1);
	drop(3, TCPTRACE_DROP_OTHER, 0, 0, 0);
	look();
	assert_int_equal(found.n, 1);
	assert_told("syn-refused", FINDING_CAUSE, "3 SYNs to prog[100] refused, though no queue was full: this machine has no route back");
	assert_says(FINDING_SEEN, "; the last came from 10.0.0.2 to 10.0.0.1.");
	assert_says(FINDING_ADVICE, "ip route get 10.0.0.2 shows");
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

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, up, rig_down)
	const struct CMUnitTest tests[] = {
		TEST(calls_unseen), TEST(many_programs), TEST(once_each), TEST(connects), TEST(came), TEST(told_by_so_error),
		TEST(unacked), TEST(unacked_unaware), TEST(unacked_soon), TEST(icmp_again), TEST(deaf), TEST(no_address), TEST(addresses), TEST(unanswered), TEST(unanswered_by_listener), TEST(refused_otherwise), TEST(rejected),
		TEST(untold), TEST(given_up), TEST(refused_later), TEST(refused_unobserved), TEST(refused_unowned),
		TEST(refused_elsewhere), TEST(went_on), TEST(went_on_unobserved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
