// SPDX-License-Identifier: GPL-2.0-only
/*
 * load - connections opened and closed as fast as loopback allows
 *
 * Acceptors and connectors are threads of one process, so its CPU time is the
 * cost of both ends. Connections go to many addresses of 127/8 (fd7f::/64),
 * one listening port of the kernel's choice, so local ports never run out. A
 * connector lets the acceptors catch up when 1,000 connections wait
 * ("throttled"), so no SYN is refused.
 */
#define _GNU_SOURCE
#include "net.h"

#include <limits.h>
#include <pthread.h>
#include <sched.h>

#define MAX_THREADS	64
#define MAX_WAITING	1000
#define PER_ADDRESS	8192	/* connections to one address, of 28,232 local ports */

static struct {
	long count;
	int port, acceptors, connectors, echo, timeout, spread;
	bool v6, reuseport, rst, client_first, wait;
	int cpus[MAX_THREADS], ncpus;
} opt = { .count = 10007, .acceptors = 1, .connectors = 1, .timeout = 60,
	  .client_first = true };

static struct {
	long next, connects, accepts, errors, throttled, bytes;
	uint64_t start_ns, end_ns;
	struct rusage before;
} run;

static int listener[MAX_THREADS];
static pthread_barrier_t go;

#define COUNT(what, n)	__atomic_add_fetch(&run.what, n, __ATOMIC_RELAXED)
#define LOOK(what)	__atomic_load_n(&run.what, __ATOMIC_RELAXED)

static long usec(const struct timeval *a, const struct timeval *b)
{
	return (b->tv_sec - a->tv_sec) * 1000000 + b->tv_usec - a->tv_usec;
}

static void report(void)
{
	uint64_t ns = (run.end_ns ? run.end_ns : now_ns()) - run.start_ns;
	struct rusage after;

	getrusage(RUSAGE_SELF, &after);
	dprintf(STDOUT_FILENO, "wall_ns=%lu cpu_user_us=%ld cpu_sys_us=%ld connects=%ld accepts=%ld "
		"errors=%ld throttled=%ld bytes=%ld conn_per_s=%.0f port=%d pid=%d\n",
		(unsigned long)ns, usec(&run.before.ru_utime, &after.ru_utime),
		usec(&run.before.ru_stime, &after.ru_stime), run.connects, run.accepts,
		run.errors, run.throttled, run.bytes,
		ns ? run.accepts * 1e9 / ns : 0.0, opt.port, getpid());
}

