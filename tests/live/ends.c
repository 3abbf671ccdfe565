// SPDX-License-Identifier: GPL-2.0-only
/*
 * ends - connections that end in every way that tcptrace has a word for
 *
 * usage: ends [-6] [-o] PORT		-o: more orphans than tcp_max_orphans, which the caller sets to 0
 *
 * Each way is made by a process of its own, between two of its sockets over lo, on a port of its own from PORT on. It
 * needs neither firewall nor luck: a socket filter that takes nothing (SO_ATTACH_FILTER) makes an end deaf.
 * Prints for each, in the form "PORT SERVER CLIENT", how each end should say that it ended; "-": it has no line.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tun.h"

static int family = AF_INET, port;

static void die(const char *what)
{
	fprintf(stderr, "ends: port %d: %s: %s\n", port, what, strerror(errno));
	exit(1);
}

static void nap(int ms)
{
	poll(NULL, 0, ms);
}

static socklen_t address(struct sockaddr_storage *to)
{
	struct sockaddr_in *four = (void *)to;
	struct sockaddr_in6 *six = (void *)to;

	memset(to, 0, sizeof(*to));
	to->ss_family = (sa_family_t)family;
	if (family == AF_INET) {
		four->sin_port = htons((uint16_t)port);
		four->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return sizeof(*four);
	}
	six->sin6_port = htons((uint16_t)port);
	six->sin6_addr = in6addr_loopback;
	return sizeof(*six);
}

static void set(int fd, int level, int name, int value)
{
	if (setsockopt(fd, level, name, &value, sizeof(value)))
		die("setsockopt");
}

static void deaf(int fd)
{
	struct sock_filter nothing = { BPF_RET | BPF_K, 0, 0, 0 };
	struct sock_fprog prog = { 1, &nothing };

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)))
		die("SO_ATTACH_FILTER");
}

static void hears(int fd)
{
	set(fd, SOL_SOCKET, SO_DETACH_FILTER, 0);
}

static int listener(int backlog)
{
	int fd = socket(family, SOCK_STREAM, 0);
	struct sockaddr_storage a;
	socklen_t len = address(&a);

	set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (bind(fd, (struct sockaddr *)&a, len) || listen(fd, backlog))
		die("listen");
	return fd;
}

static int new_client(void)
{
	int fd = socket(family, SOCK_STREAM, 0);

	if (fd < 0)
		die("socket");
	return fd;
}

static int dial(int fd)
{
	struct sockaddr_storage a;
	socklen_t len = address(&a);

	return connect(fd, (struct sockaddr *)&a, len);
}

static int dial_later(void)
{
	int fd = new_client();

	fcntl(fd, F_SETFL, O_NONBLOCK);
	dial(fd);
	return fd;
}

static void send_bytes(int fd, size_t n)
{
	char bytes[4096] = { 0 };

	if (send(fd, bytes, n, MSG_NOSIGNAL) != (ssize_t)n)
		die("send");
}

static void until_end(int fd)
{
	char bytes[4096];

	while (recv(fd, bytes, sizeof(bytes), 0) > 0)
		;
}

static void reset(int fd)
{
	struct linger now = { 1, 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

static int l, c, s;		/* listener, client, the server's end of it */

static void pair(void)
{
	l = listener(8);
	c = new_client();
	if (dial(c))
		die("connect");
	s = accept(l, NULL, NULL);
	if (s < 0)
		die("accept");
}

/* ---- the ways ---- */

static void closed_by_server(void)
{
	pair();
	send_bytes(s, 7);
	close(s);
	until_end(c);
	close(c);
}

static void closed_by_client(void)
{
	pair();
	send_bytes(c, 7);
	close(c);
	until_end(s);
	close(s);
}

/* The FIN that is sent again finds the other end in FIN_WAIT1. */
static void closed_by_both(void)
{
	pair();
	deaf(s);
	deaf(c);
	shutdown(c, SHUT_WR);
	shutdown(s, SHUT_WR);
	hears(s);			/* c's comes again: s is CLOSING; c hears nothing of it and goes on */
	nap(700);
	hears(c);
	until_end(c);
	close(s);
	close(c);
	nap(300);
}

static void lingers(void)
{
	pair();
	reset(c);
	nap(50);
	close(s);
}

/* TCP_LINGER2 below 0: FIN_WAIT2 is no state to stay in; if nobody has it any more when the ACK comes, that is answered. */
static void gives_up(void)
{
	pair();
	set(s, SOL_TCP, TCP_LINGER2, -1);
	close(s);
	nap(50);
	close(c);
}

