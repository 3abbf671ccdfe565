// SPDX-License-Identifier: GPL-2.0-only
/*
 * What family, type, port and address of a socket decide: for whom is a packet? Two
 * network interfaces, with strangers behind each, ask for the address of the other one.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab.h"
#include "traffic.h"
#include "tun.h"

enum { PORT = 8001, ADDRESS, DEVICE, SIX, SIX_ONLY };
enum { ALICE = 40001, BOB, CAROL, FOUR, FOUR_ONLY };
enum { STRANGER = 7 };			/* 10.1.0.7, 10.2.0.7 */

static int bind6(int fd, uint16_t port)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons(port),
	  .sin6_addr = IN6ADDR_ANY_INIT };

	return bind(fd, (struct sockaddr *)&a, sizeof(a)) ? errno : 0;
}

/* What a socket was made for, it stays. */
static void family_and_type(struct stage *s)
{
	int stream = tcp_socket(s, true), datagram = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	fact(s, bind6(stream, 8010), "family.bind_errno");
	tcp_bind(datagram, LOCAL, 8010);
	fact(s, listen(datagram, 8) ? errno : 0, "type.listen_errno");
	close(stream);
	close(datagram);
}

static int listen6(struct stage *s, uint16_t port, int only)
{
	int fd, one = 1;

	fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only));
	if (bind6(fd, port) || listen(fd, 8))
		stage_fail(s, N_("cannot listen on port %u"), port);
	return fd;
}

/* An IPv4 client and a listener of IPv6. */
static int connect4(struct stage *s, uint16_t from, uint16_t to)
{
	struct call c = { .addr = LOCAL, .port = to };

	c.fd = tcp_socket(s, false);
	tcp_bind(c.fd, LOCAL, from);
	call_connect(&c);
	return c.err;
}

static void six(struct stage *s)
{
	int both = listen6(s, SIX, 0);

	fact(s, both >= 0, "six.there");
	if (both < 0)			/* ipv6.disable=1 */
		return;
	listen6(s, SIX_ONLY, 1);
	fact(s, connect4(s, FOUR, SIX), "six.errno");
	wait_acceptq(s, both, 1);	/* connect() may return before the third packet has come there */
	fact(s, acceptq_len(both), "six.waiting");
	fact(s, connect4(s, FOUR_ONLY, SIX_ONLY), "six_only.errno");
}

/* ---- the port ---- */

static int connected(struct stage *s, int listener, uint16_t from)
{
	int client = tcp_client(s, LOCAL, from, LOCAL, PORT);

	wait_acceptq(s, listener, 1);
	return client;
}

static void send_line(struct stage *s, int fd, const char *text)
{
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		stage_fail(s, "write(): %s", strerror(errno));
}

static bool got(int fd, const char *text)
{
	char line[16] = "";

	return recv(fd, line, sizeof(line) - 1, 0) == (ssize_t)strlen(text) && !strcmp(line, text);
}

/* One port: two connections of a program that has stopped listening, and a listener that came later. */
static void one_port(struct stage *s)
{
	int first = tcp_listen(s, LOCAL, PORT, 8), second, alice, bob;
	struct call a, b, c;

	alice = connected(s, first, ALICE);
	must_accept(s, first, &a);
	bob = connected(s, first, BOB);
	must_accept(s, first, &b);
	close(first);
	second = tcp_listen(s, LOCAL, PORT, 8);
	connected(s, second, CAROL);
	must_accept(s, second, &c);
	fact(s, local_port(a.ret) == PORT && local_port(b.ret) == PORT && local_port(c.ret) == PORT, "port.same");
	send_line(s, alice, "alice");
	send_line(s, bob, "bob");
	fact(s, got(a.ret, "alice") && got(b.ret, "bob"), "port.right");
	fact(s, acceptq_len(second), "port.left_in_queue");
}

/* ---- the address ---- */

struct answer {
	struct wire *nic;
	unsigned int host;
};

static bool answered(void *arg)
{
	struct answer *a = arg;

	return stranger_synacks(a->nic, a->host) || stranger_resets(a->nic, a->host);
}

/* The stranger behind this interface sends a SYN to that address: is it answered by a SYN-ACK? */
static bool asks(struct stage *s, struct wire *nic, unsigned int host, const char *address, uint16_t port)
{
	struct answer a = { nic, host };

	stranger_target(nic, address);
	stranger_syn(nic, host, port);
	wait_for(s, answered, &a, N_("a SYN to be answered"));
	return stranger_synacks(nic, host) > 0;
}

static void two_interfaces(struct stage *s)
{
	struct wire *one = nic_open(s, 1), *two = nic_open(s, 2);
	int bound = tcp_listen(s, "10.2.0.1", ADDRESS, 8), device;

	(void)bound;
	fact(s, asks(s, one, STRANGER, "10.2.0.1", ADDRESS), "address.other_interface");
	device = tcp_socket(s, true);
	if (setsockopt(device, SOL_SOCKET, SO_BINDTODEVICE, "nic2", 5))
		stage_fail(s, "SO_BINDTODEVICE: %s", strerror(errno));
	if (tcp_bind(device, "0.0.0.0", DEVICE) || listen(device, 8))
		stage_fail(s, N_("cannot listen on port %u"), DEVICE);
	fact(s, asks(s, one, STRANGER + 1, "10.2.0.1", DEVICE), "device.other_interface");
	fact(s, asks(s, two, STRANGER + 1, "10.2.0.1", DEVICE), "device.own_interface");
}

