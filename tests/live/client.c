// SPDX-License-Identifier: GPL-2.0-only
/*
 * client - connects COUNT times and says what came of it
 *
 * --parallel threads connect one after the other, blocking (or not, with
 * --nonblock); a connection is closed by us, or with --wait-close once the
 * server has closed it. --burst opens N connections at once from one thread
 * and waits until the server has closed them all, for peaks of the queues.
 * The counts of the final line add up to the connections tried.
 */
#define _GNU_SOURCE
#include "net.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>

#define MAX_BURST	4096

static struct {
	int count, parallel, bytes, timeout_ms, burst, rounds, from_bits;
	bool v4, v6, mapped, hold, rst, nonblock, half_close, wait_close, from_set, repair;
	union address to, from;
} opt = { .count = 1, .parallel = 1, .timeout_ms = 5000, .rounds = 1 };

static struct {
	long tried, ok, refused, timeout, reset, other, bytes;
	uint64_t max_ns;
} total;

static int *held;
static pthread_barrier_t go;

#define COUNT(what, n)	__atomic_fetch_add(&total.what, n, __ATOMIC_RELAXED)

static void report(void)
{
	dprintf(STDOUT_FILENO, "tried=%ld ok=%ld refused=%ld timeout=%ld reset=%ld other=%ld "
		"bytes=%ld connect_max_us=%lu pid=%d\n", total.tried, total.ok, total.refused,
		total.timeout, total.reset, total.other, total.bytes,
		(unsigned long)total.max_ns / 1000, getpid());
}

/* Connection @i's own address, all over --from's network. */
static void bind_from(int fd, int i)
{
	uint64_t room = opt.from_bits >= 32 ? UINT32_MAX : (1ull << opt.from_bits) - 2;
	union address from = opt.from;
	int one = 1;

	address_add(&from, opt.from_bits ? 1 + i % room : 0);
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &one, sizeof(one));
	if (bind(fd, &from.sa, address_len(&from)))
		die("bind a source address");
}

static int open_socket(int i, bool nonblock)
{
	struct timeval tv = { opt.timeout_ms / 1000, opt.timeout_ms % 1000 * 1000 };
	struct linger l = { 1, 0 };
	int on = 1, fd = socket(opt.to.sa.sa_family,
			SOCK_STREAM | SOCK_CLOEXEC | (nonblock ? SOCK_NONBLOCK : 0), 0);

	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	if (opt.rst)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	if (opt.repair && setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)))
		die("TCP_REPAIR");
	if (opt.from_set)
		bind_from(fd, i);
	COUNT(tried, 1);
	return fd;
}

static void count_error(int err)
{
	if (err == ECONNREFUSED)
		COUNT(refused, 1);
	else if (err == ETIMEDOUT || err == EINPROGRESS || err == EAGAIN)
		COUNT(timeout, 1);
	else if (err == ECONNRESET || err == EPIPE)
		COUNT(reset, 1);
	else
		COUNT(other, 1);
}

static int wait_connected(int fd, int timeout_ms)
{
	struct pollfd p = { fd, POLLOUT, 0 };
	socklen_t len = sizeof(int);
	int err = 0;

	if (poll(&p, 1, timeout_ms) <= 0)
		return ETIMEDOUT;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	return err;
}

static int connect_one(int fd)
{
	uint64_t start = now_ns(), ns;
	int err = connect(fd, &opt.to.sa, address_len(&opt.to)) ? errno : 0;

	if (err == EINPROGRESS && opt.nonblock)
		err = wait_connected(fd, opt.timeout_ms);
	ns = now_ns() - start;
	if (ns > total.max_ns)
		total.max_ns = ns;
	return err;
}

/* Sends and expects it back, a part at a time; returns 0 or errno. */
static int exchange(int fd)
{
	char buf[16384];
	int got = 0, sent = 0;
	ssize_t n;

	memset(buf, 'x', sizeof(buf));
	while (got < opt.bytes) {
		if (sent == got) {
			int left = opt.bytes - sent;

			n = send(fd, buf, left < (int)sizeof(buf) ? left : (int)sizeof(buf),
				 MSG_NOSIGNAL);
			if (n < 0)
				return errno;
			sent += n;
		}
		n = recv(fd, buf, sizeof(buf), 0);
		if (n <= 0)
			return n ? errno : ECONNRESET;
		got += n;
	}
	COUNT(bytes, got);
	return 0;
}