static void gives_up_later(void)
{
	pair();
	set(s, SOL_TCP, TCP_LINGER2, -1);
	shutdown(s, SHUT_WR);
	until_end(c);
	nap(50);
	close(s);
	nap(50);
	close(c);
}

static void unread(void)
{
	pair();
	send_bytes(c, 77);
	nap(50);
	recv(s, &(char[7]){ 0 }, 7, 0);
	close(s);
	nap(50);
	close(c);
}

static void disconnects(void)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	pair();
	if (connect(c, &none, sizeof(none)))
		die("connect(AF_UNSPEC)");
	nap(50);
	close(s);
}

static void late_data(void)
{
	pair();
	close(s);
	nap(100);
	send_bytes(c, 5);
	nap(100);
	close(c);
}

static void shut_late_data(void)
{
	pair();
	shutdown(s, SHUT_RDWR);
	nap(100);
	send_bytes(c, 5);
	nap(100);
	close(c);
	close(s);
}

/* The data and our FIN cross. */
static void late_data_crosses(void)
{
	pair();
	deaf(c);
	close(s);
	nap(50);
	send_bytes(c, 5);
	hears(c);
	nap(700);			/* it is sent again */
	close(c);
}

static void times_out(void)
{
	pair();
	set(s, SOL_TCP, TCP_USER_TIMEOUT, 500);
	deaf(c);
	send_bytes(s, 33);
	until_end(s);
	close(s);
	reset(c);			/* gone there: it hears nothing of that */
}

static void keepalive(void)
{
	pair();
	deaf(c);
	set(s, SOL_TCP, TCP_KEEPIDLE, 1);
	set(s, SOL_TCP, TCP_KEEPINTVL, 1);
	set(s, SOL_TCP, TCP_KEEPCNT, 1);
	set(s, SOL_SOCKET, SO_KEEPALIVE, 1);
	until_end(s);
	close(s);
	reset(c);
}

static void fin_unanswered(void)
{
	pair();
	deaf(c);
	close(s);
	nap(4000);			/* tcp_orphan_retries 1 */
	reset(c);
}

static void never_closed(void)
{
	pair();
	close(s);
	nap(3000);			/* tcp_fin_timeout 1 */
	reset(c);
}

static void reset_late(void)
{
	pair();
	close(s);
	nap(50);
	reset(c);
}

static void not_accepted(void)
{
	l = listener(8);
	c = new_client();
	dial(c);
	send_bytes(c, 5);
	nap(100);
	close(l);
	nap(50);
	close(c);
}

static void refused(void)
{
	int more;

	l = listener(0);
	c = new_client();
	dial(c);
	more = new_client();
	set(more, SOL_TCP, TCP_SYNCNT, 1);
	if (!dial(more))
		die("the queue was not full");
	close(more);
	close(c);
	nap(50);
}

static void no_listener(void)
{
	c = new_client();
	dial(c);
	close(c);
}

static void no_answer(void)
{
	l = listener(8);
	deaf(l);
	c = new_client();
	set(c, SOL_TCP, TCP_SYNCNT, 1);
	dial(c);
	close(c);
}

static void closed_after(int ms)
{
	l = listener(8);
	deaf(l);
	c = dial_later();
	nap(ms);
	close(c);
}

static void closed_early(void)
{
	closed_after(300);
}

/* Its SYN has been sent again. */
static void cancelled(void)
{
	closed_after(1300);
}

static void not_sent(void)
{
	struct sockaddr_in nowhere = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

	inet_aton("203.0.113.1", &nowhere.sin_addr);
	c = socket(AF_INET, SOCK_STREAM, 0);
	if (!connect(c, (struct sockaddr *)&nowhere, sizeof(nowhere)))
		die("there is a route");
	close(c);
}

/* On a link with no neighbour: ARP fails after 3 s, and so does connect(), by arp_error_report(). */
static void unreachable(void)
{
	struct sockaddr_in nobody = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

	if (tun_open("ends0", IFF_TAP, "10.96.0.1") < 0)
		die("TAP device");
	inet_aton("10.96.0.2", &nobody.sin_addr);
	c = socket(AF_INET, SOCK_STREAM, 0);
	if (!connect(c, (struct sockaddr *)&nobody, sizeof(nobody)))
		die("somebody answered");
	close(c);
}