static void play(struct stage *s)
{
	family_and_type(s);
	six(s);
	one_port(s);
	two_interfaces(s);
	wait_seen(s, TCPTRACE_SYNQ_ADD, 5);
}

/* ---- the answer ---- */

static void judge_socket(struct lab_run *r)
{
	/* __inet_bind() (net/ipv4/af_inet.c): sin_family; inet_dgram_ops.listen is sock_no_listen() */
	lab_claim(r, N_("The address family and the type of communication are chosen at socket()."), CONFIRMED,
		  NULL,
		  lab_fact(r, "family.bind_errno") == EAFNOSUPPORT && lab_fact(r,
		  "type.listen_errno") == EOPNOTSUPP,
		  N_("A socket of AF_INET could not be bound to an IPv6 address (EAFNOSUPPORT), and one of "
		     "SOCK_DGRAM could not listen (EOPNOTSUPP)."));
	lab_sentence(r, TUTORIAL_SOCKET_TYPE);
	lab_evidence(r, "bind_errno", lab_fact(r, "family.bind_errno"));
	lab_evidence(r, "listen_errno", lab_fact(r, "type.listen_errno"));
	if (!lab_fact(r, "six.there"))
		return;
	/* compute_score() (net/ipv4/inet_hashtables.c): ipv6_only_sock() */
	lab_claim(r, N_("A server of AF_INET6 serves IPv6 clients only."), DEPENDS,
		  N_("on IPV6_V6ONLY; net.ipv6.bindv6only, its default, is 0"),
		  !lab_fact(r, "six.errno") && lab_fact(r, "six.waiting") == 1 &&
		  lab_fact(r, "six_only.errno") == ECONNREFUSED,
		  N_("A client of 127.0.0.1 was connected to the listener on [::]; to the one with "
		     "IPV6_V6ONLY it was not (ECONNREFUSED)."));
	lab_evidence(r, "errno", lab_fact(r, "six.errno"));
	lab_evidence(r, "v6only_errno", lab_fact(r, "six_only.errno"));
}

static void judge_address(struct lab_run *r)
{
	int64_t other = lab_fact(r, "address.other_interface");
	unsigned int queued = COUNT(r, .event = TCPTRACE_SYNQ_ADD, .lport = ADDRESS);

	/* ip_route_input_slow() (net/ipv4/route.c): a local address is local whatever interface it came by */
	lab_claim(r, N_("The IP address decides which network interface's packets we get."), REFUTED, NULL,
		  other && queued == 1 && !lab_fact(r, "device.other_interface") && lab_fact(r,
		  "device.own_interface"),
		  N_("A server bound to 10.2.0.1, the address of nic2, took a SYN for it that came in by nic1 "
		     "and answered it: Linux is a weak host. With SO_BINDTODEVICE to nic2 the same SYN got a "
		     "RST, and one that came in by nic2 was answered."));
	lab_sentence(r, TUTORIAL_ADDRESS);
	lab_evidence(r, "synack_by_other_interface", other);
	lab_evidence(r, "synack_by_other_interface_bound", lab_fact(r, "device.other_interface"));
	lab_evidence(r, "synack_by_own_interface_bound", lab_fact(r, "device.own_interface"));
}

static void judge(struct lab_run *r)
{
	judge_socket(r);
	/* __inet_lookup_skb() (include/net/inet_hashtables.h): __inet_lookup_established() first, then the listeners */
	lab_claim(r, N_("The port tells the kernel for which program a packet is."), DEPENDS,
		  N_("on whether it belongs to a connection: then both addresses and both ports decide, and "
		     "the port alone only finds who listens"),
		  lab_fact(r, "port.same") && lab_fact(r, "port.right") && !lab_fact(r, "port.left_in_queue"),
		  N_("Three connected sockets and a listener had the local port %d. What clients :%d and :%d "
		     "sent came to their own sockets, although another listener had taken the port meanwhile; "
		     "only the SYN of :%d was its."),
		  PORT, ALICE, BOB, CAROL);
	lab_sentence(r, TUTORIAL_PORT);
	lab_evidence(r, "same_local_port", lab_fact(r, "port.same"));
	lab_evidence(r, "each_its_own", lab_fact(r, "port.right"));
	judge_address(r);
}

static bool show(const struct lab_run *r, const struct lab_event *e)
{
	(void)r;
	return (e->lport == ADDRESS || e->lport == DEVICE) &&
	       (e->event == TCPTRACE_BIND || e->event == TCPTRACE_LISTEN || e->event == TCPTRACE_SYNQ_ADD ||
		e->event == TCPTRACE_SYNACK || e->event == TCPTRACE_RST_SENT);
}

const struct lab lab_address = {
	.name = "address",
	.question = N_("Which socket is a packet for: what do family, type, port and address decide?"),
	.setup = N_("Sockets of two families and two types, three connections on one port, and two network "
		    "interfaces, nic1 and nic2, with strangers behind them."),
	.shown = N_("Shown: SYNs for the address of nic2, on port 8002 for a listener bound to it, on 8003 "
		    "for one with SO_BINDTODEVICE."),
	.play = play,
	.judge = judge,
	.show = show,
};