static int wait_closed(int fd)
{
	char buf[4096];
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0)
		;
	return n ? errno : 0;
}

static void one(int i)
{
	int fd = open_socket(i, opt.nonblock);
	int err = connect_one(fd);

	if (!err && opt.bytes)
		err = exchange(fd);
	if (!err && opt.half_close)
		err = shutdown(fd, SHUT_WR) ? errno : 0;
	if (!err && opt.wait_close && !opt.hold)
		err = wait_closed(fd);
	if (err)
		count_error(err);
	else
		COUNT(ok, 1);
	if (opt.hold && !err)
		held[i] = fd;
	else
		close(fd);
}

static void *thread_main(void *unused)
{
	static int next;
	int i;

	pthread_barrier_wait(&go);
	while ((i = __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED)) < opt.count)
		one(i);
	return unused;
}

static void run_threads(void)
{
	pthread_t t[opt.parallel];
	pthread_attr_t attr;

	pthread_barrier_init(&go, NULL, opt.parallel);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 256 * 1024);
	for (int i = 1; i < opt.parallel; i++) {
		if (pthread_create(&t[i], &attr, thread_main, NULL))
			die("pthread_create");
	}
	say_ready();
	thread_main(NULL);
	for (int i = 1; i < opt.parallel; i++)
		pthread_join(t[i], NULL);
}

/* Until the server has closed it: an end of file, or an error. */
static void finish_burst(struct pollfd *p)
{
	socklen_t len = sizeof(int);
	int err = 0;

	if (p->fd < 0)
		return;
	p->events = POLLIN;
	if (poll(p, 1, opt.timeout_ms) <= 0)
		err = ETIMEDOUT;
	else
		getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &err, &len);
	if (!err)
		err = wait_closed(p->fd);
	if (err)
		count_error(err);
	else
		COUNT(ok, 1);
	close(p->fd);
}

static void burst(int round)
{
	static struct pollfd p[MAX_BURST];
	int i;

	for (i = 0; i < opt.burst; i++) {
		p[i].fd = open_socket(round * opt.burst + i, true);
		if (connect(p[i].fd, &opt.to.sa, address_len(&opt.to)) && errno != EINPROGRESS) {
			count_error(errno);
			close(p[i].fd);
			p[i].fd = -1;
		}
	}
	for (i = 0; i < opt.burst; i++)
		finish_burst(&p[i]);
}

/* Opens them all before it waits for any of them: none is sent late because another one waits. All have the same time. */
static void hold_burst(void)
{
	uint64_t until = now_ns() + opt.timeout_ms * 1000000ull, now;
	int *fd = held;
	int i, err;

	for (i = 0; i < opt.burst; i++) {
		fd[i] = open_socket(i, true);
		if (connect(fd[i], &opt.to.sa, address_len(&opt.to)) && errno != EINPROGRESS) {
			count_error(errno);
			close(fd[i]);
			fd[i] = 0;
		}
	}
	for (i = 0; i < opt.burst; i++) {
		now = now_ns();
		err = fd[i] ? wait_connected(fd[i], now < until ? (until - now) / 1000000 : 0) : 0;
		if (err)
			count_error(err);
		else if (fd[i])
			COUNT(ok, 1);
	}
	opt.count = opt.burst;
}

static void run_held(void)
{
	char c;

	dprintf(STDOUT_FILENO, "HELD %ld\n", total.ok);
	while (read(STDIN_FILENO, &c, 1) == 1 && c != '\n')
		;
	for (int i = 0; i < opt.count; i++) {
		if (held[i])
			close(held[i]);
	}
}

/* ---- options ---- */

static const char usage[] =
"usage: client [OPTIONS] ADDRESS PORT\n"
"  --count N (1)   --parallel N (1)   --timeout S (30)   --timeout-ms N  of a connection (5000)\n"
"  -4 -6           refuse an ADDRESS of the other family\n"
"  --mapped        an IPv4 address through an IPv6 socket\n"
"  --nonblock      connect() returns EINPROGRESS\n"
"  --from NET/LEN  source addresses all over NET (127.0.0.0/8)\n"
"  --bytes N       send N, expect them back      --rst         close with a reset\n"
"  --wait-close    let the server close first    --hold        say HELD N, keep all open\n"
"                                                              until a line on standard input\n"
"  --half-close    shutdown(SHUT_WR) first       --repair      as CRIU restores: connected, and nothing is sent\n"
"  --burst N --rounds R   open N at once, wait until the server closed them, R times;\n"
"                         with --hold keep them, once\n";