static int half_open(void)
{
	int fd = new_client();

	l = listener(8);
	deaf(fd);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	set(fd, SOL_TCP, TCP_SYNCNT, 1);
	dial(fd);
	nap(50);
	return fd;
}

/* tcp_synack_retries 1 */
static void expired(void)
{
	c = half_open();
	nap(8000);
	close(c);
}

/* The SYN-ACK that comes again finds no socket. */
static void syn_reset(void)
{
	c = half_open();
	close(c);
	nap(1500);
}

static void syn_killed(void)
{
	c = half_open();
	close(l);
	nap(50);
	close(c);
}

/* Its third packet comes when the queue has become full. */
static void ghost(void)
{
	int first;

	l = listener(0);
	c = new_client();
	deaf(c);
	fcntl(c, F_SETFL, O_NONBLOCK);
	dial(c);
	nap(50);
	first = new_client();
	if (dial(first))
		die("connect");
	hears(c);
	nap(6000);
	reset(c);
	close(first);
}

/* tcp_max_orphans 0, which the kernel compares with a sum that is a little late: the first ones get through. */
static void orphans(bool theirs)
{
	int all[80];

	for (int i = 0; i < 80; i++) {
		pair();
		if (theirs)
			shutdown(c, SHUT_WR);
		deaf(c);
		close(l);
		all[i] = c;
		if (i == 39)
			nap(300);
		close(s);
	}
	nap(3000);
	for (int i = 0; i < 80; i++)
		reset(all[i]);
}

static void our_orphans(void)
{
	orphans(false);
}

static void their_orphans(void)
{
	orphans(true);
}

static const struct way {
	void (*make)(void);
	const char *server, *client;	/* of several connections the last; '?': not every mechanism tells */
} ways[] = {
	{ closed_by_server, "closed-by-us", "closed-by-them" },
	{ closed_by_client, "closed-by-them", "closed-by-us" },
	{ closed_by_both, "closed-by-both", "*" },
	{ lingers, "reset-by-them", "reset-linger" },
	{ unread, "reset-unread", "reset-by-them" },
	{ disconnects, "reset-by-them", "reset-disconnect" },
	{ late_data, "reset-late-data", "reset-by-them" },
	{ shut_late_data, "reset-late-data", "reset-by-them" },
	{ late_data_crosses, "reset-late-data", "reset-by-them" },
	{ times_out, "timed-out", "reset-linger" },
	{ keepalive, "keepalive", "reset-linger" },
	{ fin_unanswered, "fin-unanswered", "reset-linger" },
	{ never_closed, "never-closed", "reset-linger" },
	{ reset_late, "reset-by-them?", "reset-linger" },
	{ not_accepted, "not-accepted", "reset-by-them" },
	{ refused, "refused", "no-answer" },
	{ no_listener, "-", "no-listener" },
	{ no_answer, "-", "no-answer" },
	{ cancelled, "-", "cancelled" },
	{ closed_early, "-", "closed-early" },
	{ not_sent, "-", "not-sent" },
	{ unreachable, "-", "unreachable" },
	{ expired, "expired", "no-answer" },
	{ syn_reset, "syn-reset", "closed-early" },
	{ syn_killed, "syn-killed", "closed-early" },
	{ ghost, "ghost", "reset-linger" },
	{ gives_up, "reset-by-us", "reset-by-them" },
	{ gives_up_later, "reset-linger", "reset-by-them" },
}, orphan_ways[] = {
	{ our_orphans, "reset-memory", "reset-linger" },
	{ their_orphans, "reset-memory", "*" },
};

int main(int argc, char **argv)
{
	int from = atoi(argv[argc - 1]), status, bad = 0;
	unsigned int n = sizeof(ways) / sizeof(ways[0]);
	const struct way *way = ways;

	for (int opt; (opt = getopt(argc, argv, "6o")) != -1;) {
		if (opt == '6') {
			family = AF_INET6;
		} else {
			way = orphan_ways;
			n = sizeof(orphan_ways) / sizeof(orphan_ways[0]);
		}
	}
	for (unsigned int i = 0; i < n; i++, way++) {
		port = from + (int)i;
		if (way->make == unreachable && access("/dev/net/tun", R_OK))
			continue;
		printf("%d %s %s\n", port, way->server, way->client);
		fflush(stdout);
		if (!fork()) {
			way->make();
			exit(0);
		}
	}
	while (wait(&status) > 0)
		bad |= status;
	return bad ? 1 : 0;
}
