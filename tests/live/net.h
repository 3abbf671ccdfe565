/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * net.h - what the traffic programs of the live tests share
 *
 * The clock, numbers from the command line, the ready line, the time limit
 * (exit 3, with the final line still printed) and addresses. Standard output
 * is written with dprintf() only, so that each line leaves at once and a
 * forked child repeats none.
 */
#ifndef LIVE_NET_H
#define LIVE_NET_H

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, EXIT_TIMEOUT = 3 };

#define MAYBE_UNUSED	__attribute__((unused))
#define PRINTF(f, a)	__attribute__((format(printf, f, a)))

union address {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* The program's final line; also printed when time is up. */
static void report(void);

MAYBE_UNUSED static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

MAYBE_UNUSED static void sleep_us(uint64_t us)
{
	struct timespec ts = { us / 1000000, us % 1000000 * 1000 };

	nanosleep(&ts, NULL);
}

PRINTF(2, 3) MAYBE_UNUSED static void complain(const char *why, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "%s%s\n", why ? ": " : "", why ? why : "");
}

#define die(...)							\
	do {								\
		complain(strerror(errno), __VA_ARGS__);			\
		_exit(EXIT_FAILURE);					\
	} while (0)

#define wrong_usage(...)						\
	do {								\
		complain(NULL, __VA_ARGS__);				\
		_exit(EXIT_USAGE);					\
	} while (0)

MAYBE_UNUSED static long number(const char *what, const char *text, long min, long max)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 0);
	if (errno || end == text || *end || n < min || n > max)
		wrong_usage("%s: '%s' is not a number from %ld to %ld", what, text, min, max);
	return n;
}

MAYBE_UNUSED static void say_ready(void)
{
	dprintf(STDOUT_FILENO, "READY\n");
}

MAYBE_UNUSED static void time_is_up(int sig)
{
	static const char text[] = "time is up\n";

	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	(void)sig;
	report();
	_exit(EXIT_TIMEOUT);
}

MAYBE_UNUSED static void limit_time(unsigned int seconds)
{
	signal(SIGALRM, time_is_up);
	signal(SIGPIPE, SIG_IGN);
	alarm(seconds);
}

MAYBE_UNUSED static void raise_file_limit(void)
{
	struct rlimit r;

	if (!getrlimit(RLIMIT_NOFILE, &r)) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

/* A new network namespace has its loopback down. */
MAYBE_UNUSED static void bring_lo_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	if (!ioctl(fd, SIOCGIFFLAGS, &ifr) && !(ifr.ifr_flags & IFF_UP)) {
		ifr.ifr_flags |= IFF_UP;
		if (ioctl(fd, SIOCSIFFLAGS, &ifr))
			complain(strerror(errno), "bring lo up");
	}
	close(fd);
}

MAYBE_UNUSED static socklen_t address_len(const union address *a)
{
	return a->sa.sa_family == AF_INET6 ? sizeof(a->v6) : sizeof(a->v4);
}

/* @mapped: an IPv4 address as an IPv6 socket knows it, ::ffff:a.b.c.d */
MAYBE_UNUSED static union address address_parse(const char *text, int port, bool mapped)
{
	union address a = { .sa.sa_family = AF_INET };
	char v6[INET6_ADDRSTRLEN + 8];

	a.v4.sin_port = htons(port);
	if (!mapped && inet_pton(AF_INET, text, &a.v4.sin_addr) == 1)
		return a;
	snprintf(v6, sizeof(v6), "%s%s", mapped ? "::ffff:" : "", text);
	a.v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port) };
	if (inet_pton(AF_INET6, v6, &a.v6.sin6_addr) != 1)
		wrong_usage("'%s' is not an address", text);
	return a;
}

/* The nth address after @a, so that each gives 28,000 more local ports. */
MAYBE_UNUSED static void address_add(union address *a, uint32_t n)
{
	uint32_t low, *last = a->sa.sa_family == AF_INET6 ?
		&a->v6.sin6_addr.s6_addr32[3] : &a->v4.sin_addr.s_addr;

	low = ntohl(*last);
	*last = htonl(low + n);
}

/* One rtnetlink request; returns 0 or -errno. */
MAYBE_UNUSED static int netlink_request(const struct nlmsghdr *req)
{
	struct { struct nlmsghdr nh; struct nlmsgerr err; char rest[512]; } ack = {0};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0 || send(fd, req, req->nlmsg_len, 0) < 0 ||
	    recv(fd, &ack, sizeof(ack), 0) < (ssize_t)NLMSG_LENGTH(sizeof(int)))
		ack.err.error = -errno;
	if (fd >= 0)
		close(fd);
	return ack.err.error;
}

/* Of a /64. By netlink, because of IFA_F_NODAD: usable at once. */
MAYBE_UNUSED static int add_address6(const char *dev, struct in6_addr address)
{
	struct {
		struct nlmsghdr nh;
		struct ifaddrmsg ifa;
		struct rtattr head;
		struct in6_addr local;
	} req = {
		.nh = { sizeof(req), RTM_NEWADDR,
			NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE, 1, 0 },
		.ifa = { AF_INET6, 64, IFA_F_NODAD | IFA_F_PERMANENT, RT_SCOPE_UNIVERSE,
			 if_nametoindex(dev) },
		.head = { RTA_LENGTH(sizeof(struct in6_addr)), IFA_LOCAL },
		.local = address,
	};

	return netlink_request(&req.nh);
}

/*
 * Make fd7f::/64 local, as 127/8 is: a route of type local on lo, for benches
 * in a private namespace.
 */
MAYBE_UNUSED static int make_fd7f_local(void)
{
	struct {
		struct nlmsghdr nh;
		struct rtmsg rt;
		struct rtattr dst_head;
		struct in6_addr dst;
		struct rtattr oif_head;
		int oif;
	} req = {
		.nh = { sizeof(req), RTM_NEWROUTE,
			NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE, 1, 0 },
		.rt = { .rtm_family = AF_INET6, .rtm_dst_len = 64,
			.rtm_table = RT_TABLE_LOCAL, .rtm_protocol = RTPROT_STATIC,
			.rtm_scope = RT_SCOPE_HOST, .rtm_type = RTN_LOCAL },
		.dst_head = { RTA_LENGTH(sizeof(struct in6_addr)), RTA_DST },
		.oif_head = { RTA_LENGTH(sizeof(int)), RTA_OIF },
		.oif = if_nametoindex("lo"),
	};
	int err;

	inet_pton(AF_INET6, "fd7f::", &req.dst);
	err = netlink_request(&req.nh);
	return err == -EEXIST ? 0 : err;
}

#endif