static const struct option options[] = {
	{ "count", 1, 0, 'n' },	     { "parallel", 1, 0, 'P' }, { "mapped", 0, 0, 'm' },
	{ "hold", 0, 0, 'H' },	     { "bytes", 1, 0, 'b' },	{ "rst", 0, 0, 'r' },
	{ "nonblock", 0, 0, 'N' },   { "timeout-ms", 1, 0, 'T' }, { "from", 1, 0, 'f' },
	{ "burst", 1, 0, 'B' },	     { "rounds", 1, 0, 'R' },	{ "wait-close", 0, 0, 'w' },
	{ "timeout", 1, 0, 't' },    { "help", 0, 0, 'h' },	{ "half-close", 0, 0, 's' },
	{ "repair", 0, 0, 'p' },
	{ 0 },
};

static void parse_from(char *text)
{
	char *len = strchr(text, '/');
	int bits;

	if (len)
		*len++ = 0;
	opt.from = address_parse(text, 0, opt.mapped);
	bits = opt.from.sa.sa_family == AF_INET ? 32 : 128;
	if (opt.mapped)
		bits = 32;
	opt.from_bits = len ? bits - number("--from NET/LEN", len, 1, bits) : 0;
	opt.from_set = true;
}

static void parse_one(int c, int *timeout)
{
	switch (c) {
	case '4': opt.v4 = true; break;
	case '6': opt.v6 = true; break;
	case 'n': opt.count = number("--count", optarg, 1, 10000000); break;
	case 'P': opt.parallel = number("--parallel", optarg, 1, 1024); break;
	case 'm': opt.mapped = true; break;
	case 'H': opt.hold = true; break;
	case 'b': opt.bytes = number("--bytes", optarg, 1, 1 << 30); break;
	case 'r': opt.rst = true; break;
	case 'N': opt.nonblock = true; break;
	case 'T': opt.timeout_ms = number("--timeout-ms", optarg, 1, 600000); break;
	case 'B': opt.burst = number("--burst", optarg, 1, MAX_BURST); break;
	case 'R': opt.rounds = number("--rounds", optarg, 1, 1000000); break;
	case 'w': opt.wait_close = true; break;
	case 's': opt.half_close = true; break;
	case 'p': opt.repair = true; break;
	case 't': *timeout = number("--timeout", optarg, 1, 3600); break;
	case 'h': fputs(usage, stdout); exit(0);
	default: _exit(EXIT_USAGE);
	}
}

static void parse(int argc, char **argv)
{
	int c, timeout = 30;
	char *from = NULL;

	while ((c = getopt_long(argc, argv, "46h", options, NULL)) != -1) {
		if (c == 'f')
			from = optarg;
		else
			parse_one(c, &timeout);
	}
	if (argc - optind != 2)
		wrong_usage("which ADDRESS and PORT?");
	opt.to = address_parse(argv[optind], number("port", argv[optind + 1], 1, 65535), opt.mapped);
	if (opt.to.sa.sa_family == AF_INET ? opt.v6 : opt.v4)
		wrong_usage("'%s' is of the other family", argv[optind]);
	if (from)
		parse_from(from);
	if (opt.from_set && opt.from.sa.sa_family != opt.to.sa.sa_family)
		wrong_usage("--from is of the other family");
	limit_time(timeout);
}

int main(int argc, char **argv)
{
	parse(argc, argv);
	bring_lo_up();
	raise_file_limit();
	held = calloc(opt.burst ? opt.burst : opt.count, sizeof(*held));
	if (!held)
		die("calloc");
	if (opt.burst && opt.hold) {
		say_ready();
		hold_burst();
		run_held();
	} else if (opt.burst) {
		say_ready();
		for (int i = 0; i < opt.rounds; i++)
			burst(i);
	} else {
		run_threads();
		if (opt.hold)
			run_held();
	}
	report();
	return EXIT_SUCCESS;
}