static int listen_one(void)
{
	union address a = address_parse(opt.v6 ? "::" : "0.0.0.0", opt.port, false);
	int fd = socket(a.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	socklen_t len = address_len(&a);

	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (opt.reuseport)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	if (bind(fd, &a.sa, len) || listen(fd, 4096))
		die("listen on port %d", opt.port);
	getsockname(fd, &a.sa, &len);
	opt.port = ntohs(a.v4.sin_port);
	return fd;
}

static void pin(int thread)
{
	cpu_set_t set;

	if (!opt.ncpus)
		return;
	CPU_ZERO(&set);
	CPU_SET(opt.cpus[thread % opt.ncpus], &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("--pin %d", opt.cpus[thread % opt.ncpus]);
}

/* ---- both ends ---- */

static bool read_fully(int fd, char *buf, int size)
{
	for (int got = 0; got < size;) {
		ssize_t n = read(fd, buf, size - got);

		if (n <= 0)
			return false;
		got += n;
	}
	return true;
}

static bool send_fully(int fd, const char *buf, int size)
{
	return send(fd, buf, size, MSG_NOSIGNAL) == size;
}

static bool exchange(int fd, bool first)
{
	static __thread char buf[65536];

	if (first && !send_fully(fd, buf, opt.echo))
		return false;
	if (!read_fully(fd, buf, opt.echo))
		return false;
	if (!first)
		return send_fully(fd, buf, opt.echo);
	COUNT(bytes, opt.echo);
	return true;
}

/* A reset is an end like another here. */
static void read_to_end(int fd)
{
	char buf[256];

	while (read(fd, buf, sizeof(buf)) > 0)
		;
}

static void *acceptor(void *arg)
{
	int i = (intptr_t)arg, fd;

	pin(i);
	pthread_barrier_wait(&go);
	while (LOOK(accepts) < opt.count) {
		fd = accept4(listener[opt.reuseport ? i : 0], NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			break;		/* shut down: all is done */
		COUNT(accepts, 1);
		if (opt.echo && !exchange(fd, false))
			COUNT(errors, 1);
		if (opt.client_first)
			read_to_end(fd);
		close(fd);
	}
	return NULL;
}

static void throttle(void)
{
	if (LOOK(connects) - LOOK(accepts) < MAX_WAITING)
		return;
	COUNT(throttled, 1);
	while (LOOK(connects) - LOOK(accepts) > MAX_WAITING / 2)
		sleep_us(50);
}

static union address target(long i)
{
	union address a = address_parse(!opt.v6 ? "127.0.0.1" : opt.spread > 1 ? "fd7f::1" : "::1",
					opt.port, false);

	address_add(&a, i % opt.spread);
	return a;
}

static void connect_one(long i)
{
	struct linger l = { 1, 0 };
	union address a = target(i);
	int fd = socket(a.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	if (opt.rst)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	if (connect(fd, &a.sa, address_len(&a)))
		die("connection %ld", i);
	COUNT(connects, 1);
	if (opt.echo && !exchange(fd, true))
		COUNT(errors, 1);
	if (!opt.client_first)
		read_to_end(fd);
	close(fd);
}

static void *connector(void *arg)
{
	long i;

	pin((intptr_t)arg);
	pthread_barrier_wait(&go);
	while ((i = COUNT(next, 1)) <= opt.count) {
		throttle();
		connect_one(i);
	}
	return NULL;
}

static void wait_for_line(void)
{
	char c;

	while (read(STDIN_FILENO, &c, 1) == 1 && c != '\n')
		;
}

static void run_threads(void)
{
	int n = opt.acceptors + opt.connectors;
	pthread_t t[2 * MAX_THREADS];

	pthread_barrier_init(&go, NULL, n + 1);
	for (intptr_t i = 0; i < n; i++) {
		if (pthread_create(&t[i], NULL, i < opt.acceptors ? acceptor : connector,
				   (void *)i))
			die("pthread_create");
	}
	say_ready();
	if (opt.wait)
		wait_for_line();
	getrusage(RUSAGE_SELF, &run.before);
	run.start_ns = now_ns();
	pthread_barrier_wait(&go);
	for (int i = opt.acceptors; i < n; i++)
		pthread_join(t[i], NULL);
	while (LOOK(accepts) < opt.count)
		sleep_us(100);
	run.end_ns = now_ns();
	for (int i = 0; i < (opt.reuseport ? opt.acceptors : 1); i++)
		shutdown(listener[i], SHUT_RDWR);
	for (int i = 0; i < opt.acceptors; i++)
		pthread_join(t[i], NULL);
}

/* ---- options ---- */

static const char usage[] =
"usage: load [OPTIONS]\n"
"  --count N (10007)   --acceptors N (1)   --connectors N (1)   -6   --timeout S (60)\n"
"  --reuseport         each acceptor has a listener of its own (else they share one)\n"
"  --close-first client|server (client)    who closes first, and so keeps TIME_WAIT\n"
"  --echo BYTES        echo so many before the close\n"
"  --rst               the client closes with a reset\n"
"  --port N            (the kernel's choice)\n"
"  --addresses N       spread over N addresses (one for every 8,192 connections;\n"
"                      IPv6: more than one makes fd7f::/64 local in this namespace)\n"
"  --pin CPU[,CPU...]  thread by thread, the acceptors first\n"
"  --wait              begin when a line comes on standard input, after READY\n";

static const struct option options[] = {
	{ "count", 1, 0, 'n' },	     { "acceptors", 1, 0, 'a' }, { "connectors", 1, 0, 'c' },
	{ "reuseport", 0, 0, 'r' },  { "close-first", 1, 0, 'f' }, { "echo", 1, 0, 'e' },
	{ "rst", 0, 0, 'R' },	     { "port", 1, 0, 'p' },	{ "addresses", 1, 0, 'A' },
	{ "pin", 1, 0, 'P' },	     { "wait", 0, 0, 'w' },	{ "timeout", 1, 0, 't' },
	{ "help", 0, 0, 'h' },
	{ 0 },
};

static void parse_pin(char *list)
{
	char *cpu;

	while ((cpu = strsep(&list, ",")) && opt.ncpus < MAX_THREADS)
		opt.cpus[opt.ncpus++] = number("--pin", cpu, 0, CPU_SETSIZE - 1);
}

static bool parse_close_first(const char *who)
{
	if (strcmp(who, "client") && strcmp(who, "server"))
		wrong_usage("--close-first client or server, not '%s'", who);
	return *who == 'c';
}

static void parse_one(int c)
{
	switch (c) {
	case '6': opt.v6 = true; break;
	case 'n': opt.count = number("--count", optarg, 1, LONG_MAX); break;
	case 'a': opt.acceptors = number("--acceptors", optarg, 1, MAX_THREADS); break;
	case 'c': opt.connectors = number("--connectors", optarg, 1, MAX_THREADS); break;
	case 'r': opt.reuseport = true; break;
	case 'f': opt.client_first = parse_close_first(optarg); break;
	case 'e': opt.echo = number("--echo", optarg, 1, 65536); break;
	case 'R': opt.rst = true; break;
	case 'p': opt.port = number("--port", optarg, 0, 65535); break;
	case 'A': opt.spread = number("--addresses", optarg, 1, 1 << 20); break;
	case 'w': opt.wait = true; break;
	case 'P': parse_pin(optarg); break;
	case 't': opt.timeout = number("--timeout", optarg, 1, 3600); break;
	case 'h': fputs(usage, stdout); exit(0);
	default: _exit(EXIT_USAGE);
	}
}

static void parse(int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "6h", options, NULL)) != -1)
		parse_one(c);
	if (optind < argc)
		wrong_usage("what is '%s'?", argv[optind]);
	if (opt.rst && !opt.client_first)
		wrong_usage("--rst is the client's close: not with --close-first server");
	if (!opt.spread)
		opt.spread = 1 + opt.count / PER_ADDRESS;
	limit_time(opt.timeout);
}

static void make_addresses(void)
{
	if (!opt.v6 || opt.spread == 1)
		return;
	errno = -make_fd7f_local();
	if (errno)
		die("make fd7f::/64 local on lo (root, in a namespace of its own?)");
}

int main(int argc, char **argv)
{
	parse(argc, argv);
	bring_lo_up();
	raise_file_limit();
	make_addresses();
	for (int i = 0; i < (opt.reuseport ? opt.acceptors : 1); i++)
		listener[i] = listen_one();
	run_threads();
	report();
	return run.errors ? EXIT_FAILURE : EXIT_SUCCESS;
}
